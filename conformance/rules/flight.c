// SPDX-License-Identifier: Apache-2.0
// Calls under way.
//
// Calls are judged when they are answered, and answers overtake each other: what a call has done
// may show in the answer to another one before its own answer is seen.
#include <string.h>

#include "rules/state.h"

enum { FLIGHTS = 4096 }; // of one association; with more it is blind

// Methods that close a handle; that fill, empty, unblock or close a port, or change what ports
// report. The first parameter of each is a context handle.
static bool matters(uint16_t opnum) {
    switch (opnum) {
    case 1:
    case 37:
    case 44:
    case 56:
    case 57:
    case 58:
    case 59:
    case 60:
    case 61:
    case 62:
    case 63:
    case 64:
    case 65:
    case 67:
    case 82:
    case 90:
    case 91:
    case 93:
    case 99:
    case 100:
    case 107:
    case 113:
    case 114:
    case 115:
    case 116:
    case 138:
    case 139:
    case 147:
    case 155: return true;
    default: return false;
    }
}

static bool is_model(const struct rules *r, uint16_t opnum) {
    return r->limits.complete && model_matters(opnum);
}

static bool is_kept(const struct rules *r, uint16_t opnum) {
    return matters(opnum) || handle_opens(opnum) || is_model(r, opnum);
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
    f->opens = handle_opens(call->opnum);
    f->adds = notify_adds(call->opnum);
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
    c->group->opening += f->opens;
    c->group->adding += f->adds;
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
    group->opening -= flight->opens;
    group->adding -= flight->adds;
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

enum flight_sort flight_on(const struct sight *s, uint16_t opnum,
                           const uint8_t handle[CMRP_HANDLE_SIZE]) {
    enum flight_sort sort = FLIGHT_NONE;
    for (const struct flight *f = s->connection->group->flights; f != NULL; f = f->next) {
        if (f == s->flight || f->opnum != opnum) {
            continue;
        }
        if (!f->known) {
            sort = FLIGHT_UNKNOWN;
        } else if (memcmp(f->handle, handle, sizeof f->handle) == 0) {
            return FLIGHT_SURE;
        }
    }
    return sort;
}
