// SPDX-License-Identifier: Apache-2.0
// The page of a run of vectors: who was judged, the matrix, and every case: at length where it
// needs a look, else in a list.
#include <stdlib.h>
#include <string.h>

#include "report/html_case.h"
#include "report/sections.h"
#include "suite/xfail.h"

enum {
    DETAILS = 3 * 512 * 1024, // octets that all details together may take
    OUTPUT = 4096,            // octets of what a testee said
};

// Worst first.
static const enum verdict order[VERDICT_COUNT] = {
    VERDICT_FAIL,  VERDICT_CRASH,       VERDICT_TIMEOUT, VERDICT_XPASS,
    VERDICT_XFAIL, VERDICT_UNSUPPORTED, VERDICT_NOTRUN,  VERDICT_PASS,
};

struct page {
    const struct report *report;
    struct buffer *out;
    struct report_counts counts;
    struct sections sections;
    size_t room; // for details of one layer's cases of all verdicts, in octets
    size_t left[JSON_TYPES];
};

// ---- head ---------------------------------------------------------------------------------------

static void put_sentence(struct page *p) {
    const size_t *all = p->counts.verdicts[JSON_TYPES];
    const size_t findings =
        all[VERDICT_FAIL] + all[VERDICT_XPASS] + all[VERDICT_CRASH] + all[VERDICT_TIMEOUT];
    const bool well = findings == 0 && all[VERDICT_NOTRUN] == 0 && p->report->failure == NULL;
    buffer_printf(p->out, "<p class=\"outcome %s\"><strong>%zu finding%s</strong> in %zu cases",
                  well ? "well" : "bad", findings, findings == 1 ? "" : "s",
                  p->report->plan->count);
    if (all[VERDICT_NOTRUN] > 0) {
        buffer_printf(p->out, ", %zu not run", all[VERDICT_NOTRUN]);
    }
    if (all[VERDICT_UNSUPPORTED] > 0) {
        buffer_printf(p->out, ", %zu unsupported", all[VERDICT_UNSUPPORTED]);
    }
    buffer_printf(p->out, ".</p>\n");
}

static void put_facts(struct page *p) {
    const struct report *r = p->report;
    const char *comma = "";
    buffer_printf(p->out, "<dl class=\"facts\">\n<dt>Command</dt><dd>");
    html_code(p->out, r->command);
    buffer_printf(p->out, "</dd>\n<dt>Says of itself</dt><dd>");
    html_text(p->out, *r->testee_name != '\0' ? r->testee_name : "nothing: it was not started");
    buffer_printf(p->out, " ");
    html_text(p->out, r->testee_version);
    buffer_printf(p->out, "</dd>\n<dt>Knows</dt><dd>");
    for (int i = 0; i < JSON_TYPES; i++) {
        if (r->testee_types[i]) {
            buffer_printf(p->out, "%s%s", comma, json_type_name((enum json_type)i));
            comma = ", ";
        }
    }
    buffer_printf(p->out, "</dd>\n<dt>Vectors</dt><dd>%zu, making %zu cases</dd>\n",
                  r->plan->vectors, r->plan->count);
    buffer_printf(p->out, "<dt>Took</dt><dd>%.1f s</dd>\n</dl>\n", r->seconds);
    if (r->failure != NULL) {
        buffer_printf(p->out, "<p class=\"outcome bad\">The testee could not be started: ");
        html_text(p->out, r->failure);
        buffer_printf(p->out, "</p>\n");
    }
    if (r->failure_output != NULL) {
        buffer_printf(p->out, "<pre tabindex=\"0\" role=\"region\" aria-label=\"What it wrote\">");
        html_lines(p->out, r->failure_output, OUTPUT);
        buffer_printf(p->out, "</pre>\n");
    }
    for (size_t i = 0; i < r->note_count; i++) {
        buffer_printf(p->out, "%s<li>", i == 0 ? "<ul class=\"notes\">\n" : "");
        html_text(p->out, r->notes[i]);
        buffer_printf(p->out, "</li>\n%s", i + 1 == r->note_count ? "</ul>\n" : "");
    }
}

// ---- matrices -----------------------------------------------------------------------------------

static void open_table(struct page *p, const char *caption, const char *first) {
    buffer_printf(p->out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
                  "<table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th>",
                  caption, caption, first);
    for (int i = 0; i < VERDICT_COUNT; i++) {
        if (p->counts.verdicts[JSON_TYPES][order[i]] > 0) {
            buffer_printf(p->out, "<th scope=\"col\">");
            html_verdict(p->out, order[i]);
            buffer_printf(p->out, "</th>");
        }
    }
    buffer_printf(p->out, "</tr></thead>\n<tbody>\n");
}

static void close_table(struct page *p) {
    buffer_printf(p->out, "</tbody>\n</table>\n</div>\n");
}

static void put_layers(struct page *p) {
    open_table(p, "Verdicts by layer", "Layer");
    for (int layer = 0; layer <= JSON_TYPES; layer++) {
        const size_t *row = p->counts.verdicts[layer];
        const char *name = layer < JSON_TYPES ? json_type_name((enum json_type)layer) : "all";
        if (p->counts.cases[layer] == 0) {
            continue;
        }
        buffer_printf(p->out, "<tr><th scope=\"row\">%s</th>", name);
        for (int i = 0; i < VERDICT_COUNT; i++) {
            const char *verdict = verdict_name(order[i]);
            if (p->counts.verdicts[JSON_TYPES][order[i]] == 0) {
                continue;
            }
            if (row[order[i]] == 0) {
                buffer_printf(p->out, "<td class=\"none\">0</td>");
            } else if (layer < JSON_TYPES) {
                buffer_printf(p->out, "<td><a href=\"#%s-%s\">%zu</a></td>", verdict, name,
                              row[order[i]]);
            } else {
                buffer_printf(p->out, "<td><a href=\"#%s\">%zu</a></td>", verdict, row[order[i]]);
            }
        }
        buffer_printf(p->out, "</tr>\n");
    }
    close_table(p);
}

struct tally {
    size_t (*rows)[VERDICT_COUNT];
    enum verdict verdict;
};

static void count_section(void *context, size_t index) {
    struct tally *t = context;
    t->rows[index][t->verdict]++;
}

// The script makes a link of it.
static void put_section_cell(struct page *p, const char *verdict, size_t section, size_t count) {
    if (count > 0) {
        buffer_printf(p->out, "<td data-to=\"verdict=%s&amp;section=%zu\">%zu</td>", verdict,
                      section, count);
    } else {
        buffer_printf(p->out, "<td class=\"none\">0</td>");
    }
}

static void put_sections(struct page *p) {
    const struct plan *plan = p->report->plan;
    struct tally t = {util_alloc((p->sections.count + 1) * sizeof *t.rows), VERDICT_PASS};
    for (size_t i = 0; i < plan->count; i++) {
        t.verdict = plan->cases[i].result.verdict;
        if (t.verdict < VERDICT_COUNT) {
            sections_of(p->report, &p->sections, plan->cases[i].vector, count_section, &t);
        }
    }
    buffer_printf(p->out, "<details class=\"sections\"><summary>By section of the specification"
                          "</summary>\n");
    open_table(p, "Verdicts by section; a case counts in every section that it cites", "Section");
    for (size_t s = 0; s < p->sections.count; s++) {
        buffer_printf(p->out, "<tr><th scope=\"row\">");
        html_text(p->out, p->sections.names[s]);
        buffer_printf(p->out, "</th>");
        for (int i = 0; i < VERDICT_COUNT; i++) {
            const size_t n = t.rows[s][order[i]];
            if (p->counts.verdicts[JSON_TYPES][order[i]] > 0) {
                put_section_cell(p, verdict_name(order[i]), s, n);
            }
        }
        buffer_printf(p->out, "</tr>\n");
    }
    close_table(p);
    buffer_printf(p->out, "</details>\n");
    free(t.rows);
}

// ---- cases --------------------------------------------------------------------------------------

static void put_index(void *context, size_t index) {
    struct buffer *out = context;
    buffer_printf(out, "%s%zu", out->data[out->size - 1] == '"' ? "" : " ", index);
}

// class and data attributes of a case.
static void put_attributes(struct page *p, const struct suite_case *c, const char *class) {
    buffer_printf(p->out, " class=\"%s\" data-section=\"", class);
    sections_of(p->report, &p->sections, c->vector, put_index, p->out);
    buffer_printf(p->out, "\"");
}

static bool is_detailed(enum verdict verdict) {
    return verdict_is_finding(verdict) || verdict == VERDICT_XFAIL;
}

// A case at length, as long as there is room; else in a line.
static bool put_detailed(struct page *p, const struct suite_case *c) {
    struct buffer details = {0};
    size_t *left = &p->left[c->vector->how.type];
    if (*left > 0) {
        html_case_details(p->report, c, &details);
    }
    const bool fits = details.size > 0 && details.size <= *left;
    *left = fits ? *left - details.size : 0;
    buffer_printf(p->out, "<details id=\"c-");
    html_id(p->out, c->id);
    buffer_printf(p->out, "\"");
    put_attributes(p, c, fits ? "item case" : "item case bare");
    buffer_printf(p->out, "><summary>");
    html_verdict(p->out, c->result.verdict);
    buffer_printf(p->out, " <b>%s</b> <span>", c->id);
    html_case_words(c, p->out);
    buffer_printf(p->out, "</span></summary>\n");
    if (fits) {
        buffer_append(p->out, details.data, details.size);
    } else {
        buffer_printf(p->out, "<pre><code>cmrp explain %s</code></pre>\n", c->vector->id);
    }
    buffer_printf(p->out, "</details>\n");
    buffer_free(&details);
    return fits;
}

static void put_listed(struct page *p, const struct suite_case *c) {
    buffer_printf(p->out, "<li");
    put_attributes(p, c, "item");
    buffer_printf(p->out, ">%s", c->id);
    if (c->result.got != NULL) {
        buffer_printf(p->out, " <span>");
        html_text(p->out, c->result.got);
        buffer_printf(p->out, "</span>");
    }
    buffer_printf(p->out, "</li>\n");
}

static void put_group(struct page *p, enum verdict verdict, enum json_type layer) {
    const struct plan *plan = p->report->plan;
    const char *name = json_type_name(layer);
    const size_t count = p->counts.verdicts[layer][verdict];
    size_t bare = 0;
    buffer_printf(p->out,
                  "<section class=\"group\" id=\"%s-%s\" data-verdict=\"%s\" data-layer=\"%s\">\n"
                  "<h3>%s: %zu case%s</h3>\n",
                  verdict_name(verdict), name, verdict_name(verdict), name, name, count,
                  count == 1 ? "" : "s");
    if (!is_detailed(verdict)) {
        buffer_printf(p->out, "<details class=\"list\"><summary>List</summary>\n<ul>\n");
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct suite_case *c = &plan->cases[i];
        if (c->result.verdict != verdict || c->vector->how.type != layer) {
            continue;
        }
        if (is_detailed(verdict)) {
            bare += !put_detailed(p, c);
        } else {
            put_listed(p, c);
        }
    }
    if (!is_detailed(verdict)) {
        buffer_printf(p->out, "</ul></details>\n");
    }
    if (bare > 0) {
        buffer_printf(p->out,
                      "<p>%zu of these are without details, so that the page stays small; "
                      "<code>--artifacts DIR</code> keeps them all.</p>\n",
                      bare);
    }
    buffer_printf(p->out, "</section>\n");
}

static void put_cases(struct page *p) {
    size_t layers = 0;
    for (int i = 0; i < JSON_TYPES; i++) {
        for (int v = 0; v < VERDICT_COUNT; v++) {
            if (is_detailed((enum verdict)v) && p->counts.verdicts[i][v] > 0) {
                layers++;
                break;
            }
        }
    }
    for (int i = 0; i < JSON_TYPES; i++) {
        p->left[i] = layers > 0 ? DETAILS / layers : 0;
    }
    for (int i = 0; i < VERDICT_COUNT; i++) {
        const char *name = verdict_name(order[i]);
        if (p->counts.verdicts[JSON_TYPES][order[i]] == 0) {
            continue;
        }
        buffer_printf(p->out, "<section class=\"verdict\" id=\"%s\">\n<h2>", name);
        html_verdict(p->out, order[i]);
        buffer_printf(p->out, " %s</h2>\n", html_case_meaning(order[i]));
        for (int layer = 0; layer < JSON_TYPES; layer++) {
            if (p->counts.verdicts[layer][order[i]] > 0) {
                put_group(p, order[i], (enum json_type)layer);
            }
        }
        buffer_printf(p->out, "</section>\n");
    }
}

static void put_filter(struct page *p) {
    const char *verdicts[VERDICT_COUNT];
    const char *layers[JSON_TYPES];
    struct html_choice choices[] = {
        {"verdict", "Verdict", "all", verdicts, 0, false},
        {"layer", "Layer", "all", layers, 0, false},
        {"section", "Section", "all", (const char *const *)p->sections.names, p->sections.count,
         true},
    };
    for (int i = 0; i < VERDICT_COUNT; i++) {
        if (p->counts.verdicts[JSON_TYPES][order[i]] > 0) {
            verdicts[choices[0].count++] = verdict_name(order[i]);
        }
    }
    for (int i = 0; i < JSON_TYPES; i++) {
        if (p->counts.cases[i] > 0) {
            layers[choices[1].count++] = json_type_name((enum json_type)i);
        }
    }
    html_filter(p->out, choices, 3);
}

void report_html(const struct report *report, struct buffer *out) {
    struct page p = {.report = report, .out = out};
    struct buffer heading = {0};
    report_count(report->plan, &p.counts);
    sections_find(report, &p.sections);
    buffer_printf(&heading, "%s %s",
                  *report->testee_name != '\0' ? report->testee_name : report->command,
                  report->testee_version);
    html_open(out, buffer_text(&heading));
    put_sentence(&p);
    put_facts(&p);
    buffer_printf(out, "<section aria-labelledby=\"matrix\">\n<h2 id=\"matrix\">Verdicts</h2>\n");
    put_layers(&p);
    put_sections(&p);
    buffer_printf(out, "</section>\n");
    put_filter(&p);
    put_cases(&p);
    html_close(out, report->started);
    sections_free(&p.sections);
    buffer_free(&heading);
}
