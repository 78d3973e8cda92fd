// SPDX-License-Identifier: Apache-2.0
// Limits of stubs, calls, contexts, offers and memory: what is given up, and what is left.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

static void test_stub_limit(void **state) {
    (void)state;
    const struct assoc_limits limits = {.stub = 10};
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_request(&c, LAST, 2, 0, 113, "ij");
    talk_response(&c, BOTH, 2, 0, "12345678901");
    talk_request(&c, FIRST, 3, 0, 113, "abcdefgh");
    talk_request(&c, 0, 3, 0, 113, "ijk");
    talk_request(&c, LAST, 3, 0, 113, "l");
    talk_response(&c, BOTH, 3, 0, "ok");
    expect_cuts(&c, (struct playing){.stamps = true, .limits = &limits},
                "bind 1 @1 0=0: bind_ack @2\n"
                "note stub-limit @5: call 2: a stub of more than 10 octets is not read\n"
                "call 2 context 0 v3 opnum 113 request whole[abcdefghij] 2/10 @4 response large "
                "1/11 @5\n"
                "note stub-limit @7: call 3: a stub of more than 10 octets is not read\n"
                "call 3 context 0 v3 opnum 113 request large 3/12 @8 response whole[ok] 1/2 @9\n");
    conversation_free(&c);
}

static void test_call_limit(void **state) {
    (void)state;
    const struct assoc_limits limits = {.calls = 2};
    struct conversation c = {0};
    talk_usual_bind(&c);
    for (uint32_t i = 2; i <= 5; i++) {
        talk_request(&c, BOTH, i, 0, 65, "a");
    }
    talk_response(&c, BOTH, 4, 0, "b");
    expect_cuts(&c, (struct playing){.stamps = true, .limits = &limits},
                "bind 1 @1 0=0: bind_ack @2\n"
                "note call-limit @5: more than 2 calls are outstanding: the oldest is given up\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response absent given up\n"
                "call 3 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent given up\n"
                "call 4 context 0 v3 opnum 65 request whole[a] 1/1 @5 response whole[b] 1/1 @7\n"
                "call 5 context 0 v3 opnum 65 request whole[a] 1/1 @6 response absent\n");
    conversation_free(&c);
}

// The answer to a call that was given up is swallowed, whole or in fragments or a fault; an
// identifier that is used again is a new call.
static void test_late_answers(void **state) {
    (void)state;
    struct conversation c = {0};
    const struct assoc_limits limits = {.calls = 1};
    const struct playing how = {.limits = &limits, .stamps = true};
    talk_usual_bind(&c);
    for (uint32_t i = 2; i < 7; i++) {
        talk_request(&c, BOTH, i, 0, 65, "a");
    }
    talk_response(&c, BOTH, 3, 0, "A");
    talk_response(&c, FIRST, 2, 0, "A");
    talk_response(&c, LAST, 2, 0, "A");
    talk_fault(&c, 4, 0, 5);
    talk_response(&c, BOTH, 3, 0, "once is enough");
    talk_request(&c, BOTH, 5, 0, 65, "b");
    talk_response(&c, BOTH, 5, 0, "B");
    expect_cuts(
        &c, how,
        "bind 1 @1 0=0: bind_ack @2\n"
        "note call-limit @4: more than 1 calls are outstanding: the oldest is given up\n"
        "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response absent given up\n"
        "call 3 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent given up\n"
        "call 4 context 0 v3 opnum 65 request whole[a] 1/1 @5 response absent given up\n"
        "call 5 context 0 v3 opnum 65 request whole[a] 1/1 @6 response absent given up\n"
        "call 6 context 0 v3 opnum 65 request whole[a] 1/1 @7 response absent given up\n"
        "call 3 context 0 v3 request absent response whole[once is enough] 1/14 @12\n"
        "call 5 context 0 v3 opnum 65 request whole[b] 1/1 @13 response whole[B] 1/1 @14\n");
    conversation_free(&c);
}

static void test_context_limit(void **state) {
    (void)state;
    const struct assoc_limits limits = {.contexts = 1};
    struct conversation c = {0};
    const uint16_t ids[] = {0, 1};
    const cmrp_syntax_id interfaces[] = {clusapi_3, clusapi_3};
    const cmrp_syntax_id transfers[] = {ndr20, ndr64};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 2);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, transfers, NULL, 2);
    talk_request(&c, BOTH, 2, 1, 65, "a");
    talk_request(&c, BOTH, 3, 0, 65, "b");
    expect(&c, (struct playing){.stamps = true, .limits = &limits},
           "note context-limit @2: more than 1 presentation contexts: the later ones are not "
           "remembered\n"
           "bind 1 @1 0=0 1=0: bind_ack @2\n"
           "note unknown-context @3: call 2 (opnum 65) uses presentation context 1, which was not "
           "accepted\n"
           "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response absent\n");
    conversation_free(&c);
}

static void test_offer_limit(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t zero = 0;
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &clusapi_3, &ndr20, 1);
    for (uint32_t i = 2; i <= ASSOC_OFFERS + 1; i++) {
        talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, i, &zero, &clusapi_3, &ndr20, 1);
    }
    talk_answer(&c, CMRP_PTYPE_ALTER_CONTEXT_RESP, 3, &ndr20, NULL, 1);
    expect(&c, (struct playing){0},
           "note offer-limit: more than 4 binds without an answer: the oldest is given up\n"
           "bind 1 0\n"
           "alter_context 3 0=0: alter_context_resp\n"
           "alter_context 2 0\n"
           "alter_context 4 0\n"
           "alter_context 5 0\n");
    conversation_free(&c);
}

// Memory that connections share: the oldest calls make room, then something is left out.
static void test_memory_limit(void **state) {
    (void)state;
    struct assoc_memory memory = {.limit = 12000};
    char stub[4001];
    struct conversation c = {0};
    struct played p;
    memset(stub, 'x', sizeof stub - 1);
    stub[sizeof stub - 1] = '\0';
    talk_usual_bind(&c);
    for (uint32_t i = 2; i <= 6; i++) {
        talk_request(&c, BOTH, i, 0, 65, stub);
    }
    for (uint32_t i = 2; i <= 6; i++) {
        talk_response(&c, BOTH, i, 0, "b");
    }
    play(&c, &(struct playing){.memory = &memory}, &p);
    assert_int_equal(memory.used, 0);
    assert_int_equal(p.counts.calls, 5);
    assert_non_null(strstr(text_of(&p), "response absent"));
    assert_non_null(strstr(text_of(&p), "xxxx] 1/4000 response whole[b]"));
    played_free(&p);
    memory.limit = 3000;
    play(&c, &(struct playing){.memory = &memory}, &p);
    assert_int_equal(memory.used, 0);
    assert_non_null(strstr(text_of(&p), "note memory-limit"));
    assert_non_null(strstr(text_of(&p), "request large 1/4000 response whole[b]"));
    played_free(&p);
    play(&c, &(struct playing){.memory = &memory, .piece = 100}, &p);
    assert_int_equal(memory.used, 0);
    assert_non_null(strstr(text_of(&p), "note memory-limit"));
    assert_non_null(strstr(text_of(&p), "response whole[b]"));
    played_free(&p);
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stub_limit),   cmocka_unit_test(test_call_limit),
        cmocka_unit_test(test_late_answers), cmocka_unit_test(test_context_limit),
        cmocka_unit_test(test_offer_limit),  cmocka_unit_test(test_memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
