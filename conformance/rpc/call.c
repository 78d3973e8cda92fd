// SPDX-License-Identifier: Apache-2.0
// Calls and their answers.
#include <stdarg.h>
#include <stdio.h>

#include "rpc/state.h"

enum {
    STUB_ALIGNMENT_PLAIN = 8, // of the shares of a stub that is not protected
    FAULT_SIZE = 32, // alloc_hint of a fault without extended error information [MS-RPCE 2.2.2.9]
};

static const uint8_t drep[4] = {0x10, 0, 0, 0}; // little-endian, ASCII, IEEE
static const uint8_t zeros[RPC_TOKEN_MAXIMUM];

// ---- calls --------------------------------------------------------------------------------------

struct rpc_call *rpc_call_new(struct rpc_connection *c, struct rpc_association *association,
                              uint32_t call_id, uint16_t context_id) {
    struct rpc_server *server = c->server;
    struct rpc_call *call = server->spare_calls;
    if (call != NULL) {
        server->spare_calls = call->next;
        server->spare_call_count--;
    } else {
        call = util_alloc(sizeof *call);
    }
    *call = (struct rpc_call){
        .connection = c, .association = association, .call_id = call_id, .context_id = context_id};
    DL_APPEND(c->calls, call);
    c->call_count++;
    server->call_count++;
    return call;
}

void rpc_call_free(struct rpc_call *call) {
    struct rpc_connection *c = call->connection;
    struct rpc_server *server = c->server;
    DL_DELETE(c->calls, call);
    c->call_count--;
    server->call_count--;
    if (server->spare_call_count >= SPARE_CALLS) {
        free(call);
        return;
    }
    call->next = server->spare_calls;
    server->spare_calls = call;
    server->spare_call_count++;
}

void rpc_calls_gone(struct rpc_connection *c) {
    while (c->calls != NULL) {
        struct rpc_call *call = c->calls;
        if (call->ended != NULL) {
            call->ended(call->context, RPC_END_GONE);
        }
        rpc_call_free(call);
    }
}

void rpc_call_on_end(struct rpc_call *call, void (*ended)(void *context, enum rpc_end end),
                     void *context) {
    call->ended = ended;
    call->context = context;
}

struct rpc_association *rpc_call_association(const struct rpc_call *call) {
    return call->association;
}

const char *rpc_call_peer(const struct rpc_call *call) {
    return call->connection->peer;
}

const uint8_t *rpc_call_local(const struct rpc_call *call) {
    return call->connection->local;
}

// ---- PDUs ---------------------------------------------------------------------------------------

static struct rpc_protection protection_of(struct rpc_connection *c) {
    const struct rpc_security *security = c->server->options.security;
    return security == NULL ? (struct rpc_protection){0}
                            : security->protection(security->context, c);
}

// Appends a PDU to the output, with room for a token where it is to be protected.
static void put_pdu(struct rpc_connection *c, cmrp_pdu *pdu,
                    const struct rpc_protection *protection) {
    const struct rpc_security *security = c->server->options.security;
    struct buffer *output = rpc_output(c);
    cmrp_error error = {0};
    cmrp_writer w;
    const size_t padding = -pdu->stub.size & (STUB_ALIGNMENT - 1);
    if (protection->token > 0) {
        pdu->has_auth = true;
        pdu->auth_type = protection->type;
        pdu->auth_level = protection->level;
        pdu->auth_context_id = protection->context_id;
        pdu->auth_padding = (cmrp_view){zeros, padding};
        pdu->auth_token = (cmrp_view){zeros, protection->token};
    }
    buffer_reserve(output, CMRP_PDU_MAXIMUM);
    uint8_t *at = output->data + output->size;
    cmrp_writer_init(&w, at, CMRP_PDU_MAXIMUM, &error, "");
    memcpy(pdu->header.drep, drep, sizeof drep);
    if (!cmrp_pdu_encode(pdu, &w)) {
        abort(); // all that is sent fits
    }
    output->size += w.size;
    if (protection->token > 0) {
        const size_t sealed = pdu->stub.size + padding;
        const size_t stub_at = w.size - protection->token - CMRP_SEC_TRAILER_SIZE - sealed;
        security->wrap(security->context, c, at, w.size, stub_at, sealed);
    }
    rpc_output_done(c, output);
}

void rpc_send_pdu(struct rpc_connection *c, cmrp_pdu *pdu) {
    pdu->header.flags |= CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    if (rpc_may_send(c)) {
        put_pdu(c, pdu, &(struct rpc_protection){0});
    }
}

void rpc_send_fault(struct rpc_connection *c, const struct fault *fault) {
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_FAULT,
                   .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                   .call_id = fault->call_id},
        .alloc_hint = FAULT_SIZE,
        .context_id = fault->context_id,
        .cancel_count = fault->cancels,
        .status = fault->status,
    };
    if (fault->did_not_execute) {
        pdu.header.flags |= CMRP_PFC_DID_NOT_EXECUTE;
    }
    if (rpc_may_send(c)) {
        const struct rpc_protection protection = protection_of(c);
        put_pdu(c, &pdu, &protection);
    }
}

void rpc_send_shutdown(struct rpc_connection *c) {
    if (c->server->stopped && c->group != NULL && c->call_count == 0 && !c->shutdown_sent) {
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_SHUTDOWN}};
        c->shutdown_sent = true;
        rpc_send_pdu(c, &pdu);
    }
}

void rpc_protocol_error(struct rpc_connection *c, uint32_t call_id, uint16_t context_id,
                        const char *format, ...) {
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rpc_send_fault(c, &(struct fault){.call_id = call_id,
                                      .context_id = context_id,
                                      .status = RPC_FAULT_PROTOCOL_ERROR,
                                      .did_not_execute = true});
    rpc_give_up(c, "protocol error: %s", text);
}

// ---- answers ------------------------------------------------------------------------------------

// How much of a stub a fragment carries, unless it is the last.
static size_t share_of(const struct rpc_connection *c, const struct rpc_protection *protection) {
    size_t room = c->fragment - (size_t)CALL_HEADER_SIZE;
    if (protection->token == 0) {
        return room & ~(size_t)(STUB_ALIGNMENT_PLAIN - 1);
    }
    room -= (size_t)CMRP_SEC_TRAILER_SIZE + protection->token;
    return room & ~(size_t)(STUB_ALIGNMENT - 1);
}

static void send_response(const struct rpc_call *call, const uint8_t *stub, size_t size) {
    struct rpc_connection *c = call->connection;
    size_t at = 0;
    do {
        const struct rpc_protection protection = protection_of(c);
        const size_t share = share_of(c, &protection);
        const bool last = size - at <= share;
        cmrp_pdu pdu = {
            .header = {.ptype = CMRP_PTYPE_RESPONSE,
                       .flags = (uint8_t)((at == 0 ? CMRP_PFC_FIRST_FRAG : 0) |
                                          (last ? CMRP_PFC_LAST_FRAG : 0)),
                       .call_id = call->call_id},
            .alloc_hint = (uint32_t)(size - at),
            .context_id = call->context_id,
            .cancel_count = call->cancels,
            .stub = {size > 0 ? stub + at : NULL, last ? size - at : share},
        };
        put_pdu(c, &pdu, &protection);
        at += pdu.stub.size;
    } while (at < size && !c->closed);
}

static void end_call(struct rpc_call *call) {
    struct rpc_connection *c = call->connection;
    rpc_call_free(call);
    rpc_send_shutdown(c);
}

void rpc_call_respond(struct rpc_call *call, const uint8_t *stub, size_t size) {
    struct rpc_connection *c = call->connection;
    if (size > c->server->limits.output) {
        if (c->faults_said < FAULTS_SAID) {
            c->faults_said++;
            rpc_say(c, RPC_LOG_WARNING,
                    "request %u fails: its answer of %zu octets is larger than the limit of %u",
                    call->call_id, size, c->server->limits.output);
        }
        rpc_call_fault(call, RPC_FAULT_REMOTE_NO_MEMORY, false);
        return;
    }
    if (rpc_may_send(c)) {
        send_response(call, stub, size);
    }
    end_call(call);
}

void rpc_call_fault(struct rpc_call *call, uint32_t status, bool did_not_execute) {
    rpc_send_fault(call->connection, &(struct fault){.call_id = call->call_id,
                                                     .context_id = call->context_id,
                                                     .cancels = call->cancels,
                                                     .status = status,
                                                     .did_not_execute = did_not_execute});
    end_call(call);
}
