// SPDX-License-Identifier: Apache-2.0
//
// What the files of this module share: the state of a capture, and the way a packet takes through
// it: link.c -> ip.c (-> fragment.c, tunnel.c) -> tcp.c (-> early.c) -> flow.c and stream.c (->
// window.c). Not for other modules.

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

// A segment put aside because what it answers is not here yet (early.c).
struct capture_early {
    struct capture_early *prev, *next;     // in its flow, in the order of arrival
    struct capture_early *older, *younger; // in the capture
    struct capture_flow_state *flow;
    uint64_t packet; // stats.packets when it came
    struct capture_stamp stamp;
    uint32_t seq;
    uint32_t ack;
    uint32_t size;
    uint32_t span;
    uint8_t flags;
    uint8_t direction;
    uint8_t data[];
};

// Octets given up, from the first up to and without the last.
struct capture_range {
    uint32_t from;
    uint32_t to;
};

enum { CAPTURE_GAPS = 4 };

// One direction of a flow. Sequence numbers are modulo 2^32.
struct capture_side {
    struct capture_flow_state *flow;
    struct capture_side *older, *newer; // in capture.holders while `held` is not empty
    struct capture_held *held;
    uint32_t held_octets;
    uint32_t held_segments;
    uint32_t start; // of the first octet
    uint32_t next;  // of the first octet that was neither delivered nor given up
    uint32_t fin;   // of the FIN, with has_fin
    uint32_t acked; // the highest acknowledgement of the other side, with has_acked
    uint32_t stray; // where a segment out of window ended, with has_stray
    struct capture_range gaps[CAPTURE_GAPS]; // the last ones
    uint64_t window;                         // the last entry in capture.window, 0: none
    uint64_t gap_count;
    bool started, has_fin, has_acked, has_stray;
    bool missed; // octets that the other side acknowledged were waited for and did not come
};

// Which list a flow is in, in the order in which the limit on flows empties them.
enum capture_rank {
    CAPTURE_CLOSED,
    CAPTURE_HALF_OPEN, // nothing but SYNs
    CAPTURE_SILENT,    // no octets yet
    CAPTURE_TALKING,
    CAPTURE_RANKS
};

struct capture_flow_state {
    struct capture_flow shown;
    struct capture_key key;
    UT_hash_handle hh;
    struct capture_flow_state *prev, *next; // in capture.ranked[rank], longest silent first
    enum capture_rank rank;
    enum capture_close why; // when closed
    int64_t closed_seconds;
    uint64_t closed_packet; // stats.packets then
    bool smaller_first;     // endpoint[0] is the smaller one, first in the key
    bool ignored;           // the handler wants no more of it
    bool opened;            // with closed: it carried something
    uint32_t said;          // a bit for each note already made
    struct capture_early *early;
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
    uint32_t summed; // said once more, at the end

    struct capture_flow_state *flows; // hash table
    struct capture_flow_state *recent;
    struct capture_flow_state *ranked[CAPTURE_RANKS];
    uint32_t half_open;           // flows of that rank
    struct capture_side *holders; // sides with held segments, oldest hole first
    uint64_t held_octets;
    struct capture_early *early; // oldest first

    // What was delivered last, whatever the flow (window.c).
    uint8_t *window;
    uint64_t window_mask;
    uint64_t window_end;

    struct capture_datagram_parts *parts;       // hash table
    struct capture_datagram_parts *parts_under; // those under way, oldest first
    struct capture_datagram_parts *parts_done;  // those joined, oldest first
    uint64_t parts_octets;

    unsigned depth; // of tunnels
};

// What is left of a packet, from some layer on: `captured` octets at `data` of `length` sent ones.
struct capture_frame {
    const uint8_t *data;
    size_t captured;
    size_t length;
    const struct capture_stamp *stamp;
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

// `size` captured octets of `span` sent ones at sequence number `seq`.
struct capture_segment {
    uint32_t seq;
    const uint8_t *data;
    uint32_t size;
    uint32_t span;
    const struct capture_stamp *stamp;
};

enum {
    CAPTURE_FIN = 0x01,
    CAPTURE_SYN = 0x02,
    CAPTURE_RST = 0x04,
    CAPTURE_PSH = 0x08,
    CAPTURE_ACK = 0x10,
    // The largest window that TCP can offer (RFC 7323, 2.3). What lies further from the expected
    // sequence number belongs to another connection.
    CAPTURE_WINDOW_MAX = 1 << 30,
};

struct capture_tcp {
    uint16_t source_port;
    uint16_t target_port;
    uint32_t ack;
    uint8_t flags;
    struct capture_segment segment;
};

// Seconds from `then` to `now`, 0 when the clock went back.
static inline uint64_t capture_elapsed(int64_t now, int64_t then) {
    return now > then ? (uint64_t)now - (uint64_t)then : 0;
}

// The distance from `from` to `to` in sequence numbers, negative when `to` lies before.
static inline int32_t capture_seq_diff(uint32_t to, uint32_t from) {
    return (int32_t)(to - from);
}

static inline bool capture_in_window(uint32_t seq, uint32_t next) {
    int32_t distance = capture_seq_diff(seq, next);

    return distance >= -CAPTURE_WINDOW_MAX && distance <= CAPTURE_WINDOW_MAX;
}

static inline uint16_t capture_u16(const uint8_t *at) {
    return (uint16_t)((at[0] << 8) | at[1]);
}

static inline uint32_t capture_u32(const uint8_t *at) {
    return ((uint32_t)capture_u16(at) << 16) | capture_u16(at + 2);
}

// capture.c
uint32_t capture_hash(const struct capture *capture, const struct capture_key *key);
// The same for a key whose words 1 to 3 and 5 to 7 are 0.
uint32_t capture_hash_ipv4(const struct capture *capture, const struct capture_key *key);
void capture_endpoint_set(struct capture_endpoint *endpoint, uint8_t family, const uint8_t *addr,
                          uint16_t port);
// Makes a note unless this kind was noted before, for `flow` or, when it is NULL, in this run.
void capture_say(struct capture *capture, enum capture_note kind, struct capture_flow_state *flow,
                 const struct capture_stamp *stamp, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void capture_malformed(struct capture *capture, const struct capture_stamp *stamp,
                       const char *what);

// link.c
// Takes `octets` off the front; false, and counted, when there are fewer.
bool capture_frame_skip(struct capture *capture, struct capture_frame *frame, size_t octets);
void capture_ethernet_input(struct capture *capture, struct capture_frame *frame);
// What an EtherType says of the content.
void capture_ethertype_input(struct capture *capture, struct capture_frame *frame, uint16_t type);

// ip.c
// `version` is what the layer below says, 4 or 6, or 0 when it leaves it to the packet.
void capture_ip_input(struct capture *capture, int version, const struct capture_frame *frame);

// tunnel.c
// Whether packets of this IP protocol hold others.
bool capture_tunnel_protocol(uint8_t protocol);
void capture_tunnel_input(struct capture *capture, const struct capture_ip *ip);
// Reads the packet within a UDP datagram to this port. False, having done nothing, when it is no
// tunnel.
bool capture_tunnel_udp(struct capture *capture, uint16_t port, const struct capture_ip *content);

// fragment.c
struct capture_fragment {
    uint32_t id;
    uint32_t offset;
    bool more;
};
// Adds a fragment, whose content is `ip`. Returns true when that completes the datagram; then `ip`
// describes the whole, which stays valid until the next packet of the capture.
bool capture_fragment_add(struct capture *capture, const struct capture_fragment *fragment,
                          struct capture_ip *ip);
void capture_fragment_destroy(struct capture *capture);

// tcp.c
void capture_tcp_input(struct capture *capture, const struct capture_ip *ip);
// What a segment does to its open flow.
void capture_tcp_take(struct capture *capture, struct capture_flow_state *flow,
                      struct capture_tcp *tcp, int direction);
// Whether a segment can be the first of its direction.
bool capture_tcp_starts(const struct capture_tcp *tcp);
// Starts a direction at `seq` without its SYN.
void capture_tcp_join(struct capture *capture, struct capture_flow_state *flow, int direction,
                      uint32_t seq);

// early.c
// Puts a segment of an open flow aside if others should come first. False when not.
bool capture_early_put(struct capture *capture, struct capture_flow_state *flow,
                       const struct capture_tcp *tcp, int direction);
// Takes what waits no longer.
void capture_early_retry(struct capture *capture, struct capture_flow_state *flow);
// Takes what has waited long enough, of all flows.
void capture_early_expire(struct capture *capture, const struct capture_stamp *now);
// A SYN has come: what waits follows it, or is of another connection and taken now.
void capture_early_meet_syn(struct capture *capture, struct capture_flow_state *flow,
                            const struct capture_tcp *tcp, int direction);
// Takes all of this flow, whatever it waits for.
void capture_early_flush(struct capture *capture, struct capture_flow_state *flow);
// Forgets all of this flow.
void capture_early_drop(struct capture *capture, struct capture_flow_state *flow);

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
                                            bool half_open, const struct capture_stamp *stamp);
// Marks it as the one that was active last.
void capture_flow_touch(struct capture *capture, struct capture_flow_state *flow);
// Moves it to another list, as the one that was active last there.
void capture_flow_rank(struct capture *capture, struct capture_flow_state *flow,
                       enum capture_rank rank);
// Takes what was put aside, then closes the flow unless that did so already.
void capture_flow_end(struct capture *capture, struct capture_flow_state *flow,
                      enum capture_close why, const struct capture_stamp *stamp);
// Delivers what is held, tells the handler and keeps the flow as a closed one. What was put aside
// is forgotten.
void capture_flow_close(struct capture *capture, struct capture_flow_state *flow,
                        enum capture_close why, const struct capture_stamp *stamp);
// Forgets a flow without telling the handler.
void capture_flow_drop(struct capture *capture, struct capture_flow_state *flow);

// stream.c
// A segment of a started direction.
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

// window.c
bool capture_window_create(struct capture *capture);
// Remembers octets that were delivered.
void capture_window_add(struct capture *capture, struct capture_side *side, uint32_t seq,
                        const uint8_t *data, uint32_t size);
// Compares `size` octets that were delivered, or given up, before with what is remembered. Returns
// how many could be compared; `same` becomes false if any differ.
uint32_t capture_window_compare(const struct capture *capture, const struct capture_side *side,
                                uint32_t seq, const uint8_t *data, uint32_t size, bool *same);

#endif
