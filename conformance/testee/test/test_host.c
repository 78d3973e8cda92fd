// SPDX-License-Identifier: Apache-2.0
// The host against testees that answer, rightly or wrongly, and how runs begin and end.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hosting.h"
#include "suite/xfail.h"

static void test_good(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        struct finished f;
        hosting.options.processes = n;
        run(&f, "good", "");
        assert_int_equal(f.counts[VERDICT_PASS], CASES);
        assert_int_equal(f.outcome, OUTCOME_OK);
        assert_int_equal(f.report.note_count, 0);
        assert_string_equal(f.report.hello.name, "broken");
        release(&f);
    }
}

static void test_wrong_answers(void **state) {
    (void)state;
    expect_any_window("wrong-value", VERDICT_FAIL, "7");
    expect("wrong-kind", VERDICT_FAIL, "hex 05000000");
    expect("refuse", VERDICT_FAIL, "the error \"no \\u{202e}\\x07\"");
}

// However much it writes: its last lines, 20 of them.
static void test_output_is_bounded(void **state) {
    struct finished f;
    size_t lines = 0;
    (void)state;
    run(&f, "wrong-value", "");
    const char *output = target(&f)->output;
    assert_contains(output, "line 199999\n");
    for (const char *p = output; *p != '\0'; p++) {
        lines += *p == '\n';
    }
    assert_int_equal(lines, 20);
    assert_contains(target(&f)->expected, "/value");
    release(&f);
}

static void test_unsupported(void **state) {
    struct finished f;
    (void)state;
    run(&f, "unsupported", "");
    assert_blamed(&f, VERDICT_UNSUPPORTED, "not yet");
    assert_int_equal(f.outcome, OUTCOME_OK);
    release(&f);
    run(&f, "hello",
        "'{\"id\":0,\"name\":\"x\",\"version\":\"1\",\"types\":[\"batch\",\"other\"]}'");
    assert_int_equal(f.counts[VERDICT_UNSUPPORTED], CASES);
    assert_contains(target(&f)->got, "does not offer the type change");
    assert_int_equal(f.outcome, OUTCOME_USAGE);
    release(&f);
}

static void test_late_and_reversed(void **state) {
    struct finished f;
    (void)state;
    run(&f, "reversed-order", "");
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.outcome, OUTCOME_OK);
    release(&f);
}

// ---- start --------------------------------------------------------------------------------------

static void expect_unreached(const char *behaviour, const char *argument, const char *words) {
    struct finished f;
    run(&f, behaviour, argument);
    assert_contains(f.report.failure, words);
    assert_int_equal(f.counts[VERDICT_NOTRUN], CASES);
    assert_int_equal(f.outcome, OUTCOME_UNREACHED);
    release(&f);
}

static void test_start(void **state) {
    struct finished f;
    (void)state;
    run(&f, "dies-at-start", "");
    assert_contains(f.report.failure, "status 1");
    assert_contains(f.report.failure_output, "cannot find\nmy files\n");
    assert_int_equal(f.outcome, OUTCOME_UNREACHED);
    release(&f);
    run_command(&f, "/nonexistent/testee");
    assert_contains(f.report.failure, "no such file");
    assert_int_equal(f.counts[VERDICT_NOTRUN], CASES);
    assert_int_equal(f.outcome, OUTCOME_UNREACHED);
    release(&f);
    hosting.options.hello_timeout = 0.5;
    expect_unreached("hangs-at-start", "", "no answer to hello");
}

static void test_hello(void **state) {
    (void)state;
    expect_unreached("hello", "'what?'", "is not a JSON object");
    expect_unreached("hello", "'[]'", "is not a JSON object");
    expect_unreached("hello", "'{\"id\":1,\"name\":\"x\",\"version\":\"1\",\"types\":[]}'", "id 0");
    expect_unreached("hello", "'{\"id\":0,\"version\":\"1\",\"types\":[]}'", "lacks name");
    expect_unreached("hello", "'{\"id\":0,\"name\":\"x\",\"version\":\"1\"}'", "lacks types");
    expect_unreached("hello", "'{\"id\":0,\"name\":\"x\",\"version\":\"1\",\"types\":[1]}'",
                     "lacks types");
    expect_unreached("hello", "'{\"id\":0,\"unsupported\":\"format 1\"}'",
                     "hello was refused: format 1");
}

// It runs for a while, dies, and cannot be started again.
static void test_restart_fails(void **state) {
    struct finished f;
    (void)state;
    char path[] = "/tmp/cmrp-host-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    run(&f, "starts-once", path);
    unlink(path);
    assert_contains(f.report.failure, "status 1");
    assert_contains(f.report.failure_output, "not again");
    assert_true(f.counts[VERDICT_PASS] >= 1);
    assert_true(f.counts[VERDICT_NOTRUN] >= 1);
    assert_int_equal(f.outcome, OUTCOME_UNREACHED);
    release(&f);
}

// ---- interruption, xfail, limits ----------------------------------------------------------------

static void interrupt(void *context, size_t done, size_t findings) {
    (void)context;
    (void)findings;
    if (done == 5) {
        raise(SIGINT);
    }
}

static void test_interrupted(void **state) {
    struct finished f;
    (void)state;
    hosting.options.progress = interrupt;
    hosting.options.window = 2;
    run(&f, "good", "");
    assert_true(f.report.interrupted);
    assert_true(f.counts[VERDICT_PASS] >= 5);
    assert_true(f.counts[VERDICT_NOTRUN] >= CASES / 2);
    assert_int_equal(f.counts[VERDICT_PASS] + f.counts[VERDICT_NOTRUN], CASES);
    assert_int_equal(f.outcome, OUTCOME_INCOMPLETE);
    release(&f);
}

static void test_expected_failures(void **state) {
    static const struct {
        const char *behaviour;
        enum verdict expected;
        enum verdict verdict;
        enum outcome outcome;
    } rows[] = {
        {"crash", VERDICT_CRASH, VERDICT_XFAIL, OUTCOME_OK},
        {"hang", VERDICT_TIMEOUT, VERDICT_XFAIL, OUTCOME_OK},
        {"refuse", VERDICT_FAIL, VERDICT_XFAIL, OUTCOME_OK},
        {"crash", VERDICT_FAIL, VERDICT_CRASH, OUTCOME_FINDINGS},
        {"good", VERDICT_FAIL, VERDICT_XPASS, OUTCOME_FINDINGS},
        {"unsupported", VERDICT_FAIL, VERDICT_UNSUPPORTED, OUTCOME_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct finished f;
        char glob[] = TARGET;
        char reason[] = "known";
        struct xfail_line line = {glob, rows[i].expected, reason, 1};
        const struct xfail xfail = {&line, 1};
        hosting_prepare(NULL);
        hosting.xfail = &xfail;
        (rows[i].expected == VERDICT_TIMEOUT ? run_into_timeout : run)(&f, rows[i].behaviour, "");
        assert_string_equal(verdict_name(target(&f)->verdict), verdict_name(rows[i].verdict));
        assert_int_equal(f.outcome, rows[i].outcome);
        // Who reads the file does not change what the XFAIL case shows.
        assert_true((target(&f)->got != NULL) == (rows[i].verdict != VERDICT_XPASS));
        release(&f);
    }
}

// A request that is longer than a line may be is not sent.
static void test_long_request(void **state) {
    static const char *const decode[] = {"change-host-00/decode"};
    struct finished f;
    struct buffer octets = {0};
    (void)state;
    hosting.selection = (struct plan_selection){.patterns = decode, .pattern_count = 1};
    memset(buffer_extend(&octets, PROTOCOL_LINE / 2), 0, PROTOCOL_LINE / 2);
    run_octets(&f, octets);
    assert_int_equal(f.plan.count, 1);
    assert_int_equal(f.plan.cases[0].result.verdict, VERDICT_NOTRUN);
    assert_contains(f.plan.cases[0].result.got, "longer than a line");
    assert_int_equal(f.outcome, OUTCOME_INCOMPLETE);
    buffer_free(&octets);
    release(&f);
}

// ---- the testee of this project -----------------------------------------------------------------

// Every vector that this project has, through the protocol.
static void test_own_testee(void **state) {
    struct vector_set vectors;
    struct plan plan;
    struct host_report report;
    const struct plan_selection all = {0};
    char *error = NULL;
    char *const words[] = {(char *)CMRP_BINARY_DIR "/bin/cmrp-testee-c", NULL};
    (void)state;
    if (!vector_set_load(CMRP_SOURCE_DIR "/vectors", &vectors, &error)) {
        fail_msg("%s", error);
    }
    assert_true(plan_make(&vectors, NULL, &all, &plan, &error));
    hosting.options.words = words;
    host_run(&plan, &hosting.options, &report);
    for (size_t i = 0; i < plan.count; i++) {
        const struct suite_case *c = &plan.cases[i];
        if (c->result.verdict != VERDICT_PASS) {
            fail_msg("%s: %s: %s", c->id, verdict_name(c->result.verdict),
                     c->result.got != NULL ? c->result.got : "");
        }
    }
    assert_int_equal(host_outcome(&plan, &report), OUTCOME_OK);
    assert_int_equal(report.note_count, 0);
    host_report_free(&report);
    plan_free(&plan);
    vector_set_free(&vectors);
}

#define TEST(function) cmocka_unit_test_setup(function, hosting_prepare)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_wrong_answers),
        TEST(test_output_is_bounded),
        TEST(test_unsupported),
        TEST(test_late_and_reversed),
        TEST(test_start),
        TEST(test_hello),
        TEST(test_restart_fails),
        TEST(test_interrupted),
        TEST(test_expected_failures),
        TEST(test_long_request),
        TEST(test_own_testee),
    };
    return cmocka_run_group_tests(tests, hosting_load, hosting_unload);
}
