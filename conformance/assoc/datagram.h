// SPDX-License-Identifier: Apache-2.0
// Connectionless DCE/RPC (version 4) watched from outside: datagrams in, calls of the cluster
// management interface out, the same calls as a connection delivers (assoc.h).
//
// Nothing here opens, reads or prints anything. Whoever has the datagrams gives them in the order
// in which they were seen, with the addresses that they went from and to.
//
// How calls are read [C706 12.5, MS-RPCE 3.2]:
// - A datagram belongs here when its header is a version 4 one and names the interface, or when it
//   answers a call of an activity that does. No bind is needed: every header has the interface and
//   its version; the transfer syntax is always NDR 2.0.
// - A conversation is an activity between a client's address and a server's host. The server's port
//   may change: a first request may go to the endpoint mapper, and the answer comes from the server
//   itself [MS-RPCE 4.5].
// - A call is one sequence number of an activity. Its request and its answer are collected by
//   fragment number, in any order; of a repeated fragment the first one counts. What comes to a
//   call that is done is dropped.
// - A call is delivered when request and answer are whole (a fault or reject is one; a `maybe` call
//   has none), otherwise when the activity starts a later call without PF2_UNRELATED, which ends
//   all earlier ones, when room is needed, or at the end. So the outcome does not depend on the
//   order of the datagrams of a call.
// - ping, working and cl_cancel are counted or noted; ack, nocall, fack and cancel_ack change
//   nothing.
// - A PDU that cannot be decoded is remembered with the open call that its header names, or noted.
// - Of a datagram that was not seen whole, the header counts: its fragment is lost unless repeated.
#ifndef ASSOC_DATAGRAM_H
#define ASSOC_DATAGRAM_H

#include "assoc/assoc.h"
#include "cmrp/pdu_cl.h"

// Where a datagram comes from or goes to, as the caller tells hosts apart.
struct assoc_address {
    uint8_t host[17];
    uint16_t port;
};

// Bounds on what is kept, besides struct assoc_memory. 0 takes the default.
struct assoc_datagram_limits {
    // Activities remembered. Default 4,096: as many clients as a large cluster has. The one that
    // was silent longest is given up to make room, its open calls reported as they are.
    uint32_t activities;
    // Calls open in one activity. Default 64. The oldest is reported as it is to make room.
    uint32_t calls;
    // Fragments of one request or response. Default 8,192: 4 MiB in fragments of half a KiB. More
    // are not joined.
    uint32_t fragments;
    // Octets of one joined stub. Default 4 MiB, as for connections.
    size_t stub;
};

struct assoc_conversation {
    cmrp_uuid activity;
    struct assoc_address client;
    struct assoc_address server;
};

// The receiver. Every callback may be NULL; pointers are valid during the call only; a callback
// must not call back. `user` is what `open` returned for the conversation (NULL without `open`).
struct assoc_datagram_events {
    void *context;
    void *(*open)(void *context, const struct assoc_conversation *conversation,
                  const struct assoc_stamp *stamp);
    // The server turned out to be somewhere else.
    void (*move)(void *user, const struct assoc_address *server);
    void (*call)(void *user, const struct assoc_call *call);
    // As for connections; `user` is NULL where no single conversation is concerned, and then
    // `context` says whose.
    void (*note)(void *context, void *user, enum assoc_note note, const char *text,
                 const struct assoc_stamp *stamp);
    void (*close)(void *user);
};

struct assoc_datagram_counts {
    uint64_t pdus;       // that belong here
    uint64_t activities; // opened
    uint64_t calls;      // opened
    uint64_t repeated;   // fragments seen before, or of calls that are done
};

struct assoc_datagrams;

// limits may be NULL; memory is shared with connections, must outlive this, and may be NULL. events
// is copied. Free with assoc_datagrams_destroy.
struct assoc_datagrams *assoc_datagrams_create(const struct assoc_datagram_limits *limits,
                                               const struct assoc_datagram_events *events,
                                               struct assoc_memory *memory);

// Gives a datagram, of which `missing` octets more were sent than are at hand. Returns whether it
// belongs here.
bool assoc_datagram(struct assoc_datagrams *d, const struct assoc_address *source,
                    const struct assoc_address *target, cmrp_view octets, uint64_t missing,
                    const struct assoc_stamp *stamp);

// The end: reports what is still open, closes every conversation. Only assoc_datagrams_destroy and
// the query may follow.
void assoc_datagrams_close(struct assoc_datagrams *d);

// Frees without events. NULL is allowed.
void assoc_datagrams_destroy(struct assoc_datagrams *d);

const struct assoc_datagram_counts *assoc_datagrams_counts(const struct assoc_datagrams *d);

#endif
