// SPDX-License-Identifier: Apache-2.0
#include "util/text.h"

static const struct run {
    uint16_t first, last, step;
    uint16_t add; // modulo 0x10000
} runs[] = {
#define RUN(first, last, step, add) {first, last, step, (uint16_t)(add)},
#include "util/fold.def"
#undef RUN
};

static uint32_t fold(uint32_t c) {
    size_t low = 0;
    size_t high = sizeof runs / sizeof runs[0];
    while (low < high) { // the first run that ends at c or behind it
        const size_t middle = (low + high) / 2;
        if (runs[middle].last < c) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == sizeof runs / sizeof runs[0] || c < runs[low].first ||
        (c - runs[low].first) % runs[low].step != 0) {
        return c;
    }
    return (uint16_t)(c + runs[low].add);
}

// A character of two or three octets at s, folded into `octets`; the number of octets that it takes
// there, or 0 for everything else. All that has a case and is not ASCII is of this size.
static size_t fold_wide(const uint8_t *s, size_t left, size_t *taken, uint8_t octets[3]) {
    uint32_t c;
    if (left >= 2 && (s[0] & 0xe0) == 0xc0 && (s[1] & 0xc0) == 0x80) {
        c = (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
        *taken = 2;
    } else if (left >= 3 && (s[0] & 0xf0) == 0xe0 && (s[1] & 0xc0) == 0x80 &&
               (s[2] & 0xc0) == 0x80) {
        c = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
        *taken = 3;
    } else {
        return 0;
    }
    if (c < (*taken == 2 ? 0x80u : 0x800u)) {
        return 0; // overlong
    }
    c = fold(c);
    if (c < 0x800) {
        octets[0] = (uint8_t)(0xc0 | c >> 6);
        octets[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    octets[0] = (uint8_t)(0xe0 | c >> 12);
    octets[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    octets[2] = (uint8_t)(0x80 | (c & 0x3f));
    return 3;
}

static uint8_t fold_ascii(uint8_t octet) {
    return octet >= 'a' && octet <= 'z' ? (uint8_t)(octet - 'a' + 'A') : octet;
}

// The next piece of text, folded; returns its size.
static size_t fold_next(const uint8_t *s, size_t left, size_t *taken, uint8_t octets[3]) {
    const size_t n = s[0] < 0x80 ? 0 : fold_wide(s, left, taken, octets);
    if (n > 0) {
        return n;
    }
    *taken = 1;
    octets[0] = fold_ascii(s[0]);
    return 1;
}

void text_fold(struct buffer *out, const char *text, size_t size) {
    const uint8_t *s = (const uint8_t *)text;
    size_t taken;
    buffer_reserve(out, size);
    for (size_t i = 0; i < size; i += taken) {
        if (s[i] < 0x80) {
            taken = 1;
            *buffer_extend(out, 1) = fold_ascii(s[i]);
            continue;
        }
        uint8_t octets[3];
        const size_t n = fold_next(s + i, size - i, &taken, octets);
        buffer_append(out, octets, n);
    }
}

int text_compare_folded(const char *a, const char *b) {
    const uint8_t *s = (const uint8_t *)a;
    const uint8_t *t = (const uint8_t *)b;
    size_t s_left = strlen(a);
    size_t t_left = strlen(b);
    while (s_left > 0 && t_left > 0) {
        uint8_t x[3] = {0}, y[3] = {0};
        size_t s_taken, t_taken;
        (void)fold_next(s, s_left, &s_taken, x);
        (void)fold_next(t, t_left, &t_taken, y);
        const int order = memcmp(x, y, sizeof x);
        if (order != 0) {
            return order;
        }
        s += s_taken;
        s_left -= s_taken;
        t += t_taken;
        t_left -= t_taken;
    }
    return (s_left > 0) - (t_left > 0);
}
