// SPDX-License-Identifier: Apache-2.0
//
// Link layers, IP headers and UDP.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JOINED6 "open 1 [2001:db8::1]:1000 ? [2001:db8::2]:135\n"

// A TCP segment in mid-connection, without IP.
static void segment(struct world *w, uint32_t seq, const char *text) {
    packet_payload(&w->packet, text, strlen(text));
    packet_tcp(&w->packet, 1000, 135, seq, 0, ACK);
}

static void segment4(struct world *w, uint32_t seq, const char *text) {
    segment(w, seq, text);
    packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 0);
}

static void segment6(struct world *w, uint32_t seq, const char *text) {
    segment(w, seq, text);
    packet_ipv6(&w->packet, 1, 2, NEXT_TCP);
}

static void ethernet_and_tags(void **state) {
    struct world *w = *state;

    segment4(w, 1, "plain ");
    packet_ethernet(&w->packet, TYPE_IPV4);
    world_feed(w, DLT_EN10MB);
    segment4(w, 7, "tagged ");
    packet_vlan(&w->packet, 5, TYPE_IPV4);
    packet_ethernet(&w->packet, 0x8100);
    world_feed(w, DLT_EN10MB);
    segment4(w, 14, "thrice");
    packet_vlan(&w->packet, 5, TYPE_IPV4);
    packet_vlan(&w->packet, 6, 0x8100);
    packet_vlan(&w->packet, 7, 0x9100);
    packet_ethernet(&w->packet, 0x88a8);
    world_feed(w, DLT_EN10MB);
    packet_payload(&w->packet, "who has", 7);
    packet_vlan(&w->packet, 5, TYPE_ARP);
    packet_ethernet(&w->packet, 0x8100);
    world_feed(w, DLT_EN10MB);
    expect(w, JOINED "1.0 plain \n1.0 tagged \n1.0 thrice\n");
    assert_int_equal(STAT(w, other_network), 1);
    assert_int_equal(STAT(w, packets), 4);
}

static void ethernet_padding_is_not_data(void **state) {
    struct world *w = *state;

    packet_payload(&w->packet, "abcPADDING", 10);
    packet_tcp(&w->packet, 1000, 135, 1, 0, ACK);
    packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 0);
    packet_data(&w->packet)[3] = 43; // total length
    packet_ethernet(&w->packet, TYPE_IPV4);
    world_feed(w, DLT_EN10MB);
    expect(w, JOINED "1.0 abc\n");
}

static void ethernet_ipv6(void **state) {
    struct world *w = *state;

    segment6(w, 1, "six");
    packet_ethernet(&w->packet, TYPE_IPV6);
    world_feed(w, DLT_EN10MB);
    expect(w, JOINED6 "1.0 six\n");
}

static void cooked_v1_and_v2(void **state) {
    struct world *w = *state;

    segment4(w, 1, "one ");
    packet_cooked(&w->packet, TYPE_IPV4);
    world_feed(w, DLT_LINUX_SLL);
    segment4(w, 5, "two ");
    packet_vlan(&w->packet, 5, TYPE_IPV4);
    packet_cooked(&w->packet, 0x8100);
    world_feed(w, DLT_LINUX_SLL);
    segment4(w, 9, "three");
    packet_cooked2(&w->packet, TYPE_IPV4);
    world_feed(w, DLT_LINUX_SLL2);
    segment6(w, 1, "six");
    packet_cooked2(&w->packet, TYPE_IPV6);
    world_feed(w, DLT_LINUX_SLL2);
    expect(w, JOINED "1.0 one \n1.0 two \n1.0 three\n"
                     "open 2 [2001:db8::1]:1000 ? [2001:db8::2]:135\n2.0 six\n");
}

static void loopback_in_both_byte_orders(void **state) {
    static const uint32_t families[] = {10, 24, 28, 30};
    struct world *w = *state;

    for (int big = 0; big < 2; big++) {
        segment4(w, 1 + 3 * (uint32_t)big, "ab ");
        packet_loopback(&w->packet, 2, big);
        world_feed(w, big ? DLT_LOOP : DLT_NULL);
    }
    expect(w, JOINED "1.0 ab \n1.0 ab \n");
    for (uint32_t i = 0; i < 8; i++) {
        segment6(w, 1 + i * 2, "6,");
        packet_loopback(&w->packet, families[i / 2], i % 2);
        world_feed(w, DLT_NULL);
    }
    assert_int_equal(STAT(w, delivered), 6 + 16);
    segment4(w, 1, "no");
    packet_loopback(&w->packet, 7, false);
    world_feed(w, DLT_NULL);
    assert_int_equal(STAT(w, other_network), 1);
}

static void raw_ip(void **state) {
    struct world *w = *state;

    segment4(w, 1, "raw ");
    world_feed(w, DLT_RAW);
    segment4(w, 5, "ipv4");
    world_feed(w, DLT_IPV4);
    expect(w, JOINED "1.0 raw \n1.0 ipv4\n");
    segment6(w, 1, "raw ");
    world_feed(w, DLT_RAW);
    segment6(w, 5, "ipv6");
    world_feed(w, DLT_IPV6);
    expect(w, "open 2 [2001:db8::1]:1000 ? [2001:db8::2]:135\n2.0 raw \n2.0 ipv6\n");
    segment6(w, 9, "not what the link says");
    world_feed(w, DLT_IPV4);
    expect(w, "note malformed\n");
}

static void unsupported_link(void **state) {
    struct world *w = *state;

    assert_false(capture_link_supported(DLT_IEEE802_11));
    assert_false(
        capture_packet(w->capture, DLT_IEEE802_11, (const uint8_t *)"abcd", 4, 4, &w->stamp));
    assert_int_equal(STAT(w, packets), 0);
}

static void ipv4_options(void **state) {
    struct world *w = *state;

    segment(w, 1, "abc");
    packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 40);
    world_feed(w, DLT_RAW);
    expect(w, JOINED "1.0 abc\n");
}

static void ipv4_lengths(void **state) {
    struct world *w = *state;

    segment4(w, 1, "offloaded");
    memset(packet_data(&w->packet) + 2, 0, 2); // 0: as long as the packet
    world_feed(w, DLT_RAW);
    expect(w, JOINED "1.0 offloaded\n");
    for (uint8_t header = 0; header < 5; header++) {
        segment4(w, 10, "x");
        packet_data(&w->packet)[0] = 0x40 | header;
        world_feed(w, DLT_RAW);
    }
    segment4(w, 10, "x");
    packet_data(&w->packet)[3] = 19;
    world_feed(w, DLT_RAW);
    assert_int_equal(STAT(w, malformed), 6);
    segment4(w, 10, "half");
    packet_data(&w->packet)[3] += 6; // longer than the packet: the rest is missing
    world_feed(w, DLT_RAW);
    segment4(w, 20, "next");
    world_feed(w, DLT_RAW);
    expect(w, "note malformed\n1.0 half\n1.0 gap 6\n1.0 next\n");
}

static void absurd_length_on_the_wire(void **state) {
    struct world *w = *state;
    struct capture_stamp stamp = {1, 0, 0};

    segment4(w, 1, "x");
    memset(packet_data(&w->packet) + 2, 0, 2);
    assert_true(capture_packet(w->capture, DLT_RAW, packet_data(&w->packet),
                               packet_size(&w->packet), UINT32_MAX, &stamp));
    segment6(w, 1, "x");
    memset(packet_data(&w->packet) + 4, 0, 2);
    assert_true(capture_packet(w->capture, DLT_RAW, packet_data(&w->packet),
                               packet_size(&w->packet), UINT32_MAX, &stamp));
    expect(w, "note snapshot\nnote malformed\n");
    assert_int_equal(STAT(w, malformed), 2);
}

static void ipv6_extension_headers(void **state) {
    struct world *w = *state;

    segment(w, 1, "abc");
    packet_extension(&w->packet, NEXT_AH, NEXT_TCP, 24);
    packet_extension(&w->packet, NEXT_DESTINATION, NEXT_AH, 16);
    packet_ipv6_fragment(&w->packet, NEXT_DESTINATION, 7, 0, false); // atomic
    packet_extension(&w->packet, NEXT_ROUTING, NEXT_FRAGMENT, 24);
    packet_extension(&w->packet, NEXT_DESTINATION, NEXT_ROUTING, 8);
    packet_extension(&w->packet, NEXT_HOP, NEXT_DESTINATION, 32);
    packet_ipv6(&w->packet, 1, 2, NEXT_HOP);
    world_feed(w, DLT_RAW);
    expect(w, JOINED6 "1.0 abc\n");
    packet_payload(&w->packet, "", 0);
    packet_extension(&w->packet, NEXT_HOP, NEXT_TCP, 8);
    packet_data(&w->packet)[1] = 1; // twice what there is
    packet_ipv6(&w->packet, 1, 2, NEXT_HOP);
    world_feed(w, DLT_RAW);
    expect(w, "note malformed\n");
}

static void other_transports_are_counted(void **state) {
    struct world *w = *state;

    packet_payload(&w->packet, "ping", 4);
    packet_ipv4(&w->packet, 1, 2, 1, 0);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "ping6", 5);
    packet_ipv6(&w->packet, 1, 2, 58);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "", 0);
    packet_ipv6(&w->packet, 1, 2, 59);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "pingping", 8);
    packet_ipv4_fragment(&w->packet, 1, 2, 1, 9, 0, true);
    world_feed(w, DLT_RAW);
    assert_int_equal(STAT(w, other_transport), 4);
    expect(w, "");
}

static void udp(void **state) {
    struct world *w = *state;

    packet_payload(&w->packet, "request", 7);
    packet_udp(&w->packet, 1000, 135);
    packet_ipv4(&w->packet, 1, 2, NEXT_UDP, 0);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "response", 8);
    packet_udp(&w->packet, 135, 1000);
    packet_ipv4(&w->packet, 2, 1, NEXT_UDP, 0);
    world_feed_cut(w, DLT_RAW, 20 + 8 + 5);
    expect(w, "datagram 10.0.0.1:1000 > 10.0.0.2:135 request\n"
              "note snapshot\n"
              "datagram 10.0.0.2:135 > 10.0.0.1:1000 respo (+3)\n");
    packet_payload(&w->packet, "padded by IP", 12);
    packet_udp(&w->packet, 1000, 135);
    packet_data(&w->packet)[5] = 8 + 6;
    packet_ipv4(&w->packet, 1, 2, NEXT_UDP, 0);
    world_feed(w, DLT_RAW);
    expect(w, "datagram 10.0.0.1:1000 > 10.0.0.2:135 padded\n");
    for (uint8_t length = 1; length < 8; length++) {
        packet_payload(&w->packet, "x", 1);
        packet_udp(&w->packet, 1000, 135);
        packet_data(&w->packet)[5] = length;
        packet_ipv4(&w->packet, 1, 2, NEXT_UDP, 0);
        world_feed(w, DLT_RAW);
    }
    packet_payload(&w->packet, "1234567", 7);
    packet_ipv4(&w->packet, 1, 2, NEXT_UDP, 0);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "x", 1);
    packet_udp(&w->packet, 1000, 135);
    packet_data(&w->packet)[5] = 10; // more than there is
    packet_ipv4(&w->packet, 1, 2, NEXT_UDP, 0);
    world_feed(w, DLT_RAW);
    expect(w, "note malformed\n");
    assert_int_equal(STAT(w, malformed), 9);
    assert_int_equal(STAT(w, datagrams), 3);
}

// A segment of every link type and IP version, cut and truncated at every octet.
static void every_cut_of_a_packet(void **state) {
    static const int links[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW};
    struct world *w = *state;
    uint64_t packets = 0;

    for (unsigned form = 0; form < 10; form++) {
        uint16_t type = form < 5 ? TYPE_IPV4 : TYPE_IPV6;
        int link = links[form % 5];
        for (size_t size = 0;; size++) {
            segment(w, 1, "abcdefgh");
            if (type == TYPE_IPV4)
                packet_ipv4(&w->packet, 1, 2, NEXT_TCP, 4);
            else {
                packet_extension(&w->packet, NEXT_DESTINATION, NEXT_TCP, 16);
                packet_ipv6(&w->packet, 1, 2, NEXT_DESTINATION);
            }
            if (link == DLT_EN10MB) {
                packet_vlan(&w->packet, 1, type);
                packet_ethernet(&w->packet, 0x8100);
            } else if (link == DLT_LINUX_SLL)
                packet_cooked(&w->packet, type);
            else if (link == DLT_LINUX_SLL2)
                packet_cooked2(&w->packet, type);
            else if (link == DLT_NULL)
                packet_loopback(&w->packet, type == TYPE_IPV4 ? 2 : 30, false);
            if (size == packet_size(&w->packet))
                break;
            world_feed_cut(w, link, size); // the snapshot length
            w->packet.end = w->packet.start + size;
            world_feed(w, link); // a packet that is too short
            packets += 2;
        }
    }
    assert_int_equal(STAT(w, packets), packets);
    assert_int_equal(STAT(w, cut_packets), packets / 2);
    assert_true(STAT(w, headless) > 0 && STAT(w, malformed) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(ethernet_and_tags),
        WORLD_TEST(ethernet_padding_is_not_data),
        WORLD_TEST(ethernet_ipv6),
        WORLD_TEST(cooked_v1_and_v2),
        WORLD_TEST(loopback_in_both_byte_orders),
        WORLD_TEST(raw_ip),
        WORLD_TEST(unsupported_link),
        WORLD_TEST(ipv4_options),
        WORLD_TEST(ipv4_lengths),
        WORLD_TEST(absurd_length_on_the_wire),
        WORLD_TEST(ipv6_extension_headers),
        WORLD_TEST(other_transports_are_counted),
        WORLD_TEST(udp),
        WORLD_TEST(every_cut_of_a_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
