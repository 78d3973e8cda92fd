// SPDX-License-Identifier: Apache-2.0
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"
#include "json/parts.h"

static const char *const type_names[JSON_TYPES] = {
    [JSON_TYPE_BATCH] = "batch", [JSON_TYPE_CHANGE] = "change",   [JSON_TYPE_STUB] = "stub",
    [JSON_TYPE_PDU] = "pdu",     [JSON_TYPE_PAYLOAD] = "payload", [JSON_TYPE_TOWER] = "tower",
};

const char *json_type_name(enum json_type type) {
    return type_names[type];
}

bool json_type_named(const char *name, enum json_type *type) {
    for (int i = 0; i < JSON_TYPES; i++) {
        if (strcmp(type_names[i], name) == 0) {
            *type = (enum json_type)i;
            return true;
        }
    }
    return false;
}

json_t *json_parse(const char *text, size_t size, char **error) {
    json_error_t where;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (value == NULL) {
        struct buffer shown = {0};
        text_escape(&shown, where.text, strlen(where.text));
        *error =
            util_format("line %d column %d: %s", where.line, where.column, buffer_text(&shown));
        buffer_free(&shown);
    }
    return value;
}

// A payload by itself says which event's it is.
static json_t *decode_payload(const struct json_selector *how, cmrp_view bytes, uint64_t offset,
                              cmrp_error *error) {
    json_t *payload = json_payload_decode(how->object_type, how->flag->value, bytes, offset, error);
    if (payload == NULL) {
        return NULL;
    }
    json_t *object = json_object();
    json_selector_write(how, false, object);
    json_object_update(object, payload);
    json_decref(payload);
    return object;
}

static bool encode_payload(struct shape *s, const struct json_selector *how, const json_t *value,
                           struct buffer *out) {
    json_t *chosen = json_object();
    json_t *payload =
        json_is_object(value) ? json_copy((json_t *)value) : json_incref((json_t *)value);
    const char *key;
    json_t *member;
    json_selector_write(how, false, chosen);
    json_object_foreach(chosen, key, member) {
        json_object_del(payload, key);
    }
    const bool ok = json_selector_agrees(s, how, false, value) &&
                    json_payload_encode(s, how->object_type, how->flag->value, payload, out);
    json_decref(chosen);
    json_decref(payload);
    return ok;
}

json_t *json_decode(const struct json_selector *how, cmrp_view bytes, uint64_t offset,
                    cmrp_error *error) {
    switch (how->type) {
    case JSON_TYPE_BATCH: return json_batch_decode(bytes, how->batch_flags, offset, error);
    case JSON_TYPE_CHANGE: return json_change_decode(how->set, bytes, error);
    case JSON_TYPE_STUB: return json_stub_decode(&how->stub, bytes, offset, error);
    case JSON_TYPE_PAYLOAD: return decode_payload(how, bytes, offset, error);
    case JSON_TYPE_TOWER: return json_tower_decode(how, bytes, offset, error);
    default: return json_pdu_decode(bytes, offset, error);
    }
}

bool json_encode(const struct json_selector *how, const json_t *value, struct buffer *out,
                 struct json_failure *failure) {
    struct shape s = {.failure = failure};
    const size_t start = out->size;
    bool ok;
    *failure = (struct json_failure){0};
    switch (how->type) {
    case JSON_TYPE_BATCH: ok = json_batch_encode(&s, value, how->batch_flags, out); break;
    case JSON_TYPE_CHANGE: ok = json_change_encode(&s, how->set, value, out); break;
    case JSON_TYPE_STUB: ok = json_stub_encode(&s, &how->stub, value, out); break;
    case JSON_TYPE_PAYLOAD: ok = encode_payload(&s, how, value, out); break;
    case JSON_TYPE_TOWER: ok = json_tower_encode(&s, how, value, out); break;
    default: ok = json_pdu_encode(&s, value, out); break;
    }
    if (!ok) {
        out->size = start;
    }
    return ok;
}

// ---- errors and warnings ------------------------------------------------------------------------

json_t *json_error(const cmrp_error *e) {
    char field[128];
    char message[256];
    cmrp_error_field(e, field, sizeof field);
    cmrp_error_message(e, message, sizeof message);
    json_t *object = json_object();
    json_object_set_new(object, "code", json_string(cmrp_code_id(e->code)));
    json_object_set_new(object, "offset", json_integer((json_int_t)e->offset));
    json_object_set_new(object, "field", json_string(field));
    json_object_set_new(object, "section", json_string(e->section));
    json_object_set_new(object, "message", json_string(message));
    return object;
}

void json_collect_warning(void *context, const cmrp_error *warning) {
    json_array_append_new(context, json_error(warning));
}

// ---- makers -------------------------------------------------------------------------------------

json_t *json_hex(cmrp_view octets) {
    struct buffer text = {0};
    hex_append(&text, octets);
    json_t *value = json_stringn((const char *)text.data, text.size);
    buffer_free(&text);
    return value != NULL ? value : json_string("");
}

json_t *json_u32(uint64_t value) {
    return json_integer((json_int_t)value);
}

json_t *json_decimal(uint64_t value) {
    char *text = util_format("%llu", (unsigned long long)value);
    json_t *string = json_string(text);
    free(text);
    return string;
}

json_t *json_flag_names(const cmrp_change_set *set, uint64_t value) {
    json_t *names = json_array();
    uint32_t cursor = 0;
    const cmrp_change_flag *flag;
    while ((flag = cmrp_change_next(set, value, &cursor)) != NULL) {
        json_array_append_new(names, json_string(flag->name));
    }
    return names;
}

json_t *json_units(cmrp_view units, cmrp_order order) {
    if (cmrp_utf16_check(units, order) == 0) {
        return json_text(units, order);
    }
    struct buffer little = {0}; // little-endian whatever the order of the input
    for (size_t i = 0; i + 1 < units.size; i += 2) {
        cmrp_store(buffer_extend(&little, 2), 2, cmrp_load_u16(units.data + i, order),
                   CMRP_LITTLE_ENDIAN);
    }
    json_t *object = json_object();
    json_object_set_new(object, "utf16", json_hex(buffer_view(&little)));
    buffer_free(&little);
    return object;
}

json_t *json_text(cmrp_view units, cmrp_order order) {
    struct buffer text = {0};
    text_from_utf16(&text, units, order);
    json_t *value = json_string(buffer_text(&text));
    buffer_free(&text);
    return value;
}

bool json_write(struct shape *s, json_writing *writing, void *context, struct buffer *out) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, NULL);
    if (!writing(context, &w)) {
        return shape_codec_fail(s, &error);
    }
    const size_t size = w.size;
    cmrp_writer_init(&w, buffer_extend(out, size), size, &error, NULL);
    return writing(context, &w) || shape_codec_fail(s, &error);
}

// ---- selectors ----------------------------------------------------------------------------------

// A string member, NULL where it is absent. false for anything else.
static bool read_text(const json_t *object, const char *key, const char **text, char **error) {
    const json_t *member = json_object_get(object, key);
    *text = shape_text(member);
    if (member != NULL && *text == NULL) {
        *error = util_format("%s is no string", key);
        return false;
    }
    return true;
}

// One of two words, or the default where the key is absent.
static bool read_choice(const json_t *object, const char *key, const char *no, const char *yes,
                        bool *value, char **error) {
    const json_t *member = json_object_get(object, key);
    if (member == NULL) {
        return true;
    }
    const char *text = shape_text(member);
    if (text == NULL || (strcmp(text, no) != 0 && strcmp(text, yes) != 0)) {
        *error = util_format("%s is neither \"%s\" nor \"%s\"", key, no, yes);
        return false;
    }
    *value = strcmp(text, yes) == 0;
    return true;
}

static bool read_method(const json_t *object, cmrp_stub_format *stub, char **error) {
    const char *name;
    const json_t *opnum = json_object_get(object, "opnum");
    const json_int_t number = json_integer_value(opnum);
    if (!read_text(object, "method", &name, error)) {
        return false;
    }
    if (opnum != NULL && !json_is_integer(opnum)) {
        *error = util_strdup("opnum is no integer");
        return false;
    }
    if (name == NULL && opnum == NULL) {
        *error = util_strdup("neither method nor opnum is given");
        return false;
    }
    stub->method = name != NULL ? cmrp_method_named(stub->interface, name) : NULL;
    if (name == NULL && number >= 0 && number <= UINT32_MAX) {
        stub->method = cmrp_method_numbered(stub->interface, (uint32_t)number);
    }
    if (stub->method == NULL) {
        struct buffer shown = {0};
        name = name != NULL ? name : "of this opnum";
        text_escape(&shown, name, strlen(name));
        *error = util_format("method %.64s is not described for interface version %u",
                             buffer_text(&shown), stub->interface);
        buffer_free(&shown);
        return false;
    }
    if (opnum != NULL && number != stub->method->opnum) {
        *error = util_format("%s has opnum %u", stub->method->name, stub->method->opnum);
        return false;
    }
    return true;
}

// Direction, syntax and byte order.
static bool read_form(const json_t *object, cmrp_stub_format *stub, char **error) {
    bool ndr64 = false;
    bool big = false;
    if (!read_choice(object, "direction", "request", "response", &stub->response, error) ||
        !read_choice(object, "syntax", "ndr", "ndr64", &ndr64, error) ||
        !read_choice(object, "drep", "le", "be", &big, error)) {
        return false;
    }
    stub->syntax = ndr64 ? CMRP_NDR64 : CMRP_NDR20;
    stub->order = big ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    return true;
}

static bool read_stub(const json_t *object, cmrp_stub_format *stub, char **error) {
    *stub = (cmrp_stub_format){.interface = CMRP_INTERFACE_3};
    const json_t *interface = json_object_get(object, "interface");
    if (interface != NULL) {
        const json_int_t version = json_integer_value(interface);
        if (version != CMRP_INTERFACE_2 && version != CMRP_INTERFACE_3) {
            *error = util_strdup("interface is neither 2 nor 3");
            return false;
        }
        stub->interface = (unsigned)version;
    }
    if (json_object_get(object, "direction") == NULL) {
        *error = util_strdup("direction is missing");
        return false;
    }
    return read_form(object, stub, error) && read_method(object, stub, error);
}

// A tower alone, or with a direction a stub of ept_map.
static bool read_tower(const json_t *object, struct json_selector *how, char **error) {
    how->stub = (cmrp_stub_format){.response = false};
    how->ept_map = json_object_get(object, "direction") != NULL;
    if (!how->ept_map &&
        (json_object_get(object, "syntax") != NULL || json_object_get(object, "drep") != NULL)) {
        *error = util_strdup("syntax and drep are for stubs of ept_map: direction is missing");
        return false;
    }
    return read_form(object, &how->stub, error);
}

// Keeps what a payload is about: the event's object type and its one flag.
static bool read_event(const json_t *object, struct json_selector *how, char **error) {
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    const char *type;
    const char *flag;
    if (!read_text(object, "object_type", &type, error) ||
        !read_text(object, "flag", &flag, error)) {
        return false;
    }
    if (type == NULL || flag == NULL) {
        *error = util_format("%s is missing", type == NULL ? "object_type" : "flag");
        return false;
    }
    const cmrp_change_flag *found = cmrp_change_flag_named(types, type);
    const cmrp_change_set *set =
        found != NULL ? cmrp_change_set_of_type((uint32_t)found->value) : NULL;
    how->flag = set != NULL ? cmrp_change_flag_named(set, flag) : NULL;
    if (how->flag == NULL || (how->flag->attributes & CMRP_CHANGE_UNION) != 0) {
        *error = found == NULL
                     ? util_format("object_type: \"%.60s\" is none of CLUSTER_OBJECT_TYPE", type)
                     : util_format("flag: \"%.60s\" is no event of the object type", flag);
        return false;
    }
    how->object_type = (uint32_t)found->value;
    return true;
}

bool json_selector_read(const json_t *object, struct json_selector *how, char **error) {
    const char *type;
    if (!read_text(object, "type", &type, error)) {
        return false;
    }
    if (type != NULL && !json_type_named(type, &how->type)) {
        *error = util_strdup("type is none of batch, change, stub, pdu, payload, tower");
        return false;
    }
    bool lenient = false;
    if (!read_choice(object, "mode", "strict", "lenient", &lenient, error)) {
        return false;
    }
    how->batch_flags = lenient ? CMRP_BATCH_LENIENT : CMRP_BATCH_STRICT;
    if (how->type == JSON_TYPE_CHANGE) {
        const char *set;
        if (!read_text(object, "set", &set, error)) {
            return false;
        }
        how->set = set != NULL ? cmrp_change_set_named(set) : NULL;
        if (how->set == NULL) {
            *error = util_strdup(set != NULL ? "unknown set" : "set is missing");
            return false;
        }
    }
    switch (how->type) {
    case JSON_TYPE_STUB: return read_stub(object, &how->stub, error);
    case JSON_TYPE_PAYLOAD: return read_event(object, how, error);
    case JSON_TYPE_TOWER: return read_tower(object, how, error);
    default: return true;
    }
}

static void write_form(const cmrp_stub_format *f, json_t *object) {
    json_object_set_new(object, "direction", json_string(f->response ? "response" : "request"));
    json_object_set_new(object, "syntax", json_string(f->syntax == CMRP_NDR64 ? "ndr64" : "ndr"));
    if (f->order == CMRP_BIG_ENDIAN) {
        json_object_set_new(object, "drep", json_string("be"));
    }
}

void json_selector_write(const struct json_selector *how, bool with_type, json_t *object) {
    if (with_type) {
        json_object_set_new(object, "type", json_string(json_type_name(how->type)));
    }
    if (how->type == JSON_TYPE_CHANGE) {
        json_object_set_new(object, "set", json_string(how->set->name));
    }
    if (how->type == JSON_TYPE_PAYLOAD) {
        const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
        uint32_t cursor = 0;
        const cmrp_change_flag *type = cmrp_change_next(types, how->object_type, &cursor);
        json_object_set_new(object, "object_type", json_string(type->name));
        json_object_set_new(object, "flag", json_string(how->flag->name));
    }
    if (how->type == JSON_TYPE_STUB) {
        const cmrp_stub_format *f = &how->stub;
        json_object_set_new(object, "method", json_string(f->method->name));
        json_object_set_new(object, "opnum", json_u32(f->method->opnum));
        json_object_set_new(object, "interface", json_u32(f->interface));
        write_form(f, object);
    }
    if (how->type == JSON_TYPE_TOWER && how->ept_map) {
        write_form(&how->stub, object);
    }
}

bool json_selector_agrees(struct shape *s, const struct json_selector *how, bool with_type,
                          const json_t *value) {
    json_t *chosen = json_object();
    const char *key;
    json_t *member;
    bool ok = true;
    json_selector_write(how, with_type, chosen);
    json_object_foreach(chosen, key, member) {
        const json_t *given = json_object_get(value, key);
        ok = ok && (given == NULL || json_equal(given, member) ||
                    shape_fail(s, "%s contradicts what was asked for", key));
    }
    json_decref(chosen);
    return ok;
}
