// SPDX-License-Identifier: Apache-2.0
// What a server may answer to ApiExecuteReadBatch and ApiExecuteReadBatchEx.
#include <string.h>

#include "rules/batch_state.h"

enum { ERROR_FILE_NOT_FOUND = 0x2, ISOLATE_READ = 0x2 };

// ---- writes among the reads ---------------------------------------------------------------------

static void judge_writes(const struct sight *s, const struct batch_param *in, uint32_t status) {
    struct batch_walk walk;
    cmrp_batch_command c;
    for (batch_walk_start(in, &walk); batch_walk_next(&walk, &c);) {
        if (c.type == CMRP_CLUSREG_CREATE_KEY) {
            return;
        }
        if (!batch_value_command(c.type)) {
            continue;
        }
        if (status == 0) {
            const struct where where = sight_where(s, true, "return");
            rule_broken(s, RULE_READ_BATCH_WRITES, &where, "success, but command %llu is %s",
                        (unsigned long long)walk.number, cmrp_batch_type_name(c.type));
        } else {
            rule_kept(s, RULE_READ_BATCH_WRITES); // or something failed before
        }
        return;
    }
}

// ---- one answer to each command -----------------------------------------------------------------

// Whether the answers correspond to the commands. Commands that are no reads leave that open.
enum match { MATCH_OPEN, MATCH_BROKEN, MATCH_GOOD };

static void miscounted(const struct sight *s, const struct batch_param *in,
                       const struct batch_param *out) {
    struct where where = sight_where(s, true, "lpOutData");
    rule_broken(s, RULE_READ_BATCH_ORDER, &where, "%llu commands in answer to %llu",
                (unsigned long long)out->count, (unsigned long long)in->count);
}

// One answer against its command; both are numbered alike. False ends the comparison.
static bool compare(struct batch_check *order, struct batch_check *reply,
                    const struct batch_param *out, const struct batch_walk *at,
                    const cmrp_batch_command *asked, const cmrp_batch_command *answer) {
    const bool wants_value = asked->type == CMRP_CLUSREG_READ_VALUE;
    if (wants_value && batch_modifies(answer->type)) {
        batch_bad(reply, out, at, answer, BATCH_COMMAND_TYPE, "%s in answer to CLUSREG_READ_VALUE",
                  cmrp_batch_type_name(answer->type));
        return true;
    }
    if (!batch_reads(answer->type)) {
        return true; // reserved, or out of place anywhere
    }
    if (wants_value) {
        batch_good(reply);
    }
    if (answer->type == (wants_value ? CMRP_CLUSREG_READ_KEY : CMRP_CLUSREG_READ_VALUE)) {
        batch_bad(order, out, at, answer, BATCH_COMMAND_TYPE, "%s in answer to %s",
                  cmrp_batch_type_name(answer->type), cmrp_batch_type_name(asked->type));
        return false;
    }
    // An answer may leave the name out; another name is another command's.
    if (wants_value && answer->name.size > CMRP_BATCH_NAME_MINIMUM &&
        batch_compare_names(asked->name, answer->name) == BATCH_DIFFERENT) {
        batch_bad(order, out, at, answer, BATCH_NAME, "the name is not that of command %llu",
                  (unsigned long long)at->number);
        return false;
    }
    batch_good(order);
    return true;
}

static bool only_reads(const struct batch_param *in) {
    struct batch_walk walk;
    cmrp_batch_command c;
    for (batch_walk_start(in, &walk); batch_walk_next(&walk, &c);) {
        if (c.type != CMRP_CLUSREG_READ_KEY && c.type != CMRP_CLUSREG_READ_VALUE) {
            return false;
        }
    }
    return true;
}

static enum match judge_order(const struct sight *s, const struct batch_param *in,
                              const struct batch_param *out) {
    struct batch_check checks[] = {{.rule = RULE_READ_BATCH_ORDER},
                                   {.rule = RULE_READ_BATCH_REPLY}};
    struct batch_walk asking, answering;
    cmrp_batch_command asked, answer;
    bool going = true;
    if (!only_reads(in)) {
        return MATCH_OPEN;
    }
    if (in->count != out->count) {
        miscounted(s, in, out);
        return MATCH_BROKEN;
    }
    batch_walk_start(in, &asking);
    batch_walk_start(out, &answering);
    while (going && batch_walk_next(&asking, &asked) && batch_walk_next(&answering, &answer)) {
        going = compare(&checks[0], &checks[1], out, &answering, &asked, &answer);
    }
    batch_check_end(s, checks, 2);
    return checks[0].broken || checks[1].broken ? MATCH_BROKEN : MATCH_GOOD;
}

// ---- isolation ----------------------------------------------------------------------------------

// Two answers of one state about one value are the same. A read that failed for another reason than
// that there is no value says nothing of the state.
static void compare_with_first(struct batch_check *check, const struct batch_param *out,
                               const struct batch_walk *at, struct batch_value *first,
                               const cmrp_batch_command *c) {
    const bool present = c->type == CMRP_CLUSREG_READ_VALUE;
    if (!present && c->value_type != ERROR_FILE_NOT_FOUND) {
        return;
    }
    if (first->presence == BATCH_UNKNOWN) {
        first->presence = present ? BATCH_PRESENT : BATCH_ABSENT;
        first->type = c->value_type;
        first->data = c->data;
    } else if (present != (first->presence == BATCH_PRESENT)) {
        batch_bad(check, out, at, c, BATCH_COMMAND_TYPE,
                  "the value %s, but an earlier read of it says that it %s",
                  present ? "exists" : "does not exist", present ? "does not" : "does");
    } else if (!present) {
        batch_good(check);
    } else if (first->type != c->value_type) {
        batch_bad(check, out, at, c, BATCH_VALUE_TYPE,
                  "the value's type is %lu, but %lu by an earlier read of it",
                  (unsigned long)c->value_type, (unsigned long)first->type);
    } else if (first->data.size != c->data.size ||
               (c->data.size > 0 && memcmp(first->data.data, c->data.data, c->data.size) != 0)) {
        batch_bad(check, out, at, c, BATCH_DATA,
                  "the value's data is not that of an earlier read of it");
    } else {
        batch_good(check);
    }
}

// Only reads between two READ_KEYs are compared, which are of one key however paths are read.
static void judge_isolation(const struct sight *s, const struct batch_param *in,
                            const struct batch_param *out) {
    struct batch_check check = {.rule = RULE_READ_BATCH_ISOLATION};
    struct batch_model *model = batch_model_of(s->rules);
    struct batch_walk asking, answering;
    cmrp_batch_command asked, answer;
    batch_model_start(model, false);
    batch_walk_start(in, &asking);
    batch_walk_start(out, &answering);
    while (batch_walk_next(&asking, &asked) && batch_walk_next(&answering, &answer)) {
        if (asked.type != CMRP_CLUSREG_READ_VALUE) {
            batch_model_start(model, false);
            continue;
        }
        if (answer.type != CMRP_CLUSREG_READ_VALUE && answer.type != CMRP_CLUSREG_READ_ERROR) {
            continue;
        }
        struct batch_value *value = batch_model_value(model, asked.name);
        if (value != NULL && !value->unsure) {
            compare_with_first(&check, out, &answering, value, &answer);
        }
    }
    batch_check_end(s, &check, 1);
}

// ---- the call -----------------------------------------------------------------------------------

// Whether there is a result at all; what it is worth is the codec's to say.
static bool judge_presence(const struct sight *s) {
    const cmrp_slot *out = sight_slot(&s->call->response, "lpOutData");
    if (out == NULL || (!out->null && out->bytes.size > 0)) {
        return out != NULL;
    }
    const struct where where = sight_where(s, true, "lpOutData");
    rule_broken(s, RULE_READ_BATCH_RESULT, &where, "success, but no CLUSTER_REG_BATCH_UPDATE");
    return false;
}

void batch_read_on_call(const struct sight *s) {
    struct batch_param in, out;
    uint32_t status;
    if (!sight_status(s, &status)) {
        return;
    }
    const bool readable = batch_param_open(s, false, "lpInData", &in);
    if (readable) {
        judge_writes(s, &in, status);
    }
    if (status != 0 || !judge_presence(s) || !batch_param_open(s, true, "lpOutData", &out)) {
        return;
    }
    rule_kept(s, RULE_READ_BATCH_RESULT);
    if (!readable || judge_order(s, &in, &out) != MATCH_GOOD) {
        return;
    }
    const cmrp_slot *flags = sight_slot(&s->call->request, "flags");
    if (flags != NULL && (flags->value & ISOLATE_READ) != 0) {
        judge_isolation(s, &in, &out);
    }
}
