// SPDX-License-Identifier: Apache-2.0
// Registry batches: what all parts need to look at one, and which part sees which call.
#include <stdarg.h>
#include <stdio.h>

#include "rules/batch_state.h"

// ---- batches as parameters ----------------------------------------------------------------------

bool batch_param_open(const struct sight *s, bool response, const char *name,
                      struct batch_param *param) {
    const struct rules_side *side = response ? &s->call->response : &s->call->request;
    const cmrp_slot *slot = sight_slot(side, name);
    struct batch_walk walk;
    cmrp_batch_command command;
    if (slot == NULL || slot->null || slot->bytes.size == 0) {
        return false;
    }
    *param = (struct batch_param){.sight = s,
                                  .response = response,
                                  .name = name,
                                  .bytes = slot->bytes,
                                  .base = (uint64_t)(slot->bytes.data - side->stub.data)};
    if (side->batch_count > 0) {
        param->count = side->batch_count;
        param->checked = true;
        param->alike = side->batch_alike;
        return true;
    }
    batch_walk_start(param, &walk);
    while (batch_walk_next(&walk, &command)) {
    }
    param->count = walk.number;
    param->checked = walk.error.code == CMRP_OK;
    return param->checked;
}

void batch_walk_start(const struct batch_param *param, struct batch_walk *walk) {
    *walk = (struct batch_walk){0};
    // An error sticks in walk->error, so that there are no commands.
    (void)cmrp_batch_open(&walk->batch, param->bytes, param->base,
                          param->checked ? CMRP_BATCH_UNCHECKED_NAMES : CMRP_BATCH_STRICT,
                          &walk->error);
}

// ---- rules over several commands ----------------------------------------------------------------

static struct where where_in(const struct batch_param *param, const cmrp_batch_command *command,
                             enum batch_field field) {
    struct where where = {.place = param->response ? RULES_RESPONSE : RULES_REQUEST,
                          .offset = command->offset,
                          .size = 4};
    switch (field) {
    case BATCH_COMMAND_TYPE: break;
    case BATCH_VALUE_TYPE: where.offset += 4; break;
    case BATCH_NAME:
        where.offset += 12;
        where.size = command->name.size;
        break;
    case BATCH_DATA:
        where.offset += 16 + command->name.size;
        where.size = command->data.size;
        break;
    }
    return where;
}

void batch_bad(struct batch_check *check, const struct batch_param *param,
               const struct batch_walk *at, const cmrp_batch_command *command,
               enum batch_field field, const char *format, ...) {
    static const char *const names[] = {"CommandType", "ValueType", "Name", "Data"};
    char place[96], message[200];
    va_list arguments;
    check->applied = true;
    if (check->broken) {
        return;
    }
    check->broken = true;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    snprintf(place, sizeof place, "%s command %llu %s", param->name, (unsigned long long)at->number,
             names[field]);
    struct where where = where_in(param, command, field);
    where.field = place;
    rule_broken(param->sight, check->rule, &where, "command %llu: %s",
                (unsigned long long)at->number, message);
}

void batch_check_end(const struct sight *s, const struct batch_check *checks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (checks[i].applied && !checks[i].broken) {
            rule_kept(s, checks[i].rule);
        }
    }
}

// ---- the topic ----------------------------------------------------------------------------------

void batch_on_call(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    if (s->call->method == NULL) {
        return;
    }
    switch (call->opnum) {
    case OPNUM_EXECUTE_BATCH: batch_execute_on_call(s); break;
    case OPNUM_GET_BATCH_NOTIFICATION:
        batch_notified_on_call(s);
        batch_port_on_call(s);
        break;
    case OPNUM_CLOSE_BATCH_PORT: batch_port_on_call(s); break;
    case OPNUM_EXECUTE_READ_BATCH:
    case OPNUM_EXECUTE_READ_BATCH_EX:
        batch_commands_on_call(s);
        batch_read_on_call(s);
        break;
    default: batch_registry_on_call(s); break;
    }
}

void batch_end(struct rules *rules) {
    batch_model_free(rules->values);
    rules->values = NULL;
}
