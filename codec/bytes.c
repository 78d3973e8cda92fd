// SPDX-License-Identifier: Apache-2.0
#include "cmrp/bytes.h"

bool cmrp_fail(cmrp_reader *r, cmrp_code code, const char *field, uint64_t offset, uint64_t value) {
    if (r->error->code == CMRP_OK) {
        *r->error = (cmrp_error){
            .code = code,
            .offset = offset,
            .value = value,
            .left = r->left,
            .field = field,
            .section = r->section,
        };
    }
    return false;
}

bool cmrp_take_uint(cmrp_reader *r, const char *field, size_t width, cmrp_order order,
                    uint64_t *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, width, &p)) {
        return false;
    }
    switch (width) {
    case 1: *out = p[0]; break;
    case 2: *out = cmrp_load_u16(p, order); break;
    case 4: *out = cmrp_load_u32(p, order); break;
    default: *out = cmrp_load_u64(p, order); break;
    }
    return true;
}

bool cmrp_take_u8(cmrp_reader *r, const char *field, uint8_t *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, 1, &p)) {
        return false;
    }
    *out = *p;
    return true;
}

bool cmrp_take_u16(cmrp_reader *r, const char *field, cmrp_order order, uint16_t *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, 2, &p)) {
        return false;
    }
    *out = cmrp_load_u16(p, order);
    return true;
}

bool cmrp_take_u32(cmrp_reader *r, const char *field, cmrp_order order, uint32_t *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, 4, &p)) {
        return false;
    }
    *out = cmrp_load_u32(p, order);
    return true;
}

bool cmrp_take_u64(cmrp_reader *r, const char *field, cmrp_order order, uint64_t *out) {
    const uint8_t *p;
    if (!cmrp_take(r, field, 8, &p)) {
        return false;
    }
    *out = cmrp_load_u64(p, order);
    return true;
}

bool cmrp_take_child(cmrp_reader *r, const char *field, size_t n, cmrp_reader *child) {
    const uint64_t offset = r->offset;
    cmrp_view view;
    if (!cmrp_take_view(r, field, n, &view)) {
        return false;
    }
    cmrp_reader_init(child, view, offset, r->error, r->section);
    return true;
}

bool cmrp_write_fail(cmrp_writer *w, cmrp_code code, const char *field, uint64_t value) {
    if (w->error->code == CMRP_OK) {
        *w->error = (cmrp_error){
            .code = code,
            .offset = w->size,
            .value = value,
            .left = w->capacity - w->size,
            .field = field,
            .section = w->section,
        };
    }
    return false;
}

// The one put: room for n octets, or no-space. *out is NULL on a null sink.
static bool put(cmrp_writer *w, const char *field, size_t n, uint8_t **out) {
    if (n > w->capacity - w->size || w->error->code != CMRP_OK) {
        cmrp_write_fail(w, CMRP_E_NO_SPACE, field, n);
        return false; // said here, so that the compiler sees that *out is set otherwise
    }
    *out = w->data != NULL ? w->data + w->size : NULL;
    w->size += n;
    return true;
}

bool cmrp_put_view(cmrp_writer *w, const char *field, cmrp_view view) {
    uint8_t *p;
    if (!put(w, field, view.size, &p)) {
        return false;
    }
    if (p != NULL && view.size > 0) {
        memcpy(p, view.data, view.size);
    }
    return true;
}

bool cmrp_put_zero(cmrp_writer *w, const char *field, size_t n) {
    uint8_t *p;
    if (!put(w, field, n, &p)) {
        return false;
    }
    if (p != NULL && n > 0) {
        memset(p, 0, n);
    }
    return true;
}

bool cmrp_put_uint(cmrp_writer *w, const char *field, size_t width, cmrp_order order,
                   uint64_t value) {
    uint8_t *p;
    if (!put(w, field, width, &p)) {
        return false;
    }
    if (p != NULL) {
        cmrp_store(p, width, value, order);
    }
    return true;
}

bool cmrp_reserve(cmrp_writer *w, const char *field, size_t width, cmrp_reservation *out) {
    const cmrp_reservation place = {w->size, width};
    if (!cmrp_put_zero(w, field, width)) {
        return false;
    }
    *out = place;
    return true;
}

void cmrp_fill(cmrp_writer *w, cmrp_reservation place, cmrp_order order, uint64_t value) {
    if (w->data != NULL && w->error->code == CMRP_OK) {
        cmrp_store(w->data + place.position, place.width, value, order);
    }
}

// Whether one of the four 16-bit lanes is 0.
static inline bool has_zero_lane(uint64_t lanes) {
    return ((lanes - 0x0001000100010001u) & ~lanes & 0x8000800080008000u) != 0;
}

// Whether four units hold no NUL and no surrogate, as nearly all text does.
static inline bool is_plain(uint64_t lanes) {
    const uint64_t surrogates = (lanes & 0xf800f800f800f800u) ^ 0xd800d800d800d800u;
    return !has_zero_lane(lanes) && !has_zero_lane(surrogates);
}

// Compiled once for each byte order, so that a load is one instruction.
static inline unsigned check_units(cmrp_view text, cmrp_order order) {
    unsigned found = text.size % 2 != 0 ? CMRP_UTF16_ODD_SIZE : 0;
    bool high = false;
    if (cmrp_utf16_is_simple(text, order)) {
        return found;
    }
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        while (!high && text.size - i >= 8 && is_plain(cmrp_load_u64(text.data + i, order))) {
            i += 8;
        }
        if (i + 1 >= text.size) {
            break;
        }
        const unsigned unit = cmrp_load_u16(text.data + i, order);
        const bool low = (unit & 0xfc00) == 0xdc00;
        if (high != low) {
            found |= CMRP_UTF16_UNPAIRED;
        }
        if (unit == 0) {
            found |= CMRP_UTF16_NUL;
        }
        high = (unit & 0xfc00) == 0xd800;
    }
    return high ? found | CMRP_UTF16_UNPAIRED : found;
}

unsigned cmrp_utf16_check(cmrp_view text, cmrp_order order) {
    return order == CMRP_LITTLE_ENDIAN ? check_units(text, CMRP_LITTLE_ENDIAN)
                                       : check_units(text, CMRP_BIG_ENDIAN);
}
