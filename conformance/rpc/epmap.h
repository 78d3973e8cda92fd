// SPDX-License-Identifier: Apache-2.0
// An endpoint mapper as an interface of rpc/server.h: tells clients the TCP ports of interfaces.
// [C706 appendix O, MS-RPCE 2.2.1.2]
#ifndef RPC_EPMAP_H
#define RPC_EPMAP_H

#include "rpc/server.h"

enum { RPC_EPMAP_PORT = 135 };

struct rpc_epmap;

struct rpc_epmap *rpc_epmap_create(void); // knows of no interface; never NULL
// Registers an interface, in NDR20 and NDR64, on a TCP port. address: IPv4, in network order;
// 0.0.0.0: the address at which the client reached the endpoint mapper. annotation: for ept_lookup,
// what is beyond 63 octets is cut off. All is copied.
void rpc_epmap_add(struct rpc_epmap *epmap, const cmrp_syntax_id *interface, const char *annotation,
                   uint16_t port, const uint8_t address[4]);
// To be served; lives as long as the endpoint mapper.
const struct rpc_interface *rpc_epmap_interface(const struct rpc_epmap *epmap);
// After the server that served it. NULL is allowed.
void rpc_epmap_destroy(struct rpc_epmap *epmap);

#endif
