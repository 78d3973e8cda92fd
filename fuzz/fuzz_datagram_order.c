// SPDX-License-Identifier: Apache-2.0
// Property datagram_order: what a conversation of connectionless calls reports does not depend on
// the order in which the datagrams of a call arrive, nor on how often each comes. The input is a
// plan: an octet for the shuffle, one for the bounds, then calls: an octet of flags, one with the
// numbers of fragments of request and answer, two with the fragments that are lost, and one with
// the octets of a fragment; stub data is what follows. All calls are those of one activity.
#include <stdlib.h>
#include <string.h>

#include "assoc/datagram.h"
#include "fuzz_support.h"
#include "util/hex.h"

#define PROPERTY "datagram_order"

enum {
    PLAN = 2,
    CALL = 5,
    FRAGMENTS = 8,  // at most, of a request or an answer
    DATAGRAMS = 20, // of a call
};

enum {
    FAULT = 0x01,
    REJECT = 0x02,
    MAYBE = 0x04,
    OVERLAPPED = 0x08,
    SEALED = 0x10,
    BIG = 0x20,
    WHOLE = 0x80, // no fragments: the request in one datagram
};

struct datagram {
    bool to_server;
    uint8_t *octets; // a block of its own
    size_t size;
};

struct plan {
    struct datagram datagrams[DATAGRAMS];
    size_t count;
};

// ---- datagrams ----------------------------------------------------------------------------------

static void add(struct plan *plan, const cmrp_pdu_cl *pdu, bool to_server) {
    uint8_t octets[CMRP_PDU_CL_HEADER_SIZE + 512];
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
    if (plan->count == DATAGRAMS || !cmrp_pdu_cl_encode(pdu, &w)) {
        fuzz_fail(PROPERTY, "a datagram cannot be made: %s", cmrp_code_id(error.code));
    }
    struct datagram *d = &plan->datagrams[plan->count++];
    d->to_server = to_server;
    d->size = w.size;
    d->octets = util_alloc(w.size);
    memcpy(d->octets, octets, w.size);
}

static cmrp_pdu_cl pdu_of(uint8_t ptype, uint32_t call, unsigned flags) {
    return (cmrp_pdu_cl){.header = {.ptype = ptype,
                                    .flags1 = (flags & MAYBE) != 0 ? CMRP_PF_MAYBE : 0,
                                    .flags2 = (flags & OVERLAPPED) != 0 ? CMRP_PF2_UNRELATED : 0,
                                    .drep = {(flags & BIG) != 0 ? 0 : 0x10},
                                    .if_id = cmrp_uuid_clusapi,
                                    .if_vers = 2,
                                    .seqnum = call,
                                    .opnum = 65},
                         .status = 0x1c010002};
}

// The fragments of a request or an answer; stub data is taken from *left.
static void add_fragments(struct plan *plan, cmrp_pdu_cl pdu, unsigned count, unsigned lost,
                          size_t each, bool sealed, cmrp_view *left) {
    static const uint8_t gap[8] = {0};
    const bool whole = count == 1;
    for (unsigned i = 0; i < count; i++) {
        const size_t size = each < left->size ? each : left->size;
        pdu.stub = (cmrp_view){left->data, size};
        left->data += size;
        left->size -= size;
        pdu.header.fragnum = (uint16_t)i;
        pdu.header.flags1 &= (uint8_t) ~(CMRP_PF_FRAG | CMRP_PF_LASTFRAG);
        if (!whole) {
            pdu.header.flags1 |= i == count - 1 ? CMRP_PF_FRAG | CMRP_PF_LASTFRAG : CMRP_PF_FRAG;
        }
        if (sealed) {
            pdu.header.auth_proto = 10;
            pdu.has_auth = true;
            pdu.auth_level = ASSOC_LEVEL_PRIVACY;
            pdu.auth_padding = (cmrp_view){gap, -size & 7};
        }
        if ((lost >> i & 1) == 0) {
            add(plan, &pdu, pdu.header.ptype == CMRP_PTYPE_CL_REQUEST);
        }
    }
}

static void make_call(struct plan *plan, uint32_t call, const uint8_t head[CALL], cmrp_view *left) {
    const unsigned flags = head[0];
    const unsigned asked = (flags & WHOLE) != 0 ? 1 : 1 + head[1] % FRAGMENTS;
    const unsigned answered = (head[1] >> 4) % (FRAGMENTS + 1);
    const bool fails = (flags & (FAULT | REJECT)) != 0 && (flags & MAYBE) == 0; // it has no answer
    plan->count = 0;
    add_fragments(plan, pdu_of(CMRP_PTYPE_CL_REQUEST, call, flags), asked, head[2], head[4], false,
                  left);
    if (fails) {
        const cmrp_pdu_cl pdu = pdu_of(
            (flags & FAULT) != 0 ? CMRP_PTYPE_CL_FAULT : CMRP_PTYPE_CL_REJECT, call, flags & BIG);
        add(plan, &pdu, false);
    } else if ((flags & MAYBE) == 0) {
        add_fragments(plan, pdu_of(CMRP_PTYPE_CL_RESPONSE, call, flags & BIG), answered, head[3],
                      head[4], (flags & SEALED) != 0, left);
    }
}

static void free_plan(struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->datagrams[i].octets);
    }
}

// ---- events as text -----------------------------------------------------------------------------

// What does not depend on the order. Of what was too large the first octets are not the same ones.
static void put_part(struct buffer *log, const struct assoc_part *part) {
    buffer_printf(log, " [%d %d", (int)part->state, (int)part->order);
    if (part->state != ASSOC_TOO_LARGE) {
        buffer_printf(log, " %llu octets %u fragments %u/%u", (unsigned long long)part->octets,
                      part->fragments, part->auth_type, part->auth_level);
    }
    if (part->state == ASSOC_WHOLE) {
        buffer_append(log, " ", 1);
        hex_append(log, part->stub);
    }
    buffer_append(log, "]", 1);
}

static void on_call(void *user, const struct assoc_call *call) {
    struct buffer *log = user;
    buffer_printf(log, "call %u opnum %u faulted %d %d %#x maybe %d", call->call_id, call->opnum,
                  call->faulted, call->did_not_execute, call->faulted ? call->fault : 0,
                  call->maybe);
    put_part(log, &call->request);
    put_part(log, &call->response);
    buffer_append(log, "\n", 1);
}

static void *on_open(void *context, const struct assoc_conversation *conversation,
                     const struct assoc_stamp *stamp) {
    (void)conversation;
    (void)stamp;
    return context;
}

// ---- runs ---------------------------------------------------------------------------------------

static uint32_t next(uint32_t *random, uint32_t below) {
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 8) % below;
}

static void give(struct assoc_datagrams *d, const struct datagram *datagram) {
    static const struct assoc_address client = {.host = {1}, .port = 1025};
    static const struct assoc_address server = {.host = {2}, .port = 1055};
    static const struct assoc_stamp stamp = {0};
    const cmrp_view octets = {datagram->octets, datagram->size};
    if (!assoc_datagram(d, datagram->to_server ? &client : &server,
                        datagram->to_server ? &server : &client, octets, 0, &stamp)) {
        fuzz_fail(PROPERTY, "a datagram of the conversation is not taken");
    }
}

// Gives the datagrams of a call in order, or shuffled and with repetitions.
static void give_call(struct assoc_datagrams *d, struct plan *plan, uint32_t *random) {
    for (size_t i = plan->count; *random != 0 && i > 1; i--) {
        const size_t other = next(random, (uint32_t)i);
        const struct datagram kept = plan->datagrams[i - 1];
        plan->datagrams[i - 1] = plan->datagrams[other];
        plan->datagrams[other] = kept;
    }
    for (size_t i = 0; i < plan->count; i++) {
        give(d, &plan->datagrams[i]);
        if (*random != 0 && next(random, 4) == 0) {
            give(d, &plan->datagrams[next(random, (uint32_t)i + 1)]);
        }
    }
}

static void run(cmrp_view input, uint32_t random, struct buffer *log) {
    const struct assoc_datagram_events events = {.context = log, .open = on_open, .call = on_call};
    const unsigned bounds = input.data[1];
    const struct assoc_datagram_limits limits = {.fragments = bounds % 8,
                                                 .stub = (size_t)(bounds / 8) * 16};
    struct assoc_memory memory = {0};
    struct assoc_datagrams *d = assoc_datagrams_create(&limits, &events, &memory);
    cmrp_view left = {input.data + PLAN, input.size - PLAN};
    for (uint32_t call = 1; left.size >= CALL; call++) {
        const uint8_t *head = left.data;
        struct plan plan;
        left.data += CALL;
        left.size -= CALL;
        make_call(&plan, call, head, &left);
        give_call(d, &plan, &random);
        free_plan(&plan);
    }
    assoc_datagrams_close(d);
    if (memory.used != 0) {
        fuzz_fail(PROPERTY, "%zu octets are still counted", memory.used);
    }
    assoc_datagrams_destroy(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buffer in_order = {0};
    struct buffer shuffled = {0};
    if (size < PLAN) {
        return 0;
    }
    run((cmrp_view){data, size}, 0, &in_order);
    run((cmrp_view){data, size}, 1 + data[0], &shuffled);
    if (in_order.size != shuffled.size ||
        (in_order.size > 0 && memcmp(in_order.data, shuffled.data, in_order.size) != 0)) {
        fuzz_fail(PROPERTY, "in order:\n%sshuffled:\n%s", buffer_text(&in_order),
                  buffer_text(&shuffled));
    }
    char whole[16];
    snprintf(whole, sizeof whole, " [%d ", (int)ASSOC_WHOLE);
    (*(in_order.size > 0 && strstr(buffer_text(&in_order), whole) != NULL
           ? &fuzz_tally.accepted
           : &fuzz_tally.rejected))++;
    buffer_free(&in_order);
    buffer_free(&shuffled);
    return 0;
}
