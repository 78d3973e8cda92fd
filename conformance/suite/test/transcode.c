// SPDX-License-Identifier: Apache-2.0
#include "transcode.h"

#include <stdlib.h>

static bool put_batch(const struct json_selector *how, cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command command;
    cmrp_batch_writer out;
    bool ok = cmrp_batch_open(&batch, octets, 0, how->batch_flags, &error) &&
              cmrp_batch_writer_open(&out, writer, how->batch_flags);
    while (ok && cmrp_batch_next(&batch, &command)) {
        ok = cmrp_batch_put(&out, &command);
    }
    return ok && error.code == CMRP_OK && cmrp_batch_writer_close(&out, batch.trailing);
}

static bool put_stub(const struct json_selector *how, cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    return cmrp_stub_decode(&how->stub, octets, 0, slots, NULL, NULL, &error) &&
           cmrp_stub_encode(&how->stub, slots, writer);
}

// The decoded lists as arrays, which is what the encoder takes.
static void list_contexts(cmrp_pdu *pdu, cmrp_pdu_context *contexts, cmrp_syntax_id *transfers) {
    size_t cursor = 0;
    for (size_t i = 0; cmrp_pdu_next_context(pdu, &cursor, &contexts[i]); i++) {
        size_t inner = 0;
        contexts[i].transfers = transfers;
        while (cmrp_pdu_next_transfer(&contexts[i], &inner, transfers)) {
            transfers++;
        }
    }
    pdu->contexts = contexts;
}

static void list_results(cmrp_pdu *pdu, cmrp_pdu_result *results) {
    size_t cursor = 0;
    for (size_t i = 0; cmrp_pdu_next_result(pdu, &cursor, &results[i]); i++) {
    }
    pdu->results = results;
}

static bool put_pdu_cl(cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_pdu_cl pdu;
    if (!cmrp_pdu_cl_decode(octets, 0, &pdu, NULL, NULL, &error)) {
        return false;
    }
    uint32_t *masks = util_alloc(((size_t)pdu.selack_len + 1) * sizeof *masks);
    for (size_t i = 0; i < pdu.selack_len; i++) {
        masks[i] = cmrp_pdu_cl_selack(&pdu, i);
    }
    pdu.masks = masks;
    const bool ok = cmrp_pdu_cl_encode(&pdu, writer);
    free(masks);
    return ok;
}

static bool put_pdu(cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_pdu pdu;
    if (!cmrp_pdu_decode(octets, 0, &pdu, NULL, NULL, &error)) {
        return false;
    }
    // One element more than a count of 8 bits can say: the iterators are asked once too often.
    cmrp_pdu_context *contexts = util_alloc((UINT8_MAX + 1) * sizeof *contexts);
    cmrp_pdu_result *results = util_alloc((UINT8_MAX + 1) * sizeof *results);
    cmrp_syntax_id *transfers = util_alloc((octets.size / 20 + 1) * sizeof *transfers);
    if (pdu.header.ptype == CMRP_PTYPE_BIND || pdu.header.ptype == CMRP_PTYPE_ALTER_CONTEXT) {
        list_contexts(&pdu, contexts, transfers);
    }
    if (pdu.header.ptype == CMRP_PTYPE_BIND_ACK ||
        pdu.header.ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP) {
        list_results(&pdu, results);
    }
    const bool ok = cmrp_pdu_encode(&pdu, writer);
    free(contexts);
    free(results);
    free(transfers);
    return ok;
}

static bool put_tower(cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_tower tower;
    size_t cursor = 0;
    size_t n = 0;
    if (!cmrp_tower_decode(octets, 0, &tower, NULL, NULL, &error)) {
        return false;
    }
    cmrp_floor *floors = util_alloc(((size_t)tower.count + 1) * sizeof *floors);
    while (cmrp_tower_next(&tower, &cursor, &floors[n])) {
        n++;
    }
    const bool ok = n == tower.count && cmrp_tower_encode(floors, n, writer) &&
                    cmrp_put_view(writer, "trailing", tower.trailing);
    free(floors);
    return ok;
}

static bool put_ept_map(const cmrp_stub_format *f, cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_epm_request request;
    cmrp_epm_response response;
    cmrp_epm_cursor cursor = {0};
    uint64_t offset;
    cmrp_view towers[CMRP_EPM_TOWERS + 1];
    size_t n = 0;
    if (!f->response) {
        return cmrp_epm_request_decode(octets, 0, f->syntax, f->order, &request, NULL, NULL,
                                       &error) &&
               cmrp_epm_request_encode(&request, f->syntax, f->order, writer);
    }
    if (!cmrp_epm_response_decode(octets, 0, f->syntax, f->order, &response, NULL, NULL, &error)) {
        return false;
    }
    while (cmrp_epm_next_tower(&response, &cursor, &towers[n], &offset)) {
        n++;
    }
    response.towers = towers;
    return n == response.num_towers &&
           cmrp_epm_response_encode(&response, f->syntax, f->order, writer);
}

bool transcode(const struct json_selector *how, cmrp_view octets, cmrp_writer *writer) {
    cmrp_error error = {0};
    cmrp_payload payload;
    uint64_t value;
    switch (how->type) {
    case JSON_TYPE_BATCH: return put_batch(how, octets, writer);
    case JSON_TYPE_CHANGE:
        return cmrp_change_decode(how->set, octets, &value, &error) &&
               cmrp_change_encode(how->set, value, writer);
    case JSON_TYPE_STUB: return put_stub(how, octets, writer);
    case JSON_TYPE_PAYLOAD:
        return cmrp_payload_decode(how->object_type, how->flag->value, octets, 0, &payload, NULL,
                                   NULL, &error) &&
               cmrp_payload_encode(&payload, writer);
    case JSON_TYPE_TOWER:
        return how->ept_map ? put_ept_map(&how->stub, octets, writer) : put_tower(octets, writer);
    default: return json_is_pdu_cl(octets) ? put_pdu_cl(octets, writer) : put_pdu(octets, writer);
    }
}
