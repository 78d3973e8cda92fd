// SPDX-License-Identifier: Apache-2.0
// One DCE/RPC connection (connection-oriented, version 5) watched from outside: octets of both
// directions in, calls of the cluster management interface out.
//
// Nothing here opens, reads or prints anything. Whoever has the octets (a capture, a proxy) gives
// them in the order in which they were sent, in pieces of any size, and says where some are
// missing. Which end is the client is learnt from the PDUs. The outcome does not depend on how the
// octets of a direction are cut into pieces.
//
// How the stream is read:
// - PDUs are framed by frag_length. One that lies whole in the octets given is read in place; of
//   others at most 65,535 octets are kept (at most 256 KiB while the next PDU is searched).
// - After missing octets, or a header that cannot be one, the next PDU is searched: something that
//   looks like a header and is followed by another one, or by silence until the other side speaks,
//   a gap, or the end. What was skipped is reported. Octets missing inside a PDU whose header is
//   known cost that PDU only.
// - A connection in which nothing looks like a PDU within 65,551 octets is given up (see
//   assoc_data). Of a connection that binds other interfaces only bind PDUs are looked at, unless
//   the endpoint mapper's is among them.
//
// How calls are read [C706 12.6, MS-RPCE 3.3]:
// - bind and alter_context offers are remembered until their answer comes, then results apply in
//   order; the interface is found by its UUID, any version. Without the answer a context that was
//   offered with one transfer syntax is taken as accepted.
// - Fragments are joined by call identifier between FIRST and LAST, without authentication trailers
//   and padding. Several calls may be outstanding, and fragments of their answers may interleave.
// - A fault answers a call as soon as it comes.
// - alloc_hint is not looked at.
// - Where the capture holds no bind, complete calls are held back, for each presentation context,
//   until the receiver says what they are (assoc_events.guess): at most 32 of them, 1 MiB of stubs
//   and 8 contexts. Once all contexts were answered with ASSOC_NO nothing more is read.
// - The answer to a call that was given up to make room is swallowed.
#ifndef ASSOC_ASSOC_H
#define ASSOC_ASSOC_H

#include "cmrp/pdu.h"

// Where and when octets were seen. Only handed through.
struct assoc_stamp {
    uint64_t frame;
    int64_t seconds;
    uint32_t nanoseconds;
};

// ---- bounds -------------------------------------------------------------------------------------

// Bounds on what one connection may keep. 0 takes the default.
struct assoc_limits {
    // Octets of one joined stub. Default 4 MiB: more than that a server should refuse in a
    // request [MS-RPCE]. A larger one is reported as ASSOC_TOO_LARGE.
    size_t stub;
    // Calls waiting for an answer. Default 1,024. The oldest is reported unanswered to make room.
    uint32_t calls;
    // Presentation contexts remembered. Default 256. Later ones are not remembered.
    uint32_t contexts;
};

// Octets kept by all connections that share this. `limit` 0: the default of 256 MiB. When it is
// met, a connection reports its oldest call unanswered to make room; without one it gives up the
// stub or PDU at hand.
struct assoc_memory {
    size_t limit;
    size_t used;
};

enum { ASSOC_OFFERS = 4 }; // binds waiting for an answer; the oldest is dropped to make room

// ---- events -------------------------------------------------------------------------------------

// Security of a PDU, from its sec_trailer [MS-RPCE 2.2.2.11].
enum {
    ASSOC_LEVEL_DEFAULT = 0,
    ASSOC_LEVEL_NONE = 1,
    ASSOC_LEVEL_CONNECT = 2,
    ASSOC_LEVEL_CALL = 3,
    ASSOC_LEVEL_PACKET = 4,
    ASSOC_LEVEL_INTEGRITY = 5,
    ASSOC_LEVEL_PRIVACY = 6,
};

// A bind or alter_context that offers the interface, and its answer. Contexts and results
// correspond in order (cmrp_pdu_next_context, cmrp_pdu_next_result).
struct assoc_bind {
    const cmrp_pdu *offer;
    const cmrp_pdu *answer; // bind_ack, alter_context_resp, bind_nak or fault; NULL: none was seen
    cmrp_view offer_octets; // the PDUs themselves
    cmrp_view answer_octets;
    struct assoc_stamp offered;
    struct assoc_stamp answered;
};

// What is known of a request or a response.
enum assoc_part_state {
    ASSOC_ABSENT,    // no fragment was seen
    ASSOC_PARTIAL,   // the last fragment was not seen
    ASSOC_LOST,      // octets before the last fragment are missing
    ASSOC_TOO_LARGE, // larger than the limits allow
    ASSOC_SEALED,    // encrypted
    ASSOC_WHOLE,     // stub holds it
};

struct assoc_part {
    enum assoc_part_state state;
    cmrp_view stub; // ASSOC_WHOLE; may end with a verification trailer in a request
    cmrp_order order;
    uint8_t drep[4]; // of the first fragment
    uint64_t octets; // of stub data in the fragments seen
    uint32_t fragments;
    size_t last_at;    // ASSOC_WHOLE: where the last fragment's share of the stub starts
    uint8_t auth_type; // 0: no security trailer
    uint8_t auth_level;
    struct assoc_stamp stamp; // of the last octet of the last fragment seen
};

// A PDU of a call that could not be decoded; offsets count from its first octet.
struct assoc_breach {
    uint64_t frame;
    cmrp_error error;
    bool from_server;
};

enum { ASSOC_BREACHES = 4 }; // of one call that are kept

// How it is known what a call belongs to.
enum assoc_basis {
    ASSOC_BOUND,    // by its bind
    ASSOC_ENDPOINT, // its bind was not seen; the endpoint mapper had named the server's address
    ASSOC_GUESSED,  // its bind was not seen; it is what all calls look like
};

struct assoc_call {
    enum assoc_basis basis;
    uint32_t group; // association group of the connection; 0: not known
    bool given_up;  // to make room, while it was outstanding
    bool has_object;
    cmrp_uuid object; // of the request
    uint32_t call_id;
    uint16_t context_id;
    uint16_t opnum;           // with request.state not ASSOC_ABSENT
    cmrp_syntax_id interface; // version as bound
    cmrp_syntax_id transfer;
    struct assoc_part request;
    struct assoc_part response; // never ASSOC_WHOLE for a fault, whose stub data is no response
    bool faulted;
    bool did_not_execute; // of a fault
    uint32_t fault;       // status
    bool cancelled;       // the client sent co_cancel or cl_cancel
    bool orphaned;        // the client sent orphaned
    // Of a connectionless call (datagram.h), whose call_id is its sequence number and whose
    // context_id means nothing.
    bool connectionless;
    cmrp_uuid activity;
    bool idempotent;
    bool maybe; // no answer is expected
    uint32_t pings;
    uint32_t workings;
    uint32_t breach_count;
    struct assoc_breach breaches[ASSOC_BREACHES];
};

// Octets of one direction that could not be read.
struct assoc_loss {
    int direction;
    uint64_t missing;         // octets that were never given
    uint64_t skipped;         // octets given that belong to no PDU that could be read
    struct assoc_stamp stamp; // where the loss was noticed
};

// X(enumerator, code). Those marked "once" are said once a connection.
#define ASSOC_NOTES(X)                                                                             \
    X(UNBOUND, "unbound")                 /* at the end: calls, but no bind was seen */            \
    X(BAD_PDU, "pdu")                     /* a PDU that cannot be decoded was skipped */           \
    X(WRONG_DIRECTION, "direction")       /* once: a PDU came from the wrong end */                \
    X(UNKNOWN_CONTEXT, "unknown-context") /* a call on a context that was not accepted */          \
    X(ASSUMED_CONTEXT, "assumed-context") /* no answer to its offer was seen */                    \
    X(CALL_ID_REUSED, "call-id-reused")   /* while a call of this identifier was outstanding */    \
    X(STRAY_FRAGMENT, "stray-fragment")   /* once: a fragment that continues no call */            \
    X(CANCEL, "cancel")                   /* the client cancelled a call */                        \
    X(ORPHANED, "orphaned")               /* the client gave up a call */                          \
    X(SHUTDOWN, "shutdown")               /* the server asked to close the connection */           \
    X(STUB_LIMIT, "stub-limit")           /* a stub larger than the limit */                       \
    X(CALL_LIMIT, "call-limit")           /* once: too many calls outstanding */                   \
    X(CONTEXT_LIMIT, "context-limit")     /* once: too many presentation contexts */               \
    X(OFFER_LIMIT, "offer-limit")         /* once: too many binds without an answer */             \
    X(MEMORY_LIMIT, "memory-limit")       /* once: the memory for all connections is used up */    \
    X(GUESSED, "guessed")                 /* a context was recognised without its bind */          \
    X(ENDPOINT, "known-endpoint")         /* a context is taken for what its address offers */     \
    X(CUT, "cut")                         /* at the end: the last PDU is not whole */              \
    /* Of connectionless calls: */                                                                 \
    X(ACTIVITY_LIMIT, "activity-limit")    /* once: too many activities */                         \
    X(FRAGMENT_LIMIT, "call-fragments")    /* a request or response of too many fragments */       \
    X(CONTRADICTION, "call-contradiction") /* fragments that cannot belong to one call */

enum assoc_note {
#define ASSOC_NOTE_ENUM(name, code) ASSOC_NOTE_##name,
    ASSOC_NOTES(ASSOC_NOTE_ENUM)
#undef ASSOC_NOTE_ENUM
};

// The code of ASSOC_NOTES.
const char *assoc_note_code(enum assoc_note note);

// A PDU with an authentication token.
struct assoc_protected {
    bool from_client;
    const cmrp_pdu *pdu; // its stub, auth_padding and auth_token are views of raw
    cmrp_view raw;       // the whole PDU
};

// What somebody who knows the methods makes of calls whose bind was not seen.
enum assoc_verdict {
    ASSOC_WAIT, // too few to tell
    ASSOC_NO,   // another interface, or one cannot tell
    ASSOC_YES,
};

struct assoc_opinion {
    enum assoc_verdict verdict;
    enum assoc_basis basis;   // ASSOC_YES
    cmrp_syntax_id interface; // ASSOC_YES
    cmrp_syntax_id transfer;  // ASSOC_YES; zero where it is not known
    const char *why;          // ASSOC_WAIT, ASSOC_NO: a constant phrase that ends "N calls …: "
};

// The receiver. Every callback may be NULL. Pointers are valid during the call only; a callback
// must not call back into the connection. Only a connection that has offered the interface, or was
// recognised without, makes events, except for ASSOC_NOTE_UNBOUND and mapper; notes about what came
// before are kept until then (the first 16 of them).
struct assoc_events {
    void *context;
    // When the answer has come, or at the end.
    void (*bind)(void *context, const struct assoc_bind *bind);
    // When the last fragment of a request has come and no answer has. Every such call is the
    // subject of a `call` later on. Not for connectionless calls, nor without a bind.
    void (*request)(void *context, const struct assoc_call *call);
    // When the answer is complete; otherwise when the call is given up or at the end.
    void (*call)(void *context, const struct assoc_call *call);
    // The same for calls of the endpoint mapper's interface, on any connection.
    void (*mapper)(void *context, const struct assoc_call *call);
    // What are the calls of this presentation context, of which no bind was seen? They are
    // complete, in the order of their answers, and stay the same from question to question but for
    // those that are added. `last`: no other question follows. Without this, such calls are only
    // counted.
    void (*guess)(void *context, const struct assoc_call *const *calls, size_t count, bool last,
                  struct assoc_opinion *opinion);
    // When the next PDU has been found, or at the end.
    void (*loss)(void *context, const struct assoc_loss *loss);
    // `text` is one line for people and holds nothing that the peers have chosen but numbers.
    void (*note)(void *context, enum assoc_note note, const char *text,
                 const struct assoc_stamp *stamp);
    // The seam for security. Called for every PDU that carries a token, handshake included, in the
    // order in which they were seen. Returns true with *plain the stub in clear, without padding,
    // valid until the next call; false leaves the PDU as it is.
    bool (*unwrap)(void *context, const struct assoc_protected *pdu, cmrp_view *plain);
};

// ---- a connection -------------------------------------------------------------------------------

// What a connection has turned out to be.
enum assoc_kind {
    ASSOC_UNDECIDED, // no PDU so far
    ASSOC_NOT_RPC,   // given up
    ASSOC_UNBOUND,   // PDUs, but no bind so far
    ASSOC_OTHER,     // only other interfaces were offered so far
    ASSOC_OURS,      // the interface was offered, or recognised
};

struct assoc_counts {
    uint64_t pdus;          // read, or skipped by their header
    uint64_t calls;         // of the interface
    uint64_t other_calls;   // of other interfaces
    uint64_t unbound_calls; // whose bind was not seen and that were not recognised
};

struct assoc;

// limits may be NULL; memory is shared with other connections, must outlive them, and may be NULL.
// events is copied. Free with assoc_destroy.
struct assoc *assoc_create(const struct assoc_limits *limits, const struct assoc_events *events,
                           struct assoc_memory *memory);

// Gives `size` octets of a direction, 0 or 1. Returns false when the connection is not DCE/RPC:
// everything kept has been freed, and nothing more is wanted.
bool assoc_data(struct assoc *a, int direction, const uint8_t *data, size_t size,
                const struct assoc_stamp *stamp);

// `octets` (> 0) of a direction are missing here.
void assoc_gap(struct assoc *a, int direction, uint64_t octets, const struct assoc_stamp *stamp);

// The end: reports what is still open. Only assoc_destroy and the queries may follow.
void assoc_close(struct assoc *a, const struct assoc_stamp *stamp);

// Frees without events. NULL is allowed.
void assoc_destroy(struct assoc *a);

enum assoc_kind assoc_kind(const struct assoc *a);
// The direction in which the client sends, or -1 when that is not known yet.
int assoc_client(const struct assoc *a);
const struct assoc_counts *assoc_counts(const struct assoc *a);

#endif
