// SPDX-License-Identifier: Apache-2.0
// The plain model of groups and resources: states, and what of them stands in the registry.
#include <stdlib.h>
#include <string.h>

#include "cluster/cluster.h"
#include "fuzz_cluster.h"

enum { STATE, DELETED, ADDED }; // bits of CLUSTER_CHANGE, from that of the state on

static const char node_id[] = "1";

// ---- life ---------------------------------------------------------------------------------------

static int object_new(struct world *w, bool resource, const char *name, const char *id) {
    w->objects = util_grow(w->objects, (size_t)w->object_count + 1, sizeof *w->objects);
    w->objects[w->object_count] = (struct object){
        .resource = resource,
        .name = util_strdup(name),
        .id = util_strdup(id),
        .state = resource ? CLUSTER_RESOURCE_OFFLINE : CLUSTER_GROUP_OFFLINE,
        .group = NONE,
    };
    return w->object_count++;
}

void objects_load(struct world *w) {
    for (int kind = 0; kind < 2; kind++) {
        const enum cluster_kind which = kind == 0 ? CLUSTER_GROUP : CLUSTER_RESOURCE;
        struct cluster_object *o = NULL;
        while ((o = cluster_next(w->cluster, which, o)) != NULL) {
            const int n = object_new(w, kind == 1, cluster_object_name(o), cluster_object_id(o));
            w->objects[n].state = cluster_object_state(o);
            w->objects[n].online = strcmp(cluster_object_name(o), "S") != 0;
            w->objects[n].restart = strcmp(cluster_object_name(o), "R") == 0;
            if (kind == 1) {
                w->objects[n].group =
                    object_find(w, false, cluster_object_name(cluster_object_parent(o)));
            }
        }
    }
}

void objects_free(struct world *w) {
    for (int i = 0; i < w->object_count; i++) {
        free(w->objects[i].name);
        free(w->objects[i].id);
    }
    free(w->objects);
    free(w->journal);
}

int object_find(const struct world *w, bool resource, const char *name) {
    for (int i = 0; i < w->object_count; i++) {
        const struct object *o = &w->objects[i];
        if (!o->deleted && o->resource == resource &&
            (text_compare_folded(o->name, name) == 0 || text_compare_folded(o->id, name) == 0)) {
            return i;
        }
    }
    return NONE;
}

// ---- events -------------------------------------------------------------------------------------

static char *hex_text(const char *text) {
    struct buffer units = {0}, hex = {0};
    text_to_units(&units, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_append(&units, "\0", 2);
    append_hex(&hex, buffer_view(&units));
    char *copy = util_strdup(buffer_text(&hex));
    buffer_free(&units);
    buffer_free(&hex);
    return copy;
}

// Takes the payload over.
static void tell(struct world *w, int n, unsigned what, uint32_t type, uint64_t flag, int target,
                 char *payload) {
    const struct object *o = &w->objects[n];
    const bool added = what == ADDED;
    const struct event e = {
        .change = (o->resource ? 0x100u : 0x1000u) << what,
        .type = type,
        .flag = flag,
        .key = NONE,
        .subject = n,
        .target = target,
        .sequence = o->sequence,
        .name = o->name,
        .id = o->id,
        .parent = !o->resource || added ? node_id : w->objects[o->group].id,
        .kind = o->resource && !added ? "T" : NULL,
        .payload = payload,
    };
    events_add(&w->events, &e);
    free(payload);
}

// To version 2 alone: the group has gained (0x80) or lost (0x100) the resource.
static void tell_group(struct world *w, int group, uint64_t flag, int resource) {
    char *payload = hex_text(w->objects[resource].id);
    const struct event e = {
        .type = 2,
        .flag = flag,
        .key = NONE,
        .subject = group,
        .target = group,
        .sequence = w->objects[group].sequence,
        .name = w->objects[group].name,
        .id = w->objects[group].id,
        .parent = node_id,
        .payload = payload,
    };
    events_add(&w->events, &e);
    free(payload);
}

static char *as_number(uint32_t number) {
    return util_format("%u", number);
}

// ---- changes ------------------------------------------------------------------------------------

static void touch(struct world *w, int n) {
    struct object *o = &w->objects[n];
    if (!o->touched) {
        o->touched = true;
        o->was_online = o->online;
        w->journal = util_grow(w->journal, (size_t)w->journal_count + 1, sizeof *w->journal);
        w->journal[w->journal_count++] = n;
    }
}

static void set_text(struct world *w, int key, const char *name, const char *text) {
    struct buffer units = {0};
    text_to_units(&units, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_append(&units, "\0", 2);
    value_set(&w->registry, key, name, CMRP_REG_SZ, buffer_view(&units), &w->events);
    buffer_free(&units);
}

static void set_number(struct world *w, int key, const char *name, uint32_t number) {
    const uint8_t octets[] = {(uint8_t)number, (uint8_t)(number >> 8), 0, 0};
    value_set(&w->registry, key, name, CMRP_REG_DWORD, (cmrp_view){octets, 4}, &w->events);
}

static void write_key(struct world *w, const struct object *o) {
    char *path = util_format("%s\\%s", o->resource ? "Resources" : "Groups", o->id);
    bool made;
    if (o->deleted) {
        const int key = key_find(&w->registry, 0, path);
        if (key != NONE) {
            key_delete(&w->registry, key, &w->events);
        }
        free(path);
        return;
    }
    const int key = key_make(&w->registry, 0, path, &made, &w->events);
    free(path);
    if (o->created) {
        set_text(w, key, "Name", o->name);
        if (o->resource) {
            set_text(w, key, "Type", "T");
            set_text(w, key, "Group", w->objects[o->group].id);
            set_number(w, key, "SeparateMonitor", 0);
        } else {
            set_number(w, key, "GroupType", 9999);
        }
    }
    if (o->created || o->was_online != o->online) {
        set_number(w, key, "PersistentState", o->online);
    }
}

// Events of the registry come before those of the objects.
static void finish(struct world *w) {
    struct events objects = w->events;
    w->events = (struct events){0};
    for (int i = 0; i < w->journal_count; i++) {
        struct object *o = &w->objects[w->journal[i]];
        if (w->nonvolatile) {
            write_key(w, o);
        }
        o->touched = o->created = false;
    }
    for (size_t i = 0; i < objects.count; i++) {
        events_add(&w->events, &objects.at[i]);
    }
    events_clear(&objects);
    w->journal_count = 0;
    w->nonvolatile = false;
    ports_tell(w);
}

// ---- states -------------------------------------------------------------------------------------

static void state_set(struct world *w, int n, uint32_t state);

static void group_refresh(struct world *w, int group) {
    size_t all = 0, online = 0, pending = 0, failed = 0;
    for (int i = 0; i < w->object_count; i++) {
        const struct object *r = &w->objects[i];
        if (!r->deleted && r->resource && r->group == group) {
            all++;
            online += r->state == CLUSTER_RESOURCE_ONLINE;
            failed += r->state == CLUSTER_RESOURCE_FAILED;
            pending += r->state == CLUSTER_RESOURCE_ONLINE_PENDING ||
                       r->state == CLUSTER_RESOURCE_OFFLINE_PENDING;
        }
    }
    state_set(w, group,
              failed > 0     ? CLUSTER_GROUP_FAILED
              : pending > 0  ? CLUSTER_GROUP_PENDING
              : online == 0  ? CLUSTER_GROUP_OFFLINE
              : online < all ? CLUSTER_GROUP_PARTIAL_ONLINE
                             : CLUSTER_GROUP_ONLINE);
}

static void state_set(struct world *w, int n, uint32_t state) {
    struct object *o = &w->objects[n];
    if (o->state == state) {
        return;
    }
    touch(w, n);
    o->state = state;
    o->sequence++;
    tell(w, n, STATE, o->resource ? 3 : 2, o->resource ? 0x4 : 0x8, n, as_number(state));
    if (o->resource) {
        group_refresh(w, o->group);
    }
}

// One resource, or all of a group, in the order of their creation: first every one is pending.
static void states_set(struct world *w, int n, bool online) {
    const uint32_t pending =
        online ? CLUSTER_RESOURCE_ONLINE_PENDING : CLUSTER_RESOURCE_OFFLINE_PENDING;
    const uint32_t last = online ? CLUSTER_RESOURCE_ONLINE : CLUSTER_RESOURCE_OFFLINE;
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < w->object_count; i++) {
            const struct object *r = &w->objects[i];
            const bool concerned = !r->deleted && r->resource && (i == n || r->group == n);
            const bool stays = r->state == last || (!online && r->state == CLUSTER_RESOURCE_FAILED);
            if (concerned && !stays) {
                state_set(w, i, step == 0 ? pending : last);
            }
        }
    }
}

static void command(struct world *w, int n, bool online) {
    if (w->objects[n].online != online) {
        touch(w, n);
        w->nonvolatile = true;
        w->objects[n].online = online;
    }
}

uint32_t object_online(struct world *w, int n, bool online) {
    uint32_t status = 0;
    command(w, n, online);
    for (int i = 0; i < w->object_count; i++) {
        const struct object *r = &w->objects[i];
        if (!r->deleted && r->resource && (i == n || r->group == n)) {
            command(w, i, online);
            if (!online && r->state == CLUSTER_RESOURCE_FAILED) {
                status = CLUSTER_ERROR_RESOURCE_FAILED;
            }
        }
    }
    states_set(w, n, online);
    finish(w);
    return status;
}

uint32_t resource_fail(struct world *w, int n) {
    const struct object *o = &w->objects[n];
    if (o->state != CLUSTER_RESOURCE_ONLINE) {
        return CLUSTER_ERROR_INVALID_STATE;
    }
    state_set(w, n, CLUSTER_RESOURCE_FAILED);
    if (o->restart && o->online) {
        states_set(w, n, true);
    }
    finish(w);
    return 0;
}

// ---- made and deleted ---------------------------------------------------------------------------

// The identifier is the server's to choose.
static const char *id_of(struct world *w, bool resource, const char *name) {
    const struct cluster_object *o =
        cluster_find(w->cluster, resource ? CLUSTER_RESOURCE : CLUSTER_GROUP, name);
    if (o == NULL) {
        fuzz_fail(PROPERTY, "%s \"%s\" is not created", resource ? "resource" : "group", name);
    }
    return cluster_object_id(o);
}

static uint32_t name_check(const struct world *w, bool resource, const char *name) {
    if (name[strspn(name, " ")] == '\0') {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    return object_find(w, resource, name) != NONE ? CLUSTER_ERROR_OBJECT_ALREADY_EXISTS : 0;
}

static int make(struct world *w, bool resource, const char *name) {
    const int n = object_new(w, resource, name, id_of(w, resource, name));
    touch(w, n);
    w->objects[n].created = true;
    w->nonvolatile = true;
    return n;
}

uint32_t group_create(struct world *w, const char *name, int *made) {
    const uint32_t status = name_check(w, false, name);
    if (status == 0) {
        *made = make(w, false, name);
        tell(w, *made, ADDED, 1, 0x4, NONE, as_number(9999));
        finish(w);
    }
    return status;
}

uint32_t resource_create(struct world *w, int group, const char *name, const char *type,
                         int *made) {
    uint32_t status = name_check(w, true, name);
    if (status == 0 && text_compare_folded(type, "T") != 0) {
        status = CLUSTER_ERROR_RESTYPE_NOT_FOUND;
    }
    if (status == 0) {
        *made = make(w, true, name);
        w->objects[*made].group = group;
        tell(w, *made, ADDED, 2, 0x40, group, hex_text(w->objects[group].id));
        tell_group(w, group, 0x80, *made);
        group_refresh(w, group);
        finish(w);
    }
    return status;
}

static void delete_resource(struct world *w, int n) {
    const int group = w->objects[n].group;
    touch(w, n);
    w->nonvolatile = true;
    tell(w, n, DELETED, 3, 0x80, n, hex_text(w->objects[group].id));
    w->objects[n].deleted = true;
    tell_group(w, group, 0x100, n);
    group_refresh(w, group);
}

uint32_t object_delete(struct world *w, int n, bool force) {
    const struct object *o = &w->objects[n];
    bool holds = false;
    if (o->resource) {
        if (o->state != CLUSTER_RESOURCE_OFFLINE && o->state != CLUSTER_RESOURCE_FAILED) {
            return CLUSTER_ERROR_RESOURCE_ONLINE;
        }
        delete_resource(w, n);
        finish(w);
        return 0;
    }
    for (int i = 0; i < w->object_count; i++) {
        holds =
            holds || (w->objects[i].resource && !w->objects[i].deleted && w->objects[i].group == n);
    }
    if (holds && !force) {
        return CLUSTER_ERROR_DIR_NOT_EMPTY;
    }
    states_set(w, n, false);
    for (int i = 0; i < w->object_count; i++) {
        if (w->objects[i].resource && !w->objects[i].deleted && w->objects[i].group == n) {
            delete_resource(w, i);
        }
    }
    touch(w, n);
    w->nonvolatile = true;
    tell(w, n, DELETED, 2, 0x1, n, NULL);
    w->objects[n].deleted = true;
    finish(w);
    return 0;
}
