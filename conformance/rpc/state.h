// SPDX-License-Identifier: Apache-2.0
// The server's structures, for its source files.
#ifndef RPC_STATE_H
#define RPC_STATE_H

#include <stdlib.h>

#include "rpc/server.h"
#include "util/buffer.h"
#include "util/outcome.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>
#include <utlist.h>

enum {
    FRAGMENT_MINIMUM = 1432,     // what both sides must be able to receive [C706 12.6.3.1]
    CALL_HEADER_SIZE = 24,       // of a request, response or fault, with the common header
    STUB_ALIGNMENT = 16,         // of a protected stub [MS-RPCE 2.2.2.11]
    OLD_CALLS = 150,             // late fragments of so many calls are dropped [MS-RPCE 3.3.3.5.6]
    CALL_ID_MAXIMUM = INT32_MAX, // [MS-RPCE 3.3.3.5.2, note 123]
    OUTPUT_PIECE = 65536,        // answers are handed on when they are larger than this
    SPARE_CALLS = 1024,          // freed calls that are kept for new ones
    FAULTS_SAID = 100,           // of one connection, so that no client fills the log
    FEATURE_MULTIPLEX_SECURITY = 1, // bits of bind-time feature negotiation [MS-RPCE 2.2.2.14]
    FEATURE_KEEP_ON_ORPHAN = 2,
};

enum { // provider_reject_reason of a bind_nak [C706 12.6.3.1, MS-RPCE 2.2.2.9]
    NAK_NOT_SPECIFIED = 0,
    NAK_CONGESTION = 1,
    NAK_LOCAL_LIMIT = 2,
    NAK_VERSION = 4,
    NAK_AUTH_TYPE = 8,
    NAK_CHECKSUM = 9,
};

struct handle {
    uint8_t id[CMRP_UUID_SIZE];
    const struct rpc_handle_kind *kind;
    void *object;
    UT_hash_handle hh;
};

struct rpc_association {
    struct group *group;
    struct handle *handles;
};

// An association group. One struct rpc_association for each interface of the server.
struct group {
    uint32_t id;
    struct rpc_server *server;
    char *client;
    size_t connections;
    size_t handles;
    UT_hash_handle hh;
    struct rpc_association parts[];
};

// A presentation context that was accepted.
struct context {
    uint16_t id;
    uint16_t interface; // index into server->interfaces
    cmrp_syntax syntax;
};

// A request whose last fragment has not come.
struct joining {
    bool active;
    bool cancelled;
    uint64_t number; // in the order in which they began
    uint32_t call_id;
    uint16_t context_id;
    uint16_t opnum;
    cmrp_order order;
    bool has_object;
    cmrp_uuid object;
    struct buffer stub;
};

struct rpc_call {
    struct rpc_connection *connection;
    struct rpc_association *association;
    uint32_t call_id;
    uint16_t context_id;
    uint8_t cancels;
    void (*ended)(void *context, enum rpc_end end);
    void *context;
    struct rpc_call *prev;
    struct rpc_call *next;
};

struct rpc_connection {
    struct rpc_server *server;
    struct rpc_transport transport;
    char *client;
    char *peer;
    char *port;
    uint8_t local[4];
    struct rpc_connection *prev;
    struct rpc_connection *next;

    bool shutdown_sent;
    unsigned faults_said; // in the log, at most FAULTS_SAID
    bool closed;          // given up: nothing is sent or looked at any more
    struct group *group;  // NULL: not bound
    uint16_t fragment;    // largest that is sent
    bool multiplexes;
    bool keeps_on_orphan;
    struct context *contexts;
    size_t context_count;
    void *security;

    struct buffer held;    // octets that are not looked at yet: too much waits to be sent
    struct buffer partial; // of an unfinished PDU
    size_t expected;       // its size; 0: its header is not whole
    struct joining joining;
    uint64_t created;
    bool unfinished;   // a PDU or request
    uint64_t since;    // when what is unfinished began
    uint64_t received; // octets of it

    bool requested;   // a request has come
    uint32_t call_id; // the highest of a request
    struct rpc_call *calls;
    size_t call_count;

    size_t waiting;         // octets to be sent
    uint64_t waiting_since; // when they last grew fewer
};

struct rpc_server {
    struct rpc_server_options options;
    struct rpc_limits limits;
    uint16_t interface_count;
    bool stopped;
    struct rpc_connection *connections;
    size_t connection_count;
    struct group *groups;
    uint32_t next_group;
    size_t handle_count;
    size_t call_count;
    size_t waiting; // octets to be sent, of all connections
    struct rpc_call *spare_calls;
    size_t spare_call_count;
    uint64_t memory; // octets of requests being joined
    uint64_t next_joining;

    struct rpc_connection *corked; // its answers wait in `output`
    struct buffer output;
    struct buffer scratch; // answers of other connections
    struct buffer opened;  // a PDU that is opened in place
    uint8_t random[512];
    size_t random_left;
};

// server.c
uint64_t rpc_now(const struct rpc_server *server);
void rpc_random(struct rpc_server *server, uint8_t *octets, size_t size);
// Says something about a connection.
void rpc_say(const struct rpc_connection *c, enum rpc_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// connection.c
// Gives the connection up, and says why. A limit that is met is a warning.
void rpc_give_up_at(struct rpc_connection *c, enum rpc_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define rpc_give_up(c, ...) rpc_give_up_at(c, RPC_LOG_INFO, __VA_ARGS__)
// Whether the client may be sent one more answer. Where too much waits already, those who do not
// read are given up.
bool rpc_may_send(struct rpc_connection *c);
// What is to be sent next is written behind what this returns; then rpc_output_done.
struct buffer *rpc_output(struct rpc_connection *c);
void rpc_output_done(struct rpc_connection *c, struct buffer *output);

// bind.c
void rpc_bind(struct rpc_connection *c, const cmrp_pdu *pdu);
void rpc_alter_context(struct rpc_connection *c, const cmrp_pdu *pdu);
void rpc_auth3(struct rpc_connection *c, const cmrp_pdu *pdu);
// Refuses a bind, and gives the connection up.
void rpc_bind_nak(struct rpc_connection *c, uint32_t call_id, uint16_t reason, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

// request.c
void rpc_request_pdu(struct rpc_connection *c, const cmrp_pdu *pdu);
void rpc_co_cancel(struct rpc_connection *c, uint32_t call_id);
void rpc_orphaned(struct rpc_connection *c, uint32_t call_id);
// Forgets the request that is being joined.
void rpc_joining_end(struct rpc_connection *c);

// call.c
struct rpc_call *rpc_call_new(struct rpc_connection *c, struct rpc_association *association,
                              uint32_t call_id, uint16_t context_id);
void rpc_call_free(struct rpc_call *call);
// Tells the owners of the connection's calls that these are gone, and frees them.
void rpc_calls_gone(struct rpc_connection *c);

// What a fault says besides its status.
struct fault {
    uint32_t call_id;
    uint16_t context_id;
    uint8_t cancels;
    uint32_t status;
    bool did_not_execute;
};
// Tells the client of a server that stops to close, once nothing is left to be answered: clients
// exist that take whatever comes for the answer they wait for.
void rpc_send_shutdown(struct rpc_connection *c);
void rpc_send_fault(struct rpc_connection *c, const struct fault *fault);
// Answers a PDU that breaks the protocol with nca_proto_error, and gives the connection up.
void rpc_protocol_error(struct rpc_connection *c, uint32_t call_id, uint16_t context_id,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));
// Encodes a PDU to be sent. `stub` is not protected.
void rpc_send_pdu(struct rpc_connection *c, cmrp_pdu *pdu);

// handle.c
// A group of its own, or the one of this identifier; NULL: there is none that it may join.
struct group *rpc_group_join(struct rpc_connection *c, uint32_t id);
// Runs the handles down where this was the last connection.
void rpc_group_leave(struct rpc_connection *c);

#endif
