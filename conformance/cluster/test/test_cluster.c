// SPDX-License-Identifier: Apache-2.0
#include "cluster_support.h"

static void builtin_seed_is_a_cluster(void **state) {
    (void)state;
    char *error = NULL;
    const struct cluster_options options = {0};
    struct cluster *c = cluster_create(&options, &error);
    if (c == NULL) {
        fail_msg("%s", error);
    }
    assert_states(c, CLUSTER_NODE, "NODE1=up NODE2=up NODE3=up");
    assert_states(c, CLUSTER_GROUP, "Cluster Group=online Available Storage=online Web=online");
    assert_states(c, CLUSTER_NETWORK, "Cluster Network 1=up Cluster Network 2=up");
    assert_states(c, CLUSTER_RESOURCE,
                  "Cluster IP Address=online Cluster Name=online Cluster Disk 1=online "
                  "Cluster Disk 2=online Web Address=online Web Name=online Web Service=online");
    cluster_destroy(c);
}

static void resource_goes_through_pending_states(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 1);
    struct cluster_object *name = find(c, CLUSTER_RESOURCE, "name");
    assert_int_equal(port_add_cluster(l->port, 0x1100, 7), 0);
    assert_int_equal(cluster_offline(name), 0);
    assert_told(l, "7 100 1 Service\n"
                   "7 1000 1 App\n"
                   "7 100 2 Service\n"
                   "7 1000 2 App\n"
                   "7 100 1 Name\n"
                   "7 1000 3 App\n"
                   "7 100 2 Name\n"
                   "7 1000 4 App\n");
    listener_close(l);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_seed_is_a_cluster),
        cmocka_unit_test(resource_goes_through_pending_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
