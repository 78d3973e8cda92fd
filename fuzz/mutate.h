// SPDX-License-Identifier: Apache-2.0
// What the custom mutators share. They run under libFuzzer only: a mutated input is again an input
// of the same shape, with the lengths right more often than chance would make them.
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer's own mutations, in place; returns the new size, at most max_size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

// The next number below `limit` (> 0); *state comes from libFuzzer's seed.
static inline uint32_t mutate_below(uint32_t *state, uint32_t limit) {
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % limit;
}

#endif
