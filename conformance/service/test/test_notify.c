// SPDX-License-Identifier: Apache-2.0
// Notification ports through the methods: registration, blocking, both versions, both syntaxes.
#include <stdlib.h>
#include <string.h>

#include "cluster/port.h"
#include "cmrp/payload.h"
#include "service/test/driver.h"

typedef uint8_t handle_octets[CMRP_HANDLE_SIZE];

struct scene {
    struct driver *d;
    struct driver_link *link; // whose calls wait
    struct driver_link *other;
    handle_octets cluster, port;
};

static const cmrp_syntax syntaxes[] = {CMRP_NDR20, CMRP_NDR64};

static struct scene begin(cmrp_syntax syntax, unsigned version) {
    struct scene s = {.d = driver_create(NULL)};
    s.link = driver_connect(s.d, syntax, 0);
    s.other = driver_connect(s.d, syntax, s.link->group);
    driver_open(s.other, "ApiOpenCluster", NULL, NULL, s.cluster);
    driver_open(s.other, version == 1 ? "ApiCreateNotify" : "ApiCreateNotifyV2", NULL, NULL,
                s.port);
    return s;
}

static struct driver_call *get(struct scene *s, const char *method) {
    struct driver_call *call = driver_begin(s->link, method);
    driver_handle(call, "hNotify", s->port);
    driver_send(call);
    return call;
}

static struct cluster_object *find(struct scene *s, enum cluster_kind kind, const char *name) {
    struct cluster_object *object = cluster_find(s->d->cluster, kind, name);
    assert_non_null(object);
    return object;
}

// ---- registration -------------------------------------------------------------------------------

static uint32_t add_cluster(struct scene *s, uint32_t filter, uint32_t key) {
    struct driver_call *call = driver_begin(s->other, "ApiAddNotifyCluster");
    driver_handle(call, "hNotify", s->port);
    driver_handle(call, "hCluster", s->cluster);
    driver_number(call, "dwFilter", filter);
    driver_number(call, "dwNotifyKey", key);
    const uint32_t status = driver_run(call);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    return status;
}

struct adding {
    const char *add, *readd, *object;
    enum cluster_kind kind;
    const char *open, *name, *of;
    uint32_t filter; // *_STATE
};

static const struct adding addings[] = {
    {"ApiAddNotifyNode", "ApiReAddNotifyNode", "hNode", CLUSTER_NODE, "ApiOpenNode", "lpszNodeName",
     "NODE2", 0x1},
    {"ApiAddNotifyGroup", "ApiReAddNotifyGroup", "hGroup", CLUSTER_GROUP, "ApiOpenGroup",
     "lpszGroupName", "Web", 0x1000},
    {"ApiAddNotifyResource", "ApiReAddNotifyResource", "hResource", CLUSTER_RESOURCE,
     "ApiOpenResource", "lpszResourceName", "Web Service", 0x100},
    {"ApiAddNotifyNetwork", "ApiReAddNotifyNetwork", "hNetwork", CLUSTER_NETWORK, "ApiOpenNetwork",
     "lpszNetworkName", "Cluster Network 1", 0x100000},
    {"ApiAddNotifyNetInterface", "ApiReAddNotifyNetInterface", "hNetInterface",
     CLUSTER_NETINTERFACE, "ApiOpenNetInterface", "lpszNetInterfaceName", "NODE2 - Ethernet 1",
     0x1000000},
};
enum { ADDINGS = sizeof addings / sizeof addings[0] };

static uint32_t add(struct scene *s, const struct adding *a, bool again, const uint8_t *object,
                    uint32_t filter, uint32_t key, uint32_t *sequence) {
    struct driver_call *call = driver_begin(s->other, again ? a->readd : a->add);
    driver_handle(call, "hNotify", s->port);
    driver_handle(call, a->object, object);
    driver_number(call, "dwFilter", filter);
    driver_number(call, "dwNotifyKey", key);
    if (again) {
        driver_number(call, "StateSequence", *sequence);
    }
    const uint32_t status = driver_run(call);
    if (!again) {
        *sequence = (uint32_t)driver_number_of(call, "dwStateSequence");
    }
    driver_end(call);
    return status;
}

static void expect_one(struct driver_call *call, uint32_t key, uint32_t filter, uint32_t sequence,
                       const char *name) {
    assert_int_equal(driver_status(call), 0);
    assert_int_equal(driver_number_of(call, "dwNotifyKey"), key);
    assert_int_equal(driver_number_of(call, "dwFilter"), filter);
    assert_int_equal(driver_number_of(call, "dwStateSequence"), sequence);
    assert_string_equal(driver_text_of(call, "Name"), name);
    driver_end(call);
}

// A state that the object has not, but may have.
static void change_state(struct scene *s, struct cluster_object *object) {
    struct cluster *c = s->d->cluster;
    switch (cluster_object_kind(object)) {
    case CLUSTER_NODE: assert_int_equal(cluster_node_pause(object, true), 0); break;
    case CLUSTER_GROUP:
        assert_int_equal(
            cluster_set_state(find(s, CLUSTER_RESOURCE, "Web Name"), CLUSTER_RESOURCE_FAILED), 0);
        break;
    case CLUSTER_RESOURCE:
        assert_int_equal(cluster_set_state(object, CLUSTER_RESOURCE_ONLINE_PENDING), 0);
        break;
    default:
        assert_int_equal(cluster_set_state(cluster_find(c, CLUSTER_NETWORK, "Cluster Network 1"),
                                           CLUSTER_NETWORK_DOWN),
                         0);
    }
}

static void test_add_object(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * ADDINGS; i++) {
        const struct adding *a = &addings[i / 2];
        struct scene s = begin(syntaxes[i % 2], 1);
        struct cluster_object *object = find(&s, a->kind, a->of);
        handle_octets handle;
        uint32_t sequence = 77, old;
        driver_open(s.other, a->open, a->name, a->of, handle);
        assert_int_equal(add(&s, a, false, handle, a->filter << 4, 1, &sequence), 87);
        assert_int_equal(sequence, 0);
        assert_int_equal(add(&s, a, false, handle, 0, 1, &sequence), 87);
        change_state(&s, object); // nothing is told before the first filter
        assert_int_equal(add(&s, a, false, handle, a->filter, 0xfffffffe, &sequence), 0);
        assert_int_equal(sequence, cluster_object_sequence(object));
        assert_int_not_equal(sequence, 0);
        struct driver_call *call = get(&s, "ApiGetNotify");
        assert_false(driver_answered(call));
        old = sequence - 1;
        assert_int_equal(add(&s, a, true, handle, a->filter, 5, &sequence), 0);
        assert_false(driver_answered(call));
        assert_int_equal(add(&s, a, true, handle, a->filter, 6, &old), 0);
        assert_true(driver_answered(call));
        expect_one(call, 6, a->filter, sequence, a->of);
        driver_destroy(s.d);
    }
}

static void test_add_cluster(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 1);
    assert_int_equal(add_cluster(&s, 0, 1), 87);
    assert_int_equal(add_cluster(&s, 0x80000, 1), 87);
    assert_int_equal(add_cluster(&s, 0x20000000, 1), 87);
    assert_int_equal(add_cluster(&s, 0x80000000, 1), 87);
    assert_int_equal(add_cluster(&s, 0x5ff7ffff, 1), 0);
    struct driver_call *call = get(&s, "ApiGetNotify");
    assert_int_equal(cluster_rename(s.d->cluster, "RENAMED"), 0);
    expect_one(call, 1, 0x40, 0, ""); // the value ClusterName of the root key
    expect_one(get(&s, "ApiGetNotify"), 1, 0x40000000, 0, "RENAMED");
    driver_destroy(s.d);
}

// [4.3]: a group is deleted while a retrieval waits since before the first filter.
static void test_example(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 1);
    handle_octets resource;
    uint32_t sequence;
    struct cluster_object *group;
    struct cluster_object *service = find(&s, CLUSTER_RESOURCE, "Web Service");
    assert_int_equal(cluster_group_create(s.d->cluster, "Group1", &group), 0);
    driver_open(s.other, "ApiOpenResource", "lpszResourceName", "Web Service", resource);
    struct driver_call *call = get(&s, "ApiGetNotify");
    assert_int_equal(add_cluster(&s, 0x6000, 1), 0);
    assert_int_equal(add(&s, &addings[2], false, resource, 0x100, 2, &sequence), 0);
    assert_false(driver_answered(call));
    assert_int_equal(cluster_delete(group, false), 0);
    cluster_release(group);
    expect_one(call, 1, 0x2000, 0, "Group1");
    call = get(&s, "ApiGetNotify");
    assert_int_equal(cluster_offline(service), 0);
    expect_one(call, 2, 0x100, sequence + 1, "Web Service");
    expect_one(get(&s, "ApiGetNotify"), 2, 0x100, sequence + 2, "Web Service");
    call = get(&s, "ApiGetNotify");
    assert_int_equal(cluster_online(service), 0);
    expect_one(call, 2, 0x100, sequence + 3, "Web Service");
    expect_one(get(&s, "ApiGetNotify"), 2, 0x100, sequence + 4, "Web Service");
    driver_destroy(s.d);
}

static void test_add_key(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 1);
    static const uint32_t filters[] = {0x80, 0, 0x70};
    static const uint32_t expected[] = {87, 87, 0};
    handle_octets key;
    struct registry_key *root, *made;
    bool created;
    driver_open_key(s.other, "Groups", key);
    for (size_t i = 0; i < 3; i++) {
        struct driver_call *call = driver_begin(s.other, "ApiAddNotifyKey");
        driver_handle(call, "hNotify", s.port);
        driver_handle(call, "hKey", key);
        driver_number(call, "Filter", filters[i]);
        driver_number(call, "dwNotifyKey", 3);
        driver_number(call, "WatchSubTree", 1);
        assert_int_equal(driver_run(call), expected[i]);
        driver_end(call);
    }
    struct driver_call *call = get(&s, "ApiGetNotify");
    assert_int_equal(registry_root(cluster_registry(s.d->cluster), &root), 0);
    assert_int_equal(registry_key_create(root, "Groups\\A", NULL, &created, &made), 0);
    registry_key_release(made);
    registry_key_release(root);
    expect_one(call, 3, 0x10, 0, "A");
    driver_destroy(s.d);
}

// ---- version 1, several at once -----------------------------------------------------------------

static void test_async(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct scene s = begin(syntaxes[v], 1);
        assert_int_equal(add_cluster(&s, 0x100, 9), 0);
        assert_int_equal(cluster_offline(find(&s, CLUSTER_RESOURCE, "Web Name")), 0);
        struct driver_call *call = get(&s, "ApiGetNotifyAsync");
        assert_int_equal(driver_status(call), 0);
        assert_int_equal(driver_number_of(call, "dwNumNotifications"), 4);
        static const char *const names[] = {"Web Service", "Web Name", "Web Service", "Web Name"};
        cmrp_rows rows = driver_slot(call, "Notifications")->rows;
        cmrp_slot members[CMRP_MAX_PARAMS];
        for (size_t i = 0; i < 4; i++) {
            assert_true(cmrp_rows_next(&rows, members));
            assert_int_equal(members[0].value, 9);
            assert_int_equal(members[1].value, 0x100);
            assert_string_equal(driver_slot_text(call, &members[2]), names[i]);
        }
        driver_destroy(s.d);
    }
}

// ---- version 2 ----------------------------------------------------------------------------------

static uint32_t add_v2(struct scene *s, const uint8_t *object, uint32_t type, uint64_t flags,
                       uint32_t version, bool targeted) {
    struct driver_call *call = driver_begin(s->other, "ApiAddNotifyV2");
    driver_handle(call, "hNotify", s->port);
    driver_handle(call, "hObject", object);
    driver_member(call, "filter", "dwObjectType")->value = type;
    driver_member(call, "filter", "FilterFlags")->value = flags;
    driver_number(call, "dwNotifyKey", 0x80000001);
    driver_number(call, "dwVersion", version);
    driver_number(call, "isTargetedAtObject", targeted);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void test_add_v2(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 2);
    handle_octets group, key;
    static const struct {
        uint32_t type;
        uint64_t flags;
        uint32_t version;
        bool targeted;
        char handle; // c cluster, g group, k key
        uint32_t status;
    } steps[] = {
        {1, 0x1ff4, 2, false, 'c', 0},
        {1, 0x1ff4, 2, true, 'c', 0},
        {1, 0x1ff4, 1, false, 'c', 87},
        {1, 0x1ff4, 3, false, 'c', 87},
        {1, 0x1, 2, false, 'c', 87},
        {1, 0x8, 2, false, 'c', 87},
        {1, 0x2000, 2, false, 'c', 87},
        {1, 0, 2, false, 'c', 87},
        {1, UINT64_C(1) << 40, 2, false, 'c', 87},
        {0, 1, 2, false, 'c', 87},
        {14, 1, 2, false, 'c', 87},
        {0x10001, 1, 2, false, 'c', 87},
        {2, 0x1ff, 2, false, 'c', 0},
        {2, 0x1ff, 2, true, 'g', 0},
        {2, 0x200, 2, true, 'g', 87},
        {2, 0x1ff, 2, true, 'c', 6},
        {3, 0x1ff, 2, true, 'g', 6},
        {3, 0x1ff, 2, false, 'g', 6},
        {8, 0xf, 2, true, 'k', 0},
        {8, 0xf, 2, false, 'c', 0},
        {8, 0x10, 2, true, 'k', 87},
        {8, 0xf, 2, true, 'g', 6},
        {2, 0x1ff, 2, true, 'k', 6},
        {9, 1, 2, true, 'c', 0},
        {10, 1, 2, false, 'c', 0},
        {4, 0x3f, 2, true, 'c', 0},
        {13, 0xff, 2, true, 'c', 6},
    };
    driver_open(s.other, "ApiOpenGroup", "lpszGroupName", "Web", group);
    driver_open_key(s.other, "Groups", key);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const uint8_t *handle = steps[i].handle == 'c'   ? s.cluster
                                : steps[i].handle == 'g' ? group
                                                         : key;
        const uint32_t status =
            add_v2(&s, handle, steps[i].type, steps[i].flags, steps[i].version, steps[i].targeted);
        if (status != steps[i].status) {
            fail_msg("step %zu: %u", i, (unsigned)status);
        }
    }
    driver_destroy(s.d);
}

// What is expected of one notification; buffer as text of hexadecimal digits.
struct expected {
    uint32_t type;
    uint64_t flag;
    const char *buffer, *id, *parent, *name, *kind;
};

static void expect_text(struct driver_call *call, const cmrp_slot *slot, const char *text) {
    assert_int_equal(slot->null, text == NULL);
    if (text != NULL) {
        assert_string_equal(driver_slot_text(call, slot), text);
    }
}

static void expect_v2(struct driver_call *call, const struct expected *list, size_t count) {
    assert_int_equal(driver_status(call), 0);
    assert_int_equal(driver_number_of(call, "dwNumNotifications"), count);
    cmrp_rows rows = driver_slot(call, "Notifications")->rows;
    cmrp_slot m[CMRP_MAX_PARAMS];
    for (size_t i = 0; i < count; i++) {
        const struct expected *e = &list[i];
        struct buffer hex = {0};
        assert_true(cmrp_rows_next(&rows, m));
        assert_int_equal(m[0].value, 0x80000001);
        assert_int_equal(m[1].value, e->type);
        assert_int_equal(m[2].value, e->flag);
        for (size_t k = 0; k < m[3].bytes.size; k++) {
            buffer_printf(&hex, "%02x", m[3].bytes.data[k]);
        }
        assert_string_equal(buffer_text(&hex), e->buffer);
        assert_int_equal(m[3].null, e->buffer[0] == '\0');
        expect_text(call, &m[5], e->id);
        expect_text(call, &m[6], e->parent);
        expect_text(call, &m[7], e->name);
        expect_text(call, &m[8], e->kind);
        buffer_free(&hex);
    }
    driver_end(call);
}

static void test_contents(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct scene s = begin(syntaxes[v], 2);
        struct cluster_object *group;
        for (uint32_t type = 1; type <= 9; type++) {
            const uint64_t mask =
                type == 8 ? 0 // the registry says more than is looked at here
                          : cmrp_change_registrable(cmrp_change_set_of_type(type), CMRP_SCOPE_V2);
            assert_int_equal(add_v2(&s, s.cluster, type, mask, 2, false), mask == 0 ? 87 : 0);
        }
        assert_int_equal(cluster_group_create(s.d->cluster, "G", &group), 0);
        const struct expected made[] = {
            {1, 0x4, "0f270000", cluster_object_id(group), "1", "G", ""}};
        expect_v2(get(&s, "ApiGetNotifyV2"), made, 1);

        struct cluster_object *node2 = find(&s, CLUSTER_NODE, "NODE2");
        assert_int_equal(cluster_group_move(group, node2), 0);
        char *id = util_format("%s", cluster_object_id(group));
        struct buffer hex = {0};
        for (const char *p = id; *p != '\0'; p++) {
            buffer_printf(&hex, "%02x00", *p);
        }
        buffer_printf(&hex, "0000");
        const struct expected moved[] = {
            {2, 0x10, "32000000", id, "2", "G", ""},
            {7, 0x40, buffer_text(&hex), "1", "", "NODE1", ""},
            {7, 0x20, buffer_text(&hex), "2", "", "NODE2", ""},
        };
        expect_v2(get(&s, "ApiGetNotifyV2"), moved, 3);

        const struct cluster_property p = {.name = "P", .is_number = true, .number = 7};
        assert_int_equal(cluster_set_property(s.d->cluster, group, false, &p), 0);
        const struct expected property[] = {{2, 0x2,
                                             "01000000"
                                             "03000400"
                                             "04000000"
                                             "50000000"
                                             "02000100"
                                             "04000000"
                                             "07000000"
                                             "00000000",
                                             id, "2", "G", ""}};
        expect_v2(get(&s, "ApiGetNotifyV2"), property, 1);

        assert_int_equal(cluster_set_quorum(s.d->cluster, NULL, "", 0), 0);
        const struct expected quorum[] = {{9, 1, "", "", NULL, "", NULL}};
        expect_v2(get(&s, "ApiGetNotifyV2"), quorum, 1);

        assert_int_equal(cluster_delete(group, false), 0);
        const struct expected deleted[] = {{2, 0x1, "", id, "2", "G", ""}};
        expect_v2(get(&s, "ApiGetNotifyV2"), deleted, 1);
        cluster_release(group);
        buffer_free(&hex);
        free(id);
        driver_destroy(s.d);
    }
}

static void test_membership(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 2);
    assert_int_equal(add_v2(&s, s.cluster, 1, 0x800, 2, false), 0);
    assert_int_equal(cluster_set_state(find(&s, CLUSTER_NODE, "NODE2"), CLUSTER_NODE_DOWN), 0);
    const struct expected expected[] = {{1, 0x800,
                                         "01"
                                         "02000000"
                                         "0103",
                                         "", "", "", ""}};
    expect_v2(get(&s, "ApiGetNotifyV2"), expected, 1);
    driver_destroy(s.d);
}

static uint32_t add_type(struct scene *s, uint64_t flags, const char *name, uint32_t version) {
    struct driver_call *call = driver_begin(s->other, "ApiAddNotifyResourceTypeV2");
    driver_handle(call, "hNotify", s->port);
    driver_number(call, "filter", flags);
    driver_number(call, "dwNotifyKey", 0x80000001);
    driver_text(call, "resTypeName", name);
    driver_number(call, "dwVersion", version);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void test_resource_type(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 2);
    assert_int_equal(add_type(&s, 0x40, "IP Address", 2), 87);
    assert_int_equal(add_type(&s, 0x1, "IP Address", 1), 87);
    assert_int_equal(add_type(&s, 0x1, "No such type", 2), 5078);
    assert_int_equal(add_type(&s, 0x1, "file server", 2), 0);
    assert_int_equal(cluster_delete(find(&s, CLUSTER_RESOURCE_TYPE, "Generic Application"), false),
                     0);
    assert_int_equal(cluster_delete(find(&s, CLUSTER_RESOURCE_TYPE, "File Server"), false), 0);
    const struct expected expected[] = {{4, 0x1, "", "", "", "File Server", ""}};
    expect_v2(get(&s, "ApiGetNotifyV2"), expected, 1);
    driver_destroy(s.d);
}

// ---- one answer's size --------------------------------------------------------------------------

static void test_large(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 2);
    struct cluster_object *group = find(&s, CLUSTER_GROUP, "Web");
    enum { EVENTS = 40, SIZE = 40000 };
    char *text = util_alloc(SIZE + 1);
    assert_int_equal(add_v2(&s, s.cluster, 2, 0x2, 2, false), 0);
    for (int i = 0; i < EVENTS; i++) {
        memset(text, 'a' + i % 26, SIZE);
        const struct cluster_property p = {.name = "Text", .text = text};
        assert_int_equal(cluster_set_property(s.d->cluster, group, false, &p), 0);
    }
    int seen = 0, calls = 0;
    while (seen < EVENTS) {
        struct driver_call *call = get(&s, "ApiGetNotifyV2");
        assert_int_equal(driver_status(call), 0);
        assert_true(call->answer.size < 4 << 20);
        cmrp_rows rows = driver_slot(call, "Notifications")->rows;
        cmrp_slot m[CMRP_MAX_PARAMS];
        while (cmrp_rows_next(&rows, m)) {
            assert_int_equal(m[3].bytes.data[m[3].bytes.size - 10], 'a' + seen % 26);
            seen++;
        }
        calls++;
        driver_end(call);
    }
    assert_int_equal(seen, EVENTS);
    assert_true(calls > 2);
    free(text);
    driver_destroy(s.d);
}

// ---- blocked calls ------------------------------------------------------------------------------

static const struct getter {
    const char *method;
    unsigned version;
} getters[] = {{"ApiGetNotify", 1}, {"ApiGetNotifyAsync", 1}, {"ApiGetNotifyV2", 2}};

static void test_unblock(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene s = begin(syntaxes[i % 2], getters[i].version);
        struct driver_call *one = get(&s, getters[i].method), *two = get(&s, getters[i].method);
        struct driver_call *unblock = driver_begin(s.other, "ApiUnblockGetNotifyCall");
        driver_handle(unblock, "hNotify", s.port);
        assert_int_equal(driver_run(unblock), 0);
        assert_int_equal(driver_status(one), 1);
        assert_int_equal(driver_status(two), 1);
        driver_expect_nothing(one, NULL);
        driver_expect_nothing(two, NULL);
        struct driver_call *three = get(&s, getters[i].method); // that is not for ever
        assert_false(driver_answered(three));
        assert_int_equal(service_counters(s.d->service)->blocked, 1);
        assert_int_equal(driver_close(s.other, "ApiCloseNotify", "Notify", s.port), 0);
        assert_true(driver_is_null(s.port));
        assert_int_equal(driver_status(three), 1);
        assert_int_equal(service_counters(s.d->service)->blocked, 0);
        driver_destroy(s.d);
    }
}

static void test_wrong_version(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene s = begin(CMRP_NDR20, 3 - getters[i].version);
        struct driver_call *call = get(&s, getters[i].method);
        assert_int_equal(driver_status(call), 6);
        driver_expect_nothing(call, NULL);
        if (getters[i].version == 2) {
            assert_int_equal(add_v2(&s, s.cluster, 1, 0x4, 2, false), 6);
            assert_int_equal(add_type(&s, 0x1, "IP Address", 2), 6);
        } else {
            assert_int_equal(add_cluster(&s, 0x1000, 1), 6);
        }
        driver_destroy(s.d);
    }
}

static void test_wrong_handle(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20, 1);
    struct driver_call *call = driver_begin(s.link, "ApiGetNotify");
    driver_handle(call, "hNotify", s.cluster);
    assert_int_equal(driver_run(call), 6);
    driver_expect_nothing(call, NULL);
    handle_octets none = {0};
    call = driver_begin(s.link, "ApiGetNotify");
    driver_handle(call, "hNotify", none);
    assert_int_equal(driver_fault(call), RPC_FAULT_CONTEXT_MISMATCH);
    driver_destroy(s.d);
}

static void test_cancel(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct scene s = begin(CMRP_NDR20, getters[i].version);
        struct driver_call *one = get(&s, getters[i].method), *two = get(&s, getters[i].method);
        driver_cancel(two, false);
        assert_int_equal(driver_status(two), 1223); // ERROR_CANCELLED
        driver_expect_nothing(two, NULL);
        assert_int_equal(service_counters(s.d->service)->blocked, 1);
        driver_cancel(one, true); // orphaned: never answered, and the end of the connection
        assert_false(driver_answered(one));
        assert_int_equal(service_counters(s.d->service)->blocked, 0);
        driver_disconnect(s.link);
        s.link = driver_connect(s.d, CMRP_NDR20, s.other->group);
        struct driver_call *three = get(&s, getters[i].method);
        assert_false(driver_answered(three));
        driver_disconnect(s.link); // dies while it waits
        assert_int_equal(service_counters(s.d->service)->blocked, 0);
        driver_disconnect(s.other);
        assert_int_equal(rpc_handles_open(s.d->server, NULL), 0);
        driver_destroy(s.d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_object),    cmocka_unit_test(test_add_cluster),
        cmocka_unit_test(test_example),       cmocka_unit_test(test_add_key),
        cmocka_unit_test(test_async),         cmocka_unit_test(test_add_v2),
        cmocka_unit_test(test_contents),      cmocka_unit_test(test_membership),
        cmocka_unit_test(test_resource_type), cmocka_unit_test(test_large),
        cmocka_unit_test(test_unblock),       cmocka_unit_test(test_wrong_version),
        cmocka_unit_test(test_wrong_handle),  cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
