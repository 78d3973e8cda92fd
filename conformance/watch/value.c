// SPDX-License-Identifier: Apache-2.0
#include "watch/value.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "util/text.h"

enum {
    KEY_QUERY_VALUE = 0x1,
    ERROR_FILE_NOT_FOUND = 2,
    ERROR_MORE_DATA = 234,
    FIRST_SIZE = 1024,       // a response is as long as what is asked for
    MOST_SIZE = 1 << 20,     // larger values stay unread
    MOST_REMEMBERED = 16384, // values; then all are forgotten
    MOST_OCTETS = 64 << 20,  // of them
};

// A value as it was read last; its name is the key's, a NUL, the value's, without regard to case.
struct remembered {
    struct watch_value value;
    UT_hash_handle hh;
    size_t size;
    uint8_t name[];
};

// The reading of one value; outlives it where the client answers late.
struct reading {
    struct watch_values *values; // NULL: nobody waits for it any more
    uint8_t key[CMRP_HANDLE_SIZE];
    bool opened; // key is
};

struct watch_values {
    void (*done)(void *context, struct watch_event *event);
    void *context;
    struct watch_event *queue; // the first one is being read
    struct reading *reading;
    struct rpc_client *client;
    uint8_t root[CMRP_HANDLE_SIZE];
    struct remembered *all;
    size_t octets;
    bool complete; // what is not remembered is not there
};

// ---- what is remembered -------------------------------------------------------------------------

void watch_values_forget(struct watch_values *values) {
    struct remembered *one, *next;
    HASH_ITER(hh, values->all, one, next) {
        HASH_DEL(values->all, one);
        watch_value_free(&one->value);
        free(one);
    }
    values->octets = 0;
    values->complete = false;
}

static void fold_name(struct buffer *out, const struct watch_text *text) {
    struct buffer utf8 = {0};
    text_from_units(&utf8, buffer_view(&text->units), text->order);
    buffer_text(&utf8);
    text_fold(out, (const char *)utf8.data, utf8.size);
    buffer_free(&utf8);
}

// What is remembered of a value, for now perhaps nothing.
static struct remembered *recall(struct watch_values *values, const struct watch_text *key,
                                 const struct watch_text *value_name) {
    struct buffer name = {0};
    struct remembered *one;
    fold_name(&name, key);
    buffer_append(&name, "", 1);
    fold_name(&name, value_name);
    HASH_FIND(hh, values->all, name.data, name.size, one);
    if (one == NULL) {
        if (HASH_COUNT(values->all) >= MOST_REMEMBERED || values->octets > MOST_OCTETS) {
            watch_values_forget(values);
        }
        one = util_alloc(sizeof *one + name.size);
        one->size = name.size;
        one->value.known = one->value.absent = values->complete;
        memcpy(one->name, name.data, name.size);
        HASH_ADD_KEYPTR(hh, values->all, one->name, one->size, one);
    }
    buffer_free(&name);
    return one;
}

static void remember(struct watch_values *values, struct remembered *one,
                     const struct watch_value *value) {
    values->octets -= one->value.data.size;
    watch_value_copy(&one->value, value);
    values->octets += one->value.data.size;
}

void watch_values_learn(struct watch_values *values, const struct watch_text *key,
                        const struct watch_text *name, const struct watch_value *value) {
    remember(values, recall(values, key, name), value);
}

void watch_values_complete(struct watch_values *values, bool complete) {
    values->complete = complete;
}

// A key is new or gone: its values, and those of the keys below, are not what they were.
static void forget_below(struct watch_values *values, const struct watch_text *key) {
    struct buffer name = {0};
    struct remembered *one, *next;
    fold_name(&name, key);
    HASH_ITER(hh, values->all, one, next) {
        const uint8_t *end = one->name + name.size;
        if (one->size > name.size && memcmp(one->name, name.data, name.size) == 0 &&
            (*end == '\0' || *end == '\\')) {
            HASH_DEL(values->all, one);
            values->octets -= one->value.data.size;
            watch_value_free(&one->value);
            free(one);
        }
    }
    buffer_free(&name);
}

// What the value was (into old), and what it is from now on.
static void exchange(struct watch_values *values, struct watch_event *event) {
    struct remembered *one = recall(values, &event->name, &event->object_id);
    watch_value_copy(&event->old, &one->value);
    remember(values, one, &event->new);
}

// ---- reading ------------------------------------------------------------------------------------

static void start_next(struct watch_values *values);

static void ignore(void *context, const struct method_reply *reply) {
    (void)context;
    (void)reply;
}

// The first of the queue is done, whether its value was read or not.
static void finish_first(struct watch_values *values) {
    struct watch_event *event = values->queue;
    DL_DELETE2(values->queue, event, before, after);
    event->complete = true;
    if (watch_event_tells_value(event)) {
        event->has_value = true;
        exchange(values, event);
    } else if (watch_event_tells_key(event)) {
        forget_below(values, &event->name);
    }
    values->done(values->context, event);
}

static void finish_reading(struct reading *reading) {
    struct watch_values *values = reading->values;
    if (reading->opened) {
        struct method_call *call = method_call_create("ApiCloseKey");
        method_call_handle(call, "pKey", reading->key);
        method_call_send(values->client, call, 0, ignore, NULL);
    }
    free(reading);
    values->reading = NULL;
    finish_first(values);
    start_next(values);
}

// Whether the reading goes on; frees it if nobody waits for it.
static bool wanted(struct reading *reading) {
    if (reading->values == NULL) {
        free(reading);
        return false;
    }
    return true;
}

static void query(struct reading *reading, uint32_t size);

static void on_value(void *context, const struct method_reply *reply) {
    struct reading *reading = context;
    const uint32_t required = (uint32_t)method_reply_number(reply, "lpcbRequired");
    if (!wanted(reading)) {
        return;
    }
    if (reply->answered && reply->status == ERROR_MORE_DATA && required > FIRST_SIZE &&
        required <= MOST_SIZE) {
        query(reading, required);
        return;
    }
    struct watch_value *new = &reading->values->queue->new;
    if (reply->answered && reply->status == 0) {
        const cmrp_slot *data = method_reply_slot(reply, "lpData");
        new->known = true;
        new->type = (uint32_t)method_reply_number(reply, "lpValueType");
        // The array is as long as the room that was offered; the value may be shorter.
        buffer_append(&new->data, data->bytes.data,
                      required < data->bytes.size ? required : data->bytes.size);
    } else if (reply->answered && reply->status == ERROR_FILE_NOT_FOUND) {
        new->known = true;
        new->absent = true;
    }
    finish_reading(reading);
}

static void query(struct reading *reading, uint32_t size) {
    const struct watch_values *values = reading->values;
    const struct watch_event *event = values->queue;
    struct method_call *call = method_call_create("ApiQueryValue");
    method_call_handle(call, "hKey", reading->opened ? reading->key : values->root);
    method_call_units(call, "lpValueName", buffer_view(&event->object_id.units),
                      event->object_id.order);
    method_call_number(call, "cbData", size);
    method_call_send(values->client, call, 0, on_value, reading);
}

static void on_key(void *context, const struct method_reply *reply) {
    struct reading *reading = context;
    if (!wanted(reading)) {
        return;
    }
    if (reply->answered && reply->status == 0) {
        method_reply_handle(reply, "return", reading->key);
        reading->opened = true;
        query(reading, FIRST_SIZE);
        return;
    }
    if (reply->answered && reply->status == ERROR_FILE_NOT_FOUND) {
        struct watch_value *new = &reading->values->queue->new;
        new->known = true;
        new->absent = true;
    }
    finish_reading(reading);
}

static void start_next(struct watch_values *values) {
    while (values->reading == NULL && values->queue != NULL &&
           !watch_event_tells_value(values->queue)) {
        finish_first(values); // nothing is to be read
    }
    const struct watch_event *event = values->queue;
    if (values->reading != NULL || event == NULL) {
        return;
    }
    values->reading = util_alloc(sizeof *values->reading);
    values->reading->values = values;
    if (event->name.units.size == 0) {
        query(values->reading, FIRST_SIZE);
        return;
    }
    struct method_call *call = method_call_create("ApiOpenKey");
    method_call_handle(call, "hKey", values->root);
    method_call_units(call, "lpSubKey", buffer_view(&event->name.units), event->name.order);
    method_call_number(call, "samDesired", KEY_QUERY_VALUE);
    method_call_send(values->client, call, 0, on_key, values->reading);
}

void watch_values_read(struct watch_values *values, struct rpc_client *client,
                       const uint8_t key[CMRP_HANDLE_SIZE], struct watch_event *event) {
    values->client = client;
    memcpy(values->root, key, CMRP_HANDLE_SIZE);
    event->complete = false;
    DL_APPEND2(values->queue, event, before, after);
    start_next(values);
}

void watch_values_stop(struct watch_values *values) {
    if (values->reading != NULL) {
        values->reading->values = NULL;
        values->reading = NULL;
    }
    while (values->queue != NULL) {
        finish_first(values);
    }
}

// ---- life ---------------------------------------------------------------------------------------

struct watch_values *watch_values_create(void (*done)(void *context, struct watch_event *event),
                                         void *context) {
    struct watch_values *values = util_alloc(sizeof *values);
    values->done = done;
    values->context = context;
    return values;
}

void watch_values_free(struct watch_values *values) {
    watch_values_forget(values);
    free(values);
}
