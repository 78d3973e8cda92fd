// SPDX-License-Identifier: Apache-2.0
//
// Packets within packets, and the tags and labels on the way to them.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEXT_IPV4 = 4, NEXT_IPV6 = 41, NEXT_GRE = 47 };

// A segment in mid-connection, in IPv4.
static void segment4(struct world *w, uint32_t seq, const char *text) {
    packet_payload(&w->packet, text, strlen(text));
    world_wrap(w, CLIENT, seq, 0, ACK);
}

static void put(struct world *w, const char *octets, size_t size) {
    memcpy(packet_push(&w->packet, size), octets, size);
}
#define PUT(w, octets) put(w, octets, sizeof(octets) - 1)

static void next_segment(struct world *w, uint32_t *seq, const char *text) {
    segment4(w, *seq, text);
    *seq += (uint32_t)strlen(text);
}

static void tags_of_every_kind(void **state) {
    static const uint16_t types[] = {0x8100, 0x88a8, 0x9100, 0x9200, 0x8926, 0x893f, 0x8909};
    static const size_t octets[] = {4, 4, 4, 4, 6, 8, 8};
    struct world *w = *state;
    uint32_t seq = 1;

    for (size_t i = 0; i < 7; i++) {
        for (size_t inner = 0; inner < 7; inner++) {
            next_segment(w, &seq, "xy");
            uint8_t *tag = packet_push(&w->packet, octets[inner]);
            tag[octets[inner] - 2] = 0x08;
            tag = packet_push(&w->packet, octets[i]);
            tag[octets[i] - 2] = (uint8_t)(types[inner] >> 8);
            tag[octets[i] - 1] = (uint8_t)types[inner];
            packet_ethernet(&w->packet, types[i]);
            world_feed(w, DLT_EN10MB);
        }
    }
    assert_int_equal(STAT(w, delivered), 2 * 49);
    assert_int_equal(STAT(w, flows), 1);
}

static void pppoe(void **state) {
    struct world *w = *state;

    segment4(w, 1, "session ");
    PUT(w, "\x11\0\0\1\0\0\0\x21");
    packet_ethernet(&w->packet, 0x8864);
    world_feed(w, DLT_EN10MB);
    segment4(w, 9, "alone ");
    PUT(w, "\x11\0\0\1\0\0\0\x21");
    world_feed(w, DLT_PPP_ETHER);
    packet_payload(&w->packet, "LCP", 3);
    PUT(w, "\x11\0\0\1\0\0\xc0\x21");
    packet_ethernet(&w->packet, 0x8864);
    world_feed(w, DLT_EN10MB);
    segment4(w, 15, "not a session");
    PUT(w, "\x11\x09\0\1\0\0\0\x21");
    packet_ethernet(&w->packet, 0x8864);
    world_feed(w, DLT_EN10MB);
    expect(w, JOINED "1.0 session \n1.0 alone \n");
    assert_int_equal(STAT(w, other_network), 2);
}

static void ppp(void **state) {
    struct world *w = *state;

    segment4(w, 1, "plain ");
    PUT(w, "\0\x21");
    world_feed(w, DLT_PPP);
    segment4(w, 7, "hdlc ");
    PUT(w, "\xff\x03\0\x21");
    world_feed(w, DLT_PPP);
    segment4(w, 12, "serial ");
    PUT(w, "\xff\x03\0\x21");
    world_feed(w, DLT_PPP_SERIAL);
    packet_payload(&w->packet, "six", 3);
    packet_tcp(&w->packet, 1000, 135, 1, 0, ACK);
    packet_ipv6(&w->packet, 1, 2, NEXT_TCP);
    PUT(w, "\0\x57");
    world_feed(w, DLT_PPP);
    expect(w, JOINED "1.0 plain \n1.0 hdlc \n1.0 serial \n"
                     "open 2 [2001:db8::1]:1000 ? [2001:db8::2]:135\n2.0 six\n");
}

static void mpls(void **state) {
    struct world *w = *state;

    segment4(w, 1, "one label ");
    PUT(w, "\0\1\x01\x40");
    packet_ethernet(&w->packet, 0x8847);
    world_feed(w, DLT_EN10MB);
    segment4(w, 11, "three ");
    PUT(w, "\0\1\0\x40\0\2\0\x40\0\3\x01\x40");
    packet_ethernet(&w->packet, 0x8848);
    world_feed(w, DLT_EN10MB);
    segment4(w, 17, "a pseudowire ");
    packet_ethernet(&w->packet, TYPE_IPV4);
    PUT(w, "\0\1\x01\x40\0\0\0\7");
    packet_ethernet(&w->packet, 0x8847);
    world_feed(w, DLT_EN10MB);
    segment4(w, 30, "alone");
    PUT(w, "\0\1\x01\x40");
    world_feed(w, DLT_MPLS);
    expect(w, JOINED "1.0 one label \n1.0 three \n1.0 a pseudowire \n1.0 alone\n");
    packet_payload(&w->packet, "\x55 anything", 10);
    PUT(w, "\0\1\x01\x40");
    world_feed(w, DLT_MPLS);
    assert_int_equal(STAT(w, other_network), 1);
    packet_payload(&w->packet, "\0\1\0\x40\0\1", 6); // no bottom
    world_feed(w, DLT_MPLS);
    expect(w, "note malformed\n");
}

static void ip_in_ip(void **state) {
    struct world *w = *state;

    segment4(w, 1, "four in four ");
    packet_ipv4(&w->packet, 7, 8, NEXT_IPV4, 0);
    world_feed(w, DLT_RAW);
    segment4(w, 14, "four in six");
    packet_ipv6(&w->packet, 7, 8, NEXT_IPV4);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, "six in four", 11);
    packet_tcp(&w->packet, 1000, 135, 1, 0, ACK);
    packet_ipv6(&w->packet, 1, 2, NEXT_TCP);
    packet_ipv4(&w->packet, 7, 8, NEXT_IPV6, 0);
    world_feed(w, DLT_RAW);
    expect(w, JOINED "1.0 four in four \n1.0 four in six\n"
                     "open 2 [2001:db8::1]:1000 ? [2001:db8::2]:135\n2.0 six in four\n");
    assert_int_equal(STAT(w, tunnelled), 3);
}

static void gre(void **state) {
    struct world *w = *state;

    segment4(w, 1, "plain ");
    PUT(w, "\0\0\x08\0");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    segment4(w, 7, "all fields ");
    PUT(w, "\xb0\0\x08\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    segment4(w, 18, "bridged ");
    packet_vlan(&w->packet, 5, TYPE_IPV4);
    packet_ethernet(&w->packet, 0x8100);
    PUT(w, "\0\0\x65\x58");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    expect(w, JOINED "1.0 plain \n1.0 all fields \n1.0 bridged \n");
    segment4(w, 26, "version 1");
    PUT(w, "\0\1\x08\0");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    segment4(w, 26, "with routing");
    PUT(w, "\x40\0\x08\0\0\0\0\0");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    expect(w, "");
    assert_int_equal(STAT(w, other_network), 2);
}

static void erspan(void **state) {
    struct world *w = *state;

    segment4(w, 1, "type I ");
    packet_ethernet(&w->packet, TYPE_IPV4);
    PUT(w, "\0\0\x88\xbe");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    segment4(w, 8, "type II ");
    packet_ethernet(&w->packet, TYPE_IPV4);
    PUT(w, "\x10\0\x88\xbe\0\0\0\1\x10\0\0\0\0\0\0\0");
    packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
    world_feed(w, DLT_RAW);
    for (int more = 0; more < 2; more++) {
        segment4(w, 16 + 9 * (uint32_t)more, "type III ");
        packet_ethernet(&w->packet, TYPE_IPV4);
        packet_push(&w->packet, more ? 8 : 0);
        packet_push(&w->packet, 12)[11] = (uint8_t)more;
        PUT(w, "\x10\0\x22\xeb\0\0\0\1");
        packet_ipv4(&w->packet, 7, 8, NEXT_GRE, 0);
        world_feed(w, DLT_RAW);
    }
    expect(w, JOINED "1.0 type I \n1.0 type II \n1.0 type III \n1.0 type III \n");
}

static void udp_tunnel(struct world *w, uint16_t port) {
    packet_udp(&w->packet, 50000, port);
    packet_ipv4(&w->packet, 7, 8, NEXT_UDP, 0);
    world_feed(w, DLT_RAW);
}

static void vxlan(void **state) {
    static const uint16_t ports[] = {4789, 8472};
    struct world *w = *state;

    for (size_t i = 0; i < 2; i++) {
        segment4(w, 1 + 6 * (uint32_t)i, "inner ");
        packet_ethernet(&w->packet, TYPE_IPV4);
        PUT(w, "\x08\0\0\0\0\0\7\0");
        udp_tunnel(w, ports[i]);
    }
    expect(w, JOINED "1.0 inner \n1.0 inner \n");
    assert_int_equal(STAT(w, datagrams), 0);
    packet_payload(&w->packet, "anything", 8); // its first octet is not that of VXLAN
    udp_tunnel(w, 4789);
    packet_payload(&w->packet, "\x08small", 6);
    udp_tunnel(w, 4789);
    expect(w, "datagram 10.0.0.7:50000 > 10.0.0.8:4789 anything\n"
              "datagram 10.0.0.7:50000 > 10.0.0.8:4789 \x08small\n");
}

static void vxlan_in_fragments(void **state) {
    struct world *w = *state;
    struct packet *whole = malloc(sizeof *whole);

    assert_non_null(whole);
    segment4(w, 1, "inner and outer in fragments");
    // The inner packet: the second of two fragments, which completes it.
    *whole = w->packet;
    packet_payload(&w->packet, packet_data(whole) + 20, 24);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_TCP, 9, 0, true);
    world_feed(w, DLT_RAW);
    packet_payload(&w->packet, packet_data(whole) + 44, packet_size(whole) - 44);
    packet_ipv4_fragment(&w->packet, 1, 2, NEXT_TCP, 9, 24, false);
    packet_ethernet(&w->packet, TYPE_IPV4);
    PUT(w, "\x08\0\0\0\0\0\7\0");
    packet_udp(&w->packet, 50000, 4789);
    *whole = w->packet;
    size_t size = packet_size(whole);
    for (size_t from = 0; from < size; from += 16) {
        expect(w, "");
        size_t to = from + 16 < size ? from + 16 : size;
        packet_payload(&w->packet, packet_data(whole) + from, to - from);
        packet_ipv4_fragment(&w->packet, 7, 8, NEXT_UDP, 9, from, to < size);
        world_feed(w, DLT_RAW);
    }
    free(whole);
    expect(w, JOINED "1.0 inner and outer in fragments\n");
    assert_int_equal(STAT(w, datagrams_joined), 2);
}

static void geneve(void **state) {
    struct world *w = *state;

    segment4(w, 1, "bridged ");
    packet_ethernet(&w->packet, TYPE_IPV4);
    PUT(w, "\0\0\x65\x58\0\0\7\0");
    udp_tunnel(w, 6081);
    segment4(w, 9, "with options");
    PUT(w, "\2\0\x08\0\0\0\7\0optopt!!");
    udp_tunnel(w, 6081);
    expect(w, JOINED "1.0 bridged \n1.0 with options\n");
    packet_payload(&w->packet, "\x3f\0\x08\0\0\0\7\0cut", 11); // more options than octets
    udp_tunnel(w, 6081);
    expect(w, "note malformed\n");
}

static void tunnels_in_each_other(void **state) {
    struct world *w = *state;

    segment4(w, 1, "eight");
    for (int i = 0; i < 8; i++)
        packet_ipv4(&w->packet, 7, 8, NEXT_IPV4, 0);
    world_feed(w, DLT_RAW);
    expect(w, JOINED "1.0 eight\n");
    for (int times = 0; times < 2; times++) {
        segment4(w, 6, "nine");
        for (int i = 0; i < 9; i++)
            packet_ipv4(&w->packet, 7, 8, NEXT_IPV4, 0);
        world_feed(w, DLT_RAW);
    }
    expect(w, "note too-deep\n");
    assert_int_equal(STAT(w, too_deep), 2);
    finish(w);
    expect(w, "close 1 end\nnote too-deep\n");
}

// Every layer once, cut and truncated at every octet.
static void every_cut(void **state) {
    struct world *w = *state;
    uint64_t packets = 0;

    for (size_t size = 0;; size++) {
        segment4(w, 1, "xy");
        PUT(w, "\x30\0\x08\0\1\2\3\4\5\6\7\x08");
        packet_ipv4(&w->packet, 1, 2, NEXT_GRE, 0);
        packet_ethernet(&w->packet, TYPE_IPV4);
        PUT(w, "\x08\0\0\0\0\0\7\0");
        packet_udp(&w->packet, 50000, 4789);
        packet_ipv4(&w->packet, 5, 6, NEXT_UDP, 0);
        PUT(w, "\0\1\0\x40\0\2\x01\x40");
        PUT(w, "\x11\0\0\1\0\0\x02\x81"); // MPLS in PPPoE
        packet_vlan(&w->packet, 5, 0x8864);
        packet_ethernet(&w->packet, 0x88a8);
        if (size == packet_size(&w->packet))
            break;
        world_feed_cut(w, DLT_EN10MB, size);
        w->packet.end = w->packet.start + size;
        world_feed(w, DLT_EN10MB);
        packets += 2;
    }
    world_feed(w, DLT_EN10MB);
    assert_int_equal(STAT(w, packets), packets + 1);
    assert_true(STAT(w, tunnelled) > 2);
    assert_int_equal(STAT(w, gap_octets), 2); // when all but the octets was there
    assert_true(STAT(w, headless) > 20 && STAT(w, malformed) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(tags_of_every_kind),
        WORLD_TEST(pppoe),
        WORLD_TEST(ppp),
        WORLD_TEST(mpls),
        WORLD_TEST(ip_in_ip),
        WORLD_TEST(gre),
        WORLD_TEST(erspan),
        WORLD_TEST(vxlan),
        WORLD_TEST(vxlan_in_fragments),
        WORLD_TEST(geneve),
        WORLD_TEST(tunnels_in_each_other),
        WORLD_TEST(every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
