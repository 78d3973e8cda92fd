// SPDX-License-Identifier: Apache-2.0
// The writer's shortcuts, read back by jansson: text of usual and unusual units at every place, hex
// of every octet at every length, stubs against json/.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "replay/writer.h"
#include "support.h"
#include "util/text.h"
#include "json/json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static void check_text(cmrp_view units, cmrp_order order, bool ascii) {
    struct buffer utf8 = {0};
    struct buffer out = {0};
    struct writer w = {.out = &out, .ascii = ascii};
    json_error_t error;
    text_from_utf16(&utf8, units, order);
    writer_open(&w, '[');
    writer_number(&w, 1);
    writer_utf16(&w, units, order);
    writer_number(&w, 2);
    writer_close(&w, ']');
    for (size_t i = 0; ascii && i < out.size; i++) {
        assert_in_range(out.data[i], 0x20, 0x7e);
    }
    json_t *list = json_loadb((const char *)out.data, out.size, 0, &error);
    assert_int_equal(json_array_size(list), 3);
    const json_t *text = json_array_get(list, 1);
    assert_int_equal(json_string_length(text), utf8.size);
    assert_string_equal(json_string_value(text), buffer_text(&utf8));
    json_decref(list);
    buffer_free(&utf8);
    buffer_free(&out);
}

static void test_text(void **state) {
    static const uint16_t edges[] = {0x01, 0x09, 0x1f,  0x20,  0x21,   0x22,   0x23,
                                     0x2f, 0x5b, 0x5c,  0x5d,  0x7e,   0x7f,   0x80,
                                     0xa0, 0xff, 0x100, 0x122, 0x7f41, 0x8041, 0xfffd};
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t octets[2 * 18];
        const size_t count = round % (sizeof octets / 2 + 1);
        const cmrp_order order = round % 3 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
        for (size_t i = 0; i < count; i++) {
            const uint32_t r = random_below(UINT32_MAX);
            const uint16_t unit =
                r % 16 == 0 ? edges[r / 16 % COUNT_OF(edges)] : (uint16_t)('A' + r / 16 % 26);
            cmrp_store(octets + 2 * i, 2, unit, order);
        }
        check_text((cmrp_view){octets, 2 * count}, order, round % 2 == 0);
    }
}

static void test_hex(void **state) {
    (void)state;
    uint8_t octets[256 + 8];
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)i;
    }
    for (size_t size = 0; size <= sizeof octets; size++) {
        char expected[2 * sizeof octets + 3] = "\"";
        struct buffer out = {0};
        struct writer w = {.out = &out};
        for (size_t i = 0; i < size; i++) {
            snprintf(expected + 1 + 2 * i, 3, "%02x", octets[i]);
        }
        strcat(expected, "\"");
        writer_hex(&w, (cmrp_view){octets, size});
        assert_string_equal(buffer_text(&out), expected);
        buffer_free(&out);
    }
}

static void test_keys_and_names(void **state) {
    (void)state;
    struct buffer out = {0};
    struct writer w = {.out = &out};
    writer_open(&w, '{');
    writer_key(&w, "a");
    writer_name(&w, "CLUSREG_SET_VALUE");
    writer_key(&w, "bc");
    writer_name(&w, "");
    writer_close(&w, '}');
    assert_string_equal(buffer_text(&out), "{\"a\":\"CLUSREG_SET_VALUE\",\"bc\":\"\"}");
    buffer_free(&out);
}

static void test_writer_values(void **state) {
    (void)state;
    struct buffer out = {0};
    struct writer w = {.out = &out};
    writer_open(&w, '[');
    writer_number(&w, 0);
    writer_number(&w, UINT64_MAX);
    writer_signed(&w, INT32_MIN);
    writer_decimal(&w, UINT64_MAX);
    writer_null(&w);
    writer_string(&w, "a\"\\\n\x1f\x7f\xc3\xa9");
    w.ascii = true;
    writer_string(&w, "\x7f\xc3\xa9\xf0\x9f\x98\x80");
    writer_open(&w, '{');
    writer_close(&w, '}');
    writer_close(&w, ']');
    assert_string_equal(buffer_text(&out),
                        "[0,18446744073709551615,-2147483648,\"18446744073709551615\",null,"
                        "\"a\\\"\\\\\\n\\u001F\x7f\xc3\xa9\",\"\\u007F\\u00E9\\uD83D\\uDE00\",{}]");
    buffer_free(&out);
}

// ---- stubs --------------------------------------------------------------------------------------

// What the writer makes of a stub is what json/ makes of it. Returns false for one that does not
// decode.
static bool expect_same_json(const cmrp_stub_format *format, cmrp_view stub, bool ascii) {
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = *format};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    struct buffer out = {0};
    struct writer w = {.out = &out, .ascii = ascii};
    if (!cmrp_stub_decode(format, stub, 0, slots, NULL, NULL, &error)) {
        return false;
    }
    writer_params(&w, format, slots);
    json_t *value = json_decode(&how, stub, 0, &error);
    char *expected = json_dumps(json_object_get(value, "params"), JSON_COMPACT);
    json_t *written = json_loads(buffer_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_equal(written, json_object_get(value, "params")));
    if (!ascii) {
        assert_string_equal(buffer_text(&out), expected);
    }
    free(expected);
    json_decref(written);
    json_decref(value);
    buffer_free(&out);
    return true;
}

static struct buffer stub_of(const char *hex) {
    struct conversation c = {0};
    struct buffer stub = {0};
    cmrp_pdu pdu;
    cmrp_error error = {0};
    talk_call(&c, 1, 0, hex, NULL);
    assert_true(cmrp_pdu_decode(buffer_view(&c.octets), 0, &pdu, NULL, NULL, &error));
    buffer_append(&stub, pdu.stub.data, pdu.stub.size);
    conversation_free(&c);
    return stub;
}

static void test_writer(void **state) {
    (void)state;
    static const struct {
        const char *method;
        bool response;
        cmrp_syntax syntax;
        const char *hex;
    } stubs[] = {
        {"ApiAddNotifyV2", false, CMRP_NDR20,
         HANDLE HANDLE2 "02000000 00000000 1800000000000000 07000000 02000000 01000000"},
        {"ApiExecuteBatch", false, CMRP_NDR20,
         HANDLE "32000000 32000000 01000000"
                "01000000 01000000 04000000 61000000 03000000 010203 00"
                "02000000 00000000 06000000 6200e9000000 00000000"},
        {"ApiExecuteBatch", true, CMRP_NDR20, "feffffff 00000000 0d000000"},
        {"ApiGetNotify", true, CMRP_NDR20,
         "07000000 00300080 09000000 00000200 05000000 00000000 05000000"
         "22005c000a003dd8 0000 0000 00000000 00000000"},
        {"ApiGetNotify", true, CMRP_NDR20,
         "07000000 00300080 09000000 00000200 05000000 00000000 05000000"
         "e9003dd800de0100 0000 0000 00000000 00000000"},
        {"ApiGetNotifyV2", true, CMRP_NDR20,
         "00000200 01000000 05000000 00000000 02000000 00000000 0800000000000000"
         "04000200 04000000 08000200 00000000 0c000200 00000000"
         "04000000 03000000 02000000 00000000 02000000 67000000 02000000 00000000 02000000"
         "41000000 01000000 00000000"},
        {"ApiGetNotifyAsync", true, CMRP_NDR64,
         "0000020000000000 0100000000000000 01000000 00100000 0400020000000000"
         "0200000000000000 0000000000000000 0200000000000000 41000000 01000000 00000000"},
        {"ApiGetClusterVersion2", true, CMRP_NDR20,
         "0600 0300 8025 0000 00000000 00000000 00000200 14000000 00000800 00000800 00000000"
         "00000000 00000000 00000000"},
        {"ApiEnumKey", true, CMRP_NDR20, "00000000 0100000002000000 00000000 00000000"},
    };
    enum { ROUNDS = 4000 };
    uint64_t compared = 0;
    for (size_t i = 0; i < sizeof stubs / sizeof stubs[0]; i++) {
        struct buffer stub = stub_of(stubs[i].hex);
        const cmrp_stub_format format = {.method =
                                             cmrp_method_named(CMRP_INTERFACE_3, stubs[i].method),
                                         .interface = CMRP_INTERFACE_3,
                                         .response = stubs[i].response,
                                         .syntax = stubs[i].syntax};
        assert_true(expect_same_json(&format, buffer_view(&stub), false));
        for (int round = 0; round < ROUNDS; round++) {
            struct buffer mutant = {0};
            buffer_append(&mutant, stub.data, stub.size);
            for (uint32_t n = 1 + random_below(3); n > 0; n--) {
                mutant.data[random_below((uint32_t)mutant.size)] = (uint8_t)random_below(256);
            }
            compared += expect_same_json(&format, buffer_view(&mutant), round % 2 == 0);
            buffer_free(&mutant);
        }
        buffer_free(&stub);
    }
    assert_true(compared > ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),           cmocka_unit_test(test_hex),
        cmocka_unit_test(test_keys_and_names), cmocka_unit_test(test_writer_values),
        cmocka_unit_test(test_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
