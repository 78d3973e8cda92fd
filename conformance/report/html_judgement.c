// SPDX-License-Identifier: Apache-2.0
// The page of a judgement: who said what to whom, rules by party, every finding with its octets,
// and the sequence of messages.
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/html_finding.h"
#include "report/html_sequence.h"
#include "report/judgement_parts.h"
#include "report/sections.h"
#include "suite/grow.h"
#include "suite/xfail.h"

enum {
    DETAILS = 3 * 512 * 1024, // octets until findings are shown without theirs,
    CASES = 3 * 1024 * 1024,  // and until cases are no longer shown
    SEQUENCE = 4000,          // events that are shown
    LISTED = 4000,            // cases without findings that are listed
    COLUMNS = 12,             // parties in the matrix
    FIRST = 3,                // findings of a case that are shown at once
};

// Worst first.
static const enum verdict order[] = {VERDICT_FAIL, VERDICT_XPASS, VERDICT_XFAIL, VERDICT_PASS};
enum { ORDERED = sizeof order / sizeof *order };

struct page {
    const struct judgement *j;
    struct buffer *out;
    struct sections sections;
    size_t start; // of the cases in out
    size_t listed;
    bool *shown;  // cases
    bool *events; // that are shown
};

// ---- head ---------------------------------------------------------------------------------------

static void put_sentence(struct page *p) {
    size_t verdicts[VERDICT_COUNT];
    struct buffer text = {0};
    judgement_verdicts(p->j->counts, verdicts);
    judgement_sentence(p->j, &text);
    buffer_printf(p->out, "<p class=\"outcome %s\"><strong>%s</strong>.",
                  verdicts[VERDICT_FAIL] + verdicts[VERDICT_XPASS] > 0 || p->j->failed ? "bad"
                                                                                       : "well",
                  buffer_text(&text));
    if (p->j->unselected_should > 0) {
        buffer_printf(p->out, " <code>--level should</code> would show %llu more.",
                      (unsigned long long)p->j->unselected_should);
    }
    buffer_printf(p->out, "</p>\n");
    buffer_free(&text);
}

static void put_facts(struct page *p) {
    const struct judgement *j = p->j;
    struct buffer text = {0};
    buffer_printf(p->out, "<dl class=\"facts\">\n<dt>Packets</dt><dd>%llu</dd>\n",
                  (unsigned long long)j->packets);
    if (j->first.seconds != 0) {
        judgement_time(j->first, &text);
        buffer_printf(&text, " to ");
        judgement_time(j->last, &text);
        buffer_printf(p->out, "<dt>Time</dt><dd>%s</dd>\n", buffer_text(&text));
    }
    buffer_printf(p->out,
                  "<dt>Calls</dt><dd>%llu: %llu complete, %llu fault%s, %llu unanswered, %llu "
                  "sealed, %llu undecoded</dd>\n",
                  (unsigned long long)j->calls, (unsigned long long)j->complete,
                  (unsigned long long)j->faults, j->faults == 1 ? "" : "s",
                  (unsigned long long)j->unanswered, (unsigned long long)j->sealed,
                  (unsigned long long)j->undecoded);
    buffer_printf(
        p->out, "<dt>Judged by</dt><dd>%zu rules, %s; %zu of them exercised</dd>\n</dl>\n",
        j->rules, j->should ? "MUST and SHOULD" : "MUST", j->rules - j->not_exercised_count);
    buffer_free(&text);
}

static void put_notes(struct page *p) {
    const struct judgement *j = p->j;
    if (j->failed) {
        buffer_printf(p->out, "<p class=\"outcome bad\">The capture was not read to its end: ");
        html_text(p->out, j->failure);
        buffer_printf(p->out, "</p>\n");
    }
    if (j->note_count == 0) {
        return;
    }
    buffer_printf(p->out, "<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">What limits this "
                          "judgement</h2>\n<ul class=\"notes\">\n");
    for (size_t i = 0; i < j->note_count; i++) {
        buffer_printf(p->out, "<li>");
        if (j->notes[i].frame > 0) {
            buffer_printf(p->out, "frame %llu: ", (unsigned long long)j->notes[i].frame);
        }
        html_text(p->out, j->notes[i].text);
        buffer_printf(p->out, "</li>\n");
    }
    if (j->more_notes > 0) {
        buffer_printf(p->out, "<li>%llu notes more</li>\n", (unsigned long long)j->more_notes);
    }
    buffer_printf(p->out, "</ul>\n</section>\n");
}

// ---- who ----------------------------------------------------------------------------------------

static void open_table(struct page *p, const char *caption) {
    buffer_printf(p->out,
                  "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
                  "<table>\n<caption>%s</caption>\n",
                  caption, caption);
}

static void put_parties(struct page *p) {
    const struct judgement *j = p->j;
    buffer_printf(p->out, "<section aria-labelledby=\"parties\">\n<h2 id=\"parties\">Who</h2>\n");
    open_table(p, "Findings by party");
    buffer_printf(p->out,
                  "<thead><tr><th scope=\"col\">Party</th><th scope=\"col\">calls</th>"
                  "<th scope=\"col\">checked</th><th scope=\"col\">MUST broken</th>%s"
                  "</tr></thead>\n<tbody>\n",
                  j->should ? "<th scope=\"col\">SHOULD broken</th>" : "");
    for (size_t i = 0; i < j->party_count && i < LISTED; i++) {
        const struct judge_party *party = &j->parties[i];
        struct buffer name = {0};
        judgement_party(party, &name);
        buffer_printf(p->out, "<tr><th scope=\"row\">");
        html_text(p->out, buffer_text(&name));
        buffer_printf(p->out, "</th><td>%llu</td><td>%llu</td>", (unsigned long long)party->calls,
                      (unsigned long long)(party->counts[JUDGE_MUST].checked +
                                           party->counts[JUDGE_SHOULD].checked));
        for (int level = 0; level <= (j->should ? JUDGE_SHOULD : JUDGE_MUST); level++) {
            const uint64_t n = party->counts[level].findings;
            if (n > 0) {
                buffer_printf(p->out, "<td data-to=\"level=%s&amp;party=%zu\">%llu</td>",
                              judge_level_name(level), i, (unsigned long long)n);
            } else {
                buffer_printf(p->out, "<td class=\"none\">0</td>");
            }
        }
        buffer_printf(p->out, "</tr>\n");
        buffer_free(&name);
    }
    buffer_printf(p->out, "</tbody>\n</table>\n</div>\n</section>\n");
}

// ---- rules by party -----------------------------------------------------------------------------

struct matrix {
    size_t parties[COLUMNS];
    size_t columns;
    const struct rule **rules; // rows; NULL: encoding
    size_t count;
    size_t *cells; // count * columns: index of the case, or JUDGE_NONE
};

static bool is_column(const struct matrix *m, size_t party) {
    for (size_t i = 0; i < m->columns; i++) {
        if (m->parties[i] == party) {
            return true;
        }
    }
    return false;
}

// Those with findings first, then the others, each in their order.
static void choose_parties(struct matrix *m, const struct judgement *j) {
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < j->party_count && m->columns < COLUMNS; i++) {
            const struct judge_counts *c = j->parties[i].counts;
            if ((pass == 1 || c[JUDGE_MUST].findings + c[JUDGE_SHOULD].findings > 0) &&
                !is_column(m, i)) {
                m->parties[m->columns++] = i;
            }
        }
    }
}

static size_t row_of(struct matrix *m, const struct rule *rule) {
    for (size_t i = 0; i < m->count; i++) {
        if (m->rules[i] == rule) {
            return i;
        }
    }
    m->rules = grow_by_one(m->rules, m->count, sizeof *m->rules);
    m->rules[m->count] = rule;
    return m->count++;
}

static void make_matrix(struct matrix *m, const struct judgement *j) {
    *m = (struct matrix){0};
    choose_parties(m, j);
    for (size_t i = 0; i < j->case_count; i++) {
        row_of(m, j->cases[i].rule);
    }
    for (size_t i = 0; i < j->not_exercised_count; i++) {
        row_of(m, j->not_exercised[i]);
    }
    m->cells = util_alloc((m->count * m->columns + 1) * sizeof *m->cells);
    for (size_t i = 0; i < m->count * m->columns; i++) {
        m->cells[i] = JUDGE_NONE;
    }
    for (size_t i = 0; i < j->case_count; i++) {
        const size_t row = row_of(m, j->cases[i].rule);
        for (size_t k = 0; k < m->columns; k++) {
            if (m->parties[k] == j->cases[i].party) {
                m->cells[row * m->columns + k] = i;
            }
        }
    }
}

static void put_cell(struct page *p, const struct matrix *m, size_t row, size_t column) {
    const size_t at = m->cells[row * m->columns + column];
    const struct rule *rule = m->rules[row];
    if (at != JUDGE_NONE && !p->shown[at]) {
        buffer_printf(p->out, "<td>");
        html_verdict(p->out, p->j->cases[at].verdict);
        buffer_printf(p->out, "</td>");
    } else if (at != JUDGE_NONE) {
        const struct judge_case *c = &p->j->cases[at];
        buffer_printf(p->out, "<td><a href=\"#c-");
        html_id(p->out, c->id);
        buffer_printf(p->out, "\">");
        html_verdict(p->out, c->verdict);
        buffer_printf(p->out, "</a></td>");
    } else if (rule != NULL && rule->role != p->j->parties[m->parties[column]].role) {
        buffer_printf(p->out, "<td></td>");
    } else {
        buffer_printf(p->out, "<td class=\"none\">–</td>");
    }
}

static void put_matrix(struct page *p) {
    struct matrix m;
    make_matrix(&m, p->j);
    buffer_printf(p->out,
                  "<section aria-labelledby=\"matrix\">\n<h2 id=\"matrix\">Rules</h2>\n"
                  "<p>– stands for a rule that was not exercised.%s</p>\n",
                  p->j->party_count > m.columns ? " Not all parties have room here." : "");
    open_table(p, "Verdicts by rule and party");
    buffer_printf(p->out, "<thead><tr><th scope=\"col\">Rule</th>");
    for (size_t i = 0; i < m.columns; i++) {
        struct buffer name = {0};
        judgement_party(&p->j->parties[m.parties[i]], &name);
        buffer_printf(p->out, "<th scope=\"col\">");
        html_text(p->out, buffer_text(&name));
        buffer_printf(p->out, "</th>");
        buffer_free(&name);
    }
    buffer_printf(p->out, "<th scope=\"col\">Section</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < m.count; i++) {
        const struct rule *rule = m.rules[i];
        buffer_printf(p->out, "<tr><th scope=\"row\">%s</th>",
                      rule != NULL ? rule->name : JUDGE_ENCODING);
        for (size_t k = 0; k < m.columns; k++) {
            put_cell(p, &m, i, k);
        }
        buffer_printf(p->out, "<td class=\"text\">%s %s</td></tr>\n",
                      judge_level_name(rule == NULL || rule->must ? JUDGE_MUST : JUDGE_SHOULD),
                      rule != NULL ? rule->section : "");
    }
    buffer_printf(p->out, "</tbody>\n</table>\n</div>\n</section>\n");
    free(m.rules);
    free(m.cells);
}

// ---- cases --------------------------------------------------------------------------------------

// Whether some findings of a case of MUST are of SHOULD: what decoders find is of both.
static bool has_lesser(const struct judge_case *c, const struct judge_finding *first, size_t kept) {
    bool has = false;
    for (size_t i = 0; i < kept && c->level == JUDGE_MUST; i++) {
        has = has || first[i].level == JUDGE_SHOULD;
    }
    return has;
}

// Level and sections that a case is about, as the filter knows them.
static void put_attributes(struct page *p, const struct judge_case *c, const char *class) {
    const struct judge_finding *first;
    const size_t kept = judgement_kept(p->j, c, &first);
    buffer_printf(p->out, " class=\"%s\" id=\"c-", class);
    html_id(p->out, c->id);
    buffer_printf(p->out, "\" data-level=\"%s%s\" data-section=\"", judge_level_name(c->level),
                  has_lesser(c, first, kept) ? " SHOULD" : "");
    if (c->section != NULL) {
        buffer_printf(p->out, "%zu", sections_index(&p->sections, c->section));
    }
    for (size_t i = 0; c->section == NULL && i < kept; i++) {
        if (i == 0 || strcmp(first[i].section, first[i - 1].section) != 0) {
            buffer_printf(p->out, "%s%zu", i > 0 ? " " : "",
                          sections_index(&p->sections, first[i].section));
        }
    }
    buffer_printf(p->out, "\"");
}

static void put_case(struct page *p, const struct judge_case *c) {
    const struct judge_finding *first;
    const size_t kept = judgement_kept(p->j, c, &first);
    buffer_printf(p->out, "<details");
    put_attributes(p, c, "item case");
    buffer_printf(p->out, "%s><summary>", c->verdict == VERDICT_FAIL ? " open" : "");
    html_verdict(p->out, c->verdict);
    buffer_printf(p->out, " <span class=\"v %s\">%s</span> <b>", judge_level_name(c->level),
                  judge_level_name(c->level));
    html_text(p->out, c->id);
    buffer_printf(p->out, "</b> <span>%llu finding%s, checked %llu times</span></summary>\n",
                  (unsigned long long)c->found, c->found == 1 ? "" : "s",
                  (unsigned long long)c->checked);
    if (c->statement != NULL) {
        struct buffer citation = {0};
        judgement_citation(c->section, c->requirement, &citation);
        buffer_printf(p->out, "<p>");
        html_text(p->out, c->statement);
        buffer_printf(p->out, " [");
        html_text(p->out, buffer_text(&citation));
        buffer_printf(p->out, "]</p>\n");
        buffer_free(&citation);
    }
    if (c->xfail != NULL && c->verdict != VERDICT_FAIL) {
        buffer_printf(p->out, "<p>Expected: %s (", verdict_name(c->xfail->verdict));
        html_text(p->out, c->xfail->reason);
        buffer_printf(p->out, ")</p>\n");
    }
    for (size_t i = 0; i < kept; i++) {
        if (i == FIRST) {
            buffer_printf(p->out, "<details><summary>%zu findings more</summary>\n", kept - i);
        }
        html_finding(p->j, &first[i], p->out->size - p->start < DETAILS, p->events, p->out);
    }
    buffer_printf(p->out, "%s", kept > FIRST ? "</details>\n" : "");
    if (c->found > kept) {
        buffer_printf(p->out, "<p>%llu findings more of this case are not kept.</p>\n",
                      (unsigned long long)(c->found - kept));
    }
    buffer_printf(p->out, "</details>\n");
}

static void put_listed(struct page *p, const struct judge_case *c) {
    buffer_printf(p->out, "<li");
    put_attributes(p, c, "item");
    buffer_printf(p->out, ">");
    html_text(p->out, c->id);
    buffer_printf(p->out, " <span>%llu</span></li>\n", (unsigned long long)c->checked);
    p->listed++;
}

// The cases [first, end) of one verdict; they are of one party.
static void put_group(struct page *p, enum verdict verdict, size_t first, size_t end) {
    const bool at_length = verdict != VERDICT_PASS;
    const size_t party = p->j->cases[first].party;
    struct buffer name = {0};
    size_t count = 0;
    size_t left_out = 0;
    for (size_t i = first; i < end; i++) {
        count += p->j->cases[i].verdict == verdict;
    }
    if (count == 0) {
        return;
    }
    judgement_party(&p->j->parties[party], &name);
    buffer_printf(p->out, "<section class=\"group\" data-verdict=\"%s\" data-party=\"%zu\">\n<h3>",
                  verdict_name(verdict), party);
    html_text(p->out, buffer_text(&name));
    buffer_printf(p->out, ": %zu case%s</h3>\n%s", count, count == 1 ? "" : "s",
                  at_length ? "" : "<details class=\"list\"><summary>List</summary>\n<ul>\n");
    for (size_t i = first; i < end; i++) {
        const bool is_one = p->j->cases[i].verdict == verdict;
        p->shown[i] =
            p->shown[i] ||
            (is_one && (at_length ? p->out->size - p->start < CASES : p->listed < LISTED));
        if (is_one && !p->shown[i]) {
            left_out++;
        } else if (is_one && at_length) {
            put_case(p, &p->j->cases[i]);
        } else if (is_one) {
            put_listed(p, &p->j->cases[i]);
        }
    }
    buffer_printf(p->out, "%s", at_length ? "" : "</ul></details>\n");
    if (left_out > 0) {
        buffer_printf(p->out, "<p>%zu more are not shown; <code>--json</code> has them.</p>\n",
                      left_out);
    }
    buffer_printf(p->out, "</section>\n");
    buffer_free(&name);
}

static void put_cases(struct page *p) {
    static const char *const meanings[] = {"broken", "kept, although the xfail file says otherwise",
                                           "broken, as the xfail file says", "kept"};
    size_t verdicts[VERDICT_COUNT];
    judgement_verdicts(p->j->counts, verdicts);
    p->start = p->out->size;
    for (int v = 0; v < ORDERED; v++) {
        if (verdicts[order[v]] == 0) {
            continue;
        }
        buffer_printf(p->out, "<section class=\"verdict\" id=\"%s\">\n<h2>",
                      verdict_name(order[v]));
        html_verdict(p->out, order[v]);
        buffer_printf(p->out, " %s</h2>\n", meanings[v]);
        for (size_t i = 0; i < p->j->case_count;) {
            size_t end = i + 1;
            while (end < p->j->case_count && p->j->cases[end].party == p->j->cases[i].party) {
                end++;
            }
            put_group(p, order[v], i, end);
            i = end;
        }
        buffer_printf(p->out, "</section>\n");
    }
}

static void find_sections(struct page *p) {
    for (size_t i = 0; i < p->j->case_count; i++) {
        if (p->j->cases[i].section != NULL) {
            sections_add(&p->sections, p->j->cases[i].section);
        }
    }
    for (size_t i = 0; i < p->j->finding_count; i++) {
        sections_add(&p->sections, p->j->findings[i].section);
    }
    sections_sort(&p->sections);
}

static void put_filter(struct page *p) {
    const size_t count = p->j->party_count < LISTED ? p->j->party_count : LISTED;
    char **parties = util_alloc((count + 1) * sizeof *parties);
    const char *verdicts[ORDERED];
    const char *levels[] = {judge_level_name(JUDGE_MUST), judge_level_name(JUDGE_SHOULD)};
    size_t counts[VERDICT_COUNT];
    struct html_choice choices[] = {
        {"verdict", "Verdict", "all", verdicts, 0, false},
        {"level", "Level", "all", levels, p->j->should ? 2 : 1, false},
        {"party", "Party", "all", (const char *const *)parties, count, true},
        {"section", "Section", "all", (const char *const *)p->sections.names, p->sections.count,
         true},
    };
    judgement_verdicts(p->j->counts, counts);
    for (int i = 0; i < ORDERED; i++) {
        if (counts[order[i]] > 0) {
            verdicts[choices[0].count++] = verdict_name(order[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct buffer name = {0};
        judgement_party(&p->j->parties[i], &name);
        parties[i] = util_strdup(buffer_text(&name));
        buffer_free(&name);
    }
    html_filter(p->out, choices, sizeof choices / sizeof *choices);
    for (size_t i = 0; i < count; i++) {
        free(parties[i]);
    }
    free(parties);
}

void judgement_html(const struct judgement *judgement, struct buffer *out) {
    struct page p = {.j = judgement, .out = out};
    p.shown = util_alloc((judgement->case_count + 1) * sizeof *p.shown);
    p.events = util_alloc((judgement->event_count + 1) * sizeof *p.events);
    html_sequence_choose(judgement, SEQUENCE, p.events);
    find_sections(&p);
    html_open(out, judgement->capture);
    put_sentence(&p);
    put_facts(&p);
    if (judgement->party_count > 0) {
        buffer_printf(out,
                      "<nav aria-label=\"Parts\"><a href=\"#parties\">Who</a> <a "
                      "href=\"#findings\">Findings</a> <a href=\"#matrix\">Rules</a>%s</nav>\n",
                      judgement->event_count > 0 ? " <a href=\"#sequence\">What happened</a>" : "");
    }
    put_notes(&p);
    if (judgement->party_count > 0) {
        put_parties(&p);
        buffer_printf(out, "<section id=\"findings\" aria-label=\"Findings\">\n");
        put_filter(&p);
        put_cases(&p);
        buffer_printf(out, "</section>\n");
        put_matrix(&p);
    }
    if (judgement->event_count > 0) {
        buffer_printf(out, "<section aria-labelledby=\"sequence\">\n"
                           "<h2 id=\"sequence\">What happened</h2>\n<p>The client stands left, the "
                           "server right; numbers are those of frames.</p>\n");
        html_sequence(judgement, p.shown, p.events, out);
        buffer_printf(out, "</section>\n");
    }
    html_close(out, "");
    free(p.shown);
    free(p.events);
    sections_free(&p.sections);
}
