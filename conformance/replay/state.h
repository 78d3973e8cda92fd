// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: run.c glues capture to assoc, decode.c makes sense of a
// call, json.c and text.c write records, handles.c names handles. Not for other folders.
#ifndef REPLAY_STATE_H
#define REPLAY_STATE_H

#include <stdlib.h>

#include "replay/replay.h"
#include "show/show.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

struct replay_connection;
struct replay_handle;

struct replay {
    const struct replay_options *options;
    struct replay_result *result;
    struct assoc_memory memory;
    struct replay_connection *ours; // hash table by flow; those on which the interface was offered
    struct replay_handle *handles;  // hash table
    unsigned handle_counts[CMRP_MEANS_HGENERIC + 1];
    struct buffer out; // the record being written
    bool started;
    struct capture_stamp start; // of the first octet of any connection
    bool stopped;
};

struct replay_connection {
    struct replay *replay;
    uint64_t flow;
    struct capture_endpoint endpoint[2];
    char text[2][CAPTURE_ENDPOINT_TEXT];
    struct assoc *assoc; // NULL when it is not DCE/RPC
    bool listed;         // in replay->ours
    UT_hash_handle hh;
};

// The direction in which the client sends; the end that sent first while that is not known.
int replay_client(const struct replay_connection *c);

// ---- a call, decoded ----------------------------------------------------------------------------

struct replay_finding {
    bool must;
    uint64_t frame;
    uint64_t offset; // within the stub
    char field[128];
    const char *section;
    char message[256];
};

struct replay_side {
    bool decoded;
    cmrp_view stub;
    cmrp_view trailer; // the verification trailer [MS-RPCE 2.2.2.13]; size 0: none
    cmrp_stub_format format;
    cmrp_slot slots[CMRP_MAX_PARAMS];
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

void replay_decode(const struct assoc_call *call, struct replay_call *out);
// "ndr", "ndr64", or UUID/version.
void replay_syntax_name(struct buffer *out, const cmrp_syntax_id *id);

// ---- records ------------------------------------------------------------------------------------

void replay_json_call(struct replay_connection *c, const struct replay_call *call);
void replay_json_bind(struct replay_connection *c, const struct assoc_bind *bind);
void replay_json_gap(struct replay_connection *c, const struct assoc_loss *loss);
// c may be NULL: the note concerns the whole capture.
void replay_json_note(struct replay *r, struct replay_connection *c, const char *code,
                      const char *text, const struct assoc_stamp *stamp);

void replay_text_call(struct replay_connection *c, const struct replay_call *call);
void replay_text_bind(struct replay_connection *c, const struct assoc_bind *bind);
void replay_text_gap(struct replay_connection *c, const struct assoc_loss *loss);
void replay_text_note(struct replay *r, struct replay_connection *c, const char *text,
                      const struct assoc_stamp *stamp);

// Hands replay->out to the caller's write and clears it.
void replay_flush(struct replay *r);

// ---- handles ------------------------------------------------------------------------------------

// Appends the short name of a context handle of a server; names are given in order of appearance.
void replay_name_handle(struct replay *r, const struct capture_endpoint *server, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE], struct buffer *out);
void replay_forget_handles(struct replay *r);

#endif
