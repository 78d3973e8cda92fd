// SPDX-License-Identifier: Apache-2.0
#include "echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "util/buffer.h"

struct held {
    struct echo *echo;
    struct rpc_call *call;
    struct held *prev;
    struct held *next;
};

struct echo {
    struct rpc_interface interfaces[2];
    const struct rpc_interface *list[3];
    struct held *held;
    size_t held_count;
    size_t rundowns;
    size_t gone;
    uint32_t objects;
};

struct object {
    struct echo *echo;
    uint32_t number;
};

const cmrp_syntax_id echo_id = {.uuid = {{0x5b, 0x2a, 0x3f, 0x60, 0x8c, 0x1d, 0x4e, 0x57, 0x9a,
                                          0x06, 0x1f, 0x7d, 0x3c, 0x9b, 0x2e, 0x41}},
                                .version = 1,
                                .version_minor = 2};
const cmrp_syntax_id other_id = {.uuid = {{0x0d, 0x9e, 0x8c, 0x7b, 0x6a, 0x59, 0x4f, 0x48, 0x8e,
                                           0x37, 0x26, 0x15, 0xa4, 0xb3, 0xc2, 0xd1}},
                                 .version = 1};

static void rundown(void *object) {
    struct object *o = object;
    o->echo->rundowns++;
    free(o);
}

static const struct rpc_handle_kind object_kind = {"object", rundown};

// ---- calls that wait ----------------------------------------------------------------------------

static void forget(struct held *held) {
    DL_DELETE(held->echo->held, held);
    held->echo->held_count--;
    free(held);
}

static void on_end(void *context, enum rpc_end end) {
    struct held *held = context;
    if (end == RPC_END_CANCELLED) {
        rpc_call_fault(held->call, RPC_FAULT_CANCEL, false);
    } else {
        held->echo->gone++;
    }
    forget(held);
}

static void hold(struct echo *echo, struct rpc_call *call) {
    struct held *held = util_alloc(sizeof *held);
    *held = (struct held){.echo = echo, .call = call};
    DL_APPEND(echo->held, held);
    echo->held_count++;
    rpc_call_on_end(call, on_end, held);
}

static void put_u32(struct rpc_call *call, uint32_t value) {
    uint8_t answer[4];
    cmrp_store_u32(answer, value, CMRP_LITTLE_ENDIAN);
    rpc_call_respond(call, answer, sizeof answer);
}

static void release(struct echo *echo, struct rpc_call *call, uint32_t count) {
    uint32_t released = 0;
    struct held *held;
    struct held *next;
    DL_FOREACH_SAFE(echo->held, held, next) {
        if (released < count && rpc_call_association(held->call) == rpc_call_association(call)) {
            rpc_call_respond(held->call, (const uint8_t *)"released", 8);
            forget(held);
            released++;
        }
    }
    put_u32(call, released);
}

// ---- the methods --------------------------------------------------------------------------------

static void repeat(struct rpc_call *call, uint32_t count, uint8_t octet) {
    if (count > ECHO_REPEATED) {
        rpc_call_fault(call, RPC_FAULT_REMOTE_NO_MEMORY, true);
        return;
    }
    uint8_t *octets = util_alloc(count + 1);
    memset(octets, octet, count);
    rpc_call_respond(call, octets, count);
    free(octets);
}

static void open_object(struct echo *echo, struct rpc_call *call) {
    struct object *object = util_alloc(sizeof *object);
    uint8_t handle[CMRP_HANDLE_SIZE];
    *object = (struct object){echo, ++echo->objects};
    if (!rpc_handle_open(rpc_call_association(call), &object_kind, object, handle)) {
        free(object);
        rpc_call_fault(call, RPC_FAULT_REMOTE_NO_MEMORY, true);
        return;
    }
    rpc_call_respond(call, handle, sizeof handle);
}

static void find_object(struct rpc_call *call, const uint8_t *handle, bool close) {
    struct rpc_association *association = rpc_call_association(call);
    const struct rpc_handle_kind *kind = NULL;
    struct object *object = rpc_handle_find(association, handle, &kind);
    if (object == NULL || kind != &object_kind) {
        rpc_call_fault(call, RPC_FAULT_CONTEXT_MISMATCH, true);
        return;
    }
    const uint32_t number = object->number;
    if (close) {
        rpc_handle_close(association, handle);
        free(object);
    }
    put_u32(call, number);
}

static void tell(struct rpc_call *call, const struct rpc_request *request) {
    char text[128];
    char object[CMRP_UUID_TEXT_SIZE] = "none";
    if (request->has_object) {
        cmrp_uuid_format(&request->object, object);
    }
    const int size =
        snprintf(text, sizeof text, "%s %s %s", request->syntax == CMRP_NDR64 ? "ndr64" : "ndr",
                 request->order == CMRP_BIG_ENDIAN ? "be" : "le", object);
    rpc_call_respond(call, (const uint8_t *)text, (size_t)size);
}

static void on_call(void *context, struct rpc_call *call, const struct rpc_request *request) {
    static const uint8_t sizes[ECHO_OPNUMS] = {
        [REPEAT] = 5, [RELEASE] = 4, [FAULT] = 4, [FIND] = 20, [CLOSE] = 20};
    struct echo *echo = context;
    const uint8_t *stub = request->stub.data;
    if (request->stub.size < sizes[request->opnum]) {
        rpc_call_fault(call, RPC_FAULT_BAD_STUB_DATA, true);
        return;
    }
    switch (request->opnum) {
    case REPEAT: repeat(call, cmrp_load_u32(stub, request->order), stub[4]); break;
    case HOLD: hold(echo, call); break;
    case RELEASE: release(echo, call, cmrp_load_u32(stub, request->order)); break;
    case FAULT: rpc_call_fault(call, cmrp_load_u32(stub, request->order), false); break;
    case OPEN: open_object(echo, call); break;
    case FIND: find_object(call, stub, false); break;
    case CLOSE: find_object(call, stub, true); break;
    case TELL: tell(call, request); break;
    default: rpc_call_respond(call, stub, request->stub.size); break;
    }
}

// ---- life ---------------------------------------------------------------------------------------

struct echo *echo_create(void) {
    struct echo *echo = util_alloc(sizeof *echo);
    echo->interfaces[0] = (struct rpc_interface){
        .id = echo_id, .name = "echo", .opnums = ECHO_OPNUMS, .context = echo, .call = on_call};
    echo->interfaces[1] = echo->interfaces[0];
    echo->interfaces[1].id = other_id;
    echo->interfaces[1].name = "other";
    echo->list[0] = &echo->interfaces[0];
    echo->list[1] = &echo->interfaces[1];
    return echo;
}

const struct rpc_interface *const *echo_interfaces(const struct echo *echo) {
    return echo->list;
}

size_t echo_held(const struct echo *echo) {
    return echo->held_count;
}

size_t echo_rundowns(const struct echo *echo) {
    return echo->rundowns;
}

size_t echo_gone(const struct echo *echo) {
    return echo->gone;
}

void echo_destroy(struct echo *echo) {
    free(echo);
}
