// SPDX-License-Identifier: Apache-2.0
// Property reassembly: the streams read from a capture do not depend on how TCP and IP cut them.
// The input draws connections and how their octets become packets: segments, IP fragments, copies,
// overlaps, repetitions, sequence numbers that wrap, and packets that change places within the
// tolerance. Then each connection is opened once, both streams are delivered whole and without a
// gap, what a direction acknowledges before what it says next, and it closes with its FINs.
// With loss, contradictions and interference, under small limits: what is delivered of a flow is,
// place by place, what some packet held there; between lie gaps, each reported once, so that all
// that follows is at its place; the stamp of octets is that of a packet which holds them; and what
// is held stays within the limits.
#include <stdlib.h>

#include <pcap/dlt.h>

#include "capture/capture.h"
#include "fuzz_reassembly_talk.h"
#include "fuzz_support.h"

#define PROPERTY "reassembly"

static const struct capture_limits small_limits = {
    .flows = 4,
    .half_open = 2,
    .side_octets = 4096,
    .side_segments = 8,
    .held_octets = 6000,
    .fragment_octets = 16384,
    .compare_octets = 4096,
    .reorder_packets = 6,
};

// A segment is held before the bound is looked at, with the bookkeeping of its parts.
enum { SEGMENT = 8192 };

// Which octets the packets so far hold of a place.
enum { RIGHT = 1, WRONG = 2 };

struct run;

struct flow {
    struct run *run;
    uint32_t connection;
    bool turned; // its direction 0 is that of the server
    bool placed[2];
    uint32_t place[2]; // of the next octet, with placed
};

struct run {
    const struct talk *talk;
    bool exact; // nothing may be missing
    uint32_t fed;
    uint8_t held[TALK_CONNECTIONS][2][TALK_STREAM];
    uint32_t read[TALK_CONNECTIONS][2]; // exact: octets delivered
    uint32_t opened[TALK_CONNECTIONS];
    uint32_t closed[TALK_CONNECTIONS];
    uint32_t open;
    uint64_t delivered;
    uint64_t gaps;
    uint64_t gap_octets;
};

static void *opened(void *ctx, const struct capture_flow *shown,
                    const struct capture_stamp *stamp) {
    struct run *run = ctx;
    struct flow *flow = util_alloc(sizeof *flow);
    flow->run = run;
    flow->turned = shown->endpoint[0].port == TALK_SERVER_PORT;
    flow->connection = shown->endpoint[flow->turned].port - (uint32_t)TALK_PORT;
    if (flow->connection >= run->talk->connections || stamp->frame > run->fed) {
        fuzz_fail(PROPERTY, "connection %u at frame %llu", flow->connection,
                  (unsigned long long)stamp->frame);
    }
    if (run->exact && flow->turned) {
        fuzz_fail(PROPERTY, "connection %u: the server did not open it", flow->connection);
    }
    flow->placed[0] = flow->placed[1] = run->exact;
    run->opened[flow->connection]++;
    run->open++;
    if (run->exact && (!shown->initiator_known || run->opened[flow->connection] > 1)) {
        fuzz_fail(PROPERTY, "connection %u is not read from its one start", flow->connection);
    }
    return flow;
}

static const struct talk_packet *packet_at(const struct run *run,
                                           const struct capture_stamp *stamp) {
    if (stamp->frame == 0 || stamp->frame > run->fed) {
        fuzz_fail(PROPERTY, "frame %llu of %u", (unsigned long long)stamp->frame, run->fed);
    }
    return &run->talk->packet[stamp->frame - 1];
}

// What was acknowledged when these octets were sent has been read.
static void check_order(const struct run *run, const struct flow *flow, uint32_t direction,
                        uint32_t from) {
    for (uint32_t i = 0; i < run->talk->messages; i++) {
        const struct talk_message *m = &run->talk->message[i];
        if (m->connection == flow->connection && m->direction == direction && m->from <= from &&
            from < m->to && run->read[flow->connection][!direction] < m->need) {
            fuzz_fail(PROPERTY,
                      "connection %u: octet %u of direction %u comes before octet %u of the other",
                      flow->connection, from, direction, m->need - 1);
        }
    }
}

// Whether packets so far hold these octets at this place.
static bool was_captured(const struct run *run, const struct flow *flow, uint32_t direction,
                         uint32_t from, const uint8_t *data, size_t size) {
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t place = from + i;
        const uint8_t seen =
            place < TALK_STREAM ? run->held[flow->connection][direction][place] : 0;
        const bool right =
            (seen & RIGHT) != 0 && data[i] == talk_octet(flow->connection, direction, place);
        const bool wrong =
            (seen & WRONG) != 0 && data[i] == talk_wrong_octet(flow->connection, direction, place);
        if (!right && !wrong) {
            return false;
        }
    }
    return true;
}

// Finds out where the first octets of a direction are, if they are at one place of their segment
// only. Its start can be unknown: the capture may hold it in part, or nothing before it.
static void find_place(const struct run *run, struct flow *flow, uint32_t direction,
                       const struct talk_packet *p, const uint8_t *data, size_t size) {
    const struct talk_connection *c = &run->talk->connection[flow->connection];
    uint32_t found = 0;
    for (uint32_t from = p->segment; from + size <= c->size[direction]; from++) {
        if (was_captured(run, flow, direction, from, data, size)) {
            found++;
            flow->place[direction] = from;
        }
    }
    if (found == 0) {
        fuzz_fail(PROPERTY, "connection %u: %zu octets of direction %u were never captured",
                  flow->connection, size, direction);
    }
    flow->placed[direction] = found == 1;
}

static bool delivered(void *ctx, void *user, int shown, const uint8_t *data, size_t size,
                      const struct capture_stamp *stamp) {
    struct run *run = ctx;
    struct flow *flow = user;
    const uint32_t direction = (uint32_t)(shown != 0) ^ flow->turned;
    const struct talk_packet *p = packet_at(run, stamp);
    const struct talk_connection *c = &run->talk->connection[flow->connection];
    if (p->connection != flow->connection || p->direction != direction || size == 0) {
        fuzz_fail(PROPERTY, "frame %llu is of another stream", (unsigned long long)stamp->frame);
    }
    if (!flow->placed[direction]) {
        find_place(run, flow, direction, p, data, size);
    }
    const uint32_t from = flow->place[direction];
    if (flow->placed[direction] && (from < p->segment || from + size > c->size[direction] ||
                                    !was_captured(run, flow, direction, from, data, size))) {
        fuzz_fail(PROPERTY, "connection %u: octets %u to %zu of direction %u from frame %llu",
                  flow->connection, from, from + size, direction, (unsigned long long)stamp->frame);
    }
    flow->place[direction] += (uint32_t)size;
    run->delivered += size;
    if (run->exact) {
        check_order(run, flow, direction, from + (uint32_t)size - 1);
        run->read[flow->connection][direction] = flow->place[direction];
    }
    return true;
}

static void missing(void *ctx, void *user, int shown, uint64_t octets,
                    const struct capture_stamp *stamp) {
    struct run *run = ctx;
    struct flow *flow = user;
    const uint32_t direction = (uint32_t)(shown != 0) ^ flow->turned;
    packet_at(run, stamp);
    if (run->exact) {
        fuzz_fail(PROPERTY, "connection %u: %llu octets of direction %u are missing at %u",
                  flow->connection, (unsigned long long)octets, direction, flow->place[direction]);
    }
    if (octets == 0) {
        fuzz_fail(PROPERTY, "a gap of no octets");
    }
    flow->place[direction] += (uint32_t)octets;
    run->gaps++;
    run->gap_octets += octets;
}

static void closed(void *ctx, void *user, enum capture_close why,
                   const struct capture_stamp *stamp) {
    struct run *run = ctx;
    struct flow *flow = user;
    packet_at(run, stamp);
    // Before anything else of its connection, a FIN is dropped: of a short one it can come first.
    const bool fin = why == CAPTURE_CLOSE_FIN ||
                     (why == CAPTURE_CLOSE_END &&
                      run->talk->connection[flow->connection].packets <= TALK_REORDER + 4);
    if (run->exact && !fin) {
        fuzz_fail(PROPERTY, "connection %u: closed by %s", flow->connection,
                  capture_close_name(why));
    }
    run->closed[flow->connection]++;
    run->open--;
    free(flow);
}

static void noted(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                  const char *text, const struct capture_stamp *stamp) {
    const struct run *run = ctx;
    (void)flow;
    packet_at(run, stamp);
    if (run->exact && kind != CAPTURE_NOTE_FRAGMENT_OVERLAP) {
        fuzz_fail(PROPERTY, "note %s: %s", capture_note_name(kind), text);
    }
}

static void mark(struct run *run, const struct talk_packet *p) {
    for (uint32_t i = p->from; i < p->to && i < TALK_STREAM; i++) {
        run->held[p->connection][p->direction][i] |= p->wrong ? WRONG : RIGHT;
    }
}

static void check_exact(const struct run *run, const struct capture_stats *stats) {
    for (uint32_t i = 0; i < run->talk->connections; i++) {
        const struct talk_connection *c = &run->talk->connection[i];
        const bool speaks = c->size[0] + c->size[1] > 0;
        if (run->opened[i] != speaks || run->closed[i] != speaks || run->read[i][0] != c->size[0] ||
            run->read[i][1] != c->size[1]) {
            fuzz_fail(PROPERTY, "connection %u: opened %u times, %u of %u and %u of %u octets", i,
                      run->opened[i], run->read[i][0], c->size[0], run->read[i][1], c->size[1]);
        }
    }
    if (stats->contradictions + stats->fragment_conflicts + stats->malformed + stats->late_octets +
            stats->flows_joined_late + stats->datagrams_dropped >
        0) {
        fuzz_fail(PROPERTY,
                  "contradictions %llu and %llu, malformed %llu, late %llu, joined late "
                  "%llu, datagrams dropped %llu",
                  (unsigned long long)stats->contradictions,
                  (unsigned long long)stats->fragment_conflicts,
                  (unsigned long long)stats->malformed, (unsigned long long)stats->late_octets,
                  (unsigned long long)stats->flows_joined_late,
                  (unsigned long long)stats->datagrams_dropped);
    }
}

static void check_stats(const struct run *run, const struct capture_stats *stats) {
    if (run->open != 0 || stats->delivered != run->delivered || stats->gaps != run->gaps ||
        stats->gap_octets != run->gap_octets || stats->packets != run->fed) {
        fuzz_fail(PROPERTY, "%u flows left open, counters do not agree", run->open);
    }
    if (!run->exact && stats->held_peak > small_limits.held_octets + SEGMENT) {
        fuzz_fail(PROPERTY, "%llu octets were held", (unsigned long long)stats->held_peak);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct talk *talk = talk_create(data, size);
    struct run *run = util_alloc(sizeof *run);
    struct capture_stamp stamp = {.seconds = 1700000000};
    const struct capture_handler handler = {.ctx = run,
                                            .open = opened,
                                            .data = delivered,
                                            .gap = missing,
                                            .close = closed,
                                            .note = noted};
    run->talk = talk;
    run->exact = !talk->hostile && !talk->full;
    struct capture *capture = capture_create(run->exact ? NULL : &small_limits, &handler);
    for (uint32_t i = 0; capture != NULL && i < talk->packets; i++) {
        const struct talk_packet *p = &talk->packet[i];
        uint8_t *block = util_alloc(p->captured + 1); // of its own, for the sanitizer
        memcpy(block, p->octets, p->captured);
        stamp.frame = ++run->fed;
        stamp.nanoseconds = i * 50000; // all of them within the tolerance
        mark(run, p);
        capture_packet(capture, DLT_RAW, block, p->captured, p->size, &stamp);
        free(block);
    }
    capture_finish(capture, &stamp);
    check_stats(run, capture_get_stats(capture));
    if (run->exact) {
        check_exact(run, capture_get_stats(capture));
    }
    *(run->exact ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    capture_destroy(capture);
    free(run);
    talk_destroy(talk);
    return 0;
}
