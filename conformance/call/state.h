// SPDX-License-Identifier: Apache-2.0
// A script's steps, for its source files.
#ifndef CALL_STATE_H
#define CALL_STATE_H

#include "call/call.h"
#include "show/handles.h"
#include "json/json.h"

enum step_kind { STEP_CALL, STEP_AWAIT, STEP_CANCEL, STEP_WAIT };

struct step {
    enum step_kind kind;
    size_t number; // as the user counts, from 1
    bool hidden;   // put in between, to open a handle
    char *as;      // its name, or NULL
    // STEP_CALL
    const cmrp_method *method;
    json_t *params;
    bool start;         // do not wait for the answer
    bool any;           // whatever comes of it
    bool expects_fault; // `expected` is that of a fault
    uint32_t expected;
    // STEP_AWAIT, STEP_CANCEL: of which step; STEP_WAIT: how long
    struct step *other;
    double seconds;
    // the run
    struct call_run *run;
    struct rpc_client_call *call; // on its way
    bool done;
    json_t *response; // its parameters, NULL before
    char *failure;    // why it was not sent
    struct buffer request;
    cmrp_syntax syntax;
};

struct call_script {
    struct step *steps;
    size_t count;
};

struct call_run {
    const struct call_options *o;
    struct call_script *script;
    uv_loop_t loop;
    uv_timer_t timer;
    struct rpc_client *client;
    size_t at;
    struct step *awaited; // NULL: a pause, or nothing
    bool over;
    enum outcome outcome;
    char *error;
    struct show_handles *handles;
};

// references.c: the parameters with handles and values of earlier responses in place of "$NAME" and
// "$NAME.PARAMETER". NULL with *error (free() it).
json_t *call_resolve(const struct call_script *script, const struct step *step, char **error);

// show.c: prints what came of a call.
void call_show(struct call_run *run, const struct step *step, const struct rpc_reply *reply,
               const cmrp_slot *slots);

#endif
