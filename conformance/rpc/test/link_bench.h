// SPDX-License-Identifier: Apache-2.0
// One client connection without a socket, for tests: what it is fed, what it sends and tells.
#ifndef RPC_TEST_LINK_BENCH_H
#define RPC_TEST_LINK_BENCH_H

#include "peer.h"
#include "rpc/client_link.h"

// A link, what it sent as PDUs, and what it told.
struct bench {
    struct rpc_link *link;
    struct buffer sent[64];
    size_t count;
    struct buffer told; // text: a line for each callback
    struct buffer stub; // of the last reply
};

// response: the most octets of one, 0: the standard. Closed by bench_close.
void bench_open(struct bench *b, enum rpc_offer offer, uint32_t group, bool multiplex,
                uint32_t response);
// A bound bench. features: what the server agrees to.
void bench_open_bound(struct bench *b, bool multiplex, uint16_t features);
void bench_close(struct bench *b);
// The PDU number `index` that was sent, from 0.
cmrp_pdu bench_sent(const struct bench *b, size_t index);
// Gives the link octets from memory of exactly their size, and frees the buffer.
void bench_feed(struct bench *b, struct buffer *octets);
// Compares what was told and forgets it.
void bench_expect(struct bench *b, const char *text);
// Starts a call with a stub of so many octets; its number.
uint32_t bench_call(struct bench *b, const char *name, size_t size);

#endif
