// SPDX-License-Identifier: Apache-2.0
//
// Some packets of a capture, as a capture.

#ifndef CAPTURE_EXCERPT_H
#define CAPTURE_EXCERPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct excerpt {
    const char *client; // "192.0.2.1:50000", "[2001:db8::1]:50000"
    const char *server;
    uint64_t last;  // frame
    uint64_t more;  // packets of the connection behind that frame that are taken, too
    uint64_t limit; // octets
};

// Copies the packets between two ends, TCP and UDP, into memory: *octets (free() it) and *size, a
// pcap file. What libpcap's filters do not find (IP fragments, tunnels other than one VLAN tag) is
// left out. Returns false, both untouched, when the capture cannot be read, when it does not hold a
// packet between these ends, or when the excerpt would be larger than the limit.
bool capture_excerpt(const char *path, const struct excerpt *excerpt, uint8_t **octets,
                     size_t *size);

#endif
