// SPDX-License-Identifier: Apache-2.0
// Batch ports: queues of executed batches.
#include <stdlib.h>

#include "cluster/registry_state.h"

struct message { // one batch, in the queues of all ports that it has hit
    size_t references;
    size_t queued; // in how many queues it stands
    size_t size;
    uint8_t data[];
};

struct batch_port {
    struct registry_key *key;
    unsigned references; // the holder's, and those who deliver
    bool closed, is_hit;
    bool full;               // said so, until one is taken
    struct batch_port *next; // in its bucket
    struct batch_port *next_hit;
    struct message **queue; // a ring
    size_t first, count, capacity;
    uint64_t octets;
    struct batch_waiter *first_waiter, *last_waiter;
};

// ---- messages -----------------------------------------------------------------------------------

static void drop(struct message *m) {
    if (--m->references == 0) {
        free(m);
    }
}

static struct message *take_first(struct batch_port *port) {
    struct message *m = port->queue[port->first];
    port->first = (port->first + 1) % port->capacity;
    port->count--;
    port->octets -= m->size;
    port->full = false;
    port->key->registry->queued -= --m->queued == 0 ? m->size : 0;
    return m;
}

static void grow(struct batch_port *port) {
    const size_t capacity = port->capacity == 0 ? 4 : 2 * port->capacity;
    struct message **queue = util_grow(NULL, capacity, sizeof *queue);
    for (size_t i = 0; i < port->count; i++) {
        queue[i] = port->queue[(port->first + i) % port->capacity];
    }
    free(port->queue);
    port->key->registry->queued += (capacity - port->capacity) * sizeof *queue;
    port->queue = queue;
    port->first = 0;
    port->capacity = capacity;
}

static void overflow(struct batch_port *port) {
    const struct registry_listener *listener = &port->key->registry->listener;
    if (!port->full && listener->overflowed != NULL) {
        listener->overflowed(listener->context, port->key->path);
    }
    port->full = true;
}

// Whether there is room for a message: in the queue, and in what is left for all of them.
static bool has_room(const struct batch_port *port, const struct message *m) {
    const struct registry *r = port->key->registry;
    const uint64_t limit = r->limits.all_port_octets;
    const uint64_t left = limit > r->queued ? limit - r->queued : 0;
    const uint64_t size = port->octets + m->size;
    return port->count < r->limits.port_count && size <= r->limits.port_octets &&
           size + port->capacity * sizeof *port->queue <= left;
}

static void append(struct batch_port *port, struct message *m) {
    // One that is waited for is not kept, however large it is.
    if (port->first_waiter == NULL && !has_room(port, m)) {
        overflow(port);
        return;
    }
    if (port->count == port->capacity) {
        grow(port);
    }
    port->queue[(port->first + port->count++) % port->capacity] = m;
    port->octets += m->size;
    port->key->registry->queued += m->queued++ == 0 ? m->size : 0;
    m->references++;
}

// ---- waiters ------------------------------------------------------------------------------------

void batch_waiter_leave(struct batch_waiter *waiter) {
    struct batch_port *port = waiter->port;
    if (port == NULL) {
        return;
    }
    *(waiter->previous != NULL ? &waiter->previous->next : &port->first_waiter) = waiter->next;
    *(waiter->next != NULL ? &waiter->next->previous : &port->last_waiter) = waiter->previous;
    waiter->port = NULL;
    waiter->next = waiter->previous = NULL;
}

static void release(struct batch_port *port) {
    if (--port->references > 0) {
        return;
    }
    while (port->count > 0) {
        drop(take_first(port));
    }
    port->key->registry->queued -= port->capacity * sizeof *port->queue;
    registry_key_release(port->key);
    free(port->queue);
    free(port);
}

// Gives to those who wait. They may come back, leave, or close ports.
static void serve(struct batch_port *port) {
    port->references++;
    while (port->first_waiter != NULL && port->count > 0) {
        struct batch_waiter *waiter = port->first_waiter;
        struct message *m = take_first(port);
        batch_waiter_leave(waiter);
        waiter->done(waiter->context, 0, (cmrp_view){m->data, m->size});
        drop(m);
    }
    while (port->first_waiter != NULL && port->closed) {
        struct batch_waiter *waiter = port->first_waiter;
        batch_waiter_leave(waiter);
        waiter->done(waiter->context, BATCH_PORT_CLOSED, (cmrp_view){NULL, 0});
    }
    release(port);
}

void batch_port_get(struct batch_port *port, struct batch_waiter *waiter) {
    waiter->port = port;
    waiter->next = NULL;
    waiter->previous = port->last_waiter;
    *(port->last_waiter != NULL ? &port->last_waiter->next : &port->first_waiter) = waiter;
    port->last_waiter = waiter;
    serve(port);
}

// ---- ports by key -------------------------------------------------------------------------------

static struct batch_port **bucket_of(const struct registry *r, int64_t key) {
    return &r->buckets[(uint64_t)key % r->bucket_count];
}

static void more_buckets(struct registry *r) {
    const size_t old_count = r->bucket_count;
    struct batch_port **old = r->buckets;
    r->bucket_count = old_count == 0 ? 16 : 2 * old_count;
    r->buckets = util_alloc(r->bucket_count * sizeof r->buckets[0]);
    for (size_t i = 0; i < old_count; i++) {
        for (struct batch_port *port = old[i], *next; port != NULL; port = next) {
            struct batch_port **bucket = bucket_of(r, port->key->id);
            next = port->next;
            port->next = *bucket;
            *bucket = port;
        }
    }
    free(old);
}

uint32_t batch_port_create(struct registry_key *key, struct batch_port **out) {
    struct registry *r = key->registry;
    *out = NULL;
    const uint32_t status = registry_key_check(key);
    if (status != 0) {
        return status;
    }
    if (r->port_count == r->bucket_count) {
        more_buckets(r);
    }
    struct batch_port *port = util_alloc(sizeof *port);
    struct batch_port **bucket = bucket_of(r, key->id);
    port->key = registry_key_hold(key);
    port->references = 1;
    port->next = *bucket;
    *bucket = port;
    r->port_count++;
    *out = port;
    return 0;
}

void batch_port_close(struct batch_port *port) {
    struct registry *r = port->key->registry;
    struct batch_port **at = bucket_of(r, port->key->id);
    while (*at != port) {
        at = &(*at)->next;
    }
    *at = port->next;
    r->port_count--;
    while (port->count > 0) {
        drop(take_first(port));
    }
    port->closed = true;
    serve(port);
    release(port);
}

void batch_ports_free(struct registry *r) {
    free(r->buckets);
}

// ---- what a batch does --------------------------------------------------------------------------

void batch_ports_touch(struct registry *r, int64_t key) {
    if (!r->in_batch || r->port_count == 0) {
        return;
    }
    for (struct batch_port *port = *bucket_of(r, key); port != NULL; port = port->next) {
        if (port->key->id == key && !port->is_hit) {
            port->is_hit = true;
            port->next_hit = r->hit;
            r->hit = port;
        }
    }
}

static struct message *new_message(const struct buffer *octets) {
    struct message *m = util_alloc(sizeof *m + octets->size);
    m->references = 1;
    m->size = octets->size;
    memcpy(m->data, octets->data, octets->size);
    return m;
}

// Takes the list of ports that were hit, each held.
static struct batch_port **take_hit(struct registry *r, size_t *count) {
    struct batch_port **ports = NULL;
    *count = 0;
    for (struct batch_port *port = r->hit; port != NULL; port = port->next_hit) {
        ++*count;
    }
    if (*count > 0) {
        ports = util_grow(NULL, *count, sizeof *ports);
    }
    size_t i = 0;
    for (struct batch_port *port = r->hit; port != NULL; port = port->next_hit) {
        port->is_hit = false;
        port->references++;
        ports[i++] = port;
    }
    r->hit = NULL;
    return ports;
}

void batch_ports_deliver(struct registry *r, const struct buffer *mirror, bool lost) {
    size_t count;
    struct batch_port **ports = take_hit(r, &count);
    struct message *m = mirror != NULL && !lost && count > 0 ? new_message(mirror) : NULL;
    for (size_t i = 0; i < count && mirror != NULL; i++) {
        if (lost) {
            overflow(ports[i]);
        } else {
            append(ports[i], m);
        }
    }
    if (m != NULL) {
        drop(m);
    }
    // Only now, because those who wait may do anything, also execute the next batch.
    for (size_t i = 0; i < count; i++) {
        serve(ports[i]);
        release(ports[i]);
    }
    free(ports);
}
