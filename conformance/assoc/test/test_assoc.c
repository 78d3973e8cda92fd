// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conversation.h"

enum { FIRST = CMRP_PFC_FIRST_FRAG, LAST = CMRP_PFC_LAST_FRAG, BOTH = WHOLE_FLAGS };

// ---- helpers ------------------------------------------------------------------------------------

static const char *text_of(struct played *p) {
    return buffer_text(&p->text);
}

static void expect(const struct conversation *c, struct playing how, const char *expected) {
    struct played p;
    play(c, &how, &p);
    assert_string_equal(text_of(&p), expected);
    assert_int_equal(p.memory, 0);
    played_free(&p);
}

// The events are the same however the octets are cut into pieces.
static void expect_cuts(const struct conversation *c, struct playing how, const char *expected) {
    static const size_t pieces[] = {1, 2, 3, 7, 16, 17, 31};
    expect(c, how, expected);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        how.piece = pieces[i];
        expect(c, how, expected);
    }
    how.piece = 0;
    for (how.split = 1; how.split < c->octets.size; how.split++) {
        expect(c, how, expected);
    }
    how.split = 0;
    how.stamps = false;
    struct played apart, merged;
    play(c, &how, &apart);
    how.merged = true;
    play(c, &how, &merged);
    assert_string_equal(text_of(&apart), text_of(&merged));
    played_free(&apart);
    played_free(&merged);
}

static const struct playing plainly = {.stamps = true};

// ---- an ordinary connection ---------------------------------------------------------------------

static void test_usual(void **state) {
    (void)state;
    struct conversation c = {0};
    const uint16_t ids[] = {0, 1};
    const cmrp_syntax_id interfaces[] = {clusapi_3, clusapi_3};
    const cmrp_syntax_id transfers[] = {ndr20, features};
    const uint16_t results[] = {CMRP_RESULT_ACCEPTANCE, CMRP_RESULT_NEGOTIATE_ACK};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 2);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, transfers, results, 2);
    talk_request(&c, BOTH, 2, 0, 137, "");
    talk_response(&c, BOTH, 2, 0, "created");
    talk_request(&c, BOTH, 3, 0, 138, "add");
    talk_fault(&c, 3, 0, 0x1c010002);
    talk_request(&c, BOTH, 4, 0, 139, "get");
    expect_cuts(
        &c, plainly,
        "bind 1 @1 0=0 1=3: bind_ack @2\n"
        "call 2 context 0 v3 opnum 137 request whole[] 1/0 @3 response whole[created] 1/7 @4\n"
        "call 3 context 0 v3 opnum 138 request whole[add] 1/3 @5 fault 0x1c010002! @6\n"
        "call 4 context 0 v3 opnum 139 request whole[get] 1/3 @7 response absent\n");
    conversation_free(&c);
}

static void test_counts(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 137, "");
    play(&c, &plainly, &p);
    assert_int_equal(p.kind, ASSOC_OURS);
    assert_int_equal(p.client, CLIENT);
    assert_int_equal(p.counts.pdus, 3);
    assert_int_equal(p.counts.calls, 1);
    assert_true(p.wanted);
    played_free(&p);
    conversation_free(&c);
}

// impacket gives its bind and its first request the same call identifier.
static void test_bind_and_request_share_an_identifier(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 1, 0, 115, "x");
    talk_response(&c, BOTH, 1, 0, "y");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "call 1 context 0 v3 opnum 115 request whole[x] 1/1 @3 response whole[y] 1/1 @4\n");
    conversation_free(&c);
}

static void test_big_endian(void **state) {
    (void)state;
    struct conversation c = {.big_endian = true};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "x");
    talk_response(&c, BOTH, 2, 0, "y");
    expect_cuts(
        &c, plainly,
        "bind 1 @1 0=0: bind_ack @2\n"
        "call 2 context 0 v3 opnum 65 request whole[x] 1/1 @3 response whole[y] 1/1 @4 be\n");
    conversation_free(&c);
}

// The client is the end that binds, whatever the direction is called.
static void test_client_is_learnt(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "x");
    talk_response(&c, BOTH, 2, 0, "y");
    for (size_t i = 0; i < c.count; i++) {
        c.pieces[i].direction = 1 - c.pieces[i].direction;
    }
    play(&c, &plainly, &p);
    assert_int_equal(p.client, 1);
    assert_string_equal(
        text_of(&p),
        "bind 1 @1 0=0: bind_ack @2\n"
        "call 2 context 0 v3 opnum 65 request whole[x] 1/1 @3 response whole[y] 1/1 @4\n");
    played_free(&p);
    conversation_free(&c);
}

static void test_wrong_direction(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_response(&c, BOTH, 2, 0, "y");
    c.pieces[2].direction = CLIENT;
    talk_response(&c, BOTH, 3, 0, "y");
    c.pieces[3].direction = CLIENT;
    expect(&c, plainly,
           "bind 1 @1 0=0: bind_ack @2\n"
           "note direction @3: a response came from the client; it is ignored\n");
    conversation_free(&c);
}

// ---- fragments and outstanding calls ------------------------------------------------------------

static void test_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_request(&c, 0, 2, 0, 113, "ijklmnop");
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_response(&c, FIRST, 2, 0, "12345678");
    talk_response(&c, LAST, 2, 0, "9");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "call 2 context 0 v3 opnum 113 request whole[abcdefghijklmnopqr] 3/18 @5 "
                "response whole[123456789] 2/9 @7\n");
    conversation_free(&c);
}

// Authentication trailers and padding are cut off every fragment.
static void test_fragments_with_trailers(void **state) {
    (void)state;
    struct conversation c = {0};
    c.auth.type = 10;
    c.auth.level = ASSOC_LEVEL_INTEGRITY;
    c.auth.padding = 6;
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_response(&c, BOTH, 2, 0, "9");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0 auth 10/5: bind_ack @2\n"
                "call 2 context 0 v3 opnum 113 request whole[abcdefghqr] 2/10 @4 "
                "response whole[9] 1/1 @5\n");
    conversation_free(&c);
}

static void test_interleaved(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 139, "two");
    talk_request(&c, BOTH, 3, 0, 115, "three");
    talk_request(&c, BOTH, 4, 0, 56, "four");
    talk_response(&c, FIRST, 3, 0, "th");
    talk_response(&c, FIRST, 2, 0, "t");
    talk_response(&c, BOTH, 4, 0, "f");
    talk_response(&c, LAST, 3, 0, "ree");
    talk_response(&c, LAST, 2, 0, "wo");
    expect_cuts(
        &c, plainly,
        "bind 1 @1 0=0: bind_ack @2\n"
        "call 4 context 0 v3 opnum 56 request whole[four] 1/4 @5 response whole[f] 1/1 @8\n"
        "call 3 context 0 v3 opnum 115 request whole[three] 1/5 @4 response whole[three] 2/5 @9\n"
        "call 2 context 0 v3 opnum 139 request whole[two] 1/3 @3 response whole[two] 2/3 @10\n");
    conversation_free(&c);
}

// A server may answer before the request's end; what is left of it is dropped in silence.
static void test_answered_early(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_fault(&c, 2, 0, 5);
    talk_request(&c, 0, 2, 0, 113, "ijklmnop");
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_request(&c, BOTH, 3, 0, 3, "");
    talk_response(&c, BOTH, 3, 0, "n");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "call 2 context 0 v3 opnum 113 request partial 1/8 @3 fault 0x00000005! @4\n"
                "call 3 context 0 v3 opnum 3 request whole[] 1/0 @7 response whole[n] 1/1 @8\n");
    conversation_free(&c);
}

static void test_stray_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_request(&c, 0, 2, 0, 113, "qr");
    talk_response(&c, LAST, 3, 0, "qr");
    talk_response(&c, BOTH, 4, 0, "s");
    expect(&c, plainly,
           "bind 1 @1 0=0: bind_ack @2\n"
           "note stray-fragment @3: a fragment of a request continues nothing (call 2)\n"
           "call 3 context 0 v3 request absent response lost 1/2 @5\n"
           "call 4 context 0 v3 request absent response whole[s] 1/1 @6\n");
    conversation_free(&c);
}

static void test_identifier_reused(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_request(&c, BOTH, 2, 0, 65, "b");
    talk_response(&c, BOTH, 2, 0, "c");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note call-id-reused @4: call identifier 2 is used again before its answer\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response absent\n"
                "call 2 context 0 v3 opnum 65 request whole[b] 1/1 @4 response whole[c] 1/1 @5\n");
    conversation_free(&c);
}

static void test_response_starts_again(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, FIRST, 2, 0, "c");
    talk_response(&c, FIRST, 2, 0, "d");
    talk_response(&c, LAST, 2, 0, "e");
    expect(&c, plainly,
           "bind 1 @1 0=0: bind_ack @2\n"
           "note stray-fragment @5: a fragment of a response continues nothing (call 2)\n"
           "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[de] 2/2 @6\n");
    conversation_free(&c);
}

static void test_cancel(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 139, "a");
    talk_request(&c, BOTH, 3, 0, 115, "b");
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 2);
    talk_plain(&c, CMRP_PTYPE_ORPHANED, 3);
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 9);
    talk_fault(&c, 2, 0, 0x1c00000d);
    talk_plain(&c, CMRP_PTYPE_SHUTDOWN, 0);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note cancel @5: the client cancels call 2\n"
                "note orphaned @6: the client gives up call 3\n"
                "note cancel @7: the client cancels call 9, which is not outstanding\n"
                "call 2 context 0 v3 opnum 139 request whole[a] 1/1 @3 fault 0x1c00000d! @8 "
                "cancelled\n"
                "note shutdown @9: the server asks to close the connection\n"
                "call 3 context 0 v3 opnum 115 request whole[b] 1/1 @4 response absent orphaned\n");
    conversation_free(&c);
}

// ---- contexts -----------------------------------------------------------------------------------

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

// ---- other protocols and interfaces -------------------------------------------------------------

static void test_other_interface(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    const uint16_t zero = 0;
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &other_interface, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    for (uint32_t i = 2; i < 10; i++) {
        talk_request(&c, BOTH, i, 0, 1, "something");
        talk_gap(&c, SERVER, 1000);
        talk_response(&c, BOTH, i, 0, "else");
    }
    play(&c, &plainly, &p);
    assert_string_equal(text_of(&p), "");
    assert_int_equal(p.kind, ASSOC_OTHER);
    assert_int_equal(p.counts.other_calls, 8);
    assert_int_equal(p.counts.calls, 0);
    assert_int_equal(p.memory, 0);
    played_free(&p);
    conversation_free(&c);
}

static void test_not_rpc(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    char page[70000];
    for (size_t i = 0; i < sizeof page; i++) {
        page[i] = (char)(i * i % 251); // fives included
    }
    talk_octets(&c, CLIENT, "GET / HTTP/1.1\r\nHost: cluster\r\n\r\n", 33);
    talk_octets(&c, SERVER, page, 60000);
    play(&c, &plainly, &p);
    assert_true(p.wanted); // a PDU could still begin
    assert_int_equal(p.kind, ASSOC_UNDECIDED);
    played_free(&p);
    talk_octets(&c, SERVER, page, 10000);
    play(&c, &plainly, &p);
    assert_false(p.wanted);
    assert_int_equal(p.kind, ASSOC_NOT_RPC);
    assert_int_equal(p.memory, 0);
    assert_string_equal(text_of(&p), "");
    played_free(&p);
    conversation_free(&c);
}

static void test_bind_not_seen(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    talk_request(&c, FIRST, 3, 0, 65, "a");
    talk_request(&c, LAST, 3, 0, 65, "a");
    expect_cuts(&c, plainly,
                "note unbound @5: 2 calls on a connection whose bind was not seen: they cannot be "
                "told apart\n");
    play(&c, &plainly, &p);
    assert_int_equal(p.kind, ASSOC_UNBOUND);
    assert_int_equal(p.counts.unbound_calls, 2);
    played_free(&p);
    conversation_free(&c);
}

static const struct playing guessing = {.stamps = true, .guess = 2};

// Calls are held back until there are two, then reported in the order of their answers, before what
// follows. An outstanding one belongs to them.
static void test_recognised(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_response(&c, BOTH, 1, 0, "?"); // of a request before the capture
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_request(&c, FIRST, 3, 0, 66, "b");
    talk_request(&c, LAST, 3, 0, 66, "c");
    talk_request(&c, BOTH, 4, 0, 67, "d");
    talk_response(&c, FIRST, 3, 0, "B");
    talk_fault(&c, 4, 0, 5);
    talk_response(&c, LAST, 3, 0, "C");
    talk_response(&c, BOTH, 2, 0, "A");
    talk_request(&c, BOTH, 5, 1, 68, "e");
    talk_response(&c, BOTH, 5, 1, "E");
    expect_cuts(
        &c, guessing,
        "guess 1\n"
        "guess 2\n"
        "note guessed @8: no bind was seen for context 0: a guess from the first 2 calls\n"
        "call 4 context 0 v3 opnum 67 request whole[d] 1/1 @5 fault 0x00000005! @7 guessed\n"
        "call 3 context 0 v3 opnum 66 request whole[bc] 2/2 @4 response whole[BC] 2/2 @8 "
        "guessed\n"
        "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @2 response whole[A] 1/1 @9 guessed\n"
        "guess 1\n"
        "guess 1 last\n"
        "note unbound @12: 1 call on a connection whose bind was not seen: they cannot be told "
        "apart\n");
    conversation_free(&c);
}

// What is of another interface is not looked at again; what comes before the end is asked for once
// more.
static void test_not_recognised(void **state) {
    (void)state;
    struct conversation c = {0};
    struct played p;
    talk_request(&c, BOTH, 2, 0, 65, "x");
    talk_response(&c, BOTH, 2, 0, "A");
    talk_request(&c, BOTH, 3, 0, 65, "a");
    talk_response(&c, BOTH, 3, 0, "A");
    expect_cuts(&c, guessing,
                "guess 1\n"
                "note unbound @5: 2 calls on a connection whose bind was not seen: they are x\n");
    play(&c, &guessing, &p);
    assert_int_equal(p.kind, ASSOC_UNBOUND);
    assert_int_equal(p.counts.unbound_calls, 2);
    played_free(&p);
    conversation_free(&c);
}

// Nothing is guessed once a bind was seen.
static void test_no_guess_after_a_bind(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 7, 65, "a");
    talk_response(&c, BOTH, 2, 7, "A");
    expect_cuts(&c, guessing,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note unknown-context @3: call 2 (opnum 65) uses presentation context 7, which was "
                "not accepted\n");
    conversation_free(&c);
}

// At most so many calls, octets and contexts are held back.
static void test_held_back(void **state) {
    (void)state;
    struct conversation c = {0};
    struct playing how = {.guess = 1000};
    struct played p;
    for (uint32_t i = 0; i < 40; i++) {
        talk_request(&c, BOTH, 2 + i, 0, 65, "a");
        talk_response(&c, BOTH, 2 + i, 0, "A");
    }
    play(&c, &how, &p);
    assert_non_null(strstr(text_of(&p), "guess 31\nguess 32 last\n"));
    assert_null(strstr(text_of(&p), "guess 33"));
    assert_int_equal(p.counts.unbound_calls, 40);
    assert_int_equal(p.memory, 0);
    played_free(&p);
    // No memory: they are given up, and nothing is left behind.
    struct assoc_memory memory = {.limit = 3000};
    how.memory = &memory;
    play(&c, &how, &p);
    assert_int_equal(p.memory, 0);
    assert_non_null(strstr(text_of(&p), "there is no memory to look at them"));
    played_free(&p);
    conversation_free(&c);
}

// The endpoint mapper's calls are reported apart, and nothing else about its connection.
static void test_mapper(void **state) {
    (void)state;
    static const cmrp_syntax_id mapper = {{{0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9, 0x91,
                                            0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa}},
                                          3,
                                          0};
    struct conversation c = {0};
    struct played p;
    const uint16_t zero = 0;
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &mapper, &ndr20, 1);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    talk_request(&c, BOTH, 2, 0, 3, "map");
    talk_response(&c, BOTH, 2, 0, "mapped");
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 9);
    expect_cuts(&c, plainly,
                "mapper: call 2 context 0 v3 opnum 3 request whole[map] 1/3 @3 response "
                "whole[mapped] 1/6 @4\n");
    play(&c, &plainly, &p);
    assert_int_equal(p.kind, ASSOC_OTHER);
    assert_int_equal(p.counts.other_calls, 1);
    played_free(&p);
    conversation_free(&c);
}

// Requests in fragments from a big-endian client, with an object UUID in each.
static void test_big_endian_fragments(void **state) {
    (void)state;
    struct conversation c = {.big_endian = true};
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                               .flags = FIRST | CMRP_PFC_OBJECT_UUID,
                               .call_id = 2},
                    .opnum = 113,
                    .has_object = true,
                    .object = cmrp_uuid_ndr64,
                    .stub = {(const uint8_t *)"abcdefgh", 8}};
    talk_usual_bind(&c);
    talk_pdu(&c, CLIENT, &pdu);
    pdu.header.flags = LAST | CMRP_PFC_OBJECT_UUID;
    pdu.stub = (cmrp_view){(const uint8_t *)"ij", 2};
    talk_pdu(&c, CLIENT, &pdu);
    talk_response(&c, FIRST, 2, 0, "1234");
    talk_response(&c, LAST, 2, 0, "5");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "call 2 context 0 v3 opnum 113 request whole[abcdefghij] 2/10 @4 "
                "response whole[12345] 2/5 @6 be\n");
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

// ---- security -----------------------------------------------------------------------------------

static void sealed_conversation(struct conversation *c) {
    c->auth.type = 10;
    c->auth.level = ASSOC_LEVEL_PRIVACY;
    c->auth.id = 79231;
    talk_usual_bind(c);
    talk_request(c, BOTH, 2, 0, 65, "\x3b");  // 'a' ^ 0x5a
    talk_response(c, FIRST, 2, 0, "\x38");    // 'b'
    talk_response(c, LAST, 2, 0, "\x39\x3e"); // "cd"
    talk_request(c, BOTH, 3, 0, 65, "\x3b");
    c->auth.level = 0;
    talk_fault(c, 3, 0, 5);
}

static void test_sealed(void **state) {
    (void)state;
    struct conversation c = {0};
    sealed_conversation(&c);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0 auth 10/6: bind_ack @2\n"
                "call 2 context 0 v3 opnum 65 request sealed 1/1 @3 response sealed 2/3 @5\n"
                "call 3 context 0 v3 opnum 65 request sealed 1/1 @6 fault 0x00000005! @7\n");
    conversation_free(&c);
}

// One sealed fragment is enough.
static void test_sealed_in_part(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    c.auth.level = ASSOC_LEVEL_PRIVACY;
    talk_response(&c, FIRST, 2, 0, "b");
    c.auth.level = 0;
    talk_response(&c, LAST, 2, 0, "c");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response sealed 2/2 @5\n");
    conversation_free(&c);
}

static void test_unwrapped(void **state) {
    (void)state;
    struct conversation c = {0};
    sealed_conversation(&c);
    expect_cuts(&c, (struct playing){.stamps = true, .unwrap = true},
                "bind 1 @1 0=0 auth 10/6: bind_ack @2\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[bcd] 2/3 @5\n"
                "call 3 context 0 v3 opnum 65 request whole[a] 1/1 @6 fault 0x00000005! @7\n");
    conversation_free(&c);
}

// A PDU that leaves its level at "default" has that of its security context.
static void test_level_of_the_context(void **state) {
    (void)state;
    struct conversation c = {0};
    c.auth.type = 9;
    c.auth.level = ASSOC_LEVEL_PRIVACY;
    c.auth.id = 1;
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_request(&c, BOTH, 3, 0, 65, "b");
    // auth_level of the two requests: the second octet of their trailers
    for (size_t i = 2; i < 4; i++) {
        c.octets.data[c.pieces[i].at + c.pieces[i].size - 16 - 7] = ASSOC_LEVEL_DEFAULT;
    }
    c.octets.data[c.pieces[3].at + c.pieces[3].size - 16 - 4] = 2; // another auth_context_id
    expect(&c, plainly,
           "bind 1 @1 0=0 auth 9/6: bind_ack @2\n"
           "call 2 context 0 v3 opnum 65 request sealed 1/1 @3 response absent\n"
           "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response absent\n");
    conversation_free(&c);
}

// ---- losses -------------------------------------------------------------------------------------

static void test_garbage_before(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_octets(&c, CLIENT, "\x05 in the middle of something \x05\x00", 32);
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    expect_cuts(&c, plainly,
                "loss 0 missing 0 skipped 32 @1\n"
                "bind 1 @2 0=0: bind_ack @3\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response whole[b] 1/1 @5\n");
    conversation_free(&c);
}

static void test_garbage_between(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_octets(&c, SERVER, "what?", 5);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    talk_octets(&c, CLIENT, "0123456789abcdefghij", 20);
    talk_request(&c, BOTH, 3, 0, 65, "c");
    talk_response(&c, BOTH, 3, 0, "d");
    talk_octets(&c, CLIENT, "0123456789abcdefghij", 20);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 1 missing 0 skipped 5 @5\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response whole[b] 1/1 @5\n"
                "loss 0 missing 0 skipped 20 @6\n"
                "call 3 context 0 v3 opnum 65 request whole[c] 1/1 @7 response whole[d] 1/1 @8\n"
                "loss 0 missing 0 skipped 20 @9\n");
    conversation_free(&c);
}

// What resembles a header in all but one field is none.
static void test_resemblance(void **state) {
    (void)state;
    static const struct {
        uint8_t at, value;
    } changes[] = {{0, 4},    {1, 2}, {2, 1}, {3, 0x01}, {3, 0x02}, {3, 0x0b}, {4, 0x20},
                   {4, 0x02}, {5, 4}, {6, 1}, {7, 1},    {8, 15},   {10, 1}};
    static const uint8_t cancel[16] = {5, 0, 18, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0};
    for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
        const bool intact = i == sizeof changes / sizeof changes[0];
        struct conversation c = {0};
        uint8_t octets[17] = "x";
        memcpy(octets + 1, cancel, sizeof cancel);
        if (!intact) {
            octets[1 + changes[i].at] = changes[i].value;
        }
        talk_usual_bind(&c);
        talk_octets(&c, CLIENT, octets, sizeof octets);
        talk_request(&c, BOTH, 2, 0, 65, "a");
        expect_cuts(&c, plainly,
                    intact
                        ? "bind 1 @1 0=0: bind_ack @2\n"
                          "loss 0 missing 0 skipped 1 @3\n"
                          "note cancel @3: the client cancels call 7, which is not outstanding\n"
                          "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent\n"
                        : "bind 1 @1 0=0: bind_ack @2\n"
                          "loss 0 missing 0 skipped 17 @3\n"
                          "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent\n");
        conversation_free(&c);
    }
}

// A PDU inside a stub does not pass for the next one, since nothing like a header follows it.
static void test_embedded_pdu(void **state) {
    (void)state;
    struct conversation inner = {0};
    struct conversation c = {0};
    talk_request(&inner, BOTH, 66, 0, 65, "embedded");
    talk_usual_bind(&c);
    talk_gap(&c, CLIENT, 100);
    struct buffer middle = {0};
    buffer_append(&middle, "...", 3);
    buffer_append(&middle, inner.octets.data, inner.octets.size);
    buffer_append(&middle, "...", 3);
    talk_octets(&c, CLIENT, middle.data, middle.size);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 100 skipped 38 @3\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @5 response whole[b] 1/1 @6\n");
    buffer_free(&middle);
    conversation_free(&inner);
    conversation_free(&c);
}

// Octets missing inside a PDU whose header is known cost that PDU only (a short snapshot length).
static void test_cut_pdus(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "abcdefgh");
    c.pieces[2].size -= 8;
    talk_gap(&c, CLIENT, 8);
    talk_request(&c, BOTH, 3, 0, 66, "x");
    talk_response(&c, BOTH, 2, 0, "12345678");
    c.pieces[5].size -= 6;
    talk_gap(&c, SERVER, 4); // two more octets of it come later
    talk_octets(&c, SERVER, "78", 2);
    talk_response(&c, BOTH, 3, 0, "y");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 8 skipped 24 @4\n"
                "loss 1 missing 4 skipped 26 @7\n"
                "call 2 context 0 v3 opnum 65 request lost 1/0 @4 response lost 1/0 @7\n"
                "call 3 context 0 v3 opnum 66 request whole[x] 1/1 @5 response whole[y] 1/1 @9\n");
    conversation_free(&c);
}

// Such a gap tears no other call, even where it reaches to the very end of its PDU.
static void test_cut_pdu_among_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_request(&c, BOTH, 3, 0, 65, "b");
    talk_response(&c, FIRST, 2, 0, "12345678");
    talk_response(&c, BOTH, 3, 0, "abcdefgh");
    c.pieces[5].size -= 8;
    talk_gap(&c, SERVER, 8);
    talk_response(&c, LAST, 2, 0, "9");
    expect_cuts(
        &c, plainly,
        "bind 1 @1 0=0: bind_ack @2\n"
        "loss 1 missing 8 skipped 24 @7\n"
        "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response lost 1/0 @7\n"
        "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[123456789] 2/9 "
        "@8\n");
    conversation_free(&c);
}

static void test_cut_pdu_with_object(void **state) {
    (void)state;
    struct conversation c = {0};
    const cmrp_pdu request = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH | CMRP_PFC_OBJECT_UUID, .call_id = 2},
        .opnum = 65,
        .has_object = true,
        .stub = {(const uint8_t *)"a", 1}};
    talk_usual_bind(&c);
    talk_pdu(&c, CLIENT, &request);
    talk_pdu(&c, CLIENT, &request);
    c.pieces[3].size = 30;
    talk_gap(&c, CLIENT, 11);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 11 skipped 30 @5\n"
                "note call-id-reused @5: call identifier 2 is used again before its answer\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response absent\n"
                "call 2 context 0 v3 opnum 65 request lost 1/0 @5 response absent\n");
    conversation_free(&c);
}

// Whether an expected line is among the events.
static bool has_line(const char *text, const char *line) {
    const size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') && at[size] == '\n') {
            return true;
        }
    }
    return false;
}

// Takes octets [from, to) of the conversation away. A packet may be cut at either side.
static struct conversation without(const struct conversation *c, size_t from, size_t to) {
    struct conversation d = {0};
    for (size_t i = 0; i < c->count; i++) {
        const struct piece *p = &c->pieces[i];
        const size_t end = p->at + p->size;
        const size_t cut_from = from > p->at ? from : p->at;
        const size_t cut_to = to < end ? to : end;
        if (cut_from >= cut_to) {
            talk_octets(&d, p->direction, c->octets.data + p->at, p->size);
            continue;
        }
        if (cut_from > p->at) {
            talk_octets(&d, p->direction, c->octets.data + p->at, cut_from - p->at);
        }
        talk_gap(&d, p->direction, cut_to - cut_from);
        if (cut_to < end) {
            talk_octets(&d, p->direction, c->octets.data + cut_to, end - cut_to);
        }
    }
    return d;
}

// Gaps in each place: calls that the gap does not touch come out whole.
static void test_gaps_everywhere(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 5, 16, 24, 29, 60};
    static const struct {
        size_t request, response; // packets
        const char *line;
    } calls[] = {
        {2, 3, "call 2 context 0 v3 opnum 65 request whole[a] 1/1 response whole[b] 1/1"},
        {4, 5, "call 3 context 0 v3 opnum 66 request whole[c] 1/1 response whole[d] 1/1"},
        {6, 7, "call 4 context 0 v3 opnum 67 request whole[e] 1/1 response whole[f] 1/1"},
    };
    struct conversation c = {0};
    size_t checked = 0;
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    talk_request(&c, BOTH, 3, 0, 66, "c");
    talk_response(&c, BOTH, 3, 0, "d");
    talk_request(&c, BOTH, 4, 0, 67, "e");
    talk_response(&c, BOTH, 4, 0, "f");
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t from = c.pieces[2].at; from + sizes[s] <= c.octets.size; from++) {
            const size_t to = from + sizes[s];
            struct conversation d = without(&c, from, to);
            const struct playing how = {0};
            struct played p;
            play(&d, &how, &p);
            assert_non_null(strstr(text_of(&p), "loss "));
            for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
                const struct piece *q = &c.pieces[calls[i].request];
                const struct piece *r = &c.pieces[calls[i].response];
                const bool touched = from < r->at + r->size && to > q->at;
                if (!touched) {
                    assert_true(has_line(text_of(&p), calls[i].line));
                    checked++;
                }
            }
            assert_int_equal(p.memory, 0);
            played_free(&p);
            conversation_free(&d);
        }
    }
    assert_true(checked > 500);
    conversation_free(&c);
}

// The same with fragments: what a gap has torn is never joined.
static void test_gap_among_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_gap(&c, CLIENT, 32);
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_response(&c, FIRST, 2, 0, "12345678");
    talk_gap(&c, SERVER, 32);
    talk_response(&c, LAST, 2, 0, "9");
    talk_request(&c, BOTH, 3, 0, 65, "a");
    talk_response(&c, BOTH, 3, 0, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 32 skipped 0 @4\n"
                "loss 1 missing 32 skipped 0 @7\n"
                "call 2 context 0 v3 opnum 113 request lost 2/10 @5 response lost 2/9 @8\n"
                "call 3 context 0 v3 opnum 65 request whole[a] 1/1 @9 response whole[b] 1/1 @10\n");
    conversation_free(&c);
}

// A lone answer behind a gap counts as soon as the other side speaks, or at the end.
static void test_resynchronised_by_silence(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_gap(&c, SERVER, 7);
    talk_response(&c, BOTH, 2, 0, "b");
    talk_request(&c, BOTH, 3, 0, 65, "c");
    talk_gap(&c, SERVER, 9);
    talk_response(&c, BOTH, 3, 0, "d");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 1 missing 7 skipped 0 @4\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[b] 1/1 @5\n"
                "loss 1 missing 9 skipped 0 @7\n"
                "call 3 context 0 v3 opnum 65 request whole[c] 1/1 @6 response whole[d] 1/1 @8\n");
    conversation_free(&c);
}

static void test_undecodable_pdu(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    c.octets.data[c.pieces[2].at + 10] = 200; // auth_length
    talk_request(&c, BOTH, 3, 0, 65, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note pdu @3: a request of 25 octets is skipped: offset 10: auth_length 200 does "
                "not fit into the PDU (9 bytes left) [MS-RPCE 2.2.2.11]\n"
                "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response absent\n");
    conversation_free(&c);
}

static void test_cut_at_the_end(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "bcdefgh");
    c.pieces[3].size -= 2;
    talk_request(&c, BOTH, 3, 0, 65, "a");
    c.pieces[4].size = 15;
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note cut @6: the connection ends after 15 octets of a PDU's header\n"
                "note cut @6: the connection ends after 29 of the 31 octets of a PDU\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response lost 1/0 @6\n");
    conversation_free(&c);
}

// ---- limits -------------------------------------------------------------------------------------

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

static void test_without_events(void **state) {
    (void)state;
    const struct assoc_events none = {0};
    const struct assoc_stamp stamp = {0};
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_gap(&c, SERVER, 1);
    talk_response(&c, BOTH, 2, 0, "a");
    talk_plain(&c, CMRP_PTYPE_ORPHANED, 2);
    struct assoc *a = assoc_create(NULL, &none, NULL);
    for (size_t i = 0; i < c.count; i++) {
        const struct piece *p = &c.pieces[i];
        if (p->gap > 0) {
            assoc_gap(a, p->direction, p->gap, &stamp);
        } else {
            assert_true(assoc_data(a, p->direction, c.octets.data + p->at, p->size, &stamp));
        }
    }
    assoc_close(a, &stamp);
    assert_int_equal(assoc_counts(a)->calls, 1);
    assoc_destroy(a);
    assoc_destroy(NULL);
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bind_and_request_share_an_identifier),
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_client_is_learnt),
        cmocka_unit_test(test_wrong_direction),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_fragments_with_trailers),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_answered_early),
        cmocka_unit_test(test_stray_fragments),
        cmocka_unit_test(test_identifier_reused),
        cmocka_unit_test(test_response_starts_again),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_contexts),
        cmocka_unit_test(test_alter_context),
        cmocka_unit_test(test_nak_and_fault),
        cmocka_unit_test(test_several_syntaxes),
        cmocka_unit_test(test_chosen_syntax),
        cmocka_unit_test(test_answer_missing),
        cmocka_unit_test(test_other_interface),
        cmocka_unit_test(test_not_rpc),
        cmocka_unit_test(test_bind_not_seen),
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_not_recognised),
        cmocka_unit_test(test_no_guess_after_a_bind),
        cmocka_unit_test(test_held_back),
        cmocka_unit_test(test_mapper),
        cmocka_unit_test(test_big_endian_fragments),
        cmocka_unit_test(test_late_answers),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_sealed_in_part),
        cmocka_unit_test(test_unwrapped),
        cmocka_unit_test(test_level_of_the_context),
        cmocka_unit_test(test_garbage_before),
        cmocka_unit_test(test_garbage_between),
        cmocka_unit_test(test_resemblance),
        cmocka_unit_test(test_embedded_pdu),
        cmocka_unit_test(test_cut_pdus),
        cmocka_unit_test(test_cut_pdu_among_fragments),
        cmocka_unit_test(test_cut_pdu_with_object),
        cmocka_unit_test(test_gaps_everywhere),
        cmocka_unit_test(test_gap_among_fragments),
        cmocka_unit_test(test_resynchronised_by_silence),
        cmocka_unit_test(test_undecodable_pdu),
        cmocka_unit_test(test_cut_at_the_end),
        cmocka_unit_test(test_stub_limit),
        cmocka_unit_test(test_call_limit),
        cmocka_unit_test(test_context_limit),
        cmocka_unit_test(test_offer_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_without_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
