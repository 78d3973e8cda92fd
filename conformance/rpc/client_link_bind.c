// SPDX-License-Identifier: Apache-2.0
// The bind of a connection and its answer: each transfer syntax in a context of its own, then
// bind-time features. [C706 12.6.4.3, MS-RPCE 3.3.1.5.3]
#include <stdio.h>

#include "rpc/client_link_state.h"

enum {
    NUMBER = 1, // call_id of the bind
    CONTEXTS = 3,
    KEEP_OPEN = 0x02, // KeepConnectionOnOrphanSupported [MS-RPCE 2.2.2.14]
};

// Reasons of a provider_rejection [C706 12.6.3.1].
enum { ABSTRACT_SYNTAX = 1, TRANSFER_SYNTAXES = 2, LOCAL_LIMIT = 3 };

// Reasons of a bind_nak [C706 12.6.3.1, MS-RPCE 2.2.2.5].
enum {
    CONGESTION = 1,
    NAK_LOCAL_LIMIT = 2,
    NAK_VERSION = 4,
    NAK_AUTHENTICATION = 8,
    NAK_CHECKSUM = 9
};

// ---- the bind -----------------------------------------------------------------------------------

static cmrp_syntax_id feature_syntax(void) {
    cmrp_syntax_id id = {cmrp_uuid_bind_time, 1, 0};
    id.uuid.octets[8] = KEEP_OPEN;
    return id;
}

// What the contexts offer, in order: context i has identifier i.
static size_t offered(const struct rpc_link *link, cmrp_syntax_id syntaxes[CONTEXTS]) {
    size_t count = 0;
    if (link->options.offer != RPC_OFFER_NDR64) {
        syntaxes[count++] = (cmrp_syntax_id){cmrp_uuid_ndr20, 2, 0};
    }
    if (link->options.offer != RPC_OFFER_NDR) {
        syntaxes[count++] = (cmrp_syntax_id){cmrp_uuid_ndr64, 1, 0};
    }
    syntaxes[count++] = feature_syntax();
    return count;
}

void rpc_link_send_bind(struct rpc_link *link) {
    cmrp_syntax_id syntaxes[CONTEXTS];
    cmrp_pdu_context contexts[CONTEXTS] = {{0}};
    const size_t count = offered(link, syntaxes);
    for (size_t i = 0; i < count; i++) {
        contexts[i].id = (uint16_t)i;
        contexts[i].abstract_syntax = link->options.interface;
        contexts[i].transfer_count = 1;
        contexts[i].transfers = &syntaxes[i];
    }
    unsigned flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG;
    flags |= link->options.multiplex ? CMRP_PFC_CONC_MPX : 0;
    cmrp_pdu pdu = rpc_link_pdu(CMRP_PTYPE_BIND, flags, NUMBER);
    pdu.max_xmit_frag = link->announced;
    pdu.max_recv_frag = link->announced;
    pdu.assoc_group_id = link->options.group;
    pdu.list_count = (uint8_t)count;
    pdu.contexts = contexts;
    rpc_link_send(link, &pdu);
}

// ---- refusals -----------------------------------------------------------------------------------

static bool refuse(struct rpc_link *link, uint32_t status, const char *why) {
    rpc_link_end(link, status, why);
    return false;
}

static bool on_nak(struct rpc_link *link, const cmrp_pdu *pdu) {
    switch (pdu->nak_reason) {
    case CONGESTION: return refuse(link, RPC_S_SERVER_TOO_BUSY, "bind_nak: temporary congestion");
    case NAK_LOCAL_LIMIT:
        return refuse(link, RPC_S_SERVER_TOO_BUSY, "bind_nak: a local limit is exceeded");
    case NAK_VERSION:
        return refuse(link, RPC_S_PROTOCOL_ERROR, "bind_nak: protocol version not supported");
    case NAK_AUTHENTICATION:
        return refuse(link, RPC_S_UNKNOWN_AUTHN_SERVICE,
                      "bind_nak: authentication type not recognized");
    case NAK_CHECKSUM: return refuse(link, RPC_S_ACCESS_DENIED, "bind_nak: invalid checksum");
    default: break;
    }
    char why[48];
    snprintf(why, sizeof why, "bind_nak: reason %u", pdu->nak_reason);
    return refuse(link, RPC_S_CALL_FAILED_DNE, why);
}

// No transfer syntax was accepted; `result` is the last refusal.
static bool on_rejection(struct rpc_link *link, const cmrp_pdu_result *result) {
    if (result->result == CMRP_RESULT_USER_REJECTION) {
        return refuse(link, RPC_S_ACCESS_DENIED, "the bind was rejected by the server's user");
    }
    switch (result->reason) {
    case ABSTRACT_SYNTAX:
        return refuse(link, RPC_S_UNKNOWN_IF, "the server does not have this interface");
    case TRANSFER_SYNTAXES:
        return refuse(link, RPC_S_UNSUPPORTED_TRANS_SYN,
                      "the server supports none of the transfer syntaxes offered");
    case LOCAL_LIMIT:
        return refuse(link, RPC_S_SERVER_TOO_BUSY, "the bind exceeds a local limit of the server");
    default:
        return refuse(link, RPC_S_CALL_FAILED_DNE, "the server rejected the bind without a reason");
    }
}

// ---- acceptance ---------------------------------------------------------------------------------

// What the results of a bind_ack say.
struct outcome {
    bool accepted;
    uint16_t context_id;
    uint16_t features;
    cmrp_syntax syntax;
    cmrp_pdu_result refusal;
};

static bool same_syntax(const cmrp_syntax_id *x, const cmrp_syntax_id *y) {
    return cmrp_uuid_equal(&x->uuid, &y->uuid) && x->version == y->version &&
           x->version_minor == y->version_minor;
}

static bool read_result(struct rpc_link *link, size_t index, const cmrp_pdu_result *result,
                        const cmrp_syntax_id *offer, struct outcome *outcome) {
    const bool features = cmrp_uuid_is_bind_time(&offer->uuid);
    switch (result->result) {
    case CMRP_RESULT_NEGOTIATE_ACK:
        if (!features) {
            break;
        }
        outcome->features = result->reason;
        return true;
    case CMRP_RESULT_ACCEPTANCE:
        if (features || !same_syntax(&result->transfer, offer)) {
            break;
        }
        // The later one wins: NDR64, as Windows chooses.
        outcome->accepted = true;
        outcome->context_id = (uint16_t)index;
        outcome->syntax = cmrp_uuid_equal(&offer->uuid, &cmrp_uuid_ndr64) ? CMRP_NDR64 : CMRP_NDR20;
        return true;
    case CMRP_RESULT_USER_REJECTION:
    case CMRP_RESULT_PROVIDER_REJECTION:
        // That the interface is unknown says more than that of two syntaxes one is.
        if (!features && outcome->refusal.reason != ABSTRACT_SYNTAX) {
            outcome->refusal = *result;
        }
        return true;
    default: break;
    }
    return rpc_link_violation(link, "bind_ack: result %u of context %zu is none that it may have",
                              result->result, index);
}

static bool read_results(struct rpc_link *link, const cmrp_pdu *pdu, struct outcome *outcome) {
    cmrp_syntax_id syntaxes[CONTEXTS];
    const size_t count = offered(link, syntaxes);
    if (pdu->list_count != count) {
        return rpc_link_violation(link, "bind_ack: %u results for %zu contexts", pdu->list_count,
                                  count);
    }
    size_t cursor = 0;
    cmrp_pdu_result result;
    for (size_t i = 0; i < count && cmrp_pdu_next_result(pdu, &cursor, &result); i++) {
        if (!read_result(link, i, &result, &syntaxes[i], outcome)) {
            return false;
        }
    }
    return true;
}

static bool on_ack(struct rpc_link *link, const cmrp_pdu *pdu) {
    const uint32_t group = link->options.group;
    struct outcome outcome = {0};
    if (!read_results(link, pdu, &outcome)) {
        return false;
    }
    if (!outcome.accepted) {
        return on_rejection(link, &outcome.refusal);
    }
    if (group != 0 && pdu->assoc_group_id != group) {
        return rpc_link_violation(link,
                                  "bind_ack: association group %u, not %u, which was to be "
                                  "joined",
                                  pdu->assoc_group_id, group);
    }
    if (pdu->max_recv_frag < RPC_LINK_FRAGMENT_MINIMUM) {
        return rpc_link_violation(link, "bind_ack: max_recv_frag %u is less than everyone accepts",
                                  pdu->max_recv_frag);
    }
    link->fragment = pdu->max_recv_frag < link->announced ? pdu->max_recv_frag : link->announced;
    link->group = pdu->assoc_group_id;
    link->context_id = outcome.context_id;
    link->syntax = outcome.syntax;
    link->keeps_open = (outcome.features & KEEP_OPEN) != 0;
    link->multiplexes = link->options.multiplex && (pdu->header.flags & CMRP_PFC_CONC_MPX) != 0;
    link->bound = true;
    link->options.bound(link->options.context);
    return true;
}

bool rpc_link_on_bind(struct rpc_link *link, const cmrp_pdu *pdu) {
    if (pdu->header.call_id != NUMBER) {
        return rpc_link_violation(link, "an answer to call %u instead of the bind",
                                  pdu->header.call_id);
    }
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND_ACK: return on_ack(link, pdu);
    case CMRP_PTYPE_BIND_NAK: return on_nak(link, pdu);
    case CMRP_PTYPE_FAULT: // not in the specification, but sent where a limit is met
        return refuse(link, pdu->status != 0 ? pdu->status : RPC_S_PROTOCOL_ERROR,
                      "the server answered the bind with a fault");
    default:
        return rpc_link_violation(link, "a PDU %s instead of an answer to the bind",
                                  cmrp_ptype_name(pdu->header.ptype));
    }
}
