// SPDX-License-Identifier: Apache-2.0
// Queues that overflow, and those who wait.
#include "cluster_support.h"

#include <stdio.h>

static const struct port_target everything;

// ---- overflow -----------------------------------------------------------------------------------

struct reader {
    struct buffer text;
    unsigned count;
};

static void read_done(void *context, uint32_t status, const struct port_indication *indications,
                      size_t count) {
    struct reader *r = context;
    assert_int_equal(status, 0);
    for (size_t i = 0; i < count; i++, r->count++) {
        const struct port_event *e = indications[i].event;
        if (e->change != 0 && e->object_type == 0) {
            buffer_printf(&r->text, "%u:%x ", (unsigned)indications[i].key, (unsigned)e->change);
        } else if (e->object_type == 1) {
            buffer_printf(&r->text, "%u:lost ", (unsigned)indications[i].key);
        } else {
            buffer_printf(&r->text, "%u:%s ", (unsigned)indications[i].key,
                          e->payload.properties[0].text);
        }
    }
}

static void change_property(struct cluster *c, int from, int to) {
    for (int i = from; i <= to; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        const struct cluster_property p = {.name = "P", .text = text};
        assert_int_equal(cluster_set_property(c, cluster_find(c, CLUSTER_GROUP, "App"), false, &p),
                         0);
    }
}

static void expect_read(struct port *port, size_t most, const char *expected) {
    struct reader r = {0};
    struct port_waiter waiter = {.context = &r, .done = read_done, .most = most};
    port_get(port, &waiter);
    port_waiter_leave(&waiter);
    assert_string_equal(buffer_text(&r.text), expected);
    buffer_free(&r.text);
}

static void log_line(void *context, const char *text) {
    struct buffer *log = context;
    buffer_printf(log, "%s\n", text);
}

static void overflow_is_marked(void **state) {
    (void)state;
    struct buffer log = {0};
    const struct cluster_options options = {.queue = 3, .context = &log, .log = log_line};
    struct cluster *c = cluster_of_text(small_seed, &options);
    struct port *port, *silent, *first;
    assert_int_equal(port_create(c, 2, &port), 0);
    assert_int_equal(port_create(c, 2, &silent), 0);
    assert_int_equal(port_create(c, 1, &first), 0);
    assert_int_equal(port_add_v2(port, 2, 0x2, 1, &everything), 0);
    assert_int_equal(port_add_v2(port, 1, 0x200, 2, &everything), 0);
    assert_int_equal(port_add_v2(port, 1, 0x204, 3, &everything), 0);
    assert_int_equal(port_add_v2(silent, 2, 0x2, 1, &everything), 0);
    assert_int_equal(port_add_cluster(first, 0x8000, 9), 0);
    change_property(c, 1, 3);
    expect_read(port, 1, "1:1 ");
    change_property(c, 4, 4); // there is room again
    assert_null(log.data == NULL ? NULL : strstr(buffer_text(&log), "holds 4"));
    change_property(c, 5, 6);
    expect_read(port, 2, "1:2 1:3 ");
    change_property(c, 7, 7); // dropped, too: the mark stands for all that is missing
    expect_read(port, 2, "1:4 2:lost ");
    change_property(c, 8, 8);
    expect_read(port, 0, "3:lost ");
    change_property(c, 9, 10);
    expect_read(port, 0, "1:9 1:10 ");
    expect_read(silent, 0, "1:1 1:2 1:3 ");
    change_property(c, 11, 11);
    expect_read(silent, 0, "1:11 ");
    // Version 1: three, the mark with the key of the first filter and no name.
    struct listener *l = listen_to(c, 1);
    port_close(l->port);
    l->port = first;
    l->waiter.port = NULL;
    buffer_clear(&l->told);
    l->stopped = false;
    port_get(first, &l->waiter);
    assert_told(l, "9 8000 0 App\n9 8000 0 App\n9 8000 0 App\n9 80000 0 \n");
    change_property(c, 12, 12);
    assert_told(l, "9 8000 0 App\n");
    assert_non_null(strstr(buffer_text(&log), "drained: 4 indications were lost"));
    listener_close(l);
    port_close(port);
    port_close(silent);
    cluster_destroy(c);
    buffer_free(&log);
}

static void large_events_overflow_sooner(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    struct cluster *c = small_cluster();
    struct port *port;
    char *text = util_alloc(SIZE + 1);
    struct reader r = {0};
    struct port_waiter waiter = {.context = &r, .done = read_done};
    assert_int_equal(port_create(c, 1, &port), 0);
    assert_int_equal(port_add_cluster(port, 0x8000, 1), 0);
    memset(text, 'x', SIZE);
    for (int i = 0; i < 66; i++) {
        text[0] = (char)('0' + i);
        const struct cluster_property p = {.name = "P", .text = text};
        assert_int_equal(cluster_set_property(c, cluster_find(c, CLUSTER_GROUP, "App"), false, &p),
                         0);
    }
    port_get(port, &waiter);
    assert_int_equal(r.count, 64); // 63 and the mark
    buffer_free(&r.text);
    free(text);
    port_close(port);
    cluster_destroy(c);
}

// What all ports hold together is bounded, and a port that holds little has room nevertheless.
static void all_queues_are_bounded(void **state) {
    (void)state;
    enum { GREEDY = 50, EVENTS = 300, LIMIT = 100000 };
    const struct cluster_options options = {.all_queues = LIMIT};
    struct cluster *c = cluster_of_text(small_seed, &options);
    struct port *ports[GREEDY], *modest;
    for (int round = 0; round < 2; round++) { // in the second nothing of the first counts
        size_t all = 0;
        for (int i = 0; i < GREEDY; i++) {
            assert_int_equal(port_create(c, 1, &ports[i]), 0);
            assert_int_equal(port_add_cluster(ports[i], 0x8000, 1), 0);
        }
        change_property(c, 1, EVENTS);
        assert_int_equal(port_create(c, 2, &modest), 0);
        assert_int_equal(port_add_v2(modest, 2, 0x2, 7, &everything), 0);
        change_property(c, 1, 3);
        expect_read(modest, 0, "7:1 7:2 7:3 ");
        for (int i = 0; i < GREEDY; i++) {
            struct reader r = {0};
            struct port_waiter waiter = {.context = &r, .done = read_done};
            port_get(ports[i], &waiter);
            assert_in_range(r.count, 2, EVENTS - 1);
            assert_non_null(strstr(buffer_text(&r.text), "1:80000 "));
            all += r.count;
            buffer_free(&r.text);
            port_close(ports[i]);
        }
        port_close(modest);
        assert_in_range(all * 16, LIMIT / 10, LIMIT);
    }
    cluster_destroy(c);
}

static void all_filters_are_bounded(void **state) {
    (void)state;
    const struct cluster_options options = {.all_filters = 10};
    struct cluster *c = cluster_of_text(small_seed, &options);
    struct port *greedy, *modest;
    assert_int_equal(port_create(c, 1, &greedy), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(port_add_cluster(greedy, 1, 1), 0);
    }
    assert_int_equal(port_add_cluster(greedy, 1, 1), CLUSTER_ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(port_create(c, 1, &modest), 0);
    assert_int_equal(port_add_cluster(modest, 1, 1), 0);
    port_close(greedy);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(port_add_cluster(modest, 1, 1), 0);
    }
    port_close(modest);
    cluster_destroy(c);
}

static void limits_are_kept(void **state) {
    (void)state;
    const struct cluster_options options = {.ports = 2, .filters = 2};
    struct cluster *c = cluster_of_text(small_seed, &options);
    struct port *one, *two, *three;
    assert_int_equal(port_create(c, 1, &one), 0);
    assert_int_equal(port_create(c, 2, &two), 0);
    assert_int_equal(port_create(c, 2, &three), CLUSTER_ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(port_add_cluster(one, 1, 1), 0);
    assert_int_equal(port_add_cluster(one, 1, 1), 0);
    assert_int_equal(port_add_cluster(one, 1, 1), CLUSTER_ERROR_NOT_ENOUGH_MEMORY);
    port_close(one);
    assert_int_equal(port_create(c, 2, &three), 0);
    cluster_destroy(c); // with ports that are open
}

// ---- waiting ------------------------------------------------------------------------------------

// What a waiter does when it is its turn.
struct actor {
    struct port_waiter waiter;
    struct buffer *story;
    char name;
    struct port *close, *unblock, *get;
    struct actor *joins; // begins to wait
    struct actor *leaves;
    struct cluster *change;
};

static void act(void *context, uint32_t status, const struct port_indication *indications,
                size_t count) {
    struct actor *a = context;
    assert_null(a->waiter.port);
    buffer_printf(a->story, "%c%u", a->name, (unsigned)status);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(a->story, ".%s",
                      indications[i].event->payload.property_count > 0
                          ? indications[i].event->payload.properties[0].text
                          : indications[i].name);
    }
    buffer_printf(a->story, " ");
    if (a->leaves != NULL) {
        port_waiter_leave(&a->leaves->waiter);
    }
    if (a->change != NULL) {
        struct cluster *c = a->change;
        a->change = NULL;
        change_property(c, 100, 101);
    }
    if (a->joins != NULL) {
        port_get(a->get, &a->joins->waiter);
    }
    if (a->unblock != NULL) {
        port_unblock(a->unblock);
    }
    if (a->close != NULL) {
        port_close(a->close);
    }
    for (size_t i = 0; i < count; i++) { // still there, whatever has happened
        assert_non_null(indications[i].event->name);
    }
    if (a->joins == NULL) {
        buffer_printf(a->story, "%c] ", a->name);
    }
}

static struct actor actor(struct buffer *story, char name) {
    return (struct actor){.waiter = {.done = act, .most = 1}, .story = story, .name = name};
}

static void wait_as(struct port *port, struct actor *a) {
    a->waiter.context = a;
    port_get(port, &a->waiter);
}

static void expect_story(struct buffer *story, const char *expected) {
    assert_string_equal(buffer_text(story), expected);
    buffer_clear(story);
}

static struct port *property_port(struct cluster *c) {
    struct port *port;
    assert_int_equal(port_create(c, 2, &port), 0);
    assert_int_equal(port_add_v2(port, 2, 0x2, 1, &everything), 0);
    return port;
}

static void first_come_first_served(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c);
    struct buffer story = {0};
    struct actor a = actor(&story, 'a'), b = actor(&story, 'b'), d = actor(&story, 'd');
    wait_as(port, &a);
    wait_as(port, &b);
    wait_as(port, &d);
    port_waiter_leave(&b.waiter);
    port_waiter_leave(&b.waiter);
    change_property(c, 1, 3);
    expect_story(&story, "a0.1 a] d0.2 d] ");
    wait_as(port, &b);
    expect_story(&story, "b0.3 b] ");
    port_close(port);
    cluster_destroy(c);
    buffer_free(&story);
}

static void unblock_is_for_those_who_wait_now(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c);
    struct buffer story = {0};
    struct actor a = actor(&story, 'a'), b = actor(&story, 'b'), d = actor(&story, 'd');
    port_unblock(port); // nobody
    a.joins = &d;
    a.get = port;
    d.waiter.context = &d;
    wait_as(port, &a);
    wait_as(port, &b);
    port_unblock(port);
    expect_story(&story, "a1 b1 b] "); // d waits, since it has come later
    change_property(c, 1, 2);
    expect_story(&story, "d0.1 d] ");
    a.joins = NULL;
    wait_as(port, &a); // the queue was not touched
    expect_story(&story, "a0.2 a] ");
    a.leaves = &b;
    wait_as(port, &a);
    wait_as(port, &b);
    port_unblock(port);
    expect_story(&story, "a1 a] ");
    port_close(port);
    cluster_destroy(c);
    buffer_free(&story);
}

static void close_ends_all_waiting(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c);
    struct buffer story = {0};
    struct actor a = actor(&story, 'a'), b = actor(&story, 'b'), d = actor(&story, 'd');
    a.joins = &d; // on a port that is being closed
    a.get = port;
    a.unblock = port;
    b.close = port;
    d.waiter.context = &d;
    wait_as(port, &a);
    wait_as(port, &b);
    port_close(port);
    expect_story(&story, "a1 d259 d] b1 b] ");
    cluster_destroy(c);
    buffer_free(&story);
}

static void callbacks_may_close(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c), *other = property_port(c);
    struct buffer story = {0};
    struct actor a = actor(&story, 'a'), b = actor(&story, 'b'), d = actor(&story, 'd');
    a.close = port; // its own, with b waiting there
    wait_as(port, &a);
    wait_as(port, &b);
    wait_as(other, &d);
    change_property(c, 1, 1);
    expect_story(&story, "a0.1 b1 b] a] d0.1 d] ");
    // the other one, which has its turn next
    port = property_port(c);
    a.close = other;
    wait_as(port, &a);
    wait_as(other, &b);
    change_property(c, 2, 2);
    const char *told = buffer_text(&story);
    assert_true(strcmp(told, "a0.2 b1 b] a] ") == 0 || strcmp(told, "b0.2 b] a0.2 a] ") == 0);
    port_close(port);
    cluster_destroy(c);
    buffer_free(&story);
}

static void callbacks_may_change_the_cluster(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c);
    struct buffer story = {0};
    struct actor a = actor(&story, 'a'), b = actor(&story, 'b'), d = actor(&story, 'd');
    a.change = c;
    a.joins = &d;
    a.get = port;
    d.waiter.context = &d;
    wait_as(port, &a);
    wait_as(port, &b);
    change_property(c, 1, 1);
    expect_story(&story, "a0.1 b0.100 b] d0.101 d] "); // d after a has returned
    port_close(port);
    cluster_destroy(c);
    buffer_free(&story);
}

// A waiter that always comes back does not deepen the stack, and gets everything in order.
static void queue_is_read_in_order(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct listener *l = listen_to(c, 2);
    struct buffer expected = {0};
    l->stopped = true;
    assert_int_equal(port_add_v2(l->port, 2, 0x2, 1, &everything), 0);
    for (int i = 1; i <= 5000; i++) {
        buffer_printf(&expected, "1 2 2 app|2|App| P=%d\n", i);
    }
    change_property(c, 1, 5000);
    l->stopped = false;
    port_get(l->port, &l->waiter);
    assert_told(l, buffer_text(&expected));
    assert_int_equal(l->calls, 1 + 5); // 1,024 at once
    buffer_free(&expected);
    listener_close(l);
    cluster_destroy(c);
}

struct putter {
    struct port_waiter waiter;
    struct port *port;
    struct buffer text;
    size_t keep;
};

static void put_some_back(void *context, uint32_t status, const struct port_indication *indications,
                          size_t count) {
    struct putter *p = context;
    assert_int_equal(status, 0);
    const size_t keep = p->keep < count ? p->keep : count;
    port_put_back(p->port, indications, keep, count);
    for (size_t i = 0; i < keep; i++) {
        buffer_printf(&p->text, "%s ", indications[i].event->payload.properties[0].text);
    }
}

static void what_does_not_fit_goes_back(void **state) {
    (void)state;
    struct cluster *c = small_cluster();
    struct port *port = property_port(c);
    struct putter p = {.waiter = {.done = put_some_back}, .port = port, .keep = 2};
    p.waiter.context = &p;
    change_property(c, 1, 7);
    for (int i = 0; i < 4; i++) {
        port_get(port, &p.waiter);
        buffer_printf(&p.text, "| ");
        if (i == 1) {
            change_property(c, 8, 8);
        }
    }
    assert_string_equal(buffer_text(&p.text), "1 2 | 3 4 | 5 6 | 7 8 | ");
    buffer_free(&p.text);
    port_close(port);
    cluster_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflow_is_marked),
        cmocka_unit_test(large_events_overflow_sooner),
        cmocka_unit_test(all_queues_are_bounded),
        cmocka_unit_test(all_filters_are_bounded),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(first_come_first_served),
        cmocka_unit_test(unblock_is_for_those_who_wait_now),
        cmocka_unit_test(close_ends_all_waiting),
        cmocka_unit_test(callbacks_may_close),
        cmocka_unit_test(callbacks_may_change_the_cluster),
        cmocka_unit_test(queue_is_read_in_order),
        cmocka_unit_test(what_does_not_fit_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
