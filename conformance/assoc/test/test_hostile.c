// SPDX-License-Identifier: Apache-2.0
// Hostile peers: mutated conversations, given in pieces, with gaps. Nothing may crash, no memory
// may be left, and every view handed out must be readable.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "conversation.h"

enum { ROUNDS = 100000 };

// xorshift64*, seeded with a constant: a failure repeats.
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t n) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1d >> 32) % n);
}

// ---- a receiver that reads everything -----------------------------------------------------------

struct sink {
    uint64_t calls, binds, losses, notes;
    uint64_t sum;
};

static void read_view(struct sink *s, cmrp_view view) {
    for (size_t i = 0; i < view.size; i++) {
        s->sum += view.data[i];
    }
}

static void sink_call(void *context, const struct assoc_call *call) {
    struct sink *s = context;
    s->calls++;
    read_view(s, call->request.stub);
    read_view(s, call->response.stub);
    assert_true(cmrp_uuid_equal(&call->interface.uuid, &cmrp_uuid_clusapi));
    assert_true(call->request.state == ASSOC_WHOLE || call->request.stub.size == 0);
    assert_true(call->response.state == ASSOC_WHOLE || call->response.stub.size == 0);
    assert_true(call->request.state != ASSOC_ABSENT || call->response.state != ASSOC_ABSENT);
}

static void sink_bind(void *context, const struct assoc_bind *bind) {
    struct sink *s = context;
    size_t cursor = 0;
    cmrp_pdu_context offered;
    cmrp_pdu_result result;
    s->binds++;
    while (cmrp_pdu_next_context(bind->offer, &cursor, &offered)) {
        read_view(s, offered.raw);
    }
    cursor = 0;
    while (bind->answer != NULL && bind->answer->header.ptype == CMRP_PTYPE_BIND_ACK &&
           cmrp_pdu_next_result(bind->answer, &cursor, &result)) {
        s->sum += result.reason;
    }
}

static void sink_loss(void *context, const struct assoc_loss *loss) {
    struct sink *s = context;
    s->losses++;
    assert_true(loss->missing > 0 || loss->skipped > 0);
}

static void sink_note(void *context, enum assoc_note note, const char *text,
                      const struct assoc_stamp *stamp) {
    struct sink *s = context;
    (void)stamp;
    s->notes++;
    s->sum += strlen(text) + strlen(assoc_note_code(note));
}

// ---- material -----------------------------------------------------------------------------------

static void talk_everything(struct conversation *c) {
    const uint16_t ids[] = {0, 1, 2};
    const cmrp_syntax_id interfaces[] = {clusapi_3, clusapi_3, other_interface};
    const cmrp_syntax_id transfers[] = {ndr20, features, ndr20};
    const uint16_t results[] = {CMRP_RESULT_ACCEPTANCE, CMRP_RESULT_NEGOTIATE_ACK,
                                CMRP_RESULT_ACCEPTANCE};
    talk_bind(c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 3);
    talk_answer(c, CMRP_PTYPE_BIND_ACK, 1, transfers, results, 3);
    talk_request(c, BOTH, 2, 0, 137, "");
    talk_response(c, BOTH, 2, 0, "twenty octets or more");
    talk_request(c, FIRST, 3, 0, 113, "abcdefgh");
    talk_request(c, 0, 3, 0, 113, "ijklmnop");
    talk_request(c, LAST, 3, 0, 113, "q");
    talk_request(c, BOTH, 4, 2, 1, "other");
    talk_response(c, FIRST, 3, 0, "12345678");
    talk_response(c, BOTH, 4, 2, "other");
    talk_response(c, LAST, 3, 0, "9");
    talk_bind(c, CMRP_PTYPE_ALTER_CONTEXT, 5, &ids[1], &clusapi_3, &ndr64, 1);
    talk_answer(c, CMRP_PTYPE_ALTER_CONTEXT_RESP, 5, &ndr64, NULL, 1);
    talk_request(c, BOTH, 6, 1, 139, "x");
    talk_plain(c, CMRP_PTYPE_CO_CANCEL, 6);
    talk_fault(c, 6, 1, 0x1c00000d);
    talk_request(c, BOTH, 7, 0, 139, "x");
    talk_plain(c, CMRP_PTYPE_ORPHANED, 7);
    talk_plain(c, CMRP_PTYPE_SHUTDOWN, 0);
}

// Changes octets where it hurts: anywhere, in headers, in lengths.
static void mutate(const struct conversation *c, uint8_t *octets) {
    static const uint8_t interesting[] = {0, 1, 2, 5, 11, 12, 14, 16, 24, 0x7f, 0x80, 0xff};
    const uint32_t changes = random_below(6);
    for (uint32_t i = 0; i < changes; i++) {
        const struct piece *p = &c->pieces[random_below((uint32_t)c->count)];
        const uint32_t reach = random_below(2) == 0 ? 32 : (uint32_t)p->size;
        const size_t at = random_below(reach < p->size ? reach : (uint32_t)p->size);
        octets[p->at + at] = random_below(2) == 0 ? interesting[random_below(sizeof interesting)]
                                                  : (uint8_t)random_below(256);
    }
}

static void give(struct assoc *a, const struct piece *p, const uint8_t *octets) {
    const struct assoc_stamp stamp = {.frame = p->frame};
    size_t at = 0;
    while (at < p->size) {
        size_t n = random_below(3) == 0 ? 1 + random_below((uint32_t)(p->size - at)) : p->size - at;
        if (random_below(40) == 0) {
            assoc_gap(a, p->direction, n + random_below(50), &stamp);
        } else {
            uint8_t *copy = malloc(n);
            memcpy(copy, octets + p->at + at, n);
            (void)assoc_data(a, p->direction, copy, n, &stamp);
            free(copy);
        }
        at += n;
    }
}

static void test_mutations(void **state) {
    (void)state;
    struct conversation kinds[3] = {{.big_endian = false}, {.big_endian = true}, {.auth = {0}}};
    struct sink sink = {0};
    kinds[2].auth.level = ASSOC_LEVEL_INTEGRITY;
    kinds[2].auth.padding = 3;
    for (size_t k = 0; k < 3; k++) {
        talk_everything(&kinds[k]);
    }
    const struct assoc_events events = {.context = &sink,
                                        .bind = sink_bind,
                                        .call = sink_call,
                                        .loss = sink_loss,
                                        .note = sink_note};
    const struct assoc_limits small = {.stub = 20, .calls = 2, .contexts = 2};
    for (int round = 0; round < ROUNDS; round++) {
        const struct conversation *c = &kinds[random_below(3)];
        struct assoc_memory memory = {.limit = random_below(8) == 0 ? 1500 : 0};
        uint8_t *octets = malloc(c->octets.size);
        memcpy(octets, c->octets.data, c->octets.size);
        mutate(c, octets);
        struct assoc *a = assoc_create(random_below(4) == 0 ? &small : NULL, &events, &memory);
        for (size_t i = 0; i < c->count; i++) {
            // packets are dropped or swapped now and then
            const size_t other = i + (random_below(30) == 0 ? 1 : 0);
            if (random_below(60) != 0 && other < c->count) {
                give(a, &c->pieces[other], octets);
            }
        }
        if (random_below(10) != 0) {
            assoc_close(a, &(struct assoc_stamp){0});
        }
        assoc_destroy(a);
        assert_int_equal(memory.used, 0);
        free(octets);
    }
    // The material still reaches everything.
    assert_true(sink.calls > ROUNDS);
    assert_true(sink.binds > ROUNDS / 2);
    assert_true(sink.losses > ROUNDS / 10);
    assert_true(sink.notes > ROUNDS / 10);
    for (size_t k = 0; k < 3; k++) {
        conversation_free(&kinds[k]);
    }
}

// Mutants with gaps say the same however they are cut into pieces.
static void test_cuts_of_mutants(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 2, 5, 16, 40};
    const struct assoc_limits small = {.stub = 20, .calls = 2, .contexts = 2};
    struct conversation c = {0};
    talk_everything(&c);
    for (int round = 0; round < 4000; round++) {
        struct conversation mutant = {.pieces = util_alloc(c.count * sizeof *c.pieces),
                                      .count = c.count};
        struct playing how = {.stamps = true, .limits = round % 3 == 0 ? &small : NULL};
        struct played whole, cut;
        memcpy(mutant.pieces, c.pieces, c.count * sizeof *c.pieces);
        buffer_append(&mutant.octets, c.octets.data, c.octets.size);
        mutate(&c, mutant.octets.data);
        for (uint32_t gaps = random_below(4); gaps > 0; gaps--) {
            mutant.pieces[random_below((uint32_t)c.count)].gap = 1 + random_below(100);
        }
        for (uint32_t torn = random_below(4); torn > 0; torn--) {
            struct piece *p = &mutant.pieces[random_below((uint32_t)c.count)];
            const uint32_t off = random_below((uint32_t)p->size);
            p->at += off;
            p->size -= off;
        }
        play(&mutant, &how, &whole);
        how.piece = pieces[round % 5];
        play(&mutant, &how, &cut);
        assert_string_equal(buffer_text(&whole.text), buffer_text(&cut.text));
        played_free(&whole);
        played_free(&cut);
        conversation_free(&mutant);
    }
    conversation_free(&c);
}

// Streams that look like headers all over.
static void test_header_soup(void **state) {
    (void)state;
    static const uint8_t headers[][16] = {
        {5, 0, 0, 3, 16, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0},
        {5, 0, 2, 1, 16, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0},
        {5, 0, 11, 3, 0, 0, 0, 0, 0, 28, 0, 0, 1, 0, 0, 0},
        {5, 0, 18, 3, 16, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0},
        {5, 1, 3, 3, 16, 0, 0, 0, 32, 0, 0, 0, 5, 0, 0, 5},
        {5, 0, 14, 5, 0, 3, 0, 0, 0, 40, 0, 0, 1, 0, 0, 0},
    };
    enum { WINDOW = 256 * 1024 }; // what assoc.h says of one direction
    struct sink sink = {0};
    const struct assoc_events events = {.context = &sink,
                                        .bind = sink_bind,
                                        .call = sink_call,
                                        .loss = sink_loss,
                                        .note = sink_note};
    for (int round = 0; round < 300; round++) {
        const int pieces = round < 5 ? 5000 : 100;
        struct assoc_memory memory = {0};
        struct assoc *a = assoc_create(NULL, &events, &memory);
        const struct assoc_stamp stamp = {0};
        for (int i = 0; i < pieces; i++) {
            uint8_t soup[400] = {0};
            size_t size = 0;
            while (size + 32 < sizeof soup) {
                memcpy(soup + size, headers[random_below(6)], 16);
                size += random_below(8) == 0 ? 8 + random_below(24) : 16;
            }
            if (random_below(50) == 0) {
                assoc_gap(a, (int)random_below(2), 1 + random_below(100), &stamp);
            }
            if (!assoc_data(a, (int)random_below(2), soup, size, &stamp)) {
                break;
            }
            assert_true(memory.used <= 2 * WINDOW);
        }
        assoc_close(a, &stamp);
        assoc_destroy(a);
        assert_int_equal(memory.used, 0);
    }
}

// An interface offered with as many transfer syntaxes as a bind holds, and no answer.
static void offer_much(struct assoc *a, uint32_t call_id, uint16_t id) {
    enum {
        CONTEXTS = 12,
        SYNTAXES = 255,
        HEAD = 28,
        SIZE = HEAD + CONTEXTS * (24 + SYNTAXES * 20)
    };
    uint8_t *pdu = calloc(1, SIZE);
    size_t at = HEAD;
    memcpy(pdu, (uint8_t[]){5, 0, CMRP_PTYPE_BIND, BOTH}, 4);
    cmrp_store(pdu + 8, 2, SIZE, CMRP_BIG_ENDIAN);
    cmrp_store(pdu + 12, 4, call_id, CMRP_BIG_ENDIAN);
    pdu[24] = CONTEXTS;
    for (int i = 0; i < CONTEXTS; i++) {
        cmrp_store(pdu + at, 2, (uint16_t)(id + i), CMRP_BIG_ENDIAN);
        pdu[at + 2] = SYNTAXES;
        memcpy(pdu + at + 4, cmrp_uuid_clusapi.octets, 16);
        cmrp_store(pdu + at + 20, 4, 3, CMRP_BIG_ENDIAN);
        at += 24 + SYNTAXES * 20;
    }
    assert_true(assoc_data(a, 0, pdu, SIZE, &(struct assoc_stamp){0}));
    free(pdu);
}

// Calls on contexts that nobody offered cost next to nothing, whatever else was offered: each once
// took as long as reading all open offers, which would run into CTest's time limit.
static void test_offers_are_read_once(void **state) {
    (void)state;
    enum { CALLS = 200000 };
    struct sink sink = {0};
    const struct assoc_events events = {.context = &sink, .call = sink_call, .note = sink_note};
    struct assoc_memory memory = {0};
    struct assoc *a = assoc_create(NULL, &events, &memory);
    uint8_t request[24] = {5, 0, CMRP_PTYPE_REQUEST, BOTH, 16, [8] = 24};
    for (uint32_t i = 0; i < ASSOC_OFFERS; i++) {
        offer_much(a, 1 + i, (uint16_t)(100 * i));
    }
    assert_int_equal(assoc_kind(a), ASSOC_OURS);
    for (uint32_t i = 0; i < CALLS; i++) {
        cmrp_store(request + 12, 4, 10 + i, CMRP_LITTLE_ENDIAN);
        cmrp_store(request + 20, 2, 1000 + i % 60000, CMRP_LITTLE_ENDIAN);
        assert_true(assoc_data(a, 0, request, sizeof request, &(struct assoc_stamp){0}));
    }
    assert_true(sink.notes >= CALLS); // each is said to use a context that was not accepted
    assoc_close(a, &(struct assoc_stamp){0});
    assert_int_equal(sink.calls, 0);
    assoc_destroy(a);
    assert_int_equal(memory.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_cuts_of_mutants),
        cmocka_unit_test(test_header_soup),
        cmocka_unit_test(test_offers_are_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
