// SPDX-License-Identifier: Apache-2.0
#include "suite/plan.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"

static const char *const op_names[CASE_OPS] = {"decode", "encode"};

#define VERDICT_NAME(name) #name,
static const char *const verdict_names[] = {VERDICTS(VERDICT_NAME) "PENDING"};
#undef VERDICT_NAME

const char *case_op_name(enum case_op op) {
    return op_names[op];
}

const char *verdict_name(enum verdict verdict) {
    return verdict_names[verdict];
}

bool verdict_is_finding(enum verdict verdict) {
    return verdict == VERDICT_FAIL || verdict == VERDICT_XPASS || verdict == VERDICT_CRASH ||
           verdict == VERDICT_TIMEOUT;
}

void case_result_free(struct case_result *result) {
    free(result->expected);
    free(result->got);
    free(result->output);
    free(result->pointer);
    free(result->answer);
    *result = (struct case_result){.verdict = VERDICT_PENDING};
}

bool plan_has_case(const struct vector *vector, enum case_op op) {
    return op == CASE_DECODE ? vector->has_octets : vector->strict.value != NULL;
}

bool plan_matches(const char *pattern, const char *vector_id, const char *case_id) {
    return fnmatch(pattern, vector_id, 0) == 0 || fnmatch(pattern, case_id, 0) == 0;
}

// ---- citations ----------------------------------------------------------------------------------

static bool check_citations(const struct vector *v, const struct catalogue *catalogue,
                            char **error) {
    size_t i;
    json_t *id;
    json_array_foreach(v->requirements, i, id) {
        if (catalogue_find(catalogue, json_string_value(id)) == NULL) {
            *error = util_format("%s: /tests/%zu/requirements/%zu: %s is not in the catalogue",
                                 v->file, v->index, i, json_string_value(id));
            return false;
        }
    }
    return true;
}

// The highest level among the requirements that the vector cites.
static enum requirement_level cited_level(const struct vector *v,
                                          const struct catalogue *catalogue) {
    enum requirement_level level = LEVEL_NONE;
    size_t i;
    json_t *id;
    json_array_foreach(v->requirements, i, id) {
        const struct requirement *r = catalogue_find(catalogue, json_string_value(id));
        level = r != NULL && r->level > level ? r->level : level;
    }
    return level;
}

// ---- selection ----------------------------------------------------------------------------------

// Whether the case is selected; the patterns that it matches are marked.
static bool matches_selection(const struct plan_selection *s, const char *vector_id,
                              const char *case_id, bool *used) {
    bool matched = s->pattern_count == 0;
    for (size_t i = 0; i < s->pattern_count; i++) {
        if (plan_matches(s->patterns[i], vector_id, case_id)) {
            used[i] = true;
            matched = true;
        }
    }
    return matched;
}

static void add_case(struct plan *plan, const struct vector *v, enum case_op op, char *id) {
    plan->cases = grow_by_one(plan->cases, plan->count, sizeof *plan->cases);
    plan->cases[plan->count++] = (struct suite_case){
        .id = id, .vector = v, .op = op, .result = {.verdict = VERDICT_PENDING}};
}

static void add_vector(struct plan *plan, const struct vector *v,
                       const struct plan_selection *selection, bool level_met, bool *used) {
    const size_t before = plan->count;
    for (int op = 0; op < CASE_OPS; op++) {
        if (!plan_has_case(v, (enum case_op)op)) {
            continue;
        }
        char *id = util_format("%s/%s", v->id, op_names[op]);
        if (matches_selection(selection, v->id, id, used) && level_met) {
            add_case(plan, v, (enum case_op)op, id);
        } else {
            free(id);
        }
    }
    plan->vectors += plan->count > before;
}

bool plan_make(const struct vector_set *set, const struct catalogue *catalogue,
               const struct plan_selection *selection, struct plan *plan, char **error) {
    bool *used = util_alloc(selection->pattern_count + 1);
    bool ok = true;
    *plan = (struct plan){0};
    for (size_t i = 0; ok && i < set->count; i++) {
        const struct vector *v = &set->vectors[i];
        ok = catalogue == NULL || check_citations(v, catalogue, error);
        add_vector(plan, v, selection,
                   selection->level == LEVEL_NONE ||
                       (catalogue != NULL && cited_level(v, catalogue) >= selection->level),
                   used);
    }
    for (size_t i = 0; ok && i < selection->pattern_count; i++) {
        if (!used[i]) {
            *error = util_format("\"%s\" matches no vector and no case", selection->patterns[i]);
            ok = false;
        }
    }
    free(used);
    if (!ok) {
        plan_free(plan);
    }
    return ok;
}

void plan_free(struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->cases[i].id);
        case_result_free(&plan->cases[i].result);
    }
    free(plan->cases);
    *plan = (struct plan){0};
}
