// SPDX-License-Identifier: Apache-2.0
// Memory that is given back all at once, to a mark: what a call needs until it is answered.
#ifndef SERVICE_MEMORY_H
#define SERVICE_MEMORY_H

#include <stddef.h>

struct memory_block;

struct memory {                        // {0} is an empty one
    struct memory_block *first, *last; // of the chain; last: the one in use
};

struct memory_mark {
    struct memory_block *block;
    size_t used;
};

// Never NULL; not initialised, aligned for anything, valid until memory_return to an earlier mark.
void *memory_take(struct memory *memory, size_t size);
struct memory_mark memory_now(const struct memory *memory);
// Gives back what was taken since. Blocks are kept for the next time, up to a moderate amount.
// Marks are returned to in the reverse order of their making.
void memory_return(struct memory *memory, struct memory_mark mark);
void memory_free(struct memory *memory); // everything

#endif
