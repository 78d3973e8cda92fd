// SPDX-License-Identifier: Apache-2.0
// What clients do, and what the server answers: notification ports.
#include <stdio.h>

#include "traffic/actions.h"

// ---- ports and filters -------------------------------------------------------------------------

bool create_notify(struct play *p, struct call *c) {
    const bool second = c->action->opnum == 137;
    struct handle *h = NULL;
    for (int i = 0; i < PORTS && h == NULL; i++) {
        struct port *port = &p->world.ports[i];
        if (port->version == 0 && (h = handle_make(p, c, CMRP_MEANS_HNOTIFY)) != NULL) {
            h->index = i;
            *port = (struct port){.version = second ? 2 : 1, .queue = json_array()};
        }
    }
    const uint32_t status = h != NULL ? 0 : NO_MEMORY;
    answer_handle(c, h, status);
    if (second) {
        json_object_del(c->response, "Status");
        json_object_set_new(c->response, "rpc_error", json_integer(status));
    }
    return true;
}

// A port of this version to register at; its watches are counted.
static struct handle *pick_port(struct play *p, struct call *c, int version) {
    struct handle *h = handle_pick(p, c->client, CMRP_MEANS_HNOTIFY);
    return h != NULL && handle_port(p, h)->version == version &&
                   handle_port(p, h)->watch_count + handle_uses(p, h) < WATCHES
               ? h
               : NULL;
}

// Some bits of a mask, at least one.
static uint32_t draw_bits(struct lot *lot, uint32_t mask) {
    uint32_t bits;
    do {
        bits = (draw(lot, 1u << 16) | draw(lot, 1u << 16) << 16) & mask;
    } while (bits == 0);
    return bits;
}

static json_int_t draw_key(struct call *c, struct play *p) {
    c->watch.notify_key = draw(&p->world.lot, 1000000);
    return c->watch.notify_key;
}

bool ask_add_cluster(struct play *p, struct call *c) {
    c->handle = pick_port(p, c, 1);
    c->second = handle_pick(p, c->client, CMRP_MEANS_HCLUSTER);
    if (c->handle == NULL || c->second == NULL) {
        return false;
    }
    c->watch.mask = draw_bits(&p->world.lot, 0x5ff7ffff);
    c->request = json_pack("{sssssIsI}", "hNotify", c->handle->hex, "hCluster", c->second->hex,
                           "dwFilter", (json_int_t)c->watch.mask, "dwNotifyKey", draw_key(c, p));
    return true;
}

static const char *added_param(enum kind kind) {
    static const char *const names[] = {"hNode", "hGroup", "hNetwork", "hNetInterface",
                                        "hResource"};
    return names[kind];
}

static bool ask_add_object(struct play *p, struct call *c, enum kind kind, bool again) {
    struct lot *lot = &p->world.lot;
    c->handle = pick_port(p, c, 1);
    c->second = handle_pick(p, c->client, kind_means[kind]);
    if (c->handle == NULL || c->second == NULL) {
        return false;
    }
    c->watch.scope = ONE_OBJECT;
    c->watch.kind = kind;
    c->watch.mask = draw_bits(lot, world_state_bit(kind) * 0xf);
    c->request =
        json_pack("{sssssIsI}", "hNotify", c->handle->hex, added_param(kind), c->second->hex,
                  "dwFilter", (json_int_t)c->watch.mask, "dwNotifyKey", draw_key(c, p));
    if (again) {
        // The number that the client has seen last may be old.
        const struct object *o = &p->world.objects[kind][c->second->index];
        c->sequence = o->sequence - draw(lot, 2) * (o->sequence > 0);
        json_object_set_new(c->request, "StateSequence", json_integer(c->sequence));
    }
    return true;
}

#define ASK_ADD(opnum, kind, again)                                                                \
    bool ask_add_##opnum(struct play *p, struct call *c) {                                         \
        return ask_add_object(p, c, kind, again);                                                  \
    }
ASK_ADD(58, NODE, false)
ASK_ADD(59, GROUP, false)
ASK_ADD(90, NETWORK, false)
ASK_ADD(99, NETINTERFACE, false)
ASK_ADD(60, RESOURCE, false)
ASK_ADD(64, RESOURCE, true)
ASK_ADD(62, NODE, true)
ASK_ADD(63, GROUP, true)
ASK_ADD(91, NETWORK, true)
ASK_ADD(100, NETINTERFACE, true)

static void add_watch(struct play *p, struct call *c) {
    struct port *port = handle_port(p, c->handle);
    port->watches[port->watch_count++] = c->watch;
    c->succeeded = true;
}

bool add_cluster(struct play *p, struct call *c) {
    add_watch(p, c);
    return answer_status(c, 0);
}

static bool is_again(uint32_t opnum) {
    return opnum == 62 || opnum == 63 || opnum == 64 || opnum == 91 || opnum == 100;
}

bool add_object(struct play *p, struct call *c) {
    const struct object *o = handle_object(p, c->second);
    if (o != NULL) {
        c->watch.index = c->second->index;
        c->watch.life = c->second->life;
        add_watch(p, c);
    }
    answer_status(c, o != NULL ? 0 : 5013);
    if (is_again(c->action->opnum)) {
        if (o != NULL) {
            world_tell_again(handle_port(p, c->handle), &c->watch, o, c->sequence);
        }
    } else {
        json_object_set_new(c->response, "dwStateSequence",
                            json_integer(o != NULL ? o->sequence : 0));
    }
    return true;
}

bool ask_add_key(struct play *p, struct call *c) {
    c->handle = pick_port(p, c, 1);
    c->second = handle_pick(p, c->client, CMRP_MEANS_HKEY);
    if (c->handle == NULL || c->second == NULL) {
        return false;
    }
    c->watch.scope = ONE_KEY;
    c->watch.mask = draw_bits(&p->world.lot, 0x70);
    c->watch.subtree = chance(&p->world.lot, 50);
    c->request = json_pack("{sssssIsIsi}", "hNotify", c->handle->hex, "hKey", c->second->hex,
                           "dwNotifyKey", draw_key(c, p), "Filter", (json_int_t)c->watch.mask,
                           "WatchSubTree", c->watch.subtree);
    return true;
}

bool add_key(struct play *p, struct call *c) {
    const bool there = handle_key(p, c->second) != NULL;
    if (there) {
        c->watch.index = c->second->index;
        c->watch.life = c->second->life;
        add_watch(p, c);
    }
    return answer_status(c, there ? 0 : KEY_DELETED);
}

bool ask_add_2(struct play *p, struct call *c) {
    static const struct {
        uint32_t type, mask;
        int kind; // OBJECT_KINDS: the cluster; -1: a key
    } types[] = {{1, 0x1ff4, OBJECT_KINDS}, {2, 0x1ff, GROUP},   {5, 0xf, NETINTERFACE},
                 {6, 0xf, NETWORK},         {7, 0x7f, NODE},     {8, 0xf, -1},
                 {3, 0x1ff, RESOURCE},      {9, 1, OBJECT_KINDS}};
    struct lot *lot = &p->world.lot;
    const uint32_t i = draw(lot, 8);
    const bool of_cluster = types[i].kind == OBJECT_KINDS;
    const bool single = chance(lot, 60);
    const unsigned meaning = of_cluster || !single ? CMRP_MEANS_HCLUSTER
                             : types[i].kind < 0   ? CMRP_MEANS_HKEY
                                                   : kind_means[types[i].kind];
    char flags[16];
    c->handle = pick_port(p, c, 2);
    c->second = handle_pick(p, c->client, meaning);
    if (c->handle == NULL || c->second == NULL) {
        return false;
    }
    c->watch.object_type = types[i].type;
    c->watch.mask = draw_bits(lot, types[i].mask);
    c->watch.scope = of_cluster || !single ? EVERYTHING : types[i].kind < 0 ? ONE_KEY : ONE_OBJECT;
    c->watch.kind = of_cluster || types[i].kind < 0 ? NODE : (enum kind)types[i].kind;
    snprintf(flags, sizeof flags, "%u", c->watch.mask);
    c->request =
        json_pack("{sssss{sIss}sIsisi}", "hNotify", c->handle->hex, "hObject", c->second->hex,
                  "filter", "dwObjectType", (json_int_t)c->watch.object_type, "FilterFlags", flags,
                  "dwNotifyKey", draw_key(c, p), "dwVersion", 2, "isTargetedAtObject", single);
    return true;
}

bool add_2(struct play *p, struct call *c) {
    const bool there = c->watch.scope == EVERYTHING ? true
                       : c->watch.scope == ONE_KEY  ? handle_key(p, c->second) != NULL
                                                    : handle_object(p, c->second) != NULL;
    if (there) {
        c->watch.index = c->second->index;
        c->watch.life = c->second->life;
        add_watch(p, c);
    }
    return answer_status(c, there ? 0 : KEY_DELETED);
}

void told_added(struct play *p, struct call *c) {
    (void)p;
    c->handle->watches += c->succeeded;
}

// ---- retrieval ----------------------------------------------------------------------------------

static bool ask_get(struct play *p, struct call *c, int version) {
    struct handle *h = handle_pick(p, c->client, CMRP_MEANS_HNOTIFY);
    if (h == NULL || handle_port(p, h)->version != version || h->watches == 0 ||
        handle_uses(p, h) > 2) {
        return false;
    }
    h->retrieved = true;
    c->handle = h;
    c->request = json_pack("{ss}", "hNotify", h->hex);
    return true;
}

bool ask_get_1(struct play *p, struct call *c) {
    return ask_get(p, c, 1);
}

bool ask_get_2(struct play *p, struct call *c) {
    return ask_get(p, c, 2);
}

// The first n indications of a port, taken from it.
static json_t *take(struct port *port, size_t n) {
    json_t *taken = json_array();
    while (n-- > 0) {
        json_array_append(taken, json_array_get(port->queue, 0));
        json_array_remove(port->queue, 0);
    }
    return taken;
}

// One, some or all.
static size_t draw_count(struct play *p, const struct port *port) {
    const size_t queued = json_array_size(port->queue);
    return queued == 0 ? 0 : 1 + draw(&p->world.lot, (uint32_t)queued);
}

bool get(struct play *p, struct call *c) {
    struct port *port = handle_port(p, c->handle);
    if (json_array_size(port->queue) == 0) {
        return false;
    }
    json_t *taken = take(port, 1);
    c->response = json_incref(json_array_get(taken, 0));
    json_object_set_new(c->response, "rpc_status", json_integer(0));
    json_object_set_new(c->response, "return", json_integer(0));
    json_decref(taken);
    return true;
}

bool get_async(struct play *p, struct call *c) {
    struct port *port = handle_port(p, c->handle);
    const size_t n = draw_count(p, port);
    if (n == 0) {
        return false;
    }
    json_t *taken = take(port, n);
    for (size_t i = 0; i < n; i++) {
        json_object_del(json_array_get(taken, i), "dwStateSequence");
    }
    c->response = json_pack("{sosi}", "Notifications", taken, "return", 0);
    return true;
}

bool get_2(struct play *p, struct call *c) {
    struct port *port = handle_port(p, c->handle);
    const size_t n = draw_count(p, port);
    if (n == 0) {
        return false;
    }
    c->response = json_pack("{sosi}", "Notifications", take(port, n), "return", 0);
    return true;
}

// A Get that ends without an indication.
static void end_get(struct call *c, uint32_t status) {
    if (c->action->opnum == 65) {
        c->response =
            json_pack("{sisisisnsisI}", "dwNotifyKey", 0, "dwFilter", 0, "dwStateSequence", 0,
                      "Name", "rpc_status", 0, "return", (json_int_t)status);
    } else {
        c->response = json_pack("{snsI}", "Notifications", "return", (json_int_t)status);
    }
}

static void end_gets(struct play *p, const struct handle *h, uint32_t status) {
    for (int i = 0; i < CALLS; i++) {
        struct call *c = &p->calls[i];
        if (c->action != NULL && c->handle == h && c->response == NULL &&
            (c->action->opnum == 65 || c->action->opnum == 139 || c->action->opnum == 147)) {
            end_get(c, status);
        }
    }
}

bool ask_unblock(struct play *p, struct call *c) {
    struct handle *h = handle_pick(p, c->client, CMRP_MEANS_HNOTIFY);
    if (h == NULL || (h->watches > 0 && !h->retrieved)) {
        return false;
    }
    for (int i = 0; i < CALLS; i++) { // registrations are to be answered first
        const struct call *other = &p->calls[i];
        if (other->action != NULL && other->handle == h && other->second != NULL) {
            return false;
        }
    }
    h->closing = true;
    c->handle = h;
    c->request = json_pack("{ss}", "hNotify", h->hex);
    return true;
}

bool unblock(struct play *p, struct call *c) {
    end_gets(p, c->handle, 1);
    c->response = json_pack("{si}", "return", 0);
    return true;
}

void told_unblocked(struct play *p, struct call *c) {
    (void)p;
    c->handle->unblocked = true;
}

bool ask_close_notify(struct play *p, struct call *c) {
    (void)p;
    for (int i = 0; i < HANDLES; i++) {
        struct handle *h = &c->client->handles[i];
        if (h->open && h->unblocked && h->meaning == CMRP_MEANS_HNOTIFY) {
            h->unblocked = false;
            c->handle = h;
            c->request = json_pack("{ss}", "Notify", h->hex);
            return true;
        }
    }
    return false;
}

bool close_notify(struct play *p, struct call *c) {
    end_gets(p, c->handle, chance(&p->world.lot, 50) ? 1 : NO_MORE_ITEMS);
    return close_handle(p, c);
}
