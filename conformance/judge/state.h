// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: judge.c looks on while a capture is read, events.c keeps
// what happened, cases.c makes cases and their verdicts of it. Not for other folders.
#ifndef JUDGE_STATE_H
#define JUDGE_STATE_H

#include <stdlib.h>

#include "judge/judge.h"
#include "replay/replay.h"
#include "show/handles.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

enum { JUDGE_RECENT = 16 }; // events that are kept for what they may lead to

struct judge_who { // key of a party
    uint8_t address[RULES_ADDRESS];
    uint8_t family; // 0: all for which there was no room
    uint8_t role;
};

struct judge_tally { // a party while the capture is read
    struct judge_who who;
    size_t index;
    uint64_t calls;
    // For each rule, then for encoding:
    uint64_t *checked;
    uint64_t *found;  // of encoding: MUST
    uint64_t *kept;   // findings
    uint64_t shoulds; // findings of encoding that are SHOULD
    UT_hash_handle hh;
};

struct judge_link { // a connection while the capture is read
    uint64_t id;    // key
    size_t index;
    UT_hash_handle hh;
};

struct judge_happening { // an event before they are in order
    struct judge_event event;
    uint64_t serial;
    uint64_t dropped; // so far
};

struct judge_hit {                // a finding before there are cases
    struct judge_finding finding; // id: not yet
    size_t party;
    size_t rule;     // rules_count: encoding
    uint64_t number; // of a rule's finding
    uint64_t serial; // of its event; 0: none
};

struct judge {
    const struct judge_options *options;
    struct judge_limits limits;
    struct judgement *out;
    struct judge_tally *tallies;
    struct judge_tally **parties; // by index
    struct judge_link *links;
    struct judge_happening *happenings;
    size_t happening_count;
    struct judge_happening recent[JUDGE_RECENT];
    size_t recent_count;
    uint64_t serial;
    uint64_t dropped;
    struct judge_hit *hits;
    size_t hit_count;
    struct show_handles *handles;
};

// judge.c
struct judge_tally *judge_party(struct judge *j, const struct rules_end *end, enum rules_role role);

// events.c: what a bind, call, gap or note is to be remembered as. *asked and *answered receive the
// serials of the events that findings of either side belong to.
struct judge_sides {
    uint64_t asked, answered;
};
struct judge_sides judge_bind_events(struct judge *j, size_t connection,
                                     const struct replay_bind *bind);
struct judge_sides judge_call_events(struct judge *j, size_t connection,
                                     const struct replay_peers *peers,
                                     const struct replay_call *call);
void judge_gap_event(struct judge *j, size_t connection, const struct replay_peers *peers,
                     const struct assoc_loss *loss);
void judge_note_event(struct judge *j, size_t connection, const char *text,
                      const struct assoc_stamp *stamp);
// Puts the events in order and ties the findings to them.
void judge_order_events(struct judge *j);
void judge_forget_events(struct judge *j);

// cases.c: makes cases of tallies and hits. As judge_descriptor in errors.
bool judge_make_cases(struct judge *j, char **error);

#endif
