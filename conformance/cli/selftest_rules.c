// SPDX-License-Identifier: Apache-2.0
// The rules' part of cmrp selftest.
#include <stdlib.h>
#include <string.h>

#include "cli/selftest.h"
#include "judge/judge.h"
#include "judge/prove.h"
#include "util/text.h"

static const char *name_of(const struct prove_rule *r) {
    return r->rule != NULL ? r->rule->name : JUDGE_ENCODING;
}

static const char *state_of(const struct prove_rule *r) {
    return r->broken == 0 ? "SURVIVES" : r->kept == 0 ? "UNPROVEN" : "caught";
}

// ---- text ---------------------------------------------------------------------------------------

static void put_rules(struct selftest *s, const struct prove *p) {
    int width = 4;
    for (size_t i = 0; i < p->rule_count; i++) {
        const int n = (int)strlen(name_of(&p->rules[i]));
        width = n > width ? n : width;
    }
    bool titled = false;
    for (size_t i = 0; i < p->rule_count; i++) {
        const struct prove_rule *r = &p->rules[i];
        if (!s->verbose && r->broken > 0 && r->kept > 0) {
            continue;
        }
        if (!titled) {
            buffer_printf(&s->text, "%-*s  %-8s  %6s  %4s  caught in\n", width, "rule", "",
                          "broken", "kept");
            titled = true;
        }
        buffer_printf(&s->text, "%-*s  %-8s  %6zu  %4zu  %s\n", width, name_of(r), state_of(r),
                      r->broken, r->kept, r->broken_by != NULL ? r->broken_by->id : "-");
    }
}

static void put_faults(struct selftest *s, const struct prove *p) {
    for (size_t i = 0; i < p->fault_count; i++) {
        const struct prove_fault *f = &p->faults[i];
        if (f->unchanged) {
            buffer_printf(&s->text, "%s is no other than %s\n", f->sequence->id,
                          f->sequence->like->id);
            continue;
        }
        buffer_printf(&s->text, "%s is not judged as it says:\n", f->sequence->id);
        for (const char *line = f->difference; *line != '\0';) {
            const size_t n = strcspn(line, "\n");
            buffer_printf(&s->text, "    ");
            text_escape(&s->text, line, n);
            buffer_printf(&s->text, "\n");
            line += n + (line[n] == '\n');
        }
    }
}

static void put_summary(struct selftest *s, const struct prove *p) {
    buffer_printf(&s->text,
                  "rules: %zu of %zu are broken and caught, %zu are found kept; %zu sequences, %zu "
                  "of them doctored; %zu prove nothing\n",
                  p->broken, p->rule_count, p->kept, p->sequences, p->doctored, p->fault_count);
}

// ---- JSON ---------------------------------------------------------------------------------------

static json_t *id_of(const struct sequence *q) {
    return q != NULL ? json_string(q->id) : json_null();
}

static void fill_json(json_t *out, const struct prove *p) {
    json_t *rules = json_array(), *faults = json_array();
    for (size_t i = 0; i < p->rule_count; i++) {
        const struct prove_rule *r = &p->rules[i];
        json_t *row = json_object();
        json_object_set_new(row, "rule", json_string(name_of(r)));
        if (r->rule != NULL) {
            json_object_set_new(row, "requirement", json_string(r->rule->requirement));
        }
        json_object_set_new(row, "caught", json_boolean(r->broken > 0));
        json_object_set_new(row, "broken", json_integer((json_int_t)r->broken));
        json_object_set_new(row, "broken_by", id_of(r->broken_by));
        json_object_set_new(row, "kept", json_integer((json_int_t)r->kept));
        json_object_set_new(row, "kept_by", id_of(r->kept_by));
        json_array_append_new(rules, row);
    }
    for (size_t i = 0; i < p->fault_count; i++) {
        const struct prove_fault *f = &p->faults[i];
        json_t *row = json_object();
        json_object_set_new(row, "sequence", id_of(f->sequence));
        json_object_set_new(row, "unchanged", json_boolean(f->unchanged));
        if (f->difference != NULL) {
            json_object_set_new(row, "difference", json_string(f->difference));
        }
        json_array_append_new(faults, row);
    }
    json_object_set_new(out, "holds", json_boolean(prove_holds(p)));
    json_object_set_new(out, "sequences", json_integer((json_int_t)p->sequences));
    json_object_set_new(out, "doctored", json_integer((json_int_t)p->doctored));
    json_object_set_new(out, "rules", rules);
    json_object_set_new(out, "faults", faults);
}

enum outcome selftest_rules(struct selftest *s) {
    struct sequence_set set;
    struct prove prove;
    char *error = NULL;
    if (!sequence_set_load(s->vectors, &set, &error)) {
        const enum outcome failed = cli_refuse(error);
        return failed;
    }
    if (set.count == 0) {
        sequence_set_free(&set);
        return cli_fail(OUTCOME_USAGE, "%s: no sequences (DIR/sequence/*.json)", s->vectors);
    }
    prove_rules(&set, &prove);
    put_faults(s, &prove);
    put_rules(s, &prove);
    put_summary(s, &prove);
    fill_json(s->json, &prove);
    const bool holds = prove_holds(&prove);
    prove_free(&prove);
    sequence_set_free(&set);
    return holds ? OUTCOME_OK : OUTCOME_FINDINGS;
}
