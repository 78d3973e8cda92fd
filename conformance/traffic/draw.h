// SPDX-License-Identifier: Apache-2.0
// Drawn by lot: the same seed gives the same traffic on every machine.
#ifndef TRAFFIC_DRAW_H
#define TRAFFIC_DRAW_H

#include <stdbool.h>
#include <stdint.h>

struct lot {
    uint64_t state; // not 0
};

// xorshift64*
static inline uint32_t draw(struct lot *lot, uint32_t below) {
    lot->state ^= lot->state >> 12;
    lot->state ^= lot->state << 25;
    lot->state ^= lot->state >> 27;
    return (uint32_t)((lot->state * 0x2545f4914f6cdd1d) >> 33) % below;
}

static inline bool chance(struct lot *lot, uint32_t percent) {
    return draw(lot, 100) < percent;
}

#endif
