// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/judgement_parts.h"
#include "suite/shown.h"

enum {
    BRIEF = 5,  // findings of a case that are shown unless verbose
    AROUND = 8, // octets that are shown before and behind the wrong ones
    WRONG = 32, // wrong octets that are shown
    COUNT = 8,  // width of a column
};

struct text {
    const struct judgement *j;
    struct buffer *out;
    bool colour;
    bool verbose;
};

static const char *tint(const struct text *t, const char *code) {
    return t->colour ? code : "";
}

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define FAINT  "\033[2m"
#define END    "\033[0m"

static const char *verdict_tint(const struct text *t, enum verdict verdict) {
    return tint(t, verdict == VERDICT_PASS ? GREEN : verdict == VERDICT_XFAIL ? YELLOW : RED);
}

static void put(const struct text *t, const char *text) {
    shown_text(t->out, text, strlen(text));
}

// Takes what has been collected and empties it.
static void put_buffer(const struct text *t, struct buffer *text) {
    put(t, buffer_text(text));
    buffer_free(text);
}

// ---- findings -----------------------------------------------------------------------------------

static void put_run(const struct text *t, const struct judge_finding *f, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        buffer_printf(t->out, "%s%02x", i > from ? " " : "", f->octets.data[i]);
    }
}

// "… 04 00 [05 00 00 00] 00 00 …  (28 in all)"
static void put_octets(const struct text *t, const struct judge_finding *f) {
    size_t from;
    size_t to;
    if (!judgement_wrong(f, &from, &to)) {
        return;
    }
    const size_t start = from > AROUND ? from - AROUND : 0;
    const size_t cut = to - from > WRONG ? from + WRONG : to;
    const size_t end = f->octets.size - to > AROUND ? to + AROUND : f->octets.size;
    buffer_printf(t->out, "    octets: %s", start > 0 || f->octets_at > 0 ? "… " : "");
    put_run(t, f, start, from);
    buffer_printf(t->out, "%s%s[", from > start ? " " : "", tint(t, RED));
    put_run(t, f, from, cut);
    buffer_printf(t->out, "%s]%s%s", cut < to ? " …" : "", tint(t, END), end > to ? " " : "");
    put_run(t, f, to, end);
    buffer_printf(t->out, "%s  (%llu in all)\n", f->octets_at + end < f->whole ? " …" : "",
                  (unsigned long long)f->whole);
}

static void put_finding(const struct text *t, const struct judge_case *c,
                        const struct judge_finding *f) {
    struct buffer line = {0};
    const bool expected = c->verdict == VERDICT_XFAIL;
    put(t, t->j->capture);
    buffer_printf(t->out, ": frame %llu: %s%s%s %s", (unsigned long long)f->frame,
                  tint(t, expected ? YELLOW : RED),
                  expected ? verdict_name(c->verdict) : judge_level_name(f->level), tint(t, END),
                  c->id);
    buffer_printf(&line, ": ");
    judgement_where(f, &line);
    buffer_printf(&line, ": %s [", f->message);
    judgement_citation(f->section, f->requirement, &line);
    buffer_printf(&line, "]");
    put_buffer(t, &line);
    buffer_printf(t->out, "\n    change: ");
    put(t, f->advice);
    buffer_printf(t->out, "\n");
    put_octets(t, f);
}

static void put_findings(const struct text *t) {
    bool any = false;
    for (size_t i = 0; i < t->j->case_count; i++) {
        const struct judge_case *c = &t->j->cases[i];
        const struct judge_finding *first;
        const size_t kept = judgement_kept(t->j, c, &first);
        const size_t shown = t->verbose || kept <= BRIEF ? kept : BRIEF;
        if (c->verdict == VERDICT_XPASS) {
            buffer_printf(t->out, "%sXPASS%s %s  passed, expected: %s (", tint(t, RED),
                          tint(t, END), c->id, verdict_name(c->xfail->verdict));
            put(t, c->xfail->reason);
            buffer_printf(t->out, ")\n");
            any = true;
        }
        if (c->verdict != VERDICT_FAIL && !t->verbose) {
            continue;
        }
        for (size_t k = 0; k < shown; k++) {
            put_finding(t, c, &first[k]);
        }
        if (c->found > shown) {
            buffer_printf(t->out, "    … %llu more of %s\n", (unsigned long long)(c->found - shown),
                          c->id);
        }
        any = any || c->found > 0;
    }
    buffer_printf(t->out, "%s", any ? "\n" : "");
}

// ---- tables -------------------------------------------------------------------------------------

static int name_width(const struct judgement *j) {
    int width = 5;
    for (size_t i = 0; i < j->party_count; i++) {
        struct buffer name = {0};
        judgement_party(&j->parties[i], &name);
        width = (int)name.size > width ? (int)name.size : width;
        buffer_free(&name);
    }
    return width;
}

static void put_row(const struct text *t, const char *name, int width, uint64_t calls,
                    const struct judge_counts counts[JUDGE_LEVELS],
                    const size_t all[VERDICT_COUNT]) {
    size_t verdicts[VERDICT_COUNT];
    judgement_verdicts(counts, verdicts);
    buffer_printf(t->out, "%-*s %*llu %*llu", width, name, COUNT, (unsigned long long)calls, COUNT,
                  (unsigned long long)(counts[JUDGE_MUST].checked + counts[JUDGE_SHOULD].checked));
    for (int v = 0; v < VERDICT_COUNT; v++) {
        if (all[v] > 0) {
            buffer_printf(t->out, " %*zu", COUNT, verdicts[v]);
        }
    }
    for (int level = 0; level <= (t->j->should ? JUDGE_SHOULD : JUDGE_MUST); level++) {
        buffer_printf(t->out, " %*llu", COUNT, (unsigned long long)counts[level].findings);
    }
    buffer_printf(t->out, "\n");
}

// A line for each party: calls, how often rules could tell, cases by verdict, findings by level.
static void put_parties(const struct text *t) {
    const struct judgement *j = t->j;
    const int width = name_width(j);
    size_t all[VERDICT_COUNT];
    judgement_verdicts(j->counts, all);
    if (j->party_count == 0) {
        return;
    }
    buffer_printf(t->out, "%-*s %*s %*s", width, "party", COUNT, "calls", COUNT, "checked");
    for (int v = 0; v < VERDICT_COUNT; v++) {
        if (all[v] > 0) {
            buffer_printf(t->out, " %*s", COUNT, verdict_name((enum verdict)v));
        }
    }
    buffer_printf(t->out, " %*s%s\n", COUNT, "MUST", j->should ? "   SHOULD" : "");
    for (size_t i = 0; i < j->party_count; i++) {
        const struct judge_party *p = &j->parties[i];
        struct buffer name = {0};
        judgement_party(p, &name);
        put_row(t, buffer_text(&name), width, p->calls, p->counts, all);
        buffer_free(&name);
    }
}

static void put_cases(const struct text *t) {
    for (size_t i = 0; t->verbose && i < t->j->case_count; i++) {
        const struct judge_case *c = &t->j->cases[i];
        struct buffer citation = {0};
        buffer_printf(t->out, "%s%-5s%s %s  checked %llu, found %llu", verdict_tint(t, c->verdict),
                      verdict_name(c->verdict), tint(t, END), c->id, (unsigned long long)c->checked,
                      (unsigned long long)c->found);
        judgement_citation(c->section, c->requirement, &citation);
        if (citation.size > 0) {
            buffer_printf(t->out, "  [%s]", buffer_text(&citation));
        }
        buffer_printf(t->out, "\n");
        buffer_free(&citation);
    }
    for (size_t i = 0; t->verbose && i < t->j->not_exercised_count; i++) {
        const struct rule *rule = t->j->not_exercised[i];
        buffer_printf(t->out, "%snot exercised%s %s/%s  [%s, %s]\n", tint(t, FAINT), tint(t, END),
                      rule->name, rules_role_name(rule->role), rule->section, rule->requirement);
    }
    buffer_printf(t->out, "%s", t->verbose && t->j->case_count > 0 ? "\n" : "");
}

// ---- the whole ----------------------------------------------------------------------------------

static void put_notes(const struct text *t) {
    const struct judgement *j = t->j;
    for (size_t i = 0; i < j->note_count; i++) {
        buffer_printf(t->out, "note: ");
        if (j->notes[i].frame > 0) {
            buffer_printf(t->out, "frame %llu: ", (unsigned long long)j->notes[i].frame);
        }
        put(t, j->notes[i].text);
        buffer_printf(t->out, "\n");
    }
    if (j->more_notes > 0) {
        buffer_printf(t->out, "note: %llu notes more\n", (unsigned long long)j->more_notes);
    }
    if (j->failed) {
        buffer_printf(t->out, "note: the capture was not read to its end: ");
        put(t, j->failure);
        buffer_printf(t->out, "\n");
    }
}

static void put_last_line(const struct text *t) {
    const struct judgement *j = t->j;
    const size_t rules = j->rules;
    struct buffer line = {0};
    const bool bad = j->counts[JUDGE_MUST].verdicts[VERDICT_FAIL] +
                         j->counts[JUDGE_SHOULD].verdicts[VERDICT_FAIL] +
                         j->counts[JUDGE_MUST].verdicts[VERDICT_XPASS] +
                         j->counts[JUDGE_SHOULD].verdicts[VERDICT_XPASS] >
                     0;
    judgement_sentence(j, &line);
    buffer_printf(t->out, "%s%s%s; %llu call%s, %zu of %zu rules exercised",
                  tint(t, bad ? RED : GREEN), buffer_text(&line), tint(t, END),
                  (unsigned long long)j->calls, j->calls == 1 ? "" : "s",
                  rules - j->not_exercised_count, rules);
    if (j->unselected_should > 0) {
        buffer_printf(t->out, "; --level should would show %llu more",
                      (unsigned long long)j->unselected_should);
    }
    buffer_printf(t->out, "\n");
    buffer_free(&line);
}

void judgement_text(const struct judgement *judgement, bool colour, bool verbose,
                    struct buffer *out) {
    const struct text t = {judgement, out, colour, verbose};
    put_findings(&t);
    put_cases(&t);
    put_parties(&t);
    put_notes(&t);
    put_last_line(&t);
}
