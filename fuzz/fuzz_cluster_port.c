// SPDX-License-Identifier: Apache-2.0
// The plain model of ports: which indications each has, and who gets them.
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

enum { UNBLOCKED = 1, CLOSED = 259 };

// ---- queues -------------------------------------------------------------------------------------

static struct entry *push(struct box *box) {
    box->entries = util_grow(box->entries, box->count + 1, sizeof *box->entries);
    box->entries[box->count] = (struct entry){0};
    return &box->entries[box->count++];
}

static void entry_clear(struct entry *e) {
    free(e->name);
    free(e->row);
}

static void pop(struct box *box, size_t count) {
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        entry_clear(&box->entries[i]);
    }
    box->count -= count;
    memmove(box->entries, box->entries + count, box->count * sizeof *box->entries);
    box->dropping = box->dropping && box->count > 0;
}

static void waiting_shift(struct box *box, size_t at) {
    box->waiting[at]->box = NULL;
    box->waiting[at]->link->blocked--;
    box->waiting_count--;
    memmove(&box->waiting[at], &box->waiting[at + 1],
            (box->waiting_count - at) * sizeof box->waiting[0]);
}

// Gives the first who waits what there is for it.
static void serve_one(struct box *box) {
    struct call *call = box->waiting[0];
    const struct entry *e = box->entries;
    size_t count = 1;
    struct buffer rows = {0};
    waiting_shift(box, 0);
    switch (call->form->opnum) {
    case 65: call_wants(call, 0, "%u %u %u \"%s\"", e->key, e->change, e->sequence, e->name); break;
    case 115: call_wants(call, 0, "%s", e->name); break;
    default:
        count = box->count;
        for (size_t i = 0; i < count; i++) {
            if (box->version == 1) {
                buffer_printf(&rows, "[%u %u \"%s\"]", e[i].key, e[i].change, e[i].name);
            } else {
                buffer_printf(&rows, "%s", e[i].row);
            }
        }
        call_wants(call, 0, "%s", buffer_text(&rows));
        buffer_free(&rows);
    }
    pop(box, count);
}

static void serve(struct box *box) {
    while (box->waiting_count > 0 && box->count > 0) {
        serve_one(box);
    }
}

// ---- notification ports -------------------------------------------------------------------------

static void row(struct entry *entry, uint32_t key, const struct event *e, const char *name) {
    entry->key = key;
    entry->change = e->change;
    entry->sequence = e->sequence;
    entry->name = util_strdup(name);
    entry->row =
        util_format("[%u %u %llx %s \"%s\" \"%s\" \"%s\" \"%s\"]", key, e->type,
                    (unsigned long long)e->flag, e->payload, e->id, e->parent, name, e->kind);
}

static void mark(struct box *box) {
    const struct event lost = {.change = 0x00080000,
                               .type = 1,
                               .flag = 0x200,
                               .name = "",
                               .id = "",
                               .parent = "",
                               .kind = "",
                               .payload = "-"};
    for (size_t i = 0; i < box->filter_count; i++) {
        if (box->version == 1 ? i == 0 : box->filters[i].lost) {
            row(push(box), box->filters[i].key, &lost, "");
        }
    }
}

void box_queue(struct world *w, struct box *box, const struct filter *f, const struct event *e) {
    struct buffer name = {0};
    if (!box->dropping && box->count >= w->queue_limit) {
        box->dropping = true;
        mark(box);
    }
    if (box->dropping) {
        return;
    }
    if (e->key != NONE) {
        key_path(&w->registry, e->key, f->hkey, &name);
    }
    row(push(box), f->key, e, e->key != NONE ? buffer_text(&name) : e->name);
    buffer_free(&name);
}

static bool matches(const struct world *w, const struct box *box, const struct filter *f,
                    const struct event *e) {
    const bool wants = box->version == 1 ? (f->change & e->change) != 0
                                         : f->type == e->type && (f->flags & e->flag) != 0;
    if (!wants) {
        return false;
    }
    if (e->key != NONE) {
        return f->hkey != NONE &&
               (e->key == f->hkey || (f->subtree && key_below(&w->registry, e->key, f->hkey)));
    }
    return f->all ||
           (f->object != NONE && f->object == (box->version == 1 ? e->subject : e->target));
}

void ports_tell(struct world *w) {
    for (size_t n = 0; n < w->events.count; n++) {
        for (int i = 0; i < w->box_count; i++) {
            struct box *box = w->boxes[i];
            for (size_t k = 0; box->open && box->version != 0 && k < box->filter_count; k++) {
                if (matches(w, box, &box->filters[k], &w->events.at[n])) {
                    box_queue(w, box, &box->filters[k], &w->events.at[n]);
                }
            }
        }
    }
    for (int i = 0; i < w->box_count; i++) {
        serve(w->boxes[i]);
    }
    events_clear(&w->events);
}

// ---- batch ports --------------------------------------------------------------------------------

void batch_ports_tell(struct world *w, const struct batch_result *result) {
    struct buffer hex = {0};
    append_hex(&hex, buffer_view(&result->mirror));
    for (int i = 0; i < w->box_count && result->mirror.size > 0; i++) {
        struct box *box = w->boxes[i];
        if (box->open && box->version == 0 && result->touched[box->hkey] &&
            (box->waiting_count > 0 || box->count < w->batch_limit)) {
            push(box)->name = util_strdup(buffer_text(&hex));
            serve(box);
        }
    }
    buffer_free(&hex);
}

// ---- those who wait -----------------------------------------------------------------------------

void box_get(struct world *w, struct box *box, struct call *call) {
    (void)w;
    box->waiting[box->waiting_count++] = call;
    call->box = box;
    call->link->blocked++;
    serve(box);
}

void box_release(struct box *box, uint32_t status) {
    while (box->waiting_count > 0) {
        struct call *call = box->waiting[0];
        waiting_shift(box, 0);
        call_wants(call, status, NULL);
    }
}

void box_leave(struct call *call) {
    struct box *box = call->box;
    for (size_t i = 0; box != NULL && i < box->waiting_count; i++) {
        if (box->waiting[i] == call) {
            waiting_shift(box, i);
            return;
        }
    }
}

void box_close(struct box *box) {
    if (box->open) {
        box_release(box, box->version == 0 ? CLOSED : UNBLOCKED);
        pop(box, box->count);
        box->open = false;
    }
}
