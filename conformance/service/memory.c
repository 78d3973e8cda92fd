// SPDX-License-Identifier: Apache-2.0
// A chain of blocks. Those behind the one in use are empty.
#include "service/memory.h"

#include <stdalign.h>
#include <stdlib.h>

#include "util/buffer.h"

enum { BLOCK = 64 << 10, KEPT = 1 << 20 };

struct memory_block {
    struct memory_block *next;
    size_t size, used;
    alignas(max_align_t) uint8_t data[];
};

// An empty block behind the one in use, with room for size.
static struct memory_block *advance(struct memory *memory, size_t size) {
    struct memory_block **place = memory->last != NULL ? &memory->last->next : &memory->first;
    if (*place == NULL || (*place)->size < size) {
        const size_t room = size > BLOCK ? size : BLOCK;
        struct memory_block *block = util_alloc(sizeof *block + room);
        block->size = room;
        block->next = *place;
        *place = block;
    }
    memory->last = *place;
    memory->last->used = 0;
    return memory->last;
}

void *memory_take(struct memory *memory, size_t size) {
    const size_t align = alignof(max_align_t);
    const size_t whole = (size + align - 1) / align * align;
    struct memory_block *block = memory->last;
    if (block == NULL || whole > block->size - block->used) {
        block = advance(memory, whole);
    }
    uint8_t *at = block->data + block->used;
    block->used += whole;
    return at;
}

struct memory_mark memory_now(const struct memory *memory) {
    const struct memory_mark mark = {memory->last, memory->last != NULL ? memory->last->used : 0};
    return mark;
}

// Frees empty blocks beyond what is worth keeping.
static void trim(struct memory *memory) {
    struct memory_block **place = memory->last != NULL ? &memory->last->next : &memory->first;
    size_t kept = 0;
    while (*place != NULL) {
        struct memory_block *block = *place;
        if (block->size > BLOCK || kept + block->size > KEPT) {
            *place = block->next;
            free(block);
        } else {
            kept += block->size;
            place = &block->next;
        }
    }
}

void memory_return(struct memory *memory, struct memory_mark mark) {
    const bool moved = memory->last != mark.block;
    memory->last = mark.block;
    if (mark.block != NULL) {
        mark.block->used = mark.used;
    }
    if (moved) {
        trim(memory);
    }
}

void memory_free(struct memory *memory) {
    while (memory->first != NULL) {
        struct memory_block *block = memory->first;
        memory->first = block->next;
        free(block);
    }
    memory->last = NULL;
}
