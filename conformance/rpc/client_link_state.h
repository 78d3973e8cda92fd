// SPDX-License-Identifier: Apache-2.0
// What the files of one client connection share.
#ifndef RPC_CLIENT_LINK_STATE_H
#define RPC_CLIENT_LINK_STATE_H

#include <uthash.h>

#include "rpc/client_link.h"
#include "util/buffer.h"

// A call that is not answered yet.
struct link_call {
    uint32_t number; // call_id
    void *context;
    bool begun; // a fragment of the response has come
    bool abandoned;
    cmrp_order order;
    struct buffer stub; // of a response in fragments
    UT_hash_handle hh;
};

struct rpc_link {
    struct rpc_link_options options;
    bool bound;
    bool dead;
    bool closing;
    bool multiplexes;
    bool keeps_open; // KeepConnectionOnOrphanSupported was agreed on
    cmrp_syntax syntax;
    uint16_t context_id;
    uint16_t announced; // the largest fragment that we accept
    uint16_t fragment;  // the largest one that the server does
    uint32_t response;
    uint32_t group;
    uint32_t last_number;
    uint64_t consumed; // octets of the stream before what is looked at
    struct link_call *calls;
    size_t abandoned;  // of the calls
    bool orphaned;     // some calls were, whose answers may still come
    struct buffer in;  // the beginning of a PDU
    struct buffer out; // the PDU that is sent
};

cmrp_pdu rpc_link_pdu(cmrp_ptype type, unsigned flags, uint32_t call_id);
void rpc_link_send(struct rpc_link *link, const cmrp_pdu *pdu);
// Ends all calls and the connection.
void rpc_link_end(struct rpc_link *link, uint32_t status, const char *why);
// The server breaks the protocol: the same with RPC_S_PROTOCOL_ERROR. Returns false.
bool rpc_link_violation(struct rpc_link *link, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void rpc_link_send_bind(struct rpc_link *link);
// A PDU before the bind was accepted.
bool rpc_link_on_bind(struct rpc_link *link, const cmrp_pdu *pdu);

#endif
