// SPDX-License-Identifier: Apache-2.0
// Control codes of groups, nodes, resource types and the cluster [MS-CMRP 3.1.4.3]: those that read
// or write properties, names and identifiers. All others are ERROR_INVALID_FUNCTION.
#include "service/property.h"

enum { INVALID_FUNCTION = 1, MODIFIES = 0x00400000 };

// The object that a code is for: its highest octet.
enum { OF_TYPE = 0x02, OF_GROUP = 0x03, OF_NODE = 0x04, OF_CLUSTER = 0x07 };

// What it does: the rest of it.
enum {
    UNKNOWN = 0x000000,
    GET_CHARACTERISTICS = 0x000005,
    GET_FLAGS = 0x000009,
    GET_CLASS_INFO = 0x00000d,
    GET_NAME = 0x000029,
    GET_ID = 0x000039,
    GET_FQDN = 0x00003d,
    CHECK_VOTER_EVICT = 0x000045,
    CHECK_VOTER_DOWN = 0x000049,
    ENUM_COMMON = 0x000051,
    GET_RO_COMMON = 0x000055,
    GET_COMMON = 0x000059,
    SET_COMMON = 0x40005e,
    VALIDATE_COMMON = 0x000061,
    ENUM_PRIVATE = 0x000079,
    GET_RO_PRIVATE = 0x00007d,
    GET_PRIVATE = 0x000081,
    SET_PRIVATE = 0x400086,
    VALIDATE_PRIVATE = 0x000089,
};

// Parameters of all these methods.
enum { HANDLE, CODE, INPUT, ROOM_GIVEN, OUTPUT, RETURNED, REQUIRED, TYPE_NAME };

struct control {
    struct service_call *call;
    struct property_target target;
    uint8_t of;
    uint32_t function;
    enum property_scope scope;
    cmrp_view input;
    cmrp_view output; // in the call's memory
};

// ---- what can be known of an object -------------------------------------------------------------

enum { NO_CLASS, STORAGE, NETWORK }; // CLUS_RESCLASS_* [2.2.3.7]
enum { QUORUM_CAPABLE = 1 };         // CLUS_CHAR_QUORUM [2.2.2.4]
static const uint32_t SHARED = 0x80000000;

// Resource types of which more is known than their name.
static const struct {
    const char *name;
    uint32_t class, subclass, characteristics;
} types[] = {
    {"Physical Disk", STORAGE, 0x80000000, QUORUM_CAPABLE},
    {"Storage Pool", STORAGE, 0x80000000, 0},
    {"File Share Witness", NO_CLASS, 0, QUORUM_CAPABLE},
    {"Cloud Witness", NO_CLASS, 0, QUORUM_CAPABLE},
    {"IP Address", NETWORK, 0x80000000, 0},
    {"IPv6 Address", NETWORK, 0x80000000, 0},
    {"Network Name", NETWORK, 0, 0},
};
enum { TYPES = sizeof types / sizeof types[0] };

static size_t type_index(const struct control *c) {
    size_t i = 0;
    while (i < TYPES && strcmp(types[i].name, cluster_object_name(c->target.object)) != 0) {
        i++;
    }
    return i;
}

static void put_number(struct control *c, uint32_t number) {
    uint8_t *octets = service_alloc(c->call, c->output.size + sizeof number);
    if (c->output.size > 0) {
        memcpy(octets, c->output.data, c->output.size);
    }
    cmrp_store_u32(octets + c->output.size, number, CMRP_LITTLE_ENDIAN);
    c->output = (cmrp_view){octets, c->output.size + sizeof number};
}

static uint32_t get_class_info(struct control *c) {
    const size_t i = type_index(c);
    put_number(c, i < TYPES ? types[i].class : NO_CLASS);
    put_number(c, i < TYPES ? types[i].subclass & SHARED : 0);
    return STATUS_SUCCESS;
}

static uint32_t get_characteristics(struct control *c) {
    const size_t i = c->of == OF_TYPE ? type_index(c) : TYPES;
    put_number(c, i < TYPES ? types[i].characteristics : 0);
    return STATUS_SUCCESS;
}

// CLUS_FLAG_CORE of a group: that it holds a core resource [2.2.2.5].
static uint32_t get_flags(struct control *c) {
    const struct cluster_object *resource = NULL;
    uint32_t core = 0;
    for (size_t i = 0; c->of == OF_GROUP &&
                       (resource = cluster_related(c->target.object, CLUSTER_RESOURCES, i)) != NULL;
         i++) {
        core |= cluster_object_core(resource);
    }
    put_number(c, core);
    return STATUS_SUCCESS;
}

static uint32_t get_name(struct control *c) {
    c->output = property_text(c->call, cluster_object_name(c->target.object));
    return STATUS_SUCCESS;
}

static uint32_t get_id(struct control *c) {
    c->output = property_text(c->call, cluster_object_id(c->target.object));
    return STATUS_SUCCESS;
}

static uint32_t nothing(struct control *c) {
    (void)c;
    return STATUS_SUCCESS;
}

// The name of the cluster in its domain, which is the property DNSSuffix where that is set.
static uint32_t get_fqdn(struct control *c) {
    struct cluster_property suffix;
    const char *name = cluster_name(c->target.cluster);
    const bool has = cluster_property_get(c->target.cluster, NULL, false, "DNSSuffix", &suffix) &&
                     !suffix.is_number && *suffix.text != '\0';
    struct buffer text = {0};
    buffer_printf(&text, has ? "%s.%s" : "%s", name, has ? suffix.text : "");
    c->output = property_text(c->call, buffer_text(&text));
    buffer_free(&text);
    return STATUS_SUCCESS;
}

// Whether quorum survives without a node, or without the quorum resource [2.2.2.10]. A request
// without input is about the node of this server.
static uint32_t check_voter(struct control *c) {
    enum { MAINTAINED, LOST };
    struct cluster *cluster = c->target.cluster;
    const struct cluster_object *quorum =
        cluster_quorum(cluster, &(const char *){0}, &(uint32_t){0});
    const cmrp_slot slot = {.order = CMRP_LITTLE_ENDIAN, .bytes = c->input};
    const char *id = c->input.size == 0 ? cluster_object_id(cluster_own_node(cluster))
                                        : service_slot_text(c->call, &slot);
    struct cluster_object *voter = cluster_find(cluster, CLUSTER_NODE, id);
    if (voter == NULL && (quorum == NULL || strcmp(cluster_object_id(quorum), id) != 0)) {
        return STATUS_INVALID_PARAMETER;
    }
    size_t votes = quorum != NULL, up = quorum != NULL && voter != NULL;
    struct cluster_object *node = NULL;
    while ((node = cluster_next(cluster, CLUSTER_NODE, node)) != NULL) {
        const uint32_t state = cluster_object_state(node);
        votes++;
        up += node != voter && (state == CLUSTER_NODE_UP || state == CLUSTER_NODE_PAUSED);
    }
    votes -= c->function == CHECK_VOTER_EVICT; // who is evicted has no vote
    put_number(c, 2 * up > votes ? MAINTAINED : LOST);
    return STATUS_SUCCESS;
}

// ---- properties ---------------------------------------------------------------------------------

static uint32_t get_properties(struct control *c) {
    const struct property_list list = property_gather(c->call, &c->target, c->scope);
    c->output = property_encode(c->call, &list);
    return STATUS_SUCCESS;
}

static uint32_t get_names(struct control *c) {
    const struct property_list list = property_gather(c->call, &c->target, c->scope);
    c->output = property_names(c->call, &list);
    return STATUS_SUCCESS;
}

static uint32_t validate(struct control *c) {
    struct property_list list;
    return property_decode(c->call, c->input, &list);
}

static uint32_t set_properties(struct control *c) {
    struct property_list list;
    const uint32_t status = property_decode(c->call, c->input, &list);
    return status != STATUS_SUCCESS
               ? status
               : cluster_set_properties(c->target.cluster, c->target.object,
                                        c->scope == PROPERTY_PRIVATE, list.at, list.count);
}

// ---- dispatch -----------------------------------------------------------------------------------

enum {
    TYPE = 1 << OF_TYPE,
    GROUP = 1 << OF_GROUP,
    NODE = 1 << OF_NODE,
    CLUSTER = 1 << OF_CLUSTER,
    ANY = TYPE | GROUP | NODE | CLUSTER,
};

static const struct {
    uint32_t function;
    unsigned of; // of what there is such a code
    uint32_t (*run)(struct control *c);
    enum property_scope scope;
} functions[] = {
    {UNKNOWN, ANY, nothing, 0},
    {GET_CHARACTERISTICS, TYPE | GROUP | NODE, get_characteristics, 0},
    {GET_FLAGS, TYPE | GROUP | NODE, get_flags, 0},
    {GET_CLASS_INFO, TYPE, get_class_info, 0},
    {GET_NAME, GROUP | NODE, get_name, 0},
    {GET_ID, GROUP | NODE, get_id, 0},
    {GET_FQDN, CLUSTER, get_fqdn, 0},
    {CHECK_VOTER_EVICT, CLUSTER, check_voter, 0},
    {CHECK_VOTER_DOWN, CLUSTER, check_voter, 0},
    {ENUM_COMMON, ANY, get_names, PROPERTY_COMMON},
    {GET_RO_COMMON, ANY, get_properties, PROPERTY_RO_COMMON},
    {GET_COMMON, ANY, get_properties, PROPERTY_COMMON},
    {SET_COMMON, ANY, set_properties, PROPERTY_COMMON},
    {VALIDATE_COMMON, ANY, validate, PROPERTY_COMMON},
    {ENUM_PRIVATE, ANY, get_names, PROPERTY_PRIVATE},
    {GET_RO_PRIVATE, ANY, get_properties, PROPERTY_RO_PRIVATE},
    {GET_PRIVATE, ANY, get_properties, PROPERTY_PRIVATE},
    {SET_PRIVATE, ANY, set_properties, PROPERTY_PRIVATE},
    {VALIDATE_PRIVATE, ANY, validate, PROPERTY_PRIVATE},
};

static uint32_t run_function(struct control *c) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (functions[i].function == c->function && (functions[i].of >> c->of & 1) != 0) {
            c->scope = functions[i].scope;
            return functions[i].run(c);
        }
    }
    return INVALID_FUNCTION;
}

// Gives the client what fits into its room.
static uint32_t put_output(struct control *c) {
    const uint64_t room = service_number(c->call, ROOM_GIVEN);
    const bool fixed = c->function == GET_CHARACTERISTICS || c->function == GET_CLASS_INFO;
    service_set_number(c->call, REQUIRED, c->output.size);
    if (c->output.size <= room) {
        service_set_octets(c->call, OUTPUT, c->output);
        service_set_number(c->call, RETURNED, c->output.size);
        return STATUS_SUCCESS;
    }
    // [3.1.4.3.2.2, 3.1.4.3.2.4]
    return c->of == OF_TYPE && fixed && room == 0 ? (uint32_t)STATUS_SUCCESS
                                                  : (uint32_t)STATUS_MORE_DATA;
}

static void run(struct service_call *call, uint8_t of, struct cluster_object *object) {
    const uint32_t code = (uint32_t)service_number(call, CODE);
    struct control c = {.call = call,
                        .target = {service_cluster(call), object},
                        .of = of,
                        .function = code & 0x00ffffff,
                        .input = service_octets(call, INPUT)};
    const bool modifies = (code & MODIFIES) != 0;
    uint32_t status;
    if (modifies && service_state_of(call) < SERVICE_STATE_READ_WRITE) {
        status = STATUS_SHARING_PAUSED;
    } else if (!service_granted(service_handle(call, HANDLE),
                                modifies ? SERVICE_ALL : SERVICE_READ)) {
        status = STATUS_ACCESS_DENIED;
    } else {
        status = code >> 24 != of ? (uint32_t)INVALID_FUNCTION : run_function(&c);
    }
    service_done(call, status == STATUS_SUCCESS ? put_output(&c) : status);
}

static void group_control(struct service_call *call) {
    run(call, OF_GROUP, service_object(call, HANDLE));
}

static void node_control(struct service_call *call) {
    run(call, OF_NODE, service_object(call, HANDLE));
}

static void cluster_control(struct service_call *call) {
    run(call, OF_CLUSTER, NULL);
}

static void resource_type_control(struct service_call *call) {
    struct cluster_object *type =
        cluster_find(service_cluster(call), CLUSTER_RESOURCE_TYPE, service_text(call, TYPE_NAME));
    if (type == NULL) {
        service_done(call, cluster_not_found(CLUSTER_RESOURCE_TYPE));
        return;
    }
    run(call, OF_TYPE, type);
}

// ---- groups with their properties ---------------------------------------------------------------

// What one group tells of itself; false where a name is none of a property.
static bool put_group(struct service_call *call, struct cluster_object *group, cmrp_slot *row) {
    enum { NAME, ID, STATE, OWNER, FLAGS, SIZE, PROPERTIES, RO_SIZE, RO_PROPERTIES };
    enum { COMMON = 1, RO_COMMON = 2 };
    const struct property_target target = {service_cluster(call), group};
    struct control flags = {.call = call, .target = target, .of = OF_GROUP};
    get_flags(&flags);
    service_slot_set_text(call, &row[NAME], cluster_object_name(group));
    service_slot_set_text(call, &row[ID], cluster_object_id(group));
    service_slot_number(&row[STATE], cluster_object_state(group));
    service_slot_set_text(call, &row[OWNER], cluster_object_name(cluster_object_node(group)));
    service_slot_number(&row[FLAGS], cmrp_load_u32(flags.output.data, CMRP_LITTLE_ENDIAN));
    for (unsigned n = COMMON; n <= RO_COMMON; n++) {
        const struct property_list all =
            property_gather(call, &target, n == COMMON ? PROPERTY_COMMON : PROPERTY_RO_COMMON);
        struct property_list selected;
        if (!property_select(call, &all, service_octets(call, n), &selected)) {
            return false;
        }
        service_slot_set_octets(&row[n == COMMON ? PROPERTIES : RO_PROPERTIES],
                                property_encode(call, &selected));
    }
    return true;
}

// Parameters: the cluster, names of common and of read-only common properties, the list.
static void create_group_enum(struct service_call *call) {
    enum { LIST = 3, ENTRY = 1, MEMBERS = 9 };
    struct cluster *cluster = service_cluster(call);
    cmrp_slot *members = service_set_rows(call, LIST, 1);
    cmrp_slot *row =
        service_slot_set_rows(call, &members[ENTRY], cluster_count(cluster, CLUSTER_GROUP));
    struct cluster_object *group = NULL;
    for (; (group = cluster_next(cluster, CLUSTER_GROUP, group)) != NULL; row += MEMBERS) {
        if (!put_group(call, group, row)) {
            service_set_nothing(call, LIST);
            service_done(call, STATUS_INVALID_PARAMETER);
            return;
        }
    }
    service_done(call, STATUS_SUCCESS);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, OWN = SERVICE_OWN_ACCESS };

// clang-format off
const struct service_method service_control_methods[] = {
    {75,  resource_type_control, READ, RO, 0, OWN,
     {"hCluster", "dwControlCode", "lpInBuffer", "nOutBufferSize", "lpOutBuffer",
      "lpBytesReturned", "lpcbRequired", "lpszResourceTypeName"}, NULL},
    {77,  group_control,         READ, RO, 0, OWN,
     {"hGroup", "dwControlCode", "lpInBuffer", "nOutBufferSize", "lpOutBuffer",
      "lpBytesReturned", "lpcbRequired"}, NULL},
    {79,  node_control,          READ, RO, 0, OWN,
     {"hNode", "dwControlCode", "lpInBuffer", "nOutBufferSize", "lpOutBuffer",
      "lpBytesReturned", "lpcbRequired"}, NULL},
    {106, cluster_control,       READ, RO, 0, OWN,
     {"hCluster", "dwControlCode", "lpInBuffer", "nOutBufferSize", "lpOutBuffer",
      "lpBytesReturned", "lpcbRequired"}, NULL},
    {143, create_group_enum,     READ, RW, 0, 0,
     {"hCluster", "pProperties", "pRoProperties", "ppResultList"}, NULL},
    {0},
};
