// SPDX-License-Identifier: Apache-2.0
// Batch ports: what is mirrored, for whom, in which order, and when a queue is full.
#include "registry_support.h"

#include <stdio.h>

enum {
    SET = CMRP_CLUSREG_SET_VALUE,
    CREATE = CMRP_CLUSREG_CREATE_KEY,
    DELETE = CMRP_CLUSREG_DELETE_KEY,
    UNSET = CMRP_CLUSREG_DELETE_VALUE,
};

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

// Somebody who waits, once or again and again.
struct waiting {
    struct batch_waiter waiter;
    struct buffer seen;   // lists of the indications, or "closed"
    struct buffer octets; // of the last one
    unsigned count;
    bool again;
    struct batch_port *port;       // to come back to
    struct waiting *leaves;        // who leaves when this one is served
    struct batch_port *closes;     // what is closed then
    struct registry_key *executes; // where the next batch is executed then, once
};

static void done(void *context, uint32_t status, cmrp_view batch) {
    struct waiting *w = context;
    assert_null(w->waiter.port);
    w->count++;
    if (status != 0) {
        assert_int_equal(status, BATCH_PORT_CLOSED);
        assert_int_equal(batch.size, 0);
        buffer_printf(&w->seen, "closed\n");
        return;
    }
    buffer_clear(&w->octets);
    buffer_append(&w->octets, batch.data, batch.size);
    char *list = batch_list(batch);
    buffer_printf(&w->seen, "%s", list);
    free(list);
    if (w->executes != NULL) {
        struct batch b = {0};
        struct registry_key *key = w->executes;
        w->executes = NULL;
        batch_text(&b, SET, "nested", "x");
        assert_batch(key, &b, 0, 0);
    }
    if (w->leaves != NULL) {
        batch_waiter_leave(&w->leaves->waiter);
    }
    if (w->closes != NULL) {
        batch_port_close(w->closes);
    } else if (w->again) {
        batch_port_get(w->port, &w->waiter);
    }
}

static void wait_at(struct batch_port *port, struct waiting *w) {
    w->waiter.context = w;
    w->waiter.done = done;
    w->port = port;
    batch_port_get(port, &w->waiter);
}

static void assert_seen(struct waiting *w, const char *expected) {
    assert_string_equal(buffer_text(&w->seen), expected);
    buffer_clear(&w->seen);
}

static void forget(struct waiting *w) {
    batch_waiter_leave(&w->waiter);
    buffer_free(&w->seen);
    buffer_free(&w->octets);
}

static struct batch_port *make_port(struct registry_key *key) {
    struct batch_port *port;
    assert_int_equal(batch_port_create(key, &port), 0);
    return port;
}

static void execute_set(struct registry_key *key, const char *name, const char *data) {
    struct batch b = {0};
    batch_text(&b, SET, name, data);
    assert_batch(key, &b, 0, 0);
}

// The example of the specification, octet by octet [MS-CMRP 3.1.4.2.114, figures 3 and 4].
static void the_example_of_the_specification(void **state) {
    (void)state;
    static const char hello[] = "h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0\0"; // and a NUL
    static const char universe[] = "h\0e\0l\0l\0o\0 \0u\0n\0i\0v\0e\0r\0s\0e\0\0";
    struct batch b = {0}, expected = {0};
    struct waiting w = {0};
    struct batch_port *port = make_port(f.root);
    batch_put(&b, UNSET, 0, "NotifyTest", NULL, 0);
    batch_put(&b, SET, 1, "NotifyTest", hello, 24);
    batch_put(&b, SET, 1, "NotifyTest", universe, 30);
    batch_put(&b, UNSET, 0, "NotifyTest", NULL, 0);
    assert_int_equal(b.octets.size, 210);
    assert_batch(f.root, &b, 0, 0);
    batch_put(&expected, UNSET, 0, "NotifyTest", NULL, 0);
    batch_put(&expected, SET, 1, "NotifyTest", hello, 24);
    batch_put(&expected, CMRP_CLUSREG_VALUE_DELETED, 1, "NotifyTest", hello, 24);
    batch_put(&expected, SET, 1, "NotifyTest", universe, 30);
    batch_put(&expected, CMRP_CLUSREG_VALUE_DELETED, 1, "NotifyTest", universe, 30);
    batch_put(&expected, UNSET, 0, "NotifyTest", NULL, 0);
    assert_int_equal(expected.octets.size, 340);
    wait_at(port, &w);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.octets.size, expected.octets.size);
    assert_memory_equal(w.octets.data, expected.octets.data, expected.octets.size);
    buffer_free(&expected.octets);
    forget(&w);
    batch_port_close(port);
}

static void what_is_mirrored(void **state) {
    (void)state;
    struct waiting w = {0};
    struct registry_key *key = make_key(f.root, "Key");
    struct batch_port *port = make_port(key);
    assert_int_equal(registry_value_set(key, "v", CMRP_REG_BINARY, view_of("old")), 0);
    assert_int_equal(registry_value_set(key, "empty", CMRP_REG_SZ, view_of("")), 0);
    struct batch b = {0};
    batch_put(&b, SET, CMRP_REG_SZ, "V", "new", 3);                // the name as it is sent
    batch_put(&b, CMRP_CLUSREG_CONTROL_COMMAND, 1, "", NULL, 0);   // not mirrored
    batch_put(&b, CMRP_CLUSREG_CONDITION_EXISTS, 0, "v", NULL, 0); // nor this
    batch_put(&b, CREATE, 55, "Sub", "junk", 3);                   // without what is ignored
    batch_put(&b, UNSET, 55, "v", "junk", 3);                      // of Sub: not there
    batch_put(&b, CREATE, 0, "", NULL, 0);
    batch_put(&b, UNSET, 0, "empty", NULL, 0); // had no data
    batch_put(&b, DELETE, 0, "Sub", NULL, 0);
    batch_put(&b, DELETE, 0, "none", NULL, 0); // nothing, and yet
    assert_batch(key, &b, 0, 0);
    wait_at(port, &w);
    assert_seen(&w, "6 3 V=old\n1 1 V=new\n2 0 Sub=\n4 0 v=\n2 0 =\n4 0 empty=\n3 0 Sub=\n"
                    "3 0 none=\n");
    forget(&w);
    batch_port_close(port);
    registry_key_release(key);
}

static void what_is_no_indication(void **state) {
    (void)state;
    struct waiting w = {0};
    struct batch_port *port = make_port(f.root);
    wait_at(port, &w);
    struct batch b = {0};
    batch_text(&b, SET, "v", "x");
    batch_put(&b, 0, 0, "", NULL, 0);
    assert_batch(f.root, &b, REGISTRY_ERROR_INVALID_DATA, 2); // failed
    batch_put(&b, CMRP_CLUSREG_CONTROL_COMMAND, 2, "", NULL, 0);
    assert_batch(f.root, &b, 0, 0); // no command that could be mirrored
    set_text(f.root, "v", "x");     // no batch
    registry_key_release(make_key(f.root, "a"));
    assert_int_equal(registry_key_delete(f.root, "a"), 0);
    assert_int_equal(w.count, 0);
    execute_set(f.root, "v", "y");
    assert_seen(&w, "6 1 v=x\n1 1 v=y\n");
    forget(&w);
    batch_port_close(port);
}

static void whom_a_batch_concerns(void **state) {
    (void)state;
    enum { PORTS = 6 };
    static const char *const paths[PORTS] = {"", "a", "a\\b", "a\\b\\c", "a\\d", "e"};
    static const struct {
        const char *at;
        uint32_t type;
        const char *name;
        const char *hit; // which ports
    } cases[] = {
        {"a", SET, "v", "110000"},
        {"a\\b", SET, "v", "111000"},
        {"", SET, "v", "100000"},
        {"", CREATE, "a\\b", "111000"},
        {"", CREATE, "a\\d\\new", "110010"},
        {"a", CREATE, "b\\new", "111000"},
        {"a\\d", UNSET, "none", "110010"},
        {"e", SET, "v", "100001"},
        {"", DELETE, "a\\b\\new", "111000"},
        {"", DELETE, "none", "100000"},
    };
    struct batch_port *ports[PORTS];
    struct waiting w[PORTS] = {0};
    for (int i = 0; i < PORTS; i++) {
        struct registry_key *key = make_key(f.root, paths[i]);
        ports[i] = make_port(key);
        w[i].again = true;
        wait_at(ports[i], &w[i]);
        registry_key_release(key);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch b = {0};
        struct registry_key *at;
        assert_int_equal(registry_key_open(f.root, cases[i].at, &at), 0);
        batch_text(&b, cases[i].type, cases[i].name, cases[i].type == SET ? "x" : NULL);
        assert_batch(at, &b, 0, 0);
        registry_key_release(at);
        for (int k = 0; k < PORTS; k++) {
            assert_int_equal(w[k].count, cases[i].hit[k] - '0');
            w[k].count = 0;
        }
    }
    for (int i = 0; i < PORTS; i++) {
        forget(&w[i]);
        batch_port_close(ports[i]);
    }
}

static void looking_is_not_touching(void **state) {
    (void)state;
    struct waiting w = {0};
    struct registry_key *key = make_key(f.root, "a");
    struct batch_port *port = make_port(key);
    struct batch b = {0};
    batch_text(&b, CMRP_CLUSREG_CONDITION_KEY_EXISTS, "a", NULL);
    batch_text(&b, SET, "v", "x");
    assert_batch(f.root, &b, 0, 0);
    wait_at(port, &w);
    assert_int_equal(w.count, 0);
    forget(&w);
    batch_port_close(port);
    registry_key_release(key);
}

static void the_port_of_a_deleted_key(void **state) {
    (void)state;
    struct waiting w = {0};
    struct registry_key *key = make_key(f.root, "a\\b");
    struct batch_port *port = make_port(key);
    w.again = true;
    wait_at(port, &w);
    struct batch b = {0};
    batch_text(&b, DELETE, "a", NULL);
    batch_text(&b, CREATE, "a\\b", NULL);
    batch_text(&b, SET, "v", "x");
    assert_batch(f.root, &b, 0, 0);
    assert_seen(&w, "3 0 a=\n2 0 a\\b=\n1 1 v=x\n"); // its key was touched
    batch_text(&b, CREATE, "a\\b", NULL);
    batch_text(&b, SET, "v", "y");
    assert_batch(f.root, &b, 0, 0);
    assert_seen(&w, "");       // that is another key
    registry_key_release(key); // the port holds it
    batch_port_close(port);
    assert_seen(&w, "closed\n");
    forget(&w);
}

static void first_come_first_served(void **state) {
    (void)state;
    enum { WAITERS = 5 };
    struct waiting w[WAITERS] = {0};
    struct batch_port *port = make_port(f.root);
    execute_set(f.root, "a", "0"); // queued
    for (int i = 0; i < WAITERS; i++) {
        wait_at(port, &w[i]);
    }
    assert_seen(&w[0], "1 1 a=0\n");
    batch_waiter_leave(&w[2].waiter);
    batch_waiter_leave(&w[2].waiter); // harmless
    execute_set(f.root, "a", "");
    execute_set(f.root, "b", "");
    assert_seen(&w[1], "6 1 a=0\n1 1 a=\n");
    assert_seen(&w[2], "");
    assert_seen(&w[3], "1 1 b=\n");
    batch_waiter_leave(&w[4].waiter); // the last
    execute_set(f.root, "c", "");
    execute_set(f.root, "d", "");
    assert_seen(&w[4], "");
    w[4].again = true;
    wait_at(port, &w[4]);
    assert_seen(&w[4], "1 1 c=\n1 1 d=\n");
    batch_port_close(port);
    assert_seen(&w[4], "closed\n");
    for (int i = 0; i < WAITERS; i++) {
        forget(&w[i]);
    }
}

static void waiters_do_as_they_like(void **state) {
    (void)state;
    struct batch_port *port = make_port(f.root);
    struct batch_port *other = make_port(f.root);
    struct waiting first = {0}, second = {0}, third = {0}, elsewhere = {0};
    // The first lets the second leave, executes a batch, and closes the port.
    first.leaves = &second;
    first.executes = f.root;
    first.closes = port;
    elsewhere.again = true;
    wait_at(port, &first);
    wait_at(port, &second);
    wait_at(port, &third);
    wait_at(other, &elsewhere);
    execute_set(f.root, "v", "x");
    assert_seen(&first, "1 1 v=x\n");
    // The nested batch was served before the second had left.
    assert_seen(&second, "1 1 nested=x\n");
    assert_seen(&third, "closed\n");
    forget(&first);
    forget(&second);
    forget(&third);
    assert_int_equal(elsewhere.count, 2);
    forget(&elsewhere);
    batch_port_close(other);
}

static void a_full_queue(void **state) {
    (void)state;
    const struct registry_limits limits = {.port_count = 3, .port_octets = 1000};
    struct fixture small;
    struct waiting w = {0};
    fixture_open(&small, NULL, &limits);
    struct registry_key *key = make_key(small.root, "k");
    struct batch_port *port = make_port(key);
    buffer_clear(&small.news);
    for (int i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        execute_set(key, name, "");
    }
    assert_news(&small, "set [k] a\nset [k] b\nset [k] c\nset [k] d\noverflow [k]\nset [k] e\n"
                        "set [k] f\n"); // said once
    wait_at(port, &w);
    assert_seen(&w, "1 1 a=\n");
    execute_set(key, "g", "");
    wait_at(port, &w);
    wait_at(port, &w);
    wait_at(port, &w);
    assert_seen(&w, "1 1 b=\n1 1 c=\n1 1 g=\n");

    // The octets count as well.
    char text[701];
    memset(text, 'x', 700);
    text[700] = '\0';
    buffer_clear(&small.news);
    execute_set(key, "h", text);
    execute_set(key, "i", text);
    execute_set(key, "j", "");
    assert_news(&small, "set [k] h\nset [k] i\noverflow [k]\nset [k] j\n");
    // One batch that is more than all that a queue may hold.
    batch_port_close(port);
    port = make_port(key);
    struct batch b = {0};
    batch_text(&b, UNSET, "h", NULL);
    batch_text(&b, UNSET, "i", NULL);
    assert_batch(key, &b, 0, 0);
    assert_news(&small, "value deleted [k] h\nvalue deleted [k] i\noverflow [k]\n");
    w.again = true;
    wait_at(port, &w);
    assert_seen(&w, "");
    execute_set(key, "z", "");
    assert_seen(&w, "1 1 z=\n");
    forget(&w);
    batch_port_close(port);
    registry_key_release(key);
    fixture_close(&small);
}

// What all ports hold together is bounded, and one that holds little has room nevertheless.
static void all_queues_are_bounded(void **state) {
    (void)state;
    enum { GREEDY = 10, BATCHES = 30, LIMIT = 50000 };
    const struct registry_limits limits = {.all_port_octets = LIMIT};
    struct fixture small;
    struct registry_key *keys[GREEDY];
    struct batch_port *ports[GREEDY];
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    fixture_open(&small, NULL, &limits);
    for (int round = 0; round < 2; round++) { // in the second nothing of the first counts
        unsigned all = 0;
        for (int i = 0; i < GREEDY; i++) {
            char name[2] = {(char)('a' + i), '\0'};
            keys[i] = make_key(small.root, name);
            ports[i] = make_port(keys[i]);
            for (int n = 0; n < BATCHES; n++) {
                execute_set(keys[i], "v", text);
            }
        }
        struct registry_key *key = make_key(small.root, "modest");
        struct batch_port *modest = make_port(key);
        struct waiting w = {0};
        execute_set(key, "a", "");
        execute_set(key, "b", "");
        wait_at(modest, &w);
        wait_at(modest, &w);
        assert_seen(&w, "1 1 a=\n1 1 b=\n");
        forget(&w);
        for (int i = 0; i < GREEDY; i++) {
            struct waiting greedy = {.again = true, .port = ports[i]};
            wait_at(ports[i], &greedy);
            all += greedy.count;
            forget(&greedy);
            batch_port_close(ports[i]);
            registry_key_release(keys[i]);
        }
        assert_in_range(all * 1000, LIMIT / 4, LIMIT);
        batch_port_close(modest);
        registry_key_release(key);
    }
    fixture_close(&small);
}

static void many_ports(void **state) {
    (void)state;
    enum { PORTS = 5000 };
    struct batch_port **ports = util_alloc(PORTS * sizeof *ports);
    struct registry_key **keys = util_alloc(PORTS * sizeof *keys);
    for (int i = 0; i < PORTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%d", i / 2); // two for each key
        keys[i] = make_key(f.root, name);
        ports[i] = make_port(keys[i]);
    }
    struct waiting first = {0}, second = {0}, other = {0};
    wait_at(ports[2468], &first);
    wait_at(ports[2469], &second);
    wait_at(ports[2470], &other);
    execute_set(keys[2468], "v", "x");
    assert_seen(&first, "1 1 v=x\n");
    assert_seen(&second, "1 1 v=x\n");
    assert_int_equal(other.count, 0);
    for (int i = 0; i < PORTS; i++) {
        const int k = (i * 7) % PORTS;
        batch_port_close(ports[k]);
        registry_key_release(keys[k]);
    }
    assert_seen(&other, "closed\n");
    forget(&first);
    forget(&second);
    forget(&other);
    free(ports);
    free(keys);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_example_of_the_specification),
        TEST(what_is_mirrored),
        TEST(what_is_no_indication),
        TEST(whom_a_batch_concerns),
        TEST(looking_is_not_touching),
        TEST(the_port_of_a_deleted_key),
        TEST(first_come_first_served),
        TEST(waiters_do_as_they_like),
        TEST(a_full_queue),
        TEST(all_queues_are_bounded),
        TEST(many_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
