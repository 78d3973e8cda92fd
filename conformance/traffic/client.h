// SPDX-License-Identifier: Apache-2.0
// Clients, their context handles and the calls in flight. A call is asked (the request is sent),
// executed by the server at some later moment, and told (the response is sent) later still.
#ifndef TRAFFIC_CLIENT_H
#define TRAFFIC_CLIENT_H

#include "traffic/talk.h"
#include "traffic/world.h"

enum { CLIENTS = 6, LINES = 3, HANDLES = 40, CALLS = 48 };

struct handle {
    bool known;   // to the server
    bool open;    // to the client
    bool closing; // the client will not use it any more but to close it
    unsigned meaning;
    char hex[2 * CMRP_HANDLE_SIZE + 1];
    enum kind kind; // of an object
    int index;      // of the object, key, port or batch port
    uint32_t life;
    bool unblocked;   // a port: ApiUnblockGetNotifyCall was answered
    uint32_t watches; // a port: registrations that were answered
    bool retrieved;   // a port: an indication was asked for
};

struct client {
    uint32_t number; // of its address
    uint32_t group;  // association; 0: none, the client is not there
    struct line lines[LINES];
    struct handle handles[HANDLES];
};

struct play;

struct call {
    const struct action *action; // NULL: not in use
    struct client *client;
    struct line *line;
    uint32_t id;
    struct handle *handle; // that it is about; NULL: none
    struct handle *second; // that it is about, too
    struct handle *made;   // that it has made
    json_t *request;
    json_t *response; // NULL: not executed so far
    uint32_t fault;   // that it ends with, in place of the response; 0: none
    bool succeeded;
    struct watch watch; // that it registers
    uint32_t sequence;  // that it registers again with
};

struct action {
    uint32_t opnum;
    unsigned weight; // how often it is chosen
    // Chooses handles and makes the request; false: not now.
    bool (*ask)(struct play *p, struct call *c);
    // Makes the response; false: it has to wait.
    bool (*execute)(struct play *p, struct call *c);
    // What the client makes of the response; may be NULL.
    void (*told)(struct play *p, struct call *c);
};

// A handle that no call uses any more may be forgotten.
struct play {
    struct world world;
    struct buffer out;
    struct wire wire;
    struct client clients[CLIENTS];
    struct call calls[CALLS];
    uint32_t next_group;
    uint32_t next_handle;
    uint16_t next_port;
    bool closed; // nothing changes but by the calls of these clients
    bool old;    // the server lacks the methods that came later
    bool calm;   // most calls are answered before the next one is asked
};

extern const struct action actions[];
extern const size_t action_count;

// ---- what actions are made of (client.c) --------------------------------------------------------

// A handle of this meaning that the client may use, or NULL.
struct handle *handle_pick(struct play *p, struct client *c, unsigned meaning);
// Makes one; NULL: the client has too many.
struct handle *handle_make(struct play *p, struct call *c, unsigned meaning);
// How many calls that are not answered use a handle.
int handle_uses(const struct play *p, const struct handle *h);
// The server forgets a handle: ports are freed, calls that wait at it are ended.
void handle_close(struct play *p, struct handle *h);
extern const char null_handle[2 * CMRP_HANDLE_SIZE + 1];

// The object or key behind a handle; NULL where it is gone.
struct object *handle_object(struct play *p, const struct handle *h);
struct key *handle_key(struct play *p, const struct handle *h);
struct port *handle_port(struct play *p, const struct handle *h);

// ---- the play -----------------------------------------------------------------------------------

void play_begin(struct play *p, uint64_t seed);
// Something happens: a call is asked, executed or told, the world changes, a client comes or goes.
void play_step(struct play *p);
// Everybody finishes.
void play_end(struct play *p);

#endif
