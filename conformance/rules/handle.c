// SPDX-License-Identifier: Apache-2.0
// Context handles over their life: who gave them, to which association, until when.
#include <string.h>

#include "rules/state.h"

#include <utlist.h>

static const uint8_t null_handle[CMRP_HANDLE_SIZE];

static bool is_null(const cmrp_slot *slot) {
    return memcmp(slot->handle, null_handle, sizeof null_handle) == 0;
}

// ---- the table ----------------------------------------------------------------------------------

static uint64_t load(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

// Handles are made by those who are judged: the multiplications spread what they count in.
static unsigned hash_of(const struct rules_server *server, const uint8_t *octets) {
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (uint64_t)(uintptr_t)server * prime;
    for (size_t at = 4; at < CMRP_HANDLE_SIZE; at += sizeof hash) { // attributes are commonly 0
        hash = (hash ^ hash >> 32 ^ load(octets + at)) * prime;
    }
    return (unsigned)(hash >> 32);
}

static struct rules_handle *bucket_of(struct rules *r, struct rules_server *server,
                                      const uint8_t *octets, struct rules_handle_key *key) {
    const unsigned hash = hash_of(server, octets);
    struct rules_handle *first;
    memset(key, 0, sizeof *key);
    key->server = server;
    memcpy(key->octets, octets, CMRP_HANDLE_SIZE);
    HASH_FIND_BYHASHVALUE(hh, r->handles, key, sizeof *key, hash, first);
    return first;
}

// Of handles with the same octets the one of this association.
static struct rules_handle *of_group(struct rules_handle *first, const struct rules_group *group) {
    struct rules_handle *handle = first;
    while (handle != NULL && handle->group != group) {
        handle = handle->same;
    }
    return handle;
}

// Whether it may be one of this association's, as far as that is known.
static bool may_be_of(const struct rules_handle *handle, const struct rules_group *group) {
    const struct rules_end *client = &handle->group->client;
    return (group->id == 0 || handle->group->id == 0) && client->family == group->client.family &&
           memcmp(client->address, group->client.address, sizeof client->address) == 0;
}

// That of this association, else the only one that may be. Of one that was forgotten it is not
// known whether it was another.
static struct rules_handle *pick(const struct rules *r, struct rules_handle *first,
                                 const struct rules_group *group) {
    struct rules_handle *handle = of_group(first, group);
    if (handle != NULL || r->noted_limit) {
        return handle;
    }
    for (struct rules_handle *h = first; h != NULL; h = h->same) {
        if (may_be_of(h, group)) {
            if (handle != NULL) {
                return NULL;
            }
            handle = h;
        }
    }
    return handle;
}

static size_t place_of(const uint8_t *octets) {
    uint64_t sum = load(octets + 4);
    sum ^= sum >> 32;
    sum ^= sum >> 16;
    return (sum ^ sum >> 8) % FOUND;
}

static struct rules_handle *find(const struct sight *s, const cmrp_slot *slot) {
    struct rules_handle_key key;
    struct rules_server *server = s->connection->group->server;
    struct rules_connection *c = s->connection;
    if (slot == NULL) {
        return NULL;
    }
    if (c->found_at != s->rules->forgotten) {
        memset(c->found, 0, sizeof c->found);
        c->found_at = s->rules->forgotten;
    }
    // A call asks for the same one again and again.
    struct rules_handle **place = &c->found[place_of(slot->handle)];
    struct rules_handle *found = *place;
    if (found == NULL || found->key.server != server ||
        memcmp(found->key.octets, slot->handle, sizeof found->key.octets) != 0) {
        found = is_null(slot) ? NULL : bucket_of(s->rules, server, slot->handle, &key);
        *place = found;
    }
    return found;
}

struct rules_handle *handle_find(const struct sight *s, const cmrp_slot *slot) {
    return pick(s->rules, find(s, slot), s->connection->group);
}

struct rules_handle *handle_named(const struct sight *s, bool response, const char *name) {
    return handle_find(s, sight_slot(response ? &s->call->response : &s->call->request, name));
}

static void unlink_bucket(struct rules *r, struct rules_handle *handle) {
    struct rules_handle_key key;
    r->forgotten++;
    struct rules_handle *first = bucket_of(r, handle->key.server, handle->key.octets, &key);
    if (first != handle) {
        while (first->same != handle) {
            first = first->same;
        }
        first->same = handle->same;
        return;
    }
    HASH_DEL(r->handles, handle);
    if (handle->same != NULL) {
        first = handle->same;
        HASH_ADD_BYHASHVALUE(hh, r->handles, key, sizeof first->key,
                             hash_of(key.server, key.octets), first);
    }
}

static void forget(struct rules *r, struct rules_handle *handle) {
    if (!handle->closed) {
        notify_forget(r, handle);
        model_forget(handle);
    }
    DL_DELETE2(*(handle->closed ? &r->closed : &r->open), handle, age_prev, age_next);
    DL_DELETE2(handle->group->handles, handle, group_prev, group_next);
    unlink_bucket(r, handle);
    r->handle_count--;
    free(handle);
}

static void make_room(const struct sight *s) {
    struct rules *r = s->rules;
    if (r->handle_count < r->limits.handles) {
        return;
    }
    rules_say_limit(r, &s->call->call->response.stamp,
                    "more handles than are remembered: rules about forgotten ones are silent");
    struct rules_handle *oldest = r->closed != NULL ? r->closed : r->open;
    struct rules_group *group = oldest->group;
    group->unseen = UINT32_MAX; // of another kind, too: it may be used as what it is not
    if (!oldest->closed) {
        rules_blind_group(group);
    }
    forget(r, oldest);
}

static void mark_closed(struct rules *r, struct rules_handle *handle, uint64_t frame) {
    if (!handle->closed) {
        notify_forget(r, handle);
        model_forget(handle);
        DL_DELETE2(r->open, handle, age_prev, age_next);
        DL_APPEND2(r->closed, handle, age_prev, age_next);
        handle->closed = true;
        handle->closed_at = frame;
    }
}

static struct rules_handle *add(const struct sight *s, const uint8_t *octets) {
    struct rules *r = s->rules;
    struct rules_group *group = s->connection->group;
    struct rules_handle_key key;
    make_room(s);
    struct rules_handle *handle = util_alloc(sizeof *handle);
    struct rules_handle *first = bucket_of(r, group->server, octets, &key);
    handle->key = key;
    handle->group = group;
    if (first != NULL) {
        handle->same = first->same;
        first->same = handle;
    } else {
        HASH_ADD_BYHASHVALUE(hh, r->handles, key, sizeof handle->key,
                             hash_of(key.server, key.octets), handle);
    }
    DL_APPEND2(group->handles, handle, group_prev, group_next);
    DL_APPEND2(r->open, handle, age_prev, age_next);
    r->handle_count++;
    return handle;
}

// The bit of a handle's kind, CMRP_MEANS_H….
static uint32_t handle_bit(unsigned meaning) {
    return 1u << (meaning - CMRP_MEANS_HCLUSTER);
}

// ---- what a request's handles are ---------------------------------------------------------------

// A call under way may have given it, and its answer may have been recorded late.
static bool is_opening(const struct sight *s) {
    const bool own = s->flight != NULL && (s->flight->traits & TRAIT_OPENS) != 0;
    return s->connection->group->opening > (own ? 1 : 0);
}

static enum handle_fault check_absent(const struct sight *s, unsigned meaning,
                                      const struct rules_handle *elsewhere) {
    const struct rules_group *group = s->connection->group;
    const unsigned any = handle_bit(CMRP_MEANS_HGENERIC);
    if (group->blind || group->lost || (group->unseen & (handle_bit(meaning) | any)) != 0 ||
        (meaning == CMRP_MEANS_HGENERIC && group->unseen != 0) || is_opening(s)) {
        return HANDLE_UNKNOWABLE;
    }
    return elsewhere != NULL ? HANDLE_FOREIGN : HANDLE_UNGIVEN;
}

enum handle_fault handle_check(const struct sight *s, const cmrp_param *p, const cmrp_slot *slot,
                               struct rules_handle **handle) {
    const uint64_t asked = s->call->call->request.stamp.frame;
    const struct rules_group *group = s->connection->group;
    struct rules_handle *first = find(s, slot);
    struct rules_handle *h = *handle = pick(s->rules, first, group);
    if (is_null(slot)) {
        return HANDLE_NULL;
    }
    if (h == NULL) {
        *handle = first;
        return check_absent(s, p->meaning, first);
    }
    if (group->lost || h->group->lost || h->uncertain) {
        return HANDLE_UNKNOWABLE;
    }
    if (h->opened >= asked) { // what it was when it was used is not known any more
        return h->again ? HANDLE_UNKNOWABLE : check_absent(s, p->meaning, NULL);
    }
    if (p->meaning != CMRP_MEANS_HGENERIC && p->meaning != h->meaning) {
        return HANDLE_KIND;
    }
    if (!h->closed) {
        return HANDLE_VALID;
    }
    return h->closed_at < asked ? HANDLE_CLOSED : HANDLE_UNKNOWABLE;
}

// ---- handles given and closed -------------------------------------------------------------------

static bool gives(const cmrp_param *p) {
    return p->kind == CMRP_KIND_HANDLE && p->directions == CMRP_OUT;
}

static bool closes(const cmrp_param *p) {
    return p->kind == CMRP_KIND_HANDLE && p->directions == (CMRP_IN | CMRP_OUT);
}

void handle_begin(struct rules *r) {
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *method = cmrp_method_at(i);
        for (uint32_t p = 0; p < method->count; p++) {
            const cmrp_param *param = &method->params[p];
            r->traits[method->opnum] |= gives(param)    ? TRAIT_OPENS
                                        : closes(param) ? TRAIT_CLOSES
                                                        : 0;
        }
    }
}

// It may have been closed.
static void doubt(const struct sight *s, const cmrp_slot *slot) {
    struct rules_handle *handle = handle_find(s, slot);
    if (handle != NULL) {
        handle->uncertain = true;
    }
}

// The outcome of this call is not known.
static void learn_nothing(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    const cmrp_method *method = s->call->method;
    struct rules_group *group = s->connection->group;
    if (call->request.state == ASSOC_ABSENT) {
        group->lost = true;
        group->unseen = UINT32_MAX;
        return;
    }
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        const unsigned protocol =
            call->interface.version == CMRP_INTERFACE_2 ? CMRP_PROTOCOL_2 : CMRP_PROTOCOL_3;
        if ((p->protocols & protocol) == 0) {
            continue;
        }
        if (gives(p)) {
            group->unseen |= handle_bit(p->meaning);
        } else if (closes(p) && s->call->request.decoded) {
            doubt(s, &s->call->request.slots[i]);
        } else if (closes(p)) {
            group->lost = true;
        }
    }
}

static void give(const struct sight *s, unsigned meaning, const cmrp_slot *slot) {
    struct rules *r = s->rules;
    struct rules_handle *handle = of_group(find(s, slot), s->connection->group);
    if (is_null(slot)) {
        return;
    }
    if (handle == NULL) {
        handle = add(s, slot->handle);
    } else {
        handle->again = handle->again || handle->closed;
        handle->uncertain = handle->uncertain || !handle->closed;
        mark_closed(r, handle, 0);
        DL_DELETE2(r->closed, handle, age_prev, age_next);
        DL_APPEND2(r->open, handle, age_prev, age_next);
    }
    handle->closed = false;
    handle->closed_at = 0;
    handle->meaning = meaning;
    handle->opnum = s->call->call->opnum;
    handle->interface = s->call->call->interface.version;
    handle->opened = s->call->call->response.stamp.frame;
}

// `cleared`: the response says so, too.
static void close_handle(const struct sight *s, const cmrp_slot *slot, bool cleared) {
    struct rules_handle *handle = handle_find(s, slot);
    if (handle != NULL) {
        mark_closed(s->rules, handle, s->call->call->response.stamp.frame);
        handle->uncertain = handle->uncertain || !cleared;
    }
}

static void learn(const struct sight *s) {
    const struct rules_side *in = &s->call->request, *out = &s->call->response;
    const cmrp_method *method = s->call->method;
    if (s->call->call->faulted) {
        return; // nothing was done, or nothing that the client can know of
    }
    if (method == NULL && s->call->call->request.state != ASSOC_ABSENT) {
        return; // all that give or close handles are described
    }
    if (!in->decoded || !out->decoded) {
        learn_nothing(s);
        return;
    }
    const bool succeeded = sight_succeeded(s);
    for (unsigned n = 0; n < s->facts->handle_count; n++) {
        const uint32_t i = s->facts->handles[n];
        const cmrp_param *p = &method->params[i];
        if (!out->slots[i].present) {
            continue;
        }
        if (gives(p)) {
            if (succeeded) {
                give(s, p->meaning, &out->slots[i]);
            } else if (!is_null(&out->slots[i])) {
                s->connection->group->unseen |= handle_bit(p->meaning); // whatever it is
            }
        } else if (succeeded) {
            close_handle(s, &in->slots[i], is_null(&out->slots[i]));
        }
    }
}

// Of several handles that may be meant none is known any more.
static void doubt_ambiguous(const struct sight *s) {
    const struct rules_side *in = &s->call->request;
    const struct rules_group *group = s->connection->group;
    for (uint32_t i = 0; in->decoded && i < s->call->method->count; i++) {
        if (s->call->method->params[i].kind != CMRP_KIND_HANDLE || !in->slots[i].present) {
            continue;
        }
        struct rules_handle *h = find(s, &in->slots[i]);
        if (pick(s->rules, h, group) == NULL) {
            for (; h != NULL; h = h->same) {
                if (may_be_of(h, group)) {
                    rules_blind_group(h->group);
                }
            }
        }
    }
}

void handle_on_call(const struct sight *s) {
    doubt_ambiguous(s);
    handle_judge(s);
    learn(s);
}

void handle_run_down(struct rules *r, struct rules_group *group) {
    while (group->handles != NULL) {
        forget(r, group->handles);
    }
}

void handle_end(struct rules *r) {
    struct rules_handle *handle;
    while ((handle = r->open != NULL ? r->open : r->closed) != NULL) {
        forget(r, handle);
    }
}
