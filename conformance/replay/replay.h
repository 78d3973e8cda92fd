// SPDX-License-Identifier: Apache-2.0
// A capture read from end to end: capture/ makes byte streams of it, assoc/ calls, the codec
// parameters; here they become records, as text or as JSON lines (docs/json.md, docs/schema/
// replay.json).
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "assoc/assoc.h"
#include "assoc/datagram.h"
#include "capture/capture.h"
#include "rules/rules.h"
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

// ---- a call, decoded ----------------------------------------------------------------------------

enum { REPLAY_FINDINGS = 100 }; // of one call or bind that are kept; more are only counted

// What is wrong with a call or a bind: found by a decoder, or by a rule.
struct replay_finding {
    bool must;
    bool allowed;         // unusual, but no breach of anything: not for judging
    enum rules_role role; // whose octets, or whose doing, it is
    uint64_t frame;
    uint64_t offset; // within the stub, or within the PDU
    size_t size;     // octets that are wrong; 0: not known, missing, or the call as a whole
    bool pdu;
    bool response; // not of a PDU: within the response's stub, else the request's
    char field[128];
    const char *section;
    const struct rule *rule; // NULL: of a decoder
    cmrp_code code;          // of a decoder's finding, where it has one
    uint64_t number;         // of a rule's finding (rules_finding)
    char message[256];       // what is wrong, without the rule's advice
};

struct replay_side {
    bool decoded;
    cmrp_view stub;    // whole and in clear; else size 0
    cmrp_view trailer; // the verification trailer [MS-RPCE 2.2.2.13]; size 0: none
    cmrp_stub_format format;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    uint64_t batch_count; // commands of its batch, which was read from end to end; 0: there is none
    bool batch_alike;     // all of them set values, of types that are listed
};

struct replay_call {
    const struct assoc_call *call;
    enum replay_state state;
    const char *name;          // of the opnum; NULL: the interface has none, or it is not known
    const cmrp_method *method; // NULL: the opnum is not described, or not known
    bool known_syntax;
    cmrp_syntax syntax;
    const char *why; // of a call that is undecoded without a finding; else NULL
    struct replay_side request;
    struct replay_side response;
    struct replay_finding findings[REPLAY_FINDINGS];
    size_t finding_count;
    size_t more_findings; // not kept
};

struct replay_bind {
    const struct assoc_bind *bind;
    const struct replay_finding *findings; // of rules
    size_t finding_count;
};

// ---- looking on ---------------------------------------------------------------------------------

// The ends of a connection or conversation, as octets and as text ("192.0.2.1:135").
struct replay_peers {
    struct rules_peers ends;
    const char *client;
    const char *server;
    int direction; // in which the client sends
};

// Appends what a bind offers, and with `results` what its answer makes of it: "context 0: clusapi
// 3.0 in NDR 2.0 accepted".
void replay_show_contexts(struct buffer *out, const struct assoc_bind *bind, bool results);

// Sees what the records are made of, whatever is printed; with `opnum` not -1 only what passes that
// filter. Every callback may be NULL. Pointers are valid during the call only, but for those of
// decoded sides to descriptions, and those to rules.
struct replay_observer {
    void *context;
    void (*bind)(void *context, const struct replay_peers *peers, const struct replay_bind *bind);
    void (*call)(void *context, const struct replay_peers *peers, const struct replay_call *call);
    void (*gap)(void *context, const struct replay_peers *peers, const struct assoc_loss *loss);
    // peers is NULL where the note concerns the whole capture.
    void (*note)(void *context, const struct replay_peers *peers, const char *code,
                 const char *text, const struct assoc_stamp *stamp);
    // The finding of a rule was taken back: what was lost before it shows only now. Records that
    // were written have it all the same.
    void (*withdrawn)(void *context, uint64_t number);
    // At the end, with `rules` set: who was judged and how often (rules_party_at).
    void (*judged)(void *context, const struct rules *rules);
};

// ---- a run --------------------------------------------------------------------------------------

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
    bool rules;    // judge calls and binds: findings of rules join those of the decoders
    // Bounds of `rules`. With `complete` the capture is read twice, so that it must be a file: the
    // first time to see whether it may be complete, else rules that need that are not applied, and
    // the note "rules-incomplete" says so.
    struct rules_limits rule_limits;
    const struct replay_observer *observer; // may be NULL
    // Receives one record, its line feed included. Returns false to stop: nothing more can be
    // written.
    bool (*write)(void *context, const char *text, size_t size);
    // Called now and then; may be NULL.
    void (*progress)(void *context, const struct replay_result *so_far);
    // Asked after every packet whether to stop here (CAPTURE_STOPPED); may be NULL.
    bool (*interrupted)(void *context);
    void *context;
};

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
