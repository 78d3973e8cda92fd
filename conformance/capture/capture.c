// SPDX-License-Identifier: Apache-2.0

#include "capture/state.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

const struct capture_limits capture_limits_default = {
    .flows = 65536,
    .half_open = 32768,
    .side_octets = 1 << 20,
    .side_segments = 4096,
    .held_octets = 64 << 20,
    .fragment_octets = 4 << 20,
    .fragment_seconds = 30,
    .closed_seconds = 240,
    .compare_octets = 256 << 10,
    .reorder_packets = 64,
    .reorder_microseconds = 10000,
};

#define CAPTURE_X(name, text) text,
static const char *const close_names[] = {CAPTURE_CLOSES(CAPTURE_X)};
static const char *const note_names[] = {CAPTURE_NOTES(CAPTURE_X)};
static const char *const status_names[] = {CAPTURE_STATUSES(CAPTURE_X)};
#undef CAPTURE_X

const char *capture_close_name(enum capture_close why) {
    return close_names[why];
}

const char *capture_note_name(enum capture_note kind) {
    return note_names[kind];
}

const char *capture_status_name(enum capture_status status) {
    return status_names[status];
}

void capture_endpoint_set(struct capture_endpoint *endpoint, uint8_t family, const uint8_t *addr,
                          uint16_t port) {
    memset(endpoint, 0, sizeof *endpoint);
    endpoint->family = family;
    endpoint->port = port;
    memcpy(endpoint->addr, addr, family == 4 ? 4 : 16);
}

const char *capture_endpoint_format(const struct capture_endpoint *endpoint,
                                    char text[CAPTURE_ENDPOINT_TEXT]) {
    char addr[INET6_ADDRSTRLEN] = "";

    if (endpoint->family == 4) {
        inet_ntop(AF_INET, endpoint->addr, addr, sizeof addr);
        snprintf(text, CAPTURE_ENDPOINT_TEXT, "%s:%u", addr, (unsigned)endpoint->port);
    } else {
        inet_ntop(AF_INET6, endpoint->addr, addr, sizeof addr);
        snprintf(text, CAPTURE_ENDPOINT_TEXT, "[%s]:%u", addr, (unsigned)endpoint->port);
    }
    return text;
}

int capture_error_format(const struct capture_error *error, const char *name, char *line,
                         size_t size) {
    if (error->offset < 0)
        return snprintf(line, size, "%s: %s", name, error->text);
    return snprintf(line, size, "%s: offset %lld: %s", name, (long long)error->offset, error->text);
}

void capture_say(struct capture *capture, enum capture_note kind, struct capture_flow_state *flow,
                 const struct capture_stamp *stamp, const char *format, ...) {
    uint32_t *said = flow ? &flow->said : &capture->said;
    uint32_t bit = UINT32_C(1) << kind;
    char text[256];
    va_list arguments;

    if ((*said & bit) != 0)
        return;
    *said |= bit;
    if (!capture->handler.note)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    capture->handler.note(capture->handler.ctx, kind, flow ? &flow->shown : NULL, text, stamp);
}

void capture_malformed(struct capture *capture, const struct capture_stamp *stamp,
                       const char *what) {
    capture->stats.malformed++;
    capture_say(capture, CAPTURE_NOTE_MALFORMED, NULL, stamp, "malformed packet: %s", what);
}

// Multiply-shift with random 64-bit multipliers is strongly universal (Dietzfelbinger 1996): any
// two keys collide with probability 2^-32, and whoever wrote the capture cannot know the
// multipliers, so chains stay short for chosen keys too. Nothing that is reported depends on the
// hash.
uint32_t capture_hash(const struct capture *capture, const struct capture_key *key) {
    uint64_t sum = capture->multiplier[CAPTURE_KEY_WORDS];

    for (size_t i = 0; i < CAPTURE_KEY_WORDS; i++)
        sum += capture->multiplier[i] * key->word[i];
    return (uint32_t)(sum >> 32);
}

// The sum for a key of IPv4 addresses, of which most words are 0.
uint32_t capture_hash_ipv4(const struct capture *capture, const struct capture_key *key) {
    const uint64_t *multiplier = capture->multiplier;

    return (uint32_t)((multiplier[CAPTURE_KEY_WORDS] + multiplier[0] * key->word[0] +
                       multiplier[4] * key->word[4] + multiplier[8] * key->word[8] +
                       multiplier[9] * key->word[9]) >>
                      32);
}

static void draw_multipliers(struct capture *capture) {
    size_t size = sizeof capture->multiplier;

    if (getrandom(capture->multiplier, size, GRND_NONBLOCK) == (ssize_t)size)
        return;
    // Early in boot: the clock and the heap's address are all there is, and the limits still hold.
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t state = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uintptr_t)capture;
    for (size_t i = 0; i <= CAPTURE_KEY_WORDS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        capture->multiplier[i] = state ^ state >> 29;
    }
}

static void take_default(uint32_t *limit, uint32_t value) {
    if (*limit == 0)
        *limit = value;
}

struct capture *capture_create(const struct capture_limits *limits,
                               const struct capture_handler *handler) {
    const struct capture_limits *defaults = &capture_limits_default;
    struct capture *capture = calloc(1, sizeof *capture);

    if (!capture)
        return NULL;
    capture->limits = limits ? *limits : *defaults;
    take_default(&capture->limits.flows, defaults->flows);
    take_default(&capture->limits.half_open, capture->limits.flows / 2);
    take_default(&capture->limits.half_open, 1);
    take_default(&capture->limits.side_octets, defaults->side_octets);
    take_default(&capture->limits.side_segments, defaults->side_segments);
    take_default(&capture->limits.held_octets, defaults->held_octets);
    take_default(&capture->limits.fragment_octets, defaults->fragment_octets);
    take_default(&capture->limits.fragment_seconds, defaults->fragment_seconds);
    take_default(&capture->limits.closed_seconds, defaults->closed_seconds);
    take_default(&capture->limits.compare_octets, defaults->compare_octets);
    take_default(&capture->limits.reorder_packets, defaults->reorder_packets);
    take_default(&capture->limits.reorder_microseconds, defaults->reorder_microseconds);
    if (!capture_window_create(capture)) {
        free(capture);
        return NULL;
    }
    capture->handler = *handler;
    draw_multipliers(capture);
    return capture;
}

// What was noted once, and happened more often.
static void sum_up(struct capture *capture, const struct capture_stamp *stamp) {
    const struct capture_stats *stats = &capture->stats;
    const struct {
        enum capture_note kind;
        uint64_t count;
        const char *what;
    } sums[] = {
#define CAPTURE_X(name, stat, text) {CAPTURE_NOTE_##name, stats->stat, text},
        CAPTURE_RUN_NOTES(CAPTURE_X)
#undef CAPTURE_X
    };

    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        uint32_t bit = UINT32_C(1) << sums[i].kind;
        if ((capture->said & bit) == 0 || (capture->summed & bit) != 0 || sums[i].count < 2)
            continue;
        capture->summed |= bit;
        capture->said &= ~bit;
        capture_say(capture, sums[i].kind, NULL, stamp, "in all: %llu %s",
                    (unsigned long long)sums[i].count, sums[i].what);
    }
}

void capture_finish(struct capture *capture, const struct capture_stamp *stamp) {
    while (capture->early)
        capture_early_flush(capture, capture->early->flow);
    for (int rank = CAPTURE_RANKS - 1; rank >= 0; rank--) {
        while (capture->ranked[rank]) {
            struct capture_flow_state *flow = capture->ranked[rank];
            if (rank != CAPTURE_CLOSED)
                capture_flow_close(capture, flow, CAPTURE_CLOSE_END, stamp);
            capture_flow_drop(capture, flow);
        }
    }
    capture_fragment_destroy(capture);
    sum_up(capture, stamp);
}

const struct capture_stats *capture_get_stats(const struct capture *capture) {
    return &capture->stats;
}

void capture_destroy(struct capture *capture) {
    if (!capture)
        return;
    for (int rank = 0; rank < CAPTURE_RANKS; rank++)
        while (capture->ranked[rank])
            capture_flow_drop(capture, capture->ranked[rank]);
    capture_fragment_destroy(capture);
    free(capture->window);
    free(capture);
}
