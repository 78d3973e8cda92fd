// SPDX-License-Identifier: Apache-2.0
// The cluster registry: keys, values and security descriptors in SQLite, in memory or in a file.
// [MS-CMRP 3.1.1.2, 3.1.1.8.1, 3.1.4.2.29 to 3.1.4.2.41, 3.1.4.2.112 to 3.1.4.2.115, 3.1.4.2.141,
// 3.1.4.2.145]
//
// Names are generalised UTF-8 (util/text.h: text_from_units), compared by text_compare_folded and
// kept as they were first written. A path has its levels separated by backslashes, none of them
// empty; the empty path is the key itself. Functions return Win32 codes, 0 for success; a function
// that fails has changed nothing. Every function that changes is one transaction; with a file it is
// durable when the function returns, also against a loss of power. A disk that is full or fails
// makes the call fail, and the registry goes on.
#ifndef CLUSTER_REGISTRY_H
#define CLUSTER_REGISTRY_H

#include "cmrp/batch.h"

struct registry;
struct registry_key; // an open key; shared by reference

enum {
    REGISTRY_ERROR_FILE_NOT_FOUND = 2, // no such key or value
    REGISTRY_ERROR_ACCESS_DENIED = 5,  // a key with subkeys is not deleted by ApiDeleteKey
    REGISTRY_ERROR_INVALID_DATA = 13,  // a batch that cannot be read
    REGISTRY_ERROR_OUT_OF_MEMORY = 14,
    REGISTRY_ERROR_WRITE_FAULT = 29, // the disk failed
    REGISTRY_ERROR_INVALID_PARAMETER = 87,
    REGISTRY_ERROR_DISK_FULL = 112,      // or what the registry may hold is used up
    REGISTRY_ERROR_INVALID_NAME = 123,   // an empty level, a name too long, a path too deep
    REGISTRY_ERROR_ALREADY_EXISTS = 183, // a condition of a batch is not met
    REGISTRY_ERROR_MORE_DATA = 234,
    REGISTRY_ERROR_NO_MORE_ITEMS = 259,
    REGISTRY_ERROR_CORRUPT = 1015,
    REGISTRY_ERROR_KEY_DELETED = 1018,
    REGISTRY_ERROR_NOT_FOUND = 1168,     // a condition of a batch is not met
    REGISTRY_ERROR_TOO_LARGE = 1450,     // ERROR_NO_SYSTEM_RESOURCES: beyond a limit
    REGISTRY_ERROR_INVALID_STATE = 5023, // a condition of a batch is not met
};

struct registry_limits {    // 0 takes the default
    uint32_t value_octets;  // of one value, and of a security descriptor; default 16 MiB
    uint32_t name_units;    // UTF-16 units of one level of a path; default 255
    uint32_t value_units;   // UTF-16 units of a value's name; default 16,383
    uint32_t depth;         // levels; default 512
    uint32_t path_units;    // UTF-16 units of a whole path; default 4,096
    uint64_t octets;        // of everything in the registry; default 1 GiB, beyond it: 112
    uint64_t news_octets;   // of what one transaction has to tell; default 256 MiB, beyond it: 1450
    uint32_t answer_octets; // of the answer to a batch that reads; default 30 MiB
    uint32_t port_count;    // indications that a batch port keeps; default 10,000
    uint32_t port_octets;   // and their size; default 64 MiB
    uint32_t all_port_octets; // of all of them; default 256 MiB. No batch port may take more of it
                              // than is left for all others
};

// ---- changes ------------------------------------------------------------------------------------

enum registry_change {
    REGISTRY_KEY_CREATED,
    REGISTRY_KEY_DELETED, // one for each key of a subtree, those below before those above
    REGISTRY_ATTRIBUTES,  // security descriptor set
    REGISTRY_VALUE_SET,
    REGISTRY_VALUE_DELETED,
};

// One change, told after it is committed, in the order of the commands. What changes nothing tells
// nothing, but a value that is set to what it was.
struct registry_event {
    enum registry_change change;
    const char *path;  // from the root, without a leading backslash; "" is the root
    const char *value; // VALUE_*: the value's name, "" the unnamed one
};

struct registry_listener {
    void *context;
    // May read the registry, but not change it. NULL: nobody listens.
    void (*changed)(void *context, const struct registry_event *event);
    // A batch port at `path` is full: indications are dropped until one is taken. NULL allowed.
    void (*overflowed)(void *context, const char *path);
    // All that a change has made has been told; the registry may be changed. NULL allowed.
    void (*told)(void *context);
    // Nothing can be written, and why; once, until something could be. NULL allowed.
    void (*troubled)(void *context, const char *why);
};

// ---- life ---------------------------------------------------------------------------------------

// path NULL: in memory. Returns NULL with *error (free() it) where the file cannot be opened or
// written, is no registry, is corrupt, or is in use by anybody. A new registry holds the root key
// only. limits and listener (NULL allowed) are copied.
struct registry *registry_open(const char *path, const struct registry_limits *limits,
                               const struct registry_listener *listener, char **error);
// All keys must have been released and all ports closed before. NULL is allowed.
void registry_close(struct registry *registry);
// False until the first change, of this run or an earlier one on the same file.
bool registry_used(const struct registry *registry);

// Changes made between the two are one transaction (seeding), events are told at its end; abort
// undoes them, without events, and keys that they created count as deleted. Batches are refused in
// between (87). commit, when it fails, has done what abort does.
uint32_t registry_begin(struct registry *registry);
uint32_t registry_commit(struct registry *registry);
void registry_abort(struct registry *registry);

// A text that is kept beside the keys (the cluster's objects, as JSON). Setting it is part of the
// transaction that registry_begin has begun. *text is NULL where there is none; free() it.
uint32_t registry_document_set(struct registry *registry, const char *text);
uint32_t registry_document_get(struct registry *registry, char **text);

// ---- keys ---------------------------------------------------------------------------------------

// Each *out is a reference to be released. An open key stays open after its deletion; its functions
// then fail with REGISTRY_ERROR_KEY_DELETED, also when a key of the same name is created anew.
uint32_t registry_root(struct registry *registry, struct registry_key **out);
uint32_t registry_key_open(struct registry_key *parent, const char *path,
                           struct registry_key **out);
// Creates every level that is missing; *created tells whether the last was. sd: of the new key;
// NULL: inherits the parent's.
uint32_t registry_key_create(struct registry_key *parent, const char *path, const cmrp_view *sd,
                             bool *created, struct registry_key **out);
// One level of `path` at least (87). A key with subkeys stays (5).
uint32_t registry_key_delete(struct registry_key *parent, const char *path);
// The key with all below it.
uint32_t registry_tree_delete(struct registry_key *parent, const char *path);
struct registry_key *registry_key_hold(struct registry_key *key);
void registry_key_release(struct registry_key *key);   // NULL is allowed
uint32_t registry_key_check(struct registry_key *key); // 0, or REGISTRY_ERROR_KEY_DELETED
// The path from the root, of a deleted key the former one.
const char *registry_key_path(const struct registry_key *key);

// What ApiQueryInfoKey and ApiEnumKey tell. Lengths in UTF-16 units without NUL, data in octets.
struct registry_info {
    uint32_t keys, longest_key, values, longest_value_name, largest_value, descriptor_octets;
    uint64_t written; // FILETIME
};
uint32_t registry_key_info(struct registry_key *key, struct registry_info *info);
// Items are counted from 0; beyond the last: REGISTRY_ERROR_NO_MORE_ITEMS. Where a function fails,
// what it would have given is not set.
// The subkey number `index` in the order of names; name: free() it.
uint32_t registry_key_at(struct registry_key *key, uint32_t index, char **name, uint64_t *written);
// In self-relative form [MS-DTYP 2.4.6]; free() *sd. Setting one does not look at what it holds.
uint32_t registry_security_get(struct registry_key *key, uint8_t **sd, size_t *size);
uint32_t registry_security_set(struct registry_key *key, cmrp_view sd);

// ---- values -------------------------------------------------------------------------------------

struct registry_value { // free with registry_value_clear
    char *name;
    uint32_t type;
    uint8_t *data;
    size_t size;
};
void registry_value_clear(struct registry_value *value);
// By name ("" is the unnamed value), FILE_NOT_FOUND where there is none; or number `index` in the
// order of names. *out is set on success only.
uint32_t registry_value_get(struct registry_key *key, const char *name, struct registry_value *out);
uint32_t registry_value_at(struct registry_key *key, uint32_t index, struct registry_value *out);
// A type that [MS-DTYP] does not name: 87. Deleting what is not there: FILE_NOT_FOUND.
uint32_t registry_value_set(struct registry_key *key, const char *name, uint32_t type,
                            cmrp_view data);
uint32_t registry_value_delete(struct registry_key *key, const char *name);

// ---- batches ------------------------------------------------------------------------------------

// Executes a CLUSTER_REG_BATCH_UPDATE whole or not at all [3.1.4.2.112]. *failed: number of the
// command that failed, from 1; 0: none, or the header. On success batch ports in scope have got the
// mirror of it [3.1.4.2.114].
// - Names of CREATE_KEY and DELETE_KEY are relative to `key`. The empty one is `key` itself; it
//   cannot be deleted (123). DELETE_KEY takes the whole subtree.
// - SET_VALUE and DELETE_VALUE after a DELETE_KEY: 87. A type that ApiSetValue does not know, a
//   command that is reserved or that only servers send, a batch that cannot be read: 13.
// - CONTROL_COMMAND with ValueType 1 or 2: nothing to do. CONDITION_*: of the key pointer's values,
//   as they are at that moment, or of keys relative to `key`; equal means type and octets; greater
//   and less are for REG_DWORD and REG_QWORD, unsigned. Not met: 1168, 183, or 5023 for
//   comparisons. Neither is mirrored, neither moves the key pointer.
uint32_t registry_batch(struct registry_key *key, cmrp_view batch, int32_t *failed);
// Reads [3.1.4.2.141]: *out is the answer, a CLUSTER_REG_BATCH_UPDATE with a command for each
// command; free() it. READ_KEY is relative to `key` and answered by READ_KEY; where it fails, it
// and the READ_VALUEs behind it are answered by READ_ERROR. A command that writes: 87. All values
// are of one state of the registry.
uint32_t registry_read_batch(struct registry_key *key, cmrp_view batch, uint8_t **out,
                             size_t *size);

// A batch port [3.1.1.8.1]: a queue of the batches that were executed at its key or below, or that
// touched a key there. When its key is deleted, the port stays and gets nothing more. It stands in
// its registry, which must not be closed before.
struct batch_port;
enum {
    BATCH_PORT_CLOSED = 259, // ERROR_NO_MORE_ITEMS
};
struct batch_waiter { // who waits for an indication; stands in the caller's own structure
    void *context;
    // status 0: the indication, valid during the call.
    void (*done)(void *context, uint32_t status, cmrp_view batch);
    struct batch_port *port; // NULL: not waiting
    struct batch_waiter *next, *previous;
};
// What is beyond the limits is dropped (the specification has no marker for it).
uint32_t batch_port_create(struct registry_key *key, struct batch_port **out);
// Calls done at once where an indication is queued, later otherwise; first come, first served.
void batch_port_get(struct batch_port *port, struct batch_waiter *waiter);
void batch_waiter_leave(struct batch_waiter *waiter); // without done; harmless when not waiting
// Completes all waiters with BATCH_PORT_CLOSED and frees the port.
void batch_port_close(struct batch_port *port);

#endif
