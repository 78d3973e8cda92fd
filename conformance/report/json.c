// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/clean.h"
#include "report/json_parts.h"
#include "report/report.h"
#include "suite/xfail.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *testee_object(const struct report *r) {
    json_t *object = json_object();
    json_t *types = json_array();
    clean_member(object, "command", r->command);
    clean_member(object, "name", r->testee_name);
    clean_member(object, "version", r->testee_version);
    for (int i = 0; i < JSON_TYPES; i++) {
        if (r->testee_types[i]) {
            json_array_append_new(types, json_string(json_type_name((enum json_type)i)));
        }
    }
    set(object, "types", types);
    clean_member(object, "failure", r->failure);
    clean_member(object, "stderr", r->failure_output);
    return object;
}

static json_t *verdicts_object(const size_t verdicts[VERDICT_COUNT]) {
    json_t *object = json_object();
    for (int i = 0; i < VERDICT_COUNT; i++) {
        set(object, verdict_name((enum verdict)i), json_integer((json_int_t)verdicts[i]));
    }
    return object;
}

json_t *report_case_json(const struct report *r, const struct suite_case *c) {
    json_t *object = json_object();
    struct buffer sections = {0};
    set(object, "id", json_string(c->id));
    set(object, "vector", json_string(c->vector->id));
    set(object, "op", json_string(case_op_name(c->op)));
    set(object, "type", json_string(json_type_name(c->vector->how.type)));
    set(object, "verdict", json_string(verdict_name(c->result.verdict)));
    clean_member(object, "expected", c->result.expected);
    clean_member(object, "got", c->result.got);
    clean_member(object, "stderr", c->result.output);
    if (c->xfail != NULL) {
        clean_member(object, "xfail", c->xfail->reason);
    }
    report_sections(r, c->vector, &sections);
    clean_member(object, "section", buffer_text(&sections));
    buffer_free(&sections);
    set(object, "requirements",
        c->vector->requirements != NULL ? json_deep_copy(c->vector->requirements) : json_array());
    set(object, "seconds", json_real(c->result.seconds));
    return object;
}

void report_json(const struct report *r, struct buffer *out) {
    struct report_counts counts;
    json_t *object = json_object();
    json_t *layers = json_object();
    json_t *cases = json_array();
    json_t *notes = json_array();
    report_count(r->plan, &counts);
    for (int i = 0; i < JSON_TYPES; i++) {
        if (counts.cases[i] > 0) {
            set(layers, json_type_name((enum json_type)i), verdicts_object(counts.verdicts[i]));
        }
    }
    for (size_t i = 0; i < r->plan->count; i++) {
        json_array_append_new(cases, report_case_json(r, &r->plan->cases[i]));
    }
    for (size_t i = 0; i < r->note_count; i++) {
        json_array_append_new(notes, json_string(r->notes[i]));
    }
    set(object, "format", json_integer(REPORT_FORMAT));
    set(object, "testee", testee_object(r));
    clean_member(object, "started", r->started);
    set(object, "seconds", json_real(r->seconds));
    set(object, "vectors", json_integer((json_int_t)r->plan->vectors));
    set(object, "summary", verdicts_object(counts.verdicts[JSON_TYPES]));
    set(object, "layers", layers);
    set(object, "notes", notes);
    set(object, "cases", cases);
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    buffer_printf(out, "%s\n", text);
    free(text);
    json_decref(object);
}
