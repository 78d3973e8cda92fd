// SPDX-License-Identifier: Apache-2.0
// Presentation contexts: what is offered, chosen, refused, or never answered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

static void test_contexts(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t ids[] = {7, 0xffff, 3};
    const cmrp_syntax_id interfaces[] = {clusapi_3, other_interface, clusapi_3};
    const cmrp_syntax_id transfers[] = {ndr64, ndr20, ndr20};
    const uint16_t results[] = {CMRP_RESULT_ACCEPTANCE, CMRP_RESULT_ACCEPTANCE,
                                CMRP_RESULT_PROVIDER_REJECTION};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 3);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, transfers, results, 3);
    talk_request(&c, BOTH, 2, 7, 65, "a");
    talk_response(&c, BOTH, 2, 7, "b");
    talk_request(&c, BOTH, 3, 0xffff, 65, "other");
    talk_response(&c, BOTH, 3, 0xffff, "other");
    talk_request(&c, BOTH, 4, 3, 65, "rejected");
    talk_fault(&c, 4, 0, 0x1c00001c);
    talk_request(&c, BOTH, 5, 99, 65, "never offered");
    talk_fault(&c, 5, 99, 0x1c00001c);
    expect_cuts(
        &c, plainly,
        "bind 1 @1 7=0 65535=0 3=2: bind_ack @2\n"
        "call 2 context 7 v3 opnum 65 request whole[a] 1/1 @3 response whole[b] 1/1 @4\n"
        "note unknown-context @7: call 4 (opnum 65) uses presentation context 3, which was "
        "not accepted\n"
        "note unknown-context @9: call 5 (opnum 65) uses presentation context 99, which was "
        "not accepted\n");
    conversation_free(&c);
}

// Contexts added, and one redefined while a call that uses it is outstanding.
static void test_alter_context(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t zero = 0;
    const uint16_t one = 1;
    const cmrp_syntax_id version_2 = {clusapi_3.uuid, 2, 0};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &other_interface, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    talk_request(&c, BOTH, 2, 0, 65, "other");
    talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, 3, &one, &clusapi_3, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_ALTER_CONTEXT_RESP, 3, &ndr20, NULL, 1);
    talk_request(&c, BOTH, 4, 1, 65, "a");
    talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, 5, &one, &version_2, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_ALTER_CONTEXT_RESP, 5, &ndr20, NULL, 1);
    talk_request(&c, BOTH, 6, 1, 65, "b");
    talk_response(&c, BOTH, 6, 1, "B");
    talk_response(&c, BOTH, 4, 1, "A");
    talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, 7, &one, &other_interface, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_ALTER_CONTEXT_RESP, 7, &ndr20, NULL, 1);
    talk_request(&c, BOTH, 8, 1, 65, "other again");
    expect_cuts(&c, plainly,
                "alter_context 3 @4 1=0: alter_context_resp @5\n"
                "alter_context 5 @7 1=0: alter_context_resp @8\n"
                "call 6 context 1 v2 opnum 65 request whole[b] 1/1 @9 response whole[B] 1/1 @10\n"
                "call 4 context 1 v3 opnum 65 request whole[a] 1/1 @6 response whole[A] 1/1 @11\n");
    conversation_free(&c);
}

static void test_nak_and_fault(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t zero = 0;
    const cmrp_pdu nak = {.header = {.ptype = CMRP_PTYPE_BIND_NAK, .flags = BOTH, .call_id = 1},
                          .nak_reason = 4};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &clusapi_3, &ndr20, 1);
    talk_pdu(&c, SERVER, &nak);
    talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, 2, &zero, &clusapi_3, &ndr20, 1);
    talk_fault(&c, 2, 0, 5);
    talk_bind(&c, CMRP_PTYPE_ALTER_CONTEXT, 3, &zero, &clusapi_3, &ndr20, 1);
    expect_cuts(&c, plainly,
                "bind 1 @1 0: bind_nak @2\n"
                "alter_context 2 @3 0: fault @4\n"
                "alter_context 3 @5 0\n");
    conversation_free(&c);
}

// Several transfer syntaxes in one element: the server's choice counts.
static void test_several_syntaxes(void **state) {
    (void)state;
    struct conversation c = {0};
    const cmrp_syntax_id both[] = {ndr20, ndr64};
    const cmrp_pdu_context context = {
        .id = 0, .abstract_syntax = clusapi_3, .transfer_count = 2, .transfers = both};
    const cmrp_pdu bind = {.header = {.ptype = CMRP_PTYPE_BIND, .flags = BOTH, .call_id = 1},
                           .list_count = 1,
                           .contexts = &context};
    talk_pdu(&c, CLIENT, &bind);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, &ndr64, NULL, 1);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    struct buffer text = {0};
    struct log log = {&text, false, 0};
    struct assoc_events events = log_events;
    events.context = &log;
    struct assoc *a = assoc_create(NULL, &events, NULL);
    for (size_t i = 0; i < c.count; i++) {
        const struct assoc_stamp stamp = {0};
        assoc_data(a, c.pieces[i].direction, c.octets.data + c.pieces[i].at, c.pieces[i].size,
                   &stamp);
    }
    assoc_close(a, &(struct assoc_stamp){0});
    assoc_destroy(a);
    assert_string_equal(buffer_text(&text),
                        "bind 1 0=0: bind_ack\n"
                        "call 2 context 0 v3 opnum 65 request whole[a] 1/1 response absent\n");
    buffer_free(&text);
    conversation_free(&c);
}

static cmrp_syntax_id seen_transfer;

static void remember_transfer(void *context, const struct assoc_call *call) {
    (void)context;
    seen_transfer = call->transfer;
}

// The transfer syntax of a call, for an answer that names `chosen` and `result`.
static const cmrp_syntax_id *transfer_after(const cmrp_syntax_id *offered, uint8_t count,
                                            const cmrp_syntax_id *chosen) {
    struct conversation c = {0};
    const struct assoc_events events = {.call = remember_transfer};
    const struct assoc_stamp stamp = {0};
    const cmrp_pdu_context context = {
        .abstract_syntax = clusapi_3, .transfer_count = count, .transfers = offered};
    const cmrp_pdu bind = {.header = {.ptype = CMRP_PTYPE_BIND, .flags = BOTH, .call_id = 1},
                           .list_count = 1,
                           .contexts = &context};
    seen_transfer = (cmrp_syntax_id){0};
    talk_pdu(&c, CLIENT, &bind);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, chosen, NULL, 1);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    struct assoc *a = assoc_create(NULL, &events, NULL);
    for (size_t i = 0; i < c.count; i++) {
        assoc_data(a, c.pieces[i].direction, c.octets.data + c.pieces[i].at, c.pieces[i].size,
                   &stamp);
    }
    assoc_close(a, &stamp);
    assoc_destroy(a);
    conversation_free(&c);
    return &seen_transfer;
}

static void test_chosen_syntax(void **state) {
    (void)state;
    const cmrp_syntax_id both[] = {ndr20, ndr64};
    const cmrp_syntax_id with_features[] = {features, ndr64};
    const cmrp_syntax_id none = {0};
    assert_memory_equal(transfer_after(both, 2, &ndr64), &ndr64, sizeof ndr64);
    assert_memory_equal(transfer_after(both, 2, &ndr20), &ndr20, sizeof ndr20);
    assert_memory_equal(transfer_after(both, 1, &ndr20), &ndr20, sizeof ndr20);
    // a careless server: one syntax was offered, the answer names none
    assert_memory_equal(transfer_after(with_features, 2, &none), &ndr64, sizeof ndr64);
    // only features: that is no context for calls
    assert_memory_equal(transfer_after(with_features, 1, &features), &none, sizeof none);
}

// The answer to the bind is missing: with one transfer syntax there is no doubt.
static void test_answer_missing(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t zero = 0;
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &clusapi_3, &ndr20, 1);
    talk_gap(&c, SERVER, 60);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    expect_cuts(&c, plainly,
                "note assumed-context @3: the answer to the bind was not seen: context 0 is taken "
                "as accepted\n"
                "loss 1 missing 60 skipped 0 @2\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[b] 1/1 @4\n"
                "bind 1 @1 0\n");
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts),      cmocka_unit_test(test_alter_context),
        cmocka_unit_test(test_nak_and_fault), cmocka_unit_test(test_several_syntaxes),
        cmocka_unit_test(test_chosen_syntax), cmocka_unit_test(test_answer_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
