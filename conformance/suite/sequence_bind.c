// SPDX-License-Identifier: Apache-2.0
// Connections of a sequence: who talks to whom, and what their bind offers and gets.
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "suite/sequence_parts.h"

enum { TRANSFERS = 4, PRIVACY = 6 };

struct offer { // of a presentation context, with its answer
    cmrp_pdu_context context;
    cmrp_syntax_id transfers[TRANSFERS];
    cmrp_pdu_result result;
};

struct binding {
    struct offer offers[SEQUENCE_CONTEXTS];
    size_t count;
    unsigned answer;
    bool alter;
    uint32_t group_offered, group_answered;
    uint32_t nak_reason;
};

// ---- values -------------------------------------------------------------------------------------

// An integer from 0 to max; what is absent leaves *out alone.
static bool read_number(const struct sequence_maker *m, const char *sub, const json_t *object,
                        const char *key, json_int_t max, json_int_t *out) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > max) {
        return sequence_wrong(m, sub, "%s is not a number from 0 to %lld", key, (long long)max);
    }
    *out = json_integer_value(value);
    return true;
}

// One of the words (NULL-terminated) or, where numbers is set, a number up to 65535.
static bool read_choice(const struct sequence_maker *m, const char *sub, const json_t *value,
                        const char *key, const char *const *words, bool numbers, unsigned *out) {
    const char *text = json_string_value(value);
    struct buffer all = {0};
    if (value == NULL) {
        return true;
    }
    if (numbers && json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= UINT16_MAX) {
        *out = (unsigned)json_integer_value(value);
        return true;
    }
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (text != NULL && strcmp(words[i], text) == 0) {
            *out = i;
            buffer_free(&all);
            return true;
        }
        buffer_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    sequence_wrong(m, sub, "%s is none of %s", key, buffer_text(&all));
    buffer_free(&all);
    return false;
}

bool sequence_read_security(const struct sequence_maker *m, const char *sub, const json_t *value,
                            struct sequence_security *out) {
    static const char *const keys[] = {"type", "level", NULL};
    static const char *const levels[] = {"default", "none",      "connect", "call",
                                         "packet",  "integrity", "privacy", NULL};
    static const struct {
        const char *name;
        uint8_t number;
    } types[] = {{"spnego", 9}, {"ntlm", 10}, {"schannel", 14}, {"kerberos", 16}, {NULL, 0}};
    *out = (struct sequence_security){.used = !json_is_null(value), .type = 9, .level = PRIVACY};
    if (json_is_null(value)) {
        return true;
    }
    if (!json_is_object(value)) {
        return sequence_wrong(m, sub, "is neither an object nor null");
    }
    const json_t *type = json_object_get(value, "type");
    unsigned level = PRIVACY, number = types[0].number;
    const char *word = json_string_value(type);
    for (size_t i = 0; word != NULL; i++) {
        if (types[i].name == NULL) {
            return sequence_wrong(m, sub, "type is none of spnego, ntlm, schannel, kerberos");
        }
        if (strcmp(types[i].name, word) == 0) {
            number = types[i].number;
            break;
        }
    }
    json_int_t given = number;
    if (!sequence_keys(m, sub, value, keys) ||
        (word == NULL && !read_number(m, sub, value, "type", UINT8_MAX, &given)) ||
        !read_choice(m, sub, json_object_get(value, "level"), "level", levels, true, &level)) {
        return false;
    }
    out->type = (uint8_t)given;
    out->level = (uint8_t)level;
    return true;
}

void sequence_secure(const struct sequence_security *security, size_t size, cmrp_pdu *pdu) {
    static const uint8_t padding[4];
    static const uint8_t token[SEQUENCE_TOKEN] = {0x01};
    if (security->used) {
        pdu->has_auth = true;
        pdu->auth_type = security->type;
        pdu->auth_level = security->level;
        pdu->auth_padding = (cmrp_view){padding, (4 - size % 4) % 4};
        pdu->auth_token = (cmrp_view){token, sizeof token};
    }
}

// ---- presentation contexts ----------------------------------------------------------------------

static const char *const syntaxes[] = {"ndr", "ndr64", "bind-time", NULL};

static bool read_syntax(const struct sequence_maker *m, const char *sub, const json_t *value,
                        cmrp_syntax_id *out, unsigned *which) {
    const char *text = json_string_value(value);
    if (text != NULL && strlen(text) == CMRP_UUID_TEXT_SIZE - 1) {
        *out = (cmrp_syntax_id){.version = 1};
        return cmrp_uuid_parse(text, &out->uuid) || sequence_wrong(m, sub, "is no UUID");
    }
    *which = 0;
    if (value == NULL || !read_choice(m, sub, value, "a transfer syntax", syntaxes, false, which)) {
        return value == NULL ? sequence_wrong(m, sub, "is missing") : false;
    }
    *out = wire_transfer_syntax(*which == 1 ? CMRP_NDR64 : CMRP_NDR20);
    if (*which == 2) {
        *out = (cmrp_syntax_id){cmrp_uuid_bind_time, 1, 0};
        out->uuid.octets[CMRP_UUID_SIZE / 2] = 0x03;
    }
    return true;
}

static const char *const results[] = {"acceptance", "user_rejection", "provider_rejection",
                                      "negotiate_ack", NULL};

static bool read_list(const struct sequence_maker *m, const char *sub, const json_t *given,
                      struct offer *offer, unsigned *stubs) {
    const size_t n = json_array_size(given);
    if (n == 0 || n > TRANSFERS) {
        return sequence_wrong(m, sub, "syntax is not one, or a list of up to %d", (int)TRANSFERS);
    }
    offer->context.transfer_count = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        unsigned which = 0;
        if (!read_syntax(m, sub, json_array_get(given, i), &offer->transfers[i], &which)) {
            return false;
        }
        *stubs = i == 0 ? which : *stubs;
    }
    offer->result.transfer = offer->transfers[0];
    return true;
}

// "syntax": a list of what is offered, or the one that is used. Version 3 offers both kinds of NDR
// [MS-CMRP 2.2], in a bind that has no list of contexts.
static bool read_transfers(const struct sequence_maker *m, const char *sub, const json_t *object,
                           bool both, struct offer *offer, unsigned *stubs) {
    const json_t *given = json_object_get(object, "syntax");
    offer->context.transfers = offer->transfers;
    if (json_is_array(given)) {
        return read_list(m, sub, given, offer, stubs);
    }
    offer->context.transfer_count = 1;
    offer->transfers[0] = wire_transfer_syntax(CMRP_NDR20);
    if (given != NULL && !read_syntax(m, sub, given, &offer->transfers[0], stubs)) {
        return false;
    }
    offer->result.transfer = offer->transfers[0];
    if (both && *stubs <= 1) {
        offer->context.transfer_count = 2;
        offer->transfers[0] = wire_transfer_syntax(CMRP_NDR20);
        offer->transfers[1] = wire_transfer_syntax(CMRP_NDR64);
    }
    return true;
}

// The answer to a context: result, reason, and the transfer syntax that was chosen.
static bool read_result(const struct sequence_maker *m, const char *sub, const json_t *object,
                        struct offer *offer, unsigned *stubs) {
    const json_t *chosen = json_object_get(object, "chosen");
    unsigned result = CMRP_RESULT_ACCEPTANCE;
    json_int_t reason = 0;
    if (!read_choice(m, sub, json_object_get(object, "result"), "result", results, true, &result) ||
        !read_number(m, sub, object, "reason", UINT16_MAX, &reason)) {
        return false;
    }
    offer->result.result = (uint16_t)result;
    offer->result.reason = (uint16_t)reason;
    if (result != CMRP_RESULT_ACCEPTANCE) {
        offer->result.transfer = (cmrp_syntax_id){.version = 0};
    }
    return chosen == NULL || read_syntax(m, sub, chosen, &offer->result.transfer, stubs);
}

static bool read_context(const struct sequence_maker *m, struct sequence_talk *talk,
                         const char *sub, const json_t *object, struct binding *b) {
    struct offer *offer = &b->offers[b->count];
    const char *uuid = json_string_value(json_object_get(object, "uuid"));
    unsigned stubs = 0;
    json_int_t id = (json_int_t)b->count, version = CMRP_INTERFACE_3, minor = 0;
    if (!read_number(m, sub, object, "id", UINT16_MAX, &id) ||
        !read_number(m, sub, object, "interface", UINT16_MAX, &version) ||
        !read_number(m, sub, object, "minor", UINT16_MAX, &minor)) {
        return false;
    }
    offer->context.id = (uint16_t)id;
    offer->context.abstract_syntax =
        (cmrp_syntax_id){cmrp_uuid_clusapi, (uint16_t)version, (uint16_t)minor};
    if (uuid != NULL && !cmrp_uuid_parse(uuid, &offer->context.abstract_syntax.uuid)) {
        return sequence_wrong(m, sub, "uuid is no UUID");
    }
    const bool both = strcmp(sub, "bind") == 0 && version == CMRP_INTERFACE_3 && uuid == NULL;
    if (!read_transfers(m, sub, object, both, offer, &stubs) ||
        !read_result(m, sub, object, offer, &stubs)) {
        return false;
    }
    b->count++;
    if (talk->context_count < SEQUENCE_CONTEXTS) {
        talk->contexts[talk->context_count++] = (struct sequence_context){
            .id = (uint16_t)id,
            .interface = version == CMRP_INTERFACE_2 ? CMRP_INTERFACE_2 : CMRP_INTERFACE_3,
            .syntax = stubs == 1 ? CMRP_NDR64 : CMRP_NDR20};
    }
    return true;
}

static bool read_contexts(const struct sequence_maker *m, struct sequence_talk *talk,
                          const json_t *bind, struct binding *b) {
    static const char *const keys[] = {"id",     "interface", "minor",  "uuid", "syntax",
                                       "chosen", "result",    "reason", NULL};
    const json_t *list = json_object_get(bind, "contexts");
    if (list == NULL) {
        return read_context(m, talk, "bind", bind, b);
    }
    if (json_array_size(list) == 0 || json_array_size(list) > SEQUENCE_CONTEXTS) {
        return sequence_wrong(m, "bind/contexts", "is not a list of 1 to %d",
                              (int)SEQUENCE_CONTEXTS);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        char sub[40];
        snprintf(sub, sizeof sub, "bind/contexts/%zu", i);
        const json_t *context = json_array_get(list, i);
        if (!json_is_object(context)) {
            return sequence_wrong(m, sub, "is not an object");
        }
        if (!sequence_keys(m, sub, context, keys) || !read_context(m, talk, sub, context, b)) {
            return false;
        }
    }
    return true;
}

// ---- ends ---------------------------------------------------------------------------------------

// "192.0.2.1", "192.0.2.1:50000", "2001:db8::1", "[2001:db8::1]:50000".
static bool read_end(const struct sequence_maker *m, const json_t *bind, const char *key,
                     struct wire_end *end) {
    const json_t *value = json_object_get(bind, key);
    const char *text = json_string_value(value);
    char sub[32], address[64] = "";
    if (value == NULL) {
        return true;
    }
    snprintf(sub, sizeof sub, "bind/%s", key);
    const char *colon = text != NULL ? strrchr(text, ':') : NULL;
    const bool six = colon != NULL && (text[0] == '[' || strchr(text, ':') != colon);
    const char *port = six ? (text[0] == '[' ? strstr(text, "]:") : NULL) : colon;
    const char *host = text != NULL && text[0] == '[' ? text + 1 : text;
    if (text != NULL) {
        const size_t n = port != NULL ? (size_t)(port - host) : strcspn(host, "]");
        snprintf(address, sizeof address, "%.*s", (int)(n < 60 ? n : 60), host);
    }
    const unsigned long number = port != NULL ? strtoul(port + (six ? 2 : 1), NULL, 10) : end->port;
    if (text == NULL || number == 0 || number > UINT16_MAX ||
        inet_pton(six ? AF_INET6 : AF_INET, address, end->address) != 1) {
        return sequence_wrong(m, sub, "is not ADDRESS or ADDRESS:PORT");
    }
    end->family = six ? 6 : 4;
    end->port = (uint16_t)number;
    return true;
}

struct sequence_talk *sequence_talk(struct sequence_maker *m, const char *name) {
    for (size_t i = 0; i < m->talk_count; i++) {
        if (strcmp(m->talks[i]->name, name) == 0) {
            return m->talks[i];
        }
    }
    struct sequence_talk *talk = util_alloc(sizeof *talk);
    talk->name = name;
    talk->flow = wire_flow(&m->wire);
    talk->flow.end[0].port = (uint16_t)(talk->flow.end[0].port + m->talk_count);
    talk->call_id = 1;
    talk->order = CMRP_LITTLE_ENDIAN;
    m->talks = util_grow(m->talks, m->talk_count + 1, sizeof *m->talks);
    m->talks[m->talk_count++] = talk;
    talk->number = (uint8_t)m->talk_count;
    return talk;
}

// ---- the step -----------------------------------------------------------------------------------

static bool read_group(struct sequence_maker *m, const json_t *bind, struct sequence_talk *talk,
                       struct binding *b) {
    const json_t *group = json_object_get(bind, "group");
    const char *name = json_string_value(group);
    json_int_t number = 0, answered = -1;
    b->group_offered = b->alter ? talk->group : 0;
    if (name != NULL) {
        b->group_offered = sequence_talk(m, name)->group;
        if (b->group_offered == 0) {
            return sequence_wrong(m, "bind/group", "is no connection that has a group");
        }
    } else if (group != NULL) {
        if (!read_number(m, "bind", bind, "group", UINT32_MAX, &number)) {
            return false;
        }
        b->group_offered = (uint32_t)number;
    }
    if (!read_number(m, "bind", bind, "group_answered", UINT32_MAX, &answered)) {
        return false;
    }
    b->group_answered = answered >= 0          ? (uint32_t)answered
                        : b->group_offered > 0 ? b->group_offered
                                               : ++m->groups;
    return true;
}

enum { ANSWER_ACK, ANSWER_NAK, ANSWER_FAULT, ANSWER_NONE };

static bool read_bind(struct sequence_maker *m, struct sequence_talk *talk, const json_t *bind,
                      struct binding *b) {
    static const char *const keys[] = {
        "client", "server",         "transport", "alter",  "interface",  "minor",    "uuid",
        "syntax", "chosen",         "result",    "reason", "id",         "contexts", "drep",
        "group",  "group_answered", "auth",      "answer", "nak_reason", NULL};
    static const char *const answers[] = {"ack", "nak", "fault", "none", NULL};
    static const char *const orders[] = {"le", "be", NULL};
    static const char *const transports[] = {"tcp", "udp", NULL};
    const json_t *auth = json_object_get(bind, "auth");
    const json_t *alter = json_object_get(bind, "alter");
    unsigned order = talk->order == CMRP_BIG_ENDIAN, transport = talk->datagrams;
    json_int_t reason = 0;
    if (bind != NULL && (!json_is_object(bind) || !sequence_keys(m, "bind", bind, keys))) {
        return json_is_object(bind) ? false : sequence_wrong(m, "bind", "is not an object");
    }
    if (alter != NULL && !json_is_true(alter)) {
        return sequence_wrong(m, "bind/alter", "is not true");
    }
    b->alter = alter != NULL;
    if (b->alter != talk->bound) {
        return sequence_wrong(m, "bind", "alter stands where there is no bind yet, or is missing");
    }
    if (!read_end(m, bind, "client", &talk->flow.end[0]) ||
        !read_end(m, bind, "server", &talk->flow.end[1]) ||
        !read_choice(m, "bind", json_object_get(bind, "transport"), "transport", transports, false,
                     &transport) ||
        !read_choice(m, "bind", json_object_get(bind, "drep"), "drep", orders, false, &order) ||
        !read_choice(m, "bind", json_object_get(bind, "answer"), "answer", answers, false,
                     &b->answer) ||
        !read_number(m, "bind", bind, "nak_reason", UINT16_MAX, &reason) ||
        (auth != NULL && !sequence_read_security(m, "bind/auth", auth, &talk->security))) {
        return false;
    }
    if (talk->flow.end[0].family != talk->flow.end[1].family) {
        return sequence_wrong(m, "bind", "client and server have addresses of different kinds");
    }
    b->nak_reason = (uint32_t)reason;
    talk->secured = talk->secured || auth != NULL;
    talk->order = order != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    talk->datagrams = transport != 0;
    return read_group(m, bind, talk, b) && read_contexts(m, talk, bind, b);
}

static cmrp_pdu bind_pdu(const struct sequence_talk *talk, uint8_t ptype, uint32_t call_id) {
    return (cmrp_pdu){.header = wire_header(ptype, talk->order, call_id),
                      .max_xmit_frag = WIRE_FRAGMENT,
                      .max_recv_frag = WIRE_FRAGMENT};
}

static void send_bind(struct sequence_talk *talk, const struct binding *b, uint32_t call_id) {
    cmrp_pdu_context contexts[SEQUENCE_CONTEXTS];
    cmrp_pdu pdu = bind_pdu(talk, b->alter ? CMRP_PTYPE_ALTER_CONTEXT : CMRP_PTYPE_BIND, call_id);
    for (size_t i = 0; i < b->count; i++) {
        contexts[i] = b->offers[i].context;
    }
    pdu.assoc_group_id = b->group_offered;
    pdu.list_count = (uint8_t)b->count;
    pdu.contexts = contexts;
    sequence_secure(&talk->security, 0, &pdu);
    wire_pdu(&talk->flow, WIRE_TO_SERVER, &pdu);
}

static void send_ack(struct sequence_talk *talk, const struct binding *b, uint32_t call_id) {
    static const char address[] = "49152";
    cmrp_pdu_result all[SEQUENCE_CONTEXTS];
    cmrp_pdu pdu =
        bind_pdu(talk, b->alter ? CMRP_PTYPE_ALTER_CONTEXT_RESP : CMRP_PTYPE_BIND_ACK, call_id);
    for (size_t i = 0; i < b->count; i++) {
        all[i] = b->offers[i].result;
    }
    pdu.assoc_group_id = b->group_answered;
    pdu.sec_addr = (cmrp_view){(const uint8_t *)address, b->alter ? 0 : sizeof address - 1};
    pdu.list_count = (uint8_t)b->count;
    pdu.results = all;
    sequence_secure(&talk->security, 0, &pdu);
    wire_pdu(&talk->flow, WIRE_TO_CLIENT, &pdu);
}

static void send_refusal(struct sequence_talk *talk, const struct binding *b, uint32_t call_id) {
    static const uint8_t versions[] = {5, 0};
    cmrp_pdu pdu = {
        .header = wire_header(b->answer == ANSWER_NAK ? CMRP_PTYPE_BIND_NAK : CMRP_PTYPE_FAULT,
                              talk->order, call_id)};
    if (b->answer == ANSWER_NAK) {
        pdu.nak_reason = (uint16_t)b->nak_reason;
        pdu.list_count = 1;
        pdu.list = (cmrp_view){versions, sizeof versions};
    } else {
        pdu.status = 5; // access denied
    }
    wire_pdu(&talk->flow, WIRE_TO_CLIENT, &pdu);
}

bool sequence_bind(struct sequence_maker *m, struct sequence_talk *talk, const json_t *bind) {
    struct binding b = {0};
    if (!read_bind(m, talk, bind, &b)) {
        return false;
    }
    talk->bound = true;
    if (talk->datagrams) {
        return true;
    }
    if (!talk->opened) {
        talk->opened = true;
        wire_open(&talk->flow);
    }
    const uint32_t call_id = talk->call_id++;
    send_bind(talk, &b, call_id);
    if (b.answer == ANSWER_ACK) {
        talk->group = b.group_answered;
        send_ack(talk, &b, call_id);
    } else if (b.answer != ANSWER_NONE) {
        send_refusal(talk, &b, call_id);
    }
    return true;
}
