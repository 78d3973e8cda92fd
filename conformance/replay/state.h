// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: run.c glues capture to assoc, decode.c makes sense of a
// call, json.c and text.c write records. Not for other folders.
#ifndef REPLAY_STATE_H
#define REPLAY_STATE_H

#include <stdlib.h>

#include "assoc/datagram.h"
#include "replay/replay.h"
#include "show/handles.h"
#include "show/show.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

struct replay_connection;

struct replay {
    const struct replay_options *options;
    struct replay_result *result;
    struct assoc_memory memory;
    struct replay_connection *connections; // hash table by flow
    struct replay_early *unopened;         // at most REPLAY_UNOPENED, oldest first
    size_t unopened_count;
    struct assoc_datagrams *datagrams;
    struct replay_endpoint *endpoints; // hash table: endpoints of the interface, over TCP
    struct show_handles *handles;
    struct buffer out;   // the record being written
    struct rules *rules; // NULL: nobody judges
    bool whole;          // at the end: rules have seen nothing that shows that calls are missing
    struct replay_call *judged; // whose findings rules are making
    uint64_t conversations;     // over datagrams, so far
    bool started;
    struct capture_stamp start; // of the first octet of any connection
    bool stopped;
};

struct replay_connection {
    struct replay *replay;
    uint64_t flow;    // 0: a conversation over datagrams
    uint64_t id;      // unique among both
    bool whole;       // seen from its first octet on, nothing lost so far
    uint64_t opened;  // frame of the first octet
    uint64_t told[2]; // by direction: frame of the last PDU that something was made of; 0: none yet
    struct rules_peers ends; // as rules know them, of the direction `ends_for` - 1; 0: not yet
    int ends_for;
    struct capture_endpoint endpoint[2];
    char text[2][CAPTURE_ENDPOINT_TEXT];
    struct assoc *assoc; // NULL when it is not DCE/RPC, or connectionless: endpoint[0] asks
    // Notes of the capture, kept until it is known whether it is of this protocol.
    struct replay_early *early; // at most REPLAY_EARLY
    size_t early_count;
    UT_hash_handle hh;
};

enum {
    REPLAY_EARLY = 8,
    REPLAY_UNOPENED = 64, // notes about connections that have carried nothing so far
};

struct replay_early {
    uint64_t flow;
    const char *code;
    char *text;
    struct assoc_stamp stamp;
};

// The direction in which the client sends; the end that sent first while that is not known.
int replay_client(const struct replay_connection *c);

// Events of a call and notes, whatever brought them. c may be NULL for a note.
void replay_on_call(struct replay_connection *c, const struct assoc_call *call);
void replay_on_note(struct replay *r, struct replay_connection *c, const char *code,
                    const char *text, const struct assoc_stamp *stamp);

// ---- rules (rules.c) ----------------------------------------------------------------------------

struct replay_peers replay_peers_of(struct replay_connection *c);
void replay_rules_begin(struct replay *r);
// Tells the observer who was judged.
void replay_rules_end(struct replay *r);
// `findings` receives what is found, as if it were a call's.
void replay_judge_bind(struct replay_connection *c, const struct assoc_bind *bind,
                       struct replay_call *findings);
void replay_judge_request(struct replay_connection *c, const struct assoc_call *call);
void replay_judge_call(struct replay_connection *c, struct replay_call *call);
// Octets of a direction are missing of a connection that may turn out to be of this protocol.
void replay_doubt(struct replay_connection *c, int direction);
void replay_judge_close(struct replay_connection *c);
// Octets or calls of the connection are not known, those of a direction; -1: or of both.
void replay_blind(struct replay_connection *c, int direction);
// Whether all calls are known in spite of it.
bool replay_note_is_harmless(enum assoc_note note);

// datagram.c: the connectionless protocol.
void replay_datagrams_begin(struct replay *r);
void replay_on_datagram(void *context, const struct capture_datagram *datagram,
                        const struct capture_stamp *stamp);
void replay_datagrams_end(struct replay *r);

// ---- without a bind -----------------------------------------------------------------------------

// endpoint.c
void replay_on_mapper(void *context, const struct assoc_call *call);
// The version of the interface that the endpoint mapper has named this connection's server for; 0
// where it has not.
unsigned replay_known_interface(const struct replay_connection *c);
void replay_forget_endpoints(struct replay *r);

// guess.c
void replay_guess(void *context, const struct assoc_call *const *calls, size_t count, bool last,
                  struct assoc_opinion *opinion);

// What the endpoint mapper answered.
struct replay_found {
    const struct assoc_call *call; // ept_map
    unsigned interface;
    const char *protocol; // sequence, such as "ncacn_ip_tcp"; NULL: nothing was found
    char address[CAPTURE_ENDPOINT_TEXT];
    uint32_t status; // where nothing was found
};

// ---- a call, decoded ----------------------------------------------------------------------------

void replay_decode(const struct assoc_call *call, struct replay_call *out);
bool replay_known_syntax(const cmrp_syntax_id *id, cmrp_syntax *syntax);
// Adds a finding that no decoder made; offset within the stub.
void replay_add_finding(struct replay_call *out, bool must, uint64_t frame, uint64_t offset,
                        const char *section, const char *field, const char *message);
// The place of a finding to be written; NULL where it is only counted.
struct replay_finding *replay_next_finding(struct replay_call *out, bool must,
                                           const struct rule *rule);

// verify.c: the verification trailer. Looks for it among the octets from `end` on; the last
// fragment's share of the stub starts at last_at.
bool replay_find_trailer(cmrp_view stub, size_t end, size_t last_at, cmrp_view *trailer);
struct replay_trailer_command {
    unsigned type;
    bool last;         // SEC_VT_COMMAND_END
    bool must_process; // SEC_VT_MUST_PROCESS_COMMAND
    cmrp_view data;
    size_t offset; // within the trailer
    size_t behind; // octets of the trailer that follow
};
// "bitmask", "pcontext", "header2", or NULL.
const char *replay_trailer_command_name(unsigned type);
// Start with *cursor = 0. Returns false at the end, or where a command is cut short.
bool replay_next_trailer_command(cmrp_view trailer, size_t *cursor,
                                 struct replay_trailer_command *command);
// Appends a line for each command.
void replay_show_trailer(struct buffer *out, cmrp_view trailer, const struct show_options *options);
// Adds findings about out->request.trailer.
void replay_check_trailer(struct replay_call *out);
// "ndr", "ndr64", or UUID/version.
void replay_syntax_name(struct buffer *out, const cmrp_syntax_id *id);

// ---- records ------------------------------------------------------------------------------------

void replay_json_call(struct replay_connection *c, const struct replay_call *call);
void replay_json_endpoint(struct replay_connection *c, const struct replay_found *found);
// `findings` is NULL where nobody judged.
void replay_json_bind(struct replay_connection *c, const struct assoc_bind *bind,
                      const struct replay_call *findings);
void replay_json_gap(struct replay_connection *c, const struct assoc_loss *loss);
// c may be NULL: the note concerns the whole capture.
void replay_json_note(struct replay *r, struct replay_connection *c, const char *code,
                      const char *text, const struct assoc_stamp *stamp);

void replay_text_call(struct replay_connection *c, const struct replay_call *call);
void replay_text_endpoint(struct replay_connection *c, const struct replay_found *found);
void replay_text_bind(struct replay_connection *c, const struct assoc_bind *bind,
                      const struct replay_call *findings);
void replay_text_gap(struct replay_connection *c, const struct assoc_loss *loss);
void replay_text_note(struct replay *r, struct replay_connection *c, const char *text,
                      const struct assoc_stamp *stamp);

// Hands replay->out to the caller's write and clears it.
void replay_flush(struct replay *r);

#endif
