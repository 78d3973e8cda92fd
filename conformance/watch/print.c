// SPDX-License-Identifier: Apache-2.0
// Events as text.
#include "watch/print.h"

#include <string.h>

#include "show/show.h"
#include "watch/print_parts.h"

enum { CHANGE_WIDTH = 28, TYPE_WIDTH = 0, DEEPER = 4 };

// ---- parts of a line ----------------------------------------------------------------------------

static void put_time(struct buffer *out, const struct timespec *time,
                     const struct show_options *options) {
    struct tm parts;
    char text[16];
    localtime_r(&time->tv_sec, &parts);
    strftime(text, sizeof text, "%H:%M:%S", &parts);
    show_styled(out, options, SHOW_FAINT, "%s.%03ld", text, time->tv_nsec / 1000000);
    buffer_printf(out, "  ");
}

// "GROUP_STATE" of CLUSTER_CHANGE_GROUP_STATE_V2.
static void put_change(struct buffer *out, const char *name, const struct show_options *options) {
    static const char prefix[] = "CLUSTER_CHANGE_";
    const size_t cut = strncmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    const char *brief = name + cut;
    size_t size = strlen(brief);
    if (size > 3 &&
        (strcmp(brief + size - 3, "_V2") == 0 || strcmp(brief + size - 3, "_v2") == 0)) {
        size -= 3;
    }
    show_styled(out, options, SHOW_NAME, "%-*.*s", CHANGE_WIDTH, (int)size, brief);
}

// What is not one flag that is known.
static void put_flags(struct buffer *out, const struct watch_event *event,
                      const cmrp_change_set *set) {
    if (set != NULL) {
        show_flags(out, set, event->flags, false);
    } else {
        buffer_printf(out, "object type %u, flags 0x%llx", event->object_type,
                      (unsigned long long)event->flags);
    }
}

static void put_text(struct buffer *out, const char *label, const struct watch_text *text) {
    if (!text->null && text->units.size > 0) {
        buffer_printf(out, "  %s", label);
        show_text(out, buffer_view(&text->units), text->order);
    }
}

static void put_value(struct buffer *out, const struct watch_value *value,
                      const struct show_options *options) {
    if (!value->known) {
        buffer_printf(out, "(not known)");
    } else if (value->absent) {
        buffer_printf(out, "(no value)");
    } else {
        const char *name = cmrp_reg_type_name(value->type);
        if (name != NULL) {
            buffer_printf(out, "%s ", name);
        } else {
            buffer_printf(out, "type %u ", value->type);
        }
        show_data(out, value->type, buffer_view(&value->data), options);
    }
}

// ---- notifications ------------------------------------------------------------------------------

static bool is_list(const cmrp_payload *payload) {
    return payload->kind == CMRP_PAYLOAD_PROPERTIES || payload->kind == CMRP_PAYLOAD_SHARED_VOLUMES;
}

// The payload in the line; what does not fit there, or cannot be read, in lines below.
static void put_payload(struct buffer *out, struct buffer *below, const struct watch_event *event,
                        const struct show_options *options) {
    struct show_options deeper = *options;
    cmrp_payload payload;
    cmrp_error error = {0};
    const cmrp_view octets = buffer_view(&event->octets);
    deeper.indent = DEEPER;
    if (!cmrp_payload_decode(event->object_type, event->flags, octets, 0, &payload, NULL, NULL,
                             &error)) {
        buffer_printf(out, "  ");
        show_octets(out, octets, options);
        show_indent(below, &deeper);
        show_complaint(below, &error, &deeper);
        buffer_append(below, "\n", 1);
        return;
    }
    if (payload.kind == CMRP_PAYLOAD_EMPTY ||
        (payload.kind == CMRP_PAYLOAD_OPAQUE && octets.size == 0)) {
        return;
    }
    buffer_printf(out, "  ");
    show_payload_brief(out, &payload, options);
    if (is_list(&payload)) {
        cmrp_error ignored = {0};
        show_payload(below, event->object_type, event->flags, octets, &deeper, &ignored);
    }
}

// A value that changed more than once is read when it may be again what it was.
static bool same_value(const struct watch_value *old, const struct watch_value *new) {
    if (!old->known || !new->known || old->absent != new->absent) {
        return false;
    }
    return old->absent ||
           (old->type == new->type && old->data.size == new->data.size &&
            (old->data.size == 0 || memcmp(old->data.data, new->data.data, old->data.size) == 0));
}

static void put_registry(struct buffer *out, const struct watch_event *event,
                         const struct show_options *options) {
    buffer_append(out, "  ", 2);
    show_text(out, buffer_view(&event->name.units), event->name.order);
    if (event->has_value || event->object_id.units.size > 0) {
        buffer_printf(out, "  value ");
        show_text(out, buffer_view(&event->object_id.units), event->object_id.order);
    }
    if (event->has_value && same_value(&event->old, &event->new)) {
        buffer_printf(out, "  ");
        put_value(out, &event->new, options);
        buffer_printf(out, ", as before when it was read");
    } else if (event->has_value) {
        buffer_printf(out, "  ");
        put_value(out, &event->old, options);
        buffer_printf(out, " -> ");
        put_value(out, &event->new, options);
    }
}

static void put_v2(struct buffer *out, const struct watch_event *event,
                   const struct show_options *options) {
    const cmrp_change_set *set = cmrp_change_set_of_type(event->object_type);
    const cmrp_change_flag *flag = watch_one_flag(set, event->flags);
    struct buffer below = {0};
    if (flag != NULL) {
        put_change(out, flag->name, options);
    } else {
        put_flags(out, event, set);
    }
    if (set != NULL && set == cmrp_change_set_at(CMRP_SET_REGISTRY_V2)) {
        put_registry(out, event, options);
    } else {
        put_text(out, "", &event->name);
    }
    put_payload(out, &below, event, options);
    if (set == NULL || set != cmrp_change_set_at(CMRP_SET_REGISTRY_V2)) {
        put_text(out, "id ", &event->object_id);
        put_text(out, "in ", &event->parent_id);
        put_text(out, "type ", &event->type);
    }
    buffer_append(out, "\n", 1);
    buffer_append(out, below.data, below.size);
    buffer_free(&below);
}

static void put_v1(struct buffer *out, const struct watch_event *event,
                   const struct show_options *options) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const cmrp_change_flag *flag = watch_one_flag(set, event->flags);
    if (flag != NULL) {
        put_change(out, flag->name, options);
    } else {
        put_flags(out, event, set);
    }
    put_text(out, "", &event->name);
    buffer_printf(out, "  state sequence %u\n", event->sequence);
}

// ---- batches ------------------------------------------------------------------------------------

static uint64_t count_commands(cmrp_view octets) {
    cmrp_error ignored = {0};
    cmrp_batch batch;
    cmrp_batch_command command;
    if (!cmrp_batch_open(&batch, octets, 0, CMRP_BATCH_STRICT, &ignored)) {
        return 0;
    }
    while (cmrp_batch_next(&batch, &command)) {
    }
    return batch.count;
}

static void put_batch(struct buffer *out, const struct watch_event *event,
                      const struct watch_style *style, const struct show_options *options) {
    const cmrp_view octets = buffer_view(&event->octets);
    const uint64_t commands = count_commands(octets);
    struct show_options deeper = *options;
    cmrp_error error = {0};
    deeper.indent = DEEPER;
    show_styled(out, options, SHOW_NAME, "%-*s", CHANGE_WIDTH, "BATCH");
    buffer_printf(out, "  \"");
    text_escape(out, style->batches, strlen(style->batches));
    buffer_printf(out, "\"  %llu command%s, %zu octets\n", (unsigned long long)commands,
                  commands == 1 ? "" : "s", octets.size);
    if (!show_batch(out, octets, CMRP_BATCH_STRICT, &deeper, &error)) {
        show_indent(out, &deeper);
        show_complaint(out, &error, &deeper);
        buffer_append(out, "\n", 1);
    }
}

void watch_print(struct buffer *out, const struct watch_event *event,
                 const struct watch_style *style) {
    const struct show_options options = {.colour = style->colour};
    if (style->json) {
        watch_print_json(out, event, style);
        return;
    }
    put_time(out, &event->time, &options);
    switch (event->kind) {
    case WATCH_V2: put_v2(out, event, &options); break;
    case WATCH_V1: put_v1(out, event, &options); break;
    case WATCH_BATCH: put_batch(out, event, style, &options); break;
    }
}
