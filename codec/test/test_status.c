// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include "cmrp/status.h"

#define CMRP_CODE_ROW(name, number, id, message) {CMRP_E_##name, number, id, message},
static const struct {
    cmrp_code code;
    unsigned number;
    const char *id;
    const char *message;
} codes[] = {CMRP_CODES(CMRP_CODE_ROW)};
#undef CMRP_CODE_ROW

// The ids that other programs rely on, each with the layer whose numbers it may have.
static const struct {
    const char *id;
    unsigned first;
    unsigned last;
} known[] = {
    {"truncated", 1, 19},
    {"trailing", 1, 39},
    {"no-space", 1, 19},
    {"value", 1, 99},
    {"version", 20, 39},
    {"empty", 20, 119},
    {"name-length", 20, 39},
    {"name-overrun", 20, 39},
    {"name-terminator", 20, 39},
    {"name-nul", 20, 39},
    {"data-overrun", 20, 39},
    {"padding", 20, 119},
    {"value-type", 20, 39},
    {"reserved-command", 20, 39},
    {"data-unused", 20, 39},
    {"surrogate", 20, 39},
    {"overrun", 40, 59},
    {"count-mismatch", 40, 59},
    {"null-pointer", 40, 59},
    {"string-offset", 40, 59},
    {"string-count", 40, 59},
    {"string-terminator", 40, 119},
    {"ndr-padding", 40, 59},
    {"rpc-version", 60, 79},
    {"drep", 60, 79},
    {"ptype", 60, 79},
    {"frag-length", 60, 79},
    {"auth-length", 60, 79},
    {"floor-length", 60, 79},
    {"range", 60, 79},
    {"unknown-method", 80, 99},
    {"string-length", 100, 119},
    {"string-nul", 100, 119},
    {"string-padding", 100, 119},
    {"property-syntax", 100, 119},
    {"value-size", 100, 119},
    {"value-count", 100, 119},
    {"expand-sz", 100, 119},
    {"unlisted", 100, 119},
    {"boolean", 100, 119},
    {"end-mark", 100, 119},
};

static void test_ids(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        size_t k = 0;
        while (k < COUNT_OF(known) && strcmp(known[k].id, codes[i].id) != 0) {
            k++;
        }
        assert_true(k < COUNT_OF(known));
        assert_in_range(codes[i].number, known[k].first, known[k].last);
        assert_int_equal(codes[i].code, codes[i].number);
        assert_true(i == 0 || codes[i].number > codes[i - 1].number);
        assert_string_equal(cmrp_code_id(codes[i].code), codes[i].id);
    }
    for (size_t k = 0; k < COUNT_OF(known); k++) {
        size_t i = 0;
        while (i < COUNT_OF(codes) && strcmp(known[k].id, codes[i].id) != 0) {
            i++;
        }
        assert_true(i < COUNT_OF(codes));
    }
}

static void test_id_of_no_code(void **state) {
    (void)state;
    assert_string_equal(cmrp_code_id(CMRP_OK), "ok");
    assert_string_equal(cmrp_code_id((cmrp_code)19), "unknown");
    assert_string_equal(cmrp_code_id((cmrp_code)255), "unknown");
}

static void test_messages_are_complete(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        for (const char *m = codes[i].message; *m != '\0'; m++) {
            if (*m == '%') {
                assert_non_null(strchr("fvxl", *++m));
                assert_true(*m != '\0');
            }
        }
        const cmrp_error error = {.code = codes[i].code, .value = 7, .left = 5, .field = "Field"};
        char text[200];
        const size_t length = cmrp_error_message(&error, text, sizeof text);
        assert_int_equal(length, strlen(text));
        assert_true(length > 10);
        assert_null(strchr(text, '%'));
        assert_true(strstr(codes[i].message, "%f") == NULL || strstr(text, "Field") != NULL);
        assert_true(strstr(codes[i].message, "%v") == NULL || strstr(text, "7") != NULL);
        assert_true(strstr(codes[i].message, "%x") == NULL || strstr(text, "0x7") != NULL);
        assert_true(strstr(codes[i].message, "%l") == NULL || strstr(text, "5 bytes") != NULL);
    }
}

static void test_message_of_no_code(void **state) {
    (void)state;
    char text[40];
    const cmrp_error none = {0};
    const cmrp_error odd = {.code = (cmrp_code)19};
    (void)cmrp_error_message(&none, text, sizeof text);
    assert_string_equal(text, "no error");
    (void)cmrp_error_message(&odd, text, sizeof text);
    assert_string_equal(text, "unknown error");
}

static void test_field_paths(void **state) {
    (void)state;
    static const struct {
        cmrp_error error;
        const char *path;
    } rows[] = {
        {{.field = "NameLength"}, "NameLength"},
        {{.field = "NameLength", .index = 3}, "NameLength"},
        {{.field = NULL}, "?"},
        {{.array = "Notifications", .index = 3, .field = "NotificationData.Name"},
         "Notifications[3].NotificationData.Name"},
        {{.array = "Notifications", .index = 0, .field = "dwNotifyKey"},
         "Notifications[0].dwNotifyKey"},
        {{.array = "Notifications", .index = UINT32_MAX - 1, .field = "x"},
         "Notifications[4294967294].x"},
        {{.array = "filter", .index = CMRP_NO_INDEX, .field = "FilterFlags"}, "filter.FilterFlags"},
        {{.array = "filter", .index = CMRP_NO_INDEX}, "filter.?"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[80];
        assert_int_equal(cmrp_error_field(&rows[i].error, text, sizeof text), strlen(rows[i].path));
        assert_string_equal(text, rows[i].path);
    }
}

static void test_sentences(void **state) {
    (void)state;
    static const struct {
        cmrp_error error;
        const char *message;
        const char *format;
    } rows[] = {
        {{.code = CMRP_E_NAME_OVERRUN,
          .offset = 12,
          .value = 4294967295,
          .left = 194,
          .field = "NameLength",
          .section = "MS-CMRP 2.2.3.17.1"},
         "NameLength 4294967295 runs past the end (194 bytes left)",
         "offset 12: NameLength 4294967295 runs past the end (194 bytes left) "
         "[MS-CMRP 2.2.3.17.1]"},
        {{.code = CMRP_E_TRUNCATED, .left = 1, .field = "ValueType"},
         "ValueType is cut short (1 byte left)",
         "offset 0: ValueType is cut short (1 byte left)"},
        {{.code = CMRP_E_TRUNCATED, .offset = UINT64_MAX, .field = "ValueType"},
         "ValueType is cut short (0 bytes left)",
         "offset 18446744073709551615: ValueType is cut short (0 bytes left)"},
        {{.code = CMRP_E_PADDING_NONZERO, .value = 0xab, .field = "Padding"},
         "Padding is 0xab, not 0",
         "offset 0: Padding is 0xab, not 0"},
        {{.code = CMRP_E_DREP, .value = UINT64_MAX, .field = "packed_drep"},
         "packed_drep is 0xffffffffffffffff: an unknown integer representation",
         "offset 0: packed_drep is 0xffffffffffffffff: an unknown integer representation"},
        {{.code = CMRP_E_NULL_POINTER,
          .value = 4,
          .array = "Notifications",
          .index = 2,
          .field = "NotificationData.buffer",
          .section = "MS-CMRP 3.1.4.2.138"},
         "Notifications[2].NotificationData.buffer is NULL but its size parameter is 4",
         "offset 0: Notifications[2].NotificationData.buffer is NULL but its size parameter is 4 "
         "[MS-CMRP 3.1.4.2.138]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[160];
        assert_int_equal(cmrp_error_message(&rows[i].error, text, sizeof text),
                         strlen(rows[i].message));
        assert_string_equal(text, rows[i].message);
        assert_int_equal(cmrp_error_format(&rows[i].error, text, sizeof text),
                         strlen(rows[i].format));
        assert_string_equal(text, rows[i].format);
    }
}

typedef size_t text_function(const cmrp_error *error, char *buffer, size_t capacity);

// Every capacity: the full length, a front part, a NUL, nothing behind it.
static void check_capacities(text_function *function, const cmrp_error *error) {
    enum { UNTOUCHED = 'U' };
    char whole[160];
    const size_t length = function(error, whole, sizeof whole);
    assert_true(length < sizeof whole);
    assert_int_equal(function(error, NULL, 0), length);
    for (size_t capacity = 1; capacity <= length + 2; capacity++) {
        char part[164];
        memset(part, UNTOUCHED, sizeof part);
        assert_int_equal(function(error, part, capacity), length);
        const size_t kept = capacity > length ? length : capacity - 1;
        assert_memory_equal(part, whole, kept);
        assert_int_equal(part[kept], '\0');
        for (size_t i = kept + 1; i < sizeof part; i++) {
            assert_int_equal(part[i], UNTOUCHED);
        }
    }
}

static void test_capacities(void **state) {
    (void)state;
    const cmrp_error error = {.code = CMRP_E_OVERRUN,
                              .offset = 1234,
                              .value = 99,
                              .left = 3,
                              .array = "Notifications",
                              .index = 17,
                              .field = "NotificationData.Name",
                              .section = "MS-CMRP 3.1.4.2.138"};
    check_capacities(cmrp_error_field, &error);
    check_capacities(cmrp_error_message, &error);
    check_capacities(cmrp_error_format, &error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_id_of_no_code),
        cmocka_unit_test(test_messages_are_complete),
        cmocka_unit_test(test_message_of_no_code),
        cmocka_unit_test(test_field_paths),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_capacities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
