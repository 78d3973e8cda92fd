// SPDX-License-Identifier: Apache-2.0
// Context handles: what they stand for, how they are opened and given up.
#include <stdlib.h>

#include "cluster/port.h"
#include "service/state.h"

static void give_up(void *object) {
    struct service_handle *handle = object;
    switch (handle->kind) {
    case SERVICE_HGROUPSET:
    case SERVICE_HKEY: registry_key_release(handle->object); break;
    case SERVICE_HNOTIFY: port_close(handle->object); break;
    case SERVICE_HBATCH_PORT: batch_port_close(handle->object); break;
    case SERVICE_HCLUSTER:
    case SERVICE_KINDS: break;
    default: cluster_release(handle->object); break;
    }
    free(handle);
}

const struct rpc_handle_kind service_kinds[SERVICE_KINDS] = {
    [SERVICE_HCLUSTER] = {"HCLUSTER_RPC", give_up},
    [SERVICE_HNODE] = {"HNODE_RPC", give_up},
    [SERVICE_HGROUP] = {"HGROUP_RPC", give_up},
    [SERVICE_HRES] = {"HRES_RPC", give_up},
    [SERVICE_HKEY] = {"HKEY_RPC", give_up},
    [SERVICE_HNETWORK] = {"HNETWORK_RPC", give_up},
    [SERVICE_HNETINTERFACE] = {"HNETINTERFACE_RPC", give_up},
    [SERVICE_HNOTIFY] = {"HNOTIFY_RPC", give_up},
    [SERVICE_HBATCH_PORT] = {"HBATCH_PORT_RPC", give_up},
    [SERVICE_HGROUPSET] = {"HGROUPSET_RPC", give_up},
};

bool service_kind_of(uint8_t meaning, enum service_kind *kind) {
    switch (meaning) {
    case CMRP_MEANS_HCLUSTER: *kind = SERVICE_HCLUSTER; return true;
    case CMRP_MEANS_HNODE: *kind = SERVICE_HNODE; return true;
    case CMRP_MEANS_HGROUP: *kind = SERVICE_HGROUP; return true;
    case CMRP_MEANS_HRES: *kind = SERVICE_HRES; return true;
    case CMRP_MEANS_HKEY: *kind = SERVICE_HKEY; return true;
    case CMRP_MEANS_HNETWORK: *kind = SERVICE_HNETWORK; return true;
    case CMRP_MEANS_HNETINTERFACE: *kind = SERVICE_HNETINTERFACE; return true;
    case CMRP_MEANS_HNOTIFY: *kind = SERVICE_HNOTIFY; return true;
    case CMRP_MEANS_HBATCH_PORT: *kind = SERVICE_HBATCH_PORT; return true;
    case CMRP_MEANS_HGROUPSET: *kind = SERVICE_HGROUPSET; return true;
    default: return false;
    }
}

bool service_carries_level(enum service_kind kind) {
    return kind != SERVICE_HKEY && kind != SERVICE_HNOTIFY && kind != SERVICE_HBATCH_PORT;
}

bool service_is_gone(const struct service_handle *handle) {
    return handle->kind != SERVICE_HGROUPSET && service_carries_level(handle->kind) &&
           handle->object != NULL && cluster_object_deleted(handle->object);
}

struct service_handle *service_handle_of(struct rpc_association *association,
                                         const cmrp_slot *slot) {
    const struct rpc_handle_kind *kind;
    void *object = rpc_handle_find(association, slot->handle, &kind);
    // A handle that another interface made is none of ours [strict_context_handle].
    const bool ours =
        object != NULL && kind >= service_kinds && kind < service_kinds + SERVICE_KINDS;
    return ours ? object : NULL;
}

struct service_handle *service_handle(struct service_call *call, unsigned n) {
    return call->handles[call->row->index[n]];
}

void *service_object(struct service_call *call, unsigned n) {
    return service_handle(call, n)->object;
}

enum service_kind service_param_kind(const struct service_call *call, unsigned n) {
    enum service_kind kind = SERVICE_KINDS;
    service_kind_of(call->row->description->params[call->row->index[n]].meaning, &kind);
    return kind;
}

bool service_granted(const struct service_handle *handle, enum service_access access) {
    return !service_carries_level(handle->kind) || handle->access >= access;
}

enum service_access service_entitled(const struct service_call *call) {
    const struct service_options *options = &call->service->options;
    return options->entitled == NULL ? SERVICE_ALL
                                     : options->entitled(options->context, call->association);
}

uint32_t service_open(struct service_call *call, unsigned n, enum service_kind kind, void *object,
                      enum service_access access, uint32_t sam) {
    struct service_handle *handle = util_alloc(sizeof *handle);
    const struct service_handle fresh = {call->service, kind, access, sam, object};
    *handle = fresh;
    const uint8_t index = call->row->index[n];
    cmrp_slot *slot = &call->slots[index];
    if (!rpc_handle_open(call->association, &service_kinds[kind], handle, slot->handle)) {
        give_up(handle);
        return STATUS_NO_SYSTEM_RESOURCES;
    }
    slot->present = true;
    slot->null = false;
    call->set |= 1u << index;
    return STATUS_SUCCESS;
}

void service_close(struct service_call *call, unsigned n) {
    const uint8_t index = call->row->index[n];
    struct service_handle *handle = call->handles[index];
    cmrp_slot *slot = &call->slots[index];
    rpc_handle_close(call->association, slot->handle);
    call->handles[index] = NULL;
    memset(slot->handle, 0, sizeof slot->handle);
    give_up(handle);
}
