// SPDX-License-Identifier: Apache-2.0
// Parameters as JSON: the shapes of docs/json.md, sections stub and batch. The tests hold them
// against json/, octet by octet.
#include <string.h>

#include "cmrp/batch.h"
#include "replay/writer.h"

enum { KEY_SIZE = 64 }; // of one part of a name; the longest is far shorter

// ---- batches ------------------------------------------------------------------------------------

static void put_named(struct writer *w, const char *name, uint32_t value) {
    if (name != NULL) {
        writer_name(w, name);
    } else {
        writer_number(w, value);
    }
}

static void put_command(struct writer *w, const cmrp_batch_command *c) {
    const cmrp_value_type_use use = cmrp_batch_value_type_use(c->type);
    const bool typed = use == CMRP_VALUE_TYPE_TYPE || use == CMRP_VALUE_TYPE_OLD_TYPE;
    cmrp_view text;
    writer_open(w, '{');
    writer_key(w, "command");
    put_named(w, cmrp_batch_type_name(c->type), c->type);
    writer_key(w, "value_type");
    put_named(w, typed ? cmrp_reg_type_name(c->value_type) : NULL, c->value_type);
    if (cmrp_batch_name_text(c, &text)) {
        writer_key(w, "name");
        writer_utf16(w, text, CMRP_LITTLE_ENDIAN);
    } else {
        writer_key(w, "name_hex");
        writer_hex(w, c->name);
    }
    writer_key(w, "data");
    writer_hex(w, c->data);
    if (c->padding != 0) {
        writer_key(w, "padding");
        writer_hex(w, (cmrp_view){&c->padding, 1});
    }
    writer_key(w, "offset");
    writer_number(w, c->offset);
    writer_close(w, '}');
}

static void put_warning(struct writer *w, const cmrp_error *warning) {
    char text[256];
    writer_open(w, '{');
    writer_key(w, "code");
    writer_string(w, cmrp_code_id(warning->code));
    writer_key(w, "offset");
    writer_number(w, warning->offset);
    writer_key(w, "field");
    cmrp_error_field(warning, text, sizeof text);
    writer_string(w, text);
    writer_key(w, "section");
    writer_string(w, warning->section);
    writer_key(w, "message");
    cmrp_error_message(warning, text, sizeof text);
    writer_string(w, text);
    writer_close(w, '}');
}

// Whether a buffer is a batch, and whether there is anything remarkable about it.
static bool is_batch(cmrp_view bytes, bool *remarkable) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    *remarkable = false;
    if (!cmrp_batch_open(&batch, bytes, 0, CMRP_BATCH_STRICT, &error)) {
        return false;
    }
    while (cmrp_batch_next(&batch, &c)) {
        *remarkable = *remarkable || c.warnings != 0;
    }
    return error.code == CMRP_OK;
}

static void put_batch(struct writer *w, cmrp_view bytes, bool remarkable) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    writer_open(w, '{');
    writer_key(w, "version");
    writer_number(w, 1);
    writer_key(w, "commands");
    writer_open(w, '[');
    (void)cmrp_batch_open(&batch, bytes, 0, CMRP_BATCH_STRICT, &error);
    while (cmrp_batch_next(&batch, &c)) {
        put_command(w, &c);
    }
    writer_close(w, ']');
    if (remarkable) {
        writer_key(w, "warnings");
        writer_open(w, '[');
        (void)cmrp_batch_open(&batch, bytes, 0, CMRP_BATCH_STRICT, &error);
        while (cmrp_batch_next(&batch, &c)) {
            cmrp_error warning;
            unsigned cursor = 0;
            while (cmrp_batch_warning(&c, &cursor, &warning)) {
                put_warning(w, &warning);
            }
        }
        writer_close(w, ']');
    }
    writer_close(w, '}');
}

// ---- values -------------------------------------------------------------------------------------

static void put_text(struct writer *w, const cmrp_slot *slot) {
    if (cmrp_utf16_check(slot->bytes, slot->order) == 0) {
        writer_utf16(w, slot->bytes, slot->order);
        return;
    }
    struct buffer units = {0}; // little-endian whatever the stub's byte order
    for (size_t i = 0; i < slot->bytes.size; i += 2) {
        cmrp_store(buffer_extend(&units, 2), 2, cmrp_load_u16(slot->bytes.data + i, slot->order),
                   CMRP_LITTLE_ENDIAN);
    }
    writer_open(w, '{');
    writer_key(w, "utf16");
    writer_hex(w, buffer_view(&units));
    writer_close(w, '}');
    buffer_free(&units);
}

static void put_octets(struct writer *w, const cmrp_param *p, const cmrp_slot *slot) {
    bool remarkable;
    if (p->meaning == CMRP_MEANS_BATCH && is_batch(slot->bytes, &remarkable)) {
        put_batch(w, slot->bytes, remarkable);
    } else {
        writer_hex(w, slot->bytes);
    }
}

static void put_list(struct writer *w, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots);

static void put_rows(struct writer *w, const cmrp_param *p, const cmrp_slot *slot) {
    cmrp_rows rows = slot->rows;
    cmrp_slot members[CMRP_MAX_PARAMS];
    if (p->kind != CMRP_KIND_RECORD) {
        writer_open(w, '[');
    }
    while (cmrp_rows_next(&rows, members)) {
        put_list(w, rows.type->members, rows.type->count, members);
    }
    if (p->kind != CMRP_KIND_RECORD) {
        writer_close(w, ']');
    }
}

static void put_value(struct writer *w, const cmrp_param *p, const cmrp_slot *slot) {
    if (slot->null) {
        writer_null(w);
        return;
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE: writer_hex(w, (cmrp_view){slot->handle, CMRP_HANDLE_SIZE}); break;
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS: put_text(w, slot); break;
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING: put_octets(w, p, slot); break;
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: put_rows(w, p, slot); break;
    case CMRP_KIND_I32: writer_signed(w, (int32_t)(uint32_t)slot->value); break;
    case CMRP_KIND_U64:
    case CMRP_KIND_WORD: writer_decimal(w, slot->value); break;
    default: writer_number(w, slot->value);
    }
}

// ---- lists of parameters ------------------------------------------------------------------------

static void put_names(struct writer *w, const char *key, const cmrp_change_set *set,
                      uint64_t value) {
    char names[KEY_SIZE + 8];
    const cmrp_change_flag *flag;
    uint32_t cursor = 0;
    const size_t size = strlen(key);
    memcpy(names, key, size);
    memcpy(names + size, "_names", sizeof "_names");
    writer_key(w, names);
    writer_open(w, '[');
    while ((flag = cmrp_change_next(set, value, &cursor)) != NULL) {
        writer_string(w, flag->name);
    }
    writer_close(w, ']');
}

// How much of two dotted names, up to a dot, is the same.
static size_t common_prefix(const char *a, const char *b) {
    size_t common = 0;
    for (size_t i = 0; a[i] != '\0' && a[i] == b[i]; i++) {
        if (a[i] == '.') {
            common = i + 1;
        }
    }
    return common;
}

static void close_parts(struct writer *w, const char *name) {
    while ((name = strchr(name, '.')) != NULL) {
        writer_close(w, '}');
        name++;
    }
}

// Opens the objects of a dotted name; returns its last part.
static const char *open_parts(struct writer *w, const char *name) {
    const char *dot;
    while ((dot = strchr(name, '.')) != NULL) {
        char part[KEY_SIZE] = {0};
        const size_t size = (size_t)(dot - name);
        memcpy(part, name, size < KEY_SIZE ? size : KEY_SIZE - 1);
        writer_key(w, part);
        writer_open(w, '{');
        name = dot + 1;
    }
    return name;
}

// What a buffer says, where it says what its event is to.
static void put_payload(struct writer *w, const cmrp_payload_row *row, const cmrp_slot *slot) {
    json_t *payload = json_payload_value(row, slot);
    if (payload != NULL) {
        writer_key(w, "buffer_payload");
        writer_json(w, payload);
        json_decref(payload);
    }
}

static void put_list(struct writer *w, const cmrp_param *params, size_t count,
                     const cmrp_slot *slots) {
    uint64_t object_type = 0;
    const char *open = ""; // the name whose objects are open: those with the same start follow it
    writer_open(w, '{');
    for (size_t i = 0; i < count; i++) {
        const cmrp_param *p = &params[i];
        if (!slots[i].present) {
            continue;
        }
        const size_t common = common_prefix(open, p->name);
        close_parts(w, open + common);
        const char *key = open_parts(w, p->name + common);
        open = p->name;
        writer_key(w, key);
        put_value(w, p, &slots[i]);
        if (p->meaning == CMRP_MEANS_OBJECT_TYPE) {
            object_type = slots[i].value;
        }
        const cmrp_change_set *set = cmrp_param_set(p, object_type);
        if (set != NULL) {
            put_names(w, key, set, slots[i].value);
        }
        if (p->meaning == CMRP_MEANS_PAYLOAD) {
            put_payload(w, json_payload_row(params, count, slots), &slots[i]);
        }
    }
    close_parts(w, open);
    writer_close(w, '}');
}

void writer_params(struct writer *w, const cmrp_stub_format *format, const cmrp_slot *slots) {
    put_list(w, format->method->params, format->method->count, slots);
}
