// SPDX-License-Identifier: Apache-2.0
// Verification trailers: where they may stand, and what is wrong with some.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "cmrp/ndr.h"
#include "support.h"

#define SIGNATURE "8ae3137102f43671"
#define BITMASK   "0100 0400 01000000"
#define PCONTEXT                                                                                   \
    "0280 2800 b2b87db9634ccf11bff608002be23f2f 03000000"                                          \
    "045d888aeb1cc9119fe808002b104860 02000000"
#define HEADER2(end) "03" end "1000 00000000 10000000 02000000 0000 2500"
#define TRAILER                                                                                    \
    "8ae3137102f43671"                                                                             \
    "01400400"                                                                                     \
    "01000000"

// ---- places -------------------------------------------------------------------------------------

// A verification trailer is no trailing data; in a response there is none.
static void test_verification_trailer(void **state) {
    (void)state;
    static const struct {
        const char *request, *response;
        const char *level; // of a warning, or NULL
    } cases[] = {
        {HANDLE "8ae3137102f43671 01400400 01000000", NOHAND "00000000", NULL},
        {HANDLE "ffffffff" TRAILER, NOHAND "00000000", NULL}, // padding before it
        {HANDLE "ff" TRAILER, NOHAND "00000000", "note"},     // not at a multiple of 4
        {HANDLE "8ae3137102f4367201400400", NOHAND "00000000", "note"},
        {HANDLE "00", NOHAND "00000000", "note"},
        {HANDLE, NOHAND "00000000" TRAILER, "should"},
        {HANDLE, NOHAND "00000000", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_usual_bind(&c);
        talk_call(&c, 2, 37, cases[i].request, cases[i].response);
        const struct replay_result result = run_conversation(as_json, &c, &out);
        assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
        assert_int_equal(result.warnings, cases[i].level != NULL);
        assert_int_equal(result.findings, 0);
        assert_int_equal(replay_outcome(&result, 1), OUTCOME_OK); // warnings alone are no finding
        const char *said = strstr(buffer_text(&out), "{\"level\":\"");
        assert_int_equal(said != NULL, cases[i].level != NULL);
        if (said != NULL) {
            assert_memory_equal(said + 10, cases[i].level, strlen(cases[i].level));
        }
        buffer_free(&out);
        conversation_free(&c);
    }
}

// Behind parameters that end at no multiple of 4 there is padding before it.
static void test_verification_trailer_alignment(void **state) {
    (void)state;
#define DELETE_KEY HANDLE "16000000 16000000 01000000 03000000 00000000 02000000 0000 00000000"
    static const char *const requests[] = {DELETE_KEY "0000" TRAILER, DELETE_KEY TRAILER};
    for (uint64_t i = 0; i < 2; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_usual_bind(&c);
        talk_call(&c, 2, 113, requests[i], "00000000 00000000 00000000");
        const struct replay_result result = run_conversation(as_json, &c, &out);
        assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
        assert_int_equal(result.warnings, i);
        buffer_free(&out);
        conversation_free(&c);
    }
}

// In the last fragment only, and at a multiple of 4 of that.
static void test_trailer_in_the_last_fragment(void **state) {
    (void)state;
    static const uint8_t key[CMRP_HANDLE_SIZE];
    static const uint8_t trailer[] = {0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71,
                                      0x01, 0x40, 0x04, 0x00, 1,    0,    0,    0};
    for (size_t cut = 17; cut < 20; cut++) {
        struct conversation c = {0};
        struct buffer out = {0};
        struct buffer rest = {0};
        buffer_append(&rest, key + cut, sizeof key - cut);
        while (rest.size % 4 != 0) {
            buffer_append(&rest, "", 1);
        }
        buffer_append(&rest, trailer, sizeof trailer);
        cmrp_pdu pdu = {
            .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = CMRP_PFC_FIRST_FRAG, .call_id = 2},
            .opnum = 37,
            .stub = {key, cut}};
        talk_usual_bind(&c);
        talk_pdu(&c, CLIENT, &pdu);
        pdu.header.flags = CMRP_PFC_LAST_FRAG;
        pdu.stub = buffer_view(&rest);
        talk_pdu(&c, CLIENT, &pdu);
        const struct replay_result result = run_conversation(as_json, &c, &out);
        assert_int_equal(result.warnings, 0);
        contains(&out, "\"verification\":[{\"command\":\"bitmask\"");
        buffer_free(&rest);
        buffer_free(&out);
        conversation_free(&c);
    }
}

static void test_trailer_shown(void **state) {
    (void)state;
    struct conversation c = {0};
    struct replay_options options = as_text;
    options.verbose = true;
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE TRAILER, NOHAND "00000000");
    expect_part(options, &c,
                "                pKey  key#1 " HANDLE "\n"
                "                verification trailer at offset 20, 16 octets: 8a e3 13 71");
    conversation_free(&c);
}

// ---- commands -----------------------------------------------------------------------------------

static void expect_trailer(const char *trailer, const char *part, unsigned warnings) {
    struct conversation c = {0};
    struct buffer stub = {0};
    struct buffer out = {0};
    buffer_printf(&stub, HANDLE "%s", trailer);
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, buffer_text(&stub), NOHAND OK);
    const struct replay_result result = run_conversation(as_json, &c, &out);
    assert_int_equal(result.warnings, warnings);
    assert_int_equal(result.findings, 0);
    contains(&out, part);
    buffer_free(&stub);
    buffer_free(&out);
    conversation_free(&c);
}

static void test_trailer_commands(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    expect_trailer(SIGNATURE BITMASK PCONTEXT HEADER2("40"),
                   "\"verification\":[{\"command\":\"bitmask\",\"data\":\"01000000\"},"
                   "{\"command\":\"pcontext\",\"must_process\":true,\"data\":\"b2b87db9",
                   0);
    expect_trailer("00000000" SIGNATURE HEADER2("40"), "{\"command\":\"header2\",\"data\":", 0);
    expect_trailer(SIGNATURE "0900 0000" BITMASK "0a40 0400 ffffffff",
                   "[{\"command\":9,\"data\":\"\"},", 0);
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE SIGNATURE BITMASK PCONTEXT HEADER2("40"), NOHAND OK);
    run_conversation(as_verbose_text, &c, &out);
    contains(&out, "bitmask 0x00000001\n");
    contains(&out, "pcontext clusapi 3.0 in NDR 2.0, must be processed\n");
    contains(&out, "header2 request, call 2, context 0, opnum 37\n");
    buffer_free(&out);
    conversation_free(&c);
}

static void test_broken_trailers(void **state) {
    (void)state;
    expect_trailer(SIGNATURE, "has no last command", 1);
    expect_trailer(SIGNATURE BITMASK, "has no last command", 1);
    expect_trailer(SIGNATURE "0140 0400 0100", "has no last command", 1);
    expect_trailer(SIGNATURE "0140 0800 01000000 00000000", "length is not that of its command", 1);
    expect_trailer(SIGNATURE "0940 0200 0100", "length is not that of its command", 1);
    expect_trailer(SIGNATURE "0140 0400 01000000 00", "octets follow the last command", 1);
    expect_trailer(SIGNATURE BITMASK "0140 0400 01000000", "twice", 1);
    expect_trailer(SIGNATURE "0240 2800 b2b87db9634ccf11bff608002be23f2f 02000000"
                             "33057171babe37498319b5dbef9ccc36 01000000",
                   "InterfaceId is not the interface", 2);
    expect_trailer(SIGNATURE "0340 1000 02000000 00000000 03000000 0100 2600",
                   "opnum is not that of the request", 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verification_trailer),
        cmocka_unit_test(test_verification_trailer_alignment),
        cmocka_unit_test(test_trailer_in_the_last_fragment),
        cmocka_unit_test(test_trailer_shown),
        cmocka_unit_test(test_trailer_commands),
        cmocka_unit_test(test_broken_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
