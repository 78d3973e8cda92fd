// SPDX-License-Identifier: Apache-2.0
// How calls are printed: their states, handles, encodings, and what protects a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "support.h"

#define ENDS "192.0.2.236:1234 -> 192.0.2.1:49152"
#define BIND                                                                                       \
    "    0.000000  " ENDS "  #1    bind  context 0: clusapi 3.0 in NDR 2.0 accepted; no "          \
    "security\n"

// ---- states -------------------------------------------------------------------------------------

static void test_states(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 28, "00000002", "00000000 00000000" HANDLE);
    talk_call(&c, 3, 37, HANDLE, NOHAND "06000000");
    talk_call(&c, 4, 27, "01020304", "05060708"); // not described
    talk_call(&c, 5, 37, HANDLE, NULL);           // unanswered
    talk_call(&c, 6, 65, HANDLE, NULL);
    talk_fault(&c, 6, 0, 0x1c00001a);
    talk_call(&c, 7, 37, HANDLE, NOHAND "0600"); // cut short
    expect_output(
        as_text, &c,
        BIND "    0.002000  " ENDS "  #2    ApiGetRootKey            ok  samDesired 0x02000000"
             "  => key#1\n"
             "    0.004000  " ENDS "  #3    ApiCloseKey              ERROR_INVALID_HANDLE  key#1"
             "  => null\n"
             "    0.006000  " ENDS "  #4    ApiDeleteResourceType    undecoded (a method that is "
             "not described)\n"
             "    0.009000  " ENDS "  #6    ApiGetNotify             "
             "nca_s_fault_context_mismatch  key#1\n"
             "    0.011000  " ENDS "  #7    ApiCloseKey              undecoded  key#1  => null\n"
             "              ! frame 15 stub offset 20: return is cut short (2 bytes left) "
             "[MS-CMRP 3.1.4.2.38]\n"
             "    0.008000  " ENDS "  #5    ApiCloseKey              unanswered  key#1\n");
    conversation_free(&c);
}

static void test_states_as_json(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 4, 27, "01020304", "05060708");
    talk_call(&c, 5, 37, HANDLE, NULL);
    talk_call(&c, 6, 65, HANDLE, NULL);
    talk_fault(&c, 6, 0, 0x1c00001a);
#define PEERS ",\"client\":\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\","
    expect_output(as_json, &c,
                  "{\"kind\":\"bind\",\"request_frame\":3,\"response_frame\":4,"
                  "\"time\":\"2023-11-14T22:13:20.002000Z\"" PEERS
                  "\"call_id\":1,\"pdu\":\"bind\",\"answer\":\"bind_ack\","
                  "\"assoc_group\":74565,\"multiplexing\":true,\"contexts\":[{\"context\":0,"
                  "\"uuid\":\"b97db8b2-4c63-11cf-bff6-08002be23f2f\",\"version\":\"3.0\","
                  "\"offered\":[\"ndr\"],\"result\":\"acceptance\",\"syntax\":\"ndr\"}],"
                  "\"security\":{\"type\":\"none\",\"level\":\"none\"}}\n"
                  "{\"kind\":\"call\",\"state\":\"undecoded\",\"request_frame\":5,"
                  "\"response_frame\":6,\"time\":\"2023-11-14T22:13:20.004000Z\"" PEERS
                  "\"call_id\":4,\"context\":0,\"opnum\":27,\"method\":\"ApiDeleteResourceType\","
                  "\"interface\":3,\"syntax\":\"ndr\",\"findings\":[]}\n"
                  "{\"kind\":\"call\",\"state\":\"fault\",\"request_frame\":8,"
                  "\"response_frame\":9,\"time\":\"2023-11-14T22:13:20.007000Z\"" PEERS
                  "\"call_id\":6,\"context\":0,\"opnum\":65,\"method\":\"ApiGetNotify\","
                  "\"interface\":3,\"syntax\":\"ndr\",\"request\":{\"hNotify\":\"" HANDLE
                  "\"},\"fault\":469762074,\"findings\":[]}\n"
                  "{\"kind\":\"call\",\"state\":\"unanswered\",\"request_frame\":7,"
                  "\"time\":\"2023-11-14T22:13:20.006000Z\"" PEERS
                  "\"call_id\":5,\"context\":0,\"opnum\":37,\"method\":\"ApiCloseKey\","
                  "\"interface\":3,\"syntax\":\"ndr\",\"request\":{\"pKey\":\"" HANDLE
                  "\"},\"findings\":[]}\n");
    conversation_free(&c);
}

static void test_method_filter(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    struct replay_options options = as_text;
    talk_usual_bind(&c);
    talk_call(&c, 2, 28, "00000002", "00000000 00000000" HANDLE);
    talk_call(&c, 3, 37, HANDLE, NOHAND "00"); // a finding, which the filter hides
    options.opnum = 28;
    struct replay_result result = run_conversation(options, &c, &out);
    assert_string_equal(buffer_text(&out), "    0.002000  " ENDS "  #2    ApiGetRootKey            "
                                           "ok  samDesired 0x02000000  => key#1\n");
    assert_int_equal(replay_calls(&result), 1);
    assert_int_equal(replay_outcome(&result, 1), OUTCOME_OK);
    assert_int_equal(replay_outcome(&result, 2), OUTCOME_FINDINGS);
    buffer_clear(&out);
    options.opnum = 115;
    result = run_conversation(options, &c, &out);
    assert_string_equal(buffer_text(&out), "");
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_int_equal(replay_outcome(&result, 1), OUTCOME_FINDINGS);
    buffer_free(&out);
    conversation_free(&c);
}

static void test_outcomes(void **state) {
    (void)state;
    struct replay_result result = {.status = CAPTURE_OK};
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_int_equal(replay_outcome(&result, 1), OUTCOME_FINDINGS);
    result.status = CAPTURE_TRUNCATED;
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_INCOMPLETE);
    result.findings = 1;
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_FINDINGS);
    result.status = CAPTURE_DAMAGED;
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_USAGE);
    result.status = CAPTURE_NOT_CAPTURE;
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_USAGE);
}

// ---- handles ------------------------------------------------------------------------------------

static void test_handles(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 55, "",
              "00000000 00000000" HANDLE); // ApiCreateNotify
    talk_call(&c, 3, 55, "",
              "00000000 00000000" HANDLE2); // another
    talk_call(&c, 4, 59, HANDLE "00000000 c1c2c3c4c5c6c7c8c9d0d1d2d3d4d5d6 00300000 05000000",
              "00000000 00000000 00000000");
    talk_call(&c, 5, 56, HANDLE2, NOHAND "00000000");
    expect_output(as_text, &c,
                  BIND
                  "    0.002000  " ENDS "  #2    ApiCreateNotify          ok  => notify#1\n"
                  "    0.004000  " ENDS "  #3    ApiCreateNotify          ok  => notify#2\n"
                  "    0.006000  " ENDS "  #4    ApiAddNotifyGroup        ok  notify#1  group#1  "
                  "GROUP_STATE|GROUP_DELETED  key 5  => StateSequence 0\n"
                  "    0.008000  " ENDS "  #5    ApiCloseNotify           ok  notify#2  => null\n");
    conversation_free(&c);
}

// A handle belongs to the server that gave it, whatever the connection.
static void test_handles_of_servers(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer capture = {0};
    struct buffer out = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NULL);
    pcap_begin(&capture);
    pcap_connection(&capture, &c, 1, 49152);
    pcap_connection(&capture, &c, 2, 49152);
    pcap_connection(&capture, &c, 3, 49153);
    run(as_text, buffer_view(&capture), &out);
    static const char *const lines[] = {":1 -> 192.0.2.1:49152  #2    ApiCloseKey              "
                                        "unanswered  key#1\n",
                                        ":2 -> 192.0.2.1:49152  #2    ApiCloseKey              "
                                        "unanswered  key#1\n",
                                        ":3 -> 192.0.2.1:49153  #2    ApiCloseKey              "
                                        "unanswered  key#2\n"};
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(strstr(buffer_text(&out), lines[i]));
    }
    buffer_free(&capture);
    buffer_free(&out);
    conversation_free(&c);
}

// ---- encodings ----------------------------------------------------------------------------------

static void test_big_endian(void **state) {
    (void)state;
    struct conversation c = {.big_endian = true};
    talk_usual_bind(&c);
    talk_call(&c, 2, 65, "00000000 04030201 0605 0807 0910111213141516",
              "00000007 00001000 00000009 00020000 00000002 00000000 00000002 00470000"
              "00000000 00000000");
    expect_part(as_json, &c,
                "\"request\":{\"hNotify\":\"" HANDLE "\"},\"response\":{\"dwNotifyKey\":7,"
                "\"dwFilter\":4096,\"dwFilter_names\":[\"CLUSTER_CHANGE_GROUP_STATE\"],"
                "\"dwStateSequence\":9,\"Name\":\"G\",\"rpc_status\":0,\"return\":0}");
    expect_part(as_text, &c,
                "ApiGetNotify             ok  notify#1  => key 7  GROUP_STATE  StateSequence 9  "
                "Name \"G\"\n");
    conversation_free(&c);
}

// A hostile name does nothing to the terminal.
static void test_hostile_names(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    struct replay_options options = as_text;
    talk_usual_bind(&c);
    // ClusterName: ESC ] 0 ; a BEL, U+202E, U+0085, an unpaired surrogate
    talk_call(&c, 2, 3, "",
              "00000200 0a000000 00000000 0a000000"
              "1b005d0030003b00610007002e20850000d80000 00000000 00000000");
    run_conversation(options, &c, &out);
    for (size_t i = 0; i < out.size; i++) {
        assert_true(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] < 0x7f));
    }
    assert_non_null(strstr(buffer_text(&out), "ClusterName \"\\x1b]0;a\\x07"));
    buffer_clear(&out);
    options = as_json;
    options.ascii = true;
    options.verbose = true;
    run_conversation(options, &c, &out);
    for (size_t i = 0; i < out.size; i++) {
        assert_true(out.data[i] == '\n' || (out.data[i] >= 0x20 && out.data[i] < 0x7f));
    }
    buffer_free(&out);
    conversation_free(&c);
}

static void test_colour(void **state) {
    (void)state;
    struct conversation c = {0};
    struct replay_options options = as_text;
    options.colour = true;
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NOHAND "06000000");
    expect_part(options, &c, "\x1b[31mERROR_INVALID_HANDLE\x1b[0m");
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),        cmocka_unit_test(test_states_as_json),
        cmocka_unit_test(test_method_filter), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_handles),       cmocka_unit_test(test_handles_of_servers),
        cmocka_unit_test(test_big_endian),    cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
