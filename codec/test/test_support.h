// SPDX-License-Identifier: Apache-2.0
// What the codec's tests share: input built field by field, copies of exactly its size, every
// truncation, every capacity, mutations. Nothing here uses the library's own reader or writer.
#ifndef CMRP_TEST_SUPPORT_H
#define CMRP_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef CMRP_TEST_WITHOUT_CMOCKA
#include "without_cmocka.h"
#else
#include <cmocka.h>
#endif

#include "cmrp/bytes.h"
#include "cmrp/ndr.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

// The offset that tests give to the first octet: odd, so that an alignment that counts from
// anywhere else than the caller's base shows.
enum { BASE = 1001 };

#define assert_error(error, code_, offset_, path_, section_)                                       \
    do {                                                                                           \
        const cmrp_error *e_ = (error);                                                            \
        char text_[128];                                                                           \
        assert_string_equal(cmrp_code_id(e_->code), cmrp_code_id(code_));                          \
        assert_int_equal(e_->code, code_);                                                         \
        assert_int_equal(e_->offset, offset_);                                                     \
        (void)cmrp_error_field(e_, text_, sizeof text_);                                           \
        assert_string_equal(text_, path_);                                                         \
        assert_string_equal(e_->section, section_);                                                \
    } while (0)

// ---- memory -------------------------------------------------------------------------------------

// A copy in a heap block of exactly this size, for sanitizers and valgrind; the caller frees data.
cmrp_view exact(const void *octets, size_t size);
void free_view(cmrp_view view);

// Memory that ends where reading faults, in any build.
typedef struct guard {
    uint8_t *map;
    size_t mapped;
    size_t capacity;
} guard;

void guard_open(guard *g, size_t capacity);
// Copies the octets to the very end of the memory.
cmrp_view guard_place(const guard *g, const void *octets, size_t size);
void guard_close(guard *g);

// Whether a view lies within another; an empty one may be anywhere.
bool inside(cmrp_view part, cmrp_view whole);

// ---- input --------------------------------------------------------------------------------------

// What a decoder says of input that ends before `end`.
typedef struct cut {
    size_t end;
    cmrp_code code;  // CMRP_OK: it accepts that
    uint64_t offset; // from the first octet
    const char *path;
} cut;

// Octets with the cuts that belong to them.
typedef struct built {
    cmrp_order order;
    size_t word; // octets of an NDR count or referent
    size_t size;
    size_t cut_count;
    const cut *region; // while set: what every cut is, whatever is added
    cut cuts[160];
    uint8_t octets[1024];
} built;

void built_init(built *b, cmrp_order order, cmrp_syntax syntax);
cmrp_view built_view(const built *b);
// Input that ends exactly here is judged thus.
void add_boundary(built *b, cmrp_code code, const char *path);
// An integer of `width` octets; `truncated` where it is cut.
void add_uint(built *b, const char *path, size_t width, uint64_t value);
// Octets that some length has announced: `code` at `offset` where they are cut.
void add_octets(built *b, const char *path, const void *octets, size_t size, cmrp_code code,
                uint64_t offset);
// The same with ASCII text as UTF-16 units in the order of b, without a NUL.
void add_text(built *b, const char *path, const char *ascii, cmrp_code code, uint64_t offset);

// NDR: each at its alignment, the gap belonging to the field behind it.
void ndr_align(built *b, const char *path, size_t alignment);
void ndr_uint(built *b, const char *path, size_t width, uint64_t value);
void ndr_word(built *b, const char *path, uint64_t value);
void ndr_handle(built *b, const char *path, const uint8_t handle[CMRP_HANDLE_SIZE]);
void ndr_string(built *b, const char *path, const char *ascii);
void ndr_octets(built *b, const char *path, const void *octets, size_t size);

// ---- loops --------------------------------------------------------------------------------------

// Decodes input, of which errors call the first octet `offset`, into a place of the context's own.
typedef bool decode_function(void *context, cmrp_view input, uint64_t offset, cmrp_error *error);
// Decodes every front part of b, from nothing to all, and compares code, offset and path.
void check_cuts(const built *b, decode_function *decode, void *context, uint64_t base);

typedef bool encode_function(void *context, cmrp_writer *w);
// Encodes into a null sink, into exactly enough, too much and every smaller capacity. Octets of a
// reservation `hole` (NULL: none) may differ where encoding failed.
void check_encode(encode_function *encode, void *context, cmrp_view expected,
                  const cmrp_reservation *hole);

// Decodes and looks at the outcome in detail; tells whether the input was accepted.
typedef bool mutation_function(void *context, size_t seed, cmrp_view input);
// 100,000 random changes, the same in every run, of the seeds in turn, each at the end of readable
// memory.
void run_mutations(const cmrp_view *seeds, size_t count, mutation_function *decode, void *context);
// What must hold of every refusal.
void check_refusal(const cmrp_error *error, uint64_t base, size_t size);

// ---- warnings -----------------------------------------------------------------------------------

typedef struct warnings {
    size_t count;
    cmrp_error list[8]; // the first ones
} warnings;

void collect(void *context, const cmrp_error *warning);

#endif
