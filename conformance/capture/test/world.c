// SPDX-License-Identifier: Apache-2.0

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void log_text(struct world *world, const char *text, size_t size) {
    if (world->used + size + 1 > world->room) {
        world->room = (world->used + size + 1) * 2;
        world->log = realloc(world->log, world->room);
        assert_non_null(world->log);
    }
    memcpy(world->log + world->used, text, size);
    world->used += size;
    world->log[world->used] = '\0';
}

__attribute__((format(printf, 2, 3))) static void log_format(struct world *world,
                                                             const char *format, ...) {
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < sizeof text);
    log_text(world, text, (size_t)size);
}

static void log_frame(struct world *world, const struct capture_stamp *stamp) {
    if (world->with_frames)
        log_format(world, "@%llu ", (unsigned long long)stamp->frame);
}

static void log_endpoints(struct world *world, const struct capture_endpoint *from,
                          const struct capture_endpoint *to, char arrow) {
    char text[2][CAPTURE_ENDPOINT_TEXT];

    log_format(world, "%s %c %s", capture_endpoint_format(from, text[0]), arrow,
               capture_endpoint_format(to, text[1]));
}

static void *on_open(void *ctx, const struct capture_flow *flow,
                     const struct capture_stamp *stamp) {
    struct world *world = ctx;

    (void)stamp;
    log_format(world, "open %llu ", (unsigned long long)flow->id);
    log_endpoints(world, &flow->endpoint[0], &flow->endpoint[1], flow->initiator_known ? '>' : '?');
    log_text(world, "\n", 1);
    uint64_t *user = malloc(sizeof *user);
    assert_non_null(user);
    *user = flow->id;
    return user;
}

static bool on_data(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *stamp) {
    struct world *world = ctx;

    log_format(world, "%llu.%d ", (unsigned long long)*(uint64_t *)user, direction);
    log_frame(world, stamp);
    log_text(world, (const char *)data, size);
    log_text(world, "\n", 1);
    world->calls++;
    return world->wanted == 0 || world->calls < world->wanted;
}

static void on_gap(void *ctx, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *stamp) {
    struct world *world = ctx;

    log_format(world, "%llu.%d ", (unsigned long long)*(uint64_t *)user, direction);
    log_frame(world, stamp);
    log_format(world, "gap %llu\n", (unsigned long long)octets);
}

static void on_close(void *ctx, void *user, enum capture_close why,
                     const struct capture_stamp *stamp) {
    struct world *world = ctx;

    (void)stamp;
    log_format(world, "close %llu %s\n", (unsigned long long)*(uint64_t *)user,
               capture_close_name(why));
    free(user);
}

static void on_datagram(void *ctx, const struct capture_datagram *datagram,
                        const struct capture_stamp *stamp) {
    struct world *world = ctx;

    (void)stamp;
    log_text(world, "datagram ", 9);
    log_endpoints(world, &datagram->source, &datagram->target, '>');
    log_text(world, " ", 1);
    log_text(world, (const char *)datagram->data, datagram->size);
    if (datagram->missing > 0)
        log_format(world, " (+%llu)", (unsigned long long)datagram->missing);
    log_text(world, "\n", 1);
}

static void on_note(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                    const char *text, const struct capture_stamp *stamp) {
    struct world *world = ctx;

    (void)stamp;
    assert_true(text[0] != '\0' && strchr(text, '\n') == NULL);
    if (flow)
        log_format(world, "note %s %llu\n", capture_note_name(kind), (unsigned long long)flow->id);
    else
        log_format(world, "note %s\n", capture_note_name(kind));
}

static bool on_stop(void *ctx) {
    struct world *world = ctx;

    return world->stop_after != 0 && world->stamp.frame++ >= world->stop_after;
}

void world_start(struct world *world, const struct capture_limits *limits) {
    memset(world, 0, sizeof *world);
    world->handler = (struct capture_handler){world,    on_open,     on_data, on_gap,
                                              on_close, on_datagram, on_note, on_stop};
    struct capture_limits chosen = limits ? *limits : (struct capture_limits){0};
    if (chosen.reorder_packets == 0)
        chosen.reorder_packets = 1;
    world->capture = capture_create(&chosen, &world->handler);
    assert_non_null(world->capture);
    world->stamp.seconds = 1700000000;
    log_text(world, "", 0);
}

void world_end(struct world *world) {
    finish(world); // closes every flow, so that what on_open returned is freed
    capture_destroy(world->capture);
    free(world->log);
}

struct world *world_new(const struct capture_limits *limits) {
    struct world *world = malloc(sizeof *world);

    assert_non_null(world);
    world_start(world, limits);
    return world;
}

void world_free(struct world *world) {
    world_end(world);
    free(world);
}

int world_set_up(void **state) {
    *state = world_new(NULL);
    return 0;
}

int world_set_up_tolerant(void **state) {
    *state = world_new(&capture_limits_default);
    return 0;
}

int world_tear_down(void **state) {
    world_free(*state);
    return 0;
}

void world_feed_cut(struct world *world, int link, size_t captured) {
    // In a heap block of exactly this size, a sanitizer sees every octet read too far.
    uint8_t *exact = malloc(captured > 0 ? captured : 1);

    assert_non_null(exact);
    memcpy(exact, packet_data(&world->packet), captured);
    world->stamp.frame++;
    assert_true(capture_packet(world->capture, link, exact, captured, packet_size(&world->packet),
                               &world->stamp));
    free(exact);
}

void world_feed(struct world *world, int link) {
    world_feed_cut(world, link, packet_size(&world->packet));
}

void world_wrap(struct world *world, int from, uint32_t seq, uint32_t ack, uint8_t flags) {
    if (from == CLIENT) {
        packet_tcp(&world->packet, 1000, 135, seq, ack, flags);
        packet_ipv4(&world->packet, 1, 2, NEXT_TCP, 0);
    } else {
        packet_tcp(&world->packet, 135, 1000, seq, ack, flags);
        packet_ipv4(&world->packet, 2, 1, NEXT_TCP, 0);
    }
}

void say(struct world *world, int from, uint32_t seq, uint32_t ack, uint8_t flags,
         const char *text) {
    packet_payload(&world->packet, text, strlen(text));
    world_wrap(world, from, seq, ack, flags);
    world_feed(world, DLT_RAW);
}

void say_from(struct world *world, uint16_t port, uint8_t flags, uint32_t seq, const char *text) {
    packet_payload(&world->packet, text, strlen(text));
    packet_tcp(&world->packet, port, 135, seq, 0, flags);
    packet_ipv4(&world->packet, 1, 2, NEXT_TCP, 0);
    world_feed(world, DLT_RAW);
}

void handshake(struct world *world) {
    say(world, CLIENT, 100, 0, SYN, "");
    say(world, SERVER, 500, 101, SYN | ACK, "");
    say(world, CLIENT, 101, 501, ACK, "");
}

void pass_time(struct world *world, int64_t seconds) {
    world->stamp.seconds += seconds;
    packet_payload(&world->packet, "who has", 7);
    packet_ethernet(&world->packet, TYPE_ARP);
    world_feed(world, DLT_EN10MB);
}

void finish(struct world *world) {
    capture_finish(world->capture, &world->stamp);
}

void expect(struct world *world, const char *transcript) {
    assert_string_equal(world->log, transcript);
    world->used = 0;
    world->log[0] = '\0';
}
