// SPDX-License-Identifier: Apache-2.0
// Watching a cluster: notifications and batches as they come, across lost connections.
// [MS-CMRP 3.2.4.5, 3.2.4.6]
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include "rpc/client.h"
#include "util/outcome.h"
#include "watch/filter.h"

struct watch_options {
    struct rpc_client_options server;
    const char *target; // the server as the user wrote it
    struct watch_filter filter;
    const char *registry; // key of registry notifications, "" for the root; UTF-8
    const char *batches;  // key of the batch port, "" for the root; NULL: none
    bool json;
    bool colour;
    uint64_t count;        // ends after so many notifications and batches; 0: never
    uint64_t milliseconds; // ends after that time; 0: never
};

// Prints to standard output until SIGINT or SIGTERM, the count, the time, or a closed pipe: then
// OUTCOME_OK, OUTCOME_INCOMPLETE where the time came before the count. OUTCOME_UNREACHED where the
// server could not be reached at all or does not do what was asked for, OUTCOME_USAGE where output
// cannot be written.
enum outcome watch_run(const struct watch_options *options);

#endif
