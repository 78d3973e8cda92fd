// SPDX-License-Identifier: Apache-2.0
// Hex as data: strict, and as people paste it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/hex.h"

static void hex_of_every_octet(void **state) {
    (void)state;
    struct buffer octets = {0};
    struct buffer text = {0};
    struct buffer back = {0};
    size_t at = 99;
    for (unsigned i = 0; i < 256; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", i);
        const uint8_t octet = (uint8_t)i;
        buffer_clear(&text);
        hex_append(&text, (cmrp_view){&octet, 1});
        assert_text(&text, digits);
        buffer_append(&octets, &octet, 1);
    }
    char *whole = hex_text(buffer_view(&octets));
    assert_int_equal(strlen(whole), 512);
    assert_true(hex_parse(whole, 512, &back, &at));
    assert_octets(&back, octets.data, octets.size);
    free(whole);
    buffer_free(&octets);
    buffer_free(&text);
    buffer_free(&back);

    char *empty = hex_text((cmrp_view){NULL, 0});
    assert_string_equal(empty, "");
    free(empty);
}

static void strict_hex_says_where_it_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"0", 1},       {"000", 3},   {"0g", 1},  {"g0", 0},    {"00 11", 2},
        {"0x00", 1},    {"00\n", 2},  {"00:", 2}, {"0011-", 4}, {"\xc3\xa9", 0},
        {"001122/", 6}, {"00:11", 2}, {"@0", 0},  {"0`", 1},    {"0G", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        buffer_append(&out, "kept", 4);
        const size_t size = strlen(cases[i].text);
        char *text = exact(cases[i].text, size);
        size_t at = 99;
        assert_false(hex_parse(text, size, &out, &at));
        assert_int_equal(at, cases[i].at);
        assert_octets(&out, "kept", 4);
        free(text);
        buffer_free(&out);
    }
    struct buffer out = {0};
    size_t at = 99;
    assert_true(hex_parse("", 0, &out, &at));
    assert_int_equal(out.size, 0);
    assert_true(hex_parse("aAfF09", 6, &out, &at));
    assert_octets(&out, "\xaa\xff\x09", 3);
    buffer_free(&out);
}

static void assert_pasted(const char *text, const void *octets, size_t size) {
    struct buffer out = {0};
    char *error = NULL;
    char *copy = exact(text, strlen(text));
    buffer_append(&out, "kept", 4);
    const bool ok = hex_parse_pasted(copy, strlen(text), &out, &error);
    if (!ok || out.size != size + 4 || (size > 0 && memcmp(out.data + 4, octets, size) != 0)) {
        char *got = hex_text(buffer_view(&out));
        char *wanted = hex_text((cmrp_view){octets, size});
        fail_msg("%s\nread as %s (%s), not as %s", text, got + 8, ok ? "" : error, wanted);
    }
    assert_memory_equal(out.data, "kept", 4);
    free(copy);
    free(error);
    buffer_free(&out);
}

static void pasted_forms(void **state) {
    (void)state;
    static const char *const forms[] = {
        "0123abff",
        "0123ABFF\r\n",
        "01 23 ab ff",
        "01\t23\nab\r\nff",
        "0x01 0x23 0xab 0xff",
        "0x01,0x23,0xab,0xff,",
        "0X0123ABFF",
        "01,23, ab ,ff",
        "01:23:ab:ff",
        "01-23-ab-ff",
        "\\x01\\x23\\xab\\xff",
        "\"\\x01\\x23\"\n\"\\xab\\xff\"",
        "0123 # two octets and a comment: zz\n# only a comment\nab ff",
        "\n\n   01 23 ab ff   \n\n",
        "0123 ab ff", // first group looks like an offset that is not 0
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_pasted(forms[i], "\x01\x23\xab\xff", 4);
    }
    assert_pasted("", "", 0);
    assert_pasted(" \n\t\r\n # nothing\n", "", 0);
    assert_pasted("00000000", "\0\0\0\0", 4); // zeros and nothing else: not an offset
    assert_pasted("00000000 11111111", "\0\0\0\0\x11\x11\x11\x11", 8);
    assert_pasted("0000 1111", "\0\0\x11\x11", 4);
}

// How a program dumps octets; `text_mark` encloses the text column, NULL leaves the column out.
struct dump_form {
    const char *name;
    const char *prefix; // before the offset
    int digits;         // of the offset
    const char *suffix; // behind the offset
    size_t per_line;
    size_t group;            // octets written without a space between them
    size_t gap_after;        // octets after which one space more stands; 0: nowhere
    const char *before_text; // NULL: no text column
    const char *text_left;
    const char *text_right;
    bool total; // a last line holds the length
    bool upper;
};

static const struct dump_form dump_forms[] = {
    {"xxd", "", 8, ": ", 16, 2, 0, "  ", "", "", false, false},
    {"xxd -u", "", 8, ": ", 16, 2, 0, "  ", "", "", false, true},
    {"xxd -g1", "", 8, ": ", 16, 1, 0, "  ", "", "", false, false},
    {"xxd -c8", "", 8, ": ", 8, 2, 0, "  ", "", "", false, false},
    {"xxd -g1 -c8", "", 8, ": ", 8, 1, 0, "  ", "", "", false, false},
    {"xxd -c32", "", 8, ": ", 32, 2, 0, "  ", "", "", false, false},
    {"xxd -g4 -c24", "", 8, ": ", 24, 4, 0, "  ", "", "", false, false},
    {"xxd of old", "", 7, ": ", 16, 2, 0, "  ", "", "", false, false},
    {"hexdump -C", "", 8, "  ", 16, 1, 8, "  ", "|", "|", true, false},
    {"od -A x -t x1", "", 6, " ", 16, 1, 0, NULL, "", "", true, false},
    {"od -A x -t x1z", "", 6, " ", 16, 1, 0, "  ", ">", "<", true, false},
    {"tcpdump -X", "\t0x", 4, ":  ", 16, 2, 0, "  ", "", "", false, false},
    {"tcpdump -x", "\t0x", 4, ":  ", 16, 2, 0, NULL, "", "", false, false},
    {"Wireshark", "", 4, "   ", 16, 1, 0, "   ", "", "", false, false},
    {"Wireshark, gap", "", 4, "   ", 16, 1, 8, "   ", "", "", false, false},
    {"Wireshark, bytes only", "", 4, "   ", 16, 1, 0, NULL, "", "", false, false},
    {"tshark -x", "", 4, "  ", 16, 1, 0, "   ", "", "", false, false},
};

static void dump_line(struct buffer *b, const struct dump_form *form, const uint8_t *octets,
                      size_t n) {
    for (size_t i = 0; i < form->per_line; i++) {
        if (i > 0 && i % form->group == 0) {
            buffer_append(b, "  ", form->gap_after != 0 && i == form->gap_after ? 2 : 1);
        }
        if (i < n && form->upper) {
            buffer_printf(b, "%02X", octets[i]);
        } else if (i < n) {
            buffer_printf(b, "%02x", octets[i]);
        } else if (form->before_text != NULL) {
            buffer_append(b, "  ", 2);
        }
    }
    if (form->before_text != NULL) {
        buffer_printf(b, "%s%s", form->before_text, form->text_left);
        for (size_t i = 0; i < n; i++) {
            buffer_printf(b, "%c", octets[i] >= 0x20 && octets[i] < 0x7f ? octets[i] : '.');
        }
        buffer_printf(b, "%s", form->text_right);
    }
    buffer_append(b, "\n", 1);
}

static char *dump(const struct dump_form *form, const uint8_t *octets, size_t size) {
    struct buffer b = {0};
    for (size_t at = 0; at < size; at += form->per_line) {
        buffer_printf(&b, "%s%0*zx%s", form->prefix, form->digits, at, form->suffix);
        dump_line(&b, form, octets + at, size - at < form->per_line ? size - at : form->per_line);
    }
    if (form->total) {
        buffer_printf(&b, "%0*zx\n", form->digits, size);
    }
    buffer_text(&b);
    return (char *)b.data;
}

// Octets whose text column looks like hex, like spaces, like a bar, like nothing.
static void fill(uint8_t *octets, size_t size, unsigned pattern) {
    static const char *const patterns[] = {"abcdefab", "0000",          "ab cd ef 01", "  ",
                                           "||||",     "0x 1234: 5678", "#;,",         "a"};
    enum { PATTERNS = sizeof patterns / sizeof patterns[0] };
    for (size_t i = 0; i < size; i++) {
        octets[i] = pattern < PATTERNS ? (uint8_t)patterns[pattern][i % strlen(patterns[pattern])]
                    : pattern == PATTERNS ? 0
                                          : (uint8_t)(i * 37 + 11);
    }
}

enum { FILLS = 10 };

static void pasted_dumps_of_every_length(void **state) {
    (void)state;
    uint8_t octets[70];
    for (size_t f = 0; f < sizeof dump_forms / sizeof dump_forms[0]; f++) {
        for (unsigned pattern = 0; pattern < FILLS; pattern++) {
            fill(octets, sizeof octets, pattern);
            for (size_t size = 1; size <= sizeof octets; size++) {
                char *text = dump(&dump_forms[f], octets, size);
                assert_pasted(text, octets, size);
                free(text);
            }
        }
    }
}

static void pasted_mistakes_name_the_line(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"0", "line 1: \"0\" has an odd number of digits"},
        {"0102\n\n030\n", "line 3: \"030\" has an odd number of digits"},
        {"0x0", "line 1: \"0\" has an odd number of digits"},
        {"zz", "line 1: \"zz\" is not hexadecimal"},
        {"01 02\n03 0g 05", "line 2: \"g 05\" is not hexadecimal"},
        {"# a comment\n01 .", "line 2: \".\" is not hexadecimal"},
        {"\x1b[31m", "line 1: \"\\x1b[31m\" is not hexadecimal"},
        {"00000000: 0102\n00000003: 04",
         "line 1: fewer than 3 octets before the next line's offset"},
        {"00000000: 0102\nzz", "line 2: no offset at its start"},
        {"00000000  01 02\n00000020  03",
         "line 1: fewer than 32 octets before the next line's offset"},
        {"00000000  01 02\n*\n00000020  03",
         "line 2: no offset at its start (repeated lines are left out: dump with -v)"},
        {"0000   01 02\n0000   03 04", "line 2: offset 0 after 0x2 octets"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        char *error = NULL;
        const size_t size = strlen(cases[i].text);
        char *text = exact(cases[i].text, size);
        buffer_append(&out, "kept", 4);
        assert_false(hex_parse_pasted(text, size, &out, &error));
        assert_string_equal(error, cases[i].error);
        assert_octets(&out, "kept", 4);
        free(text);
        free(error);
        buffer_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_of_every_octet),
        cmocka_unit_test(strict_hex_says_where_it_is_wrong),
        cmocka_unit_test(pasted_forms),
        cmocka_unit_test(pasted_dumps_of_every_length),
        cmocka_unit_test(pasted_mistakes_name_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
