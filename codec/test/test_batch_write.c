// SPDX-License-Identifier: Apache-2.0
// Writing, and mutations that are read and written again.
#include "test_batch.h"

static cmrp_batch_command plain(cmrp_view name, cmrp_view data) {
    return (cmrp_batch_command){
        .type = CMRP_CLUSREG_SET_VALUE, .value_type = CMRP_REG_BINARY, .name = name, .data = data};
}

static const cmrp_view name_a = {(const uint8_t *)"a\0\0", 4}; // "a"
static const cmrp_view empty_name = {(const uint8_t *)"\0", 2};

// ---- what is read is written again --------------------------------------------------------------

typedef struct rewriting {
    cmrp_view input;
    unsigned flags;
} rewriting;

static bool rewrite(void *context, cmrp_writer *w) {
    const rewriting *r = context;
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_error error = {0};
    cmrp_batch_writer bw;
    assert_true(cmrp_batch_open(&batch, r->input, BASE, r->flags, &error));
    if (!cmrp_batch_writer_open(&bw, w, r->flags)) {
        return false;
    }
    while (cmrp_batch_next(&batch, &c)) {
        if (!cmrp_batch_put(&bw, &c)) {
            return false;
        }
    }
    assert_int_equal(error.code, CMRP_OK);
    assert_int_equal(bw.count, batch.count);
    return cmrp_batch_writer_close(&bw, batch.trailing);
}

static void build_mixed(built *b) {
    built_batch(b);
    add_command(b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
    add_command(b, 77, 99, "", "abc", 3);
    add_command(b, CMRP_CLUSREG_SET_VALUE, CMRP_REG_DWORD, "n", "\1\0\0\0", 4);
    b->octets[b->size - 1] = 9;
    add_command(b, CMRP_CLUSREG_DELETE_KEY, 1, "x", "z", 1);
    b->octets[b->size - 1] = 0x80; // a pad octet that is not 0 survives
}

static void test_rewriting(void **state) {
    (void)state;
    built b;
    build_mixed(&b);
    for (unsigned flags = 0; flags < 4; flags++) {
        rewriting r = {built_view(&b), flags};
        check_encode(rewrite, &r, r.input, NULL);
    }
}

// All that only the lenient mode accepts.
static void test_rewriting_damage(void **state) {
    (void)state;
    built b;
    built_batch(&b);
    add_command(&b, CMRP_CLUSREG_CREATE_KEY, 0, "test", NULL, 0);
    add_uint(&b, "CommandType", 4, CMRP_CLUSREG_SET_VALUE);
    add_uint(&b, "ValueType", 4, CMRP_REG_BINARY);
    add_uint(&b, "NameLength", 4, 0);
    add_uint(&b, "DataLength", 4, 3);
    add_octets(&b, "Data", "abc", 3, CMRP_OK, 0);
    rewriting unpadded = {built_view(&b), CMRP_BATCH_LENIENT};
    check_encode(rewrite, &unpadded, unpadded.input, NULL);
    add_octets(&b, "Padding", "\0", 1, CMRP_OK, 0);
    add_octets(&b, "trailing", "0123456789abcdefg", 17, CMRP_OK, 0);
    rewriting trailing = {built_view(&b), CMRP_BATCH_LENIENT};
    check_encode(rewrite, &trailing, trailing.input, NULL);
    built_batch(&b);
    rewriting empty = {built_view(&b), CMRP_BATCH_LENIENT};
    check_encode(rewrite, &empty, empty.input, NULL);
}

// Names that are not looked into when reading are not looked into when writing.
static void test_rewriting_unchecked_names(void **state) {
    (void)state;
    static const char *const fields[] = {"ab", "\0\0\0", "\0\0a"};
    static const size_t sizes[] = {2, 4, 4};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        built b;
        built_batch(&b);
        add_uint(&b, "CommandType", 4, CMRP_CLUSREG_CREATE_KEY);
        add_uint(&b, "ValueType", 4, 0);
        add_uint(&b, "NameLength", 4, sizes[i]);
        add_octets(&b, "Name", fields[i], sizes[i], CMRP_OK, 0);
        add_uint(&b, "DataLength", 4, 0);
        rewriting r = {built_view(&b), CMRP_BATCH_UNCHECKED_NAMES};
        check_encode(rewrite, &r, r.input, NULL);
    }
}

// ---- refusals -----------------------------------------------------------------------------------

typedef struct written {
    uint8_t out[256];
    cmrp_error error;
    cmrp_writer w;
    cmrp_batch_writer bw;
} written;

static void begin(written *t, unsigned flags) {
    memset(t, 0, sizeof *t);
    cmrp_writer_init(&t->w, t->out, sizeof t->out, &t->error, "none");
    assert_true(cmrp_batch_writer_open(&t->bw, &t->w, flags));
    assert_int_equal(t->w.size, 4);
}

static void test_refused_commands(void **state) {
    (void)state;
    static const uint8_t octets[8] = {'a'};
    const size_t large = (size_t)UINT32_MAX + 1;
    const struct {
        cmrp_view name;
        cmrp_view data;
        bool pad_missing;
        cmrp_code strict;
        cmrp_code lenient;
        const char *field;
    } rows[] = {
        {{NULL, 0}, {NULL, 0}, false, CMRP_E_NAME_LENGTH, CMRP_OK, "NameLength"},
        {{octets, 1}, {NULL, 0}, false, CMRP_E_NAME_LENGTH, CMRP_E_NAME_LENGTH, "NameLength"},
        {{octets, 3}, {NULL, 0}, false, CMRP_E_NAME_LENGTH, CMRP_E_NAME_LENGTH, "NameLength"},
        {{octets, 2}, {NULL, 0}, false, CMRP_E_NAME_TERMINATOR, CMRP_OK, "Name"},
        {{octets, 6}, {NULL, 0}, false, CMRP_E_NAME_NUL, CMRP_OK, "Name"},
        {{octets, 4}, {octets, 1}, true, CMRP_E_PADDING_MISSING, CMRP_OK, "Padding"},
        {{octets, large}, {NULL, 0}, false, CMRP_E_TOO_LARGE, CMRP_E_TOO_LARGE, "NameLength"},
        {{octets, 4}, {octets, large}, false, CMRP_E_TOO_LARGE, CMRP_E_TOO_LARGE, "DataLength"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (unsigned flags = CMRP_BATCH_STRICT; flags <= CMRP_BATCH_LENIENT; flags++) {
            written t;
            cmrp_batch_command c = plain(rows[i].name, rows[i].data);
            c.pad_missing = rows[i].pad_missing;
            const cmrp_code want = flags == CMRP_BATCH_STRICT ? rows[i].strict : rows[i].lenient;
            begin(&t, flags);
            assert_int_equal(cmrp_batch_put(&t.bw, &c), want == CMRP_OK);
            if (want == CMRP_OK) {
                assert_int_equal(t.error.code, CMRP_OK);
                continue;
            }
            assert_error(&t.error, want, 4, rows[i].field, "MS-CMRP 2.2.3.17.1");
            assert_int_equal(t.w.size, 4);
            assert_int_equal(t.bw.count, 0);
        }
    }
}

static void test_the_largest_data(void **state) {
    (void)state;
    const cmrp_batch_command c = plain(empty_name, (cmrp_view){empty_name.data, UINT32_MAX});
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_batch_writer bw;
    cmrp_sizer_init(&w, &error, "none"); // it does not look at data
    assert_true(cmrp_batch_writer_open(&bw, &w, CMRP_BATCH_STRICT));
    assert_true(cmrp_batch_put(&bw, &c));
    assert_int_equal(w.size, 4 + 18 + (size_t)UINT32_MAX + 1);
}

static void test_close_without_commands(void **state) {
    (void)state;
    written t;
    begin(&t, CMRP_BATCH_STRICT);
    assert_false(cmrp_batch_writer_close(&t.bw, (cmrp_view){NULL, 0}));
    assert_error(&t.error, CMRP_E_EMPTY, 4, "CommandType", "MS-CMRP 2.2.3.17.1");
    begin(&t, CMRP_BATCH_LENIENT);
    assert_true(cmrp_batch_writer_close(&t.bw, (cmrp_view){NULL, 0}));
    // Without a command before them a reader would refuse the trailing octets.
    begin(&t, CMRP_BATCH_LENIENT);
    assert_false(cmrp_batch_writer_close(&t.bw, (cmrp_view){t.out, 1}));
    assert_error(&t.error, CMRP_E_EMPTY, 4, "CommandType", "MS-CMRP 2.2.3.17.1");
}

static void test_trailing_octets(void **state) {
    (void)state;
    static const uint8_t junk[18] = {[8] = 0xff}; // NameLength: no command
    for (size_t size = 1; size <= sizeof junk; size++) {
        for (unsigned flags = CMRP_BATCH_STRICT; flags <= CMRP_BATCH_LENIENT; flags++) {
            written t;
            const cmrp_batch_command c = plain(empty_name, (cmrp_view){NULL, 0});
            const bool fits = flags == CMRP_BATCH_LENIENT && size < 18;
            begin(&t, flags);
            assert_true(cmrp_batch_put(&t.bw, &c));
            assert_int_equal(cmrp_batch_writer_close(&t.bw, (cmrp_view){junk, size}), fits);
            assert_int_equal(t.w.size, fits ? 22 + size : 22);
            assert_int_equal(t.error.code, fits ? CMRP_OK : CMRP_E_AFTER_COMMANDS);
            assert_int_equal(t.error.left, fits ? 0 : size);
        }
    }
}

// A lenient reader takes a command without a name for what it is, however short.
static void test_trailing_command(void **state) {
    (void)state;
    static const uint8_t command[17] = {CMRP_CLUSREG_DELETE_KEY};
    for (size_t size = 15; size <= sizeof command; size++) {
        written t;
        const cmrp_batch_command c = plain(empty_name, (cmrp_view){NULL, 0});
        begin(&t, CMRP_BATCH_LENIENT);
        assert_true(cmrp_batch_put(&t.bw, &c));
        assert_int_equal(cmrp_batch_writer_close(&t.bw, (cmrp_view){command, size}), size < 16);
        assert_int_equal(t.error.code, size < 16 ? CMRP_OK : CMRP_E_AFTER_COMMANDS);
        assert_int_equal(t.w.size, size < 16 ? 22 + size : 22);
    }
}

static void test_nothing_follows_a_missing_pad(void **state) {
    (void)state;
    written t;
    cmrp_batch_command c = plain(name_a, (cmrp_view){(const uint8_t *)"x", 1});
    c.pad_missing = true;
    begin(&t, CMRP_BATCH_LENIENT);
    assert_true(cmrp_batch_put(&t.bw, &c));
    assert_int_equal(t.w.size, 4 + 16 + 4 + 1);
    assert_false(cmrp_batch_put(&t.bw, &c));
    assert_error(&t.error, CMRP_E_PADDING_MISSING, 25, "Padding", "MS-CMRP 2.2.3.17.1");
    begin(&t, CMRP_BATCH_LENIENT);
    assert_true(cmrp_batch_put(&t.bw, &c));
    assert_false(cmrp_batch_writer_close(&t.bw, (cmrp_view){t.out, 1}));
    assert_int_equal(t.error.code, CMRP_E_AFTER_COMMANDS);
    // An even size has no pad octet that could be missing.
    c.data.size = 0;
    begin(&t, CMRP_BATCH_LENIENT);
    assert_true(cmrp_batch_put(&t.bw, &c));
    assert_true(cmrp_batch_put(&t.bw, &c));
    assert_true(cmrp_batch_writer_close(&t.bw, (cmrp_view){NULL, 0}));
}

// A pad octet and a pad_missing that belong to nothing are not written.
static void test_pad_of_even_data(void **state) {
    (void)state;
    written t;
    cmrp_batch_command c = plain(name_a, (cmrp_view){(const uint8_t *)"xy", 2});
    c.padding = 7;
    begin(&t, CMRP_BATCH_STRICT);
    assert_true(cmrp_batch_put(&t.bw, &c));
    assert_int_equal(t.w.size, 4 + 16 + 4 + 2);
}

static void test_errors_stick(void **state) {
    (void)state;
    const cmrp_batch_command good = plain(name_a, (cmrp_view){NULL, 0});
    const cmrp_batch_command bad = plain((cmrp_view){NULL, 0}, (cmrp_view){NULL, 0});
    written t;
    begin(&t, CMRP_BATCH_STRICT);
    assert_true(cmrp_batch_put(&t.bw, &good));
    assert_false(cmrp_batch_put(&t.bw, &bad));
    assert_false(cmrp_batch_put(&t.bw, &good));
    assert_false(cmrp_batch_writer_close(&t.bw, (cmrp_view){NULL, 0}));
    assert_error(&t.error, CMRP_E_NAME_LENGTH, 24, "NameLength", "MS-CMRP 2.2.3.17.1");
    assert_int_equal(t.w.size, 24);
}

static void test_version_without_space(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < 4; capacity++) {
        uint8_t out[4];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_batch_writer bw;
        cmrp_writer_init(&w, out, capacity, &error, "none");
        assert_false(cmrp_batch_writer_open(&bw, &w, CMRP_BATCH_STRICT));
        assert_error(&error, CMRP_E_NO_SPACE, 0, "VersionNumber", "MS-CMRP 2.2.3.17");
        assert_false(cmrp_batch_writer_close(&bw, (cmrp_view){NULL, 0}));
    }
}

// ---- mutations ----------------------------------------------------------------------------------

static void check_warning_offsets(const cmrp_batch_command *c, cmrp_view input) {
    unsigned cursor = 0;
    cmrp_error warning;
    uint64_t last = c->offset;
    while (cmrp_batch_warning(c, &cursor, &warning)) {
        assert_in_range(warning.offset, last, BASE + input.size);
        last = warning.offset;
    }
}

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    (void)seed;
    bool accepted = false;
    (void)context;
    for (unsigned flags = 0; flags < 4; flags++) {
        cmrp_batch batch;
        cmrp_batch_command c;
        cmrp_error error = {0};
        uint64_t end = BASE + 4;
        if (cmrp_batch_open(&batch, input, BASE, flags, &error)) {
            while (cmrp_batch_next(&batch, &c)) {
                assert_true(inside(c.name, input) && inside(c.data, input));
                assert_int_equal(c.offset, end);
                end = batch.reader.offset;
                check_warning_offsets(&c, input);
            }
        }
        if (error.code != CMRP_OK) {
            check_refusal(&error, BASE, input.size);
            continue;
        }
        assert_true(inside(batch.trailing, input));
        assert_int_equal(end + batch.trailing.size, BASE + input.size);
        rewriting r = {input, flags};
        uint8_t out[2048];
        cmrp_writer w;
        cmrp_writer_init(&w, out, sizeof out, &error, "none");
        assert_true(rewrite(&r, &w));
        assert_int_equal(w.size, input.size);
        assert_memory_equal(out, input.data, input.size);
        accepted = accepted || flags == CMRP_BATCH_STRICT;
    }
    return accepted;
}

static void test_mutations(void **state) {
    (void)state;
    static built b[3];
    build_mixed(&b[0]);
    built_batch(&b[1]);
    add_command(&b[1], CMRP_CLUSREG_DELETE_VALUE, 0, "", NULL, 0);
    built_batch(&b[2]);
    add_command(&b[2], CMRP_CLUSREG_DELETE_VALUE, 0, "NotifyTest", NULL, 0);
    add_command(&b[2], CMRP_CLUSREG_SET_VALUE, CMRP_REG_SZ, "NotifyTest", "h\0i\0\0", 6);
    const cmrp_view seeds[] = {built_view(&b[0]), built_view(&b[1]), built_view(&b[2])};
    run_mutations(seeds, COUNT_OF(seeds), decode_mutation, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewriting),
        cmocka_unit_test(test_rewriting_damage),
        cmocka_unit_test(test_rewriting_unchecked_names),
        cmocka_unit_test(test_refused_commands),
        cmocka_unit_test(test_the_largest_data),
        cmocka_unit_test(test_close_without_commands),
        cmocka_unit_test(test_trailing_octets),
        cmocka_unit_test(test_trailing_command),
        cmocka_unit_test(test_nothing_follows_a_missing_pad),
        cmocka_unit_test(test_pad_of_even_data),
        cmocka_unit_test(test_errors_stick),
        cmocka_unit_test(test_version_without_space),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
