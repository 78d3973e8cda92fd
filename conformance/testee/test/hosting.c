// SPDX-License-Identifier: Apache-2.0
#include "hosting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suite/xfail.h"
#include "testee/words.h"

struct hosting hosting;

static struct vector_set set;

int hosting_prepare(void **state) {
    (void)state;
    hosting = (struct hosting){.options = {.timeout = 20,
                                           .hello_timeout = 30,
                                           .waits = HOST_WAITS,
                                           .processes = 1,
                                           .window = HOST_WINDOW}};
    hosting.options.waits.settle = 0.01;
    return 0;
}

int hosting_load(void **state) {
    char *error = NULL;
    (void)state;
    if (!vector_set_load(CMRP_SOURCE_DIR "/conformance/testee/test/vectors", &set, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    return 0;
}

int hosting_unload(void **state) {
    (void)state;
    vector_set_free(&set);
    return 0;
}

// ---- runs ---------------------------------------------------------------------------------------

static void run_set(struct finished *f, const char *command, const struct vector_set *vectors) {
    char *error = NULL;
    struct host_options options = hosting.options;
    char **words = words_split(command, &error);
    assert_non_null(words);
    *f = (struct finished){0};
    if (!plan_make(vectors, NULL, &hosting.selection, &f->plan, &error) ||
        (hosting.xfail != NULL && !xfail_apply(hosting.xfail, "file", vectors, &f->plan, &error))) {
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

void run_command(struct finished *f, const char *command) {
    run_set(f, command, &set);
}

static char *broken(const char *behaviour, const char *argument) {
    return util_format("/usr/bin/python3 '%s/conformance/testee/test/broken/broken.py' %s %s",
                       CMRP_SOURCE_DIR, behaviour, argument);
}

void run(struct finished *f, const char *behaviour, const char *argument) {
    char *command = broken(behaviour, argument);
    run_command(f, command);
    free(command);
}

static bool others_ran_into_it(const struct finished *f) {
    for (size_t i = 0; i < f->plan.count; i++) {
        const struct suite_case *c = &f->plan.cases[i];
        if (c->result.verdict == VERDICT_TIMEOUT && strcmp(c->id, TARGET) != 0) {
            return true;
        }
    }
    return false;
}

void run_into_timeout(struct finished *f, const char *behaviour, const char *argument) {
    static const double seconds[] = {0.25, 2, 16};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        if (i > 0) {
            release(f);
        }
        hosting.options.timeout = seconds[i];
        run(f, behaviour, argument);
        if (!others_ran_into_it(f)) {
            return;
        }
    }
}

void run_octets(struct finished *f, struct buffer octets) {
    struct vector changed = set.vectors[0];
    const struct vector_set one = {.vectors = &changed, .count = 1};
    char *command = broken("good", "");
    changed.octets = octets;
    run_set(f, command, &one);
    free(command);
}

void release(struct finished *f) {
    plan_free(&f->plan);
    host_report_free(&f->report);
}

// ---- assertions ---------------------------------------------------------------------------------

const struct case_result *target(const struct finished *f) {
    for (size_t i = 0; i < f->plan.count; i++) {
        if (strcmp(f->plan.cases[i].id, TARGET) == 0) {
            return &f->plan.cases[i].result;
        }
    }
    fail_msg("no target");
    return NULL;
}

void assert_contains(const char *text, const char *part) {
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", text != NULL ? text : "(null)", part);
    }
}

void assert_blamed(const struct finished *f, enum verdict verdict, const char *words) {
    const struct case_result *r = target(f);
    assert_string_equal(verdict_name(r->verdict), verdict_name(verdict));
    assert_contains(r->got, words);
    assert_int_equal(f->counts[VERDICT_PASS], CASES - 1);
    assert_int_equal(f->counts[verdict], 1);
}

void expect_in_window(const char *behaviour, unsigned window, enum verdict verdict,
                      const char *words) {
    struct finished f;
    hosting.options.window = window;
    if (verdict == VERDICT_TIMEOUT) {
        run_into_timeout(&f, behaviour, "");
    } else {
        run(&f, behaviour, "");
    }
    assert_blamed(&f, verdict, words);
    assert_int_equal(f.outcome, OUTCOME_FINDINGS);
    release(&f);
}

void expect(const char *behaviour, enum verdict verdict, const char *words) {
    expect_in_window(behaviour, HOST_WINDOW, verdict, words);
}

void expect_any_window(const char *behaviour, enum verdict verdict, const char *words) {
    expect_in_window(behaviour, 1, verdict, words);
    expect_in_window(behaviour, HOST_WINDOW, verdict, words);
}
