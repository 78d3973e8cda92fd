// SPDX-License-Identifier: Apache-2.0
//
// Octets that come again: agreeing, contradicting, late, in other pieces.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void contradiction_of_delivered_octets(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abcdef");
    say(w, SERVER, 501, 107, ACK, "answer");
    say(w, CLIENT, 107, 507, ACK, "ghijkl");
    say(w, CLIENT, 101, 507, ACK, "abcdef"); // agrees
    expect(w, OPENED "1.0 abcdef\n1.1 answer\n1.0 ghijkl\n");
    say(w, CLIENT, 101, 507, ACK, "abcdeX");
    expect(w, "note contradiction 1\n");
    say(w, CLIENT, 104, 507, ACK, "defgXijklmno"); // over two deliveries, and new at the end
    say(w, SERVER, 501, 107, ACK, "Answer");
    expect(w, "1.0 mno\n"); // said once
    assert_int_equal(STAT(w, contradictions), 3);
    assert_int_equal(STAT(w, uncompared), 0);
}

static void repetitions_in_other_pieces_agree(void **state) {
    struct world *w = *state;
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    char part[32];

    handshake(w);
    for (size_t at = 0; at < 26; at += 3) {
        size_t size = at + 3 > 26 ? 26 - at : 3;
        memcpy(part, text + at, size);
        part[size] = '\0';
        say(w, CLIENT, 101 + (uint32_t)at, 501, ACK, part);
    }
    for (size_t from = 0; from < 26; from++)
        for (size_t to = from + 1; to <= 26; to++) {
            memcpy(part, text + from, to - from);
            part[to - from] = '\0';
            say(w, CLIENT, 101 + (uint32_t)from, 501, ACK, part);
        }
    assert_int_equal(STAT(w, contradictions), 0);
    assert_int_equal(STAT(w, uncompared), 0);
    assert_int_equal(STAT(w, delivered), 26);
}

static void held_octets_are_compared_once_delivered(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 104, 501, ACK, "def");
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 104, 501, ACK, "dXf");
    expect(w, OPENED "1.0 abc\n1.0 def\nnote contradiction 1\n");
}

static void keep_alives_are_not_compared(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 103, 501, ACK, "?"); // the octet of a keep-alive is anything
    say(w, SERVER, 501, 104, ACK, "");
    expect(w, OPENED "1.0 abc\n");
    assert_int_equal(STAT(w, contradictions), 0);
    assert_int_equal(STAT(w, gaps), 0);
}

static void zero_window_probe_is_the_next_octet(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, SERVER, 501, 104, ACK, "");  // no window
    say(w, CLIENT, 104, 501, ACK, "d"); // refused,
    say(w, SERVER, 501, 104, ACK, "");
    say(w, CLIENT, 104, 501, ACK, "d"); // and again
    say(w, SERVER, 501, 104, ACK, "");
    say(w, CLIENT, 104, 501, ACK, "def");
    expect(w, OPENED "1.0 abc\n1.0 d\n1.0 ef\n");
}

static void octets_that_are_not_remembered(void **state) {
    const struct capture_limits limits = {.compare_octets = 1}; // rounded up to 4,096
    struct world *w = world_new(&limits);
    static char octets[1001];

    (void)state;
    memset(octets, 'x', 1000);
    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "first ");
    for (uint32_t i = 0; i < 36; i++)
        say(w, SERVER, 501 + 1000 * i, 107, ACK, octets);
    say(w, CLIENT, 101, 501, ACK, "wrong ");
    assert_int_equal(STAT(w, contradictions), 0); // unknown by now, but said to be so
    assert_int_equal(STAT(w, uncompared), 6);
    memset(octets + 900, 'y', 100);
    say(w, SERVER, 35501, 107, ACK, octets);
    assert_int_equal(STAT(w, contradictions), 1);
    world_free(w);
}

// Segments as the sending host gives them to its interface, and as they are on the wire.
static void segmentation_offload(void **state) {
    const struct capture_limits limits = {.compare_octets = 65536};
    struct world *w = world_new(&limits);
    enum { SIZE = 60000, MSS = 1448 };
    char *large = malloc(SIZE + 1);

    (void)state;
    assert_non_null(large);
    for (size_t i = 0; i < SIZE; i++)
        large[i] = (char)('a' + i % 23);
    large[SIZE] = '\0';
    handshake(w);
    say(w, CLIENT, 101, 501, ACK, large);
    packet_payload(&w->packet, large, SIZE); // as sent by IPv4 with a length of 0
    world_wrap(w, CLIENT, 101 + SIZE, 501, ACK);
    memset(packet_data(&w->packet) + 2, 0, 2);
    world_feed(w, DLT_RAW);
    assert_int_equal(STAT(w, delivered), 2 * SIZE);
    for (size_t at = 0; at < SIZE; at += MSS) { // on the other interface, cut up
        char part[MSS + 1] = "";
        memcpy(part, large + at, SIZE - at < MSS ? SIZE - at : MSS);
        say(w, CLIENT, 101 + SIZE + (uint32_t)at, 501, ACK, part);
    }
    assert_int_equal(STAT(w, repeated), SIZE);
    assert_int_equal(STAT(w, contradictions), 0);
    assert_int_equal(STAT(w, uncompared), 0);
    say(w, CLIENT, 101 + 2 * SIZE - 3, 501, ACK, "???");
    assert_int_equal(STAT(w, contradictions), 1);
    for (uint32_t at = 0; at < 64; at++) { // of a larger delivery one octet in eight is known
        char part[9] = "????????";
        part[8 - at % 8] = '\0';
        say(w, CLIENT, 101 + SIZE + at, 501, ACK, part);
    }
    assert_int_equal(STAT(w, contradictions), 1 + 7); // a lone octet is a keep-alive
    assert_in_range(STAT(w, uncompared), 4 * 48, 4 * 64);
    free(large);
    world_free(w);
}

// Every packet twice, at once or after the next one, with every kind of segment.
static void captured_on_two_interfaces(void **state) {
    static const struct {
        int from;
        uint32_t seq, ack;
        uint8_t flags;
        const char *text;
    } packets[] = {{CLIENT, 100, 0, SYN, ""},
                   {SERVER, 500, 101, SYN | ACK, ""},
                   {CLIENT, 101, 501, ACK, ""},
                   {CLIENT, 101, 501, ACK | PSH, "request"},
                   {SERVER, 501, 108, ACK | PSH, "response"},
                   {CLIENT, 108, 509, ACK | PSH, "another request"},
                   {SERVER, 509, 123, ACK | PSH | FIN, "another"},
                   {CLIENT, 123, 517, ACK | FIN, "bye"},
                   {SERVER, 517, 127, ACK, ""}};
    enum { COUNT = sizeof packets / sizeof packets[0] };

    for (size_t trial = 0; trial < 8; trial++) {
        size_t distance = trial / 2;
        struct world *w = world_new(trial % 2 == 0 ? NULL : &capture_limits_default);
        for (size_t i = 0; i < COUNT + distance; i++) {
            if (i < COUNT)
                say(w, packets[i].from, packets[i].seq, packets[i].ack, packets[i].flags,
                    packets[i].text);
            if (i >= distance) {
                size_t n = i - distance;
                say(w, packets[n].from, packets[n].seq, packets[n].ack, packets[n].flags,
                    packets[n].text);
            }
        }
        finish(w);
        expect(w, OPENED "1.0 request\n1.1 response\n1.0 another request\n1.1 another\n1.0 bye\n"
                         "close 1 fin\n");
        assert_int_equal(STAT(w, flows), 1);
        assert_int_equal(STAT(w, contradictions), 0);
        world_free(w);
    }
    (void)state;
}

static void late_octets_of_earlier_gaps(void **state) {
    struct world *w = *state;

    handshake(w);
    for (uint32_t i = 0; i < 6; i++) { // "x" and a gap of one octet, six times
        say(w, CLIENT, 101 + 2 * i, 501, ACK, "x");
        say(w, SERVER, 501, 103 + 2 * i, ACK, "");
    }
    say(w, CLIENT, 113, 501, ACK, "y");
    assert_int_equal(STAT(w, gap_octets), 6);
    say(w, CLIENT, 101, 501, ACK, "xXxXxXxXxXxX");
    assert_int_equal(STAT(w, late_octets), 4); // of the last four gaps
    assert_int_equal(STAT(w, uncompared), 2);
    assert_int_equal(STAT(w, contradictions), 0);
}

static void wrap_within_held_octets(void **state) {
    struct world *w = *state;

    say(w, CLIENT, UINT32_MAX - 9, 0, SYN, ""); // octets begin at 2^32 - 9
    say(w, CLIENT, 3, 0, ACK, "MNO");
    say(w, CLIENT, UINT32_MAX - 2, 0, ACK, "GHIJKL");         // three before the wrap, three after
    say(w, CLIENT, UINT32_MAX - 5, 0, ACK, "defghijklmnopq"); // over both, contradicting them
    say(w, CLIENT, UINT32_MAX - 8, 0, ACK, "abc");
    expect(w, "note contradiction 1\n" OPENED "1.0 abc\n1.0 def\n1.0 GHIJKL\n1.0 MNO\n1.0 pq\n");
    say(w, CLIENT, UINT32_MAX - 8, 0, ACK, "abcdefGHIJKLMNOpq");
    say(w, CLIENT, UINT32_MAX - 2, 0, ACK, "GHIJKl");
    assert_int_equal(STAT(w, contradictions), 3); // two of them before
    assert_int_equal(STAT(w, uncompared), 0);
}

static void losses_on_both_sides(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "one");
    // "two" and its answer are lost.
    say(w, CLIENT, 107, 504, ACK, "three");  // acknowledges the answer
    say(w, SERVER, 504, 112, ACK, "ANSWER"); // and this one the two
    expect(w, OPENED "1.0 one\n1.0 gap 3\n1.0 three\n1.1 gap 3\n1.1 ANSWER\n");
    say(w, CLIENT, 112, 510, ACK, "four");
    say(w, SERVER, 510, 116, ACK, "MORE");
    expect(w, "1.0 four\n1.1 MORE\n");
    assert_int_equal(STAT(w, gaps), 2);
    assert_int_equal(STAT(w, gap_octets), 6);
}

static void wrong_checksums_are_accepted(void **state) {
    struct world *w = *state;

    handshake(w);
    packet_payload(&w->packet, "abc", 3);
    world_wrap(w, CLIENT, 101, 501, ACK);
    packet_data(&w->packet)[10] = 0x12;      // of IPv4
    packet_data(&w->packet)[20 + 17] = 0x34; // of TCP
    world_feed(w, DLT_RAW);
    expect(w, OPENED "1.0 abc\n");
}

// What was delivered half of all sequence numbers ago is neither before nor behind a repetition.
static void half_the_sequence_numbers_later(void **state) {
    struct world *w = *state;
    static const char cut[60000];
    const uint32_t missing = 0x80000000u - 20;
    uint32_t seq = 127;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abcdefghijklmnopqrstuvwxyz");
    for (uint32_t left = missing; left > 0;) {
        const uint32_t size = left < sizeof cut ? left : sizeof cut;
        packet_payload(&w->packet, cut, size);
        world_wrap(w, CLIENT, seq, 501, ACK);
        world_feed_cut(w, DLT_RAW, packet_size(&w->packet) - size);
        seq += size;
        left -= size;
    }
    say(w, CLIENT, seq, 501, ACK, "z");
    say(w, CLIENT, seq - 1, 501, ACK, "yz");
    assert_int_equal(STAT(w, gap_octets), missing);
    assert_int_equal(STAT(w, contradictions), 0);
    assert_int_equal(STAT(w, uncompared), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(contradiction_of_delivered_octets),
        WORLD_TEST(repetitions_in_other_pieces_agree),
        WORLD_TEST(held_octets_are_compared_once_delivered),
        WORLD_TEST(keep_alives_are_not_compared),
        WORLD_TEST(zero_window_probe_is_the_next_octet),
        cmocka_unit_test(octets_that_are_not_remembered),
        cmocka_unit_test(segmentation_offload),
        cmocka_unit_test(captured_on_two_interfaces),
        WORLD_TEST(late_octets_of_earlier_gaps),
        WORLD_TEST(wrap_within_held_octets),
        WORLD_TEST(losses_on_both_sides),
        WORLD_TEST(wrong_checksums_are_accepted),
        WORLD_TEST(half_the_sequence_numbers_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
