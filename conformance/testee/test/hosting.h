// SPDX-License-Identifier: Apache-2.0
// What the tests of the host share: runs against broken/broken.py, a testee that is broken in one
// way at a time. Its vectors are twelve change values; the broken case is TARGET.
#ifndef TESTEE_TEST_HOSTING_H
#define TESTEE_TEST_HOSTING_H

#include "testee/host.h"

#define TARGET "change-host-05/decode"

enum { CASES = 24 };

// A run that is over.
struct finished {
    struct plan plan;
    struct host_report report;
    enum outcome outcome;
    size_t counts[VERDICT_COUNT];
};

// What the next run does; reset before each test by hosting_prepare.
struct hosting {
    struct host_options options;
    struct plan_selection selection;
    const struct xfail *xfail; // or NULL
};
extern struct hosting hosting;

// For cmocka: setup of a test; setup and teardown of the group.
int hosting_prepare(void **state);
int hosting_load(void **state);
int hosting_unload(void **state);

void run_command(struct finished *f, const char *command);
// Runs broken.py; argument is cut into words as the rest of a command.
void run(struct finished *f, const char *behaviour, const char *argument);
// The same with a short time-out, into which the target is to run. On a busy machine others may run
// into it, too: then it is all done again with a longer one.
void run_into_timeout(struct finished *f, const char *behaviour, const char *argument);
void release(struct finished *f);

// Runs broken.py good on the decoding of the first vector with other octets.
void run_octets(struct finished *f, struct buffer octets);

const struct case_result *target(const struct finished *f);
void assert_contains(const char *text, const char *part);
// The target alone has this verdict, with these words; all others pass.
void assert_blamed(const struct finished *f, enum verdict verdict, const char *words);
// Runs a behaviour, for which the target is to be blamed so.
void expect_in_window(const char *behaviour, unsigned window, enum verdict verdict,
                      const char *words);
void expect(const char *behaviour, enum verdict verdict, const char *words);
// One request at a time and several: the same case is to blame.
void expect_any_window(const char *behaviour, enum verdict verdict, const char *words);

#endif
