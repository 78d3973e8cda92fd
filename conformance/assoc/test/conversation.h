// SPDX-License-Identifier: Apache-2.0
// Conversations for the tests: PDUs in order, played to a connection in several ways, and what it
// says about them as text.
#ifndef ASSOC_TEST_CONVERSATION_H
#define ASSOC_TEST_CONVERSATION_H

#include "assoc/assoc.h"
#include "util/buffer.h"

enum { CLIENT = 0, SERVER = 1 };
enum { FIRST = CMRP_PFC_FIRST_FRAG, LAST = CMRP_PFC_LAST_FRAG, BOTH = FIRST | LAST };

struct piece {
    int direction;
    size_t at; // in octets
    size_t size;
    uint64_t gap;   // size 0: so many octets are missing
    uint64_t frame; // its stamp; frames count from 1
};

struct conversation {
    struct buffer octets;
    struct piece *pieces;
    size_t count;
    bool big_endian; // the PDUs are
    struct {         // the security trailer of the PDUs, where level is not 0
        uint8_t type, level, padding;
        uint32_t id;
    } auth;
};

extern const cmrp_syntax_id clusapi_3;
extern const cmrp_syntax_id other_interface;
extern const cmrp_syntax_id ndr20;
extern const cmrp_syntax_id ndr64;
extern const cmrp_syntax_id features;

// Each adds one piece: a packet of its own.
void talk_octets(struct conversation *c, int direction, const void *octets, size_t size);
void talk_gap(struct conversation *c, int direction, uint64_t octets);
void talk_pdu(struct conversation *c, int direction, const cmrp_pdu *pdu);
// A bind or alter_context of `count` contexts with these identifiers and one transfer syntax each.
void talk_bind(struct conversation *c, unsigned ptype, uint32_t call_id, const uint16_t *ids,
               const cmrp_syntax_id *interfaces, const cmrp_syntax_id *transfers, uint8_t count);
// The answer; results: acceptance of the transfer syntax, or another result where that is not NULL.
void talk_answer(struct conversation *c, unsigned ptype, uint32_t call_id,
                 const cmrp_syntax_id *transfers, const uint16_t *results, uint8_t count);
void talk_request(struct conversation *c, unsigned flags, uint32_t call_id, uint16_t context,
                  uint16_t opnum, const char *stub);
void talk_response(struct conversation *c, unsigned flags, uint32_t call_id, uint16_t context,
                   const char *stub);
void talk_fault(struct conversation *c, uint32_t call_id, uint16_t context, uint32_t status);
// header only: co_cancel, orphaned, shutdown
void talk_plain(struct conversation *c, unsigned ptype, uint32_t call_id);
// bind and bind_ack of clusapi 3.0 under context 0, NDR, call identifier 1.
void talk_usual_bind(struct conversation *c);
void conversation_free(struct conversation *c);

// How a conversation is played.
struct playing {
    const struct assoc_limits *limits;
    struct assoc_memory *memory;
    size_t piece; // octets given at a time; 0: each packet whole
    size_t split; // the packet that holds this octet is given in two pieces, cut there; 0: none
    bool merged;  // packets of one direction in a row are given at once
    bool stamps;  // whether the text says them
    size_t guess; // calls without a bind that are enough to say whose they are; 0: nobody knows
    bool unwrap;  // PDUs of level 6 are opened: each octet XOR 0x5a
};

struct played {
    struct buffer text; // the events, one a line
    enum assoc_kind kind;
    int client;
    bool wanted; // what the last assoc_data returned
    struct assoc_counts counts;
    size_t memory; // in use at the end, before the connection was destroyed
};

void play(const struct conversation *c, const struct playing *how, struct played *out);
const char *text_of(struct played *p);
void played_free(struct played *p);

// What most tests play with: whole packets, and the text says the stamps.
extern const struct playing plainly;
// Plays a conversation and compares the text; no memory may be left in use.
void expect(const struct conversation *c, struct playing how, const char *expected);
// The same however the octets are cut into pieces.
void expect_cuts(const struct conversation *c, struct playing how, const char *expected);

// Events as text, for callers that play by themselves.
struct log {
    struct buffer *text;
    bool stamps;
    size_t guess;
};
extern const struct assoc_events log_events; // without context: a struct log *

#endif
