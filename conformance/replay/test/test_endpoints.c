// SPDX-License-Identifier: Apache-2.0
// Connections whose bind the capture does not hold, known from what the endpoint mapper answered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include "support.h"

enum { MAPPER_PORT = 135, OTHER_PORT = 50000 };

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
    const struct replay_result result = run(as_json, buffer_view(&capture), out);
    buffer_free(&capture);
    conversation_free(&mapper);
    return result;
}

static void test_endpoint(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    talk_call(&c, 2, 37, HANDLE, NOHAND OK);
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
        talk_call(&c, 2, 37, HANDLE, NOHAND OK);
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
    talk_call(&c, 2, 37, HANDLE, NOHAND OK);
    talk_call(&c, 3, 30, HANDLE "00000000" AB_64 "19000200", OK OK HANDLE2);
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
    talk_call(&c, 2, 30, HANDLE, NOHAND OK);
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
        talk_call(&c, 2, 37, HANDLE, NOHAND OK);
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
    const struct replay_result result = run(as_text, buffer_view(&capture), &out);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoint),        cmocka_unit_test(test_endpoint_addresses),
        cmocka_unit_test(test_endpoint_syntax), cmocka_unit_test(test_endpoint_sealed),
        cmocka_unit_test(test_no_endpoint),     cmocka_unit_test(test_endpoint_in_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
