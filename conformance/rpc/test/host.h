// SPDX-License-Identifier: Apache-2.0
// A scripted server on a socket for tests of the client: what it does with a call is told by the
// opnum. It also maps endpoints.
#ifndef RPC_TEST_HOST_H
#define RPC_TEST_HOST_H

#include <uv.h>

#include "peer.h"

enum {
    HOST_ECHO = 1,     // answers with the stub
    HOST_HOLD = 2,     // does not answer before HOST_RELEASE, or a cancel
    HOST_RELEASE = 3,  // answers itself, and with it what is held on all connections
    HOST_FAULT = 4,    // answers with fault 5
    HOST_HANG_UP = 5,  // closes the connection
    HOST_SILENT = 6,   // never answers
    HOST_NONSENSE = 7, // breaks the protocol
    HOST_SHUTDOWN = 8, // answers, and sends a shutdown PDU
    HOST_LONG = 9,     // answers with 100,000 octets
};

enum { HOST_CONNECTIONS = 64 };

struct host_connection;

struct host {
    uv_tcp_t listener;
    uint16_t port;
    // how it behaves
    bool multiplex;
    bool keeps_orphans;
    bool ignores_cancel;
    bool mute; // accepts connections and says nothing
    bool refuse_ndr64;
    bool unregistered;    // as an endpoint mapper
    uint16_t mapped_port; // what it answers as an endpoint mapper
    // what it saw
    struct host_connection *connections[HOST_CONNECTIONS];
    unsigned accepted;
    unsigned groups; // associations that were founded
    unsigned joined;
    unsigned cancels;
    unsigned orphans;
};

void host_open(struct host *host, uv_loop_t *loop);
void host_close(struct host *host); // its connections too; the loop must run to the end afterwards
// Closes its connections.
void host_hang_up(struct host *host);

#endif
