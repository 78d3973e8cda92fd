// SPDX-License-Identifier: Apache-2.0
#include "pdu_cl_shapes.h"

const cl_kind cl_kinds[CL_KINDS] = {
    {0, "request", "C706 12.5.3.9"},     {1, "ping", "C706 12.5.3.7"},
    {2, "response", "C706 12.5.3.10"},   {3, "fault", "C706 12.5.3.5"},
    {4, "working", "C706 12.5.3.11"},    {5, "nocall", "C706 12.5.3.6"},
    {6, "reject", "C706 12.5.3.8"},      {7, "ack", "C706 12.5.3.1"},
    {8, "cl_cancel", "C706 12.5.3.3"},   {9, "fack", "C706 12.5.3.4"},
    {10, "cancel_ack", "C706 12.5.3.2"},
};

const uint8_t cl_uuids[3][16] = {
    {0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {0xb9, 0x7d, 0xb8, 0xb2, 0x4c, 0x63, 0x11, 0xcf, 0xbf, 0xf6, 8, 0, 0x2b, 0xe2, 0x3f, 0x2f},
    {0x30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};

static void add_uuid(built *b, const char *path, const uint8_t uuid[16]) {
    static const uint8_t little[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t octets[16];
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = uuid[b->order == CMRP_LITTLE_ENDIAN ? little[i] : i];
    }
    add_octets(b, path, octets, sizeof octets, CMRP_E_TRUNCATED, b->size);
}

static void add_header(built *b, uint8_t ptype, uint8_t auth_proto) {
    add_uint(b, "rpc_vers", 1, 4);
    add_uint(b, "ptype", 1, ptype);
    add_uint(b, "flags1", 1, 0x2c);
    add_uint(b, "flags2", 1, 0x04);
    add_octets(b, "drep", b->order == CMRP_LITTLE_ENDIAN ? "\x10\0\x7f" : "\0\0\x7f", 3,
               CMRP_E_TRUNCATED, 4);
    add_uint(b, "serial_hi", 1, 0xa1);
    add_uuid(b, "object", cl_uuids[0]);
    add_uuid(b, "if_id", cl_uuids[1]);
    add_uuid(b, "act_id", cl_uuids[2]);
    add_uint(b, "server_boot", 4, 0x5f000001);
    add_uint(b, "if_vers", 4, 0x00070002);
    add_uint(b, "seqnum", 4, 0x01020304);
    add_uint(b, "opnum", 2, 0x0105);
    add_uint(b, "ihint", 2, 0x0106);
    add_uint(b, "ahint", 2, 0x0107);
    add_uint(b, "len", 2, 0);
    add_uint(b, "fragnum", 2, 0x0108);
    add_uint(b, "auth_proto", 1, auth_proto);
    add_uint(b, "serial_lo", 1, 0xb2);
}

static void add_fack(built *b) {
    add_uint(b, "vers", 1, 1);
    add_uint(b, "pad", 1, 9);
    add_uint(b, "window_size", 2, 0x0201);
    add_uint(b, "max_tsdu", 4, 0x11223344);
    add_uint(b, "max_frag_size", 4, 0x55667788);
    add_uint(b, "serial_num", 2, 0xa1b1);
    add_uint(b, "selack_len", 2, CL_MASKS);
    add_uint(b, "selack", 4, 0x80000001);
    add_uint(b, "selack", 4, 0x01020304);
}

static void add_body(built *b, uint8_t ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: add_uint(b, "status", 4, 0x1c010002); break;
    case CMRP_PTYPE_CL_NOCALL:
    case CMRP_PTYPE_CL_FACK: add_fack(b); break;
    case CMRP_PTYPE_CL_CL_CANCEL:
    case CMRP_PTYPE_CL_CANCEL_ACK:
        add_uint(b, "vers", 4, 0);
        add_uint(b, "cancel_id", 4, 0x0a0b0c0d);
        if (ptype == CMRP_PTYPE_CL_CANCEL_ACK) {
            add_uint(b, "server_is_accepting", 1, 1);
        }
        break;
    default: break;
    }
}

void patch_cl_len(built *b, size_t len) {
    const bool little = b->order == CMRP_LITTLE_ENDIAN;
    b->octets[74] = (uint8_t)(little ? len : len >> 8);
    b->octets[75] = (uint8_t)(little ? len >> 8 : len);
}

uint8_t cl_ptype_of(unsigned variant) {
    return cl_kinds[variant / 4].ptype;
}

bool cl_has_auth(unsigned variant) {
    return variant / 2 % 2 != 0;
}

// Header and body, without stub data and authentication; len is 0.
void build_cl_fields(built *b, unsigned variant) {
    built_init(b, variant % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN, CMRP_NDR20);
    add_header(b, cl_ptype_of(variant), cl_has_auth(variant) ? 10 : 0);
    add_body(b, cl_ptype_of(variant));
}

// A cut inside the body is shorter than len says; one behind it may be a whole by itself.
void build_cl_variant(built *b, unsigned variant) {
    build_cl_fields(b, variant);
    if (cl_ptype_of(variant) == CMRP_PTYPE_CL_REQUEST ||
        cl_ptype_of(variant) == CMRP_PTYPE_CL_RESPONSE) {
        add_octets(b, "stub", "stub data", 9, CMRP_E_FRAG_LENGTH, 74);
    }
    const size_t len = b->size - 80;
    patch_cl_len(b, len);
    for (size_t i = 0; i < b->cut_count; i++) {
        if (b->cuts[i].end > 80) {
            b->cuts[i] = (cut){b->cuts[i].end, CMRP_E_FRAG_LENGTH, 74, "len"};
        }
    }
    if (!cl_has_auth(variant)) {
        return;
    }
    const size_t gap = -len & 7;
    add_boundary(b, CMRP_OK, ""); // the body alone
    add_octets(b, "auth_level", "\xbb\xbb\xbb\xbb\xbb\xbb\xbb", gap, CMRP_E_TRUNCATED,
               b->size + gap);
    add_uint(b, "auth_level", 1, 5);
    add_uint(b, "key_vers_num", 1, 0xee);
    add_octets(b, "auth_pad", "\xcc\xdd", 2, CMRP_E_TRUNCATED, b->size);
    add_octets(b, "auth_value", "token", 5, CMRP_OK, 0);
}

void list_cl_again(rebuilt_cl *r) {
    for (size_t i = 0; i < r->pdu.selack_len; i++) {
        r->masks[i] = cmrp_pdu_cl_selack(&r->pdu, i);
    }
    r->pdu.masks = r->masks;
}

bool decode_pdu_cl(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_pdu_cl_decode(input, offset, context, NULL, NULL, error);
}

bool encode_pdu_cl(void *context, cmrp_writer *w) {
    const rebuilt_cl *r = context;
    return cmrp_pdu_cl_encode(&r->pdu, w);
}

void decode_cl_variant(built *b, unsigned variant, cmrp_pdu_cl *pdu) {
    cmrp_error error = {0};
    build_cl_variant(b, variant);
    assert_true(cmrp_pdu_cl_decode(built_view(b), BASE, pdu, NULL, NULL, &error));
}
