// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include "cmrp/pdu.h"

#define HEADER_SECTION "C706 12.6.3.1"

// ---- names --------------------------------------------------------------------------------------

// The PDUs of the connection-oriented protocol [C706 12.6.1, MS-RPCE 2.2.2.3]; the numbers between
// belong to the connectionless one.
static const struct {
    uint8_t ptype;
    const char *name;
} ptypes[] = {
    {0, "request"},   {2, "response"},  {3, "fault"},          {11, "bind"},
    {12, "bind_ack"}, {13, "bind_nak"}, {14, "alter_context"}, {15, "alter_context_resp"},
    {16, "auth3"},    {17, "shutdown"}, {18, "co_cancel"},     {19, "orphaned"},
};

// Where their bodies are described.
static const char *const sections[] = {
    "C706 12.6.4.9",    "C706 12.6.4.10", "C706 12.6.4.7", "C706 12.6.4.3",
    "C706 12.6.4.4",    "C706 12.6.4.5",  "C706 12.6.4.1", "C706 12.6.4.2",
    "MS-RPCE 2.2.2.10", "C706 12.6.4.11", "C706 12.6.4.6", "C706 12.6.4.8",
};

static void test_ptype_names(void **state) {
    (void)state;
    size_t known = 0;
    for (unsigned ptype = 0; ptype < 1000; ptype++) {
        const char *name = cmrp_ptype_name(ptype);
        if (known < COUNT_OF(ptypes) && ptypes[known].ptype == ptype) {
            uint8_t back = 99;
            assert_non_null(name);
            assert_string_equal(name, ptypes[known++].name);
            assert_true(cmrp_ptype_named(name, &back));
            assert_int_equal(back, ptype);
        } else {
            assert_null(name);
        }
    }
    assert_int_equal(known, COUNT_OF(ptypes));
    uint8_t untouched = 99;
    assert_false(cmrp_ptype_named("ping", &untouched));
    assert_false(cmrp_ptype_named("", &untouched));
    assert_int_equal(untouched, 99);
}

static void test_flag_names(void **state) {
    (void)state;
    static const char *const names[] = {
        "PFC_FIRST_FRAG", "PFC_LAST_FRAG",       "PFC_PENDING_CANCEL", "PFC_RESERVED_1",
        "PFC_CONC_MPX",   "PFC_DID_NOT_EXECUTE", "PFC_MAYBE",          "PFC_OBJECT_UUID",
    };
    for (size_t i = 0; i < COUNT_OF(ptypes); i++) {
        const uint8_t ptype = ptypes[i].ptype;
        // [MS-RPCE 2.2.2.3]: bind, bind_ack, alter_context, its answer and auth3, not bind_nak.
        const bool signs = ptype == 11 || ptype == 12 || (ptype >= 14 && ptype <= 16);
        for (unsigned bit = 0; bit < 8; bit++) {
            const char *name = bit == 2 && signs ? "PFC_SUPPORT_HEADER_SIGN" : names[bit];
            assert_string_equal(cmrp_pfc_name(ptype, 1u << bit), name);
        }
        assert_null(cmrp_pfc_name(ptype, 0));
        assert_null(cmrp_pfc_name(ptype, 3));
        assert_null(cmrp_pfc_name(ptype, 0x100));
    }
}

// ---- building PDUs from C706's tables -----------------------------------------------------------

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

static void patch_u16(built *b, size_t at, size_t value) {
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

enum { CONTEXTS = 2 };

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

// One PDU of each kind, in each byte order, with and without authentication and object.
enum { VARIANTS = 12 * 2 * 2 * 2 };

static void build_variant(built *b, unsigned variant) {
    const uint8_t ptype = ptypes[variant / 8].ptype;
    const cmrp_order order = variant % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    const bool auth = variant / 2 % 2 != 0;
    const bool object = variant / 4 % 2 != 0 && ptype == CMRP_PTYPE_REQUEST;
    built_pdu(b, order, ptype, object ? 0x83 : 0x03);
    add_body(b, ptype, object);
    if (has_stub(ptype)) {
        add_octets(b, "stub", "stub data", 9, CMRP_OK, 0);
    } else if (ptype == CMRP_PTYPE_BIND_NAK) {
        add_octets(b, "extension", "extended", 8, CMRP_OK, 0);
    }
    if (auth) {
        add_auth(b, has_stub(ptype) ? 7 : 0, "token");
    }
}

static bool decode_pdu(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_pdu_decode(input, offset, context, NULL, NULL, error);
}

// ---- encoding what was decoded ------------------------------------------------------------------

typedef struct rebuilt {
    cmrp_pdu pdu;
    cmrp_pdu_context contexts[256];
    cmrp_syntax_id transfers[1024];
    cmrp_pdu_result results[256];
} rebuilt;

// Gives the lists of a decoded PDU the form in which the encoder takes them.
static void list_again(rebuilt *r) {
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

static bool encode_pdu(void *context, cmrp_writer *w) {
    const rebuilt *r = context;
    return cmrp_pdu_encode(&r->pdu, w);
}

static void test_every_kind(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation frag_length = {8, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_error error = {0};
        build_variant(&b, variant);
        built_finish(&b);
        check_cuts(&b, decode_pdu, &r.pdu, BASE);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_decode(input, BASE, &r.pdu, NULL, NULL, &error));
        list_again(&r);
        check_encode(encode_pdu, &r, input, &frag_length);
        free_view(input);
    }
}

// The same cuts, with a frag_length that admits them: the body's own fields are cut.
static void test_cut_bodies(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        const uint8_t ptype = ptypes[variant / 8].ptype;
        const bool object = variant / 4 % 2 != 0 && ptype == CMRP_PTYPE_REQUEST;
        built_pdu(&b, variant % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN, ptype,
                  object ? 0x83 : 0x03);
        add_body(&b, ptype, object);
        for (size_t size = 16; size < b.size; size++) {
            cmrp_pdu pdu;
            cmrp_error error = {0};
            size_t i = 0;
            while (b.cuts[i].end <= size) {
                i++;
            }
            patch_u16(&b, 8, size);
            const cmrp_view input = exact(b.octets, size);
            assert_false(cmrp_pdu_decode(input, BASE, &pdu, NULL, NULL, &error));
            assert_error(&error, CMRP_E_TRUNCATED, BASE + b.cuts[i].offset, b.cuts[i].path,
                         sections[variant / 8]);
            free_view(input);
        }
    }
}

// ---- single facts -------------------------------------------------------------------------------

static void decode_variant(built *b, unsigned ptype_index, unsigned variant, cmrp_pdu *pdu) {
    cmrp_error error = {0};
    build_variant(b, 8 * ptype_index + variant);
    built_finish(b);
    assert_true(cmrp_pdu_decode(built_view(b), BASE, pdu, NULL, NULL, &error));
}

static void test_request(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < 8; variant++) {
        built b;
        cmrp_pdu pdu;
        decode_variant(&b, 0, variant, &pdu);
        assert_int_equal(pdu.header.order, variant % 2);
        assert_int_equal(pdu.header.frag_length, b.size);
        assert_int_equal(pdu.header.call_id, 0x01020304);
        assert_int_equal(pdu.alloc_hint, 0x11223344);
        assert_int_equal(pdu.context_id, 1);
        assert_int_equal(pdu.opnum, 59);
        assert_int_equal(pdu.has_object, variant / 4);
        assert_int_equal(cmrp_uuid_equal(&pdu.object, &cmrp_uuid_ndr64), pdu.has_object);
        assert_int_equal(pdu.stub.size, 9);
        assert_memory_equal(pdu.stub.data, "stub data", 9);
        assert_int_equal(pdu.has_auth, variant / 2 % 2);
        assert_int_equal(pdu.header.auth_length, pdu.has_auth ? 5 : 0);
        if (pdu.has_auth) {
            assert_int_equal(pdu.auth_type, 9);
            assert_int_equal(pdu.auth_level, 6);
            assert_int_equal(pdu.auth_reserved, 0);
            assert_int_equal(pdu.auth_context_id, 0x00013579);
            assert_int_equal(pdu.auth_padding.size, 7);
            assert_ptr_equal(pdu.auth_padding.data, pdu.stub.data + 9);
            assert_int_equal(pdu.auth_token.size, 5);
            assert_memory_equal(pdu.auth_token.data, "token", 5);
        }
    }
}

static void test_response_and_fault(void **state) {
    (void)state;
    built b;
    cmrp_pdu pdu;
    decode_variant(&b, 1, 3, &pdu);
    assert_int_equal(pdu.cancel_count, 2);
    assert_int_equal(pdu.reserved, 1);
    assert_memory_equal(pdu.stub.data, "stub data", 9);
    decode_variant(&b, 2, 3, &pdu);
    assert_int_equal(pdu.status, 0x1c010002);
    assert_memory_equal(pdu.reserved2, "\1\2\3\4", 4);
    assert_int_equal(pdu.stub.size, 9);
}

static void test_bind(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        built b;
        cmrp_pdu pdu;
        cmrp_pdu_context c;
        cmrp_syntax_id id;
        size_t cursor = 0;
        size_t inner = 0;
        decode_variant(&b, 3, order, &pdu);
        assert_int_equal(pdu.max_xmit_frag, 5840);
        assert_int_equal(pdu.max_recv_frag, 4280);
        assert_int_equal(pdu.assoc_group_id, 0x12345);
        assert_int_equal(pdu.list_count, CONTEXTS);
        assert_true(cmrp_pdu_next_context(&pdu, &cursor, &c));
        assert_int_equal(c.id, 7);
        assert_int_equal(c.transfer_count, 2);
        assert_true(cmrp_uuid_equal(&c.abstract_syntax.uuid, &cmrp_uuid_clusapi));
        assert_int_equal(c.abstract_syntax.version, 3);
        assert_int_equal(c.abstract_syntax.version_minor, 0);
        assert_true(cmrp_pdu_next_transfer(&c, &inner, &id));
        assert_true(cmrp_uuid_equal(&id.uuid, &cmrp_uuid_ndr20) && id.version == 2);
        assert_true(cmrp_pdu_next_transfer(&c, &inner, &id));
        assert_true(cmrp_uuid_equal(&id.uuid, &cmrp_uuid_ndr64) && id.version == 1);
        assert_false(cmrp_pdu_next_transfer(&c, &inner, &id));
        assert_true(cmrp_pdu_next_context(&pdu, &cursor, &c));
        assert_int_equal(c.id, 8);
        assert_int_equal(c.abstract_syntax.version_minor, 1);
        inner = 0;
        assert_true(cmrp_pdu_next_transfer(&c, &inner, &id));
        assert_true(cmrp_uuid_is_bind_time(&id.uuid));
        assert_false(cmrp_pdu_next_context(&pdu, &cursor, &c));
        cursor = SIZE_MAX;
        assert_false(cmrp_pdu_next_context(&pdu, &cursor, &c));
    }
}

static void test_bind_ack(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        built b;
        cmrp_pdu pdu;
        cmrp_pdu_result result;
        size_t cursor = 0;
        decode_variant(&b, 4, order, &pdu);
        assert_int_equal(pdu.sec_addr.size, 5);
        assert_memory_equal(pdu.sec_addr.data, "49664", 5);
        assert_true(cmrp_pdu_next_result(&pdu, &cursor, &result));
        assert_int_equal(result.result, CMRP_RESULT_ACCEPTANCE);
        assert_true(cmrp_uuid_equal(&result.transfer.uuid, &cmrp_uuid_ndr64));
        assert_true(cmrp_pdu_next_result(&pdu, &cursor, &result));
        assert_int_equal(result.result, CMRP_RESULT_NEGOTIATE_ACK);
        assert_int_equal(result.reason, 3);
        assert_false(cmrp_pdu_next_result(&pdu, &cursor, &result));
        decode_variant(&b, 7, order, &pdu); // alter_context_resp
        assert_int_equal(pdu.sec_addr.size, 0);
        assert_int_equal(pdu.list_count, CONTEXTS);
    }
}

static void test_sec_addr_without_nul(void **state) {
    (void)state;
    built b;
    cmrp_pdu pdu;
    cmrp_error error = {0};
    build_variant(&b, 8 * 4);
    b.octets[26 + 5] = '!'; // where the NUL was
    built_finish(&b);
    assert_true(cmrp_pdu_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    assert_int_equal(pdu.sec_addr.size, 6);
    assert_memory_equal(pdu.sec_addr.data, "49664!", 6);
}

static void test_bind_nak(void **state) {
    (void)state;
    built b;
    cmrp_pdu pdu;
    decode_variant(&b, 5, 0, &pdu);
    assert_int_equal(pdu.nak_reason, 4);
    assert_int_equal(pdu.list_count, 2);
    assert_int_equal(pdu.list.size, 4);
    assert_memory_equal(pdu.list.data, "\5\0\5\1", 4);
    assert_int_equal(pdu.extension.size, 8);
    assert_memory_equal(pdu.extension.data, "extended", 8);
}

static void test_auth3_and_bodiless(void **state) {
    (void)state;
    for (unsigned i = 8; i < 12; i++) {
        built b;
        cmrp_pdu pdu;
        decode_variant(&b, i, 2, &pdu);
        assert_int_equal(pdu.auth_token.size, 5);
        assert_int_equal(pdu.stub.size, 0);
        if (ptypes[i].ptype == CMRP_PTYPE_AUTH3) {
            assert_memory_equal(pdu.auth3_pad, "pads", 4);
        }
    }
}

// ---- refusals -----------------------------------------------------------------------------------

// Decodes a request of which one octet differs, by peek and as a whole.
static void check_header(size_t at, uint8_t octet, cmrp_code code, const char *field,
                         uint64_t offset) {
    built b;
    cmrp_pdu pdu;
    cmrp_pdu_header header;
    cmrp_error error = {0};
    build_variant(&b, 0);
    built_finish(&b);
    b.octets[at] = octet;
    const cmrp_view input = exact(b.octets, b.size);
    const bool ok = cmrp_pdu_peek(input, BASE, &header, &error);
    assert_int_equal(ok, code == CMRP_OK);
    if (!ok) {
        assert_error(&error, code, BASE + offset, field, HEADER_SECTION);
        error = (cmrp_error){0};
        assert_false(cmrp_pdu_decode(input, BASE, &pdu, NULL, NULL, &error));
        assert_error(&error, code, BASE + offset, field, HEADER_SECTION);
    }
    free_view(input);
}

static void test_headers(void **state) {
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        const uint8_t o = (uint8_t)octet;
        check_header(0, o, octet == 5 ? CMRP_OK : CMRP_E_RPC_VERSION, "rpc_vers", 0);
        check_header(1, o, octet < 2 ? CMRP_OK : CMRP_E_RPC_VERSION, "rpc_vers_minor", 1);
        check_header(2, o, cmrp_ptype_name(octet) != NULL ? CMRP_OK : CMRP_E_PTYPE, "PTYPE", 2);
        check_header(3, o, CMRP_OK, "", 0);
        if (octet >> 4 != 0) { // as big-endian the frag_length is another
            check_header(4, o, octet >> 4 == 1 ? CMRP_OK : CMRP_E_DREP, "packed_drep", 4);
        }
        check_header(5, o, CMRP_OK, "", 0);
        check_header(8, o, octet >= 16 ? CMRP_OK : CMRP_E_FRAG_LENGTH, "frag_length", 8);
    }
}

static void test_peek(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        built b;
        cmrp_pdu_header h;
        build_variant(&b, 8 * 11 + order);
        assert_int_equal(b.size, 16);
        patch_u16(&b, 8, 0xfedc); // more than is there: peek is for framing
        patch_u16(&b, 10, 0xba98);
        const cmrp_view input = exact(b.octets, 16);
        cmrp_error error = {0};
        assert_true(cmrp_pdu_peek(input, 0, &h, &error));
        assert_int_equal(h.minor, 0);
        assert_int_equal(h.ptype, CMRP_PTYPE_ORPHANED);
        assert_int_equal(h.flags, 3);
        assert_int_equal(h.order, order);
        assert_int_equal(h.frag_length, 0xfedc);
        assert_int_equal(h.auth_length, 0xba98);
        assert_int_equal(h.call_id, 0x01020304);
        free_view(input);
    }
}

static void test_message_of_frag_length(void **state) {
    (void)state;
    static const struct {
        size_t length;
        const char *message;
    } rows[] = {
        {15, "frag_length is 15 with 33 bytes at hand"},
        {34, "frag_length is 34 with 33 bytes at hand"},
        {65535, "frag_length is 65535 with 33 bytes at hand"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        built b;
        cmrp_pdu pdu;
        cmrp_error error = {0};
        char text[80];
        build_variant(&b, 0);
        patch_u16(&b, 8, rows[i].length);
        assert_false(cmrp_pdu_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
        (void)cmrp_error_message(&error, text, sizeof text);
        assert_string_equal(text, rows[i].message);
    }
}

static void test_octets_behind(void **state) {
    (void)state;
    built b;
    cmrp_pdu pdu;
    warnings w = {0};
    cmrp_error error = {0};
    build_variant(&b, 0);
    built_finish(&b);
    add_octets(&b, "behind", "xyz", 3, CMRP_OK, 0);
    assert_true(cmrp_pdu_decode(built_view(&b), BASE, &pdu, collect, &w, &error));
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_TRAILING, BASE + 33, "pdu", HEADER_SECTION);
    assert_int_equal(w.list[0].left, 3);
    assert_int_equal(pdu.stub.size, 9);
    assert_true(cmrp_pdu_decode(built_view(&b), BASE, &pdu, NULL, NULL, &error));
}

static void test_auth_length(void **state) {
    (void)state;
    // A response: 8 octets of its own, 9 of stub data, 7 of padding, 8 of trailer, 5 of token.
    for (size_t length = 0; length <= 0xffff; length += length < 64 ? 1 : 4093) {
        built b;
        cmrp_pdu pdu;
        cmrp_error error = {0};
        build_variant(&b, 8 * 1 + 2);
        built_finish(&b);
        patch_u16(&b, 10, length);
        const cmrp_view input = exact(b.octets, b.size);
        const bool ok = cmrp_pdu_decode(input, BASE, &pdu, NULL, NULL, &error);
        if (length + 8 + 8 > b.size - 16) {
            assert_error(&error, CMRP_E_AUTH_LENGTH, BASE + 10, "auth_length", "MS-RPCE 2.2.2.11");
            assert_int_equal(error.value, length);
            assert_int_equal(error.left, b.size - 16);
        } else if (ok && length > 0) {
            assert_int_equal(pdu.auth_token.size, length);
            assert_ptr_equal(pdu.auth_token.data + length, input.data + input.size);
            assert_ptr_equal(pdu.auth_padding.data + pdu.auth_padding.size,
                             pdu.auth_token.data - 8);
        } else if (ok) {
            assert_int_equal(length, 0);
            assert_false(pdu.has_auth);
            assert_int_equal(pdu.stub.size, 29);
        } else { // the octets that now stand for auth_pad_length are too many
            assert_string_equal(error.field, "auth_pad_length");
        }
        free_view(input);
    }
}

static void test_auth_pad_length(void **state) {
    (void)state;
    for (unsigned pad = 0; pad < 256; pad++) {
        built b;
        cmrp_pdu pdu;
        cmrp_error error = {0};
        build_variant(&b, 8 * 1 + 2);
        built_finish(&b);
        const size_t at = b.size - 5 - 8 + 2;
        b.octets[at] = (uint8_t)pad;
        const cmrp_view input = exact(b.octets, b.size);
        const bool ok = cmrp_pdu_decode(input, BASE, &pdu, NULL, NULL, &error);
        assert_int_equal(ok, pad <= 16);
        if (ok) {
            assert_int_equal(pdu.stub.size, 16 - pad);
        } else { // the response's own fields are not padding
            assert_error(&error, CMRP_E_AUTH_LENGTH, BASE + at, "auth_pad_length",
                         "MS-RPCE 2.2.2.11");
            assert_int_equal(error.value, pad);
            assert_int_equal(error.left, 16);
        }
        free_view(input);
    }
}

static void test_no_decode_after_an_error(void **state) {
    (void)state;
    built b;
    cmrp_pdu pdu;
    cmrp_pdu_header h;
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    uint8_t out[64];
    cmrp_writer w;
    build_variant(&b, 0);
    built_finish(&b);
    assert_false(cmrp_pdu_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    assert_false(cmrp_pdu_peek(built_view(&b), 0, &h, &error));
    memset(&pdu, 0, sizeof pdu);
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    assert_false(cmrp_pdu_encode(&pdu, &w));
    assert_int_equal(w.size, 0);
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

// ---- what the encoder refuses -------------------------------------------------------------------

static cmrp_code encode_code(const cmrp_pdu *pdu, const char **field) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    const bool ok = cmrp_pdu_encode(pdu, &w);
    assert_int_equal(ok, error.code == CMRP_OK);
    *field = error.field;
    return error.code;
}

static void test_lengths_that_do_not_fit(void **state) {
    (void)state;
    static const uint8_t octets[1] = {0}; // a null sink does not look at views
    const char *field = NULL;
    cmrp_pdu pdu = {.header.ptype = CMRP_PTYPE_REQUEST, .header.drep = {0x10}};
    pdu.stub = (cmrp_view){octets, 65535 - 24};
    assert_int_equal(encode_code(&pdu, &field), CMRP_OK);
    pdu.stub.size++;
    assert_int_equal(encode_code(&pdu, &field), CMRP_E_TOO_LARGE);
    assert_string_equal(field, "frag_length");
    pdu.stub.size = 0;
    pdu.has_auth = true;
    pdu.auth_token = (cmrp_view){octets, 65536};
    assert_int_equal(encode_code(&pdu, &field), CMRP_E_TOO_LARGE);
    assert_string_equal(field, "auth_length");
    pdu.auth_token.size = 1;
    pdu.auth_padding = (cmrp_view){octets, 255};
    assert_int_equal(encode_code(&pdu, &field), CMRP_OK);
    pdu.auth_padding.size++;
    assert_int_equal(encode_code(&pdu, &field), CMRP_E_TOO_LARGE);
    assert_string_equal(field, "auth_pad_length");
    cmrp_pdu ack = {.header.ptype = CMRP_PTYPE_BIND_ACK, .header.drep = {0x10}};
    ack.sec_addr = (cmrp_view){octets, 65535};
    assert_int_equal(encode_code(&ack, &field), CMRP_E_TOO_LARGE);
    assert_string_equal(field, "sec_addr.length");
}

// auth_length 0 means that there is no sec_trailer: one without a token would be read as stub data.
static void test_trailer_without_token(void **state) {
    (void)state;
    const char *field = NULL;
    const cmrp_pdu pdu = {.header.ptype = CMRP_PTYPE_REQUEST, .has_auth = true};
    assert_int_equal(encode_code(&pdu, &field), CMRP_E_MISSING);
    assert_string_equal(field, "auth_value");
}

// ---- mutations ----------------------------------------------------------------------------------

static void check_views(const cmrp_pdu *pdu, cmrp_view input) {
    assert_true(inside(pdu->stub, input) && inside(pdu->sec_addr, input));
    assert_true(inside(pdu->list, input) && inside(pdu->extension, input));
    assert_true(inside(pdu->auth_padding, input) && inside(pdu->auth_token, input));
}

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    (void)seed;
    rebuilt *r = context;
    cmrp_error error = {0};
    static uint8_t out[2][4096];
    size_t sizes[2];
    if (!cmrp_pdu_decode(input, BASE, &r->pdu, NULL, NULL, &error)) {
        check_refusal(&error, BASE, input.size);
        return false;
    }
    // Reserved octets and a missing NUL are normalised by the first encoding, not by the second.
    for (unsigned i = 0; i < 2; i++) {
        cmrp_writer w;
        check_views(&r->pdu, i == 0 ? input : (cmrp_view){out[0], sizes[0]});
        list_again(r);
        cmrp_writer_init(&w, out[i], sizeof out[i], &error, "none");
        assert_true(cmrp_pdu_encode(&r->pdu, &w));
        sizes[i] = w.size;
        assert_true(cmrp_pdu_decode((cmrp_view){out[i], w.size}, 0, &r->pdu, NULL, NULL, &error));
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(out[0], out[1], sizes[0]);
    return true;
}

static void test_mutations(void **state) {
    (void)state;
    static built b[VARIANTS];
    static rebuilt r;
    cmrp_view seeds[VARIANTS];
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        build_variant(&b[variant], variant);
        built_finish(&b[variant]);
        seeds[variant] = built_view(&b[variant]);
    }
    run_mutations(seeds, VARIANTS, decode_mutation, &r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ptype_names),
        cmocka_unit_test(test_flag_names),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_response_and_fault),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_bind_ack),
        cmocka_unit_test(test_sec_addr_without_nul),
        cmocka_unit_test(test_bind_nak),
        cmocka_unit_test(test_auth3_and_bodiless),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_message_of_frag_length),
        cmocka_unit_test(test_octets_behind),
        cmocka_unit_test(test_auth_length),
        cmocka_unit_test(test_auth_pad_length),
        cmocka_unit_test(test_no_decode_after_an_error),
        cmocka_unit_test(test_lengths_that_do_not_fit),
        cmocka_unit_test(test_trailer_without_token),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
