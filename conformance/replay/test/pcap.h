// SPDX-License-Identifier: Apache-2.0
// Captures for the tests: conversations as packets of TCP connections.
#ifndef REPLAY_TEST_PCAP_H
#define REPLAY_TEST_PCAP_H

#include "assoc/test/conversation.h"

// Starts a pcap file (Ethernet, microseconds) in an empty buffer.
void pcap_begin(struct buffer *out);
// Adds a connection from 192.0.2.236:PORT to 192.0.2.1:SERVER_PORT: SYN, SYN-ACK, then a packet for
// each piece of the conversation, a millisecond apart. Pieces that are gaps are left out.
void pcap_connection(struct buffer *out, const struct conversation *c, uint16_t port,
                     uint16_t server_port);

// A request and its response, stubs given as hex (spaces are for the reader); a response of NULL is
// left out.
void talk_call(struct conversation *c, uint32_t call_id, uint16_t opnum, const char *request,
               const char *response);

#endif
