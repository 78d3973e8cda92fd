// SPDX-License-Identifier: Apache-2.0
#include "testee/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

enum { SHOWN = 80 }; // octets of a wrong line that are shown

// ---- requests -----------------------------------------------------------------------------------

// Appends an object as a line, unless it is too long.
static bool append_line(struct buffer *line, const json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    const size_t size = text != NULL ? strlen(text) : SIZE_MAX;
    const bool ok = size <= PROTOCOL_LINE;
    if (ok) {
        buffer_append(line, text, size);
        buffer_append(line, "\n", 1);
    }
    free(text);
    return ok;
}

static json_t *request(uint64_t id, const char *op) {
    json_t *object = json_object();
    json_object_set_new(object, "id", json_integer((json_int_t)id));
    json_object_set_new(object, "op", json_string(op));
    return object;
}

void protocol_hello_request(struct buffer *line) {
    json_t *object = request(0, "hello");
    json_object_set_new(object, "format", json_integer(PROTOCOL_FORMAT));
    append_line(line, object);
    json_decref(object);
}

bool protocol_request(uint64_t id, const struct suite_case *c, struct buffer *line) {
    const struct json_selector *how = &c->vector->how;
    json_t *object = request(id, case_op_name(c->op));
    json_selector_write(how, true, object);
    // The byte order is said even where it is the default: a reader of the line sees the whole
    // choice.
    if (how->type == JSON_TYPE_STUB && how->stub.order == CMRP_LITTLE_ENDIAN) {
        json_object_set_new(object, "drep", json_string("le"));
    }
    if (c->op == CASE_DECODE) {
        struct buffer digits = {0};
        hex_append(&digits, buffer_view(&c->vector->octets));
        json_object_set_new(object, "mode", json_string("strict"));
        json_object_set_new(object, "hex", json_string(buffer_text(&digits)));
        buffer_free(&digits);
    } else {
        json_object_set(object, "value", c->vector->strict.value);
    }
    const bool ok = append_line(line, object);
    json_decref(object);
    return ok;
}

// ---- answers ------------------------------------------------------------------------------------

static char *shown(const char *line, size_t size) {
    struct buffer text = {0};
    text_escape(&text, line, size < SHOWN ? size : SHOWN);
    if (size > SHOWN) {
        buffer_printf(&text, "…");
    }
    char *copy = util_strdup(buffer_text(&text));
    buffer_free(&text);
    return copy;
}

// The object of a line, or NULL with *error set.
static json_t *read_object(const char *line, size_t size, char **error) {
    char *why = NULL;
    json_t *document = json_parse(line, size, &why);
    if (document != NULL && !json_is_object(document)) {
        json_decref(document);
        document = NULL;
    }
    if (document == NULL) {
        char *text = shown(line, size);
        *error = util_format("the line \"%s\" is not a JSON object%s%s", text,
                             why != NULL ? ": " : "", why != NULL ? why : "");
        free(text);
    }
    free(why);
    return document;
}

static bool read_types(const json_t *array, struct protocol_hello *hello) {
    size_t i;
    json_t *element;
    if (!json_is_array(array)) {
        return false;
    }
    json_array_foreach(array, i, element) {
        enum json_type type;
        if (!json_is_string(element)) {
            return false;
        }
        // A type that this version does not know is no concern of this run.
        if (json_type_named(json_string_value(element), &type)) {
            hello->types[type] = true;
        }
    }
    return true;
}

static char *copied(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? util_strdup(text) : NULL;
}

static bool fill_hello(const json_t *document, struct protocol_hello *hello, char **error) {
    const json_t *id = json_object_get(document, "id");
    const char *refusal = json_string_value(json_object_get(document, "error"));
    if (refusal == NULL) {
        refusal = json_string_value(json_object_get(document, "unsupported"));
    }
    if (!json_is_integer(id) || json_integer_value(id) != 0) {
        *error = util_strdup("the answer to hello does not have the id 0");
    } else if (refusal != NULL) {
        char *text = shown(refusal, strlen(refusal));
        *error = util_format("hello was refused: %s", text);
        free(text);
    } else if (hello->name == NULL || hello->version == NULL) {
        *error = util_strdup("the answer to hello lacks name or version");
    } else if (!read_types(json_object_get(document, "types"), hello)) {
        *error = util_strdup("the answer to hello lacks types, a list of strings");
    } else {
        return true;
    }
    return false;
}

bool protocol_hello_read(const char *line, size_t size, struct protocol_hello *hello,
                         char **error) {
    *hello = (struct protocol_hello){0};
    json_t *document = read_object(line, size, error);
    if (document == NULL) {
        return false;
    }
    hello->name = copied(document, "name");
    hello->version = copied(document, "version");
    const bool ok = fill_hello(document, hello, error);
    json_decref(document);
    if (!ok) {
        protocol_hello_free(hello);
    }
    return ok;
}

void protocol_hello_free(struct protocol_hello *hello) {
    free(hello->name);
    free(hello->version);
    *hello = (struct protocol_hello){0};
}

static const struct {
    const char *key;
    enum answer_kind kind;
} answer_keys[] = {
    {"value", ANSWER_VALUE},
    {"hex", ANSWER_HEX},
    {"error", ANSWER_ERROR},
    {"unsupported", ANSWER_UNSUPPORTED},
};

enum { ANSWER_KEYS = sizeof answer_keys / sizeof *answer_keys };

// Which of the four kinds the document is; anything beside it and the id is refused.
static bool read_kind(const json_t *document, struct answer *answer, char **error) {
    size_t found = 0;
    for (size_t i = 0; i < ANSWER_KEYS; i++) {
        json_t *member = json_object_get(document, answer_keys[i].key);
        if (member == NULL) {
            continue;
        }
        found++;
        *answer = (struct answer){answer_keys[i].kind, member, json_string_value(member)};
        if (answer->kind != ANSWER_VALUE && answer->text == NULL) {
            *error = util_format("\"%s\" of the answer is not a string", answer_keys[i].key);
            return false;
        }
    }
    if (found != 1 || json_object_size(document) != 2) {
        *error = util_strdup("the answer is not an id and one of value, hex, error, unsupported");
        return false;
    }
    return true;
}

bool protocol_answer_read(const char *line, size_t size, struct protocol_answer *answer,
                          char **error) {
    *answer = (struct protocol_answer){0};
    answer->document = read_object(line, size, error);
    if (answer->document == NULL) {
        return false;
    }
    const json_t *id = json_object_get(answer->document, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0) {
        char *text = shown(line, size);
        *error = util_format("the answer \"%s\" has no id", text);
        free(text);
        return false;
    }
    answer->has_id = true;
    answer->id = (uint64_t)json_integer_value(id);
    return read_kind(answer->document, &answer->answer, error);
}
