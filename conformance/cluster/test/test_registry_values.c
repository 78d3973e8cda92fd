// SPDX-License-Identifier: Apache-2.0
// Values and security descriptors.
#include "registry_support.h"

#include <stdio.h>

static struct fixture f;

static int setup(void **state) {
    (void)state;
    fixture_open(&f, NULL, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void values_are_set_read_and_deleted(void **state) {
    (void)state;
    struct registry_value value;
    struct registry_key *key = make_key(f.root, "k");
    const uint8_t data[] = {0, 1, 2, 0xff, 0};
    buffer_clear(&f.news);
    assert_int_equal(
        registry_value_set(key, "Name", CMRP_REG_BINARY, (cmrp_view){data, sizeof data}), 0);
    assert_int_equal(registry_value_get(key, "nAME", &value), 0);
    assert_string_equal(value.name, "Name");
    assert_int_equal(value.type, CMRP_REG_BINARY);
    assert_int_equal(value.size, sizeof data);
    assert_memory_equal(value.data, data, sizeof data);
    registry_value_clear(&value);

    assert_int_equal(registry_value_set(key, "NAME", CMRP_REG_DWORD, (cmrp_view){data, 4}), 0);
    assert_int_equal(registry_value_get(key, "name", &value), 0);
    assert_string_equal(value.name, "Name"); // as it was first written
    assert_int_equal(value.type, CMRP_REG_DWORD);
    assert_int_equal(value.size, 4);
    registry_value_clear(&value);
    assert_value(f.root, "name", NULL);
    assert_news(&f, "set [k] Name\nset [k] NAME\n");

    assert_int_equal(registry_value_delete(key, "name"), 0);
    assert_int_equal(registry_value_delete(key, "name"), REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_int_equal(registry_value_get(key, "Name", &value), REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_news(&f, "value deleted [k] name\n");
    registry_key_release(key);
}

static void the_unnamed_value_and_the_empty_one(void **state) {
    (void)state;
    struct registry_value value;
    assert_value(f.root, "", NULL);
    set_text(f.root, "", "default");
    assert_value(f.root, "", "default");
    assert_int_equal(registry_value_set(f.root, "empty", CMRP_REG_NONE, (cmrp_view){NULL, 0}), 0);
    assert_int_equal(registry_value_get(f.root, "empty", &value), 0);
    assert_int_equal(value.size, 0);
    assert_int_equal(value.type, CMRP_REG_NONE);
    assert_non_null(value.data);
    registry_value_clear(&value);
    assert_int_equal(registry_value_delete(f.root, ""), 0);
    assert_value(f.root, "", NULL);
    assert_int_equal(registry_value_delete(f.root, ""), REGISTRY_ERROR_FILE_NOT_FOUND);
}

static void types(void **state) {
    (void)state;
    for (uint32_t type = 0; type < 20; type++) {
        const bool listed = type <= 4 || type == 7 || type == 11;
        assert_int_equal(registry_value_set(f.root, "v", type, view_of("x")),
                         listed ? 0 : REGISTRY_ERROR_INVALID_PARAMETER);
    }
    assert_int_equal(registry_value_set(f.root, "v", UINT32_MAX, view_of("x")),
                     REGISTRY_ERROR_INVALID_PARAMETER);
}

static void names_of_values(void **state) {
    (void)state;
    static const char *const names[] = {"\\", "a\\b",         "\\\\",
                                        "'",  "\xed\xa0\x80", "\xf0\x9f\x98\x80",
                                        " ",  "\x01",         "\xed\xb0\x80\xed\xa0\x80"};
    const size_t count = sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        set_text(f.root, names[i], names[i]);
    }
    for (size_t i = 0; i < count; i++) {
        assert_value(f.root, names[i], names[i]);
    }
    struct registry_info info;
    assert_int_equal(registry_key_info(f.root, &info), 0);
    assert_int_equal(info.values, count);

    struct buffer name = {0};
    memset(buffer_extend(&name, 16383), 'x', 16383);
    set_text(f.root, buffer_text(&name), "longest");
    assert_value(f.root, buffer_text(&name), "longest");
    buffer_append(&name, "x", 1);
    assert_int_equal(registry_value_set(f.root, buffer_text(&name), CMRP_REG_SZ, view_of("x")),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_value(f.root, buffer_text(&name), NULL); // looking for it is no error of its own
    buffer_free(&name);
}

static void sizes(void **state) {
    (void)state;
    const struct registry_limits limits = {.value_octets = 1000, .value_units = 5};
    struct fixture small;
    uint8_t data[1001];
    fixture_open(&small, NULL, &limits);
    memset(data, 0x5a, sizeof data);
    assert_int_equal(registry_value_set(small.root, "v", CMRP_REG_BINARY, (cmrp_view){data, 1000}),
                     0);
    buffer_clear(&small.news);
    assert_int_equal(registry_value_set(small.root, "v", CMRP_REG_BINARY, (cmrp_view){data, 1001}),
                     REGISTRY_ERROR_TOO_LARGE);
    assert_int_equal(registry_security_set(small.root, (cmrp_view){data, 1001}),
                     REGISTRY_ERROR_TOO_LARGE);
    assert_int_equal(registry_value_set(small.root, "123456", CMRP_REG_SZ, view_of("x")),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_int_equal(registry_value_set(small.root, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80x",
                                        CMRP_REG_SZ, view_of("x")),
                     0);
    assert_news(&small, "set [] \xf0\x9f\x98\x80\xf0\x9f\x98\x80x\n");
    fixture_close(&small);
}

static void a_large_value(void **state) {
    (void)state;
    struct registry_value value;
    const size_t size = 16 << 20;
    uint8_t *data = util_alloc(size);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    assert_int_equal(registry_value_set(f.root, "v", CMRP_REG_BINARY, (cmrp_view){data, size}), 0);
    assert_int_equal(registry_value_get(f.root, "v", &value), 0);
    assert_int_equal(value.size, size);
    assert_memory_equal(value.data, data, size);
    registry_value_clear(&value);
    assert_int_equal(registry_value_set(f.root, "v", CMRP_REG_BINARY, (cmrp_view){data, size + 1}),
                     REGISTRY_ERROR_TOO_LARGE);
    free(data);
}

static void enumeration_of_values(void **state) {
    (void)state;
    struct registry_value value;
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, i % 2 == 0 ? "Value%02d" : "value%02d", (i * 37) % 100);
        set_text(f.root, name, name);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(registry_value_at(f.root, i, &value), 0);
        assert_int_equal(atoi(value.name + 5), i);
        assert_memory_equal(value.data, value.name, value.size);
        registry_value_clear(&value);
    }
    assert_int_equal(registry_value_at(f.root, 100, &value), REGISTRY_ERROR_NO_MORE_ITEMS);
    assert_int_equal(registry_value_at(f.root, 50, &value), 0);
    registry_value_clear(&value);
    assert_int_equal(registry_value_delete(f.root, "value00"), 0);
    assert_int_equal(registry_value_at(f.root, 51, &value), 0);
    assert_string_equal(value.name + 5, "52");
    registry_value_clear(&value);
}

// ---- security descriptors -----------------------------------------------------------------------

static void assert_security(struct registry_key *key, const char *expected) {
    uint8_t *sd;
    size_t size;
    assert_int_equal(registry_security_get(key, &sd, &size), 0);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(sd, expected, size);
    free(sd);
}

static void a_new_key_has_a_descriptor(void **state) {
    (void)state;
    uint8_t *sd;
    size_t size;
    assert_int_equal(registry_security_get(f.root, &sd, &size), 0);
    assert_int_equal(size, 104);
    assert_int_equal(sd[0], 1);                                             // revision
    assert_int_equal(cmrp_load_u16(sd + 2, CMRP_LITTLE_ENDIAN), 0x8004);    // self-relative
    assert_int_equal(cmrp_load_u32(sd + 4, CMRP_LITTLE_ENDIAN) + 16, 88);   // owner
    assert_int_equal(cmrp_load_u32(sd + 8, CMRP_LITTLE_ENDIAN) + 16, size); // group
    assert_int_equal(cmrp_load_u32(sd + 16, CMRP_LITTLE_ENDIAN), 20);       // DACL
    assert_int_equal(cmrp_load_u16(sd + 22, CMRP_LITTLE_ENDIAN), 72 - 20);  // its size
    assert_int_equal(cmrp_load_u16(sd + 30, CMRP_LITTLE_ENDIAN) +
                         cmrp_load_u16(sd + 54, CMRP_LITTLE_ENDIAN) + 8,
                     52); // its entries
    free(sd);
}

static void descriptors_are_inherited_when_made(void **state) {
    (void)state;
    struct registry_key *a = make_key(f.root, "a");
    struct registry_key *own, *below;
    const cmrp_view sd = view_of("own");
    bool created;
    assert_int_equal(registry_security_set(a, view_of("of a")), 0);
    assert_news(&f, "created [a]\nattributes [a]\n");
    below = make_key(a, "b\\c");
    assert_security(below, "of a");
    assert_int_equal(registry_security_set(a, view_of("later")), 0);
    assert_security(below, "of a"); // a copy
    buffer_clear(&f.news);
    assert_int_equal(registry_key_create(a, "d\\e", &sd, &created, &own), 0);
    assert_true(created);
    assert_security(own, "own");
    assert_news(&f, "created [a\\d]\ncreated [a\\d\\e]\n"); // it came with the key
    registry_key_release(own);
    assert_int_equal(registry_key_open(a, "d", &own), 0);
    assert_security(own, "later");
    registry_key_release(own);

    // Of a key that is there it is replaced.
    assert_int_equal(registry_key_create(a, "b", &sd, &created, &own), 0);
    assert_false(created);
    assert_security(own, "own");
    assert_news(&f, "attributes [a\\b]\n");
    registry_key_release(own);
    assert_int_equal(registry_key_create(a, "", &sd, &created, &own), 0);
    assert_security(a, "own");
    assert_news(&f, "attributes [a]\n");
    registry_key_release(own);
    registry_key_release(below);
    registry_key_release(a);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(values_are_set_read_and_deleted),
        TEST(the_unnamed_value_and_the_empty_one),
        TEST(types),
        TEST(names_of_values),
        TEST(sizes),
        TEST(a_large_value),
        TEST(enumeration_of_values),
        TEST(a_new_key_has_a_descriptor),
        TEST(descriptors_are_inherited_when_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
