// SPDX-License-Identifier: Apache-2.0
// The way of a capture: streams to connections, connections to calls, calls to records.
#include <string.h>

#include "replay/state.h"

enum { PROGRESS_PACKETS = 1024 }; // between two calls of progress

const char *replay_state_name(enum replay_state state) {
    static const char *const names[] = {
#define NAME(name, text) text,
        REPLAY_STATES(NAME)
#undef NAME
    };
    return names[state];
}

int replay_client(const struct replay_connection *c) {
    const int client = c->assoc != NULL ? assoc_client(c->assoc) : -1;
    return client >= 0 ? client : 0;
}

void replay_flush(struct replay *r) {
    if (!r->stopped && r->options->write != NULL && r->out.size > 0) {
        r->stopped =
            !r->options->write(r->options->context, (const char *)r->out.data, r->out.size);
    }
    buffer_clear(&r->out);
}

static struct assoc_stamp stamp_of(const struct capture_stamp *stamp) {
    return (struct assoc_stamp){stamp->frame, stamp->seconds, stamp->nanoseconds};
}

// ---- events of a connection ---------------------------------------------------------------------

static bool filtered(const struct replay *r) {
    return r->options->opnum >= 0;
}

static void on_bind(void *context, const struct assoc_bind *bind) {
    struct replay_connection *c = context;
    if (filtered(c->replay)) {
        return;
    }
    if (c->replay->options->format == REPLAY_JSON) {
        replay_json_bind(c, bind);
    } else if (c->replay->options->format == REPLAY_TEXT) {
        replay_text_bind(c, bind);
    }
}

static void on_call(void *context, const struct assoc_call *call) {
    struct replay_connection *c = context;
    struct replay *r = c->replay;
    struct replay_call decoded;
    if (filtered(r) && (call->request.state == ASSOC_ABSENT || call->opnum != r->options->opnum)) {
        return;
    }
    replay_decode(call, &decoded);
    r->result->calls[decoded.state]++;
    for (size_t i = 0; i < decoded.finding_count; i++) {
        (*(decoded.findings[i].must ? &r->result->findings : &r->result->warnings))++;
    }
    r->result->warnings += decoded.more_findings;
    if (r->options->format == REPLAY_JSON) {
        replay_json_call(c, &decoded);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_call(c, &decoded);
    }
}

static void on_loss(void *context, const struct assoc_loss *loss) {
    struct replay_connection *c = context;
    c->replay->result->gaps++;
    if (c->replay->options->format == REPLAY_JSON) {
        replay_json_gap(c, loss);
    } else if (c->replay->options->format == REPLAY_TEXT) {
        replay_text_gap(c, loss);
    }
}

static void put_note(struct replay *r, struct replay_connection *c, const char *code,
                     const char *text, const struct assoc_stamp *stamp) {
    r->result->notes++;
    if (r->options->format == REPLAY_JSON) {
        replay_json_note(r, c, code, text, stamp);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_note(r, c, text, stamp);
    }
}

static void on_note(void *context, enum assoc_note note, const char *text,
                    const struct assoc_stamp *stamp) {
    struct replay_connection *c = context;
    put_note(c->replay, c, assoc_note_code(note), text, stamp);
}

// ---- events of the capture ----------------------------------------------------------------------

static void *on_open(void *context, const struct capture_flow *flow,
                     const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = util_alloc(sizeof *c);
    const struct assoc_events events = {
        .context = c, .bind = on_bind, .call = on_call, .loss = on_loss, .note = on_note};
    if (!r->started) {
        r->started = true;
        r->start = *stamp;
    }
    c->replay = r;
    c->flow = flow->id;
    for (int i = 0; i < 2; i++) {
        c->endpoint[i] = flow->endpoint[i];
        capture_endpoint_format(&flow->endpoint[i], c->text[i]);
    }
    c->assoc = assoc_create(&r->options->assoc, &events, &r->memory);
    return c;
}

static bool on_data(void *context, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    if (!assoc_data(c->assoc, direction, data, size, &at)) {
        assoc_destroy(c->assoc);
        c->assoc = NULL;
        return false;
    }
    if (!c->listed && assoc_kind(c->assoc) == ASSOC_OURS) {
        c->listed = true;
        HASH_ADD(hh, r->ours, flow, sizeof c->flow, c);
    }
    return true;
}

static void on_gap(void *context, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *stamp) {
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    (void)context;
    assoc_gap(c->assoc, direction, octets, &at);
}

static void on_close(void *context, void *user, enum capture_close why,
                     const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    (void)why;
    if (c->assoc != NULL) {
        assoc_close(c->assoc, &at);
        switch (assoc_kind(c->assoc)) {
        case ASSOC_OURS: r->result->connections++; break;
        case ASSOC_OTHER: r->result->other++; break;
        case ASSOC_UNBOUND: r->result->unbound++; break;
        default: break;
        }
        assoc_destroy(c->assoc);
    }
    if (c->listed) {
        HASH_DEL(r->ours, c);
    }
    free(c);
}

// Of a connection only if it is one of this protocol's.
static void on_capture_note(void *context, enum capture_note kind, const struct capture_flow *flow,
                            const char *text, const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = NULL;
    const struct assoc_stamp at = stamp_of(stamp);
    if (flow != NULL) {
        HASH_FIND(hh, r->ours, &flow->id, sizeof flow->id, c);
        if (c == NULL) {
            return;
        }
    }
    put_note(r, c, capture_note_name(kind), text, &at);
}

static bool on_packet(void *context) {
    struct replay *r = context;
    if (r->result->packets++ % PROGRESS_PACKETS == 0 && r->options->progress != NULL) {
        r->options->progress(r->options->context, r->result);
    }
    return r->stopped;
}

// ---- runs ---------------------------------------------------------------------------------------

static struct replay begin(const struct replay_options *options, struct replay_result *result) {
    *result = (struct replay_result){0};
    return (struct replay){
        .options = options, .result = result, .memory = {.limit = options->memory}};
}

static struct capture_handler handler_of(struct replay *r) {
    return (struct capture_handler){.ctx = r,
                                    .open = on_open,
                                    .data = on_data,
                                    .gap = on_gap,
                                    .close = on_close,
                                    .note = on_capture_note,
                                    .stop = on_packet};
}

static void end(struct replay *r) {
    r->result->status = r->result->error.status;
    r->result->packets = r->result->stats.packets;
    replay_forget_handles(r);
    buffer_free(&r->out);
}

void replay_descriptor(const struct replay_options *options, int descriptor,
                       struct replay_result *result) {
    struct replay r = begin(options, result);
    const struct capture_handler handler = handler_of(&r);
    capture_run_descriptor(descriptor, &options->capture, &handler, &result->stats, &result->error);
    end(&r);
}

void replay_memory(const struct replay_options *options, const uint8_t *data, size_t size,
                   struct replay_result *result) {
    struct replay r = begin(options, result);
    const struct capture_handler handler = handler_of(&r);
    capture_run_memory(data, size, &options->capture, &handler, &result->stats, &result->error);
    end(&r);
}

// ---- the result ---------------------------------------------------------------------------------

uint64_t replay_calls(const struct replay_result *result) {
    uint64_t sum = 0;
    for (int i = 0; i < REPLAY_STATE_COUNT; i++) {
        sum += result->calls[i];
    }
    return sum;
}

enum outcome replay_outcome(const struct replay_result *result, uint64_t require) {
    enum outcome outcome = OUTCOME_OK;
    switch (result->status) {
    case CAPTURE_OK:
    case CAPTURE_STOPPED: break;
    case CAPTURE_TRUNCATED: outcome = OUTCOME_INCOMPLETE; break;
    case CAPTURE_OUT_OF_MEMORY: outcome = OUTCOME_INTERNAL; break;
    default: outcome = OUTCOME_USAGE;
    }
    if (result->findings > 0 || replay_calls(result) < require) {
        outcome = outcome_worst(outcome, OUTCOME_FINDINGS);
    }
    return outcome;
}

static const char *plural(uint64_t n) {
    return n == 1 ? "" : "s";
}

void replay_summary(const struct replay_result *result, struct buffer *out) {
    const uint64_t calls = replay_calls(result);
    const char *separator = ":";
    buffer_printf(out, "%llu packet%s, %llu TCP connection%s, %llu of this protocol",
                  (unsigned long long)result->packets, plural(result->packets),
                  (unsigned long long)result->stats.flows, plural(result->stats.flows),
                  (unsigned long long)result->connections);
    if (result->unbound > 0) {
        buffer_printf(out, ", %llu DCE/RPC without a bind", (unsigned long long)result->unbound);
    }
    if (calls == 0) {
        buffer_printf(out, result->connections > 0 ? "; no calls" : "; no calls of this protocol");
    } else {
        buffer_printf(out, "; %llu call%s", (unsigned long long)calls, plural(calls));
    }
    for (int i = 0; i < REPLAY_STATE_COUNT; i++) {
        if (result->calls[i] > 0) {
            buffer_printf(out, "%s %llu %s", separator, (unsigned long long)result->calls[i],
                          replay_state_name((enum replay_state)i));
            separator = ",";
        }
    }
    buffer_printf(out, "; %llu finding%s", (unsigned long long)result->findings,
                  plural(result->findings));
    if (result->warnings > 0) {
        buffer_printf(out, ", %llu warning%s", (unsigned long long)result->warnings,
                      plural(result->warnings));
    }
    if (result->gaps > 0) {
        buffer_printf(out, "; %llu gap%s", (unsigned long long)result->gaps, plural(result->gaps));
    }
    buffer_append(out, "\n", 1);
}
