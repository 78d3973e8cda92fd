// SPDX-License-Identifier: Apache-2.0
// Finding the next PDU in octets of which nothing is known.
#include "assoc/state.h"

// Where nothing looks like a PDU for so long there is none: the largest PDU and a header.
enum { SCAN_LIMIT = CMRP_PDU_MAXIMUM + CMRP_PDU_HEADER_SIZE };

enum {
    AT_VERSION = 0,
    AT_MINOR = 1,
    AT_PTYPE = 2,
    AT_FLAGS = 3,
    AT_DREP = 4,
    AT_FRAG_LENGTH = 8,
    AT_AUTH_LENGTH = 10,
};

static bool is_call(unsigned ptype) {
    return ptype == CMRP_PTYPE_REQUEST || ptype == CMRP_PTYPE_RESPONSE || ptype == CMRP_PTYPE_FAULT;
}

// Octets of the smallest PDU of a type, without authentication.
static unsigned smallest(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE: return 24;
    case CMRP_PTYPE_FAULT: return 32;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return 28;
    case CMRP_PTYPE_BIND_NAK: return 19;
    case CMRP_PTYPE_AUTH3: return 20;
    default: return CMRP_PDU_HEADER_SIZE;
    }
}

static bool plausible_flags(unsigned ptype, unsigned flags) {
    const unsigned both = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    return (flags & CMRP_PFC_RESERVED) == 0 && (is_call(ptype) || (flags & both) == both);
}

static bool plausible_lengths(const uint8_t *p, size_t size) {
    const cmrp_order order = p[AT_DREP] >> 4 == 1 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    if (size < AT_FRAG_LENGTH + 2) {
        return true;
    }
    const unsigned least = smallest(p[AT_PTYPE]);
    const unsigned length = cmrp_load_u16(p + AT_FRAG_LENGTH, order);
    if (length < least || size < AT_AUTH_LENGTH + 2) {
        return length >= least;
    }
    const unsigned auth = cmrp_load_u16(p + AT_AUTH_LENGTH, order);
    return auth == 0 || auth + CMRP_SEC_TRAILER_SIZE + least <= length;
}

bool assoc_plausible(const uint8_t *p, size_t size) {
    return (size <= AT_VERSION || p[AT_VERSION] == 5) && (size <= AT_MINOR || p[AT_MINOR] <= 1) &&
           (size <= AT_PTYPE || cmrp_ptype_name(p[AT_PTYPE]) != NULL) &&
           (size <= AT_FLAGS || plausible_flags(p[AT_PTYPE], p[AT_FLAGS])) &&
           (size <= AT_DREP || (p[AT_DREP] & 0xee) == 0) &&
           (size <= AT_DREP + 1 || p[AT_DREP + 1] <= 3) &&
           (size <= AT_DREP + 2 || p[AT_DREP + 2] == 0) &&
           (size <= AT_DREP + 3 || (p[AT_DREP + 3] == 0 && plausible_lengths(p, size)));
}

void assoc_window_drop(struct assoc *a, struct side *side) {
    assoc_release(a, &side->window);
    side->start = 0;
    side->candidate = false;
}

static void skip(struct side *side, size_t n, const struct assoc_stamp *stamp) {
    if (n > 0) {
        assoc_lose(side, 0, n, stamp);
        side->start += n;
        side->scanned += n;
    }
}

// Moves the start of the window to what may be a header. Returns false when there is none yet.
static bool find_candidate(struct side *side, const struct assoc_stamp *stamp) {
    if (side->window.size - side->start < CMRP_PDU_HEADER_SIZE) {
        return false;
    }
    const uint8_t *at = side->window.data + side->start;
    const uint8_t *const end = side->window.data + side->window.size;
    while ((size_t)(end - at) >= CMRP_PDU_HEADER_SIZE) {
        const size_t last = (size_t)(end - at) - CMRP_PDU_HEADER_SIZE + 1;
        const uint8_t *five = memchr(at, 5, last);
        if (five == NULL) {
            at += last;
        } else if (assoc_plausible(five, CMRP_PDU_HEADER_SIZE)) {
            skip(side, (size_t)(five - side->window.data) - side->start, stamp);
            side->candidate = true;
            side->whole = false;
            return true;
        } else {
            at = five + 1;
        }
    }
    skip(side, (size_t)(at - side->window.data) - side->start, stamp);
    return false;
}

static size_t candidate_length(const struct side *side) {
    cmrp_error ignored = {0};
    cmrp_pdu_header header = {0};
    const cmrp_view head = {side->window.data + side->start, CMRP_PDU_HEADER_SIZE};
    (void)cmrp_pdu_peek(head, 0, &header, &ignored); // plausible: cannot fail
    return header.frag_length;
}

static void accept(struct assoc *a, int direction, size_t length) {
    struct side *side = &a->side[direction];
    const cmrp_view raw = {side->window.data + side->start, length};
    cmrp_error ignored = {0};
    cmrp_pdu_header header;
    const struct assoc_stamp stamp = side->whole_at;
    side->mode = SIDE_FRAMED;
    side->candidate = false;
    side->scanned = 0;
    if (cmrp_pdu_peek(raw, 0, &header, &ignored) && assoc_wanted(a, &header)) {
        assoc_report_loss(a, direction);
        assoc_pdu(a, direction, raw, &stamp);
    }
    side->start += length;
    if (side->start == side->window.size) {
        assoc_window_drop(a, side);
    }
}

// Gives the connection up where no PDU was seen and none is found for too long.
static bool too_far(struct assoc *a, const struct side *side) {
    if (a->counts.pdus == 0 && side->scanned > SCAN_LIMIT) {
        a->kind = ASSOC_NOT_RPC;
    }
    return a->kind == ASSOC_NOT_RPC;
}

bool assoc_scan(struct assoc *a, int direction, const struct assoc_stamp *stamp) {
    struct side *side = &a->side[direction];
    while (side->candidate || find_candidate(side, stamp)) {
        if (too_far(a, side)) {
            return false;
        }
        const size_t left = side->window.size - side->start;
        const size_t length = candidate_length(side);
        if (left >= length && !side->whole) {
            side->whole = true;
            side->whole_at = *stamp;
        }
        if (left < length + CMRP_PDU_HEADER_SIZE) {
            return false;
        }
        if (assoc_plausible(side->window.data + side->start + length, CMRP_PDU_HEADER_SIZE)) {
            accept(a, direction, length);
            return true;
        }
        side->candidate = false;
        skip(side, 1, stamp);
    }
    (void)too_far(a, side);
    return false;
}

void assoc_scan_settle(struct assoc *a, int direction) {
    struct side *side = &a->side[direction];
    if (side->mode != SIDE_SCANNING || !side->candidate || !side->whole) {
        return;
    }
    const size_t length = candidate_length(side);
    if (assoc_plausible(side->window.data + side->start + length,
                        side->window.size - side->start - length)) {
        accept(a, direction, length);
    }
}
