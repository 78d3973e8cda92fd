// SPDX-License-Identifier: Apache-2.0
// The running server: the reference cluster and its methods behind sockets, an endpoint mapper and
// a control socket beside it, one libuv loop, and the signals that end it.
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <jansson.h>

#include "cluster/cluster.h"
#include "rpc/server.h"
#include "util/outcome.h"

struct serve_address {
    const char *host; // IPv4 or IPv6, without brackets
    uint16_t port;    // 0: one that is free
};

struct serve_options {
    struct serve_address listen;
    struct serve_address epmap;     // host NULL: no endpoint mapper
    const char *port_file;          // NULL: none. Gets the port, decimal, when everything listens
    const char *control;            // path of the control socket; NULL: none
    struct cluster_options cluster; // context and log are not used
    struct rpc_limits rpc;
    bool verbose; // log what is no warning, too
    void *context;
    // Everything listens: "127.0.0.1:49664", and the endpoint mapper, NULL without one.
    void (*ready)(void *context, const char *listening, const char *epmap);
    // A line for people, without a newline, with nothing unprintable.
    void (*log)(void *context, enum rpc_log_level level, const char *text);
};

// Serves until SIGTERM, SIGINT or the command "stop" of the control socket: then nothing new is
// accepted, calls that wait are answered with what the specification has for a port that is closed,
// and OUTCOME_OK is returned once the answers are sent, or some seconds later. A second signal ends
// the process at once, with OUTCOME_INCOMPLETE. SIGUSR1 logs serve_status as a line.
// *error (free() it) is set where the outcome is another: OUTCOME_USAGE for the seed or the state
// file, OUTCOME_UNREACHED where an address or the control socket cannot be had.
enum outcome serve_run(const struct serve_options *options, char **error);

// Whether an address can be reached from this machine only; *valid: whether it is one.
bool serve_is_loopback(const char *host, bool *valid);

// Limits by name.
struct serve_limit {
    const char *name;
    const char *about;
    uint32_t most;
    uint32_t standard; // the default
};
// NULL behind the last.
const struct serve_limit *serve_limit_at(size_t index);
// false: no such limit, or the value is 0 or above `most`.
bool serve_limit_set(struct serve_options *options, const char *name, uint64_t value);

#endif
