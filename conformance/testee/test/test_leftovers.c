// SPDX-License-Identifier: Apache-2.0
// How testees end, and the processes that outlive them.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hosting.h"

static void test_end(void **state) {
    struct finished f;
    (void)state;
    run(&f, "bad-end", "");
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.report.note_count, 1);
    assert_contains(f.report.notes[0], "status 5");
    assert_int_equal(f.outcome, OUTCOME_FINDINGS);
    release(&f);
    run_into_timeout(&f, "no-end", "");
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.report.note_count, 1);
    assert_contains(f.report.notes[0], "did not end");
    assert_int_equal(f.outcome, OUTCOME_OK);
    release(&f);
}

// ---- processes ----------------------------------------------------------------------------------

// Where the testees of a test write down the processes that they leave.
struct list {
    char path[64];
};

static int make_list(void **state) {
    static struct list list;
    strcpy(list.path, "/tmp/cmrp-left-XXXXXX");
    const int fd = mkstemp(list.path);
    *state = &list;
    hosting_prepare(NULL);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_list(void **state) {
    const struct list *list = *state;
    return unlink(list->path);
}

// How many processes were left; all of them are gone.
static size_t assert_gone(const struct list *list) {
    FILE *f = fopen(list->path, "r");
    size_t count = 0;
    size_t left = 0;
    int pid;
    assert_non_null(f);
    while (fscanf(f, "%d", &pid) == 1) {
        left += kill(pid, SIGKILL) == 0 || errno != ESRCH;
        count++;
    }
    fclose(f);
    assert_int_equal(left, 0);
    return count;
}

static void assert_left(const struct finished *f, const char *note) {
    assert_int_equal(f->report.note_count, note != NULL);
    if (note != NULL) {
        assert_string_equal(f->report.notes[0], note);
    }
}

static const char one_left[] = "the testee left 1 process running; it was killed";

// It stays in the testee's process group, which is killed at the end, silently.
static void test_child_in_the_group(void **state) {
    const struct list *list = *state;
    struct finished f;
    run(&f, "leaves-child", list->path);
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_left(&f, NULL);
    assert_int_equal(assert_gone(list), 1);
    release(&f);
}

static void test_daemon(void **state) {
    const struct list *list = *state;
    struct finished f;
    run(&f, "leaves-daemon", list->path);
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    assert_int_equal(f.outcome, OUTCOME_OK);
    assert_left(&f, one_left);
    assert_int_equal(assert_gone(list), 1);
    release(&f);
}

// Several testees at a time: a daemon of one that has ended is not told from another's, but in the
// end all are gone.
static void test_daemons_of_several(void **state) {
    const struct list *list = *state;
    struct finished f;
    hosting.options.processes = 3;
    run(&f, "leaves-daemon", list->path);
    assert_int_equal(f.counts[VERDICT_PASS], CASES);
    const size_t count = assert_gone(list);
    assert_in_range(count, 1, 3); // the first may be done before the others are started
    char *note = util_format("the testee left %zu processes running; they were killed", count);
    assert_left(&f, count == 1 ? one_left : note);
    free(note);
    release(&f);
}

// Whoever holds the pipes of a testee that crashed does not hold up the run, wherever it went.
static void test_held_pipes(void **state) {
    static const char *const behaviours[] = {"orphan", "orphan-away"};
    const struct list *list = *state;
    hosting.options.waits.linger = 0.05; // they are held for ever
    for (size_t i = 0; i < 4; i++) {
        struct finished f;
        hosting.options.window = i < 2 ? 1 : HOST_WINDOW;
        run(&f, behaviours[i % 2], list->path);
        assert_blamed(&f, VERDICT_CRASH, "signal 11");
        assert_true(assert_gone(list) >= 1);
        release(&f);
    }
}

static void test_hang_with_daemon(void **state) {
    const struct list *list = *state;
    struct finished f;
    hosting.options.window = 1;
    run_into_timeout(&f, "hangs-with-daemon", list->path);
    assert_blamed(&f, VERDICT_TIMEOUT, "no answer within");
    assert_true(assert_gone(list) >= 1);
    release(&f);
}

// A child that this process had before is none of the testee's.
static void test_other_children(void **state) {
    const struct list *list = *state;
    struct finished f;
    const pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    run(&f, "leaves-daemon", list->path);
    const pid_t ended = waitpid(other, NULL, WNOHANG);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    assert_int_equal(ended, 0); // it ran
    assert_left(&f, one_left);
    release(&f);
}

#define TEST(function)      cmocka_unit_test_setup(function, hosting_prepare)
#define LIST_TEST(function) cmocka_unit_test_setup_teardown(function, make_list, remove_list)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_end),
        LIST_TEST(test_child_in_the_group),
        LIST_TEST(test_daemon),
        LIST_TEST(test_daemons_of_several),
        LIST_TEST(test_held_pipes),
        LIST_TEST(test_hang_with_daemon),
        LIST_TEST(test_other_children),
    };
    return cmocka_run_group_tests(tests, hosting_load, hosting_unload);
}
