// SPDX-License-Identifier: Apache-2.0
// Findings that are taken back. That something is missing often shows only later, when rules have
// concluded from the state that it would have changed.
#include "rules/state.h"

#include <utlist.h>

enum {
    KEPT = 1 << 16, // findings that can be taken back
    REORDERED = 64, // packets that a capture may hold in another order (capture/capture.h)
};

struct past { // a finding of an association
    uint64_t number;
    uint64_t frame;
    size_t rule;
    struct rules_counter *counter;
    struct past *prev, *next;
};

// Rules that look at nothing but the call or the bind: what they find stays true.
static const bool plain[RULE_COUNT] = {
#define RULE(id, name, requirement, level, role, section, advice) [RULE_##id] = true,
#include "rules/bind.def"
#include "rules/field.def"
#undef RULE
};

static void forget(struct rules *r, struct rules_group *group, struct past *past) {
    DL_DELETE(group->past, past);
    r->past_count--;
    free(past);
}

void withdraw_note(struct rules *r, struct rules_group *group, struct rules_counter *counter,
                   const struct rules_finding *f) {
    if (group == NULL || plain[f->rule]) {
        return;
    }
    if (r->past_count >= KEPT && group->past != NULL) {
        forget(r, group, group->past);
    }
    if (r->past_count >= KEPT) {
        return;
    }
    struct past *past = util_alloc(sizeof *past);
    *past =
        (struct past){.number = f->number, .frame = f->frame, .rule = f->rule, .counter = counter};
    DL_APPEND(group->past, past);
    r->past_count++;
}

void withdraw_since(struct rules *r, struct rules_group *group, uint64_t since) {
    struct past *past, *next;
    DL_FOREACH_SAFE(group->past, past, next) {
        if (past->frame + REORDERED < since) {
            continue;
        }
        past->counter->findings[past->rule]--;
        past->counter->checked[past->rule]--;
        if (r->events.withdrawn != NULL) {
            r->events.withdrawn(r->events.context, past->rule, past->number);
        }
        forget(r, group, past);
    }
}

void withdraw_forget(struct rules *r, struct rules_group *group) {
    while (group->past != NULL) {
        forget(r, group, group->past);
    }
}
