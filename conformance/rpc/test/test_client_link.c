// SPDX-License-Identifier: Apache-2.0
// One client connection, fed by hand: binds, calls, fragments, and servers that break the protocol.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "peer.h"
#include "rpc/client_link.h"

// A link, what it sent as PDUs, and what it told.
struct bench {
    struct rpc_link *link;
    struct buffer sent[64];
    size_t count;
    struct buffer told; // text: a line for each callback
    struct buffer stub; // of the last reply
};

static void on_send(void *context, const uint8_t *octets, size_t size) {
    struct bench *b = context;
    assert_true(b->count < 64);
    buffer_append(&b->sent[b->count++], octets, size);
}

static void on_bound(void *context) {
    struct bench *b = context;
    buffer_printf(&b->told, "bound\n");
}

static void on_answered(void *context, void *call, const struct rpc_reply *reply) {
    struct bench *b = context;
    buffer_printf(&b->told, "%s %u%s%s %.*s\n", (const char *)call, reply->status,
                  reply->fault ? " fault" : "", reply->did_not_execute ? " dne" : "",
                  reply->stub.size < 20 ? (int)reply->stub.size : 0,
                  reply->stub.size > 0 ? (const char *)reply->stub.data : "");
    buffer_clear(&b->stub);
    buffer_append(&b->stub, reply->stub.data, reply->stub.size);
}

static void on_failed(void *context, uint32_t status, const char *why) {
    struct bench *b = context;
    (void)why;
    buffer_printf(&b->told, "failed %u\n", status);
}

static void open_bench(struct bench *b, enum rpc_offer offer, uint32_t group, bool multiplex,
                       uint32_t response) {
    *b = (struct bench){0};
    const struct rpc_link_options options = {
        .interface = {cmrp_uuid_clusapi, 3, 0},
        .offer = offer,
        .group = group,
        .multiplex = multiplex,
        .response = response,
        .context = b,
        .send = on_send,
        .bound = on_bound,
        .answered = on_answered,
        .failed = on_failed,
    };
    b->link = rpc_link_create(&options);
}

static void close_bench(struct bench *b) {
    rpc_link_free(b->link);
    for (size_t i = 0; i < b->count; i++) {
        buffer_free(&b->sent[i]);
    }
    buffer_free(&b->told);
    buffer_free(&b->stub);
}

static cmrp_pdu sent(const struct bench *b, size_t index) {
    assert_true(index < b->count);
    return peer_read(buffer_view(&b->sent[index]));
}

// Gives the link octets from memory of exactly their size, and frees the buffer.
static void feed(struct bench *b, struct buffer *octets) {
    uint8_t *exact = malloc(octets->size > 0 ? octets->size : 1);
    if (octets->size > 0) {
        memcpy(exact, octets->data, octets->size);
    }
    rpc_link_data(b->link, exact, octets->size);
    free(exact);
    buffer_free(octets);
}

static void expect(struct bench *b, const char *text) {
    assert_string_equal(buffer_text(&b->told), text);
    buffer_clear(&b->told);
}

// A bound bench whose server multiplexes and keeps connections of orphaned calls.
static void open_bound(struct bench *b, bool multiplex, uint16_t features) {
    struct buffer out = {0};
    const struct peer_bind how = {.multiplex = multiplex, .features = features};
    open_bench(b, RPC_OFFER_BOTH, 0, multiplex, 0);
    const cmrp_pdu bind = sent(b, 0);
    peer_bind_ack(&out, &bind, &how);
    feed(b, &out);
    expect(b, "bound\n");
}

static uint32_t call(struct bench *b, const char *name, size_t size) {
    uint8_t *stub = malloc(size + 1);
    memset(stub, 'x', size + 1);
    const uint32_t number =
        rpc_link_call(b->link, 139, (cmrp_view){stub, size}, (void *)(uintptr_t)name);
    free(stub);
    return number;
}

// ---- bind ---------------------------------------------------------------------------------------

static void test_bind_offers(void **state) {
    (void)state;
    static const struct {
        enum rpc_offer offer;
        unsigned contexts;
    } cases[] = {{RPC_OFFER_BOTH, 3}, {RPC_OFFER_NDR, 2}, {RPC_OFFER_NDR64, 2}};
    for (size_t i = 0; i < 3; i++) {
        struct bench b;
        open_bench(&b, cases[i].offer, 0x77, i == 0, 0);
        const cmrp_pdu bind = sent(&b, 0);
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
        close_bench(&b);
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
        open_bench(&b, RPC_OFFER_BOTH, cases[i].group, true, 0);
        const cmrp_pdu bind = sent(&b, 0);
        peer_bind_ack(&out, &bind, &cases[i].how);
        feed(&b, &out);
        expect(&b, cases[i].told);
        if (rpc_link_bound(b.link)) {
            assert_int_equal(rpc_link_syntax(b.link), cases[i].syntax);
            assert_int_equal(rpc_link_multiplexes(b.link), cases[i].how.multiplex);
            assert_true(rpc_link_ready(b.link));
        }
        close_bench(&b);
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
        open_bench(&b, RPC_OFFER_BOTH, 0, true, 0);
        peer_bind_nak(&out, 1, cases[i].reason);
        feed(&b, &out);
        expect(&b, cases[i].told);
        rpc_link_lost(b.link, "closed"); // says nothing twice
        expect(&b, "");
        close_bench(&b);
    }
    struct bench b;
    open_bench(&b, RPC_OFFER_BOTH, 0, true, 0);
    rpc_link_lost(b.link, "closed");
    expect(&b, "failed 1722\n");
    close_bench(&b);
}

// Contexts whose answers are none that they may have.
static void test_bind_results(void **state) {
    (void)state;
    for (unsigned which = 0; which < 4; which++) {
        struct bench b;
        struct buffer out = {0};
        open_bench(&b, RPC_OFFER_BOTH, 0, true, 0);
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
        feed(&b, &out);
        expect(&b, "failed 1728\n");
        close_bench(&b);
    }
}

// ---- calls --------------------------------------------------------------------------------------

static void test_calls_in_any_order(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, true, 0);
    const uint32_t one = call(&b, "one", 5);
    const uint32_t two = call(&b, "two", 0);
    assert_true(two > one && one > 1);
    const cmrp_pdu request = sent(&b, 1);
    assert_int_equal(request.header.ptype, CMRP_PTYPE_REQUEST);
    assert_int_equal(request.header.flags, BOTH_FRAGS);
    assert_int_equal(request.context_id, 1);
    assert_int_equal(request.opnum, 139);
    assert_int_equal(request.stub.size, 5);
    assert_int_equal(sent(&b, 2).stub.size, 0);
    assert_int_equal(rpc_link_calls(b.link), 2);
    peer_response(&out, BOTH_FRAGS, two, 1, "zwei", 4);
    peer_fault(&out, BOTH_FRAGS | CMRP_PFC_DID_NOT_EXECUTE, one, 0x1c010002);
    feed(&b, &out);
    expect(&b, "two 0 zwei\none 469827586 fault dne \n");
    assert_int_equal(rpc_link_calls(b.link), 0);
    close_bench(&b);
}

static void test_one_call_at_a_time(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, false, 0);
    const uint32_t one = call(&b, "one", 5);
    assert_false(rpc_link_ready(b.link));
    peer_response(&out, BOTH_FRAGS, one, 1, "eins", 4);
    feed(&b, &out);
    expect(&b, "one 0 eins\n");
    assert_true(rpc_link_ready(b.link));
    close_bench(&b);
}

static void test_request_fragments(void **state) {
    (void)state;
    enum { ROOM = 5840 - 24 };
    static const size_t sizes[] = {ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 1, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bench b;
        open_bound(&b, true, 0);
        const uint32_t number = call(&b, "one", sizes[i]);
        const size_t fragments = (sizes[i] + ROOM - 1) / ROOM;
        size_t total = 0;
        assert_int_equal(b.count, 1 + fragments);
        for (size_t k = 0; k < fragments; k++) {
            const cmrp_pdu pdu = sent(&b, 1 + k);
            assert_int_equal(pdu.header.call_id, number);
            assert_int_equal(pdu.header.flags, (k == 0 ? CMRP_PFC_FIRST_FRAG : 0) |
                                                   (k + 1 == fragments ? CMRP_PFC_LAST_FRAG : 0));
            assert_int_equal(pdu.alloc_hint, sizes[i] - total);
            assert_true(pdu.header.frag_length <= 5840);
            total += pdu.stub.size;
        }
        assert_int_equal(total, sizes[i]);
        close_bench(&b);
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
        open_bound(&b, true, 0);
        assert_int_equal(call(&b, "two", 1), 2);
        assert_int_equal(call(&b, "three", 1), 3);
        buffer_append(&head, stream.data, cut);
        buffer_append(&tail, stream.data + cut, stream.size - cut);
        feed(&b, &head);
        feed(&b, &tail);
        expect(&b, "three 0 12\ntwo 0 abc\n");
        close_bench(&b);
    }
    struct bench b;
    open_bound(&b, true, 0);
    call(&b, "two", 1);
    call(&b, "three", 1);
    for (size_t i = 0; i < stream.size; i++) { // octet by octet
        rpc_link_data(b.link, stream.data + i, 1);
    }
    expect(&b, "three 0 12\ntwo 0 abc\n");
    close_bench(&b);
    buffer_free(&stream);
}

static void test_fault_amid_fragments(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, true, 0);
    call(&b, "two", 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, 2, 1, "a", 1);
    peer_fault(&out, BOTH_FRAGS, 2, 5);
    feed(&b, &out);
    expect(&b, "two 5 fault \n");
    close_bench(&b);
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
        open_bound(&b, true, 0);
        call(&b, "two", 1);
        buffer_append(&head, stream.data, cut);
        feed(&b, &head);
        rpc_link_lost(b.link, "closed");
        expect(&b, "two 1726 \nfailed 1726\n");
        assert_false(rpc_link_ready(b.link));
        close_bench(&b);
    }
    buffer_free(&stream);
}

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
        open_bench(&b, RPC_OFFER_BOTH, 0, true, 10000);
        const struct peer_bind how = {.multiplex = true};
        const cmrp_pdu bind = sent(&b, 0);
        peer_bind_ack(&out, &bind, &how);
        feed(&b, &out);
        call(&b, "two", 1);
        make_violation(&out, (enum violation)which);
        feed(&b, &out);
        if (strcmp(buffer_text(&b.told), "bound\ntwo 1728 \nfailed 1728\n") != 0) {
            fail_msg("violation %d: %s", which, buffer_text(&b.told));
        }
        peer_response(&out, BOTH_FRAGS, 2, 1, "a", 1); // nothing is heard afterwards
        feed(&b, &out);
        assert_string_equal(buffer_text(&b.told), "bound\ntwo 1728 \nfailed 1728\n");
        close_bench(&b);
    }
}

// Every octet of a good conversation changed in turn, to every value: nothing but a callback may
// come of it, each call ends at most once.
static void test_every_octet(void **state) {
    (void)state;
    struct buffer stream = {0};
    struct bench first;
    open_bench(&first, RPC_OFFER_BOTH, 0, true, 0);
    const cmrp_pdu bind = sent(&first, 0);
    peer_bind_ack(&stream, &bind, &(struct peer_bind){.multiplex = true, .features = 2});
    peer_response(&stream, CMRP_PFC_FIRST_FRAG, 2, 1, "ab", 2);
    peer_fault(&stream, BOTH_FRAGS, 3, 5);
    peer_response(&stream, CMRP_PFC_LAST_FRAG, 2, 1, "c", 1);
    close_bench(&first);
    for (size_t at = 0; at < stream.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct bench b;
            struct buffer out = {0};
            open_bench(&b, RPC_OFFER_BOTH, 0, true, 0);
            buffer_append(&out, stream.data, stream.size);
            out.data[at] = (uint8_t)value;
            const size_t ack = 108 < out.size ? 108 : out.size;
            rpc_link_data(b.link, out.data, ack);
            if (rpc_link_ready(b.link)) {
                call(&b, "two", 1);
                call(&b, "three", 1);
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
            close_bench(&b);
        }
    }
    buffer_free(&stream);
}

// ---- giving up ----------------------------------------------------------------------------------

static void test_cancel(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, true, 0);
    const uint32_t one = call(&b, "one", 1);
    rpc_link_cancel(b.link, one);
    rpc_link_cancel(b.link, one + 1); // none such
    assert_int_equal(b.count, 3);
    assert_int_equal(sent(&b, 2).header.ptype, CMRP_PTYPE_CO_CANCEL);
    assert_int_equal(sent(&b, 2).header.call_id, one);
    peer_fault(&out, BOTH_FRAGS, one, 0x1c00000d);
    feed(&b, &out);
    expect(&b, "one 469762061 fault \n");
    close_bench(&b);
}

// A server that keeps connections of orphaned calls: the connection lives on.
static void test_orphaned(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, false, 2);
    const uint32_t one = call(&b, "one", 1);
    rpc_link_abandon(b.link, one, false);
    assert_int_equal(sent(&b, 2).header.ptype, CMRP_PTYPE_ORPHANED);
    assert_true(rpc_link_ready(b.link));
    assert_false(rpc_link_closing(b.link));
    const uint32_t two = call(&b, "two", 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, one, 1, "late", 4);
    peer_response(&out, BOTH_FRAGS, two, 1, "zwei", 4);
    feed(&b, &out);
    expect(&b, "two 0 zwei\n");
    peer_response(&out, BOTH_FRAGS, two + 1, 1, "never asked", 11);
    feed(&b, &out);
    expect(&b, "failed 1728\n");
    close_bench(&b);
}

// One that does not: said only where the connection may be closed for it.
static void test_abandoned(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, true, 0);
    const uint32_t one = call(&b, "one", 1);
    const uint32_t two = call(&b, "two", 1);
    rpc_link_abandon(b.link, one, true);
    assert_int_equal(b.count, 3); // "two" needs the connection
    assert_int_equal(rpc_link_calls(b.link), 1);
    peer_response(&out, CMRP_PFC_FIRST_FRAG, one, 1, "la", 2);
    peer_response(&out, CMRP_PFC_LAST_FRAG, one, 1, "te", 2);
    feed(&b, &out);
    expect(&b, "");
    rpc_link_abandon(b.link, two, true);
    assert_int_equal(sent(&b, 3).header.ptype, CMRP_PTYPE_ORPHANED);
    assert_true(rpc_link_closing(b.link));
    assert_int_equal(rpc_link_calls(b.link), 0);
    assert_false(rpc_link_ready(b.link));
    close_bench(&b);

    open_bound(&b, false, 0);
    const uint32_t only = call(&b, "only", 1);
    rpc_link_abandon(b.link, only, false);
    assert_int_equal(b.count, 2);
    assert_false(rpc_link_ready(b.link)); // until the late answer has come
    peer_response(&out, BOTH_FRAGS, only, 1, "late", 4);
    feed(&b, &out);
    expect(&b, "");
    assert_true(rpc_link_ready(b.link));
    close_bench(&b);
}

static void test_shutdown(void **state) {
    (void)state;
    struct bench b;
    struct buffer out = {0};
    open_bound(&b, true, 0);
    const uint32_t one = call(&b, "one", 1);
    peer_plain(&out, CMRP_PTYPE_SHUTDOWN, 0);
    feed(&b, &out);
    assert_true(rpc_link_closing(b.link));
    assert_false(rpc_link_ready(b.link));
    peer_response(&out, BOTH_FRAGS, one, 1, "eins", 4);
    feed(&b, &out);
    expect(&b, "one 0 eins\n");
    assert_int_equal(rpc_link_calls(b.link), 0);
    close_bench(&b);
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
        cmocka_unit_test(test_violations),
        cmocka_unit_test(test_every_octet),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_orphaned),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
