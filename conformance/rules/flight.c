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
    return opnum == 1 || opnum == 37 || opnum == 44 || opnum == 67 || opnum == 82 || opnum == 93 ||
           (opnum >= 56 && opnum <= 65) || opnum == 90 || opnum == 91 || opnum == 99 ||
           opnum == 100 || opnum == 107 || (opnum >= 113 && opnum <= 116) || opnum == 138 ||
           opnum == 139 || opnum == 147 || opnum == 155;
}

void flight_start(const struct sight *s, const struct assoc_call *call) {
    struct rules_connection *c = s->connection;
    const bool opens = handle_opens(call->opnum);
    if (call->request.state == ASSOC_ABSENT || (!opens && !matters(call->opnum))) {
        return;
    }
    if (c->group->flight_count >= FLIGHTS) {
        rules_blind_group(c->group);
        return;
    }
    struct flight *f = util_alloc(sizeof *f);
    f->connection = c;
    f->call_id = call->call_id;
    f->opnum = call->opnum;
    f->opens = opens;
    f->frame = call->request.stamp.frame;
    if (call->request.state == ASSOC_WHOLE) {
        cmrp_error error = {0};
        cmrp_ndr_reader reader = {.order = call->request.order};
        cmrp_reader_init(&reader.bytes, call->request.stub, 0, &error, "MS-CMRP 2.2.1");
        f->known = cmrp_ndr_take_handle(&reader, "handle", f->handle);
    }
    notify_on_request(s, f);
    c->group->flight_count++;
    f->next = c->group->flights;
    c->group->flights = f;
}

struct flight *flight_of(const struct rules_connection *c, const struct assoc_call *call) {
    struct flight *f = c->group->flights;
    while (f != NULL && (f->connection != c || f->call_id != call->call_id ||
                         f->frame != call->request.stamp.frame || f->opnum != call->opnum)) {
        f = f->next;
    }
    return f;
}

void flight_end(struct rules_group *group, struct flight *flight) {
    struct flight **at = &group->flights;
    while (*at != NULL && *at != flight) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = flight->next;
        group->flight_count--;
        free(flight);
    }
}

void flight_forget(struct rules_group *group) {
    while (group->flights != NULL) {
        flight_end(group, group->flights);
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
