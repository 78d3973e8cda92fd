// SPDX-License-Identifier: Apache-2.0
// Octets in and out: views, one bounds-checked reader, one bounds-checked writer.
//
// A reader is a pointer and what is left behind it; every read of every decoder goes through
// cmrp_take. A failed read moves nothing, writes no output and puts its error where the reader
// points; after the first error every further read on that error fails. A writer is the mirror: run
// on no buffer it computes the size, by the same code that writes.
#ifndef CMRP_BYTES_H
#define CMRP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cmrp/export.h"
#include "cmrp/status.h"

CMRP_BEGIN_DECLS

// Octets that belong to somebody else. data may be NULL when size is 0. No alignment is promised.
typedef struct cmrp_view {
    const uint8_t *data;
    size_t size;
} cmrp_view;

typedef enum cmrp_order {
    CMRP_LITTLE_ENDIAN = 0,
    CMRP_BIG_ENDIAN = 1,
} cmrp_order;

// ---- loads and stores: any alignment, any host --------------------------------------------------

static inline uint16_t cmrp_load_u16(const uint8_t *p, cmrp_order order) {
    const unsigned low = p[order == CMRP_LITTLE_ENDIAN ? 0 : 1];
    const unsigned high = p[order == CMRP_LITTLE_ENDIAN ? 1 : 0];
    return (uint16_t)(low | high << 8);
}

static inline uint32_t cmrp_load_u32(const uint8_t *p, cmrp_order order) {
    return order == CMRP_LITTLE_ENDIAN
               ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
               : (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline uint64_t cmrp_load_u64(const uint8_t *p, cmrp_order order) {
    const uint32_t a = cmrp_load_u32(p, order);
    const uint32_t b = cmrp_load_u32(p + 4, order);
    return order == CMRP_LITTLE_ENDIAN ? a | (uint64_t)b << 32 : b | (uint64_t)a << 32;
}

// One octet after the other in a row, which compilers turn into one store.
static inline void cmrp_store_u32(uint8_t *p, uint32_t value, cmrp_order order) {
    const bool little = order == CMRP_LITTLE_ENDIAN;
    p[0] = (uint8_t)(little ? value : value >> 24);
    p[1] = (uint8_t)(little ? value >> 8 : value >> 16);
    p[2] = (uint8_t)(little ? value >> 16 : value >> 8);
    p[3] = (uint8_t)(little ? value >> 24 : value);
}

static inline void cmrp_store_u64(uint8_t *p, uint64_t value, cmrp_order order) {
    const bool little = order == CMRP_LITTLE_ENDIAN;
    cmrp_store_u32(p, (uint32_t)(little ? value : value >> 32), order);
    cmrp_store_u32(p + 4, (uint32_t)(little ? value >> 32 : value), order);
}

// Stores the low `width` octets of value (width 1 to 8).
static inline void cmrp_store(uint8_t *p, size_t width, uint64_t value, cmrp_order order) {
    for (size_t i = 0; i < width; i++) {
        p[order == CMRP_LITTLE_ENDIAN ? i : width - 1 - i] = (uint8_t)(value >> (8 * i));
    }
}

// ---- reader -------------------------------------------------------------------------------------

typedef struct cmrp_reader {
    const uint8_t *at;
    cmrp_error *error;   // the caller's; shared with every child
    size_t left;         // octets from `at` on
    const char *section; // cited by errors
    uint64_t offset;     // of `at`, from the base that the caller chose
} cmrp_reader;

// Prepares r to read view; offset is what errors call its first octet. Resets nothing in error: a
// reader on an error that is already set fails at once.
static inline void cmrp_reader_init(cmrp_reader *r, cmrp_view view, uint64_t offset,
                                    cmrp_error *error, const char *section) {
    const uint8_t *at = view.data != NULL ? view.data : (const uint8_t *)"";
    const cmrp_reader fresh = {at, error, view.size, section, offset};
    *r = fresh;
}

// Sets the reader's error unless one is set already. Always returns false. `offset` is absolute.
CMRP_API bool cmrp_fail(cmrp_reader *r, cmrp_code code, const char *field, uint64_t offset,
                        uint64_t value);

// The one take: hands out a pointer to the next n octets and moves behind them. Fails with
// `truncated` at the current offset when fewer are left.
static inline bool cmrp_take(cmrp_reader *r, const char *field, size_t n, const uint8_t **out) {
    if (n > r->left || r->error->code != CMRP_OK) {
        cmrp_fail(r, CMRP_E_TRUNCATED, field, r->offset, n);
        return false; // said here, so that the compiler sees that *out is set otherwise
    }
    *out = r->at;
    r->at += n;
    r->left -= n;
    r->offset += n;
    return true;
}

// Hands out a pointer to the next n octets, which stay where they are. Fails without a word when
// fewer are left or an error is set: what is to be taken is decided by what is seen.
static inline bool cmrp_peek(const cmrp_reader *r, size_t n, const uint8_t **out) {
    if (n > r->left || r->error->code != CMRP_OK) {
        return false;
    }
    *out = r->at;
    return true;
}

// Moves behind n octets, of which cmrp_peek has shown that they are there.
static inline void cmrp_skip(cmrp_reader *r, size_t n) {
    r->at += n;
    r->left -= n;
    r->offset += n;
}

// Takes n octets as a view.
static inline bool cmrp_take_view(cmrp_reader *r, const char *field, size_t n, cmrp_view *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, n, &p)) {
        return false;
    }
    const cmrp_view view = {p, n};
    *out = view;
    return true;
}

// Takes an unsigned integer of 1, 2, 4 or 8 octets.
CMRP_API bool cmrp_take_uint(cmrp_reader *r, const char *field, size_t width, cmrp_order order,
                             uint64_t *out);
CMRP_API bool cmrp_take_u8(cmrp_reader *r, const char *field, uint8_t *out);
CMRP_API bool cmrp_take_u16(cmrp_reader *r, const char *field, cmrp_order order, uint16_t *out);
CMRP_API bool cmrp_take_u32(cmrp_reader *r, const char *field, cmrp_order order, uint32_t *out);
CMRP_API bool cmrp_take_u64(cmrp_reader *r, const char *field, cmrp_order order, uint64_t *out);

// Takes n octets as a reader of their own, which shares r's error and section and cannot leave
// them.
CMRP_API bool cmrp_take_child(cmrp_reader *r, const char *field, size_t n, cmrp_reader *child);

// ---- writer -------------------------------------------------------------------------------------

typedef struct cmrp_writer {
    uint8_t *data;     // NULL: a null sink that only counts
    size_t capacity;   // SIZE_MAX for a null sink
    size_t size;       // octets written (counted) so far
    cmrp_error *error; // the caller's; no-space when something did not fit
    const char *section;
} cmrp_writer;

// Prepares w to write into `capacity` octets at data. On failure what lies before w->size has been
// written, nothing behind it has been touched.
static inline void cmrp_writer_init(cmrp_writer *w, uint8_t *data, size_t capacity,
                                    cmrp_error *error, const char *section) {
    const cmrp_writer fresh = {data, capacity, 0, error, section};
    *w = fresh;
}

// Prepares w as a null sink: everything is counted in w->size, nothing is stored.
static inline void cmrp_sizer_init(cmrp_writer *w, cmrp_error *error, const char *section) {
    const cmrp_writer fresh = {NULL, SIZE_MAX, 0, error, section};
    *w = fresh;
}

// Sets the writer's error unless one is set already; its offset is what has been written so far.
// Returns false.
CMRP_API bool cmrp_write_fail(cmrp_writer *w, cmrp_code code, const char *field, uint64_t value);

CMRP_API bool cmrp_put_view(cmrp_writer *w, const char *field, cmrp_view view);
CMRP_API bool cmrp_put_zero(cmrp_writer *w, const char *field, size_t n);
// Writes the low `width` octets (1, 2, 4, 8) of value.
CMRP_API bool cmrp_put_uint(cmrp_writer *w, const char *field, size_t width, cmrp_order order,
                            uint64_t value);

// A place for a length that is known later. Valid until the writer is initialised again.
typedef struct cmrp_reservation {
    size_t position;
    size_t width;
} cmrp_reservation;

// Reserves `width` octets (1, 2, 4, 8), zero for now.
CMRP_API bool cmrp_reserve(cmrp_writer *w, const char *field, size_t width, cmrp_reservation *out);
// Fills a reservation; does nothing after an error or on a null sink.
CMRP_API void cmrp_fill(cmrp_writer *w, cmrp_reservation place, cmrp_order order, uint64_t value);

// ---- UTF-16 -------------------------------------------------------------------------------------

enum {
    CMRP_UTF16_NUL = 1,      // a unit is 0
    CMRP_UTF16_UNPAIRED = 2, // a surrogate without its partner
    CMRP_UTF16_ODD_SIZE = 4, // not a whole number of units; the last octet was not looked at
};

// Looks at UTF-16 text and says what is special about it (an OR of the above; 0: nothing is).
CMRP_API unsigned cmrp_utf16_check(cmrp_view text, cmrp_order order);

// Whether all units lie between 1 and 0x7fff, as in nearly all text: then nothing is special about
// it. If not, cmrp_utf16_check tells. An odd last octet is not looked at.
static inline bool cmrp_utf16_is_simple(cmrp_view text, cmrp_order order) {
    const uint64_t ones = 0x0001000100010001u; // 1 in each lane of a word
    const uint64_t tops = 0x8000800080008000u;
    const uint8_t *p = text.data;
    uint64_t seen = 0; // a lane's top bit: a unit had it, or has become negative
    if (text.size < 8) {
        for (size_t left = text.size; left > 1; left -= 2, p += 2) {
            const uint64_t unit = cmrp_load_u16(p, order);
            seen |= unit | (unit - 1);
        }
        return (seen & tops) == 0;
    }
    const uint8_t *last = p + (text.size & ~(size_t)1) - 8; // the last word, however it is aligned
    for (; p < last; p += 8) {
        const uint64_t word = cmrp_load_u64(p, order);
        seen |= word | (word - ones);
    }
    const uint64_t word = cmrp_load_u64(last, order);
    return ((seen | word | (word - ones)) & tops) == 0;
}

CMRP_END_DECLS

#endif
