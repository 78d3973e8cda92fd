// SPDX-License-Identifier: Apache-2.0
// Calls under way.
//
// Calls are judged when they are answered, and answers overtake each other: what a call has done
// may show in the answer to another one before its own answer is seen.
#include <string.h>

#include "rules/state.h"

enum { FLIGHTS = 4096 }; // of one association; with more it is blind

static unsigned traits_of(const struct rules *r, uint16_t opnum) {
    return opnum < METHODS ? r->traits[opnum] : 0;
}

static bool is_model(const struct rules *r, uint16_t opnum) {
    return r->limits.complete && model_matters(opnum);
}

// Methods that fill, empty or unblock ports. The first parameter of each is a context handle.
static bool works_ports(uint16_t opnum) {
    enum { UNBLOCK = 107, EXECUTE_BATCH = 113, GET_BATCH_NOTIFICATION = 115 };
    return notify_gets(opnum) || opnum == UNBLOCK || opnum == EXECUTE_BATCH ||
           opnum == GET_BATCH_NOTIFICATION;
}

static bool is_kept(const struct rules *r, uint16_t opnum) {
    return traits_of(r, opnum) != 0 || works_ports(opnum) || is_model(r, opnum);
}

static struct flight *take(struct rules *r) {
    struct flight *f = r->spare;
    if (f == NULL) {
        return util_alloc(sizeof *f);
    }
    r->spare = f->next;
    memset(f, 0, sizeof *f);
    return f;
}

void flight_start(const struct sight *s, const struct assoc_call *call) {
    struct rules_connection *c = s->connection;
    if (call->request.state == ASSOC_ABSENT || !is_kept(s->rules, call->opnum)) {
        return;
    }
    if (c->group->flight_count >= FLIGHTS) {
        rules_blind_group(c->group);
        return;
    }
    struct flight *f = take(s->rules);
    f->connection = c;
    f->call_id = call->call_id;
    f->opnum = call->opnum;
    f->traits = traits_of(s->rules, call->opnum);
    f->frame = call->request.stamp.frame;
    if (call->request.state == ASSOC_WHOLE) {
        cmrp_error error = {0};
        cmrp_ndr_reader reader = {.order = call->request.order};
        cmrp_reader_init(&reader.bytes, call->request.stub, 0, &error, "MS-CMRP 2.2.1");
        f->known = cmrp_ndr_take_handle(&reader, "handle", f->handle);
    }
    notify_on_request(s, f);
    if (is_model(s->rules, call->opnum)) {
        model_on_request(s, call, f);
    }
    c->group->flight_count++;
    c->group->opening += (f->traits & TRAIT_OPENS) != 0;
    c->group->adding += (f->traits & TRAIT_ADDS) != 0;
    f->next = c->group->flights;
    if (f->next != NULL) {
        f->next->prev = f;
    }
    c->group->flights = f;
}

struct flight *flight_of(const struct rules *r, const struct rules_connection *c,
                         const struct assoc_call *call) {
    struct flight *f = is_kept(r, call->opnum) ? c->group->flights : NULL;
    while (f != NULL && (f->frame != call->request.stamp.frame || f->call_id != call->call_id ||
                         f->connection != c || f->opnum != call->opnum)) {
        f = f->next;
    }
    return f;
}

void flight_end(struct rules *r, struct rules_group *group, struct flight *flight) {
    if (flight == NULL) {
        return;
    }
    *(flight->prev != NULL ? &flight->prev->next : &group->flights) = flight->next;
    if (flight->next != NULL) {
        flight->next->prev = flight->prev;
    }
    group->flight_count--;
    group->opening -= (flight->traits & TRAIT_OPENS) != 0;
    group->adding -= (flight->traits & TRAIT_ADDS) != 0;
    model_flight_end(flight);
    flight->next = r->spare;
    r->spare = flight;
}

void flight_forget(struct rules *r, struct rules_group *group) {
    while (group->flights != NULL) {
        flight_end(r, group, group->flights);
    }
}

void flight_free(struct rules *r) {
    while (r->spare != NULL) {
        struct flight *f = r->spare;
        r->spare = f->next;
        free(f);
    }
}

// Whether f is on the handle, if no better is known.
static enum flight_sort sort_of(const struct flight *f, const uint8_t handle[CMRP_HANDLE_SIZE],
                                enum flight_sort known) {
    if (!f->known) {
        return known == FLIGHT_NONE ? FLIGHT_UNKNOWN : known;
    }
    return memcmp(f->handle, handle, sizeof f->handle) == 0 ? FLIGHT_SURE : known;
}

enum flight_sort flight_on(const struct sight *s, uint16_t opnum,
                           const uint8_t handle[CMRP_HANDLE_SIZE]) {
    enum flight_sort sort = FLIGHT_NONE;
    for (const struct flight *f = s->connection->group->flights; f != NULL; f = f->next) {
        if (f != s->flight && f->opnum == opnum) {
            sort = sort_of(f, handle, sort);
        }
    }
    return sort;
}

enum flight_sort flight_closing(const struct sight *s, const uint8_t handle[CMRP_HANDLE_SIZE]) {
    enum flight_sort sort = FLIGHT_NONE;
    for (const struct flight *f = s->connection->group->flights; f != NULL; f = f->next) {
        if (f != s->flight && (f->traits & TRAIT_CLOSES) != 0) {
            sort = sort_of(f, handle, sort);
        }
    }
    return sort;
}
