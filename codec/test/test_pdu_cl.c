// SPDX-License-Identifier: Apache-2.0
// Connectionless PDUs of every kind, there and back.
#include "pdu_cl_shapes.h"

// ---- names --------------------------------------------------------------------------------------

static void test_names(void **state) {
    (void)state;
    uint8_t back = 99;
    for (unsigned ptype = 0; ptype < 300; ptype++) {
        const char *name = cmrp_ptype_cl_name(ptype);
        if (ptype >= CL_KINDS) {
            assert_null(name);
            continue;
        }
        assert_string_equal(name, cl_kinds[ptype].name);
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
    static rebuilt_cl r;
    static const cmrp_reservation len = {74, 2};
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        built b;
        cmrp_error error = {0};
        build_cl_variant(&b, variant);
        check_cuts(&b, decode_pdu_cl, &r.pdu, BASE);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, NULL, NULL, &error));
        list_cl_again(&r);
        check_encode(encode_pdu_cl, &r, input, &len);
        free_view(input);
    }
}

// A PDU need not begin where the writer does.
static bool encode_behind(void *context, cmrp_writer *w) {
    return cmrp_put_zero(w, "before", 3) && encode_pdu_cl(context, w);
}

static void test_a_pdu_behind_other_octets(void **state) {
    (void)state;
    static rebuilt_cl r;
    static const cmrp_reservation len = {3 + 74, 2};
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        built b;
        uint8_t expected[256] = {0};
        cmrp_error error = {0};
        build_cl_variant(&b, variant);
        assert_true(b.size + 3 <= sizeof expected);
        memcpy(expected + 3, b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(built_view(&b), BASE, &r.pdu, NULL, NULL, &error));
        list_cl_again(&r);
        check_encode(encode_behind, &r, (cmrp_view){expected, 3 + b.size}, &len);
    }
}

static void test_header(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        built b;
        cmrp_pdu_cl pdu;
        cmrp_pdu_cl_header peeked;
        cmrp_error error = {0};
        decode_cl_variant(&b, variant, &pdu);
        const cmrp_pdu_cl_header *h = &pdu.header;
        assert_int_equal(h->ptype, cl_ptype_of(variant));
        assert_int_equal(h->flags1, 0x2c);
        assert_int_equal(h->flags2, 4);
        assert_int_equal(h->drep[2], 0x7f);
        assert_int_equal(h->order, variant % 2);
        assert_int_equal(h->serial, 0xa1b2);
        assert_memory_equal(h->object.octets, cl_uuids[0], 16);
        assert_memory_equal(h->if_id.octets, cl_uuids[1], 16);
        assert_memory_equal(h->act_id.octets, cl_uuids[2], 16);
        assert_int_equal(h->server_boot, 0x5f000001);
        assert_int_equal(h->if_vers, 2);
        assert_int_equal(h->if_vers_minor, 7);
        assert_int_equal(h->seqnum, 0x01020304);
        assert_int_equal(h->opnum, 0x0105);
        assert_int_equal(h->ihint, 0x0106);
        assert_int_equal(h->ahint, 0x0107);
        assert_int_equal(h->fragnum, 0x0108);
        assert_int_equal(h->auth_proto, cl_has_auth(variant) ? 10 : 0);
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
        decode_cl_variant(&b, 4 * CMRP_PTYPE_CL_REQUEST + order, &pdu);
        assert_int_equal(pdu.stub.size, 9);
        assert_ptr_equal(pdu.stub.data, b.octets + 80);
        decode_cl_variant(&b, 4 * CMRP_PTYPE_CL_REJECT + order, &pdu);
        assert_int_equal(pdu.status, 0x1c010002);
        decode_cl_variant(&b, 4 * CMRP_PTYPE_CL_FACK + order, &pdu);
        assert_true(pdu.has_body);
        assert_int_equal(pdu.vers, 1);
        assert_int_equal(pdu.pad, 9);
        assert_int_equal(pdu.window_size, 0x0201);
        assert_int_equal(pdu.max_tsdu, 0x11223344);
        assert_int_equal(pdu.max_frag_size, 0x55667788);
        assert_int_equal(pdu.serial_num, 0xa1b1);
        assert_int_equal(pdu.selack_len, CL_MASKS);
        assert_int_equal(cmrp_pdu_cl_selack(&pdu, 0), 0x80000001);
        assert_int_equal(cmrp_pdu_cl_selack(&pdu, 1), 0x01020304);
        decode_cl_variant(&b, 4 * CMRP_PTYPE_CL_CANCEL_ACK + order, &pdu);
        assert_int_equal(pdu.vers, 0);
        assert_int_equal(pdu.cancel_id, 0x0a0b0c0d);
        assert_int_equal(pdu.server_is_accepting, 1);
    }
}

static void test_auth(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        built b;
        cmrp_pdu_cl pdu;
        decode_cl_variant(&b, variant, &pdu);
        assert_int_equal(pdu.has_auth, cl_has_auth(variant));
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

// ---- octets that no field accounts for ----------------------------------------------------------

static void test_rests(void **state) {
    (void)state;
    static rebuilt_cl r;
    for (unsigned ptype = 0; ptype < CL_KINDS; ptype++) {
        built b;
        cmrp_error error = {0};
        warnings w = {0};
        const bool stub = ptype == CMRP_PTYPE_CL_REQUEST || ptype == CMRP_PTYPE_CL_RESPONSE;
        build_cl_fields(&b, 4 * ptype);
        const size_t end = b.size;
        add_octets(&b, "", "rest", 4, CMRP_OK, 0);
        patch_cl_len(&b, b.size - 80);
        const size_t size = b.size;
        add_octets(&b, "", "behind", 6, CMRP_OK, 0);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, collect, &w, &error));
        assert_int_equal(w.count, stub ? 1 : 2);
        if (!stub) {
            assert_error(&w.list[0], CMRP_E_TRAILING, BASE + end, "body", cl_kinds[ptype].section);
            assert_int_equal(w.list[0].left, 4);
            assert_int_equal(r.pdu.trailing.size, 4);
            assert_memory_equal(r.pdu.trailing.data, "rest", 4);
        }
        assert_error(&w.list[w.count - 1], CMRP_E_TRAILING, BASE + size, "pdu", CL_HEADER);
        assert_int_equal(w.list[w.count - 1].left, 6);
        list_cl_again(&r);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode_pdu_cl, &r, (cmrp_view){input.data, size}, &len);
        free_view(input);
    }
}

static void test_unknown_versions(void **state) {
    (void)state;
    static rebuilt_cl r;
    static const uint8_t some[] = {CMRP_PTYPE_CL_FACK, CMRP_PTYPE_CL_NOCALL,
                                   CMRP_PTYPE_CL_CL_CANCEL, CMRP_PTYPE_CL_CANCEL_ACK};
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        built b;
        cmrp_error error = {0};
        warnings w = {0};
        const size_t width = i < 2 ? 1 : 4;
        build_cl_fields(&b, 4u * some[i]);
        b.octets[80] = 2;
        patch_cl_len(&b, b.size - 80);
        const cmrp_view input = exact(b.octets, b.size);
        assert_true(cmrp_pdu_cl_decode(input, BASE, &r.pdu, collect, &w, &error));
        assert_int_equal(w.count, 1);
        assert_int_equal(w.list[0].offset, BASE + 80 + width);
        assert_int_equal(r.pdu.vers, 2);
        assert_int_equal(r.pdu.trailing.size, b.size - 80 - width);
        assert_int_equal(r.pdu.selack_len, 0);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode_pdu_cl, &r, input, &len);
        free_view(input);
    }
}

static void test_bodies_left_out(void **state) {
    (void)state;
    static const uint8_t some[] = {CMRP_PTYPE_CL_FACK, CMRP_PTYPE_CL_NOCALL,
                                   CMRP_PTYPE_CL_CANCEL_ACK};
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        static rebuilt_cl r;
        built b;
        cmrp_error error = {0};
        build_cl_fields(&b, 4u * some[i]);
        const cmrp_view input = exact(b.octets, 80);
        assert_true(cmrp_pdu_cl_decode(input, 0, &r.pdu, NULL, NULL, &error));
        assert_false(r.pdu.has_body);
        static const cmrp_reservation len = {74, 2};
        check_encode(encode_pdu_cl, &r, input, &len);
        free_view(input);
    }
}

// ---- mutations ----------------------------------------------------------------------------------

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    (void)seed;
    rebuilt_cl *r = context;
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
    list_cl_again(r);
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    assert_true(cmrp_pdu_cl_encode(pdu, &w));
    assert_int_equal(w.size, size);
    assert_memory_equal(out, input.data, size);
    return true;
}

static void test_mutations(void **state) {
    (void)state;
    static built b[CL_VARIANTS];
    static rebuilt_cl r;
    cmrp_view seeds[CL_VARIANTS];
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        build_cl_variant(&b[variant], variant);
        seeds[variant] = built_view(&b[variant]);
    }
    run_mutations(seeds, CL_VARIANTS, decode_mutation, &r);
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
        cmocka_unit_test(test_rests),
        cmocka_unit_test(test_unknown_versions),
        cmocka_unit_test(test_bodies_left_out),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
