// SPDX-License-Identifier: Apache-2.0
#include "cmrp/pdu_cl.h"

#define SECTION_HEADER      "C706 12.5.2"
#define SECTION_SEC_TRAILER "MS-RPCE 2.2.3.4"

enum {
    SELACK_SIZE = 4,
    AUTH_ALIGNMENT = 8,
    AT_PTYPE = 1,
    AT_DREP = 4,
    AT_LEN = 74,
};

// ---- names --------------------------------------------------------------------------------------

static const struct {
    uint8_t ptype;
    const char *name;
    const char *section;
} ptypes[] = {
#define CMRP_PTYPE_ROW(name, number, id, section) {number, id, section},
    CMRP_PTYPES_CL(CMRP_PTYPE_ROW)
#undef CMRP_PTYPE_ROW
};

enum { PTYPES = sizeof ptypes / sizeof ptypes[0] };

const char *cmrp_ptype_cl_name(unsigned ptype) {
    return ptype < PTYPES ? ptypes[ptype].name : NULL;
}

bool cmrp_ptype_cl_named(const char *name, uint8_t *ptype) {
    for (size_t i = 0; i < PTYPES; i++) {
        if (strcmp(ptypes[i].name, name) == 0) {
            *ptype = ptypes[i].ptype;
            return true;
        }
    }
    return false;
}

static const char *section_of(unsigned ptype) {
    return ptype < PTYPES ? ptypes[ptype].section : SECTION_HEADER;
}

const char *cmrp_pf_name(unsigned bit) {
    switch (bit) {
    case 0x01: return "reserved_01";
    case CMRP_PF_LASTFRAG: return "lastfrag";
    case CMRP_PF_FRAG: return "frag";
    case CMRP_PF_NOFACK: return "nofack";
    case CMRP_PF_MAYBE: return "maybe";
    case CMRP_PF_IDEMPOTENT: return "idempotent";
    case CMRP_PF_BROADCAST: return "broadcast";
    case 0x80: return "reserved_80";
    default: return NULL;
    }
}

const char *cmrp_pf2_name(unsigned bit) {
    switch (bit) {
    case 0x01: return "reserved_01";
    case CMRP_PF2_CANCEL_PENDING: return "cancel_pending";
    case CMRP_PF2_UNRELATED: return "PF2_UNRELATED";
    case 0x08: return "reserved_08";
    case 0x10: return "reserved_10";
    case 0x20: return "reserved_20";
    case 0x40: return "reserved_40";
    case 0x80: return "reserved_80";
    default: return NULL;
    }
}

// ---- decoding -----------------------------------------------------------------------------------

static bool take_start(cmrp_reader *r, cmrp_pdu_cl_header *h) {
    const uint64_t base = r->offset;
    uint8_t version;
    const uint8_t *drep;
    if (!cmrp_take_u8(r, "rpc_vers", &version)) {
        return false;
    }
    if (version != 4) {
        return cmrp_fail(r, CMRP_E_RPC_VERSION_CL, "rpc_vers", base, version);
    }
    if (!cmrp_take_u8(r, "ptype", &h->ptype)) {
        return false;
    }
    if (h->ptype >= PTYPES) {
        return cmrp_fail(r, CMRP_E_PTYPE_CL, "ptype", base + AT_PTYPE, h->ptype);
    }
    if (!cmrp_take_u8(r, "flags1", &h->flags1) || !cmrp_take_u8(r, "flags2", &h->flags2) ||
        !cmrp_take(r, "drep", sizeof h->drep, &drep)) {
        return false;
    }
    memcpy(h->drep, drep, sizeof h->drep);
    if (h->drep[0] >> 4 > 1) {
        return cmrp_fail(r, CMRP_E_DREP, "drep", base + AT_DREP, h->drep[0]);
    }
    h->order = h->drep[0] >> 4 == 1 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    return true;
}

// The version of the interface: its major half is the less significant one.
static bool take_if_vers(cmrp_reader *r, cmrp_pdu_cl_header *h) {
    uint32_t version;
    if (!cmrp_take_u32(r, "if_vers", h->order, &version)) {
        return false;
    }
    h->if_vers = (uint16_t)version;
    h->if_vers_minor = (uint16_t)(version >> 16);
    return true;
}

static bool take_header(cmrp_reader *r, cmrp_pdu_cl_header *h) {
    uint8_t serial_hi;
    uint8_t serial_lo;
    if (!take_start(r, h)) {
        return false;
    }
    const cmrp_order order = h->order;
    if (!cmrp_take_u8(r, "serial_hi", &serial_hi) ||
        !cmrp_take_uuid(r, "object", order, &h->object) ||
        !cmrp_take_uuid(r, "if_id", order, &h->if_id) ||
        !cmrp_take_uuid(r, "act_id", order, &h->act_id) ||
        !cmrp_take_u32(r, "server_boot", order, &h->server_boot) || !take_if_vers(r, h) ||
        !cmrp_take_u32(r, "seqnum", order, &h->seqnum) ||
        !cmrp_take_u16(r, "opnum", order, &h->opnum) ||
        !cmrp_take_u16(r, "ihint", order, &h->ihint) ||
        !cmrp_take_u16(r, "ahint", order, &h->ahint) || !cmrp_take_u16(r, "len", order, &h->len) ||
        !cmrp_take_u16(r, "fragnum", order, &h->fragnum) ||
        !cmrp_take_u8(r, "auth_proto", &h->auth_proto) ||
        !cmrp_take_u8(r, "serial_lo", &serial_lo)) {
        return false;
    }
    h->serial = (uint16_t)(serial_hi << 8 | serial_lo);
    return true;
}

bool cmrp_pdu_cl_peek(cmrp_view datagram, uint64_t offset, cmrp_pdu_cl_header *header,
                      cmrp_error *error) {
    cmrp_reader r;
    cmrp_reader_init(&r, datagram, offset, error, SECTION_HEADER);
    memset(header, 0, sizeof *header);
    return take_header(&r, header);
}

static bool take_fack(cmrp_reader *r, cmrp_pdu_cl *pdu) {
    const cmrp_order order = pdu->header.order;
    uint8_t vers;
    cmrp_view mask;
    if (!cmrp_take_u8(r, "vers", &vers)) {
        return false;
    }
    pdu->vers = vers;
    if (vers > CMRP_CL_FACK_VERS_MAX) {
        return true;
    }
    if (!cmrp_take_u8(r, "pad", &pdu->pad) ||
        !cmrp_take_u16(r, "window_size", order, &pdu->window_size) ||
        !cmrp_take_u32(r, "max_tsdu", order, &pdu->max_tsdu) ||
        !cmrp_take_u32(r, "max_frag_size", order, &pdu->max_frag_size) ||
        !cmrp_take_u16(r, "serial_num", order, &pdu->serial_num) ||
        !cmrp_take_u16(r, "selack_len", order, &pdu->selack_len)) {
        return false;
    }
    pdu->selack = (cmrp_view){r->at, (size_t)pdu->selack_len * SELACK_SIZE};
    for (unsigned i = 0; i < pdu->selack_len; i++) {
        if (!cmrp_take_view(r, "selack", SELACK_SIZE, &mask)) {
            pdu->selack = (cmrp_view){NULL, 0};
            return false;
        }
    }
    return true;
}

static bool take_cancel(cmrp_reader *r, cmrp_pdu_cl *pdu) {
    const cmrp_order order = pdu->header.order;
    if (!cmrp_take_u32(r, "vers", order, &pdu->vers)) {
        return false;
    }
    return pdu->vers > CMRP_CL_CANCEL_VERS_MAX ||
           (cmrp_take_u32(r, "cancel_id", order, &pdu->cancel_id) &&
            (pdu->header.ptype != CMRP_PTYPE_CL_CANCEL_ACK ||
             cmrp_take_u8(r, "server_is_accepting", &pdu->server_is_accepting)));
}

static bool take_body(cmrp_reader *r, cmrp_pdu_cl *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: return cmrp_take_view(r, "stub", r->left, &pdu->stub);
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: return cmrp_take_u32(r, "status", pdu->header.order, &pdu->status);
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL:
        pdu->has_body = r->left > 0;
        return !pdu->has_body || take_fack(r, pdu);
    case CMRP_PTYPE_CL_CANCEL_ACK:
        pdu->has_body = r->left > 0;
        return !pdu->has_body || take_cancel(r, pdu);
    case CMRP_PTYPE_CL_CL_CANCEL: pdu->has_body = true; return take_cancel(r, pdu);
    default: return true;
    }
}

// What is left of a reader is a warning, and a view of its own.
static cmrp_view take_rest(cmrp_reader *r, const char *field, cmrp_warn *warn, void *context) {
    const cmrp_error trailing = {.code = CMRP_E_TRAILING,
                                 .offset = r->offset,
                                 .left = r->left,
                                 .field = field,
                                 .section = r->section};
    cmrp_view rest = {NULL, 0};
    if (r->left > 0) {
        (void)cmrp_take_view(r, field, r->left, &rest);
        if (warn != NULL) {
            warn(context, &trailing);
        }
    }
    return rest;
}

static size_t auth_gap(size_t body) {
    return -body & (AUTH_ALIGNMENT - 1);
}

// The trailer behind the body. Its token has no length: it ends with the datagram.
static bool take_auth(cmrp_reader *r, cmrp_pdu_cl *pdu) {
    const uint8_t *pad;
    r->section = SECTION_SEC_TRAILER;
    const size_t gap = auth_gap(pdu->header.len);
    if (gap > r->left) { // the field behind the gap is what is missing
        return cmrp_fail(r, CMRP_E_TRUNCATED, "auth_level", r->offset + gap, 0);
    }
    if (!cmrp_take_view(r, "auth_padding", gap, &pdu->auth_padding) ||
        !cmrp_take_u8(r, "auth_level", &pdu->auth_level) ||
        !cmrp_take_u8(r, "key_vers_num", &pdu->key_vers_num) ||
        !cmrp_take(r, "auth_pad", sizeof pdu->auth_pad, &pad)) {
        return false;
    }
    memcpy(pdu->auth_pad, pad, sizeof pdu->auth_pad);
    pdu->has_auth = true;
    return cmrp_take_view(r, "auth_value", r->left, &pdu->auth_token);
}

bool cmrp_pdu_cl_decode(cmrp_view datagram, uint64_t offset, cmrp_pdu_cl *pdu, cmrp_warn *warn,
                        void *warn_context, cmrp_error *error) {
    cmrp_reader r;
    cmrp_reader body;
    memset(pdu, 0, sizeof *pdu);
    cmrp_reader_init(&r, datagram, offset, error, SECTION_HEADER);
    if (!take_header(&r, &pdu->header)) {
        return false;
    }
    if (pdu->header.len > r.left) {
        return cmrp_fail(&r, CMRP_E_FRAG_LENGTH, "len", offset + AT_LEN, pdu->header.len);
    }
    r.section = section_of(pdu->header.ptype);
    if (!cmrp_take_child(&r, "body", pdu->header.len, &body) || !take_body(&body, pdu)) {
        return false;
    }
    pdu->trailing = take_rest(&body, "body", warn, warn_context);
    if (pdu->header.auth_proto != 0 && r.left > 0) {
        return take_auth(&r, pdu);
    }
    r.section = SECTION_HEADER;
    (void)take_rest(&r, "pdu", warn, warn_context);
    return true;
}

uint32_t cmrp_pdu_cl_selack(const cmrp_pdu_cl *pdu, size_t n) {
    return cmrp_load_u32(pdu->selack.data + n * SELACK_SIZE, pdu->header.order);
}

// ---- encoding -----------------------------------------------------------------------------------

static cmrp_order order_of(const cmrp_pdu_cl *pdu) {
    return pdu->header.drep[0] >> 4 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
}

// A body's version of one octet, or of four.
static bool put_vers(cmrp_writer *w, size_t width, const cmrp_pdu_cl *pdu) {
    if (width == 1 && pdu->vers > UINT8_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "vers", pdu->vers);
    }
    return cmrp_put_uint(w, "vers", width, order_of(pdu), pdu->vers);
}

static bool put_fack(cmrp_writer *w, const cmrp_pdu_cl *pdu) {
    const cmrp_order order = order_of(pdu);
    if (!pdu->has_body) {
        return true;
    }
    if (!put_vers(w, 1, pdu)) {
        return false;
    }
    if (pdu->vers > CMRP_CL_FACK_VERS_MAX) {
        return true;
    }
    bool ok = cmrp_put_uint(w, "pad", 1, order, pdu->pad) &&
              cmrp_put_uint(w, "window_size", 2, order, pdu->window_size) &&
              cmrp_put_uint(w, "max_tsdu", 4, order, pdu->max_tsdu) &&
              cmrp_put_uint(w, "max_frag_size", 4, order, pdu->max_frag_size) &&
              cmrp_put_uint(w, "serial_num", 2, order, pdu->serial_num) &&
              cmrp_put_uint(w, "selack_len", 2, order, pdu->selack_len);
    for (unsigned i = 0; ok && i < pdu->selack_len; i++) {
        ok = cmrp_put_uint(w, "selack", SELACK_SIZE, order, pdu->masks[i]);
    }
    return ok;
}

static bool put_cancel(cmrp_writer *w, const cmrp_pdu_cl *pdu) {
    const cmrp_order order = order_of(pdu);
    const bool ack = pdu->header.ptype == CMRP_PTYPE_CL_CANCEL_ACK;
    if (ack && !pdu->has_body) {
        return true;
    }
    return put_vers(w, 4, pdu) && (pdu->vers > CMRP_CL_CANCEL_VERS_MAX ||
                                   (cmrp_put_uint(w, "cancel_id", 4, order, pdu->cancel_id) &&
                                    (!ack || cmrp_put_uint(w, "server_is_accepting", 1, order,
                                                           pdu->server_is_accepting))));
}

static bool put_body(cmrp_writer *w, const cmrp_pdu_cl *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: return cmrp_put_view(w, "stub", pdu->stub);
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: return cmrp_put_uint(w, "status", 4, order_of(pdu), pdu->status);
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL: return put_fack(w, pdu);
    case CMRP_PTYPE_CL_CL_CANCEL:
    case CMRP_PTYPE_CL_CANCEL_ACK: return put_cancel(w, pdu);
    default: return true;
    }
}

static bool put_header(cmrp_writer *w, const cmrp_pdu_cl_header *h, cmrp_order order,
                       cmrp_reservation *len) {
    const uint32_t version = (uint32_t)h->if_vers_minor << 16 | h->if_vers;
    return cmrp_put_uint(w, "rpc_vers", 1, order, 4) &&
           cmrp_put_uint(w, "ptype", 1, order, h->ptype) &&
           cmrp_put_uint(w, "flags1", 1, order, h->flags1) &&
           cmrp_put_uint(w, "flags2", 1, order, h->flags2) &&
           cmrp_put_view(w, "drep", (cmrp_view){h->drep, sizeof h->drep}) &&
           cmrp_put_uint(w, "serial_hi", 1, order, h->serial >> 8) &&
           cmrp_put_uuid(w, "object", order, &h->object) &&
           cmrp_put_uuid(w, "if_id", order, &h->if_id) &&
           cmrp_put_uuid(w, "act_id", order, &h->act_id) &&
           cmrp_put_uint(w, "server_boot", 4, order, h->server_boot) &&
           cmrp_put_uint(w, "if_vers", 4, order, version) &&
           cmrp_put_uint(w, "seqnum", 4, order, h->seqnum) &&
           cmrp_put_uint(w, "opnum", 2, order, h->opnum) &&
           cmrp_put_uint(w, "ihint", 2, order, h->ihint) &&
           cmrp_put_uint(w, "ahint", 2, order, h->ahint) && cmrp_reserve(w, "len", 2, len) &&
           cmrp_put_uint(w, "fragnum", 2, order, h->fragnum) &&
           cmrp_put_uint(w, "auth_proto", 1, order, h->auth_proto) &&
           cmrp_put_uint(w, "serial_lo", 1, order, h->serial & 0xff);
}

static bool put_auth(cmrp_writer *w, size_t body, const cmrp_pdu_cl *pdu) {
    const cmrp_order order = order_of(pdu);
    if (!pdu->has_auth) {
        return true;
    }
    if (pdu->auth_padding.size != auth_gap(body)) {
        return cmrp_write_fail(w, CMRP_E_AUTH_LENGTH, "auth_padding", pdu->auth_padding.size);
    }
    return cmrp_put_view(w, "auth_padding", pdu->auth_padding) &&
           cmrp_put_uint(w, "auth_level", 1, order, pdu->auth_level) &&
           cmrp_put_uint(w, "key_vers_num", 1, order, pdu->key_vers_num) &&
           cmrp_put_view(w, "auth_pad", (cmrp_view){pdu->auth_pad, sizeof pdu->auth_pad}) &&
           cmrp_put_view(w, "auth_value", pdu->auth_token);
}

bool cmrp_pdu_cl_encode(const cmrp_pdu_cl *pdu, cmrp_writer *w) {
    const size_t base = w->size;
    const cmrp_order order = order_of(pdu);
    cmrp_reservation len;
    w->section = section_of(pdu->header.ptype);
    if (pdu->has_auth && pdu->header.auth_proto == 0) { // readers would take it for a rest
        return cmrp_write_fail(w, CMRP_E_MISSING, "auth_proto", 0);
    }
    if (!put_header(w, &pdu->header, order, &len) || !put_body(w, pdu) ||
        !cmrp_put_view(w, "trailing", pdu->trailing)) {
        return false;
    }
    const size_t body = w->size - base - CMRP_PDU_CL_HEADER_SIZE;
    if (body > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "len", body);
    }
    cmrp_fill(w, len, order, body);
    return put_auth(w, body, pdu);
}
