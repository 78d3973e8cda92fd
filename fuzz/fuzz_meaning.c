// SPDX-License-Identifier: Apache-2.0
#include "fuzz_meaning.h"

#include "util/hex.h"
#include "util/text.h"

static json_t *hex_value(struct buffer *octets) {
    char *text = hex_text(buffer_view(octets));
    json_t *value = json_string(text);
    free(text);
    buffer_free(octets);
    return value;
}

// The name of a batch's command as the octets of the field.
static void name_to_hex(json_t *command) {
    const json_t *name = json_object_get(command, "name");
    struct buffer field = {0};
    if (!json_is_string(name)) {
        return;
    }
    text_to_utf16(&field, json_string_value(name), json_string_length(name), CMRP_LITTLE_ENDIAN);
    buffer_append(&field, "\0", 2);
    json_object_set_new(command, "name_hex", hex_value(&field));
    json_object_del(command, "name");
}

// {"utf16"} as text where it is text, else in lower case.
static json_t *text_of_units(const json_t *hex) {
    struct buffer units = {0};
    struct buffer text = {0};
    size_t ignored;
    hex_parse(json_string_value(hex), json_string_length(hex), &units, &ignored);
    if (cmrp_utf16_check(buffer_view(&units), CMRP_LITTLE_ENDIAN) != 0) {
        return json_pack("{so}", "utf16", hex_value(&units));
    }
    text_from_utf16(&text, buffer_view(&units), CMRP_LITTLE_ENDIAN);
    json_t *value = json_string(buffer_text(&text));
    buffer_free(&units);
    buffer_free(&text);
    return value;
}

// A batch inside a stub as its octets.
static json_t *octets_of_batch(const json_t *batch) {
    const struct json_selector how = {.type = JSON_TYPE_BATCH, .batch_flags = CMRP_BATCH_STRICT};
    struct buffer octets = {0};
    struct json_failure failure;
    json_encode(&how, batch, &octets, &failure);
    return hex_value(&octets);
}

// A parameter in the form of its octets; steals nothing, returns a new value.
static json_t *plain_param(json_t *value) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(json_object_get(value, "utf16"))) {
        return text_of_units(json_object_get(value, "utf16"));
    }
    if (json_object_get(value, "commands") != NULL) {
        return octets_of_batch(value);
    }
    json_object_foreach(value, key, member) {
        json_object_set_new(value, key, plain_param(member));
    }
    json_array_foreach(value, i, member) {
        json_array_set_new(value, i, plain_param(member));
    }
    return json_incref(value);
}

static json_t *plain(const struct json_selector *how, const json_t *value) {
    json_t *normal = json_normal(how, value);
    json_t *copy = json_deep_copy(normal); // parts of the normal form may be shared with the value
    size_t i;
    json_t *command;
    json_decref(normal);
    json_array_foreach(json_object_get(copy, "commands"), i, command) {
        name_to_hex(command);
    }
    json_t *params = json_object_get(copy, "params");
    if (params != NULL) {
        json_object_set_new(copy, "params", plain_param(params));
    }
    return copy;
}

void fuzz_check_same_meaning(const char *property, const struct json_selector *how,
                             const json_t *expected, const json_t *got) {
    json_t *a = plain(how, expected);
    json_t *b = plain(how, got);
    fuzz_check_same_json(property, "the meaning changed", a, b);
    json_decref(a);
    json_decref(b);
}
