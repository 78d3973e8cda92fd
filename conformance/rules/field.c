// SPDX-License-Identifier: Apache-2.0
// Parameters of one call.
#include "rules/state.h"

void field_on_call(const struct sight *s) {
    (void)s;
}
