// SPDX-License-Identifier: Apache-2.0
// A sequence as a capture: its steps, one after the other.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "suite/expand.h"
#include "suite/grow.h"
#include "suite/sequence_parts.h"
#include "suite/vector_read.h"

static const char *const DEFAULT_TALK = "a";
static const uint8_t SEAL = 0xa5; // what stands for encryption

bool sequence_wrong(const struct sequence_maker *m, const char *sub, const char *format, ...) {
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    free(*m->error);
    *m->error = util_format("steps/%zu%s%s: %s", m->step, *sub != '\0' ? "/" : "", sub, message);
    return false;
}

bool sequence_keys(const struct sequence_maker *m, const char *sub, const json_t *object,
                   const char *const *keys) {
    const char *key = vector_unknown_key(object, keys, NULL);
    return key == NULL || sequence_wrong(m, sub, "unknown key \"%.60s\"", key);
}

// ---- PDUs of calls ------------------------------------------------------------------------------

static void seal(const struct sequence_security *security, struct buffer *stub) {
    enum { PRIVACY = 6 };
    for (size_t i = 0; security->used && security->level == PRIVACY && i < stub->size; i++) {
        stub->data[i] ^= SEAL;
    }
}

static void send_fragments(const struct sequence_call *call, bool response, cmrp_view stub) {
    enum { ROOM = (WIRE_FRAGMENT - WIRE_CALL_HEADER - 3 - CMRP_SEC_TRAILER_SIZE - SEQUENCE_TOKEN) };
    struct wire_cut cut = {.stub = stub};
    while (wire_next_fragment(&cut, ROOM / 8 * 8)) {
        cmrp_pdu pdu = {.header = wire_header(response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST,
                                              call->talk->order, call->call_id),
                        .alloc_hint = (uint32_t)(cut.fragment.size + cut.stub.size),
                        .context_id = call->context.id,
                        .opnum = call->opnum,
                        .stub = cut.fragment};
        pdu.header.flags =
            (uint8_t)((cut.first ? CMRP_PFC_FIRST_FRAG : 0) | (cut.last ? CMRP_PFC_LAST_FRAG : 0));
        sequence_secure(&call->security, cut.fragment.size, &pdu);
        wire_pdu(&call->talk->flow, response ? WIRE_TO_CLIENT : WIRE_TO_SERVER, &pdu);
    }
}

static void send_one_datagram(const struct sequence_call *call, bool to_client,
                              const cmrp_pdu_cl *pdu) {
    uint8_t octets[CMRP_PDU_CL_HEADER_SIZE + WIRE_DATAGRAM_STUB + 16 + SEQUENCE_TOKEN];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    if (cmrp_pdu_cl_encode(pdu, &writer)) {
        wire_datagram(&call->talk->flow, to_client ? WIRE_TO_CLIENT : WIRE_TO_SERVER,
                      (cmrp_view){octets, writer.size});
    }
}

static cmrp_pdu_cl datagram(const struct sequence_call *call, uint8_t ptype) {
    return (cmrp_pdu_cl){.header = {.ptype = ptype,
                                    .drep = {call->talk->order == CMRP_LITTLE_ENDIAN ? 0x10 : 0x00},
                                    .if_id = cmrp_uuid_clusapi,
                                    .act_id = {{0xc0, 0x00, 0x02, call->talk->number}},
                                    .if_vers = (uint16_t)call->context.interface,
                                    .seqnum = call->call_id,
                                    .opnum = call->opnum,
                                    .ihint = CMRP_CL_NO_HINT,
                                    .ahint = CMRP_CL_NO_HINT}};
}

// The security trailer of a datagram [MS-RPCE 2.2.3.4].
static void secure_datagram(const struct sequence_call *call, size_t size, cmrp_pdu_cl *pdu) {
    static const uint8_t padding[8];
    static const uint8_t token[SEQUENCE_TOKEN] = {0x01};
    if (call->security.used) {
        pdu->header.auth_proto = call->security.type;
        pdu->has_auth = true;
        pdu->auth_level = call->security.level;
        pdu->auth_padding = (cmrp_view){padding, (8 - size % 8) % 8};
        pdu->auth_token = (cmrp_view){token, sizeof token};
    }
}

static void send_datagrams(const struct sequence_call *call, bool response, cmrp_view stub) {
    const bool fragmented = stub.size > WIRE_DATAGRAM_STUB;
    struct wire_cut cut = {.stub = stub};
    for (uint16_t number = 0; wire_next_fragment(&cut, WIRE_DATAGRAM_STUB); number++) {
        cmrp_pdu_cl pdu = datagram(call, response ? CMRP_PTYPE_CL_RESPONSE : CMRP_PTYPE_CL_REQUEST);
        pdu.header.flags1 =
            (uint8_t)(fragmented ? CMRP_PF_FRAG | (cut.last ? CMRP_PF_LASTFRAG : 0) : 0);
        pdu.header.fragnum = number;
        pdu.stub = cut.fragment;
        secure_datagram(call, cut.fragment.size, &pdu);
        send_one_datagram(call, response, &pdu);
    }
}

static void send_stub(const struct sequence_call *call, bool response, struct buffer *stub) {
    seal(&call->security, stub);
    (call->talk->datagrams ? send_datagrams : send_fragments)(call, response, buffer_view(stub));
}

static void send_fault(const struct sequence_call *call, uint32_t status) {
    if (call->talk->datagrams) {
        cmrp_pdu_cl pdu = datagram(call, CMRP_PTYPE_CL_FAULT);
        pdu.status = status;
        secure_datagram(call, sizeof pdu.status, &pdu);
        send_one_datagram(call, true, &pdu);
        return;
    }
    cmrp_pdu pdu = {.header = wire_header(CMRP_PTYPE_FAULT, call->talk->order, call->call_id),
                    .context_id = call->context.id,
                    .status = status};
    sequence_secure(&call->security, 0, &pdu);
    wire_pdu(&call->talk->flow, WIRE_TO_CLIENT, &pdu);
}

// ---- calls --------------------------------------------------------------------------------------

// The connection of a step.
static struct sequence_talk *talk_of(struct sequence_maker *m, const json_t *step) {
    const json_t *on = json_object_get(step, "on");
    const char *name = on != NULL ? json_string_value(on) : DEFAULT_TALK;
    if (name == NULL || *name == '\0') {
        sequence_wrong(m, "on", "is not a name");
        return NULL;
    }
    struct sequence_talk *talk = sequence_talk(m, name);
    if (talk->closed) {
        sequence_wrong(m, "on", "is a connection that was closed");
        return NULL;
    }
    m->talk = talk;
    return talk;
}

static bool read_method(const struct sequence_maker *m, const json_t *step,
                        struct sequence_call *call) {
    const json_t *value = json_object_get(step, "call");
    const char *name = json_string_value(value);
    uint32_t opnum = 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= UINT16_MAX) {
        opnum = (uint32_t)json_integer_value(value);
    } else if (name == NULL || !cmrp_opnum_named(call->context.interface, name, &opnum)) {
        return sequence_wrong(m, "call", "is neither a method of protocol version %u nor a number",
                              call->context.interface);
    }
    call->opnum = (uint16_t)opnum;
    call->method = cmrp_method_numbered(call->context.interface, opnum);
    return true;
}

static bool read_context(const struct sequence_maker *m, const json_t *step,
                         struct sequence_call *call) {
    const json_t *id = json_object_get(step, "context");
    const struct sequence_talk *talk = call->talk;
    if (id == NULL) {
        call->context = talk->contexts[0];
        return true;
    }
    for (size_t i = 0; i < talk->context_count; i++) {
        if (json_is_integer(id) && talk->contexts[i].id == json_integer_value(id)) {
            call->context = talk->contexts[i];
            return true;
        }
    }
    return sequence_wrong(m, "context", "is no presentation context of this connection");
}

// What is said of a call before its request goes.
static bool read_call(struct sequence_maker *m, const json_t *step, struct sequence_call *call) {
    const json_t *auth = json_object_get(step, "auth");
    call->talk = talk_of(m, step);
    if (call->talk == NULL || (!call->talk->bound && !sequence_bind(m, call->talk, NULL)) ||
        !read_context(m, step, call) || !read_method(m, step, call)) {
        return false;
    }
    call->security = call->talk->security;
    if (auth != NULL && !sequence_read_security(m, "auth", auth, &call->security)) {
        return false;
    }
    call->call_id = call->talk->call_id++;
    return true;
}

// "lost": which side is not in the capture.
static bool read_lost(const struct sequence_maker *m, const json_t *step, bool lost[2]) {
    const json_t *value = json_object_get(step, "lost");
    const char *word = json_string_value(value);
    if (value == NULL) {
        return true;
    }
    const bool both = word != NULL && strcmp(word, "call") == 0;
    lost[0] = both || (word != NULL && strcmp(word, "request") == 0);
    lost[1] = both || (word != NULL && strcmp(word, "response") == 0);
    return lost[0] || lost[1] || sequence_wrong(m, "lost", "is none of request, response, call");
}

static void send_side(const struct sequence_call *call, bool response, bool lost,
                      struct buffer *stub) {
    struct wire_flow *flow = &call->talk->flow;
    const uint64_t before = flow->lost[response];
    if (lost && call->talk->datagrams) {
        return;
    }
    if (lost) {
        flow->lost[response] = UINT64_MAX;
    }
    send_stub(call, response, stub);
    if (lost) {
        flow->lost[response] = before;
    }
}

static bool send_request(struct sequence_maker *m, const json_t *step,
                         const struct sequence_call *call, bool lost) {
    struct buffer stub = {0};
    const bool ok = sequence_stub(m, step, "request", call, false, &stub);
    if (ok) {
        send_side(call, false, lost, &stub);
    }
    buffer_free(&stub);
    return ok;
}

// Exactly one of response, response_hex, fault, unanswered, or none of them.
static bool send_answer(struct sequence_maker *m, const json_t *step,
                        const struct sequence_call *call, bool lost) {
    const json_t *fault = json_object_get(step, "fault");
    const json_t *unanswered = json_object_get(step, "unanswered");
    const bool response =
        json_object_get(step, "response") != NULL || json_object_get(step, "response_hex") != NULL;
    if ((fault != NULL) + (unanswered != NULL) + response > 1) {
        return sequence_wrong(m, "", "more than one of response, fault and unanswered");
    }
    if (unanswered != NULL) {
        return json_is_true(unanswered) || sequence_wrong(m, "unanswered", "is not true");
    }
    if (fault != NULL) {
        if (!json_is_integer(fault) || json_integer_value(fault) < 0 ||
            json_integer_value(fault) > UINT32_MAX) {
            return sequence_wrong(m, "fault", "is not a status");
        }
        send_fault(call, (uint32_t)json_integer_value(fault));
        return true;
    }
    struct buffer stub = {0};
    const bool ok = sequence_stub(m, step, "response", call, true, &stub);
    if (ok) {
        send_side(call, true, lost, &stub);
    }
    buffer_free(&stub);
    return ok;
}

#define CALL_KEYS "call", "on", "label", "context", "auth", "request", "request_hex", "lost"

static bool do_call(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {CALL_KEYS, "response",   "response_hex",
                                       "fault",   "unanswered", NULL};
    struct sequence_call call = {.name = NULL};
    bool lost[2] = {false, false};
    return sequence_keys(m, "", step, keys) && read_call(m, step, &call) &&
           read_lost(m, step, lost) && send_request(m, step, &call, lost[0]) &&
           send_answer(m, step, &call, lost[1]);
}

static struct sequence_call *in_flight(struct sequence_maker *m, const char *name) {
    for (size_t i = 0; i < m->call_count; i++) {
        if (m->calls[i].name != NULL && strcmp(m->calls[i].name, name) == 0) {
            return &m->calls[i];
        }
    }
    return NULL;
}

static bool do_begin(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"begin", CALL_KEYS, NULL};
    struct sequence_call call = {.name = json_string_value(json_object_get(step, "begin"))};
    bool lost[2] = {false, false};
    if (!sequence_keys(m, "", step, keys)) {
        return false;
    }
    if (call.name == NULL || in_flight(m, call.name) != NULL) {
        return sequence_wrong(m, "begin", "is not a name, or one that is in flight already");
    }
    if (!read_call(m, step, &call) || !read_lost(m, step, lost) ||
        !send_request(m, step, &call, lost[0])) {
        return false;
    }
    m->calls = grow_by_one(m->calls, m->call_count, sizeof *m->calls);
    m->calls[m->call_count++] = call;
    return true;
}

static bool do_end(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"end",          "label", "lost",       "response",
                                       "response_hex", "fault", "unanswered", NULL};
    const char *name = json_string_value(json_object_get(step, "end"));
    struct sequence_call *call = name != NULL ? in_flight(m, name) : NULL;
    bool lost[2] = {false, false};
    if (!sequence_keys(m, "", step, keys)) {
        return false;
    }
    if (call == NULL || call->talk->closed) {
        return sequence_wrong(m, "end", "is no call in flight");
    }
    m->talk = call->talk;
    if (!read_lost(m, step, lost) || !send_answer(m, step, call, lost[1])) {
        return false;
    }
    call->name = NULL;
    return true;
}

// ---- the other steps ----------------------------------------------------------------------------

static bool do_bind(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"bind", "on", "label", NULL};
    struct sequence_talk *talk = talk_of(m, step);
    return talk != NULL && sequence_keys(m, "", step, keys) &&
           sequence_bind(m, talk, json_object_get(step, "bind"));
}

static bool do_close(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"close", "how", "label", NULL};
    const char *name = json_string_value(json_object_get(step, "close"));
    const json_t *given = json_object_get(step, "how");
    const char *how = given != NULL ? json_string_value(given) : "fin";
    struct sequence_talk *talk = name != NULL ? sequence_talk(m, name) : NULL;
    if (!sequence_keys(m, "", step, keys)) {
        return false;
    }
    if (talk == NULL || !talk->opened || talk->closed) {
        return sequence_wrong(m, "close", "is no open connection");
    }
    if (how == NULL || (strcmp(how, "fin") != 0 && strcmp(how, "rst") != 0)) {
        return sequence_wrong(m, "how", "is neither fin nor rst");
    }
    talk->closed = true;
    (strcmp(how, "fin") == 0 ? wire_close : wire_reset)(&talk->flow);
    return true;
}

// Octets that are sent next, but not captured.
static bool do_gap(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"gap", "on", "label", NULL};
    static const char *const inner[] = {"direction", "octets", NULL};
    const json_t *gap = json_object_get(step, "gap");
    const char *direction = json_string_value(json_object_get(gap, "direction"));
    const json_int_t octets = json_integer_value(json_object_get(gap, "octets"));
    struct sequence_talk *talk = talk_of(m, step);
    if (talk == NULL || !sequence_keys(m, "", step, keys) || !sequence_keys(m, "gap", gap, inner)) {
        return false;
    }
    if (direction == NULL ||
        (strcmp(direction, "request") != 0 && strcmp(direction, "response") != 0)) {
        return sequence_wrong(m, "gap", "direction is neither request nor response");
    }
    if (octets <= 0 || octets > UINT32_MAX || talk->datagrams) {
        return sequence_wrong(m, "gap", "octets is no number of octets of a TCP connection");
    }
    talk->flow.lost[strcmp(direction, "response") == 0] += (uint64_t)octets;
    return true;
}

static bool do_wait(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"wait", "label", NULL};
    const json_t *wait = json_object_get(step, "wait");
    if (!sequence_keys(m, "", step, keys)) {
        return false;
    }
    if (!json_is_integer(wait) || json_integer_value(wait) <= 0 ||
        json_integer_value(wait) > UINT32_MAX) {
        return sequence_wrong(m, "wait", "is not a number of milliseconds");
    }
    m->wire.microseconds += (uint64_t)json_integer_value(wait) * 1000;
    return true;
}

// A PDU as it is: hex, or the JSON form of one.
static bool do_pdu(struct sequence_maker *m, const json_t *step) {
    static const char *const keys[] = {"pdu", "from", "on", "label", NULL};
    const json_t *value = json_object_get(step, "pdu");
    const char *from = json_string_value(json_object_get(step, "from"));
    struct sequence_talk *talk = talk_of(m, step);
    if (talk == NULL || !sequence_keys(m, "", step, keys)) {
        return false;
    }
    if (from == NULL || (strcmp(from, "client") != 0 && strcmp(from, "server") != 0)) {
        return sequence_wrong(m, "from", "is neither client nor server");
    }
    const enum wire_direction d = strcmp(from, "client") == 0 ? WIRE_TO_SERVER : WIRE_TO_CLIENT;
    struct buffer octets = {0};
    struct json_failure failure = {0};
    struct expand_failure why;
    const struct json_selector how = {.type = JSON_TYPE_PDU};
    const bool ok = json_is_object(value) ? json_encode(&how, value, &octets, &failure)
                                          : expand_octets(value, &octets, &why);
    if (!ok) {
        sequence_wrong(m, "pdu", "%s", json_is_object(value) ? failure.message : why.message);
    } else if (talk->datagrams) {
        wire_datagram(&talk->flow, d, buffer_view(&octets));
    } else {
        if (!talk->opened) {
            talk->opened = true;
            wire_open(&talk->flow);
        }
        wire_send(&talk->flow, d, buffer_view(&octets));
    }
    buffer_free(&octets);
    return ok;
}

// ---- the whole ----------------------------------------------------------------------------------

static bool do_step(struct sequence_maker *m, const json_t *step) {
    static const struct {
        const char *key;
        bool (*run)(struct sequence_maker *m, const json_t *step);
    } kinds[] = {{"bind", do_bind},   {"begin", do_begin}, {"end", do_end},   {"call", do_call},
                 {"close", do_close}, {"gap", do_gap},     {"wait", do_wait}, {"pdu", do_pdu}};
    if (!json_is_object(step)) {
        return sequence_wrong(m, "", "is not an object");
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (json_object_get(step, kinds[i].key) != NULL) {
            return kinds[i].run(m, step);
        }
    }
    return sequence_wrong(m, "", "is none of bind, call, begin, end, close, gap, wait, pdu");
}

static void note_frames(struct sequence_maker *m) {
    struct sequence_capture *out = m->out;
    while (out->frames < m->wire.packets) {
        out->steps = grow_by_one(out->steps, out->frames, sizeof *out->steps);
        out->steps[out->frames++] = m->step;
    }
}

bool sequence_make(const struct sequence *sequence, struct sequence_capture *capture,
                   char **error) {
    const size_t n = json_array_size(sequence->steps);
    *capture = (struct sequence_capture){.secured = util_alloc(n + 1), .step_count = n};
    *error = NULL;
    struct sequence_maker m = {.sequence = sequence, .out = capture, .error = error};
    m.wire = wire_begin(&capture->octets);
    bool ok = true;
    for (; ok && m.step < n; m.step += ok) {
        const json_t *step = json_array_get(sequence->steps, m.step);
        m.talk = NULL;
        ok = do_step(&m, step);
        capture->secured[m.step] = ok && m.talk != NULL && m.talk->secured;
        note_frames(&m);
    }
    for (size_t i = 0; i < m.talk_count; i++) {
        free(m.talks[i]);
    }
    free(m.talks);
    free(m.calls);
    if (!ok) {
        sequence_capture_free(capture);
    }
    return ok;
}

void sequence_capture_free(struct sequence_capture *capture) {
    buffer_free(&capture->octets);
    free(capture->steps);
    free(capture->secured);
    *capture = (struct sequence_capture){0};
}
