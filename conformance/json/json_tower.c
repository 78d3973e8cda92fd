// SPDX-License-Identifier: Apache-2.0
// Protocol towers: {"floors":[…]}, and the stubs of ept_map, which carry them.
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "json/parts.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

// ---- a tower to JSON ----------------------------------------------------------------------------

// A name that is printable ASCII, or hex under another key.
static void add_name(json_t *object, cmrp_view name) {
    bool plain = true;
    for (size_t i = 0; i < name.size; i++) {
        plain = plain && name.data[i] >= 0x20 && name.data[i] < 0x7f;
    }
    if (plain) {
        set(object, "name", json_stringn((const char *)name.data, name.size));
    } else {
        set(object, "name_hex", json_hex(name));
    }
}

static json_t *floor_value(const cmrp_floor *floor) {
    json_t *object = json_object();
    const char *protocol = cmrp_tower_protocol_name(floor->protocol);
    char address[16];
    set(object, "protocol", protocol != NULL ? json_string(protocol) : json_u32(floor->protocol));
    switch (floor->kind) {
    case CMRP_FLOOR_UUID:
        set(object, "uuid", json_uuid(&floor->id.uuid));
        set(object, "version", json_u32(floor->id.version));
        set(object, "version_minor", json_u32(floor->id.version_minor));
        break;
    case CMRP_FLOOR_RPC: set(object, "version_minor", json_u32(floor->number)); break;
    case CMRP_FLOOR_PORT: set(object, "port", json_u32(floor->number)); break;
    case CMRP_FLOOR_ADDRESS:
        snprintf(address, sizeof address, "%u.%u.%u.%u", floor->address[0], floor->address[1],
                 floor->address[2], floor->address[3]);
        set(object, "address", json_string(address));
        break;
    case CMRP_FLOOR_NAME: add_name(object, floor->name); break;
    default: set(object, "lhs", json_hex(floor->lhs)); set(object, "rhs", json_hex(floor->rhs));
    }
    return object;
}

static json_t *tower_value(cmrp_view bytes, uint64_t offset, json_t *warnings, cmrp_error *error) {
    cmrp_tower tower;
    cmrp_floor floor;
    size_t cursor = 0;
    if (!cmrp_tower_decode(bytes, offset, &tower, json_collect_warning, warnings, error)) {
        return NULL;
    }
    json_t *object = json_object();
    json_t *floors = json_array();
    while (cmrp_tower_next(&tower, &cursor, &floor)) {
        json_array_append_new(floors, floor_value(&floor));
    }
    set(object, "floors", floors);
    if (tower.trailing.size > 0) {
        set(object, "trailing", json_hex(tower.trailing));
    }
    return object;
}

// ---- ept_map to JSON ----------------------------------------------------------------------------

// A tower within a stub: an object where nothing is remarkable about it, else its octets.
static json_t *inner_tower(cmrp_view octets, uint64_t offset) {
    cmrp_error error = {0};
    json_t *warnings = json_array();
    json_t *tower = tower_value(octets, offset, warnings, &error);
    if (tower == NULL || json_array_size(warnings) > 0) {
        json_decref(tower);
        tower = json_hex(octets);
    }
    json_decref(warnings);
    return tower;
}

static json_t *handle_value(const uint8_t *handle) {
    return json_hex((cmrp_view){handle, CMRP_HANDLE_SIZE});
}

static json_t *request_value(const cmrp_stub_format *f, cmrp_view bytes, uint64_t offset,
                             json_t *warnings, cmrp_error *error) {
    cmrp_epm_request r;
    if (!cmrp_epm_request_decode(bytes, offset, f->syntax, f->order, &r, json_collect_warning,
                                 warnings, error)) {
        return NULL;
    }
    json_t *object = json_object();
    set(object, "obj", r.has_object ? json_uuid(&r.object) : json_null());
    set(object, "map_tower", r.has_tower ? inner_tower(r.tower, r.tower_offset) : json_null());
    set(object, "entry_handle", handle_value(r.entry_handle));
    set(object, "max_towers", json_u32(r.max_towers));
    return object;
}

static json_t *response_value(const cmrp_stub_format *f, cmrp_view bytes, uint64_t offset,
                              json_t *warnings, cmrp_error *error) {
    cmrp_epm_response r;
    cmrp_epm_cursor cursor = {0};
    cmrp_view tower;
    uint64_t at;
    if (!cmrp_epm_response_decode(bytes, offset, f->syntax, f->order, &r, json_collect_warning,
                                  warnings, error)) {
        return NULL;
    }
    json_t *object = json_object();
    json_t *towers = json_array();
    while (cmrp_epm_next_tower(&r, &cursor, &tower, &at)) {
        json_array_append_new(towers, tower.data != NULL ? inner_tower(tower, at) : json_null());
    }
    set(object, "entry_handle", handle_value(r.entry_handle));
    set(object, "num_towers", json_u32(r.num_towers));
    set(object, "max_towers", json_u32(r.max_towers));
    set(object, "ITowers", towers);
    set(object, "status", json_u32(r.status));
    return object;
}

json_t *json_tower_decode(const struct json_selector *how, cmrp_view bytes, uint64_t offset,
                          cmrp_error *error) {
    json_t *warnings = json_array();
    json_t *body = !how->ept_map        ? tower_value(bytes, offset, warnings, error)
                   : how->stub.response ? response_value(&how->stub, bytes, offset, warnings, error)
                                        : request_value(&how->stub, bytes, offset, warnings, error);
    json_t *object = NULL;
    if (body != NULL) {
        object = json_object();
        json_selector_write(how, false, object);
        json_object_update(object, body);
        if (json_array_size(warnings) > 0) {
            json_object_set(object, "warnings", warnings);
        }
    }
    json_decref(body);
    json_decref(warnings);
    return object;
}

// ---- JSON to a tower ----------------------------------------------------------------------------

static bool read_protocol(struct shape *s, const json_t *floor, cmrp_floor *out) {
    const json_t *protocol = json_object_get(floor, "protocol");
    const char *name = shape_text(protocol);
    uint64_t number = 0;
    const size_t mark = shape_mark(s);
    if (protocol == NULL) {
        return shape_fail(s, "protocol is missing");
    }
    shape_enter_key(s, "protocol");
    if (name != NULL ? !cmrp_tower_protocol_named(name, &out->protocol)
                     : !shape_integer(s, protocol, false, UINT8_MAX, &number)) {
        return name != NULL ? shape_unknown(s, "protocol", name) : false;
    }
    shape_leave(s, mark);
    out->protocol = name != NULL ? out->protocol : (uint8_t)number;
    out->kind = cmrp_tower_protocol_kind(out->protocol);
    return true;
}

static bool read_address(struct shape *s, const json_t *floor, uint8_t address[4]) {
    const char *text = "";
    unsigned part[4];
    int end = 0;
    if (!shape_string(s, floor, "address", true, &text)) {
        return false;
    }
    if (sscanf(text, "%3u.%3u.%3u.%3u%n", &part[0], &part[1], &part[2], &part[3], &end) != 4 ||
        text[end] != '\0' || strspn(text, "0123456789.") != strlen(text)) {
        return shape_fail(s, "\"address\" is not an IPv4 address");
    }
    for (size_t i = 0; i < 4; i++) {
        if (part[i] > UINT8_MAX) {
            return shape_fail(s, "\"address\" is not an IPv4 address");
        }
        address[i] = (uint8_t)part[i];
    }
    return true;
}

static bool read_name(struct shape *s, const json_t *floor, struct buffer *octets) {
    const json_t *name = json_object_get(floor, "name");
    if ((name == NULL) == (json_object_get(floor, "name_hex") == NULL)) {
        return shape_fail(s, "either \"name\" or \"name_hex\" is to be given");
    }
    if (name == NULL) {
        return shape_hex(s, floor, "name_hex", true, octets);
    }
    if (!json_is_string(name)) {
        return shape_fail(s, "\"name\" is not a string");
    }
    buffer_append(octets, json_string_value(name), json_string_length(name));
    return true;
}

// Octets of the floors, until they are written.
struct octets {
    struct buffer lhs, rhs;
};

static bool read_floor(struct shape *s, const json_t *value, cmrp_floor *floor,
                       struct octets *octets) {
    static const char *const all[] = {"protocol", "uuid",    "version", "version_minor",
                                      "port",     "address", "name",    "name_hex",
                                      "lhs",      "rhs",     NULL};
    static const char *const keys[][5] = {
        [CMRP_FLOOR_OTHER] = {"protocol", "lhs", "rhs", NULL},
        [CMRP_FLOOR_UUID] = {"protocol", "uuid", "version", "version_minor", NULL},
        [CMRP_FLOOR_RPC] = {"protocol", "version_minor", NULL},
        [CMRP_FLOOR_PORT] = {"protocol", "port", NULL},
        [CMRP_FLOOR_ADDRESS] = {"protocol", "address", NULL},
        [CMRP_FLOOR_NAME] = {"protocol", "name", "name_hex", NULL},
    };
    if (!shape_object(s, value, all) || !read_protocol(s, value, floor) ||
        !shape_object(s, value, keys[floor->kind])) {
        return false;
    }
    switch (floor->kind) {
    case CMRP_FLOOR_UUID:
        return json_read_uuid(s, value, "uuid", &floor->id.uuid) &&
               json_read_u16(s, value, "version", &floor->id.version) &&
               json_read_u16(s, value, "version_minor", &floor->id.version_minor);
    case CMRP_FLOOR_RPC: return json_read_u16(s, value, "version_minor", &floor->number);
    case CMRP_FLOOR_PORT: return json_read_u16(s, value, "port", &floor->number);
    case CMRP_FLOOR_ADDRESS: return read_address(s, value, floor->address);
    case CMRP_FLOOR_NAME:
        if (!read_name(s, value, &octets->rhs)) {
            return false;
        }
        floor->name = buffer_view(&octets->rhs);
        return true;
    default:
        if (!shape_hex(s, value, "lhs", true, &octets->lhs) ||
            !shape_hex(s, value, "rhs", true, &octets->rhs)) {
            return false;
        }
        floor->lhs = buffer_view(&octets->lhs);
        floor->rhs = buffer_view(&octets->rhs);
        return true;
    }
}

struct tower {
    cmrp_floor *floors;
    size_t count;
    cmrp_view trailing;
};

static bool write_tower(void *context, cmrp_writer *w) {
    const struct tower *t = context;
    return cmrp_tower_encode(t->floors, t->count, w) && cmrp_put_view(w, "trailing", t->trailing);
}

static bool encode_tower(struct shape *s, const json_t *value, struct buffer *out) {
    static const char *const keys[] = {"floors", "trailing", NULL};
    const json_t *list = json_object_get(value, "floors");
    struct buffer trailing = {0};
    const size_t mark = shape_mark(s);
    if (!shape_object(s, value, keys) || (list == NULL && !shape_fail(s, "floors is missing")) ||
        !shape_hex(s, value, "trailing", false, &trailing)) {
        buffer_free(&trailing);
        return false;
    }
    struct tower t = {.count = json_array_size(list), .trailing = buffer_view(&trailing)};
    struct octets *octets = util_alloc(t.count * sizeof *octets + 1);
    t.floors = util_alloc(t.count * sizeof *t.floors + 1);
    shape_enter_key(s, "floors");
    bool ok = shape_array(s, list);
    for (size_t i = 0; ok && i < t.count; i++) {
        const size_t inner = shape_mark(s);
        shape_enter_index(s, i);
        ok = read_floor(s, json_array_get(list, i), &t.floors[i], &octets[i]);
        if (ok) {
            shape_leave(s, inner);
        }
    }
    if (ok) {
        shape_leave(s, mark);
        ok = json_write(s, write_tower, &t, out);
    }
    for (size_t i = 0; i < t.count; i++) {
        buffer_free(&octets[i].lhs);
        buffer_free(&octets[i].rhs);
    }
    free(octets);
    free(t.floors);
    buffer_free(&trailing);
    return ok;
}

// ---- JSON to ept_map ----------------------------------------------------------------------------

// A tower as an object or as hex; *null for null.
static bool read_tower(struct shape *s, const json_t *value, bool *null, struct buffer *out) {
    *null = json_is_null(value);
    return *null ||
           (json_is_string(value) ? shape_octets(s, value, out) : encode_tower(s, value, out));
}

struct stub {
    const cmrp_stub_format *format;
    cmrp_epm_request request;
    cmrp_epm_response response;
};

static bool write_stub(void *context, cmrp_writer *w) {
    const struct stub *stub = context;
    const cmrp_stub_format *f = stub->format;
    return f->response ? cmrp_epm_response_encode(&stub->response, f->syntax, f->order, w)
                       : cmrp_epm_request_encode(&stub->request, f->syntax, f->order, w);
}

static bool encode_request(struct shape *s, const cmrp_stub_format *f, const json_t *value,
                           struct buffer *out) {
    struct stub stub = {.format = f};
    struct buffer tower = {0};
    bool null;
    const json_t *obj = json_object_get(value, "obj");
    const json_t *map_tower = json_object_get(value, "map_tower");
    if (obj == NULL || map_tower == NULL) {
        return shape_fail(s, "%s is missing", obj == NULL ? "obj" : "map_tower");
    }
    stub.request.has_object = !json_is_null(obj);
    if ((stub.request.has_object && !json_read_uuid(s, value, "obj", &stub.request.object)) ||
        !json_read_fixed(s, value, "entry_handle", stub.request.entry_handle, CMRP_HANDLE_SIZE) ||
        !json_read_u32(s, value, "max_towers", &stub.request.max_towers)) {
        return false;
    }
    const size_t mark = shape_mark(s);
    shape_enter_key(s, "map_tower");
    bool ok = read_tower(s, map_tower, &null, &tower);
    if (ok) {
        shape_leave(s, mark);
        stub.request.has_tower = !null;
        stub.request.tower = buffer_view(&tower);
        ok = json_write(s, write_stub, &stub, out);
    }
    buffer_free(&tower);
    return ok;
}

static bool read_towers(struct shape *s, const json_t *list, struct buffer *octets,
                        cmrp_view *towers) {
    const size_t mark = shape_mark(s);
    shape_enter_key(s, "ITowers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t inner = shape_mark(s);
        bool null;
        shape_enter_index(s, i);
        if (!read_tower(s, json_array_get(list, i), &null, &octets[i])) {
            return false;
        }
        shape_leave(s, inner);
        towers[i] = buffer_view(&octets[i]);
        if (!null && towers[i].data == NULL) {
            towers[i].data = (const uint8_t *)""; // NULL would be a NULL pointer
        } else if (null) {
            towers[i] = (cmrp_view){NULL, 0};
        }
    }
    shape_leave(s, mark);
    return true;
}

static bool encode_response(struct shape *s, const cmrp_stub_format *f, const json_t *value,
                            struct buffer *out) {
    struct stub stub = {.format = f};
    cmrp_epm_response *r = &stub.response;
    const json_t *list = json_object_get(value, "ITowers");
    const size_t count = json_array_size(list);
    uint64_t given = count;
    if (!json_is_array(list) || count > CMRP_EPM_TOWERS) {
        return shape_fail(s, "\"ITowers\" is not a list of at most %d towers", CMRP_EPM_TOWERS);
    }
    if (!json_read_fixed(s, value, "entry_handle", r->entry_handle, CMRP_HANDLE_SIZE) ||
        !json_read_u32(s, value, "max_towers", &r->max_towers) ||
        !json_read_u32(s, value, "status", &r->status) ||
        !shape_u64(s, value, "num_towers", false, UINT32_MAX, &given)) {
        return false;
    }
    if (given != count) {
        return shape_fail(s, "\"num_towers\" contradicts \"ITowers\"");
    }
    struct buffer *octets = util_alloc(count * sizeof *octets + 1);
    cmrp_view *towers = util_alloc(count * sizeof *towers + 1);
    r->num_towers = (uint32_t)count;
    r->towers = towers;
    const bool ok = read_towers(s, list, octets, towers) && json_write(s, write_stub, &stub, out);
    for (size_t i = 0; i < count; i++) {
        buffer_free(&octets[i]);
    }
    free(octets);
    free(towers);
    return ok;
}

bool json_tower_encode(struct shape *s, const struct json_selector *how, const json_t *value,
                       struct buffer *out) {
    static const char *const request[] = {"direction", "syntax",       "drep",       "obj",
                                          "map_tower", "entry_handle", "max_towers", NULL};
    static const char *const response[] = {"direction",    "syntax",     "drep",
                                           "entry_handle", "num_towers", "max_towers",
                                           "ITowers",      "status",     NULL};
    if (!json_selector_agrees(s, how, false, value)) {
        return false;
    }
    if (!how->ept_map) {
        return encode_tower(s, value, out);
    }
    return shape_object(s, value, how->stub.response ? response : request) &&
           (how->stub.response ? encode_response(s, &how->stub, value, out)
                               : encode_request(s, &how->stub, value, out));
}
