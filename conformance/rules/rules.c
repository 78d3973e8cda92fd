// SPDX-License-Identifier: Apache-2.0
// The table of rules; servers, associations, connections; counts and findings.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/state.h"

enum { DEFAULT_HANDLES = 1 << 18, DEFAULT_RECORDS = 1 << 18, DEFAULT_PARTIES = 4096 };
enum { GROUPS = 4096 }; // of a server that are told apart when one of them must be blind

// ---- the table ----------------------------------------------------------------------------------

enum { LEVEL_SHOULD, LEVEL_MUST };

static const struct rule rules[] = {
#define RULE(id, name, requirement, level, role, section, advice)                                  \
    {name,                                                                                         \
     requirement,                                                                                  \
     LEVEL_##level == LEVEL_MUST,                                                                  \
     RULES_##role,                                                                                 \
     section,                                                                                      \
     advice,                                                                                       \
     RULE_##id >= (int)RULE_COUNT - (int)COMPLETE_COUNT},
#include "rules/rules.def"
#undef RULE
    {0}, // so that the table is never empty
};

const char *rules_role_name(enum rules_role role) {
    return role == RULES_CLIENT ? "client" : "server";
}

size_t rules_count(void) {
    return RULE_COUNT;
}

const struct rule *rules_at(size_t index) {
    return &rules[index];
}

size_t rules_named(const char *name) {
    size_t i = 0;
    while (i < rules_count() && strcmp(rules[i].name, name) != 0) {
        i++;
    }
    return i;
}

// ---- parties ------------------------------------------------------------------------------------

static struct rules_counter *add_counter(struct rules *r, const struct rules_party_key *key) {
    struct rules_counter *c = util_alloc(sizeof *c);
    c->key = *key;
    HASH_ADD(hh, r->counters, key, sizeof c->key, c);
    *(r->last_counter != NULL ? &r->last_counter->next : &r->first_counter) = c;
    r->last_counter = c;
    return c;
}

static struct rules_counter *counter_of(struct rules *r, const struct rules_end *end,
                                        enum rules_role role) {
    struct rules_party_key key;
    struct rules_counter *c;
    memset(&key, 0, sizeof key);
    memcpy(key.address, end->address, sizeof key.address);
    key.family = end->family;
    key.role = (uint8_t)role;
    HASH_FIND(hh, r->counters, &key, sizeof key, c);
    if (c == NULL && HASH_COUNT(r->counters) >= r->limits.parties) {
        memset(&key, 0, sizeof key);
        key.role = (uint8_t)role;
        HASH_FIND(hh, r->counters, &key, sizeof key, c);
    }
    if (c == NULL) {
        c = add_counter(r, &key);
        c->others = key.family == 0;
    }
    return c;
}

bool rules_party_at(const struct rules *r, size_t index, struct rules_party *party) {
    const struct rules_counter *c = r->first_counter;
    while (c != NULL && index > 0) {
        c = c->next;
        index--;
    }
    if (c == NULL) {
        return false;
    }
    *party = (struct rules_party){.role = (enum rules_role)c->key.role,
                                  .others = c->others,
                                  .calls = c->calls,
                                  .checked = c->checked,
                                  .findings = c->findings};
    memcpy(party->end.address, c->key.address, sizeof party->end.address);
    party->end.family = c->key.family;
    return true;
}

// ---- connections --------------------------------------------------------------------------------

static struct rules_server *find_server(const struct rules *r, const struct rules_end *end,
                                        struct rules_end *key) {
    struct rules_server *server;
    memset(key, 0, sizeof *key); // padding counts in the hash
    memcpy(key->address, end->address, sizeof key->address);
    key->port = end->port;
    key->family = end->family;
    HASH_FIND(hh, r->servers, key, sizeof *key, server);
    return server;
}

static struct rules_server *server_of(struct rules *r, const struct rules_end *end) {
    struct rules_end key;
    struct rules_server *server = find_server(r, end, &key);
    if (server == NULL && HASH_COUNT(r->servers) >= r->limits.parties) {
        memset(&key, 0, sizeof key); // all others together
        HASH_FIND(hh, r->servers, &key, sizeof key, server);
    }
    if (server == NULL) {
        server = util_alloc(sizeof *server);
        memcpy(&server->end, &key, sizeof key);
        HASH_ADD(hh, r->servers, end, sizeof server->end, server);
    }
    return server;
}

static struct rules_group *add_group(struct rules_server *server, uint32_t id, bool blind) {
    struct rules_group *group = util_alloc(sizeof *group);
    group->server = server;
    group->id = id;
    group->blind = blind || server->doubtful;
    group->lost = server->end.family == 0 || server->doubtful; // several servers in one
    if (group->blind || group->lost) {
        model_lose(server);
    }
    if (id != 0) {
        HASH_ADD(hh, server->groups, id, sizeof group->id, group);
    }
    return group;
}

static void leave_group(struct rules *r, struct rules_connection *c) {
    struct rules_group *group = c->group;
    c->group = NULL;
    if (--group->connections > 0) {
        return;
    }
    handle_run_down(r, group);
    notify_group_end(r, group);
    flight_forget(r, group);
    withdraw_forget(r, group);
    if (group->id != 0) {
        HASH_DEL(group->server->groups, group);
    }
    free(group);
}

// The connection belongs to this group from now on; a group that was not seen before is blind
// unless the server has just made it.
static void join_group(struct rules *r, struct rules_connection *c, uint32_t id, bool made) {
    struct rules_group *group = NULL;
    if (c->group != NULL && c->group->id == id) { // bound again
        return;
    }
    struct rules_server *server =
        c->group != NULL ? c->group->server : server_of(r, &c->peers.server);
    if (id != 0) {
        HASH_FIND(hh, server->groups, &id, sizeof id, group);
    }
    if (group == NULL) {
        group = add_group(server, id, id == 0 || !made || !c->peers.whole);
    }
    if (group->connections++ == 0) {
        group->client = c->peers.client;
    }
    if (!c->peers.whole) {
        rules_blind_group(group);
    }
    if (c->group != NULL) {
        leave_group(r, c);
    }
    c->group = group;
}

// A connection whose group was not seen may be of any of its client's.
static void blind_client(struct rules *r, struct rules_server *server,
                         const struct rules_end *client, uint64_t since) {
    struct rules_group *group, *next;
    if (server->doubtful) {
        return;
    }
    model_lose(server);
    server->doubtful = HASH_COUNT(server->groups) > GROUPS;
    HASH_ITER(hh, server->groups, group, next) {
        if (server->doubtful ||
            (group->client.family == client->family &&
             memcmp(group->client.address, client->address, sizeof client->address) == 0)) {
            rules_blind_group(group);
            withdraw_since(r, group, since);
        }
    }
}

static void join_unbound(struct rules *r, struct rules_connection *c,
                         const struct assoc_call *call) {
    join_group(r, c, call->group, false);
    if (call->group == 0 && !call->connectionless) {
        const bool asked = call->request.state != ASSOC_ABSENT;
        blind_client(r, c->group->server, &c->peers.client,
                     asked ? call->request.stamp.frame : call->response.stamp.frame);
    }
}

static struct rules_connection *find_connection(struct rules *r, const struct rules_peers *peers) {
    struct rules_connection **recent = &r->recent[peers->connection % RECENT];
    if (*recent == NULL || (*recent)->id != peers->connection) {
        HASH_FIND(hh, r->connections, &peers->connection, sizeof peers->connection, *recent);
    }
    return *recent;
}

static struct rules_connection *connection_of(struct rules *r, const struct rules_peers *peers) {
    struct rules_connection *c = find_connection(r, peers);
    if (c == NULL) {
        c = util_alloc(sizeof *c);
        c->id = peers->connection;
        c->peers = *peers;
        c->counter[RULES_CLIENT] = counter_of(r, &peers->client, RULES_CLIENT);
        c->counter[RULES_SERVER] = counter_of(r, &peers->server, RULES_SERVER);
        HASH_ADD(hh, r->connections, id, sizeof c->id, c);
        r->recent[c->id % RECENT] = c;
    }
    return c;
}

void rules_blind_group(struct rules_group *group) {
    group->lost = true;
    group->blind = true;
    model_lose(group->server);
}

// ---- events -------------------------------------------------------------------------------------

static struct sight sight_of(struct rules *r, struct rules_connection *c) {
    return (struct sight){.rules = r,
                          .connection = c,
                          .checked = {[RULES_CLIENT] = c->counter[RULES_CLIENT]->checked,
                                      [RULES_SERVER] = c->counter[RULES_SERVER]->checked}};
}

static const struct rules_facts *facts_of(struct rules *r, const struct rules_call *call) {
    const cmrp_method *method = call->method;
    struct rules_facts *facts =
        &r->facts[call->call->interface.version == CMRP_INTERFACE_3][method->opnum];
    if (!facts->known) {
        facts->known = true;
        for (uint32_t i = 0; i < method->count; i++) {
            if (method->params[i].kind == CMRP_KIND_HANDLE && facts->handle_count < FACTS) {
                facts->handles[facts->handle_count++] = (uint8_t)i;
            }
        }
        for (uint32_t i = method->count; i-- > 0;) {
            if (method->params[i].meaning == CMRP_MEANS_STATUS && facts->status_count < FACTS) {
                facts->statuses[facts->status_count++] = (uint8_t)i;
            }
        }
    }
    return facts;
}

static void read_status(struct sight *s) {
    const struct rules_side *side = &s->call->response;
    s->has_status = side->decoded;
    for (unsigned n = 0; side->decoded && n < s->facts->status_count && s->status == 0; n++) {
        const cmrp_slot *slot = &side->slots[s->facts->statuses[n]];
        s->status = slot->present ? (uint32_t)slot->value : 0;
    }
}

static unsigned interface_of(const struct assoc_call *call) {
    const unsigned version = call->interface.version;
    return version == CMRP_INTERFACE_2 || version == CMRP_INTERFACE_3 ? version : 0;
}

void rules_bind(struct rules *r, const struct rules_peers *peers, const struct assoc_bind *bind) {
    struct rules_connection *c = connection_of(r, peers);
    struct sight s = sight_of(r, c);
    s.bind = bind;
    if (bind->answer != NULL && bind->answer->header.ptype == CMRP_PTYPE_BIND_ACK) {
        join_group(r, c, bind->answer->assoc_group_id, bind->offer->assoc_group_id == 0);
    }
    bind_on_bind(&s);
}

void rules_request(struct rules *r, const struct rules_peers *peers,
                   const struct assoc_call *call) {
    struct rules_connection *c = connection_of(r, peers);
    if (c->group == NULL) {
        join_unbound(r, c, call);
    }
    const struct sight s = sight_of(r, c);
    flight_start(&s, call);
}

void rules_call(struct rules *r, const struct rules_peers *peers, const struct rules_call *call) {
    struct rules_connection *c = connection_of(r, peers);
    struct sight s = sight_of(r, c);
    s.call = call;
    s.interface = interface_of(call->call);
    if (call->method != NULL) {
        s.facts = facts_of(r, call);
        read_status(&s);
    }
    if (c->group == NULL) {
        join_unbound(r, c, call->call);
    }
    s.flight = flight_of(r, c, call->call);
    c->counter[RULES_CLIENT]->calls++;
    c->counter[RULES_SERVER]->calls++;
    bind_on_call(&s);
    field_on_call(&s);
    handle_on_call(&s);
    notify_on_call(&s);
    batch_on_call(&s);
    if (r->limits.complete) {
        model_on_call(&s);
    }
    flight_end(r, c->group, s.flight);
}

void rules_blind(struct rules *r, const struct rules_peers *peers, uint64_t since) {
    struct rules_connection *c = connection_of(r, peers);
    c->peers.whole = false;
    if (c->group != NULL) {
        rules_blind_group(c->group);
        withdraw_since(r, c->group, since);
    } else {
        rules_doubt(r, &peers->client, &peers->server, since);
    }
}

void rules_doubt(struct rules *r, const struct rules_end *client, const struct rules_end *server,
                 uint64_t since) {
    struct rules_end key;
    struct rules_server *found = find_server(r, server, &key);
    if (found == NULL) { // it may be among all others
        memset(&key, 0, sizeof key);
        HASH_FIND(hh, r->servers, &key, sizeof key, found);
    }
    if (found != NULL) {
        blind_client(r, found, client, since);
    }
}

void rules_close(struct rules *r, const struct rules_peers *peers) {
    struct rules_connection *c = find_connection(r, peers);
    if (c == NULL) {
        return;
    }
    if (c->group != NULL) {
        leave_group(r, c);
    }
    HASH_DEL(r->connections, c);
    r->recent[c->id % RECENT] = NULL;
    free(c);
}

// ---- a run --------------------------------------------------------------------------------------

struct rules *rules_create(const struct rules_limits *limits, const struct rules_events *events) {
    struct rules *r = util_alloc(sizeof *r);
    if (limits != NULL) {
        r->limits = *limits;
    }
    if (r->limits.handles == 0) {
        r->limits.handles = DEFAULT_HANDLES;
    }
    if (r->limits.records == 0) {
        r->limits.records = DEFAULT_RECORDS;
    }
    if (r->limits.parties == 0) {
        r->limits.parties = DEFAULT_PARTIES;
    }
    r->events = *events;
    handle_begin(r);
    notify_begin(r);
    return r;
}

void rules_destroy(struct rules *r) {
    struct rules_connection *c, *next_c;
    struct rules_server *server, *next_server;
    struct rules_counter *counter, *next_counter;
    if (r == NULL) {
        return;
    }
    HASH_ITER(hh, r->connections, c, next_c) {
        if (c->group != NULL) {
            leave_group(r, c);
        }
        HASH_DEL(r->connections, c);
        free(c);
    }
    batch_end(r);
    flight_free(r);
    notify_end(r);
    handle_end(r);
    HASH_ITER(hh, r->servers, server, next_server) {
        model_end(server);
        HASH_DEL(r->servers, server);
        free(server);
    }
    HASH_ITER(hh, r->counters, counter, next_counter) {
        HASH_DEL(r->counters, counter);
        free(counter);
    }
    free(r);
}

void rules_say_limit(struct rules *r, const struct assoc_stamp *stamp, const char *text) {
    if (!r->noted_limit && r->events.note != NULL) {
        r->events.note(r->events.context, "rules-limit", text, stamp);
    }
    r->noted_limit = true;
}

bool rules_full(const struct sight *s) {
    struct rules *r = s->rules;
    if (r->records < r->limits.records) {
        return false;
    }
    rules_say_limit(r, s->call != NULL ? &s->call->call->response.stamp : &s->bind->answered,
                    "more filters, values and batches than are remembered: rules about forgotten "
                    "ones are silent");
    return true;
}

bool rules_whole(const struct rules *r) {
    const struct rules_server *server;
    for (server = r->servers; server != NULL; server = server->hh.next) {
        if (server->unseen) {
            return false;
        }
    }
    return true;
}

// ---- findings -----------------------------------------------------------------------------------

static uint64_t frame_of(const struct sight *s, size_t rule, enum rules_place place) {
    if (s->call == NULL) {
        return rules[rule].role == RULES_CLIENT ? s->bind->offered.frame : s->bind->answered.frame;
    }
    return place == RULES_RESPONSE ? s->call->call->response.stamp.frame
                                   : s->call->call->request.stamp.frame;
}

// Text that was cut off ends with a whole character.
static void trim(char *text, size_t size, int wanted) {
    if (wanted < 0 || (size_t)wanted < size) {
        return;
    }
    size_t end = size - 1;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80) {
        end--;
    }
    // The character that begins before `end` is whole or is not: it goes in any case.
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0) {
        end--;
    }
    text[end] = '\0';
}

void rule_broken(const struct sight *s, size_t rule, const struct where *where, const char *format,
                 ...) {
    struct rules_counter *counter = s->connection->counter[rules[rule].role];
    struct rules_finding f = {.number = ++s->rules->findings,
                              .rule = rule,
                              .peers = &s->connection->peers,
                              .call = s->call,
                              .place = where->place,
                              .frame = where->frame,
                              .offset = where->offset,
                              .size = where->size};
    va_list arguments;
    counter->checked[rule]++;
    counter->findings[rule]++;
    if (f.frame == 0) {
        f.frame = frame_of(s, rule, where->place);
    }
    if (where->array != NULL) {
        snprintf(f.field, sizeof f.field, "%s[%llu].%s", where->array,
                 (unsigned long long)where->index, where->field);
    } else if (where->field != NULL) {
        snprintf(f.field, sizeof f.field, "%s", where->field);
    }
    va_start(arguments, format);
    trim(f.message, sizeof f.message, vsnprintf(f.message, sizeof f.message, format, arguments));
    va_end(arguments);
    withdraw_note(s->rules, s->connection->group, counter, &f);
    if (s->rules->events.finding != NULL) {
        s->rules->events.finding(s->rules->events.context, &f);
    }
}

// ---- what a call says ---------------------------------------------------------------------------

static const cmrp_slot *find_slot(const struct rules_side *side, const char *name, size_t *index) {
    if (!side->decoded) {
        return NULL;
    }
    const cmrp_method *method = side->format.method;
    // Linkers keep equal literals once: what is there is nearly always found without a comparison.
    for (uint32_t i = 0; i < method->count; i++) {
        if (method->params[i].name == name && side->slots[i].present) {
            *index = i;
            return &side->slots[i];
        }
    }
    for (uint32_t i = 0; i < method->count; i++) {
        if (side->slots[i].present && strcmp(method->params[i].name, name) == 0) {
            *index = i;
            return &side->slots[i];
        }
    }
    return NULL;
}

const cmrp_slot *sight_slot(const struct rules_side *side, const char *name) {
    size_t index;
    return find_slot(side, name, &index);
}

size_t sight_size(const cmrp_param *p, const cmrp_slot *slot, cmrp_syntax syntax) {
    if (slot->null) {
        return cmrp_ndr_word(syntax);
    }
    switch (p->kind) {
    case CMRP_KIND_U16: return 2;
    case CMRP_KIND_U32:
    case CMRP_KIND_I32: return 4;
    case CMRP_KIND_U64: return 8;
    case CMRP_KIND_WORD: return cmrp_ndr_word(syntax);
    case CMRP_KIND_HANDLE: return CMRP_HANDLE_SIZE;
    default: return slot->bytes.size;
    }
}

struct where sight_where(const struct sight *s, bool response, const char *name) {
    const struct rules_side *side = response ? &s->call->response : &s->call->request;
    struct where where = {.place = response ? RULES_RESPONSE : RULES_REQUEST, .field = name};
    size_t index;
    const cmrp_slot *slot = find_slot(side, name, &index);
    if (slot != NULL) {
        where.offset = slot->offset;
        where.size = sight_size(&side->format.method->params[index], slot, side->format.syntax);
    }
    return where;
}
