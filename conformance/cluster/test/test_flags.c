// SPDX-License-Identifier: Apache-2.0
// The names of changes that the cluster uses are those of the codec's table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster/flags.h"
#include "cmrp/change.h"

static void test_flags_are_those_of_the_codec(void **state) {
    static const struct {
        unsigned set;
        uint64_t value;
        const char *name;
    } flags[] = {
#define FLAG(set, value, name) {CMRP_SET_##set, value, #name},
        CLUSTER_FLAGS(FLAG)
#undef FLAG
    };
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const cmrp_change_flag *known =
            cmrp_change_flag_named(cmrp_change_set_at(flags[i].set), flags[i].name);
        if (known == NULL) {
            fail_msg("%s is not in its set", flags[i].name);
        } else if (known->value != flags[i].value) {
            fail_msg("%s is 0x%llx", flags[i].name, (unsigned long long)known->value);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_are_those_of_the_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
