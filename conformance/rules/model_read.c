// SPDX-License-Identifier: Apache-2.0
// What reads tell of values, against what is known of them.
#include <stdio.h>

#include "rules/model.h"

enum { ERROR_FILE_NOT_FOUND = 0x2 };

// What a read has told.
struct reading {
    bool present; // else: there is no such value
    uint32_t type;
    cmrp_view data;
    struct where where; // of the data, or of the status
    const char *what;   // the method or the command
};

// After a contradiction it is not known which of the two is right.
static void learn(struct model *m, struct model_key *key, cmrp_view name,
                  const struct reading *reading, bool contradicts, const struct model_end *end) {
    struct model_known known = {.presence = contradicts        ? BATCH_UNKNOWN
                                            : reading->present ? BATCH_PRESENT
                                                               : BATCH_ABSENT,
                                .type = reading->type,
                                .size = reading->data.size,
                                .hash = model_hash(2, reading->data)};
    struct model_end at = *end;
    at.call = ++m->calls; // one of several values that a call reads
    model_change(m, key, name, &known, &at);
}

static bool agrees(const struct sight *s, size_t rule, const struct model_known *known,
                   const struct reading *r) {
    const bool present = known->presence == BATCH_PRESENT;
    if (present != r->present) {
        rule_broken(s, rule, &r->where, "%s says that the value %s, but it %s", r->what,
                    r->present ? "exists" : "does not exist",
                    present ? "has been set" : "has been deleted, or never been set");
    } else if (present && known->type != r->type) {
        rule_broken(s, rule, &r->where, "%s says type %lu, but the value's type is %lu", r->what,
                    (unsigned long)r->type, (unsigned long)known->type);
    } else if (present && known->size != r->data.size) {
        rule_broken(s, rule, &r->where, "%s says %zu octets, but the value holds %llu", r->what,
                    r->data.size, (unsigned long long)known->size);
    } else if (present && known->hash != model_hash(2, r->data)) {
        rule_broken(s, rule, &r->where, "%s says other octets than the value holds", r->what);
    } else {
        rule_kept(s, rule);
        return true;
    }
    return false;
}

static void judge(const struct sight *s, struct model *m, size_t rule, struct model_key *key,
                  cmrp_view name, const struct reading *reading, const struct model_end *end) {
    const struct model_known known = model_look(m, key, name);
    if (!model_holds(key, &known, end->q)) {
        return;
    }
    if (known.presence == BATCH_UNKNOWN || !agrees(s, rule, &known, reading)) {
        learn(m, key, name, reading, known.presence != BATCH_UNKNOWN, end);
    }
}

// ---- ApiQueryValue, ApiEnumValue ----------------------------------------------------------------

static void judge_value(const struct sight *s, struct model *m, const struct model_end *end) {
    const bool query = s->call->call->opnum == OPNUM_QUERY_VALUE;
    const struct rules_side *in = &s->call->request, *out = &s->call->response;
    const cmrp_slot *type = sight_slot(out, query ? "lpValueType" : "lpType"),
                    *data = sight_slot(out, "lpData"),
                    *size = sight_slot(out, query ? "lpcbRequired" : "lpcbData");
    struct model_key *key = model_key_of(s, "hKey", end->q);
    struct reading r = {.present = end->state == MODEL_DONE,
                        .what = query ? "ApiQueryValue" : "ApiEnumValue"};
    struct model_name name;
    uint32_t status;
    if (key == NULL || !sight_status(s, &status) ||
        (status != 0 && (!query || status != ERROR_FILE_NOT_FOUND)) ||
        !model_name_of(sight_slot(query ? in : out, "lpValueName"), &name)) {
        return;
    }
    r.where = sight_where(s, true, r.present ? "lpData" : "return");
    if (r.present) {
        if (type == NULL || data == NULL || size == NULL || size->value > data->bytes.size) {
            return;
        }
        r.type = (uint32_t)type->value;
        r.data = (cmrp_view){data->bytes.data, (size_t)size->value};
    }
    judge(s, m, query ? RULE_QUERY_VALUE_CONTENT : RULE_ENUM_VALUE_CONTENT, key, name.units, &r,
          end);
}

// ---- batches of reads ---------------------------------------------------------------------------

static bool answers(const cmrp_batch_command *asked, const cmrp_batch_command *answer) {
    return asked->type == CMRP_CLUSREG_READ_VALUE && (answer->type == CMRP_CLUSREG_READ_VALUE ||
                                                      (answer->type == CMRP_CLUSREG_READ_ERROR &&
                                                       answer->value_type == ERROR_FILE_NOT_FOUND));
}

static struct reading reading_of(const cmrp_batch_command *answer, uint64_t number, char *field,
                                 size_t size) {
    struct reading r = {.present = answer->type == CMRP_CLUSREG_READ_VALUE,
                        .where = {.place = RULES_RESPONSE, .offset = answer->offset, .size = 4},
                        .what = cmrp_batch_type_name(answer->type)};
    if (r.present) {
        r.type = answer->value_type;
        r.data = answer->data;
        r.where.offset += 16 + answer->name.size;
        r.where.size = answer->data.size;
    }
    snprintf(field, size, "lpOutData command %llu %s", (unsigned long long)number,
             r.present ? "Data" : "CommandType");
    r.where.field = field;
    return r;
}

// Paths start from the batch's key or from the current one: the second READ_KEY, or one that may
// have failed, ends what is known.
static void judge_batch(const struct sight *s, struct model *m, const struct model_end *end) {
    struct model_key *const base = model_key_of(s, "hKey", end->q), *key = base;
    struct batch_param in, out;
    struct batch_walk asking, answering;
    cmrp_batch_command asked, answer;
    if (key == NULL || end->state != MODEL_DONE || !batch_param_open(s, false, "lpInData", &in) ||
        !batch_param_open(s, true, "lpOutData", &out) || in.count != out.count) {
        return;
    }
    batch_walk_start(&in, &asking);
    batch_walk_start(&out, &answering);
    while (key != NULL && batch_walk_next(&asking, &asked) &&
           batch_walk_next(&answering, &answer)) {
        if (asked.type == CMRP_CLUSREG_READ_KEY) {
            const bool read = key == base && answer.type == CMRP_CLUSREG_READ_KEY;
            key = read ? model_key_below(m, key, model_name_in(&asked)) : NULL;
        } else if (answers(&asked, &answer)) {
            char field[64];
            const struct reading r = reading_of(&answer, answering.number, field, sizeof field);
            judge(s, m, RULE_READ_BATCH_CONTENT, key, model_name_in(&asked), &r, end);
        }
    }
}

void model_on_read(const struct sight *s, struct model *m, const struct model_end *end) {
    const uint16_t opnum = s->call->call->opnum;
    if (!s->call->request.decoded || !s->call->response.decoded) {
        return;
    }
    if (opnum == OPNUM_QUERY_VALUE || opnum == OPNUM_ENUM_VALUE) {
        judge_value(s, m, end);
    } else {
        judge_batch(s, m, end);
    }
}
