// SPDX-License-Identifier: Apache-2.0
//
// A window on the octets delivered last, of all flows together: one ring, in which each entry
// points back to the one before it of the same direction, so that a repetition can be compared with
// what it repeats however it was cut. Positions only grow; an entry is intact as long as its
// position lies within a ring's length of the end. Of a large delivery only samples are kept: with
// less to write, reading a capture is not slower for it, and the window reaches further back.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_MIN = 4096,
    ALIGN = 8,
    // Entries looked at for one segment, so that the work for a packet is bounded.
    STEPS_MAX = 64,
    // Deliveries up to this size are kept whole; of larger ones, the first octets of each stride
    // and the last ones.
    WHOLE_MAX = 256,
    STRIDE = 64,
    SAMPLE = 8,
};

struct entry {
    uint64_t before; // of the same direction
    uint32_t seq;
    uint32_t size;
};

bool capture_window_create(struct capture *capture) {
    uint64_t capacity = WINDOW_MIN;

    while (capacity * 2 <= capture->limits.compare_octets)
        capacity *= 2;
    capture->window = malloc(capacity);
    capture->window_mask = capacity - 1;
    capture->window_end = 2 * capacity; // so that position 0 is never intact
    return capture->window != NULL;
}

static uint32_t strides(uint32_t size) {
    return (size - SAMPLE) / STRIDE + 1;
}

static void keep(uint8_t *place, const uint8_t *data, uint32_t size) {
    if (size <= WHOLE_MAX) {
        memmove(place, data, size); // not memcpy: for small blocks gcc makes a slow loop of it
        return;
    }
    uint32_t count = strides(size);
    for (uint32_t i = 0; i < count; i++)
        memcpy(place + i * SAMPLE, data + i * STRIDE, SAMPLE);
    memcpy(place + count * SAMPLE, data + size - SAMPLE, SAMPLE);
}

void capture_window_add(struct capture *capture, struct capture_side *side, uint32_t seq,
                        const uint8_t *data, uint32_t size) {
    uint64_t capacity = capture->window_mask + 1;
    uint32_t largest = (uint32_t)(capacity / 4 / SAMPLE * STRIDE);

    if (size > largest) { // its end is what comes again
        seq += size - largest;
        data += size - largest;
        size = largest;
    }
    struct entry entry = {side->window, seq, size};
    uint64_t need = sizeof entry;
    need += size <= WHOLE_MAX ? ((uint64_t)size + ALIGN - 1) / ALIGN * ALIGN
                              : ((uint64_t)strides(size) + 1) * SAMPLE;
    uint64_t at = capture->window_end;
    uint64_t place = at & capture->window_mask;
    if (place + need > capacity) { // entries do not go round the corner
        at += capacity - place;
        place = 0;
    }
    memcpy(capture->window + place, &entry, sizeof entry);
    keep(capture->window + place + sizeof entry, data, size);
    side->window = at;
    capture->window_end = at + need;
}

// A delivery and how the octets `from` to `to` of it came again.
struct comparison {
    const uint8_t *kept;
    uint32_t from;
    uint32_t to;
    const uint8_t *again;
    bool any; // octets were compared
    bool same;
};

// Compares what comparison and sample have in common. The sample is of the octets from `start`.
static void compare_sample(struct comparison *c, const uint8_t *sample, uint32_t start,
                           uint32_t size) {
    uint32_t from = start > c->from ? start : c->from;
    uint32_t to = start + size < c->to ? start + size : c->to;

    if (from >= to)
        return;
    c->any = true;
    if (memcmp(sample + (from - start), c->again + (from - c->from), to - from) != 0)
        c->same = false;
}

static void compare_entry(struct comparison *c, uint32_t size) {
    if (size <= WHOLE_MAX) {
        compare_sample(c, c->kept, 0, size);
        return;
    }
    uint32_t count = strides(size);
    for (uint32_t i = c->from / STRIDE; i < count && i * STRIDE < c->to; i++)
        compare_sample(c, c->kept + i * SAMPLE, i * STRIDE, SAMPLE);
    compare_sample(c, c->kept + count * SAMPLE, size - SAMPLE, SAMPLE);
}

uint32_t capture_window_compare(const struct capture *capture, const struct capture_side *side,
                                uint32_t seq, const uint8_t *data, uint32_t size, bool *same) {
    uint64_t oldest = capture->window_end - (capture->window_mask + 1);
    uint64_t at = side->window;
    uint32_t compared = 0;

    for (int step = 0; step < STEPS_MAX && at >= oldest; step++) {
        const uint8_t *place = capture->window + (at & capture->window_mask);
        struct entry entry;
        memcpy(&entry, place, sizeof entry);
        int64_t start = capture_seq_diff(entry.seq, seq); // after a long gap, anything
        int64_t from = start > 0 ? start : 0;
        int64_t to = start + entry.size;
        to = to > size ? size : to;
        if (to > from) {
            struct comparison c = {.kept = place + sizeof entry,
                                   .from = (uint32_t)(from - start),
                                   .to = (uint32_t)(to - start),
                                   .again = data + from,
                                   .same = true};
            compare_entry(&c, entry.size);
            compared += c.any ? (uint32_t)(to - from) : 0;
            *same = *same && c.same;
        }
        if (start <= 0)
            break; // those before it lie before `seq`
        at = entry.before;
    }
    return compared;
}
