// SPDX-License-Identifier: Apache-2.0
// Conversations of connectionless DCE/RPC.
#include "datagrams.h"

#include <stdlib.h>

#define REQUEST(...)    give(&w, (struct sent){.ptype = CMRP_PTYPE_CL_REQUEST, __VA_ARGS__})
#define RESPONSE(...)   give(&w, (struct sent){.ptype = CMRP_PTYPE_CL_RESPONSE, __VA_ARGS__})
#define GIVE(type, ...) give(&w, (struct sent){.ptype = CMRP_PTYPE_CL_##type, __VA_ARGS__})

// ---- whole calls --------------------------------------------------------------------------------

static void test_a_call(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    assert_true(REQUEST(.call = 5, .stub = "ask"));
    assert_true(RESPONSE(.call = 5, .stub = "answer"));
    assert_true(REQUEST(.call = 6));
    assert_true(RESPONSE(.call = 6));
    assert_int_equal(assoc_datagrams_counts(w.datagrams)->calls, 2);
    assert_int_equal(assoc_datagrams_counts(w.datagrams)->pdus, 4);
    end(&w, "open 00 1025>1055\n"
            "call 5 op 65 v2 request=whole:ask response=whole:answer\n"
            "call 6 op 65 v2 request=whole: response=whole:\n");
}

// A first request to the endpoint mapper is answered by the server itself.
static void test_another_port(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 0, .server = MAPPER);
    RESPONSE(.call = 0);
    REQUEST(.call = 1, .server = MAPPER); // late news: the server is known by now
    RESPONSE(.call = 1);
    end(&w, "open 00 1025>135\n"
            "move 1055\n"
            "call 0 op 65 v2 request=whole: response=whole:\n"
            "call 1 op 65 v2 request=whole: response=whole:\n");
}

static void test_other_datagrams(void **state) {
    (void)state;
    struct world w;
    static const uint8_t octets[100] = {4};
    static const struct assoc_address here = {.port = 1};
    static const struct assoc_address there = {.port = 2};
    const struct assoc_stamp stamp = {0};
    begin(&w);
    for (size_t size = 0; size <= sizeof octets; size++) { // version 4, another interface
        assert_false(
            assoc_datagram(w.datagrams, &here, &there, (cmrp_view){octets, size}, 0, &stamp));
    }
    assert_false(REQUEST(.call = 1, .foreign = true));
    assert_false(RESPONSE(.call = 1, .foreign = true));
    assert_false(GIVE(PING, .call = 1)); // nothing is known of this call
    assert_false(GIVE(FACK, .call = 1));
    end(&w, "");
}

// Headers of answers need not repeat the interface; requests must, an activity may serve several.
static void test_a_known_activity(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "ours");
    assert_false(REQUEST(.call = 2, .foreign = true));
    assert_true(RESPONSE(.call = 2, .foreign = true)); // of a call that is not ours
    assert_true(RESPONSE(.call = 1, .foreign = true, .stub = "too"));
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:ours response=whole:too\n");
}

static void test_faults(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "a");
    GIVE(FAULT, .call = 1, .status = 0x6f7);
    REQUEST(.call = 2, .stub = "b");
    GIVE(REJECT, .call = 2, .status = 0x1c010003);
    GIVE(REJECT, .call = 2, .status = 5); // sent again
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:a response=lost fault=6f7\n"
            "call 2 op 65 v2 request=whole:b response=lost fault=1c010003 not executed\n");
}

static void test_waiting(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1);
    GIVE(PING, .call = 1);
    GIVE(WORKING, .call = 1);
    GIVE(PING, .call = 1);
    GIVE(NOCALL, .call = 1);
    GIVE(FACK, .call = 1);
    GIVE(CL_CANCEL, .call = 1);
    GIVE(CL_CANCEL, .call = 1);
    RESPONSE(.call = 1, .stub = "x");
    GIVE(ACK, .call = 1);
    GIVE(PING, .call = 1);
    end(&w, "open 00 1025>1055\n"
            "note cancel\n"
            "call 1 op 65 v2 request=whole: response=whole:x cancelled 2/1\n");
}

static void test_maybe(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .flags1 = CMRP_PF_MAYBE, .stub = "x");
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:x response=absent maybe\n");
}

static void test_sealed(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "clear");
    RESPONSE(.call = 1, .stub = "secret", .sealed = true);
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:clear response=sealed\n");
}

// ---- fragments ----------------------------------------------------------------------------------

enum { PIECES = 5 };

static void give_piece(struct world *world, unsigned piece) {
    static const char *const stubs[] = {"zero....", "one.....", "two.....", "end"};
    struct world *w = world;
    if (piece == PIECES - 1) {
        give(w, (struct sent){.ptype = CMRP_PTYPE_CL_REQUEST, .call = 7, .stub = "ask"});
    } else {
        give(w,
             (struct sent){.ptype = CMRP_PTYPE_CL_RESPONSE,
                           .call = 7,
                           .stub = stubs[piece],
                           .flags1 = (uint8_t)(CMRP_PF_FRAG | (piece == 3 ? CMRP_PF_LASTFRAG : 0)),
                           .number = (uint16_t)piece});
    }
}

// Every order of a request and four fragments of its answer, with and without repetitions.
static void test_any_order(void **state) {
    (void)state;
    for (unsigned permutation = 0; permutation < 120; permutation++) {
        for (unsigned again = 0; again <= PIECES; again++) {
            struct world w;
            unsigned left[PIECES] = {0, 1, 2, 3, 4};
            unsigned code = permutation;
            begin(&w);
            for (unsigned n = PIECES; n > 0; n--) {
                const unsigned at = code % n;
                code /= n;
                give_piece(&w, left[at]);
                if (again == left[at]) {
                    give_piece(&w, left[at]);
                }
                memmove(left + at, left + at + 1, (n - 1 - at) * sizeof left[0]);
            }
            assert_int_equal(assoc_datagrams_counts(w.datagrams)->repeated, again < PIECES);
            end(&w, "open 00 1025>1055\n"
                    "call 7 op 65 v2 request=whole:ask "
                    "response=whole:zero....one.....two.....end\n");
        }
    }
}

static void test_lost_fragments(void **state) {
    (void)state;
    for (unsigned lost = 0; lost < PIECES; lost++) {
        struct world w;
        begin(&w);
        for (unsigned piece = PIECES; piece-- > 0;) {
            if (piece != lost) {
                give_piece(&w, piece);
            }
        }
        assert_int_equal(w.said.size, strlen("open 00 1025>1055\n"));
        end(&w, lost == 4   ? "open 00 1025>1055\n"
                              "call 7 op 65 v2 request=absent "
                              "response=whole:zero....one.....two.....end\n"
                : lost == 3 ? "open 00 1025>1055\n"
                              "call 7 op 65 v2 request=whole:ask response=partial\n"
                            : "open 00 1025>1055\n"
                              "call 7 op 65 v2 request=whole:ask response=lost\n");
    }
}

// The first fragment says in which order its sender writes, whenever it comes.
static void test_byte_order(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "last", .flags1 = CMRP_PF_FRAG | CMRP_PF_LASTFRAG, .number = 1);
    REQUEST(.call = 1, .stub = "12345678", .flags1 = CMRP_PF_FRAG, .big = true);
    RESPONSE(.call = 1, .stub = "x");
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:12345678last(be) response=whole:x\n");
}

// The snapshot length took the rest of a datagram; the fragment may come again.
static void test_cut_datagrams(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "12345678", .flags1 = CMRP_PF_FRAG, .missing = 4);
    REQUEST(.call = 1, .stub = "last", .flags1 = CMRP_PF_FRAG | CMRP_PF_LASTFRAG, .number = 1);
    RESPONSE(.call = 1, .stub = "x");
    REQUEST(.call = 2, .stub = "abcdefgh", .flags1 = CMRP_PF_FRAG, .missing = 4);
    REQUEST(.call = 2, .stub = "abcdefgh", .flags1 = CMRP_PF_FRAG);
    REQUEST(.call = 2, .stub = "last", .flags1 = CMRP_PF_FRAG | CMRP_PF_LASTFRAG, .number = 1);
    RESPONSE(.call = 2, .stub = "y");
    GIVE(FAULT, .call = 3, .missing = 2); // nothing to be learnt
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=lost response=whole:x\n"
            "call 2 op 65 v2 request=whole:abcdefghlast response=whole:y\n");
}

static void test_contradictions(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "first");
    REQUEST(.call = 1, .stub = "other"); // sent again with other octets: the first ones count
    RESPONSE(.call = 1, .stub = "x");
    REQUEST(.call = 2, .stub = "last", .flags1 = CMRP_PF_FRAG | CMRP_PF_LASTFRAG, .number = 1);
    REQUEST(.call = 2, .stub = "more", .flags1 = CMRP_PF_FRAG, .number = 2);
    RESPONSE(.call = 2, .stub = "y");
    end(&w, "open 00 1025>1055\n"
            "note call-contradiction\n"
            "call 1 op 65 v2 request=whole:first response=whole:x\n"
            "call 2 op 65 v2 request=lost response=whole:y\n");
}

static void test_broken_pdus(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "x", .len_more = 1); // of no call that is known
    REQUEST(.call = 1, .stub = "x");
    RESPONSE(.call = 1, .stub = "y", .len_more = 9, .big = true);
    RESPONSE(.call = 1, .stub = "y");
    end(&w, "open 00 1025>1055\n"
            "note pdu\n"
            "call 1 op 65 v2 request=whole:x response=whole:y breach frag-length@74\n");
}

// ---- several calls ------------------------------------------------------------------------------

// The next request ends what came before, unless it says that it is unrelated.
static void test_later_calls(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "a");
    REQUEST(.call = 2, .stub = "b", .flags2 = CMRP_PF2_UNRELATED);
    RESPONSE(.call = 2, .stub = "B");
    REQUEST(.call = 3, .stub = "c");
    RESPONSE(.call = 1, .stub = "A"); // too late
    REQUEST(.call = 1, .stub = "a");
    RESPONSE(.call = 3, .stub = "C");
    end(&w, "open 00 1025>1055\n"
            "call 2 op 65 v2 request=whole:b response=whole:B\n"
            "call 1 op 65 v2 request=whole:a response=absent\n"
            "call 3 op 65 v2 request=whole:c response=whole:C\n");
}

static void test_overlapped_calls_that_take_long(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "long");
    for (uint32_t call = 2; call < 100; call++) {
        REQUEST(.call = call, .flags2 = CMRP_PF2_UNRELATED);
        RESPONSE(.call = call);
        buffer_clear(&w.said);
    }
    RESPONSE(.call = 1, .stub = "at last");
    RESPONSE(.call = 2, .stub = "done long ago");
    RESPONSE(.call = 99, .stub = "done");
    end(&w, "call 1 op 65 v2 request=whole:long response=whole:at last\n");
}

// A damaged sequence number, or a liar's, hides nothing of what follows.
static void test_a_number_far_ahead(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1);
    REQUEST(.call = UINT32_MAX, .stub = "far");
    RESPONSE(.call = UINT32_MAX, .stub = "F");
    for (uint32_t call = 2; call < 100; call++) {
        buffer_clear(&w.said);
        REQUEST(.call = call);
        RESPONSE(.call = call);
        assert_true(w.said.size > 0);
    }
    RESPONSE(.call = 2, .stub = "done long ago");
    RESPONSE(.call = 98, .stub = "done");
    end(&w, "call 99 op 65 v2 request=whole: response=whole:\n");
}

// Of a call whose request comes late, nothing is known to be done.
static void test_a_request_behind_the_next_one(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 2, .stub = "b");
    REQUEST(.call = 1, .stub = "a");
    RESPONSE(.call = 1, .stub = "A");
    RESPONSE(.call = 2, .stub = "B");
    end(&w, "open 00 1025>1055\n"
            "call 1 op 65 v2 request=whole:a response=whole:A\n"
            "call 2 op 65 v2 request=whole:b response=whole:B\n");
}

static void test_conversations_apart(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    REQUEST(.call = 1, .stub = "a", .activity = 1);
    REQUEST(.call = 1, .stub = "b", .activity = 2);
    REQUEST(.call = 1, .stub = "c", .activity = 1, .client = 2000);
    REQUEST(.call = 1, .stub = "d", .activity = 1, .host = 7);
    RESPONSE(.call = 1, .stub = "D", .activity = 1, .host = 7);
    RESPONSE(.call = 1, .stub = "B", .activity = 2);
    RESPONSE(.call = 1, .stub = "C", .activity = 1, .client = 2000);
    RESPONSE(.call = 1, .stub = "A", .activity = 1);
    end(&w, "open 01 1025>1055\n"
            "open 02 1025>1055\n"
            "open 01 2000>1055\n"
            "open 01 1025>1055\n"
            "call 1 op 65 v2 request=whole:d response=whole:D\n"
            "call 1 op 65 v2 request=whole:b response=whole:B\n"
            "call 1 op 65 v2 request=whole:c response=whole:C\n"
            "call 1 op 65 v2 request=whole:a response=whole:A\n");
}

// ---- limits -------------------------------------------------------------------------------------

static void test_activity_limit(void **state) {
    (void)state;
    struct world w;
    begin_with(&w, &(struct assoc_datagram_limits){.activities = 2}, NULL);
    REQUEST(.call = 1, .stub = "a", .activity = 1);
    REQUEST(.call = 1, .stub = "b", .activity = 2);
    GIVE(PING, .call = 1, .activity = 1); // speaks again: 2 is silent longer
    REQUEST(.call = 1, .stub = "c", .activity = 3);
    REQUEST(.call = 1, .stub = "d", .activity = 4);
    end(&w, "open 01 1025>1055\n"
            "open 02 1025>1055\n"
            "note activity-limit\n"
            "call 1 op 65 v2 request=whole:b response=absent\n"
            "open 03 1025>1055\n"
            "call 1 op 65 v2 request=whole:a response=absent 1/0\n"
            "open 04 1025>1055\n"
            "call 1 op 65 v2 request=whole:c response=absent\n"
            "call 1 op 65 v2 request=whole:d response=absent\n");
}

static void test_call_limit(void **state) {
    (void)state;
    struct world w;
    begin_with(&w, &(struct assoc_datagram_limits){.calls = 2}, NULL);
    for (uint32_t call = 1; call <= 4; call++) {
        REQUEST(.call = call, .flags2 = CMRP_PF2_UNRELATED);
    }
    end(&w, "open 00 1025>1055\n"
            "note call-limit\n"
            "call 1 op 65 v2 request=whole: response=absent given up\n"
            "call 2 op 65 v2 request=whole: response=absent given up\n"
            "call 3 op 65 v2 request=whole: response=absent\n"
            "call 4 op 65 v2 request=whole: response=absent\n");
}

static void test_fragment_limit(void **state) {
    (void)state;
    struct world w;
    begin_with(&w, &(struct assoc_datagram_limits){.fragments = 3}, NULL);
    for (unsigned piece = 0; piece < PIECES; piece++) {
        give_piece(&w, piece);
    }
    end(&w, "open 00 1025>1055\n"
            "note call-fragments\n"
            "call 7 op 65 v2 request=whole:ask response=large\n");
}

static void test_stub_limit(void **state) {
    (void)state;
    for (unsigned limit = 26; limit < 28; limit++) {
        struct world w;
        begin_with(&w, &(struct assoc_datagram_limits){.stub = limit}, NULL);
        for (unsigned piece = PIECES; piece-- > 0;) {
            give_piece(&w, piece);
        }
        end(&w, limit < 27 ? "open 00 1025>1055\n"
                             "note stub-limit\n"
                             "call 7 op 65 v2 request=whole:ask response=large\n"
                           : "open 00 1025>1055\n"
                             "call 7 op 65 v2 request=whole:ask "
                             "response=whole:zero....one.....two.....end\n");
    }
}

// Memory that is used up costs older conversations first, then the stub at hand; all of it is
// given back.
static void test_memory_limit(void **state) {
    (void)state;
    static char stub[1001];
    memset(stub, 'x', sizeof stub - 1);
    for (size_t limit = 0; limit < 20000; limit += 97) {
        struct world w;
        struct assoc_memory memory = {.limit = limit + 1};
        begin_with(&w, NULL, &memory);
        for (uint8_t activity = 0; activity < 8; activity++) {
            REQUEST(.call = 1, .activity = activity, .stub = stub, .flags1 = CMRP_PF_FRAG);
            REQUEST(.call = 1, .activity = activity, .stub = stub,
                    .flags1 = CMRP_PF_FRAG | CMRP_PF_LASTFRAG, .number = 1);
        }
        assert_true(strstr(buffer_text(&w.said), "note memory-limit") != NULL || limit > 10000);
        assoc_datagrams_close(w.datagrams);
        assert_int_equal(memory.used, 0);
        assoc_datagrams_destroy(w.datagrams);
        buffer_free(&w.said);
    }
}

static void test_destroy_says_nothing(void **state) {
    (void)state;
    struct world w;
    struct assoc_memory memory = {0};
    begin_with(&w, NULL, &memory);
    REQUEST(.call = 1, .stub = "a");
    buffer_clear(&w.said);
    assoc_datagrams_destroy(w.datagrams);
    assert_int_equal(w.said.size, 0);
    assert_int_equal(memory.used, 0);
    buffer_free(&w.said);
    assoc_datagrams_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_another_port),
        cmocka_unit_test(test_other_datagrams),
        cmocka_unit_test(test_a_known_activity),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_maybe),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_lost_fragments),
        cmocka_unit_test(test_byte_order),
        cmocka_unit_test(test_cut_datagrams),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_broken_pdus),
        cmocka_unit_test(test_later_calls),
        cmocka_unit_test(test_overlapped_calls_that_take_long),
        cmocka_unit_test(test_a_number_far_ahead),
        cmocka_unit_test(test_a_request_behind_the_next_one),
        cmocka_unit_test(test_conversations_apart),
        cmocka_unit_test(test_activity_limit),
        cmocka_unit_test(test_call_limit),
        cmocka_unit_test(test_fragment_limit),
        cmocka_unit_test(test_stub_limit),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_destroy_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
