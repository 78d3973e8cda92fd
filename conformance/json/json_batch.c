// SPDX-License-Identifier: Apache-2.0
// {"version":1,"commands":[{"command","value_type","name"|"name_hex","data","padding"?}],"trailing"?}
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

// ---- octets to JSON -----------------------------------------------------------------------------

static json_t *named_or_number(const char *name, uint32_t value) {
    return name != NULL ? json_string(name) : json_u32(value);
}

static json_t *value_type(const cmrp_batch_command *c) {
    switch (cmrp_batch_value_type_use(c->type)) {
    case CMRP_VALUE_TYPE_TYPE:
    case CMRP_VALUE_TYPE_OLD_TYPE:
        return named_or_number(cmrp_reg_type_name(c->value_type), c->value_type);
    default: return json_u32(c->value_type);
    }
}

static json_t *command_object(const cmrp_batch_command *c) {
    json_t *object = json_object();
    cmrp_view text;
    json_object_set_new(object, "command", named_or_number(cmrp_batch_type_name(c->type), c->type));
    json_object_set_new(object, "value_type", value_type(c));
    if (cmrp_batch_name_text(c, &text)) {
        json_object_set_new(object, "name", json_text(text, CMRP_LITTLE_ENDIAN));
    } else {
        json_object_set_new(object, "name_hex", json_hex(c->name));
    }
    json_object_set_new(object, "data", json_hex(c->data));
    if (c->pad_missing) {
        json_object_set_new(object, "padding", json_null());
    } else if (c->padding != 0) {
        json_object_set_new(object, "padding", json_hex((cmrp_view){&c->padding, 1}));
    }
    json_object_set_new(object, "offset", json_integer((json_int_t)c->offset));
    return object;
}

json_t *json_batch_decode(cmrp_view bytes, unsigned flags, uint64_t offset, cmrp_error *error) {
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_error warning;
    json_t *commands = json_array();
    json_t *warnings = json_array();
    if (cmrp_batch_open(&batch, bytes, offset, flags, error)) {
        while (cmrp_batch_next(&batch, &c)) {
            unsigned cursor = 0;
            json_array_append_new(commands, command_object(&c));
            while (cmrp_batch_warning(&c, &cursor, &warning)) {
                json_collect_warning(warnings, &warning);
            }
        }
    }
    json_t *object = NULL;
    if (error->code == CMRP_OK) {
        if (cmrp_batch_end_warning(&batch, &warning)) {
            json_collect_warning(warnings, &warning);
        }
        object = json_object();
        json_object_set_new(object, "version", json_integer(1));
        json_object_set(object, "commands", commands);
        if (batch.trailing.size > 0) {
            json_object_set_new(object, "trailing", json_hex(batch.trailing));
        }
        if (json_array_size(warnings) > 0) {
            json_object_set(object, "warnings", warnings);
        }
    }
    json_decref(commands);
    json_decref(warnings);
    return object;
}

// A value of a list, and the comma before all but the first.
static void print_element(json_t *value, bool *comma, size_t dump_flags, FILE *out) {
    fputs(*comma ? "," : "", out);
    json_dumpf(value, out, dump_flags);
    json_decref(value);
    *comma = true;
}

// One pass over a batch that is known to be valid: its commands, or its warnings.
static bool print_pass(cmrp_view bytes, unsigned flags, size_t dump_flags, FILE *out, bool warnings,
                       cmrp_batch *batch) {
    cmrp_error ignored = {0};
    cmrp_error warning;
    cmrp_batch_command c;
    bool comma = false;
    (void)cmrp_batch_open(batch, bytes, 0, flags, &ignored);
    while (cmrp_batch_next(batch, &c)) {
        unsigned cursor = 0;
        if (!warnings) {
            print_element(command_object(&c), &comma, dump_flags, out);
        }
        while (warnings && cmrp_batch_warning(&c, &cursor, &warning)) {
            fputs(comma ? "" : ",\"warnings\":[", out);
            print_element(json_error(&warning), &comma, dump_flags, out);
        }
    }
    if (warnings && cmrp_batch_end_warning(batch, &warning)) {
        fputs(comma ? "" : ",\"warnings\":[", out);
        print_element(json_error(&warning), &comma, dump_flags, out);
    }
    return comma;
}

bool json_batch_print(cmrp_view bytes, unsigned flags, size_t dump_flags, FILE *out,
                      cmrp_error *error) {
    cmrp_batch batch;
    cmrp_batch_command c;
    bool comma = true;
    if (cmrp_batch_open(&batch, bytes, 0, flags, error)) {
        while (cmrp_batch_next(&batch, &c)) {
        }
    }
    if (error->code != CMRP_OK) {
        return false;
    }
    fputs("{\"version\":1,\"commands\":[", out);
    (void)print_pass(bytes, flags, dump_flags, out, false, &batch);
    fputs("]", out);
    if (batch.trailing.size > 0) {
        fputs(",\"trailing\":", out);
        comma = false;
        print_element(json_hex(batch.trailing), &comma, dump_flags | JSON_ENCODE_ANY, out);
    }
    if (print_pass(bytes, flags, dump_flags, out, true, &batch)) {
        fputs("]", out);
    }
    fputs("}", out);
    return true;
}

// ---- JSON to octets -----------------------------------------------------------------------------

// Commands whose names and data lie in one buffer; their views are set once it is complete.
struct writing {
    cmrp_batch_command *commands;
    size_t count;
    struct buffer octets;
    struct buffer trailing;
    unsigned flags;
    struct shape *shape;
};

typedef bool name_lookup(const char *name, uint32_t *value);

// An integer, or a name that `named` knows.
static bool read_named(struct shape *s, const json_t *object, const char *key, name_lookup *named,
                       uint32_t *value) {
    const json_t *item = json_object_get(object, key);
    const size_t mark = shape_mark(s);
    uint64_t number = 0;
    bool ok = true;
    if (item == NULL) {
        return shape_fail(s, "key \"%s\" is missing", key);
    }
    shape_enter_key(s, key);
    if (json_is_string(item)) {
        const char *name = shape_text(item);
        ok = (name != NULL && named(name, value)) || shape_fail(s, "unknown name");
    } else if (shape_integer(s, item, false, UINT32_MAX, &number)) {
        *value = (uint32_t)number;
    } else {
        ok = false;
    }
    shape_leave(s, mark);
    return ok;
}

static bool read_name(struct shape *s, const json_t *object, struct buffer *octets) {
    const json_t *text = json_object_get(object, "name");
    const json_t *raw = json_object_get(object, "name_hex");
    if ((text == NULL) == (raw == NULL)) {
        return shape_fail(s, text == NULL ? "neither name nor name_hex is given"
                                          : "both name and name_hex are given");
    }
    if (raw != NULL) {
        return shape_hex(s, object, "name_hex", true, octets);
    }
    const size_t mark = shape_mark(s);
    shape_enter_key(s, "name");
    const bool ok = shape_utf16(s, text, CMRP_LITTLE_ENDIAN, octets);
    shape_leave(s, mark);
    memset(buffer_extend(octets, 2), 0, 2);
    return ok;
}

static bool read_padding(struct shape *s, const json_t *object, cmrp_batch_command *c) {
    const json_t *padding = json_object_get(object, "padding");
    struct buffer octet = {0};
    if (padding == NULL) {
        return true;
    }
    if (c->data.size % 2 == 0) {
        const cmrp_error error = {
            .code = CMRP_E_PADDING_UNEXPECTED, .field = "Padding", .section = "MS-CMRP 2.2.3.17.1"};
        return shape_codec_fail(s, &error);
    }
    if (json_is_null(padding)) {
        c->pad_missing = true;
        return true;
    }
    bool ok = shape_hex(s, object, "padding", true, &octet);
    if (ok && octet.size != 1) {
        ok = shape_fail(s, "padding is one octet");
    }
    c->padding = ok ? octet.data[0] : 0;
    buffer_free(&octet);
    return ok;
}

static bool read_command(struct shape *s, const json_t *object, struct writing *w) {
    static const char *const keys[] = {"command", "value_type", "name", "name_hex",
                                       "data",    "padding",    NULL};
    cmrp_batch_command *c = &w->commands[w->count];
    if (!shape_object(s, object, keys) ||
        !read_named(s, object, "command", cmrp_batch_type_named, &c->type) ||
        !read_named(s, object, "value_type", cmrp_reg_type_named, &c->value_type)) {
        return false;
    }
    const size_t name_at = w->octets.size;
    if (!read_name(s, object, &w->octets)) {
        return false;
    }
    const size_t data_at = w->octets.size;
    if (!shape_hex(s, object, "data", true, &w->octets)) {
        return false;
    }
    c->name.size = data_at - name_at;
    c->data.size = w->octets.size - data_at;
    return read_padding(s, object, c);
}

static bool read_commands(struct shape *s, const json_t *array, struct writing *w) {
    size_t i;
    json_t *item;
    if (!shape_array(s, array)) {
        return false;
    }
    w->commands = util_alloc(json_array_size(array) * sizeof *w->commands);
    json_array_foreach(array, i, item) {
        const size_t mark = shape_mark(s);
        shape_enter_index(s, i);
        if (!read_command(s, item, w)) {
            return false;
        }
        shape_leave(s, mark);
        w->count++;
    }
    const uint8_t *at = buffer_extend(&w->octets, 0) - w->octets.size;
    for (i = 0; i < w->count; i++) {
        w->commands[i].name.data = at;
        at += w->commands[i].name.size;
        w->commands[i].data.data = at;
        at += w->commands[i].data.size;
    }
    return true;
}

static bool write_batch(void *context, cmrp_writer *writer) {
    const struct writing *w = context;
    cmrp_batch_writer bw;
    bool ok = cmrp_batch_writer_open(&bw, writer, w->flags);
    for (size_t i = 0; ok && i < w->count; i++) {
        ok = cmrp_batch_put(&bw, &w->commands[i]);
        if (!ok) { // the place that json_write is to report
            shape_enter_key(w->shape, "commands");
            shape_enter_index(w->shape, i);
        }
    }
    return ok && cmrp_batch_writer_close(&bw, buffer_view(&w->trailing));
}

bool json_batch_encode(struct shape *s, const json_t *value, unsigned flags, struct buffer *out) {
    static const char *const keys[] = {"version", "commands", "trailing", NULL};
    struct writing w = {.flags = flags, .shape = s};
    uint64_t version = 0;
    bool ok = shape_object(s, value, keys) &&
              shape_u64(s, value, "version", true, UINT32_MAX, &version) &&
              shape_hex(s, value, "trailing", false, &w.trailing);
    if (ok && version != 1) {
        const cmrp_error error = {.code = CMRP_E_VERSION,
                                  .value = version,
                                  .field = "VersionNumber",
                                  .section = "MS-CMRP 2.2.3.17"};
        ok = shape_codec_fail(s, &error);
    }
    if (ok) {
        const size_t mark = shape_mark(s);
        shape_enter_key(s, "commands");
        ok = read_commands(s, json_object_get(value, "commands"), &w);
        if (ok) {
            shape_leave(s, mark);
            ok = json_write(s, write_batch, &w, out);
        }
    }
    free(w.commands);
    buffer_free(&w.octets);
    buffer_free(&w.trailing);
    return ok;
}
