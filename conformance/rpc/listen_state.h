// SPDX-License-Identifier: Apache-2.0
// The structures of listeners, for their source files.
#ifndef RPC_LISTEN_STATE_H
#define RPC_LISTEN_STATE_H

#include <netinet/in.h>

#include "rpc/listen.h"

enum {
    LISTEN_READ_SIZE = 65536,
    LISTEN_NAME_SIZE = INET6_ADDRSTRLEN + 10,
};

// A client's socket.
struct link {
    struct rpc_listener *listener;
    struct rpc_connection *connection; // NULL: the server refused it
    uv_tcp_t tcp;
    uv_shutdown_t shutdown;
    size_t waiting; // octets that are not sent yet
    bool reading;
    bool ending;    // given up: to be closed when all is sent
    bool shut;      // all is sent, and the client was told so
    bool closing;   // uv_close was called
    uint64_t since; // ending, or the last progress of it
    struct link *prev;
    struct link *next;
};

struct rpc_listener {
    uv_loop_t *loop;
    struct rpc_server *server;
    int socket; // -1: closed
    uv_poll_t poll;
    uv_timer_t timer;
    uv_timer_t retry;
    uv_idle_t turn;   // runs while a connection rests
    unsigned handles; // of the four above, open
    bool starved;     // descriptors ran out, and it was said
    char name[LISTEN_NAME_SIZE];
    char port_text[8];
    uint16_t port;
    uint8_t ipv4[4];
    struct link *links;
    bool closing;
    uint64_t deadline;
    void (*closed)(void *context);
    void *context;
    uint8_t input[LISTEN_READ_SIZE]; // one is enough: what is read is looked at at once
};

// listen.c
// A connection rests: it has its next turn after all others.
void rpc_listen_turn(struct rpc_listener *listener);
// Frees the listener where nothing of it is left.
void rpc_listen_end(struct rpc_listener *listener);

// listen_link.c
// How the server reaches a client.
struct rpc_transport rpc_link_transport(struct link *link);
void rpc_link_read(struct link *link, bool on);
void rpc_link_close(struct link *link);
// Looks at the requests of a connection that rests.
void rpc_link_turn(struct link *link);
// Looks at the clock. late: the listener's patience is over.
void rpc_link_tick(struct link *link, bool late);

#endif
