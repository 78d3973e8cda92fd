// SPDX-License-Identifier: Apache-2.0
// PDUs that are cut or lie about sizes, and values that cannot be encoded.
#include "pdu_shapes.h"

#define HEADER_SECTION "C706 12.6.3.1"

// ---- decoding -----------------------------------------------------------------------------------

// Cuts that frag_length admits: the fields of the body are cut.
static void test_cut_bodies(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        build_body(&b, variant);
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
                         kind_of(variant)->section);
            free_view(input);
        }
    }
}

// Decodes a request of which one octet differs, by peek and as a whole.
static void check_header(size_t at, uint8_t octet, cmrp_code code, const char *field,
                         uint64_t offset) {
    built b;
    cmrp_pdu pdu;
    cmrp_pdu_header header;
    cmrp_error error = {0};
    build_variant(&b, 0);
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

static bool peek(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_pdu_peek(input, offset, context, error);
}

static void test_peek_at_cut_headers(void **state) {
    (void)state;
    cmrp_pdu_header header;
    for (unsigned order = 0; order < 2; order++) {
        built b;
        build_variant(&b, 8 * 11 + order); // nothing but a header
        check_cuts(&b, peek, &header, BASE);
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
    for (size_t behind = 0; behind < 4; behind++) {
        built b;
        cmrp_pdu pdu;
        warnings w = {0};
        cmrp_error error = {0};
        build_variant(&b, 0);
        add_octets(&b, "behind", "xyz", behind, CMRP_OK, 0);
        assert_true(cmrp_pdu_decode(built_view(&b), BASE, &pdu, collect, &w, &error));
        assert_int_equal(w.count, behind > 0);
        if (behind > 0) {
            assert_error(&w.list[0], CMRP_E_TRAILING, BASE + 33, "pdu", HEADER_SECTION);
            assert_int_equal(w.list[0].left, behind);
        }
        assert_int_equal(pdu.stub.size, 9);
        assert_true(cmrp_pdu_decode(built_view(&b), BASE, &pdu, NULL, NULL, &error));
    }
}

static void test_auth_length(void **state) {
    (void)state;
    // A response: 8 octets of its own, 9 of stub data, 7 of padding, 8 of trailer, 5 of token.
    for (size_t length = 0; length <= 0xffff; length += length < 64 ? 1 : 4093) {
        built b;
        cmrp_pdu pdu;
        cmrp_error error = {0};
        build_variant(&b, 8 * 1 + 2);
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

// Neither the sec_trailer nor the padding before it can lie in the fields that every PDU of the
// kind has.
static void test_auth_behind_fixed_fields(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        built b;
        const size_t fixed = kind_of(variant)->fixed + (has_object(variant) ? 16 : 0);
        if (!has_auth(variant)) {
            continue;
        }
        build_variant(&b, variant);
        for (unsigned pad = 0; pad < 2; pad++) {
            for (size_t less = 0; less < 2; less++) {
                cmrp_pdu pdu;
                cmrp_error error = {0};
                patch_u16(&b, 10, b.size - 16 - fixed - 8 + less);
                b.octets[16 + fixed + 2] = (uint8_t)pad; // auth_pad_length when there is room
                const cmrp_view input = exact(b.octets, b.size);
                const bool ok = cmrp_pdu_decode(input, BASE, &pdu, NULL, NULL, &error);
                assert_int_equal(!ok && error.code == CMRP_E_AUTH_LENGTH, pad + less > 0);
                if (pad + less > 0) {
                    assert_int_equal(error.offset, BASE + (less ? 10 : 16 + fixed + 2));
                }
                free_view(input);
            }
        }
    }
}

static void test_auth_pad_length(void **state) {
    (void)state;
    for (unsigned pad = 0; pad < 256; pad++) {
        built b;
        cmrp_pdu pdu;
        cmrp_error error = {0};
        build_variant(&b, 8 * 1 + 2);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_peek_at_cut_headers),
        cmocka_unit_test(test_peek),
        cmocka_unit_test(test_message_of_frag_length),
        cmocka_unit_test(test_octets_behind),
        cmocka_unit_test(test_auth_length),
        cmocka_unit_test(test_auth_behind_fixed_fields),
        cmocka_unit_test(test_auth_pad_length),
        cmocka_unit_test(test_no_decode_after_an_error),
        cmocka_unit_test(test_lengths_that_do_not_fit),
        cmocka_unit_test(test_trailer_without_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
