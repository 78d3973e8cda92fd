// SPDX-License-Identifier: Apache-2.0
// co_cancel and orphaned.
#include "guest.h"

struct scene {
    struct place place;
    struct guest guest;
};

static void open_scene(struct scene *s, uint8_t bits) {
    const struct offer offers[] = {{0, &echo_id, {ndr20}, 1}, {1, &echo_id, {features(bits)}, 1}};
    place_open(&s->place, NULL, NULL);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 1, MPX, offers, 2);
    (void)guest_text(&s->guest);
}

static void close_scene(struct scene *s) {
    guest_close(&s->guest);
    place_close(&s->place);
}

static void a_call_is_cancelled(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 0);
    guest_call(&s.guest, 2, HOLD, NULL, 0);
    guest_call(&s.guest, 3, HOLD, NULL, 0);
    guest_plain(&s.guest, CMRP_PTYPE_CO_CANCEL, 3);
    guest_expect(&s.guest, "fault 3 flags=03 context=0 status=1c00000d cancels=1\n");
    assert_int_equal(echo_held(s.place.echo), 1);
    assert_int_equal(rpc_server_calls(s.place.server), 1);
    close_scene(&s);
}

static void what_is_not_there_cannot_be_cancelled(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 0);
    guest_call(&s.guest, 2, ECHO_STUB, "x", 1);
    guest_plain(&s.guest, CMRP_PTYPE_CO_CANCEL, 2);
    guest_plain(&s.guest, CMRP_PTYPE_CO_CANCEL, 99);
    guest_call(&s.guest, 3, ECHO_STUB, "y", 1);
    guest_expect(&s.guest, "response 2 flags=03 context=0 hint=1 cancels=0 'x'\n"
                           "response 3 flags=03 context=0 hint=1 cancels=0 'y'\n");
    close_scene(&s);
}

static void a_request_is_cancelled_before_it_is_whole(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 0);
    guest_request(&s.guest, FIRST, 2, 0, HOLD, "a", 1);
    guest_plain(&s.guest, CMRP_PTYPE_CO_CANCEL, 2);
    guest_expect(&s.guest, "");
    guest_request(&s.guest, LAST, 2, 0, HOLD, "b", 1);
    guest_expect(&s.guest, "fault 2 flags=03 context=0 status=1c00000d cancels=1\n");
    // The same as a flag of its only fragment; and where the answer is there at once.
    guest_request(&s.guest, BOTH | CMRP_PFC_PENDING_CANCEL, 3, 0, HOLD, "", 0);
    guest_request(&s.guest, BOTH | CMRP_PFC_PENDING_CANCEL, 4, 0, ECHO_STUB, "x", 1);
    guest_expect(&s.guest, "fault 3 flags=03 context=0 status=1c00000d cancels=1\n"
                           "response 4 flags=03 context=0 hint=1 cancels=0 'x'\n");
    close_scene(&s);
}

static void a_call_is_orphaned(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 2);
    guest_call(&s.guest, 2, HOLD, NULL, 0);
    guest_call(&s.guest, 3, HOLD, NULL, 0);
    guest_plain(&s.guest, CMRP_PTYPE_ORPHANED, 2);
    assert_int_equal(echo_gone(s.place.echo), 1);
    guest_call_u32(&s.guest, 4, RELEASE, 9);
    guest_expect(&s.guest, "response 3 flags=03 context=0 hint=8 cancels=0 'released'\n"
                           "response 4 flags=03 context=0 hint=4 cancels=0 1\n");
    close_scene(&s);
}

static void a_request_is_orphaned_before_it_is_whole(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 2);
    guest_request(&s.guest, FIRST, 2, 0, ECHO_STUB, "a", 1);
    guest_plain(&s.guest, CMRP_PTYPE_ORPHANED, 2);
    guest_request(&s.guest, LAST, 2, 0, ECHO_STUB, "late", 4);
    guest_call(&s.guest, 3, ECHO_STUB, "alive", 5);
    guest_expect(&s.guest, "response 3 flags=03 context=0 hint=5 cancels=0 'alive'\n");
    close_scene(&s);
}

static void without_an_agreement_the_connection_ends(void **state) {
    struct scene s;
    (void)state;
    open_scene(&s, 1);
    guest_plain(&s.guest, CMRP_PTYPE_ORPHANED, 9); // of nothing
    guest_call(&s.guest, 2, HOLD, NULL, 0);
    guest_expect(&s.guest, "");
    guest_plain(&s.guest, CMRP_PTYPE_ORPHANED, 2);
    guest_expect(&s.guest, "closed\n");
    place_logged(&s.place, "the client has abandoned the call 2");
    assert_int_equal(echo_gone(s.place.echo), 1);
    close_scene(&s);
}

// The server gives a connection up while calls wait: they are gone when the connection ends, not
// before, and answers until then go nowhere.
static void calls_of_a_connection_that_is_given_up(void **state) {
    struct scene s;
    struct guest other;
    (void)state;
    open_scene(&s, 0);
    guest_open(&other, &s.place, "192.0.2.1");
    guest_bind(&other, s.guest.group);
    guest_call(&s.guest, 2, HOLD, NULL, 0);
    guest_call(&s.guest, 3, HOLD, NULL, 0);
    guest_call(&s.guest, 1, ECHO_STUB, NULL, 0);
    guest_expect(&s.guest, "fault 1 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
    assert_int_equal(echo_gone(s.place.echo), 0);
    guest_call_u32(&other, 2, RELEASE, 1);
    guest_expect(&other, "response 2 flags=03 context=0 hint=4 cancels=0 1\n");
    guest_expect(&s.guest, "");
    guest_call(&s.guest, 9, ECHO_STUB, "x", 1); // is not looked at
    guest_expect(&s.guest, "");
    guest_close(&other);
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_cancelled),
        cmocka_unit_test(what_is_not_there_cannot_be_cancelled),
        cmocka_unit_test(a_request_is_cancelled_before_it_is_whole),
        cmocka_unit_test(a_call_is_orphaned),
        cmocka_unit_test(a_request_is_orphaned_before_it_is_whole),
        cmocka_unit_test(without_an_agreement_the_connection_ends),
        cmocka_unit_test(calls_of_a_connection_that_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
