// SPDX-License-Identifier: Apache-2.0
// Every limit is kept, says its reason, and costs nobody else anything.
#include "guest.h"

static void open_both(struct place *place, struct guest *guest, const struct rpc_limits *limits) {
    place_open(place, limits, NULL);
    guest_open(guest, place, "192.0.2.1");
    guest_bind(guest, 0);
}

static void close_both(struct place *place, struct guest *guest) {
    guest_close(guest);
    place_close(place);
}

static void connections(void **state) {
    const struct rpc_limits limits = {.connections = 2};
    struct place place;
    struct guest guests[3];
    (void)state;
    place_open(&place, &limits, NULL);
    for (size_t i = 0; i < 3; i++) {
        guest_open(&guests[i], &place, "192.0.2.1");
    }
    assert_non_null(guests[1].connection);
    assert_null(guests[2].connection);
    place_logged(&place, "192.0.2.1:50000: refused: there are 2 connections already");
    guest_close(&guests[0]);
    guest_close(&guests[2]);
    guest_open(&guests[2], &place, "192.0.2.1");
    assert_non_null(guests[2].connection);
    guest_close(&guests[1]);
    guest_close(&guests[2]);
    place_close(&place);
}

static void calls(void **state) {
    const struct rpc_limits limits = {.calls = 2};
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    for (uint32_t i = 2; i < 6; i++) {
        guest_call(&guest, i, HOLD, NULL, 0);
    }
    guest_expect(&guest, "fault 4 flags=23 context=0 status=1c010014 cancels=0\n"
                         "fault 5 flags=23 context=0 status=1c010014 cancels=0\n");
    place_logged(&place, "as many calls as the limit");
    guest_plain(&guest, CMRP_PTYPE_CO_CANCEL, 2);
    guest_call(&guest, 6, ECHO_STUB, "x", 1);
    guest_expect(&guest, "fault 2 flags=03 context=0 status=1c00000d cancels=1\n"
                         "response 6 flags=03 context=0 hint=1 cancels=0 'x'\n");
    close_both(&place, &guest);
}

static void lines_about_faults(void **state) {
    struct place place;
    struct guest guest;
    size_t lines = 0;
    (void)state;
    open_both(&place, &guest, NULL);
    for (uint32_t i = 2; i < 1000; i++) {
        guest_request(&guest, BOTH, i, 0, ECHO_OPNUMS, NULL, 0);
    }
    for (const char *p = buffer_text(&place.log); *p != '\0'; p++) {
        lines += *p == '\n';
    }
    assert_int_equal(lines, 100);
    place_logged(&place,
                 "request 101 (opnum 9) fails with 0x1c010002: no such method; more of this "
                 "connection is not logged");
    close_both(&place, &guest);
}

static void contexts(void **state) {
    const struct rpc_limits limits = {.contexts = 3};
    struct place place;
    struct guest guest;
    const struct offer offers[] = {{1, &echo_id, {ndr20}, 1},
                                   {2, &echo_id, {ndr20}, 1},
                                   {3, &echo_id, {ndr20}, 1},
                                   {4, &echo_id, {features(2)}, 1},
                                   {5, &echo_id, {ndr20}, 1}};
    (void)state;
    place_open(&place, &limits, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    guest_offer(&guest, CMRP_PTYPE_BIND, 1, 0, offers, 4);
    (void)guest_text(&guest);
    assert_false(guest.given_up);
    guest_offer(&guest, CMRP_PTYPE_ALTER_CONTEXT, 2, 0, offers + 4, 1);
    guest_expect(&guest, "bind_nak 2 flags=03 reason=2\nclosed\n");
    place_logged(&place, "more presentation contexts than the limit");
    guest_close(&guest);
    guest_open(&guest, &place, "192.0.2.1");
    guest_offer(&guest, CMRP_PTYPE_BIND, 1, 0, offers, 5);
    guest_expect(&guest, "bind_nak 1 flags=03 reason=2\nclosed\n");
    close_both(&place, &guest);
}

static void handles(void **state) {
    const struct rpc_limits limits = {.handles = 2};
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    for (uint32_t i = 2; i < 5; i++) {
        guest_call(&guest, i, OPEN, NULL, 0);
    }
    guest_expect(&guest, "response 2 flags=03 context=0 hint=20 cancels=0 (20 octets)\n"
                         "response 3 flags=03 context=0 hint=20 cancels=0 (20 octets)\n"
                         "fault 4 flags=23 context=0 status=1c00001b cancels=0\n");
    place_logged(&place, "has 2 context handles, the server 2, as many as it may: object handle "
                         "refused");
    guest_call(&guest, 5, CLOSE, guest.handle, CMRP_HANDLE_SIZE);
    guest_call(&guest, 6, OPEN, NULL, 0);
    guest_expect(&guest, "response 5 flags=03 context=0 hint=4 cancels=0 2\n"
                         "response 6 flags=03 context=0 hint=20 cancels=0 (20 octets)\n");
    close_both(&place, &guest);
}

static void all_handles(void **state) {
    const struct rpc_limits limits = {.handles = 2, .all_handles = 3};
    struct place place;
    struct guest a, b;
    (void)state;
    open_both(&place, &a, &limits);
    guest_open(&b, &place, "192.0.2.2");
    guest_bind(&b, 0);
    guest_call(&a, 2, OPEN, NULL, 0);
    guest_call(&a, 3, OPEN, NULL, 0);
    guest_call(&b, 2, OPEN, NULL, 0);
    guest_call(&b, 3, OPEN, NULL, 0);
    guest_expect(&b, "response 2 flags=03 context=0 hint=20 cancels=0 (20 octets)\n"
                     "fault 3 flags=23 context=0 status=1c00001b cancels=0\n");
    place_logged(&place, "has 1 context handles, the server 3, as many as it may");
    guest_close(&a); // its handles are run down
    guest_call(&b, 4, OPEN, NULL, 0);
    guest_expect(&b, "response 4 flags=03 context=0 hint=20 cancels=0 (20 octets)\n");
    close_both(&place, &b);
}

static void stub(void **state) {
    const struct rpc_limits limits = {.stub = 10};
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    guest_call(&guest, 2, ECHO_STUB, "0123456789", 10);
    guest_call(&guest, 3, ECHO_STUB, "0123456789a", 11);
    guest_request(&guest, FIRST, 4, 0, ECHO_STUB, "01234", 5);
    guest_request(&guest, LAST, 4, 0, ECHO_STUB, "56789", 5);
    guest_request(&guest, FIRST, 5, 0, ECHO_STUB, "01234", 5);
    guest_request(&guest, 0, 5, 0, ECHO_STUB, "56789a", 6);
    guest_request(&guest, 0, 5, 0, ECHO_STUB, "late", 4);
    guest_request(&guest, LAST, 5, 0, ECHO_STUB, "late", 4);
    guest_request(&guest, FIRST, 6, 0, ECHO_STUB, "0123456789a", 11);
    guest_request(&guest, LAST, 6, 0, ECHO_STUB, "late", 4);
    guest_expect(&guest, "response 2 flags=03 context=0 hint=10 cancels=0 '0123456789'\n"
                         "fault 3 flags=23 context=0 status=00000005 cancels=0\n"
                         "response 4 flags=03 context=0 hint=10 cancels=0 '0123456789'\n"
                         "fault 5 flags=23 context=0 status=00000005 cancels=0\n"
                         "fault 6 flags=23 context=0 status=00000005 cancels=0\n");
    place_logged(&place, "its stub is larger than the limit");
    close_both(&place, &guest);
}

static void stub_announced(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, NULL);
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST, .flags = FIRST, .call_id = 2},
                    .alloc_hint = (4 << 20) + 1,
                    .opnum = ECHO_STUB,
                    .stub = {(const uint8_t *)"a", 1}};
    guest_pdu(&guest, &pdu);
    guest_request(&guest, LAST, 2, 0, ECHO_STUB, "b", 1);
    guest_expect(&guest, "fault 2 flags=23 context=0 status=00000005 cancels=0\n");
    place_logged(&place, "announces a stub larger than the limit");
    close_both(&place, &guest);
}

// The unfinished request that began first makes room; others are none the worse.
static void memory(void **state) {
    enum { SHARE = 5000 };
    const struct rpc_limits limits = {.memory = 30000};
    static const uint8_t octets[SHARE];
    struct place place;
    struct guest guests[8];
    size_t given_up = 0;
    (void)state;
    place_open(&place, &limits, NULL);
    for (size_t i = 0; i < 8; i++) {
        guest_open(&guests[i], &place, "192.0.2.1");
        guest_bind(&guests[i], 0);
        guest_request(&guests[i], FIRST, 2, 0, ECHO_STUB, octets, SHARE);
    }
    for (size_t i = 0; i < 8; i++) {
        const char *text = guest_text(&guests[i]);
        const bool faulted = *text != '\0';
        if (faulted) {
            assert_string_equal(text, "fault 2 flags=23 context=0 status=1c00001b cancels=0\n");
            assert_int_equal(given_up, i); // the oldest
            given_up++;
        }
        guest_request(&guests[i], LAST, 2, 0, ECHO_STUB, "", 0);
        guest_call(&guests[i], 3, ECHO_STUB, "alive", 5);
        assert_non_null(strstr(guest_text(&guests[i]), "response 3 "));
    }
    assert_in_range(given_up, 2, 5);
    place_logged(&place, "the oldest is given up");
    guest_request(&guests[7], FIRST, 4, 0, ECHO_STUB, octets, SHARE); // memory was given back
    guest_request(&guests[7], LAST, 4, 0, ECHO_STUB, octets, SHARE);
    assert_non_null(strstr(guest_text(&guests[7]), "response 4 "));
    for (size_t i = 0; i < 8; i++) {
        guest_close(&guests[i]);
    }
    place_close(&place);
}

// One request alone can be too much.
static void memory_of_one(void **state) {
    const struct rpc_limits limits = {.memory = 8000};
    static const uint8_t octets[5000];
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    guest_request(&guest, FIRST, 2, 0, ECHO_STUB, octets, sizeof octets);
    guest_request(&guest, 0, 2, 0, ECHO_STUB, octets, sizeof octets);
    guest_expect(&guest, "fault 2 flags=23 context=0 status=1c00001b cancels=0\n");
    guest_call(&guest, 3, ECHO_STUB, "alive", 5);
    guest_expect(&guest, "response 3 flags=03 context=0 hint=5 cancels=0 'alive'\n");
    close_both(&place, &guest);
}

static void output(void **state) {
    const struct rpc_limits limits = {.output = 100000};
    struct place place;
    struct guest guest, other;
    (void)state;
    open_both(&place, &guest, &limits);
    guest_call(&guest, 2, HOLD, NULL, 0);
    guest.stuck = true;
    guest_call(&guest, 3, REPEAT, "\xa0\x86\x01\0x", 5); // 100,000 octets, without headers
    assert_false(guest.given_up);
    guest_open(&other, &place, "192.0.2.1");
    guest_bind(&other, guest.group);
    guest_call_u32(&other, 2, RELEASE, 1);
    assert_true(guest.given_up && guest.dropped);
    assert_false(other.given_up);
    place_logged(&place, "more than the limit of 100000: the client does not read its answers");
    guest_close(&other);
    close_both(&place, &guest);
}

// One answer that is too large by itself costs its call, not the connection.
static void an_answer(void **state) {
    const struct rpc_limits limits = {.output = 100000};
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    guest_call(&guest, 2, REPEAT, "\xa1\x86\x01\0x", 5);
    guest_call(&guest, 3, ECHO_STUB, "x", 1);
    guest_expect(&guest, "fault 2 flags=03 context=0 status=1c00001b cancels=0\n"
                         "response 3 flags=03 context=0 hint=1 cancels=0 'x'\n");
    place_logged(&place, "its answer of 100001 octets is larger than the limit of 100000");
    close_both(&place, &guest);
}

// What all together do not read costs the one that reads least.
static void all_output(void **state) {
    const struct rpc_limits limits = {.all_output = 250000};
    struct place place;
    struct guest guests[4];
    (void)state;
    place_open(&place, &limits, NULL);
    for (size_t i = 0; i < 4; i++) {
        guest_open(&guests[i], &place, "192.0.2.1");
        guest_bind(&guests[i], 0);
        guests[i].stuck = i > 0;
        guest_call(&guests[i], 2, REPEAT, i == 2 ? "\xa0\x86\x01\0x" : "\x90\x5f\x01\0x", 5);
    }
    guest_call(&guests[0], 3, ECHO_STUB, "x", 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(guests[i].given_up, i == 2);
    }
    assert_true(guests[2].dropped);
    place_logged(&place, "most of what waits on all connections, which is the limit");
    for (size_t i = 0; i < 4; i++) {
        guest_close(&guests[i]);
    }
    guest_open(&guests[0], &place, "192.0.2.1");
    guest_bind(&guests[0], 0);
    guests[0].stuck = true;
    guest_call(&guests[0], 2, REPEAT, "\xa0\x86\x01\0x", 5); // what was given up does not count
    guest_call(&guests[0], 3, ECHO_STUB, "x", 1);
    assert_false(guests[0].given_up);
    close_both(&place, &guests[0]);
}

// Before it comes to that, requests wait until answers are read.
static void requests_wait_for_answers_to_be_read(void **state) {
    const struct rpc_limits limits = {.output = 200000};
    struct place place;
    struct guest guest;
    struct buffer octets = {0};
    (void)state;
    open_both(&place, &guest, &limits);
    for (uint32_t i = 0; i < 10; i++) {
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH, .call_id = 2 + i},
                        .opnum = REPEAT,
                        .stub = {(const uint8_t *)"\x60\xea\0\0x", 5}}; // 60,000 octets
        guest_encode(&guest, &pdu, &octets);
    }
    guest.stuck = true;
    guest_octets(&guest, octets.data, octets.size);
    guest_call(&guest, 12, ECHO_STUB, "x", 1);
    assert_true(rpc_connection_full(guest.connection));
    size_t rounds = 0;
    for (; strstr(guest_text(&guest), "response 12 ") == NULL; rounds++) {
        assert_in_range(guest.waiting, 1, 200000);
        guest.waiting = 0; // all is read
        rpc_connection_waiting(guest.connection, 0);
    }
    assert_in_range(rounds, 3, 9);
    assert_false(rpc_connection_full(guest.connection));
    buffer_free(&octets);
    close_both(&place, &guest);
}

static void fragments(void **state) {
    const struct rpc_limits limits = {.fragment = 2000};
    static const uint8_t octets[2000];
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, &limits);
    guest_call(&guest, 2, ECHO_STUB, octets, 2000 - 24);
    guest_expect(&guest, "response 2 flags=03 context=0 hint=1976 cancels=0 (1976 octets)\n");
    guest_call(&guest, 3, ECHO_STUB, octets, 2000 - 23);
    guest_expect(&guest, "fault 3 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
    place_logged(&place, "a fragment of 2001 octets, more than the 2000 that were agreed on");
    close_both(&place, &guest);
}

// ---- time ---------------------------------------------------------------------------------------

static void pass(struct place *place, struct guest *guest, uint64_t milliseconds) {
    place->now += milliseconds;
    rpc_connection_tick(guest->connection);
}

static void a_connection_without_a_bind(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    pass(&place, &guest, 30000);
    assert_false(guest.given_up);
    pass(&place, &guest, 1);
    assert_true(guest.given_up);
    place_logged(&place, "no presentation context after 30000 ms");
    close_both(&place, &guest);
}

static void a_connection_that_rests_is_left_alone(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, NULL);
    guest_call(&guest, 2, HOLD, NULL, 0);
    pass(&place, &guest, 1000000000);
    guest_request(&guest, FIRST, 3, 0, ECHO_STUB, "a", 1);
    guest_request(&guest, LAST, 3, 0, ECHO_STUB, "b", 1);
    pass(&place, &guest, 1000000000);
    assert_false(guest.given_up);
    close_both(&place, &guest);
}

static void half_a_pdu(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, NULL);
    for (size_t i = 0; i < 15; i++) { // slowly
        static const char octets[] = "\5\0\0\3\x10\0\0\0\x40\0\0\0\2\0\0";
        pass(&place, &guest, 2000);
        guest_octets(&guest, &octets[i], 1);
    }
    assert_false(guest.given_up);
    pass(&place, &guest, 2016);
    assert_true(guest.given_up);
    place_logged(&place, "a request is unfinished after 30016 ms");
    close_both(&place, &guest);
}

// Each octet that has come adds a millisecond.
static void half_a_request(void **state) {
    static const uint8_t octets[1000];
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, NULL);
    pass(&place, &guest, 1000000); // it had time before
    guest_request(&guest, FIRST, 2, 0, ECHO_STUB, octets, sizeof octets);
    pass(&place, &guest, 30000);
    guest_request(&guest, 0, 2, 0, ECHO_STUB, octets, sizeof octets);
    pass(&place, &guest, 2048);
    assert_false(guest.given_up);
    pass(&place, &guest, 1);
    assert_true(guest.given_up);
    close_both(&place, &guest);
}

// One that always sends the next request before the last one is whole is not slow.
static void a_busy_connection_is_never_unfinished_for_long(void **state) {
    struct place place;
    struct guest guest;
    struct buffer octets = {0};
    (void)state;
    open_both(&place, &guest, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH, .call_id = 2 + i},
                        .opnum = ECHO_STUB};
        guest_encode(&guest, &pdu, &octets);
    }
    for (size_t at = 0; at + 24 <= octets.size; at += 24) {
        guest_octets(&guest, octets.data + at + (at > 0 ? 7 : 0), at > 0 ? 24 : 31);
        pass(&place, &guest, 10000);
        assert_false(guest.given_up);
        if (at + 31 + 24 > octets.size) {
            break;
        }
    }
    buffer_free(&octets);
    close_both(&place, &guest);
}

// Requests that take long together let others have their turn.
static void turns(void **state) {
    struct place place;
    struct guest guest;
    struct buffer octets = {0};
    (void)state;
    open_both(&place, &guest, NULL);
    for (uint32_t i = 0; i < 10; i++) {
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH, .call_id = 2 + i},
                        .opnum = ECHO_STUB,
                        .stub = {(const uint8_t *)"x", 1}};
        guest_encode(&guest, &pdu, &octets);
    }
    place.passing = 1; // with each look at the clock
    guest_octets(&guest, octets.data, octets.size);
    size_t turns = 1;
    for (; rpc_connection_resting(guest.connection); turns++) {
        assert_true(rpc_connection_full(guest.connection));
        rpc_connection_waiting(guest.connection, 0);
    }
    assert_in_range(turns, 3, 10);
    assert_false(rpc_connection_full(guest.connection));
    assert_non_null(strstr(guest_text(&guest), "response 11 "));
    buffer_free(&octets);
    close_both(&place, &guest);
}

static void answers_that_nobody_reads(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    open_both(&place, &guest, NULL);
    guest.stuck = true;
    guest_call(&guest, 2, REPEAT, "\x50\xc3\0\0x", 5);
    pass(&place, &guest, 30000);
    rpc_connection_waiting(guest.connection, --guest.waiting);
    pass(&place, &guest, 30000);
    assert_false(guest.given_up);
    pass(&place, &guest, 1);
    assert_true(guest.given_up);
    place_logged(&place, "do not grow fewer");
    close_both(&place, &guest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections),
        cmocka_unit_test(calls),
        cmocka_unit_test(lines_about_faults),
        cmocka_unit_test(contexts),
        cmocka_unit_test(handles),
        cmocka_unit_test(all_handles),
        cmocka_unit_test(stub),
        cmocka_unit_test(stub_announced),
        cmocka_unit_test(memory),
        cmocka_unit_test(memory_of_one),
        cmocka_unit_test(output),
        cmocka_unit_test(an_answer),
        cmocka_unit_test(all_output),
        cmocka_unit_test(turns),
        cmocka_unit_test(requests_wait_for_answers_to_be_read),
        cmocka_unit_test(fragments),
        cmocka_unit_test(a_connection_without_a_bind),
        cmocka_unit_test(a_connection_that_rests_is_left_alone),
        cmocka_unit_test(half_a_pdu),
        cmocka_unit_test(half_a_request),
        cmocka_unit_test(a_busy_connection_is_never_unfinished_for_long),
        cmocka_unit_test(answers_that_nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
