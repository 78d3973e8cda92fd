// SPDX-License-Identifier: Apache-2.0
// Opnums 28 to 40, each through the service under both syntaxes and both byte orders.
#include "service/test/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_READ = 0x20019,
    KEY_SET_VALUE = 2,
    KEY_CREATE_SUB_KEY = 4,
    KEY_ALL = 0xf003f,
    WRITE_DAC = 0x40000,
    MAXIMUM_ALLOWED = 0x02000000,
    GENERIC_WRITE = 0x40000000,
    GENERIC_ALL = 0x10000000,
    ACCESS_DENIED = 5,
    INVALID_HANDLE = 6,
    INVALID_PARAMETER = 87,
    INSUFFICIENT_BUFFER = 122,
    INVALID_NAME = 123,
    MORE_DATA = 234,
    NO_MORE_ITEMS = 259,
    KEY_DELETED = 1018,
    INVALID_SECURITY_DESCR = 1338,
};

static struct driver *d;
static struct driver_link *link_now;
static uint8_t root[CMRP_HANDLE_SIZE], key[CMRP_HANDLE_SIZE];

// ---- calls --------------------------------------------------------------------------------------

static struct driver_call *on_key(const char *method, const uint8_t *handle) {
    struct driver_call *call = driver_begin(link_now, method);
    driver_handle(call, "hKey", handle);
    return call;
}

// Ends a call that must have this status and say nothing else but `except`.
static void expect_refused(struct driver_call *call, uint32_t status, const char *except) {
    assert_int_equal(driver_run(call), status);
    driver_expect_nothing(call, except);
    driver_end(call);
}

static uint32_t open_as(const char *method, const uint8_t *parent, const char *path, uint32_t sam,
                        uint8_t *handle, uint32_t *disposition) {
    struct driver_call *call = on_key(method, parent);
    driver_text(call, "lpSubKey", path);
    driver_number(call, "samDesired", sam);
    const uint32_t status = driver_run(call);
    assert_int_equal(driver_is_null(driver_handle_of(call, "return")), status != 0);
    if (disposition != NULL) {
        *disposition = (uint32_t)driver_number_of(call, "lpdwDisposition");
    }
    if (status != 0) {
        driver_expect_nothing(call, NULL);
    } else if (handle != NULL) {
        memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    }
    driver_end(call);
    return status;
}

static uint32_t create(const char *path, uint8_t *handle, uint32_t *disposition) {
    return open_as("ApiCreateKey", root, path, MAXIMUM_ALLOWED, handle, disposition);
}

static uint32_t set_value(const uint8_t *handle, const char *name, uint32_t type, const void *data,
                          size_t size) {
    struct driver_call *call = on_key("ApiSetValue", handle);
    driver_text(call, "lpValueName", name);
    driver_number(call, "dwType", type);
    driver_octets(call, "lpData", data, size);
    const uint32_t status = driver_run(call);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    return status;
}

static uint32_t named(const char *method, const uint8_t *handle, const char *param,
                      const char *name) {
    struct driver_call *call = on_key(method, handle);
    driver_text(call, param, name);
    const uint32_t status = driver_run(call);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    return status;
}

static struct driver_call *query(const uint8_t *handle, const char *name, size_t room) {
    struct driver_call *call = on_key("ApiQueryValue", handle);
    driver_text(call, "lpValueName", name);
    driver_number(call, "cbData", room);
    return call;
}

static uint32_t close_key(uint8_t *handle) {
    return driver_close(link_now, "ApiCloseKey", "pKey", handle);
}

// ---- every test, four times ---------------------------------------------------------------------

static void four_times(void (*test)(void)) {
    static const struct {
        cmrp_syntax syntax;
        cmrp_order order;
    } variants[] = {{CMRP_NDR20, CMRP_LITTLE_ENDIAN},
                    {CMRP_NDR64, CMRP_LITTLE_ENDIAN},
                    {CMRP_NDR20, CMRP_BIG_ENDIAN},
                    {CMRP_NDR64, CMRP_BIG_ENDIAN}};
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        d = driver_create(NULL);
        link_now = driver_connect(d, variants[i].syntax, 0);
        link_now->order = variants[i].order;
        driver_open_key(link_now, "", root);
        assert_int_equal(create("Test", key, NULL), 0);
        test();
        driver_destroy(d);
    }
}

#define TEST(name)                                                                                 \
    static void name##_once(void);                                                                 \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        four_times(name##_once);                                                                   \
    }                                                                                              \
    static void name##_once(void)

TEST(keys_are_created_opened_and_deleted) {
    uint8_t handle[CMRP_HANDLE_SIZE], again[CMRP_HANDLE_SIZE];
    uint32_t disposition;
    assert_int_equal(create("Test\\a\xc3\xa9\xed\xa0\x80\\b", handle, &disposition), 0);
    assert_int_equal(disposition, 1);
    assert_int_equal(create("TEST\\A\xc3\x89\xed\xa0\x80\\B", again, &disposition), 0);
    assert_int_equal(disposition, 2);
    assert_int_not_equal(memcmp(handle, again, sizeof handle), 0); // handles of their own
    assert_int_equal(open_as("ApiOpenKey", handle, "", KEY_READ, again, NULL), 0);
    assert_int_equal(open_as("ApiCreateKey", handle, "", KEY_READ, again, &disposition), 0);
    assert_int_equal(disposition, 2);
    assert_int_equal(open_as("ApiOpenKey", root, "None", KEY_READ, NULL, NULL), 2);
    assert_int_equal(open_as("ApiOpenKey", root, "\\Test", KEY_READ, NULL, NULL), INVALID_NAME);
    assert_int_equal(create("\\Test", NULL, &disposition), INVALID_NAME);
    assert_int_equal(disposition, 0);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", "Test"), ACCESS_DENIED);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", "None"), 2);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", ""), INVALID_PARAMETER);
    assert_int_equal(named("ApiDeleteKey", key, "lpSubKey", "a\xc3\xa9\xed\xa0\x80\\b"), 0);
    assert_int_equal(named("ApiDeleteKey", key, "lpSubKey", "a\xc3\xa9\xed\xa0\x80"), 0);
    // The handles of what is deleted stay, and say so.
    assert_int_equal(open_as("ApiOpenKey", handle, "", KEY_READ, NULL, NULL), KEY_DELETED);
    assert_int_equal(set_value(handle, "v", 1, "x", 1), KEY_DELETED);
    assert_int_equal(close_key(handle), 0);
    assert_true(driver_is_null(handle));
}

TEST(keys_are_enumerated) {
    static const char *const names[] = {"a", "B", "\xc3\xa9\xed\xa0\x80"};
    for (int i = 2; i >= 0; i--) {
        assert_int_equal(open_as("ApiCreateKey", key, names[i], KEY_ALL, NULL, NULL), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct driver_call *call = on_key("ApiEnumKey", key);
        driver_number(call, "dwIndex", i);
        assert_int_equal(driver_run(call), 0);
        assert_string_equal(driver_text_of(call, "KeyName"), names[i]);
        driver_end(call);
    }
    for (uint32_t i = 3; i != 2; i = i == 3 ? UINT32_MAX : 2) {
        struct driver_call *call = on_key("ApiEnumKey", key);
        driver_number(call, "dwIndex", i);
        expect_refused(call, NO_MORE_ITEMS, NULL);
    }
}

TEST(values_are_set_and_queried) {
    const uint8_t data[] = {1, 0, 0xff, 0x80, 5};
    assert_int_equal(set_value(key, "Name\xed\xb0\x80", 3, data, sizeof data), 0);
    assert_int_equal(set_value(key, "", 0, "", 0), 0);
    assert_int_equal(set_value(key, "bad", 5, data, sizeof data), INVALID_PARAMETER);
    static const size_t rooms[] = {5, 6, 100};
    for (size_t i = 0; i < 3; i++) {
        struct driver_call *call = query(key, "nAME\xed\xb0\x80", rooms[i]);
        assert_int_equal(driver_run(call), 0);
        assert_int_equal(driver_number_of(call, "lpValueType"), 3);
        assert_int_equal(driver_number_of(call, "lpcbRequired"), 5);
        const cmrp_slot *octets = driver_slot(call, "lpData");
        assert_int_equal(octets->bytes.size, rooms[i]); // all that the client has room for
        assert_memory_equal(octets->bytes.data, data, sizeof data);
        for (size_t k = sizeof data; k < rooms[i]; k++) {
            assert_int_equal(octets->bytes.data[k], 0);
        }
        driver_end(call);
    }
    struct driver_call *call = query(key, "", 0);
    assert_int_equal(driver_run(call), 0);
    assert_int_equal(driver_number_of(call, "lpcbRequired"), 0);
    driver_end(call);
}

TEST(too_little_room_for_a_value) {
    assert_int_equal(set_value(key, "v", 1, "1234567", 7), 0);
    for (size_t room = 0; room < 7; room++) {
        struct driver_call *call = query(key, "v", room);
        assert_int_equal(driver_run(call), MORE_DATA);
        assert_int_equal(driver_number_of(call, "lpcbRequired"), 7);
        assert_int_equal(driver_number_of(call, "lpValueType"), 0);
        const cmrp_slot *octets = driver_slot(call, "lpData");
        assert_int_equal(octets->bytes.size, room);
        for (size_t k = 0; k < room; k++) {
            assert_int_equal(octets->bytes.data[k], 0); // nothing of it
        }
        driver_end(call);
    }
    // Other refusals have the array too, whose size the client knows.
    struct driver_call *call = query(key, "none", 9);
    assert_int_equal(driver_run(call), 2);
    assert_int_equal(driver_slot(call, "lpData")->bytes.size, 9);
    assert_int_equal(driver_number_of(call, "lpcbRequired"), 0);
    driver_end(call);
    d->entitled = SERVICE_NOTHING;
    call = query(key, "v", 9);
    assert_int_equal(driver_run(call), ACCESS_DENIED);
    assert_int_equal(driver_slot(call, "lpData")->bytes.size, 9);
    driver_end(call);
    d->entitled = SERVICE_ALL;
    call = query(key, "v", UINT32_MAX); // more than any server gives
    assert_int_equal(driver_fault(call), RPC_FAULT_REMOTE_NO_MEMORY);
    driver_end(call);
}

TEST(values_are_deleted) {
    assert_int_equal(set_value(key, "v", 1, "x", 1), 0);
    assert_int_equal(named("ApiDeleteValue", key, "lpValueName", "V"), 0);
    assert_int_equal(named("ApiDeleteValue", key, "lpValueName", "V"), 2);
    struct driver_call *call = query(key, "v", 0);
    expect_refused(call, 2, NULL);
}

TEST(values_are_enumerated) {
    struct driver_call *call;
    assert_int_equal(set_value(key, "b", 4, "\1\2\3\4", 4), 0);
    assert_int_equal(set_value(key, "A\xc3\xa9", 1, "odd", 3), 0);
    for (uint32_t i = 0; i < 2; i++) {
        call = on_key("ApiEnumValue", key);
        driver_number(call, "dwIndex", i);
        driver_number(call, "lpcbData", 100);
        assert_int_equal(driver_run(call), 0);
        assert_string_equal(driver_text_of(call, "lpValueName"), i == 0 ? "A\xc3\xa9" : "b");
        assert_int_equal(driver_number_of(call, "lpType"), i == 0 ? 1 : 4);
        const size_t size = i == 0 ? 3 : 4;
        assert_int_equal(driver_number_of(call, "lpcbData"), size);
        assert_int_equal(driver_number_of(call, "TotalSize"), size);
        assert_int_equal(driver_slot(call, "lpData")->bytes.size, size);
        assert_memory_equal(driver_slot(call, "lpData")->bytes.data, i == 0 ? "odd" : "\1\2\3\4",
                            size);
        driver_end(call);
    }
    call = on_key("ApiEnumValue", key);
    driver_number(call, "dwIndex", 0);
    driver_number(call, "lpcbData", 2);
    assert_int_equal(driver_run(call), MORE_DATA);
    assert_int_equal(driver_number_of(call, "TotalSize"), 3);
    driver_expect_nothing(call, "TotalSize");
    driver_end(call);
    call = on_key("ApiEnumValue", key);
    driver_number(call, "dwIndex", 2);
    driver_number(call, "lpcbData", 100);
    expect_refused(call, NO_MORE_ITEMS, NULL);
}

TEST(what_is_told_of_a_key) {
    assert_int_equal(open_as("ApiCreateKey", key, "12345", KEY_ALL, NULL, NULL), 0);
    assert_int_equal(set_value(key, "123", 1, "1234567", 7), 0);
    assert_int_equal(set_value(key, "", 1, "12", 2), 0);
    struct driver_call *call = on_key("ApiQueryInfoKey", key);
    assert_int_equal(driver_run(call), 0);
    assert_int_equal(driver_number_of(call, "lpcSubKeys"), 1);
    assert_int_equal(driver_number_of(call, "lpcbMaxSubKeyLen"), 5);
    assert_int_equal(driver_number_of(call, "lpcValues"), 2);
    assert_int_equal(driver_number_of(call, "lpcbMaxValueNameLen"), 3);
    assert_int_equal(driver_number_of(call, "lpcbMaxValueLen"), 7);
    assert_int_equal(driver_number_of(call, "lpcbSecurityDescriptor"), 104);
    cmrp_slot members[CMRP_MAX_PARAMS];
    cmrp_rows rows = driver_slot(call, "lpftLastWriteTime")->rows;
    assert_true(cmrp_rows_next(&rows, members));
    assert_true(members[1].value > 0x01d00000); // after 2014
    driver_end(call);
}

// ---- rights -------------------------------------------------------------------------------------

static uint32_t root_as(uint32_t sam, uint8_t *handle) {
    struct driver_call *call = driver_begin(link_now, "ApiGetRootKey");
    driver_number(call, "samDesired", sam);
    const uint32_t status = driver_run(call);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    assert_int_equal(driver_is_null(handle), status != 0);
    driver_end(call);
    return status;
}

TEST(a_handle_changes_what_it_asked_for) {
    static const struct {
        uint32_t sam;
        bool values, keys, security;
    } cases[] = {
        {0, false, false, false},
        {KEY_READ, false, false, false},
        {KEY_SET_VALUE, true, false, false},
        {KEY_CREATE_SUB_KEY, false, true, false},
        {WRITE_DAC, false, false, true},
        {GENERIC_WRITE, true, true, false},
        {GENERIC_ALL, true, true, true},
        {KEY_ALL, true, true, true},
        {MAXIMUM_ALLOWED, true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t handle[CMRP_HANDLE_SIZE];
        char name[16];
        assert_int_equal(root_as(cases[i].sam, handle), 0);
        assert_int_equal(set_value(handle, "v", 1, "x", 1), cases[i].values ? 0 : ACCESS_DENIED);
        assert_int_equal(named("ApiDeleteValue", handle, "lpValueName", "v"),
                         cases[i].values ? 0 : ACCESS_DENIED);
        snprintf(name, sizeof name, "made%zu", i);
        assert_int_equal(open_as("ApiCreateKey", handle, name, KEY_READ, NULL, NULL),
                         cases[i].keys ? 0 : ACCESS_DENIED);
        // What is there is opened, not created.
        assert_int_equal(open_as("ApiCreateKey", handle, "Test", KEY_READ, NULL, NULL), 0);
        struct driver_call *call = on_key("ApiSetKeySecurity", handle);
        driver_number(call, "SecurityInformation", 4);
        static const uint8_t sd[20] = {1, 0, 0x04, 0x80}; // a DACL that allows everything
        cmrp_slot *octets = driver_member(call, "pRpcSecurityDescriptor", "lpSecurityDescriptor");
        octets->null = false;
        octets->bytes = (cmrp_view){sd, sizeof sd};
        driver_member(call, "pRpcSecurityDescriptor", "cbInSecurityDescriptor")->value = sizeof sd;
        assert_int_equal(driver_run(call), cases[i].security ? 0 : ACCESS_DENIED);
        driver_end(call);
    }
}

TEST(a_client_that_may_only_read) {
    uint8_t handle[CMRP_HANDLE_SIZE];
    static const uint32_t denied[] = {KEY_SET_VALUE, KEY_CREATE_SUB_KEY, KEY_ALL,   WRITE_DAC,
                                      GENERIC_ALL,   GENERIC_WRITE,      0x1000000, 0x10000};
    d->entitled = SERVICE_READ;
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        assert_int_equal(root_as(denied[i], handle), ACCESS_DENIED);
        assert_int_equal(open_as("ApiOpenKey", root, "Test", denied[i], NULL, NULL), ACCESS_DENIED);
    }
    assert_int_equal(root_as(KEY_READ, handle), 0);
    assert_int_equal(root_as(MAXIMUM_ALLOWED, handle), 0);
    assert_int_equal(set_value(handle, "v", 1, "x", 1), ACCESS_DENIED);
    assert_int_equal(set_value(key, "v", 1, "x", 1), ACCESS_DENIED); // now, not when it was opened
    assert_int_equal(create("new", NULL, NULL), ACCESS_DENIED);
    d->entitled = SERVICE_ALL;
    assert_int_equal(set_value(handle, "v", 1, "x", 1), ACCESS_DENIED); // what it could have then
    assert_int_equal(set_value(key, "v", 1, "x", 1), 0);
}

TEST(the_state_of_the_server) {
    service_set_state(d->service, SERVICE_STATE_READ_ONLY);
    assert_int_equal(set_value(key, "v", 1, "x", 1), 0x46);
    assert_int_equal(create("new", NULL, NULL), 0x46);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", "Test"), 0x46);
    expect_refused(query(key, "v", 0), 2, NULL); // reading goes on
    service_set_state(d->service, SERVICE_STATE_READ_WRITE);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", "Test"), 0);
}

// ---- security descriptors -----------------------------------------------------------------------

// Owner S-1-5-18, and a DACL with one entry for it.
static const uint8_t system_sd[] = {
    1, 0, 0x04, 0x80, 20, 0, 0, 0, 0,  0, 0,  0, 0,    0, 0, 0, 32, 0, 0, 0, //
    1, 1, 0,    0,    0,  0, 0, 5, 18, 0, 0,  0,                             //
    2, 0, 28,   0,    1,  0, 0, 0, 0,  0, 20, 0, 0xff, 0, 0, 0, 1,  1, 0, 0,
    0, 0, 0,    5,    18, 0, 0, 0,
};

static struct driver_call *get_security(const uint8_t *handle, uint32_t components, uint32_t room) {
    struct driver_call *call = on_key("ApiGetKeySecurity", handle);
    driver_number(call, "SecurityInformation", components);
    driver_member(call, "pRpcSecurityDescriptor", "cbInSecurityDescriptor")->value = room;
    driver_member(call, "pRpcSecurityDescriptor", "lpSecurityDescriptor")->null = room == 0;
    return call;
}

static void members_of(struct driver_call *call, cmrp_slot members[CMRP_MAX_PARAMS]) {
    cmrp_rows rows = driver_slot(call, "pRpcSecurityDescriptor")->rows;
    assert_true(cmrp_rows_next(&rows, members));
}

static uint32_t set_security(const uint8_t *handle, uint32_t components, const void *sd,
                             size_t size) {
    struct driver_call *call = on_key("ApiSetKeySecurity", handle);
    driver_number(call, "SecurityInformation", components);
    cmrp_slot *octets = driver_member(call, "pRpcSecurityDescriptor", "lpSecurityDescriptor");
    octets->null = sd == NULL;
    octets->bytes = (cmrp_view){sd, size};
    driver_member(call, "pRpcSecurityDescriptor", "cbInSecurityDescriptor")->value = size;
    const uint32_t status = driver_run(call);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    return status;
}

TEST(descriptors_are_asked_for_with_and_without_room) {
    cmrp_slot members[CMRP_MAX_PARAMS];
    struct driver_call *call = get_security(key, 7, 0);
    assert_int_equal(driver_run(call), INSUFFICIENT_BUFFER);
    members_of(call, members);
    assert_false(members[0].null);
    assert_int_equal(members[0].bytes.size, 0);
    assert_int_equal(members[1].value, 104); // so much would do
    assert_int_equal(members[2].value, 0);
    driver_end(call);
    for (uint32_t room = 103; room < 106; room++) {
        call = get_security(key, 15, room);
        assert_int_equal(driver_run(call), room < 104 ? INSUFFICIENT_BUFFER : 0);
        members_of(call, members);
        assert_false(members[0].null);
        assert_int_equal(members[1].value, room < 104 ? 104 : room);
        assert_int_equal(members[2].value, room < 104 ? 0 : 104);
        driver_end(call);
    }
    call = get_security(key, 0, 20); // no component: a header
    assert_int_equal(driver_run(call), 0);
    members_of(call, members);
    assert_int_equal(members[0].bytes.size, 20);
    driver_end(call);
    assert_int_equal(named("ApiDeleteKey", root, "lpSubKey", "Test"), 0);
    call = get_security(key, 7, 1000);
    assert_int_equal(driver_run(call), KEY_DELETED);
    members_of(call, members);
    assert_true(members[0].null && members[1].value == 0 && members[2].value == 0);
    driver_end(call);
}

TEST(components_are_set_one_by_one) {
    cmrp_slot members[CMRP_MAX_PARAMS];
    assert_int_equal(set_security(key, 4, system_sd, sizeof system_sd), 0); // the DACL
    struct driver_call *call = get_security(key, 5, 1000);
    assert_int_equal(driver_run(call), 0);
    members_of(call, members);
    assert_int_equal(members[0].bytes.size, 20 + 16 + 28);
    assert_int_equal(members[0].bytes.data[20 + 8], 32); // the owner is still S-1-5-32-544
    assert_memory_equal(members[0].bytes.data + 36, system_sd + 32, 28);
    driver_end(call);
    assert_int_equal(set_security(key, 1, system_sd, sizeof system_sd), 0); // the owner
    call = get_security(key, 1, 1000);
    assert_int_equal(driver_run(call), 0);
    members_of(call, members);
    assert_int_equal(members[0].bytes.size, 32);
    assert_memory_equal(members[0].bytes.data + 20, system_sd + 20, 12);
    driver_end(call);
}

TEST(descriptors_that_are_none) {
    uint8_t bad[sizeof system_sd];
    assert_int_equal(set_security(key, 4, NULL, 0), INVALID_PARAMETER);
    // INVALID_PARAMETER says that the descriptor is none; no component is no change.
    assert_int_equal(set_security(key, 0, system_sd, sizeof system_sd), 0);
    assert_int_equal(set_security(key, 0, system_sd, 19), INVALID_PARAMETER);
    assert_int_equal(set_security(key, 0, NULL, 0), INVALID_PARAMETER);
    for (size_t size = 1; size < sizeof system_sd; size++) {
        assert_int_equal(set_security(key, 4, system_sd, size), INVALID_PARAMETER);
    }
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 2},  {3, 0},  {4, 19},  {4, 200}, {16, 3}, {16, 60}, {20, 2}, {21, 16},
                   {21, 9}, {34, 7}, {34, 29}, {36, 2},  {42, 3}, {42, 21}, {32, 1}, {7, 0x80}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        memcpy(bad, system_sd, sizeof bad);
        bad[changes[i].at] = changes[i].value;
        assert_int_equal(set_security(key, 4, bad, sizeof bad), INVALID_PARAMETER);
        struct driver_call *call = on_key("ApiCreateKey", root);
        driver_text(call, "lpSubKey", "Secured");
        driver_number(call, "samDesired", KEY_ALL);
        cmrp_slot *octets = driver_member(call, "lpSecurityAttributes",
                                          "RpcSecurityDescriptor.lpSecurityDescriptor");
        octets->null = false;
        octets->bytes = (cmrp_view){bad, sizeof bad};
        driver_member(call, "lpSecurityAttributes", "RpcSecurityDescriptor.cbInSecurityDescriptor")
            ->value = sizeof bad;
        assert_int_equal(driver_run(call), INVALID_SECURITY_DESCR);
        driver_end(call);
    }
    assert_int_equal(open_as("ApiOpenKey", root, "Secured", KEY_READ, NULL, NULL), 2);
}

TEST(a_key_created_with_a_descriptor) {
    cmrp_slot members[CMRP_MAX_PARAMS];
    for (int i = 0; i < 2; i++) { // created, and then opened with it
        uint8_t handle[CMRP_HANDLE_SIZE];
        struct driver_call *call = on_key("ApiCreateKey", root);
        driver_text(call, "lpSubKey", i == 0 ? "Secured" : "Test");
        driver_number(call, "samDesired", KEY_ALL);
        cmrp_slot *octets = driver_member(call, "lpSecurityAttributes",
                                          "RpcSecurityDescriptor.lpSecurityDescriptor");
        octets->null = false;
        octets->bytes = (cmrp_view){system_sd, sizeof system_sd};
        driver_member(call, "lpSecurityAttributes", "RpcSecurityDescriptor.cbInSecurityDescriptor")
            ->value = sizeof system_sd;
        assert_int_equal(driver_run(call), 0);
        assert_int_equal(driver_number_of(call, "lpdwDisposition"), 1 + i);
        memcpy(handle, driver_handle_of(call, "return"), sizeof handle);
        driver_end(call);
        call = get_security(handle, 15, 1000);
        assert_int_equal(driver_run(call), 0);
        members_of(call, members);
        assert_int_equal(members[0].bytes.size, sizeof system_sd);
        assert_memory_equal(members[0].bytes.data, system_sd, sizeof system_sd);
        driver_end(call);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_created_opened_and_deleted),
        cmocka_unit_test(keys_are_enumerated),
        cmocka_unit_test(values_are_set_and_queried),
        cmocka_unit_test(too_little_room_for_a_value),
        cmocka_unit_test(values_are_deleted),
        cmocka_unit_test(values_are_enumerated),
        cmocka_unit_test(what_is_told_of_a_key),
        cmocka_unit_test(a_handle_changes_what_it_asked_for),
        cmocka_unit_test(a_client_that_may_only_read),
        cmocka_unit_test(the_state_of_the_server),
        cmocka_unit_test(descriptors_are_asked_for_with_and_without_room),
        cmocka_unit_test(components_are_set_one_by_one),
        cmocka_unit_test(descriptors_that_are_none),
        cmocka_unit_test(a_key_created_with_a_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
