// SPDX-License-Identifier: Apache-2.0
// Property stream_cut: what a connection reports does not depend on how its octets are cut into
// pieces. The first two octets say how to cut (the largest part, a seed); then come pieces of the
// conversation, each with an octet (0 and 1: direction; 2 and 3: octets missing in that direction)
// and a 16-bit little-endian length. Whole pieces and cut ones must give the same events.
#include <stdlib.h>

#include "assoc/assoc.h"
#include "fuzz_support.h"
#include "util/hex.h"

#define PROPERTY "stream_cut"

enum { SEED = 2, PIECE_HEADER = 3 };

// Small bounds, so that small inputs meet them.
static const struct assoc_limits limits = {.stub = 2048, .calls = 4, .contexts = 4};

// ---- events as text -----------------------------------------------------------------------------

static void put_stamp(struct buffer *log, const struct assoc_stamp *stamp) {
    buffer_printf(log, " @%llu", (unsigned long long)stamp->frame);
}

static void put_octets(struct buffer *log, cmrp_view octets) {
    buffer_append(log, " ", 1);
    hex_append(log, octets);
}

static void put_pdu(struct buffer *log, const cmrp_pdu *pdu) {
    if (pdu == NULL) {
        buffer_append(log, " none", 5);
        return;
    }
    buffer_printf(log, " %u/%u/%u", pdu->header.ptype, pdu->header.call_id, pdu->list_count);
    put_octets(log, pdu->list);
    put_octets(log, pdu->stub);
}

static void put_part(struct buffer *log, const struct assoc_part *part) {
    buffer_printf(log, " [%d %d %llu octets %u fragments %u/%u", (int)part->state, (int)part->order,
                  (unsigned long long)part->octets, part->fragments, part->auth_type,
                  part->auth_level);
    if (part->state == ASSOC_WHOLE) {
        put_octets(log, part->stub);
    }
    if (part->state != ASSOC_ABSENT) {
        put_stamp(log, &part->stamp);
    }
    buffer_append(log, "]", 1);
}

static void on_bind(void *context, const struct assoc_bind *bind) {
    buffer_printf(context, "bind");
    put_pdu(context, bind->offer);
    put_stamp(context, &bind->offered);
    put_pdu(context, bind->answer);
    if (bind->answer != NULL) {
        put_stamp(context, &bind->answered);
    }
    buffer_append(context, "\n", 1);
}

static void on_call(void *context, const struct assoc_call *call) {
    char interface[CMRP_UUID_TEXT_SIZE];
    cmrp_uuid_format(&call->interface.uuid, interface);
    buffer_printf(context,
                  "call %u basis %d given up %d context %u opnum %u %s %u faulted %d %d %#x "
                  "cancelled %d %d",
                  call->call_id, (int)call->basis, call->given_up, call->context_id,
                  call->request.state != ASSOC_ABSENT ? call->opnum : 0, interface,
                  call->interface.version, call->faulted, call->did_not_execute,
                  call->faulted ? call->fault : 0, call->cancelled, call->orphaned);
    put_part(context, &call->request);
    put_part(context, &call->response);
    buffer_append(context, "\n", 1);
}

static void on_mapper(void *context, const struct assoc_call *call) {
    buffer_printf(context, "mapper ");
    on_call(context, call);
}

// Any rule will do: what has as many octets as a sum that it takes for itself.
static void on_guess(void *context, const struct assoc_call *const *calls, size_t count, bool last,
                     struct assoc_opinion *opinion) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += calls[i]->request.stub.size + calls[i]->response.stub.size;
    }
    buffer_printf(context, "guess %zu calls %zu octets %d\n", count, sum, last);
    opinion->verdict = sum % 5 == 4 ? ASSOC_NO : sum % 5 > 1 ? ASSOC_YES : ASSOC_WAIT;
    opinion->basis = ASSOC_GUESSED;
    opinion->interface = (cmrp_syntax_id){.uuid = cmrp_uuid_clusapi, .version = 3};
}

static void on_loss(void *context, const struct assoc_loss *loss) {
    buffer_printf(context, "loss %d missing %llu skipped %llu", loss->direction,
                  (unsigned long long)loss->missing, (unsigned long long)loss->skipped);
    put_stamp(context, &loss->stamp);
    buffer_append(context, "\n", 1);
}

static void on_note(void *context, enum assoc_note note, const char *text,
                    const struct assoc_stamp *stamp) {
    buffer_printf(context, "note %s: %s", assoc_note_code(note), text);
    put_stamp(context, stamp);
    buffer_append(context, "\n", 1);
}

// Opens what is signed only, so that both ways of reading a protected PDU are met.
static bool on_unwrap(void *context, const struct assoc_protected *protected, cmrp_view *plain) {
    const bool opens = protected->pdu->auth_level % 2 != 0;
    buffer_printf(context, "unwrap %d", protected->from_client);
    put_octets(context, protected->raw);
    buffer_append(context, "\n", 1);
    *plain = protected->pdu->stub;
    return opens;
}

// ---- runs ---------------------------------------------------------------------------------------

// How to cut: parts of at most `largest` octets; 0: not at all.
struct cutter {
    uint32_t largest;
    uint32_t random;
};

static size_t cut(struct cutter *cutter, size_t left) {
    if (cutter->largest == 0) {
        return left;
    }
    cutter->random = cutter->random * 1664525u + 1013904223u;
    const size_t size = 1 + (cutter->random >> 8) % cutter->largest;
    return size < left ? size : left;
}

// Gives one piece; false when the connection wants nothing more.
static bool give(struct assoc *a, int direction, cmrp_view piece, struct cutter *cutter,
                 const struct assoc_stamp *stamp) {
    for (size_t at = 0; at < piece.size;) {
        const size_t size = cut(cutter, piece.size - at);
        // A block of its own, so that the sanitizer sees every octet kept too long or read too far.
        uint8_t *block = util_alloc(size);
        memcpy(block, piece.data + at, size);
        const bool wanted = assoc_data(a, direction, block, size, stamp);
        free(block);
        if (!wanted) {
            return false;
        }
        at += size;
    }
    return true;
}

static void run(cmrp_view input, struct cutter cutter, struct buffer *log) {
    const struct assoc_events events = {.context = log,
                                        .bind = on_bind,
                                        .call = on_call,
                                        .mapper = on_mapper,
                                        .guess = on_guess,
                                        .loss = on_loss,
                                        .note = on_note,
                                        .unwrap = on_unwrap};
    struct assoc_memory memory = {.limit = 1 << 20};
    struct assoc *a = assoc_create(&limits, &events, &memory);
    struct assoc_stamp stamp = {0};
    bool wanted = true;
    size_t at = SEED;
    while (wanted && input.size - at >= PIECE_HEADER) {
        const uint8_t *header = input.data + at;
        size_t size = cmrp_load_u16(header + 1, CMRP_LITTLE_ENDIAN);
        at += PIECE_HEADER;
        stamp.frame++;
        if ((header[0] & 2) != 0) {
            if (size > 0) {
                assoc_gap(a, header[0] & 1, size, &stamp);
            }
            continue;
        }
        size = size < input.size - at ? size : input.size - at;
        wanted = give(a, header[0] & 1, (cmrp_view){input.data + at, size}, &cutter, &stamp);
        at += size;
    }
    if (wanted) {
        assoc_close(a, &stamp);
    }
    const struct assoc_counts *counts = assoc_counts(a);
    buffer_printf(log, "kind %d client %d, %llu PDUs, calls %llu %llu %llu\n", (int)assoc_kind(a),
                  assoc_client(a), (unsigned long long)counts->pdus,
                  (unsigned long long)counts->calls, (unsigned long long)counts->other_calls,
                  (unsigned long long)counts->unbound_calls);
    if (cutter.largest == 0) {
        *(counts->calls > 0 ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    }
    assoc_destroy(a);
    if (memory.used != 0) {
        fuzz_fail(PROPERTY, "%zu octets stay accounted for", memory.used);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cmrp_view input = {data, size};
    struct buffer whole = {0};
    struct buffer parts = {0};
    if (size < SEED) {
        return 0;
    }
    const struct cutter cutter = {.largest = 1 + data[0] % 64u, .random = data[1]};
    run(input, (struct cutter){0}, &whole);
    run(input, cutter, &parts);
    if (whole.size != parts.size || memcmp(whole.data, parts.data, whole.size) != 0) {
        fuzz_fail(PROPERTY, "events of whole pieces:\n%sevents of parts of up to %u octets:\n%s",
                  buffer_text(&whole), cutter.largest, buffer_text(&parts));
    }
    buffer_free(&whole);
    buffer_free(&parts);
    return 0;
}
