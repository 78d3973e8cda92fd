// SPDX-License-Identifier: Apache-2.0
// Requests: their fragments joined, their rules kept, their calls started, cancelled and orphaned.
// [C706 12.6.4.9, MS-RPCE 3.3.3.5]
#include "rpc/state.h"

// ---- what a request may be refused with ---------------------------------------------------------

// Answers with a fault; the connection goes on. A limit that is met is a warning.
static void fault(struct rpc_connection *c, enum rpc_log_level level, const cmrp_pdu *pdu,
                  uint32_t status, const char *why) {
    if (c->faults_said < FAULTS_SAID) {
        c->faults_said++;
        rpc_say(c, level, "request %u (opnum %u) fails with 0x%08x: %s%s", pdu->header.call_id,
                pdu->opnum, status, why,
                c->faults_said == FAULTS_SAID ? "; more of this connection is not logged" : "");
    }
    rpc_send_fault(c, &(struct fault){.call_id = pdu->header.call_id,
                                      .context_id = pdu->context_id,
                                      .status = status,
                                      .did_not_execute = true});
}

void rpc_joining_end(struct rpc_connection *c) {
    c->server->memory -= c->joining.stub.capacity;
    buffer_free(&c->joining.stub);
    c->joining.active = false;
}

// The same, by a limit, for the request that is being joined, of which late fragments will be
// dropped.
static void fault_joining(struct rpc_connection *c, uint32_t status, const char *why) {
    const cmrp_pdu pdu = {.header = {.call_id = c->joining.call_id},
                          .context_id = c->joining.context_id,
                          .opnum = c->joining.opnum};
    rpc_joining_end(c);
    fault(c, RPC_LOG_WARNING, &pdu, status, why);
}

static struct rpc_call *find_call(const struct rpc_connection *c, uint32_t call_id) {
    struct rpc_call *call = c->calls;
    while (call != NULL && call->call_id != call_id) {
        call = call->next;
    }
    return call;
}

static const struct context *find_context(const struct rpc_connection *c, uint16_t id) {
    for (size_t i = 0; i < c->context_count; i++) {
        if (c->contexts[i].id == id) {
            return &c->contexts[i];
        }
    }
    return NULL;
}

// Whether a new request may have this identifier. One that is finished may come again: clients
// exist that count only what they have not been answered.
static bool check_call_id(struct rpc_connection *c, const cmrp_pdu *pdu) {
    const uint32_t call_id = pdu->header.call_id;
    if (call_id > CALL_ID_MAXIMUM) {
        rpc_protocol_error(c, call_id, pdu->context_id, "call_id %u is larger than 0x7fffffff",
                           call_id);
    } else if (c->requested && call_id < c->call_id) {
        rpc_protocol_error(c, call_id, pdu->context_id, "call_id %u after %u", call_id, c->call_id);
    } else if (c->requested && call_id == c->call_id && find_call(c, call_id) != NULL) {
        rpc_protocol_error(c, call_id, pdu->context_id, "call_id %u is that of a call in progress",
                           call_id);
    } else if (!c->multiplexes && c->call_count > 0) {
        rpc_protocol_error(c, call_id, pdu->context_id,
                           "request %u before the answer to %u, without concurrent multiplexing",
                           call_id, c->call_id);
    } else {
        c->requested = true;
        c->call_id = call_id;
        return true;
    }
    return false;
}

// Whether the request can be executed. *context is set where it can.
static bool check_request(struct rpc_connection *c, const cmrp_pdu *pdu,
                          const struct context **context) {
    const struct rpc_server *server = c->server;
    *context = find_context(c, pdu->context_id);
    if (*context == NULL) {
        fault(c, RPC_LOG_INFO, pdu, RPC_FAULT_INVALID_CONTEXT_ID, "no such presentation context");
    } else if (pdu->opnum >= server->options.interfaces[(*context)->interface]->opnums) {
        fault(c, RPC_LOG_INFO, pdu, RPC_FAULT_OP_RANGE, "no such method");
    } else if (server->stopped) {
        fault(c, RPC_LOG_INFO, pdu, RPC_FAULT_SERVER_TOO_BUSY, "the server is being stopped");
    } else if (c->call_count >= server->limits.calls) {
        fault(c, RPC_LOG_WARNING, pdu, RPC_FAULT_SERVER_TOO_BUSY,
              "as many calls as the limit are in progress");
    } else {
        return true;
    }
    return false;
}

// ---- starting calls -----------------------------------------------------------------------------

static void dispatch(struct rpc_connection *c, const struct context *context,
                     const struct joining *what, cmrp_view stub) {
    const struct rpc_interface *interface = c->server->options.interfaces[context->interface];
    struct rpc_association *association = &c->group->parts[context->interface];
    struct rpc_call *call = rpc_call_new(c, association, what->call_id, what->context_id);
    const struct rpc_request request = {
        .opnum = what->opnum,
        .syntax = context->syntax,
        .order = what->order,
        .stub = stub,
        .association = association,
        .has_object = what->has_object,
        .object = what->object,
    };
    const bool cancelled = what->cancelled; // *what may be gone when the callback returns
    const uint32_t call_id = what->call_id;
    interface->call(interface->context, call, &request);
    if (cancelled) {
        rpc_co_cancel(c, call_id);
    }
}

static struct joining describe(const cmrp_pdu *pdu) {
    return (struct joining){
        .active = true,
        .cancelled = (pdu->header.flags & CMRP_PFC_PENDING_CANCEL) != 0,
        .call_id = pdu->header.call_id,
        .context_id = pdu->context_id,
        .opnum = pdu->opnum,
        .order = pdu->header.order,
        .has_object = pdu->has_object,
        .object = pdu->object,
    };
}

// ---- joining fragments --------------------------------------------------------------------------

// Gives up the unfinished requests that began first, until `needed` octets are free. Returns false
// where c's own was among them.
static bool make_room(struct rpc_connection *c, size_t needed) {
    struct rpc_server *server = c->server;
    while (server->memory + needed > server->limits.memory) {
        struct rpc_connection *oldest = NULL;
        for (struct rpc_connection *o = server->connections; o != NULL; o = o->next) {
            if (o->joining.active &&
                (oldest == NULL || o->joining.number < oldest->joining.number)) {
                oldest = o;
            }
        }
        if (oldest == NULL) {
            return true;
        }
        rpc_say(oldest, RPC_LOG_WARNING,
                "unfinished requests of all connections hold %llu octets, the limit is %u: the "
                "oldest is given up",
                (unsigned long long)server->memory, server->limits.memory);
        fault_joining(oldest, RPC_FAULT_REMOTE_NO_MEMORY, "it was unfinished for longest");
        if (oldest == c) {
            return false;
        }
    }
    return true;
}

// Adds a fragment's stub. Returns false where the request was given up.
static bool join(struct rpc_connection *c, cmrp_view stub) {
    struct buffer *joined = &c->joining.stub;
    if (stub.size > c->server->limits.stub - joined->size) {
        fault_joining(c, RPC_FAULT_ACCESS_DENIED, "its stub is larger than the limit");
        return false;
    }
    if (!make_room(c, stub.size)) {
        return false;
    }
    const size_t before = joined->capacity;
    buffer_append(joined, stub.data, stub.size);
    c->server->memory += joined->capacity - before;
    return true;
}

static void begin_joining(struct rpc_connection *c, const cmrp_pdu *pdu) {
    if (pdu->alloc_hint > c->server->limits.stub) {
        fault(c, RPC_LOG_WARNING, pdu, RPC_FAULT_ACCESS_DENIED,
              "it announces a stub larger than the limit");
        return;
    }
    c->since = rpc_now(c->server);
    c->joining = describe(pdu);
    c->joining.number = c->server->next_joining++;
    (void)join(c, pdu->stub);
}

// A fragment that is not the first one.
static void continue_joining(struct rpc_connection *c, const cmrp_pdu *pdu, bool last) {
    struct joining *joining = &c->joining;
    const uint32_t call_id = pdu->header.call_id;
    if (!joining->active || joining->call_id != call_id) {
        if (!joining->active && c->requested && call_id <= c->call_id &&
            c->call_id - call_id < OLD_CALLS) {
            return; // of a call that has had its answer
        }
        rpc_protocol_error(c, call_id, joining->active ? joining->context_id : 0,
                           "a fragment that continues no request");
        return;
    }
    if (joining->context_id != pdu->context_id || joining->opnum != pdu->opnum ||
        joining->order != pdu->header.order) {
        rpc_protocol_error(c, call_id, joining->context_id,
                           "a fragment of another context, opnum or byte order than its first");
        return;
    }
    if (!join(c, pdu->stub) || !last) {
        return;
    }
    const struct joining whole = *joining;
    const struct context *context = find_context(c, whole.context_id);
    joining->stub = (struct buffer){0}; // ours from here on
    joining->active = false;
    dispatch(c, context, &whole, buffer_view(&whole.stub));
    c->server->memory -= whole.stub.capacity;
    free(whole.stub.data);
}

void rpc_request_pdu(struct rpc_connection *c, const cmrp_pdu *pdu) {
    const bool first = (pdu->header.flags & CMRP_PFC_FIRST_FRAG) != 0;
    const bool last = (pdu->header.flags & CMRP_PFC_LAST_FRAG) != 0;
    const struct context *context;
    if (pdu->has_auth && c->server->options.security == NULL) {
        fault(c, RPC_LOG_INFO, pdu, RPC_FAULT_ACCESS_DENIED,
              "protected, and there is no security context");
        rpc_give_up(c, "a protected request, and there is no security context");
    } else if (!first) {
        continue_joining(c, pdu, last);
    } else if (c->joining.active) {
        rpc_protocol_error(c, c->joining.call_id, c->joining.context_id,
                           "request %u inside the request %u", pdu->header.call_id,
                           c->joining.call_id);
    } else if (check_call_id(c, pdu) && check_request(c, pdu, &context)) {
        if (!last) {
            begin_joining(c, pdu);
        } else if (pdu->stub.size > c->server->limits.stub) {
            fault(c, RPC_LOG_WARNING, pdu, RPC_FAULT_ACCESS_DENIED,
                  "its stub is larger than the limit");
        } else {
            const struct joining whole = describe(pdu);
            dispatch(c, context, &whole, pdu->stub);
        }
    }
}

// ---- ends ---------------------------------------------------------------------------------------

void rpc_co_cancel(struct rpc_connection *c, uint32_t call_id) {
    struct rpc_call *call = find_call(c, call_id);
    if (c->joining.active && c->joining.call_id == call_id) {
        c->joining.cancelled = true;
    } else if (call != NULL) {
        call->cancels = (uint8_t)(call->cancels + (call->cancels < UINT8_MAX));
        if (call->ended != NULL) {
            call->ended(call->context, RPC_END_CANCELLED);
        }
    }
}

void rpc_orphaned(struct rpc_connection *c, uint32_t call_id) {
    struct rpc_call *call = find_call(c, call_id);
    const bool joining = c->joining.active && c->joining.call_id == call_id;
    if (joining) {
        rpc_joining_end(c);
    } else if (call != NULL) {
        if (call->ended != NULL) {
            call->ended(call->context, RPC_END_GONE);
        }
        rpc_call_free(call);
    }
    if ((joining || call != NULL) && !c->keeps_on_orphan) {
        rpc_give_up(c,
                    "the client has abandoned the call %u, and no connection that is kept then "
                    "was agreed on",
                    call_id);
    }
}
