// SPDX-License-Identifier: Apache-2.0
#include "suite/wire.h"

#include <string.h>

enum {
    SERVER_PORT = 49152,
    CLIENT_PORT = 50000,
    SEGMENT = 1460, // octets of TCP data in a packet
    STEP_US = 1000, // from packet to packet
    IP4 = 0x0800,   // EtherTypes
    IP6 = 0x86dd,
};

enum { TCP = 6, UDP = 17 };

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

// 2024-01-01 00:00:00 UTC
static const uint32_t START = 1704067200;

static const cmrp_view NO_DATA = {NULL, 0};

static void put(struct buffer *out, size_t width, uint64_t value, cmrp_order order) {
    cmrp_store(buffer_extend(out, width), width, value, order);
}

static void put_be(struct buffer *out, size_t width, uint64_t value) {
    put(out, width, value, CMRP_BIG_ENDIAN);
}

struct wire wire_begin(struct buffer *out) {
    put(out, 4, 0xa1b2c3d4, CMRP_LITTLE_ENDIAN); // microseconds
    put(out, 2, 2, CMRP_LITTLE_ENDIAN);
    put(out, 2, 4, CMRP_LITTLE_ENDIAN);
    put(out, 8, 0, CMRP_LITTLE_ENDIAN);
    put(out, 4, 262144, CMRP_LITTLE_ENDIAN); // snapshot length
    put(out, 4, 1, CMRP_LITTLE_ENDIAN);      // Ethernet
    return (struct wire){.out = out};
}

struct wire_flow wire_flow(struct wire *wire) {
    return (struct wire_flow){
        .wire = wire,
        .end = {{.address = {192, 0, 2, 1}, .family = 4, .port = CLIENT_PORT},
                {.address = {192, 0, 2, 2}, .family = 4, .port = SERVER_PORT}},
        .sequence = {1000, 2000},
    };
}

// ---- packets ------------------------------------------------------------------------------------

// The Internet checksum over octets, continuing from sum.
static uint32_t add_checksum(uint32_t sum, const uint8_t *octets, size_t size) {
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
    }
    return sum;
}

static uint16_t fold_checksum(uint32_t sum) {
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static const struct wire_end *sender(const struct wire_flow *f, enum wire_direction d) {
    return &f->end[d == WIRE_TO_SERVER ? 0 : 1];
}

static const struct wire_end *receiver(const struct wire_flow *f, enum wire_direction d) {
    return &f->end[d == WIRE_TO_SERVER ? 1 : 0];
}

static size_t address_size(const struct wire_flow *f) {
    return f->end[0].family == 6 ? 16 : 4;
}

static void put_addresses(struct wire_flow *f, enum wire_direction d) {
    buffer_append(f->wire->out, sender(f, d)->address, address_size(f));
    buffer_append(f->wire->out, receiver(f, d)->address, address_size(f));
}

static void put_ip4(struct wire_flow *f, enum wire_direction d, unsigned protocol, size_t size) {
    struct buffer *out = f->wire->out;
    const size_t start = out->size;
    put_be(out, 2, 0x4500);
    put_be(out, 2, 20 + size);
    put_be(out, 2, f->wire->packets & 0xffff);
    put_be(out, 2, 0x4000);            // not to be fragmented
    put_be(out, 2, 0x4000 | protocol); // TTL 64
    put_be(out, 2, 0);
    put_addresses(f, d);
    const uint16_t sum = fold_checksum(add_checksum(0, out->data + start, 20));
    cmrp_store(out->data + start + 10, 2, sum, CMRP_BIG_ENDIAN);
}

static void put_ip6(struct wire_flow *f, enum wire_direction d, unsigned protocol, size_t size) {
    struct buffer *out = f->wire->out;
    put_be(out, 4, 0x60000000);
    put_be(out, 2, size);
    put_be(out, 2, protocol << 8 | 64); // next header, hop limit
    put_addresses(f, d);
}

// The record of a packet, up to the IP header and the `size` octets that follow it.
static void put_packet_header(struct wire_flow *f, enum wire_direction d, unsigned protocol,
                              size_t size) {
    struct wire *w = f->wire;
    const bool six = f->end[0].family == 6;
    const uint32_t octets = 14U + (six ? 40U : 20U) + (uint32_t)size;
    put(w->out, 4, START + w->microseconds / 1000000, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, w->microseconds % 1000000, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, octets, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, octets, CMRP_LITTLE_ENDIAN);
    put_be(w->out, 6, d == WIRE_TO_SERVER ? 0x020000000002 : 0x020000000001);
    put_be(w->out, 6, d == WIRE_TO_SERVER ? 0x020000000001 : 0x020000000002);
    put_be(w->out, 2, six ? IP6 : IP4);
    (six ? put_ip6 : put_ip4)(f, d, protocol, size);
    w->packets++;
    w->microseconds += STEP_US;
}

// The pseudo-header (addresses, protocol, size) and what stands from start on.
static uint16_t checksum(const struct wire_flow *f, unsigned protocol, size_t start) {
    const struct buffer *out = f->wire->out;
    const size_t size = out->size - start;
    const size_t addresses = 2 * address_size(f);
    uint32_t sum = protocol + (uint32_t)size;
    sum = add_checksum(sum, out->data + start - addresses, addresses);
    return fold_checksum(add_checksum(sum, out->data + start, size));
}

static void put_segment(struct wire_flow *f, enum wire_direction d, unsigned flags,
                        cmrp_view data) {
    struct buffer *out = f->wire->out;
    put_packet_header(f, d, TCP, 20 + data.size);
    const size_t start = out->size;
    put_be(out, 2, sender(f, d)->port);
    put_be(out, 2, receiver(f, d)->port);
    put_be(out, 4, f->sequence[d]);
    put_be(out, 4, (flags & TCP_ACK) != 0 ? f->sequence[!d] : 0);
    put_be(out, 2, 0x5000 | flags);
    put_be(out, 2, 0xffff); // window
    put_be(out, 4, 0);      // checksum, urgent pointer
    buffer_append(out, data.data, data.size);
    cmrp_store(out->data + start + 16, 2, checksum(f, TCP, start), CMRP_BIG_ENDIAN);
    f->sequence[d] += (uint32_t)data.size + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

void wire_datagram(struct wire_flow *f, enum wire_direction d, cmrp_view octets) {
    struct buffer *out = f->wire->out;
    put_packet_header(f, d, UDP, 8 + octets.size);
    const size_t start = out->size;
    put_be(out, 2, sender(f, d)->port);
    put_be(out, 2, receiver(f, d)->port);
    put_be(out, 2, 8 + octets.size);
    put_be(out, 2, 0); // checksum
    buffer_append(out, octets.data, octets.size);
    const uint16_t sum = checksum(f, UDP, start);
    cmrp_store(out->data + start + 6, 2, sum != 0 ? sum : 0xffff, CMRP_BIG_ENDIAN);
}

// ---- connections --------------------------------------------------------------------------------

void wire_open(struct wire_flow *f) {
    put_segment(f, WIRE_TO_SERVER, TCP_SYN, NO_DATA);
    put_segment(f, WIRE_TO_CLIENT, TCP_SYN | TCP_ACK, NO_DATA);
    put_segment(f, WIRE_TO_SERVER, TCP_ACK, NO_DATA);
}

void wire_close(struct wire_flow *f) {
    put_segment(f, WIRE_TO_SERVER, TCP_FIN | TCP_ACK, NO_DATA);
    put_segment(f, WIRE_TO_CLIENT, TCP_FIN | TCP_ACK, NO_DATA);
    put_segment(f, WIRE_TO_SERVER, TCP_ACK, NO_DATA);
}

void wire_reset(struct wire_flow *f) {
    put_segment(f, WIRE_TO_SERVER, TCP_RST | TCP_ACK, NO_DATA);
}

void wire_send(struct wire_flow *f, enum wire_direction d, cmrp_view data) {
    const size_t lost = data.size < f->lost[d] ? data.size : (size_t)f->lost[d];
    if (lost > 0) {
        f->lost[d] -= lost;
        f->sequence[d] += (uint32_t)lost;
        data.data += lost;
        data.size -= lost;
    }
    if (data.size == 0) {
        return;
    }
    while (data.size > 0) {
        const size_t size = data.size < SEGMENT ? data.size : SEGMENT;
        put_segment(f, d, TCP_PSH | TCP_ACK, (cmrp_view){data.data, size});
        data.data += size;
        data.size -= size;
    }
    put_segment(f, d == WIRE_TO_SERVER ? WIRE_TO_CLIENT : WIRE_TO_SERVER, TCP_ACK, NO_DATA);
}

// ---- PDUs ---------------------------------------------------------------------------------------

bool wire_pdu(struct wire_flow *f, enum wire_direction d, const cmrp_pdu *pdu) {
    uint8_t octets[WIRE_FRAGMENT];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    if (!cmrp_pdu_encode(pdu, &writer)) {
        return false;
    }
    wire_send(f, d, (cmrp_view){octets, writer.size});
    return true;
}

cmrp_pdu_header wire_header(uint8_t ptype, cmrp_order order, uint32_t call_id) {
    return (cmrp_pdu_header){.ptype = ptype,
                             .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                             .drep = {order == CMRP_LITTLE_ENDIAN ? 0x10 : 0x00},
                             .call_id = call_id};
}

cmrp_syntax_id wire_transfer_syntax(cmrp_syntax syntax) {
    const bool wide = syntax == CMRP_NDR64;
    return (cmrp_syntax_id){wide ? cmrp_uuid_ndr64 : cmrp_uuid_ndr20, wide ? 1 : 2, 0};
}

bool wire_next_fragment(struct wire_cut *cut, size_t most) {
    if (cut->last) {
        return false;
    }
    if (cut->stub.data == NULL) {
        cut->stub.data = (const uint8_t *)"";
    }
    const size_t size = cut->stub.size < most ? cut->stub.size : most;
    cut->first = !cut->started;
    cut->started = true;
    cut->last = size == cut->stub.size;
    cut->fragment = (cmrp_view){cut->stub.data, size};
    cut->stub.data += size;
    cut->stub.size -= size;
    return true;
}
