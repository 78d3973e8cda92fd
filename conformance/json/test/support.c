// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/hex.h"

json_t *parse(const char *quoted) {
    char *text = util_strdup(quoted);
    char *error = NULL;
    for (char *p = text; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    json_t *value = json_parse(text, strlen(text), &error);
    if (value == NULL) {
        fail_msg("%s: %s", text, error);
    }
    free(text);
    return value;
}

struct json_selector select_by(const char *quoted) {
    struct json_selector how = {0};
    char *error = NULL;
    json_t *object = parse(quoted);
    if (!json_selector_read(object, &how, &error)) {
        fail_msg("%s: %s", quoted, error);
    }
    json_decref(object);
    return how;
}

json_t *decode(const char *selector, const char *hex) {
    const struct json_selector how = select_by(selector);
    struct buffer octets = {0};
    cmrp_error error = {0};
    size_t at;
    assert_true(hex_parse(hex, strlen(hex), &octets, &at));
    json_t *value = json_decode(&how, buffer_view(&octets), 0, &error);
    if (value == NULL) {
        char text[256];
        cmrp_error_format(&error, text, sizeof text);
        fail_msg("%s: %s", hex, text);
    }
    buffer_free(&octets);
    return value;
}

char *encode(const char *selector, const json_t *value) {
    const struct json_selector how = select_by(selector);
    struct buffer octets = {0};
    struct json_failure failure;
    if (!json_encode(&how, value, &octets, &failure)) {
        fail_msg("%s: %s at %s: %s", selector, failure.code, failure.pointer, failure.message);
    }
    char *hex = hex_text(buffer_view(&octets));
    buffer_free(&octets);
    return hex;
}

char *encode_text(const char *selector, const char *quoted) {
    json_t *value = parse(quoted);
    char *hex = encode(selector, value);
    json_decref(value);
    return hex;
}

void assert_encodes(const char *selector, const char *quoted, const char *hex) {
    char *got = encode_text(selector, quoted);
    assert_string_equal(got, hex);
    free(got);
}

void assert_json(const json_t *value, const char *quoted) {
    json_t *expected = parse(quoted);
    if (!json_equal(value, expected)) {
        char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        fail_msg("%s\nis not %s", got, quoted);
    }
    json_decref(expected);
}

// The keys of a value in their order: {version,commands[{command,…}]}; of arrays the first element.
static void append_shape(struct buffer *out, const json_t *value) {
    const char *key;
    json_t *member;
    const char *separator = "";
    if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        buffer_printf(out, "[");
        append_shape(out, json_array_get(value, 0));
        buffer_printf(out, "]");
    } else if (json_is_object(value)) {
        buffer_printf(out, "{");
        json_object_foreach((json_t *)value, key, member) {
            buffer_printf(out, "%s%s", separator, key);
            append_shape(out, member);
            separator = ",";
        }
        buffer_printf(out, "}");
    }
}

void assert_shape(const json_t *value, const char *expected) {
    struct buffer out = {0};
    append_shape(&out, value);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}
