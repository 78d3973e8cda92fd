// SPDX-License-Identifier: Apache-2.0
//
// IP fragments.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Feeds octets [from, to) of a UDP datagram whose content is 40 octets of text, as a fragment.
static const char forty[] = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

static void fragment4(struct world *w, uint16_t id, size_t from, size_t to) {
    struct packet *whole = malloc(sizeof *whole);
    assert_non_null(whole);
    packet_payload(whole, forty, 40);
    packet_udp(whole, 1000, 135);
    packet_payload(&w->packet, packet_data(whole) + from, to - from);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, id, from, to < 48);
    free(whole);
    world_feed(w, DLT_RAW);
}

#define WHOLE "datagram 10.0.0.1:1000 > 10.0.0.2:135 0123456789abcdefghijklmnopqrstuvwxyzABCD\n"

static void fragments_in_any_order(void **state) {
    static const size_t edges[] = {0, 8, 24, 32, 48};
    struct world *w = *state;
    uint16_t id = 0;

    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int c = 0; c < 4; c++) {
                int d = 6 - a - b - c;
                if (a == b || b == c || a == c || d < 0 || d > 3 || d == a || d == b || d == c)
                    continue;
                const int order[] = {a, b, c, d};
                id++;
                for (int i = 0; i < 4; i++) {
                    expect(w, "");
                    fragment4(w, id, edges[order[i]], edges[order[i] + 1]);
                }
                expect(w, WHOLE);
            }
    assert_int_equal(id, 24);
    assert_int_equal(STAT(w, datagrams_joined), 24);
    assert_int_equal(STAT(w, fragments), 96);
}

static void fragments_of_several_datagrams(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 0, 24);
    fragment4(w, 2, 24, 48);
    fragment4(w, 3, 24, 48);
    fragment4(w, 2, 0, 24);
    expect(w, WHOLE);
    fragment4(w, 1, 24, 48);
    expect(w, WHOLE);
    finish(w);
    expect(w, "");
    assert_int_equal(STAT(w, datagrams_dropped), 1);
}

// The same with `size` octets of `text`.
static void other_fragment4(struct world *w, uint16_t id, size_t from, const char *text,
                            size_t size, bool more) {
    packet_payload(&w->packet, text, size);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, id, from, more);
    world_feed(w, DLT_RAW);
}

static void fragments_captured_twice(void **state) {
    struct world *w = *state;

    for (uint16_t id = 1; id <= 3; id++) {
        for (size_t i = 0; i < 4; i++)
            fragment4(w, id, i < 2 ? 24 : 0, i < 2 ? 48 : 24);
        expect(w, WHOLE); // and the fourth is no datagram that never ends
    }
    assert_int_equal(STAT(w, fragments_repeated), 6);
    assert_int_equal(STAT(w, fragment_overlaps), 0);
    finish(w);
    assert_int_equal(STAT(w, datagrams_dropped), 0);
    expect(w, "");
}

static void overlapping_fragments_that_agree(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 16, 40);
    fragment4(w, 1, 32, 48);
    fragment4(w, 1, 0, 32);
    expect(w, "note fragment-overlap\n" WHOLE);
    assert_int_equal(STAT(w, fragment_overlaps), 2);
    fragment4(w, 2, 0, 24); // all octets are here twice, but for the last one not the end
    fragment4(w, 2, 24, 40);
    fragment4(w, 2, 16, 48);
    expect(w, WHOLE);
}

static void contradicting_fragments(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 16, 40);
    other_fragment4(w, 1, 32, "XXXXXXXXXXXXXXXX", 16, false); // over 32..40
    expect(w, "note fragment-conflict\n");
    fragment4(w, 1, 0, 24);
    expect(w, ""); // 24..32 is of the datagram that was dropped
    fragment4(w, 1, 24, 32);
    expect(w, "datagram 10.0.0.1:1000 > 10.0.0.2:135 0123456789abcdefghijklmnXXXXXXXXXXXXXXXX\n");
    assert_int_equal(STAT(w, fragment_conflicts), 1);
    assert_int_equal(STAT(w, datagrams_dropped), 1);
}

static void identification_is_used_again(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 0, 24); // its second fragment is lost
    other_fragment4(w, 1, 0, "\3\350\0\207\0\20\0\0newone!!", 16, true);
    other_fragment4(w, 1, 16, "and more", 8, false);
    expect(w, "note fragment-conflict\n"
              "datagram 10.0.0.1:1000 > 10.0.0.2:135 newone!!\n");
    // After one that was joined, at once.
    fragment4(w, 1, 0, 24);
    fragment4(w, 1, 24, 48);
    expect(w, WHOLE);
    other_fragment4(w, 1, 0, "\3\350\0\207\0\20\0\0newone!!", 16, true);
    other_fragment4(w, 1, 16, "and more", 8, false);
    expect(w, "datagram 10.0.0.1:1000 > 10.0.0.2:135 newone!!\n");
    // The same octets: only copies for a second.
    w->stamp.seconds += 2;
    other_fragment4(w, 1, 0, "\3\350\0\207\0\20\0\0newone!!", 16, true);
    other_fragment4(w, 1, 16, "and more", 8, false);
    expect(w, "datagram 10.0.0.1:1000 > 10.0.0.2:135 newone!!\n");
    assert_int_equal(STAT(w, fragments_repeated), 0);
}

static void fragments_that_contradict_the_end(void **state) {
    struct world *w = *state;

    fragment4(w, 2, 24, 48);
    other_fragment4(w, 2, 48, forty, 8, true);  // after the last one
    fragment4(w, 2, 24, 48);                    // a last one before what is there
    other_fragment4(w, 2, 32, forty, 8, false); // another last one
    assert_int_equal(STAT(w, fragment_conflicts), 3);
    fragment4(w, 2, 24, 48);
    fragment4(w, 2, 0, 24);
    expect(w, "note fragment-conflict\n" WHOLE);
    finish(w);
    expect(w, "note fragment-conflict\n"); // in all
}

static void impossible_fragments(void **state) {
    struct world *w = *state;

    other_fragment4(w, 1, 0, forty, 12, true);      // more follows, but not a multiple of 8
    other_fragment4(w, 1, 65504, forty, 40, false); // past 65,535
    other_fragment4(w, 1, 8, forty, 0, true);       // empty
    assert_int_equal(STAT(w, malformed), 3);
    expect(w, "note malformed\n");
}

// A TCP header in two fragments, the least that fits.
static void tiny_fragments(void **state) {
    struct world *w = *state;
    struct packet *whole = malloc(sizeof *whole);

    assert_non_null(whole);
    packet_payload(whole, "request", 7);
    packet_tcp(whole, 1000, 135, 1, 0, ACK);
    for (size_t from = 0; from < 27; from += 8) {
        expect(w, "");
        size_t to = from + 8 < 27 ? from + 8 : 27;
        packet_payload(&w->packet, packet_data(whole) + from, to - from);
        packet_ipv4_fragment(&w->packet, 1, 2, NEXT_TCP, 7, from, to < 27);
        world_feed(w, DLT_RAW);
    }
    free(whole);
    expect(w, JOINED "1.0 request\n");
}

static void fragments_expire(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 0, 24);
    w->stamp.seconds += 31;
    fragment4(w, 1, 24, 48); // of another datagram by now
    expect(w, "");
    fragment4(w, 1, 0, 24);
    expect(w, WHOLE);
    assert_int_equal(STAT(w, datagrams_dropped), 1);
    fragment4(w, 2, 0, 24);
    w->stamp.seconds = 5; // a clock that goes back drops nothing
    fragment4(w, 2, 24, 48);
    expect(w, WHOLE);
}

static void fragment_cut_by_the_snapshot_length(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 24, 48);
    packet_payload(&w->packet, forty, 24);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, 1, 0, true);
    world_feed_cut(w, DLT_RAW, 30);
    finish(w);
    expect(w, "note snapshot\n");
    assert_int_equal(STAT(w, datagrams_dropped), 1);
}

static void last_fragment_cut_by_the_snapshot_length(void **state) {
    struct world *w = *state;

    fragment4(w, 1, 0, 24);
    packet_payload(&w->packet, forty, 24);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, 1, 24, false);
    world_feed_cut(w, DLT_RAW, 20 + 16);
    expect(w, "note snapshot\n");
    fragment4(w, 1, 24, 48); // once more, and whole
    expect(w, WHOLE);
}

static void tcp_in_ipv4_fragments(void **state) {
    struct world *w = *state;
    struct packet *whole = malloc(sizeof *whole);

    assert_non_null(whole);
    packet_payload(whole, forty, 40);
    packet_tcp(whole, 1000, 135, 1, 0, ACK);
    for (size_t from = 56; from != 0;) {
        size_t to = from == 56 ? 60 : from + 8;
        packet_payload(&w->packet, packet_data(whole) + from, to - from);
        packet_ipv4_fragment(&w->packet, 1, 2, NEXT_TCP, 77, from, to != 60);
        world_feed(w, DLT_RAW);
        from -= 8;
    }
    packet_payload(&w->packet, packet_data(whole), 8);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_TCP, 77, 0, true);
    world_feed(w, DLT_RAW);
    free(whole);
    expect(w, JOINED "1.0 0123456789abcdefghijklmnopqrstuvwxyzABCD\n");
}

static void fragment6(struct world *w, const struct packet *whole, size_t from, size_t to) {
    size_t size = packet_size(whole);

    packet_payload(&w->packet, whole->octets + whole->start + from, to - from);
    // What follows counts only in the first fragment (RFC 8200, 4.5).
    packet_ipv6_fragment(&w->packet, from == 0 ? NEXT_DESTINATION : 59, 0x12345678, from,
                         to < size);
    packet_extension(&w->packet, NEXT_HOP, NEXT_FRAGMENT, 8);
    packet_ipv6(&w->packet, 1, 2, NEXT_HOP);
    world_feed(w, DLT_RAW);
}

static void ipv6_fragments(void **state) {
    struct world *w = *state;
    struct packet *whole = malloc(sizeof *whole);

    assert_non_null(whole);
    packet_payload(whole, forty, 40);
    packet_udp(whole, 1000, 135);
    packet_extension(whole, NEXT_DESTINATION, NEXT_UDP, 8);
    fragment6(w, whole, 32, 56);
    fragment6(w, whole, 0, 16);
    expect(w, "");
    fragment6(w, whole, 16, 32);
    expect(w, "datagram [2001:db8::1]:1000 > [2001:db8::2]:135 "
              "0123456789abcdefghijklmnopqrstuvwxyzABCD\n");
    w->stamp.seconds += 2;
    // An atomic fragment has nothing to do with others of its identification.
    packet_payload(whole, forty, 40);
    packet_udp(whole, 1000, 135);
    packet_extension(whole, NEXT_DESTINATION, NEXT_UDP, 8);
    fragment6(w, whole, 0, 16);
    fragment6(w, whole, 16, 32);
    packet_payload(&w->packet, "atom", 4);
    packet_udp(&w->packet, 1000, 135);
    packet_ipv6_fragment(&w->packet, NEXT_UDP, 0x12345678, 0, false);
    packet_ipv6(&w->packet, 1, 2, NEXT_FRAGMENT);
    world_feed(w, DLT_RAW);
    expect(w, "datagram [2001:db8::1]:1000 > [2001:db8::2]:135 atom\n");
    fragment6(w, whole, 32, 56);
    expect(w, "datagram [2001:db8::1]:1000 > [2001:db8::2]:135 "
              "0123456789abcdefghijklmnopqrstuvwxyzABCD\n");
    w->stamp.seconds += 2;
    // A fragment header within the joined datagram is refused.
    packet_payload(whole, forty, 40);
    packet_ipv6_fragment(whole, NEXT_UDP, 1, 0, true);
    packet_extension(whole, NEXT_DESTINATION, NEXT_FRAGMENT, 8);
    fragment6(w, whole, 0, 16);
    fragment6(w, whole, 16, 56);
    expect(w, "note malformed\n");
    free(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(fragments_in_any_order),
        WORLD_TEST(fragments_of_several_datagrams),
        WORLD_TEST(fragments_captured_twice),
        WORLD_TEST(overlapping_fragments_that_agree),
        WORLD_TEST(contradicting_fragments),
        WORLD_TEST(identification_is_used_again),
        WORLD_TEST(fragments_that_contradict_the_end),
        WORLD_TEST(impossible_fragments),
        WORLD_TEST(tiny_fragments),
        WORLD_TEST(fragments_expire),
        WORLD_TEST(fragment_cut_by_the_snapshot_length),
        WORLD_TEST(last_fragment_cut_by_the_snapshot_length),
        WORLD_TEST(tcp_in_ipv4_fragments),
        WORLD_TEST(ipv6_fragments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
