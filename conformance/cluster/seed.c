// SPDX-License-Identifier: Apache-2.0
// Reading JSON so that everything that is wrong is found and named.
#include "cluster/seed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool seed_wrong(struct seed *s, const char *format, ...) {
    char message[512];
    va_list args;
    if (*s->error != NULL) {
        return false;
    }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct buffer text = {0};
    text_make_safe(&text, message, strlen(message));
    *s->error = util_format("%s: %s: %s", s->file, s->at.size > 0 ? buffer_text(&s->at) : "/",
                            buffer_text(&text));
    buffer_free(&text);
    return false;
}

size_t seed_enter(struct seed *s, const char *key) {
    const size_t before = s->at.size;
    buffer_printf(&s->at, "/");
    text_make_safe(&s->at, key, strlen(key));
    return before;
}

// Goes down to an element.
static size_t enter_at(struct seed *s, size_t index) {
    const size_t before = s->at.size;
    buffer_printf(&s->at, "/%zu", index);
    return before;
}

void seed_leave(struct seed *s, size_t before) {
    s->at.size = before;
}

bool seed_object(struct seed *s, const json_t *value, const char *const *keys) {
    const char *key;
    json_t *member;
    if (!json_is_object(value)) {
        return seed_wrong(s, "an object is expected");
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0) {
            i++;
        }
        if (keys[i] == NULL) {
            seed_enter(s, key);
            return seed_wrong(s, "unknown key");
        }
    }
    return true;
}

bool seed_text(struct seed *s, const json_t *object, const char *key, bool required,
               const char **out) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return !required || seed_wrong(s, "\"%s\" is missing", key);
    }
    const size_t before = seed_enter(s, key);
    if (!json_is_string(value)) {
        return seed_wrong(s, "a text is expected");
    }
    *out = json_string_value(value);
    seed_leave(s, before);
    return true;
}

bool seed_number(struct seed *s, const json_t *object, const char *key, uint32_t most,
                 uint32_t *out) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    const size_t before = seed_enter(s, key);
    const json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > (json_int_t)most) {
        return seed_wrong(s, "an integer from 0 to %u is expected", (unsigned)most);
    }
    *out = (uint32_t)number;
    seed_leave(s, before);
    return true;
}

bool seed_flag(struct seed *s, const json_t *object, const char *key, bool *out) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    const size_t before = seed_enter(s, key);
    if (!json_is_boolean(value)) {
        return seed_wrong(s, "true or false is expected");
    }
    *out = json_is_true(value);
    seed_leave(s, before);
    return true;
}

bool seed_array(struct seed *s, const json_t *object, const char *key,
                bool (*one)(struct seed *s, const json_t *element, void *context), void *context) {
    const json_t *array = json_object_get(object, key);
    if (array == NULL) {
        return true;
    }
    const size_t before = seed_enter(s, key);
    if (!json_is_array(array)) {
        return seed_wrong(s, "an array is expected");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const size_t inside = enter_at(s, i);
        if (!one(s, json_array_get(array, i), context)) {
            return false;
        }
        seed_leave(s, inside);
    }
    seed_leave(s, before);
    return true;
}
