// SPDX-License-Identifier: Apache-2.0
// Rules about context handles.
#include <inttypes.h>
#include <string.h>

#include "rules/state.h"

static const uint8_t null_handle[CMRP_HANDLE_SIZE];

static bool is_null(const cmrp_slot *slot) {
    return memcmp(slot->handle, null_handle, sizeof null_handle) == 0;
}

static const char *kind_name(unsigned meaning) {
    static const char *const names[] = {
        [CMRP_MEANS_HCLUSTER] = "HCLUSTER_RPC",
        [CMRP_MEANS_HNODE] = "HNODE_RPC",
        [CMRP_MEANS_HGROUP] = "HGROUP_RPC",
        [CMRP_MEANS_HRES] = "HRES_RPC",
        [CMRP_MEANS_HKEY] = "HKEY_RPC",
        [CMRP_MEANS_HNETWORK] = "HNETWORK_RPC",
        [CMRP_MEANS_HNETINTERFACE] = "HNETINTERFACE_RPC",
        [CMRP_MEANS_HNOTIFY] = "HNOTIFY_RPC",
        [CMRP_MEANS_HBATCH_PORT] = "HBATCH_PORT_RPC",
        [CMRP_MEANS_HGROUPSET] = "HGROUPSET_RPC",
    };
    return names[meaning];
}

static struct where where_of(bool response, const struct rules_side *side, uint32_t index) {
    return (struct where){.place = response ? RULES_RESPONSE : RULES_REQUEST,
                          .offset = side->slots[index].offset,
                          .size = CMRP_HANDLE_SIZE,
                          .field = side->format.method->params[index].name};
}

// ---- handles of a request -----------------------------------------------------------------------

struct kind_rules {
    size_t unknown;
    size_t closed;
    size_t kind;
};

// Of an HGENERIC_RPC it depends on the object type what suits it.
static const struct kind_rules kinds[] = {
    [CMRP_MEANS_HGENERIC] = {RULE_COUNT, RULE_COUNT, RULE_COUNT},
    [CMRP_MEANS_HGROUPSET] = {RULE_COUNT, RULE_COUNT, RULE_COUNT},
#define KIND(name, word)                                                                           \
    [CMRP_MEANS_##name] = {RULE_##word##_HANDLE_UNKNOWN, RULE_##word##_HANDLE_AFTER_CLOSE,         \
                           RULE_##word##_HANDLE_KIND}
    KIND(HCLUSTER, CLUSTER),
    KIND(HNODE, NODE),
    KIND(HGROUP, GROUP),
    KIND(HRES, RESOURCE),
    KIND(HKEY, KEY),
    KIND(HNETWORK, NETWORK),
    KIND(HNOTIFY, NOTIFY),
    KIND(HNETINTERFACE, NETINTERFACE),
    KIND(HBATCH_PORT, BATCH_PORT),
#undef KIND
};

static void judge_kind(const struct sight *s, uint32_t index, enum handle_fault fault,
                       const struct rules_handle *h) {
    const cmrp_param *p = &s->call->method->params[index];
    const struct kind_rules *rules = &kinds[p->meaning];
    const struct where where = where_of(false, &s->call->request, index);
    switch (fault) {
    case HANDLE_UNKNOWABLE: break;
    case HANDLE_VALID:
        rule_kept(s, rules->unknown);
        rule_kept(s, rules->closed);
        rule_kept(s, rules->kind);
        break;
    case HANDLE_NULL:
        rule_broken(s, rules->unknown, &where, "%s is the NULL handle", p->name);
        break;
    case HANDLE_UNGIVEN:
        rule_broken(s, rules->unknown, &where, "%s is a handle that the server has not given",
                    p->name);
        break;
    case HANDLE_FOREIGN:
        rule_broken(s, rules->unknown, &where,
                    "%s is a handle that was given to another association, in frame %" PRIu64,
                    p->name, h->opened);
        break;
    case HANDLE_CLOSED:
        rule_broken(s, rules->closed, &where, "%s is a handle that was closed in frame %" PRIu64,
                    p->name, h->closed_at);
        break;
    case HANDLE_KIND:
        rule_broken(s, rules->kind, &where,
                    "%s is to be an %s and is an %s, given in frame %" PRIu64, p->name,
                    kind_name(p->meaning), kind_name(h->meaning), h->opened);
        break;
    }
}

// ---- what the server makes of them --------------------------------------------------------------

static const struct {
    uint16_t opnum;
    size_t rule[2]; // of protocol versions 2 and 3; RULE_COUNT: none
} refusals[] = {
    {56, {RULE_CLOSE_NOTIFY_INVALID_HANDLE_P2, RULE_CLOSE_NOTIFY_INVALID_HANDLE_P3}},
    {57, {RULE_ADD_NOTIFY_CLUSTER_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_CLUSTER_INVALID_HANDLE_P3}},
    {58, {RULE_ADD_NOTIFY_NODE_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_NODE_INVALID_HANDLE_P3}},
    {59, {RULE_ADD_NOTIFY_GROUP_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_GROUP_INVALID_HANDLE_P3}},
    {60, {RULE_ADD_NOTIFY_RESOURCE_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_RESOURCE_INVALID_HANDLE_P3}},
    {61, {RULE_ADD_NOTIFY_KEY_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_KEY_INVALID_HANDLE_P3}},
    {62, {RULE_READD_NOTIFY_NODE_INVALID_HANDLE_P2, RULE_READD_NOTIFY_NODE_INVALID_HANDLE_P3}},
    {63, {RULE_READD_NOTIFY_GROUP_INVALID_HANDLE_P2, RULE_READD_NOTIFY_GROUP_INVALID_HANDLE_P3}},
    {64,
     {RULE_READD_NOTIFY_RESOURCE_INVALID_HANDLE_P2, RULE_READD_NOTIFY_RESOURCE_INVALID_HANDLE_P3}},
    {65, {RULE_GET_NOTIFY_INVALID_HANDLE_P2, RULE_GET_NOTIFY_INVALID_HANDLE_P3}},
    {90, {RULE_ADD_NOTIFY_NETWORK_INVALID_HANDLE_P2, RULE_ADD_NOTIFY_NETWORK_INVALID_HANDLE_P3}},
    {91,
     {RULE_READD_NOTIFY_NETWORK_INVALID_HANDLE_P2, RULE_READD_NOTIFY_NETWORK_INVALID_HANDLE_P3}},
    {99,
     {RULE_ADD_NOTIFY_NET_INTERFACE_INVALID_HANDLE_P2,
      RULE_ADD_NOTIFY_NET_INTERFACE_INVALID_HANDLE_P3}},
    {100,
     {RULE_READD_NOTIFY_NET_INTERFACE_INVALID_HANDLE_P2,
      RULE_READD_NOTIFY_NET_INTERFACE_INVALID_HANDLE_P3}},
    {107,
     {RULE_UNBLOCK_GET_NOTIFY_CALL_INVALID_HANDLE_P2,
      RULE_UNBLOCK_GET_NOTIFY_CALL_INVALID_HANDLE_P3}},
    {113, {RULE_COUNT, RULE_EXECUTE_BATCH_INVALID_HANDLE_P3}},
    {114, {RULE_COUNT, RULE_CREATE_BATCH_PORT_INVALID_HANDLE_P3}},
    {115, {RULE_COUNT, RULE_GET_BATCH_NOTIFICATION_INVALID_HANDLE_P3}},
    {116, {RULE_COUNT, RULE_CLOSE_BATCH_PORT_INVALID_HANDLE_P3}},
    {138, {RULE_COUNT, RULE_ADD_NOTIFY_V2_INVALID_HANDLE_P3}},
    {139, {RULE_COUNT, RULE_GET_NOTIFY_V2_INVALID_HANDLE_P3}},
    {145, {RULE_COUNT, RULE_EXECUTE_READ_BATCH_INVALID_HANDLE_P3}},
    {147, {RULE_COUNT, RULE_GET_NOTIFY_ASYNC_INVALID_HANDLE_P3}},
    {155, {RULE_COUNT, RULE_ADD_NOTIFY_RESOURCE_TYPE_V2_INVALID_HANDLE_P3}},
};

static size_t refusal_of(const struct sight *s) {
    const unsigned interface = sight_interface(s);
    for (size_t i = 0; interface != 0 && i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].opnum == s->call->call->opnum) {
            return refusals[i].rule[interface - CMRP_INTERFACE_2];
        }
    }
    return RULE_COUNT;
}

// A request held a handle that is not valid, for this reason.
static void judge_refusal(const struct sight *s, uint32_t index, enum handle_fault fault) {
    enum { INVALID_HANDLE = 6 };
    static const char *const reasons[] = {
        [HANDLE_NULL] = "the NULL handle",
        [HANDLE_UNGIVEN] = "a handle that was never given",
        [HANDLE_FOREIGN] = "a handle of another association",
        [HANDLE_CLOSED] = "a closed handle",
        [HANDLE_KIND] = "a handle of another kind",
    };
    const size_t rule = refusal_of(s);
    uint32_t status;
    if (rule == RULE_COUNT || !sight_status(s, &status)) {
        return; // a fault is the RPC runtime's refusal
    }
    if (status == INVALID_HANDLE) {
        rule_kept(s, rule);
    } else if (status == 0) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, rule, &where, "success, although %s of the request is %s",
                    s->call->method->params[index].name, reasons[fault]);
    }
}

// The handle comes from the other version of the interface.
static void judge_version(const struct sight *s, uint32_t index, const struct rules_handle *h) {
    const unsigned interface = sight_interface(s);
    const size_t rule =
        interface == CMRP_INTERFACE_2 ? RULE_HANDLE_OF_VERSION_3 : RULE_HANDLE_OF_VERSION_2;
    uint32_t status;
    if (interface == 0 || h->interface == interface) {
        return;
    }
    if (s->call->call->faulted) {
        rule_kept(s, rule);
    } else if (sight_status(s, &status) && status == 0) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, rule, &where,
                    "success, although %s of the request was given by interface version %u in "
                    "frame %" PRIu64,
                    s->call->method->params[index].name, (unsigned)h->interface, h->opened);
    }
}

static void judge_request(const struct sight *s) {
    const struct rules_side *in = &s->call->request;
    bool refused = false; // one reason will do
    for (unsigned n = 0; n < s->facts->handle_count; n++) {
        const uint32_t i = s->facts->handles[n];
        const cmrp_param *p = &s->call->method->params[i];
        struct rules_handle *h;
        if (!in->slots[i].present) {
            continue;
        }
        const enum handle_fault fault = handle_check(s, p, &in->slots[i], &h);
        if (kinds[p->meaning].kind != RULE_COUNT) {
            judge_kind(s, i, fault, h);
        }
        if (fault > HANDLE_VALID && !refused) {
            judge_refusal(s, i, fault);
            refused = true;
        } else if (fault == HANDLE_VALID && !refused) {
            judge_version(s, i, h);
        }
    }
}

// ---- handles of a response ----------------------------------------------------------------------

static size_t close_rule(const struct sight *s) {
    switch (s->call->call->opnum) {
    case 1: return RULE_CLOSE_CLUSTER_HANDLE;
    case 11: return RULE_CLOSE_RESOURCE_HANDLE;
    case 37: return RULE_CLOSE_KEY_HANDLE;
    case 44: return RULE_CLOSE_GROUP_HANDLE;
    case 56:
        return sight_interface(s) == CMRP_INTERFACE_2 ? RULE_CLOSE_NOTIFY_P2_HANDLE
                                                      : RULE_CLOSE_NOTIFY_P3_HANDLE;
    case 67: return RULE_CLOSE_NODE_HANDLE;
    case 82: return RULE_CLOSE_NETWORK_HANDLE;
    case 93: return RULE_CLOSE_NETINTERFACE_HANDLE;
    case 116: return RULE_CLOSE_BATCH_PORT_HANDLE;
    default: return RULE_COUNT;
    }
}

static void judge_close(const struct sight *s, uint32_t index) {
    const struct where where = where_of(true, &s->call->response, index);
    const size_t rule = close_rule(s);
    if (rule == RULE_COUNT || !sight_succeeded(s)) {
        return;
    }
    if (is_null(&s->call->response.slots[index])) {
        rule_kept(s, rule);
    } else {
        rule_broken(s, rule, &where, "%s is not the NULL handle, although the close succeeded",
                    s->call->method->params[index].name);
    }
}

// Every port is new, while other objects may well be opened twice under one handle.
static bool is_other(const struct rules_handle *known, const cmrp_param *p) {
    return known->meaning != p->meaning || p->meaning == CMRP_MEANS_HNOTIFY ||
           p->meaning == CMRP_MEANS_HBATCH_PORT;
}

static void judge_given(const struct sight *s, uint32_t index) {
    const struct where where = where_of(true, &s->call->response, index);
    const cmrp_param *p = &s->call->method->params[index];
    const struct rules_group *group = s->connection->group;
    const struct rules_handle *known = handle_find(s, &s->call->response.slots[index]);
    // A close under way may have been done already.
    const bool own = known != NULL && known->group == group && !known->uncertain && !group->lost;
    if (known == NULL || (own && known->closed)) {
        rule_kept(s, RULE_HANDLE_GIVEN_TWICE);
    } else if (own && is_other(known, p) && flight_closing(s, known->key.octets) == FLIGHT_NONE) {
        rule_broken(s, RULE_HANDLE_GIVEN_TWICE, &where,
                    "%s is the %s that was given in frame %" PRIu64 " and is still open", p->name,
                    kind_name(known->meaning), known->opened);
    }
}

// A method that returns a handle.
static void judge_returned(const struct sight *s, uint32_t index) {
    const struct where where = where_of(true, &s->call->response, index);
    const cmrp_slot *slot = &s->call->response.slots[index];
    const bool returned = strcmp(s->call->method->params[index].name, "return") == 0;
    uint32_t status = 0;
    (void)sight_status(s, &status);
    if (status == 0 && is_null(slot)) {
        if (returned) {
            rule_broken(s, RULE_HANDLE_NULL_ON_SUCCESS, &where,
                        "the NULL handle is returned, although the status is 0");
        }
    } else if (status == 0) {
        rule_kept(s, RULE_HANDLE_NULL_ON_SUCCESS);
        judge_given(s, index);
    } else if (returned && is_null(slot)) {
        rule_kept(s, RULE_HANDLE_ON_FAILURE);
    } else if (returned) {
        rule_broken(s, RULE_HANDLE_ON_FAILURE, &where,
                    "a handle is returned, although the status is 0x%08" PRIx32, status);
    }
}

static void judge_response(const struct sight *s) {
    const struct rules_side *out = &s->call->response;
    for (unsigned n = 0; n < s->facts->handle_count; n++) {
        const uint32_t i = s->facts->handles[n];
        const cmrp_param *p = &s->call->method->params[i];
        if (!out->slots[i].present) {
            continue;
        }
        if (p->directions == CMRP_OUT) {
            judge_returned(s, i);
        } else {
            judge_close(s, i);
        }
    }
}

void handle_judge(const struct sight *s) {
    if (s->call->request.decoded) {
        judge_request(s);
    }
    if (s->call->response.decoded) {
        judge_response(s);
    }
}
