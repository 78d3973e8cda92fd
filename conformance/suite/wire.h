// SPDX-License-Identifier: Apache-2.0
// A capture being made: pcap, Ethernet, IPv4 or IPv6, TCP or UDP, DCE/RPC. The same calls always
// give the same octets.
#ifndef SUITE_WIRE_H
#define SUITE_WIRE_H

#include "cmrp/method.h"
#include "cmrp/pdu.h"
#include "cmrp/pdu_cl.h"
#include "util/buffer.h"

enum wire_direction { WIRE_TO_SERVER, WIRE_TO_CLIENT };

enum {
    WIRE_FRAGMENT = 5840,      // octets of a PDU, as clients offer them in a bind
    WIRE_CALL_HEADER = 24,     // octets of a request or response before the stub
    WIRE_DATAGRAM_STUB = 1384, // octets of stub data in a datagram, so that it is no IP fragment
};

struct wire_end {
    uint8_t address[16]; // network order; IPv4 in the first four
    uint8_t family;      // 4 or 6; both ends of a flow have the same
    uint16_t port;
};

struct wire {
    struct buffer *out;
    uint64_t microseconds; // of the next packet since 2024-01-01 00:00:00 UTC
    uint64_t packets;      // so far; frames count from 1
};

// A connection, or a conversation over datagrams.
struct wire_flow {
    struct wire *wire;
    struct wire_end end[2]; // client, server
    uint32_t sequence[2];   // TCP: of the next octet, by direction
    uint64_t lost[2];       // TCP: octets yet to be sent that are not captured, by direction
};

// The file header. Packets follow one another by a millisecond.
struct wire wire_begin(struct buffer *out);
// 192.0.2.1:50000 to 192.0.2.2:49152.
struct wire_flow wire_flow(struct wire *wire);

// TCP: the three packets of the beginning, the three of the end, a reset.
void wire_open(struct wire_flow *flow);
void wire_close(struct wire_flow *flow);
void wire_reset(struct wire_flow *flow);
// TCP: octets in as many packets as it takes, and an acknowledgement.
void wire_send(struct wire_flow *flow, enum wire_direction direction, cmrp_view octets);
// UDP: a packet.
void wire_datagram(struct wire_flow *flow, enum wire_direction direction, cmrp_view octets);

// A PDU over TCP. One that cannot be encoded is not sent: false.
bool wire_pdu(struct wire_flow *flow, enum wire_direction direction, const cmrp_pdu *pdu);

// A header for a PDU of one fragment.
cmrp_pdu_header wire_header(uint8_t ptype, cmrp_order order, uint32_t call_id);
cmrp_syntax_id wire_transfer_syntax(cmrp_syntax syntax);

// What is left of a stub is cut into fragments of at most `most` octets: delivers the next; false
// at the end. An empty stub is one empty fragment. Start with {.stub = …}.
struct wire_cut {
    cmrp_view stub; // what is left
    cmrp_view fragment;
    bool started, first, last;
};
bool wire_next_fragment(struct wire_cut *cut, size_t most);

#endif
