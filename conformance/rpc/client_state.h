// SPDX-License-Identifier: Apache-2.0
// What the files of the client share: calls that wait or are under way, connections, the clock.
#ifndef RPC_CLIENT_STATE_H
#define RPC_CLIENT_STATE_H

#include "rpc/client.h"
#include "rpc/client_link.h"
#include "util/buffer.h"

enum {
    CALLS_A_CONNECTION = 512, // then another connection takes the next ones
    CANCEL_GRACE = 3000,      // milliseconds that a server has to end a cancelled call
    READ_SIZE = 65536,
};

enum call_state {
    CALL_WAITING, // for a connection
    CALL_SENT,
    CALL_ENDED, // `done` is called when the loop runs next
};

struct rpc_client_call {
    struct rpc_client_call *prev, *next; // in the client's list of this state
    struct rpc_client *client;
    struct rpc_client_request request;
    enum call_state state;
    struct wire *wire; // CALL_SENT
    uint32_t number;   // CALL_SENT
    uint64_t deadline; // of the loop's clock; 0: none
    bool cancelled;    // the deadline is that of the grace
    uint32_t status;   // CALL_ENDED
    bool did_not_execute;
    char *why; // CALL_ENDED; may be NULL
};

// Somebody who waits for the first connection.
struct waiter {
    struct waiter *prev, *next;
    void (*done)(void *context, uint32_t status, const char *why);
    void *context;
    bool ended; // `done` is called when the loop runs next, with:
    uint32_t status;
    char *why;
};

// One TCP connection.
struct wire {
    struct wire *prev, *next;
    struct rpc_client *client;
    uv_tcp_t tcp;
    uv_connect_t connecting;
    struct rpc_link *link; // from when it is connected
    bool mapper;           // asks the endpoint mapper for the port
    bool closing;
    bool first;        // founds the association
    uint64_t deadline; // of the bind; 0 when it has come
};

struct rpc_client {
    uv_loop_t *loop;
    struct rpc_client_options options;
    char *host;

    // where the server is
    uv_getaddrinfo_t resolving;
    bool resolves;
    struct addrinfo *found;  // by the resolver; NULL: nothing is being tried
    struct addrinfo *trying; // one of them
    bool known;              // address is where the first connection went
    struct sockaddr_storage address;
    uint16_t port;     // 0: the endpoint mapper has to be asked
    uint64_t found_by; // time limit of all that founds the association

    // the association
    struct wire *wires;
    bool bound; // there is one
    cmrp_syntax syntax;
    uint32_t group;
    bool multiplexes;
    size_t blocked; // calls under way that may block

    struct rpc_client_call *waiting;
    struct rpc_client_call *sent;
    struct rpc_client_call *ended;
    struct waiter *waiters;

    uv_timer_t clock;
    uint64_t due;   // when the clock will ring; 0: not at all
    size_t handles; // of libuv that are not closed, and requests that are under way
    bool closing;
    bool destroyed; // the clock is being closed
    void (*closed)(void *context);
    void *closed_context;
    char input[READ_SIZE];
};

// ---- client.c -----------------------------------------------------------------------------------

// Sends what waits, as far as connections allow, and opens more of them.
void client_dispatch(struct rpc_client *client);
// A first connection came to be, or did not.
void client_founded(struct rpc_client *client);
void client_unfounded(struct rpc_client *client, uint32_t status, const char *why);
// Calls that nothing can send end, when the loop runs next.
void client_end_waiting(struct rpc_client *client, uint32_t status, const char *why);
// Lets the clock ring then, if it would not before.
void client_ring_at(struct rpc_client *client, uint64_t when);
// A handle of libuv is closed.
void client_released(struct rpc_client *client);
void client_answered(void *wire, void *call, const struct rpc_reply *reply);

// ---- client_wire.c ------------------------------------------------------------------------------

// Finds the server and founds an association.
void wire_found(struct rpc_client *client);
// One more connection for the association.
void wire_join(struct rpc_client *client);
void wire_hang_up(struct wire *wire);
// Closes a connection that is no longer wanted and has no call.
void wire_retire(struct wire *wire);
// Whether the association lives on without it.
bool wire_expendable(const struct wire *wire);
// The time limit of a connection that is not bound yet is met.
void wire_expire(struct wire *wire);

// ---- client_epmap.c -----------------------------------------------------------------------------

extern const cmrp_syntax_id client_epmap_interface;
// Appends the stub of an ept_map that asks for an interface over TCP.
bool client_epmap_encode(const cmrp_syntax_id *interface, cmrp_syntax syntax, struct buffer *stub);
// The port in its answer: RPC_S_OK, else *why says what is wrong with it.
uint32_t client_epmap_decode(const struct rpc_reply *reply, const cmrp_syntax_id *interface,
                             uint16_t *port, const char **why);

#endif
