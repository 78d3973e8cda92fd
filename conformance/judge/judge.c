// SPDX-License-Identifier: Apache-2.0
// Looks on while a capture is read, and counts.
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "judge/state.h"
#include "suite/grow.h"

enum { PARTIES = 4096 }; // as rules/ tells apart

// ---- parties and connections --------------------------------------------------------------------

static char *address_text(const struct judge_who *who) {
    char text[INET6_ADDRSTRLEN] = "others";
    if (who->family != 0) {
        inet_ntop(who->family == 6 ? AF_INET6 : AF_INET, who->address, text, sizeof text);
    }
    return util_strdup(text);
}

static struct judge_tally *add_party(struct judge *j, const struct judge_who *who) {
    struct judgement *out = j->out;
    struct judge_tally *t = util_alloc(sizeof *t);
    const size_t size = (rules_count() + 1) * sizeof(uint64_t);
    t->who = *who;
    t->index = out->party_count;
    t->checked = util_alloc(size);
    t->found = util_alloc(size);
    t->kept = util_alloc(size);
    HASH_ADD(hh, j->tallies, who, sizeof t->who, t);
    j->parties = grow_by_one(j->parties, out->party_count, sizeof(void *));
    j->parties[out->party_count] = t;
    out->parties = grow_by_one(out->parties, out->party_count, sizeof *out->parties);
    out->parties[out->party_count++] =
        (struct judge_party){.address = address_text(who), .role = (enum rules_role)who->role};
    return t;
}

struct judge_tally *judge_party(struct judge *j, const struct rules_end *end,
                                enum rules_role role) {
    struct judge_who who;
    struct judge_tally *t;
    memset(&who, 0, sizeof who);
    memcpy(who.address, end->address, sizeof who.address);
    who.family = end->family;
    who.role = (uint8_t)role;
    HASH_FIND(hh, j->tallies, &who, sizeof who, t);
    if (t == NULL && HASH_COUNT(j->tallies) >= PARTIES) {
        memset(&who, 0, sizeof who);
        who.role = (uint8_t)role;
        HASH_FIND(hh, j->tallies, &who, sizeof who, t);
    }
    return t != NULL ? t : add_party(j, &who);
}

// The index of a connection; JUDGE_NONE where there is no room.
static size_t connection_of(struct judge *j, const struct replay_peers *peers, uint64_t frame) {
    struct judgement *out = j->out;
    struct judge_link *link;
    if (peers == NULL) {
        return JUDGE_NONE;
    }
    HASH_FIND(hh, j->links, &peers->ends.connection, sizeof link->id, link);
    if (link != NULL) {
        return link->index;
    }
    if (out->connection_count == j->limits.connections) {
        out->more_connections++;
        return JUDGE_NONE;
    }
    link = util_alloc(sizeof *link);
    link->id = peers->ends.connection;
    link->index = out->connection_count;
    HASH_ADD(hh, j->links, id, sizeof link->id, link);
    out->connections =
        grow_by_one(out->connections, out->connection_count, sizeof *out->connections);
    out->connections[out->connection_count++] =
        (struct judge_connection){.client = util_strdup(peers->client),
                                  .server = util_strdup(peers->server),
                                  .parties = {JUDGE_NONE, JUDGE_NONE},
                                  .first_frame = frame};
    return link->index;
}

static void join(struct judge *j, size_t connection, const struct judge_tally *client,
                 const struct judge_tally *server) {
    if (connection != JUDGE_NONE) {
        j->out->connections[connection].parties[RULES_CLIENT] = client->index;
        j->out->connections[connection].parties[RULES_SERVER] = server->index;
    }
}

static void note_time(struct judgement *out, const struct assoc_stamp *stamp) {
    const struct judge_time time = {stamp->seconds, stamp->nanoseconds};
    if (stamp->frame == 0) {
        return;
    }
    if (out->first.seconds == 0 && out->first.nanoseconds == 0) {
        out->first = time;
    }
    if (time.seconds > out->last.seconds ||
        (time.seconds == out->last.seconds && time.nanoseconds > out->last.nanoseconds)) {
        out->last = time;
    }
}

// ---- findings -----------------------------------------------------------------------------------

// The octets around what is wrong.
static void quote(struct judge_finding *f, cmrp_view octets) {
    if (octets.size == 0 || f->offset > octets.size) {
        return;
    }
    const size_t offset = (size_t)f->offset;
    const size_t start = offset > JUDGE_CONTEXT ? offset - JUDGE_CONTEXT : 0;
    const size_t most = JUDGE_CONTEXT * 4;
    size_t rest = octets.size - offset;
    const size_t wrong = (f->size < most ? f->size : most) + JUDGE_CONTEXT;
    rest = rest < wrong ? rest : wrong;
    f->octets_at = start;
    f->whole = octets.size;
    buffer_append(&f->octets, octets.data + start, offset - start + rest);
}

// Whether this one is to be kept; counts it.
static bool count_finding(struct judge *j, struct judge_tally *t, size_t rule, bool must) {
    if (!must && rule == rules_count()) {
        t->shoulds++;
    } else {
        t->found[rule]++;
    }
    if (t->kept[rule] == j->limits.case_findings || j->hit_count == j->limits.findings ||
        (!must && !j->options->should)) {
        return false;
    }
    t->kept[rule]++;
    return true;
}

// What to change where octets do not decode.
static const char *decoder_advice(const struct replay_finding *f) {
    switch (f->code) {
    case CMRP_E_TRUNCATED: return "Send this field, and all that follows it, in full size.";
    case CMRP_E_TRAILING: return "Send nothing behind the last parameter.";
    case CMRP_E_OVERRUN: return "Let the count be that of the elements that follow.";
    case CMRP_E_COUNT_MISMATCH:
        return "Send as many elements as the size parameter says, and their number as the count.";
    case CMRP_E_NULL_POINTER: return "Send the array, or 0 as its size parameter.";
    case CMRP_E_STRING_OFFSET: return "Send 0 as the offset of the string.";
    case CMRP_E_STRING_COUNT:
    case CMRP_E_ACTUAL_COUNT:
        return "Let the actual count be the number of elements that follow, of a string with its "
               "NUL, and at most the maximum count.";
    case CMRP_E_STRING_TERMINATOR: return "End the string with NUL, and count it.";
    default:
        return f->must ? "Send what this section describes, octet for octet."
                       : "Send the form that this section gives to writers.";
    }
}

static void keep_finding(struct judge *j, const struct replay_finding *f, struct judge_tally *t,
                         size_t connection, uint64_t serial, cmrp_view octets,
                         const struct replay_call *call) {
    if (f->allowed) {
        return;
    }
    const size_t rule = f->rule != NULL ? (size_t)(f->rule - rules_at(0)) : rules_count();
    if (!count_finding(j, t, rule, f->must)) {
        return;
    }
    struct judge_hit hit = {.party = t->index, .rule = rule, .number = f->number, .serial = serial};
    struct judge_finding *out = &hit.finding;
    out->requirement = f->rule != NULL ? f->rule->requirement : NULL;
    out->level = f->must ? JUDGE_MUST : JUDGE_SHOULD;
    out->section = f->section;
    out->advice = f->rule != NULL ? f->rule->advice : decoder_advice(f);
    out->frame = f->frame;
    out->connection = connection;
    out->event = JUDGE_NONE;
    out->place = f->pdu ? JUDGE_PDU : f->response ? JUDGE_RESPONSE : JUDGE_REQUEST;
    out->offset = f->offset;
    out->size = f->size;
    out->field = util_strdup(f->field);
    out->message = util_strdup(f->message);
    quote(out, octets);
    if (call != NULL) {
        const struct assoc_call *a = call->call;
        const struct assoc_part *part = f->response ? &a->response : &a->request;
        out->of_call = true;
        out->call_id = a->call_id;
        out->method = call->name;
        out->opnum = a->opnum;
        out->interface = a->interface.version;
        out->syntax = !call->known_syntax ? NULL : call->syntax == CMRP_NDR64 ? "ndr64" : "ndr";
        out->little_endian = part->order == CMRP_LITTLE_ENDIAN;
    }
    j->hits = grow_by_one(j->hits, j->hit_count, sizeof *j->hits);
    j->hits[j->hit_count++] = hit;
}

static void set_time(struct judge *j, const struct assoc_stamp *asked,
                     const struct assoc_stamp *answered, size_t from) {
    for (size_t i = from; i < j->hit_count; i++) {
        struct judge_finding *f = &j->hits[i].finding;
        const struct assoc_stamp *stamp = f->frame == answered->frame ? answered : asked;
        f->time = (struct judge_time){stamp->seconds, stamp->nanoseconds};
    }
}

// ---- looking on ---------------------------------------------------------------------------------

static void on_bind(void *context, const struct replay_peers *peers,
                    const struct replay_bind *bind) {
    struct judge *j = context;
    const struct assoc_bind *b = bind->bind;
    const size_t connection = connection_of(j, peers, b->offered.frame);
    struct judge_tally *party[RULES_ROLES];
    const size_t before = j->hit_count;
    party[RULES_CLIENT] = judge_party(j, &peers->ends.client, RULES_CLIENT);
    party[RULES_SERVER] = judge_party(j, &peers->ends.server, RULES_SERVER);
    join(j, connection, party[RULES_CLIENT], party[RULES_SERVER]);
    note_time(j->out, &b->offered);
    note_time(j->out, &b->answered);
    j->out->binds++;
    const struct judge_sides serials = judge_bind_events(j, connection, bind);
    for (size_t i = 0; i < bind->finding_count; i++) {
        const struct replay_finding *f = &bind->findings[i];
        const bool answer = b->answer != NULL && f->frame == b->answered.frame;
        keep_finding(j, f, party[f->role], connection, answer ? serials.answered : serials.asked,
                     answer ? b->answer_octets : b->offer_octets, NULL);
    }
    set_time(j, &b->offered, &b->answered, before);
}

static void count_call(struct judge *j, const struct replay_call *call,
                       struct judge_tally *const party[RULES_ROLES]) {
    struct judgement *out = j->out;
    uint64_t *const states[REPLAY_STATE_COUNT] = {[REPLAY_COMPLETE] = &out->complete,
                                                  [REPLAY_FAULT] = &out->faults,
                                                  [REPLAY_UNANSWERED] = &out->unanswered,
                                                  [REPLAY_SEALED] = &out->sealed,
                                                  [REPLAY_UNDECODED] = &out->undecoded};
    bool wrong[RULES_ROLES] = {false, false};
    out->calls++;
    ++*states[call->state];
    for (size_t i = 0; i < call->finding_count; i++) {
        if (call->findings[i].rule == NULL) {
            wrong[call->findings[i].role] = true;
        }
    }
    party[RULES_CLIENT]->calls++;
    party[RULES_SERVER]->calls++;
    if (call->request.decoded || wrong[RULES_CLIENT]) {
        party[RULES_CLIENT]->checked[rules_count()]++;
    }
    if (call->response.decoded || wrong[RULES_SERVER]) {
        party[RULES_SERVER]->checked[rules_count()]++;
    }
}

static void on_call(void *context, const struct replay_peers *peers,
                    const struct replay_call *call) {
    struct judge *j = context;
    const struct assoc_call *a = call->call;
    const uint64_t frame =
        a->request.stamp.frame != 0 ? a->request.stamp.frame : a->response.stamp.frame;
    const size_t connection = connection_of(j, peers, frame);
    struct judge_tally *party[RULES_ROLES];
    const size_t before = j->hit_count;
    party[RULES_CLIENT] = judge_party(j, &peers->ends.client, RULES_CLIENT);
    party[RULES_SERVER] = judge_party(j, &peers->ends.server, RULES_SERVER);
    join(j, connection, party[RULES_CLIENT], party[RULES_SERVER]);
    if (connection != JUDGE_NONE) {
        j->out->connections[connection].calls++;
        j->out->connections[connection].datagrams = a->connectionless;
    }
    note_time(j->out, &a->request.stamp);
    note_time(j->out, &a->response.stamp);
    count_call(j, call, party);
    const struct judge_sides serials = judge_call_events(j, connection, peers, call);
    for (size_t i = 0; i < call->finding_count; i++) {
        const struct replay_finding *f = &call->findings[i];
        const bool answer = f->pdu ? f->frame == a->response.stamp.frame : f->response;
        const cmrp_view octets = f->pdu        ? (cmrp_view){NULL, 0}
                                 : f->response ? call->response.stub
                                               : call->request.stub;
        keep_finding(j, f, party[f->role], connection, answer ? serials.answered : serials.asked,
                     octets, call);
    }
    set_time(j, &a->request.stamp, &a->response.stamp, before);
}

static void on_gap(void *context, const struct replay_peers *peers, const struct assoc_loss *loss) {
    struct judge *j = context;
    judge_gap_event(j, connection_of(j, peers, loss->stamp.frame), peers, loss);
}

static void on_note(void *context, const struct replay_peers *peers, const char *code,
                    const char *text, const struct assoc_stamp *stamp) {
    struct judge *j = context;
    struct judgement *out = j->out;
    const uint64_t frame = stamp != NULL ? stamp->frame : 0;
    const size_t connection = connection_of(j, peers, frame);
    if (out->note_count == j->limits.notes) {
        out->more_notes++;
    } else {
        out->notes = grow_by_one(out->notes, out->note_count, sizeof *out->notes);
        out->notes[out->note_count++] = (struct judge_note){
            .frame = frame,
            .connection = connection,
            .code = util_strdup(code),
            .text = util_strdup(text),
        };
    }
    judge_note_event(j, connection, text, stamp);
}

static void on_withdrawn(void *context, uint64_t number) {
    struct judge *j = context;
    size_t i = j->hit_count;
    while (i > 0 && (j->hits[i - 1].rule == rules_count() || j->hits[i - 1].number != number)) {
        i--;
    }
    if (i > 0) { // else it is counted only, by rules
        struct judge_hit *hit = &j->hits[i - 1];
        j->parties[hit->party]->kept[hit->rule]--;
        free(hit->finding.field);
        free(hit->finding.message);
        buffer_free(&hit->finding.octets);
        j->hit_count--;
        memmove(hit, hit + 1, (j->hit_count - (i - 1)) * sizeof *hit);
    }
}

static void on_judged(void *context, const struct rules *rules) {
    struct judge *j = context;
    struct rules_party party;
    for (size_t i = 0; rules_party_at(rules, i, &party); i++) {
        struct judge_tally *t = judge_party(j, &party.end, party.role);
        for (size_t rule = 0; rule < rules_count(); rule++) {
            t->checked[rule] += party.checked[rule];
            t->found[rule] = party.findings[rule]; // more than those that were told one by one
        }
    }
}

static void on_progress(void *context, const struct replay_result *so_far) {
    const struct judge *j = context;
    if (j->options->progress != NULL) {
        j->options->progress(j->options->context, so_far->packets);
    }
}

// ---- a run --------------------------------------------------------------------------------------

static void set_limits(struct judge *j) {
    j->limits = j->options->limits;
#define JUDGE_DEFAULT(member, standard)                                                            \
    if (j->limits.member == 0) {                                                                   \
        j->limits.member = (standard);                                                             \
    }
    JUDGE_LIMITS(JUDGE_DEFAULT)
#undef JUDGE_DEFAULT
}

static void forget(struct judge *j) {
    struct judge_tally *t, *next_t;
    struct judge_link *link, *next_link;
    HASH_ITER(hh, j->tallies, t, next_t) {
        HASH_DEL(j->tallies, t);
        free(t->checked);
        free(t->found);
        free(t->kept);
        free(t);
    }
    HASH_ITER(hh, j->links, link, next_link) {
        HASH_DEL(j->links, link);
        free(link);
    }
    free(j->parties);
    judge_forget_events(j);
    for (size_t i = 0; i < j->hit_count; i++) {
        free(j->hits[i].finding.field);
        free(j->hits[i].finding.message);
        buffer_free(&j->hits[i].finding.octets);
    }
    free(j->hits);
}

static bool on_packet(void *context) {
    const struct judge_options *options = ((const struct judge *)context)->options;
    return options->interrupted != NULL && options->interrupted(options->context);
}

static void take_result(struct judge *j, const struct replay_result *result) {
    struct judgement *out = j->out;
    char line[512];
    out->packets = result->packets;
    out->failed = result->status != CAPTURE_OK;
    out->cut = result->status == CAPTURE_TRUNCATED || result->status == CAPTURE_STOPPED;
    if (result->status == CAPTURE_STOPPED) {
        out->failure = util_format("%s: interrupted after packet %llu", j->options->name,
                                   (unsigned long long)result->packets);
    } else if (out->failed) {
        capture_error_format(&result->error, j->options->name, line, sizeof line);
        out->failure = util_strdup(line);
    }
    for (size_t i = 0; i < out->party_count; i++) {
        out->parties[i].calls = j->parties[i]->calls;
    }
}

static bool judge(const struct judge_options *options, int descriptor, cmrp_view octets,
                  struct judgement *out, char **error) {
    *out = (struct judgement){.capture = util_strdup(options->name), .should = options->should};
    struct judge j = {.options = options, .out = out};
    const struct replay_observer observer = {.context = &j,
                                             .bind = on_bind,
                                             .call = on_call,
                                             .gap = on_gap,
                                             .note = on_note,
                                             .withdrawn = on_withdrawn,
                                             .judged = on_judged};
    const struct replay_options how = {.format = REPLAY_NONE,
                                       .opnum = -1,
                                       .memory = options->memory,
                                       .rules = true,
                                       .rule_limits = {.complete = options->complete},
                                       .observer = &observer,
                                       .progress = on_progress,
                                       .interrupted = on_packet,
                                       .context = &j};
    struct replay_result result;
    set_limits(&j);
    if (descriptor >= 0) {
        replay_descriptor(&how, descriptor, &result);
    } else {
        replay_memory(&how, octets.data, octets.size, &result);
    }
    take_result(&j, &result);
    const bool ok = judge_make_cases(&j, error);
    if (ok) {
        judge_order_events(&j);
    }
    forget(&j);
    if (!ok) {
        judgement_free(out);
    }
    return ok;
}

bool judge_descriptor(const struct judge_options *options, int descriptor,
                      struct judgement *judgement, char **error) {
    return judge(options, descriptor, (cmrp_view){NULL, 0}, judgement, error);
}

bool judge_memory(const struct judge_options *options, cmrp_view octets,
                  struct judgement *judgement, char **error) {
    return judge(options, -1, octets, judgement, error);
}
