// SPDX-License-Identifier: Apache-2.0
// Values.
#include <stdlib.h>

#include "cluster/registry_state.h"
#include "util/text.h"

uint32_t registry_value_check(const struct registry *r, const char *name, cmrp_view data) {
    const size_t size = strlen(name);
    // Units are counted only where there may be too many.
    if (size > r->limits.value_units && text_units(name, size) > r->limits.value_units) {
        return REGISTRY_ERROR_INVALID_NAME;
    }
    return data.size > r->limits.value_octets ? REGISTRY_ERROR_TOO_LARGE : 0;
}

static sqlite3_stmt *named(struct registry *r, enum registry_statement which, int64_t key,
                           const char *name) {
    sqlite3_stmt *s = registry_sql(r, which);
    sqlite3_bind_int64(s, 1, key);
    registry_bind_folded(r, s, 2, name);
    return s;
}

static uint32_t find(struct registry *r, int64_t key, const char *name, sqlite3_stmt **row) {
    *row = named(r, SQL_VALUE_GET, key, name);
    return registry_sql_row(*row, REGISTRY_ERROR_FILE_NOT_FOUND);
}

uint32_t registry_value_look(struct registry *r, int64_t key, const char *name, uint32_t *type,
                             cmrp_view *data) {
    sqlite3_stmt *row;
    const uint32_t status = find(r, key, name, &row);
    if (status == 0) {
        *type = (uint32_t)sqlite3_column_int64(row, 1);
        *data = registry_column(row, 2);
    }
    return status;
}

uint32_t registry_value_sized(struct registry *r, int64_t key, const char *name, size_t size,
                              uint32_t *type, cmrp_view *data) {
    sqlite3_stmt *row = named(r, SQL_VALUE_LIKE, key, name);
    sqlite3_bind_int64(row, 3, (sqlite3_int64)size);
    const uint32_t status = registry_sql_row(row, REGISTRY_ERROR_FILE_NOT_FOUND);
    if (status == 0) {
        *type = (uint32_t)sqlite3_column_int64(row, 0);
        *data = registry_column(row, 2);
        data->size = (size_t)sqlite3_column_int64(row, 1);
    }
    return status;
}

void registry_value_done(struct registry *r) {
    sqlite3_reset(r->statements[SQL_VALUE_LIKE]);
    sqlite3_reset(r->statements[SQL_VALUE_GET]);
}

uint32_t registry_value_put(struct registry *r, const struct registry_place *place,
                            const char *name, uint32_t type, cmrp_view data) {
    const size_t size = strlen(name);
    sqlite3_stmt *s = registry_sql(r, SQL_VALUE_SET);
    sqlite3_bind_int64(s, 1, place->id);
    registry_bind_folded(r, s, 2, name);
    registry_bind_text(s, 3, name, size);
    sqlite3_bind_int64(s, 4, (sqlite3_int64)text_units(name, size));
    sqlite3_bind_int64(s, 5, type);
    registry_bind_view(s, 6, data);
    uint32_t status = registry_sql_run(s);
    status = status == 0 ? registry_touch(r, place->id) : status;
    if (status == 0) {
        registry_note(r, REGISTRY_VALUE_SET, &place->path, name);
    }
    return status;
}

uint32_t registry_value_drop(struct registry *r, const struct registry_place *place,
                             const char *name, bool *dropped) {
    sqlite3_stmt *s = registry_sql(r, SQL_VALUE_DROP);
    sqlite3_bind_int64(s, 1, place->id);
    registry_bind_folded(r, s, 2, name);
    uint32_t status = registry_sql_run(s);
    *dropped = status == 0 && sqlite3_changes(r->db) > 0;
    if (*dropped) {
        status = registry_touch(r, place->id);
        registry_note(r, REGISTRY_VALUE_DELETED, &place->path, name);
    }
    return status;
}

// ---- of open keys -------------------------------------------------------------------------------

void registry_value_clear(struct registry_value *value) {
    free(value->name);
    free(value->data);
    *value = (struct registry_value){0};
}

void registry_value_take(sqlite3_stmt *row, struct registry_value *out) {
    const cmrp_view name = registry_column(row, 0);
    const cmrp_view data = registry_column(row, 2);
    *out = (struct registry_value){
        .name = util_alloc(name.size + 1),
        .type = (uint32_t)sqlite3_column_int64(row, 1),
        .data = util_alloc(data.size),
        .size = data.size,
    };
    if (name.size > 0) {
        memcpy(out->name, name.data, name.size);
    }
    if (data.size > 0) {
        memcpy(out->data, data.data, data.size);
    }
}

uint32_t registry_value_get(struct registry_key *key, const char *name,
                            struct registry_value *out) {
    struct registry *r = key->registry;
    sqlite3_stmt *row;
    uint32_t status = find(r, key->id, name, &row);
    if (status == 0) {
        registry_value_take(row, out);
        sqlite3_reset(row);
    } else if (status == REGISTRY_ERROR_FILE_NOT_FOUND) {
        const uint32_t there = registry_there(r, key->id);
        status = there != 0 ? there : status;
    }
    return status;
}

uint32_t registry_value_set(struct registry_key *key, const char *name, uint32_t type,
                            cmrp_view data) {
    struct registry *r = key->registry;
    struct registry_place place = {0};
    uint32_t status = registry_value_check(r, name, data);
    if (status == 0 && cmrp_reg_type_name(type) == NULL) {
        status = REGISTRY_ERROR_INVALID_PARAMETER;
    }
    status = status == 0 ? registry_there(r, key->id) : status;
    status = status == 0 ? registry_change_start(r) : status;
    if (status == 0) {
        registry_place_set(&place, key);
        status = registry_change_end(r, registry_value_put(r, &place, name, type, data));
        buffer_free(&place.path);
    }
    if (status == 0) {
        registry_tell(r);
    }
    return status;
}

uint32_t registry_value_delete(struct registry_key *key, const char *name) {
    struct registry *r = key->registry;
    struct registry_place place = {0};
    uint32_t status = registry_there(r, key->id);
    status = status == 0 ? registry_change_start(r) : status;
    if (status == 0) {
        bool dropped = false;
        registry_place_set(&place, key);
        status = registry_value_drop(r, &place, name, &dropped);
        status = status == 0 && !dropped ? REGISTRY_ERROR_FILE_NOT_FOUND : status;
        status = registry_change_end(r, status);
        buffer_free(&place.path);
    }
    if (status == 0) {
        registry_tell(r);
    }
    return status;
}
