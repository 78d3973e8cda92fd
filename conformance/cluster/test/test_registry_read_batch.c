// SPDX-License-Identifier: Apache-2.0
// Batches that read.
#include "registry_support.h"

#include <stdio.h>

enum { READ_KEY = CMRP_CLUSREG_READ_KEY, READ_VALUE = CMRP_CLUSREG_READ_VALUE };

static struct fixture f;
static struct registry_key *key;

static int setup(void **state) {
    (void)state;
    fixture_open(&f, NULL, NULL);
    key = make_key(f.root, "Key");
    struct registry_key *test = make_key(key, "Test");
    const uint8_t number[] = {42, 0, 0, 0};
    assert_int_equal(registry_value_set(test, "A", CMRP_REG_DWORD, (cmrp_view){number, 4}), 0);
    set_text(key, "", "unnamed");
    set_text(key, "odd", "123");
    assert_int_equal(registry_value_set(key, "empty", CMRP_REG_NONE, (cmrp_view){NULL, 0}), 0);
    registry_key_release(test);
    buffer_clear(&f.news);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    registry_key_release(key);
    fixture_close(&f);
    return 0;
}

static void assert_answer(struct batch *b, const char *expected) {
    uint8_t *answer;
    size_t size;
    assert_int_equal(registry_read_batch(key, buffer_view(&b->octets), &answer, &size), 0);
    char *list = batch_list((cmrp_view){answer, size});
    assert_string_equal(list, expected);
    assert_news(&f, "");
    free(list);
    free(answer);
    buffer_free(&b->octets);
}

static void assert_refused(struct batch *b, uint32_t status) {
    uint8_t *answer = (uint8_t *)"";
    size_t size = 1;
    assert_int_equal(registry_read_batch(key, buffer_view(&b->octets), &answer, &size), status);
    assert_null(answer);
    assert_int_equal(size, 0);
    buffer_free(&b->octets);
}

// READ_KEY Test, READ_VALUE A, READ_VALUE Missing, octet by octet as worked out by hand.
static void the_octets_of_an_answer(void **state) {
    (void)state;
    static const char expected[] =
        "0100000007000000000000000a00000054006500730074000000000000000800000004000000040000004100"
        "0000040000002a0000000900000002000000100000004d0069007300730069006e006700000000000000";
    struct batch b = {0};
    uint8_t *answer;
    size_t size;
    batch_put(&b, READ_KEY, 0, "Test", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "A", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "Missing", NULL, 0);
    assert_int_equal(registry_read_batch(key, buffer_view(&b.octets), &answer, &size), 0);
    assert_int_equal(2 * size, strlen(expected));
    for (size_t i = 0; i < size; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", answer[i]);
        assert_memory_equal(digits, expected + 2 * i, 2);
    }
    free(answer);
    buffer_free(&b.octets);
}

static void values_of_the_current_key(void **state) {
    (void)state;
    struct batch b = {0};
    batch_put(&b, READ_VALUE, 0, "", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "ODD", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "empty", NULL, 0);
    batch_put(&b, READ_KEY, 0, "TEST", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "odd", NULL, 0);
    batch_put(&b, READ_KEY, 0, "", NULL, 0);         // back to the designated key
    batch_put(&b, READ_VALUE, 99, "odd", "junk", 3); // ignored in a request
    assert_answer(&b, "8 1 =unnamed\n8 1 ODD=123\n8 0 empty=\n7 0 TEST=\n9 2 odd=\n7 0 =\n"
                      "8 1 odd=123\n");
}

static void a_key_that_is_not_there(void **state) {
    (void)state;
    struct batch b = {0};
    batch_put(&b, READ_KEY, 0, "None", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "odd", NULL, 0);
    batch_put(&b, READ_KEY, 0, "\\Test", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "A", NULL, 0);
    batch_put(&b, READ_KEY, 0, "Test", NULL, 0);
    batch_put(&b, READ_VALUE, 0, "B", NULL, 0);
    assert_answer(&b, "9 2 None=\n9 2 odd=\n9 123 \\Test=\n9 123 A=\n7 0 Test=\n9 2 B=\n");
}

static void commands_that_do_not_read(void **state) {
    (void)state;
    for (uint32_t type = 0; type < 25; type++) {
        struct batch b = {0};
        batch_put(&b, READ_VALUE, 0, "odd", NULL, 0);
        batch_put(&b, type, 0, "Test", NULL, 0);
        if (type == READ_KEY || type == READ_VALUE) {
            assert_answer(&b, type == READ_KEY ? "8 1 odd=123\n7 0 Test=\n"
                                               : "8 1 odd=123\n9 2 Test=\n");
        } else {
            assert_refused(&b, type >= 1 && type <= 4 ? REGISTRY_ERROR_INVALID_PARAMETER
                                                      : REGISTRY_ERROR_INVALID_DATA);
        }
    }
}

static void what_cannot_be_read(void **state) {
    (void)state;
    struct batch b = {0};
    assert_refused(&b, REGISTRY_ERROR_INVALID_DATA);
    buffer_append(&b.octets, "\1\0\0\0", 4);
    assert_refused(&b, REGISTRY_ERROR_INVALID_DATA);
    batch_put(&b, READ_VALUE, 0, "odd", NULL, 0);
    buffer_append(&b.octets, "\0", 1);
    assert_refused(&b, REGISTRY_ERROR_INVALID_DATA);
}

// An answer can be much larger than its request, but not larger than the limit.
static void answers_are_bounded(void **state) {
    (void)state;
    const struct registry_limits limits = {.answer_octets = 10000};
    struct fixture small;
    char text[3001];
    memset(text, 'x', 3000);
    text[3000] = '\0';
    fixture_open(&small, NULL, &limits);
    set_text(small.root, "v", text);
    struct batch b = {0};
    for (int i = 0; i < 5; i++) {
        batch_put(&b, READ_VALUE, 0, "v", NULL, 0);
    }
    batch_put(&b, READ_VALUE, 0, "none", NULL, 0); // is not looked for any more
    uint8_t *answer;
    size_t size;
    assert_int_equal(registry_read_batch(small.root, buffer_view(&b.octets), &answer, &size), 0);
    assert_true(size < 10000 + 200);
    char *list = batch_list((cmrp_view){answer, size});
    assert_string_equal(list + strlen(list) - 23, "9 1450 v=\n9 1450 none=\n");
    free(list);
    free(answer);
    buffer_free(&b.octets);
    fixture_close(&small);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_octets_of_an_answer), TEST(values_of_the_current_key),
        TEST(a_key_that_is_not_there), TEST(commands_that_do_not_read),
        TEST(what_cannot_be_read),     TEST(answers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
