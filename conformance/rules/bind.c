// SPDX-License-Identifier: Apache-2.0
// Presentation contexts and operation numbers.
#include "rules/state.h"

enum {
    LIST_AT = 28,     // contexts of a bind or alter_context, from its first octet
    CONTEXT_HEAD = 4, // octets before the abstract syntax
    SYNTAX = 20,
    PROCNUM_OUT_OF_RANGE = 0x6d1,
    OP_RANGE_ERROR = 0x1c010002, // the same as RPC runtimes say it
};

static bool is_ours(const cmrp_pdu_context *context) {
    return cmrp_uuid_equal(&context->abstract_syntax.uuid, &cmrp_uuid_clusapi);
}

static bool is_syntax(const cmrp_syntax_id *id, const cmrp_uuid *uuid, unsigned version) {
    return cmrp_uuid_equal(&id->uuid, uuid) && id->version == version && id->version_minor == 0;
}

static bool is_ndr64(const cmrp_syntax_id *id) {
    return is_syntax(id, &cmrp_uuid_ndr64, 1);
}

static bool is_ndr20(const cmrp_syntax_id *id) {
    return is_syntax(id, &cmrp_uuid_ndr20, 2);
}

static bool same(const cmrp_syntax_id *x, const cmrp_syntax_id *y) {
    return cmrp_uuid_equal(&x->uuid, &y->uuid) && x->version == y->version &&
           x->version_minor == y->version_minor;
}

static bool is_answered(const struct assoc_bind *bind) {
    return bind->answer != NULL && (bind->answer->header.ptype == CMRP_PTYPE_BIND_ACK ||
                                    bind->answer->header.ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP);
}

// ---- offers -------------------------------------------------------------------------------------

static void judge_versions(const struct sight *s) {
    size_t cursor = 0;
    uint64_t at = LIST_AT;
    cmrp_pdu_context context;
    for (; cmrp_pdu_next_context(s->bind->offer, &cursor, &context);
         at += CONTEXT_HEAD + SYNTAX * (1u + context.transfer_count)) {
        const cmrp_syntax_id *id = &context.abstract_syntax;
        if (!is_ours(&context)) {
            continue;
        }
        if ((id->version == 2 || id->version == 3) && id->version_minor == 0) {
            rule_kept(s, RULE_INTERFACE_VERSION);
        } else {
            const struct where where = {.place = RULES_PDU,
                                        .frame = s->bind->offered.frame,
                                        .offset = at + CONTEXT_HEAD + 16,
                                        .size = 4,
                                        .field = "if_version"};
            rule_broken(s, RULE_INTERFACE_VERSION, &where,
                        "presentation context %u offers version %u.%u of the interface", context.id,
                        id->version, id->version_minor);
        }
    }
}

struct syntaxes {
    bool three; // version 3.0 is among the contexts
    bool ndr20;
    bool ndr64;
};

static struct syntaxes offered_syntaxes(const cmrp_pdu *offer) {
    struct syntaxes found = {0};
    size_t cursor = 0;
    cmrp_pdu_context context;
    cmrp_syntax_id transfer;
    while (cmrp_pdu_next_context(offer, &cursor, &context)) {
        size_t inner = 0;
        if (!is_ours(&context) || context.abstract_syntax.version != 3) {
            continue;
        }
        found.three = true;
        while (cmrp_pdu_next_transfer(&context, &inner, &transfer)) {
            found.ndr20 = found.ndr20 || is_ndr20(&transfer);
            found.ndr64 = found.ndr64 || is_ndr64(&transfer);
        }
    }
    return found;
}

// A client that has learnt which syntax a server prefers may offer that one alone; it founds its
// first association without that knowledge.
static void judge_offer(const struct sight *s, const struct syntaxes *offered) {
    const cmrp_pdu *offer = s->bind->offer;
    if (!offered->three || offer->header.ptype != CMRP_PTYPE_BIND || offer->assoc_group_id != 0) {
        return;
    }
    if (offered->ndr20 && offered->ndr64) {
        rule_kept(s, RULE_BOTH_SYNTAXES_OFFERED);
    } else if (offered->ndr20) {
        const struct where where = {.place = RULES_PDU,
                                    .frame = s->bind->offered.frame,
                                    .offset = LIST_AT,
                                    .field = "p_context_elem"};
        rule_broken(s, RULE_BOTH_SYNTAXES_OFFERED, &where,
                    "version 3.0 of the interface is offered in NDR, but not in NDR64");
    }
}

// ---- answers ------------------------------------------------------------------------------------

static uint64_t results_at(const cmrp_pdu *answer) {
    // After the head of 24 octets: the length of sec_addr, sec_addr with its NUL, padding to 4.
    const uint64_t address = 26 + (answer->sec_addr.size > 0 ? answer->sec_addr.size + 1 : 0);
    return ((address + 3) & ~(uint64_t)3) + 4;
}

static bool was_offered(const cmrp_pdu_context *context, const cmrp_syntax_id *accepted) {
    size_t cursor = 0;
    cmrp_syntax_id transfer;
    while (cmrp_pdu_next_transfer(context, &cursor, &transfer)) {
        if (same(&transfer, accepted) && !cmrp_uuid_is_bind_time(&transfer.uuid)) {
            return true;
        }
    }
    return false;
}

struct outcome_of_bind {
    struct syntaxes accepted; // of version 3.0
    struct syntaxes refused;  // as transfer syntaxes that are not supported
};

static void take_result(const cmrp_pdu_context *context, const cmrp_pdu_result *result,
                        struct outcome_of_bind *outcome) {
    enum { UNSUPPORTED_SYNTAXES = 2 };
    size_t cursor = 0;
    cmrp_syntax_id transfer;
    if (!is_ours(context) || context->abstract_syntax.version != 3) {
        return;
    }
    if (result->result == CMRP_RESULT_ACCEPTANCE) {
        outcome->accepted.three = true;
        outcome->accepted.ndr20 = outcome->accepted.ndr20 || is_ndr20(&result->transfer);
        outcome->accepted.ndr64 = outcome->accepted.ndr64 || is_ndr64(&result->transfer);
    } else if (result->result == CMRP_RESULT_PROVIDER_REJECTION &&
               result->reason == UNSUPPORTED_SYNTAXES) {
        outcome->refused.three = true;
        while (cmrp_pdu_next_transfer(context, &cursor, &transfer)) {
            outcome->refused.ndr20 = outcome->refused.ndr20 || is_ndr20(&transfer);
            outcome->refused.ndr64 = outcome->refused.ndr64 || is_ndr64(&transfer);
        }
    }
}

// Of several that are offered a server chooses one, and refuses the others in the same words.
static void judge_support(const struct sight *s, const struct outcome_of_bind *outcome) {
    const struct where where = {.place = RULES_PDU,
                                .frame = s->bind->answered.frame,
                                .offset = results_at(s->bind->answer),
                                .field = "p_result_list"};
    if (outcome->accepted.ndr20 || outcome->accepted.ndr64) {
        rule_kept(s, RULE_BOTH_SYNTAXES_ACCEPTED);
    } else if (!outcome->accepted.three && (outcome->refused.ndr20 || outcome->refused.ndr64)) {
        rule_broken(s, RULE_BOTH_SYNTAXES_ACCEPTED, &where,
                    "version 3.0 of the interface is refused in %s",
                    !outcome->refused.ndr64   ? "NDR"
                    : !outcome->refused.ndr20 ? "NDR64"
                                              : "NDR and in NDR64");
    }
}

static void judge_results(const struct sight *s) {
    size_t context_cursor = 0, result_cursor = 0;
    uint64_t at = results_at(s->bind->answer);
    struct outcome_of_bind outcome = {0};
    cmrp_pdu_context context;
    cmrp_pdu_result result;
    struct where where = {.place = RULES_PDU, .frame = s->bind->answered.frame};
    bool fine = true;
    for (; fine && cmrp_pdu_next_context(s->bind->offer, &context_cursor, &context) &&
           cmrp_pdu_next_result(s->bind->answer, &result_cursor, &result);
         at += 4 + SYNTAX) {
        if (result.result == CMRP_RESULT_ACCEPTANCE && !was_offered(&context, &result.transfer)) {
            where.offset = at + 4;
            where.size = SYNTAX;
            where.field = "transfer_syntax";
            rule_broken(s, RULE_SYNTAX_NEGOTIATED, &where,
                        "presentation context %u is accepted in a transfer syntax that was not "
                        "offered for it",
                        context.id);
            fine = false;
        }
        take_result(&context, &result, &outcome);
    }
    if (s->bind->answer->list_count != s->bind->offer->list_count && fine) {
        where.offset = results_at(s->bind->answer) - 4;
        where.size = 1;
        where.field = "n_results";
        rule_broken(s, RULE_SYNTAX_NEGOTIATED, &where,
                    "%u presentation contexts are answered with %u results",
                    s->bind->offer->list_count, s->bind->answer->list_count);
        fine = false;
    }
    if (fine) {
        rule_kept(s, RULE_SYNTAX_NEGOTIATED);
    }
    judge_support(s, &outcome);
}

void bind_on_bind(const struct sight *s) {
    const struct syntaxes offered = offered_syntaxes(s->bind->offer);
    judge_versions(s);
    judge_offer(s, &offered);
    if (is_answered(s->bind)) {
        s->connection->bound = true;
        judge_results(s);
    }
    security_on_bind(s);
}

// ---- operation numbers --------------------------------------------------------------------------

// Reserved for local use in version 3.
static bool is_local(uint16_t opnum) {
    return opnum == 80 || opnum == 111 || (opnum >= 140 && opnum <= 142) ||
           (opnum >= 148 && opnum <= 154) || opnum == 156 || (opnum >= 158 && opnum <= 162) ||
           opnum == 170 || opnum == 264;
}

static bool is_future(uint16_t opnum) {
    return opnum >= 185 && opnum <= 263;
}

static void judge_opnum(const struct sight *s, size_t rule, bool reserved, const char *use) {
    const struct assoc_call *call = s->call->call;
    const struct where where = {.place = RULES_REQUEST, .field = "opnum"};
    if (reserved) {
        rule_broken(s, rule, &where, "opnum %u is reserved for %s use", call->opnum, use);
    } else {
        rule_kept(s, rule);
    }
}

static void judge_answer(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    const struct where where = {.place = RULES_RESPONSE, .field = "status"};
    if (call->faulted && (call->fault == PROCNUM_OUT_OF_RANGE || call->fault == OP_RANGE_ERROR)) {
        rule_kept(s, RULE_OPNUM_FUTURE_ANSWER_P3);
    } else if (!call->faulted && call->response.state != ASSOC_ABSENT) {
        rule_broken(s, RULE_OPNUM_FUTURE_ANSWER_P3, &where,
                    "opnum %u, which is reserved for future use, is answered by a response",
                    call->opnum);
    }
}

void bind_on_call(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    if (call->request.state == ASSOC_ABSENT) {
        return;
    }
    switch (sight_interface(s)) {
    case CMRP_INTERFACE_2: judge_opnum(s, RULE_OPNUM_LOCAL_P2, call->opnum == 80, "local"); break;
    case CMRP_INTERFACE_3:
        judge_opnum(s, RULE_OPNUM_LOCAL_P3, is_local(call->opnum), "local");
        judge_opnum(s, RULE_OPNUM_FUTURE_P3, is_future(call->opnum), "future");
        if (is_future(call->opnum)) {
            judge_answer(s);
        }
        break;
    default: break;
    }
    security_on_call(s);
}
