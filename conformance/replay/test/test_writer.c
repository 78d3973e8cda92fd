// SPDX-License-Identifier: Apache-2.0
// The writer's shortcuts, read back by jansson: text of usual and unusual units at every place, hex
// of every octet at every length.
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
#include "util/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

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
    uint64_t random = 0x243f6a8885a308d3;
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t octets[2 * 18];
        const size_t count = round % (sizeof octets / 2 + 1);
        const cmrp_order order = round % 3 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
        for (size_t i = 0; i < count; i++) {
            const uint32_t r = next_random(&random);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_keys_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
