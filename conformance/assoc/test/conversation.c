// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conversation.h"
#include "util/hex.h"

#define U(...)                                                                                     \
    {                                                                                              \
        { __VA_ARGS__ }                                                                            \
    }

const cmrp_syntax_id clusapi_3 = {U(0xb9, 0x7d, 0xb8, 0xb2, 0x4c, 0x63, 0x11, 0xcf, 0xbf, 0xf6,
                                    0x08, 0x00, 0x2b, 0xe2, 0x3f, 0x2f),
                                  3, 0};
const cmrp_syntax_id other_interface = {U(0xaf, 0xa8, 0xbd, 0x80, 0x7d, 0x8a, 0x11, 0xc9, 0xbe,
                                          0xf4, 0x08, 0x00, 0x2b, 0x10, 0x29, 0x89),
                                        1, 0};
const cmrp_syntax_id ndr20 = {U(0x8a, 0x88, 0x5d, 0x04, 0x1c, 0xeb, 0x11, 0xc9, 0x9f, 0xe8, 0x08,
                                0x00, 0x2b, 0x10, 0x48, 0x60),
                              2, 0};
const cmrp_syntax_id ndr64 = {U(0x71, 0x71, 0x05, 0x33, 0xbe, 0xba, 0x49, 0x37, 0x83, 0x19, 0xb5,
                                0xdb, 0xef, 0x9c, 0xcc, 0x36),
                              1, 0};
const cmrp_syntax_id features = {U(0x6c, 0xb7, 0x1c, 0x2c, 0x98, 0x12, 0x45, 0x40, 0x03, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00),
                                 1, 0};

// ---- talking ------------------------------------------------------------------------------------

static struct piece *add_piece(struct conversation *c, int direction) {
    c->pieces = util_grow(c->pieces, c->count + 1, sizeof *c->pieces);
    struct piece *p = &c->pieces[c->count++];
    *p = (struct piece){.direction = direction, .at = c->octets.size, .frame = c->count};
    return p;
}

void talk_octets(struct conversation *c, int direction, const void *octets, size_t size) {
    add_piece(c, direction)->size = size;
    buffer_append(&c->octets, octets, size);
}

void talk_gap(struct conversation *c, int direction, uint64_t octets) {
    add_piece(c, direction)->gap = octets;
}

void talk_pdu(struct conversation *c, int direction, const cmrp_pdu *pdu) {
    static const uint8_t zeros[256];
    static const uint8_t token[16] = "a token of 16.";
    uint8_t octets[CMRP_PDU_MAXIMUM];
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_pdu full = *pdu;
    full.header.drep[0] = c->big_endian ? 0x00 : 0x10;
    if (c->auth.level != 0) {
        full.has_auth = true;
        full.auth_type = c->auth.type;
        full.auth_level = c->auth.level;
        full.auth_context_id = c->auth.id;
        full.auth_padding = (cmrp_view){zeros, c->auth.padding};
        full.auth_token = (cmrp_view){token, sizeof token};
    }
    cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
    if (!cmrp_pdu_encode(&full, &w)) {
        fprintf(stderr, "a test's PDU cannot be encoded: %s\n", cmrp_code_id(error.code));
        abort();
    }
    talk_octets(c, direction, octets, w.size);
}

void talk_bind(struct conversation *c, unsigned ptype, uint32_t call_id, const uint16_t *ids,
               const cmrp_syntax_id *interfaces, const cmrp_syntax_id *transfers, uint8_t count) {
    cmrp_pdu_context contexts[255];
    for (unsigned i = 0; i < count; i++) {
        contexts[i] = (cmrp_pdu_context){.id = ids[i],
                                         .abstract_syntax = interfaces[i],
                                         .transfer_count = 1,
                                         .transfers = &transfers[i]};
    }
    const cmrp_pdu pdu = {
        .header = {.ptype = (uint8_t)ptype, .flags = BOTH | CMRP_PFC_CONC_MPX, .call_id = call_id},
        .max_xmit_frag = 5840,
        .max_recv_frag = 5840,
        .list_count = count,
        .contexts = contexts};
    talk_pdu(c, CLIENT, &pdu);
}

void talk_answer(struct conversation *c, unsigned ptype, uint32_t call_id,
                 const cmrp_syntax_id *transfers, const uint16_t *results, uint8_t count) {
    cmrp_pdu_result list[255];
    for (unsigned i = 0; i < count; i++) {
        list[i] = (cmrp_pdu_result){.transfer = transfers[i]};
        if (results != NULL && results[i] != CMRP_RESULT_ACCEPTANCE) {
            list[i] = (cmrp_pdu_result){.result = results[i]};
        }
    }
    const cmrp_pdu pdu = {
        .header = {.ptype = (uint8_t)ptype, .flags = BOTH | CMRP_PFC_CONC_MPX, .call_id = call_id},
        .max_xmit_frag = 5840,
        .max_recv_frag = 5840,
        .assoc_group_id = 0x12345,
        .sec_addr = {(const uint8_t *)"49152", 5},
        .list_count = count,
        .results = list};
    talk_pdu(c, SERVER, &pdu);
}

void talk_request(struct conversation *c, unsigned flags, uint32_t call_id, uint16_t context,
                  uint16_t opnum, const char *stub) {
    const cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = (uint8_t)flags, .call_id = call_id},
        .alloc_hint = UINT32_MAX,
        .context_id = context,
        .opnum = opnum,
        .stub = {(const uint8_t *)stub, strlen(stub)}};
    talk_pdu(c, CLIENT, &pdu);
}

void talk_response(struct conversation *c, unsigned flags, uint32_t call_id, uint16_t context,
                   const char *stub) {
    const cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_RESPONSE, .flags = (uint8_t)flags, .call_id = call_id},
        .alloc_hint = UINT32_MAX,
        .context_id = context,
        .stub = {(const uint8_t *)stub, strlen(stub)}};
    talk_pdu(c, SERVER, &pdu);
}

void talk_fault(struct conversation *c, uint32_t call_id, uint16_t context, uint32_t status) {
    const cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_FAULT,
                                     .flags = BOTH | CMRP_PFC_DID_NOT_EXECUTE,
                                     .call_id = call_id},
                          .context_id = context,
                          .status = status};
    talk_pdu(c, SERVER, &pdu);
}

void talk_plain(struct conversation *c, unsigned ptype, uint32_t call_id) {
    const cmrp_pdu pdu = {.header = {.ptype = (uint8_t)ptype, .flags = BOTH, .call_id = call_id}};
    talk_pdu(c, ptype == CMRP_PTYPE_SHUTDOWN ? SERVER : CLIENT, &pdu);
}

void talk_usual_bind(struct conversation *c) {
    const uint16_t ids[] = {0};
    talk_bind(c, CMRP_PTYPE_BIND, 1, ids, &clusapi_3, &ndr20, 1);
    talk_answer(c, CMRP_PTYPE_BIND_ACK, 1, &ndr20, NULL, 1);
}

void conversation_free(struct conversation *c) {
    buffer_free(&c->octets);
    free(c->pieces);
    *c = (struct conversation){0};
}

// ---- the log ------------------------------------------------------------------------------------

static void log_stamp(const struct log *log, const struct assoc_stamp *stamp) {
    if (log->stamps) {
        buffer_printf(log->text, " @%llu", (unsigned long long)stamp->frame);
    }
}

static void log_bind(void *context, const struct assoc_bind *bind) {
    const struct log *log = context;
    size_t offered_cursor = 0;
    size_t result_cursor = 0;
    cmrp_pdu_context offered;
    buffer_printf(log->text, "%s %u", cmrp_ptype_name(bind->offer->header.ptype),
                  bind->offer->header.call_id);
    log_stamp(log, &bind->offered);
    while (cmrp_pdu_next_context(bind->offer, &offered_cursor, &offered)) {
        cmrp_pdu_result result;
        buffer_printf(log->text, " %u", offered.id);
        if (bind->answer != NULL && bind->answer->header.ptype != CMRP_PTYPE_FAULT &&
            cmrp_pdu_next_result(bind->answer, &result_cursor, &result)) {
            buffer_printf(log->text, "=%u", result.result);
        }
    }
    if (bind->offer->has_auth) {
        buffer_printf(log->text, " auth %u/%u", bind->offer->auth_type, bind->offer->auth_level);
    }
    if (bind->answer != NULL) {
        buffer_printf(log->text, ": %s", cmrp_ptype_name(bind->answer->header.ptype));
        log_stamp(log, &bind->answered);
    }
    buffer_append(log->text, "\n", 1);
}

static void log_part(const struct log *log, const char *name, const struct assoc_part *part) {
    static const char *const states[] = {"absent", "partial", "lost", "large", "sealed", "whole"};
    buffer_printf(log->text, " %s %s", name, states[part->state]);
    if (part->state == ASSOC_ABSENT) {
        return;
    }
    if (part->state == ASSOC_WHOLE) {
        buffer_append(log->text, "[", 1);
        for (size_t i = 0; i < part->stub.size; i++) {
            const uint8_t c = part->stub.data[i];
            buffer_printf(log->text, c >= 32 && c < 127 ? "%c" : "\\x%02x", c);
        }
        buffer_append(log->text, "]", 1);
    }
    buffer_printf(log->text, " %u/%llu", part->fragments, (unsigned long long)part->octets);
    log_stamp(log, &part->stamp);
}

static void log_call(void *context, const struct assoc_call *call) {
    const struct log *log = context;
    buffer_printf(log->text, "call %u context %u v%u", call->call_id, call->context_id,
                  call->interface.version);
    if (call->request.state != ASSOC_ABSENT) {
        buffer_printf(log->text, " opnum %u", call->opnum);
    }
    log_part(log, "request", &call->request);
    if (call->faulted) {
        buffer_printf(log->text, " fault 0x%08x%s", call->fault, call->did_not_execute ? "!" : "");
        log_stamp(log, &call->response.stamp);
    } else {
        log_part(log, "response", &call->response);
    }
    buffer_printf(log->text, "%s%s%s%s%s\n", call->basis == ASSOC_GUESSED ? " guessed" : "",
                  call->given_up ? " given up" : "", call->cancelled ? " cancelled" : "",
                  call->orphaned ? " orphaned" : "",
                  call->request.order == CMRP_BIG_ENDIAN ? " be" : "");
}

static void log_loss(void *context, const struct assoc_loss *loss) {
    const struct log *log = context;
    buffer_printf(log->text, "loss %d missing %llu skipped %llu", loss->direction,
                  (unsigned long long)loss->missing, (unsigned long long)loss->skipped);
    log_stamp(log, &loss->stamp);
    buffer_append(log->text, "\n", 1);
}

static void log_note(void *context, enum assoc_note note, const char *text,
                     const struct assoc_stamp *stamp) {
    const struct log *log = context;
    buffer_printf(log->text, "note %s", assoc_note_code(note));
    log_stamp(log, stamp);
    buffer_printf(log->text, ": %s\n", text);
}

static void log_mapper(void *context, const struct assoc_call *call) {
    const struct log *log = context;
    buffer_printf(log->text, "mapper: ");
    log_call(context, call);
}

// Calls whose octets are all 'x' are of another interface.
static void log_guess(void *context, const struct assoc_call *const *calls, size_t count, bool last,
                      struct assoc_opinion *opinion) {
    const struct log *log = context;
    buffer_printf(log->text, "guess %zu%s\n", count, last ? " last" : "");
    const cmrp_view stub = calls[count - 1]->request.stub;
    if (stub.size > 0 && stub.data[0] == 'x') {
        *opinion = (struct assoc_opinion){.verdict = ASSOC_NO, .why = "they are x"};
    } else if (count >= log->guess) {
        *opinion = (struct assoc_opinion){.verdict = ASSOC_YES,
                                          .basis = ASSOC_GUESSED,
                                          .interface = clusapi_3,
                                          .transfer = ndr20};
    }
}

const struct assoc_events log_events = {
    .bind = log_bind, .call = log_call, .mapper = log_mapper, .loss = log_loss, .note = log_note};

// ---- playing ------------------------------------------------------------------------------------

static bool open_by_xor(void *context, const struct assoc_protected *protected, cmrp_view *plain) {
    static uint8_t clear[CMRP_PDU_MAXIMUM];
    const cmrp_pdu *pdu = protected->pdu;
    (void)context;
    if (pdu->auth_level != ASSOC_LEVEL_PRIVACY || pdu->stub.data == NULL ||
        pdu->stub.data < protected->raw.data) {
        return false;
    }
    for (size_t i = 0; i < pdu->stub.size; i++) {
        clear[i] = pdu->stub.data[i] ^ 0x5a;
    }
    *plain = (cmrp_view){clear, pdu->stub.size};
    return true;
}

// Gives octets in an exact-size copy, so that the sanitizer sees every read beyond them.
static bool give(struct assoc *a, int direction, const uint8_t *octets, size_t size,
                 uint64_t frame) {
    const struct assoc_stamp stamp = {.frame = frame};
    uint8_t *copy = malloc(size);
    memcpy(copy, octets, size);
    const bool wanted = assoc_data(a, direction, copy, size, &stamp);
    free(copy);
    return wanted;
}

static bool play_piece(struct assoc *a, const struct conversation *c, const struct piece *p,
                       size_t size, const struct playing *how) {
    bool wanted = true;
    for (size_t at = p->at; at < p->at + size;) {
        size_t n =
            how->piece > 0 && how->piece < p->at + size - at ? how->piece : p->at + size - at;
        if (how->split > at && how->split < at + n) {
            n = how->split - at;
        }
        wanted = give(a, p->direction, c->octets.data + at, n, p->frame);
        at += n;
    }
    return wanted;
}

void play(const struct conversation *c, const struct playing *how, struct played *out) {
    *out = (struct played){.wanted = true};
    struct log log = {&out->text, how->stamps, how->guess};
    struct assoc_events events = log_events;
    struct assoc_memory memory = {0};
    struct assoc_memory *used = how->memory != NULL ? how->memory : &memory;
    events.context = &log;
    events.guess = how->guess > 0 ? log_guess : NULL;
    events.unwrap = how->unwrap ? open_by_xor : NULL;
    struct assoc *a = assoc_create(how->limits, &events, used);
    for (size_t i = 0; i < c->count; i++) {
        const struct piece *p = &c->pieces[i];
        size_t size = p->size;
        if (p->gap > 0) {
            assoc_gap(a, p->direction, p->gap, &(struct assoc_stamp){.frame = p->frame});
            continue;
        }
        while (how->merged && i + 1 < c->count && c->pieces[i + 1].gap == 0 &&
               c->pieces[i + 1].direction == p->direction) {
            size += c->pieces[++i].size;
        }
        out->wanted = play_piece(a, c, p, size, how);
    }
    assoc_close(a, &(struct assoc_stamp){.frame = c->count + 1});
    out->kind = assoc_kind(a);
    out->client = assoc_client(a);
    out->counts = *assoc_counts(a);
    assoc_destroy(a);
    out->memory = used->used;
    buffer_text(&out->text);
}

void played_free(struct played *p) {
    buffer_free(&p->text);
}

const char *text_of(struct played *p) {
    return buffer_text(&p->text);
}

// ---- expecting ----------------------------------------------------------------------------------

const struct playing plainly = {.stamps = true};

void expect(const struct conversation *c, struct playing how, const char *expected) {
    struct played p;
    play(c, &how, &p);
    assert_string_equal(text_of(&p), expected);
    assert_int_equal(p.memory, 0);
    played_free(&p);
}

void expect_cuts(const struct conversation *c, struct playing how, const char *expected) {
    static const size_t pieces[] = {1, 2, 3, 7, 16, 17, 31};
    expect(c, how, expected);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        how.piece = pieces[i];
        expect(c, how, expected);
    }
    how.piece = 0;
    for (how.split = 1; how.split < c->octets.size; how.split++) {
        expect(c, how, expected);
    }
    how.split = 0;
    how.stamps = false;
    struct played apart, merged;
    play(c, &how, &apart);
    how.merged = true;
    play(c, &how, &merged);
    assert_string_equal(text_of(&apart), text_of(&merged));
    played_free(&apart);
    played_free(&merged);
}
