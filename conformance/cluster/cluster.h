// SPDX-License-Identifier: Apache-2.0
// The reference cluster: nodes, groups, resources, resource types, networks, network interfaces,
// its registry, and notification ports. It knows no octets of the wire and no socket.
// [MS-CMRP 3.1.1]
//
// Texts are UTF-8; names are compared without regard to case. Functions return Win32 codes, 0 for
// success; a function that fails has changed nothing and made no event, unless its comment says
// otherwise. Every change makes its events before the function returns: those of the registry keys
// that belong to the objects first, then those of the objects. Nothing goes on by itself: pending
// states are passed through within one call, and every step of the way is an event. One thread.
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include "cluster/registry.h"
#include "cmrp/change.h"

struct cluster;
struct cluster_object; // shared by reference; outlives its deletion

enum cluster_kind {
    CLUSTER_NODE,
    CLUSTER_GROUP,
    CLUSTER_RESOURCE,
    CLUSTER_RESOURCE_TYPE,
    CLUSTER_NETWORK,
    CLUSTER_NETINTERFACE,
    CLUSTER_KINDS,
};
// "node", "group", "resource", "resource-type", "network", "interface".
const char *cluster_kind_name(enum cluster_kind kind);

enum { // [MS-ERREF 2.2]; names without their prefix
    CLUSTER_ERROR_ACCESS_DENIED = 5,
    CLUSTER_ERROR_INVALID_HANDLE = 6,
    CLUSTER_ERROR_NOT_ENOUGH_MEMORY = 8, // a limit of cluster_options is met
    CLUSTER_ERROR_SHARING_PAUSED = 70,
    CLUSTER_ERROR_INVALID_PARAMETER = 87,
    CLUSTER_ERROR_INVALID_NAME = 123,
    CLUSTER_ERROR_DIR_NOT_EMPTY = 145,
    CLUSTER_ERROR_ALREADY_EXISTS = 183,
    CLUSTER_ERROR_NO_MORE_ITEMS = 259,
    CLUSTER_ERROR_IO_PENDING = 997,
    CLUSTER_ERROR_CIRCULAR_DEPENDENCY = 1059,
    CLUSTER_ERROR_DEPENDENT_RESOURCE_EXISTS = 5001,
    CLUSTER_ERROR_DEPENDENCY_NOT_FOUND = 5002,
    CLUSTER_ERROR_DEPENDENCY_ALREADY_EXISTS = 5003,
    CLUSTER_ERROR_RESOURCE_NOT_ONLINE = 5004,
    CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE = 5005,
    CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE = 5006,
    CLUSTER_ERROR_RESOURCE_NOT_FOUND = 5007,
    CLUSTER_ERROR_OBJECT_ALREADY_EXISTS = 5010,
    CLUSTER_ERROR_GROUP_NOT_AVAILABLE = 5012,
    CLUSTER_ERROR_GROUP_NOT_FOUND = 5013,
    CLUSTER_ERROR_HOST_NODE_NOT_RESOURCE_OWNER = 5015,
    CLUSTER_ERROR_RESOURCE_ONLINE = 5019,
    CLUSTER_ERROR_NOT_QUORUM_CAPABLE = 5021,
    CLUSTER_ERROR_INVALID_STATE = 5023,
    CLUSTER_ERROR_CORE_RESOURCE = 5026,
    CLUSTER_ERROR_NETWORK_NOT_AVAILABLE = 5035,
    CLUSTER_ERROR_NODE_NOT_AVAILABLE = 5036,
    CLUSTER_ERROR_RESOURCE_FAILED = 5038,
    CLUSTER_ERROR_NODE_NOT_FOUND = 5042,
    CLUSTER_ERROR_NETWORK_NOT_FOUND = 5045,
    CLUSTER_ERROR_NETINTERFACE_NOT_FOUND = 5047,
    CLUSTER_ERROR_INVALID_REQUEST = 5048,
    CLUSTER_ERROR_NODE_DOWN = 5050,
    CLUSTER_ERROR_DEPENDENCY_NOT_ALLOWED = 5069,
    CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE = 5071,
    CLUSTER_ERROR_RESTYPE_NOT_FOUND = 5078,
    CLUSTER_ERROR_DEPENDENCY_TREE_TOO_COMPLEX = 5929,
};
// No object of that name; and: the object of this handle is deleted.
uint32_t cluster_not_found(enum cluster_kind kind);
uint32_t cluster_not_available(enum cluster_kind kind);

// States [3.1.4.2.13, 3.1.4.2.46, 3.1.4.2.69, 3.1.4.2.83, 3.1.4.2.94].
enum {
    CLUSTER_NODE_UP = 0,
    CLUSTER_NODE_DOWN = 1,
    CLUSTER_NODE_PAUSED = 2,
    CLUSTER_NODE_JOINING = 3,
    CLUSTER_GROUP_ONLINE = 0,
    CLUSTER_GROUP_OFFLINE = 1,
    CLUSTER_GROUP_FAILED = 2,
    CLUSTER_GROUP_PARTIAL_ONLINE = 3,
    CLUSTER_GROUP_PENDING = 4,
    CLUSTER_RESOURCE_INITIALIZING = 1,
    CLUSTER_RESOURCE_ONLINE = 2,
    CLUSTER_RESOURCE_OFFLINE = 3,
    CLUSTER_RESOURCE_FAILED = 4,
    CLUSTER_RESOURCE_ONLINE_PENDING = 0x81,
    CLUSTER_RESOURCE_OFFLINE_PENDING = 0x82,
    CLUSTER_NETWORK_UNAVAILABLE = 0,
    CLUSTER_NETWORK_DOWN = 1,
    CLUSTER_NETWORK_PARTITIONED = 2,
    CLUSTER_NETWORK_UP = 3,
    CLUSTER_NETINTERFACE_FAILED = 0,
    CLUSTER_NETINTERFACE_UNREACHABLE = 1,
    CLUSTER_NETINTERFACE_UNAVAILABLE = 2,
    CLUSTER_NETINTERFACE_UP = 3,
};
// "up", "partial-online", "online-pending", …; NULL for a number that is no state of the kind.
const char *cluster_state_name(enum cluster_kind kind, uint32_t state);
bool cluster_state_named(enum cluster_kind kind, const char *name, uint32_t *state);

// ---- life ---------------------------------------------------------------------------------------

struct cluster_options {
    const char *seed;  // JSON file, docs/schema/seed.json; NULL: the one built in
    const char *state; // file; NULL: memory. An existing one wins over the seed
    uint32_t queue;    // indications a port keeps before it drops and marks; 0: 10,000
    uint32_t ports;    // at most; 0: 100,000
    uint32_t filters;  // of one port; 0: 10,000
    // Octets of all queues together, 0: 256 MiB; and filters of all ports, 0: 1,048,576. No port
    // may take more of them than are left for all others, so that small ones always have room.
    uint32_t all_queues;
    uint32_t all_filters;
    struct registry_limits registry;
    void *context;
    void (*log)(void *context, const char *text); // a line for people; may be NULL
};

// NULL with *error (free() it): names file, line or JSON pointer and what is wrong. With a state
// file everything that is nonvolatile is as it was; nodes are up, or paused, and resources start
// anew towards the state that they were last commanded to; state sequences begin at 0.
struct cluster *cluster_create(const struct cluster_options *options, char **error);
// Ports that are still open are closed. Objects and keys that are still held stay valid memory, but
// nothing may be done with them but release.
void cluster_destroy(struct cluster *cluster);
struct registry *cluster_registry(struct cluster *cluster);
// The seed that is built in: JSON text.
const char *cluster_builtin_seed(void);

// ---- the cluster itself -------------------------------------------------------------------------

const char *cluster_name(const struct cluster *cluster);
const char *cluster_node_name(const struct cluster *cluster); // the node that this server plays
struct cluster_object *cluster_own_node(const struct cluster *cluster);
// Changes the name of the cluster. Empty, or the name of a node: INVALID_NAME.
uint32_t cluster_rename(struct cluster *cluster, const char *name);
struct cluster_version { // what ApiGetClusterVersion2 tells
    uint16_t major, minor, build;
    const char *vendor, *service_pack;
    uint32_t highest, lowest, flags;
};
const struct cluster_version *cluster_version(const struct cluster *cluster);
// The quorum resource (NULL: majority of nodes), its path on the device, and dwMaxQuorumLogSize.
struct cluster_object *cluster_quorum(const struct cluster *cluster, const char **path,
                                      uint32_t *log_size);
// resource NULL: majority of nodes. One whose type has no property QuorumCapable:
// NOT_QUORUM_CAPABLE; that is not online: RESOURCE_NOT_ONLINE. It becomes a core resource, in place
// of the one before. path is copied.
uint32_t cluster_set_quorum(struct cluster *cluster, struct cluster_object *resource,
                            const char *path, uint32_t log_size);

// ---- objects ------------------------------------------------------------------------------------

// By name or, where the kind has identifiers, by identifier. NULL: none. No reference is taken.
struct cluster_object *cluster_find(struct cluster *cluster, enum cluster_kind kind,
                                    const char *name);
// All objects of a kind in the order of their creation: NULL starts, NULL ends.
struct cluster_object *cluster_next(struct cluster *cluster, enum cluster_kind kind,
                                    struct cluster_object *after);
size_t cluster_count(const struct cluster *cluster, enum cluster_kind kind);
struct cluster_object *cluster_hold(struct cluster_object *object);
void cluster_release(struct cluster_object *object); // NULL is allowed

enum cluster_kind cluster_object_kind(const struct cluster_object *object);
struct cluster *cluster_of(const struct cluster_object *object);
bool cluster_object_deleted(const struct cluster_object *object);
const char *cluster_object_name(const struct cluster_object *object);
const char *cluster_object_id(const struct cluster_object *object); // "" for resource types
uint32_t cluster_object_state(const struct cluster_object *object); // 0 for resource types
// Of groups and resources as the specification has it; nodes, networks and interfaces count their
// state transitions in the same way; 0 for resource types.
uint32_t cluster_object_sequence(const struct cluster_object *object);
// The path of the object's registry key from the root: "Groups\<id>", "ResourceTypes\<name>".
const char *cluster_object_key(const struct cluster_object *object);
// Of a group: its owner node; of a resource: its group; of a network interface: its node. Of a
// deleted object: the last one. NULL for other kinds.
struct cluster_object *cluster_object_parent(const struct cluster_object *object);
// Of a resource: its type; of a network interface: its network. NULL for other kinds.
struct cluster_object *cluster_object_type(const struct cluster_object *object);
// The node that hosts a group or resource, or has an interface.
struct cluster_object *cluster_object_node(const struct cluster_object *object);
// Of a node: its number; of a group: its type [3.1.4.2.128]; of a resource: dwFlags of its
// creation; of a network: its role (0 none, 1 private, 2 public, 3 mixed). 0 for other kinds.
uint32_t cluster_object_number(const struct cluster_object *object);
bool cluster_object_core(const struct cluster_object *object); // a core resource

// Relations of an object to others; NULL behind the last. Lists change with the cluster: do not
// keep an index across changes.
enum cluster_relation {
    CLUSTER_DEPENDS,    // of a resource: what it depends on
    CLUSTER_PROVIDES,   // of a resource: what depends on it
    CLUSTER_OWNERS,     // of a resource: nodes that may host it; none: all may
    CLUSTER_PREFERRED,  // of a group: preferred nodes, the best first
    CLUSTER_RESOURCES,  // of a group: its resources; of a resource type: the resources of it
    CLUSTER_GROUPS,     // of a node: the groups it hosts
    CLUSTER_INTERFACES, // of a node or network
};
struct cluster_object *cluster_related(const struct cluster_object *object,
                                       enum cluster_relation relation, size_t index);

// All that a resource needs, however far that goes: what is depended on first, the resource itself
// last, each once. *depth: of its dependency tree, 0 without any. free() the list.
struct cluster_object **cluster_needs(struct cluster_object *resource, size_t *count,
                                      unsigned *depth);

// Changes. *out is a reference; out may be NULL. Operations on a deleted object: the code of
// cluster_not_available. Empty names, and such of blanks alone: CLUSTER_ERROR_INVALID_NAME; names
// that are in use as name or identifier: OBJECT_ALREADY_EXISTS on creation, ALREADY_EXISTS for
// renaming.
uint32_t cluster_group_create(struct cluster *cluster, const char *name,
                              struct cluster_object **out);
uint32_t cluster_resource_create(struct cluster_object *group, const char *name, const char *type,
                                 uint32_t flags, struct cluster_object **out);
uint32_t cluster_resource_type_create(struct cluster *cluster, const char *name,
                                      struct cluster_object **out);
// Groups, resources, resource types, nodes (eviction), networks and interfaces. force: a group with
// its resources.
uint32_t cluster_delete(struct cluster_object *object, bool force);
uint32_t cluster_object_rename(struct cluster_object *object, const char *name);
// Of groups or resources. All that is concerned is pending first; then one after another comes
// online, what is depended on before what depends on it, or goes offline in reverse. A node that is
// paused: SHARING_PAUSED. A resource that may not run on the node of its group:
// NODE_CANT_HOST_RESOURCE; of a group, the others come online nevertheless. The command is kept
// even so: it is followed when the group moves. Only a resource that is pending is not commanded.
uint32_t cluster_online(struct cluster_object *object);
uint32_t cluster_offline(struct cluster_object *object);
// The resource fails, and what depends on it goes offline. Those that have the property "restart"
// (true in the seed) come online again.
uint32_t cluster_fail(struct cluster_object *resource);
// node NULL: the best other node: the first preferred one, else the next by number.
uint32_t cluster_group_move(struct cluster_object *group, struct cluster_object *node);
// With all that it depends on, or that depends on it.
uint32_t cluster_resource_move(struct cluster_object *resource, struct cluster_object *group);
uint32_t cluster_depend(struct cluster_object *resource, struct cluster_object *on, bool add);
// The set is empty as long as all nodes may host the resource: adding to it is then an error
// (OBJECT_ALREADY_EXISTS), removing leaves all the others.
uint32_t cluster_possible_owner(struct cluster_object *resource, struct cluster_object *node,
                                bool add);
uint32_t cluster_preferred_owners(struct cluster_object *group, struct cluster_object *const *nodes,
                                  size_t count);
uint32_t cluster_node_pause(struct cluster_object *node, bool pause);
// For the control socket: what clients cannot do. Nodes go down (their groups move to others) and
// come up; networks and interfaces fail or are partitioned, where the state of a network follows
// from those of its interfaces, which are changed accordingly; groups and resources come online, go
// offline or fail; a resource may be set to a pending state.
uint32_t cluster_set_state(struct cluster_object *object, uint32_t state);
// Objects of any kind. parent: of a resource its group, of an interface its node; type: of a
// resource its type, of an interface its network; else NULL. A new node is down.
uint32_t cluster_add(struct cluster *cluster, enum cluster_kind kind, const char *name,
                     struct cluster_object *parent, struct cluster_object *type,
                     struct cluster_object **out);

// ---- properties ---------------------------------------------------------------------------------

struct cluster_property {
    const char *name;
    bool is_number;
    uint32_t number;
    const char *text; // NULL for numbers
};
// Sets a property of an object, or of the cluster itself (object NULL); a value of NULL text that
// is no number removes it. Common ones stand as values in the object's registry key, private ones
// in its subkey Parameters. The same value again is no change.
uint32_t cluster_set_property(struct cluster *cluster, struct cluster_object *object, bool private,
                              const struct cluster_property *property);
// Sets several, or none. What all common or all private ones of an object take is bounded, as each
// change of it makes a copy: NOT_ENOUGH_MEMORY.
enum { CLUSTER_PROPERTIES_OCTETS = 16 << 20 };
uint32_t cluster_set_properties(struct cluster *cluster, struct cluster_object *object,
                                bool private, const struct cluster_property *properties,
                                size_t count);
// In the order of names; false behind the last. Texts are valid until the next change.
bool cluster_property_at(const struct cluster *cluster, const struct cluster_object *object,
                         bool private, size_t index, struct cluster_property *out);
bool cluster_property_get(const struct cluster *cluster, const struct cluster_object *object,
                          bool private, const char *name, struct cluster_property *out);

#endif
