// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "suite/xfail.h"
#include "util/text.h"

enum { VERDICT_WIDTH = 11, COUNT_WIDTH = 8 };

void report_count(const struct plan *plan, struct report_counts *counts) {
    *counts = (struct report_counts){0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct suite_case *c = &plan->cases[i];
        const enum json_type layer = c->vector->how.type;
        counts->cases[layer]++;
        counts->cases[JSON_TYPES]++;
        if (c->result.verdict < VERDICT_COUNT) {
            counts->verdicts[layer][c->result.verdict]++;
            counts->verdicts[JSON_TYPES][c->result.verdict]++;
        }
    }
}

void report_sections(const struct report *report, const struct vector *vector, struct buffer *out) {
    size_t i;
    json_t *id;
    const char *before = "";
    json_array_foreach(vector->requirements, i, id) {
        const struct requirement *r = report->catalogue != NULL
                                          ? catalogue_find(report->catalogue, json_string_value(id))
                                          : NULL;
        if (r != NULL && strcmp(before, r->section) != 0) {
            buffer_printf(out, "%s", *before != '\0' ? ", " : "");
            catalogue_cite(out, r);
            before = r->section;
        }
    }
    if (*before == '\0') {
        buffer_printf(out, "%s", vector->source);
    }
}

// ---- cases --------------------------------------------------------------------------------------

static const char *colour_of(const struct report *r, enum verdict verdict) {
    static const char *const colours[VERDICT_COUNT] = {
        [VERDICT_PASS] = "\033[32m",        [VERDICT_FAIL] = "\033[31m",
        [VERDICT_XFAIL] = "\033[33m",       [VERDICT_XPASS] = "\033[31m",
        [VERDICT_UNSUPPORTED] = "\033[36m", [VERDICT_CRASH] = "\033[31m",
        [VERDICT_TIMEOUT] = "\033[31m",     [VERDICT_NOTRUN] = "\033[35m",
    };
    return r->colour ? colours[verdict] : "";
}

static const char *colour_end(const struct report *r) {
    return r->colour ? "\033[0m" : "";
}

// "  [MS-CMRP 2.2.3.17.1; CMRP-B-011, CMRP-B-012]", or the file's source, which has brackets.
static void put_citation(const struct report *r, const struct vector *v, struct buffer *out) {
    struct buffer text = {0};
    size_t i;
    json_t *id;
    report_sections(r, v, &text);
    json_array_foreach(v->requirements, i, id) {
        buffer_printf(&text, "%s%s", i == 0 ? "; " : ", ", json_string_value(id));
    }
    const bool bare = *buffer_text(&text) != '[';
    buffer_printf(out, "  %s%s%s", bare ? "[" : "", buffer_text(&text), bare ? "]" : "");
    buffer_free(&text);
}

// What the testee wrote to standard error, a line each, indented.
static void put_output(const char *text, struct buffer *out) {
    while (text != NULL && *text != '\0') {
        const size_t n = strcspn(text, "\n");
        buffer_printf(out, "%*s| ", VERDICT_WIDTH, "");
        text_escape(out, text, n);
        buffer_printf(out, "\n");
        text += n + (text[n] == '\n');
    }
}

static void put_words(const struct suite_case *c, struct buffer *out) {
    const struct case_result *r = &c->result;
    switch (r->verdict) {
    case VERDICT_PASS: break;
    case VERDICT_XPASS:
        buffer_printf(out, "  passed, expected: %s", verdict_name(c->xfail->verdict));
        break;
    default:
        if (r->expected != NULL) {
            buffer_printf(out, "  expected %s;", r->expected);
        }
        if (r->got != NULL) {
            buffer_printf(out, "%s%s", r->expected != NULL ? " got " : "  ", r->got);
        }
        break;
    }
    if (c->xfail != NULL && (r->verdict == VERDICT_XFAIL || r->verdict == VERDICT_XPASS)) {
        buffer_printf(out, "  (xfail: ");
        text_escape(out, c->xfail->reason, strlen(c->xfail->reason));
        buffer_printf(out, ")");
    }
}

static void put_case(const struct report *r, const struct suite_case *c, int id_width,
                     struct buffer *out) {
    const enum verdict verdict = c->result.verdict;
    buffer_printf(out, "%s%-*s%s %-*s", colour_of(r, verdict), VERDICT_WIDTH, verdict_name(verdict),
                  colour_end(r), id_width, c->id);
    put_words(c, out);
    if (verdict != VERDICT_PASS && verdict != VERDICT_NOTRUN) {
        put_citation(r, c->vector, out);
    }
    while (out->size > 0 && out->data[out->size - 1] == ' ') {
        out->size--;
    }
    buffer_printf(out, "\n");
    put_output(c->result.output, out);
}

// ---- the whole ----------------------------------------------------------------------------------

void report_plan(const struct report *r, struct buffer *out) {
    buffer_printf(out, "plan: %zu cases from %zu vectors, testee ", r->plan->count,
                  r->plan->vectors);
    if (*r->testee_name == '\0') {
        buffer_printf(out, "not started\n");
        return;
    }
    text_escape(out, r->testee_name, strlen(r->testee_name));
    buffer_printf(out, " ");
    text_escape(out, r->testee_version, strlen(r->testee_version));
    buffer_printf(out, "\n");
}

static void put_summary(const struct report_counts *counts, struct buffer *out) {
    buffer_printf(out, "%-*s", VERDICT_WIDTH, "");
    for (int layer = 0; layer <= JSON_TYPES; layer++) {
        if (counts->cases[layer] > 0) {
            const char *title = layer < JSON_TYPES ? json_type_name((enum json_type)layer) : "all";
            buffer_printf(out, " %*s", COUNT_WIDTH, title);
        }
    }
    buffer_printf(out, "\n");
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        if (counts->verdicts[JSON_TYPES][verdict] == 0) {
            continue;
        }
        buffer_printf(out, "%-*s", VERDICT_WIDTH, verdict_name((enum verdict)verdict));
        for (int layer = 0; layer <= JSON_TYPES; layer++) {
            if (counts->cases[layer] > 0) {
                buffer_printf(out, " %*zu", COUNT_WIDTH, counts->verdicts[layer][verdict]);
            }
        }
        buffer_printf(out, "\n");
    }
}

static void put_last_line(const struct report *r, const struct report_counts *counts,
                          struct buffer *out) {
    const size_t *all = counts->verdicts[JSON_TYPES];
    const size_t findings =
        all[VERDICT_FAIL] + all[VERDICT_XPASS] + all[VERDICT_CRASH] + all[VERDICT_TIMEOUT];
    buffer_printf(out, "%s%zu finding%s in %zu case%s",
                  colour_of(r, findings > 0 ? VERDICT_FAIL : VERDICT_PASS), findings,
                  findings == 1 ? "" : "s", r->plan->count, r->plan->count == 1 ? "" : "s");
    if (all[VERDICT_NOTRUN] > 0) {
        buffer_printf(out, ", %zu not run", all[VERDICT_NOTRUN]);
    }
    if (all[VERDICT_UNSUPPORTED] > 0) {
        buffer_printf(out, ", %zu unsupported", all[VERDICT_UNSUPPORTED]);
    }
    buffer_printf(out, "%s (%.1f s)\n", colour_end(r), r->seconds);
}

void report_text(const struct report *r, struct buffer *out) {
    struct report_counts counts;
    int width = 0;
    report_count(r->plan, &counts);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->plan->count; i++) {
            const struct suite_case *c = &r->plan->cases[i];
            if (!r->verbose && !verdict_is_finding(c->result.verdict)) {
                continue;
            }
            if (pass == 0) {
                width = (int)strlen(c->id) > width ? (int)strlen(c->id) : width;
            } else {
                put_case(r, c, width, out);
            }
        }
    }
    buffer_printf(out, "%s", width > 0 ? "\n" : "");
    put_summary(&counts, out);
    for (size_t i = 0; i < r->note_count; i++) {
        buffer_printf(out, "note: ");
        text_escape(out, r->notes[i], strlen(r->notes[i]));
        buffer_printf(out, "\n");
    }
    put_last_line(r, &counts, out);
}
