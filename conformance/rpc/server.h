// SPDX-License-Identifier: Apache-2.0
// A DCE/RPC server without I/O (connection-oriented, version 5): octets of connections in, calls of
// interfaces out, answers back into octets. rpc/listen.h puts it on sockets; tests and fuzzers feed
// it by hand. [C706 chapters 9 and 12, MS-RPCE 3.3]
//
// One thread. Callbacks may answer calls, also those of other connections, and open and close
// handles. They must not call rpc_connection_data, rpc_connection_end or rpc_server_destroy: what
// ends a connection comes from the outside, so that no answer makes another call go away.
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "cmrp/method.h"
#include "cmrp/pdu.h"
#include "rpc/fault.h"

struct rpc_server;
struct rpc_connection;
// What one interface has of an association group: its context handles. All connections of the group
// see the same one; a handle that another interface has opened is unknown to it.
struct rpc_association;
struct rpc_call;

// ---- interfaces ---------------------------------------------------------------------------------

// What a request brings. Valid until the interface's callback returns.
struct rpc_request {
    uint16_t opnum;
    cmrp_syntax syntax; // NDR20 or NDR64, from the presentation context
    cmrp_order order;   // from drep
    cmrp_view stub;     // of the whole request; may end with a verification trailer
    struct rpc_association *association;
    bool has_object;
    cmrp_uuid object;
};

struct rpc_interface {
    cmrp_syntax_id id; // UUID and version
    const char *name;  // for the log
    uint16_t opnums;   // requests from here on are faulted with nca_op_rng_error
    void *context;
    // Must lead, now or later, to exactly one rpc_call_respond or rpc_call_fault, unless `gone` of
    // rpc_call_on_end was called before.
    void (*call)(void *context, struct rpc_call *call, const struct rpc_request *request);
};

// Answers. Both free the call. The stub is copied. rpc_call_fault: nothing of the call was done
// when did_not_execute is set.
void rpc_call_respond(struct rpc_call *call, const uint8_t *stub, size_t size);
void rpc_call_fault(struct rpc_call *call, uint32_t status, bool did_not_execute);

// Why a call that is not answered yet is no longer wanted.
enum rpc_end {
    RPC_END_CANCELLED, // co_cancel: the call may be answered early; it is still to be answered
    RPC_END_GONE, // orphaned, or its connection is closed: the call is freed on return and must
                  // not be answered
};
// Called when an unanswered call is no longer wanted. NULL takes it back.
void rpc_call_on_end(struct rpc_call *call, void (*ended)(void *context, enum rpc_end end),
                     void *context);
struct rpc_association *rpc_call_association(const struct rpc_call *call); // that of its request
const char *rpc_call_peer(const struct rpc_call *call);                    // rpc_ends
const uint8_t *rpc_call_local(const struct rpc_call *call); // IPv4 address that the client reached

// ---- context handles ----------------------------------------------------------------------------

// A kind of context handle; compared by address.
struct rpc_handle_kind {
    const char *name; // for the log
    // The client is gone, or the server ends: frees the object. The handle is closed already.
    // Others of the association may be closed here; none may be opened.
    void (*rundown)(void *object);
};

// Whether rpc_handle_open would succeed now: for those who make what the handle is for.
bool rpc_handle_room(struct rpc_association *association, const struct rpc_handle_kind *kind);
// A new handle for `object`: 20 octets, unlike all others of this server. false: the association
// group has as many as it may (limit); object stays the caller's.
bool rpc_handle_open(struct rpc_association *association, const struct rpc_handle_kind *kind,
                     void *object, uint8_t handle[CMRP_HANDLE_SIZE]);
// The object of a handle of this association, with its kind; NULL where there is none such.
void *rpc_handle_find(struct rpc_association *association, const uint8_t handle[CMRP_HANDLE_SIZE],
                      const struct rpc_handle_kind **kind);
// Forgets a handle without rundown; false where there is none such.
bool rpc_handle_close(struct rpc_association *association, const uint8_t handle[CMRP_HANDLE_SIZE]);
// How many handles of a kind (NULL: of all) the server holds.
size_t rpc_handles_open(const struct rpc_server *server, const struct rpc_handle_kind *kind);

// ---- limits -------------------------------------------------------------------------------------

// Bounds; 0 takes the default. Each that is met is logged with its reason.
struct rpc_limits {
    uint32_t connections; // default 1,024: later ones are closed at once
    uint32_t calls;       // unanswered on one connection, default 1,024: nca_server_too_busy
    uint32_t contexts;    // presentation contexts of a connection, default 64: bind_nak 2
    uint32_t handles;     // of one association group, default 65,536
    uint32_t all_handles; // of all of them, default 1,048,576. No association group may have more
                          // than are left for all others, so that small ones always get theirs
    uint32_t stub;        // octets of a joined request, default 4 MiB: fault 5
    uint32_t memory;      // octets of unfinished requests of all connections, default 256 MiB: the
                          // oldest is given up with nca_s_fault_remote_no_memory
    uint32_t output;      // octets of one answer, default 32 MiB: nca_s_fault_remote_no_memory;
                          // with so many waiting to be sent another answer closes the connection
    uint32_t all_output;  // octets waiting on all connections, default 256 MiB: the one of which
                          // most wait is closed
    uint16_t fragment;    // largest fragment either way, default 5,840; at least 1,432
    // Default 30,000: a connection without a bind, or whose octets waiting to be sent do not grow
    // fewer, for so long is closed; so is an unfinished request, of which each octet that has come
    // adds a millisecond.
    uint32_t idle_milliseconds;
};

enum rpc_log_level { RPC_LOG_DEBUG, RPC_LOG_INFO, RPC_LOG_WARNING };

// ---- the seam for security ----------------------------------------------------------------------

enum rpc_handshake {
    RPC_HANDSHAKE_ACCEPTED,
    RPC_HANDSHAKE_UNKNOWN, // an auth_type that is not known: bind_nak 8, fault 5
    RPC_HANDSHAKE_REFUSED, // bind_nak 9, fault 5
};

enum { RPC_TOKEN_MAXIMUM = 1024 };

// How responses and faults are protected. Each carries a sec_trailer and a token of `token` octets
// (at most RPC_TOKEN_MAXIMUM), and its stub is padded to a multiple of 16 octets. token 0: none.
struct rpc_protection {
    uint8_t type;
    uint8_t level;
    uint32_t context_id;
    uint16_t token;
};

// Protects connections; keeps what it must know of one in rpc_connection_security.
struct rpc_security {
    void *context;
    // A token has come with bind, alter_context or auth3 (which has no answer). *answer: a token to
    // send back, or empty; valid until the next call of this structure.
    enum rpc_handshake (*handshake)(void *context, struct rpc_connection *connection,
                                    const cmrp_pdu *pdu, cmrp_view *answer);
    // A PDU that is not of a handshake, with or without a token: opens it in place. `octets` is the
    // whole PDU, into which the views of *pdu point. Returns 0, or the status of a fault.
    uint32_t (*unwrap)(void *context, struct rpc_connection *connection, cmrp_pdu *pdu,
                       uint8_t *octets);
    // How to protect the next PDU to be sent.
    struct rpc_protection (*protection)(void *context, struct rpc_connection *connection);
    // Seals a whole PDU in place; its token, which ends it, is zero so far. `stub` is the place of
    // the stub and its padding.
    void (*wrap)(void *context, struct rpc_connection *connection, uint8_t *octets, size_t size,
                 size_t stub_at, size_t stub_size);
    // The connection is over.
    void (*ended)(void *context, struct rpc_connection *connection);
};

// A pointer for the security, NULL at first.
void **rpc_connection_security(struct rpc_connection *connection);

// ---- server -------------------------------------------------------------------------------------

struct rpc_server_options {
    const struct rpc_interface *const *interfaces; // NULL-terminated; outlive the server
    struct rpc_limits limits;
    const struct rpc_security *security; // NULL: tokens are refused as unknown (bind_nak 8)
    void *context;
    // One line for people, without a newline, with nothing unprintable. May be NULL.
    void (*log)(void *context, enum rpc_log_level level, const char *text);
    // Milliseconds of a clock that does not jump, and random octets for handles. NULL: the
    // system's.
    uint64_t (*now)(void *context);
    void (*random)(void *context, uint8_t *octets, size_t size);
};

// Never NULL. Options are copied, but not what they point to.
struct rpc_server *rpc_server_create(const struct rpc_server_options *options);
// From now on each request is answered with nca_server_too_busy, each bind with bind_nak 1; a
// connection without unanswered calls is sent a shutdown PDU.
void rpc_server_stop(struct rpc_server *server);
// After that: runs all handles down, so that calls which wait for what they stand for are answered.
void rpc_server_run_down(struct rpc_server *server);
size_t rpc_server_calls(const struct rpc_server *server); // unanswered ones
size_t rpc_server_connections(const struct rpc_server *server);
// Ends all connections that there are still (without `close`; they must not be used again), runs
// all handles down. NULL is allowed.
void rpc_server_destroy(struct rpc_server *server);
// Says something in the server's log.
void rpc_server_log(const struct rpc_server *server, enum rpc_log_level level, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

// ---- connections --------------------------------------------------------------------------------

// How a connection reaches its client.
struct rpc_transport {
    void *context;
    // Sends octets, or copies and sends them later. Returns how many it has accepted of this
    // connection, in all, and not sent yet. Must not call back.
    size_t (*send)(void *context, const uint8_t *octets, size_t size);
    // The server gives the connection up: what was accepted is still to be sent unless `drop`, what
    // comes is of no interest. Called once; rpc_connection_end must follow, later, unless the
    // server is destroyed.
    void (*close)(void *context, bool drop);
};

// Who talks to whom. All is copied.
struct rpc_ends {
    const char *client; // address without port, by which association groups are told apart
    const char *peer;   // the client for the log, such as "127.0.0.1:50000"
    const char *port;   // what sec_addr says, such as "49664"
    uint8_t local[4];   // the server's IPv4 address, as far as there is one
};

// NULL: too many connections, and nothing was called.
struct rpc_connection *rpc_connection_create(struct rpc_server *server,
                                             const struct rpc_transport *transport,
                                             const struct rpc_ends *ends);
// Octets have come, in pieces of any size. They are not looked at once the connection was given up.
// While rpc_connection_full they are kept, so that no more should be read from the client.
void rpc_connection_data(struct rpc_connection *connection, const uint8_t *octets, size_t size);
// Whether requests wait: because much waits to be sent, or because it is the turn of others.
bool rpc_connection_full(const struct rpc_connection *connection);
// The latter: when others have had their turn, call rpc_connection_waiting, whatever has changed.
bool rpc_connection_resting(const struct rpc_connection *connection);
// What `send` has returned has changed since. May call back, as rpc_connection_data does.
void rpc_connection_waiting(struct rpc_connection *connection, size_t octets);
// How many calls are to be answered on it.
size_t rpc_connection_calls(const struct rpc_connection *connection);
// Looks at the clock: whether a limit of time is met. Call every second or so.
void rpc_connection_tick(struct rpc_connection *connection);
// The connection is over; frees it and its calls. With its last connection an association group's
// handles are run down.
void rpc_connection_end(struct rpc_connection *connection);

#endif
