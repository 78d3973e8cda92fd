// SPDX-License-Identifier: Apache-2.0
//
// TCP segments: which flow one belongs to, and what it does to it.

#include "capture/state.h"

enum { TCP_HEADER = 20 };

static bool parse(struct capture *capture, const struct capture_ip *ip, struct capture_tcp *tcp) {
    const uint8_t *at = ip->data;

    if (ip->size < TCP_HEADER) {
        if (ip->span < TCP_HEADER)
            capture_malformed(capture, ip->stamp, "shorter than a TCP header");
        else
            capture->stats.headless++;
        return false;
    }
    size_t header = (size_t)(at[12] >> 4) * 4;
    if (header < TCP_HEADER || header > ip->span) {
        capture_malformed(capture, ip->stamp, "wrong TCP header length");
        return false;
    }
    tcp->source_port = capture_u16(at);
    tcp->target_port = capture_u16(at + 2);
    tcp->ack = capture_u32(at + 8);
    tcp->flags = at[13];
    tcp->segment = (struct capture_segment){
        .seq = capture_u32(at + 4), .span = (uint32_t)(ip->span - header), .stamp = ip->stamp};
    if (ip->size > header) {
        tcp->segment.data = at + header;
        tcp->segment.size = (uint32_t)(ip->size - header);
    }
    if ((tcp->flags & CAPTURE_RST) != 0)
        tcp->segment.span = tcp->segment.size = 0; // a diagnostic text, not part of the stream
    return true;
}

// Whether the SYN of a flow that was just closed has come again, late.
static bool is_copy_of_syn(const struct capture *capture, const struct capture_flow_state *flow,
                           const struct capture_tcp *tcp, int direction) {
    const struct capture_side *side = &flow->side[direction];

    return flow->opened && side->started && tcp->segment.seq + 1 == side->start &&
           capture->stats.packets - flow->closed_packet < capture->limits.reorder_packets;
}

// Whether a SYN does not belong to this flow.
static bool syn_starts_anew(const struct capture *capture, const struct capture_flow_state *flow,
                            const struct capture_tcp *tcp, int direction) {
    const struct capture_side *side = &flow->side[direction];
    const struct capture_side *other = &flow->side[!direction];
    bool answer = (tcp->flags & CAPTURE_ACK) != 0;

    if (flow->rank == CAPTURE_CLOSED && !answer)
        return !is_copy_of_syn(capture, flow, tcp, direction);
    if (side->started)
        return tcp->segment.seq + 1 != side->start;
    if (!other->started)
        return false;
    // The first segment of this side: a SYN-ACK acknowledges what the other side began with, a SYN
    // without it crosses the other side's SYN.
    return answer ? !capture_in_window(tcp->ack, other->start) : !flow->shown.initiator_known;
}

// Whether octets without a SYN show that the ports are in use again and the SYN was not captured:
// for a closed flow, when they are too far ahead to be strays of it; for an open one, when two
// segments out of window follow each other.
static bool data_starts_anew(struct capture_flow_state *flow, const struct capture_tcp *tcp,
                             int direction) {
    struct capture_side *side = &flow->side[direction];
    uint32_t seq = tcp->segment.seq;
    bool within = capture_in_window(seq, side->next);

    if (tcp->segment.span == 0 || !side->started)
        return false;
    if (flow->rank == CAPTURE_CLOSED)
        return !within || (flow->why == CAPTURE_CLOSE_FIN && capture_seq_diff(seq, side->fin) > 1);
    bool second = !within && side->has_stray && side->stray == seq;
    side->has_stray = !within;
    side->stray = seq + tcp->segment.span;
    return second;
}

static bool starts_anew(const struct capture *capture, struct capture_flow_state *flow,
                        const struct capture_tcp *tcp, int direction) {
    if ((tcp->flags & CAPTURE_RST) != 0)
        return false;
    if ((tcp->flags & CAPTURE_SYN) != 0)
        return syn_starts_anew(capture, flow, tcp, direction);
    return data_starts_anew(flow, tcp, direction);
}

// One octet, not pushed, before anything else: some stacks probe idle connections with an octet
// that was acknowledged long ago.
static bool looks_like_probe(const struct capture_tcp *tcp) {
    return tcp->segment.span == 1 && (tcp->flags & (CAPTURE_PSH | CAPTURE_SYN | CAPTURE_FIN)) == 0;
}

bool capture_tcp_starts(const struct capture_tcp *tcp) {
    if ((tcp->flags & CAPTURE_RST) != 0)
        return false;
    return (tcp->flags & CAPTURE_SYN) != 0 || (tcp->segment.span > 0 && !looks_like_probe(tcp));
}

static struct capture_flow_state *start_flow(struct capture *capture,
                                             const struct capture_lookup *lookup,
                                             const struct capture_ip *ip,
                                             const struct capture_tcp *tcp) {
    bool syn = (tcp->flags & CAPTURE_SYN) != 0;
    bool answer = syn && (tcp->flags & CAPTURE_ACK) != 0;
    struct capture_endpoint source, target;

    capture_endpoint_set(&source, ip->family, ip->source, tcp->source_port);
    capture_endpoint_set(&target, ip->family, ip->target, tcp->target_port);
    struct capture_flow_state *flow =
        capture_flow_add(capture, lookup, &source, &target, answer, syn, ip->stamp);
    if (!flow)
        return NULL;
    flow->shown.initiator_known = syn;
    return flow;
}

static void start_side(struct capture_side *side, uint32_t seq) {
    if (side->started)
        return;
    side->started = true;
    side->start = seq;
    side->next = seq;
}

void capture_tcp_join(struct capture *capture, struct capture_flow_state *flow, int direction,
                      uint32_t seq) {
    if (!flow->shown.initiator_known && !flow->side[!direction].started)
        capture->stats.flows_joined_late++;
    start_side(&flow->side[direction], seq);
}

static void take_syn(const struct capture *capture, struct capture_flow_state *flow,
                     struct capture_tcp *tcp, int direction) {
    struct capture_side *other = &flow->side[!direction];

    tcp->segment.seq++; // the SYN takes a sequence number; octets come after it
    start_side(&flow->side[direction], tcp->segment.seq);
    if ((tcp->flags & CAPTURE_ACK) == 0 || other->started)
        return;
    if (capture->limits.reorder_packets <= 1) {
        start_side(other, tcp->ack);
    } else { // its SYN may be late, and with Fast Open have octets that this acknowledges
        other->has_acked = true;
        other->acked = tcp->ack;
    }
}

static void take_ack(struct capture *capture, struct capture_flow_state *flow,
                     const struct capture_tcp *tcp, int direction) {
    struct capture_side *other = &flow->side[!direction];

    if (!other->started || !capture_in_window(tcp->ack, other->next))
        return;
    if (other->has_acked && capture_seq_diff(tcp->ack, other->acked) <= 0)
        return;
    other->has_acked = true;
    other->acked = tcp->ack;
    // Before the octets of this segment: they may answer what was held.
    if (other->held || other->has_fin)
        capture_stream_acked(capture, flow, !direction, tcp->segment.stamp);
}

static void take_fin(struct capture_side *side, uint32_t end) {
    start_side(side, end);
    if (!side->has_fin) {
        side->has_fin = true;
        side->fin = end;
    }
    if (side->flow->ignored)
        side->next = side->fin; // nobody waits for what is missing before it
}

static bool read_to_fin(const struct capture_side *side) {
    return side->has_fin && capture_seq_diff(side->next, side->fin) >= 0;
}

static void take_closed(struct capture *capture, struct capture_flow_state *flow,
                        const struct capture_tcp *tcp, int direction) {
    const struct capture_side *side = &flow->side[direction];
    uint32_t end = tcp->segment.seq + tcp->segment.span;

    capture->stats.stray_segments++;
    if (tcp->segment.span == 0 || !side->started || capture_seq_diff(end, side->next) <= 0)
        return;
    capture->stats.after_end++;
    capture_say(capture, CAPTURE_NOTE_AFTER_END, flow, tcp->segment.stamp,
                "octets after the connection was closed");
}

// Whether a RST is one that its receiver obeys: it must stand exactly at the next octet (RFC 5961,
// 3.2), of which the capture may know less than the receiver. Anyone can send one that does not.
static bool reset_fits(const struct capture_side *side, uint32_t seq) {
    if (!side->started || seq == side->next || (side->has_acked && seq == side->acked))
        return true;
    if (side->has_fin && seq == side->fin + 1)
        return true;
    return side->held && seq == side->held->prev->seq + side->held->prev->span;
}

static void take_reset(struct capture *capture, struct capture_flow_state *flow,
                       const struct capture_tcp *tcp, int direction) {
    if (reset_fits(&flow->side[direction], tcp->segment.seq))
        capture_flow_close(capture, flow, CAPTURE_CLOSE_RESET, tcp->segment.stamp);
    else
        capture->stats.stray_resets++;
}

void capture_tcp_take(struct capture *capture, struct capture_flow_state *flow,
                      struct capture_tcp *tcp, int direction) {
    struct capture_side *side = &flow->side[direction];
    const struct capture_stamp *stamp = tcp->segment.stamp;

    if ((tcp->flags & CAPTURE_SYN) != 0)
        take_syn(capture, flow, tcp, direction);
    else if (!side->started && capture_tcp_starts(tcp))
        capture_tcp_join(capture, flow, direction, tcp->segment.seq);
    if (side->started && !capture_in_window(tcp->segment.seq, side->next)) {
        capture->stats.stray_segments++;
        return;
    }
    if ((tcp->flags & CAPTURE_RST) != 0) {
        take_reset(capture, flow, tcp, direction);
        return;
    }
    if (flow->rank == CAPTURE_HALF_OPEN && (tcp->flags & CAPTURE_SYN) == 0)
        capture_flow_rank(capture, flow, CAPTURE_SILENT);
    if (tcp->segment.span > 0)
        side->missed = false;
    if ((tcp->flags & CAPTURE_ACK) != 0)
        take_ack(capture, flow, tcp, direction);
    if (side->started)
        capture_stream_data(capture, flow, direction, tcp->segment);
    else if (tcp->segment.span > 0)
        capture->stats.stray_segments++;
    if ((tcp->flags & CAPTURE_FIN) != 0)
        take_fin(side, tcp->segment.seq + tcp->segment.span);
    if (side->has_fin)
        capture_stream_acked(capture, flow, direction, stamp);
    if (flow->ignored) {
        capture_stream_clear(capture, &flow->side[0]);
        capture_stream_clear(capture, &flow->side[1]);
    }
    if (read_to_fin(&flow->side[0]) && read_to_fin(&flow->side[1]))
        capture_flow_close(capture, flow, CAPTURE_CLOSE_FIN, stamp);
}

static void take_open(struct capture *capture, struct capture_flow_state *flow,
                      struct capture_tcp *tcp, int direction) {
    const struct capture_side *other = &flow->side[!direction];

    capture_flow_touch(capture, flow);
    // Hardly ever is a segment early: what is known to be in order is not looked at any further.
    bool in_order = flow->side[direction].started && other->started && !flow->early &&
                    capture_seq_diff(tcp->ack, other->next) <= 0;
    if (!in_order && capture_early_put(capture, flow, tcp, direction))
        return;
    capture_tcp_take(capture, flow, tcp, direction);
    if (flow->early)
        capture_early_retry(capture, flow);
}

// A SYN or RST is not put behind others: they are taken first.
static void meet_early(struct capture *capture, struct capture_flow_state *flow,
                       const struct capture_tcp *tcp, int direction) {
    if ((tcp->flags & CAPTURE_RST) != 0)
        capture_early_flush(capture, flow);
    else if ((tcp->flags & CAPTURE_SYN) != 0)
        capture_early_meet_syn(capture, flow, tcp, direction);
}

void capture_tcp_input(struct capture *capture, const struct capture_ip *ip) {
    struct capture_lookup lookup;
    struct capture_tcp tcp;

    if (!parse(capture, ip, &tcp))
        return;
    capture->stats.segments++;
    capture_lookup_set(capture, &lookup, ip, tcp.source_port, tcp.target_port);
    struct capture_flow_state *flow = capture_flow_find(capture, &lookup);
    if (flow && flow->early)
        meet_early(capture, flow, &tcp, capture_flow_direction(flow, &lookup));
    if (flow && starts_anew(capture, flow, &tcp, capture_flow_direction(flow, &lookup))) {
        if (flow->rank != CAPTURE_CLOSED)
            capture_flow_end(capture, flow, CAPTURE_CLOSE_REPLACED, ip->stamp);
        capture_flow_drop(capture, flow);
        flow = NULL;
    }
    if (!flow && capture_tcp_starts(&tcp))
        flow = start_flow(capture, &lookup, ip, &tcp);
    if (!flow) {
        capture->stats.stray_segments++;
        return;
    }
    int direction = capture_flow_direction(flow, &lookup);
    if (flow->rank == CAPTURE_CLOSED)
        take_closed(capture, flow, &tcp, direction);
    else
        take_open(capture, flow, &tcp, direction);
}
