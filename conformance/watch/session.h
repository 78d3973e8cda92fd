// SPDX-License-Identifier: Apache-2.0
// One connection to a cluster: its handles, ports and filters, and the calls that wait for events.
// [MS-CMRP 3.2.4.5]
#ifndef WATCH_SESSION_H
#define WATCH_SESSION_H

#include "watch/event.h"
#include "watch/filter.h"

struct watch_session;

// Why a session ended, or did not come to be.
enum watch_trouble {
    WATCH_LOST,    // the connection or the node: worth another try [MS-CMRP 3.2.4.6]
    WATCH_REFUSED, // the server does not do what was asked for
};

struct watch_session_options {
    uv_loop_t *loop;
    struct rpc_client_options server;
    struct watch_filter filter; // without flags: no notification port
    const char *registry;       // key of registry notifications, "" for the root
    const char *batches;        // key of the batch port, "" for the root; NULL: none
    void *context;
    // Everything is registered. `what`: a sentence without a full stop.
    void (*ready)(void *context, const char *what);
    // Something that is not served as asked for, and what is done instead.
    void (*note)(void *context, const char *text);
    void (*event)(void *context, struct watch_event *event); // whose owner the callee becomes
    // The session is of no more use: to be dropped. Comes once, and not after watch_session_end.
    void (*failed)(void *context, enum watch_trouble trouble, const char *why);
    // A registry value as it is before changes are watched. May be NULL: they are not read.
    void (*learn)(void *context, const struct watch_text *key, const struct watch_text *name,
                  const struct watch_value *value);
    // That was all; complete: of all that there are.
    void (*learned)(void *context, bool complete);
    // Whether more events may come now; if not, watch_session_resume is called later.
    bool (*hungry)(void *context);
};

// Never NULL. Connects and registers, later. The options are copied, and so are the names of keys;
// the server's host must stay.
struct watch_session *watch_session_create(const struct watch_session_options *options);
// Asks for events again after hungry said no.
void watch_session_resume(struct watch_session *session);
// Takes leave: unblocks and closes the ports, closes all handles, then the connection; then calls
// gone. Frees the session.
void watch_session_end(struct watch_session *session, void (*gone)(void *context));
// Closes the connection at once; the same otherwise.
void watch_session_drop(struct watch_session *session, void (*gone)(void *context));

// For reading values: valid until the session is ended or dropped. The handle is that of the key of
// registry notifications.
struct rpc_client *watch_session_client(struct watch_session *session);
const uint8_t *watch_session_registry(const struct watch_session *session);

#endif
