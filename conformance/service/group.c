// SPDX-License-Identifier: Apache-2.0
// Methods that change groups.
#include "service/parts.h"

enum { ASSERTION_FAILURE = 668 };

// Parameters: the handle, the name.
static void create_group(struct service_call *call) {
    struct cluster_object *group = NULL;
    uint32_t status =
        service_fits_name(call, 1)
            ? cluster_group_create(service_cluster(call), service_text(call, 1), &group)
            : (uint32_t)CLUSTER_ERROR_INVALID_NAME;
    if (status == STATUS_SUCCESS) {
        status = service_open(call, 0, SERVICE_HGROUP, group, SERVICE_ALL, 0);
    }
    service_done(call, status);
}

// Parameters: the group, force.
static void delete_group(struct service_call *call) {
    service_done(call, cluster_delete(service_object(call, 0), service_number(call, 1) != 0));
}

static void online_group(struct service_call *call) {
    service_done(call, cluster_online(service_object(call, 0)));
}

static void offline_group(struct service_call *call) {
    service_done(call, cluster_offline(service_object(call, 0)));
}

static void move_group(struct service_call *call) {
    service_done(call, cluster_group_move(service_object(call, 0), NULL));
}

// Parameters: the group, the node.
static void move_group_to_node(struct service_call *call) {
    service_done(call, cluster_group_move(service_object(call, 0), service_object(call, 1)));
}

// ---- preferred nodes ----------------------------------------------------------------------------

static bool is_among(struct cluster_object *const *nodes, size_t count,
                     const struct cluster_object *node) {
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] == node) {
            return true;
        }
    }
    return false;
}

// Takes the nodes of a MULTI_SZ of identifiers. Those that are named twice count once.
static uint32_t nodes_of(struct service_call *call, cmrp_slot list, struct cluster_object **nodes,
                         size_t *count) {
    const size_t size = list.bytes.size;
    if (size < 2 || cmrp_load_u16(list.bytes.data + size - 2, list.order) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    size_t start = 0;
    for (size_t at = 0; at + 1 < size; at += 2) {
        if (cmrp_load_u16(list.bytes.data + at, list.order) != 0) {
            continue;
        }
        if (at == start) { // an empty string ends the list
            break;
        }
        cmrp_slot one = {.order = list.order};
        one.bytes.data = list.bytes.data + start;
        one.bytes.size = at - start;
        struct cluster_object *node =
            cluster_find(service_cluster(call), CLUSTER_NODE, service_slot_text(call, &one));
        if (node == NULL) {
            return ASSERTION_FAILURE;
        }
        if (!is_among(nodes, *count, node)) {
            nodes[(*count)++] = node;
        }
        start = at + 2;
    }
    return STATUS_SUCCESS;
}

// Parameters: the group, the list, its size. What the list leaves out is appended.
static void set_group_node_list(struct service_call *call) {
    struct cluster *cluster = service_cluster(call);
    struct cluster_object **nodes =
        service_alloc(call, cluster_count(cluster, CLUSTER_NODE) * sizeof *nodes);
    size_t count = 0;
    const cmrp_slot *list = service_slot(call, 1);
    if (service_number(call, 2) > 1 && !list->null) {
        const uint32_t status = nodes_of(call, *list, nodes, &count);
        if (status != STATUS_SUCCESS) {
            service_done(call, status);
            return;
        }
        struct cluster_object *node = NULL;
        while ((node = cluster_next(cluster, CLUSTER_NODE, node)) != NULL) {
            if (!is_among(nodes, count, node)) {
                nodes[count++] = node;
            }
        }
    }
    service_done(call, cluster_preferred_owners(service_object(call, 0), nodes, count));
}

enum { RW = SERVICE_STATE_READ_WRITE };
enum { BACKUP = SERVICE_READ_BACKUP, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_group_methods[] = {
    {42, create_group,        ALL,    RW, 0, SERVICE_CREATES, {"return", "lpszGroupName"}, NULL},
    {43, delete_group,        ALL,    RW, 0, 0, {"Group", "force"}, NULL},
    {49, online_group,        ALL,    RW, 0, 0, {"hGroup"}, NULL},
    {50, offline_group,       ALL,    RW, 0, 0, {"hGroup"}, NULL},
    {51, move_group,          BACKUP, RW, 0, 0, {"hGroup"}, NULL},
    {52, move_group_to_node,  BACKUP, RW, 0, SERVICE_EVEN_GONE, {"hGroup", "hNode"}, NULL},
    {54, set_group_node_list, ALL,    RW, 0, 0, {"hGroup", "multiSzNodeList", "cchListSize"}, NULL},
    {0},
};
