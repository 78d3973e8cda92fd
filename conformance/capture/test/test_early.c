// SPDX-License-Identifier: Apache-2.0
//
// Packets that the queues of an interface have exchanged: what waits, what for, and how long.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void response_before_its_request(void **state) {
    struct world *w = *state;

    w->with_frames = true;
    handshake(w);
    say(w, SERVER, 501, 108, ACK, "response");
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "request");
    expect(w, OPENED "1.0 @5 request\n1.1 @4 response\n");
    say(w, SERVER, 509, 108, ACK, "more");
    expect(w, "1.1 @6 more\n");
    assert_int_equal(STAT(w, early_segments), 1);
}

static void acknowledgement_before_the_octets(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 107, ACK, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    assert_int_equal(STAT(w, gaps), 0);
}

static void several_exchanges_at_once(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 507, 107, ACK, "second"); // answers def
    say(w, CLIENT, 107, 513, ACK, "ghi");    // answers second
    say(w, SERVER, 501, 104, ACK, "first-"); // answers abc
    say(w, CLIENT, 104, 507, ACK, "def");    // answers first
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, OPENED "1.0 abc\n1.1 first-\n1.0 def\n1.1 second\n1.0 ghi\n");
    assert_int_equal(STAT(w, gaps), 0);
}

static void exchanged_fins(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 105, ACK | FIN, "bye");
    say(w, CLIENT, 105, 505, ACK, "");
    say(w, CLIENT, 101, 501, ACK | FIN, "abc");
    expect(w, OPENED "1.0 abc\n1.1 bye\nclose 1 fin\n");
}

static void lost_octets_are_waited_for_by_packets(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 104, ACK, "answer");
    for (uint32_t i = 1; i < 64; i++)
        pass_time(w, 0);
    expect(w, "");
    pass_time(w, 0);
    expect(w, OPENED "1.1 answer\n");
    say(w, SERVER, 507, 107, ACK, "next"); // nothing came of the client: no reason to wait
    expect(w, "1.1 next\n");
    say(w, CLIENT, 107, 511, ACK, "still here");
    expect(w, "1.0 gap 6\n1.0 still here\n");
    say(w, SERVER, 511, 120, ACK, "!"); // now there is again
    expect(w, "");
    finish(w);
    expect(w, "1.1 !\n1.0 gap 3\nclose 1 end\n");
}

static void lost_octets_are_waited_for_by_time(void **state) {
    struct world *w = *state;

    handshake(w);
    w->stamp.nanoseconds = 995000000;
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, SERVER, 501, 107, ACK, "answer");
    w->stamp.nanoseconds = 999999999;
    pass_time(w, 0);
    w->stamp.nanoseconds = 4999999; // of the next second
    pass_time(w, 1);
    expect(w, "");
    w->stamp.nanoseconds = 5000000;
    pass_time(w, 0);
    expect(w, OPENED "1.0 gap 3\n1.0 def\n1.1 answer\n");
    say(w, CLIENT, 101, 501, ACK, "abc");
    expect(w, "note late 1\n");
}

static void a_clock_that_goes_back_expires_nothing(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 108, ACK, "response");
    pass_time(w, -3600);
    expect(w, "");
    say(w, CLIENT, 101, 501, ACK, "request");
    expect(w, OPENED "1.0 request\n1.1 response\n");
}

static void octets_before_their_syn(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 104, 501, ACK, "def"); // of one queue
    say(w, SERVER, 501, 107, ACK, "answer");
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 100, 0, SYN, ""); // of another
    say(w, SERVER, 500, 101, SYN | ACK, "");
    expect(w, OPENED "1.0 abc\n1.0 def\n1.1 answer\n");
    finish(w);
    expect(w, "close 1 end\n");
    assert_int_equal(STAT(w, flows), 1);
    assert_int_equal(STAT(w, flows_joined_late), 0);
    assert_int_equal(STAT(w, gaps), 0);
}

static void the_answer_comes_first_of_all(void **state) {
    struct world *w = *state;

    say(w, SERVER, 501, 104, ACK, "answer"); // so the server seems to have begun
    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 100, 0, SYN, "");
    expect(w, OPENED "1.0 abc\n1.1 answer\n");
    say(w, CLIENT, 104, 507, ACK | FIN, "");
    say(w, SERVER, 507, 105, ACK | FIN, "");
    expect(w, "close 1 fin\n");
}

static void the_client_opens_after_the_server_spoke(void **state) {
    struct world *w = *state;

    say(w, SERVER, 501, 101, ACK, "hello");
    say(w, CLIENT, 100, 0, SYN, "");
    expect(w, "");
    say(w, SERVER, 500, 101, SYN | ACK, "");
    expect(w, OPENED "1.1 hello\n");
}

static void without_a_syn_the_lowest_octets_begin(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 107, ACK, "answer");
    expect(w, "");
    pass_time(w, 1);
    expect(w, JOINED "1.0 abc\n1.0 def\n1.1 answer\n");
    assert_int_equal(STAT(w, flows_joined_late), 1);
    assert_int_equal(STAT(w, gaps), 0);
}

// With TCP Fast Open the answer acknowledges octets of the SYN.
static void octets_of_a_late_syn(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 102, 501, ACK, "bcdef"); // some of them once more
    say(w, SERVER, 500, 104, SYN | ACK, "");
    say(w, CLIENT, 100, 0, SYN, "abc");
    expect(w, OPENED "1.0 abc\n1.0 def\n");
    assert_int_equal(STAT(w, gaps), 0);
}

static void without_a_syn_the_answer_says_where_octets_begin(void **state) {
    struct world *w = *state;

    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    pass_time(w, 1);
    say(w, SERVER, 501, 107, ACK, "");
    pass_time(w, 1);
    expect(w, OPENED "1.0 gap 3\n1.0 def\n");
}

// The last octets of one connection, then another one between the same ports.
static void a_syn_of_another_connection(void **state) {
    struct world *w = *state;

    say(w, CLIENT, 900000000, 501, ACK, "old");
    say(w, CLIENT, 100, 0, SYN, "");
    expect(w, JOINED "1.0 old\nclose 1 replaced\n");
    say(w, SERVER, 500, 101, SYN | ACK, "");
    say(w, CLIENT, 101, 501, ACK, "new");
    expect(w, "open 2 10.0.0.1:1000 > 10.0.0.2:135\n2.0 new\n");
}

static void a_reset_takes_what_waits(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 104, ACK, "answer");
    say(w, CLIENT, 107, 507, ACK, "ghi");
    say(w, SERVER, 507, 110, RST | ACK, "");
    expect(w, OPENED "1.1 answer\n1.0 gap 6\n1.0 ghi\nclose 1 reset\n");
}

static void what_waits_counts_for_half_open_flows(void **state) {
    const struct capture_limits limits = {.flows = 8, .reorder_packets = 64};
    struct world *w = world_new(&limits);

    (void)state;
    say(w, CLIENT, 100, 0, SYN, "");
    say(w, SERVER, 501, 101, ACK, "early");
    for (uint16_t port = 2000; port < 2020; port++) { // would displace a half-open one
        packet_payload(&w->packet, "", 0);
        packet_tcp(&w->packet, port, 135, 100, 0, SYN);
        packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 0);
        world_feed(w, DLT_RAW);
    }
    say(w, SERVER, 500, 101, SYN | ACK, "");
    expect(w, "note half-open-limit\n" OPENED "1.1 early\n");
    world_free(w);
}

// The answer to what is lost is lost too: each is given up, and the talk goes on.
static void losses_on_both_sides_at_once(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "one");
    say(w, CLIENT, 107, 504, ACK, "three");  // acknowledges an answer that is lost
    say(w, SERVER, 504, 112, ACK, "ANSWER"); // to octets that are lost
    pass_time(w, 1);
    say(w, CLIENT, 112, 510, ACK, "four");
    say(w, SERVER, 510, 116, ACK, "MORE");
    expect(w, OPENED "1.0 one\n1.0 gap 3\n1.0 three\n1.1 gap 3\n1.1 ANSWER\n"
                     "1.0 four\n1.1 MORE\n");
    assert_int_equal(STAT(w, gaps), 2);
}

// One direction of a capture is all there is: nothing waits for long.
static void one_direction_only(void **state) {
    struct world *w = *state;
    uint32_t seq = 101;

    say(w, CLIENT, 100, 0, SYN, "");
    for (int i = 0; i < 100; i++, seq += 2)
        say(w, CLIENT, seq, 501 + (uint32_t)i, ACK, "ab");
    assert_int_equal(STAT(w, delivered), 200);
    assert_true(STAT(w, early_segments) <= 64);
    finish(w);
    assert_int_equal(STAT(w, gaps), 0);
}

// Every order of the packets of a short connection in which none is further than 3 from its place
// gives the same streams, causes before effects.
static const struct {
    int from;
    uint32_t seq, ack;
    uint8_t flags;
    const char *text;
} short_talk[] = {{CLIENT, 100, 0, SYN, ""},         {SERVER, 500, 101, SYN | ACK, ""},
                  {CLIENT, 101, 501, ACK, "q1"},     {SERVER, 501, 103, ACK, "a1"},
                  {CLIENT, 103, 503, ACK, "q2"},     {SERVER, 503, 105, ACK, "a2"},
                  {CLIENT, 105, 505, ACK | FIN, ""}, {SERVER, 505, 106, ACK | FIN, ""}};
enum { TALK = sizeof short_talk / sizeof short_talk[0], DISTANCE = 3 };

static void feed_order(const int order[TALK]) {
    struct world *w = world_new(&capture_limits_default);

    for (int i = 0; i < TALK; i++) {
        int n = order[i];
        say(w, short_talk[n].from, short_talk[n].seq, short_talk[n].ack, short_talk[n].flags,
            short_talk[n].text);
    }
    finish(w);
    expect(w, OPENED "1.0 q1\n1.1 a1\n1.0 q2\n1.1 a2\nclose 1 fin\n");
    world_free(w);
}

static unsigned try_orders(int order[TALK], int place, unsigned used) {
    unsigned count = 0;

    if (place == TALK) {
        feed_order(order);
        return 1;
    }
    for (int n = 0; n < TALK; n++) {
        if ((used >> n & 1) != 0 || abs(n - place) > DISTANCE)
            continue;
        order[place] = n;
        count += try_orders(order, place + 1, used | 1u << n);
    }
    return count;
}

static void every_order_within_reach(void **state) {
    int order[TALK];

    (void)state;
    assert_true(try_orders(order, 0, 0) > 1000);
}

// The capture begins with an answer, so nothing is known of either direction and both wait, the
// server's for the longer time. What answers a request that waits comes out behind it all the same.
static void joined_behind_an_answer(void **state) {
    struct world *w = *state;

    say(w, SERVER, 501, 101, ACK, "answer");
    w->stamp.nanoseconds = 9000000;
    say(w, CLIENT, 101, 507, ACK, "request");
    say(w, SERVER, 507, 108, ACK, "response");
    w->stamp.nanoseconds = 10000000;
    pass_time(w, 0);
    w->stamp.nanoseconds = 19000000;
    pass_time(w, 0);
    expect(w, "open 1 10.0.0.2:135 ? 10.0.0.1:1000\n"
              "1.0 answer\n1.1 request\n1.0 response\n");
    assert_int_equal(STAT(w, gaps), 0);
}

// What was lost on both sides is not waited for any longer, but the request still is.
static void losses_before_request_and_response(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, SERVER, 501, 111, ACK, ""); // of ten octets that are lost
    say(w, CLIENT, 111, 506, ACK, ""); // of five
    say(w, CLIENT, 111, 506, ACK, "request");
    say(w, SERVER, 506, 118, ACK, "response");
    for (int i = 0; i < 70; i++)
        pass_time(w, 0);
    expect(w, OPENED "1.0 gap 10\n1.0 request\n1.1 gap 5\n1.1 response\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST_TOLERANT(response_before_its_request),
        WORLD_TEST_TOLERANT(acknowledgement_before_the_octets),
        WORLD_TEST_TOLERANT(several_exchanges_at_once),
        WORLD_TEST_TOLERANT(exchanged_fins),
        WORLD_TEST_TOLERANT(lost_octets_are_waited_for_by_packets),
        WORLD_TEST_TOLERANT(lost_octets_are_waited_for_by_time),
        WORLD_TEST_TOLERANT(a_clock_that_goes_back_expires_nothing),
        WORLD_TEST_TOLERANT(octets_before_their_syn),
        WORLD_TEST_TOLERANT(the_answer_comes_first_of_all),
        WORLD_TEST_TOLERANT(the_client_opens_after_the_server_spoke),
        WORLD_TEST_TOLERANT(without_a_syn_the_lowest_octets_begin),
        WORLD_TEST_TOLERANT(octets_of_a_late_syn),
        WORLD_TEST_TOLERANT(without_a_syn_the_answer_says_where_octets_begin),
        WORLD_TEST_TOLERANT(a_syn_of_another_connection),
        WORLD_TEST_TOLERANT(a_reset_takes_what_waits),
        WORLD_TEST_TOLERANT(losses_on_both_sides_at_once),
        WORLD_TEST_TOLERANT(one_direction_only),
        WORLD_TEST_TOLERANT(joined_behind_an_answer),
        WORLD_TEST_TOLERANT(losses_before_request_and_response),
        cmocka_unit_test(what_waits_counts_for_half_open_flows),
        cmocka_unit_test(every_order_within_reach),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
