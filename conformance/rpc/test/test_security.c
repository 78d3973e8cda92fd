// SPDX-License-Identifier: Apache-2.0
// The seam for security, with one whose secret is an octet: stubs are XORed with it, tokens hold
// its name.
#include "guest.h"

enum { TYPE = 0x77, LEVEL = 6, CONTEXT = 5, KEY = 0x5a };

struct vault {
    struct rpc_security security;
    size_t handshakes;
    size_t ended;
};

static enum rpc_handshake on_handshake(void *context, struct rpc_connection *connection,
                                       const cmrp_pdu *pdu, cmrp_view *answer) {
    struct vault *vault = context;
    vault->handshakes++;
    if (pdu->auth_type != TYPE) {
        return RPC_HANDSHAKE_UNKNOWN;
    }
    if (pdu->auth_token.size != 5 || memcmp(pdu->auth_token.data, "hello", 5) != 0) {
        return RPC_HANDSHAKE_REFUSED;
    }
    *rpc_connection_security(connection) = vault;
    *answer = (cmrp_view){(const uint8_t *)"welcome", 7};
    return RPC_HANDSHAKE_ACCEPTED;
}

static void apply(uint8_t *octets, size_t size) {
    for (size_t i = 0; i < size; i++) {
        octets[i] ^= KEY;
    }
}

static uint32_t on_unwrap(void *context, struct rpc_connection *connection, cmrp_pdu *pdu,
                          uint8_t *octets) {
    assert_true(*rpc_connection_security(connection) == context ||
                *rpc_connection_security(connection) == NULL);
    if (!pdu->has_auth || pdu->auth_level != LEVEL || pdu->auth_token.size != 4 ||
        memcmp(pdu->auth_token.data, "seal", 4) != 0) {
        return RPC_FAULT_ACCESS_DENIED;
    }
    apply(octets + (pdu->stub.data - octets), pdu->stub.size);
    return 0;
}

static struct rpc_protection on_protection(void *context, struct rpc_connection *connection) {
    return *rpc_connection_security(connection) == context
               ? (struct rpc_protection){TYPE, LEVEL, CONTEXT, 4}
               : (struct rpc_protection){0};
}

static void on_wrap(void *context, struct rpc_connection *connection, uint8_t *octets, size_t size,
                    size_t stub_at, size_t stub_size) {
    (void)context;
    (void)connection;
    assert_int_equal(stub_size % 16, 0);
    assert_int_equal(stub_at + stub_size + 8 + 4, size);
    apply(octets + stub_at, stub_size);
    memcpy(octets + size - 4, "seal", 4);
}

static void on_ended(void *context, struct rpc_connection *connection) {
    struct vault *vault = context;
    (void)connection;
    vault->ended++;
}

struct scene {
    struct vault vault;
    struct place place;
    struct guest guest;
};

static int set_up(void **state) {
    struct scene *s = util_alloc(sizeof *s);
    s->vault.security =
        (struct rpc_security){&s->vault, on_handshake, on_unwrap, on_protection, on_wrap, on_ended};
    place_open(&s->place, NULL, &s->vault.security);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    s->vault.ended = 0;
    guest_close(&s->guest);
    assert_int_equal(s->vault.ended, 1);
    place_close(&s->place);
    free(s);
    return 0;
}

static uint8_t level = LEVEL;

static void protect(cmrp_pdu *pdu, uint8_t type, const char *token) {
    pdu->has_auth = true;
    pdu->auth_type = type;
    pdu->auth_level = level;
    pdu->auth_context_id = CONTEXT;
    pdu->auth_token = (cmrp_view){(const uint8_t *)token, strlen(token)};
}

static void offer_with(struct scene *s, unsigned ptype, uint8_t type, const char *token) {
    cmrp_pdu_context context = {
        .abstract_syntax = echo_id, .transfer_count = 1, .transfers = &ndr20};
    cmrp_pdu pdu = {.header = {.ptype = (uint8_t)ptype, .flags = BOTH | MPX, .call_id = 1},
                    .max_xmit_frag = 5840,
                    .max_recv_frag = 5840,
                    .list_count = 1,
                    .contexts = &context};
    protect(&pdu, type, token);
    guest_pdu(&s->guest, &pdu);
}

static void sealed_request(struct scene *s, unsigned flags, uint32_t call_id, enum echo_opnum opnum,
                           const void *stub, size_t size) {
    uint8_t *sealed = util_alloc(size + 1);
    memcpy(sealed, stub, size);
    apply(sealed, size);
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = (uint8_t)flags, .call_id = call_id},
        .opnum = (uint16_t)opnum,
        .stub = {sealed, size}};
    protect(&pdu, TYPE, "seal");
    guest_pdu(&s->guest, &pdu);
    free(sealed);
}

static void bind_with_token(struct scene *s) {
    offer_with(s, CMRP_PTYPE_BIND, TYPE, "hello");
    guest_expect(&s->guest, "bind_ack 1 flags=13 fragment=5840 group=101 address='49664' "
                            "[0/0 ndr] auth=119/6/5 token='welcome'\n");
    s->guest.key = KEY;
}

static void stubs_are_opened_and_sealed(void **state) {
    struct scene *s = *state;
    bind_with_token(s);
    sealed_request(s, BOTH, 2, ECHO_STUB, "hello there", 11);
    sealed_request(s, FIRST, 3, ECHO_STUB, "one ", 4);
    sealed_request(s, LAST, 3, ECHO_STUB, "two", 3);
    sealed_request(s, BOTH, 4, FAULT, "\5\0\0\0", 4);
    guest_expect(&s->guest,
                 "response 2 flags=03 context=0 hint=11 cancels=0 'hello there' auth=119/6/5 "
                 "token='seal'\n"
                 "response 3 flags=03 context=0 hint=7 cancels=0 'one two' auth=119/6/5 "
                 "token='seal'\n"
                 "fault 4 flags=03 context=0 status=00000005 cancels=0 auth=119/6/5 "
                 "token='seal'\n");
}

static void every_fragment_is_sealed(void **state) {
    struct scene *s = *state;
    size_t octets = 0;
    bind_with_token(s);
    sealed_request(s, BOTH, 2, REPEAT, "\x50\xc3\0\0x", 5); // 50,000 octets
    for (size_t at = 0; at < s->guest.received.size;) {
        cmrp_error error = {0};
        cmrp_pdu pdu;
        const cmrp_view rest = {s->guest.received.data + at, s->guest.received.size - at};
        assert_true(cmrp_pdu_decode(rest, 0, &pdu, NULL, NULL, &error));
        assert_in_range(pdu.header.frag_length, 24, 5840);
        assert_int_equal((pdu.stub.size + pdu.auth_padding.size) % 16, 0);
        assert_true((pdu.header.flags & LAST) != 0 || pdu.auth_padding.size == 0);
        assert_memory_equal(pdu.auth_token.data, "seal", 4);
        for (size_t i = 0; i < pdu.stub.size; i++) {
            assert_int_equal(pdu.stub.data[i] ^ KEY, 'x');
        }
        octets += pdu.stub.size;
        at += pdu.header.frag_length;
    }
    assert_int_equal(octets, 50000);
    buffer_clear(&s->guest.received);
}

static void tokens_that_are_refused(void **state) {
    struct scene *s = *state;
    offer_with(s, CMRP_PTYPE_BIND, TYPE + 1, "hello");
    guest_expect(&s->guest, "bind_nak 1 flags=03 reason=8\nclosed\n");
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    offer_with(s, CMRP_PTYPE_BIND, TYPE, "hallo");
    guest_expect(&s->guest, "bind_nak 1 flags=03 reason=9\nclosed\n");
    guest_close(&s->guest);
    guest_open(&s->guest, &s->place, "192.0.2.1");
    guest_bind(&s->guest, 0);
    offer_with(s, CMRP_PTYPE_ALTER_CONTEXT, TYPE, "hallo");
    guest_expect(&s->guest, "fault 1 flags=23 context=0 status=00000005 cancels=0\nclosed\n");
    assert_int_equal(s->vault.handshakes, 3);
}

static void levels_that_are_none(void **state) {
    struct scene *s = *state;
    const uint8_t levels[] = {0, 1, 7, 255};
    for (size_t i = 0; i < sizeof levels; i++) {
        level = levels[i];
        offer_with(s, CMRP_PTYPE_BIND, TYPE, "hello");
        level = LEVEL;
        guest_expect(&s->guest, "bind_nak 1 flags=03 reason=0\nclosed\n");
        guest_close(&s->guest);
        guest_open(&s->guest, &s->place, "192.0.2.1");
    }
    assert_int_equal(s->vault.handshakes, 0);
}

static void what_is_not_sealed_is_refused(void **state) {
    struct scene *s = *state;
    bind_with_token(s);
    guest_call(&s->guest, 2, ECHO_STUB, "in clear", 8);
    guest_expect(&s->guest, "fault 2 flags=23 context=0 status=00000005 cancels=0 "
                            "auth=119/6/5 token='seal'\nclosed\n");
    place_logged(&s->place, "its request was refused by the security context (0x00000005)");
}

static void auth3_has_no_answer(void **state) {
    struct scene *s = *state;
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_AUTH3, .flags = BOTH, .call_id = 1}};
    guest_bind(&s->guest, 0);
    protect(&pdu, TYPE, "hello");
    guest_pdu(&s->guest, &pdu);
    guest_expect(&s->guest, "");
    s->guest.key = KEY;
    sealed_request(s, BOTH, 2, ECHO_STUB, "x", 1);
    guest_expect(&s->guest, "response 2 flags=03 context=0 hint=1 cancels=0 'x' auth=119/6/5 "
                            "token='seal'\n");
    protect(&pdu, TYPE, "hallo");
    guest_pdu(&s->guest, &pdu);
    guest_expect(&s->guest, "closed\n");
}

// ---- a server without security ------------------------------------------------------------------

static void tokens_without_security(void **state) {
    struct scene s = {0};
    (void)state;
    place_open(&s.place, NULL, NULL);
    guest_open(&s.guest, &s.place, "192.0.2.1");
    offer_with(&s, CMRP_PTYPE_BIND, TYPE, "hello");
    guest_expect(&s.guest, "bind_nak 1 flags=03 reason=8\nclosed\n");
    const struct {
        uint8_t ptype;
        const char *answer;
    } cases[] = {
        {CMRP_PTYPE_ALTER_CONTEXT,
         "fault 1 flags=23 context=0 status=00000005 cancels=0\nclosed\n"},
        {CMRP_PTYPE_REQUEST, "fault 1 flags=23 context=0 status=00000005 cancels=0\nclosed\n"},
        {CMRP_PTYPE_AUTH3, "closed\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        guest_close(&s.guest);
        guest_open(&s.guest, &s.place, "192.0.2.1");
        guest_bind(&s.guest, 0);
        if (cases[i].ptype == CMRP_PTYPE_ALTER_CONTEXT) {
            offer_with(&s, CMRP_PTYPE_ALTER_CONTEXT, TYPE, "hello");
        } else {
            cmrp_pdu pdu = {.header = {.ptype = cases[i].ptype, .flags = BOTH, .call_id = 1}};
            protect(&pdu, TYPE, "hello");
            guest_pdu(&s.guest, &pdu);
        }
        guest_expect(&s.guest, cases[i].answer);
    }
    guest_close(&s.guest);
    place_close(&s.place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(stubs_are_opened_and_sealed),
        TEST(every_fragment_is_sealed),
        TEST(tokens_that_are_refused),
        TEST(levels_that_are_none),
        TEST(what_is_not_sealed_is_refused),
        TEST(auth3_has_no_answer),
        cmocka_unit_test(tokens_without_security),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
