// SPDX-License-Identifier: Apache-2.0
// Batches that write: all or nothing, the key pointer, conditions.
#include "registry_support.h"

#include <stdio.h>

enum {
    SET = CMRP_CLUSREG_SET_VALUE,
    CREATE = CMRP_CLUSREG_CREATE_KEY,
    DELETE = CMRP_CLUSREG_DELETE_KEY,
    UNSET = CMRP_CLUSREG_DELETE_VALUE,
    CONTROL = CMRP_CLUSREG_CONTROL_COMMAND,
    EXISTS = CMRP_CLUSREG_CONDITION_EXISTS,
    NOT_EXISTS = CMRP_CLUSREG_CONDITION_NOT_EXISTS,
    EQUAL = CMRP_CLUSREG_CONDITION_IS_EQUAL,
    NOT_EQUAL = CMRP_CLUSREG_CONDITION_IS_NOT_EQUAL,
    GREATER = CMRP_CLUSREG_CONDITION_IS_GREATER_THAN,
    LESS = CMRP_CLUSREG_CONDITION_IS_LESS_THAN,
    KEY_EXISTS = CMRP_CLUSREG_CONDITION_KEY_EXISTS,
    KEY_NOT_EXISTS = CMRP_CLUSREG_CONDITION_KEY_NOT_EXISTS,
};

static struct fixture f;
static struct registry_key *key; // the designated one
static char *before;

static int setup(void **state) {
    (void)state;
    fixture_open(&f, NULL, NULL);
    key = make_key(f.root, "Key");
    registry_key_release(make_key(key, "Sub\\Deep"));
    set_text(key, "v", "old");
    before = dump(f.root);
    buffer_clear(&f.news);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(before);
    registry_key_release(key);
    fixture_close(&f);
    return 0;
}

static void assert_unchanged(void) {
    char *now = dump(f.root);
    assert_string_equal(now, before);
    assert_news(&f, "");
    free(now);
}

static void the_key_pointer(void **state) {
    (void)state;
    struct batch b = {0};
    batch_text(&b, SET, "a", "at the designated key");
    batch_text(&b, CREATE, "sub\\new", NULL);
    batch_text(&b, SET, "b", "at the created one");
    batch_text(&b, SET, "", "unnamed");
    batch_text(&b, UNSET, "none", NULL);
    batch_text(&b, CREATE, "SUB", NULL); // is there; relative to the designated key
    batch_text(&b, SET, "c", "at the opened one");
    batch_text(&b, CREATE, "", NULL); // the designated key itself
    batch_text(&b, UNSET, "v", NULL);
    assert_batch(key, &b, 0, 0);
    assert_news(&f, "set [Key] a\ncreated [Key\\Sub\\new]\nset [Key\\Sub\\new] b\n"
                    "set [Key\\Sub\\new] \nset [Key\\Sub] c\nvalue deleted [Key] v\n");
    struct registry_key *made;
    assert_int_equal(registry_key_open(key, "Sub\\new", &made), 0);
    assert_value(made, "b", "at the created one");
    assert_value(made, "", "unnamed");
    registry_key_release(made);
    assert_value(key, "v", NULL);
    assert_value(key, "a", "at the designated key");
}

static void the_key_pointer_cleared(void **state) {
    (void)state;
    for (int set = 0; set < 2; set++) {
        struct batch b = {0};
        batch_text(&b, SET, "a", "1");
        batch_text(&b, DELETE, "Sub", NULL);
        batch_text(&b, set ? SET : UNSET, "v", set ? "x" : NULL);
        batch_text(&b, CREATE, "Sub", NULL);
        assert_batch(key, &b, REGISTRY_ERROR_INVALID_PARAMETER, 3);
        assert_unchanged();
    }
    struct batch b = {0};
    batch_text(&b, DELETE, "Sub", NULL);
    batch_text(&b, DELETE, "none\\at\\all",
               NULL); // deleting goes on, and what is missing is no error
    batch_text(&b, CREATE, "Sub", NULL);
    batch_text(&b, SET, "v", "new");
    assert_batch(key, &b, 0, 0);
    assert_news(&f, "deleted [Key\\Sub\\Deep]\ndeleted [Key\\Sub]\ncreated [Key\\Sub]\n"
                    "set [Key\\Sub] v\n");
}

static void clearing_even_when_nothing_was_deleted(void **state) {
    (void)state;
    struct batch b = {0};
    batch_text(&b, DELETE, "none", NULL);
    batch_text(&b, SET, "v", "x");
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_PARAMETER, 2);
    assert_unchanged();
}

// The command that is wrong, after one that was done: nothing of it stays.
static void assert_fails(uint32_t type, uint32_t value_type, const char *name, const char *data,
                         uint32_t status) {
    struct batch b = {0};
    batch_text(&b, SET, "v", "new");
    batch_text(&b, CREATE, "made", NULL);
    batch_text(&b, CREATE, "", NULL);
    batch_put(&b, type, value_type, name, data, data != NULL ? strlen(data) : 0);
    batch_text(&b, SET, "w", "later");
    assert_batch(key, &b, status, 4);
    assert_unchanged();
}

static void what_a_command_is_refused_for(void **state) {
    (void)state;
    static const uint32_t commands[] = {0, 5, 6, 7, 8, 9, 19, 20, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_fails(commands[i], 1, "v", "x", REGISTRY_ERROR_INVALID_DATA);
    }
    static const uint32_t types[] = {5, 6, 8, 9, 10, 12, 99, UINT32_MAX};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_fails(SET, types[i], "v", "x", REGISTRY_ERROR_INVALID_DATA);
    }
    static const char *const paths[] = {"\\", "\\a", "a\\", "a\\\\b"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_fails(CREATE, 0, paths[i], NULL, REGISTRY_ERROR_INVALID_NAME);
        assert_fails(DELETE, 0, paths[i], NULL, REGISTRY_ERROR_INVALID_NAME);
        assert_fails(KEY_EXISTS, 0, paths[i], NULL, REGISTRY_ERROR_INVALID_NAME);
    }
    assert_fails(DELETE, 0, "", NULL, REGISTRY_ERROR_INVALID_NAME);
    assert_fails(CONTROL, 0, "", NULL, REGISTRY_ERROR_INVALID_DATA);
    assert_fails(CONTROL, 3, "", NULL, REGISTRY_ERROR_INVALID_DATA);
    char longest[257];
    memset(longest, 'x', 256);
    longest[256] = '\0';
    assert_fails(CREATE, 0, longest, NULL, REGISTRY_ERROR_INVALID_NAME);
}

static void value_type_and_data_that_are_ignored(void **state) {
    (void)state;
    struct batch b = {0};
    batch_put(&b, CREATE, 77, "Sub", "junk", 4);
    batch_put(&b, UNSET, 77, "none", "junk", 3);
    batch_put(&b, DELETE, 77, "none", "junk", 1);
    batch_put(&b, CONTROL, 1, "", NULL, 0);
    batch_put(&b, CONTROL, 2, "", NULL, 0);
    assert_batch(key, &b, 0, 0);
    assert_unchanged();
}

static void what_cannot_be_read(void **state) {
    (void)state;
    struct batch b = {0};
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_DATA, 0); // no octet
    buffer_append(&b.octets, "\2\0\0\0", 4);
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_DATA, 0); // version
    buffer_append(&b.octets, "\1\0\0\0", 4);
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_DATA, 0); // no command

    struct batch whole = {0};
    size_t ends[3];
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        batch_text(&whole, SET, name, "data");
        ends[i] = whole.octets.size;
    }
    for (size_t cut = 4; cut < whole.octets.size; cut++) {
        int32_t number = 1;
        while (cut >= ends[number - 1]) {
            number++;
        }
        if (cut == 4 || cut == ends[0] || cut == ends[1]) {
            continue; // a whole batch, or an empty one
        }
        struct batch part = {0};
        buffer_append(&part.octets, whole.octets.data, cut);
        assert_batch(key, &part, REGISTRY_ERROR_INVALID_DATA, number);
        assert_unchanged();
    }
    buffer_free(&whole.octets);
}

static void the_first_failure_counts(void **state) {
    (void)state;
    struct batch b = {0};
    batch_text(&b, SET, "a", "1");
    batch_put(&b, SET, 99, "b", "2", 1);
    buffer_append(&b.octets, "\1\0", 2); // cannot be read, but that is later
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_DATA, 2);
    assert_unchanged();
}

static void deleting_what_is_pointed_to(void **state) {
    (void)state;
    struct batch b = {0};
    batch_text(&b, CREATE, "Sub\\Deep", NULL);
    batch_text(&b, SET, "v", "1");
    batch_text(&b, DELETE, "Sub", NULL);
    batch_text(&b, CREATE, "Sub\\Deep", NULL);
    batch_text(&b, SET, "w", "2");
    assert_batch(key, &b, 0, 0);
    struct registry_key *deep;
    assert_int_equal(registry_key_open(key, "Sub\\Deep", &deep), 0);
    assert_value(deep, "v", NULL);
    assert_value(deep, "w", "2");
    registry_key_release(deep);
}

static void open_keys_and_a_batch_that_is_undone(void **state) {
    (void)state;
    struct registry_key *sub;
    assert_int_equal(registry_key_open(key, "Sub", &sub), 0);
    struct batch b = {0};
    batch_text(&b, DELETE, "Sub", NULL);
    batch_text(&b, SET, "v", "x");
    assert_batch(key, &b, REGISTRY_ERROR_INVALID_PARAMETER, 2);
    assert_int_equal(registry_key_check(sub), 0); // it was never gone
    batch_text(&b, DELETE, "Sub", NULL);
    batch_text(&b, CREATE, "Sub", NULL);
    assert_batch(key, &b, 0, 0);
    assert_int_equal(registry_key_check(sub), REGISTRY_ERROR_KEY_DELETED); // another one
    registry_key_release(sub);
}

// ---- conditions ---------------------------------------------------------------------------------

static void check(uint32_t type, uint32_t value_type, const char *name, const void *data,
                  size_t size, uint32_t status) {
    struct batch b = {0};
    batch_text(&b, SET, "w", "x");
    batch_put(&b, type, value_type, name, data, size);
    batch_text(&b, UNSET, "w", NULL); // leaves everything as it was
    assert_batch(key, &b, status, status == 0 ? 0 : 2);
    buffer_clear(&f.news);
    assert_unchanged();
}

static void conditions_on_existence(void **state) {
    (void)state;
    check(EXISTS, 0, "V", NULL, 0, 0);
    check(EXISTS, 0, "none", NULL, 0, REGISTRY_ERROR_NOT_FOUND);
    check(NOT_EXISTS, 0, "none", NULL, 0, 0);
    check(NOT_EXISTS, 0, "v", NULL, 0, REGISTRY_ERROR_ALREADY_EXISTS);
    check(EXISTS, 0, "w", NULL, 0, 0); // set by the command before
    check(KEY_EXISTS, 0, "sub\\deep", NULL, 0, 0);
    check(KEY_EXISTS, 0, "", NULL, 0, 0);
    check(KEY_EXISTS, 0, "sub\\none", NULL, 0, REGISTRY_ERROR_NOT_FOUND);
    check(KEY_NOT_EXISTS, 0, "none", NULL, 0, 0);
    check(KEY_NOT_EXISTS, 0, "Sub", NULL, 0, REGISTRY_ERROR_ALREADY_EXISTS);
}

static void conditions_on_equality(void **state) {
    (void)state;
    const uint32_t unmet = REGISTRY_ERROR_INVALID_STATE;
    check(EQUAL, CMRP_REG_SZ, "v", "old", 3, 0);
    check(EQUAL, CMRP_REG_BINARY, "v", "old", 3, unmet);
    check(EQUAL, CMRP_REG_SZ, "v", "ol", 2, unmet);
    check(EQUAL, CMRP_REG_SZ, "v", "new", 3, unmet);
    check(EQUAL, CMRP_REG_SZ, "none", "", 0, unmet);
    check(NOT_EQUAL, CMRP_REG_SZ, "v", "old", 3, unmet);
    check(NOT_EQUAL, CMRP_REG_BINARY, "v", "old", 3, 0);
    check(NOT_EQUAL, CMRP_REG_SZ, "v", "new", 3, 0);
    check(NOT_EQUAL, CMRP_REG_SZ, "none", "x", 1, unmet); // there is nothing to compare
}

static void conditions_on_order(void **state) {
    (void)state;
    const uint32_t unmet = REGISTRY_ERROR_INVALID_STATE;
    const uint8_t dword[] = {0, 1, 0, 0x80}; // 0x80000100: not negative
    const uint8_t less[] = {0xff, 0, 0, 0x80}, more[] = {1, 1, 0, 0x80};
    const uint8_t qword[] = {0, 0, 0, 0, 0, 0, 0, 0x80}, zero[8] = {0};
    assert_int_equal(registry_value_set(key, "d", CMRP_REG_DWORD, (cmrp_view){dword, 4}), 0);
    assert_int_equal(registry_value_set(key, "q", CMRP_REG_QWORD, (cmrp_view){qword, 8}), 0);
    free(before);
    before = dump(f.root);
    buffer_clear(&f.news);
    check(GREATER, CMRP_REG_DWORD, "d", less, 4, 0);
    check(GREATER, CMRP_REG_DWORD, "d", dword, 4, unmet);
    check(GREATER, CMRP_REG_DWORD, "d", more, 4, unmet);
    check(LESS, CMRP_REG_DWORD, "d", less, 4, unmet);
    check(LESS, CMRP_REG_DWORD, "d", dword, 4, unmet);
    check(LESS, CMRP_REG_DWORD, "d", more, 4, 0);
    check(GREATER, CMRP_REG_QWORD, "q", zero, 8, 0);
    check(LESS, CMRP_REG_QWORD, "q", zero, 8, unmet);
    check(GREATER, CMRP_REG_QWORD, "d", zero, 8, unmet); // another type
    check(GREATER, CMRP_REG_DWORD, "d", zero, 3, unmet); // no number
    check(GREATER, CMRP_REG_SZ, "v", "a", 1, unmet);     // no order
    check(LESS, CMRP_REG_SZ, "v", "z", 1, unmet);
    check(LESS, CMRP_REG_DWORD, "none", more, 4, unmet);
}

static void conditions_and_the_key_pointer(void **state) {
    (void)state;
    static const uint32_t of_values[] = {EXISTS, NOT_EXISTS, EQUAL, NOT_EQUAL, GREATER, LESS};
    for (size_t i = 0; i < sizeof of_values / sizeof of_values[0]; i++) {
        struct batch b = {0};
        batch_text(&b, DELETE, "none", NULL);
        batch_text(&b, of_values[i], "v", NULL);
        assert_batch(key, &b, REGISTRY_ERROR_INVALID_PARAMETER, 2);
    }
    struct batch b = {0};
    batch_text(&b, CREATE, "Sub", NULL);
    batch_text(&b, NOT_EXISTS, "v", NULL);   // of Sub, not of Key
    batch_text(&b, KEY_EXISTS, "Sub", NULL); // of Key, and moves nothing
    batch_text(&b, SET, "v", "at Sub");
    batch_text(&b, DELETE, "Sub\\Deep", NULL);
    batch_text(&b, KEY_NOT_EXISTS, "Sub\\Deep", NULL); // with the pointer cleared
    assert_batch(key, &b, 0, 0);
    assert_value(key, "v", "old");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_key_pointer),
        TEST(the_key_pointer_cleared),
        TEST(clearing_even_when_nothing_was_deleted),
        TEST(what_a_command_is_refused_for),
        TEST(value_type_and_data_that_are_ignored),
        TEST(what_cannot_be_read),
        TEST(the_first_failure_counts),
        TEST(deleting_what_is_pointed_to),
        TEST(open_keys_and_a_batch_that_is_undone),
        TEST(conditions_on_existence),
        TEST(conditions_on_equality),
        TEST(conditions_on_order),
        TEST(conditions_and_the_key_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
