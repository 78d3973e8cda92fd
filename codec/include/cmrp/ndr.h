// SPDX-License-Identifier: Apache-2.0
// NDR20 [C706 chapter 14] and NDR64 [MS-RPCE 2.2.5] primitives: alignment, referents, conformant
// and varying arrays, strings, context handles, in both byte orders.
//
// Everything a stub needs is here once; the two syntaxes differ only in the width of counts and
// referents and in the gap at the end of a structure.
#ifndef CMRP_NDR_H
#define CMRP_NDR_H

#include "cmrp/bytes.h"

CMRP_BEGIN_DECLS

typedef enum cmrp_syntax {
    CMRP_NDR20 = 0,
    CMRP_NDR64 = 1,
} cmrp_syntax;

enum { CMRP_HANDLE_SIZE = 20 }; // context handle: attributes u32, GUID 16 octets

// Octets of a count (max_count, offset, actual_count), a referent or a uint3264: 4 or 8.
static inline size_t cmrp_ndr_word(cmrp_syntax syntax) {
    return syntax == CMRP_NDR64 ? 8 : 4;
}

// ---- reading ------------------------------------------------------------------------------------

typedef struct cmrp_ndr_reader {
    cmrp_reader bytes;
    uint64_t base; // offset of the stub's first octet: alignment counts from here
    cmrp_syntax syntax;
    cmrp_order order;
    cmrp_warn *warn; // NULL: warnings are not wanted
    void *warn_context;
    const char *array; // what cmrp_error.array and .index are to be, or NULL
    uint32_t index;
} cmrp_ndr_reader;

// Skips the gap before a field of this alignment (a power of two). A gap that is not zero is
// reported as a warning (ndr-padding); a missing one is `truncated`.
CMRP_API bool cmrp_ndr_align(cmrp_ndr_reader *r, const char *field, size_t alignment);
// Takes an unsigned integer of 1, 2, 4 or 8 octets at its own alignment.
CMRP_API bool cmrp_ndr_take_uint(cmrp_ndr_reader *r, const char *field, size_t width,
                                 uint64_t *value);
// Takes a count, a referent or a uint3264. *at receives its offset; at may be NULL.
CMRP_API bool cmrp_ndr_take_word(cmrp_ndr_reader *r, const char *field, uint64_t *value,
                                 uint64_t *at);
// Takes a context handle; handle receives attributes and GUID as a little-endian sender has them.
CMRP_API bool cmrp_ndr_take_handle(cmrp_ndr_reader *r, const char *field,
                                   uint8_t handle[CMRP_HANDLE_SIZE]);
// Takes a conformant varying string of 16-bit units. units receives them without the NUL that must
// end them, in the stub's byte order. Fails with string-offset, string-count, overrun,
// string-terminator.
CMRP_API bool cmrp_ndr_take_string(cmrp_ndr_reader *r, const char *field, cmrp_view *units);
// The same, but a missing NUL is a warning (string-terminator) and units then holds all of them.
CMRP_API bool cmrp_ndr_take_open_string(cmrp_ndr_reader *r, const char *field, cmrp_view *units);
// Takes a conformant array of octets; *at receives the offset of its max_count. Fails with overrun.
CMRP_API bool cmrp_ndr_take_octets(cmrp_ndr_reader *r, const char *field, cmrp_view *octets,
                                   uint64_t *at);
// The same of 16-bit units, in the stub's byte order.
CMRP_API bool cmrp_ndr_take_units(cmrp_ndr_reader *r, const char *field, cmrp_view *units,
                                  uint64_t *at);

// What a conformant varying array says of itself, and where.
typedef struct cmrp_ndr_extent {
    uint64_t max_count;
    uint64_t max_count_at;
    uint64_t actual_count_at;
} cmrp_ndr_extent;

// Takes a conformant varying array of octets. Fails with string-offset, string-count (actual_count
// above max_count; 0 is right here), overrun.
CMRP_API bool cmrp_ndr_take_varying(cmrp_ndr_reader *r, const char *field, cmrp_view *octets,
                                    cmrp_ndr_extent *extent);

// ---- writing ------------------------------------------------------------------------------------

typedef struct cmrp_ndr_writer {
    cmrp_writer *bytes;
    size_t base; // bytes->size where the stub begins
    cmrp_syntax syntax;
    cmrp_order order;
    uint32_t referent; // the next one to be written
} cmrp_ndr_writer;

enum { CMRP_NDR_FIRST_REFERENT = 0x00020000, CMRP_NDR_REFERENT_STEP = 4 };

CMRP_API void cmrp_ndr_writer_init(cmrp_ndr_writer *w, cmrp_writer *bytes, cmrp_syntax syntax,
                                   cmrp_order order);
CMRP_API bool cmrp_ndr_put_align(cmrp_ndr_writer *w, const char *field, size_t alignment);
CMRP_API bool cmrp_ndr_put_uint(cmrp_ndr_writer *w, const char *field, size_t width,
                                uint64_t value);
// Fails with value when value does not fit the syntax's width.
CMRP_API bool cmrp_ndr_put_word(cmrp_ndr_writer *w, const char *field, uint64_t value);
// Writes a referent of its own, or 0 when null.
CMRP_API bool cmrp_ndr_put_referent(cmrp_ndr_writer *w, const char *field, bool null);
CMRP_API bool cmrp_ndr_put_handle(cmrp_ndr_writer *w, const char *field,
                                  const uint8_t handle[CMRP_HANDLE_SIZE]);
// Writes units (of unit_order) and the NUL. Fails with string-terminator for an odd size.
CMRP_API bool cmrp_ndr_put_string(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                                  cmrp_order unit_order);
CMRP_API bool cmrp_ndr_put_octets(cmrp_ndr_writer *w, const char *field, cmrp_view octets);
// Writes units (of unit_order) as a conformant array. Fails with value for an odd number of octets.
CMRP_API bool cmrp_ndr_put_units(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                                 cmrp_order unit_order);
CMRP_API bool cmrp_ndr_put_varying(cmrp_ndr_writer *w, const char *field, uint64_t max_count,
                                   cmrp_view octets);

CMRP_END_DECLS

#endif
