// SPDX-License-Identifier: Apache-2.0
// What a PDU is for.
#include "assoc/state.h"

enum {
    REQUEST_HEAD = 24, // octets of a request or response before its stub
    FAULT_HEAD = 32,
    AT_FRAG_LENGTH = 8,
};

static bool from_client(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
    case CMRP_PTYPE_AUTH3:
    case CMRP_PTYPE_CO_CANCEL:
    case CMRP_PTYPE_ORPHANED: return true;
    default: return false;
    }
}

bool assoc_wanted(struct assoc *a, const cmrp_pdu_header *header) {
    switch (header->ptype) {
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_BIND_NAK:
    case CMRP_PTYPE_ALTER_CONTEXT:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return true;
    default: break;
    }
    if (a->kind == ASSOC_OURS || a->follows || assoc_undecided(a)) {
        return true;
    }
    a->counts.pdus++;
    if (a->kind == ASSOC_UNDECIDED) {
        a->kind = ASSOC_UNBOUND;
    }
    if (header->ptype == CMRP_PTYPE_REQUEST && (header->flags & CMRP_PFC_FIRST_FRAG) != 0) {
        (*(a->kind == ASSOC_OTHER ? &a->counts.other_calls : &a->counts.unbound_calls))++;
    }
    return false;
}

// Learns which end is the client. Returns false for a PDU that this end cannot have sent.
static bool check_role(struct assoc *a, int direction, const cmrp_pdu *pdu,
                       const struct assoc_stamp *stamp) {
    const int client = from_client(pdu->header.ptype) ? direction : 1 - direction;
    if (a->client < 0 || a->kind != ASSOC_OURS) {
        a->client = client;
    }
    if (a->client != client) {
        assoc_say_once(a, ASSOC_NOTE_WRONG_DIRECTION, stamp, "a %s came from the %s; it is ignored",
                       cmrp_ptype_name(pdu->header.ptype),
                       direction == a->client ? "client" : "server");
        return false;
    }
    return true;
}

// The stub in clear where that is possible.
static struct fragment open_fragment(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw,
                                     const struct assoc_stamp *stamp) {
    struct fragment f = {.pdu = pdu, .raw = raw, .plain = pdu->stub, .stamp = stamp};
    if (pdu->has_auth) {
        const struct assoc_protected protected = {
            .from_client = from_client(pdu->header.ptype), .pdu = pdu, .raw = raw};
        const bool clear =
            a->events.unwrap != NULL && a->events.unwrap(a->events.context, &protected, &f.plain);
        f.sealed = !clear && assoc_auth_level(a, pdu) == ASSOC_LEVEL_PRIVACY;
    }
    return f;
}

static void dispatch(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw, bool cut,
                     const struct assoc_stamp *stamp) {
    struct fragment f = open_fragment(a, pdu, raw, stamp);
    f.cut = cut;
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: assoc_offer(a, pdu, raw, stamp); break;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_BIND_NAK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: (void)assoc_answer(a, pdu, raw, stamp); break;
    case CMRP_PTYPE_AUTH3: assoc_remember_auth(a, pdu); break;
    case CMRP_PTYPE_REQUEST: assoc_request(a, &f); break;
    case CMRP_PTYPE_RESPONSE: assoc_response(a, &f); break;
    case CMRP_PTYPE_FAULT: assoc_fault(a, &f); break;
    case CMRP_PTYPE_SHUTDOWN:
        assoc_say(a, ASSOC_NOTE_SHUTDOWN, stamp, "the server asks to close the connection");
        break;
    default: assoc_cancel(a, pdu, stamp); break;
    }
}

void assoc_pdu(struct assoc *a, int direction, cmrp_view raw, const struct assoc_stamp *stamp) {
    cmrp_pdu pdu;
    cmrp_error error = {0};
    a->counts.pdus++;
    if (a->kind == ASSOC_UNDECIDED) {
        a->kind = ASSOC_UNBOUND;
    }
    if (cmrp_pdu_decode(raw, 0, &pdu, NULL, NULL, &error)) {
        if (check_role(a, direction, &pdu, stamp)) {
            dispatch(a, &pdu, raw, false, stamp);
        }
        return;
    }
    char text[200];
    cmrp_error_format(&error, text, sizeof text);
    assoc_say(a, ASSOC_NOTE_BAD_PDU, stamp, "a %s of %zu octets is skipped: %s",
              cmrp_ptype_name(pdu.header.ptype), raw.size, text);
}

void assoc_cut_pdu(struct assoc *a, int direction, cmrp_view raw, const struct assoc_stamp *stamp) {
    cmrp_pdu pdu;
    cmrp_error error = {0};
    uint8_t head[FAULT_HEAD];
    const uint8_t ptype = raw.data[2];
    const size_t size = ptype == CMRP_PTYPE_FAULT ? FAULT_HEAD : REQUEST_HEAD;
    const bool call =
        ptype == CMRP_PTYPE_FAULT || ptype == CMRP_PTYPE_REQUEST || ptype == CMRP_PTYPE_RESPONSE;
    if (!call || raw.size < size) {
        assoc_calls_gap(a, direction); // it may have continued any of them
        return;
    }
    // Its head as a PDU of its own: no object UUID, no stub, no authentication.
    memcpy(head, raw.data, size);
    head[3] &= (uint8_t)~CMRP_PFC_OBJECT_UUID;
    memset(head + AT_FRAG_LENGTH, 0, 4);
    cmrp_store(head + AT_FRAG_LENGTH, 2, size,
               head[4] >> 4 == 1 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN);
    if (cmrp_pdu_decode((cmrp_view){head, size}, 0, &pdu, NULL, NULL, &error) &&
        check_role(a, direction, &pdu, stamp)) {
        dispatch(a, &pdu, (cmrp_view){head, size}, true, stamp);
    }
}
