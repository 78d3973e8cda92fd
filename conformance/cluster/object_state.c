// SPDX-License-Identifier: Apache-2.0
// States of resources, which are commanded, and of groups and networks, which follow from what they
// hold.
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
        [CLUSTER_NODE] = CLUSTER_CHANGE_NODE_STATE_V2,
        [CLUSTER_GROUP] = CLUSTER_CHANGE_GROUP_STATE_V2,
        [CLUSTER_RESOURCE] = CLUSTER_CHANGE_RESOURCE_STATE_V2,
        [CLUSTER_NETWORK] = CLUSTER_CHANGE_NETWORK_STATE_V2,
        [CLUSTER_NETINTERFACE] = CLUSTER_CHANGE_NETINTERFACE_STATE_V2,
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

bool resource_pending(uint32_t state) {
    return state == CLUSTER_RESOURCE_ONLINE_PENDING || state == CLUSTER_RESOURCE_OFFLINE_PENDING;
}

// [3.1.4.2.46]
static uint32_t group_state(const struct cluster_object *group) {
    size_t tops = 0, online = 0, pending = 0, failed = 0;
    for (size_t i = 0; i < group->members.count; i++) {
        const struct cluster_object *r = group->members.at[i];
        failed += r->f.state == CLUSTER_RESOURCE_FAILED;
        pending += resource_pending(r->f.state);
        if (r->members.count == 0) { // a top-level one
            tops++;
            online += r->f.state == CLUSTER_RESOURCE_ONLINE;
        }
    }
    return failed > 0                 ? CLUSTER_GROUP_FAILED
           : pending > 0              ? CLUSTER_GROUP_PENDING
           : tops == 0 || online == 0 ? CLUSTER_GROUP_OFFLINE
           : online < tops            ? CLUSTER_GROUP_PARTIAL_ONLINE
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
    state_set(network, there == 0                   ? CLUSTER_NETWORK_UNAVAILABLE
                       : unreachable > 0 && up >= 2 ? CLUSTER_NETWORK_PARTITIONED
                       : up > 0                     ? CLUSTER_NETWORK_UP
                                                    : CLUSTER_NETWORK_DOWN);
}

// ---- resources ----------------------------------------------------------------------------------

static uint32_t own_obstacle(const struct cluster_object *resource) {
    const struct cluster_object *node = cluster_object_node(resource);
    const bool paused = node->f.state == CLUSTER_NODE_PAUSED;
    if (resource->f.state == CLUSTER_RESOURCE_ONLINE) {
        return 0;
    }
    if (resource_pending(resource->f.state)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    // On a paused node nothing comes online but the quorum resource [3.1.4.2.70].
    if (paused && resource != resource->cluster->self->f.parent) {
        return CLUSTER_ERROR_SHARING_PAUSED;
    }
    if (!paused && node->f.state != CLUSTER_NODE_UP) {
        return CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE;
    }
    return node_may_host(node, resource) ? 0 : (uint32_t)CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE;
}

uint32_t resource_obstacle(struct cluster_object *resource) {
    struct objects needed = closure(ONLY(resource), true);
    uint32_t status = 0;
    if (resource->f.state != CLUSTER_RESOURCE_ONLINE) {
        status = own_obstacle(resource);
        for (size_t i = 0; i < needed.count && status == 0; i++) {
            status = own_obstacle(needed.at[i]);
        }
    }
    free(needed.at);
    return status;
}

void resources_start(const struct objects *resources) {
    struct objects all = closure(resources, true);
    for (size_t i = 0; i < all.count; i++) {
        if (all.at[i]->f.state == CLUSTER_RESOURCE_INITIALIZING) {
            state_set(all.at[i], CLUSTER_RESOURCE_OFFLINE);
        }
        if (all.at[i]->f.state != CLUSTER_RESOURCE_ONLINE) {
            state_set(all.at[i], CLUSTER_RESOURCE_ONLINE_PENDING);
        }
    }
    for (size_t i = 0; i < all.count; i++) {
        state_set(all.at[i], CLUSTER_RESOURCE_ONLINE);
    }
    free(all.at);
}

static bool can_stop(const struct cluster_object *resource) {
    return resource->f.state != CLUSTER_RESOURCE_OFFLINE &&
           resource->f.state != CLUSTER_RESOURCE_FAILED;
}

void resources_stop(const struct objects *resources) {
    struct objects all = closure(resources, false);
    for (size_t i = 0; i < all.count; i++) {
        if (can_stop(all.at[i])) {
            state_set(all.at[i], CLUSTER_RESOURCE_OFFLINE_PENDING);
        }
    }
    for (size_t i = 0; i < all.count; i++) {
        if (can_stop(all.at[i])) {
            state_set(all.at[i], CLUSTER_RESOURCE_OFFLINE);
        }
    }
    free(all.at);
}

void object_command(struct cluster_object *object, bool online) {
    if (object->f.online != online) {
        change_nonvolatile(object);
        object->f.online = online;
    }
}

// *late: why the command, which is taken all the same, cannot be followed now [3.1.4.2.18].
static uint32_t resource_online(struct cluster_object *resource, uint32_t *late) {
    if (resource_pending(resource->f.state)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    object_command(resource, true);
    *late = resource_obstacle(resource);
    if (*late == 0) {
        resources_start(ONLY(resource));
    }
    return 0;
}

static uint32_t offline_obstacle(const struct cluster_object *resource) {
    const bool busy =
        resource_pending(resource->f.state) || resource->f.state == CLUSTER_RESOURCE_INITIALIZING;
    return busy ? CLUSTER_ERROR_INVALID_STATE : 0;
}

// *late: the status of a command that was taken all the same [3.1.4.2.19].
static uint32_t resource_offline(struct cluster_object *resource, uint32_t *late) {
    const uint32_t status = offline_obstacle(resource);
    if (status == 0) {
        object_command(resource, false);
        *late = resource->f.state == CLUSTER_RESOURCE_FAILED ? CLUSTER_ERROR_RESOURCE_FAILED : 0;
        resources_stop(ONLY(resource));
    }
    return status;
}

// ---- groups -------------------------------------------------------------------------------------

static uint32_t group_online(struct cluster_object *group, uint32_t *late) {
    struct objects able = {0};
    if (group->f.state == CLUSTER_GROUP_PENDING) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    if (group->f.parent->f.state == CLUSTER_NODE_PAUSED) {
        return CLUSTER_ERROR_SHARING_PAUSED;
    }
    object_command(group, true);
    for (size_t i = 0; i < group->members.count; i++) {
        struct cluster_object *r = group->members.at[i];
        const uint32_t status = resource_obstacle(r);
        object_command(r, true);
        *late = *late == 0 ? status : *late;
        if (status == 0) {
            objects_add(&able, r);
        }
    }
    resources_start(&able);
    free(able.at);
    return 0;
}

static uint32_t group_offline(struct cluster_object *group, uint32_t *late) {
    if (group->f.state == CLUSTER_GROUP_PENDING) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    object_command(group, false);
    for (size_t i = 0; i < group->members.count; i++) {
        struct cluster_object *r = group->members.at[i];
        object_command(r, false);
        if (r->f.state == CLUSTER_RESOURCE_FAILED) {
            *late = CLUSTER_ERROR_RESOURCE_FAILED;
        }
    }
    resources_stop(&group->members);
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
    case CLUSTER_RESOURCE: status = resource_online(object, &late); break;
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
    if (resource->f.state != CLUSTER_RESOURCE_ONLINE && !resource_pending(resource->f.state)) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    struct objects were_online = {0};
    change_begin(resource->cluster);
    struct objects users = closure(ONLY(resource), false);
    for (size_t i = 0; i < users.count; i++) {
        if (users.at[i]->f.state == CLUSTER_RESOURCE_ONLINE) {
            objects_add(&were_online, users.at[i]);
        }
    }
    free(users.at);
    state_set(resource, CLUSTER_RESOURCE_FAILED);
    resources_stop(&resource->members);
    if (resource->f.restart && resource->f.online && resource_obstacle(resource) == 0) {
        resources_start(&were_online);
    }
    free(were_online.at);
    return change_end(resource->cluster, 0);
}
