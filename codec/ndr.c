// SPDX-License-Identifier: Apache-2.0
#include "cmrp/ndr.h"

enum { UNIT = 2 }; // octets of a UTF-16 unit

static void warn(const cmrp_ndr_reader *r, cmrp_code code, const char *field, uint64_t at) {
    if (r->warn != NULL) {
        const cmrp_error warning = {.code = code,
                                    .index = r->index,
                                    .offset = at,
                                    .array = r->array,
                                    .field = field,
                                    .section = r->bytes.section};
        r->warn(r->warn_context, &warning);
    }
}

static size_t gap_before(const cmrp_ndr_reader *r, size_t alignment) {
    return (size_t)(-(r->bytes.offset - r->base) & (alignment - 1));
}

static bool skip_gap(cmrp_ndr_reader *r, const char *field, size_t gap) {
    const uint64_t at = r->bytes.offset;
    cmrp_view octets;
    if (gap > r->bytes.left) {
        // The field behind the gap is what is missing.
        return cmrp_fail(&r->bytes, CMRP_E_TRUNCATED, field, at + gap, 0);
    }
    if (!cmrp_take_view(&r->bytes, field, gap, &octets)) {
        return false;
    }
    for (size_t i = 0; i < gap; i++) {
        if (octets.data[i] != 0) {
            warn(r, CMRP_E_NDR_PADDING, field, at);
            break;
        }
    }
    return true;
}

// Nearly always there is no gap: the rest stays out of the way of those who call this often.
static inline bool align(cmrp_ndr_reader *r, const char *field, size_t alignment) {
    const size_t gap = gap_before(r, alignment);
    return gap == 0 ? r->bytes.error->code == CMRP_OK : skip_gap(r, field, gap);
}

bool cmrp_ndr_align(cmrp_ndr_reader *r, const char *field, size_t alignment) {
    return align(r, field, alignment);
}

// An integer that is aligned already; most have four octets.
static inline bool take_aligned(cmrp_ndr_reader *r, const char *field, size_t width,
                                uint64_t *value) {
    const uint8_t *p;
    if (width != 4) {
        return cmrp_take_uint(&r->bytes, field, width, r->order, value);
    }
    if (!cmrp_take(&r->bytes, field, 4, &p)) {
        return false;
    }
    *value = cmrp_load_u32(p, r->order);
    return true;
}

bool cmrp_ndr_take_uint(cmrp_ndr_reader *r, const char *field, size_t width, uint64_t *value) {
    return align(r, field, width) && take_aligned(r, field, width, value);
}

static inline bool take_word(cmrp_ndr_reader *r, const char *field, uint64_t *value, uint64_t *at) {
    const size_t width = cmrp_ndr_word(r->syntax);
    if (!align(r, field, width)) {
        return false;
    }
    const uint64_t start = r->bytes.offset;
    if (!take_aligned(r, field, width, value)) {
        return false;
    }
    if (at != NULL) {
        *at = start;
    }
    return true;
}

bool cmrp_ndr_take_word(cmrp_ndr_reader *r, const char *field, uint64_t *value, uint64_t *at) {
    return take_word(r, field, value, at);
}

// Turns the integers of a handle (u32, then the GUID's u32, u16, u16) from one byte order into the
// other.
static void swap_handle(uint8_t handle[CMRP_HANDLE_SIZE]) {
    static const uint8_t starts[] = {0, 4, 8, 10};
    static const uint8_t widths[] = {4, 4, 2, 2};
    for (size_t f = 0; f < sizeof starts; f++) {
        for (size_t i = 0; i < widths[f] / 2u; i++) {
            uint8_t *a = handle + starts[f] + i;
            uint8_t *b = handle + starts[f] + widths[f] - 1 - i;
            const uint8_t t = *a;
            *a = *b;
            *b = t;
        }
    }
}

bool cmrp_ndr_take_handle(cmrp_ndr_reader *r, const char *field, uint8_t handle[CMRP_HANDLE_SIZE]) {
    const uint8_t *p;
    if (!align(r, field, 4) || !cmrp_take(&r->bytes, field, CMRP_HANDLE_SIZE, &p)) {
        return false;
    }
    memcpy(handle, p, CMRP_HANDLE_SIZE);
    if (r->order == CMRP_BIG_ENDIAN) {
        swap_handle(handle);
    }
    return true;
}

// The counts of a conformant varying array, of which the octets are to follow.
typedef struct counts {
    uint64_t max_count, offset, actual_count;
    uint64_t max_count_at, offset_at, actual_count_at;
} counts;

static bool take_counts(cmrp_ndr_reader *r, const char *field, counts *c) {
    if (!cmrp_ndr_take_word(r, field, &c->max_count, &c->max_count_at) ||
        !cmrp_ndr_take_word(r, field, &c->offset, &c->offset_at) ||
        !cmrp_ndr_take_word(r, field, &c->actual_count, &c->actual_count_at)) {
        return false;
    }
    return c->offset == 0 ||
           cmrp_fail(&r->bytes, CMRP_E_STRING_OFFSET, field, c->offset_at, c->offset);
}

static bool take_elements(cmrp_ndr_reader *r, const char *field, const counts *c, size_t width,
                          cmrp_view *octets) {
    if (c->actual_count > r->bytes.left / width) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, field, c->actual_count_at, c->actual_count);
    }
    return cmrp_take_view(&r->bytes, field, (size_t)c->actual_count * width, octets);
}

static bool take_string(cmrp_ndr_reader *r, const char *field, bool open, cmrp_view *units) {
    counts c;
    cmrp_view all;
    if (!take_counts(r, field, &c)) {
        return false;
    }
    if (c.actual_count == 0 || c.actual_count > c.max_count) {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_COUNT, field, c.actual_count_at, c.actual_count);
    }
    if (!take_elements(r, field, &c, UNIT, &all)) {
        return false;
    }
    if (cmrp_load_u16(all.data + all.size - UNIT, r->order) == 0) {
        all.size -= UNIT;
    } else if (open) {
        warn(r, CMRP_E_STRING_TERMINATOR, field, r->bytes.offset - UNIT);
    } else {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_TERMINATOR, field, r->bytes.offset - UNIT, 0);
    }
    *units = all;
    return true;
}

bool cmrp_ndr_take_string(cmrp_ndr_reader *r, const char *field, cmrp_view *units) {
    return take_string(r, field, false, units);
}

bool cmrp_ndr_take_open_string(cmrp_ndr_reader *r, const char *field, cmrp_view *units) {
    return take_string(r, field, true, units);
}

bool cmrp_ndr_take_varying(cmrp_ndr_reader *r, const char *field, cmrp_view *octets,
                           cmrp_ndr_extent *extent) {
    counts c;
    cmrp_view all;
    if (!take_counts(r, field, &c)) {
        return false;
    }
    if (c.actual_count > c.max_count) {
        return cmrp_fail(&r->bytes, CMRP_E_ACTUAL_COUNT, field, c.actual_count_at, c.actual_count);
    }
    if (!take_elements(r, field, &c, 1, &all)) {
        return false;
    }
    *octets = all;
    *extent = (cmrp_ndr_extent){c.max_count, c.max_count_at, c.actual_count_at};
    return true;
}

static inline bool take_array(cmrp_ndr_reader *r, const char *field, size_t width,
                              cmrp_view *octets, uint64_t *at) {
    uint64_t max_count, start;
    if (!take_word(r, field, &max_count, &start)) {
        return false;
    }
    if (max_count > r->bytes.left / width) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, field, start, max_count);
    }
    *at = start;
    return cmrp_take_view(&r->bytes, field, (size_t)max_count * width, octets);
}

bool cmrp_ndr_take_octets(cmrp_ndr_reader *r, const char *field, cmrp_view *octets, uint64_t *at) {
    return take_array(r, field, 1, octets, at);
}

bool cmrp_ndr_take_units(cmrp_ndr_reader *r, const char *field, cmrp_view *units, uint64_t *at) {
    return take_array(r, field, UNIT, units, at);
}

// ---- writing ------------------------------------------------------------------------------------

void cmrp_ndr_writer_init(cmrp_ndr_writer *w, cmrp_writer *bytes, cmrp_syntax syntax,
                          cmrp_order order) {
    *w = (cmrp_ndr_writer){bytes, bytes->size, syntax, order, CMRP_NDR_FIRST_REFERENT};
}

bool cmrp_ndr_put_align(cmrp_ndr_writer *w, const char *field, size_t alignment) {
    const size_t gap = -(w->bytes->size - w->base) & (alignment - 1);
    return cmrp_put_zero(w->bytes, field, gap);
}

bool cmrp_ndr_put_uint(cmrp_ndr_writer *w, const char *field, size_t width, uint64_t value) {
    return cmrp_ndr_put_align(w, field, width) &&
           cmrp_put_uint(w->bytes, field, width, w->order, value);
}

bool cmrp_ndr_put_word(cmrp_ndr_writer *w, const char *field, uint64_t value) {
    const size_t width = cmrp_ndr_word(w->syntax);
    if (width == 4 && value > UINT32_MAX) {
        return cmrp_write_fail(w->bytes, CMRP_E_TOO_LARGE, field, value);
    }
    return cmrp_ndr_put_uint(w, field, width, value);
}

bool cmrp_ndr_put_referent(cmrp_ndr_writer *w, const char *field, bool null) {
    const uint32_t referent = null ? 0 : w->referent;
    if (!null) {
        w->referent += CMRP_NDR_REFERENT_STEP;
    }
    return cmrp_ndr_put_word(w, field, referent);
}

bool cmrp_ndr_put_handle(cmrp_ndr_writer *w, const char *field,
                         const uint8_t handle[CMRP_HANDLE_SIZE]) {
    uint8_t octets[CMRP_HANDLE_SIZE];
    memcpy(octets, handle, sizeof octets);
    if (w->order == CMRP_BIG_ENDIAN) {
        swap_handle(octets);
    }
    return cmrp_ndr_put_align(w, field, 4) &&
           cmrp_put_view(w->bytes, field, (cmrp_view){octets, sizeof octets});
}

static bool put_units(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                      cmrp_order unit_order) {
    if (unit_order == w->order) {
        return cmrp_put_view(w->bytes, field, units);
    }
    for (size_t i = 0; i < units.size; i += UNIT) {
        const uint64_t unit = cmrp_load_u16(units.data + i, unit_order);
        if (!cmrp_put_uint(w->bytes, field, UNIT, w->order, unit)) {
            return false;
        }
    }
    return true;
}

bool cmrp_ndr_put_string(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                         cmrp_order unit_order) {
    const uint64_t count = units.size / UNIT + 1;
    if (units.size % UNIT != 0) {
        return cmrp_write_fail(w->bytes, CMRP_E_STRING_TERMINATOR, field, units.size);
    }
    return cmrp_ndr_put_word(w, field, count) && cmrp_ndr_put_word(w, field, 0) &&
           cmrp_ndr_put_word(w, field, count) && put_units(w, field, units, unit_order) &&
           cmrp_put_zero(w->bytes, field, UNIT);
}

bool cmrp_ndr_put_units(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                        cmrp_order unit_order) {
    if (units.size % UNIT != 0) {
        return cmrp_write_fail(w->bytes, CMRP_E_ODD_UNITS, field, units.size);
    }
    return cmrp_ndr_put_word(w, field, units.size / UNIT) && put_units(w, field, units, unit_order);
}

bool cmrp_ndr_put_octets(cmrp_ndr_writer *w, const char *field, cmrp_view octets) {
    return cmrp_ndr_put_word(w, field, octets.size) && cmrp_put_view(w->bytes, field, octets);
}

bool cmrp_ndr_put_varying(cmrp_ndr_writer *w, const char *field, uint64_t max_count,
                          cmrp_view octets) {
    return cmrp_ndr_put_word(w, field, max_count) && cmrp_ndr_put_word(w, field, 0) &&
           cmrp_ndr_put_word(w, field, octets.size) && cmrp_put_view(w->bytes, field, octets);
}
