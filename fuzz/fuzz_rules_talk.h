// SPDX-License-Identifier: Apache-2.0
// The talk of fuzz_rules: an input draws binds, calls, losses and ends of a few connections, which
// are told to rules as a capture would.
#ifndef FUZZ_RULES_TALK_H
#define FUZZ_RULES_TALK_H

#include "rules/rules.h"

// The octets that something was drawn from. At the end everything drawn is 0.
struct draws {
    const uint8_t *at;
    size_t left;
};

uint32_t draw_below(struct draws *draws, uint32_t bound);

// What rules are not told of, or told to be unsure of. Nothing of it may add a finding.
enum doubts {
    DOUBTS_NONE,
    DOUBTS_FROM_THE_START, // every connection has lost something before its first event
    DOUBTS_NOW_AND_THEN,   // losses that the talk does not have
};

// What is being told while rules make findings.
struct telling {
    const struct rules_call *call; // NULL: a bind
    const struct assoc_bind *bind;
    const struct rules_peers *peers;
};

// Tells the whole talk. *now shows what is being told; checks runs after each event.
void talk_tell(const uint8_t *data, size_t size, enum doubts doubts, struct rules *rules,
               struct telling *now, void (*check)(const struct rules *rules));

// One side of a call: drawn for a method, or damaged. Everything in it belongs to it.
struct side {
    struct rules_side shown;
    uint8_t *octets; // a block of its own
    cmrp_slot slots[CMRP_MAX_PARAMS];
};
void side_draw(struct draws *draws, struct side *side, const cmrp_stub_format *format);
void side_free(struct side *side);

#endif
