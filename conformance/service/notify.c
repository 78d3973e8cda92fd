// SPDX-License-Identifier: Apache-2.0
// Notification ports of version 1, and what both versions share: opnums 55 to 65, 90, 91, 99, 100,
// 107, 147. [MS-CMRP 3.1.4.2.56 to 3.1.4.2.66, 90, 91, 99, 100, 107, 143]
#include "service/notify.h"

#include <stdlib.h>

// ---- waiting ------------------------------------------------------------------------------------

struct waiting {
    struct port_waiter waiter;
    struct port *port;
    struct service_call *call;
    notify_fill *fill;
};

// About what an indication takes of an answer.
static size_t weight(const struct port_indication *i) {
    const struct port_event *e = i->event;
    size_t size =
        128 + 2 * (strlen(i->name) + strlen(e->id) + strlen(e->parent_id) + strlen(e->type));
    for (size_t t = 0; t < e->payload.text_count; t++) {
        size += 2 * strlen(e->payload.texts[t]) + 2;
    }
    for (size_t p = 0; p < e->payload.property_count; p++) {
        const struct port_property *property = &e->payload.properties[p];
        size += 32 + 2 * strlen(property->name) +
                2 * (property->text != NULL ? strlen(property->text) : 0);
    }
    return size + e->payload.up_node_count;
}

static size_t how_many_fit(const struct port_indication *indications, size_t count) {
    size_t fit = 0, size = 0;
    while (fit < count) {
        size += weight(&indications[fit]);
        if (fit > 0 && size > NOTIFY_ANSWER) {
            break;
        }
        fit++;
    }
    return fit;
}

static void on_done(void *context, uint32_t status, const struct port_indication *indications,
                    size_t count) {
    struct waiting *waiting = context;
    if (status == 0) {
        const size_t fit = how_many_fit(indications, count);
        if (fit < count) {
            port_put_back(waiting->port, indications, fit, count);
        }
        waiting->fill(waiting->call, indications, fit);
    }
    service_done(waiting->call, status);
    free(waiting);
}

static void on_end(void *context, enum rpc_end end) {
    struct waiting *waiting = context;
    port_waiter_leave(&waiting->waiter);
    if (end == RPC_END_CANCELLED) {
        service_done(waiting->call, STATUS_CANCELLED);
    }
    free(waiting);
}

void notify_wait(struct service_call *call, unsigned version, bool single, notify_fill *fill) {
    struct port *port = service_object(call, 0);
    if (port_version(port) != version) {
        service_done(call, STATUS_INVALID_HANDLE);
        return;
    }
    struct waiting *waiting = util_alloc(sizeof *waiting);
    *waiting = (struct waiting){
        .waiter = {.context = waiting, .done = on_done, .single = single},
        .port = port,
        .fill = fill,
    };
    waiting->call = service_later(call, on_end, waiting);
    port_get(port, &waiting->waiter);
}

// Parameters: the handle, dwNotifyKey, dwFilter, dwStateSequence, Name.
static void fill_one(struct service_call *call, const struct port_indication *indications,
                     size_t count) {
    (void)count;
    service_set_number(call, 1, indications->key);
    service_set_number(call, 2, indications->event->change);
    service_set_number(call, 3, indications->event->sequence);
    service_set_text(call, 4, indications->name);
}

static void get_notify(struct service_call *call) {
    notify_wait(call, 1, true, fill_one);
}

// Parameters: the handle, Notifications (of key, filter, name).
static void fill_several(struct service_call *call, const struct port_indication *indications,
                         size_t count) {
    enum { KEY, FILTER, NAME, MEMBERS };
    cmrp_slot *row = service_set_rows(call, 1, count);
    for (size_t i = 0; i < count; i++, row += MEMBERS) {
        service_slot_number(&row[KEY], indications[i].key);
        service_slot_number(&row[FILTER], indications[i].event->change);
        service_slot_set_text(call, &row[NAME], indications[i].name);
    }
}

static void get_notify_async(struct service_call *call) {
    notify_wait(call, 1, false, fill_several);
}

// ---- ports --------------------------------------------------------------------------------------

void notify_create(struct service_call *call, unsigned version) {
    struct port *port;
    uint32_t status = port_create(service_cluster(call), version, &port);
    if (status == 0) {
        status = service_open(call, 0, SERVICE_HNOTIFY, port, SERVICE_NOTHING, 0);
    }
    service_done(call, status);
}

static void create_notify(struct service_call *call) {
    notify_create(call, 1);
}

static void close_notify(struct service_call *call) {
    service_close(call, 0);
    service_done(call, STATUS_SUCCESS);
}

static void unblock(struct service_call *call) {
    port_unblock(service_object(call, 0));
    service_done(call, STATUS_SUCCESS);
}

// ---- filters ------------------------------------------------------------------------------------

enum { PORT, OBJECT, FILTER, KEY, SEQUENCE }; // parameters of most registrations

static void add_cluster(struct service_call *call) {
    service_done(call, port_add_cluster(service_object(call, PORT),
                                        (uint32_t)service_number(call, FILTER),
                                        (uint32_t)service_number(call, KEY)));
}

static void add_object(struct service_call *call) {
    uint32_t sequence = 0;
    const uint32_t status = port_add_object(
        service_object(call, PORT), service_object(call, OBJECT),
        (uint32_t)service_number(call, FILTER), (uint32_t)service_number(call, KEY), &sequence);
    service_set_number(call, SEQUENCE, sequence);
    service_done(call, status);
}

static void readd_object(struct service_call *call) {
    service_done(call, port_readd_object(service_object(call, PORT), service_object(call, OBJECT),
                                         (uint32_t)service_number(call, FILTER),
                                         (uint32_t)service_number(call, KEY),
                                         (uint32_t)service_number(call, SEQUENCE)));
}

static void add_key(struct service_call *call) {
    service_done(call, port_add_key(service_object(call, PORT), service_object(call, OBJECT),
                                    (uint32_t)service_number(call, FILTER),
                                    (uint32_t)service_number(call, KEY),
                                    service_number(call, SEQUENCE) != 0));
}

enum { RO = SERVICE_STATE_READ_ONLY, READ = SERVICE_READ };
#define ADD(handle)                                                                                \
    { "hNotify", handle, "dwFilter", "dwNotifyKey", "dwStateSequence" }
#define READD(handle)                                                                              \
    { "hNotify", handle, "dwFilter", "dwNotifyKey", "StateSequence" }

// clang-format off
const struct service_method service_notify_methods[] = {
    {55, create_notify,     READ, RO, 0, 0, {"return"}, NULL},
    {56, close_notify,      READ, RO, 0, 0, {"Notify"}, NULL},
    {57, add_cluster,       READ, RO, 0, 0, {"hNotify", "hCluster", "dwFilter", "dwNotifyKey"}, NULL},
    {58, add_object,        READ, RO, 0, 0, ADD("hNode"), NULL},
    {59, add_object,        READ, RO, 0, 0, ADD("hGroup"), NULL},
    {60, add_object,        READ, RO, 0, 0, ADD("hResource"), NULL},
    {61, add_key,           READ, RO, 0, 0, {"hNotify", "hKey", "Filter", "dwNotifyKey", "WatchSubTree"}, NULL},
    {62, readd_object,      READ, RO, 0, 0, READD("hNode"), NULL},
    {63, readd_object,      READ, RO, 0, 0, READD("hGroup"), NULL},
    {64, readd_object,      READ, RO, 0, 0, READD("hResource"), NULL},
    {65, get_notify,        READ, RO, 0, 0, {"hNotify", "dwNotifyKey", "dwFilter", "dwStateSequence", "Name"}, NULL},
    {90, add_object,        READ, RO, 0, 0, ADD("hNetwork"), NULL},
    {91, readd_object,      READ, RO, 0, 0, READD("hNetwork"), NULL},
    {99, add_object,        READ, RO, 0, 0, ADD("hNetInterface"), NULL},
    {100, readd_object,     READ, RO, 0, 0, READD("hNetInterface"), NULL},
    {107, unblock,          READ, RO, 0, 0, {"hNotify"}, NULL},
    {147, get_notify_async, READ, RO, 0, 0, {"hNotify", "Notifications"}, NULL},
    {0},
};
