// SPDX-License-Identifier: Apache-2.0
// Case folding.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/text.h"

static void known_letters(void **state) {
    (void)state;
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"", ""},
        {"Groups\\a-z_09{}", "GROUPS\\A-Z_09{}"},
        {"\xc3\xa9\xc3\x89", "\xc3\x89\xc3\x89"},                   // e acute
        {"\xc3\xbf", "\xc5\xb8"},                                   // y diaeresis: U+0178
        {"\xce\xb1\xcf\x89", "\xce\x91\xce\xa9"},                   // Greek
        {"\xd0\xb0\xd1\x8f\xd1\x9f", "\xd0\x90\xd0\xaf\xd0\x8f"},   // Cyrillic
        {"\xe1\xbe\x80", "\xe1\xbe\x88"},                           // U+1F80: its title case
        {"\xea\xad\xb0", "\xe1\x8e\xa0"},                           // U+AB70 to U+13A0
        {"\xc9\x90", "\xe2\xb1\xaf"},                               // two octets to three
        {"\xc4\xb1\xc5\xbf", "\xc4\xb1\xc5\xbf"},                   // never to ASCII
        {"\xc3\x9f", "\xc3\x9f"},                                   // sharp s
        {"\xf0\x90\x90\xa8", "\xf0\x90\x90\xa8"},                   // beyond the plane
        {"\xed\xa0\x80x\xed\xbf\xbf", "\xed\xa0\x80X\xed\xbf\xbf"}, // unpaired surrogates
        {"\xff\xc3", "\xff\xc3"},                                   // no text at all
        {"\xc1\xa1\xe0\x81\xa1", "\xc1\xa1\xe0\x81\xa1"},           // overlong letters
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer b = {0};
        text_fold(&b, cases[i].text, strlen(cases[i].text));
        assert_text(&b, cases[i].folded);
        assert_int_equal(text_compare_folded(cases[i].text, cases[i].folded), 0);
        buffer_free(&b);
    }
}

static void folding_twice_is_folding_once(void **state) {
    (void)state;
    struct buffer text = {0};
    struct buffer once = {0};
    struct buffer twice = {0};
    size_t changed = 0;
    for (uint32_t c = 1; c < 0x10000; c++) {
        uint8_t unit[2];
        cmrp_store(unit, 2, c, CMRP_LITTLE_ENDIAN);
        buffer_clear(&text);
        buffer_clear(&once);
        buffer_clear(&twice);
        text_from_units(&text, (cmrp_view){unit, 2}, CMRP_LITTLE_ENDIAN);
        text_fold(&once, (const char *)text.data, text.size);
        text_fold(&twice, (const char *)once.data, once.size);
        assert_octets(&twice, once.data, once.size);
        assert_int_equal(text_units((const char *)once.data, once.size), 1);
        if (once.size != text.size || memcmp(once.data, text.data, text.size) != 0) {
            changed++;
            assert_true(c < 0x80 || once.data[0] >= 0x80);
        }
    }
    assert_true(changed > 1100);
    buffer_free(&text);
    buffer_free(&once);
    buffer_free(&twice);
}

static int sign(int n) {
    return (n > 0) - (n < 0);
}

static void comparing_is_comparing_folded_texts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",          "a",          "A", "ab",           "AB",
        "b",         "Z",          "_", "\xc3\xa9",     "\xc3\x89",
        "e",         "\xc4\xb1",   "i", "\xed\xa0\x80", "\xf0\x90\x90\xa8",
        "a\xc3\xa9", "A\xc3\x89z",
    };
    const size_t count = sizeof texts / sizeof texts[0];
    for (size_t i = 0; i < count * count; i++) {
        const char *a = texts[i / count];
        const char *b = texts[i % count];
        struct buffer x = {0};
        struct buffer y = {0};
        text_fold(&x, a, strlen(a));
        text_fold(&y, b, strlen(b));
        assert_int_equal(sign(text_compare_folded(a, b)),
                         sign(strcmp(buffer_text(&x), buffer_text(&y))));
        buffer_free(&x);
        buffer_free(&y);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_letters),
        cmocka_unit_test(folding_twice_is_folding_once),
        cmocka_unit_test(comparing_is_comparing_folded_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
