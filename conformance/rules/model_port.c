// SPDX-License-Identifier: Apache-2.0
// Batch ports: which batches a notification may be of, and which one must have come before it.
//
// A port is told of batches on its own key; whether it is told of those on keys below, or on others
// at all, the specification does not say, so that these may be told of and need not.
//
// A server that keeps the specification is taken for granted until it is contradicted. Its port is
// a queue: the nth notification of batches of one content is of the nth of those in the queue,
// which was executed no earlier than the nth request of this content came. All batches on the
// port's key that were answered before that have been told already.
#include "rules/model.h"

// ---- ports --------------------------------------------------------------------------------------

void model_port_leave(struct model_port *port) {
    struct model_told *told, *next;
    if (--port->users > 0) {
        return;
    }
    HASH_ITER(hh, port->told, told, next) {
        HASH_DEL(port->told, told);
        model_spare(port->model, told, sizeof *told);
    }
    model_spare(port->model, port, sizeof *port);
}

void model_port_made(const struct sight *s, struct model *m, const struct model_flight *f,
                     const struct model_end *end) {
    struct rules_handle *h = handle_named(s, true, "phBatchPort");
    if (end->state != MODEL_DONE || h == NULL || h->closed || h->uncertain || h->port != NULL) {
        return;
    }
    struct model_port *port = model_alloc(m, sizeof *port);
    if (port != NULL) {
        *port = (struct model_port){.model = m,
                                    .users = 1,
                                    .key = f->known ? f->key : NULL,
                                    .q = end->q,
                                    .p = end->p,
                                    .ended_before = f->ended,
                                    .head = f->known ? f->key->executed_count : 0};
        h->port = port;
        m->ports++;
    }
}

static struct model_told *told_of(struct model_port *port, const struct model_content *content,
                                  bool make) {
    struct model_told *told;
    HASH_FIND_PTR(port->told, &content, told);
    if (told == NULL && make && (told = model_alloc(port->model, sizeof *told)) != NULL) {
        told->content = content;
        told->sure = true;
        HASH_ADD_PTR(port->told, content, told);
    }
    return told;
}

// ---- which batch --------------------------------------------------------------------------------

// The port may have it in its queue.
static bool may_be(const struct model_port *port, const struct model_batch *b) {
    return b->state != MODEL_FAILED && !(b->state == MODEL_DONE && b->p < port->q);
}

// The port has had it in its queue, if it was not closed and its key not deleted.
static bool must_be(const struct model_port *port, const struct model_batch *b) {
    return b->state == MODEL_DONE && b->plain && b->key != NULL && b->key == port->key &&
           b->q > port->p;
}

// The next batch of this content from *i on; NULL: none that came before the frame.
static struct model_batch *next_batch(const struct model_port *port,
                                      const struct model_content *content, size_t *i,
                                      uint64_t frame) {
    for (; *i < content->count && content->batches[*i]->q < frame; ++*i) {
        if (may_be(port, content->batches[*i])) {
            return content->batches[*i];
        }
    }
    return NULL;
}

// Whether the notification is surely of this batch, the nth of its content.
static bool is_sure(const struct model_port *port, struct model_told *told,
                    const struct model_batch *batch, uint64_t frame) {
    size_t i = told->next;
    const struct model_batch *behind = next_batch(port, told->content, &i, frame);
    const bool only = told->n == 1 && behind == NULL;
    told->sure = told->sure && must_be(port, batch) && told->last_p < batch->q && port->gets == 0 &&
                 !port->leaky;
    told->last_p = batch->p;
    return only || (told->sure && (behind == NULL || behind->q > batch->p));
}

// ---- order --------------------------------------------------------------------------------------

// Whether the port's key is still the one that it was made for.
static bool is_settled(struct model_port *port) {
    bool settled = true;
    for (const struct model_key *k = port->key; k != NULL && k->above != NULL; k = k->above) {
        port->leaky = port->leaky || k->mixed || k->wiped_p >= port->q || k->shaken >= port->q;
        settled = settled && k->above->flights == 0;
    }
    return settled && !port->leaky;
}

static void judge_order(const struct sight *s, struct model_port *port,
                        const struct model_batch *batch) {
    const struct model_key *key = port->key;
    const struct model_batch *missed = NULL;
    if (key == NULL || port->gets > 0 || port->leaky || !is_settled(port)) {
        return;
    }
    for (; port->head < key->executed_count; port->head++) {
        const struct model_batch *first = key->executed[port->head];
        struct model_told *told = told_of(port, first->content, false);
        if (first->q <= port->p) {
            continue; // the port may have come later
        }
        if (told != NULL && told->due > 0) {
            told->due--;
        } else if (first->p < batch->q) {
            missed = missed == NULL ? first : missed;
        } else {
            break;
        }
    }
    if (missed == NULL) {
        rule_kept(s, RULE_BATCH_NOTIFICATION_ORDER);
        return;
    }
    const struct where where = sight_where(s, true, "lpData");
    rule_broken(s, RULE_BATCH_NOTIFICATION_ORDER, &where,
                "the batch of frame %llu, executed before that of frame %llu on the port's key, "
                "has not been told",
                (unsigned long long)missed->frame, (unsigned long long)batch->frame);
}

// ---- what values held ---------------------------------------------------------------------------

enum { MISSING, SUPERFLUOUS, DATA, CHECKS };

struct content_reader {
    const struct batch_param *param;
    struct batch_check checks[CHECKS];
    struct batch_walk old_at;
    cmrp_batch_command old; // the VALUE_DELETED before this command
    bool told;
};

static void judge_before(struct content_reader *r, const struct batch_walk *at,
                         const cmrp_batch_command *c, const struct model_before *before) {
    if (before->presence == BATCH_ABSENT) {
        if (r->told) {
            batch_bad(&r->checks[SUPERFLUOUS], r->param, &r->old_at, &r->old, BATCH_COMMAND_TYPE,
                      "CLUSREG_VALUE_DELETED, but the value did not exist before the batch");
        } else {
            batch_good(&r->checks[SUPERFLUOUS]);
        }
    } else if (!r->told) {
        if (before->size > 0) {
            batch_bad(&r->checks[MISSING], r->param, at, c, BATCH_COMMAND_TYPE,
                      "no CLUSREG_VALUE_DELETED before %s, but the value held %llu octets",
                      cmrp_batch_type_name(c->type), (unsigned long long)before->size);
        }
    } else {
        batch_good(&r->checks[MISSING]);
        if (before->size == r->old.data.size && before->hash == model_hash(2, r->old.data)) {
            batch_good(&r->checks[DATA]);
        } else {
            batch_bad(
                &r->checks[DATA], r->param, &r->old_at, &r->old, BATCH_DATA,
                "%zu octets that are not the %llu octets that the value held before the batch",
                r->old.data.size, (unsigned long long)before->size);
        }
    }
}

static void judge_values(const struct sight *s, const struct batch_param *param,
                         const struct model_batch *batch) {
    struct content_reader r = {.param = param,
                               .checks = {
                                   [MISSING] = {.rule = RULE_BATCH_OLD_VALUE_MISSING},
                                   [SUPERFLUOUS] = {.rule = RULE_BATCH_OLD_VALUE_SUPERFLUOUS},
                                   [DATA] = {.rule = RULE_BATCH_OLD_VALUE_DATA},
                               }};
    struct batch_walk walk;
    cmrp_batch_command c;
    size_t i = 0;
    for (batch_walk_start(param, &walk); batch_walk_next(&walk, &c);) {
        if (c.type == CMRP_CLUSREG_VALUE_DELETED) {
            r.told = true;
            r.old = c;
            r.old_at = walk;
            continue;
        }
        r.told = r.told && batch_compare_names(r.old.name, c.name) != BATCH_DIFFERENT;
        if (batch_value_command(c.type) && i < batch->count &&
            batch->before[i].presence != BATCH_UNKNOWN) {
            judge_before(&r, &walk, &c, &batch->before[i]);
        }
        i += batch_modifies(c.type);
        r.told = false;
    }
    batch_check_end(s, r.checks, CHECKS);
}

// ---- notifications of nothing -------------------------------------------------------------------

// The first command that is not as the batch has it that is due, or, where that is not known, none.
static void judge_mirror(const struct sight *s, const struct model_port *port,
                         const struct batch_param *param) {
    const struct model_key *key = port->key;
    const struct model_batch *due = key != NULL && port->head < key->executed_count && !port->leaky
                                        ? key->executed[port->head]
                                        : NULL;
    struct batch_check check = {.rule = RULE_BATCH_NOTIFICATION_MIRROR};
    struct batch_walk walk;
    cmrp_batch_command c;
    uint64_t hash;
    size_t i = 0;
    for (batch_walk_start(param, &walk); due != NULL && batch_walk_next(&walk, &c);) {
        if (!model_command_hash(&c, &hash)) {
            continue;
        }
        if (i >= due->count || due->commands[i] != hash) {
            batch_bad(&check, param, &walk, &c, BATCH_COMMAND_TYPE,
                      "%s that no batch executed has here; that of frame %llu, which is due, "
                      "has %zu commands",
                      cmrp_batch_type_name(c.type), (unsigned long long)due->frame, due->count);
            return;
        }
        i++;
    }
    const struct where where = sight_where(s, true, "lpData");
    if (due != NULL) {
        rule_broken(s, RULE_BATCH_NOTIFICATION_MIRROR, &where,
                    "%zu commands, and no batch executed has just these; that of frame %llu, "
                    "which is due, has %zu",
                    i, (unsigned long long)due->frame, due->count);
    } else {
        rule_broken(s, RULE_BATCH_NOTIFICATION_MIRROR, &where,
                    "no batch executed has these commands");
    }
}

static void judge_unexplained(const struct sight *s, struct model_port *port,
                              const struct batch_param *param, const struct model_told *told) {
    const struct model *m = port->model;
    const struct where where = sight_where(s, true, "lpData");
    if (told != NULL && told->n > 0) {
        rule_broken(s, RULE_BATCH_NOTIFICATION_AGAIN, &where,
                    "a batch with these commands has been told %llu times, as often as it was sent",
                    (unsigned long long)told->n);
    } else if (port->explained >= m->batches - port->ended_before) {
        rule_broken(s, RULE_BATCH_NOTIFICATION_EMPTY, &where,
                    "a notification, but all %llu batches that the port may be of have been told",
                    (unsigned long long)port->explained);
    } else {
        judge_mirror(s, port, param);
    }
    port->leaky = true; // which one it stands for is not known
}

// ---- the call -----------------------------------------------------------------------------------

static void explained(const struct sight *s, struct model_port *port,
                      const struct batch_param *param, struct model_told *told,
                      const struct model_batch *batch, uint64_t frame) {
    told->next++;
    told->n++;
    told->due++;
    port->explained++;
    rule_kept(s, RULE_BATCH_NOTIFICATION_AGAIN);
    rule_kept(s, RULE_BATCH_NOTIFICATION_EMPTY);
    rule_kept(s, RULE_BATCH_NOTIFICATION_MIRROR);
    const bool sure = is_sure(port, told, batch, frame);
    judge_order(s, port, batch);
    if (sure && batch->before != NULL && batch->state == MODEL_DONE) {
        judge_values(s, param, batch);
    }
}

void model_port_told(const struct sight *s, struct model *m, struct model_flight *f,
                     const struct model_end *end) {
    struct model_port *port = f->port;
    struct model_content *content;
    struct batch_param param;
    struct batch_walk walk;
    cmrp_batch_command c;
    uint64_t id = 0, hash;
    if (port == NULL || port->closed) {
        return; // a handle that is in doubt remains so
    }
    if (end->state != MODEL_DONE || !batch_param_open(s, true, "lpData", &param)) {
        port->leaky = port->leaky || !s->call->call->did_not_execute;
        return;
    }
    for (batch_walk_start(&param, &walk); batch_walk_next(&walk, &c);) {
        id = model_command_hash(&c, &hash) ? model_content_id(id, hash) : id;
    }
    HASH_FIND(hh, m->content, &id, sizeof id, content);
    struct model_told *told = content != NULL ? told_of(port, content, true) : NULL;
    if (m->lost || port->q <= m->unknown_batch) {
        port->leaky = true;
        return;
    }
    struct model_batch *batch =
        told != NULL ? next_batch(port, content, &told->next, end->p) : NULL;
    if (batch != NULL) {
        explained(s, port, &param, told, batch, end->p);
    } else {
        judge_unexplained(s, port, &param, told);
    }
}
