// SPDX-License-Identifier: Apache-2.0
#include "fuzz_rules_talk.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "rules"

enum {
    LINES = 6,    // connections that are open at a time
    CALLS = 8,    // under way at a time
    PDU = 512,    // octets of a bind or its answer
    CONTEXTS = 3, // of a bind
    STEPS = 400,  // an input is cut there
    GROUPS = 5,
    APART = 64, // between two frames
    LATE = 32,  // frames by which a packet is late at most
};

// A connection, or a conversation over datagrams.
struct line {
    bool open;
    bool datagrams;
    struct rules_peers peers;
    uint32_t group;
    unsigned interface;
    cmrp_syntax syntax;
    cmrp_order order;
    uint8_t auth_type;
    uint8_t auth_level;
};

struct under_way {
    struct line *line; // NULL: not in use
    struct assoc_call call;
    const cmrp_method *method;
    struct side request;
};

struct talk {
    struct draws draws;
    enum doubts doubts;
    struct rules *rules;
    struct telling *now;
    uint64_t frame;
    uint64_t connections;
    uint32_t call_id;
    uint32_t steps;
    struct line lines[LINES];
    struct under_way calls[CALLS];
};

static uint32_t draw(struct talk *t, uint32_t bound) {
    return draw_below(&t->draws, bound);
}

// Now and then a packet was recorded before one that had been sent earlier. No two have one number.
static struct assoc_stamp stamp_of(struct talk *t) {
    const uint64_t at = ++t->frame * APART;
    const uint64_t late =
        draw(t, 16) == 15 ? draw(t, LATE) * APART + 1 + t->frame % (APART - 1) : 0;
    return (struct assoc_stamp){.frame = at - late};
}

// ---- connections --------------------------------------------------------------------------------

static struct line *open_line(struct talk *t) {
    struct line *line = &t->lines[draw(t, LINES)];
    if (line->open) {
        return line;
    }
    *line = (struct line){.open = true, .datagrams = draw(t, 16) == 15};
    line->peers = (struct rules_peers){.connection = ++t->connections,
                                       .client = {.port = 50000, .family = 4},
                                       .server = {.port = 49670, .family = 4},
                                       .whole = draw(t, 16) != 15};
    line->peers.client.address[3] = (uint8_t)(1 + draw(t, 3));
    line->peers.server.address[3] = (uint8_t)(101 + draw(t, 3) / 2);
    line->interface = draw(t, 4) == 3 ? CMRP_INTERFACE_2 : CMRP_INTERFACE_3;
    line->syntax = line->interface == CMRP_INTERFACE_3 && draw(t, 4) == 3 ? CMRP_NDR64 : CMRP_NDR20;
    line->order = draw(t, 8) == 7 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    line->group = line->datagrams ? 0 : draw(t, GROUPS);
    if (t->doubts == DOUBTS_FROM_THE_START) {
        line->peers.whole = false;
        rules_blind(t->rules, &line->peers, 0);
    }
    return line;
}

static cmrp_syntax_id draw_transfer(struct talk *t, const struct line *line) {
    cmrp_syntax_id id = {cmrp_uuid_ndr20, 2, 0};
    if ((line->syntax == CMRP_NDR64) != (draw(t, 4) == 3)) {
        id = (cmrp_syntax_id){cmrp_uuid_ndr64, 1, 0};
    }
    return id;
}

struct pdu {
    uint8_t *octets; // a block of its own
    size_t size;
    cmrp_pdu pdu;
};

static struct pdu made_pdu(cmrp_pdu *pdu) {
    uint8_t octets[PDU];
    struct pdu made = {.octets = NULL};
    cmrp_error error = {0};
    cmrp_writer w;
    pdu->header.drep[0] = 0x10;
    pdu->header.flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    pdu->max_xmit_frag = pdu->max_recv_frag = 5840;
    cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
    if (!cmrp_pdu_encode(pdu, &w)) {
        fuzz_fail(PROPERTY, "a bind cannot be made: %s of %s", cmrp_code_id(error.code),
                  error.field);
    }
    made.size = w.size;
    made.octets = util_alloc(w.size);
    memcpy(made.octets, octets, w.size);
    if (!cmrp_pdu_decode((cmrp_view){made.octets, made.size}, 0, &made.pdu, NULL, NULL, &error)) {
        fuzz_fail(PROPERTY, "a bind cannot be read: %s of %s", cmrp_code_id(error.code),
                  error.field);
    }
    return made;
}

static void draw_security(struct talk *t, struct line *line, uint8_t token[16], cmrp_pdu *pdu) {
    static const uint8_t types[] = {9, 10, 16, 9, 9, 68, 0, 255};
    const uint32_t how = draw(t, 8);
    line->auth_type = types[how];
    line->auth_level = how == 6 ? 0 : (uint8_t)draw(t, 8);
    for (size_t i = 0; i < 16; i++) {
        token[i] = how == 3 ? (uint8_t)draw(t, 256) : (uint8_t)i;
    }
    pdu->has_auth = line->auth_type != 0;
    pdu->auth_type = line->auth_type;
    pdu->auth_level = line->auth_level;
    pdu->auth_token = (cmrp_view){token, pdu->has_auth ? 16u : 0u};
}

static struct pdu draw_offer(struct talk *t, struct line *line, uint8_t *count) {
    cmrp_syntax_id transfers[CONTEXTS][2];
    cmrp_pdu_context contexts[CONTEXTS] = {0};
    uint8_t token[16];
    cmrp_pdu pdu = {.contexts = contexts};
    pdu.header.ptype = draw(t, 4) == 3 ? CMRP_PTYPE_ALTER_CONTEXT : CMRP_PTYPE_BIND;
    pdu.assoc_group_id = draw(t, 2) == 0 ? 0 : line->group;
    pdu.list_count = *count = (uint8_t)(1 + draw(t, CONTEXTS));
    for (uint16_t i = 0; i < *count; i++) {
        const unsigned version = draw(t, 8) == 7 ? 4 : line->interface;
        transfers[i][0] = draw_transfer(t, line);
        transfers[i][1] = draw_transfer(t, line);
        contexts[i] = (cmrp_pdu_context){
            .id = i,
            .abstract_syntax = {draw(t, 8) == 7 ? cmrp_uuid_ndr20 : cmrp_uuid_clusapi,
                                (uint16_t)version, 0},
            .transfer_count = (uint8_t)(1 + draw(t, 2)),
            .transfers = transfers[i]};
    }
    draw_security(t, line, token, &pdu);
    return made_pdu(&pdu);
}

static struct pdu draw_answer(struct talk *t, const struct line *line, uint8_t count) {
    static const uint8_t types[] = {CMRP_PTYPE_BIND_ACK, CMRP_PTYPE_BIND_ACK,
                                    CMRP_PTYPE_ALTER_CONTEXT_RESP, CMRP_PTYPE_FAULT};
    cmrp_pdu_result results[CONTEXTS + 1] = {0};
    cmrp_pdu pdu = {.assoc_group_id = line->group, .results = results};
    pdu.header.ptype = types[draw(t, 4)];
    if (pdu.header.ptype != CMRP_PTYPE_FAULT) {
        pdu.list_count = (uint8_t)(draw(t, 8) == 7 ? count + 1 : count);
        for (uint8_t i = 0; i < pdu.list_count; i++) {
            results[i].result = (uint16_t)(draw(t, 4) == 3 ? 2 : 0);
            results[i].reason = (uint16_t)draw(t, 3);
            results[i].transfer = draw_transfer(t, line);
        }
    }
    return made_pdu(&pdu);
}

static void bind(struct talk *t) {
    struct line *line = open_line(t);
    uint8_t count;
    if (line->datagrams) {
        return;
    }
    struct pdu offer = draw_offer(t, line, &count);
    struct pdu answer = draw_answer(t, line, count);
    struct assoc_bind told = {.offer = &offer.pdu, .offered = stamp_of(t)};
    told.offer_octets = (cmrp_view){offer.octets, offer.size};
    if (draw(t, 16) != 15) {
        told.answer = &answer.pdu;
        told.answered = stamp_of(t);
        told.answer_octets = (cmrp_view){answer.octets, answer.size};
    }
    *t->now = (struct telling){.bind = &told, .peers = &line->peers};
    rules_bind(t->rules, &line->peers, &told);
    free(offer.octets);
    free(answer.octets);
}

// ---- calls --------------------------------------------------------------------------------------

// Methods that have to do with each other come more often.
static uint16_t draw_opnum(struct talk *t) {
    static const uint8_t often[] = {0,   1,   28,  29,  30,  32,  33,  34,  35, 36,  37,
                                    41,  44,  55,  56,  57,  59,  61,  63,  65, 107, 113,
                                    114, 115, 116, 137, 138, 139, 145, 147, 66, 8};
    const uint32_t how = draw(t, 256);
    return how < 200 ? often[how % sizeof often] : (uint16_t)(draw(t, 256) + how % 2);
}

static struct assoc_part whole_part(const struct line *line, const struct side *side,
                                    struct assoc_stamp stamp) {
    return (struct assoc_part){.state = ASSOC_WHOLE,
                               .stub = side->shown.stub,
                               .order = side->shown.format.order,
                               .drep = {line->order == CMRP_LITTLE_ENDIAN ? 0x10 : 0},
                               .octets = side->shown.stub.size,
                               .fragments = 1,
                               .auth_type = line->auth_type,
                               .auth_level = line->auth_level,
                               .stamp = stamp};
}

// Something else than a whole stub.
static void spoil(struct talk *t, struct assoc_part *part, struct side *side) {
    const uint32_t how = draw(t, 64);
    if (how >= 60) {
        static const enum assoc_part_state states[] = {ASSOC_ABSENT, ASSOC_PARTIAL, ASSOC_LOST,
                                                       ASSOC_SEALED};
        part->state = states[how - 60];
        part->stub = (cmrp_view){NULL, 0};
        side->shown.decoded = false;
        if (part->state == ASSOC_ABSENT) {
            *part = (struct assoc_part){.state = ASSOC_ABSENT};
        }
    }
}

static cmrp_stub_format format_of(const struct line *line, const cmrp_method *method,
                                  bool response) {
    return (cmrp_stub_format){.method = method,
                              .interface = line->interface,
                              .response = response,
                              .syntax = line->syntax,
                              .order = response ? CMRP_LITTLE_ENDIAN : line->order};
}

static void ask(struct talk *t) {
    struct under_way *u = NULL;
    struct line *line = open_line(t);
    for (size_t i = 0; i < CALLS && u == NULL; i++) {
        u = t->calls[i].line == NULL ? &t->calls[i] : NULL;
    }
    if (u == NULL) {
        return;
    }
    *u = (struct under_way){.line = line};
    u->call = (struct assoc_call){.basis = draw(t, 16) == 15 ? ASSOC_GUESSED : ASSOC_BOUND,
                                  .group = line->group,
                                  .call_id = ++t->call_id,
                                  .opnum = draw_opnum(t),
                                  .interface = {cmrp_uuid_clusapi, (uint16_t)line->interface, 0},
                                  .connectionless = line->datagrams};
    u->method = cmrp_method_numbered(line->interface, u->call.opnum);
    if (u->method != NULL) {
        const cmrp_stub_format format = format_of(line, u->method, false);
        side_draw(&t->draws, &u->request, &format);
    }
    u->call.request = whole_part(line, &u->request, stamp_of(t));
    spoil(t, &u->call.request, &u->request);
    if (u->call.request.state == ASSOC_ABSENT) {
        u->method = NULL;
    } else if (!line->datagrams) {
        rules_request(t->rules, &line->peers, &u->call);
    }
}

static void answer(struct talk *t, struct under_way *u, bool lost) {
    struct side response = {.octets = NULL};
    const uint32_t how = draw(t, 32);
    if (how == 31 && !lost) {
        u->call.faulted = true;
        u->call.fault = 0x1c010002;
        u->call.response.stamp = stamp_of(t);
    } else if (how != 30 && !lost) {
        if (u->method != NULL) {
            const cmrp_stub_format format = format_of(u->line, u->method, true);
            side_draw(&t->draws, &response, &format);
        }
        u->call.response = whole_part(u->line, &response, stamp_of(t));
        spoil(t, &u->call.response, &response);
    }
    const struct rules_call told = {.call = &u->call,
                                    .method = u->method,
                                    .request = u->request.shown,
                                    .response = response.shown};
    *t->now = (struct telling){.call = &told, .peers = &u->line->peers};
    struct rules_call aligned = told;
    aligned.request.slots = u->request.slots;
    aligned.response.slots = response.slots;
    t->now->call = &aligned;
    rules_call(t->rules, &u->line->peers, &aligned);
    side_free(&response);
    side_free(&u->request);
    *u = (struct under_way){.line = NULL};
}

static void finish(struct talk *t) {
    const uint32_t from = draw(t, CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        struct under_way *u = &t->calls[(from + i) % CALLS];
        if (u->line != NULL) {
            answer(t, u, false);
            return;
        }
    }
}

// ---- the rest -----------------------------------------------------------------------------------

static void close_line(struct talk *t, struct line *line) {
    if (!line->open) {
        return;
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (t->calls[i].line == line) {
            answer(t, &t->calls[i], true);
        }
    }
    *t->now = (struct telling){.peers = &line->peers};
    rules_close(t->rules, &line->peers);
    line->open = false;
}

static void lose(struct talk *t, uint32_t which, bool known) {
    struct line *line = &t->lines[which % LINES];
    const uint64_t since = which % 2 == 0 ? t->frame * APART : t->frame / 2 * APART;
    if (!line->open) {
        return;
    }
    if (known) {
        line->peers.whole = false;
        rules_blind(t->rules, &line->peers, since);
    } else {
        rules_doubt(t->rules, &line->peers.client, &line->peers.server, since);
    }
}

static void step(struct talk *t) {
    const uint32_t what = draw(t, 64);
    if (what < 28) {
        ask(t);
    } else if (what < 56) {
        finish(t);
    } else if (what < 61) {
        bind(t);
    } else if (what == 61) {
        close_line(t, &t->lines[draw(t, LINES)]);
    } else {
        lose(t, draw(t, LINES), what == 62);
    }
    if (t->doubts == DOUBTS_NOW_AND_THEN && t->steps * 2654435761u >> 28 == 0) {
        lose(t, t->steps, t->steps % 3 != 0);
    }
}

void talk_tell(const uint8_t *data, size_t size, enum doubts doubts, struct rules *rules,
               struct telling *now, void (*check)(const struct rules *rules)) {
    struct talk *t = util_alloc(sizeof *t);
    *t = (struct talk){
        .draws = {data, size}, .doubts = doubts, .rules = rules, .now = now, .frame = 100};
    for (; t->draws.left > 0 && t->steps < STEPS; t->steps++) {
        step(t);
        check(rules);
    }
    for (size_t i = 0; i < LINES; i++) {
        close_line(t, &t->lines[i]);
        check(rules);
    }
    free(t);
}
