// SPDX-License-Identifier: Apache-2.0
// Indications: which events may be returned at all, which filter has asked for them, about which
// object they are.
#include <stdio.h>
#include <string.h>

#include "rules/notify.h"

enum {
    CLUSTER_RECONNECT = 0x80000,
    QUORUM_STATE = 0x10000000,
    OPEN_HANDLES = 256,
    COMPARISONS = 16
};

static bool one_bit(uint64_t flags) {
    return flags != 0 && (flags & (flags - 1)) == 0;
}

struct where notify_where(const struct sight *s, const struct notify_event *e,
                          const struct notify_spot *spot) {
    return (struct where){
        .place = RULES_RESPONSE,
        .offset = spot->slot->offset,
        .size = sight_size(spot->p, spot->slot, s->call->response.format.syntax),
        .field = spot->p->name,
        .array = e->array,
        .index = e->index,
    };
}

// ---- filters ------------------------------------------------------------------------------------

static bool asks(const struct notify_filter *f, const struct notify_event *e) {
    return f->adder->port == e->getter->port && (f->flags & e->flags) != 0 &&
           (e->getter->port == 1 || f->object_type == e->object_type);
}

static bool asks_with_key(const struct notify_filter *f, const struct notify_event *e) {
    return asks(f, e) && f->key == (uint32_t)e->key;
}

// Whether a filter that is not known can have asked for something on this port.
static bool knows_filters(const struct sight *s, const struct notify_event *e) {
    return e->port != NULL && !e->port->unsure && !e->handle->uncertain && notify_sees_all(s) &&
           !notify_adding(s, e->handle);
}

struct notify_filter *notify_only_filter(const struct sight *s, const struct notify_event *e) {
    struct notify_filter *only = NULL;
    if (!knows_filters(s, e)) {
        return NULL;
    }
    for (struct notify_filter *f = e->port->filters; f != NULL; f = f->next) {
        if (asks_with_key(f, e)) {
            if (only != NULL || !f->sure) {
                return NULL;
            }
            only = f;
        }
    }
    return only;
}

static void describe(const struct notify_event *e, char *text, size_t size) {
    const cmrp_change_set *set = e->getter->port == 1 ? cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE)
                                                      : cmrp_change_set_of_type(e->object_type);
    notify_flag_names(text, size, set, e->flags);
}

// The event is asked for, but not with this key.
static void wrong_key(const struct sight *s, const struct notify_event *e) {
    const struct notify_adder *adder = NULL;
    bool mixed = false;
    uint32_t key = 0;
    for (const struct notify_filter *f = e->port->filters; f != NULL; f = f->next) {
        if (asks(f, e)) {
            mixed = mixed || (adder != NULL && adder != f->adder);
            adder = f->adder;
            key = f->key;
        }
    }
    const size_t rule =
        mixed || adder == NULL ? e->getter->key : adder->rules[e->getter->protocol].key;
    const struct where where = notify_where(s, e, &e->at_key);
    rule_broken(s, rule, &where, "dwNotifyKey 0x%llx was not registered for this event, but 0x%lx",
                (unsigned long long)e->key, (unsigned long)key);
}

// Returns whether a filter of the port asks for the event with its key.
static bool judge_match(const struct sight *s, const struct notify_event *e) {
    const struct notify_filter *asking = NULL, *keyed = NULL;
    const bool knows = knows_filters(s, e);
    char text[96];
    if (e->port == NULL) {
        return false;
    }
    if (e->port->filters == NULL) {
        if (knows) {
            describe(e, text, sizeof text);
            const struct where where = notify_where(s, e, &e->at_flags);
            rule_broken(s, e->getter->first_filter, &where,
                        "%s is returned, but no filter was registered", text);
        }
        return false;
    }
    rule_kept(s, e->getter->first_filter);
    for (const struct notify_filter *f = e->port->filters; f != NULL && keyed == NULL;
         f = f->next) {
        asking = asks(f, e) ? f : asking;
        keyed = asks_with_key(f, e) ? f : NULL;
    }
    if (asking != NULL) {
        rule_kept(s, e->getter->match);
    } else if (knows) {
        describe(e, text, sizeof text);
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, e->getter->match, &where, "no filter of the port asks for %s", text);
    }
    if (keyed != NULL) {
        rule_kept(s, e->getter->key);
        rule_kept(s, keyed->adder->rules[e->getter->protocol].key);
    } else if (asking != NULL && knows) {
        wrong_key(s, e);
    }
    return keyed != NULL;
}

// ---- scope --------------------------------------------------------------------------------------

// Objects can be renamed by anybody at any time. But a name by which another object is open is that
// object's.
static bool is_of_another(const struct sight *s, const struct notify_filter *f,
                          const cmrp_slot *name) {
    size_t left = OPEN_HANDLES;
    if (f->adder->scope == CMRP_SCOPE_RESOURCE_TYPE) {
        return true; // types keep their names
    }
    for (const struct rules_handle *h = s->connection->group->handles; h != NULL && left > 0;
         h = h->group_next, left--) {
        if (h->meaning == f->meaning && h->name != NULL &&
            notify_compare(h->name, name) == NOTIFY_SAME) {
            return true;
        }
    }
    return false;
}

// Whether Name is that of the object which the filter is targeted at.
static bool names_target(const struct notify_event *e) {
    if (e->getter->port == 1) {
        return true;
    }
    return !(e->object_type == 2 && e->flags == 0x40) && !(e->object_type == 7 && e->flags == 0x1);
}

static void judge_scope(const struct sight *s, const struct notify_event *e) {
    const struct notify_filter *other = NULL;
    unsigned compared = 0;
    if (!names_target(e) || e->name->null || e->name->bytes.size == 0) {
        return;
    }
    for (const struct notify_filter *f = e->port->filters; f != NULL; f = f->next) {
        if (!asks_with_key(f, e)) {
            continue;
        }
        const enum notify_likeness like =
            f->targeted && f->name != NULL ? notify_compare(f->name, e->name) : NOTIFY_UNCLEAR;
        if (like == NOTIFY_SAME) {
            rule_kept(s, RULE_SCOPE);
        }
        if (like != NOTIFY_OTHER || ++compared == COMPARISONS) {
            return;
        }
        other = f;
    }
    if (other != NULL && knows_filters(s, e) && is_of_another(s, other, e->name)) {
        const struct where where = notify_where(s, e, &e->at_name);
        rule_broken(s, RULE_SCOPE, &where,
                    "an event of another object than the one that dwNotifyKey 0x%llx is for",
                    (unsigned long long)e->key);
    }
}

// ---- version 1 ----------------------------------------------------------------------------------

// Events of objects that have names.
static bool has_name(uint64_t flag) {
    enum { NODES = 0xf, RESOURCES_AND_GROUPS = 0xff00, TYPES = 0x70000 };
    enum { NETWORKS_AND_INTERFACES = 0xff00000 };
    return (flag & (NODES | RESOURCES_AND_GROUPS | TYPES | NETWORKS_AND_INTERFACES)) != 0;
}

static bool may_be_returned(const struct sight *s, const struct notify_event *e) {
    const bool v2 = e->getter->protocol == NOTIFY_P2;
    uint64_t never = ~notify_set_of(s->rules, 0)->returnable;
    char text[96];
    if (!one_bit(e->flags)) {
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, RULE_ONE_BIT, &where, "0x%08lx holds %s", (unsigned long)e->flags,
                    e->flags == 0 ? "no bit" : "several bits");
        return false;
    }
    rule_kept(s, RULE_ONE_BIT);
    never |= v2 ? (uint64_t)CLUSTER_RECONNECT : 0;
    if ((e->flags & never) != 0) {
        describe(e, text, sizeof text);
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, e->getter->never, &where, "%s is returned", text);
        return false;
    }
    rule_kept(s, e->getter->never);
    if (v2 && e->flags == QUORUM_STATE) {
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, RULE_NO_QUORUM, &where, "CLUSTER_CHANGE_QUORUM_STATE is returned");
        return false;
    }
    if (v2) {
        rule_kept(s, RULE_NO_QUORUM);
    }
    return true;
}

static void judge_v1(const struct sight *s, const struct notify_event *e) {
    notify_learn_sequence(s, e);
    if (!may_be_returned(s, e)) {
        return;
    }
    if (has_name(e->flags)) {
        if (e->name->null || e->name->bytes.size == 0) {
            const struct where where = notify_where(s, e, &e->at_name);
            rule_broken(s, e->getter->name, &where, "the object has no name");
        } else {
            rule_kept(s, e->getter->name);
        }
    }
    // The mark of dropped indications cannot be registered.
    if (e->flags != CLUSTER_RECONNECT && judge_match(s, e)) {
        judge_scope(s, e);
        notify_judge_sequence(s, e);
    }
}

static struct notify_spot spot_of(const struct rules_side *side, const cmrp_slot *slot) {
    return (struct notify_spot){&side->format.method->params[slot - side->slots], slot};
}

static void judge_get_notify(const struct sight *s, struct notify_event *e) {
    const struct rules_side *out = &s->call->response;
    const cmrp_slot *key = sight_slot(out, "dwNotifyKey");
    const cmrp_slot *filter = sight_slot(out, "dwFilter");
    const cmrp_slot *sequence = sight_slot(out, "dwStateSequence");
    e->name = sight_slot(out, "Name");
    if (key == NULL || filter == NULL || sequence == NULL || e->name == NULL) {
        return;
    }
    const uint32_t number = (uint32_t)sequence->value;
    e->key = key->value;
    e->flags = filter->value;
    e->sequence = &number;
    e->at_flags = spot_of(out, filter);
    e->at_key = spot_of(out, key);
    e->at_name = spot_of(out, e->name);
    e->at_sequence = spot_of(out, sequence);
    judge_v1(s, e);
}

// ---- version 2 ----------------------------------------------------------------------------------

static void judge_v2(const struct sight *s, const struct notify_event *e) {
    const struct notify_set *set = notify_set_of(s->rules, e->object_type);
    char text[96];
    if (set->set == NULL || e->object_type == 0) {
        const struct where where = notify_where(s, e, &e->at_type);
        rule_broken(s, RULE_EVENT_V2, &where, "object type %lu has no events",
                    (unsigned long)e->object_type);
        return;
    }
    if (!one_bit(e->flags) || (e->flags & ~set->known) != 0) {
        if (notify_has_table(e->object_type)) {
            return; // said by the rule about this type's notifications
        }
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, RULE_EVENT_V2, &where, "0x%llx is not one flag of %s",
                    (unsigned long long)e->flags, set->set->name);
        return;
    }
    rule_kept(s, RULE_EVENT_V2);
    if ((e->flags & ~set->returnable) != 0) {
        describe(e, text, sizeof text);
        const struct where where = notify_where(s, e, &e->at_flags);
        rule_broken(s, e->getter->never, &where, "%s is returned", text);
        return;
    }
    rule_kept(s, e->getter->never);
    if (judge_match(s, e)) {
        judge_scope(s, e);
    }
}

// ---- arrays -------------------------------------------------------------------------------------

struct row {
    const struct sight *s;
    const cmrp_struct *type;
    const cmrp_slot *members;
};

static struct notify_spot member_of(const struct row *row, size_t member) {
    return (struct notify_spot){&row->type->members[member], &row->members[member]};
}

enum { ASYNC_KEY, ASYNC_FILTER, ASYNC_NAME };
enum { V2_KEY, V2_TYPE, V2_FLAGS, V2_BUFFER, V2_SIZE, V2_OBJECT, V2_PARENT, V2_NAME, V2_KIND };

static void judge_row(const struct row *row, struct notify_event *e) {
    const cmrp_slot *m = row->members;
    e->key = m[0].value;
    e->at_key = member_of(row, 0);
    if (e->getter->port == 1) {
        e->flags = m[ASYNC_FILTER].value;
        e->name = &m[ASYNC_NAME];
        e->at_flags = member_of(row, ASYNC_FILTER);
        e->at_name = member_of(row, ASYNC_NAME);
        judge_v1(row->s, e);
    } else {
        e->object_type = (uint32_t)m[V2_TYPE].value;
        e->flags = m[V2_FLAGS].value;
        e->name = &m[V2_NAME];
        e->at_type = member_of(row, V2_TYPE);
        e->at_flags = member_of(row, V2_FLAGS);
        e->at_name = member_of(row, V2_NAME);
        judge_v2(row->s, e);
        notify_judge_content(row->s, row->type, m, e->index);
    }
}

void notify_judge_indications(const struct sight *s, const struct notify_getter *getter) {
    struct notify_event e = {.getter = getter};
    if (!sight_succeeded(s)) {
        return;
    }
    e.port = notify_port_of(s, &e.handle);
    if (e.port != NULL && e.port->version != getter->port) {
        e.port = NULL;
    }
    const cmrp_slot *array = sight_slot(&s->call->response, "Notifications");
    if (array == NULL) {
        judge_get_notify(s, &e);
    } else if (!array->null) {
        cmrp_slot members[CMRP_MAX_PARAMS];
        cmrp_rows rows = array->rows;
        e.array = "Notifications";
        struct row row = {.s = s, .type = rows.type, .members = members};
        for (; cmrp_rows_next(&rows, members); e.index++) {
            judge_row(&row, &e);
        }
    }
}
