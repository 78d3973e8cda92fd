// SPDX-License-Identifier: Apache-2.0
// Connectionless PDUs, built field by field from the tables of C706 12.5.
#include "test_support.h"

#include "cmrp/pdu_cl.h"

#define HEADER_SECTION "C706 12.5.2"
#define AUTH_SECTION   "MS-RPCE 2.2.3.4"

typedef struct kind {
    uint8_t ptype;
    const char *name;
    const char *section;
} kind;

static const kind kinds[] = {
    {0, "request", "C706 12.5.3.9"},     {1, "ping", "C706 12.5.3.7"},
    {2, "response", "C706 12.5.3.10"},   {3, "fault", "C706 12.5.3.5"},
    {4, "working", "C706 12.5.3.11"},    {5, "nocall", "C706 12.5.3.6"},
    {6, "reject", "C706 12.5.3.8"},      {7, "ack", "C706 12.5.3.1"},
    {8, "cl_cancel", "C706 12.5.3.3"},   {9, "fack", "C706 12.5.3.4"},
    {10, "cancel_ack", "C706 12.5.3.2"},
};

// Each kind in each byte order, with and without authentication.
enum { KINDS = 11, VARIANTS = KINDS * 4, MASKS = 2 };

static const uint8_t uuids[3][16] = {
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
    add_uuid(b, "object", uuids[0]);
    add_uuid(b, "if_id", uuids[1]);
    add_uuid(b, "act_id", uuids[2]);
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
    add_uint(b, "selack_len", 2, MASKS);
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

static void patch_len(built *b, size_t len) {
    const bool little = b->order == CMRP_LITTLE_ENDIAN;
    b->octets[74] = (uint8_t)(little ? len : len >> 8);
    b->octets[75] = (uint8_t)(little ? len >> 8 : len);
}

static uint8_t ptype_of(unsigned variant) {
    return kinds[variant / 4].ptype;
}

static bool has_auth(unsigned variant) {
    return variant / 2 % 2 != 0;
}

// Header and body, without stub data and authentication; len is 0.
static void build_fields(built *b, unsigned variant) {
    built_init(b, variant % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN, CMRP_NDR20);
    add_header(b, ptype_of(variant), has_auth(variant) ? 10 : 0);
    add_body(b, ptype_of(variant));
}

// A cut inside the body is shorter than len says; one behind it may be a whole by itself.
static void build_variant(built *b, unsigned variant) {
    build_fields(b, variant);
    if (ptype_of(variant) == CMRP_PTYPE_CL_REQUEST || ptype_of(variant) == CMRP_PTYPE_CL_RESPONSE) {
        add_octets(b, "stub", "stub data", 9, CMRP_E_FRAG_LENGTH, 74);
    }
    const size_t len = b->size - 80;
    patch_len(b, len);
    for (size_t i = 0; i < b->cut_count; i++) {
        if (b->cuts[i].end > 80) {
            b->cuts[i] = (cut){b->cuts[i].end, CMRP_E_FRAG_LENGTH, 74, "len"};
        }
    }
    if (!has_auth(variant)) {
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

typedef struct rebuilt {
    cmrp_pdu_cl pdu;
    uint32_t masks[65536];
} rebuilt;

static void list_again(rebuilt *r) {
    for (size_t i = 0; i < r->pdu.selack_len; i++) {
        r->masks[i] = cmrp_pdu_cl_selack(&r->pdu, i);
    }
    r->pdu.masks = r->masks;
}

static bool decode(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_pdu_cl_decode(input, offset, context, NULL, NULL, error);
}

static bool encode(void *context, cmrp_writer *w) {
    const rebuilt *r = context;
    return cmrp_pdu_cl_encode(&r->pdu, w);
}

static void decode_variant(built *b, unsigned variant, cmrp_pdu_cl *pdu) {
    cmrp_error error = {0};
    build_variant(b, variant);
    assert_true(cmrp_pdu_cl_decode(built_view(b), BASE, pdu, NULL, NULL, &error));
}

// ---- names --------------------------------------------------------------------------------------

static void test_names(void **state) {
    (void)state;
    uint8_t back = 99;
    for (unsigned ptype = 0; ptype < 300; ptype++) {
        const char *name = cmrp_ptype_cl_name(ptype);
        if (ptype >= KINDS) {
            assert_null(name);
            continue;
        }
        assert_string_equal(name, kinds[ptype].name);
        assert_true(cmrp_ptype_cl_named(name, &back));
        assert_int_equal(back, ptype);
    }
    back = 99;
    assert_false(cmrp_ptype_cl_named("bind", &back));
    assert_false(cmrp_ptype_cl_named("", &back));
    assert_int_equal(back, 99);
}

static void test_flag_names(void **state) {
    (void)state;
    static const char *const first[] = {"reserved_01", "lastfrag",   "frag",      "nofack",
                                        "maybe",       "idempotent", "broadcast", "reserved_80"};
    static const char *const second[] = {"reserved_01", "cancel_pending", "PF2_UNRELATED",
                                         "reserved_08", "reserved_10",    "reserved_20",
                                         "reserved_40", "reserved_80"};
    for (unsigned i = 0; i < 8; i++) {
        assert_string_equal(cmrp_pf_name(1u << i), first[i]);
        assert_string_equal(cmrp_pf2_name(1u << i), second[i]);
    }
    assert_null(cmrp_pf_name(0));
    assert_null(cmrp_pf_name(3));
    assert_null(cmrp_pf2_name(0x100));
}

// ---- every kind ---------------------------------------------------------------------------------

static void test_every_kind(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation len = {74, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_error error = {0};
        build_variant(&b, variant);
        check_cuts(&b, decode, &r.pdu, BASE);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, NULL, NULL, &error));
        list_again(&r);
        check_encode(encode, &r, input, &len);
        free_view(input);
    }
}

// A PDU need not begin where the writer does.
static bool encode_behind(void *context, cmrp_writer *w) {
    return cmrp_put_zero(w, "before", 3) && encode(context, w);
}

static void test_a_pdu_behind_other_octets(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation len = {3 + 74, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        uint8_t expected[256] = {0};
        cmrp_error error = {0};
        build_variant(&b, variant);
        assert_true(b.size + 3 <= sizeof expected);
        memcpy(expected + 3, b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(built_view(&b), BASE, &r.pdu, NULL, NULL, &error));
        list_again(&r);
        check_encode(encode_behind, &r, (cmrp_view){expected, 3 + b.size}, &len);
    }
}

static void test_header(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_pdu_cl pdu;
        cmrp_pdu_cl_header peeked;
        cmrp_error error = {0};
        decode_variant(&b, variant, &pdu);
        const cmrp_pdu_cl_header *h = &pdu.header;
        assert_int_equal(h->ptype, ptype_of(variant));
        assert_int_equal(h->flags1, 0x2c);
        assert_int_equal(h->flags2, 4);
        assert_int_equal(h->drep[2], 0x7f);
        assert_int_equal(h->order, variant % 2);
        assert_int_equal(h->serial, 0xa1b2);
        assert_memory_equal(h->object.octets, uuids[0], 16);
        assert_memory_equal(h->if_id.octets, uuids[1], 16);
        assert_memory_equal(h->act_id.octets, uuids[2], 16);
        assert_int_equal(h->server_boot, 0x5f000001);
        assert_int_equal(h->if_vers, 2);
        assert_int_equal(h->if_vers_minor, 7);
        assert_int_equal(h->seqnum, 0x01020304);
        assert_int_equal(h->opnum, 0x0105);
        assert_int_equal(h->ihint, 0x0106);
        assert_int_equal(h->ahint, 0x0107);
        assert_int_equal(h->fragnum, 0x0108);
        assert_int_equal(h->auth_proto, has_auth(variant) ? 10 : 0);
        // The header alone is enough for peek, whatever len says.
        const cmrp_view alone = exact(b.octets, 80);
        assert_true(cmrp_pdu_cl_peek(alone, 0, &peeked, &error));
        assert_memory_equal(&peeked, h, sizeof peeked);
        free_view(alone);
    }
}

static void test_bodies(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        built b;
        cmrp_pdu_cl pdu;
        decode_variant(&b, 4 * CMRP_PTYPE_CL_REQUEST + order, &pdu);
        assert_int_equal(pdu.stub.size, 9);
        assert_ptr_equal(pdu.stub.data, b.octets + 80);
        decode_variant(&b, 4 * CMRP_PTYPE_CL_REJECT + order, &pdu);
        assert_int_equal(pdu.status, 0x1c010002);
        decode_variant(&b, 4 * CMRP_PTYPE_CL_FACK + order, &pdu);
        assert_true(pdu.has_body);
        assert_int_equal(pdu.vers, 1);
        assert_int_equal(pdu.pad, 9);
        assert_int_equal(pdu.window_size, 0x0201);
        assert_int_equal(pdu.max_tsdu, 0x11223344);
        assert_int_equal(pdu.max_frag_size, 0x55667788);
        assert_int_equal(pdu.serial_num, 0xa1b1);
        assert_int_equal(pdu.selack_len, MASKS);
        assert_int_equal(cmrp_pdu_cl_selack(&pdu, 0), 0x80000001);
        assert_int_equal(cmrp_pdu_cl_selack(&pdu, 1), 0x01020304);
        decode_variant(&b, 4 * CMRP_PTYPE_CL_CANCEL_ACK + order, &pdu);
        assert_int_equal(pdu.vers, 0);
        assert_int_equal(pdu.cancel_id, 0x0a0b0c0d);
        assert_int_equal(pdu.server_is_accepting, 1);
    }
}

static void test_auth(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_pdu_cl pdu;
        decode_variant(&b, variant, &pdu);
        assert_int_equal(pdu.has_auth, has_auth(variant));
        if (pdu.has_auth) {
            assert_int_equal((80 + pdu.header.len + pdu.auth_padding.size) % 8, 0);
            assert_true(pdu.auth_padding.size < 8);
            assert_int_equal(pdu.auth_level, 5);
            assert_int_equal(pdu.key_vers_num, 0xee);
            assert_memory_equal(pdu.auth_pad, "\xcc\xdd", 2);
            assert_int_equal(pdu.auth_token.size, 5);
            assert_memory_equal(pdu.auth_token.data, "token", 5);
        }
    }
}

// ---- refusals -----------------------------------------------------------------------------------

// Cuts that len admits: the fields of the body are cut.
static void test_cut_bodies(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        build_fields(&b, variant);
        const uint8_t ptype = ptype_of(variant);
        const bool optional = ptype == CMRP_PTYPE_CL_NOCALL || ptype == CMRP_PTYPE_CL_FACK ||
                              ptype == CMRP_PTYPE_CL_CANCEL_ACK;
        for (size_t size = 80 + optional; size < b.size; size++) {
            cmrp_pdu_cl pdu;
            cmrp_error error = {0};
            size_t i = 0;
            while (b.cuts[i].end <= size) {
                i++;
            }
            patch_len(&b, size - 80);
            const cmrp_view input = exact(b.octets, size);
            assert_false(cmrp_pdu_cl_decode(input, BASE, &pdu, NULL, NULL, &error));
            assert_error(&error, CMRP_E_TRUNCATED, BASE + b.cuts[i].offset, b.cuts[i].path,
                         kinds[variant / 4].section);
            free_view(input);
        }
    }
}

static void test_headers_that_are_refused(void **state) {
    (void)state;
    static const struct {
        size_t at;
        cmrp_code code;
        const char *field;
    } rows[] = {{0, CMRP_E_RPC_VERSION_CL, "rpc_vers"},
                {1, CMRP_E_PTYPE_CL, "ptype"},
                {4, CMRP_E_DREP, "drep"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            built b;
            cmrp_pdu_cl pdu;
            cmrp_pdu_cl_header header;
            cmrp_error error = {0};
            build_variant(&b, 4 * CMRP_PTYPE_CL_ACK);
            b.octets[rows[i].at] = (uint8_t)octet;
            const bool fine = i == 0 ? octet == 4 : i == 1 ? octet < KINDS : octet >> 4 < 2;
            assert_int_equal(cmrp_pdu_cl_peek(built_view(&b), BASE, &header, &error), fine);
            if (!fine) {
                assert_error(&error, rows[i].code, BASE + rows[i].at, rows[i].field,
                             HEADER_SECTION);
                assert_int_equal(error.value, octet);
                error = (cmrp_error){0};
                assert_false(cmrp_pdu_cl_decode(built_view(&b), BASE, &pdu, NULL, NULL, &error));
                assert_int_equal(error.code, rows[i].code);
            }
        }
    }
}

static void test_messages(void **state) {
    (void)state;
    built b;
    cmrp_pdu_cl pdu;
    cmrp_error error = {0};
    char text[100];
    build_variant(&b, 0);
    patch_len(&b, 10);
    assert_false(cmrp_pdu_cl_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    (void)cmrp_error_format(&error, text, sizeof text);
    assert_string_equal(text, "offset 74: len is 10 with 9 bytes at hand [C706 12.5.2]");
    error = (cmrp_error){0};
    b.octets[0] = 5;
    assert_false(cmrp_pdu_cl_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    (void)cmrp_error_message(&error, text, sizeof text);
    assert_string_equal(text, "rpc_vers is 5; this is not connectionless DCE/RPC 4");
    error = (cmrp_error){0};
    b.octets[0] = 4;
    b.octets[1] = 11;
    assert_false(cmrp_pdu_cl_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    (void)cmrp_error_message(&error, text, sizeof text);
    assert_string_equal(text, "ptype 11 is not a PDU of the connectionless protocol");
}

// ---- octets that no field accounts for ----------------------------------------------------------

static void test_rests(void **state) {
    (void)state;
    static rebuilt r;
    for (unsigned ptype = 0; ptype < KINDS; ptype++) {
        built b;
        cmrp_error error = {0};
        warnings w = {0};
        const bool stub = ptype == CMRP_PTYPE_CL_REQUEST || ptype == CMRP_PTYPE_CL_RESPONSE;
        build_fields(&b, 4 * ptype);
        const size_t end = b.size;
        add_octets(&b, "", "rest", 4, CMRP_OK, 0);
        patch_len(&b, b.size - 80);
        const size_t size = b.size;
        add_octets(&b, "", "behind", 6, CMRP_OK, 0);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, collect, &w, &error));
        assert_int_equal(w.count, stub ? 1 : 2);
        if (!stub) {
            assert_error(&w.list[0], CMRP_E_TRAILING, BASE + end, "body", kinds[ptype].section);
            assert_int_equal(w.list[0].left, 4);
            assert_int_equal(r.pdu.trailing.size, 4);
            assert_memory_equal(r.pdu.trailing.data, "rest", 4);
        }
        assert_error(&w.list[w.count - 1], CMRP_E_TRAILING, BASE + size, "pdu", HEADER_SECTION);
        assert_int_equal(w.list[w.count - 1].left, 6);
        list_again(&r);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode, &r, (cmrp_view){input.data, size}, &len);
        free_view(input);
    }
}

static void test_unknown_versions(void **state) {
    (void)state;
    static rebuilt r;
    static const uint8_t some[] = {CMRP_PTYPE_CL_FACK, CMRP_PTYPE_CL_NOCALL,
                                   CMRP_PTYPE_CL_CL_CANCEL, CMRP_PTYPE_CL_CANCEL_ACK};
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        built b;
        cmrp_error error = {0};
        warnings w = {0};
        const size_t width = i < 2 ? 1 : 4;
        build_fields(&b, 4u * some[i]);
        b.octets[80] = 2;
        patch_len(&b, b.size - 80);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, collect, &w, &error));
        assert_int_equal(w.count, 1);
        assert_int_equal(w.list[0].offset, BASE + 80 + width);
        assert_int_equal(r.pdu.vers, 2);
        assert_int_equal(r.pdu.trailing.size, b.size - 80 - width);
        assert_int_equal(r.pdu.selack_len, 0);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode, &r, input, &len);
        free_view(input);
    }
}

static void test_bodies_left_out(void **state) {
    (void)state;
    static const uint8_t some[] = {CMRP_PTYPE_CL_FACK, CMRP_PTYPE_CL_NOCALL,
                                   CMRP_PTYPE_CL_CANCEL_ACK};
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        static rebuilt r;
        built b;
        cmrp_error error = {0};
        build_fields(&b, 4u * some[i]);
        const cmrp_view input = exact(b.octets, 80);
        assert_true(cmrp_pdu_cl_decode(input, 0, &r.pdu, NULL, NULL, &error));
        assert_false(r.pdu.has_body);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode, &r, input, &len);
        free_view(input);
    }
}

// ---- what the encoder refuses -------------------------------------------------------------------

static void check_refused(const cmrp_pdu_cl *pdu, cmrp_code code, const char *field) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_false(cmrp_pdu_cl_encode(pdu, &w));
    assert_int_equal(error.code, code);
    assert_string_equal(error.field, field);
}

static void test_refused_values(void **state) {
    (void)state;
    static const uint8_t octets[1] = {0}; // a null sink does not look at views
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_pdu_cl pdu = {.header.drep = {0x10}, .stub = {octets, 65535}};
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_pdu_cl_encode(&pdu, &w));
    assert_int_equal(w.size, 80 + 65535);
    pdu.stub.size++;
    check_refused(&pdu, CMRP_E_TOO_LARGE, "len");
    pdu.stub.size = 5;
    pdu.has_auth = true;
    check_refused(&pdu, CMRP_E_MISSING, "auth_proto");
    pdu.header.auth_proto = 10;
    pdu.auth_padding = (cmrp_view){octets, 2};
    check_refused(&pdu, CMRP_E_AUTH_LENGTH, "auth_padding");
    pdu.auth_padding.size = 3;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_pdu_cl_encode(&pdu, &w));
    assert_int_equal(w.size, 80 + 8 + 4);
    cmrp_pdu_cl fack = {
        .header = {.ptype = CMRP_PTYPE_CL_FACK, .drep = {0x10}}, .has_body = true, .vers = 256};
    check_refused(&fack, CMRP_E_TOO_LARGE, "vers");
}

static void test_nothing_after_an_error(void **state) {
    (void)state;
    built b;
    cmrp_pdu_cl pdu;
    cmrp_pdu_cl_header h;
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    uint8_t out[128];
    cmrp_writer w;
    build_variant(&b, 0);
    assert_false(cmrp_pdu_cl_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    assert_false(cmrp_pdu_cl_peek(built_view(&b), 0, &h, &error));
    memset(&pdu, 0, sizeof pdu);
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    assert_false(cmrp_pdu_cl_encode(&pdu, &w));
    assert_int_equal(w.size, 0);
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

// ---- mutations ----------------------------------------------------------------------------------

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    (void)seed;
    rebuilt *r = context;
    static uint8_t out[4096];
    cmrp_error error = {0};
    cmrp_writer w;
    warnings seen = {0};
    if (!cmrp_pdu_cl_decode(input, BASE, &r->pdu, collect, &seen, &error)) {
        if (error.code == CMRP_E_TRUNCATED && error.offset > BASE + input.size) {
            error.offset = BASE + input.size; // the field behind a gap that is cut
        }
        check_refusal(&error, BASE, input.size);
        return false;
    }
    const cmrp_pdu_cl *pdu = &r->pdu;
    assert_true(inside(pdu->stub, input) && inside(pdu->selack, input) &&
                inside(pdu->trailing, input) && inside(pdu->auth_padding, input) &&
                inside(pdu->auth_token, input));
    // Everything but what is behind the PDU comes back.
    const bool behind = seen.count > 0 && strcmp(seen.list[seen.count - 1].field, "pdu") == 0;
    const size_t size = behind ? 80 + (size_t)pdu->header.len : input.size;
    list_again(r);
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    assert_true(cmrp_pdu_cl_encode(pdu, &w));
    assert_int_equal(w.size, size);
    assert_memory_equal(out, input.data, size);
    return true;
}

static void test_mutations(void **state) {
    (void)state;
    static built b[VARIANTS];
    static rebuilt r;
    cmrp_view seeds[VARIANTS];
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        build_variant(&b[variant], variant);
        seeds[variant] = built_view(&b[variant]);
    }
    run_mutations(seeds, VARIANTS, decode_mutation, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_flag_names),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_a_pdu_behind_other_octets),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_unknown_versions),
        cmocka_unit_test(test_bodies_left_out),
        cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_nothing_after_an_error),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
