// SPDX-License-Identifier: Apache-2.0
// Octets that are missing, or that are no PDU.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <string.h>

#include "conversation.h"

// ---- octets that are no PDU ---------------------------------------------------------------------

static void test_garbage_before(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_octets(&c, CLIENT, "\x05 in the middle of something \x05\x00", 32);
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    expect_cuts(&c, plainly,
                "loss 0 missing 0 skipped 32 @1\n"
                "bind 1 @2 0=0: bind_ack @3\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response whole[b] 1/1 @5\n");
    conversation_free(&c);
}

static void test_garbage_between(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_octets(&c, SERVER, "what?", 5);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    talk_octets(&c, CLIENT, "0123456789abcdefghij", 20);
    talk_request(&c, BOTH, 3, 0, 65, "c");
    talk_response(&c, BOTH, 3, 0, "d");
    talk_octets(&c, CLIENT, "0123456789abcdefghij", 20);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 1 missing 0 skipped 5 @5\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response whole[b] 1/1 @5\n"
                "loss 0 missing 0 skipped 20 @6\n"
                "call 3 context 0 v3 opnum 65 request whole[c] 1/1 @7 response whole[d] 1/1 @8\n"
                "loss 0 missing 0 skipped 20 @9\n");
    conversation_free(&c);
}

// What resembles a header in all but one field is none.
static void test_resemblance(void **state) {
    (void)state;
    static const struct {
        uint8_t at, value;
    } changes[] = {{0, 4},    {1, 2}, {2, 1}, {3, 0x01}, {3, 0x02}, {3, 0x0b}, {4, 0x20},
                   {4, 0x02}, {5, 4}, {6, 1}, {7, 1},    {8, 15},   {10, 1}};
    static const uint8_t cancel[16] = {5, 0, 18, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0};
    for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
        const bool intact = i == sizeof changes / sizeof changes[0];
        struct conversation c = {0};
        uint8_t octets[17] = "x";
        memcpy(octets + 1, cancel, sizeof cancel);
        if (!intact) {
            octets[1 + changes[i].at] = changes[i].value;
        }
        talk_usual_bind(&c);
        talk_octets(&c, CLIENT, octets, sizeof octets);
        talk_request(&c, BOTH, 2, 0, 65, "a");
        expect_cuts(&c, plainly,
                    intact
                        ? "bind 1 @1 0=0: bind_ack @2\n"
                          "loss 0 missing 0 skipped 1 @3\n"
                          "note cancel @3: the client cancels call 7, which is not outstanding\n"
                          "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent\n"
                        : "bind 1 @1 0=0: bind_ack @2\n"
                          "loss 0 missing 0 skipped 17 @3\n"
                          "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @4 response absent\n");
        conversation_free(&c);
    }
}

// A PDU inside a stub does not pass for the next one, since nothing like a header follows it.
static void test_embedded_pdu(void **state) {
    (void)state;
    struct conversation inner = {0};
    struct conversation c = {0};
    talk_request(&inner, BOTH, 66, 0, 65, "embedded");
    talk_usual_bind(&c);
    talk_gap(&c, CLIENT, 100);
    struct buffer middle = {0};
    buffer_append(&middle, "...", 3);
    buffer_append(&middle, inner.octets.data, inner.octets.size);
    buffer_append(&middle, "...", 3);
    talk_octets(&c, CLIENT, middle.data, middle.size);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 100 skipped 38 @3\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @5 response whole[b] 1/1 @6\n");
    buffer_free(&middle);
    conversation_free(&inner);
    conversation_free(&c);
}

static void test_undecodable_pdu(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    c.octets.data[c.pieces[2].at + 10] = 200; // auth_length
    talk_request(&c, BOTH, 3, 0, 65, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note pdu @3: a request of 25 octets is skipped: offset 10: auth_length 200 does "
                "not fit into the PDU (9 bytes left) [MS-RPCE 2.2.2.11]\n"
                "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response absent\n");
    conversation_free(&c);
}

// ---- gaps ---------------------------------------------------------------------------------------

// Octets missing inside a PDU whose header is known cost that PDU only (a short snapshot length).
static void test_cut_pdus(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "abcdefgh");
    c.pieces[2].size -= 8;
    talk_gap(&c, CLIENT, 8);
    talk_request(&c, BOTH, 3, 0, 66, "x");
    talk_response(&c, BOTH, 2, 0, "12345678");
    c.pieces[5].size -= 6;
    talk_gap(&c, SERVER, 4); // two more octets of it come later
    talk_octets(&c, SERVER, "78", 2);
    talk_response(&c, BOTH, 3, 0, "y");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 8 skipped 24 @4\n"
                "loss 1 missing 4 skipped 26 @7\n"
                "call 2 context 0 v3 opnum 65 request lost 1/0 @4 response lost 1/0 @7\n"
                "call 3 context 0 v3 opnum 66 request whole[x] 1/1 @5 response whole[y] 1/1 @9\n");
    conversation_free(&c);
}

// Such a gap tears no other call, even where it reaches to the very end of its PDU.
static void test_cut_pdu_among_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_request(&c, BOTH, 3, 0, 65, "b");
    talk_response(&c, FIRST, 2, 0, "12345678");
    talk_response(&c, BOTH, 3, 0, "abcdefgh");
    c.pieces[5].size -= 8;
    talk_gap(&c, SERVER, 8);
    talk_response(&c, LAST, 2, 0, "9");
    expect_cuts(
        &c, plainly,
        "bind 1 @1 0=0: bind_ack @2\n"
        "loss 1 missing 8 skipped 24 @7\n"
        "call 3 context 0 v3 opnum 65 request whole[b] 1/1 @4 response lost 1/0 @7\n"
        "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[123456789] 2/9 "
        "@8\n");
    conversation_free(&c);
}

static void test_cut_pdu_with_object(void **state) {
    (void)state;
    struct conversation c = {0};
    const cmrp_pdu request = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = BOTH | CMRP_PFC_OBJECT_UUID, .call_id = 2},
        .opnum = 65,
        .has_object = true,
        .stub = {(const uint8_t *)"a", 1}};
    talk_usual_bind(&c);
    talk_pdu(&c, CLIENT, &request);
    talk_pdu(&c, CLIENT, &request);
    c.pieces[3].size = 30;
    talk_gap(&c, CLIENT, 11);
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 11 skipped 30 @5\n"
                "note call-id-reused @5: call identifier 2 is used again before its answer\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response absent\n"
                "call 2 context 0 v3 opnum 65 request lost 1/0 @5 response absent\n");
    conversation_free(&c);
}

// Whether an expected line is among the events.
static bool has_line(const char *text, const char *line) {
    const size_t size = strlen(line);
    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') && at[size] == '\n') {
            return true;
        }
    }
    return false;
}

// Takes octets [from, to) of the conversation away. A packet may be cut at either side.
static struct conversation without(const struct conversation *c, size_t from, size_t to) {
    struct conversation d = {0};
    for (size_t i = 0; i < c->count; i++) {
        const struct piece *p = &c->pieces[i];
        const size_t end = p->at + p->size;
        const size_t cut_from = from > p->at ? from : p->at;
        const size_t cut_to = to < end ? to : end;
        if (cut_from >= cut_to) {
            talk_octets(&d, p->direction, c->octets.data + p->at, p->size);
            continue;
        }
        if (cut_from > p->at) {
            talk_octets(&d, p->direction, c->octets.data + p->at, cut_from - p->at);
        }
        talk_gap(&d, p->direction, cut_to - cut_from);
        if (cut_to < end) {
            talk_octets(&d, p->direction, c->octets.data + cut_to, end - cut_to);
        }
    }
    return d;
}

// Gaps in each place: calls that the gap does not touch come out whole.
static void test_gaps_everywhere(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 5, 16, 24, 29, 60};
    static const struct {
        size_t request, response; // packets
        const char *line;
    } calls[] = {
        {2, 3, "call 2 context 0 v3 opnum 65 request whole[a] 1/1 response whole[b] 1/1"},
        {4, 5, "call 3 context 0 v3 opnum 66 request whole[c] 1/1 response whole[d] 1/1"},
        {6, 7, "call 4 context 0 v3 opnum 67 request whole[e] 1/1 response whole[f] 1/1"},
    };
    struct conversation c = {0};
    size_t checked = 0;
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "b");
    talk_request(&c, BOTH, 3, 0, 66, "c");
    talk_response(&c, BOTH, 3, 0, "d");
    talk_request(&c, BOTH, 4, 0, 67, "e");
    talk_response(&c, BOTH, 4, 0, "f");
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t from = c.pieces[2].at; from + sizes[s] <= c.octets.size; from++) {
            const size_t to = from + sizes[s];
            struct conversation d = without(&c, from, to);
            const struct playing how = {0};
            struct played p;
            play(&d, &how, &p);
            assert_non_null(strstr(text_of(&p), "loss "));
            for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
                const struct piece *q = &c.pieces[calls[i].request];
                const struct piece *r = &c.pieces[calls[i].response];
                const bool touched = from < r->at + r->size && to > q->at;
                if (!touched) {
                    assert_true(has_line(text_of(&p), calls[i].line));
                    checked++;
                }
            }
            assert_int_equal(p.memory, 0);
            played_free(&p);
            conversation_free(&d);
        }
    }
    assert_true(checked > 500);
    conversation_free(&c);
}

// The same with fragments: what a gap has torn is never joined.
static void test_gap_among_fragments(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, FIRST, 2, 0, 113, "abcdefgh");
    talk_gap(&c, CLIENT, 32);
    talk_request(&c, LAST, 2, 0, 113, "qr");
    talk_response(&c, FIRST, 2, 0, "12345678");
    talk_gap(&c, SERVER, 32);
    talk_response(&c, LAST, 2, 0, "9");
    talk_request(&c, BOTH, 3, 0, 65, "a");
    talk_response(&c, BOTH, 3, 0, "b");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 0 missing 32 skipped 0 @4\n"
                "loss 1 missing 32 skipped 0 @7\n"
                "call 2 context 0 v3 opnum 113 request lost 2/10 @5 response lost 2/9 @8\n"
                "call 3 context 0 v3 opnum 65 request whole[a] 1/1 @9 response whole[b] 1/1 @10\n");
    conversation_free(&c);
}

// A lone answer behind a gap counts as soon as the other side speaks, or at the end.
static void test_resynchronised_by_silence(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_gap(&c, SERVER, 7);
    talk_response(&c, BOTH, 2, 0, "b");
    talk_request(&c, BOTH, 3, 0, 65, "c");
    talk_gap(&c, SERVER, 9);
    talk_response(&c, BOTH, 3, 0, "d");
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "loss 1 missing 7 skipped 0 @4\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response whole[b] 1/1 @5\n"
                "loss 1 missing 9 skipped 0 @7\n"
                "call 3 context 0 v3 opnum 65 request whole[c] 1/1 @6 response whole[d] 1/1 @8\n");
    conversation_free(&c);
}

static void test_cut_at_the_end(void **state) {
    (void)state;
    struct conversation c = {0};
    talk_usual_bind(&c);
    talk_request(&c, BOTH, 2, 0, 65, "a");
    talk_response(&c, BOTH, 2, 0, "bcdefgh");
    c.pieces[3].size -= 2;
    talk_request(&c, BOTH, 3, 0, 65, "a");
    c.pieces[4].size = 15;
    expect_cuts(&c, plainly,
                "bind 1 @1 0=0: bind_ack @2\n"
                "note cut @6: the connection ends after 15 octets of a PDU's header\n"
                "note cut @6: the connection ends after 29 of the 31 octets of a PDU\n"
                "call 2 context 0 v3 opnum 65 request whole[a] 1/1 @3 response lost 1/0 @6\n");
    conversation_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_garbage_before),
        cmocka_unit_test(test_garbage_between),
        cmocka_unit_test(test_resemblance),
        cmocka_unit_test(test_embedded_pdu),
        cmocka_unit_test(test_undecodable_pdu),
        cmocka_unit_test(test_cut_pdus),
        cmocka_unit_test(test_cut_pdu_among_fragments),
        cmocka_unit_test(test_cut_pdu_with_object),
        cmocka_unit_test(test_gaps_everywhere),
        cmocka_unit_test(test_gap_among_fragments),
        cmocka_unit_test(test_resynchronised_by_silence),
        cmocka_unit_test(test_cut_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
