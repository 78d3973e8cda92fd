// SPDX-License-Identifier: Apache-2.0
// Does what two programs say to each other keep the specification? Calls in, findings out.
//
// A rule is one requirement of the catalogue as code, a row of rules.def. It looks at one call, or
// at the calls of a connection, an association, a handle or a port so far. Nothing here opens,
// reads or prints anything: whoever has calls (a capture, a live run) gives them in the order in
// which they were completed.
//
// A rule that cannot know says nothing. What was lost, sealed, not decoded or not kept for want of
// room may have given handles, registered filters or changed values; after it rules are silent
// where that matters. A rule that could tell counts as checked, whatever it found.
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "assoc/assoc.h"
#include "cmrp/cmrp.h"

// ---- rules --------------------------------------------------------------------------------------

enum rules_role { RULES_CLIENT, RULES_SERVER, RULES_ROLES }; // who is to change something
const char *rules_role_name(enum rules_role role);

struct rule {
    const char *name;        // "key-handle-unknown"
    const char *requirement; // "CMRP-G-008"
    bool must;               // MUST; else SHOULD
    enum rules_role role;
    const char *section; // "MS-CMRP 3.1.4.2.30"
    const char *advice;  // one sentence: what to change
    bool complete;       // applied only with rules_limits.complete
};

size_t rules_count(void);
// By index below rules_count.
const struct rule *rules_at(size_t index);
// The index, or rules_count where there is no such rule.
size_t rules_named(const char *name);

// ---- what is judged -----------------------------------------------------------------------------

enum { RULES_ADDRESS = 16 };

// One end of a connection. Octets are compared, not shown.
struct rules_end {
    uint8_t address[RULES_ADDRESS]; // network order; an IPv4 address in the first four
    uint16_t port;                  // host order
    uint8_t family;                 // 4 or 6
};

// A connection, or a conversation over datagrams.
struct rules_peers {
    uint64_t connection; // unique as long as it is open
    struct rules_end client;
    struct rules_end server;
    bool whole; // seen from its first octet on
};

// A stub of a call.
struct rules_side {
    bool decoded;
    cmrp_view stub;
    cmrp_stub_format format; // decoded
    const cmrp_slot *slots;  // decoded: one for each parameter, offsets from the stub's first octet
    uint64_t batch_count;    // commands of its batch, which was read from end to end; 0: it was not
    bool batch_alike;        // and all of them are SET_VALUE, of types that ApiSetValue takes
};

struct rules_call {
    const struct assoc_call *call;
    const cmrp_method *method; // NULL: the opnum is not described, or not known
    struct rules_side request;
    struct rules_side response;
    cmrp_code refused; // why the request's stub cannot be decoded; CMRP_OK: it was, or is not known
};

// ---- what comes out -----------------------------------------------------------------------------

// What a finding's offset counts in.
enum rules_place {
    RULES_REQUEST,  // octets of the request's stub
    RULES_RESPONSE, // of the response's
    RULES_PDU,      // of the PDU in this frame
};

struct rules_finding {
    uint64_t number; // from 1
    size_t rule;
    const struct rules_peers *peers;
    const struct rules_call *call; // NULL: of a bind
    enum rules_place place;
    uint64_t frame;
    uint64_t offset;
    size_t size; // octets that are wrong; 0: something is missing, or the call as a whole
    char field[128];
    char message[256]; // what is wrong, without the advice
};

struct rules_events {
    void *context;
    void (*finding)(void *context, const struct rules_finding *finding);
    // The finding of this number is taken back, from the counts, too: something had been lost
    // before it that showed only now.
    void (*withdrawn)(void *context, size_t rule, uint64_t number);
    // Something that limits what rules know from here on, once a kind: code "rules-limit".
    void (*note)(void *context, const char *code, const char *text,
                 const struct assoc_stamp *stamp);
};

// Bounds on what is remembered. 0 takes the default.
struct rules_limits {
    // Handles, open or closed. Default 262,144, at about 200 octets each: a busy cluster's for
    // hours. The one closed longest ago makes room, then the one opened longest ago, whose
    // association is then blind.
    size_t handles;
    // Filters of ports, values of keys, batches not yet notified. Default 262,144.
    size_t records;
    // Implementations counted apart, and servers told apart. Default 4,096; more are counted
    // together, and nothing is said of their handles.
    size_t parties;
    // The capture holds every call that its server received, and nothing else changes what is in
    // its registry: rules may conclude from what was not seen. Off, rules marked `complete` are
    // silent. With more than one server, or where anything is lost, they fall silent, too.
    bool complete;
};

// ---- judging ------------------------------------------------------------------------------------

struct rules;

// limits may be NULL; events is copied. Free with rules_destroy.
struct rules *rules_create(const struct rules_limits *limits, const struct rules_events *events);
void rules_destroy(struct rules *rules);

void rules_bind(struct rules *rules, const struct rules_peers *peers,
                const struct assoc_bind *bind);
// A request is whole: its call is under way until rules_call is told of it. What a call under way
// may have done already is no order that could be broken.
void rules_request(struct rules *rules, const struct rules_peers *peers,
                   const struct assoc_call *call);
void rules_call(struct rules *rules, const struct rules_peers *peers,
                const struct rules_call *call);
// Octets, or calls, of this connection are not known, from frame `since` on: the last one of which
// they are known to come behind, 0 if there is none. What was concluded since from the state of the
// association is taken back.
void rules_blind(struct rules *rules, const struct rules_peers *peers, uint64_t since);
// Octets are missing of a connection of which it is not known what it carries: it may be one of an
// association of this client with this server.
void rules_doubt(struct rules *rules, const struct rules_end *client,
                 const struct rules_end *server, uint64_t since);
// With rules_limits.complete: whether all that was seen so far bears it out.
bool rules_whole(const struct rules *rules);
// The connection has ended.
void rules_close(struct rules *rules, const struct rules_peers *peers);

// ---- counts -------------------------------------------------------------------------------------

// An implementation in one role.
struct rules_party {
    struct rules_end end; // port 0
    enum rules_role role;
    bool others; // all for which there was no room
    uint64_t calls;
    const uint64_t *checked;  // for each rule
    const uint64_t *findings; // for each rule
};

// The parties in order of appearance; false past the last.
bool rules_party_at(const struct rules *rules, size_t index, struct rules_party *party);

#endif
