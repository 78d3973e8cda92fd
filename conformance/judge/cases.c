// SPDX-License-Identifier: Apache-2.0
// Cases and their verdicts: which are selected, which were expected to fail.
#include <fnmatch.h>
#include <string.h>

#include "judge/state.h"
#include "suite/grow.h"

// A case that could be: a rule (rules_count: encoding) and a party.
struct candidate {
    struct judge_case c;
    size_t rule;
    bool wanted;  // by the patterns
    bool kept;    // by the level, too
    size_t index; // among the kept
};

struct making {
    struct judge *j;
    struct candidate *candidates;
    size_t count;
    bool *used; // patterns
};

static bool matches(const char *pattern, const char *text) {
    return text != NULL && fnmatch(pattern, text, 0) == 0;
}

// Whether some pattern is about this, marking all that are.
static bool wanted(struct making *m, const char *id, const char *name, const char *requirement) {
    const struct judge_options *o = m->j->options;
    bool any = o->pattern_count == 0;
    for (size_t i = 0; i < o->pattern_count; i++) {
        if (matches(o->patterns[i], id) || matches(o->patterns[i], name) ||
            matches(o->patterns[i], requirement)) {
            m->used[i] = true;
            any = true;
        }
    }
    return any;
}

// ---- candidates ---------------------------------------------------------------------------------

static const char *statement_of(const struct judge *j, const char *requirement) {
    const struct requirement *row = j->options->catalogue != NULL && requirement != NULL
                                        ? catalogue_find(j->options->catalogue, requirement)
                                        : NULL;
    return row != NULL ? row->statement : NULL;
}

static void add_candidate(struct making *m, size_t party, size_t rule) {
    const struct judge *j = m->j;
    const struct judge_tally *t = j->parties[party];
    const struct rule *r = rule < rules_count() ? rules_at(rule) : NULL;
    const struct judge_party *p = &j->out->parties[party];
    const bool should = j->options->should;
    struct candidate *n;
    m->candidates = grow_by_one(m->candidates, m->count, sizeof *m->candidates);
    n = &m->candidates[m->count++];
    *n = (struct candidate){.c = {.rule = r,
                                  .name = r != NULL ? r->name : JUDGE_ENCODING,
                                  .requirement = r != NULL ? r->requirement : NULL,
                                  .section = r != NULL ? r->section : NULL,
                                  .party = party,
                                  .level = r == NULL || r->must ? JUDGE_MUST : JUDGE_SHOULD,
                                  .checked = t->checked[rule],
                                  .found = t->found[rule] + (r == NULL && should ? t->shoulds : 0),
                                  .first_finding = JUDGE_NONE},
                            .rule = rule};
    n->c.statement = statement_of(j, n->c.requirement);
    n->c.id = util_format("%s/%s@%s", n->c.name, rules_role_name(p->role), p->address);
    n->wanted = wanted(m, n->c.id, n->c.name, n->c.requirement);
    n->kept = n->wanted && (n->c.level == JUDGE_MUST || should);
    n->c.verdict = n->c.found > 0 ? VERDICT_FAIL : VERDICT_PASS;
    if (!should && n->wanted) {
        j->out->unselected_should += r == NULL ? t->shoulds : r->must ? 0 : t->found[rule];
    }
}

static void list_candidates(struct making *m) {
    const struct judge *j = m->j;
    for (size_t party = 0; party < j->out->party_count; party++) {
        const struct judge_tally *t = j->parties[party];
        if (t->checked[rules_count()] + t->found[rules_count()] + t->shoulds > 0) {
            add_candidate(m, party, rules_count());
        }
        for (size_t rule = 0; rule < rules_count(); rule++) {
            if (t->checked[rule] > 0) {
                add_candidate(m, party, rule);
            }
        }
    }
}

static bool is_exercised(const struct judge *j, size_t rule) {
    for (size_t party = 0; party < j->out->party_count; party++) {
        if (j->parties[party]->checked[rule] > 0) {
            return true;
        }
    }
    return false;
}

// Rules that are asked for, and those of them that never could tell. Returns how many were left out
// because they are SHOULDs.
static size_t list_rules(struct making *m) {
    struct judgement *out = m->j->out;
    size_t left_out = 0;
    for (size_t rule = 0; rule < rules_count(); rule++) {
        const struct rule *r = rules_at(rule);
        if (!wanted(m, NULL, r->name, r->requirement)) {
            continue;
        }
        if (!r->must && !m->j->options->should) {
            left_out++;
            continue;
        }
        out->rules++;
        if (!is_exercised(m->j, rule)) {
            out->not_exercised = grow_by_one(out->not_exercised, out->not_exercised_count,
                                             sizeof(const struct rule *));
            out->not_exercised[out->not_exercised_count++] = r;
        }
    }
    wanted(m, NULL, JUDGE_ENCODING, NULL); // it is a name, whether or not anything was decoded
    return left_out;
}

// ---- what the user asked for --------------------------------------------------------------------

static bool check_patterns(const struct making *m, size_t left_out, char **error) {
    const struct judge_options *o = m->j->options;
    bool any = m->j->out->rules > 0;
    for (size_t i = 0; i < o->pattern_count; i++) {
        if (!m->used[i]) {
            *error = util_format("\"%.80s\" matches no rule, no requirement of one, and no case of "
                                 "this capture",
                                 o->patterns[i]);
            return false;
        }
    }
    for (size_t i = 0; i < m->count; i++) {
        any = any || m->candidates[i].kept;
    }
    if (!any && left_out > 0) {
        *error = util_strdup("nothing is selected: all of this is SHOULD, which --level should "
                             "adds");
        return false;
    }
    return true;
}

static bool apply_xfail(struct making *m, char **error) {
    const struct judge_options *o = m->j->options;
    const struct xfail *xfail = o->xfail;
    if (xfail == NULL) {
        return true;
    }
    for (size_t k = 0; k < xfail->count; k++) {
        if (xfail->lines[k].verdict != VERDICT_FAIL) {
            *error = util_format("%s: line %zu: what a capture shows can only FAIL, not %s",
                                 o->xfail_path, xfail->lines[k].number,
                                 verdict_name(xfail->lines[k].verdict));
            return false;
        }
    }
    bool *used = util_alloc(xfail->count + 1);
    bool ok = true;
    for (size_t i = 0; i < m->count; i++) {
        struct judge_case *c = &m->candidates[i].c;
        for (size_t k = 0; k < xfail->count; k++) {
            const struct xfail_line *line = &xfail->lines[k];
            if (matches(line->glob, c->id) || matches(line->glob, c->name)) {
                used[k] = true;
                c->xfail = line;
                c->verdict = xfail_verdict(line, c->verdict);
                break;
            }
        }
    }
    for (size_t k = 0; ok && k < xfail->count; k++) {
        if (!used[k]) {
            *error = util_format("%s: line %zu: \"%s\" matches no case of this capture that an "
                                 "earlier line leaves",
                                 o->xfail_path, xfail->lines[k].number, xfail->lines[k].glob);
            ok = false;
        }
    }
    free(used);
    return ok;
}

// ---- findings -----------------------------------------------------------------------------------

static struct candidate *case_of(const struct making *m, const struct judge_hit *hit) {
    for (size_t i = 0; i < m->count; i++) {
        struct candidate *n = &m->candidates[i];
        if (n->c.party == hit->party && n->rule == hit->rule) {
            return n->kept ? n : NULL;
        }
    }
    return NULL;
}

struct order {
    struct judge_hit hit;
    size_t of;
    size_t at;
};

static int by_case(const void *a, const void *b) {
    const struct order *x = a, *y = b;
    if (x->of != y->of) {
        return x->of < y->of ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

// Puts the hits in the order of their cases; those of no case go.
static void order_hits(const struct making *m) {
    struct judge *j = m->j;
    struct order *all = util_alloc((j->hit_count + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < j->hit_count; i++) {
        struct judge_hit *hit = &j->hits[i];
        const struct candidate *of = case_of(m, hit);
        if (of == NULL) {
            free(hit->finding.field);
            free(hit->finding.message);
            buffer_free(&hit->finding.octets);
            continue;
        }
        all[n] = (struct order){*hit, of->index, i};
        n++;
    }
    qsort(all, n, sizeof *all, by_case);
    for (size_t i = 0; i < n; i++) {
        j->hits[i] = all[i].hit;
        j->hits[i].finding.of = all[i].of;
    }
    j->hit_count = n;
    free(all);
}

// The findings stand as the hits do, so that their events can be found.
static void move_findings(const struct making *m) {
    struct judge *j = m->j;
    struct judgement *out = j->out;
    out->findings = util_alloc((j->hit_count + 1) * sizeof *out->findings);
    out->finding_count = j->hit_count;
    for (size_t i = 0; i < j->hit_count; i++) {
        struct judge_finding *f = &out->findings[i];
        struct judge_case *c = &out->cases[j->hits[i].finding.of];
        *f = j->hits[i].finding;
        j->hits[i].finding = (struct judge_finding){0};
        if (c->first_finding == JUDGE_NONE) {
            c->first_finding = i;
        }
        f->id = util_format("%s#%zu", c->id, ++c->kept);
    }
}

static void count(struct judge_counts *counts, const struct judge_case *c) {
    counts->cases++;
    counts->verdicts[c->verdict]++;
    counts->checked += c->checked;
    counts->findings += c->found;
}

static void take_cases(struct making *m) {
    struct judgement *out = m->j->out;
    out->cases = util_alloc((m->count + 1) * sizeof *out->cases);
    for (size_t i = 0; i < m->count; i++) {
        struct candidate *n = &m->candidates[i];
        if (!n->kept) {
            free(n->c.id);
            continue;
        }
        n->index = out->case_count;
        count(&out->counts[n->c.level], &n->c);
        count(&out->parties[n->c.party].counts[n->c.level], &n->c);
        out->cases[out->case_count++] = n->c;
    }
}

bool judge_make_cases(struct judge *j, char **error) {
    struct making m = {.j = j, .used = util_alloc(j->options->pattern_count + 1)};
    list_candidates(&m);
    const size_t left_out = list_rules(&m);
    const bool ok = check_patterns(&m, left_out, error) && apply_xfail(&m, error);
    if (ok) {
        uint64_t found = 0;
        take_cases(&m);
        order_hits(&m);
        move_findings(&m);
        for (size_t i = 0; i < j->out->case_count; i++) {
            found += j->out->cases[i].found;
        }
        j->out->more_findings = found > j->out->finding_count ? found - j->out->finding_count : 0;
    }
    for (size_t i = 0; !ok && i < m.count; i++) {
        free(m.candidates[i].c.id);
    }
    free(m.candidates);
    free(m.used);
    return ok;
}
