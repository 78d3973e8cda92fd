// SPDX-License-Identifier: Apache-2.0
//
// The table of flows and their lives. Every flow is in the hash table and in one of four lists, by
// what it would cost to forget it.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

void capture_lookup_set(const struct capture *capture, struct capture_lookup *lookup,
                        const struct capture_ip *ip, uint16_t source, uint16_t target) {
    size_t size = ip->family == 4 ? 4 : 16;
    int order = memcmp(ip->source, ip->target, size);
    struct capture_key *key = &lookup->key;

    lookup->source_smaller = order < 0 || (order == 0 && source <= target);
    if (!lookup->source_smaller) {
        uint16_t port = source;
        source = target;
        target = port;
    }
    memset(key, 0, sizeof *key);
    memcpy(&key->word[0], lookup->source_smaller ? ip->source : ip->target, size);
    memcpy(&key->word[4], lookup->source_smaller ? ip->target : ip->source, size);
    key->word[8] = (uint32_t)source << 16 | target;
    key->word[9] = ip->family;
    lookup->hash = ip->family == 4 ? capture_hash_ipv4(capture, key) : capture_hash(capture, key);
}

struct capture_flow_state *capture_flow_find(struct capture *capture,
                                             const struct capture_lookup *lookup) {
    struct capture_flow_state *flow = capture->recent;

    // Segments come in trains, so the flow of the last one is the best guess.
    if (flow && memcmp(&flow->key, &lookup->key, sizeof lookup->key) == 0)
        return flow;
    HASH_FIND_BYHASHVALUE(hh, capture->flows, &lookup->key, sizeof lookup->key, lookup->hash, flow);
    if (flow)
        capture->recent = flow;
    return flow;
}

int capture_flow_direction(const struct capture_flow_state *flow,
                           const struct capture_lookup *lookup) {
    return flow->smaller_first == lookup->source_smaller ? 0 : 1;
}

static void count_eviction(struct capture *capture, enum capture_rank rank,
                           const struct capture_stamp *stamp) {
    const struct capture_limits *limits = &capture->limits;

    if (rank == CAPTURE_CLOSED) {
        capture->stats.closed_evictions++;
        capture_say(capture, CAPTURE_NOTE_CLOSED_LIMIT, NULL, stamp,
                    "closed connection forgotten early to make room: more than %u at a time",
                    limits->flows);
    } else if (rank == CAPTURE_HALF_OPEN) {
        capture->stats.half_open_evictions++;
        capture_say(capture, CAPTURE_NOTE_HALF_OPEN_LIMIT, NULL, stamp,
                    "half-open connection forgotten to make room: more than %u at a time",
                    limits->half_open);
    } else {
        capture->stats.flow_evictions++;
        capture_say(capture, CAPTURE_NOTE_FLOW_LIMIT, NULL, stamp,
                    "connection closed to make room: more than %u at a time", limits->flows);
    }
}

static void evict(struct capture *capture, struct capture_flow_state *flow,
                  const struct capture_stamp *stamp) {
    count_eviction(capture, flow->rank, stamp);
    if (flow->rank != CAPTURE_CLOSED)
        capture_flow_end(capture, flow, CAPTURE_CLOSE_EVICTED, stamp);
    capture_flow_drop(capture, flow);
}

static struct capture_flow_state *least_missed(struct capture *capture) {
    struct capture_flow_state *flow = NULL;

    for (int rank = 0; rank < CAPTURE_RANKS && !flow; rank++)
        flow = capture->ranked[rank];
    return flow;
}

static void make_room(struct capture *capture, bool half_open, const struct capture_stamp *stamp) {
    struct capture_flow_state **closed = &capture->ranked[CAPTURE_CLOSED];

    while (*closed &&
           (!(*closed)->opened || capture_elapsed(stamp->seconds, (*closed)->closed_seconds) >
                                      capture->limits.closed_seconds))
        capture_flow_drop(capture, *closed);
    if (half_open && capture->half_open >= capture->limits.half_open)
        evict(capture, capture->ranked[CAPTURE_HALF_OPEN], stamp);
    while (HASH_COUNT(capture->flows) >= capture->limits.flows)
        evict(capture, least_missed(capture), stamp);
}

static void enter(struct capture *capture, struct capture_flow_state *flow,
                  enum capture_rank rank) {
    flow->rank = rank;
    DL_APPEND(capture->ranked[rank], flow);
    capture->half_open += rank == CAPTURE_HALF_OPEN;
}

static void leave(struct capture *capture, struct capture_flow_state *flow) {
    DL_DELETE(capture->ranked[flow->rank], flow);
    capture->half_open -= flow->rank == CAPTURE_HALF_OPEN;
}

struct capture_flow_state *capture_flow_add(struct capture *capture,
                                            const struct capture_lookup *lookup,
                                            const struct capture_endpoint *source,
                                            const struct capture_endpoint *target, bool reversed,
                                            bool half_open, const struct capture_stamp *stamp) {
    make_room(capture, half_open, stamp);
    struct capture_flow_state *flow = calloc(1, sizeof *flow);
    if (flow) {
        flow->key = lookup->key;
        HASH_ADD_BYHASHVALUE(hh, capture->flows, key, sizeof flow->key, lookup->hash, flow);
    }
    if (!flow || !flow->hh.tbl) {
        capture->stats.no_memory++;
        capture_say(capture, CAPTURE_NOTE_NO_MEMORY, NULL, stamp, "no memory for a connection");
        free(flow);
        return NULL;
    }
    flow->shown.id = ++capture->stats.flows;
    flow->shown.endpoint[reversed] = *source;
    flow->shown.endpoint[!reversed] = *target;
    flow->smaller_first = lookup->source_smaller != reversed;
    flow->side[0].flow = flow;
    flow->side[1].flow = flow;
    enter(capture, flow, half_open ? CAPTURE_HALF_OPEN : CAPTURE_SILENT);
    capture->recent = flow;
    return flow;
}

void capture_flow_rank(struct capture *capture, struct capture_flow_state *flow,
                       enum capture_rank rank) {
    leave(capture, flow);
    enter(capture, flow, rank);
}

void capture_flow_touch(struct capture *capture, struct capture_flow_state *flow) {
    if (flow->next)
        capture_flow_rank(capture, flow, flow->rank);
}

void capture_flow_end(struct capture *capture, struct capture_flow_state *flow,
                      enum capture_close why, const struct capture_stamp *stamp) {
    capture_early_flush(capture, flow);
    if (flow->rank != CAPTURE_CLOSED)
        capture_flow_close(capture, flow, why, stamp);
}

void capture_flow_close(struct capture *capture, struct capture_flow_state *flow,
                        enum capture_close why, const struct capture_stamp *stamp) {
    capture_early_drop(capture, flow);
    capture_stream_finish(capture, flow, 0, stamp);
    capture_stream_finish(capture, flow, 1, stamp);
    flow->opened = flow->rank == CAPTURE_TALKING;
    if (flow->opened && capture->handler.close)
        capture->handler.close(capture->handler.ctx, flow->user, why, stamp);
    flow->why = why;
    flow->closed_seconds = stamp->seconds;
    flow->closed_packet = capture->stats.packets;
    leave(capture, flow);
    flow->rank = CAPTURE_CLOSED;
    // One that carried nothing has no strays worth knowing: it is the first to be forgotten.
    if (flow->opened)
        DL_APPEND(capture->ranked[CAPTURE_CLOSED], flow);
    else
        DL_PREPEND(capture->ranked[CAPTURE_CLOSED], flow);
}

void capture_flow_drop(struct capture *capture, struct capture_flow_state *flow) {
    if (capture->recent == flow)
        capture->recent = NULL;
    capture_early_drop(capture, flow);
    capture_stream_clear(capture, &flow->side[0]);
    capture_stream_clear(capture, &flow->side[1]);
    leave(capture, flow);
    HASH_DEL(capture->flows, flow);
    free(flow);
}
