// SPDX-License-Identifier: Apache-2.0
// What ApiGetBatchNotification tells of a batch: the batch itself, and before each command on a
// value what that value held.
//
// A batch is a transaction, so within it the model knows what every value holds that a command of
// the same key has set or deleted; what values held before the batch it never claims to know.
#include <string.h>

#include "rules/batch_state.h"

enum { MISSING, SUPERFLUOUS, DATA, PLACE, KEYLESS, CHECKS };

// What the commands so far have done to the current key.
enum pointer { POINTER_SET, POINTER_CLEARED, POINTER_UNKNOWN };

struct reader {
    const struct batch_param *param;
    struct batch_model *model;
    struct batch_check checks[CHECKS];
    enum pointer pointer;
    bool created;      // a CREATE_KEY has been seen: what later paths start from is ambiguous
    cmrp_view deleted; // path of the last DELETE_KEY that started from the batch's own key
    bool pending;      // the command before was VALUE_DELETED:
    struct batch_walk old_at; // its number
    cmrp_batch_command old;
};

// ---- keys ---------------------------------------------------------------------------------------

// Whether the path is that of a key, or of one below it.
static bool is_below(cmrp_view path, cmrp_view key) {
    const size_t size = key.size - 2; // without the NUL
    if (key.size <= 2 || path.size < key.size || memcmp(path.data, key.data, size) != 0) {
        return false;
    }
    return path.data[size + 1] == 0 && (path.data[size] == 0 || path.data[size] == '\\');
}

// A key created after it was deleted in the same batch holds no value. Behind a DELETE_KEY there is
// no current key, so that both paths start from the key of the batch.
static void create_key(struct reader *r, const cmrp_batch_command *c) {
    const bool fresh = r->pointer == POINTER_CLEARED && is_below(c->name, r->deleted);
    batch_model_start(r->model, fresh);
    r->pointer = POINTER_SET;
    r->created = true;
    r->deleted = (cmrp_view){0};
}

static void delete_key(struct reader *r, const cmrp_batch_command *c) {
    batch_model_start(r->model, false);
    r->deleted = !r->created && r->pointer != POINTER_UNKNOWN ? c->name : (cmrp_view){0};
    r->pointer = POINTER_CLEARED;
}

// ---- values -------------------------------------------------------------------------------------

static bool same_data(cmrp_view a, cmrp_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// A value without data may count as one that has none to tell.
static void judge_old(struct reader *r, const struct batch_walk *at, const cmrp_batch_command *c,
                      const struct batch_value *value, bool told) {
    if (value->presence == BATCH_ABSENT) {
        if (told) {
            batch_bad(&r->checks[SUPERFLUOUS], r->param, &r->old_at, &r->old, BATCH_COMMAND_TYPE,
                      "CLUSREG_VALUE_DELETED, but the value does not exist before command %llu",
                      (unsigned long long)at->number);
        } else {
            batch_good(&r->checks[SUPERFLUOUS]);
        }
        return;
    }
    if (value->presence != BATCH_PRESENT) {
        return;
    }
    if (told) {
        if (same_data(value->data, r->old.data)) {
            batch_good(&r->checks[DATA]);
        } else {
            batch_bad(&r->checks[DATA], r->param, &r->old_at, &r->old, BATCH_DATA,
                      "%zu octets that are not the %zu octets the batch has set before",
                      r->old.data.size, value->data.size);
        }
    }
    if (value->data.size == 0) {
        return;
    }
    if (told) {
        batch_good(&r->checks[MISSING]);
    } else {
        batch_bad(&r->checks[MISSING], r->param, at, c, BATCH_COMMAND_TYPE,
                  "no CLUSREG_VALUE_DELETED before %s, but the value holds %zu octets",
                  cmrp_batch_type_name(c->type), value->data.size);
    }
}

static void change_value(struct reader *r, const struct batch_walk *at, const cmrp_batch_command *c,
                         bool told) {
    struct batch_value *value = batch_model_value(r->model, c->name);
    if (r->pointer == POINTER_CLEARED) {
        batch_bad(
            &r->checks[KEYLESS], r->param, at, c, BATCH_COMMAND_TYPE,
            "%s was executed after CLUSREG_DELETE_KEY, and no CLUSREG_CREATE_KEY between them",
            cmrp_batch_type_name(c->type));
    } else if (r->pointer == POINTER_SET) {
        batch_good(&r->checks[KEYLESS]);
    }
    if (value == NULL || value->unsure) {
        return;
    }
    judge_old(r, at, c, value, told);
    value->presence = c->type == CMRP_CLUSREG_SET_VALUE ? BATCH_PRESENT : BATCH_ABSENT;
    value->type = c->value_type;
    value->data = c->data;
}

// The command behind a VALUE_DELETED: whether it is the one that it belongs to.
static bool settle(struct reader *r, const cmrp_batch_command *c) {
    if (!r->pending) {
        return false;
    }
    r->pending = false;
    if (!batch_modifies(c->type) && c->type != CMRP_CLUSREG_VALUE_DELETED) {
        return false; // where others stand in a notification is not specified
    }
    if (!batch_value_command(c->type)) {
        batch_bad(&r->checks[PLACE], r->param, &r->old_at, &r->old, BATCH_COMMAND_TYPE,
                  "CLUSREG_VALUE_DELETED before %s", cmrp_batch_type_name(c->type));
        return false;
    }
    if (batch_compare_names(r->old.name, c->name) == BATCH_DIFFERENT) {
        batch_bad(&r->checks[PLACE], r->param, &r->old_at, &r->old, BATCH_NAME,
                  "CLUSREG_VALUE_DELETED of another value than the %s behind it",
                  cmrp_batch_type_name(c->type));
        return false;
    }
    batch_good(&r->checks[PLACE]);
    return true;
}

static void read_command(struct reader *r, const struct batch_walk *at,
                         const cmrp_batch_command *c) {
    const bool told = settle(r, c);
    switch (c->type) {
    case CMRP_CLUSREG_CREATE_KEY: create_key(r, c); break;
    case CMRP_CLUSREG_DELETE_KEY: delete_key(r, c); break;
    case CMRP_CLUSREG_SET_VALUE:
    case CMRP_CLUSREG_DELETE_VALUE: change_value(r, at, c, told); break;
    case CMRP_CLUSREG_VALUE_DELETED:
        r->pending = true;
        r->old = *c;
        r->old_at.number = at->number;
        break;
    default: // what others do is not specified
        batch_model_start(r->model, false);
        r->pointer = POINTER_UNKNOWN;
        r->deleted = (cmrp_view){0};
        break;
    }
}

// ---- the call -----------------------------------------------------------------------------------

static void judge_content(const struct sight *s, const struct batch_param *param) {
    struct reader r = {.param = param,
                       .model = batch_model_of(s->rules),
                       .checks = {
                           [MISSING] = {.rule = RULE_BATCH_VALUE_DELETED_MISSING},
                           [SUPERFLUOUS] = {.rule = RULE_BATCH_VALUE_DELETED_SUPERFLUOUS},
                           [DATA] = {.rule = RULE_BATCH_VALUE_DELETED_DATA},
                           [PLACE] = {.rule = RULE_BATCH_VALUE_DELETED_PLACE},
                           [KEYLESS] = {.rule = RULE_BATCH_NOTIFIED_WITHOUT_KEY},
                       }};
    struct batch_commands commands;
    struct batch_walk walk;
    cmrp_batch_command c;
    batch_model_start(r.model, false);
    batch_notified_begin(&commands);
    for (batch_walk_start(param, &walk); batch_walk_next(&walk, &c);) {
        batch_notified_take(&commands, param, &walk, &c);
        read_command(&r, &walk, &c);
    }
    if (r.pending) {
        batch_bad(&r.checks[PLACE], param, &r.old_at, &r.old, BATCH_COMMAND_TYPE,
                  "CLUSREG_VALUE_DELETED, and no command behind it");
    }
    batch_check_end(s, commands.checks, BATCH_COMMAND_CHECKS);
    batch_check_end(s, r.checks, CHECKS);
}

void batch_notified_on_call(const struct sight *s) {
    const cmrp_slot *data = sight_slot(&s->call->response, "lpData");
    struct batch_param param;
    if (!sight_succeeded(s) || data == NULL) {
        return;
    }
    if (data->null || data->bytes.size == 0) {
        const struct where where = sight_where(s, true, "lpData");
        rule_broken(s, RULE_BATCH_NOTIFICATION_CONTENT, &where,
                    "success, but no CLUSTER_REG_BATCH_UPDATE");
    } else if (batch_param_open(s, true, "lpData", &param)) {
        rule_kept(s, RULE_BATCH_NOTIFICATION_CONTENT);
        judge_content(s, &param);
    }
}
