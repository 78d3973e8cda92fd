// SPDX-License-Identifier: Apache-2.0
// Parameters of one call that take more than a table: structures, access rights, statuses, faults.
#include <inttypes.h>
#include <string.h>

#include "rules/state.h"

// ---- CLUSTER_OPERATIONAL_VERSION_INFO -----------------------------------------------------------

static bool is_version(uint32_t version) {
    static const uint32_t versions[] = {0x000100e0, 0x000200e0, 0x00030893, 0x00040ece, 0x00051771,
                                        0x00061db0, 0x00061db1, 0x000723f0, 0x00082580, 0x00090003,
                                        0x000a0001, 0x000a0002, 0x000a0003, 0x000b0003, 0x000c0004};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i] == version) {
            return true;
        }
    }
    return false;
}

static void judge_member(const struct sight *s, size_t rule, bool kept, const char *name,
                         const cmrp_slot *member) {
    char field[64] = "ppClusterOpVerInfo.";
    if (kept) {
        rule_kept(s, rule);
        return;
    }
    strncat(field, name, sizeof field - strlen(field) - 1);
    const struct where where = {
        .place = RULES_RESPONSE, .offset = member->offset, .size = 4, .field = field};
    rule_broken(s, rule, &where, "%s is 0x%08" PRIx32 ", which is none of its values", name,
                (uint32_t)member->value);
}

static void judge_version(const struct sight *s) {
    enum { SIZE, HIGHEST, LOWEST, FLAGS, RESERVED };
    cmrp_slot m[CMRP_MAX_PARAMS];
    const cmrp_slot *slot = sight_slot(&s->call->response, "ppClusterOpVerInfo");
    if (slot == NULL || slot->null) {
        return;
    }
    cmrp_rows rows = slot->rows;
    if (!cmrp_rows_next(&rows, m)) {
        return;
    }
    judge_member(s, RULE_VERSION_SIZE, m[SIZE].value == 20, "dwSize", &m[SIZE]);
    judge_member(s, RULE_VERSION_HIGHEST, is_version((uint32_t)m[HIGHEST].value),
                 "dwClusterHighestVersion", &m[HIGHEST]);
    judge_member(s, RULE_VERSION_LOWEST, is_version((uint32_t)m[LOWEST].value),
                 "dwClusterLowestVersion", &m[LOWEST]);
    judge_member(s, RULE_VERSION_FLAGS, m[FLAGS].value <= 1, "dwFlags", &m[FLAGS]);
    judge_member(s, RULE_VERSION_RESERVED, m[RESERVED].value == 0, "dwReserved", &m[RESERVED]);
}

// ---- access rights ------------------------------------------------------------------------------

static void judge_access(const struct sight *s) {
    enum { INVALID_PARAMETER = 0x57 };
    const uint32_t read = 0x80000001, change = 0x00000002, both = 0x70000000, maximum = 0x02000000;
    const cmrp_slot *slot = sight_slot(&s->call->request, "dwDesiredAccess");
    uint32_t status;
    if (slot == NULL) {
        return;
    }
    const uint32_t desired = (uint32_t)slot->value;
    const struct where asked = sight_where(s, false, "dwDesiredAccess");
    if (desired != 0 && (desired & ~(read | change | both | maximum)) == 0) {
        rule_kept(s, RULE_DESIRED_ACCESS);
    } else {
        rule_broken(s, RULE_DESIRED_ACCESS, &asked, "dwDesiredAccess is 0x%08" PRIx32, desired);
    }
    if ((desired & change) == 0 || (desired & (read | both | maximum)) != 0 ||
        !sight_status(s, &status)) {
        return;
    }
    if (status == INVALID_PARAMETER) {
        rule_kept(s, RULE_CHANGE_WITHOUT_READ);
    } else if (status == 0) {
        const struct where where = sight_where(s, true, "Status");
        rule_broken(s, RULE_CHANGE_WITHOUT_READ, &where,
                    "success, although dwDesiredAccess is 0x%08" PRIx32, desired);
    }
}

// ---- statuses and faults ------------------------------------------------------------------------

// Whether a fault's status is one that only a method can have meant: the codes of the
// specification's tables that RPC runtimes do not raise themselves.
static bool is_method_error(uint32_t status) {
    switch (status) {
    case 1:                              // ERROR_INVALID_FUNCTION
    case 2:                              // ERROR_FILE_NOT_FOUND
    case 0x46:                           // ERROR_SHARING_PAUSED
    case 0xea:                           // ERROR_MORE_DATA
    case 0x102:                          // WAIT_TIMEOUT
    case 0x103:                          // ERROR_NO_MORE_ITEMS
    case 0x45b:                          // ERROR_SHUTDOWN_IN_PROGRESS
    case 0x53a: return true;             // ERROR_INVALID_SECURITY_DESCR
    default: return status - 5001 < 100; // of clusters
    }
}

static void judge_fault(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    const size_t rule = sight_interface(s) == CMRP_INTERFACE_2 ? RULE_FAULT_P2 : RULE_FAULT_P3;
    const struct where where = {.place = RULES_RESPONSE, .field = "status"};
    if (call->response.state == ASSOC_ABSENT) {
        return;
    }
    if (call->faulted && is_method_error(call->fault)) {
        rule_broken(s, rule, &where, "the call ends with the fault 0x%08" PRIx32, call->fault);
    } else {
        rule_kept(s, rule);
    }
}

// What the runtime does with a request that breaks NDR. That all is well with one that keeps it
// shows nothing.
static void judge_strictness(const struct sight *s, bool succeeded) {
    const bool second = sight_interface(s) == CMRP_INTERFACE_2;
    const struct where where = {.place = RULES_RESPONSE, .field = "stub"};
    size_t rule = second ? RULE_STRICT_P2 : RULE_STRICT_P3;
    switch (s->call->refused) {
    case CMRP_E_TRUNCATED:
    case CMRP_E_OVERRUN:
    case CMRP_E_COUNT_MISMATCH: break;
    case CMRP_E_NULL_POINTER:
        if (second) {
            return;
        }
        rule = RULE_NULL_WITH_SIZE;
        break;
    default: return;
    }
    if (s->call->call->faulted) {
        rule_kept(s, rule);
    } else if (succeeded) {
        rule_broken(s, rule, &where,
                    "success, although the request's stub is no stub of this "
                    "method (%s)",
                    cmrp_code_id(s->call->refused));
    }
}

// The methods of the requirement, of those that have the parameter.
static bool reports_execution(uint16_t opnum) {
    return opnum == 55 || (opnum >= 57 && opnum <= 65) || opnum == 90 || opnum == 91 ||
           opnum == 99 || opnum == 100 || opnum == 113 || opnum == 114 || opnum == 137 ||
           opnum == 138 || opnum == 145 || opnum == 155;
}

static void judge_rpc_status(const struct sight *s) {
    const cmrp_slot *slot = reports_execution(s->call->call->opnum)
                                ? sight_slot(&s->call->response, "rpc_status")
                                : NULL;
    if (slot == NULL) {
        return;
    }
    if (slot->value == 0) {
        rule_kept(s, RULE_RPC_STATUS);
    } else {
        const struct where where = sight_where(s, true, "rpc_status");
        rule_broken(s, RULE_RPC_STATUS, &where,
                    "rpc_status is 0x%08" PRIx32 ", although the method was executed",
                    (uint32_t)slot->value);
    }
}

void field_on_structures(const struct sight *s, bool succeeded) {
    enum { VERSION2 = 102, OPEN_CLUSTER_EX = 117, OPEN_NET_INTERFACE_EX = 122 };
    const uint16_t opnum = s->call->call->opnum;
    if (opnum == VERSION2 && succeeded) {
        judge_version(s);
    } else if (opnum >= OPEN_CLUSTER_EX && opnum <= OPEN_NET_INTERFACE_EX &&
               sight_interface(s) == CMRP_INTERFACE_3) {
        judge_access(s);
    }
    judge_fault(s);
    judge_strictness(s, succeeded);
    judge_rpc_status(s);
}
