// SPDX-License-Identifier: Apache-2.0
//
// Segments that came before what they answer. Where a capture is fed by several queues, the packets
// of one connection can change places: an acknowledgement before the octets it acknowledges, a
// response before its request, octets before the SYN. Such a segment is put aside until the others
// are here, but only for a few packets and a short time: then they are lost, not late.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    // How far behind its SYN a segment may be to belong to it: more than any first flight.
    SYN_REACH = 1 << 24,
    FAST_OPEN_MAX = 65535, // octets in a SYN, RFC 7413
};

// What the other side can have acknowledged of the octets taken.
static uint32_t reach(const struct capture_side *side) {
    return side->has_fin && side->next == side->fin ? side->next + 1 : side->next;
}

// Whether octets of `direction` that were not taken yet wait and stand before `ack`.
static bool answers_waiting(const struct capture_flow_state *flow, int direction, uint32_t ack) {
    const struct capture_side *side = &flow->side[direction];
    const struct capture_early *early;

    DL_FOREACH(flow->early, early) {
        int32_t ahead = capture_seq_diff(ack, early->seq);
        bool taken = side->started && capture_seq_diff(early->seq + early->span, side->next) <= 0;
        if (early->direction == direction && early->span > 0 && !taken && ahead > 0 &&
            ahead <= CAPTURE_WINDOW_MAX)
            return true;
    }
    return false;
}

// Whether a segment of `direction` acknowledges octets of the other side that are still to come.
static bool answers_unseen(const struct capture_flow_state *flow, int direction, uint32_t ack,
                           uint8_t flags) {
    const struct capture_side *other = &flow->side[!direction];

    if ((flags & CAPTURE_ACK) == 0)
        return false;
    if (answers_waiting(flow, !direction, ack))
        return true;
    if (other->missed)
        return false;
    if (!other->started) // of a connection that we saw opened: the answer must come
        return flow->shown.initiator_known;
    int32_t ahead = capture_seq_diff(ack, reach(other));
    return ahead > 0 && ahead <= CAPTURE_WINDOW_MAX;
}

// No host sends octets again that were acknowledged by what it answers, so segments do not wait for
// each other; where damage makes it look so, the oldest is taken in the end.
static bool is_early(const struct capture_flow_state *flow, const struct capture_tcp *tcp,
                     int direction) {
    const struct capture_side *side = &flow->side[direction];

    if ((tcp->flags & (CAPTURE_SYN | CAPTURE_RST)) != 0 || flow->ignored)
        return false;
    // Octets and a FIN come after the SYN.
    if (!side->started && (tcp->segment.span > 0 || (tcp->flags & CAPTURE_FIN) != 0))
        return true;
    return answers_unseen(flow, direction, tcp->ack, tcp->flags);
}

bool capture_early_put(struct capture *capture, struct capture_flow_state *flow,
                       const struct capture_tcp *tcp, int direction) {
    const struct capture_segment *segment = &tcp->segment;

    if (capture->limits.reorder_packets <= 1 || !is_early(flow, tcp, direction))
        return false;
    struct capture_early *early = malloc(sizeof *early + segment->size);
    if (!early) {
        capture->stats.no_memory++;
        capture_say(capture, CAPTURE_NOTE_NO_MEMORY, NULL, segment->stamp,
                    "no memory to wait for a segment");
        return false;
    }
    early->flow = flow;
    early->packet = capture->stats.packets;
    early->stamp = *segment->stamp;
    early->seq = segment->seq;
    early->ack = tcp->ack;
    early->size = segment->size;
    early->span = segment->span;
    early->flags = tcp->flags;
    early->direction = (uint8_t)direction;
    if (segment->size > 0)
        memcpy(early->data, segment->data, segment->size);
    DL_APPEND(flow->early, early);
    DL_APPEND2(capture->early, early, older, younger);
    if (flow->rank == CAPTURE_HALF_OPEN)
        capture_flow_rank(capture, flow, CAPTURE_SILENT);
    capture->stats.early_segments++;
    return true;
}

static void unlink_early(struct capture *capture, struct capture_early *early) {
    DL_DELETE(early->flow->early, early);
    DL_DELETE2(capture->early, early, older, younger);
}

static struct capture_tcp tcp_of(const struct capture_early *early) {
    return (struct capture_tcp){
        .ack = early->ack,
        .flags = early->flags,
        .segment = {early->seq, early->data, early->size, early->span, &early->stamp},
    };
}

static void take(struct capture *capture, struct capture_early *early) {
    struct capture_tcp tcp = tcp_of(early);

    unlink_early(capture, early);
    if (early->flow->rank != CAPTURE_CLOSED)
        capture_tcp_take(capture, early->flow, &tcp, early->direction);
    free(early);
}

// Of those that wait for nothing the first, or what comes before it in its direction.
static struct capture_early *first_ready(const struct capture_flow_state *flow) {
    struct capture_early *first = NULL;
    struct capture_early *early;

    DL_FOREACH(flow->early, early) {
        bool after_syn = early->span > 0 || (early->flags & CAPTURE_FIN) != 0;
        if ((after_syn && !flow->side[early->direction].started) ||
            answers_unseen(flow, early->direction, early->ack, early->flags))
            continue;
        if (!first ||
            (early->direction == first->direction && capture_seq_diff(early->seq, first->seq) < 0))
            first = early;
    }
    return first;
}

void capture_early_retry(struct capture *capture, struct capture_flow_state *flow) {
    struct capture_early *early;

    while ((early = first_ready(flow)) != NULL)
        take(capture, early);
}

// Without a SYN, a direction starts with the first of the octets that are here.
static void start_without_syn(struct capture *capture, struct capture_flow_state *flow,
                              const struct capture_early *first) {
    uint32_t seq = first->seq;
    const struct capture_early *early;

    DL_FOREACH(flow->early, early) {
        int32_t before = capture_seq_diff(early->seq, seq);
        if (early->direction == first->direction && early->span > 0 && before < 0 &&
            before > -SYN_REACH)
            seq = early->seq;
    }
    const struct capture_side *side = &flow->side[first->direction];
    if (side->has_acked && capture_seq_diff(seq, side->acked) > 0)
        seq = side->acked; // by the answer to its SYN
    capture_tcp_join(capture, flow, first->direction, seq);
}

// Waiting has been in vain.
static void take_anyway(struct capture *capture, struct capture_early *early) {
    struct capture_flow_state *flow = early->flow;

    const struct capture_tcp tcp = tcp_of(early);
    if (!flow->side[early->direction].started && capture_tcp_starts(&tcp))
        start_without_syn(capture, flow, early);
    if (answers_unseen(flow, early->direction, early->ack, early->flags))
        flow->side[!early->direction].missed = true;
    take(capture, early);
}

static bool expired(const struct capture *capture, const struct capture_early *early,
                    const struct capture_stamp *now) {
    const struct capture_limits *limits = &capture->limits;

    if (capture->stats.packets - early->packet >= limits->reorder_packets)
        return true;
    uint64_t seconds = capture_elapsed(now->seconds, early->stamp.seconds);
    if (seconds == 0)
        return now->seconds == early->stamp.seconds &&
               now->nanoseconds > early->stamp.nanoseconds &&
               (now->nanoseconds - early->stamp.nanoseconds) / 1000 >= limits->reorder_microseconds;
    if (seconds > UINT32_MAX / 1000000)
        return true;
    return seconds * 1000000 + now->nanoseconds / 1000 - early->stamp.nanoseconds / 1000 >=
           limits->reorder_microseconds;
}

void capture_early_expire(struct capture *capture, const struct capture_stamp *now) {
    while (capture->early && expired(capture, capture->early, now)) {
        struct capture_flow_state *flow = capture->early->flow;
        take_anyway(capture, capture->early);
        capture_early_retry(capture, flow);
    }
}

static bool follows_syn(const struct capture_early *early, const struct capture_tcp *syn,
                        int direction) {
    if (early->direction == direction) {
        int32_t distance = capture_seq_diff(early->seq, syn->segment.seq + 1);
        return distance >= 0 && distance < SYN_REACH;
    }
    if ((syn->flags & CAPTURE_ACK) == 0)
        return true; // nothing is known of the other side
    int32_t distance = capture_seq_diff(early->seq, syn->ack);
    return distance >= -FAST_OPEN_MAX && distance < SYN_REACH;
}

// Endpoint 0 shall be the one that opened the connection. Nothing has started: there is nothing in
// the sides.
static void turn_round(struct capture_flow_state *flow) {
    struct capture_endpoint endpoint = flow->shown.endpoint[0];
    struct capture_early *early;

    flow->shown.endpoint[0] = flow->shown.endpoint[1];
    flow->shown.endpoint[1] = endpoint;
    flow->smaller_first = !flow->smaller_first;
    DL_FOREACH(flow->early, early) {
        early->direction = !early->direction;
    }
}

void capture_early_meet_syn(struct capture *capture, struct capture_flow_state *flow,
                            const struct capture_tcp *tcp, int direction) {
    const struct capture_side *side = &flow->side[direction];
    struct capture_early *early;
    bool follow = !side->started;

    if (side->started && side->start == tcp->segment.seq + 1)
        return; // late itself, or a copy

    DL_FOREACH(flow->early, early) {
        follow = follow && follows_syn(early, tcp, direction);
    }
    if (!follow) {
        capture_early_flush(capture, flow);
        return;
    }
    if (flow->shown.initiator_known || flow->side[!direction].started)
        return;
    int initiator = (tcp->flags & CAPTURE_ACK) != 0 ? !direction : direction;
    if (initiator != 0)
        turn_round(flow);
    flow->shown.initiator_known = true;
}

void capture_early_flush(struct capture *capture, struct capture_flow_state *flow) {
    while (flow->early)
        take_anyway(capture, flow->early);
}

void capture_early_drop(struct capture *capture, struct capture_flow_state *flow) {
    while (flow->early) {
        struct capture_early *early = flow->early;
        unlink_early(capture, early);
        free(early);
    }
}
