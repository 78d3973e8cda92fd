// SPDX-License-Identifier: Apache-2.0
// The registry keys of objects [MS-CMRP 3.1.1.2], written as far as a change has altered them.
// Nothing is read from them: what clients write there is theirs.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

enum { TYPE_SZ = 1, TYPE_DWORD = 4, TYPE_MULTI_SZ = 7 };

// ---- values -------------------------------------------------------------------------------------

static uint32_t set_units(struct registry_key *key, const char *name, uint32_t type,
                          struct buffer *units) {
    const uint32_t status = registry_value_set(key, name, type, buffer_view(units));
    buffer_free(units);
    return status;
}

static void append_text(struct buffer *units, const char *text) {
    text_to_units(units, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_append(units, "\0", 2);
}

static uint32_t set_value(struct registry_key *key, const char *name, const char *text) {
    struct buffer units = {0};
    append_text(&units, text);
    return set_units(key, name, TYPE_SZ, &units);
}

static uint32_t set_number(struct registry_key *key, const char *name, uint32_t number) {
    const uint8_t octets[] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 24)};
    return registry_value_set(key, name, TYPE_DWORD, (cmrp_view){octets, sizeof octets});
}

static uint32_t set_ids(struct registry_key *key, const char *name, const struct objects *objects) {
    struct buffer units = {0};
    for (size_t i = 0; i < objects->count; i++) {
        append_text(&units, objects->at[i]->id);
    }
    buffer_append(&units, "\0", 2);
    return set_units(key, name, TYPE_MULTI_SZ, &units);
}

// A value that is gone already is gone.
static uint32_t delete_value(struct registry_key *key, const char *name) {
    const uint32_t status = registry_value_delete(key, name);
    return status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0 : status;
}

// ---- what changed -------------------------------------------------------------------------------

// A place where values are written; the first failure stays.
struct writing {
    struct registry_key *key;
    uint32_t status;
};

static void write_text(struct writing *w, const char *name, const char *old, const char *now) {
    if (w->status == 0 && now != NULL && (old == NULL || strcmp(old, now) != 0)) {
        w->status = set_value(w->key, name, now);
    }
}

static void write_number(struct writing *w, const char *name, bool had, uint32_t old,
                         uint32_t now) {
    if (w->status == 0 && (!had || old != now)) {
        w->status = set_number(w->key, name, now);
    }
}

static void write_ids(struct writing *w, const char *name, const struct objects *old,
                      const struct objects *now) {
    const bool same =
        old->count == now->count &&
        (now->count == 0 || memcmp(old->at, now->at, now->count * sizeof *now->at) == 0);
    if (w->status == 0 && !same) {
        w->status = now->count == 0 ? delete_value(w->key, name) : set_ids(w->key, name, now);
    }
}

static bool same_property(const struct property *a, const struct property *b) {
    return a->is_number == b->is_number &&
           (a->is_number ? a->number == b->number : strcmp(a->text, b->text) == 0);
}

static void write_properties(struct writing *w, const struct properties *old,
                             const struct properties *now) {
    for (size_t i = 0; i < now->count && w->status == 0; i++) {
        const struct property *p = &now->at[i], *before = properties_find(old, p->name);
        if (before == NULL || !same_property(before, p)) {
            w->status = p->is_number ? set_number(w->key, p->name, p->number)
                                     : set_value(w->key, p->name, p->text);
        }
    }
    for (size_t i = 0; i < old->count && w->status == 0; i++) {
        if (properties_find(now, old->at[i].name) == NULL) {
            w->status = delete_value(w->key, old->at[i].name);
        }
    }
}

// ---- keys ---------------------------------------------------------------------------------------

static uint32_t open_key(struct registry_key *parent, const char *path, struct registry_key **out) {
    bool created;
    return registry_key_create(parent, path, NULL, &created, out);
}

static const char *name_of(const struct cluster_object *object) {
    return object != NULL ? object->f.name : NULL;
}

static const char *id_of(const struct cluster_object *object) {
    return object != NULL ? object->id : NULL;
}

static void write_group(struct writing *w, const struct facts *old, const struct facts *now) {
    const bool had = old->name != NULL;
    write_text(w, "Name", old->name, now->name);
    write_number(w, "GroupType", had, old->number, now->number);
    write_number(w, "PersistentState", had, old->online, now->online);
    write_ids(w, "PreferredOwners", &old->preferred, &now->preferred);
}

static void write_resource(struct writing *w, const struct facts *old, const struct facts *now) {
    const bool had = old->name != NULL;
    write_text(w, "Name", old->name, now->name);
    write_text(w, "Type", name_of(old->type), name_of(now->type));
    write_text(w, "Group", id_of(old->parent), id_of(now->parent));
    write_number(w, "SeparateMonitor", had, old->number, now->number);
    write_number(w, "PersistentState", had, old->online, now->online);
    write_ids(w, "DependsOn", &old->depends, &now->depends);
    write_ids(w, "PossibleOwners", &old->owners, &now->owners);
}

static void write_others(struct writing *w, const struct cluster_object *object,
                         const struct facts *old, const struct facts *now) {
    const bool had = old->name != NULL;
    switch ((unsigned)object->kind) {
    case CLUSTER_NODE:
        write_text(w, "NodeName", old->name, now->name);
        write_number(w, "Paused", had, old->online, now->online);
        break;
    case CLUSTER_NETWORK:
        write_text(w, "Name", old->name, now->name);
        write_number(w, "Role", had, old->number, now->number);
        break;
    case CLUSTER_NETINTERFACE:
        write_text(w, "Name", old->name, now->name);
        write_text(w, "Node", id_of(old->parent), id_of(now->parent));
        write_text(w, "Network", id_of(old->type), id_of(now->type));
        break;
    case CLUSTER_SELF: write_text(w, "ClusterName", old->name, now->name); break;
    default: break;
    }
}

// The key Quorum below the root.
static uint32_t write_quorum(struct registry_key *root, const struct facts *old,
                             const struct facts *now) {
    struct writing w = {0};
    if (old->parent == now->parent && old->number == now->number &&
        strcmp(old->path != NULL ? old->path : "", now->path != NULL ? now->path : "") == 0) {
        return 0;
    }
    w.status = open_key(root, "Quorum", &w.key);
    if (w.status != 0) {
        return w.status;
    }
    write_text(&w, "Resource", NULL, now->parent != NULL ? now->parent->id : "");
    write_text(&w, "Path", NULL, now->path != NULL ? now->path : "");
    write_number(&w, "MaxQuorumLogSize", false, 0, now->number);
    registry_key_release(w.key);
    return w.status;
}

static uint32_t write_parameters(struct registry_key *key, const struct properties *old,
                                 const struct properties *now) {
    struct writing w = {0};
    if (old->count == 0 && now->count == 0) {
        return 0;
    }
    w.status = open_key(key, "Parameters", &w.key);
    if (w.status == 0) {
        write_properties(&w, old, now);
        registry_key_release(w.key);
    }
    return w.status;
}

static uint32_t write_values(struct registry_key *root, struct registry_key *key,
                             const struct cluster_object *object, const struct facts *old) {
    const struct facts *now = &object->f;
    struct writing w = {.key = key};
    switch (object->kind) {
    case CLUSTER_GROUP: write_group(&w, old, now); break;
    case CLUSTER_RESOURCE: write_resource(&w, old, now); break;
    default: write_others(&w, object, old, now);
    }
    write_properties(&w, &old->properties[0], &now->properties[0]);
    if (w.status == 0) {
        w.status = write_parameters(key, &old->properties[1], &now->properties[1]);
    }
    if (w.status == 0 && object->kind == (enum cluster_kind)CLUSTER_SELF) {
        w.status = write_quorum(root, old, now);
    }
    return w.status;
}

uint32_t key_write(struct cluster *cluster, const struct journal_entry *entry) {
    const struct cluster_object *object = entry->object;
    struct registry_key *root, *key;
    if (entry->created && object->f.deleted) {
        return 0;
    }
    uint32_t status = registry_root(cluster->registry, &root);
    if (status != 0) {
        return status;
    }
    if (object->f.deleted) {
        status = registry_tree_delete(root, object->key);
        status = status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0 : status; // a client was faster
    } else if (object->kind == (enum cluster_kind)CLUSTER_SELF) {
        status = write_values(root, root, object, &entry->before);
    } else if ((status = open_key(root, object->key, &key)) == 0) {
        status = write_values(root, key, object, &entry->before);
        registry_key_release(key);
    }
    registry_key_release(root);
    return status;
}
