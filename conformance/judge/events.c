// SPDX-License-Identifier: Apache-2.0
// What happened, in one line each. The first events of a capture are kept; behind them only those
// with findings and the few that came before each.
#include <string.h>

#include "judge/state.h"
#include "show/show.h"
#include "suite/grow.h"

// ---- keeping ------------------------------------------------------------------------------------

static void push(struct judge *j, const struct judge_happening *h) {
    j->happenings = grow_by_one(j->happenings, j->happening_count, sizeof *j->happenings);
    j->happenings[j->happening_count] = *h;
    j->happenings[j->happening_count++].dropped = j->dropped;
}

static void drop_oldest(struct judge *j) {
    free(j->recent[0].event.label);
    j->dropped++;
    j->recent_count--;
    memmove(j->recent, j->recent + 1, j->recent_count * sizeof *j->recent);
}

// The first half of the room is for whatever comes first, the other for what matters.
static uint64_t add(struct judge *j, struct judge_event event, bool matters) {
    const size_t room = j->limits.events;
    struct judge_happening h = {.event = event, .serial = ++j->serial};
    if (j->happening_count < room / 2) {
        push(j, &h);
        return h.serial;
    }
    if (matters && j->happening_count + j->recent_count < room) {
        for (size_t i = 0; i < j->recent_count; i++) {
            push(j, &j->recent[i]);
        }
        j->recent_count = 0;
        push(j, &h);
        return h.serial;
    }
    if (j->recent_count == JUDGE_RECENT) {
        drop_oldest(j);
    }
    j->recent[j->recent_count++] = h;
    return h.serial;
}

static char *label(struct buffer *text) {
    char *copy = util_strdup(buffer_text(text));
    buffer_free(text);
    return copy;
}

static struct judge_event event_at(enum judge_event_kind kind, const struct assoc_stamp *stamp,
                                   size_t connection) {
    struct judge_event event = {.kind = kind, .connection = connection};
    if (stamp != NULL) {
        event.frame = stamp->frame;
        event.time = (struct judge_time){stamp->seconds, stamp->nanoseconds};
    }
    return event;
}

// ---- handles ------------------------------------------------------------------------------------

struct naming {
    struct judge *j;
    const struct rules_end *server;
};

static void name_handle(void *context, struct buffer *out, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE]) {
    const struct naming *naming = context;
    struct show_server server = {.port = naming->server->port, .family = naming->server->family};
    memcpy(server.address, naming->server->address, sizeof server.address);
    show_handle_name(&naming->j->handles, &server, meaning, handle, out);
}

// ---- binds --------------------------------------------------------------------------------------

static char *bind_label(const struct assoc_bind *b) {
    struct buffer text = {0};
    const cmrp_pdu *offer = b->offer;
    buffer_printf(&text, "%s  ", cmrp_ptype_name(offer->header.ptype));
    replay_show_contexts(&text, b, false);
    if (offer->has_auth) {
        const char *type = show_auth_type(offer->auth_type);
        const char *level = show_auth_level(offer->auth_level);
        buffer_printf(&text, "; security %s, %s", type != NULL ? type : "unknown",
                      level != NULL ? level : "unknown level");
    } else {
        buffer_printf(&text, "; no security");
    }
    return label(&text);
}

static char *bound_label(const struct assoc_bind *b) {
    struct buffer text = {0};
    const cmrp_pdu *answer = b->answer;
    buffer_printf(&text, "%s  ", cmrp_ptype_name(answer->header.ptype));
    switch (answer->header.ptype) {
    case CMRP_PTYPE_BIND_NAK: buffer_printf(&text, "reason %u", answer->nak_reason); break;
    case CMRP_PTYPE_FAULT: buffer_printf(&text, "status 0x%08x", answer->status); break;
    default: replay_show_contexts(&text, b, true); break;
    }
    return label(&text);
}

struct judge_sides judge_bind_events(struct judge *j, size_t connection,
                                     const struct replay_bind *bind) {
    const struct assoc_bind *b = bind->bind;
    const bool matters = bind->finding_count > 0;
    struct judge_sides serials = {0, 0};
    struct judge_event event = event_at(JUDGE_EVENT_BIND, &b->offered, connection);
    event.from_client = true;
    event.label = bind_label(b);
    serials.asked = serials.answered = add(j, event, matters);
    if (b->answer != NULL) {
        event = event_at(JUDGE_EVENT_BOUND, &b->answered, connection);
        event.label = bound_label(b);
        serials.answered = add(j, event, matters);
    }
    return serials;
}

// ---- calls --------------------------------------------------------------------------------------

static const char *part_state(enum assoc_part_state state) {
    switch (state) {
    case ASSOC_PARTIAL:
    case ASSOC_LOST: return "  (not whole)";
    case ASSOC_TOO_LARGE: return "  (too large)";
    case ASSOC_SEALED: return "  (sealed)";
    default: return "";
    }
}

static char *request_label(const struct replay_call *call, const struct show_options *options) {
    struct buffer text = {0};
    const struct assoc_call *a = call->call;
    if (call->name != NULL) {
        buffer_printf(&text, "%s", call->name);
    } else {
        buffer_printf(&text, "opnum %u", a->opnum);
    }
    if (call->request.format.method != NULL) {
        show_brief(&text, &call->request.format, call->request.slots, options);
    }
    buffer_printf(&text, "%s", part_state(a->request.state));
    if (a->response.state == ASSOC_ABSENT && !a->faulted && !a->maybe) {
        buffer_printf(&text, "  (no answer)");
    }
    return label(&text);
}

static char *response_label(const struct replay_call *call, const struct show_options *options) {
    struct buffer text = {0};
    const struct assoc_call *a = call->call;
    uint32_t status = 0;
    if (a->faulted) {
        const char *name = show_fault(a->fault);
        if (name != NULL) {
            buffer_printf(&text, "fault %s", name);
        } else {
            buffer_printf(&text, "fault 0x%08x", a->fault);
        }
        return label(&text);
    }
    if (call->response.format.method != NULL) {
        (void)show_outcome(&call->response.format, call->response.slots, &status);
        if (status == 0) {
            buffer_printf(&text, "ok");
        } else {
            show_status(&text, status);
        }
        show_brief(&text, &call->response.format, call->response.slots, options);
    } else {
        buffer_printf(&text, "response");
    }
    buffer_printf(&text, "%s", part_state(a->response.state));
    return label(&text);
}

struct judge_sides judge_call_events(struct judge *j, size_t connection,
                                     const struct replay_peers *peers,
                                     const struct replay_call *call) {
    const struct assoc_call *a = call->call;
    const bool matters = call->finding_count > 0;
    struct naming naming = {j, &peers->ends.server};
    const struct show_options options = {.handle = name_handle, .context = &naming};
    struct judge_sides serials = {0, 0};
    if (a->request.state != ASSOC_ABSENT) {
        struct judge_event event = event_at(JUDGE_EVENT_REQUEST, &a->request.stamp, connection);
        event.from_client = true;
        event.of_call = true;
        event.call_id = a->call_id;
        event.method = call->name;
        event.label = request_label(call, &options);
        serials.asked = serials.answered = add(j, event, matters);
    }
    if (a->response.state != ASSOC_ABSENT || a->faulted) {
        struct judge_event event = event_at(JUDGE_EVENT_RESPONSE, &a->response.stamp, connection);
        event.of_call = true;
        event.call_id = a->call_id;
        event.method = call->name;
        event.label = response_label(call, &options);
        serials.answered = add(j, event, matters);
        if (serials.asked == 0) {
            serials.asked = serials.answered;
        }
    }
    return serials;
}

// ---- the rest -----------------------------------------------------------------------------------

void judge_gap_event(struct judge *j, size_t connection, const struct replay_peers *peers,
                     const struct assoc_loss *loss) {
    struct buffer text = {0};
    struct judge_event event = event_at(JUDGE_EVENT_GAP, &loss->stamp, connection);
    event.from_client = loss->direction == peers->direction;
    if (loss->missing > 0) {
        buffer_printf(&text, "%llu octets are not in the capture",
                      (unsigned long long)loss->missing);
    }
    if (loss->skipped > 0) {
        buffer_printf(&text, "%s%llu octets belong to no PDU", text.size > 0 ? ", " : "",
                      (unsigned long long)loss->skipped);
    }
    event.label = label(&text);
    add(j, event, false);
}

void judge_note_event(struct judge *j, size_t connection, const char *text,
                      const struct assoc_stamp *stamp) {
    struct judge_event event = event_at(JUDGE_EVENT_NOTE, stamp, connection);
    event.label = util_strdup(text);
    add(j, event, false);
}

// Requests of one connection come before what answers them, whatever the frame.
static int by_frame(const void *a, const void *b) {
    const struct judge_happening *x = a, *y = b;
    if (x->event.frame != y->event.frame) {
        return x->event.frame < y->event.frame ? -1 : 1;
    }
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

static int by_serial(const void *a, const void *b) {
    const struct judge_happening *const *x = a, *const *y = b;
    return (*x)->serial < (*y)->serial ? -1 : (*x)->serial > (*y)->serial;
}

// Ties findings to their events; happenings are in order already.
static void tie(struct judge *j) {
    struct judgement *out = j->out;
    const struct judge_happening **sorted =
        util_alloc((j->happening_count + 1) * sizeof(const struct judge_happening *));
    for (size_t i = 0; i < j->happening_count; i++) {
        sorted[i] = &j->happenings[i];
    }
    qsort(sorted, j->happening_count, sizeof *sorted, by_serial);
    for (size_t i = 0; i < out->finding_count; i++) {
        const struct judge_happening key = {.serial = j->hits[i].serial};
        const struct judge_happening *wanted = &key;
        const struct judge_happening **found =
            bsearch(&wanted, sorted, j->happening_count, sizeof *sorted, by_serial);
        if (found != NULL) {
            out->findings[i].event = (size_t)(*found - j->happenings);
            out->events[out->findings[i].event].findings++;
        }
    }
    free(sorted);
}

void judge_order_events(struct judge *j) {
    struct judgement *out = j->out;
    uint64_t dropped = 0;
    const size_t room = j->limits.events;
    for (size_t i = 0; i < j->recent_count && j->happening_count < room; i++) {
        push(j, &j->recent[i]);
        j->recent[i].event.label = NULL;
    }
    out->more_events = 0;
    if (j->happening_count > 0) {
        qsort(j->happenings, j->happening_count, sizeof *j->happenings, by_frame);
    }
    out->events = util_alloc((j->happening_count + 1) * sizeof *out->events);
    out->event_count = j->happening_count;
    for (size_t i = 0; i < j->happening_count; i++) {
        struct judge_happening *h = &j->happenings[i];
        out->events[i] = h->event;
        h->event.label = NULL;
        if (h->dropped > dropped) {
            out->events[i].left_out = h->dropped - dropped;
            dropped = h->dropped;
        }
    }
    for (size_t i = 0; i < j->recent_count; i++) {
        out->more_events += j->recent[i].event.label != NULL;
    }
    out->more_events += j->dropped - dropped;
    tie(j);
}

void judge_forget_events(struct judge *j) {
    for (size_t i = 0; i < j->happening_count; i++) {
        free(j->happenings[i].event.label);
    }
    for (size_t i = 0; i < j->recent_count; i++) {
        free(j->recent[i].event.label);
    }
    free(j->happenings);
    show_handles_free(j->handles);
}
