// SPDX-License-Identifier: Apache-2.0
// DCE/RPC connectionless PDUs, version 4 [C706 12.5, MS-RPCE 2.2.3]: one datagram holds one.
//
// Stub data and authentication tokens stay opaque views. A view is valid as long as the datagram.
#ifndef CMRP_PDU_CL_H
#define CMRP_PDU_CL_H

#include "cmrp/uuid.h"

CMRP_BEGIN_DECLS

// X(enumerator, ptype, name, section)
#define CMRP_PTYPES_CL(X)                                                                          \
    X(REQUEST, 0, "request", "C706 12.5.3.9")                                                      \
    X(PING, 1, "ping", "C706 12.5.3.7")                                                            \
    X(RESPONSE, 2, "response", "C706 12.5.3.10")                                                   \
    X(FAULT, 3, "fault", "C706 12.5.3.5")                                                          \
    X(WORKING, 4, "working", "C706 12.5.3.11")                                                     \
    X(NOCALL, 5, "nocall", "C706 12.5.3.6")                                                        \
    X(REJECT, 6, "reject", "C706 12.5.3.8")                                                        \
    X(ACK, 7, "ack", "C706 12.5.3.1")                                                              \
    X(CL_CANCEL, 8, "cl_cancel", "C706 12.5.3.3")                                                  \
    X(FACK, 9, "fack", "C706 12.5.3.4")                                                            \
    X(CANCEL_ACK, 10, "cancel_ack", "C706 12.5.3.2")

typedef enum cmrp_ptype_cl {
#define CMRP_PTYPE_CL_ENUM(name, number, id, section) CMRP_PTYPE_CL_##name = (number),
    CMRP_PTYPES_CL(CMRP_PTYPE_CL_ENUM)
#undef CMRP_PTYPE_CL_ENUM
} cmrp_ptype_cl;

// flags1 and flags2 [C706 12.5.2.3; UNRELATED: MS-RPCE 2.2.3.3].
enum {
    CMRP_PF_LASTFRAG = 0x02,
    CMRP_PF_FRAG = 0x04,
    CMRP_PF_NOFACK = 0x08,
    CMRP_PF_MAYBE = 0x10,
    CMRP_PF_IDEMPOTENT = 0x20,
    CMRP_PF_BROADCAST = 0x40,
    CMRP_PF2_CANCEL_PENDING = 0x02,
    CMRP_PF2_UNRELATED = 0x04,
};

enum {
    CMRP_PDU_CL_HEADER_SIZE = 80,
    CMRP_CL_NO_HINT = 0xffff,     // ihint, ahint
    CMRP_CL_FACK_VERS_MAX = 1,    // versions of a fack's body that are known [MS-RPCE 2.2.3.6]
    CMRP_CL_CANCEL_VERS_MAX = 0,  // and of a cancel's
    CMRP_SEC_TRAILER_CL_SIZE = 2, // without the padding behind it
    CMRP_SEC_TRAILER_CL_PAD = 2,  // at least [MS-RPCE 2.2.3.4]
};

// The name of a PTYPE of the connectionless protocol, or NULL; and back.
CMRP_API const char *cmrp_ptype_cl_name(unsigned ptype);
CMRP_API bool cmrp_ptype_cl_named(const char *name, uint8_t *ptype);
// The name of one bit of flags1 or flags2, or NULL.
CMRP_API const char *cmrp_pf_name(unsigned bit);
CMRP_API const char *cmrp_pf2_name(unsigned bit);

// The header of every PDU [C706 12.5.2].
typedef struct cmrp_pdu_cl_header {
    uint8_t ptype;
    uint8_t flags1;
    uint8_t flags2;
    uint8_t drep[3];
    cmrp_order order; // from drep
    uint16_t serial;  // serial_hi and serial_lo
    cmrp_uuid object;
    cmrp_uuid if_id;
    cmrp_uuid act_id;
    uint32_t server_boot;
    uint16_t if_vers;
    uint16_t if_vers_minor;
    uint32_t seqnum;
    uint16_t opnum;
    uint16_t ihint;
    uint16_t ahint;
    uint16_t len; // octets of the body, without padding and sec_trailer_cl
    uint16_t fragnum;
    uint8_t auth_proto;
} cmrp_pdu_cl_header;

typedef struct cmrp_pdu_cl {
    cmrp_pdu_cl_header header;
    cmrp_view stub;  // request, response
    uint32_t status; // fault, reject
    // fack, nocall and cancel_ack may come without a body. Of a body whose version is not known the
    // fields behind `vers` are in `trailing`.
    bool has_body;
    uint32_t vers;        // fack, nocall, cl_cancel, cancel_ack
    uint8_t pad;          // fack, nocall
    uint16_t window_size; // fack, nocall: in KiB
    uint32_t max_tsdu;
    uint32_t max_frag_size;
    uint16_t serial_num;
    uint16_t selack_len;
    cmrp_view selack;            // decoded: selack_len × 4 octets (cmrp_pdu_cl_selack)
    const uint32_t *masks;       // for encoding: selack_len of them
    uint32_t cancel_id;          // cl_cancel, cancel_ack
    uint8_t server_is_accepting; // cancel_ack
    cmrp_view trailing;          // octets of the body behind its last field
    // What follows the body where auth_proto is not 0 [MS-RPCE 2.2.3.4].
    bool has_auth;
    cmrp_view auth_padding; // up to a multiple of 8
    uint8_t auth_level;
    uint8_t key_vers_num;
    uint8_t auth_pad[CMRP_SEC_TRAILER_CL_PAD];
    // To the end of the datagram. At packet privacy more padding may come first: how much, only the
    // security context knows.
    cmrp_view auth_token;
} cmrp_pdu_cl;

// Reads the header alone. Fails with truncated, rpc-version, ptype, or drep; len is not compared
// with what follows.
CMRP_API bool cmrp_pdu_cl_peek(cmrp_view datagram, uint64_t offset, cmrp_pdu_cl_header *header,
                               cmrp_error *error);

// Decodes the PDU in a datagram, of which errors call the first octet `offset`. The body must lie
// in it (frag-length, field len). Octets behind the PDU are a warning (trailing, field pdu), unless
// they are its authentication; so are octets of the body behind its last field (field body). On
// failure *pdu holds what was read before the wrong field.
CMRP_API bool cmrp_pdu_cl_decode(cmrp_view datagram, uint64_t offset, cmrp_pdu_cl *pdu,
                                 cmrp_warn *warn, void *warn_context, cmrp_error *error);

// The n-th mask of a decoded fack or nocall; n below selack_len.
CMRP_API uint32_t cmrp_pdu_cl_selack(const cmrp_pdu_cl *pdu, size_t n);

// Encodes a PDU. len and order follow from the other members (order from drep). With has_auth,
// auth_padding must reach to the next multiple of 8. Fails with no-space, or value where something
// does not fit its field or has_auth is set without auth_proto, or auth-length for auth_padding.
CMRP_API bool cmrp_pdu_cl_encode(const cmrp_pdu_cl *pdu, cmrp_writer *writer);

CMRP_END_DECLS

#endif
