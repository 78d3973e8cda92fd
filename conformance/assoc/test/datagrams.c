// SPDX-License-Identifier: Apache-2.0
#include "datagrams.h"

#include <stdlib.h>

static const char *part_word(const struct assoc_part *part) {
    static const char *const words[] = {"absent", "partial", "lost", "large", "sealed", "whole"};
    return words[part->state];
}

static void put_part(struct buffer *out, const char *name, const struct assoc_part *part) {
    buffer_printf(out, " %s=%s", name, part_word(part));
    if (part->state == ASSOC_WHOLE) {
        buffer_printf(out, ":%.*s%s", (int)part->stub.size, (const char *)part->stub.data,
                      part->order == CMRP_BIG_ENDIAN ? "(be)" : "");
    }
}

static void *on_open(void *context, const struct assoc_conversation *c,
                     const struct assoc_stamp *stamp) {
    struct world *w = context;
    (void)stamp;
    buffer_printf(&w->said, "open %02x %u>%u\n", c->activity.octets[0], c->client.port,
                  c->server.port);
    w->open++;
    return w;
}

static void on_move(void *user, const struct assoc_address *server) {
    struct world *w = user;
    buffer_printf(&w->said, "move %u\n", server->port);
}

static void on_call(void *user, const struct assoc_call *call) {
    struct world *w = user;
    assert_true(call->connectionless);
    assert_int_equal(call->transfer.version, 2);
    buffer_printf(&w->said, "call %u op %u v%u", call->call_id, call->opnum,
                  call->interface.version);
    put_part(&w->said, "request", &call->request);
    put_part(&w->said, "response", &call->response);
    if (call->faulted) {
        buffer_printf(&w->said, " fault=%x%s", call->fault,
                      call->did_not_execute ? " not executed" : "");
    }
    buffer_printf(&w->said, "%s%s%s", call->cancelled ? " cancelled" : "",
                  call->maybe ? " maybe" : "", call->given_up ? " given up" : "");
    if (call->pings + call->workings > 0) {
        buffer_printf(&w->said, " %u/%u", call->pings, call->workings);
    }
    for (uint32_t i = 0; i < call->breach_count; i++) {
        buffer_printf(&w->said, " breach %s@%llu", cmrp_code_id(call->breaches[i].error.code),
                      (unsigned long long)call->breaches[i].error.offset);
    }
    buffer_printf(&w->said, "\n");
}

static void on_note(void *context, void *user, enum assoc_note note, const char *text,
                    const struct assoc_stamp *stamp) {
    struct world *w = context;
    (void)text;
    assert_int_equal(stamp->frame, w->frame);
    assert_true(user == NULL || user == w);
    buffer_printf(&w->said, "note %s\n", assoc_note_code(note));
}

static void on_close(void *user) {
    struct world *w = user;
    w->open--;
}

void begin_with(struct world *w, const struct assoc_datagram_limits *limits,
                struct assoc_memory *memory) {
    const struct assoc_datagram_events events = {.context = w,
                                                 .open = on_open,
                                                 .move = on_move,
                                                 .call = on_call,
                                                 .note = on_note,
                                                 .close = on_close};
    *w = (struct world){0};
    w->datagrams = assoc_datagrams_create(limits, &events, memory);
}

void begin(struct world *w) {
    begin_with(w, NULL, NULL);
}

// Ends it and compares everything that was said.
void end(struct world *w, const char *expected) {
    assoc_datagrams_close(w->datagrams);
    assert_string_equal(buffer_text(&w->said), expected);
    assert_int_equal(w->open, 0);
    assoc_datagrams_destroy(w->datagrams);
    buffer_free(&w->said);
}

static bool from_client(uint8_t ptype) {
    return ptype == CMRP_PTYPE_CL_REQUEST || ptype == CMRP_PTYPE_CL_PING ||
           ptype == CMRP_PTYPE_CL_ACK || ptype == CMRP_PTYPE_CL_CL_CANCEL;
}

size_t encode_datagram(const struct sent *s, uint8_t *out, size_t capacity) {
    static const uint8_t token[] = {1, 2, 3, 4};
    static const uint8_t gap[8] = {0};
    const char *stub = s->stub != NULL ? s->stub : "";
    cmrp_pdu_cl pdu = {.header = {.ptype = s->ptype,
                                  .flags1 = s->flags1,
                                  .flags2 = s->flags2,
                                  .drep = {s->big ? 0 : 0x10},
                                  .if_id = cmrp_uuid_clusapi,
                                  .act_id = {{s->activity}},
                                  .if_vers = 2,
                                  .seqnum = s->call,
                                  .opnum = 65,
                                  .fragnum = s->number},
                       .stub = {(const uint8_t *)stub, strlen(stub)},
                       .status = s->status,
                       .has_body = s->ptype == CMRP_PTYPE_CL_CL_CANCEL};
    pdu.header.if_id.octets[0] ^= s->foreign ? 0xff : 0;
    if (s->sealed && (s->ptype == CMRP_PTYPE_CL_REQUEST || s->ptype == CMRP_PTYPE_CL_RESPONSE)) {
        pdu.header.auth_proto = 10;
        pdu.has_auth = true;
        pdu.auth_level = ASSOC_LEVEL_PRIVACY;
        pdu.auth_padding = (cmrp_view){gap, -pdu.stub.size & 7};
        pdu.auth_token = (cmrp_view){token, sizeof token};
    }
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, out, capacity, &error, NULL);
    assert_true(cmrp_pdu_cl_encode(&pdu, &w));
    if (s->len_more > 0) {
        cmrp_store(out + 74, 2, pdu.stub.size + s->len_more,
                   s->big ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN);
    }
    return w.size;
}

bool give(struct world *w, struct sent s) {
    uint8_t octets[2048];
    const size_t size = encode_datagram(&s, octets, sizeof octets);
    const struct assoc_address client = {.host = {10, s.host},
                                         .port = s.client > 0 ? s.client : 1025};
    const struct assoc_address server = {.host = {20}, .port = s.server > 0 ? s.server : SERVER};
    const bool asks = from_client(s.ptype);
    const struct assoc_stamp stamp = {.frame = ++w->frame};
    // In a block of exactly its size, for sanitizers.
    uint8_t *exact = malloc(size - s.missing);
    assert_non_null(exact);
    memcpy(exact, octets, size - s.missing);
    const bool ours =
        assoc_datagram(w->datagrams, asks ? &client : &server, asks ? &server : &client,
                       (cmrp_view){exact, size - s.missing}, s.missing, &stamp);
    free(exact);
    return ours;
}
