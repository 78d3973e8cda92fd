// SPDX-License-Identifier: Apache-2.0
// A vector on the wire: pcap, Ethernet, IPv4, TCP, DCE/RPC.
#include <string.h>

#include "suite/export.h"
#include "suite/wire.h"

// ---- PDUs ---------------------------------------------------------------------------------------

static void send_bind(struct wire_flow *w, const cmrp_stub_format *format) {
    const cmrp_syntax_id transfer = wire_transfer_syntax(format->syntax);
    const cmrp_pdu_context context = {
        .abstract_syntax = {cmrp_uuid_clusapi, (uint16_t)format->interface, 0},
        .transfer_count = 1,
        .transfers = &transfer,
    };
    const cmrp_pdu bind = {.header = wire_header(CMRP_PTYPE_BIND, format->order, 1),
                           .max_xmit_frag = WIRE_FRAGMENT,
                           .max_recv_frag = WIRE_FRAGMENT,
                           .list_count = 1,
                           .contexts = &context};
    wire_pdu(w, WIRE_TO_SERVER, &bind);
}

static void send_bind_ack(struct wire_flow *w, const cmrp_stub_format *format) {
    static const char address[] = "49152";
    const cmrp_pdu_result result = {.result = CMRP_RESULT_ACCEPTANCE,
                                    .transfer = wire_transfer_syntax(format->syntax)};
    const cmrp_pdu ack = {.header = wire_header(CMRP_PTYPE_BIND_ACK, format->order, 1),
                          .max_xmit_frag = WIRE_FRAGMENT,
                          .max_recv_frag = WIRE_FRAGMENT,
                          .assoc_group_id = 1,
                          .sec_addr = {(const uint8_t *)address, sizeof address - 1},
                          .list_count = 1,
                          .results = &result};
    wire_pdu(w, WIRE_TO_CLIENT, &ack);
}

// A stub in as many fragments as it takes.
static void send_call(struct wire_flow *w, const cmrp_stub_format *format, bool response,
                      cmrp_view stub) {
    struct wire_cut cut = {.stub = stub};
    while (wire_next_fragment(&cut, (WIRE_FRAGMENT - WIRE_CALL_HEADER) / 8 * 8)) {
        cmrp_pdu pdu = {
            .header =
                wire_header(response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST, format->order, 2),
            .alloc_hint = (uint32_t)(cut.fragment.size + cut.stub.size),
            .opnum = (uint16_t)format->method->opnum,
            .stub = cut.fragment,
        };
        pdu.header.flags =
            (uint8_t)((cut.first ? CMRP_PFC_FIRST_FRAG : 0) | (cut.last ? CMRP_PFC_LAST_FRAG : 0));
        wire_pdu(w, response ? WIRE_TO_CLIENT : WIRE_TO_SERVER, &pdu);
    }
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

static void empty_slot(const cmrp_param *p, cmrp_slot *slot, cmrp_slot *members) {
    slot->present = true;
    slot->null = p->unique != 0;
    slot->rows.type = cmrp_param_struct(p);
    for (uint32_t i = 0; p->kind == CMRP_KIND_RECORD && i < slot->rows.type->count; i++) {
        members[i].null = slot->rows.type->members[i].unique != 0;
    }
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

static void send_request_and_response(struct wire_flow *w, const cmrp_stub_format *format,
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
static void send_datagrams(struct wire_flow *w, const cmrp_stub_format *format, bool response,
                           cmrp_view stub) {
    const bool fragmented = stub.size > WIRE_DATAGRAM_STUB;
    struct wire_cut cut = {.stub = stub};
    for (uint16_t number = 0; wire_next_fragment(&cut, WIRE_DATAGRAM_STUB); number++) {
        uint8_t octets[CMRP_PDU_CL_HEADER_SIZE + WIRE_DATAGRAM_STUB];
        const unsigned last = cut.last ? CMRP_PF_LASTFRAG : 0;
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
            .stub = cut.fragment};
        cmrp_error error = {0};
        cmrp_writer writer;
        cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
        if (cmrp_pdu_cl_encode(&pdu, &writer)) {
            wire_datagram(w, response ? WIRE_TO_CLIENT : WIRE_TO_SERVER,
                          (cmrp_view){octets, writer.size});
        }
    }
}

static void send_connectionless_stub(struct wire_flow *w, const struct vector *v) {
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

static void send_stub(struct wire_flow *w, const struct vector *v) {
    const cmrp_stub_format *format = &v->how.stub;
    send_bind(w, format);
    send_bind_ack(w, format);
    if (format->response) {
        send_request_and_response(w, format, buffer_view(&v->octets));
    } else {
        send_call(w, format, false, buffer_view(&v->octets));
    }
}

static void send_batch(struct wire_flow *w, const struct vector *v) {
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
static enum wire_direction sender(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT:
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_BIND_NAK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
    case CMRP_PTYPE_SHUTDOWN: return WIRE_TO_CLIENT;
    default: return WIRE_TO_SERVER;
    }
}

// Who sends connectionless PDUs of this type.
static enum wire_direction datagram_sender(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_PING:
    case CMRP_PTYPE_CL_ACK:
    case CMRP_PTYPE_CL_CL_CANCEL: return WIRE_TO_SERVER;
    default: return WIRE_TO_CLIENT;
    }
}

static void send_datagram(struct wire_flow *w, const struct vector *v) {
    const cmrp_view octets = buffer_view(&v->octets);
    wire_datagram(w, octets.size > 1 ? datagram_sender(octets.data[1]) : WIRE_TO_SERVER, octets);
}

static void send_raw_pdu(struct wire_flow *w, const struct vector *v) {
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
    wire_send(w, sender(ptype), buffer_view(&v->octets));
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
    const char *alone = carried_by_none(v);
    if (alone != NULL) {
        *error = util_format("%s is a %s, which no message carries by itself; its forms are c, "
                             "json, hex, frame",
                             v->id, alone);
        return false;
    }
    struct wire wire = wire_begin(out);
    struct wire_flow w = wire_flow(&wire);
    if (v->how.type == JSON_TYPE_PDU && json_is_pdu_cl(buffer_view(&v->octets))) {
        send_datagram(&w, v);
        return true;
    }
    if (v->how.type == JSON_TYPE_STUB && v->how.stub.interface == CMRP_INTERFACE_2) {
        send_connectionless_stub(&w, v);
        return true;
    }
    wire_open(&w);
    switch (v->how.type) {
    case JSON_TYPE_BATCH: send_batch(&w, v); break;
    case JSON_TYPE_STUB: send_stub(&w, v); break;
    default: send_raw_pdu(&w, v); break;
    }
    wire_close(&w);
    return true;
}
