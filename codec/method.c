// SPDX-License-Identifier: Apache-2.0
#include "cmrp/method.h"

#include "method_layout.h"

// ---- the table ----------------------------------------------------------------------------------

// Abbreviations of methods.def's columns.
enum {
    IN = CMRP_IN,
    OUT = CMRP_OUT,
    INOUT = CMRP_IN | CMRP_OUT,
    P2 = CMRP_PROTOCOL_2,
    P3 = CMRP_PROTOCOL_3,
    BOTH = CMRP_PROTOCOL_2 | CMRP_PROTOCOL_3,
    REF = 0,
    UNIQUE = 1,
};

#define CMRP_MEMBER(name, kind, pointer, size_is, alignment, meaning, structure)                   \
    CMRP_PARAM(INOUT, BOTH, name, kind, pointer, size_is, alignment, meaning, structure)

// Numbers of the structures; 0 is none.
enum {
    STRUCT_NONE = 0,
#define CMRP_STRUCT(name) STRUCT_##name,
#define CMRP_METHOD(opnum, name, section2, section3)
#define CMRP_PARAM(d, p, name, kind, ptr, size_is, alignment, m, st)
#define CMRP_END
#include "methods.def"
};

#define CMRP_MEMBER(name, kind, pointer, size_is, alignment, meaning, structure)                   \
    CMRP_PARAM(INOUT, BOTH, name, kind, pointer, size_is, alignment, meaning, structure)

// An array of parameters for each structure and method.
#define CMRP_STRUCT(name)                            static const cmrp_param members_##name[] = {
#define CMRP_METHOD(opnum, name, section2, section3) static const cmrp_param params_##opnum[] = {
#define CMRP_PARAM(d, p, name, kind, ptr, size_is, alignment, m, st)                               \
    {name, d, p, CMRP_KIND_##kind, ptr, size_is, alignment, CMRP_MEANS_##m, STRUCT_##st},
#define CMRP_END                                                                                   \
    }                                                                                              \
    ;
#include "methods.def"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define CMRP_MEMBER(name, kind, pointer, size_is, alignment, meaning, structure)

static const cmrp_struct structs[] = {
    {NULL, NULL, 0},
#define CMRP_STRUCT(name) {#name, members_##name, COUNT(members_##name)},
#define CMRP_METHOD(opnum, name, section2, section3)
#define CMRP_PARAM(d, p, name, kind, ptr, size_is, alignment, m, st)
#define CMRP_END
#include "methods.def"
};

#define CMRP_MEMBER(name, kind, pointer, size_is, alignment, meaning, structure)

static const cmrp_method methods[] = {
#define CMRP_STRUCT(name)
#define CMRP_METHOD(opnum, name, section2, section3)                                               \
    {#name, opnum, COUNT(params_##opnum), params_##opnum, {section2, section3}},
#define CMRP_PARAM(d, p, name, kind, ptr, size_is, alignment, m, st)
#define CMRP_END
#include "methods.def"
};

size_t cmrp_method_count(void) {
    return COUNT(methods);
}

const cmrp_method *cmrp_method_at(size_t index) {
    return index < COUNT(methods) ? &methods[index] : NULL;
}

static const struct {
    uint8_t protocols;
    const char *name;
} opnums[] = {
#define CMRP_OPNUM(number, protocols, name) [number] = {protocols, #name},
#include "opnums.def"
};

const char *cmrp_opnum_name(unsigned interface, uint32_t opnum) {
    const unsigned protocol = interface == CMRP_INTERFACE_2 ? CMRP_PROTOCOL_2 : CMRP_PROTOCOL_3;
    const bool named = opnum < COUNT(opnums) && (opnums[opnum].protocols & protocol) != 0;
    return named ? opnums[opnum].name : NULL;
}

bool cmrp_opnum_named(unsigned interface, const char *name, uint32_t *opnum) {
    for (uint32_t i = 0; i < COUNT(opnums); i++) {
        const char *known = cmrp_opnum_name(interface, i);
        if (known != NULL && strcmp(known, name) == 0) {
            *opnum = i;
            return true;
        }
    }
    return false;
}

static inline const char *section_of(const cmrp_method *method, unsigned interface) {
    return method->sections[interface == CMRP_INTERFACE_2 ? 0 : 1];
}

const char *cmrp_method_section(const cmrp_method *method, unsigned interface) {
    return section_of(method, interface);
}

const cmrp_method *cmrp_method_numbered(unsigned interface, uint32_t opnum) {
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (methods[i].opnum == opnum && cmrp_method_section(&methods[i], interface) != NULL) {
            return &methods[i];
        }
    }
    return NULL;
}

const cmrp_method *cmrp_method_named(unsigned interface, const char *name) {
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (strcmp(methods[i].name, name) == 0 &&
            cmrp_method_section(&methods[i], interface) != NULL) {
            return &methods[i];
        }
    }
    return NULL;
}

static inline bool travels(const cmrp_param *param, const cmrp_stub_format *format) {
    const unsigned protocol =
        format->interface == CMRP_INTERFACE_2 ? CMRP_PROTOCOL_2 : CMRP_PROTOCOL_3;
    const unsigned direction = format->response ? CMRP_OUT : CMRP_IN;
    return (param->protocols & protocol) != 0 && (param->directions & direction) != 0;
}

bool cmrp_param_travels(const cmrp_param *param, const cmrp_stub_format *format) {
    return travels(param, format);
}

const cmrp_struct *cmrp_param_struct(const cmrp_param *param) {
    return param->structure != STRUCT_NONE ? &structs[param->structure] : NULL;
}

const cmrp_change_set *cmrp_param_set(const cmrp_param *param, uint64_t object_type) {
    switch (param->meaning) {
    case CMRP_MEANS_CHANGE: return cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    case CMRP_MEANS_OBJECT_TYPE: return cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    case CMRP_MEANS_FLAGS: return cmrp_change_set_of_type((uint32_t)object_type);
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS: return cmrp_change_set_at(CMRP_SET_RESOURCE_TYPE_V2);
    default: return NULL;
    }
}

const cmrp_param *cmrp_param_sized_by(const cmrp_param *params, size_t count, size_t index) {
    for (size_t i = 0; i < count; i++) {
        const size_t size = i + (size_t)params[i].size_is;
        if (params[i].size_is != 0 &&
            (size == index || (params[i].kind == CMRP_KIND_VARYING && size + 1 == index))) {
            return &params[i];
        }
    }
    return NULL;
}

// ---- decoding -----------------------------------------------------------------------------------

// Where the parts of a parameter stood that a size_is check reports, and the room of VARYING.
typedef struct places {
    uint64_t referent;
    cmrp_ndr_extent extent;
} places;

static bool take_rows(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot, places *at);
static bool take_elements(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot,
                          const places *at);

// Makes slots of nothing. Rows are large, and belong to arrays and structures alone.
static void clear_slots(const cmrp_param *params, size_t count, cmrp_slot *slots) {
    for (size_t i = 0; i < count; i++) {
        memset(&slots[i], 0, offsetof(cmrp_slot, rows));
        if (params[i].structure != STRUCT_NONE) {
            slots[i].rows = (cmrp_rows){0};
        }
    }
}

// What stands for a parameter at its own place: an integer, a handle, a referent.
static inline bool take_fixed(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot,
                              places *at) {
    if (p->alignment != 0 && !cmrp_ndr_align(r, p->name, p->alignment)) {
        return false;
    }
    if (p->unique) {
        uint64_t referent;
        if (!cmrp_ndr_take_word(r, p->name, &referent, &at->referent)) {
            return false;
        }
        slot->null = referent == 0;
        slot->offset = at->referent;
    } else if (p->kind == CMRP_KIND_HANDLE) {
        if (!cmrp_ndr_take_handle(r, p->name, slot->handle)) {
            return false;
        }
        slot->offset = r->bytes.offset - CMRP_HANDLE_SIZE;
    } else {
        const size_t width = integer_width(p->kind, r->syntax);
        if (width != 0 && !cmrp_ndr_take_uint(r, p->name, width, &slot->value)) {
            return false;
        }
        slot->offset = r->bytes.offset - width;
    }
    slot->present = true;
    return true;
}

// Text or octets.
static bool take_bytes(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot, places *at) {
    switch (p->kind) {
    case CMRP_KIND_STRING: return cmrp_ndr_take_string(r, p->name, &slot->bytes);
    case CMRP_KIND_OPEN_STRING: return cmrp_ndr_take_open_string(r, p->name, &slot->bytes);
    case CMRP_KIND_UNITS:
        return cmrp_ndr_take_units(r, p->name, &slot->bytes, &at->extent.max_count_at);
    case CMRP_KIND_VARYING: return cmrp_ndr_take_varying(r, p->name, &slot->bytes, &at->extent);
    default: return cmrp_ndr_take_octets(r, p->name, &slot->bytes, &at->extent.max_count_at);
    }
}

// What a pointer points to, or a reference parameter's array.
static inline bool take_pointee(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot,
                                places *at) {
    if (slot->null || p->kind <= CMRP_KIND_HANDLE) { // nothing, or it stands at its own place
        return true;
    }
    if (p->kind == CMRP_KIND_RECORD || p->kind == CMRP_KIND_ARRAY) {
        return take_rows(r, p, slot, at);
    }
    slot->order = r->order;
    if (!take_bytes(r, p, slot, at)) {
        return false;
    }
    slot->offset = r->bytes.offset - (uint64_t)(r->bytes.at - slot->bytes.data);
    return true;
}

// Compares an array with the counts it is correlated with [MS-RPCE 2.2.5.3: strict checks].
static bool check_size(cmrp_reader *r, const cmrp_param *p, const cmrp_slot *slot,
                       const places *at) {
    const cmrp_slot *size = slot + p->size_is;
    const cmrp_slot *length = p->kind == CMRP_KIND_VARYING ? size + 1 : NULL;
    const uint64_t held = held_by(p, slot);
    if (slot->null) {
        const uint64_t wanted = size->value != 0 || length == NULL ? size->value : length->value;
        return wanted == 0 || cmrp_fail(r, CMRP_E_NULL_POINTER, p->name, at->referent, wanted);
    }
    const uint64_t room = length != NULL ? at->extent.max_count : held;
    if (room != size->value) {
        return cmrp_fail(r, CMRP_E_COUNT_MISMATCH, p->name, at->extent.max_count_at, room);
    }
    return length == NULL || held == length->value ||
           cmrp_fail(r, CMRP_E_COUNT_MISMATCH, p->name, at->extent.actual_count_at, held);
}

static inline bool check_sizes(cmrp_reader *r, const cmrp_param *params, size_t count,
                               const cmrp_slot *slots, const places *at) {
    for (size_t i = 0; i < count; i++) {
        if (params[i].size_is != 0 && slots[i].present &&
            !check_size(r, &params[i], &slots[i], &at[i])) {
            return false;
        }
    }
    return true;
}

// The gap at the end of an NDR64 structure; what follows it is named for errors.
static bool take_tail(cmrp_ndr_reader *r, const cmrp_struct *type) {
    uint32_t next = 0;
    while (next + 1 < type->count && !type->members[next].unique) {
        next++;
    }
    return r->syntax != CMRP_NDR64 ||
           cmrp_ndr_align(r, type->members[next].name, struct_layout(type, r->syntax).alignment);
}

// A structure that ends with an array [C706 14.3.7.1, MS-RPCE 2.2.5.3.4.2]: the array's size, the
// other members, the elements, what those point to.
static bool take_tailed(const cmrp_struct *type, cmrp_ndr_reader *r, cmrp_slot *members) {
    places at[CMRP_MAX_PARAMS];
    const uint32_t last = type->count - 1;
    const cmrp_param *const p = &type->members[last];
    cmrp_slot *const tail = &members[last];
    const size_t alignment = struct_layout(type, r->syntax).alignment;
    clear_slots(type->members, type->count, members);
    tail->rows.type = cmrp_param_struct(p);
    if (!cmrp_ndr_take_word(r, p->name, &tail->rows.count, &at[last].extent.max_count_at) ||
        !cmrp_ndr_align(r, type->members[0].name, alignment)) {
        return false;
    }
    for (uint32_t i = 0; i < last; i++) {
        if (!take_fixed(r, &type->members[i], &members[i], &at[i])) {
            return false;
        }
    }
    tail->present = true;
    return (r->syntax != CMRP_NDR64 || cmrp_ndr_align(r, p->name, alignment)) &&
           take_elements(r, p, tail, &at[last]) &&
           check_sizes(&r->bytes, type->members, type->count, members, at);
}

// One row: its members at `fixed`, what they point to at `pointees`, which for a structure of its
// own is the same reader.
static bool take_row(const cmrp_struct *type, cmrp_ndr_reader *fixed, cmrp_ndr_reader *pointees,
                     cmrp_slot *members) {
    places at[CMRP_MAX_PARAMS];
    clear_slots(type->members, type->count, members);
    if (!cmrp_ndr_align(fixed, type->members[0].name,
                        struct_layout(type, fixed->syntax).alignment)) {
        return false;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        if (!take_fixed(fixed, &type->members[i], &members[i], &at[i])) {
            return false;
        }
    }
    if (fixed == pointees && !take_tail(fixed, type)) {
        return false;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        if (type->members[i].unique &&
            !take_pointee(pointees, &type->members[i], &members[i], &at[i])) {
            return false;
        }
    }
    return check_sizes(&fixed->bytes, type->members, type->count, members, at);
}

// A row of the array or structure p; its errors and warnings carry that name and number.
static bool take_named_row(const cmrp_param *p, uint64_t index, cmrp_ndr_reader *fixed,
                           cmrp_ndr_reader *pointees) {
    const char *const outer_array = pointees->array;
    const uint32_t outer_index = pointees->index;
    const uint32_t row = p->kind != CMRP_KIND_RECORD ? (uint32_t)index : CMRP_NO_INDEX;
    cmrp_slot members[CMRP_MAX_PARAMS];
    fixed->array = p->name;
    fixed->index = row;
    pointees->array = p->name;
    pointees->index = row;
    const cmrp_struct *type = cmrp_param_struct(p);
    const bool ok = has_tail(type) ? take_tailed(type, pointees, members)
                                   : take_row(type, fixed, pointees, members);
    pointees->array = outer_array;
    pointees->index = outer_index;
    cmrp_error *error = pointees->bytes.error;
    if (!ok && error->array == NULL) {
        error->array = p->name;
        error->index = row;
    }
    return ok;
}

// The elements of an array of which the size is known: validates all of them and remembers where
// they are.
static bool take_elements(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot,
                          const places *at) {
    cmrp_rows *rows = &slot->rows;
    const layout l = struct_layout(rows->type, r->syntax);
    cmrp_view all;
    slot->offset = r->bytes.offset;
    if (rows->count == 0) {
        return true;
    }
    if (!cmrp_ndr_align(r, p->name, l.alignment)) {
        return false;
    }
    slot->offset = r->bytes.offset;
    rows->fixed = *r;
    if (rows->count - 1 > r->bytes.left / l.stride ||
        (rows->count - 1) * l.stride + l.size > r->bytes.left) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, p->name, at->extent.max_count_at, rows->count);
    }
    if (!cmrp_take_view(&r->bytes, p->name, (size_t)(rows->count - 1) * l.stride + l.size, &all)) {
        return false;
    }
    rows->pointees = r->bytes;
    cmrp_ndr_reader fixed = rows->fixed;
    for (uint64_t i = 0; i < rows->count; i++) {
        if (!take_named_row(p, i, &fixed, r)) {
            return false;
        }
    }
    return true;
}

// A structure: as take_elements does it.
static bool take_record(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot) {
    cmrp_rows *rows = &slot->rows;
    const layout l = struct_layout(rows->type, r->syntax);
    const bool tailed = has_tail(rows->type);
    cmrp_view all;
    if (!cmrp_ndr_align(r, p->name, tailed ? cmrp_ndr_word(r->syntax) : l.alignment)) {
        return false;
    }
    slot->offset = r->bytes.offset;
    rows->count = 1;
    rows->fixed = *r;
    if (!take_named_row(p, 0, r, r)) {
        return false;
    }
    cmrp_reader pointees = rows->fixed.bytes;
    if (!tailed && !cmrp_take_view(&pointees, p->name, l.size, &all)) {
        return false;
    }
    rows->pointees = pointees;
    return true;
}

// The rows of an array, or a structure.
static bool take_rows(cmrp_ndr_reader *r, const cmrp_param *p, cmrp_slot *slot, places *at) {
    slot->rows = (cmrp_rows){.type = cmrp_param_struct(p)};
    if (p->kind == CMRP_KIND_RECORD) {
        return take_record(r, p, slot);
    }
    return cmrp_ndr_take_word(r, p->name, &slot->rows.count, &at->extent.max_count_at) &&
           take_elements(r, p, slot, at);
}

// A room stands behind its array, which says it. It is a DWORD: what is larger fails check_size.
static void fill_room(const cmrp_method *method, uint32_t index, cmrp_slot *slots,
                      const places *at) {
    const cmrp_param *array = cmrp_param_sized_by(method->params, method->count, index);
    const cmrp_ndr_extent *extent = &at[array - method->params].extent;
    slots[index].value = (uint32_t)extent->max_count;
    slots[index].offset = extent->max_count_at;
}

// Member by member: an initialiser would clear all of it first.
static void open_stub(cmrp_ndr_reader *r, const cmrp_stub_format *format, cmrp_view stub,
                      uint64_t offset, cmrp_error *error) {
    cmrp_reader_init(&r->bytes, stub, offset, error, section_of(format->method, format->interface));
    r->base = offset;
    r->syntax = format->syntax;
    r->order = format->order;
    r->array = NULL;
    r->index = 0;
}

bool cmrp_stub_decode(const cmrp_stub_format *format, cmrp_view stub, uint64_t offset,
                      cmrp_slot *slots, cmrp_warn *warn, void *warn_context, cmrp_error *error) {
    const cmrp_method *method = format->method;
    places at[CMRP_MAX_PARAMS];
    cmrp_ndr_reader r;
    open_stub(&r, format, stub, offset, error);
    r.warn = warn;
    r.warn_context = warn_context;
    clear_slots(method->params, method->count, slots);
    for (uint32_t i = method->count; i < CMRP_MAX_PARAMS; i++) {
        slots[i].present = false;
        slots[i].null = false;
    }
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        if (travels(p, format) &&
            (!take_fixed(&r, p, &slots[i], &at[i]) || !take_pointee(&r, p, &slots[i], &at[i]))) {
            slots[i].present = false;
            return false;
        }
        if (p->kind == CMRP_KIND_ROOM && slots[i].present) {
            fill_room(method, i, slots, at);
        }
    }
    if (!check_sizes(&r.bytes, method->params, method->count, slots, at)) {
        return false;
    }
    if (r.bytes.left > 0 && warn != NULL) {
        const cmrp_error trailing = {.code = CMRP_E_TRAILING,
                                     .offset = r.bytes.offset,
                                     .left = r.bytes.left,
                                     .field = "stub",
                                     .section = r.bytes.section};
        warn(warn_context, &trailing);
    }
    return true;
}

static bool rows_from_stub(cmrp_rows *rows, cmrp_slot *members) {
    // The rows were validated by the decode that delivered them: no error can arise here.
    cmrp_error ignored = {0};
    cmrp_ndr_reader fixed = rows->fixed;
    cmrp_ndr_reader pointees = rows->fixed;
    pointees.bytes = rows->pointees;
    fixed.bytes.error = &ignored;
    fixed.warn = NULL;
    pointees.bytes.error = &ignored;
    pointees.warn = NULL;
    if (!(has_tail(rows->type) ? take_tailed(rows->type, &fixed, members)
                               : take_row(rows->type, &fixed, &pointees, members))) {
        return false;
    }
    rows->fixed.bytes = fixed.bytes;
    rows->pointees = pointees.bytes;
    return true;
}

bool cmrp_rows_next(cmrp_rows *rows, cmrp_slot *members) {
    if (rows->next >= rows->count) {
        return false;
    }
    const uint64_t index = rows->next++;
    if (rows->source != NULL) {
        memset(members, 0, rows->type->count * sizeof *members);
        return rows->source(rows->context, index, members);
    }
    if (rows->members != NULL) {
        const size_t width = rows->type->count;
        memcpy(members, rows->members + (size_t)index * width, width * sizeof *members);
        return true;
    }
    return rows_from_stub(rows, members);
}
