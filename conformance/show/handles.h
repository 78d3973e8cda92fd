// SPDX-License-Identifier: Apache-2.0
// Short names for context handles: key#1, notify#1, batch#2, in order of appearance.
#ifndef SHOW_HANDLES_H
#define SHOW_HANDLES_H

#include "cmrp/method.h"
#include "util/buffer.h"

// A handle means something to the server that gave it only.
struct show_server {
    uint8_t address[16]; // network order; an IPv4 address in the first four
    uint16_t port;
    uint8_t family; // 4 or 6
};

struct show_handles;

// Appends the name of a handle, a new one if it has none: "null" for the null handle, and the
// octets once 65,536 handles have names. *names is NULL at first; show_handles_free() it.
void show_handle_name(struct show_handles **names, const struct show_server *server,
                      unsigned meaning, const uint8_t handle[CMRP_HANDLE_SIZE], struct buffer *out);
void show_handles_free(struct show_handles *names);

#endif
