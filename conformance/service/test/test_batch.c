// SPDX-License-Identifier: Apache-2.0
// Opnums 113 to 116, 145, 157 through the service.
#include "service/test/driver.h"

#include <stdlib.h>
#include <string.h>

#include "cmrp/batch.h"

enum {
    KEY_READ = 0x20019,
    ACCESS_DENIED = 5,
    INVALID_DATA = 13,
    SHARING_PAUSED = 70,
    INVALID_PARAMETER = 87,
    NO_MORE_ITEMS = 259,
    CANCELLED = 1223,
};

// DELETE_VALUE, SET_VALUE "x" (REG_SZ), DELETE_VALUE, all of the value "A".
static const uint8_t commands[] = {
    1, 0, 0, 0,                                                           //
    4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0,         //
    1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 2, 0, 0, 0, 'x', 0, //
    4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0,         //
};
// What a port gets of it.
static const uint8_t mirror[] = {
    1, 0, 0, 0,                                                           //
    4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0,         //
    1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 2, 0, 0, 0, 'x', 0, //
    6, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 2, 0, 0, 0, 'x', 0, //
    4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0,         //
};
enum { FIRST = 24 }; // octets of the batch that has only its first command

static struct driver *d;
static struct driver_link *link_now;
static uint8_t root[CMRP_HANDLE_SIZE];

static int setup(void **state) {
    (void)state;
    d = driver_create(NULL);
    link_now = driver_connect(d, CMRP_NDR20, 0);
    driver_open_key(link_now, "", root);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    driver_destroy(d);
    return 0;
}

static struct driver_call *batch_call(const char *method, const char *param, const uint8_t *key,
                                      const void *octets, size_t size) {
    struct driver_call *call = driver_begin(link_now, method);
    driver_handle(call, "hKey", key);
    driver_octets(call, param, octets, size);
    return call;
}

static void execute(const void *octets, size_t size, uint32_t status, int32_t failed) {
    struct driver_call *call = batch_call("ApiExecuteBatch", "lpData", root, octets, size);
    assert_int_equal(driver_run(call), status);
    assert_int_equal((int32_t)driver_number_of(call, "pdwFailedCommand"), failed);
    driver_end(call);
}

static void open_port(const uint8_t *key, uint8_t *port) {
    struct driver_call *call = driver_begin(link_now, "ApiCreateBatchPort");
    driver_handle(call, "hKey", key);
    assert_int_equal(driver_run(call), 0);
    memcpy(port, driver_handle_of(call, "phBatchPort"), CMRP_HANDLE_SIZE);
    driver_end(call);
}

static struct driver_call *get(struct driver_link *link, const uint8_t *port) {
    struct driver_call *call = driver_begin(link, "ApiGetBatchNotification");
    driver_handle(call, "hBatchNotify", port);
    driver_send(call);
    return call;
}

static void expect_batch(struct driver_call *call, const void *octets, size_t size) {
    assert_true(driver_answered(call));
    assert_int_equal(driver_status(call), 0);
    assert_int_equal(driver_number_of(call, "cbData"), size);
    assert_memory_equal(driver_slot(call, "lpData")->bytes.data, octets, size);
    driver_end(call);
}

static void expect_status(struct driver_call *call, uint32_t status) {
    assert_true(driver_answered(call));
    assert_int_equal(driver_status(call), status);
    driver_expect_nothing(call, NULL); // NULL, and 0 octets
    assert_true(driver_slot(call, "lpData")->null);
    driver_end(call);
}

static void batches_and_what_they_fail_for(void **state) {
    (void)state;
    static const uint8_t no_key[] = {
        1, 0, 0, 0,                                                   //
        3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0, // DELETE_KEY
        4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'A', 0, 0, 0, 0, 0, 0, 0,
    };
    execute(commands, sizeof commands, 0, 0);
    execute(no_key, sizeof no_key, INVALID_PARAMETER, 2);
    execute(commands, sizeof commands - 1, INVALID_DATA, 3);
    execute(commands, 3, INVALID_DATA, 0);
    execute("", 0, INVALID_DATA, 0);
    service_set_state(d->service, SERVICE_STATE_READ_ONLY);
    execute(commands, sizeof commands, SHARING_PAUSED, 0);
    service_set_state(d->service, SERVICE_STATE_READ_WRITE);
    d->entitled = SERVICE_READ_BACKUP;
    execute(commands, sizeof commands, ACCESS_DENIED, 0);
    d->entitled = SERVICE_ALL;
    struct driver_call *call = driver_begin(link_now, "ApiGetRootKey");
    driver_number(call, "samDesired", KEY_READ);
    assert_int_equal(driver_run(call), 0);
    uint8_t reader[CMRP_HANDLE_SIZE];
    memcpy(reader, driver_handle_of(call, "return"), sizeof reader);
    driver_end(call);
    call = batch_call("ApiExecuteBatch", "lpData", reader, commands, sizeof commands);
    assert_int_equal(driver_run(call), ACCESS_DENIED);
    driver_end(call);
}

static void queued_first_and_asked_for_first(void **state) {
    (void)state;
    uint8_t port[CMRP_HANDLE_SIZE];
    open_port(root, port);
    execute(commands, sizeof commands, 0, 0);
    execute(commands, FIRST, 0, 0);
    expect_batch(get(link_now, port), mirror, sizeof mirror);
    expect_batch(get(link_now, port), commands, FIRST);
    struct driver_call *first = get(link_now, port);
    struct driver_call *second = get(link_now, port);
    assert_false(driver_answered(first));
    assert_int_equal(service_counters(d->service)->blocked, 2);
    execute(commands, sizeof commands, 0, 0);
    expect_batch(first, mirror, sizeof mirror);
    assert_false(driver_answered(second));
    execute(commands, sizeof commands - 1, INVALID_DATA, 3); // a batch that fails says nothing
    assert_false(driver_answered(second));
    execute(commands, FIRST, 0, 0);
    expect_batch(second, commands, FIRST);
    assert_int_equal(service_counters(d->service)->blocked, 0);
}

static void another_connection_waits(void **state) {
    (void)state;
    static const cmrp_syntax syntaxes[] = {CMRP_NDR20, CMRP_NDR64};
    for (size_t i = 0; i < 2; i++) {
        uint8_t port[CMRP_HANDLE_SIZE];
        struct driver_link *other = driver_connect(d, syntaxes[i], link_now->group);
        open_port(root, port);
        struct driver_call *call = get(other, port);
        execute(commands, sizeof commands, 0, 0);
        expect_batch(call, mirror, sizeof mirror);
        driver_disconnect(other);
    }
}

static void closing_a_port(void **state) {
    (void)state;
    uint8_t port[CMRP_HANDLE_SIZE];
    open_port(root, port);
    struct driver_call *first = get(link_now, port);
    struct driver_call *second = get(link_now, port);
    assert_int_equal(driver_close(link_now, "ApiCloseBatchPort", "phBatchPort", port), 0);
    assert_true(driver_is_null(port));
    expect_status(first, NO_MORE_ITEMS);
    expect_status(second, NO_MORE_ITEMS);
    execute(commands, sizeof commands, 0, 0); // nobody is there
}

static void cancelled_and_orphaned(void **state) {
    (void)state;
    uint8_t port[CMRP_HANDLE_SIZE];
    struct driver_link *other = driver_connect(d, CMRP_NDR20, link_now->group);
    open_port(root, port);
    struct driver_call *cancelled = get(link_now, port);
    struct driver_call *orphaned = get(other, port); // which ends its connection
    struct driver_call *patient = get(link_now, port);
    driver_cancel(cancelled, false);
    expect_status(cancelled, CANCELLED);
    driver_cancel(orphaned, true);
    assert_int_equal(service_counters(d->service)->blocked, 1);
    execute(commands, sizeof commands, 0, 0);
    assert_false(driver_answered(orphaned));
    expect_batch(patient, mirror, sizeof mirror); // it did not go to the orphaned one
}

static void a_client_that_dies(void **state) {
    (void)state;
    uint8_t port[CMRP_HANDLE_SIZE], kept[CMRP_HANDLE_SIZE];
    struct driver_link *old = link_now;
    open_port(root, kept);
    link_now = driver_connect(d, CMRP_NDR64, 0);
    uint8_t key[CMRP_HANDLE_SIZE];
    driver_open_key(link_now, "", key);
    open_port(key, port);
    (void)get(link_now, port);
    (void)get(link_now, port);
    driver_disconnect(link_now); // with its port and both calls
    link_now = old;
    assert_int_equal(service_counters(d->service)->blocked, 0);
    execute(commands, sizeof commands, 0, 0);
    expect_batch(get(link_now, kept), mirror, sizeof mirror);
    // A connection of two that share the association: the port lives on.
    struct driver_link *other = driver_connect(d, CMRP_NDR20, link_now->group);
    (void)get(other, kept);
    driver_disconnect(other);
    execute(commands, FIRST, 0, 0);
    expect_batch(get(link_now, kept), commands, FIRST);
}

static void ports_are_no_keys(void **state) {
    (void)state;
    uint8_t port[CMRP_HANDLE_SIZE];
    open_port(root, port);
    struct driver_call *call = driver_begin(link_now, "ApiGetBatchNotification");
    driver_handle(call, "hBatchNotify", root);
    assert_int_equal(driver_run(call), 6);
    driver_expect_nothing(call, NULL);
    driver_end(call);
    call = batch_call("ApiExecuteBatch", "lpData", port, commands, sizeof commands);
    assert_int_equal(driver_run(call), 6);
    assert_int_equal(driver_number_of(call, "pdwFailedCommand"), 0);
    driver_end(call);
}

static void reading(void **state) {
    (void)state;
    // SET_VALUE B = "x", and the answers of READ_KEY "", READ_VALUE B, READ_VALUE C.
    static const uint8_t set[] = {1, 0, 0, 0,   1, 0, 0, 0, 1, 0, 0, 0,   4,
                                  0, 0, 0, 'B', 0, 0, 0, 2, 0, 0, 0, 'x', 0};
    static const uint8_t asked[] = {
        1, 0, 0, 0,                                                   //
        7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,   0, 0, 0, 0, 0,       //
        8, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'B', 0, 0, 0, 0, 0, 0, 0, //
        8, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'C', 0, 0, 0, 0, 0, 0, 0,
    };
    static const uint8_t expected[] = {
        1, 0, 0, 0,                                                           //
        7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,   0, 0, 0, 0, 0,               //
        8, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 'B', 0, 0, 0, 2, 0, 0, 0, 'x', 0, //
        9, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 'C', 0, 0, 0, 0, 0, 0, 0,
    };
    static const char *const methods[] = {"ApiExecuteReadBatch", "ApiExecuteReadBatchEx"};
    execute(set, sizeof set, 0, 0);
    service_set_state(d->service, SERVICE_STATE_READ_ONLY);
    d->entitled = SERVICE_READ;
    for (uint32_t i = 0; i < 3; i++) {
        struct driver_call *call =
            batch_call(methods[i > 0], "lpInData", root, asked, sizeof asked);
        if (i > 0) {
            driver_number(call, "flags", i); // 2: isolated
        }
        assert_int_equal(driver_run(call), 0);
        assert_int_equal(driver_number_of(call, "cbOutData"), sizeof expected);
        assert_memory_equal(driver_slot(call, "lpOutData")->bytes.data, expected, sizeof expected);
        driver_end(call);
        call = batch_call(methods[i > 0], "lpInData", root, commands, sizeof commands);
        assert_int_equal(driver_run(call), INVALID_PARAMETER);
        driver_expect_nothing(call, NULL);
        assert_true(driver_slot(call, "lpOutData")->null);
        driver_end(call);
        call = batch_call(methods[i > 0], "lpInData", root, asked, 5);
        assert_int_equal(driver_run(call), INVALID_DATA);
        driver_end(call);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(batches_and_what_they_fail_for),
        TEST(queued_first_and_asked_for_first),
        TEST(another_connection_waits),
        TEST(closing_a_port),
        TEST(cancelled_and_orphaned),
        TEST(a_client_that_dies),
        TEST(ports_are_no_keys),
        TEST(reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
