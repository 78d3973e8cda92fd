// SPDX-License-Identifier: Apache-2.0
// What datagram.c (activities) and datagram_call.c (calls) share. Not for other folders.
#ifndef ASSOC_DATAGRAM_STATE_H
#define ASSOC_DATAGRAM_STATE_H

#include <stdlib.h>

#include "assoc/datagram.h"
#include "assoc/state.h"
#include "util/buffer.h"
#include "util/outcome.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

enum { DG_DONE = 32 }; // sequence numbers remembered of calls that are done

// A fragment that was seen: `size` octets at `at` of the part's stub, in the order of arrival.
struct dg_fragment {
    uint16_t number;
    bool cut; // the rest of the datagram is missing
    uint32_t size;
    size_t at;
};

struct dg_part {
    struct assoc_part shown;
    struct kept stub;
    struct kept fragments; // struct dg_fragment each, by number
    uint32_t last;         // number of the last one, where it is known
    bool last_known;
    bool broken; // there are two last fragments, or one behind the last
    bool large;
    bool many; // more fragments than may be
    bool sealed;
};

struct dg_call {
    struct assoc_call shown;
    struct dg_part request;
    struct dg_part response;
};

// What tells conversations apart; compared octet by octet, so it has no gaps.
struct dg_key {
    uint8_t activity[CMRP_UUID_SIZE];
    uint8_t client[17];
    uint8_t client_port[2];
    uint8_t server[17];
};

struct dg_activity {
    struct dg_key key;
    struct assoc_datagrams *owner;
    struct assoc_conversation shown;
    bool answered; // the server's address is its own
    void *user;
    uint32_t said;
    struct dg_call **calls; // oldest first
    size_t call_count;
    size_t call_capacity;
    uint32_t floor; // calls below this sequence number are done
    uint32_t done[DG_DONE];
    size_t done_count;
    UT_hash_handle hh;
};

struct assoc_datagrams {
    struct assoc_datagram_limits limits;
    struct assoc_datagram_events events;
    struct assoc_memory *memory;
    struct assoc_memory own_memory;
    struct assoc_datagram_counts counts;
    uint32_t said;
    struct dg_activity *activities; // a hash table, the one silent longest first
};

// datagram.c
void dg_say(struct dg_activity *a, enum assoc_note note, const struct assoc_stamp *stamp,
            const char *format, ...) __attribute__((format(printf, 4, 5)));
// The same, once an activity.
void dg_say_once(struct dg_activity *a, enum assoc_note note, const struct assoc_stamp *stamp,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
// Gives up the conversation that was silent longest, unless it is `but`. Returns whether there was
// one.
bool dg_evict(struct assoc_datagrams *d, const struct dg_activity *but);

// datagram_call.c
struct dg_seen {
    const cmrp_pdu_cl *pdu;
    bool cut;
    const struct assoc_stamp *stamp;
};
// A request, response, fault, reject, ping, working or cl_cancel of the activity.
void dg_call_pdu(struct dg_activity *a, const struct dg_seen *seen);
// A PDU that cannot be decoded. Returns whether it belongs to an open call, which remembers it.
bool dg_call_breach(struct dg_activity *a, uint32_t seqnum, bool from_server,
                    const cmrp_error *error, const struct assoc_stamp *stamp);
// Reports every open call, oldest first, and forgets it.
void dg_calls_close(struct dg_activity *a);
void dg_calls_free(struct dg_activity *a);

#endif
