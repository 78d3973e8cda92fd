// SPDX-License-Identifier: Apache-2.0
// One child process on a libuv loop: lines out, lines in, its standard error kept for later.
//
// The child gets plain pipes and a session and process group of its own, so that a Ctrl-C at the
// terminal does not reach it and killing it takes its own children along. Once it is gone, what
// stays in its group is killed: when it has closed the pipes, or after a grace if it holds them.
#ifndef TESTEE_PROCESS_H
#define TESTEE_PROCESS_H

#include <uv.h>

#include "util/buffer.h"

struct process;

// What the owner is told. No call comes after `ended`.
struct process_handler {
    void *context;
    // A line without its line feed; size is at most the limit.
    void (*line)(void *context, const char *line, size_t size);
    // A line longer than the limit has begun; no line is delivered any more.
    void (*too_long)(void *context);
    // The process closed its standard output a while ago and still runs.
    void (*silent)(void *context);
    // The process is gone and all it wrote was delivered. signal is 0 unless one killed it.
    void (*ended)(void *context, int status, int signal);
};

struct process_limits {
    size_t line;    // octets of a line
    double linger;  // seconds that others may hold the pipes of the process when it is gone
    double silence; // seconds from the end of its output until `silent`
};

// Starts words[0] (looked up in PATH). words must be NULL-terminated. Returns NULL with *error set
// (free it) when it cannot be executed.
struct process *process_start(uv_loop_t *loop, char *const *words,
                              const struct process_limits *limits,
                              const struct process_handler *handler, char **error);

// Queues octets for standard input; what cannot be written is dropped (`ended` will tell).
void process_send(struct process *p, cmrp_view octets);
// Ends standard input once everything queued is written.
void process_close_input(struct process *p);
// Kills the process and its group; lines are not delivered any more. `ended` follows.
void process_kill(struct process *p);

// Its process id, which is also the number of its process group.
pid_t process_id(const struct process *p);

// Appends what the process wrote to standard error since the last call, of much only the last
// lines, and forgets it.
void process_take_errors(struct process *p, struct buffer *out);

// Frees it once `ended` was called (also from within that call).
void process_free(struct process *p);

#endif
