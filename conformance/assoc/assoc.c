// SPDX-License-Identifier: Apache-2.0
#include "assoc/assoc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "assoc/state.h"
#include "util/buffer.h"

enum {
    DEFAULT_STUB = 4 * 1024 * 1024,
    DEFAULT_CALLS = 1024,
    DEFAULT_CONTEXTS = 256,
    DEFAULT_MEMORY = 256 * 1024 * 1024,
};

const char *assoc_note_code(enum assoc_note note) {
    static const char *const codes[] = {
#define CODE(name, code) code,
        ASSOC_NOTES(CODE)
#undef CODE
    };
    return codes[note];
}

// ---- memory -------------------------------------------------------------------------------------

bool assoc_memory_affords(const struct assoc_memory *memory, size_t size) {
    const size_t limit = memory->limit > 0 ? memory->limit : DEFAULT_MEMORY;
    return memory->used <= limit && size <= limit - memory->used;
}

bool assoc_memory_reserve(struct assoc_memory *memory, struct kept *kept, size_t size) {
    if (size <= kept->capacity) {
        return true;
    }
    const size_t more = size - kept->capacity;
    if (!assoc_memory_affords(memory, more)) {
        return false;
    }
    kept->data = util_grow(kept->data, size, 1);
    kept->capacity = size;
    memory->used += more;
    return true;
}

void assoc_memory_release(struct assoc_memory *memory, struct kept *kept) {
    memory->used -= kept->capacity;
    free(kept->data);
    *kept = (struct kept){0};
}

bool assoc_affords(const struct assoc *a, size_t size) {
    return assoc_memory_affords(a->memory, size);
}

bool assoc_reserve(struct assoc *a, struct kept *kept, size_t size) {
    return assoc_memory_reserve(a->memory, kept, size);
}

void assoc_release(struct assoc *a, struct kept *kept) {
    assoc_memory_release(a->memory, kept);
}

// ---- notes --------------------------------------------------------------------------------------

// Keeps a note until it is known whether anybody wants it.
static void keep_note(struct assoc *a, const struct early_note *note) {
    const size_t size = a->early.size + sizeof *note;
    if (size <= EARLY_NOTES * sizeof *note && assoc_reserve(a, &a->early, size)) {
        memcpy(a->early.data + a->early.size, note, sizeof *note);
        a->early.size = size;
    }
}

__attribute__((format(printf, 4, 0))) static void say(struct assoc *a, enum assoc_note note,
                                                      const struct assoc_stamp *stamp,
                                                      const char *format, va_list args) {
    struct early_note early = {.note = note, .stamp = *stamp};
    if (a->events.note == NULL) {
        return;
    }
    vsnprintf(early.text, sizeof early.text, format, args);
    if (a->kind == ASSOC_OURS || note == ASSOC_NOTE_UNBOUND) {
        a->events.note(a->events.context, note, early.text, stamp);
    } else {
        keep_note(a, &early);
    }
}

void assoc_recognise(struct assoc *a) {
    struct early_note early;
    if (a->kind == ASSOC_OURS) {
        return;
    }
    a->kind = ASSOC_OURS;
    for (size_t at = 0; at < a->early.size; at += sizeof early) {
        memcpy(&early, a->early.data + at, sizeof early);
        a->events.note(a->events.context, early.note, early.text, &early.stamp);
    }
    assoc_release(a, &a->early);
    for (int d = 0; d < 2; d++) {
        if (a->side[d].mode != SIDE_SCANNING) {
            assoc_report_loss(a, d);
        }
    }
}

void assoc_say(struct assoc *a, enum assoc_note note, const struct assoc_stamp *stamp,
               const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(a, note, stamp, format, args);
    va_end(args);
}

void assoc_say_once(struct assoc *a, enum assoc_note note, const struct assoc_stamp *stamp,
                    const char *format, ...) {
    va_list args;
    const uint32_t bit = UINT32_C(1) << note;
    va_start(args, format);
    if ((a->said & bit) == 0) {
        a->said |= bit;
        say(a, note, stamp, format, args);
    }
    va_end(args);
}

// ---- life ---------------------------------------------------------------------------------------

struct assoc *assoc_create(const struct assoc_limits *limits, const struct assoc_events *events,
                           struct assoc_memory *memory) {
    struct assoc *a = util_alloc(sizeof *a);
    if (limits != NULL) {
        a->limits = *limits;
    }
    a->limits.stub = a->limits.stub > 0 ? a->limits.stub : DEFAULT_STUB;
    a->limits.calls = a->limits.calls > 0 ? a->limits.calls : DEFAULT_CALLS;
    a->limits.contexts = a->limits.contexts > 0 ? a->limits.contexts : DEFAULT_CONTEXTS;
    a->events = *events;
    a->memory = memory != NULL ? memory : &a->own_memory;
    a->client = -1;
    return a;
}

static void free_everything(struct assoc *a) {
    for (int d = 0; d < 2; d++) {
        assoc_release(a, &a->side[d].body);
        assoc_window_drop(a, &a->side[d]);
    }
    for (size_t i = 0; i < a->offer_count; i++) {
        assoc_release(a, &a->offers[i].octets);
        assoc_release(a, &a->offers[i].assumables);
    }
    a->offer_count = 0;
    free(a->contexts);
    a->contexts = NULL;
    a->context_count = 0;
    assoc_calls_free(a);
    assoc_open_free(a);
    assoc_release(a, &a->early);
    assoc_release(a, &a->late);
}

bool assoc_data(struct assoc *a, int direction, const uint8_t *data, size_t size,
                const struct assoc_stamp *stamp) {
    if (a->kind == ASSOC_NOT_RPC) {
        return false;
    }
    assoc_scan_settle(a, 1 - direction);
    a->side[direction].stamp = *stamp;
    assoc_stream_data(a, direction, data, size, stamp);
    if (a->kind == ASSOC_NOT_RPC) {
        free_everything(a);
    }
    return a->kind != ASSOC_NOT_RPC;
}

void assoc_gap(struct assoc *a, int direction, uint64_t octets, const struct assoc_stamp *stamp) {
    if (a->kind != ASSOC_NOT_RPC) {
        assoc_stream_gap(a, direction, octets, stamp);
    }
}

// Calls whose bind was not seen and that nobody recognised.
static void say_unbound(struct assoc *a, const struct assoc_stamp *stamp) {
    const char *why = "they cannot be told apart";
    for (size_t i = 0; i < a->open_count; i++) {
        why = a->open[i].why != NULL ? a->open[i].why : why;
    }
    if (a->counts.unbound_calls > 0 && a->counts.pdus > 1 &&
        (a->kind == ASSOC_UNBOUND || a->kind == ASSOC_OURS)) {
        const unsigned long long n = a->counts.unbound_calls;
        assoc_say(a, ASSOC_NOTE_UNBOUND, stamp,
                  "%llu call%s on a connection whose bind was not seen: %s", n, n == 1 ? "" : "s",
                  why);
    }
}

void assoc_close(struct assoc *a, const struct assoc_stamp *stamp) {
    if (a->kind == ASSOC_NOT_RPC) {
        return;
    }
    for (int d = 0; d < 2; d++) {
        assoc_stream_close(a, d, stamp);
    }
    assoc_offers_close(a);
    assoc_open_close(a, stamp);
    assoc_calls_close(a);
    say_unbound(a, stamp);
}

void assoc_destroy(struct assoc *a) {
    if (a != NULL) {
        free_everything(a);
        free(a);
    }
}

enum assoc_kind assoc_kind(const struct assoc *a) {
    return a->kind;
}

int assoc_client(const struct assoc *a) {
    return a->client;
}

const struct assoc_counts *assoc_counts(const struct assoc *a) {
    return &a->counts;
}
