// SPDX-License-Identifier: Apache-2.0
//
// From a capture file to byte streams: libpcap records -> link layer -> IP -> TCP connections, each
// direction delivered in order through callbacks; UDP datagrams are passed on one by one. Nothing
// here knows what the octets mean.
//
// What is read:
// - pcap (either byte order, micro- or nanoseconds) and pcapng, plain or gzip-compressed, from a
//   file, a descriptor that need not be seekable, or memory. libpcap reads only files whose
//   interfaces share one link type and one snapshot length; its refusal is passed on.
// - Ethernet, Linux cooked v1 and v2, raw IP, BSD loopback, PPP, PPPoE. In Ethernet: any number of
//   tags (802.1Q, 802.1ad, older QinQ, VN-Tag, E-Tag), PPPoE sessions, MPLS.
// - Tunnels, up to 8 in each other: IP in IP, GRE, ERSPAN, VXLAN and Geneve on their UDP ports.
//   Neither tags and labels nor tunnels tell connections apart: both directions of a connection
//   need not have the same.
// - IPv4 and IPv6 with extension headers and fragments. Checksums are not verified: with offloading
//   a capture on the sending host holds segments whose checksum is not filled in yet. For the same
//   reason packets may be larger than any interface sends, and an IP length may be 0.
//
// How fragments are read:
// - Those of a datagram come in any order. Copies are dropped, for a second also after the datagram
//   was joined. Overlaps that agree are accepted.
// - A fragment that contradicts earlier ones, in octets or about the end, is taken to be of a newer
//   datagram with the same identification: the earlier ones are dropped.
//
// How a connection is read:
// - A flow is a pair of endpoints (address and port). A SYN whose sequence number differs from that
//   of the open flow, or that meets a closed one, starts a new flow; so do octets that cannot
//   belong to the flow, when a second segment carries on from them.
// - A direction starts at its SYN, or, when the capture begins later, at the first segment with
//   octets in it. A lone octet without PSH does not start one: that is what a keep-alive looks
//   like.
// - Where segments overlap, the octets that arrived first count. Octets that contradict others are
//   noted, if those are still held for reordering or among what was delivered last (struct
//   capture_limits, compare_octets). What cannot be compared is counted. A repetition of a single
//   octet is a keep-alive and not compared.
// - Capturing with several queues exchanges packets that are close to each other. A segment that
//   acknowledges octets not seen yet, or octets before their SYN, wait a moment for the others
//   (reorder_packets, reorder_microseconds), so that requests come before responses and nothing is
//   called missing that is only late.
// - Missing octets become a gap as soon as waiting is pointless: the other side has acknowledged
//   them, that moment is over and later octets are here, a limit is met, the flow closes, or the
//   capture ends. Octets cut off by the snapshot length become a gap at once. Octets that turn up
//   later are counted, noted and dropped; this is known of the last four gaps of a direction.
// - A flow closes when both directions have reached their FIN, or at a RST whose sequence number is
//   exactly one that its receiver may expect; other RSTs are counted and ignored. A flow that
//   carried octets is remembered for some time so that stray retransmissions do not revive it.
//
// Memory is bounded by struct capture_limits and does not grow with the size of the capture. A
// limit that is met is noted when that happens first, and once more, with the count, at the end.

#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Where and when a packet was recorded. `frame` counts the packets of the capture from 1;
// `seconds` count from 1970-01-01 UTC and `nanoseconds` are below 1,000,000,000.
struct capture_stamp {
    uint64_t frame;
    int64_t seconds;
    uint32_t nanoseconds;
};

// One end of a flow. `family` is 4 or 6; `addr` is in network order, an IPv4 address in its first
// four octets and the rest zero; `port` is in host order.
struct capture_endpoint {
    uint8_t addr[16];
    uint16_t port;
    uint8_t family;
};

enum { CAPTURE_ENDPOINT_TEXT = 56 };

// Writes "192.0.2.1:135" or "[2001:db8::1]:135" and a NUL to `text`, and returns `text`.
const char *capture_endpoint_format(const struct capture_endpoint *endpoint,
                                    char text[CAPTURE_ENDPOINT_TEXT]);

// A TCP connection. `id` counts connections from 1 in the order of their first segments (those that
// carry nothing, and are never shown to the handler, too). Direction 0 is from endpoint[0] to
// endpoint[1], direction 1 the other way. With `initiator_known`, endpoint[0] opened the
// connection; without, the capture began later and endpoint[0] is the sender of the first segment
// seen.
struct capture_flow {
    uint64_t id;
    struct capture_endpoint endpoint[2];
    bool initiator_known;
};

// A UDP datagram. `size` octets at `data` were captured; `missing` more were cut off by the
// snapshot length.
struct capture_datagram {
    struct capture_endpoint source;
    struct capture_endpoint target;
    const uint8_t *data;
    size_t size;
    uint64_t missing;
};

// Why a flow closed.
#define CAPTURE_CLOSES(X)                                                                          \
    X(FIN, "fin")           /* both directions were read to their FIN */                           \
    X(RESET, "reset")       /* RST */                                                              \
    X(REPLACED, "replaced") /* another connection between the same ports began */                  \
    X(EVICTED, "evicted")   /* the limit on flows was met */                                       \
    X(END, "end")           /* the capture ended, or reading it was stopped */

#define CAPTURE_X(name, text) CAPTURE_CLOSE_##name,
enum capture_close { CAPTURE_CLOSES(CAPTURE_X) };
#undef CAPTURE_X

// The text of CAPTURE_CLOSES, for reports and tests.
const char *capture_close_name(enum capture_close why);

// What is noted of a run: at the first occurrence, and in the end again with the count if there
// were more. X(enumerator, counter in struct capture_stats, what the count is of).
#define CAPTURE_RUN_NOTES(X)                                                                       \
    X(FLOW_LIMIT, flow_evictions, "connections closed to make room")                               \
    X(HALF_OPEN_LIMIT, half_open_evictions, "half-open connections forgotten to make room")        \
    X(CLOSED_LIMIT, closed_evictions, "closed connections forgotten early to make room")           \
    X(SIDE_LIMIT, side_evictions, "holes given up, too much held behind them")                     \
    X(HELD_LIMIT, held_evictions, "holes given up, too much held by all connections")              \
    X(FRAGMENT_LIMIT, fragment_evictions, "incomplete IP datagrams dropped to make room")          \
    X(FRAGMENT_OVERLAP, fragment_overlaps, "IP fragments overlap others and agree")                \
    X(FRAGMENT_CONFLICT, fragment_conflicts, "IP fragments contradict others, which are dropped")  \
    X(TOO_DEEP, too_deep, "packets within too many tunnels")                                       \
    X(SNAPSHOT, cut_packets, "packets cut off by the snapshot length")                             \
    X(MALFORMED, malformed, "packets that break the rules of their headers")                       \
    X(NO_MEMORY, no_memory, "allocations failed, and octets were dropped")

// All that is noted. The last three are said once a flow.
#define CAPTURE_NOTES(X)                                                                           \
    X(FLOW_LIMIT, "flow-limit")                                                                    \
    X(HALF_OPEN_LIMIT, "half-open-limit")                                                          \
    X(CLOSED_LIMIT, "closed-limit")                                                                \
    X(SIDE_LIMIT, "side-limit")                                                                    \
    X(HELD_LIMIT, "held-limit")                                                                    \
    X(FRAGMENT_LIMIT, "fragment-limit")                                                            \
    X(FRAGMENT_OVERLAP, "fragment-overlap")                                                        \
    X(FRAGMENT_CONFLICT, "fragment-conflict")                                                      \
    X(TOO_DEEP, "too-deep")                                                                        \
    X(SNAPSHOT, "snapshot")                                                                        \
    X(MALFORMED, "malformed")                                                                      \
    X(NO_MEMORY, "no-memory")                                                                      \
    X(CONTRADICTION, "contradiction") /* overlapping segments hold different octets */             \
    X(LATE, "late")                   /* octets came after they were given up */                   \
    X(AFTER_END, "after-end")         /* octets after a FIN or RST */

#define CAPTURE_X(name, text) CAPTURE_NOTE_##name,
enum capture_note { CAPTURE_NOTES(CAPTURE_X) };
#undef CAPTURE_X

// The text of CAPTURE_NOTES, for reports and tests.
const char *capture_note_name(enum capture_note kind);

// The receiver. Every callback may be NULL. `ctx` is handed to each; `user` is what `open` returned
// (NULL without `open`). Pointers are valid during the call only. A callback must not call back
// into the capture that is calling it.
//
// Order: `open` comes before the first `data` or `gap` of a flow (a connection that carries nothing
// is never opened), `close` last, once for every `open`. The octets of one direction come in order,
// each at most once. `stamp` is that of the packet which carried the octets, so it can run
// backwards within a direction; for `gap`, `close` and `note` it is that of the packet at which
// this was found. What one direction acknowledges comes before what it says next, as far as the
// capture holds it within the tolerance for reordering.
struct capture_handler {
    void *ctx;

    void *(*open)(void *ctx, const struct capture_flow *flow, const struct capture_stamp *stamp);

    // `size` (> 0) octets, pointing into the packet where possible. Returns false when nothing more
    // of this flow is wanted: neither direction is delivered or held any longer, `close` still
    // comes.
    bool (*data)(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                 const struct capture_stamp *stamp);

    // `octets` (> 0) of this direction are not in the capture; what follows comes after them.
    void (*gap)(void *ctx, void *user, int direction, uint64_t octets,
                const struct capture_stamp *stamp);

    void (*close)(void *ctx, void *user, enum capture_close why, const struct capture_stamp *stamp);

    void (*datagram)(void *ctx, const struct capture_datagram *datagram,
                     const struct capture_stamp *stamp);

    // `flow` is NULL for the kinds that concern the whole run. `text` is one line for people.
    void (*note)(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                 const char *text, const struct capture_stamp *stamp);

    // Asked before every packet of a run; true ends it with CAPTURE_STOPPED.
    bool (*stop)(void *ctx);
};

// Bounds on memory. A field that is 0 takes the default. Held octets include the bookkeeping of
// each held segment, so the bounds hold for tiny segments too.
struct capture_limits {
    // Flows remembered, closed ones included. Default 65,536: every port of a busy client, at about
    // 500 octets each. To make room closed flows go first, then half-open ones, then those that
    // carried nothing, then the rest; of each kind the one that was silent longest.
    uint32_t flows;
    // Half-open flows remembered: those of which only SYNs were seen. Default half of `flows`. The
    // one that was silent longest goes first; nothing else makes room for them alone. So neither a
    // port scan nor a SYN flood, however large, displaces a connection that waits hours for a
    // notification, or the memory of closed ones.
    uint32_t half_open;
    // Octets held behind a hole, per direction. Default 1 MiB: more than a usual receive window in
    // flight.
    uint32_t side_octets;
    // Segments held behind a hole, per direction. Default 4,096: full-size segments reach
    // side_octets first; it bounds the search for a place in the list.
    uint32_t side_segments;
    // Octets held by all flows together. Default 64 MiB: 64 directions at their own limit. The
    // direction whose hole is oldest gives up first.
    uint32_t held_octets;
    // Octets of IP datagrams in fragments. Default 4 MiB: sixty of the largest size; at least one
    // is always allowed. Those joined within the last second go first, then the oldest.
    uint32_t fragment_octets;
    // Capture time after which an incomplete IP datagram is given up, since its identification may
    // be used again. Default 30 s, as common stacks do.
    uint32_t fragment_seconds;
    // Capture time for which a closed flow is remembered. Default 240 s: twice the maximum segment
    // lifetime of RFC 9293.
    uint32_t closed_seconds;
    // Memory for the octets delivered last, of all flows together, with which repetitions are
    // compared: this much, rounded down to a power of two and at least 4,096. Of deliveries larger
    // than 256 octets it holds one octet in eight, and of a direction the last 64 deliveries are
    // looked at. Default 256 KiB: it stays in the processor's cache, and holds some milliseconds of
    // a fast link, in which the copies of a second interface come.
    uint32_t compare_octets;
    // How long a segment waits for others that came before it on the wire: until so many packets
    // were read after it, whatever their flow, or so much capture time has passed. Default 64
    // packets and 10 ms: more than the queues of an interface are apart. `reorder_packets` 1: not
    // at all. As many segments can wait at a time, of at most 64 KiB each (1 MiB with offloading),
    // and the work for a packet of a connection in which some wait grows with their number.
    uint32_t reorder_packets;
    uint32_t reorder_microseconds;
};

extern const struct capture_limits capture_limits_default;

// Counters of a run, in the order in which a packet meets them. CAPTURE_STATS(X) lists each once as
// X(field, description).
#define CAPTURE_STATS(X)                                                                           \
    X(packets, "packets read")                                                                     \
    X(octets, "octets captured")                                                                   \
    X(cut_packets, "packets cut off by the snapshot length")                                       \
    X(other_network, "packets that are not IP")                                                    \
    X(other_transport, "IP packets that are neither TCP nor UDP")                                  \
    X(tunnelled, "packets within tunnels")                                                         \
    X(too_deep, "packets within too many tunnels")                                                 \
    X(malformed, "packets that break the rules of their headers")                                  \
    X(headless, "packets cut off within their headers")                                            \
    X(fragments, "IP fragments")                                                                   \
    X(datagrams_joined, "IP datagrams joined from fragments")                                      \
    X(datagrams_dropped, "IP datagrams given up with fragments missing")                           \
    X(fragments_repeated, "IP fragments seen before")                                              \
    X(fragment_overlaps, "IP fragments that overlap earlier ones and agree")                       \
    X(fragment_conflicts, "IP fragments that contradict earlier ones")                             \
    X(fragment_evictions, "IP datagrams dropped to keep the limit on fragments")                   \
    X(datagrams, "UDP datagrams")                                                                  \
    X(segments, "TCP segments")                                                                    \
    X(stray_segments, "TCP segments outside any open connection")                                  \
    X(flows, "TCP connections")                                                                    \
    X(flows_joined_late, "TCP connections whose start is not in the capture")                      \
    X(flow_evictions, "TCP connections closed to keep the limit on flows")                         \
    X(half_open_evictions, "half-open TCP connections forgotten to keep a limit")                  \
    X(closed_evictions, "closed TCP connections forgotten early to keep the limit on flows")       \
    X(stray_resets, "RSTs whose sequence number is not what their receiver expects")               \
    X(delivered, "octets of TCP data delivered")                                                   \
    X(repeated, "octets of TCP data seen before")                                                  \
    X(uncompared, "of these, octets that could not be compared with what was delivered")           \
    X(early_segments, "TCP segments that waited for what they answer")                             \
    X(held_segments, "TCP segments held for reordering")                                           \
    X(held_peak, "most octets held at once")                                                       \
    X(contradictions, "overlapping TCP segments with different octets")                            \
    X(gaps, "gaps in TCP streams")                                                                 \
    X(gap_octets, "octets missing from TCP streams")                                               \
    X(late_octets, "octets of TCP data that came after they were given up")                        \
    X(after_end, "TCP segments with octets after a FIN or RST")                                    \
    X(side_evictions, "holes given up to keep the limit of a direction")                           \
    X(held_evictions, "holes given up to keep the limit on all flows")                             \
    X(no_memory, "allocations that failed")

#define CAPTURE_X(field, text) uint64_t field;
struct capture_stats {
    CAPTURE_STATS(CAPTURE_X)
};
#undef CAPTURE_X

// How a run ended. Except after UNREADABLE, NOT_CAPTURE and LINK_TYPE at the start, everything read
// before the end was delivered and every flow closed.
#define CAPTURE_STATUSES(X)                                                                        \
    X(OK, "ok")                   /* read to the end */                                            \
    X(STOPPED, "stopped")         /* handler->stop said so */                                      \
    X(TRUNCATED, "truncated")     /* the capture, or its gzip stream, ends within a record */      \
    X(UNREADABLE, "unreadable")   /* the system refused to open or read it */                      \
    X(NOT_CAPTURE, "not-capture") /* empty, or neither pcap nor pcapng */                          \
    X(LINK_TYPE, "link-type")     /* a link type that is not supported, or several in one file */  \
    X(DAMAGED, "damaged")         /* a record that cannot be right, or a damaged gzip stream */    \
    X(OUT_OF_MEMORY, "no-memory") /* nothing was read */

#define CAPTURE_X(name, text) CAPTURE_##name,
enum capture_status { CAPTURE_STATUSES(CAPTURE_X) };
#undef CAPTURE_X

// The text of CAPTURE_STATUSES, for reports and tests.
const char *capture_status_name(enum capture_status status);

// What went wrong. `text` is one line without the file's name. `system` is the errno value behind
// UNREADABLE, else 0. `offset` is where reading stopped, in octets of the uncompressed capture, for
// TRUNCATED and DAMAGED, else -1. `frame` is the last packet that was read.
struct capture_error {
    enum capture_status status;
    int system;
    int64_t offset;
    uint64_t frame;
    char text[320];
};

// Writes "NAME: offset N: TEXT" (without an offset of -1) and a NUL to `line`, cut to
// `size` octets. Returns the untruncated length, as snprintf does.
int capture_error_format(const struct capture_error *error, const char *name, char *line,
                         size_t size);

// Reads the capture file `path`, "-" for standard input, to its end. `limits` NULL takes the
// defaults. `stats` and `error` may be NULL; both are always written completely (`error` with
// status CAPTURE_OK and an empty text when nothing is wrong).
enum capture_status capture_run(const char *path, const struct capture_limits *limits,
                                const struct capture_handler *handler, struct capture_stats *stats,
                                struct capture_error *error);

// The same for an open descriptor, which is read from where it stands and left open. A packet is
// delivered as soon as the descriptor has given its last octet, unless it waits for others.
enum capture_status capture_run_descriptor(int descriptor, const struct capture_limits *limits,
                                           const struct capture_handler *handler,
                                           struct capture_stats *stats,
                                           struct capture_error *error);

// The same for `size` octets in memory.
enum capture_status capture_run_memory(const uint8_t *data, size_t size,
                                       const struct capture_limits *limits,
                                       const struct capture_handler *handler,
                                       struct capture_stats *stats, struct capture_error *error);

// The layers below the files, for tests, fuzzing and other sources of packets.
struct capture;

// Returns NULL when memory is short. `handler` is copied, its ctx is not owned.
struct capture *capture_create(const struct capture_limits *limits,
                               const struct capture_handler *handler);

// Whether packets of this link type (a DLT_* value of libpcap) can be read.
bool capture_link_supported(int link);

// Feeds one packet of which `captured` octets are at `data` and `length` were on the wire (a
// smaller `length` counts as `captured`). Any octets are safe. Returns false, having done nothing,
// for a link type that is not supported. `stamp->frame` should rise from call to call.
bool capture_packet(struct capture *capture, int link, const uint8_t *data, size_t captured,
                    size_t length, const struct capture_stamp *stamp);

// Delivers what is still held and closes every flow with CAPTURE_CLOSE_END. More packets may
// follow; they start new flows.
void capture_finish(struct capture *capture, const struct capture_stamp *stamp);

// Counters so far; valid until capture_destroy.
const struct capture_stats *capture_get_stats(const struct capture *capture);

// Frees everything without calling the handler. NULL is allowed.
void capture_destroy(struct capture *capture);

#ifdef __cplusplus
}
#endif

#endif
