// SPDX-License-Identifier: Apache-2.0
// bind and alter_context: what is accepted, what is refused and how.
#include "guest.h"

struct scene {
    struct place place;
    struct guest guest;
};

static int set_up(void **state) {
    struct scene *s = util_alloc(sizeof *s);
    place_open(&s->place, NULL, NULL);
    guest_open(&s->guest, &s->place, "192.0.2.1");
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

static void bind_offers(struct scene *s, const struct offer *offers, size_t count) {
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 1, 0, offers, count);
}

static void both_syntaxes_and_features(void **state) {
    struct scene *s = *state;
    const struct offer offers[] = {
        {0, &echo_id, {ndr20}, 1},       {1, &echo_id, {ndr64}, 1},
        {2, &echo_id, {features(3)}, 1}, {3, &unknown_id, {ndr20}, 1},
        {4, &echo_id, {unknown_id}, 1},  {5, &other_id, {unknown_id, ndr64, ndr20}, 3},
    };
    bind_offers(s, offers, 6);
    // One syntax for each interface, the better one; the other may be asked for later.
    guest_expect(&s->guest, "bind_ack 1 flags=03 fragment=5840 group=101 address='49664' [2/2] "
                            "[0/0 ndr64] [3/2] [2/1] [2/2] [0/0 ndr64]\n");
    for (uint16_t i = 0; i < 6; i++) {
        guest_request(&s->guest, BOTH, i + 1u, i, TELL, NULL, 0);
    }
    guest_expect(&s->guest, "fault 1 flags=23 context=0 status=1c00001c cancels=0\n"
                            "response 2 flags=03 context=1 hint=13 cancels=0 'ndr64 le none'\n"
                            "fault 3 flags=23 context=2 status=1c00001c cancels=0\n"
                            "fault 4 flags=23 context=3 status=1c00001c cancels=0\n"
                            "fault 5 flags=23 context=4 status=1c00001c cancels=0\n"
                            "response 6 flags=03 context=5 hint=13 cancels=0 'ndr64 le none'\n");
    guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 7, 0, offers, 1);
    guest_request(&s->guest, BOTH, 8, 0, TELL, NULL, 0);
    guest_expect(&s->guest,
                 "alter_context_resp 7 flags=03 fragment=5840 group=101 address='' [0/0 ndr]\n"
                 "response 8 flags=03 context=0 hint=11 cancels=0 'ndr le none'\n");
}

// Within one element, too, the better syntax is taken; of two alike both are.
static void order_of_syntaxes(void **state) {
    struct scene *s = *state;
    const struct offer offers[] = {
        {0, &echo_id, {ndr20, ndr64}, 2},
        {1, &echo_id, {ndr64}, 1},
        {2, &other_id, {ndr20}, 1},
        {3, &other_id, {unknown_id, ndr20}, 2},
    };
    bind_offers(s, offers, 4);
    guest_expect(&s->guest, "bind_ack 1 flags=03 fragment=5840 group=101 address='49664' "
                            "[0/0 ndr64] [0/0 ndr64] [0/0 ndr] [0/0 ndr]\n");
}

static void each_syntax_alone(void **state) {
    struct scene *s = *state;
    const cmrp_syntax_id syntaxes[] = {ndr20, ndr64};
    const char *const answers[] = {
        "bind_ack 1 flags=03 fragment=5840 group=101 address='49664' [0/0 ndr]\n",
        "bind_ack 1 flags=03 fragment=5840 group=102 address='49664' [0/0 ndr64]\n"};
    for (size_t i = 0; i < 2; i++) {
        const struct offer offer = {7, &echo_id, {syntaxes[i]}, 1};
        bind_offers(s, &offer, 1);
        guest_expect(&s->guest, answers[i]);
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
}

static void versions_of_interface_and_syntax(void **state) {
    struct scene *s = *state;
    cmrp_syntax_id minor_1 = echo_id;
    cmrp_syntax_id minor_3 = echo_id;
    cmrp_syntax_id major_2 = echo_id;
    cmrp_syntax_id ndr_1 = ndr20;
    minor_1.version_minor = 1;
    minor_3.version_minor = 3;
    major_2.version = 2;
    ndr_1.version = 1;
    const struct offer offers[] = {{0, &minor_1, {ndr20}, 1},
                                   {1, &minor_3, {ndr20}, 1},
                                   {2, &major_2, {ndr20}, 1},
                                   {3, &echo_id, {ndr_1}, 1}};
    bind_offers(s, offers, 4);
    guest_expect(&s->guest, "bind_ack 1 flags=03 fragment=5840 group=101 address='49664' "
                            "[0/0 ndr] [2/1] [2/1] [2/2]\n");
}

static void nothing_accepted_is_still_an_ack(void **state) {
    struct scene *s = *state;
    const struct offer offer = {0, &unknown_id, {ndr20}, 1};
    bind_offers(s, &offer, 1);
    guest_expect(&s->guest, "bind_ack 1 flags=03 fragment=5840 group=101 address='49664' [2/1]\n");
}

static void flags_are_granted_as_asked_for(void **state) {
    struct scene *s = *state;
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 1, 0xff, &offer, 1);
    guest_expect(&s->guest,
                 "bind_ack 1 flags=17 fragment=5840 group=101 address='49664' [0/0 ndr]\n");
    guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 2, 0xff, &offer, 1);
    guest_expect(&s->guest,
                 "alter_context_resp 2 flags=07 fragment=5840 group=101 address='' [0/0 ndr]\n");
}

static void fragment_sizes(void **state) {
    struct scene *s = *state;
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    const uint16_t asked[] = {0, 1431, 1432, 2047, 5840, 65535};
    const uint16_t agreed[] = {1432, 1432, 1432, 2040, 5840, 5840};
    for (uint32_t i = 0; i < 6; i++) {
        char expected[128];
        s->guest.fragment = asked[i];
        bind_offers(s, &offer, 1);
        snprintf(expected, sizeof expected,
                 "bind_ack 1 flags=03 fragment=%u group=%u address='49664' [0/0 ndr]\n", agreed[i],
                 101 + i);
        guest_expect(&s->guest, expected);
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
}

static void alter_context_adds(void **state) {
    struct scene *s = *state;
    const struct offer again = {0, &echo_id, {ndr20}, 1};
    const struct offer more[] = {{9, &other_id, {ndr64}, 1}, {8, &unknown_id, {ndr64}, 1}};
    guest_bind(&s->guest, 0);
    guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 2, 0, more, 2);
    guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 3, 0, &again, 1);
    guest_expect(
        &s->guest,
        "alter_context_resp 2 flags=03 fragment=5840 group=101 address='' [0/0 ndr64] [2/1]\n"
        "alter_context_resp 3 flags=03 fragment=5840 group=101 address='' [0/0 ndr]\n");
    guest_request(&s->guest, BOTH, 2, 9, TELL, NULL, 0);
    guest_request(&s->guest, BOTH, 3, 0, TELL, NULL, 0);
    guest_expect(&s->guest, "response 2 flags=03 context=9 hint=13 cancels=0 'ndr64 le none'\n"
                            "response 3 flags=03 context=0 hint=11 cancels=0 'ndr le none'\n");
}

// ---- refusals -----------------------------------------------------------------------------------

static void refused_binds(void **state) {
    struct scene *s = *state;
    const struct offer offers[] = {
        {0, &echo_id, {ndr20}, 0},       // no syntax
        {0, &echo_id, {features(1)}, 1}, // twice
        {1, &echo_id, {features(2)}, 1}, //
        {0, &echo_id, {ndr20}, 1},       // one identifier for two
        {0, &other_id, {ndr20}, 1},      //
    };
    const struct {
        size_t first, count;
        const char *why;
    } cases[] = {
        {0, 0, "no presentation context"},
        {0, 1, "without a transfer syntax"},
        {1, 2, "bind-time features twice"},
        {3, 2, "one identifier for two"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bind_offers(s, offers + cases[i].first, cases[i].count);
        guest_expect(&s->guest, "bind_nak 1 flags=03 reason=0\nclosed\n");
        place_logged(&s->place, cases[i].why);
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
}

static void refused_alters(void **state) {
    struct scene *s = *state;
    const struct offer offers[] = {
        {1, &echo_id, {ndr20}, 0},
        {1, &echo_id, {features(1)}, 1},
        {2, &echo_id, {features(2)}, 1},
        {0, &echo_id, {ndr64}, 1}, // stands for NDR
    };
    const struct {
        size_t first, count;
        const char *why;
    } cases[] = {
        {0, 0, "no presentation context"},
        {0, 1, "without a transfer syntax"},
        {1, 2, "bind-time features twice"},
        {3, 1, "one identifier for two"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        guest_bind(&s->guest, 0);
        guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 2, 0, offers + cases[i].first,
                    cases[i].count);
        guest_expect(&s->guest, "fault 2 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
        place_logged(&s->place, cases[i].why);
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
}

static void a_second_bind(void **state) {
    struct scene *s = *state;
    const struct offer offer = {3, &echo_id, {ndr20}, 1};
    guest_bind(&s->guest, 0);
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 2, 0, &offer, 1);
    guest_expect(&s->guest, "bind_nak 2 flags=03 reason=0\nclosed\n");
}

static void alter_context_inside_a_request(void **state) {
    struct scene *s = *state;
    const struct offer offer = {3, &echo_id, {ndr20}, 1};
    guest_bind(&s->guest, 0);
    guest_request(&s->guest, FIRST, 2, 0, ECHO_STUB, "abc", 3);
    guest_offer(&s->guest, CMRP_PTYPE_ALTER_CONTEXT, 3, 0, &offer, 1);
    guest_expect(&s->guest, "fault 3 flags=23 context=0 status=1c01000b cancels=0\nclosed\n");
}

static void other_versions_of_the_protocol(void **state) {
    struct scene *s = *state;
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    const uint8_t versions[][2] = {{4, 0}, {6, 0}, {5, 1}, {5, 2}, {0, 0}};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct buffer octets = {0};
        cmrp_pdu_context context = {
            .id = 0, .abstract_syntax = echo_id, .transfer_count = 1, .transfers = offer.transfers};
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_BIND, .flags = BOTH, .call_id = 77},
                        .list_count = 1,
                        .contexts = &context};
        guest_encode(&s->guest, &pdu, &octets);
        memcpy(octets.data, versions[i], 2);
        guest_octets(&s->guest, octets.data, octets.size);
        buffer_free(&octets);
        guest_expect(&s->guest, "bind_nak 77 flags=03 reason=4\nclosed\n");
        place_logged(&s->place, ", not 5.0");
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
}

static void pdus_before_bind_and_of_servers(void **state) {
    struct scene *s = *state;
    const uint8_t ptypes[] = {CMRP_PTYPE_CO_CANCEL, CMRP_PTYPE_ORPHANED, CMRP_PTYPE_SHUTDOWN};
    for (size_t i = 0; i < sizeof ptypes; i++) {
        guest_plain(&s->guest, ptypes[i], 1);
        guest_expect(&s->guest, "closed\n");
        place_logged(&s->place, "before bind");
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
    guest_call(&s->guest, 1, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "closed\n");
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_bind(&s->guest, 0);
    guest_plain(&s->guest, CMRP_PTYPE_SHUTDOWN, 1);
    guest_expect(&s->guest, "closed\n");
    place_logged(&s->place, "a client does not send shutdown");
}

static void big_endian_clients(void **state) {
    struct scene *s = *state;
    s->guest.big_endian = true;
    guest_bind(&s->guest, 0);
    guest_call(&s->guest, 2, TELL, NULL, 0);
    guest_call(&s->guest, 3, REPEAT, "\0\0\0\5Z", 5);
    guest_call_u32(&s->guest, 4, FAULT, 0x12345678);
    guest_expect(&s->guest, "response 2 flags=03 context=0 hint=11 cancels=0 'ndr be none'\n"
                            "response 3 flags=03 context=0 hint=5 cancels=0 'ZZZZZ'\n"
                            "fault 4 flags=03 context=0 status=12345678 cancels=0\n");
}

static void a_server_that_stops(void **state) {
    struct scene *s = *state;
    struct guest late;
    guest_bind(&s->guest, 0);
    guest_call(&s->guest, 2, HOLD, NULL, 0);
    guest_open(&late, &s->place, "192.0.2.1");
    guest_bind(&late, s->guest.group);
    rpc_server_stop(s->place.server);
    guest_expect(&late, "shutdown 0 flags=03\n");
    guest_close(&late);
    guest_call(&s->guest, 3, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "fault 3 flags=23 context=0 status=1c010014 cancels=0\n");
    guest_plain(&s->guest, CMRP_PTYPE_CO_CANCEL, 2);
    guest_expect(&s->guest, "fault 2 flags=03 context=0 status=1c00000d cancels=1\n"
                            "shutdown 0 flags=03\n");
    guest_call(&s->guest, 4, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "fault 4 flags=23 context=0 status=1c010014 cancels=0\n");
    guest_open(&late, &s->place, "192.0.2.1");
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    guest_offer(&late, CMRP_PTYPE_BIND, 1, 0, &offer, 1);
    guest_expect(&late, "bind_nak 1 flags=03 reason=1\nclosed\n");
    guest_close(&late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(both_syntaxes_and_features),
        TEST(order_of_syntaxes),
        TEST(each_syntax_alone),
        TEST(versions_of_interface_and_syntax),
        TEST(nothing_accepted_is_still_an_ack),
        TEST(flags_are_granted_as_asked_for),
        TEST(fragment_sizes),
        TEST(alter_context_adds),
        TEST(refused_binds),
        TEST(refused_alters),
        TEST(a_second_bind),
        TEST(alter_context_inside_a_request),
        TEST(other_versions_of_the_protocol),
        TEST(pdus_before_bind_and_of_servers),
        TEST(big_endian_clients),
        TEST(a_server_that_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
