// SPDX-License-Identifier: Apache-2.0
#include "rules/state.h"

void batch_on_call(const struct sight *s) {
    (void)s;
}

void batch_forget(struct rules *rules, struct rules_handle *handle) {
    (void)rules;
    (void)handle;
}

void batch_on_blind(struct rules *rules, struct rules_group *group) {
    (void)rules;
    (void)group;
}

void batch_end(struct rules *rules) {
    (void)rules;
}
