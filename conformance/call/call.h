// SPDX-License-Identifier: Apache-2.0
// Calls of a live server, as a script of steps in JSON (docs/call.md): one method after another,
// with handles that earlier calls have returned. [MS-CMRP 3.2.4]
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include <jansson.h>

#include "rpc/client.h"
#include "util/outcome.h"

struct call_options {
    struct rpc_client_options client; // its interface is set here
    uint32_t seconds;                 // that a call, or a wait for one, may take; 0: 30
    bool json;                        // a JSON object for each call, else text
    bool verbose;                     // text: every parameter
    bool colour;
    bool ascii; // JSON without other characters
    void *context;
    // What is to be printed: whole lines.
    void (*write)(void *context, const char *text, size_t size);
};

struct call_script;

// Steps: an array of objects. Handles that are needed and not given are opened by steps that are
// put in between. NULL with *error (free() it): the number of the step and what is wrong with it.
struct call_script *call_script_create(const json_t *steps, char **error);
// The same from text: a JSON array, or an object a line, with # comments.
struct call_script *call_script_read(const char *text, size_t size, char **error);
void call_script_free(struct call_script *script); // NULL is allowed

// Runs the steps, until one fails: a status or fault that it does not expect, parameters that
// cannot be encoded, a response that cannot be decoded (OUTCOME_FINDINGS); a server that cannot be
// reached or does not answer (OUTCOME_UNREACHED). Then *error (free() it) says what and where.
enum outcome call_run(struct call_script *script, const struct call_options *options, char **error);

#endif
