// SPDX-License-Identifier: Apache-2.0
#include "testee/faults.h"

#include <string.h>

static const struct testee_fault_row rows[TESTEE_FAULTS] = {
    {JSON_TYPES, "none", NULL, VERDICT_PASS, "", "nothing is wrong"},
#define TESTEE_ACCEPTS(ID, type, name, code, cases, what)                                          \
    {JSON_TYPE_##type, name, code, VERDICT_FAIL, cases, what},
#define TESTEE_FAULT(ID, type, name, verdict, cases, what)                                         \
    {JSON_TYPE_##type, name, NULL, VERDICT_##verdict, cases, what},
#include "testee/faults.def"
};

const struct testee_fault_row *testee_fault_row(enum testee_fault fault) {
    return &rows[fault];
}

enum testee_fault testee_fault_named(const char *name) {
    int i = 0;
    while (i < TESTEE_FAULTS && strcmp(rows[i].name, name) != 0) {
        i++;
    }
    return (enum testee_fault)i;
}
