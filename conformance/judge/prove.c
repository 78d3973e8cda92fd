// SPDX-License-Identifier: Apache-2.0
#include "judge/prove.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"

static void add_fault(struct prove *p, const struct sequence *q, bool unchanged, char *text) {
    p->faults = grow_by_one(p->faults, p->fault_count, sizeof *p->faults);
    p->faults[p->fault_count++] =
        (struct prove_fault){.sequence = q, .unchanged = unchanged, .difference = text};
}

// Where it could tell more often than it found something, it was kept.
static void count(struct prove_rule *r, const struct sequence *q, uint64_t checked, uint64_t found,
                  uint64_t ignored) {
    if (found > 0) {
        r->broken_by = r->broken == 0 ? q : r->broken_by;
        r->broken++;
    }
    if (checked > found + ignored) {
        r->kept_by = r->kept == 0 ? q : r->kept_by;
        r->kept++;
    }
}

static void play_one(struct prove *p, const struct sequence *q) {
    struct play play;
    char *error = NULL;
    if (!play_sequence(q, &play, &error)) {
        add_fault(p, q, false, error);
        return;
    }
    if (play.as_expected) {
        for (size_t i = 0; i < rules_count(); i++) {
            count(&p->rules[i], q, play.checked[i], play.found[i], play.ignored[i]);
        }
        count(&p->rules[rules_count()], q, play.decoded, play.encoding, 0);
    } else {
        add_fault(p, q, false, util_strdup(play.difference));
    }
    play_free(&play);
}

// Whether the edits of a sequence change an octet of what it is like.
static bool is_changed(const struct sequence *q) {
    struct sequence_capture mine, base;
    char *error = NULL;
    if (!sequence_make(q, &mine, &error)) {
        free(error);
        return true; // play_one says so
    }
    bool changed = true;
    if (sequence_make(q->like, &base, &error)) {
        changed = mine.octets.size != base.octets.size ||
                  memcmp(mine.octets.data, base.octets.data, base.octets.size) != 0;
        sequence_capture_free(&base);
    }
    free(error);
    sequence_capture_free(&mine);
    return changed;
}

void prove_rules(const struct sequence_set *set, struct prove *p) {
    *p = (struct prove){.rule_count = rules_count() + 1, .sequences = set->count};
    p->rules = util_alloc(p->rule_count * sizeof *p->rules);
    for (size_t i = 0; i < rules_count(); i++) {
        p->rules[i].rule = rules_at(i);
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct sequence *q = &set->sequences[i];
        p->doctored += q->like != NULL;
        play_one(p, q);
        if (q->like != NULL && !is_changed(q)) {
            add_fault(p, q, true, NULL);
        }
    }
    for (size_t i = 0; i < p->rule_count; i++) {
        p->broken += p->rules[i].broken > 0;
        p->kept += p->rules[i].kept > 0;
    }
}

bool prove_holds(const struct prove *p) {
    return p->fault_count == 0 && p->broken == p->rule_count && p->kept == p->rule_count;
}

void prove_free(struct prove *p) {
    for (size_t i = 0; i < p->fault_count; i++) {
        free(p->faults[i].difference);
    }
    free(p->faults);
    free(p->rules);
    *p = (struct prove){0};
}
