// SPDX-License-Identifier: Apache-2.0
// Events: what they hold, and to which filters they go.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

static const struct {
    uint32_t state_bit; // CLUSTER_CHANGE_*_STATE; of types one below *_DELETED
    uint32_t object_type;
} kinds[CLUSTER_KINDS] = {
    [CLUSTER_NODE] = {CLUSTER_CHANGE_NODE_STATE, CLUSTER_OBJECT_TYPE_NODE},
    [CLUSTER_GROUP] = {CLUSTER_CHANGE_GROUP_STATE, CLUSTER_OBJECT_TYPE_GROUP},
    [CLUSTER_RESOURCE] = {CLUSTER_CHANGE_RESOURCE_STATE, CLUSTER_OBJECT_TYPE_RESOURCE},
    [CLUSTER_RESOURCE_TYPE] = {CLUSTER_CHANGE_RESOURCE_TYPE_DELETED >> TELL_DELETED,
                               CLUSTER_OBJECT_TYPE_RESOURCE_TYPE},
    [CLUSTER_NETWORK] = {CLUSTER_CHANGE_NETWORK_STATE, CLUSTER_OBJECT_TYPE_NETWORK},
    [CLUSTER_NETINTERFACE] = {CLUSTER_CHANGE_NETINTERFACE_STATE,
                              CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE},
};

uint32_t event_bit(enum cluster_kind kind, unsigned what) {
    if (kind == (enum cluster_kind)CLUSTER_SELF) {
        return what == TELL_PROPERTY ? CLUSTER_CHANGE_CLUSTER_PROPERTY : 0;
    }
    if (kind == CLUSTER_RESOURCE_TYPE && what == TELL_STATE) {
        return 0;
    }
    return kinds[kind].state_bit << what;
}

uint32_t event_object_type(enum cluster_kind kind) {
    return kind == (enum cluster_kind)CLUSTER_SELF ? CLUSTER_OBJECT_TYPE_CLUSTER
                                                   : kinds[kind].object_type;
}

// ---- payloads -----------------------------------------------------------------------------------

struct port_payload payload_none(void) {
    return (struct port_payload){.kind = PORT_PAYLOAD_NONE};
}

struct port_payload payload_number(uint32_t number) {
    return (struct port_payload){.kind = PORT_PAYLOAD_NUMBER, .number = number};
}

struct port_payload payload_text(const char *text) {
    struct port_payload p = {.kind = PORT_PAYLOAD_TEXT, .text_count = 1};
    p.texts = util_alloc(sizeof *p.texts);
    p.texts[0] = util_strdup(text);
    return p;
}

struct port_payload payload_ids(const struct objects *objects) {
    struct port_payload p = {.kind = PORT_PAYLOAD_TEXTS, .text_count = objects->count};
    p.texts = util_alloc((objects->count + 1) * sizeof *p.texts);
    for (size_t i = 0; i < objects->count; i++) {
        p.texts[i] = util_strdup(objects->at[i]->id);
    }
    return p;
}

struct port_payload payload_property(const struct property *property) {
    struct port_payload p = {.kind = PORT_PAYLOAD_PROPERTIES, .property_count = 1};
    p.properties = util_alloc(sizeof *p.properties);
    p.properties[0] = (struct port_property){
        .name = util_strdup(property->name),
        .is_number = property->is_number,
        .number = property->number,
        .text = util_strdup(property->text != NULL ? property->text : ""),
    };
    return p;
}

struct port_payload payload_membership(const struct cluster *cluster) {
    struct port_payload p = {.kind = PORT_PAYLOAD_MEMBERSHIP, .has_quorum = true};
    p.up_nodes = util_alloc(cluster->kinds[CLUSTER_NODE].count + 1);
    for (const struct cluster_object *n = cluster->kinds[CLUSTER_NODE].first; n != NULL;
         n = n->next) {
        const bool up = n->f.state == CLUSTER_NODE_UP || n->f.state == CLUSTER_NODE_PAUSED;
        if (!n->f.deleted && up && n->f.number <= UINT8_MAX) {
            p.up_nodes[p.up_node_count++] = (uint8_t)n->f.number;
        }
    }
    return p;
}

static size_t payload_octets(const struct port_payload *p) {
    size_t octets = p->up_node_count;
    for (size_t i = 0; i < p->text_count; i++) {
        octets += sizeof p->texts[i] + strlen(p->texts[i]);
    }
    for (size_t i = 0; i < p->property_count; i++) {
        octets +=
            sizeof p->properties[i] + strlen(p->properties[i].name) + strlen(p->properties[i].text);
    }
    return octets;
}

static void payload_clear(struct port_payload *payload) {
    for (size_t i = 0; i < payload->text_count; i++) {
        free(payload->texts[i]);
    }
    for (size_t i = 0; i < payload->property_count; i++) {
        free(payload->properties[i].name);
        free(payload->properties[i].text);
    }
    free(payload->texts);
    free(payload->properties);
    free(payload->up_nodes);
    *payload = payload_none();
}

// ---- events -------------------------------------------------------------------------------------

static const char *put(char **at, const char *text) {
    const size_t size = strlen(text) + 1;
    char *start = *at;
    memcpy(start, text, size);
    *at += size;
    return start;
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

// One user. Takes the payload over.
static struct event *event_new(const struct telling *t) {
    const char *name = or_empty(t->name);
    const char *name_v2 = t->name_v2 != NULL ? t->name_v2 : name;
    const char *texts[] = {name, or_empty(t->id), or_empty(t->parent_id), or_empty(t->type)};
    size_t size = strlen(name_v2) + 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size += strlen(texts[i]) + 1;
    }
    struct event *e = util_alloc(sizeof *e + size);
    char *at = e->texts;
    e->users = 1;
    e->octets = sizeof *e + size + payload_octets(&t->payload);
    e->shown = (struct port_event){
        .change = t->change,
        .object_type = t->object_type,
        .flag = t->flag,
        .sequence = t->subject != NULL ? t->subject->f.sequence : 0,
        .payload = t->payload,
    };
    e->shown.name = put(&at, texts[0]);
    e->shown.name_v2 = name_v2 == name ? e->shown.name : put(&at, name_v2);
    e->shown.id = put(&at, texts[1]);
    e->shown.parent_id = put(&at, texts[2]);
    e->shown.type = put(&at, texts[3]);
    return e;
}

void event_release(struct event *event) {
    if (event != NULL && --event->users == 0) {
        payload_clear(&event->shown.payload);
        free(event);
    }
}

struct event *event_of_state(struct cluster_object *object) {
    const struct telling t = {
        .change = event_bit(object->kind, TELL_STATE), .subject = object, .name = object->f.name};
    return event_new(&t);
}

struct event *event_mark(unsigned version) {
    const struct telling t =
        version == 1 ? (struct telling){.change = CLUSTER_CHANGE_CLUSTER_RECONNECT}
                     : (struct telling){.object_type = CLUSTER_OBJECT_TYPE_CLUSTER,
                                        .flag = CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2};
    return event_new(&t);
}

// ---- matching -----------------------------------------------------------------------------------

// A list of filters that match, in the order of their registration, and what they skip of the name.
struct source {
    const struct link *at, *end;
    uint32_t skip;
};

struct sources {
    struct source *at;
    size_t count, room;
    struct source few[12];
};

static void source_add(struct sources *sources, const struct link *head, size_t skip) {
    if (head == NULL || head->next == head) {
        return;
    }
    if (sources->count == sources->room) {
        struct source *more = util_alloc((sources->room * 2 + 12) * sizeof *more);
        memcpy(more, sources->at != NULL ? sources->at : more, sources->count * sizeof *more);
        if (sources->at != sources->few) {
            free(sources->at);
        }
        sources->at = more;
        sources->room = sources->room * 2 + 12;
    }
    sources->at[sources->count++] = (struct source){head->next, head, (uint32_t)skip};
}

// All filters of all lists, by number.
static void deliver(struct sources *sources, struct event *event) {
    for (;;) {
        struct source *first = NULL;
        for (size_t i = 0; i < sources->count; i++) {
            struct source *s = &sources->at[i];
            if (s->at != s->end &&
                (first == NULL || s->at->filter->number < first->at->filter->number)) {
                first = s;
            }
        }
        if (first == NULL) {
            break;
        }
        port_queue(first->at->filter->port, first->at->filter, event, first->skip);
        first->at = first->at->next;
    }
}

static unsigned index_of(uint64_t bit) {
    return (unsigned)__builtin_ctzll(bit);
}

static const struct link *all_v1(const struct cluster *c, uint32_t change) {
    return change != 0 ? &c->v1[index_of(change)] : NULL;
}

static const struct link *all_v2(const struct cluster *c, uint32_t type, uint64_t flag) {
    return type != 0 ? &c->v2[type][index_of(flag)] : NULL;
}

static const struct link *one_v1(const struct cluster_object *o, uint32_t change) {
    if (change == 0 || o == NULL || o->watches == NULL) {
        return NULL;
    }
    for (unsigned what = 0; what < WATCH_V1; what++) {
        if (event_bit(o->kind, what) == change) {
            return &o->watches->v1[what];
        }
    }
    return NULL;
}

static const struct link *one_v2(const struct cluster_object *o, uint32_t type, uint64_t flag) {
    return type != 0 && o != NULL && o->watches != NULL ? &o->watches->v2[index_of(flag)] : NULL;
}

static bool empty(const struct link *head) {
    return head == NULL || head->next == head;
}

static bool wanted(const struct cluster *c, const struct telling *t) {
    return !c->quiet && !(empty(all_v1(c, t->change)) && empty(one_v1(t->subject, t->change)) &&
                          empty(all_v2(c, t->object_type, t->flag)) &&
                          empty(one_v2(t->target, t->object_type, t->flag)));
}

// ---- telling ------------------------------------------------------------------------------------

void event_tell(struct cluster *cluster, struct telling *telling) {
    if (!wanted(cluster, telling)) {
        payload_clear(&telling->payload);
        return;
    }
    if (cluster->event_count == cluster->event_room) {
        cluster->event_room = cluster->event_room * 2 + 16;
        cluster->events = util_grow(cluster->events, cluster->event_room, sizeof *cluster->events);
    }
    cluster->events[cluster->event_count++] = (struct pending_event){
        .event = event_new(telling),
        .subject = telling->subject != NULL ? cluster_hold(telling->subject) : NULL,
        .target = telling->target != NULL ? cluster_hold(telling->target) : NULL,
    };
}

static const char *parent_id(const struct cluster_object *object) {
    const bool has = object->kind == CLUSTER_GROUP || object->kind == CLUSTER_RESOURCE ||
                     object->kind == CLUSTER_NETINTERFACE;
    return has && object->f.parent != NULL ? object->f.parent->id : NULL;
}

static void tell_object(struct cluster_object *object, uint32_t change, uint64_t flag,
                        struct port_payload payload) {
    struct telling t = {
        .change = change,
        .subject = object,
        .object_type = flag != 0 ? event_object_type(object->kind) : 0,
        .flag = flag,
        .target = object,
        .name = object->f.name,
        .id = object->id,
        .parent_id = parent_id(object),
        .type = object->kind == CLUSTER_RESOURCE ? object->f.type->f.name : NULL,
        .payload = payload,
    };
    event_tell(object->cluster, &t);
}

void event_tell_object(struct cluster_object *object, unsigned what, uint64_t flag,
                       struct port_payload payload) {
    tell_object(object, event_bit(object->kind, what), flag, payload);
}

void event_tell_v2(struct cluster_object *object, uint64_t flag, struct port_payload payload) {
    tell_object(object, 0, flag, payload);
}

static void pending_clear(struct pending_event *pending) {
    event_release(pending->event);
    cluster_release(pending->subject);
    cluster_release(pending->target);
}

void event_deliver_pending(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->event_count; i++) {
        struct pending_event *p = &cluster->events[i];
        const struct port_event *e = &p->event->shown;
        struct sources sources = {.at = sources.few, .room = 12};
        source_add(&sources, all_v1(cluster, e->change), 0);
        source_add(&sources, one_v1(p->subject, e->change), 0);
        source_add(&sources, all_v2(cluster, e->object_type, e->flag), 0);
        source_add(&sources, one_v2(p->target, e->object_type, e->flag), 0);
        deliver(&sources, p->event);
        pending_clear(p);
    }
    cluster->event_count = 0;
}

void event_drop_pending(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->event_count; i++) {
        pending_clear(&cluster->events[i]);
    }
    cluster->event_count = 0;
}

// ---- the registry -------------------------------------------------------------------------------

// By enum registry_change.
static const struct {
    uint32_t change;
    uint64_t flag;
    unsigned index; // in key_watch.lists
} key_changes[] = {
    [REGISTRY_KEY_CREATED] = {CLUSTER_CHANGE_REGISTRY_NAME, CLUSTER_CHANGE_REGISTRY_NAME_V2, 0},
    [REGISTRY_KEY_DELETED] = {CLUSTER_CHANGE_REGISTRY_NAME, CLUSTER_CHANGE_REGISTRY_NAME_V2, 0},
    [REGISTRY_ATTRIBUTES] = {CLUSTER_CHANGE_REGISTRY_ATTRIBUTES,
                             CLUSTER_CHANGE_REGISTRY_ATTRIBUTES_V2, 1},
    [REGISTRY_VALUE_SET] = {CLUSTER_CHANGE_REGISTRY_VALUE, CLUSTER_CHANGE_REGISTRY_VALUE_V2, 2},
    [REGISTRY_VALUE_DELETED] = {CLUSTER_CHANGE_REGISTRY_VALUE, CLUSTER_CHANGE_REGISTRY_VALUE_V2, 2},
};

// The watches of the key and of all above it; `path` is folded, its levels as long as those of
// the name itself.
static void watches_of(const struct cluster *cluster, const char *path, const char *name,
                       unsigned index, struct sources *sources) {
    const size_t whole = strlen(path);
    size_t skip = 0; // of name, which folding may have made longer or shorter
    for (size_t size = 0;; size++) {
        if (size != 0 && size != whole && path[size] != '\\') {
            continue;
        }
        struct key_watch *watch = NULL;
        HASH_FIND(hh, cluster->key_watches, path, size, watch);
        skip = size == 0 ? 0 : skip + strcspn(name + skip, "\\");
        if (watch != NULL) {
            const size_t from = skip + (size != 0 && name[skip] == '\\' ? 1 : 0);
            for (unsigned version = 0; version < 2; version++) {
                source_add(sources, &watch->lists[version][1][index], from);
                if (size == whole) {
                    source_add(sources, &watch->lists[version][0][index], from);
                }
            }
        }
        if (size == whole) {
            return;
        }
        skip += size != 0 ? 1 : 0;
    }
}

void event_registry(void *context, const struct registry_event *event) {
    struct cluster *cluster = context;
    if (cluster->key_watches == NULL) {
        return;
    }
    struct sources sources = {.at = sources.few, .room = 12};
    char *path = folded(event->path);
    const bool value =
        event->change == REGISTRY_VALUE_SET || event->change == REGISTRY_VALUE_DELETED;
    watches_of(cluster, path, event->path, key_changes[event->change].index, &sources);
    if (sources.count > 0 && !cluster->quiet) {
        const struct telling t = {
            .change = key_changes[event->change].change,
            .object_type = CLUSTER_OBJECT_TYPE_REGISTRY,
            .flag = key_changes[event->change].flag,
            .name = event->path,
            .id = value ? event->value : NULL,
        };
        struct event *e = event_new(&t);
        deliver(&sources, e);
        event_release(e);
    }
    if (sources.at != sources.few) {
        free(sources.at);
    }
    if (event->change == REGISTRY_KEY_DELETED) {
        key_watch_orphan(cluster, path);
    }
    free(path);
}

void event_registry_told(void *context) {
    port_serve(context);
}
