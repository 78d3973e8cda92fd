// SPDX-License-Identifier: Apache-2.0
// The ledger: for each requirement of the catalogue what shows whether it is kept, computed from
// what there is (vectors, rules, sequences of calls that a rule must flag), not from the column
// status, which must agree with it.
//
// A vector shows a requirement when it cites it. A rule shows one when it is the rule's, and some
// sequence says that the rule must flag it. Live cases: there are none yet.
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "rules/rules.h"
#include "suite/catalogue.h"
#include "suite/vector.h"

enum ledger_state {
    LEDGER_COVERED,    // something shows it
    LEDGER_PLANNED,    // something can
    LEDGER_UNTESTABLE, // nothing can
    LEDGER_STATES
};
const char *ledger_state_name(enum ledger_state state);
// false where no state has this name.
bool ledger_state_named(const char *name, enum ledger_state *state);

// What can show a requirement, in the order of the column status.
enum ledger_kind {
    LEDGER_VECTOR,
    LEDGER_RULE,
    LEDGER_LIVE_SERVER,
    LEDGER_LIVE_CLIENT,
    LEDGER_KINDS
};
const char *ledger_kind_name(enum ledger_kind kind); // "vector", "rule", "live server", …

// A sequence of calls with the verdict of rules on it.
struct ledger_sequence {
    const char *id;
    const char *comment;
    const char *file;     // name below the folder of vectors
    const json_t *json;   // as it stands in the file
    const json_t *breaks; // names of the rules that must flag it: array of strings
};

struct ledger_row {
    const struct requirement *requirement;
    enum ledger_state state;
    const struct vector **vectors; // that cite it, in the order of the set
    size_t vector_count;
    size_t *rules; // of this requirement: indexes of rules_at
    size_t rule_count;
    bool can[LEDGER_KINDS]; // what its column testable names
    bool has[LEDGER_KINDS];
    bool decoding; // of the codec: what vectors show of a decoder, decoding shows of a capture, and
                   // no rule is needed
    const char *reason; // untestable: why; points into the catalogue
    bool missing;  // a MUST that vectors or rules can show, do not, and the column does not say
                   // why not yet
    char *problem; // how the column status disagrees; NULL: it agrees
};

struct ledger {
    struct ledger_row *rows; // those of the catalogue, in its order
    size_t count;
    struct ledger_sequence *sequences; // in the order of file names and files
    size_t sequence_count;
    json_t *documents; // which the sequences point into
};

// Reads the sequences below the folder of vectors and computes the rows. The catalogue and the
// vectors must outlive the ledger. A folder without sequences gives none. On failure *error is set
// (free it) and the ledger is empty.
bool ledger_open(const struct catalogue *catalogue, const struct vector_set *vectors,
                 const char *directory, struct ledger *ledger, char **error);
void ledger_close(struct ledger *ledger);

const struct ledger_row *ledger_find(const struct ledger *ledger, const char *id);
// Whether the rule must flag the sequence.
bool ledger_breaks(const struct ledger_sequence *sequence, const char *rule);
// The next sequence from *at on that must break the rule, or NULL; *at is moved behind it.
const struct ledger_sequence *ledger_next_break(const struct ledger *ledger, const char *rule,
                                                size_t *at);

#endif
