// SPDX-License-Identifier: Apache-2.0
// Batches that were sent to be executed, as far as notifications mirror them.
#include <string.h>

#include "cmrp/uuid.h"
#include "rules/model.h"

// ---- commands -----------------------------------------------------------------------------------

// Of a command that a notification mirrors; false: whether it does is not specified. Spellings that
// may be one name count as one, fields that are ignored do not count.
bool model_command_hash(const cmrp_batch_command *command, uint64_t *hash) {
    const uint64_t name = batch_hash_name(model_name_in(command));
    if (!batch_modifies(command->type)) {
        return false;
    }
    *hash = model_hash(command->type, (cmrp_view){(const uint8_t *)&name, sizeof name});
    if (command->type == CMRP_CLUSREG_SET_VALUE) {
        *hash = model_hash(*hash + command->value_type, command->data);
    }
    return true;
}

uint64_t model_content_id(uint64_t so_far, uint64_t command) {
    return model_hash(so_far + 1, (cmrp_view){(const uint8_t *)&command, sizeof command});
}

// The commands of the batch, read twice: to count, and to keep.
static bool read_commands(struct model *m, struct model_batch *batch, cmrp_view octets,
                          uint64_t *id) {
    *id = 0;
    for (int keep = 0; keep < 2; keep++) {
        cmrp_batch walk;
        cmrp_batch_command c;
        cmrp_error error = {0};
        uint64_t hash;
        size_t n = 0;
        bool sets = false, others = false;
        if (!cmrp_batch_open(&walk, octets, 0, CMRP_BATCH_STRICT, &error)) {
            return false;
        }
        while (cmrp_batch_next(&walk, &c)) {
            sets = sets || c.type == CMRP_CLUSREG_SET_VALUE;
            if (!model_command_hash(&c, &hash)) {
                others = true;
                continue;
            }
            if (keep) {
                batch->commands[n] = hash;
                *id = model_content_id(*id, hash);
            }
            n++;
        }
        if (error.code != CMRP_OK) {
            return false;
        }
        if (!keep && n > 0) {
            batch->commands = model_alloc(m, n * sizeof *batch->commands);
            if (batch->commands == NULL) {
                return false;
            }
            batch->count = n;
        }
        batch->plain = sets && !others;
        keep = n == 0 ? 2 : keep;
    }
    return true;
}

// The buffer in a request of ApiExecuteBatch.
static bool find_batch(const struct assoc_call *call, cmrp_view *octets) {
    const bool ndr64 = cmrp_uuid_equal(&call->transfer.uuid, &cmrp_uuid_ndr64);
    const cmrp_stub_format format = {.method =
                                         cmrp_method_numbered(call->interface.version, call->opnum),
                                     .interface = call->interface.version,
                                     .syntax = ndr64 ? CMRP_NDR64 : CMRP_NDR20,
                                     .order = call->request.order};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    if (call->request.state != ASSOC_WHOLE || format.method == NULL ||
        (!ndr64 && !cmrp_uuid_equal(&call->transfer.uuid, &cmrp_uuid_ndr20)) ||
        !cmrp_stub_decode(&format, call->request.stub, 0, slots, NULL, NULL, &error)) {
        return false;
    }
    const struct rules_side side = {.decoded = true, .format = format, .slots = slots};
    const cmrp_slot *data = sight_slot(&side, "lpData");
    if (data == NULL || data->null) {
        return false;
    }
    *octets = data->bytes;
    return true;
}

// ---- the tables ---------------------------------------------------------------------------------

static void free_batch(struct model *m, struct model_batch *b) {
    model_spare(m, b->commands, b->count * sizeof *b->commands);
    model_spare(m, b->before, b->count * sizeof *b->before);
    model_spare(m, b, sizeof *b);
}

void model_batches_forget(struct model *m) {
    struct model_content *c, *next_c;
    struct model_key *key, *next_key;
    HASH_ITER(hh, m->content, c, next_c) {
        for (size_t i = 0; i < c->count; i++) {
            free_batch(m, c->batches[i]);
        }
        HASH_DEL(m->content, c);
        model_spare(m, c->batches, c->room * sizeof *c->batches);
        model_spare(m, c, sizeof *c);
    }
    for (key = m->executed; key != NULL; key = next_key) {
        next_key = key->next_executed;
        model_spare(m, key->executed, key->executed_room * sizeof *key->executed);
        key->executed = NULL;
        key->executed_count = key->executed_room = 0;
        key->next_executed = NULL;
    }
    m->executed = NULL;
}

static struct model_content *content_of(struct model *m, uint64_t id) {
    struct model_content *c;
    HASH_FIND(hh, m->content, &id, sizeof id, c);
    if (c == NULL && (c = model_alloc(m, sizeof *c)) != NULL) {
        c->id = id;
        HASH_ADD(hh, m->content, id, sizeof c->id, c);
    }
    return c;
}

static bool append(struct model *m, struct model_batch ***list, size_t *room, size_t *number,
                   struct model_batch *batch) {
    struct model_batch **grown = model_grow(m, *list, room, *number, sizeof **list);
    if (grown == NULL) {
        return false;
    }
    *list = grown;
    grown[(*number)++] = batch;
    return true;
}

static void add_executed(struct model *m, struct model_key *key, struct model_batch *batch) {
    const bool listed = key->executed_room > 0;
    if (append(m, &key->executed, &key->executed_room, &key->executed_count, batch) && !listed) {
        key->next_executed = m->executed;
        m->executed = key;
    }
}

// Requests are told in the order of their frames, but for connections whose segments came late:
// those told before then count as if they had come as late, or rather as early, as this one.
static void keep_order(const struct model_content *c, uint64_t q) {
    for (size_t i = c->count; i-- > 0 && c->batches[i]->q > q;) {
        c->batches[i]->q = q;
    }
}

void model_batch_sent(struct model *m, struct model_flight *f, const struct assoc_call *call) {
    struct model_batch *batch = model_alloc(m, sizeof *batch);
    cmrp_view octets;
    uint64_t id = 0;
    m->batches++;
    if (batch == NULL) {
        return;
    }
    batch->key = f->known ? f->key : NULL;
    batch->q = batch->frame = call->request.stamp.frame;
    if (!find_batch(call, &octets) || !read_commands(m, batch, octets, &id)) {
        free_batch(m, batch); // what it holds is not known: model_batch_ended
        return;
    }
    batch->content = content_of(m, id);
    if (batch->content == NULL || !append(m, &batch->content->batches, &batch->content->room,
                                          &batch->content->count, batch)) {
        free_batch(m, batch);
        return;
    }
    keep_order(batch->content, batch->q);
    f->batch = batch;
}

void model_batch_ended(struct model *m, struct model_flight *f, const struct model_end *end) {
    struct model_batch *batch = f->batch;
    m->ended++;
    if (m->lost) {
        return;
    }
    if (batch == NULL) {
        if (end->state != MODEL_FAILED) {
            m->unknown_batch = m->unknown_batch > end->p ? m->unknown_batch : end->p;
        }
        return;
    }
    f->batch = NULL;
    batch->state = end->state;
    batch->p = end->p;
    if (m->ports == 0 && m->opening == 0 && m->batches == m->ended) {
        model_batches_forget(m); // no port can tell of them
    } else if (end->state == MODEL_DONE && batch->plain && batch->key != NULL) {
        add_executed(m, batch->key, batch);
    }
}
