// SPDX-License-Identifier: Apache-2.0
// Batches and batch ports: opnums 113 to 116, 145, 157.
// [MS-CMRP 3.1.4.2.112 to 3.1.4.2.115, 3.1.4.2.141, 3.1.4.2.145]
#include <stdlib.h>

#include "service/parts.h"

// Parameters: key, batch, number of the failed command.
static void execute_batch(struct service_call *call) {
    const struct service_handle *key = service_handle(call, 0);
    int32_t failed = 0;
    uint32_t status = STATUS_ACCESS_DENIED;
    if ((key->sam & (KEY_SET_VALUE | KEY_CREATE_SUB_KEY)) != 0) {
        status = registry_batch(key->object, service_octets(call, 1), &failed);
    }
    service_set_number(call, 2, (uint32_t)failed);
    service_done(call, status);
}

// Parameters: key, batch, answer. All values are of one state of the registry anyway, so that the
// flags of ApiExecuteReadBatchEx ask for nothing more.
static void execute_read_batch(struct service_call *call) {
    uint8_t *answer = NULL;
    size_t size = 0;
    const uint32_t status =
        registry_read_batch(service_object(call, 0), service_octets(call, 1), &answer, &size);
    if (status == 0) {
        service_set_octets(call, 2, (cmrp_view){answer, size});
    }
    service_done(call, status);
    free(answer);
}

// ---- ports --------------------------------------------------------------------------------------

// Parameters: key, the handle.
static void create_batch_port(struct service_call *call) {
    struct batch_port *port;
    uint32_t status = batch_port_create(service_object(call, 0), &port);
    if (status == 0) {
        status = service_open(call, 1, SERVICE_HBATCH_PORT, port, SERVICE_NOTHING, 0);
    }
    service_done(call, status);
}

struct waiting { // a call of ApiGetBatchNotification
    struct batch_waiter waiter;
    struct service_call *call;
};

enum { PORT, BATCH }; // its parameters

static void on_indication(void *context, uint32_t status, cmrp_view batch) {
    struct waiting *waiting = context;
    if (status == 0) {
        service_set_octets(waiting->call, BATCH, batch);
    }
    service_done(waiting->call, status);
    free(waiting);
}

static void on_end(void *context, enum rpc_end end) {
    struct waiting *waiting = context;
    batch_waiter_leave(&waiting->waiter);
    if (end == RPC_END_CANCELLED) {
        service_done(waiting->call, STATUS_CANCELLED);
    }
    free(waiting);
}

static void get_batch_notification(struct service_call *call) {
    struct waiting *waiting = util_alloc(sizeof *waiting);
    struct batch_port *port = service_object(call, PORT);
    waiting->waiter.context = waiting;
    waiting->waiter.done = on_indication;
    waiting->call = service_later(call, on_end, waiting);
    batch_port_get(port, &waiting->waiter);
}

// Parameters: the handle. Completes the calls that wait at it.
static void close_batch_port(struct service_call *call) {
    service_close(call, 0);
    service_done(call, STATUS_SUCCESS);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_batch_methods[] = {
    {113, execute_batch,          ALL,  RW, 0, 0, {"hKey", "lpData", "pdwFailedCommand"}, NULL},
    {114, create_batch_port,      READ, RO, 0, 0, {"hKey", "phBatchPort"}, NULL},
    {115, get_batch_notification, READ, RO, 0, 0, {"hBatchNotify", "lpData"}, NULL},
    {116, close_batch_port,       READ, RO, 0, 0, {"phBatchPort"}, NULL},
    {145, execute_read_batch,     READ, RO, 0, 0, {"hKey", "lpInData", "lpOutData"}, NULL},
    {157, execute_read_batch,     READ, RO, 0, 0, {"hKey", "lpInData", "lpOutData"}, NULL},
    {0},
};
