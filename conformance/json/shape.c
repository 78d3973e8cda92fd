// SPDX-License-Identifier: Apache-2.0
#include "json/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

static bool fail_with(struct shape *s, const char *code, const char *message) {
    struct json_failure *f = s->failure;
    if (f->code == NULL) {
        f->code = code;
        snprintf(f->pointer, sizeof f->pointer, "%s", s->path);
        snprintf(f->message, sizeof f->message, "%s", message);
    }
    return false;
}

bool shape_fail(struct shape *s, const char *format, ...) {
    char message[sizeof s->failure->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_with(s, "value", message);
}

bool shape_codec_fail(struct shape *s, const cmrp_error *error) {
    char message[sizeof s->failure->message];
    cmrp_error_message(error, message, sizeof message);
    if (s->failure->code == NULL) {
        s->failure->codec = *error;
    }
    return fail_with(s, cmrp_code_id(error->code), message);
}

size_t shape_mark(const struct shape *s) {
    return strlen(s->path);
}

void shape_enter_key(struct shape *s, const char *key) {
    const size_t n = strlen(s->path);
    snprintf(s->path + n, sizeof s->path - n, "/%s", key);
}

void shape_enter_index(struct shape *s, size_t index) {
    const size_t n = strlen(s->path);
    snprintf(s->path + n, sizeof s->path - n, "/%zu", index);
}

void shape_leave(struct shape *s, size_t mark) {
    s->path[mark] = '\0';
}

bool shape_is_added(const char *key) {
    const size_t n = strlen(key);
    return strcmp(key, "offset") == 0 || strcmp(key, "warnings") == 0 ||
           strcmp(key, "buffer_payload") == 0 || (n > 6 && strcmp(key + n - 6, "_names") == 0);
}

bool shape_unknown(struct shape *s, const char *what, const char *key) {
    struct buffer shown = {0};
    text_escape(&shown, key, strlen(key));
    shape_fail(s, "unknown %s \"%.64s\"", what, buffer_text(&shown));
    buffer_free(&shown);
    return false;
}

bool shape_object(struct shape *s, const json_t *value, const char *const *keys) {
    if (!json_is_object(value)) {
        return shape_fail(s, "an object is expected");
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member) {
        const char *const *k = keys;
        while (*k != NULL && strcmp(*k, key) != 0) {
            k++;
        }
        if (*k == NULL && !shape_is_added(key)) {
            return shape_unknown(s, "key", key);
        }
    }
    return true;
}

bool shape_array(struct shape *s, const json_t *value) {
    return json_is_array(value) || shape_fail(s, "an array is expected");
}

bool shape_integer(struct shape *s, const json_t *value, bool decimal, uint64_t max,
                   uint64_t *out) {
    uint64_t n = 0;
    if (!decimal && json_is_integer(value)) {
        if (json_integer_value(value) < 0) {
            return shape_fail(s, "%lld is negative", (long long)json_integer_value(value));
        }
        n = (uint64_t)json_integer_value(value);
    } else if (decimal && json_is_string(value)) {
        const char *text = json_string_value(value);
        char *end = NULL;
        errno = 0;
        n = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1] != '\0') || *end != '\0' ||
            errno != 0 || strlen(text) != json_string_length(value)) {
            return shape_fail(s, "a decimal number of up to 64 bits is expected");
        }
    } else {
        return shape_fail(s, decimal ? "a 64-bit number as a decimal string is expected"
                                     : "an integer is expected");
    }
    if (n > max) {
        return shape_fail(s, "%" PRIu64 " is larger than %" PRIu64, n, max);
    }
    *out = n;
    return true;
}

bool shape_octets(struct shape *s, const json_t *value, struct buffer *out) {
    size_t at;
    if (!json_is_string(value)) {
        return shape_fail(s, "a string of hex digits is expected");
    }
    if (!hex_parse(json_string_value(value), json_string_length(value), out, &at)) {
        return shape_fail(s, "not hex at character %zu", at);
    }
    return true;
}

bool shape_utf16(struct shape *s, const json_t *value, cmrp_order order, struct buffer *out) {
    if (!json_is_string(value)) {
        return shape_fail(s, "a string is expected");
    }
    if (!text_to_utf16(out, json_string_value(value), json_string_length(value), order)) {
        return shape_fail(s, "not valid UTF-8");
    }
    return true;
}

bool shape_units(struct shape *s, const json_t *value, struct buffer *out) {
    static const char *const keys[] = {"utf16", NULL};
    if (!json_is_object(value)) {
        return shape_utf16(s, value, CMRP_LITTLE_ENDIAN, out);
    }
    const size_t start = out->size;
    return shape_object(s, value, keys) && shape_hex(s, value, "utf16", true, out) &&
           ((out->size - start) % 2 == 0 || shape_fail(s, "an odd number of octets"));
}

const char *shape_text(const json_t *value) {
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

// The member, or NULL; *ok is false where it is required and missing.
static const json_t *member(struct shape *s, const json_t *object, const char *key, bool required,
                            bool *ok) {
    const json_t *value = json_object_get(object, key);
    *ok = value != NULL || !required || shape_fail(s, "key \"%s\" is missing", key);
    return value;
}

bool shape_u64(struct shape *s, const json_t *object, const char *key, bool required, uint64_t max,
               uint64_t *out) {
    bool ok;
    const json_t *value = member(s, object, key, required, &ok);
    if (value == NULL) {
        return ok;
    }
    const size_t mark = shape_mark(s);
    shape_enter_key(s, key);
    ok = shape_integer(s, value, max > UINT32_MAX, max, out);
    shape_leave(s, mark);
    return ok;
}

bool shape_hex(struct shape *s, const json_t *object, const char *key, bool required,
               struct buffer *out) {
    bool ok;
    const json_t *value = member(s, object, key, required, &ok);
    if (value == NULL) {
        return ok;
    }
    const size_t mark = shape_mark(s);
    shape_enter_key(s, key);
    ok = shape_octets(s, value, out);
    shape_leave(s, mark);
    return ok;
}

bool shape_string(struct shape *s, const json_t *object, const char *key, bool required,
                  const char **out) {
    bool ok;
    const json_t *value = member(s, object, key, required, &ok);
    if (value == NULL) {
        return ok;
    }
    const size_t mark = shape_mark(s);
    shape_enter_key(s, key);
    ok = shape_text(value) != NULL;
    if (ok) {
        *out = shape_text(value);
    } else {
        shape_fail(s, "a string is expected");
    }
    shape_leave(s, mark);
    return ok;
}
