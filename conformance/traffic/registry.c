// SPDX-License-Identifier: Apache-2.0
// Keys, values, batches.
#include <stdio.h>
#include <string.h>

#include "traffic/world.h"

void value_name(int index, char name[16]) {
    if (index == 0) {
        name[0] = '\0';
    } else {
        snprintf(name, 16, "Value%d", index);
    }
}

static int value_index(const char *name) {
    char known[16];
    for (int i = 0; i < VALUES; i++) {
        value_name(i, known);
        if (strcmp(known, name) == 0) {
            return i;
        }
    }
    return -1;
}

int key_find(const struct registry *r, int from, const char *path) {
    char whole[2 * PATH];
    const char *base = r->keys[from].path;
    snprintf(whole, sizeof whole, "%s%s%s", base, *base != '\0' && *path != '\0' ? "\\" : "", path);
    for (int i = 0; i < KEYS; i++) {
        if (r->keys[i].alive && strcmp(r->keys[i].path, whole) == 0) {
            return i;
        }
    }
    return -1;
}

bool key_is_below(const struct registry *r, int key, int top) {
    while (key != top && key >= 0) {
        key = r->keys[key].parent;
    }
    return key == top;
}

const char *key_relative(const struct registry *r, int key, int top) {
    const char *path = r->keys[key].path + strlen(r->keys[top].path);
    return *path == '\\' ? path + 1 : path;
}

// One level.
static int make_child(struct registry *r, int parent, const char *name, bool *made) {
    int i = key_find(r, parent, name);
    *made = i < 0;
    if (i >= 0) {
        return i;
    }
    for (i = 1; i < KEYS && r->keys[i].alive; i++) {
    }
    if (i == KEYS || strlen(r->keys[parent].path) + strlen(name) + 2 > PATH) {
        return -1;
    }
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s%s%s", r->keys[parent].path, parent == 0 ? "" : "\\", name);
    struct key *k = &r->keys[i];
    *k = (struct key){.alive = true, .life = k->life + 1, .parent = parent};
    memcpy(k->path, path, strlen(path) + 1); // it fits, as was seen above
    return i;
}

int key_make(struct registry *r, int parent, const char *path, bool *made) {
    int key = parent;
    *made = false;
    while (*path != '\0' && key >= 0) {
        char name[PATH];
        const size_t n = strcspn(path, "\\");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        key = make_child(r, key, name, made);
        path += n + (path[n] == '\\');
    }
    return key;
}

void key_delete(struct registry *r, int key) {
    for (int i = 1; i < KEYS; i++) {
        if (i != key && r->keys[i].alive && key_is_below(r, i, key)) {
            r->keys[i].alive = false;
        }
    }
    r->keys[key].alive = false;
}

bool key_has_children(const struct registry *r, int key) {
    for (int i = 1; i < KEYS; i++) {
        if (r->keys[i].alive && r->keys[i].parent == key) {
            return true;
        }
    }
    return false;
}

void value_draw(struct lot *lot, struct value *value) {
    static const uint32_t types[] = {CMRP_REG_SZ,    CMRP_REG_EXPAND_SZ, CMRP_REG_BINARY,
                                     CMRP_REG_DWORD, CMRP_REG_MULTI_SZ,  CMRP_REG_QWORD};
    *value = (struct value){.there = true, .type = types[draw(lot, 6)]};
    switch (value->type) {
    case CMRP_REG_DWORD: value->size = 4; break;
    case CMRP_REG_QWORD: value->size = 8; break;
    case CMRP_REG_BINARY: value->size = 1 + draw(lot, DATA); break;
    default: value->size = 4 + 2 * draw(lot, DATA / 2 - 1);
    }
    for (uint32_t i = 0; i < value->size; i++) {
        const bool text = value->type != CMRP_REG_BINARY && value->size > 8;
        value->data[i] = (uint8_t)(!text ? draw(lot, 256) : i % 2 == 1 ? 0 : 'a' + draw(lot, 26));
    }
    if (value->type == CMRP_REG_SZ || value->type == CMRP_REG_EXPAND_SZ ||
        value->type == CMRP_REG_MULTI_SZ) {
        memset(value->data + value->size - 4, 0, 4);
    }
}

// ---- batches ------------------------------------------------------------------------------------

enum { COMMANDS = 6 };

static json_t *hex(const struct value *value) {
    char text[2 * DATA + 1] = "";
    for (uint32_t i = 0; i < value->size; i++) {
        snprintf(text + 2 * (size_t)i, 3, "%02x", value->data[i]);
    }
    return json_string(text);
}

static json_t *command(uint32_t type, uint32_t value_type, const char *name,
                       const struct value *value) {
    return json_pack("{sIsIssso}", "command", (json_int_t)type, "value_type",
                     (json_int_t)value_type, "name", name, "data",
                     value != NULL ? hex(value) : json_string(""));
}

json_t *batch_draw(struct world *w, int key) {
    static const char *const keys[] = {"Sub1", "Sub2", "Sub1\\Deep", "Groups"};
    json_t *commands = json_array();
    const uint32_t count = 1 + draw(&w->lot, COMMANDS);
    bool key_pointer = true;
    (void)key;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t kind = draw(&w->lot, 10);
        const char *path = keys[draw(&w->lot, 4)];
        struct value value;
        char name[16];
        value_name((int)draw(&w->lot, VALUES), name);
        value_draw(&w->lot, &value);
        if (kind == 0 && strcmp(path, "Groups") != 0) {
            json_array_append_new(commands, command(CMRP_CLUSREG_DELETE_KEY, 0, path, NULL));
            key_pointer = false;
        } else if (kind <= 2 || !key_pointer) {
            json_array_append_new(commands, command(CMRP_CLUSREG_CREATE_KEY, 0, path, NULL));
            key_pointer = true;
        } else if (kind <= 7) {
            json_array_append_new(commands,
                                  command(CMRP_CLUSREG_SET_VALUE, value.type, name, &value));
        } else {
            json_array_append_new(commands, command(CMRP_CLUSREG_DELETE_VALUE, 0, name, NULL));
        }
    }
    return commands;
}

// The octets of hex digits.
static void read_data(const char *text, struct value *value) {
    value->size = (uint32_t)strlen(text) / 2;
    for (uint32_t i = 0; i < value->size; i++) {
        unsigned octet = 0;
        sscanf(text + 2 * (size_t)i, "%2x", &octet);
        value->data[i] = (uint8_t)octet;
    }
}

// What a batch does, kept until all of it has succeeded.
struct transaction {
    struct registry registry;
    json_t *mirror; // commands of the notification
    struct {
        enum registry_change change;
        int key;
        int value;
    } told[4 * COMMANDS];
    int count;
    int pointer; // the current key; -1: none
};

static void note(struct transaction *t, enum registry_change change, int key, int value) {
    t->told[t->count].change = change;
    t->told[t->count].key = key;
    t->told[t->count++].value = value;
}

static uint32_t apply_value(struct transaction *t, const json_t *c, const char *name, bool set) {
    const int index = value_index(name);
    struct value *value = &t->registry.keys[t->pointer].values[index];
    if (value->there && value->size > 0) {
        json_array_append_new(t->mirror,
                              command(CMRP_CLUSREG_VALUE_DELETED, value->type, name, value));
    }
    if (set || value->there) {
        note(t, CHANGED_VALUE, t->pointer, index);
    }
    *value = (struct value){.there = set};
    if (set) {
        value->type = (uint32_t)json_integer_value(json_object_get(c, "value_type"));
        read_data(json_string_value(json_object_get(c, "data")), value);
    }
    return 0;
}

static uint32_t apply(struct transaction *t, int key, const json_t *c) {
    const uint32_t type = (uint32_t)json_integer_value(json_object_get(c, "command"));
    const char *name = json_string_value(json_object_get(c, "name"));
    bool made;
    uint32_t status = 0;
    int found;
    switch (type) {
    case CMRP_CLUSREG_CREATE_KEY:
        t->pointer = key_make(&t->registry, key, name, &made);
        if (t->pointer < 0) {
            return 14; // no room
        }
        if (made) {
            note(t, CHANGED_KEY, t->pointer, 0);
        }
        break;
    case CMRP_CLUSREG_DELETE_KEY:
        found = key_find(&t->registry, key, name);
        if (found > 0) {
            note(t, CHANGED_KEY, found, 0);
            key_delete(&t->registry, found);
        }
        t->pointer = -1;
        break;
    default:
        if (t->pointer < 0) {
            return 0x57;
        }
        status = apply_value(t, c, name, type == CMRP_CLUSREG_SET_VALUE);
    }
    json_array_append(t->mirror, (json_t *)c);
    return status;
}

static void tell_batch_ports(struct world *w, int key, const json_t *mirror) {
    for (int i = 0; i < PORTS; i++) {
        struct batch_port *port = &w->batch_ports[i];
        if (port->used && port->life == w->registry.keys[port->key].life &&
            key_is_below(&w->registry, key, port->key)) {
            json_array_append_new(port->queue,
                                  json_pack("{sisO}", "version", 1, "commands", mirror));
        }
    }
}

uint32_t batch_execute(struct world *w, int key, const json_t *commands, int *failed) {
    static struct transaction t;
    uint32_t status = 0;
    t.registry = w->registry;
    t.mirror = json_array();
    t.count = 0;
    t.pointer = key;
    *failed = 0;
    for (size_t i = 0; i < json_array_size(commands) && status == 0; i++) {
        status = apply(&t, key, json_array_get(commands, i));
        *failed = status != 0 ? (int)i + 1 : 0;
    }
    if (status == 0) {
        w->registry = t.registry;
        for (int i = 0; i < t.count; i++) {
            world_tell_registry(w, t.told[i].change, t.told[i].key, t.told[i].value);
        }
        tell_batch_ports(w, key, t.mirror);
    }
    json_decref(t.mirror);
    return status;
}
