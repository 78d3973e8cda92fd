// SPDX-License-Identifier: Apache-2.0
// The packets of fuzz_reassembly: an input draws some TCP connections, how they are cut into
// segments and IP fragments, what comes twice, and in which order a capture holds it all.
#ifndef FUZZ_REASSEMBLY_TALK_H
#define FUZZ_REASSEMBLY_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TALK_CONNECTIONS = 4,
    TALK_STREAM = 4096, // octets of a direction at most
    TALK_MESSAGES = 24, // of all connections
    TALK_PACKETS = 2048,
    TALK_REORDER = 12, // places by which a packet comes late at most
    TALK_PORT = 1000,  // of the client of connection 0
    TALK_SERVER_PORT = 135,
};

// Octets `from` to `to` of a direction, sent after `need` octets of the other direction were read.
struct talk_message {
    uint8_t connection;
    uint8_t direction;
    uint32_t from;
    uint32_t to;
    uint32_t need;
};

struct talk_connection {
    bool ipv6;
    bool fast_open; // the first message is in the SYN
    uint32_t isn[2];
    uint32_t size[2];
    uint32_t packets;
};

// One packet of the capture. It carries octets `from` to `to` of a direction, wrong ones with
// `wrong`, all of them or, as a fragment, those which are in it; `segment` says where those of the
// segment began.
struct talk_packet {
    uint8_t *octets;
    uint32_t size;
    uint32_t captured;
    uint32_t late; // where it would stand if nothing were reordered, and by how much it is late
    uint8_t connection;
    uint8_t direction;
    bool wrong;
    uint32_t segment;
    uint32_t from;
    uint32_t to;
};

struct talk {
    const uint8_t *input;
    size_t left;
    bool hostile; // with loss and contradictions
    bool full;    // some packets had no room
    uint32_t connections;
    struct talk_connection connection[TALK_CONNECTIONS];
    uint32_t messages;
    struct talk_message message[TALK_MESSAGES];
    uint32_t packets;
    struct talk_packet packet[TALK_PACKETS];
    uint16_t identification;
};

// The octet that belongs at a place, and a wrong one.
uint8_t talk_octet(uint32_t connection, uint32_t direction, uint32_t place);
uint8_t talk_wrong_octet(uint32_t connection, uint32_t direction, uint32_t place);

// A number below `bound`, from the input; 0 when that has ended.
uint32_t talk_draw(struct talk *talk, uint32_t bound);

// All packets of a capture, in its order. Free with talk_destroy.
struct talk *talk_create(const uint8_t *data, size_t size);
void talk_destroy(struct talk *talk);

#endif
