// SPDX-License-Identifier: Apache-2.0
// This project's codec as a testee: one JSON request a line on standard input, one answer a line on
// standard output. Exits with 0 when its input ends, with 2 when a line is no request at all.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "json/json.h"

enum {
    FORMAT = 1,
    LINE_LIMIT = 16 * 1024 * 1024, // octets, the line feed not counted
};

// ---- lines --------------------------------------------------------------------------------------

enum line_end { LINE_READ, LINE_NONE, LINE_TOO_LONG };

// Reads a line without its line feed.
static enum line_end read_line(struct buffer *line) {
    int c;
    buffer_clear(line);
    while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
        if (line->size == LINE_LIMIT) {
            return LINE_TOO_LONG;
        }
        const uint8_t octet = (uint8_t)c;
        buffer_append(line, &octet, 1);
    }
    return c == EOF && line->size == 0 ? LINE_NONE : LINE_READ;
}

// ---- answers ------------------------------------------------------------------------------------

static void set_text(json_t *answer, const char *key, const char *text) {
    json_object_set_new(answer, key, json_string(text));
}

static void answer_hello(const json_t *request, json_t *answer) {
    if (json_integer_value(json_object_get(request, "format")) != FORMAT) {
        set_text(answer, "unsupported", "a format other than 1");
        return;
    }
    set_text(answer, "name", "cmrp-testee-c");
    set_text(answer, "version", CMRP_VERSION_STRING);
    json_t *types = json_array();
    for (int i = 0; i < JSON_TYPES; i++) {
        json_array_append_new(types, json_string(json_type_name((enum json_type)i)));
    }
    json_object_set_new(answer, "types", types);
}

// The error: "CODE: offset N: MESSAGE [SECTION]".
static void set_codec_error(json_t *answer, const cmrp_error *error) {
    char text[320];
    cmrp_error_format(error, text, sizeof text);
    char *whole = util_format("%s: %s", cmrp_code_id(error->code), text);
    set_text(answer, "error", whole);
    free(whole);
}

static void answer_decode(const struct json_selector *how, const json_t *request, json_t *answer) {
    const json_t *hex = json_object_get(request, "hex");
    struct buffer octets = {0};
    size_t at;
    if (!json_is_string(hex) ||
        !hex_parse(json_string_value(hex), json_string_length(hex), &octets, &at)) {
        set_text(answer, "error", "value: hex is missing or not hex");
    } else {
        cmrp_error error = {0};
        json_t *value = json_decode(how, buffer_view(&octets), 0, &error);
        if (value != NULL) {
            json_object_set_new(answer, "value", value);
        } else {
            set_codec_error(answer, &error);
        }
    }
    buffer_free(&octets);
}

static void answer_encode(const struct json_selector *how, const json_t *request, json_t *answer) {
    const json_t *value = json_object_get(request, "value");
    struct buffer octets = {0};
    struct json_failure failure;
    if (value == NULL) {
        set_text(answer, "error", "value: value is missing");
    } else if (json_encode(how, value, &octets, &failure)) {
        char *text = hex_text(buffer_view(&octets));
        set_text(answer, "hex", text);
        free(text);
    } else {
        char *text =
            util_format("%s: %s: %s", failure.code,
                        failure.pointer[0] != '\0' ? failure.pointer : "/", failure.message);
        set_text(answer, "error", text);
        free(text);
    }
    buffer_free(&octets);
}

static void answer_request(const json_t *request, json_t *answer) {
    const char *op = json_string_value(json_object_get(request, "op"));
    struct json_selector how = {.type = JSON_TYPES};
    char *why = NULL;
    if (op != NULL && strcmp(op, "hello") == 0) {
        answer_hello(request, answer);
    } else if (op == NULL || (strcmp(op, "decode") != 0 && strcmp(op, "encode") != 0)) {
        set_text(answer, "unsupported", "an op other than hello, decode, encode");
    } else if (!json_is_string(json_object_get(request, "type"))) {
        set_text(answer, "unsupported", "a request without a type");
    } else if (!json_selector_read(request, &how, &why)) {
        set_text(answer, "unsupported", why);
        free(why);
    } else if (strcmp(op, "decode") == 0) {
        answer_decode(&how, request, answer);
    } else {
        answer_encode(&how, request, answer);
    }
}

// Returns false for a line that cannot be answered: without an id nobody knows what an answer is
// to.
static bool answer_line(const struct buffer *line) {
    char *error = NULL;
    json_t *request = json_parse((const char *)line->data, line->size, &error);
    json_t *id = json_object_get(request, "id");
    const bool ok = json_is_integer(id);
    if (ok) {
        json_t *answer = json_object();
        json_object_set(answer, "id", id);
        answer_request(request, answer);
        json_dumpf(answer, stdout, JSON_COMPACT);
        putc('\n', stdout);
        fflush(stdout);
        json_decref(answer);
    } else {
        fprintf(stderr, "cmrp-testee-c: not a request: %s\n",
                error != NULL ? error : "no id in it");
    }
    json_decref(request);
    free(error);
    return ok;
}

int main(void) {
    struct buffer line = {0};
    enum line_end end;
    int status = EXIT_SUCCESS;
    while (status == EXIT_SUCCESS && (end = read_line(&line)) != LINE_NONE) {
        if (end == LINE_TOO_LONG) {
            fprintf(stderr, "cmrp-testee-c: a line of more than %d octets\n", (int)LINE_LIMIT);
            status = 2;
        } else if (!answer_line(&line)) {
            status = 2;
        }
    }
    buffer_free(&line);
    return status;
}
