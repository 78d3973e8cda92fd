// SPDX-License-Identifier: Apache-2.0
// Objects and their events.
#include "traffic/world.h"

#include <stdio.h>
#include <string.h>

enum { QUEUE = 40 }; // indications that a port keeps before it drops them all

static const struct kind_facts {
    const char *word;
    uint32_t state_bit;                // CLUSTER_CHANGE_*_STATE
    uint32_t object_type;              // CLUSTER_OBJECT_TYPE
    uint32_t state, deleted, property; // flags of version 2
    uint32_t states;
    uint32_t first_state;
    const char *type; // Type of its indications
} facts[OBJECT_KINDS] = {
    [NODE] = {"NODE", 0x1, 7, 0x10, 0x2, 0x4, 4, 0, ""},
    [GROUP] = {"Group", 0x1000, 2, 0x8, 0x1, 0x2, 5, 0, ""},
    [NETWORK] = {"Network", 0x100000, 6, 0x8, 0x1, 0x2, 4, 0, ""},
    [NETINTERFACE] = {"NODE1 - NIC", 0x1000000, 5, 0x8, 0x1, 0x2, 4, 0, ""},
    [RESOURCE] = {"Disk", 0x100, 3, 0x4, 0x80, 0x1, 4, 1, "Physical Disk"},
};

enum { DELETED = 1, ADDED = 2, PROPERTY = 3 }; // bits above *_STATE

uint32_t world_state_bit(enum kind kind) {
    return facts[kind].state_bit;
}

uint32_t world_object_type(enum kind kind) {
    return facts[kind].object_type;
}

// ---- indications --------------------------------------------------------------------------------

static json_t *indication_1(uint32_t notify_key, uint32_t bit, uint32_t sequence,
                            const char *name) {
    return json_pack("{sIsIsIss}", "dwNotifyKey", (json_int_t)notify_key, "dwFilter",
                     (json_int_t)bit, "dwStateSequence", (json_int_t)sequence, "Name", name);
}

// buffer is taken over; NULL: none.
static json_t *indication_2(uint32_t notify_key, uint32_t object_type, uint32_t flag,
                            json_t *buffer, const char *id, const char *parent, const char *name,
                            const char *type) {
    char key[16], flags[16];
    snprintf(key, sizeof key, "%u", notify_key);
    snprintf(flags, sizeof flags, "%u", flag);
    return json_pack("{sss{s{sIss}soss ss ss ss}}", "dwNotifyKey", key, "NotificationData",
                     "FilterAndType", "dwObjectType", (json_int_t)object_type, "FilterFlags", flags,
                     "buffer", buffer != NULL ? buffer : json_null(), "ObjectId", id, "ParentId",
                     parent, "Name", name, "Type", type);
}

// Queues an indication, or, where the queue is full, drops everything and says so.
static void queue(struct port *port, json_t *indication) {
    if (json_array_size(port->queue) < QUEUE) {
        json_array_append_new(port->queue, indication);
        return;
    }
    json_decref(indication);
    json_array_clear(port->queue);
    if (port->version == 1) {
        json_array_append_new(
            port->queue, indication_1(port->watches[0].notify_key, 0x80000 /* RECONNECT */, 0, ""));
        return;
    }
    for (int i = 0; i < port->watch_count; i++) {
        const struct watch *watch = &port->watches[i];
        if (watch->object_type == 1 && (watch->mask & 0x200) != 0) { // LOST_NOTIFICATIONS
            json_array_append_new(port->queue,
                                  indication_2(watch->notify_key, 1, 0x200, NULL, "", "", "", ""));
        }
    }
}

static bool watches_object(const struct watch *watch, enum kind kind, int index, uint32_t life) {
    return watch->scope == EVERYTHING || (watch->scope == ONE_OBJECT && watch->kind == kind &&
                                          watch->index == index && watch->life == life);
}

static void tell_1(struct world *w, enum kind kind, int index, uint32_t bit) {
    const struct object *o = &w->objects[kind][index];
    for (int p = 0; p < PORTS; p++) {
        struct port *port = &w->ports[p];
        for (int i = 0; port->version == 1 && i < port->watch_count; i++) {
            const struct watch *watch = &port->watches[i];
            if ((watch->mask & bit) != 0 && watches_object(watch, kind, index, o->life)) {
                queue(port, indication_1(watch->notify_key, bit, o->sequence, o->name));
            }
        }
    }
}

static json_t *dword(uint32_t value) {
    char hex[9];
    snprintf(hex, sizeof hex, "%02x%02x%02x%02x", value & 0xff, value >> 8 & 0xff,
             value >> 16 & 0xff, value >> 24);
    return json_string(hex);
}

// The group of a resource, the node of a group or interface. What tells that one has come has
// another parent, or none.
static const char *parent_of(const struct world *w, enum kind kind, bool of_itself) {
    switch (kind) {
    case GROUP: return w->objects[NODE][0].id;
    case RESOURCE: return of_itself ? w->objects[GROUP][0].id : w->objects[NODE][0].id;
    case NETINTERFACE: return of_itself ? w->objects[NODE][0].id : "";
    default: return "";
    }
}

// An event of an object; of the cluster or of a node where that is told that one has come.
// buffer is taken over.
static void tell_2(struct world *w, uint32_t object_type, uint32_t flag, enum kind kind, int index,
                   json_t *buffer) {
    const struct object *o = &w->objects[kind][index];
    const bool of_itself = object_type == facts[kind].object_type;
    const char *parent = parent_of(w, kind, of_itself);
    for (int p = 0; p < PORTS; p++) {
        struct port *port = &w->ports[p];
        for (int i = 0; port->version == 2 && i < port->watch_count; i++) {
            const struct watch *watch = &port->watches[i];
            if (watch->object_type != object_type || (watch->mask & flag) == 0) {
                continue;
            }
            // What comes is nobody's own event, except for node 0, which has all interfaces, and
            // group 0, which has all resources.
            const enum kind owner = kind == RESOURCE ? GROUP : NODE;
            if (of_itself ? watches_object(watch, kind, index, o->life)
                          : watches_object(watch, owner, 0, w->objects[owner][0].life)) {
                queue(port,
                      indication_2(watch->notify_key, object_type, flag, json_incref(buffer), o->id,
                                   parent, o->name, of_itself ? facts[kind].type : ""));
            }
        }
    }
    json_decref(buffer);
}

void world_tell_again(struct port *port, const struct watch *watch, const struct object *o,
                      uint32_t sequence) {
    if (sequence != o->sequence && (watch->mask & facts[watch->kind].state_bit) != 0) {
        queue(port,
              indication_1(watch->notify_key, facts[watch->kind].state_bit, o->sequence, o->name));
    }
}

// ---- events -------------------------------------------------------------------------------------

static void change_state(struct world *w, enum kind kind, int index) {
    struct object *o = &w->objects[kind][index];
    const uint32_t first = facts[kind].first_state;
    o->state =
        first + (o->state - first + 1 + draw(&w->lot, facts[kind].states - 1)) % facts[kind].states;
    o->sequence++;
    tell_1(w, kind, index, facts[kind].state_bit);
    tell_2(w, facts[kind].object_type, facts[kind].state, kind, index, dword(o->state));
}

static void change_property(struct world *w, enum kind kind, int index) {
    tell_1(w, kind, index, facts[kind].state_bit << PROPERTY);
    tell_2(w, facts[kind].object_type, facts[kind].property, kind, index,
           json_pack("{sss[{sss[{ssss}]}]}", "kind", "property-list", "properties", "name",
                     "Description", "values", "syntax", "CLUSPROP_SYNTAX_LIST_VALUE_SZ", "value",
                     w->objects[kind][index].name));
}

static json_t *id_of(const struct world *w, enum kind kind) {
    return json_pack("{ssss}", "kind", "id", "text", w->objects[kind][0].id);
}

void world_add_object(struct world *w, enum kind kind, int index) {
    struct object *o = &w->objects[kind][index];
    const uint32_t number = ++w->next_id;
    const uint32_t life = o->life + 1;
    *o = (struct object){.alive = true, .life = life, .state = facts[kind].first_state};
    snprintf(o->name, sizeof o->name, "%s%u", facts[kind].word, number);
    if (kind == NODE) {
        snprintf(o->id, sizeof o->id, "%u", number);
    } else {
        snprintf(o->id, sizeof o->id, "%08x-4c63-11cf-bff6-08002be23f2f", number);
    }
    tell_1(w, kind, index, facts[kind].state_bit << ADDED);
    switch (kind) {
    case NODE: tell_2(w, 1, 0x20, kind, index, dword(o->state)); break;
    case GROUP: tell_2(w, 1, 0x4, kind, index, dword(1)); break;
    case NETWORK: tell_2(w, 1, 0x10, kind, index, json_null()); break;
    case RESOURCE: tell_2(w, 2, 0x40, kind, index, id_of(w, GROUP)); break;
    default: tell_2(w, 7, 0x1, kind, index, id_of(w, NODE));
    }
}

void world_delete_object(struct world *w, enum kind kind, int index) {
    struct object *o = &w->objects[kind][index];
    tell_1(w, kind, index, facts[kind].state_bit << DELETED);
    tell_2(w, facts[kind].object_type, facts[kind].deleted, kind, index,
           kind == NODE       ? dword(o->state)
           : kind == RESOURCE ? id_of(w, GROUP)
                              : json_null());
    o->alive = false;
}

static void change_objects(struct world *w) {
    const enum kind kind = (enum kind)draw(&w->lot, OBJECT_KINDS);
    const int index = (int)draw(&w->lot, OBJECTS);
    const struct object *o = &w->objects[kind][index];
    if (!o->alive) {
        world_add_object(w, kind, index);
    } else if (index > 1 && chance(&w->lot, 5)) { // some always stay
        world_delete_object(w, kind, index);
    } else if (chance(&w->lot, 70)) {
        change_state(w, kind, index);
    } else {
        change_property(w, kind, index);
    }
}

static void change_registry(struct world *w) {
    struct registry *r = &w->registry;
    const int key = (int)draw(&w->lot, KEYS);
    const int value = (int)draw(&w->lot, VALUES);
    if (!r->keys[key].alive) {
        return;
    }
    if (chance(&w->lot, 50)) {
        int failed;
        json_t *commands = batch_draw(w, key);
        batch_execute(w, key, commands, &failed);
        json_decref(commands);
    } else {
        value_draw(&w->lot, &r->keys[key].values[value]);
        world_tell_registry(w, CHANGED_VALUE, key, value);
    }
}

void world_live(struct world *w) {
    if (chance(&w->lot, 60)) {
        change_objects(w);
    } else {
        change_registry(w);
    }
}

// ---- the registry's events ----------------------------------------------------------------------

static void tell_registry_1(struct world *w, struct port *port, uint32_t bit, int key) {
    const struct registry *r = &w->registry;
    for (int i = 0; i < port->watch_count; i++) {
        const struct watch *watch = &port->watches[i];
        const bool all = watch->scope == EVERYTHING;
        const int top = all ? 0 : watch->index;
        const bool subtree = all ? (watch->mask & 0x80) != 0 : watch->subtree;
        if (watch->scope == ONE_OBJECT || (watch->mask & bit) == 0 ||
            (!all && watch->life != r->keys[top].life) ||
            !(subtree ? key_is_below(r, key, top) : key == top)) {
            continue;
        }
        queue(port, indication_1(watch->notify_key, bit, 0, key_relative(r, key, top)));
    }
}

static void tell_registry_2(struct world *w, struct port *port, uint32_t flag, int key,
                            const char *value) {
    const struct registry *r = &w->registry;
    for (int i = 0; i < port->watch_count; i++) {
        const struct watch *watch = &port->watches[i];
        const int top = watch->scope == ONE_KEY ? watch->index : 0;
        const bool subtree = (watch->mask & 0x4) != 0;
        if (watch->object_type != 8 || (watch->mask & flag) == 0 ||
            (watch->scope == ONE_KEY && watch->life != r->keys[top].life) ||
            !(subtree ? key_is_below(r, key, top) : key == top)) {
            continue;
        }
        queue(port, indication_2(watch->notify_key, 8, flag, NULL, value, "",
                                 key_relative(r, key, top), ""));
    }
}

void world_tell_registry(struct world *w, enum registry_change change, int key, int value) {
    char name[16] = "";
    if (change == CHANGED_VALUE) {
        value_name(value, name);
    }
    for (int p = 0; p < PORTS; p++) {
        if (w->ports[p].version == 1) {
            tell_registry_1(w, &w->ports[p], change == CHANGED_KEY ? 0x10 : 0x40, key);
        } else if (w->ports[p].version == 2) {
            tell_registry_2(w, &w->ports[p], change == CHANGED_KEY ? 0x2 : 0x8, key, name);
        }
    }
}

// ---- beginning and end --------------------------------------------------------------------------

void world_begin(struct world *w, uint64_t seed) {
    bool made;
    memset(w, 0, sizeof *w);
    w->lot.state = seed * 0x9e3779b97f4a7c15 + 1;
    draw(&w->lot, 1);
    w->registry.keys[0] = (struct key){.alive = true, .life = 1, .parent = -1};
    key_make(&w->registry, 0, "Groups", &made);
    key_make(&w->registry, 0, "Nodes", &made);
    for (int kind = 0; kind < OBJECT_KINDS; kind++) {
        for (int i = 0; i < OBJECTS / 2; i++) {
            world_add_object(w, (enum kind)kind, i);
        }
    }
}

void world_end(struct world *w) {
    for (int p = 0; p < PORTS; p++) {
        json_decref(w->ports[p].queue);
        json_decref(w->batch_ports[p].queue);
    }
}
