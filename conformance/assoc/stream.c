// SPDX-License-Identifier: Apache-2.0
// Framing: from pieces of a stream to whole PDUs.
#include "assoc/state.h"

// Octets taken into the window at a time, so that it stays small while nothing is found.
enum { PIECE = 4096 };

// ---- losses -------------------------------------------------------------------------------------

void assoc_lose(struct side *side, uint64_t missing, uint64_t skipped,
                const struct assoc_stamp *stamp) {
    if (!side->lossy) {
        side->lossy = true;
        side->loss = (struct assoc_loss){.stamp = *stamp};
    }
    side->loss.missing += missing;
    side->loss.skipped += skipped;
}

void assoc_report_loss(struct assoc *a, int direction) {
    struct side *side = &a->side[direction];
    if (side->lossy && a->kind == ASSOC_OURS) {
        side->lossy = false;
        side->loss.direction = direction;
        if (a->events.loss != NULL) {
            a->events.loss(a->events.context, &side->loss);
        }
    }
}

// Parts that were being joined can no longer be whole.
static void break_calls(struct assoc *a, int direction) {
    if (a->client >= 0) {
        assoc_calls_gap(a, direction);
    }
}

static void start_scanning(struct assoc *a, int direction) {
    struct side *side = &a->side[direction];
    side->mode = SIDE_SCANNING;
    side->candidate = false;
    side->scanned = 0;
    break_calls(a, direction);
}

// ---- PDUs ---------------------------------------------------------------------------------------

// Reads a header where a PDU must start. Returns false for what is none.
static bool read_header(const struct side *side, const uint8_t *octets, cmrp_pdu_header *header) {
    cmrp_error ignored = {0};
    return (side->mode != SIDE_FIRST || assoc_plausible(octets, CMRP_PDU_HEADER_SIZE)) &&
           cmrp_pdu_peek((cmrp_view){octets, CMRP_PDU_HEADER_SIZE}, 0, header, &ignored);
}

// What was collected as a header is none: the search starts behind its first octet.
static void refuse_head(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    assoc_lose(side, 0, 1, stamp);
    start_scanning(a, direction);
    if (assoc_reserve(a, &side->window, CMRP_PDU_HEADER_SIZE)) {
        side->window.size = CMRP_PDU_HEADER_SIZE - 1;
        memcpy(side->window.data, side->head + 1, CMRP_PDU_HEADER_SIZE - 1);
    }
    side->have = 0;
}

// The PDU is whole.
static void end_body(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    side->have = 0;
    assoc_report_loss(a, direction);
    assoc_pdu(a, direction, (cmrp_view){side->body.data, side->body.size}, stamp);
    assoc_release(a, &side->body);
}

// The header is complete: makes room for the PDU.
static void begin_body(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    cmrp_pdu_header header;
    if (!read_header(side, side->head, &header)) {
        refuse_head(a, direction, stamp);
        return;
    }
    side->mode = SIDE_FRAMED;
    if (!assoc_wanted(a, &header)) {
        side->skip = header.frag_length - CMRP_PDU_HEADER_SIZE;
        side->have = 0;
        return;
    }
    while (!assoc_reserve(a, &side->body, header.frag_length)) {
        if (!assoc_evict(a)) {
            assoc_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
            assoc_lose(side, 0, header.frag_length, stamp);
            break_calls(a, direction);
            side->skip = header.frag_length - CMRP_PDU_HEADER_SIZE;
            side->have = 0;
            return;
        }
    }
    side->body.size = header.frag_length;
    memcpy(side->body.data, side->head, CMRP_PDU_HEADER_SIZE);
    if (header.frag_length == CMRP_PDU_HEADER_SIZE) {
        end_body(a, direction, stamp);
    }
}

static size_t minimum(uint64_t a, size_t b) {
    return a < b ? (size_t)a : b;
}

// Collects a PDU that comes in pieces. Returns how many octets were used.
static size_t collect(struct assoc *a, int direction, const uint8_t *data, size_t size,
                      const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    if (side->have < CMRP_PDU_HEADER_SIZE) {
        const size_t n = minimum(CMRP_PDU_HEADER_SIZE - side->have, size);
        memcpy(side->head + side->have, data, n);
        side->have += n;
        if (side->have == CMRP_PDU_HEADER_SIZE) {
            begin_body(a, direction, stamp);
        }
        return n;
    }
    const size_t n = minimum(side->body.size - side->have, size);
    memcpy(side->body.data + side->have, data, n);
    side->have += n;
    if (side->have == side->body.size) {
        end_body(a, direction, stamp);
    }
    return n;
}

// Reads framed octets. Returns how many were used, at least one.
static size_t read_framed(struct assoc *a, int direction, const uint8_t *data, size_t size,
                          const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    cmrp_pdu_header header;
    if (side->skip > 0) {
        const size_t n = minimum(side->skip, size);
        side->skip -= n;
        return n;
    }
    if (side->have > 0 || size < CMRP_PDU_HEADER_SIZE) {
        return collect(a, direction, data, size, stamp);
    }
    if (!read_header(side, data, &header)) {
        assoc_lose(side, 0, 1, stamp);
        start_scanning(a, direction);
        return 1;
    }
    if (header.frag_length > size) {
        return collect(a, direction, data, size, stamp);
    }
    side->mode = SIDE_FRAMED;
    if (assoc_wanted(a, &header)) {
        assoc_report_loss(a, direction);
        assoc_pdu(a, direction, (cmrp_view){data, header.frag_length}, stamp);
    }
    return header.frag_length;
}

// Takes octets into the window. Returns how many.
static size_t fill_window(struct assoc *a, struct side *side, const uint8_t *data, size_t size,
                          const struct assoc_stamp *stamp) {
    const size_t n = minimum(PIECE, size);
    struct kept *w = &side->window;
    if (side->start > w->size / 2 && w->size + n > w->capacity) {
        memmove(w->data, w->data + side->start, w->size - side->start);
        w->size -= side->start;
        side->start = 0;
    }
    // Grown by half, so that a long candidate is not copied for each of its pieces.
    if (w->size + n > w->capacity && !assoc_reserve(a, w, w->size + w->size / 2 + n)) {
        assoc_lose(side, 0, w->size - side->start + n, stamp);
        assoc_window_drop(a, side);
        return n;
    }
    memcpy(w->data + w->size, data, n);
    w->size += n;
    return n;
}

void assoc_stream_data(struct assoc *a, int direction, const uint8_t *data, size_t size,
                       const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    while (a->kind != ASSOC_NOT_RPC) {
        const size_t left_over = side->window.size - side->start;
        if (side->mode == SIDE_SCANNING) {
            if (assoc_scan(a, direction, stamp)) {
                continue;
            }
            if (size == 0 || a->kind == ASSOC_NOT_RPC) {
                return;
            }
            const size_t n = fill_window(a, side, data, size, stamp);
            data += n;
            size -= n;
        } else if (left_over > 0) {
            const uint8_t *at = side->window.data + side->start;
            const size_t n = read_framed(a, direction, at, left_over, stamp);
            side->start += n;
            if (side->mode == SIDE_FRAMED && side->start == side->window.size) {
                assoc_window_drop(a, side);
            }
        } else if (size > 0) {
            const size_t n = read_framed(a, direction, data, size, stamp);
            data += n;
            size -= n;
        } else {
            return;
        }
    }
}

// ---- gaps and the end ---------------------------------------------------------------------------

// Nothing more is coming that could confirm what was found.
static void settle(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    assoc_scan_settle(a, direction);
    if (a->side[direction].mode == SIDE_FRAMED) {
        assoc_stream_data(a, direction, NULL, 0, stamp); // what stands behind it in the window
    }
}

// The PDU being collected is lost but for its head.
static void give_up_body(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    const size_t have = side->have;
    side->have = 0;
    if (have >= CMRP_PDU_HEADER_SIZE) {
        assoc_cut_pdu(a, direction, (cmrp_view){side->body.data, have}, stamp);
        assoc_release(a, &side->body);
    }
}

void assoc_stream_gap(struct assoc *a, int direction, uint64_t octets,
                      const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    settle(a, direction, stamp);
    const bool body = side->have >= CMRP_PDU_HEADER_SIZE;
    const uint64_t rest = body ? side->body.size - side->have : side->skip;
    if (side->mode == SIDE_FRAMED && side->window.size == 0 && octets <= rest) {
        // The gap ends within this PDU: it is known where the next one starts.
        assoc_lose(side, octets, body ? side->have : 0, stamp);
        assoc_report_loss(a, direction);
        if (body) {
            give_up_body(a, direction, stamp);
        }
        side->skip = rest - octets;
        return;
    }
    assoc_lose(side, octets, side->have + side->window.size - side->start, stamp);
    if (body) {
        give_up_body(a, direction, stamp);
    }
    side->have = 0;
    side->skip = 0;
    assoc_window_drop(a, side);
    start_scanning(a, direction);
}

void assoc_stream_close(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    settle(a, direction, stamp);
    const size_t left = side->window.size - side->start;
    if (side->mode == SIDE_SCANNING && left > 0) {
        assoc_lose(side, 0, left, stamp);
    }
    assoc_window_drop(a, side);
    side->mode = SIDE_FRAMED;
    assoc_report_loss(a, direction);
    if (side->have > 0) {
        const bool body = side->have >= CMRP_PDU_HEADER_SIZE;
        assoc_say(a, ASSOC_NOTE_CUT, stamp,
                  body ? "the connection ends after %zu of the %zu octets of a PDU"
                       : "the connection ends after %zu octets of a PDU's header",
                  side->have, side->body.size);
        if (body) {
            give_up_body(a, direction, stamp);
        }
    }
}
