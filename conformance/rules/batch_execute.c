// SPDX-License-Identifier: Apache-2.0
// What a server may answer to ApiExecuteBatch.
#include "rules/batch_state.h"

enum {
    ERROR_FILE_NOT_FOUND = 0x2,
    ERROR_PATH_NOT_FOUND = 0x3,
    ERROR_ACCESS_DENIED = 0x5,
    ERROR_INVALID_HANDLE = 0x6,
    ERROR_SHARING_PAUSED = 0x46,
    ERROR_INVALID_PARAMETER = 0x57,
    ERROR_INVALID_NAME = 0x7b,
    ERROR_BAD_PATHNAME = 0xa1,
    ERROR_ALREADY_EXISTS = 0xb7,
    ERROR_SHUTDOWN_IN_PROGRESS = 0x45b,
    ERROR_SERVER_SHUTDOWN_IN_PROGRESS = 0x4e7,
    RPC_S_INVALID_BINDING = 0x6a6,
    RPC_S_SEC_PKG_ERROR = 0x721,
    ERROR_OBJECT_ALREADY_EXISTS = 0x1392,
    ERROR_CLUSTER_NODE_DOWN = 0x13ba,
    ERROR_CLUSTER_NODE_NOT_READY = 0x13d0,
    ERROR_CLUSTER_NODE_SHUTTING_DOWN = 0x13d1,
};

// A batch as far as its answer depends on it.
struct plan {
    struct batch_param param;
    bool cleared, proof; // by the commands so far
    bool plain;          // holds only modifications whose paths and types leave no question
    uint64_t keyless;    // number of the first command on a value without a key; 0: none
    uint64_t failed;     // pdwFailedCommand as the number of a command; 0: of none
    uint32_t type;       // of that command
    bool proven;         // a command before that one shows that its key is there
    bool failed_listed;  // pdwFailedCommand is 0 or the number of a command
};

// Codes for what has nothing to do with any command.
static bool about_the_call(uint32_t status) {
    switch (status) {
    case ERROR_ACCESS_DENIED:
    case ERROR_INVALID_HANDLE:
    case ERROR_SHARING_PAUSED:
    case ERROR_SHUTDOWN_IN_PROGRESS:
    case ERROR_SERVER_SHUTDOWN_IN_PROGRESS:
    case ERROR_CLUSTER_NODE_DOWN:
    case ERROR_CLUSTER_NODE_NOT_READY:
    case ERROR_CLUSTER_NODE_SHUTTING_DOWN: return true;
    default: return status >= RPC_S_INVALID_BINDING && status <= RPC_S_SEC_PKG_ERROR;
    }
}

// Codes for what a command names.
static bool about_a_name(uint32_t status) {
    return status == ERROR_FILE_NOT_FOUND || status == ERROR_PATH_NOT_FOUND ||
           status == ERROR_INVALID_NAME || status == ERROR_BAD_PATHNAME ||
           status == ERROR_ALREADY_EXISTS || status == ERROR_OBJECT_ALREADY_EXISTS;
}

static bool is_plain(const cmrp_batch_command *c) {
    if (!batch_modifies(c->type)) {
        return false;
    }
    if (c->type == CMRP_CLUSREG_SET_VALUE) {
        return cmrp_reg_type_name(c->value_type) != NULL;
    }
    return c->type == CMRP_CLUSREG_DELETE_VALUE ||
           (c->name.size > CMRP_BATCH_NAME_MINIMUM && (c->name.data[0] != '\\' || c->name.data[1]));
}

static void take_command(struct plan *plan, const struct batch_walk *at,
                         const cmrp_batch_command *c) {
    plan->plain = plan->plain && is_plain(c);
    if (at->number == plan->failed) {
        plan->type = c->type;
        plan->proven = plan->proof;
    }
    if (c->type == CMRP_CLUSREG_CREATE_KEY || c->type == CMRP_CLUSREG_DELETE_KEY) {
        plan->cleared = c->type == CMRP_CLUSREG_DELETE_KEY;
    }
    if (plan->cleared && batch_value_command(c->type) && plan->keyless == 0) {
        plan->keyless = at->number;
    }
    plan->proof =
        plan->proof || c->type == CMRP_CLUSREG_CREATE_KEY || c->type == CMRP_CLUSREG_SET_VALUE;
}

// Judges the commands on the way; false where nothing can be said of the answer.
static bool read_plan(const struct sight *s, struct plan *plan) {
    const cmrp_slot *number = sight_slot(&s->call->response, "pdwFailedCommand");
    struct batch_commands commands;
    struct batch_walk walk;
    cmrp_batch_command c;
    *plan = (struct plan){.plain = true};
    if (!batch_param_open(s, false, "lpData", &plan->param)) {
        return false;
    }
    if (number != NULL) {
        const int32_t failed = (int32_t)(uint32_t)number->value;
        plan->failed_listed = failed >= 0 && (uint64_t)failed <= plan->param.count;
        plan->failed = plan->failed_listed ? (uint64_t)failed : 0;
    }
    batch_executed_begin(&commands);
    for (batch_walk_start(&plan->param, &walk); batch_walk_next(&walk, &c);) {
        batch_executed_take(&commands, &plan->param, &walk, &c);
        take_command(plan, &walk, &c);
        if (plan->param.alike) { // the others show nothing new
            plan->proven = plan->failed > 1;
            plan->type = plan->failed > 0 ? c.type : 0;
            break;
        }
    }
    batch_check_end(s, commands.checks, BATCH_COMMAND_CHECKS);
    return number != NULL;
}

// ---- a value command without a key --------------------------------------------------------------

static void judge_parameter(const struct sight *s, const struct plan *plan, uint32_t status) {
    const struct where where = sight_where(s, true, "return");
    if (!plan->plain) {
        return;
    }
    if (plan->keyless == 0) {
        if (status == ERROR_INVALID_PARAMETER) {
            rule_broken(s, RULE_BATCH_PARAMETER_CODE, &where,
                        "ERROR_INVALID_PARAMETER, but every command on a value has a key");
        } else {
            rule_kept(s, RULE_BATCH_PARAMETER_CODE);
        }
        return;
    }
    // Any other failure may have come first, unless the server names the command.
    if (status == 0) {
        rule_broken(s, RULE_BATCH_KEYLESS_FAILS, &where,
                    "success, but command %llu is on a value and the key was cleared before it",
                    (unsigned long long)plan->keyless);
    } else if (status == ERROR_INVALID_PARAMETER) {
        rule_kept(s, RULE_BATCH_KEYLESS_FAILS);
    } else if (plan->failed == plan->keyless && !about_the_call(status)) {
        rule_broken(s, RULE_BATCH_KEYLESS_FAILS, &where,
                    "0x%08lx, not ERROR_INVALID_PARAMETER, for command %llu, which has no key",
                    (unsigned long)status, (unsigned long long)plan->keyless);
    }
}

// ---- pdwFailedCommand ---------------------------------------------------------------------------

static void judge_number(const struct sight *s, const struct plan *plan, uint32_t status) {
    const struct where where = sight_where(s, true, "pdwFailedCommand");
    const cmrp_slot *number = sight_slot(&s->call->response, "pdwFailedCommand");
    const long value = (long)(int32_t)(uint32_t)number->value;
    if (status == 0 || about_the_call(status)) {
        return; // no command has failed
    }
    if (status == ERROR_INVALID_PARAMETER && plan->plain && plan->keyless != 0) {
        // The code has one cause only, and the first command that is one ends the batch.
        if (plan->failed != plan->keyless) {
            rule_broken(s, RULE_BATCH_FAILED_COMMAND, &where,
                        "%ld, but ERROR_INVALID_PARAMETER is for command %llu", value,
                        (unsigned long long)plan->keyless);
        } else {
            rule_kept(s, RULE_BATCH_FAILED_COMMAND);
        }
    } else if (plan->failed != 0) {
        rule_kept(s, RULE_BATCH_FAILED_COMMAND);
    } else if (!plan->failed_listed && about_a_name(status)) {
        // Other codes, and 0, may be for what no command has caused: then nothing is specified.
        rule_broken(s, RULE_BATCH_FAILED_COMMAND, &where, "%ld, but the commands are 1 to %llu",
                    value, (unsigned long long)plan->param.count);
    }
}

// ---- what must not fail -------------------------------------------------------------------------

// These codes say that something is there already.
static void judge_create(const struct sight *s, const struct plan *plan, uint32_t status) {
    if (status == 0) {
        return;
    }
    if (plan->type == CMRP_CLUSREG_CREATE_KEY &&
        (status == ERROR_ALREADY_EXISTS || status == ERROR_OBJECT_ALREADY_EXISTS)) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, RULE_BATCH_CREATE_EXISTING, &where,
                    "0x%08lx for command %llu, CLUSREG_CREATE_KEY of a key that exists",
                    (unsigned long)status, (unsigned long long)plan->failed);
    } else if (plan->type == CMRP_CLUSREG_CREATE_KEY) {
        rule_kept(s, RULE_BATCH_CREATE_EXISTING);
    }
}

// The key of the handle may have been deleted, and its name not be found: only where an earlier
// command has succeeded in writing there the code speaks of what was to be deleted.
static void judge_delete(const struct sight *s, const struct plan *plan, uint32_t status) {
    const bool deletes =
        plan->type == CMRP_CLUSREG_DELETE_KEY || plan->type == CMRP_CLUSREG_DELETE_VALUE;
    if (status == 0 || !deletes || !plan->proven) {
        return;
    }
    if (status == ERROR_FILE_NOT_FOUND) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, RULE_BATCH_DELETE_MISSING, &where,
                    "ERROR_FILE_NOT_FOUND for command %llu, %s of something that is not there",
                    (unsigned long long)plan->failed, cmrp_batch_type_name(plan->type));
    } else {
        rule_kept(s, RULE_BATCH_DELETE_MISSING);
    }
}

void batch_execute_on_call(const struct sight *s) {
    struct plan plan;
    uint32_t status;
    if (!read_plan(s, &plan) || !sight_status(s, &status)) {
        return;
    }
    judge_parameter(s, &plan, status);
    judge_number(s, &plan, status);
    judge_create(s, &plan, status);
    judge_delete(s, &plan, status);
}
