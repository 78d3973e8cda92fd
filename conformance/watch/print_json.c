// SPDX-License-Identifier: Apache-2.0
// Events as JSON, one object a line (docs/schema/watch.json).
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "watch/print_parts.h"
#include "json/json.h"

const cmrp_change_flag *watch_one_flag(const cmrp_change_set *set, uint64_t value) {
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        if (set->flags[i].value == value && (set->flags[i].attributes & CMRP_CHANGE_UNION) == 0) {
            return &set->flags[i];
        }
    }
    return NULL;
}

// ---- makers -------------------------------------------------------------------------------------

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *time_of(const struct timespec *time) {
    struct buffer text = {0};
    text_utc(&text, time->tv_sec, (uint32_t)time->tv_nsec, 6);
    json_t *value = json_string(buffer_text(&text));
    buffer_free(&text);
    return value;
}

static json_t *hex_of(const struct buffer *octets) {
    struct buffer text = {0};
    hex_append(&text, buffer_view(octets));
    json_t *value = json_string(buffer_text(&text));
    buffer_free(&text);
    return value;
}

static json_t *text_of(const struct watch_text *text) {
    return text->null ? json_null() : json_units(buffer_view(&text->units), text->order);
}

static json_t *decimal_of(uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return json_string(text);
}

static json_t *named(const char *name, uint64_t value) {
    return name != NULL ? json_string(name) : json_integer((json_int_t)value);
}

// NULL where it is not known; {} where there is none.
static json_t *value_of(const struct watch_value *value) {
    if (!value->known) {
        return json_null();
    }
    json_t *object = json_object();
    if (!value->absent) {
        set(object, "type", named(cmrp_reg_type_name(value->type), value->type));
        set(object, "data", hex_of(&value->data));
    }
    return object;
}

static void dump(struct buffer *out, json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT);
    buffer_printf(out, "%s\n", text);
    free(text);
    json_decref(object);
}

// ---- events -------------------------------------------------------------------------------------

static void set_payload(json_t *object, const struct watch_event *event) {
    const cmrp_payload_row *row = cmrp_payload_row_of(event->object_type, event->flags);
    const cmrp_slot slot = {.present = true, .bytes = buffer_view(&event->octets)};
    if (row == NULL) {
        return;
    }
    json_t *payload = json_payload_value(row, &slot);
    if (payload != NULL) {
        set(object, "payload", payload);
    }
}

static void set_v2(json_t *object, const struct watch_event *event,
                   const struct watch_style *style) {
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    const cmrp_change_set *changes = cmrp_change_set_of_type(event->object_type);
    const cmrp_change_flag *type = watch_one_flag(types, event->object_type);
    const cmrp_change_flag *flag = watch_one_flag(changes, event->flags);
    const bool registry = changes != NULL && changes == cmrp_change_set_at(CMRP_SET_REGISTRY_V2);
    set(object, "object_type", named(type != NULL ? type->name : NULL, event->object_type));
    set(object, "change", flag != NULL ? json_string(flag->name) : json_null());
    set(object, "flags", decimal_of(event->flags));
    set(object, "name", text_of(&event->name));
    set(object, "object_id", text_of(&event->object_id));
    set(object, "parent_id", text_of(&event->parent_id));
    set(object, "type", text_of(&event->type));
    set(object, "buffer", hex_of(&event->octets));
    set_payload(object, event);
    if (registry) {
        set(object, "registry", json_string(style->registry));
    }
    if (event->has_value) {
        set(object, "old", value_of(&event->old));
        set(object, "new", value_of(&event->new));
    }
}

static void set_v1(json_t *object, const struct watch_event *event) {
    const cmrp_change_set *changes = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const cmrp_change_flag *flag = watch_one_flag(changes, event->flags);
    set(object, "change", flag != NULL ? json_string(flag->name) : json_null());
    set(object, "flags", decimal_of(event->flags));
    set(object, "name", text_of(&event->name));
    set(object, "state_sequence", json_integer(event->sequence));
}

static void set_batch(json_t *object, const struct watch_event *event,
                      const struct watch_style *style) {
    const struct json_selector how = {.type = JSON_TYPE_BATCH, .batch_flags = CMRP_BATCH_STRICT};
    cmrp_error error = {0};
    set(object, "key", json_string(style->batches));
    json_t *batch = json_decode(&how, buffer_view(&event->octets), 0, &error);
    if (batch != NULL) {
        set(object, "batch", batch);
    } else {
        set(object, "data", hex_of(&event->octets));
        set(object, "error", json_error(&error));
    }
}

void watch_print_json(struct buffer *out, const struct watch_event *event,
                      const struct watch_style *style) {
    json_t *object = json_object();
    set(object, "kind", json_string(event->kind == WATCH_BATCH ? "batch" : "notification"));
    set(object, "time", time_of(&event->time));
    if (event->kind == WATCH_BATCH) {
        set_batch(object, event, style);
    } else {
        set(object, "port", json_integer(event->kind == WATCH_V2 ? 2 : 1));
        if (event->kind == WATCH_V2) {
            set_v2(object, event, style);
        } else {
            set_v1(object, event);
        }
    }
    dump(out, object);
}

void watch_print_status(struct buffer *out, const char *code, const char *message) {
    struct timespec now;
    json_t *object = json_object();
    clock_gettime(CLOCK_REALTIME, &now);
    set(object, "kind", json_string("status"));
    set(object, "time", time_of(&now));
    set(object, "status", json_string(code));
    set(object, "message", json_string(message));
    dump(out, object);
}
