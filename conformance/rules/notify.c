// SPDX-License-Identifier: Apache-2.0
#include "rules/state.h"

void notify_on_call(const struct sight *s) {
    (void)s;
}

void notify_forget(struct rules *rules, struct rules_handle *handle) {
    (void)rules;
    (void)handle;
}

void notify_on_blind(struct rules *rules, struct rules_group *group) {
    (void)rules;
    (void)group;
}

void notify_end(struct rules *rules) {
    (void)rules;
}
