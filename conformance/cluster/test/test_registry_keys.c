// SPDX-License-Identifier: Apache-2.0
// Keys: names, paths, creation, deletion, what is told of them.
#include "registry_support.h"

#include <stdio.h>
#include <time.h>

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

static void a_new_registry_is_a_root(void **state) {
    (void)state;
    struct registry_info info;
    char *name;
    uint64_t written;
    assert_false(registry_used(f.registry));
    assert_string_equal(registry_key_path(f.root), "");
    assert_int_equal(registry_key_info(f.root, &info), 0);
    assert_int_equal(info.keys, 0);
    assert_int_equal(info.values, 0);
    assert_int_equal(registry_key_at(f.root, 0, &name, &written), REGISTRY_ERROR_NO_MORE_ITEMS);
    assert_open(f.root, "", 0);
    assert_open(f.root, "Groups", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_news(&f, "");
}

static void creation_makes_every_level(void **state) {
    (void)state;
    struct registry_key *key, *again;
    bool created;
    assert_int_equal(registry_key_create(f.root, "a\\b\\c", NULL, &created, &key), 0);
    assert_true(created);
    assert_true(registry_used(f.registry));
    assert_string_equal(registry_key_path(key), "a\\b\\c");
    assert_news(&f, "created [a]\ncreated [a\\b]\ncreated [a\\b\\c]\n");

    assert_int_equal(registry_key_create(f.root, "A\\B\\C", NULL, &created, &again), 0);
    assert_false(created);
    assert_string_equal(registry_key_path(again), "a\\b\\c"); // as it was first written
    assert_news(&f, "");
    registry_key_release(again);

    assert_int_equal(registry_key_create(key, "", NULL, &created, &again), 0);
    assert_false(created);
    registry_key_release(again);
    assert_int_equal(registry_key_create(key, "d", NULL, &created, &again), 0);
    assert_true(created);
    assert_string_equal(registry_key_path(again), "a\\b\\c\\d");
    assert_news(&f, "created [a\\b\\c\\d]\n");
    registry_key_release(again);
    registry_key_release(key);
}

static void opening_is_relative(void **state) {
    (void)state;
    struct registry_key *a = make_key(f.root, "a");
    registry_key_release(make_key(a, "b\\c"));
    assert_open(a, "b", 0);
    assert_open(a, "B\\c", 0);
    assert_open(a, "a", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_open(a, "b\\c\\d", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_open(f.root, "a\\b\\c", 0);
    registry_key_release(a);
}

static void names_that_are_none(void **state) {
    (void)state;
    static const char *const paths[] = {"\\",     "\\a",    "a\\",      "a\\\\b",
                                        "\\a\\b", "a\\b\\", "a\\b\\\\", "\\\\"};
    registry_key_release(make_key(f.root, "a\\b"));
    assert_news(&f, "created [a]\ncreated [a\\b]\n");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct registry_key *key;
        bool created;
        assert_int_equal(registry_key_create(f.root, paths[i], NULL, &created, &key),
                         REGISTRY_ERROR_INVALID_NAME);
        assert_null(key);
        assert_open(f.root, paths[i], REGISTRY_ERROR_INVALID_NAME);
        assert_int_equal(registry_key_delete(f.root, paths[i]), REGISTRY_ERROR_INVALID_NAME);
    }
    assert_int_equal(registry_key_delete(f.root, ""), REGISTRY_ERROR_INVALID_PARAMETER);
    assert_news(&f, "");
}

// Any Unicode, and what is none.
static void names_of_all_kinds(void **state) {
    (void)state;
    static const char *const names[] = {
        " ",
        ".",
        "..",
        "/",
        "a b\t",
        "%s%n",
        "'; DROP TABLE keys; --",
        "\"",
        "*",
        "?",
        "\xc3\xa9",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xed\xa0\x80x",
        "\xef\xbf\xbd",
        "\xef\xbb\xbf",
        "\x01\x1f\x7f",
        "\xe2\x80\xae",
    };
    const size_t count = sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        struct registry_key *key = make_key(f.root, names[i]);
        assert_string_equal(registry_key_path(key), names[i]);
        registry_key_release(key);
    }
    struct registry_info info;
    assert_int_equal(registry_key_info(f.root, &info), 0);
    assert_int_equal(info.keys, count); // all of them are different
    size_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        char *name;
        uint64_t written;
        assert_int_equal(registry_key_at(f.root, i, &name, &written), 0);
        for (size_t k = 0; k < count; k++) {
            seen += strcmp(name, names[k]) == 0;
        }
        assert_open(f.root, name, 0);
        free(name);
    }
    assert_int_equal(seen, count);
}

static void case_is_folded(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"Groups", "gROUPS"},
        {"\xc3\xa9", "\xc3\x89"},         // e acute
        {"\xd0\xb6", "\xd0\x96"},         // zhe
        {"\xe1\xba\xbf", "\xe1\xba\xbe"}, // three octets
        {"\xc9\x90", "\xe2\xb1\xaf"},     // two against three
    };
    static const char *const different[][2] = {
        {"i", "\xc4\xb1"},                        // dotless i
        {"ss", "\xc3\x9f"},                       // sharp s
        {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"}, // beyond the plane
        {"e\xcc\x81", "\xc3\xa9"},                // composed or not
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        registry_key_release(make_key(f.root, same[i][0]));
        assert_open(f.root, same[i][1], 0);
        assert_int_equal(registry_key_delete(f.root, same[i][1]), 0);
        assert_open(f.root, same[i][0], REGISTRY_ERROR_FILE_NOT_FOUND);
    }
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        registry_key_release(make_key(f.root, different[i][0]));
        assert_open(f.root, different[i][1], REGISTRY_ERROR_FILE_NOT_FOUND);
    }
}

static char *repeat(const char *text, size_t count) {
    struct buffer out = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_append(&out, text, strlen(text));
    }
    (void)buffer_text(&out);
    return (char *)out.data;
}

static void names_and_depths_have_limits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t most;
    } cases[] = {{"a", 255}, {"\xc3\xa9", 255}, {"\xe2\x82\xac", 255}, {"\xf0\x9f\x98\x80", 127}};
    struct registry_info info;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct registry_key *key;
        bool created;
        char *most = repeat(cases[i].text, cases[i].most);
        char *more = repeat(cases[i].text, cases[i].most + 1);
        registry_key_release(make_key(f.root, most));
        assert_int_equal(registry_key_create(f.root, more, NULL, &created, &key),
                         REGISTRY_ERROR_INVALID_NAME);
        free(most);
        free(more);
    }
    assert_int_equal(registry_key_info(f.root, &info), 0);
    assert_int_equal(info.longest_key, 255);

    char *deepest = repeat("\\x", 511);
    deepest[0] = 'y'; // yx\x\x…: 511 levels
    struct registry_key *key = make_key(f.root, deepest);
    struct registry_key *below = make_key(key, "512");
    struct registry_key *none;
    bool created;
    assert_int_equal(registry_key_create(below, "513", NULL, &created, &none),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_int_equal(registry_key_create(key, "512\\513", NULL, &created, &none),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_int_equal(registry_tree_delete(f.root, "yx"), 0);
    assert_int_equal(registry_key_check(below), REGISTRY_ERROR_KEY_DELETED);
    registry_key_release(below);
    registry_key_release(key);
    free(deepest);
}

static void limits_are_options(void **state) {
    (void)state;
    const struct registry_limits limits = {.name_units = 3, .depth = 2};
    struct fixture small;
    struct registry_key *key;
    bool created;
    fixture_open(&small, NULL, &limits);
    registry_key_release(make_key(small.root, "abc\\\xf0\x9f\x98\x80x"));
    assert_int_equal(registry_key_create(small.root, "abcd", NULL, &created, &key),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_int_equal(registry_key_create(small.root, "a\\b\\c", NULL, &created, &key),
                     REGISTRY_ERROR_INVALID_NAME);
    assert_open(small.root, "a", REGISTRY_ERROR_FILE_NOT_FOUND); // nothing was made
    fixture_close(&small);
}

static void what_a_registry_may_hold(void **state) {
    (void)state;
    const struct registry_limits limits = {.octets = 200000, .path_units = 20, .news_octets = 2000};
    struct fixture small;
    struct registry_key *key, *deep;
    bool created;
    uint8_t data[10000] = {0};
    fixture_open(&small, NULL, &limits);
    deep = make_key(small.root, "12345\\12345\\123"); // 15 units
    assert_int_equal(registry_key_create(deep, "1234", NULL, &created, &key), 0);
    registry_key_release(key);
    assert_int_equal(registry_key_create(deep, "12345", NULL, &created, &key),
                     REGISTRY_ERROR_INVALID_NAME);
    registry_key_release(deep);

    // So many changes at once cannot be told, and are not made.
    struct batch b = {0};
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "key%d", i);
        batch_text(&b, CMRP_CLUSREG_CREATE_KEY, name, NULL);
    }
    buffer_clear(&small.news);
    assert_batch(small.root, &b, REGISTRY_ERROR_TOO_LARGE, 0);
    assert_news(&small, "");
    assert_open(small.root, "key0", REGISTRY_ERROR_FILE_NOT_FOUND);

    int count = 0;
    uint32_t status = 0;
    while (status == 0 && count < 100) {
        char name[16];
        snprintf(name, sizeof name, "%d", count++);
        status = registry_value_set(small.root, name, CMRP_REG_BINARY, (cmrp_view){data, 10000});
    }
    assert_int_equal(status, REGISTRY_ERROR_DISK_FULL);
    assert_true(count > 5 && count < 20);
    assert_int_equal(registry_value_delete(small.root, "0"), 0); // and then there is room again
    assert_int_equal(registry_value_set(small.root, "0", CMRP_REG_BINARY, (cmrp_view){data, 10000}),
                     0);
    fixture_close(&small);
}

static void deletion_of_one_key(void **state) {
    (void)state;
    registry_key_release(make_key(f.root, "a\\b"));
    buffer_clear(&f.news);
    assert_int_equal(registry_key_delete(f.root, "a"), REGISTRY_ERROR_ACCESS_DENIED);
    assert_int_equal(registry_key_delete(f.root, "c"), REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_int_equal(registry_key_delete(f.root, "a\\c"), REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_news(&f, "");
    assert_int_equal(registry_key_delete(f.root, "A\\B"), 0);
    assert_int_equal(registry_key_delete(f.root, "A"), 0);
    assert_news(&f, "deleted [a\\b]\ndeleted [a]\n");
}

static void deletion_of_a_tree(void **state) {
    (void)state;
    struct registry_key *leaf = make_key(f.root, "a\\b\\c");
    registry_key_release(make_key(f.root, "a\\b\\d"));
    registry_key_release(make_key(f.root, "a\\e"));
    registry_key_release(make_key(f.root, "ab"));
    set_text(leaf, "v", "data");
    buffer_clear(&f.news);
    assert_int_equal(registry_tree_delete(f.root, "a"), 0);
    assert_news(&f, "deleted [a\\b\\c]\ndeleted [a\\b\\d]\ndeleted [a\\b]\ndeleted [a\\e]\n"
                    "deleted [a]\n");
    assert_open(f.root, "ab", 0);
    registry_key_release(leaf);
    leaf = make_key(f.root, "a\\b\\c");
    assert_value(leaf, "v", NULL); // its values went with it
    registry_key_release(leaf);
}

// Whatever is done with an open key of which nothing is left.
static void assert_dead(struct registry_key *key) {
    struct registry_key *out;
    struct registry_value value;
    struct registry_info info;
    uint64_t written;
    uint8_t *octets;
    size_t size;
    char *name;
    bool created;
    int32_t failed;
    struct batch_port *port;
    const uint32_t dead = REGISTRY_ERROR_KEY_DELETED;
    const uint8_t batch[] = {1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(registry_key_check(key), dead);
    assert_int_equal(registry_key_open(key, "", &out), dead);
    assert_int_equal(registry_key_open(key, "x", &out), dead);
    assert_int_equal(registry_key_create(key, "", NULL, &created, &out), dead);
    assert_int_equal(registry_key_create(key, "x", NULL, &created, &out), dead);
    assert_int_equal(registry_key_delete(key, "x"), dead);
    assert_int_equal(registry_tree_delete(key, "x"), dead);
    assert_int_equal(registry_key_info(key, &info), dead);
    assert_int_equal(registry_key_at(key, 0, &name, &written), dead);
    assert_int_equal(registry_security_get(key, &octets, &size), dead);
    assert_int_equal(registry_security_set(key, view_of("sd")), dead);
    assert_int_equal(registry_value_get(key, "v", &value), dead);
    assert_int_equal(registry_value_at(key, 0, &value), dead);
    assert_int_equal(registry_value_set(key, "v", CMRP_REG_SZ, view_of("x")), dead);
    assert_int_equal(registry_value_delete(key, "v"), dead);
    assert_int_equal(registry_batch(key, (cmrp_view){batch, sizeof batch}, &failed), dead);
    assert_int_equal(failed, 0);
    assert_int_equal(registry_read_batch(key, (cmrp_view){batch, sizeof batch}, &octets, &size),
                     dead);
    assert_int_equal(batch_port_create(key, &port), dead);
}

static void a_deleted_key_is_dead_for_ever(void **state) {
    (void)state;
    struct registry_info info;
    struct registry_key *key = make_key(f.root, "a");
    struct registry_key *held = registry_key_hold(key);
    set_text(key, "v", "data");
    assert_int_equal(registry_key_info(key, &info), 0); // remembered from here on
    assert_int_equal(registry_key_delete(f.root, "a"), 0);
    assert_dead(key);
    struct registry_key *anew = make_key(f.root, "a");
    set_text(anew, "v", "data");
    assert_dead(key);
    assert_int_equal(registry_key_check(anew), 0);
    assert_string_equal(registry_key_path(key), "a");
    registry_key_release(key);
    registry_key_release(held);
    registry_key_release(anew);
}

static void enumeration_is_in_order_and_bounded(void **state) {
    (void)state;
    static const char *const expected[] = {"A", "b", "C", "d\xc3\xa9", "e"};
    char *name;
    uint64_t written;
    for (size_t i = 0; i < 5; i++) {
        registry_key_release(make_key(f.root, expected[(3 * i) % 5]));
    }
    registry_key_release(make_key(f.root, "b\\below"));
    static const uint32_t order[] = {0, 1, 2, 3, 4, 2, 3, 1, 0, 4, 3, 4};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        assert_int_equal(registry_key_at(f.root, order[i], &name, &written), 0);
        assert_string_equal(name, expected[order[i]]);
        free(name);
    }
    assert_int_equal(registry_key_at(f.root, 5, &name, &written), REGISTRY_ERROR_NO_MORE_ITEMS);
    assert_int_equal(registry_key_at(f.root, UINT32_MAX, &name, &written),
                     REGISTRY_ERROR_NO_MORE_ITEMS);

    // A change in the middle of an enumeration.
    assert_int_equal(registry_key_at(f.root, 1, &name, &written), 0);
    free(name);
    assert_int_equal(registry_key_delete(f.root, "A"), 0);
    assert_int_equal(registry_key_at(f.root, 2, &name, &written), 0);
    assert_string_equal(name, "d\xc3\xa9");
    free(name);
}

static void info_follows_every_change(void **state) {
    (void)state;
    struct registry_info info;
    struct registry_key *a = make_key(f.root, "a");
    registry_key_release(make_key(a, "\xf0\x9f\x98\x80\xc3\xa9"));
    set_text(a, "", "12345");
    set_text(a, "name", "1");
    assert_int_equal(registry_key_info(a, &info), 0);
    assert_int_equal(info.keys, 1);
    assert_int_equal(info.longest_key, 3);
    assert_int_equal(info.values, 2);
    assert_int_equal(info.longest_value_name, 4);
    assert_int_equal(info.largest_value, 5);
    assert_true(info.descriptor_octets > 20);
    assert_int_equal(registry_value_delete(a, "name"), 0);
    assert_int_equal(registry_security_set(a, view_of("opaque")), 0);
    assert_int_equal(registry_tree_delete(a, "\xf0\x9f\x98\x80\xc3\x89"), 0);
    assert_int_equal(registry_key_info(a, &info), 0);
    assert_int_equal(info.keys, 0);
    assert_int_equal(info.longest_key, 0);
    assert_int_equal(info.values, 1);
    assert_int_equal(info.longest_value_name, 0);
    assert_int_equal(info.descriptor_octets, 6);
    registry_key_release(a);
}

static uint64_t written_of(struct registry_key *key) {
    struct registry_info info;
    assert_int_equal(registry_key_info(key, &info), 0);
    return info.written;
}

static void wait_a_moment(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void times_of_change(void **state) {
    (void)state;
    enum { STEPS = 6 };
    const uint64_t unix_epoch = UINT64_C(116444736000000000);
    struct registry_key *a = make_key(f.root, "a");
    struct registry_key *b = make_key(f.root, "b");
    struct registry_key *below = NULL;
    bool created;
    const uint64_t b_written = written_of(b);
    assert_true(b_written / 10000000 - unix_epoch / 10000000 >= (uint64_t)time(NULL) - 60);
    uint64_t last = written_of(a);
    for (int step = 0; step < STEPS; step++) {
        wait_a_moment();
        switch (step) {
        case 0: set_text(a, "v", "1"); break;
        case 1: assert_int_equal(registry_value_delete(a, "v"), 0); break;
        case 2: below = make_key(a, "below"); break;
        case 3: assert_int_equal(registry_security_set(a, view_of("sd")), 0); break;
        case 4: assert_int_equal(registry_key_delete(a, "below"), 0); break;
        default: { // nothing changes
            struct registry_key *same;
            assert_int_equal(registry_key_create(f.root, "a", NULL, &created, &same), 0);
            registry_key_release(same);
            assert_int_equal(registry_value_delete(a, "v"), REGISTRY_ERROR_FILE_NOT_FOUND);
            assert_int_equal(written_of(a), last);
            last--;
        }
        }
        assert_true(written_of(a) > last);
        last = written_of(a);
    }
    assert_int_equal(written_of(b), b_written);
    char *name;
    uint64_t written;
    assert_int_equal(registry_key_at(f.root, 0, &name, &written), 0);
    assert_int_equal(written, last);
    free(name);
    registry_key_release(below);
    registry_key_release(a);
    registry_key_release(b);
}

static void times_of_a_batch(void **state) {
    (void)state;
    struct registry_key *a = make_key(f.root, "a");
    struct registry_key *b = make_key(f.root, "b");
    struct registry_key *c = make_key(f.root, "c");
    const uint64_t before = written_of(c);
    wait_a_moment();
    struct batch batch = {0};
    batch_text(&batch, CMRP_CLUSREG_CREATE_KEY, "a", NULL); // opened
    batch_text(&batch, CMRP_CLUSREG_SET_VALUE, "v", "x");
    batch_text(&batch, CMRP_CLUSREG_CREATE_KEY, "b", NULL);
    batch_text(&batch, CMRP_CLUSREG_SET_VALUE, "v", "x");
    batch_text(&batch, CMRP_CLUSREG_CREATE_KEY, "c", NULL);
    assert_batch(f.root, &batch, 0, 0);
    assert_true(written_of(a) > before);
    assert_int_equal(written_of(a), written_of(b)); // one change, one time
    assert_int_equal(written_of(c), before);
    registry_key_release(a);
    registry_key_release(b);
    registry_key_release(c);
}

static void many_changes_as_one(void **state) {
    (void)state;
    struct registry_key *kept, *undone;
    int32_t failed;
    const uint8_t batch[] = {1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(registry_commit(f.registry), REGISTRY_ERROR_INVALID_PARAMETER);
    registry_abort(f.registry); // harmless

    assert_int_equal(registry_begin(f.registry), 0);
    assert_int_equal(registry_begin(f.registry), REGISTRY_ERROR_INVALID_PARAMETER);
    undone = make_key(f.root, "undone");
    set_text(undone, "v", "x");
    assert_value(undone, "v", "x"); // what was changed is seen
    assert_int_equal(registry_batch(f.root, (cmrp_view){batch, sizeof batch}, &failed),
                     REGISTRY_ERROR_INVALID_PARAMETER);
    registry_abort(f.registry);
    assert_news(&f, "");
    assert_false(registry_used(f.registry));
    assert_open(f.root, "undone", REGISTRY_ERROR_FILE_NOT_FOUND);

    assert_int_equal(registry_begin(f.registry), 0);
    kept = make_key(f.root, "kept");
    assert_dead(undone); // the number that it had is not given again
    set_text(kept, "v", "x");
    assert_int_equal(registry_value_delete(kept, "none"), REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_int_equal(registry_key_delete(f.root, "none"), REGISTRY_ERROR_FILE_NOT_FOUND);
    // One that fails half way is undone by itself.
    const cmrp_view huge = {(const uint8_t *)"", SIZE_MAX / 2};
    struct registry_key *none;
    bool created;
    assert_int_equal(registry_key_create(f.root, "half\\way", &huge, &created, &none),
                     REGISTRY_ERROR_TOO_LARGE);
    assert_open(f.root, "half", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_news(&f, ""); // not yet
    assert_int_equal(registry_commit(f.registry), 0);
    assert_news(&f, "created [kept]\nset [kept] v\n");
    assert_value(kept, "v", "x");
    assert_dead(undone);
    registry_key_release(kept);
    registry_key_release(undone);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_registry_is_a_root),
        TEST(creation_makes_every_level),
        TEST(opening_is_relative),
        TEST(names_that_are_none),
        TEST(names_of_all_kinds),
        TEST(case_is_folded),
        TEST(names_and_depths_have_limits),
        TEST(limits_are_options),
        TEST(what_a_registry_may_hold),
        TEST(deletion_of_one_key),
        TEST(deletion_of_a_tree),
        TEST(a_deleted_key_is_dead_for_ever),
        TEST(enumeration_is_in_order_and_bounded),
        TEST(info_follows_every_change),
        TEST(times_of_change),
        TEST(times_of_a_batch),
        TEST(many_changes_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
