// SPDX-License-Identifier: Apache-2.0
// What batch.c and its parts share. Not for other files.
//
// What may be said of registry batches. A value can be changed at any time by somebody whom the
// capture does not show, an administrator on another node for one, and such a change leaves no
// trace. So no rule holds what one call says of a value against what another call has said. Within
// one batch that is different: it is a transaction, and nothing comes between its commands. The
// same goes for a batch of reads that asks to be isolated. For the same reason no indication is
// ever too many, missing or out of order for a bystander: one that he cannot account for may come
// of a batch that he has not seen, and all that he has seen executed may still stand in the queue.
// Where a capture is said to be complete, model.c and its parts know more.
#ifndef RULES_BATCH_STATE_H
#define RULES_BATCH_STATE_H

#include "rules/state.h"

// ---- batches as parameters (batch.c) ------------------------------------------------------------

// A parameter that holds a batch which can be read.
struct batch_param {
    const struct sight *sight;
    bool response;
    const char *name; // of the parameter
    cmrp_view bytes;
    uint64_t base;  // of bytes in the stub
    uint64_t count; // of commands
    bool checked;   // from end to end, names included
    bool alike;     // all set values, of listed types
};

// false: not there, or not a batch as the codec reads it, which is reported elsewhere.
bool batch_param_open(const struct sight *s, bool response, const char *name,
                      struct batch_param *param);

// An iteration over the commands, which are numbered from 1.
struct batch_walk {
    cmrp_batch batch;
    cmrp_error error;
    uint64_t number; // of the command just delivered
};

void batch_walk_start(const struct batch_param *param, struct batch_walk *walk);
static inline bool batch_walk_next(struct batch_walk *walk, cmrp_batch_command *command) {
    if (walk->error.code != CMRP_OK || !cmrp_batch_next(&walk->batch, command)) {
        return false;
    }
    walk->number++;
    return true;
}

enum batch_field { BATCH_COMMAND_TYPE, BATCH_VALUE_TYPE, BATCH_NAME, BATCH_DATA };

// A rule that is applied to several commands of a call and counts once: broken at the first command
// that breaks it, kept where it was applied and no command does.
struct batch_check {
    size_t rule;
    bool applied;
    bool broken;
};

static inline void batch_good(struct batch_check *check) {
    check->applied = true;
}
void batch_bad(struct batch_check *check, const struct batch_param *param,
               const struct batch_walk *at, const cmrp_batch_command *command,
               enum batch_field field, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void batch_check_end(const struct sight *s, const struct batch_check *checks, size_t count);

// A command that changes the registry: SET_VALUE, CREATE_KEY, DELETE_KEY, DELETE_VALUE.
static inline bool batch_modifies(uint32_t type) {
    return type >= CMRP_CLUSREG_SET_VALUE && type <= CMRP_CLUSREG_DELETE_VALUE;
}
// A command that asks for, or answers, a read: READ_KEY, READ_VALUE, READ_ERROR.
static inline bool batch_reads(uint32_t type) {
    return type >= CMRP_CLUSREG_READ_KEY && type <= CMRP_CLUSREG_READ_ERROR;
}
static inline bool batch_value_command(uint32_t type) {
    return type == CMRP_CLUSREG_SET_VALUE || type == CMRP_CLUSREG_DELETE_VALUE;
}

// ---- names and values (batch_model.c) -----------------------------------------------------------

// Whether two names mean one value. The specification does not say whether case matters, and
// servers compare letters by tables of their own: DIFFERENT only where none could take them for
// one.
enum batch_likeness { BATCH_SAME, BATCH_UNSURE, BATCH_DIFFERENT };
enum batch_likeness batch_compare_names(cmrp_view a, cmrp_view b);

// The same for names that are not DIFFERENT.
uint64_t batch_hash_name(cmrp_view name);

enum batch_presence { BATCH_UNKNOWN, BATCH_ABSENT, BATCH_PRESENT };

// What is known of a value of the current key.
struct batch_value {
    cmrp_view name; // as it was first written
    bool unsure;    // another spelling was used, which may or may not mean this value
    enum batch_presence presence;
    uint32_t type;
    cmrp_view data; // present
};

struct batch_model;

struct batch_model *batch_model_of(struct rules *rules);
// Forgets all values. `fresh`: the key is new, values not known do not exist.
void batch_model_start(struct batch_model *model, bool fresh);
// What is known of the value, for reading and for changing until the next call; NULL where there is
// no room for it, which is no reason to take it for absent later on. Views are kept until
// batch_model_start.
struct batch_value *batch_model_value(struct batch_model *model, cmrp_view name);
void batch_model_free(struct batch_model *model);

// ---- the parts ----------------------------------------------------------------------------------

// Which commands stand in the batch of ApiExecuteBatch, or of ApiGetBatchNotification; each command
// is given in turn.
enum { BATCH_COMMAND_CHECKS = 7 };
struct batch_commands {
    struct batch_check checks[BATCH_COMMAND_CHECKS];
    bool known;          // what the commands so far have done to the current key
    bool cleared;        // it was deleted
    uint32_t value_type; // of SET_VALUE, `again`
    bool again;          // another SET_VALUE of this type shows nothing new
};
void batch_executed_begin(struct batch_commands *commands);
void batch_executed_take(struct batch_commands *commands, const struct batch_param *param,
                         const struct batch_walk *at, const cmrp_batch_command *c);
void batch_notified_begin(struct batch_commands *commands);
void batch_notified_take(struct batch_commands *commands, const struct batch_param *param,
                         const struct batch_walk *at, const cmrp_batch_command *c);

void batch_commands_on_call(const struct sight *s); // batch_commands.c: of ApiExecuteReadBatch
void batch_execute_on_call(const struct sight *s);  // batch_execute.c
void batch_read_on_call(const struct sight *s);     // batch_read.c
void batch_notified_on_call(const struct sight *s); // batch_notified.c
void batch_port_on_call(const struct sight *s);     // batch_port.c
void batch_registry_on_call(const struct sight *s); // batch_registry.c

// Opnums that the parts look at.
enum {
    OPNUM_CREATE_KEY = 29,
    OPNUM_OPEN_KEY = 30,
    OPNUM_ENUM_KEY = 31,
    OPNUM_QUERY_VALUE = 34,
    OPNUM_DELETE_KEY = 35,
    OPNUM_ENUM_VALUE = 36,
    OPNUM_QUERY_INFO_KEY = 38,
    OPNUM_EXECUTE_BATCH = 113,
    OPNUM_GET_BATCH_NOTIFICATION = 115,
    OPNUM_CLOSE_BATCH_PORT = 116,
    OPNUM_EXECUTE_READ_BATCH = 145,
    OPNUM_EXECUTE_READ_BATCH_EX = 157,
};

#endif
