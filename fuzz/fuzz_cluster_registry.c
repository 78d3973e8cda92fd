// SPDX-License-Identifier: Apache-2.0
// The plain model of the registry.
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

// ---- events -------------------------------------------------------------------------------------

static char *copy(const char *text) {
    return util_strdup(text != NULL ? text : "");
}

void events_add(struct events *events, const struct event *event) {
    if (events == NULL) {
        return;
    }
    events->at = util_grow(events->at, events->count + 1, sizeof *events->at);
    struct event *e = &events->at[events->count++];
    *e = *event;
    e->name = copy(event->name);
    e->id = copy(event->id);
    e->parent = copy(event->parent);
    e->kind = copy(event->kind);
    e->payload = copy(event->payload != NULL ? event->payload : "-");
}

void events_clear(struct events *events) {
    for (size_t i = 0; i < events->count; i++) {
        struct event *e = &events->at[i];
        free((char *)(uintptr_t)e->name);
        free((char *)(uintptr_t)e->id);
        free((char *)(uintptr_t)e->parent);
        free((char *)(uintptr_t)e->kind);
        free((char *)(uintptr_t)e->payload);
    }
    free(events->at);
    *events = (struct events){0};
}

static void tell(struct events *events, uint32_t change, uint64_t flag, int key,
                 const char *value) {
    const struct event e = {.change = change,
                            .type = 8,
                            .flag = flag,
                            .key = key,
                            .subject = NONE,
                            .target = NONE,
                            .id = value};
    events_add(events, &e);
}

// ---- life ---------------------------------------------------------------------------------------

static struct plain_value *value_new(const char *name) {
    struct plain_value *v = util_alloc(sizeof *v);
    v->name = util_strdup(name);
    return v;
}

static void value_free(struct plain_value *v) {
    free(v->name);
    buffer_free(&v->data);
    free(v);
}

static void values_free(struct plain_key *key) {
    while (key->values != NULL) {
        struct plain_value *v = key->values;
        key->values = v->next;
        value_free(v);
    }
}

void registry_free(struct plain_registry *r) {
    for (int i = 0; i < r->count; i++) {
        values_free(&r->keys[i]);
        free(r->keys[i].name);
    }
    free(r->keys);
    *r = (struct plain_registry){0};
}

static int key_new(struct plain_registry *r, int parent, const char *name, size_t size) {
    r->keys = util_grow(r->keys, (size_t)r->count + 1, sizeof *r->keys);
    r->keys[r->count] = (struct plain_key){.there = true, .parent = parent};
    r->keys[r->count].name = util_alloc(size + 1);
    memcpy(r->keys[r->count].name, name, size);
    return r->count++;
}

struct plain_registry registry_copy(const struct plain_registry *from) {
    struct plain_registry to = {0};
    for (int i = 0; i < from->count; i++) {
        const struct plain_key *key = &from->keys[i];
        key_new(&to, key->parent, key->name, strlen(key->name));
        to.keys[i].there = key->there;
        for (const struct plain_value *v = key->values; v != NULL; v = v->next) {
            value_set(&to, i, v->name, v->type, buffer_view(&v->data), NULL);
        }
    }
    return to;
}

// ---- keys ---------------------------------------------------------------------------------------

bool path_good(const char *path) {
    const size_t size = strlen(path);
    return size == 0 || (path[0] != '\\' && path[size - 1] != '\\' && strstr(path, "\\\\") == NULL);
}

static int child(const struct plain_registry *r, int parent, const char *name, size_t size) {
    char *level = util_alloc(size + 1);
    int found = NONE;
    memcpy(level, name, size);
    for (int i = 1; i < r->count; i++) {
        if (r->keys[i].there && r->keys[i].parent == parent &&
            text_compare_folded(r->keys[i].name, level) == 0) {
            found = i;
        }
    }
    free(level);
    return found;
}

int key_find(const struct plain_registry *r, int from, const char *path) {
    while (from != NONE && *path != '\0') {
        const size_t size = strcspn(path, "\\");
        from = child(r, from, path, size);
        path += size + (path[size] != '\0');
    }
    return from;
}

bool key_below(const struct plain_registry *r, int key, int top) {
    while (key != NONE && key != top) {
        key = r->keys[key].parent;
    }
    return key == top;
}

void key_path(const struct plain_registry *r, int key, int from, struct buffer *out) {
    if (key != from && key > 0) {
        key_path(r, r->keys[key].parent, from, out);
        buffer_printf(out, "%s%s", out->size > 0 ? "\\" : "", r->keys[key].name);
    }
}

bool key_has_children(const struct plain_registry *r, int key) {
    for (int i = 1; i < r->count; i++) {
        if (r->keys[i].there && r->keys[i].parent == key) {
            return true;
        }
    }
    return false;
}

int key_make(struct plain_registry *r, int from, const char *path, bool *made,
             struct events *events) {
    *made = false;
    while (*path != '\0') {
        const size_t size = strcspn(path, "\\");
        int next = child(r, from, path, size);
        if (next == NONE) {
            next = key_new(r, from, path, size);
            tell(events, 0x10, 0x2, next, NULL);
            *made = true;
        }
        from = next;
        path += size + (path[size] != '\0');
    }
    return from;
}

// Those below go first, in the order of their names.
void key_delete(struct plain_registry *r, int key, struct events *events) {
    for (;;) {
        int first = NONE;
        for (int i = 1; i < r->count; i++) {
            if (r->keys[i].there && r->keys[i].parent == key &&
                (first == NONE || text_compare_folded(r->keys[i].name, r->keys[first].name) < 0)) {
                first = i;
            }
        }
        if (first == NONE) {
            break;
        }
        key_delete(r, first, events);
    }
    r->keys[key].there = false;
    values_free(&r->keys[key]);
    tell(events, 0x10, 0x2, key, NULL);
}

// ---- values -------------------------------------------------------------------------------------

struct plain_value *value_find(const struct plain_registry *r, int key, const char *name) {
    struct plain_value *v = r->keys[key].values;
    while (v != NULL && text_compare_folded(v->name, name) != 0) {
        v = v->next;
    }
    return v;
}

void value_set(struct plain_registry *r, int key, const char *name, uint32_t type, cmrp_view data,
               struct events *events) {
    struct plain_value *v = value_find(r, key, name);
    if (v == NULL) {
        v = value_new(name);
        v->next = r->keys[key].values;
        r->keys[key].values = v;
    }
    v->type = type;
    buffer_clear(&v->data);
    buffer_append(&v->data, data.data, data.size);
    tell(events, 0x40, 0x8, key, name);
}

bool value_delete(struct plain_registry *r, int key, const char *name, struct events *events) {
    struct plain_value **place = &r->keys[key].values;
    while (*place != NULL && text_compare_folded((*place)->name, name) != 0) {
        place = &(*place)->next;
    }
    struct plain_value *v = *place;
    if (v == NULL) {
        return false;
    }
    *place = v->next;
    value_free(v);
    tell(events, 0x40, 0x8, key, name);
    return true;
}

// ---- against the registry -----------------------------------------------------------------------

static void compare_values(const struct plain_registry *r, int key, struct registry_key *found,
                           const char *when) {
    struct buffer path = {0};
    uint32_t count = 0;
    key_path(r, key, 0, &path);
    for (const struct plain_value *v = r->keys[key].values; v != NULL; v = v->next, count++) {
        struct registry_value value = {0};
        if (registry_value_get(found, v->name, &value) != 0) {
            fuzz_fail(PROPERTY, "%s: [%s] has no value %s", when, buffer_text(&path), v->name);
        }
        if (strcmp(value.name, v->name) != 0 || value.type != v->type ||
            value.size != v->data.size ||
            (value.size > 0 && memcmp(value.data, v->data.data, value.size) != 0)) {
            fuzz_fail(PROPERTY, "%s: [%s] value %s: %s, type %u, %zu octets; expected %u, %zu",
                      when, buffer_text(&path), v->name, value.name, value.type, value.size,
                      v->type, v->data.size);
        }
        registry_value_clear(&value);
    }
    struct registry_info info;
    uint32_t keys = 0;
    for (int i = 1; i < r->count; i++) {
        keys += r->keys[i].there && r->keys[i].parent == key;
    }
    if (registry_key_info(found, &info) != 0 || info.values != count || info.keys != keys) {
        fuzz_fail(PROPERTY, "%s: [%s] has %u values and %u keys; expected %u and %u", when,
                  buffer_text(&path), info.values, info.keys, count, keys);
    }
    buffer_free(&path);
}

static void compare_key(const struct plain_registry *r, int key, struct registry_key *found,
                        const char *when) {
    compare_values(r, key, found, when);
    for (int i = 1; i < r->count; i++) {
        struct registry_key *below;
        if (!r->keys[i].there || r->keys[i].parent != key) {
            continue;
        }
        if (registry_key_open(found, r->keys[i].name, &below) != 0) {
            fuzz_fail(PROPERTY, "%s: the registry has no key %s below %s", when, r->keys[i].name,
                      r->keys[key].name);
        }
        compare_key(r, i, below, when);
        registry_key_release(below);
    }
}

void registry_compare(const struct plain_registry *r, struct cluster *cluster, const char *when) {
    struct registry_key *root;
    registry_root(cluster_registry(cluster), &root);
    compare_key(r, 0, root, when);
    registry_key_release(root);
}

static void load_key(struct plain_registry *r, int key, struct registry_key *from) {
    struct registry_value value;
    struct registry_key *below;
    uint64_t written;
    char *name;
    for (uint32_t i = 0; registry_value_at(from, i, &value) == 0; i++) {
        value_set(r, key, value.name, value.type, (cmrp_view){value.data, value.size}, NULL);
        registry_value_clear(&value);
    }
    for (uint32_t i = 0; registry_key_at(from, i, &name, &written) == 0; i++) {
        if (registry_key_open(from, name, &below) == 0) {
            load_key(r, key_new(r, key, name, strlen(name)), below);
            registry_key_release(below);
        }
        free(name);
    }
}

void registry_load(struct plain_registry *r, struct cluster *cluster) {
    struct registry_key *root;
    registry_root(cluster_registry(cluster), &root);
    load_key(r, key_new(r, NONE, "", 0), root);
    registry_key_release(root);
}
