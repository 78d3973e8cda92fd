// SPDX-License-Identifier: Apache-2.0
// Calls and binds to rules, their findings back to the records.
#include <string.h>

#include "replay/state.h"

// ---- peers --------------------------------------------------------------------------------------

static struct rules_end end_of(const struct capture_endpoint *endpoint) {
    struct rules_end end = {.port = endpoint->port, .family = endpoint->family};
    _Static_assert(sizeof end.address == sizeof endpoint->addr, "an address");
    memcpy(end.address, endpoint->addr, sizeof end.address);
    return end;
}

static const struct rules_peers *ends_of(struct replay_connection *c) {
    const int client = replay_client(c);
    if (c->ends_for != client + 1) {
        c->ends_for = client + 1;
        c->ends = (struct rules_peers){.connection = c->id,
                                       .client = end_of(&c->endpoint[client]),
                                       .server = end_of(&c->endpoint[1 - client])};
    }
    c->ends.whole = c->whole;
    return &c->ends;
}

struct replay_peers replay_peers_of(struct replay_connection *c) {
    const int client = replay_client(c);
    return (struct replay_peers){.ends = *ends_of(c),
                                 .client = c->text[client],
                                 .server = c->text[1 - client],
                                 .direction = client};
}

// ---- findings -----------------------------------------------------------------------------------

static void on_finding(void *context, const struct rules_finding *f) {
    struct replay *r = context;
    const struct rule *rule = rules_at(f->rule);
    struct replay_finding *kept =
        r->judged != NULL ? replay_next_finding(r->judged, rule->must, rule) : NULL;
    if (kept != NULL) {
        *kept = (struct replay_finding){.must = rule->must,
                                        .role = rule->role,
                                        .number = f->number,
                                        .frame = f->frame,
                                        .offset = f->offset,
                                        .size = f->size,
                                        .pdu = f->place == RULES_PDU,
                                        .response = f->place == RULES_RESPONSE,
                                        .section = rule->section,
                                        .rule = rule};
        _Static_assert(sizeof kept->field == sizeof f->field, "a field");
        _Static_assert(sizeof kept->message == sizeof f->message, "a message");
        memcpy(kept->field, f->field, sizeof f->field);
        memcpy(kept->message, f->message, sizeof f->message);
    }
}

static void on_withdrawn(void *context, size_t rule, uint64_t number) {
    const struct replay *r = context;
    const struct replay_observer *observer = r->options->observer;
    (void)rule;
    if (observer != NULL && observer->withdrawn != NULL) {
        observer->withdrawn(observer->context, number);
    }
}

static void on_note(void *context, const char *code, const char *text,
                    const struct assoc_stamp *stamp) {
    replay_on_note(context, NULL, code, text, stamp);
}

// ---- events -------------------------------------------------------------------------------------

void replay_rules_begin(struct replay *r) {
    const struct rules_events events = {
        .context = r, .finding = on_finding, .withdrawn = on_withdrawn, .note = on_note};
    if (r->options->rules) {
        r->rules = rules_create(&r->options->rule_limits, &events);
    }
}

void replay_rules_end(struct replay *r) {
    const struct replay_observer *observer = r->options->observer;
    r->whole = r->rules == NULL || rules_whole(r->rules);
    if (r->rules != NULL && observer != NULL && observer->judged != NULL) {
        observer->judged(observer->context, r->rules);
    }
    rules_destroy(r->rules);
    r->rules = NULL;
}

static void note_told(struct replay_connection *c, const struct assoc_stamp *asked,
                      const struct assoc_stamp *answered) {
    const int client = replay_client(c);
    const uint64_t frames[2] = {asked->frame, answered->frame};
    for (int i = 0; i < 2; i++) {
        uint64_t *told = &c->told[i == 0 ? client : 1 - client];
        *told = frames[i] > *told ? frames[i] : *told;
    }
}

// Why the decoder has refused the request's stub.
static cmrp_code refusal_of(const struct replay_call *call) {
    for (size_t i = 0; i < call->finding_count && !call->request.decoded; i++) {
        const struct replay_finding *f = &call->findings[i];
        if (f->must && f->rule == NULL && !f->pdu && !f->response) {
            return f->code;
        }
    }
    return CMRP_OK;
}

void replay_judge_bind(struct replay_connection *c, const struct assoc_bind *bind,
                       struct replay_call *findings) {
    struct replay *r = c->replay;
    note_told(c, &bind->offered, &bind->answered);
    if (r->rules != NULL) {
        r->judged = findings;
        rules_bind(r->rules, ends_of(c), bind);
        r->judged = NULL;
    }
}

void replay_judge_request(struct replay_connection *c, const struct assoc_call *call) {
    note_told(c, &call->request.stamp, &call->response.stamp);
    if (c->replay->rules != NULL) {
        rules_request(c->replay->rules, ends_of(c), call);
    }
}

static struct rules_side side_of(const struct replay_side *side) {
    return (struct rules_side){.decoded = side->decoded,
                               .stub = side->stub,
                               .format = side->format,
                               .slots = side->slots,
                               .batch_count = side->batch_count,
                               .batch_alike = side->batch_alike};
}

void replay_judge_call(struct replay_connection *c, struct replay_call *call) {
    struct replay *r = c->replay;
    note_told(c, &call->call->request.stamp, &call->call->response.stamp);
    if (r->rules != NULL) {
        const struct rules_call judged = {.call = call->call,
                                          .method = call->method,
                                          .request = side_of(&call->request),
                                          .refused = refusal_of(call),
                                          .response = side_of(&call->response)};
        r->judged = call;
        rules_call(r->rules, ends_of(c), &judged);
        r->judged = NULL;
    }
}

// The frame of the last PDU before what is missing.
static uint64_t known_until(const struct replay_connection *c, int direction) {
    const uint64_t one = c->told[direction > 0];
    const uint64_t other = direction < 0 ? c->told[1] : one;
    const uint64_t told = one < other ? one : other;
    return told > 0 ? told : c->opened;
}

void replay_blind(struct replay_connection *c, int direction) {
    struct replay *r = c->replay;
    c->whole = false;
    // Before it is known who is the client nothing was judged.
    if (r->rules != NULL && (c->assoc == NULL || assoc_kind(c->assoc) == ASSOC_OURS)) {
        rules_blind(r->rules, ends_of(c), known_until(c, direction));
    }
}

void replay_doubt(struct replay_connection *c, int direction) {
    struct replay *r = c->replay;
    const enum assoc_kind kind = c->assoc != NULL ? assoc_kind(c->assoc) : ASSOC_NOT_RPC;
    if (r->rules != NULL && (kind == ASSOC_UNDECIDED || kind == ASSOC_UNBOUND)) {
        for (int i = 0; i < 2; i++) { // it may not be known who is the client
            const struct rules_end client = end_of(&c->endpoint[i]);
            const struct rules_end server = end_of(&c->endpoint[1 - i]);
            rules_doubt(r->rules, &client, &server, known_until(c, direction));
        }
    }
}

void replay_judge_close(struct replay_connection *c) {
    if (c->replay->rules != NULL) {
        rules_close(c->replay->rules, ends_of(c));
    }
}

// Notes that leave every call known, and in its place.
bool replay_note_is_harmless(enum assoc_note note) {
    switch (note) {
    case ASSOC_NOTE_CANCEL:
    case ASSOC_NOTE_ORPHANED:
    case ASSOC_NOTE_SHUTDOWN:
    case ASSOC_NOTE_CUT:
    case ASSOC_NOTE_STUB_LIMIT: return true; // of the last: the call is reported, undecoded
    default: return false;
    }
}
