// SPDX-License-Identifier: Apache-2.0
// The host against a testee that is broken in one way at a time (broken/broken.py). Its vectors are
// twelve change values; the broken case is change-host-05/decode.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "suite/xfail.h"
#include "testee/host.h"
#include "testee/words.h"

#define TARGET "change-host-05/decode"

enum { CASES = 24 };

static struct vector_set set;

// A run that is over.
struct finished {
    struct plan plan;
    struct host_report report;
    enum outcome outcome;
    size_t counts[VERDICT_COUNT];
};

static struct host_options options_now;
static struct plan_selection selection_now;

static void run_command(struct finished *f, const char *command) {
    char *error = NULL;
    struct host_options options = options_now;
    char **words = words_split(command, &error);
    assert_non_null(words);
    *f = (struct finished){0};
    if (!plan_make(&set, NULL, &selection_now, &f->plan, &error)) {
        fail_msg("%s", error);
    }
    options.words = words;
    host_run(&f->plan, &options, &f->report);
    f->outcome = host_outcome(&f->plan, &f->report);
    for (size_t i = 0; i < f->plan.count; i++) {
        assert_true(f->plan.cases[i].result.verdict < VERDICT_COUNT);
        f->counts[f->plan.cases[i].result.verdict]++;
    }
    words_free(words);
}

static void run(struct finished *f, const char *behaviour, const char *argument) {
    char *command =
        util_format("/usr/bin/python3 '%s/conformance/testee/test/broken/broken.py' %s %s",
                    CMRP_SOURCE_DIR, behaviour, argument);
    run_command(f, command);
    free(command);
}

static void release(struct finished *f) {
    plan_free(&f->plan);
    host_report_free(&f->report);
}

static const struct case_result *target(const struct finished *f) {
    for (size_t i = 0; i < f->plan.count; i++) {
        if (strcmp(f->plan.cases[i].id, TARGET) == 0) {
            return &f->plan.cases[i].result;
        }
    }
    fail_msg("no target");
    return NULL;
}

static void assert_contains(const char *text, const char *part) {
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", text != NULL ? text : "(null)", part);
    }
}

// The target alone has this verdict, with these words; all others pass.
static void assert_blamed(const struct finished *f, enum verdict verdict, const char *words) {
    const struct case_result *r = target(f);
    assert_string_equal(verdict_name(r->verdict), verdict_name(verdict));
    assert_contains(r->got, words);
    assert_int_equal(f->counts[VERDICT_PASS], CASES - 1);
    assert_int_equal(f->counts[verdict], 1);
}

// ---- the behaviours -----------------------------------------------------------------------------

static void expect_in_window(const char *behaviour, unsigned window, enum verdict verdict,
                             const char *words) {
    struct finished f;
    options_now.window = window;
    run(&f, behaviour, "");
    assert_blamed(&f, verdict, words);
    assert_int_equal(f.outcome, OUTCOME_FINDINGS);
    release(&f);
}

static void expect(const char *behaviour, enum verdict verdict, const char *words) {
    expect_in_window(behaviour, HOST_WINDOW, verdict, words);
}

// One request at a time and several: the same case is to blame.
static void expect_any_window(const char *behaviour, enum verdict verdict, const char *words) {
    expect_in_window(behaviour, 1, verdict, words);
    expect_in_window(behaviour, HOST_WINDOW, verdict, words);
}

static void test_good(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        struct finished f;
        options_now.processes = n;
        run(&f, "good", "");
        assert_int_equal(f.counts[VERDICT_PASS], CASES);
        assert_int_equal(f.outcome, OUTCOME_OK);
        assert_int_equal(f.report.note_count, 0);
        assert_string_equal(f.report.hello.name, "broken");
        release(&f);
    }
}

static void test_crash(void **state) {
    (void)state;
    expect_any_window("crash", VERDICT_CRASH, "signal 11");
    expect("leave", VERDICT_CRASH, "status 3");
    expect("orphan", VERDICT_CRASH, "signal 11");
}

static void test_crash_after_answer(void **state) {
    (void)state;
    expect_any_window("crash-late", VERDICT_CRASH, "signal 11");
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
    options_now.window = 8;
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
    options_now.processes = 2;
    run(&f, "crash-all", "");
    assert_int_equal(f.counts[VERDICT_CRASH], CASES);
    release(&f);
}

static void test_hang(void **state) {
    (void)state;
    options_now.timeout = 2;
    expect_any_window("hang", VERDICT_TIMEOUT, "no answer within");
    expect("forget", VERDICT_TIMEOUT, "no answer within");
}

static void test_deaf(void **state) {
    static const char *const two[] = {"change-host-00", "change-host-01/decode"};
    struct finished f;
    (void)state;
    options_now.timeout = 1;
    selection_now = (struct plan_selection){.patterns = two, .pattern_count = 2};
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
    expect("mute", VERDICT_CRASH, "closed its standard output");
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

static void test_end(void **state) {
    struct finished f;
    (void)state;
    run(&f, "bad-end", "");
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.report.note_count, 1);
    assert_contains(f.report.notes[0], "status 5");
    assert_int_equal(f.outcome, OUTCOME_FINDINGS);
    release(&f);
    options_now.timeout = 1;
    run(&f, "no-end", "");
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.report.note_count, 1);
    assert_contains(f.report.notes[0], "did not end");
    assert_int_equal(f.outcome, OUTCOME_OK);
    release(&f);
}

// ---- starting -----------------------------------------------------------------------------------

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
    options_now.hello_timeout = 0.5;
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
    options_now.progress = interrupt;
    options_now.window = 2;
    run(&f, "good", "");
    assert_true(f.report.interrupted);
    assert_true(f.counts[VERDICT_PASS] >= 5);
    assert_true(f.counts[VERDICT_NOTRUN] >= CASES / 2);
    assert_int_equal(f.counts[VERDICT_PASS] + f.counts[VERDICT_NOTRUN], CASES);
    assert_int_equal(f.outcome, OUTCOME_INCOMPLETE);
    release(&f);
}

// Runs a behaviour with an expected verdict for the target.
static void run_expecting(struct finished *f, const char *behaviour, enum verdict verdict) {
    char glob[] = TARGET;
    char reason[] = "known";
    struct xfail_line line = {glob, verdict, reason, 1};
    const struct xfail xfail = {&line, 1};
    char *error = NULL;
    struct host_options options = options_now;
    char *command = util_format("/usr/bin/python3 '%s/conformance/testee/test/broken/broken.py' %s",
                                CMRP_SOURCE_DIR, behaviour);
    char **words = words_split(command, &error);
    *f = (struct finished){0};
    assert_true(plan_make(&set, NULL, &selection_now, &f->plan, &error));
    assert_true(xfail_apply(&xfail, "file", &set, &f->plan, &error));
    options.words = words;
    host_run(&f->plan, &options, &f->report);
    f->outcome = host_outcome(&f->plan, &f->report);
    words_free(words);
    free(command);
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
        options_now.timeout = strcmp(rows[i].behaviour, "hang") == 0 ? 2 : 20;
        run_expecting(&f, rows[i].behaviour, rows[i].expected);
        assert_string_equal(verdict_name(target(&f)->verdict), verdict_name(rows[i].verdict));
        assert_int_equal(f.outcome, rows[i].outcome);
        // Who reads the file does not change what the XFAIL case shows.
        assert_true((target(&f)->got != NULL) == (rows[i].verdict != VERDICT_XPASS));
        release(&f);
    }
}

// A request that is longer than a line may be is not sent.
static void test_long_request(void **state) {
    struct finished f;
    char *error = NULL;
    (void)state;
    struct vector huge = set.vectors[0];
    struct vector_set one = {.vectors = &huge, .count = 1};
    const struct plan_selection all = {0};
    huge.octets = (struct buffer){0};
    buffer_extend(&huge.octets, PROTOCOL_LINE / 2);
    memset(huge.octets.data, 0, huge.octets.size);
    f = (struct finished){0};
    assert_true(plan_make(&one, NULL, &all, &f.plan, &error));
    struct host_options options = options_now;
    char *command = util_format(
        "/usr/bin/python3 '%s/conformance/testee/test/broken/broken.py' good", CMRP_SOURCE_DIR);
    char **words = words_split(command, &error);
    options.words = words;
    host_run(&f.plan, &options, &f.report);
    assert_int_equal(f.plan.cases[0].result.verdict, VERDICT_NOTRUN);
    assert_contains(f.plan.cases[0].result.got, "longer than a line");
    assert_int_equal(host_outcome(&f.plan, &f.report),
                     outcome_worst(OUTCOME_INCOMPLETE, OUTCOME_FINDINGS));
    words_free(words);
    free(command);
    buffer_free(&huge.octets);
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
    assert_true(vector_set_load(CMRP_SOURCE_DIR "/vectors", &vectors, &error));
    assert_true(plan_make(&vectors, NULL, &all, &plan, &error));
    options_now.words = words;
    host_run(&plan, &options_now, &report);
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

// ---- main ---------------------------------------------------------------------------------------

static int prepare(void **state) {
    (void)state;
    options_now = (struct host_options){
        .timeout = 20, .hello_timeout = 30, .processes = 1, .window = HOST_WINDOW};
    selection_now = (struct plan_selection){0};
    return 0;
}

static int load(void **state) {
    char *error = NULL;
    (void)state;
    if (!vector_set_load(CMRP_SOURCE_DIR "/conformance/testee/test/vectors", &set, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    return 0;
}

static int unload(void **state) {
    (void)state;
    vector_set_free(&set);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup(function, prepare)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_good),
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
        TEST(test_wrong_answers),
        TEST(test_output_is_bounded),
        TEST(test_unsupported),
        TEST(test_late_and_reversed),
        TEST(test_end),
        TEST(test_start),
        TEST(test_hello),
        TEST(test_restart_fails),
        TEST(test_interrupted),
        TEST(test_expected_failures),
        TEST(test_long_request),
        TEST(test_own_testee),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
