// SPDX-License-Identifier: Apache-2.0
// What is remembered is bounded, and what is forgotten makes rules silent.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/state.h"

struct seen {
    unsigned findings;
    unsigned notes;
    char last[64]; // name of the rule
};

static void on_finding(void *context, const struct rules_finding *f) {
    struct seen *seen = context;
    seen->findings++;
    snprintf(seen->last, sizeof seen->last, "%s", rules_at(f->rule)->name);
}

static void on_note(void *context, const char *code, const char *text,
                    const struct assoc_stamp *stamp) {
    struct seen *seen = context;
    (void)stamp;
    assert_string_equal(code, "rules-limit");
    assert_true(strlen(text) > 0);
    seen->notes++;
}

static struct rules *create(const struct rules_limits *limits, struct seen *seen) {
    const struct rules_events events = {.context = seen, .finding = on_finding, .note = on_note};
    memset(seen, 0, sizeof *seen);
    return rules_create(limits, &events);
}

// ---- calls --------------------------------------------------------------------------------------

struct line { // a connection
    struct rules *rules;
    struct rules_peers peers;
    uint32_t group;
    uint64_t frame;
};

static struct line dial(struct rules *rules, uint64_t connection, uint32_t group) {
    struct line line = {.rules = rules, .group = group, .frame = 10};
    line.peers = (struct rules_peers){.connection = connection,
                                      .client = {.address = {192, 0, 2, 1}, .port = 1, .family = 4},
                                      .server = {.address = {192, 0, 2, 2}, .port = 2, .family = 4},
                                      .whole = true};
    const cmrp_pdu offer = {.header = {.ptype = CMRP_PTYPE_BIND}};
    const cmrp_pdu answer = {.header = {.ptype = CMRP_PTYPE_BIND_ACK}, .assoc_group_id = group};
    const struct assoc_bind bind = {.offer = &offer, .answer = &answer};
    rules_bind(rules, &line.peers, &bind);
    return line;
}

// A call without arrays: every octet of its slots is set by hand.
struct made {
    cmrp_slot in[CMRP_MAX_PARAMS], out[CMRP_MAX_PARAMS];
    struct assoc_call call;
    struct rules_call given;
};

static struct made make(struct line *line, const char *name) {
    struct made made = {.call = {.interface = {.version = 3}, .group = line->group}};
    const cmrp_method *method = cmrp_method_named(3, name);
    assert_non_null(method);
    made.call.opnum = (uint16_t)method->opnum;
    made.call.request = (struct assoc_part){
        .state = ASSOC_WHOLE, .auth_type = 9, .auth_level = 6, .stamp = {.frame = ++line->frame}};
    made.call.response = (struct assoc_part){
        .state = ASSOC_WHOLE, .auth_type = 9, .auth_level = 6, .stamp = {.frame = ++line->frame}};
    made.given.method = method;
    made.given.request = (struct rules_side){
        .decoded = true, .format = {.method = method, .interface = 3, .response = false}};
    made.given.response = (struct rules_side){
        .decoded = true, .format = {.method = method, .interface = 3, .response = true}};
    for (uint32_t i = 0; i < method->count; i++) {
        made.in[i].present = cmrp_param_travels(&method->params[i], &made.given.request.format);
        made.out[i].present = cmrp_param_travels(&method->params[i], &made.given.response.format);
    }
    return made;
}

static void tell(struct line *line, struct made *made) {
    made->given.call = &made->call;
    made->given.request.slots = made->in;
    made->given.response.slots = made->out;
    rules_call(line->rules, &line->peers, &made->given);
}

static void set_handle(cmrp_slot *slot, uint32_t number) {
    memset(slot->handle, 0xee, sizeof slot->handle);
    cmrp_store_u32(slot->handle + 4, number, CMRP_LITTLE_ENDIAN);
}

static void open_key(struct line *line, uint32_t number) {
    struct made made = make(line, "ApiGetRootKey");
    set_handle(&made.out[3], number);
    tell(line, &made);
}

static void close_key(struct line *line, uint32_t number) {
    struct made made = make(line, "ApiCloseKey");
    set_handle(&made.in[0], number);
    tell(line, &made);
}

// ---- tests --------------------------------------------------------------------------------------

static void test_a_million_handles(void **state) {
    enum { MANY = 1000000, KEPT = 1000 };
    const struct rules_limits limits = {.handles = KEPT};
    struct seen seen;
    struct rules *rules = create(&limits, &seen);
    struct line line = dial(rules, 1, 1);
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        open_key(&line, i);
        assert_true(rules->handle_count <= KEPT);
    }
    assert_int_equal(rules->handle_count, KEPT);
    assert_int_equal(HASH_COUNT(rules->handles), KEPT);
    assert_int_equal(seen.notes, 1);
    close_key(&line, 1);        // forgotten
    close_key(&line, MANY - 1); // known
    close_key(&line, MANY + 1); // never given, but who knows that now
    assert_int_equal(seen.findings, 0);
    rules_close(rules, &line.peers);
    assert_int_equal(rules->handle_count, 0);
    rules_destroy(rules);
}

static void test_closed_handles_make_room_first(void **state) {
    const struct rules_limits limits = {.handles = 3};
    struct seen seen;
    struct rules *rules = create(&limits, &seen);
    struct line line = dial(rules, 1, 1);
    (void)state;
    open_key(&line, 1);
    open_key(&line, 2);
    open_key(&line, 3);
    close_key(&line, 2);
    open_key(&line, 4); // in the place of 2
    assert_int_equal(seen.notes, 1);
    close_key(&line, 2); // its close is forgotten
    assert_int_equal(seen.findings, 0);
    close_key(&line, 1);
    close_key(&line, 1);
    assert_int_equal(seen.findings, 1);
    assert_string_equal(seen.last, "key-handle-after-close");
    rules_destroy(rules);
}

// Associations that come and go leave nothing behind.
static void test_many_associations(void **state) {
    enum { MANY = 100000 };
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    (void)state;
    for (uint32_t i = 1; i <= MANY; i++) {
        struct line line = dial(rules, i, i);
        open_key(&line, 7); // another association's 7
        rules_close(rules, &line.peers);
    }
    assert_int_equal(seen.findings, 0);
    assert_int_equal(rules->handle_count, 0);
    assert_int_equal(HASH_COUNT(rules->connections), 0);
    assert_int_equal(HASH_COUNT(rules->servers), 1);
    rules_destroy(rules);
}

// Many open at a time: what one of them gives up costs no more than it has.
static void test_wide_associations(void **state) {
    enum { MANY = 20000, EACH = 10 };
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line *lines = calloc(MANY, sizeof *lines);
    (void)state;
    assert_non_null(lines);
    for (uint32_t i = 0; i < MANY; i++) {
        lines[i] = dial(rules, i + 1, i + 1);
        for (uint32_t k = 0; k < EACH; k++) {
            open_key(&lines[i], i * EACH + k);
        }
    }
    assert_int_equal(rules->handle_count, MANY * EACH);
    for (uint32_t i = 0; i < MANY; i++) {
        rules_close(rules, &lines[i].peers);
    }
    assert_int_equal(rules->handle_count, 0);
    assert_int_equal(seen.findings, 0);
    free(lines);
    rules_destroy(rules);
}

// A port of version 1 that watches groups everywhere; key: the client's own.
static void watch_groups(struct line *line, uint32_t port, uint32_t cluster, uint32_t key) {
    struct made created = make(line, "ApiCreateNotify");
    set_handle(&created.out[2], port);
    tell(line, &created);
    struct made added = make(line, "ApiAddNotifyCluster");
    set_handle(&added.in[0], port);
    set_handle(&added.in[1], cluster);
    added.in[2].value = 0x1000; // CLUSTER_CHANGE_GROUP_STATE
    added.in[3].value = key;
    tell(line, &added);
}

static void get(struct line *line, uint32_t port, uint32_t key) {
    static const uint8_t name[] = {'G', 0};
    struct made got = make(line, "ApiGetNotify");
    set_handle(&got.in[0], port);
    got.out[2].value = key;
    got.out[3].value = 0x1000;
    got.out[5].bytes = (cmrp_view){name, sizeof name};
    tell(line, &got);
}

// Every port knows its own filter, however many there are.
static void test_many_ports(void **state) {
    (void)state;
    enum { PORTS = 100000, CLUSTER = 1, FIRST = 2 };
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line line = dial(rules, 1, 7);
    struct made opened = make(&line, "ApiOpenCluster");
    set_handle(&opened.out[1], CLUSTER);
    tell(&line, &opened);
    for (uint32_t i = 0; i < PORTS; i++) {
        watch_groups(&line, FIRST + i, CLUSTER, i);
    }
    for (uint32_t i = 0; i < PORTS; i++) {
        get(&line, FIRST + i, i);
    }
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.notes, 0);
    get(&line, FIRST + 77, 78); // the key of another port
    assert_int_equal(seen.findings, 1);
    rules_destroy(rules);
}

// Each connection is an association with a key of its own, all of them open at once.
static void test_many_connections(void **state) {
    (void)state;
    enum { CONNECTIONS = 100000 };
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line *lines = calloc(CONNECTIONS, sizeof *lines);
    assert_non_null(lines);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        lines[i] = dial(rules, i + 1, i + 1);
        open_key(&lines[i], i);
    }
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        close_key(&lines[i], i);
        rules_close(rules, &lines[i].peers);
    }
    assert_int_equal(seen.findings, 0);
    assert_int_equal(seen.notes, 0);
    free(lines);
    rules_destroy(rules);
}

static void test_more_parties_than_are_counted(void **state) {
    const struct rules_limits limits = {.parties = 2};
    struct seen seen;
    struct rules *rules = create(&limits, &seen);
    struct rules_party party;
    size_t count = 0, others = 0;
    uint64_t calls = 0;
    (void)state;
    for (uint8_t i = 1; i <= 50; i++) {
        struct line line = {.rules = rules, .group = 0, .frame = 1};
        line.peers = (struct rules_peers){.connection = i,
                                          .client = {.address = {192, 0, 2, i}, .family = 4},
                                          .server = {.address = {192, 0, 3, i}, .family = 4}};
        open_key(&line, 1);
        close_key(&line, 1);
    }
    while (rules_party_at(rules, count, &party)) {
        others += party.others;
        calls += party.calls;
        count++;
    }
    assert_true(count <= 4);
    assert_true(others > 0);
    assert_int_equal(calls, 2 * 2 * 50);
    assert_int_equal(seen.findings, 0);
    rules_destroy(rules);
}

// Requests that nobody answers: no more of them are kept than bounds allow, and what is answered
// late or never proves nothing.
static void test_a_million_requests_in_flight(void **state) {
    enum { MANY = 1000000, MOST = 100000 };
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line line = dial(rules, 1, 1);
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        struct made made = make(&line, "ApiCloseKey");
        made.call.call_id = i;
        made.call.response = (struct assoc_part){.state = ASSOC_ABSENT};
        rules_request(rules, &line.peers, &made.call);
    }
    assert_true(rules->connections->group->flight_count < MOST);
    close_key(&line, 1); // never given, as far as is known
    assert_int_equal(seen.findings, 0);
    rules_close(rules, &line.peers);
    rules_destroy(rules);
}

static void test_opened_closed_and_opened_again(void **state) {
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line line = dial(rules, 1, 1);
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        open_key(&line, 5);
        close_key(&line, 5);
    }
    assert_int_equal(seen.findings, 0);
    assert_int_equal(rules->handle_count, 1);
    close_key(&line, 5);
    assert_int_equal(seen.findings, 1);
    assert_string_equal(seen.last, "key-handle-after-close");
    rules_destroy(rules);
}

// The octets of a handle say nothing of other servers, nor of other associations.
static void test_one_handle_of_several_servers(void **state) {
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line first = dial(rules, 1, 1);
    struct line second = dial(rules, 2, 2); // of the same server
    struct line third = dial(rules, 3, 0);
    (void)state;
    open_key(&first, 9);
    open_key(&second, 9);
    close_key(&first, 9);
    close_key(&second, 9);
    assert_int_equal(seen.findings, 0);
    close_key(&third, 9); // of an association that is not known
    assert_int_equal(seen.findings, 0);
    close_key(&second, 9);
    rules_destroy(rules);
}

// A client begins anew under the same port and the same association.
static void test_an_association_that_begins_anew(void **state) {
    struct seen seen;
    struct rules *rules = create(NULL, &seen);
    struct line line = dial(rules, 1, 7);
    (void)state;
    open_key(&line, 1);
    rules_close(rules, &line.peers);
    line = dial(rules, 2, 7);
    open_key(&line, 1);
    close_key(&line, 1);
    assert_int_equal(seen.findings, 0);
    open_key(&line, 2);
    rules_close(rules, &line.peers);
    line = dial(rules, 3, 7);
    close_key(&line, 2); // run down
    assert_int_equal(seen.findings, 1);
    assert_string_equal(seen.last, "key-handle-unknown");
    rules_destroy(rules);
}

static void on_withdrawn(void *context, size_t rule, uint64_t number) {
    struct seen *seen = context;
    assert_string_equal(rules_at(rule)->name, "key-handle-unknown");
    assert_int_equal(number, 1);
    seen->findings--;
}

// A loss that shows only after rules have concluded from what was seen.
static void test_a_loss_that_shows_late(void **state) {
    struct seen seen;
    const struct rules_events events = {
        .context = &seen, .finding = on_finding, .withdrawn = on_withdrawn, .note = on_note};
    for (int late = 0; late < 2; late++) {
        memset(&seen, 0, sizeof seen);
        struct rules *rules = rules_create(NULL, &events);
        struct rules_party party;
        struct line line = dial(rules, 1, 1);
        const size_t rule = rules_named("key-handle-unknown");
        line.frame = 1000;
        close_key(&line, 4);
        assert_int_equal(seen.findings, 1);
        rules_blind(rules, &line.peers, late ? 500 : 2000);
        assert_int_equal(seen.findings, late ? 0 : 1);
        assert_true(rules_party_at(rules, RULES_CLIENT, &party));
        assert_int_equal(party.findings[rule], seen.findings);
        assert_int_equal(party.checked[rule], seen.findings);
        rules_destroy(rules);
    }
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_handles),
        cmocka_unit_test(test_closed_handles_make_room_first),
        cmocka_unit_test(test_many_associations),
        cmocka_unit_test(test_wide_associations),
        cmocka_unit_test(test_many_ports),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_a_million_requests_in_flight),
        cmocka_unit_test(test_opened_closed_and_opened_again),
        cmocka_unit_test(test_one_handle_of_several_servers),
        cmocka_unit_test(test_an_association_that_begins_anew),
        cmocka_unit_test(test_a_loss_that_shows_late),
        cmocka_unit_test(test_more_parties_than_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
