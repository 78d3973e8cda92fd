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

// X-macro of rules.def as indexes: RULE_KEY_HANDLE_UNKNOWN.
enum {
#define RULE(id, name, requirement, level, role, section, advice) RULE_##id,
#include "rules/rules.def"
#undef RULE
    RULE_COUNT
};

struct rules_server;
struct rules_group;
struct rules_connection;
struct notify_port;
struct batch_port;
struct batch_key;

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
    UT_hash_handle hh;
};

// An association: connections of a client that share context handles [C706 9.2.1, MS-RPCE 3.3.1].
// A connection whose group is not known is an association of its own, which is blind.
struct rules_group {
    struct rules_server *server;
    uint32_t id;        // of the bind_ack; 0: not known
    bool blind;         // handles may exist that were not seen
    size_t connections; // open
    UT_hash_handle hh;
};

struct rules_connection {
    uint64_t id; // key
    struct rules_peers peers;
    struct rules_group *group;
    struct rules_counter *counter[RULES_ROLES];
    UT_hash_handle hh;
};

struct rules {
    struct rules_limits limits;
    struct rules_events events;
    struct rules_server *servers;
    struct rules_connection *connections;
    struct rules_counter *counters; // hash table
    struct rules_counter *first_counter, *last_counter;
    struct rules_handle *handles; // hash table
    size_t records;               // counted against limits.records
    bool noted_limit;
};

// ---- a call being judged ------------------------------------------------------------------------

struct sight {
    struct rules *rules;
    struct rules_connection *connection;
    const struct rules_call *call; // NULL: a bind
    const struct assoc_bind *bind;
};

// Where a finding points.
struct where {
    enum rules_place place;
    uint64_t frame; // 0: the frame of the place
    uint64_t offset;
    size_t size;
    const char *field;
};

// The rule was applied and kept.
void rule_kept(const struct sight *s, size_t rule);
// The rule was applied and broken.
void rule_broken(const struct sight *s, size_t rule, const struct where *where, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

// The slot of a parameter by name in a decoded side, or NULL where it is not part of it.
const cmrp_slot *sight_slot(const struct rules_side *side, const char *name);
// A parameter's place in the request or the response of the call, for a finding.
struct where sight_where(const struct sight *s, bool response, const char *name);
// The call was answered, and its response's error status is 0: return value and every other status.
bool sight_succeeded(const struct sight *s);
// The first status of the response that is not 0, or 0; false where there is no decoded response.
bool sight_status(const struct sight *s, uint32_t *status);
// "MS-CMRP 3.1.4.1" (2) or "MS-CMRP 3.1.4.2" (3): which protocol version the call belongs to; 0:
// neither.
unsigned sight_interface(const struct sight *s);

// ---- handles (handle.c) -------------------------------------------------------------------------

// A context handle that a server has given, as long as it is remembered: closed ones, too.
struct rules_handle {
    struct rules_handle_key {
        struct rules_server *server;
        uint8_t octets[CMRP_HANDLE_SIZE];
    } key;
    unsigned meaning; // CMRP_MEANS_H…
    uint16_t opnum;   // of the call that gave it
    struct rules_group *group;
    uint64_t opened; // frame of the response that gave it
    bool closed;
    uint64_t closed_at;         // frame of the response that closed it
    struct notify_port *notify; // HNOTIFY: notify.c's
    struct batch_port *batch;   // HBATCH_PORT: batch.c's
    struct batch_key *registry; // HKEY: batch.c's
    UT_hash_handle hh;
};

// The handle in a slot, or NULL: never given as far as is known, or the NULL handle.
struct rules_handle *handle_find(const struct sight *s, const cmrp_slot *slot);
// The handle of the named parameter of the request or the response.
struct rules_handle *handle_named(const struct sight *s, bool response, const char *name);

// ---- topics: each sees every call, in this order -----------------------------------------------

void bind_on_bind(const struct sight *s);
void bind_on_call(const struct sight *s);
void field_on_call(const struct sight *s);
void handle_on_call(
    const struct sight *s); // new handles are known from here on; closed ones closed
void notify_on_call(const struct sight *s);
void batch_on_call(const struct sight *s);

// Frees what the topic has hung on a handle. Called when the handle is closed, run down or
// forgotten.
void notify_forget(struct rules *rules, struct rules_handle *handle);
void batch_forget(struct rules *rules, struct rules_handle *handle);
// Frees what is left at the end.
void handle_end(struct rules *rules);
void notify_end(struct rules *rules);
void batch_end(struct rules *rules);
// Something was lost in this association.
void notify_on_blind(struct rules *rules, struct rules_group *group);
void batch_on_blind(struct rules *rules, struct rules_group *group);
// Handles of the association are run down: its last connection has ended.
void handle_run_down(struct rules *rules, struct rules_group *group);

#endif
