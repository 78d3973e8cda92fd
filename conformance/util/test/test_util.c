// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buffer.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/outcome.h"
#include "util/text.h"

// ---- support ------------------------------------------------------------------------------------

static void assert_text(struct buffer *b, const char *expected) {
    assert_string_equal(buffer_text(b), expected);
    assert_int_equal(b->size, strlen(expected));
}

static void assert_octets(const struct buffer *b, const void *expected, size_t size) {
    assert_int_equal(b->size, size);
    if (size > 0) {
        assert_memory_equal(b->data, expected, size);
    }
}

// A copy of exactly this size, so that a sanitizer sees one octet too many.
static char *exact(const char *text, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

// What a child process left behind: its exit status, or -1 for a signal, and its standard error.
struct child {
    int status;
    char error[512];
};

// Runs `body` in a child whose standard output is opened from `output`.
static struct child run_child(const char *output, void (*body)(void)) {
    struct child result = {.status = -1};
    int ends[2];
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int out = open(output, O_WRONLY);
        signal(SIGPIPE, SIG_IGN);
        if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(ends[1], STDERR_FILENO) < 0) {
            _exit(99);
        }
        close(ends[0]);
        body();
        _exit(98);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t n;
    while ((n = read(ends[0], result.error + size, sizeof result.error - 1 - size)) > 0) {
        size += (size_t)n;
    }
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
        result.status = WEXITSTATUS(status);
    }
    return result;
}

// ---- buffer -------------------------------------------------------------------------------------

static void buffer_grows_and_keeps(void **state) {
    (void)state;
    struct buffer b = {0};
    for (unsigned i = 0; i < 5000; i++) {
        const uint8_t octet = (uint8_t)(i * 7);
        buffer_append(&b, &octet, 1);
        assert_int_equal(b.size, i + 1);
        assert_true(b.capacity >= b.size);
    }
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(b.data[i], (uint8_t)(i * 7));
    }
    const uint8_t *memory = b.data;
    buffer_clear(&b);
    assert_int_equal(b.size, 0);
    assert_ptr_equal(b.data, memory);
    buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
}

static void buffer_of_nothing(void **state) {
    (void)state;
    struct buffer b = {0};
    buffer_append(&b, NULL, 0);
    assert_int_equal(b.size, 0);
    assert_int_equal(buffer_view(&b).size, 0);
    assert_non_null(buffer_extend(&b, 0)); // a place, even for no octets
    assert_text(&b, "");
    buffer_free(&b);
}

static void buffer_extends_by_whole_chunks(void **state) {
    (void)state;
    struct buffer b = {0};
    for (size_t n = 0; n < 300; n++) {
        memset(buffer_extend(&b, n), (int)(n & 0xff), n);
    }
    size_t at = 0;
    for (size_t n = 0; n < 300; n++) {
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(b.data[at++], n & 0xff);
        }
    }
    assert_int_equal(b.size, at);
    buffer_free(&b);
}

static void buffer_prints_any_length(void **state) {
    (void)state;
    char expected[512];
    for (int n = 0; n < 400; n++) {
        struct buffer b = {0};
        buffer_append(&b, "x", 1);
        buffer_printf(&b, "%0*d|", n, 7);
        expected[0] = 'x';
        snprintf(expected + 1, sizeof expected - 1, "%0*d|", n, 7);
        assert_text(&b, expected);
        buffer_printf(&b, "%s", "");
        assert_text(&b, expected);
        buffer_free(&b);
    }
}

static void text_of_a_buffer_is_terminated(void **state) {
    (void)state;
    struct buffer b = {0};
    for (size_t n = 1; n < 300; n++) { // meets every capacity exactly
        buffer_append(&b, "a", 1);
        assert_int_equal(strlen(buffer_text(&b)), n);
        assert_int_equal(b.size, n);
    }
    buffer_free(&b);
}

static void memory_helpers(void **state) {
    (void)state;
    uint8_t *zeroed = util_alloc(64);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    free(zeroed);
    void *nothing = util_alloc(0);
    assert_non_null(nothing);
    free(nothing);

    char *copy = util_strdup("text");
    assert_string_equal(copy, "text");
    free(copy);

    char *line = util_format("%s %d %0200d", "a", 5, 6);
    assert_int_equal(strlen(line), 204);
    assert_memory_equal(line, "a 5 000", 7);
    free(line);

    uint32_t *numbers = util_grow(NULL, 3, sizeof *numbers);
    numbers[2] = 5;
    numbers = util_grow(numbers, 1000, sizeof *numbers);
    assert_int_equal(numbers[2], 5);
    free(numbers);
}

static void demand_all_memory(void) {
    struct buffer b = {0};
    buffer_append(&b, "a", 1);
    buffer_extend(&b, SIZE_MAX / 2);
}

static void no_memory_is_an_internal_error(void **state) {
    (void)state;
    const struct child child = run_child("/dev/null", demand_all_memory);
    assert_int_equal(child.status, OUTCOME_INTERNAL);
    assert_non_null(strstr(child.error, "out of memory"));
}

// ---- hex ----------------------------------------------------------------------------------------

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

// ---- text ---------------------------------------------------------------------------------------

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

// ---- files --------------------------------------------------------------------------------------

struct folder {
    char path[64];
    char file[96];
};

static int make_folder(void **state) {
    static struct folder f;
    strcpy(f.path, "/tmp/cmrp-util-XXXXXX");
    if (mkdtemp(f.path) == NULL) {
        return -1;
    }
    snprintf(f.file, sizeof f.file, "%s/file", f.path);
    *state = &f;
    return 0;
}

static int remove_folder(void **state) {
    const struct folder *f = *state;
    unlink(f->file);
    return rmdir(f->path); // fails when a test left anything behind
}

static void assert_unreadable(const char *path, size_t limit, const char *message) {
    struct buffer out = {0};
    char *error = NULL;
    assert_false(file_read(path, limit, &out, &error));
    assert_string_equal(error, message);
    free(error);
    buffer_free(&out);
}

static void files_there_and_back(void **state) {
    const struct folder *f = *state;
    static const size_t sizes[] = {0, 1, 2, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer content = {0};
        struct buffer back = {0};
        char *error = NULL;
        uint8_t *octets = buffer_extend(&content, sizes[i]);
        for (size_t o = 0; o < sizes[i]; o++) {
            octets[o] = (uint8_t)(o * 31);
        }
        assert_true(file_write(f->file, buffer_view(&content), &error));
        assert_true(file_read(f->file, sizes[i], &back, &error)); // the limit itself is allowed
        assert_octets(&back, content.data, content.size);
        buffer_free(&back);
        if (sizes[i] > 0) {
            char *message = util_format("%s: more than %zu octets", f->file, sizes[i] - 1);
            assert_unreadable(f->file, sizes[i] - 1, message);
            free(message);
        }
        assert_null(error);
        buffer_free(&content);
    }
}

static void unreadable_files(void **state) {
    const struct folder *f = *state;
    char *message = util_format("%s: No such file or directory", f->file);
    assert_unreadable(f->file, FILE_LIMIT, message);
    free(message);
    message = util_format("%s: Is a directory", f->path);
    assert_unreadable(f->path, FILE_LIMIT, message);
    free(message);
    assert_unreadable("/dev/zero", 1000000, "/dev/zero: more than 1000000 octets");
    assert_unreadable("", FILE_LIMIT, ": No such file or directory");
}

static void unwritable_files(void **state) {
    const struct folder *f = *state;
    const cmrp_view content = {(const uint8_t *)"abc", 3};
    char *error = NULL;
    assert_false(file_write(f->path, content, &error));
    char *message = util_format("%s: Is a directory", f->path);
    assert_string_equal(error, message);
    free(message);
    free(error);
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0); // the directory stays

    char *below = util_format("%s/missing/file", f->path);
    assert_false(file_write(below, content, &error));
    assert_non_null(strstr(error, "No such file or directory"));
    free(error);
    free(below);

    // A device that is full is not removed. By a link, so that a mistake costs nothing but the
    // link.
    assert_int_equal(symlink("/dev/full", f->file), 0);
    assert_false(file_write(f->file, content, &error));
    assert_non_null(strstr(error, "No space left on device"));
    free(error);
    assert_int_equal(lstat(f->file, &status), 0);
}

static const char *small_disk_file;

static void write_beyond_the_limit(void) {
    const struct rlimit limit = {100000, 100000};
    struct buffer content = {0};
    char *error = NULL;
    memset(buffer_extend(&content, 200000), 'x', 200000);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(97);
    }
    const bool ok = file_write(small_disk_file, buffer_view(&content), &error);
    fprintf(stderr, "%s", ok ? "written" : error);
    _exit(ok ? 1 : 0);
}

static void failed_write_leaves_no_half_file(void **state) {
    const struct folder *f = *state;
    small_disk_file = f->file;
    const struct child child = run_child("/dev/null", write_beyond_the_limit);
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.error, "File too large"));
    struct stat status;
    assert_int_equal(stat(f->file, &status), -1);
    assert_int_equal(errno, ENOENT);
}

static void write_and_ask(void) {
    char *error = NULL;
    const cmrp_view content = {(const uint8_t *)"abc", 3};
    const bool written = file_write("-", content, &error);
    const bool first = file_stdout_ok();
    const bool second = file_stdout_ok();
    _exit(!written ? 10 : first != second ? 11 : first ? 0 : 1);
}

static void a_full_disk_behind_standard_output(void **state) {
    (void)state;
    const struct child full = run_child("/dev/full", write_and_ask);
    assert_int_equal(full.status, 1);
    assert_string_equal(full.error, "cmrp: standard output: No space left on device\n"); // once
    const struct child null = run_child("/dev/null", write_and_ask);
    assert_int_equal(null.status, 0);
    assert_string_equal(null.error, "");
}

static void write_much_and_ask(void) {
    for (int i = 0; i < 100000; i++) { // the failed flush is long past when it is asked for
        printf("%d\n", i);
    }
    _exit(file_stdout_ok() ? 0 : 1);
}

static void an_early_failure_is_not_forgotten(void **state) {
    (void)state;
    const struct child full = run_child("/dev/full", write_much_and_ask);
    assert_int_equal(full.status, 1);
    assert_non_null(strstr(full.error, "cmrp: standard output: "));
}

// ---- outcomes -----------------------------------------------------------------------------------

static void the_worst_outcome_wins(void **state) {
    (void)state;
    static const enum outcome order[] = {OUTCOME_INTERNAL, OUTCOME_UNREACHED,  OUTCOME_USAGE,
                                         OUTCOME_FINDINGS, OUTCOME_INCOMPLETE, OUTCOME_OK};
    static const int codes[] = {5, 3, 2, 1, 4, 0};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(order[i], codes[i]);
        for (size_t j = i; j < 6; j++) {
            assert_int_equal(outcome_worst(order[i], order[j]), order[i]);
            assert_int_equal(outcome_worst(order[j], order[i]), order[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_keeps),
        cmocka_unit_test(buffer_of_nothing),
        cmocka_unit_test(buffer_extends_by_whole_chunks),
        cmocka_unit_test(buffer_prints_any_length),
        cmocka_unit_test(text_of_a_buffer_is_terminated),
        cmocka_unit_test(memory_helpers),
        cmocka_unit_test(no_memory_is_an_internal_error),
        cmocka_unit_test(hex_of_every_octet),
        cmocka_unit_test(strict_hex_says_where_it_is_wrong),
        cmocka_unit_test(pasted_forms),
        cmocka_unit_test(pasted_dumps_of_every_length),
        cmocka_unit_test(pasted_mistakes_name_the_line),
        cmocka_unit_test(every_character_there_and_back),
        cmocka_unit_test(known_encodings),
        cmocka_unit_test(lone_surrogates_are_replaced),
        cmocka_unit_test(invalid_utf8_is_refused),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(escapes_are_unambiguous),
        cmocka_unit_test_setup_teardown(files_there_and_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unreadable_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unwritable_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(failed_write_leaves_no_half_file, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_full_disk_behind_standard_output),
        cmocka_unit_test(an_early_failure_is_not_forgotten),
        cmocka_unit_test(the_worst_outcome_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
