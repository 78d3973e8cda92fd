// SPDX-License-Identifier: Apache-2.0
// Calls on presentation contexts whose bind was not seen: held back until it is known what they
// are.
#include <stdlib.h>

#include "assoc/state.h"
#include "util/buffer.h"

enum {
    OPEN_CALLS = 32,
    OPEN_OCTETS = 1024 * 1024,
};

struct open_context *assoc_open_context(struct assoc *a, uint16_t id) {
    for (size_t i = 0; i < a->open_count; i++) {
        if (a->open[i].id == id) {
            return a->open[i].given_up ? NULL : &a->open[i];
        }
    }
    if (a->open_count == OPEN_CONTEXTS || a->events.guess == NULL) {
        return NULL;
    }
    struct open_context *o = &a->open[a->open_count++];
    *o = (struct open_context){.id = id};
    return o;
}

bool assoc_undecided(const struct assoc *a) {
    bool undecided = a->open_count == 0;
    for (size_t i = 0; i < a->open_count; i++) {
        undecided = undecided || !a->open[i].given_up;
    }
    return undecided && !a->bound && a->events.guess != NULL;
}

static void drop_calls(struct assoc *a, struct open_context *o) {
    for (size_t i = 0; i < o->count; i++) {
        assoc_free_call(a, o->calls[i]);
    }
    free(o->calls);
    o->calls = NULL;
    o->count = 0;
    o->octets = 0;
}

static void give_up(struct assoc *a, struct open_context *o, const char *why) {
    o->given_up = true;
    o->why = why;
    drop_calls(a, o);
}

// The context is known: what was held is reported. It is not open any more.
static void adopt(struct assoc *a, struct open_context *o, const struct assoc_opinion *opinion,
                  const struct assoc_stamp *stamp) {
    struct open_context held = *o;
    a->open_count--;
    memmove(o, o + 1, (size_t)(a->open + a->open_count - o) * sizeof *o);
    assoc_recognise(a);
    const bool guessed = opinion->basis == ASSOC_GUESSED;
    assoc_say(a, guessed ? ASSOC_NOTE_GUESSED : ASSOC_NOTE_ENDPOINT, stamp,
              guessed ? "no bind was seen for context %u: a guess from the first %zu call%s"
                      : "no bind was seen for context %u: known from the endpoint mapper (%zu "
                        "call%s so far)",
              held.id, held.count, held.count == 1 ? "" : "s");
    assoc_adopt_context(a, held.id, opinion, stamp);
    for (size_t i = 0; i < held.count; i++) {
        struct call *call = held.calls[i];
        call->open = false;
        call->shown.basis = opinion->basis;
        call->shown.interface = opinion->interface;
        call->shown.transfer = opinion->transfer;
        call->shown.group = a->group;
        a->counts.calls++;
        a->counts.unbound_calls -= a->counts.unbound_calls > 0;
        assoc_report_call(a, call);
    }
    drop_calls(a, &held);
}

static void ask(struct assoc *a, struct open_context *o, bool last,
                const struct assoc_stamp *stamp) {
    const struct assoc_call *shown[OPEN_CALLS];
    struct assoc_opinion opinion = {.verdict = ASSOC_WAIT};
    for (size_t i = 0; i < o->count; i++) {
        shown[i] = &o->calls[i]->shown;
    }
    last = last || o->count == OPEN_CALLS || o->octets > OPEN_OCTETS;
    a->events.guess(a->events.context, shown, o->count, last, &opinion);
    if (opinion.verdict == ASSOC_YES) {
        adopt(a, o, &opinion, stamp);
    } else if (last || opinion.verdict == ASSOC_NO) {
        give_up(a, o, opinion.why);
    }
}

void assoc_hold(struct assoc *a, struct call *call, const struct assoc_stamp *stamp) {
    struct open_context *o = assoc_open_context(a, call->shown.context_id);
    if (o == NULL) {
        assoc_free_call(a, call);
        return;
    }
    o->calls = util_grow(o->calls, o->count + 1, sizeof(struct call *));
    o->calls[o->count++] = call;
    o->octets += call->request.stub.size + call->response.stub.size;
    ask(a, o, false, stamp);
}

bool assoc_open_evict(struct assoc *a) {
    bool any = false;
    for (size_t i = 0; i < a->open_count; i++) {
        if (a->open[i].count > 0) {
            give_up(a, &a->open[i], "there is no memory to look at them");
            any = true;
        }
    }
    return any;
}

void assoc_open_close(struct assoc *a, const struct assoc_stamp *stamp) {
    for (size_t i = 0; i < a->open_count;) {
        const size_t before = a->open_count;
        if (!a->open[i].given_up && a->open[i].count > 0) {
            ask(a, &a->open[i], true, stamp);
        }
        i += a->open_count == before;
    }
}

void assoc_open_free(struct assoc *a) {
    for (size_t i = 0; i < a->open_count; i++) {
        drop_calls(a, &a->open[i]);
    }
    a->open_count = 0;
}
