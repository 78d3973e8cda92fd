// SPDX-License-Identifier: Apache-2.0
// Methods on resources, their dependencies and possible owners.
#include <stdlib.h>

#include "service/parts.h"

enum { SEPARATE_MONITOR = 1, DEEPEST = 100 };

// Parameters: the handle, the group, name, type, flags.
static void create_resource(struct service_call *call) {
    const uint32_t flags = (uint32_t)service_number(call, 4);
    if ((flags & ~(uint32_t)SEPARATE_MONITOR) != 0) {
        service_done(call, STATUS_INVALID_PARAMETER);
        return;
    }
    if (!service_fits_name(call, 2)) {
        service_done(call, CLUSTER_ERROR_INVALID_NAME);
        return;
    }
    struct cluster_object *resource = NULL;
    uint32_t status = cluster_resource_create(service_object(call, 1), service_text(call, 2),
                                              service_text(call, 3), flags, &resource);
    if (status == STATUS_SUCCESS) {
        status = service_open(call, 0, SERVICE_HRES, resource, SERVICE_ALL, 0);
    }
    service_done(call, status);
}

static void delete_resource(struct service_call *call) {
    service_done(call, cluster_delete(service_object(call, 0), false));
}

// Parameters: the resource, the type.
static void get_resource_type(struct service_call *call) {
    const struct cluster_object *type = cluster_object_type(service_object(call, 0));
    service_set_text(call, 1, cluster_object_name(type));
    service_done(call, STATUS_SUCCESS);
}

static void fail_resource(struct service_call *call) {
    service_done(call, cluster_fail(service_object(call, 0)));
}

static void online_resource(struct service_call *call) {
    service_done(call, cluster_online(service_object(call, 0)));
}

static void offline_resource(struct service_call *call) {
    service_done(call, cluster_offline(service_object(call, 0)));
}

// Parameters: the resource, the group.
static void change_resource_group(struct service_call *call) {
    service_done(call, cluster_resource_move(service_object(call, 0), service_object(call, 1)));
}

// Parameters: the resource, the node.
static void add_resource_node(struct service_call *call) {
    service_done(call,
                 cluster_possible_owner(service_object(call, 0), service_object(call, 1), true));
}

static void remove_resource_node(struct service_call *call) {
    service_done(call,
                 cluster_possible_owner(service_object(call, 0), service_object(call, 1), false));
}

// ---- dependencies -------------------------------------------------------------------------------

// Parameters: the resource, what it depends on.
static void add_resource_dependency(struct service_call *call) {
    service_done(call, cluster_depend(service_object(call, 0), service_object(call, 1), true));
}

static void remove_resource_dependency(struct service_call *call) {
    service_done(call, cluster_depend(service_object(call, 0), service_object(call, 1), false));
}

// Whether the resource needs `other`, directly or not; *depth: of its dependency tree.
static bool needs(struct cluster_object *resource, const struct cluster_object *other,
                  unsigned *depth) {
    size_t count, i = 0;
    struct cluster_object **needed = cluster_needs(resource, &count, depth);
    while (i < count && needed[i] != other) {
        i++;
    }
    free(needed);
    return i < count;
}

static bool depends(const struct cluster_object *resource, const struct cluster_object *on) {
    const struct cluster_object *next = NULL;
    for (size_t i = 0; (next = cluster_related(resource, CLUSTER_DEPENDS, i)) != NULL; i++) {
        if (next == on) {
            return true;
        }
    }
    return false;
}

static uint32_t may_depend(const struct cluster_object *resource, struct cluster_object *on) {
    unsigned depth;
    const uint32_t state = cluster_object_state(resource);
    if (resource == on || cluster_object_parent(resource) != cluster_object_parent(on)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (depends(resource, on)) {
        return CLUSTER_ERROR_DEPENDENCY_ALREADY_EXISTS;
    }
    if (needs(on, resource, &depth)) {
        return CLUSTER_ERROR_CIRCULAR_DEPENDENCY;
    }
    if (state == CLUSTER_RESOURCE_ONLINE_PENDING ||
        (state == CLUSTER_RESOURCE_ONLINE && cluster_object_state(on) == CLUSTER_RESOURCE_ONLINE)) {
        return CLUSTER_ERROR_RESOURCE_ONLINE;
    }
    return depth >= DEEPEST ? (uint32_t)CLUSTER_ERROR_DEPENDENCY_TREE_TOO_COMPLEX
                            : (uint32_t)STATUS_SUCCESS;
}

static void can_resource_be_dependent(struct service_call *call) {
    service_done(call, may_depend(service_object(call, 0), service_object(call, 1)));
}

// Parameters: the resource, the expression. All dependencies are simple ones.
static void get_dependency_expression(struct service_call *call) {
    const struct cluster_object *resource = service_object(call, 0);
    const struct cluster_object *next;
    struct buffer text = {0};
    for (size_t i = 0; (next = cluster_related(resource, CLUSTER_DEPENDS, i)) != NULL; i++) {
        buffer_printf(&text, "%s([%s])", i == 0 ? "" : " and ", cluster_object_id(next));
    }
    service_set_text(call, 1, buffer_text(&text));
    buffer_free(&text);
    service_done(call, STATUS_SUCCESS);
}

// A network name in the chains that start from a resource: itself before all others.
static const struct cluster_object *network_name(struct cluster_object *resource) {
    const struct cluster_object *found = NULL;
    unsigned depth;
    size_t i;
    struct cluster_object **needed = cluster_needs(resource, &i, &depth);
    while (found == NULL && i-- > 0) {
        const struct cluster_object *type = cluster_object_type(needed[i]);
        found = strcmp(cluster_object_name(type), "Network Name") == 0 ? needed[i] : NULL;
    }
    free(needed);
    return found;
}

// Parameters: the resource, the name.
static void get_resource_network_name(struct service_call *call) {
    const struct cluster_object *found = network_name(service_object(call, 0));
    struct cluster_property name;
    if (found == NULL) {
        service_done(call, CLUSTER_ERROR_DEPENDENCY_NOT_FOUND);
        return;
    }
    const bool named =
        cluster_property_get(service_cluster(call), found, true, "Name", &name) && !name.is_number;
    service_set_text(call, 1, named ? name.text : cluster_object_name(found));
    service_done(call, STATUS_SUCCESS);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_resource_methods[] = {
    {9,   create_resource,            ALL,  RW, CLUSTER_ERROR_GROUP_NOT_FOUND, SERVICE_CREATES,
     {"return", "hGroup", "lpszResourceName", "lpszResourceType", "dwFlags"}, NULL},
    {10,  delete_resource,            ALL,  RW, 0, 0, {"hResource"}, NULL},
    {15,  get_resource_type,          READ, RO, 0, 0, {"hResource", "lpszResourceType"}, NULL},
    {16,  fail_resource,              ALL,  RW, 0, 0, {"hResource"}, NULL},
    {17,  online_resource,            ALL,  RW, 0, 0, {"hResource"}, NULL},
    {18,  offline_resource,           ALL,  RW, 0, 0, {"hResource"}, NULL},
    {19,  add_resource_dependency,    ALL,  RW, 0, 0, {"hResource", "hDependsOn"}, NULL},
    {20,  remove_resource_dependency, ALL,  RW, 0, 0, {"hResource", "hDependsOn"}, NULL},
    {21,  can_resource_be_dependent,  READ, RO, 0, 0, {"hResource", "hResourceDependent"}, NULL},
    {23,  add_resource_node,          ALL,  RW, 0, 0, {"hResource", "hNode"}, NULL},
    {24,  remove_resource_node,       ALL,  RW, 0, SERVICE_EVEN_GONE, {"hResource", "hNode"}, NULL},
    {25,  change_resource_group,      ALL,  RW, 0, 0, {"hResource", "hGroup"}, NULL},
    {110, get_dependency_expression,  READ, RO, 0, 0, {"hResource", "lpszDependencyExpression"}, NULL},
    {112, get_resource_network_name,  READ, RO, 0, 0, {"hResource", "lpszName"}, NULL},
    {0},
};
