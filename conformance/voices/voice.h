// SPDX-License-Identifier: Apache-2.0
// One implementation that is asked: this project's codec within this process, or a testee.
#ifndef VOICES_VOICE_H
#define VOICES_VOICE_H

#include "testee/host.h"
#include "voices/question.h"

// X(enumerator, word)
#define VOICE_KINDS(X)                                                                             \
    X(VALUE, "value")                                                                              \
    X(HEX, "hex")                                                                                  \
    X(ERROR, "error")                                                                              \
    X(UNSUPPORTED, "unsupported") /* it says that it does not do this: no voice */                 \
    X(CRASH, "crash")                                                                              \
    X(TIMEOUT, "timeout")                                                                          \
    X(NONSENSE, "nonsense") /* what is no answer to the question */                                \
    X(NOTRUN, "notrun")     /* it was not asked, or the run ended before */

enum voice_kind {
#define VOICE_ENUM(name, word) VOICE_##name,
    VOICE_KINDS(VOICE_ENUM)
#undef VOICE_ENUM
        VOICE_KIND_COUNT
};
const char *voice_kind_word(enum voice_kind kind);

struct voice_answer {
    enum voice_kind kind;
    char *text; // VALUE: compact JSON; HEX: digits; else words
};

struct voice {
    const char *command; // NULL: ours
    char **words;
    char *name;
    char *version;
    bool types[JSON_TYPES];
    struct voice_answer *answers; // one for each question
    size_t answer_count;
    char *failure; // why it could not be started, or NULL
    char *failure_output;
    char **notes;
    size_t note_count;
    bool bad_end;
    bool interrupted;
    bool broken; // the process of cmrp that asked it came to harm
};

void voice_free(struct voice *v);

// Gives those of equal names a number behind it, from the second on.
void voice_tell_apart(struct voice *voices, size_t count);

// Our answers, from json_decode and json_encode.
void voice_ask_ours(struct voice *v, const struct questions *q);

struct voice_options {
    double timeout;
    double hello_timeout;
    unsigned processes; // of each testee at a time
    void *context;
    void (*progress)(void *context, size_t done); // answers of all together; may be NULL
};

// Puts all questions to all testees (voices[i].words), at the same time. Each is asked by a process
// of its own, so that what one leaves behind is not taken for another's. SIGINT, SIGTERM and SIGHUP
// end the run early.
void voice_ask_all(struct voice *voices, size_t count, struct questions *q,
                   const struct voice_options *options);

#endif
