// SPDX-License-Identifier: Apache-2.0
// A sequence played: made into a capture, read back, judged, and what is found compared with what
// is expected, step by step.
#ifndef JUDGE_PLAY_H
#define JUDGE_PLAY_H

#include "suite/sequence.h"

struct play {
    bool as_expected;
    char *difference;  // lines: what was expected and not found, or found and not expected; else ""
    uint64_t *checked; // for each rule: how often it could tell
    uint64_t *found;   // for each rule
    uint64_t *ignored; // for each rule: findings about security of which the sequence says nothing
    uint64_t decoded;  // stubs that were decoded, or tried
    uint64_t encoding; // findings of decoders
};

// On failure (the sequence cannot be made) *error is set (free it), and nothing is to be freed.
bool play_sequence(const struct sequence *sequence, struct play *play, char **error);
void play_free(struct play *play);

#endif
