// SPDX-License-Identifier: Apache-2.0
// Keys.
#include <stdlib.h>

#include "cluster/registry_state.h"
#include "util/text.h"

// ---- paths --------------------------------------------------------------------------------------

static uint32_t levels(const char *path) {
    uint32_t count = *path != '\0';
    for (; *path != '\0'; path++) {
        count += *path == '\\';
    }
    return count;
}

// base: the path of the key where it starts.
uint32_t registry_path_check(const struct registry *r, const char *base, const char *path) {
    if (*path == '\0') {
        return 0;
    }
    const size_t units = text_units(base, strlen(base)) + text_units(path, strlen(path)) + 1;
    if (units > r->limits.path_units) {
        return REGISTRY_ERROR_INVALID_NAME;
    }
    for (const char *level = path;;) {
        const size_t size = strcspn(level, "\\");
        if (size == 0 || text_units(level, size) > r->limits.name_units) {
            return REGISTRY_ERROR_INVALID_NAME;
        }
        if (level[size] == '\0') {
            break;
        }
        level += size + 1;
    }
    return levels(base) + levels(path) > r->limits.depth ? REGISTRY_ERROR_INVALID_NAME : 0;
}

void registry_place_set(struct registry_place *place, const struct registry_key *key) {
    place->id = key->id;
    buffer_clear(&place->path);
    buffer_append(&place->path, key->path, strlen(key->path));
}

static void step_into(struct registry_place *place, int64_t id, const void *name, size_t size) {
    if (place->path.size > 0) {
        buffer_append(&place->path, "\\", 1);
    }
    buffer_append(&place->path, name, size);
    place->id = id;
}

// One level; name: up to the next backslash.
static uint32_t find_child(struct registry *r, struct registry_place *place, const char *name,
                           size_t size) {
    buffer_clear(&r->folded);
    text_fold(&r->folded, name, size);
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_FIND);
    sqlite3_bind_int64(s, 1, place->id);
    registry_bind_text(s, 2, buffer_text(&r->folded), r->folded.size);
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_FILE_NOT_FOUND);
    if (status == 0) {
        const cmrp_view kept = registry_column(s, 1);
        step_into(place, sqlite3_column_int64(s, 0), kept.data, kept.size);
        sqlite3_reset(s);
        batch_ports_touch(r, place->id);
    }
    return status;
}

uint32_t registry_descend(struct registry *r, struct registry_place *place, const char *path) {
    uint32_t status = 0;
    while (*path != '\0' && status == 0) {
        const size_t size = strcspn(path, "\\");
        status = find_child(r, place, path, size);
        path += size + (path[size] != '\0');
    }
    return status;
}

static uint32_t add_child(struct registry *r, struct registry_place *place, const char *name,
                          size_t size) {
    const int64_t parent = place->id;
    buffer_clear(&r->folded);
    text_fold(&r->folded, name, size);
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_ADD);
    sqlite3_bind_int64(s, 1, r->next_id);
    sqlite3_bind_int64(s, 2, parent);
    registry_bind_text(s, 3, buffer_text(&r->folded), r->folded.size);
    registry_bind_text(s, 4, name, size);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)text_units(name, size));
    sqlite3_bind_int64(s, 6, (sqlite3_int64)r->now);
    uint32_t status = registry_sql_run(s);
    status = status == 0 ? registry_touch(r, parent) : status;
    if (status == 0) {
        step_into(place, r->next_id++, name, size);
        r->keys_generation++;
        registry_note(r, REGISTRY_KEY_CREATED, &place->path, NULL);
    }
    return status;
}

uint32_t registry_make(struct registry *r, struct registry_place *place, const char *path,
                       bool *made) {
    uint32_t status = 0;
    *made = false;
    while (*path != '\0' && status == 0) {
        const size_t size = strcspn(path, "\\");
        status = *made ? REGISTRY_ERROR_FILE_NOT_FOUND : find_child(r, place, path, size);
        if (status == REGISTRY_ERROR_FILE_NOT_FOUND) {
            *made = true;
            status = add_child(r, place, path, size);
        }
        path += size + (path[size] != '\0');
    }
    return status;
}

// ---- deletion -----------------------------------------------------------------------------------

static uint32_t run_for(struct registry *r, enum registry_statement which, int64_t key) {
    sqlite3_stmt *s = registry_sql(r, which);
    sqlite3_bind_int64(s, 1, key);
    return registry_sql_run(s);
}

static uint32_t drop_key(struct registry *r, const struct registry_place *place) {
    uint32_t status = run_for(r, SQL_VALUES_DROP, place->id);
    status = status == 0 ? run_for(r, SQL_KEY_DROP, place->id) : status;
    if (status == 0) {
        r->keys_generation++;
        registry_note(r, REGISTRY_KEY_DELETED, &place->path, NULL);
        batch_ports_touch(r, place->id);
    }
    return status;
}

// Into the first child; FILE_NOT_FOUND where there is none.
static uint32_t first_child(struct registry *r, struct registry_place *place) {
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_CHILD);
    sqlite3_bind_int64(s, 1, place->id);
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_FILE_NOT_FOUND);
    if (status == 0) {
        const cmrp_view name = registry_column(s, 1);
        step_into(place, sqlite3_column_int64(s, 0), name.data, name.size);
        sqlite3_reset(s);
    }
    return status;
}

struct way { // from the key that is deleted to where the deletion is
    struct level {
        int64_t id;
        size_t path; // its size
    } * levels;
    size_t count, capacity;
};

static void push(struct way *way, const struct registry_place *place) {
    if (way->count == way->capacity) {
        way->capacity = way->capacity == 0 ? 8 : 2 * way->capacity;
        way->levels = util_grow(way->levels, way->capacity, sizeof way->levels[0]);
    }
    way->levels[way->count++] = (struct level){place->id, place->path.size};
}

static uint32_t touch_parent(struct registry *r, int64_t key) {
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_PARENT);
    sqlite3_bind_int64(s, 1, key);
    uint32_t status = registry_sql_row(s, REGISTRY_ERROR_CORRUPT);
    if (status == 0) {
        const int64_t parent = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
        status = registry_touch(r, parent);
    }
    return status;
}

uint32_t registry_prune(struct registry *r, struct registry_place *place) {
    struct way way = {0};
    uint32_t status = touch_parent(r, place->id);
    push(&way, place);
    while (status == 0 && way.count > 0) {
        status = first_child(r, place);
        if (status == 0) {
            push(&way, place);
        } else if (status == REGISTRY_ERROR_FILE_NOT_FOUND) {
            status = drop_key(r, place);
            if (--way.count > 0) { // back to the parent
                place->id = way.levels[way.count - 1].id;
                place->path.size = way.levels[way.count - 1].path;
            }
        }
    }
    free(way.levels);
    return status;
}

// ---- open keys ----------------------------------------------------------------------------------

uint32_t registry_there(struct registry *r, int64_t id) {
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_THERE);
    sqlite3_bind_int64(s, 1, id);
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_KEY_DELETED);
    sqlite3_reset(s);
    return status;
}

uint32_t registry_key_check(struct registry_key *key) {
    return registry_there(key->registry, key->id);
}

static struct registry_key *new_key(struct registry *r, struct registry_place *place) {
    struct registry_key *key = util_alloc(sizeof *key);
    key->registry = r;
    key->id = place->id;
    key->references = 1;
    key->path = util_strdup(buffer_text(&place->path));
    return key;
}

uint32_t registry_root(struct registry *r, struct registry_key **out) {
    struct registry_place place = {.id = REGISTRY_ROOT_ID};
    *out = new_key(r, &place);
    buffer_free(&place.path);
    return 0;
}

struct registry_key *registry_key_hold(struct registry_key *key) {
    key->references++;
    return key;
}

void registry_key_release(struct registry_key *key) {
    if (key == NULL || --key->references > 0) {
        return;
    }
    if (key->memory != NULL) {
        buffer_free(&key->memory->keys.folded);
        buffer_free(&key->memory->values.folded);
        free(key->memory);
    }
    free(key->path);
    free(key);
}

const char *registry_key_path(const struct registry_key *key) {
    return key->path;
}

uint32_t registry_key_open(struct registry_key *parent, const char *path,
                           struct registry_key **out) {
    struct registry *r = parent->registry;
    struct registry_place place = {0};
    uint32_t status = registry_path_check(r, parent->path, path);
    if (status == 0) {
        registry_place_set(&place, parent);
        status = registry_descend(r, &place, path);
        if (place.id == parent->id && (status == 0 || status == REGISTRY_ERROR_FILE_NOT_FOUND)) {
            const uint32_t there = registry_there(r, parent->id);
            status = there != 0 ? there : status;
        }
    }
    *out = status == 0 ? new_key(r, &place) : NULL;
    buffer_free(&place.path);
    return status;
}

uint32_t registry_key_create(struct registry_key *parent, const char *path, const cmrp_view *sd,
                             bool *created, struct registry_key **out) {
    struct registry *r = parent->registry;
    struct registry_place place = {0};
    *created = false;
    *out = NULL;
    uint32_t status = registry_path_check(r, parent->path, path);
    status = status == 0 ? registry_there(r, parent->id) : status;
    if (status == 0) {
        status = registry_change_start(r);
    }
    if (status == 0) {
        registry_place_set(&place, parent);
        status = registry_make(r, &place, path, created);
        if (status == 0 && sd != NULL) {
            status = registry_sd_put(r, &place, *sd, !*created);
        }
        status = registry_change_end(r, status);
    }
    if (status == 0) {
        *out = new_key(r, &place);
        registry_tell(r);
    }
    buffer_free(&place.path);
    return status;
}

static uint32_t has_children(struct registry *r, int64_t key) {
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_CHILD);
    sqlite3_bind_int64(s, 1, key);
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_FILE_NOT_FOUND);
    sqlite3_reset(s);
    return status == 0                               ? REGISTRY_ERROR_ACCESS_DENIED
           : status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0
                                                     : status;
}

static uint32_t delete (struct registry_key *parent, const char *path, bool whole) {
    struct registry *r = parent->registry;
    struct registry_place place = {0};
    if (*path == '\0') {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    uint32_t status = registry_path_check(r, parent->path, path);
    status = status == 0 ? registry_there(r, parent->id) : status;
    if (status == 0) {
        registry_place_set(&place, parent);
        status = registry_descend(r, &place, path);
    }
    if (status == 0 && !whole) {
        status = has_children(r, place.id);
    }
    if (status == 0) {
        status = registry_change_start(r);
        if (status == 0) {
            status = registry_change_end(r, registry_prune(r, &place));
        }
    }
    buffer_free(&place.path);
    if (status == 0) {
        registry_tell(r);
    }
    return status;
}

uint32_t registry_key_delete(struct registry_key *parent, const char *path) {
    return delete (parent, path, false);
}

uint32_t registry_tree_delete(struct registry_key *parent, const char *path) {
    return delete (parent, path, true);
}
