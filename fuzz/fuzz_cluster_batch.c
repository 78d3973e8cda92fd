// SPDX-License-Identifier: Apache-2.0
// Batches: drawn ones, and what the plain model makes of them.
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

enum {
    NOT_FOUND = 2,
    INVALID_DATA = 13,
    INVALID_PARAMETER = 87,
    INVALID_NAME = 123,
    ALREADY_EXISTS = 183,
    ELEMENT_NOT_FOUND = 1168,
    INVALID_STATE = 5023,
};

// ---- executed -----------------------------------------------------------------------------------

struct run {
    struct plain_registry *r;
    struct batch_result *result;
    struct events *events;
    int key, pointer;
    struct buffer name;
    int touched; // room
};

static void number(struct buffer *out, uint32_t value) {
    const uint8_t octets[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};
    buffer_append(out, octets, 4);
}

static void mirror(struct run *run, uint32_t type, uint32_t value_type, cmrp_view name,
                   cmrp_view data) {
    struct buffer *out = &run->result->mirror;
    if (out->size == 0) {
        number(out, 1);
    }
    number(out, type);
    number(out, value_type);
    number(out, (uint32_t)name.size);
    buffer_append(out, name.data, name.size);
    number(out, (uint32_t)data.size);
    buffer_append(out, data.data, data.size);
    buffer_append(out, "", data.size % 2);
}

static void touch(struct run *run, int key) {
    if (run->touched < run->r->count) {
        run->result->touched = util_grow(run->result->touched, (size_t)run->r->count, 1);
        memset(run->result->touched + run->touched, 0, (size_t)(run->r->count - run->touched));
        run->touched = run->r->count;
    }
    run->result->touched[key] = true;
}

// The keys on the way that are there.
static int touch_way(struct run *run, const char *path) {
    int key = run->key;
    while (key != NONE && *path != '\0') {
        const size_t size = strcspn(path, "\\");
        char *level = util_format("%.*s", (int)size, path);
        key = key_find(run->r, key, level);
        free(level);
        if (key != NONE) {
            touch(run, key);
        }
        path += size + (path[size] != '\0');
    }
    return key;
}

static uint32_t write_value(struct run *run, const cmrp_batch_command *c) {
    static const cmrp_view empty;
    const bool sets = c->type == CMRP_CLUSREG_SET_VALUE;
    const char *name = buffer_text(&run->name);
    if (run->pointer == NONE) {
        return INVALID_PARAMETER;
    }
    if (sets && cmrp_reg_type_name(c->value_type) == NULL) {
        return INVALID_DATA;
    }
    const struct plain_value *old = value_find(run->r, run->pointer, name);
    if (old != NULL && old->data.size > 0) {
        mirror(run, CMRP_CLUSREG_VALUE_DELETED, old->type, c->name, buffer_view(&old->data));
    }
    if (sets) {
        mirror(run, c->type, c->value_type, c->name, c->data);
        value_set(run->r, run->pointer, name, c->value_type, c->data, run->events);
    } else {
        mirror(run, c->type, 0, c->name, empty);
        value_delete(run->r, run->pointer, name, run->events);
    }
    return 0;
}

static uint32_t write_key(struct run *run, const cmrp_batch_command *c) {
    const bool creates = c->type == CMRP_CLUSREG_CREATE_KEY;
    const char *path = buffer_text(&run->name);
    bool made;
    if (!path_good(path) || (!creates && *path == '\0')) {
        return INVALID_NAME;
    }
    mirror(run, c->type, 0, c->name, (cmrp_view){NULL, 0});
    const int there = touch_way(run, path);
    if (creates) {
        run->pointer = key_make(run->r, run->key, path, &made, run->events);
        return 0;
    }
    run->pointer = NONE;
    for (int i = 1; there != NONE && i < run->r->count; i++) {
        if (run->r->keys[i].there && key_below(run->r, i, there)) {
            touch(run, i);
        }
    }
    if (there != NONE) {
        key_delete(run->r, there, run->events);
    }
    return 0;
}

static uint64_t number_of(cmrp_view v) {
    return v.size == 4 ? cmrp_load_u32(v.data, CMRP_LITTLE_ENDIAN)
                       : cmrp_load_u64(v.data, CMRP_LITTLE_ENDIAN);
}

static bool is_number(uint32_t type, size_t size) {
    return (type == CMRP_REG_DWORD && size == 4) || (type == CMRP_REG_QWORD && size == 8);
}

static bool compares(const cmrp_batch_command *c, const struct plain_value *v) {
    const cmrp_view data = buffer_view(&v->data);
    const bool equal = v->type == c->value_type && data.size == c->data.size &&
                       (data.size == 0 || memcmp(data.data, c->data.data, data.size) == 0);
    const bool ordered =
        v->type == c->value_type && is_number(v->type, data.size) && data.size == c->data.size;
    switch (c->type) {
    case CMRP_CLUSREG_CONDITION_IS_EQUAL: return equal;
    case CMRP_CLUSREG_CONDITION_IS_NOT_EQUAL: return !equal;
    case CMRP_CLUSREG_CONDITION_IS_GREATER_THAN:
        return ordered && number_of(data) > number_of(c->data);
    default: return ordered && number_of(data) < number_of(c->data);
    }
}

static uint32_t condition(struct run *run, const cmrp_batch_command *c) {
    const char *name = buffer_text(&run->name);
    if (c->type == CMRP_CLUSREG_CONDITION_KEY_EXISTS ||
        c->type == CMRP_CLUSREG_CONDITION_KEY_NOT_EXISTS) {
        const bool wanted = c->type == CMRP_CLUSREG_CONDITION_KEY_EXISTS;
        if (!path_good(name)) {
            return INVALID_NAME;
        }
        const bool there = key_find(run->r, run->key, name) != NONE;
        return there == wanted ? 0 : wanted ? ELEMENT_NOT_FOUND : ALREADY_EXISTS;
    }
    if (run->pointer == NONE) {
        return INVALID_PARAMETER;
    }
    const struct plain_value *v = value_find(run->r, run->pointer, name);
    switch (c->type) {
    case CMRP_CLUSREG_CONDITION_EXISTS: return v != NULL ? 0 : ELEMENT_NOT_FOUND;
    case CMRP_CLUSREG_CONDITION_NOT_EXISTS: return v == NULL ? 0 : ALREADY_EXISTS;
    default: return v != NULL && compares(c, v) ? 0 : INVALID_STATE;
    }
}

static uint32_t execute(struct run *run, const cmrp_batch_command *c) {
    buffer_clear(&run->name);
    text_from_units(&run->name, (cmrp_view){c->name.data, c->name.size - 2}, CMRP_LITTLE_ENDIAN);
    if (c->type == CMRP_CLUSREG_SET_VALUE || c->type == CMRP_CLUSREG_DELETE_VALUE) {
        return write_value(run, c);
    }
    if (c->type == CMRP_CLUSREG_CREATE_KEY || c->type == CMRP_CLUSREG_DELETE_KEY) {
        return write_key(run, c);
    }
    if (c->type == CMRP_CLUSREG_CONTROL_COMMAND) {
        return c->value_type == 1 || c->value_type == 2 ? 0 : INVALID_DATA;
    }
    if (c->type >= CMRP_CLUSREG_CONDITION_EXISTS &&
        c->type <= CMRP_CLUSREG_CONDITION_KEY_NOT_EXISTS) {
        return condition(run, c);
    }
    return INVALID_DATA;
}

void batch_execute(struct plain_registry *r, int key, cmrp_view octets, struct batch_result *result,
                   struct events *events) {
    struct run run = {.r = r, .result = result, .events = events, .key = key, .pointer = key};
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    uint32_t count = 0;
    for (int above = key; above != NONE; above = r->keys[above].parent) {
        touch(&run, above);
    }
    if (!cmrp_batch_open(&batch, octets, 0, CMRP_BATCH_STRICT, &error)) {
        result->status = INVALID_DATA;
        return;
    }
    while (result->status == 0 && cmrp_batch_next(&batch, &c)) {
        count++;
        result->status = execute(&run, &c);
    }
    buffer_free(&run.name);
    if (error.code == CMRP_E_EMPTY) {
        result->status = INVALID_DATA;
        return;
    }
    if (result->status == 0 && error.code != CMRP_OK) {
        count++;
        result->status = INVALID_DATA;
    }
    result->failed = result->status != 0 ? count : 0;
    for (int i = run.touched; i < r->count; i++) { // keys made since
        touch(&run, i);
        result->touched[i] = false;
    }
}

// ---- drawn --------------------------------------------------------------------------------------

static const char *const key_names[] = {
    "a", "A", "b", "a\\b", "a\\b\\c", "c\\a", "Bb", "\xc3\xa9", "\xc3\x89\\x y", "", "a\\", "a\\c"};
static const char *const value_names[] = {"v",    "V", "",          "w",
                                          "a\\b", "x", "\xc3\xa9w", "\xed\xa0\x80"};

static void draw_command(struct draws *draws, struct buffer *out) {
    static const uint8_t types[] = {1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 4, 1, 1, 3, 2, 1};
    static const uint8_t rare[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 6, 7, 8, 9, 5, 0, 19};
    static const uint8_t value_types[] = {1, 4, 3, 0, 7, 11, 2, 99};
    uint8_t data[8];
    struct buffer name = {0};
    const uint32_t how = draw_below(draws, 64);
    const uint32_t type = how < 56 ? types[how % 16] : rare[draw_below(draws, 16)];
    const bool of_key = type == 2 || type == 3 || type == 7 || type == 17 || type == 18;
    const char *text =
        of_key ? key_names[draw_below(draws, 12)] : value_names[draw_below(draws, 8)];
    const uint32_t value = draw_below(draws, 64);
    const size_t size = type == 2 || type == 3 || type == 4 ? 0 : value / 8 == 7 ? 8 : value / 8;
    const uint32_t value_type =
        type == 2 || type == 3 || type == 4 ? 0 : value_types[value < 60 ? value % 7 : value % 8];
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)draw_below(draws, 4);
    }
    text_to_units(&name, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_append(&name, "\0", 2);
    number(out, type);
    number(out, value_type);
    number(out, (uint32_t)name.size);
    buffer_append(out, name.data, name.size);
    number(out, (uint32_t)size);
    buffer_append(out, data, size);
    buffer_append(out, "", size % 2);
    buffer_free(&name);
}

// Most are well-formed; some are cut, or have an octet changed.
void batch_draw(struct draws *draws, struct buffer *out) {
    const uint32_t how = draw_below(draws, 32);
    number(out, how == 31 ? 2 : 1);
    for (uint32_t n = draw_below(draws, 64) % 9; n > 0; n--) {
        draw_command(draws, out);
    }
    if (how == 30) {
        out->size = draw_below(draws, 256) % (out->size + 1);
    } else if (how == 29) {
        out->data[draw_below(draws, 256) % out->size] ^= (uint8_t)(1u << draw_below(draws, 8));
    }
}
