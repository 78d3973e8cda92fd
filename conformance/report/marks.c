// SPDX-License-Identifier: Apache-2.0
#include "report/marks.h"

#include <stdlib.h>
#include <string.h>

bool marks_of_error(const struct field_spans *spans, size_t *from, size_t *to) {
    if (spans->error.code == CMRP_OK) {
        return false;
    }
    if (spans->error_index < spans->count) {
        const struct field_span *s = &spans->spans[spans->error_index];
        *from = s->offset;
        *to = s->offset + s->size;
    } else {
        *from = (size_t)spans->error.offset;
        *to = *from;
    }
    return true;
}

// ---- batches ------------------------------------------------------------------------------------

// The field that holds a member of a command.
static const char *batch_field(const char *key) {
    static const char *const fields[][2] = {
        {"/command", "CommandType"}, {"/value_type", "ValueType"},
        {"/name", "Name"},           {"/name_hex", "Name"},
        {"/data", "Data"},           {"/padding", "Padding"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i][0], key) == 0) {
            return fields[i][1];
        }
    }
    return NULL;
}

// "/commands/3/data", or "/commands/3" for the whole command.
static bool find_in_batch(const struct field_spans *spans, const char *pointer, size_t *from,
                          size_t *to) {
    static const char start[] = "/commands/";
    char *key;
    if (strncmp(pointer, start, strlen(start)) != 0) {
        return false;
    }
    const unsigned long wanted = strtoul(pointer + strlen(start), &key, 10);
    const char *field = batch_field(key);
    size_t command = 0;
    bool found = false;
    for (size_t i = 0; i < spans->count; i++) {
        const struct field_span *s = &spans->spans[i];
        command += strcmp(s->name, "CommandType") == 0;
        if (command != wanted + 1) {
            continue;
        }
        // Data that is empty has no octets: its length tells.
        const bool length = field != NULL && strcmp(field, "Data") == 0 && !found &&
                            strcmp(s->name, "DataLength") == 0;
        if (field == NULL || strcmp(s->name, field) == 0 || length) {
            *from = found && !length && field == NULL ? *from : s->offset;
            *to = s->offset + s->size;
            found = true;
        }
    }
    return found;
}

// ---- everything else ----------------------------------------------------------------------------

// "/params/Notifications/0/dwNotifyKey" as fields are called: "Notifications[0].dwNotifyKey".
static void path_of(const char *pointer, struct buffer *path) {
    static const char params[] = "/params/";
    if (strncmp(pointer, params, strlen(params)) == 0) {
        pointer += strlen(params) - 1;
    }
    while (*pointer == '/') {
        const size_t n = strcspn(pointer + 1, "/");
        if (n > 0 && strspn(pointer + 1, "0123456789") == n) {
            buffer_printf(path, "[%.*s]", (int)n, pointer + 1);
        } else {
            buffer_printf(path, "%s%.*s", path->size > 0 ? "." : "", (int)n, pointer + 1);
        }
        pointer += 1 + n;
    }
}

// Whether a name is that of the path's first n octets, or of something within it.
static bool is_within(const char *name, const char *path, size_t n) {
    return strncmp(name, path, n) == 0 && (name[n] == '\0' || name[n] == '.' || name[n] == '[');
}

static bool find_path(const struct field_spans *spans, const char *path, size_t n, size_t *from,
                      size_t *to) {
    bool found = false;
    for (size_t i = 0; i < spans->count; i++) {
        const struct field_span *s = &spans->spans[i];
        if (is_within(s->name, path, n)) {
            *from = found ? *from : s->offset;
            *to = s->offset + s->size;
            found = true;
        } else if (found) {
            return true; // what comes later under this name is something else's
        }
    }
    return found;
}

bool marks_of_pointer(const struct json_selector *how, const struct field_spans *spans,
                      const char *pointer, size_t *from, size_t *to) {
    struct buffer path = {0};
    bool found = false;
    if (how->type == JSON_TYPE_BATCH) {
        return find_in_batch(spans, pointer, from, to);
    }
    if (how->type == JSON_TYPE_CHANGE || spans->count == 1) {
        *from = 0;
        *to = spans->count > 0
                  ? spans->spans[spans->count - 1].offset + spans->spans[spans->count - 1].size
                  : 0;
        return spans->count > 0;
    }
    path_of(pointer, &path);
    const char *text = buffer_text(&path);
    for (size_t n = path.size; n > 0 && !found;) {
        found = find_path(spans, text, n, from, to);
        while (n > 0 && text[--n] != '.' && text[n] != '[') {
        }
    }
    buffer_free(&path);
    return found;
}
