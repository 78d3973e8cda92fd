// SPDX-License-Identifier: Apache-2.0
// Notification ports of both versions: filters, queues, indications.
// [MS-CMRP 3.1.1.8, 3.1.4.2.56 to 3.1.4.2.66, 3.1.4.2.91, 92, 100, 101, 107, 137 to 139, 143, 144]
//
// Every filter that matches an event makes an indication of its own, with its own key; a port's
// indications come in the order of the events, those of one event in the order in which the filters
// were added. Nothing is queued before the first filter. An event costs what its matches cost,
// however many filters there are. A port with a filter takes about 270 octets, a queued indication
// 16 and, once for all ports, some 200 for the event and its texts (test/test_port_scale.c).
//
// A queue is bounded (cluster_options.queue, and 64 MiB of events), and so are all of them together
// (cluster_options.all_queues). An indication that does not fit is dropped, and so are all later
// ones until the queue has been drained. In the place of what is missing stands one mark: in ports
// of version 1 CLUSTER_CHANGE_CLUSTER_RECONNECT with the key of the first filter and no name; in
// ports of version 2 CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2 for each filter that asks for it,
// else nothing.
#ifndef CLUSTER_PORT_H
#define CLUSTER_PORT_H

#include "cluster/cluster.h"

struct port;

enum {
    PORT_UNBLOCKED = 1, // ERROR_INVALID_FUNCTION: unblocked, or closed meanwhile
    PORT_CLOSED = 259,  // ERROR_NO_MORE_ITEMS: called while the port is being closed
};

// version 1 or 2. CLUSTER_ERROR_NOT_ENOUGH_MEMORY: too many ports; *out is then not set. To be
// closed by port_close, or with the cluster.
uint32_t port_create(struct cluster *cluster, unsigned version, struct port **out);
unsigned port_version(const struct port *port);

// ---- filters ------------------------------------------------------------------------------------

// Filters stay until the port is closed, those of deleted objects included. Errors: 87 for bits
// that the method does not take, or none [2.2.2.7]; 6 for a port of the other version, or an object
// of the wrong kind; the code of cluster_not_available for a deleted object; 8 for too many.
//
// Version 1. CLUSTER_CHANGE_REGISTRY_SUBTREE extends those about the registry's root key.
uint32_t port_add_cluster(struct port *port, uint32_t filter, uint32_t key);
uint32_t port_add_object(struct port *port, struct cluster_object *object, uint32_t filter,
                         uint32_t key, uint32_t *sequence);
// A key that is deleted: REGISTRY_ERROR_KEY_DELETED.
uint32_t port_add_key(struct port *port, struct registry_key *hkey, uint32_t filter, uint32_t key,
                      bool subtree);
// Adds and, where the object's state sequence is another one and the filter asks for its state,
// queues the *_STATE indication at once.
uint32_t port_readd_object(struct port *port, struct cluster_object *object, uint32_t filter,
                           uint32_t key, uint32_t sequence);
// Version 2. What is watched; nothing set: all objects of the type, or the registry's root key.
struct port_target {
    struct cluster_object *object;
    struct registry_key *hkey;
    const char *resource_type; // ApiAddNotifyResourceTypeV2
};
uint32_t port_add_v2(struct port *port, uint32_t object_type, uint64_t flags, uint32_t key,
                     const struct port_target *target);
// Whether ApiAddNotifyV2 takes the filter: 0, 87, or 6 for a port of version 1.
uint32_t port_check_v2(const struct port *port, uint32_t object_type, uint64_t flags);

// ---- indications --------------------------------------------------------------------------------

// The buffer of a version 2 indication, by its meaning.
enum port_payload_kind {
    PORT_PAYLOAD_NONE,
    PORT_PAYLOAD_NUMBER, // a state, a type, a version
    PORT_PAYLOAD_TEXT,   // an identifier, a dependency expression
    PORT_PAYLOAD_TEXTS,  // a MULTI_SZ
    PORT_PAYLOAD_PROPERTIES,
    PORT_PAYLOAD_MEMBERSHIP,
};
struct port_property {
    char *name;
    bool is_number;
    uint32_t number;
    char *text;
};
struct port_payload {
    enum port_payload_kind kind;
    uint32_t number;
    char **texts; // TEXT: one
    size_t text_count;
    struct port_property *properties;
    size_t property_count;
    bool has_quorum; // MEMBERSHIP
    uint8_t *up_nodes;
    size_t up_node_count;
};

// What happened; shared by the queues of all ports that it concerns.
struct port_event {
    uint32_t change;      // version 1: one bit of CLUSTER_CHANGE; 0: none
    uint32_t object_type; // version 2; 0: none
    uint64_t flag;        // version 2: one bit
    uint32_t sequence;    // version 1: state sequence of the object, 0 where there is none
    // Texts are never NULL. Version 1 names the object that has changed; version 2 may name another
    // one (of a new resource, the group's event names the resource).
    const char *name, *name_v2, *id, *parent_id, *type;
    struct port_payload payload;
};

struct port_indication {
    const struct port_event *event;
    const char *name; // of the port's version; of registry events relative to the watched key
    uint32_t key;     // of the registration
};

// Who waits; stands in the caller's own structure.
struct port_waiter {
    void *context;
    // status 0: `count` indications (one where `single`), oldest first, valid during the call. May
    // close ports, leave waiters, add new ones, change the cluster.
    void (*done)(void *context, uint32_t status, const struct port_indication *indications,
                 size_t count);
    bool single; // ApiGetNotify; the others take all, at most `most` (0: 1,024)
    size_t most;
    struct port *port; // NULL: not waiting
    struct port_waiter *next, *previous;
    uint64_t number;
};
// Calls done at once where an indication is queued (inside of a done: as soon as that has
// returned), later otherwise. First come, first served.
void port_get(struct port *port, struct port_waiter *waiter);
void port_waiter_leave(struct port_waiter *waiter); // without done; harmless when not waiting
// All that wait now: PORT_UNBLOCKED. Queue and filters stay, and later waiters wait.
void port_unblock(struct port *port);
void port_close(struct port *port); // all waiters: PORT_UNBLOCKED; frees the port

// What an answer did not have room for goes back to the head of the queue, in order, from
// indications[first] on. Only inside of done, with its arguments.
void port_put_back(struct port *port, const struct port_indication *indications, size_t first,
                   size_t count);

#endif
