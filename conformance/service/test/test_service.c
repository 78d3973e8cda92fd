// SPDX-License-Identifier: Apache-2.0
// What is alike for all methods: faults, handles, levels of access, the server state.
#include "service/test/driver.h"

#include <stdlib.h>

enum { GENERIC_READ_BIT = 31, GENERIC_ALL = 0x10000000, MAXIMUM_ALLOWED = 0x02000000 };
static const uint64_t GENERIC_READ = 1ull << GENERIC_READ_BIT;

static const struct variant {
    cmrp_syntax syntax;
    cmrp_order order;
} variants[] = {
    {CMRP_NDR20, CMRP_LITTLE_ENDIAN},
    {CMRP_NDR64, CMRP_LITTLE_ENDIAN},
    {CMRP_NDR20, CMRP_BIG_ENDIAN},
    {CMRP_NDR64, CMRP_BIG_ENDIAN},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static struct driver_link *connect_as(struct driver *d, size_t variant, uint32_t group) {
    struct driver_link *link = driver_connect(d, variants[variant].syntax, group);
    link->order = variants[variant].order;
    return link;
}

static const char *first(const struct driver *d, enum cluster_kind kind) {
    return cluster_object_name(cluster_next(d->cluster, kind, NULL));
}

static struct driver_call *begin_with(struct driver_link *link, const char *method,
                                      const char *param, const uint8_t *handle) {
    struct driver_call *call = driver_begin(link, method);
    driver_handle(call, param, handle);
    return call;
}

// Ends a call that must have this status and say nothing else.
static void expect_refused(struct driver_call *call, uint32_t status) {
    assert_int_equal(driver_run(call), status);
    driver_expect_nothing(call, NULL);
    driver_end(call);
}

static void expect_fault(struct driver_call *call, uint32_t status) {
    assert_int_equal(driver_fault(call), status);
    driver_end(call);
}

// ---- faults -------------------------------------------------------------------------------------

static void test_opnum(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    for (uint32_t opnum = 0; opnum < 300; opnum++) {
        if (service_serves(d->service, opnum)) {
            continue;
        }
        struct driver_call *call = driver_begin(link, "ApiGetClusterName");
        cmrp_method other = *call->method;
        other.opnum = opnum;
        call->method = &other;
        expect_fault(call, RPC_FAULT_OP_RANGE);
    }
    assert_true(service_serves(d->service, 3));
    assert_true(service_method_count(d->service) > 50);
    driver_destroy(d);
}

// Every cut of a stub is refused, what stands behind it is not looked at.
static void test_stub(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    const char *name = first(d, CLUSTER_GROUP);
    for (size_t v = 0; v < VARIANTS; v++) {
        struct driver_link *link = connect_as(d, v, 0);
        struct driver_call *call = driver_begin(link, "ApiOpenGroup");
        driver_text(call, "lpszGroupName", name);
        assert_int_equal(driver_run(call), 0);
        const size_t size = call->stub.size;
        for (size_t cut = 0; cut < size; cut++) {
            struct driver_call *less = driver_begin(link, "ApiOpenGroup");
            driver_send_stub(less, call->stub.data, cut);
            expect_fault(less, RPC_FAULT_BAD_STUB_DATA);
        }
        struct driver_call *more = driver_begin(link, "ApiOpenGroup");
        buffer_append(&more->stub, call->stub.data, size);
        buffer_append(&more->stub, "surplus.", 8);
        driver_send_stub(more, more->stub.data, more->stub.size);
        assert_int_equal(driver_status(more), 0);
    }
    assert_non_null(strstr(buffer_text(&d->log), "ApiOpenGroup, request stub: "));
    assert_non_null(strstr(buffer_text(&d->log), "lpszGroupName"));
    driver_destroy(d);
}

// ---- handles ------------------------------------------------------------------------------------

static void test_foreign_handle(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    uint8_t group[CMRP_HANDLE_SIZE], other[CMRP_HANDLE_SIZE] = {0};
    for (size_t v = 0; v < VARIANTS; v++) {
        struct driver_link *one = connect_as(d, v, 0);
        struct driver_link *two = connect_as(d, v, 0);
        struct driver_link *mate = connect_as(d, v, one->group);
        driver_open(one, "ApiOpenGroup", "lpszGroupName", first(d, CLUSTER_GROUP), group);
        expect_fault(begin_with(two, "ApiGetGroupState", "hGroup", group),
                     RPC_FAULT_CONTEXT_MISMATCH);
        expect_fault(begin_with(two, "ApiCloseGroup", "Group", group), RPC_FAULT_CONTEXT_MISMATCH);
        struct driver_call *call = begin_with(mate, "ApiGetGroupState", "hGroup", group);
        assert_int_equal(driver_run(call), 0);
        memset(other, 0, sizeof other);
        expect_fault(begin_with(one, "ApiGetGroupState", "hGroup", other),
                     RPC_FAULT_CONTEXT_MISMATCH);
        memcpy(other, group, sizeof other);
        other[19] ^= 1;
        expect_fault(begin_with(one, "ApiGetGroupState", "hGroup", other),
                     RPC_FAULT_CONTEXT_MISMATCH);
        memcpy(other, group, sizeof other);
        assert_int_equal(driver_close(mate, "ApiCloseGroup", "Group", other), 0);
        assert_true(driver_is_null(other));
        expect_fault(begin_with(one, "ApiGetGroupState", "hGroup", group),
                     RPC_FAULT_CONTEXT_MISMATCH);
    }
    driver_destroy(d);
}

static void test_wrong_kind(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    for (size_t v = 0; v < VARIANTS; v++) {
        uint8_t cluster[CMRP_HANDLE_SIZE], group[CMRP_HANDLE_SIZE], given[CMRP_HANDLE_SIZE];
        struct driver_link *link = connect_as(d, v, 0);
        driver_open(link, "ApiOpenCluster", NULL, NULL, cluster);
        driver_open(link, "ApiOpenGroup", "lpszGroupName", first(d, CLUSTER_GROUP), group);
        expect_refused(begin_with(link, "ApiGetGroupState", "hGroup", cluster), 6);
        expect_refused(begin_with(link, "ApiGetResourceState", "hResource", group), 6);
        expect_refused(begin_with(link, "ApiGetNodeId", "hNode", group), 6);
        struct driver_call *call = begin_with(link, "ApiMoveGroupToNode", "hGroup", group);
        driver_handle(call, "hNode", group);
        expect_refused(call, 6);
        call = begin_with(link, "ApiCreateResource", "hGroup", cluster);
        driver_text(call, "lpszResourceName", "R");
        driver_text(call, "lpszResourceType", "Generic Service");
        expect_refused(call, 6);
        memcpy(given, group, sizeof given);
        assert_int_equal(driver_close(link, "ApiCloseCluster", "Cluster", given), 6);
        assert_memory_equal(given, group, sizeof given); // it is still open, and still the client's
        assert_int_equal(driver_close(link, "ApiCloseGroup", "Group", given), 0);
        assert_true(driver_is_null(given));
    }
    driver_destroy(d);
}

static void test_rundown(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    struct driver_link *mate = connect_as(d, 1, link->group);
    uint8_t handle[CMRP_HANDLE_SIZE];
    for (unsigned n = 0; n < 100; n++) {
        driver_open(n % 2 == 0 ? link : mate, "ApiOpenGroup", "lpszGroupName",
                    first(d, CLUSTER_GROUP), handle);
    }
    driver_open(mate, "ApiOpenNode", "lpszNodeName", first(d, CLUSTER_NODE), handle);
    assert_int_equal(rpc_handles_open(d->server, &service_kinds[SERVICE_HGROUP]), 100);
    driver_disconnect(link);
    assert_int_equal(rpc_handles_open(d->server, NULL), 101);
    driver_disconnect(mate);
    assert_int_equal(rpc_handles_open(d->server, NULL), 0);
    driver_destroy(d);
}

static void test_too_many_handles(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    uint32_t status = 0;
    size_t opened = 0;
    while (status == 0 && opened < 1 << 20) {
        struct driver_call *call = driver_begin(link, "ApiOpenCluster");
        status = driver_run(call);
        opened += status == 0;
        assert_int_equal(driver_is_null(driver_handle_of(call, "return")), status != 0);
        driver_end(call);
    }
    assert_int_equal(status, 1450);
    assert_int_equal(rpc_handles_open(d->server, NULL), opened);
    struct driver_call *create = driver_begin(link, "ApiCreateGroup"); // makes no group, either
    driver_text(create, "lpszGroupName", "No handle");
    expect_refused(create, 1450);
    assert_null(cluster_find(d->cluster, CLUSTER_GROUP, "No handle"));
    driver_destroy(d);
}

// ---- access -------------------------------------------------------------------------------------

struct grant {
    uint64_t desired;
    enum service_access entitled;
    uint32_t status;
    uint64_t granted;
};

static const struct grant grants[] = {
    {0x00000001, SERVICE_ALL, 0, 0x80000000},  {0x80000000, SERVICE_ALL, 0, 0x80000000},
    {0x80000000, SERVICE_READ, 0, 0x80000000}, {0x80000000, SERVICE_READ_BACKUP, 0, 0x80000000},
    {0x00000003, SERVICE_ALL, 0, 0x10000000},  {0x10000000, SERVICE_ALL, 0, 0x10000000},
    {0x20000000, SERVICE_ALL, 0, 0x10000000},  {0x40000000, SERVICE_ALL, 0, 0x10000000},
    {0x80000002, SERVICE_ALL, 0, 0x10000000},  {0x02000000, SERVICE_ALL, 0, 0x10000000},
    {0x02000000, SERVICE_READ, 0, 0x80000000}, {0x02000000, SERVICE_NOTHING, 5, 0},
    {0x00000001, SERVICE_NOTHING, 5, 0},       {0x10000000, SERVICE_READ, 5, 0},
    {0x40000000, SERVICE_READ_BACKUP, 5, 0},   {0x12000000, SERVICE_READ, 5, 0},
    {0x00000002, SERVICE_ALL, 87, 0},          {0x00000002, SERVICE_READ, 87, 0},
    {0x00000000, SERVICE_ALL, 87, 0},
};

static void test_grant(void **state) {
    (void)state;
    static const char *const methods[][2] = {
        {"ApiOpenClusterEx", NULL},
        {"ApiOpenNodeEx", "lpszNodeName"},
        {"ApiOpenGroupEx", "lpszGroupName"},
        {"ApiOpenResourceEx", "lpszResourceName"},
        {"ApiOpenNetworkEx", "lpszNetworkName"},
        {"ApiOpenNetInterfaceEx", "lpszNetInterfaceName"},
    };
    static const enum cluster_kind kinds[] = {CLUSTER_NODE,    CLUSTER_NODE,
                                              CLUSTER_GROUP,   CLUSTER_RESOURCE,
                                              CLUSTER_NETWORK, CLUSTER_NETINTERFACE};
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
            d->entitled = grants[i].entitled;
            struct driver_call *call = driver_begin(link, methods[m][0]);
            if (methods[m][1] != NULL) {
                driver_text(call, methods[m][1], first(d, kinds[m]));
            }
            driver_number(call, "dwDesiredAccess", grants[i].desired);
            assert_int_equal(driver_run(call), grants[i].status);
            assert_int_equal(driver_number_of(call, "lpdwGrantedAccess"), grants[i].granted);
            assert_int_equal(driver_is_null(driver_handle_of(call, "return")),
                             grants[i].status != 0);
            driver_end(call);
        }
    }
    driver_destroy(d);
}

static void open_group_as(struct driver_link *link, uint64_t desired,
                          uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct driver_call *call = driver_begin(link, "ApiOpenGroupEx");
    driver_text(call, "lpszGroupName", first(link->driver, CLUSTER_GROUP));
    driver_number(call, "dwDesiredAccess", desired);
    assert_int_equal(driver_run(call), 0);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
}

static void test_level(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    uint8_t read[CMRP_HANDLE_SIZE], all[CMRP_HANDLE_SIZE], backup[CMRP_HANDLE_SIZE];
    open_group_as(link, GENERIC_READ, read);
    open_group_as(link, GENERIC_ALL, all);
    struct driver_call *call = begin_with(link, "ApiGetGroupState", "hGroup", read);
    assert_int_equal(driver_run(call), 0);
    driver_end(call);
    expect_refused(begin_with(link, "ApiOfflineGroup", "hGroup", read), 5);
    expect_refused(begin_with(link, "ApiMoveGroup", "hGroup", read), 5);
    call = begin_with(link, "ApiSetGroupName", "hGroup", read);
    driver_text(call, "lpszGroupName", "another");
    expect_refused(call, 5);
    // The level is the handle's, whatever the client may have become since.
    d->entitled = SERVICE_READ;
    call = begin_with(link, "ApiOfflineGroup", "hGroup", all);
    assert_int_equal(driver_run(call), 0);
    driver_end(call);
    // Without such a handle it is the client's.
    call = driver_begin(link, "ApiCreateGroup");
    driver_text(call, "lpszGroupName", "New");
    expect_refused(call, 5);
    expect_refused(driver_begin(link, "ApiOpenCluster"), 5);
    call = driver_begin(link, "ApiOpenGroup");
    driver_text(call, "lpszGroupName", first(d, CLUSTER_GROUP));
    expect_refused(call, 5);
    assert_int_equal(driver_run(driver_begin(link, "ApiGetClusterName")), 0);
    d->entitled = SERVICE_READ_BACKUP;
    open_group_as(link, GENERIC_READ, backup);
    call = begin_with(link, "ApiMoveGroup", "hGroup", backup);
    assert_int_equal(driver_run(call), 0);
    expect_refused(begin_with(link, "ApiOnlineGroup", "hGroup", backup), 5);
    d->entitled = SERVICE_NOTHING;
    expect_refused(driver_begin(link, "ApiGetClusterName"), 5);
    assert_int_equal(driver_close(link, "ApiCloseGroup", "Group", read), 0);
    driver_destroy(d);
}

static void test_server_state(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    uint8_t group[CMRP_HANDLE_SIZE];
    driver_open(link, "ApiOpenGroup", "lpszGroupName", first(d, CLUSTER_GROUP), group);
    service_set_state(d->service, SERVICE_STATE_READ_ONLY);
    assert_int_equal(driver_run(driver_begin(link, "ApiGetClusterName")), 0);
    assert_int_equal(driver_run(begin_with(link, "ApiGetGroupState", "hGroup", group)), 0);
    expect_refused(begin_with(link, "ApiOfflineGroup", "hGroup", group), 70);
    struct driver_call *call = driver_begin(link, "ApiCreateGroup");
    driver_text(call, "lpszGroupName", "New");
    expect_refused(call, 70);
    for (unsigned type = 1; type < 64; type++) { // nodes alone can be listed
        call = driver_begin(link, "ApiCreateEnum");
        driver_number(call, "dwType", type);
        assert_int_equal(driver_run(call), type == 1 ? 0 : 70);
        driver_end(call);
    }
    service_set_state(d->service, SERVICE_STATE_NONE);
    expect_refused(driver_begin(link, "ApiGetClusterName"), 70);
    expect_refused(begin_with(link, "ApiGetGroupState", "hGroup", group), 70);
    service_set_state(d->service, SERVICE_STATE_READ_WRITE);
    assert_int_equal(driver_run(begin_with(link, "ApiOfflineGroup", "hGroup", group)), 0);
    driver_destroy(d);
}

static void test_stop(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    uint8_t cluster[CMRP_HANDLE_SIZE], key[CMRP_HANDLE_SIZE], port[CMRP_HANDLE_SIZE];
    driver_open(link, "ApiOpenCluster", NULL, NULL, cluster);
    driver_open_key(link, "", key);
    struct driver_call *call = begin_with(link, "ApiCreateBatchPort", "hKey", key);
    assert_int_equal(driver_run(call), 0);
    memcpy(port, driver_handle_of(call, "phBatchPort"), CMRP_HANDLE_SIZE);
    struct driver_call *waiting[2] = {
        begin_with(link, "ApiGetBatchNotification", "hBatchNotify", port)};
    driver_send(waiting[0]); // call identifiers may only grow
    driver_open(link, "ApiCreateNotify", NULL, NULL, port);
    waiting[1] = begin_with(link, "ApiGetNotify", "hNotify", port);
    driver_send(waiting[1]);
    service_stop(d->service);
    expect_refused(driver_begin(link, "ApiGetClusterName"), 5073);
    rpc_server_run_down(d->server);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(driver_status(waiting[i]), 5073);
    }
    driver_destroy(d);
}

static void test_counters(void **state) {
    (void)state;
    struct driver *d = driver_create(NULL);
    struct driver_link *link = connect_as(d, 0, 0);
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(driver_run(driver_begin(link, "ApiGetClusterName")), 0);
    }
    struct driver_call *call = driver_begin(link, "ApiOpenGroup");
    driver_text(call, "lpszGroupName", "there is no such group");
    expect_refused(call, CLUSTER_ERROR_GROUP_NOT_FOUND);
    const uint8_t null[CMRP_HANDLE_SIZE] = {0};
    expect_fault(begin_with(link, "ApiGetGroupState", "hGroup", null), RPC_FAULT_CONTEXT_MISMATCH);
    const struct service_counters *counters = service_counters(d->service);
    assert_int_equal(counters->calls[3], 3);
    assert_int_equal(counters->calls[41], 1);
    assert_int_equal(counters->calls[45], 1);
    assert_int_equal(counters->succeeded, 3);
    assert_int_equal(counters->failed, 1);
    assert_int_equal(counters->faulted, 1);
    assert_int_equal(counters->blocked, 0);
    driver_destroy(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opnum),          cmocka_unit_test(test_stub),
        cmocka_unit_test(test_foreign_handle), cmocka_unit_test(test_wrong_kind),
        cmocka_unit_test(test_rundown),        cmocka_unit_test(test_too_many_handles),
        cmocka_unit_test(test_grant),          cmocka_unit_test(test_level),
        cmocka_unit_test(test_server_state),   cmocka_unit_test(test_stop),
        cmocka_unit_test(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
