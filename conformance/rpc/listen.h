// SPDX-License-Identifier: Apache-2.0
// A server of rpc/server.h on TCP sockets, on a libuv loop.
#ifndef RPC_LISTEN_H
#define RPC_LISTEN_H

#include <uv.h>

#include "rpc/server.h"

struct rpc_listener;

// Listens on an IPv4 or IPv6 address; port 0: one that is free. Several listeners may serve one
// server. Returns NULL with *why set (free it). The server must outlive the listener. The process
// ignores SIGPIPE from here on.
struct rpc_listener *rpc_listener_create(uv_loop_t *loop, struct rpc_server *server,
                                         const char *address, uint16_t port, char **why);
// Where it listens: "127.0.0.1:49664", "[::1]:49664". Valid as long as the listener.
const char *rpc_listener_name(const struct rpc_listener *listener);
uint16_t rpc_listener_port(const struct rpc_listener *listener);
// Its IPv4 address in network order; 0.0.0.0 for all of them, and for IPv6.
const uint8_t *rpc_listener_ipv4(const struct rpc_listener *listener);

// Listens no longer. Connections go on until their calls are answered and the answers sent, then
// they are closed; after `milliseconds` those that are left are cut. Then calls `closed` (may be
// NULL) and frees the listener. Who holds calls back should answer them now; to refuse new ones,
// call rpc_server_stop first.
void rpc_listener_close(struct rpc_listener *listener, uint64_t milliseconds,
                        void (*closed)(void *context), void *context);

#endif
