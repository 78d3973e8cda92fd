// SPDX-License-Identifier: Apache-2.0
// Stubs that lie about sizes, and values that cannot be encoded.
#include "stub_shapes.h"

#define SECTION_113 "MS-CMRP 3.1.4.2.112"
#define SECTION_115 "MS-CMRP 3.1.4.2.114"
#define SECTION_139 "MS-CMRP 3.1.4.2.138"
#define SECTION_147 "MS-CMRP 3.1.4.2.143"

enum { ROW_MEMBERS = 9 };

// Decodes what was built, in a buffer of exactly its size, and expects this error.
static void check_refused(const built *b, uint32_t opnum, bool response, unsigned form,
                          cmrp_code code, size_t offset, uint64_t value, const char *path,
                          const char *section) {
    static stub_slots s;
    cmrp_error error = {0};
    const cmrp_view input = exact(b->octets, b->size);
    s.format = format_of(opnum, response, form);
    assert_false(decode_stub(&s, input, BASE, &error));
    assert_error(&error, code, BASE + offset, path, section);
    assert_int_equal(error.value, value);
    free_view(input);
}

static void begin(built *b, unsigned form) {
    const cmrp_stub_format f = format_of(113, false, form);
    built_init(b, f.order, f.syntax);
}

// ---- sizes that disagree ------------------------------------------------------------------------

static void test_batch_size(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 2, 4, 0x80000003, UINT32_MAX};
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            built b;
            begin(&b, form);
            ndr_handle(&b, "hKey", sample_handle);
            ndr_uint(&b, "cbData", 4, sizes[i]);
            const size_t at = (b.size + b.word - 1) / b.word * b.word;
            ndr_octets(&b, "lpData", "abc", 3);
            check_refused(&b, 113, false, form, CMRP_E_COUNT_MISMATCH, at, 3, "lpData",
                          SECTION_113);
        }
    }
}

static void test_null_with_a_size(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 3, UINT32_MAX};
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            built b;
            begin(&b, form);
            ndr_uint(&b, "cbData", 4, sizes[i]);
            ndr_word(&b, "lpData", 0);
            ndr_uint(&b, "return", 4, 0);
            check_refused(&b, 115, true, form, CMRP_E_NULL_POINTER, b.word, sizes[i], "lpData",
                          SECTION_115);
            begin(&b, form);
            ndr_word(&b, "Notifications", 0);
            ndr_uint(&b, "dwNumNotifications", 4, sizes[i]);
            ndr_uint(&b, "return", 4, 0);
            check_refused(&b, 139, true, form, CMRP_E_NULL_POINTER, 0, sizes[i], "Notifications",
                          SECTION_139);
        }
    }
}

// The count follows its array: the array is read first, the count decides afterwards.
static void test_number_of_rows(void **state) {
    (void)state;
    static const uint32_t counts[] = {0, 1, 3, UINT32_MAX};
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            built b;
            begin(&b, form);
            ndr_word(&b, "Notifications", 1);
            ndr_word(&b, "Notifications", 2);
            for (unsigned row = 0; row < 2; row++) {
                ndr_uint(&b, "dwNotifyKey", 4, 0);
                ndr_uint(&b, "dwFilter", 4, 0);
                ndr_word(&b, "Name", 0);
            }
            ndr_uint(&b, "dwNumNotifications", 4, counts[i]);
            ndr_uint(&b, "return", 4, 0);
            check_refused(&b, 147, true, form, CMRP_E_COUNT_MISMATCH, b.word, 2, "Notifications",
                          SECTION_147);
        }
    }
}

// A row of ApiGetNotifyV2 whose buffer is `held` octets long, or NULL, and said to be `size`.
static size_t add_row_with_buffer(built *b, uint64_t referent, uint32_t size) {
    ndr_align(b, "", 8);
    ndr_word(b, "", 1);
    ndr_align(b, "", 8);
    ndr_uint(b, "", 4, 2);
    ndr_uint(b, "", 8, 1);
    const size_t at = b->size;
    ndr_word(b, "", referent);
    ndr_uint(b, "", 4, size);
    for (size_t i = 0; i < 4; i++) {
        ndr_word(b, "", 0);
    }
    return at;
}

static void test_buffer_in_a_row(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        for (unsigned null = 0; null < 2; null++) {
            built b;
            begin(&b, form);
            ndr_word(&b, "Notifications", 1);
            ndr_word(&b, "Notifications", 2);
            (void)add_row_with_buffer(&b, 1, 2);
            const size_t referent = add_row_with_buffer(&b, null ? 0 : 1, 4);
            ndr_octets(&b, "", "ab", 2);
            const size_t max_count = (b.size + b.word - 1) / b.word * b.word;
            if (!null) {
                ndr_octets(&b, "", "abc", 3);
            }
            ndr_uint(&b, "dwNumNotifications", 4, 2);
            ndr_uint(&b, "return", 4, 0);
            check_refused(&b, 139, true, form, null ? CMRP_E_NULL_POINTER : CMRP_E_COUNT_MISMATCH,
                          null ? referent : max_count, null ? 4 : 3,
                          "Notifications[1].NotificationData.buffer", SECTION_139);
        }
    }
}

// ---- counts that are too large ------------------------------------------------------------------

// Strides of NOTIFICATION_RPC and NOTIFICATION_DATA_ASYNC_RPC [MS-CMRP 2.2.3.24, 2.2.3.30].
static size_t stride(uint32_t opnum, bool wide) {
    return opnum == 139 ? (wide ? 72 : 48) : (wide ? 16 : 12);
}

static void test_hostile_row_counts(void **state) {
    (void)state;
    static const uint32_t opnums[] = {139, 147};
    for (unsigned i = 0; i < 2 * STUB_FORMS; i++) {
        const unsigned form = i / 2;
        const uint32_t opnum = opnums[i % 2];
        const bool wide = form / 2 != 0;
        const size_t row = stride(opnum, wide);
        const uint64_t all = wide ? UINT64_MAX : UINT32_MAX;
        const uint64_t counts[] = {
            3,
            4,
            0x7fffffff,
            0x80000000,
            UINT32_MAX,
            all,
            all / 2 + 1,
            all / row, // about as many as fit into the number
            all / row + 1,
            all / row + 2, // × stride is little, or 0
            all - 1,
        };
        for (size_t k = 0; k < COUNT_OF(counts); k++) {
            built b;
            begin(&b, form);
            ndr_word(&b, "Notifications", 1);
            ndr_word(&b, "Notifications", counts[k]);
            const uint8_t rows[2 * 72] = {0};
            add_octets(&b, "", rows, 2 * row, CMRP_OK, 0);
            check_refused(&b, opnum, true, form, CMRP_E_OVERRUN, b.word, counts[k], "Notifications",
                          opnum == 139 ? SECTION_139 : SECTION_147);
        }
    }
}

static void test_hostile_octet_counts(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        const uint64_t all = form / 2 != 0 ? UINT64_MAX : UINT32_MAX;
        const uint64_t counts[] = {4, UINT32_MAX, all, all / 2 + 1, all - 31};
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            built b;
            begin(&b, form);
            ndr_handle(&b, "hKey", sample_handle);
            ndr_uint(&b, "cbData", 4, counts[i] & UINT32_MAX);
            ndr_word(&b, "lpData", counts[i]);
            const size_t at = b.size - b.word;
            add_octets(&b, "", "abc", 3, CMRP_OK, 0);
            check_refused(&b, 113, false, form, CMRP_E_OVERRUN, at, counts[i], "lpData",
                          SECTION_113);
        }
    }
}

// Strings inside rows: the row is named.
static void test_strings_in_rows(void **state) {
    (void)state;
    static const struct {
        uint64_t max_count, offset, actual_count;
        cmrp_code code;
        size_t word; // which of the three is wrong
        uint64_t value;
    } rows[] = {
        {2, 1, 2, CMRP_E_STRING_OFFSET, 1, 1},
        {2, 0, 0, CMRP_E_STRING_COUNT, 2, 0},
        {1, 0, 2, CMRP_E_STRING_COUNT, 2, 2},
        {9999, 0, 9999, CMRP_E_OVERRUN, 2, 9999},
    };
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            built b;
            begin(&b, form);
            ndr_word(&b, "Notifications", 1);
            ndr_word(&b, "Notifications", 2);
            for (unsigned row = 0; row < 2; row++) {
                ndr_uint(&b, "", 4, 0);
                ndr_uint(&b, "", 4, 0);
                ndr_word(&b, "", row);
            }
            const size_t at = b.size + rows[i].word * b.word;
            add_uint(&b, "", b.word, rows[i].max_count);
            add_uint(&b, "", b.word, rows[i].offset);
            add_uint(&b, "", b.word, rows[i].actual_count);
            add_text(&b, "", "xy", CMRP_OK, 0);
            ndr_uint(&b, "dwNumNotifications", 4, 2);
            ndr_uint(&b, "return", 4, 0);
            check_refused(&b, 147, true, form, rows[i].code, at, rows[i].value,
                          "Notifications[1].Name", SECTION_147);
        }
        built b;
        begin(&b, form);
        ndr_word(&b, "ClusterName", 1);
        add_uint(&b, "", b.word, 2);
        add_uint(&b, "", b.word, 0);
        add_uint(&b, "", b.word, 2);
        add_text(&b, "", "xy", CMRP_OK, 0); // no NUL
        check_refused(&b, 3, true, form, CMRP_E_STRING_TERMINATOR, b.size - 2, 0, "ClusterName",
                      "MS-CMRP 3.1.4.2.4");
    }
}

// ---- what a failure leaves ----------------------------------------------------------------------

static void test_slots_after_a_failure(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        built b;
        begin(&b, form);
        ndr_handle(&b, "hNotify", sample_handle);
        ndr_handle(&b, "hGroup", sample_handle);
        ndr_uint(&b, "dwFilter", 4, 0x1000);
        ndr_uint(&b, "dwNotifyKey", 4, 1);
        for (size_t size = 0; size < b.size; size++) {
            static stub_slots s;
            const size_t whole = size < 20 ? 0 : size < 40 ? 1 : size < 44 ? 2 : 3;
            cmrp_error error = {0};
            const cmrp_view input = exact(b.octets, size);
            s.format = format_of(59, false, form);
            memset(s.slots, 0xff, sizeof s.slots);
            assert_false(decode_stub(&s, input, 0, &error));
            for (size_t i = 0; i < CMRP_MAX_PARAMS; i++) {
                assert_int_equal(s.slots[i].present, i < whole);
            }
            assert_true(whole < 3 || s.slots[2].value == 0x1000);
            free_view(input);
        }
    }
}

// Where only the sizes disagree everything has been read.
static void test_slots_after_sizes_that_disagree(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        built b;
        cmrp_error error = {0};
        begin(&b, form);
        ndr_uint(&b, "cbData", 4, 4);
        ndr_word(&b, "lpData", 1);
        ndr_octets(&b, "lpData", "abc", 3);
        ndr_uint(&b, "return", 4, 5);
        s.format = format_of(115, true, form);
        assert_false(decode_stub(&s, built_view(&b), 0, &error));
        assert_int_equal(error.code, CMRP_E_COUNT_MISMATCH);
        for (size_t i = 0; i < CMRP_MAX_PARAMS; i++) {
            assert_int_equal(s.slots[i].present, i >= 1 && i <= 3);
        }
        assert_int_equal(s.slots[2].bytes.size, 3);
        assert_int_equal(s.slots[3].value, 5);
    }
}

static void test_no_stub_after_an_error(void **state) {
    (void)state;
    static stub_slots s;
    uint8_t out[64] = {0};
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    cmrp_writer w;
    cmrp_writer_init(&w, out, sizeof out, &error, "none");
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        s.format = format_of(37, false, form);
        assert_false(decode_stub(&s, (cmrp_view){out, 20}, 0, &error));
        s.slots[0].present = true;
        assert_false(encode_stub(&s, &w));
        assert_int_equal(w.size, 0);
        assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
        assert_null(error.array);
    }
}

// ---- what cannot be encoded ---------------------------------------------------------------------

static void check_not_encoded(stub_slots *s, cmrp_code code, const char *path) {
    cmrp_error error = {0};
    cmrp_writer w;
    char text[128];
    cmrp_sizer_init(&w, &error, "none");
    assert_false(encode_stub(s, &w));
    assert_string_equal(cmrp_code_id(error.code), cmrp_code_id(code));
    assert_int_equal(error.code, code);
    (void)cmrp_error_field(&error, text, sizeof text);
    assert_string_equal(text, path);
    assert_string_equal(error.section, cmrp_method_section(s->format.method, CMRP_INTERFACE_3));
    assert_int_equal(error.offset, w.size);
}

static void decode_shape(stub_slots *s, uint32_t opnum, bool response, unsigned form) {
    for (size_t i = 0; i < stub_shape_count; i++) {
        if (stub_shapes[i].opnum == opnum && stub_shapes[i].response == response &&
            stub_shapes[i].interface == CMRP_INTERFACE_3) {
            static built b; // the slots are views of it
            cmrp_error error = {0};
            stub_build(&b, &stub_shapes[i], form);
            s->format = stub_format(&stub_shapes[i], form);
            assert_true(decode_stub(s, built_view(&b), 0, &error));
            return;
        }
    }
    fail_msg("no shape for %u", (unsigned)opnum);
}

static void test_missing_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < stub_shape_count; i++) {
        for (unsigned form = 0; form < STUB_FORMS; form++) {
            static stub_slots s;
            built b;
            const stub_shape *shape = &stub_shapes[i];
            if (shape->interface == CMRP_INTERFACE_2) {
                continue;
            }
            stub_build(&b, shape, form);
            s.format = stub_format(shape, form);
            for (uint32_t p = 0; p < s.format.method->count; p++) {
                const cmrp_param *param = &s.format.method->params[p];
                cmrp_error error = {0};
                assert_true(decode_stub(&s, built_view(&b), 0, &error));
                if (!cmrp_param_travels(param, &s.format) || param->meaning == CMRP_MEANS_COUNT ||
                    param->kind == CMRP_KIND_ROOM) {
                    continue;
                }
                // Not there and not needed to be: then the count in front of it is 0.
                for (uint32_t n = 0; n < s.format.method->count; n++) {
                    s.slots[n].present &= s.format.method->params[n].meaning != CMRP_MEANS_COUNT;
                }
                s.slots[p].present = false;
                check_not_encoded(&s, CMRP_E_MISSING, param->name);
                s.slots[p].present = true;
                if (!param->unique && cmrp_param_struct(param) != NULL) {
                    s.slots[p].null = true;
                    check_not_encoded(&s, CMRP_E_MISSING, param->name);
                }
            }
        }
    }
}

static void test_counts_that_do_not_agree(void **state) {
    (void)state;
    static const struct {
        uint32_t opnum;
        bool response;
        size_t count;
    } rows[] = {{113, false, 1}, {115, true, 1}, {139, true, 2},
                {147, true, 2},  {54, false, 4}, {79, true, 7}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned form = 0; form < STUB_FORMS; form++) {
            static stub_slots s;
            decode_shape(&s, rows[i].opnum, rows[i].response, form);
            s.slots[rows[i].count].value++;
            check_not_encoded(&s, CMRP_E_COUNT_MISMATCH,
                              s.format.method->params[rows[i].count].name);
        }
    }
}

static void test_integers_too_large(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        decode_shape(&s, 59, false, form);
        s.slots[2].value = 1ull << 32;
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "dwFilter");
        decode_shape(&s, 102, true, form);
        s.slots[1].value = 0x10000;
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "lpwMinorVersion");
        decode_shape(&s, 113, true, form);
        s.slots[3].value = UINT64_MAX; // -1 in 64 bits is not an int as its 32 bits
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "pdwFailedCommand");
    }
}

static void test_data_too_large(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        decode_shape(&s, 113, false, form);
        s.slots[1].present = false;
        s.slots[2].bytes.size = (size_t)UINT32_MAX + 1; // a null sink does not look at it
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "cbData");
        decode_shape(&s, 147, true, form);
        s.slots[1].rows.count = 1ull << 32;
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_sizer_init(&w, &error, "none");
        assert_false(encode_stub(&s, &w));
        // NDR20 has no such max_count; NDR64 runs out of rows.
        assert_int_equal(error.code, form / 2 == 0 ? CMRP_E_TOO_LARGE : CMRP_E_MISSING);
        assert_string_equal(error.field, "Notifications");
    }
}

static void test_rows_that_do_not_fit(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        static cmrp_slot members[2 * ROW_MEMBERS];
        decode_shape(&s, 139, true, form);
        cmrp_rows rows = s.slots[1].rows;
        assert_true(cmrp_rows_next(&rows, members));
        assert_true(cmrp_rows_next(&rows, members + ROW_MEMBERS));
        s.slots[1].rows = (cmrp_rows){.count = 2, .members = members};
        // A key of 64 bits fits a DWORD_PTR of NDR64 only.
        members[ROW_MEMBERS].value = 1ull << 32;
        if (form / 2 == 0) {
            check_not_encoded(&s, CMRP_E_TOO_LARGE, "Notifications[1].dwNotifyKey");
        } else {
            cmrp_error error = {0};
            cmrp_writer w;
            cmrp_sizer_init(&w, &error, "none");
            assert_true(encode_stub(&s, &w));
        }
        members[ROW_MEMBERS].value = 0;
        members[4].value++;
        check_not_encoded(&s, CMRP_E_COUNT_MISMATCH,
                          "Notifications[0].NotificationData.dwBufferSize");
        members[4].value--;
        members[ROW_MEMBERS + 5].bytes.size--; // half a unit
        check_not_encoded(&s, CMRP_E_STRING_TERMINATOR,
                          "Notifications[1].NotificationData.ObjectId");
        members[ROW_MEMBERS + 5].bytes.size++;
        members[ROW_MEMBERS + 5].present = false;
        check_not_encoded(&s, CMRP_E_MISSING, "Notifications[1].NotificationData.ObjectId");
    }
}

static void test_structures_that_do_not_fit(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        cmrp_slot members[2] = {{.present = true, .value = 1ull << 32}, {.present = true}};
        decode_shape(&s, 138, false, form);
        s.slots[2].rows = (cmrp_rows){.members = members};
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "filter.dwObjectType");
        s.slots[2].rows = (cmrp_rows){0}; // neither members nor a source nor a decoded stub
        check_not_encoded(&s, CMRP_E_MISSING, "filter");
    }
}

// The size of an array at the end of a structure stands before that, and inside it.
static void test_lists_that_do_not_fit(void **state) {
    (void)state;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        cmrp_slot members[2], entries[3][2];
        decode_shape(&s, 7, true, form);
        assert_true(cmrp_rows_next(&s.slots[1].rows, members));
        for (size_t i = 0; i < 3; i++) {
            assert_true(cmrp_rows_next(&members[1].rows, entries[i]));
        }
        assert_false(cmrp_rows_next(&members[1].rows, entries[0]));
        s.slots[1].rows = (cmrp_rows){.members = members};
        members[1].rows = (cmrp_rows){.count = 3, .members = entries[0]};
        members[0].value = 2;
        check_not_encoded(&s, CMRP_E_COUNT_MISMATCH, "ReturnEnum.EntryCount");
        members[0].present = false; // derived
        entries[2][1].bytes.size--; // half a unit
        check_not_encoded(&s, CMRP_E_STRING_TERMINATOR, "Entry[2].Name");
        entries[1][0].present = false;
        check_not_encoded(&s, CMRP_E_MISSING, "Entry[1].Type");
        members[1].rows = (cmrp_rows){.count = 1}; // neither members nor a source
        check_not_encoded(&s, CMRP_E_MISSING, "ReturnEnum.Entry");
        members[1].present = false;
        check_not_encoded(&s, CMRP_E_MISSING, "ReturnEnum.Entry");
    }
}

// Only the request of a control code holds the room, but the response says it, too.
static void test_rooms_and_units(void **state) {
    (void)state;
    enum { ROOM = 6, UNITS = 3 };
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        static stub_slots s;
        cmrp_error error = {0};
        uint8_t octets[64];
        cmrp_writer w;
        decode_shape(&s, 79, true, form);
        assert_int_equal(s.slots[ROOM].value, 9);
        s.slots[ROOM].value = 4;
        check_not_encoded(&s, CMRP_E_COUNT_MISMATCH, "nOutBufferSize");
        s.slots[ROOM].value = 1ull << 32;
        check_not_encoded(&s, CMRP_E_TOO_LARGE, "nOutBufferSize");
        s.slots[ROOM].present = false; // as large as what is there
        cmrp_writer_init(&w, octets, sizeof octets, &error, "none");
        assert_true(encode_stub(&s, &w));
        assert_true(decode_stub(&s, (cmrp_view){octets, w.size}, 0, &error));
        assert_int_equal(s.slots[ROOM].value, 5);
        decode_shape(&s, 54, false, form);
        s.slots[UNITS].bytes.size--;
        s.slots[UNITS + 1].present = false;
        check_not_encoded(&s, CMRP_E_ODD_UNITS, "multiSzNodeList");
    }
}

typedef struct giving_up {
    unsigned calls;
    unsigned last; // the call that fails
} giving_up;

static bool give_up(void *context, uint64_t index, cmrp_slot *members) {
    giving_up *g = context;
    (void)index;
    for (size_t i = 0; i < 3; i++) {
        assert_false(members[i].present); // members come empty
        members[i] = (cmrp_slot){.present = true, .null = i == 2};
    }
    return g->calls++ < g->last;
}

static void test_source_that_gives_up(void **state) {
    (void)state;
    for (unsigned last = 0; last < 6; last++) { // three rows: fixed parts, then pointees
        static stub_slots s;
        giving_up g = {0, last};
        cmrp_error error = {0};
        cmrp_writer w;
        decode_shape(&s, 147, true, 0);
        s.slots[1].rows = (cmrp_rows){.count = 3, .source = give_up, .context = &g};
        cmrp_sizer_init(&w, &error, "none");
        assert_false(encode_stub(&s, &w));
        assert_int_equal(g.calls, last + 1);
        assert_int_equal(error.code, CMRP_E_MISSING);
        assert_string_equal(error.field, "Notifications");
        assert_int_equal(error.value, last % 3);
        g = (giving_up){0, 6};
        error = (cmrp_error){0};
        cmrp_sizer_init(&w, &error, "none");
        assert_true(encode_stub(&s, &w));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_size),
        cmocka_unit_test(test_null_with_a_size),
        cmocka_unit_test(test_number_of_rows),
        cmocka_unit_test(test_buffer_in_a_row),
        cmocka_unit_test(test_hostile_row_counts),
        cmocka_unit_test(test_hostile_octet_counts),
        cmocka_unit_test(test_strings_in_rows),
        cmocka_unit_test(test_slots_after_a_failure),
        cmocka_unit_test(test_slots_after_sizes_that_disagree),
        cmocka_unit_test(test_no_stub_after_an_error),
        cmocka_unit_test(test_missing_parameters),
        cmocka_unit_test(test_counts_that_do_not_agree),
        cmocka_unit_test(test_integers_too_large),
        cmocka_unit_test(test_data_too_large),
        cmocka_unit_test(test_rows_that_do_not_fit),
        cmocka_unit_test(test_structures_that_do_not_fit),
        cmocka_unit_test(test_lists_that_do_not_fit),
        cmocka_unit_test(test_rooms_and_units),
        cmocka_unit_test(test_source_that_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
