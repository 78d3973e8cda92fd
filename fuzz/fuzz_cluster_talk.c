// SPDX-License-Identifier: Apache-2.0
// What is said: the input draws it, step by step. Honest clients make calls of sense; what they
// are answered the model knows. Another client says anything.
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

enum {
    CONNECT = 300,
    DISCONNECT,
    DIE, // in the middle of a request
    CANCEL,
    ORPHAN,
    OTHER, // says anything
    OTHER_ENDS,
    COMPARE,
    TICK,
    CALLS = 67, // of the plan
    CANCELLED = 1223,
};

static const uint16_t plan[] = {
    // the registry
    29, 29, 30, 30, 32, 32, 32, 33, 34, 35, 35, 37, 28, 113, 113, 113, 113, 113, 113, 114, 115, 115,
    115, 116,
    // notifications
    55, 137, 56, 57, 57, 59, 60, 61, 61, 61, 63, 64, 65, 65, 65, 147, 147, 138, 138, 138, 138, 139,
    139, 139, 107,
    // objects
    0, 1, 8, 9, 9, 10, 11, 12, 16, 17, 18, 41, 42, 43, 44, 45, 49, 50,
    // all else
    CONNECT, DISCONNECT, DIE, CANCEL, ORPHAN, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER_ENDS,
    COMPARE, TICK};

static uint32_t draw(struct world *w, uint32_t bound) {
    return draw_below(&w->draws, bound);
}

uint16_t talk_method(uint32_t number) {
    return plan[number % CALLS];
}

// ---- connections --------------------------------------------------------------------------------

static void connect_honest(struct world *w, struct link *link) {
    struct association *a = &w->associations[draw(w, ASSOCIATIONS)];
    const uint32_t how = draw(w, 8);
    *link = (struct link){.world = w, .association = a, .keeps = how >= 4};
    link->syntax = (how & 1) != 0 ? CMRP_NDR64 : CMRP_NDR20;
    link->order = (how & 2) != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    const uint32_t group = a->number != 0 ? a->group : 0;
    if (!link_connect(link, "192.0.2.1", group) || (group != 0 && link->group != group)) {
        fuzz_fail(PROPERTY, "an honest client is refused");
    }
    if (a->number == 0) {
        *a = (struct association){.number = ++w->next_association, .group = link->group};
    }
    a->links++;
}

// With the last connection of an association its handles go.
static void disconnect_honest(struct world *w, struct link *link) {
    struct association *a = link->association;
    link_disconnect(link);
    if (--a->links > 0) {
        return;
    }
    for (int i = 0; i < w->handle_count; i++) {
        struct handle *h = &w->handles[i];
        if (h->open && h->holder == a->number) {
            h->open = false;
            if (h->kind == SERVICE_HNOTIFY || h->kind == SERVICE_HBATCH_PORT) {
                box_close(w->boxes[h->index]);
            }
        }
    }
    *a = (struct association){0};
}

// ---- what honest clients ask --------------------------------------------------------------------

static const char *const levels[] = {"a",   "a",         "a",     "a\\b",     "a\\b",     "a\\b\\c",
                                     "A",   "b",         "Bb",    "\xc3\xa9", "\xc3\x89", "c",
                                     "x y", "b\\a",      "A\\B",  "a\\",      "",         "a\\\\b",
                                     "\\",  "Resources", "Groups"};
static const char *const values[] = {"v",   "V", "", "w", "a\\b", "\xc3\xa9w", "\xed\xa0\x80",
                                     "Name"};
static const char *const objects[] = {"G", "g", "R", "S", "H", "h", "K", "1", "L", " ", "", "M"};

static bool suits(const struct link *link, const struct handle *h, enum service_kind kind) {
    return h->open && h->holder == link->association->number &&
           (h->kind == kind || kind == SERVICE_KINDS);
}

// Often the youngest, so that calls have to do with each other.
static int handle_draw(struct world *w, const struct link *link, enum service_kind kind) {
    const uint32_t how = draw(w, 64);
    if (w->handle_count == 0 || how == 63) {
        return NONE;
    }
    const int from = how < 32 ? 0 : (int)draw(w, 256) % w->handle_count;
    if (how == 62) {
        return from; // anybody's, of any kind, closed or not
    }
    for (int i = 1; i <= w->handle_count; i++) {
        const int n = (from + w->handle_count - i) % w->handle_count;
        if (suits(link, &w->handles[n], how == 61 ? SERVICE_KINDS : kind)) {
            return n;
        }
    }
    return NONE;
}

static bool has_handle(const struct world *w, const struct link *link, enum service_kind kind) {
    for (int i = 0; i < w->handle_count; i++) {
        if (suits(link, &w->handles[i], kind)) {
            return true;
        }
    }
    return false;
}

// The method that opens what another needs first.
static uint16_t opener(struct world *w, const struct link *link, uint16_t opnum) {
    static const uint16_t openers[SERVICE_KINDS] = {
        [SERVICE_HCLUSTER] = 0, [SERVICE_HGROUP] = 41,  [SERVICE_HRES] = 8,
        [SERVICE_HKEY] = 28,    [SERVICE_HNOTIFY] = 55, [SERVICE_HBATCH_PORT] = 114};
    for (;;) {
        const struct form *form = form_of(opnum);
        const enum service_kind kind = form->kind;
        const enum service_kind second = form->second_kind;
        if (form->handle != NULL && !has_handle(w, link, kind)) {
            opnum = kind == SERVICE_HNOTIFY && (opnum == 138 || opnum == 139) ? 137 : openers[kind];
        } else if (second != SERVICE_KINDS && !has_handle(w, link, second)) {
            opnum = openers[second];
        } else {
            return opnum;
        }
    }
}

static uint64_t bits(struct world *w, const uint32_t *of, uint32_t count) {
    const uint32_t how = draw(w, 256);
    uint64_t mask = 0;
    for (uint32_t i = 0; i < count; i++) {
        mask |= (how >> (i % 8) & 1) != 0 ? of[i] : 0;
    }
    return how == 255 ? UINT64_C(1) << draw(w, 34) : mask;
}

static void draw_filter(struct world *w, uint16_t opnum, struct ask *ask) {
    static const uint32_t cluster[] = {0x10, 0x40, 0x80, 0x100, 0x200, 0x400, 0x1000, 0x6000};
    static const uint32_t group[] = {0x1000, 0x2000, 0x1000};
    static const uint32_t resource[] = {0x100, 0x200, 0x100};
    static const uint32_t key[] = {0x10, 0x40, 0x20};
    switch (opnum) {
    case 57: ask->numbers[0] = bits(w, cluster, 8); break;
    case 59:
    case 63: ask->numbers[0] = bits(w, group, 3); break;
    case 61: ask->numbers[0] = bits(w, key, 3); break;
    default: ask->numbers[0] = bits(w, resource, 3);
    }
    ask->numbers[0] &= UINT32_MAX;
    ask->numbers[1] = draw(w, 100);
    ask->numbers[2] = draw(w, 4);
}

static void draw_filter_v2(struct world *w, struct ask *ask) {
    static const uint32_t cluster[] = {0x4, 0x200, 0x1};
    static const uint32_t group[] = {0x1, 0x8, 0x40, 0x2};
    static const uint32_t resource[] = {0x4, 0x80, 0x1};
    static const uint32_t key[] = {0x2, 0x4, 0x8, 0x1};
    static const uint8_t types[] = {8, 8, 8, 2, 3, 1, 2, 3};
    const uint32_t how = draw(w, 64);
    const struct handle *of = ask->second != NONE ? &w->handles[ask->second] : NULL;
    ask->type = types[how % 8];
    if (of != NULL && how < 56) { // what suits the handle
        ask->type = of->kind == SERVICE_HKEY     ? 8
                    : of->kind == SERVICE_HGROUP ? 2
                    : of->kind == SERVICE_HRES   ? 3
                                                 : ask->type;
    }
    ask->flags = ask->type == 8   ? bits(w, key, 4)
                 : ask->type == 2 ? bits(w, group, 4)
                 : ask->type == 3 ? bits(w, resource, 3)
                                  : bits(w, cluster, 3);
    ask->numbers[0] = 100 + draw(w, 100);
    ask->numbers[1] = of != NULL && of->kind == SERVICE_HCLUSTER ? how % 16 == 15 : how % 16 != 14;
    ask->numbers[2] = how == 63 ? 1 : 2;
}

static void draw_numbers(struct world *w, uint16_t opnum, struct ask *ask) {
    static const uint8_t types[] = {1, 4, 3, 0, 7, 11, 2, 99};
    switch (opnum) {
    case 28:
    case 29:
    case 30: ask->numbers[0] = 0xf003f; break;
    case 32: ask->numbers[0] = types[draw(w, 64) % 8]; break;
    case 34: ask->numbers[0] = draw(w, 12); break;
    case 43: ask->numbers[0] = draw(w, 2); break;
    case 138: draw_filter_v2(w, ask); break;
    default:
        if (form_of(opnum)->numbers[0] != NULL) {
            draw_filter(w, opnum, ask);
        }
    }
}

static void draw_ask(struct world *w, const struct link *link, uint16_t opnum, struct ask *ask) {
    const struct form *form = form_of(opnum);
    *ask = (struct ask){.handle = NONE, .second = NONE};
    if (form->handle != NULL) {
        ask->handle = handle_draw(w, link, form->kind);
    }
    if (form->second != NULL) {
        ask->second = handle_draw(w, link, form->second_kind);
    }
    if (opnum == 29 || opnum == 30 || opnum == 35) {
        ask->text = levels[draw(w, sizeof levels / sizeof levels[0])];
    } else if (form->kind == SERVICE_HKEY && form->text != NULL) {
        ask->text = values[draw(w, 8)];
    } else if (form->text != NULL) {
        ask->text = objects[draw(w, 12)];
        ask->text2 = draw(w, 16) == 15 ? "U" : "t";
    }
    draw_numbers(w, opnum, ask);
    if (opnum == 113) {
        batch_draw(&w->draws, &ask->data);
    } else if (form->data != NULL) {
        for (uint32_t n = draw(w, 10); n > 0; n--) {
            *buffer_extend(&ask->data, 1) = (uint8_t)draw(w, 4);
        }
    }
}

// ---- calls --------------------------------------------------------------------------------------

static void hear_of(struct link *link, unsigned ptype, uint32_t id) {
    struct buffer octets = {0};
    cmrp_pdu pdu = {.header = {.ptype = (uint8_t)ptype,
                               .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                               .call_id = id}};
    pdu_put(link, &pdu, &octets);
    link_hear(link, octets.data, octets.size);
    buffer_free(&octets);
}

// The client gives a call up that the server knows of.
static void orphan(struct world *w, struct link *link, struct call *call) {
    const uint32_t id = call->id;
    box_leave(call);
    call_end(call);
    link->gives = !link->keeps;
    hear_of(link, CMRP_PTYPE_ORPHANED, id);
    if (link->closed == link->keeps) {
        fuzz_fail(PROPERTY, "the connection of an orphaned call is %s",
                  link->closed ? "closed" : "kept");
    }
    if (link->closed) {
        disconnect_honest(w, link);
    }
}

// Between two parts of a request: another client, this one again, or its end. False: the rest of
// the request is not to be said.
static bool interrupt(struct world *w, struct call *call, uint32_t what, bool whole) {
    struct link *link = call->link;
    if (what == DIE) {
        disconnect_honest(w, link);
        return false;
    }
    if (what == ORPHAN && whole) {
        orphan(w, link, call);
        return false;
    }
    if (what == CANCEL && whole) {
        hear_of(link, CMRP_PTYPE_CO_CANCEL, call->id);
        call->cancelled = true;
    } else if (!w->deep && draw(w, 4) == 3) {
        w->deep = true;
        w->busy = link;
        talk_step(w);
        w->busy = NULL;
        w->deep = false;
    }
    return true;
}

// In one piece or in several. False: not to the end.
static bool say(struct world *w, struct call *call, uint32_t what) {
    struct link *link = call->link;
    const uint32_t how = draw(w, 16);
    const size_t piece = how < 10 && what == 0 ? 4096 : 8 * (1 + (size_t)how % 4);
    struct buffer octets = {0};
    cmrp_pdu_header first;
    cmrp_error error = {0};
    bool goes_on = true;
    request_put(link, call->id, call->form->opnum, buffer_view(&call->stub), piece, &octets);
    cmrp_pdu_peek(buffer_view(&octets), 0, &first, &error);
    size_t at = how < 8 && what == 0 ? 0 : draw(w, 256) * 3 % octets.size;
    const bool whole = what == CANCEL || what == ORPHAN ? first.frag_length < octets.size : false;
    at = whole ? first.frag_length : at;
    buffer_clear(&w->last);
    buffer_append(&w->last, octets.data, octets.size);
    if (at > 0) {
        link_hear(link, octets.data, at);
        goes_on = interrupt(w, call, what, whole);
    }
    if (goes_on) {
        call->sent = true;
        link_hear(link, octets.data + at, octets.size - at);
    }
    buffer_free(&octets);
    return goes_on;
}

// what: 0, or how the client does not let the call end.
static void make_call(struct world *w, struct link *link, uint16_t opnum, uint32_t what) {
    struct ask ask;
    opnum = opener(w, link, opnum);
    const bool waits = opnum == 65 || opnum == 115 || opnum == 139 || opnum == 147;
    if (waits && link->blocked == WAITING) {
        return;
    }
    draw_ask(w, link, opnum, &ask);
    struct call *call = call_begin(link, opnum, &ask);
    if (say(w, call, what)) {
        call_model(w, call);
        if (call->cancelled && call->box != NULL) {
            box_leave(call);
            call_wants(call, CANCELLED, NULL);
        }
    }
}

static struct call *waiting_call(struct world *w, const struct link *link) {
    uint32_t n = draw(w, WAITING);
    struct call *found = NULL;
    for (struct call *call = link->calls; call != NULL; call = call->next) {
        if (call->box != NULL && (found == NULL || n > 0)) {
            n -= found != NULL;
            found = call;
        }
    }
    return found;
}

// Of a call that waits, else of one that is on its way.
static void give_up(struct world *w, struct link *link, uint32_t what) {
    struct call *call = waiting_call(w, link);
    if (call == NULL) {
        hear_of(link, what == ORPHAN ? CMRP_PTYPE_ORPHANED : CMRP_PTYPE_CO_CANCEL, 0xffff);
        make_call(w, link, plan[draw(w, CALLS)], what);
    } else if (what == ORPHAN) {
        orphan(w, link, call);
    } else {
        hear_of(link, CMRP_PTYPE_CO_CANCEL, call->id);
        box_leave(call);
        call_wants(call, CANCELLED, NULL);
    }
}

// What is in a port's queue is told, and nothing else: one call more waits.
static void drain(struct world *w, const struct handle *h, struct link *link) {
    static const uint16_t gets[] = {115, 147, 139};
    const struct box *box = w->boxes[h->index];
    const struct ask ask = {.handle = (int)(h - w->handles), .second = NONE};
    while (box->waiting_count == 0 && link->blocked < WAITING) {
        struct call *call = call_begin(link, gets[box->version], &ask);
        say(w, call, 0);
        call_model(w, call);
        calls_check(w);
    }
}

void talk_end(struct world *w) {
    w->draws.left = 0;
    for (int i = 0; i < w->handle_count; i++) {
        const struct handle *h = &w->handles[i];
        const bool is_port = h->kind == SERVICE_HNOTIFY || h->kind == SERVICE_HBATCH_PORT;
        for (int n = 0; n < LINKS && h->open && is_port; n++) {
            struct link *link = &w->links[n];
            if (link->connection != NULL && link->association->number == h->holder) {
                drain(w, h, link);
            }
        }
    }
}

// ---- steps --------------------------------------------------------------------------------------

static void tick(struct world *w) {
    w->now += 1000 * (uint64_t)draw(w, 64);
    for (int i = 0; i < LINKS + OTHERS; i++) {
        struct link *link = i < LINKS ? &w->links[i] : &w->others[i - LINKS];
        if (link->connection != NULL) {
            rpc_connection_tick(link->connection);
        }
        if (link->closed) {
            other_ends(link);
        }
    }
}

static void honest(struct world *w, uint32_t what) {
    struct link *link = &w->links[draw(w, LINKS)];
    if (link == w->busy) {
        link = &w->links[(link - w->links + 1) % LINKS];
    }
    if (link->connection == NULL) {
        connect_honest(w, link);
    }
    switch (what) {
    case CONNECT: break;
    case DISCONNECT: disconnect_honest(w, link); break;
    case DIE: make_call(w, link, plan[draw(w, CALLS)], DIE); break;
    case CANCEL: give_up(w, link, CANCEL); break;
    case ORPHAN: give_up(w, link, ORPHAN); break;
    default: make_call(w, link, (uint16_t)what, 0);
    }
}

void talk_step(struct world *w) {
    const uint32_t what = plan[draw(w, sizeof plan / sizeof plan[0])];
    if (what == COMPARE) {
        registry_compare(&w->registry, w->cluster, "on the way");
    } else if (what == TICK) {
        if (!w->deep) {
            tick(w);
        }
    } else if (what == OTHER_ENDS) {
        other_ends(&w->others[draw(w, OTHERS)]);
    } else if (what == OTHER) {
        other_speaks(w);
    } else {
        honest(w, what);
    }
    calls_check(w);
}
