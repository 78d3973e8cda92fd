// SPDX-License-Identifier: Apache-2.0
// The cluster that generated traffic is about: what exists, what is registered, what is queued. Its
// events reach ports as [MS-CMRP] has it; where the specification leaves room, the lot decides.
#ifndef TRAFFIC_WORLD_H
#define TRAFFIC_WORLD_H

#include <jansson.h>

#include "cmrp/cmrp.h"
#include "traffic/draw.h"

enum kind { NODE, GROUP, NETWORK, NETINTERFACE, RESOURCE, OBJECT_KINDS };

enum { OBJECTS = 6, KEYS = 40, VALUES = 6, PATH = 96, DATA = 40, PORTS = 48, WATCHES = 8 };

// An object or key that is gone may make room for another of the same index, told apart by `life`.
struct object {
    bool alive;
    uint32_t life;
    char name[32];
    char id[40];
    uint32_t state;
    uint32_t sequence;
};

struct value {
    bool there;
    uint32_t type;
    uint32_t size;
    uint8_t data[DATA];
};

struct key {
    bool alive;
    uint32_t life;
    int parent;      // -1: of the root
    char path[PATH]; // from the root, whose own is ""
    struct value values[VALUES];
};

struct registry {
    struct key keys[KEYS]; // keys[0] is the root
};

enum scope { EVERYTHING, ONE_OBJECT, ONE_KEY };

// A filter of a port.
struct watch {
    uint32_t mask;        // version 1: CLUSTER_CHANGE; version 2: flags of object_type
    uint32_t object_type; // version 2
    enum scope scope;
    enum kind kind; // ONE_OBJECT
    int index;      // ONE_OBJECT, ONE_KEY
    uint32_t life;
    bool subtree; // of a key
    uint32_t notify_key;
};

struct port {
    int version; // 1, 2; 0: not in use
    struct watch watches[WATCHES];
    int watch_count;
    json_t *queue; // indications as responses have them
};

struct batch_port {
    bool used;
    int key;
    uint32_t life;
    json_t *queue; // batches
};

struct world {
    struct lot lot;
    struct object objects[OBJECT_KINDS][OBJECTS];
    struct registry registry;
    struct port ports[PORTS];
    struct batch_port batch_ports[PORTS];
    uint32_t next_id;
};

void world_begin(struct world *w, uint64_t seed);
void world_end(struct world *w);

// Something happens that no call of the capture has caused.
void world_live(struct world *w);

void world_add_object(struct world *w, enum kind kind, int index);
void world_delete_object(struct world *w, enum kind kind, int index);
// A Get registered again: tells the state if the client's number is not the current one.
void world_tell_again(struct port *port, const struct watch *watch, const struct object *o,
                      uint32_t sequence);
// The bit *_STATE of CLUSTER_CHANGE for a kind; *_DELETED, *_ADDED and *_PROPERTY follow it.
uint32_t world_state_bit(enum kind kind);
// The CLUSTER_OBJECT_TYPE of a kind.
uint32_t world_object_type(enum kind kind);

// ---- registry (registry.c) ----------------------------------------------------------------------

void value_name(int index, char name[16]); // the first is the key's unnamed value
int key_find(const struct registry *r, int from, const char *path); // -1: there is none
bool key_is_below(const struct registry *r, int key, int top);      // or the same
const char *key_relative(const struct registry *r, int key, int top);
int key_make(struct registry *r, int parent, const char *path, bool *made); // -1: no room
void key_delete(struct registry *r, int key);
bool key_has_children(const struct registry *r, int key);
void value_draw(struct lot *lot, struct value *value);

enum registry_change { CHANGED_KEY, CHANGED_VALUE };
void world_tell_registry(struct world *w, enum registry_change change, int key, int value);

// A drawn batch for a key: an array of commands.
json_t *batch_draw(struct world *w, int key);
// Executes it: 0, with every port told; or a status, with *failed the number of the command.
uint32_t batch_execute(struct world *w, int key, const json_t *commands, int *failed);

#endif
