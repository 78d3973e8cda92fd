// SPDX-License-Identifier: Apache-2.0
#include "fuzz_batch.h"

#include <string.h>

enum {
    VERSION_SIZE = 4,
    HEADER = 12,
    DATA_LENGTH = 4,
    ONLY_LENIENT = CMRP_BATCH_WARN_NAME_LENGTH | CMRP_BATCH_WARN_NAME_TERMINATOR |
                   CMRP_BATCH_WARN_NAME_NUL | CMRP_BATCH_WARN_PADDING_MISSING,
};

static void check_warnings(const char *property, const cmrp_batch_command *c, size_t size) {
    cmrp_error warning;
    unsigned cursor = 0;
    unsigned left = c->warnings;
    uint64_t before = c->offset;
    while (cmrp_batch_warning(c, &cursor, &warning)) {
        fuzz_check_place(property, &warning, FUZZ_BASE, size, 0);
        if (warning.offset < before) {
            fuzz_fail(property, "warning %s is not in wire order", cmrp_code_id(warning.code));
        }
        before = warning.offset;
        left &= left - 1;
    }
    if (left != 0) {
        fuzz_fail(property, "of the warnings %#x some are not delivered", c->warnings);
    }
}

// Name as strict readers must have it.
static void check_name(const char *property, cmrp_view name) {
    const cmrp_view text = {name.data, name.size - 2};
    if (name.size < 2 || name.size % 2 != 0 || name.data[name.size - 1] != 0 ||
        name.data[name.size - 2] != 0 ||
        (cmrp_utf16_check(text, CMRP_LITTLE_ENDIAN) & CMRP_UTF16_NUL) != 0) {
        fuzz_fail(property, "a name of %zu octets that is not NUL-terminated text", name.size);
    }
}

// Checks one command that should start at *at, and moves *at behind it.
static void check_command(const char *property, cmrp_view bytes, unsigned flags,
                          const cmrp_batch_command *c, size_t *at) {
    const size_t data_at = *at + HEADER + c->name.size + DATA_LENGTH;
    const bool padded = c->data.size % 2 != 0 && !c->pad_missing;
    if (c->offset != FUZZ_BASE + *at) {
        fuzz_fail(property, "a command at offset %llu, not %zu",
                  (unsigned long long)c->offset - FUZZ_BASE, *at);
    }
    fuzz_check_inside(property, "Name", c->name, bytes);
    fuzz_check_inside(property, "Data", c->data, bytes);
    if (c->name.data != bytes.data + *at + HEADER || c->data.data != bytes.data + data_at) {
        fuzz_fail(property, "Name or Data of the command at %zu is elsewhere", *at);
    }
    *at = data_at + c->data.size + (padded ? 1 : 0);
    if (*at > bytes.size) {
        fuzz_fail(property, "a command ends behind the input");
    }
    if (padded && c->padding != bytes.data[*at - 1]) {
        fuzz_fail(property, "the pad octet is not %u", c->padding);
    }
    if ((flags & (CMRP_BATCH_LENIENT | CMRP_BATCH_UNCHECKED_NAMES)) == 0) {
        check_name(property, c->name);
    }
    if ((flags & CMRP_BATCH_LENIENT) == 0 && (c->pad_missing || (c->warnings & ONLY_LENIENT))) {
        fuzz_fail(property, "strict reading gives lenient warnings %#x", c->warnings);
    }
    check_warnings(property, c, bytes.size);
}

// Lenient: octets that are a command of their own are delivered as one.
static void check_trailing(const char *property, cmrp_view trailing) {
    uint8_t octets[VERSION_SIZE + CMRP_BATCH_COMMAND_MINIMUM] = {1};
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    if (trailing.size >= CMRP_BATCH_COMMAND_MINIMUM) {
        fuzz_fail(property, "%zu octets are left behind", trailing.size);
    }
    memcpy(octets + VERSION_SIZE, trailing.data, trailing.size);
    const cmrp_view alone = {octets, VERSION_SIZE + trailing.size};
    if (cmrp_batch_open(&batch, alone, 0, CMRP_BATCH_LENIENT, &error) &&
        cmrp_batch_next(&batch, &c)) {
        fuzz_fail(property, "a command is left behind as odd octets");
    }
}

static void check_end(const char *property, const cmrp_batch *batch, size_t at, size_t size) {
    cmrp_error warning;
    const bool warned = cmrp_batch_end_warning(batch, &warning);
    if (at + batch->trailing.size != size) {
        fuzz_fail(property, "%zu of %zu octets were delivered", at + batch->trailing.size, size);
    }
    if (warned != (batch->empty || batch->trailing.size > 0) ||
        batch->empty != (batch->count == 0)) {
        fuzz_fail(property, "the warning about the end does not fit");
    }
    if (batch->trailing.size > 0) {
        check_trailing(property, batch->trailing);
    }
    if (warned) {
        fuzz_check_place(property, &warning, FUZZ_BASE, size, 0);
        if ((batch->flags & CMRP_BATCH_LENIENT) == 0 || warning.offset != FUZZ_BASE + at) {
            fuzz_fail(property, "a warning about the end that should not be");
        }
    }
}

struct fuzz_batch_end fuzz_batch_walk(const char *property, cmrp_view bytes, unsigned flags) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    size_t at = VERSION_SIZE;
    uint64_t count = 0;
    if (cmrp_batch_open(&batch, bytes, FUZZ_BASE, flags, &error)) {
        while (cmrp_batch_next(&batch, &c)) {
            check_command(property, bytes, flags, &c, &at);
            count++;
        }
    }
    if (error.code == CMRP_OK) {
        check_end(property, &batch, at, bytes.size);
        if (batch.count != count) {
            fuzz_fail(property, "the count of commands is wrong");
        }
        return (struct fuzz_batch_end){true, count};
    }
    const cmrp_error first = error;
    fuzz_check_error(property, &error, FUZZ_BASE, bytes.size, 0);
    if (cmrp_batch_next(&batch, &c) || memcmp(&first, &error, sizeof error) != 0) {
        fuzz_fail(property, "the error does not stay");
    }
    return (struct fuzz_batch_end){false, count};
}
