// SPDX-License-Identifier: Apache-2.0
// Stubs from slots.
#include "method_layout.h"

static bool put_rows(cmrp_ndr_writer *w, const cmrp_param *p, const cmrp_slot *slot);

// The value of an integer parameter: given, or derived from the array that it sizes. The size of
// VARYING may be larger than what the array holds.
static bool integer_value(const cmrp_ndr_writer *w, const cmrp_param *params, size_t count,
                          size_t index, const cmrp_slot *slots, uint64_t *value) {
    const cmrp_param *p = &params[index];
    const cmrp_param *array = cmrp_param_sized_by(params, count, index);
    const cmrp_slot *slot = &slots[index];
    *value = slot->value;
    if (array != NULL) {
        const cmrp_slot *sized = &slots[array - params];
        const uint64_t held = held_by(array, sized);
        const bool room =
            array->kind == CMRP_KIND_VARYING && array + array->size_is == p && !sized->null;
        if (slot->present && (room ? slot->value < held : slot->value != held)) {
            return cmrp_write_fail(w->bytes, CMRP_E_COUNT_MISMATCH, p->name, slot->value);
        }
        *value = slot->present ? slot->value : held;
    } else if (!slot->present) {
        return cmrp_write_fail(w->bytes, CMRP_E_MISSING, p->name, 0);
    }
    const size_t width = p->kind == CMRP_KIND_ROOM ? 4 : integer_width(p->kind, w->syntax);
    if (width < 8 && *value >> (8 * width) != 0) {
        return cmrp_write_fail(w->bytes, CMRP_E_TOO_LARGE, p->name, *value);
    }
    return true;
}

static bool put_fixed(cmrp_ndr_writer *w, const cmrp_param *params, size_t count, size_t index,
                      const cmrp_slot *slots) {
    const cmrp_param *p = &params[index];
    const cmrp_slot *slot = &slots[index];
    const size_t width = integer_width(p->kind, w->syntax);
    if (p->kind == CMRP_KIND_ROOM) {
        return true; // its array says it
    }
    if (p->alignment != 0 && !cmrp_ndr_put_align(w, p->name, p->alignment)) {
        return false;
    }
    if (width != 0 && !p->unique) {
        uint64_t value;
        return integer_value(w, params, count, index, slots, &value) &&
               cmrp_ndr_put_uint(w, p->name, width, value);
    }
    if (!slot->present || (slot->null && !p->unique)) {
        return cmrp_write_fail(w->bytes, CMRP_E_MISSING, p->name, 0);
    }
    if (p->unique) {
        return cmrp_ndr_put_referent(w, p->name, slot->null);
    }
    return p->kind != CMRP_KIND_HANDLE || cmrp_ndr_put_handle(w, p->name, slot->handle);
}

// What parameter `index` points to.
static bool put_pointee(cmrp_ndr_writer *w, const cmrp_param *params, size_t count, size_t index,
                        const cmrp_slot *slots) {
    const cmrp_param *p = &params[index];
    const cmrp_slot *slot = &slots[index];
    if (slot->null) {
        return true;
    }
    switch (p->kind) {
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING: return cmrp_ndr_put_string(w, p->name, slot->bytes, slot->order);
    case CMRP_KIND_UNITS: return cmrp_ndr_put_units(w, p->name, slot->bytes, slot->order);
    case CMRP_KIND_OCTETS: return cmrp_ndr_put_octets(w, p->name, slot->bytes);
    case CMRP_KIND_VARYING: {
        uint64_t room;
        return integer_value(w, params, count, index + (size_t)p->size_is, slots, &room) &&
               cmrp_ndr_put_varying(w, p->name, room, slot->bytes);
    }
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY: return put_rows(w, p, slot);
    default: return true;
    }
}

static bool put_pass(cmrp_ndr_writer *w, const cmrp_param *p, cmrp_rows rows, bool fixed);

// A member's fixed part, or what it points to. The elements of a TAIL are part of both.
static bool put_member(cmrp_ndr_writer *w, const cmrp_struct *type, uint32_t index,
                       const cmrp_slot *members, bool fixed) {
    const cmrp_param *m = &type->members[index];
    if (fixed && !put_fixed(w, type->members, type->count, index, members)) {
        return false;
    }
    if (m->kind == CMRP_KIND_TAIL) {
        const bool gap = fixed && w->syntax == CMRP_NDR64;
        cmrp_rows rows = members[index].rows;
        rows.type = cmrp_param_struct(m);
        return (!gap || cmrp_ndr_put_align(w, m->name, struct_layout(type, w->syntax).alignment)) &&
               put_pass(w, m, rows, fixed);
    }
    return fixed || !m->unique || put_pointee(w, type->members, type->count, index, members);
}

// The members of one row: their fixed parts, or what their pointers point to. Errors carry the
// name and number of the row.
static bool put_row(cmrp_ndr_writer *w, const cmrp_param *p, uint64_t index,
                    const cmrp_struct *type, const cmrp_slot *members, bool fixed) {
    cmrp_error *error = w->bytes->error;
    for (uint32_t i = 0; i < type->count; i++) {
        if (!put_member(w, type, i, members, fixed)) {
            if (error->array == NULL) {
                error->array = p->name;
                error->index = p->kind != CMRP_KIND_RECORD ? (uint32_t)index : CMRP_NO_INDEX;
            }
            return false;
        }
    }
    return true;
}

// The size of the array at the end of a structure stands before it.
static bool put_tail_size(cmrp_ndr_writer *w, const cmrp_struct *type, const cmrp_slot *members) {
    const cmrp_param *p = &type->members[type->count - 1];
    return !has_tail(type) || cmrp_ndr_put_word(w, p->name, held_by(p, &members[type->count - 1]));
}

// One pass over all rows.
static bool put_pass(cmrp_ndr_writer *w, const cmrp_param *p, cmrp_rows rows, bool fixed) {
    const cmrp_struct *type = rows.type;
    const layout l = struct_layout(type, w->syntax);
    for (uint64_t n = 0; n < rows.count; n++) {
        cmrp_slot members[CMRP_MAX_PARAMS];
        if (!cmrp_rows_next(&rows, members)) {
            return cmrp_write_fail(w->bytes, CMRP_E_MISSING, p->name, n);
        }
        if ((fixed &&
             (!put_tail_size(w, type, members) || !cmrp_ndr_put_align(w, p->name, l.alignment))) ||
            !put_row(w, p, n, type, members, fixed)) {
            return false;
        }
        if (fixed && w->syntax == CMRP_NDR64 && !cmrp_ndr_put_align(w, p->name, l.alignment)) {
            return false;
        }
    }
    return true;
}

static bool put_rows(cmrp_ndr_writer *w, const cmrp_param *p, const cmrp_slot *slot) {
    cmrp_rows rows = slot->rows;
    rows.type = cmrp_param_struct(p);
    if (p->kind == CMRP_KIND_ARRAY) {
        if (!cmrp_ndr_put_word(w, p->name, rows.count)) {
            return false;
        }
    } else {
        rows.count = 1;
    }
    return put_pass(w, p, rows, true) && put_pass(w, p, rows, false);
}

bool cmrp_stub_encode(const cmrp_stub_format *format, const cmrp_slot *slots, cmrp_writer *writer) {
    const cmrp_method *method = format->method;
    cmrp_ndr_writer w;
    writer->section = cmrp_method_section(method, format->interface);
    cmrp_ndr_writer_init(&w, writer, format->syntax, format->order);
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        if (cmrp_param_travels(p, format) &&
            (!put_fixed(&w, method->params, method->count, i, slots) ||
             !put_pointee(&w, method->params, method->count, i, slots))) {
            return false;
        }
    }
    return true;
}
