// SPDX-License-Identifier: Apache-2.0
// The methods on the cluster, groups, resources, nodes, networks and interfaces.
#include "service/test/driver.h"

#include <stdio.h>

static const struct variant {
    cmrp_syntax syntax;
    cmrp_order order;
} variants[] = {
    {CMRP_NDR20, CMRP_LITTLE_ENDIAN},
    {CMRP_NDR64, CMRP_LITTLE_ENDIAN},
    {CMRP_NDR20, CMRP_BIG_ENDIAN},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

// What every test has: a server, and a client that speaks one of the variants.
struct scene {
    struct driver *d;
    struct driver_link *link;
};

static struct scene begin(size_t variant) {
    struct scene s = {.d = driver_create(NULL)};
    s.link = driver_connect(s.d, variants[variant].syntax, 0);
    s.link->order = variants[variant].order;
    return s;
}

typedef uint8_t handle_octets[CMRP_HANDLE_SIZE];

static struct driver_call *with(struct scene *s, const char *method, const char *param,
                                const uint8_t *handle) {
    struct driver_call *call = driver_begin(s->link, method);
    driver_handle(call, param, handle);
    return call;
}

// A method whose only parameter is a handle.
static uint32_t simple(struct scene *s, const char *method, const char *param,
                       const uint8_t *handle) {
    struct driver_call *call = with(s, method, param, handle);
    const uint32_t status = driver_run(call);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    return status;
}

static uint32_t pair(struct scene *s, const char *method, const char *one, const uint8_t *first,
                     const char *two, const uint8_t *second) {
    struct driver_call *call = with(s, method, one, first);
    driver_handle(call, two, second);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static uint64_t state_of(struct scene *s, const char *method, const char *param,
                         const uint8_t *handle) {
    struct driver_call *call = with(s, method, param, handle);
    assert_int_equal(driver_run(call), 0);
    const uint64_t state = driver_number_of(call, "State");
    driver_end(call);
    return state;
}

static uint32_t create_group(struct scene *s, const char *name, handle_octets handle) {
    struct driver_call *call = driver_begin(s->link, "ApiCreateGroup");
    driver_text(call, "lpszGroupName", name);
    const uint32_t status = driver_run(call);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    assert_int_equal(driver_is_null(handle), status != 0);
    driver_end(call);
    return status;
}

static uint32_t create_resource(struct scene *s, const uint8_t *group, const char *name,
                                const char *type, uint32_t flags, handle_octets handle) {
    struct driver_call *call = with(s, "ApiCreateResource", "hGroup", group);
    driver_text(call, "lpszResourceName", name);
    driver_text(call, "lpszResourceType", type);
    driver_number(call, "dwFlags", flags);
    const uint32_t status = driver_run(call);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    assert_int_equal(driver_is_null(handle), status != 0);
    driver_end(call);
    return status;
}

// ---- the cluster --------------------------------------------------------------------------------

static void test_cluster(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct scene s = begin(v);
        struct driver_call *call = driver_begin(s.link, "ApiGetClusterName");
        assert_int_equal(driver_run(call), 0);
        assert_string_equal(driver_text_of(call, "ClusterName"), cluster_name(s.d->cluster));
        assert_string_equal(driver_text_of(call, "NodeName"), cluster_node_name(s.d->cluster));
        call = driver_begin(s.link, "ApiGetClusterVersion");
        assert_int_equal(driver_run(call), 120);
        driver_expect_nothing(call, NULL);
        call = driver_begin(s.link, "ApiGetClusterVersion2");
        assert_int_equal(driver_run(call), 0);
        const struct cluster_version *version = cluster_version(s.d->cluster);
        assert_int_equal(driver_number_of(call, "lpwMajorVersion"), version->major);
        assert_int_equal(driver_number_of(call, "lpwBuildNumber"), version->build);
        assert_string_equal(driver_text_of(call, "lpszVendorId"), version->vendor);
        cmrp_rows rows = driver_slot(call, "ppClusterOpVerInfo")->rows;
        cmrp_slot members[CMRP_MAX_PARAMS];
        assert_true(cmrp_rows_next(&rows, members));
        assert_int_equal(members[0].value, 20);
        assert_int_equal(members[1].value, version->highest);
        assert_int_equal(members[2].value, version->lowest);
        assert_int_equal(members[4].value, 0);
        driver_destroy(s.d);
    }
}

static uint32_t set_name(struct scene *s, const char *name) {
    struct driver_call *call = driver_begin(s->link, "ApiSetClusterName");
    driver_text(call, "NewClusterName", name);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void test_cluster_name(void **state) {
    (void)state;
    struct scene s = begin(0);
    struct cluster_object *principal = cluster_find(s.d->cluster, CLUSTER_RESOURCE, "Cluster Name");
    char name[65], old[65];
    memset(name, 'x', 64);
    name[64] = '\0';
    snprintf(old, sizeof old, "%s", cluster_name(s.d->cluster));
    assert_non_null(principal);
    assert_int_equal(cluster_object_state(principal), CLUSTER_RESOURCE_ONLINE);
    assert_int_equal(set_name(&s, old), 0x13a0);
    assert_int_equal(set_name(&s, name), 1743);
    assert_int_equal(set_name(&s, name + 1), 0x139b);
    assert_string_equal(cluster_name(s.d->cluster), old);
    assert_int_equal(cluster_offline(principal), 0);
    assert_int_equal(set_name(&s, name), 1743);
    assert_int_equal(set_name(&s, cluster_node_name(s.d->cluster)), 123);
    assert_int_equal(set_name(&s, ""), 123);
    assert_int_equal(set_name(&s, name + 1), 0);
    assert_string_equal(cluster_name(s.d->cluster), name + 1);
    driver_destroy(s.d);
}

// The codec does not describe the method: its stubs are made by hand.
static void test_password(void **state) {
    (void)state;
    static const uint8_t request[] = {2,   0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
                                      'x', 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0};
    static const uint8_t response[] = {0, 4, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0,
                                       0, 0, 0, 0, 0, 0, 0, 0, 120, 0, 0, 0};
    struct scene s = begin(0);
    assert_true(service_serves(s.d->service, 108));
    for (size_t size = 0; size <= sizeof request; size++) {
        struct driver_call *call = driver_begin(s.link, "ApiGetClusterName");
        cmrp_method method = {.name = "ApiSetServiceAccountPassword", .opnum = 108};
        call->method = &method;
        driver_send_stub(call, request, size);
        if (size < sizeof request) {
            assert_int_equal(driver_fault(call), RPC_FAULT_BAD_STUB_DATA);
        } else {
            assert_true(driver_answered(call));
            assert_int_equal(call->answer.size, sizeof response);
            assert_memory_equal(call->answer.data, response, sizeof response);
        }
        driver_end(call);
    }
    driver_destroy(s.d);
}

static void test_quorum(void **state) {
    (void)state;
    struct scene s = begin(0);
    const char *path = NULL;
    uint32_t size = 0;
    struct cluster_object *resource = cluster_quorum(s.d->cluster, &path, &size);
    struct driver_call *call = driver_begin(s.link, "ApiGetQuorumResource");
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(driver_text_of(call, "lpszResourceName"),
                        resource == NULL ? "" : cluster_object_name(resource));
    assert_int_equal(driver_number_of(call, "pdwMaxQuorumLogSize"), size);
    driver_destroy(s.d);
}

// ---- opening ------------------------------------------------------------------------------------

struct opening {
    enum cluster_kind kind;
    const char *open, *open_ex, *name, *close, *closed, *id, *state, *object;
    uint32_t not_found;
};

static const struct opening openings[] = {
    {CLUSTER_RESOURCE, "ApiOpenResource", "ApiOpenResourceEx", "lpszResourceName",
     "ApiCloseResource", "Resource", "ApiGetResourceId", "ApiGetResourceState", "hResource",
     0x138f},
    {CLUSTER_GROUP, "ApiOpenGroup", "ApiOpenGroupEx", "lpszGroupName", "ApiCloseGroup", "Group",
     "ApiGetGroupId", "ApiGetGroupState", "hGroup", 0x1395},
    {CLUSTER_NODE, "ApiOpenNode", "ApiOpenNodeEx", "lpszNodeName", "ApiCloseNode", "Node",
     "ApiGetNodeId", "ApiGetNodeState", "hNode", 0x13b2},
    {CLUSTER_NETWORK, "ApiOpenNetwork", "ApiOpenNetworkEx", "lpszNetworkName", "ApiCloseNetwork",
     "Network", "ApiGetNetworkId", "ApiGetNetworkState", "hNetwork", 0x13b5},
    {CLUSTER_NETINTERFACE, "ApiOpenNetInterface", "ApiOpenNetInterfaceEx", "lpszNetInterfaceName",
     "ApiCloseNetInterface", "NetInterface", "ApiGetNetInterfaceId", "ApiGetNetInterfaceState",
     "hNetInterface", 0x13b7},
};
enum { OPENINGS = sizeof openings / sizeof openings[0] };

static void check_object(struct scene *s, const struct opening *o,
                         const struct cluster_object *object, const char *name) {
    handle_octets handle;
    driver_open(s->link, o->open, o->name, name, handle);
    struct driver_call *call = with(s, o->id, o->object, handle);
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(driver_text_of(call, "pGuid"), cluster_object_id(object));
    driver_end(call);
    call = with(s, o->state, o->object, handle);
    assert_int_equal(driver_run(call), 0);
    assert_int_equal(driver_number_of(call, "State"), cluster_object_state(object));
    if (o->kind == CLUSTER_GROUP || o->kind == CLUSTER_RESOURCE) {
        assert_string_equal(driver_text_of(call, "NodeName"),
                            cluster_object_name(cluster_object_node(object)));
    }
    if (o->kind == CLUSTER_RESOURCE) {
        assert_string_equal(driver_text_of(call, "GroupName"),
                            cluster_object_name(cluster_object_parent(object)));
    }
    driver_end(call);
    assert_int_equal(driver_close(s->link, o->close, o->closed, handle), 0);
    assert_true(driver_is_null(handle));
}

static void test_objects(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct scene s = begin(v);
        for (size_t i = 0; i < OPENINGS; i++) {
            const struct opening *o = &openings[i];
            struct cluster_object *object = NULL;
            assert_true(cluster_count(s.d->cluster, o->kind) > 0);
            while ((object = cluster_next(s.d->cluster, o->kind, object)) != NULL) {
                check_object(&s, o, object, cluster_object_name(object));
                check_object(&s, o, object, cluster_object_id(object));
            }
        }
        assert_int_equal(rpc_handles_open(s.d->server, NULL), 0);
        driver_destroy(s.d);
    }
}

static void test_not_found(void **state) {
    (void)state;
    static const char *const names[] = {"", "there is no such thing", "Größe 木 𝄞"};
    struct scene s = begin(0);
    for (size_t i = 0; i < OPENINGS; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            struct driver_call *call = driver_begin(s.link, openings[i].open);
            driver_text(call, openings[i].name, names[n]);
            assert_int_equal(driver_run(call), openings[i].not_found);
            driver_expect_nothing(call, NULL);
            call = driver_begin(s.link, openings[i].open_ex);
            driver_text(call, openings[i].name, names[n]);
            driver_number(call, "dwDesiredAccess", 0x02000000);
            assert_int_equal(driver_run(call), openings[i].not_found);
            driver_expect_nothing(call, NULL);
        }
    }
    driver_destroy(s.d);
}

// ---- groups -------------------------------------------------------------------------------------

static uint32_t rename_group(struct scene *s, const uint8_t *group, const char *name) {
    struct driver_call *call = with(s, "ApiSetGroupName", "hGroup", group);
    driver_text(call, "lpszGroupName", name);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static uint32_t delete_group(struct scene *s, const uint8_t *group, uint32_t force) {
    struct driver_call *call = with(s, "ApiDeleteGroup", "Group", group);
    driver_number(call, "force", force);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void test_group(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct scene s = begin(v);
        handle_octets group, other, resource, gone;
        assert_int_equal(create_group(&s, "Größe 木 𝄞", group), 0);
        assert_int_equal(create_group(&s, "grÖSSe", other), 0);
        assert_int_equal(create_group(&s, "GRÖßE 木 𝄞", gone), 0x1392);
        assert_int_equal(create_group(&s, "", gone), 123);
        char name[1026] = {0};
        memset(name, 'n', 1025);
        assert_int_equal(create_group(&s, name, gone), 123);
        assert_int_equal(create_group(&s, name + 1, gone), 0);
        assert_int_equal(state_of(&s, "ApiGetGroupState", "hGroup", group), CLUSTER_GROUP_OFFLINE);
        assert_int_equal(create_resource(&s, group, "R", "Generic Service", 0, resource), 0);
        assert_int_equal(simple(&s, "ApiOnlineGroup", "hGroup", group), 0);
        assert_int_equal(state_of(&s, "ApiGetGroupState", "hGroup", group), CLUSTER_GROUP_ONLINE);
        assert_int_equal(state_of(&s, "ApiGetResourceState", "hResource", resource),
                         CLUSTER_RESOURCE_ONLINE);
        assert_int_equal(simple(&s, "ApiOfflineGroup", "hGroup", group), 0);
        assert_int_equal(state_of(&s, "ApiGetGroupState", "hGroup", group), CLUSTER_GROUP_OFFLINE);
        assert_int_equal(rename_group(&s, group, "Two"), 0);
        assert_int_equal(rename_group(&s, group, "grösse"), 183);
        assert_int_equal(rename_group(&s, group, ""), 123);
        assert_int_equal(delete_group(&s, group, 0), 0x91);
        assert_int_equal(delete_group(&s, group, 1), 0);
        assert_int_equal(delete_group(&s, group, 1), 0x1394);
        assert_int_equal(simple(&s, "ApiGetGroupState", "hGroup", group), 0x1394);
        assert_int_equal(simple(&s, "ApiGetGroupId", "hGroup", group), 0x1394);
        assert_int_equal(rename_group(&s, group, "Three"), 0x1394);
        assert_int_equal(simple(&s, "ApiOnlineGroup", "hGroup", group), 0x1394);
        assert_int_equal(create_resource(&s, group, "S", "Generic Service", 0, gone), 0x1395);
        assert_int_equal(simple(&s, "ApiGetResourceState", "hResource", resource), 0x138e);
        assert_int_equal(simple(&s, "ApiOnlineResource", "hResource", resource), 0x138e);
        assert_int_equal(driver_close(s.link, "ApiCloseGroup", "Group", group), 0);
        assert_int_equal(driver_close(s.link, "ApiCloseResource", "Resource", resource), 0);
        driver_destroy(s.d);
    }
}

static void owner_of(struct scene *s, const uint8_t *group, char name[128]) {
    struct driver_call *call = with(s, "ApiGetGroupState", "hGroup", group);
    assert_int_equal(driver_run(call), 0);
    strncpy(name, driver_text_of(call, "NodeName"), 127);
    name[127] = '\0';
    driver_end(call);
}

static void test_move(void **state) {
    (void)state;
    struct scene s = begin(0);
    handle_octets group, node;
    char before[128], after[128];
    assert_true(cluster_count(s.d->cluster, CLUSTER_NODE) > 1);
    assert_int_equal(create_group(&s, "G", group), 0);
    owner_of(&s, group, before);
    assert_int_equal(simple(&s, "ApiMoveGroup", "hGroup", group), 0);
    owner_of(&s, group, after);
    assert_string_not_equal(before, after);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", before, node);
    assert_int_equal(pair(&s, "ApiMoveGroupToNode", "hGroup", group, "hNode", node), 0);
    owner_of(&s, group, after);
    assert_string_equal(before, after);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", after, node);
    assert_int_equal(simple(&s, "ApiPauseNode", "hNode", node), 0);
    assert_int_equal(state_of(&s, "ApiGetNodeState", "hNode", node), CLUSTER_NODE_PAUSED);
    assert_int_equal(simple(&s, "ApiMoveGroup", "hGroup", group), 0);
    assert_int_equal(pair(&s, "ApiMoveGroupToNode", "hGroup", group, "hNode", node), 70);
    assert_int_equal(simple(&s, "ApiResumeNode", "hNode", node), 0);
    assert_int_equal(state_of(&s, "ApiGetNodeState", "hNode", node), CLUSTER_NODE_UP);
    assert_int_equal(simple(&s, "ApiResumeNode", "hNode", node), 5058);
    driver_destroy(s.d);
}

static uint32_t prefer(struct scene *s, const uint8_t *group, const char *list, size_t units,
                       bool ended) {
    uint8_t octets[256];
    for (size_t i = 0; i < units; i++) {
        octets[2 * i + (s->link->order == CMRP_BIG_ENDIAN)] = (uint8_t)list[i];
        octets[2 * i + (s->link->order == CMRP_LITTLE_ENDIAN)] = 0;
    }
    if (!ended) {
        octets[2 * units - 2 + (s->link->order == CMRP_BIG_ENDIAN)] = 'x';
    }
    struct driver_call *call = with(s, "ApiSetGroupNodeList", "hGroup", group);
    driver_octets(call, "multiSzNodeList", octets, 2 * units);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void test_preferred(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct scene s = begin(v);
        handle_octets group;
        assert_int_equal(create_group(&s, "G", group), 0);
        struct cluster_object *object = cluster_find(s.d->cluster, CLUSTER_GROUP, "G");
        assert_int_equal(prefer(&s, group, "2\0\0", 3, true), 0);
        assert_string_equal(cluster_object_id(cluster_related(object, CLUSTER_PREFERRED, 0)), "2");
        // The others follow.
        assert_non_null(cluster_related(object, CLUSTER_PREFERRED,
                                        cluster_count(s.d->cluster, CLUSTER_NODE) - 1));
        assert_int_equal(prefer(&s, group, "2\0001\0\0", 5, true), 0);
        assert_string_equal(cluster_object_id(cluster_related(object, CLUSTER_PREFERRED, 1)), "1");
        assert_int_equal(prefer(&s, group, "2\0001\0\0", 5, false), 87);
        assert_int_equal(prefer(&s, group, "2\000777\0\0", 7, true), 668);
        assert_string_equal(cluster_object_id(cluster_related(object, CLUSTER_PREFERRED, 0)), "2");
        assert_int_equal(prefer(&s, group, "\0", 1, true), 0);
        assert_null(cluster_related(object, CLUSTER_PREFERRED, 0));
        driver_destroy(s.d);
    }
}

// ---- resources ----------------------------------------------------------------------------------

static void test_resource(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        struct scene s = begin(v);
        handle_octets group, other, resource, none;
        assert_int_equal(create_group(&s, "G", group), 0);
        assert_int_equal(create_group(&s, "H", other), 0);
        assert_int_equal(create_resource(&s, group, "R", "Generic Service", 1, resource), 0);
        assert_int_equal(create_resource(&s, group, "r", "Generic Service", 0, none), 0x1392);
        assert_int_equal(create_resource(&s, group, "S", "Generic Service", 2, none), 87);
        assert_int_equal(create_resource(&s, group, "S", "No such type", 0, none), 5078);
        struct driver_call *call = with(&s, "ApiGetResourceType", "hResource", resource);
        assert_int_equal(driver_run(call), 0);
        assert_string_equal(driver_text_of(call, "lpszResourceType"), "Generic Service");
        driver_end(call);
        assert_int_equal(state_of(&s, "ApiGetResourceState", "hResource", resource),
                         CLUSTER_RESOURCE_OFFLINE);
        assert_int_equal(simple(&s, "ApiFailResource", "hResource", resource), 0x139f);
        assert_int_equal(simple(&s, "ApiOnlineResource", "hResource", resource), 0);
        assert_int_equal(state_of(&s, "ApiGetResourceState", "hResource", resource),
                         CLUSTER_RESOURCE_ONLINE);
        assert_int_equal(simple(&s, "ApiDeleteResource", "hResource", resource), 0x139b);
        assert_int_equal(simple(&s, "ApiFailResource", "hResource", resource), 0);
        assert_int_equal(simple(&s, "ApiOfflineResource", "hResource", resource),
                         state_of(&s, "ApiGetResourceState", "hResource", resource) ==
                                 CLUSTER_RESOURCE_FAILED
                             ? 0x13ae
                             : 0);
        assert_int_equal(pair(&s, "ApiChangeResourceGroup", "hResource", resource, "hGroup", group),
                         183);
        call = with(&s, "ApiSetResourceName", "hResource", resource);
        driver_text(call, "lpszResourceName", "Another");
        assert_int_equal(driver_run(call), 0);
        driver_end(call);
        assert_non_null(cluster_find(s.d->cluster, CLUSTER_RESOURCE, "another"));
        driver_destroy(s.d);
    }
}

static void expression_of(struct scene *s, const uint8_t *resource, const char *expected) {
    struct driver_call *call = with(s, "ApiGetResourceDependencyExpression", "hResource", resource);
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(driver_text_of(call, "lpszDependencyExpression"), expected);
    driver_end(call);
}

static void test_dependency(void **state) {
    (void)state;
    struct scene s = begin(1);
    handle_octets group, a, b, c;
    assert_int_equal(create_group(&s, "G", group), 0);
    assert_int_equal(create_resource(&s, group, "A", "Generic Service", 0, a), 0);
    assert_int_equal(create_resource(&s, group, "B", "IP Address", 0, b), 0);
    assert_int_equal(create_resource(&s, group, "C", "Network Name", 0, c), 0);
    expression_of(&s, a, "");
    static const char can[] = "ApiCanResourceBeDependent", add[] = "ApiAddResourceDependency",
                      on[] = "hDependsOn", to[] = "hResourceDependent";
    assert_int_equal(pair(&s, can, "hResource", a, to, b), 0);
    assert_int_equal(pair(&s, can, "hResource", a, to, a), 87);
    assert_int_equal(pair(&s, add, "hResource", a, on, b), 0);
    assert_int_equal(pair(&s, add, "hResource", a, on, b), 0x138b);
    assert_int_equal(pair(&s, can, "hResource", a, to, b), 0x138b);
    assert_int_equal(pair(&s, add, "hResource", b, on, c), 0);
    assert_int_equal(pair(&s, add, "hResource", c, on, a), 0x423);
    assert_int_equal(pair(&s, can, "hResource", c, to, a), 0x423);
    char expected[128];
    snprintf(expected, sizeof expected, "([%s])",
             cluster_object_id(cluster_find(s.d->cluster, CLUSTER_RESOURCE, "B")));
    expression_of(&s, a, expected);
    struct driver_call *call = with(&s, "ApiGetResourceNetworkName", "hResource", a);
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(driver_text_of(call, "lpszName"), "C");
    driver_end(call);
    call = with(&s, "ApiGetResourceNetworkName", "hResource", c);
    assert_int_equal(driver_run(call), 0); // chains start with the resource itself
    driver_end(call);
    assert_int_equal(simple(&s, "ApiDeleteResource", "hResource", b), 0x1389);
    assert_int_equal(pair(&s, "ApiRemoveResourceDependency", "hResource", a, on, b), 0);
    assert_int_equal(pair(&s, "ApiRemoveResourceDependency", "hResource", a, on, b), 0x138a);
    assert_int_equal(simple(&s, "ApiGetResourceNetworkName", "hResource", a), 0x138a);
    expression_of(&s, a, "");
    driver_destroy(s.d);
}

// Layers of two resources that need both of the next layer: as many ways as none could go.
static void test_dependency_ways(void **state) {
    (void)state;
    enum { LAYERS = 48 };
    struct scene s = begin(0);
    handle_octets group, above[2], now[2], top;
    assert_int_equal(create_group(&s, "G", group), 0);
    assert_int_equal(create_resource(&s, group, "Top", "Generic Service", 0, top), 0);
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < 2; i++) {
            char name[32];
            snprintf(name, sizeof name, "%d.%d", layer, i);
            assert_int_equal(create_resource(&s, group, name, "Generic Service", 0, now[i]), 0);
            for (int k = 0; k < 2 && layer > 0; k++) {
                assert_int_equal(pair(&s, "ApiAddResourceDependency", "hResource", now[i],
                                      "hDependsOn", above[k]),
                                 0);
            }
        }
        memcpy(above, now, sizeof above);
    }
    assert_int_equal(
        pair(&s, "ApiCanResourceBeDependent", "hResource", top, "hResourceDependent", above[0]), 0);
    assert_int_equal(simple(&s, "ApiGetResourceNetworkName", "hResource", above[0]), 0x138a);
    driver_destroy(s.d);
}

// A node that is gone has its own code where the method's table has one.
static void test_evicted_node(void **state) {
    (void)state;
    struct scene s = begin(0);
    handle_octets group, resource, node;
    assert_int_equal(create_group(&s, "G", group), 0);
    assert_int_equal(create_resource(&s, group, "R", "Generic Service", 0, resource), 0);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE3", node);
    assert_int_equal(simple(&s, "ApiEvictNode", "hNode", node), 0);
    assert_int_equal(pair(&s, "ApiMoveGroupToNode", "hGroup", group, "hNode", node), 0x13b2);
    assert_int_equal(pair(&s, "ApiRemoveResourceNode", "hResource", resource, "hNode", node),
                     0x13b2);
    assert_int_equal(simple(&s, "ApiDeleteResource", "hResource", resource), 0);
    assert_int_equal(delete_group(&s, group, 0), 0);
    assert_int_equal(pair(&s, "ApiMoveGroupToNode", "hGroup", group, "hNode", node), 0x1394);
    assert_int_equal(pair(&s, "ApiRemoveResourceNode", "hResource", resource, "hNode", node),
                     0x138e);
    driver_destroy(s.d);
}

static void test_interface(void **state) {
    (void)state;
    struct scene s = begin(0);
    struct cluster_object *interface = cluster_next(s.d->cluster, CLUSTER_NETINTERFACE, NULL);
    const char *node = cluster_object_name(cluster_object_parent(interface));
    const char *network = cluster_object_name(cluster_object_type(interface));
    const struct {
        const char *node, *network, *interface;
        uint32_t status;
    } steps[] = {
        {node, network, cluster_object_name(interface), 0},
        {"no such node", network, NULL, 0x13b2},
        {node, "no such network", NULL, 0x13b7},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!service_serves(s.d->service, 95)) {
            break; // the codec does not describe it
        }
        struct driver_call *call = driver_begin(s.link, "ApiGetNetInterface");
        driver_text(call, "lpszNodeName", steps[i].node);
        driver_text(call, "lpszNetworkName", steps[i].network);
        assert_int_equal(driver_run(call), steps[i].status);
        if (steps[i].interface == NULL) {
            driver_expect_nothing(call, NULL);
        } else {
            assert_string_equal(driver_text_of(call, "lppszInterfaceName"), steps[i].interface);
        }
    }
    driver_destroy(s.d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster),      cmocka_unit_test(test_cluster_name),
        cmocka_unit_test(test_password),     cmocka_unit_test(test_quorum),
        cmocka_unit_test(test_objects),      cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_group),        cmocka_unit_test(test_move),
        cmocka_unit_test(test_preferred),    cmocka_unit_test(test_resource),
        cmocka_unit_test(test_dependency),   cmocka_unit_test(test_dependency_ways),
        cmocka_unit_test(test_evicted_node), cmocka_unit_test(test_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
