// SPDX-License-Identifier: Apache-2.0
// Objects, their states, what ties them, and that a change that fails has changed nothing.
#include "cluster_support.h"

#include <stdio.h>

// ---- the seed that is built in ------------------------------------------------------------------

static void builtin_seed_is_a_cluster(void **state) {
    (void)state;
    char *error = NULL;
    const struct cluster_options options = {0};
    struct cluster *c = cluster_create(&options, &error);
    if (c == NULL) {
        fail_msg("%s", error);
    }
    assert_string_equal(cluster_name(c), "CLUSTER1");
    assert_string_equal(cluster_node_name(c), "NODE1");
    assert_states(c, CLUSTER_NODE, "NODE1=up NODE2=up NODE3=up");
    assert_states(c, CLUSTER_GROUP, "Cluster Group=online Available Storage=online Web=online");
    assert_states(c, CLUSTER_NETWORK, "Cluster Network 1=up Cluster Network 2=up");
    assert_states(c, CLUSTER_RESOURCE,
                  "Cluster IP Address=online Cluster Name=online Cluster Disk 1=online "
                  "Cluster Disk 2=online Web Address=online Web Name=online Web Service=online");
    const char *path;
    uint32_t log_size;
    assert_ptr_equal(cluster_quorum(c, &path, &log_size),
                     find(c, CLUSTER_RESOURCE, "Cluster Disk 1"));
    assert_string_equal(path, "Q:\\Cluster\\");
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        for (struct cluster_object *o = cluster_next(c, (enum cluster_kind)kind, NULL); o != NULL;
             o = cluster_next(c, (enum cluster_kind)kind, o)) {
            assert_int_equal(cluster_object_sequence(o), 0);
            const char *id = cluster_object_id(o);
            assert_ptr_equal(cluster_find(c, (enum cluster_kind)kind, cluster_object_name(o)), o);
            assert_true(*id == '\0' || cluster_find(c, (enum cluster_kind)kind, id) == o);
        }
    }
    cluster_destroy(c);
}

static void names_are_found_without_regard_to_case(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    assert_ptr_equal(find(c, CLUSTER_GROUP, "aPP"), find(c, CLUSTER_GROUP, "App"));
    assert_ptr_equal(find(c, CLUSTER_RESOURCE, "SERVICE"), find(c, CLUSTER_RESOURCE, "Service"));
    assert_null(cluster_find(c, CLUSTER_GROUP, "Ap"));
    assert_null(cluster_find(c, CLUSTER_GROUP, ""));
    assert_ptr_equal(find(c, CLUSTER_NODE, "2"), find(c, CLUSTER_NODE, "n2"));
    cluster_destroy(c);
}

// The same seed gives the same identifiers.
static void identifiers_repeat(void **state) {
    (void)state;
    char *error = NULL;
    const struct cluster_options options = {0};
    struct cluster *one = cluster_create(&options, &error), *two = cluster_create(&options, &error);
    assert_string_equal(cluster_object_id(find(one, CLUSTER_GROUP, "Web")),
                        cluster_object_id(find(two, CLUSTER_GROUP, "Web")));
    assert_int_equal(strlen(cluster_object_id(find(one, CLUSTER_GROUP, "Web"))), 36);
    cluster_destroy(one);
    cluster_destroy(two);
}

// ---- resources ----------------------------------------------------------------------------------

static void resource_goes_through_pending_states(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "name");
    assert_int_equal(port_add_cluster(l->port, 0x1100, 7), 0);
    assert_int_equal(cluster_offline(name), 0);
    assert_told(l, "7 100 1 Service\n"
                   "7 1000 1 App\n"
                   "7 100 1 Name\n"
                   "7 100 2 Service\n"
                   "7 100 2 Name\n"
                   "7 1000 2 App\n");
    assert_int_equal(cluster_offline(name), 0);
    assert_told(l, "");
    listener_close(l);
    cluster_destroy(c);
}

static void states_follow_dependencies(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *service = find(c, CLUSTER_RESOURCE, "Service");
    struct cluster_object *address = find(c, CLUSTER_RESOURCE, "Address");
    assert_int_equal(cluster_offline(address), 0);
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=offline Name=offline Address=offline Other=offline");
    struct listener *l = listen_to(c, 1);
    assert_int_equal(port_add_cluster(l->port, 0x100, 1), 0);
    assert_int_equal(cluster_online(service), 0);
    assert_told(l, "1 100 3 Address\n1 100 3 Name\n1 100 3 Service\n"
                   "1 100 4 Address\n1 100 4 Name\n1 100 4 Service\n");
    assert_states(c, CLUSTER_GROUP, "Core=online App=partial-online");
    assert_int_equal(cluster_online(find(c, CLUSTER_RESOURCE, "Other")), 0);
    assert_states(c, CLUSTER_GROUP, "Core=online App=online");
    listener_close(l);
    cluster_destroy(c);
}

static void failure_takes_dependents_offline(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *address = find(c, CLUSTER_RESOURCE, "Address");
    assert_int_equal(cluster_fail(find(c, CLUSTER_RESOURCE, "Other")), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_fail(address), 0);
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=offline Name=offline Address=failed Other=offline");
    assert_states(c, CLUSTER_GROUP, "Core=online App=failed");
    assert_int_equal(cluster_offline(address), CLUSTER_ERROR_RESOURCE_FAILED);
    assert_int_equal(cluster_object_state(address), CLUSTER_RESOURCE_FAILED);
    assert_int_equal(cluster_online(find(c, CLUSTER_GROUP, "App")), 0);
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=online Name=online Address=online Other=online");
    cluster_destroy(c);
}

static void failed_resource_is_restarted_if_it_says_so(void **state) {
    (void)state;
    struct cluster *c = cluster_of_text(
        "{\"cluster\":{\"name\":\"C\",\"node\":\"N\"},\"nodes\":[{\"name\":\"N\"}],"
        "\"resource_types\":[{\"name\":\"T\"}],\"groups\":[{\"name\":\"G\",\"owner\":\"N\","
        "\"resources\":[{\"name\":\"A\",\"type\":\"T\",\"online\":true,\"restart\":true},"
        "{\"name\":\"B\",\"type\":\"T\",\"online\":true,\"depends_on\":[\"A\"]}]}]}",
        NULL);
    struct listener *l = listen_to(c, 1);
    assert_int_equal(port_add_cluster(l->port, 0x100, 1), 0);
    assert_int_equal(cluster_fail(find(c, CLUSTER_RESOURCE, "A")), 0);
    assert_states(c, CLUSTER_RESOURCE, "A=online B=online");
    assert_told(l, "1 100 1 A\n1 100 1 B\n1 100 2 B\n"
                   "1 100 2 A\n1 100 3 B\n1 100 3 A\n1 100 4 B\n");
    listener_close(l);
    cluster_destroy(c);
}

static void pending_resource_is_left_alone(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *other = find(c, CLUSTER_RESOURCE, "Other");
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    assert_int_equal(cluster_set_state(other, CLUSTER_RESOURCE_ONLINE_PENDING), 0);
    assert_states(c, CLUSTER_GROUP, "Core=online App=pending");
    assert_int_equal(cluster_online(other), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_offline(other), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_online(app), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_offline(app), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_group_move(app, find(c, CLUSTER_NODE, "N3")),
                     CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_delete(other, false), CLUSTER_ERROR_RESOURCE_ONLINE);
    assert_int_equal(cluster_set_state(other, CLUSTER_RESOURCE_INITIALIZING), 0);
    assert_int_equal(cluster_online(other), 0);
    assert_int_equal(cluster_object_state(other), CLUSTER_RESOURCE_ONLINE);
    assert_int_equal(cluster_set_state(other, 77), CLUSTER_ERROR_INVALID_PARAMETER);
    cluster_destroy(c);
}

static void resources_come_and_go(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App"), *made, *again;
    static const struct {
        const char *name, *type;
        uint32_t flags, status;
    } refused[] = {
        {"", "Generic", 0, CLUSTER_ERROR_INVALID_NAME},
        {" \t\r\n", "Generic", 0, CLUSTER_ERROR_INVALID_NAME},
        {"SERVICE", "Generic", 0, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS},
        {"Disk", "Generic", 0, CLUSTER_ERROR_OBJECT_ALREADY_EXISTS},
        {"New", "No such type", 0, CLUSTER_ERROR_RESTYPE_NOT_FOUND},
        {"New", "Generic", 2, CLUSTER_ERROR_INVALID_PARAMETER},
        {"\xed\xa0\x80", "Generic", 0, CLUSTER_ERROR_INVALID_NAME},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(
            cluster_resource_create(app, refused[i].name, refused[i].type, refused[i].flags, &made),
            refused[i].status);
    }
    assert_int_equal(cluster_resource_create(app, "New", "generic", 1, &made), 0);
    assert_int_equal(cluster_object_sequence(made), 0);
    assert_int_equal(cluster_object_state(made), CLUSTER_RESOURCE_OFFLINE);
    assert_int_equal(cluster_object_number(made), 1);
    assert_ptr_equal(cluster_object_parent(made), app);
    assert_ptr_equal(cluster_object_type(made), find(c, CLUSTER_RESOURCE_TYPE, "Generic"));
    assert_ptr_equal(cluster_object_node(made), find(c, CLUSTER_NODE, "N2"));
    assert_ptr_equal(cluster_related(app, CLUSTER_RESOURCES, 4), made);
    assert_null(cluster_related(app, CLUSTER_RESOURCES, 5));
    assert_int_equal(cluster_delete(made, false), 0);
    assert_true(cluster_object_deleted(made));
    assert_null(cluster_find(c, CLUSTER_RESOURCE, "New"));
    assert_null(cluster_related(app, CLUSTER_RESOURCES, 4));
    assert_int_equal(cluster_resource_create(app, "New", "Generic", 0, &again), 0);
    assert_string_not_equal(cluster_object_id(made), cluster_object_id(again));
    assert_int_equal(cluster_online(made), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_offline(made), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_fail(made), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_delete(made, true), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_object_rename(made, "X"), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_depend(again, made, true), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_resource_move(made, find(c, CLUSTER_GROUP, "Core")),
                     CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_set_quorum(c, made, "", 0), CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE);
    assert_int_equal(cluster_delete(find(c, CLUSTER_RESOURCE, "Disk"), true),
                     CLUSTER_ERROR_CORE_RESOURCE);
    assert_int_equal(cluster_delete(find(c, CLUSTER_RESOURCE, "Name"), true),
                     CLUSTER_ERROR_RESOURCE_ONLINE);
    assert_int_equal(cluster_offline(find(c, CLUSTER_RESOURCE, "Name")), 0);
    assert_int_equal(cluster_delete(find(c, CLUSTER_RESOURCE, "Name"), false),
                     CLUSTER_ERROR_DEPENDENT_RESOURCE_EXISTS);
    cluster_release(made);
    cluster_release(again);
    cluster_destroy(c);
}

static void dependencies_are_checked(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *service = find(c, CLUSTER_RESOURCE, "Service");
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name");
    struct cluster_object *address = find(c, CLUSTER_RESOURCE, "Address");
    struct cluster_object *other = find(c, CLUSTER_RESOURCE, "Other");
    struct cluster_object *disk = find(c, CLUSTER_RESOURCE, "Disk");
    assert_int_equal(cluster_depend(service, service, true), CLUSTER_ERROR_INVALID_PARAMETER);
    assert_int_equal(cluster_depend(service, name, true), CLUSTER_ERROR_DEPENDENCY_ALREADY_EXISTS);
    assert_int_equal(cluster_depend(address, service, true), CLUSTER_ERROR_CIRCULAR_DEPENDENCY);
    assert_int_equal(cluster_depend(service, disk, true), CLUSTER_ERROR_DEPENDENCY_NOT_ALLOWED);
    assert_int_equal(cluster_depend(service, other, true), CLUSTER_ERROR_RESOURCE_ONLINE);
    assert_int_equal(cluster_depend(service, address, false), CLUSTER_ERROR_DEPENDENCY_NOT_FOUND);
    assert_int_equal(cluster_depend(other, service, true), 0);
    assert_ptr_equal(cluster_related(other, CLUSTER_DEPENDS, 0), service);
    assert_ptr_equal(cluster_related(service, CLUSTER_PROVIDES, 0), other);
    assert_null(cluster_related(service, CLUSTER_PROVIDES, 1));
    assert_states(c, CLUSTER_GROUP, "Core=online App=offline"); // its only top-level one is
    assert_int_equal(cluster_depend(other, service, false), 0);
    assert_states(c, CLUSTER_GROUP, "Core=online App=partial-online");
    cluster_destroy(c);
}

static void dependencies_are_not_too_deep(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *group, *last = NULL;
    assert_int_equal(cluster_group_create(c, "Deep", &group), 0);
    for (int i = 0; i <= 101; i++) {
        struct cluster_object *one;
        char name[16];
        snprintf(name, sizeof name, "R%d", i);
        assert_int_equal(cluster_resource_create(group, name, "Generic", 0, &one), 0);
        if (last != NULL) {
            assert_int_equal(cluster_depend(one, last, true),
                             i <= 100 ? 0 : CLUSTER_ERROR_DEPENDENCY_TREE_TOO_COMPLEX);
        }
        last = one;
        cluster_release(one);
    }
    assert_int_equal(cluster_online(find(c, CLUSTER_RESOURCE, "R100")), 0);
    assert_int_equal(cluster_object_state(find(c, CLUSTER_RESOURCE, "R0")),
                     CLUSTER_RESOURCE_ONLINE);
    cluster_release(group);
    cluster_destroy(c);
}

// Many ways lead through a ladder; each resource is looked at once.
static void dependencies_may_cross(void **state) {
    (void)state;
    enum { STEPS = 90 };
    struct cluster *c = small_cluster();
    struct cluster_object *group, *rungs[STEPS][2];
    assert_int_equal(cluster_group_create(c, "Ladder", &group), 0);
    for (int i = 0; i < STEPS; i++) {
        for (int side = 0; side < 2; side++) {
            char name[32];
            snprintf(name, sizeof name, "%d/%d", i, side);
            assert_int_equal(cluster_resource_create(group, name, "Generic", 0, &rungs[i][side]),
                             0);
            cluster_release(rungs[i][side]);
        }
        for (int k = 0; i > 0 && k < 4; k++) {
            assert_int_equal(cluster_depend(rungs[i][k / 2], rungs[i - 1][k % 2], true), 0);
        }
    }
    assert_int_equal(cluster_depend(rungs[0][0], rungs[STEPS - 1][1], true),
                     CLUSTER_ERROR_CIRCULAR_DEPENDENCY);
    assert_int_equal(cluster_online(rungs[STEPS - 1][0]), 0);
    assert_int_equal(cluster_object_state(rungs[STEPS - 1][1]), CLUSTER_RESOURCE_OFFLINE);
    assert_int_equal(cluster_object_state(rungs[0][1]), CLUSTER_RESOURCE_ONLINE);
    assert_int_equal(cluster_object_state(group), CLUSTER_GROUP_PARTIAL_ONLINE);
    assert_int_equal(cluster_online(group), 0);
    assert_int_equal(cluster_offline(rungs[0][0]), 0);
    assert_int_equal(cluster_object_state(group), CLUSTER_GROUP_OFFLINE);
    assert_int_equal(cluster_object_state(rungs[0][1]), CLUSTER_RESOURCE_ONLINE);
    assert_int_equal(cluster_delete(group, true), 0);
    cluster_release(group);
    cluster_destroy(c);
}

// ---- the cluster itself -------------------------------------------------------------------------

static void quorum_and_name_change(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *disk = find(c, CLUSTER_RESOURCE, "Disk"), *second;
    struct listener *l = listen_to(c, 2);
    const struct port_target all = {0};
    assert_int_equal(port_add_v2(l->port, 9, 0x1, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 1, 0x400, 2, &all), 0);
    assert_true(cluster_object_core(disk));
    assert_int_equal(cluster_set_quorum(c, find(c, CLUSTER_RESOURCE, "Name"), "", 0),
                     CLUSTER_ERROR_NOT_QUORUM_CAPABLE);
    assert_int_equal(
        cluster_resource_create(find(c, CLUSTER_GROUP, "Core"), "Second", "Storage", 0, &second),
        0);
    assert_int_equal(cluster_set_quorum(c, second, "", 0), CLUSTER_ERROR_RESOURCE_NOT_ONLINE);
    assert_int_equal(cluster_online(second), 0);
    assert_int_equal(cluster_set_quorum(c, second, "S:\\", 4096), 0);
    char *expected = util_format("1 9 1 %s||Second| 2\n", cluster_object_id(second));
    assert_told(l, expected);
    free(expected);
    assert_false(cluster_object_core(disk));
    assert_true(cluster_object_core(second));
    assert_int_equal(cluster_set_quorum(c, NULL, "", 0), 0);
    assert_told(l, "1 9 1 ||| -\n");
    // A witness is a quorum resource, but no disk: there is no payload.
    static const char *const witnesses[] = {"File Share Witness", "Cloud Witness"};
    for (size_t i = 0; i < 2; i++) {
        const struct cluster_property capable = {
            .name = "QuorumCapable", .is_number = true, .number = 1};
        struct cluster_object *type, *witness;
        assert_int_equal(cluster_resource_type_create(c, witnesses[i], &type), 0);
        assert_int_equal(cluster_set_property(c, type, false, &capable), 0);
        assert_int_equal(cluster_resource_create(find(c, CLUSTER_GROUP, "Core"), witnesses[i],
                                                 witnesses[i], 0, &witness),
                         0);
        assert_int_equal(cluster_online(witness), 0);
        assert_int_equal(cluster_set_quorum(c, witness, "", 0x400), 0);
        expected = util_format("1 9 1 %s||%s| -\n", cluster_object_id(witness), witnesses[i]);
        assert_told(l, expected);
        free(expected);
        cluster_release(type);
        cluster_release(witness);
    }
    assert_int_equal(cluster_rename(c, "n1"), CLUSTER_ERROR_INVALID_NAME);
    assert_int_equal(cluster_rename(c, "OTHER"), 0);
    assert_told(l, "2 1 400 ||OTHER| -\n");
    cluster_release(second);
    listener_close(l);
    cluster_destroy(c);
}

static void properties_are_kept(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name");
    struct cluster_property out;
    struct listener *l = listen_to(c, 2), *m = listen_to(c, 1);
    const struct port_target all = {0};
    assert_int_equal(port_add_v2(l->port, 1, 0x180, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 2, 0x6, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 3, 0x3, 1, &all), 0);
    assert_int_equal(port_add_cluster(m->port, 0x40008800, 5), 0);
    const struct cluster_property number = {.name = "Number", .is_number = true, .number = 5};
    const struct cluster_property text = {.name = "A text", .text = "x"};
    const struct cluster_property none = {.name = "NUMBER"};
    assert_int_equal(cluster_set_property(c, app, false, &number), 0);
    assert_int_equal(cluster_set_property(c, app, false, &number), 0); // no change
    assert_int_equal(cluster_set_property(c, app, true, &text), 0);
    assert_int_equal(cluster_set_property(c, name, false, &text), 0);
    assert_int_equal(cluster_set_property(c, name, true, &number), 0);
    assert_int_equal(cluster_set_property(c, NULL, false, &text), 0);
    assert_int_equal(cluster_set_property(c, NULL, true, &number), 0);
    assert_int_equal(cluster_set_property(c, app, false, &text), 0);
    assert_told(l, "1 2 2 app|2|App| Number=5\n1 2 4 app|2|App| A text=x\n"
                   "1 3 1 name|app|Name|Generic A text=x\n1 3 2 name|app|Name|Generic -\n"
                   "1 1 80 ||| A text=x\n1 1 100 ||| Number=5\n1 2 2 app|2|App| A text=x\n");
    assert_told(m, "5 8000 0 App\n5 8000 0 App\n5 800 0 Name\n5 800 0 Name\n"
                   "5 40000000 0 SMALL\n5 40000000 0 SMALL\n5 8000 0 App\n");
    assert_true(cluster_property_at(c, app, false, 0, &out));
    assert_string_equal(out.name, "A text");
    assert_true(cluster_property_get(c, app, false, "number", &out));
    assert_int_equal(out.number, 5);
    assert_int_equal(cluster_set_property(c, app, false, &none), 0);
    assert_false(cluster_property_get(c, app, false, "number", &out));
    assert_false(cluster_property_at(c, app, false, 1, &out));
    listener_close(l);
    listener_close(m);
    cluster_destroy(c);
}

// ---- registry keys of objects -------------------------------------------------------------------

static bool has_value(struct cluster *c, const char *path, const char *name, const char *text) {
    struct registry_key *root, *key;
    struct registry_value value;
    struct buffer units = {0};
    bool same = false;
    assert_int_equal(registry_root(cluster_registry(c), &root), 0);
    if (registry_key_open(root, path, &key) == 0) {
        if (registry_value_get(key, name, &value) == 0) {
            for (const char *p = text; p == text || p[-1] != '\0'; p++) {
                buffer_append(&units, (const char[]){*p, 0}, 2);
            }
            same = value.size == units.size && memcmp(value.data, units.data, units.size) == 0;
            registry_value_clear(&value);
        }
        registry_key_release(key);
    }
    registry_key_release(root);
    buffer_free(&units);
    return same;
}

static void objects_have_keys(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App"), *made;
    assert_string_equal(cluster_object_key(app), "Groups\\app");
    assert_true(has_value(c, "Groups\\app", "Name", "App"));
    assert_true(has_value(c, "Resources\\name", "Type", "Generic"));
    assert_true(has_value(c, "Nodes\\2", "NodeName", "N2"));
    assert_true(has_value(c, "NetworkInterfaces\\i2", "Node", "2"));
    assert_true(has_value(c, "Quorum", "Resource", "disk"));
    assert_int_equal(cluster_object_rename(app, "Renamed"), 0);
    assert_true(has_value(c, "Groups\\app", "Name", "Renamed"));
    const struct cluster_property text = {.name = "P", .text = "x"}, none = {.name = "P"};
    assert_int_equal(cluster_set_property(c, app, true, &text), 0);
    assert_true(has_value(c, "Groups\\app\\Parameters", "P", "x"));
    assert_int_equal(cluster_set_property(c, app, true, &none), 0);
    assert_false(has_value(c, "Groups\\app\\Parameters", "P", "x"));
    assert_int_equal(cluster_group_create(c, "New", &made), 0);
    char *path = util_strdup(cluster_object_key(made));
    assert_true(has_value(c, path, "Name", "New"));
    assert_int_equal(cluster_delete(made, false), 0);
    assert_false(has_value(c, path, "Name", "New"));
    free(path);
    cluster_release(made);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_seed_is_a_cluster),
        cmocka_unit_test(names_are_found_without_regard_to_case),
        cmocka_unit_test(identifiers_repeat),
        cmocka_unit_test(resource_goes_through_pending_states),
        cmocka_unit_test(states_follow_dependencies),
        cmocka_unit_test(failure_takes_dependents_offline),
        cmocka_unit_test(failed_resource_is_restarted_if_it_says_so),
        cmocka_unit_test(pending_resource_is_left_alone),
        cmocka_unit_test(resources_come_and_go),
        cmocka_unit_test(dependencies_are_checked),
        cmocka_unit_test(dependencies_are_not_too_deep),
        cmocka_unit_test(dependencies_may_cross),
        cmocka_unit_test(quorum_and_name_change),
        cmocka_unit_test(properties_are_kept),
        cmocka_unit_test(objects_have_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
