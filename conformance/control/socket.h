// SPDX-License-Identifier: Apache-2.0
// The control socket: a Unix stream socket on which each line is a request (control/control.h) and
// each answer a line. Only who may open the socket file (mode 0600) can ask.
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <uv.h>

#include "control/control.h"

struct control_socket;

struct control_socket_options {
    struct control control;
    uint32_t line;    // octets of a request; 0: 16 MiB. A longer one is answered and hung up on
    uint32_t clients; // at a time; 0: 64. Later ones are hung up on
    // A line for people, without a newline; may be NULL.
    void *log_context;
    void (*log)(void *context, const char *text);
};

// Listens at `path`. The socket of a server that is gone is replaced; that of a living one, and any
// other file, is left alone and refused. NULL with *error (free() it).
struct control_socket *control_socket_listen(uv_loop_t *loop, const char *path,
                                             const struct control_socket_options *options,
                                             char **error);
// Hangs up on everybody, and removes the socket file if it is still the one that was made. Answers
// have been sent by then as far as the client takes them at once. The memory goes when the loop has
// run. NULL is allowed.
void control_socket_close(struct control_socket *s);

#endif
