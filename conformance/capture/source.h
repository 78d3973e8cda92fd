// SPDX-License-Identifier: Apache-2.0
//
// The octets of a capture as a stdio stream: from a descriptor or from memory, decompressed when
// they are gzip. Not for other modules.

#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum source_state {
    SOURCE_GOOD,
    SOURCE_CUT,      // the gzip stream ends too early
    SOURCE_FAILED,   // read(2) failed: see `system`
    SOURCE_DAMAGED,  // the gzip stream is wrong: see `what`
    SOURCE_NO_MEMORY // for decompression
};

struct source;

// Reads from `descriptor` unless `memory` is given. The descriptor and the memory stay the
// caller's. NULL when memory is short.
struct source *source_create(int descriptor, const uint8_t *memory, size_t size);

// The stream, which the caller (or libpcap) closes before source_destroy. NULL when memory is
// short. Its ftello gives octets after decompression. A short read may mean more than the end: ask
// source_state.
FILE *source_open(struct source *source);

enum source_state source_state(const struct source *source);
// The errno of SOURCE_FAILED.
int source_system(const struct source *source);
// What is wrong with the gzip stream, for SOURCE_DAMAGED.
const char *source_what(const struct source *source);

void source_destroy(struct source *source);

#endif
