// SPDX-License-Identifier: Apache-2.0
// Findings: batches and parameters that break a rule, and what is kept of very many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "replay/state.h"
#include "support.h"

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
                "\"findings\":[{\"level\":\"note\",\"frame\":6,\"offset\":22,\"field\":"
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

static size_t kept_of(const struct replay_call *call, const struct rule *rule) {
    size_t count = 0;
    for (size_t i = 0; i < call->finding_count; i++) {
        count += call->findings[i].rule == rule;
    }
    return count;
}

static void add(struct replay_call *call, bool must, const struct rule *rule) {
    struct replay_finding *f = replay_next_finding(call, must, rule);
    if (f != NULL) {
        *f = (struct replay_finding){.must = must, .rule = rule};
    }
}

// The first finding of each rule is kept before another of one that has its own.
static void test_many_findings_of_one_rule(void **state) {
    (void)state;
    static struct replay_call call;
    const struct rule *loud = rules_at(0), *quiet = rules_at(1), *advice = rules_at(2);
    call = (struct replay_call){0};
    for (int i = 0; i < 150; i++) {
        add(&call, true, loud);
    }
    assert_int_equal(call.finding_count, REPLAY_FINDINGS);
    assert_int_equal(call.more_findings, 50);
    add(&call, false, advice); // is worth less than what is there
    assert_int_equal(kept_of(&call, advice), 0);
    add(&call, true, quiet);
    assert_int_equal(kept_of(&call, quiet), 1);
    assert_int_equal(kept_of(&call, loud), REPLAY_FINDINGS - 1);
    add(&call, true, quiet); // has its own
    assert_int_equal(kept_of(&call, quiet), 1);
    assert_int_equal(call.finding_count, REPLAY_FINDINGS);
    assert_int_equal(call.more_findings, 53);
    assert_ptr_equal(call.findings[0].rule, loud);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreadable_batch),
        cmocka_unit_test(test_no_batch_after_an_error),
        cmocka_unit_test(test_padding_warning),
        cmocka_unit_test(test_many_findings),
        cmocka_unit_test(test_breach_after_many_warnings),
        cmocka_unit_test(test_many_findings_of_one_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
