// SPDX-License-Identifier: Apache-2.0
#include "suite/judge.h"

#include <stdlib.h>
#include <string.h>

#include "suite/shown.h"
#include "util/hex.h"
#include "util/text.h"

enum { SHOWN = 96 }; // octets of text that are shown of one side

// ---- showing ------------------------------------------------------------------------------------

// Appends at most SHOWN octets of text, made safe for a terminal.
static void show_text(struct buffer *out, const char *text, size_t size) {
    text_escape(out, text, size < SHOWN ? size : SHOWN);
    if (size > SHOWN) {
        buffer_printf(out, "… (%zu in all)", size);
    }
}

static void show_value(struct buffer *out, const json_t *value) {
    if (value == NULL) {
        buffer_printf(out, "nothing");
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL) {
        buffer_printf(out, "a value");
        return;
    }
    const size_t size = strlen(text);
    shown_text(out, text, size < SHOWN ? size : SHOWN);
    buffer_printf(out, "%s", size > SHOWN ? "…" : "");
    free(text);
}

static char *take_text(struct buffer *b) {
    char *text = util_strdup(buffer_text(b));
    buffer_free(b);
    return text;
}

char *judge_expectation(const struct suite_case *c) {
    const struct vector_outcome *o = &c->vector->strict;
    struct buffer text = {0};
    if (o->result == VECTOR_INVALID) {
        buffer_printf(&text, "an error (%s)", o->code);
    } else if (c->op == CASE_DECODE) {
        buffer_printf(&text, "value ");
        show_value(&text, o->value);
    } else {
        struct buffer digits = {0};
        hex_append(&digits, buffer_view(&c->vector->octets));
        buffer_printf(&text, "hex ");
        show_text(&text, buffer_text(&digits), digits.size);
        buffer_free(&digits);
    }
    if (o->result == VECTOR_ACCEPTABLE) {
        buffer_printf(&text, ", or an error");
    }
    return take_text(&text);
}

static void show_answer(struct buffer *out, const struct answer *a) {
    switch (a->kind) {
    case ANSWER_VALUE:
        buffer_printf(out, "value ");
        show_value(out, a->value);
        break;
    case ANSWER_HEX:
        buffer_printf(out, "hex ");
        show_text(out, a->text, strlen(a->text));
        break;
    default:
        buffer_printf(out, "the error \"");
        show_text(out, a->text, strlen(a->text));
        buffer_printf(out, "\"");
        break;
    }
}

// ---- differences --------------------------------------------------------------------------------

static bool differ_here(const json_t *a, const json_t *b, struct buffer *left,
                        struct buffer *right) {
    show_value(left, a);
    show_value(right, b);
    return true;
}

static bool differ_in_array(const json_t *a, const json_t *b, struct buffer *where,
                            struct buffer *left, struct buffer *right) {
    const size_t n = json_array_size(a);
    const size_t m = json_array_size(b);
    for (size_t i = 0; i < n || i < m; i++) {
        const json_t *x = json_array_get(a, i);
        const json_t *y = json_array_get(b, i);
        if (x == NULL || y == NULL) {
            buffer_printf(left, "%zu elements", n);
            buffer_printf(right, "%zu elements", m);
            return true;
        }
        if (!json_equal(x, y)) {
            buffer_printf(where, "/%zu", i);
            return judge_difference(x, y, where, left, right);
        }
    }
    return false;
}

static bool differ_in_object(const json_t *a, const json_t *b, struct buffer *where,
                             struct buffer *left, struct buffer *right) {
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)a, key, x) {
        const json_t *y = json_object_get(b, key);
        if (y == NULL || !json_equal(x, y)) {
            buffer_printf(where, "/");
            text_escape(where, key, strlen(key));
            return y == NULL ? differ_here(x, y, left, right)
                             : judge_difference(x, y, where, left, right);
        }
    }
    json_object_foreach((json_t *)b, key, x) {
        if (json_object_get(a, key) == NULL) {
            buffer_printf(where, "/");
            text_escape(where, key, strlen(key));
            return differ_here(NULL, x, left, right);
        }
    }
    return false;
}

bool judge_difference(const json_t *expected, const json_t *got, struct buffer *where,
                      struct buffer *left, struct buffer *right) {
    if (json_equal(expected, got)) {
        return false;
    }
    if (json_is_array(expected) && json_is_array(got)) {
        return differ_in_array(expected, got, where, left, right);
    }
    if (json_is_object(expected) && json_is_object(got)) {
        return differ_in_object(expected, got, where, left, right);
    }
    return differ_here(expected, got, left, right);
}

// ---- verdicts -----------------------------------------------------------------------------------

static void fail(struct case_result *r, char *expected, char *got) {
    r->verdict = VERDICT_FAIL;
    r->expected = expected;
    r->got = got;
}

// FAIL with what was expected and the answer as it is.
static void fail_answer(const struct suite_case *c, const struct answer *a, struct case_result *r) {
    struct buffer got = {0};
    show_answer(&got, a);
    fail(r, judge_expectation(c), take_text(&got));
}

// Two values: PASS, or FAIL with the first difference.
static void compare_values(const struct json_selector *how, const json_t *expected,
                           const json_t *got, const char *prefix, struct case_result *r) {
    json_t *a = json_normal(how, expected);
    json_t *b = json_normal(how, got);
    struct buffer where = {0};
    struct buffer left = {0};
    struct buffer right = {0};
    if (judge_difference(a, b, &where, &left, &right)) {
        const char *pointer = buffer_text(&where);
        fail(r,
             util_format("%s%s%s", *pointer != '\0' ? pointer : "", *pointer != '\0' ? " " : "",
                         buffer_text(&left)),
             util_format("%s%s", prefix, buffer_text(&right)));
        r->pointer = util_strdup(pointer);
    } else {
        r->verdict = VERDICT_PASS;
    }
    buffer_free(&where);
    buffer_free(&left);
    buffer_free(&right);
    json_decref(a);
    json_decref(b);
}

// Whether an answer to invalid octets is what lenient readers make of them.
static bool is_lenient_reading(const struct vector *v, const json_t *value) {
    bool same = false;
    if (v->has_lenient && v->lenient.value != NULL) {
        json_t *a = json_normal(&v->how, v->lenient.value);
        json_t *b = json_normal(&v->how, value);
        same = json_equal(a, b);
        json_decref(a);
        json_decref(b);
    }
    return same;
}

static void judge_value(const struct suite_case *c, const struct answer *a, struct case_result *r) {
    const struct vector_outcome *o = &c->vector->strict;
    if (o->result == VECTOR_INVALID && is_lenient_reading(c->vector, a->value)) {
        fail(r, judge_expectation(c), util_strdup("the value that a lenient reader makes of it"));
    } else if (o->result == VECTOR_INVALID || !json_is_object(a->value)) {
        fail_answer(c, a, r);
    } else {
        compare_values(&c->vector->how, o->value, a->value, "", r);
    }
}

// Octets that are not the vector's: how they differ.
static void fail_octets(const struct suite_case *c, cmrp_view got, struct case_result *r) {
    const cmrp_view want = buffer_view(&c->vector->octets);
    size_t at = 0;
    while (at < want.size && at < got.size && want.data[at] == got.data[at]) {
        at++;
    }
    char *left = at < want.size ? util_format("%02x", want.data[at]) : util_strdup("the end");
    char *right = at < got.size ? util_format("%02x", got.data[at]) : util_strdup("the end");
    fail(r, util_format("offset %zu: %s (%zu octets)", at, left, want.size),
         util_format("%s (%zu octets)", right, got.size));
    free(left);
    free(right);
}

// Whether a warning is about octets behind the whole stub or PDU. What follows within a body or a
// tower is part of the value, which holds it.
static bool is_behind_the_end(const char *code, const char *field) {
    return code != NULL && field != NULL && strcmp(code, cmrp_code_id(CMRP_E_TRAILING)) == 0 &&
           (strcmp(field, "stub") == 0 || strcmp(field, "pdu") == 0);
}

static bool ends_too_late(const json_t *value) {
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(value, "warnings"), i, warning) {
        if (is_behind_the_end(json_string_value(json_object_get(warning, "code")),
                              json_string_value(json_object_get(warning, "field")))) {
            return true;
        }
    }
    return false;
}

// Whether the vector's own octets are what its value is to be written as.
static bool is_model(const struct vector *v) {
    for (size_t i = 0; i < v->strict.warning_count; i++) {
        if (is_behind_the_end(v->strict.warnings[i].code, v->strict.warnings[i].field)) {
            return false;
        }
    }
    return true;
}

// Octets of no model, of a type that allows several forms.
static void judge_other_form(const struct suite_case *c, cmrp_view octets, struct case_result *r) {
    cmrp_error error = {0};
    json_t *value = json_decode(&c->vector->how, octets, 0, &error);
    if (value == NULL) {
        char text[320];
        cmrp_error_format(&error, text, sizeof text);
        fail(r, judge_expectation(c), util_format("octets that do not decode: %s", text));
    } else if (ends_too_late(value)) {
        fail(r, judge_expectation(c), util_strdup("octets behind the end of the value"));
    } else {
        compare_values(&c->vector->how, c->vector->strict.value, value, "octets that decode to ",
                       r);
    }
    json_decref(value);
}

static void judge_hex(const struct suite_case *c, const struct answer *a, struct case_result *r) {
    const struct vector *v = c->vector;
    struct buffer octets = {0};
    size_t at;
    if (v->strict.result == VECTOR_INVALID) {
        fail_answer(c, a, r);
    } else if (!hex_parse(a->text, strlen(a->text), &octets, &at)) {
        struct buffer got = {0};
        buffer_printf(&got, "what is not hex: \"");
        show_text(&got, a->text, strlen(a->text));
        buffer_printf(&got, "\"");
        fail(r, judge_expectation(c), take_text(&got));
    } else if (is_model(v) && octets.size == v->octets.size &&
               (octets.size == 0 || memcmp(octets.data, v->octets.data, octets.size) == 0)) {
        r->verdict = VERDICT_PASS;
    } else if (v->how.type == JSON_TYPE_STUB || v->how.type == JSON_TYPE_PDU ||
               v->how.type == JSON_TYPE_TOWER) {
        judge_other_form(c, buffer_view(&octets), r);
    } else {
        fail_octets(c, buffer_view(&octets), r);
    }
    buffer_free(&octets);
}

// Keeps the answer for those who want to see it.
static void keep_answer(const struct answer *answer, struct case_result *r) {
    char *value = answer->kind == ANSWER_VALUE
                      ? json_dumps(answer->value, JSON_COMPACT | JSON_ENCODE_ANY)
                      : NULL;
    const char *text = answer->kind == ANSWER_VALUE ? value : answer->text;
    if (text != NULL) {
        r->answer_size = strlen(text);
        const size_t kept = r->answer_size < CASE_ANSWER ? r->answer_size : CASE_ANSWER;
        r->answer = util_alloc(kept + 1);
        memcpy(r->answer, text, kept);
    }
    free(value);
}

void judge(const struct suite_case *c, const struct answer *answer, struct case_result *result) {
    if (answer->kind == ANSWER_UNSUPPORTED) {
        struct buffer why = {0};
        show_text(&why, answer->text, strlen(answer->text));
        result->verdict = VERDICT_UNSUPPORTED;
        result->got = take_text(&why);
    } else if (answer->kind == ANSWER_ERROR) {
        if (c->vector->strict.result == VECTOR_VALID) {
            fail_answer(c, answer, result);
        } else {
            result->verdict = VERDICT_PASS;
        }
    } else if (answer->kind == ANSWER_VALUE && c->op == CASE_DECODE) {
        judge_value(c, answer, result);
    } else if (answer->kind == ANSWER_HEX && c->op == CASE_ENCODE) {
        judge_hex(c, answer, result);
    } else {
        fail_answer(c, answer, result);
    }
    if (result->verdict == VERDICT_FAIL) {
        keep_answer(answer, result);
    }
}
