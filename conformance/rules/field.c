// SPDX-License-Identifier: Apache-2.0
// Parameters of one call: values of which only some are allowed, and what must be there.
#include <inttypes.h>
#include <string.h>

#include "rules/state.h"

enum { ANY_VERSION = 0 };

// ---- enumerations -------------------------------------------------------------------------------

enum { SET_END = -1 };

static const int64_t types_2[] = {0, 1, 2, 3, 4, 7, SET_END};
static const int64_t types_3[] = {0, 1, 2, 3, 4, 7, 11, SET_END};
static const int64_t dispositions[] = {1, 2, SET_END};
static const int64_t group_states[] = {0, 1, 2, 3, 4, 0xffffffff, SET_END};
static const int64_t resource_states[] = {1, 2, 3, 4, 0x81, 0x82, 0xffffffff, SET_END};
static const int64_t monitors[] = {0, 1, SET_END};
static const int64_t granted[] = {0x80000000, 0x10000000, SET_END};

static const struct {
    uint16_t opnum;
    uint8_t interface;
    bool response; // of a call that succeeded
    const char *param;
    size_t rule;
    const int64_t *set;
} enumerations[] = {
    // by opnum
    {9, ANY_VERSION, false, "dwFlags", RULE_RESOURCE_MONITOR, monitors},
    {12, ANY_VERSION, true, "State", RULE_RESOURCE_STATE, resource_states},
    {29, ANY_VERSION, true, "lpdwDisposition", RULE_DISPOSITION, dispositions},
    {32, CMRP_INTERFACE_2, false, "dwType", RULE_VALUE_TYPE_P2, types_2},
    {32, CMRP_INTERFACE_3, false, "dwType", RULE_VALUE_TYPE_P3, types_3},
    {34, CMRP_INTERFACE_2, true, "lpValueType", RULE_QUERIED_TYPE, types_2},
    {34, CMRP_INTERFACE_3, true, "lpValueType", RULE_QUERIED_TYPE, types_3},
    {36, CMRP_INTERFACE_2, true, "lpType", RULE_ENUMERATED_TYPE, types_2},
    {36, CMRP_INTERFACE_3, true, "lpType", RULE_ENUMERATED_TYPE, types_3},
    {45, ANY_VERSION, true, "State", RULE_GROUP_STATE, group_states},
    {117, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
    {118, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
    {119, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
    {120, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
    {121, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
    {122, CMRP_INTERFACE_3, true, "lpdwGrantedAccess", RULE_GRANTED_ACCESS, granted},
};

static bool is_in(const int64_t *set, uint64_t value) {
    while (*set != SET_END && (uint64_t)*set != value) {
        set++;
    }
    return *set != SET_END;
}

static void judge_enumerations(const struct sight *s, unsigned interface, bool succeeded) {
    const uint16_t opnum = s->call->call->opnum;
    for (size_t i = 0;
         i < sizeof enumerations / sizeof enumerations[0] && enumerations[i].opnum <= opnum; i++) {
        const bool response = enumerations[i].response;
        const char *name = enumerations[i].param;
        if (enumerations[i].opnum != opnum || (response && !succeeded) ||
            (enumerations[i].interface != ANY_VERSION && enumerations[i].interface != interface)) {
            continue;
        }
        const cmrp_slot *slot = sight_slot(response ? &s->call->response : &s->call->request, name);
        if (slot != NULL && is_in(enumerations[i].set, slot->value)) {
            rule_kept(s, enumerations[i].rule);
        } else if (slot != NULL) {
            const struct where where = sight_where(s, response, name);
            rule_broken(s, enumerations[i].rule, &where, "%s is 0x%08" PRIx32, name,
                        (uint32_t)slot->value);
        }
    }
}

// ---- pointers -----------------------------------------------------------------------------------

static const struct {
    uint16_t opnum;
    size_t rule;
    const char *params[4];
} pointers[] = {
    {3, RULE_CLUSTER_NAMES, {"ClusterName", "NodeName"}},
    {12, RULE_RESOURCE_NAMES, {"NodeName", "GroupName"}},
    {45, RULE_GROUP_NODE_NAME, {"NodeName"}},
    {102, RULE_VERSION_POINTERS, {"lpszVendorId", "lpszCSDVersion", "ppClusterOpVerInfo"}},
};

static void judge_pointers(const struct sight *s) {
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        const char *missing = NULL;
        if (pointers[i].opnum != s->call->call->opnum) {
            continue;
        }
        for (const char *const *name = pointers[i].params; *name != NULL; name++) {
            const cmrp_slot *slot = sight_slot(&s->call->response, *name);
            missing = missing == NULL && slot != NULL && slot->null ? *name : missing;
        }
        if (missing == NULL) {
            rule_kept(s, pointers[i].rule);
        } else {
            const struct where where = sight_where(s, true, missing);
            rule_broken(s, pointers[i].rule, &where, "%s is NULL, although the call succeeded",
                        missing);
        }
    }
}

// ---- names of clusters and nodes ----------------------------------------------------------------

static const struct {
    uint16_t opnum;
    bool response;
    const char *param;
} names[] = {
    {3, true, "ClusterName"}, {3, true, "NodeName"},       {12, true, "NodeName"},
    {45, true, "NodeName"},   {66, false, "lpszNodeName"}, {118, false, "lpszNodeName"},
};

static void judge_names(const struct sight *s, unsigned interface, bool succeeded) {
    const bool two = interface == CMRP_INTERFACE_2;
    const size_t limit = two ? 32 : 128;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const bool response = names[i].response;
        if (names[i].opnum != s->call->call->opnum || (response && !succeeded)) {
            continue;
        }
        const cmrp_slot *slot =
            sight_slot(response ? &s->call->response : &s->call->request, names[i].param);
        const size_t rule = response ? (two ? RULE_RETURNED_NAME_P2 : RULE_RETURNED_NAME_P3)
                                     : (two ? RULE_NODE_NAME_P2 : RULE_NODE_NAME_P3);
        if (slot == NULL || slot->null) {
            continue;
        }
        if (slot->bytes.size + 2 <= limit) {
            rule_kept(s, rule);
        } else {
            const struct where where = sight_where(s, response, names[i].param);
            rule_broken(s, rule, &where, "%s takes %zu octets, of which %zu are allowed",
                        names[i].param, slot->bytes.size + 2, limit);
        }
    }
}

// Whether the tables have something about it.
static bool is_listed(uint16_t opnum) {
    switch (opnum) {
    case 3:
    case 9:
    case 12:
    case 29:
    case 32:
    case 34:
    case 36:
    case 45:
    case 66:
    case 102:
    case 117:
    case 118:
    case 119:
    case 120:
    case 121:
    case 122: return true;
    default: return false;
    }
}

void field_on_call(const struct sight *s) {
    const unsigned interface = sight_interface(s);
    if (interface == 0 || s->call->call->request.state == ASSOC_ABSENT) {
        return;
    }
    const bool succeeded = sight_succeeded(s);
    if (is_listed(s->call->call->opnum)) {
        judge_enumerations(s, interface, succeeded);
        judge_names(s, interface, succeeded);
        if (succeeded) {
            judge_pointers(s);
        }
    }
    field_on_structures(s, succeeded);
}
