// SPDX-License-Identifier: Apache-2.0
// UTF-16, UTF-8 and what is escaped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/text.h"

static void every_character_there_and_back(void **state) {
    (void)state;
    struct buffer utf8 = {0};
    struct buffer units = {0};
    struct buffer back = {0};
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff) {
            continue;
        }
        const cmrp_order order = c % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
        uint8_t raw[4];
        size_t size = 2;
        if (c < 0x10000) {
            cmrp_store(raw, 2, c, order);
        } else {
            size = 4;
            cmrp_store(raw, 2, 0xd7c0 + (c >> 10), order);
            cmrp_store(raw + 2, 2, 0xdc00 | (c & 0x3ff), order);
        }
        buffer_clear(&utf8);
        buffer_clear(&back);
        text_from_utf16(&utf8, (cmrp_view){raw, size}, order);
        assert_int_equal(utf8.size, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        assert_true(text_to_utf16(&back, (const char *)utf8.data, utf8.size, order));
        assert_octets(&back, raw, size);
    }
    buffer_free(&utf8);
    buffer_free(&units);
    buffer_free(&back);
}

static void times(void **state) {
    (void)state;
    struct buffer out = {0};
    text_utc(&out, 0, 0, 6);
    assert_text(&out, "1970-01-01T00:00:00.000000Z");
    buffer_clear(&out);
    text_utc(&out, 1767323045, 123456789, 3);
    assert_text(&out, "2026-01-02T03:04:05.123Z");
    buffer_clear(&out);
    text_utc(&out, 1767323045, 999999999, 9);
    assert_text(&out, "2026-01-02T03:04:05.999999999Z");
    buffer_free(&out);
}

static void known_encodings(void **state) {
    (void)state;
    // A, e acute, the euro sign, G clef
    static const uint8_t little[] = {0x41, 0, 0xe9, 0, 0xac, 0x20, 0x34, 0xd8, 0x1e, 0xdd};
    static const uint8_t big[] = {0, 0x41, 0, 0xe9, 0x20, 0xac, 0xd8, 0x34, 0xdd, 0x1e};
    static const char utf8[] = "A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e";
    struct buffer b = {0};
    text_from_utf16(&b, (cmrp_view){little, sizeof little}, CMRP_LITTLE_ENDIAN);
    assert_text(&b, utf8);
    buffer_clear(&b);
    text_from_utf16(&b, (cmrp_view){big, sizeof big}, CMRP_BIG_ENDIAN);
    assert_text(&b, utf8);
    buffer_clear(&b);
    assert_true(text_to_utf16(&b, utf8, strlen(utf8), CMRP_BIG_ENDIAN));
    assert_octets(&b, big, sizeof big);
    buffer_free(&b);
}

static void lone_surrogates_are_replaced(void **state) {
    (void)state;
    static const struct {
        uint16_t units[3];
        size_t count;
        const char *utf8;
    } cases[] = {
        {{0xd800}, 1, "\xef\xbf\xbd"},
        {{0xdfff}, 1, "\xef\xbf\xbd"},
        {{0xd800, 'a'},
         2,
         "\xef\xbf\xbd"
         "a"},
        {{0xdc00, 0xd800}, 2, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{0xd800, 0xd834, 0xdd1e}, 3, "\xef\xbf\xbd\xf0\x9d\x84\x9e"},
        {{0xd834, 0xdd1e, 0xdd1e}, 3, "\xf0\x9d\x84\x9e\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer units = {0};
        struct buffer text = {0};
        for (size_t u = 0; u < cases[i].count; u++) {
            cmrp_store(buffer_extend(&units, 2), 2, cases[i].units[u], CMRP_LITTLE_ENDIAN);
        }
        text_from_utf16(&text, buffer_view(&units), CMRP_LITTLE_ENDIAN);
        assert_text(&text, cases[i].utf8);
        buffer_free(&units);
        buffer_free(&text);
    }
}

static void invalid_utf8_is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "\x80",                 // continuation alone
        "\xbf",                 //
        "a\xc3",                // cut
        "\xe2\x82",             //
        "\xf0\x9d\x84",         //
        "\xc3(",                // not a continuation
        "\xc0\x80",             // overlong NUL
        "\xc1\xbf",             // overlong
        "\xe0\x9f\xbf",         //
        "\xf0\x8f\xbf\xbf",     //
        "\xed\xa0\x80",         // surrogates
        "\xed\xbf\xbf",         //
        "\xf4\x90\x80\x80",     // beyond U+10FFFF
        "\xf5\x80\x80\x80",     //
        "\xf8\x88\x80\x80\x80", // five octets
        "\xff",
        "\xfe",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        struct buffer shown = {0};
        const size_t size = strlen(cases[i]);
        char *text = exact(cases[i], size);
        buffer_append(&out, "kept", 4);
        assert_false(text_to_utf16(&out, text, size, CMRP_LITTLE_ENDIAN));
        assert_octets(&out, "kept", 4);
        // To be shown, every octet that is not UTF-8 becomes an escape.
        text_escape(&shown, text, size);
        for (size_t c = 0; c < shown.size; c++) {
            assert_in_range(shown.data[c], 0x20, 0x7e);
        }
        assert_non_null(strstr(buffer_text(&shown), "\\x"));
        free(text);
        buffer_free(&out);
        buffer_free(&shown);
    }
}

static void hostile_text_is_escaped(void **state) {
    (void)state;
    static const struct {
        const char *utf8;
        const char *shown;
    } cases[] = {
        {"", ""},
        {"Group 1/@#'", "Group 1/@#'"},
        {"\"a\\b\"", "\\\"a\\\\b\\\""},
        {"\x1b[31m\x07\r\n\t", "\\x1b[31m\\x07\\x0d\\x0a\\x09"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\x9b31m"}, // C1: CSI in one character
        {"\xc2\x80\xc2\x9f\xc2\xa0", "\\x80\\x9f\xc2\xa0"},
        {"\xc2\xad", "\\xad"}, // soft hyphen
        {"a\xe2\x80\xae"
         "b",
         "a\\u{202e}b"}, // right-to-left override
        {"\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}"},
        {"\xd8\x9c", "\\u{61c}"},
        {"\xe2\x80\x8b\xe2\x80\x8f", "\\u{200b}\\u{200f}"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
        {"\xef\xbb\xbf", "\\u{feff}"},
        {"\xf3\xa0\x80\xa1", "\\u{e0021}"}, // tag characters
        {"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e", "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"},
        {"a\xff"
         "b",
         "a\\xffb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        text_escape(&out, cases[i].utf8, strlen(cases[i].utf8));
        assert_text(&out, cases[i].shown);
        buffer_clear(&out);
        struct buffer units = {0};
        if (text_to_utf16(&units, cases[i].utf8, strlen(cases[i].utf8), CMRP_BIG_ENDIAN)) {
            text_escape_utf16(&out, buffer_view(&units), CMRP_BIG_ENDIAN);
            assert_text(&out, cases[i].shown);
        }
        buffer_free(&units);
        buffer_free(&out);
    }
    struct buffer out = {0};
    text_escape(&out, "a\0b", 3);
    assert_text(&out, "a\\x00b");
    buffer_clear(&out);
    text_escape_utf16(&out, (cmrp_view){(const uint8_t *)"\x00\xd8\x61\x00\x00\xdc", 6},
                      CMRP_LITTLE_ENDIAN);
    assert_text(&out, "\\u{d800}a\\u{dc00}");
    buffer_free(&out);
}

// What text_escape prints names the original text: no two texts are shown alike.
static void escapes_are_unambiguous(void **state) {
    (void)state;
    struct buffer control = {0};
    struct buffer spelled = {0};
    text_escape(&control, "\x1b", 1);
    text_escape(&spelled, "\\x1b", 4);
    assert_string_not_equal(buffer_text(&control), buffer_text(&spelled));
    buffer_free(&control);
    buffer_free(&spelled);
}

static void units_there_and_back(void **state) {
    (void)state;
    struct buffer text = {0};
    struct buffer back = {0};
    for (uint32_t a = 0; a < 0x10000; a += a < 0xd700 || a > 0xe000 ? 251 : 1) {
        static const uint16_t seconds[] = {0, 'a', 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000};
        for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
            const cmrp_order order = i % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
            uint8_t raw[6];
            cmrp_store(raw, 2, a, order);
            cmrp_store(raw + 2, 2, seconds[i], order);
            cmrp_store(raw + 4, 2, a, order);
            buffer_clear(&text);
            buffer_clear(&back);
            text_from_units(&text, (cmrp_view){raw, 6}, order);
            assert_int_equal(text_units((const char *)text.data, text.size), 3);
            assert_true(text_to_units(&back, (const char *)text.data, text.size, order));
            assert_octets(&back, raw, 6);
        }
    }
    buffer_free(&text);
    buffer_free(&back);
}

static void surrogates_are_kept(void **state) {
    (void)state;
    static const uint8_t units[] = {'a', 0, 0x00, 0xd8, 0x00, 0xdc, 0x00, 0xdc, 0xff, 0xdb, 'b', 0};
    struct buffer b = {0};
    text_from_units(&b, (cmrp_view){units, sizeof units}, CMRP_LITTLE_ENDIAN);
    assert_text(&b, "a\xf0\x90\x80\x80\xed\xb0\x80\xed\xaf\xbf"
                    "b");
    buffer_clear(&b);
    text_from_units(&b, (cmrp_view){units, 3}, CMRP_LITTLE_ENDIAN); // an odd octet
    assert_text(&b, "a");
    buffer_free(&b);
}

static void what_no_units_make_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "\xed\xa0\x80\xed\xb0\x80", "\x80",  "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xf8\x88",
        "\xf4\x90\x80\x80",         "x\xff",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer b = {0};
        buffer_append(&b, "before", 6);
        assert_false(text_to_units(&b, texts[i], strlen(texts[i]), CMRP_LITTLE_ENDIAN));
        assert_octets(&b, "before", 6);
        buffer_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_there_and_back),
        cmocka_unit_test(times),
        cmocka_unit_test(known_encodings),
        cmocka_unit_test(lone_surrogates_are_replaced),
        cmocka_unit_test(units_there_and_back),
        cmocka_unit_test(surrogates_are_kept),
        cmocka_unit_test(what_no_units_make_is_refused),
        cmocka_unit_test(invalid_utf8_is_refused),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(escapes_are_unambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
