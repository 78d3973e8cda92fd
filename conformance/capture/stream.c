// SPDX-License-Identifier: Apache-2.0
//
// One direction of a flow: what comes in order goes straight to the handler, what comes early is
// held behind the hole until the hole is filled or given up.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

static uint32_t held_end(const struct capture_held *held) {
    return held->seq + held->span;
}

static uint32_t held_cost(const struct capture_held *held) {
    return (uint32_t)sizeof *held + held->size;
}

static void open_flow(struct capture *capture, struct capture_flow_state *flow,
                      const struct capture_stamp *stamp) {
    if (flow->rank == CAPTURE_TALKING)
        return;
    capture_flow_rank(capture, flow, CAPTURE_TALKING);
    if (capture->handler.open)
        flow->user = capture->handler.open(capture->handler.ctx, &flow->shown, stamp);
}

static void pass_gap(struct capture *capture, struct capture_flow_state *flow, int direction,
                     uint32_t octets, const struct capture_stamp *stamp) {
    struct capture_side *side = &flow->side[direction];

    side->gaps[side->gap_count++ % CAPTURE_GAPS] =
        (struct capture_range){side->next, side->next + octets};
    side->next += octets;
    if (flow->ignored)
        return;
    open_flow(capture, flow, stamp);
    capture->stats.gaps++;
    capture->stats.gap_octets += octets;
    if (capture->handler.gap)
        capture->handler.gap(capture->handler.ctx, flow->user, direction, octets, stamp);
}

// Delivers what is next: the captured octets, then a gap for those cut off.
static void pass_data(struct capture *capture, struct capture_flow_state *flow, int direction,
                      const struct capture_segment *segment) {
    struct capture_side *side = &flow->side[direction];

    side->next += segment->size;
    if (segment->size > 0 && !flow->ignored) {
        open_flow(capture, flow, segment->stamp);
        capture_window_add(capture, side, segment->seq, segment->data, segment->size);
        capture->stats.delivered += segment->size;
        if (capture->handler.data &&
            !capture->handler.data(capture->handler.ctx, flow->user, direction, segment->data,
                                   segment->size, segment->stamp))
            flow->ignored = true;
    }
    if (segment->span > segment->size)
        pass_gap(capture, flow, direction, segment->span - segment->size, segment->stamp);
}

static void release(struct capture *capture, struct capture_side *side, struct capture_held *held) {
    DL_DELETE(side->held, held);
    side->held_segments--;
    side->held_octets -= held_cost(held);
    capture->held_octets -= held_cost(held);
    if (!side->held)
        DL_DELETE2(capture->holders, side, older, newer);
    free(held);
}

void capture_stream_clear(struct capture *capture, struct capture_side *side) {
    while (side->held)
        release(capture, side, side->held);
}

static void drain(struct capture *capture, struct capture_flow_state *flow, int direction) {
    struct capture_side *side = &flow->side[direction];

    while (side->held && side->held->seq == side->next) {
        struct capture_held *held = side->held;
        struct capture_segment segment = {held->seq, held->data, held->size, held->span,
                                          &held->stamp};
        pass_data(capture, flow, direction, &segment);
        release(capture, side, held);
    }
}

static void give_up(struct capture *capture, struct capture_side *side,
                    const struct capture_stamp *stamp) {
    struct capture_flow_state *flow = side->flow;
    int direction = side == &flow->side[1];

    pass_gap(capture, flow, direction, side->held->seq - side->next, stamp);
    drain(capture, flow, direction);
    if (side->held) { // the next hole is younger than those of others
        DL_DELETE2(capture->holders, side, older, newer);
        DL_APPEND2(capture->holders, side, older, newer);
    }
}

// The part of a segment that begins `skip` octets in and is `span` long.
static struct capture_segment part_of(const struct capture_segment *segment, uint32_t skip,
                                      uint32_t span) {
    struct capture_segment part = *segment;
    uint32_t have = segment->size > skip ? segment->size - skip : 0;

    part.seq += skip;
    part.data = have > 0 ? segment->data + skip : NULL;
    part.size = have < span ? have : span;
    part.span = span;
    return part;
}

// Puts a part in front of `before`, or last when that is NULL.
static void hold(struct capture *capture, struct capture_side *side, struct capture_held *before,
                 const struct capture_segment *part) {
    struct capture_held *held = malloc(sizeof *held + part->size);

    if (!held) {
        capture->stats.no_memory++;
        capture_say(capture, CAPTURE_NOTE_NO_MEMORY, NULL, part->stamp,
                    "no memory to hold a segment");
        return;
    }
    held->stamp = *part->stamp;
    held->seq = part->seq;
    held->size = part->size;
    held->span = part->span;
    if (part->size > 0)
        memcpy(held->data, part->data, part->size);
    if (!side->held)
        DL_APPEND2(capture->holders, side, older, newer);
    if (before)
        DL_PREPEND_ELEM(side->held, before, held);
    else
        DL_APPEND(side->held, held);
    side->held_segments++;
    side->held_octets += held_cost(held);
    capture->held_octets += held_cost(held);
    capture->stats.held_segments++;
    if (capture->held_octets > capture->stats.held_peak)
        capture->stats.held_peak = capture->held_octets;
}

static void contradict(struct capture *capture, struct capture_flow_state *flow,
                       const struct capture_segment *segment) {
    capture->stats.contradictions++;
    capture_say(capture, CAPTURE_NOTE_CONTRADICTION, flow, segment->stamp,
                "overlapping segments hold different octets; the first counts");
}

// Compares a part of a segment with the held one in which it begins.
static void compare_held(struct capture *capture, struct capture_flow_state *flow,
                         const struct capture_segment *segment, const struct capture_held *held) {
    uint32_t skip = segment->seq - held->seq;
    uint32_t have = held->size > skip ? held->size - skip : 0;
    uint32_t common = have < segment->size ? have : segment->size;

    if (common > 0 && memcmp(segment->data, held->data + skip, common) != 0)
        contradict(capture, flow, segment);
}

// The first held segment that ends after `seq`, or NULL. Most arrivals belong at the end, and those
// of a reversed train at the start.
static struct capture_held *find_place(const struct capture_side *side, uint32_t seq) {
    struct capture_held *head = side->held;

    if (!head || capture_seq_diff(held_end(head), seq) > 0)
        return head;
    struct capture_held *last = head->prev;
    if (capture_seq_diff(held_end(last), seq) <= 0)
        return NULL;
    while (capture_seq_diff(held_end(last->prev), seq) > 0)
        last = last->prev;
    return last;
}

// Holds the parts of a segment that are not held yet.
static void hold_new_parts(struct capture *capture, struct capture_flow_state *flow, int direction,
                           const struct capture_segment *segment) {
    struct capture_side *side = &flow->side[direction];
    struct capture_held *at = find_place(side, segment->seq);
    uint32_t done = 0;

    while (done < segment->span) {
        uint32_t left = segment->span - done;
        uint32_t seq = segment->seq + done;
        uint32_t part_span = left;
        bool overlap = at && capture_seq_diff(seq, at->seq) >= 0;

        if (overlap)
            part_span = held_end(at) - seq;
        else if (at)
            part_span = at->seq - seq;
        if (part_span > left)
            part_span = left;
        struct capture_segment part = part_of(segment, done, part_span);
        if (overlap) {
            compare_held(capture, flow, &part, at);
            capture->stats.repeated += part_span;
            at = at->next;
        } else {
            hold(capture, side, at, &part);
        }
        done += part_span;
    }
}

static void keep_limits(struct capture *capture, struct capture_side *side,
                        const struct capture_stamp *stamp) {
    const struct capture_limits *limits = &capture->limits;

    while (side->held_octets > limits->side_octets || side->held_segments > limits->side_segments) {
        capture->stats.side_evictions++;
        capture_say(capture, CAPTURE_NOTE_SIDE_LIMIT, NULL, stamp,
                    "hole given up: %u octets in %u segments held behind it", side->held_octets,
                    side->held_segments);
        give_up(capture, side, stamp);
    }
    while (capture->held_octets > limits->held_octets) {
        capture->stats.held_evictions++;
        capture_say(capture, CAPTURE_NOTE_HELD_LIMIT, NULL, stamp,
                    "hole given up: %llu octets held by all connections",
                    (unsigned long long)capture->held_octets);
        give_up(capture, capture->holders, stamp);
    }
}

// How many of the first `cut` octets of a segment were given up.
static uint32_t count_late(const struct capture_side *side, const struct capture_segment *segment,
                           uint32_t cut) {
    uint64_t count = side->gap_count < CAPTURE_GAPS ? side->gap_count : CAPTURE_GAPS;
    uint32_t late = 0;

    for (uint64_t i = 0; i < count; i++) {
        int32_t from = capture_seq_diff(side->gaps[i].from, segment->seq);
        int32_t to = capture_seq_diff(side->gaps[i].to, segment->seq);
        from = from < 0 ? 0 : from;
        to = to > (int32_t)cut ? (int32_t)cut : to;
        if (to > from)
            late += (uint32_t)(to - from);
    }
    return late;
}

// Compares the first `cut` octets, which were delivered or given up.
static void compare_delivered(struct capture *capture, struct capture_flow_state *flow,
                              int direction, const struct capture_segment *segment, uint32_t cut,
                              uint32_t late) {
    uint32_t size = cut < segment->size ? cut : segment->size;
    uint32_t compared;
    bool same = true;

    if (segment->span == 1)
        return; // a keep-alive, whose octet means nothing
    compared = capture_window_compare(capture, &flow->side[direction], segment->seq, segment->data,
                                      size, &same);
    if (compared + late < size)
        capture->stats.uncompared += size - compared - late;
    if (!same)
        contradict(capture, flow, segment);
}

// Takes off what lies before `next`.
static void trim_old(struct capture *capture, struct capture_flow_state *flow, int direction,
                     struct capture_segment *segment) {
    struct capture_side *side = &flow->side[direction];
    int32_t old = capture_seq_diff(side->next, segment->seq);

    if (old <= 0)
        return;
    uint32_t cut = (uint32_t)old < segment->span ? (uint32_t)old : segment->span;
    capture->stats.repeated += cut;
    uint32_t late = count_late(side, segment, cut);
    if (late > 0) {
        capture->stats.late_octets += late;
        capture_say(capture, CAPTURE_NOTE_LATE, flow, segment->stamp,
                    "%u octets came after they were given up", late);
    }
    compare_delivered(capture, flow, direction, segment, cut, late);
    *segment = part_of(segment, cut, segment->span - cut);
}

static void trim_after_fin(struct capture *capture, struct capture_flow_state *flow, int direction,
                           struct capture_segment *segment) {
    const struct capture_side *side = &flow->side[direction];

    if (!side->has_fin)
        return;
    int32_t room = capture_seq_diff(side->fin, segment->seq);
    if (room >= (int32_t)segment->span)
        return;
    capture->stats.after_end++;
    capture_say(capture, CAPTURE_NOTE_AFTER_END, flow, segment->stamp, "octets after the FIN");
    *segment = part_of(segment, 0, room > 0 ? (uint32_t)room : 0);
}

void capture_stream_data(struct capture *capture, struct capture_flow_state *flow, int direction,
                         struct capture_segment segment) {
    struct capture_side *side = &flow->side[direction];

    if (segment.span == 0)
        return;
    if (flow->ignored) {
        if (capture_seq_diff(segment.seq + segment.span, side->next) > 0)
            side->next = segment.seq + segment.span;
        return;
    }
    trim_old(capture, flow, direction, &segment);
    trim_after_fin(capture, flow, direction, &segment);
    if (segment.span == 0)
        return;
    if (segment.seq == side->next &&
        (!side->held || capture_seq_diff(side->held->seq, segment.seq + segment.span) >= 0)) {
        pass_data(capture, flow, direction, &segment);
        if (side->held)
            drain(capture, flow, direction);
    } else {
        hold_new_parts(capture, flow, direction, &segment);
        drain(capture, flow, direction);
        capture_stream_acked(capture, flow, direction, segment.stamp);
        keep_limits(capture, side, segment.stamp);
    }
}

void capture_stream_acked(struct capture *capture, struct capture_flow_state *flow, int direction,
                          const struct capture_stamp *stamp) {
    struct capture_side *side = &flow->side[direction];

    if (!side->has_acked)
        return;
    while (side->held && capture_seq_diff(side->acked, side->held->seq) >= 0)
        give_up(capture, side, stamp);
    if (side->has_fin && !side->held && capture_seq_diff(side->acked, side->fin) >= 0 &&
        capture_seq_diff(side->fin, side->next) > 0)
        pass_gap(capture, flow, direction, side->fin - side->next, stamp);
}

void capture_stream_finish(struct capture *capture, struct capture_flow_state *flow, int direction,
                           const struct capture_stamp *stamp) {
    struct capture_side *side = &flow->side[direction];

    while (side->held)
        give_up(capture, side, stamp);
    if (!side->started)
        return;
    uint32_t end = side->next;
    if (side->has_fin)
        end = side->fin;
    else if (side->has_acked && side->acked - side->next != 1)
        end = side->acked; // one octet more is a FIN that was not captured
    if (capture_seq_diff(end, side->next) > 0)
        pass_gap(capture, flow, direction, end - side->next, stamp);
}
