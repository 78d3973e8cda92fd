// SPDX-License-Identifier: Apache-2.0
// A vector on the wire: pcap, Ethernet, IPv4, TCP, DCE/RPC.
#include <stdlib.h>
#include <string.h>

#include "suite/export.h"

enum {
    SERVER_PORT = 49152,
    CLIENT_PORT = 50000,
    FRAGMENT = 5840,      // octets of a PDU, as clients offer them in a bind
    SEGMENT = 1460,       // octets of TCP data in a packet
    CALL_HEADER = 24,     // octets of a request or response before the stub
    DATAGRAM_STUB = 1384, // octets of stub data in a datagram, so that it is no IP fragment
    STEP_US = 1000,       // from packet to packet
};

enum direction { TO_SERVER, TO_CLIENT };

enum { TCP = 6, UDP = 17 };

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_PSH = 0x08, TCP_ACK = 0x10 };

// 2024-01-01 00:00:00 UTC
static const uint32_t START = 1704067200;

// One connection.
struct wire {
    struct buffer *out;
    uint32_t sequence[2]; // of the next octet, by direction
    uint32_t packets;
};

// ---- packets ------------------------------------------------------------------------------------

static void put(struct buffer *out, size_t width, uint64_t value, cmrp_order order) {
    cmrp_store(buffer_extend(out, width), width, value, order);
}

static void put_be(struct buffer *out, size_t width, uint64_t value) {
    put(out, width, value, CMRP_BIG_ENDIAN);
}

static void put_file_header(struct buffer *out) {
    put(out, 4, 0xa1b2c3d4, CMRP_LITTLE_ENDIAN); // microseconds
    put(out, 2, 2, CMRP_LITTLE_ENDIAN);
    put(out, 2, 4, CMRP_LITTLE_ENDIAN);
    put(out, 8, 0, CMRP_LITTLE_ENDIAN);
    put(out, 4, 262144, CMRP_LITTLE_ENDIAN); // snapshot length
    put(out, 4, 1, CMRP_LITTLE_ENDIAN);      // Ethernet
}

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

// 192.0.2.1 is the client, 192.0.2.2 the server.
static void put_ip_header(struct wire *w, enum direction d, unsigned protocol, size_t size) {
    const size_t start = w->out->size;
    put_be(w->out, 2, 0x4500);
    put_be(w->out, 2, 20 + size);
    put_be(w->out, 2, w->packets);
    put_be(w->out, 2, 0x4000);            // not to be fragmented
    put_be(w->out, 2, 0x4000 | protocol); // TTL 64
    put_be(w->out, 2, 0);
    put_be(w->out, 4, d == TO_SERVER ? 0xc0000201 : 0xc0000202);
    put_be(w->out, 4, d == TO_SERVER ? 0xc0000202 : 0xc0000201);
    const uint16_t sum = fold_checksum(add_checksum(0, w->out->data + start, 20));
    cmrp_store(w->out->data + start + 10, 2, sum, CMRP_BIG_ENDIAN);
}

static void put_tcp(struct wire *w, enum direction d, unsigned flags, cmrp_view data) {
    const size_t start = w->out->size;
    put_be(w->out, 2, d == TO_SERVER ? CLIENT_PORT : SERVER_PORT);
    put_be(w->out, 2, d == TO_SERVER ? SERVER_PORT : CLIENT_PORT);
    put_be(w->out, 4, w->sequence[d]);
    put_be(w->out, 4, (flags & TCP_ACK) != 0 ? w->sequence[!d] : 0);
    put_be(w->out, 2, 0x5000 | flags);
    put_be(w->out, 2, 0xffff); // window
    put_be(w->out, 4, 0);      // checksum, urgent pointer
    buffer_append(w->out, data.data, data.size);
    // The pseudo-header: the addresses (in the 8 octets before), the protocol, the size.
    uint32_t sum = add_checksum(TCP + 20 + (uint32_t)data.size, w->out->data + start - 8, 8);
    sum = add_checksum(sum, w->out->data + start, 20 + data.size);
    cmrp_store(w->out->data + start + 16, 2, fold_checksum(sum), CMRP_BIG_ENDIAN);
}

static void put_udp(struct wire *w, enum direction d, cmrp_view data) {
    const size_t start = w->out->size;
    const uint32_t size = 8 + (uint32_t)data.size;
    put_be(w->out, 2, d == TO_SERVER ? CLIENT_PORT : SERVER_PORT);
    put_be(w->out, 2, d == TO_SERVER ? SERVER_PORT : CLIENT_PORT);
    put_be(w->out, 2, size);
    put_be(w->out, 2, 0); // checksum
    buffer_append(w->out, data.data, data.size);
    uint32_t sum = add_checksum(UDP + size, w->out->data + start - 8, 8);
    sum = add_checksum(sum, w->out->data + start, size);
    const uint16_t folded = fold_checksum(sum);
    cmrp_store(w->out->data + start + 6, 2, folded != 0 ? folded : 0xffff, CMRP_BIG_ENDIAN);
}

// The record of a packet, up to the IP header and the `size` octets that follow it.
static void put_packet_header(struct wire *w, enum direction d, unsigned protocol, size_t size) {
    const uint32_t octets = 14 + 20 + (uint32_t)size;
    const uint64_t microseconds = (uint64_t)w->packets * STEP_US;
    put(w->out, 4, START + microseconds / 1000000, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, microseconds % 1000000, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, octets, CMRP_LITTLE_ENDIAN);
    put(w->out, 4, octets, CMRP_LITTLE_ENDIAN);
    put_be(w->out, 6, d == TO_SERVER ? 0x020000000002 : 0x020000000001);
    put_be(w->out, 6, d == TO_SERVER ? 0x020000000001 : 0x020000000002);
    put_be(w->out, 2, 0x0800);
    put_ip_header(w, d, protocol, size);
    w->packets++;
}

static void put_packet(struct wire *w, enum direction d, unsigned flags, cmrp_view data) {
    put_packet_header(w, d, TCP, 20 + data.size);
    put_tcp(w, d, flags, data);
    w->sequence[d] += (uint32_t)data.size + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void put_datagram(struct wire *w, enum direction d, cmrp_view data) {
    put_packet_header(w, d, UDP, 8 + data.size);
    put_udp(w, d, data);
}

static const cmrp_view NO_DATA = {NULL, 0};

static void open_connection(struct wire *w) {
    put_packet(w, TO_SERVER, TCP_SYN, NO_DATA);
    put_packet(w, TO_CLIENT, TCP_SYN | TCP_ACK, NO_DATA);
    put_packet(w, TO_SERVER, TCP_ACK, NO_DATA);
}

static void close_connection(struct wire *w) {
    put_packet(w, TO_SERVER, TCP_FIN | TCP_ACK, NO_DATA);
    put_packet(w, TO_CLIENT, TCP_FIN | TCP_ACK, NO_DATA);
    put_packet(w, TO_SERVER, TCP_ACK, NO_DATA);
}

static void send_octets(struct wire *w, enum direction d, cmrp_view data) {
    while (data.size > 0) {
        const size_t size = data.size < SEGMENT ? data.size : SEGMENT;
        put_packet(w, d, TCP_PSH | TCP_ACK, (cmrp_view){data.data, size});
        data.data += size;
        data.size -= size;
    }
    put_packet(w, d == TO_SERVER ? TO_CLIENT : TO_SERVER, TCP_ACK, NO_DATA);
}

// ---- PDUs ---------------------------------------------------------------------------------------

static cmrp_pdu_header header(uint8_t ptype, cmrp_order order) {
    return (cmrp_pdu_header){.ptype = ptype,
                             .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                             .drep = {order == CMRP_LITTLE_ENDIAN ? 0x10 : 0x00},
                             .call_id = 1};
}

static void send_pdu(struct wire *w, enum direction d, const cmrp_pdu *pdu) {
    uint8_t octets[FRAGMENT];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    if (cmrp_pdu_encode(pdu, &writer)) {
        send_octets(w, d, (cmrp_view){octets, writer.size});
    }
}

static cmrp_syntax_id transfer_syntax(cmrp_syntax syntax) {
    const bool wide = syntax == CMRP_NDR64;
    return (cmrp_syntax_id){wide ? cmrp_uuid_ndr64 : cmrp_uuid_ndr20, wide ? 1 : 2, 0};
}

static void send_bind(struct wire *w, const cmrp_stub_format *format) {
    const cmrp_syntax_id transfer = transfer_syntax(format->syntax);
    const cmrp_pdu_context context = {
        .abstract_syntax = {cmrp_uuid_clusapi, (uint16_t)format->interface, 0},
        .transfer_count = 1,
        .transfers = &transfer,
    };
    const cmrp_pdu bind = {.header = header(CMRP_PTYPE_BIND, format->order),
                           .max_xmit_frag = FRAGMENT,
                           .max_recv_frag = FRAGMENT,
                           .list_count = 1,
                           .contexts = &context};
    send_pdu(w, TO_SERVER, &bind);
}

static void send_bind_ack(struct wire *w, const cmrp_stub_format *format) {
    static const char address[] = "49152";
    const cmrp_pdu_result result = {.result = CMRP_RESULT_ACCEPTANCE,
                                    .transfer = transfer_syntax(format->syntax)};
    const cmrp_pdu ack = {.header = header(CMRP_PTYPE_BIND_ACK, format->order),
                          .max_xmit_frag = FRAGMENT,
                          .max_recv_frag = FRAGMENT,
                          .assoc_group_id = 1,
                          .sec_addr = {(const uint8_t *)address, sizeof address - 1},
                          .list_count = 1,
                          .results = &result};
    send_pdu(w, TO_CLIENT, &ack);
}

// A stub in as many fragments as it takes.
static void send_call(struct wire *w, const cmrp_stub_format *format, bool response,
                      cmrp_view stub) {
    const size_t most = (FRAGMENT - CALL_HEADER) / 8 * 8;
    bool first = true;
    stub.data = stub.size > 0 ? stub.data : (const uint8_t *)"";
    do {
        const size_t size = stub.size < most ? stub.size : most;
        cmrp_pdu pdu = {
            .header = header(response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST, format->order),
            .alloc_hint = (uint32_t)stub.size,
            .opnum = (uint16_t)format->method->opnum,
            .stub = {stub.data, size},
        };
        pdu.header.call_id = 2;
        pdu.header.flags = (uint8_t)((first ? CMRP_PFC_FIRST_FRAG : 0) |
                                     (size == stub.size ? CMRP_PFC_LAST_FRAG : 0));
        send_pdu(w, response ? TO_CLIENT : TO_SERVER, &pdu);
        stub.data += size;
        stub.size -= size;
        first = false;
    } while (stub.size > 0);
}

// ---- stubs --------------------------------------------------------------------------------------

// A handle that a server may have given out.
static const uint8_t HANDLE[CMRP_HANDLE_SIZE] = {[CMRP_HANDLE_SIZE - 1] = 1};

static void put_stub(const cmrp_stub_format *format, const cmrp_slot *slots, struct buffer *out) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, NULL);
    if (cmrp_stub_encode(format, slots, &w)) {
        const size_t size = w.size;
        cmrp_writer_init(&w, buffer_extend(out, size), size, &error, NULL);
        cmrp_stub_encode(format, slots, &w);
    }
}

static void empty_slot(const cmrp_param *p, cmrp_slot *slot, const cmrp_slot *members) {
    slot->present = true;
    slot->null = p->unique != 0;
    slot->rows.type = cmrp_param_struct(p);
    slot->rows.count = p->kind == CMRP_KIND_RECORD;
    slot->rows.members = members;
    memcpy(slot->handle, HANDLE, sizeof HANDLE);
}

// A request whose numbers are 0, whose arrays are empty and whose pointers are NULL.
static void put_empty_request(const cmrp_stub_format *format, struct buffer *out) {
    const cmrp_method *method = format->method;
    cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
    cmrp_slot members[CMRP_MAX_PARAMS] = {0};
    for (size_t i = 0; i < CMRP_MAX_PARAMS; i++) {
        members[i].present = true;
    }
    for (size_t i = 0; i < method->count; i++) {
        if (cmrp_param_travels(&method->params[i], format)) {
            empty_slot(&method->params[i], &slots[i], members);
        }
    }
    put_stub(format, slots, out);
}

static void send_request_and_response(struct wire *w, const cmrp_stub_format *format,
                                      cmrp_view response) {
    struct buffer request = {0};
    cmrp_stub_format asked = *format;
    asked.response = false;
    put_empty_request(&asked, &request);
    send_call(w, format, false, buffer_view(&request));
    send_call(w, format, true, response);
    buffer_free(&request);
}

// The same in datagrams, as protocol version 2 has it: every header says what a bind would.
static void send_datagrams(struct wire *w, const cmrp_stub_format *format, bool response,
                           cmrp_view stub) {
    const bool fragmented = stub.size > DATAGRAM_STUB;
    stub.data = stub.size > 0 ? stub.data : (const uint8_t *)"";
    for (uint16_t number = 0; number == 0 || stub.size > 0; number++) {
        uint8_t octets[CMRP_PDU_CL_HEADER_SIZE + DATAGRAM_STUB];
        const size_t size = stub.size < DATAGRAM_STUB ? stub.size : DATAGRAM_STUB;
        const unsigned last = size == stub.size ? CMRP_PF_LASTFRAG : 0;
        const cmrp_pdu_cl pdu = {
            .header = {.ptype = response ? CMRP_PTYPE_CL_RESPONSE : CMRP_PTYPE_CL_REQUEST,
                       .flags1 = (uint8_t)(fragmented ? CMRP_PF_FRAG | last : 0),
                       .drep = {format->order == CMRP_LITTLE_ENDIAN ? 0x10 : 0x00},
                       .if_id = cmrp_uuid_clusapi,
                       .act_id = {{0xc0, 0x00, 0x02, 0x01}},
                       .if_vers = (uint16_t)format->interface,
                       .seqnum = 2,
                       .opnum = (uint16_t)format->method->opnum,
                       .ihint = CMRP_CL_NO_HINT,
                       .ahint = CMRP_CL_NO_HINT,
                       .fragnum = number},
            .stub = {stub.data, size}};
        cmrp_error error = {0};
        cmrp_writer writer;
        cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
        if (cmrp_pdu_cl_encode(&pdu, &writer)) {
            put_datagram(w, response ? TO_CLIENT : TO_SERVER, (cmrp_view){octets, writer.size});
        }
        stub.data += size;
        stub.size -= size;
    }
}

static void send_connectionless_stub(struct wire *w, const struct vector *v) {
    const cmrp_stub_format *format = &v->how.stub;
    struct buffer request = {0};
    cmrp_stub_format asked = *format;
    asked.response = false;
    if (format->response) {
        put_empty_request(&asked, &request);
        send_datagrams(w, format, false, buffer_view(&request));
    }
    send_datagrams(w, format, format->response, buffer_view(&v->octets));
    buffer_free(&request);
}

static void send_stub(struct wire *w, const struct vector *v) {
    const cmrp_stub_format *format = &v->how.stub;
    send_bind(w, format);
    send_bind_ack(w, format);
    if (format->response) {
        send_request_and_response(w, format, buffer_view(&v->octets));
    } else {
        send_call(w, format, false, buffer_view(&v->octets));
    }
}

static void send_batch(struct wire *w, const struct vector *v) {
    const cmrp_stub_format format = {
        .method = cmrp_method_named(CMRP_INTERFACE_3, "ApiGetBatchNotification"),
        .interface = CMRP_INTERFACE_3,
        .response = true,
    };
    cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
    struct buffer stub = {0};
    for (size_t i = 0; i < format.method->count; i++) {
        const cmrp_param *p = &format.method->params[i];
        slots[i].present = p->meaning != CMRP_MEANS_COUNT && cmrp_param_travels(p, &format);
        if (p->meaning == CMRP_MEANS_BATCH) {
            slots[i].bytes = buffer_view(&v->octets);
        }
    }
    put_stub(&format, slots, &stub);
    send_bind(w, &format);
    send_bind_ack(w, &format);
    send_request_and_response(w, &format, buffer_view(&stub));
    buffer_free(&stub);
}

// Who sends PDUs of this type.
static enum direction sender(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT:
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_BIND_NAK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
    case CMRP_PTYPE_SHUTDOWN: return TO_CLIENT;
    default: return TO_SERVER;
    }
}

// Who sends connectionless PDUs of this type.
static enum direction datagram_sender(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_PING:
    case CMRP_PTYPE_CL_ACK:
    case CMRP_PTYPE_CL_CL_CANCEL: return TO_SERVER;
    default: return TO_CLIENT;
    }
}

static void send_datagram(struct wire *w, const struct vector *v) {
    const cmrp_view octets = buffer_view(&v->octets);
    put_datagram(w, octets.size > 1 ? datagram_sender(octets.data[1]) : TO_SERVER, octets);
}

static void send_raw_pdu(struct wire *w, const struct vector *v) {
    enum { PTYPE_OFFSET = 2 };
    const cmrp_stub_format format = {.interface = CMRP_INTERFACE_3};
    const size_t size = v->octets.size;
    const unsigned ptype = size > PTYPE_OFFSET ? v->octets.data[PTYPE_OFFSET] : CMRP_PTYPE_BIND;
    if (ptype != CMRP_PTYPE_BIND) {
        send_bind(w, &format);
    }
    if (ptype != CMRP_PTYPE_BIND && ptype != CMRP_PTYPE_BIND_ACK && ptype != CMRP_PTYPE_BIND_NAK) {
        send_bind_ack(w, &format);
    }
    send_octets(w, sender(ptype), buffer_view(&v->octets));
}

// What a vector is that cannot stand in a PDU of the interface, or NULL.
static const char *carried_by_none(const struct vector *v) {
    switch (v->how.type) {
    case JSON_TYPE_CHANGE: return "change value";
    case JSON_TYPE_PAYLOAD: return "payload";
    case JSON_TYPE_TOWER: return "tower";
    default: return NULL;
    }
}

bool export_pcap(const struct vector *v, struct buffer *out, char **error) {
    struct wire w = {.out = out, .sequence = {1000, 2000}};
    const char *alone = carried_by_none(v);
    if (alone != NULL) {
        *error = util_format("%s is a %s, which no message carries by itself; its forms are c, "
                             "json, hex, frame",
                             v->id, alone);
        return false;
    }
    put_file_header(out);
    if (v->how.type == JSON_TYPE_PDU && json_is_pdu_cl(buffer_view(&v->octets))) {
        send_datagram(&w, v);
        return true;
    }
    if (v->how.type == JSON_TYPE_STUB && v->how.stub.interface == CMRP_INTERFACE_2) {
        send_connectionless_stub(&w, v);
        return true;
    }
    open_connection(&w);
    switch (v->how.type) {
    case JSON_TYPE_BATCH: send_batch(&w, v); break;
    case JSON_TYPE_STUB: send_stub(&w, v); break;
    default: send_raw_pdu(&w, v); break;
    }
    close_connection(&w);
    return true;
}
