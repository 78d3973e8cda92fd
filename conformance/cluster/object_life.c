// SPDX-License-Identifier: Apache-2.0
// Objects are made, renamed and deleted.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

enum { GROUP_TYPE_UNKNOWN = 0x270f, RESOURCE_FLAGS = 1 };

// ---- made ---------------------------------------------------------------------------------------

static uint32_t name_check(struct cluster *cluster, enum cluster_kind kind, const char *name,
                           uint32_t taken) {
    if (!object_name_good(kind, name)) {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    return cluster_find(cluster, kind, name) != NULL ? taken : 0;
}

static struct cluster_object *make(struct cluster *cluster, enum cluster_kind kind,
                                   const char *name) {
    char *id = kind == CLUSTER_RESOURCE_TYPE ? NULL : object_new_id(cluster);
    while (id != NULL && cluster_find(cluster, kind, id) != NULL) {
        free(id);
        id = object_new_id(cluster);
    }
    struct cluster_object *object = object_new(cluster, kind, name, id);
    free(id);
    return object;
}

// Version 1: of the new object; version 2: of what it has come to, with its name and identifier.
static void tell_new(struct cluster_object *object, struct cluster_object *owner, uint64_t flag,
                     const struct cluster_object *parent, struct port_payload payload) {
    struct telling t = {
        .change = event_bit(object->kind, TELL_ADDED),
        .subject = object,
        .object_type = owner != NULL ? event_object_type(owner->kind) : CLUSTER_OBJECT_TYPE_CLUSTER,
        .flag = flag,
        .target = owner,
        .name = object->f.name,
        .id = object->id,
        .parent_id = parent != NULL ? parent->id : NULL,
        .payload = payload,
    };
    event_tell(object->cluster, &t);
}

static uint32_t made(struct cluster_object *object, struct cluster_object **out) {
    const uint32_t status = change_end(object->cluster, 0);
    if (out != NULL) {
        *out = status == 0 ? cluster_hold(object) : NULL;
    }
    return status;
}

uint32_t cluster_group_create(struct cluster *cluster, const char *name,
                              struct cluster_object **out) {
    const uint32_t status =
        name_check(cluster, CLUSTER_GROUP, name, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    if (status != 0) {
        return status;
    }
    change_begin(cluster);
    struct cluster_object *group = make(cluster, CLUSTER_GROUP, name);
    group->f.state = CLUSTER_GROUP_OFFLINE;
    group->f.number = GROUP_TYPE_UNKNOWN;
    object_set_parent(group, cluster->own);
    tell_new(group, NULL, CLUSTER_CHANGE_CLUSTER_GROUP_ADDED_V2, cluster->own,
             payload_number(group->f.number));
    return made(group, out);
}

uint32_t cluster_resource_create(struct cluster_object *group, const char *name, const char *type,
                                 uint32_t flags, struct cluster_object **out) {
    struct cluster *cluster = group->cluster;
    if (group->kind != CLUSTER_GROUP) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (group->f.deleted) {
        return CLUSTER_ERROR_GROUP_NOT_FOUND;
    }
    if ((flags & ~(uint32_t)RESOURCE_FLAGS) != 0) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    const uint32_t status =
        name_check(cluster, CLUSTER_RESOURCE, name, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    if (status != 0) {
        return status;
    }
    struct cluster_object *of = cluster_find(cluster, CLUSTER_RESOURCE_TYPE, type);
    if (of == NULL) {
        return CLUSTER_ERROR_RESTYPE_NOT_FOUND;
    }
    change_begin(cluster);
    struct cluster_object *resource = make(cluster, CLUSTER_RESOURCE, name);
    resource->f.state = CLUSTER_RESOURCE_OFFLINE;
    resource->f.number = flags;
    resource->f.type = cluster_hold(of);
    object_set_parent(resource, group);
    objects_add(&group->members, resource);
    tell_new(resource, group, CLUSTER_CHANGE_GROUP_RESOURCE_ADDED_V2, group->f.parent,
             payload_text(group->id));
    event_tell_v2(group, CLUSTER_CHANGE_GROUP_RESOURCE_GAINED_V2, payload_text(resource->id));
    group_refresh(group);
    return made(resource, out);
}

uint32_t cluster_resource_type_create(struct cluster *cluster, const char *name,
                                      struct cluster_object **out) {
    const uint32_t status =
        name_check(cluster, CLUSTER_RESOURCE_TYPE, name, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    if (status != 0) {
        return status;
    }
    change_begin(cluster);
    struct cluster_object *type = make(cluster, CLUSTER_RESOURCE_TYPE, name);
    tell_new(type, NULL, CLUSTER_CHANGE_CLUSTER_RESOURCE_TYPE_ADDED_V2, NULL, payload_none());
    return made(type, out);
}

static uint32_t add_node(struct cluster *cluster, const char *name, struct cluster_object **out) {
    uint32_t number = 1;
    for (const struct cluster_object *n = cluster_next(cluster, CLUSTER_NODE, NULL); n != NULL;
         n = n->next) {
        number = n->f.number >= number ? n->f.number + 1 : number;
    }
    char *id = util_format("%u", (unsigned)number);
    change_begin(cluster);
    struct cluster_object *node = object_new(cluster, CLUSTER_NODE, name, id);
    free(id);
    node->f.number = number;
    node->f.state = CLUSTER_NODE_DOWN;
    tell_new(node, NULL, CLUSTER_CHANGE_CLUSTER_NODE_ADDED_V2, NULL, payload_number(node->f.state));
    return made(node, out);
}

static uint32_t add_network(struct cluster *cluster, const char *name,
                            struct cluster_object **out) {
    change_begin(cluster);
    struct cluster_object *network = make(cluster, CLUSTER_NETWORK, name);
    network->f.number = 3; // mixed
    network->f.state = CLUSTER_NETWORK_UNAVAILABLE;
    tell_new(network, NULL, CLUSTER_CHANGE_CLUSTER_NETWORK_ADDED_V2, NULL, payload_none());
    return made(network, out);
}

static uint32_t add_interface(struct cluster *cluster, const char *name,
                              struct cluster_object *node, struct cluster_object *network,
                              struct cluster_object **out) {
    if (node == NULL || node->kind != CLUSTER_NODE || node->f.deleted) {
        return CLUSTER_ERROR_NODE_NOT_FOUND;
    }
    if (network == NULL || network->kind != CLUSTER_NETWORK || network->f.deleted) {
        return CLUSTER_ERROR_NETWORK_NOT_FOUND;
    }
    for (const struct cluster_object *i = cluster_next(cluster, CLUSTER_NETINTERFACE, NULL);
         i != NULL; i = i->next) {
        if (!i->f.deleted && i->f.parent == node && i->f.type == network) {
            return CLUSTER_ERROR_ALREADY_EXISTS; // at most one [3.1.1.7]
        }
    }
    const bool up = node->f.state == CLUSTER_NODE_UP || node->f.state == CLUSTER_NODE_PAUSED;
    change_begin(cluster);
    struct cluster_object *interface = make(cluster, CLUSTER_NETINTERFACE, name);
    interface->f.state = up ? CLUSTER_NETINTERFACE_UP : CLUSTER_NETINTERFACE_UNAVAILABLE;
    interface->f.type = cluster_hold(network);
    object_set_parent(interface, node);
    tell_new(interface, node, CLUSTER_CHANGE_NODE_NETINTERFACE_ADDED_V2, NULL,
             payload_text(node->id));
    network_refresh(network);
    return made(interface, out);
}

uint32_t cluster_add(struct cluster *cluster, enum cluster_kind kind, const char *name,
                     struct cluster_object *parent, struct cluster_object *type,
                     struct cluster_object **out) {
    const uint32_t status = name_check(cluster, kind, name, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    if (status != 0) {
        return status;
    }
    switch (kind) {
    case CLUSTER_NODE: return add_node(cluster, name, out);
    case CLUSTER_GROUP: return cluster_group_create(cluster, name, out);
    case CLUSTER_RESOURCE:
        if (parent == NULL) {
            return CLUSTER_ERROR_GROUP_NOT_FOUND;
        }
        if (type == NULL || type->kind != CLUSTER_RESOURCE_TYPE) {
            return CLUSTER_ERROR_RESTYPE_NOT_FOUND;
        }
        return cluster_resource_create(parent, name, type->f.name, 0, out);
    case CLUSTER_RESOURCE_TYPE: return cluster_resource_type_create(cluster, name, out);
    case CLUSTER_NETWORK: return add_network(cluster, name, out);
    default: return add_interface(cluster, name, parent, type, out);
    }
}

// ---- renamed ------------------------------------------------------------------------------------

uint32_t cluster_rename(struct cluster *cluster, const char *name) {
    if (!object_name_good(CLUSTER_NODE, name) ||
        cluster_find(cluster, CLUSTER_NODE, name) != NULL) {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    change_begin(cluster);
    if (strcmp(cluster->self->f.name, name) != 0) {
        change_nonvolatile(cluster->self);
        set_text(&cluster->self->f.name, name);
        struct telling t = {.change = event_bit(cluster->self->kind, TELL_PROPERTY),
                            .object_type = CLUSTER_OBJECT_TYPE_CLUSTER,
                            .flag = CLUSTER_CHANGE_CLUSTER_RENAME_V2,
                            .name = name};
        event_tell(cluster, &t);
    }
    return change_end(cluster, 0);
}

static bool renamable(enum cluster_kind kind) {
    return kind != CLUSTER_NODE && kind != CLUSTER_RESOURCE_TYPE;
}

uint32_t cluster_object_rename(struct cluster_object *object, const char *name) {
    struct cluster *cluster = object->cluster;
    if (!renamable(object->kind)) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    if (!object_name_good(object->kind, name)) {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    const struct cluster_object *other = cluster_find(cluster, object->kind, name);
    if (other != NULL && other != object) {
        return CLUSTER_ERROR_ALREADY_EXISTS;
    }
    change_begin(cluster);
    if (strcmp(object->f.name, name) != 0) {
        const struct property property = {.name = (char[]){"Name"},
                                          .text = (char *)(uintptr_t)name};
        change_nonvolatile(object);
        object_unindex(object);
        set_text(&object->f.name, name);
        object_index(object);
        event_tell_object(object, TELL_PROPERTY, property_flag(object->kind, false),
                          payload_property(&property));
    }
    return change_end(cluster, 0);
}

// ---- deleted ------------------------------------------------------------------------------------

static void delete_now(struct cluster_object *object, uint64_t flag, struct port_payload payload) {
    change_nonvolatile(object);
    event_tell_object(object, TELL_DELETED, flag, payload);
    object_unindex(object);
    object->f.deleted = true;
}

static uint32_t delete_resource(struct cluster_object *resource) {
    struct cluster_object *group = resource->f.parent;
    if (resource->f.core) {
        return CLUSTER_ERROR_CORE_RESOURCE;
    }
    if (resource->f.state != CLUSTER_RESOURCE_OFFLINE &&
        resource->f.state != CLUSTER_RESOURCE_FAILED) {
        return CLUSTER_ERROR_RESOURCE_ONLINE;
    }
    if (cluster_related(resource, CLUSTER_PROVIDES, 0) != NULL) {
        return CLUSTER_ERROR_DEPENDENT_RESOURCE_EXISTS;
    }
    delete_now(resource, CLUSTER_CHANGE_RESOURCE_DELETED_V2, payload_text(group->id));
    for (size_t i = 0; i < resource->f.depends.count; i++) {
        struct cluster_object *on = resource->f.depends.at[i];
        objects_remove(&on->members, resource);
        event_tell_v2(on, CLUSTER_CHANGE_RESOURCE_DEPENDENTS_V2, payload_ids(&on->members));
    }
    resource->f.depends.count = 0;
    objects_remove(&group->members, resource);
    event_tell_v2(group, CLUSTER_CHANGE_GROUP_RESOURCE_LOST_V2, payload_text(resource->id));
    group_refresh(group);
    return 0;
}

static uint32_t delete_group(struct cluster_object *group, bool force) {
    for (size_t i = 0; i < group->members.count; i++) {
        if (group->members.at[i]->f.core) {
            return CLUSTER_ERROR_CORE_RESOURCE;
        }
    }
    if (group->members.count > 0 && !force) {
        return CLUSTER_ERROR_DIR_NOT_EMPTY;
    }
    uint32_t status = 0;
    resources_stop(&group->members);
    struct objects all = closure(&group->members, false);
    for (size_t i = 0; i < all.count && status == 0; i++) {
        status = delete_resource(all.at[i]);
    }
    free(all.at);
    if (status == 0) {
        delete_now(group, CLUSTER_CHANGE_GROUP_DELETED_V2, payload_none());
    }
    return status;
}

static uint32_t delete_type(struct cluster_object *type) {
    if (cluster_related(type, CLUSTER_RESOURCES, 0) != NULL) {
        return CLUSTER_ERROR_DIR_NOT_EMPTY;
    }
    delete_now(type, CLUSTER_CHANGE_RESOURCE_TYPE_DELETED_V2, payload_none());
    return 0;
}

static void delete_interface(struct cluster_object *interface) {
    delete_now(interface, CLUSTER_CHANGE_NETINTERFACE_DELETED_V2, payload_none());
    network_refresh(interface->f.type);
}

static void delete_interfaces(struct cluster_object *of) {
    struct cluster_object *interface;
    while ((interface = cluster_related(of, CLUSTER_INTERFACES, 0)) != NULL) {
        delete_interface(interface);
    }
}

// The nodes that can host the resource when this one is gone.
static struct port_payload hosts_without(const struct cluster_object *resource,
                                         const struct cluster_object *node) {
    struct objects hosts = {0};
    for (struct cluster_object *n = cluster_next(node->cluster, CLUSTER_NODE, NULL); n != NULL;
         n = cluster_next(node->cluster, CLUSTER_NODE, n)) {
        if (n != node && node_may_host(n, resource)) {
            objects_add(&hosts, n);
        }
    }
    const struct port_payload payload = payload_ids(&hosts);
    free(hosts.at);
    return payload;
}

// Where resources and groups may be placed does not name the node any more [3.1.4.2.72].
static void forget_node(struct cluster *cluster, const struct cluster_object *node) {
    for (struct cluster_object *r = cluster_next(cluster, CLUSTER_RESOURCE, NULL); r != NULL;
         r = cluster_next(cluster, CLUSTER_RESOURCE, r)) {
        if (objects_hold(&r->f.owners, node)) {
            change_nonvolatile(r);
            objects_remove(&r->f.owners, node);
            event_tell_object(r, TELL_PROPERTY, CLUSTER_CHANGE_RESOURCE_POSSIBLE_OWNERS_V2,
                              hosts_without(r, node));
        }
    }
    for (struct cluster_object *g = cluster_next(cluster, CLUSTER_GROUP, NULL); g != NULL;
         g = cluster_next(cluster, CLUSTER_GROUP, g)) {
        if (objects_hold(&g->f.preferred, node)) {
            change_nonvolatile(g);
            objects_remove(&g->f.preferred, node);
            event_tell_object(g, TELL_PROPERTY, CLUSTER_CHANGE_GROUP_PREFERRED_OWNERS_V2,
                              payload_ids(&g->f.preferred));
        }
    }
}

static uint32_t delete_node(struct cluster_object *node) {
    const uint32_t status = node_down(node);
    if (status != 0) {
        return status;
    }
    if (cluster_related(node, CLUSTER_GROUPS, 0) != NULL) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    delete_interfaces(node);
    forget_node(node->cluster, node);
    delete_now(node, CLUSTER_CHANGE_NODE_DELETED_V2, payload_number(node->f.state));
    return 0;
}

uint32_t cluster_delete(struct cluster_object *object, bool force) {
    uint32_t status = 0;
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    change_begin(object->cluster);
    switch (object->kind) {
    case CLUSTER_NODE: status = delete_node(object); break;
    case CLUSTER_GROUP: status = delete_group(object, force); break;
    case CLUSTER_RESOURCE: status = delete_resource(object); break;
    case CLUSTER_RESOURCE_TYPE: status = delete_type(object); break;
    case CLUSTER_NETWORK:
        delete_interfaces(object);
        delete_now(object, CLUSTER_CHANGE_NETWORK_DELETED_V2, payload_none());
        break;
    default: delete_interface(object);
    }
    return change_end(object->cluster, status);
}

// ---- the start ----------------------------------------------------------------------------------

static bool can_be_online(const struct cluster_object *resource) {
    bool can = node_may_host(cluster_object_node(resource), resource);
    for (size_t i = 0; i < resource->f.depends.count; i++) {
        can = can && resource->f.depends.at[i]->f.state == CLUSTER_RESOURCE_ONLINE;
    }
    return can;
}

static void start_online(struct cluster_object *resource) {
    struct objects needed = closure(ONLY(resource), true);
    for (size_t i = 0; i < needed.count; i++) {
        if (can_be_online(needed.at[i])) {
            state_set(needed.at[i], CLUSTER_RESOURCE_ONLINE);
        }
    }
    free(needed.at);
}

// As if everything had been going on for long.
static void settle_states(struct cluster *cluster) {
    for (struct cluster_object *i = cluster->kinds[CLUSTER_NETINTERFACE].first; i != NULL;
         i = i->next) {
        const uint32_t node = i->f.parent->f.state;
        if (node != CLUSTER_NODE_UP && node != CLUSTER_NODE_PAUSED) {
            i->f.state = CLUSTER_NETINTERFACE_UNAVAILABLE;
        }
    }
    for (struct cluster_object *n = cluster->kinds[CLUSTER_NETWORK].first; n != NULL; n = n->next) {
        network_refresh(n);
    }
    for (struct cluster_object *r = cluster->kinds[CLUSTER_RESOURCE].first; r != NULL;
         r = r->next) {
        if (r->f.online) {
            start_online(r);
        }
    }
    for (struct cluster_object *g = cluster->kinds[CLUSTER_GROUP].first; g != NULL; g = g->next) {
        group_refresh(g);
    }
}

void state_start(struct cluster *cluster) {
    change_begin(cluster);
    settle_states(cluster);
    change_end(cluster, 0);
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        for (struct cluster_object *o = cluster->kinds[kind].first; o != NULL; o = o->next) {
            o->f.sequence = 0;
        }
    }
}
