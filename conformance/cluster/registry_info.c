// SPDX-License-Identifier: Apache-2.0
// What is told of a key: numbers, its items one by one, its security descriptor.
#include "cluster/registry_state.h"

// Owner and group: the administrators. Full control for them and the system, to be inherited by
// keys below [MS-DTYP 2.4.6].
static cmrp_view default_sd(void) {
    // clang-format off
    static const uint8_t sd[] = {
        1, 0, 0x04, 0x80,         // revision; self-relative, with a DACL
        72, 0, 0, 0, 88, 0, 0, 0, // where the owner and the group are
        0, 0, 0, 0, 20, 0, 0, 0,  // no SACL; where the DACL is
        2, 0, 52, 0, 2, 0, 0, 0,  // ACL: revision, size, two entries
        0, 2, 24, 0,              // allow, inherited by containers, size;
        0x3f, 0, 0x0f, 0,         // KEY_ALL_ACCESS
        1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // S-1-5-32-544
        0, 2, 20, 0, 0x3f, 0, 0x0f, 0,                    // the same for
        1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,              // S-1-5-18
        1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // the owner
        1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // the group
    };
    // clang-format on
    return (cmrp_view){sd, sizeof sd};
}

// ---- what is told of a key ----------------------------------------------------------------------

static struct registry_memory *memory(struct registry_key *key) {
    if (key->memory == NULL) {
        key->memory = util_alloc(sizeof *key->memory);
    }
    return key->memory;
}

static uint32_t read_info(struct registry *r, int64_t id, struct registry_info *info) {
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_INFO);
    sqlite3_bind_int64(s, 1, id);
    uint32_t status = registry_sql_row(s, REGISTRY_ERROR_KEY_DELETED);
    if (status != 0) {
        return status;
    }
    info->written = (uint64_t)sqlite3_column_int64(s, 0);
    info->descriptor_octets = sqlite3_column_type(s, 1) == SQLITE_NULL
                                  ? (uint32_t)default_sd().size
                                  : (uint32_t)sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    s = registry_sql(r, SQL_KEY_COUNTS);
    sqlite3_bind_int64(s, 1, id);
    status = registry_sql_row(s, REGISTRY_ERROR_CORRUPT);
    if (status != 0) {
        return status;
    }
    info->keys = (uint32_t)sqlite3_column_int64(s, 0);
    info->longest_key = (uint32_t)sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    s = registry_sql(r, SQL_VALUE_COUNTS);
    sqlite3_bind_int64(s, 1, id);
    status = registry_sql_row(s, REGISTRY_ERROR_CORRUPT);
    if (status != 0) {
        return status;
    }
    info->values = (uint32_t)sqlite3_column_int64(s, 0);
    info->longest_value_name = (uint32_t)sqlite3_column_int64(s, 1);
    info->largest_value = (uint32_t)sqlite3_column_int64(s, 2);
    sqlite3_reset(s);
    return 0;
}

uint32_t registry_key_info(struct registry_key *key, struct registry_info *info) {
    struct registry *r = key->registry;
    struct registry_memory *m = memory(key);
    if (m->info_generation != r->generation) {
        const uint32_t status = read_info(r, key->id, &m->info);
        if (status != 0) {
            m->info_generation = 0;
            return status;
        }
        m->info_generation = r->generation;
    }
    *info = m->info;
    return 0;
}

enum { CURSOR_OCTETS = 256 }; // of a name that is remembered: there may be a million handles

// The row number `index`, from where the cursor stands where that helps: enumerating all is linear.
static uint32_t row_at(struct registry_key *key, bool values, uint32_t index, sqlite3_stmt **row) {
    struct registry *r = key->registry;
    struct registry_cursor *c = values ? &memory(key)->values : &memory(key)->keys;
    const uint64_t generation = values ? r->generation : r->keys_generation;
    const bool next = c->generation == generation && index > 0 && c->index == index - 1;
    sqlite3_stmt *s = registry_sql(r, next ? (values ? SQL_VALUE_AFTER : SQL_KEY_AFTER)
                                           : (values ? SQL_VALUE_AT : SQL_KEY_AT));
    sqlite3_bind_int64(s, 1, key->id);
    if (next) {
        registry_bind_text(s, 2, buffer_text(&c->folded), c->folded.size);
    } else {
        sqlite3_bind_int64(s, 2, index);
    }
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_NO_MORE_ITEMS);
    if (status != 0) {
        const uint32_t there = registry_there(r, key->id);
        return there != 0 ? there : status;
    }
    const cmrp_view folded = registry_column(s, values ? 3 : 1);
    c->generation = folded.size <= CURSOR_OCTETS ? generation : 0;
    c->index = index;
    buffer_clear(&c->folded);
    if (c->generation != 0) {
        buffer_append(&c->folded, folded.data, folded.size);
    }
    *row = s;
    return 0;
}

uint32_t registry_key_at(struct registry_key *key, uint32_t index, char **name, uint64_t *written) {
    sqlite3_stmt *s;
    const uint32_t status = row_at(key, false, index, &s);
    if (status == 0) {
        *name = util_strdup((const char *)sqlite3_column_text(s, 0));
        *written = (uint64_t)sqlite3_column_int64(s, 2);
        sqlite3_reset(s);
    }
    return status;
}

uint32_t registry_value_at(struct registry_key *key, uint32_t index, struct registry_value *out) {
    sqlite3_stmt *s;
    const uint32_t status = row_at(key, true, index, &s);
    if (status == 0) {
        registry_value_take(s, out);
        sqlite3_reset(s);
    }
    return status;
}

// ---- security descriptors -----------------------------------------------------------------------

uint32_t registry_security_get(struct registry_key *key, uint8_t **sd, size_t *size) {
    sqlite3_stmt *s = registry_sql(key->registry, SQL_SD_GET);
    sqlite3_bind_int64(s, 1, key->id);
    const uint32_t status = registry_sql_row(s, REGISTRY_ERROR_KEY_DELETED);
    if (status == 0) {
        const bool none = sqlite3_column_type(s, 0) == SQLITE_NULL;
        const cmrp_view view = none ? default_sd() : registry_column(s, 0);
        *sd = util_alloc(view.size);
        *size = view.size;
        memcpy(*sd, view.size > 0 ? view.data : *sd, view.size);
        sqlite3_reset(s);
    }
    return status;
}

uint32_t registry_sd_put(struct registry *r, const struct registry_place *place, cmrp_view sd,
                         bool tell) {
    if (sd.size > r->limits.value_octets) {
        return REGISTRY_ERROR_TOO_LARGE;
    }
    sqlite3_stmt *s = registry_sql(r, SQL_SD_SET);
    sqlite3_bind_int64(s, 1, place->id);
    registry_bind_view(s, 2, sd);
    uint32_t status = registry_sql_run(s);
    status = status == 0 ? registry_touch(r, place->id) : status;
    if (status == 0 && tell) {
        registry_note(r, REGISTRY_ATTRIBUTES, &place->path, NULL);
    }
    return status;
}

uint32_t registry_security_set(struct registry_key *key, cmrp_view sd) {
    struct registry *r = key->registry;
    struct registry_place place = {0};
    uint32_t status = registry_there(r, key->id);
    status = status == 0 ? registry_change_start(r) : status;
    if (status == 0) {
        registry_place_set(&place, key);
        status = registry_change_end(r, registry_sd_put(r, &place, sd, true));
        buffer_free(&place.path);
    }
    if (status == 0) {
        registry_tell(r);
    }
    return status;
}
