// SPDX-License-Identifier: Apache-2.0
// What is said of connections: binds, associations, calls given up, gaps, notes, other traffic.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "cmrp/ndr.h"
#include "support.h"

// ---- binds --------------------------------------------------------------------------------------

static void test_bind_nak(void **state) {
    (void)state;
    static const uint8_t versions[] = {5, 0, 5, 1};
    static const uint8_t extension[] = {0x20, 0xd8, 0x0c};
    struct conversation c = {0};
    struct buffer out = {0};
    const uint16_t zero = 0;
    const cmrp_pdu nak = {.header = {.ptype = CMRP_PTYPE_BIND_NAK, .flags = BOTH, .call_id = 1},
                          .nak_reason = 4,
                          .list_count = 2,
                          .list = {versions, sizeof versions},
                          .extension = {extension, sizeof extension}};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, &zero, &clusapi_3, &ndr20, 1);
    talk_pdu(&c, SERVER, &nak);
    run_conversation(as_json, &c, &out);
    contains(&out, "\"answer\":\"bind_nak\",\"reason\":4,\"versions\":[\"5.0\",\"5.1\"],"
                   "\"extension\":\"20d80c\",\"contexts\":");
    buffer_clear(&out);
    run_conversation(as_verbose_text, &c, &out);
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
                                      .flags = (uint8_t)(BOTH | CMRP_PFC_CONC_MPX),
                                      .call_id = 1},
                           .assoc_group_id = offered,
                           .list_count = 1,
                           .contexts = &context};
    const cmrp_pdu ack = {
        .header = {.ptype = CMRP_PTYPE_BIND_ACK, .flags = (uint8_t)(BOTH | mpx), .call_id = 1},
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
    talk_call(&first, 2, 28, "19000200", OK OK HANDLE);
    talk_joining(&second, 0x5a5a, 0x5a5a, 0);
    talk_call(&second, 2, 37, HANDLE, NOHAND OK);
    pcap_begin(&capture);
    pcap_connection(&capture, &first, 1000, PORT);
    pcap_connection(&capture, &second, 1001, PORT);
    run(as_json, buffer_view(&capture), &out);
    contains(&out, "\"answer\":\"bind_ack\",\"assoc_group\":23130,\"multiplexing\":true,");
    contains(&out, "\"answer\":\"bind_ack\",\"assoc_group\":23130,\"joins\":true,\"contexts\"");
    buffer_clear(&out);
    run(as_verbose_text, buffer_view(&capture), &out);
    contains(&out, "association group 0x00005a5a, multiplexing\n");
    contains(&out, "association group 0x00005a5a, joined\n");
    contains(&out, "ApiCloseKey              ok  key#1"); // the handle that the other one got
    buffer_free(&capture);
    buffer_free(&out);
    conversation_free(&first);
    conversation_free(&second);
}

// Interface version 2 has another ApiGetNotify; a version nobody knows has none.
static void test_interface_versions(void **state) {
    (void)state;
    const uint16_t ids[] = {0, 1, 2};
    const cmrp_syntax_id two = {clusapi_3.uuid, 2, 0};
    const cmrp_syntax_id four = {clusapi_3.uuid, 4, 0};
    const cmrp_syntax_id interfaces[] = {two, four, clusapi_3};
    const cmrp_syntax_id strange = {ndr20.uuid, 3, 0};
    const cmrp_syntax_id transfers[] = {ndr20, ndr20, strange};
    struct conversation c = {0};
    struct buffer out = {0};
    talk_bind(&c, CMRP_PTYPE_BIND, 1, ids, interfaces, transfers, 3);
    talk_answer(&c, CMRP_PTYPE_BIND_ACK, 1, transfers, NULL, 3);
    talk_call(&c, 2, 65, HANDLE "10000000", "07000000 00100000 09000000 00000000 00000000");
    talk_request(&c, BOTH, 3, 1, 65, "x");
    talk_response(&c, BOTH, 3, 1, "x");
    talk_request(&c, BOTH, 4, 2, 65, "x");
    talk_response(&c, BOTH, 4, 2, "x");
    run_conversation(as_json, &c, &out);
    const char *text = buffer_text(&out);
    assert_non_null(strstr(text, "\"interface\":2,\"syntax\":\"ndr\",\"request\":{\"hNotify\":"
                                 "\"" HANDLE "\",\"Timeout\":16},\"response\":{\"dwNotifyKey\":7"));
    assert_non_null(strstr(text, "\"state\":\"undecoded\",\"request_frame\":7"));
    assert_non_null(
        strstr(text, "\"opnum\":65,\"interface\":4,\"syntax\":\"ndr\",\"findings\":[]}"));
    assert_non_null(strstr(text, "\"method\":\"ApiGetNotify\",\"interface\":3,\"syntax\":"
                                 "\"8a885d04-1ceb-11c9-9fe8-08002b104860/3.0\",\"findings\":[]}"));
    buffer_free(&out);
    conversation_free(&c);
}

// ---- calls --------------------------------------------------------------------------------------

static void test_object(void **state) {
    (void)state;
    struct conversation c = {0};
    struct buffer out = {0};
    struct buffer stub = {0};
    memset(buffer_extend(&stub, CMRP_HANDLE_SIZE), 0, CMRP_HANDLE_SIZE);
    const cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH | CMRP_PFC_OBJECT_UUID, .call_id = 2},
        .opnum = 37,
        .has_object = true,
        .object = cmrp_uuid_clusapi,
        .stub = buffer_view(&stub)};
    talk_usual_bind(&c);
    talk_pdu(&c, CLIENT, &pdu);
    run_conversation(as_json, &c, &out);
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
    talk_call(&c, 2, 37, HANDLE, NULL);
    talk_call(&c, 3, 37, HANDLE, NULL);
    talk_call(&c, 4, 37, HANDLE, NULL);
    talk_response(&c, CMRP_PFC_FIRST_FRAG, 2, 0, "late");
    talk_response(&c, CMRP_PFC_LAST_FRAG, 2, 0, "late");
    talk_call(&c, 2, 37, HANDLE, NOHAND OK); // the identifier again
    pcap_begin(&capture);
    pcap_connection(&capture, &c, 1000, PORT);
    struct replay_options options = as_json;
    options.assoc.calls = 2;
    const struct replay_result result = run(options, buffer_view(&capture), &out);
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
    talk_call(&c, 2, 65, HANDLE, NULL);
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 2);
    talk_fault(&c, 2, 0, 0x1c00000d);
    talk_call(&c, 3, 65, HANDLE, NULL);
    talk_plain(&c, CMRP_PTYPE_ORPHANED, 3);
    talk_plain(&c, CMRP_PTYPE_SHUTDOWN, 0);
    c.pieces[c.count - 1].direction = SERVER;
    run_conversation(as_json, &c, &out);
    contains(&out, "\"cancelled\":true,\"request\":{");
    contains(&out, "\"orphaned\":true,\"request\":{");
    contains(&out, "\"code\":\"shutdown\"");
    buffer_free(&out);
    conversation_free(&c);
}

// ---- gaps, notes, other traffic -----------------------------------------------------------------

static void test_gap(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NULL);
    talk_gap(&c, SERVER, 48);
    talk_call(&c, 3, 37, HANDLE, NOHAND "00000000");
    expect_part(as_json, &c,
                "{\"kind\":\"gap\",\"frame\":7,\"time\":\"2023-11-14T22:13:20.006000Z\",\"client\":"
                "\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\",\"from\":\"server\",\"bytes\":"
                "48,\"skipped\":0}\n");
    expect_part(as_text, &c, "  gap  48 octets of the server are missing\n");
    expect_part(as_text, &c, "#3    ApiCloseKey              ok  key#1  => null\n");
    expect_part(as_text, &c, "#2    ApiCloseKey              unanswered  key#1\n");
    conversation_free(&c);
}

static void test_note(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_call(&c, 2, 139, HANDLE, NULL);
    talk_plain(&c, CMRP_PTYPE_CO_CANCEL, 2);
    expect_part(as_text, &c, "  note  the client cancels call 2\n");
    expect_part(
        as_json, &c,
        "{\"kind\":\"note\",\"frame\":6,\"time\":\"2023-11-14T22:13:20.005000Z\",\"client\":"
        "\"192.0.2.236:1234\",\"server\":\"192.0.2.1:49152\",\"code\":\"cancel\","
        "\"message\":\"the client cancels call 2\"}\n");
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
    run_conversation(as_json, &c, &out);
    contains(&out, "{\"kind\":\"note\",\"frame\":3,");
    contains(&out, "\"code\":\"pdu\"");
    assert_true(strstr(buffer_text(&out), "\"code\":\"pdu\"") <
                strstr(buffer_text(&out), "\"kind\":\"bind\""));
    buffer_free(&out);
    conversation_free(&c);
}

static void test_limits(void **state) {
    (void)state;
    struct conversation c = {0};
    struct replay_options options = as_text;
    options.assoc.stub = 30;
    talk_usual_bind(&c);
    talk_call(&c, 2, 37, HANDLE, NOHAND "00000000");
    talk_call(&c, 3, 115, HANDLE, "00000000 00000000 00000000" HANDLE);
    expect_part(options, &c, "note  call 3: a stub of more than 30 octets is not read\n");
    expect_part(options, &c, "ApiGetBatchNotification  undecoded (larger than the limit)  key#1\n");
    conversation_free(&c);
}

static void test_other_traffic(void **state) {
    (void)state;
    struct buffer capture = {0};
    struct buffer out = {0};
    struct conversation web = {0};
    struct conversation other = {0};
    struct conversation unbound = {0};
    struct conversation ours = {0};
    const uint16_t zero = 0;
    talk_octets(&web, CLIENT, "GET / HTTP/1.1\r\n\r\n", 18);
    talk_octets(&web, SERVER, "HTTP/1.1 200 OK\r\n\r\n", 19);
    talk_bind(&other, CMRP_PTYPE_BIND, 1, &zero, &other_interface, &ndr20, 1);
    talk_answer(&other, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
    talk_call(&other, 2, 37, HANDLE, NOHAND "00000000");
    talk_call(&unbound, 2, 37, HANDLE, NOHAND "00000000");
    pcap_begin(&capture);
    pcap_connection(&capture, &web, 1000, 49152);
    pcap_connection(&capture, &other, 1001, 49152);
    struct replay_result result = run(as_text, buffer_view(&capture), &out);
    assert_string_equal(buffer_text(&out), "");
    assert_int_equal(result.other, 1);
    assert_int_equal(result.connections, 0);
    assert_int_equal(replay_outcome(&result, 0), OUTCOME_OK);
    assert_int_equal(replay_outcome(&result, 1), OUTCOME_FINDINGS);
    replay_summary(&result, &out);
    assert_string_equal(buffer_text(&out), "10 packets, 2 TCP connections, 0 of this protocol; no "
                                           "calls of this protocol; 0 findings\n");
    buffer_clear(&out);
    talk_usual_bind(&ours);
    talk_call(&ours, 2, 37, HANDLE, NOHAND "00000000");
    pcap_connection(&capture, &unbound, 1002, 49152);
    pcap_connection(&capture, &ours, 1003, 49152);
    result = run(as_json, buffer_view(&capture), &out);
    assert_int_equal(replay_calls(&result), 1);
    assert_int_equal(result.unbound, 1);
    assert_non_null(strstr(buffer_text(&out), "\"code\":\"unbound\""));
    buffer_clear(&out);
    replay_summary(&result, &out);
    assert_string_equal(buffer_text(&out),
                        "20 packets, 4 TCP connections, 1 of this protocol, 1 DCE/RPC without a "
                        "bind; 1 call: 1 complete; 0 findings\n");
    conversation_free(&web);
    conversation_free(&other);
    conversation_free(&unbound);
    conversation_free(&ours);
    buffer_free(&capture);
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind_nak),
        cmocka_unit_test(test_association),
        cmocka_unit_test(test_interface_versions),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_cancelled_and_orphaned),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_early_notes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_other_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
