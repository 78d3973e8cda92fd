// SPDX-License-Identifier: Apache-2.0
//
// Bounds on memory, and packets cut off by the snapshot length.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// A segment of connection `number`, from a port and an address of its own.
static void say_as(struct world *w, uint32_t number, uint32_t seq, uint8_t flags,
                   const char *text) {
    packet_payload(&w->packet, text, strlen(text));
    packet_tcp(&w->packet, (uint16_t)(2000 + number % 50000), 135, seq, 0, flags);
    packet_ipv4(&w->packet, (uint8_t)(10 + number / 50000), 2, NEXT_TCP, 0);
    world_feed(w, DLT_RAW);
}

static void flood_does_not_displace_conversations(void **state) {
    const struct capture_limits limits = {.flows = 16};
    struct world *w = world_new(&limits);

    (void)state;
    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "wait for a notification");
    for (uint32_t i = 0; i < 1000; i++)
        say_as(w, i, 100, SYN, "");
    say(w, SERVER, 501, 124, ACK, "at last");
    expect(w, OPENED "1.0 wait for a notification\nnote half-open-limit\n1.1 at last\n");
    assert_int_equal(STAT(w, half_open_evictions), 1000 - 8);
    assert_int_equal(STAT(w, flow_evictions), 0);
    finish(w);
    expect(w, "close 1 end\nnote half-open-limit\n"); // with the count
    world_free(w);
}

static void longest_silent_flow_goes_first(void **state) {
    const struct capture_limits limits = {.flows = 2};
    struct world *w = world_new(&limits);

    (void)state;
    say_as(w, 1, 100, SYN, "a");
    say_as(w, 2, 100, SYN, "b");
    say_as(w, 1, 102, ACK, "c");
    say_as(w, 2, 104, ACK, "held");
    say_as(w, 1, 103, ACK, "d");
    say_as(w, 3, 100, SYN, "e");
    expect(w, "open 1 10.0.0.10:2001 > 10.0.0.2:135\n1.0 a\n"
              "open 2 10.0.0.10:2002 > 10.0.0.2:135\n2.0 b\n1.0 c\n1.0 d\n"
              "note flow-limit\n2.0 gap 2\n2.0 held\nclose 2 evicted\n"
              "open 3 10.0.0.10:2003 > 10.0.0.2:135\n3.0 e\n");
    world_free(w);
}

static void closed_flows_go_before_open_ones(void **state) {
    const struct capture_limits limits = {.flows = 2, .half_open = 2};
    struct world *w = world_new(&limits);

    (void)state;
    say_as(w, 1, 100, SYN, "");
    say_as(w, 2, 100, SYN, "x");
    say_as(w, 2, 102, RST, "");
    say_as(w, 3, 100, SYN, "");
    expect(w, "open 2 10.0.0.10:2002 > 10.0.0.2:135\n2.0 x\nclose 2 reset\nnote closed-limit\n");
    say_as(w, 1, 101, ACK, "kept");
    expect(w, "open 1 10.0.0.10:2001 > 10.0.0.2:135\n1.0 kept\n");
    assert_int_equal(STAT(w, closed_evictions), 1);
    assert_int_equal(STAT(w, flow_evictions), 0);
    assert_int_equal(STAT(w, half_open_evictions), 0);
    world_free(w);
}

static void closed_flows_are_forgotten_in_time(void **state) {
    const struct capture_limits limits = {.closed_seconds = 60};
    struct world *w = world_new(&limits);

    (void)state;
    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "abc");
    say(w, CLIENT, 104, 501, RST, "");
    w->stamp.seconds += 60;
    say_as(w, 1, 100, SYN, "");
    say(w, CLIENT, 101, 501, ACK, "abc"); // a stray
    expect(w, OPENED "1.0 abc\nclose 1 reset\n");
    w->stamp.seconds += 1;
    say_as(w, 2, 100, SYN, "");
    say(w, CLIENT, 101, 501, ACK, "abc"); // unknown by now
    expect(w, "open 4 10.0.0.1:1000 ? 10.0.0.2:135\n4.0 abc\n");
    world_free(w);
}

static void octets_held_by_a_direction(void **state) {
    struct world *w = world_new(NULL);
    static char kibi[1025];
    uint32_t held = 0;

    (void)state;
    memset(kibi, 'k', 1024);
    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "a");
    while (STAT(w, side_evictions) == 0) {
        say(w, CLIENT, 1000 + held * 1024, 501, ACK, kibi);
        held++;
    }
    assert_in_range(held, 900, 1024); // the last one went over 1 MiB, bookkeeping included
    assert_int_equal(STAT(w, delivered), 1 + held * 1024);
    assert_int_equal(STAT(w, gap_octets), 1000 - 102);
    assert_in_range(STAT(w, held_peak), 1 << 20, (1 << 20) + 2048);
    assert_non_null(strstr(w->log, "1.0 a\nnote side-limit\n1.0 gap 898\n1.0 k"));
    world_free(w);
}

static void segments_held_by_a_direction(void **state) {
    const struct capture_limits limits = {.side_segments = 3};
    struct world *w = world_new(&limits);

    (void)state;
    handshake(w);
    say(w, CLIENT, 110, 501, ACK, "d");
    say(w, CLIENT, 108, 501, ACK, "c");
    say(w, CLIENT, 106, 501, ACK, "b");
    expect(w, "");
    say(w, CLIENT, 103, 501, ACK, "a");
    expect(w, "note side-limit\n" OPENED "1.0 gap 2\n1.0 a\n");
    say(w, CLIENT, 112, 501, ACK, "e");
    expect(w, "1.0 gap 2\n1.0 b\n"); // said once
    assert_int_equal(STAT(w, side_evictions), 2);
    say(w, CLIENT, 107, 501, ACK, "-");
    expect(w, "1.0 -\n1.0 c\n");
    world_free(w);
}

static void octets_held_by_all(void **state) {
    const struct capture_limits limits = {.held_octets = 4096};
    struct world *w = world_new(&limits);
    static char octets[801];

    (void)state;
    memset(octets, 'x', 800);
    for (uint32_t i = 1; i <= 4; i++)
        say_as(w, i, 100, SYN, "");
    for (uint32_t i = 4; i >= 1; i--)
        say_as(w, i, 111, ACK, octets);
    expect(w, "");
    say_as(w, 4, 1111, ACK, octets); // its flow has the oldest hole, and gives it up
    assert_int_equal(STAT(w, held_evictions), 1);
    assert_int_equal(STAT(w, gap_octets), 10);
    say_as(w, 2, 1111, ACK, octets); // the oldest is now that of 3
    assert_int_equal(STAT(w, held_evictions), 2);
    assert_int_equal(STAT(w, gap_octets), 10 + 10);
    assert_int_equal(STAT(w, delivered), 1600);
    assert_int_equal(strncmp(w->log, "note held-limit\nopen 4 ", 23), 0);
    assert_non_null(strstr(w->log, "open 3 "));
    assert_null(strstr(w->log, "open 2 "));
    world_free(w);
}

static void octets_of_fragments(void **state) {
    const struct capture_limits limits = {.fragment_octets = 16384};
    struct world *w = world_new(&limits);
    uint16_t fed = 0;

    (void)state;
    do {
        packet_payload(&w->packet, "abcdefgh", 8);
        packet_udp(&w->packet, 1000, 135);
        packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, fed++, 0, true);
        world_feed(w, DLT_RAW);
    } while (STAT(w, fragment_evictions) == 0);
    assert_in_range(fed, 4, 8);
    expect(w, "note fragment-limit\n");
    for (uint16_t id = fed; id-- > 0;) {
        packet_payload(&w->packet, "ijklmnop", 8);
        packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, id, 16, false);
        world_feed(w, DLT_RAW);
    }
    assert_int_equal(STAT(w, datagrams_joined), fed - 1); // all but the oldest
    world_free(w);
}

static void largest_datagram_fits_any_limit(void **state) {
    const struct capture_limits limits = {.fragment_octets = 1};
    struct world *w = world_new(&limits);
    enum { SIZE = 65528 };
    static uint8_t content[SIZE];

    (void)state;
    memset(content, 'x', SIZE);
    memset(content, 0, 8); // a UDP header whose length is that of the datagram
    for (size_t at = SIZE; at > 0;) {
        size_t from = (at - 1) / 1480 * 1480;
        packet_payload(&w->packet, content + from, at - from);
        packet_ipv4_fragment(&w->packet, 1, 2, NEXT_UDP, 1, from, at < SIZE);
        world_feed(w, DLT_RAW);
        at = from;
    }
    assert_int_equal(STAT(w, datagrams_joined), 1);
    assert_int_equal(STAT(w, datagrams), 1);
    assert_int_equal(strlen(w->log), strlen("datagram 10.0.0.1:0 > 10.0.0.2:0 \n") + SIZE - 8);
    world_free(w);
}

static void snapshot_length_is_a_gap(void **state) {
    struct world *w = world_new(NULL);

    (void)state;
    handshake(w);
    packet_payload(&w->packet, "abcdefghij", 10);
    world_wrap(w, CLIENT, 101, 501, ACK);
    world_feed_cut(w, DLT_RAW, 44);
    expect(w, "note snapshot\n" OPENED "1.0 abcd\n1.0 gap 6\n");
    packet_payload(&w->packet, "uvwxyz", 6); // the same for a held one
    world_wrap(w, CLIENT, 121, 501, ACK);
    world_feed_cut(w, DLT_RAW, 43);
    say(w, CLIENT, 127, 501, ACK, "after");
    say(w, CLIENT, 124, 501, ACK, "xyz"); // sent again, but the first copy counts
    expect(w, "");
    say(w, CLIENT, 111, 501, ACK, "klmnopqrst");
    expect(w, "1.0 klmnopqrst\n1.0 uvw\n1.0 gap 3\n1.0 after\n");
    packet_payload(&w->packet, "0123", 4); // nothing but headers
    world_wrap(w, CLIENT, 132, 501, ACK);
    world_feed_cut(w, DLT_RAW, 40);
    say(w, CLIENT, 136, 501, ACK, "4");
    expect(w, "1.0 gap 4\n1.0 4\n");
    say(w, CLIENT, 101, 501, ACK, "abcdefghij"); // too late
    expect(w, "note late 1\n");
    assert_int_equal(STAT(w, cut_packets), 3);
    assert_int_equal(STAT(w, gap_octets), 6 + 3 + 4);
    world_free(w);
}

static void snapshot_within_headers(void **state) {
    struct world *w = world_new(NULL);

    (void)state;
    handshake(w);
    packet_payload(&w->packet, "abc", 3);
    packet_tcp_options(&w->packet, 8);
    world_wrap(w, CLIENT, 101, 501, ACK);
    world_feed_cut(w, DLT_RAW, 42); // within the options: what matters is there
    expect(w, "note snapshot\n" OPENED "1.0 gap 3\n");
    packet_payload(&w->packet, "def", 3);
    world_wrap(w, CLIENT, 104, 501, ACK);
    world_feed_cut(w, DLT_RAW, 39);
    assert_int_equal(STAT(w, headless), 1);
    say(w, SERVER, 501, 107, ACK, "");
    say(w, CLIENT, 107, 501, ACK, "ghi");
    expect(w, "1.0 gap 3\n1.0 ghi\n");
    world_free(w);
}

// The value with commas, as documents have it.
static void find_default(const char *document, const char *name, uint32_t value) {
    char row[96], digits[16], text[24] = "";

    snprintf(digits, sizeof digits, "%u", value);
    for (size_t i = 0, left = strlen(digits); digits[i] != '\0'; i++, left--)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c",
                 i > 0 && left % 3 == 0 ? "," : "", digits[i]);
    snprintf(row, sizeof row, "| `%s` | %s |", name, text);
    if (!strstr(document, row))
        fail_msg("docs/captures.md lacks %s", row);
}

static void documents_name_every_limit_and_note(void **state) {
    static const char *const notes[] = {
#define CAPTURE_X(name, text) "`" text "`",
        CAPTURE_NOTES(CAPTURE_X)
#undef CAPTURE_X
    };
    const struct capture_limits *limits = &capture_limits_default;
    char *document = calloc(1, 1 << 16);
    FILE *file = fopen(CMRP_SOURCE_DIR "/docs/captures.md", "r");

    (void)state;
    assert_non_null(document);
    assert_non_null(file);
    assert_in_range(fread(document, 1, (1 << 16) - 1, file), 1, (1 << 16) - 2);
    fclose(file);
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (!strstr(document, notes[i]))
            fail_msg("docs/captures.md lacks %s", notes[i]);
#define LIMIT(name) find_default(document, #name, limits->name)
    LIMIT(flows);
    LIMIT(half_open);
    LIMIT(side_octets);
    LIMIT(side_segments);
    LIMIT(held_octets);
    LIMIT(fragment_octets);
    LIMIT(fragment_seconds);
    LIMIT(closed_seconds);
    LIMIT(compare_octets);
    LIMIT(reorder_packets);
    LIMIT(reorder_microseconds);
#undef LIMIT
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_does_not_displace_conversations),
        cmocka_unit_test(longest_silent_flow_goes_first),
        cmocka_unit_test(closed_flows_go_before_open_ones),
        cmocka_unit_test(closed_flows_are_forgotten_in_time),
        cmocka_unit_test(octets_held_by_a_direction),
        cmocka_unit_test(segments_held_by_a_direction),
        cmocka_unit_test(octets_held_by_all),
        cmocka_unit_test(octets_of_fragments),
        cmocka_unit_test(largest_datagram_fits_any_limit),
        cmocka_unit_test(snapshot_length_is_a_gap),
        cmocka_unit_test(snapshot_within_headers),
        cmocka_unit_test(documents_name_every_limit_and_note),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
