// SPDX-License-Identifier: Apache-2.0
// Crashes, hangs and nonsense: whose fault the host says it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "hosting.h"

static void test_crash(void **state) {
    (void)state;
    expect_any_window("crash", VERDICT_CRASH, "signal 11");
    expect("leave", VERDICT_CRASH, "status 3");
}

static void test_crash_after_answer(void **state) {
    (void)state;
    hosting.options.waits.settle = HOST_WAITS.settle; // it takes a while to die
    expect_any_window("crash-late", VERDICT_CRASH, "signal 11");
    // Had its input been closed by then, an end would be in order.
    hosting.options.waits.settle = 0.5;
    expect_in_window("leave-late", 1, VERDICT_CRASH, "status 3");
}

static void test_crash_shows_output(void **state) {
    struct finished f;
    (void)state;
    run(&f, "crash", "");
    assert_string_equal(target(&f)->output, "about to fall\n");
    assert_contains(target(&f)->expected, "value");
    release(&f);
}

// A crash that no case causes alone is laid at the door of the oldest open one, and says so.
static void test_crash_not_alone(void **state) {
    struct finished f;
    (void)state;
    hosting.options.window = 8;
    run(&f, "crash-third", "");
    assert_true(f.counts[VERDICT_CRASH] > 0);
    assert_int_equal(f.counts[VERDICT_PASS] + f.counts[VERDICT_CRASH], CASES);
    for (size_t i = 0; i < f.plan.count; i++) {
        const struct case_result *r = &f.plan.cases[i].result;
        if (r->verdict == VERDICT_CRASH) {
            assert_contains(r->got, "not when run alone");
        }
    }
    release(&f);
}

static void test_crash_everywhere(void **state) {
    struct finished f;
    (void)state;
    hosting.options.processes = 2;
    run(&f, "crash-all", "");
    assert_int_equal(f.counts[VERDICT_CRASH], CASES);
    release(&f);
}

static void test_hang(void **state) {
    (void)state;
    expect_any_window("hang", VERDICT_TIMEOUT, "no answer within");
    expect("forget", VERDICT_TIMEOUT, "no answer within");
}

static void test_deaf(void **state) {
    static const char *const two[] = {"change-host-00", "change-host-01/decode"};
    struct finished f;
    (void)state;
    hosting.options.timeout = 0.1; // however fast, it does not answer
    hosting.selection = (struct plan_selection){.patterns = two, .pattern_count = 2};
    run(&f, "deaf", "");
    assert_int_equal(f.plan.count, 3);
    assert_int_equal(f.counts[VERDICT_TIMEOUT], 3);
    release(&f);
}

static void test_nonsense(void **state) {
    (void)state;
    expect_any_window("garbage", VERDICT_FAIL, "\"Traceback: \\x1b[31m oh\" is not a JSON object");
    expect("wrong-id", VERDICT_FAIL, "is not open");
    expect("no-id", VERDICT_FAIL, "has no id");
    expect_any_window("twice", VERDICT_FAIL, "second answer");
    expect("two-kinds", VERDICT_FAIL, "one of value, hex, error");
}

static void test_nonsense_everywhere(void **state) {
    struct finished f;
    (void)state;
    run(&f, "noise", "");
    assert_int_equal(f.counts[VERDICT_FAIL], CASES);
    release(&f);
    run(&f, "twice-all", "");
    assert_int_equal(f.counts[VERDICT_FAIL], CASES);
    release(&f);
}

static void test_floods(void **state) {
    (void)state;
    expect("flood", VERDICT_FAIL, "more than 16777216 octets");
    expect("flood-lines", VERDICT_FAIL, "has no id");
    expect("long-line", VERDICT_FAIL, "more than 16777216 octets");
}

static void test_mute(void **state) {
    (void)state;
    hosting.options.waits.silence = 0.05; // it never ends
    expect("mute", VERDICT_CRASH, "closed its standard output");
}

#define TEST(function) cmocka_unit_test_setup(function, hosting_prepare)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_crash),
        TEST(test_crash_after_answer),
        TEST(test_crash_shows_output),
        TEST(test_crash_not_alone),
        TEST(test_crash_everywhere),
        TEST(test_hang),
        TEST(test_deaf),
        TEST(test_nonsense),
        TEST(test_nonsense_everywhere),
        TEST(test_floods),
        TEST(test_mute),
    };
    return cmocka_run_group_tests(tests, hosting_load, hosting_unload);
}
