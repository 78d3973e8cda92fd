// SPDX-License-Identifier: Apache-2.0
// Beginning and end, and finding objects.
#include "cluster/cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"
#include "util/file.h"

enum { QUEUE = 10000, PORTS = 100000, FILTERS = 10000, SEED_LIMIT = 64 * 1024 * 1024 };
enum { ALL_QUEUES = 256 * 1024 * 1024, ALL_FILTERS = 1 << 20 };

static const struct kind_facts {
    const char *name;
    const char *key;
    uint32_t not_found, not_available;
} facts_of[CLUSTER_KINDS] = {
    [CLUSTER_NODE] = {"node", "Nodes", CLUSTER_ERROR_NODE_NOT_FOUND,
                      CLUSTER_ERROR_NODE_NOT_AVAILABLE},
    [CLUSTER_GROUP] = {"group", "Groups", CLUSTER_ERROR_GROUP_NOT_FOUND,
                       CLUSTER_ERROR_GROUP_NOT_AVAILABLE},
    [CLUSTER_RESOURCE] = {"resource", "Resources", CLUSTER_ERROR_RESOURCE_NOT_FOUND,
                          CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE},
    [CLUSTER_RESOURCE_TYPE] = {"resource-type", "ResourceTypes", CLUSTER_ERROR_RESTYPE_NOT_FOUND,
                               CLUSTER_ERROR_RESTYPE_NOT_FOUND},
    [CLUSTER_NETWORK] = {"network", "Networks", CLUSTER_ERROR_NETWORK_NOT_FOUND,
                         CLUSTER_ERROR_NETWORK_NOT_AVAILABLE},
    [CLUSTER_NETINTERFACE] = {"interface", "NetworkInterfaces",
                              CLUSTER_ERROR_NETINTERFACE_NOT_FOUND,
                              CLUSTER_ERROR_NETINTERFACE_NOT_FOUND},
};

const char *cluster_kind_name(enum cluster_kind kind) {
    return facts_of[kind].name;
}

uint32_t cluster_not_found(enum cluster_kind kind) {
    return facts_of[kind].not_found;
}

uint32_t cluster_not_available(enum cluster_kind kind) {
    return facts_of[kind].not_available;
}

void cluster_say(const struct cluster *cluster, const char *format, ...) {
    char text[512];
    va_list args;
    if (cluster->log == NULL) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cluster->log(cluster->context, text);
}

// ---- texts and lists ----------------------------------------------------------------------------

char *folded(const char *text) {
    struct buffer b = {0};
    text_fold(&b, text, strlen(text));
    char *copy = util_strdup(buffer_text(&b));
    buffer_free(&b);
    return copy;
}

void set_text(char **at, const char *text) {
    char *copy = text != NULL ? util_strdup(text) : NULL;
    free(*at);
    *at = copy;
}

void objects_add(struct objects *objects, struct cluster_object *object) {
    objects->at = util_grow(objects->at, objects->count + 1, sizeof(struct cluster_object *));
    objects->at[objects->count++] = object;
}

void objects_remove(struct objects *objects, const struct cluster_object *object) {
    size_t kept = 0;
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->at[i] != object) {
            objects->at[kept++] = objects->at[i];
        }
    }
    objects->count = kept;
}

bool objects_hold(const struct objects *objects, const struct cluster_object *object) {
    for (size_t i = 0; i < objects->count; i++) {
        if (objects->at[i] == object) {
            return true;
        }
    }
    return false;
}

// ---- objects ------------------------------------------------------------------------------------

bool object_name_good(enum cluster_kind kind, const char *name) {
    enum {
        LONGEST = 63
    }; // units of the name of a cluster or node: 128 octets with the NUL [3.1.4.2]
    if (name == NULL || (kind == CLUSTER_RESOURCE_TYPE && name[0] == '\\') ||
        (kind == CLUSTER_NODE && text_units(name, strlen(name)) > LONGEST)) {
        return false;
    }
    // Unpaired surrogates could not be written as JSON.
    for (const char *p = name; (p = strchr(p, '\xed')) != NULL; p++) {
        if ((uint8_t)p[1] >= 0xa0) {
            return false;
        }
    }
    return name[strspn(name, " \t\r\n")] != '\0';
}

void object_index(struct cluster_object *object) {
    if (object->kind == (enum cluster_kind)CLUSTER_SELF) {
        return;
    }
    struct kind_table *table = &object->cluster->kinds[object->kind];
    free(object->folded_name);
    object->folded_name = folded(object->f.name);
    HASH_ADD_KEYPTR(by_name, table->names, object->folded_name, strlen(object->folded_name),
                    object);
    if (object->folded_id != NULL) {
        HASH_ADD_KEYPTR(by_id, table->ids, object->folded_id, strlen(object->folded_id), object);
    }
    table->count++;
}

void object_unindex(struct cluster_object *object) {
    if (object->kind == (enum cluster_kind)CLUSTER_SELF) {
        return;
    }
    struct kind_table *table = &object->cluster->kinds[object->kind];
    HASH_DELETE(by_name, table->names, object);
    if (object->folded_id != NULL) {
        HASH_DELETE(by_id, table->ids, object);
    }
    table->count--;
}

static void object_list(struct cluster_object *object) {
    struct kind_table *table = &object->cluster->kinds[object->kind];
    object->previous = table->last;
    *(table->last != NULL ? &table->last->next : &table->first) = object;
    table->last = object;
}

void object_unlist(struct cluster_object *object) {
    struct kind_table *table = &object->cluster->kinds[object->kind];
    *(object->previous != NULL ? &object->previous->next : &table->first) = object->next;
    *(object->next != NULL ? &object->next->previous : &table->last) = object->previous;
    object->next = object->previous = NULL;
    cluster_release(object);
}

struct cluster_object *object_new(struct cluster *cluster, enum cluster_kind kind, const char *name,
                                  const char *id) {
    struct cluster_object *object = util_alloc(sizeof *object);
    object->kind = kind;
    object->cluster = cluster;
    object->users = 1; // of the list
    object->f.name = util_strdup(name);
    object->id = util_strdup(id != NULL ? id : "");
    object->folded_id = id != NULL ? folded(id) : NULL;
    object->key = kind == (enum cluster_kind)CLUSTER_SELF
                      ? util_strdup("")
                      : util_format("%s\\%s", facts_of[kind].key, id != NULL ? id : name);
    if (kind != (enum cluster_kind)CLUSTER_SELF) {
        object_list(object);
        object_index(object);
        change_created(object);
    }
    return object;
}

// SplitMix64.
static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

char *object_new_id(struct cluster *cluster) {
    const uint64_t n = ++cluster->next_id;
    const uint64_t a = mix(cluster->salt ^ n * 2), b = mix(cluster->salt ^ (n * 2 + 1));
    return util_format("%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                       (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                       (unsigned)((b >> 48 & 0x3fff) | 0x8000),
                       (unsigned long long)(b & 0xffffffffffff));
}

struct cluster_object *cluster_find(struct cluster *cluster, enum cluster_kind kind,
                                    const char *name) {
    struct kind_table *table = &cluster->kinds[kind];
    struct cluster_object *found = NULL;
    char *key = folded(name);
    const size_t size = strlen(key);
    HASH_FIND(by_name, table->names, key, size, found);
    if (found == NULL) {
        HASH_FIND(by_id, table->ids, key, size, found);
    }
    free(key);
    return found;
}

struct cluster_object *cluster_next(struct cluster *cluster, enum cluster_kind kind,
                                    struct cluster_object *after) {
    struct cluster_object *object = after == NULL ? cluster->kinds[kind].first : after->next;
    while (object != NULL && object->f.deleted) {
        object = object->next;
    }
    return object;
}

size_t cluster_count(const struct cluster *cluster, enum cluster_kind kind) {
    return cluster->kinds[kind].count;
}

struct cluster_object *cluster_hold(struct cluster_object *object) {
    object->users++;
    return object;
}

void cluster_release(struct cluster_object *object) {
    if (object == NULL || --object->users > 0) {
        return;
    }
    struct facts facts = object->f;
    free(object->members.at);
    free(object->watches);
    free(object->folded_name);
    free(object->folded_id);
    free(object->id);
    free(object->key);
    free(object);
    facts_clear(&facts);
}

enum cluster_kind cluster_object_kind(const struct cluster_object *object) {
    return object->kind;
}

struct cluster *cluster_of(const struct cluster_object *object) {
    return object->cluster;
}

bool cluster_object_deleted(const struct cluster_object *object) {
    return object->f.deleted;
}

const char *cluster_object_name(const struct cluster_object *object) {
    return object->f.name;
}

const char *cluster_object_id(const struct cluster_object *object) {
    return object->id;
}

uint32_t cluster_object_state(const struct cluster_object *object) {
    return object->f.state;
}

uint32_t cluster_object_sequence(const struct cluster_object *object) {
    return object->f.sequence;
}

const char *cluster_object_key(const struct cluster_object *object) {
    return object->key;
}

struct cluster_object *cluster_object_parent(const struct cluster_object *object) {
    return object->f.parent;
}

struct cluster_object *cluster_object_type(const struct cluster_object *object) {
    return object->f.type;
}

struct cluster_object *cluster_object_node(const struct cluster_object *object) {
    const struct cluster_object *o = object;
    if (o->kind == CLUSTER_RESOURCE) {
        o = o->f.parent;
    }
    return o->f.parent;
}

uint32_t cluster_object_number(const struct cluster_object *object) {
    return object->f.number;
}

bool cluster_object_core(const struct cluster_object *object) {
    return object->f.core;
}

// ---- the cluster itself -------------------------------------------------------------------------

struct registry *cluster_registry(struct cluster *cluster) {
    return cluster->registry;
}

const char *cluster_builtin_seed(void) {
    return seed_builtin;
}

const char *cluster_name(const struct cluster *cluster) {
    return cluster->self->f.name;
}

struct cluster_object *cluster_own_node(const struct cluster *cluster) {
    return cluster->own;
}

const char *cluster_node_name(const struct cluster *cluster) {
    return cluster->own->f.name;
}

const struct cluster_version *cluster_version(const struct cluster *cluster) {
    return &cluster->version;
}

struct cluster_object *cluster_quorum(const struct cluster *cluster, const char **path,
                                      uint32_t *log_size) {
    *path = cluster->self->f.path != NULL ? cluster->self->f.path : "";
    *log_size = cluster->self->f.number;
    return cluster->self->f.parent;
}

// ---- life ---------------------------------------------------------------------------------------

// The octets of the seed: of the state, a file, or the one built in.
static bool read_seed(struct cluster *cluster, const struct cluster_options *options,
                      struct buffer *text, bool *of_state, char **error) {
    char *document = NULL;
    *of_state = false;
    if (registry_used(cluster->registry) &&
        registry_document_get(cluster->registry, &document) == 0 && document != NULL) {
        buffer_append(text, document, strlen(document));
        free(document);
        *of_state = true;
        if (options->seed != NULL) {
            cluster_say(cluster, "%s holds a cluster already: %s is not read", options->state,
                        options->seed);
        }
        return true;
    }
    if (registry_used(cluster->registry)) {
        *error = util_format("%s: no state of a cluster", options->state);
        return false;
    }
    if (options->seed != NULL) {
        return file_read(options->seed, SEED_LIMIT, text, error);
    }
    buffer_append(text, seed_builtin, strlen(seed_builtin));
    return true;
}

static bool populate(struct cluster *cluster, const struct cluster_options *options, char **error) {
    struct buffer text = {0};
    bool of_state;
    if (!read_seed(cluster, options, &text, &of_state, error)) {
        buffer_free(&text);
        return false;
    }
    const char *name = of_state                ? options->state
                       : options->seed != NULL ? options->seed
                                               : "built-in seed";
    change_begin(cluster);
    bool good = seed_read(cluster, name, (const char *)text.data, text.size, of_state, error);
    const uint32_t status = change_end(cluster, good ? 0 : CLUSTER_ERROR_INVALID_PARAMETER);
    if (good && status != 0) {
        *error = util_format("%s: cannot be written (error %u)",
                             options->state != NULL ? options->state : "memory", (unsigned)status);
        good = false;
    }
    buffer_free(&text);
    return good;
}

static void batch_overflow(void *context, const char *path) {
    const struct cluster *cluster = context;
    cluster_say(cluster, "a batch port at key \"%s\" is full: indications are dropped", path);
}

static void registry_troubled(void *context, const char *why) {
    cluster_say(context, "changes fail: %s", why);
}

struct cluster *cluster_create(const struct cluster_options *options, char **error) {
    struct cluster *cluster = util_alloc(sizeof *cluster);
    const struct registry_listener listener = {cluster, event_registry, batch_overflow,
                                               event_registry_told, registry_troubled};
    cluster->queue_limit = options->queue != 0 ? options->queue : QUEUE;
    cluster->port_limit = options->ports != 0 ? options->ports : PORTS;
    cluster->filter_limit = options->filters != 0 ? options->filters : FILTERS;
    cluster->all_queues = options->all_queues != 0 ? options->all_queues : ALL_QUEUES;
    cluster->all_filter_limit = options->all_filters != 0 ? options->all_filters : ALL_FILTERS;
    cluster->context = options->context;
    cluster->log = options->log;
    cluster->durable = options->state != NULL;
    links_init(cluster);
    cluster->registry = registry_open(options->state, &options->registry, &listener, error);
    if (cluster->registry == NULL) {
        free(cluster);
        return NULL;
    }
    cluster->self = object_new(cluster, (enum cluster_kind)CLUSTER_SELF, "", NULL);
    cluster->quiet = true;
    if (!populate(cluster, options, error)) {
        cluster_destroy(cluster);
        return NULL;
    }
    state_start(cluster);
    cluster->quiet = false;
    return cluster;
}

void cluster_destroy(struct cluster *cluster) {
    ports_close_all(cluster);
    event_release(cluster->marks[0]);
    event_release(cluster->marks[1]);
    cluster_release(cluster->own);
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        struct kind_table *table = &cluster->kinds[kind];
        HASH_CLEAR(by_name, table->names);
        HASH_CLEAR(by_id, table->ids);
        while (table->first != NULL) {
            object_unlist(table->first);
        }
    }
    cluster_release(cluster->self);
    registry_close(cluster->registry);
    json_decref(cluster->seed_keys);
    free(cluster->journal);
    free(cluster->events);
    free(cluster->vendor);
    free(cluster->service_pack);
    free(cluster);
}
