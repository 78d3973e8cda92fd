// SPDX-License-Identifier: Apache-2.0
// Arrays that grow by one element at a time.
#ifndef SUITE_GROW_H
#define SUITE_GROW_H

#include "util/buffer.h"

// Makes room for one element more in an array that holds `count` of `size` octets each and has only
// ever grown by this function. The room doubles, so that it is seldom moved. Returns the array.
static inline void *grow_by_one(void *array, size_t count, size_t size) {
    const bool full = (count & (count - 1)) == 0; // 0 or a power of two
    return full ? util_grow(array, count > 0 ? 2 * count : 1, size) : array;
}

#endif
