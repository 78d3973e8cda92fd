// SPDX-License-Identifier: Apache-2.0
// Protocol version 2 over UDP, from a capture to records.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"

#define NAME "constructed-udp"

enum {
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    IP = 14,
    PAYLOAD = IP + 20 + 8, // of a packet
};

static void test_expected(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer expected = {0};
    struct buffer out = {0};
    struct buffer summary = {0};
    read_capture(NAME, ".pcap", &capture);
    read_capture(NAME, ".expected.jsonl", &expected);
    const struct replay_result result = run(as_json, buffer_view(&capture), &out);
    assert_string_equal(buffer_text(&out), buffer_text(&expected));
    assert_int_equal(result.activities, 5);
    assert_int_equal(result.connections, 0);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 3);
    assert_int_equal(result.calls[REPLAY_FAULT], 3);
    assert_int_equal(result.calls[REPLAY_SEALED], 1);
    assert_int_equal(result.calls[REPLAY_UNANSWERED], 2);
    assert_int_equal(result.findings, 1);
    assert_int_equal(result.notes, 1);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_FINDINGS);
    replay_summary(&result, &summary);
    contains(&summary, "5 UDP activities of this protocol; 9 calls: 3 complete, 3 fault");
    buffer_free(&capture);
    buffer_free(&expected);
    buffer_free(&out);
    buffer_free(&summary);
}

static void test_text(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    struct replay_options verbose = as_text;
    verbose.verbose = true;
    read_capture(NAME, ".pcap", &capture);
    run(verbose, buffer_view(&capture), &out);
    // The first request went to port 135; the answer says where the server is.
    contains(&out, "    0.000000  192.0.2.10:1025 -> 192.0.2.20:1055  #0    ApiCreateNotify");
    contains(&out, "activity 0f0e0d0c-0b0a-0908-0706-050403020100, interface 2.0, ndr, 2 pings, "
                   "2 working\n");
    contains(&out, "response: frame 16, 1264 octets in 3 fragments\n");
    contains(&out, "fault: frame 21, status 0x1c010002, did not execute\n");
    contains(&out, "request: frame 18, 20 octets in 1 fragment, big-endian\n");
    contains(&out, "! frame 29 PDU offset 74: len is 24 with 8 bytes at hand [C706 12.5.2]\n");
    contains(&out, "request: frame 30, 32 octets in 1 fragment, not whole\n");
    buffer_free(&capture);
    buffer_free(&out);
}

static void test_one_method(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    struct replay_options options = as_text;
    options.opnum = 65;
    read_capture(NAME, ".pcap", &capture);
    const struct replay_result result = run(options, buffer_view(&capture), &out);
    assert_int_equal(replay_calls(&result), 3);
    buffer_free(&capture);
    buffer_free(&out);
}

static void test_limit(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    struct replay_options options = as_json;
    options.datagrams.activities = 1;
    read_capture(NAME, ".pcap", &capture);
    const struct replay_result result = run(options, buffer_view(&capture), &out);
    assert_int_equal(replay_calls(&result), 9);
    contains(&out, "\"code\":\"activity-limit\",\"message\":\"more than 1 activities");
    buffer_free(&capture);
    buffer_free(&out);
}

// Every packet in turn cut short by a snapshot length, and every packet left out: nothing breaks,
// and a call that lost no datagram is there all the same.
static void test_damage(void **state) {
    (void)state;
    struct buffer capture = {0};
    read_capture(NAME, ".pcap", &capture);
    for (unsigned without = 0; without < 2; without++) {
        size_t at = FILE_HEADER;
        while (at < capture.size) {
            struct buffer damaged = {0};
            struct buffer out = {0};
            const size_t size = cmrp_load_u32(capture.data + at + 8, CMRP_LITTLE_ENDIAN);
            const size_t kept = without ? 0 : RECORD_HEADER + PAYLOAD + (size - PAYLOAD) / 2;
            buffer_append(&damaged, capture.data, at + kept);
            if (!without) {
                cmrp_store(damaged.data + at + 8, 4, kept - RECORD_HEADER, CMRP_LITTLE_ENDIAN);
            }
            const size_t next = at + RECORD_HEADER + size;
            buffer_append(&damaged, capture.data + next, capture.size - next);
            const struct replay_result result = run(as_json, buffer_view(&damaged), &out);
            assert_in_range(replay_calls(&result), 8, 9);
            assert_true(result.calls[REPLAY_COMPLETE] >= 2);
            buffer_free(&damaged);
            buffer_free(&out);
            at = next;
        }
    }
    buffer_free(&capture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_one_method), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
