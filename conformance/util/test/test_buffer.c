// SPDX-License-Identifier: Apache-2.0
// Buffers, and the helpers that never return without memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support.h"
#include "util/buffer.h"
#include "util/outcome.h"

static void buffer_grows_and_keeps(void **state) {
    (void)state;
    struct buffer b = {0};
    for (unsigned i = 0; i < 5000; i++) {
        const uint8_t octet = (uint8_t)(i * 7);
        buffer_append(&b, &octet, 1);
        assert_int_equal(b.size, i + 1);
        assert_true(b.capacity >= b.size);
    }
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(b.data[i], (uint8_t)(i * 7));
    }
    const uint8_t *memory = b.data;
    buffer_clear(&b);
    assert_int_equal(b.size, 0);
    assert_ptr_equal(b.data, memory);
    buffer_free(&b);
    assert_null(b.data);
    assert_int_equal(b.capacity, 0);
}

static void buffer_of_nothing(void **state) {
    (void)state;
    struct buffer b = {0};
    buffer_append(&b, NULL, 0);
    assert_int_equal(b.size, 0);
    assert_int_equal(buffer_view(&b).size, 0);
    assert_non_null(buffer_extend(&b, 0)); // a place, even for no octets
    assert_text(&b, "");
    buffer_free(&b);
}

static void buffer_extends_by_whole_chunks(void **state) {
    (void)state;
    struct buffer b = {0};
    for (size_t n = 0; n < 300; n++) {
        memset(buffer_extend(&b, n), (int)(n & 0xff), n);
    }
    size_t at = 0;
    for (size_t n = 0; n < 300; n++) {
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(b.data[at++], n & 0xff);
        }
    }
    assert_int_equal(b.size, at);
    buffer_free(&b);
}

static void buffer_prints_any_length(void **state) {
    (void)state;
    char expected[512];
    for (int n = 0; n < 400; n++) {
        struct buffer b = {0};
        buffer_append(&b, "x", 1);
        buffer_printf(&b, "%0*d|", n, 7);
        expected[0] = 'x';
        snprintf(expected + 1, sizeof expected - 1, "%0*d|", n, 7);
        assert_text(&b, expected);
        buffer_printf(&b, "%s", "");
        assert_text(&b, expected);
        buffer_free(&b);
    }
}

static void text_of_a_buffer_is_terminated(void **state) {
    (void)state;
    struct buffer b = {0};
    for (size_t n = 1; n < 300; n++) { // meets every capacity exactly
        buffer_append(&b, "a", 1);
        assert_int_equal(strlen(buffer_text(&b)), n);
        assert_int_equal(b.size, n);
    }
    buffer_free(&b);
}

static void memory_helpers(void **state) {
    (void)state;
    uint8_t *zeroed = util_alloc(64);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    free(zeroed);
    void *nothing = util_alloc(0);
    assert_non_null(nothing);
    free(nothing);

    char *copy = util_strdup("text");
    assert_string_equal(copy, "text");
    free(copy);

    char *line = util_format("%s %d %0200d", "a", 5, 6);
    assert_int_equal(strlen(line), 204);
    assert_memory_equal(line, "a 5 000", 7);
    free(line);

    uint32_t *numbers = util_grow(NULL, 3, sizeof *numbers);
    numbers[2] = 5;
    numbers = util_grow(numbers, 1000, sizeof *numbers);
    assert_int_equal(numbers[2], 5);
    free(numbers);
}

static void demand_all_memory(void) {
    struct buffer b = {0};
    buffer_append(&b, "a", 1);
    buffer_extend(&b, SIZE_MAX / 2);
}

static void no_memory_is_an_internal_error(void **state) {
    (void)state;
    const struct child child = run_child("/dev/null", demand_all_memory);
    assert_int_equal(child.status, OUTCOME_INTERNAL);
    assert_non_null(strstr(child.error, "out of memory"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_keeps),
        cmocka_unit_test(buffer_of_nothing),
        cmocka_unit_test(buffer_extends_by_whole_chunks),
        cmocka_unit_test(buffer_prints_any_length),
        cmocka_unit_test(text_of_a_buffer_is_terminated),
        cmocka_unit_test(memory_helpers),
        cmocka_unit_test(no_memory_is_an_internal_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
