// SPDX-License-Identifier: Apache-2.0
// Property capture: reading any octets as a capture file ends, within bounds on memory, and keeps
// the receiver's contract: `open` before anything else of a flow, octets of a direction only
// between `open` and `close`, every flow closed once, and counters that say what was delivered.
#include <stdlib.h>

#include "capture/capture.h"
#include "fuzz_support.h"

#define PROPERTY "capture"

// Small bounds, so that small inputs meet them.
static const struct capture_limits limits = {
    .flows = 8,
    .side_octets = 4096,
    .side_segments = 16,
    .held_octets = 8192,
    .fragment_octets = 65536 * 2,
};

// Most packets read of an input: a gzip stream can hold very many.
enum { PACKETS = 20000 };

// A segment is held before the bound is looked at: the largest, with the bookkeeping of its parts.
enum { SEGMENT = 65536 * 2 };

struct flow {
    bool refused; // nothing more was wanted
    uint64_t seen;
};

struct seen {
    uint64_t flows;  // open now
    uint64_t opened; // ever
    uint64_t octets;
    uint64_t gaps;
    uint64_t gap_octets;
    uint64_t datagrams;
    uint64_t packets;
};

static void check_stamp(const struct capture_stamp *stamp, const struct seen *seen) {
    if (stamp->nanoseconds > 999999999 || stamp->frame > seen->packets) {
        fuzz_fail(PROPERTY, "frame %llu, nanosecond %u", (unsigned long long)stamp->frame,
                  stamp->nanoseconds);
    }
}

static void check_endpoint(const struct capture_endpoint *endpoint) {
    char text[CAPTURE_ENDPOINT_TEXT];
    if (strlen(capture_endpoint_format(endpoint, text)) >= sizeof text || text[0] == '\0') {
        fuzz_fail(PROPERTY, "an endpoint without text");
    }
}

static void *opened(void *ctx, const struct capture_flow *flow, const struct capture_stamp *stamp) {
    struct seen *seen = ctx;
    check_stamp(stamp, seen);
    check_endpoint(&flow->endpoint[0]);
    check_endpoint(&flow->endpoint[1]);
    seen->flows++;
    seen->opened++;
    return util_alloc(sizeof(struct flow));
}

static struct flow *check_flow(void *user, int direction) {
    struct flow *flow = user;
    if (flow == NULL || flow->refused || direction < 0 || direction > 1) {
        fuzz_fail(PROPERTY, "delivered before open, after a refusal, or to no direction");
    }
    return flow;
}

static bool delivered(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                      const struct capture_stamp *stamp) {
    struct seen *seen = ctx;
    struct flow *flow = check_flow(user, direction);
    check_stamp(stamp, seen);
    if (size == 0 || data == NULL) {
        fuzz_fail(PROPERTY, "no octets are delivered");
    }
    for (size_t i = 0; i < size; i++) {
        flow->seen = flow->seen * 31 + data[i]; // all of them are readable
    }
    seen->octets += size;
    flow->refused = data[0] == 0xff; // some receivers want nothing more
    return !flow->refused;
}

static void missing(void *ctx, void *user, int direction, uint64_t octets,
                    const struct capture_stamp *stamp) {
    struct seen *seen = ctx;
    check_flow(user, direction);
    check_stamp(stamp, seen);
    if (octets == 0) {
        fuzz_fail(PROPERTY, "a gap of no octets");
    }
    seen->gaps++;
    seen->gap_octets += octets;
}

static void closed(void *ctx, void *user, enum capture_close why,
                   const struct capture_stamp *stamp) {
    struct seen *seen = ctx;
    check_stamp(stamp, seen);
    if (seen->flows == 0 || user == NULL || capture_close_name(why) == NULL) {
        fuzz_fail(PROPERTY, "closed without being open");
    }
    seen->flows--;
    free(user);
}

static void datagram(void *ctx, const struct capture_datagram *d,
                     const struct capture_stamp *stamp) {
    struct seen *seen = ctx;
    check_stamp(stamp, seen);
    check_endpoint(&d->source);
    check_endpoint(&d->target);
    seen->datagrams++;
    for (size_t i = 0; i < d->size; i++) {
        seen->octets += d->data[i] & 0; // all of them are readable
    }
}

static void noted(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                  const char *text, const struct capture_stamp *stamp) {
    check_stamp(stamp, ctx);
    if (capture_note_name(kind) == NULL || text == NULL || strchr(text, '\n') != NULL ||
        (flow != NULL && flow->id == 0)) {
        fuzz_fail(PROPERTY, "an incomplete note");
    }
}

static bool stop(void *ctx) {
    struct seen *seen = ctx;
    return ++seen->packets > PACKETS; // asked before each packet
}

static void check_stats(const struct seen *seen, const struct capture_stats *stats) {
    if (seen->flows != 0) {
        fuzz_fail(PROPERTY, "%llu flows were not closed", (unsigned long long)seen->flows);
    }
    if (stats->delivered != seen->octets || stats->gaps != seen->gaps ||
        stats->gap_octets != seen->gap_octets || stats->datagrams != seen->datagrams ||
        stats->flows < seen->opened || stats->packets > seen->packets) {
        fuzz_fail(PROPERTY,
                  "counters: delivered %llu/%llu, gaps %llu/%llu, gap octets %llu/%llu, datagrams "
                  "%llu/%llu, flows %llu/%llu, packets %llu/%llu",
                  (unsigned long long)stats->delivered, (unsigned long long)seen->octets,
                  (unsigned long long)stats->gaps, (unsigned long long)seen->gaps,
                  (unsigned long long)stats->gap_octets, (unsigned long long)seen->gap_octets,
                  (unsigned long long)stats->datagrams, (unsigned long long)seen->datagrams,
                  (unsigned long long)stats->flows, (unsigned long long)seen->opened,
                  (unsigned long long)stats->packets, (unsigned long long)seen->packets);
    }
    if (stats->held_peak > limits.held_octets + SEGMENT) {
        fuzz_fail(PROPERTY, "%llu octets were held", (unsigned long long)stats->held_peak);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen seen = {0};
    struct capture_stats stats;
    struct capture_error error;
    const struct capture_handler handler = {
        .ctx = &seen,
        .open = opened,
        .data = delivered,
        .gap = missing,
        .close = closed,
        .datagram = datagram,
        .note = noted,
        .stop = stop,
    };
    const enum capture_status status =
        capture_run_memory(data, size, &limits, &handler, &stats, &error);
    char line[512];
    const int length = capture_error_format(&error, "input", line, sizeof line);
    if (status != error.status || capture_status_name(status) == NULL || length < 0 ||
        (status == CAPTURE_OK) != (error.text[0] == '\0') || strchr(error.text, '\n') != NULL) {
        fuzz_fail(PROPERTY, "status %d is reported as \"%s\"", (int)status, error.text);
    }
    check_stats(&seen, &stats);
    *(stats.packets > 0 ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
