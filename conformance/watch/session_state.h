// SPDX-License-Identifier: Apache-2.0
// What the files of a session share.
#ifndef WATCH_SESSION_STATE_H
#define WATCH_SESSION_STATE_H

#include "rpc/method_call.h"
#include "watch/session.h"

// A handle of the server that may be open.
struct session_handle {
    bool open;
    uint8_t octets[CMRP_HANDLE_SIZE];
};

struct watch_session {
    struct watch_session_options options;
    char *registry, *batches;
    struct rpc_client *client;
    size_t step;   // of opening, or of closing
    uint32_t type; // opening: whose filter is registered next
    unsigned kept; // filters that the server took
    bool no_v2;    // the server does not know version 2 ports
    bool ready;
    bool failed;
    bool leaving;
    bool closing;   // the client is
    bool hungry[3]; // a Get is not sent because there were too many events; by watch_kind
    struct session_handle cluster, root, registry_key, batch_key, port_v2, port_v1, batch_port;
    char *cluster_name;
    char *node_name;
    void (*gone)(void *context);
};

// The next thing to do of opening.
void session_open_next(struct watch_session *session);
// Sends the call that waits for events of a kind, or remembers that it has to be sent.
void session_get(struct watch_session *session, enum watch_kind kind);
void session_fail(struct watch_session *session, enum watch_trouble trouble, const char *why);
// "ApiOpenCluster: ERROR_ACCESS_DENIED (5)"; and what that means for the session.
void session_fail_reply(struct watch_session *session, const struct method_reply *reply);
// Whether the server says that it does not have this method.
bool session_unknown_method(const struct method_reply *reply);
// The status in words; free() it.
char *session_status(const struct method_reply *reply);

#endif
