// SPDX-License-Identifier: Apache-2.0
// DCE/RPC connection-oriented PDUs, version 5 [C706 chapter 12, MS-RPCE 2.2.2].
//
// One call decodes one PDU. Stub data, authentication tokens and extended errors stay opaque views.
// Variable lists (presentation contexts, results) are views with iterators; a decode has validated
// them whole.
#ifndef CMRP_PDU_H
#define CMRP_PDU_H

#include "cmrp/uuid.h"

CMRP_BEGIN_DECLS

// X(enumerator, PTYPE, name, section)
#define CMRP_PTYPES(X)                                                                             \
    X(REQUEST, 0, "request", "C706 12.6.4.9")                                                      \
    X(RESPONSE, 2, "response", "C706 12.6.4.10")                                                   \
    X(FAULT, 3, "fault", "C706 12.6.4.7")                                                          \
    X(BIND, 11, "bind", "C706 12.6.4.3")                                                           \
    X(BIND_ACK, 12, "bind_ack", "C706 12.6.4.4")                                                   \
    X(BIND_NAK, 13, "bind_nak", "C706 12.6.4.5")                                                   \
    X(ALTER_CONTEXT, 14, "alter_context", "C706 12.6.4.1")                                         \
    X(ALTER_CONTEXT_RESP, 15, "alter_context_resp", "C706 12.6.4.2")                               \
    X(AUTH3, 16, "auth3", "MS-RPCE 2.2.2.10")                                                      \
    X(SHUTDOWN, 17, "shutdown", "C706 12.6.4.11")                                                  \
    X(CO_CANCEL, 18, "co_cancel", "C706 12.6.4.6")                                                 \
    X(ORPHANED, 19, "orphaned", "C706 12.6.4.8")

typedef enum cmrp_ptype {
#define CMRP_PTYPE_ENUM(name, number, id, section) CMRP_PTYPE_##name = (number),
    CMRP_PTYPES(CMRP_PTYPE_ENUM)
#undef CMRP_PTYPE_ENUM
} cmrp_ptype;

// pfc_flags. Bit 0x04 is PFC_SUPPORT_HEADER_SIGN in bind, bind_ack, alter_context and its answer,
// and auth3 [MS-RPCE 2.2.2.3].
enum {
    CMRP_PFC_FIRST_FRAG = 0x01,
    CMRP_PFC_LAST_FRAG = 0x02,
    CMRP_PFC_PENDING_CANCEL = 0x04,
    CMRP_PFC_SUPPORT_HEADER_SIGN = 0x04,
    CMRP_PFC_RESERVED = 0x08,
    CMRP_PFC_CONC_MPX = 0x10,
    CMRP_PFC_DID_NOT_EXECUTE = 0x20,
    CMRP_PFC_MAYBE = 0x40,
    CMRP_PFC_OBJECT_UUID = 0x80,
};

enum {
    CMRP_PDU_HEADER_SIZE = 16,
    CMRP_PDU_MAXIMUM = 65535, // frag_length has 16 bits
    CMRP_SEC_TRAILER_SIZE = 8,
};

// p_result of a bind_ack or alter_context_resp.
enum {
    CMRP_RESULT_ACCEPTANCE = 0,
    CMRP_RESULT_USER_REJECTION = 1,
    CMRP_RESULT_PROVIDER_REJECTION = 2,
    CMRP_RESULT_NEGOTIATE_ACK = 3,
};

// The name of a PTYPE of this protocol, or NULL; and back.
CMRP_API const char *cmrp_ptype_name(unsigned ptype);
CMRP_API bool cmrp_ptype_named(const char *name, uint8_t *ptype);
// The name of one bit of pfc_flags in a PDU of this type, or NULL.
CMRP_API const char *cmrp_pfc_name(unsigned ptype, unsigned bit);

// The header that all PDUs share [C706 12.6.3.1].
typedef struct cmrp_pdu_header {
    uint8_t minor; // rpc_vers_minor
    uint8_t ptype;
    uint8_t flags;
    uint8_t drep[4];
    cmrp_order order; // from drep
    uint16_t frag_length;
    uint16_t auth_length;
    uint32_t call_id;
} cmrp_pdu_header;

// A presentation context of a bind or alter_context.
typedef struct cmrp_pdu_context {
    uint16_t id;
    cmrp_syntax_id abstract_syntax;
    uint8_t transfer_count;
    const cmrp_syntax_id *transfers; // for encoding
    cmrp_view raw;                   // decoded: transfer_count × 20 octets
    cmrp_order order;
} cmrp_pdu_context;

// The answer to one presentation context.
typedef struct cmrp_pdu_result {
    uint16_t result;
    uint16_t reason; // of a negotiate_ack: the feature bits
    cmrp_syntax_id transfer;
} cmrp_pdu_result;

typedef struct cmrp_pdu {
    cmrp_pdu_header header;
    uint32_t alloc_hint; // request, response, fault
    uint16_t context_id; // request, response, fault
    uint16_t opnum;      // request
    bool has_object;     // request
    cmrp_uuid object;
    uint8_t cancel_count;   // response, fault
    uint8_t reserved;       // response, fault: bit 0 of a fault announces an extended error
    uint32_t status;        // fault
    uint8_t reserved2[4];   // fault
    cmrp_view stub;         // request, response, fault: without authentication padding
    uint16_t max_xmit_frag; // bind, alter_context and their answers
    uint16_t max_recv_frag;
    uint32_t assoc_group_id;
    cmrp_view sec_addr;               // answers: without the NUL
    uint8_t list_count;               // contexts, results or versions
    cmrp_view list;                   // decoded; iterate with the functions below
    const cmrp_pdu_context *contexts; // for encoding
    const cmrp_pdu_result *results;   // for encoding
    uint16_t nak_reason;              // bind_nak
    cmrp_view extension;              // bind_nak: what follows the versions
    uint8_t auth3_pad[4];
    cmrp_view trailing; // octets of the body behind its last field, where that one has an end
    // sec_trailer [MS-RPCE 2.2.2.11]; has_auth = auth_length is not 0
    bool has_auth;
    uint8_t auth_type;
    uint8_t auth_level;
    uint8_t auth_reserved;
    uint32_t auth_context_id;
    cmrp_view auth_padding; // before the sec_trailer
    cmrp_view auth_token;
} cmrp_pdu;

// Reads the common header alone, as framing needs it. Fails with truncated, rpc-version, ptype,
// drep, or frag-length when frag_length is smaller than the header itself.
CMRP_API bool cmrp_pdu_peek(cmrp_view bytes, uint64_t offset, cmrp_pdu_header *header,
                            cmrp_error *error);

// Decodes the PDU at the start of bytes, of which errors call the first octet `offset`. frag_length
// must not exceed bytes (frag-length); octets behind it are a warning (trailing, field pdu) and not
// part of the PDU. Octets of the body behind its last field are a warning (field body), too, and
// are kept. On failure *pdu holds what was read before the wrong field.
CMRP_API bool cmrp_pdu_decode(cmrp_view bytes, uint64_t offset, cmrp_pdu *pdu, cmrp_warn *warn,
                              void *warn_context, cmrp_error *error);

// Iterators over a decoded PDU's lists; start with *cursor = 0. Return false at the end.
CMRP_API bool cmrp_pdu_next_context(const cmrp_pdu *pdu, size_t *cursor, cmrp_pdu_context *context);
CMRP_API bool cmrp_pdu_next_transfer(const cmrp_pdu_context *context, size_t *cursor,
                                     cmrp_syntax_id *transfer);
CMRP_API bool cmrp_pdu_next_result(const cmrp_pdu *pdu, size_t *cursor, cmrp_pdu_result *result);

// Encodes a PDU. frag_length, auth_length and order follow from the other members (order from
// drep). Lists come from contexts and results (list_count of them), for a bind_nak from `list`
// (major, minor pairs). Fails with no-space, or value where something does not fit its field or
// has_auth is set without a token.
CMRP_API bool cmrp_pdu_encode(const cmrp_pdu *pdu, cmrp_writer *writer);

CMRP_END_DECLS

#endif
