// SPDX-License-Identifier: Apache-2.0
// What model.c and its parts share. Not for other files.
//
// With rules_limits.complete a capture holds every call that a server received, and nothing else
// changes its registry: what one call says of a value may be held against another call. Where a
// server is not seen as a whole (a connection from the middle, octets lost, calls that cannot be
// read, several servers, whose registry may be one) its model is given up for good.
//
// Time. A call is executed somewhere between the frame of its request, q, and that of its response,
// p; p is NEVER where there was none. Of two calls one comes first only where its p is before the
// other's q. What was changed by two calls without an order is unknown.
#ifndef RULES_MODEL_H
#define RULES_MODEL_H

#include "rules/batch_state.h"

#define MODEL_NEVER UINT64_MAX

enum {
    OPNUM_GET_ROOT_KEY = 28,
    OPNUM_SET_VALUE = 32,
    OPNUM_DELETE_VALUE = 33,
    OPNUM_CREATE_BATCH_PORT = 114,
};

// What is known of a value, and since when: the call that it is known by was executed in (q, p).
struct model_known {
    enum batch_presence presence;
    uint32_t type; // BATCH_PRESENT:
    uint64_t size;
    uint64_t hash; // of the data; that data with another hash is other data is all that is used
    uint64_t q, p;
};

struct model_id {
    const void *owner; // the key that it is in
    uint64_t name;     // hash that spellings of one name share
};

// A value. Two spellings, which may be one value or two, are `mixed`: nothing is known of them.
struct model_value {
    struct model_id id;
    uint64_t spelling;
    bool mixed;
    bool overlapped; // by another call than `call`, whose order is not known
    uint64_t call;   // number of the call that changed it last
    struct model_known known;
    UT_hash_handle hh;
};

struct model_batch;

// A key. Keys are never forgotten one by one; whether they exist is not kept, only when all that is
// in them was gone.
struct model_key {
    struct model_id id; // owner: of the key above, NULL for the root
    struct model_key *above;
    uint64_t spelling;
    bool mixed;
    unsigned depth;
    size_t flights;            // calls under way that may change something here or below
    size_t value_flights;      // … that may change a value of this key
    uint64_t wiped_q, wiped_p; // deleted, or new: no value here or below; 0: never
    uint64_t shaken;           // what was known here and below by calls that began before is void
    struct model_batch **executed; // batches on exactly this key, in order of their responses
    size_t executed_count, executed_room;
    struct model_key *next_executed; // in model.executed, with executed_room
    UT_hash_handle hh;
};

// What a value held before the first command of a batch on it.
struct model_before {
    enum batch_presence presence;
    uint64_t size, hash;
};

enum model_state { MODEL_UNDER_WAY, MODEL_DONE, MODEL_FAILED, MODEL_MAYBE };

// A batch that was sent to be executed.
struct model_batch {
    enum model_state state;
    struct model_key *key; // NULL: not known
    struct model_content *content;
    uint64_t q, p;               // p: with MODEL_DONE; MODEL_NEVER with MODEL_MAYBE
    uint64_t frame;              // of the request, for people
    bool plain;                  // it sets a value, and has no command that is not specified here
    size_t count;                // commands that a notification mirrors
    uint64_t *commands;          // their hashes
    struct model_before *before; // NULL: nothing is known
};

// Batches of the same commands, in order of q.
struct model_content {
    uint64_t id;
    struct model_batch **batches;
    size_t count, room;
    UT_hash_handle hh;
};

// What a port has told of batches of one content.
struct model_told {
    const struct model_content *content;
    size_t next;  // batches up to here have been accounted for
    uint64_t n;   // notifications
    uint64_t due; // of them that are not set off against a batch of model_key.executed
    bool sure;    // the nth notification is of the nth batch
    uint64_t last_p;
    UT_hash_handle hh;
};

// A batch port. The handle, and each call under way on it, hold it.
struct model_port {
    struct model *model;
    size_t users;
    bool closed;
    struct model_key *key; // NULL: not known
    uint64_t q, p;         // created
    uint64_t ended_before; // batches that had ended before q
    uint64_t explained;    // notifications
    size_t head;           // batches of key->executed up to here have been told, or missed
    bool leaky;            // indications may have got lost, or the key was deleted
    size_t gets;           // calls of ApiGetBatchNotification under way
    struct model_told *told;
};

// The registry of a server.
struct model {
    struct rules *rules;
    bool lost;
    struct model_key *root;
    struct model_key *keys;        // hash table
    struct model_value *values;    // hash table
    struct model_content *content; // hash table
    struct model_key *executed;    // keys that batches were executed on
    uint64_t batches, ended;       // sent; answered or given up
    uint64_t unknown_batch;        // p of the last batch that could not be read; 0: none
    size_t ports, opening;         // open; being created
    uint64_t calls;
    struct assoc_stamp now; // of what is being looked at, for notes
    size_t octets, records;
};

// Of a call under way.
struct model_flight {
    struct model *model;
    struct model_key *key; // of the handle; the root where it is not known
    bool known;            // key is that of the handle
    bool values_only;      // counted in key->value_flights
    bool counted;
    bool opening;            // ApiCreateBatchPort
    uint64_t ended;          // … model->ended when it was asked for
    struct model_port *port; // ApiGetBatchNotification
    bool gets;               // counted in port->gets
    struct model_batch *batch;
};

// How a call ended.
struct model_end {
    uint64_t q, p;
    enum model_state state;
    uint64_t call; // number
};

// ---- keys and values (model_key.c) --------------------------------------------------------------

// Octets, which count; NULL, and the model is given up, where there is no room.
void *model_alloc(struct model *m, size_t size);
void model_spare(struct model *m, void *memory, size_t size);
// An array with room for one more element.
void *model_grow(struct model *m, void *array, size_t *room, size_t count, size_t size);
void model_give_up(struct model *m);

// Text of a slot, or of a command (with its NUL), as little-endian units without NUL; `memory` is
// used where they have to be turned.
enum { MODEL_NAME = 1024 };
struct model_name {
    cmrp_view units;
    uint8_t memory[MODEL_NAME];
};
bool model_name_of(const cmrp_slot *slot, struct model_name *name);
cmrp_view model_name_in(const cmrp_batch_command *command);

uint64_t model_hash(uint64_t seed, cmrp_view octets);
// The key at a path below another one; NULL: not known.
struct model_key *model_key_below(struct model *m, struct model_key *key, cmrp_view path);
void model_wipe(struct model_key *key, const struct model_end *at);
void model_shake(struct model_key *key, const struct model_end *at);
struct model_known model_look(struct model *m, const struct model_key *key, cmrp_view name);
// Whether what is known was so when a call was executed that began at q: no call that ended since,
// or is under way, can have changed it.
bool model_holds(const struct model_key *key, const struct model_known *known, uint64_t q);
void model_change(struct model *m, struct model_key *key, cmrp_view name,
                  const struct model_known *known, const struct model_end *at);
// What a value is after it was set to this: unknown where a server may complete it.
struct model_known model_set_to(uint32_t type, cmrp_view data);

// ---- the parts ----------------------------------------------------------------------------------

struct model_key *model_key_of(const struct sight *s, const char *handle, uint64_t q);
// model_change.c
void model_on_change(const struct sight *s, struct model *m, struct model_flight *f,
                     const struct model_end *end);
// model_read.c
void model_on_read(const struct sight *s, struct model *m, const struct model_end *end);
// model_batch.c
void model_batch_sent(struct model *m, struct model_flight *f, const struct assoc_call *call);
void model_batch_ended(struct model *m, struct model_flight *f, const struct model_end *end);
void model_batches_forget(struct model *m);
bool model_command_hash(const cmrp_batch_command *command, uint64_t *hash);
// A commands' digest; 0 for none.
uint64_t model_content_id(uint64_t so_far, uint64_t command);
// model_port.c
void model_port_made(const struct sight *s, struct model *m, const struct model_flight *f,
                     const struct model_end *end);
void model_port_told(const struct sight *s, struct model *m, struct model_flight *f,
                     const struct model_end *end);
void model_port_leave(struct model_port *port);

#endif
