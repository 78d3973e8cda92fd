// SPDX-License-Identifier: Apache-2.0
#include "util/text.h"

#include <time.h>

static void put_utf8(struct buffer *out, uint32_t c) {
    uint8_t octets[4];
    size_t n = 1;
    if (c < 0x80) {
        octets[0] = (uint8_t)c;
    } else {
        n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n; i-- > 1; c >>= 6) {
            octets[i] = (uint8_t)(0x80 | (c & 0x3f));
        }
        octets[0] = (uint8_t)((0xf00 >> n & 0xff) | c);
    }
    buffer_append(out, octets, n);
}

// The code point at `at`, and how many units it takes; an unpaired surrogate stands for itself.
static uint32_t next_utf16(cmrp_view units, size_t at, cmrp_order order, size_t *taken) {
    const uint32_t unit = cmrp_load_u16(units.data + at, order);
    *taken = 2;
    if ((unit & 0xfc00) == 0xd800 && at + 3 < units.size) {
        const uint32_t low = cmrp_load_u16(units.data + at + 2, order);
        if ((low & 0xfc00) == 0xdc00) {
            *taken = 4;
            return 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
        }
    }
    return unit;
}

static bool is_surrogate(uint32_t c) {
    return c >= 0xd800 && c <= 0xdfff;
}

void text_from_utf16(struct buffer *out, cmrp_view units, cmrp_order order) {
    size_t taken;
    for (size_t i = 0; i + 1 < units.size; i += taken) {
        const uint32_t c = next_utf16(units, i, order, &taken);
        put_utf8(out, is_surrogate(c) ? 0xfffd : c);
    }
}

// The code point at s, surrogates included, and how many octets it takes; false for what is not
// even generalised UTF-8.
static bool next_general(const uint8_t *s, size_t left, uint32_t *c, size_t *taken) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t lead = s[0];
    const size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (n == 0 || n > left || lead > 0xf4) {
        return false;
    }
    *c = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return false;
        }
        *c = *c << 6 | (s[i] & 0x3fu);
    }
    *taken = n;
    return *c >= least[n] && *c <= 0x10ffff;
}

static bool next_utf8(const uint8_t *s, size_t left, uint32_t *c, size_t *taken) {
    return next_general(s, left, c, taken) && !is_surrogate(*c);
}

static void put_utf16(struct buffer *out, uint32_t c, cmrp_order order) {
    if (c >= 0x10000) {
        cmrp_store(buffer_extend(out, 2), 2, 0xd800 + ((c - 0x10000) >> 10), order);
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    cmrp_store(buffer_extend(out, 2), 2, c, order);
}

bool text_to_utf16(struct buffer *out, const char *utf8, size_t size, cmrp_order order) {
    const size_t start = out->size;
    size_t taken;
    for (size_t i = 0; i < size; i += taken) {
        uint32_t c;
        if (!next_utf8((const uint8_t *)utf8 + i, size - i, &c, &taken)) {
            out->size = start;
            return false;
        }
        put_utf16(out, c, order);
    }
    return true;
}

void text_from_units(struct buffer *out, cmrp_view units, cmrp_order order) {
    size_t taken;
    for (size_t i = 0; i + 1 < units.size; i += taken) {
        put_utf8(out, next_utf16(units, i, order, &taken));
    }
}

bool text_to_units(struct buffer *out, const char *text, size_t size, cmrp_order order) {
    const size_t start = out->size;
    bool high = false; // a high surrogate by itself came before
    size_t taken;
    for (size_t i = 0; i < size; i += taken) {
        uint32_t c;
        if (!next_general((const uint8_t *)text + i, size - i, &c, &taken) ||
            (high && (c & 0xfffffc00) == 0xdc00)) { // the two are one character: four octets
            out->size = start;
            return false;
        }
        high = (c & 0xfffffc00) == 0xd800;
        put_utf16(out, c, order);
    }
    return true;
}

size_t text_units(const char *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        const uint8_t octet = (uint8_t)text[i];
        count += (octet & 0xc0) != 0x80; // a character begins
        count += octet >= 0xf0;          // one of two units
    }
    return count;
}

// Characters that a terminal obeys, or that a reader does not see.
static bool is_hostile(uint32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe007f) || is_surrogate(c);
}

static void escape_hostile(struct buffer *out, uint32_t c) {
    if (!is_hostile(c)) {
        put_utf8(out, c);
    } else if (c < 0x100) {
        buffer_printf(out, "\\x%02x", c);
    } else {
        buffer_printf(out, "\\u{%x}", c);
    }
}

static void escape_one(struct buffer *out, uint32_t c) {
    if (c == '"' || c == '\\') {
        buffer_printf(out, "\\%c", (char)c);
    } else {
        escape_hostile(out, c);
    }
}

static void escape_all(struct buffer *out, const char *utf8, size_t size,
                       void (*escape)(struct buffer *, uint32_t)) {
    size_t taken;
    for (size_t i = 0; i < size; i += taken) {
        uint32_t c;
        if (next_utf8((const uint8_t *)utf8 + i, size - i, &c, &taken)) {
            escape(out, c);
        } else {
            taken = 1;
            buffer_printf(out, "\\x%02x", (uint8_t)utf8[i]);
        }
    }
}

void text_escape(struct buffer *out, const char *utf8, size_t size) {
    escape_all(out, utf8, size, escape_one);
}

void text_make_safe(struct buffer *out, const char *utf8, size_t size) {
    escape_all(out, utf8, size, escape_hostile);
}

void text_escape_utf16(struct buffer *out, cmrp_view units, cmrp_order order) {
    size_t taken;
    for (size_t i = 0; i + 1 < units.size; i += taken) {
        escape_one(out, next_utf16(units, i, order, &taken));
    }
}

void text_utc(struct buffer *out, int64_t seconds, uint32_t nanoseconds, int digits) {
    const time_t time = (time_t)seconds;
    struct tm parts;
    char text[40] = "";
    if (gmtime_r(&time, &parts) != NULL) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    for (int i = digits; i < 9; i++) {
        nanoseconds /= 10;
    }
    buffer_printf(out, "%s.%0*uZ", text, digits, (unsigned)nanoseconds);
}
