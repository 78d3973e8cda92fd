// SPDX-License-Identifier: Apache-2.0
// A service's life, and the way of a request to its handler.
#include "service/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "service/state.h"

void service_complain(const struct service_call *call, const char *stub, const cmrp_error *error) {
    const struct service_options *options = &call->service->options;
    if (options->log != NULL) {
        char what[512], text[640];
        cmrp_error_format(error, what, sizeof what);
        snprintf(text, sizeof text, "%s, %s stub: %s", call->row->description->name, stub, what);
        options->log(options->context, text);
    }
}

// ---- what is alike for all methods --------------------------------------------------------------

// Looks all handles of the request up. A runtime does this before it calls a method.
static bool find_handles(struct service_call *call) {
    const struct service_row *row = call->row;
    for (size_t i = 0; i < row->handle_count; i++) {
        const uint8_t index = row->handles[i];
        call->handles[index] = service_handle_of(call->association, &call->slots[index]);
        if (call->handles[index] == NULL) {
            return false;
        }
    }
    return true;
}

// Whether every handle is of its kind, and its object exists.
static uint32_t check_handles(const struct service_call *call) {
    const struct service_row *row = call->row;
    for (size_t i = 0; i < row->handle_count; i++) {
        const uint8_t index = row->handles[i];
        const struct service_handle *handle = call->handles[index];
        enum service_kind kind;
        if (service_kind_of(row->description->params[index].meaning, &kind) &&
            kind != handle->kind) {
            return STATUS_INVALID_HANDLE;
        }
    }
    for (size_t i = 0; i < row->handle_count; i++) {
        const struct service_handle *handle = call->handles[row->handles[i]];
        if ((row->method->flags & SERVICE_EVEN_GONE) == 0 && service_is_gone(handle)) {
            return row->method->gone != 0
                       ? row->method->gone
                       : cluster_not_available(cluster_object_kind(handle->object));
        }
    }
    return STATUS_SUCCESS;
}

static uint32_t check_access(const struct service_call *call) {
    const struct service_row *row = call->row;
    const enum service_access needed = row->method->access;
    bool carried = false;
    if ((row->method->flags & SERVICE_OWN_ACCESS) != 0) {
        return STATUS_SUCCESS;
    }
    for (size_t i = 0; i < row->handle_count; i++) {
        const struct service_handle *handle = call->handles[row->handles[i]];
        carried = carried || service_carries_level(handle->kind);
        if (!service_granted(handle, needed)) {
            return STATUS_ACCESS_DENIED;
        }
    }
    return carried || service_entitled(call) >= needed ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

static uint32_t check_room(const struct service_call *call) {
    const struct service_row *row = call->row;
    if ((row->method->flags & SERVICE_CREATES) == 0) {
        return STATUS_SUCCESS;
    }
    for (size_t i = 0; i < row->result_count; i++) {
        enum service_kind kind;
        const cmrp_param *p = &row->description->params[row->results[i]];
        if (p->kind == CMRP_KIND_HANDLE && service_kind_of(p->meaning, &kind) &&
            !rpc_handle_room(call->association, &service_kinds[kind])) {
            return STATUS_NO_SYSTEM_RESOURCES;
        }
    }
    return STATUS_SUCCESS;
}

static uint32_t check(const struct service_call *call) {
    if (call->service->stopping) {
        return STATUS_NODE_SHUTTING_DOWN;
    }
    if (call->service->state < call->row->method->state) {
        return STATUS_SHARING_PAUSED;
    }
    uint32_t status = check_handles(call);
    status = status != STATUS_SUCCESS ? status : check_access(call);
    return status != STATUS_SUCCESS ? status : check_room(call);
}

static void run(struct service_call *call, const struct rpc_request *request) {
    const cmrp_stub_format format = {call->row->description, CMRP_INTERFACE_3, false,
                                     request->syntax, request->order};
    cmrp_error error = {0};
    if (!cmrp_stub_decode(&format, request->stub, 0, call->slots, NULL, NULL, &error)) {
        service_complain(call, "request", &error);
        service_fault(call, RPC_FAULT_BAD_STUB_DATA);
    } else if (!find_handles(call)) {
        service_fault(call, RPC_FAULT_CONTEXT_MISMATCH);
    } else {
        const uint32_t status = check(call);
        if (status == STATUS_SUCCESS) {
            call->row->method->run(call);
            return;
        }
        if (call->row->method->refused != NULL) {
            call->row->method->refused(call);
        }
        service_done(call, status);
    }
}

static void refuse_password(struct service *service, struct rpc_call *rpc,
                            const struct rpc_request *request) {
    uint8_t octets[64];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    service->counters.calls[request->opnum]++;
    if (service_refuse_password(request, &writer)) {
        service->counters.failed++;
        rpc_call_respond(rpc, octets, writer.size);
    } else {
        service->counters.faulted++;
        rpc_call_fault(rpc, RPC_FAULT_BAD_STUB_DATA, true);
    }
}

static void on_call(void *context, struct rpc_call *rpc, const struct rpc_request *request) {
    struct service *service = context;
    const struct service_row *row =
        request->opnum < SERVICE_OPNUMS ? &service->rows[request->opnum] : NULL;
    if (request->opnum == SET_SERVICE_ACCOUNT_PASSWORD) {
        refuse_password(service, rpc, request);
        return;
    }
    if (row == NULL || row->method == NULL) {
        service->counters.faulted++;
        rpc_call_fault(rpc, RPC_FAULT_OP_RANGE, true);
        return;
    }
    service->counters.calls[request->opnum]++;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    struct service_handle *handles[CMRP_MAX_PARAMS];
    struct service_call call = {.service = service,
                                .row = row,
                                .rpc = rpc,
                                .association = request->association,
                                .syntax = request->syntax,
                                .slots = slots,
                                .handles = handles};
    const struct memory_mark mark = memory_now(&service->memory);
    run(&call, request);
    memory_return(&service->memory, mark);
}

// ---- life ---------------------------------------------------------------------------------------

struct service *service_create(struct cluster *cluster, const struct service_options *options,
                               char **error) {
    struct service *service = util_alloc(sizeof *service);
    service->cluster = cluster;
    if (options != NULL) {
        service->options = *options;
    }
    service->state = SERVICE_STATE_READ_WRITE;
    service->interface = (struct rpc_interface){.id = {cmrp_uuid_clusapi, 3, 0},
                                                .name = "clusapi",
                                                .opnums = SERVICE_OPNUMS,
                                                .context = service,
                                                .call = on_call};
    *error = service_rows_prepare(service);
    if (*error != NULL) {
        service_destroy(service);
        return NULL;
    }
    return service;
}

void service_destroy(struct service *service) {
    if (service == NULL) {
        return;
    }
    service_rows_free(service);
    memory_free(&service->memory);
    buffer_free(&service->output);
    buffer_free(&service->text);
    free(service);
}

const struct rpc_interface *service_interface(struct service *service) {
    return &service->interface;
}

const struct service_counters *service_counters(const struct service *service) {
    return &service->counters;
}

void service_set_state(struct service *service, enum service_state state) {
    service->state = state;
}

void service_stop(struct service *service) {
    service->stopping = true;
}

bool service_serves(const struct service *service, unsigned opnum) {
    return opnum == SET_SERVICE_ACCOUNT_PASSWORD ||
           (opnum < SERVICE_OPNUMS && service->rows[opnum].method != NULL);
}

size_t service_method_count(const struct service *service) {
    return service->method_count + 1; // SET_SERVICE_ACCOUNT_PASSWORD has no row
}
