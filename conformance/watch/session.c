// SPDX-License-Identifier: Apache-2.0
// A session's life: the calls that wait for events, failing, taking leave.
#include "watch/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "rpc/fault.h"
#include "show/show.h"
#include "watch/session_state.h"

// ---- what a status means ------------------------------------------------------------------------

// Codes that call for a reconnect [MS-CMRP 3.2.4.6], and what else tells that the handles are gone.
static bool reconnects(uint32_t status) {
    static const uint32_t codes[] = {6,    1702, 1717, 1722, 1723, 1726, 1727, 1728,
                                     1747, 1753, 1775, 1825, 5050, 5072, 5073};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] == status) {
            return true;
        }
    }
    return false;
}

bool session_unknown_method(const struct method_reply *reply) {
    return reply->status == RPC_S_PROCNUM_OUT_OF_RANGE ||
           (reply->fault && reply->status == RPC_FAULT_OP_RANGE);
}

char *session_status(const struct method_reply *reply) {
    struct buffer text = {0};
    show_code(&text, reply->status, reply->fault);
    if (!reply->answered && !reply->fault && reply->why != NULL) {
        buffer_printf(&text, ": %s", reply->why);
    }
    char *copy = util_strdup(buffer_text(&text));
    buffer_free(&text);
    return copy;
}

void session_fail(struct watch_session *s, enum watch_trouble trouble, const char *why) {
    if (s->failed || s->leaving) {
        return;
    }
    s->failed = true;
    s->options.failed(s->options.context, trouble, why);
}

void session_fail_reply(struct watch_session *s, const struct method_reply *reply) {
    const uint32_t status = reply->status;
    const bool lost = reconnects(status) || status == RPC_FAULT_CONTEXT_MISMATCH ||
                      (!reply->answered && !reply->fault);
    char *text = session_status(reply);
    char *why = util_format("%s: %s", reply->method->name, text);
    session_fail(s, lost ? WATCH_LOST : WATCH_REFUSED, why);
    free(why);
    free(text);
}

// ---- events -------------------------------------------------------------------------------------

static void on_notify_v2(struct watch_session *s, const struct method_reply *reply) {
    const cmrp_slot *list = method_reply_slot(reply, "Notifications");
    cmrp_rows rows = list->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    while (!list->null && cmrp_rows_next(&rows, members)) {
        s->options.event(s->options.context, watch_event_v2(rows.type, members));
    }
}

// A Get has ended: tells its events and asks again.
static void on_get(struct watch_session *s, const struct method_reply *reply,
                   enum watch_kind kind) {
    if (s->failed || s->closing) {
        return;
    }
    if (!reply->answered || reply->status != 0) {
        if (!s->leaving) {
            session_fail_reply(s, reply);
        }
        return;
    }
    if (kind == WATCH_V2) {
        on_notify_v2(s, reply);
    } else if (kind == WATCH_V1) {
        s->options.event(s->options.context, watch_event_v1(reply));
    } else {
        s->options.event(s->options.context, watch_event_batch(reply));
    }
    if (!s->leaving && !s->failed) {
        session_get(s, kind);
    }
}

static void on_get_v2(void *context, const struct method_reply *reply) {
    on_get(context, reply, WATCH_V2);
}

static void on_get_v1(void *context, const struct method_reply *reply) {
    on_get(context, reply, WATCH_V1);
}

static void on_get_batch(void *context, const struct method_reply *reply) {
    on_get(context, reply, WATCH_BATCH);
}

void session_get(struct watch_session *s, enum watch_kind kind) {
    static const struct {
        const char *method, *parameter;
        method_done *done;
    } gets[] = {
        [WATCH_V2] = {"ApiGetNotifyV2", "hNotify", on_get_v2},
        [WATCH_V1] = {"ApiGetNotify", "hNotify", on_get_v1},
        [WATCH_BATCH] = {"ApiGetBatchNotification", "hBatchNotify", on_get_batch},
    };
    const struct session_handle *const ports[] = {
        [WATCH_V2] = &s->port_v2, [WATCH_V1] = &s->port_v1, [WATCH_BATCH] = &s->batch_port};
    s->hungry[kind] = !s->options.hungry(s->options.context);
    if (s->hungry[kind]) {
        return;
    }
    struct method_call *call = method_call_create(gets[kind].method);
    method_call_handle(call, gets[kind].parameter, ports[kind]->octets);
    method_call_send(s->client, call, RPC_CALL_BLOCKS, gets[kind].done, s);
}

void watch_session_resume(struct watch_session *s) {
    for (enum watch_kind kind = WATCH_V2; kind <= WATCH_BATCH; kind++) {
        if (s->hungry[kind] && !s->leaving && !s->failed) {
            session_get(s, kind);
        }
    }
}

// ---- taking leave -------------------------------------------------------------------------------

static void on_client_closed(void *context) {
    struct watch_session *s = context;
    void (*gone)(void *) = s->gone;
    void *whom = s->options.context;
    free(s->registry);
    free(s->batches);
    free(s->cluster_name);
    free(s->node_name);
    free(s);
    gone(whom);
}

static void close_client(struct watch_session *s) {
    if (!s->closing) {
        s->closing = true;
        rpc_client_close(s->client, on_client_closed, s);
    }
}

static void close_next(struct watch_session *s);

static void on_left(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (s->closing) {
        return;
    }
    if (!reply->answered && !reply->fault) {
        close_client(s); // nobody is there to take leave of
    } else {
        close_next(s);
    }
}

// The next thing to do of closing.
static void close_next(struct watch_session *s) {
    const struct {
        const char *method, *parameter;
        struct session_handle *handle;
        bool stays; // the handle does
    } steps[] = {
        {"ApiUnblockGetNotifyCall", "hNotify", &s->port_v2, true},
        {"ApiCloseNotify", "Notify", &s->port_v2, false},
        {"ApiUnblockGetNotifyCall", "hNotify", &s->port_v1, true},
        {"ApiCloseNotify", "Notify", &s->port_v1, false},
        {"ApiCloseBatchPort", "phBatchPort", &s->batch_port, false},
        {"ApiCloseKey", "pKey", &s->batch_key, false},
        {"ApiCloseKey", "pKey", &s->registry_key, false},
        {"ApiCloseKey", "pKey", &s->root, false},
        {"ApiCloseCluster", "Cluster", &s->cluster, false},
    };
    for (; s->step < sizeof steps / sizeof steps[0]; s->step++) {
        if (steps[s->step].handle->open) {
            struct method_call *call = method_call_create(steps[s->step].method);
            method_call_handle(call, steps[s->step].parameter, steps[s->step].handle->octets);
            steps[s->step].handle->open = steps[s->step].stays;
            s->step++;
            method_call_send(s->client, call, 0, on_left, s);
            return;
        }
    }
    close_client(s);
}

void watch_session_end(struct watch_session *s, void (*gone)(void *context)) {
    s->gone = gone;
    if (s->leaving) {
        return;
    }
    s->leaving = true;
    s->step = 0;
    close_next(s);
}

void watch_session_drop(struct watch_session *s, void (*gone)(void *context)) {
    s->gone = gone;
    s->leaving = true;
    close_client(s);
}

// ---- life ---------------------------------------------------------------------------------------

struct watch_session *watch_session_create(const struct watch_session_options *options) {
    struct watch_session *s = util_alloc(sizeof *s);
    s->options = *options;
    s->registry = util_strdup(options->registry);
    s->batches = options->batches != NULL ? util_strdup(options->batches) : NULL;
    s->client = rpc_client_create(options->loop, &options->server);
    session_open_next(s);
    return s;
}

struct rpc_client *watch_session_client(struct watch_session *s) {
    return s->client;
}

const uint8_t *watch_session_registry(const struct watch_session *s) {
    return s->registry_key.open ? s->registry_key.octets : s->root.octets;
}
