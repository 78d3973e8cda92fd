// SPDX-License-Identifier: Apache-2.0
// What ties objects to each other: owners, groups, dependencies.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

enum { DEPTH = 100 }; // of a resource's dependency tree [3.1.1.1.2]

// ---- reading ------------------------------------------------------------------------------------

static struct cluster_object *at(const struct objects *objects, size_t index) {
    return index < objects->count ? objects->at[index] : NULL;
}

// Whether `o` stands in the relation to `object`, for relations that are found by looking at all.
static bool relates(const struct cluster_object *object, enum cluster_relation relation,
                    const struct cluster_object *o) {
    switch (relation) {
    case CLUSTER_RESOURCES: return o->f.type == object;
    case CLUSTER_GROUPS: return o->f.parent == object;
    default: return o->f.parent == object || o->f.type == object;
    }
}

static struct cluster_object *search(const struct cluster_object *object,
                                     enum cluster_relation relation, size_t index) {
    const enum cluster_kind kind = relation == CLUSTER_RESOURCES ? CLUSTER_RESOURCE
                                   : relation == CLUSTER_GROUPS  ? CLUSTER_GROUP
                                                                 : CLUSTER_NETINTERFACE;
    for (struct cluster_object *o = cluster_next(object->cluster, kind, NULL); o != NULL;
         o = cluster_next(object->cluster, kind, o)) {
        if (relates(object, relation, o) && index-- == 0) {
            return o;
        }
    }
    return NULL;
}

struct cluster_object *cluster_related(const struct cluster_object *object,
                                       enum cluster_relation relation, size_t index) {
    switch (relation) {
    case CLUSTER_DEPENDS: return at(&object->f.depends, index);
    case CLUSTER_OWNERS: return at(&object->f.owners, index);
    case CLUSTER_PREFERRED: return at(&object->f.preferred, index);
    case CLUSTER_PROVIDES:
        return object->kind == CLUSTER_RESOURCE ? at(&object->members, index) : NULL;
    case CLUSTER_RESOURCES:
        return object->kind == CLUSTER_GROUP ? at(&object->members, index)
                                             : search(object, relation, index);
    default: return search(object, relation, index);
    }
}

bool node_may_host(const struct cluster_object *node, const struct cluster_object *resource) {
    return resource->f.owners.count == 0 || objects_hold(&resource->f.owners, node);
}

// Every resource is visited once, however many ways lead to it.
static void visit(struct cluster_object *resource, bool needed, struct objects *out) {
    const struct objects *next = needed ? &resource->f.depends : &resource->members;
    if (resource->mark == resource->cluster->walk) {
        return;
    }
    resource->mark = resource->cluster->walk;
    resource->depth = 0;
    for (size_t i = 0; i < next->count; i++) {
        visit(next->at[i], needed, out);
        if (next->at[i]->depth >= resource->depth) {
            resource->depth = next->at[i]->depth + 1;
        }
    }
    objects_add(out, resource);
}

struct objects closure(const struct objects *resources, bool needed) {
    struct objects out = {0};
    for (size_t i = 0; i < resources->count; i++) {
        if (i == 0) {
            resources->at[i]->cluster->walk++;
        }
        visit(resources->at[i], needed, &out);
    }
    return out;
}

struct cluster_object **cluster_needs(struct cluster_object *resource, size_t *count,
                                      unsigned *depth) {
    struct objects all = closure(ONLY(resource), true);
    *count = all.count;
    *depth = resource->depth;
    return all.at;
}

// ---- owners -------------------------------------------------------------------------------------

void object_set_parent(struct cluster_object *object, struct cluster_object *parent) {
    cluster_hold(parent);
    cluster_release(object->f.parent);
    object->f.parent = parent;
}

void group_set_owner(struct cluster_object *group, struct cluster_object *node) {
    struct cluster_object *old = cluster_hold(group->f.parent);
    change_nonvolatile(group);
    object_set_parent(group, node);
    event_tell_v2(group, CLUSTER_CHANGE_GROUP_OWNER_NODE_V2, payload_text(node->id));
    if (!old->f.deleted) {
        event_tell_v2(old, CLUSTER_CHANGE_NODE_GROUP_LOST_V2, payload_text(group->id));
    }
    event_tell_v2(node, CLUSTER_CHANGE_NODE_GROUP_GAINED_V2, payload_text(group->id));
    cluster_release(old);
}

static uint32_t owner_add(struct cluster_object *resource, struct cluster_object *node) {
    struct objects *owners = &resource->f.owners;
    if (owners->count == 0 || objects_hold(owners, node)) {
        return CLUSTER_ERROR_OBJECT_ALREADY_EXISTS;
    }
    change_nonvolatile(resource);
    objects_add(owners, node);
    return 0;
}

static uint32_t owner_remove(struct cluster_object *resource, struct cluster_object *node) {
    struct objects *owners = &resource->f.owners;
    const uint32_t state = resource->f.state;
    const bool active = state == CLUSTER_RESOURCE_ONLINE ||
                        state == CLUSTER_RESOURCE_ONLINE_PENDING ||
                        state == CLUSTER_RESOURCE_OFFLINE_PENDING;
    if (owners->count != 0 && !objects_hold(owners, node)) {
        return CLUSTER_ERROR_NODE_NOT_FOUND;
    }
    if (active && cluster_object_node(resource) == node) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    if (owners->count == 1 ||
        (owners->count == 0 && resource->cluster->kinds[CLUSTER_NODE].count < 2)) {
        return CLUSTER_ERROR_INVALID_STATE; // an empty set would mean all of them
    }
    change_nonvolatile(resource);
    if (owners->count == 0) {
        for (struct cluster_object *n = cluster_next(resource->cluster, CLUSTER_NODE, NULL);
             n != NULL; n = cluster_next(resource->cluster, CLUSTER_NODE, n)) {
            objects_add(owners, n);
        }
    }
    objects_remove(owners, node);
    return 0;
}

uint32_t cluster_possible_owner(struct cluster_object *resource, struct cluster_object *node,
                                bool add) {
    if (resource->kind != CLUSTER_RESOURCE || node->kind != CLUSTER_NODE) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (resource->f.deleted) {
        return CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE;
    }
    if (node->f.deleted) {
        return CLUSTER_ERROR_NODE_NOT_FOUND;
    }
    change_begin(resource->cluster);
    const uint32_t status = add ? owner_add(resource, node) : owner_remove(resource, node);
    if (status == 0) {
        event_tell_object(resource, TELL_PROPERTY, CLUSTER_CHANGE_RESOURCE_POSSIBLE_OWNERS_V2,
                          payload_ids(&resource->f.owners));
    }
    return change_end(resource->cluster, status);
}

uint32_t cluster_preferred_owners(struct cluster_object *group, struct cluster_object *const *nodes,
                                  size_t count) {
    if (group->kind != CLUSTER_GROUP) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (group->f.deleted) {
        return CLUSTER_ERROR_GROUP_NOT_AVAILABLE;
    }
    for (size_t i = 0; i < count; i++) {
        if (nodes[i]->kind != CLUSTER_NODE || nodes[i]->f.deleted) {
            return CLUSTER_ERROR_NODE_NOT_FOUND;
        }
    }
    change_begin(group->cluster);
    change_nonvolatile(group);
    group->f.preferred.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!objects_hold(&group->f.preferred, nodes[i])) {
            objects_add(&group->f.preferred, nodes[i]);
        }
    }
    event_tell_object(group, TELL_PROPERTY, CLUSTER_CHANGE_GROUP_PREFERRED_OWNERS_V2,
                      payload_ids(&group->f.preferred));
    return change_end(group->cluster, 0);
}

// ---- dependencies -------------------------------------------------------------------------------

// Whether `to` is among what `from` needs, and how deep that goes.
static bool leads_to(struct cluster_object *from, struct cluster_object *to, unsigned *depth) {
    struct objects needed = closure(ONLY(from), true);
    const bool found = to->mark == to->cluster->walk;
    *depth = from->depth;
    free(needed.at);
    return found;
}

static unsigned depth_above(struct cluster_object *resource) {
    struct objects users = closure(ONLY(resource), false);
    free(users.at);
    return resource->depth;
}

uint32_t dependency_check(struct cluster_object *resource, struct cluster_object *on) {
    unsigned below;
    if (resource == on) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    if (objects_hold(&resource->f.depends, on)) {
        return CLUSTER_ERROR_DEPENDENCY_ALREADY_EXISTS;
    }
    if (leads_to(on, resource, &below)) {
        return CLUSTER_ERROR_CIRCULAR_DEPENDENCY;
    }
    if (resource->f.parent != on->f.parent) {
        return CLUSTER_ERROR_DEPENDENCY_NOT_ALLOWED;
    }
    return depth_above(resource) + 1 + below > DEPTH
               ? (uint32_t)CLUSTER_ERROR_DEPENDENCY_TREE_TOO_COMPLEX
               : 0;
}

static uint32_t depend_check(struct cluster_object *resource, struct cluster_object *on) {
    const struct cluster_object *quorum = resource->cluster->self->f.parent;
    const bool pending = resource->f.state == CLUSTER_RESOURCE_ONLINE_PENDING;
    const bool online =
        resource->f.state == CLUSTER_RESOURCE_ONLINE && on->f.state != CLUSTER_RESOURCE_ONLINE;
    const uint32_t status = dependency_check(resource, on);
    if (status != 0) {
        return status;
    }
    if (resource == quorum || on == quorum) {
        return CLUSTER_ERROR_DEPENDENCY_NOT_ALLOWED;
    }
    return pending || online ? CLUSTER_ERROR_RESOURCE_ONLINE : 0;
}

// As ApiGetResourceDependencyExpression gives it [3.1.4.2.109]: ([id]) and ([id]).
static struct port_payload expression(const struct cluster_object *resource) {
    struct buffer text = {0};
    for (size_t i = 0; i < resource->f.depends.count; i++) {
        buffer_printf(&text, "%s([%s])", i > 0 ? " and " : "", resource->f.depends.at[i]->id);
    }
    const struct port_payload payload = payload_text(buffer_text(&text));
    buffer_free(&text);
    return payload;
}

uint32_t cluster_depend(struct cluster_object *resource, struct cluster_object *on, bool add) {
    if (resource->kind != CLUSTER_RESOURCE || on->kind != CLUSTER_RESOURCE) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (resource->f.deleted || on->f.deleted) {
        return CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE;
    }
    if (add) {
        const uint32_t status = depend_check(resource, on);
        if (status != 0) {
            return status;
        }
    } else if (!objects_hold(&resource->f.depends, on)) {
        return CLUSTER_ERROR_DEPENDENCY_NOT_FOUND;
    }
    change_begin(resource->cluster);
    change_nonvolatile(resource);
    if (add) {
        objects_add(&resource->f.depends, on);
        objects_add(&on->members, resource);
    } else {
        objects_remove(&resource->f.depends, on);
        objects_remove(&on->members, resource);
    }
    event_tell_object(resource, TELL_PROPERTY, CLUSTER_CHANGE_RESOURCE_DEPENDENCIES_V2,
                      expression(resource));
    event_tell_v2(on, CLUSTER_CHANGE_RESOURCE_DEPENDENTS_V2, payload_ids(&on->members));
    group_refresh(resource->f.parent); // other resources may be top-level ones now
    return change_end(resource->cluster, 0);
}

// ---- from group to group ------------------------------------------------------------------------

static void reach(const struct objects *next, struct objects *all) {
    for (size_t i = 0; i < next->count; i++) {
        struct cluster_object *r = next->at[i];
        if (r->mark != r->cluster->walk) {
            r->mark = r->cluster->walk;
            objects_add(all, r);
        }
    }
}

// All that is tied to the resource by dependencies; however far it goes, no stack grows with it.
static void tied(struct cluster_object *resource, struct objects *all) {
    resource->cluster->walk++;
    reach(ONLY(resource), all);
    for (size_t i = 0; i < all->count; i++) {
        reach(&all->at[i]->f.depends, all);
        reach(&all->at[i]->members, all);
    }
}

static uint32_t move_check(const struct objects *all, const struct cluster_object *from,
                           const struct cluster_object *to) {
    for (size_t i = 0; from->f.parent != to->f.parent && i < all->count; i++) {
        const struct cluster_object *r = all->at[i];
        if (r->f.state != CLUSTER_RESOURCE_OFFLINE && r->f.state != CLUSTER_RESOURCE_FAILED) {
            return CLUSTER_ERROR_RESOURCE_ONLINE;
        }
        if (!node_may_host(to->f.parent, r)) {
            return CLUSTER_ERROR_HOST_NODE_NOT_RESOURCE_OWNER;
        }
    }
    return 0;
}

static void move_one(struct cluster_object *resource, struct cluster_object *from,
                     struct cluster_object *to) {
    change_nonvolatile(resource);
    object_set_parent(resource, to);
    resource->f.sequence++;
    objects_remove(&from->members, resource);
    objects_add(&to->members, resource);
    event_tell_object(from, TELL_PROPERTY, CLUSTER_CHANGE_GROUP_RESOURCE_LOST_V2,
                      payload_text(resource->id));
    event_tell_object(to, TELL_PROPERTY, CLUSTER_CHANGE_GROUP_RESOURCE_GAINED_V2,
                      payload_text(resource->id));
    event_tell_v2(resource, CLUSTER_CHANGE_RESOURCE_OWNER_GROUP_V2, payload_text(to->id));
}

uint32_t cluster_resource_move(struct cluster_object *resource, struct cluster_object *group) {
    struct objects all = {0};
    if (resource->kind != CLUSTER_RESOURCE || group->kind != CLUSTER_GROUP) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (resource->f.deleted) {
        return CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE;
    }
    if (group->f.deleted) {
        return CLUSTER_ERROR_GROUP_NOT_AVAILABLE;
    }
    struct cluster_object *from = resource->f.parent;
    if (from == group) {
        return CLUSTER_ERROR_ALREADY_EXISTS;
    }
    tied(resource, &all);
    uint32_t status = move_check(&all, from, group);
    if (status == 0) {
        change_begin(resource->cluster);
        for (size_t i = 0; i < all.count; i++) {
            move_one(all.at[i], from, group);
        }
        group_refresh(from);
        group_refresh(group);
        status = change_end(resource->cluster, 0);
    }
    free(all.at);
    return status;
}

// ---- quorum -------------------------------------------------------------------------------------

static uint32_t quorum_check(const struct cluster_object *resource) {
    struct cluster_property class;
    if (resource->kind != CLUSTER_RESOURCE) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (resource->f.deleted) {
        return CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE;
    }
    if (!cluster_property_get(resource->cluster, resource->f.type, false, "QuorumCapable",
                              &class) ||
        !class.is_number || class.number == 0) {
        return CLUSTER_ERROR_NOT_QUORUM_CAPABLE;
    }
    if (resource->f.state != CLUSTER_RESOURCE_ONLINE) {
        return CLUSTER_ERROR_RESOURCE_NOT_ONLINE;
    }
    return cluster_related(resource, CLUSTER_PROVIDES, 0) == NULL
               ? 0
               : (uint32_t)CLUSTER_ERROR_DEPENDENCY_NOT_ALLOWED;
}

// Quorum resources are disks, but for these [3.1.4.2.7].
static bool is_disk(const struct cluster_object *quorum) {
    const char *type = quorum->f.type->f.name;
    return text_compare_folded(type, "File Share Witness") != 0 &&
           text_compare_folded(type, "Cloud Witness") != 0;
}

static void tell_quorum(struct cluster *cluster) {
    const struct cluster_object *resource = cluster->self->f.parent;
    const bool disk = resource != NULL && is_disk(resource);
    struct telling t = {
        .change = CLUSTER_CHANGE_QUORUM_STATE,
        .object_type = CLUSTER_OBJECT_TYPE_QUORUM,
        .flag = CLUSTER_CHANGE_QUORUM_STATE_V2,
        .name = resource != NULL ? resource->f.name : NULL,
        .id = resource != NULL ? resource->id : NULL,
        .payload = disk ? payload_number(resource->f.state) : payload_none(),
    };
    event_tell(cluster, &t);
}

uint32_t cluster_set_quorum(struct cluster *cluster, struct cluster_object *resource,
                            const char *path, uint32_t log_size) {
    struct cluster_object *self = cluster->self;
    const uint32_t status = resource != NULL ? quorum_check(resource) : 0;
    if (status != 0) {
        return status;
    }
    change_begin(cluster);
    change_nonvolatile(self);
    if (self->f.parent != NULL) {
        change_nonvolatile(self->f.parent);
        self->f.parent->f.core = false;
    }
    if (resource != NULL) {
        change_nonvolatile(resource);
        resource->f.core = true;
        cluster_hold(resource);
    }
    cluster_release(self->f.parent);
    self->f.parent = resource;
    self->f.number = log_size;
    set_text(&self->f.path, path);
    tell_quorum(cluster);
    return change_end(cluster, 0);
}
