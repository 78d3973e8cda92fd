// SPDX-License-Identifier: Apache-2.0
#include "suite/expand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/hex.h"

struct expansion {
    enum json_type type;
    struct expand_failure *failure;
    size_t depth; // length of failure->pointer that is in use
};

static bool fail(struct expansion *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct expansion *x, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(x->failure->message, sizeof x->failure->message, format, arguments);
    va_end(arguments);
    return false;
}

// ---- the place ----------------------------------------------------------------------------------

static size_t enter(struct expansion *x, const char *key, size_t index) {
    const size_t mark = x->depth;
    const size_t room = sizeof x->failure->pointer - mark;
    char *end = x->failure->pointer + mark;
    const int n =
        key != NULL ? snprintf(end, room, "/%s", key) : snprintf(end, room, "/%zu", index);
    x->depth += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    return mark;
}

static void leave(struct expansion *x, size_t mark) {
    x->depth = mark;
    x->failure->pointer[mark] = '\0';
}

// ---- pieces -------------------------------------------------------------------------------------

// A piece of a joined list: {"repeat":N,KEY:"…"} with nothing else in it.
static bool is_piece(const json_t *value, const char *key) {
    return json_is_object(value) && json_object_size(value) == 2 &&
           json_object_get(value, "repeat") != NULL && json_is_string(json_object_get(value, key));
}

static bool read_repeat(struct expansion *x, const json_t *piece, json_int_t *count) {
    const json_t *repeat = json_object_get(piece, "repeat");
    *count = json_integer_value(repeat);
    if (!json_is_integer(repeat) || *count < 2 || *count > EXPAND_REPEAT) {
        return fail(x, "repeat is not a number from 2 to %d", (int)EXPAND_REPEAT);
    }
    return true;
}

// Appends `text` as often as the piece says, up to `limit` characters in all.
static bool append_text(struct expansion *x, const json_t *piece, const json_t *text, size_t limit,
                        struct buffer *out) {
    json_int_t count = 1;
    if (piece != text && !read_repeat(x, piece, &count)) {
        return false;
    }
    const size_t size = json_string_length(text);
    if (size == 0) {
        return fail(x, "a piece is empty");
    }
    if (size > (limit - out->size) / (size_t)count) {
        return fail(x, "expands to more than %zu characters", limit);
    }
    for (json_int_t i = 0; i < count; i++) {
        buffer_append(out, json_string_value(text), size);
    }
    return true;
}

// Joins a list of strings and pieces whose text stands under `key`.
static bool join(struct expansion *x, const json_t *parts, const char *key, struct buffer *out) {
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part) {
        const size_t mark = enter(x, NULL, i);
        if (!json_is_string(part) && !is_piece(part, key)) {
            return fail(x, "is neither a string nor {\"repeat\":N,\"%s\":\"…\"}", key);
        }
        const json_t *text = json_is_string(part) ? part : json_object_get(part, key);
        if (!append_text(x, part, text, 2 * (size_t)EXPAND_OCTETS, out)) {
            return false;
        }
        leave(x, mark);
    }
    return true;
}

static bool parse_lower_hex(struct expansion *x, const struct buffer *digits, struct buffer *out) {
    size_t at = 0;
    for (size_t i = 0; i < digits->size; i++) {
        if (digits->data[i] >= 'A' && digits->data[i] <= 'F') {
            return fail(x, "is not lower-case hex (character %zu)", i);
        }
    }
    if (!hex_parse((const char *)digits->data, digits->size, out, &at)) {
        return fail(x, "is not hex (character %zu)", at);
    }
    return true;
}

bool expand_octets(const json_t *parts, struct buffer *out, struct expand_failure *failure) {
    *failure = (struct expand_failure){0};
    struct expansion x = {.failure = failure};
    struct buffer digits = {0};
    bool ok = false;
    if (json_is_string(parts)) {
        buffer_append(&digits, json_string_value(parts), json_string_length(parts));
        ok = true;
    } else if (json_array_size(parts) > 0) {
        ok = join(&x, parts, "hex", &digits);
    } else {
        fail(&x, "is neither a string nor a list of pieces");
    }
    ok = ok && parse_lower_hex(&x, &digits, out);
    buffer_free(&digits);
    return ok;
}

// ---- values -------------------------------------------------------------------------------------

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

// Whether a list of strings under this key is one string in pieces.
static bool joins_strings(enum json_type type, const char *key) {
    static const char *const batch_keys[] = {"data", "name", "name_hex", "trailing"};
    if (key == NULL) {
        return false;
    }
    if (type == JSON_TYPE_STUB) {
        return !ends_with(key, "names") && strcmp(key, "commands") != 0 &&
               strcmp(key, "warnings") != 0;
    }
    for (size_t i = 0; type == JSON_TYPE_BATCH && i < sizeof batch_keys / sizeof *batch_keys; i++) {
        if (strcmp(key, batch_keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

// "hex" or "text" when the array is to be joined, else NULL.
static const char *joined_by(enum json_type type, const char *key, const json_t *array) {
    const char *by = NULL;
    size_t i;
    json_t *element;
    json_array_foreach(array, i, element) {
        const char *piece = is_piece(element, "hex")    ? "hex"
                            : is_piece(element, "text") ? "text"
                                                        : NULL;
        if (piece == NULL && !json_is_string(element)) {
            return NULL;
        }
        by = by == NULL ? piece : by;
    }
    if (by == NULL && i > 0 && joins_strings(type, key)) {
        by = "text";
    }
    return by;
}

static json_t *expand(struct expansion *x, const char *key, const json_t *value);

static json_t *expand_joined(struct expansion *x, const json_t *array, const char *by) {
    struct buffer text = {0};
    json_t *string = NULL;
    if (join(x, array, by, &text)) {
        string = json_stringn((const char *)text.data, text.size);
    }
    buffer_free(&text);
    return string;
}

// Appends an element, or the copies that {"repeat":N,"element":…} stands for.
static bool expand_element(struct expansion *x, const json_t *element, json_t *out) {
    json_int_t count = 1;
    const json_t *one = element;
    if (json_is_object(element) && json_object_get(element, "repeat") != NULL) {
        one = json_object_get(element, "element");
        if (one == NULL || json_object_size(element) != 2) {
            return fail(x, "is not {\"repeat\":N,\"element\":…}");
        }
        if (!read_repeat(x, element, &count)) {
            return false;
        }
        if ((size_t)count > EXPAND_ELEMENTS - json_array_size(out)) {
            return fail(x, "expands to more than %d elements", (int)EXPAND_ELEMENTS);
        }
    }
    json_t *expanded = expand(x, NULL, one);
    for (json_int_t i = 0; expanded != NULL && i < count; i++) {
        json_array_append(out, expanded);
    }
    json_decref(expanded);
    return expanded != NULL;
}

static json_t *expand_array(struct expansion *x, const char *key, const json_t *array) {
    const char *by = joined_by(x->type, key, array);
    if (by != NULL) {
        return expand_joined(x, array, by);
    }
    json_t *out = json_array();
    size_t i;
    json_t *element;
    json_array_foreach(array, i, element) {
        const size_t mark = enter(x, NULL, i);
        if (!expand_element(x, element, out)) {
            json_decref(out);
            return NULL;
        }
        leave(x, mark);
    }
    return out;
}

static json_t *expand_object(struct expansion *x, const json_t *object) {
    json_t *out = json_object();
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)object, key, member) {
        const size_t mark = enter(x, key, 0);
        json_t *expanded = expand(x, key, member);
        if (expanded == NULL) {
            json_decref(out);
            return NULL;
        }
        json_object_set_new(out, key, expanded);
        leave(x, mark);
    }
    return out;
}

static json_t *expand(struct expansion *x, const char *key, const json_t *value) {
    if (json_is_array(value)) {
        return expand_array(x, key, value);
    }
    if (json_is_object(value)) {
        if (json_object_get(value, "repeat") != NULL) {
            fail(x, "repeat stands outside of an array");
            return NULL;
        }
        return expand_object(x, value);
    }
    return json_incref((json_t *)value);
}

json_t *expand_value(enum json_type type, const json_t *value, struct expand_failure *failure) {
    *failure = (struct expand_failure){0};
    struct expansion x = {.type = type, .failure = failure};
    return expand(&x, NULL, value);
}
