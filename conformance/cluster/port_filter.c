// SPDX-License-Identifier: Apache-2.0
// Filters: what may be registered, and the lists in which events find it.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

enum {
    REGISTRY_BITS = CLUSTER_CHANGE_REGISTRY_NAME | CLUSTER_CHANGE_REGISTRY_ATTRIBUTES |
                    CLUSTER_CHANGE_REGISTRY_VALUE,
};

// ---- lists --------------------------------------------------------------------------------------

static void link_init(struct link *head) {
    head->next = head->previous = head;
}

void links_init(struct cluster *cluster) {
    for (unsigned i = 0; i < WATCH_CHANGES; i++) {
        link_init(&cluster->v1[i]);
    }
    for (unsigned type = 0; type < WATCH_TYPES; type++) {
        for (unsigned i = 0; i < WATCH_V2; i++) {
            link_init(&cluster->v2[type][i]);
        }
    }
}

static void hang(struct filter *filter, struct link *head) {
    struct link *link = &filter->links[filter->links_used++];
    *link = (struct link){.next = head, .previous = head->previous, .filter = filter};
    head->previous->next = link;
    head->previous = link;
}

static struct watches *watches_of(struct cluster_object *object) {
    if (object->watches == NULL) {
        object->watches = util_alloc(sizeof *object->watches);
        for (unsigned i = 0; i < WATCH_V1; i++) {
            link_init(&object->watches->v1[i]);
        }
        for (unsigned i = 0; i < WATCH_V2; i++) {
            link_init(&object->watches->v2[i]);
        }
    }
    return object->watches;
}

static struct key_watch *key_watch_of(struct cluster *cluster, const char *path) {
    struct key_watch *watch = NULL;
    char *key = folded(path);
    HASH_FIND(hh, cluster->key_watches, key, strlen(key), watch);
    if (watch == NULL) {
        watch = util_alloc(sizeof *watch);
        watch->path = key;
        watch->alive = true;
        for (unsigned i = 0; i < 2 * 2 * WATCH_KEY; i++) {
            link_init(&watch->lists[i / (2 * WATCH_KEY)][i / WATCH_KEY % 2][i % WATCH_KEY]);
        }
        HASH_ADD_KEYPTR(hh, cluster->key_watches, watch->path, strlen(watch->path), watch);
    } else {
        free(key);
    }
    watch->users++;
    return watch;
}

static void key_watch_kill(struct cluster *cluster, struct key_watch *watch) {
    if (watch->alive) {
        HASH_DELETE(hh, cluster->key_watches, watch);
        watch->alive = false;
    }
}

static void key_watch_release(struct cluster *cluster, struct key_watch *watch) {
    if (watch != NULL && --watch->users == 0) {
        key_watch_kill(cluster, watch);
        free(watch->path);
        free(watch);
    }
}

void key_watch_orphan(struct cluster *cluster, const char *folded_path) {
    struct key_watch *watch = NULL;
    HASH_FIND(hh, cluster->key_watches, folded_path, strlen(folded_path), watch);
    if (watch != NULL) {
        key_watch_kill(cluster, watch);
    }
}

// ---- filters ------------------------------------------------------------------------------------

static uint32_t filter_new(struct port *port, uint32_t key, uint64_t bits, struct filter **out) {
    const size_t links = (size_t)__builtin_popcountll(bits);
    struct cluster *c = port->cluster;
    if (port->filters >= c->filter_limit ||
        port->filters >= c->all_filter_limit - c->filter_count) {
        cluster_say(c, "a notification port has %u filters, all have %zu: one more is refused",
                    (unsigned)port->filters, c->filter_count);
        return CLUSTER_ERROR_NOT_ENOUGH_MEMORY;
    }
    struct filter *f = util_alloc(sizeof *f + links * sizeof f->links[0]);
    f->port = port;
    f->key = key;
    f->number = c->next_filter++;
    c->filter_count++;
    *(port->last != NULL ? &port->last->next : &port->first) = f;
    port->last = f;
    port->filters++;
    *out = f;
    return 0;
}

void filters_free(struct port *port) {
    for (struct filter *f = port->first, *next; f != NULL; f = next) {
        next = f->next;
        for (uint32_t i = 0; i < f->links_used; i++) {
            f->links[i].previous->next = f->links[i].next;
            f->links[i].next->previous = f->links[i].previous;
        }
        port->cluster->filter_count--;
        key_watch_release(port->cluster, f->watch);
        cluster_release(f->object);
        free(f);
    }
    port->first = port->last = NULL;
}

// The lists of a key; order: NAME, ATTRIBUTES, VALUE.
static void hang_key(struct filter *filter, unsigned version, bool subtree, const bool wants[3]) {
    for (unsigned i = 0; i < WATCH_KEY; i++) {
        if (wants[i]) {
            hang(filter, &filter->watch->lists[version - 1][subtree][i]);
        }
    }
}

static void hang_key_v1(struct filter *filter, uint32_t bits, bool subtree) {
    const bool wants[] = {(bits & CLUSTER_CHANGE_REGISTRY_NAME) != 0,
                          (bits & CLUSTER_CHANGE_REGISTRY_ATTRIBUTES) != 0,
                          (bits & CLUSTER_CHANGE_REGISTRY_VALUE) != 0};
    hang_key(filter, 1, subtree, wants);
}

static void hang_key_v2(struct filter *filter, uint64_t flags) {
    const bool wants[] = {(flags & CLUSTER_CHANGE_REGISTRY_NAME_V2) != 0,
                          (flags & CLUSTER_CHANGE_REGISTRY_ATTRIBUTES_V2) != 0,
                          (flags & CLUSTER_CHANGE_REGISTRY_VALUE_V2) != 0};
    hang_key(filter, 2, (flags & CLUSTER_CHANGE_REGISTRY_SUBTREE_V2) != 0, wants);
}

// ---- version 1 ----------------------------------------------------------------------------------

static bool allowed(uint32_t filter, unsigned scope) {
    const uint64_t mask =
        cmrp_change_registrable(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE), scope);
    return filter != 0 && (filter & ~mask) == 0;
}

uint32_t port_add_cluster(struct port *port, uint32_t filter, uint32_t key) {
    struct cluster *c = port->cluster;
    struct filter *f;
    if (port->version != 1) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (!allowed(filter, CMRP_SCOPE_CLUSTER)) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    const uint32_t status = filter_new(port, key, filter, &f);
    if (status != 0) {
        return status;
    }
    for (uint32_t left = filter & ~(uint32_t)(REGISTRY_BITS | CLUSTER_CHANGE_REGISTRY_SUBTREE);
         left != 0; left &= left - 1) {
        hang(f, &c->v1[__builtin_ctz(left)]);
    }
    if ((filter & REGISTRY_BITS) != 0) {
        f->watch = key_watch_of(c, "");
        hang_key_v1(f, filter, (filter & CLUSTER_CHANGE_REGISTRY_SUBTREE) != 0);
    }
    return 0;
}

static unsigned scope_of(enum cluster_kind kind) {
    switch (kind) {
    case CLUSTER_NODE: return CMRP_SCOPE_NODE;
    case CLUSTER_GROUP: return CMRP_SCOPE_GROUP;
    case CLUSTER_RESOURCE: return CMRP_SCOPE_RESOURCE;
    case CLUSTER_NETWORK: return CMRP_SCOPE_NETWORK;
    case CLUSTER_NETINTERFACE: return CMRP_SCOPE_NETINTERFACE;
    default: return 0;
    }
}

uint32_t port_add_object(struct port *port, struct cluster_object *object, uint32_t filter,
                         uint32_t key, uint32_t *sequence) {
    struct filter *f;
    const unsigned scope = scope_of(object->kind);
    if (port->version != 1 || scope == 0) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (!allowed(filter, scope)) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    if (object->f.deleted) {
        return cluster_not_available(object->kind);
    }
    const uint32_t status = filter_new(port, key, filter, &f);
    if (status != 0) {
        return status;
    }
    f->object = cluster_hold(object);
    for (unsigned what = 0; what < WATCH_V1; what++) {
        if ((filter & event_bit(object->kind, what)) != 0) {
            hang(f, &watches_of(object)->v1[what]);
        }
    }
    if (sequence != NULL) {
        *sequence = object->f.sequence;
    }
    return 0;
}

uint32_t port_readd_object(struct port *port, struct cluster_object *object, uint32_t filter,
                           uint32_t key, uint32_t sequence) {
    const uint32_t status = port_add_object(port, object, filter, key, NULL);
    if (status == 0 && sequence != object->f.sequence &&
        (filter & event_bit(object->kind, TELL_STATE)) != 0) {
        struct event *event = event_of_state(object);
        port_queue(port, port->last, event, 0);
        event_release(event);
        port_serve(port->cluster);
    }
    return status;
}

uint32_t port_add_key(struct port *port, struct registry_key *hkey, uint32_t filter, uint32_t key,
                      bool subtree) {
    struct filter *f;
    if (port->version != 1) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (!allowed(filter, CMRP_SCOPE_KEY)) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    uint32_t status = registry_key_check(hkey);
    status = status == 0 ? filter_new(port, key, filter, &f) : status;
    if (status != 0) {
        return status;
    }
    f->watch = key_watch_of(port->cluster, registry_key_path(hkey));
    hang_key_v1(f, filter, subtree);
    return 0;
}

// ---- version 2 ----------------------------------------------------------------------------------

// Whether what is watched suits the type, is there, and which object it is.
static uint32_t target_check(struct port *port, uint32_t object_type,
                             const struct port_target *target, struct cluster_object **object) {
    *object = target->object;
    if (target->resource_type != NULL) {
        *object = cluster_find(port->cluster, CLUSTER_RESOURCE_TYPE, target->resource_type);
        if (*object == NULL) {
            return CLUSTER_ERROR_RESTYPE_NOT_FOUND;
        }
    }
    if (*object != NULL && event_object_type((*object)->kind) != object_type) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (*object != NULL && (*object)->f.deleted) {
        return cluster_not_available((*object)->kind);
    }
    if (target->hkey != NULL) {
        return object_type == CLUSTER_OBJECT_TYPE_REGISTRY ? registry_key_check(target->hkey)
                                                           : (uint32_t)CLUSTER_ERROR_INVALID_HANDLE;
    }
    return 0;
}

static uint32_t filter_check(const struct port *port, uint32_t object_type, uint64_t flags,
                             unsigned scope) {
    const cmrp_change_set *set = cmrp_change_set_of_type(object_type);
    if (port->version != 2) {
        return CLUSTER_ERROR_INVALID_HANDLE;
    }
    if (set == NULL || object_type >= WATCH_TYPES || flags == 0 ||
        (flags & ~cmrp_change_registrable(set, scope)) != 0) {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    return 0;
}

uint32_t port_check_v2(const struct port *port, uint32_t object_type, uint64_t flags) {
    return filter_check(port, object_type, flags, CMRP_SCOPE_V2);
}

uint32_t port_add_v2(struct port *port, uint32_t object_type, uint64_t flags, uint32_t key,
                     const struct port_target *target) {
    struct cluster *c = port->cluster;
    struct cluster_object *object;
    struct filter *f;
    uint32_t status =
        filter_check(port, object_type, flags,
                     target->resource_type != NULL ? CMRP_SCOPE_RESOURCE_TYPE : CMRP_SCOPE_V2);
    status = status == 0 ? target_check(port, object_type, target, &object) : status;
    status = status == 0 ? filter_new(port, key, flags, &f) : status;
    if (status != 0) {
        return status;
    }
    if (object_type == CLUSTER_OBJECT_TYPE_REGISTRY) {
        f->watch = key_watch_of(c, target->hkey != NULL ? registry_key_path(target->hkey) : "");
        hang_key_v2(f, flags);
        return 0;
    }
    struct link *lists = object != NULL ? watches_of(object)->v2 : c->v2[object_type];
    f->object = object != NULL ? cluster_hold(object) : NULL;
    f->lost = object == NULL && object_type == CLUSTER_OBJECT_TYPE_CLUSTER &&
              (flags & CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2) != 0;
    for (uint64_t left = flags; left != 0; left &= left - 1) {
        hang(f, &lists[__builtin_ctzll(left)]);
    }
    return 0;
}
