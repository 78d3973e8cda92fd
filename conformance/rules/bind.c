// SPDX-License-Identifier: Apache-2.0
// Presentation contexts and security.
#include "rules/state.h"

void bind_on_bind(const struct sight *s) {
    (void)s;
}

void bind_on_call(const struct sight *s) {
    (void)s;
}
