// SPDX-License-Identifier: Apache-2.0
// Opening a session, one call after the other: cluster, keys, ports, filters. [MS-CMRP 3.2.4.5]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "watch/prime.h"
#include "watch/session_state.h"

enum {
    KEY_READ = 0x20019,
    PORT_VERSION = 2, // dwVersion of ApiAddNotifyV2
    ERROR_INVALID_PARAMETER = 87,
};

static struct method_call *prepare(const char *name) {
    return method_call_create(name);
}

static void send_step(struct watch_session *s, struct method_call *call, method_done *done) {
    method_call_send(s->client, call, 0, done, s);
}

// Takes the handle out of a good reply and goes on, or fails.
static bool take(struct watch_session *s, const struct method_reply *reply, const char *parameter,
                 struct session_handle *handle) {
    if (!reply->answered || reply->status != 0) {
        session_fail_reply(s, reply);
        return false;
    }
    method_reply_handle(reply, parameter, handle->octets);
    handle->open = true;
    return true;
}

// ---- cluster ------------------------------------------------------------------------------------

static void on_cluster(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (take(s, reply, "return", &s->cluster)) {
        session_open_next(s);
    }
}

static void open_cluster(struct watch_session *s) {
    send_step(s, prepare("ApiOpenCluster"), on_cluster);
}

static char *text_of(const struct method_reply *reply, const char *parameter) {
    const cmrp_slot *slot = method_reply_slot(reply, parameter);
    struct buffer text = {0};
    if (slot != NULL && !slot->null) {
        text_escape_utf16(&text, slot->bytes, slot->order);
    }
    char *copy = util_strdup(buffer_text(&text));
    buffer_free(&text);
    return copy;
}

static void on_name(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (!reply->answered || reply->status != 0) {
        session_fail_reply(s, reply);
        return;
    }
    s->cluster_name = text_of(reply, "ClusterName");
    s->node_name = text_of(reply, "NodeName");
    session_open_next(s);
}

static void get_name(struct watch_session *s) {
    send_step(s, prepare("ApiGetClusterName"), on_name);
}

// ---- keys ---------------------------------------------------------------------------------------

static bool wants_registry(const struct watch_session *s) {
    return watch_filter_registry(&s->options.filter);
}

static void on_root(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (take(s, reply, "return", &s->root)) {
        session_open_next(s);
    }
}

static void open_root(struct watch_session *s) {
    if (!wants_registry(s) && s->batches == NULL) {
        session_open_next(s);
        return;
    }
    struct method_call *call = prepare("ApiGetRootKey");
    method_call_number(call, "samDesired", KEY_READ);
    send_step(s, call, on_root);
}

static void open_key(struct watch_session *s, const char *name, method_done *done) {
    struct method_call *call = prepare("ApiOpenKey");
    method_call_handle(call, "hKey", s->root.octets);
    method_call_text(call, "lpSubKey", name);
    method_call_number(call, "samDesired", KEY_READ);
    send_step(s, call, done);
}

// A key that cannot be opened is named.
static bool take_key(struct watch_session *s, const struct method_reply *reply, const char *name,
                     struct session_handle *handle) {
    if (reply->answered && reply->status != 0) {
        char *status = session_status(reply);
        char *why = util_format("key \"%s\" cannot be opened: %s", name, status);
        session_fail(s, WATCH_REFUSED, why);
        free(status);
        free(why);
        return false;
    }
    return take(s, reply, "return", handle);
}

static void on_registry_key(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (take_key(s, reply, s->registry, &s->registry_key)) {
        session_open_next(s);
    }
}

static void open_registry_key(struct watch_session *s) {
    if (wants_registry(s) && *s->registry != '\0') {
        open_key(s, s->registry, on_registry_key);
    } else {
        session_open_next(s);
    }
}

static void on_batch_key(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (take_key(s, reply, s->batches, &s->batch_key)) {
        session_open_next(s);
    }
}

static void open_batch_key(struct watch_session *s) {
    if (s->batches != NULL && *s->batches != '\0') {
        open_key(s, s->batches, on_batch_key);
    } else {
        session_open_next(s);
    }
}

static void on_primed(void *context, bool complete, const struct method_reply *lost) {
    struct watch_session *s = context;
    s->options.learned(s->options.context, complete);
    if (lost != NULL) {
        session_fail_reply(s, lost);
    } else {
        session_open_next(s);
    }
}

static void on_learned(void *context, const struct watch_text *key, const struct watch_text *name,
                       const struct watch_value *value) {
    const struct watch_session *s = context;
    s->options.learn(s->options.context, key, name, value);
}

// Before anything is registered, lest a value that has just changed be taken for the old one.
static void read_values(struct watch_session *s) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_REGISTRY_V2);
    const cmrp_change_flag *flag = cmrp_change_flag_named(set, "CLUSTER_CHANGE_REGISTRY_VALUE_V2");
    if (s->options.learn == NULL ||
        (s->options.filter.flags[set->object_type] & flag->value) == 0) {
        session_open_next(s);
        return;
    }
    struct watch_priming priming = {.loop = s->options.loop,
                                    .client = s->client,
                                    .context = s,
                                    .learn = on_learned,
                                    .done = on_primed};
    memcpy(priming.key, watch_session_registry(s), CMRP_HANDLE_SIZE);
    watch_prime(&priming);
}

// ---- version 2 ports ----------------------------------------------------------------------------

static void on_port_v2(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (session_unknown_method(reply)) {
        s->no_v2 = true;
        s->options.note(s->options.context, "the server does not know version 2 notification "
                                            "ports: version 1 is used, which tells less");
        session_open_next(s);
    } else if (take(s, reply, "return", &s->port_v2)) {
        session_open_next(s);
    }
}

static void create_port_v2(struct watch_session *s) {
    if (watch_filter_v2(&s->options.filter)) {
        send_step(s, prepare("ApiCreateNotifyV2"), on_port_v2);
    } else {
        session_open_next(s);
    }
}

static void add_filters_v2(struct watch_session *s);

static void on_filter_v2(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    const uint32_t type = s->type++;
    if (reply->answered && reply->status == ERROR_INVALID_PARAMETER) {
        // Servers differ in the types and flags that they know.
        const cmrp_change_set *set = cmrp_change_set_of_type(type);
        char text[160];
        snprintf(text, sizeof text, "the server refuses the filter 0x%llx of %s: not watched",
                 (unsigned long long)s->options.filter.flags[type], set->name);
        s->options.note(s->options.context, text);
    } else if (!reply->answered || reply->status != 0) {
        session_fail_reply(s, reply);
        return;
    } else {
        s->kept++;
    }
    add_filters_v2(s);
}

// One filter for each object type, whose number is the key.
static void add_filters_v2(struct watch_session *s) {
    const uint32_t registry = cmrp_change_set_at(CMRP_SET_REGISTRY_V2)->object_type;
    while (s->type < WATCH_TYPES && s->options.filter.flags[s->type] == 0) {
        s->type++;
    }
    if (!s->port_v2.open || s->type >= WATCH_TYPES) {
        if (s->port_v2.open && s->kept == 0) {
            session_fail(s, WATCH_REFUSED, "the server refuses every filter");
            return;
        }
        session_open_next(s);
        return;
    }
    const bool targeted = s->type == registry;
    const uint64_t filter[] = {s->type, s->options.filter.flags[s->type]};
    struct method_call *call = prepare("ApiAddNotifyV2");
    method_call_handle(call, "hNotify", s->port_v2.octets);
    method_call_handle(call, "hObject", targeted ? watch_session_registry(s) : s->cluster.octets);
    method_call_record(call, "filter", filter, 2);
    method_call_number(call, "dwNotifyKey", s->type);
    method_call_number(call, "dwVersion", PORT_VERSION);
    method_call_number(call, "isTargetedAtObject", targeted);
    send_step(s, call, on_filter_v2);
}

static void start_v2(struct watch_session *s) {
    if (s->port_v2.open) {
        session_get(s, WATCH_V2);
    }
    session_open_next(s);
}

// ---- version 1 ports ----------------------------------------------------------------------------

// What a version 1 port is asked for.
static uint32_t changes_of(const struct watch_session *s) {
    return s->no_v2 ? watch_filter_as_v1(&s->options.filter) : s->options.filter.changes;
}

static uint32_t key_changes(void) {
    return (uint32_t)cmrp_change_registrable(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE),
                                             CMRP_SCOPE_KEY);
}

static void on_port_v1(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (take(s, reply, "return", &s->port_v1)) {
        session_open_next(s);
    }
}

static void create_port_v1(struct watch_session *s) {
    if (changes_of(s) != 0) {
        send_step(s, prepare("ApiCreateNotify"), on_port_v1);
    } else if (s->no_v2) {
        session_fail(s, WATCH_REFUSED, "nothing of the filter can be told by version 1");
    } else {
        session_open_next(s);
    }
}

static void on_filter_v1(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (!reply->answered || reply->status != 0) {
        session_fail_reply(s, reply);
    } else {
        session_open_next(s);
    }
}

static void add_cluster_v1(struct watch_session *s) {
    const uint32_t changes = changes_of(s) & ~key_changes();
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const uint32_t plain = changes & ~(uint32_t)cmrp_change_with(set, CMRP_CHANGE_MODIFIER);
    if (!s->port_v1.open || plain == 0) {
        session_open_next(s);
        return;
    }
    struct method_call *call = prepare("ApiAddNotifyCluster");
    method_call_handle(call, "hNotify", s->port_v1.octets);
    method_call_handle(call, "hCluster", s->cluster.octets);
    method_call_number(call, "dwFilter", plain);
    method_call_number(call, "dwNotifyKey", 0);
    send_step(s, call, on_filter_v1);
}

static void add_key_v1(struct watch_session *s) {
    const uint32_t changes = changes_of(s) & key_changes();
    if (!s->port_v1.open || changes == 0) {
        session_open_next(s);
        return;
    }
    struct method_call *call = prepare("ApiAddNotifyKey");
    method_call_handle(call, "hNotify", s->port_v1.octets);
    method_call_handle(call, "hKey", watch_session_registry(s));
    method_call_number(call, "dwNotifyKey", 0);
    method_call_number(call, "Filter", changes);
    method_call_number(call, "WatchSubTree", 1);
    send_step(s, call, on_filter_v1);
}

static void start_v1(struct watch_session *s) {
    if (s->port_v1.open) {
        session_get(s, WATCH_V1);
    }
    session_open_next(s);
}

// ---- batch port ---------------------------------------------------------------------------------

static void on_batch_port(void *context, const struct method_reply *reply) {
    struct watch_session *s = context;
    if (session_unknown_method(reply) && (s->port_v1.open || s->port_v2.open)) {
        s->options.note(s->options.context,
                        "the server does not know batch ports: batches are not watched");
        session_open_next(s);
    } else if (take(s, reply, "phBatchPort", &s->batch_port)) {
        session_get(s, WATCH_BATCH);
        session_open_next(s);
    }
}

static void create_batch_port(struct watch_session *s) {
    if (s->batches == NULL) {
        session_open_next(s);
        return;
    }
    struct method_call *call = prepare("ApiCreateBatchPort");
    method_call_handle(call, "hKey", s->batch_key.open ? s->batch_key.octets : s->root.octets);
    send_step(s, call, on_batch_port);
}

// ---- all of it ----------------------------------------------------------------------------------

static void tell_ready(struct watch_session *s) {
    char *what = util_format(
        "watching cluster \"%s\", node \"%s\" (%s%s%s%s, %s)", s->cluster_name, s->node_name,
        s->port_v2.open ? "version 2 notifications" : "",
        s->port_v2.open && s->port_v1.open ? ", " : "",
        s->port_v1.open ? "version 1 notifications" : "",
        s->batch_port.open ? (s->port_v2.open || s->port_v1.open ? ", batches" : "batches") : "",
        rpc_client_syntax(s->client) == CMRP_NDR64 ? "NDR64" : "NDR20");
    s->ready = true;
    s->options.ready(s->options.context, what);
    free(what);
}

void session_open_next(struct watch_session *s) {
    static void (*const steps[])(struct watch_session *) = {
        open_cluster,   get_name,       open_root,      open_registry_key, open_batch_key,
        read_values,    create_port_v2, add_filters_v2, start_v2,          create_port_v1,
        add_cluster_v1, add_key_v1,     start_v1,       create_batch_port, tell_ready,
    };
    if (s->leaving || s->failed) {
        return;
    }
    if (s->step < sizeof steps / sizeof steps[0]) {
        steps[s->step++](s);
    }
}
