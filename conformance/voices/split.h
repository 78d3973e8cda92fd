// SPDX-License-Identifier: Apache-2.0
// Where implementations differ: the answers to each question, grouped by what they mean.
//
// Two values are one when json_normal makes the same of them; two errors always. Octets of a form
// that is not fixed (a stub, a PDU) are one when our decoder reads the same from them. An answer
// that does not come, or is none, agrees only with its like. Who does not support a question has no
// voice in it.
#ifndef VOICES_SPLIT_H
#define VOICES_SPLIT_H

#include "suite/xfail.h"
#include "voices/voice.h"

// X(enumerator, word)
#define AGREEMENTS(X)                                                                              \
    X(AGREED, "agreed")                                                                            \
    X(SPLIT, "split")     /* a finding */                                                          \
    X(ALLOWED, "allowed") /* a vector allows its value and a refusal, and they differ in that */   \
    X(EXCUSED, "excused") /* a split that an xfail line expects */                                 \
    X(UNSPLIT, "unsplit") /* an xfail line expects a split, and there is none: a finding */        \
    X(ALONE, "alone")     /* fewer than two have a voice in it */

enum agreement {
#define AGREEMENT_ENUM(name, word) AGREEMENT_##name,
    AGREEMENTS(AGREEMENT_ENUM)
#undef AGREEMENT_ENUM
        AGREEMENT_COUNT
};
const char *agreement_word(enum agreement agreement);

// One answer, and all who give it.
struct opinion {
    char *meaning;      // equal for answers that agree
    size_t *voices;     // in their order
    size_t voice_count; // at least 1
    bool expected;      // it is what the vector expects, or allows
};

struct split {
    const struct suite_case *question;
    enum agreement agreement;
    struct opinion *opinions; // ours first, where we have a voice
    size_t opinion_count;
};

struct splits {
    struct split *all; // one for each question, in the order of the plan
    size_t count;
    size_t counts[AGREEMENT_COUNT];
    size_t *apart;    // of each voice: questions in which it disagrees with the first
    size_t *answered; // and those in which both have a voice
    size_t voice_count;
};

// Compares. Lines of xfail that the plan's cases hold are applied; others are not needed.
void splits_make(const struct questions *q, const struct voice *voices, size_t voice_count,
                 struct splits *splits);
void splits_free(struct splits *splits);

#endif
