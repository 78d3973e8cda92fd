// SPDX-License-Identifier: Apache-2.0
// The few macros of cmocka that these tests use, for targets that have no cmocka: a failed
// assertion is printed and leaves its test, the others still run.
#ifndef CMRP_TEST_WITHOUT_CMOCKA_H
#define CMRP_TEST_WITHOUT_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*function)(void **state);
};

extern jmp_buf without_cmocka_leave; // defined in test_support.c

#define fail_msg(...)                                                                              \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        longjmp(without_cmocka_leave, 1);                                                          \
    } while (0)

#define check_or_leave(ok)                                                                         \
    do {                                                                                           \
        if (!(ok)) {                                                                               \
            fail_msg("not true: %s", #ok);                                                         \
        }                                                                                          \
    } while (0)

#define assert_true(c)                check_or_leave((c) ? 1 : 0)
#define assert_false(c)               check_or_leave((c) ? 0 : 1)
#define assert_null(p)                check_or_leave((p) == NULL)
#define assert_non_null(p)            check_or_leave((p) != NULL)
#define assert_ptr_equal(a, b)        check_or_leave((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b)        check_or_leave((uintmax_t)(a) == (uintmax_t)(b))
#define assert_string_equal(a, b)     check_or_leave(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, n)  check_or_leave(memcmp((a), (b), (n)) == 0)
#define assert_in_range(v, low, high) check_or_leave((v) >= (low) && (v) <= (high))

#define cmocka_unit_test(f)                                                                        \
    { #f, f }

static inline int without_cmocka_run(const struct CMUnitTest *tests, size_t count) {
    volatile int failures = 0;
    for (volatile size_t i = 0; i < count; i++) {
        void *state = NULL;
        if (setjmp(without_cmocka_leave) == 0) {
            tests[i].function(&state);
            printf("ok      %s\n", tests[i].name);
        } else {
            printf("FAILED  %s\n", tests[i].name);
            failures = failures + 1;
        }
    }
    return failures;
}

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    without_cmocka_run((tests), sizeof(tests) / sizeof(tests)[0])

#endif
