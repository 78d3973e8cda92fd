// SPDX-License-Identifier: Apache-2.0
// Equal meanings made equal JSON.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

// A copy without the keys that only decoding adds; hex-like keys are the callers' matter.
static json_t *without_added(const json_t *object) {
    json_t *copy = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        if (!shape_is_added(key)) {
            json_object_set(copy, key, value);
        }
    }
    return copy;
}

static json_t *lower(const json_t *string) {
    struct buffer text = {0};
    buffer_append(&text, json_string_value(string), json_string_length(string));
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] = (uint8_t)tolower(text.data[i]);
    }
    const size_t size = text.size;
    json_t *value = json_stringn(buffer_text(&text), size);
    buffer_free(&text);
    return value;
}

static void lower_member(json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) {
        json_object_set_new(object, key, lower(value));
    }
}

typedef bool name_lookup(const char *name, uint32_t *value);

static void number_member(json_t *object, const char *key, name_lookup *named) {
    const char *name = json_string_value(json_object_get(object, key));
    uint32_t value;
    if (name != NULL && named(name, &value)) {
        json_object_set_new(object, key, json_u32(value));
    }
}

static json_t *normal_batch(const json_t *value) {
    json_t *copy = without_added(value);
    const json_t *commands = json_object_get(value, "commands");
    json_t *normal = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(commands, i, item) {
        json_t *command = json_is_object(item) ? without_added(item) : json_incref(item);
        if (json_is_object(item)) {
            number_member(command, "command", cmrp_batch_type_named);
            number_member(command, "value_type", cmrp_reg_type_named);
            lower_member(command, "name_hex");
            lower_member(command, "data");
            lower_member(command, "padding");
            if (json_string_value(json_object_get(command, "padding")) != NULL &&
                strcmp(json_string_value(json_object_get(command, "padding")), "00") == 0) {
                json_object_del(command, "padding");
            }
        }
        json_array_append_new(normal, command);
    }
    if (json_is_array(commands)) {
        json_object_set(copy, "commands", normal);
    }
    json_decref(normal);
    lower_member(copy, "trailing");
    const json_t *trailing = json_object_get(copy, "trailing");
    if (json_is_string(trailing) && json_string_length(trailing) == 0) {
        json_object_del(copy, "trailing"); // says what its absence says
    }
    return copy;
}

// A value that contradicts its own names, or is of no known shape: as it stands, but for the form
// of the number, so that a difference shows where it is.
static json_t *plain_change(const json_t *value) {
    json_t *plain = json_deep_copy(value);
    const json_t *number = json_object_get(value, "value");
    if (json_is_integer(number) && json_integer_value(number) >= 0) {
        json_object_set_new(plain, "value", json_decimal((uint64_t)json_integer_value(number)));
    }
    return plain;
}

// The value alone: it says everything that names and unknown say.
static json_t *normal_change(const cmrp_change_set *set, const json_t *value) {
    struct json_failure failure = {0};
    struct shape s = {.failure = &failure};
    struct buffer octets = {0};
    json_t *normal = NULL;
    cmrp_error error = {0};
    uint64_t number;
    if (json_change_encode(&s, set, value, &octets) &&
        cmrp_change_decode(set, buffer_view(&octets), &number, &error)) {
        normal = json_object();
        json_object_set_new(normal, "set", json_string(set->name));
        json_object_set_new(normal, "value", json_decimal(number));
    }
    buffer_free(&octets);
    return normal != NULL ? normal : plain_change(value);
}

// format: which of the parameters travel; NULL for members, which all do.
static json_t *normal_params(const cmrp_param *params, size_t count, const cmrp_stub_format *format,
                             const json_t *object);

static json_t *normal_param(const cmrp_param *p, const json_t *value) {
    const cmrp_struct *type = cmrp_param_struct(p);
    if (json_is_string(value) && (p->kind == CMRP_KIND_HANDLE || p->kind == CMRP_KIND_OCTETS ||
                                  p->kind == CMRP_KIND_VARYING)) {
        return lower(value);
    }
    if ((p->kind == CMRP_KIND_STRING || p->kind == CMRP_KIND_OPEN_STRING ||
         p->kind == CMRP_KIND_UNITS) &&
        json_is_object(value)) {
        json_t *raw = without_added(value);
        lower_member(raw, "utf16");
        return raw;
    }
    if (p->meaning == CMRP_MEANS_BATCH && json_is_object(value)) {
        return normal_batch(value);
    }
    if ((p->kind == CMRP_KIND_ARRAY || p->kind == CMRP_KIND_TAIL) && json_is_array(value)) {
        json_t *array = json_array();
        size_t i;
        json_t *item;
        json_array_foreach(value, i, item) {
            json_array_append_new(array, normal_params(type->members, type->count, NULL, item));
        }
        return array;
    }
    return p->kind == CMRP_KIND_RECORD && json_is_object(value)
               ? normal_params(type->members, type->count, NULL, value)
               : json_deep_copy(value);
}

// The member of this meaning, of a structure whose members' names start with prefix and whose JSON
// is object.
static const json_t *sibling(const cmrp_param *params, size_t count, unsigned meaning,
                             const json_t *object, const char *prefix) {
    const size_t skip = strlen(prefix);
    for (size_t i = 0; i < count; i++) {
        if (params[i].meaning != meaning || strncmp(params[i].name, prefix, skip) != 0) {
            continue;
        }
        const char *name = params[i].name + skip;
        const char *dot;
        while ((dot = strchr(name, '.')) != NULL) {
            char *part = util_format("%.*s", (int)(dot - name), name);
            object = json_object_get(object, part);
            free(part);
            name = dot + 1;
        }
        return json_object_get(object, name);
    }
    return NULL;
}

// A payload that stands in place of its octets: those.
static json_t *normal_buffer(const json_t *value, const json_t *type, const json_t *flags) {
    struct json_failure failure = {0};
    struct shape s = {.failure = &failure};
    struct buffer octets = {0};
    uint64_t object_type = 0;
    uint64_t flag = 0;
    json_t *normal = NULL;
    if (shape_integer(&s, type, false, UINT32_MAX, &object_type) &&
        shape_integer(&s, flags, true, UINT64_MAX, &flag) &&
        json_payload_encode(&s, (uint32_t)object_type, flag, value, &octets)) {
        normal = json_hex(buffer_view(&octets));
    }
    buffer_free(&octets);
    return normal != NULL ? normal : json_deep_copy(value);
}

// Members of nested structures stay nested: walks keys, finding the parameter by its dotted name.
static json_t *normal_level(const cmrp_param *params, size_t count, const cmrp_stub_format *format,
                            const json_t *object, const char *prefix) {
    json_t *copy = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        const cmrp_param *found = NULL;
        char *name = util_format("%s%s", prefix, key);
        for (size_t i = 0; i < count; i++) {
            if (strcmp(params[i].name, name) == 0 &&
                (format == NULL || cmrp_param_travels(&params[i], format))) {
                found = &params[i];
            }
        }
        if (shape_is_added(key) || (found != NULL && found->meaning == CMRP_MEANS_COUNT)) {
            // says nothing that its array does not say
        } else if (found != NULL && found->meaning == CMRP_MEANS_PAYLOAD && json_is_object(value)) {
            json_object_set_new(
                copy, key,
                normal_buffer(value, sibling(params, count, CMRP_MEANS_OBJECT_TYPE, object, prefix),
                              sibling(params, count, CMRP_MEANS_FLAGS, object, prefix)));
        } else if (found != NULL) {
            json_object_set_new(copy, key, normal_param(found, value));
        } else if (json_is_object(value)) {
            char *inner = util_format("%s.", name);
            json_object_set_new(copy, key, normal_level(params, count, format, value, inner));
            free(inner);
        } else {
            json_object_set(copy, key, value);
        }
        free(name);
    }
    return copy;
}

static json_t *normal_params(const cmrp_param *params, size_t count, const cmrp_stub_format *format,
                             const json_t *object) {
    return json_is_object(object) ? normal_level(params, count, format, object, "")
                                  : json_deep_copy(object);
}

// Hex and UUIDs stand at every depth of a PDU, always under the same keys.
static json_t *normal_pdu(const json_t *value) {
    static const char *const hex[] = {
        "stub", "drep",   "reserved2",    "pad",      "extension", "auth_padding", "token",
        "uuid", "object", "sec_addr_hex", "trailing", "if_id",     "act_id"};
    size_t i;
    const char *key;
    json_t *member;
    if (json_is_array(value)) {
        json_t *array = json_array();
        json_array_foreach(value, i, member) {
            json_array_append_new(array, normal_pdu(member));
        }
        return array;
    }
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    json_t *copy = json_object();
    json_object_foreach((json_t *)value, key, member) {
        if (!shape_is_added(key)) {
            json_object_set_new(copy, key, normal_pdu(member));
        }
    }
    for (i = 0; i < sizeof hex / sizeof hex[0]; i++) {
        lower_member(copy, hex[i]);
    }
    return copy;
}

// What it decodes to again, without what only decoding adds.
static json_t *normal_again(const struct json_selector *how, const json_t *value) {
    struct buffer octets = {0};
    struct json_failure failure;
    cmrp_error error = {0};
    json_t *again = NULL;
    if (json_encode(how, value, &octets, &failure)) {
        again = json_decode(how, buffer_view(&octets), 0, &error);
    }
    buffer_free(&octets);
    json_t *normal = normal_pdu(again != NULL ? again : value);
    json_decref(again);
    return normal;
}

json_t *json_normal(const struct json_selector *how, const json_t *value) {
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    switch (how->type) {
    case JSON_TYPE_BATCH: return normal_batch(value);
    case JSON_TYPE_CHANGE: return normal_change(how->set, value);
    case JSON_TYPE_PAYLOAD:
    case JSON_TYPE_TOWER: return normal_again(how, value);
    case JSON_TYPE_STUB: {
        json_t *normal = json_object();
        const cmrp_method *method = how->stub.method;
        json_object_set_new(normal, "params",
                            normal_params(method->params, method->count, &how->stub,
                                          json_object_get(value, "params")));
        return normal;
    }
    default: return normal_pdu(value);
    }
}
