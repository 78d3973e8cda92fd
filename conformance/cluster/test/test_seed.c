// SPDX-License-Identifier: Apache-2.0
// Seeds that are taken, that are refused and why, and states that outlive their cluster.
#include "cluster_support.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/file.h"

// ---- seeds --------------------------------------------------------------------------------------

// seeds.json: {"name", "seed", "error" (a part of the message; absent: it is taken)}.
static void seeds_are_taken_or_refused(void **state) {
    (void)state;
    json_error_t error;
    json_t *cases =
        json_load_file(CMRP_SOURCE_DIR "/conformance/cluster/test/seeds.json", 0, &error);
    assert_non_null(cases);
    assert_true(json_array_size(cases) > 50);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i);
        const char *message = json_string_value(json_object_get(one, "error"));
        char *seed = json_dumps(json_object_get(one, "seed"), 0);
        print_message("%s\n", json_string_value(json_object_get(one, "name")));
        if (message != NULL) {
            char *where = util_format("/seed.json: %s", message);
            assert_refused(seed, where);
            free(where);
        } else {
            cluster_destroy(cluster_of_text(seed, NULL));
        }
        free(seed);
    }
    json_decref(cases);
}

static void texts_that_are_no_seed(void **state) {
    (void)state;
    assert_refused("", "/seed.json:1: ");
    assert_refused("{\n\"cluster\": {\"name\": \"a\", \"name\": \"b\"}}",
                   "/seed.json:2: duplicate");
    assert_refused("{\"cluster\": {\"name\": \"a\\u0000b\"}}", "/seed.json:1: ");
    assert_refused("[]", "/seed.json: /: an object is expected");
    assert_refused("{\"cluster\":{\"name\":\"C\",\"node\":\"N\"},\"nodes\":[{\"name\":\"N\","
                   "\"state\":\"down\"}]}",
                   "/cluster/node: the node that answers clients is not there");
    assert_refused("{\"\\u001b[31m\":1,\"cluster\":1}", "/\\x1b[31m: unknown key");
    char *error = NULL;
    const struct cluster_options options = {.seed = "/nonexistent/seed.json"};
    assert_null(cluster_create(&options, &error));
    assert_non_null(strstr(error, "/nonexistent/seed.json"));
    free(error);
}

static void keys_of_the_seed_are_there(void **state) {
    (void)state;
    struct cluster *c =
        cluster_of_text("{\"cluster\":{\"name\":\"C\",\"node\":\"N\"},\"nodes\":[{\"name\":\"N\"}],"
                        "\"registry\":[{\"path\":\"A\\\\B\",\"values\":["
                        "{\"name\":\"s\",\"type\":\"sz\",\"data\":\"x\"},"
                        "{\"name\":\"d\",\"type\":\"dword\",\"data\":258},"
                        "{\"name\":\"m\",\"type\":\"multi-sz\",\"data\":[\"a\",\"b\"]},"
                        "{\"name\":\"\",\"type\":\"binary\",\"data\":\"00ff\"}]}]}",
                        NULL);
    static const struct {
        const char *name;
        uint32_t type;
        const char *data;
        size_t size;
    } values[] = {{"s", 1, "x\0\0\0", 4},
                  {"d", 4, "\2\1\0\0", 4},
                  {"m", 7, "a\0\0\0b\0\0\0\0\0", 10},
                  {"", 3, "\0\377", 2}};
    struct registry_key *root, *key;
    assert_int_equal(registry_root(cluster_registry(c), &root), 0);
    assert_int_equal(registry_key_open(root, "A\\B", &key), 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct registry_value value;
        assert_int_equal(registry_value_get(key, values[i].name, &value), 0);
        assert_int_equal(value.type, values[i].type);
        assert_int_equal(value.size, values[i].size);
        assert_memory_equal(value.data, values[i].data, value.size);
        registry_value_clear(&value);
    }
    registry_key_release(key);
    registry_key_release(root);
    cluster_destroy(c);
}

// ---- states -------------------------------------------------------------------------------------

static struct cluster *open_state(const char *path) {
    char *error = NULL;
    const struct cluster_options options = {.state = path};
    struct cluster *c = cluster_create(&options, &error);
    if (c == NULL) {
        fail_msg("%s", error);
    }
    return c;
}

static void alter(struct cluster *c) {
    struct cluster_object *made, *resource, *second;
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    const struct cluster_property number = {.name = "N", .is_number = true, .number = 7};
    const struct cluster_property text = {.name = "T", .text = "x"};
    struct cluster_object *preferred[] = {find(c, CLUSTER_NODE, "N3"), find(c, CLUSTER_NODE, "N1")};
    assert_int_equal(cluster_rename(c, "RENAMED"), 0);
    assert_int_equal(cluster_group_create(c, "Made", &made), 0);
    assert_int_equal(cluster_resource_create(made, "R", "Generic", 1, &resource), 0);
    assert_int_equal(cluster_resource_create(made, "S", "Storage", 0, &second), 0);
    assert_int_equal(cluster_depend(resource, second, true), 0);
    assert_int_equal(cluster_online(resource), 0);
    assert_int_equal(cluster_set_property(c, made, false, &number), 0);
    assert_int_equal(cluster_set_property(c, NULL, true, &text), 0);
    assert_int_equal(cluster_object_rename(app, "Application"), 0);
    assert_int_equal(cluster_preferred_owners(app, preferred, 2), 0);
    assert_int_equal(cluster_group_move(app, preferred[0]), 0);
    assert_int_equal(cluster_possible_owner(find(c, CLUSTER_RESOURCE, "Name"),
                                            find(c, CLUSTER_NODE, "N2"), false),
                     0);
    assert_int_equal(cluster_offline(find(c, CLUSTER_RESOURCE, "Service")), 0);
    assert_int_equal(cluster_fail(find(c, CLUSTER_RESOURCE, "Address")), 0);
    assert_int_equal(cluster_node_pause(find(c, CLUSTER_NODE, "N1"), true), 0);
    assert_int_equal(cluster_set_state(find(c, CLUSTER_NODE, "N2"), CLUSTER_NODE_DOWN), 0);
    assert_int_equal(cluster_set_quorum(c, NULL, "P:\\", 9), 0);
    cluster_release(made);
    cluster_release(resource);
    cluster_release(second);
}

static void check_altered(struct cluster *c) {
    struct cluster_object *app = find(c, CLUSTER_GROUP, "Application");
    struct cluster_object *made = find(c, CLUSTER_GROUP, "Made");
    struct cluster_object *r = find(c, CLUSTER_RESOURCE, "R"), *s = find(c, CLUSTER_RESOURCE, "S");
    struct cluster_property p;
    const char *path;
    uint32_t log_size;
    assert_string_equal(cluster_name(c), "RENAMED");
    assert_string_equal(cluster_object_id(app), "app");
    assert_ptr_equal(cluster_object_parent(r), made);
    assert_int_equal(cluster_object_number(r), 1);
    assert_ptr_equal(cluster_related(r, CLUSTER_DEPENDS, 0), s);
    assert_true(cluster_property_get(c, made, false, "N", &p));
    assert_int_equal(p.number, 7);
    assert_true(cluster_property_get(c, NULL, true, "T", &p));
    assert_string_equal(cluster_object_name(cluster_related(app, CLUSTER_PREFERRED, 0)), "N3");
    assert_string_equal(cluster_object_name(cluster_object_parent(app)), "N3");
    assert_string_equal(
        cluster_object_name(cluster_related(find(c, CLUSTER_RESOURCE, "Name"), CLUSTER_OWNERS, 1)),
        "N3");
    assert_null(cluster_quorum(c, &path, &log_size));
    assert_string_equal(path, "P:\\");
    assert_int_equal(log_size, 9);
    assert_false(cluster_object_core(find(c, CLUSTER_RESOURCE, "Disk")));
    // Nodes are up again, or paused; resources are as they were commanded to be.
    assert_states(c, CLUSTER_NODE, "N1=paused N2=up N3=up");
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=offline Name=online Address=online Other=offline "
                  "R=online S=online");
    assert_states(c, CLUSTER_NETWORK, "Net=up");
    assert_int_equal(cluster_object_sequence(r), 0);
    assert_int_equal(cluster_object_sequence(app), 0);
}

static void state_outlives_the_cluster(void **state) {
    (void)state;
    char *path = temporary("state");
    const struct cluster_options options = {.state = path};
    struct cluster *c = cluster_of_text(small_seed, &options);
    alter(c);
    char *id = util_strdup(cluster_object_id(find(c, CLUSTER_GROUP, "Made")));
    cluster_destroy(c);
    for (int i = 0; i < 2; i++) {
        c = open_state(path); // and not the seed that is built in
        check_altered(c);
        assert_string_equal(cluster_object_id(find(c, CLUSTER_GROUP, "Made")), id);
        cluster_destroy(c);
    }
    // A new identifier is none of the old ones, and what is deleted stays so.
    c = open_state(path);
    struct cluster_object *again;
    assert_int_equal(cluster_group_create(c, "Again", &again), 0);
    assert_string_not_equal(cluster_object_id(again), id);
    assert_int_equal(cluster_delete(again, false), 0);
    assert_int_equal(cluster_delete(find(c, CLUSTER_GROUP, "Made"), true), 0);
    cluster_release(again);
    cluster_destroy(c);
    c = open_state(path);
    assert_null(cluster_find(c, CLUSTER_GROUP, "Again"));
    assert_null(cluster_find(c, CLUSTER_RESOURCE, "R"));
    cluster_destroy(c);
    free(id);
    free(path);
}

// What a client has written to the key of an object is not taken for the object.
static void registry_of_the_state_is_the_clients(void **state) {
    (void)state;
    char *path = temporary("clients");
    const struct cluster_options options = {.state = path};
    struct cluster *c = cluster_of_text(small_seed, &options);
    struct registry_key *root;
    assert_int_equal(registry_root(cluster_registry(c), &root), 0);
    assert_int_equal(registry_tree_delete(root, "Groups\\app"), 0);
    registry_key_release(root);
    cluster_destroy(c);
    c = open_state(path);
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    assert_int_equal(cluster_object_rename(app, "B"), 0); // makes the key anew
    assert_int_equal(cluster_delete(app, true), 0);
    cluster_destroy(c);
    free(path);
}

static void other_files_are_no_state(void **state) {
    (void)state;
    char *path = temporary("other"), *error = NULL;
    write_file(path, "this is some other file, longer than nothing");
    const struct cluster_options options = {.state = path};
    assert_null(cluster_create(&options, &error));
    assert_non_null(strstr(error, path));
    free(error);
    unlink(path);
    // A registry without a cluster.
    error = NULL;
    struct registry *r = registry_open(path, NULL, NULL, &error);
    struct registry_key *root;
    assert_non_null(r);
    assert_int_equal(registry_root(r, &root), 0);
    assert_int_equal(registry_value_set(root, "v", 3, (cmrp_view){0}), 0);
    registry_key_release(root);
    registry_close(r);
    assert_null(cluster_create(&options, &error));
    assert_non_null(strstr(error, "no state of a cluster"));
    free(error);
    free(path);
}

static void seed_that_fails_leaves_no_state(void **state) {
    (void)state;
    char *path = temporary("fails"), *seed = temporary("bad-seed.json"), *error = NULL;
    write_file(seed, "{\"cluster\":{\"name\":\"C\",\"node\":\"N\"},\"nodes\":[{\"name\":\"M\"}]}");
    const struct cluster_options options = {.seed = seed, .state = path};
    assert_null(cluster_create(&options, &error));
    free(error);
    error = NULL;
    struct registry *r = registry_open(path, NULL, NULL, &error);
    assert_non_null(r);
    assert_false(registry_used(r));
    registry_close(r);
    free(path);
    free(seed);
}

// ---- what cannot be written ---------------------------------------------------------------------

static void dump_relation(struct buffer *out, const struct cluster_object *o,
                          enum cluster_relation relation) {
    struct cluster_object *other;
    for (size_t i = 0; (other = cluster_related(o, relation, i)) != NULL; i++) {
        buffer_printf(out, " %d:%s", (int)relation, cluster_object_name(other));
    }
}

static void dump_properties(struct buffer *out, struct cluster *c, struct cluster_object *o) {
    struct cluster_property p;
    for (int private = 0; private < 2; private ++) {
        for (size_t i = 0; cluster_property_at(c, o, private != 0, i, &p); i++) {
            buffer_printf(out, " %d%s=%s%u", private, p.name, p.text != NULL ? p.text : "",
                          (unsigned)p.number);
        }
    }
}

// Everything that can be seen of a cluster, but for its registry.
static char *dump(struct cluster *c) {
    struct buffer out = {0};
    const char *path;
    uint32_t size;
    struct cluster_object *quorum = cluster_quorum(c, &path, &size);
    buffer_printf(&out, "%s %s %s %u", cluster_name(c),
                  quorum != NULL ? cluster_object_name(quorum) : "-", path, (unsigned)size);
    dump_properties(&out, c, NULL);
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        for (struct cluster_object *o = cluster_next(c, (enum cluster_kind)kind, NULL); o != NULL;
             o = cluster_next(c, (enum cluster_kind)kind, o)) {
            const struct cluster_object *parent = cluster_object_parent(o);
            buffer_printf(&out, "\n%s %s %u %u %u %d %s", cluster_object_name(o),
                          cluster_object_id(o), (unsigned)cluster_object_state(o),
                          (unsigned)cluster_object_sequence(o), (unsigned)cluster_object_number(o),
                          cluster_object_core(o),
                          parent != NULL ? cluster_object_name(parent) : "");
            assert_ptr_equal(cluster_find(c, (enum cluster_kind)kind, cluster_object_name(o)), o);
            dump_properties(&out, c, o);
            if (kind == CLUSTER_RESOURCE) {
                dump_relation(&out, o, CLUSTER_DEPENDS);
                dump_relation(&out, o, CLUSTER_PROVIDES);
                dump_relation(&out, o, CLUSTER_OWNERS);
            } else if (kind == CLUSTER_GROUP) {
                dump_relation(&out, o, CLUSTER_PREFERRED);
                dump_relation(&out, o, CLUSTER_RESOURCES);
            }
        }
    }
    char *text = util_strdup(buffer_text(&out));
    buffer_free(&out);
    return text;
}

// One of several changes; false behind the last.
static bool try_change(struct cluster *c, int number, uint32_t *status) {
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App"), *made = NULL;
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name");
    struct cluster_object *other = find(c, CLUSTER_RESOURCE, "Other");
    struct cluster_object *n1 = find(c, CLUSTER_NODE, "N1"), *n2 = find(c, CLUSTER_NODE, "N2");
    const struct cluster_property text = {.name = "P", .text = "x"};
    switch (number) {
    case 0: *status = cluster_group_create(c, "New", &made); break;
    case 1: *status = cluster_resource_create(app, "New", "Generic", 0, &made); break;
    case 2: *status = cluster_object_rename(app, "Renamed"); break;
    case 3: *status = cluster_delete(app, true); break;
    case 4: *status = cluster_group_move(app, n1); break;
    case 5: *status = cluster_offline(app); break;
    case 6: *status = cluster_online(other); break;
    case 7: *status = cluster_depend(other, name, true); break;
    case 8: *status = cluster_possible_owner(name, n1, false); break;
    case 9: *status = cluster_preferred_owners(app, &n2, 1); break;
    case 10: *status = cluster_set_property(c, NULL, false, &text); break;
    case 11: *status = cluster_set_property(c, name, true, &text); break;
    case 12: *status = cluster_delete(n2, false); break;
    case 13: *status = cluster_set_state(n2, CLUSTER_NODE_DOWN); break;
    case 14: *status = cluster_node_pause(n2, true); break;
    case 15: *status = cluster_rename(c, "OTHER"); break;
    case 16: *status = cluster_set_quorum(c, NULL, "", 1); break;
    case 17: *status = cluster_add(c, CLUSTER_NODE, "N4", NULL, NULL, &made); break;
    case 18: *status = cluster_delete(find(c, CLUSTER_NETWORK, "Net"), false); break;
    case 19: *status = cluster_resource_move(other, find(c, CLUSTER_GROUP, "Beside")); break;
    default: return false;
    }
    assert_true(made == NULL || *status == 0);
    cluster_release(made);
    return true;
}

static void set_file_limit(rlim_t octets) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = octets;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_cannot_be_written_is_undone(void **state) {
    (void)state;
    struct cluster_object *beside;
    struct port *port;
    uint32_t status = 0;
    signal(SIGXFSZ, SIG_IGN);
    for (int number = 0;; number++) {
        char *name = util_format("full-%d", number);
        char *path = temporary(name);
        const struct cluster_options options = {.state = path};
        struct cluster *c = cluster_of_text(small_seed, &options);
        assert_int_equal(cluster_group_create(c, "Beside", &beside), 0);
        assert_int_equal(cluster_group_move(beside, find(c, CLUSTER_NODE, "N2")), 0);
        cluster_release(beside);
        char *before = dump(c);
        struct listener *l = listen_to(c, 1);
        assert_int_equal(port_add_cluster(l->port, 0x5ff7ffff, 1), 0);
        port = l->port;
        set_file_limit(0);
        const bool is_one = try_change(c, number, &status);
        set_file_limit(RLIM_INFINITY);
        char *after = dump(c);
        if (is_one) {
            assert_int_not_equal(status, 0);
        }
        assert_string_equal(after, before);
        assert_told(l, "");
        assert_ptr_equal(port, l->port);
        // There is room again.
        if (is_one) {
            try_change(c, number, &status);
            assert_int_equal(status, 0);
            char *changed = dump(c);
            assert_string_not_equal(changed, before);
            free(changed);
        }
        free(before);
        free(after);
        listener_close(l);
        cluster_destroy(c);
        free(path);
        free(name);
        if (!is_one) {
            assert_int_equal(number, 20);
            break;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_taken_or_refused),
        cmocka_unit_test(texts_that_are_no_seed),
        cmocka_unit_test(keys_of_the_seed_are_there),
        cmocka_unit_test(state_outlives_the_cluster),
        cmocka_unit_test(registry_of_the_state_is_the_clients),
        cmocka_unit_test(other_files_are_no_state),
        cmocka_unit_test(seed_that_fails_leaves_no_state),
        cmocka_unit_test(what_cannot_be_written_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
