// SPDX-License-Identifier: Apache-2.0
//
// How connections begin and end, and which segment belongs to which.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void joins_in_mid_connection(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 9000, 70000, ACK, ""); // nothing to deliver, no flow
    assert_int_equal(STAT(w, flows), 0);
    say(w, SERVER, 70000, 9000, ACK, "half a message");
    say(w, CLIENT, 9000, 70014, ACK, "request");
    say(w, SERVER, 70014, 9007, ACK, "response");
    expect(w, "open 1 10.0.0.2:135 ? 10.0.0.1:1000\n1.0 half a message\n1.1 request\n"
              "1.0 response\n");
    assert_int_equal(STAT(w, flows_joined_late), 1);
    assert_int_equal(STAT(w, gaps), 0);
}

static void a_keep_alive_does_not_start_a_direction(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 8999, 70000, ACK, "?"); // the octet before the next one
    say(w, SERVER, 70000, 9000, ACK, "");
    assert_int_equal(STAT(w, flows), 0);
    say(w, SERVER, 70000, 9000, ACK, "push");
    say(w, CLIENT, 8999, 70004, ACK, "?");
    say(w, CLIENT, 9000, 70004, ACK, "request");
    say(w, SERVER, 70004, 9007, ACK, "");
    expect(w, "open 1 10.0.0.2:135 ? 10.0.0.1:1000\n1.0 push\n1.1 request\n");
    assert_int_equal(STAT(w, gaps), 0);
}

static void one_pushed_octet_starts_a_direction(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 9000, 70000, ACK | PSH, "a");
    say(w, CLIENT, 9001, 70000, ACK | PSH, "b");
    expect(w, JOINED "1.0 a\n1.0 b\n");
}

static void syn_with_octets(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 100, 0, SYN, "early");
    say(w, SERVER, 500, 106, SYN | ACK, "too");
    say(w, CLIENT, 100, 0, SYN, "early"); // again
    say(w, CLIENT, 106, 504, ACK, "more");
    say(w, SERVER, 504, 110, ACK, "well");
    expect(w, OPENED "1.0 early\n1.1 too\n1.0 more\n1.1 well\n");
    assert_int_equal(STAT(w, flows), 1);
}

static void syn_answer_seen_first(void **state) {
    struct world *w = *state;

    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 100, 0, SYN, ""); // recorded late
    say(w, SERVER, 501, 101, ACK, "hi");
    say(w, CLIENT, 104, 503, ACK, "def");
    say(w, CLIENT, 101, 503, ACK, "abc");
    expect(w, OPENED "1.1 hi\n1.0 abc\n1.0 def\n");
    assert_int_equal(STAT(w, flows), 1);
}

static void syn_was_not_captured(void **state) {
    struct world *w = *state;

    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 101, 501, ACK, "abc"); // the answer said where it begins
    expect(w, OPENED "1.0 abc\n1.0 def\n");
}

static void both_ends_at_one_address(void **state) {
    struct world *w = *state;
    static const struct {
        uint16_t from, to;
        uint32_t seq;
        uint8_t flags;
        const char *text;
    } packets[] = {{1000, 135, 100, SYN, ""},
                   {135, 1000, 500, SYN | ACK, ""},
                   {1000, 135, 101, ACK, "request"},
                   {135, 1000, 501, ACK, "response"}};

    for (size_t i = 0; i < 4; i++) {
        packet_payload(&w->packet, packets[i].text, strlen(packets[i].text));
        packet_tcp(&w->packet, packets[i].from, packets[i].to, packets[i].seq, 101,
                   packets[i].flags);
        packet_ipv4(&w->packet, 1, 1, NEXT_TCP, 0);
        world_feed(w, DLT_RAW);
    }
    expect(w, "open 1 10.0.0.1:1000 > 10.0.0.1:135\n1.0 request\n1.1 response\n");
}

static void simultaneous_open(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 100, 0, SYN, "");
    say(w, SERVER, 500, 0, SYN, "");
    say(w, CLIENT, 100, 501, SYN | ACK, "");
    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 101, 501, ACK, "a");
    say(w, SERVER, 501, 102, ACK, "b");
    expect(w, OPENED "1.0 a\n1.1 b\n");
    assert_int_equal(STAT(w, flows), 1);
}

static void fin_closes_each_direction(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 101, ACK | FIN, "bye");
    say(w, CLIENT, 101, 505, ACK, "still ");
    say(w, CLIENT, 107, 505, ACK, "talking");
    expect(w, OPENED "1.1 bye\n1.0 still \n1.0 talking\n");
    say(w, CLIENT, 120, 505, ACK | FIN, ""); // ahead of the last octets
    expect(w, "");
    say(w, CLIENT, 114, 505, ACK, "slowly");
    expect(w, "1.0 slowly\nclose 1 fin\n");
}

static void the_first_fin_counts(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    say(w, CLIENT, 120, 501, ACK | FIN, "");
    say(w, SERVER, 501, 105, ACK | FIN, "");
    expect(w, OPENED "1.0 abc\nclose 1 fin\n");
}

static void octets_after_a_fin_are_noted(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "end");
    say(w, CLIENT, 103, 501, ACK, "d and more");
    say(w, CLIENT, 104, 501, ACK, "more");
    expect(w, OPENED "1.0 end\nnote after-end 1\n");
    assert_int_equal(STAT(w, after_end), 2);
}

static void reset_closes_and_strays_are_ignored(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 107, 501, ACK, "ghi");
    say(w, SERVER, 501, 104, RST | ACK, "a reason in words");
    expect(w, OPENED "1.0 abc\n1.0 gap 3\n1.0 ghi\nclose 1 reset\n");
    say(w, CLIENT, 101, 501, ACK, "abc"); // retransmission
    say(w, CLIENT, 110, 501, ACK, "");
    expect(w, "");
    say(w, CLIENT, 110, 501, ACK, "jkl"); // was under way
    expect(w, "note after-end 1\n");
    assert_int_equal(STAT(w, stray_segments), 3);
    assert_int_equal(STAT(w, flows), 1);
}

static void reset_out_of_window_is_ignored(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501u + (1u << 31), 104, RST, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    say(w, SERVER, 501, 104, RST, "");
    expect(w, "close 1 reset\n");
}

// A receiver obeys a RST that stands exactly at the next octet; others anyone can send.
static void reset_beside_the_next_octet_is_ignored(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 502, 104, RST, "");
    say(w, CLIENT, 103, 501, RST, "");
    say(w, CLIENT, 105, 501, RST, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    assert_int_equal(STAT(w, stray_resets), 3);
    say(w, CLIENT, 113, 501, ACK, "jkl");
    say(w, CLIENT, 114, 501, RST, ""); // within what is held
    expect(w, "");
    say(w, CLIENT, 116, 501, RST, ""); // after it
    expect(w, "1.0 gap 6\n1.0 jkl\nclose 1 reset\n");
}

static void reset_at_what_was_acknowledged(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 120, ACK, ""); // octets that the capture lacks
    say(w, CLIENT, 120, 501, RST, "");
    expect(w, OPENED "1.0 abc\n1.0 gap 16\nclose 1 reset\n");
}

static void reset_after_a_fin(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    say(w, SERVER, 501, 105, ACK, "too late");
    say(w, CLIENT, 105, 501, RST, "");
    expect(w, OPENED "1.0 abc\n1.1 too late\nclose 1 reset\n");
}

// Without octets it is remembered of no flow that it was closed.
static void copies_of_a_syn_after_the_end(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    say(w, SERVER, 501, 105, ACK | FIN, "");
    say(w, CLIENT, 100, 0, SYN, ""); // late, on another queue
    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    expect(w, OPENED "1.0 abc\nclose 1 fin\n");
    assert_int_equal(STAT(w, flows), 1);
    for (int i = 0; i < 64; i++)
        pass_time(w, 0);
    say(w, CLIENT, 100, 0, SYN, "new"); // no longer
    say(w, SERVER, 500, 104, SYN | ACK, "");
    expect(w, "open 2 10.0.0.1:1000 > 10.0.0.2:135\n2.0 new\n");
}

static void refused_connection_is_never_opened(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 100, 0, SYN, "");
    say(w, SERVER, 0, 101, RST | ACK, "");
    say(w, CLIENT, 100, 0, SYN, ""); // tried again, with the same number
    say(w, SERVER, 0, 101, RST | ACK, "");
    finish(w);
    expect(w, "");
    assert_int_equal(STAT(w, flows), 2);
}

static void stray_retransmission_after_fin(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    say(w, SERVER, 501, 105, ACK | FIN, "def");
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    say(w, SERVER, 501, 105, ACK | FIN, "def");
    say(w, CLIENT, 105, 505, ACK, "");
    expect(w, OPENED "1.0 abc\n1.1 def\nclose 1 fin\n");
    assert_int_equal(STAT(w, stray_segments), 3);
}

static void port_reuse(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "one");
    say(w, CLIENT, 107, 501, ACK, "tail");
    say(w, CLIENT, 7000, 0, SYN, ""); // without a FIN in the capture
    expect(w, OPENED "1.0 one\n1.0 gap 3\n1.0 tail\nclose 1 replaced\n");
    say(w, SERVER, 8000, 7001, SYN | ACK, "");
    say(w, CLIENT, 7001, 8001, ACK | FIN, "two");
    say(w, SERVER, 8001, 7005, ACK | FIN, "2");
    expect(w, "open 2 10.0.0.1:1000 > 10.0.0.2:135\n2.0 two\n2.1 2\nclose 2 fin\n");
}

static void port_reuse_after_close(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "one");
    say(w, SERVER, 501, 105, ACK | FIN, "");
    handshake(w); // even with the same numbers, if nothing may be late
    say(w, CLIENT, 101, 501, ACK, "two");
    expect(w, OPENED "1.0 one\nclose 1 fin\nopen 2 10.0.0.1:1000 > 10.0.0.2:135\n2.0 two\n");
}

static void port_reuse_without_syn(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK | FIN, "one");
    say(w, SERVER, 501, 105, ACK | FIN, "");
    say(w, CLIENT, 4000, 900, ACK, "two"); // past the FIN, so of another connection
    expect(w, OPENED "1.0 one\nclose 1 fin\nopen 2 10.0.0.1:1000 ? 10.0.0.2:135\n2.0 two\n");
}

static void port_reuse_after_reset_without_syn(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "one");
    say(w, CLIENT, 104, 501, RST, "");
    say(w, CLIENT, 2000000000, 900, ACK, "two");
    expect(w, OPENED "1.0 one\nclose 1 reset\nopen 2 10.0.0.1:1000 ? 10.0.0.2:135\n2.0 two\n");
}

static void port_reuse_seen_at_the_answer(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "one");
    say(w, SERVER, 8000, 7001, SYN | ACK, "");
    say(w, CLIENT, 7001, 8001, ACK, "two");
    expect(w, OPENED "1.0 one\nclose 1 replaced\nopen 2 10.0.0.1:1000 > 10.0.0.2:135\n2.0 two\n");
}

static void handler_can_decline_a_flow(void **state) {
    struct world *w = *state;

    w->wanted = 2;
    handshake(w);
    say(w, SERVER, 507, 101, ACK, "held");
    say(w, CLIENT, 104, 501, ACK, "two");
    say(w, CLIENT, 110, 501, ACK, "held");
    say(w, CLIENT, 101, 501, ACK, "one");
    expect(w, OPENED "1.0 one\n1.0 two\n");
    say(w, CLIENT, 120, 501, ACK, "three");
    say(w, SERVER, 501, 125, ACK, "four");
    say(w, CLIENT, 125, 505, ACK | FIN, "");
    say(w, SERVER, 511, 126, ACK | FIN, "");
    expect(w, "close 1 fin\n");
    assert_int_equal(STAT(w, delivered), 6);
}

static void segments_out_of_window_are_strays(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 104u + (1u << 30) + 1, 501, ACK, "far");
    say(w, CLIENT, 104u - (1u << 30) - 1, 501, ACK, "far");
    say(w, CLIENT, 104, 501, ACK, "def");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    assert_int_equal(STAT(w, stray_segments), 2);
}

static void port_reuse_without_syn_or_fin(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 3000000000, 501, ACK, "far"); // once is nothing
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 3000000003, 501, ACK, "off"); // nor is twice with others between
    say(w, CLIENT, 2000000000, 501, ACK, "or elsewhere");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    say(w, CLIENT, 2000000012, 501, ACK, "new");
    say(w, CLIENT, 2000000015, 501, ACK, "stream");
    expect(w, "close 1 replaced\nopen 2 10.0.0.1:1000 ? 10.0.0.2:135\n2.0 new\n2.0 stream\n");
    assert_int_equal(STAT(w, stray_segments), 3);
}

static void a_host_that_talks_to_itself(void **state) {
    struct world *w = *state;
    static const uint8_t flags[] = {SYN, SYN | ACK, ACK, ACK | FIN, RST, SYN, ACK};

    for (size_t i = 0; i < sizeof flags; i++) {
        packet_payload(&w->packet, "x", 1);
        packet_tcp(&w->packet, 1000, 1000, 100 + (uint32_t)i, 100, flags[i]);
        packet_ipv4(&w->packet, 1, 1, NEXT_TCP, 0);
        world_feed(w, DLT_RAW);
    }
    assert_int_equal(STAT(w, segments), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(joins_in_mid_connection),
        WORLD_TEST(a_keep_alive_does_not_start_a_direction),
        WORLD_TEST(one_pushed_octet_starts_a_direction),
        WORLD_TEST(syn_with_octets),
        WORLD_TEST(syn_answer_seen_first),
        WORLD_TEST(syn_was_not_captured),
        WORLD_TEST(both_ends_at_one_address),
        WORLD_TEST(simultaneous_open),
        WORLD_TEST(fin_closes_each_direction),
        WORLD_TEST(the_first_fin_counts),
        WORLD_TEST(octets_after_a_fin_are_noted),
        WORLD_TEST(reset_closes_and_strays_are_ignored),
        WORLD_TEST(reset_out_of_window_is_ignored),
        WORLD_TEST(reset_beside_the_next_octet_is_ignored),
        WORLD_TEST(reset_at_what_was_acknowledged),
        WORLD_TEST(reset_after_a_fin),
        WORLD_TEST_TOLERANT(copies_of_a_syn_after_the_end),
        WORLD_TEST(refused_connection_is_never_opened),
        WORLD_TEST(stray_retransmission_after_fin),
        WORLD_TEST(port_reuse),
        WORLD_TEST(port_reuse_after_close),
        WORLD_TEST(port_reuse_without_syn),
        WORLD_TEST(port_reuse_after_reset_without_syn),
        WORLD_TEST(port_reuse_seen_at_the_answer),
        WORLD_TEST(handler_can_decline_a_flow),
        WORLD_TEST(segments_out_of_window_are_strays),
        WORLD_TEST(port_reuse_without_syn_or_fin),
        WORLD_TEST(a_host_that_talks_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
