// SPDX-License-Identifier: Apache-2.0
// The judgement of a capture as plain data: what was checked, what was found, and what happened
// around it. judge_capture makes it; report/ writes it; nothing here prints.
//
// A case is one rule for one party: RULE/ROLE@ADDRESS ("key-handle-unknown/client@192.0.2.1"). Its
// id is stable from run to run, and lines of an xfail file match it. What decoders refuse is the
// case encoding/ROLE@ADDRESS. A rule that never could tell anything makes no case.
//
// Text that comes from a capture is UTF-8 and made safe for terminals already where it is quoted in
// labels; writers make all of it safe for where it goes. Everything belongs to the judgement and
// lives until judgement_free.
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "rules/rules.h"
#include "suite/catalogue.h"
#include "suite/plan.h"
#include "suite/xfail.h"
#include "util/outcome.h"

// X(member, default): how much is kept. What is not kept is counted.
#define JUDGE_LIMITS(X)                                                                            \
    X(case_findings, 100) /* findings of one case */                                               \
    X(findings, 10000)    /* findings */                                                           \
    X(events, 10000)      /* events: the first, then those with findings and what led to them */   \
    X(connections, 4096)                                                                           \
    X(notes, 1000)

struct judge_limits { // 0 takes the default
#define JUDGE_LIMIT(member, standard) size_t member;
    JUDGE_LIMITS(JUDGE_LIMIT)
#undef JUDGE_LIMIT
};

enum { JUDGE_MUST, JUDGE_SHOULD, JUDGE_LEVELS };
const char *judge_level_name(int level); // "MUST", "SHOULD"

enum { JUDGE_CONTEXT = 64 };        // octets kept before and behind what is wrong
#define JUDGE_NONE     ((size_t)-1) // no such index
#define JUDGE_ENCODING "encoding"   // in place of a rule's name

struct judge_time { // since 1970, UTC; of the packet
    int64_t seconds;
    uint32_t nanoseconds;
};

// ---- who ----------------------------------------------------------------------------------------

struct judge_counts {
    size_t cases; // selected
    size_t verdicts[VERDICT_COUNT];
    uint64_t checked; // evaluations of their rules
    uint64_t findings;
};

// An implementation in one role. In order of appearance.
struct judge_party {
    char *address; // "192.0.2.1", "2001:db8::1"; "others" for those that there was no room for
    enum rules_role role;
    uint64_t calls;
    struct judge_counts counts[JUDGE_LEVELS];
};

// A connection, or a conversation over datagrams, that carried the interface.
struct judge_connection {
    char *client; // "192.0.2.1:50000", "[2001:db8::1]:50000"
    char *server;
    size_t parties[RULES_ROLES]; // JUDGE_NONE: the connection has no call and no bind
    bool datagrams;
    uint64_t calls;
    uint64_t first_frame;
};

// ---- what was checked ---------------------------------------------------------------------------

struct judge_case {
    char *id;                // "RULE/ROLE@ADDRESS"
    const struct rule *rule; // NULL: encoding
    const char *name;        // the rule's name, or JUDGE_ENCODING
    const char *requirement; // "CMRP-…"; NULL: encoding
    const char *section;     // "MS-CMRP 3.1.4.2.30"; NULL: encoding (its findings have sections)
    const char *statement;   // of the catalogue; NULL where it is not known
    size_t party;            // index
    int level;               // JUDGE_MUST, JUDGE_SHOULD; encoding: JUDGE_MUST
    uint64_t checked;        // how often the rule could tell; encoding: stubs and PDUs decoded
    uint64_t found;          // findings in all, of the levels asked for
    size_t first_finding;    // of those kept, which follow one another; JUDGE_NONE
    size_t kept;             // findings that are kept
    enum verdict verdict;    // PASS, FAIL, XFAIL, XPASS
    const struct xfail_line *xfail; // the line that applies, or NULL
};

// ---- what was found -----------------------------------------------------------------------------

// Where an offset counts from.
enum judge_place { JUDGE_REQUEST, JUDGE_RESPONSE, JUDGE_PDU };
const char *judge_place_name(enum judge_place place); // "request stub", "response stub", "PDU"

struct judge_finding {
    char *id;                // "CASE#N", N from 1
    size_t of;               // index of its case
    const char *requirement; // NULL: encoding
    int level;               // JUDGE_MUST, JUDGE_SHOULD
    const char *section;
    const char *advice; // one sentence: what to change
    uint64_t frame;     // from 1
    struct judge_time time;
    size_t connection; // index; JUDGE_NONE where there was no room for it
    size_t event;      // the event that it is marked at; JUDGE_NONE where that is not kept
    bool of_call;      // else of a bind: call_id, method and opnum mean nothing
    uint32_t call_id;
    const char *method; // name of the opnum; NULL: there is none
    uint16_t opnum;
    unsigned interface; // version: 2, 3, or what was bound
    const char *syntax; // "ndr", "ndr64"; NULL: another, or not known
    bool little_endian;
    enum judge_place place;
    uint64_t offset; // of the first wrong octet
    size_t size;     // wrong octets; 0: something is missing here, or the whole is meant
    // The octets around, from octets_at on: at most JUDGE_CONTEXT before and behind, and the wrong
    // ones (at most JUDGE_CONTEXT * 4 of them). Empty where they are not known.
    struct buffer octets;
    uint64_t octets_at; // offset of the first of them
    uint64_t whole;     // octets of the stub or PDU in all
    char *field;        // "" where it has no name
    char *message;      // what is wrong, without the advice
};

// ---- what happened ------------------------------------------------------------------------------

enum judge_event_kind {
    JUDGE_EVENT_BIND,  // offer; by the client
    JUDGE_EVENT_BOUND, // its answer
    JUDGE_EVENT_REQUEST,
    JUDGE_EVENT_RESPONSE, // a fault too
    JUDGE_EVENT_GAP,      // octets that are not in the capture
    JUDGE_EVENT_NOTE,
    JUDGE_EVENT_CLOSE,
};

struct judge_event { // in order of frames
    enum judge_event_kind kind;
    uint64_t frame;
    struct judge_time time;
    size_t connection; // index; JUDGE_NONE: of the capture
    bool from_client;  // bind, request, close and gap: who sent, or would have
    bool of_call;      // request, response
    uint32_t call_id;
    const char *method; // or NULL
    char *label; // one line: "ApiAddNotifyKey hNotify notify#1 hKey key#1 …", "fault 0x1c01…"
    size_t findings;   // kept ones that are marked here
    uint64_t left_out; // events of any kind before this one that are not kept
};

struct judge_note {    // what limits the judgement: gaps in knowledge, limits met
    uint64_t frame;    // 0: of the capture as a whole
    size_t connection; // JUDGE_NONE
    char *code;
    char *text;
};

// ---- the whole ----------------------------------------------------------------------------------

struct judgement {
    char *capture; // its name as given
    bool should;   // SHOULDs were judged, too
    bool failed;   // the capture could not be read to its end: `failure` says why
    bool cut;      // … because it is cut off in a packet
    char *failure; // NULL where not failed
    uint64_t packets;
    struct judge_time first, last; // packets of the protocol; 0: there are none
    uint64_t calls;                // by how they ended:
    uint64_t complete, faults, unanswered, sealed, undecoded;
    uint64_t binds;

    struct judge_party *parties;
    size_t party_count;
    struct judge_connection *connections;
    size_t connection_count;
    uint64_t more_connections;
    struct judge_case
        *cases; // selected ones: parties in their order, encoding, then rules in theirs
    size_t case_count;
    struct judge_finding *findings; // by case
    size_t finding_count;
    uint64_t more_findings;     // not kept
    uint64_t unselected_should; // findings of SHOULDs that were not asked for
    struct judge_event *events;
    size_t event_count;
    uint64_t more_events; // behind the last one
    struct judge_note *notes;
    size_t note_count;
    uint64_t more_notes;
    const struct rule **not_exercised; // selected rules that no party was checked against
    size_t not_exercised_count;
    size_t rules; // selected

    struct judge_counts counts[JUDGE_LEVELS]; // all parties
};

// The exit code: OUTCOME_FINDINGS for FAIL and XPASS; OUTCOME_INCOMPLETE for a capture that is cut
// off; OUTCOME_USAGE for one that cannot be read, and where nothing was judged: no case.
enum outcome judgement_outcome(const struct judgement *judgement);
void judgement_free(struct judgement *judgement);

// ---- judging ------------------------------------------------------------------------------------

struct judge_options {
    const char *name;                  // of the capture, as it is to be shown
    const struct catalogue *catalogue; // for statements; may be NULL; must outlive the judgement
    bool should;                       // judge SHOULDs, too
    bool complete; // the capture holds every call of its server (rules_limits.complete)
    // Cases whose id, rule or requirement matches one of these (all, when there are none).
    const char *const *patterns;
    size_t pattern_count;
    const struct xfail *xfail; // may be NULL; must outlive the judgement
    const char *xfail_path;    // for messages
    struct judge_limits limits;
    size_t memory; // octets that all connections together may keep; 0: the default
    // Called now and then; may be NULL.
    void (*progress)(void *context, uint64_t packets);
    // Asked after every packet whether to stop here: what was read is judged, and counts as cut
    // off. May be NULL.
    bool (*interrupted)(void *context);
    void *context;
};

// Reads and judges a capture from an open descriptor, or from memory. Returns false with *error set
// (free it) and nothing to free for what the user has to correct: a pattern or a line of the xfail
// file that matches nothing, patterns that match SHOULDs alone without `should`. Whatever is wrong
// with the capture is in the judgement.
bool judge_descriptor(const struct judge_options *options, int descriptor,
                      struct judgement *judgement, char **error);
bool judge_memory(const struct judge_options *options, cmrp_view octets,
                  struct judgement *judgement, char **error);

#endif
