// SPDX-License-Identifier: Apache-2.0
// What is alike for nodes, groups, resources, networks and network interfaces: opening, closing,
// names, identifiers, states.
#include "service/parts.h"

// Access rights of an Ex open [3.1.4.2.116].
enum {
    CLUSAPI_READ_ACCESS = 0x00000001,
    CLUSAPI_CHANGE_ACCESS = 0x00000002,
    MAXIMUM_ALLOWED = 0x02000000,
    GENERIC_ALL = 0x10000000,
    GENERIC_EXECUTE = 0x20000000,
    GENERIC_WRITE = 0x40000000,
};
static const uint32_t GENERIC_READ = 0x80000000;

static enum cluster_kind object_kind(enum service_kind kind) {
    switch (kind) {
    case SERVICE_HNODE: return CLUSTER_NODE;
    case SERVICE_HGROUP: return CLUSTER_GROUP;
    case SERVICE_HRES: return CLUSTER_RESOURCE;
    case SERVICE_HNETWORK: return CLUSTER_NETWORK;
    default: return CLUSTER_NETINTERFACE;
    }
}

// ---- opening ------------------------------------------------------------------------------------

// Parameters of all opens: the handle, the name; of Ex opens: the desired and the granted access.
enum { HANDLE, NAME, DESIRED, GRANTED };

// A handle for the object of the name, with this level.
static uint32_t open_named(struct service_call *call, enum service_access access) {
    const enum service_kind kind = service_param_kind(call, HANDLE);
    struct cluster *cluster = service_cluster(call);
    struct cluster_object *object =
        cluster_find(cluster, object_kind(kind), service_text(call, NAME));
    if (object == NULL) {
        return cluster_not_found(object_kind(kind));
    }
    return service_open(call, HANDLE, kind, cluster_hold(object), access, 0);
}

static void open_object(struct service_call *call) {
    service_done(call, open_named(call, SERVICE_ALL));
}

static void open_cluster(struct service_call *call) {
    service_done(call, service_open(call, HANDLE, SERVICE_HCLUSTER, NULL, SERVICE_ALL, 0));
}

// The level that desired rights ask for [3.1.4.2.116]. Rights that are not listed are not refused:
// what they would need is not known here.
static uint32_t level_of(struct service_call *call, enum service_access *access) {
    const uint32_t desired = (uint32_t)service_number(call, DESIRED);
    const enum service_access entitled = service_entitled(call);
    const bool all = (desired & (GENERIC_ALL | GENERIC_EXECUTE | GENERIC_WRITE)) != 0;
    const bool read = all || (desired & (GENERIC_READ | CLUSAPI_READ_ACCESS)) != 0;
    const bool change = (desired & CLUSAPI_CHANGE_ACCESS) != 0;
    if (desired == 0 || (change && !read)) {
        return STATUS_INVALID_PARAMETER;
    }
    // "Read" of a client with the backup privilege is granted with that privilege.
    *access = entitled == SERVICE_READ_BACKUP ? SERVICE_READ_BACKUP : SERVICE_READ;
    if (all || change) {
        *access = SERVICE_ALL;
    } else if ((desired & MAXIMUM_ALLOWED) != 0) {
        *access = entitled;
    }
    return entitled < *access || *access == SERVICE_NOTHING ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void done_ex(struct service_call *call, uint32_t status, enum service_access access) {
    if (status == STATUS_SUCCESS) {
        service_set_number(call, GRANTED, access == SERVICE_ALL ? GENERIC_ALL : GENERIC_READ);
    }
    service_done(call, status);
}

static void open_object_ex(struct service_call *call) {
    enum service_access access = SERVICE_NOTHING;
    uint32_t status = level_of(call, &access);
    if (status == STATUS_SUCCESS) {
        status = open_named(call, access);
    }
    done_ex(call, status, access);
}

static void open_cluster_ex(struct service_call *call) {
    enum service_access access = SERVICE_NOTHING;
    uint32_t status = level_of(call, &access);
    if (status == STATUS_SUCCESS) {
        status = service_open(call, HANDLE, SERVICE_HCLUSTER, NULL, access, 0);
    }
    done_ex(call, status, access);
}

static void close_object(struct service_call *call) {
    service_close(call, HANDLE);
    service_done(call, STATUS_SUCCESS);
}

// ---- names, identifiers, states -----------------------------------------------------------------

// Parameters: the handle; the name, the identifier or the state.
enum { VALUE = 1, NODE_NAME, GROUP_NAME };

static void set_name(struct service_call *call) {
    struct cluster_object *object = service_object(call, HANDLE);
    service_done(call, service_fits_name(call, VALUE)
                           ? cluster_object_rename(object, service_text(call, VALUE))
                           : (uint32_t)CLUSTER_ERROR_INVALID_NAME);
}

static void get_id(struct service_call *call) {
    service_set_text(call, VALUE, cluster_object_id(service_object(call, HANDLE)));
    service_done(call, STATUS_SUCCESS);
}

static void get_state(struct service_call *call) {
    service_set_number(call, VALUE, cluster_object_state(service_object(call, HANDLE)));
    service_done(call, STATUS_SUCCESS);
}

static void get_group_state(struct service_call *call) {
    const struct cluster_object *group = service_object(call, HANDLE);
    service_set_text(call, NODE_NAME, cluster_object_name(cluster_object_node(group)));
    get_state(call);
}

static void get_resource_state(struct service_call *call) {
    const struct cluster_object *resource = service_object(call, HANDLE);
    service_set_text(call, NODE_NAME, cluster_object_name(cluster_object_node(resource)));
    service_set_text(call, GROUP_NAME, cluster_object_name(cluster_object_parent(resource)));
    get_state(call);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL, OWN = SERVICE_OWN_ACCESS, GONE = SERVICE_EVEN_GONE };

// clang-format off
const struct service_method service_object_methods[] = {
    {0,   open_cluster,    ALL, RO, 0, 0, {"return"}, NULL},
    {8,   open_object,     ALL, RO, 0, 0, {"return", "lpszResourceName"}, NULL},
    {41,  open_object,     ALL, RO, 0, 0, {"return", "lpszGroupName"}, NULL},
    {66,  open_object,     ALL, RO, 0, 0, {"return", "lpszNodeName"}, NULL},
    {81,  open_object,     ALL, RO, 0, 0, {"return", "lpszNetworkName"}, NULL},
    {92,  open_object,     ALL, RO, 0, 0, {"return", "lpszNetInterfaceName"}, NULL},
    {117, open_cluster_ex, READ, RO, 0, OWN,
     {"return", "dwDesiredAccess", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},
    {118, open_object_ex,  READ, RO, 0, OWN,
     {"return", "lpszNodeName", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},
    {119, open_object_ex,  READ, RO, 0, OWN,
     {"return", "lpszGroupName", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},
    {120, open_object_ex,  READ, RO, 0, OWN,
     {"return", "lpszResourceName", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},
    {121, open_object_ex,  READ, RO, 0, OWN,
     {"return", "lpszNetworkName", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},
    {122, open_object_ex,  READ, RO, 0, OWN,
     {"return", "lpszNetInterfaceName", "dwDesiredAccess", "lpdwGrantedAccess"}, NULL},

    {1,   close_object, READ, RO, 0, GONE, {"Cluster"}, NULL},
    {11,  close_object, READ, RO, 0, GONE, {"Resource"}, NULL},
    {44,  close_object, READ, RO, 0, GONE, {"Group"}, NULL},
    {67,  close_object, READ, RO, 0, GONE, {"Node"}, NULL},
    {82,  close_object, READ, RO, 0, GONE, {"Network"}, NULL},
    {93,  close_object, READ, RO, 0, GONE, {"NetInterface"}, NULL},

    {12,  get_resource_state, READ, RO, 0, 0, {"hResource", "State", "NodeName", "GroupName"}, NULL},
    {45,  get_group_state,    READ, RO, 0, 0, {"hGroup", "State", "NodeName"}, NULL},
    {68,  get_state,          READ, RO, 0, 0, {"hNode", "State"}, NULL},
    {83,  get_state,          READ, RO, 0, 0, {"hNetwork", "State"}, NULL},
    {94,  get_state,          READ, RO, 0, 0, {"hNetInterface", "State"}, NULL},

    {14,  get_id, READ, RO, 0, 0, {"hResource", "pGuid"}, NULL},
    {47,  get_id, READ, RO, 0, 0, {"hGroup", "pGuid"}, NULL},
    {48,  get_id, READ, RO, 0, 0, {"hNode", "pGuid"}, NULL},
    {86,  get_id, READ, RO, 0, 0, {"hNetwork", "pGuid"}, NULL},
    {96,  get_id, READ, RO, 0, 0, {"hNetInterface", "pGuid"}, NULL},

    {13,  set_name, ALL, RW, 0, 0, {"hResource", "lpszResourceName"}, NULL},
    {46,  set_name, ALL, RW, 0, 0, {"hGroup", "lpszGroupName"}, NULL},
    {84,  set_name, ALL, RW, 0, 0, {"hNetwork", "lpszNetworkName"}, NULL},
    {0},
};
