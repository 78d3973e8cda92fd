// SPDX-License-Identifier: Apache-2.0
// A capture read from end to end: capture/ makes byte streams of it, assoc/ calls, the codec
// parameters; here they become records, as text or as JSON lines (docs/json.md, docs/schema/
// replay.json).
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "assoc/assoc.h"
#include "assoc/datagram.h"
#include "capture/capture.h"
#include "util/buffer.h"
#include "util/outcome.h"

// X(enumerator, name): how a call ended. A fault wins over everything, then a missing answer, then
// encryption.
#define REPLAY_STATES(X)                                                                           \
    X(COMPLETE, "complete")     /* request and response were decoded */                            \
    X(FAULT, "fault")           /* the server sent a fault */                                      \
    X(UNANSWERED, "unanswered") /* the capture holds no answer */                                  \
    X(SEALED, "sealed")         /* request or response is encrypted */                             \
    X(UNDECODED, "undecoded")   /* request or response cannot be decoded */

enum replay_state {
#define REPLAY_STATE_ENUM(name, text) REPLAY_##name,
    REPLAY_STATES(REPLAY_STATE_ENUM)
#undef REPLAY_STATE_ENUM
        REPLAY_STATE_COUNT
};

const char *replay_state_name(enum replay_state state);

enum replay_format { REPLAY_TEXT, REPLAY_JSON, REPLAY_NONE };

struct replay_result;

struct replay_options {
    enum replay_format format;
    bool verbose;  // text: every parameter, offsets, frames
    bool colour;   // text
    bool ascii;    // JSON: \u escapes for everything but printable ASCII
    int32_t opnum; // only calls of this opnum, and no binds; -1: everything
    struct capture_limits capture;
    struct assoc_limits assoc;
    struct assoc_datagram_limits datagrams;
    size_t memory; // octets that all connections together may keep; 0: the default of assoc/
    // Receives one record, its line feed included. Returns false to stop: nothing more can be
    // written.
    bool (*write)(void *context, const char *text, size_t size);
    // Called now and then; may be NULL.
    void (*progress)(void *context, const struct replay_result *so_far);
    void *context;
};

enum { REPLAY_FINDINGS = 100 }; // of one call that are kept; more are only counted

struct replay_result {
    enum capture_status status;
    struct capture_error error;
    struct capture_stats stats; // at the end
    uint64_t packets;           // so far
    uint64_t connections;       // on which the interface was offered
    uint64_t unbound;           // DCE/RPC connections whose bind was not seen
    uint64_t other;             // DCE/RPC connections of other interfaces
    uint64_t activities;        // conversations of the connectionless protocol, over UDP
    uint64_t calls[REPLAY_STATE_COUNT];
    uint64_t findings; // of level "must"
    uint64_t warnings; // of level "should"
    uint64_t gaps;
    uint64_t notes;
};

// Reads a capture from an open descriptor, or from memory. *result is written completely.
void replay_descriptor(const struct replay_options *options, int descriptor,
                       struct replay_result *result);
void replay_memory(const struct replay_options *options, const uint8_t *data, size_t size,
                   struct replay_result *result);

uint64_t replay_calls(const struct replay_result *result);
// The exit code: OUTCOME_USAGE for what is no readable capture, OUTCOME_FINDINGS for findings of
// level "must" or fewer than `require` calls, OUTCOME_INCOMPLETE for a capture that is cut off.
enum outcome replay_outcome(const struct replay_result *result, uint64_t require);
// One line: packets, connections, calls by state, findings; or that there was no call.
void replay_summary(const struct replay_result *result, struct buffer *out);

#endif
