// SPDX-License-Identifier: Apache-2.0
// A walk through the registry, one call after the other.
#include "watch/prime.h"

#include <stdlib.h>
#include <utlist.h>

enum {
    KEY_READ = 0x20019,
    ERROR_MORE_DATA = 234,
    ERROR_NO_MORE_ITEMS = 259,
    VALUE_SIZE = 4096, // a response is as long as what is asked for; larger values are left out
    MOST_VALUES = 4096,
    MOST_KEYS = 4096,
    MOST_TIME = 2000, // milliseconds
};

// A key that is to be read.
struct place {
    struct place *prev, *next;
    struct watch_text path;
};

struct walk {
    struct watch_priming options;
    struct place *places; // the first one is being read
    uint8_t key[CMRP_HANDLE_SIZE];
    bool opened;
    bool partial; // something could not be read
    uint32_t index;
    size_t values, keys;
    uint64_t until;
};

static void ask_value(struct walk *walk);
static void ask_key(struct walk *walk);
static void open_place(struct walk *walk);

// ---- places -------------------------------------------------------------------------------------

static void add_place(struct walk *walk, const struct watch_text *above, const cmrp_slot *name) {
    struct place *place = util_alloc(sizeof *place);
    place->path.order = CMRP_LITTLE_ENDIAN;
    if (above != NULL && above->units.size > 0) {
        static const uint8_t separator[] = {'\\', 0};
        buffer_append(&place->path.units, above->units.data, above->units.size);
        buffer_append(&place->path.units, separator, sizeof separator);
    }
    for (size_t i = 0; name != NULL && i + 1 < name->bytes.size; i += 2) {
        const uint16_t unit = cmrp_load_u16(name->bytes.data + i, name->order);
        cmrp_store(buffer_extend(&place->path.units, 2), 2, unit, CMRP_LITTLE_ENDIAN);
    }
    DL_APPEND(walk->places, place);
    walk->keys++;
}

static void drop_place(struct walk *walk) {
    struct place *place = walk->places;
    DL_DELETE(walk->places, place);
    buffer_free(&place->path.units);
    free(place);
}

static void finish(struct walk *walk, const struct method_reply *lost) {
    const struct watch_priming options = walk->options;
    const bool complete = !walk->partial && walk->places == NULL && lost == NULL;
    while (walk->places != NULL) {
        drop_place(walk);
    }
    free(walk);
    options.done(options.context, complete, lost);
}

// ---- one key ------------------------------------------------------------------------------------

static void ignore(void *context, const struct method_reply *reply) {
    (void)context;
    (void)reply;
}

static void next_place(struct walk *walk) {
    if (walk->opened) {
        struct method_call *call = method_call_create("ApiCloseKey");
        method_call_handle(call, "pKey", walk->key);
        method_call_send(walk->options.client, call, 0, ignore, NULL);
        walk->opened = false;
    }
    drop_place(walk);
    if (walk->places == NULL || walk->values >= MOST_VALUES ||
        uv_now(walk->options.loop) >= walk->until) {
        finish(walk, NULL);
    } else {
        open_place(walk);
    }
}

static const uint8_t *key_of(const struct walk *walk) {
    return walk->opened ? walk->key : walk->options.key;
}

static void learn(struct walk *walk, const struct method_reply *reply) {
    const cmrp_slot *name = method_reply_slot(reply, "lpValueName");
    const cmrp_slot *data = method_reply_slot(reply, "lpData");
    struct watch_text text = {.order = CMRP_LITTLE_ENDIAN};
    struct watch_value value = {.known = reply->status == 0,
                                .type = (uint32_t)method_reply_number(reply, "lpType")};
    if (name->null) {
        walk->partial = true;
        return;
    }
    text.order = name->order;
    buffer_append(&text.units, name->bytes.data, name->bytes.size);
    if (value.known) {
        buffer_append(&value.data, data->bytes.data, data->bytes.size);
    }
    walk->options.learn(walk->options.context, &walk->places->path, &text, &value);
    walk->values++;
    buffer_free(&text.units);
    watch_value_free(&value);
}

static void on_value(void *context, const struct method_reply *reply) {
    struct walk *walk = context;
    if (!reply->answered && !reply->fault) {
        finish(walk, reply);
        return;
    }
    const bool goes_on =
        reply->answered && (reply->status == 0 || reply->status == ERROR_MORE_DATA);
    if (goes_on) {
        learn(walk, reply);
    } else if (!reply->answered || reply->status != ERROR_NO_MORE_ITEMS) {
        walk->partial = true;
    }
    walk->index = goes_on ? walk->index + 1 : 0;
    if (goes_on && walk->values < MOST_VALUES) {
        ask_value(walk);
    } else {
        ask_key(walk);
    }
}

static void ask_value(struct walk *walk) {
    struct method_call *call = method_call_create("ApiEnumValue");
    method_call_handle(call, "hKey", key_of(walk));
    method_call_number(call, "dwIndex", walk->index);
    method_call_number(call, "lpcbData", VALUE_SIZE);
    method_call_send(walk->options.client, call, 0, on_value, walk);
}

static void on_key(void *context, const struct method_reply *reply) {
    struct walk *walk = context;
    if (!reply->answered && !reply->fault) {
        finish(walk, reply);
        return;
    }
    const cmrp_slot *name = method_reply_slot(reply, "KeyName");
    if (reply->answered && reply->status == 0 && !name->null && walk->keys < MOST_KEYS) {
        add_place(walk, &walk->places->path, name);
        walk->index++;
        ask_key(walk);
    } else {
        walk->partial |= !reply->answered || reply->status != ERROR_NO_MORE_ITEMS;
        next_place(walk);
    }
}

static void ask_key(struct walk *walk) {
    struct method_call *call = method_call_create("ApiEnumKey");
    method_call_handle(call, "hKey", key_of(walk));
    method_call_number(call, "dwIndex", walk->index);
    method_call_send(walk->options.client, call, 0, on_key, walk);
}

// ---- all keys -----------------------------------------------------------------------------------

static void on_opened(void *context, const struct method_reply *reply) {
    struct walk *walk = context;
    if (!reply->answered && !reply->fault) {
        finish(walk, reply);
    } else if (reply->answered && reply->status == 0) {
        method_reply_handle(reply, "return", walk->key);
        walk->opened = true;
        walk->index = 0;
        ask_value(walk);
    } else {
        walk->partial = true; // deleted meanwhile, or not for us
        next_place(walk);
    }
}

static void open_place(struct walk *walk) {
    const struct watch_text *path = &walk->places->path;
    if (path->units.size == 0) {
        ask_value(walk);
        return;
    }
    struct method_call *call = method_call_create("ApiOpenKey");
    method_call_handle(call, "hKey", walk->options.key);
    method_call_units(call, "lpSubKey", buffer_view(&path->units), path->order);
    method_call_number(call, "samDesired", KEY_READ);
    method_call_send(walk->options.client, call, 0, on_opened, walk);
}

void watch_prime(const struct watch_priming *options) {
    struct walk *walk = util_alloc(sizeof *walk);
    walk->options = *options;
    walk->until = uv_now(options->loop) + MOST_TIME;
    add_place(walk, NULL, NULL);
    open_place(walk);
}
