// SPDX-License-Identifier: Apache-2.0
// {"method",…,"params":{…}}: walks the method's description; nothing here knows a method.
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

enum { PART_SIZE = 64 }; // of a dotted name; the longest in the table is far shorter

static size_t part_size(const char *name, const char *dot) {
    const size_t n = (size_t)(dot - name);
    return n < PART_SIZE ? n : PART_SIZE - 1;
}

// ---- octets to JSON -----------------------------------------------------------------------------

// The object that holds the last part of a dotted name, made where it is missing; *key is that
// part.
static json_t *holder(json_t *object, const char *name, const char **key) {
    const char *dot;
    while ((dot = strchr(name, '.')) != NULL) {
        char part[PART_SIZE] = {0};
        memcpy(part, name, part_size(name, dot));
        json_t *inner = json_object_get(object, part);
        if (inner == NULL) {
            inner = json_object();
            json_object_set_new(object, part, inner);
        }
        object = inner;
        name = dot + 1;
    }
    *key = name;
    return object;
}

static json_t *octets_value(const cmrp_param *p, const cmrp_slot *slot) {
    if (p->meaning == CMRP_MEANS_BATCH) {
        cmrp_error ignored = {0};
        json_t *batch = json_batch_decode(slot->bytes, CMRP_BATCH_STRICT, 0, &ignored);
        if (batch != NULL) {
            return batch;
        }
    }
    return json_hex(slot->bytes);
}

static void add_params(json_t *object, const cmrp_param *params, size_t count,
                       const cmrp_slot *slots);

static json_t *rows_value(const cmrp_param *p, const cmrp_slot *slot) {
    json_t *array = json_array();
    cmrp_rows rows = slot->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    while (cmrp_rows_next(&rows, members)) {
        json_t *object = json_object();
        add_params(object, rows.type->members, rows.type->count, members);
        json_array_append_new(array, object);
    }
    if (p->kind != CMRP_KIND_RECORD) {
        return array;
    }
    json_t *only = json_incref(json_array_get(array, 0));
    json_decref(array);
    return only;
}

static json_t *slot_value(const cmrp_param *p, const cmrp_slot *slot) {
    if (slot->null) {
        return json_null();
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE: return json_hex((cmrp_view){slot->handle, CMRP_HANDLE_SIZE});
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS: return json_units(slot->bytes, slot->order);
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING: return octets_value(p, slot);
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: return rows_value(p, slot);
    case CMRP_KIND_I32: return json_integer((int32_t)(uint32_t)slot->value);
    case CMRP_KIND_U64:
    case CMRP_KIND_WORD: return json_decimal(slot->value);
    default: return json_u32(slot->value);
    }
}

static void add_params(json_t *object, const cmrp_param *params, size_t count,
                       const cmrp_slot *slots) {
    uint64_t object_type = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key;
        if (!slots[i].present) {
            continue;
        }
        json_t *parent = holder(object, params[i].name, &key);
        json_object_set_new(parent, key, slot_value(&params[i], &slots[i]));
        if (params[i].meaning == CMRP_MEANS_OBJECT_TYPE) {
            object_type = slots[i].value;
        }
        const cmrp_change_set *set = cmrp_param_set(&params[i], object_type);
        if (set != NULL) {
            char *names_key = util_format("%s_names", key);
            json_object_set_new(parent, names_key, json_flag_names(set, slots[i].value));
            free(names_key);
        }
        json_t *payload =
            params[i].meaning == CMRP_MEANS_PAYLOAD
                ? json_payload_value(json_payload_row(params, count, slots), &slots[i])
                : NULL;
        if (payload != NULL) {
            json_object_set_new(parent, "buffer_payload", payload);
        }
    }
}

json_t *json_stub_decode(const cmrp_stub_format *format, cmrp_view bytes, uint64_t offset,
                         cmrp_error *error) {
    cmrp_slot slots[CMRP_MAX_PARAMS];
    json_t *warnings = json_array();
    json_t *object = NULL;
    if (cmrp_stub_decode(format, bytes, offset, slots, json_collect_warning, warnings, error)) {
        const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = *format};
        json_t *params = json_object();
        object = json_object();
        json_selector_write(&how, false, object);
        add_params(params, format->method->params, format->method->count, slots);
        json_object_set_new(object, "params", params);
        if (json_array_size(warnings) > 0) {
            json_object_set(object, "warnings", warnings);
        }
    }
    json_decref(warnings);
    return object;
}

// ---- JSON to octets -----------------------------------------------------------------------------

// Memory that slots point into; freed together.
struct store {
    void **blocks;
    size_t count;
};

static void *keep(struct store *store, void *block) {
    store->blocks = util_grow(store->blocks, store->count + 1, sizeof *store->blocks);
    store->blocks[store->count++] = block;
    return block;
}

static void store_free(struct store *store) {
    for (size_t i = 0; i < store->count; i++) {
        free(store->blocks[i]);
    }
    free(store->blocks);
}

static bool read_params(struct shape *s, const json_t *object, const cmrp_param *params,
                        size_t count, const cmrp_stub_format *format, cmrp_slot *slots,
                        struct store *store);

// Whether `key` is the next part of some travelling parameter's name behind `prefix`.
static bool expects_key(const cmrp_param *params, size_t count, const cmrp_stub_format *format,
                        const char *prefix, const char *key) {
    const size_t prefix_size = strlen(prefix);
    const size_t key_size = strlen(key);
    for (size_t i = 0; i < count; i++) {
        const char *name = params[i].name;
        if ((format == NULL || cmrp_param_travels(&params[i], format)) &&
            strncmp(name, prefix, prefix_size) == 0 &&
            strncmp(name + prefix_size, key, key_size) == 0 &&
            (name[prefix_size + key_size] == '\0' || name[prefix_size + key_size] == '.')) {
            return true;
        }
    }
    return false;
}

// Refuses keys that no parameter has, at every level of nesting.
static bool check_keys(struct shape *s, const json_t *object, const cmrp_param *params,
                       size_t count, const cmrp_stub_format *format, const char *prefix) {
    const char *key;
    json_t *member;
    if (!json_is_object(object)) {
        return shape_fail(s, "an object is expected");
    }
    json_object_foreach((json_t *)object, key, member) {
        if (shape_is_added(key)) {
            continue;
        }
        if (!expects_key(params, count, format, prefix, key)) {
            return shape_unknown(s, "parameter", key);
        }
        char *inner = util_format("%s%s.", prefix, key);
        bool nested = false;
        for (size_t i = 0; i < count; i++) {
            nested = nested || strncmp(params[i].name, inner, strlen(inner)) == 0;
        }
        const size_t mark = shape_mark(s);
        shape_enter_key(s, key);
        const bool ok = !nested || check_keys(s, member, params, count, format, inner);
        free(inner);
        if (!ok) {
            return false;
        }
        shape_leave(s, mark);
    }
    return true;
}

// The value under a dotted name, or NULL; the place follows it.
static const json_t *lookup(struct shape *s, const json_t *object, const char *name) {
    const char *dot;
    while ((dot = strchr(name, '.')) != NULL) {
        char part[PART_SIZE] = {0};
        memcpy(part, name, part_size(name, dot));
        shape_enter_key(s, part);
        object = json_object_get(object, part);
        name = dot + 1;
    }
    shape_enter_key(s, name);
    return json_object_get(object, name);
}

static bool read_string(struct shape *s, const json_t *value, cmrp_slot *slot,
                        struct store *store) {
    struct buffer units = {0};
    const bool ok = shape_units(s, value, &units);
    slot->bytes = buffer_view(&units);
    slot->order = CMRP_LITTLE_ENDIAN;
    keep(store, units.data);
    return ok;
}

static bool read_octets(struct shape *s, const cmrp_param *p, const json_t *value, cmrp_slot *slot,
                        struct store *store) {
    struct buffer octets = {0};
    const bool ok = p->meaning == CMRP_MEANS_BATCH && json_is_object(value)
                        ? json_batch_encode(s, value, CMRP_BATCH_STRICT, &octets)
                        : shape_octets(s, value, &octets);
    slot->bytes = buffer_view(&octets);
    keep(store, octets.data);
    return ok;
}

// A buffer given as what it says: object type and flags stand in slots that were read before.
static bool read_payload(struct shape *s, const cmrp_param *params, size_t count,
                         const json_t *value, cmrp_slot *slots, cmrp_slot *slot,
                         struct store *store) {
    struct buffer octets = {0};
    const cmrp_payload_row *row = json_payload_row(params, count, slots);
    slot->present = true;
    if (row == NULL) {
        return shape_fail(s, "only octets can be the buffer of this event");
    }
    const bool ok = json_payload_encode(s, row->object_type, row->flag, value, &octets);
    slot->bytes = buffer_view(&octets);
    keep(store, octets.data);
    return ok;
}

static bool read_handle(struct shape *s, const json_t *value, cmrp_slot *slot) {
    struct buffer octets = {0};
    bool ok = shape_octets(s, value, &octets);
    if (ok && octets.size != CMRP_HANDLE_SIZE) {
        ok = shape_fail(s, "a handle has %d octets", CMRP_HANDLE_SIZE);
    }
    if (ok) {
        memcpy(slot->handle, octets.data, CMRP_HANDLE_SIZE);
    }
    buffer_free(&octets);
    return ok;
}

static bool read_rows(struct shape *s, const cmrp_param *p, const json_t *value, cmrp_slot *slot,
                      struct store *store) {
    const cmrp_struct *type = cmrp_param_struct(p);
    const bool array = p->kind != CMRP_KIND_RECORD;
    if (array && !shape_array(s, value)) {
        return false;
    }
    const size_t count = array ? json_array_size(value) : 1;
    cmrp_slot *members = keep(store, util_alloc(count * type->count * sizeof *members));
    slot->rows = (cmrp_rows){.type = type, .count = count, .members = members};
    for (size_t i = 0; i < count; i++) {
        const size_t mark = shape_mark(s);
        if (array) {
            shape_enter_index(s, i);
        }
        if (!read_params(s, array ? json_array_get(value, i) : value, type->members, type->count,
                         NULL, members + i * type->count, store)) {
            return false;
        }
        shape_leave(s, mark);
    }
    return true;
}

static bool read_signed(struct shape *s, const json_t *value, uint64_t *out) {
    const json_int_t n = json_integer_value(value);
    if (!json_is_integer(value) || n < INT32_MIN || n > INT32_MAX) {
        return shape_fail(s, "a signed integer of 32 bits is expected");
    }
    *out = (uint32_t)n;
    return true;
}

static bool read_slot(struct shape *s, const cmrp_param *p, const json_t *value, cmrp_slot *slot,
                      struct store *store) {
    slot->present = true;
    if (json_is_null(value)) {
        slot->null = true;
        return p->unique || shape_fail(s, "cannot be NULL");
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE: return read_handle(s, value, slot);
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS: return read_string(s, value, slot, store);
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING: return read_octets(s, p, value, slot, store);
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: return read_rows(s, p, value, slot, store);
    case CMRP_KIND_I32: return read_signed(s, value, &slot->value);
    case CMRP_KIND_U16: return shape_integer(s, value, false, UINT16_MAX, &slot->value);
    case CMRP_KIND_U32:
    case CMRP_KIND_ROOM: return shape_integer(s, value, false, UINT32_MAX, &slot->value);
    default: return shape_integer(s, value, true, UINT64_MAX, &slot->value);
    }
}

static bool read_params(struct shape *s, const json_t *object, const cmrp_param *params,
                        size_t count, const cmrp_stub_format *format, cmrp_slot *slots,
                        struct store *store) {
    if (!check_keys(s, object, params, count, format, "")) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (format != NULL && !cmrp_param_travels(&params[i], format)) {
            continue;
        }
        const size_t mark = shape_mark(s);
        const json_t *value = lookup(s, object, params[i].name);
        if (value == NULL && cmrp_param_sized_by(params, count, i) == NULL) {
            return shape_fail(s, "missing");
        }
        const bool payload = params[i].meaning == CMRP_MEANS_PAYLOAD && json_is_object(value);
        if (payload ? !read_payload(s, params, count, value, slots, &slots[i], store)
                    : value != NULL && !read_slot(s, &params[i], value, &slots[i], store)) {
            return false;
        }
        shape_leave(s, mark);
    }
    return true;
}

struct writing {
    const cmrp_stub_format *format;
    const cmrp_slot *slots;
};

static bool write_stub(void *context, cmrp_writer *w) {
    const struct writing *writing = context;
    return cmrp_stub_encode(writing->format, writing->slots, w);
}

bool json_stub_encode(struct shape *s, const cmrp_stub_format *format, const json_t *value,
                      struct buffer *out) {
    static const char *const keys[] = {"type",   "method", "opnum",  "interface", "direction",
                                       "syntax", "drep",   "params", NULL};
    cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
    struct store store = {0};
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = *format};
    struct writing writing = {format, slots};
    if (!shape_object(s, value, keys)) {
        return false;
    }
    bool ok = json_selector_agrees(s, &how, true, value);
    const json_t *params = json_object_get(value, "params");
    if (ok && params == NULL) {
        ok = shape_fail(s, "key \"params\" is missing");
    }
    if (ok) {
        const size_t mark = shape_mark(s);
        shape_enter_key(s, "params");
        ok = read_params(s, params, format->method->params, format->method->count, format, slots,
                         &store);
        if (ok) {
            shape_leave(s, mark);
            ok = json_write(s, write_stub, &writing, out);
        }
    }
    store_free(&store);
    return ok;
}
