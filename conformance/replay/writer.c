// SPDX-License-Identifier: Apache-2.0
#include "replay/writer.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

static void put(struct writer *w, const char *text) {
    buffer_append(w->out, text, strlen(text));
}

// Whatever stands before a value or key.
static void separate(struct writer *w) {
    if (w->comma) {
        buffer_append(w->out, ",", 1);
    }
    w->comma = true;
}

void writer_open(struct writer *w, char bracket) {
    separate(w);
    buffer_append(w->out, &bracket, 1);
    w->comma = false;
}

void writer_close(struct writer *w, char bracket) {
    buffer_append(w->out, &bracket, 1);
    w->comma = true;
}

void writer_sized_key(struct writer *w, const char *key, size_t size) {
    uint8_t *at = buffer_extend(w->out, w->comma + size + sizeof "\"\":" - 1);
    if (w->comma) {
        *at++ = ',';
    }
    *at++ = '"';
    memcpy(at, key, size);
    at[size] = '"';
    at[size + 1] = ':';
    w->comma = false;
}

void writer_null(struct writer *w) {
    separate(w);
    put(w, "null");
}

void writer_true(struct writer *w) {
    separate(w);
    put(w, "true");
}

static void put_digits(struct writer *w, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buffer_append(w->out, digits + at, sizeof digits - at);
}

void writer_number(struct writer *w, uint64_t value) {
    separate(w);
    put_digits(w, value);
}

void writer_signed(struct writer *w, int64_t value) {
    separate(w);
    if (value < 0) {
        put(w, "-");
    }
    put_digits(w, value < 0 ? (uint64_t)-value : (uint64_t)value);
}

void writer_decimal(struct writer *w, uint64_t value) {
    separate(w);
    put(w, "\"");
    put_digits(w, value);
    put(w, "\"");
}

void writer_hex(struct writer *w, cmrp_view octets) {
    separate(w);
    put(w, "\"");
    hex_append(w->out, octets);
    put(w, "\"");
}

// ---- strings ------------------------------------------------------------------------------------

// The letter that follows a backslash, or 0.
static char short_escape(uint32_t c) {
    switch (c) {
    case '"':
    case '\\': return (char)c;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

static void put_character(struct writer *w, uint32_t c, const uint8_t *utf8, size_t size) {
    const char letter = short_escape(c);
    if (letter != 0) {
        const char escape[] = {'\\', letter};
        buffer_append(w->out, escape, sizeof escape);
    } else if (c < 0x20 || (c >= 0x7f && c < 0x10000 && w->ascii)) {
        buffer_printf(w->out, "\\u%04X", c);
    } else if (c >= 0x10000 && w->ascii) {
        buffer_printf(w->out, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
                      0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
        buffer_append(w->out, utf8, size);
    }
}

// A character of well-formed UTF-8 and its size.
static uint32_t character_at(const uint8_t *at, size_t *size) {
    *size = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    uint32_t c = *size == 1 ? *at : *at & (0x7fu >> *size);
    for (size_t i = 1; i < *size; i++) {
        c = c << 6 | (at[i] & 0x3f);
    }
    return c;
}

static void put_utf8(struct writer *w, const uint8_t *text, size_t size) {
    put(w, "\"");
    for (size_t i = 0; i < size;) {
        size_t run = i; // the usual case: plain ASCII in one piece
        while (run < size && text[run] >= 0x20 && text[run] < 0x7f && text[run] != '"' &&
               text[run] != '\\') {
            run++;
        }
        buffer_append(w->out, text + i, run - i);
        i = run;
        if (i < size) {
            size_t n;
            const uint32_t c = character_at(text + i, &n);
            put_character(w, c, text + i, n);
            i += n;
        }
    }
    put(w, "\"");
}

void writer_string(struct writer *w, const char *utf8) {
    separate(w);
    put_utf8(w, (const uint8_t *)utf8, strlen(utf8));
}

void writer_name(struct writer *w, const char *name) {
    const size_t size = strlen(name);
    separate(w);
    uint8_t *at = buffer_extend(w->out, size + 2);
    *at++ = '"';
    memcpy(at, name, size);
    at[size] = '"';
}

// Whether four units of little-endian text are printable ASCII without quotation mark or backslash.
static bool are_plain(uint64_t units) {
    const uint64_t ones = 0x0001000100010001u;
    const uint64_t tops = 0x8000800080008000u;
    if ((units & 0xff80ff80ff80ff80u) != 0) {
        return false;
    }
    // Top bits: below a space, beyond a tilde, equal to one of the two.
    const uint64_t special = (units - ones * ' ') | (units + ones * (0x8000 - 0x7f)) |
                             ((units ^ ones * '"') - ones) | ((units ^ ones * '\\') - ones);
    return (special & tops) == 0;
}

// Puts little-endian text that is plain; returns false, with nothing put, for other text.
static bool put_plain(struct writer *w, cmrp_view units) {
    const size_t count = units.size / 2;
    uint8_t *at = buffer_extend(w->out, count + 2);
    size_t i = 0;
    *at++ = '"';
    for (; count - i >= 4; i += 4, at += 4) {
        uint64_t four = cmrp_load_u64(units.data + 2 * i, CMRP_LITTLE_ENDIAN);
        if (!are_plain(four)) {
            break;
        }
        four = (four | four >> 8) & 0x0000ffff0000ffffu;
        cmrp_store_u32(at, (uint32_t)(four | four >> 16), CMRP_LITTLE_ENDIAN);
    }
    for (; i < count; i++) {
        const uint64_t unit = cmrp_load_u16(units.data + 2 * i, CMRP_LITTLE_ENDIAN);
        if (!are_plain(unit | (uint64_t)'a' << 16 | (uint64_t)'a' << 32 | (uint64_t)'a' << 48)) {
            w->out->size -= count + 2;
            return false;
        }
        *at++ = (uint8_t)unit;
    }
    *at = '"';
    return true;
}

void writer_utf16(struct writer *w, cmrp_view units, cmrp_order order) {
    struct buffer text = {0};
    separate(w);
    if (order == CMRP_LITTLE_ENDIAN && put_plain(w, units)) {
        return;
    }
    text_from_utf16(&text, units, order);
    put_utf8(w, text.data, text.size);
    buffer_free(&text);
}

void writer_json(struct writer *w, const json_t *value) {
    char *text =
        json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | (w->ascii ? JSON_ENSURE_ASCII : 0));
    separate(w);
    put(w, text != NULL ? text : "null");
    free(text);
}
