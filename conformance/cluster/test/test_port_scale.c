// SPDX-License-Identifier: Apache-2.0
// Ten thousand ports: each is told what it asked for, in order, and the others cost nothing.
#include "cluster_support.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

enum { RESOURCES = 1000, EACH = 10, PORTS = RESOURCES * EACH, ROUNDS = 20 };

// A port that checks what it is told.
struct watcher {
    struct port_waiter waiter;
    struct port *port;
    const char *name;
    uint32_t sequence, told;
};

static void told(void *context, uint32_t status, const struct port_indication *indications,
                 size_t count) {
    struct watcher *w = context;
    if (status != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(indications[i].name, w->name);
        assert_int_equal(indications[i].event->sequence, ++w->sequence);
        w->told++;
    }
    port_get(w->port, &w->waiter);
}

static void watch(struct cluster *c, struct watcher *w, struct cluster_object *resource) {
    assert_int_equal(port_create(c, 1, &w->port), 0);
    w->name = cluster_object_name(resource);
    w->waiter = (struct port_waiter){.context = w, .done = told, .single = true};
    assert_int_equal(port_add_object(w->port, resource, 0x100, 1, &w->sequence), 0);
    port_get(w->port, &w->waiter);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// One group for each resource: a group's state is found by looking at what it holds.
static struct cluster *many(struct cluster_object **resources) {
    struct cluster *c = small_cluster();
    for (int i = 0; i < RESOURCES; i++) {
        struct cluster_object *group;
        char name[16];
        snprintf(name, sizeof name, "G%d", i);
        assert_int_equal(cluster_group_create(c, name, &group), 0);
        name[0] = 'R';
        assert_int_equal(cluster_resource_create(group, name, "Generic", 0, &resources[i]), 0);
        cluster_release(group);
        cluster_release(resources[i]);
    }
    return c;
}

// Seconds for one change of state of each resource.
static double round_of(struct cluster_object **resources, int round) {
    static const uint32_t states[] = {CLUSTER_RESOURCE_ONLINE_PENDING,
                                      CLUSTER_RESOURCE_INITIALIZING};
    const double start = now();
    for (int i = 0; i < RESOURCES; i++) {
        assert_int_equal(cluster_set_state(resources[i], states[round % 2]), 0);
    }
    return now() - start;
}

static void ten_thousand_ports(void **state) {
    (void)state;
    static struct cluster_object *resources[RESOURCES];
    static struct watcher watchers[PORTS];
    struct cluster *c = many(resources);
    double alone = 1e9, among = 1e9;
    for (int i = 0; i < EACH; i++) { // of the first resource alone
        watch(c, &watchers[i], resources[0]);
    }
    for (int round = 0; round < ROUNDS; round++) {
        const double seconds = round_of(resources, round);
        alone = seconds < alone ? seconds : alone;
    }
    for (int i = 0; i < EACH; i++) {
        assert_int_equal(watchers[i].told, ROUNDS);
        port_close(watchers[i].port);
        watchers[i] = (struct watcher){0};
    }
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < PORTS; i++) {
        watch(c, &watchers[i], resources[i / EACH]);
    }
    const size_t memory = (mallinfo2().uordblks - before) / PORTS;
    for (int round = 0; round < ROUNDS; round++) {
        const double seconds = round_of(resources, round);
        among = seconds < among ? seconds : among;
    }
    for (int i = 0; i < PORTS; i++) {
        assert_int_equal(watchers[i].told, ROUNDS);
    }
    print_message("a port with a filter: %zu octets; an event without listeners: %.2f us, one that "
                  "goes to %d of %d ports: %.2f us\n",
                  memory, alone / RESOURCES * 1e6, EACH, PORTS, among / RESOURCES * 1e6);
    assert_true(memory < 1024);
    for (int i = 0; i < PORTS; i++) {
        port_close(watchers[i].port);
    }
    cluster_destroy(c);
}

static void not_wanted(void *context, uint32_t status, const struct port_indication *indications,
                       size_t count) {
    struct watcher *w = context;
    (void)status;
    (void)indications;
    (void)count;
    w->told++;
}

// Filters that do not match are not told, whatever they ask for. (What they cost is printed, and
// measured by the target `bench`.)
static void filters_that_do_not_match(void **state) {
    (void)state;
    static struct cluster_object *resources[RESOURCES];
    static struct port *ports[PORTS];
    struct cluster *c = many(resources);
    double without = 1e9, with = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        const double seconds = round_of(resources, round);
        without = seconds < without ? seconds : without;
    }
    for (int i = 0; i < PORTS; i++) {
        assert_int_equal(port_create(c, i % 2 == 0 ? 1 : 2, &ports[i]), 0);
        if (i % 2 == 0) { // everything but the states of resources, groups and their like
            assert_int_equal(port_add_cluster(ports[i], 0x5ff7ffff & ~UINT32_C(0x1101101), 1), 0);
        } else {
            const struct port_target everything = {0};
            assert_int_equal(port_add_v2(ports[i], 3, 0x1fb, 1, &everything), 0);
            assert_int_equal(port_add_v2(ports[i], 2, 0x1f7, 1, &everything), 0);
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        const double seconds = round_of(resources, round);
        with = seconds < with ? seconds : with;
    }
    print_message("an event that nobody wants: %.2f us, with %d filters %.2f us\n",
                  without / RESOURCES * 1e6, PORTS, with / RESOURCES * 1e6);
    for (int i = 0; i < PORTS; i++) {
        static struct watcher nobody;
        nobody.waiter = (struct port_waiter){.context = &nobody, .done = not_wanted};
        port_get(ports[i], &nobody.waiter);
        assert_int_equal(nobody.told, 0);
        port_waiter_leave(&nobody.waiter);
        port_close(ports[i]);
    }
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_ports),
        cmocka_unit_test(filters_that_do_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
