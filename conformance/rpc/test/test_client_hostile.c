// SPDX-License-Identifier: Apache-2.0
// One client connection and servers that break the protocol.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "link_bench.h"

// ---- servers that break the protocol ------------------------------------------------------------

enum violation {
    SECOND_FIRST,
    NO_FIRST,
    OTHER_CONTEXT,
    OTHER_ORDER,
    UNKNOWN_CALL,
    TOO_LONG_A_FRAGMENT,
    NOT_RPC,
    ANOTHER_BIND_ACK,
    A_REQUEST,
    FAULT_WITHOUT_STATUS,
    A_TOKEN,
    TOO_LONG_A_RESPONSE,
    TRUNCATED_BODY,
    VIOLATIONS,
};

static void make_token(struct buffer *out) {
    cmrp_pdu pdu = {0};
    pdu.header.ptype = CMRP_PTYPE_RESPONSE;
    pdu.header.flags = BOTH_FRAGS;
    pdu.header.drep[0] = 0x10;
    pdu.header.call_id = 2;
    pdu.context_id = 1;
    pdu.has_auth = true;
    pdu.auth_type = 10;
    pdu.auth_level = 6;
    pdu.auth_token = (cmrp_view){(const uint8_t *)"tokentokentokent", 16};
    peer_encode(out, &pdu);
}

static void make_violation(struct buffer *out, enum violation which) {
    static uint8_t large[6000];
    static const uint8_t noise[16] = "GET / HTTP/1.1\r\n";
    const unsigned first = CMRP_PFC_FIRST_FRAG;
    switch (which) {
    case SECOND_FIRST:
        peer_response(out, first, 2, 1, "a", 1);
        peer_response(out, first, 2, 1, "a", 1);
        break;
    case NO_FIRST: peer_response(out, CMRP_PFC_LAST_FRAG, 2, 1, "a", 1); break;
    case OTHER_CONTEXT: peer_response(out, BOTH_FRAGS, 2, 0, "a", 1); break;
    case OTHER_ORDER: {
        cmrp_pdu pdu = {0};
        pdu.header.ptype = CMRP_PTYPE_RESPONSE;
        pdu.header.flags = CMRP_PFC_LAST_FRAG;
        pdu.header.call_id = 2;
        pdu.context_id = 1;
        peer_response(out, first, 2, 1, "a", 1);
        peer_encode(out, &pdu);
        break;
    }
    case UNKNOWN_CALL: peer_response(out, BOTH_FRAGS, 7, 1, "a", 1); break;
    case TOO_LONG_A_FRAGMENT: peer_response(out, BOTH_FRAGS, 2, 1, large, 5840 - 24 + 1); break;
    case NOT_RPC: buffer_append(out, noise, sizeof noise); break;
    case ANOTHER_BIND_ACK: peer_bind_nak(out, 1, 0); break;
    case A_REQUEST: peer_plain(out, CMRP_PTYPE_CO_CANCEL, 2); break;
    case FAULT_WITHOUT_STATUS: peer_fault(out, BOTH_FRAGS, 2, 0); break;
    case A_TOKEN: make_token(out); break;
    case TOO_LONG_A_RESPONSE:
        peer_response(out, first, 2, 1, large, 5000);
        peer_response(out, 0, 2, 1, large, 5001);
        break;
    case TRUNCATED_BODY:
        peer_response(out, BOTH_FRAGS, 2, 1, "", 0);
        out->data[8] = 20; // a response is 24 octets long
        break;
    case VIOLATIONS: break;
    }
}

static void test_violations(void **state) {
    (void)state;
    for (int which = 0; which < VIOLATIONS; which++) {
        struct bench b;
        struct buffer out = {0};
        bench_open(&b, RPC_OFFER_BOTH, 0, true, 10000);
        const struct peer_bind how = {.multiplex = true};
        const cmrp_pdu bind = bench_sent(&b, 0);
        peer_bind_ack(&out, &bind, &how);
        bench_feed(&b, &out);
        bench_call(&b, "two", 1);
        make_violation(&out, (enum violation)which);
        bench_feed(&b, &out);
        if (strcmp(buffer_text(&b.told), "bound\ntwo 1728 \nfailed 1728\n") != 0) {
            fail_msg("violation %d: %s", which, buffer_text(&b.told));
        }
        peer_response(&out, BOTH_FRAGS, 2, 1, "a", 1); // nothing is heard afterwards
        bench_feed(&b, &out);
        assert_string_equal(buffer_text(&b.told), "bound\ntwo 1728 \nfailed 1728\n");
        bench_close(&b);
    }
}

// Every octet of a good conversation changed in turn, to every value: nothing but a callback may
// come of it, each call ends at most once.
static void test_every_octet(void **state) {
    (void)state;
    struct buffer stream = {0};
    struct bench first;
    bench_open(&first, RPC_OFFER_BOTH, 0, true, 0);
    const cmrp_pdu bind = bench_sent(&first, 0);
    peer_bind_ack(&stream, &bind, &(struct peer_bind){.multiplex = true, .features = 2});
    peer_response(&stream, CMRP_PFC_FIRST_FRAG, 2, 1, "ab", 2);
    peer_fault(&stream, BOTH_FRAGS, 3, 5);
    peer_response(&stream, CMRP_PFC_LAST_FRAG, 2, 1, "c", 1);
    bench_close(&first);
    for (size_t at = 0; at < stream.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct bench b;
            struct buffer out = {0};
            bench_open(&b, RPC_OFFER_BOTH, 0, true, 0);
            buffer_append(&out, stream.data, stream.size);
            out.data[at] = (uint8_t)value;
            const size_t ack = 108 < out.size ? 108 : out.size;
            rpc_link_data(b.link, out.data, ack);
            if (rpc_link_ready(b.link)) {
                bench_call(&b, "two", 1);
                bench_call(&b, "three", 1);
            }
            rpc_link_data(b.link, out.data + ack, out.size - ack);
            rpc_link_lost(b.link, "closed");
            const char *told = buffer_text(&b.told);
            const char *failed = strstr(told, "failed");
            assert_non_null(failed);
            assert_null(strstr(failed + 1, "failed"));
            const char *two = strstr(told, "two ");
            assert_true(two == NULL || strstr(two + 1, "two ") == NULL);
            assert_int_equal(rpc_link_calls(b.link), 0);
            buffer_free(&out);
            bench_close(&b);
        }
    }
    buffer_free(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_violations),
        cmocka_unit_test(test_every_octet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
