// SPDX-License-Identifier: Apache-2.0
// The way of a capture: streams to connections, connections to calls, calls to records.
#include <string.h>
#include <unistd.h>

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

// Of a connection that turns out to be of this protocol what was noted before comes first.
static void release_notes(struct replay_connection *c, bool show) {
    for (size_t i = 0; i < c->early_count; i++) {
        if (show) {
            replay_on_note(c->replay, c, c->early[i].code, c->early[i].text, &c->early[i].stamp);
        }
        free(c->early[i].text);
    }
    free(c->early);
    c->early = NULL;
    c->early_count = 0;
}

static bool is_ours(const struct replay_connection *c) {
    return c->assoc != NULL && assoc_kind(c->assoc) == ASSOC_OURS;
}

static void show_early(struct replay_connection *c) {
    if (c->early_count > 0 && is_ours(c)) {
        release_notes(c, true);
    }
}

static void count_findings(struct replay *r, const struct replay_call *call) {
    for (size_t i = 0; i < call->finding_count; i++) {
        (*(call->findings[i].must ? &r->result->findings : &r->result->warnings))++;
    }
    r->result->warnings += call->more_findings;
}

static void on_bind(void *context, const struct assoc_bind *bind) {
    struct replay_connection *c = context;
    struct replay *r = c->replay;
    struct replay_call found;
    show_early(c);
    found.finding_count = 0;
    found.more_findings = 0;
    replay_judge_bind(c, bind, &found);
    if (filtered(r)) {
        return;
    }
    count_findings(r, &found);
    if (r->options->observer != NULL && r->options->observer->bind != NULL) {
        const struct replay_peers peers = replay_peers_of(c);
        const struct replay_bind shown = {bind, found.findings, found.finding_count};
        r->options->observer->bind(r->options->observer->context, &peers, &shown);
    }
    if (r->options->format == REPLAY_JSON) {
        replay_json_bind(c, bind, r->rules != NULL ? &found : NULL);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_bind(c, bind, r->rules != NULL ? &found : NULL);
    }
}

void replay_on_call(struct replay_connection *c, const struct assoc_call *call) {
    struct replay *r = c->replay;
    struct replay_call decoded;
    const bool unwanted =
        filtered(r) && (call->request.state == ASSOC_ABSENT || call->opnum != r->options->opnum);
    if (unwanted && r->rules == NULL) {
        return;
    }
    replay_decode(call, &decoded);
    replay_judge_call(c, &decoded);
    if (unwanted) {
        return;
    }
    r->result->calls[decoded.state]++;
    count_findings(r, &decoded);
    if (r->options->observer != NULL && r->options->observer->call != NULL) {
        const struct replay_peers peers = replay_peers_of(c);
        r->options->observer->call(r->options->observer->context, &peers, &decoded);
    }
    if (r->options->format == REPLAY_JSON) {
        replay_json_call(c, &decoded);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_call(c, &decoded);
    }
}

static void on_request(void *context, const struct assoc_call *call) {
    show_early(context);
    replay_judge_request(context, call);
}

static void on_call(void *context, const struct assoc_call *call) {
    show_early(context);
    replay_on_call(context, call);
}

static void on_loss(void *context, const struct assoc_loss *loss) {
    struct replay_connection *c = context;
    show_early(c);
    struct replay *r = c->replay;
    r->result->gaps++;
    replay_blind(c, loss->direction);
    if (r->options->observer != NULL && r->options->observer->gap != NULL) {
        const struct replay_peers peers = replay_peers_of(c);
        r->options->observer->gap(r->options->observer->context, &peers, loss);
    }
    if (r->options->format == REPLAY_JSON) {
        replay_json_gap(c, loss);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_gap(c, loss);
    }
}

void replay_on_note(struct replay *r, struct replay_connection *c, const char *code,
                    const char *text, const struct assoc_stamp *stamp) {
    r->result->notes++;
    if (r->options->observer != NULL && r->options->observer->note != NULL) {
        struct replay_peers peers;
        if (c != NULL) {
            peers = replay_peers_of(c);
        }
        r->options->observer->note(r->options->observer->context, c != NULL ? &peers : NULL, code,
                                   text, stamp);
    }
    if (r->options->format == REPLAY_JSON) {
        replay_json_note(r, c, code, text, stamp);
    } else if (r->options->format == REPLAY_TEXT) {
        replay_text_note(r, c, text, stamp);
    }
}

static void on_note(void *context, enum assoc_note note, const char *text,
                    const struct assoc_stamp *stamp) {
    struct replay_connection *c = context;
    show_early(c);
    if (!replay_note_is_harmless(note)) {
        replay_blind(c, -1);
    }
    replay_on_note(c->replay, c, assoc_note_code(note), text, stamp);
}

// ---- events of the capture ----------------------------------------------------------------------

static void keep_note(struct replay_connection *c, const struct replay_early *note) {
    if (c->early_count == REPLAY_EARLY) {
        free(note->text);
        return;
    }
    c->early = util_grow(c->early, c->early_count + 1, sizeof *c->early);
    c->early[c->early_count++] = *note;
}

// Nothing of the connection was delivered so far.
static void keep_unopened(struct replay *r, const struct replay_early *note) {
    if (r->unopened_count == REPLAY_UNOPENED) {
        free(r->unopened[0].text);
        r->unopened_count--;
        memmove(r->unopened, r->unopened + 1, r->unopened_count * sizeof *r->unopened);
    }
    r->unopened = util_grow(r->unopened, r->unopened_count + 1, sizeof *r->unopened);
    r->unopened[r->unopened_count++] = *note;
}

static void claim_notes(struct replay *r, struct replay_connection *c) {
    size_t kept = 0;
    for (size_t i = 0; i < r->unopened_count; i++) {
        if (r->unopened[i].flow == c->flow) {
            keep_note(c, &r->unopened[i]);
        } else {
            r->unopened[kept++] = r->unopened[i];
        }
    }
    r->unopened_count = kept;
}

static void forget_notes(struct replay *r) {
    for (size_t i = 0; i < r->unopened_count; i++) {
        free(r->unopened[i].text);
    }
    free(r->unopened);
}

static void *on_open(void *context, const struct capture_flow *flow,
                     const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = util_alloc(sizeof *c);
    const struct assoc_events events = {.context = c,
                                        .bind = on_bind,
                                        .request = on_request,
                                        .call = on_call,
                                        .mapper = replay_on_mapper,
                                        .guess = replay_guess,
                                        .loss = on_loss,
                                        .note = on_note};
    if (!r->started) {
        r->started = true;
        r->start = *stamp;
    }
    c->replay = r;
    c->flow = flow->id;
    c->id = flow->id;
    c->whole = flow->initiator_known;
    c->opened = stamp->frame;
    for (int i = 0; i < 2; i++) {
        c->endpoint[i] = flow->endpoint[i];
        capture_endpoint_format(&flow->endpoint[i], c->text[i]);
    }
    c->assoc = assoc_create(&r->options->assoc, &events, &r->memory);
    HASH_ADD(hh, r->connections, flow, sizeof c->flow, c);
    claim_notes(r, c);
    return c;
}

static bool on_data(void *context, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *stamp) {
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    (void)context;
    if (!assoc_data(c->assoc, direction, data, size, &at)) {
        assoc_destroy(c->assoc);
        c->assoc = NULL;
        return false;
    }
    show_early(c);
    return true;
}

static void on_gap(void *context, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *stamp) {
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    (void)context;
    replay_blind(c, direction);
    replay_doubt(c, direction);
    assoc_gap(c->assoc, direction, octets, &at);
}

static void on_close(void *context, void *user, enum capture_close why,
                     const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = user;
    const struct assoc_stamp at = stamp_of(stamp);
    if (c->assoc != NULL) {
        if (why == CAPTURE_CLOSE_EVICTED && is_ours(c)) {
            replay_blind(c, -1); // it goes on, unseen
        }
        assoc_close(c->assoc, &at);
        replay_judge_close(c);
        switch (assoc_kind(c->assoc)) {
        case ASSOC_OURS: r->result->connections++; break;
        case ASSOC_OTHER: r->result->other++; break;
        case ASSOC_UNBOUND: r->result->unbound++; break;
        default: break;
        }
        assoc_destroy(c->assoc);
    }
    HASH_DEL(r->connections, c);
    release_notes(c, false);
    free(c);
}

// Of a connection only if it is one of this protocol's.
static void on_capture_note(void *context, enum capture_note kind, const struct capture_flow *flow,
                            const char *text, const struct capture_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = NULL;
    const struct assoc_stamp at = stamp_of(stamp);
    if (flow != NULL) {
        HASH_FIND(hh, r->connections, &flow->id, sizeof flow->id, c);
        if (c != NULL && c->assoc != NULL) {
            replay_blind(c, -1);
        }
        if (c == NULL || !is_ours(c)) {
            const struct replay_early note = {flow->id, capture_note_name(kind), util_strdup(text),
                                              at};
            if (c == NULL) {
                keep_unopened(r, &note);
            } else {
                keep_note(c, &note);
            }
            return;
        }
    }
    replay_on_note(r, c, capture_note_name(kind), text, &at);
}

static bool on_packet(void *context) {
    struct replay *r = context;
    if (r->result->packets++ % PROGRESS_PACKETS == 0 && r->options->progress != NULL) {
        r->options->progress(r->options->context, r->result);
    }
    return r->stopped ||
           (r->options->interrupted != NULL && r->options->interrupted(r->options->context));
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
                                    .datagram = replay_on_datagram,
                                    .note = on_capture_note,
                                    .stop = on_packet};
}

static void end(struct replay *r) {
    replay_datagrams_end(r);
    replay_rules_end(r);
    r->result->status = r->result->error.status;
    r->result->packets = r->result->stats.packets;
    show_handles_free(r->handles);
    replay_forget_endpoints(r);
    forget_notes(r);
    buffer_free(&r->out);
}

// Where a capture is read from.
struct source {
    int descriptor; // -1: memory
    const uint8_t *data;
    size_t size;
};

// Reads it once. Returns whether nothing shows that calls are missing.
static bool run(const struct replay_options *options, const struct source *source, bool incomplete,
                struct replay_result *result) {
    struct replay r = begin(options, result);
    const struct capture_handler handler = handler_of(&r);
    const struct assoc_stamp start = {0};
    replay_rules_begin(&r);
    replay_datagrams_begin(&r);
    if (incomplete) {
        replay_on_note(&r, NULL, "rules-incomplete",
                       "calls may be missing, or there are several servers: rules that need a "
                       "complete capture are not applied",
                       &start);
    }
    if (source->descriptor >= 0) {
        capture_run_descriptor(source->descriptor, &options->capture, &handler, &result->stats,
                               &result->error);
    } else {
        capture_run_memory(source->data, source->size, &options->capture, &handler, &result->stats,
                           &result->error);
    }
    end(&r);
    return r.whole;
}

// What is missing often shows only later, when rules have concluded from it: so it is looked for
// first.
static bool is_complete(const struct replay_options *options, const struct source *source) {
    struct replay_options first = *options;
    struct replay_result result;
    const off_t start = source->descriptor >= 0 ? lseek(source->descriptor, 0, SEEK_CUR) : 0;
    first.format = REPLAY_NONE;
    first.opnum = -1;
    first.observer = NULL;
    first.progress = NULL;
    if (start < 0) {
        return false; // it cannot be read again
    }
    const bool whole = run(&first, source, false, &result);
    return source->descriptor >= 0 ? lseek(source->descriptor, start, SEEK_SET) >= 0 && whole
                                   : whole;
}

static void run_all(const struct replay_options *options, const struct source *source,
                    struct replay_result *result) {
    struct replay_options second = *options;
    const bool asked = options->rules && options->rule_limits.complete;
    second.rule_limits.complete = asked && is_complete(options, source);
    (void)run(&second, source, asked && !second.rule_limits.complete, result);
}

void replay_descriptor(const struct replay_options *options, int descriptor,
                       struct replay_result *result) {
    const struct source source = {.descriptor = descriptor};
    run_all(options, &source, result);
}

void replay_memory(const struct replay_options *options, const uint8_t *data, size_t size,
                   struct replay_result *result) {
    const struct source source = {.descriptor = -1, .data = data, .size = size};
    run_all(options, &source, result);
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
    if (result->activities > 0) {
        buffer_printf(out, "; %llu UDP activit%s of this protocol",
                      (unsigned long long)result->activities,
                      result->activities == 1 ? "y" : "ies");
    }
    if (calls == 0) {
        buffer_printf(out, result->connections + result->activities > 0
                               ? "; no calls"
                               : "; no calls of this protocol");
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
