// SPDX-License-Identifier: Apache-2.0
// What a port has told: a notification of either version, or a batch. Copies, for they wait in a
// queue until what belongs to them is read.
#ifndef WATCH_EVENT_H
#define WATCH_EVENT_H

#include <time.h>

#include "cmrp/method.h"
#include "rpc/method_call.h"
#include "util/buffer.h"

enum watch_kind {
    WATCH_V2,    // an element of ApiGetNotifyV2's Notifications
    WATCH_V1,    // what ApiGetNotify returned
    WATCH_BATCH, // what ApiGetBatchNotification returned
};

// UTF-16 as it came; a NULL pointer has no octets.
struct watch_text {
    bool null;
    cmrp_order order;
    struct buffer units;
};

// A registry value as it was read; not known: neither before nor now.
struct watch_value {
    bool known;
    bool absent; // there is no value of this name
    uint32_t type;
    struct buffer data;
};

struct watch_event {
    struct watch_event *prev, *next;    // in the order in which they came
    struct watch_event *before, *after; // of those whose values are being read
    enum watch_kind kind;
    struct timespec time; // when it came
    uint64_t key;         // dwNotifyKey
    uint32_t object_type; // WATCH_V2
    uint64_t flags;       // WATCH_V2: FilterFlags; WATCH_V1: dwFilter
    uint32_t sequence;    // WATCH_V1: dwStateSequence
    struct watch_text name, object_id, parent_id, type;
    struct buffer octets; // WATCH_V2: the payload; WATCH_BATCH: the batch
    bool complete;        // may be shown
    bool has_value;       // a change of a registry value: old and new
    struct watch_value old, new;
};

void watch_event_free(struct watch_event *event);
void watch_value_free(struct watch_value *value); // what it holds, not itself
// Replaces what *to holds.
void watch_value_copy(struct watch_value *to, const struct watch_value *from);

// A new event, now, of copies: from the members of NOTIFICATION_RPC; from the reply of
// ApiGetNotify; of ApiGetBatchNotification. Freed by watch_event_free.
struct watch_event *watch_event_v2(const cmrp_struct *type, const cmrp_slot *members);
struct watch_event *watch_event_v1(const struct method_reply *reply);
struct watch_event *watch_event_batch(const struct method_reply *reply);

// Whether it is about the registry, and says that a value has changed or is gone; that a key is new
// or gone.
bool watch_event_is_registry(const struct watch_event *event);
bool watch_event_tells_value(const struct watch_event *event);
bool watch_event_tells_key(const struct watch_event *event);

#endif
