// SPDX-License-Identifier: Apache-2.0
// Connections that are of another protocol or interface, or whose bind was not seen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

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

// ---- no bind ------------------------------------------------------------------------------------

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_interface),
        cmocka_unit_test(test_not_rpc),
        cmocka_unit_test(test_mapper),
        cmocka_unit_test(test_bind_not_seen),
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_not_recognised),
        cmocka_unit_test(test_no_guess_after_a_bind),
        cmocka_unit_test(test_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
