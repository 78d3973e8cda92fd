// SPDX-License-Identifier: Apache-2.0
// Which cases are to be run, and what became of each.
//
// A vector with octets is a case VECTOR-ID/decode; one with a value that is to be written is a case
// VECTOR-ID/encode. A vector of invalid octets has no encode case, a vector without octets only
// that.
#ifndef SUITE_PLAN_H
#define SUITE_PLAN_H

#include "suite/catalogue.h"
#include "suite/vector.h"

enum case_op { CASE_DECODE, CASE_ENCODE, CASE_OPS };
const char *case_op_name(enum case_op op);

// X(enumerator, text). PENDING is no verdict: the case has not been run yet.
#define VERDICTS(X)                                                                                \
    X(PASS)                                                                                        \
    X(FAIL)                                                                                        \
    X(XFAIL)       /* failed as the xfail file says */                                             \
    X(XPASS)       /* passed although the xfail file says otherwise: a finding */                  \
    X(UNSUPPORTED) /* the testee says that it does not do this */                                  \
    X(CRASH)       /* the testee died, or closed its output */                                     \
    X(TIMEOUT)     /* no answer in time */                                                         \
    X(NOTRUN)      /* the run ended before its turn */

enum verdict {
#define VERDICT_ENUM(name) VERDICT_##name,
    VERDICTS(VERDICT_ENUM)
#undef VERDICT_ENUM
        VERDICT_COUNT,
    VERDICT_PENDING = VERDICT_COUNT,
};

const char *verdict_name(enum verdict verdict);
// Whether a verdict makes the run's outcome OUTCOME_FINDINGS.
bool verdict_is_finding(enum verdict verdict);

enum { CASE_ANSWER = 256 * 1024 }; // octets of an answer that are kept

// All strings are the result's own or NULL.
struct case_result {
    enum verdict verdict;
    char *expected;     // FAIL, CRASH, TIMEOUT and what became of them: what should have come
    char *got;          // what came instead; UNSUPPORTED, NOTRUN: why
    char *output;       // what the testee wrote to standard error meanwhile, its last lines
    char *pointer;      // FAIL: where two values differ first, a JSON pointer
    char *answer;       // FAIL: the answer: compact JSON, hex digits or the error's words; at most
                        // CASE_ANSWER octets of it
    size_t answer_size; // of the whole answer
    double seconds;
};

void case_result_free(struct case_result *result);

struct xfail_line;

struct suite_case {
    char *id;
    const struct vector *vector;
    enum case_op op;
    const struct xfail_line *xfail; // the line that applies, or NULL
    struct case_result result;
};

struct plan {
    struct suite_case *cases;
    size_t count;
    size_t vectors; // that the cases come from
};

// What to select: cases that match at least one of the patterns (all, when there are none), of
// vectors that cite a requirement of at least this level (LEVEL_NONE: any vector, cited or not).
struct plan_selection {
    const char *const *patterns; // vector ids, case ids, or globs over either
    size_t pattern_count;
    enum requirement_level level;
};

// Whether a vector has a case of this kind.
bool plan_has_case(const struct vector *vector, enum case_op op);
// Whether a pattern is this case's id or its vector's, or a glob that matches one of them.
bool plan_matches(const char *pattern, const char *vector_id, const char *case_id);

// Makes the plan. catalogue may be NULL; then no level can be asked for and citations are not
// checked. Fails with *error set (free it) for a pattern that matches no case at all and for a
// citation that the catalogue does not have. A plan without cases is not a failure.
bool plan_make(const struct vector_set *set, const struct catalogue *catalogue,
               const struct plan_selection *selection, struct plan *plan, char **error);
void plan_free(struct plan *plan);

#endif
