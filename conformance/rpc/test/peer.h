// SPDX-License-Identifier: Apache-2.0
// A server for tests of the client: writes the PDUs that a test wants, right or wrong.
#ifndef RPC_TEST_PEER_H
#define RPC_TEST_PEER_H

#include "cmrp/pdu.h"
#include "util/buffer.h"

enum { BOTH_FRAGS = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG };

struct peer_bind {
    uint32_t call_id; // 0: the bind's
    uint32_t group;   // 0: 0x12345
    bool no_group;    // group is 0
    bool multiplex;
    bool refuse_ndr64;
    bool refuse_ndr;
    bool refuse_features;
    uint16_t refusal; // reason of refused syntaxes; 0: 2
    uint16_t features;
    uint16_t receive; // max_recv_frag; 0: 5840
    int more_results; // than contexts
    unsigned flags;
};

// Decodes one PDU that the client sent, which must be whole and right.
cmrp_pdu peer_read(cmrp_view octets);
// Answers a bind as `how` says.
void peer_bind_ack(struct buffer *out, const cmrp_pdu *bind, const struct peer_bind *how);
void peer_bind_nak(struct buffer *out, uint32_t call_id, uint16_t reason);
void peer_response(struct buffer *out, unsigned flags, uint32_t call_id, uint16_t context,
                   const void *stub, size_t size);
void peer_fault(struct buffer *out, unsigned flags, uint32_t call_id, uint32_t status);
void peer_plain(struct buffer *out, cmrp_ptype type, uint32_t call_id);
void peer_encode(struct buffer *out, const cmrp_pdu *pdu);

#endif
