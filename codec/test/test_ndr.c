// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include "cmrp/ndr.h"

static const uint8_t sample_handle[CMRP_HANDLE_SIZE] = {
    1,    2,    3,    4,    0x33, 0x22, 0x11, 0,    0x55, 0x44,
    0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 5,    6,
};

static cmrp_ndr_reader ndr_reader(cmrp_view input, uint64_t offset, cmrp_syntax syntax,
                                  cmrp_order order, cmrp_error *error) {
    cmrp_ndr_reader r = {.base = offset, .syntax = syntax, .order = order};
    cmrp_reader_init(&r.bytes, input, offset, error, "section");
    return r;
}

// The four forms: each syntax in each byte order.
#define FORMS 4
static cmrp_syntax syntax_of(unsigned form) {
    return form / 2 == 0 ? CMRP_NDR20 : CMRP_NDR64;
}
static cmrp_order order_of(unsigned form) {
    return form % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
}

static bool is_text(cmrp_view units, cmrp_order order, const char *ascii) {
    if (units.size != 2 * strlen(ascii)) {
        return false;
    }
    for (size_t i = 0; i < units.size; i += 2) {
        const unsigned a = units.data[i];
        const unsigned b = units.data[i + 1];
        const unsigned unit = order == CMRP_LITTLE_ENDIAN ? a | b << 8 : b | a << 8;
        if (unit != (unsigned char)ascii[i / 2]) {
            return false;
        }
    }
    return true;
}

// ---- a stub with everything ---------------------------------------------------------------------

typedef struct everything {
    cmrp_syntax syntax;
    cmrp_order order;
    uint8_t handle[CMRP_HANDLE_SIZE];
    uint64_t small, medium, large, referent, null, word;
    uint64_t word_at, octets_at;
    cmrp_view text, empty, octets, none;
} everything;

static void build_everything(built *b, unsigned form) {
    built_init(b, order_of(form), syntax_of(form));
    ndr_uint(b, "small", 1, 0x5a);
    ndr_handle(b, "handle", sample_handle);
    ndr_uint(b, "medium", 2, 0x1234);
    ndr_uint(b, "large", 8, 0x0102030405060708);
    ndr_word(b, "referent", 0x00020000);
    ndr_string(b, "text", "group");
    ndr_word(b, "null", 0);
    ndr_string(b, "empty", "");
    ndr_octets(b, "octets", "\1\2\3", 3);
    ndr_octets(b, "none", NULL, 0);
    ndr_word(b, "word", 0xfedcba98);
}

static bool decode_everything(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    everything *e = context;
    cmrp_ndr_reader r = ndr_reader(input, offset, e->syntax, e->order, error);
    return cmrp_ndr_take_uint(&r, "small", 1, &e->small) &&
           cmrp_ndr_take_handle(&r, "handle", e->handle) &&
           cmrp_ndr_take_uint(&r, "medium", 2, &e->medium) &&
           cmrp_ndr_take_uint(&r, "large", 8, &e->large) &&
           cmrp_ndr_take_word(&r, "referent", &e->referent, NULL) &&
           cmrp_ndr_take_string(&r, "text", &e->text) &&
           cmrp_ndr_take_word(&r, "null", &e->null, NULL) &&
           cmrp_ndr_take_string(&r, "empty", &e->empty) &&
           cmrp_ndr_take_octets(&r, "octets", &e->octets, &e->octets_at) &&
           cmrp_ndr_take_octets(&r, "none", &e->none, &e->octets_at) &&
           cmrp_ndr_take_word(&r, "word", &e->word, &e->word_at) && r.bytes.left == 0;
}

static bool encode_everything(void *context, cmrp_writer *bytes) {
    const everything *e = context;
    cmrp_ndr_writer w;
    cmrp_ndr_writer_init(&w, bytes, e->syntax, e->order);
    return cmrp_ndr_put_uint(&w, "small", 1, e->small) &&
           cmrp_ndr_put_handle(&w, "handle", e->handle) &&
           cmrp_ndr_put_uint(&w, "medium", 2, e->medium) &&
           cmrp_ndr_put_uint(&w, "large", 8, e->large) &&
           cmrp_ndr_put_referent(&w, "referent", false) &&
           cmrp_ndr_put_string(&w, "text", e->text, e->order) &&
           cmrp_ndr_put_referent(&w, "null", true) &&
           cmrp_ndr_put_string(&w, "empty", e->empty, e->order) &&
           cmrp_ndr_put_octets(&w, "octets", e->octets) &&
           cmrp_ndr_put_octets(&w, "none", e->none) && cmrp_ndr_put_word(&w, "word", e->word);
}

static void test_everything(void **state) {
    (void)state;
    for (unsigned form = 0; form < FORMS; form++) {
        everything e = {.syntax = syntax_of(form), .order = order_of(form)};
        cmrp_error error = {0};
        built b;
        build_everything(&b, form);
        check_cuts(&b, decode_everything, &e, 0);
        check_cuts(&b, decode_everything, &e, BASE);
        const cmrp_view whole = built_view(&b);
        assert_true(decode_everything(&e, whole, BASE, &error));
        assert_int_equal(e.small, 0x5a);
        assert_memory_equal(e.handle, sample_handle, sizeof sample_handle);
        assert_int_equal(e.medium, 0x1234);
        assert_int_equal(e.large, 0x0102030405060708);
        assert_int_equal(e.referent, 0x00020000);
        assert_int_equal(e.null, 0);
        assert_true(is_text(e.text, e.order, "group"));
        assert_true(is_text(e.empty, e.order, ""));
        assert_true(inside(e.text, whole));
        assert_int_equal(e.octets.size, 3);
        assert_memory_equal(e.octets.data, "\1\2\3", 3);
        assert_int_equal(e.none.size, 0);
        assert_int_equal(e.word, 0xfedcba98);
        assert_int_equal(e.word_at, BASE + whole.size - cmrp_ndr_word(e.syntax));
        check_encode(encode_everything, &e, whole, NULL);
    }
}

static void test_word_width(void **state) {
    (void)state;
    assert_int_equal(cmrp_ndr_word(CMRP_NDR20), 4);
    assert_int_equal(cmrp_ndr_word(CMRP_NDR64), 8);
}

// ---- alignment ----------------------------------------------------------------------------------

static void test_gaps(void **state) {
    (void)state;
    static const uint8_t octets[24] = {0};
    for (size_t alignment = 1; alignment <= 8; alignment *= 2) {
        for (size_t start = 0; start < 9; start++) {
            cmrp_error error = {0};
            cmrp_ndr_reader r = ndr_reader((cmrp_view){octets, sizeof octets}, BASE, CMRP_NDR20,
                                           CMRP_LITTLE_ENDIAN, &error);
            cmrp_view skipped;
            const size_t next = (start + alignment - 1) / alignment * alignment;
            assert_true(cmrp_take_view(&r.bytes, "skipped", start, &skipped));
            assert_true(cmrp_ndr_align(&r, "field", alignment));
            assert_int_equal(r.bytes.offset, BASE + next);

            uint8_t out[32];
            cmrp_writer bytes;
            cmrp_ndr_writer w;
            memset(out, 0xff, sizeof out);
            cmrp_writer_init(&bytes, out, sizeof out, &error, "section");
            assert_true(cmrp_put_zero(&bytes, "before", 3)); // the stub does not begin at 0
            cmrp_ndr_writer_init(&w, &bytes, CMRP_NDR20, CMRP_LITTLE_ENDIAN);
            assert_true(cmrp_put_view(&bytes, "field", (cmrp_view){octets, start}));
            assert_true(cmrp_ndr_put_align(&w, "field", alignment));
            assert_int_equal(bytes.size, 3 + next);
            for (size_t i = 3 + start; i < bytes.size; i++) {
                assert_int_equal(out[i], 0);
            }
        }
    }
}

static void test_gap_warnings(void **state) {
    (void)state;
    for (size_t dirty = 0; dirty < 10; dirty++) {
        uint8_t octets[9] = {0};
        warnings w = {0};
        cmrp_error error = {0};
        cmrp_ndr_reader r = ndr_reader((cmrp_view){octets, sizeof octets}, BASE, CMRP_NDR20,
                                       CMRP_LITTLE_ENDIAN, &error);
        uint64_t value = 0;
        if (dirty < sizeof octets) {
            octets[dirty] = 1;
        }
        r.warn = collect;
        r.warn_context = &w;
        assert_true(cmrp_ndr_take_uint(&r, "first", 1, &value));
        assert_true(cmrp_ndr_take_uint(&r, "second", 4, &value));
        assert_int_equal(w.count, dirty >= 1 && dirty < 4);
        if (w.count > 0) {
            assert_error(&w.list[0], CMRP_E_NDR_PADDING, BASE + 1, "second", "section");
        }
        assert_int_equal(error.code, CMRP_OK);
    }
}

static void test_gap_that_is_missing(void **state) {
    (void)state;
    static const uint8_t octets[4] = {0};
    for (size_t left = 0; left < 3; left++) {
        cmrp_error error = {0};
        cmrp_ndr_reader r =
            ndr_reader((cmrp_view){octets, 1 + left}, BASE, CMRP_NDR20, CMRP_LITTLE_ENDIAN, &error);
        uint64_t value = 9;
        assert_true(cmrp_ndr_take_uint(&r, "first", 1, &value));
        value = 9;
        assert_false(cmrp_ndr_align(&r, "second", 4));
        // The field is what is missing, so the error stands where it would start.
        assert_error(&error, CMRP_E_TRUNCATED, BASE + 4, "second", "section");
        assert_int_equal(error.left, left);
        assert_int_equal(r.bytes.left, left);
        assert_false(cmrp_ndr_take_uint(&r, "second", 4, &value));
        assert_int_equal(value, 9);
    }
}

// ---- failures leave the outputs alone -----------------------------------------------------------

static void test_failed_reads_write_nothing(void **state) {
    (void)state;
    static const uint8_t octets[64] = {0xff};
    for (unsigned form = 0; form < FORMS; form++) {
        const size_t word = cmrp_ndr_word(syntax_of(form));
        for (size_t size = 0; size < CMRP_HANDLE_SIZE; size++) {
            const cmrp_view input = exact(octets, size);
            cmrp_error error = {0};
            cmrp_ndr_reader r = ndr_reader(input, BASE, syntax_of(form), order_of(form), &error);
            uint8_t handle[CMRP_HANDLE_SIZE] = {7};
            assert_false(cmrp_ndr_take_handle(&r, "handle", handle));
            assert_error(&error, CMRP_E_TRUNCATED, BASE, "handle", "section");
            assert_int_equal(handle[0], 7);
            assert_int_equal(handle[1], 0);
            if (size < word) {
                uint64_t value = 5;
                uint64_t at = 6;
                cmrp_view view = {octets, 3};
                error = (cmrp_error){0};
                assert_false(cmrp_ndr_take_word(&r, "word", &value, &at));
                error = (cmrp_error){0};
                assert_false(cmrp_ndr_take_octets(&r, "octets", &view, &at));
                error = (cmrp_error){0};
                assert_false(cmrp_ndr_take_string(&r, "string", &view));
                assert_error(&error, CMRP_E_TRUNCATED, BASE, "string", "section");
                assert_int_equal(value, 5);
                assert_int_equal(at, 6);
                assert_ptr_equal(view.data, octets);
                assert_int_equal(view.size, 3);
            }
            free_view(input);
        }
    }
}

static void test_everything_fails_after_an_error(void **state) {
    (void)state;
    static const uint8_t octets[64] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    cmrp_ndr_reader r =
        ndr_reader((cmrp_view){octets, 64}, 0, CMRP_NDR20, CMRP_LITTLE_ENDIAN, &error);
    uint8_t handle[CMRP_HANDLE_SIZE];
    uint64_t value = 0;
    uint64_t at = 0;
    cmrp_view view = {0};
    assert_false(cmrp_ndr_align(&r, "f", 4)); // even where there is no gap
    assert_false(cmrp_ndr_take_uint(&r, "f", 4, &value));
    assert_false(cmrp_ndr_take_word(&r, "f", &value, &at));
    assert_false(cmrp_ndr_take_handle(&r, "f", handle));
    assert_false(cmrp_ndr_take_string(&r, "f", &view));
    assert_false(cmrp_ndr_take_octets(&r, "f", &view, &at));
    assert_int_equal(r.bytes.left, 64);
    r.base -= 1; // now there is a gap
    assert_false(cmrp_ndr_align(&r, "f", 4));
    assert_int_equal(r.bytes.left, 64);

    uint8_t out[64];
    cmrp_writer bytes;
    cmrp_ndr_writer w;
    cmrp_writer_init(&bytes, out, sizeof out, &error, "section");
    cmrp_ndr_writer_init(&w, &bytes, CMRP_NDR20, CMRP_LITTLE_ENDIAN);
    assert_false(cmrp_ndr_put_align(&w, "f", 4));
    assert_false(cmrp_ndr_put_uint(&w, "f", 4, 0));
    assert_false(cmrp_ndr_put_word(&w, "f", 0));
    assert_false(cmrp_ndr_put_referent(&w, "f", true));
    assert_false(cmrp_ndr_put_handle(&w, "f", sample_handle));
    assert_false(cmrp_ndr_put_string(&w, "f", view, CMRP_LITTLE_ENDIAN));
    assert_false(cmrp_ndr_put_octets(&w, "f", view));
    assert_int_equal(bytes.size, 0);
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

// ---- strings and arrays that lie ----------------------------------------------------------------

// A string whose counts and units are as given.
static void test_string_counts(void **state) {
    (void)state;
    const uint64_t huge32 = UINT32_MAX;
    const uint64_t huge64 = UINT64_MAX;
    const struct {
        cmrp_code code;
        size_t word; // the count or unit that is wrong: 0 max_count … 3 the last unit
        bool wide;   // needs 64-bit counts
        uint64_t max_count, offset, actual_count;
    } rows[] = {
        {CMRP_OK, 0, false, 3, 0, 3},
        {CMRP_OK, 0, false, 4, 0, 3},
        {CMRP_OK, 0, false, huge32, 0, 3},
        {CMRP_OK, 0, true, huge64, 0, 3},
        {CMRP_E_STRING_OFFSET, 1, false, 3, 1, 3},
        {CMRP_E_STRING_OFFSET, 1, false, 3, huge32, 0},
        {CMRP_E_STRING_OFFSET, 1, true, 3, 1ull << 32, 3},
        {CMRP_E_STRING_COUNT, 2, false, 3, 0, 0},
        {CMRP_E_STRING_COUNT, 2, false, 0, 0, 0},
        {CMRP_E_STRING_COUNT, 2, false, 2, 0, 3},
        {CMRP_E_STRING_COUNT, 2, false, 3, 0, huge32},
        {CMRP_E_STRING_COUNT, 2, true, 3, 0, huge64},
        {CMRP_E_OVERRUN, 2, false, 4, 0, 4},
        {CMRP_E_OVERRUN, 2, false, huge32, 0, huge32},
        {CMRP_E_OVERRUN, 2, false, huge32, 0, 0x80000000}, // × 2 is 0 in 32 bits
        {CMRP_E_OVERRUN, 2, false, huge32, 0, 0x80000003},
        {CMRP_E_OVERRUN, 2, true, huge64, 0, huge64},
        {CMRP_E_OVERRUN, 2, true, huge64, 0, 1ull << 63}, // × 2 is 0 in 64 bits
        {CMRP_E_OVERRUN, 2, true, huge64, 0, (1ull << 63) + 3},
        {CMRP_E_OVERRUN, 2, true, huge64, 0, (1ull << 32) + 3},
        {CMRP_E_STRING_TERMINATOR, 3, false, 3, 0, 2},
        {CMRP_E_STRING_TERMINATOR, 3, false, 3, 0, 1},
    };
    for (unsigned form = 0; form < FORMS; form++) {
        const size_t word = cmrp_ndr_word(syntax_of(form));
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            if (rows[i].wide && word == 4) {
                continue;
            }
            built b;
            built_init(&b, order_of(form), syntax_of(form));
            add_uint(&b, "f", word, rows[i].max_count);
            add_uint(&b, "f", word, rows[i].offset);
            add_uint(&b, "f", word, rows[i].actual_count);
            add_text(&b, "f", "ab", CMRP_OK, 0);
            add_uint(&b, "f", 2, 0);
            const cmrp_view input = exact(b.octets, b.size);
            cmrp_error error = {0};
            cmrp_ndr_reader r = ndr_reader(input, BASE, syntax_of(form), order_of(form), &error);
            cmrp_view units = {sample_handle, 1};
            const bool ok = cmrp_ndr_take_string(&r, "f", &units);
            assert_int_equal(error.code, rows[i].code);
            assert_int_equal(ok, rows[i].code == CMRP_OK);
            if (!ok) {
                const size_t at = rows[i].word < 3
                                      ? rows[i].word * word
                                      : 3 * word + 2 * (size_t)rows[i].actual_count - 2;
                assert_error(&error, rows[i].code, BASE + at, "f", "section");
                assert_ptr_equal(units.data, sample_handle);
                assert_int_equal(units.size, 1);
            } else {
                assert_true(is_text(units, order_of(form), "ab"));
            }
            free_view(input);
        }
    }
}

static void test_octet_counts(void **state) {
    (void)state;
    const uint64_t counts[] = {4,          5,          0x7fffffff,     0x80000000, UINT32_MAX,
                               1ull << 32, 1ull << 63, UINT64_MAX - 7, UINT64_MAX};
    for (unsigned form = 0; form < FORMS; form++) {
        const size_t word = cmrp_ndr_word(syntax_of(form));
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            if (word == 4 && counts[i] > UINT32_MAX) {
                continue;
            }
            built b;
            built_init(&b, order_of(form), syntax_of(form));
            add_uint(&b, "f", word, counts[i]);
            add_octets(&b, "f", "abc", 3, CMRP_OK, 0);
            const cmrp_view input = exact(b.octets, b.size);
            cmrp_error error = {0};
            cmrp_ndr_reader r = ndr_reader(input, BASE, syntax_of(form), order_of(form), &error);
            cmrp_view octets = {sample_handle, 1};
            uint64_t at = 4;
            assert_false(cmrp_ndr_take_octets(&r, "f", &octets, &at));
            assert_error(&error, CMRP_E_OVERRUN, BASE, "f", "section");
            assert_int_equal(error.value, counts[i]);
            assert_int_equal(error.left, 3);
            assert_int_equal(octets.size, 1);
            free_view(input);
        }
    }
}

// ---- writing ------------------------------------------------------------------------------------

static void test_referents(void **state) {
    (void)state;
    for (unsigned form = 0; form < FORMS; form++) {
        uint8_t out[64];
        cmrp_error error = {0};
        cmrp_writer bytes;
        cmrp_ndr_writer w;
        built b;
        built_init(&b, order_of(form), syntax_of(form));
        ndr_word(&b, "a", 0x00020000);
        ndr_word(&b, "b", 0);
        ndr_word(&b, "c", 0x00020004);
        ndr_word(&b, "d", 0x00020008);
        cmrp_writer_init(&bytes, out, sizeof out, &error, "section");
        cmrp_ndr_writer_init(&w, &bytes, syntax_of(form), order_of(form));
        assert_true(cmrp_ndr_put_referent(&w, "a", false));
        assert_true(cmrp_ndr_put_referent(&w, "b", true));
        assert_true(cmrp_ndr_put_referent(&w, "c", false));
        assert_true(cmrp_ndr_put_referent(&w, "d", false));
        assert_int_equal(bytes.size, b.size);
        assert_memory_equal(out, b.octets, b.size);
    }
}

static void test_values_too_large(void **state) {
    (void)state;
    static const uint8_t octet = 0;
    for (unsigned form = 0; form < FORMS; form++) {
        const bool wide = syntax_of(form) == CMRP_NDR64;
        const size_t large = (size_t)UINT32_MAX + 1;
        cmrp_error error = {0};
        cmrp_writer bytes;
        cmrp_ndr_writer w;
        cmrp_sizer_init(&bytes, &error, "section"); // nothing is read where nothing is stored
        cmrp_ndr_writer_init(&w, &bytes, syntax_of(form), order_of(form));
        assert_true(cmrp_ndr_put_word(&w, "word", UINT32_MAX));
        assert_int_equal(cmrp_ndr_put_word(&w, "word", large), wide);
        if (!wide) {
            assert_error(&error, CMRP_E_TOO_LARGE, 4, "word", "section");
            assert_int_equal(error.value, large);
        }
        error = (cmrp_error){0};
        assert_int_equal(cmrp_ndr_put_octets(&w, "octets", (cmrp_view){&octet, large}), wide);
        assert_int_equal(bytes.size, wide ? 16 + 8 + large : 4);
        error = (cmrp_error){0};
        const cmrp_view units = {&octet, 2 * (large - 1)}; // and the NUL
        assert_int_equal(cmrp_ndr_put_string(&w, "units", units, order_of(form)), wide);
        assert_int_equal(error.code, wide ? CMRP_OK : CMRP_E_TOO_LARGE);
    }
}

static void test_odd_string(void **state) {
    (void)state;
    uint8_t out[64];
    cmrp_error error = {0};
    cmrp_writer bytes;
    cmrp_ndr_writer w;
    cmrp_writer_init(&bytes, out, sizeof out, &error, "section");
    cmrp_ndr_writer_init(&w, &bytes, CMRP_NDR20, CMRP_LITTLE_ENDIAN);
    assert_false(cmrp_ndr_put_string(&w, "odd", (cmrp_view){sample_handle, 3}, CMRP_LITTLE_ENDIAN));
    assert_error(&error, CMRP_E_STRING_TERMINATOR, 0, "odd", "section");
    assert_int_equal(bytes.size, 0);
}

typedef struct text_of_order {
    cmrp_order order; // of the stub
    cmrp_order unit_order;
    cmrp_view units;
} text_of_order;

static bool encode_text(void *context, cmrp_writer *bytes) {
    const text_of_order *t = context;
    cmrp_ndr_writer w;
    cmrp_ndr_writer_init(&w, bytes, CMRP_NDR20, t->order);
    return cmrp_ndr_put_string(&w, "text", t->units, t->unit_order);
}

static void test_strings_of_the_other_order(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        built stub;
        built text;
        const cmrp_order order = i % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
        const cmrp_order units = i / 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
        built_init(&stub, order, CMRP_NDR20);
        ndr_string(&stub, "text", "Cluster");
        built_init(&text, units, CMRP_NDR20);
        add_text(&text, "text", "Cluster", CMRP_OK, 0);
        text_of_order t = {order, units, exact(text.octets, text.size)};
        check_encode(encode_text, &t, built_view(&stub), NULL);
        free_view(t.units);
        built_init(&stub, order, CMRP_NDR20);
        ndr_string(&stub, "text", "");
        t.units = (cmrp_view){NULL, 0};
        check_encode(encode_text, &t, built_view(&stub), NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_word_width),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_gap_warnings),
        cmocka_unit_test(test_gap_that_is_missing),
        cmocka_unit_test(test_failed_reads_write_nothing),
        cmocka_unit_test(test_everything_fails_after_an_error),
        cmocka_unit_test(test_string_counts),
        cmocka_unit_test(test_octet_counts),
        cmocka_unit_test(test_referents),
        cmocka_unit_test(test_values_too_large),
        cmocka_unit_test(test_odd_string),
        cmocka_unit_test(test_strings_of_the_other_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
