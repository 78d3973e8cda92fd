// SPDX-License-Identifier: Apache-2.0
// Parameters of a step as stub data: names of handles become octets, what is left out is 0 or NULL.
#include <stdlib.h>
#include <string.h>

#include "suite/expand.h"
#include "suite/sequence_parts.h"
#include "util/hex.h"

enum { HANDLE_NAME = 16 }; // characters; they are the handle's UUID

// "@name" as 40 hex digits; "@null" as the NULL handle.
static json_t *handle_named(const char *name) {
    uint8_t octets[CMRP_HANDLE_SIZE] = {0};
    const size_t n = strlen(name + 1);
    if (n == 0 || n > HANDLE_NAME ||
        strspn(name + 1, "abcdefghijklmnopqrstuvwxyz0123456789-") != n) {
        return NULL;
    }
    if (strcmp(name, "@null") != 0) {
        memcpy(octets + CMRP_HANDLE_SIZE - HANDLE_NAME, name + 1, n);
    }
    char *hex = hex_text((cmrp_view){octets, sizeof octets});
    json_t *value = json_string(hex);
    free(hex);
    return value;
}

static bool name_handles(const struct sequence_maker *m, const char *key, const cmrp_method *method,
                         json_t *params) {
    for (uint32_t i = 0; i < method->count; i++) {
        const char *text = json_string_value(json_object_get(params, method->params[i].name));
        if (method->params[i].kind != CMRP_KIND_HANDLE || text == NULL || text[0] != '@') {
            continue;
        }
        json_t *value = handle_named(text);
        if (value == NULL) {
            char sub[160];
            snprintf(sub, sizeof sub, "%s/%.100s", key, method->params[i].name);
            return sequence_wrong(m, sub, "is not @ and at most %d of a-z, 0-9, -",
                                  (int)HANDLE_NAME);
        }
        json_object_set_new(params, method->params[i].name, value);
    }
    return true;
}

// Whether a count follows from an array in the same stub.
static bool derived(const cmrp_stub_format *format, uint32_t i) {
    const cmrp_param *array = cmrp_param_sized_by(format->method->params, format->method->count, i);
    return array != NULL && cmrp_param_travels(array, format);
}

// What a parameter is that was left out; NULL: it must be given.
static json_t *default_value(const cmrp_param *p, bool response) {
    static const char zeros[] = "0000000000000000000000000000000000000000";
    if (p->unique) {
        return json_null();
    }
    switch (p->kind) {
    case CMRP_KIND_U16:
    case CMRP_KIND_U32:
    case CMRP_KIND_I32:
    case CMRP_KIND_ROOM: return json_integer(0);
    case CMRP_KIND_U64:
    case CMRP_KIND_WORD: return json_string("0");
    case CMRP_KIND_HANDLE: // closed
        return response && p->directions == (CMRP_IN | CMRP_OUT) ? json_string(zeros) : NULL;
    default: return NULL;
    }
}

static void fill_in(const cmrp_stub_format *format, json_t *params) {
    for (uint32_t i = 0; i < format->method->count; i++) {
        const cmrp_param *p = &format->method->params[i];
        if (strchr(p->name, '.') == NULL && json_object_get(params, p->name) == NULL &&
            cmrp_param_travels(p, format) && !derived(format, i)) {
            json_t *value = default_value(p, format->response);
            if (value != NULL) {
                json_object_set_new(params, p->name, value);
            }
        }
    }
}

static bool encode(const struct sequence_maker *m, const char *key, const cmrp_stub_format *format,
                   json_t *params, struct buffer *out) {
    struct json_failure failure = {0};
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = *format};
    if (!name_handles(m, key, format->method, params)) {
        return false;
    }
    fill_in(format, params);
    json_t *value = json_pack("{s:O}", "params", params);
    const bool ok = json_encode(&how, value, out, &failure);
    json_decref(value);
    if (!ok) {
        char sub[240];
        const char *pointer = failure.pointer;
        if (strncmp(pointer, "/params", 7) == 0) {
            pointer += 7;
        }
        snprintf(sub, sizeof sub, "%.30s%.120s", key, pointer);
        return sequence_wrong(m, sub, "%s (%s)", failure.message, failure.code);
    }
    return true;
}

bool sequence_stub(const struct sequence_maker *m, const json_t *step, const char *key,
                   const struct sequence_call *call, bool response, struct buffer *out) {
    char hex_key[32], sub[160];
    struct expand_failure failure;
    snprintf(hex_key, sizeof hex_key, "%s_hex", key);
    const json_t *hex = json_object_get(step, hex_key);
    const json_t *given = json_object_get(step, key);
    if (hex != NULL) {
        if (given != NULL) {
            return sequence_wrong(m, hex_key, "stands beside %s", key);
        }
        if (!expand_octets(hex, out, &failure)) {
            snprintf(sub, sizeof sub, "%s%s", hex_key, failure.pointer);
            return sequence_wrong(m, sub, "%s", failure.message);
        }
        return true;
    }
    if (call->method == NULL) {
        return sequence_wrong(m, "call", "is not described: only %s can stand for its stub",
                              hex_key);
    }
    if (given != NULL && !json_is_object(given)) {
        return sequence_wrong(m, key, "is not an object");
    }
    json_t *params = given != NULL ? expand_value(JSON_TYPE_STUB, given, &failure) : json_object();
    if (params == NULL) {
        snprintf(sub, sizeof sub, "%.30s%s", key, failure.pointer);
        return sequence_wrong(m, sub, "%s", failure.message);
    }
    const cmrp_stub_format format = {.method = call->method,
                                     .interface = call->context.interface,
                                     .response = response,
                                     .syntax = call->context.syntax,
                                     .order = call->talk->order};
    const bool ok = encode(m, key, &format, params, out);
    json_decref(params);
    return ok;
}
