// SPDX-License-Identifier: Apache-2.0
// What calls change in the registry.
#include "rules/model.h"

// ---- batches ------------------------------------------------------------------------------------

// A path may start from the batch's key or from the current one: the specification says both. So
// the current key is one of a few, or any at or below the batch's.
enum { CANDIDATES = 4 };

struct pointer {
    struct model_key *keys[CANDIDATES];
    size_t count; // 0: none
    bool anywhere;
};

struct run {
    struct model *m;
    struct model_key *base;
    const struct model_end *end;
    struct pointer at;
};

// Nothing is known any more of what is at or below the batch's key.
static void go_anywhere(struct run *r) {
    r->at = (struct pointer){.anywhere = true};
    model_shake(r->base, r->end);
}

static void add(struct run *r, struct pointer *at, struct model_key *from, cmrp_view path) {
    struct model_key *key = model_key_below(r->m, from, path);
    if (key == NULL || at->anywhere) {
        at->anywhere = true;
        return;
    }
    for (size_t i = 0; i < at->count; i++) {
        if (at->keys[i] == key) {
            return;
        }
    }
    if (at->count == CANDIDATES) {
        at->anywhere = true;
    } else {
        at->keys[at->count++] = key;
    }
}

// The keys that a path may mean.
static struct pointer resolve(struct run *r, cmrp_view path) {
    struct pointer at = {.anywhere = r->at.anywhere};
    add(r, &at, r->base, path);
    for (size_t i = 0; i < r->at.count; i++) {
        add(r, &at, r->at.keys[i], path);
    }
    return at;
}

static void create_key(struct run *r, const cmrp_batch_command *c) {
    r->at = resolve(r, model_name_in(c));
    if (r->at.anywhere) {
        go_anywhere(r);
    }
}

static void delete_key(struct run *r, const cmrp_batch_command *c) {
    const cmrp_view path = model_name_in(c);
    const struct pointer gone = resolve(r, path);
    if (gone.anywhere || path.size == 0) {
        model_shake(r->base, r->end);
    }
    for (size_t i = 0; i < gone.count; i++) {
        if (gone.count == 1 && r->end->state == MODEL_DONE) {
            model_wipe(gone.keys[i], r->end);
        } else {
            model_shake(gone.keys[i], r->end);
        }
    }
    r->at = (struct pointer){0};
}

static void change_value(struct run *r, const cmrp_batch_command *c, struct model_before *before) {
    const bool sets = c->type == CMRP_CLUSREG_SET_VALUE;
    const bool sure = r->at.count == 1 && r->end->state == MODEL_DONE;
    struct model_known known = {.presence = BATCH_UNKNOWN};
    const cmrp_view name = model_name_in(c);
    if (r->at.count == 0) { // anywhere, or a server that goes on without a key
        model_shake(r->base, r->end);
        return;
    }
    if (sure && before != NULL) {
        const struct model_known old = model_look(r->m, r->at.keys[0], name);
        if (model_holds(r->at.keys[0], &old, r->end->q)) {
            *before = (struct model_before){old.presence, old.size, old.hash};
        }
    }
    if (sure) {
        known = sets ? model_set_to(c->value_type, c->data)
                     : (struct model_known){.presence = BATCH_ABSENT};
    }
    for (size_t i = 0; i < r->at.count; i++) {
        model_change(r->m, r->at.keys[i], name, &known, r->end);
    }
}

static void run_commands(struct run *r, const struct batch_param *param,
                         struct model_before *before, size_t count) {
    struct batch_walk walk;
    cmrp_batch_command c;
    size_t i = 0; // of those that notifications mirror
    for (batch_walk_start(param, &walk); batch_walk_next(&walk, &c) && !r->m->lost;) {
        switch (c.type) {
        case CMRP_CLUSREG_CREATE_KEY: create_key(r, &c); break;
        case CMRP_CLUSREG_DELETE_KEY: delete_key(r, &c); break;
        case CMRP_CLUSREG_SET_VALUE:
        case CMRP_CLUSREG_DELETE_VALUE:
            change_value(r, &c, before != NULL && i < count ? &before[i] : NULL);
            break;
        default: go_anywhere(r); break; // what it does to the current key is not specified
        }
        i += batch_modifies(c.type);
    }
}

static void execute_batch(const struct sight *s, struct model *m, struct model_flight *f,
                          const struct model_end *end) {
    struct batch_param param;
    struct model_batch *batch = f->batch;
    struct run run = {.m = m, .base = f->key, .end = end};
    if (end->state != MODEL_FAILED &&
        (!f->known || !batch_param_open(s, false, "lpData", &param))) {
        model_shake(f->known ? f->key : m->root, end);
    } else if (end->state != MODEL_FAILED) {
        if (batch != NULL && end->state == MODEL_DONE && m->ports + m->opening > 0 &&
            batch->count > 0) {
            batch->before = model_alloc(m, batch->count * sizeof *batch->before);
        }
        run.at = (struct pointer){.keys = {f->key}, .count = 1};
        run_commands(&run, &param, batch != NULL ? batch->before : NULL,
                     batch != NULL ? batch->count : 0);
    }
    model_batch_ended(m, f, end);
}

// ---- calls --------------------------------------------------------------------------------------

static void change_one(const struct sight *s, struct model *m, struct model_key *key,
                       const struct model_end *end) {
    const struct rules_side *in = &s->call->request;
    const cmrp_slot *type = sight_slot(in, "dwType"), *data = sight_slot(in, "lpData");
    struct model_known known = {.presence = BATCH_UNKNOWN};
    struct model_name name;
    if (!in->decoded || !model_name_of(sight_slot(in, "lpValueName"), &name)) {
        model_shake(key, end);
        return;
    }
    if (end->state == MODEL_DONE && s->call->call->opnum == OPNUM_DELETE_VALUE) {
        known.presence = BATCH_ABSENT;
    } else if (end->state == MODEL_DONE && type != NULL && data != NULL) {
        known = model_set_to((uint32_t)type->value, data->bytes);
    }
    model_change(m, key, name.units, &known, end);
}

static void delete_one(const struct sight *s, struct model *m, struct model_key *key,
                       const struct model_end *end) {
    struct model_name name;
    struct model_key *gone =
        s->call->request.decoded && model_name_of(sight_slot(&s->call->request, "lpSubKey"), &name)
            ? model_key_below(m, key, name.units)
            : NULL;
    if (gone == NULL) {
        model_shake(key, end);
    } else if (end->state == MODEL_DONE) {
        model_wipe(gone, end);
    } else {
        model_shake(gone, end);
    }
}

void model_on_change(const struct sight *s, struct model *m, struct model_flight *f,
                     const struct model_end *end) {
    const uint16_t opnum = s->call->call->opnum;
    if (s->call->call->did_not_execute && opnum != OPNUM_EXECUTE_BATCH) {
        return;
    }
    if (opnum == OPNUM_EXECUTE_BATCH) {
        execute_batch(s, m, f, end);
    } else if (!f->known) {
        model_shake(m->root, end);
    } else if (opnum == OPNUM_DELETE_KEY) {
        delete_one(s, m, f->key, end);
    } else {
        change_one(s, m, f->key, end);
    }
}
