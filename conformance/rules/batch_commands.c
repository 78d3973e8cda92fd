// SPDX-License-Identifier: Apache-2.0
// Which commands may stand in which batch, and what they may hold.
#include <string.h>

#include "rules/batch_state.h"

// ---- what a command holds -----------------------------------------------------------------------

static void judge_reserved(struct batch_check *check, const struct batch_param *param,
                           const struct batch_walk *at, const cmrp_batch_command *c) {
    if (cmrp_batch_type_name(c->type) != NULL) {
        batch_good(check);
    } else {
        batch_bad(check, param, at, c, BATCH_COMMAND_TYPE, "CommandType %lu is reserved",
                  (unsigned long)c->type);
    }
}

static void judge_value_type(struct batch_check *check, const struct batch_param *param,
                             const struct batch_walk *at, const cmrp_batch_command *c) {
    if (c->type != CMRP_CLUSREG_SET_VALUE && c->type != CMRP_CLUSREG_READ_VALUE) {
        return;
    }
    if (cmrp_reg_type_name(c->value_type) != NULL) {
        batch_good(check);
    } else {
        batch_bad(check, param, at, c, BATCH_VALUE_TYPE,
                  "%s with ValueType %lu, which is no type of ApiSetValue",
                  cmrp_batch_type_name(c->type), (unsigned long)c->value_type);
    }
}

static bool is_backslash(cmrp_view name, size_t unit) {
    return name.data[2 * unit] == '\\' && name.data[2 * unit + 1] == 0;
}

// A path relative to a key. The empty one is left alone: whether it names the key itself is not
// specified.
static void judge_path(struct batch_check *check, const struct batch_param *param,
                       const struct batch_walk *at, const cmrp_batch_command *c) {
    const size_t units = c->name.size / 2 - 1; // without the NUL
    if (units == 0) {
        return;
    }
    if (is_backslash(c->name, 0)) {
        batch_bad(check, param, at, c, BATCH_NAME, "the path begins with a backslash");
        return;
    }
    for (size_t i = 1; i < units; i++) {
        if (is_backslash(c->name, i) && is_backslash(c->name, i - 1)) {
            batch_bad(check, param, at, c, BATCH_NAME, "the path has a level without a name");
            return;
        }
    }
    batch_good(check);
}

static void judge_no_data(struct batch_check *check, const struct batch_param *param,
                          const struct batch_walk *at, const cmrp_batch_command *c) {
    if (c->data.size == 0) {
        batch_good(check);
    } else {
        batch_bad(check, param, at, c, BATCH_DATA, "%s with %zu octets of data",
                  cmrp_batch_type_name(c->type), c->data.size);
    }
}

// ---- what clients send --------------------------------------------------------------------------

enum { RESERVED, DELETED, READ, TYPE, PATH, DATA, POINTER };

void batch_executed_begin(struct batch_commands *commands) {
    *commands =
        (struct batch_commands){.checks = {[RESERVED] = {.rule = RULE_BATCH_COMMAND_RESERVED},
                                           [DELETED] = {.rule = RULE_BATCH_VALUE_DELETED_SENT},
                                           [READ] = {.rule = RULE_BATCH_COMMAND_READ},
                                           [TYPE] = {.rule = RULE_BATCH_VALUE_TYPE},
                                           [PATH] = {.rule = RULE_BATCH_KEY_PATH},
                                           [DATA] = {.rule = RULE_BATCH_DATA_UNUSED},
                                           [POINTER] = {.rule = RULE_BATCH_VALUE_WITHOUT_KEY}},
                                .known = true};
}

// Whether the command is like one since which nothing has changed; nearly all are.
static bool is_known(struct batch_commands *commands, const cmrp_batch_command *c) {
    const bool again = c->type == CMRP_CLUSREG_SET_VALUE && commands->again &&
                       c->value_type == commands->value_type;
    commands->again = c->type == CMRP_CLUSREG_SET_VALUE;
    commands->value_type = c->value_type;
    return again;
}

void batch_executed_take(struct batch_commands *commands, const struct batch_param *param,
                         const struct batch_walk *at, const cmrp_batch_command *c) {
    struct batch_check *checks = commands->checks;
    if (is_known(commands, c)) {
        return;
    }
    judge_reserved(&checks[RESERVED], param, at, c);
    judge_value_type(&checks[TYPE], param, at, c);
    if (c->type == CMRP_CLUSREG_VALUE_DELETED) {
        batch_bad(&checks[DELETED], param, at, c, BATCH_COMMAND_TYPE,
                  "only a server says CLUSREG_VALUE_DELETED");
    } else if (batch_reads(c->type)) {
        batch_bad(&checks[READ], param, at, c, BATCH_COMMAND_TYPE,
                  "%s in a batch of ApiExecuteBatch", cmrp_batch_type_name(c->type));
    } else if (batch_modifies(c->type)) {
        batch_good(&checks[DELETED]);
        batch_good(&checks[READ]);
    } else {
        commands->known = false; // what others do to the current key is not specified
    }
    if (c->type == CMRP_CLUSREG_CREATE_KEY || c->type == CMRP_CLUSREG_DELETE_KEY) {
        judge_path(&checks[PATH], param, at, c);
        commands->known = true;
        commands->cleared = c->type == CMRP_CLUSREG_DELETE_KEY;
    }
    if (batch_modifies(c->type) && c->type != CMRP_CLUSREG_SET_VALUE) {
        judge_no_data(&checks[DATA], param, at, c);
    }
    if (batch_value_command(c->type) && commands->known && commands->cleared) {
        batch_bad(&checks[POINTER], param, at, c, BATCH_COMMAND_TYPE,
                  "%s after CLUSREG_DELETE_KEY, and no CLUSREG_CREATE_KEY between them",
                  cmrp_batch_type_name(c->type));
    } else if (batch_value_command(c->type) && commands->known) {
        batch_good(&checks[POINTER]);
    }
}

static void judge_read(const struct sight *s) {
    enum { MODIFIES = READ, ALL = PATH + 1 };
    struct batch_check checks[ALL] = {
        [RESERVED] = {.rule = RULE_BATCH_COMMAND_RESERVED},
        [DELETED] = {.rule = RULE_BATCH_VALUE_DELETED_SENT},
        [MODIFIES] = {.rule = RULE_READ_BATCH_COMMAND},
        [TYPE] = {.rule = RULE_BATCH_VALUE_TYPE},
        [PATH] = {.rule = RULE_READ_BATCH_KEY_PATH},
    };
    struct batch_param param;
    struct batch_walk walk;
    cmrp_batch_command c;
    if (!batch_param_open(s, false, "lpInData", &param)) {
        return;
    }
    for (batch_walk_start(&param, &walk); batch_walk_next(&walk, &c);) {
        judge_reserved(&checks[RESERVED], &param, &walk, &c);
        judge_value_type(&checks[TYPE], &param, &walk, &c);
        if (c.type == CMRP_CLUSREG_VALUE_DELETED) {
            batch_bad(&checks[DELETED], &param, &walk, &c, BATCH_COMMAND_TYPE,
                      "only a server says CLUSREG_VALUE_DELETED");
        } else if (batch_modifies(c.type) || c.type == CMRP_CLUSREG_READ_ERROR) {
            batch_bad(&checks[MODIFIES], &param, &walk, &c, BATCH_COMMAND_TYPE,
                      "%s in a batch of reads", cmrp_batch_type_name(c.type));
        } else if (batch_reads(c.type)) {
            batch_good(&checks[DELETED]);
            batch_good(&checks[MODIFIES]);
        }
        if (c.type == CMRP_CLUSREG_READ_KEY) {
            judge_path(&checks[PATH], &param, &walk, &c);
        }
    }
    batch_check_end(s, checks, ALL);
}

// ---- what servers send --------------------------------------------------------------------------

void batch_notified_begin(struct batch_commands *commands) {
    *commands = (struct batch_commands){.checks = {[RESERVED] = {.rule = RULE_BATCH_REPLY_RESERVED},
                                                   [READ] = {.rule = RULE_BATCH_NOTIFIED_COMMAND},
                                                   [TYPE] = {.rule = RULE_BATCH_REPLY_VALUE_TYPE}}};
}

void batch_notified_take(struct batch_commands *commands, const struct batch_param *param,
                         const struct batch_walk *at, const cmrp_batch_command *c) {
    struct batch_check *checks = commands->checks;
    if (is_known(commands, c)) {
        return;
    }
    judge_reserved(&checks[RESERVED], param, at, c);
    judge_value_type(&checks[TYPE], param, at, c);
    if (batch_reads(c->type)) {
        batch_bad(&checks[READ], param, at, c, BATCH_COMMAND_TYPE, "%s among modifications",
                  cmrp_batch_type_name(c->type));
    } else if (batch_modifies(c->type)) {
        batch_good(&checks[READ]);
    }
}

static void judge_results(const struct sight *s) {
    enum { STATUS = PATH, ALL = STATUS + 1 };
    struct batch_check checks[ALL] = {
        [RESERVED] = {.rule = RULE_BATCH_REPLY_RESERVED},
        [DELETED] = {.rule = RULE_READ_BATCH_VALUE_DELETED},
        [TYPE] = {.rule = RULE_BATCH_REPLY_VALUE_TYPE},
        [STATUS] = {.rule = RULE_READ_BATCH_ERROR_STATUS},
    };
    struct batch_param param;
    struct batch_walk walk;
    cmrp_batch_command c;
    if (!batch_param_open(s, true, "lpOutData", &param)) {
        return;
    }
    for (batch_walk_start(&param, &walk); batch_walk_next(&walk, &c);) {
        judge_reserved(&checks[RESERVED], &param, &walk, &c);
        judge_value_type(&checks[TYPE], &param, &walk, &c);
        if (c.type == CMRP_CLUSREG_VALUE_DELETED) {
            batch_bad(&checks[DELETED], &param, &walk, &c, BATCH_COMMAND_TYPE,
                      "CLUSREG_VALUE_DELETED outside a batch notification");
        } else {
            batch_good(&checks[DELETED]);
        }
        if (c.type == CMRP_CLUSREG_READ_ERROR && c.value_type == 0) {
            batch_bad(&checks[STATUS], &param, &walk, &c, BATCH_VALUE_TYPE,
                      "CLUSREG_READ_ERROR with the status of success");
        } else if (c.type == CMRP_CLUSREG_READ_ERROR) {
            batch_good(&checks[STATUS]);
        }
    }
    batch_check_end(s, checks, ALL);
}

void batch_commands_on_call(const struct sight *s) {
    judge_read(s);
    if (sight_succeeded(s)) {
        judge_results(s);
    }
}
