// SPDX-License-Identifier: Apache-2.0
// What an answer is worth: PASS, FAIL or UNSUPPORTED.
//
// Comparison is by meaning (json_normal). Decoding: a valid vector's value, an acceptable one's
// value or a refusal, a refusal of an invalid one. Encoding: the vector's octets; for a stub or a
// PDU also others that our decoder reads back as the value that was sent, with nothing left over;
// an acceptable value may be refused; a value without octets must be.
#ifndef SUITE_JUDGE_H
#define SUITE_JUDGE_H

#include "suite/plan.h"

enum answer_kind { ANSWER_VALUE, ANSWER_HEX, ANSWER_ERROR, ANSWER_UNSUPPORTED };

struct answer {
    enum answer_kind kind;
    json_t *value;    // VALUE; owned by whoever made the answer
    const char *text; // HEX: the digits; ERROR, UNSUPPORTED: the words
};

// Fills in verdict, expected and got of a result that is PENDING.
void judge(const struct suite_case *c, const struct answer *answer, struct case_result *result);

// What the case expects, in one line: "an error (name-length)", "hex 0100…". free() it.
char *judge_expectation(const struct suite_case *c);

// One line about the first difference between two values in normal form: JSON pointer, both sides.
// Appends nothing and returns false when they are equal.
bool judge_difference(const json_t *expected, const json_t *got, struct buffer *where,
                      struct buffer *left, struct buffer *right);

#endif
