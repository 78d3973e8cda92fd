// SPDX-License-Identifier: Apache-2.0
// State sequences: that servers let them grow, and that clients give back what they were given.
#include <string.h>

#include "rules/notify.h"

// Numbers wrap around: which of two is older.
static bool older(uint32_t a, uint32_t b) {
    return a != b && (uint32_t)(b - a) < 0x80000000;
}

// ---- the server ---------------------------------------------------------------------------------

void notify_sequence_of(struct notify_filter *filter, uint32_t sequence, uint64_t frame) {
    if (!filter->has_sequence || older(filter->sequence, sequence)) {
        filter->sequence = sequence;
    }
    filter->has_sequence = true;
    filter->sequence_at = frame;
}

// Indications are returned in the order of events, and each transition increments the number. A
// filter that was registered through the object's handle is about this object as long as it lives.
void notify_judge_sequence(const struct sight *s, const struct notify_event *e) {
    struct notify_filter *filter = notify_only_filter(s, e);
    if (e->sequence == NULL || filter == NULL || e->flags != filter->adder->state) {
        return;
    }
    const size_t rule = filter->adder->rules[e->getter->protocol].state;
    if (rule != RULE_COUNT && filter->has_sequence &&
        s->call->call->request.stamp.frame > filter->sequence_at) {
        if (older(*e->sequence, filter->sequence)) {
            const struct where where = notify_where(s, e, &e->at_sequence);
            rule_broken(s, rule, &where,
                        "state sequence %lu after %lu, which was returned in frame %llu",
                        (unsigned long)*e->sequence, (unsigned long)filter->sequence,
                        (unsigned long long)filter->sequence_at);
        } else {
            rule_kept(s, rule);
        }
    }
    notify_sequence_of(filter, *e->sequence, s->call->call->response.stamp.frame);
}

// ---- the client ---------------------------------------------------------------------------------

enum { VALUES = 16, OBJECTS = 1024 }; // objects of one association

// The state sequences of an object that were returned in an association for a dwNotifyKey.
struct notify_history {
    uint16_t scope;
    uint64_t flags; // of the scope
    uint32_t key;
    uint8_t object[CMRP_HANDLE_SIZE];
    struct notify_name *name;
    uint32_t values[VALUES];
    unsigned count;
    bool more;         // there were others
    uint32_t added;    // what the latest Add returned
    uint64_t added_at; // frame
    struct notify_history *next;
};

static void append(struct notify_history *h, uint32_t value) {
    for (unsigned i = 0; i < h->count; i++) {
        if (h->values[i] == value) {
            return;
        }
    }
    if (h->count < VALUES) {
        h->values[h->count++] = value;
    } else {
        h->more = true;
    }
}

static struct notify_history *find_history(const struct sight *s, uint16_t scope, uint32_t key,
                                           const uint8_t object[CMRP_HANDLE_SIZE]) {
    struct notify_history *h = s->connection->group->notify;
    while (h != NULL && (h->scope != scope || h->key != key ||
                         memcmp(h->object, object, sizeof h->object) != 0)) {
        h = h->next;
    }
    return h;
}

// A later Add returns no older number, as long as the handle is the same object's.
static void judge_added(const struct sight *s, const struct notify_adder *adder,
                        const struct rules_handle *handle, uint32_t sequence) {
    const struct notify_history *latest = NULL;
    unsigned protocol;
    if (handle == NULL || handle->closed || handle->uncertain || !notify_sees_all(s) ||
        !notify_protocol(s, &protocol) || adder->rules[protocol].added == RULE_COUNT) {
        return;
    }
    for (const struct notify_history *h = s->connection->group->notify; h != NULL; h = h->next) {
        if (h->scope == adder->scope && h->added_at > handle->opened &&
            (latest == NULL || latest->added_at < h->added_at) &&
            memcmp(h->object, handle->key.octets, sizeof h->object) == 0) {
            latest = h;
        }
    }
    if (latest == NULL || s->call->call->request.stamp.frame <= latest->added_at) {
        return;
    }
    if (older(sequence, latest->added)) {
        const struct where where = sight_where(s, true, "dwStateSequence");
        rule_broken(s, adder->rules[protocol].added, &where,
                    "state sequence %lu after %lu, which was returned in frame %llu",
                    (unsigned long)sequence, (unsigned long)latest->added,
                    (unsigned long long)latest->added_at);
    } else {
        rule_kept(s, adder->rules[protocol].added);
    }
}

static struct notify_history *new_history(const struct sight *s, const struct notify_adder *adder,
                                          uint32_t key, const struct rules_handle *handle,
                                          const cmrp_slot *object) {
    struct rules_group *group = s->connection->group;
    if (group->notify_objects >= OBJECTS || !notify_record(s)) {
        return NULL;
    }
    struct notify_history *h = util_alloc(sizeof *h);
    h->scope = adder->scope;
    h->flags = notify_registrable(s->rules, adder);
    h->key = key;
    memcpy(h->object, object->handle, sizeof h->object);
    h->name = handle != NULL && !handle->closed ? notify_share(handle->name) : NULL;
    h->next = group->notify;
    group->notify = h;
    group->notify_objects++;
    return h;
}

void notify_sequence_added(const struct sight *s, const struct notify_adder *adder) {
    const cmrp_slot *sequence = sight_slot(&s->call->response, "dwStateSequence");
    const cmrp_slot *key = sight_slot(&s->call->request, "dwNotifyKey");
    const cmrp_slot *object =
        adder->state != 0 ? sight_slot(&s->call->request, adder->object) : NULL;
    if (sequence == NULL || key == NULL || object == NULL || !sight_succeeded(s)) {
        return;
    }
    const struct rules_handle *handle = handle_find(s, object);
    judge_added(s, adder, handle, (uint32_t)sequence->value);
    struct notify_history *h = find_history(s, adder->scope, (uint32_t)key->value, object->handle);
    if (h == NULL) {
        h = new_history(s, adder, (uint32_t)key->value, handle, object);
    }
    if (h != NULL) {
        append(h, (uint32_t)sequence->value);
        h->added = (uint32_t)sequence->value;
        h->added_at = s->call->call->response.stamp.frame;
    }
}

void notify_learn_sequence(const struct sight *s, const struct notify_event *e) {
    if (e->sequence == NULL) {
        return;
    }
    for (struct notify_history *h = s->connection->group->notify; h != NULL; h = h->next) {
        if ((h->flags & e->flags) != 0 &&
            (h->name == NULL || notify_compare(h->name, e->name) != NOTIFY_OTHER)) {
            append(h, *e->sequence);
        }
    }
}

void notify_judge_readd(const struct sight *s, const struct notify_adder *adder) {
    const cmrp_slot *sequence = sight_slot(&s->call->request, "StateSequence");
    const cmrp_slot *key = sight_slot(&s->call->request, "dwNotifyKey");
    const cmrp_slot *object = adder->again ? sight_slot(&s->call->request, adder->object) : NULL;
    unsigned protocol;
    if (sequence == NULL || key == NULL || object == NULL || !notify_protocol(s, &protocol)) {
        return;
    }
    const struct notify_history *h =
        find_history(s, adder->scope, (uint32_t)key->value, object->handle);
    if (h == NULL) {
        return; // of an earlier association
    }
    for (unsigned i = 0; i < h->count; i++) {
        if (h->values[i] == (uint32_t)sequence->value) {
            rule_kept(s, adder->rules[protocol].sequence);
            return;
        }
    }
    if (!h->more && notify_sees_all(s)) {
        const struct where where = sight_where(s, false, "StateSequence");
        rule_broken(s, adder->rules[protocol].sequence, &where,
                    "state sequence %lu was never returned for this object; the first was %lu",
                    (unsigned long)sequence->value, (unsigned long)h->values[0]);
    }
}

void notify_group_end(struct rules *rules, struct rules_group *group) {
    while (group->notify != NULL) {
        struct notify_history *h = group->notify;
        group->notify = h->next;
        notify_drop(rules, h->name);
        notify_unrecord(rules);
        free(h);
    }
}
