// SPDX-License-Identifier: Apache-2.0
// Calls by name.
#include "rpc/method_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/text.h"

struct method_call {
    const cmrp_method *method;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    uint8_t *memory[CMRP_MAX_PARAMS];    // what slots point to
    cmrp_slot *records[CMRP_MAX_PARAMS]; // members of structures
    method_done *done;
    void *context;
};

// ---- preparing ----------------------------------------------------------------------------------

static cmrp_stub_format format_of(const cmrp_method *method, bool response, cmrp_syntax syntax,
                                  cmrp_order order) {
    return (cmrp_stub_format){method, CMRP_INTERFACE_3, response, syntax, order};
}

struct method_call *method_call_create(const char *name) {
    const cmrp_method *method = cmrp_method_named(CMRP_INTERFACE_3, name);
    if (method == NULL) {
        return NULL;
    }
    struct method_call *call = util_alloc(sizeof *call);
    const cmrp_stub_format format = format_of(method, false, CMRP_NDR20, CMRP_LITTLE_ENDIAN);
    call->method = method;
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *param = &method->params[i];
        // Counts are derived.
        call->slots[i].present =
            cmrp_param_travels(param, &format) && param->meaning != CMRP_MEANS_COUNT;
        call->slots[i].null = param->unique != 0;
    }
    return call;
}

static void free_call(struct method_call *call) {
    for (size_t i = 0; i < CMRP_MAX_PARAMS; i++) {
        free(call->memory[i]);
        free(call->records[i]);
    }
    free(call);
}

static size_t index_of(const struct method_call *call, const char *parameter) {
    const cmrp_stub_format format = format_of(call->method, false, CMRP_NDR20, CMRP_LITTLE_ENDIAN);
    for (uint32_t i = 0; i < call->method->count; i++) {
        const cmrp_param *param = &call->method->params[i];
        if (strcmp(param->name, parameter) == 0 && cmrp_param_travels(param, &format)) {
            return i;
        }
    }
    fprintf(stderr, "internal error: %s has no parameter %s\n", call->method->name, parameter);
    abort();
}

static cmrp_slot *set(struct method_call *call, const char *parameter) {
    cmrp_slot *slot = &call->slots[index_of(call, parameter)];
    slot->present = true;
    slot->null = false;
    return slot;
}

void method_call_handle(struct method_call *call, const char *parameter,
                        const uint8_t handle[CMRP_HANDLE_SIZE]) {
    memcpy(set(call, parameter)->handle, handle, CMRP_HANDLE_SIZE);
}

void method_call_number(struct method_call *call, const char *parameter, uint64_t number) {
    set(call, parameter)->value = number;
}

void method_call_units(struct method_call *call, const char *parameter, cmrp_view units,
                       cmrp_order order) {
    const size_t index = index_of(call, parameter);
    method_call_octets(call, parameter, units);
    call->slots[index].order = order;
}

void method_call_text(struct method_call *call, const char *parameter, const char *utf8) {
    struct buffer units = {0};
    text_to_units(&units, utf8, strlen(utf8), CMRP_LITTLE_ENDIAN);
    method_call_units(call, parameter, buffer_view(&units), CMRP_LITTLE_ENDIAN);
    buffer_free(&units);
}

void method_call_octets(struct method_call *call, const char *parameter, cmrp_view octets) {
    const size_t index = index_of(call, parameter);
    uint8_t *copy = util_alloc(octets.size + 1);
    if (octets.size > 0) {
        memcpy(copy, octets.data, octets.size);
    }
    free(call->memory[index]);
    call->memory[index] = copy;
    set(call, parameter)->bytes = (cmrp_view){copy, octets.size};
}

void method_call_record(struct method_call *call, const char *parameter, const uint64_t *numbers,
                        size_t count) {
    const size_t index = index_of(call, parameter);
    const cmrp_struct *type = cmrp_param_struct(&call->method->params[index]);
    cmrp_slot *members = util_alloc(CMRP_MAX_PARAMS * sizeof *members);
    for (size_t i = 0; i < count; i++) {
        members[i].present = true;
        members[i].value = numbers[i];
    }
    free(call->records[index]);
    call->records[index] = members;
    set(call, parameter)->rows = (cmrp_rows){.type = type, .count = 1, .members = members};
}

// ---- sending ------------------------------------------------------------------------------------

static bool encode(void *context, cmrp_syntax syntax, struct buffer *stub) {
    const struct method_call *call = context;
    const cmrp_stub_format format = format_of(call->method, false, syntax, CMRP_LITTLE_ENDIAN);
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_sizer_init(&writer, &error, call->method->sections[1]);
    if (!cmrp_stub_encode(&format, call->slots, &writer)) {
        return false;
    }
    const size_t size = writer.size;
    cmrp_writer_init(&writer, buffer_extend(stub, size), size, &error, call->method->sections[1]);
    return cmrp_stub_encode(&format, call->slots, &writer);
}

// The status parameters of a response, the return value first.
static uint32_t deciding_status(const cmrp_method *method, const cmrp_slot *slots) {
    uint32_t status = 0;
    for (uint32_t i = 0; i < method->count; i++) {
        const bool is_return = i + 1 == method->count;
        if (method->params[i].meaning == CMRP_MEANS_STATUS && slots[i].present &&
            slots[i].value != 0 && (status == 0 || is_return)) {
            status = (uint32_t)slots[i].value;
        }
    }
    return status;
}

static void finish(void *context, const struct rpc_reply *reply) {
    struct method_call *call = context;
    cmrp_slot slots[CMRP_MAX_PARAMS] = {{0}};
    struct method_reply result = {
        .status = reply->status, .fault = reply->fault, .why = reply->why, .method = call->method};
    char text[256];
    if (reply->status == RPC_S_OK) {
        const cmrp_stub_format format = format_of(call->method, true, reply->syntax, reply->order);
        cmrp_error error = {0};
        if (cmrp_stub_decode(&format, reply->stub, 0, slots, NULL, NULL, &error)) {
            result.answered = true;
            result.slots = slots;
            result.status = deciding_status(call->method, slots);
        } else {
            cmrp_error_format(&error, text, sizeof text);
            result.status = RPC_X_BAD_STUB_DATA;
            result.why = text;
        }
    }
    call->done(call->context, &result);
    free_call(call);
}

struct rpc_client_call *method_call_send(struct rpc_client *client, struct method_call *call,
                                         unsigned flags, method_done *done, void *context) {
    call->done = done;
    call->context = context;
    const struct rpc_client_request request = {.opnum = (uint16_t)call->method->opnum,
                                               .flags = flags,
                                               .context = call,
                                               .encode = encode,
                                               .done = finish};
    return rpc_client_call(client, &request);
}

// ---- what came back -----------------------------------------------------------------------------

const cmrp_slot *method_reply_slot(const struct method_reply *reply, const char *parameter) {
    for (uint32_t i = 0; reply->answered && i < reply->method->count; i++) {
        if (reply->slots[i].present && strcmp(reply->method->params[i].name, parameter) == 0) {
            return &reply->slots[i];
        }
    }
    return NULL;
}

uint64_t method_reply_number(const struct method_reply *reply, const char *parameter) {
    const cmrp_slot *slot = method_reply_slot(reply, parameter);
    return slot != NULL ? slot->value : 0;
}

void method_reply_handle(const struct method_reply *reply, const char *parameter,
                         uint8_t handle[CMRP_HANDLE_SIZE]) {
    const cmrp_slot *slot = method_reply_slot(reply, parameter);
    memset(handle, 0, CMRP_HANDLE_SIZE);
    if (slot != NULL) {
        memcpy(handle, slot->handle, CMRP_HANDLE_SIZE);
    }
}
