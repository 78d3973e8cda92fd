// SPDX-License-Identifier: Apache-2.0
// One client connection, fed by hand: binds, calls, fragments, calls that are given up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>

#include "link_bench.h"

// ---- bind ---------------------------------------------------------------------------------------

static void test_bind_offers(void **state) {
    (void)state;
    static const struct {
        enum rpc_offer offer;
        unsigned contexts;
    } cases[] = {{RPC_OFFER_BOTH, 3}, {RPC_OFFER_NDR, 2}, {RPC_OFFER_NDR64, 2}};
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        bench_open(&b, cases[i].offer, 0x77, i == 0, 0);
        const cmrp_pdu bind = bench_sent(&b, 0);
        assert_int_equal(bind.header.ptype, CMRP_PTYPE_BIND);
        assert_int_equal(bind.header.flags, BOTH_FRAGS | (i == 0 ? CMRP_PFC_CONC_MPX : 0));
        assert_int_equal(bind.assoc_group_id, 0x77);
        assert_int_equal(bind.max_recv_frag, 5840);
        assert_int_equal(bind.list_count, cases[i].contexts);
        cmrp_pdu_context context;
        cmrp_syntax_id transfer;
        size_t cursor = 0;
        for (unsigned k = 0; cmrp_pdu_next_context(&bind, &cursor, &context); k++) {
            size_t inner = 0;
            assert_int_equal(context.id, k);
            assert_int_equal(context.transfer_count, 1);
            assert_true(cmrp_uuid_equal(&context.abstract_syntax.uuid, &cmrp_uuid_clusapi));
            assert_true(cmrp_pdu_next_transfer(&context, &inner, &transfer));
            const cmrp_uuid *wanted =
                k == 0 && cases[i].offer != RPC_OFFER_NDR64 ? &cmrp_uuid_ndr20 : &cmrp_uuid_ndr64;
            if (k + 1 == cases[i].contexts) {
                assert_true(cmrp_uuid_is_bind_time(&transfer.uuid));
                assert_int_equal(transfer.uuid.octets[8], 2);
            } else {
                assert_true(cmrp_uuid_equal(&transfer.uuid, wanted));
            }
        }
        assert_false(rpc_link_ready(b.link));
        bench_close(&b);
    }
}

static void test_bind_outcomes(void **state) {
    (void)state;
    static const struct {
        struct peer_bind how;
        uint32_t group;
        const char *told;
        cmrp_syntax syntax;
    } cases[] = {
        {{.multiplex = true}, 0, "bound\n", CMRP_NDR64},
        {{.refuse_ndr64 = true}, 0, "bound\n", CMRP_NDR20},
        {{.refuse_ndr = true, .refuse_features = true}, 0, "bound\n", CMRP_NDR64},
        {{.no_group = true}, 0, "bound\n", CMRP_NDR64},
        {{.group = 9}, 9, "bound\n", CMRP_NDR64},
        {{.group = 8}, 9, "failed 1728\n", CMRP_NDR20},
        {{.refuse_ndr = true, .refuse_ndr64 = true}, 0, "failed 1730\n", CMRP_NDR20},
        {{.refuse_ndr = true, .refuse_ndr64 = true, .refusal = 1}, 0, "failed 1717\n", CMRP_NDR20},
        {{.refuse_ndr = true, .refuse_ndr64 = true, .refusal = 3}, 0, "failed 1723\n", CMRP_NDR20},
        {{.receive = 1431}, 0, "failed 1728\n", CMRP_NDR20},
        {{.receive = 1432}, 0, "bound\n", CMRP_NDR64},
        {{.more_results = -1}, 0, "failed 1728\n", CMRP_NDR20},
        {{.more_results = 1}, 0, "failed 1728\n", CMRP_NDR20},
        {{.call_id = 2}, 0, "failed 1728\n", CMRP_NDR20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        struct buffer out = {0};
        bench_open(&b, RPC_OFFER_BOTH, cases[i].group, true, 0);
        const cmrp_pdu bind = bench_sent(&b, 0);
        peer_bind_ack(&out, &bind, &cases[i].how);
        bench_feed(&b, &out);
        bench_expect(&b, cases[i].told);
        if (rpc_link_bound(b.link)) {
            assert_int_equal(rpc_link_syntax(b.link), cases[i].syntax);
            assert_int_equal(rpc_link_multiplexes(b.link), cases[i].how.multiplex);
            assert_true(rpc_link_ready(b.link));
        }
        bench_close(&b);
    }
}

static void test_bind_refusals(void **state) {
    (void)state;
    static const struct {
        uint16_t reason;
        const char *told;
    } cases[] = {{0, "failed 1727\n"}, {1, "failed 1723\n"}, {2, "failed 1723\n"},
                 {4, "failed 1728\n"}, {8, "failed 1747\n"}, {9, "failed 5\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        struct buffer out = {0};
        bench_open(&b, RPC_OFFER_BOTH, 0, true, 0);
        peer_bind_nak(&out, 1, cases[i].reason);
        bench_feed(&b, &out);
        bench_expect(&b, cases[i].told);
        rpc_link_lost(b.link, "closed"); // says nothing twice
        bench_expect(&b, "");
        bench_close(&b);
    }
    struct bench b;
    bench_open(&b, RPC_OFFER_BOTH, 0, true, 0);
    rpc_link_lost(b.link, "closed");
    bench_expect(&b, "failed 1722\n");
    bench_close(&b);
}

// Contexts whose answers are none that they may have.
static void test_bind_results(void **state) {
    (void)state;
    for (unsigned which = 0; which < 4; which++) {
        struct bench b;
        struct buffer out = {0};
        bench_open(&b, RPC_OFFER_BOTH, 0, true, 0);
        cmrp_pdu_result results[3] = {{.transfer = {cmrp_uuid_ndr20, 2, 0}},
                                      {.transfer = {cmrp_uuid_ndr64, 1, 0}},
                                      {.result = CMRP_RESULT_NEGOTIATE_ACK}};
        if (which == 0) {
            results[0].transfer = results[1].transfer; // another syntax than was offered
        } else if (which == 1) {
            results[1].result = CMRP_RESULT_NEGOTIATE_ACK;
        } else if (which == 2) {
            results[2] = (cmrp_pdu_result){.transfer = {cmrp_uuid_bind_time, 1, 0}};
        } else {
            results[0].result = 4;
        }
        cmrp_pdu ack = {0};
        ack.header.ptype = CMRP_PTYPE_BIND_ACK;
        ack.header.flags = BOTH_FRAGS;
        ack.header.drep[0] = 0x10;
        ack.header.call_id = 1;
        ack.max_recv_frag = ack.max_xmit_frag = 5840;
        ack.assoc_group_id = 1;
        ack.list_count = 3;
        ack.results = results;
        peer_encode(&out, &ack);
        bench_feed(&b, &out);
        bench_expect(&b, "failed 1728\n");
        bench_close(&b);
    }
}

// ---- calls --------------------------------------------------------------------------------------

static void test_calls_in_any_order(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, true, 0);
    const uint32_t one = bench_call(&b, "one", 5);
    const uint32_t two = bench_call(&b, "two", 0);
    assert_true(two > one && one > 1);
    const cmrp_pdu request = bench_sent(&b, 1);
    assert_int_equal(request.header.ptype, CMRP_PTYPE_REQUEST);
    assert_int_equal(request.header.flags, BOTH_FRAGS);
    assert_int_equal(request.context_id, 1);
    assert_int_equal(request.opnum, 139);
    assert_int_equal(request.stub.size, 5);
    assert_int_equal(bench_sent(&b, 2).stub.size, 0);
    assert_int_equal(rpc_link_calls(b.link), 2);
    peer_response(&out, BOTH_FRAGS, two, 1, "zwei", 4);
    peer_fault(&out, BOTH_FRAGS | CMRP_PFC_DID_NOT_EXECUTE, one, 0x1c010002);
    bench_feed(&b, &out);
    bench_expect(&b, "two 0 zwei\none 469827586 fault dne \n");
    assert_int_equal(rpc_link_calls(b.link), 0);
    bench_close(&b);
}

static void test_one_call_at_a_time(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, false, 0);
    const uint32_t one = bench_call(&b, "one", 5);
    assert_false(rpc_link_ready(b.link));
    peer_response(&out, BOTH_FRAGS, one, 1, "eins", 4);
    bench_feed(&b, &out);
    bench_expect(&b, "one 0 eins\n");
    assert_true(rpc_link_ready(b.link));
    bench_close(&b);
}

static void test_request_fragments(void **state) {
    (void)state;
    enum { ROOM = 5840 - 24 };
    static const size_t sizes[] = {ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 1, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bench b;
        bench_open_bound(&b, true, 0);
        const uint32_t number = bench_call(&b, "one", sizes[i]);
        const size_t fragments = (sizes[i] + ROOM - 1) / ROOM;
        size_t total = 0;
        assert_int_equal(b.count, 1 + fragments);
        for (size_t k = 0; k < fragments; k++) {
            const cmrp_pdu pdu = bench_sent(&b, 1 + k);
            assert_int_equal(pdu.header.call_id, number);
            assert_int_equal(pdu.header.flags, (k == 0 ? CMRP_PFC_FIRST_FRAG : 0) |
                                                   (k + 1 == fragments ? CMRP_PFC_LAST_FRAG : 0));
            assert_int_equal(pdu.alloc_hint, sizes[i] - total);
            assert_true(pdu.header.frag_length <= 5840);
            total += pdu.stub.size;
        }
        assert_int_equal(total, sizes[i]);
        bench_close(&b);
    }
}

// Two responses whose fragments alternate, cut at every octet.
static void test_response_fragments(void **state) {
    (void)state;
    struct buffer stream = {0};
    peer_response(&stream, CMRP_PFC_FIRST_FRAG, 2, 1, "a", 1);
    peer_response(&stream, CMRP_PFC_FIRST_FRAG, 3, 1, "1", 1);
    peer_response(&stream, 0, 2, 1, "b", 1);
    peer_response(&stream, 0, 3, 1, "", 0);
    peer_response(&stream, CMRP_PFC_LAST_FRAG, 3, 1, "2", 1);
    peer_response(&stream, CMRP_PFC_LAST_FRAG, 2, 1, "c", 1);
    for (size_t cut = 0; cut <= stream.size; cut++) {
        struct bench b;
        struct buffer head = {0}, tail = {0};
        bench_open_bound(&b, true, 0);
        assert_int_equal(bench_call(&b, "two", 1), 2);
        assert_int_equal(bench_call(&b, "three", 1), 3);
        buffer_append(&head, stream.data, cut);
        buffer_append(&tail, stream.data + cut, stream.size - cut);
        bench_feed(&b, &head);
        bench_feed(&b, &tail);
        bench_expect(&b, "three 0 12\ntwo 0 abc\n");
        bench_close(&b);
    }
    struct bench b;
    bench_open_bound(&b, true, 0);
    bench_call(&b, "two", 1);
    bench_call(&b, "three", 1);
    for (size_t i = 0; i < stream.size; i++) { // octet by octet
        rpc_link_data(b.link, stream.data + i, 1);
    }
    bench_expect(&b, "three 0 12\ntwo 0 abc\n");
    bench_close(&b);
    buffer_free(&stream);
}

static void test_fault_amid_fragments(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, true, 0);
    bench_call(&b, "two", 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, 2, 1, "a", 1);
    peer_fault(&out, BOTH_FRAGS, 2, 5);
    bench_feed(&b, &out);
    bench_expect(&b, "two 5 fault \n");
    bench_close(&b);
}

// The connection ends at every place of a conversation: every call ends once.
static void test_lost_anywhere(void **state) {
    (void)state;
    struct buffer stream = {0};
    peer_response(&stream, CMRP_PFC_FIRST_FRAG, 2, 1, "a", 1);
    peer_response(&stream, CMRP_PFC_LAST_FRAG, 2, 1, "c", 1);
    for (size_t cut = 0; cut < stream.size; cut++) {
        struct bench b;
        struct buffer head = {0};
        bench_open_bound(&b, true, 0);
        bench_call(&b, "two", 1);
        buffer_append(&head, stream.data, cut);
        bench_feed(&b, &head);
        rpc_link_lost(b.link, "closed");
        bench_expect(&b, "two 1726 \nfailed 1726\n");
        assert_false(rpc_link_ready(b.link));
        bench_close(&b);
    }
    buffer_free(&stream);
}

// ---- giving up ----------------------------------------------------------------------------------

static void test_cancel(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, true, 0);
    const uint32_t one = bench_call(&b, "one", 1);
    rpc_link_cancel(b.link, one);
    rpc_link_cancel(b.link, one + 1); // none such
    assert_int_equal(b.count, 3);
    assert_int_equal(bench_sent(&b, 2).header.ptype, CMRP_PTYPE_CO_CANCEL);
    assert_int_equal(bench_sent(&b, 2).header.call_id, one);
    peer_fault(&out, BOTH_FRAGS, one, 0x1c00000d);
    bench_feed(&b, &out);
    bench_expect(&b, "one 469762061 fault \n");
    bench_close(&b);
}

// A server that keeps connections of orphaned calls: the connection lives on.
static void test_orphaned(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, false, 2);
    const uint32_t one = bench_call(&b, "one", 1);
    rpc_link_abandon(b.link, one, false);
    assert_int_equal(bench_sent(&b, 2).header.ptype, CMRP_PTYPE_ORPHANED);
    assert_true(rpc_link_ready(b.link));
    assert_false(rpc_link_closing(b.link));
    const uint32_t two = bench_call(&b, "two", 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, one, 1, "late", 4);
    peer_response(&out, BOTH_FRAGS, two, 1, "zwei", 4);
    bench_feed(&b, &out);
    bench_expect(&b, "two 0 zwei\n");
    peer_response(&out, BOTH_FRAGS, two + 1, 1, "never asked", 11);
    bench_feed(&b, &out);
    bench_expect(&b, "failed 1728\n");
    bench_close(&b);
}

// One that does not: said only where the connection may be closed for it.
static void test_abandoned(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, true, 0);
    const uint32_t one = bench_call(&b, "one", 1);
    const uint32_t two = bench_call(&b, "two", 1);
    rpc_link_abandon(b.link, one, true);
    assert_int_equal(b.count, 3); // "two" needs the connection
    assert_int_equal(rpc_link_calls(b.link), 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, one, 1, "la", 2);
    peer_response(&out, CMRP_PFC_LAST_FRAG, one, 1, "te", 2);
    bench_feed(&b, &out);
    bench_expect(&b, "");
    rpc_link_abandon(b.link, two, true);
    assert_int_equal(bench_sent(&b, 3).header.ptype, CMRP_PTYPE_ORPHANED);
    assert_true(rpc_link_closing(b.link));
    assert_int_equal(rpc_link_calls(b.link), 0);
    assert_false(rpc_link_ready(b.link));
    bench_close(&b);

    bench_open_bound(&b, false, 0);
    const uint32_t only = bench_call(&b, "only", 1);
    rpc_link_abandon(b.link, only, false);
    assert_int_equal(b.count, 2);
    assert_false(rpc_link_ready(b.link)); // until the late answer has come
    peer_response(&out, BOTH_FRAGS, only, 1, "late", 4);
    bench_feed(&b, &out);
    bench_expect(&b, "");
    assert_true(rpc_link_ready(b.link));
    bench_close(&b);
}

static void test_shutdown(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    bench_open_bound(&b, true, 0);
    const uint32_t one = bench_call(&b, "one", 1);
    peer_plain(&out, CMRP_PTYPE_SHUTDOWN, 0);
    bench_feed(&b, &out);
    assert_true(rpc_link_closing(b.link));
    assert_false(rpc_link_ready(b.link));
    peer_response(&out, BOTH_FRAGS, one, 1, "eins", 4);
    bench_feed(&b, &out);
    bench_expect(&b, "one 0 eins\n");
    assert_int_equal(rpc_link_calls(b.link), 0);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind_offers),
        cmocka_unit_test(test_bind_outcomes),
        cmocka_unit_test(test_bind_refusals),
        cmocka_unit_test(test_bind_results),
        cmocka_unit_test(test_calls_in_any_order),
        cmocka_unit_test(test_one_call_at_a_time),
        cmocka_unit_test(test_request_fragments),
        cmocka_unit_test(test_response_fragments),
        cmocka_unit_test(test_fault_amid_fragments),
        cmocka_unit_test(test_lost_anywhere),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_orphaned),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
