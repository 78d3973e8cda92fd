// SPDX-License-Identifier: Apache-2.0
// Notification ports, their filters, names of objects; calls to those who judge them.
#include <string.h>

#include "rules/notify.h"

enum { FILTERS = 1024 }; // of one port; with more it is silent about what matches

// ---- records ------------------------------------------------------------------------------------

bool notify_record(const struct sight *s) {
    if (rules_full(s)) {
        return false;
    }
    s->rules->records++;
    return true;
}

void notify_unrecord(struct rules *rules) {
    rules->records--;
}

// ---- names --------------------------------------------------------------------------------------

static uint16_t unit_at(const cmrp_slot *text, size_t index) {
    const uint16_t unit = cmrp_load_u16(text->bytes.data + 2 * index, text->order);
    return unit >= 'A' && unit <= 'Z' ? (uint16_t)(unit - 'A' + 'a') : unit;
}

// Objects can be opened by their identifiers, too: a number, or a GUID.
static bool is_identifier(const struct notify_name *name) {
    for (size_t i = 0; i < name->count; i++) {
        const uint16_t unit = name->units[i];
        if (!(unit >= '0' && unit <= '9') && !(unit >= 'a' && unit <= 'f') && unit != '-' &&
            unit != '{' && unit != '}') {
            return false;
        }
    }
    return true;
}

static struct notify_name *read_name(const struct sight *s, const cmrp_slot *text) {
    const size_t count = text->bytes.size / 2;
    if (text->null || count == 0 || count > NOTIFY_NAME_UNITS || !notify_record(s)) {
        return NULL;
    }
    struct notify_name *name = util_alloc(sizeof *name + count * sizeof name->units[0]);
    name->users = 1;
    name->count = count;
    for (size_t i = 0; i < count; i++) {
        name->units[i] = unit_at(text, i);
    }
    if (is_identifier(name)) {
        notify_drop(s->rules, name);
        return NULL;
    }
    return name;
}

struct notify_name *notify_share(struct notify_name *name) {
    if (name != NULL) {
        name->users++;
    }
    return name;
}

void notify_drop(struct rules *rules, struct notify_name *name) {
    if (name != NULL && --name->users == 0) {
        notify_unrecord(rules);
        free(name);
    }
}

enum notify_likeness notify_compare(const struct notify_name *name, const cmrp_slot *text) {
    const size_t count = text->bytes.size / 2;
    bool same = name->count == count;
    bool plain = true;
    for (size_t i = 0; i < name->count || i < count; i++) {
        const uint16_t a = i < name->count ? name->units[i] : 0;
        const uint16_t b = i < count ? unit_at(text, i) : 0;
        plain = plain && a < 0x80 && b < 0x80; // of other letters the case is not known here
        if (a != b && same) {
            same = false;
        }
        if ((a == 0 && b == '.') || (b == 0 && a == '.')) {
            return NOTIFY_UNCLEAR; // a computer, with its domain or without
        }
        if (a == 0 || b == 0) {
            break;
        }
    }
    return same ? NOTIFY_SAME : plain ? NOTIFY_OTHER : NOTIFY_UNCLEAR;
}

// Names are known of what was opened, or created, by name.
static void learn_name(const struct sight *s) {
    const struct rules_side *in = &s->call->request, *out = &s->call->response;
    if (!in->decoded || !out->decoded || out->format.method->count == 0) {
        return;
    }
    const cmrp_method *method = out->format.method;
    const uint32_t last = method->count - 1;
    switch (method->params[last].meaning) {
    case CMRP_MEANS_HNODE:
    case CMRP_MEANS_HGROUP:
    case CMRP_MEANS_HRES:
    case CMRP_MEANS_HNETWORK:
    case CMRP_MEANS_HNETINTERFACE: break;
    default: return;
    }
    struct rules_handle *handle = handle_find(s, &out->slots[last]);
    if (handle == NULL || handle->closed || handle->name != NULL || !sight_succeeded(s)) {
        return;
    }
    for (uint32_t i = 0; i < method->count; i++) {
        if (in->slots[i].present && method->params[i].kind == CMRP_KIND_STRING) {
            handle->name = read_name(s, &in->slots[i]);
            return;
        }
    }
}

// ---- ports --------------------------------------------------------------------------------------

unsigned notify_version_of(const struct rules_handle *handle) {
    if (handle == NULL || handle->meaning != CMRP_MEANS_HNOTIFY) {
        return 0;
    }
    return handle->opnum == 55 ? 1 : handle->opnum == 137 ? 2 : 0;
}

struct notify_port *notify_port_of(const struct sight *s, struct rules_handle **handle) {
    const struct rules_side *in = &s->call->request;
    *handle = NULL;
    if (!in->decoded || in->format.method->count == 0 ||
        in->format.method->params[0].meaning != CMRP_MEANS_HNOTIFY) {
        return NULL;
    }
    *handle = handle_find(s, &in->slots[0]);
    return *handle != NULL && !(*handle)->closed && (*handle)->group == s->connection->group
               ? (*handle)->notify
               : NULL;
}

bool notify_sees_all(const struct sight *s) {
    const struct rules_group *group = s->connection->group;
    return !group->blind && !group->lost && !group->notify_blind;
}

bool notify_adding(const struct sight *s, const struct rules_handle *handle) {
    const struct rules_group *group = s->connection->group;
    for (const struct flight *f = group->adding > 0 ? group->flights : NULL; f != NULL;
         f = f->next) {
        if (f != s->flight && (f->traits & TRAIT_ADDS) != 0 &&
            (!f->known || memcmp(f->handle, handle->key.octets, sizeof f->handle) == 0)) {
            return true;
        }
    }
    return false;
}

static void create_port(const struct sight *s) {
    struct rules_handle *handle = handle_named(s, true, "return");
    if (handle == NULL || handle->closed || !sight_succeeded(s) || notify_version_of(handle) == 0 ||
        handle->notify != NULL || !notify_record(s)) {
        return;
    }
    handle->notify = util_alloc(sizeof *handle->notify);
    handle->notify->version = notify_version_of(handle);
    handle->notify->end = &handle->notify->filters;
}

static void forget_port(struct rules *rules, struct notify_port *port) {
    while (port->filters != NULL) {
        struct notify_filter *filter = port->filters;
        port->filters = filter->next;
        notify_drop(rules, filter->name);
        notify_unrecord(rules);
        free(filter);
    }
    notify_unrecord(rules);
    free(port);
}

// ---- filters ------------------------------------------------------------------------------------

static void read_object(const struct sight *s, struct notify_filter *filter) {
    const struct rules_side *in = &s->call->request;
    const cmrp_slot *object =
        filter->adder->object != NULL ? sight_slot(in, filter->adder->object) : NULL;
    if (filter->adder->scope == CMRP_SCOPE_RESOURCE_TYPE) {
        const cmrp_slot *name = sight_slot(in, "resTypeName");
        filter->targeted = true;
        filter->name = name != NULL ? read_name(s, name) : NULL;
    } else if (object != NULL) {
        const struct rules_handle *handle = handle_find(s, object);
        const cmrp_slot *targeted = sight_slot(in, "isTargetedAtObject");
        memcpy(filter->object, object->handle, sizeof filter->object);
        filter->meaning = filter->adder->meaning == CMRP_MEANS_HGENERIC && handle != NULL
                              ? handle->meaning
                              : filter->adder->meaning;
        filter->targeted = filter->adder->scope != CMRP_SCOPE_CLUSTER &&
                           (targeted == NULL || targeted->value != 0);
        filter->name = filter->targeted && handle != NULL && !handle->closed
                           ? notify_share(handle->name)
                           : NULL;
    }
}

// What a request registers; false where it cannot be told.
static bool read_filter(const struct sight *s, const struct notify_adder *adder,
                        struct notify_filter *filter) {
    const struct rules_side *in = &s->call->request;
    const cmrp_slot *key = sight_slot(in, "dwNotifyKey");
    const cmrp_slot *flags = sight_slot(in, adder->filter);
    flags = flags != NULL ? flags : sight_slot(in, "dwFilter");
    if (key == NULL || flags == NULL) {
        return false;
    }
    *filter = (struct notify_filter){.adder = adder, .key = (uint32_t)key->value};
    filter->flags = flags->value;
    if (adder->scope == CMRP_SCOPE_V2) {
        cmrp_slot members[CMRP_MAX_PARAMS];
        cmrp_rows rows = flags->rows;
        if (!cmrp_rows_next(&rows, members)) {
            return false;
        }
        filter->object_type = (uint32_t)members[0].value;
        filter->flags = members[1].value;
    } else if (adder->scope == CMRP_SCOPE_RESOURCE_TYPE) {
        filter->object_type = 4;
    }
    read_object(s, filter);
    return true;
}

static struct notify_filter *find_same(struct notify_port *port, const struct notify_filter *like) {
    struct notify_filter *f = port->filters;
    while (f != NULL &&
           (f->adder != like->adder || f->key != like->key || f->object_type != like->object_type ||
            f->flags != like->flags || f->targeted != like->targeted || f->name != like->name ||
            memcmp(f->object, like->object, sizeof f->object) != 0)) {
        f = f->next;
    }
    return f;
}

// The answer may have come after indications, and may not have come at all.
static void add_filter(const struct sight *s, const struct notify_adder *adder) {
    struct rules_handle *handle;
    struct notify_port *port = notify_port_of(s, &handle);
    struct notify_filter read;
    uint32_t status = 0;
    const bool answered = sight_status(s, &status);
    if (port == NULL || (answered && status != 0)) {
        return;
    }
    if (!read_filter(s, adder, &read)) {
        port->unsure = true;
        return;
    }
    struct notify_filter *filter = find_same(port, &read);
    if (filter != NULL) {
        notify_drop(s->rules, read.name);
    } else if (port->count < FILTERS && notify_record(s)) {
        filter = util_alloc(sizeof *filter);
        *filter = read;
        port->count++;
        *port->end = filter;
        port->end = &filter->next;
    } else {
        notify_drop(s->rules, read.name);
        port->unsure = true;
        return;
    }
    filter->sure = filter->sure || answered;
    const cmrp_slot *sequence = sight_slot(&s->call->response, "dwStateSequence");
    if (answered && sequence != NULL) {
        notify_sequence_of(filter, (uint32_t)sequence->value, s->call->call->response.stamp.frame);
    }
}

// ---- calls --------------------------------------------------------------------------------------

// What is under way on the port when a request comes.
static void look_around(const struct rules_group *group, struct notify_port *port,
                        struct flight *flight) {
    bool waits = false, unblocked = false;
    for (const struct flight *f = group->flights; f != NULL; f = f->next) {
        const bool here = f->known && memcmp(f->handle, flight->handle, sizeof f->handle) == 0;
        unblocked = unblocked || (f->opnum == 107 && (here || !f->known));
        waits = waits || (here && notify_gets(f->opnum) && f->frame > port->unblocked);
    }
    if (notify_gets(flight->opnum)) {
        port->retrieved = true;
    } else if (flight->opnum == 107) {
        port->relieved = port->relieved || waits;
    } else if (flight->opnum == 56) {
        flight->version = port->version;
        flight->filtered = port->filters != NULL && port->filters->sure;
        flight->retrieved = port->retrieved;
        flight->waits = waits && !unblocked;
        flight->relieved = port->relieved || (waits && unblocked);
    }
}

void notify_on_request(const struct sight *s, struct flight *flight) {
    cmrp_slot slot = {0};
    if (flight->known) {
        memcpy(slot.handle, flight->handle, sizeof slot.handle);
        const struct rules_handle *handle = handle_find(s, &slot);
        if (handle != NULL && !handle->closed && handle->notify != NULL &&
            handle->group == s->connection->group) {
            look_around(handle->group, handle->notify, flight);
        }
    }
}

// Of a call that could not be read nobody knows which port it was for.
static bool unreadable(const struct sight *s, const struct notify_adder *adder) {
    const struct assoc_call *call = s->call->call;
    return call->request.state == ASSOC_ABSENT ||
           (!s->call->request.decoded && (adder != NULL || call->opnum == 55 || call->opnum == 56 ||
                                          call->opnum == 107 || call->opnum == 137));
}

static void unblock(const struct sight *s) {
    struct rules_handle *handle;
    struct notify_port *port = notify_port_of(s, &handle);
    if (port != NULL && s->call->call->request.stamp.frame > port->unblocked) {
        port->unblocked = s->call->call->request.stamp.frame;
    }
}

void notify_on_call(const struct sight *s) {
    const uint16_t opnum = s->call->call->opnum;
    const struct notify_adder *adder = notify_adder_of(s->rules, opnum);
    const struct notify_getter *getter = notify_getter_of(s);
    if (sight_interface(s) == 0) {
        return;
    }
    if (unreadable(s, adder)) {
        s->connection->group->notify_blind = true;
    }
    learn_name(s);
    if (adder != NULL && s->call->request.decoded) {
        notify_judge_registration(s, adder);
        notify_judge_readd(s, adder);
        add_filter(s, adder);
        notify_sequence_added(s, adder);
    } else if (getter != NULL) {
        notify_judge_completion(s, getter);
        notify_judge_indications(s, getter);
    } else if (opnum == 55 || opnum == 137) {
        create_port(s);
    } else if (opnum == 56 || opnum == 107) {
        if (opnum == 56) {
            notify_judge_close(s);
        }
        unblock(s); // whoever waits is told of a Close that fails, too
    }
}

void notify_forget(struct rules *rules, struct rules_handle *handle) {
    if (handle->notify != NULL) {
        forget_port(rules, handle->notify);
        handle->notify = NULL;
    }
    notify_drop(rules, handle->name);
    handle->name = NULL;
}
