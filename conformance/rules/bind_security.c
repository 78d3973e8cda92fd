// SPDX-License-Identifier: Apache-2.0
// Security of binds and of calls, as far as their trailers show it. What is wrong with all calls of
// a connection is said once.
#include <string.h>

#include "rules/state.h"

enum {
    NTLM = 10,
    SPNEGO = 9,
    KERBEROS = 16,
    TRAILER = 8, // octets before the token
    SET_PASSWORD = 108,
    // In the headers of PDUs:
    PTYPE_AT = 2,
    AUTH_LENGTH_AT = 10,
    AUTH_PROTO_AT = 78, // connectionless
};

// Bits of rules_connection.said.
enum {
    SAID_LEVEL = 1,
    SAID_SERVICE = 2,
    SAID_EXACT = 4,
    SAID_INTEGRITY = 8,
    SAID_REFUSED = 16,
    SAID_PRINCIPAL = 32,
};

static const char *level_name(unsigned level) {
    static const char *const names[] = {
        "default", "none", "connect", "call", "packet", "packet integrity", "packet privacy"};
    return level < sizeof names / sizeof names[0] ? names[level] : "unknown";
}

static const char *service_name(unsigned type) {
    switch (type) {
    case SPNEGO: return "SPNEGO";
    case NTLM: return "NTLM";
    case 14: return "TLS";
    case KERBEROS: return "Kerberos";
    case 68: return "Netlogon";
    default: return "unknown";
    }
}

// DEFAULT is CONNECT [MS-RPCE 2.2.1.1.8].
static unsigned effective(unsigned level) {
    return level == ASSOC_LEVEL_DEFAULT ? (unsigned)ASSOC_LEVEL_CONNECT : level;
}

// What is judged, of a bind or of a call.
struct seen {
    const struct sight *sight;
    unsigned type; // 0: no security
    unsigned level;
    struct where type_at;
    struct where level_at;
};

static void check(const struct seen *seen, size_t rule, bool kept, uint32_t said,
                  const char *wanted) {
    struct rules_connection *c = seen->sight->connection;
    if (kept) {
        rule_kept(seen->sight, rule);
    } else if ((c->said & said) == 0) {
        c->said |= said;
        rule_broken(seen->sight, rule, &seen->level_at, "the authentication level is %u (%s)%s",
                    seen->level, level_name(seen->level), wanted);
    }
}

static void check_service(const struct seen *seen, size_t rule, unsigned wanted) {
    struct rules_connection *c = seen->sight->connection;
    if (seen->type == 0) {
        return; // what is wrong is the level
    }
    if (seen->type == wanted) {
        rule_kept(seen->sight, rule);
    } else if ((c->said & SAID_SERVICE) == 0) {
        c->said |= SAID_SERVICE;
        rule_broken(seen->sight, rule, &seen->type_at, "the authentication type is %u (%s)",
                    seen->type, service_name(seen->type));
    }
}

static void judge_2(const struct seen *seen) {
    const unsigned level = effective(seen->level);
    check(seen, RULE_LEVEL_P2, level >= ASSOC_LEVEL_CONNECT, SAID_LEVEL, "");
    if (level >= ASSOC_LEVEL_CONNECT && level <= ASSOC_LEVEL_INTEGRITY) {
        check(seen, RULE_LEVEL_INTEGRITY_P2, level == ASSOC_LEVEL_INTEGRITY, SAID_INTEGRITY, "");
    }
    check_service(seen, RULE_SERVICE_P2, NTLM);
}

static void judge_3(const struct seen *seen) {
    const unsigned level = effective(seen->level);
    check(seen, RULE_LEVEL_P3, level >= ASSOC_LEVEL_PRIVACY, SAID_LEVEL, "");
    if (level >= ASSOC_LEVEL_PRIVACY) {
        check(seen, RULE_LEVEL_EXACT_P3, level == ASSOC_LEVEL_PRIVACY, SAID_EXACT, "");
    }
    check_service(seen, RULE_SERVICE_P3, SPNEGO);
}

// ---- binds --------------------------------------------------------------------------------------

// The versions of the interface that are offered, as bits 1 << version.
static unsigned offered_versions(const cmrp_pdu *offer) {
    unsigned versions = 0;
    size_t cursor = 0;
    cmrp_pdu_context context;
    while (cmrp_pdu_next_context(offer, &cursor, &context)) {
        const cmrp_syntax_id *id = &context.abstract_syntax;
        if (cmrp_uuid_equal(&id->uuid, &cmrp_uuid_clusapi) && id->version <= CMRP_INTERFACE_3) {
            versions |= 1u << id->version;
        }
    }
    return versions;
}

static void judge_principal(const struct sight *s, uint64_t trailer_at) {
    static const char service[] = "MSServerClusterMgmtAPI/";
    char name[96];
    size_t offset, length;
    if ((s->bind->offer->auth_type != SPNEGO && s->bind->offer->auth_type != KERBEROS) ||
        !principal_of(s->bind->offer->auth_token, name, sizeof name, &offset, &length)) {
        return;
    }
    if (strncmp(name, service, sizeof service - 1) == 0 && name[sizeof service - 1] != '\0') {
        rule_kept(s, RULE_PRINCIPAL_P3);
    } else if ((s->connection->said & SAID_PRINCIPAL) == 0) {
        const struct where where = {.place = RULES_PDU,
                                    .frame = s->bind->offered.frame,
                                    .offset = trailer_at + TRAILER + offset,
                                    .size = length,
                                    .field = "sname"};
        s->connection->said |= SAID_PRINCIPAL;
        rule_broken(s, RULE_PRINCIPAL_P3, &where, "the ticket is for \"%s\"", name);
    }
}

void security_on_bind(const struct sight *s) {
    const cmrp_pdu *offer = s->bind->offer;
    const unsigned versions = offered_versions(offer);
    if (!offer->has_auth) {
        return; // security may follow in an alter_context
    }
    s->connection->secured = true;
    const uint64_t at = (uint64_t)offer->header.frag_length - offer->header.auth_length - TRAILER;
    const struct where place = {
        .place = RULES_PDU, .frame = s->bind->offered.frame, .offset = at, .size = 1};
    struct seen seen = {.sight = s,
                        .type = offer->auth_type,
                        .level = offer->auth_level,
                        .type_at = place,
                        .level_at = place};
    seen.type_at.field = "auth_type";
    seen.level_at.field = "auth_level";
    seen.level_at.offset++;
    if (versions == 1u << CMRP_INTERFACE_2) {
        judge_2(&seen);
    } else if (versions == 1u << CMRP_INTERFACE_3) {
        judge_3(&seen);
        judge_principal(s, at);
    }
}

// ---- calls --------------------------------------------------------------------------------------

// At the level CONNECT the PDUs of a call carry no trailer.
static bool may_be_connected(const struct sight *s) {
    const struct rules_connection *c = s->connection;
    return !s->call->call->connectionless &&
           (c->secured || !c->bound || !c->peers.whole || s->call->call->basis != ASSOC_BOUND);
}

static void judge_refusal(const struct sight *s, unsigned level) {
    const struct assoc_call *call = s->call->call;
    const struct where where = {.place = RULES_PDU,
                                .frame = call->response.stamp.frame,
                                .offset = PTYPE_AT,
                                .size = 1,
                                .field = "PTYPE"}; // a response, in place of a fault
    if (call->connectionless || level >= ASSOC_LEVEL_PRIVACY ||
        call->response.state == ASSOC_ABSENT) {
        return;
    }
    if (call->faulted) {
        rule_kept(s, RULE_LEVEL_REFUSED_P3);
    } else if ((s->connection->said & SAID_REFUSED) == 0) {
        s->connection->said |= SAID_REFUSED;
        rule_broken(s, RULE_LEVEL_REFUSED_P3, &where,
                    "a call at authentication level %u (%s) is answered", level, level_name(level));
    }
}

// Where the PDU's header tells whether there is a security trailer, and of what size or kind.
static struct where request_place(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    struct where where = {.place = RULES_PDU, .frame = call->request.stamp.frame};
    where.offset = call->connectionless ? AUTH_PROTO_AT : AUTH_LENGTH_AT;
    where.size = call->connectionless ? 1 : 2;
    where.field = call->connectionless ? "auth_proto" : "auth_length";
    return where;
}

void security_on_call(const struct sight *s) {
    const struct assoc_part *request = &s->call->call->request;
    const unsigned interface = sight_interface(s);
    const struct where place = request_place(s);
    struct seen seen = {.sight = s,
                        .type = request->auth_type,
                        .level = request->auth_type != 0 ? request->auth_level
                                                         : (unsigned)ASSOC_LEVEL_NONE,
                        .type_at = place,
                        .level_at = place};
    if (interface == CMRP_INTERFACE_3) {
        judge_3(&seen);
        judge_refusal(s, effective(seen.level));
    } else if (interface == CMRP_INTERFACE_2) {
        if (seen.type != 0 || !may_be_connected(s)) {
            judge_2(&seen);
        }
        if (s->call->call->opnum == SET_PASSWORD) {
            check(&seen, RULE_LEVEL_PASSWORD_P2, seen.level == ASSOC_LEVEL_PRIVACY, 0,
                  ", and ApiSetServiceAccountPassword is called");
        }
    }
}
