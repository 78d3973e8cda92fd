// SPDX-License-Identifier: Apache-2.0
//
// What the files of this module share: the state of a capture, and the way a packet takes through
// it: link.c -> ip.c (-> fragment.c) -> tcp.c -> flow.c and stream.c. Not for other modules.

#ifndef CAPTURE_STATE_H
#define CAPTURE_STATE_H

#include "capture/capture.h"

// A failed insertion leaves the element outside the table, which the caller checks.
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

// A key and its hash: two addresses (the smaller endpoint first, for flows), then whatever else
// tells things apart. Hashed by random multipliers drawn for each capture (see capture_hash).
enum { CAPTURE_KEY_WORDS = 10 };

struct capture_key {
    uint32_t word[CAPTURE_KEY_WORDS];
};

// A segment, or a part of one, held behind a hole. `size` octets are at `data`; `span` >= `size`
// were on the wire. Segments of one side are sorted and disjoint, and all lie after its `next`.
struct capture_held {
    struct capture_held *prev, *next;
    struct capture_stamp stamp;
    uint32_t seq;
    uint32_t size;
    uint32_t span;
    uint8_t data[];
};

// One direction of a flow. Sequence numbers are modulo 2^32.
struct capture_side {
    struct capture_flow_state *flow;
    struct capture_side *older, *newer; // in capture.holders while `held` is not empty
    struct capture_held *held;
    uint32_t held_octets;
    uint32_t held_segments;
    uint32_t start;    // of the first octet
    uint32_t next;     // of the first octet that was neither delivered nor given up
    uint32_t fin;      // of the FIN, with has_fin
    uint32_t acked;    // the highest acknowledgement of the other side, with has_acked
    uint32_t gap_from; // the last gap, with has_gap
    uint32_t gap_to;
    uint32_t stray; // where a segment out of window ended, with has_stray
    bool started, has_fin, has_acked, has_gap, has_stray;
};

// Which list a flow is in, in the order in which the limit on flows empties them.
enum capture_rank { CAPTURE_CLOSED, CAPTURE_SILENT, CAPTURE_TALKING, CAPTURE_RANKS };

struct capture_flow_state {
    struct capture_flow shown;
    struct capture_key key;
    UT_hash_handle hh;
    struct capture_flow_state *prev, *next; // in capture.ranked[rank], longest silent first
    enum capture_rank rank;
    enum capture_close why; // when closed
    int64_t closed_seconds;
    bool smaller_first; // endpoint[0] is the smaller one, first in the key
    bool ignored;       // the handler wants no more of it
    uint32_t said;      // a bit for each note already made
    void *user;
    struct capture_side side[2];
};

struct capture_datagram_parts;

struct capture {
    struct capture_limits limits;
    struct capture_handler handler;
    struct capture_stats stats;
    uint64_t multiplier[CAPTURE_KEY_WORDS + 1];
    uint32_t said;

    struct capture_flow_state *flows; // hash table
    struct capture_flow_state *recent;
    struct capture_flow_state *ranked[CAPTURE_RANKS];
    struct capture_side *holders; // sides with held segments, oldest hole first
    uint64_t held_octets;

    struct capture_datagram_parts *parts;        // hash table
    struct capture_datagram_parts *parts_by_age; // the same, oldest first
    struct capture_datagram_parts *joined;       // the last one completed, still being read
    uint64_t parts_octets;
};

// The content of an IP packet. `size` octets were captured at `data`, `span` >= `size` were sent.
struct capture_ip {
    uint8_t family;
    uint8_t protocol;
    const uint8_t *source; // 4 or 16 octets
    const uint8_t *target;
    const uint8_t *data;
    size_t size;
    size_t span;
    const struct capture_stamp *stamp;
};

// Seconds from `then` to `now`, 0 when the clock went back.
static inline uint64_t capture_elapsed(int64_t now, int64_t then) {
    return now > then ? (uint64_t)now - (uint64_t)then : 0;
}

// The distance from `from` to `to` in sequence numbers, negative when `to` lies before.
static inline int32_t capture_seq_diff(uint32_t to, uint32_t from) {
    return (int32_t)(to - from);
}

static inline uint16_t capture_u16(const uint8_t *at) {
    return (uint16_t)((at[0] << 8) | at[1]);
}

static inline uint32_t capture_u32(const uint8_t *at) {
    return ((uint32_t)capture_u16(at) << 16) | capture_u16(at + 2);
}

// capture.c
uint32_t capture_hash(const struct capture *capture, const struct capture_key *key);
void capture_endpoint_set(struct capture_endpoint *endpoint, uint8_t family, const uint8_t *addr,
                          uint16_t port);
// Makes a note unless this kind was noted before, for `flow` or, when it is NULL, in this run.
void capture_say(struct capture *capture, enum capture_note kind, struct capture_flow_state *flow,
                 const struct capture_stamp *stamp, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void capture_malformed(struct capture *capture, const struct capture_stamp *stamp,
                       const char *what);

// ip.c
// `version` is what the link layer says, 4 or 6, or 0 when it leaves it to the packet.
void capture_ip_input(struct capture *capture, int version, const uint8_t *data, size_t captured,
                      size_t length, const struct capture_stamp *stamp);

// fragment.c
struct capture_fragment {
    uint32_t id;
    uint32_t offset;
    bool more;
};
// Adds a fragment, whose content is `ip`. Returns true when that completes the datagram; then `ip`
// describes the whole, which stays valid until the next call.
bool capture_fragment_add(struct capture *capture, const struct capture_fragment *fragment,
                          struct capture_ip *ip);
void capture_fragment_destroy(struct capture *capture);

// tcp.c
void capture_tcp_input(struct capture *capture, const struct capture_ip *ip);

// flow.c
struct capture_lookup {
    struct capture_key key;
    uint32_t hash;
    bool source_smaller;
};
void capture_lookup_set(const struct capture *capture, struct capture_lookup *lookup,
                        const struct capture_ip *ip, uint16_t source, uint16_t target);
// The flow, or NULL.
struct capture_flow_state *capture_flow_find(struct capture *capture,
                                             const struct capture_lookup *lookup);
// Which direction a packet of this flow has.
int capture_flow_direction(const struct capture_flow_state *flow,
                           const struct capture_lookup *lookup);
// A new flow with endpoint[0] = source, or target with `reversed`. NULL when memory is short.
struct capture_flow_state *capture_flow_add(struct capture *capture,
                                            const struct capture_lookup *lookup,
                                            const struct capture_endpoint *source,
                                            const struct capture_endpoint *target, bool reversed,
                                            const struct capture_stamp *stamp);
// Marks it as the one that was active last.
void capture_flow_touch(struct capture *capture, struct capture_flow_state *flow);
// Moves it to another list, as the one that was active last there.
void capture_flow_rank(struct capture *capture, struct capture_flow_state *flow,
                       enum capture_rank rank);
// Delivers what is held, tells the handler and keeps the flow as a closed one.
void capture_flow_close(struct capture *capture, struct capture_flow_state *flow,
                        enum capture_close why, const struct capture_stamp *stamp);
// Forgets a flow without telling the handler.
void capture_flow_drop(struct capture *capture, struct capture_flow_state *flow);

// stream.c
// `size` captured octets of `span` sent ones at sequence number `seq` of a started direction.
struct capture_segment {
    uint32_t seq;
    const uint8_t *data;
    uint32_t size;
    uint32_t span;
    const struct capture_stamp *stamp;
};
void capture_stream_data(struct capture *capture, struct capture_flow_state *flow, int direction,
                         struct capture_segment segment);
// Gives up holes that the other side has acknowledged.
void capture_stream_acked(struct capture *capture, struct capture_flow_state *flow, int direction,
                          const struct capture_stamp *stamp);
// Gives up every hole, up to the last octet known to have been sent.
void capture_stream_finish(struct capture *capture, struct capture_flow_state *flow, int direction,
                           const struct capture_stamp *stamp);
// Forgets what is held.
void capture_stream_clear(struct capture *capture, struct capture_side *side);

#endif
