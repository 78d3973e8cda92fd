// SPDX-License-Identifier: Apache-2.0
// The tables, and reading in the strict mode; test_batch_lenient.c has the lenient one,
// test_batch_write.c has writing.
#include "test_batch.h"

// ---- the tables ---------------------------------------------------------------------------------

// CLUSTER_REG_BATCH_COMMAND [MS-CMRP 2.2.2.8] and what 2.2.3.17.1 and 3.1.4.2.112 say of ValueType.
static const struct {
    uint32_t value;
    const char *name;
    cmrp_value_type_use use;
} commands[] = {
    {1, "CLUSREG_SET_VALUE", CMRP_VALUE_TYPE_TYPE},
    {2, "CLUSREG_CREATE_KEY", CMRP_VALUE_TYPE_IGNORED},
    {3, "CLUSREG_DELETE_KEY", CMRP_VALUE_TYPE_IGNORED},
    {4, "CLUSREG_DELETE_VALUE", CMRP_VALUE_TYPE_IGNORED},
    {6, "CLUSREG_VALUE_DELETED", CMRP_VALUE_TYPE_OLD_TYPE},
    {7, "CLUSREG_READ_KEY", CMRP_VALUE_TYPE_IGNORED},
    {8, "CLUSREG_READ_VALUE", CMRP_VALUE_TYPE_TYPE},
    {9, "CLUSREG_READ_ERROR", CMRP_VALUE_TYPE_STATUS},
    {10, "CLUSREG_CONTROL_COMMAND", CMRP_VALUE_TYPE_OPEN},
    {11, "CLUSREG_CONDITION_EXISTS", CMRP_VALUE_TYPE_OPEN},
    {12, "CLUSREG_CONDITION_NOT_EXISTS", CMRP_VALUE_TYPE_OPEN},
    {13, "CLUSREG_CONDITION_IS_EQUAL", CMRP_VALUE_TYPE_OPEN},
    {14, "CLUSREG_CONDITION_IS_NOT_EQUAL", CMRP_VALUE_TYPE_OPEN},
    {15, "CLUSREG_CONDITION_IS_GREATER_THAN", CMRP_VALUE_TYPE_OPEN},
    {16, "CLUSREG_CONDITION_IS_LESS_THAN", CMRP_VALUE_TYPE_OPEN},
    {17, "CLUSREG_CONDITION_KEY_EXISTS", CMRP_VALUE_TYPE_OPEN},
    {18, "CLUSREG_CONDITION_KEY_NOT_EXISTS", CMRP_VALUE_TYPE_OPEN},
};

// The types of ApiSetValue [MS-CMRP 3.1.4.2.33].
static const struct {
    uint32_t value;
    const char *name;
} types[] = {
    {0, "REG_NONE"},  {1, "REG_SZ"},       {2, "REG_EXPAND_SZ"}, {3, "REG_BINARY"},
    {4, "REG_DWORD"}, {7, "REG_MULTI_SZ"}, {11, "REG_QWORD"},
};

static void test_command_names(void **state) {
    (void)state;
    size_t known = 0;
    for (uint32_t value = 0; value < 70000; value++) {
        const char *name = cmrp_batch_type_name(value);
        if (known < COUNT_OF(commands) && commands[known].value == value) {
            uint32_t back = 0;
            assert_non_null(name);
            assert_string_equal(name, commands[known].name);
            assert_true(cmrp_batch_type_named(name, &back));
            assert_int_equal(back, value);
            assert_int_equal(cmrp_batch_value_type_use(value), commands[known].use);
            known++;
        } else {
            assert_null(name);
            assert_int_equal(cmrp_batch_value_type_use(value), CMRP_VALUE_TYPE_OPEN);
        }
    }
    assert_int_equal(known, COUNT_OF(commands));
    assert_int_equal(known, 17);
    assert_null(cmrp_batch_type_name(UINT32_MAX));
}

static void test_registry_type_names(void **state) {
    (void)state;
    size_t known = 0;
    for (uint32_t value = 0; value < 70000; value++) {
        const char *name = cmrp_reg_type_name(value);
        if (known < COUNT_OF(types) && types[known].value == value) {
            uint32_t back = 99;
            assert_non_null(name);
            assert_string_equal(name, types[known++].name);
            assert_true(cmrp_reg_type_named(name, &back));
            assert_int_equal(back, value);
        } else {
            assert_null(name);
        }
    }
    assert_int_equal(known, COUNT_OF(types));
    assert_null(cmrp_reg_type_name(UINT32_MAX));
}

static void test_unknown_names(void **state) {
    (void)state;
    static const char *const names[] = {
        "", "SET_VALUE", "CLUSREG_SET_VALUE ", "CLUSREG_NONE", "REG_LINK", "reg_sz"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        uint32_t value = 77;
        assert_false(cmrp_batch_type_named(names[i], &value));
        assert_false(cmrp_reg_type_named(names[i], &value));
        assert_int_equal(value, 77);
    }
}

// ---- well-formed buffers ------------------------------------------------------------------------

static bool decode_all(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    const unsigned *flags = context;
    cmrp_batch batch;
    cmrp_batch_command command;
    if (!cmrp_batch_open(&batch, input, offset, *flags, error)) {
        return false;
    }
    while (cmrp_batch_next(&batch, &command)) {
        assert_true(inside(command.name, input) && inside(command.data, input));
    }
    return error->code == CMRP_OK;
}

static void test_every_cut(void **state) {
    (void)state;
    unsigned flags[] = {CMRP_BATCH_STRICT, CMRP_BATCH_UNCHECKED_NAMES};
    built b;
    build_four(&b);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        check_cuts(&b, decode_all, &flags[i], 0);
        check_cuts(&b, decode_all, &flags[i], BASE);
    }
}

static void test_commands_as_written(void **state) {
    (void)state;
    static const struct {
        uint64_t offset;
        uint32_t type, value_type;
        size_t name_size, data_size;
        const char *data;
    } rows[] = {
        {4, 2, 0, 10, 0, ""},
        {4 + 26, 1, 3, 4, 3, "\1\2\3"},
        {4 + 26 + 24, 1, 4, 2, 4, "\1\0\0\0"},
        {4 + 26 + 24 + 22, 6, 5, 22, 1, "z"},
    };
    built b;
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_error error = {0};
    build_four(&b);
    const cmrp_view input = exact(b.octets, b.size);
    assert_true(cmrp_batch_open(&batch, input, BASE, CMRP_BATCH_STRICT, &error));
    assert_int_equal(batch.count, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(cmrp_batch_next(&batch, &c));
        assert_int_equal(batch.count, i + 1);
        assert_int_equal(c.offset, BASE + rows[i].offset);
        assert_int_equal(c.type, rows[i].type);
        assert_int_equal(c.value_type, rows[i].value_type);
        assert_int_equal(c.name.size, rows[i].name_size);
        assert_ptr_equal(c.name.data, input.data + rows[i].offset + 12);
        assert_int_equal(c.data.size, rows[i].data_size);
        assert_memory_equal(c.data.data, rows[i].data, rows[i].data_size);
        assert_int_equal(c.warnings, 0);
        assert_int_equal(c.padding, 0);
        assert_false(c.pad_missing);
    }
    assert_false(cmrp_batch_next(&batch, &c));
    assert_false(cmrp_batch_next(&batch, &c)); // the end stays the end
    assert_int_equal(error.code, CMRP_OK);
    assert_int_equal(batch.count, 4);
    assert_false(cmrp_batch_end_warning(&batch, &error));
    free_view(input);
}

static void test_open(void **state) {
    (void)state;
    static const uint32_t versions[] = {0, 2, 0x01000000, 0x10001, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        built b;
        cmrp_batch batch;
        cmrp_batch_command c;
        cmrp_error error = {0};
        built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
        add_uint(&b, "VersionNumber", 4, versions[i]);
        add_command(&b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
        assert_false(cmrp_batch_open(&batch, built_view(&b), BASE, CMRP_BATCH_LENIENT, &error));
        assert_error(&error, CMRP_E_VERSION, BASE, "VersionNumber", "MS-CMRP 2.2.3.17");
        assert_int_equal(error.value, versions[i]);
        assert_false(cmrp_batch_next(&batch, &c));
        assert_int_equal(error.code, CMRP_E_VERSION);
    }
    cmrp_batch batch;
    cmrp_error error = {0};
    assert_false(cmrp_batch_open(&batch, (cmrp_view){NULL, 0}, BASE, 0, &error));
    assert_error(&error, CMRP_E_TRUNCATED, BASE, "VersionNumber", "MS-CMRP 2.2.3.17");
}

// ---- names --------------------------------------------------------------------------------------

static void test_name_length(void **state) {
    (void)state;
    static const struct {
        uint32_t length;
        cmrp_code code;
    } rows[] = {
        {0, CMRP_E_NAME_LENGTH},
        {1, CMRP_E_NAME_LENGTH},
        {3, CMRP_E_NAME_LENGTH},
        {9, CMRP_E_NAME_LENGTH},
        {10, CMRP_E_NAME_OVERRUN},
        {11, CMRP_E_NAME_OVERRUN},
        {0x7fffffff, CMRP_E_NAME_OVERRUN},
        {0x80000000, CMRP_E_NAME_OVERRUN},
        {0xfffffffe, CMRP_E_NAME_OVERRUN},
        {UINT32_MAX, CMRP_E_NAME_OVERRUN},
        {UINT32_MAX - 11, CMRP_E_NAME_OVERRUN}, // + 12 is 0 in 32 bits
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        built b;
        built_batch(&b);
        add_uint(&b, "CommandType", 4, 1);
        add_uint(&b, "ValueType", 4, 1);
        add_uint(&b, "NameLength", 4, rows[i].length);
        add_octets(&b, "Name", "a\0\0\0\0\0\0\0\0", 9, CMRP_OK, 0);
        const cmrp_view input = exact(b.octets, b.size);
        const outcome o = decode_one(input, CMRP_BATCH_STRICT);
        assert_int_equal(o.count, 0);
        assert_error(&o.error, rows[i].code, BASE + 12, "NameLength", "MS-CMRP 2.2.3.17.1");
        assert_int_equal(o.error.value, rows[i].length);
        assert_int_equal(o.error.left, 9);
        free_view(input);
    }
}

// Names of up to four units: the outcome in each mode.
static const struct {
    uint16_t units[4];
    size_t count;
    cmrp_code strict;
    uint16_t lenient; // warnings
    bool text;        // cmrp_batch_name_text takes it
} names[] = {
    {{0}, 1, CMRP_OK, 0, true},
    {{'a', 0}, 2, CMRP_OK, 0, true},
    {{0xd83d, 0xde00, 0}, 3, CMRP_OK, 0, true},
    {{'a'}, 1, CMRP_E_NAME_TERMINATOR, CMRP_BATCH_WARN_NAME_TERMINATOR, false},
    {{'a', 0, 'b'}, 3, CMRP_E_NAME_TERMINATOR, CMRP_BATCH_WARN_NAME_TERMINATOR, false},
    {{0x0100}, 1, CMRP_E_NAME_TERMINATOR, CMRP_BATCH_WARN_NAME_TERMINATOR, false},
    {{0, 0}, 2, CMRP_E_NAME_NUL, CMRP_BATCH_WARN_NAME_NUL, false},
    {{'a', 0, 'b', 0}, 4, CMRP_E_NAME_NUL, CMRP_BATCH_WARN_NAME_NUL, false},
    {{0xd83d, 0}, 2, CMRP_OK, CMRP_BATCH_WARN_SURROGATE, false},
    {{'a', 0xde00, 0}, 3, CMRP_OK, CMRP_BATCH_WARN_SURROGATE, false},
};

static void build_name(built *b, size_t row) {
    built_batch(b);
    add_uint(b, "CommandType", 4, CMRP_CLUSREG_CREATE_KEY);
    add_uint(b, "ValueType", 4, 0);
    add_uint(b, "NameLength", 4, 2 * names[row].count);
    for (size_t i = 0; i < names[row].count; i++) {
        add_uint(b, "Name", 2, names[row].units[i]);
    }
    add_uint(b, "DataLength", 4, 0);
}

static void test_name_content(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        built b;
        build_name(&b, i);
        const cmrp_view input = exact(b.octets, b.size);
        const uint16_t surrogate = names[i].lenient & CMRP_BATCH_WARN_SURROGATE;
        const outcome strict = decode_one(input, CMRP_BATCH_STRICT);
        const outcome lenient = decode_one(input, CMRP_BATCH_LENIENT);
        const outcome unchecked = decode_one(input, CMRP_BATCH_UNCHECKED_NAMES);
        assert_int_equal(strict.error.code, names[i].strict);
        if (names[i].strict != CMRP_OK) {
            assert_error(&strict.error, names[i].strict, BASE + 16, "Name", "MS-CMRP 2.2.3.17.1");
        } else {
            assert_int_equal(strict.count, 1);
            assert_int_equal(strict.command.warnings, surrogate);
        }
        assert_int_equal(lenient.error.code, CMRP_OK);
        assert_int_equal(lenient.command.warnings, names[i].lenient);
        assert_int_equal(unchecked.error.code, CMRP_OK);
        assert_int_equal(unchecked.command.warnings, 0);
        assert_int_equal(unchecked.command.name.size, 2 * names[i].count);
        cmrp_view text = {b.octets, 99};
        assert_int_equal(cmrp_batch_name_text(&lenient.command, &text), names[i].text);
        if (names[i].text) {
            assert_ptr_equal(text.data, input.data + 16);
            assert_int_equal(text.size, 2 * names[i].count - 2);
        } else {
            assert_int_equal(text.size, 99);
        }
        free_view(input);
    }
}

static void test_name_text_of_odd_fields(void **state) {
    (void)state;
    static const uint8_t octets[3] = {0};
    for (size_t size = 0; size <= 3; size++) {
        const cmrp_view name = exact(octets, size);
        const cmrp_batch_command c = {.name = name};
        cmrp_view text = {octets, 99};
        assert_int_equal(cmrp_batch_name_text(&c, &text), size == 2);
        assert_int_equal(text.size, size == 2 ? 0 : 99);
        free_view(name);
    }
}

// ---- data ---------------------------------------------------------------------------------------

static void test_data_length(void **state) {
    (void)state;
    static const uint32_t lengths[] = {4,          5,          0x7fffffff,     0x80000000,
                                       0xfffffffe, UINT32_MAX, UINT32_MAX - 15};
    for (unsigned lenient = 0; lenient < 2; lenient++) {
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            built b;
            built_batch(&b);
            add_uint(&b, "CommandType", 4, 1);
            add_uint(&b, "ValueType", 4, 1);
            add_uint(&b, "NameLength", 4, 2);
            add_uint(&b, "Name", 2, 0);
            add_uint(&b, "DataLength", 4, lengths[i]);
            add_octets(&b, "Data", "abc", 3, CMRP_OK, 0);
            const cmrp_view input = exact(b.octets, b.size);
            const outcome o = decode_one(input, lenient ? CMRP_BATCH_LENIENT : CMRP_BATCH_STRICT);
            assert_int_equal(o.count, 0);
            assert_error(&o.error, CMRP_E_DATA_OVERRUN, BASE + 18, "DataLength",
                         "MS-CMRP 2.2.3.17.1");
            assert_int_equal(o.error.value, lengths[i]);
            assert_int_equal(o.error.left, 3);
            free_view(input);
        }
    }
}

static void test_missing_pad(void **state) {
    (void)state;
    built b;
    built_batch(&b);
    add_command(&b, CMRP_CLUSREG_SET_VALUE, CMRP_REG_BINARY, "n", "abc", 3);
    const cmrp_view input = exact(b.octets, b.size - 1);
    const outcome strict = decode_one(input, CMRP_BATCH_STRICT);
    assert_error(&strict.error, CMRP_E_PADDING_MISSING, BASE + input.size, "Padding",
                 "MS-CMRP 2.2.3.17.1");
    const outcome lenient = decode_one(input, CMRP_BATCH_LENIENT);
    assert_int_equal(lenient.error.code, CMRP_OK);
    assert_true(lenient.command.pad_missing);
    assert_int_equal(lenient.command.warnings, CMRP_BATCH_WARN_PADDING_MISSING);
    check_warnings(&lenient.command, 1, (expected_warning[]){{"padding", "Padding", b.size - 1}});
    free_view(input);
}

// ---- warnings -----------------------------------------------------------------------------------

static void test_one_warning_each(void **state) {
    (void)state;
    static const struct {
        uint32_t type, value_type, data_size;
        uint8_t pad;
        size_t count;
        expected_warning expected[3];
    } rows[] = {
        {0, 0, 0, 0, 1, {{"reserved-command", "CommandType", 4}}},
        {5, 99, 3, 0, 1, {{"reserved-command", "CommandType", 4}}},
        {19, 0, 2, 0, 1, {{"reserved-command", "CommandType", 4}}},
        {UINT32_MAX, 7, 0, 0, 1, {{"reserved-command", "CommandType", 4}}},
        {1, 5, 0, 0, 1, {{"value-type", "ValueType", 8}}},
        {1, 6, 2, 0, 1, {{"value-type", "ValueType", 8}}},
        {8, 12, 2, 0, 1, {{"value-type", "ValueType", 8}}},
        {8, UINT32_MAX, 2, 0, 1, {{"value-type", "ValueType", 8}}},
        {2, 1, 0, 0, 1, {{"value-type", "ValueType", 8}}},
        {3, UINT32_MAX, 0, 0, 1, {{"value-type", "ValueType", 8}}},
        {4, 1, 0, 0, 1, {{"value-type", "ValueType", 8}}},
        {7, 3, 0, 0, 1, {{"value-type", "ValueType", 8}}},
        {6, 5, 2, 0, 0, {{0}}},   // the type that a value had may be anything
        {9, 2, 0, 0, 0, {{0}}},   // a status code
        {10, 99, 2, 0, 0, {{0}}}, // not specified
        {18, 99, 3, 0, 0, {{0}}},
        {2, 0, 2, 0, 1, {{"data-unused", "DataLength", 20}}},
        {7, 0, 1, 0, 1, {{"data-unused", "DataLength", 20}}},
        {1, 3, 1, 1, 1, {{"padding", "Padding", 25}}},
        {4,
         1,
         3,
         0xff,
         3,
         {{"value-type", "ValueType", 8},
          {"data-unused", "DataLength", 20},
          {"padding", "Padding", 27}}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        built b;
        built_batch(&b);
        add_command(&b, rows[i].type, rows[i].value_type, "n", "abcd", rows[i].data_size);
        if (rows[i].data_size % 2 != 0) {
            b.octets[b.size - 1] = rows[i].pad;
        }
        const cmrp_view input = exact(b.octets, b.size);
        const outcome o = decode_one(input, CMRP_BATCH_STRICT);
        assert_int_equal(o.error.code, CMRP_OK);
        assert_int_equal(o.command.padding, rows[i].pad);
        check_warnings(&o.command, rows[i].count, rows[i].expected);
        free_view(input);
    }
}

static void test_values_of_warnings(void **state) {
    (void)state;
    built b;
    cmrp_error warning;
    unsigned cursor = 0;
    char text[80];
    built_batch(&b);
    add_command(&b, 77, 0, "n", "a", 1);
    b.octets[b.size - 1] = 0xfe;
    const outcome o = decode_one(built_view(&b), CMRP_BATCH_STRICT);
    assert_true(cmrp_batch_warning(&o.command, &cursor, &warning));
    (void)cmrp_error_message(&warning, text, sizeof text);
    assert_string_equal(text, "CommandType 77 is reserved");
    assert_true(cmrp_batch_warning(&o.command, &cursor, &warning));
    (void)cmrp_error_message(&warning, text, sizeof text);
    assert_string_equal(text, "Padding is 0xfe, not 0");
    const cmrp_error before = warning;
    assert_false(cmrp_batch_warning(&o.command, &cursor, &warning));
    assert_false(cmrp_batch_warning(&o.command, &cursor, &warning));
    assert_int_equal(warning.offset, before.offset);
    assert_int_equal(warning.code, before.code);
}

static void test_every_warning_in_wire_order(void **state) {
    (void)state;
    static const uint8_t octets[4] = {0};
    const cmrp_batch_command c = {
        .offset = BASE,
        .name = {octets, 4},
        .data = {octets, 3},
        .warnings = 0x3ff,
    };
    check_warnings(&c, 10,
                   (expected_warning[]){{"reserved-command", "CommandType", 0},
                                        {"value-type", "ValueType", 4},
                                        {"value-type", "ValueType", 4},
                                        {"name-length", "NameLength", 8},
                                        {"name-terminator", "Name", 12},
                                        {"name-nul", "Name", 12},
                                        {"surrogate", "Name", 12},
                                        {"data-unused", "DataLength", 16},
                                        {"padding", "Padding", 23},
                                        {"padding", "Padding", 23}});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_names),
        cmocka_unit_test(test_registry_type_names),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_commands_as_written),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_name_length),
        cmocka_unit_test(test_name_content),
        cmocka_unit_test(test_name_text_of_odd_fields),
        cmocka_unit_test(test_data_length),
        cmocka_unit_test(test_missing_pad),
        cmocka_unit_test(test_one_warning_each),
        cmocka_unit_test(test_values_of_warnings),
        cmocka_unit_test(test_every_warning_in_wire_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
