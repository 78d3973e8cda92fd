// SPDX-License-Identifier: Apache-2.0
// Exit codes of the program, and which one wins when several apply.
#ifndef UTIL_OUTCOME_H
#define UTIL_OUTCOME_H

enum outcome {
    OUTCOME_OK = 0,         // everything planned ran and met expectations
    OUTCOME_FINDINGS = 1,   // invalid input, a failed case, a difference
    OUTCOME_USAGE = 2,      // usage, configuration, an unreadable or schema-breaking file
    OUTCOME_UNREACHED = 3,  // a target or testee could not be reached or started
    OUTCOME_INCOMPLETE = 4, // cases not run; a capture cut off
    OUTCOME_INTERNAL = 5,   // an error of the program itself
};

// The more important of two: the first of 5, 3, 2, 1, 4, 0.
enum outcome outcome_worst(enum outcome a, enum outcome b);

#endif
