// SPDX-License-Identifier: Apache-2.0
// Batches that write.
#include <stdlib.h>

#include "cluster/registry_state.h"
#include "util/text.h"

struct run {
    struct registry *r;
    struct registry_key *key; // the designated one
    struct registry_place pointer;
    bool pointed; // false after DELETE_KEY: the key pointer is cleared
    struct registry_place place;
    struct buffer name; // of the command, as a text
    bool watched;       // there are ports: a mirror is made
    bool lost;          // it has become too large for any
    bool mirrored;      // there is a command in it
    struct buffer mirror;
};

// ---- the mirror ---------------------------------------------------------------------------------

static void put_version(struct buffer *out) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_batch_writer bw;
    cmrp_writer_init(&w, buffer_extend(out, 4), 4, &error, "");
    cmrp_batch_writer_open(&bw, &w, CMRP_BATCH_UNCHECKED_NAMES);
}

void registry_put_command(struct buffer *out, uint32_t type, uint32_t value_type, cmrp_view name,
                          cmrp_view data) {
    enum { FIXED = 16 };
    if (out->size == 0) {
        put_version(out);
    }
    const size_t size = FIXED + name.size + data.size + data.size % 2;
    const cmrp_batch_command command = {
        .type = type, .value_type = value_type, .name = name, .data = data};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, buffer_extend(out, size), size, &error, "");
    cmrp_batch_writer bw = {.writer = &w, .flags = CMRP_BATCH_UNCHECKED_NAMES};
    cmrp_batch_put(&bw, &command);
}

static void mirror(struct run *run, uint32_t type, uint32_t value_type, cmrp_view name,
                   cmrp_view data) {
    if (!run->watched || run->lost) {
        return;
    }
    if (run->mirror.size + data.size > run->r->limits.port_octets) {
        run->lost = true;
        buffer_free(&run->mirror);
        return;
    }
    registry_put_command(&run->mirror, type, value_type, name, data);
    run->mirrored = true;
}

// What the value has at this moment goes before the command.
static uint32_t mirror_old(struct run *run, cmrp_view name) {
    uint32_t type;
    cmrp_view data;
    const uint32_t status =
        registry_value_look(run->r, run->pointer.id, buffer_text(&run->name), &type, &data);
    if (status == 0) {
        if (data.size > 0) {
            mirror(run, CMRP_CLUSREG_VALUE_DELETED, type, name, data);
        }
        registry_value_done(run->r);
    }
    return status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0 : status;
}

// ---- commands -----------------------------------------------------------------------------------

void registry_command_name(const cmrp_batch_command *c, struct buffer *out) {
    buffer_clear(out);
    text_from_units(out, (cmrp_view){c->name.data, c->name.size - CMRP_BATCH_NAME_MINIMUM},
                    CMRP_LITTLE_ENDIAN);
}

static uint32_t write_value(struct run *run, const cmrp_batch_command *c) {
    const bool sets = c->type == CMRP_CLUSREG_SET_VALUE;
    const char *name = buffer_text(&run->name);
    bool dropped;
    if (!run->pointed) {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    if (sets && cmrp_reg_type_name(c->value_type) == NULL) {
        return REGISTRY_ERROR_INVALID_DATA;
    }
    uint32_t status = sets ? registry_value_check(run->r, name, c->data) : 0;
    if (status == 0 && run->watched && !run->lost) {
        status = mirror_old(run, c->name);
    }
    if (status != 0) {
        return status;
    }
    if (sets) {
        mirror(run, c->type, c->value_type, c->name, c->data);
        return registry_value_put(run->r, &run->pointer, name, c->value_type, c->data);
    }
    mirror(run, c->type, 0, c->name, (cmrp_view){NULL, 0});
    return registry_value_drop(run->r, &run->pointer, name, &dropped);
}

static uint32_t create_key(struct run *run, const cmrp_batch_command *c) {
    bool made;
    uint32_t status = registry_path_check(run->r, run->key->path, buffer_text(&run->name));
    if (status == 0) {
        registry_place_set(&run->pointer, run->key);
        status = registry_make(run->r, &run->pointer, buffer_text(&run->name), &made);
        run->pointed = true;
        mirror(run, c->type, 0, c->name, (cmrp_view){NULL, 0});
    }
    return status;
}

static uint32_t delete_key(struct run *run, const cmrp_batch_command *c) {
    uint32_t status = registry_path_check(run->r, run->key->path, buffer_text(&run->name));
    status = run->name.size == 0 ? REGISTRY_ERROR_INVALID_NAME : status;
    if (status != 0) {
        return status;
    }
    run->pointed = false;
    mirror(run, c->type, 0, c->name, (cmrp_view){NULL, 0});
    registry_place_set(&run->place, run->key);
    status = registry_descend(run->r, &run->place, buffer_text(&run->name));
    if (status == 0) {
        status = registry_prune(run->r, &run->place);
    }
    return status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0 : status;
}

// ---- conditions ---------------------------------------------------------------------------------

static bool is_number(uint32_t type, cmrp_view data) {
    return (type == CMRP_REG_DWORD && data.size == 4) || (type == CMRP_REG_QWORD && data.size == 8);
}

static uint64_t number_of(cmrp_view data) {
    return data.size == 4 ? cmrp_load_u32(data.data, CMRP_LITTLE_ENDIAN)
                          : cmrp_load_u64(data.data, CMRP_LITTLE_ENDIAN);
}

// What is stored, against what the command gives.
static bool compares(const cmrp_batch_command *c, uint32_t type, cmrp_view data) {
    const bool same_type = type == c->value_type;
    const bool equal = same_type && data.size == c->data.size &&
                       (data.size == 0 || memcmp(data.data, c->data.data, data.size) == 0);
    if (c->type == CMRP_CLUSREG_CONDITION_IS_EQUAL) {
        return equal;
    }
    if (c->type == CMRP_CLUSREG_CONDITION_IS_NOT_EQUAL) {
        return !equal;
    }
    if (!same_type || !is_number(type, data) || !is_number(type, c->data)) {
        return false; // other types have no order
    }
    return c->type == CMRP_CLUSREG_CONDITION_IS_GREATER_THAN ? number_of(data) > number_of(c->data)
                                                             : number_of(data) < number_of(c->data);
}

static uint32_t value_condition(struct run *run, const cmrp_batch_command *c) {
    uint32_t type = 0;
    cmrp_view data = {NULL, 0};
    if (!run->pointed) {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    // Only what is as large as the command's own data can matter.
    const uint32_t status = registry_value_sized(run->r, run->pointer.id, buffer_text(&run->name),
                                                 c->data.size, &type, &data);
    if (status != 0 && status != REGISTRY_ERROR_FILE_NOT_FOUND) {
        return status;
    }
    const bool there = status == 0;
    uint32_t result = 0;
    if (c->type == CMRP_CLUSREG_CONDITION_EXISTS) {
        result = there ? 0 : REGISTRY_ERROR_NOT_FOUND;
    } else if (c->type == CMRP_CLUSREG_CONDITION_NOT_EXISTS) {
        result = there ? REGISTRY_ERROR_ALREADY_EXISTS : 0;
    } else {
        result = there && compares(c, type, data) ? 0 : REGISTRY_ERROR_INVALID_STATE;
    }
    registry_value_done(run->r);
    return result;
}

static uint32_t key_condition(struct run *run, const cmrp_batch_command *c) {
    const bool wanted = c->type == CMRP_CLUSREG_CONDITION_KEY_EXISTS;
    uint32_t status = registry_path_check(run->r, run->key->path, buffer_text(&run->name));
    if (status != 0) {
        return status;
    }
    registry_place_set(&run->place, run->key);
    run->r->in_batch = false; // looking is not touching
    status = registry_descend(run->r, &run->place, buffer_text(&run->name));
    run->r->in_batch = true;
    if (status != 0 && status != REGISTRY_ERROR_FILE_NOT_FOUND) {
        return status;
    }
    if ((status == 0) == wanted) {
        return 0;
    }
    return wanted ? REGISTRY_ERROR_NOT_FOUND : REGISTRY_ERROR_ALREADY_EXISTS;
}

// ---- the whole ----------------------------------------------------------------------------------

static uint32_t execute(struct run *run, const cmrp_batch_command *c) {
    registry_command_name(c, &run->name);
    switch (c->type) {
    case CMRP_CLUSREG_SET_VALUE:
    case CMRP_CLUSREG_DELETE_VALUE: return write_value(run, c);
    case CMRP_CLUSREG_CREATE_KEY: return create_key(run, c);
    case CMRP_CLUSREG_DELETE_KEY: return delete_key(run, c);
    case CMRP_CLUSREG_CONTROL_COMMAND:
        // 1: write to all nodes at once, 2: read in isolation; there is one node and one thread.
        return c->value_type == 1 || c->value_type == 2 ? 0 : REGISTRY_ERROR_INVALID_DATA;
    case CMRP_CLUSREG_CONDITION_EXISTS:
    case CMRP_CLUSREG_CONDITION_NOT_EXISTS:
    case CMRP_CLUSREG_CONDITION_IS_EQUAL:
    case CMRP_CLUSREG_CONDITION_IS_NOT_EQUAL:
    case CMRP_CLUSREG_CONDITION_IS_GREATER_THAN:
    case CMRP_CLUSREG_CONDITION_IS_LESS_THAN: return value_condition(run, c);
    case CMRP_CLUSREG_CONDITION_KEY_EXISTS:
    case CMRP_CLUSREG_CONDITION_KEY_NOT_EXISTS: return key_condition(run, c);
    default: return REGISTRY_ERROR_INVALID_DATA;
    }
}

static uint32_t execute_all(struct run *run, cmrp_view octets, int32_t *failed) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    uint32_t status = 0;
    if (!cmrp_batch_open(&batch, octets, 0, CMRP_BATCH_STRICT, &error)) {
        return REGISTRY_ERROR_INVALID_DATA;
    }
    while (status == 0 && cmrp_batch_next(&batch, &c)) {
        status = execute(run, &c);
    }
    if (error.code == CMRP_E_EMPTY) {
        return REGISTRY_ERROR_INVALID_DATA;
    }
    if (status == 0 && error.code != CMRP_OK) {
        batch.count++; // the one that cannot be read
        status = REGISTRY_ERROR_INVALID_DATA;
    }
    *failed = status == 0 ? 0 : (int32_t)batch.count;
    return status;
}

// The ports of the designated key and those above it.
static uint32_t touch_above(struct registry *r, int64_t key) {
    uint32_t status = 0;
    while (r->port_count > 0 && key != 0 && status == 0) {
        batch_ports_touch(r, key);
        sqlite3_stmt *s = registry_sql(r, SQL_KEY_PARENT);
        sqlite3_bind_int64(s, 1, key);
        status = registry_sql_row(s, REGISTRY_ERROR_CORRUPT);
        key = status == 0 ? sqlite3_column_int64(s, 0) : 0;
        sqlite3_reset(s);
    }
    return status;
}

uint32_t registry_batch(struct registry_key *key, cmrp_view octets, int32_t *failed) {
    struct registry *r = key->registry;
    struct run run = {.r = r, .key = key, .pointed = true, .watched = r->port_count > 0};
    *failed = 0;
    uint32_t status = registry_there(r, key->id);
    status = status == 0 && r->outer ? REGISTRY_ERROR_INVALID_PARAMETER : status;
    status = status == 0 ? registry_change_start(r) : status;
    if (status != 0) {
        return status;
    }
    r->in_batch = true;
    registry_place_set(&run.pointer, key);
    status = touch_above(r, key->id);
    status = status == 0 ? execute_all(&run, octets, failed) : status;
    status = registry_change_end(r, status);
    r->in_batch = false;
    if (status == 0) {
        registry_tell(r);
    }
    const bool executed = status == 0 && (run.mirrored || run.lost);
    batch_ports_deliver(r, executed ? &run.mirror : NULL, run.lost);
    buffer_free(&run.pointer.path);
    buffer_free(&run.place.path);
    buffer_free(&run.name);
    buffer_free(&run.mirror);
    return status;
}
