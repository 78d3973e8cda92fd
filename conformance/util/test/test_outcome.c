// SPDX-License-Identifier: Apache-2.0
// Which outcome wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "util/outcome.h"

static void the_worst_outcome_wins(void **state) {
    (void)state;
    static const enum outcome order[] = {OUTCOME_INTERNAL, OUTCOME_UNREACHED,  OUTCOME_USAGE,
                                         OUTCOME_FINDINGS, OUTCOME_INCOMPLETE, OUTCOME_OK};
    static const int codes[] = {5, 3, 2, 1, 4, 0};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(order[i], codes[i]);
        for (size_t j = i; j < 6; j++) {
            assert_int_equal(outcome_worst(order[i], order[j]), order[i]);
            assert_int_equal(outcome_worst(order[j], order[i]), order[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_outcome_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
