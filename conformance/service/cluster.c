// SPDX-License-Identifier: Apache-2.0
// Methods about the cluster itself: its name, version and quorum.
#include "service/parts.h"

enum {
    CALL_NOT_IMPLEMENTED = 120,
    RESOURCE_PROPERTIES_STORED = 5024,
    NODE_NOT_PAUSED = 5058,
    NAME_LIMIT = 64, // units with the NUL
    VERSION_SIZE = 20,
};

// The resource that the primary security principal of the cluster is associated with: the core
// resource that is a network name. NULL: there is none.
static const struct cluster_object *principal(struct cluster *cluster) {
    struct cluster_object *resource = NULL;
    while ((resource = cluster_next(cluster, CLUSTER_RESOURCE, resource)) != NULL) {
        const struct cluster_object *type = cluster_object_type(resource);
        if (cluster_object_core(resource) &&
            strcmp(cluster_object_name(type), "Network Name") == 0) {
            break;
        }
    }
    return resource;
}

static uint32_t rename_cluster(struct cluster *cluster, const char *name) {
    const struct cluster_object *resource = principal(cluster);
    const uint32_t state =
        resource != NULL ? cluster_object_state(resource) : CLUSTER_RESOURCE_OFFLINE;
    const bool online = state == CLUSTER_RESOURCE_ONLINE;
    if ((online || state == CLUSTER_RESOURCE_ONLINE_PENDING) &&
        text_compare_folded(name, cluster_name(cluster)) == 0) {
        const uint32_t status = cluster_rename(cluster, name);
        return status == STATUS_SUCCESS ? (uint32_t)RESOURCE_PROPERTIES_STORED : status;
    }
    const struct cluster_object *node = cluster_find(cluster, CLUSTER_NODE, name);
    if (node != NULL && text_compare_folded(cluster_object_name(node), name) == 0) {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    return online ? (uint32_t)CLUSTER_ERROR_RESOURCE_ONLINE : cluster_rename(cluster, name);
}

// Parameters: the name.
static void set_cluster_name(struct service_call *call) {
    const char *name = service_text(call, 0);
    const bool too_long = service_octets(call, 0).size / 2 + 1 > NAME_LIMIT;
    service_done(call, too_long ? (uint32_t)STATUS_STRING_TOO_LONG
                                : rename_cluster(service_cluster(call), name));
}

// Parameters: the names of the cluster and of the node.
static void get_cluster_name(struct service_call *call) {
    const struct cluster *cluster = service_cluster(call);
    service_set_text(call, 0, cluster_name(cluster));
    service_set_text(call, 1, cluster_node_name(cluster));
    service_done(call, STATUS_SUCCESS);
}

static void not_implemented(struct service_call *call) {
    service_done(call, CALL_NOT_IMPLEMENTED);
}

// Parameters: major, minor, build, vendor, service pack, operational version.
static void get_cluster_version2(struct service_call *call) {
    const struct cluster_version *version = cluster_version(service_cluster(call));
    service_set_number(call, 0, version->major);
    service_set_number(call, 1, version->minor);
    service_set_number(call, 2, version->build);
    service_set_text(call, 3, version->vendor);
    service_set_text(call, 4, version->service_pack);
    cmrp_slot *members = service_set_rows(call, 5, 1);
    const uint32_t values[] = {VERSION_SIZE, version->highest, version->lowest, version->flags, 0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        service_slot_number(&members[i], values[i]);
    }
    service_done(call, STATUS_SUCCESS);
}

// Parameters: resource, device, log size.
static void get_quorum_resource(struct service_call *call) {
    const char *path = "";
    uint32_t log_size = 0;
    const struct cluster_object *resource = cluster_quorum(service_cluster(call), &path, &log_size);
    service_set_text(call, 0, resource != NULL ? cluster_object_name(resource) : "");
    service_set_text(call, 1, resource != NULL ? path : "");
    service_set_number(call, 2, log_size);
    service_done(call, STATUS_SUCCESS);
}

// Parameters: resource, device, log size. Majority of nodes needs the client's access, anything
// else that of the handle.
static void set_quorum_resource(struct service_call *call) {
    const uint32_t log_size = (uint32_t)service_number(call, 2);
    const bool majority = log_size == 0;
    if (majority ? service_entitled(call) < SERVICE_ALL
                 : !service_granted(service_handle(call, 0), SERVICE_ALL)) {
        service_done(call, STATUS_ACCESS_DENIED);
        return;
    }
    service_done(call, cluster_set_quorum(service_cluster(call),
                                          majority ? NULL : service_object(call, 0),
                                          majority ? "" : service_text(call, 1), log_size));
}

// Parameters: node, network, interface.
static void get_net_interface(struct service_call *call) {
    struct cluster *cluster = service_cluster(call);
    const struct cluster_object *node = cluster_find(cluster, CLUSTER_NODE, service_text(call, 0));
    const struct cluster_object *network =
        cluster_find(cluster, CLUSTER_NETWORK, service_text(call, 1));
    if (node == NULL) {
        service_done(call, cluster_not_found(CLUSTER_NODE));
        return;
    }
    const struct cluster_object *interface = NULL;
    for (size_t i = 0; (interface = cluster_related(node, CLUSTER_INTERFACES, i)) != NULL; i++) {
        if (cluster_object_type(interface) == network) {
            service_set_text(call, 2, cluster_object_name(interface));
            service_done(call, STATUS_SUCCESS);
            return;
        }
    }
    service_done(call, cluster_not_found(CLUSTER_NETINTERFACE));
}

// Parameters of the methods on nodes: the node.
static void pause_node(struct service_call *call) {
    service_done(call, cluster_node_pause(service_object(call, 0), true));
}

static void resume_node(struct service_call *call) {
    struct cluster_object *node = service_object(call, 0);
    service_done(call, cluster_object_state(node) != CLUSTER_NODE_PAUSED
                           ? (uint32_t)NODE_NOT_PAUSED
                           : cluster_node_pause(node, false));
}

static void evict_node(struct service_call *call) {
    service_done(call, cluster_delete(service_object(call, 0), false));
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_cluster_methods[] = {
    {2,   set_cluster_name,     ALL,  RW, 0, 0, {"NewClusterName"}, NULL},
    {3,   get_cluster_name,     READ, RO, 0, 0, {"ClusterName", "NodeName"}, NULL},
    {4,   not_implemented,      SERVICE_NOTHING, SERVICE_STATE_NONE, 0, 0, {NULL}, NULL},
    {5,   get_quorum_resource,  READ, RO, 0, 0,
     {"lpszResourceName", "lpszDeviceName", "pdwMaxQuorumLogSize"}, NULL},
    {6,   set_quorum_resource,  ALL,  RW, 0, SERVICE_OWN_ACCESS,
     {"hResource", "lpszDeviceName", "dwMaxQuorumLogSize"}, NULL},
    {69,  pause_node,           ALL,  RW, 0, 0, {"hNode"}, NULL},
    {70,  resume_node,          ALL,  RW, 0, 0, {"hNode"}, NULL},
    {71,  evict_node,           ALL,  RW, 0, 0, {"hNode"}, NULL},
    {95,  get_net_interface,    READ, RO, 0, 0,
     {"lpszNodeName", "lpszNetworkName", "lppszInterfaceName"}, NULL},
    {102, get_cluster_version2, READ, RO, 0, 0,
     {"lpwMajorVersion", "lpwMinorVersion", "lpwBuildNumber", "lpszVendorId", "lpszCSDVersion",
      "ppClusterOpVerInfo"}, NULL},
    {104, not_implemented,      SERVICE_NOTHING, SERVICE_STATE_NONE, 0, 0, {NULL}, NULL},
    {0},
};
