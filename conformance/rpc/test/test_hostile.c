// SPDX-License-Identifier: Apache-2.0
// Hostile clients: a conversation of everything, cut anywhere, changed anywhere, in pieces of any
// size. Nothing may crash, nothing may be left, and another client's calls always succeed.
#include "guest.h"

enum { ROUNDS = 20000 };

// ---- material -----------------------------------------------------------------------------------

static void put(struct guest *guest, struct buffer *out, cmrp_pdu *pdu, unsigned ptype,
                unsigned flags, uint32_t call_id) {
    pdu->header.ptype = (uint8_t)ptype;
    pdu->header.flags = (uint8_t)flags;
    pdu->header.call_id = call_id;
    guest_encode(guest, pdu, out);
}

static void put_request(struct guest *guest, struct buffer *out, unsigned flags, uint32_t call_id,
                        uint16_t context, enum echo_opnum opnum, const char *stub, size_t size) {
    cmrp_pdu pdu = {
        .context_id = context, .opnum = (uint16_t)opnum, .stub = {(const uint8_t *)stub, size}};
    put(guest, out, &pdu, CMRP_PTYPE_REQUEST, flags, call_id);
}

static void put_offer(struct guest *guest, struct buffer *out, unsigned ptype, uint32_t call_id,
                      uint16_t id) {
    const cmrp_syntax_id transfers[] = {unknown_id, ndr64, ndr20};
    const cmrp_syntax_id keep = features(2);
    cmrp_pdu_context contexts[] = {
        {.id = id, .abstract_syntax = echo_id, .transfer_count = 3, .transfers = transfers},
        {.id = (uint16_t)(id + 1),
         .abstract_syntax = other_id,
         .transfer_count = 1,
         .transfers = &ndr20},
        {.id = (uint16_t)(id + 2),
         .abstract_syntax = echo_id,
         .transfer_count = 1,
         .transfers = &keep},
    };
    cmrp_pdu pdu = {
        .max_xmit_frag = 2048, .max_recv_frag = 2048, .list_count = 3, .contexts = contexts};
    put(guest, out, &pdu, ptype, BOTH | MPX, call_id);
}

static void put_plain(struct guest *guest, struct buffer *out, unsigned ptype, uint32_t call_id) {
    cmrp_pdu pdu = {0};
    put(guest, out, &pdu, ptype, BOTH, call_id);
}

// Everything that a client may say, in an order that it may be said in.
static void put_everything(struct guest *guest, struct buffer *out) {
    put_offer(guest, out, CMRP_PTYPE_BIND, 1, 0);
    put_request(guest, out, BOTH, 2, 0, ECHO_STUB, "hello", 5);
    put_request(guest, out, FIRST, 3, 0, ECHO_STUB, "one ", 4);
    put_request(guest, out, 0, 3, 0, ECHO_STUB, "two ", 4);
    put_request(guest, out, LAST, 3, 0, ECHO_STUB, "three", 5);
    put_request(guest, out, BOTH, 4, 0, HOLD, "", 0);
    put_request(guest, out, BOTH, 5, 1, HOLD, "", 0);
    put_plain(guest, out, CMRP_PTYPE_CO_CANCEL, 4);
    put_offer(guest, out, CMRP_PTYPE_ALTER_CONTEXT, 6, 3);
    put_request(guest, out, BOTH, 7, 3, OPEN, "", 0);
    put_request(guest, out, BOTH, 8, 4, REPEAT, "\0\x10\0\0x", 5);
    put_request(guest, out, BOTH, 9, 0, HOLD, "", 0);
    put_plain(guest, out, CMRP_PTYPE_ORPHANED, 9);
    put_request(guest, out, BOTH, 10, 0, ECHO_OPNUMS, "x", 1);
    put_request(guest, out, BOTH, 11, 99, ECHO_STUB, "x", 1);
    put_request(guest, out, FIRST, 12, 0, ECHO_STUB, "abandoned", 9);
    put_plain(guest, out, CMRP_PTYPE_ORPHANED, 12);
    put_request(guest, out, BOTH, 13, 1, RELEASE, "\x09\0\0\0", 4);
    put_request(guest, out, BOTH, 14, 0, TELL, "", 0);
}

struct scene {
    struct place place;
    struct guest honest; // its calls must always succeed
    struct buffer octets;
    uint32_t call_id;
};

static int set_up(void **state) {
    struct scene *s = util_alloc(sizeof *s);
    place_open(&s->place, NULL, NULL);
    guest_open(&s->honest, &s->place, "192.0.2.7");
    guest_bind(&s->honest, 0);
    put_everything(&s->honest, &s->octets);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    guest_close(&s->honest);
    place_close(&s->place);
    buffer_free(&s->octets);
    free(s);
    return 0;
}

// Plays octets of a new client; returns what it was answered (free it).
static char *play(struct scene *s, const uint8_t *octets, size_t size, size_t piece) {
    struct guest guest;
    guest_open(&guest, &s->place, "192.0.2.1");
    guest.any_group = true;
    guest.piece = piece;
    guest_octets(&guest, octets, size);
    char *text = util_strdup(guest_text(&guest));
    guest_close(&guest);
    buffer_clear(&s->place.log);
    return text;
}

static void check_honest(struct scene *s) {
    char expected[64];
    s->call_id++;
    snprintf(expected, sizeof expected, "response %u flags=03 context=0 hint=2 cancels=0 'ok'\n",
             s->call_id);
    guest_call(&s->honest, s->call_id, ECHO_STUB, "ok", 2);
    guest_expect(&s->honest, expected);
    assert_int_equal(rpc_server_connections(s->place.server), 1);
    assert_int_equal(rpc_server_calls(s->place.server), 0);
    assert_int_equal(rpc_handles_open(s->place.server, NULL), 0);
}

// ---- tests --------------------------------------------------------------------------------------

static const char *const everything =
    "bind_ack 1 flags=13 fragment=2048 group=0 address='49664' [0/0 ndr64] [0/0 ndr] [3/2]\n"
    "response 2 flags=03 context=0 hint=5 cancels=0 'hello'\n"
    "response 3 flags=03 context=0 hint=13 cancels=0 'one two three'\n"
    "fault 4 flags=03 context=0 status=1c00000d cancels=1\n"
    "alter_context_resp 6 flags=03 fragment=2048 group=0 address='' [0/0 ndr64] [0/0 ndr] "
    "[3/2]\n"
    "response 7 flags=03 context=3 hint=20 cancels=0 (20 octets)\n"
    "response 8 flags=01 context=4 hint=4096 cancels=0 (2024 octets)\n"
    "response 8 flags=00 context=4 hint=2072 cancels=0 (2024 octets)\n"
    "response 8 flags=02 context=4 hint=48 cancels=0 "
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'\n"
    "fault 10 flags=23 context=0 status=1c010002 cancels=0\n"
    "fault 11 flags=23 context=99 status=1c00001c cancels=0\n"
    "response 5 flags=03 context=1 hint=8 cancels=0 'released'\n"
    "response 13 flags=03 context=1 hint=4 cancels=0 1\n"
    "response 14 flags=03 context=0 hint=13 cancels=0 'ndr64 le none'\n";

static void pieces_of_any_size_make_no_difference(void **state) {
    struct scene *s = *state;
    for (size_t piece = 0; piece <= s->octets.size; piece++) {
        char *text = play(s, s->octets.data, s->octets.size, piece);
        assert_string_equal(text, everything);
        free(text);
        check_honest(s);
    }
}

static void one_cut_anywhere_makes_no_difference(void **state) {
    struct scene *s = *state;
    for (size_t cut = 1; cut < s->octets.size; cut++) {
        struct guest guest;
        guest_open(&guest, &s->place, "192.0.2.1");
        guest.any_group = true;
        guest_octets(&guest, s->octets.data, cut);
        guest_octets(&guest, s->octets.data + cut, s->octets.size - cut);
        guest_expect(&guest, everything);
        guest_close(&guest);
    }
    check_honest(s);
}

static void every_truncation(void **state) {
    struct scene *s = *state;
    for (size_t size = 0; size < s->octets.size; size++) {
        char *text = play(s, s->octets.data, size, 0);
        assert_int_equal(strncmp(text, everything, strlen(text)), 0); // a beginning of it
        free(text);
        check_honest(s);
    }
}

static void every_octet_changed(void **state) {
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    struct scene *s = *state;
    for (size_t at = 0; at < s->octets.size; at++) {
        for (size_t i = 0; i < sizeof changes; i++) {
            s->octets.data[at] ^= changes[i];
            char *whole = play(s, s->octets.data, s->octets.size, 0);
            char *pieces = play(s, s->octets.data, s->octets.size, 1);
            assert_string_equal(whole, pieces);
            free(whole);
            free(pieces);
            s->octets.data[at] ^= changes[i];
            check_honest(s);
        }
    }
}

// xorshift64*, seeded with a constant: a failure repeats.
static uint32_t random_below(uint32_t n) {
    static uint64_t seed = 0x9e3779b97f4a7c15;
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545f4914f6cdd1d >> 32) % n);
}

static void many_octets_changed(void **state) {
    static const uint8_t interesting[] = {0, 1, 2, 5, 11, 14, 16, 19, 24, 0x7f, 0x80, 0xff};
    struct scene *s = *state;
    uint8_t *octets = util_alloc(s->octets.size);
    for (size_t round = 0; round < ROUNDS; round++) {
        memcpy(octets, s->octets.data, s->octets.size);
        for (uint32_t i = random_below(8) + 1; i > 0; i--) {
            octets[random_below((uint32_t)s->octets.size)] =
                random_below(2) == 0 ? interesting[random_below(sizeof interesting)]
                                     : (uint8_t)random_below(256);
        }
        free(play(s, octets, s->octets.size, random_below(3) * random_below(300)));
        check_honest(s);
    }
    free(octets);
}

static void nonsense(void **state) {
    struct scene *s = *state;
    const struct {
        const char *octets;
        size_t size;
        bool naked; // a bind_nak comes before the end
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, false},
        {"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 a TLS hello", 24, false},
        {"\5\0\x0b\3\x10\0\0\0\x0f\0\0\0\1\0\0\0", 16, false},    // frag_length 15
        {"\5\0\x0b\3\x30\0\0\0\x10\0\0\0\1\0\0\0", 16, false},    // drep
        {"\5\0\x63\3\x10\0\0\0\x10\0\0\0\1\0\0\0", 16, false},    // PTYPE 99
        {"\5\0\x0b\3\x10\0\0\0\x10\0\0\0\1\0\0\0", 16, true},     // no body
        {"\5\0\x0b\3\x10\0\0\0\x10\0\xff\xff\1\0\0\0", 16, true}, // auth_length
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = play(s, (const uint8_t *)cases[i].octets, cases[i].size, 0);
        assert_string_equal(text,
                            cases[i].naked ? "bind_nak 1 flags=03 reason=4\nclosed\n" : "closed\n");
        free(text);
        check_honest(s);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(pieces_of_any_size_make_no_difference),
        TEST(one_cut_anywhere_makes_no_difference),
        TEST(every_truncation),
        TEST(every_octet_changed),
        TEST(many_octets_changed),
        TEST(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
