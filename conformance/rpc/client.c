// SPDX-License-Identifier: Apache-2.0
// The client: calls find a connection, end, time out, are cancelled.
#include "rpc/client.h"

#include <stdlib.h>
#include <utlist.h>

#include "rpc/client_state.h"

enum { MAPPER_PORT = 135, CONNECT_TIME = 10000, CALL_TIME = 30000, CONNECTIONS = 64 };

// ---- the clock ----------------------------------------------------------------------------------

static void on_clock(uv_timer_t *timer);

void client_ring_at(struct rpc_client *client, uint64_t when) {
    if (client->destroyed || (client->due != 0 && client->due <= when)) {
        return;
    }
    const uint64_t now = uv_now(client->loop);
    client->due = when > 0 ? when : 1;
    uv_timer_start(&client->clock, on_clock, when > now ? when - now : 0, 0);
}

static void ring_now(struct rpc_client *client) {
    client_ring_at(client, 1);
}

static void earlier(uint64_t *next, uint64_t deadline) {
    if (deadline != 0 && (*next == 0 || deadline < *next)) {
        *next = deadline;
    }
}

// ---- how calls end ------------------------------------------------------------------------------

// Ends a call when the loop runs next.
static void end_later(struct rpc_client_call *call, uint32_t status, bool did_not_execute,
                      const char *why) {
    struct rpc_client *client = call->client;
    if (call->state == CALL_WAITING) {
        DL_DELETE(client->waiting, call);
    } else {
        DL_DELETE(client->sent, call);
        client->blocked -= (call->request.flags & RPC_CALL_BLOCKS) != 0;
    }
    call->state = CALL_ENDED;
    call->status = status;
    call->did_not_execute = did_not_execute;
    call->why = util_strdup(why);
    DL_APPEND(client->ended, call);
    ring_now(client);
}

static void report(struct rpc_client_call *call, const struct rpc_reply *reply) {
    if (call->request.done != NULL) {
        call->request.done(call->request.context, reply);
    }
    free(call->why);
    free(call);
}

void client_answered(void *context, void *call_context, const struct rpc_reply *reply) {
    struct wire *wire = context;
    struct rpc_client_call *call = call_context;
    DL_DELETE(wire->client->sent, call);
    wire->client->blocked -= (call->request.flags & RPC_CALL_BLOCKS) != 0;
    report(call, reply);
}

// The server did not answer in time, or not in time to a cancel.
static void expire(struct rpc_client_call *call) {
    const bool sent = call->state == CALL_SENT;
    if (sent) {
        rpc_link_abandon(call->wire->link, call->number, wire_expendable(call->wire));
        wire_retire(call->wire);
    }
    if (call->cancelled) {
        end_later(call, RPC_S_CALL_CANCELLED, !sent, "the call was cancelled");
    } else {
        end_later(call, RPC_S_TIMEOUT, !sent, "the server did not answer in time");
    }
}

void rpc_client_cancel(struct rpc_client_call *call, bool at_once) {
    const uint64_t grace_ends = uv_now(call->client->loop) + CANCEL_GRACE;
    if (call->state == CALL_ENDED) {
        return;
    }
    const bool again = call->cancelled;
    call->cancelled = true;
    if (at_once || call->state == CALL_WAITING) {
        expire(call);
    } else if (!again) {
        rpc_link_cancel(call->wire->link, call->number);
        call->deadline = grace_ends;
        client_ring_at(call->client, grace_ends);
    }
}

// ---- sending ------------------------------------------------------------------------------------

// Hands a call to a connection.
static void send_call(struct rpc_client_call *call, struct wire *wire) {
    struct rpc_client *client = call->client;
    struct buffer stub = {0};
    if (!call->request.encode(call->request.context, rpc_link_syntax(wire->link), &stub)) {
        buffer_free(&stub);
        end_later(call, RPC_X_BAD_STUB_DATA, true, "the request cannot be encoded");
        return;
    }
    DL_DELETE(client->waiting, call);
    DL_APPEND(client->sent, call);
    client->blocked += (call->request.flags & RPC_CALL_BLOCKS) != 0;
    call->state = CALL_SENT;
    call->wire = wire;
    call->number = rpc_link_call(wire->link, call->request.opnum, buffer_view(&stub), call);
    buffer_free(&stub);
}

// A connection that can take a call, or NULL. Without multiplexing one stays free of calls that
// block.
static struct wire *find_wire(const struct rpc_client *client, bool blocks) {
    struct wire *wire;
    const bool reserved = blocks && !client->multiplexes && client->options.connections > 1 &&
                          client->blocked + 1 >= client->options.connections;
    if (reserved) {
        return NULL;
    }
    DL_FOREACH(client->wires, wire) {
        if (wire->link != NULL && !wire->mapper && rpc_link_ready(wire->link) &&
            rpc_link_calls(wire->link) < CALLS_A_CONNECTION) {
            return wire;
        }
    }
    return NULL;
}

// How many connections there are, and how many of them are not bound yet.
static void count_wires(const struct rpc_client *client, size_t *all, size_t *coming) {
    const struct wire *wire;
    *all = *coming = 0;
    DL_FOREACH(client->wires, wire) {
        ++*all;
        *coming += wire->link == NULL || !rpc_link_bound(wire->link);
    }
}

// Opens connections for calls that found none.
static void open_more(struct rpc_client *client, size_t unserved) {
    size_t all, coming;
    count_wires(client, &all, &coming);
    if (!client->bound) {
        wire_found(client);
        return;
    }
    if (client->group == 0) {
        return; // others cannot join
    }
    // One more of 512 calls each, or of one call each.
    const size_t each = client->multiplexes ? CALLS_A_CONNECTION : 1;
    const size_t wanted = (unserved + each - 1) / each;
    for (; coming < wanted && all < client->options.connections; coming++, all++) {
        wire_join(client);
    }
}

void client_dispatch(struct rpc_client *client) {
    if (client->closing) {
        return;
    }
    size_t unserved = 0;
    struct rpc_client_call *call, *next;
    DL_FOREACH_SAFE(client->waiting, call, next) {
        const bool blocks = (call->request.flags & RPC_CALL_BLOCKS) != 0;
        struct wire *wire = find_wire(client, blocks);
        if (wire != NULL) {
            send_call(call, wire);
        } else {
            unserved++;
        }
    }
    if (unserved > 0) {
        open_more(client, unserved);
    }
}

struct rpc_client_call *rpc_client_call(struct rpc_client *client,
                                        const struct rpc_client_request *request) {
    struct rpc_client_call *call = util_alloc(sizeof *call);
    call->client = client;
    call->request = *request;
    DL_APPEND(client->waiting, call);
    if ((request->flags & RPC_CALL_BLOCKS) == 0) {
        call->deadline = uv_now(client->loop) + client->options.call_milliseconds;
        client_ring_at(client, call->deadline);
    }
    if (client->closing) {
        end_later(call, RPC_S_CALL_CANCELLED, true, "the client is closed");
        return call;
    }
    struct wire *wire = NULL;
    if (call->prev == call) { // nobody waits before it
        wire = find_wire(client, (request->flags & RPC_CALL_BLOCKS) != 0);
    }
    if (wire != NULL) {
        send_call(call, wire);
    } else {
        client_dispatch(client);
    }
    return call;
}

// ---- founding -----------------------------------------------------------------------------------

static void end_waiters(struct rpc_client *client, uint32_t status, const char *why) {
    struct waiter *waiter;
    DL_FOREACH(client->waiters, waiter) {
        if (!waiter->ended) {
            waiter->ended = true;
            waiter->status = status;
            waiter->why = util_strdup(why);
        }
    }
    ring_now(client);
}

void client_end_waiting(struct rpc_client *client, uint32_t status, const char *why) {
    while (client->waiting != NULL) {
        end_later(client->waiting, status, true, why);
    }
}

void client_founded(struct rpc_client *client) {
    end_waiters(client, RPC_S_OK, "connected");
    client_dispatch(client);
}

void client_unfounded(struct rpc_client *client, uint32_t status, const char *why) {
    end_waiters(client, status, why);
    client_end_waiting(client, status, why);
}

void rpc_client_connect(struct rpc_client *client,
                        void (*done)(void *context, uint32_t status, const char *why),
                        void *context) {
    struct waiter *waiter = util_alloc(sizeof *waiter);
    waiter->done = done;
    waiter->context = context;
    DL_APPEND(client->waiters, waiter);
    if (client->closing) {
        end_waiters(client, RPC_S_CALL_CANCELLED, "the client is closed");
    } else if (client->bound) {
        end_waiters(client, RPC_S_OK, "connected");
    } else {
        wire_found(client);
    }
}

// ---- what the clock does ------------------------------------------------------------------------

static void tell_waiters(struct rpc_client *client) {
    struct waiter *waiter, *next;
    DL_FOREACH_SAFE(client->waiters, waiter, next) {
        if (waiter->ended) {
            DL_DELETE(client->waiters, waiter);
            waiter->done(waiter->context, waiter->status, waiter->why);
            free(waiter->why);
            free(waiter);
            next = client->waiters; // the callback may have changed the list
        }
    }
}

static void tell_ended(struct rpc_client *client) {
    while (client->ended != NULL) {
        struct rpc_client_call *call = client->ended;
        DL_DELETE(client->ended, call);
        const struct rpc_reply reply = {.status = call->status,
                                        .did_not_execute = call->did_not_execute,
                                        .why = call->why,
                                        .syntax = client->syntax};
        report(call, &reply);
    }
}

static void check_calls(struct rpc_client_call *list, uint64_t now, uint64_t *next) {
    struct rpc_client_call *call, *following;
    DL_FOREACH_SAFE(list, call, following) {
        if (call->deadline != 0 && call->deadline <= now) {
            expire(call);
        } else {
            earlier(next, call->deadline);
        }
    }
}

static void check_wires(struct rpc_client *client, uint64_t now, uint64_t *next) {
    struct wire *wire, *following;
    DL_FOREACH_SAFE(client->wires, wire, following) {
        if (wire->deadline != 0 && wire->deadline <= now) {
            wire_expire(wire);
            following = client->wires;
        } else {
            earlier(next, wire->deadline);
        }
    }
    if (client->resolves && client->found_by <= now) {
        uv_cancel((uv_req_t *)&client->resolving);
        client_unfounded(client, RPC_S_SERVER_UNAVAILABLE, "the name was not resolved in time");
    } else if (client->resolves) {
        earlier(next, client->found_by);
    }
}

static void destroy(struct rpc_client *client);

static void on_clock(uv_timer_t *timer) {
    struct rpc_client *client = timer->data;
    const uint64_t now = uv_now(client->loop);
    uint64_t next = 0;
    client->due = 0;
    if (!client->closing) {
        check_wires(client, now, &next);
        check_calls(client->waiting, now, &next);
        check_calls(client->sent, now, &next);
    }
    tell_waiters(client);
    tell_ended(client);
    if (client->closing && !client->destroyed) {
        destroy(client);
    } else if (next != 0) {
        client_ring_at(client, next);
    }
}

// ---- life ---------------------------------------------------------------------------------------

static void or_else(uint32_t *value, uint32_t otherwise) {
    *value = *value != 0 ? *value : otherwise;
}

struct rpc_client *rpc_client_create(uv_loop_t *loop, const struct rpc_client_options *options) {
    struct rpc_client *client = util_alloc(sizeof *client);
    client->loop = loop;
    client->options = *options;
    client->host = util_strdup(options->host);
    client->options.host = client->host;
    client->options.epmap = options->epmap != 0 ? options->epmap : MAPPER_PORT;
    or_else(&client->options.connect_milliseconds, CONNECT_TIME);
    or_else(&client->options.call_milliseconds, CALL_TIME);
    or_else(&client->options.connections, CONNECTIONS);
    client->port = options->port;
    uv_timer_init(loop, &client->clock);
    client->clock.data = client;
    client->handles = 1;
    return client;
}

void client_released(struct rpc_client *client) {
    client->handles--;
    if (client->handles > 0) {
        return;
    }
    if (client->closed != NULL) {
        client->closed(client->closed_context);
    }
    free(client->host);
    free(client);
}

static void on_clock_closed(uv_handle_t *handle) {
    client_released(handle->data);
}

static void destroy(struct rpc_client *client) {
    client->destroyed = true;
    while (client->wires != NULL) {
        wire_hang_up(client->wires);
    }
    uv_close((uv_handle_t *)&client->clock, on_clock_closed);
}

void rpc_client_close(struct rpc_client *client, void (*closed)(void *context), void *context) {
    if (client->closing) {
        return;
    }
    client->closing = true;
    client->closed = closed;
    client->closed_context = context;
    if (client->resolves) {
        uv_cancel((uv_req_t *)&client->resolving);
    }
    if (client->found != NULL) {
        uv_freeaddrinfo(client->found);
        client->found = NULL;
    }
    struct rpc_client_call *call, *next;
    DL_FOREACH_SAFE(client->sent, call, next) {
        rpc_link_abandon(call->wire->link, call->number, true);
        end_later(call, RPC_S_CALL_CANCELLED, false, "the client is closed");
    }
    client_end_waiting(client, RPC_S_CALL_CANCELLED, "the client is closed");
    end_waiters(client, RPC_S_CALL_CANCELLED, "the client is closed");
}

cmrp_syntax rpc_client_syntax(const struct rpc_client *client) {
    return client->syntax;
}

bool rpc_client_multiplexes(const struct rpc_client *client) {
    return client->multiplexes;
}
