// SPDX-License-Identifier: Apache-2.0
// States: of resources by command, of groups and networks by what they hold, of nodes and
// interfaces by what happens to them.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

// ---- names --------------------------------------------------------------------------------------

static const struct {
    uint8_t kind;
    uint8_t state;
    const char *name;
} names[] = {
    {CLUSTER_NODE, CLUSTER_NODE_UP, "up"},
    {CLUSTER_NODE, CLUSTER_NODE_DOWN, "down"},
    {CLUSTER_NODE, CLUSTER_NODE_PAUSED, "paused"},
    {CLUSTER_NODE, CLUSTER_NODE_JOINING, "joining"},
    {CLUSTER_GROUP, CLUSTER_GROUP_ONLINE, "online"},
    {CLUSTER_GROUP, CLUSTER_GROUP_OFFLINE, "offline"},
    {CLUSTER_GROUP, CLUSTER_GROUP_FAILED, "failed"},
    {CLUSTER_GROUP, CLUSTER_GROUP_PARTIAL_ONLINE, "partial-online"},
    {CLUSTER_GROUP, CLUSTER_GROUP_PENDING, "pending"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_INITIALIZING, "initializing"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_ONLINE, "online"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_OFFLINE, "offline"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_FAILED, "failed"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_ONLINE_PENDING, "online-pending"},
    {CLUSTER_RESOURCE, CLUSTER_RESOURCE_OFFLINE_PENDING, "offline-pending"},
    {CLUSTER_NETWORK, CLUSTER_NETWORK_UNAVAILABLE, "unavailable"},
    {CLUSTER_NETWORK, CLUSTER_NETWORK_DOWN, "down"},
    {CLUSTER_NETWORK, CLUSTER_NETWORK_PARTITIONED, "partitioned"},
    {CLUSTER_NETWORK, CLUSTER_NETWORK_UP, "up"},
    {CLUSTER_NETINTERFACE, CLUSTER_NETINTERFACE_FAILED, "failed"},
    {CLUSTER_NETINTERFACE, CLUSTER_NETINTERFACE_UNREACHABLE, "unreachable"},
    {CLUSTER_NETINTERFACE, CLUSTER_NETINTERFACE_UNAVAILABLE, "unavailable"},
    {CLUSTER_NETINTERFACE, CLUSTER_NETINTERFACE_UP, "up"},
};

const char *cluster_state_name(enum cluster_kind kind, uint32_t state) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].kind == kind && names[i].state == state) {
            return names[i].name;
        }
    }
    return NULL;
}

bool cluster_state_named(enum cluster_kind kind, const char *name, uint32_t *state) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].kind == kind && strcmp(names[i].name, name) == 0) {
            *state = names[i].state;
            return true;
        }
    }
    return false;
}

// ---- one object ---------------------------------------------------------------------------------

void state_set(struct cluster_object *object, uint32_t state) {
    static const uint8_t flags[CLUSTER_KINDS] = {
        [CLUSTER_NODE] = 0x10,   [CLUSTER_GROUP] = 0x8,        [CLUSTER_RESOURCE] = 0x4,
        [CLUSTER_NETWORK] = 0x8, [CLUSTER_NETINTERFACE] = 0x8,
    };
    if (object->f.state == state) {
        return;
    }
    change_touch(object);
    object->f.state = state;
    object->f.sequence++;
    event_tell_object(object, TELL_STATE, flags[object->kind], payload_number(state));
    if (object->kind == CLUSTER_RESOURCE) {
        group_refresh(object->f.parent);
    }
}

static bool is_pending(uint32_t state) {
    return state == CLUSTER_RESOURCE_ONLINE_PENDING || state == CLUSTER_RESOURCE_OFFLINE_PENDING;
}

static bool is_top_level(const struct cluster_object *resource) {
    return cluster_related(resource, CLUSTER_PROVIDES, 0) == NULL;
}

// [3.1.4.2.46]
static uint32_t group_state(const struct cluster_object *group) {
    size_t tops = 0, online = 0, pending = 0, failed = 0;
    for (size_t i = 0; i < group->members.count; i++) {
        const struct cluster_object *r = group->members.at[i];
        failed += r->f.state == CLUSTER_RESOURCE_FAILED;
        pending += is_pending(r->f.state);
        if (is_top_level(r)) {
            tops++;
            online += r->f.state == CLUSTER_RESOURCE_ONLINE;
        }
    }
    return failed > 0                     ? CLUSTER_GROUP_FAILED
           : pending > 0                  ? CLUSTER_GROUP_PENDING
           : tops == 0 || online == 0     ? CLUSTER_GROUP_OFFLINE
           : online < tops                ? CLUSTER_GROUP_PARTIAL_ONLINE
                                          : CLUSTER_GROUP_ONLINE;
}

void group_refresh(struct cluster_object *group) {
    if (!group->f.deleted) {
        state_set(group, group_state(group));
    }
}

// [3.1.4.2.83]; interfaces of nodes that are not there do not count.
void network_refresh(struct cluster_object *network) {
    size_t there = 0, up = 0, unreachable = 0;
    if (network->f.deleted) {
        return;
    }
    for (const struct cluster_object *i = network->cluster->kinds[CLUSTER_NETINTERFACE].first;
         i != NULL; i = i->next) {
        if (!i->f.deleted && i->f.type == network) {
            there += i->f.state != CLUSTER_NETINTERFACE_UNAVAILABLE;
            up += i->f.state == CLUSTER_NETINTERFACE_UP;
            unreachable += i->f.state == CLUSTER_NETINTERFACE_UNREACHABLE;
        }
    }
    state_set(network, there == 0                     ? CLUSTER_NETWORK_UNAVAILABLE
                       : unreachable > 0 && up >= 2   ? CLUSTER_NETWORK_PARTITIONED
                       : up > 0                       ? CLUSTER_NETWORK_UP
                                                      : CLUSTER_NETWORK_DOWN);
}

// ---- resources ----------------------------------------------------------------------------------

// Why a resource, or what it depends on, cannot come online; 0: it can.
static uint32_t online_obstacle(const struct cluster_object *resource) {
    const struct cluster_object *node = cluster_object_node(resource);
    if (resource->f.state == CLUSTER_RESOURCE_ONLINE) {
        return 0;
    }
    if (is_pending(resource->f.state)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    if (node->f.state == CLUSTER_NODE_PAUSED) {
        return CLUSTER_ERROR_SHARING_PAUSED;
    }
    if (node->f.state != CLUSTER_NODE_UP) {
        return CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE;
    }
    if (!node_may_host(node, resource)) {
        return CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE;
    }
    for (size_t i = 0; i < resource->f.depends.count; i++) {
        const uint32_t status = online_obstacle(resource->f.depends.at[i]);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

// No obstacle: what it depends on first.
static void come_online(struct cluster_object *resource) {
    if (resource->f.state == CLUSTER_RESOURCE_ONLINE) {
        return;
    }
    for (size_t i = 0; i < resource->f.depends.count; i++) {
        come_online(resource->f.depends.at[i]);
    }
    if (resource->f.state == CLUSTER_RESOURCE_INITIALIZING) {
        state_set(resource, CLUSTER_RESOURCE_OFFLINE);
    }
    state_set(resource, CLUSTER_RESOURCE_ONLINE_PENDING);
    state_set(resource, CLUSTER_RESOURCE_ONLINE);
}

// What depends on it first.
static void go_offline(struct cluster_object *resource) {
    const struct objects *members = &resource->f.parent->members;
    if (resource->f.state != CLUSTER_RESOURCE_ONLINE && !is_pending(resource->f.state)) {
        return;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (objects_hold(&members->at[i]->f.depends, resource)) {
            go_offline(members->at[i]);
        }
    }
    state_set(resource, CLUSTER_RESOURCE_OFFLINE_PENDING);
    state_set(resource, CLUSTER_RESOURCE_OFFLINE);
}

void resource_stop(struct cluster_object *resource) {
    if (resource->f.state == CLUSTER_RESOURCE_INITIALIZING) {
        state_set(resource, CLUSTER_RESOURCE_OFFLINE);
    }
    go_offline(resource);
}

static void command(struct cluster_object *object, bool online) {
    if (object->f.online != online) {
        change_nonvolatile(object);
        object->f.online = online;
    }
}

static uint32_t resource_online(struct cluster_object *resource) {
    const uint32_t status = online_obstacle(resource);
    if (status == 0) {
        command(resource, true);
        come_online(resource);
    }
    return status;
}

// *late: the status of a command that was taken all the same [3.1.4.2.19].
static uint32_t resource_offline(struct cluster_object *resource, uint32_t *late) {
    const uint32_t state = resource->f.state;
    if (is_pending(state) || state == CLUSTER_RESOURCE_INITIALIZING) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    command(resource, false);
    if (state == CLUSTER_RESOURCE_FAILED) {
        *late = CLUSTER_ERROR_RESOURCE_FAILED;
        return 0;
    }
    go_offline(resource);
    return 0;
}

// ---- groups -------------------------------------------------------------------------------------

static uint32_t group_obstacle(const struct cluster_object *group) {
    if (group->f.state == CLUSTER_GROUP_PENDING) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    return 0;
}

static uint32_t group_online(struct cluster_object *group, uint32_t *late) {
    const uint32_t status = group_obstacle(group);
    if (status != 0) {
        return status;
    }
    if (group->f.parent->f.state == CLUSTER_NODE_PAUSED) {
        return CLUSTER_ERROR_SHARING_PAUSED;
    }
    command(group, true);
    struct objects order = group_in_order(group);
    for (size_t i = 0; i < order.count; i++) {
        const uint32_t one = resource_online(order.at[i]);
        command(order.at[i], true);
        *late = *late == 0 ? one : *late;
    }
    free(order.at);
    return 0;
}

static uint32_t group_offline(struct cluster_object *group, uint32_t *late) {
    const uint32_t status = group_obstacle(group);
    if (status != 0) {
        return status;
    }
    command(group, false);
    struct objects order = group_in_order(group);
    for (size_t i = order.count; i-- > 0;) {
        uint32_t one = 0;
        const uint32_t refused = resource_offline(order.at[i], &one);
        one = one == 0 ? refused : one;
        *late = *late == 0 ? one : *late;
    }
    free(order.at);
    return 0;
}

uint32_t cluster_online(struct cluster_object *object) {
    uint32_t status, late = 0;
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    change_begin(object->cluster);
    switch (object->kind) {
    case CLUSTER_GROUP: status = group_online(object, &late); break;
    case CLUSTER_RESOURCE: status = resource_online(object); break;
    default: status = CLUSTER_ERROR_INVALID_HANDLE;
    }
    status = change_end(object->cluster, status);
    return status != 0 ? status : late;
}

uint32_t cluster_offline(struct cluster_object *object) {
    uint32_t status, late = 0;
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    change_begin(object->cluster);
    switch (object->kind) {
    case CLUSTER_GROUP: status = group_offline(object, &late); break;
    case CLUSTER_RESOURCE: status = resource_offline(object, &late); break;
    default: status = CLUSTER_ERROR_INVALID_HANDLE;
    }
    status = change_end(object->cluster, status);
    return status != 0 ? status : late;
}

// ---- failure ------------------------------------------------------------------------------------

uint32_t cluster_fail(struct cluster_object *resource) {
    if (resource->kind != CLUSTER_RESOURCE) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (resource->f.deleted) {
        return CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE;
    }
    if (resource->f.state != CLUSTER_RESOURCE_ONLINE && !is_pending(resource->f.state)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    struct cluster_object *group = resource->f.parent;
    struct objects were_online = {0};
    struct objects order = group_in_order(group);
    change_begin(resource->cluster);
    for (size_t i = 0; i < order.count; i++) {
        if (order.at[i]->f.state == CLUSTER_RESOURCE_ONLINE) {
            objects_add(&were_online, order.at[i]);
        }
    }
    state_set(resource, CLUSTER_RESOURCE_FAILED);
    for (size_t i = order.count; i-- > 0;) {
        if (objects_hold(&order.at[i]->f.depends, resource)) {
            go_offline(order.at[i]);
        }
    }
    if (resource->f.restart && resource->f.online && online_obstacle(resource) == 0) {
        come_online(resource);
        for (size_t i = 0; i < were_online.count; i++) {
            if (online_obstacle(were_online.at[i]) == 0) {
                come_online(were_online.at[i]);
            }
        }
    }
    free(order.at);
    free(were_online.at);
    return change_end(resource->cluster, 0);
}

// ---- moving -------------------------------------------------------------------------------------

static bool has_pending(const struct cluster_object *group) {
    for (size_t i = 0; i < group->members.count; i++) {
        if (is_pending(group->members.at[i]->f.state)) {
            return true;
        }
    }
    return false;
}

static bool may_host_all(const struct cluster_object *node, const struct cluster_object *group) {
    for (size_t i = 0; i < group->members.count; i++) {
        if (!node_may_host(node, group->members.at[i])) {
            return false;
        }
    }
    return true;
}

// Nodes one after another, from the one behind `from` on; NULL behind the last.
static struct cluster_object *node_after(struct cluster *cluster, struct cluster_object *from,
                                         struct cluster_object *at) {
    struct cluster_object *next = cluster_next(cluster, CLUSTER_NODE, at);
    next = next != NULL ? next : cluster_next(cluster, CLUSTER_NODE, NULL);
    return next == from ? NULL : next;
}

// The node that a group moves to: preferred, else the next; one that is in this state and, if
// `able`, may host all of it.
static struct cluster_object *find_host(struct cluster_object *group, uint32_t state, bool able) {
    struct cluster *cluster = group->cluster;
    struct cluster_object *from = group->f.parent;
    for (size_t i = 0; i < group->f.preferred.count; i++) {
        struct cluster_object *n = group->f.preferred.at[i];
        if (n != from && n->f.state == state && (!able || may_host_all(n, group))) {
            return n;
        }
    }
    for (struct cluster_object *n = node_after(cluster, from, from); n != NULL;
         n = node_after(cluster, from, n)) {
        if (n->f.state == state && (!able || may_host_all(n, group))) {
            return n;
        }
    }
    return NULL;
}

// Brings each resource to the state that it was last commanded to; the first obstacle.
static uint32_t group_resume(struct cluster_object *group) {
    uint32_t first = 0;
    struct objects order = group_in_order(group);
    for (size_t i = 0; i < order.count; i++) {
        if (order.at[i]->f.online) {
            const uint32_t status = online_obstacle(order.at[i]);
            first = first == 0 ? status : first;
            if (status == 0) {
                come_online(order.at[i]);
            }
        }
    }
    free(order.at);
    return first;
}

uint32_t cluster_group_move(struct cluster_object *group, struct cluster_object *node) {
    if (group->kind != CLUSTER_GROUP || (node != NULL && node->kind != CLUSTER_NODE)) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (group->f.deleted) {
        return CLUSTER_ERROR_GROUP_NOT_AVAILABLE;
    }
    if (node != NULL && node->f.deleted) {
        return CLUSTER_ERROR_NODE_NOT_FOUND;
    }
    node = node != NULL ? node : find_host(group, CLUSTER_NODE_UP, true);
    if (node == NULL) {
        return CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE;
    }
    if (node == group->f.parent) {
        return 0;
    }
    if (node->f.state == CLUSTER_NODE_PAUSED) {
        return CLUSTER_ERROR_SHARING_PAUSED;
    }
    if (node->f.state != CLUSTER_NODE_UP) {
        return CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE;
    }
    if (has_pending(group)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    if (!may_host_all(node, group)) {
        return CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE;
    }
    change_begin(group->cluster);
    struct objects order = group_in_order(group);
    for (size_t i = order.count; i-- > 0;) {
        go_offline(order.at[i]);
    }
    free(order.at);
    group_set_owner(group, node);
    const uint32_t late = group_resume(group);
    const uint32_t status = change_end(group->cluster, 0);
    return status != 0 ? status : late;
}

// ---- nodes --------------------------------------------------------------------------------------

static void interfaces_set(struct cluster_object *node, uint32_t state) {
    for (struct cluster_object *i = node->cluster->kinds[CLUSTER_NETINTERFACE].first; i != NULL;
         i = i->next) {
        if (!i->f.deleted && i->f.parent == node) {
            state_set(i, state);
            network_refresh(i->f.type);
        }
    }
}

static void tell_membership(struct cluster *cluster) {
    struct telling t = {.object_type = 1, .flag = 0x800, .payload = payload_membership(cluster)};
    event_tell(cluster, &t);
}

// The node is not there any more: nothing on it can go through pending states.
static void fail_over(struct cluster_object *group) {
    struct cluster_object *to = find_host(group, CLUSTER_NODE_UP, true);
    to = to != NULL ? to : find_host(group, CLUSTER_NODE_UP, false);
    to = to != NULL ? to : find_host(group, CLUSTER_NODE_PAUSED, false);
    struct objects order = group_in_order(group);
    for (size_t i = order.count; i-- > 0;) {
        if (order.at[i]->f.state != CLUSTER_RESOURCE_FAILED) {
            state_set(order.at[i], CLUSTER_RESOURCE_OFFLINE);
        }
    }
    free(order.at);
    if (to != NULL) {
        group_set_owner(group, to);
        group_resume(group);
    }
}

uint32_t node_down(struct cluster_object *node) {
    struct cluster *cluster = node->cluster;
    const bool was_there = node->f.state != CLUSTER_NODE_DOWN;
    if (node == cluster->own) {
        return CLUSTER_ERROR_INVALID_REQUEST; // nobody would be there to tell
    }
    state_set(node, CLUSTER_NODE_DOWN);
    if (was_there) {
        tell_membership(cluster);
        interfaces_set(node, CLUSTER_NETINTERFACE_UNAVAILABLE);
    }
    for (struct cluster_object *g = cluster->kinds[CLUSTER_GROUP].first; g != NULL; g = g->next) {
        if (!g->f.deleted && g->f.parent == node) {
            fail_over(g);
        }
    }
    return 0;
}

static void node_up(struct cluster_object *node) {
    const uint32_t state = node->f.online ? CLUSTER_NODE_PAUSED : CLUSTER_NODE_UP;
    const bool was_there =
        node->f.state == CLUSTER_NODE_UP || node->f.state == CLUSTER_NODE_PAUSED;
    if (!was_there) {
        state_set(node, CLUSTER_NODE_JOINING);
    }
    state_set(node, state);
    if (!was_there) {
        tell_membership(node->cluster);
        interfaces_set(node, CLUSTER_NETINTERFACE_UP);
    }
}

static uint32_t node_pause(struct cluster_object *node, bool pause) {
    if (pause && node->f.state != CLUSTER_NODE_PAUSED && node->f.state != CLUSTER_NODE_UP) {
        return CLUSTER_ERROR_NODE_DOWN;
    }
    command(node, pause);
    if (node->f.state == CLUSTER_NODE_PAUSED || node->f.state == CLUSTER_NODE_UP) {
        state_set(node, pause ? CLUSTER_NODE_PAUSED : CLUSTER_NODE_UP);
    }
    return 0;
}

uint32_t cluster_node_pause(struct cluster_object *node, bool pause) {
    if (node->kind != CLUSTER_NODE) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (node->f.deleted) {
        return CLUSTER_ERROR_NODE_NOT_FOUND;
    }
    change_begin(node->cluster);
    return change_end(node->cluster, node_pause(node, pause));
}

// ---- from outside -------------------------------------------------------------------------------

static uint32_t set_node(struct cluster_object *node, uint32_t state) {
    switch (state) {
    case CLUSTER_NODE_DOWN: return node_down(node);
    case CLUSTER_NODE_UP: command(node, false); node_up(node); return 0;
    case CLUSTER_NODE_PAUSED: command(node, true); node_up(node); return 0;
    default: break;
    }
    const uint32_t status = node_down(node);
    if (status == 0) {
        state_set(node, CLUSTER_NODE_JOINING);
    }
    return status;
}

static uint32_t set_interface(struct cluster_object *interface, uint32_t state) {
    const bool there = interface->f.parent->f.state == CLUSTER_NODE_UP ||
                       interface->f.parent->f.state == CLUSTER_NODE_PAUSED;
    if ((state == CLUSTER_NETINTERFACE_UNAVAILABLE) == there) {
        return CLUSTER_ERROR_INVALID_STATE; // that follows from the node
    }
    state_set(interface, state);
    network_refresh(interface->f.type);
    return 0;
}

// The interfaces that are there, so that the network gets this state.
static uint32_t set_network(struct cluster_object *network, uint32_t state) {
    struct objects there = {0};
    for (struct cluster_object *i = network->cluster->kinds[CLUSTER_NETINTERFACE].first; i != NULL;
         i = i->next) {
        if (!i->f.deleted && i->f.type == network &&
            i->f.state != CLUSTER_NETINTERFACE_UNAVAILABLE) {
            objects_add(&there, i);
        }
    }
    const size_t least = state == CLUSTER_NETWORK_PARTITIONED ? 3 : 1;
    const bool possible = there.count >= least && state != CLUSTER_NETWORK_UNAVAILABLE;
    for (size_t i = 0; possible && i < there.count; i++) {
        const bool cut_off = state == CLUSTER_NETWORK_PARTITIONED && i + 1 == there.count;
        state_set(there.at[i], state == CLUSTER_NETWORK_DOWN ? CLUSTER_NETINTERFACE_FAILED
                               : cut_off                     ? CLUSTER_NETINTERFACE_UNREACHABLE
                                                             : CLUSTER_NETINTERFACE_UP);
    }
    free(there.at);
    if (!possible) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    network_refresh(network);
    return 0;
}

static uint32_t set_resource(struct cluster_object *resource, uint32_t state) {
    switch (state) {
    case CLUSTER_RESOURCE_ONLINE: return cluster_online(resource);
    case CLUSTER_RESOURCE_OFFLINE: return cluster_offline(resource);
    case CLUSTER_RESOURCE_FAILED: return cluster_fail(resource);
    default: break;
    }
    change_begin(resource->cluster);
    state_set(resource, state);
    return change_end(resource->cluster, 0);
}

static uint32_t set_group(struct cluster_object *group, uint32_t state) {
    switch (state) {
    case CLUSTER_GROUP_ONLINE: return cluster_online(group);
    case CLUSTER_GROUP_OFFLINE: return cluster_offline(group);
    default: return CLUSTER_ERROR_INVALID_STATE; // that follows from the resources
    }
}

uint32_t cluster_set_state(struct cluster_object *object, uint32_t state) {
    uint32_t status;
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    if (cluster_state_name(object->kind, state) == NULL) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    if (object->kind == CLUSTER_RESOURCE) {
        return set_resource(object, state);
    }
    if (object->kind == CLUSTER_GROUP) {
        return set_group(object, state);
    }
    change_begin(object->cluster);
    switch (object->kind) {
    case CLUSTER_NODE: status = set_node(object, state); break;
    case CLUSTER_NETWORK: status = set_network(object, state); break;
    default: status = set_interface(object, state);
    }
    return change_end(object->cluster, status);
}
