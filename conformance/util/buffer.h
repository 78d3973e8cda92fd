// SPDX-License-Identifier: Apache-2.0
// Memory: a growable buffer, and allocation that does not return NULL.
//
// Sizes that come from a wire or a file are bounded by the callers before they get here; running
// out of memory for them is an internal error, which ends the program with exit code 5.
#ifndef UTIL_BUFFER_H
#define UTIL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmrp/bytes.h"

void *util_alloc(size_t size);                            // zeroed; free with free()
void *util_grow(void *memory, size_t count, size_t size); // realloc of count elements
char *util_strdup(const char *text);
char *util_format(const char *format, ...) __attribute__((format(printf, 1, 2))); // free() it

// Octets or text; {0} is an empty one. buffer_text keeps a NUL behind the text.
struct buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void buffer_free(struct buffer *b);
void buffer_clear(struct buffer *b);             // keeps the memory
void buffer_reserve(struct buffer *b, size_t n); // room for n octets more

// Adds n octets at the end, uninitialised.
static inline uint8_t *buffer_extend(struct buffer *b, size_t n) {
    if (n > b->capacity - b->size || b->data == NULL) { // so that no place is NULL
        buffer_reserve(b, n);
    }
    uint8_t *at = b->data + b->size;
    b->size += n;
    return at;
}

static inline void buffer_append(struct buffer *b, const void *data, size_t n) {
    if (n > 0) {
        memcpy(buffer_extend(b, n), data, n);
    }
}

void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *buffer_text(struct buffer *b); // NUL-terminated; valid until the next change
cmrp_view buffer_view(const struct buffer *b);

#endif
