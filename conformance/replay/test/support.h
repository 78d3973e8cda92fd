// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: captures read or made, replayed in memory, and what is
// printed of them.
#ifndef REPLAY_TEST_SUPPORT_H
#define REPLAY_TEST_SUPPORT_H

#include "pcap.h"
#include "replay/replay.h"

// Handles as stubs have them, and a status.
#define HANDLE  "0000000001020304050607080910111213141516"
#define HANDLE2 "00000000a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6"
#define NOHAND  "0000000000000000000000000000000000000000"
#define OK      "00000000"
// The string "Ab" with its NUL in NDR64, and as 4 octets of padding behind follow.
#define AB_64 "0300000000000000 0000000000000000 0300000000000000 410062000000 0000"

enum { PORT = 49152 }; // the server's, for run_conversation

extern const struct replay_options as_text;
extern const struct replay_options as_verbose_text;
extern const struct replay_options as_json;

// Reads vectors/captures/NAME + SUFFIX.
void read_capture(const char *name, const char *suffix, struct buffer *out);
// Replays a capture, which must be whole; the output is appended to *out.
struct replay_result run(struct replay_options options, cmrp_view capture, struct buffer *out);
// The same with a capture that need not be one.
struct replay_result run_damaged(struct replay_options options, cmrp_view capture,
                                 struct buffer *out);
// The capture of one conversation from port 1234, replayed.
struct replay_result run_conversation(struct replay_options options, const struct conversation *c,
                                      struct buffer *out);

// Compares all that is printed of a conversation.
void expect_output(struct replay_options options, const struct conversation *c,
                   const char *expected);
void expect_part(struct replay_options options, const struct conversation *c, const char *part);
// Whether text holds a part.
void contains(struct buffer *out, const char *part);
void lacks(struct buffer *out, const char *part);

// xorshift64*, seeded with a constant: a failure repeats.
uint32_t random_below(uint32_t n);

#endif
