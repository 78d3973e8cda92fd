// SPDX-License-Identifier: Apache-2.0
// Ports: their queues, and those who wait for what comes.
#include "cluster/port.h"

#include <stdlib.h>

#include "cluster/state.h"

enum { MOST = 1024, QUEUE_OCTETS = 64 * 1024 * 1024 };

// ---- life ---------------------------------------------------------------------------------------

uint32_t port_create(struct cluster *cluster, unsigned version, struct port **out) {
    if (cluster->port_count >= cluster->port_limit) {
        cluster_say(cluster, "there are %u notification ports already: one more is refused",
                    (unsigned)cluster->port_limit);
        return CLUSTER_ERROR_NOT_ENOUGH_MEMORY;
    }
    struct port *port = util_alloc(sizeof *port);
    port->cluster = cluster;
    port->version = (uint8_t)version;
    port->next = cluster->ports;
    if (port->next != NULL) {
        port->next->previous = port;
    }
    cluster->ports = port;
    cluster->port_count++;
    *out = port;
    return 0;
}

unsigned port_version(const struct port *port) {
    return port->version;
}

// ---- who has work -------------------------------------------------------------------------------

static void ready_remove(struct port *port) {
    struct cluster *c = port->cluster;
    if (!port->ready) {
        return;
    }
    *(port->ready_previous != NULL ? &port->ready_previous->ready_next : &c->ready_first) =
        port->ready_next;
    *(port->ready_next != NULL ? &port->ready_next->ready_previous : &c->ready_last) =
        port->ready_previous;
    port->ready_next = port->ready_previous = NULL;
    port->ready = false;
}

static void ready_update(struct port *port) {
    struct cluster *c = port->cluster;
    const bool ready = port->count > 0 && port->waiters != NULL && !port->closed;
    if (!ready) {
        ready_remove(port);
    } else if (!port->ready) {
        port->ready = true;
        port->ready_previous = c->ready_last;
        *(c->ready_last != NULL ? &c->ready_last->ready_next : &c->ready_first) = port;
        c->ready_last = port;
    }
}

// ---- queue --------------------------------------------------------------------------------------

// Room for one more, and, unless it is there already, for a mark behind it.
static void ring_room(struct port *port) {
    if (port->count + !port->dropping < port->room) {
        return;
    }
    const uint32_t room = port->room == 0 ? 4 : port->room * 2;
    struct entry *ring = util_alloc(room * sizeof *ring);
    port->cluster->queued += (room - port->room) * sizeof *ring;
    for (uint32_t i = 0; i < port->count; i++) {
        ring[i] = port->ring[(port->head + i) & (port->room - 1)];
    }
    free(port->ring);
    port->ring = ring;
    port->room = room;
    port->head = 0;
}

// Counts an event that is about to stand in the queue once more.
static void take_in(struct port *port, struct event *event) {
    ring_room(port);
    event->users++;
    port->cluster->queued += event->queued++ == 0 ? event->octets : 0;
    port->octets += event->octets;
    port->count++;
}

static void ring_push(struct port *port, struct event *event, uint32_t key, uint32_t skip) {
    take_in(port, event);
    port->ring[(port->head + port->count - 1) & (port->room - 1)] =
        (struct entry){event, key, skip};
}

static struct entry ring_pop(struct port *port) {
    const struct entry entry = port->ring[port->head];
    port->head = (port->head + 1) & (port->room - 1);
    port->octets -= entry.event->octets;
    port->cluster->queued -= --entry.event->queued == 0 ? entry.event->octets : 0;
    if (--port->count == 0) { // ports that idle cost nothing but themselves
        port->cluster->queued -= port->room * sizeof *port->ring;
        free(port->ring);
        port->ring = NULL;
        port->room = port->head = 0;
        if (port->dropping) {
            cluster_say(port->cluster, "a notification port is drained: %llu indications were lost",
                        (unsigned long long)port->lost);
        }
        port->dropping = false;
    }
    return entry;
}

// In the place of what is missing.
static void queue_mark(struct port *port) {
    struct event **mark = &port->cluster->marks[port->version - 1];
    if (*mark == NULL) {
        *mark = event_mark(port->version);
    }
    for (const struct filter *f = port->first; f != NULL; f = f->next) {
        if (port->version == 1 || f->lost) {
            ring_push(port, *mark, f->key, 0);
        }
        if (port->version == 1) {
            break;
        }
    }
}

// Whether the port would have more than it may have by itself, or than is left for all others. A
// mark has to fit into the ring behind the event.
static bool is_full(const struct port *port, const struct event *event) {
    const struct cluster *c = port->cluster;
    const size_t left = c->all_queues > c->queued ? c->all_queues - c->queued : 0;
    const size_t room = port->count + 1 >= port->room ? 2 * (size_t)port->room : port->room;
    const size_t octets = port->octets + event->octets;
    return port->count >= c->queue_limit || octets > QUEUE_OCTETS ||
           (port->count > 0 && octets + room * sizeof *port->ring > left);
}

void port_queue(struct port *port, const struct filter *filter, struct event *event,
                uint32_t skip) {
    if (!port->dropping && is_full(port, event)) {
        cluster_say(port->cluster, "a notification port holds %u indications: more are dropped",
                    (unsigned)port->count);
        port->dropping = true;
        port->lost = 0;
        queue_mark(port);
    }
    if (port->dropping) {
        port->lost++;
        return;
    }
    ring_push(port, event, filter->key, skip);
    ready_update(port);
}

// ---- waiting ------------------------------------------------------------------------------------

static void waiter_add(struct port *port, struct port_waiter *waiter) {
    waiter->port = port;
    waiter->number = port->next_waiter++;
    waiter->next = NULL;
    waiter->previous = port->last_waiter;
    *(port->last_waiter != NULL ? &port->last_waiter->next : &port->waiters) = waiter;
    port->last_waiter = waiter;
}

void port_waiter_leave(struct port_waiter *waiter) {
    struct port *port = waiter->port;
    if (port == NULL) {
        return;
    }
    *(waiter->previous != NULL ? &waiter->previous->next : &port->waiters) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &port->last_waiter) = waiter->previous;
    waiter->next = waiter->previous = NULL;
    waiter->port = NULL;
    ready_update(port);
}

// Hands the head of the queue to the waiter that is first.
static void serve_one(struct port *port) {
    struct port_indication indications[MOST];
    struct event *events[MOST];
    struct port_waiter *waiter = port->waiters;
    size_t most = waiter->single                             ? 1
                  : waiter->most == 0 || waiter->most > MOST ? MOST
                                                             : waiter->most;
    size_t count = 0;
    for (; count < most && port->count > 0; count++) {
        const struct entry entry = ring_pop(port);
        const struct port_event *e = &entry.event->shown;
        events[count] = entry.event;
        indications[count] = (struct port_indication){
            .event = e,
            .name = (port->version == 1 ? e->name : e->name_v2) + entry.skip,
            .key = entry.key,
        };
    }
    port_waiter_leave(waiter);
    waiter->done(waiter->context, 0, indications, count);
    for (size_t i = 0; i < count; i++) {
        event_release(events[i]);
    }
}

void port_serve(struct cluster *cluster) {
    if (cluster->serving || cluster->depth > 0) {
        return;
    }
    cluster->serving = true;
    while (cluster->ready_first != NULL) {
        serve_one(cluster->ready_first);
    }
    cluster->serving = false;
}

void port_get(struct port *port, struct port_waiter *waiter) {
    if (port->closed) {
        waiter->port = NULL;
        waiter->done(waiter->context, PORT_CLOSED, NULL, 0);
        return;
    }
    waiter_add(port, waiter);
    ready_update(port);
    port_serve(port->cluster);
}

void port_put_back(struct port *port, const struct port_indication *indications, size_t first,
                   size_t count) {
    for (size_t i = count; i-- > first;) {
        const struct port_event *e = indications[i].event;
        // shown is the first member of what was queued
        struct event *event = (struct event *)(uintptr_t)e;
        take_in(port, event);
        port->head = (port->head - 1) & (port->room - 1);
        port->ring[port->head] = (struct entry){
            .event = event,
            .key = indications[i].key,
            .skip = (uint32_t)(indications[i].name - (port->version == 1 ? e->name : e->name_v2)),
        };
    }
    ready_update(port);
}

// ---- unblocking and closing ---------------------------------------------------------------------

// All that wait now, not those whom their callbacks add.
static void release_waiters(struct port *port) {
    const uint64_t limit = port->next_waiter;
    while (port->waiters != NULL && port->waiters->number < limit) {
        struct port_waiter *waiter = port->waiters;
        port_waiter_leave(waiter);
        waiter->done(waiter->context, PORT_UNBLOCKED, NULL, 0);
    }
}

static void port_free(struct port *port) {
    struct cluster *c = port->cluster;
    ready_remove(port);
    filters_free(port);
    while (port->count > 0) {
        const struct entry entry = ring_pop(port);
        event_release(entry.event);
    }
    *(port->previous != NULL ? &port->previous->next : &c->ports) = port->next;
    if (port->next != NULL) {
        port->next->previous = port->previous;
    }
    c->port_count--;
    free(port);
}

static void leave_port(struct port *port) {
    if (--port->users == 0 && port->closed) {
        port_free(port);
    }
}

void port_unblock(struct port *port) {
    port->users++;
    release_waiters(port);
    leave_port(port);
}

void port_close(struct port *port) {
    if (port->closed) {
        return;
    }
    port->users++;
    port->closed = true;
    ready_update(port);
    release_waiters(port);
    leave_port(port);
}

void ports_close_all(struct cluster *cluster) {
    while (cluster->ports != NULL) {
        port_close(cluster->ports);
    }
}
