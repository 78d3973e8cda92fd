// SPDX-License-Identifier: Apache-2.0
// This project's codec as a testee: one JSON request a line on standard input, one answer a line on
// standard output. Exits with 0 when its input ends, with 2 when a line is no request at all.
// With --fault NAME it is wrong in one way (testee/faults.def): cmrp selftest wants to see that
// noticed. --faults lists the names.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testee/testee_c/faulty.h"
#include "util/hex.h"
#include "json/json.h"

enum {
    FORMAT = 1,
    LINE_LIMIT = 16 * 1024 * 1024, // octets, the line feed not counted
};

static enum testee_fault fault = TESTEE_FAULT_NONE;

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
        const struct json_selector used = faulty_selector(fault, how);
        json_t *value = json_decode(&used, buffer_view(&octets), 0, &error);
        value = faulty_decoded(fault, how, buffer_view(&octets), value, &error);
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
        faulty_encoded(fault, how, &octets);
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

static void send(const json_t *answer) {
    json_dumpf(answer, stdout, JSON_COMPACT);
    putc('\n', stdout);
    fflush(stdout);
}

// An answer to a request about a change, by a testee that does not even keep the protocol.
static void misbehave(json_t *answer) {
    switch (fault) {
    case TESTEE_FAULT_CRASHES: abort();
    case TESTEE_FAULT_HANGS: pause(); break;
    case TESTEE_FAULT_ANSWERS_TWICE: send(answer); break;
    case TESTEE_FAULT_WRONG_ID: {
        const json_int_t id = json_integer_value(json_object_get(answer, "id"));
        json_object_set_new(answer, "id", json_integer(id + 1000000));
        break;
    }
    case TESTEE_FAULT_NO_JSON: fputs("Traceback (most recent call last):\n", stdout); break;
    default: break;
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
        const char *type = json_string_value(json_object_get(request, "type"));
        answer_request(request, answer);
        if (type != NULL && strcmp(type, "change") == 0) {
            misbehave(answer);
        }
        send(answer);
        json_decref(answer);
    } else {
        fprintf(stderr, "cmrp-testee-c: not a request: %s\n",
                error != NULL ? error : "no id in it");
    }
    json_decref(request);
    free(error);
    return ok;
}

static int list_faults(void) {
    for (int i = TESTEE_FAULT_NONE + 1; i < TESTEE_FAULTS; i++) {
        const struct testee_fault_row *row = testee_fault_row((enum testee_fault)i);
        printf("%-32s %s\n", row->name, row->what);
    }
    return EXIT_SUCCESS;
}

// Returns -1 to go on, else the exit status.
static int read_arguments(int argc, char **argv) {
    if (argc == 1) {
        return -1;
    }
    if (argc == 2 && strcmp(argv[1], "--faults") == 0) {
        return list_faults();
    }
    fault =
        argc == 3 && strcmp(argv[1], "--fault") == 0 ? testee_fault_named(argv[2]) : TESTEE_FAULTS;
    if (fault == TESTEE_FAULTS) {
        fputs("usage: cmrp-testee-c [--fault NAME | --faults]\n", stderr);
        return 2;
    }
    return -1;
}

int main(int argc, char **argv) {
    struct buffer line = {0};
    enum line_end end;
    int status = read_arguments(argc, argv);
    if (status >= 0) {
        return status;
    }
    status = EXIT_SUCCESS;
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
