// SPDX-License-Identifier: Apache-2.0
// Property hex: any text as pasted hex is refused with a message, leaving the output alone, or
// gives octets (at most one for two characters) whose plain hex gives them again. And the input,
// taken as octets, comes back from a dump of it in the form of each common tool.
#include <stdlib.h>

#include "fuzz_support.h"
#include "util/hex.h"

#define PROPERTY "hex"

enum { DUMP_OCTETS = 256 }; // dumped of an input: every column and some lines

static bool check_text(cmrp_view text) {
    struct buffer out = {0};
    struct buffer again = {0};
    char *error = NULL;
    buffer_append(&out, "before", 6);
    const bool ok = hex_parse_pasted((const char *)text.data, text.size, &out, &error);
    const size_t size = out.size - 6;
    if (ok != (error == NULL) || (!ok && size != 0) || size > text.size / 2) {
        fuzz_fail(PROPERTY, "%zu octets of %zu characters, %s", size, text.size,
                  error != NULL ? error : "no message");
    }
    if (ok) {
        const cmrp_view octets = {out.data + 6, size};
        char *plain = hex_text(octets);
        if (!hex_parse_pasted(plain, 2 * size, &again, &error)) {
            fuzz_fail(PROPERTY, "plain hex is refused: %s", error);
        }
        fuzz_check_same_octets(PROPERTY, "plain hex", octets, buffer_view(&again));
        free(plain);
    }
    free(error);
    buffer_free(&out);
    buffer_free(&again);
    return ok;
}

// ---- dumps --------------------------------------------------------------------------------------

// How a tool prints a line. A missing octet is two spaces.
struct style {
    const char *name;
    const char *before_offset;
    int offset_digits;
    const char *after_offset;
    unsigned width;          // octets of a line
    unsigned group;          // octets between two spaces
    const char *middle;      // additionally before the ninth octet
    const char *before_text; // between the octets and the text
    const char *after_text;
    bool end; // a last line holds the end's offset
};

static const struct style styles[] = {
    {"xxd", "", 8, ": ", 16, 2, "", "  ", "", false},
    {"xxd -c 8", "", 8, ": ", 8, 2, "", "  ", "", false},
    {"xxd -g 1", "", 8, ": ", 16, 1, "", "  ", "", false},
    {"hexdump -C", "", 8, "  ", 16, 1, " ", "  |", "|", true},
    {"tcpdump -X", "\t0x", 4, ":  ", 16, 2, "", "  ", "", false},
    {"Wireshark", "", 4, "   ", 16, 1, " ", "   ", "", false},
    {"od -A x -t x1z", "", 6, " ", 16, 1, "", "  >", "<", true},
};

static void dump_offset(const struct style *style, size_t offset, struct buffer *out) {
    buffer_printf(out, "%s%0*zx", style->before_offset, style->offset_digits, offset);
}

static void dump_line(const struct style *style, cmrp_view line, struct buffer *out) {
    buffer_printf(out, "%s", style->after_offset);
    for (size_t i = 0; i < style->width; i++) {
        buffer_printf(out, "%s%s", i == 8 ? style->middle : "",
                      i % style->group == 0 && i > 0 ? " " : "");
        if (i < line.size) {
            buffer_printf(out, "%02x", line.data[i]);
        } else {
            buffer_append(out, "  ", 2);
        }
    }
    buffer_printf(out, "%s", style->before_text);
    for (size_t i = 0; i < line.size; i++) {
        const bool shown = line.data[i] >= ' ' && line.data[i] <= '~';
        buffer_append(out, shown ? (const char *)&line.data[i] : ".", 1);
    }
    buffer_printf(out, "%s\n", style->after_text);
}

static void check_dump(const struct style *style, cmrp_view octets) {
    struct buffer text = {0};
    struct buffer out = {0};
    char *error = NULL;
    for (size_t at = 0; at < octets.size; at += style->width) {
        const size_t left = octets.size - at;
        dump_offset(style, at, &text);
        const cmrp_view line = {octets.data + at, left < style->width ? left : style->width};
        dump_line(style, line, &text);
    }
    if (style->end) {
        dump_offset(style, octets.size, &text);
        buffer_append(&text, "\n", 1);
    }
    if (!hex_parse_pasted((const char *)text.data, text.size, &out, &error)) {
        fuzz_fail(PROPERTY, "%s: %s in\n%s", style->name, error, buffer_text(&text));
    }
    if (out.size != octets.size || memcmp(out.data, octets.data, out.size) != 0) {
        fuzz_fail(PROPERTY, "other octets from a dump of %s:\n%s", style->name, buffer_text(&text));
    }
    buffer_free(&text);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const bool ok = check_text((cmrp_view){data, size});
    const cmrp_view octets = {data, size < DUMP_OCTETS ? size : DUMP_OCTETS};
    for (size_t i = 0; octets.size > 0 && i < sizeof styles / sizeof styles[0]; i++) {
        check_dump(&styles[i], octets);
    }
    *(ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
