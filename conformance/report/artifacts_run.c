// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/artifacts.h"
#include "report/json_parts.h"
#include "report/words.h"
#include "suite/export.h"
#include "util/hex.h"

// What is kept of one case; `ok` goes false with the first failure.
struct keeping {
    struct artifacts *a;
    const struct report *report;
    const struct suite_case *c;
    char **error;
    bool ok;
};

static void keep(struct keeping *k, const char *name, cmrp_view content) {
    k->ok = k->ok && artifacts_file(k->a, name, content, k->error);
}

static void keep_text(struct keeping *k, const char *name, const char *text) {
    if (text != NULL) {
        keep(k, name, (cmrp_view){(const uint8_t *)text, strlen(text)});
    }
}

static void keep_form(struct keeping *k, const char *name, enum export_form form) {
    struct buffer out = {0};
    char *error = NULL;
    if (export_vector(k->c->vector, form, &out, &error)) {
        keep(k, name, buffer_view(&out));
    }
    free(error); // this vector does not have the form
    buffer_free(&out);
}

static void keep_vector(struct keeping *k) {
    keep_form(k, "vector.json", EXPORT_JSON);
    if (k->c->vector->has_octets) {
        keep_form(k, "octets.bin", EXPORT_FRAME);
        keep_form(k, "octets.hex", EXPORT_HEX);
        keep_form(k, "octets.pcap", EXPORT_PCAP);
    }
}

static void keep_answer(struct keeping *k) {
    const struct case_result *r = &k->c->result;
    struct buffer octets = {0};
    size_t at;
    keep_text(k, "answer.txt", r->answer);
    if (k->c->op == CASE_ENCODE && r->answer != NULL && r->answer_size <= CASE_ANSWER &&
        hex_parse(r->answer, strlen(r->answer), &octets, &at)) {
        keep(k, "answer.bin", buffer_view(&octets));
    }
    keep_text(k, "stderr.txt", r->output);
    buffer_free(&octets);
}

static void keep_readme(struct keeping *k) {
    const struct suite_case *c = k->c;
    const struct case_result *r = &c->result;
    const char *vectors = k->report->vectors;
    struct buffer text = {0};
    struct buffer extra = {0};
    if (vectors != NULL) {
        buffer_printf(&extra, " --vectors ");
        words_quote(&extra, vectors);
    }
    buffer_printf(&text, "%s: %s\nexpected %s\ngot %s\n", c->id, verdict_name(r->verdict),
                  r->expected != NULL ? r->expected : "something else",
                  r->got != NULL ? r->got : "nothing");
    report_sections(k->report, c->vector, &text);
    buffer_printf(&text, "\n\nTo see it again:\n  cmrp conform --testee ");
    words_quote(&text, k->report->command);
    buffer_printf(&text, "%s %s\n", buffer_text(&extra), c->id);
    buffer_printf(&text, "  cmrp explain%s %s\n", buffer_text(&extra), c->vector->id);
    if (r->answer_size > CASE_ANSWER) {
        buffer_printf(&text, "\nanswer.txt holds %d of the answer's %zu octets.\n", CASE_ANSWER,
                      r->answer_size);
    }
    buffer_printf(&text, "\nThe files here:\n");
    artifacts_list(k->a, &text);
    keep(k, "README.txt", buffer_view(&text));
    buffer_free(&text);
    buffer_free(&extra);
}

static void keep_case(struct keeping *k, artifacts_request *request) {
    struct buffer lines = {0};
    json_t *object = report_case_json(k->report, k->c);
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    keep_text(k, "case.json", text);
    keep_vector(k);
    if (request != NULL && request(k->c, &lines)) {
        keep(k, "request.jsonl", buffer_view(&lines));
    }
    keep_answer(k);
    keep_readme(k);
    buffer_free(&lines);
    free(text);
    json_decref(object);
}

bool artifacts_of_run(struct artifacts *a, const struct report *report, artifacts_request *request,
                      char **error) {
    struct keeping k = {a, report, NULL, error, true};
    for (size_t i = 0; i < report->plan->count && k.ok; i++) {
        const enum verdict verdict = report->plan->cases[i].result.verdict;
        k.c = &report->plan->cases[i];
        if (verdict == VERDICT_FAIL || verdict == VERDICT_CRASH || verdict == VERDICT_TIMEOUT) {
            k.ok = artifacts_folder(a, k.c->id, error);
            if (k.ok) {
                keep_case(&k, request);
            }
        }
    }
    return k.ok;
}
