// SPDX-License-Identifier: Apache-2.0
#include "util/hex.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

static int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The digits of four octets, which travel through one word: each nibble in an octet of its own.
static uint64_t digits_of_four(const uint8_t *octets) {
    uint64_t word = cmrp_load_u32(octets, CMRP_LITTLE_ENDIAN);
    word = (word | word << 16) & 0x0000ffff0000ffffu;
    word = (word | word << 8) & 0x00ff00ff00ff00ffu;
    word = (word >> 4 & 0x000f000f000f000fu) | (word & 0x000f000f000f000fu) << 8;
    const uint64_t letters = (word + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
    return word + 0x3030303030303030u + letters * ('a' - '0' - 10);
}

void hex_append(struct buffer *out, cmrp_view octets) {
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = buffer_extend(out, 2 * octets.size);
    size_t i = 0;
    for (; octets.size - i >= 4; i += 4, at += 8) {
        cmrp_store_u64(at, digits_of_four(octets.data + i), CMRP_LITTLE_ENDIAN);
    }
    for (; i < octets.size; i++) {
        *at++ = (uint8_t)digits[octets.data[i] >> 4];
        *at++ = (uint8_t)digits[octets.data[i] & 15];
    }
}

char *hex_text(cmrp_view octets) {
    struct buffer b = {0};
    hex_append(&b, octets);
    buffer_text(&b);
    return (char *)b.data;
}

bool hex_parse(const char *text, size_t size, struct buffer *out, size_t *at) {
    const size_t start = out->size;
    for (size_t i = 0; i < size; i += 2) {
        const int high = digit(text[i]);
        const int low = i + 1 < size ? digit(text[i + 1]) : -1;
        if (high < 0 || low < 0) {
            *at = high < 0 ? i : i + 1;
            out->size = start;
            return false;
        }
        *buffer_extend(out, 1) = (uint8_t)(high << 4 | low);
    }
    return true;
}

// ---- pasted hex ---------------------------------------------------------------------------------

struct line {
    const char *at; // first character that is not white space
    const char *end;
    size_t number; // from 1
};

struct lines {
    struct line *items;
    size_t count;
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

// The lines that hold something; comments are cut off.
static struct lines split(const char *text, size_t size) {
    struct lines l = {NULL, 0};
    const char *const end = text + size;
    size_t number = 0;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline != NULL ? newline : end;
        const char *comment = memchr(text, '#', (size_t)(stop - text));
        struct line line = {text, comment != NULL ? comment : stop, ++number};
        while (line.at < line.end && is_space(*line.at)) {
            line.at++;
        }
        if (line.at < line.end) {
            l.items = util_grow(l.items, l.count + 1, sizeof *l.items);
            l.items[l.count++] = line;
        }
        text = stop + 1;
    }
    return l;
}

static const char *digits_end(const char *at, const char *end) {
    while (at < end && digit(*at) >= 0) {
        at++;
    }
    return at;
}

static const char *skip_prefix(const char *at, const char *end) {
    const bool prefixed = end - at > 2 && (((at[0] == '0' && (at[1] | 32) == 'x')) ||
                                           (at[0] == '\\' && at[1] == 'x'));
    return prefixed ? at + 2 : at;
}

// The offset that a dump's line starts with. *rest is what follows it (and its colon).
static bool line_offset(struct line l, uint64_t *offset, const char **rest) {
    const char *start = skip_prefix(l.at, l.end);
    const char *stop = digits_end(start, l.end);
    if (stop - start < 4 || stop - start > 16) {
        return false;
    }
    *offset = 0;
    for (const char *p = start; p < stop; p++) {
        *offset = *offset << 4 | (uint64_t)digit(*p);
    }
    *rest = stop < l.end && *stop == ':' ? stop + 1 : stop;
    return stop == l.end || *stop == ':' || is_space(*stop);
}

// Whether the text is a dump: its first line starts with offset 0 and a colon, two spaces, or a
// single octet.
static bool is_dump(struct line first) {
    uint64_t offset;
    const char *rest;
    if (!line_offset(first, &offset, &rest) || offset != 0 || rest == first.end) {
        return false;
    }
    const char *octets = rest;
    while (octets < first.end && is_space(*octets)) {
        octets++;
    }
    return rest[-1] == ':' || octets - rest >= 2 || digits_end(octets, first.end) - octets == 2;
}

// Octets of a dump's line: `expected` of them where the next line's offset tells, else up to the
// text column, which two spaces or a bar set off. Two spaces may also stand in the middle, after 8
// octets, in dumps whose lines have more (`longest`).
static bool dump_octets(struct line l, const char *at, size_t expected, size_t longest,
                        struct buffer *out) {
    const size_t start = out->size;
    while (out->size - start < expected) {
        const size_t count = out->size - start;
        const char *token = at;
        while (token < l.end && is_space(*token)) {
            token++;
        }
        const char *stop = digits_end(token, l.end);
        const bool more = expected != SIZE_MAX || longest > 8;
        const bool middle = count == 8 && token - at == 2 && stop - token == 2 && more;
        const bool column = token - at >= 2 && count > 0 && !middle;
        if (token == l.end || column || (stop < l.end && !is_space(*stop)) || stop == token ||
            (stop - token) % 2 != 0) {
            break;
        }
        for (; token < stop && out->size - start < expected; token += 2) {
            *buffer_extend(out, 1) = (uint8_t)(digit(token[0]) << 4 | digit(token[1]));
        }
        at = stop;
    }
    return expected == SIZE_MAX || out->size - start == expected;
}

static bool parse_dump(struct lines l, struct buffer *out, char **error) {
    const size_t start = out->size;
    size_t longest = 0;
    for (size_t i = 0; i < l.count; i++) {
        uint64_t offset, next;
        const char *rest, *ignored;
        if (!line_offset(l.items[i], &offset, &rest)) {
            *error = util_format(
                "line %zu: no offset at its start%s", l.items[i].number,
                *l.items[i].at == '*' ? " (repeated lines are left out: dump with -v)" : "");
            return false;
        }
        if (offset != out->size - start) {
            *error = util_format("line %zu: offset %#llx after %#zx octets", l.items[i].number,
                                 (unsigned long long)offset, out->size - start);
            return false;
        }
        if (i == 0 && rest[-1] != ':') {
            longest = SIZE_MAX; // xxd and tcpdump, who write a colon, leave no gap in the middle
        }
        size_t expected = SIZE_MAX;
        if (i + 1 < l.count && line_offset(l.items[i + 1], &next, &ignored) && next > offset) {
            expected = (size_t)(next - offset);
        }
        const size_t before = out->size;
        if (!dump_octets(l.items[i], rest, expected, longest, out)) {
            *error = util_format("line %zu: fewer than %zu octets before the next line's offset",
                                 l.items[i].number, expected);
            return false;
        }
        longest = i == 0 || out->size - before > longest ? out->size - before : longest;
    }
    return true;
}

static bool separates(char c) {
    return is_space(c) || c == ',' || c == ':' || c == ';' || c == '-' || c == '"';
}

static bool parse_plain(struct lines l, struct buffer *out, char **error) {
    for (size_t i = 0; i < l.count; i++) {
        const char *at = l.items[i].at;
        const char *const end = l.items[i].end;
        while (at < end) {
            if (separates(*at)) {
                at++;
                continue;
            }
            const char *token = skip_prefix(at, end);
            const char *stop = digits_end(token, end);
            if (stop == token || (stop < end && !separates(*stop) && *stop != '\\')) {
                struct buffer shown = {0};
                text_escape(&shown, stop, (size_t)(end - stop < 8 ? end - stop : 8));
                *error = util_format("line %zu: \"%s\" is not hexadecimal", l.items[i].number,
                                     buffer_text(&shown));
                buffer_free(&shown);
                return false;
            }
            if ((stop - token) % 2 != 0) {
                *error =
                    util_format("line %zu: \"%.*s\" has an odd number of digits", l.items[i].number,
                                (int)(stop - token < 40 ? stop - token : 40), token);
                return false;
            }
            size_t ignored;
            hex_parse(token, (size_t)(stop - token), out, &ignored);
            at = stop;
        }
    }
    return true;
}

bool hex_parse_pasted(const char *text, size_t size, struct buffer *out, char **error) {
    const size_t start = out->size;
    struct lines l = split(text, size);
    const bool ok = l.count == 0 ||
                    (is_dump(l.items[0]) ? parse_dump(l, out, error) : parse_plain(l, out, error));
    if (!ok) {
        out->size = start;
    }
    free(l.items);
    return ok;
}
