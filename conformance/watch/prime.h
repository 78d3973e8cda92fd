// SPDX-License-Identifier: Apache-2.0
// Reads the values of a key and of all that lies below, so that the first change of each can tell
// what it was before. [MS-CMRP 3.1.4.2.32, 3.1.4.2.37]
#ifndef WATCH_PRIME_H
#define WATCH_PRIME_H

#include "rpc/method_call.h"
#include "watch/event.h"

struct watch_priming {
    uv_loop_t *loop;
    struct rpc_client *client;
    uint8_t key[CMRP_HANDLE_SIZE];
    void *context;
    // A value; `key` is the path from the key that is read. Too large a one is not known.
    void (*learn)(void *context, const struct watch_text *key, const struct watch_text *name,
                  const struct watch_value *value);
    // It is over: everything is read (complete), or as much as there was time and room for, or
    // `lost` is the call that was not answered.
    void (*done)(void *context, bool complete, const struct method_reply *lost);
};

// Begins, over the client, with one call at a time; done comes exactly once, later, also where the
// client is closed meanwhile. The options are copied, but not what they point to.
void watch_prime(const struct watch_priming *options);

#endif
