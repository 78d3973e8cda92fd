// SPDX-License-Identifier: Apache-2.0
// Enumerations: lists of names, or of identifiers, of objects that belong to something.
#include "service/parts.h"

// Types of ApiCreateEnum and ApiCreateEnumEx [2.2.3.4].
static const struct {
    uint32_t type;
    enum cluster_kind kind;
} of_cluster[] = {
    {0x00000001, CLUSTER_NODE},     {0x00000002, CLUSTER_RESOURCE_TYPE},
    {0x00000004, CLUSTER_RESOURCE}, {0x00000008, CLUSTER_GROUP},
    {0x00000010, CLUSTER_NETWORK},  {0x00000020, CLUSTER_NETINTERFACE},
};
enum { KINDS = sizeof of_cluster / sizeof of_cluster[0] };
enum { ENUM_NODE = 0x01, ENUM_ALL = 0x3f, SHARED_VOLUMES = 0x40000000, PRIVATE_ROLE = 1 };
static const uint32_t INTERNAL_NETWORKS = 0x80000000;

// ---- lists --------------------------------------------------------------------------------------

struct entry {
    uint32_t type;
    const struct cluster_object *object;
};

struct list {
    struct service_call *call;
    struct entry *entries;
    size_t count, room;
};

static void add(struct list *list, uint32_t type, const struct cluster_object *object) {
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? 64 : 2 * list->room;
        struct entry *entries = service_alloc(list->call, room * sizeof *entries);
        if (list->count > 0) {
            memcpy(entries, list->entries, list->count * sizeof *entries);
        }
        list->entries = entries;
        list->room = room;
    }
    const struct entry entry = {type, object};
    list->entries[list->count++] = entry;
}

static void add_all(struct list *list, uint32_t type, enum cluster_kind kind) {
    struct cluster *cluster = service_cluster(list->call);
    struct cluster_object *object = NULL;
    while ((object = cluster_next(cluster, kind, object)) != NULL) {
        add(list, type, object);
    }
}

static void add_related(struct list *list, uint32_t type, const struct cluster_object *object,
                        enum cluster_relation relation) {
    const struct cluster_object *related;
    for (size_t i = 0; (related = cluster_related(object, relation, i)) != NULL; i++) {
        add(list, type, related);
    }
}

// Those of a kind that belong to the object: its groups, its interfaces, the resources of a type.
// One walk for all of them: cluster_related would walk for each.
static void add_belonging(struct list *list, uint32_t type, const struct cluster_object *object,
                          enum cluster_kind kind) {
    struct cluster_object *o = NULL;
    while ((o = cluster_next(service_cluster(list->call), kind, o)) != NULL) {
        if (cluster_object_parent(o) == object || cluster_object_type(o) == object) {
            add(list, type, o);
        }
    }
}

// Sets parameter n to an ENUM_LIST: names, or identifiers.
static void put_list(const struct list *list, unsigned n, bool identifiers) {
    enum { ENTRY = 1, TYPE = 0, NAME = 1, MEMBERS = 2 };
    cmrp_slot *members = service_set_rows(list->call, n, 1);
    cmrp_slot *rows = service_slot_set_rows(list->call, &members[ENTRY], list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *entry = &list->entries[i];
        cmrp_slot *row = rows + i * MEMBERS;
        service_slot_number(&row[TYPE], entry->type);
        service_slot_set_text(list->call, &row[NAME],
                              identifiers ? cluster_object_id(entry->object)
                                          : cluster_object_name(entry->object));
    }
}

static void done(const struct list *list, unsigned n) {
    put_list(list, n, false);
    service_done(list->call, STATUS_SUCCESS);
}

// ---- of the cluster -----------------------------------------------------------------------------

// What a type names; a code if it is none. The types at the high end stand alone. Internal networks
// are those of this role, as ApiCreateEnum and ApiCreateEnumEx differ on them.
static uint32_t collect(struct list *list, uint32_t type, bool internal(uint32_t role)) {
    if (type == SHARED_VOLUMES) { // there are none
        return STATUS_SUCCESS;
    }
    if (type == INTERNAL_NETWORKS) {
        struct cluster_object *network = NULL;
        while ((network = cluster_next(service_cluster(list->call), CLUSTER_NETWORK, network)) !=
               NULL) {
            if (internal(cluster_object_number(network))) {
                add(list, type, network);
            }
        }
        return STATUS_SUCCESS;
    }
    if (type == 0 || (type & ~(uint32_t)ENUM_ALL) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if ((type & of_cluster[i].type) != 0) {
            add_all(list, of_cluster[i].type, of_cluster[i].kind);
        }
    }
    return STATUS_SUCCESS;
}

static bool can_be_internal(uint32_t role) {
    return (role & PRIVATE_ROLE) != 0;
}

static bool only_internal(uint32_t role) {
    return role == PRIVATE_ROLE;
}

// Nodes can be listed in the read-only state, too.
static bool is_paused(const struct service_call *call, uint32_t type) {
    return type != ENUM_NODE && service_state_of(call) < SERVICE_STATE_READ_WRITE;
}

// Parameters: the type, the list.
static void create_enum(struct service_call *call) {
    struct list list = {.call = call};
    const uint32_t type = (uint32_t)service_number(call, 0);
    const uint32_t status = is_paused(call, type) ? (uint32_t)STATUS_SHARING_PAUSED
                                                  : collect(&list, type, can_be_internal);
    if (status != STATUS_SUCCESS) {
        service_done(call, status);
        return;
    }
    done(&list, 1);
}

// Parameters: the type, the identifiers, the names, options.
static void create_enum_ex(struct service_call *call) {
    struct list list = {.call = call};
    const uint32_t type = (uint32_t)service_number(call, 0);
    uint32_t status = is_paused(call, type) ? (uint32_t)STATUS_SHARING_PAUSED
                                            : collect(&list, type, only_internal);
    if (status == STATUS_SUCCESS && service_number(call, 3) != 0) {
        status = STATUS_INVALID_PARAMETER;
    }
    if (status != STATUS_SUCCESS) {
        service_done(call, status);
        return;
    }
    put_list(&list, 1, true);
    done(&list, 2);
}

// ---- of objects: parameters are the object, the type, the list ----------------------------------

static void create_group_resource_enum(struct service_call *call) {
    enum { CONTAINS = 1, NODES = 2 };
    struct list list = {.call = call};
    const uint64_t type = service_number(call, 1);
    if ((type & CONTAINS) != 0) {
        add_related(&list, CONTAINS, service_object(call, 0), CLUSTER_RESOURCES);
    }
    if ((type & NODES) != 0) {
        add_related(&list, NODES, service_object(call, 0), CLUSTER_PREFERRED);
    }
    done(&list, 2);
}

static void create_res_enum(struct service_call *call) {
    enum { DEPENDS = 1, PROVIDES = 2, NODES = 4, ANY = 7 };
    struct list list = {.call = call};
    const struct cluster_object *resource = service_object(call, 0);
    const uint64_t type = service_number(call, 1);
    if (type == 0 || (type & ~(uint64_t)ANY) != 0) {
        service_done(call, STATUS_INVALID_PARAMETER);
        return;
    }
    if ((type & DEPENDS) != 0) {
        add_related(&list, DEPENDS, resource, CLUSTER_DEPENDS);
    }
    if ((type & PROVIDES) != 0) {
        add_related(&list, PROVIDES, resource, CLUSTER_PROVIDES);
    }
    if ((type & NODES) != 0 && cluster_related(resource, CLUSTER_OWNERS, 0) == NULL) {
        add_all(&list, NODES, CLUSTER_NODE); // no set: every node may host it
    } else if ((type & NODES) != 0) {
        add_related(&list, NODES, resource, CLUSTER_OWNERS);
    }
    done(&list, 2);
}

static void create_network_enum(struct service_call *call) {
    enum { INTERFACES = 1 };
    struct list list = {.call = call};
    if ((service_number(call, 1) & INTERFACES) != 0) {
        add_belonging(&list, INTERFACES, service_object(call, 0), CLUSTER_NETINTERFACE);
    }
    done(&list, 2);
}

static void create_node_enum(struct service_call *call) {
    enum { INTERFACES = 1, GROUPS = 2 };
    struct list list = {.call = call};
    const uint64_t type = service_number(call, 1);
    if ((type & INTERFACES) != 0) {
        add_belonging(&list, INTERFACES, service_object(call, 0), CLUSTER_NETINTERFACE);
    }
    if ((type & GROUPS) != 0) {
        add_belonging(&list, GROUPS, service_object(call, 0), CLUSTER_GROUP);
    }
    done(&list, 2);
}

// Parameters: the name of the resource type, the type, the list.
static void create_res_type_enum(struct service_call *call) {
    enum { NODES = 1, RESOURCES = 2 };
    struct list list = {.call = call};
    const uint64_t type = service_number(call, 1);
    const struct cluster_object *object =
        cluster_find(service_cluster(call), CLUSTER_RESOURCE_TYPE, service_text(call, 0));
    if (object == NULL) {
        service_done(call, cluster_not_found(CLUSTER_RESOURCE_TYPE));
        return;
    }
    if ((type & NODES) != 0) {
        add_all(&list, NODES, CLUSTER_NODE);
    }
    if ((type & RESOURCES) != 0) {
        add_belonging(&list, RESOURCES, object, CLUSTER_RESOURCE);
    }
    done(&list, 2);
}

enum { RO = SERVICE_STATE_READ_ONLY, READ = SERVICE_READ };

// clang-format off
const struct service_method service_enum_methods[] = {
    {7,   create_enum,                READ, RO, 0, 0, {"dwType", "ReturnEnum"}, NULL},
    {22,  create_res_enum,            READ, RO, 0, 0, {"hResource", "dwType", "ReturnEnum"}, NULL},
    {53,  create_group_resource_enum, READ, RO, 0, 0, {"hGroup", "dwType", "ReturnEnum"}, NULL},
    {85,  create_network_enum,        READ, RO, 0, 0, {"hNetwork", "dwType", "ReturnEnum"}, NULL},
    {101, create_node_enum,           READ, RO, 0, 0, {"hNode", "dwType", "ReturnEnum"}, NULL},
    {103, create_res_type_enum,       READ, RO, 0, 0, {"lpszTypeName", "dwType", "ReturnEnum"}, NULL},
    {125, create_enum_ex,             READ, RO, 0, 0,
     {"dwType", "ReturnIdEnum", "ReturnNameEnum", "dwOptions"}, NULL},
    {0},
};
