// SPDX-License-Identifier: Apache-2.0
// Association groups and context handles: who sees which, and when they are run down.
#include "guest.h"

static void bind_both_interfaces(struct guest *guest, uint32_t group) {
    const struct offer offers[] = {{0, &echo_id, {ndr20}, 1}, {1, &other_id, {ndr20}, 1}};
    guest->group = group;
    guest_offer(guest, CMRP_PTYPE_BIND, 1, 0, offers, 2);
}

static uint32_t next_call(void) {
    static uint32_t call_id = 10;
    return call_id++;
}

static void open_handle(struct guest *guest) {
    guest_call(guest, next_call(), OPEN, NULL, 0);
    assert_non_null(strstr(guest_text(guest), "(20 octets)"));
}

// Whether a handle is found by a guest, under a presentation context.
static bool finds(struct guest *guest, uint16_t context, const uint8_t *handle) {
    guest_request(guest, BOTH, next_call(), context, FIND, handle, CMRP_HANDLE_SIZE);
    const char *text = guest_text(guest);
    assert_true(strncmp(text, "response", 8) == 0 || strstr(text, "status=1c00001a") != NULL);
    return strncmp(text, "response", 8) == 0;
}

static void handles_live_in_their_group(void **state) {
    struct place place;
    struct guest a, b, c;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&a, &place, "192.0.2.1");
    guest_open(&b, &place, "192.0.2.1");
    guest_open(&c, &place, "192.0.2.1");
    guest_bind(&a, 0);
    guest_bind(&b, a.group);
    guest_bind(&c, 0);
    assert_int_equal(a.group, b.group);
    assert_int_not_equal(a.group, c.group);
    open_handle(&a);
    assert_true(finds(&a, 0, a.handle));
    assert_true(finds(&b, 0, a.handle));
    assert_false(finds(&c, 0, a.handle));
    guest_close(&a); // the first of the group
    open_handle(&b);
    assert_int_equal(rpc_handles_open(place.server, NULL), 2);
    assert_int_equal(echo_rundowns(place.echo), 0);
    guest_close(&b); // the last
    assert_int_equal(rpc_handles_open(place.server, NULL), 0);
    assert_int_equal(echo_rundowns(place.echo), 2);
    guest_close(&c);
    place_close(&place);
}

static void handles_belong_to_one_interface(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    bind_both_interfaces(&guest, 0);
    open_handle(&guest);
    assert_true(finds(&guest, 0, guest.handle));
    assert_false(finds(&guest, 1, guest.handle));
    guest_request(&guest, BOTH, next_call(), 1, OPEN, NULL, 0);
    (void)guest_text(&guest);
    assert_true(finds(&guest, 1, guest.handle));
    assert_false(finds(&guest, 0, guest.handle));
    guest_close(&guest);
    assert_int_equal(echo_rundowns(place.echo), 2);
    place_close(&place);
}

static void handles_are_compared_whole(void **state) {
    struct place place;
    struct guest guest;
    const uint8_t null_handle[CMRP_HANDLE_SIZE] = {0};
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    guest_bind(&guest, 0);
    open_handle(&guest);
    for (size_t i = 0; i < CMRP_HANDLE_SIZE; i++) {
        uint8_t handle[CMRP_HANDLE_SIZE];
        memcpy(handle, guest.handle, sizeof handle);
        handle[i] ^= 0x40;
        assert_false(finds(&guest, 0, handle));
    }
    assert_false(finds(&guest, 0, null_handle));
    assert_true(finds(&guest, 0, guest.handle));
    guest_call(&guest, next_call(), CLOSE, guest.handle, CMRP_HANDLE_SIZE);
    (void)guest_text(&guest);
    assert_false(finds(&guest, 0, guest.handle));
    assert_int_equal(rpc_handles_open(place.server, NULL), 0);
    guest_close(&guest);
    assert_int_equal(echo_rundowns(place.echo), 0);
    place_close(&place);
}

static void many_handles(void **state) {
    enum { COUNT = 20000 };
    struct place place;
    struct guest guest;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    guest_bind(&guest, 0);
    uint8_t(*handles)[CMRP_HANDLE_SIZE] = util_alloc(COUNT * sizeof *handles);
    for (size_t i = 0; i < COUNT; i++) {
        open_handle(&guest);
        memcpy(handles[i], guest.handle, sizeof handles[i]);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        guest_call(&guest, next_call(), CLOSE, handles[i], CMRP_HANDLE_SIZE);
    }
    (void)guest_text(&guest);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(finds(&guest, 0, handles[i]), i % 2);
    }
    free(handles);
    guest_close(&guest);
    assert_int_equal(echo_rundowns(place.echo), COUNT / 2);
    place_close(&place);
}

static void expect_nak(struct place *place, const char *client, uint32_t group) {
    struct guest guest;
    guest_open(&guest, place, client);
    bind_both_interfaces(&guest, group);
    guest_expect(&guest, "bind_nak 1 flags=03 reason=0\nclosed\n");
    guest_close(&guest);
    place_logged(place, "there is no association group");
}

static void groups_that_may_not_be_joined(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    guest_bind(&guest, 0);
    const uint32_t group = guest.group;
    expect_nak(&place, "192.0.2.1", group + 1); // there is none such
    expect_nak(&place, "192.0.2.2", group);     // another client's
    guest_close(&guest);
    expect_nak(&place, "192.0.2.1", group); // it has ended
    place_close(&place);
}

static void calls_end_with_their_connection_not_with_the_group(void **state) {
    struct place place;
    struct guest a, b;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&a, &place, "192.0.2.1");
    guest_open(&b, &place, "192.0.2.1");
    guest_bind(&a, 0);
    guest_bind(&b, a.group);
    guest_call(&a, next_call(), HOLD, NULL, 0);
    guest_call(&b, 7, HOLD, NULL, 0);
    open_handle(&a);
    guest_close(&a);
    assert_int_equal(echo_gone(place.echo), 1);
    assert_int_equal(echo_held(place.echo), 1);
    guest_call_u32(&b, next_call(), RELEASE, 5);
    assert_non_null(strstr(guest_text(&b), "response 7 "));
    guest_close(&b);
    assert_int_equal(echo_rundowns(place.echo), 1);
    place_close(&place);
}

// A server that ends with everything open: what it holds is run down and told to be gone.
static void a_server_ends_with_all_it_holds(void **state) {
    struct place place;
    struct guest guest;
    (void)state;
    place_open(&place, NULL, NULL);
    guest_open(&guest, &place, "192.0.2.1");
    guest_bind(&guest, 0);
    guest_call(&guest, next_call(), HOLD, NULL, 0);
    open_handle(&guest);
    rpc_server_destroy(place.server);
    assert_int_equal(echo_held(place.echo), 0);
    assert_int_equal(echo_gone(place.echo), 1);
    assert_int_equal(echo_rundowns(place.echo), 1);
    guest.connection = NULL;
    guest_close(&guest);
    echo_destroy(place.echo);
    buffer_free(&place.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_live_in_their_group),
        cmocka_unit_test(handles_belong_to_one_interface),
        cmocka_unit_test(handles_are_compared_whole),
        cmocka_unit_test(many_handles),
        cmocka_unit_test(groups_that_may_not_be_joined),
        cmocka_unit_test(calls_end_with_their_connection_not_with_the_group),
        cmocka_unit_test(a_server_ends_with_all_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
