// SPDX-License-Identifier: Apache-2.0
// A DCE/RPC client over TCP on libuv: one association of as many connections as its calls need.
// [C706 chapters 9 and 12, MS-RPCE 3.3.2]
//
// Calls that may block stand on connections of their own where the server does not grant concurrent
// multiplexing, so that others still pass. Everything happens in the loop's thread; callbacks come
// from uv_run, never from inside the function that was called.
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include <uv.h>

#include "cmrp/method.h"
#include "cmrp/uuid.h"
#include "util/buffer.h"

struct rpc_client;
struct rpc_client_call;

// Win32 codes that calls and connecting end with besides faults of the server [MS-ERREF]: what the
// specification calls the return value when the RPC layer fails.
enum {
    RPC_S_OK = 0,
    RPC_S_ACCESS_DENIED = 5, // ERROR_ACCESS_DENIED
    RPC_S_SERVER_UNAVAILABLE = 1722,
    RPC_S_SERVER_TOO_BUSY = 1723,
    RPC_S_CALL_FAILED = 1726,     // the connection was lost, it may have been executed
    RPC_S_CALL_FAILED_DNE = 1727, // it was not executed
    RPC_S_PROTOCOL_ERROR = 1728,
    RPC_S_UNSUPPORTED_TRANS_SYN = 1730,
    RPC_S_UNKNOWN_IF = 1717,
    RPC_S_UNKNOWN_AUTHN_SERVICE = 1747,
    RPC_S_PROCNUM_OUT_OF_RANGE = 1745,
    RPC_S_CALL_CANCELLED = 1818,
    RPC_S_NOT_REGISTERED = 1753, // EPT_S_NOT_REGISTERED: the endpoint mapper knows no endpoint
    RPC_X_BAD_STUB_DATA = 1783,
    RPC_S_TIMEOUT = 1460, // ERROR_TIMEOUT: this client's own time limit
};

// Which transfer syntaxes are offered.
enum rpc_offer { RPC_OFFER_BOTH, RPC_OFFER_NDR, RPC_OFFER_NDR64 };

struct rpc_client_options {
    const char *host; // name or address
    uint16_t port;    // 0: asks the endpoint mapper
    uint16_t epmap;   // its port; 0: 135
    cmrp_syntax_id interface;
    enum rpc_offer offer;
    bool one_call_a_connection;    // do not offer concurrent multiplexing
    uint32_t connect_milliseconds; // 0: 10,000
    uint32_t call_milliseconds;    // of calls that do not block; 0: 30,000
    uint16_t fragment;             // largest either way; 0: 5,840
    uint32_t connections;          // at most; 0: 64
};

// Never NULL; nothing is sent yet. The options and the host's name are copied.
struct rpc_client *rpc_client_create(uv_loop_t *loop, const struct rpc_client_options *options);
// Ends all calls with RPC_S_CALL_CANCELLED, closes the connections, then calls closed (may be
// NULL) and frees the client. A second time does nothing, and calls nothing.
void rpc_client_close(struct rpc_client *client, void (*closed)(void *context), void *context);

// Connects and binds; the other functions do it when they need it. done is called once, with
// RPC_S_OK or why not; `why`: a sentence, valid during the call.
void rpc_client_connect(struct rpc_client *client,
                        void (*done)(void *context, uint32_t status, const char *why),
                        void *context);
// What was agreed on; of use once a call was answered, or rpc_client_connect has told of success.
cmrp_syntax rpc_client_syntax(const struct rpc_client *client);
bool rpc_client_multiplexes(const struct rpc_client *client);

// How a call ended. status 0: stub is the response's, valid during the callback. fault: status is
// that of the fault PDU, as sent. Otherwise a Win32 code of this client.
struct rpc_reply {
    uint32_t status;
    bool fault;
    bool did_not_execute;
    const char *why; // a sentence, where status is not 0
    cmrp_view stub;
    cmrp_order order;
    cmrp_syntax syntax;
};

enum { RPC_CALL_BLOCKS = 1 }; // no time limit; other calls must be able to pass it

// The stub is asked for when the syntax is known (after the first bind), so that it can be encoded
// for it: `encode` appends to the buffer, and comes at most once; false ends the call with
// RPC_X_BAD_STUB_DATA. `done` comes exactly once.
struct rpc_client_request {
    uint16_t opnum;
    unsigned flags;
    void *context;
    bool (*encode)(void *context, cmrp_syntax syntax, struct buffer *stub);
    void (*done)(void *context, const struct rpc_reply *reply);
};
// The request is copied. The call is valid until its `done` begins.
struct rpc_client_call *rpc_client_call(struct rpc_client *client,
                                        const struct rpc_client_request *request);
// Sends co_cancel; the call ends as the server likes, or with RPC_S_CALL_CANCELLED after a grace of
// some seconds, orphaned. At once: orphaned now.
void rpc_client_cancel(struct rpc_client_call *call, bool at_once);

#endif
