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

bool assoc_affords(const struct assoc *a, size_t size) {
    const size_t limit = a->memory->limit > 0 ? a->memory->limit : DEFAULT_MEMORY;
    return a->memory->used <= limit && size <= limit - a->memory->used;
}

bool assoc_reserve(struct assoc *a, struct kept *kept, size_t size) {
    if (size <= kept->capacity) {
        return true;
    }
    const size_t more = size - kept->capacity;
    if (!assoc_affords(a, more)) {
        return false;
    }
    kept->data = util_grow(kept->data, size, 1);
    kept->capacity = size;
    a->memory->used += more;
    return true;
}

void assoc_release(struct assoc *a, struct kept *kept) {
    a->memory->used -= kept->capacity;
    free(kept->data);
    *kept = (struct kept){0};
}

// ---- notes --------------------------------------------------------------------------------------

__attribute__((format(printf, 4, 0))) static void say(struct assoc *a, enum assoc_note note,
                                                      const struct assoc_stamp *stamp,
                                                      const char *format, va_list args) {
    char text[256];
    if (a->events.note != NULL && (a->kind == ASSOC_OURS || note == ASSOC_NOTE_UNBOUND)) {
        vsnprintf(text, sizeof text, format, args);
        a->events.note(a->events.context, note, text, stamp);
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
    if ((a->said & bit) == 0 && a->kind == ASSOC_OURS) {
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

void assoc_close(struct assoc *a, const struct assoc_stamp *stamp) {
    if (a->kind == ASSOC_NOT_RPC) {
        return;
    }
    for (int d = 0; d < 2; d++) {
        assoc_stream_close(a, d, stamp);
    }
    assoc_offers_close(a);
    assoc_calls_close(a);
    if (a->kind == ASSOC_UNBOUND && a->counts.unbound_calls > 0 && a->counts.pdus > 1) {
        assoc_say(a, ASSOC_NOTE_UNBOUND, stamp,
                  "%llu calls on a connection whose bind was not seen: they cannot be told apart",
                  (unsigned long long)a->counts.unbound_calls);
    }
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
