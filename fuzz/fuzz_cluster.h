// SPDX-License-Identifier: Apache-2.0
// What the files of fuzz_cluster share: a plain model of the cluster, which says what each call of
// an honest client must be answered, and the clients, honest and other.
#ifndef FUZZ_CLUSTER_H
#define FUZZ_CLUSTER_H

#include "fuzz_rules_talk.h"
#include "fuzz_support.h"
#include "service/service.h"
#include "util/text.h"

#define PROPERTY "cluster"

enum {
    LINKS = 4,        // of honest clients
    OTHERS = 2,       // connections of a client that may say anything
    ASSOCIATIONS = 2, // of honest clients
    WAITING = 12,     // calls of one connection that wait
    FILTERS = 6,      // of one port: the server's limit, too
    MAX_HANDLES = 40, // of one association group: the server's limit, too
    STEPS = 1500,     // an input is cut there
    NONE = -1,
};

// ---- registry (fuzz_cluster_registry.c) ---------------------------------------------------------

struct plain_value {
    struct plain_value *next;
    char *name;
    uint32_t type;
    struct buffer data;
};

struct plain_key { // an index means one key for ever, also when it is deleted
    bool there;
    int parent;
    char *name;
    struct plain_value *values;
};

struct plain_registry { // keys[0] is the root
    struct plain_key *keys;
    int count;
};

// Something that happened, as ports tell it. Registry: key is not NONE, and name is a value's.
struct event {
    uint32_t change;
    uint32_t type;
    uint64_t flag;
    int key;
    int subject, target; // objects: of version 1, of version 2
    uint32_t sequence;
    const char *name, *id, *parent, *kind, *payload; // in events: of its own
};

struct events {
    struct event *at;
    size_t count;
};

void events_add(struct events *events, const struct event *event); // copies the texts
void events_clear(struct events *events);

// Those that change take NULL for events when nobody is to be told.
struct plain_registry registry_copy(const struct plain_registry *registry);
void registry_free(struct plain_registry *registry);
bool path_good(const char *path);
int key_find(const struct plain_registry *r, int from, const char *path); // NONE
bool key_below(const struct plain_registry *r, int key, int top);         // or the same
void key_path(const struct plain_registry *r, int key, int from, struct buffer *out);
bool key_has_children(const struct plain_registry *r, int key);
int key_make(struct plain_registry *r, int from, const char *path, bool *made,
             struct events *events);
void key_delete(struct plain_registry *r, int key, struct events *events); // with all below
struct plain_value *value_find(const struct plain_registry *r, int key, const char *name);
void value_set(struct plain_registry *r, int key, const char *name, uint32_t type, cmrp_view data,
               struct events *events);
bool value_delete(struct plain_registry *r, int key, const char *name, struct events *events);
// The registry has what the model has, and nothing else.
void registry_compare(const struct plain_registry *r, struct cluster *cluster, const char *when);
void registry_load(struct plain_registry *r, struct cluster *cluster); // what it begins with

// ---- batches (fuzz_cluster_batch.c) -------------------------------------------------------------

struct batch_result {
    uint32_t status;
    uint32_t failed;      // number of the command
    struct buffer mirror; // empty: ports get nothing
    bool *touched;        // by key of the registry after it
};
// Executes on *r, which is left half changed when it fails.
void batch_execute(struct plain_registry *r, int key, cmrp_view batch, struct batch_result *result,
                   struct events *events);
void batch_draw(struct draws *draws, struct buffer *out);

// ---- objects (fuzz_cluster_object.c) ------------------------------------------------------------

struct world;

struct object {
    bool deleted;
    bool resource; // else a group
    char *name, *id;
    uint32_t state, sequence;
    bool online, restart;
    int group;             // of a resource
    bool touched, created; // in this change
    bool was_online;       // before it
};

void objects_load(struct world *w);
void objects_free(struct world *w);
int object_find(const struct world *w, bool resource, const char *name); // or its identifier
uint32_t group_create(struct world *w, const char *name, int *made);
uint32_t resource_create(struct world *w, int group, const char *name, const char *type, int *made);
uint32_t object_delete(struct world *w, int object, bool force);
uint32_t object_online(struct world *w, int object, bool online);
uint32_t resource_fail(struct world *w, int resource);

// ---- ports (fuzz_cluster_port.c) ----------------------------------------------------------------

struct filter {
    uint32_t key;    // the client's
    uint32_t change; // version 1
    uint32_t type;   // version 2
    uint64_t flags;
    int hkey;   // of the registry; NONE
    int object; // NONE
    bool all;   // of all objects
    bool subtree;
    bool lost; // asks for the mark
};

struct entry {
    uint32_t key, change, sequence;
    char *name; // batch ports: hex
    char *row;  // version 2
};

struct call;

struct box { // a port of either version, or (0) a batch port
    bool open;
    unsigned version;
    int hkey; // of a batch port
    struct filter filters[FILTERS];
    size_t filter_count;
    struct entry *entries;
    size_t count;
    bool dropping;
    struct call *waiting[LINKS * WAITING];
    size_t waiting_count;
};

void box_queue(struct world *w, struct box *box, const struct filter *f, const struct event *e);
void box_get(struct world *w, struct box *box, struct call *call);
void box_release(struct box *box, uint32_t status); // all that wait
void box_leave(struct call *call);
void box_close(struct box *box);
void ports_tell(struct world *w); // what is in w->events, then serves those who wait
void batch_ports_tell(struct world *w, const struct batch_result *result);

// ---- clients (fuzz_cluster_link.c, fuzz_cluster_call.c)
// --------------------------------------------------------------

struct handle {
    uint8_t octets[CMRP_HANDLE_SIZE];
    enum service_kind kind;
    int index;        // of the key, object or box
    unsigned holder;  // association
    unsigned version; // of ports
    bool open;
};

struct association {
    unsigned number; // 0: there is none
    uint32_t group;  // as the server says
    unsigned links, handles;
};

// What a client asks, and how the parameters are called: a row of fuzz_cluster_call.c.
struct form {
    uint16_t opnum;
    const char *handle; // the first handle; NULL: none
    uint8_t kind;
    const char *second;
    uint8_t second_kind;
    const char *text, *text2, *data;
    const char *numbers[3];
    const char *outs[4]; // what is compared of the answer, beside the status
    bool closes;
};

struct ask {
    int handle, second; // in w->handles; NONE: NULL handles
    const char *text, *text2;
    uint64_t numbers[3];
    struct buffer data;
    uint32_t type;  // filter of version 2
    uint64_t flags; //
};

struct call {
    struct link *link;
    struct call *next;
    const struct form *form;
    const cmrp_method *method;
    struct ask ask;
    uint32_t id;
    bool sent, cancelled, answered;
    struct buffer stub, answer;
    struct buffer found; // the answer as a text
    bool expected;
    struct buffer wanted; // what it must be
    struct box *box;      // waits there
    struct handle made;   // of what is opened; kind SERVICE_KINDS: nothing
};

struct link {
    struct world *world;
    struct rpc_connection *connection; // NULL: there is none
    struct association *association;   // NULL: not an honest one
    struct call *calls;
    struct buffer received;
    cmrp_syntax syntax;
    cmrp_order order;
    uint32_t next_call, group;
    bool bound;
    bool keeps;         // that an orphaned call leaves the connection open was agreed on
    bool gives, closed; // gives: the server has reason to give it up
    bool slow;          // takes nothing from its connection
    size_t waiting;     // octets that it has not taken
    size_t blocked;     // calls
    uint8_t handles[4][CMRP_HANDLE_SIZE]; // of one that is not honest: what it has heard of
    uint32_t heard;
};

struct world {
    struct draws draws;
    struct cluster *cluster;
    struct service *service;
    const struct rpc_interface *interfaces[2];
    struct rpc_server *server;
    uint64_t now, lot;
    bool other_speaks;
    uint32_t queue_limit, batch_limit;
    struct link links[LINKS];
    struct link others[OTHERS];
    struct association associations[ASSOCIATIONS];
    unsigned next_association;
    struct handle *handles;
    int handle_count;
    struct box **boxes;
    int box_count;
    struct plain_registry registry;
    struct object *objects;
    int object_count;
    int *journal; // objects of this change
    int journal_count;
    bool nonvolatile;
    struct events events; // of this call
    struct buffer last;   // octets that an honest client has sent last
    uint64_t succeeded, failed;
    bool deep;         // a call is on its way while another client is heard,
    struct link *busy; // that of this one
    bool stopping;     // the server has been told to end
};

void world_begin(struct world *w, const uint8_t *data, size_t size);
void world_end(struct world *w);

bool link_connect(struct link *link, const char *client, uint32_t group);
void link_disconnect(struct link *link);
// Octets of a PDU, or of all that make a request; `piece` octets of stub in each fragment.
void pdu_put(struct link *link, cmrp_pdu *pdu, struct buffer *out);
void request_put(struct link *link, uint32_t id, uint16_t opnum, cmrp_view stub, size_t piece,
                 struct buffer *out);
void link_hear(struct link *link, const uint8_t *octets, size_t size); // by the server
const struct form *form_of(uint16_t opnum);
struct call *call_begin(struct link *link, uint16_t opnum, const struct ask *ask);
void call_end(struct call *call);
void call_take(struct call *call, cmrp_order order); // the response has come
// That calls which the model says are answered are, with that, and no others.
void calls_check(struct world *w);
// The model's word on a call: its status, and what is to be compared; NULL: all of it is empty.
void call_wants(struct call *call, uint32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void call_wants_fault(struct call *call, uint32_t fault);
void call_makes(struct call *call, enum service_kind kind, int index, unsigned version);
void append_text(struct buffer *out, cmrp_view units, cmrp_order order);
void append_hex(struct buffer *out, cmrp_view octets);

// ---- what is said (fuzz_cluster_talk.c, _other.c, _model.c)
// -----------------------------------------------

void call_model(struct world *w, struct call *call); // what it does, and its answer
void talk_step(struct world *w);
uint16_t talk_method(uint32_t number); // that honest clients call
void other_speaks(struct world *w);
void other_ends(struct link *link);
void talk_end(struct world *w); // all that there is to be told is told

#endif
