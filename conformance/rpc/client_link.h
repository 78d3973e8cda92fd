// SPDX-License-Identifier: Apache-2.0
// One client connection without I/O: octets of the server in, ended calls out, requests into
// octets. [C706 chapters 9 and 12, MS-RPCE 3.3.2]
//
// What the server sends is not trusted: the first PDU that breaks the protocol ends the connection
// with RPC_S_PROTOCOL_ERROR. Callbacks may start and abandon calls; they must not free the link.
#ifndef RPC_CLIENT_LINK_H
#define RPC_CLIENT_LINK_H

#include "cmrp/pdu.h"
#include "rpc/client.h"

struct rpc_link;

enum {
    RPC_LINK_FRAGMENT = 5840,             // largest fragment either way, unless the options say
    RPC_LINK_FRAGMENT_MINIMUM = 1432,     // what everyone accepts [C706 12.6.3.1]
    RPC_LINK_RESPONSE_MAXIMUM = 64 << 20, // octets of a joined response
};

struct rpc_link_options {
    cmrp_syntax_id interface;
    enum rpc_offer offer;
    uint32_t group;    // association to join; 0: a new one
    bool multiplex;    // offer concurrent calls
    uint16_t fragment; // 0: RPC_LINK_FRAGMENT; at least RPC_LINK_FRAGMENT_MINIMUM
    uint32_t response; // 0: RPC_LINK_RESPONSE_MAXIMUM
    void *context;
    // Octets for the server; copies or sends them. May not call back.
    void (*send)(void *context, const uint8_t *octets, size_t size);
    // The bind is accepted: calls may start.
    void (*bound)(void *context);
    // A call has ended; the reply is valid during the callback.
    void (*answered)(void *context, void *call, const struct rpc_reply *reply);
    // The connection is of no more use and should be closed; all calls have ended before.
    void (*failed)(void *context, uint32_t status, const char *why);
};

// Sends the bind. Never NULL; the options are copied.
struct rpc_link *rpc_link_create(const struct rpc_link_options *options);
void rpc_link_free(struct rpc_link *link); // calls nobody back

// Octets have come, in pieces of any size.
void rpc_link_data(struct rpc_link *link, const uint8_t *octets, size_t size);
// The connection is lost: ends what is outstanding with RPC_S_CALL_FAILED, or, before the bind was
// accepted, fails with RPC_S_SERVER_UNAVAILABLE.
void rpc_link_lost(struct rpc_link *link, const char *why);

// Once bound.
bool rpc_link_bound(const struct rpc_link *link);
cmrp_syntax rpc_link_syntax(const struct rpc_link *link);
bool rpc_link_multiplexes(const struct rpc_link *link);
uint32_t rpc_link_group(const struct rpc_link *link); // 0: the server does not let others join
// Whether a call may start now: bound, neither failed nor shut down by the server, and either
// multiplexing or without a call.
bool rpc_link_ready(const struct rpc_link *link);
size_t rpc_link_calls(const struct rpc_link *link); // neither answered nor abandoned
// The server wants no new calls (shutdown PDU), or an orphaned call may not be followed by another
// one: to be closed when rpc_link_calls says 0.
bool rpc_link_closing(const struct rpc_link *link);

// Starts a call, which must be ready: sends all fragments of its request. Returns its number.
// `call` is what `answered` gets.
uint32_t rpc_link_call(struct rpc_link *link, uint16_t opnum, cmrp_view stub, void *call);
// Asks the server to end the call (co_cancel). Its answer is still to come.
void rpc_link_cancel(struct rpc_link *link, uint32_t number);
// Forgets a call: `answered` will not be called, its answer is dropped. Says so to the server
// (orphaned) where the connection can outlive that, or where it is expendable and has no other
// call. [MS-RPCE 3.3.1.5.10]
void rpc_link_abandon(struct rpc_link *link, uint32_t number, bool expendable);

#endif
