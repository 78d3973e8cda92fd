// SPDX-License-Identifier: Apache-2.0
// A world in which datagrams are made and calls are written down.
#ifndef ASSOC_TEST_DATAGRAMS_H
#define ASSOC_TEST_DATAGRAMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assoc/datagram.h"
#include "util/buffer.h"

enum { MAPPER = 135, SERVER = 1055 };

struct world {
    struct assoc_datagrams *datagrams;
    struct buffer said; // a line an event
    uint64_t frame;
    int open;
};

// What a test says about a PDU; the rest are defaults.
struct sent {
    uint8_t ptype;
    uint32_t call;
    const char *stub;
    uint8_t activity;
    uint8_t flags1;
    uint8_t flags2;
    uint16_t number;
    uint16_t server; // port
    uint16_t client; // port
    uint8_t host;    // of the client
    uint32_t status;
    bool foreign; // another interface
    bool sealed;
    bool big;
    uint64_t missing; // octets cut off
    size_t len_more;  // len is so much too large
};

void begin_with(struct world *w, const struct assoc_datagram_limits *limits,
                struct assoc_memory *memory);
void begin(struct world *w);
// Ends it and compares everything that was said.
void end(struct world *w, const char *expected);
// Returns the size.
size_t encode_datagram(const struct sent *s, uint8_t *out, size_t capacity);
// Makes a datagram and gives it; returns whether it was taken.
bool give(struct world *w, struct sent s);

#endif
