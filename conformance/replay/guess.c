// SPDX-License-Identifier: Apache-2.0
// What are calls whose bind the capture does not hold? Every call must fit, each to its last octet,
// and enough of them must have a shape that others hardly have by chance. docs/json.md says the
// rule, and what it cannot see.
#include <string.h>

#include "replay/state.h"

enum {
    MINIMUM_CALLS = 3,      // with their responses
    MINIMUM_POINTS = 4,     // see add_points
    SINGLE_POINTS = 12,     // where all calls are of one method
    CALL_POINTS = 4,        // of one call at most
    KNOWN_HANDLES = 64,     // remembered; others are not compared
    PATIENCE = 8,           // calls of a known endpoint without a syntax that shows
    LARGEST_WIN32 = 0xffff, // larger results are HRESULTs, NTSTATUS values or no results at all
    FACILITY_WIN32 = 0x8007,
};

struct candidate {
    unsigned interface;
    cmrp_syntax syntax;
    bool dead;
    unsigned calls;  // request and response fit
    unsigned shaped; // points for strings and arrays
    unsigned points;
    uint32_t opnum; // of the first call
    bool several;   // methods
    struct {
        uint8_t octets[CMRP_HANDLE_SIZE];
        unsigned meaning;
        bool returned; // by a response
    } handles[KNOWN_HANDLES];
    size_t handle_count;
};

// Where the octets behind the last parameter begin. Gaps need not be zero [C706 14.2.2].
static void note_warning(void *context, const cmrp_error *warning) {
    if (warning->code == CMRP_E_TRAILING) {
        *(size_t *)context = (size_t)warning->offset;
    }
}

// Whether a stub decodes to its last octet; behind a request a verification trailer may stand.
static bool parses(const cmrp_stub_format *format, cmrp_view stub, cmrp_slot *slots) {
    size_t end = stub.size;
    cmrp_error error = {0};
    cmrp_view trailer;
    return cmrp_stub_decode(format, stub, 0, slots, note_warning, &end, &error) &&
           (end == stub.size || (!format->response && replay_find_trailer(stub, end, 0, &trailer)));
}

// ---- evidence -----------------------------------------------------------------------------------

// A context handle is of one kind as long as it lives, and its attributes are 0.
static bool handle_fits(struct candidate *c, const cmrp_param *p, const cmrp_slot *slot,
                        bool response, unsigned *points) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    if (memcmp(slot->handle, null, 4) != 0) {
        return false;
    }
    if (memcmp(slot->handle, null, sizeof null) == 0 || p->meaning == CMRP_MEANS_HGENERIC) {
        return true;
    }
    for (size_t i = 0; i < c->handle_count; i++) {
        if (memcmp(c->handles[i].octets, slot->handle, sizeof null) == 0) {
            *points += !response && c->handles[i].returned;
            return c->handles[i].meaning == p->meaning;
        }
    }
    if (c->handle_count < KNOWN_HANDLES) {
        memcpy(c->handles[c->handle_count].octets, slot->handle, sizeof null);
        c->handles[c->handle_count].meaning = p->meaning;
        c->handles[c->handle_count++].returned = response;
    }
    return true;
}

// Text that somebody could have meant.
static bool text_fits(const cmrp_slot *slot) {
    for (size_t i = 0; i + 1 < slot->bytes.size; i += 2) {
        if (cmrp_load_u16(slot->bytes.data + i, slot->order) < 0x20) {
            return false;
        }
    }
    return cmrp_utf16_check(slot->bytes, slot->order) == 0;
}

// One point for a string or an array whose counts agree with its surroundings, one for a handle
// that an earlier response had returned.
static bool side_fits(struct candidate *c, const cmrp_stub_format *format, const cmrp_slot *slots,
                      unsigned *shaped, unsigned *points) {
    for (uint32_t i = 0; i < format->method->count; i++) {
        const cmrp_param *p = &format->method->params[i];
        const cmrp_slot *slot = &slots[i];
        if (!slot->present || slot->null) {
            continue;
        }
        switch (p->kind) {
        case CMRP_KIND_HANDLE:
            if (!handle_fits(c, p, slot, format->response, points)) {
                return false;
            }
            break;
        case CMRP_KIND_STRING:
            if (!text_fits(slot)) {
                return false;
            }
            ++*shaped;
            break;
        case CMRP_KIND_OCTETS: *shaped += slot->bytes.size > 0; break;
        case CMRP_KIND_ARRAY: *shaped += slot->rows.count > 0; break;
        default: break;
        }
    }
    return true;
}

static bool result_fits(const cmrp_stub_format *format, const cmrp_slot *slots) {
    uint32_t status;
    return !show_outcome(format, slots, &status) || status <= LARGEST_WIN32 ||
           status >> 16 == FACILITY_WIN32;
}

static bool part_fits(struct candidate *c, const struct assoc_call *call, bool response,
                      unsigned *shaped, unsigned *points) {
    const struct assoc_part *part = response ? &call->response : &call->request;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    if (part->state != ASSOC_WHOLE) {
        return true; // nothing to contradict
    }
    const cmrp_stub_format format = {.method = cmrp_method_numbered(c->interface, call->opnum),
                                     .interface = c->interface,
                                     .response = response,
                                     .syntax = c->syntax,
                                     .order = part->order};
    if (format.method == NULL) {
        return cmrp_opnum_name(c->interface, call->opnum) != NULL;
    }
    return parses(&format, part->stub, slots) && side_fits(c, &format, slots, shaped, points) &&
           (!response || result_fits(&format, slots));
}

static void weigh(struct candidate *c, const struct assoc_call *call) {
    unsigned shaped = 0;
    unsigned points = 0;
    if (c->dead) {
        return;
    }
    const bool refused = call->faulted && call->request.state == ASSOC_WHOLE;
    struct candidate before = *c;
    if (!part_fits(c, call, false, &shaped, &points) ||
        !part_fits(c, call, true, &shaped, &points)) {
        *c = before;
        c->dead = !refused; // a request that the server refused need not be right
        return;
    }
    if (call->request.state != ASSOC_WHOLE || call->response.state != ASSOC_WHOLE ||
        cmrp_method_numbered(c->interface, call->opnum) == NULL) {
        return;
    }
    c->several = c->several || (c->calls > 0 && c->opnum != call->opnum);
    c->opnum = c->calls == 0 ? call->opnum : c->opnum;
    c->calls++;
    c->shaped += shaped;
    points += shaped;
    c->points += points < CALL_POINTS ? points : CALL_POINTS;
}

static bool is_enough(const struct candidate *c) {
    return c->calls >= MINIMUM_CALLS && c->shaped > 0 && c->points >= MINIMUM_POINTS &&
           (c->several || c->points >= SINGLE_POINTS);
}

// ---- opinions -----------------------------------------------------------------------------------

static bool is_sealed(const struct assoc_call *call) {
    return call->request.state == ASSOC_SEALED || call->response.state == ASSOC_SEALED;
}

static void yes(struct assoc_opinion *out, enum assoc_basis basis, unsigned interface,
                const cmrp_syntax *syntax) {
    out->verdict = ASSOC_YES;
    out->basis = basis;
    out->interface = (cmrp_syntax_id){.uuid = cmrp_uuid_clusapi, .version = (uint16_t)interface};
    if (syntax != NULL) {
        const bool ndr64 = *syntax == CMRP_NDR64;
        out->transfer = (cmrp_syntax_id){.uuid = ndr64 ? cmrp_uuid_ndr64 : cmrp_uuid_ndr20,
                                         .version = ndr64 ? 1 : 2};
    }
}

static void no(struct assoc_opinion *out, bool decided, const char *why) {
    out->verdict = decided ? ASSOC_NO : ASSOC_WAIT;
    out->why = why;
}

// The endpoint mapper has said which interface it is; only the syntax must show.
static void guess_syntax(unsigned interface, const struct assoc_call *const *calls, size_t count,
                         bool last, struct assoc_opinion *out) {
    static const cmrp_syntax ndr20 = CMRP_NDR20;
    static const cmrp_syntax ndr64 = CMRP_NDR64;
    struct candidate old = {.interface = interface, .syntax = CMRP_NDR20};
    struct candidate wide = {.interface = interface, .syntax = CMRP_NDR64};
    for (size_t i = 0; i < count; i++) {
        if (is_sealed(calls[i])) {
            yes(out, ASSOC_ENDPOINT, interface, NULL);
            return;
        }
        weigh(&old, calls[i]);
        weigh(&wide, calls[i]);
    }
    last = last || count >= PATIENCE;
    if (old.dead != wide.dead) {
        yes(out, ASSOC_ENDPOINT, interface, old.dead ? &ndr64 : &ndr20);
    } else if (last) {
        yes(out, ASSOC_ENDPOINT, interface, &ndr20);
    } else {
        no(out, false, NULL);
    }
}

void replay_guess(void *context, const struct assoc_call *const *calls, size_t count, bool last,
                  struct assoc_opinion *out) {
    struct replay_connection *c = context;
    const unsigned known = replay_known_interface(c);
    struct candidate candidates[] = {{.interface = 3, .syntax = CMRP_NDR20},
                                     {.interface = 3, .syntax = CMRP_NDR64},
                                     {.interface = 2, .syntax = CMRP_NDR20},
                                     {.interface = 2, .syntax = CMRP_NDR64}};
    const size_t n = sizeof candidates / sizeof candidates[0];
    const struct candidate *alive = NULL;
    size_t living = 0;
    bool enough = false;
    if (known != 0) {
        guess_syntax(known, calls, count, last, out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_sealed(calls[i])) {
            no(out, true, "they are encrypted");
            return;
        }
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < count; i++) {
            weigh(&candidates[k], calls[i]);
        }
        living += !candidates[k].dead;
        alive = candidates[k].dead ? alive : &candidates[k];
        enough = enough || (!candidates[k].dead && is_enough(&candidates[k]));
    }
    if (living == 0) {
        no(out, true, "they are not of this protocol");
    } else if (!enough) {
        no(out, last, "they are too few, or too plain, to tell what they are");
    } else if (living > 1) {
        no(out, last, "they fit this protocol in more than one way");
    } else {
        yes(out, ASSOC_GUESSED, alive->interface, &alive->syntax);
    }
}
