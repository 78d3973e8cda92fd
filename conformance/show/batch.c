// SPDX-License-Identifier: Apache-2.0
// A registry batch: a line for each command, in columns.
#include "show/parts.h"

enum {
    WIDEST_NAME = 40, // columns that names may claim; longer ones push their value to the right
    RAW_INDENT = 4,
};

struct columns {
    size_t offset;
    size_t command;
    size_t type;
    size_t name;
};

static void put_command(struct buffer *out, const cmrp_batch_command *c) {
    const char *name = cmrp_batch_type_name(c->type);
    if (name != NULL) {
        buffer_printf(out, "%s", name);
    } else {
        buffer_printf(out, "command %u", c->type);
    }
}

static void put_type(struct buffer *out, const cmrp_batch_command *c) {
    const char *name = cmrp_reg_type_name(c->value_type);
    switch (cmrp_batch_value_type_use(c->type)) {
    case CMRP_VALUE_TYPE_TYPE:
    case CMRP_VALUE_TYPE_OLD_TYPE:
        if (name != NULL) {
            buffer_printf(out, "%s", name);
        } else {
            buffer_printf(out, "type %u", c->value_type);
        }
        break;
    case CMRP_VALUE_TYPE_STATUS: show_status(out, c->value_type); break;
    case CMRP_VALUE_TYPE_IGNORED:
        if (c->value_type == 0) {
            buffer_printf(out, "-");
            break;
        }
        // fall through
    case CMRP_VALUE_TYPE_OPEN: buffer_printf(out, "type %u", c->value_type); break;
    }
}

static void put_name(struct buffer *out, const cmrp_batch_command *c,
                     const struct show_options *options) {
    cmrp_view text;
    if (cmrp_batch_name_text(c, &text)) {
        show_text(out, text, CMRP_LITTLE_ENDIAN);
    } else {
        buffer_printf(out, "name of ");
        show_octets(out, c->name, options);
    }
}

static void put_data(struct buffer *out, const cmrp_batch_command *c,
                     const struct show_options *options) {
    const cmrp_value_type_use use = cmrp_batch_value_type_use(c->type);
    const bool typed = use == CMRP_VALUE_TYPE_TYPE || use == CMRP_VALUE_TYPE_OLD_TYPE;
    if (typed || c->data.size > 0) {
        buffer_printf(out, "  ");
        show_data(out, typed ? c->value_type : (uint32_t)CMRP_REG_BINARY, c->data, options);
    }
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

// How wide the columns must be for what can be read.
static struct columns measure(cmrp_view blob, unsigned flags, const struct show_options *options) {
    struct columns widths = {0};
    struct buffer cell = {0};
    cmrp_error ignored = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    if (!cmrp_batch_open(&batch, blob, 0, flags, &ignored)) {
        return widths;
    }
    while (cmrp_batch_next(&batch, &c)) {
        buffer_clear(&cell);
        buffer_printf(&cell, "%llu", (unsigned long long)c.offset);
        widths.offset = cell.size; // offsets rise
        buffer_clear(&cell);
        put_command(&cell, &c);
        widths.command = larger(widths.command, cell.size);
        buffer_clear(&cell);
        put_type(&cell, &c);
        widths.type = larger(widths.type, cell.size);
        buffer_clear(&cell);
        put_name(&cell, &c, options);
        const size_t name = show_width(&cell, 0);
        if (name <= WIDEST_NAME) {
            widths.name = larger(widths.name, name);
        }
    }
    buffer_free(&cell);
    return widths;
}

static void put_raw(struct buffer *out, const cmrp_batch_command *c,
                    const struct show_options *options) {
    show_indent(out, options);
    buffer_printf(out, "%*sCommandType %u  ValueType %u  NameLength %zu  DataLength %zu\n",
                  RAW_INDENT, "", c->type, c->value_type, c->name.size, c->data.size);
    show_indent(out, options);
    buffer_printf(out, "%*sName ", RAW_INDENT, "");
    show_octets(out, c->name, options);
    buffer_append(out, "\n", 1);
    if (c->data.size > 0) {
        show_indent(out, options);
        buffer_printf(out, "%*sData ", RAW_INDENT, "");
        show_octets(out, c->data, options);
        buffer_append(out, "\n", 1);
    }
}

static void put_warning(struct buffer *out, const cmrp_error *warning,
                        const struct show_options *options) {
    show_indent(out, options);
    buffer_printf(out, "%*s", RAW_INDENT, "");
    show_complaint(out, warning, options);
    buffer_append(out, "\n", 1);
}

static void put_line(struct buffer *out, const cmrp_batch_command *c, const struct columns *widths,
                     const struct show_options *options) {
    cmrp_error warning;
    unsigned cursor = 0;
    show_indent(out, options);
    if (options->verbose) {
        buffer_printf(out, "%*llu  ", (int)widths->offset, (unsigned long long)c->offset);
    }
    size_t start = out->size;
    put_command(out, c);
    show_pad(out, start, widths->command);
    buffer_printf(out, "  ");
    start = out->size;
    put_type(out, c);
    show_pad(out, start, widths->type);
    buffer_printf(out, "  ");
    start = out->size;
    put_name(out, c, options);
    if (out->size > start && (c->data.size > 0)) {
        show_pad(out, start, widths->name);
    }
    put_data(out, c, options);
    buffer_append(out, "\n", 1);
    if (options->verbose) {
        put_raw(out, c, options);
    }
    while (cmrp_batch_warning(c, &cursor, &warning)) {
        put_warning(out, &warning, options);
    }
}

bool show_batch(struct buffer *out, cmrp_view blob, unsigned flags,
                const struct show_options *options, cmrp_error *error) {
    const struct columns widths = measure(blob, flags, options);
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_error warning;
    if (!cmrp_batch_open(&batch, blob, 0, flags, error)) {
        return false;
    }
    while (cmrp_batch_next(&batch, &c)) {
        put_line(out, &c, &widths, options);
    }
    if (error->code != CMRP_OK) {
        return false;
    }
    if (batch.trailing.size > 0) {
        show_indent(out, options);
        buffer_printf(out, "trailing ");
        show_octets(out, batch.trailing, options);
        buffer_append(out, "\n", 1);
    }
    if (cmrp_batch_end_warning(&batch, &warning)) {
        put_warning(out, &warning, options);
    }
    return true;
}
