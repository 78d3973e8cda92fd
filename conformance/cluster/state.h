// SPDX-License-Identifier: Apache-2.0
// What the files about objects, events and ports share. Not for others.
//
// cluster.c keeps objects and finds them, object_change.c makes several changes one, object_key.c
// writes their registry keys, object_state.c is the state machine, object_relation.c what ties
// objects to each other, object_node.c moves and failures, object_property.c properties; seed*.c
// reads and writes them as JSON; event.c tells, port*.c are the ports.
#ifndef CLUSTER_STATE_H
#define CLUSTER_STATE_H

#include <jansson.h>
#include <uthash.h>

#include "cluster/flags.h"
#include "cluster/port.h"
#include "util/text.h"

// ---- filters and where they hang ----------------------------------------------------------------

// A filter hangs in one list for each of its bits.
struct link {
    struct link *next, *previous; // circular; the head of a list has no filter
    struct filter *filter;
};

enum { WATCH_V1 = 4, WATCH_V2 = 13, WATCH_CHANGES = 32, WATCH_TYPES = 14, WATCH_KEY = 3 };

// Filters for one object. Version 1: *_STATE, *_DELETED, *_ADDED, *_PROPERTY; version 2: flags.
struct watches {
    struct link v1[WATCH_V1];
    struct link v2[WATCH_V2];
};

// Filters for one key: by version, scope (0: the key, 1: the subtree), and change.
struct key_watch {
    char *path; // folded; from the root
    bool alive; // in the table: the key is not deleted
    size_t users;
    struct link lists[2][2][WATCH_KEY];
    UT_hash_handle hh;
};

struct filter {
    struct filter *next; // of the port
    struct port *port;
    struct cluster_object *object; // a reference, or NULL
    struct key_watch *watch;       // a use, or NULL
    uint64_t number;               // in the order of registration
    uint32_t key;
    uint16_t links_used;
    bool lost; // CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2 is asked for
    struct link links[];
};

// ---- objects ------------------------------------------------------------------------------------

struct objects {
    struct cluster_object **at;
    size_t count;
};

struct property {
    char *name, *text;
    bool is_number;
    uint32_t number;
};

struct properties {
    struct property *at;
    size_t count;
};

// Everything about an object that changes. A copy of it is what it was before a change.
struct facts {
    char *name;
    bool deleted;
    uint32_t state, sequence;
    // Nonvolatile, all below. The persistent state: of groups and resources, commanded to be
    // online; of nodes, paused.
    bool online;
    bool core, restart;
    uint32_t number;
    char *path;                           // of the cluster: of the quorum
    struct cluster_object *parent, *type; // references; of the cluster: the quorum resource
    struct objects depends, owners, preferred;
    struct properties properties[2]; // common, private
};

enum { CLUSTER_SELF = CLUSTER_KINDS }; // the kind of the object that is the cluster itself

struct cluster_object {
    struct facts f;
    enum cluster_kind kind;
    size_t users;
    struct cluster *cluster;
    struct cluster_object *next, *previous; // of its kind
    char *id, *key;
    struct objects members;  // of a group: its resources; of a resource: those that depend on it
    uint64_t mark;           // of the walk that was here last
    unsigned depth;          // what that walk has found
    struct watches *watches; // NULL: none
    size_t touched;          // its place in the journal, from 1; 0: none
    char *folded_name, *folded_id;
    UT_hash_handle by_name, by_id;
};

struct kind_table {
    struct cluster_object *first, *last;
    struct cluster_object *names, *ids; // uthash
    size_t count;
};

// ---- changes ------------------------------------------------------------------------------------

struct journal_entry {
    struct cluster_object *object; // a reference
    bool created;
    struct facts before; // where not created
};

struct event {
    struct port_event shown;
    size_t users;
    size_t queued; // how often it stands in queues
    size_t octets; // that it takes
    char texts[];  // NULs between
};

// An event that is told once the change is made.
struct pending_event {
    struct event *event;
    struct cluster_object *subject, *target; // references, or NULL
};

struct cluster {
    struct registry *registry;
    struct cluster_object *self;
    struct cluster_object *own; // the node; a reference
    struct kind_table kinds[CLUSTER_KINDS];
    struct cluster_version version;
    char *vendor, *service_pack;
    uint64_t next_id, salt;
    uint64_t walk; // the number of the walk through dependencies that was the last
    uint32_t queue_limit, port_limit, filter_limit, all_filter_limit;
    uint32_t all_queues;    // octets
    struct event *marks[2]; // of missing events, by version; NULL: none was needed yet
    size_t queued;          // octets of all queues and of the events in them
    size_t filter_count;    // of all ports
    bool durable;
    json_t *seed_keys; // to be written with the first change
    void *context;
    void (*log)(void *context, const char *text);
    // The change that is being made.
    unsigned depth;
    bool nonvolatile; // something that is written has changed
    struct journal_entry *journal;
    size_t journal_count, journal_room;
    struct pending_event *events;
    size_t event_count, event_room;
    // Ports.
    struct link v1[WATCH_CHANGES];
    struct link v2[WATCH_TYPES][WATCH_V2];
    struct key_watch *key_watches; // by path
    struct port *ports;
    struct port *ready_first, *ready_last; // with indications and somebody who waits for them
    size_t port_count;
    uint64_t next_filter;
    bool serving, quiet;
};

void cluster_say(const struct cluster *cluster, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// cluster.c
struct cluster_object *object_new(struct cluster *cluster, enum cluster_kind kind, const char *name,
                                  const char *id); // touched, listed; no event
char *object_new_id(struct cluster *cluster);      // a GUID that is not in use
void object_index(struct cluster_object *object);
void object_unindex(struct cluster_object *object);
void object_unlist(struct cluster_object *object); // and gives up the list's reference
bool object_name_good(enum cluster_kind kind, const char *name);
void objects_add(struct objects *objects, struct cluster_object *object);
void objects_remove(struct objects *objects, const struct cluster_object *object);
bool objects_hold(const struct objects *objects, const struct cluster_object *object);
char *folded(const char *text);
void set_text(char **at, const char *text);

// object_change.c
void facts_clear(struct facts *facts);
void change_begin(struct cluster *cluster);
// Before anything of an object's facts is changed, within a change.
void change_touch(struct cluster_object *object);
void change_nonvolatile(struct cluster_object *object); // the same, and it is to be written
void change_created(struct cluster_object *object);
// Makes the change and tells its events, or, where status is not 0 or it cannot be written, undoes
// everything. Returns status, or why it cannot be written.
uint32_t change_end(struct cluster *cluster, uint32_t status);

// object_key.c
uint32_t key_write(struct cluster *cluster, const struct journal_entry *entry);

// object_state.c
bool resource_pending(uint32_t state);
// Why a resource, or what it depends on, cannot come online; 0: it can.
uint32_t resource_obstacle(struct cluster_object *resource);
// Those that have no obstacle, with all that they depend on: they are pending, then one after
// another is online, what is depended on first.
void resources_start(const struct objects *resources);
// Those that are not failed, with all that depend on them; what depends on others first.
void resources_stop(const struct objects *resources);
// The state that it is to be in: of a node, whether it is paused.
void object_command(struct cluster_object *object, bool online);
void group_refresh(struct cluster_object *group);
void network_refresh(struct cluster_object *network);
void state_set(struct cluster_object *object, uint32_t state);

// object_life.c, object_relation.c, object_node.c
void state_start(struct cluster *cluster); // the states after the start, without events
bool node_may_host(const struct cluster_object *node, const struct cluster_object *resource);
void group_set_owner(struct cluster_object *group, struct cluster_object *node);
uint32_t node_down(struct cluster_object *node);
// Why a resource cannot depend on another, whatever their states are; 0: it can.
uint32_t dependency_check(struct cluster_object *resource, struct cluster_object *on);
// A resource as the only one of a list.
#define ONLY(resource) (&(struct objects){&(resource), 1})
// All that the resources need, or all that needs them, and they themselves: what comes first first.
struct objects closure(const struct objects *resources, bool needed);
void object_set_parent(struct cluster_object *object, struct cluster_object *parent);

// object_property.c
void properties_clear(struct properties *properties);
struct properties properties_copy(const struct properties *from);
const struct property *properties_find(const struct properties *properties, const char *name);
// The flag of version 2 for a change of such a property.
uint64_t property_flag(enum cluster_kind kind, bool private);
// value NULL text and no number: removes. Returns whether something changed.
bool properties_set(struct properties *properties, const struct cluster_property *value);

// ---- telling ------------------------------------------------------------------------------------

// An event to be told: change about subject to ports of version 1, flag of object_type to those of
// version 2 with filters for target (NULL: the cluster). Texts that are NULL are empty; the payload
// is taken over.
struct telling {
    uint32_t change;
    struct cluster_object *subject;
    uint32_t object_type;
    uint64_t flag;
    struct cluster_object *target;
    const char *name, *name_v2, *id, *parent_id, *type;
    struct port_payload payload;
};

// Bits of version 1 above *_STATE, and what events of an object are called in version 2.
enum { TELL_STATE = 0, TELL_DELETED = 1, TELL_ADDED = 2, TELL_PROPERTY = 3 };
uint32_t event_bit(enum cluster_kind kind, unsigned what); // 0: there is none
uint32_t event_object_type(enum cluster_kind kind);

void event_tell(struct cluster *cluster, struct telling *telling);
// About the object itself: bit `what` of version 1 and a flag of its own type (0: none), with its
// names and identifiers.
void event_tell_object(struct cluster_object *object, unsigned what, uint64_t flag,
                       struct port_payload payload);
// The same for version 2 alone.
void event_tell_v2(struct cluster_object *object, uint64_t flag, struct port_payload payload);
void event_deliver_pending(struct cluster *cluster);
void event_drop_pending(struct cluster *cluster);
// registry_listener
void event_registry(void *context, const struct registry_event *event);
void event_registry_told(void *context);
void event_release(struct event *event);
// One event that goes to one port alone.
struct event *event_of_state(struct cluster_object *object);
struct event *event_mark(unsigned version);

struct port_payload payload_none(void);
struct port_payload payload_number(uint32_t number);
struct port_payload payload_text(const char *text);
struct port_payload payload_ids(const struct objects *objects);
struct port_payload payload_property(const struct property *property);
struct port_payload payload_membership(const struct cluster *cluster);

// ---- ports --------------------------------------------------------------------------------------

struct entry {
    struct event *event;
    uint32_t key;
    uint32_t skip; // octets of the name that are left out
};

struct port {
    struct cluster *cluster;
    struct port *next, *previous;             // of the cluster
    struct port *ready_next, *ready_previous; // while ready
    struct filter *first, *last;              // filters
    struct entry *ring;
    uint32_t head, count, room; // room is 0 or a power of 2
    uint32_t filters;
    struct port_waiter *waiters, *last_waiter;
    uint64_t next_waiter;
    uint64_t octets; // of the events in the queue, each as if it were in no other
    uint64_t lost;   // indications that were dropped, for the log
    uint32_t users;  // the port's own functions on the stack
    uint8_t version;
    bool ready, dropping, closed;
};

void links_init(struct cluster *cluster);
void port_queue(struct port *port, const struct filter *filter, struct event *event, uint32_t skip);
// Hands indications to those who wait, unless that is being done already.
void port_serve(struct cluster *cluster);
void ports_close_all(struct cluster *cluster);
void filters_free(struct port *port);
// The key is deleted; one of the same name is another one.
void key_watch_orphan(struct cluster *cluster, const char *folded_path);

// ---- seed ---------------------------------------------------------------------------------------

// Reads text into an empty cluster, within a change. false with *error. name: of the file.
// of_state: what seed_write has written, where registry keys are there already.
bool seed_read(struct cluster *cluster, const char *name, const char *text, size_t size,
               bool of_state, char **error);
char *seed_write(const struct cluster *cluster); // free() it
extern const char seed_builtin[];
// The registry keys that the seed has beside those of objects.
uint32_t seed_write_keys(struct cluster *cluster);

#endif
