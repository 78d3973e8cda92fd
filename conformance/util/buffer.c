// SPDX-License-Identifier: Apache-2.0
#include "util/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/outcome.h"

static void *checked(void *memory, size_t size) {
    if (memory == NULL && size > 0) {
        fprintf(stderr, "cmrp: out of memory (%zu octets)\n", size);
        exit(OUTCOME_INTERNAL);
    }
    return memory;
}

void *util_alloc(size_t size) {
    return checked(calloc(1, size > 0 ? size : 1), size);
}

void *util_grow(void *memory, size_t count, size_t size) {
    return checked(reallocarray(memory, count, size), count > 0 && size > 0);
}

char *util_strdup(const char *text) {
    return checked(strdup(text), strlen(text) + 1);
}

static size_t __attribute__((format(printf, 3, 0)))
format_into(char *text, size_t size, const char *format, va_list args) {
    va_list copy;
    va_copy(copy, args);
    const int n = vsnprintf(text, size, format, copy);
    va_end(copy);
    return n < 0 ? 0 : (size_t)n;
}

char *util_format(const char *format, ...) {
    va_list args;
    va_start(args, format);
    const size_t size = format_into(NULL, 0, format, args) + 1;
    char *text = util_alloc(size);
    format_into(text, size, format, args);
    va_end(args);
    return text;
}

void buffer_free(struct buffer *b) {
    free(b->data);
    *b = (struct buffer){0};
}

void buffer_clear(struct buffer *b) {
    b->size = 0;
}

void buffer_reserve(struct buffer *b, size_t n) {
    if (n <= b->capacity - b->size && b->data != NULL) {
        return;
    }
    if (n > SIZE_MAX / 4 - b->size) {
        checked(NULL, n);
    }
    const size_t doubled = 2 * b->capacity;
    const size_t capacity = b->size + n >= doubled ? b->size + n + 64 : doubled;
    b->data = util_grow(b->data, capacity, 1);
    b->capacity = capacity;
}

void buffer_printf(struct buffer *b, const char *format, ...) {
    enum { USUAL = 128 };
    va_list args;
    va_start(args, format);
    const size_t start = b->size;
    size_t n = format_into((char *)buffer_extend(b, USUAL), USUAL, format, args);
    if (n >= USUAL) {
        b->size = start;
        format_into((char *)buffer_extend(b, n + 1), n + 1, format, args);
    }
    b->size = start + n;
    va_end(args);
}

const char *buffer_text(struct buffer *b) {
    *buffer_extend(b, 1) = '\0';
    b->size--;
    return (const char *)b->data;
}

cmrp_view buffer_view(const struct buffer *b) {
    return (cmrp_view){b->data, b->size};
}
