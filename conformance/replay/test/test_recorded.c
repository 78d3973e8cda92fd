// SPDX-License-Identifier: Apache-2.0
// The recorded captures: what is printed of them, and of what is left when they are cut or changed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "support.h"

static const char *const captures[] = {"impacket-ntlm-privacy_to_script", "impacket_to_script",
                                       "samba-libdcerpc-ndr64_to_script",
                                       "samba-libdcerpc_to_go-msrpc", "smbtorture_to_script"};

enum { CAPTURES = sizeof captures / sizeof captures[0] };

static void test_expected(void **state) {
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        struct buffer expected = {0};
        struct buffer out = {0};
        read_capture(captures[i], ".pcap", &capture);
        read_capture(captures[i], ".expected.jsonl", &expected);
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
    read_capture("samba-libdcerpc_to_go-msrpc", ".pcap", &capture);
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
    read_capture("impacket-ntlm-privacy_to_script", ".pcap", &capture);
    result = run(as_text, buffer_view(&capture), &out);
    assert_int_equal(result.calls[REPLAY_SEALED], 2);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_non_null(strstr(buffer_text(&out), "security ntlm, privacy\n"));
    buffer_free(&capture);
    buffer_free(&out);
}

// ---- damage -------------------------------------------------------------------------------------

// Cut off anywhere: no crash, and never fewer calls for more octets.
static void test_truncations(void **state) {
    (void)state;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        uint64_t calls = 0;
        read_capture(captures[i], ".pcap", &capture);
        for (size_t size = 0; size <= capture.size; size++) {
            struct buffer out = {0};
            struct replay_options options = size % 2 == 0 ? as_json : as_text;
            options.verbose = size % 4 == 1;
            const struct replay_result result =
                run_damaged(options, (cmrp_view){capture.data, size}, &out);
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

static void test_mutations(void **state) {
    (void)state;
    uint64_t calls = 0;
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = {0};
        read_capture(captures[i], ".pcap", &capture);
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
            const struct replay_result result = run_damaged(options, buffer_view(&mutant), &out);
            calls += replay_calls(&result);
            buffer_free(&out);
            buffer_free(&mutant);
        }
        buffer_free(&capture);
    }
    assert_true(calls > 10000);
}

// ---- no more output -----------------------------------------------------------------------------

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
    read_capture("smbtorture_to_script", ".pcap", &capture);
    options.write = refuse_second;
    options.context = &records;
    replay_memory(&options, capture.data, capture.size, &result);
    assert_int_equal(result.status, CAPTURE_STOPPED);
    assert_int_equal(records, 2);
    buffer_free(&capture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),    cmocka_unit_test(test_facts),
        cmocka_unit_test(test_truncations), cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
