// SPDX-License-Identifier: Apache-2.0
//
// What is delivered does not depend on how a stream was cut into segments and packets, repeated or
// reordered; and what is missing is missing in the right place. Random, with fixed seeds.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STREAM_MAX = 60000, PIECES_MAX = 4000 };

static uint64_t random_state;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % bound);
}

// The octet that belongs at a place of a direction.
static uint8_t octet_at(int direction, uint32_t place) {
    return (uint8_t)((place * 2654435761u) >> 13 ^ (direction ? 0x5a : 0));
}

// Checks octets as they come, without keeping them.
struct checker {
    uint32_t place[2];
    uint64_t gap_octets;
    unsigned opened;
    unsigned closed;
    enum capture_close why;
};

static void *on_open(void *ctx, const struct capture_flow *flow,
                     const struct capture_stamp *stamp) {
    struct checker *checker = ctx;

    (void)stamp;
    assert_true(flow->initiator_known);
    assert_int_equal(flow->endpoint[0].port, 1000);
    checker->opened++;
    return checker;
}

static bool on_data(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *stamp) {
    struct checker *checker = ctx;

    (void)stamp;
    assert_ptr_equal(user, ctx);
    assert_true(size > 0);
    for (size_t i = 0; i < size; i++)
        if (data[i] != octet_at(direction, checker->place[direction]++))
            fail_msg("wrong octet at %u of direction %d", checker->place[direction] - 1, direction);
    return true;
}

static void on_gap(void *ctx, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *stamp) {
    struct checker *checker = ctx;

    (void)user;
    (void)stamp;
    assert_true(octets > 0 && octets <= STREAM_MAX);
    checker->place[direction] += (uint32_t)octets;
    checker->gap_octets += octets;
}

static void on_close(void *ctx, void *user, enum capture_close why,
                     const struct capture_stamp *stamp) {
    struct checker *checker = ctx;

    (void)user;
    (void)stamp;
    checker->closed++;
    checker->why = why;
}

struct piece {
    uint32_t from;
    uint32_t to;
    bool lost;
};

struct trial {
    struct capture *capture;
    struct capture_stamp stamp;
    struct checker checker;
    struct packet packet;
    struct packet whole;
    uint32_t isn[2];
    uint32_t size[2];
    struct piece pieces[2][PIECES_MAX];
    uint32_t count[2];
    uint32_t fed[2];
    bool arrived[2][STREAM_MAX];
    uint32_t acked[2];
    uint16_t id;
};

// Cuts [0, size) at random, then repeats random ranges, then exchanges neighbours at up to `reach`.
static void cut_stream(struct trial *t, int direction, uint32_t reach) {
    struct piece *pieces = t->pieces[direction];
    uint32_t size = t->size[direction];
    uint32_t longest = 1 + random_below(3000);
    uint32_t count = 0;

    for (uint32_t at = 0; at < size;) {
        uint32_t to = at + 1 + random_below(longest);
        if (to > size || count == PIECES_MAX / 2)
            to = size;
        pieces[count++] = (struct piece){at, to, false};
        at = to;
        if (random_below(4) == 0 && count < PIECES_MAX / 2) {
            uint32_t from = random_below(size);
            to = from + 1 + random_below(longest);
            pieces[count++] = (struct piece){from, to > size ? size : to, false};
        }
    }
    for (uint32_t i = 0; i < count && reach > 1; i++) {
        uint32_t other = i + random_below(reach);
        if (other >= count)
            continue;
        struct piece piece = pieces[i];
        pieces[i] = pieces[other];
        pieces[other] = piece;
    }
    t->count[direction] = count;
}

static void feed(struct trial *t) {
    size_t size = packet_size(&t->packet);
    uint8_t *exact = malloc(size);

    assert_non_null(exact);
    memcpy(exact, packet_data(&t->packet), size);
    t->stamp.frame++;
    assert_true(capture_packet(t->capture, DLT_RAW, exact, size, size, &t->stamp));
    free(exact);
}

static void address(struct packet *packet, int direction, uint16_t id, size_t offset, bool more) {
    packet_ipv4_fragment(packet, direction ? 2 : 1, direction ? 1 : 2, NEXT_TCP, id, offset, more);
}

// In one packet, or in fragments of which the last comes first.
static void feed_segment(struct trial *t, int direction, bool fragmented) {
    size_t size = packet_size(&t->whole);
    size_t part = 8 * (1 + random_below(100));

    t->id++;
    for (size_t at = size; at > 0;) {
        size_t from = fragmented ? (at - 1) / part * part : 0;
        packet_payload(&t->packet, packet_data(&t->whole) + from, at - from);
        address(&t->packet, direction, t->id, from, at < size);
        feed(t);
        at = from;
    }
}

static void send_tcp(struct trial *t, int direction, uint32_t place, uint8_t flags,
                     const uint8_t *data, size_t size) {
    packet_payload(&t->whole, data, size);
    packet_tcp(&t->whole, direction ? 135 : 1000, direction ? 1000 : 135, t->isn[direction] + place,
               t->isn[!direction] + 1 + t->acked[!direction], flags);
    feed_segment(t, direction, random_below(8) == 0);
}

// The next piece of a direction, unless it is lost; with an acknowledgement of what has arrived.
static void send_piece(struct trial *t, int direction) {
    struct piece piece = t->pieces[direction][t->fed[direction]++];
    uint8_t data[STREAM_MAX];

    for (uint32_t i = piece.from; i < piece.to; i++) {
        data[i - piece.from] = octet_at(direction, i);
        t->arrived[direction][i] = true;
    }
    while (t->acked[!direction] < t->size[!direction] &&
           t->arrived[!direction][t->acked[!direction]])
        t->acked[!direction]++;
    if (!piece.lost)
        send_tcp(t, direction, 1 + piece.from, ACK, data, piece.to - piece.from);
}

static struct trial *start_trial(uint64_t seed) {
    struct trial *t = calloc(1, sizeof *t);

    assert_non_null(t);
    random_state = seed * 7919 + 1;
    const struct capture_handler handler = {
        .ctx = &t->checker, .open = on_open, .data = on_data, .gap = on_gap, .close = on_close};
    t->capture = capture_create(NULL, &handler);
    assert_non_null(t->capture);
    for (int direction = 0; direction < 2; direction++) {
        t->size[direction] = 1 + random_below(STREAM_MAX);
        // Half of the streams wrap.
        t->isn[direction] = random_below(2) ? UINT32_MAX - random_below(t->size[direction])
                                            : random_below(INT32_MAX);
    }
    send_tcp(t, 0, 0, SYN, NULL, 0);
    send_tcp(t, 1, 0, SYN | ACK, NULL, 0);
    return t;
}

static void send_pieces(struct trial *t) {
    while (t->fed[0] < t->count[0] || t->fed[1] < t->count[1]) {
        int direction = (int)random_below(2);
        if (t->fed[direction] < t->count[direction])
            send_piece(t, direction);
    }
}

static void send_fins(struct trial *t) {
    for (int direction = 0; direction < 2; direction++) {
        t->acked[0] = t->size[0];
        t->acked[1] = t->size[1];
        send_tcp(t, direction, 1 + t->size[direction], ACK | FIN, NULL, 0);
    }
    send_tcp(t, 0, 2 + t->size[0], ACK, NULL, 0);
}

static void end_trial(struct trial *t) {
    capture_finish(t->capture, &t->stamp);
    assert_int_equal(t->checker.place[0], t->size[0]);
    assert_int_equal(t->checker.place[1], t->size[1]);
    assert_int_equal(t->checker.opened, 1);
    assert_int_equal(t->checker.closed, 1);
    assert_int_equal(t->checker.why, CAPTURE_CLOSE_FIN);
    const struct capture_stats *stats = capture_get_stats(t->capture);
    assert_int_equal(stats->gap_octets, t->checker.gap_octets);
    assert_int_equal(stats->delivered + stats->gap_octets, t->size[0] + t->size[1]);
    assert_int_equal(stats->contradictions, 0);
    assert_int_equal(stats->malformed, 0);
    capture_destroy(t->capture);
    free(t);
}

static void any_segmentation(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct trial *t = start_trial(seed);
        cut_stream(t, 0, 1 + random_below(200));
        cut_stream(t, 1, 1 + random_below(200));
        send_pieces(t);
        assert_int_equal(capture_get_stats(t->capture)->gaps, 0);
        send_fins(t);
        assert_int_equal(t->checker.gap_octets, 0);
        end_trial(t);
    }
}

static void fins_in_the_middle(void **state) {
    (void)state;
    for (uint64_t seed = 1000; seed < 1050; seed++) {
        struct trial *t = start_trial(seed);
        cut_stream(t, 0, 50);
        cut_stream(t, 1, 50);
        for (int i = 0; i < 10 && t->fed[0] < t->count[0]; i++)
            send_piece(t, 0);
        send_tcp(t, 0, 1 + t->size[0], ACK | FIN, NULL, 0);
        send_tcp(t, 1, 1 + t->size[1], ACK | FIN, NULL, 0);
        send_pieces(t);
        assert_int_equal(t->checker.gap_octets, 0);
        assert_int_equal(t->checker.closed, 1);
        end_trial(t);
    }
}

static void losses_are_gaps(void **state) {
    uint64_t gaps = 0;

    (void)state;
    for (uint64_t seed = 2000; seed < 2150; seed++) {
        struct trial *t = start_trial(seed);
        uint32_t missing = 0;
        for (int direction = 0; direction < 2; direction++) {
            cut_stream(t, direction, 1); // in order: what is acknowledged early stays lost
            for (uint32_t i = 0; i < t->count[direction]; i++)
                t->pieces[direction][i].lost = random_below(6) == 0;
            bool seen[STREAM_MAX] = {false};
            for (uint32_t i = 0; i < t->count[direction]; i++) {
                const struct piece *piece = &t->pieces[direction][i];
                if (!piece->lost)
                    memset(seen + piece->from, true, piece->to - piece->from);
            }
            for (uint32_t i = 0; i < t->size[direction]; i++)
                missing += !seen[i];
        }
        send_pieces(t);
        send_fins(t);
        capture_finish(t->capture, &t->stamp);
        gaps += capture_get_stats(t->capture)->gaps;
        assert_true(t->checker.gap_octets >= missing);
        const struct capture_stats *stats = capture_get_stats(t->capture);
        assert_true(t->checker.gap_octets - missing <= stats->late_octets + stats->repeated);
        end_trial(t);
    }
    assert_true(gaps > 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_segmentation),
        cmocka_unit_test(fins_in_the_middle),
        cmocka_unit_test(losses_are_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
