// SPDX-License-Identifier: Apache-2.0
//
// Packets and capture files for the tests. A packet grows at its front: start with what it carries,
// then put TCP, IP, VLAN tags and a link-layer header before it.

#ifndef CAPTURE_TEST_BUILD_H
#define CAPTURE_TEST_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_ROOM = 512, PACKET_MAX = 1 << 17 };

struct packet {
    size_t start;
    size_t end;
    size_t options; // of TCP, until its header comes
    uint8_t octets[PACKET_MAX];
};

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_ARP = 0x0806 };
enum {
    NEXT_HOP = 0,
    NEXT_TCP = 6,
    NEXT_UDP = 17,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AH = 51,
    NEXT_DESTINATION = 60
};

uint8_t *packet_data(struct packet *packet);
size_t packet_size(const struct packet *packet);

void packet_payload(struct packet *packet, const void *data, size_t size);
// Room for `size` octets at the front, which are returned zeroed.
uint8_t *packet_push(struct packet *packet, size_t size);
void packet_tcp(struct packet *packet, uint16_t source, uint16_t target, uint32_t seq, uint32_t ack,
                uint8_t flags);
// Option octets (a multiple of 4) between header and data; call before packet_tcp.
void packet_tcp_options(struct packet *packet, size_t size);
void packet_udp(struct packet *packet, uint16_t source, uint16_t target);
// Addresses 10.0.0.<source> and 10.0.0.<target>, `options` octets of options (a multiple of 4).
void packet_ipv4(struct packet *packet, uint8_t source, uint8_t target, uint8_t protocol,
                 size_t options);
// The same with fragment fields; `offset` in octets.
void packet_ipv4_fragment(struct packet *packet, uint8_t source, uint8_t target, uint8_t protocol,
                          uint16_t id, size_t offset, bool more);
// Addresses 2001:db8::<source> and 2001:db8::<target>.
void packet_ipv6(struct packet *packet, uint8_t source, uint8_t target, uint8_t next);
// An extension header of `size` octets (a multiple of 8; of 4 for NEXT_AH).
void packet_extension(struct packet *packet, uint8_t kind, uint8_t next, size_t size);
void packet_ipv6_fragment(struct packet *packet, uint8_t next, uint32_t id, size_t offset,
                          bool more);
void packet_vlan(struct packet *packet, uint16_t tag, uint16_t type);
void packet_ethernet(struct packet *packet, uint16_t type);
void packet_cooked(struct packet *packet, uint16_t type);
void packet_cooked2(struct packet *packet, uint16_t type);
void packet_loopback(struct packet *packet, uint32_t family, bool big_endian);

// A capture file in memory.
struct file {
    uint8_t *data;
    size_t size;
    size_t room;
    bool big_endian;
    bool nanoseconds;
    bool next_generation;
};

// pcap, or pcapng with `next_generation`; set the three flags before.
void file_start(struct file *file, uint32_t link);
// Another interface of a pcapng file.
void file_interface(struct file *file, uint32_t link);
// `length` octets on the wire, of which `captured` are kept; the time is 1,700,000,000 s + `index`
// s
// + 123,456 (micro- or nano-) seconds.
void file_packet(struct file *file, const uint8_t *data, size_t captured, size_t length,
                 uint32_t index);
void file_raw(struct file *file, const void *data, size_t size);
// Replaces the content by its gzip form.
void file_compress(struct file *file);
void file_free(struct file *file);

#endif
