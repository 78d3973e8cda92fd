// SPDX-License-Identifier: Apache-2.0
// Stubs that are well-formed, every cut of them, and mutations; refusals are in
// test_stub_refusals.c.
#include "stub_shapes.h"

static const stub_shape *shape_named(const char *name) {
    for (size_t i = 0; i < stub_shape_count; i++) {
        if (strcmp(stub_shapes[i].name, name) == 0) {
            return &stub_shapes[i];
        }
    }
    fail_msg("no shape %s", name);
    return NULL;
}

// ---- every shape --------------------------------------------------------------------------------

static void test_every_shape(void **state) {
    (void)state;
    static stub_slots s;
    for (size_t i = 0; i < stub_shape_count; i++) {
        for (unsigned form = 0; form < STUB_FORMS; form++) {
            built b;
            cmrp_error error = {0};
            warnings w = {0};
            stub_build(&b, &stub_shapes[i], form);
            s.format = stub_format(&stub_shapes[i], form);
            check_cuts(&b, decode_stub, &s, 0);
            check_cuts(&b, decode_stub, &s, BASE);
            const cmrp_view input = exact(b.octets, b.size);
            assert_true(cmrp_stub_decode(&s.format, input, BASE, s.slots, collect, &w, &error));
            assert_int_equal(w.count, 0);
            check_encode(encode_stub, &s, input, NULL);
            free_view(input);
        }
    }
}

// Whether a slot's value stands where the slot says; rows are followed.
static void check_place(const cmrp_param *p, const cmrp_slot *slot, cmrp_view stub,
                        cmrp_syntax syntax, cmrp_order order) {
    assert_in_range(slot->offset, BASE, BASE + stub.size);
    const uint8_t *at = stub.data + (slot->offset - BASE);
    const bool wide = syntax == CMRP_NDR64;
    cmrp_slot members[CMRP_MAX_PARAMS];
    cmrp_rows rows = slot->rows;
    if (slot->null) {
        assert_int_equal(cmrp_load_u32(at, order), 0);
        return;
    }
    switch (p->kind) {
    case CMRP_KIND_U16: assert_int_equal(cmrp_load_u16(at, order), slot->value); break;
    case CMRP_KIND_U32:
    case CMRP_KIND_I32: assert_int_equal(cmrp_load_u32(at, order), slot->value); break;
    case CMRP_KIND_WORD:
    case CMRP_KIND_ROOM: // at the max_count that says it
        assert_int_equal(wide ? cmrp_load_u64(at, order) : cmrp_load_u32(at, order), slot->value);
        break;
    case CMRP_KIND_U64: assert_int_equal(cmrp_load_u64(at, order), slot->value); break;
    case CMRP_KIND_HANDLE:
        assert_memory_equal(at + 12, slot->handle + 12, 8); // the part that has no byte order
        break;
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL:
        while (cmrp_rows_next(&rows, members)) {
            if (p->kind == CMRP_KIND_RECORD) { // the size of an array at its end stands before it
                const cmrp_param *last = &rows.type->members[rows.type->count - 1];
                const size_t size = last->kind == CMRP_KIND_TAIL ? cmrp_ndr_word(syntax) : 0;
                assert_int_equal(slot->offset + size, members[0].offset);
            }
            for (uint32_t i = 0; i < rows.type->count; i++) {
                check_place(&rows.type->members[i], &members[i], stub, syntax, order);
            }
        }
        break;
    default: assert_ptr_equal(at, slot->bytes.data);
    }
}

static void test_places(void **state) {
    (void)state;
    static stub_slots s;
    for (size_t i = 0; i < stub_shape_count; i++) {
        for (unsigned form = 0; form < STUB_FORMS; form++) {
            built b;
            cmrp_error error = {0};
            stub_build(&b, &stub_shapes[i], form);
            s.format = stub_format(&stub_shapes[i], form);
            assert_true(
                cmrp_stub_decode(&s.format, built_view(&b), BASE, s.slots, NULL, NULL, &error));
            for (uint32_t p = 0; p < s.format.method->count; p++) {
                if (s.slots[p].present) {
                    check_place(&s.format.method->params[p], &s.slots[p], built_view(&b),
                                s.format.syntax, s.format.order);
                }
            }
        }
    }
}

// The stub need not begin where the writer does: alignment counts from its first octet.
static bool encode_behind(void *context, cmrp_writer *w) {
    return cmrp_put_zero(w, "before", 3) && encode_stub(context, w);
}

static void test_a_stub_behind_other_octets(void **state) {
    (void)state;
    static stub_slots s;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        const stub_shape *shape = shape_named("ApiGetNotifyV2 response");
        built b;
        uint8_t expected[1027] = {0};
        cmrp_error error = {0};
        stub_build(&b, shape, form);
        memcpy(expected + 3, b.octets, b.size);
        s.format = stub_format(shape, form);
        assert_true(decode_stub(&s, built_view(&b), 0, &error));
        check_encode(encode_behind, &s, (cmrp_view){expected, 3 + b.size}, NULL);
    }
}

static void test_sections(void **state) {
    (void)state;
    for (unsigned interface = CMRP_INTERFACE_2; interface <= CMRP_INTERFACE_3; interface++) {
        const char *section =
            interface == CMRP_INTERFACE_2 ? "MS-CMRP 3.1.4.1.66" : "MS-CMRP 3.1.4.2.66";
        const cmrp_stub_format f = {cmrp_method_numbered(interface, 65), interface, false,
                                    CMRP_NDR20, CMRP_LITTLE_ENDIAN};
        cmrp_slot slots[CMRP_MAX_PARAMS];
        cmrp_error error = {0};
        cmrp_writer w;
        assert_false(cmrp_stub_decode(&f, (cmrp_view){NULL, 0}, BASE, slots, NULL, NULL, &error));
        assert_error(&error, CMRP_E_TRUNCATED, BASE, "hNotify", section);
        error = (cmrp_error){0};
        cmrp_sizer_init(&w, &error, "none");
        assert_false(cmrp_stub_encode(&f, slots, &w)); // nothing is present
        assert_error(&error, CMRP_E_MISSING, 0, "hNotify", section);
    }
}

// ---- what the slots hold ------------------------------------------------------------------------

static void decode_shape(built *b, stub_slots *s, const char *name, unsigned form) {
    cmrp_error error = {0};
    stub_build(b, shape_named(name), form);
    s->format = stub_format(shape_named(name), form);
    memset(s->slots, 0xff, sizeof s->slots); // nothing of what was there before matters
    assert_true(decode_stub(s, built_view(b), BASE, &error));
    assert_int_equal(error.code, CMRP_OK);
}

static void test_integers_and_handles(void **state) {
    (void)state;
    static stub_slots s;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        built b;
        decode_shape(&b, &s, "ApiAddNotifyGroup request", form);
        assert_memory_equal(s.slots[0].handle, sample_handle, CMRP_HANDLE_SIZE);
        assert_memory_equal(s.slots[1].handle, sample_handle, CMRP_HANDLE_SIZE);
        assert_int_equal(s.slots[2].value, 0x80009000);
        assert_int_equal(s.slots[3].value, 0x12345678);
        for (size_t i = 0; i < CMRP_MAX_PARAMS; i++) {
            assert_int_equal(s.slots[i].present, i < 4); // the out parameters do not travel
            assert_false(s.slots[i].null);
        }
        decode_shape(&b, &s, "ApiExecuteBatch response", form);
        assert_int_equal(s.slots[3].value, UINT32_MAX); // an int as its 32 bits
        assert_false(s.slots[2].present);
    }
}

static void test_strings_and_records(void **state) {
    (void)state;
    static stub_slots s;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        built b;
        cmrp_slot members[CMRP_MAX_PARAMS];
        decode_shape(&b, &s, "ApiEnumKey response", form);
        assert_true(is_text(s.slots[2].bytes, s.format.order, "Groups"));
        assert_int_equal(s.slots[2].order, s.format.order);
        assert_true(inside(s.slots[2].bytes, built_view(&b)));
        assert_int_equal(s.slots[3].rows.count, 1);
        assert_string_equal(s.slots[3].rows.type->name, "FILETIME");
        assert_true(cmrp_rows_next(&s.slots[3].rows, members));
        assert_int_equal(members[0].value, 0x89abcdef);
        assert_int_equal(members[1].value, 0x01234567);
        assert_false(cmrp_rows_next(&s.slots[3].rows, members));
        decode_shape(&b, &s, "ApiGetClusterName response, NULL", form);
        assert_true(s.slots[0].present && s.slots[0].null);
        assert_true(s.slots[1].present && s.slots[1].null);
        decode_shape(&b, &s, "ApiGetClusterVersion2 response, NULL", form);
        assert_true(s.slots[5].null);
        assert_false(cmrp_rows_next(&s.slots[5].rows, members));
    }
}

static void check_notification(const cmrp_slot *m, cmrp_order order, size_t row) {
    assert_int_equal(m[0].value, row == 0 ? 0xfedcba98 : 1);
    assert_int_equal(m[1].value, row == 0 ? 2 : 7);
    assert_int_equal(m[2].value, row == 0 ? 8 : 0x10);
    assert_int_equal(m[3].null, row != 0);
    assert_int_equal(m[4].value, row == 0 ? 5 : 0);
    assert_int_equal(m[6].null, row != 0);
    assert_int_equal(m[8].null, row != 0);
    assert_true(is_text(m[5].bytes, order, row == 0 ? "an id" : "2"));
    assert_true(is_text(m[7].bytes, order, row == 0 ? "Group1" : "node"));
    if (row == 0) {
        assert_int_equal(m[3].bytes.size, 5);
        assert_memory_equal(m[3].bytes.data, "\1\0\0\0\xff", 5);
        assert_true(is_text(m[6].bytes, order, ""));
        assert_true(is_text(m[8].bytes, order, "t"));
    }
}

static void test_rows(void **state) {
    (void)state;
    static stub_slots s;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        built b;
        cmrp_slot members[CMRP_MAX_PARAMS];
        decode_shape(&b, &s, "ApiGetNotifyV2 response", form);
        assert_int_equal(s.slots[1].rows.count, 2);
        assert_int_equal(s.slots[2].value, 2);
        cmrp_rows copy = s.slots[1].rows;
        for (unsigned pass = 0; pass < 2; pass++) {
            cmrp_rows rows = copy; // a copy begins again
            for (size_t row = 0; row < 2; row++) {
                assert_int_equal(rows.next, row);
                assert_true(cmrp_rows_next(&rows, members));
                check_notification(members, s.format.order, row);
            }
            assert_false(cmrp_rows_next(&rows, members));
            assert_false(cmrp_rows_next(&rows, members));
        }
        decode_shape(&b, &s, "ApiGetNotifyV2 response, none", form);
        assert_false(s.slots[1].null);
        assert_int_equal(s.slots[1].rows.count, 0);
        assert_false(cmrp_rows_next(&s.slots[1].rows, members));
        decode_shape(&b, &s, "ApiGetNotifyV2 response, NULL", form);
        assert_true(s.slots[1].null);
    }
}

// ---- rows from elsewhere ------------------------------------------------------------------------

typedef struct row_table {
    cmrp_slot members[2][CMRP_MAX_PARAMS];
    unsigned calls;
} row_table;

static bool row_of_table(void *context, uint64_t index, cmrp_slot *members) {
    row_table *t = context;
    assert_int_equal(index, t->calls++ % 2);
    memcpy(members, t->members[index], 9 * sizeof *members);
    return true;
}

// Encodes the same array from a decoded stub, from rows in memory and from a callback.
static void test_sources_of_rows(void **state) {
    (void)state;
    static stub_slots s;
    static row_table t;
    for (unsigned form = 0; form < STUB_FORMS; form++) {
        built b;
        cmrp_slot packed[2 * 9];
        decode_shape(&b, &s, "ApiGetNotifyV2 response", form);
        cmrp_rows rows = s.slots[1].rows;
        for (size_t i = 0; i < 2; i++) {
            assert_true(cmrp_rows_next(&rows, t.members[i]));
            memcpy(packed + 9 * i, t.members[i], 9 * sizeof packed[0]);
        }
        s.slots[1].rows = (cmrp_rows){.count = 2, .members = packed};
        check_encode(encode_stub, &s, built_view(&b), NULL);
        t.calls = 0;
        s.slots[1].rows = (cmrp_rows){.count = 2, .source = row_of_table, .context = &t};
        uint8_t out[1024];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, out, sizeof out, &error, "none");
        assert_true(encode_stub(&s, &w));
        assert_int_equal(w.size, b.size);
        assert_memory_equal(out, b.octets, b.size);
        assert_int_equal(t.calls, 4); // fixed parts, then pointees
    }
}

static void test_derived_counts(void **state) {
    (void)state;
    static const char *const names[] = {
        "ApiExecuteBatch request",          "ApiExecuteBatch request, empty",
        "ApiGetBatchNotification response", "ApiGetBatchNotification response, NULL",
        "ApiGetNotifyV2 response",          "ApiGetNotifyV2 response, NULL",
        "ApiGetNotifyAsync response",       "ApiSetGroupNodeList request",
        "ApiNodeControl response",
    };
    static stub_slots s;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (unsigned form = 0; form < STUB_FORMS; form++) {
            built b;
            decode_shape(&b, &s, names[i], form);
            const cmrp_method *m = s.format.method;
            for (uint32_t p = 0; p < m->count; p++) {
                if (m->params[p].meaning == CMRP_MEANS_COUNT) {
                    s.slots[p] = (cmrp_slot){.present = false, .value = 99};
                }
            }
            check_encode(encode_stub, &s, built_view(&b), NULL);
        }
    }
}

// ---- warnings -----------------------------------------------------------------------------------

static void check_gap(const char *name, unsigned form, size_t gap, size_t size, const char *path) {
    static stub_slots s;
    for (size_t i = 0; i < size; i++) {
        built b;
        warnings w = {0};
        cmrp_error error = {0};
        stub_build(&b, shape_named(name), form);
        s.format = stub_format(shape_named(name), form);
        assert_int_equal(b.octets[gap + i], 0);
        b.octets[gap + i] = 0x80;
        assert_true(
            cmrp_stub_decode(&s.format, built_view(&b), BASE, s.slots, collect, &w, &error));
        assert_int_equal(w.count, 1);
        assert_error(&w.list[0], CMRP_E_NDR_PADDING, BASE + gap, path,
                     cmrp_method_section(s.format.method, CMRP_INTERFACE_3));
        assert_true(decode_stub(&s, built_view(&b), BASE, &error)); // nobody wants to know
    }
}

static void test_gaps_that_are_not_zero(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        const unsigned ndr20 = order;
        const unsigned ndr64 = 2 + order;
        check_gap("ApiEnumKey response", ndr20, 30, 2, "lpftLastWriteTime");
        check_gap("ApiEnumKey response", ndr64, 46, 2, "lpftLastWriteTime");
        check_gap("ApiAddNotifyV2 request", ndr20, 44, 4, "filter.FilterFlags");
        check_gap("ApiAddNotifyV2 request", ndr64, 44, 4, "filter.FilterFlags");
        check_gap("ApiGetNotifyV2 response", ndr20, 12, 4,
                  "Notifications[0].NotificationData.FilterAndType.dwObjectType");
        check_gap("ApiGetNotifyV2 response", ndr20, 8 + 48 + 12, 4,
                  "Notifications[1].NotificationData.FilterAndType.FilterFlags");
        check_gap("ApiGetNotifyV2 response", ndr64, 16 + 72 + 36, 4,
                  "Notifications[1].NotificationData.ObjectId");
        check_gap("ApiGetNotifyV2 response", ndr20, 8 + 96 + 9, 3,
                  "Notifications[0].NotificationData.ObjectId");
    }
}

static void test_octets_behind(void **state) {
    (void)state;
    static stub_slots s;
    for (size_t i = 0; i < 5 * stub_shape_count; i++) {
        const stub_shape *shape = &stub_shapes[i / 5];
        const size_t behind = 1 + i % 5;
        built b;
        warnings w = {0};
        cmrp_error error = {0};
        stub_build(&b, shape, 0);
        s.format = stub_format(shape, 0);
        const size_t size = b.size;
        add_octets(&b, "behind", "\0\0\0\0\0", behind, CMRP_OK, 0);
        assert_true(
            cmrp_stub_decode(&s.format, built_view(&b), BASE, s.slots, collect, &w, &error));
        assert_int_equal(w.count, 1);
        assert_error(&w.list[0], CMRP_E_TRAILING, BASE + size, "stub",
                     cmrp_method_section(s.format.method, s.format.interface));
        assert_int_equal(w.list[0].left, behind);
        assert_true(decode_stub(&s, built_view(&b), BASE, &error));
    }
}

// ---- mutations ----------------------------------------------------------------------------------

static void check_slots(const cmrp_param *params, size_t count, const cmrp_slot *slots,
                        cmrp_view input) {
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].present || slots[i].null) {
            continue;
        }
        if (slots[i].bytes.data != NULL) {
            assert_true(inside(slots[i].bytes, input));
        } else if (cmrp_param_struct(&params[i]) != NULL) {
            cmrp_rows rows = slots[i].rows;
            cmrp_slot members[CMRP_MAX_PARAMS];
            uint64_t delivered = 0;
            while (cmrp_rows_next(&rows, members)) {
                check_slots(rows.type->members, rows.type->count, members, input);
                delivered++;
            }
            assert_int_equal(delivered, slots[i].rows.count);
        }
    }
}

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    stub_slots *s = context;
    static uint8_t out[2][8192];
    size_t sizes[2];
    warnings w = {0};
    cmrp_error error = {0};
    const stub_shape *shape = &stub_shapes[seed / STUB_FORMS];
    s->format = stub_format(shape, seed % STUB_FORMS);
    if (!cmrp_stub_decode(&s->format, input, BASE, s->slots, collect, &w, &error)) {
        check_refusal(&error, BASE, input.size);
        return false;
    }
    assert_int_equal(error.code, CMRP_OK);
    check_slots(s->format.method->params, s->format.method->count, s->slots, input);
    // Referents, max_counts of strings and gaps are normalised by the first encoding.
    for (unsigned i = 0; i < 2; i++) {
        cmrp_writer writer;
        cmrp_writer_init(&writer, out[i], sizeof out[i], &error, "none");
        assert_true(encode_stub(s, &writer));
        sizes[i] = writer.size;
        w.count = 0;
        assert_true(cmrp_stub_decode(&s->format, (cmrp_view){out[i], sizes[i]}, 0, s->slots,
                                     collect, &w, &error));
        assert_int_equal(w.count, 0);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(out[0], out[1], sizes[0]);
    return true;
}

static void test_mutations(void **state) {
    (void)state;
    enum { SEEDS = 32 * STUB_FORMS };
    static built b[SEEDS];
    static stub_slots s;
    cmrp_view seeds[SEEDS];
    const size_t count = stub_shape_count * STUB_FORMS;
    assert_true(count <= SEEDS);
    for (size_t i = 0; i < count; i++) {
        stub_build(&b[i], &stub_shapes[i / STUB_FORMS], i % STUB_FORMS);
        seeds[i] = built_view(&b[i]);
    }
    run_mutations(seeds, count, decode_mutation, &s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_a_stub_behind_other_octets),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_integers_and_handles),
        cmocka_unit_test(test_strings_and_records),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_sources_of_rows),
        cmocka_unit_test(test_derived_counts),
        cmocka_unit_test(test_gaps_that_are_not_zero),
        cmocka_unit_test(test_octets_behind),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
