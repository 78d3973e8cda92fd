// SPDX-License-Identifier: Apache-2.0
// Sizes and places that decoding and encoding of stubs have in common. Not for other modules.
#ifndef CMRP_METHOD_LAYOUT_H
#define CMRP_METHOD_LAYOUT_H

#include "cmrp/method.h"

// Octets of an integer kind; 0 for the others.
static inline size_t integer_width(unsigned kind, cmrp_syntax syntax) {
    switch (kind) {
    case CMRP_KIND_U16: return 2;
    case CMRP_KIND_U32:
    case CMRP_KIND_I32: return 4;
    case CMRP_KIND_U64: return 8;
    case CMRP_KIND_WORD: return cmrp_ndr_word(syntax);
    default: return 0;
    }
}

typedef struct layout {
    size_t alignment; // of the structure
    size_t size;      // from its start to the end of its last member (NDR64: and the gap behind it)
    size_t stride;    // from one array element to the next
} layout;

static inline layout struct_layout(const cmrp_struct *type, cmrp_syntax syntax);

// Whether a structure ends with an array, of which the size stands before it.
static inline bool has_tail(const cmrp_struct *type) {
    return type->members[type->count - 1].kind == CMRP_KIND_TAIL;
}

// Octets and alignment of what stands for a member in its structure; the elements of a TAIL stand
// behind that.
static inline size_t fixed_size(const cmrp_param *p, cmrp_syntax syntax, size_t *alignment) {
    if (p->kind == CMRP_KIND_TAIL) {
        *alignment = struct_layout(cmrp_param_struct(p), syntax).alignment;
        return 0;
    }
    size_t size = p->unique ? cmrp_ndr_word(syntax) : integer_width(p->kind, syntax);
    *alignment = size;
    if (size == 0) { // a context handle
        size = CMRP_HANDLE_SIZE;
        *alignment = 4;
    }
    if (p->alignment > *alignment) {
        *alignment = p->alignment;
    }
    return size;
}

static inline size_t round_up(size_t n, size_t alignment) {
    return (n + alignment - 1) & ~(alignment - 1);
}

static inline layout struct_layout(const cmrp_struct *type, cmrp_syntax syntax) {
    layout l = {1, 0, 0};
    for (uint32_t i = 0; i < type->count; i++) {
        size_t alignment;
        const size_t size = fixed_size(&type->members[i], syntax, &alignment);
        l.alignment = alignment > l.alignment ? alignment : l.alignment;
        l.size = round_up(l.size, alignment) + size;
    }
    l.stride = round_up(l.size, l.alignment);
    if (syntax == CMRP_NDR64) {
        l.size = l.stride;
    }
    return l;
}

// Elements, units or octets that an array parameter has.
static inline uint64_t held_by(const cmrp_param *p, const cmrp_slot *slot) {
    if (slot->null) {
        return 0;
    }
    switch (p->kind) {
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: return slot->rows.count;
    case CMRP_KIND_UNITS: return slot->bytes.size / 2;
    default: return slot->bytes.size;
    }
}

#endif
