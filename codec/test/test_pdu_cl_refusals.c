// SPDX-License-Identifier: Apache-2.0
// Connectionless PDUs that are cut or lie about themselves, and values that cannot be encoded.
#include "pdu_cl_shapes.h"

// ---- decoding -----------------------------------------------------------------------------------

// Cuts that len admits: the fields of the body are cut.
static void test_cut_bodies(void **state) {
    (void)state;
    for (unsigned variant = 0; variant < CL_VARIANTS; variant++) {
        built b;
        build_cl_fields(&b, variant);
        const uint8_t ptype = cl_ptype_of(variant);
        const bool optional = ptype == CMRP_PTYPE_CL_NOCALL || ptype == CMRP_PTYPE_CL_FACK ||
                              ptype == CMRP_PTYPE_CL_CANCEL_ACK;
        for (size_t size = 80 + optional; size < b.size; size++) {
            cmrp_pdu_cl pdu;
            cmrp_error error = {0};
            size_t i = 0;
            while (b.cuts[i].end <= size) {
                i++;
            }
            patch_cl_len(&b, size - 80);
            const cmrp_view input = exact(b.octets, size);
            assert_false(cmrp_pdu_cl_decode(input, BASE, &pdu, NULL, NULL, &error));
            assert_error(&error, CMRP_E_TRUNCATED, BASE + b.cuts[i].offset, b.cuts[i].path,
                         cl_kinds[variant / 4].section);
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
            build_cl_variant(&b, 4 * CMRP_PTYPE_CL_ACK);
            b.octets[rows[i].at] = (uint8_t)octet;
            const bool fine = i == 0 ? octet == 4 : i == 1 ? octet < CL_KINDS : octet >> 4 < 2;
            assert_int_equal(cmrp_pdu_cl_peek(built_view(&b), BASE, &header, &error), fine);
            if (!fine) {
                assert_error(&error, rows[i].code, BASE + rows[i].at, rows[i].field, CL_HEADER);
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
    build_cl_variant(&b, 0);
    patch_cl_len(&b, 10);
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

// ---- encoding ----------------------------------------------------------------------------------

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
    build_cl_variant(&b, 0);
    assert_false(cmrp_pdu_cl_decode(built_view(&b), 0, &pdu, NULL, NULL, &error));
    assert_false(cmrp_pdu_cl_peek(built_view(&b), 0, &h, &error));
    memset(&pdu, 0, sizeof pdu);
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    assert_false(cmrp_pdu_cl_encode(&pdu, &w));
    assert_int_equal(w.size, 0);
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_nothing_after_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
