// SPDX-License-Identifier: Apache-2.0
// A connection's calls: requests into fragments, fragments into replies.
#include "rpc/client_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/client_link_state.h"

// ---- sending ------------------------------------------------------------------------------------

void rpc_link_send(struct rpc_link *link, const cmrp_pdu *pdu) {
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_sizer_init(&writer, &error, "rpc");
    if (!cmrp_pdu_encode(pdu, &writer)) {
        abort(); // every PDU of this file can be encoded
    }
    buffer_clear(&link->out);
    const size_t size = writer.size;
    cmrp_writer_init(&writer, buffer_extend(&link->out, size), size, &error, "rpc");
    if (!cmrp_pdu_encode(pdu, &writer)) {
        abort();
    }
    link->options.send(link->options.context, link->out.data, link->out.size);
}

cmrp_pdu rpc_link_pdu(cmrp_ptype type, unsigned flags, uint32_t call_id) {
    cmrp_pdu pdu = {0};
    pdu.header.ptype = (uint8_t)type;
    pdu.header.flags = (uint8_t)flags;
    pdu.header.drep[0] = 0x10; // little-endian, ASCII, IEEE
    pdu.header.call_id = call_id;
    return pdu;
}

static void send_request(struct rpc_link *link, uint32_t number, uint16_t opnum, cmrp_view stub) {
    const size_t room = (size_t)link->fragment - CMRP_PDU_HEADER_SIZE - 8;
    size_t at = 0;
    do {
        const size_t left = stub.size - at;
        const size_t size = left > room ? room : left;
        unsigned flags = at == 0 ? CMRP_PFC_FIRST_FRAG : 0;
        flags |= size == left ? CMRP_PFC_LAST_FRAG : 0;
        cmrp_pdu pdu = rpc_link_pdu(CMRP_PTYPE_REQUEST, flags, number);
        pdu.alloc_hint = (uint32_t)left;
        pdu.context_id = link->context_id;
        pdu.opnum = opnum;
        pdu.stub = (cmrp_view){size > 0 ? stub.data + at : NULL, size};
        rpc_link_send(link, &pdu);
        at += size;
    } while (at < stub.size);
}

// ---- calls --------------------------------------------------------------------------------------

static struct link_call *find_call(struct rpc_link *link, uint32_t number) {
    struct link_call *call;
    HASH_FIND(hh, link->calls, &number, sizeof number, call);
    return call;
}

static void drop_call(struct rpc_link *link, struct link_call *call) {
    HASH_DEL(link->calls, call);
    buffer_free(&call->stub);
    free(call);
}

uint32_t rpc_link_call(struct rpc_link *link, uint16_t opnum, cmrp_view stub, void *context) {
    struct link_call *call = util_alloc(sizeof *call);
    call->number = ++link->last_number;
    call->context = context;
    HASH_ADD(hh, link->calls, number, sizeof call->number, call);
    send_request(link, call->number, opnum, stub);
    return call->number;
}

void rpc_link_cancel(struct rpc_link *link, uint32_t number) {
    if (!link->dead && find_call(link, number) != NULL) {
        const unsigned whole = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
        const cmrp_pdu pdu = rpc_link_pdu(CMRP_PTYPE_CO_CANCEL, whole, number);
        rpc_link_send(link, &pdu);
    }
}

void rpc_link_abandon(struct rpc_link *link, uint32_t number, bool expendable) {
    struct link_call *call = find_call(link, number);
    if (call == NULL || call->abandoned) {
        return;
    }
    if (link->dead) {
        drop_call(link, call); // it is being ended, with all others
        return;
    }
    const bool others = rpc_link_calls(link) > 1;
    if (!link->keeps_open && (others || !expendable)) {
        // Saying it would oblige us to close, and with that to end what else lives here.
        call->abandoned = true;
        link->abandoned++;
        buffer_free(&call->stub);
        return;
    }
    const unsigned whole = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    const cmrp_pdu pdu = rpc_link_pdu(CMRP_PTYPE_ORPHANED, whole, number);
    drop_call(link, call);
    link->orphaned = true;
    link->closing = link->closing || !link->keeps_open;
    rpc_link_send(link, &pdu);
}

// ---- answers ------------------------------------------------------------------------------------

static void finish(struct rpc_link *link, struct link_call *call, const struct rpc_reply *reply) {
    HASH_DEL(link->calls, call);
    if (call->abandoned) {
        link->abandoned--;
    } else {
        link->options.answered(link->options.context, call->context, reply);
    }
    buffer_free(&call->stub);
    free(call);
}

// What a fragment of a response must keep, given what came before it.
static bool check_fragment(struct rpc_link *link, const struct link_call *call,
                           const cmrp_pdu *pdu) {
    const bool first = (pdu->header.flags & CMRP_PFC_FIRST_FRAG) != 0;
    if (first == call->begun) {
        return rpc_link_violation(link, "call %u: %s", pdu->header.call_id,
                                  first ? "a second first fragment"
                                        : "the first fragment is missing");
    }
    if (pdu->context_id != link->context_id) {
        return rpc_link_violation(link, "call %u: answered in presentation context %u, not %u",
                                  pdu->header.call_id, pdu->context_id, link->context_id);
    }
    if (!first && pdu->header.order != call->order) {
        return rpc_link_violation(link, "call %u: fragments of two byte orders",
                                  pdu->header.call_id);
    }
    if (pdu->stub.size > link->response - call->stub.size) {
        return rpc_link_violation(link, "call %u: a response of more than %u octets",
                                  pdu->header.call_id, link->response);
    }
    return true;
}

static bool on_response(struct rpc_link *link, struct link_call *call, const cmrp_pdu *pdu) {
    const bool last = (pdu->header.flags & CMRP_PFC_LAST_FRAG) != 0;
    if (!check_fragment(link, call, pdu)) {
        return false;
    }
    const bool whole = last && !call->begun;
    call->begun = true;
    call->order = pdu->header.order;
    if (!whole && !call->abandoned) {
        buffer_append(&call->stub, pdu->stub.data, pdu->stub.size);
    }
    if (last) {
        const struct rpc_reply reply = {
            .stub = whole ? pdu->stub : buffer_view(&call->stub),
            .order = pdu->header.order,
            .syntax = link->syntax,
        };
        finish(link, call, &reply);
    }
    return true;
}

static bool on_fault(struct rpc_link *link, struct link_call *call, const cmrp_pdu *pdu) {
    char why[64];
    snprintf(why, sizeof why, "the server answered with fault 0x%08x", pdu->status);
    const struct rpc_reply reply = {
        .status = pdu->status,
        .fault = true,
        .did_not_execute = (pdu->header.flags & CMRP_PFC_DID_NOT_EXECUTE) != 0,
        .why = why,
        .order = pdu->header.order,
        .syntax = link->syntax,
    };
    if (pdu->status == 0) {
        return rpc_link_violation(link, "call %u: a fault with status 0", pdu->header.call_id);
    }
    finish(link, call, &reply);
    return true;
}

// ---- PDUs ---------------------------------------------------------------------------------------

void rpc_link_end(struct rpc_link *link, uint32_t status, const char *why) {
    if (link->dead) {
        return;
    }
    link->dead = true;
    const bool unsent = !link->bound;
    const struct rpc_reply reply = {.status = status, .did_not_execute = unsent, .why = why};
    while (link->calls != NULL) { // callbacks may abandon others
        finish(link, link->calls, &reply);
    }
    link->options.failed(link->options.context, status, why);
}

bool rpc_link_violation(struct rpc_link *link, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rpc_link_end(link, RPC_S_PROTOCOL_ERROR, text);
    return false;
}

void rpc_link_lost(struct rpc_link *link, const char *why) {
    rpc_link_end(link, link->bound ? RPC_S_CALL_FAILED : RPC_S_SERVER_UNAVAILABLE, why);
}

static bool on_bound_pdu(struct rpc_link *link, const cmrp_pdu *pdu) {
    const unsigned type = pdu->header.ptype;
    if (type == CMRP_PTYPE_SHUTDOWN) {
        link->closing = true;
        return true;
    }
    if (type != CMRP_PTYPE_RESPONSE && type != CMRP_PTYPE_FAULT) {
        return rpc_link_violation(link, "a PDU %s, which no server sends now",
                                  cmrp_ptype_name(type));
    }
    struct link_call *call = find_call(link, pdu->header.call_id);
    if (call == NULL && link->orphaned && pdu->header.call_id <= link->last_number) {
        return true; // it was under way already
    }
    if (call == NULL) {
        return rpc_link_violation(link, "an answer to call %u, which is not outstanding",
                                  pdu->header.call_id);
    }
    return type == CMRP_PTYPE_RESPONSE ? on_response(link, call, pdu) : on_fault(link, call, pdu);
}

static bool on_pdu(struct rpc_link *link, cmrp_view octets) {
    cmrp_error error = {0};
    cmrp_pdu pdu;
    if (!cmrp_pdu_decode(octets, link->consumed, &pdu, NULL, NULL, &error)) {
        char text[200];
        cmrp_error_format(&error, text, sizeof text);
        return rpc_link_violation(link, "a PDU that cannot be read: %s", text);
    }
    if (pdu.has_auth) {
        return rpc_link_violation(link, "an authentication token, although none was asked for");
    }
    return link->bound ? on_bound_pdu(link, &pdu) : rpc_link_on_bind(link, &pdu);
}

// Takes whole PDUs from the octets; returns how many octets it took.
static size_t take_pdus(struct rpc_link *link, cmrp_view octets) {
    size_t at = 0;
    while (!link->dead && octets.size - at >= CMRP_PDU_HEADER_SIZE) {
        const cmrp_view rest = {octets.data + at, octets.size - at};
        cmrp_error error = {0};
        cmrp_pdu_header header;
        if (!cmrp_pdu_peek(rest, link->consumed, &header, &error)) {
            char text[200];
            cmrp_error_format(&error, text, sizeof text);
            rpc_link_violation(link, "this is not DCE/RPC: %s", text);
            break;
        }
        if (header.frag_length > link->announced) {
            rpc_link_violation(link,
                               "a fragment of %u octets, more than the %u that were agreed on",
                               header.frag_length, link->announced);
            break;
        }
        if (rest.size < header.frag_length) {
            break;
        }
        on_pdu(link, (cmrp_view){rest.data, header.frag_length});
        at += header.frag_length;
        link->consumed += header.frag_length;
    }
    return at;
}

void rpc_link_data(struct rpc_link *link, const uint8_t *octets, size_t size) {
    if (link->dead || size == 0) {
        return;
    }
    if (link->in.size == 0) {
        const size_t took = take_pdus(link, (cmrp_view){octets, size});
        buffer_append(&link->in, octets + took, size - took);
        return;
    }
    buffer_append(&link->in, octets, size);
    const size_t took = take_pdus(link, buffer_view(&link->in));
    memmove(link->in.data, link->in.data + took, link->in.size - took);
    link->in.size -= took;
}

// ---- what it is ---------------------------------------------------------------------------------

struct rpc_link *rpc_link_create(const struct rpc_link_options *options) {
    struct rpc_link *link = util_alloc(sizeof *link);
    link->options = *options;
    link->announced = options->fragment != 0 ? options->fragment : RPC_LINK_FRAGMENT;
    if (link->announced < RPC_LINK_FRAGMENT_MINIMUM) {
        link->announced = RPC_LINK_FRAGMENT_MINIMUM;
    }
    link->response = options->response != 0 ? options->response : RPC_LINK_RESPONSE_MAXIMUM;
    link->last_number = 1; // of the bind
    rpc_link_send_bind(link);
    return link;
}

void rpc_link_free(struct rpc_link *link) {
    if (link == NULL) {
        return;
    }
    struct link_call *call, *next;
    HASH_ITER(hh, link->calls, call, next) {
        drop_call(link, call);
    }
    buffer_free(&link->in);
    buffer_free(&link->out);
    free(link);
}

bool rpc_link_bound(const struct rpc_link *link) {
    return link->bound;
}

cmrp_syntax rpc_link_syntax(const struct rpc_link *link) {
    return link->syntax;
}

bool rpc_link_multiplexes(const struct rpc_link *link) {
    return link->multiplexes;
}

uint32_t rpc_link_group(const struct rpc_link *link) {
    return link->group;
}

size_t rpc_link_calls(const struct rpc_link *link) {
    return HASH_COUNT(link->calls) - link->abandoned;
}

bool rpc_link_closing(const struct rpc_link *link) {
    return link->closing;
}

bool rpc_link_ready(const struct rpc_link *link) {
    return link->bound && !link->dead && !link->closing && link->last_number < UINT32_MAX &&
           (link->multiplexes || HASH_COUNT(link->calls) == 0);
}
