// SPDX-License-Identifier: Apache-2.0
// {"kind":…}: the buffers of version 2 notifications. Property lists are in json_property.c.
#include <string.h>

#include "json/parts.h"

// ---- octets to JSON -----------------------------------------------------------------------------

json_t *json_named(const cmrp_payload_names *names, uint32_t value) {
    const char *name = names != NULL ? cmrp_payload_name_of(names, value) : NULL;
    return name != NULL ? json_string(name) : json_u32(value);
}

json_t *json_strings(cmrp_view units, size_t *nuls, size_t *usual) {
    json_t *strings = json_array();
    size_t cursor = 0;
    cmrp_view text;
    while (cmrp_multi_sz_next(units, &cursor, &text)) {
        json_array_append_new(strings, json_units(text, CMRP_LITTLE_ENDIAN));
    }
    (void)cmrp_text_before_nuls(units, nuls);
    *usual = json_array_size(strings) > 0 ? 2 : 1;
    return strings;
}

void json_set_nuls(json_t *object, size_t nuls, size_t usual) {
    if (nuls != usual) {
        json_object_set_new(object, "nuls", json_integer((json_int_t)nuls));
    }
}

static json_t *node_numbers(cmrp_view up_nodes) {
    json_t *numbers = json_array();
    for (size_t i = 0; i < up_nodes.size; i++) {
        json_array_append_new(numbers, json_u32(up_nodes.data[i]));
    }
    return numbers;
}

static void add_members(json_t *object, const cmrp_payload *p, uint64_t offset) {
    size_t nuls;
    size_t usual;
    switch (p->kind) {
    case CMRP_PAYLOAD_EMPTY: break;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD:
        json_object_set_new(object, "value", json_named(p->row->names, p->value));
        break;
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT:
        json_object_set_new(object, "text", json_units(p->text, CMRP_LITTLE_ENDIAN));
        json_set_nuls(object, p->nuls, 1);
        break;
    case CMRP_PAYLOAD_MULTI_SZ:
        json_object_set_new(object, "strings", json_strings(p->octets, &nuls, &usual));
        json_set_nuls(object, nuls, usual);
        break;
    case CMRP_PAYLOAD_MEMBERSHIP:
        json_object_set_new(object, "HasQuorum", json_u32(p->has_quorum));
        json_object_set_new(object, "UpNodes", node_numbers(p->up_nodes));
        break;
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES:
        json_properties_decode(object, p->octets, offset, p->kind == CMRP_PAYLOAD_SHARED_VOLUMES);
        break;
    default: json_object_set_new(object, "data", json_hex(p->octets)); break;
    }
}

json_t *json_payload_decode(uint32_t object_type, uint64_t flag, cmrp_view bytes, uint64_t offset,
                            cmrp_error *error) {
    cmrp_payload payload;
    json_t *warnings = json_array();
    json_t *object = NULL;
    if (cmrp_payload_decode(object_type, flag, bytes, offset, &payload, json_collect_warning,
                            warnings, error)) {
        object = json_object();
        json_object_set_new(object, "kind", json_string(cmrp_payload_kind_name(payload.kind)));
        add_members(object, &payload, offset);
        if (json_array_size(warnings) > 0) {
            json_object_set(object, "warnings", warnings);
        }
    }
    json_decref(warnings);
    return object;
}

// ---- buffers in stubs ---------------------------------------------------------------------------

const cmrp_payload_row *json_payload_row(const cmrp_param *params, size_t count,
                                         const cmrp_slot *slots) {
    uint64_t type = 0;
    uint64_t flags = 0;
    for (size_t i = 0; i < count; i++) {
        type = params[i].meaning == CMRP_MEANS_OBJECT_TYPE ? slots[i].value : type;
        flags = params[i].meaning == CMRP_MEANS_FLAGS ? slots[i].value : flags;
    }
    const cmrp_payload_row *row = cmrp_payload_row_of((uint32_t)type, flags);
    return row != NULL && row->kind != CMRP_PAYLOAD_OPAQUE ? row : NULL;
}

json_t *json_payload_value(const cmrp_payload_row *row, const cmrp_slot *buffer) {
    cmrp_error ignored = {0};
    return row != NULL && buffer->present && !buffer->null
               ? json_payload_decode(row->object_type, row->flag, buffer->bytes, 0, &ignored)
               : NULL;
}

// ---- JSON to octets -----------------------------------------------------------------------------

bool json_read_named(struct shape *s, const json_t *object, const char *key,
                     const cmrp_payload_names *names, uint32_t *value) {
    const json_t *item = json_object_get(object, key);
    const size_t mark = shape_mark(s);
    uint64_t number = 0;
    if (item == NULL) {
        return shape_fail(s, "key \"%s\" is missing", key);
    }
    shape_enter_key(s, key);
    if (names != NULL && json_is_string(item)) {
        const char *name = shape_text(item);
        if (name == NULL || !cmrp_payload_named(names, name, value)) {
            return shape_fail(s, "not a name of a %s", names->title);
        }
    } else if (!shape_integer(s, item, false, UINT32_MAX, &number)) {
        return false;
    } else {
        *value = (uint32_t)number;
    }
    shape_leave(s, mark);
    return true;
}

bool json_read_nuls(struct shape *s, const json_t *object, size_t usual, size_t *nuls) {
    enum { MOST = 1 << 24 };
    uint64_t number = usual;
    const bool ok = shape_u64(s, object, "nuls", false, MOST, &number);
    *nuls = (size_t)number;
    return ok;
}

cmrp_view json_added(const struct buffer *out, size_t start) {
    return out->size > start ? (cmrp_view){out->data + start, out->size - start}
                             : (cmrp_view){NULL, 0};
}

bool json_read_units(struct shape *s, const json_t *object, const char *key, struct buffer *out) {
    const json_t *value = json_object_get(object, key);
    const size_t mark = shape_mark(s);
    const size_t start = out->size;
    size_t nuls;
    if (value == NULL) {
        return shape_fail(s, "key \"%s\" is missing", key);
    }
    shape_enter_key(s, key);
    if (!shape_units(s, value, out)) {
        return false;
    }
    // They are counted by themselves.
    const cmrp_view units = json_added(out, start);
    if (cmrp_text_before_nuls(units, &nuls).size != units.size) {
        return shape_fail(s, "ends with NUL, which belongs into nuls");
    }
    shape_leave(s, mark);
    return true;
}

void json_append_nuls(struct buffer *out, size_t nuls) {
    if (nuls > 0) {
        memset(buffer_extend(out, 2 * nuls), 0, 2 * nuls);
    }
}

static bool read_strings(struct shape *s, const json_t *array, struct buffer *out) {
    size_t i;
    json_t *item;
    if (!shape_array(s, array)) {
        return false;
    }
    json_array_foreach(array, i, item) {
        const size_t mark = shape_mark(s);
        const size_t start = out->size;
        shape_enter_index(s, i);
        json_append_nuls(out, i > 0); // between two
        const size_t text = out->size;
        if (!shape_units(s, item, out)) {
            return false;
        }
        if (out->size == text) {
            return shape_fail(s, "an empty string would end the list");
        }
        if ((cmrp_utf16_check(json_added(out, text), CMRP_LITTLE_ENDIAN) & CMRP_UTF16_NUL) != 0) {
            out->size = start;
            return shape_fail(s, "a NUL would end the string");
        }
        shape_leave(s, mark);
    }
    return true;
}

bool json_read_strings(struct shape *s, const json_t *object, const char *key, struct buffer *out) {
    const json_t *array = json_object_get(object, key);
    const size_t mark = shape_mark(s);
    size_t nuls;
    if (array == NULL) {
        return shape_fail(s, "key \"%s\" is missing", key);
    }
    shape_enter_key(s, key);
    if (!read_strings(s, array, out)) {
        return false;
    }
    shape_leave(s, mark);
    if (!json_read_nuls(s, object, json_array_size(array) > 0 ? 2 : 1, &nuls)) {
        return false;
    }
    json_append_nuls(out, nuls);
    return true;
}

static bool read_text(struct shape *s, const json_t *value, cmrp_payload *p,
                      struct buffer *octets) {
    if (!json_read_units(s, value, "text", octets) || !json_read_nuls(s, value, 1, &p->nuls)) {
        return false;
    }
    p->text = buffer_view(octets);
    return true;
}

static bool read_nodes(struct shape *s, const json_t *array, struct buffer *octets) {
    size_t i;
    json_t *item;
    if (!shape_array(s, array)) {
        return false;
    }
    json_array_foreach(array, i, item) {
        const size_t mark = shape_mark(s);
        uint64_t number;
        shape_enter_index(s, i);
        if (!shape_integer(s, item, false, UINT8_MAX, &number)) {
            return false;
        }
        *buffer_extend(octets, 1) = (uint8_t)number;
        shape_leave(s, mark);
    }
    return true;
}

static bool read_membership(struct shape *s, const json_t *value, cmrp_payload *p,
                            struct buffer *octets) {
    const json_t *nodes = json_object_get(value, "UpNodes");
    const size_t mark = shape_mark(s);
    uint64_t quorum = 0;
    if (!shape_u64(s, value, "HasQuorum", true, UINT8_MAX, &quorum)) {
        return false;
    }
    if (nodes == NULL) {
        return shape_fail(s, "key \"UpNodes\" is missing");
    }
    shape_enter_key(s, "UpNodes");
    if (!read_nodes(s, nodes, octets)) {
        return false;
    }
    shape_leave(s, mark);
    p->has_quorum = (uint8_t)quorum;
    p->up_nodes = buffer_view(octets);
    return true;
}

// What each kind has beside "kind".
static const char *const *keys_of(cmrp_payload_kind kind) {
    static const char *const none[] = {"kind", NULL};
    static const char *const value[] = {"kind", "value", NULL};
    static const char *const text[] = {"kind", "text", "nuls", NULL};
    static const char *const strings[] = {"kind", "strings", "nuls", NULL};
    static const char *const membership[] = {"kind", "HasQuorum", "UpNodes", NULL};
    static const char *const list[] = {"kind", "properties", "end_mark", NULL};
    static const char *const opaque[] = {"kind", "data", NULL};
    switch (kind) {
    case CMRP_PAYLOAD_EMPTY: return none;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD: return value;
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT: return text;
    case CMRP_PAYLOAD_MULTI_SZ: return strings;
    case CMRP_PAYLOAD_MEMBERSHIP: return membership;
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES: return list;
    default: return opaque;
    }
}

static bool read_members(struct shape *s, const json_t *value, cmrp_payload *p,
                         struct buffer *octets) {
    switch (p->kind) {
    case CMRP_PAYLOAD_EMPTY: return true;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD: return json_read_named(s, value, "value", p->row->names, &p->value);
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT: return read_text(s, value, p, octets);
    case CMRP_PAYLOAD_MEMBERSHIP: return read_membership(s, value, p, octets);
    default: break;
    }
    if (!(p->kind == CMRP_PAYLOAD_MULTI_SZ ? json_read_strings(s, value, "strings", octets)
                                           : shape_hex(s, value, "data", true, octets))) {
        return false;
    }
    p->octets = buffer_view(octets);
    return true;
}

// The kind that the value gives: the event's, or "empty" where the event may have no payload.
static bool read_kind(struct shape *s, const json_t *value, cmrp_payload *p) {
    const char *kind = NULL;
    const char *own;
    if (!json_is_object(value)) {
        return shape_fail(s, "an object is expected");
    }
    if (!shape_string(s, value, "kind", true, &kind)) {
        return false;
    }
    const bool optional = p->row != NULL && p->row->optional;
    p->kind = p->row != NULL ? p->row->kind : CMRP_PAYLOAD_OPAQUE;
    own = cmrp_payload_kind_name(p->kind);
    if (optional && p->kind != CMRP_PAYLOAD_OPAQUE && strcmp(kind, "empty") == 0) {
        p->kind = CMRP_PAYLOAD_EMPTY;
    } else if (strcmp(kind, own) != 0) {
        return shape_fail(s, "the payload of this event is of kind %s", own);
    }
    return true;
}

static bool write_payload(void *context, cmrp_writer *w) {
    return cmrp_payload_encode(context, w);
}

bool json_payload_encode(struct shape *s, uint32_t object_type, uint64_t flag, const json_t *value,
                         struct buffer *out) {
    cmrp_payload payload = {.row = cmrp_payload_row_of(object_type, flag)};
    struct buffer octets = {0};
    if (!read_kind(s, value, &payload) || !shape_object(s, value, keys_of(payload.kind))) {
        return false;
    }
    if (payload.kind == CMRP_PAYLOAD_PROPERTIES || payload.kind == CMRP_PAYLOAD_SHARED_VOLUMES) {
        return json_properties_encode(s, value, payload.kind == CMRP_PAYLOAD_SHARED_VOLUMES, out);
    }
    const bool ok =
        read_members(s, value, &payload, &octets) && json_write(s, write_payload, &payload, out);
    buffer_free(&octets);
    return ok;
}
