// SPDX-License-Identifier: Apache-2.0
#include "traffic/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

enum { CLIENT_NETWORK = 10, SERVER = 20, SERVER_PORT = 49670, SYNTAXES = 2 };

static void set_end(struct wire_end *end, uint32_t host, uint16_t port) {
    const uint8_t address[4] = {192, 0, 2, (uint8_t)host};
    memset(end, 0, sizeof *end);
    memcpy(end->address, address, sizeof address);
    end->family = 4;
    end->port = port;
}

static cmrp_pdu_header header(const struct line *line, uint8_t ptype, bool to_client,
                              uint32_t call_id) {
    cmrp_pdu_header h = wire_header(ptype, to_client ? CMRP_LITTLE_ENDIAN : line->order, call_id);
    h.flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    return h;
}

static void bind(struct line *line, uint32_t group) {
    const cmrp_syntax_id transfers[SYNTAXES] = {wire_transfer_syntax(CMRP_NDR20),
                                                wire_transfer_syntax(CMRP_NDR64)};
    cmrp_pdu_context contexts[SYNTAXES] = {0};
    cmrp_pdu pdu = {.header = header(line, CMRP_PTYPE_BIND, false, line->call_id),
                    .max_xmit_frag = WIRE_FRAGMENT,
                    .max_recv_frag = WIRE_FRAGMENT,
                    .assoc_group_id = group,
                    .list_count = SYNTAXES,
                    .contexts = contexts};
    pdu.header.flags |= CMRP_PFC_CONC_MPX;
    for (uint16_t i = 0; i < SYNTAXES; i++) {
        contexts[i].id = i;
        contexts[i].abstract_syntax = (cmrp_syntax_id){cmrp_uuid_clusapi, CMRP_INTERFACE_3, 0};
        contexts[i].transfer_count = 1;
        contexts[i].transfers = &transfers[i];
    }
    wire_pdu(&line->flow, WIRE_TO_SERVER, &pdu);
}

static void bind_ack(struct line *line, uint32_t group) {
    static const char address[] = "49670";
    cmrp_pdu_result results[SYNTAXES] = {0};
    cmrp_pdu pdu = {.header = header(line, CMRP_PTYPE_BIND_ACK, true, line->call_id),
                    .max_xmit_frag = WIRE_FRAGMENT,
                    .max_recv_frag = WIRE_FRAGMENT,
                    .assoc_group_id = group,
                    .sec_addr = {(const uint8_t *)address, sizeof address - 1},
                    .list_count = SYNTAXES,
                    .results = results};
    pdu.header.flags |= CMRP_PFC_CONC_MPX;
    for (unsigned i = 0; i < SYNTAXES; i++) {
        const bool taken = i == (line->syntax == CMRP_NDR64);
        results[i].result = taken ? CMRP_RESULT_ACCEPTANCE : CMRP_RESULT_PROVIDER_REJECTION;
        results[i].reason = taken ? 0 : 2; // the proposed transfer syntaxes are not supported
        if (taken) {
            results[i].transfer = wire_transfer_syntax(line->syntax);
        }
    }
    wire_pdu(&line->flow, WIRE_TO_CLIENT, &pdu);
}

void talk_open(struct line *line, struct wire *wire, uint32_t client, uint16_t port, uint32_t group,
               uint32_t assigned) {
    line->flow = wire_flow(wire);
    set_end(&line->flow.end[0], CLIENT_NETWORK + client, port);
    set_end(&line->flow.end[1], SERVER, SERVER_PORT);
    line->open = true;
    line->call_id = 1;
    wire_open(&line->flow);
    bind(line, group);
    bind_ack(line, assigned);
}

void talk_close(struct line *line, bool reset) {
    if (reset) {
        wire_reset(&line->flow);
    } else {
        wire_close(&line->flow);
    }
    line->open = false;
}

static void send(struct line *line, bool response, uint32_t call_id, uint32_t opnum,
                 const json_t *params) {
    struct json_selector how = {.type = JSON_TYPE_STUB};
    struct json_failure failure;
    struct buffer stub = {0};
    json_t *value = json_pack("{sO}", "params", params);
    how.stub =
        (cmrp_stub_format){cmrp_method_numbered(CMRP_INTERFACE_3, opnum), CMRP_INTERFACE_3,
                           response, line->syntax, response ? CMRP_LITTLE_ENDIAN : line->order};
    if (!json_encode(&how, value, &stub, &failure)) {
        char *text = json_dumps(value, JSON_COMPACT);
        fprintf(stderr, "legal-traffic: opnum %u: %s %s: %s\n", opnum, failure.pointer,
                failure.message, text);
        exit(2);
    }
    struct wire_cut cut = {.stub = buffer_view(&stub)};
    while (wire_next_fragment(&cut, (WIRE_FRAGMENT - WIRE_CALL_HEADER) / 8 * 8)) {
        cmrp_pdu pdu = {
            .header = header(line, response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST, response,
                             call_id),
            .alloc_hint = (uint32_t)(cut.fragment.size + cut.stub.size),
            .context_id = line->syntax == CMRP_NDR64,
            .opnum = (uint16_t)opnum,
            .stub = cut.fragment,
        };
        pdu.header.flags =
            (uint8_t)((cut.first ? CMRP_PFC_FIRST_FRAG : 0) | (cut.last ? CMRP_PFC_LAST_FRAG : 0));
        wire_pdu(&line->flow, response ? WIRE_TO_CLIENT : WIRE_TO_SERVER, &pdu);
    }
    json_decref(value);
    buffer_free(&stub);
}

void talk_request(struct line *line, uint32_t call_id, uint32_t opnum, const json_t *params) {
    send(line, false, call_id, opnum, params);
}

void talk_response(struct line *line, uint32_t call_id, uint32_t opnum, const json_t *params) {
    send(line, true, call_id, opnum, params);
}

void talk_fault(struct line *line, uint32_t call_id, uint32_t status) {
    cmrp_pdu pdu = {.header = header(line, CMRP_PTYPE_FAULT, true, call_id),
                    .alloc_hint = 32, // of the PDU, as Windows has it
                    .context_id = line->syntax == CMRP_NDR64,
                    .status = status};
    pdu.header.flags |= CMRP_PFC_DID_NOT_EXECUTE;
    wire_pdu(&line->flow, WIRE_TO_CLIENT, &pdu);
}
