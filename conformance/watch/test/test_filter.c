// SPDX-License-Identifier: Apache-2.0
// Names of changes to filters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "watch/filter.h"

enum { CLUSTER = 1, GROUP = 2, RESOURCE = 3, RESOURCE_TYPE = 4, NETINTERFACE = 5, NETWORK = 6 };
enum { NODE = 7, REGISTRY = 8, QUORUM = 9, SHARED_VOLUME = 10, SPACEPORT = 11, UPGRADE = 12 };
enum { GROUPSET = 13 };

// The flags of each type that one word selects; all others must be 0.
static void expect(const char *word, const uint64_t flags[WATCH_TYPES], uint32_t changes) {
    struct watch_filter filter = {{0}, 0};
    char *error = NULL;
    if (!watch_filter_add(&filter, word, &error)) {
        fail_msg("%s: %s", word, error);
    }
    for (uint32_t type = 0; type < WATCH_TYPES; type++) {
        if (filter.flags[type] != flags[type]) {
            fail_msg("%s: type %u has 0x%llx", word, type, (unsigned long long)filter.flags[type]);
        }
    }
    assert_int_equal(filter.changes, changes);
    assert_int_equal(watch_filter_v2(&filter), changes == 0);
}

static void test_words(void **state) {
    (void)state;
    expect("CLUSTER_CHANGE_GROUP_STATE_V2", (const uint64_t[WATCH_TYPES]){[GROUP] = 8}, 0);
    expect("GROUP_STATE", (const uint64_t[WATCH_TYPES]){[GROUP] = 8}, 0);
    expect("group_state_v2", (const uint64_t[WATCH_TYPES]){[GROUP] = 8}, 0);
    expect("CLUSTER_CHANGE_GROUP_STATE", (const uint64_t[WATCH_TYPES]){0}, 0x1000);
    expect("GROUP", (const uint64_t[WATCH_TYPES]){[GROUP] = 0x1ff}, 0);
    expect("cluster_object_type_node", (const uint64_t[WATCH_TYPES]){[NODE] = 0x7f}, 0);
    expect("NETWORK", (const uint64_t[WATCH_TYPES]){[NETWORK] = 0xf}, 0);
    expect("CLUSTER", (const uint64_t[WATCH_TYPES]){[CLUSTER] = 0x1ff4}, 0);
    expect("RESOURCE_TYPE_SPECIFIC", (const uint64_t[WATCH_TYPES]){[RESOURCE_TYPE] = 0x20}, 0);
}

static void test_more_words(void **state) {
    (void)state;
    expect("CLUSTER_RESOURCE_TYPE_SPECIFIC", (const uint64_t[WATCH_TYPES]){[RESOURCE_TYPE] = 0x20},
           0);
    expect("GROUPSET_DELETED", (const uint64_t[WATCH_TYPES]){[GROUPSET] = 1}, 0);
    expect("REGISTRY_VALUE", (const uint64_t[WATCH_TYPES]){[REGISTRY] = 0xc}, 0); // with all below
    expect("*_STATE",
           (const uint64_t[WATCH_TYPES]){[GROUP] = 8,
                                         [RESOURCE] = 4,
                                         [NETINTERFACE] = 8,
                                         [NETWORK] = 8,
                                         [NODE] = 0x10,
                                         [QUORUM] = 1,
                                         [SHARED_VOLUME] = 1,
                                         [GROUPSET] = 8},
           0);
    expect("upgrade_node_*", (const uint64_t[WATCH_TYPES]){[UPGRADE] = 7}, 0);
    expect("CLUSTER_CHANGE_SPACEPORT_*", (const uint64_t[WATCH_TYPES]){[SPACEPORT] = 1}, 0);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *word, *says;
    } cases[] = {
        {"", "\"\""},
        {"NOTHING", "\"NOTHING\""},
        {"GROUP_", "neither"},
        {"GROUP_HANDLE_CLOSE", "CLUSTER_CHANGE_GROUP_HANDLE_CLOSE_V2 is said by clients only"},
        {"CLUSTER_CHANGE_CLUSTER_RECONNECT", "clients only"},
        {"CLUSTER_CHANGE_CLUSTER_STATE", "clients only"},
        {"SBL_DEVICE", "neither"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct watch_filter filter = {{0}, 0};
        char *error = NULL;
        assert_false(watch_filter_add(&filter, cases[i].word, &error));
        if (strstr(error, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].word, error);
        }
        assert_false(watch_filter_v2(&filter));
        assert_int_equal(filter.changes, 0);
        free(error);
    }
}

// A long word is cut, not overrun.
static void test_long_word(void **state) {
    (void)state;
    char word[1000];
    struct watch_filter filter = {{0}, 0};
    char *error = NULL;
    memset(word, 'A', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_false(watch_filter_add(&filter, word, &error));
    assert_true(strlen(error) < 200);
    free(error);
}

static void test_all(void **state) {
    (void)state;
    struct watch_filter filter;
    watch_filter_all(&filter);
    static const uint64_t flags[WATCH_TYPES] = {
        [CLUSTER] = 0x1ff4,   [GROUP] = 0x1ff,     [RESOURCE] = 0x1ff, [RESOURCE_TYPE] = 0x3f,
        [NETINTERFACE] = 0xf, [NETWORK] = 0xf,     [NODE] = 0x7f,      [REGISTRY] = 0xf,
        [QUORUM] = 1,         [SHARED_VOLUME] = 1, [SPACEPORT] = 1,    [UPGRADE] = 7,
        [GROUPSET] = 0xff};
    for (uint32_t type = 0; type < WATCH_TYPES; type++) {
        assert_int_equal(filter.flags[type], flags[type]);
    }
    assert_true(watch_filter_registry(&filter));
    assert_true(watch_filter_v2(&filter));
}

// What version 1 can tell of it. All that a server may report and a filter may have, but for
// RECONNECT, is told.
static void test_as_version_1(void **state) {
    (void)state;
    static const struct {
        const char *word;
        uint32_t changes;
    } cases[] = {
        {"GROUP_STATE", 0x1000},
        {"RESOURCE_COMMON_PROPERTY", 0x800},
        {"RESOURCE_PRIVATE_PROPERTY", 0x800},
        {"CLUSTER_GROUP_ADDED", 0x4000},
        {"GROUP_RESOURCE_ADDED", 0x400},
        {"NODE_NETINTERFACE_ADDED", 0x04000000},
        {"CLUSTER_NODE_ADDED", 4},
        {"CLUSTER_RESOURCE_TYPE_ADDED", 0x20000},
        {"CLUSTER_COMMON_PROPERTY", 0x40000000},
        {"QUORUM", 0x10000000},
        {"REGISTRY_VALUE", 0x40},
        {"REGISTRY", 0x70},
        {"GROUPSET", 0},
        {"GROUP_OWNER_NODE", 0},
        {"SHARED_VOLUME", 0},
        {"CLUSTER_CHANGE_GROUP_STATE", 0x1000},
        {"NODE_STATE", 1},
        {"RESOURCE_TYPE_DELETED", 0x10000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct watch_filter filter = {{0}, 0};
        char *error = NULL;
        assert_true(watch_filter_add(&filter, cases[i].word, &error));
        const uint32_t changes = watch_filter_as_v1(&filter) & ~0x80u; // SUBTREE
        if (changes != cases[i].changes) {
            fail_msg("%s: 0x%x", cases[i].word, changes);
        }
    }
    struct watch_filter filter;
    watch_filter_all(&filter);
    assert_int_equal(watch_filter_as_v1(&filter) | 0x80, 0x5ff7ffff);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_more_words),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_long_word),
        cmocka_unit_test(test_all),     cmocka_unit_test(test_as_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
