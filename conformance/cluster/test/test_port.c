// SPDX-License-Identifier: Apache-2.0
// Filters, and the events that match them.
#include "cluster_support.h"

#include <stdio.h>

static const struct port_target everything;

static void set_value(struct cluster *c, const char *path, const char *name) {
    struct registry_key *root, *key;
    bool created;
    assert_int_equal(registry_root(cluster_registry(c), &root), 0);
    key = registry_key_hold(root);
    if (path[0] != '\0') {
        registry_key_release(key);
        assert_int_equal(registry_key_create(root, path, NULL, &created, &key), 0);
    }
    assert_int_equal(registry_value_set(key, name, 3, (cmrp_view){0}), 0);
    registry_key_release(key);
    registry_key_release(root);
}

static struct registry_key *open_key(struct cluster *c, const char *path) {
    struct registry_key *root, *key;
    assert_int_equal(registry_root(cluster_registry(c), &root), 0);
    if (path[0] == '\0') {
        return root;
    }
    assert_int_equal(registry_key_open(root, path, &key), 0);
    registry_key_release(root);
    return key;
}

static void delete_key(struct cluster *c, const char *path) {
    struct registry_key *root = open_key(c, "");
    assert_int_equal(registry_tree_delete(root, path), 0);
    registry_key_release(root);
}

// ---- what may be registered ---------------------------------------------------------------------

static void filters_of_version_1_are_checked(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port;
    static const struct {
        enum cluster_kind kind;
        const char *name;
        uint32_t mask;
    } objects[] = {{CLUSTER_NODE, "N1", 0xf},
                   {CLUSTER_GROUP, "App", 0xf000},
                   {CLUSTER_RESOURCE, "Name", 0xf00},
                   {CLUSTER_NETWORK, "Net", 0xf00000},
                   {CLUSTER_NETINTERFACE, "I1", 0xf000000}};
    assert_int_equal(port_create(c, 1, &port), 0);
    assert_int_equal(port_version(port), 1);
    for (unsigned bit = 0; bit < 32; bit++) {
        const uint32_t filter = UINT32_C(1) << bit;
        assert_int_equal(port_add_cluster(port, filter, 1),
                         (filter & 0x5ff7ffff) != 0 ? 0 : CLUSTER_ERROR_INVALID_PARAMETER);
        for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
            struct cluster_object *o = find(c, objects[i].kind, objects[i].name);
            const uint32_t expected =
                (filter & objects[i].mask) != 0 ? 0 : CLUSTER_ERROR_INVALID_PARAMETER;
            assert_int_equal(port_add_object(port, o, filter, 1, NULL), expected);
            assert_int_equal(port_readd_object(port, o, filter, 1, 0), expected);
        }
        struct registry_key *key = open_key(c, "Groups");
        assert_int_equal(port_add_key(port, key, filter, 1, true),
                         (filter & 0x70) != 0 ? 0 : CLUSTER_ERROR_INVALID_PARAMETER);
        registry_key_release(key);
    }
    assert_int_equal(port_add_cluster(port, 0, 1), CLUSTER_ERROR_INVALID_PARAMETER);
    assert_int_equal(port_add_object(port, find(c, CLUSTER_GROUP, "App"), 0, 1, NULL),
                     CLUSTER_ERROR_INVALID_PARAMETER);
    assert_int_equal(port_add_object(port, find(c, CLUSTER_RESOURCE_TYPE, "Generic"), 1, 1, NULL),
                     CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_add_v2(port, 1, 4, 1, &everything), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_check_v2(port, 1, 4), CLUSTER_ERROR_INVALID_HANDLE);
    port_close(port);
    cluster_destroy(c);
}

static void filters_of_version_2_are_checked(void **state) {
    (void)state;
    static const uint64_t masks[] = {0,    0x1ff4, 0x1ff, 0x1ff, 0x3f, 0xf, 0xf,
                                     0x7f, 0xf,    0x1,   0x1,   0x1,  0x7, 0xff};
    struct cluster *c = small_cluster();
    struct port *port;
    assert_int_equal(port_create(c, 2, &port), 0);
    for (uint32_t type = 0; type < 20; type++) {
        const uint64_t mask = type < sizeof masks / sizeof *masks ? masks[type] : 0;
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t flag = UINT64_C(1) << bit;
            const uint32_t expected = (flag & mask) != 0 ? 0 : CLUSTER_ERROR_INVALID_PARAMETER;
            assert_int_equal(port_check_v2(port, type, flag), expected);
            assert_int_equal(port_add_v2(port, type, flag, 1, &everything), expected);
        }
    }
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct registry_key *key = open_key(c, "Groups");
    const struct port_target group = {.object = app}, of_key = {.hkey = key};
    const struct port_target type = {.resource_type = "GENERIC"}, none = {.resource_type = "X"};
    assert_int_equal(port_add_v2(port, 2, 1, 1, &group), 0);
    assert_int_equal(port_add_v2(port, 3, 1, 1, &group), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_add_v2(port, 8, 1, 1, &of_key), 0);
    assert_int_equal(port_add_v2(port, 2, 1, 1, &of_key), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_add_v2(port, 4, 1, 1, &type), 0);
    assert_int_equal(port_add_v2(port, 4, 1, 1, &none), CLUSTER_ERROR_RESTYPE_NOT_FOUND);
    assert_int_equal(port_add_v2(port, 4, 0x40, 1, &none), CLUSTER_ERROR_INVALID_PARAMETER);
    assert_int_equal(port_add_cluster(port, 1, 1), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_add_object(port, app, 0x1000, 1, NULL), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_readd_object(port, app, 0x1000, 1, 0), CLUSTER_ERROR_INVALID_HANDLE);
    assert_int_equal(port_add_key(port, key, 0x10, 1, true), CLUSTER_ERROR_INVALID_HANDLE);
    registry_key_release(key);
    port_close(port);
    cluster_destroy(c);
}

// ---- matching -----------------------------------------------------------------------------------

static void every_filter_tells_by_itself(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct listener *l = listen_to(c, 1), *m = listen_to(c, 2);
    const struct port_target one = {.object = app};
    const struct cluster_property p = {.name = "P", .text = "x"};
    assert_int_equal(cluster_set_property(c, app, false, &p), 0); // before the first filter
    assert_int_equal(port_add_object(l->port, app, 0x8000, 1, NULL), 0);
    assert_int_equal(port_add_cluster(l->port, 0xff7f, 2), 0);
    assert_int_equal(port_add_object(l->port, app, 0xf000, 3, NULL), 0);
    assert_int_equal(port_add_object(l->port, app, 0x7000, 4, NULL), 0);
    assert_int_equal(port_add_cluster(l->port, 0x8000, 2), 0);
    assert_int_equal(port_add_object(l->port, find(c, CLUSTER_GROUP, "Core"), 0x8000, 5, NULL), 0);
    assert_int_equal(port_add_v2(m->port, 2, 0x2, 7, &everything), 0);
    assert_int_equal(port_add_v2(m->port, 2, 0x6, 8, &one), 0);
    assert_int_equal(port_add_v2(m->port, 2, 0x4, 9, &one), 0);
    const struct cluster_property q = {.name = "P", .text = "y"};
    assert_int_equal(cluster_set_property(c, app, false, &q), 0);
    // the value in the registry is none of the root key
    assert_told(l, "1 8000 0 App\n2 8000 0 App\n3 8000 0 App\n2 8000 0 App\n");
    assert_told(m, "7 2 2 app|2|App| P=y\n8 2 2 app|2|App| P=y\n");
    listener_close(l);
    listener_close(m);
    cluster_destroy(c);
}

static void filters_of_deleted_objects_stay_silent(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *group, *again;
    struct listener *l = listen_to(c, 1), *m = listen_to(c, 2);
    assert_int_equal(cluster_group_create(c, "G", &group), 0);
    const struct port_target one = {.object = group};
    uint32_t sequence = 5;
    assert_int_equal(port_add_object(l->port, group, 0xf000, 1, &sequence), 0);
    assert_int_equal(sequence, 0);
    assert_int_equal(port_add_v2(m->port, 2, 0x1ff, 2, &one), 0);
    assert_int_equal(cluster_delete(group, false), 0);
    assert_told(l, "1 2000 0 G\n");
    char *expected = util_format("2 2 1 %s|1|G| -\n", cluster_object_id(group));
    assert_told(m, expected);
    free(expected);
    assert_int_equal(cluster_group_create(c, "G", &again), 0);
    assert_int_equal(cluster_object_rename(again, "H"), 0);
    assert_told(l, "");
    assert_told(m, "");
    assert_int_equal(port_add_object(l->port, group, 0x1000, 1, NULL),
                     CLUSTER_ERROR_GROUP_NOT_AVAILABLE);
    assert_int_equal(port_add_v2(m->port, 2, 0x1ff, 2, &one), CLUSTER_ERROR_GROUP_NOT_AVAILABLE);
    cluster_release(again);
    cluster_release(group); // the filters hold it
    listener_close(l);
    listener_close(m);
    cluster_destroy(c);
}

static void deletion_tells_the_last_sequence(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct listener *l = listen_to(c, 1);
    assert_int_equal(cluster_offline(app), 0);
    char *expected = util_format("1 2000 %u App\n", (unsigned)cluster_object_sequence(app));
    assert_int_equal(port_add_cluster(l->port, 0x2000, 1), 0);
    assert_int_equal(cluster_delete(app, true), 0);
    assert_told(l, expected);
    free(expected);
    listener_close(l);
    cluster_destroy(c);
}

static void readd_tells_a_state_that_was_missed(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name");
    struct listener *l = listen_to(c, 1);
    uint32_t sequence;
    assert_int_equal(port_add_object(l->port, name, 0x200, 1, &sequence), 0);
    assert_int_equal(sequence, 0);
    assert_int_equal(cluster_offline(name), 0);
    assert_int_equal(port_readd_object(l->port, name, 0x100, 2, 2), 0);
    assert_told(l, "");
    assert_int_equal(port_readd_object(l->port, name, 0x100, 3, 0), 0);
    assert_told(l, "3 100 2 Name\n");
    assert_int_equal(port_readd_object(l->port, name, 0x100, 4, 0xffffffff), 0);
    assert_told(l, "4 100 2 Name\n");
    assert_int_equal(port_readd_object(l->port, name, 0xe00, 5, 0), 0); // not asked for
    assert_told(l, "");
    assert_int_equal(cluster_online(name), 0);
    assert_told(l, "2 100 3 Name\n3 100 3 Name\n4 100 3 Name\n"
                   "2 100 4 Name\n3 100 4 Name\n4 100 4 Name\n");
    listener_close(l);
    cluster_destroy(c);
}

// ---- the registry -------------------------------------------------------------------------------

static void keys_are_watched_alone_or_with_all_below(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1), *m = listen_to(c, 2);
    set_value(c, "A\\B", "v");
    struct registry_key *a = open_key(c, "A"), *b = open_key(c, "a\\b");
    const struct port_target of_b = {.hkey = b};
    assert_int_equal(port_add_cluster(l->port, 0x70, 1), 0);
    assert_int_equal(port_add_cluster(l->port, 0xf0, 2), 0);
    assert_int_equal(port_add_key(l->port, a, 0x70, 3, false), 0);
    assert_int_equal(port_add_key(l->port, a, 0x50, 4, true), 0);
    assert_int_equal(port_add_key(l->port, b, 0x40, 5, false), 0);
    assert_int_equal(port_add_v2(m->port, 8, 0xb, 6, &everything), 0);
    assert_int_equal(port_add_v2(m->port, 8, 0xf, 7, &everything), 0);
    assert_int_equal(port_add_v2(m->port, 8, 0xb, 8, &of_b), 0);
    set_value(c, "A\\B", "w");
    assert_told(l, "2 40 0 A\\B\n4 40 0 B\n5 40 0 \n");
    assert_told(m, "7 8 8 w||A\\B| -\n8 8 8 w||| -\n");
    set_value(c, "", "r");
    assert_told(l, "1 40 0 \n2 40 0 \n");
    assert_told(m, "6 8 8 r||| -\n7 8 8 r||| -\n");
    set_value(c, "A\\B\\C", "x"); // a new key, and its value
    assert_told(l, "2 10 0 A\\B\\C\n4 10 0 B\\C\n2 40 0 A\\B\\C\n4 40 0 B\\C\n");
    assert_told(m, "7 8 2 ||A\\B\\C| -\n7 8 8 x||A\\B\\C| -\n");
    assert_int_equal(registry_security_set(b, (cmrp_view){(const uint8_t *)"\1\0\0\200\0\0\0\0\0\0"
                                                                           "\0\0\0\0\0\0\0\0\0\0",
                                                          20}),
                     0);
    assert_told(l, "2 20 0 A\\B\n");
    assert_told(m, "7 8 1 ||A\\B| -\n8 8 1 ||| -\n");
    registry_key_release(a);
    registry_key_release(b);
    listener_close(l);
    listener_close(m);
    cluster_destroy(c);
}

static void key_of_the_same_name_is_another_one(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    set_value(c, "A\\B", "v");
    set_value(c, "AB", "v");
    struct registry_key *a = open_key(c, "A"), *b = open_key(c, "A\\B"), *ab = open_key(c, "AB");
    assert_int_equal(port_add_key(l->port, a, 0x70, 1, true), 0);
    assert_int_equal(port_add_key(l->port, b, 0x70, 2, true), 0);
    assert_int_equal(port_add_key(l->port, ab, 0x70, 3, true), 0);
    delete_key(c, "A");
    assert_told(l, "1 10 0 B\n2 10 0 \n1 10 0 \n");
    assert_int_equal(port_add_key(l->port, b, 0x70, 4, true), REGISTRY_ERROR_KEY_DELETED);
    set_value(c, "A\\B", "v");
    assert_told(l, "");
    registry_key_release(b);
    b = open_key(c, "A\\B");
    assert_int_equal(port_add_key(l->port, b, 0x70, 5, true), 0);
    set_value(c, "A\\B", "v");
    set_value(c, "AB", "v");
    assert_told(l, "5 40 0 \n3 40 0 \n");
    registry_key_release(a);
    registry_key_release(b);
    registry_key_release(ab);
    listener_close(l);
    cluster_destroy(c);
}

// Letters whose upper case has another number of octets.
static void relative_names_are_cut_where_levels_end(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    set_value(c, "\xc9\xab\\\xc9\xab\xc9\xab", "v"); // U+026B, upper case U+2C62
    struct registry_key *outer = open_key(c, "\xc9\xab");
    assert_int_equal(port_add_key(l->port, outer, 0x40, 1, true), 0);
    set_value(c, "\xc9\xab\\\xc9\xab\xc9\xab", "v");
    assert_told(l, "1 40 0 \xc9\xab\xc9\xab\n");
    set_value(c, "\xe2\xb1\xa2\\x", "v");
    assert_told(l, "1 40 0 x\n");
    registry_key_release(outer);
    listener_close(l);
    cluster_destroy(c);
}

static void batches_tell_their_changes(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    // CREATE_KEY "K", SET_VALUE "V" = 2 octets, DELETE_VALUE "V"
    struct buffer b = {0};
    static const struct {
        uint32_t command, type;
        const char *name;
        uint32_t size;
    } commands[] = {{2, 0, "K", 0}, {1, 3, "V", 2}, {4, 0, "V", 0}};
    buffer_append(&b, "\1\0\0\0", 4);
    for (size_t i = 0; i < 3; i++) {
        const uint32_t head[] = {commands[i].command, commands[i].type, 4};
        for (size_t w = 0; w < 3; w++) {
            const uint8_t octets[] = {(uint8_t)head[w], 0, 0, 0};
            buffer_append(&b, octets, 4);
        }
        const uint8_t name[] = {(uint8_t)commands[i].name[0], 0, 0, 0};
        const uint8_t size[] = {(uint8_t)commands[i].size, 0, 0, 0};
        buffer_append(&b, name, 4);
        buffer_append(&b, size, 4);
        buffer_append(&b, "\0\0", commands[i].size);
    }
    struct registry_key *groups = open_key(c, "Groups");
    assert_int_equal(port_add_key(l->port, groups, 0x70, 1, true), 0);
    int32_t failed = 0;
    const uint32_t status = registry_batch(groups, buffer_view(&b), &failed);
    if (status != 0) {
        fail_msg("batch: %u at %d", (unsigned)status, (int)failed);
    }
    assert_told(l, "1 10 0 K\n1 40 0 K\n1 40 0 K\n");
    registry_key_release(groups);
    buffer_free(&b);
    listener_close(l);
    cluster_destroy(c);
}

// The keys of objects are told before the objects.
static void objects_come_behind_their_keys(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    struct cluster_object *group;
    struct registry_key *groups = open_key(c, "Groups");
    assert_int_equal(port_add_cluster(l->port, 0x4000, 1), 0);
    assert_int_equal(port_add_key(l->port, groups, 0x10, 2, true), 0);
    assert_int_equal(cluster_group_create(c, "G", &group), 0);
    char *expected = util_format("2 10 0 %s\n1 4000 0 G\n", cluster_object_id(group));
    assert_told(l, expected);
    free(expected);
    registry_key_release(groups);
    cluster_release(group);
    listener_close(l);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_of_version_1_are_checked),
        cmocka_unit_test(filters_of_version_2_are_checked),
        cmocka_unit_test(every_filter_tells_by_itself),
        cmocka_unit_test(filters_of_deleted_objects_stay_silent),
        cmocka_unit_test(deletion_tells_the_last_sequence),
        cmocka_unit_test(readd_tells_a_state_that_was_missed),
        cmocka_unit_test(keys_are_watched_alone_or_with_all_below),
        cmocka_unit_test(key_of_the_same_name_is_another_one),
        cmocka_unit_test(relative_names_are_cut_where_levels_end),
        cmocka_unit_test(batches_tell_their_changes),
        cmocka_unit_test(objects_come_behind_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
