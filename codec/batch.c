// SPDX-License-Identifier: Apache-2.0
#include "cmrp/batch.h"

// Hints only: what they stand before works without them.
#if defined(__GNUC__)
#define NOT_INLINE    __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define NOT_INLINE
#define ALWAYS_INLINE inline
#endif

#define SECTION_UPDATE  "MS-CMRP 2.2.3.17"
#define SECTION_COMMAND "MS-CMRP 2.2.3.17.1"

// Offsets inside a command; DataLength follows Name, at NAME + NameLength.
enum {
    AT_VALUE_TYPE = 4,
    AT_NAME_LENGTH = 8,
    AT_NAME = 12,
    HEADER = 12,
    DATA_LENGTH_SIZE = 4,
    VERSION = 1,
};

enum data_use { DATA_USED, DATA_UNUSED, DATA_OPEN };

typedef struct rule {
    uint32_t usual_size;  // Data up to this size calls for no warning
    uint16_t usual_types; // nor do these ValueTypes, a bit each; others may or may not
    uint8_t value_type;
    uint8_t data;
} rule;

// usual_types and usual_size by what the fields mean.
enum { USUAL_TYPES = 16 }; // bits in usual_types
#define CMRP_REG_BIT(name, value) | 1 << (value)
#define USUAL_TYPE                (0 CMRP_REG_TYPES(CMRP_REG_BIT))
#define USUAL_OLD_TYPE            UINT16_MAX
#define USUAL_STATUS              UINT16_MAX
#define USUAL_IGNORED             1
#define USUAL_OPEN                UINT16_MAX
#define USUAL_USED                UINT32_MAX
#define USUAL_UNUSED              0

static const rule rules[] = {
#define CMRP_BATCH_RULE(name, value, value_type, data)                                             \
    [value] = {USUAL_##data, USUAL_##value_type, CMRP_VALUE_TYPE_##value_type, DATA_##data},
    CMRP_BATCH_COMMANDS(CMRP_BATCH_RULE)
#undef CMRP_BATCH_RULE
};

static const rule reserved = {0, 0, CMRP_VALUE_TYPE_OPEN, DATA_OPEN};

static const char *const type_names[] = {
#define CMRP_BATCH_NAME(name, value, value_type, data) [value] = #name,
    CMRP_BATCH_COMMANDS(CMRP_BATCH_NAME)
#undef CMRP_BATCH_NAME
};

static const char *const reg_types[] = {
#define CMRP_REG_NAME(name, value) [value] = #name,
    CMRP_REG_TYPES(CMRP_REG_NAME)
#undef CMRP_REG_NAME
};

enum { RULES = sizeof rules / sizeof rules[0], REG_TYPES = sizeof reg_types / sizeof reg_types[0] };

const char *cmrp_batch_type_name(uint32_t type) {
    return type < RULES ? type_names[type] : NULL;
}

static const rule *rule_of(uint32_t type) {
    return cmrp_batch_type_name(type) != NULL ? &rules[type] : &reserved;
}

const char *cmrp_reg_type_name(uint32_t value_type) {
    return value_type < REG_TYPES ? reg_types[value_type] : NULL;
}

bool cmrp_batch_type_named(const char *name, uint32_t *value) {
    for (uint32_t i = 0; i < RULES; i++) {
        if (type_names[i] != NULL && strcmp(type_names[i], name) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

bool cmrp_reg_type_named(const char *name, uint32_t *value) {
    for (uint32_t i = 0; i < REG_TYPES; i++) {
        if (reg_types[i] != NULL && strcmp(reg_types[i], name) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

cmrp_value_type_use cmrp_batch_value_type_use(uint32_t type) {
    return (cmrp_value_type_use)rule_of(type)->value_type;
}

// ---- reading ------------------------------------------------------------------------------------

bool cmrp_batch_open(cmrp_batch *batch, cmrp_view buffer, uint64_t offset, unsigned flags,
                     cmrp_error *error) {
    *batch = (cmrp_batch){.flags = flags};
    cmrp_reader *r = &batch->reader;
    cmrp_reader_init(r, buffer, offset, error, SECTION_UPDATE);
    uint32_t version;
    if (!cmrp_take_u32(r, "VersionNumber", CMRP_LITTLE_ENDIAN, &version)) {
        return false;
    }
    if (version != VERSION) {
        return cmrp_fail(r, CMRP_E_VERSION, "VersionNumber", offset, version);
    }
    r->section = SECTION_COMMAND;
    return true;
}

// The fixed header in one take; where it is cut, the first field that is not whole is named.
static bool take_header(cmrp_reader *r, cmrp_batch_command *c, uint32_t *name_length) {
    static const char *const fields[] = {"CommandType", "ValueType", "NameLength"};
    const uint8_t *p;
    if (r->left < HEADER) {
        const size_t whole = r->left / 4;
        if (cmrp_take(r, fields[0], 4 * whole, &p)) {
            (void)cmrp_take(r, fields[whole], 4, &p);
        }
        return false;
    }
    if (!cmrp_take(r, fields[0], HEADER, &p)) {
        return false;
    }
    c->type = cmrp_load_u32(p, CMRP_LITTLE_ENDIAN);
    c->value_type = cmrp_load_u32(p + AT_VALUE_TYPE, CMRP_LITTLE_ENDIAN);
    *name_length = cmrp_load_u32(p + AT_NAME_LENGTH, CMRP_LITTLE_ENDIAN);
    return true;
}

// Looks into Name. Errors become warnings where the mode is lenient.
static bool check_name(cmrp_reader *r, unsigned flags, cmrp_batch_command *c) {
    const uint64_t at = c->offset + AT_NAME;
    const size_t text_size = c->name.size - CMRP_BATCH_NAME_MINIMUM;
    const unsigned found =
        cmrp_utf16_check((cmrp_view){c->name.data, text_size}, CMRP_LITTLE_ENDIAN);
    const bool lenient = (flags & CMRP_BATCH_LENIENT) != 0;
    if (cmrp_load_u16(c->name.data + text_size, CMRP_LITTLE_ENDIAN) != 0) {
        if (!lenient) {
            return cmrp_fail(r, CMRP_E_NAME_TERMINATOR, "Name", at, 0);
        }
        c->warnings |= CMRP_BATCH_WARN_NAME_TERMINATOR;
    } else if ((found & CMRP_UTF16_NUL) != 0) {
        if (!lenient) {
            return cmrp_fail(r, CMRP_E_NAME_NUL, "Name", at, 0);
        }
        c->warnings |= CMRP_BATCH_WARN_NAME_NUL;
    } else if ((found & CMRP_UTF16_UNPAIRED) != 0) {
        c->warnings |= CMRP_BATCH_WARN_SURROGATE;
    }
    return true;
}

// Name and the DataLength behind it, in one take where both are whole.
static bool take_name(cmrp_reader *r, unsigned flags, cmrp_batch_command *c, uint32_t name_length,
                      uint32_t *data_length) {
    const uint64_t at = c->offset + AT_NAME_LENGTH;
    const uint8_t *p;
    if (name_length == 0) {
        if ((flags & CMRP_BATCH_LENIENT) == 0) {
            return cmrp_fail(r, CMRP_E_NAME_LENGTH, "NameLength", at, name_length);
        }
        c->warnings |= CMRP_BATCH_WARN_NAME_LENGTH;
    }
    if (name_length > r->left) {
        return cmrp_fail(r, CMRP_E_NAME_OVERRUN, "NameLength", at, name_length);
    }
    if (name_length % 2 != 0) {
        return cmrp_fail(r, CMRP_E_NAME_LENGTH, "NameLength", at, name_length);
    }
    const bool whole = r->left - name_length >= DATA_LENGTH_SIZE;
    if (!cmrp_take(r, "Name", whole ? name_length + (size_t)DATA_LENGTH_SIZE : name_length, &p)) {
        return false;
    }
    c->name = (cmrp_view){p, name_length};
    if (name_length != 0 && (flags & CMRP_BATCH_UNCHECKED_NAMES) == 0 && !check_name(r, flags, c)) {
        return false;
    }
    if (!whole) {
        cmrp_fail(r, CMRP_E_TRUNCATED, "DataLength", r->offset, 0);
        return false;
    }
    *data_length = cmrp_load_u32(p + name_length, CMRP_LITTLE_ENDIAN);
    return true;
}

// Data and its pad octet.
static bool take_data(cmrp_reader *r, unsigned flags, cmrp_batch_command *c, uint32_t length) {
    const uint8_t *p;
    if (length > r->left) {
        return cmrp_fail(r, CMRP_E_DATA_OVERRUN, "DataLength", r->offset - DATA_LENGTH_SIZE,
                         length);
    }
    const bool odd = length % 2 != 0;
    const bool padded = odd && length < r->left;
    if (!cmrp_take(r, "Data", (size_t)length + padded, &p)) {
        return false;
    }
    c->data = (cmrp_view){p, length};
    if (padded) {
        c->padding = p[length];
    } else if (odd) {
        if ((flags & CMRP_BATCH_LENIENT) == 0) {
            return cmrp_fail(r, CMRP_E_PADDING_MISSING, "Padding", r->offset, 0);
        }
        c->pad_missing = true;
    }
    return true;
}

static uint16_t field_warnings(const cmrp_batch_command *c) {
    const rule *use = rule_of(c->type);
    unsigned w = c->warnings;
    if (use == &reserved) {
        w |= CMRP_BATCH_WARN_COMMAND;
    } else if (use->value_type == CMRP_VALUE_TYPE_TYPE) {
        w |= cmrp_reg_type_name(c->value_type) == NULL ? CMRP_BATCH_WARN_TYPE_UNLISTED : 0;
    } else if (use->value_type == CMRP_VALUE_TYPE_IGNORED) {
        w |= c->value_type != 0 ? CMRP_BATCH_WARN_TYPE_IGNORED : 0;
    }
    if (use->data == DATA_UNUSED && c->data.size != 0) {
        w |= CMRP_BATCH_WARN_DATA_UNUSED;
    }
    if (c->data.size % 2 != 0) {
        w |= c->pad_missing ? CMRP_BATCH_WARN_PADDING_MISSING : 0;
        w |= c->padding != 0 ? CMRP_BATCH_WARN_PADDING : 0;
    }
    return (uint16_t)w;
}

static bool take_command(cmrp_reader *r, unsigned flags, cmrp_batch_command *c) {
    uint32_t name_length;
    uint32_t data_length = 0;
    c->offset = r->offset;
    c->warnings = 0;
    c->padding = 0;
    c->pad_missing = false;
    if (!take_header(r, c, &name_length) || !take_name(r, flags, c, name_length, &data_length) ||
        !take_data(r, flags, c, data_length)) {
        return false;
    }
    c->warnings = field_warnings(c);
    return true;
}

// Octets too few for a command after a complete one. A command without a name field is shorter than
// any legal one and is still a command.
static bool is_trailing(const cmrp_batch *batch) {
    const cmrp_reader *r = &batch->reader;
    if ((batch->flags & CMRP_BATCH_LENIENT) == 0 || batch->count == 0 ||
        r->left >= CMRP_BATCH_COMMAND_MINIMUM) {
        return false;
    }
    cmrp_error ignored = {0};
    cmrp_reader probe = *r;
    cmrp_batch_command c;
    probe.error = &ignored;
    return !take_command(&probe, batch->flags, &c);
}

// The next command, whatever it is like, or the end, or what is wrong.
static bool next_of_any_kind(cmrp_batch *batch, cmrp_batch_command *command) {
    cmrp_reader *r = &batch->reader;
    if (r->error->code != CMRP_OK) {
        return false;
    }
    if (r->left == 0) {
        batch->empty = batch->count == 0;
        if (batch->empty && (batch->flags & CMRP_BATCH_LENIENT) == 0) {
            return cmrp_fail(r, CMRP_E_EMPTY, "CommandType", r->offset, 0);
        }
        return false;
    }
    if (is_trailing(batch)) {
        (void)cmrp_take_view(r, "CommandType", r->left, &batch->trailing);
        return false;
    }
    if (!take_command(r, batch->flags, command)) {
        return false;
    }
    batch->count++;
    return true;
}

// Whether field_warnings would certainly find nothing, but for the pad octet.
static inline bool is_usual(const cmrp_batch_command *c) {
    if (c->type >= RULES || c->value_type >= USUAL_TYPES) {
        return false;
    }
    const rule *use = &rules[c->type];
    return (use->usual_types >> c->value_type & 1) != 0 && c->data.size <= use->usual_size;
}

// Whether Name is text_size octets with nothing remarkable in them, and a NUL.
static inline bool is_simple_name(const uint8_t *name, size_t text_size) {
    return cmrp_load_u16(name + text_size, CMRP_LITTLE_ENDIAN) == 0 &&
           cmrp_utf16_is_simple((cmrp_view){name, text_size}, CMRP_LITTLE_ENDIAN);
}

static NOT_INLINE bool deliver_remarkable(cmrp_batch_command *c) {
    c->warnings = field_warnings(c);
    return true;
}

static inline bool deliver(cmrp_batch_command *c) {
    return is_usual(c) || deliver_remarkable(c);
}

static NOT_INLINE bool deliver_padded(cmrp_batch_command *c) {
    c->padding = c->data.data[c->data.size];
    return c->padding == 0 ? deliver(c) : deliver_remarkable(c);
}

// Nearly all commands are whole and have nothing remarkable in their names: those are delivered
// here, after one look at the lengths. For all others the reader has not moved yet. Compiled twice,
// because looking at names takes registers that are not free of charge.
static ALWAYS_INLINE bool next_whole(cmrp_batch *batch, cmrp_batch_command *c, bool look_at_name) {
    cmrp_reader *r = &batch->reader;
    const uint8_t *p;
    if (!cmrp_peek(r, CMRP_BATCH_COMMAND_MINIMUM, &p)) {
        return next_of_any_kind(batch, c);
    }
    const size_t name_length = cmrp_load_u32(p + AT_NAME_LENGTH, CMRP_LITTLE_ENDIAN);
    const size_t text_size = name_length - CMRP_BATCH_NAME_MINIMUM; // without a NUL: beyond the end
    const size_t rest = r->left - CMRP_BATCH_COMMAND_MINIMUM;
    if (text_size > rest || text_size % 2 != 0 ||
        (look_at_name && !is_simple_name(p + AT_NAME, text_size))) {
        return next_of_any_kind(batch, c);
    }
    const uint32_t data_length = cmrp_load_u32(p + AT_NAME + name_length, CMRP_LITTLE_ENDIAN);
    const uint64_t padded = (data_length + UINT64_C(1)) & ~UINT64_C(1);
    if (padded > rest - text_size) {
        return next_of_any_kind(batch, c);
    }
    c->name = (cmrp_view){p + AT_NAME, name_length};
    c->data = (cmrp_view){p + HEADER + DATA_LENGTH_SIZE + name_length, data_length};
    c->warnings = 0;
    c->padding = 0;
    c->pad_missing = false;
    c->offset = r->offset;
    cmrp_skip(r, HEADER + DATA_LENGTH_SIZE + name_length + (size_t)padded);
    batch->count++;
    c->value_type = cmrp_load_u32(p + AT_VALUE_TYPE, CMRP_LITTLE_ENDIAN);
    c->type = cmrp_load_u32(p, CMRP_LITTLE_ENDIAN);
    return padded != data_length ? deliver_padded(c) : deliver(c);
}

static NOT_INLINE bool next_checked(cmrp_batch *batch, cmrp_batch_command *command) {
    return next_whole(batch, command, true);
}

bool cmrp_batch_next(cmrp_batch *batch, cmrp_batch_command *command) {
    return (batch->flags & CMRP_BATCH_UNCHECKED_NAMES) == 0 ? next_checked(batch, command)
                                                            : next_whole(batch, command, false);
}

// ---- warnings -----------------------------------------------------------------------------------

bool cmrp_batch_warning(const cmrp_batch_command *c, unsigned *cursor, cmrp_error *warning) {
    const uint64_t data_length_at = c->offset + AT_NAME + c->name.size;
    const uint64_t pad_at = data_length_at + DATA_LENGTH_SIZE + c->data.size;
    const struct {
        unsigned bit;
        cmrp_code code;
        const char *field;
        uint64_t offset;
        uint64_t value;
    } rows[] = {
        {CMRP_BATCH_WARN_COMMAND, CMRP_E_RESERVED_COMMAND, "CommandType", c->offset, c->type},
        {CMRP_BATCH_WARN_TYPE_UNLISTED, CMRP_E_VALUE_TYPE_UNLISTED, "ValueType",
         c->offset + AT_VALUE_TYPE, c->value_type},
        {CMRP_BATCH_WARN_TYPE_IGNORED, CMRP_E_VALUE_TYPE_IGNORED, "ValueType",
         c->offset + AT_VALUE_TYPE, c->value_type},
        {CMRP_BATCH_WARN_NAME_LENGTH, CMRP_E_NAME_LENGTH, "NameLength", c->offset + AT_NAME_LENGTH,
         c->name.size},
        {CMRP_BATCH_WARN_NAME_TERMINATOR, CMRP_E_NAME_TERMINATOR, "Name", c->offset + AT_NAME, 0},
        {CMRP_BATCH_WARN_NAME_NUL, CMRP_E_NAME_NUL, "Name", c->offset + AT_NAME, 0},
        {CMRP_BATCH_WARN_SURROGATE, CMRP_E_SURROGATE, "Name", c->offset + AT_NAME, 0},
        {CMRP_BATCH_WARN_DATA_UNUSED, CMRP_E_DATA_UNUSED, "DataLength", data_length_at,
         c->data.size},
        {CMRP_BATCH_WARN_PADDING_MISSING, CMRP_E_PADDING_MISSING, "Padding", pad_at, 0},
        {CMRP_BATCH_WARN_PADDING, CMRP_E_PADDING_NONZERO, "Padding", pad_at, c->padding},
    };
    while (*cursor < sizeof rows / sizeof rows[0]) {
        const unsigned i = (*cursor)++;
        if ((c->warnings & rows[i].bit) != 0) {
            *warning = (cmrp_error){.code = rows[i].code,
                                    .offset = rows[i].offset,
                                    .value = rows[i].value,
                                    .field = rows[i].field,
                                    .section = SECTION_COMMAND};
            return true;
        }
    }
    return false;
}

bool cmrp_batch_end_warning(const cmrp_batch *batch, cmrp_error *warning) {
    *warning = (cmrp_error){.offset = batch->reader.offset, .section = SECTION_COMMAND};
    warning->field = "CommandType";
    if (batch->empty) {
        warning->code = CMRP_E_EMPTY;
        return true;
    }
    if (batch->trailing.size != 0) {
        warning->code = CMRP_E_AFTER_COMMANDS;
        warning->offset -= batch->trailing.size;
        warning->left = batch->trailing.size;
        return true;
    }
    return false;
}

bool cmrp_batch_name_text(const cmrp_batch_command *c, cmrp_view *text) {
    if (c->name.size < CMRP_BATCH_NAME_MINIMUM || c->name.size % 2 != 0) {
        return false;
    }
    const cmrp_view front = {c->name.data, c->name.size - CMRP_BATCH_NAME_MINIMUM};
    if (cmrp_load_u16(c->name.data + front.size, CMRP_LITTLE_ENDIAN) != 0 ||
        cmrp_utf16_check(front, CMRP_LITTLE_ENDIAN) != 0) {
        return false;
    }
    *text = front;
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

bool cmrp_batch_writer_open(cmrp_batch_writer *bw, cmrp_writer *writer, unsigned flags) {
    *bw = (cmrp_batch_writer){.writer = writer, .flags = flags};
    writer->section = SECTION_UPDATE;
    const bool ok = cmrp_put_uint(writer, "VersionNumber", 4, CMRP_LITTLE_ENDIAN, VERSION);
    writer->section = SECTION_COMMAND;
    return ok;
}

// Refuses what a reader with the same flags would refuse.
static bool writable(cmrp_writer *w, unsigned flags, const cmrp_batch_command *c) {
    if (c->name.size > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "NameLength", c->name.size);
    }
    if (c->data.size > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "DataLength", c->data.size);
    }
    if (c->name.size % 2 != 0) {
        return cmrp_write_fail(w, CMRP_E_NAME_LENGTH, "NameLength", c->name.size);
    }
    if ((flags & CMRP_BATCH_LENIENT) != 0) {
        return true;
    }
    if (c->name.size < CMRP_BATCH_NAME_MINIMUM) {
        return cmrp_write_fail(w, CMRP_E_NAME_LENGTH, "NameLength", c->name.size);
    }
    if (c->pad_missing) {
        return cmrp_write_fail(w, CMRP_E_PADDING_MISSING, "Padding", 0);
    }
    if ((flags & CMRP_BATCH_UNCHECKED_NAMES) != 0) {
        return true;
    }
    const size_t text_size = c->name.size - CMRP_BATCH_NAME_MINIMUM;
    if (cmrp_load_u16(c->name.data + text_size, CMRP_LITTLE_ENDIAN) != 0) {
        return cmrp_write_fail(w, CMRP_E_NAME_TERMINATOR, "Name", 0);
    }
    if ((cmrp_utf16_check((cmrp_view){c->name.data, text_size}, CMRP_LITTLE_ENDIAN) &
         CMRP_UTF16_NUL) != 0) {
        return cmrp_write_fail(w, CMRP_E_NAME_NUL, "Name", 0);
    }
    return true;
}

bool cmrp_batch_put(cmrp_batch_writer *bw, const cmrp_batch_command *c) {
    cmrp_writer *w = bw->writer;
    if (bw->unpadded) {
        return cmrp_write_fail(w, CMRP_E_PADDING_MISSING, "Padding", 0);
    }
    if (!writable(w, bw->flags, c) ||
        !cmrp_put_uint(w, "CommandType", 4, CMRP_LITTLE_ENDIAN, c->type) ||
        !cmrp_put_uint(w, "ValueType", 4, CMRP_LITTLE_ENDIAN, c->value_type) ||
        !cmrp_put_uint(w, "NameLength", 4, CMRP_LITTLE_ENDIAN, c->name.size) ||
        !cmrp_put_view(w, "Name", c->name) ||
        !cmrp_put_uint(w, "DataLength", 4, CMRP_LITTLE_ENDIAN, c->data.size) ||
        !cmrp_put_view(w, "Data", c->data)) {
        return false;
    }
    bw->count++;
    if (c->data.size % 2 == 0) {
        return true;
    }
    if (c->pad_missing) {
        bw->unpadded = true;
        return true;
    }
    return cmrp_put_uint(w, "Padding", 1, CMRP_LITTLE_ENDIAN, c->padding);
}

// Whether a reader would take these octets for one more command.
static bool holds_command(cmrp_view octets, unsigned flags) {
    cmrp_error ignored = {0};
    cmrp_reader probe;
    cmrp_batch_command c;
    cmrp_reader_init(&probe, octets, 0, &ignored, SECTION_COMMAND);
    return take_command(&probe, flags, &c);
}

bool cmrp_batch_writer_close(cmrp_batch_writer *bw, cmrp_view trailing) {
    cmrp_writer *w = bw->writer;
    const bool lenient = (bw->flags & CMRP_BATCH_LENIENT) != 0;
    if (bw->count == 0 && (!lenient || trailing.size != 0)) {
        return cmrp_write_fail(w, CMRP_E_EMPTY, "CommandType", 0);
    }
    if (trailing.size != 0 &&
        (!lenient || bw->unpadded || trailing.size >= CMRP_BATCH_COMMAND_MINIMUM ||
         holds_command(trailing, bw->flags))) {
        const bool first = w->error->code == CMRP_OK;
        cmrp_write_fail(w, CMRP_E_AFTER_COMMANDS, "CommandType", trailing.size);
        w->error->left = first ? trailing.size : w->error->left; // what the message counts
        return false;
    }
    return cmrp_put_view(w, "trailing", trailing);
}
