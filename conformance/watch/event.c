// SPDX-License-Identifier: Apache-2.0
#include "watch/event.h"

#include <stdlib.h>
#include <string.h>

void watch_value_free(struct watch_value *value) {
    buffer_free(&value->data);
    *value = (struct watch_value){0};
}

void watch_value_copy(struct watch_value *to, const struct watch_value *from) {
    watch_value_free(to);
    *to = *from;
    to->data = (struct buffer){0};
    buffer_append(&to->data, from->data.data, from->data.size);
}

void watch_event_free(struct watch_event *event) {
    struct watch_text *texts[] = {&event->name, &event->object_id, &event->parent_id, &event->type};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        buffer_free(&texts[i]->units);
    }
    buffer_free(&event->octets);
    watch_value_free(&event->old);
    watch_value_free(&event->new);
    free(event);
}

static struct watch_event *create(enum watch_kind kind) {
    struct watch_event *event = util_alloc(sizeof *event);
    event->kind = kind;
    event->complete = true;
    event->name.null = event->object_id.null = event->parent_id.null = event->type.null = true;
    clock_gettime(CLOCK_REALTIME, &event->time);
    return event;
}

static void copy_text(struct watch_text *text, const cmrp_slot *slot) {
    text->null = slot->null;
    text->order = slot->order;
    if (!slot->null) {
        buffer_append(&text->units, slot->bytes.data, slot->bytes.size);
    }
}

// The member of this name; the last part of it counts.
static const cmrp_slot *member(const cmrp_struct *type, const cmrp_slot *members,
                               const char *name) {
    for (uint32_t i = 0; i < type->count; i++) {
        const char *dot = strrchr(type->members[i].name, '.');
        if (strcmp(dot != NULL ? dot + 1 : type->members[i].name, name) == 0) {
            return &members[i];
        }
    }
    abort(); // the caller has taken another structure
}

struct watch_event *watch_event_v2(const cmrp_struct *type, const cmrp_slot *members) {
    struct watch_event *event = create(WATCH_V2);
    const cmrp_slot *payload = member(type, members, "buffer");
    event->key = member(type, members, "dwNotifyKey")->value;
    event->object_type = (uint32_t)member(type, members, "dwObjectType")->value;
    event->flags = member(type, members, "FilterFlags")->value;
    copy_text(&event->object_id, member(type, members, "ObjectId"));
    copy_text(&event->parent_id, member(type, members, "ParentId"));
    copy_text(&event->name, member(type, members, "Name"));
    copy_text(&event->type, member(type, members, "Type"));
    if (!payload->null) {
        buffer_append(&event->octets, payload->bytes.data, payload->bytes.size);
    }
    return event;
}

struct watch_event *watch_event_v1(const struct method_reply *reply) {
    struct watch_event *event = create(WATCH_V1);
    event->key = method_reply_number(reply, "dwNotifyKey");
    event->flags = method_reply_number(reply, "dwFilter");
    event->sequence = (uint32_t)method_reply_number(reply, "dwStateSequence");
    copy_text(&event->name, method_reply_slot(reply, "Name"));
    return event;
}

struct watch_event *watch_event_batch(const struct method_reply *reply) {
    struct watch_event *event = create(WATCH_BATCH);
    const cmrp_slot *batch = method_reply_slot(reply, "lpData");
    if (!batch->null) {
        buffer_append(&event->octets, batch->bytes.data, batch->bytes.size);
    }
    return event;
}

bool watch_event_is_registry(const struct watch_event *event) {
    return event->kind == WATCH_V2 &&
           event->object_type == cmrp_change_set_at(CMRP_SET_REGISTRY_V2)->object_type;
}

static bool tells(const struct watch_event *event, const char *name) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_REGISTRY_V2);
    return watch_event_is_registry(event) &&
           event->flags == cmrp_change_flag_named(set, name)->value;
}

bool watch_event_tells_value(const struct watch_event *event) {
    return tells(event, "CLUSTER_CHANGE_REGISTRY_VALUE_V2");
}

bool watch_event_tells_key(const struct watch_event *event) {
    return tells(event, "CLUSTER_CHANGE_REGISTRY_NAME_V2");
}
