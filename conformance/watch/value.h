// SPDX-License-Identifier: Apache-2.0
// Registry values: reads what a changed value is now, and remembers what it was when it was read
// last. [MS-CMRP 3.1.4.2.31, 3.1.4.2.35]
#ifndef WATCH_VALUE_H
#define WATCH_VALUE_H

#include "rpc/client.h"
#include "watch/event.h"

struct watch_values;

// `done` is called for each event that was given to watch_values_read, in order; if it tells of a
// value, with old and new set as far as they are known.
struct watch_values *watch_values_create(void (*done)(void *context, struct watch_event *event),
                                         void *context);
void watch_values_free(struct watch_values *values); // after watch_values_stop

// Takes an event about the registry: reads the value that it names, below `key`, over `client`. It
// stays the caller's, and must live until done is called for it.
void watch_values_read(struct watch_values *values, struct rpc_client *client,
                       const uint8_t key[CMRP_HANDLE_SIZE], struct watch_event *event);
// What a value is before it is watched.
void watch_values_learn(struct watch_values *values, const struct watch_text *key,
                        const struct watch_text *name, const struct watch_value *value);
// Whether all values were learned: then others are known not to be there.
void watch_values_complete(struct watch_values *values, bool complete);
// What is not read yet will not be: it is done now. The client may be closed afterwards.
void watch_values_stop(struct watch_values *values);
// The connection was lost: what was read long ago may have changed since without a word.
void watch_values_forget(struct watch_values *values);

#endif
