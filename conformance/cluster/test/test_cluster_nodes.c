// SPDX-License-Identifier: Apache-2.0
// Groups, the nodes that host them, networks.
#include "cluster_support.h"

// ---- groups -------------------------------------------------------------------------------------

static void groups_come_and_go(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *made, *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *service = cluster_hold(find(c, CLUSTER_RESOURCE, "Service"));
    assert_int_equal(cluster_group_create(c, "app", &made), CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    assert_int_equal(cluster_group_create(c, "", &made), CLUSTER_ERROR_INVALID_NAME);
    assert_int_equal(cluster_group_create(c, "New", &made), 0);
    assert_int_equal(cluster_object_state(made), CLUSTER_GROUP_OFFLINE);
    assert_int_equal(cluster_object_number(made), 0x270f);
    assert_ptr_equal(cluster_object_parent(made), cluster_own_node(c));
    assert_int_equal(cluster_object_rename(made, "APP"), CLUSTER_ERROR_ALREADY_EXISTS);
    assert_int_equal(cluster_object_rename(made, "Core"), CLUSTER_ERROR_ALREADY_EXISTS);
    assert_int_equal(cluster_object_rename(made, " "), CLUSTER_ERROR_INVALID_NAME);
    assert_int_equal(cluster_object_rename(made, "NEW"), 0); // another case of its own name
    assert_string_equal(cluster_object_name(made), "NEW");
    assert_int_equal(cluster_object_rename(made, "Newer"), 0);
    assert_null(cluster_find(c, CLUSTER_GROUP, "New"));
    assert_int_equal(cluster_delete(made, false), 0);
    assert_int_equal(cluster_delete(made, false), CLUSTER_ERROR_GROUP_NOT_AVAILABLE);
    assert_int_equal(cluster_online(made), CLUSTER_ERROR_GROUP_NOT_AVAILABLE);
    cluster_release(made);
    assert_int_equal(cluster_delete(find(c, CLUSTER_GROUP, "Core"), true),
                     CLUSTER_ERROR_CORE_RESOURCE);
    assert_int_equal(cluster_delete(app, false), CLUSTER_ERROR_DIR_NOT_EMPTY);
    assert_int_equal(cluster_delete(app, true), 0);
    assert_true(cluster_object_deleted(service));
    assert_int_equal(cluster_count(c, CLUSTER_RESOURCE), 1);
    cluster_release(service);
    cluster_destroy(c);
}

static void group_moves_with_what_it_holds(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *n1 = find(c, CLUSTER_NODE, "N1"), *n2 = find(c, CLUSTER_NODE, "N2");
    struct cluster_object *n3 = find(c, CLUSTER_NODE, "N3");
    struct listener *l = listen_to(c, 2);
    const struct port_target one = {.object = app}, all = {0};
    assert_int_equal(port_add_v2(l->port, 2, 0x18, 1, &one), 0);
    assert_int_equal(port_add_v2(l->port, 7, 0x60, 2, &all), 0);
    assert_int_equal(cluster_group_move(app, n2), 0);
    assert_told(l, "");
    assert_int_equal(cluster_group_move(app, n3), 0);
    assert_ptr_equal(cluster_object_parent(app), n3);
    assert_told(l, "1 2 8 app|2|App| 4\n1 2 8 app|2|App| 1\n"
                   "1 2 10 app|3|App| \"3\"\n"
                   "2 7 40 2||N2| \"app\"\n2 7 20 3||N3| \"app\"\n"
                   "1 2 8 app|3|App| 4\n1 2 8 app|3|App| 3\n");
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=online Name=online Address=online Other=offline");
    assert_int_equal(cluster_node_pause(n1, true), 0);
    assert_int_equal(cluster_group_move(app, n1), CLUSTER_ERROR_SHARING_PAUSED);
    assert_int_equal(cluster_set_state(n2, CLUSTER_NODE_DOWN), 0);
    assert_int_equal(cluster_group_move(app, n2), CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE);
    assert_int_equal(cluster_group_move(app, NULL), CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE);
    assert_int_equal(cluster_node_pause(n1, false), 0);
    assert_int_equal(cluster_group_move(app, NULL), 0);
    assert_ptr_equal(cluster_object_parent(app), n1);
    listener_close(l);
    cluster_destroy(c);
}

// Layers of two resources that need both of the layer below: as many ways as none could go.
static void start_goes_each_way_once(void **state) {
    (void)state;
    enum { LAYERS = 48 };
    struct buffer seed = {0};
    buffer_printf(&seed, "{\"cluster\":{\"name\":\"C\",\"node\":\"N1\"},\"nodes\":[{\"name\":"
                         "\"N1\"},{\"name\":\"N2\"}],\"resource_types\":[{\"name\":\"T\"}],"
                         "\"groups\":[{\"name\":\"G\",\"owner\":\"N1\",\"online\":true,"
                         "\"resources\":[{\"name\":\"no\",\"type\":\"T\",\"online\":true,"
                         "\"possible_owners\":[\"N2\"]},{\"name\":\"needs no\",\"type\":\"T\","
                         "\"online\":true,\"depends_on\":[\"no\"]}");
    for (int i = 0; i < 2 * LAYERS; i++) {
        buffer_printf(&seed, ",{\"name\":\"%d\",\"type\":\"T\",\"online\":true", i);
        if (i >= 2) {
            buffer_printf(&seed, ",\"depends_on\":[\"%d\",\"%d\"]", i / 2 * 2 - 2, i / 2 * 2 - 1);
        }
        buffer_printf(&seed, "}");
    }
    buffer_printf(&seed, "]}]}");
    struct cluster *c = cluster_of_text(buffer_text(&seed), NULL);
    for (const struct cluster_object *r = cluster_next(c, CLUSTER_RESOURCE, NULL); r != NULL;
         r = cluster_next(c, CLUSTER_RESOURCE, (struct cluster_object *)(uintptr_t)r)) {
        assert_int_equal(cluster_object_state(r), strstr(cluster_object_name(r), "no") != NULL
                                                      ? CLUSTER_RESOURCE_OFFLINE
                                                      : CLUSTER_RESOURCE_ONLINE);
    }
    cluster_destroy(c);
    buffer_free(&seed);
}

// What a resource is commanded to stays, also where it cannot come online now.
static void command_is_kept(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *other = find(c, CLUSTER_RESOURCE, "Other");
    assert_int_equal(cluster_node_pause(find(c, CLUSTER_NODE, "N2"), true), 0);
    assert_int_equal(cluster_online(other), CLUSTER_ERROR_SHARING_PAUSED);
    assert_int_equal(cluster_object_state(other), CLUSTER_RESOURCE_OFFLINE);
    assert_int_equal(cluster_group_move(find(c, CLUSTER_GROUP, "App"), find(c, CLUSTER_NODE, "N3")),
                     0);
    assert_int_equal(cluster_object_state(other), CLUSTER_RESOURCE_ONLINE);
    cluster_destroy(c);
}

static void quorum_resource_comes_online_on_a_paused_node(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *disk = find(c, CLUSTER_RESOURCE, "Disk"), *second;
    assert_int_equal(
        cluster_resource_create(find(c, CLUSTER_GROUP, "Core"), "Second", "Storage", 0, &second),
        0);
    assert_int_equal(cluster_node_pause(find(c, CLUSTER_NODE, "N1"), true), 0);
    assert_int_equal(cluster_offline(disk), 0);
    assert_int_equal(cluster_online(disk), 0);
    assert_int_equal(cluster_object_state(disk), CLUSTER_RESOURCE_ONLINE);
    assert_int_equal(cluster_online(second), CLUSTER_ERROR_SHARING_PAUSED);
    assert_int_equal(cluster_online(find(c, CLUSTER_GROUP, "Core")), CLUSTER_ERROR_SHARING_PAUSED);
    cluster_release(second);
    cluster_destroy(c);
}

static void possible_owners_are_kept_to(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name");
    struct cluster_object *n1 = find(c, CLUSTER_NODE, "N1"), *n2 = find(c, CLUSTER_NODE, "N2");
    struct cluster_object *n3 = find(c, CLUSTER_NODE, "N3");
    assert_int_equal(cluster_possible_owner(name, n1, true), CLUSTER_ERROR_OBJECT_ALREADY_EXISTS);
    assert_int_equal(cluster_possible_owner(name, n2, false), CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_possible_owner(name, n3, false), 0);
    assert_ptr_equal(cluster_related(name, CLUSTER_OWNERS, 1), n2);
    assert_null(cluster_related(name, CLUSTER_OWNERS, 2));
    assert_int_equal(cluster_possible_owner(name, n3, false), CLUSTER_ERROR_NODE_NOT_FOUND);
    assert_int_equal(cluster_group_move(app, n3), CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE);
    assert_int_equal(cluster_possible_owner(name, n1, false), 0);
    assert_int_equal(cluster_group_move(app, NULL), CLUSTER_ERROR_HOST_NODE_NOT_AVAILABLE);
    // Nobody else may host it: it goes along, and stays offline.
    assert_int_equal(cluster_set_state(n2, CLUSTER_NODE_DOWN), 0);
    assert_ptr_equal(cluster_object_parent(app), n3);
    assert_states(c, CLUSTER_RESOURCE,
                  "Disk=online Service=offline Name=offline Address=online Other=offline");
    assert_int_equal(cluster_online(name), CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE);
    assert_int_equal(cluster_online(find(c, CLUSTER_RESOURCE, "Service")),
                     CLUSTER_ERROR_NODE_CANT_HOST_RESOURCE);
    assert_int_equal(cluster_possible_owner(name, n3, true), 0);
    assert_int_equal(cluster_online(app), 0);
    assert_states(c, CLUSTER_GROUP, "Core=online App=online");
    cluster_destroy(c);
}

static void resources_move_with_what_they_depend_on(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App"),
                          *core = find(c, CLUSTER_GROUP, "Core");
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "Name"), *to;
    struct listener *l = listen_to(c, 2);
    const struct port_target all = {0};
    assert_int_equal(cluster_resource_move(name, app), CLUSTER_ERROR_ALREADY_EXISTS);
    assert_int_equal(cluster_resource_move(name, core), CLUSTER_ERROR_RESOURCE_ONLINE);
    assert_int_equal(cluster_offline(find(c, CLUSTER_RESOURCE, "Address")), 0);
    const uint32_t before = cluster_object_sequence(name);
    assert_int_equal(port_add_v2(l->port, 2, 0x180, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 3, 0x8, 2, &all), 0);
    assert_int_equal(cluster_resource_move(name, core), 0);
    assert_int_equal(cluster_object_sequence(name), before + 1);
    assert_told(l, "1 2 100 app|2|App| \"name\"\n1 2 80 core|1|Core| \"name\"\n"
                   "2 3 8 name|core|Name|Generic \"core\"\n"
                   "1 2 100 app|2|App| \"address\"\n1 2 80 core|1|Core| \"address\"\n"
                   "2 3 8 address|core|Address|Generic \"core\"\n"
                   "1 2 100 app|2|App| \"service\"\n1 2 80 core|1|Core| \"service\"\n"
                   "2 3 8 service|core|Service|Generic \"core\"\n");
    assert_null(cluster_related(app, CLUSTER_RESOURCES, 1));
    // On the same node they move while they are online.
    assert_int_equal(cluster_online(find(c, CLUSTER_RESOURCE, "Service")), 0);
    assert_int_equal(cluster_group_create(c, "Beside", &to), 0);
    assert_int_equal(cluster_resource_move(name, to), 0);
    assert_states(c, CLUSTER_GROUP, "Core=online App=offline Beside=online");
    cluster_release(to);
    listener_close(l);
    cluster_destroy(c);
}

// ---- nodes and networks -------------------------------------------------------------------------

static void node_down_means_fail_over(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *n2 = find(c, CLUSTER_NODE, "N2");
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct listener *l = listen_to(c, 2);
    const struct port_target all = {0};
    assert_int_equal(port_add_v2(l->port, 1, 0x800, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 5, 0x8, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 7, 0x70, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 2, 0x10, 1, &all), 0);
    assert_int_equal(port_add_v2(l->port, 3, 0x4, 1, &all), 0);
    assert_int_equal(cluster_set_state(n2, CLUSTER_NODE_DOWN), 0);
    assert_told(l, "1 7 10 2||N2| 1\n"
                   "1 1 800 ||| quorum=1,1,3\n"
                   "1 5 8 i2|2|I2| 2\n"
                   "1 3 4 service|app|Service|Generic 3\n"
                   "1 3 4 name|app|Name|Generic 3\n"
                   "1 3 4 address|app|Address|Generic 3\n"
                   "1 2 10 app|3|App| \"3\"\n"
                   "1 7 40 2||N2| \"app\"\n1 7 20 3||N3| \"app\"\n"
                   "1 3 4 address|app|Address|Generic 129\n1 3 4 name|app|Name|Generic 129\n"
                   "1 3 4 service|app|Service|Generic 129\n1 3 4 address|app|Address|Generic 2\n"
                   "1 3 4 name|app|Name|Generic 2\n1 3 4 service|app|Service|Generic 2\n");
    assert_states(c, CLUSTER_NETINTERFACE, "I1=up I2=unavailable I3=up");
    assert_states(c, CLUSTER_NETWORK, "Net=up");
    assert_states(c, CLUSTER_GROUP, "Core=online App=partial-online");
    assert_int_equal(cluster_node_pause(n2, true), CLUSTER_ERROR_NODE_DOWN);
    assert_int_equal(cluster_set_state(n2, CLUSTER_NODE_UP), 0);
    assert_told(l, "1 7 10 2||N2| 3\n1 7 10 2||N2| 0\n1 1 800 ||| quorum=1,1,2,3\n"
                   "1 5 8 i2|2|I2| 3\n");
    assert_string_equal(cluster_object_name(cluster_object_parent(app)), "N3");
    // The node that answers stays.
    assert_int_equal(cluster_set_state(cluster_own_node(c), CLUSTER_NODE_DOWN),
                     CLUSTER_ERROR_INVALID_REQUEST);
    assert_int_equal(cluster_delete(cluster_own_node(c), true), CLUSTER_ERROR_INVALID_REQUEST);
    assert_told(l, "");
    listener_close(l);
    cluster_destroy(c);
}

static void fail_over_prefers(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *n1 = find(c, CLUSTER_NODE, "N1"), *n2 = find(c, CLUSTER_NODE, "N2");
    struct cluster_object *n3 = find(c, CLUSTER_NODE, "N3");
    struct cluster_object *nodes[] = {n2, n1, n2};
    assert_int_equal(cluster_preferred_owners(app, nodes, 3), 0);
    assert_ptr_equal(cluster_related(app, CLUSTER_PREFERRED, 1), n1);
    assert_null(cluster_related(app, CLUSTER_PREFERRED, 2));
    assert_int_equal(cluster_set_state(n2, CLUSTER_NODE_DOWN), 0);
    assert_ptr_equal(cluster_object_parent(app), n1);
    // A node that is paused is the last resort, and nothing comes online there.
    assert_int_equal(cluster_group_move(app, n3), 0);
    assert_int_equal(cluster_node_pause(n1, true), 0);
    assert_int_equal(cluster_set_state(n3, CLUSTER_NODE_DOWN), 0);
    assert_ptr_equal(cluster_object_parent(app), n1);
    assert_states(c, CLUSTER_GROUP, "Core=online App=offline");
    assert_int_equal(cluster_online(app), CLUSTER_ERROR_SHARING_PAUSED);
    assert_int_equal(cluster_online(find(c, CLUSTER_RESOURCE, "Other")),
                     CLUSTER_ERROR_SHARING_PAUSED);
    assert_int_equal(cluster_node_pause(n1, false), 0);
    assert_int_equal(cluster_online(app), 0);
    cluster_destroy(c);
}

static void node_is_evicted(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *n2 = cluster_hold(find(c, CLUSTER_NODE, "N2"));
    struct cluster_object *app = find(c, CLUSTER_GROUP, "App");
    struct cluster_object *interface = cluster_hold(find(c, CLUSTER_NETINTERFACE, "I2"));
    struct cluster_object *nodes[] = {n2};
    assert_int_equal(cluster_preferred_owners(app, nodes, 1), 0);
    assert_int_equal(cluster_delete(n2, false), 0);
    assert_true(cluster_object_deleted(interface));
    assert_null(cluster_related(app, CLUSTER_PREFERRED, 0));
    assert_states(c, CLUSTER_NODE, "N1=up N3=up");
    assert_string_equal(cluster_object_name(cluster_object_parent(app)), "N3");
    assert_int_equal(cluster_group_move(app, n2), CLUSTER_ERROR_NODE_NOT_FOUND);
    assert_int_equal(cluster_node_pause(n2, true), CLUSTER_ERROR_NODE_NOT_FOUND);
    cluster_release(n2);
    cluster_release(interface);
    cluster_destroy(c);
}

static void networks_follow_interfaces(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *net = find(c, CLUSTER_NETWORK, "Net");
    struct cluster_object *i1 = find(c, CLUSTER_NETINTERFACE, "I1");
    assert_int_equal(cluster_set_state(net, CLUSTER_NETWORK_PARTITIONED), 0);
    assert_states(c, CLUSTER_NETINTERFACE, "I1=up I2=up I3=unreachable");
    assert_states(c, CLUSTER_NETWORK, "Net=partitioned");
    assert_int_equal(cluster_set_state(net, CLUSTER_NETWORK_DOWN), 0);
    assert_states(c, CLUSTER_NETINTERFACE, "I1=failed I2=failed I3=failed");
    assert_int_equal(cluster_set_state(i1, CLUSTER_NETINTERFACE_UP), 0);
    assert_states(c, CLUSTER_NETWORK, "Net=up");
    assert_int_equal(cluster_set_state(i1, CLUSTER_NETINTERFACE_UNAVAILABLE),
                     CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_set_state(net, CLUSTER_NETWORK_UNAVAILABLE),
                     CLUSTER_ERROR_INVALID_STATE);
    assert_int_equal(cluster_object_rename(net, "Net 2"), 0);
    assert_int_equal(cluster_delete(net, false), 0);
    assert_int_equal(cluster_count(c, CLUSTER_NETINTERFACE), 0);
    cluster_destroy(c);
}

static void objects_of_all_kinds_are_added(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct cluster_object *node, *network, *interface, *type, *resource;
    struct listener *l = listen_to(c, 1), *m = listen_to(c, 2);
    const struct port_target all = {0};
    assert_int_equal(port_add_cluster(l->port, 0x04424404, 1), 0); // all *_ADDED but of resources
    assert_int_equal(port_add_v2(m->port, 1, 0x74, 2, &all), 0);
    assert_int_equal(port_add_v2(m->port, 7, 0x1, 2, &all), 0);
    assert_int_equal(port_add_v2(m->port, 2, 0x40, 2, &all), 0);
    char longest[65] = {0};
    memset(longest, 'x', 64); // with its NUL 130 octets of UTF-16; a name has at most 128
    assert_int_equal(cluster_add(c, CLUSTER_NODE, longest, NULL, NULL, NULL),
                     CLUSTER_ERROR_INVALID_NAME);
    assert_int_equal(cluster_rename(c, longest), CLUSTER_ERROR_INVALID_NAME);
    longest[63] = '\0';
    assert_int_equal(cluster_rename(c, longest), 0);
    assert_int_equal(cluster_add(c, CLUSTER_NODE, "N4", NULL, NULL, &node), 0);
    assert_int_equal(cluster_add(c, CLUSTER_NETWORK, "Net 4", NULL, NULL, &network), 0);
    assert_int_equal(cluster_add(c, CLUSTER_NETINTERFACE, "I4", node, network, &interface), 0);
    assert_int_equal(cluster_add(c, CLUSTER_NETINTERFACE, "I5", node, network, NULL),
                     CLUSTER_ERROR_ALREADY_EXISTS);
    assert_int_equal(cluster_add(c, CLUSTER_NETINTERFACE, "I5", NULL, network, NULL),
                     CLUSTER_ERROR_NODE_NOT_FOUND);
    assert_int_equal(cluster_add(c, CLUSTER_RESOURCE_TYPE, "Type", NULL, NULL, &type), 0);
    assert_int_equal(cluster_add(c, CLUSTER_RESOURCE_TYPE, "\\Type", NULL, NULL, NULL),
                     CLUSTER_ERROR_INVALID_NAME);
    assert_int_equal(
        cluster_add(c, CLUSTER_RESOURCE, "R", find(c, CLUSTER_GROUP, "App"), type, &resource), 0);
    assert_int_equal(cluster_delete(type, false), CLUSTER_ERROR_DIR_NOT_EMPTY);
    assert_told(l, "1 4 0 N4\n1 400000 0 Net 4\n1 4000000 0 I4\n1 20000 0 Type\n1 400 0 R\n");
    char *expected = util_format("2 1 20 4||N4| 1\n2 1 10 %s||Net 4| -\n2 7 1 %s||I4| \"4\"\n"
                                 "2 1 40 ||Type| -\n2 2 40 %s|2|R| \"app\"\n",
                                 cluster_object_id(network), cluster_object_id(interface),
                                 cluster_object_id(resource));
    assert_told(m, expected);
    free(expected);
    assert_int_equal(cluster_object_state(interface), CLUSTER_NETINTERFACE_UNAVAILABLE);
    assert_int_equal(cluster_object_state(network), CLUSTER_NETWORK_UNAVAILABLE);
    assert_int_equal(cluster_set_state(node, CLUSTER_NODE_UP), 0);
    assert_int_equal(cluster_object_state(network), CLUSTER_NETWORK_UP);
    cluster_release(node);
    cluster_release(network);
    cluster_release(interface);
    cluster_release(type);
    cluster_release(resource);
    listener_close(l);
    listener_close(m);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_come_and_go),
        cmocka_unit_test(group_moves_with_what_it_holds),
        cmocka_unit_test(start_goes_each_way_once),
        cmocka_unit_test(command_is_kept),
        cmocka_unit_test(quorum_resource_comes_online_on_a_paused_node),
        cmocka_unit_test(possible_owners_are_kept_to),
        cmocka_unit_test(resources_move_with_what_they_depend_on),
        cmocka_unit_test(node_down_means_fail_over),
        cmocka_unit_test(fail_over_prefers),
        cmocka_unit_test(node_is_evicted),
        cmocka_unit_test(networks_follow_interfaces),
        cmocka_unit_test(objects_of_all_kinds_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
