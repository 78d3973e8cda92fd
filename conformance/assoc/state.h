// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: stream.c frames PDUs, scan.c finds the next one after a
// loss, bind.c keeps contexts, call.c keeps calls. Not for other folders.
#ifndef ASSOC_STATE_H
#define ASSOC_STATE_H

#include "assoc/assoc.h"
#include "cmrp/epm.h"

enum { AUTHS = 8 }; // security contexts remembered

// Octets kept, counted against the memory that connections share.
struct kept {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

enum side_mode {
    SIDE_FIRST,   // before its first octet
    SIDE_FRAMED,  // the next octet continues or starts a PDU
    SIDE_SCANNING // the next PDU is being searched
};

// One direction.
struct side {
    enum side_mode mode;
    struct assoc_stamp stamp; // of the last octet given
    // SIDE_FRAMED: a PDU that is not whole yet. `have` octets of it are at hand, up to 16 of them
    // in head, all of them in body once the header is complete.
    uint8_t head[CMRP_PDU_HEADER_SIZE];
    size_t have;
    struct kept body;
    uint64_t skip; // octets of a PDU that nobody wants, still to come
    // SIDE_SCANNING: what may be the next PDU. In SIDE_FRAMED: what was behind it, still to be
    // read.
    struct kept window;
    size_t start; // of the window: octets before it are dealt with
    bool candidate;
    bool whole; // the candidate is; at this stamp:
    struct assoc_stamp whole_at;
    uint64_t scanned; // octets skipped since the last gap
    // What has been lost and not been reported.
    bool lossy;
    struct assoc_loss loss;
};

// An offer waiting for its answer.
struct offer {
    struct kept octets;     // the PDU
    struct kept assumables; // uint16_t each: contexts that may be taken as accepted
    uint32_t call_id;
    bool ours;
    struct assoc_stamp stamp;
};

struct context {
    uint16_t id;
    bool ours;
    bool mapper;
    enum assoc_basis basis;
    cmrp_syntax_id interface;
    cmrp_syntax_id transfer;
};

struct auth {
    uint32_t id;
    uint8_t type;
    uint8_t level;
};

struct part {
    struct assoc_part shown;
    struct kept stub;
    bool last;
    bool lost;
    bool large;
    bool sealed;
};

struct call {
    struct assoc_call shown;
    struct part request;
    struct part response;
    bool ignored; // on a context that was not accepted: only its answer is awaited
    bool mapper;  // of the endpoint mapper
    bool open;    // of a context whose bind was not seen
};

// A presentation context whose bind was not seen, and its complete calls.
struct open_context {
    uint16_t id;
    bool given_up;
    const char *why;
    struct call **calls;
    size_t count;
    size_t octets;
};

enum {
    OPEN_CONTEXTS = 8,
    EARLY_NOTES = 16, // kept until it is known what the connection is
    LATE_IDS = 4096,  // calls given up whose answers are still expected
};

struct early_note {
    enum assoc_note note;
    struct assoc_stamp stamp;
    char text[256];
};

struct assoc {
    struct assoc_limits limits;
    struct assoc_events events;
    struct assoc_memory *memory;
    struct assoc_memory own_memory;
    enum assoc_kind kind;
    int client; // direction, or -1
    uint32_t said;
    struct assoc_counts counts;
    struct side side[2];
    struct offer offers[ASSOC_OFFERS]; // oldest first
    size_t offer_count;
    struct context *contexts;
    size_t context_count;
    struct auth auths[AUTHS];
    size_t auth_count;
    struct call **calls; // oldest first
    size_t call_count;
    size_t call_capacity;
    struct open_context open[OPEN_CONTEXTS];
    size_t open_count;
    bool bound;          // a bind was seen
    bool follows;        // a mapper's context was offered
    uint32_t group;      // association group; 0: not known
    struct kept early;   // struct early_note each
    struct kept late;    // uint32_t each
    bool answered_early; // the last call that was reported with its request unfinished
    uint32_t early_call_id;
};

// assoc.c
// Room for at least `size` octets. Returns false, nothing changed, when the shared memory is used
// up.
bool assoc_reserve(struct assoc *a, struct kept *kept, size_t size);
void assoc_release(struct assoc *a, struct kept *kept);
// Whether the shared memory has room for `size` octets more.
bool assoc_affords(const struct assoc *a, size_t size);
// The same for others who share the memory.
bool assoc_memory_affords(const struct assoc_memory *memory, size_t size);
bool assoc_memory_reserve(struct assoc_memory *memory, struct kept *kept, size_t size);
void assoc_memory_release(struct assoc_memory *memory, struct kept *kept);
#define ASSOC_MEMORY_TEXT "the memory for all connections is used up: something is left out"
void assoc_say(struct assoc *a, enum assoc_note note, const struct assoc_stamp *stamp,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
// The same, once a connection.
void assoc_say_once(struct assoc *a, enum assoc_note note, const struct assoc_stamp *stamp,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

// From here on events are made: those that were kept come first.
void assoc_recognise(struct assoc *a);

// stream.c
void assoc_stream_data(struct assoc *a, int direction, const uint8_t *data, size_t size,
                       const struct assoc_stamp *stamp);
void assoc_stream_gap(struct assoc *a, int direction, uint64_t octets,
                      const struct assoc_stamp *stamp);
void assoc_stream_close(struct assoc *a, int direction, const struct assoc_stamp *stamp);
// Adds to what has been lost in a direction.
void assoc_lose(struct side *side, uint64_t missing, uint64_t skipped,
                const struct assoc_stamp *stamp);
// Reports what has been lost, unless the next PDU is still being searched.
void assoc_report_loss(struct assoc *a, int direction);

// scan.c
// Whether `size` octets can be the start of a PDU's header; those beyond 16 are not looked at.
bool assoc_plausible(const uint8_t *octets, size_t size);
// Looks through the window. Returns true when a PDU was found and read: SIDE_FRAMED from here on.
bool assoc_scan(struct assoc *a, int direction, const struct assoc_stamp *stamp);
// The other side has spoken, or nothing follows: takes a whole candidate as a PDU.
void assoc_scan_settle(struct assoc *a, int direction);
void assoc_window_drop(struct assoc *a, struct side *side);

// pdu.c
// Reads one whole PDU.
void assoc_pdu(struct assoc *a, int direction, cmrp_view raw, const struct assoc_stamp *stamp);
// Reads what is there of a PDU of which the rest is missing.
void assoc_cut_pdu(struct assoc *a, int direction, cmrp_view raw, const struct assoc_stamp *stamp);
// Whether a PDU is worth assembling, judged by its header; counts those that are not.
bool assoc_wanted(struct assoc *a, const cmrp_pdu_header *header);

// bind.c
void assoc_offer(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw,
                 const struct assoc_stamp *stamp);
// Returns false when nothing was offered under this call identifier.
bool assoc_answer(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw,
                  const struct assoc_stamp *stamp);
// The context that calls on this identifier use, or NULL.
const struct context *assoc_context(struct assoc *a, uint16_t id, const struct assoc_stamp *stamp);
// Sets a context that was recognised without its bind.
void assoc_adopt_context(struct assoc *a, uint16_t id, const struct assoc_opinion *opinion,
                         const struct assoc_stamp *stamp);
void assoc_remember_auth(struct assoc *a, const cmrp_pdu *pdu);
uint8_t assoc_auth_level(const struct assoc *a, const cmrp_pdu *pdu);
// Reports offers without an answer and forgets them.
void assoc_offers_close(struct assoc *a);

// open.c
// The context of this identifier whose bind was not seen; NULL where it was given up.
struct open_context *assoc_open_context(struct assoc *a, uint16_t id);
// Whether there is a context of which nobody knows yet what it is.
bool assoc_undecided(const struct assoc *a);
// Takes over a complete call; asks what it may be.
void assoc_hold(struct assoc *a, struct call *call, const struct assoc_stamp *stamp);
// Gives up the contexts that hold calls, to make room. Returns false when there is none.
bool assoc_open_evict(struct assoc *a);
void assoc_open_close(struct assoc *a, const struct assoc_stamp *stamp);
void assoc_open_free(struct assoc *a);

// call.c
// `plain` is the stub, unwrapped where that was possible; `sealed` where it was not.
struct fragment {
    const cmrp_pdu *pdu;
    cmrp_view raw; // the PDU's octets
    cmrp_view plain;
    bool sealed;
    bool cut; // the rest of the PDU is missing
    const struct assoc_stamp *stamp;
};
void assoc_request(struct assoc *a, const struct fragment *f);
void assoc_response(struct assoc *a, const struct fragment *f);
void assoc_fault(struct assoc *a, const struct fragment *f);
void assoc_cancel(struct assoc *a, const cmrp_pdu *pdu, const struct assoc_stamp *stamp);
// Octets of a direction are missing: parts that were being joined are lost.
void assoc_calls_gap(struct assoc *a, int direction);
// Reports the oldest call as it is, to make room. Returns false when there is none.
bool assoc_evict(struct assoc *a);
// Reports a call as it is, unless nobody is interested in it.
void assoc_report_call(struct assoc *a, const struct call *call);
void assoc_free_call(struct assoc *a, struct call *call);
// The outstanding calls of a context belong to the interface from now on.
void assoc_adopt_calls(struct assoc *a, const struct context *context);
// Reports every open call, oldest first, and forgets it.
void assoc_calls_close(struct assoc *a);
void assoc_calls_free(struct assoc *a);

#endif
