// SPDX-License-Identifier: Apache-2.0
//
// The octets of a connection: order, repetitions, overlaps, gaps, headers.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void in_order_both_directions(void **state) {
    struct world *w = *state;

    handshake(w);
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK | PSH, "bind");
    say(w, SERVER, 501, 105, ACK | PSH, "bind_ack");
    say(w, CLIENT, 105, 509, ACK | PSH, "request");
    say(w, SERVER, 509, 112, ACK | PSH, "response");
    expect(w, OPENED "1.0 bind\n1.1 bind_ack\n1.0 request\n1.1 response\n");
    say(w, CLIENT, 112, 517, ACK | FIN, "");
    expect(w, "");
    say(w, SERVER, 517, 113, ACK | FIN, "");
    expect(w, "close 1 fin\n");
    assert_int_equal(STAT(w, flows), 1);
    assert_int_equal(STAT(w, flows_joined_late), 0);
    assert_int_equal(STAT(w, segments), 9);
    assert_int_equal(STAT(w, delivered), 27);
    assert_int_equal(STAT(w, held_segments), 0);
    finish(w);
    expect(w, "");
}

static void out_of_order_keeps_the_stamp_of_its_packet(void **state) {
    struct world *w = *state;

    w->with_frames = true;
    handshake(w);
    say(w, CLIENT, 107, 501, ACK, "ghi");
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 110, 501, ACK, "jkl");
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 @7 abc\n1.0 @5 def\n1.0 @4 ghi\n1.0 @6 jkl\n");
    assert_int_equal(STAT(w, held_segments), 3);
    assert_true(STAT(w, held_peak) >= 9);
}

static void retransmissions_are_trimmed(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abcdef");
    say(w, CLIENT, 101, 501, ACK, "abcdef"); // whole
    say(w, CLIENT, 101, 501, ACK, "abc");    // part
    say(w, CLIENT, 104, 501, ACK, "defghi"); // with three new ones
    say(w, CLIENT, 109, 501, ACK, "");       // keep-alive without an octet
    say(w, CLIENT, 109, 501, ACK, "i");      // keep-alive with one
    say(w, CLIENT, 110, 501, ACK, "jkl");
    expect(w, OPENED "1.0 abcdef\n1.0 ghi\n1.0 jkl\n");
    assert_int_equal(STAT(w, repeated), 6 + 3 + 3 + 1);
    assert_int_equal(STAT(w, late_octets), 0);
}

static void overlap_of_held_octets_keeps_the_first(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "DEF");
    say(w, CLIENT, 110, 501, ACK, "JKL");
    expect(w, "");
    say(w, CLIENT, 103, 501, ACK, "cdefghijklm"); // before, over, between, over, after
    expect(w, "note contradiction 1\n");
    say(w, CLIENT, 103, 501, ACK, "xxxxxxxxxxx"); // said once, counted on
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 ab\n1.0 c\n1.0 DEF\n1.0 ghi\n1.0 JKL\n1.0 m\n");
    assert_int_equal(STAT(w, contradictions), 2 + 5);
}

static void overlap_that_agrees_is_not_noted(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 101, 501, ACK, "abcdefghi");
    expect(w, OPENED "1.0 abc\n1.0 def\n1.0 ghi\n");
    assert_int_equal(STAT(w, contradictions), 0);
    assert_int_equal(STAT(w, repeated), 3);
}

static void in_order_octets_do_not_replace_held_ones(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 103, 501, ACK, "CD");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, "note contradiction 1\n" OPENED "1.0 ab\n1.0 CD\n");
}

static void sequence_numbers_wrap(void **state) {
    struct world *w = *state;
    uint32_t isn = UINT32_MAX - 3;

    say(w, CLIENT, isn, 0, SYN, "");
    say(w, SERVER, UINT32_MAX, isn + 1, SYN | ACK, "");
    say(w, CLIENT, isn + 7, 0, ACK, "ghi"); // past the wrap, early
    say(w, CLIENT, isn + 1, 0, ACK, "abcdef");
    say(w, SERVER, 0, isn + 10, ACK, "server");
    say(w, CLIENT, isn + 4, 6, ACK, "defghijkl");
    say(w, CLIENT, isn + 13, 6, ACK | FIN, "");
    say(w, SERVER, 6, isn + 14, ACK | FIN, "");
    expect(w, OPENED "1.0 abcdef\n1.0 ghi\n1.1 server\n1.0 jkl\nclose 1 fin\n");
}

static void gap_when_the_other_side_acknowledged(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 108, ACK, "answer"); // acknowledges four octets never seen
    expect(w, OPENED "1.0 abc\n1.1 answer\n");
    say(w, CLIENT, 108, 507, ACK, "hij"); // now there is no point in waiting
    expect(w, "1.0 gap 4\n1.0 hij\n");
    say(w, CLIENT, 114, 507, ACK, "nop"); // held, until...
    expect(w, "");
    say(w, SERVER, 507, 117, ACK, "next"); // ... what answers it comes after it
    expect(w, "1.0 gap 3\n1.0 nop\n1.1 next\n");
    assert_int_equal(STAT(w, gaps), 2);
    assert_int_equal(STAT(w, gap_octets), 7);
}

static void acknowledgements_do_not_go_back(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 110, ACK, "");
    say(w, SERVER, 501, 104, ACK, ""); // recorded late
    say(w, CLIENT, 110, 501, ACK, "jkl");
    expect(w, OPENED "1.0 abc\n1.0 gap 6\n1.0 jkl\n");
}

static void duplicate_acknowledgements_do_not_give_up(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, SERVER, 501, 101, ACK, "");
    say(w, SERVER, 501, 103, ACK, ""); // not yet the whole hole
    say(w, SERVER, 501, 101, ACK, "");
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
}

static void wild_acknowledgement_is_ignored(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, SERVER, 501, 101u + (1u << 30) + 1, ACK, "");
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
}

static void late_octets_are_noted_and_dropped(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 107, 501, ACK, "ghi");
    say(w, SERVER, 501, 110, ACK, "");
    expect(w, OPENED "1.0 gap 6\n1.0 ghi\n");
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 105, 501, ACK, "efghijkl");
    expect(w, "note late 1\n1.0 jkl\n");
    assert_int_equal(STAT(w, late_octets), 3 + 2);
}

static void holes_are_given_up_at_the_end(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 110, 501, ACK, "jkl");
    say(w, SERVER, 503, 101, ACK, "s");
    expect(w, "");
    finish(w);
    expect(w, OPENED "1.0 gap 3\n1.0 def\n1.0 gap 3\n1.0 jkl\n1.1 gap 2\n1.1 s\nclose 1 end\n");
}

static void acknowledged_tail_is_a_gap(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 110, ACK, ""); // six octets more
    finish(w);
    expect(w, OPENED "1.0 abc\n1.0 gap 6\nclose 1 end\n");
}

static void acknowledged_fin_is_no_gap(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 105, ACK | FIN, ""); // one octet more: a FIN that was not captured
    finish(w);
    expect(w, OPENED "1.0 abc\nclose 1 end\n");
}

static void hole_before_a_fin_at_the_end(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 110, 501, ACK | FIN, "");
    expect(w, OPENED "1.0 abc\n");
    finish(w);
    expect(w, "1.0 gap 6\nclose 1 end\n");
}

static void hole_before_a_fin(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 110, 501, ACK | FIN, "");
    say(w, SERVER, 501, 111, ACK | FIN, "");
    expect(w, OPENED "1.0 abc\n1.0 gap 6\nclose 1 fin\n");
}

static void malformed_headers(void **state) {
    struct world *w = *state;

    packet_payload(&w->packet, "0123456789012345678", 19); // too short
    packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 0);
    world_feed(w, DLT_RAW);
    expect(w, "note malformed\n");
    for (unsigned offset = 0; offset < 16; offset++) {
        packet_payload(&w->packet, "abcd", 4);
        packet_tcp(&w->packet, 1000, 135, 100, 0, SYN);
        packet_data(&w->packet)[12] = (uint8_t)(offset << 4);
        packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 0);
        world_feed(w, DLT_RAW);
    }
    assert_int_equal(STAT(w, malformed), 1 + 14); // 5 and 6 words fit
    assert_int_equal(STAT(w, segments), 2);
}

static void options_are_skipped(void **state) {
    struct world *w = *state;

    handshake(w);
    packet_payload(&w->packet, "abc", 3);
    packet_tcp_options(&w->packet, 40);
    world_wrap(w, CLIENT, 101, 501, ACK);
    world_feed(w, DLT_RAW);
    expect(w, OPENED "1.0 abc\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(in_order_both_directions),
        WORLD_TEST(out_of_order_keeps_the_stamp_of_its_packet),
        WORLD_TEST(retransmissions_are_trimmed),
        WORLD_TEST(overlap_of_held_octets_keeps_the_first),
        WORLD_TEST(overlap_that_agrees_is_not_noted),
        WORLD_TEST(in_order_octets_do_not_replace_held_ones),
        WORLD_TEST(sequence_numbers_wrap),
        WORLD_TEST(gap_when_the_other_side_acknowledged),
        WORLD_TEST(acknowledgements_do_not_go_back),
        WORLD_TEST(duplicate_acknowledgements_do_not_give_up),
        WORLD_TEST(wild_acknowledgement_is_ignored),
        WORLD_TEST(late_octets_are_noted_and_dropped),
        WORLD_TEST(holes_are_given_up_at_the_end),
        WORLD_TEST(acknowledged_tail_is_a_gap),
        WORLD_TEST(acknowledged_fin_is_no_gap),
        WORLD_TEST(hole_before_a_fin_at_the_end),
        WORLD_TEST(hole_before_a_fin),
        WORLD_TEST(malformed_headers),
        WORLD_TEST(options_are_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
