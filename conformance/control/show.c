// SPDX-License-Identifier: Apache-2.0
// Answers for people: tables, a value, a line on how something is now.
#include <string.h>

#include "control/client.h"
#include "util/text.h"

static void put_cell(struct buffer *out, const json_t *value) {
    if (json_is_string(value)) {
        text_make_safe(out, json_string_value(value), json_string_length(value));
    } else if (json_is_integer(value)) {
        buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buffer_printf(out, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        buffer_printf(out, "-");
    }
}

static size_t width_of(const json_t *value) {
    struct buffer text = {0};
    size_t width = 0;
    put_cell(&text, value);
    for (size_t i = 0; i < text.size; i++) {
        width += (text.data[i] & 0xc0) != 0x80;
    }
    buffer_free(&text);
    return width;
}

// ---- objects ------------------------------------------------------------------------------------

// The columns of an object's line. Owner, group and node are what it belongs to; type and network
// what it is of.
static const json_t *column(const json_t *object, size_t n) {
    static const char *const keys[][3] = {
        {"kind"}, {"name"}, {"state"}, {"owner", "group", "node"}, {"type", "network"}};
    const json_t *found = NULL;
    for (size_t i = 0; found == NULL && i < 3 && keys[n][i] != NULL; i++) {
        found = json_object_get(object, keys[n][i]);
    }
    return found;
}

static void show_objects(struct buffer *out, const json_t *objects) {
    enum { COLUMNS = 5, GAP = 2, WIDEST = 40 }; // one long name does not widen all lines
    size_t widths[COLUMNS] = {0};
    size_t at;
    json_t *object;
    json_array_foreach(objects, at, object) {
        for (size_t n = 0; n < COLUMNS; n++) {
            const size_t width = width_of(column(object, n));
            widths[n] = width > widths[n] && width <= WIDEST ? width : widths[n];
        }
    }
    json_array_foreach(objects, at, object) {
        size_t last = COLUMNS - 1;
        while (last > 0 && column(object, last) == NULL) {
            last--;
        }
        for (size_t n = 0; n <= last; n++) {
            const size_t width = width_of(column(object, n));
            put_cell(out, column(object, n));
            const size_t pad = n == last ? 0 : GAP + (width < widths[n] ? widths[n] - width : 0);
            memset(buffer_extend(out, pad), ' ', pad);
        }
        buffer_printf(out, "\n");
    }
}

// ---- registry -----------------------------------------------------------------------------------

static void show_values(struct buffer *out, const json_t *values, const char *indent) {
    size_t at;
    json_t *value;
    json_array_foreach(values, at, value) {
        const char *name = json_string_value(json_object_get(value, "name"));
        buffer_printf(out, "%s\"", indent);
        text_escape(out, name != NULL ? name : "", name != NULL ? strlen(name) : 0);
        buffer_printf(out, "\"  ");
        put_cell(out, json_object_get(value, "type"));
        buffer_printf(out, "  ");
        put_cell(out, json_object_get(value, "text"));
        buffer_printf(out, "\n");
    }
}

static void show_keys(struct buffer *out, const json_t *result) {
    const json_t *keys = json_object_get(result, "keys");
    size_t at;
    json_t *key;
    json_array_foreach(keys, at, key) {
        const json_t *path = json_object_get(key, "key");
        if (json_string_length(path) == 0) {
            buffer_printf(out, "\\");
        } else {
            put_cell(out, path);
        }
        buffer_printf(out, "\n");
        show_values(out, json_object_get(key, "values"), "    ");
    }
    if (json_is_true(json_object_get(result, "cut"))) {
        buffer_printf(out, "... there is more\n");
    }
}

// ---- anything -----------------------------------------------------------------------------------

// Where the values of an object, and of those in it, stand.
static size_t values_column(const json_t *object, size_t indent) {
    enum { LEAST = 24, MOST = 40, GAP = 2 };
    const char *key;
    json_t *value;
    size_t column = LEAST;
    json_object_foreach((json_t *)object, key, value) {
        const size_t own =
            json_is_object(value) ? values_column(value, indent + 2) : indent + strlen(key) + GAP;
        column = own > column && own <= MOST ? own : column;
    }
    return column;
}

// Keys and values, a line each; objects in it behind their key.
static void show_members(struct buffer *out, const json_t *object, size_t indent, size_t column) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        memset(buffer_extend(out, indent), ' ', indent);
        text_make_safe(out, key, strlen(key));
        if (json_is_object(value)) {
            buffer_printf(out, "\n");
            show_members(out, value, indent + 2, column);
        } else {
            const size_t used = indent + strlen(key);
            buffer_printf(out, "%*s", used < column ? (int)(column - used) : 1, "");
            put_cell(out, value);
            buffer_printf(out, "\n");
        }
    }
}

static bool is_command(const json_t *words, const char *name) {
    const char *command = json_string_value(json_array_get(words, 0));
    return command != NULL && strcmp(command, name) == 0;
}

static void show_one(struct buffer *out, const json_t *result,
                     void (*show)(struct buffer *out, const json_t *list)) {
    json_t *list = json_pack("[O]", result);
    show(out, list);
    json_decref(list);
}

static void show_values_flush(struct buffer *out, const json_t *values) {
    show_values(out, values, "");
}

void control_show(struct buffer *out, const json_t *words, const json_t *answer) {
    const json_t *result = json_object_get(answer, "result");
    size_t at;
    json_t *name;
    if (is_command(words, "status") || is_command(words, "show")) {
        show_members(out, result, 0, values_column(result, 0));
    } else if (json_object_get(result, "objects") != NULL) {
        show_objects(out, json_object_get(result, "objects"));
    } else if (json_object_get(result, "kind") != NULL) {
        show_one(out, result, show_objects);
    } else if (json_object_get(result, "keys") != NULL) {
        show_keys(out, result);
    } else if (json_object_get(result, "subkeys") != NULL) {
        json_array_foreach(json_object_get(result, "subkeys"), at, name) {
            put_cell(out, name);
            buffer_printf(out, "\\\n");
        }
        show_values_flush(out, json_object_get(result, "values"));
    } else if (json_object_get(result, "data") != NULL) {
        show_one(out, result, show_values_flush);
    }
}
