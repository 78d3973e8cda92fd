// SPDX-License-Identifier: Apache-2.0
// The lenient mode: what it accepts beyond the strict one, and with which warnings.
#include "test_batch.h"

static void test_lenient_empty(void **state) {
    (void)state;
    built b;
    cmrp_error warning;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "VersionNumber", 4, 1);
    const outcome o = decode_one(built_view(&b), CMRP_BATCH_LENIENT);
    assert_int_equal(o.count, 0);
    assert_int_equal(o.error.code, CMRP_OK);
    assert_true(o.batch.empty);
    assert_true(cmrp_batch_end_warning(&o.batch, &warning));
    assert_error(&warning, CMRP_E_EMPTY, BASE + 4, "CommandType", "MS-CMRP 2.2.3.17.1");
}

static void test_lenient_absent_name(void **state) {
    (void)state;
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "VersionNumber", 4, 1);
    add_uint(&b, "CommandType", 4, CMRP_CLUSREG_DELETE_KEY);
    add_uint(&b, "ValueType", 4, 0);
    add_uint(&b, "NameLength", 4, 0);
    add_uint(&b, "DataLength", 4, 0);
    const cmrp_view input = exact(b.octets, b.size);
    const outcome o = decode_one(input, CMRP_BATCH_LENIENT);
    assert_int_equal(o.error.code, CMRP_OK);
    assert_int_equal(o.count, 1);
    assert_int_equal(o.command.name.size, 0);
    assert_int_equal(o.batch.trailing.size, 0);
    check_warnings(&o.command, 1, (expected_warning[]){{"name-length", "NameLength", 12}});
    // Unchecked names are not lenient ones.
    const outcome unchecked = decode_one(input, CMRP_BATCH_UNCHECKED_NAMES);
    assert_int_equal(unchecked.error.code, CMRP_E_NAME_LENGTH);
    free_view(input);
}

// After a complete command: 1 to 17 octets are kept, 18 and more are a command again.
static void test_lenient_trailing(void **state) {
    (void)state;
    for (size_t size = 0; size < 24; size++) {
        built b;
        cmrp_error warning;
        const uint8_t junk[24] = {0xff, 0xff, 0xff, 0xff, 1, 1, 1, 1, 0xff};
        built_batch(&b);
        add_command(&b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
        const size_t start = b.size;
        add_octets(&b, "junk", junk, size, CMRP_OK, 0);
        const cmrp_view input = exact(b.octets, b.size);
        const outcome o = decode_one(input, CMRP_BATCH_LENIENT);
        const outcome strict = decode_one(input, CMRP_BATCH_STRICT);
        assert_int_equal(o.count, 1);
        assert_int_equal(strict.error.code == CMRP_OK, size == 0);
        assert_int_equal(o.error.code == CMRP_OK, size < 18);
        if (size == 0 || size >= 18) {
            assert_int_equal(o.batch.trailing.size, 0);
            assert_false(cmrp_batch_end_warning(&o.batch, &warning));
        } else {
            assert_int_equal(o.batch.trailing.size, size);
            assert_ptr_equal(o.batch.trailing.data, input.data + start);
            assert_true(cmrp_batch_end_warning(&o.batch, &warning));
            assert_error(&warning, CMRP_E_AFTER_COMMANDS, BASE + start, "CommandType",
                         "MS-CMRP 2.2.3.17.1");
            assert_int_equal(warning.left, size);
        }
        free_view(input);
    }
}

static void test_lenient_needs_a_command_first(void **state) {
    (void)state;
    for (size_t size = 1; size < 16; size++) {
        built b;
        const uint8_t junk[16] = {2};
        built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
        add_uint(&b, "VersionNumber", 4, 1);
        add_octets(&b, "junk", junk, size, CMRP_OK, 0);
        const outcome o = decode_one(built_view(&b), CMRP_BATCH_LENIENT);
        assert_int_equal(o.error.code, CMRP_E_TRUNCATED);
        assert_int_equal(o.error.offset, BASE + 4 + size / 4 * 4);
        assert_int_equal(o.batch.trailing.size, 0);
    }
}

static void test_lenient_short_command_is_no_trailing(void **state) {
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        built b;
        cmrp_error warning;
        built_batch(&b);
        add_command(&b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
        add_uint(&b, "CommandType", 4, CMRP_CLUSREG_SET_VALUE);
        add_uint(&b, "ValueType", 4, CMRP_REG_BINARY);
        add_uint(&b, "NameLength", 4, 0);
        add_uint(&b, "DataLength", 4, extra);
        add_octets(&b, "Data", "x", extra, CMRP_OK, 0); // and no pad octet
        const cmrp_view input = exact(b.octets, b.size);
        const outcome o = decode_one(input, CMRP_BATCH_LENIENT);
        assert_int_equal(o.count, 2);
        assert_int_equal(o.error.code, CMRP_OK);
        assert_int_equal(o.batch.trailing.size, 0);
        assert_false(cmrp_batch_end_warning(&o.batch, &warning));
        free_view(input);
    }
}

// Every front part of a valid buffer in the lenient mode: never worse than the strict one.
static void test_lenient_accepts_what_strict_does(void **state) {
    (void)state;
    built b;
    build_four(&b);
    for (size_t size = 0; size <= b.size; size++) {
        const cmrp_view input = exact(b.octets, size);
        const outcome strict = decode_one(input, CMRP_BATCH_STRICT);
        const outcome lenient = decode_one(input, CMRP_BATCH_LENIENT);
        assert_true(lenient.count >= strict.count);
        assert_true(strict.error.code != CMRP_OK || lenient.error.code == CMRP_OK);
        if (strict.error.code == CMRP_OK) {
            assert_int_equal(lenient.count, strict.count);
            assert_int_equal(lenient.batch.trailing.size, 0);
        }
        free_view(input);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lenient_empty),
        cmocka_unit_test(test_lenient_absent_name),
        cmocka_unit_test(test_lenient_trailing),
        cmocka_unit_test(test_lenient_needs_a_command_first),
        cmocka_unit_test(test_lenient_short_command_is_no_trailing),
        cmocka_unit_test(test_lenient_accepts_what_strict_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
