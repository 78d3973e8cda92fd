// SPDX-License-Identifier: Apache-2.0
#include "cmrp/ndr.h"

enum { UNIT = 2 }; // octets of a UTF-16 unit

bool cmrp_ndr_align(cmrp_ndr_reader *r, const char *field, size_t alignment) {
    const uint64_t at = r->bytes.offset;
    const size_t gap = (size_t)(-(at - r->base) & (alignment - 1));
    cmrp_view octets;
    if (gap == 0) {
        return r->bytes.error->code == CMRP_OK;
    }
    if (gap > r->bytes.left) {
        // The field behind the gap is what is missing.
        return cmrp_fail(&r->bytes, CMRP_E_TRUNCATED, field, at + gap, 0);
    }
    if (!cmrp_take_view(&r->bytes, field, gap, &octets)) {
        return false;
    }
    for (size_t i = 0; i < gap && r->warn != NULL; i++) {
        if (octets.data[i] != 0) {
            const cmrp_error warning = {.code = CMRP_E_NDR_PADDING,
                                        .index = r->index,
                                        .offset = at,
                                        .array = r->array,
                                        .field = field,
                                        .section = r->bytes.section};
            r->warn(r->warn_context, &warning);
            break;
        }
    }
    return true;
}

bool cmrp_ndr_take_uint(cmrp_ndr_reader *r, const char *field, size_t width, uint64_t *value) {
    return cmrp_ndr_align(r, field, width) &&
           cmrp_take_uint(&r->bytes, field, width, r->order, value);
}

bool cmrp_ndr_take_word(cmrp_ndr_reader *r, const char *field, uint64_t *value, uint64_t *at) {
    const size_t width = cmrp_ndr_word(r->syntax);
    if (!cmrp_ndr_align(r, field, width)) {
        return false;
    }
    const uint64_t start = r->bytes.offset;
    if (!cmrp_take_uint(&r->bytes, field, width, r->order, value)) {
        return false;
    }
    if (at != NULL) {
        *at = start;
    }
    return true;
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
    if (!cmrp_ndr_align(r, field, 4) || !cmrp_take(&r->bytes, field, CMRP_HANDLE_SIZE, &p)) {
        return false;
    }
    memcpy(handle, p, CMRP_HANDLE_SIZE);
    if (r->order == CMRP_BIG_ENDIAN) {
        swap_handle(handle);
    }
    return true;
}

bool cmrp_ndr_take_string(cmrp_ndr_reader *r, const char *field, cmrp_view *units) {
    uint64_t max_count, offset, actual_count, offset_at, actual_at;
    cmrp_view all;
    if (!cmrp_ndr_take_word(r, field, &max_count, NULL) ||
        !cmrp_ndr_take_word(r, field, &offset, &offset_at) ||
        !cmrp_ndr_take_word(r, field, &actual_count, &actual_at)) {
        return false;
    }
    if (offset != 0) {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_OFFSET, field, offset_at, offset);
    }
    if (actual_count == 0 || actual_count > max_count) {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_COUNT, field, actual_at, actual_count);
    }
    if (actual_count > r->bytes.left / UNIT) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, field, actual_at, actual_count);
    }
    if (!cmrp_take_view(&r->bytes, field, (size_t)actual_count * UNIT, &all)) {
        return false;
    }
    all.size -= UNIT;
    if (cmrp_load_u16(all.data + all.size, r->order) != 0) {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_TERMINATOR, field, r->bytes.offset - UNIT, 0);
    }
    *units = all;
    return true;
}

bool cmrp_ndr_take_octets(cmrp_ndr_reader *r, const char *field, cmrp_view *octets, uint64_t *at) {
    uint64_t max_count, start;
    if (!cmrp_ndr_take_word(r, field, &max_count, &start)) {
        return false;
    }
    if (max_count > r->bytes.left) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, field, start, max_count);
    }
    *at = start;
    return cmrp_take_view(&r->bytes, field, (size_t)max_count, octets);
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

bool cmrp_ndr_put_string(cmrp_ndr_writer *w, const char *field, cmrp_view units,
                         cmrp_order unit_order) {
    const uint64_t count = units.size / UNIT + 1;
    if (units.size % UNIT != 0) {
        return cmrp_write_fail(w->bytes, CMRP_E_STRING_TERMINATOR, field, units.size);
    }
    if (!cmrp_ndr_put_word(w, field, count) || !cmrp_ndr_put_word(w, field, 0) ||
        !cmrp_ndr_put_word(w, field, count)) {
        return false;
    }
    if (unit_order == w->order) {
        return cmrp_put_view(w->bytes, field, units) && cmrp_put_zero(w->bytes, field, UNIT);
    }
    for (size_t i = 0; i < units.size; i += UNIT) {
        const uint64_t unit = cmrp_load_u16(units.data + i, unit_order);
        if (!cmrp_put_uint(w->bytes, field, UNIT, w->order, unit)) {
            return false;
        }
    }
    return cmrp_put_zero(w->bytes, field, UNIT);
}

bool cmrp_ndr_put_octets(cmrp_ndr_writer *w, const char *field, cmrp_view octets) {
    return cmrp_ndr_put_word(w, field, octets.size) && cmrp_put_view(w->bytes, field, octets);
}
