// SPDX-License-Identifier: Apache-2.0
// Registry keys of a seed beside those of objects.
#include <stdlib.h>
#include <string.h>

#include "cluster/seed.h"
#include "util/hex.h"

static const char *const types[] = {"sz", "dword", "multi-sz", "binary", NULL};
static const uint32_t numbers[] = {1, 4, 7, 3};

static void append_text(struct buffer *units, const char *text) {
    text_to_units(units, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_append(units, "\0", 2);
}

static bool append_texts(struct buffer *units, const json_t *texts) {
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        if (text == NULL || text[0] == '\0') {
            return false;
        }
        append_text(units, text);
    }
    buffer_append(units, "\0", 2);
    return json_is_array(texts);
}

// The data of a value that has type number `type`; false: it does not suit.
static bool data_of(const json_t *data, unsigned type, struct buffer *out) {
    const char *text = json_string_value(data);
    size_t at;
    if (type == 1) {
        const json_int_t number = json_integer_value(data);
        const uint8_t octets[] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                                  (uint8_t)(number >> 24)};
        buffer_append(out, octets, sizeof octets);
        return json_is_integer(data) && number >= 0 && number <= UINT32_MAX;
    }
    if (type == 2) {
        return append_texts(out, data);
    }
    if (text == NULL) {
        return false;
    }
    if (type == 3) {
        return hex_parse(text, strlen(text), out, &at);
    }
    append_text(out, text);
    return true;
}

static bool type_of(const json_t *value, unsigned *type) {
    const char *word = json_string_value(json_object_get(value, "type"));
    for (*type = 0; word != NULL && types[*type] != NULL; ++*type) {
        if (strcmp(word, types[*type]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_value(struct seed *s, const json_t *value, void *context) {
    static const char *const keys[] = {"name", "type", "data", NULL};
    const char *name;
    unsigned type;
    struct buffer data = {0};
    (void)context;
    if (!seed_object(s, value, keys) || !seed_text(s, value, "name", true, &name)) {
        return false;
    }
    if (!type_of(value, &type)) {
        seed_enter(s, "type");
        return seed_wrong(s, "sz, dword, multi-sz or binary is expected");
    }
    const bool good = data_of(json_object_get(value, "data"), type, &data);
    buffer_free(&data);
    if (!good) {
        seed_enter(s, "data");
        return seed_wrong(s, "no data of type %s", types[type]);
    }
    return true;
}

static bool check_key(struct seed *s, const json_t *key, void *context) {
    static const char *const keys[] = {"path", "values", NULL};
    const char *path;
    (void)context;
    if (!seed_object(s, key, keys) || !seed_text(s, key, "path", true, &path)) {
        return false;
    }
    const size_t size = strlen(path);
    if (path[0] == '\\' || (size > 0 && path[size - 1] == '\\') || strstr(path, "\\\\") != NULL) {
        seed_enter(s, "path");
        return seed_wrong(s, "a path from the root is expected: LEVEL\\LEVEL, empty for the root");
    }
    return seed_array(s, key, "values", check_value, NULL);
}

bool seed_check_keys(struct seed *s, const json_t *document) {
    if (!seed_array(s, document, "registry", check_key, NULL)) {
        return false;
    }
    if (!s->of_state) {
        s->cluster->seed_keys = json_incref(json_object_get(document, "registry"));
    }
    return true;
}

static uint32_t write_key(struct registry_key *root, const json_t *key) {
    const json_t *values = json_object_get(key, "values");
    struct registry_key *open;
    bool created;
    uint32_t status = registry_key_create(root, json_string_value(json_object_get(key, "path")),
                                          NULL, &created, &open);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; status == 0 && i < json_array_size(values); i++) {
        const json_t *value = json_array_get(values, i);
        struct buffer data = {0};
        unsigned type = 0;
        type_of(value, &type);
        data_of(json_object_get(value, "data"), type, &data);
        status = registry_value_set(open, json_string_value(json_object_get(value, "name")),
                                    numbers[type], buffer_view(&data));
        buffer_free(&data);
    }
    registry_key_release(open);
    return status;
}

uint32_t seed_write_keys(struct cluster *cluster) {
    struct registry_key *root;
    uint32_t status = registry_root(cluster->registry, &root);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; status == 0 && i < json_array_size(cluster->seed_keys); i++) {
        status = write_key(root, json_array_get(cluster->seed_keys, i));
    }
    registry_key_release(root);
    json_decref(cluster->seed_keys);
    cluster->seed_keys = NULL;
    return status;
}
