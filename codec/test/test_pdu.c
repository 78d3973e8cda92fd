// SPDX-License-Identifier: Apache-2.0
// PDUs that are well-formed, and mutations; refusals are in test_pdu_refusals.c.
#include "pdu_shapes.h"

// ---- names --------------------------------------------------------------------------------------

static void test_ptype_names(void **state) {
    (void)state;
    size_t known = 0;
    for (unsigned ptype = 0; ptype < 1000; ptype++) {
        const char *name = cmrp_ptype_name(ptype);
        if (known < PTYPES && pdu_kinds[known].ptype == ptype) {
            uint8_t back = 99;
            assert_non_null(name);
            assert_string_equal(name, pdu_kinds[known++].name);
            assert_true(cmrp_ptype_named(name, &back));
            assert_int_equal(back, ptype);
        } else {
            assert_null(name);
        }
    }
    assert_int_equal(known, PTYPES);
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
    for (size_t i = 0; i < PTYPES; i++) {
        const uint8_t ptype = pdu_kinds[i].ptype;
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

// ---- every kind ---------------------------------------------------------------------------------

static void test_every_kind(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation frag_length = {8, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_error error = {0};
        build_variant(&b, variant);
        check_cuts(&b, decode_pdu, &r.pdu, BASE);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_decode(input, BASE, &r.pdu, NULL, NULL, &error));
        list_again(&r);
        check_encode(encode_pdu, &r, input, &frag_length);
        free_view(input);
    }
}

// A PDU need not begin where the writer does: its alignment and length count from its first octet.
static bool encode_behind(void *context, cmrp_writer *w) {
    return cmrp_put_zero(w, "before", 3) && encode_pdu(context, w);
}

static void test_a_pdu_behind_other_octets(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation frag_length = {3 + 8, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        uint8_t expected[512] = {0};
        cmrp_error error = {0};
        build_variant(&b, variant);
        assert_true(b.size + 3 <= sizeof expected);
        memcpy(expected + 3, b.octets, b.size);
        assert_true(cmrp_pdu_decode(built_view(&b), BASE, &r.pdu, NULL, NULL, &error));
        list_again(&r);
        check_encode(encode_behind, &r, (cmrp_view){expected, 3 + b.size}, &frag_length);
    }
}

// ---- single facts -------------------------------------------------------------------------------

static void decode_variant(built *b, unsigned ptype_index, unsigned variant, cmrp_pdu *pdu) {
    cmrp_error error = {0};
    build_variant(b, 8 * ptype_index + variant);
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

// The address with and without its NUL, down to none at all.
static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *wire;
        size_t length;
        size_t size; // without the NUL
    } rows[] = {{"", 0, 0}, {"\0", 1, 0}, {"7", 1, 1}, {"7\0", 2, 1}, {"\0\0", 2, 1}, {"49", 2, 2}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static rebuilt r;
        built b;
        cmrp_error error = {0};
        build_variant(&b, 8 * 4 + 2);
        // The address of the shape is 6 octets long, its gap none: keep what is behind them.
        uint8_t rest[512];
        const size_t rest_size = b.size - 32;
        memcpy(rest, b.octets + 32, rest_size);
        b.size = 26;
        patch_u16(&b, 24, rows[i].length);
        add_octets(&b, "", rows[i].wire, rows[i].length, CMRP_OK, 0);
        ndr_align(&b, "", 4);
        add_octets(&b, "", rest, rest_size, CMRP_OK, 0);
        patch_u16(&b, 8, b.size);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_decode(input, 0, &r.pdu, NULL, NULL, &error));
        assert_int_equal(r.pdu.sec_addr.size, rows[i].size);
        assert_memory_equal(r.pdu.sec_addr.data, rows[i].wire, rows[i].size);
        assert_int_equal(r.pdu.list_count, CONTEXTS);
        list_again(&r);
        if (rows[i].length == (rows[i].size > 0 ? rows[i].size + 1 : 0)) {
            static const cmrp_reservation frag_length = {8, 2};
            check_encode(encode_pdu, &r, input, &frag_length);
        }
        free_view(input);
    }
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
        if (pdu_kinds[i].ptype == CMRP_PTYPE_AUTH3) {
            assert_memory_equal(pdu.auth3_pad, "pads", 4);
        }
    }
}

// ---- mutations ----------------------------------------------------------------------------------

static void check_views(const cmrp_pdu *pdu, cmrp_view input) {
    assert_true(inside(pdu->stub, input) && inside(pdu->sec_addr, input));
    assert_true(inside(pdu->list, input) && inside(pdu->extension, input));
    assert_true(inside(pdu->auth_padding, input) && inside(pdu->auth_token, input));
    assert_true(inside(pdu->trailing, input));
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

typedef struct rests {
    cmrp_error warnings[3];
    size_t count;
} rests;

static void note_rest(void *context, const cmrp_error *warning) {
    rests *seen = context;
    assert_true(seen->count < 3);
    seen->warnings[seen->count++] = *warning;
}

// Octets that no field accounts for: inside the body, and behind the PDU.
static void test_rests(void **state) {
    (void)state;
    const uint8_t octets[] = {
        5, 0, CMRP_PTYPE_SHUTDOWN, 3, 16, 0, 0, 0, 19, 0, 0, 0, 1, 0, 0, 0, 7, 7, 7, 9, 9};
    cmrp_error error = {0};
    cmrp_pdu pdu;
    rests seen = {0};
    assert_true(
        cmrp_pdu_decode((cmrp_view){octets, sizeof octets}, 100, &pdu, note_rest, &seen, &error));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.warnings[0].code, CMRP_E_TRAILING);
    assert_string_equal(seen.warnings[0].field, "body");
    assert_int_equal(seen.warnings[0].offset, 116);
    assert_int_equal(seen.warnings[0].left, 3);
    assert_string_equal(seen.warnings[0].section, "C706 12.6.4.11");
    assert_string_equal(seen.warnings[1].field, "pdu");
    assert_int_equal(seen.warnings[1].offset, 119);
    assert_int_equal(seen.warnings[1].left, 2);
    assert_int_equal(pdu.trailing.size, 3);
    assert_ptr_equal(pdu.trailing.data, octets + 16);
    seen.count = 0;
    assert_true(cmrp_pdu_decode((cmrp_view){octets, sizeof octets}, 0, &pdu, NULL, NULL, &error));
    assert_int_equal(seen.count, 0);
}

// They are written again, before the authentication.
static void test_rests_are_written(void **state) {
    (void)state;
    static rebuilt r;
    static const cmrp_reservation frag_length = {8, 2};
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        cmrp_error error = {0};
        rests seen = {0};
        const uint8_t ptype = kind_of(variant)->ptype;
        if (has_auth(variant) || ptype <= CMRP_PTYPE_FAULT || ptype == CMRP_PTYPE_BIND_NAK) {
            continue; // the last field of those takes everything
        }
        build_variant(&b, variant);
        const size_t end = b.size;
        add_octets(&b, "", "rest", 4, CMRP_OK, 0);
        const size_t trailer = b.size;
        add_octets(&b, "", "\xbb\x09\x06\x01\0\0\0\0\1token", 14, CMRP_OK, 0);
        patch_u16(&b, 8, b.size);
        patch_u16(&b, 10, 5);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_decode(input, BASE, &r.pdu, note_rest, &seen, &error));
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.warnings[0].offset, BASE + end);
        assert_ptr_equal(r.pdu.trailing.data, input.data + end);
        assert_int_equal(r.pdu.trailing.size, 4);
        assert_int_equal(r.pdu.auth_padding.size, 1);
        assert_ptr_equal(r.pdu.auth_padding.data, input.data + trailer);
        list_again(&r);
        check_encode(encode_pdu, &r, input, &frag_length);
        free_view(input);
    }
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
        cmocka_unit_test(test_ptype_names),
        cmocka_unit_test(test_flag_names),
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_a_pdu_behind_other_octets),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_response_and_fault),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_bind_ack),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_bind_nak),
        cmocka_unit_test(test_auth3_and_bodiless),
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_rests_are_written),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
