// SPDX-License-Identifier: Apache-2.0
//
// A capture under test whose events are written down as text, so that a test reads as packets in,
// transcript out:
//
//   open 1 10.0.0.1:1000 > 10.0.0.2:135      ("?" for ">" when the initiator is not known)
//   1.0 hello                                 (flow, direction, octets)
//   1.1 gap 5
//   close 1 fin
//   note late 1                               (no number when it concerns the whole run)
//   datagram 10.0.0.1:1000 > 10.0.0.2:135 hello (+3)

#ifndef CAPTURE_TEST_WORLD_H
#define CAPTURE_TEST_WORLD_H

#include "build.h"
#include "capture/capture.h"

enum { CLIENT, SERVER };

struct world {
    struct capture *capture;
    struct capture_handler handler;
    struct capture_stamp stamp;
    bool with_frames;    // "1.0 @3 hello"
    size_t wanted;       // `data` returns false after this many calls; 0: never
    uint64_t stop_after; // packets, 0: never
    size_t calls;
    struct packet packet;
    char *log;
    size_t used;
    size_t room;
};

// `limits` may be NULL. Unless it says otherwise nothing waits for packets that may be late, so
// that a transcript shows what a packet does at once. The handler can also be given to capture_run.
void world_start(struct world *world, const struct capture_limits *limits);
void world_end(struct world *world);

// The set-up and tear-down of tests that need no other limits.
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
// The same with the default limits, so with the tolerance for reordering.
#define WORLD_TEST_TOLERANT(name)                                                                  \
    cmocka_unit_test_setup_teardown(name, world_set_up_tolerant, world_tear_down)
int world_set_up(void **state);
int world_set_up_tolerant(void **state);
int world_tear_down(void **state);
// And for those that do: world_new and world_free hold the world too.
struct world *world_new(const struct capture_limits *limits);
void world_free(struct world *world);

// How most transcripts begin.
#define OPENED "open 1 10.0.0.1:1000 > 10.0.0.2:135\n"
#define JOINED "open 1 10.0.0.1:1000 ? 10.0.0.2:135\n"

// Feeds world->packet as a packet of `link`, or its first `captured` octets.
void world_feed(struct world *world, int link);
void world_feed_cut(struct world *world, int link, size_t captured);

// Puts headers of TCP and IPv4 before world->packet: from port 1000 of 10.0.0.1 to port 135 of
// 10.0.0.2 for CLIENT, back for SERVER.
void world_wrap(struct world *world, int from, uint32_t seq, uint32_t ack, uint8_t flags);
// Builds and feeds such a segment with the octets of `text`.
void say(struct world *world, int from, uint32_t seq, uint32_t ack, uint8_t flags,
         const char *text);
// The same from another port of the client.
void say_from(struct world *world, uint16_t port, uint8_t flags, uint32_t seq, const char *text);
// Three segments that open a connection; octets begin at 101 (client) and 501 (server).
void handshake(struct world *world);
// A packet that has nothing to do with any connection, `seconds` later.
void pass_time(struct world *world, int64_t seconds);
// capture_finish.
void finish(struct world *world);

// Asserts that the transcript since the last call is exactly this.
void expect(struct world *world, const char *transcript);
#define STAT(world, field) (capture_get_stats((world)->capture)->field)

#endif
