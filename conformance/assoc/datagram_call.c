// SPDX-License-Identifier: Apache-2.0
// Connectionless calls: fragments collected, answers matched.
#include "assoc/datagram_state.h"

// ---- memory -------------------------------------------------------------------------------------

// Room for `size` octets, at the cost of conversations that were silent longer.
static bool reserve(struct dg_activity *a, struct kept *kept, size_t size,
                    const struct assoc_stamp *stamp) {
    struct assoc_datagrams *d = a->owner;
    const size_t doubled = 2 * kept->capacity;
    while (!assoc_memory_reserve(d->memory, kept, size)) {
        dg_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
        if (!dg_evict(d, a)) {
            return false;
        }
    }
    if (size < doubled && kept->capacity == size) { // many small fragments: not one by one
        (void)assoc_memory_reserve(d->memory, kept, doubled);
    }
    return true;
}

static void free_part(struct assoc_memory *memory, struct dg_part *part) {
    assoc_memory_release(memory, &part->stub);
    assoc_memory_release(memory, &part->fragments);
}

static void free_call(struct assoc_memory *memory, struct dg_call *call) {
    free_part(memory, &call->request);
    free_part(memory, &call->response);
    memory->used -= sizeof *call;
    free(call);
}

// ---- parts --------------------------------------------------------------------------------------

static struct dg_fragment *fragments_of(const struct dg_part *part) {
    return (struct dg_fragment *)(void *)part->fragments.data;
}

static size_t count_of(const struct dg_part *part) {
    return part->fragments.size / sizeof(struct dg_fragment);
}

// The place of a number among the fragments: where it is, or where it belongs.
static size_t place_of(const struct dg_part *part, uint16_t number) {
    const struct dg_fragment *fragments = fragments_of(part);
    size_t low = 0;
    size_t high = count_of(part);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (fragments[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Whether every fragment was seen, whole or not.
static bool all_seen(const struct dg_part *part) {
    return part->last_known && !part->broken && !part->many &&
           count_of(part) == (size_t)part->last + 1;
}

static bool any_cut(const struct dg_part *part) {
    const struct dg_fragment *fragments = fragments_of(part);
    for (size_t i = 0; i < count_of(part); i++) {
        if (fragments[i].cut) {
            return true;
        }
    }
    return false;
}

static enum assoc_part_state state_of(const struct dg_part *part) {
    if (count_of(part) == 0 && !part->many) {
        return ASSOC_ABSENT;
    }
    if (part->large || part->many) {
        return ASSOC_TOO_LARGE;
    }
    if (!part->last_known) {
        return ASSOC_PARTIAL;
    }
    if (!all_seen(part) || any_cut(part)) {
        return ASSOC_LOST;
    }
    return part->sealed ? ASSOC_SEALED : ASSOC_WHOLE;
}

// The fragments in order; in `joined` unless they arrived so.
static cmrp_view join(const struct dg_part *part, struct buffer *joined) {
    const struct dg_fragment *fragments = fragments_of(part);
    size_t next = 0;
    size_t i = 0;
    while (i < count_of(part) && fragments[i].at == next) {
        next += fragments[i++].size;
    }
    if (i == count_of(part)) {
        return (cmrp_view){part->stub.data, part->stub.size};
    }
    for (i = 0; i < count_of(part); i++) {
        buffer_append(joined, part->stub.data + fragments[i].at, fragments[i].size);
    }
    return buffer_view(joined);
}

static struct assoc_part shown_part(const struct dg_part *part, struct buffer *joined) {
    struct assoc_part shown = part->shown;
    shown.state = state_of(part);
    if (shown.state == ASSOC_WHOLE && part->stub.size > 0) {
        shown.stub = join(part, joined);
        shown.last_at = shown.stub.size - fragments_of(part)[count_of(part) - 1].size;
    }
    return shown;
}

// ---- the list of open calls ---------------------------------------------------------------------

static void report(struct dg_activity *a, const struct dg_call *call) {
    struct assoc_call shown = call->shown;
    struct buffer request = {0};
    struct buffer response = {0};
    if (a->owner->events.call == NULL) {
        return;
    }
    shown.request = shown_part(&call->request, &request);
    shown.response = shown_part(&call->response, &response);
    if (shown.faulted) { // what came besides is no response
        shown.response.state = ASSOC_LOST;
        shown.response.stub = (cmrp_view){NULL, 0};
    }
    a->owner->events.call(a->user, &shown);
    buffer_free(&request);
    buffer_free(&response);
}

// Forgets the number remembered longest. Only what lies below all that are still remembered counts
// as done: a number far ahead, damaged or a lie, says nothing of those that it leaps over.
static void forget_done(struct dg_activity *a) {
    uint32_t floor = a->done[0] + (a->done[0] < UINT32_MAX);
    for (size_t i = 1; i < a->done_count; i++) {
        floor = a->done[i] < floor ? a->done[i] : floor;
    }
    a->floor = floor > a->floor ? floor : a->floor;
    a->done_count--;
    memmove(a->done, a->done + 1, a->done_count * sizeof a->done[0]);
}

// A call is over. Its number is remembered, so that what was sent again does not open it again.
static void finish(struct dg_activity *a, size_t index) {
    const uint32_t seqnum = a->calls[index]->shown.call_id;
    report(a, a->calls[index]);
    free_call(a->owner->memory, a->calls[index]);
    a->call_count--;
    memmove(a->calls + index, a->calls + index + 1, (a->call_count - index) * sizeof *a->calls);
    if (a->done_count == DG_DONE) {
        forget_done(a);
    }
    a->done[a->done_count++] = seqnum;
}

void dg_calls_close(struct dg_activity *a) {
    while (a->call_count > 0) {
        finish(a, 0);
    }
}

void dg_calls_free(struct dg_activity *a) {
    for (size_t i = 0; i < a->call_count; i++) {
        free_call(a->owner->memory, a->calls[i]);
    }
    free(a->calls);
    a->calls = NULL;
    a->call_count = 0;
}

static bool is_done(const struct dg_activity *a, uint32_t seqnum) {
    for (size_t i = 0; i < a->done_count; i++) {
        if (a->done[i] == seqnum) {
            return true;
        }
    }
    return seqnum < a->floor;
}

static size_t index_of(const struct dg_activity *a, uint32_t seqnum) {
    size_t i = 0;
    while (i < a->call_count && a->calls[i]->shown.call_id != seqnum) {
        i++;
    }
    return i;
}

static struct dg_call *find_call(const struct dg_activity *a, uint32_t seqnum) {
    const size_t index = index_of(a, seqnum);
    return index < a->call_count ? a->calls[index] : NULL;
}

static struct dg_call *open_call(struct dg_activity *a, const cmrp_pdu_cl_header *h,
                                 const struct assoc_stamp *stamp) {
    struct assoc_datagrams *d = a->owner;
    if (a->call_count >= d->limits.calls) {
        dg_say_once(a, ASSOC_NOTE_CALL_LIMIT, stamp,
                    "more than %u calls are open: the oldest is given up", d->limits.calls);
        a->calls[0]->shown.given_up = true;
        finish(a, 0);
    }
    while (!assoc_memory_affords(d->memory, sizeof(struct dg_call)) && dg_evict(d, a)) {
        dg_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
    }
    if (a->call_count == a->call_capacity) {
        a->call_capacity = a->call_capacity > 0 ? 2 * a->call_capacity : 2;
        a->calls = util_grow(a->calls, a->call_capacity, sizeof(struct dg_call *));
    }
    struct dg_call *call = util_alloc(sizeof *call);
    d->memory->used += sizeof *call;
    d->counts.calls++;
    call->shown = (struct assoc_call){.connectionless = true,
                                      .call_id = h->seqnum,
                                      .activity = a->shown.activity,
                                      .opnum = h->opnum,
                                      .interface = {h->if_id, h->if_vers, h->if_vers_minor},
                                      .transfer = {cmrp_uuid_ndr20, 2, 0}};
    a->calls[a->call_count++] = call;
    return call;
}

// A request that is not overlapped ends the calls before it [MS-RPCE 3.2.3.5.4].
static void end_earlier(struct dg_activity *a, const cmrp_pdu_cl_header *h) {
    if (h->ptype != CMRP_PTYPE_CL_REQUEST || (h->flags2 & CMRP_PF2_UNRELATED) != 0) {
        return;
    }
    for (size_t i = 0; i < a->call_count;) {
        if (a->calls[i]->shown.call_id < h->seqnum) {
            finish(a, i);
        } else {
            i++;
        }
    }
}

// ---- fragments ----------------------------------------------------------------------------------

// What a header says about the end: a PDU that is no fragment is all there is.
static void note_end(struct dg_part *part, const cmrp_pdu_cl_header *h, uint32_t number) {
    const struct dg_fragment *fragments = fragments_of(part);
    const size_t count = count_of(part);
    const bool last = (h->flags1 & CMRP_PF_FRAG) == 0 || (h->flags1 & CMRP_PF_LASTFRAG) != 0;
    part->broken =
        part->broken || (part->last_known && (last ? number != part->last : number >= part->last));
    if (last) {
        part->broken = part->broken || (count > 0 && fragments[count - 1].number > number);
        part->last = number;
        part->last_known = true;
    }
}

// Keeps the octets of a new fragment, as far as they are wanted.
static void keep_octets(struct dg_activity *a, struct dg_part *part, struct dg_fragment *fragment,
                        const struct dg_seen *seen) {
    const cmrp_view stub = seen->pdu->stub;
    const size_t limit = a->owner->limits.stub;
    if (part->sealed || part->large || stub.size == 0) {
        if (part->sealed || part->large) {
            assoc_memory_release(a->owner->memory, &part->stub);
        }
        return;
    }
    if (stub.size > limit - part->stub.size) {
        dg_say(a, ASSOC_NOTE_STUB_LIMIT, seen->stamp,
               "call %u: a stub of more than %zu octets is not read", seen->pdu->header.seqnum,
               limit);
        part->large = true;
    } else if (!reserve(a, &part->stub, part->stub.size + stub.size, seen->stamp)) {
        part->large = true;
    }
    if (part->large) {
        assoc_memory_release(a->owner->memory, &part->stub);
        return;
    }
    fragment->at = part->stub.size;
    fragment->size = (uint32_t)stub.size;
    memcpy(part->stub.data + part->stub.size, stub.data, stub.size);
    part->stub.size += stub.size;
}

// A fragment that was seen before. The first one counts, unless it was cut.
static bool repeats(struct dg_activity *a, struct dg_part *part, size_t place,
                    const struct dg_seen *seen) {
    const struct dg_fragment *old = &fragments_of(part)[place];
    const cmrp_view stub = seen->pdu->stub;
    if (old->cut && !seen->cut) {
        return false;
    }
    a->owner->counts.repeated++;
    if (!seen->cut && part->stub.size > 0 &&
        (old->size != stub.size || memcmp(part->stub.data + old->at, stub.data, stub.size) != 0)) {
        dg_say_once(a, ASSOC_NOTE_CONTRADICTION, seen->stamp,
                    "call %u: fragment %u of the %s was sent again with other octets; the first "
                    "ones count",
                    seen->pdu->header.seqnum, old->number,
                    cmrp_ptype_cl_name(seen->pdu->header.ptype));
    }
    return true;
}

// Room for a new fragment at its place. NULL where there may be no more.
static struct dg_fragment *add_fragment(struct dg_activity *a, struct dg_part *part, size_t place,
                                        const struct dg_seen *seen) {
    const size_t size = part->fragments.size + sizeof(struct dg_fragment);
    if (part->many) {
        return NULL;
    }
    if (count_of(part) >= a->owner->limits.fragments ||
        !reserve(a, &part->fragments, size, seen->stamp)) {
        dg_say(a, ASSOC_NOTE_FRAGMENT_LIMIT, seen->stamp,
               "call %u: more than %u fragments, or more than there is memory for: they are not "
               "joined",
               seen->pdu->header.seqnum, a->owner->limits.fragments);
        part->many = true;
        free_part(a->owner->memory, part);
        return NULL;
    }
    struct dg_fragment *at = fragments_of(part) + place;
    memmove(at + 1, at, part->fragments.size - place * sizeof *at);
    part->fragments.size = size;
    *at = (struct dg_fragment){0};
    return at;
}

static void count_fragment(struct dg_part *part, const struct dg_seen *seen, bool lowest) {
    const cmrp_pdu_cl *pdu = seen->pdu;
    if (lowest) {
        part->shown.order = pdu->header.order;
        part->shown.auth_type = pdu->header.auth_proto;
        part->shown.auth_level = pdu->auth_level;
        memcpy(part->shown.drep, pdu->header.drep, sizeof pdu->header.drep);
    }
    part->shown.fragments++;
    part->shown.octets += pdu->stub.size;
    part->shown.stamp = *seen->stamp;
    part->sealed = part->sealed || (pdu->has_auth && pdu->auth_level == ASSOC_LEVEL_PRIVACY);
}

// Takes a fragment. Returns whether it is a new one.
static bool take_fragment(struct dg_activity *a, struct dg_part *part, const struct dg_seen *seen) {
    const cmrp_pdu_cl_header *h = &seen->pdu->header;
    const uint16_t number = (h->flags1 & CMRP_PF_FRAG) != 0 ? h->fragnum : 0;
    const size_t place = place_of(part, number);
    const bool known = place < count_of(part) && fragments_of(part)[place].number == number;
    struct dg_fragment *fragment;
    if (known && repeats(a, part, place, seen)) {
        return false;
    }
    if (known) {
        fragment = &fragments_of(part)[place];
        part->shown.fragments--;
    } else {
        fragment = add_fragment(a, part, place, seen);
    }
    if (fragment == NULL) {
        return false;
    }
    *fragment = (struct dg_fragment){.number = number, .cut = seen->cut, .at = part->stub.size};
    note_end(part, h, number);
    count_fragment(part, seen, place == 0);
    if (part->broken) {
        dg_say_once(a, ASSOC_NOTE_CONTRADICTION, seen->stamp,
                    "call %u: fragment %u of the %s contradicts the last one", h->seqnum, number,
                    cmrp_ptype_cl_name(h->ptype));
    }
    if (!seen->cut) {
        keep_octets(a, part, fragment, seen);
    }
    return place == 0;
}

// ---- PDUs ---------------------------------------------------------------------------------------

// Reports the call when everything is there that will come.
static void settle(struct dg_activity *a, uint32_t seqnum) {
    const struct dg_call *call = find_call(a, seqnum);
    if (call != NULL && all_seen(&call->request) &&
        (call->shown.faulted || call->shown.maybe || all_seen(&call->response))) {
        finish(a, index_of(a, seqnum));
    }
}

static void take_fault(struct dg_call *call, const struct dg_seen *seen) {
    struct assoc_part *shown = &call->response.shown;
    if (call->shown.faulted) {
        return;
    }
    call->shown.faulted = true;
    call->shown.did_not_execute = seen->pdu->header.ptype == CMRP_PTYPE_CL_REJECT;
    call->shown.fault = seen->pdu->status;
    shown->stamp = *seen->stamp;
}

static void take_request(struct dg_activity *a, struct dg_call *call, const struct dg_seen *seen) {
    const cmrp_pdu_cl_header *h = &seen->pdu->header;
    if (take_fragment(a, &call->request, seen)) {
        call->shown.opnum = h->opnum;
        call->shown.interface = (cmrp_syntax_id){h->if_id, h->if_vers, h->if_vers_minor};
        call->shown.has_object = !cmrp_uuid_equal(&h->object, &(cmrp_uuid){{0}});
        call->shown.object = h->object;
    }
    call->shown.idempotent = call->shown.idempotent || (h->flags1 & CMRP_PF_IDEMPOTENT) != 0;
    call->shown.maybe = call->shown.maybe || (h->flags1 & (CMRP_PF_MAYBE | CMRP_PF_BROADCAST)) != 0;
}

static void take_cancel(struct dg_activity *a, struct dg_call *call, const struct dg_seen *seen) {
    if (!call->shown.cancelled) {
        call->shown.cancelled = true;
        dg_say(a, ASSOC_NOTE_CANCEL, seen->stamp, "the client cancels call %u",
               call->shown.call_id);
    }
}

// Whether a PDU can be the first one of a call that is seen.
static bool starts_call(const cmrp_pdu_cl_header *h) {
    return h->ptype == CMRP_PTYPE_CL_REQUEST ||
           (cmrp_uuid_equal(&h->if_id, &cmrp_uuid_clusapi) &&
            (h->ptype == CMRP_PTYPE_CL_RESPONSE || h->ptype == CMRP_PTYPE_CL_FAULT ||
             h->ptype == CMRP_PTYPE_CL_REJECT));
}

void dg_call_pdu(struct dg_activity *a, const struct dg_seen *seen) {
    const cmrp_pdu_cl_header *h = &seen->pdu->header;
    struct dg_call *call = find_call(a, h->seqnum);
    if (call == NULL && is_done(a, h->seqnum)) {
        a->owner->counts.repeated += starts_call(h);
        return;
    }
    end_earlier(a, h);
    if (call == NULL && starts_call(h)) {
        call = open_call(a, h, seen->stamp);
    }
    if (call == NULL) {
        return;
    }
    switch (h->ptype) {
    case CMRP_PTYPE_CL_REQUEST: take_request(a, call, seen); break;
    case CMRP_PTYPE_CL_RESPONSE: (void)take_fragment(a, &call->response, seen); break;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: take_fault(call, seen); break;
    case CMRP_PTYPE_CL_PING: call->shown.pings++; break;
    case CMRP_PTYPE_CL_WORKING: call->shown.workings++; break;
    case CMRP_PTYPE_CL_CL_CANCEL: take_cancel(a, call, seen); break;
    default: break;
    }
    settle(a, h->seqnum);
}

bool dg_call_breach(struct dg_activity *a, uint32_t seqnum, bool from_server,
                    const cmrp_error *error, const struct assoc_stamp *stamp) {
    struct dg_call *call = find_call(a, seqnum);
    if (call == NULL || call->shown.breach_count == ASSOC_BREACHES) {
        return false;
    }
    call->shown.breaches[call->shown.breach_count++] =
        (struct assoc_breach){.frame = stamp->frame, .error = *error, .from_server = from_server};
    return true;
}
