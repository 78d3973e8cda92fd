// SPDX-License-Identifier: Apache-2.0
#include "traffic/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PORT = 49200, OUTSTANDING = 4 };

const char null_handle[] = "0000000000000000000000000000000000000000";

// ---- handles ------------------------------------------------------------------------------------

struct handle *handle_pick(struct play *p, struct client *c, unsigned meaning) {
    const uint32_t from = draw(&p->world.lot, HANDLES);
    for (uint32_t i = 0; i < HANDLES; i++) {
        struct handle *h = &c->handles[(from + i) % HANDLES];
        if (h->open && !h->closing && h->meaning == meaning) {
            return h;
        }
    }
    return NULL;
}

struct handle *handle_make(struct play *p, struct call *c, unsigned meaning) {
    for (int i = 0; i < HANDLES; i++) {
        struct handle *h = &c->client->handles[i];
        if (!h->known && !h->open && handle_uses(p, h) == 0) {
            *h = (struct handle){.known = true, .meaning = meaning};
            snprintf(h->hex, sizeof h->hex, "00000000%08x634c11cfbff608002be23f2f",
                     ++p->next_handle);
            c->made = h;
            return h;
        }
    }
    return NULL;
}

int handle_uses(const struct play *p, const struct handle *h) {
    int uses = 0;
    for (int i = 0; i < CALLS; i++) {
        const struct call *c = &p->calls[i];
        uses += c->action != NULL && (c->handle == h || c->second == h || c->made == h);
    }
    return uses;
}

struct object *handle_object(struct play *p, const struct handle *h) {
    struct object *o = &p->world.objects[h->kind][h->index];
    return o->alive && o->life == h->life ? o : NULL;
}

struct key *handle_key(struct play *p, const struct handle *h) {
    struct key *k = &p->world.registry.keys[h->index];
    return k->alive && k->life == h->life ? k : NULL;
}

struct port *handle_port(struct play *p, const struct handle *h) {
    return &p->world.ports[h->index];
}

void handle_close(struct play *p, struct handle *h) {
    if (h->known && h->meaning == CMRP_MEANS_HNOTIFY) {
        struct port *port = handle_port(p, h);
        json_decref(port->queue);
        *port = (struct port){0};
    } else if (h->known && h->meaning == CMRP_MEANS_HBATCH_PORT) {
        struct batch_port *port = &p->world.batch_ports[h->index];
        json_decref(port->queue);
        *port = (struct batch_port){0};
    }
    h->known = false;
}

// ---- calls --------------------------------------------------------------------------------------

static void forget_call(struct call *c) {
    json_decref(c->request);
    json_decref(c->response);
    *c = (struct call){0};
}

static uint32_t outstanding(const struct play *p, const struct line *line) {
    uint32_t n = 0;
    for (int i = 0; i < CALLS; i++) {
        n += p->calls[i].action != NULL && p->calls[i].line == line;
    }
    return n;
}

static const struct action *draw_action(struct lot *lot) {
    unsigned sum = 0;
    for (size_t i = 0; i < action_count; i++) {
        sum += actions[i].weight;
    }
    unsigned n = draw(lot, sum);
    size_t i = 0;
    while (n >= actions[i].weight) {
        n -= actions[i++].weight;
    }
    return &actions[i];
}

static struct call *free_call(struct play *p) {
    for (int i = 0; i < CALLS; i++) {
        if (p->calls[i].action == NULL) {
            return &p->calls[i];
        }
    }
    return NULL;
}

static struct call *ask(struct play *p) {
    struct client *client = &p->clients[draw(&p->world.lot, CLIENTS)];
    struct line *line = &client->lines[draw(&p->world.lot, LINES)];
    struct call *c = free_call(p);
    if (client->group == 0 || !line->open || c == NULL || outstanding(p, line) >= OUTSTANDING) {
        return NULL;
    }
    const struct action *action = draw_action(&p->world.lot);
    c->client = client;
    c->line = line;
    if (!action->ask(p, c)) {
        forget_call(c);
        return NULL;
    }
    c->action = action;
    c->id = ++line->call_id;
    talk_request(line, c->id, action->opnum, c->request);
    return c;
}

static void execute(struct play *p, struct call *c) {
    if (c->action != NULL && c->response == NULL) {
        c->action->execute(p, c);
    }
}

static void tell(struct play *p, struct call *c) {
    if (c->action == NULL || c->response == NULL) {
        return;
    }
    if (c->fault != 0) {
        talk_fault(c->line, c->id, c->fault);
    } else {
        talk_response(c->line, c->id, c->action->opnum, c->response);
    }
    if (c->made != NULL) {
        c->made->open = c->made->known;
    }
    if (c->action->told != NULL) {
        c->action->told(p, c);
    }
    forget_call(c);
}

// ---- clients ------------------------------------------------------------------------------------

static void come(struct play *p, struct client *c) {
    struct lot *lot = &p->world.lot;
    const cmrp_syntax syntax = chance(lot, 60) ? CMRP_NDR64 : CMRP_NDR20;
    const cmrp_order order = chance(lot, 85) ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
    const uint32_t count = 1 + draw(lot, LINES);
    c->group = ++p->next_group;
    for (uint32_t i = 0; i < count; i++) {
        c->lines[i] = (struct line){.syntax = syntax, .order = order};
        p->next_port = p->next_port == UINT16_MAX ? FIRST_PORT : p->next_port + 1;
        talk_open(&c->lines[i], &p->wire, c->number, p->next_port, i == 0 ? 0 : c->group, c->group);
    }
}

// Its connections end: handles are run down, calls are lost.
static void go(struct play *p, struct client *c, bool reset) {
    for (int i = 0; i < CALLS; i++) {
        if (p->calls[i].action != NULL && p->calls[i].client == c) {
            forget_call(&p->calls[i]);
        }
    }
    for (int i = 0; i < LINES; i++) {
        if (c->lines[i].open) {
            talk_close(&c->lines[i], reset);
        }
    }
    for (int i = 0; i < HANDLES; i++) {
        handle_close(p, &c->handles[i]);
        c->handles[i] = (struct handle){0};
    }
    c->group = 0;
}

// ---- the play -----------------------------------------------------------------------------------

void play_begin(struct play *p, uint64_t seed) {
    memset(p, 0, sizeof *p);
    world_begin(&p->world, seed);
    p->next_group = (uint32_t)seed % 1000 + 0x53f0;
    p->old = seed % 3 == 0;
    p->next_port = FIRST_PORT;
    p->wire = wire_begin(&p->out);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        p->clients[i].number = i;
        come(p, &p->clients[i]);
    }
}

void play_step(struct play *p) {
    struct lot *lot = &p->world.lot;
    const uint32_t what = draw(lot, 1000);
    struct call *c = &p->calls[draw(lot, CALLS)];
    if (what < 330) {
        struct call *asked = ask(p);
        if (asked != NULL && p->calm && chance(lot, 95)) {
            execute(p, asked);
            tell(p, asked);
        }
    } else if (what < 640) {
        execute(p, c);
    } else if (what < 960) {
        tell(p, c);
    } else if (what < 998) {
        if (!p->closed) {
            world_live(&p->world);
        }
    } else {
        struct client *client = &p->clients[draw(lot, CLIENTS)];
        if (client->group == 0) {
            come(p, client);
        } else if (chance(lot, 10)) {
            go(p, client, chance(lot, 50));
        }
    }
}

void play_end(struct play *p) {
    for (int i = 0; i < CALLS; i++) {
        execute(p, &p->calls[i]);
        tell(p, &p->calls[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        go(p, &p->clients[i], false);
    }
    world_end(&p->world);
}
