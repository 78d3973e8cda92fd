// SPDX-License-Identifier: Apache-2.0
// What the test programs of batch.h share.
#ifndef CMRP_TEST_BATCH_H
#define CMRP_TEST_BATCH_H

#include "test_support.h"

#include "cmrp/batch.h"

// VersionNumber 1; a buffer that ends behind it is empty.
static inline void built_batch(built *b) {
    built_init(b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(b, "VersionNumber", 4, 1);
    add_boundary(b, CMRP_E_EMPTY, "CommandType");
}

// A well-formed command, with the end of the buffer allowed behind it.
static inline void add_command(built *b, uint32_t type, uint32_t value_type, const char *name,
                               const void *data, uint32_t size) {
    add_uint(b, "CommandType", 4, type);
    add_uint(b, "ValueType", 4, value_type);
    const size_t name_length = b->size;
    add_uint(b, "NameLength", 4, 2 * strlen(name) + 2);
    add_text(b, "NameLength", name, CMRP_E_NAME_OVERRUN, name_length);
    add_octets(b, "NameLength", "\0", 2, CMRP_E_NAME_OVERRUN, name_length);
    const size_t data_length = b->size;
    add_uint(b, "DataLength", 4, size);
    add_octets(b, "DataLength", data, size, CMRP_E_DATA_OVERRUN, data_length);
    if (size % 2 != 0) {
        add_octets(b, "Padding", "\0", 1, CMRP_E_PADDING_MISSING, b->size);
    }
    add_boundary(b, CMRP_OK, "");
}

// All parities: odd data in the middle and at the end, no data, the empty name.
static inline void build_four(built *b) {
    built_batch(b);
    add_command(b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
    add_command(b, CMRP_CLUSREG_SET_VALUE, CMRP_REG_BINARY, "n", "\1\2\3", 3);
    add_command(b, CMRP_CLUSREG_SET_VALUE, CMRP_REG_DWORD, "", "\1\0\0\0", 4);
    add_command(b, CMRP_CLUSREG_VALUE_DELETED, 5, "NotifyTest", "z", 1);
}

typedef struct outcome {
    cmrp_error error;
    cmrp_batch batch; // its reader points to a buffer and an error that are gone
    cmrp_batch_command command;
    uint64_t count;
} outcome;

// Decodes to the end; `command` is the last one delivered.
static inline outcome decode_one(cmrp_view input, unsigned flags) {
    outcome o = {0};
    cmrp_batch_command c;
    if (cmrp_batch_open(&o.batch, input, BASE, flags, &o.error)) {
        while (cmrp_batch_next(&o.batch, &c)) {
            o.command = c;
            o.count++;
        }
    }
    assert_int_equal(o.batch.count, o.count);
    return o;
}

typedef struct expected_warning {
    const char *id;
    const char *field;
    uint64_t offset; // from BASE
} expected_warning;

// Compares all warnings of a command, in order.
static inline void check_warnings(const cmrp_batch_command *command, size_t count,
                                  const expected_warning *expected) {
    unsigned cursor = 0;
    cmrp_error warning;
    for (size_t i = 0; i < count; i++) {
        assert_true(cmrp_batch_warning(command, &cursor, &warning));
        assert_string_equal(cmrp_code_id(warning.code), expected[i].id);
        assert_string_equal(warning.field, expected[i].field);
        assert_int_equal(warning.offset, BASE + expected[i].offset);
        assert_string_equal(warning.section, "MS-CMRP 2.2.3.17.1");
        assert_null(warning.array);
    }
    assert_false(cmrp_batch_warning(command, &cursor, &warning));
}

#endif
