// SPDX-License-Identifier: Apache-2.0
// Stubs, a parameter a line. Walks the method's description; nothing here knows a method.
#include <string.h>

#include "cmrp/payload.h"
#include "show/parts.h"
#include "util/hex.h"

const cmrp_change_set *show_set_of(const cmrp_param *param, const cmrp_slot *slot,
                                   uint64_t *object_type) {
    if (param->meaning == CMRP_MEANS_OBJECT_TYPE) {
        *object_type = slot->value;
    }
    return cmrp_param_set(param, *object_type);
}

void show_handle(struct buffer *out, const cmrp_param *param, const cmrp_slot *slot,
                 const struct show_options *options) {
    if (options->handle != NULL) {
        options->handle(options->context, out, param->meaning, slot->handle);
    }
    if (options->handle == NULL || options->verbose) {
        buffer_printf(out, "%s", options->handle != NULL ? " " : "");
        hex_append(out, (cmrp_view){slot->handle, CMRP_HANDLE_SIZE});
    }
}

const char *show_last_part(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL ? dot + 1 : name;
}

const char *show_state(unsigned meaning, uint64_t state) {
    // CLUSTER_OBJECT_TYPE_* with CLUSTER_CHANGE_*_STATE_V2, which carry the same values.
    static const struct {
        unsigned meaning;
        uint32_t object_type;
        uint64_t flag;
    } events[] = {
        {CMRP_MEANS_GROUP_STATE, 2, 0x8},        {CMRP_MEANS_RESOURCE_STATE, 3, 0x4},
        {CMRP_MEANS_NETINTERFACE_STATE, 5, 0x8}, {CMRP_MEANS_NETWORK_STATE, 6, 0x8},
        {CMRP_MEANS_NODE_STATE, 7, 0x10},
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i].meaning == meaning) {
            return cmrp_payload_name_of(
                cmrp_payload_row_of(events[i].object_type, events[i].flag)->names, (uint32_t)state);
        }
    }
    return NULL;
}

static void put_plain(struct buffer *out, const cmrp_param *p, uint64_t value) {
    if (p->kind == CMRP_KIND_I32) {
        buffer_printf(out, "%d", (int32_t)(uint32_t)value);
    } else {
        buffer_printf(out, "%llu", (unsigned long long)value);
    }
}

static void put_number(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                       uint64_t *object_type) {
    const unsigned long long value = slot->value;
    switch (p->meaning) {
    case CMRP_MEANS_STATUS:
        buffer_printf(out, "%llu", value);
        if (value != 0 && show_win32((uint32_t)value) != NULL) {
            buffer_printf(out, " %s", show_win32((uint32_t)value));
        }
        break;
    case CMRP_MEANS_BOOL:
        put_plain(out, p, value);
        buffer_printf(out, " %s", value != 0 ? "TRUE" : "FALSE");
        break;
    case CMRP_MEANS_GROUP_STATE:
    case CMRP_MEANS_RESOURCE_STATE:
    case CMRP_MEANS_NODE_STATE:
    case CMRP_MEANS_NETWORK_STATE:
    case CMRP_MEANS_NETINTERFACE_STATE:
        buffer_printf(out, "%llu", value);
        if (show_state(p->meaning, value) != NULL) {
            buffer_printf(out, " %s", show_state(p->meaning, value));
        }
        break;
    case CMRP_MEANS_ACCESS:
    case CMRP_MEANS_CLUSTER_ACCESS: buffer_printf(out, "0x%08llx", value); break;
    case CMRP_MEANS_VALUE_TYPE:
        buffer_printf(out, "%llu", value);
        if (cmrp_reg_type_name((uint32_t)value) != NULL) {
            buffer_printf(out, " %s", cmrp_reg_type_name((uint32_t)value));
        }
        break;
    case CMRP_MEANS_KEY: buffer_printf(out, "%llu (0x%llx)", value, value); break;
    case CMRP_MEANS_CHANGE:
    case CMRP_MEANS_OBJECT_TYPE:
    case CMRP_MEANS_FLAGS:
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS: {
        const cmrp_change_set *set = show_set_of(p, slot, object_type);
        buffer_printf(out, p->meaning == CMRP_MEANS_OBJECT_TYPE ? "%llu" : "0x%llx", value);
        if (set != NULL && cmrp_change_unknown(set, value) != value) {
            buffer_printf(out, " ");
            show_flags(out, set, value, false);
        }
        break;
    }
    default: put_plain(out, p, value);
    }
}

static void put_octets(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                       const struct show_options *options) {
    struct show_options deeper = *options;
    cmrp_error error = {0};
    deeper.indent += 2;
    if (p->meaning != CMRP_MEANS_BATCH) {
        show_octets(out, slot->bytes, options);
        buffer_append(out, "\n", 1);
        return;
    }
    buffer_printf(out, "%zu octets\n", slot->bytes.size);
    if (!show_batch(out, slot->bytes, CMRP_BATCH_STRICT, &deeper, &error)) {
        show_indent(out, &deeper);
        show_complaint(out, &error, options);
        buffer_append(out, "\n", 1);
    }
}

static void put_list(struct buffer *out, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots, const char *prefix,
                     const struct show_options *options);

static void put_rows(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                     const char *prefix, const struct show_options *options) {
    struct buffer name = {0};
    cmrp_rows rows = slot->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    for (uint64_t i = 0; cmrp_rows_next(&rows, members); i++) {
        buffer_clear(&name);
        buffer_printf(&name, "%s%s", prefix, p->name);
        if (p->kind != CMRP_KIND_RECORD) {
            buffer_printf(&name, "[%llu]", (unsigned long long)i);
        }
        buffer_printf(&name, ".");
        put_list(out, rows.type->members, rows.type->count, members, buffer_text(&name), options);
    }
    buffer_free(&name);
}

static void put_param(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                      uint64_t *object_type, const struct show_options *options) {
    if (slot->null) {
        buffer_printf(out, "NULL\n");
        return;
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE: show_handle(out, p, slot, options); break;
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS: show_text(out, slot->bytes, slot->order); break;
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING: put_octets(out, p, slot, options); return;
    default: put_number(out, p, slot, object_type);
    }
    buffer_append(out, "\n", 1);
}

// Columns of the longest name in a list.
static size_t name_width(const cmrp_param *params, size_t count, const cmrp_slot *slots) {
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(params[i].name);
        if (slots[i].present && size > width) {
            width = size;
        }
    }
    return width;
}

// Below the octets of a buffer: what they say, where they say what their event is to.
static void put_payload(struct buffer *out, const cmrp_payload_row *row, const cmrp_slot *slot,
                        const struct show_options *options) {
    struct show_options deeper = *options;
    cmrp_error error = {0};
    deeper.indent += 2;
    if (row != NULL && !slot->null &&
        !show_payload(out, row->object_type, row->flag, slot->bytes, &deeper, &error)) {
        show_indent(out, &deeper);
        show_complaint(out, &error, options);
        buffer_append(out, "\n", 1);
    }
}

static void put_list(struct buffer *out, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots, const char *prefix,
                     const struct show_options *options) {
    const size_t width = strlen(prefix) + name_width(params, count, slots);
    uint64_t object_type = 0;
    for (size_t i = 0; i < count; i++) {
        const cmrp_param *p = &params[i];
        if (!slots[i].present) {
            continue;
        }
        const bool nested = cmrp_param_struct(p) != NULL;
        if (nested && !slots[i].null && (p->kind == CMRP_KIND_RECORD || slots[i].rows.count > 0)) {
            put_rows(out, p, &slots[i], prefix, options);
            continue;
        }
        show_indent(out, options);
        const size_t start = out->size;
        buffer_printf(out, "%s%s", prefix, p->name);
        show_pad(out, start, width);
        buffer_printf(out, "  ");
        if (nested) {
            buffer_printf(out, slots[i].null ? "NULL\n" : "no elements\n");
        } else {
            put_param(out, p, &slots[i], &object_type, options);
        }
        if (p->meaning == CMRP_MEANS_PAYLOAD) {
            put_payload(out, json_payload_row(params, count, slots), &slots[i], options);
        }
    }
}

void show_params(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                 const struct show_options *options) {
    put_list(out, format->method->params, format->method->count, slots, "", options);
}

// ---- a stub by itself ---------------------------------------------------------------------------

struct warned {
    struct buffer lines;
    const struct show_options *options;
};

static void keep_warning(void *context, const cmrp_error *warning) {
    struct warned *w = context;
    show_indent(&w->lines, w->options);
    show_complaint(&w->lines, warning, w->options);
    buffer_append(&w->lines, "\n", 1);
}

bool show_stub(struct buffer *out, const cmrp_stub_format *format, cmrp_view stub,
               const struct show_options *options, cmrp_error *error) {
    cmrp_slot slots[CMRP_MAX_PARAMS];
    struct show_options deeper = *options;
    deeper.indent += 2;
    struct warned w = {.options = &deeper};
    show_indent(out, options);
    show_styled(out, options, SHOW_NAME, "%s", format->method->name);
    buffer_printf(out, " (%u) %s, interface %u, %s, %s\n", format->method->opnum,
                  format->response ? "response" : "request", format->interface,
                  format->syntax == CMRP_NDR64 ? "NDR64" : "NDR",
                  format->order == CMRP_BIG_ENDIAN ? "big-endian" : "little-endian");
    const bool ok = cmrp_stub_decode(format, stub, 0, slots, keep_warning, &w, error);
    show_params(out, format, slots, &deeper);
    buffer_append(out, w.lines.data, w.lines.size);
    buffer_free(&w.lines);
    return ok;
}
