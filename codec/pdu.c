// SPDX-License-Identifier: Apache-2.0
#include "cmrp/pdu.h"

#define SECTION_HEADER      "C706 12.6.3.1"
#define SECTION_SEC_TRAILER "MS-RPCE 2.2.2.11"

enum {
    SYNTAX_ID_SIZE = 20,
    AT_RPC_VERS_MINOR = 1,
    AT_PTYPE = 2,
    AT_DREP = 4,
    AT_FRAG_LENGTH = 8,
    AT_AUTH_LENGTH = 10,
};

// ---- names --------------------------------------------------------------------------------------

static const struct {
    uint8_t ptype;
    const char *name;
    const char *section;
} ptypes[] = {
#define CMRP_PTYPE_ROW(name, number, id, section) {number, id, section},
    CMRP_PTYPES(CMRP_PTYPE_ROW)
#undef CMRP_PTYPE_ROW
};

enum { PTYPES = sizeof ptypes / sizeof ptypes[0] };

const char *cmrp_ptype_name(unsigned ptype) {
    for (size_t i = 0; i < PTYPES; i++) {
        if (ptypes[i].ptype == ptype) {
            return ptypes[i].name;
        }
    }
    return NULL;
}

bool cmrp_ptype_named(const char *name, uint8_t *ptype) {
    for (size_t i = 0; i < PTYPES; i++) {
        if (strcmp(ptypes[i].name, name) == 0) {
            *ptype = ptypes[i].ptype;
            return true;
        }
    }
    return false;
}

static const char *section_of(unsigned ptype) {
    for (size_t i = 0; i < PTYPES; i++) {
        if (ptypes[i].ptype == ptype) {
            return ptypes[i].section;
        }
    }
    return SECTION_HEADER;
}

const char *cmrp_pfc_name(unsigned ptype, unsigned bit) {
    const bool negotiates =
        ptype >= CMRP_PTYPE_BIND && ptype <= CMRP_PTYPE_AUTH3 && ptype != CMRP_PTYPE_BIND_NAK;
    switch (bit) {
    case CMRP_PFC_FIRST_FRAG: return "PFC_FIRST_FRAG";
    case CMRP_PFC_LAST_FRAG: return "PFC_LAST_FRAG";
    case CMRP_PFC_PENDING_CANCEL:
        return negotiates ? "PFC_SUPPORT_HEADER_SIGN" : "PFC_PENDING_CANCEL";
    case CMRP_PFC_RESERVED: return "PFC_RESERVED_1";
    case CMRP_PFC_CONC_MPX: return "PFC_CONC_MPX";
    case CMRP_PFC_DID_NOT_EXECUTE: return "PFC_DID_NOT_EXECUTE";
    case CMRP_PFC_MAYBE: return "PFC_MAYBE";
    case CMRP_PFC_OBJECT_UUID: return "PFC_OBJECT_UUID";
    default: return NULL;
    }
}

// ---- decoding -----------------------------------------------------------------------------------

static bool take_header(cmrp_reader *r, cmrp_pdu_header *h) {
    const uint64_t base = r->offset;
    uint8_t version;
    const uint8_t *drep;
    if (!cmrp_take_u8(r, "rpc_vers", &version)) {
        return false;
    }
    if (version != 5) {
        return cmrp_fail(r, CMRP_E_RPC_VERSION, "rpc_vers", base, version);
    }
    if (!cmrp_take_u8(r, "rpc_vers_minor", &h->minor)) {
        return false;
    }
    if (h->minor > 1) {
        return cmrp_fail(r, CMRP_E_RPC_VERSION, "rpc_vers_minor", base + AT_RPC_VERS_MINOR,
                         h->minor);
    }
    if (!cmrp_take_u8(r, "PTYPE", &h->ptype)) {
        return false;
    }
    if (cmrp_ptype_name(h->ptype) == NULL) {
        return cmrp_fail(r, CMRP_E_PTYPE, "PTYPE", base + AT_PTYPE, h->ptype);
    }
    if (!cmrp_take_u8(r, "pfc_flags", &h->flags) ||
        !cmrp_take(r, "packed_drep", sizeof h->drep, &drep)) {
        return false;
    }
    memcpy(h->drep, drep, sizeof h->drep);
    if (h->drep[0] >> 4 > 1) {
        return cmrp_fail(r, CMRP_E_DREP, "packed_drep", base + AT_DREP, h->drep[0]);
    }
    h->order = h->drep[0] >> 4 == 1 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    if (!cmrp_take_u16(r, "frag_length", h->order, &h->frag_length) ||
        !cmrp_take_u16(r, "auth_length", h->order, &h->auth_length) ||
        !cmrp_take_u32(r, "call_id", h->order, &h->call_id)) {
        return false;
    }
    if (h->frag_length < CMRP_PDU_HEADER_SIZE) {
        r->left += CMRP_PDU_HEADER_SIZE; // what is at hand, not what follows the header
        return cmrp_fail(r, CMRP_E_FRAG_LENGTH, "frag_length", base + AT_FRAG_LENGTH,
                         h->frag_length);
    }
    return true;
}

bool cmrp_pdu_peek(cmrp_view bytes, uint64_t offset, cmrp_pdu_header *header, cmrp_error *error) {
    cmrp_reader r;
    cmrp_reader_init(&r, bytes, offset, error, SECTION_HEADER);
    return take_header(&r, header);
}

static bool take_context(cmrp_reader *r, cmrp_order order, cmrp_pdu_context *c) {
    uint8_t reserved;
    *c = (cmrp_pdu_context){.order = order};
    if (!cmrp_take_u16(r, "p_cont_id", order, &c->id) ||
        !cmrp_take_u8(r, "n_transfer_syn", &c->transfer_count) ||
        !cmrp_take_u8(r, "reserved", &reserved) ||
        !cmrp_take_syntax_id(r, "abstract_syntax", order, &c->abstract_syntax)) {
        return false;
    }
    c->raw = (cmrp_view){r->at, (size_t)c->transfer_count * SYNTAX_ID_SIZE};
    for (unsigned i = 0; i < c->transfer_count; i++) {
        cmrp_syntax_id ignored;
        if (!cmrp_take_syntax_id(r, "transfer_syntaxes", order, &ignored)) {
            return false;
        }
    }
    return true;
}

static bool take_result(cmrp_reader *r, cmrp_order order, cmrp_pdu_result *result) {
    return cmrp_take_u16(r, "result", order, &result->result) &&
           cmrp_take_u16(r, "reason", order, &result->reason) &&
           cmrp_take_syntax_id(r, "transfer_syntax", order, &result->transfer);
}

static bool take_association(cmrp_reader *r, cmrp_pdu *pdu) {
    const cmrp_order order = pdu->header.order;
    return cmrp_take_u16(r, "max_xmit_frag", order, &pdu->max_xmit_frag) &&
           cmrp_take_u16(r, "max_recv_frag", order, &pdu->max_recv_frag) &&
           cmrp_take_u32(r, "assoc_group_id", order, &pdu->assoc_group_id);
}

// The head of a list: its count, one and two reserved octets.
static bool take_list_head(cmrp_reader *r, const char *count_field, cmrp_pdu *pdu) {
    cmrp_view reserved;
    return cmrp_take_u8(r, count_field, &pdu->list_count) &&
           cmrp_take_view(r, "reserved", 1, &reserved) &&
           cmrp_take_view(r, "reserved2", 2, &reserved);
}

static bool take_bind(cmrp_reader *r, cmrp_pdu *pdu) {
    if (!take_association(r, pdu) || !take_list_head(r, "n_context_elem", pdu)) {
        return false;
    }
    const uint8_t *start = r->at;
    for (unsigned i = 0; i < pdu->list_count; i++) {
        cmrp_pdu_context ignored;
        if (!take_context(r, pdu->header.order, &ignored)) {
            return false;
        }
    }
    pdu->list = (cmrp_view){start, (size_t)(r->at - start)};
    return true;
}

static bool take_bind_ack(cmrp_reader *r, uint64_t base, cmrp_pdu *pdu) {
    uint16_t length;
    cmrp_view skipped;
    if (!take_association(r, pdu) ||
        !cmrp_take_u16(r, "sec_addr.length", pdu->header.order, &length) ||
        !cmrp_take_view(r, "sec_addr.port_spec", length, &pdu->sec_addr)) {
        return false;
    }
    if (length > 0 && pdu->sec_addr.data[length - 1] == 0) {
        pdu->sec_addr.size--;
    }
    const size_t gap = (size_t)(-(r->offset - base) & 3);
    if (gap > r->left) { // the field behind the gap is what is missing
        return cmrp_fail(r, CMRP_E_TRUNCATED, "n_results", r->offset + gap, 0);
    }
    if (!cmrp_take_view(r, "n_results", gap, &skipped) || !take_list_head(r, "n_results", pdu)) {
        return false;
    }
    const uint8_t *start = r->at;
    for (unsigned i = 0; i < pdu->list_count; i++) {
        cmrp_pdu_result ignored;
        if (!take_result(r, pdu->header.order, &ignored)) {
            return false;
        }
    }
    pdu->list = (cmrp_view){start, (size_t)(r->at - start)};
    return true;
}

static bool take_bind_nak(cmrp_reader *r, cmrp_pdu *pdu) {
    if (!cmrp_take_u16(r, "provider_reject_reason", pdu->header.order, &pdu->nak_reason) ||
        !cmrp_take_u8(r, "n_protocols", &pdu->list_count)) {
        return false;
    }
    const uint8_t *start = r->at;
    for (unsigned i = 0; i < pdu->list_count; i++) {
        uint8_t ignored;
        if (!cmrp_take_u8(r, "p_protocols.major", &ignored) ||
            !cmrp_take_u8(r, "p_protocols.minor", &ignored)) {
            return false;
        }
    }
    pdu->list = (cmrp_view){start, (size_t)(r->at - start)};
    return cmrp_take_view(r, "extension", r->left, &pdu->extension);
}

static bool take_call(cmrp_reader *r, cmrp_pdu *pdu) {
    const cmrp_order order = pdu->header.order;
    if (!cmrp_take_u32(r, "alloc_hint", order, &pdu->alloc_hint) ||
        !cmrp_take_u16(r, "p_cont_id", order, &pdu->context_id)) {
        return false;
    }
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        pdu->has_object = (pdu->header.flags & CMRP_PFC_OBJECT_UUID) != 0;
        if (!cmrp_take_u16(r, "opnum", order, &pdu->opnum) ||
            (pdu->has_object && !cmrp_take_uuid(r, "object", order, &pdu->object))) {
            return false;
        }
    } else if (!cmrp_take_u8(r, "cancel_count", &pdu->cancel_count) ||
               !cmrp_take_u8(r, "reserved", &pdu->reserved)) {
        return false;
    }
    if (pdu->header.ptype == CMRP_PTYPE_FAULT) {
        const uint8_t *reserved;
        if (!cmrp_take_u32(r, "status", order, &pdu->status) ||
            !cmrp_take(r, "reserved2", sizeof pdu->reserved2, &reserved)) {
            return false;
        }
        memcpy(pdu->reserved2, reserved, sizeof pdu->reserved2);
    }
    return cmrp_take_view(r, "stub", r->left, &pdu->stub);
}

// Octets of the body that come before anything of variable size: a sec_trailer cannot lie in them.
static size_t fixed_body(const cmrp_pdu_header *h) {
    switch (h->ptype) {
    case CMRP_PTYPE_REQUEST:
        return 8 + ((h->flags & CMRP_PFC_OBJECT_UUID) != 0 ? (size_t)CMRP_UUID_SIZE : 0);
    case CMRP_PTYPE_RESPONSE: return 8;
    case CMRP_PTYPE_FAULT: return 16;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: return 12;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return 10;
    case CMRP_PTYPE_BIND_NAK: return 3;
    case CMRP_PTYPE_AUTH3: return 4;
    default: return 0;
    }
}

// Cuts the sec_trailer, its token and the padding before it off the body's end.
static bool take_auth(cmrp_reader *body, uint64_t base, cmrp_pdu *pdu) {
    const cmrp_pdu_header *h = &pdu->header;
    if (h->auth_length == 0) {
        return true;
    }
    const char *section = body->section;
    body->section = SECTION_SEC_TRAILER;
    const size_t trailer = (size_t)h->auth_length + CMRP_SEC_TRAILER_SIZE;
    const size_t fixed = fixed_body(h);
    if (trailer + fixed > body->left) {
        return cmrp_fail(body, CMRP_E_AUTH_LENGTH, "auth_length", base + AT_AUTH_LENGTH,
                         h->auth_length);
    }
    cmrp_reader front = *body;
    cmrp_view skipped;
    uint8_t pad_length;
    (void)cmrp_take_view(body, "sec_trailer", body->left - trailer, &skipped);
    front.left -= trailer;
    if (!cmrp_take_u8(body, "auth_type", &pdu->auth_type) ||
        !cmrp_take_u8(body, "auth_level", &pdu->auth_level) ||
        !cmrp_take_u8(body, "auth_pad_length", &pad_length) ||
        !cmrp_take_u8(body, "auth_reserved", &pdu->auth_reserved) ||
        !cmrp_take_u32(body, "auth_context_id", h->order, &pdu->auth_context_id) ||
        !cmrp_take_view(body, "auth_value", h->auth_length, &pdu->auth_token)) {
        return false;
    }
    const uint64_t pad_length_at = base + h->frag_length - trailer + 2;
    if (pad_length + fixed > front.left) {
        body->left = front.left - fixed;
        return cmrp_fail(body, CMRP_E_AUTH_LENGTH, "auth_pad_length", pad_length_at, pad_length);
    }
    front.left -= pad_length;
    pdu->auth_padding = (cmrp_view){front.at + front.left, pad_length};
    pdu->has_auth = true;
    *body = front;
    body->section = section;
    return true;
}

static bool take_body(cmrp_reader *r, uint64_t base, cmrp_pdu *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT: return take_call(r, pdu);
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: return take_bind(r, pdu);
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return take_bind_ack(r, base, pdu);
    case CMRP_PTYPE_BIND_NAK: return take_bind_nak(r, pdu);
    case CMRP_PTYPE_AUTH3: {
        const uint8_t *pad;
        if (!cmrp_take(r, "pad", sizeof pdu->auth3_pad, &pad)) {
            return false;
        }
        memcpy(pdu->auth3_pad, pad, sizeof pdu->auth3_pad);
        return true;
    }
    default: return true;
    }
}

// Octets that no field accounts for are not lost silently.
static void warn_rest(const cmrp_reader *r, const char *field, cmrp_warn *warn, void *context) {
    const cmrp_error trailing = {.code = CMRP_E_TRAILING,
                                 .offset = r->offset,
                                 .left = r->left,
                                 .field = field,
                                 .section = r->section};
    if (r->left > 0 && warn != NULL) {
        warn(context, &trailing);
    }
}

bool cmrp_pdu_decode(cmrp_view bytes, uint64_t offset, cmrp_pdu *pdu, cmrp_warn *warn,
                     void *warn_context, cmrp_error *error) {
    cmrp_reader r;
    cmrp_reader body;
    memset(pdu, 0, sizeof *pdu);
    cmrp_reader_init(&r, bytes, offset, error, SECTION_HEADER);
    if (!take_header(&r, &pdu->header)) {
        return false;
    }
    if (pdu->header.frag_length > bytes.size) {
        r.left = bytes.size;
        return cmrp_fail(&r, CMRP_E_FRAG_LENGTH, "frag_length", offset + AT_FRAG_LENGTH,
                         pdu->header.frag_length);
    }
    r.section = section_of(pdu->header.ptype);
    if (!cmrp_take_child(&r, "body", pdu->header.frag_length - CMRP_PDU_HEADER_SIZE, &body) ||
        !take_auth(&body, offset, pdu) || !take_body(&body, offset, pdu)) {
        return false;
    }
    warn_rest(&body, "body", warn, warn_context);
    (void)cmrp_take_view(&body, "body", body.left, &pdu->trailing);
    r.section = SECTION_HEADER;
    warn_rest(&r, "pdu", warn, warn_context);
    return true;
}

// A reader over a list that a decode has validated; *cursor octets of it are behind.
static bool list_reader(cmrp_view list, size_t cursor, cmrp_error *ignored, cmrp_reader *r) {
    if (cursor >= list.size) {
        return false;
    }
    *ignored = (cmrp_error){0};
    const cmrp_view rest = {list.data + cursor, list.size - cursor};
    cmrp_reader_init(r, rest, cursor, ignored, SECTION_HEADER);
    return true;
}

bool cmrp_pdu_next_context(const cmrp_pdu *pdu, size_t *cursor, cmrp_pdu_context *context) {
    cmrp_error ignored;
    cmrp_reader r;
    if (!list_reader(pdu->list, *cursor, &ignored, &r) ||
        !take_context(&r, pdu->header.order, context)) {
        return false;
    }
    *cursor = (size_t)r.offset;
    return true;
}

bool cmrp_pdu_next_transfer(const cmrp_pdu_context *context, size_t *cursor,
                            cmrp_syntax_id *transfer) {
    cmrp_error ignored;
    cmrp_reader r;
    if (!list_reader(context->raw, *cursor, &ignored, &r) ||
        !cmrp_take_syntax_id(&r, "transfer_syntaxes", context->order, transfer)) {
        return false;
    }
    *cursor = (size_t)r.offset;
    return true;
}

bool cmrp_pdu_next_result(const cmrp_pdu *pdu, size_t *cursor, cmrp_pdu_result *result) {
    cmrp_error ignored;
    cmrp_reader r;
    if (!list_reader(pdu->list, *cursor, &ignored, &r) ||
        !take_result(&r, pdu->header.order, result)) {
        return false;
    }
    *cursor = (size_t)r.offset;
    return true;
}

// ---- encoding -----------------------------------------------------------------------------------

static cmrp_order order_of(const cmrp_pdu *pdu) {
    return pdu->header.drep[0] >> 4 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
}

static bool put_association(cmrp_writer *w, const cmrp_pdu *pdu) {
    const cmrp_order order = order_of(pdu);
    return cmrp_put_uint(w, "max_xmit_frag", 2, order, pdu->max_xmit_frag) &&
           cmrp_put_uint(w, "max_recv_frag", 2, order, pdu->max_recv_frag) &&
           cmrp_put_uint(w, "assoc_group_id", 4, order, pdu->assoc_group_id);
}

static bool put_list_head(cmrp_writer *w, const char *count_field, const cmrp_pdu *pdu) {
    return cmrp_put_uint(w, count_field, 1, CMRP_LITTLE_ENDIAN, pdu->list_count) &&
           cmrp_put_zero(w, "reserved", 3);
}

static bool put_bind(cmrp_writer *w, const cmrp_pdu *pdu) {
    const cmrp_order order = order_of(pdu);
    bool ok = put_association(w, pdu) && put_list_head(w, "n_context_elem", pdu);
    for (unsigned i = 0; ok && i < pdu->list_count; i++) {
        const cmrp_pdu_context *c = &pdu->contexts[i];
        ok = cmrp_put_uint(w, "p_cont_id", 2, order, c->id) &&
             cmrp_put_uint(w, "n_transfer_syn", 1, order, c->transfer_count) &&
             cmrp_put_zero(w, "reserved", 1) &&
             cmrp_put_syntax_id(w, "abstract_syntax", order, &c->abstract_syntax);
        for (unsigned t = 0; ok && t < c->transfer_count; t++) {
            ok = cmrp_put_syntax_id(w, "transfer_syntaxes", order, &c->transfers[t]);
        }
    }
    return ok;
}

static bool put_bind_ack(cmrp_writer *w, size_t base, const cmrp_pdu *pdu) {
    const cmrp_order order = order_of(pdu);
    const size_t length = pdu->sec_addr.size > 0 ? pdu->sec_addr.size + 1 : 0;
    if (length > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "sec_addr.length", length);
    }
    bool ok = put_association(w, pdu) && cmrp_put_uint(w, "sec_addr.length", 2, order, length) &&
              cmrp_put_view(w, "sec_addr.port_spec", pdu->sec_addr) &&
              cmrp_put_zero(w, "sec_addr.port_spec", length > 0 ? 1 : 0) &&
              cmrp_put_zero(w, "n_results", -(w->size - base) & 3) &&
              put_list_head(w, "n_results", pdu);
    for (unsigned i = 0; ok && i < pdu->list_count; i++) {
        const cmrp_pdu_result *result = &pdu->results[i];
        ok = cmrp_put_uint(w, "result", 2, order, result->result) &&
             cmrp_put_uint(w, "reason", 2, order, result->reason) &&
             cmrp_put_syntax_id(w, "transfer_syntax", order, &result->transfer);
    }
    return ok;
}

static bool put_call(cmrp_writer *w, const cmrp_pdu *pdu) {
    const cmrp_order order = order_of(pdu);
    if (!cmrp_put_uint(w, "alloc_hint", 4, order, pdu->alloc_hint) ||
        !cmrp_put_uint(w, "p_cont_id", 2, order, pdu->context_id)) {
        return false;
    }
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        return cmrp_put_uint(w, "opnum", 2, order, pdu->opnum) &&
               (!pdu->has_object || cmrp_put_uuid(w, "object", order, &pdu->object)) &&
               cmrp_put_view(w, "stub", pdu->stub);
    }
    if (!cmrp_put_uint(w, "cancel_count", 1, order, pdu->cancel_count) ||
        !cmrp_put_uint(w, "reserved", 1, order, pdu->reserved)) {
        return false;
    }
    if (pdu->header.ptype == CMRP_PTYPE_FAULT &&
        (!cmrp_put_uint(w, "status", 4, order, pdu->status) ||
         !cmrp_put_view(w, "reserved2", (cmrp_view){pdu->reserved2, sizeof pdu->reserved2}))) {
        return false;
    }
    return cmrp_put_view(w, "stub", pdu->stub);
}

static bool put_body(cmrp_writer *w, size_t base, const cmrp_pdu *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT: return put_call(w, pdu);
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: return put_bind(w, pdu);
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return put_bind_ack(w, base, pdu);
    case CMRP_PTYPE_BIND_NAK:
        return cmrp_put_uint(w, "provider_reject_reason", 2, order_of(pdu), pdu->nak_reason) &&
               cmrp_put_uint(w, "n_protocols", 1, CMRP_LITTLE_ENDIAN, pdu->list_count) &&
               cmrp_put_view(w, "p_protocols", pdu->list) &&
               cmrp_put_view(w, "extension", pdu->extension);
    case CMRP_PTYPE_AUTH3:
        return cmrp_put_view(w, "pad", (cmrp_view){pdu->auth3_pad, sizeof pdu->auth3_pad});
    default: return true;
    }
}

static bool put_auth(cmrp_writer *w, const cmrp_pdu *pdu) {
    if (!pdu->has_auth) {
        return true;
    }
    if (pdu->auth_padding.size > UINT8_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "auth_pad_length", pdu->auth_padding.size);
    }
    const cmrp_order order = order_of(pdu);
    return cmrp_put_view(w, "auth_padding", pdu->auth_padding) &&
           cmrp_put_uint(w, "auth_type", 1, order, pdu->auth_type) &&
           cmrp_put_uint(w, "auth_level", 1, order, pdu->auth_level) &&
           cmrp_put_uint(w, "auth_pad_length", 1, order, pdu->auth_padding.size) &&
           cmrp_put_uint(w, "auth_reserved", 1, order, pdu->auth_reserved) &&
           cmrp_put_uint(w, "auth_context_id", 4, order, pdu->auth_context_id) &&
           cmrp_put_view(w, "auth_value", pdu->auth_token);
}

bool cmrp_pdu_encode(const cmrp_pdu *pdu, cmrp_writer *w) {
    const size_t base = w->size;
    const cmrp_order order = order_of(pdu);
    const size_t auth_length = pdu->has_auth ? pdu->auth_token.size : 0;
    cmrp_reservation frag_length;
    w->section = section_of(pdu->header.ptype);
    if (pdu->has_auth && auth_length == 0) { // readers would take the sec_trailer for stub data
        return cmrp_write_fail(w, CMRP_E_MISSING, "auth_value", 0);
    }
    if (auth_length > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "auth_length", auth_length);
    }
    if (!cmrp_put_uint(w, "rpc_vers", 1, order, 5) ||
        !cmrp_put_uint(w, "rpc_vers_minor", 1, order, pdu->header.minor) ||
        !cmrp_put_uint(w, "PTYPE", 1, order, pdu->header.ptype) ||
        !cmrp_put_uint(w, "pfc_flags", 1, order, pdu->header.flags) ||
        !cmrp_put_view(w, "packed_drep", (cmrp_view){pdu->header.drep, sizeof pdu->header.drep}) ||
        !cmrp_reserve(w, "frag_length", 2, &frag_length) ||
        !cmrp_put_uint(w, "auth_length", 2, order, auth_length) ||
        !cmrp_put_uint(w, "call_id", 4, order, pdu->header.call_id) || !put_body(w, base, pdu) ||
        !cmrp_put_view(w, "trailing", pdu->trailing) || !put_auth(w, pdu)) {
        return false;
    }
    const size_t size = w->size - base;
    if (size > CMRP_PDU_MAXIMUM) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "frag_length", size);
    }
    cmrp_fill(w, frag_length, order, size);
    return true;
}
