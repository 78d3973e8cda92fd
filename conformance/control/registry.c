// SPDX-License-Identifier: Apache-2.0
// Commands about the cluster registry.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"
#include "show/show.h"
#include "util/hex.h"
#include "util/text.h"
#include "json/json.h"

enum { TREE_LIMIT = 10000 }; // keys and values of one answer

// ---- keys ---------------------------------------------------------------------------------------

static const char *path_of(const char *word) {
    return word + strspn(word, "\\");
}

// The key that a word names, or NULL with *answer.
static struct registry_key *open_key(const struct request *r, const char *word, json_t **answer) {
    struct registry *registry = cluster_registry(r->control->cluster);
    struct registry_key *root = NULL;
    struct registry_key *key = NULL;
    uint32_t code = registry_root(registry, &root);
    if (code == 0 && *path_of(word) == '\0') {
        return root;
    }
    code = code == 0 ? registry_key_open(root, path_of(word), &key) : code;
    registry_key_release(root);
    if (code == REGISTRY_ERROR_FILE_NOT_FOUND) {
        *answer = answer_refused(code, "no key \"%.500s\" in the cluster registry", word);
    } else if (code != 0) {
        *answer = answer_code(r, code, NULL);
    }
    return code == 0 ? key : NULL;
}

static json_t *value_json(const struct registry_value *value) {
    static const struct show_options plain = {.verbose = false};
    const cmrp_view data = {value->data, value->size};
    const char *type = cmrp_reg_type_name(value->type);
    struct buffer shown = {0};
    char *hex = hex_text(data);
    show_data(&shown, value->type, data, &plain);
    json_t *json = json_object();
    json_object_set_new(json, "name", text_json(value->name));
    json_object_set_new(json, "type", type != NULL ? json_string(type) : json_integer(value->type));
    json_object_set_new(json, "data", json_string(hex));
    json_object_set_new(json, "text", text_json(buffer_text(&shown)));
    free(hex);
    buffer_free(&shown);
    return json;
}

static json_t *values_json(struct registry_key *key, size_t *left) {
    json_t *values = json_array();
    struct registry_value value;
    for (uint32_t i = 0; *left > 0 && registry_value_at(key, i, &value) == 0; i++, --*left) {
        json_array_append_new(values, value_json(&value));
        registry_value_clear(&value);
    }
    return values;
}

// ---- tree and get -------------------------------------------------------------------------------

// Adds the key and all below it, depth first, as long as there is room.
static void add_tree(json_t *keys, struct registry_key *key, size_t *left) {
    json_t *json = json_object();
    json_object_set_new(json, "key", text_json(registry_key_path(key)));
    json_object_set_new(json, "values", values_json(key, left));
    json_array_append_new(keys, json);
    char *name;
    uint64_t written;
    for (uint32_t i = 0; *left > 0 && registry_key_at(key, i, &name, &written) == 0; i++) {
        struct registry_key *below = NULL;
        --*left;
        if (registry_key_open(key, name, &below) == 0) {
            add_tree(keys, below, left);
            registry_key_release(below);
        }
        free(name);
    }
}

static json_t *tree(struct request *r) {
    json_t *answer = NULL;
    struct registry_key *key = open_key(r, r->count > 1 ? r->words[1] : "", &answer);
    if (key == NULL) {
        return answer;
    }
    size_t left = TREE_LIMIT;
    json_t *keys = json_array();
    add_tree(keys, key, &left);
    registry_key_release(key);
    return answer_result(json_pack("{s:o, s:b}", "keys", keys, "cut", left == 0));
}

static json_t *get(struct request *r) {
    json_t *answer = NULL;
    struct registry_key *key = open_key(r, r->words[1], &answer);
    struct registry_value value;
    size_t left = TREE_LIMIT;
    if (key == NULL) {
        return answer;
    }
    if (r->count == 2) {
        json_t *keys = json_array();
        char *name;
        uint64_t written;
        for (uint32_t i = 0; i < TREE_LIMIT && registry_key_at(key, i, &name, &written) == 0; i++) {
            json_array_append_new(keys, text_json(name));
            free(name);
        }
        answer = answer_result(
            json_pack("{s:o, s:o}", "subkeys", keys, "values", values_json(key, &left)));
    } else {
        const uint32_t code = registry_value_get(key, r->words[2], &value);
        answer = code == REGISTRY_ERROR_FILE_NOT_FOUND
                     ? answer_refused(code, "no value \"%.200s\" in key \"%.500s\"", r->words[2],
                                      r->words[1])
                     : answer_code(r, code, code == 0 ? value_json(&value) : NULL);
        if (code == 0) {
            registry_value_clear(&value);
        }
    }
    registry_key_release(key);
    return answer;
}

// ---- changes ------------------------------------------------------------------------------------

static bool type_named(const char *word, uint32_t *type) {
    char *end;
    for (uint32_t i = 0; i < 32; i++) {
        const char *name = cmrp_reg_type_name(i);
        if (name != NULL && strcmp(name, word) == 0) {
            *type = i;
            return true;
        }
    }
    errno = 0;
    const unsigned long long number = strtoull(word, &end, 0);
    *type = (uint32_t)number;
    return *word >= '0' && *word <= '9' && *end == '\0' && errno == 0 && number <= UINT32_MAX;
}

static bool put_number(struct buffer *data, const char *word, unsigned size) {
    char *end;
    errno = 0;
    const uint64_t number = strtoull(word, &end, 0);
    if (*word < '0' || *word > '9' || *end != '\0' || errno != 0 ||
        (size < sizeof number && number >> (8 * size) != 0)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        *buffer_extend(data, 1) = (uint8_t)(number >> (8 * i));
    }
    return true;
}

static bool put_text(struct buffer *data, const char *word) {
    const bool ok = text_to_utf16(data, word, strlen(word), CMRP_LITTLE_ENDIAN);
    buffer_append(data, "\0", 2);
    return ok;
}

// The octets that words are in a type; NULL, or what is wrong with them.
static const char *put_data(struct buffer *data, uint32_t type, const char *const *words,
                            size_t count) {
    size_t at;
    switch (type) {
    case CMRP_REG_SZ:
    case CMRP_REG_EXPAND_SZ:
        return count == 1 && put_text(data, words[0]) ? NULL : "one text is expected";
    case CMRP_REG_MULTI_SZ:
        for (size_t i = 0; i < count; i++) {
            if (*words[i] == '\0' || !put_text(data, words[i])) {
                return "the texts of a list must not be empty";
            }
        }
        buffer_append(data, "\0", 2);
        return NULL;
    case CMRP_REG_DWORD:
        return count == 1 && put_number(data, words[0], 4) ? NULL
                                                           : "a number of 32 bits is expected";
    case CMRP_REG_QWORD:
        return count == 1 && put_number(data, words[0], 8) ? NULL
                                                           : "a number of 64 bits is expected";
    default:
        return count == 0 || (count == 1 && hex_parse(words[0], strlen(words[0]), data, &at))
                   ? NULL
                   : "octets in hex are expected";
    }
}

static json_t *set(struct request *r) {
    uint32_t type;
    if (!type_named(r->words[3], &type)) {
        return answer_usage("no type \"%.100s\" of registry values; REG_SZ, REG_EXPAND_SZ, "
                            "REG_MULTI_SZ, REG_DWORD, REG_QWORD and REG_BINARY are some",
                            r->words[3]);
    }
    struct buffer data = {0};
    json_t *answer = NULL;
    const char *wrong = put_data(&data, type, r->words + 4, r->count - 4);
    struct registry_key *key = wrong == NULL ? open_key(r, r->words[1], &answer) : NULL;
    if (wrong != NULL) {
        answer = answer_usage("%s: %s", r->words[3], wrong);
    } else if (key != NULL) {
        answer = answer_code(r, registry_value_set(key, r->words[2], type, buffer_view(&data)),
                             json_object());
    }
    registry_key_release(key);
    buffer_free(&data);
    return answer;
}

static json_t *delete_value(struct request *r) {
    json_t *answer = NULL;
    struct registry_key *key = open_key(r, r->words[1], &answer);
    if (key == NULL) {
        return answer;
    }
    const uint32_t code = registry_value_delete(key, r->words[2]);
    registry_key_release(key);
    return code == REGISTRY_ERROR_FILE_NOT_FOUND
               ? answer_refused(code, "no value \"%.200s\" in key \"%.500s\"", r->words[2],
                                r->words[1])
               : answer_code(r, code, json_object());
}

static json_t *create_key(struct request *r) {
    struct registry_key *root;
    struct registry_key *key = NULL;
    bool created = false;
    uint32_t code = registry_root(cluster_registry(r->control->cluster), &root);
    if (code == 0) {
        code = registry_key_create(root, path_of(r->words[1]), NULL, &created, &key);
        registry_key_release(root);
    }
    if (code == 0) {
        registry_key_release(key);
    }
    return answer_code(r, code, json_pack("{s:b}", "created", created));
}

static json_t *delete_key(struct request *r) {
    struct registry_key *root;
    uint32_t code = registry_root(cluster_registry(r->control->cluster), &root);
    if (code == 0) {
        code = registry_key_delete(root, path_of(r->words[1]));
        registry_key_release(root);
    }
    return code == REGISTRY_ERROR_FILE_NOT_FOUND
               ? answer_refused(code, "no key \"%.500s\" in the cluster registry", r->words[1])
               : answer_code(r, code, json_object());
}

json_t *registry_command(struct request *r) {
    static const struct {
        const char *name, *words;
        size_t least, most;
        request_handler *run;
    } commands[] = {
        {"tree", "[KEY]", 1, 2, tree},
        {"get", "KEY [VALUE]", 2, 3, get},
        {"set", "KEY VALUE TYPE [DATA]...", 4, CONTROL_WORDS, set},
        {"delete", "KEY VALUE", 3, 3, delete_value},
        {"create-key", "KEY", 2, 2, create_key},
        {"delete-key", "KEY", 2, 2, delete_key},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(r->words[0], commands[i].name) == 0) {
            return r->count < commands[i].least || r->count > commands[i].most
                       ? answer_usage("usage: registry %s %s", commands[i].name, commands[i].words)
                       : commands[i].run(r);
        }
    }
    return answer_usage(
        "no command \"registry %.100s\"; commands: tree, get, set, delete, create-key, delete-key",
        r->words[0]);
}

// ---- batches ------------------------------------------------------------------------------------

json_t *registry_execute(struct request *r) {
    const struct json_selector how = {.type = JSON_TYPE_BATCH};
    const json_t *batch = json_object_get(r->json, "batch");
    struct json_failure failure = {0};
    struct buffer octets = {0};
    json_t *answer = NULL;
    if (batch == NULL) {
        return answer_usage("\"batch\" is missing: an object with version and commands");
    }
    if (!json_encode(&how, batch, &octets, &failure)) {
        return answer_usage("batch%s: %s", failure.pointer, failure.message);
    }
    struct registry_key *key = open_key(r, r->words[0], &answer);
    if (key != NULL) {
        int32_t failed = 0;
        const uint32_t code = registry_batch(key, buffer_view(&octets), &failed);
        struct buffer reason = {0};
        show_code(&reason, code, false);
        answer = code != 0 && failed > 0
                     ? answer_refused(code, "command %" PRId32 " of the batch failed: %s", failed,
                                      buffer_text(&reason))
                     : answer_code(r, code, json_object());
        buffer_free(&reason);
        registry_key_release(key);
    }
    buffer_free(&octets);
    return answer;
}
