// SPDX-License-Identifier: Apache-2.0
// What errors and warnings about payloads say beyond their code: value, section, the property that
// they belong to. And calls of their readers and writers that the codec itself never makes.
#include "test_support.h"

#include "cmrp/batch.h"
#include "cmrp/payload.h"

#define LIST     "MS-CMRP 2.2.3.10"
#define PROPERTY "MS-CMRP 2.2.3.10.1"
#define SYNTAX   "MS-CMRP 2.2.2.3"
#define EVENTS   "MS-CMRP 3.1.4.2.138"

#define NAMED "\3\0\4\0\4\0\0\0A\0\0\0" // CLUSPROP_SYNTAX_NAME, "A"

static const uint8_t zeros[4] = {0};

static void decode_payload(uint32_t type, uint64_t flag, const char *octets, size_t size,
                           warnings *w, cmrp_error *error) {
    const cmrp_view input = exact(octets, size);
    cmrp_payload p;
    *w = (warnings){0};
    *error = (cmrp_error){0};
    const bool ok = cmrp_payload_decode(type, flag, input, BASE, &p, collect, w, error);
    assert_int_equal(ok, error->code == CMRP_OK);
    free_view(input);
}

// NULs more than needed: where they begin and how many they are.
static void test_surplus_nuls(void **state) {
    (void)state;
    cmrp_error error;
    warnings w;
    decode_payload(2, 0x10, "1\0\0\0\0\0\0\0", 8, &w, &error); // an identifier and three NULs
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_STRING_PADDING, BASE + 4, "buffer", EVENTS);
    assert_int_equal(w.list[0].value, 2);
    decode_payload(2, 0x20, "1\0\0\0\0\0\0\0\0\0\0\0", 12, &w, &error); // a list and five
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_STRING_PADDING, BASE + 6, "buffer", EVENTS);
    assert_int_equal(w.list[0].value, 3);
}

// The same in a property's value: four NULs behind a text of one unit.
static void test_surplus_nuls_of_a_value(void **state) {
    (void)state;
    static const char list[] = "\1\0\0\0" NAMED "\3\0\1\0\12\0\0\0x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    cmrp_error error;
    warnings w;
    decode_payload(2, 0x2, list, 4 + 12 + 8 + 12 + 4, &w, &error);
    assert_int_equal(error.code, CMRP_OK);
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_STRING_PADDING, BASE + 24 + 4, "propertyValue[0].Buffer",
                 SYNTAX);
    assert_int_equal(w.list[0].value, 3);
}

static void test_events_without_payload(void **state) {
    (void)state;
    const cmrp_payload_row *row;
    for (size_t i = 0; (row = cmrp_payload_row_at(i)) != NULL; i++) {
        assert_int_equal(strcmp(row->what, "nothing") == 0, row->kind == CMRP_PAYLOAD_EMPTY);
    }
}

// What is wrong with a property: its number, its field, the section that says so.
static void test_properties_refused(void **state) {
    (void)state;
    static const struct {
        const char *octets; // behind a count of 1
        size_t size;
        cmrp_code code;
        size_t at;
        const char *path, *section;
    } cases[] = {
        {"\4\0\4\0", 4, CMRP_E_PROPERTY_SYNTAX, 4, "propertyValue[0].CLUSPROP_SYNTAX_NAME",
         PROPERTY},
        {"\3\0", 2, CMRP_E_TRUNCATED, 4, "propertyValue[0].CLUSPROP_SYNTAX_NAME", PROPERTY},
        {"\3\0\4\0\3\0\0\0a\0\0\0", 12, CMRP_E_STRING_LENGTH, 8, "propertyValue[0].size", PROPERTY},
        {"\3\0\4\0\4\0\0\0a\0b\0", 12, CMRP_E_STRING_TERMINATOR, 12, "propertyValue[0].buffer",
         PROPERTY},
        {NAMED "\0\0\0\0", 16, CMRP_E_NO_VALUE, 16, "propertyValue[0].PropertyValues", PROPERTY},
        {NAMED "\2\0\2\1", 16, CMRP_E_PROPERTY_SYNTAX, 16, "propertyValue[0].Syntax", SYNTAX},
        {NAMED "\2\0\1\0\2\0\0\0ab\0\0", 24, CMRP_E_VALUE_SIZE, 20, "propertyValue[0].Size",
         SYNTAX},
        {NAMED "\3\0\1\0\3\0\0\0a\0b\0", 24, CMRP_E_STRING_LENGTH, 20, "propertyValue[0].Size",
         PROPERTY},
        {NAMED "\3\0\1\0\4\0\0\0a\0b\0", 24, CMRP_E_STRING_TERMINATOR, 24,
         "propertyValue[0].Buffer", SYNTAX},
        {NAMED "\1\0\1\0\0\0\0\0\0\0\0\0x", 25, CMRP_E_TRAILING, 28, "PROPERTY_LIST", LIST},
        {NAMED "\1\0\1\0\1\0\0\0a\0", 22, CMRP_E_TRUNCATED, 25, "propertyValue[0].Padding",
         PROPERTY},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char octets[64] = "\1\0\0\0";
        cmrp_error error;
        warnings w;
        memcpy(octets + 4, cases[i].octets, cases[i].size);
        decode_payload(2, 0x2, octets, 4 + cases[i].size, &w, &error);
        assert_error(&error, cases[i].code, BASE + cases[i].at, cases[i].path, cases[i].section);
    }
    // A value that is refused in a second property: its syntax's section is not the name's.
    static const char two[] = "\2\0\0\0" NAMED "\2\0\1\0\4\0\0\0abcd\0\0\0\0\3\0";
    cmrp_error error;
    warnings w;
    decode_payload(2, 0x2, two, 4 + 12 + 12 + 4 + 2, &w, &error);
    assert_error(&error, CMRP_E_TRUNCATED, BASE + 32, "propertyValue[1].CLUSPROP_SYNTAX_NAME",
                 PROPERTY);
}

// Padding is told as the number that its octets make.
static void test_padding_of_properties(void **state) {
    (void)state;
    static const char list[] =
        "\1\0\0\0\3\0\4\0\6\0\0\0A\0b\0\0\0\x21\x43\1\0\1\0\1\0\0\0x\x11\x22\x33\0\0\0\0";
    cmrp_error error;
    warnings w;
    decode_payload(2, 0x2, list, sizeof list - 1, &w, &error);
    assert_int_equal(error.code, CMRP_OK);
    assert_int_equal(w.count, 2);
    assert_error(&w.list[0], CMRP_E_PADDING_NONZERO, BASE + 18, "propertyValue[0].padding",
                 PROPERTY);
    assert_int_equal(w.list[0].value, 0x4321);
    assert_error(&w.list[1], CMRP_E_PADDING_NONZERO, BASE + 29, "propertyValue[0].Padding",
                 PROPERTY);
    assert_int_equal(w.list[1].value, 0x332211);
}

static void test_second_property_without_value(void **state) {
    (void)state;
    const cmrp_property p = {.name = {(const uint8_t *)"a\0\0\0", 4}};
    const cmrp_property_value v = {.syntax = 0x00010002, .data = {zeros, 4}};
    cmrp_error error = {0};
    cmrp_property_writer pw;
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_property_writer_open(&pw, &w));
    assert_true(cmrp_property_put(&pw, &p));
    assert_true(cmrp_property_put_value(&pw, &v));
    assert_true(cmrp_property_put(&pw, &p));
    assert_false(cmrp_property_writer_close(&pw));
    assert_error(&error, CMRP_E_NO_VALUE, w.size, "PropertyValues", PROPERTY);
}

// Refused steps say so themselves.
static void test_refused_steps(void **state) {
    (void)state;
    const cmrp_property p = {.name = {(const uint8_t *)"a\0\0\0", 4}};
    const cmrp_property long_name = {.name = {zeros, UINT32_MAX}};
    const cmrp_property_value size = {.syntax = 0x00010002, .data = {zeros, 3}};
    static uint8_t text[CMRP_SHARED_VOLUME_SIZE];
    memset(text, 'a', sizeof text); // no NUL ends its name
    const cmrp_property_value volume = {.syntax = 0x00010001, .data = {text, sizeof text}};
    const cmrp_property_value largest = {.syntax = 0x00010002, .data = {zeros, UINT32_MAX}};
    const cmrp_property_value *const values[] = {NULL, &size, &largest, &volume};
    for (unsigned i = 0; i < COUNT_OF(values); i++) {
        cmrp_error error = {0};
        cmrp_property_writer pw;
        cmrp_writer w;
        cmrp_sizer_init(&w, &error, "none");
        assert_true(cmrp_property_writer_open(&pw, &w));
        pw.shared_volumes = true;
        if (i == 0) { // the largest size, which is odd
            assert_false(cmrp_property_put(&pw, &long_name));
            assert_error(&error, CMRP_E_STRING_LENGTH, 4, "size", PROPERTY);
            continue;
        }
        assert_true(cmrp_property_put(&pw, &p));
        assert_false(cmrp_property_put_value(&pw, values[i]));
        if (i < 3) {
            assert_error(&error, CMRP_E_VALUE_SIZE, 16, "Size", SYNTAX);
        } else {
            assert_int_equal(error.code, CMRP_E_STRING_TERMINATOR);
            assert_string_equal(error.field, "szVolumeName");
        }
        assert_int_equal(w.size, 4 + 12);
    }
    // One octet more does not fit into Size.
    const cmrp_property_value beyond = {.syntax = 0x00010001,
                                        .data = {zeros, (size_t)UINT32_MAX + 1}};
    cmrp_error error = {0};
    cmrp_property_writer pw;
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_property_writer_open(&pw, &w));
    assert_true(cmrp_property_put(&pw, &p));
    assert_false(cmrp_property_put_value(&pw, &beyond));
    assert_error(&error, CMRP_E_TOO_LARGE, 16, "Size", PROPERTY);
    // A list that could not be opened cannot be closed.
    cmrp_error full = {0};
    cmrp_property_writer closed;
    cmrp_writer none;
    cmrp_writer_init(&none, NULL, 0, &full, "none");
    assert_false(cmrp_property_writer_open(&closed, &none));
    assert_false(cmrp_property_writer_close(&closed));
    // The same of a batch's name.
    const cmrp_batch_command c = {.type = 4, .name = {zeros, UINT32_MAX}};
    cmrp_batch_writer bw;
    error = (cmrp_error){0};
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_batch_writer_open(&bw, &w, 0));
    assert_false(cmrp_batch_put(&bw, &c));
    assert_error(&error, CMRP_E_NAME_LENGTH, 4, "NameLength", "MS-CMRP 2.2.3.17.1");
}

// The first refusal of a writer stays, whatever is wrong with what comes next.
static void test_refusal_stays(void **state) {
    (void)state;
    const cmrp_payload p = {
        .row = cmrp_payload_row_of(2, 0x2), .kind = CMRP_PAYLOAD_PROPERTIES, .octets = {zeros, 3}};
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_false(cmrp_payload_encode(&p, &w));
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
    const cmrp_payload nothing = {.row = cmrp_payload_row_of(2, 0x1), .kind = CMRP_PAYLOAD_EMPTY};
    assert_false(cmrp_payload_encode(&nothing, &w)); // not even nothing
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

// As many NULs as a size can count.
static void test_most_nuls(void **state) {
    (void)state;
    cmrp_payload p = {.row = cmrp_payload_row_of(2, 0x10),
                      .kind = CMRP_PAYLOAD_ID,
                      .text = {(const uint8_t *)"1\0", 2},
                      .nuls = (SIZE_MAX - 2) / 2};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_payload_encode(&p, &w));
    assert_int_equal(w.size, SIZE_MAX - 1);
    p.nuls++;
    cmrp_sizer_init(&w, &error, "none");
    assert_false(cmrp_payload_encode(&p, &w));
    assert_error(&error, CMRP_E_TOO_LARGE, 0, "buffer", EVENTS);
}

// A volume is of one size or the other; where it is cut or goes on, it is refused.
static void test_sizes_of_volumes(void **state) {
    (void)state;
    for (size_t size = 0; size <= CMRP_SHARED_VOLUME_EX_SIZE + 1; size++) {
        static const uint8_t octets[CMRP_SHARED_VOLUME_EX_SIZE + 1];
        cmrp_error error = {0};
        cmrp_shared_volume v;
        const bool whole = size == CMRP_SHARED_VOLUME_SIZE || size == CMRP_SHARED_VOLUME_EX_SIZE;
        const bool more = size > CMRP_SHARED_VOLUME_EX_SIZE;
        assert_int_equal(
            cmrp_shared_volume_read((cmrp_view){octets, size}, 0, &v, NULL, NULL, &error), whole);
        assert_int_equal(error.code, whole ? CMRP_OK : more ? CMRP_E_TRAILING : CMRP_E_TRUNCATED);
        assert_true(!more || error.offset == CMRP_SHARED_VOLUME_EX_SIZE);
    }
}

// Each octet behind the NUL of a name counts.
static void test_rest_of_a_name(void **state) {
    (void)state;
    for (size_t at = 2; at < CMRP_SHARED_VOLUME_NAME_SIZE; at++) {
        uint8_t octets[CMRP_SHARED_VOLUME_SIZE] = {0};
        cmrp_error error = {0};
        cmrp_shared_volume v;
        warnings w = {0};
        octets[at] = 1;
        assert_true(cmrp_shared_volume_read((cmrp_view){octets, sizeof octets}, BASE, &v, collect,
                                            &w, &error));
        assert_int_equal(w.count, 1);
        assert_error(&w.list[0], CMRP_E_STRING_REST, BASE + 2, "szVolumeName", "MS-CMRP 2.2.3.29");
    }
}

static void test_units_of_odd_size(void **state) {
    (void)state;
    const cmrp_view odd = {(const uint8_t *)"a\0\0\0\0", 5};
    cmrp_units_found found;
    assert_int_equal(cmrp_units_judge_text(odd, &found), CMRP_E_STRING_LENGTH);
    assert_int_equal(cmrp_units_judge_list(odd, &found), CMRP_E_STRING_LENGTH);
}

// What stands in the last whole unit of a text of odd size is seen as well.
static void test_last_unit_of_odd_text(void **state) {
    (void)state;
    static const char nul[] = "a\1a\1a\1a\1\0\0a";
    static const char half[] = "a\1a\1a\1a\1\0\xd8\x61";
    assert_int_equal(cmrp_utf16_check((cmrp_view){(const uint8_t *)nul, 11}, CMRP_LITTLE_ENDIAN),
                     CMRP_UTF16_NUL | CMRP_UTF16_ODD_SIZE);
    assert_int_equal(cmrp_utf16_check((cmrp_view){(const uint8_t *)half, 11}, CMRP_LITTLE_ENDIAN),
                     CMRP_UTF16_UNPAIRED | CMRP_UTF16_ODD_SIZE);
}

// A ValueType whose low bits are those of a listed one is not that one.
static void test_types_out_of_range(void **state) {
    (void)state;
    static const uint8_t types[] = {1, 35, 67, 131};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        uint8_t octets[] = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                            0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}; // SET_VALUE
        cmrp_error error = {0};
        cmrp_error warning;
        cmrp_batch batch;
        cmrp_batch_command c;
        unsigned cursor = 0;
        octets[8] = types[i];
        assert_true(cmrp_batch_open(&batch, (cmrp_view){octets, sizeof octets}, 0, 0, &error));
        assert_true(cmrp_batch_next(&batch, &c));
        assert_int_equal(c.value_type, types[i]);
        assert_int_equal(cmrp_batch_warning(&c, &cursor, &warning), types[i] != 1);
        if (types[i] != 1) {
            assert_error(&warning, CMRP_E_VALUE_TYPE_UNLISTED, 8, "ValueType",
                         "MS-CMRP 2.2.3.17.1");
        }
    }
}

// A command whose pad octet is missing is refused, not delivered.
static void test_missing_pad(void **state) {
    (void)state;
    static const uint8_t octets[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
                                     2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9};
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    assert_true(cmrp_batch_open(&batch, (cmrp_view){octets, sizeof octets}, 0, 0, &error));
    assert_false(cmrp_batch_next(&batch, &c));
    assert_error(&error, CMRP_E_PADDING_MISSING, sizeof octets, "Padding", "MS-CMRP 2.2.3.17.1");
    assert_int_equal(batch.count, 0);
}

// The largest size that UpNodesSize can say.
static void test_most_nodes(void **state) {
    (void)state;
    cmrp_payload p = {.row = cmrp_payload_row_of(1, 0x800), .kind = CMRP_PAYLOAD_MEMBERSHIP};
    cmrp_error error = {0};
    cmrp_writer w;
    p.up_nodes = (cmrp_view){zeros, UINT32_MAX}; // which a null sink does not read
    cmrp_sizer_init(&w, &error, "none");
    assert_int_equal(cmrp_payload_encode(&p, &w), sizeof(size_t) > 4);
    assert_int_equal(error.code, sizeof(size_t) > 4 ? CMRP_OK : CMRP_E_NO_SPACE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surplus_nuls),
        cmocka_unit_test(test_surplus_nuls_of_a_value),
        cmocka_unit_test(test_events_without_payload),
        cmocka_unit_test(test_properties_refused),
        cmocka_unit_test(test_padding_of_properties),
        cmocka_unit_test(test_second_property_without_value),
        cmocka_unit_test(test_refused_steps),
        cmocka_unit_test(test_refusal_stays),
        cmocka_unit_test(test_most_nuls),
        cmocka_unit_test(test_sizes_of_volumes),
        cmocka_unit_test(test_rest_of_a_name),
        cmocka_unit_test(test_units_of_odd_size),
        cmocka_unit_test(test_last_unit_of_odd_text),
        cmocka_unit_test(test_types_out_of_range),
        cmocka_unit_test(test_missing_pad),
        cmocka_unit_test(test_most_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
