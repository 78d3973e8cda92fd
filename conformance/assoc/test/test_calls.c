// SPDX-License-Identifier: Apache-2.0
// An ordinary connection, fragments, and calls that are outstanding, answered or given up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

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

static void note_request(void *context, const struct assoc_call *call) {
    buffer_printf(context, "request %u opnum %u %zu octets @%llu\n", call->call_id, call->opnum,
                  call->request.stub.size, (unsigned long long)call->request.stamp.frame);
}

static void note_call(void *context, const struct assoc_call *call) {
    buffer_printf(context, "call %u\n", call->call_id);
}

// A request is told when it is whole, and its call once more when that is.
static void test_requests(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer text = {0};
    const struct assoc_events events = {
        .context = &text, .request = note_request, .call = note_call};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcd");
    talk_request(&c, BOTH, 3, 0, 65, "a");
    talk_request(&c, LAST, 2, 0, 113, "ef");
    talk_response(&c, BOTH, 3, 0, "b");
    talk_request(&c, FIRST, 4, 0, 113, "gh");
    struct assoc *a = assoc_create(NULL, &events, NULL);
    for (size_t i = 0; i < c.count; i++) {
        const struct piece *p = &c.pieces[i];
        const struct assoc_stamp stamp = {.frame = p->frame};
        assert_true(assoc_data(a, p->direction, c.octets.data + p->at, p->size, &stamp));
    }
    const struct assoc_stamp end = {0};
    assoc_close(a, &end);
    buffer_append(&text, "", 1);
    assert_string_equal((const char *)text.data, "request 3 opnum 65 1 octets @4\n"
                                                 "request 2 opnum 113 6 octets @5\n"
                                                 "call 3\ncall 2\ncall 4\n");
    assoc_destroy(a);
    buffer_free(&text);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_bind_and_request_share_an_identifier),
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_client_is_learnt),
        cmocka_unit_test(test_wrong_direction),
        cmocka_unit_test(test_without_events),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_fragments_with_trailers),
        cmocka_unit_test(test_big_endian_fragments),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_answered_early),
        cmocka_unit_test(test_stray_fragments),
        cmocka_unit_test(test_identifier_reused),
        cmocka_unit_test(test_response_starts_again),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
