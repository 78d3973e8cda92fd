// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: rules.c keeps servers, associations and connections and
// counts; handle.c knows handles; bind.c, field.c, notify.c and batch.c judge. Not for other
// folders.
#ifndef RULES_STATE_H
#define RULES_STATE_H

#include <stdlib.h>

#include "rules/rules.h"
#include "util/buffer.h"
#include "util/outcome.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

enum { FOUND = 4 };   // handles of a connection that are found without a search
enum { RECENT = 64 }; // connections found without a search: those of consecutive ids

// X-macro of rules.def as indexes: RULE_KEY_HANDLE_UNKNOWN.
enum {
#define RULE(id, name, requirement, level, role, section, advice) RULE_##id,
#include "rules/rules.def"
#undef RULE
    RULE_COUNT
};

// Rules that need a complete capture are the last.
enum {
#define RULE(id, name, requirement, level, role, section, advice) COMPLETE_##id,
#include "rules/model.def"
#undef RULE
    COMPLETE_COUNT
};

struct rules_server;
struct rules_group;
struct past;
struct rules_connection;
struct flight;
struct notify_port;
struct notify_name;
struct notify_history;
struct notify_sets;
struct batch_model;
struct model;
struct model_key;
struct model_port;
struct model_flight;

// ---- who ----------------------------------------------------------------------------------------

struct rules_counter { // of one implementation in one role
    struct rules_party_key {
        uint8_t address[RULES_ADDRESS];
        uint8_t family;
        uint8_t role;
    } key;
    bool others;
    uint64_t calls;
    uint64_t checked[RULE_COUNT + 1];
    uint64_t findings[RULE_COUNT + 1];
    struct rules_counter *next; // in order of appearance
    UT_hash_handle hh;
};

// Where a server's calls come from: handles and registered filters are its own. Told apart by
// address and port.
struct rules_server {
    struct rules_end end; // key; padding zeroed
    struct rules_group *groups;
    bool doubtful;       // its groups are blind, all of them
    bool unseen;         // something of it was not seen
    struct model *model; // model.c's; NULL: none as yet
    UT_hash_handle hh;
};

// An association: connections of a client that share context handles [C706 9.2.1, MS-RPCE 3.3.1].
// A connection whose group is not known is an association of its own, which is blind.
struct rules_group {
    struct rules_server *server;
    struct rules_end client; // of its first connection
    uint32_t id;             // of the bind_ack; 0: not known
    bool blind;              // handles may exist that were not seen
    bool lost;               // after its beginning: known handles may have changed, too
    uint32_t unseen;         // handle_bit: kinds of which some may be given unseen
    struct rules_handle *handles;
    size_t connections;     // open
    struct past *past;      // findings that may be taken back (withdraw.c), oldest first
    struct flight *flights; // calls under way, latest first
    size_t flight_count;
    size_t opening;                // of them, that give a handle
    size_t adding;                 // of them, that register a filter
    struct notify_history *notify; // state sequences seen: notify_sequence.c's
    bool notify_blind;             // filters may have been registered that were not seen
    size_t notify_objects;         // that `notify` holds
    UT_hash_handle hh;
};

struct rules_connection {
    uint64_t id; // key
    struct rules_peers peers;
    struct rules_group *group;
    struct rules_counter *counter[RULES_ROLES];
    bool secured;                      // a bind or alter_context had a security trailer
    bool bound;                        // a bind_ack was seen
    struct rules_handle *found[FOUND]; // by the last searches, or NULL
    uint64_t found_at;                 // `forgotten` of that time
    uint32_t said; // bind_security.c: findings made, which are made once a connection
    UT_hash_handle hh;
};

// What is asked of every call of a method: where its handles and statuses are.
enum { FACTS = 8, METHODS = 265 };
struct rules_facts {
    bool known;
    uint8_t handles[FACTS], handle_count;
    uint8_t statuses[FACTS], status_count; // the last one first
};

// What is asked of a method before its call is judged, in either version.
enum {
    TRAIT_OPENS = 1,  // gives a handle
    TRAIT_CLOSES = 2, // its only parameter is a handle, which it closes
    TRAIT_ADDS = 4,   // registers a filter
};

struct rules {
    struct rules_limits limits;
    struct rules_events events;
    struct rules_server *servers;
    struct rules_connection *connections;
    struct rules_connection *recent[RECENT]; // by id; NULL: search
    struct rules_facts facts[2][METHODS];    // of versions 2 and 3, by opnum
    uint8_t traits[METHODS];                 // TRAIT_*, by opnum: handle.c's and notify_table.c's
    struct rules_counter *counters;          // hash table
    struct rules_counter *first_counter, *last_counter;
    struct rules_handle *handles; // hash table
    size_t handle_count;
    struct rules_handle *open, *closed; // oldest first
    uint64_t forgotten;                 // handles, so far
    struct notify_sets *sets;           // notify_table.c's
    struct flight *spare;               // to be used again
    size_t records;                     // counted against limits.records
    bool noted_limit;
    uint64_t findings;             // so far: numbers
    size_t past_count;             // of all associations
    struct batch_model *values;    // batch_model.c's
    struct rules_server *modelled; // the one that has a model
};

// ---- a call being judged ------------------------------------------------------------------------

struct sight {
    struct rules *rules;
    struct rules_connection *connection;
    struct flight *flight;         // the call's own; NULL where its request was not told
    const struct rules_call *call; // NULL: a bind
    const struct assoc_bind *bind;
    uint64_t *checked[RULES_ROLES];  // counters of the connection
    bool has_status;                 // there is a decoded response
    uint32_t status;                 // the first of its statuses that is not 0, or 0
    unsigned interface;              // version, of a call; 0: neither 2 nor 3
    const struct rules_facts *facts; // of the call's method, where there is one
};

// Where a finding points.
struct where {
    enum rules_place place;
    uint64_t frame; // 0: the frame of the place
    uint64_t offset;
    size_t size;
    const char *field;
    const char *array; // whose element the field is a member of; NULL: none
    uint64_t index;    // of the element
};

static const uint8_t rule_roles[RULE_COUNT + 1] = {
#define RULE(id, name, requirement, level, role, section, advice) RULES_##role,
#include "rules/rules.def"
#undef RULE
};

// The rule was applied and kept.
static inline void rule_kept(const struct sight *s, size_t rule) {
    s->checked[rule_roles[rule]][rule]++;
}
// The rule was applied and broken.
void rule_broken(const struct sight *s, size_t rule, const struct where *where, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

// The slot of a parameter by name in a decoded side, or NULL where it is not part of it.
const cmrp_slot *sight_slot(const struct rules_side *side, const char *name);
// A parameter's place in the request or the response of the call, for a finding.
struct where sight_where(const struct sight *s, bool response, const char *name);
// The call was answered, and its response's error status is 0: return value and every other status.
static inline bool sight_succeeded(const struct sight *s) {
    return s->has_status && s->status == 0;
}
// The first status of the response that is not 0, or 0; false where there is no decoded response.
static inline bool sight_status(const struct sight *s, uint32_t *status) {
    if (s->has_status) {
        *status = s->status;
    }
    return s->has_status;
}
// Whether there is no room for one more record; says so, once.
bool rules_full(const struct sight *s);
// "MS-CMRP 3.1.4.1" (2) or "MS-CMRP 3.1.4.2" (3): which protocol version the call belongs to; 0:
// neither.
static inline unsigned sight_interface(const struct sight *s) {
    return s->interface;
}

// Octets that a slot's value takes.
size_t sight_size(const cmrp_param *p, const cmrp_slot *slot, cmrp_syntax syntax);

// ---- calls under way (flight.c) -----------------------------------------------------------------

// A call whose request is whole and whose end was not told yet. It may have had its effect already.
// Kept are those of methods whose effect, or whose wait, matters to other calls; see flight.c.
struct flight {
    struct rules_connection *connection;
    uint32_t call_id;
    uint16_t opnum;
    uint64_t frame;  // of the request
    unsigned traits; // TRAIT_*
    bool known;      // handle is: the first parameter
    uint8_t handle[CMRP_HANDLE_SIZE];
    // ApiCloseNotify: what stood when the request came (notify.c).
    unsigned version;           // of the port; 0: not known
    bool filtered;              // it had a filter
    bool retrieved;             // a Get had been called
    bool waits;                 // a Get was under way, and no Unblock
    bool relieved;              // an Unblock had been called for those under way
    struct model_flight *model; // model.c's; NULL: it does not matter there
    struct flight *next, *prev;
};

void flight_start(const struct sight *s, const struct assoc_call *call);
// The entry of a call that is being judged, or NULL.
struct flight *flight_of(const struct rules *r, const struct rules_connection *c,
                         const struct assoc_call *call);
// flight may be NULL.
void flight_end(struct rules *r, struct rules_group *group, struct flight *flight);
void flight_forget(struct rules *r, struct rules_group *group);
void flight_free(struct rules *r); // those to be used again

// Whether a call of this opnum may be under way on the handle: FLIGHT_UNKNOWN where one is on a
// handle that could not be read.
enum flight_sort { FLIGHT_NONE, FLIGHT_UNKNOWN, FLIGHT_SURE };
enum flight_sort flight_on(const struct sight *s, uint16_t opnum,
                           const uint8_t handle[CMRP_HANDLE_SIZE]);
// The same of any call that closes the handle.
enum flight_sort flight_closing(const struct sight *s, const uint8_t handle[CMRP_HANDLE_SIZE]);

// ---- findings that are taken back (withdraw.c) --------------------------------------------------

// A finding was made. group may be NULL.
void withdraw_note(struct rules *rules, struct rules_group *group, struct rules_counter *counter,
                   const struct rules_finding *finding);
// What was concluded from the state of the association, in this frame or later, is not sure.
void withdraw_since(struct rules *rules, struct rules_group *group, uint64_t since);
void withdraw_forget(struct rules *rules, struct rules_group *group);

// ---- handles (handle.c) -------------------------------------------------------------------------

// A context handle that a server has given, as long as it is remembered: closed ones, too.
struct rules_handle {
    struct rules_handle_key {
        struct rules_server *server;
        uint8_t octets[CMRP_HANDLE_SIZE];
    } key;
    unsigned meaning;   // CMRP_MEANS_H…
    uint16_t opnum;     // of the call that gave it
    uint16_t interface; // version
    struct rules_group *group;
    uint64_t opened; // frame of the response that gave it
    bool again;      // these octets had been given, and closed, before
    bool uncertain;  // whether it is open: a close was not answered, or it was given twice
    bool closed;
    uint64_t closed_at;         // frame of the response that closed it
    struct notify_port *notify; // HNOTIFY: notify.c's
    struct model_key *key_of;   // HKEY: model.c's; NULL: not known
    struct model_port *port;    // HBATCH_PORT: model.c's
    struct notify_name *name;   // of the object that was opened: notify.c's; NULL: not known
    struct rules_handle *same;  // of another association, with the same octets
    struct rules_handle *group_prev, *group_next;
    struct rules_handle *age_prev, *age_next; // in rules.open or rules.closed
    UT_hash_handle hh;
};

// What is wrong with a handle that a request holds.
enum handle_fault {
    HANDLE_UNKNOWABLE, // nothing can be said
    HANDLE_VALID,
    HANDLE_NULL,
    HANDLE_UNGIVEN, // never, as yet
    HANDLE_FOREIGN, // given to another association
    HANDLE_CLOSED,
    HANDLE_KIND, // of another kind
};
// *handle: of the last three what it is, else NULL where nothing is known of it.
enum handle_fault handle_check(const struct sight *s, const cmrp_param *p, const cmrp_slot *slot,
                               struct rules_handle **handle);

// The handle in a slot, or NULL: never given as far as is known, or the NULL handle. That of this
// association, or, where an association is not known, of any of the server's.
struct rules_handle *handle_find(const struct sight *s, const cmrp_slot *slot);
// The handle of the named parameter of the request or the response.
struct rules_handle *handle_named(const struct sight *s, bool response, const char *name);

// Whether a method retrieves indications (notify_table.c).
bool notify_gets(uint16_t opnum);
// Notes which methods give and close handles.
void handle_begin(struct rules *rules);
// Rules about the handles of a call (handle_rules.c), before the call changes them.
void handle_judge(const struct sight *s);

// ---- topics: each sees every call, in this order -----------------------------------------------

void bind_on_bind(const struct sight *s);
// bind_security.c
void security_on_bind(const struct sight *s);
void security_on_call(const struct sight *s);
// The principal that the first token of a client asks a ticket for, where it shows: components
// separated by "/" as octets of the token. False: it does not show. *offset is where the name
// starts in the token (principal.c).
bool principal_of(cmrp_view token, char *name, size_t size, size_t *offset, size_t *length);
void bind_on_call(const struct sight *s);
void field_on_call(const struct sight *s);
void field_on_structures(const struct sight *s, bool succeeded); // field_call.c
void handle_on_call(
    const struct sight *s); // new handles are known from here on; closed ones closed
void notify_on_call(const struct sight *s);
void batch_on_call(const struct sight *s);
void model_on_call(const struct sight *s); // only with limits.complete

void notify_begin(struct rules *rules);
void notify_end(struct rules *rules);
// Frees what the topic has hung on a handle. Called when the handle is closed, run down or
// forgotten.
void notify_forget(struct rules *rules, struct rules_handle *handle);
// Frees what is left at the end.
void handle_end(struct rules *rules);
void batch_end(struct rules *rules);

// ---- complete captures (model.c) ----------------------------------------------------------------

// Whether a call of this opnum must be told of when it begins.
bool model_matters(uint16_t opnum);
void model_on_request(const struct sight *s, const struct assoc_call *call, struct flight *flight);
void model_flight_end(struct flight *flight);
// What the handle stands for in the model.
void model_forget(struct rules_handle *handle);
// Something of this server was not seen: its model is given up for good.
void model_lose(struct rules_server *server);
void model_end(struct rules_server *server);
// Something was lost in this association.
void rules_blind_group(struct rules_group *group);
// Says "rules-limit", the first time.
void rules_say_limit(struct rules *rules, const struct assoc_stamp *stamp, const char *text);
// A request that is kept as a call under way.
void notify_on_request(const struct sight *s, struct flight *flight);
// The association has ended.
void notify_group_end(struct rules *rules, struct rules_group *group);
// Handles of the association are run down: its last connection has ended.
void handle_run_down(struct rules *rules, struct rules_group *group);

#endif
