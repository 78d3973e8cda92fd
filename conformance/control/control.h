// SPDX-License-Identifier: Apache-2.0
// Commands that change the reference cluster from outside of its protocol: what an administrator,
// a power cut or a script of a test does to it. One JSON object asks, one answers; docs/control.md
// describes both. No socket: see control/socket.h.
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <jansson.h>

#include "cluster/cluster.h"

enum { CONTROL_WORDS = 64 }; // of a command

// Whom commands are for; outlives what it is given to. status and stop may be NULL: those commands
// are then refused.
struct control {
    struct cluster *cluster;
    void *context;
    json_t *(*status)(void *context); // a new object: numbers of the server
    void (*stop)(void *context);      // asks the server to end; returns before it does
};

// The answer to a request, a new object with "result" or "error", and "id" where the request has
// one. A command that fails has changed nothing. Never NULL. Answers and errors: docs/control.md.
json_t *control_perform(const struct control *control, const json_t *request);
// The same for a line of text, which may be anything.
json_t *control_perform_line(const struct control *control, const char *line, size_t size);

// The commands in the order of the help; NULL behind the last.
struct control_command {
    const char *name;
    const char *words; // "group|resource NAME"; further forms on lines of their own
    const char *about;
    unsigned least, most; // words behind the name
};
const struct control_command *control_command_at(size_t index);

#endif
