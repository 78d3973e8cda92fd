// SPDX-License-Identifier: Apache-2.0
//
// TCP segments: which flow one belongs to, and what it does to it.

#include "capture/state.h"

enum {
    TCP_HEADER = 20,
    FLAG_FIN = 0x01,
    FLAG_SYN = 0x02,
    FLAG_RST = 0x04,
    FLAG_PSH = 0x08,
    FLAG_ACK = 0x10,
    // The largest window that TCP can offer (RFC 7323, 2.3). What lies further from the expected
    // sequence number belongs to another connection.
    WINDOW_MAX = 1 << 30,
};

struct tcp {
    uint16_t source_port;
    uint16_t target_port;
    uint32_t ack;
    uint8_t flags;
    struct capture_segment segment;
};

static bool parse(struct capture *capture, const struct capture_ip *ip, struct tcp *tcp) {
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
    if ((tcp->flags & FLAG_RST) != 0)
        tcp->segment.span = tcp->segment.size = 0; // a diagnostic text, not part of the stream
    return true;
}

static bool in_window(uint32_t seq, uint32_t next) {
    int32_t distance = capture_seq_diff(seq, next);

    return distance >= -WINDOW_MAX && distance <= WINDOW_MAX;
}

// Whether a SYN does not belong to this flow.
static bool syn_starts_anew(const struct capture_flow_state *flow, const struct tcp *tcp,
                            int direction) {
    const struct capture_side *side = &flow->side[direction];
    const struct capture_side *other = &flow->side[!direction];
    bool answer = (tcp->flags & FLAG_ACK) != 0;

    if (flow->rank == CAPTURE_CLOSED && !answer)
        return true;
    if (side->started)
        return tcp->segment.seq + 1 != side->start;
    if (!other->started)
        return false;
    // The first segment of this side: a SYN-ACK acknowledges what the other side began with, a SYN
    // without it crosses the other side's SYN.
    return answer ? !in_window(tcp->ack, other->start) : !flow->shown.initiator_known;
}

// Whether octets without a SYN show that the ports are in use again and the SYN was not captured:
// for a closed flow, when they are too far ahead to be strays of it; for an open one, when two
// segments out of window follow each other.
static bool data_starts_anew(struct capture_flow_state *flow, const struct tcp *tcp,
                             int direction) {
    struct capture_side *side = &flow->side[direction];
    uint32_t seq = tcp->segment.seq;
    bool within = in_window(seq, side->next);

    if (tcp->segment.span == 0 || !side->started)
        return false;
    if (flow->rank == CAPTURE_CLOSED)
        return !within || (flow->why == CAPTURE_CLOSE_FIN && capture_seq_diff(seq, side->fin) > 1);
    bool second = !within && side->has_stray && side->stray == seq;
    side->has_stray = !within;
    side->stray = seq + tcp->segment.span;
    return second;
}

static bool starts_anew(struct capture_flow_state *flow, const struct tcp *tcp, int direction) {
    if ((tcp->flags & FLAG_RST) != 0)
        return false;
    if ((tcp->flags & FLAG_SYN) != 0)
        return syn_starts_anew(flow, tcp, direction);
    return data_starts_anew(flow, tcp, direction);
}

// One octet, not pushed, before anything else: some stacks probe idle connections with an octet
// that was acknowledged long ago.
static bool looks_like_probe(const struct tcp *tcp) {
    return tcp->segment.span == 1 && (tcp->flags & (FLAG_PSH | FLAG_SYN | FLAG_FIN)) == 0;
}

static bool can_start(const struct tcp *tcp) {
    if ((tcp->flags & FLAG_RST) != 0)
        return false;
    return (tcp->flags & FLAG_SYN) != 0 || (tcp->segment.span > 0 && !looks_like_probe(tcp));
}

static struct capture_flow_state *start_flow(struct capture *capture,
                                             const struct capture_lookup *lookup,
                                             const struct capture_ip *ip, const struct tcp *tcp) {
    bool syn = (tcp->flags & FLAG_SYN) != 0;
    bool answer = syn && (tcp->flags & FLAG_ACK) != 0;
    struct capture_endpoint source, target;

    capture_endpoint_set(&source, ip->family, ip->source, tcp->source_port);
    capture_endpoint_set(&target, ip->family, ip->target, tcp->target_port);
    struct capture_flow_state *flow =
        capture_flow_add(capture, lookup, &source, &target, answer, ip->stamp);
    if (!flow)
        return NULL;
    flow->shown.initiator_known = syn;
    if (!syn)
        capture->stats.flows_joined_late++;
    return flow;
}

static void start_side(struct capture_side *side, uint32_t seq) {
    if (side->started)
        return;
    side->started = true;
    side->start = seq;
    side->next = seq;
}

static void take_syn(struct capture_flow_state *flow, struct tcp *tcp, int direction) {
    tcp->segment.seq++; // the SYN takes a sequence number; octets come after it
    start_side(&flow->side[direction], tcp->segment.seq);
    if ((tcp->flags & FLAG_ACK) != 0)
        start_side(&flow->side[!direction], tcp->ack);
}

static void take_ack(struct capture *capture, struct capture_flow_state *flow,
                     const struct tcp *tcp, int direction) {
    struct capture_side *other = &flow->side[!direction];

    if (!other->started || !in_window(tcp->ack, other->next))
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
                        const struct tcp *tcp, int direction) {
    const struct capture_side *side = &flow->side[direction];
    uint32_t end = tcp->segment.seq + tcp->segment.span;

    capture->stats.stray_segments++;
    if (tcp->segment.span == 0 || !side->started || capture_seq_diff(end, side->next) <= 0)
        return;
    capture->stats.after_end++;
    capture_say(capture, CAPTURE_NOTE_AFTER_END, flow, tcp->segment.stamp,
                "octets after the connection was closed");
}

static void take_open(struct capture *capture, struct capture_flow_state *flow, struct tcp *tcp,
                      int direction) {
    struct capture_side *side = &flow->side[direction];
    const struct capture_stamp *stamp = tcp->segment.stamp;

    capture_flow_touch(capture, flow);
    if ((tcp->flags & FLAG_SYN) != 0)
        take_syn(flow, tcp, direction);
    else if (!side->started && can_start(tcp))
        start_side(side, tcp->segment.seq);
    if (side->started && !in_window(tcp->segment.seq, side->next)) {
        capture->stats.stray_segments++;
        return;
    }
    if ((tcp->flags & FLAG_RST) != 0) {
        capture_flow_close(capture, flow, CAPTURE_CLOSE_RESET, stamp);
        return;
    }
    if ((tcp->flags & FLAG_ACK) != 0)
        take_ack(capture, flow, tcp, direction);
    if (side->started)
        capture_stream_data(capture, flow, direction, tcp->segment);
    else if (tcp->segment.span > 0)
        capture->stats.stray_segments++;
    if ((tcp->flags & FLAG_FIN) != 0)
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

void capture_tcp_input(struct capture *capture, const struct capture_ip *ip) {
    struct capture_lookup lookup;
    struct tcp tcp;

    if (!parse(capture, ip, &tcp))
        return;
    capture->stats.segments++;
    capture_lookup_set(capture, &lookup, ip, tcp.source_port, tcp.target_port);
    struct capture_flow_state *flow = capture_flow_find(capture, &lookup);
    if (flow && starts_anew(flow, &tcp, capture_flow_direction(flow, &lookup))) {
        if (flow->rank != CAPTURE_CLOSED)
            capture_flow_close(capture, flow, CAPTURE_CLOSE_REPLACED, ip->stamp);
        capture_flow_drop(capture, flow);
        flow = NULL;
    }
    if (!flow && can_start(&tcp))
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
