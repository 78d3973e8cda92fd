// SPDX-License-Identifier: Apache-2.0
// Connections whose bind the capture does not hold: recognised by what their calls look like, or
// not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include "support.h"

// The string "Ab" with its NUL in NDR, as AB_64 is in NDR64.
#define AB "03000000 00000000 03000000 410062000000 0000"

// Nothing is decoded, and the note ends with `why`.
static void expect_unknown(const struct conversation *c, const char *why) {
    struct buffer out = {0};
    const struct replay_result result = run_conversation(as_json, c, &out);
    assert_int_equal(replay_calls(&result), 0);
    assert_int_equal(result.connections, 0);
    assert_int_equal(result.unbound, 1);
    contains(&out, why);
    lacks(&out, "\"kind\":\"call\"");
    buffer_free(&out);
}

// ApiGetRootKey and ApiOpenKey of protocol 3.
static void talk_registry(struct conversation *c, const char *name) {
    struct buffer open = {0};
    buffer_printf(&open, HANDLE "%s 19000200", name);
    // Status, rpc_status, key
    talk_call(c, 2, 28, "19000200", OK OK HANDLE);
    talk_call(c, 3, 30, buffer_text(&open), OK OK HANDLE2);
    buffer_free(&open);
}

static void test_guessed(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, HANDLE2 AB "19000200", "05000000" OK NOHAND);
    talk_call(&c, 5, 37, HANDLE2, NOHAND OK);
    talk_call(&c, 6, 37, HANDLE, NOHAND OK);
    struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.connections, 1);
    assert_int_equal(result.unbound, 0);
    assert_int_equal(result.findings, 0);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 5);
    contains(&out, "\"code\":\"guessed\"");
    contains(&out, "\"call_id\":2,\"context\":0,\"opnum\":28,\"method\":\"ApiGetRootKey\","
                   "\"interface\":3,\"syntax\":\"ndr\",\"guessed\":true,");
    contains(&out, "\"call_id\":6,\"context\":0,\"opnum\":37,\"method\":\"ApiCloseKey\","
                   "\"interface\":3,\"syntax\":\"ndr\",\"guessed\":true,");
    contains(&out, "\"lpSubKey\":\"Ab\"");
    buffer_clear(&out);
    run_conversation(as_text, &c, &out);
    contains(&out, "ApiCloseKey              ok (guessed)  key#1");
    buffer_free(&out);
    conversation_free(&c);
}

static void test_guessed_ndr64(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 28, "19000200", OK OK HANDLE);
    talk_call(&c, 3, 30, HANDLE "00000000" AB_64 "19000200", OK OK HANDLE2);
    talk_call(&c, 4, 30, HANDLE2 "00000000" AB_64 "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, HANDLE2, NOHAND OK);
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"syntax\":\"ndr64\",\"guessed\":true");
    buffer_free(&out);
    conversation_free(&c);
}

// Protocol 2 has no rpc_status.
static void test_guessed_version_2(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 28, "19000200", OK HANDLE);
    talk_call(&c, 3, 30, HANDLE AB "19000200", OK HANDLE2);
    talk_call(&c, 4, 30, HANDLE2 AB "19000200", OK NOHAND);
    talk_call(&c, 5, 37, HANDLE2, NOHAND OK);
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"interface\":2,\"syntax\":\"ndr\",\"guessed\":true");
    buffer_free(&out);
    conversation_free(&c);
}

// The capture begins within a PDU: the next one is found first.
static void test_guessed_behind_a_torn_pdu(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_octets(&c, CLIENT, "the end of something", 20);
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, HANDLE2 AB "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, HANDLE2, NOHAND OK);
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"kind\":\"gap\"");
    contains(&out, "\"skipped\":20");
    buffer_free(&out);
    conversation_free(&c);
}

// An outstanding call and a later one belong to what was recognised; a response whose request came
// before the capture is said to have none.
static void test_guessed_later_calls(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 9, 65, HANDLE, NULL); // ApiGetNotify: blocks
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, HANDLE2 AB "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, "01", NOHAND OK); // broken, after it was recognised
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 3);
    assert_int_equal(result.calls[REPLAY_UNANSWERED], 1);
    assert_int_equal(result.calls[REPLAY_UNDECODED], 1);
    contains(&out, "\"call_id\":9,\"context\":0,\"opnum\":65,\"method\":\"ApiGetNotify\"");
    buffer_free(&out);
    conversation_free(&c);
}

static void test_too_few(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_registry(&c, AB);
    expect_unknown(&c, "2 calls on a connection whose bind was not seen: they are too few");
    conversation_free(&c);
}

// Handles and numbers only: any interface may look like that.
static void test_too_plain(void **state) {
    (void)state;
    struct conversation c = {0};
    for (unsigned i = 0; i < 40; i++) {
        talk_call(&c, 2 + 2 * i, 37, HANDLE, NOHAND OK);
        talk_call(&c, 3 + 2 * i, 44, HANDLE2, NOHAND OK);
    }
    expect_unknown(&c, "they are too few, or too plain, to tell what they are");
    conversation_free(&c);
}

// One call that does not fit is enough, wherever it stands before the decision.
static void test_one_that_does_not_fit(void **state) {
    (void)state;
    static const struct {
        uint16_t opnum;
        const char *request, *response;
    } strangers[] = {
        {37, HANDLE "00", NOHAND OK},                                 // an octet too many
        {37, HANDLE, NOHAND OK "00"},                                 // the same in the response
        {37, "01000000 01020304050607080910111213141516", NOHAND OK}, // attributes
        {44, HANDLE, NOHAND OK},                                      // a key as a group
        {37, HANDLE, NOHAND "010000c0"},                              // an NTSTATUS
        {999, HANDLE, NOHAND OK},                                     // no such method
        {30, HANDLE "03000000 00000000 03000000 410001000000 0000 19000200", OK OK NOHAND},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        struct conversation c = {0};
        talk_registry(&c, AB);
        talk_call(&c, 4, strangers[i].opnum, strangers[i].request, strangers[i].response);
        talk_call(&c, 5, 30, HANDLE2 AB "19000200", OK OK NOHAND);
        talk_call(&c, 6, 37, HANDLE2, NOHAND OK);
        expect_unknown(&c, "they are not of this protocol");
        conversation_free(&c);
    }
}

// What a server refused says nothing against it.
static void test_refused_calls_are_no_contradiction(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, "01", NULL);
    talk_fault(&c, 4, 0, 0x6f7);
    talk_call(&c, 5, 30, HANDLE2 AB "19000200", OK OK NOHAND);
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 3);
    assert_int_equal(result.calls[REPLAY_FAULT], 1);
    buffer_free(&out);
    conversation_free(&c);
}

// Other interfaces: what their calls look like on the wire.
static void test_foreign_traffic(void **state) {
    (void)state;
    struct conversation winreg = {0};
    struct conversation svcctl = {0};
    struct conversation mapper = {0};
    // OpenLocalMachine, BaseRegOpenKey with an RRP_UNICODE_STRING, BaseRegCloseKey.
    talk_call(&winreg, 2, 2, "00000000 00000002", HANDLE OK);
    talk_call(&winreg, 3, 15,
              HANDLE "06000600 00000200 03000000 00000000 03000000 410062000000 0000 00000000"
                     "19000200",
              HANDLE2 OK);
    talk_call(&winreg, 4, 5, HANDLE2, NOHAND OK);
    talk_call(&winreg, 5, 5, HANDLE, NOHAND OK);
    expect_unknown(&winreg, "they are not of this protocol");
    // OpenSCManagerW, OpenServiceW, QueryServiceStatus, CloseServiceHandle.
    talk_call(&svcctl, 2, 15, "00000200" AB "00000000 3f000f00", HANDLE OK);
    talk_call(&svcctl, 3, 16, HANDLE AB "ff010f00", HANDLE2 OK);
    talk_call(&svcctl, 4, 6, HANDLE2,
              "10000000 04000000 05000000 00000000 00000000 00000000"
              "00000000" OK);
    talk_call(&svcctl, 5, 0, HANDLE2, NOHAND OK);
    expect_unknown(&svcctl, "they are not of this protocol");
    // ept_map without a tower, answered with none.
    for (unsigned i = 0; i < 4; i++) {
        talk_call(&mapper, 2 + i, 3, "00000000 00000000" NOHAND "04000000",
                  NOHAND "00000000 04000000 00000000 00000000 d6a0c916");
    }
    expect_unknown(&mapper, "they are not of this protocol");
    conversation_free(&winreg);
    conversation_free(&svcctl);
    conversation_free(&mapper);
}

static void test_sealed_without_a_bind(void **state) {
    (void)state;
    struct conversation c = {.auth = {.type = 10, .level = ASSOC_LEVEL_PRIVACY, .id = 1}};
    talk_registry(&c, AB);
    expect_unknown(&c, "they are encrypted");
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guessed),
        cmocka_unit_test(test_guessed_ndr64),
        cmocka_unit_test(test_guessed_version_2),
        cmocka_unit_test(test_guessed_behind_a_torn_pdu),
        cmocka_unit_test(test_guessed_later_calls),
        cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_too_plain),
        cmocka_unit_test(test_one_that_does_not_fit),
        cmocka_unit_test(test_refused_calls_are_no_contradiction),
        cmocka_unit_test(test_foreign_traffic),
        cmocka_unit_test(test_sealed_without_a_bind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
