// SPDX-License-Identifier: Apache-2.0
// Requests and responses: fragments both ways, call identifiers, faults.
#include "guest.h"

struct scene {
    struct place place;
    struct guest guest;
};

static int set_up(void **state) {
    struct scene *s = util_alloc(sizeof *s);
    place_open(&s->place, NULL, NULL);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_bind(&s->guest, 0);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    guest_close(&s->guest);
    place_close(&s->place);
    free(s);
    return 0;
}

// Starts anew on another connection.
static void again(struct scene *s) {
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_bind(&s->guest, 0);
}

// ---- requests -----------------------------------------------------------------------------------

static void whole_requests(void **state) {
    struct scene *s = *state;
    guest_call(&s->guest, 1, ECHO_STUB, "hello", 5);
    guest_call(&s->guest, 1, ECHO_STUB, NULL, 0); // impacket gives bind and request one identifier
    guest_call(&s->guest, 9, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "response 1 flags=03 context=0 hint=5 cancels=0 'hello'\n"
                            "response 1 flags=03 context=0 hint=0 cancels=0 ''\n"
                            "response 9 flags=03 context=0 hint=1 cancels=0 'x'\n");
}

static void fragments_are_joined(void **state) {
    struct scene *s = *state;
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "one ", 4);
    guest_request(&s->guest, 0, 2, 0, ECHO_STUB, "", 0);
    guest_request(&s->guest, 0, 2, 0, ECHO_STUB, "two ", 4);
    guest_expect(&s->guest, "");
    guest_request(&s->guest, LAST, 2, 0, ECHO_STUB, "three", 5);
    guest_expect(&s->guest, "response 2 flags=03 context=0 hint=13 cancels=0 'one two three'\n");
}

static void alloc_hint_means_nothing(void **state) {
    struct scene *s = *state;
    const uint32_t hints[] = {0, 1, 4 << 20, UINT32_MAX};
    for (uint32_t i = 0; i < 4; i++) {
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH, .call_id = 2 + i},
                        .alloc_hint = hints[i],
                        .opnum = ECHO_STUB,
                        .stub = {(const uint8_t *)"abc", 3}};
        guest_pdu(&s->guest, &pdu);
    }
    guest_expect(&s->guest, "response 2 flags=03 context=0 hint=3 cancels=0 'abc'\n"
                            "response 3 flags=03 context=0 hint=3 cancels=0 'abc'\n"
                            "response 4 flags=03 context=0 hint=3 cancels=0 'abc'\n"
                            "response 5 flags=03 context=0 hint=3 cancels=0 'abc'\n");
}

static void objects_and_flags_that_mean_nothing(void **state) {
    struct scene *s = *state;
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                               .flags = BOTH | CMRP_PFC_OBJECT_UUID | CMRP_PFC_MAYBE |
                                        CMRP_PFC_RESERVED | CMRP_PFC_DID_NOT_EXECUTE,
                               .call_id = 2},
                    .opnum = TELL,
                    .has_object = true,
                    .object = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}};
    guest_pdu(&s->guest, &pdu);
    guest_expect(&s->guest, "response 2 flags=03 context=0 hint=43 cancels=0 "
                            "'ndr le 01020304-0506-0708-090a-0b0c0d0e0f10'\n");
}

// ---- responses ----------------------------------------------------------------------------------

// Asks for a response of `size` octets; counts its fragments.
static size_t fragments_of(struct scene *s, uint32_t call_id, uint32_t size) {
    uint8_t stub[5] = {0, 0, 0, 0, 'a'};
    size_t octets = 0;
    size_t count = 0;
    cmrp_store_u32(stub, size, CMRP_LITTLE_ENDIAN);
    guest_call(&s->guest, call_id, REPEAT, stub, sizeof stub);
    for (size_t at = 0; at < s->guest.received.size; count++) {
        cmrp_error error = {0};
        cmrp_pdu pdu;
        const cmrp_view rest = {s->guest.received.data + at, s->guest.received.size - at};
        assert_true(cmrp_pdu_decode(rest, 0, &pdu, NULL, NULL, &error));
        const bool last = at + pdu.header.frag_length == s->guest.received.size;
        assert_int_equal(pdu.header.ptype, CMRP_PTYPE_RESPONSE);
        assert_int_equal(pdu.header.call_id, call_id);
        assert_int_equal(pdu.header.flags, (at == 0 ? FIRST : 0) | (last ? LAST : 0));
        assert_in_range(pdu.header.frag_length, 24, s->guest.fragment);
        assert_int_equal(pdu.alloc_hint, size - octets);
        assert_true(last || pdu.stub.size % 8 == 0);
        octets += pdu.stub.size;
        at += pdu.header.frag_length;
    }
    assert_int_equal(octets, size);
    buffer_clear(&s->guest.received);
    return count;
}

static void responses_in_fragments(void **state) {
    struct scene *s = *state;
    assert_int_equal(fragments_of(s, 2, 0), 1);
    assert_int_equal(fragments_of(s, 3, 5816), 1);
    assert_int_equal(fragments_of(s, 4, 5817), 2);
    assert_int_equal(fragments_of(s, 5, 2 * 5816), 2);
    assert_int_equal(fragments_of(s, 6, 100000), 18);
    assert_int_equal(fragments_of(s, 7, 8 << 20), 1443);
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    s->guest.fragment = 1432;
    guest_bind(&s->guest, 0);
    assert_int_equal(fragments_of(s, 2, 1408), 1);
    assert_int_equal(fragments_of(s, 3, 1409), 2);
}

// ---- faults; the connection goes on -------------------------------------------------------------

static void faults_of_requests(void **state) {
    struct scene *s = *state;
    guest_request(&s->guest, BOTH, 2, 77, ECHO_STUB, "x", 1);
    guest_request(&s->guest, BOTH, 3, 0, ECHO_OPNUMS, "x", 1);
    guest_request(&s->guest, BOTH, 4, 0, 0xffff, "x", 1);
    guest_call(&s->guest, 5, REPEAT, "xx", 2);
    guest_call_u32(&s->guest, 6, FAULT, 0x1c000012);
    guest_call(&s->guest, 7, ECHO_STUB, "alive", 5);
    guest_expect(&s->guest, "fault 2 flags=23 context=77 status=1c00001c cancels=0\n"
                            "fault 3 flags=23 context=0 status=1c010002 cancels=0\n"
                            "fault 4 flags=23 context=0 status=1c010002 cancels=0\n"
                            "fault 5 flags=23 context=0 status=000006f7 cancels=0\n"
                            "fault 6 flags=03 context=0 status=1c000012 cancels=0\n"
                            "response 7 flags=03 context=0 hint=5 cancels=0 'alive'\n");
}

static void late_fragments_are_dropped(void **state) {
    struct scene *s = *state;
    guest_request(&s->guest, FIRST, 200, 77, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "fault 200 flags=23 context=77 status=1c00001c cancels=0\n");
    guest_request(&s->guest, 0, 200, 77, ECHO_STUB, "x", 1);
    guest_request(&s->guest, LAST, 200, 77, ECHO_STUB, "x", 1);
    guest_request(&s->guest, LAST, 51, 77, ECHO_STUB, "x", 1);
    guest_call(&s->guest, 201, ECHO_STUB, "alive", 5);
    guest_expect(&s->guest, "response 201 flags=03 context=0 hint=5 cancels=0 'alive'\n");
    guest_request(&s->guest, LAST, 51, 0, ECHO_STUB, "x", 1); // 150 calls ago
    guest_expect(&s->guest, "fault 51 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
}

// ---- protocol errors; it does not ---------------------------------------------------------------

static void expect_protocol_error(struct scene *s, const char *fault, const char *why) {
    char expected[128];
    snprintf(expected, sizeof expected, "fault %s status=1c01000b cancels=0\nclosed\n", fault);
    guest_expect(&s->guest, expected);
    place_logged(&s->place, why);
    again(s);
}

static void fragments_out_of_order(void **state) {
    struct scene *s = *state;
    guest_request(&s->guest, 0, 2, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "continues no request");
    guest_request(&s->guest, LAST, 2, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "continues no request");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "request 2 inside the request 2");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    guest_request(&s->guest, BOTH, 3, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "request 3 inside the request 2");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    guest_request(&s->guest, LAST, 3, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "3 flags=23 context=0", "continues no request");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    guest_request(&s->guest, LAST, 2, 0, TELL, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "of another context, opnum or byte order");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    guest_request(&s->guest, LAST, 2, 1, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "of another context, opnum or byte order");
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "x", 1);
    s->guest.big_endian = true;
    guest_request(&s->guest, LAST, 2, 0, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2 flags=23 context=0", "of another context, opnum or byte order");
}

static void call_identifiers(void **state) {
    struct scene *s = *state;
    guest_call(&s->guest, 5, ECHO_STUB, "x", 1);
    (void)guest_text(&s->guest);
    guest_call(&s->guest, 4, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "4 flags=23 context=0", "call_id 4 after 5");
    guest_call(&s->guest, 5, HOLD, "x", 1);
    guest_call(&s->guest, 5, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "5 flags=23 context=0", "that of a call in progress");
    guest_call(&s->guest, 0x80000000, ECHO_STUB, "x", 1);
    expect_protocol_error(s, "2147483648 flags=23 context=0", "larger than 0x7fffffff");
    guest_call(&s->guest, 0x7fffffff, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "response 2147483647 flags=03 context=0 hint=1 cancels=0 'x'\n");
    assert_int_equal(echo_gone(s->place.echo), 1); // the one that was held
}

static void one_call_at_a_time_without_multiplexing(void **state) {
    struct scene *s = *state;
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 1, 0, &offer, 1);
    guest_call(&s->guest, 1, ECHO_STUB, "a", 1);
    guest_call(&s->guest, 2, ECHO_STUB, "b", 1);
    (void)guest_text(&s->guest);
    guest_call(&s->guest, 3, HOLD, "", 0);
    guest_call(&s->guest, 4, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "fault 4 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
    place_logged(&s->place, "without concurrent multiplexing");
}

static void calls_overlap_with_multiplexing(void **state) {
    struct scene *s = *state;
    guest_call(&s->guest, 3, HOLD, "", 0);
    guest_call(&s->guest, 4, HOLD, "", 0);
    guest_call(&s->guest, 5, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "response 5 flags=03 context=0 hint=1 cancels=0 'x'\n");
    guest_call_u32(&s->guest, 6, RELEASE, 9);
    guest_expect(&s->guest, "response 3 flags=03 context=0 hint=8 cancels=0 'released'\n"
                            "response 4 flags=03 context=0 hint=8 cancels=0 'released'\n"
                            "response 6 flags=03 context=0 hint=4 cancels=0 2\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(whole_requests),
        TEST(fragments_are_joined),
        TEST(alloc_hint_means_nothing),
        TEST(objects_and_flags_that_mean_nothing),
        TEST(responses_in_fragments),
        TEST(faults_of_requests),
        TEST(late_fragments_are_dropped),
        TEST(fragments_out_of_order),
        TEST(call_identifiers),
        TEST(one_call_at_a_time_without_multiplexing),
        TEST(calls_overlap_with_multiplexing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
