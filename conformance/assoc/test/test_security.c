// SPDX-License-Identifier: Apache-2.0
// Encrypted PDUs, opened or not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_sealed_in_part),
        cmocka_unit_test(test_unwrapped),
        cmocka_unit_test(test_level_of_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
