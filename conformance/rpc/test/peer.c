// SPDX-License-Identifier: Apache-2.0
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants those first
#include <cmocka.h>

void peer_encode(struct buffer *out, const cmrp_pdu *pdu) {
    static uint8_t octets[CMRP_PDU_MAXIMUM];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, "peer");
    assert_true(cmrp_pdu_encode(pdu, &writer));
    buffer_append(out, octets, writer.size);
}

cmrp_pdu peer_read(cmrp_view octets) {
    cmrp_pdu pdu;
    cmrp_error error = {0};
    assert_true(cmrp_pdu_decode(octets, 0, &pdu, NULL, NULL, &error));
    return pdu;
}

static cmrp_pdu make(cmrp_ptype type, unsigned flags, uint32_t call_id) {
    cmrp_pdu pdu = {0};
    pdu.header.ptype = (uint8_t)type;
    pdu.header.flags = (uint8_t)flags;
    pdu.header.drep[0] = 0x10;
    pdu.header.call_id = call_id;
    return pdu;
}

static cmrp_pdu_result result_of(const struct peer_bind *how, const cmrp_syntax_id *transfer) {
    const bool features = cmrp_uuid_is_bind_time(&transfer->uuid);
    const bool wide = cmrp_uuid_equal(&transfer->uuid, &cmrp_uuid_ndr64);
    const bool refused =
        features ? how->refuse_features : (wide ? how->refuse_ndr64 : how->refuse_ndr);
    cmrp_pdu_result result = {.transfer = *transfer};
    if (refused) {
        result = (cmrp_pdu_result){.result = CMRP_RESULT_PROVIDER_REJECTION,
                                   .reason = how->refusal != 0 ? how->refusal : 2};
    } else if (features) {
        result = (cmrp_pdu_result){.result = CMRP_RESULT_NEGOTIATE_ACK, .reason = how->features};
    }
    return result;
}

void peer_bind_ack(struct buffer *out, const cmrp_pdu *bind, const struct peer_bind *how) {
    cmrp_pdu_result results[8] = {{0}};
    cmrp_pdu_context context;
    cmrp_syntax_id transfer;
    size_t cursor = 0;
    int count = 0;
    while (cmrp_pdu_next_context(bind, &cursor, &context)) {
        size_t inner = 0;
        assert_true(cmrp_pdu_next_transfer(&context, &inner, &transfer));
        results[count++] = result_of(how, &transfer);
    }
    unsigned flags = how->flags != 0 ? how->flags : BOTH_FRAGS;
    flags |= how->multiplex ? CMRP_PFC_CONC_MPX : 0;
    cmrp_pdu ack =
        make(CMRP_PTYPE_BIND_ACK, flags, how->call_id != 0 ? how->call_id : bind->header.call_id);
    ack.max_xmit_frag = 5840;
    ack.max_recv_frag = how->receive != 0 ? how->receive : 5840;
    ack.assoc_group_id = how->group != 0 ? how->group : 0x12345;
    ack.assoc_group_id = how->no_group ? 0 : ack.assoc_group_id;
    ack.sec_addr = (cmrp_view){(const uint8_t *)"49664", 5};
    ack.list_count = (uint8_t)(count + how->more_results);
    ack.results = results;
    peer_encode(out, &ack);
}

void peer_bind_nak(struct buffer *out, uint32_t call_id, uint16_t reason) {
    static const uint8_t versions[] = {5, 0};
    cmrp_pdu nak = make(CMRP_PTYPE_BIND_NAK, BOTH_FRAGS, call_id);
    nak.nak_reason = reason;
    nak.list_count = 1;
    nak.list = (cmrp_view){versions, sizeof versions};
    peer_encode(out, &nak);
}

void peer_response(struct buffer *out, unsigned flags, uint32_t call_id, uint16_t context,
                   const void *stub, size_t size) {
    cmrp_pdu pdu = make(CMRP_PTYPE_RESPONSE, flags, call_id);
    pdu.context_id = context;
    pdu.alloc_hint = (uint32_t)size;
    pdu.stub = (cmrp_view){stub, size};
    peer_encode(out, &pdu);
}

void peer_fault(struct buffer *out, unsigned flags, uint32_t call_id, uint32_t status) {
    cmrp_pdu pdu = make(CMRP_PTYPE_FAULT, flags, call_id);
    pdu.status = status;
    peer_encode(out, &pdu);
}

void peer_plain(struct buffer *out, cmrp_ptype type, uint32_t call_id) {
    const cmrp_pdu pdu = make(type, BOTH_FRAGS, call_id);
    peer_encode(out, &pdu);
}
