// SPDX-License-Identifier: Apache-2.0
#include "pdu_shapes.h"

const pdu_kind pdu_kinds[PTYPES] = {
    {0, "request", "C706 12.6.4.9", 8},         {2, "response", "C706 12.6.4.10", 8},
    {3, "fault", "C706 12.6.4.7", 16},          {11, "bind", "C706 12.6.4.3", 12},
    {12, "bind_ack", "C706 12.6.4.4", 10},      {13, "bind_nak", "C706 12.6.4.5", 3},
    {14, "alter_context", "C706 12.6.4.1", 12}, {15, "alter_context_resp", "C706 12.6.4.2", 10},
    {16, "auth3", "MS-RPCE 2.2.2.10", 4},       {17, "shutdown", "C706 12.6.4.11", 0},
    {18, "co_cancel", "C706 12.6.4.6", 0},      {19, "orphaned", "C706 12.6.4.8", 0},
};

// The common header; frag_length and auth_length are set by built_finish.
static void built_pdu(built *b, cmrp_order order, uint8_t ptype, uint8_t flags) {
    built_init(b, order, CMRP_NDR20);
    add_uint(b, "rpc_vers", 1, 5);
    add_uint(b, "rpc_vers_minor", 1, 0);
    add_uint(b, "PTYPE", 1, ptype);
    add_uint(b, "pfc_flags", 1, flags);
    add_octets(b, "packed_drep", order == CMRP_LITTLE_ENDIAN ? "\x10\0\0\0" : "\0\0\0\0", 4,
               CMRP_E_TRUNCATED, 4);
    add_uint(b, "frag_length", 2, 0);
    add_uint(b, "auth_length", 2, 0);
    add_uint(b, "call_id", 4, 0x01020304);
}

void patch_u16(built *b, size_t at, size_t value) {
    const bool little = b->order == CMRP_LITTLE_ENDIAN;
    b->octets[at] = (uint8_t)(little ? value : value >> 8);
    b->octets[at + 1] = (uint8_t)(little ? value >> 8 : value);
}

// Sets frag_length. Input that ends behind the header is shorter than frag_length says.
static void built_finish(built *b) {
    patch_u16(b, 8, b->size);
    for (size_t i = 0; i < b->cut_count; i++) {
        if (b->cuts[i].end > 16) {
            b->cuts[i] = (cut){b->cuts[i].end, CMRP_E_FRAG_LENGTH, 8, "frag_length"};
        }
    }
}

static void add_auth(built *b, size_t pad, const char *token) {
    add_octets(b, "auth_padding", "\xbb\xbb\xbb\xbb\xbb\xbb\xbb\xbb", pad, CMRP_OK, 0);
    add_uint(b, "auth_type", 1, 9);
    add_uint(b, "auth_level", 1, 6);
    add_uint(b, "auth_pad_length", 1, pad);
    add_uint(b, "auth_reserved", 1, 0);
    add_uint(b, "auth_context_id", 4, 0x00013579);
    add_octets(b, "auth_value", token, strlen(token), CMRP_OK, 0);
    patch_u16(b, 10, strlen(token));
}

// A UUID, then a version unless it is 0.
static void add_syntax(built *b, const char *path, const cmrp_uuid *uuid, uint32_t version) {
    static const uint8_t little[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t octets[CMRP_UUID_SIZE];
    for (size_t i = 0; i < CMRP_UUID_SIZE; i++) {
        octets[i] = uuid->octets[b->order == CMRP_LITTLE_ENDIAN ? little[i] : i];
    }
    add_octets(b, path, octets, CMRP_UUID_SIZE, CMRP_E_TRUNCATED, b->size);
    if (version != 0) {
        add_uint(b, path, 4, version);
    }
}

static void add_bind_body(built *b) {
    add_uint(b, "max_xmit_frag", 2, 5840);
    add_uint(b, "max_recv_frag", 2, 4280);
    add_uint(b, "assoc_group_id", 4, 0x12345);
    add_uint(b, "n_context_elem", 1, CONTEXTS);
    add_uint(b, "reserved", 1, 0);
    add_uint(b, "reserved2", 2, 0);
    add_uint(b, "p_cont_id", 2, 7);
    add_uint(b, "n_transfer_syn", 1, 2);
    add_uint(b, "reserved", 1, 0);
    add_syntax(b, "abstract_syntax", &cmrp_uuid_clusapi, 3);
    add_syntax(b, "transfer_syntaxes", &cmrp_uuid_ndr20, 2);
    add_syntax(b, "transfer_syntaxes", &cmrp_uuid_ndr64, 1);
    add_uint(b, "p_cont_id", 2, 8);
    add_uint(b, "n_transfer_syn", 1, 1);
    add_uint(b, "reserved", 1, 0);
    add_syntax(b, "abstract_syntax", &cmrp_uuid_clusapi, 0x00010003);
    add_syntax(b, "transfer_syntaxes", &cmrp_uuid_bind_time, 1);
}

static void add_bind_ack_body(built *b, const char *port) {
    const size_t length = *port != '\0' ? strlen(port) + 1 : 0;
    add_uint(b, "max_xmit_frag", 2, 5840);
    add_uint(b, "max_recv_frag", 2, 4280);
    add_uint(b, "assoc_group_id", 4, 0x12345);
    add_uint(b, "sec_addr.length", 2, length);
    add_octets(b, "sec_addr.port_spec", port, length, CMRP_E_TRUNCATED, b->size);
    ndr_align(b, "n_results", 4);
    add_uint(b, "n_results", 1, CONTEXTS);
    add_uint(b, "reserved", 1, 0);
    add_uint(b, "reserved2", 2, 0);
    add_uint(b, "result", 2, CMRP_RESULT_ACCEPTANCE);
    add_uint(b, "reason", 2, 0);
    add_syntax(b, "transfer_syntax", &cmrp_uuid_ndr64, 1);
    add_uint(b, "result", 2, CMRP_RESULT_NEGOTIATE_ACK);
    add_uint(b, "reason", 2, 3);
    add_octets(b, "transfer_syntax", (const uint8_t[16]){0}, 16, CMRP_E_TRUNCATED, b->size);
    add_uint(b, "transfer_syntax", 4, 0);
}

static void add_body(built *b, uint8_t ptype, bool object) {
    switch (ptype) {
    case CMRP_PTYPE_REQUEST:
        add_uint(b, "alloc_hint", 4, 0x11223344);
        add_uint(b, "p_cont_id", 2, 1);
        add_uint(b, "opnum", 2, 59);
        if (object) {
            add_syntax(b, "object", &cmrp_uuid_ndr64, 0);
        }
        break;
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT:
        add_uint(b, "alloc_hint", 4, 0x11223344);
        add_uint(b, "p_cont_id", 2, 1);
        add_uint(b, "cancel_count", 1, 2);
        add_uint(b, "reserved", 1, 1);
        if (ptype == CMRP_PTYPE_FAULT) {
            add_uint(b, "status", 4, 0x1c010002);
            add_octets(b, "reserved2", "\1\2\3\4", 4, CMRP_E_TRUNCATED, b->size);
        }
        break;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: add_bind_body(b); break;
    case CMRP_PTYPE_BIND_ACK: add_bind_ack_body(b, "49664"); break;
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: add_bind_ack_body(b, ""); break;
    case CMRP_PTYPE_BIND_NAK:
        add_uint(b, "provider_reject_reason", 2, 4);
        add_uint(b, "n_protocols", 1, 2);
        add_uint(b, "p_protocols.major", 1, 5);
        add_uint(b, "p_protocols.minor", 1, 0);
        add_uint(b, "p_protocols.major", 1, 5);
        add_uint(b, "p_protocols.minor", 1, 1);
        break;
    case CMRP_PTYPE_AUTH3: add_octets(b, "pad", "pads", 4, CMRP_E_TRUNCATED, b->size); break;
    default: break;
    }
}

static bool has_stub(uint8_t ptype) {
    return ptype == CMRP_PTYPE_REQUEST || ptype == CMRP_PTYPE_RESPONSE || ptype == CMRP_PTYPE_FAULT;
}

const pdu_kind *kind_of(unsigned variant) {
    return &pdu_kinds[variant / 8];
}

bool has_auth(unsigned variant) {
    return variant / 2 % 2 != 0;
}

bool has_object(unsigned variant) {
    return variant / 4 % 2 != 0 && kind_of(variant)->ptype == CMRP_PTYPE_REQUEST;
}

void build_body(built *b, unsigned variant) {
    const uint8_t ptype = kind_of(variant)->ptype;
    const cmrp_order order = variant % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    built_pdu(b, order, ptype, has_object(variant) ? 0x83 : 0x03);
    add_body(b, ptype, has_object(variant));
}

void build_variant(built *b, unsigned variant) {
    const uint8_t ptype = kind_of(variant)->ptype;
    build_body(b, variant);
    if (has_stub(ptype)) {
        add_octets(b, "stub", "stub data", 9, CMRP_OK, 0);
    } else if (ptype == CMRP_PTYPE_BIND_NAK) {
        add_octets(b, "extension", "extended", 8, CMRP_OK, 0);
    }
    if (has_auth(variant)) {
        add_auth(b, has_stub(ptype) ? 7 : 0, "token");
    }
    built_finish(b);
}

bool decode_pdu(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_pdu_decode(input, offset, context, NULL, NULL, error);
}

// ---- encoding what was decoded ------------------------------------------------------------------

void list_again(rebuilt *r) {
    size_t cursor = 0;
    size_t transfers = 0;
    const uint8_t ptype = r->pdu.header.ptype;
    r->pdu.contexts = r->contexts;
    r->pdu.results = r->results;
    if (ptype == CMRP_PTYPE_BIND || ptype == CMRP_PTYPE_ALTER_CONTEXT) {
        size_t count = 0;
        cmrp_pdu_context c;
        while (cmrp_pdu_next_context(&r->pdu, &cursor, &c)) {
            size_t inner = 0;
            const size_t first = transfers;
            c.transfers = &r->transfers[first];
            while (transfers < COUNT_OF(r->transfers) &&
                   cmrp_pdu_next_transfer(&c, &inner, &r->transfers[transfers])) {
                transfers++;
            }
            assert_int_equal(transfers - first, c.transfer_count);
            assert_true(inside(c.raw, r->pdu.list));
            r->contexts[count++] = c;
        }
        assert_int_equal(count, r->pdu.list_count);
        assert_int_equal(cursor, r->pdu.list.size);
    } else if (ptype == CMRP_PTYPE_BIND_ACK || ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP) {
        size_t count = 0;
        cmrp_pdu_result result;
        while (cmrp_pdu_next_result(&r->pdu, &cursor, &result)) {
            r->results[count++] = result;
        }
        assert_int_equal(count, r->pdu.list_count);
        assert_int_equal(cursor, r->pdu.list.size);
    }
}

bool encode_pdu(void *context, cmrp_writer *w) {
    const rebuilt *r = context;
    return cmrp_pdu_encode(&r->pdu, w);
}
