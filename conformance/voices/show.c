// SPDX-License-Identifier: Apache-2.0
#include "voices/show.h"

#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "suite/judge.h"
#include "suite/shown.h"
#include "util/text.h"

enum { SHOWN = 160 };

// ---- text ---------------------------------------------------------------------------------------

static void put_some(struct buffer *out, const char *text) {
    const size_t size = strlen(text);
    shown_text(out, text, size < SHOWN ? size : SHOWN);
    if (size > SHOWN) {
        buffer_printf(out, "… (%zu in all)", size);
    }
}

static void put_answer(const struct voice_answer *a, struct buffer *out) {
    buffer_printf(out, "%s ", voice_kind_word(a->kind));
    put_some(out, a->text);
}

static void put_names(const struct splits_report *r, const struct opinion *o, struct buffer *out) {
    for (size_t i = 0; i < o->voice_count; i++) {
        const char *name = r->voices[o->voices[i]].name;
        buffer_printf(out, "%s", i > 0 ? ", " : "");
        text_escape(out, name != NULL ? name : "?", name != NULL ? strlen(name) : 1);
    }
}

// Where the value of an opinion first differs from ours, if both are values.
static void put_difference(const struct opinion *ours, const struct opinion *o,
                           struct buffer *out) {
    static const char prefix[] = "value ";
    enum { PREFIX = sizeof prefix - 1 };
    struct buffer where = {0};
    struct buffer left = {0};
    struct buffer right = {0};
    if (strncmp(ours->meaning, prefix, PREFIX) != 0 || strncmp(o->meaning, prefix, PREFIX) != 0) {
        return;
    }
    json_t *a = json_loads(ours->meaning + PREFIX, 0, NULL);
    json_t *b = json_loads(o->meaning + PREFIX, 0, NULL);
    if (a != NULL && b != NULL && judge_difference(a, b, &where, &left, &right)) {
        buffer_printf(out, "\n            at %s: %s against our %s", buffer_text(&where),
                      buffer_text(&right), buffer_text(&left));
    }
    json_decref(a);
    json_decref(b);
    buffer_free(&where);
    buffer_free(&left);
    buffer_free(&right);
}

static const char *colour_of(const struct splits_report *r, enum agreement agreement) {
    const bool finding = agreement == AGREEMENT_SPLIT || agreement == AGREEMENT_UNSPLIT;
    return !r->colour ? "" : finding ? "\033[31m" : "\033[33m";
}

static void put_split(const struct splits_report *r, size_t at, struct buffer *out) {
    const struct split *s = &r->splits->all[at];
    const struct suite_case *c = s->question;
    buffer_printf(out, "%s%-8s%s %s", colour_of(r, s->agreement), agreement_word(s->agreement),
                  r->colour ? "\033[0m" : "", c->id);
    if (question_has_expectation(c)) {
        char *expected = judge_expectation(c);
        const struct report sections = {.catalogue = r->catalogue};
        buffer_printf(out, "  the vector expects %s  [", expected);
        report_sections(&sections, c->vector, out);
        buffer_printf(out, "]");
        free(expected);
    } else {
        buffer_printf(out, "  ");
        shown_text(out, c->vector->comment, strlen(c->vector->comment));
    }
    if (c->xfail != NULL) {
        buffer_printf(out, "  (xfail: ");
        text_escape(out, c->xfail->reason, strlen(c->xfail->reason));
        buffer_printf(out, ")");
    }
    buffer_printf(out, "\n");
    for (size_t i = 0; i < s->opinion_count; i++) {
        const struct opinion *o = &s->opinions[i];
        buffer_printf(out, "       %s ", question_has_expectation(c) && o->expected ? "+" : "-");
        put_names(r, o, out);
        buffer_printf(out, ": ");
        put_answer(&r->voices[o->voices[0]].answers[at], out);
        if (i > 0) {
            put_difference(&s->opinions[0], o, out);
        }
        buffer_printf(out, "\n");
    }
}

static void put_voices(const struct splits_report *r, struct buffer *out) {
    buffer_printf(out, "\n%-32s %9s %9s\n", "voice", "questions", "apart");
    for (size_t i = 0; i < r->voice_count; i++) {
        const struct voice *v = &r->voices[i];
        struct buffer name = {0};
        if (v->name == NULL) {
            buffer_printf(&name, "(not started)");
        } else {
            text_escape(&name, v->name, strlen(v->name));
            buffer_printf(&name, " ");
            text_escape(&name, v->version, strlen(v->version));
        }
        buffer_printf(out, "%-32s %9zu %9zu\n", buffer_text(&name), r->splits->answered[i],
                      r->splits->apart[i]);
        buffer_free(&name);
        for (size_t k = 0; k < v->note_count; k++) {
            buffer_printf(out, "  note: %s\n", v->notes[k]);
        }
    }
}

void splits_text(const struct splits_report *r, struct buffer *out) {
    for (size_t i = 0; i < r->splits->count; i++) {
        const enum agreement a = r->splits->all[i].agreement;
        const bool finding = a == AGREEMENT_SPLIT || a == AGREEMENT_UNSPLIT;
        if (finding || (r->verbose && (a == AGREEMENT_ALLOWED || a == AGREEMENT_EXCUSED))) {
            put_split(r, i, out);
        }
    }
    put_voices(r, out);
    buffer_printf(out, "%zu question%s:", r->splits->count, r->splits->count == 1 ? "" : "s");
    for (int i = 0; i < AGREEMENT_COUNT; i++) {
        if (r->splits->counts[i] > 0) {
            buffer_printf(out, " %zu %s", r->splits->counts[i], agreement_word((enum agreement)i));
        }
    }
    buffer_printf(out, " (%.1f s)\n", r->seconds);
}

// ---- JSON ---------------------------------------------------------------------------------------

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *text) {
    if (text != NULL) {
        set(object, key, json_string(text));
    }
}

static json_t *voice_object(const struct splits_report *r, size_t at) {
    const struct voice *v = &r->voices[at];
    json_t *object = json_object();
    json_t *types = json_array();
    json_t *notes = json_array();
    set_text(object, "name", v->name);
    set_text(object, "version", v->version);
    set_text(object, "command", v->command);
    for (int i = 0; i < JSON_TYPES; i++) {
        if (v->types[i]) {
            json_array_append_new(types, json_string(json_type_name((enum json_type)i)));
        }
    }
    set(object, "types", types);
    set(object, "answered", json_integer((json_int_t)r->splits->answered[at]));
    set(object, "apart", json_integer((json_int_t)r->splits->apart[at]));
    set_text(object, "failure", v->failure);
    for (size_t i = 0; i < v->note_count; i++) {
        json_array_append_new(notes, json_string(v->notes[i]));
    }
    set(object, "notes", notes);
    return object;
}

// The answer of the first who gives it, whole.
static json_t *opinion_object(const struct splits_report *r, const struct split *s,
                              const struct opinion *o, size_t at) {
    const struct voice_answer *a = &r->voices[o->voices[0]].answers[at];
    json_t *object = json_object();
    json_t *names = json_array();
    for (size_t i = 0; i < o->voice_count; i++) {
        json_array_append_new(names, json_integer((json_int_t)o->voices[i]));
    }
    set(object, "voices", names);
    json_t *value = a->kind == VOICE_VALUE ? json_loads(a->text, 0, NULL) : NULL;
    if (!json_is_object(value)) { // no value at all: as it was written
        json_decref(value);
        value = NULL;
    }
    const bool odd = a->kind == VOICE_VALUE && value == NULL;
    set(object, "kind", json_string(voice_kind_word(odd ? VOICE_NONSENSE : a->kind)));
    set(object, "answer", value != NULL ? value : json_string(a->text));
    if (question_has_expectation(s->question)) {
        set(object, "expected", json_boolean(o->expected));
    }
    return object;
}

static json_t *split_object(const struct splits_report *r, size_t at) {
    const struct split *s = &r->splits->all[at];
    const struct suite_case *c = s->question;
    json_t *object = json_object();
    json_t *opinions = json_array();
    set(object, "id", json_string(c->id));
    set(object, "type", json_string(json_type_name(c->vector->how.type)));
    set(object, "op", json_string(case_op_name(c->op)));
    set(object, "agreement", json_string(agreement_word(s->agreement)));
    set_text(object, "comment", c->vector->comment);
    if (question_has_expectation(c)) {
        char *expected = judge_expectation(c);
        set_text(object, "expects", expected);
        free(expected);
    }
    set_text(object, "xfail", c->xfail != NULL ? c->xfail->reason : NULL);
    for (size_t i = 0; i < s->opinion_count; i++) {
        json_array_append_new(opinions, opinion_object(r, s, &s->opinions[i], at));
    }
    set(object, "opinions", opinions);
    return object;
}

void splits_json(const struct splits_report *r, struct buffer *out) {
    json_t *object = json_object();
    json_t *voices = json_array();
    json_t *counts = json_object();
    json_t *list = json_array();
    for (size_t i = 0; i < r->voice_count; i++) {
        json_array_append_new(voices, voice_object(r, i));
    }
    for (int i = 0; i < AGREEMENT_COUNT; i++) {
        set(counts, agreement_word((enum agreement)i),
            json_integer((json_int_t)r->splits->counts[i]));
    }
    for (size_t i = 0; i < r->splits->count; i++) {
        const enum agreement a = r->splits->all[i].agreement;
        if (a != AGREEMENT_AGREED && a != AGREEMENT_ALONE) {
            json_array_append_new(list, split_object(r, i));
        }
    }
    set(object, "format", json_integer(SPLITS_FORMAT));
    set_text(object, "started", r->started);
    set(object, "seconds", json_real(r->seconds));
    set(object, "voices", voices);
    set(object, "counts", counts);
    set(object, "splits", list);
    char *text = json_dumps(object, JSON_INDENT(2));
    buffer_printf(out, "%s\n", text);
    free(text);
    json_decref(object);
}
