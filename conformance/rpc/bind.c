// SPDX-License-Identifier: Apache-2.0
// Negotiation: bind, alter_context, auth3. [C706 12.6.4, MS-RPCE 3.3.1.5.3, 3.3.1.5.6]
#include <stdarg.h>
#include <stdio.h>

#include "rpc/state.h"

enum { // authentication levels [MS-RPCE 2.2.1.1.8]
    LEVEL_CONNECT = 2,
    LEVEL_PRIVACY = 6,
};

enum { // reasons of a provider_rejection [C706 12.6.3.1]
    REJECT_INTERFACE = 1,
    REJECT_SYNTAXES = 2,
};

static bool has_flag(const cmrp_pdu *pdu, unsigned flag) {
    return (pdu->header.flags & flag) != 0;
}

// ---- refusals -----------------------------------------------------------------------------------

void rpc_bind_nak(struct rpc_connection *c, uint32_t call_id, uint16_t reason, const char *format,
                  ...) {
    static const uint8_t versions[] = {5, 0};
    static const uint8_t padding[3];
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cmrp_pdu nak = {.header = {.ptype = CMRP_PTYPE_BIND_NAK, .call_id = call_id},
                    .nak_reason = reason,
                    .list_count = 1,
                    .list = {versions, sizeof versions},
                    .extension = {padding, sizeof padding}};
    rpc_send_pdu(c, &nak);
    rpc_give_up_at(c, reason == NAK_LOCAL_LIMIT ? RPC_LOG_WARNING : RPC_LOG_INFO, "bind_nak %u: %s",
                   reason, text);
}

// Refuses a bind with a bind_nak, an alter_context with a fault.
static void refuse(struct rpc_connection *c, const cmrp_pdu *pdu, uint16_t reason, uint32_t status,
                   const char *why) {
    if (pdu->header.ptype == CMRP_PTYPE_BIND) {
        rpc_bind_nak(c, pdu->header.call_id, reason, "%s", why);
        return;
    }
    rpc_send_fault(
        c,
        &(struct fault){.call_id = pdu->header.call_id, .status = status, .did_not_execute = true});
    rpc_give_up(c, "alter_context: %s", why);
}

// ---- presentation contexts ----------------------------------------------------------------------

// The index of an interface that serves this version of it, or -1.
static int find_interface(const struct rpc_server *server, const cmrp_syntax_id *id) {
    for (int i = 0; i < server->interface_count; i++) {
        const cmrp_syntax_id *served = &server->options.interfaces[i]->id;
        if (cmrp_uuid_equal(&served->uuid, &id->uuid) && served->version == id->version &&
            served->version_minor >= id->version_minor) {
            return i;
        }
    }
    return -1;
}

static bool known_syntax(const cmrp_syntax_id *id, cmrp_syntax *syntax) {
    if (cmrp_uuid_equal(&id->uuid, &cmrp_uuid_ndr20)) {
        *syntax = CMRP_NDR20;
        return id->version == 2 && id->version_minor == 0;
    }
    *syntax = CMRP_NDR64;
    return cmrp_uuid_equal(&id->uuid, &cmrp_uuid_ndr64) && id->version == 1 &&
           id->version_minor == 0;
}

static bool is_features(const cmrp_pdu_context *offer, cmrp_syntax_id *first) {
    size_t cursor = 0;
    return cmrp_pdu_next_transfer(offer, &cursor, first) && cmrp_uuid_is_bind_time(&first->uuid) &&
           first->version == 1;
}

static cmrp_pdu_result negotiate_features(struct rpc_connection *c, const cmrp_syntax_id *offer) {
    const uint16_t ours = FEATURE_KEEP_ON_ORPHAN;
    const uint16_t bits = offer->uuid.octets[8] & ours;
    c->keeps_on_orphan = c->keeps_on_orphan || (bits & FEATURE_KEEP_ON_ORPHAN) != 0;
    return (cmrp_pdu_result){.result = CMRP_RESULT_NEGOTIATE_ACK, .reason = bits};
}

static cmrp_pdu_result rejection(uint16_t reason) {
    return (cmrp_pdu_result){.result = CMRP_RESULT_PROVIDER_REJECTION, .reason = reason};
}

static void add_context(struct rpc_connection *c, const struct context *context) {
    c->contexts = util_grow(c->contexts, c->context_count + 1, sizeof *c->contexts);
    c->contexts[c->context_count++] = *context;
}

// The one transfer syntax that the PDU gets for an interface: NDR64 where it is proposed, else the
// first that is known. Returns false where none is. [MS-RPCE 3.3.1.5.6]
static bool choose_syntax(const struct rpc_connection *c, const cmrp_pdu *pdu, int interface,
                          cmrp_syntax *chosen) {
    size_t cursor = 0;
    cmrp_pdu_context offer;
    cmrp_syntax_id transfer;
    cmrp_syntax syntax;
    bool any = false;
    while (cmrp_pdu_next_context(pdu, &cursor, &offer)) {
        size_t inner = 0;
        const bool same = find_interface(c->server, &offer.abstract_syntax) == interface;
        while (same && cmrp_pdu_next_transfer(&offer, &inner, &transfer)) {
            if (known_syntax(&transfer, &syntax) && (!any || syntax == CMRP_NDR64)) {
                *chosen = syntax;
                any = true;
            }
        }
    }
    return any;
}

// Whether the context proposes the syntax; *transfer is then how it does so.
static bool proposes(const cmrp_pdu_context *offer, cmrp_syntax wanted, cmrp_syntax_id *transfer) {
    size_t cursor = 0;
    cmrp_syntax syntax;
    while (cmrp_pdu_next_transfer(offer, &cursor, transfer)) {
        if (known_syntax(transfer, &syntax) && syntax == wanted) {
            return true;
        }
    }
    return false;
}

// Returns false where a context of this identifier stands for something else already.
static bool negotiate_context(struct rpc_connection *c, const cmrp_pdu *pdu,
                              const cmrp_pdu_context *offer, cmrp_pdu_result *result) {
    const int interface = find_interface(c->server, &offer->abstract_syntax);
    struct context context = {.id = offer->id, .interface = (uint16_t)interface};
    cmrp_syntax_id transfer;
    const bool accepted = interface >= 0 && choose_syntax(c, pdu, interface, &context.syntax) &&
                          proposes(offer, context.syntax, &transfer);
    if (!accepted) {
        *result = rejection(interface < 0 ? REJECT_INTERFACE : REJECT_SYNTAXES);
        return true;
    }
    *result = (cmrp_pdu_result){.result = CMRP_RESULT_ACCEPTANCE, .transfer = transfer};
    for (size_t i = 0; i < c->context_count; i++) {
        const struct context *other = &c->contexts[i];
        if (other->id == offer->id) {
            return other->interface == context.interface && other->syntax == context.syntax;
        }
    }
    add_context(c, &context);
    return true;
}

// What can be refused before anything is negotiated. Returns the reason in words, or NULL.
static const char *check_offers(const struct rpc_connection *c, const cmrp_pdu *pdu,
                                uint16_t *reason) {
    size_t cursor = 0;
    size_t features = 0;
    cmrp_pdu_context offer;
    cmrp_syntax_id first;
    *reason = NAK_NOT_SPECIFIED;
    if (pdu->list_count == 0) {
        return "no presentation context";
    }
    while (cmrp_pdu_next_context(pdu, &cursor, &offer)) {
        if (offer.transfer_count == 0) {
            return "a presentation context without a transfer syntax";
        }
        features += is_features(&offer, &first);
    }
    if (features > 1) {
        return "bind-time features twice";
    }
    if (c->context_count + pdu->list_count - features > c->server->limits.contexts) {
        *reason = NAK_LOCAL_LIMIT;
        return "more presentation contexts than the limit";
    }
    return NULL;
}

static void negotiate(struct rpc_connection *c, const cmrp_pdu *pdu, cmrp_pdu_result *results,
                      bool *conflict) {
    size_t cursor = 0;
    cmrp_pdu_context offer;
    cmrp_syntax_id first;
    *conflict = false;
    for (size_t i = 0; cmrp_pdu_next_context(pdu, &cursor, &offer); i++) {
        if (is_features(&offer, &first)) {
            results[i] = negotiate_features(c, &first);
        } else if (!negotiate_context(c, pdu, &offer, &results[i])) {
            *conflict = true;
        }
    }
}

// ---- security -----------------------------------------------------------------------------------

// Hands a token on. Returns false where it was refused, and the PDU with it.
static bool handshake(struct rpc_connection *c, const cmrp_pdu *pdu, cmrp_view *answer) {
    const struct rpc_security *security = c->server->options.security;
    *answer = (cmrp_view){0};
    if (!pdu->has_auth) {
        return true;
    }
    if (pdu->auth_level < LEVEL_CONNECT || pdu->auth_level > LEVEL_PRIVACY) {
        refuse(c, pdu, NAK_NOT_SPECIFIED, RPC_FAULT_ACCESS_DENIED,
               "it brings an authentication token of an unknown level");
        return false;
    }
    if (security == NULL) {
        refuse(c, pdu, NAK_AUTH_TYPE, RPC_FAULT_ACCESS_DENIED,
               "it brings an authentication token, and this server has no security");
        return false;
    }
    switch (security->handshake(security->context, c, pdu, answer)) {
    case RPC_HANDSHAKE_ACCEPTED: return true;
    case RPC_HANDSHAKE_UNKNOWN:
        refuse(c, pdu, NAK_AUTH_TYPE, RPC_FAULT_ACCESS_DENIED, "unknown authentication type");
        return false;
    default:
        refuse(c, pdu, NAK_CHECKSUM, RPC_FAULT_ACCESS_DENIED, "its authentication token is wrong");
        return false;
    }
}

// ---- the three PDUs -----------------------------------------------------------------------------

static void send_ack(struct rpc_connection *c, const cmrp_pdu *pdu, const cmrp_pdu_result *results,
                     cmrp_view token) {
    const bool bind = pdu->header.ptype == CMRP_PTYPE_BIND;
    cmrp_pdu ack = {
        .header = {.ptype = bind ? CMRP_PTYPE_BIND_ACK : CMRP_PTYPE_ALTER_CONTEXT_RESP,
                   .call_id = pdu->header.call_id},
        .max_xmit_frag = c->fragment,
        .max_recv_frag = c->fragment,
        .assoc_group_id = c->group->id,
        .sec_addr = bind ? (cmrp_view){(const uint8_t *)c->port, strlen(c->port)} : (cmrp_view){0},
        .list_count = pdu->list_count,
        .results = results,
        .has_auth = token.size > 0,
        .auth_type = pdu->auth_type,
        .auth_level = pdu->auth_level,
        .auth_context_id = pdu->auth_context_id,
        .auth_token = token,
    };
    ack.header.flags |= (uint8_t)(pdu->header.flags & CMRP_PFC_SUPPORT_HEADER_SIGN);
    if (bind && c->multiplexes) {
        ack.header.flags |= CMRP_PFC_CONC_MPX;
    }
    rpc_send_pdu(c, &ack);
}

// The largest fragment of both directions: what the client can send and receive, a multiple of 8.
static uint16_t agree_fragment(const struct rpc_server *server, const cmrp_pdu *pdu) {
    uint16_t size = server->limits.fragment;
    size = pdu->max_xmit_frag < size ? pdu->max_xmit_frag : size;
    size = pdu->max_recv_frag < size ? pdu->max_recv_frag : size;
    size = (uint16_t)(size & ~7u);
    return size < FRAGMENT_MINIMUM ? FRAGMENT_MINIMUM : size;
}

void rpc_bind(struct rpc_connection *c, const cmrp_pdu *pdu) {
    const uint32_t call_id = pdu->header.call_id;
    cmrp_pdu_result results[UINT8_MAX];
    cmrp_view token;
    uint16_t reason;
    bool conflict;
    if (c->group != NULL) {
        rpc_bind_nak(c, call_id, NAK_NOT_SPECIFIED, "a second bind");
        return;
    }
    if (c->server->stopped) {
        rpc_bind_nak(c, call_id, NAK_CONGESTION, "the server is being stopped");
        return;
    }
    const char *why = check_offers(c, pdu, &reason);
    if (why != NULL) {
        rpc_bind_nak(c, call_id, reason, "%s", why);
        return;
    }
    if (!handshake(c, pdu, &token)) {
        return;
    }
    negotiate(c, pdu, results, &conflict);
    if (conflict) {
        rpc_bind_nak(c, call_id, NAK_NOT_SPECIFIED, "one identifier for two presentation contexts");
        return;
    }
    if (rpc_group_join(c, pdu->assoc_group_id) == NULL) {
        rpc_bind_nak(c, call_id, NAK_NOT_SPECIFIED,
                     "there is no association group %u of this client", pdu->assoc_group_id);
        return;
    }
    c->multiplexes = has_flag(pdu, CMRP_PFC_CONC_MPX);
    c->fragment = agree_fragment(c->server, pdu);
    send_ack(c, pdu, results, token);
}

void rpc_alter_context(struct rpc_connection *c, const cmrp_pdu *pdu) {
    const uint32_t call_id = pdu->header.call_id;
    cmrp_pdu_result results[UINT8_MAX];
    cmrp_view token;
    uint16_t reason;
    bool conflict;
    if (c->joining.active) {
        rpc_protocol_error(c, call_id, 0, "alter_context inside the request %u",
                           c->joining.call_id);
        return;
    }
    const char *why = check_offers(c, pdu, &reason);
    if (why != NULL && reason == NAK_LOCAL_LIMIT) { // [MS-RPCE 3.3.3.5.5]
        rpc_bind_nak(c, call_id, reason, "alter_context: %s", why);
        return;
    }
    if (why != NULL) {
        rpc_protocol_error(c, call_id, 0, "alter_context: %s", why);
        return;
    }
    if (!handshake(c, pdu, &token)) {
        return;
    }
    negotiate(c, pdu, results, &conflict);
    if (conflict) {
        rpc_protocol_error(c, call_id, 0,
                           "alter_context: one identifier for two presentation contexts");
        return;
    }
    send_ack(c, pdu, results, token);
}

void rpc_auth3(struct rpc_connection *c, const cmrp_pdu *pdu) {
    const struct rpc_security *security = c->server->options.security;
    cmrp_view ignored = {0};
    if (!pdu->has_auth || security == NULL ||
        security->handshake(security->context, c, pdu, &ignored) != RPC_HANDSHAKE_ACCEPTED) {
        rpc_give_up(c, "auth3: its authentication token is refused");
    }
}
