// SPDX-License-Identifier: Apache-2.0
// Groups move from node to node; nodes, networks and interfaces come and fail.
#include <stdlib.h>

#include "cluster/state.h"

// ---- moving -------------------------------------------------------------------------------------

static bool has_pending(const struct cluster_object *group) {
    for (size_t i = 0; i < group->members.count; i++) {
        if (resource_pending(group->members.at[i]->f.state)) {
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
    struct objects able = {0};
    for (size_t i = 0; i < group->members.count; i++) {
        struct cluster_object *r = group->members.at[i];
        const uint32_t status = r->f.online ? resource_obstacle(r) : 0;
        first = first == 0 ? status : first;
        if (r->f.online && status == 0) {
            objects_add(&able, r);
        }
    }
    resources_start(&able);
    free(able.at);
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
    resources_stop(&group->members);
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
    struct telling t = {.object_type = CLUSTER_OBJECT_TYPE_CLUSTER,
                        .flag = CLUSTER_CHANGE_CLUSTER_MEMBERSHIP_V2,
                        .payload = payload_membership(cluster)};
    event_tell(cluster, &t);
}

// The node is not there any more: nothing on it can go through pending states.
static void fail_over(struct cluster_object *group) {
    struct cluster_object *to = find_host(group, CLUSTER_NODE_UP, true);
    to = to != NULL ? to : find_host(group, CLUSTER_NODE_UP, false);
    to = to != NULL ? to : find_host(group, CLUSTER_NODE_PAUSED, false);
    struct objects all = closure(&group->members, false);
    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i]->f.state != CLUSTER_RESOURCE_FAILED) {
            state_set(all.at[i], CLUSTER_RESOURCE_OFFLINE);
        }
    }
    free(all.at);
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
    const bool was_there = node->f.state == CLUSTER_NODE_UP || node->f.state == CLUSTER_NODE_PAUSED;
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
    object_command(node, pause);
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
    case CLUSTER_NODE_UP:
        object_command(node, false);
        node_up(node);
        return 0;
    case CLUSTER_NODE_PAUSED:
        object_command(node, true);
        node_up(node);
        return 0;
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
