// SPDX-License-Identifier: Apache-2.0
#include "pcap.h"

#include <stdlib.h>

#include "util/hex.h"

enum {
    ETHERNET = 14,
    IPV4 = 20,
    TCP = 20,
    FLAG_SYN = 0x02,
    FLAG_PSH = 0x08,
    FLAG_ACK = 0x10,
    FIRST_SECOND = 1700000000,
};

static void put(struct buffer *out, size_t width, uint64_t value, cmrp_order order) {
    cmrp_store(buffer_extend(out, width), width, value, order);
}

void pcap_begin(struct buffer *out) {
    put(out, 4, 0xa1b2c3d4, CMRP_LITTLE_ENDIAN);
    put(out, 2, 2, CMRP_LITTLE_ENDIAN);
    put(out, 2, 4, CMRP_LITTLE_ENDIAN);
    put(out, 8, 0, CMRP_LITTLE_ENDIAN);
    put(out, 4, 262144, CMRP_LITTLE_ENDIAN);
    put(out, 4, 1, CMRP_LITTLE_ENDIAN);
}

struct flow {
    uint16_t port;
    uint16_t server_port;
    uint32_t sequence[2]; // next octet of each direction
    uint32_t milliseconds;
};

static void put_packet(struct buffer *out, struct flow *f, int direction, unsigned flags,
                       const uint8_t *data, size_t size) {
    const uint32_t client = 0xc00002ec;
    const uint32_t server = 0xc0000201;
    const size_t length = ETHERNET + IPV4 + TCP + size;
    put(out, 4, FIRST_SECOND + f->milliseconds / 1000, CMRP_LITTLE_ENDIAN);
    put(out, 4, f->milliseconds % 1000 * 1000, CMRP_LITTLE_ENDIAN);
    put(out, 4, length, CMRP_LITTLE_ENDIAN);
    put(out, 4, length, CMRP_LITTLE_ENDIAN);
    f->milliseconds++;
    // Ethernet
    put(out, 8, 0, CMRP_BIG_ENDIAN);
    put(out, 4, 0, CMRP_BIG_ENDIAN);
    put(out, 2, 0x0800, CMRP_BIG_ENDIAN);
    // IPv4
    put(out, 2, 0x4500, CMRP_BIG_ENDIAN);
    put(out, 2, IPV4 + TCP + size, CMRP_BIG_ENDIAN);
    put(out, 4, 0, CMRP_BIG_ENDIAN);
    put(out, 4, 0x40060000, CMRP_BIG_ENDIAN);
    put(out, 4, direction == CLIENT ? client : server, CMRP_BIG_ENDIAN);
    put(out, 4, direction == CLIENT ? server : client, CMRP_BIG_ENDIAN);
    // TCP
    put(out, 2, direction == CLIENT ? f->port : f->server_port, CMRP_BIG_ENDIAN);
    put(out, 2, direction == CLIENT ? f->server_port : f->port, CMRP_BIG_ENDIAN);
    put(out, 4, f->sequence[direction], CMRP_BIG_ENDIAN);
    put(out, 4, (flags & FLAG_ACK) != 0 ? f->sequence[1 - direction] : 0, CMRP_BIG_ENDIAN);
    put(out, 2, 0x5000 | flags, CMRP_BIG_ENDIAN);
    put(out, 2, 0xffff, CMRP_BIG_ENDIAN);
    put(out, 4, 0, CMRP_BIG_ENDIAN);
    buffer_append(out, data, size);
    f->sequence[direction] += (uint32_t)size + ((flags & FLAG_SYN) != 0 ? 1 : 0);
}

void pcap_connection(struct buffer *out, const struct conversation *c, uint16_t port,
                     uint16_t server_port) {
    struct flow f = {.port = port, .server_port = server_port, .sequence = {1000, 5000000}};
    put_packet(out, &f, CLIENT, FLAG_SYN, NULL, 0);
    put_packet(out, &f, SERVER, FLAG_SYN | FLAG_ACK, NULL, 0);
    for (size_t i = 0; i < c->count; i++) {
        const struct piece *p = &c->pieces[i];
        if (p->gap > 0) {
            f.sequence[p->direction] += (uint32_t)p->gap;
        } else {
            put_packet(out, &f, p->direction, FLAG_PSH | FLAG_ACK, c->octets.data + p->at, p->size);
        }
    }
}

static void talk_stub(struct conversation *c, uint8_t ptype, uint32_t call_id, uint16_t opnum,
                      const char *hex) {
    struct buffer digits = {0};
    struct buffer stub = {0};
    size_t wrong;
    for (; *hex != '\0'; hex++) {
        buffer_append(&digits, hex, *hex != ' ');
    }
    if (!hex_parse((const char *)digits.data, digits.size, &stub, &wrong)) {
        abort();
    }
    buffer_free(&digits);
    const cmrp_pdu pdu = {.header = {.ptype = ptype, .flags = BOTH, .call_id = call_id},
                          .opnum = opnum,
                          .stub = buffer_view(&stub)};
    talk_pdu(c, ptype == CMRP_PTYPE_REQUEST ? CLIENT : SERVER, &pdu);
    buffer_free(&stub);
}

void talk_call(struct conversation *c, uint32_t call_id, uint16_t opnum, const char *request,
               const char *response) {
    talk_stub(c, CMRP_PTYPE_REQUEST, call_id, opnum, request);
    if (response != NULL) {
        talk_stub(c, CMRP_PTYPE_RESPONSE, call_id, opnum, response);
    }
}
