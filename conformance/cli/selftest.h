// SPDX-License-Identifier: Apache-2.0
// The parts of cmrp selftest: each plays faults and tells whether all of them were caught.
#ifndef CLI_SELFTEST_H
#define CLI_SELFTEST_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/cli.h"
#include "util/buffer.h"

struct selftest {
    const char *vectors; // directory
    const char *testee;  // command of cmrp-testee-c; NULL: the one beside this program
    bool verbose;        // every row, not only those that need a look
    struct buffer text;  // what a part says, in lines
    json_t *json;        // an object that a part fills in
};

// OUTCOME_FINDINGS where a fault survived or was none; OUTCOME_USAGE where files cannot be read,
// after saying why.
enum outcome selftest_rules(struct selftest *s); // doctored captures: one for each rule
// OUTCOME_UNREACHED, too, where the testee cannot be started.
enum outcome selftest_testees(struct selftest *s); // broken testees: one for each kind of fault

#endif
