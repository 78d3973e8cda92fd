// SPDX-License-Identifier: Apache-2.0
// Can every rule fail, and can it hold? All sequences are played; for each rule those are told that
// break it and are found out, and those in which it was applied and kept.
#ifndef JUDGE_PROVE_H
#define JUDGE_PROVE_H

#include "judge/play.h"
#include "rules/rules.h"

struct prove_rule {          // or encoding
    const struct rule *rule; // NULL: encoding
    size_t broken;           // sequences that break it, as they say
    size_t kept;             // sequences in which it was applied and kept, at least once
    const struct sequence *broken_by, *kept_by; // the first of them, or NULL
};

struct prove_fault { // a sequence that proves nothing
    const struct sequence *sequence;
    bool unchanged;   // its edits change no octet
    char *difference; // else: lines, what was expected and found
};

struct prove {
    struct prove_rule *rules; // rules_count of them, then encoding
    size_t rule_count;
    size_t broken; // rules that some sequence breaks
    size_t kept;   // rules that some sequence keeps
    size_t sequences, doctored;
    struct prove_fault *faults;
    size_t fault_count;
};

void prove_rules(const struct sequence_set *set, struct prove *prove);
// Every rule is broken and kept by some sequence, and no sequence proves nothing.
bool prove_holds(const struct prove *prove);
void prove_free(struct prove *prove);

#endif
