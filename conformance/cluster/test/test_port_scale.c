// SPDX-License-Identifier: Apache-2.0
#include "cluster_support.h"

static void version_2_tells_more(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 2);
    const struct port_target all = {0};
    struct cluster_object *group;
    assert_int_equal(port_add_v2(l->port, 1, 0x1ff4, 9, &all), 0);
    assert_int_equal(cluster_group_create(c, "New", &group), 0);
    char *expected = util_format("9 1 4 %s|1|New| 9999\n", cluster_object_id(group));
    assert_told(l, expected);
    free(expected);
    cluster_release(group);
    listener_close(l);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_tells_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
