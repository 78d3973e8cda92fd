// SPDX-License-Identifier: Apache-2.0
// Calls: fragments joined, answers matched.
#include <stdlib.h>

#include "assoc/state.h"
#include "util/buffer.h"

// ---- the list of outstanding calls --------------------------------------------------------------

static struct call *find_call(const struct assoc *a, uint32_t call_id, size_t *index) {
    for (size_t i = a->call_count; i-- > 0;) {
        if (a->calls[i]->shown.call_id == call_id) {
            *index = i;
            return a->calls[i];
        }
    }
    return NULL;
}

void assoc_free_call(struct assoc *a, struct call *call) {
    a->memory->used -= sizeof *call;
    assoc_release(a, &call->request.stub);
    assoc_release(a, &call->response.stub);
    free(call);
}

static void remove_call(struct assoc *a, size_t index) {
    assoc_free_call(a, a->calls[index]);
    a->call_count--;
    memmove(a->calls + index, a->calls + index + 1, (a->call_count - index) * sizeof *a->calls);
}

static struct assoc_part shown_part(const struct part *part) {
    struct assoc_part shown = part->shown;
    if (shown.fragments == 0) {
        shown.state = ASSOC_ABSENT;
    } else if (part->large) {
        shown.state = ASSOC_TOO_LARGE;
    } else if (!part->last) {
        shown.state = ASSOC_PARTIAL;
    } else if (part->lost) {
        shown.state = ASSOC_LOST;
    } else if (part->sealed) {
        shown.state = ASSOC_SEALED;
    } else {
        shown.state = ASSOC_WHOLE;
        if (part->stub.size > 0) {
            shown.stub = (cmrp_view){part->stub.data, part->stub.size};
        }
    }
    if (shown.state != ASSOC_WHOLE) {
        shown.stub = (cmrp_view){NULL, 0};
    }
    return shown;
}

void assoc_report_call(struct assoc *a, const struct call *call) {
    struct assoc_call shown = call->shown;
    if (!call->request.last) {
        a->answered_early = true;
        a->early_call_id = call->shown.call_id;
    }
    if (call->ignored || call->open) {
        return;
    }
    shown.request = shown_part(&call->request);
    shown.response = shown_part(&call->response);
    if (call->mapper) {
        if (a->events.mapper != NULL) {
            a->events.mapper(a->events.context, &shown);
        }
    } else if (a->events.call != NULL) {
        a->events.call(a->events.context, &shown);
    }
}

// A call is complete and, but for those that are held back, done with.
static void complete(struct assoc *a, size_t index, const struct assoc_stamp *stamp) {
    struct call *call = a->calls[index];
    if (!call->open) {
        assoc_report_call(a, call);
        remove_call(a, index);
        return;
    }
    if (!call->request.last) {
        a->answered_early = true;
        a->early_call_id = call->shown.call_id;
    }
    call->shown.request = shown_part(&call->request);
    call->shown.response = shown_part(&call->response);
    a->call_count--;
    memmove(a->calls + index, a->calls + index + 1, (a->call_count - index) * sizeof *a->calls);
    assoc_hold(a, call, stamp);
}

// ---- calls given up -----------------------------------------------------------------------------

// Whether an answer belongs to a call that was given up; `done`: no more of it is to come.
static bool is_late(struct assoc *a, uint32_t call_id, bool done) {
    for (size_t i = a->late.size; i > 0; i -= sizeof call_id) {
        uint8_t *at = a->late.data + i - sizeof call_id;
        if (memcmp(at, &call_id, sizeof call_id) == 0) {
            if (done) {
                memmove(at, at + sizeof call_id, a->late.size - i);
                a->late.size -= sizeof call_id;
            }
            return true;
        }
    }
    return false;
}

// Its answer, should it come, is no call of its own.
static void expect_late(struct assoc *a, uint32_t call_id) {
    if (is_late(a, call_id, false)) {
        return;
    }
    if (a->late.size == LATE_IDS * sizeof call_id) {
        a->late.size -= sizeof call_id;
        memmove(a->late.data, a->late.data + sizeof call_id, a->late.size);
    }
    if (a->late.size == a->late.capacity &&
        !assoc_reserve(a, &a->late, 2 * a->late.capacity + 16 * sizeof call_id)) {
        return; // it will look like a call without its request
    }
    memcpy(a->late.data + a->late.size, &call_id, sizeof call_id);
    a->late.size += sizeof call_id;
}

bool assoc_evict(struct assoc *a) {
    if (assoc_open_evict(a)) {
        return true;
    }
    if (a->call_count == 0) {
        return false;
    }
    struct call *call = a->calls[0];
    const uint32_t call_id = call->shown.call_id;
    call->shown.given_up = true;
    assoc_report_call(a, call);
    remove_call(a, 0);
    expect_late(a, call_id);
    return true;
}

static struct call *add_call(struct assoc *a, const cmrp_pdu *pdu,
                             const struct assoc_stamp *stamp) {
    while (!assoc_affords(a, sizeof(struct call)) && assoc_evict(a)) {
        assoc_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
    }
    if (a->call_count >= a->limits.calls) {
        assoc_say_once(a, ASSOC_NOTE_CALL_LIMIT, stamp,
                       "more than %u calls are outstanding: the oldest is given up",
                       a->limits.calls);
        (void)assoc_evict(a);
    }
    if (a->call_count == a->call_capacity) {
        a->call_capacity = a->call_capacity > 0 ? 2 * a->call_capacity : 4;
        a->calls = util_grow(a->calls, a->call_capacity, sizeof(struct call *));
    }
    struct call *call = util_alloc(sizeof *call);
    a->memory->used += sizeof *call;
    call->shown.call_id = pdu->header.call_id;
    call->shown.context_id = pdu->context_id;
    call->shown.group = a->group;
    a->calls[a->call_count++] = call;
    return call;
}

void assoc_calls_close(struct assoc *a) {
    while (a->call_count > 0) {
        assoc_report_call(a, a->calls[0]);
        remove_call(a, 0);
    }
}

static void belongs(struct assoc *a, struct call *call, const struct context *context) {
    call->mapper = context->mapper;
    call->shown.basis = context->basis;
    call->shown.interface = context->interface;
    call->shown.transfer = context->transfer;
    if (context->ours) {
        a->counts.calls++;
    } else {
        a->counts.other_calls++;
    }
}

void assoc_adopt_calls(struct assoc *a, const struct context *context) {
    for (size_t i = 0; i < a->call_count; i++) {
        struct call *call = a->calls[i];
        if (call->open && call->shown.context_id == context->id) {
            call->open = false;
            a->counts.unbound_calls -= a->counts.unbound_calls > 0;
            belongs(a, call, context);
        }
    }
}

void assoc_calls_free(struct assoc *a) {
    for (size_t i = 0; i < a->call_count; i++) {
        assoc_free_call(a, a->calls[i]);
    }
    free(a->calls);
    a->calls = NULL;
    a->call_count = 0;
    a->call_capacity = 0;
}

void assoc_calls_gap(struct assoc *a, int direction) {
    for (size_t i = 0; i < a->call_count; i++) {
        struct part *part = direction == a->client ? &a->calls[i]->request : &a->calls[i]->response;
        if (part->shown.fragments > 0 && !part->last) {
            part->lost = true;
            assoc_release(a, &part->stub);
        }
    }
}

// ---- joining ------------------------------------------------------------------------------------

// Makes room for `more` octets of a part of `call`, at the cost of older calls.
static bool make_room(struct assoc *a, const struct call *call, struct part *part, size_t more) {
    const size_t size = part->stub.size + more;
    const size_t doubled = 2 * part->stub.capacity;
    const size_t wanted = size > doubled || doubled > a->limits.stub ? size : doubled;
    while (!assoc_reserve(a, &part->stub, wanted)) {
        if (a->calls[0] == call) {
            return false;
        }
        (void)assoc_evict(a);
    }
    return true;
}

static void give_up_part(struct assoc *a, struct part *part) {
    part->large = true;
    assoc_release(a, &part->stub);
}

// Notes a fragment; `last` as its flags say.
static void count_fragment(struct part *part, const struct fragment *f) {
    const unsigned flags = f->pdu->header.flags;
    if (part->shown.fragments == 0) {
        part->shown.order = f->pdu->header.order;
        memcpy(part->shown.drep, f->pdu->header.drep, sizeof part->shown.drep);
        part->shown.auth_type = f->pdu->auth_type;
        part->shown.auth_level = f->pdu->auth_level;
        part->lost = (flags & CMRP_PFC_FIRST_FRAG) == 0;
    }
    part->shown.fragments++;
    part->shown.octets += f->plain.size;
    part->shown.stamp = *f->stamp;
    part->sealed = part->sealed || f->sealed;
    part->lost = part->lost || f->cut;
    part->last = (flags & CMRP_PFC_LAST_FRAG) != 0;
}

static void join(struct assoc *a, struct call *call, struct part *part, const struct fragment *f) {
    part->shown.last_at = part->stub.size;
    count_fragment(part, f);
    if (part->sealed || part->lost || part->large) {
        assoc_release(a, &part->stub);
        return;
    }
    if (f->plain.size > a->limits.stub - part->stub.size) {
        assoc_say(a, ASSOC_NOTE_STUB_LIMIT, f->stamp,
                  "call %u: a stub of more than %zu octets is not read", call->shown.call_id,
                  a->limits.stub);
        give_up_part(a, part);
    } else if (f->plain.size > 0 && !make_room(a, call, part, f->plain.size)) {
        assoc_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, f->stamp, ASSOC_MEMORY_TEXT);
        give_up_part(a, part);
    } else if (f->plain.size > 0) {
        memcpy(part->stub.data + part->stub.size, f->plain.data, f->plain.size);
        part->stub.size += f->plain.size;
    }
}

static void stray(struct assoc *a, const struct fragment *f) {
    if (a->answered_early && a->early_call_id == f->pdu->header.call_id) {
        return; // the rest of a request that was answered before its end
    }
    assoc_say_once(a, ASSOC_NOTE_STRAY_FRAGMENT, f->stamp,
                   "a fragment of a %s continues nothing (call %u)",
                   cmrp_ptype_name(f->pdu->header.ptype), f->pdu->header.call_id);
}

// ---- requests -----------------------------------------------------------------------------------

// The first fragment of a request. Returns its call, or NULL where nobody is interested in it.
static struct call *start_request(struct assoc *a, const struct fragment *f) {
    const cmrp_pdu *pdu = f->pdu;
    const uint32_t call_id = pdu->header.call_id;
    const struct context *context = assoc_context(a, pdu->context_id, f->stamp);
    size_t index;
    (void)is_late(a, call_id, true); // the identifier is in use again
    if (context != NULL && !context->ours && !context->mapper) {
        a->counts.other_calls++;
        return NULL;
    }
    const bool open = context == NULL && !a->bound;
    if (open) {
        a->counts.unbound_calls++;
        if (assoc_open_context(a, pdu->context_id) == NULL) {
            return NULL;
        }
    }
    if (find_call(a, call_id, &index) != NULL) {
        assoc_say(a, ASSOC_NOTE_CALL_ID_REUSED, f->stamp,
                  "call identifier %u is used again before its answer", call_id);
        assoc_report_call(a, a->calls[index]);
        remove_call(a, index);
    }
    struct call *call = add_call(a, pdu, f->stamp);
    call->shown.opnum = pdu->opnum;
    call->shown.has_object = pdu->has_object;
    call->shown.object = pdu->object;
    call->open = open;
    if (open) {
        return call;
    }
    if (context == NULL) {
        assoc_say(a, ASSOC_NOTE_UNKNOWN_CONTEXT, f->stamp,
                  "call %u (opnum %u) uses presentation context %u, which was not accepted",
                  call_id, pdu->opnum, pdu->context_id);
        call->ignored = true;
        return call;
    }
    belongs(a, call, context);
    return call;
}

void assoc_request(struct assoc *a, const struct fragment *f) {
    size_t index;
    struct call *call;
    if ((f->pdu->header.flags & CMRP_PFC_FIRST_FRAG) != 0) {
        call = start_request(a, f);
        if (call == NULL) {
            return;
        }
    } else {
        call = find_call(a, f->pdu->header.call_id, &index);
        if (call == NULL || call->request.last || call->request.shown.fragments == 0) {
            const struct context *context = assoc_context(a, f->pdu->context_id, f->stamp);
            if (context != NULL && context->ours) {
                stray(a, f);
            }
            return;
        }
    }
    if (call->ignored) {
        return;
    }
    join(a, call, &call->request, f);
    if (call->request.last && !call->mapper && !call->open && a->events.request != NULL) {
        struct assoc_call shown = call->shown;
        shown.request = shown_part(&call->request);
        a->events.request(a->events.context, &shown);
    }
}

void assoc_cancel(struct assoc *a, const cmrp_pdu *pdu, const struct assoc_stamp *stamp) {
    size_t index;
    struct call *call = find_call(a, pdu->header.call_id, &index);
    const bool orphaned = pdu->header.ptype == CMRP_PTYPE_ORPHANED;
    assoc_say(a, orphaned ? ASSOC_NOTE_ORPHANED : ASSOC_NOTE_CANCEL, stamp,
              orphaned ? "the client gives up call %u%s" : "the client cancels call %u%s",
              pdu->header.call_id, call == NULL ? ", which is not outstanding" : "");
    if (call != NULL) {
        call->shown.orphaned = call->shown.orphaned || orphaned;
        call->shown.cancelled = call->shown.cancelled || !orphaned;
    }
}

// ---- answers ------------------------------------------------------------------------------------

// The call that an answer belongs to; one without a request where that was not seen. NULL where
// nobody is interested in it.
static struct call *answered_call(struct assoc *a, const struct fragment *f, size_t *index) {
    struct call *call = find_call(a, f->pdu->header.call_id, index);
    if (call != NULL) {
        return call;
    }
    const bool done = f->pdu->header.ptype == CMRP_PTYPE_FAULT ||
                      (f->pdu->header.flags & CMRP_PFC_LAST_FRAG) != 0;
    if (is_late(a, f->pdu->header.call_id, done)) {
        return NULL;
    }
    const struct context *context = assoc_context(a, f->pdu->context_id, f->stamp);
    if (context == NULL || !context->ours) {
        return NULL;
    }
    call = add_call(a, f->pdu, f->stamp);
    *index = a->call_count - 1;
    call->shown.basis = context->basis;
    call->shown.interface = context->interface;
    call->shown.transfer = context->transfer;
    return call;
}

void assoc_response(struct assoc *a, const struct fragment *f) {
    const unsigned flags = f->pdu->header.flags;
    const bool first = (flags & CMRP_PFC_FIRST_FRAG) != 0;
    const bool last = (flags & CMRP_PFC_LAST_FRAG) != 0;
    size_t index;
    struct call *call = answered_call(a, f, &index);
    if (call == NULL) {
        return;
    }
    struct part *part = &call->response;
    if (first && part->shown.fragments > 0) {
        assoc_release(a, &part->stub);
        *part = (struct part){0};
        stray(a, f);
    }
    if (first && last && !f->sealed && !f->cut && !call->open && f->plain.size <= a->limits.stub) {
        // Whole: shown in place.
        count_fragment(part, f);
        part->shown.stub = f->plain;
    } else if (!call->ignored) {
        join(a, call, part, f);
    }
    if (last) {
        (void)find_call(a, f->pdu->header.call_id, &index); // older calls may have made room
        complete(a, index, f->stamp);
    }
}

void assoc_fault(struct assoc *a, const struct fragment *f) {
    size_t index;
    if (find_call(a, f->pdu->header.call_id, &index) == NULL &&
        assoc_answer(a, f->pdu, f->raw, f->stamp)) {
        return; // an alter_context that was answered by a fault
    }
    struct call *call = answered_call(a, f, &index);
    if (call == NULL) {
        return;
    }
    call->shown.faulted = true;
    call->shown.fault = f->pdu->status;
    call->shown.did_not_execute = (f->pdu->header.flags & CMRP_PFC_DID_NOT_EXECUTE) != 0;
    count_fragment(&call->response, f);
    call->response.lost = true; // its stub is no response
    complete(a, index, f->stamp);
}
