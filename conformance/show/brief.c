// SPDX-License-Identifier: Apache-2.0
// Stubs in one line, and the commands and notifications they carry in a line each.
#include <string.h>

#include "show/parts.h"

// A parameter's name as a word in a line: without its Hungarian prefix.
static const char *short_word(const char *name) {
    static const char *const prefixes[] = {"lpsz", "lpw", "lpft", "pdw", "lp", "dw", "cb", "p"};
    name = show_last_part(name);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const size_t size = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], size) == 0 && name[size] >= 'A' && name[size] <= 'Z') {
            return name + size;
        }
    }
    return name;
}

static uint64_t count_commands(cmrp_view blob, bool *readable) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command command;
    *readable = cmrp_batch_open(&batch, blob, 0, CMRP_BATCH_STRICT, &error);
    if (!*readable) {
        return 0;
    }
    while (cmrp_batch_next(&batch, &command)) {
    }
    *readable = error.code == CMRP_OK;
    return batch.count;
}

static void put_batch(struct buffer *out, const cmrp_slot *slot) {
    bool readable;
    if (slot->bytes.size == 0) {
        return; // where a method has failed
    }
    const uint64_t count = count_commands(slot->bytes, &readable);
    buffer_printf(out, "  %llu command%s", (unsigned long long)count, count == 1 ? "" : "s");
    if (!readable) {
        buffer_printf(out, ", then unreadable");
    }
}

static void put_integer(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                        uint64_t *object_type) {
    const unsigned long long value = slot->value;
    switch (p->meaning) {
    case CMRP_MEANS_COUNT: break;
    case CMRP_MEANS_STATUS:
        if (value != 0 && strcmp(p->name, "return") != 0) {
            buffer_printf(out, "  %s ", p->name);
            show_status(out, (uint32_t)value);
        }
        break;
    case CMRP_MEANS_KEY: buffer_printf(out, "  key %llu", value); break;
    case CMRP_MEANS_ACCESS:
    case CMRP_MEANS_CLUSTER_ACCESS:
        buffer_printf(out, "  %s 0x%08llx", short_word(p->name), value);
        break;
    case CMRP_MEANS_VALUE_TYPE:
        if (cmrp_reg_type_name((uint32_t)value) != NULL) {
            buffer_printf(out, "  %s", cmrp_reg_type_name((uint32_t)value));
        } else {
            buffer_printf(out, "  type %llu", value);
        }
        break;
    case CMRP_MEANS_GROUP_STATE:
    case CMRP_MEANS_RESOURCE_STATE:
    case CMRP_MEANS_NODE_STATE:
    case CMRP_MEANS_NETWORK_STATE:
    case CMRP_MEANS_NETINTERFACE_STATE:
        if (show_state(p->meaning, value) != NULL) {
            buffer_printf(out, "  %s", show_state(p->meaning, value));
        } else {
            buffer_printf(out, "  state %llu", value);
        }
        break;
    case CMRP_MEANS_CHANGE:
    case CMRP_MEANS_OBJECT_TYPE:
    case CMRP_MEANS_FLAGS:
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS:
        buffer_printf(out, "  ");
        show_flags(out, show_set_of(p, slot, object_type), value, true);
        break;
    default:
        if (p->kind == CMRP_KIND_I32) {
            buffer_printf(out, "  %s %d", short_word(p->name), (int32_t)(uint32_t)value);
        } else {
            buffer_printf(out, "  %s %llu", short_word(p->name), value);
        }
    }
}

static void put_list(struct buffer *out, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots, const struct show_options *options);

static void put_rows(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                     const struct show_options *options) {
    static const char *const notifications[] = {"notification", "notifications"};
    static const char *const entries[] = {"entry", "entries"};
    cmrp_rows rows = slot->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    if (p->kind != CMRP_KIND_RECORD) {
        const char *const *what = p->kind == CMRP_KIND_ARRAY ? notifications : entries;
        buffer_printf(out, "  %llu %s", (unsigned long long)rows.count, what[rows.count != 1]);
        return;
    }
    // A structure of numbers only says little in one line.
    bool telling = false;
    for (uint32_t i = 0; i < rows.type->count; i++) {
        telling = telling || rows.type->members[i].meaning != CMRP_MEANS_NUMBER;
    }
    if (telling && cmrp_rows_next(&rows, members)) {
        put_list(out, rows.type->members, rows.type->count, members, options);
    }
}

static void put_param(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                      uint64_t *object_type, const struct show_options *options) {
    if (slot->null) {
        return;
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE:
        buffer_printf(out, "  ");
        show_handle(out, p, slot, options);
        break;
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS:
        buffer_printf(out, "  %s ", short_word(p->name));
        show_text(out, slot->bytes, slot->order);
        break;
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING:
        if (p->meaning == CMRP_MEANS_BATCH) {
            put_batch(out, slot);
        } else {
            buffer_printf(out, "  %s ", short_word(p->name));
            show_octets(out, slot->bytes, options);
        }
        break;
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: put_rows(out, p, slot, options); break;
    default: put_integer(out, p, slot, object_type);
    }
}

static void put_list(struct buffer *out, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots, const struct show_options *options) {
    uint64_t object_type = 0;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].present) {
            put_param(out, &params[i], &slots[i], &object_type, options);
        }
    }
}

void show_brief(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                const struct show_options *options) {
    struct show_options brief = *options;
    brief.verbose = false;
    put_list(out, format->method->params, format->method->count, slots, &brief);
}

// ---- items --------------------------------------------------------------------------------------

// In which order the members of an element are told: what happened, to whom, for whom, what more.
static unsigned rank(const cmrp_param *p) {
    enum { EVENT, WHO, KEY, REST };
    switch (p->meaning) {
    case CMRP_MEANS_CHANGE:
    case CMRP_MEANS_OBJECT_TYPE:
    case CMRP_MEANS_FLAGS: return EVENT;
    case CMRP_MEANS_TEXT: return WHO;
    case CMRP_MEANS_KEY: return KEY;
    default: return REST;
    }
}

enum { RANKS = 4 };

// A buffer in the words of its event; false where it says something else.
static bool put_payload(struct buffer *out, const cmrp_param *p, const cmrp_payload_row *row,
                        const cmrp_slot *slot, const struct show_options *options) {
    cmrp_error ignored = {0};
    cmrp_payload payload;
    if (row == NULL || slot->null ||
        !cmrp_payload_decode(row->object_type, row->flag, slot->bytes, 0, &payload, NULL, NULL,
                             &ignored)) {
        return false;
    }
    buffer_printf(out, "  %s ", short_word(p->name));
    show_payload_brief(out, &payload, options);
    return true;
}

static void put_element(struct buffer *out, const cmrp_struct *type, const cmrp_slot *members,
                        const struct show_options *options) {
    struct buffer line = {0};
    for (unsigned r = 0; r < RANKS; r++) {
        uint64_t object_type = 0;
        for (uint32_t i = 0; i < type->count; i++) {
            const cmrp_param *p = &type->members[i];
            if (rank(p) != r ||
                (p->meaning == CMRP_MEANS_PAYLOAD &&
                 put_payload(&line, p, json_payload_row(type->members, type->count, members),
                             &members[i], options))) {
                continue;
            }
            put_param(&line, p, &members[i], &object_type, options);
        }
    }
    show_indent(out, options);
    const size_t skip = line.size >= 2 ? 2 : line.size; // the spaces before the first
    buffer_append(out, line.data + skip, line.size - skip);
    buffer_append(out, "\n", 1);
    buffer_free(&line);
}

static void put_items(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot,
                      const struct show_options *options) {
    cmrp_error error = {0};
    if (p->meaning == CMRP_MEANS_BATCH) {
        (void)show_batch(out, slot->bytes, CMRP_BATCH_STRICT, options, &error);
        return;
    }
    cmrp_rows rows = slot->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    const bool array = p->kind == CMRP_KIND_ARRAY || p->kind == CMRP_KIND_TAIL;
    while (array && cmrp_rows_next(&rows, members)) {
        put_element(out, rows.type, members, options);
    }
    if (p->kind == CMRP_KIND_RECORD && cmrp_rows_next(&rows, members)) {
        const uint32_t last = rows.type->count - 1;
        if (rows.type->members[last].kind == CMRP_KIND_TAIL) {
            put_items(out, &rows.type->members[last], &members[last], options);
        }
    }
}

void show_items(struct buffer *out, const cmrp_stub_format *format, const cmrp_slot *slots,
                const struct show_options *options) {
    for (uint32_t i = 0; i < format->method->count; i++) {
        if (slots[i].present && !slots[i].null) {
            put_items(out, &format->method->params[i], &slots[i], options);
        }
    }
}

bool show_outcome(const cmrp_stub_format *format, const cmrp_slot *slots, uint32_t *status) {
    const cmrp_method *method = format->method;
    bool found = false;
    *status = 0;
    // The return value first: it is the last parameter.
    for (uint32_t n = 0; n < method->count; n++) {
        const uint32_t i = n == 0 ? method->count - 1 : n - 1;
        if (slots[i].present && method->params[i].meaning == CMRP_MEANS_STATUS) {
            found = true;
            if (*status == 0) {
                *status = (uint32_t)slots[i].value;
            }
        }
    }
    return found;
}
