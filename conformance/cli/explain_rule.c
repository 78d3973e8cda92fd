// SPDX-License-Identifier: Apache-2.0
// cmrp explain: requirements of the catalogue and the rules that judge by them.
#include <stdlib.h>
#include <string.h>

#include "cli/coverage.h"
#include "cli/explain.h"
#include "suite/shown.h"

enum {
    STEP = 150, // characters of one step of a sequence
    STEPS = 40, // steps that are shown
};

static void put_prose(struct buffer *out, const char *text) {
    shown_text(out, text, strlen(text));
}

// ---- sequences ----------------------------------------------------------------------------------

// Each element of an array as JSON in one line.
static void put_elements(struct buffer *out, const char *title, const json_t *array) {
    const size_t count = json_array_size(array);
    if (count == 0) {
        return;
    }
    buffer_printf(out, "  %s:\n", title);
    for (size_t i = 0; i < count && i < STEPS; i++) {
        char *text = json_dumps(json_array_get(array, i), JSON_COMPACT);
        const size_t n = strlen(text);
        buffer_printf(out, "    ");
        shown_text(out, text, n < STEP ? n : STEP);
        buffer_printf(out, "%s\n", n < STEP ? "" : " …");
        free(text);
    }
    if (count > STEPS) {
        buffer_printf(out, "    … %zu in all\n", count);
    }
}

static void put_steps(struct buffer *out, const struct ledger_sequence *sequence) {
    const char *like = json_string_value(json_object_get(sequence->json, "like"));
    buffer_printf(out, "  ");
    put_prose(out, sequence->comment);
    buffer_printf(out, "\n");
    if (like != NULL) {
        buffer_printf(out, "  like %s, but for\n", like);
    }
    put_elements(out, "steps", json_object_get(sequence->json, "steps"));
    put_elements(out, "edits", json_object_get(sequence->json, "edits"));
    put_elements(out, "findings", json_object_get(sequence->json, "findings"));
    if (json_is_true(json_object_get(sequence->json, "complete"))) {
        buffer_printf(out,
                      "  see it: cmrp export %s --as pcap >x.pcap; cmrp conform -r x.pcap "
                      "--complete\n",
                      sequence->id);
    } else {
        buffer_printf(out, "  see it: cmrp export %s --as pcap | cmrp conform -r -\n",
                      sequence->id);
    }
    buffer_printf(out,
                  "    (calls without \"auth\" are in clear there: findings of authentication-… "
                  "come of that)\n");
}

static void put_sequence(struct buffer *out, const struct ledger_sequence *sequence) {
    buffer_printf(out, "example: %s breaks it\n", sequence->id);
    put_steps(out, sequence);
}

bool explain_sequence(struct buffer *out, const struct explain_sources *s, const char *id) {
    for (size_t i = 0; i < s->ledger.sequence_count; i++) {
        const struct ledger_sequence *sequence = &s->ledger.sequences[i];
        if (strcmp(sequence->id, id) == 0) {
            buffer_printf(out, "%s: sequence of calls (%s)\n", sequence->id, sequence->file);
            put_steps(out, sequence);
            return true;
        }
    }
    return false;
}

static void put_breaks(struct buffer *out, const struct ledger *ledger, const char *rule,
                       const char *indent) {
    const struct ledger_sequence *sequence;
    size_t at = 0;
    bool any = false;
    while ((sequence = ledger_next_break(ledger, rule, &at)) != NULL) {
        buffer_printf(out, "%s%s", any ? " " : indent, any ? "" : "broken by: ");
        buffer_printf(out, "%s", sequence->id);
        any = true;
    }
    buffer_printf(out, "%s", any ? "\n" : "");
}

// ---- a requirement ------------------------------------------------------------------------------

static void put_rules(struct buffer *out, const struct ledger *ledger,
                      const struct ledger_row *row) {
    if (row->rule_count > 0) {
        buffer_printf(out, "  rules that judge by it: %zu\n", row->rule_count);
    }
    for (size_t i = 0; i < row->rule_count; i++) {
        const struct rule *rule = rules_at(row->rules[i]);
        buffer_printf(out, "    %s (%s): %s\n", rule->name, rules_role_name(rule->role),
                      rule->advice);
        put_breaks(out, ledger, rule->name, "      ");
    }
}

// The vector with the fewest octets that is to be read, else the one to be refused.
static const struct vector *smallest(const struct ledger_row *row) {
    const struct vector *best = NULL;
    for (size_t i = 0; i < row->vector_count; i++) {
        const struct vector *v = row->vectors[i];
        const bool worse =
            best != NULL && best->strict.result == VECTOR_VALID && v->strict.result != VECTOR_VALID;
        const bool better =
            best == NULL ||
            (best->strict.result != VECTOR_VALID && v->strict.result == VECTOR_VALID) ||
            v->octets.size < best->octets.size;
        if (v->has_octets && !worse && better) {
            best = v;
        }
    }
    return best;
}

static void put_example(struct buffer *out, const struct explain_sources *s,
                        const struct ledger_row *row) {
    const struct ledger_sequence *sequence = NULL;
    for (size_t i = 0; i < row->rule_count && sequence == NULL; i++) {
        size_t at = 0;
        sequence = ledger_next_break(&s->ledger, rules_at(row->rules[i])->name, &at);
    }
    const struct vector *v = smallest(row);
    if (sequence != NULL) {
        put_sequence(out, sequence);
    } else if (v != NULL) {
        buffer_printf(out, "example: %s\n  ", v->id);
        put_prose(out, v->comment);
        buffer_printf(out, "\n");
        explain_octets(out, s, v);
    }
}

bool explain_requirement(struct buffer *out, const struct explain_sources *s, const char *id) {
    const struct ledger_row *row = ledger_find(&s->ledger, id);
    if (row == NULL) {
        return false;
    }
    const struct requirement *r = row->requirement;
    buffer_printf(out, "%s: requirement, %s [", r->id, requirement_level_name(r->level));
    catalogue_cite(out, r);
    buffer_printf(out, "]\n  %s\n", r->statement);
    buffer_printf(out, "  concerns: %s (%s), protocol %s\n", r->subjects, r->role, r->protocol);
    buffer_printf(out, "  testable by: %s\n  %s: ", r->testable, ledger_state_name(row->state));
    coverage_describe(out, &s->ledger, row);
    buffer_printf(out, "\n");
    explain_vectors(out, &s->vectors, "vectors that cite it", id, vector_cites);
    put_rules(out, &s->ledger, row);
    put_example(out, s, row);
    return true;
}

// ---- a rule -------------------------------------------------------------------------------------

bool explain_rule(struct buffer *out, const struct explain_sources *s, const char *name) {
    const size_t index = rules_named(name);
    if (index == rules_count()) {
        return false;
    }
    const struct rule *rule = rules_at(index);
    const struct requirement *r = catalogue_find(&s->catalogue, rule->requirement);
    size_t at = 0;
    buffer_printf(out, "%s: rule, %s of the %s [%s]\n", rule->name, rule->must ? "MUST" : "SHOULD",
                  rules_role_name(rule->role), rule->section);
    buffer_printf(out, "  to change: %s\n", rule->advice);
    if (rule->complete) {
        buffer_printf(out,
                      "  only with --complete: it needs every call that the server received\n");
    }
    if (r != NULL) {
        buffer_printf(out, "  requirement:\n  ");
        explain_statement(out, r);
    }
    put_breaks(out, &s->ledger, rule->name, "  ");
    const struct ledger_sequence *sequence = ledger_next_break(&s->ledger, rule->name, &at);
    if (sequence != NULL) {
        put_sequence(out, sequence);
    }
    return true;
}
