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

#include "pcap.h"
#include "replay/replay.h"
#include "replay/writer.h"
#include "util/file.h"
#include "json/json.h"

static const char *const captures[] = {"impacket-ntlm-privacy_to_script", "impacket_to_script",
                                       "samba-libdcerpc-ndr64_to_script",
                                       "samba-libdcerpc_to_go-msrpc", "smbtorture_to_script"};

enum { CAPTURES = sizeof captures / sizeof captures[0] };

// ---- helpers ------------------------------------------------------------------------------------

static void read_file(const char *name, const char *suffix, struct buffer *out) {
    char *error = NULL;
    char *path = util_format("%s/vectors/captures/%s%s", CMRP_SOURCE_DIR, name, suffix);
    if (!file_read(path, FILE_LIMIT, out, &error)) {
        fail_msg("%s", error);
    }
    free(path);
}

static bool collect(void *context, const char *text, size_t size) {
    buffer_append(context, text, size);
    return true;
}

// Replays a capture in memory; the output is appended to *out.
static struct replay_result run(struct replay_options options, cmrp_view capture,
                                struct buffer *out) {
    struct replay_result result;
    uint8_t *copy = malloc(capture.size > 0 ? capture.size : 1); // exact, for the sanitizer
    memcpy(copy, capture.data, capture.size);
    options.write = collect;
    options.context = out;
    replay_memory(&options, copy, capture.size, &result);
    free(copy);
    return result;
}

static const struct replay_options as_text = {.format = REPLAY_TEXT, .opnum = -1};
static const struct replay_options as_json = {.format = REPLAY_JSON, .opnum = -1};

// The capture of one conversation, replayed: what it prints.
static struct replay_result run_conversation(struct replay_options options,
                                             const struct conversation *c, struct buffer *out) {
    struct buffer capture = {0};
    pcap_begin(&capture);
    pcap_connection(&capture, c, 1234, 49152);
    const struct replay_result result = run(options, buffer_view(&capture), out);
    assert_int_equal(result.status, CAPTURE_OK);
    buffer_free(&capture);
    return result;
}

static void expect(struct replay_options options, const struct conversation *c,
                   const char *expected) {
    struct buffer out = {0};
    run_conversation(options, c, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void expect_part(struct replay_options options, const struct conversation *c,
                        const char *part) {
    struct buffer out = {0};
    run_conversation(options, c, &out);
    if (strstr(buffer_text(&out), part) == NULL) {
        fprintf(stderr, "missing: %s\nin: %s\n", part, buffer_text(&out));
        fail();
    }
    buffer_free(&out);
}

#define ENDS "192.0.2.236:1234 -> 192.0.2.1:49152"
#define BIND                                                                                       \
    "    0.000000  " ENDS "  #1    bind  context 0: clusapi 3.0 in NDR 2.0 accepted; no "          \
    "security\n"

// A handle of the stubs below, and what their strings say.
#define HANDLE  "0000000001020304050607080910111213141516"
#define HANDLE2 "00000000a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6"
#define NOHAND  "0000000000000000000000000000000000000000"

// ---- the captures -------------------------------------------------------------------------------

static void test_expected(void **state) {
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        struct buffer expected = {0};
        struct buffer out = {0};
        read_file(captures[i], ".pcap", &capture);
        read_file(captures[i], ".expected.jsonl", &expected);
        const struct replay_result result = run(as_json, buffer_view(&capture), &out);
        assert_string_equal(buffer_text(&out), buffer_text(&expected));
        assert_int_equal(result.status, CAPTURE_OK);
        assert_int_equal(result.connections, 1);
        assert_int_equal(result.other + result.unbound + result.gaps + result.notes, 0);
        buffer_free(&capture);
        buffer_free(&expected);
        buffer_free(&out);
    }
}

static void test_facts(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    read_file("samba-libdcerpc_to_go-msrpc", ".pcap", &capture);
    struct replay_result result = run(as_text, buffer_view(&capture), &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    assert_int_equal(result.calls[REPLAY_FAULT], 1);
    assert_int_equal(result.findings, 1);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_FINDINGS);
    const char *text = buffer_text(&out);
    assert_non_null(strstr(
        text, "    0.000729  127.0.0.1:56024 -> 127.0.0.1:49152  #3    ApiAddNotifyV2           "
              "nca_op_rng_error  notify#1  notify#1  GROUP  "
              "GROUP_DELETED_V2|GROUP_COMMON_PROPERTY_V2|GROUP_PRIVATE_PROPERTY_V2|"
              "GROUP_STATE_V2|GROUP_OWNER_NODE_V2  key 7  Version 2\n"
              "              ! frame 10 stub offset 64: isTargetedAtObject is cut short (1 byte "
              "left) [MS-CMRP 3.1.4.2.137]\n"));
    assert_non_null(strstr(text, "ApiGetBatchNotification  ok  notify#1  => 6 commands\n"
                                 "              CLUSREG_DELETE_VALUE   -       \"NotifyTest\"\n"
                                 "              CLUSREG_SET_VALUE      REG_SZ  \"NotifyTest\"  "
                                 "\"hello world\"\n"));
    buffer_clear(&out);
    buffer_clear(&capture);
    read_file("impacket-ntlm-privacy_to_script", ".pcap", &capture);
    result = run(as_text, buffer_view(&capture), &out);
    assert_int_equal(result.calls[REPLAY_SEALED], 2);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_non_null(strstr(buffer_text(&out), "security ntlm, privacy\n"));
    buffer_free(&capture);
    buffer_free(&out);
}

// Cut off anywhere: no crash, and never fewer calls for more octets.
static void test_truncations(void **state) {
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        uint64_t calls = 0;
        read_file(captures[i], ".pcap", &capture);
        for (size_t size = 0; size <= capture.size; size++) {
            struct buffer out = {0};
            struct replay_options options = size % 2 == 0 ? as_json : as_text;
            options.verbose = size % 4 == 1;
            const struct replay_result result = run(options, (cmrp_view){capture.data, size}, &out);
            const enum outcome outcome = replay_outcome(&result, 0);
            assert_true(outcome == OUTCOME_OK || outcome == OUTCOME_FINDINGS ||
                        outcome == OUTCOME_USAGE || outcome == OUTCOME_INCOMPLETE);
            assert_true(outcome != OUTCOME_USAGE || size < 24);
            assert_true(outcome != OUTCOME_OK || result.status == CAPTURE_OK);
            assert_true(replay_calls(&result) >= calls);
            calls = replay_calls(&result);
            buffer_free(&out);
        }
        assert_true(calls > 0);
        buffer_free(&capture);
    }
}

static uint64_t random_state = 0x853c49e6748fea9b;

static uint32_t random_below(uint32_t n) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1d >> 32) % n);
}

static void test_mutations(void **state) {
    (void)state;
    uint64_t calls = 0;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        read_file(captures[i], ".pcap", &capture);
        for (int round = 0; round < 3000; round++) {
            struct buffer out = {0};
            struct buffer mutant = {0};
            struct replay_options options = round % 2 == 0 ? as_json : as_text;
            options.verbose = round % 4 == 1;
            options.colour = round % 8 == 1;
            buffer_append(&mutant, capture.data, capture.size);
            for (uint32_t n = 1 + random_below(8); n > 0; n--) {
                mutant.data[24 + random_below((uint32_t)mutant.size - 24)] =
                    (uint8_t)random_below(256);
            }
            const struct replay_result result = run(options, buffer_view(&mutant), &out);
            calls += replay_calls(&result);
            buffer_free(&out);
            buffer_free(&mutant);
        }
        buffer_free(&capture);
    }
    assert_true(calls > 10000);
}

// ---- states -------------------------------------------------------------------------------------

static void test_states(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 28, "00000002", "00000000 00000000" HANDLE);
    talk_call(&c, 3, 37, HANDLE, NOHAND "06000000");
    talk_call(&c, 4, 7, "01020304", "05060708"); // not described
    talk_call(&c, 5, 37, HANDLE, NULL);          // unanswered
    talk_call(&c, 6, 65, HANDLE, NULL);
    talk_fault(&c, 6, 0, 0x1c00001a);
    talk_call(&c, 7, 37, HANDLE, NOHAND "0600"); // cut short
    expect(as_text, &c,
           BIND "    0.002000  " ENDS "  #2    ApiGetRootKey            ok  samDesired 0x02000000"
                "  => key#1\n"
                "    0.004000  " ENDS "  #3    ApiCloseKey              ERROR_INVALID_HANDLE  key#1"
                "  => null\n"
                "    0.006000  " ENDS
                "  #4    ApiCreateEnum            undecoded (a method that is "
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
    talk_call(&c, 4, 7, "01020304", "05060708");
    talk_call(&c, 5, 37, HANDLE, NULL);
    talk_call(&c, 6, 65, HANDLE, NULL);
    talk_fault(&c, 6, 0, 0x1c00001a);
#define HEAD(frames) frames ",\"client\":\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\","
    expect(
        as_json, &c,
        "{\"kind\":\"bind\",\"request_frame\":3,\"response_frame\":4," HEAD(
            "\"time\":\"2023-11-14T22:13:20.002000Z\"") "\"call_id\":1,\"pdu\":\"bind\","
                                                        "\"answer\":\"bind_ack\",\"assoc_group\":"
                                                        "74565,\"multiplexing\":true,\"contexts\":["
                                                        "{"
                                                        "\"context\":0,\"uuid\":"
                                                        "\"b97db8b2-4c63-11cf-bff6-08002be23f2f\","
                                                        "\"version\":\"3.0\",\"offered\":[\"ndr\"],"
                                                        "\"result\":\"acceptance\",\"syntax\":"
                                                        "\"ndr\"}],\"security\":{\"type\":\"none\","
                                                        "\"level\":\"none\"}}\n"
                                                        "{\"kind\":\"call\",\"state\":"
                                                        "\"undecoded\",\"request_frame\":5,"
                                                        "\"response_frame\":6," HEAD(
                                                            "\"time\":\"2023-11-14T22:13:20."
                                                            "004000Z\"") "\"call_id\":4,"
                                                                         "\"context\":0,"
                                                                         "\"opnum\":7,\"method\":"
                                                                         "\"ApiCreateEnum\","
                                                                         "\"interface\":3,"
                                                                         "\"syntax\":\"ndr\","
                                                                         "\"findings\":[]}\n"
                                                                         "{\"kind\":\"call\","
                                                                         "\"state\":\"fault\","
                                                                         "\"request_frame\":8,"
                                                                         "\"response_frame\":"
                                                                         "9," HEAD(
                                                                             "\"time\":\"2023-11-"
                                                                             "14T22:13:20."
                                                                             "007000Z\"") "\"call_"
                                                                                          "id\":6,"
                                                                                          "\"contex"
                                                                                          "t\":0,"
                                                                                          "\"opnum"
                                                                                          "\":65,"
                                                                                          "\"method"
                                                                                          "\":"
                                                                                          "\"ApiGet"
                                                                                          "Notify\""
                                                                                          ",\"inter"
                                                                                          "face\":"
                                                                                          "3,"
                                                                                          "\"syntax"
                                                                                          "\":"
                                                                                          "\"ndr\","
                                                                                          "\"reques"
                                                                                          "t\":{"
                                                                                          "\"hNotif"
                                                                                          "y\":"
                                                                                          "\"" HANDLE
                                                                                          "\"},"
                                                                                          "\"fault"
                                                                                          "\":"
                                                                                          "46976207"
                                                                                          "4,"
                                                                                          "\"findin"
                                                                                          "gs\":[]}"
                                                                                          "\n"
                                                                                          "{\"kind"
                                                                                          "\":"
                                                                                          "\"call\""
                                                                                          ",\"state"
                                                                                          "\":"
                                                                                          "\"unansw"
                                                                                          "ered\","
                                                                                          "\"reques"
                                                                                          "t_"
                                                                                          "frame\":"
                                                                                          "7," HEAD(
                                                                                              "\"ti"
                                                                                              "me\""
                                                                                              ":\"2"
                                                                                              "023-"
                                                                                              "11-"
                                                                                              "14T2"
                                                                                              "2:"
                                                                                              "13:"
                                                                                              "20."
                                                                                              "0060"
                                                                                              "00Z"
                                                                                              "\"") "\"call_id\":5,\"context\":0,"
                                                                                                    "\"opnum\":37,\"method\":\"ApiCloseKey\",\"interface\":3,\"syntax\":\"ndr\","
                                                                                                    "\"request\":{\"pKey\":\"" HANDLE
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

// ---- findings -----------------------------------------------------------------------------------

#define TRAILER                                                                                    \
    "8ae3137102f43671"                                                                             \
    "01400400"                                                                                     \
    "01000000"

// A verification trailer is no trailing data; in a response there is none.
static void test_verification_trailer(void **state) {
    (void)state;
    static const struct {
        const char *request, *response;
        uint64_t warnings;
    } cases[] = {
        {HANDLE "8ae3137102f43671 01400400 01000000", NOHAND "00000000", 0},
        {HANDLE "ffffffff" TRAILER, NOHAND "00000000", 0}, // padding before it
        {HANDLE "ff" TRAILER, NOHAND "00000000", 1},       // not at a multiple of 4
        {HANDLE "8ae3137102f4367201400400", NOHAND "00000000", 1},
        {HANDLE "00", NOHAND "00000000", 1},
        {HANDLE, NOHAND "00000000" TRAILER, 1},
        {HANDLE, NOHAND "00000000", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_usual_bind(&c);
        talk_call(&c, 2, 37, cases[i].request, cases[i].response);
        const struct replay_result result = run_conversation(as_json, &c, &out);
        assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
        assert_int_equal(result.warnings, cases[i].warnings);
        assert_int_equal(result.findings, 0);
        assert_int_equal(replay_outcome(&result, 1), OUTCOME_OK); // warnings alone are no finding
        const bool said = strstr(buffer_text(&out), "\"level\":\"should\"") != NULL;
        assert_int_equal(said, cases[i].warnings > 0);
        buffer_free(&out);
        conversation_free(&c);
    }
}

// Behind parameters that end at no multiple of 4 there is padding before it.
static void test_verification_trailer_alignment(void **state) {
    (void)state;
#define DELETE_KEY HANDLE "16000000 16000000 01000000 03000000 00000000 02000000 0000 00000000"
    static const char *const requests[] = {DELETE_KEY "0000" TRAILER, DELETE_KEY TRAILER};
    for (uint64_t i = 0; i < 2; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_usual_bind(&c);
        talk_call(&c, 2, 113, requests[i], "00000000 00000000 00000000");
        const struct replay_result result = run_conversation(as_json, &c, &out);
        assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
        assert_int_equal(result.warnings, i);
        buffer_free(&out);
        conversation_free(&c);
    }
}

static void test_trailer_shown(void **state) {
    (void)state;
    struct conversation c = {0};
    struct replay_options options = as_text;
    options.verbose = true;
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE TRAILER, NOHAND "00000000");
    expect_part(options, &c,
                "                pKey  key#1 " HANDLE "\n"
                "                verification trailer at offset 20, 16 octets: 8a e3 13 71");
    conversation_free(&c);
}

// ApiExecuteBatch whose batch ends within DataLength: the parameter as hex, and a finding.
static void test_unreadable_batch(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 113,
              HANDLE "15000000 15000000 01000000 04000000 00000000 04000000 61000000 00",
              "ffffffff 00000000 0d000000");
    expect_part(
        as_json, &c,
        "\"lpData\":\"010000000400000000000000040000006100000000\"},\"response\":"
        "{\"pdwFailedCommand\":-1,\"rpc_status\":0,\"return\":13},\"findings\":[{\"level\":"
        "\"must\",\"frame\":5,\"offset\":48,\"field\":\"lpData.DataLength\",\"section\":"
        "\"MS-CMRP 2.2.3.17.1\",\"message\":\"lpData.DataLength is cut short (1 byte left)\"}]}");
    expect_part(as_text, &c,
                "ApiExecuteBatch          ERROR_INVALID_DATA  key#1  0 commands, then unreadable"
                "  => FailedCommand -1\n");
    conversation_free(&c);
}

// A failed ApiGetBatchNotification says nothing about its batch.
static void test_no_batch_after_an_error(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 115, HANDLE, "00000000 04000200 00000000 03010000");
    talk_call(&c, 3, 115, HANDLE, "00000000 04000200 00000000 00000000");
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.findings, 1);
    assert_non_null(strstr(buffer_text(&out), "\"frame\":8,\"offset\":12,\"field\":"
                                              "\"lpData.VersionNumber\""));
    buffer_free(&out);
    conversation_free(&c);
}

static void test_padding_warning(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    // KeyName "A": 4 octets of units, no gap; then a name with a gap that is not zero
    talk_call(&c, 2, 31, HANDLE "00000000",
              "00000200 03000000 00000000 03000000 410042000000 ffff 0000000000000000"
              "00000000 00000000");
    expect_part(as_json, &c,
                "\"findings\":[{\"level\":\"should\",\"frame\":6,\"offset\":22,\"field\":"
                "\"lpftLastWriteTime\",\"section\":\"MS-CMRP 3.1.4.2.32\"");
    conversation_free(&c);
}

// ApiGetNotifyAsync's response with so many notifications, each of which earns a warning.
static void put_remarkable(struct buffer *stub, int count, const char *end) {
    buffer_printf(stub,
                  "00000200"
                  "%02x000000",
                  (unsigned)count);
    for (int i = 0; i < count; i++) {
        buffer_printf(stub, "01000000 01000000 00000200");
    }
    for (int i = 0; i < count; i++) { // one unit and a gap of two octets that are not zero
        buffer_printf(stub, "01000000 00000000 01000000 0000 eeee");
    }
    buffer_printf(stub, "%02x000000%s", (unsigned)count, end);
}

// Findings of one call are cut off at a hundred; the rest is counted.
static void test_many_findings(void **state) {
    (void)state;
    enum { COUNT = 150 };
    struct conversation c = {0};
    struct buffer stub = {0};
    struct buffer out = {0};
    put_remarkable(&stub, COUNT, "00000000");
    talk_usual_bind(&c);
    talk_call(&c, 2, 147, HANDLE, buffer_text(&stub));
    const struct replay_result result = run_conversation(as_text, &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
    assert_int_equal(result.warnings, COUNT);
    assert_non_null(strstr(buffer_text(&out), "              and 50 findings more\n"));
    buffer_free(&out);
    buffer_free(&stub);
    conversation_free(&c);
}

// A breach is kept and counted as one, however many warnings came before it.
static void test_breach_after_many_warnings(void **state) {
    (void)state;
    enum { COUNT = 150 };
    struct conversation c = {0};
    struct buffer stub = {0};
    struct buffer out = {0};
    put_remarkable(&stub, COUNT, "0000"); // the return value is cut short
    talk_usual_bind(&c);
    talk_call(&c, 2, 147, HANDLE, buffer_text(&stub));
    const struct replay_result result = run_conversation(as_text, &c, &out);
    assert_int_equal(result.calls[REPLAY_UNDECODED], 1);
    assert_int_equal(result.warnings, COUNT);
    assert_int_equal(result.findings, 1);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_FINDINGS);
    assert_non_null(strstr(buffer_text(&out), ": return is cut short (2 bytes left)"));
    assert_non_null(strstr(buffer_text(&out), "              and 51 findings more\n"));
    buffer_free(&out);
    buffer_free(&stub);
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

// Interface version 2 has another ApiGetNotify; a version nobody knows has none.
static void test_interface_versions(void **state) {
    (void)state;
    const uint16_t ids[] = {0, 1, 2};
    const cmrp_syntax_id two = {clusapi_3.uuid, 2, 0};
    const cmrp_syntax_id four = {clusapi_3.uuid, 4, 0};
    const cmrp_syntax_id interfaces[] = {two, four, clusapi_3};
    const cmrp_syntax_id strange = {ndr20.uuid, 3, 0};
    const cmrp_syntax_id transfers[] = {ndr20, ndr20, strange};
    struct conversation c = {0};
    struct buffer out = {0};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 3);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, transfers, NULL, 3);
    talk_call(&c, 2, 65, HANDLE "10000000", "07000000 00100000 09000000 00000000 00000000");
    talk_request(&c, WHOLE_FLAGS, 3, 1, 65, "x");
    talk_response(&c, WHOLE_FLAGS, 3, 1, "x");
    talk_request(&c, WHOLE_FLAGS, 4, 2, 65, "x");
    talk_response(&c, WHOLE_FLAGS, 4, 2, "x");
    run_conversation(as_json, &c, &out);
    const char *text = buffer_text(&out);
    assert_non_null(strstr(text, "\"interface\":2,\"syntax\":\"ndr\",\"request\":{\"hNotify\":"
                                 "\"" HANDLE "\",\"Timeout\":16},\"response\":{\"dwNotifyKey\":7"));
    assert_non_null(strstr(text, "\"state\":\"undecoded\",\"request_frame\":7"));
    assert_non_null(
        strstr(text, "\"opnum\":65,\"interface\":4,\"syntax\":\"ndr\",\"findings\":[]}"));
    assert_non_null(strstr(text, "\"method\":\"ApiGetNotify\",\"interface\":3,\"syntax\":"
                                 "\"8a885d04-1ceb-11c9-9fe8-08002b104860/3.0\",\"findings\":[]}"));
    buffer_free(&out);
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

// ---- the writer ---------------------------------------------------------------------------------

// What the writer makes of a stub is what json/ makes of it. Returns false for one that does not
// decode.
static bool expect_same_json(const cmrp_stub_format *format, cmrp_view stub, bool ascii) {
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = *format};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    struct buffer out = {0};
    struct writer w = {.out = &out, .ascii = ascii};
    if (!cmrp_stub_decode(format, stub, 0, slots, NULL, NULL, &error)) {
        return false;
    }
    writer_params(&w, format, slots);
    json_t *value = json_decode(&how, stub, 0, &error);
    char *expected = json_dumps(json_object_get(value, "params"), JSON_COMPACT);
    json_t *written = json_loads(buffer_text(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_equal(written, json_object_get(value, "params")));
    if (!ascii) {
        assert_string_equal(buffer_text(&out), expected);
    }
    free(expected);
    json_decref(written);
    json_decref(value);
    buffer_free(&out);
    return true;
}

static struct buffer stub_of(const char *hex) {
    struct conversation c = {0};
    struct buffer stub = {0};
    cmrp_pdu pdu;
    cmrp_error error = {0};
    talk_call(&c, 1, 0, hex, NULL);
    assert_true(cmrp_pdu_decode(buffer_view(&c.octets), 0, &pdu, NULL, NULL, &error));
    buffer_append(&stub, pdu.stub.data, pdu.stub.size);
    conversation_free(&c);
    return stub;
}

static void test_writer(void **state) {
    (void)state;
    static const struct {
        const char *method;
        bool response;
        cmrp_syntax syntax;
        const char *hex;
    } stubs[] = {
        {"ApiAddNotifyV2", false, CMRP_NDR20,
         HANDLE HANDLE2 "02000000 00000000 1800000000000000 07000000 02000000 01000000"},
        {"ApiExecuteBatch", false, CMRP_NDR20,
         HANDLE "32000000 32000000 01000000"
                "01000000 01000000 04000000 61000000 03000000 010203 00"
                "02000000 00000000 06000000 6200e9000000 00000000"},
        {"ApiExecuteBatch", true, CMRP_NDR20, "feffffff 00000000 0d000000"},
        {"ApiGetNotify", true, CMRP_NDR20,
         "07000000 00300080 09000000 00000200 05000000 00000000 05000000"
         "22005c000a003dd8 0000 0000 00000000 00000000"},
        {"ApiGetNotify", true, CMRP_NDR20,
         "07000000 00300080 09000000 00000200 05000000 00000000 05000000"
         "e9003dd800de0100 0000 0000 00000000 00000000"},
        {"ApiGetNotifyV2", true, CMRP_NDR20,
         "00000200 01000000 05000000 00000000 02000000 00000000 0800000000000000"
         "04000200 04000000 08000200 00000000 0c000200 00000000"
         "04000000 03000000 02000000 00000000 02000000 67000000 02000000 00000000 02000000"
         "41000000 01000000 00000000"},
        {"ApiGetNotifyAsync", true, CMRP_NDR64,
         "0000020000000000 0100000000000000 01000000 00100000 0400020000000000"
         "0200000000000000 0000000000000000 0200000000000000 41000000 01000000 00000000"},
        {"ApiGetClusterVersion2", true, CMRP_NDR20,
         "0600 0300 8025 0000 00000000 00000000 00000200 14000000 00000800 00000800 00000000"
         "00000000 00000000 00000000"},
        {"ApiEnumKey", true, CMRP_NDR20, "00000000 0100000002000000 00000000 00000000"},
    };
    enum { ROUNDS = 4000 };
    uint64_t compared = 0;
    for (size_t i = 0; i < sizeof stubs / sizeof stubs[0]; i++) {
        struct buffer stub = stub_of(stubs[i].hex);
        const cmrp_stub_format format = {.method =
                                             cmrp_method_named(CMRP_INTERFACE_3, stubs[i].method),
                                         .interface = CMRP_INTERFACE_3,
                                         .response = stubs[i].response,
                                         .syntax = stubs[i].syntax};
        assert_true(expect_same_json(&format, buffer_view(&stub), false));
        for (int round = 0; round < ROUNDS; round++) {
            struct buffer mutant = {0};
            buffer_append(&mutant, stub.data, stub.size);
            for (uint32_t n = 1 + random_below(3); n > 0; n--) {
                mutant.data[random_below((uint32_t)mutant.size)] = (uint8_t)random_below(256);
            }
            compared += expect_same_json(&format, buffer_view(&mutant), round % 2 == 0);
            buffer_free(&mutant);
        }
        buffer_free(&stub);
    }
    assert_true(compared > ROUNDS);
}

static void test_writer_values(void **state) {
    (void)state;
    struct buffer out = {0};
    struct writer w = {.out = &out};
    writer_open(&w, '[');
    writer_number(&w, 0);
    writer_number(&w, UINT64_MAX);
    writer_signed(&w, INT32_MIN);
    writer_decimal(&w, UINT64_MAX);
    writer_null(&w);
    writer_string(&w, "a\"\\\n\x1f\x7f\xc3\xa9");
    w.ascii = true;
    writer_string(&w, "\x7f\xc3\xa9\xf0\x9f\x98\x80");
    writer_open(&w, '{');
    writer_close(&w, '}');
    writer_close(&w, ']');
    assert_string_equal(buffer_text(&out),
                        "[0,18446744073709551615,-2147483648,\"18446744073709551615\",null,"
                        "\"a\\\"\\\\\\n\\u001F\x7f\xc3\xa9\",\"\\u007F\\u00E9\\uD83D\\uDE00\",{}]");
    buffer_free(&out);
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
    expect(as_text, &c,
           BIND "    0.002000  " ENDS "  #2    ApiCreateNotify          ok  => notify#1\n"
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

// ---- gaps, notes, other traffic -----------------------------------------------------------------

static void test_gap(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NULL);
    talk_gap(&c, SERVER, 48);
    talk_call(&c, 3, 37, HANDLE, NOHAND "00000000");
    expect_part(as_json, &c,
                "{\"kind\":\"gap\",\"frame\":7,\"time\":\"2023-11-14T22:13:20.006000Z\",\"client\":"
                "\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\",\"from\":\"server\",\"bytes\":"
                "48,\"skipped\":0}\n");
    expect_part(as_text, &c, "  gap  48 octets of the server are missing\n");
    expect_part(as_text, &c, "#3    ApiCloseKey              ok  key#1  => null\n");
    expect_part(as_text, &c, "#2    ApiCloseKey              unanswered  key#1\n");
    conversation_free(&c);
}

static void test_note(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 139, HANDLE, NULL);
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 2);
    expect_part(as_text, &c, "  note  the client cancels call 2\n");
    expect_part(
        as_json, &c,
        "{\"kind\":\"note\",\"frame\":6,\"time\":\"2023-11-14T22:13:20.005000Z\",\"client\":"
        "\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\",\"code\":\"cancel\","
        "\"message\":\"the client cancels call 2\"}\n");
    conversation_free(&c);
}

static void test_limits(void **state) {
    (void)state;
    struct conversation c = {0};
    struct replay_options options = as_text;
    options.assoc.stub = 30;
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NOHAND "00000000");
    talk_call(&c, 3, 115, HANDLE, "00000000 00000000 00000000" HANDLE);
    expect_part(options, &c, "note  call 3: a stub of more than 30 octets is not read\n");
    expect_part(options, &c, "ApiGetBatchNotification  undecoded (larger than the limit)  key#1\n");
    conversation_free(&c);
}

static void test_other_traffic(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    struct conversation web = {0};
    struct conversation other = {0};
    struct conversation unbound = {0};
    struct conversation ours = {0};
    const uint16_t zero = 0;
    talk_octets(&web, CLIENT, "GET / HTTP/1.1\r\n\r\n", 18);
    talk_octets(&web, SERVER, "HTTP/1.1 200 OK\r\n\r\n", 19);
    talk_bind(&other, CMRP_PTYPE_BIND, 1, &zero, &other_interface, &ndr20, 1);
    talk_answer(&other, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    talk_call(&other, 2, 37, HANDLE, NOHAND "00000000");
    talk_call(&unbound, 2, 37, HANDLE, NOHAND "00000000");
    pcap_begin(&capture);
    pcap_connection(&capture, &web, 1000, 49152);
    pcap_connection(&capture, &other, 1001, 49152);
    struct replay_result result = run(as_text, buffer_view(&capture), &out);
    assert_string_equal(buffer_text(&out), "");
    assert_int_equal(result.other, 1);
    assert_int_equal(result.connections, 0);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_int_equal(replay_outcome(&result, 1), OUTCOME_FINDINGS);
    replay_summary(&result, &out);
    assert_string_equal(buffer_text(&out), "10 packets, 2 TCP connections, 0 of this protocol; no "
                                           "calls of this protocol; 0 findings\n");
    buffer_clear(&out);
    talk_usual_bind(&ours);
    talk_call(&ours, 2, 37, HANDLE, NOHAND "00000000");
    pcap_connection(&capture, &unbound, 1002, 49152);
    pcap_connection(&capture, &ours, 1003, 49152);
    result = run(as_json, buffer_view(&capture), &out);
    assert_int_equal(replay_calls(&result), 1);
    assert_int_equal(result.unbound, 1);
    assert_non_null(strstr(buffer_text(&out), "\"code\":\"unbound\""));
    buffer_clear(&out);
    replay_summary(&result, &out);
    assert_string_equal(buffer_text(&out),
                        "20 packets, 4 TCP connections, 1 of this protocol, 1 DCE/RPC without a "
                        "bind; 1 call: 1 complete; 0 findings\n");
    conversation_free(&web);
    conversation_free(&other);
    conversation_free(&unbound);
    conversation_free(&ours);
    buffer_free(&capture);
    buffer_free(&out);
}

static bool refuse_second(void *context, const char *text, size_t size) {
    int *records = context;
    (void)text;
    (void)size;
    return ++*records < 2;
}

// When nothing can be written any more, reading stops.
static void test_stop(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct replay_options options = as_json;
    struct replay_result result;
    int records = 0;
    read_file("smbtorture_to_script", ".pcap", &capture);
    options.write = refuse_second;
    options.context = &records;
    replay_memory(&options, capture.data, capture.size, &result);
    assert_int_equal(result.status, CAPTURE_STOPPED);
    assert_int_equal(records, 2);
    buffer_free(&capture);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_states_as_json),
        cmocka_unit_test(test_method_filter),
        cmocka_unit_test(test_verification_trailer),
        cmocka_unit_test(test_verification_trailer_alignment),
        cmocka_unit_test(test_trailer_shown),
        cmocka_unit_test(test_unreadable_batch),
        cmocka_unit_test(test_no_batch_after_an_error),
        cmocka_unit_test(test_padding_warning),
        cmocka_unit_test(test_many_findings),
        cmocka_unit_test(test_breach_after_many_warnings),
        cmocka_unit_test(test_big_endian),
        cmocka_unit_test(test_interface_versions),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_colour),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_values),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_handles_of_servers),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_other_traffic),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_outcomes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
