// SPDX-License-Identifier: Apache-2.0
// Connections whose bind the capture does not hold: known from the endpoint mapper, recognised by
// what their calls look like, or neither. Association details that only some conversations have.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmrp/epm.h"
#include "pcap.h"
#include "replay/replay.h"

enum { PORT = 49152, MAPPER_PORT = 135, OTHER_PORT = 50000 };

#define KEY    "00000000 01020304050607080910111213141516"
#define SUBKEY "00000000 a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6"
#define NOHAND "00000000 00000000000000000000000000000000"
#define OK     "00000000"
// The string "Ab" with its NUL: in NDR, then in NDR64, and as 4 octets of padding behind follow.
#define AB    "03000000 00000000 03000000 410062000000 0000"
#define AB_64 "0300000000000000 0000000000000000 0300000000000000 410062000000 0000"

// ---- helpers ------------------------------------------------------------------------------------

static bool collect(void *context, const char *text, size_t size) {
    buffer_append(context, text, size);
    return true;
}

static struct replay_result run(enum replay_format format, bool verbose,
                                const struct buffer *capture, struct buffer *out) {
    struct replay_result result;
    const struct replay_options options = {
        .format = format, .verbose = verbose, .opnum = -1, .write = collect, .context = out};
    replay_memory(&options, capture->data, capture->size, &result);
    assert_int_equal(result.status, CAPTURE_OK);
    buffer_text(out);
    return result;
}

// One conversation on the server's port: what is printed.
static struct replay_result print(const struct conversation *c, enum replay_format format,
                                  bool verbose, struct buffer *out) {
    struct buffer capture = {0};
    pcap_begin(&capture);
    pcap_connection(&capture, c, 1234, PORT);
    const struct replay_result result = run(format, verbose, &capture, out);
    buffer_free(&capture);
    return result;
}

static void contains(struct buffer *out, const char *part) {
    if (strstr(buffer_text(out), part) == NULL) {
        fprintf(stderr, "missing: %s\nin: %s\n", part, buffer_text(out));
        fail();
    }
}

static void lacks(struct buffer *out, const char *part) {
    if (strstr(buffer_text(out), part) != NULL) {
        fprintf(stderr, "unwanted: %s\nin: %s\n", part, buffer_text(out));
        fail();
    }
}

// Nothing is decoded, and the note ends with `why`.
static void expect_unknown(const struct conversation *c, const char *why) {
    struct buffer out = {0};
    const struct replay_result result = print(c, REPLAY_JSON, false, &out);
    assert_int_equal(replay_calls(&result), 0);
    assert_int_equal(result.connections, 0);
    assert_int_equal(result.unbound, 1);
    contains(&out, why);
    lacks(&out, "\"kind\":\"call\"");
    buffer_free(&out);
}

// ---- recognised by their shape ------------------------------------------------------------------

// ApiGetRootKey, ApiOpenKey, ApiSetValue, ApiCloseKey of protocol 3.
static void talk_registry(struct conversation *c, const char *name) {
    struct buffer open = {0};
    struct buffer set = {0};
    buffer_printf(&open, KEY "%s 19000200", name);
    // Status, rpc_status, key
    talk_call(c, 2, 28, "19000200", OK OK KEY);
    talk_call(c, 3, 30, buffer_text(&open), OK OK SUBKEY);
    buffer_free(&open);
    buffer_free(&set);
}

static void test_guessed(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, SUBKEY AB "19000200", "05000000" OK NOHAND);
    talk_call(&c, 5, 37, SUBKEY, NOHAND OK);
    talk_call(&c, 6, 37, KEY, NOHAND OK);
    struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.connections, 1);
    assert_int_equal(result.unbound, 0);
    assert_int_equal(result.findings, 0);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 5);
    contains(&out, "\"code\":\"guessed\"");
    contains(&out, "\"call_id\":2,\"context\":0,\"opnum\":28,\"method\":\"ApiGetRootKey\","
                   "\"interface\":3,\"syntax\":\"ndr\",\"guessed\":true,");
    contains(&out, "\"call_id\":6,\"context\":0,\"opnum\":37,\"method\":\"ApiCloseKey\","
                   "\"interface\":3,\"syntax\":\"ndr\",\"guessed\":true,");
    contains(&out, "\"lpSubKey\":\"Ab\"");
    buffer_clear(&out);
    print(&c, REPLAY_TEXT, false, &out);
    contains(&out, "ApiCloseKey              ok (guessed)  key#1");
    buffer_free(&out);
    conversation_free(&c);
}

static void test_guessed_ndr64(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 28, "19000200", OK OK KEY);
    talk_call(&c, 3, 30, KEY "00000000" AB_64 "19000200", OK OK SUBKEY);
    talk_call(&c, 4, 30, SUBKEY "00000000" AB_64 "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, SUBKEY, NOHAND OK);
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"syntax\":\"ndr64\",\"guessed\":true");
    buffer_free(&out);
    conversation_free(&c);
}

// Protocol 2 has no rpc_status.
static void test_guessed_version_2(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 28, "19000200", OK KEY);
    talk_call(&c, 3, 30, KEY AB "19000200", OK SUBKEY);
    talk_call(&c, 4, 30, SUBKEY AB "19000200", OK NOHAND);
    talk_call(&c, 5, 37, SUBKEY, NOHAND OK);
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"interface\":2,\"syntax\":\"ndr\",\"guessed\":true");
    buffer_free(&out);
    conversation_free(&c);
}

// The capture begins within a PDU: the next one is found first.
static void test_guessed_behind_a_torn_pdu(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_octets(&c, CLIENT, "the end of something", 20);
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, SUBKEY AB "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, SUBKEY, NOHAND OK);
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 4);
    contains(&out, "\"kind\":\"gap\"");
    contains(&out, "\"skipped\":20");
    buffer_free(&out);
    conversation_free(&c);
}

// An outstanding call and a later one belong to what was recognised; a response whose request came
// before the capture is said to have none.
static void test_guessed_later_calls(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 9, 65, KEY, NULL); // ApiGetNotify: blocks
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, SUBKEY AB "19000200", OK OK NOHAND);
    talk_call(&c, 5, 37, "01", NOHAND OK); // broken, after it was recognised
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 3);
    assert_int_equal(result.calls[REPLAY_UNANSWERED], 1);
    assert_int_equal(result.calls[REPLAY_UNDECODED], 1);
    contains(&out, "\"call_id\":9,\"context\":0,\"opnum\":65,\"method\":\"ApiGetNotify\"");
    buffer_free(&out);
    conversation_free(&c);
}

static void test_too_few(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_registry(&c, AB);
    expect_unknown(&c, "2 calls on a connection whose bind was not seen: they are too few");
    conversation_free(&c);
}

// Handles and numbers only: any interface may look like that.
static void test_too_plain(void **state) {
    (void)state;
    struct conversation c = {0};
    for (unsigned i = 0; i < 40; i++) {
        talk_call(&c, 2 + 2 * i, 37, KEY, NOHAND OK);
        talk_call(&c, 3 + 2 * i, 44, SUBKEY, NOHAND OK);
    }
    expect_unknown(&c, "they are too few, or too plain, to tell what they are");
    conversation_free(&c);
}

// One call that does not fit is enough, wherever it stands before the decision.
static void test_one_that_does_not_fit(void **state) {
    (void)state;
    static const struct {
        uint16_t opnum;
        const char *request, *response;
    } strangers[] = {
        {37, KEY "00", NOHAND OK},                                    // an octet too many
        {37, KEY, NOHAND OK "00"},                                    // the same in the response
        {37, "01000000 01020304050607080910111213141516", NOHAND OK}, // attributes
        {44, KEY, NOHAND OK},                                         // a key as a group
        {37, KEY, NOHAND "010000c0"},                                 // an NTSTATUS
        {999, KEY, NOHAND OK},                                        // no such method
        {30, KEY "03000000 00000000 03000000 410001000000 0000 19000200", OK OK NOHAND},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        struct conversation c = {0};
        talk_registry(&c, AB);
        talk_call(&c, 4, strangers[i].opnum, strangers[i].request, strangers[i].response);
        talk_call(&c, 5, 30, SUBKEY AB "19000200", OK OK NOHAND);
        talk_call(&c, 6, 37, SUBKEY, NOHAND OK);
        expect_unknown(&c, "they are not of this protocol");
        conversation_free(&c);
    }
}

// What a server refused says nothing against it.
static void test_refused_calls_are_no_contradiction(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_registry(&c, AB);
    talk_call(&c, 4, 30, "01", NULL);
    talk_fault(&c, 4, 0, 0x6f7);
    talk_call(&c, 5, 30, SUBKEY AB "19000200", OK OK NOHAND);
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 3);
    assert_int_equal(result.calls[REPLAY_FAULT], 1);
    buffer_free(&out);
    conversation_free(&c);
}

// Other interfaces: what their calls look like on the wire.
static void test_foreign_traffic(void **state) {
    (void)state;
    struct conversation winreg = {0};
    struct conversation svcctl = {0};
    struct conversation mapper = {0};
    // OpenLocalMachine, BaseRegOpenKey with an RRP_UNICODE_STRING, BaseRegCloseKey.
    talk_call(&winreg, 2, 2, "00000000 00000002", KEY OK);
    talk_call(&winreg, 3, 15,
              KEY "06000600 00000200 03000000 00000000 03000000 410062000000 0000 00000000"
                  "19000200",
              SUBKEY OK);
    talk_call(&winreg, 4, 5, SUBKEY, NOHAND OK);
    talk_call(&winreg, 5, 5, KEY, NOHAND OK);
    expect_unknown(&winreg, "too plain, to tell what they are");
    // OpenSCManagerW, OpenServiceW, QueryServiceStatus, CloseServiceHandle.
    talk_call(&svcctl, 2, 15, "00000200" AB "00000000 3f000f00", KEY OK);
    talk_call(&svcctl, 3, 16, KEY AB "ff010f00", SUBKEY OK);
    talk_call(&svcctl, 4, 6, SUBKEY,
              "10000000 04000000 05000000 00000000 00000000 00000000"
              "00000000" OK);
    talk_call(&svcctl, 5, 0, SUBKEY, NOHAND OK);
    expect_unknown(&svcctl, "they are not of this protocol");
    // ept_map without a tower, answered with none.
    for (unsigned i = 0; i < 4; i++) {
        talk_call(&mapper, 2 + i, 3, "00000000 00000000" NOHAND "04000000",
                  NOHAND "00000000 04000000 00000000 00000000 d6a0c916");
    }
    expect_unknown(&mapper, "they are not of this protocol");
    conversation_free(&winreg);
    conversation_free(&svcctl);
    conversation_free(&mapper);
}

static void test_sealed_without_a_bind(void **state) {
    (void)state;
    struct conversation c = {.auth = {.type = 10, .level = ASSOC_LEVEL_PRIVACY, .id = 1}};
    talk_registry(&c, AB);
    expect_unknown(&c, "they are encrypted");
    conversation_free(&c);
}

// ---- known from the endpoint mapper -------------------------------------------------------------

static const cmrp_syntax_id mapper_interface = {{{0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9,
                                                  0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0, 0xfa}},
                                                3,
                                                0};

#define FLOORS(version)                                                                            \
    "0500 1300 0d b2b87db9634ccf11bff608002be23f2f" version "0200 0000"                            \
    "1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000"
#define TCP_TOWER(port, address)                                                                   \
    FLOORS("0300") "0100 0b 0200 0000 0100 07 0200" port "0100 09 0400" address
#define UDP_TOWER(port, address)                                                                   \
    FLOORS("0200") "0100 0a 0200 0000 0100 08 0200" port "0100 09 0400" address
#define ASK(tower) "00000000 00000200 4b000000 4b000000" tower "00" NOHAND "04000000"
#define ONE(tower)                                                                                 \
    NOHAND "01000000 04000000 00000000 01000000 03000000 4b000000 4b000000" tower "00" OK
#define NONE NOHAND "00000000 04000000 00000000 00000000 d6a0c916"

static void talk_mapper(struct conversation *c, const char *request, const char *response) {
    const uint16_t zero = 0;
    talk_bind(c, CMRP_PTYPE_BIND, 1, &zero, &mapper_interface, &ndr20, 1);
    talk_answer(c, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    talk_call(c, 2, 3, request, response);
}

// A mapper's conversation, then an unbound one with `calls` at PORT.
static struct replay_result after_mapper(const char *request, const char *response,
                                         const struct conversation *calls, struct buffer *out) {
    struct buffer capture = {0};
    struct conversation mapper = {0};
    talk_mapper(&mapper, request, response);
    pcap_begin(&capture);
    pcap_connection(&capture, &mapper, 1000, MAPPER_PORT);
    pcap_connection(&capture, calls, 1001, PORT);
    const struct replay_result result = run(REPLAY_JSON, false, &capture, out);
    buffer_free(&capture);
    conversation_free(&mapper);
    return result;
}

static void test_endpoint(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 37, KEY, NOHAND OK);
    struct replay_result result = after_mapper(ASK(TCP_TOWER("0000", "00000000")),
                                               ONE(TCP_TOWER("c000", "c0000201")), &c, &out);
    contains(&out, "{\"kind\":\"endpoint\",\"frame\":6,\"time\":\"2023-11-14T22:13:20.005000Z\","
                   "\"client\":\"192.0.2.236:1000\",\"server\":\"192.0.2.1:135\",\"call_id\":2,"
                   "\"interface\":3,\"protocol\":\"ncacn_ip_tcp\","
                   "\"address\":\"192.0.2.1:49152\"}\n");
    contains(&out, "\"code\":\"known-endpoint\"");
    contains(&out, "\"method\":\"ApiCloseKey\",\"interface\":3,\"syntax\":\"ndr\","
                   "\"mapped\":true,\"request\":");
    assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
    assert_int_equal(result.connections, 1);
    assert_int_equal(result.other, 1); // the mapper's
    buffer_free(&out);
    conversation_free(&c);
}

// The tower's address may be another one of the same host, or none.
static void test_endpoint_addresses(void **state) {
    (void)state;
    static const char *const towers[] = {ONE(TCP_TOWER("c000", "00000000")),
                                         ONE(TCP_TOWER("c000", "0a000001"))};
    for (size_t i = 0; i < 2; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_call(&c, 2, 37, KEY, NOHAND OK);
        const struct replay_result result =
            after_mapper(ASK(TCP_TOWER("0000", "00000000")), towers[i], &c, &out);
        assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
        contains(&out,
                 i == 0 ? "\"address\":\"192.0.2.1:49152\"" : "\"address\":\"10.0.0.1:49152\"");
        buffer_free(&out);
        conversation_free(&c);
    }
}

static void test_endpoint_syntax(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 37, KEY, NOHAND OK);
    talk_call(&c, 3, 30, KEY "00000000" AB_64 "19000200", OK OK SUBKEY);
    const struct replay_result result = after_mapper(ASK(TCP_TOWER("0000", "00000000")),
                                                     ONE(TCP_TOWER("c000", "c0000201")), &c, &out);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 2);
    contains(&out, "\"call_id\":2,\"context\":0,\"opnum\":37,\"method\":\"ApiCloseKey\","
                   "\"interface\":3,\"syntax\":\"ndr64\",\"mapped\":true");
    buffer_free(&out);
    conversation_free(&c);
}

// Encrypted calls keep their names, and no syntax is claimed.
static void test_endpoint_sealed(void **state) {
    (void)state;
    struct conversation c = {.auth = {.type = 10, .level = ASSOC_LEVEL_PRIVACY, .id = 1}};
    struct buffer out = {0};
    talk_call(&c, 2, 30, KEY, NOHAND OK);
    const struct replay_result result = after_mapper(ASK(TCP_TOWER("0000", "00000000")),
                                                     ONE(TCP_TOWER("c000", "c0000201")), &c, &out);
    assert_int_equal(result.calls[REPLAY_SEALED], 1);
    contains(&out, "\"method\":\"ApiOpenKey\",\"interface\":3,\"mapped\":true,\"findings\":[]");
    buffer_free(&out);
    conversation_free(&c);
}

// A port of the mapper's answer over UDP, another interface's, or no answer makes nothing known.
static void test_no_endpoint(void **state) {
    (void)state;
    static const struct {
        const char *answer, *record;
    } cases[] = {
        {ONE(UDP_TOWER("c000", "c0000201")),
         "\"interface\":2,\"protocol\":\"ncadg_ip_udp\",\"address\":\"192.0.2.1:49152\""},
        {ONE(TCP_TOWER("c001", "c0000201")), "\"address\":\"192.0.2.1:49153\""},
        {NONE, "\"interface\":3,\"status\":382312662}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conversation c = {0};
        struct buffer out = {0};
        talk_call(&c, 2, 37, KEY, NOHAND OK);
        const struct replay_result result =
            after_mapper(ASK(TCP_TOWER("0000", "00000000")), cases[i].answer, &c, &out);
        assert_int_equal(replay_calls(&result), 0);
        contains(&out, "\"kind\":\"endpoint\"");
        contains(&out, cases[i].record);
        buffer_free(&out);
        conversation_free(&c);
    }
}

static void test_endpoint_in_text(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer capture = {0};
    struct buffer out = {0};
    talk_mapper(&c, ASK(TCP_TOWER("0000", "00000000")), ONE(TCP_TOWER("c000", "c0000201")));
    talk_call(&c, 3, 3, ASK(TCP_TOWER("0000", "00000000")), NONE);
    talk_call(&c, 4, 3, "00", NONE); // not to be read: passed over
    pcap_begin(&capture);
    pcap_connection(&capture, &c, 1000, OTHER_PORT); // any port may have a mapper
    const struct replay_result result = run(REPLAY_TEXT, false, &capture, &out);
    assert_string_equal(buffer_text(&out),
                        "    0.003000  192.0.2.236:1000 -> 192.0.2.1:50000  #2    ept_map  clusapi "
                        "3.0: ncacn_ip_tcp 192.0.2.1:49152\n"
                        "    0.005000  192.0.2.236:1000 -> 192.0.2.1:50000  #3    ept_map  clusapi "
                        "3.0: no endpoint (status 0x16c9a0d6)\n");
    assert_int_equal(result.connections, 0);
    buffer_free(&capture);
    buffer_free(&out);
    conversation_free(&c);
}

// ---- associations -------------------------------------------------------------------------------

static void test_bind_nak(void **state) {
    (void)state;
    static const uint8_t versions[] = {5, 0, 5, 1};
    static const uint8_t extension[] = {0x20, 0xd8, 0x0c};
    struct conversation c = {0};
    struct buffer out = {0};
    const uint16_t zero = 0;
    const cmrp_pdu nak = {
        .header = {.ptype = CMRP_PTYPE_BIND_NAK, .flags = WHOLE_FLAGS, .call_id = 1},
        .nak_reason = 4,
        .list_count = 2,
        .list = {versions, sizeof versions},
        .extension = {extension, sizeof extension}};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &clusapi_3, &ndr20, 1);
    talk_pdu(&c, SERVER, &nak);
    print(&c, REPLAY_JSON, false, &out);
    contains(&out, "\"answer\":\"bind_nak\",\"reason\":4,\"versions\":[\"5.0\",\"5.1\"],"
                   "\"extension\":\"20d80c\",\"contexts\":");
    buffer_clear(&out);
    print(&c, REPLAY_TEXT, true, &out);
    contains(&out, "bind_nak, reason 4");
    contains(&out, "bind_nak: frame 4, versions 5.0 5.1, extended error");
    buffer_free(&out);
    conversation_free(&c);
}

static void talk_joining(struct conversation *c, uint32_t offered, uint32_t given, unsigned mpx) {
    const cmrp_pdu_context context = {
        .abstract_syntax = clusapi_3, .transfer_count = 1, .transfers = &ndr20};
    const cmrp_pdu_result result = {.transfer = ndr20};
    const cmrp_pdu bind = {.header = {.ptype = CMRP_PTYPE_BIND,
                                      .flags = (uint8_t)(WHOLE_FLAGS | CMRP_PFC_CONC_MPX),
                                      .call_id = 1},
                           .assoc_group_id = offered,
                           .list_count = 1,
                           .contexts = &context};
    const cmrp_pdu ack = {.header = {.ptype = CMRP_PTYPE_BIND_ACK,
                                     .flags = (uint8_t)(WHOLE_FLAGS | mpx),
                                     .call_id = 1},
                          .assoc_group_id = given,
                          .list_count = 1,
                          .results = &result};
    talk_pdu(c, CLIENT, &bind);
    talk_pdu(c, SERVER, &ack);
}

static void test_association(void **state) {
    (void)state;
    struct conversation first = {0};
    struct conversation second = {0};
    struct buffer capture = {0};
    struct buffer out = {0};
    talk_joining(&first, 0, 0x5a5a, CMRP_PFC_CONC_MPX);
    talk_call(&first, 2, 28, "19000200", OK OK KEY);
    talk_joining(&second, 0x5a5a, 0x5a5a, 0);
    talk_call(&second, 2, 37, KEY, NOHAND OK);
    pcap_begin(&capture);
    pcap_connection(&capture, &first, 1000, PORT);
    pcap_connection(&capture, &second, 1001, PORT);
    run(REPLAY_JSON, false, &capture, &out);
    contains(&out, "\"answer\":\"bind_ack\",\"assoc_group\":23130,\"multiplexing\":true,");
    contains(&out, "\"answer\":\"bind_ack\",\"assoc_group\":23130,\"joins\":true,\"contexts\"");
    buffer_clear(&out);
    run(REPLAY_TEXT, true, &capture, &out);
    contains(&out, "association group 0x00005a5a, multiplexing\n");
    contains(&out, "association group 0x00005a5a, joined\n");
    contains(&out, "ApiCloseKey              ok  key#1"); // the handle that the other one got
    buffer_free(&capture);
    buffer_free(&out);
    conversation_free(&first);
    conversation_free(&second);
}

static void test_object(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    struct buffer stub = {0};
    memset(buffer_extend(&stub, CMRP_HANDLE_SIZE), 0, CMRP_HANDLE_SIZE);
    const cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                                     .flags = WHOLE_FLAGS | CMRP_PFC_OBJECT_UUID,
                                     .call_id = 2},
                          .opnum = 37,
                          .has_object = true,
                          .object = cmrp_uuid_clusapi,
                          .stub = buffer_view(&stub)};
    talk_usual_bind(&c);
    talk_pdu(&c, CLIENT, &pdu);
    print(&c, REPLAY_JSON, false, &out);
    contains(&out, "\"object\":\"b97db8b2-4c63-11cf-bff6-08002be23f2f\",\"request\":{\"pKey\":"
                   "\"0000000000000000000000000000000000000000\"}");
    buffer_free(&stub);
    buffer_free(&out);
    conversation_free(&c);
}

// A call given up is shown as that, and its late answer is not a call of its own.
static void test_given_up(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer capture = {0};
    struct buffer out = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, KEY, NULL);
    talk_call(&c, 3, 37, KEY, NULL);
    talk_call(&c, 4, 37, KEY, NULL);
    talk_response(&c, CMRP_PFC_FIRST_FRAG, 2, 0, "late");
    talk_response(&c, CMRP_PFC_LAST_FRAG, 2, 0, "late");
    talk_call(&c, 2, 37, KEY, NOHAND OK); // the identifier again
    pcap_begin(&capture);
    pcap_connection(&capture, &c, 1000, PORT);
    struct replay_result result;
    const struct replay_options options = {
        .format = REPLAY_JSON, .opnum = -1, .assoc.calls = 2, .write = collect, .context = &out};
    replay_memory(&options, capture.data, capture.size, &result);
    assert_int_equal(result.calls[REPLAY_UNDECODED], 0);
    assert_int_equal(result.calls[REPLAY_UNANSWERED], 3);
    assert_int_equal(result.calls[REPLAY_COMPLETE], 1);
    contains(&out, "\"state\":\"unanswered\",\"request_frame\":5,");
    contains(&out, "\"syntax\":\"ndr\",\"given_up\":true,");
    buffer_free(&capture);
    buffer_free(&out);
    conversation_free(&c);
}

static void test_cancelled_and_orphaned(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 65, KEY, NULL);
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 2);
    talk_fault(&c, 2, 0, 0x1c00000d);
    talk_call(&c, 3, 65, KEY, NULL);
    talk_plain(&c, CMRP_PTYPE_ORPHANED, 3);
    talk_plain(&c, CMRP_PTYPE_SHUTDOWN, 0);
    c.pieces[c.count - 1].direction = SERVER;
    print(&c, REPLAY_JSON, false, &out);
    contains(&out, "\"cancelled\":true,\"request\":{");
    contains(&out, "\"orphaned\":true,\"request\":{");
    contains(&out, "\"code\":\"shutdown\"");
    buffer_free(&out);
    conversation_free(&c);
}

// What was noted before the bind is not lost.
static void test_early_notes(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    // A bind cut short within its element.
    talk_octets(&c, CLIENT,
                "\5\0\13\3\20\0\0\0\40\0\0\0\1\0\0\0"
                "\0\20\0\20\0\0\0\0\1\0\0\0\0\0\1\0",
                32);
    talk_usual_bind(&c);
    print(&c, REPLAY_JSON, false, &out);
    contains(&out, "{\"kind\":\"note\",\"frame\":3,");
    contains(&out, "\"code\":\"pdu\"");
    assert_true(strstr(buffer_text(&out), "\"code\":\"pdu\"") <
                strstr(buffer_text(&out), "\"kind\":\"bind\""));
    buffer_free(&out);
    conversation_free(&c);
}

// ---- verification trailers ----------------------------------------------------------------------

#define SIGNATURE "8ae3137102f43671"
#define BITMASK   "0100 0400 01000000"
#define PCONTEXT                                                                                   \
    "0280 2800 b2b87db9634ccf11bff608002be23f2f 03000000"                                          \
    "045d888aeb1cc9119fe808002b104860 02000000"
#define HEADER2(end) "03" end "1000 00000000 10000000 02000000 0000 2500"

static void expect_trailer(const char *trailer, const char *part, unsigned warnings) {
    struct conversation c = {0};
    struct buffer stub = {0};
    struct buffer out = {0};
    buffer_printf(&stub, KEY "%s", trailer);
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, buffer_text(&stub), NOHAND OK);
    const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
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
    talk_call(&c, 2, 37, KEY SIGNATURE BITMASK PCONTEXT HEADER2("40"), NOHAND OK);
    print(&c, REPLAY_TEXT, true, &out);
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
        const struct replay_result result = print(&c, REPLAY_JSON, false, &out);
        assert_int_equal(result.warnings, 0);
        contains(&out, "\"verification\":[{\"command\":\"bitmask\"");
        buffer_free(&rest);
        buffer_free(&out);
        conversation_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guessed),
        cmocka_unit_test(test_guessed_ndr64),
        cmocka_unit_test(test_guessed_version_2),
        cmocka_unit_test(test_guessed_behind_a_torn_pdu),
        cmocka_unit_test(test_guessed_later_calls),
        cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_too_plain),
        cmocka_unit_test(test_one_that_does_not_fit),
        cmocka_unit_test(test_refused_calls_are_no_contradiction),
        cmocka_unit_test(test_foreign_traffic),
        cmocka_unit_test(test_sealed_without_a_bind),
        cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_endpoint_addresses),
        cmocka_unit_test(test_endpoint_syntax),
        cmocka_unit_test(test_endpoint_sealed),
        cmocka_unit_test(test_no_endpoint),
        cmocka_unit_test(test_endpoint_in_text),
        cmocka_unit_test(test_bind_nak),
        cmocka_unit_test(test_association),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_cancelled_and_orphaned),
        cmocka_unit_test(test_early_notes),
        cmocka_unit_test(test_trailer_commands),
        cmocka_unit_test(test_broken_trailers),
        cmocka_unit_test(test_trailer_in_the_last_fragment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
