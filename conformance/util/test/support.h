// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share.
#ifndef UTIL_TEST_SUPPORT_H
#define UTIL_TEST_SUPPORT_H

#include "util/buffer.h"

void assert_text(struct buffer *b, const char *expected);
void assert_octets(const struct buffer *b, const void *expected, size_t size);

// A copy of exactly this size, so that a sanitizer sees one octet too many; free() it.
char *exact(const char *text, size_t size);

// What a child process left behind: its exit status, or -1 for a signal, and its standard error.
struct child {
    int status;
    char error[512];
};

// Runs `body` in a child whose standard output is opened from `output`.
struct child run_child(const char *output, void (*body)(void));

#endif
