// SPDX-License-Identifier: Apache-2.0
// What is put to several implementations at once: the cases of a plan, the stubs of a capture, and
// drawn changes of either.
//
// A question is a case of a plan. What does not come from a vector file has a vector made for it,
// which has octets and no expectation.
#ifndef VOICES_QUESTION_H
#define VOICES_QUESTION_H

#include "suite/plan.h"

struct questions {
    struct plan plan;     // takes over what plan_make gives; {0} for none
    struct vector **made; // the vectors that are not of a file
    size_t made_count;
};

// Adds the decoding of octets under an id of its own. id and comment are copied; an id that is
// taken gets a number behind it. Returns false and adds nothing where the same octets are asked in
// the same way already.
bool questions_add(struct questions *q, const struct json_selector *how, cmrp_view octets,
                   const char *id, const char *comment);

// Adds `count` changed copies of questions that decode, drawn by the seed: cut, longer, one octet
// changed, left out or doubled. The same questions and seed give the same copies. Draws that give
// what is asked already are drawn again, a bounded number of times.
void questions_mutate(struct questions *q, size_t count, uint64_t seed);

// Whether a question has the expectation of a vector file.
bool question_has_expectation(const struct suite_case *c);

void questions_free(struct questions *q);

#endif
