// SPDX-License-Identifier: Apache-2.0
// What a broken testee does wrong: the faults of cmrp-testee-c --fault, each with a case of the
// suite that must catch it. They prove that the suite can fail.
#ifndef TESTEE_FAULTS_H
#define TESTEE_FAULTS_H

#include "suite/plan.h"

// Numbers of the faults; 0 is none.
enum testee_fault {
    TESTEE_FAULT_NONE,
#define TESTEE_ACCEPTS(ID, type, name, code, cases, what)  TESTEE_FAULT_##ID,
#define TESTEE_FAULT(ID, type, name, verdict, cases, what) TESTEE_FAULT_##ID,
#include "testee/faults.def"
#undef TESTEE_ACCEPTS
#undef TESTEE_FAULT
    TESTEE_FAULTS
};

struct testee_fault_row {
    enum json_type type; // of the requests that it concerns
    const char *name;    // "batch-pad-left-out"
    const char *code;    // accepts what is refused with this code; else NULL
    enum verdict verdict;
    const char *cases; // one case that must end with this verdict
    const char *what;  // what is wrong, in a few words
};

// The rows, from TESTEE_FAULT_NONE on (its name is "none").
const struct testee_fault_row *testee_fault_row(enum testee_fault fault);
// TESTEE_FAULTS for a name that there is not.
enum testee_fault testee_fault_named(const char *name);

#endif
