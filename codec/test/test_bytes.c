// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

// Octets that differ everywhere, so that a wrong order or place shows.
static const uint8_t sample[16] = {0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8,
                                   0x09, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, 0x70};

// The number that the first `width` octets are, by the definition of the order.
static uint64_t number(const uint8_t *octets, size_t width, cmrp_order order) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = value * 256 + octets[order == CMRP_BIG_ENDIAN ? i : width - 1 - i];
    }
    return value;
}

static cmrp_reader reader_of(cmrp_view view, uint64_t offset, cmrp_error *error) {
    cmrp_reader r;
    cmrp_reader_init(&r, view, offset, error, "section");
    return r;
}

// ---- loads and stores ---------------------------------------------------------------------------

static void test_loads(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        for (size_t at = 0; at < 8; at++) { // every misalignment
            const uint8_t *p = sample + at;
            assert_int_equal(cmrp_load_u16(p, order), number(p, 2, order));
            assert_int_equal(cmrp_load_u32(p, order), number(p, 4, order));
            assert_int_equal(cmrp_load_u64(p, order), number(p, 8, order));
        }
    }
    assert_int_equal(cmrp_load_u32(sample, CMRP_LITTLE_ENDIAN), 0xb4a39281);
    assert_int_equal(cmrp_load_u32(sample, CMRP_BIG_ENDIAN), 0x8192a3b4);
}

static void test_store(void **state) {
    (void)state;
    const uint64_t value = 0xf8e7d6c5b4a39281;
    for (unsigned order = 0; order < 2; order++) {
        for (size_t width = 1; width <= 8; width++) {
            for (size_t at = 0; at < 8; at++) {
                uint8_t octets[18] = {0};
                cmrp_store(octets + 1 + at, width, value, order);
                const uint64_t kept = width < 8 ? value & ((1ull << (8 * width)) - 1) : value;
                assert_int_equal(number(octets + 1 + at, width, order), kept);
                assert_int_equal(octets[at], 0);
                assert_int_equal(octets[1 + at + width], 0);
            }
        }
        for (size_t at = 0; at < 8; at++) {
            uint8_t octets[18] = {0};
            cmrp_store_u32(octets + 1 + at, (uint32_t)value, order);
            assert_int_equal(number(octets + 1 + at, 4, order), (uint32_t)value);
            assert_int_equal(octets[at] | octets[5 + at], 0);
            cmrp_store_u64(octets + 1 + at, value, order);
            assert_int_equal(number(octets + 1 + at, 8, order), value);
            assert_int_equal(octets[at] | octets[9 + at], 0);
        }
    }
}

// ---- reader -------------------------------------------------------------------------------------

static void test_take_moves(void **state) {
    (void)state;
    cmrp_error error = {0};
    const cmrp_view all = exact(sample, 5);
    cmrp_reader r = reader_of(all, 100, &error);
    const uint8_t *p = NULL;
    cmrp_view view = {0};
    assert_true(cmrp_take(&r, "a", 0, &p));
    assert_ptr_equal(p, all.data);
    assert_true(cmrp_take(&r, "a", 2, &p));
    assert_ptr_equal(p, all.data);
    assert_int_equal(r.offset, 102);
    assert_int_equal(r.left, 3);
    assert_true(cmrp_take_view(&r, "b", 3, &view));
    assert_ptr_equal(view.data, all.data + 2);
    assert_int_equal(view.size, 3);
    assert_int_equal(r.offset, 105);
    assert_int_equal(r.left, 0);
    assert_true(cmrp_take(&r, "c", 0, &p));
    assert_int_equal(error.code, CMRP_OK);
    free_view(all);
}

static void test_peek_and_skip(void **state) {
    (void)state;
    cmrp_error error = {0};
    const cmrp_view all = exact(sample, 5);
    cmrp_reader r = reader_of(all, 100, &error);
    const uint8_t *p = NULL;
    assert_true(cmrp_peek(&r, 5, &p));
    assert_ptr_equal(p, all.data);
    assert_int_equal(r.left, 5);
    assert_int_equal(r.offset, 100);
    cmrp_skip(&r, 2);
    assert_ptr_equal(r.at, all.data + 2);
    assert_int_equal(r.left, 3);
    assert_int_equal(r.offset, 102);
    assert_false(cmrp_peek(&r, 4, &p));
    assert_ptr_equal(p, all.data);
    assert_int_equal(error.code, CMRP_OK); // no complaint
    assert_true(cmrp_peek(&r, 3, &p));
    assert_ptr_equal(p, all.data + 2);
    cmrp_skip(&r, 3);
    assert_int_equal(r.left, 0);
    assert_true(cmrp_peek(&r, 0, &p));
    error.code = CMRP_E_TRUNCATED;
    assert_false(cmrp_peek(&r, 0, &p));
    free_view(all);
}

static void test_failed_take_leaves_everything(void **state) {
    (void)state;
    static const size_t sizes[] = {4, 5, SIZE_MAX - 1, SIZE_MAX};
    const cmrp_view all = exact(sample, 3);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        cmrp_error error = {0};
        cmrp_reader r = reader_of(all, 7, &error);
        cmrp_reader child = {.offset = 55};
        const cmrp_reader before = child;
        const uint8_t *p = sample;
        cmrp_view view = {sample, 16};
        assert_false(cmrp_take(&r, "field", sizes[i], &p));
        assert_ptr_equal(p, sample);
        assert_error(&error, CMRP_E_TRUNCATED, 7, "field", "section");
        assert_int_equal(error.left, 3);
        error = (cmrp_error){0};
        assert_false(cmrp_take_view(&r, "field", sizes[i], &view));
        assert_ptr_equal(view.data, sample);
        assert_int_equal(view.size, 16);
        error = (cmrp_error){0};
        assert_false(cmrp_take_child(&r, "field", sizes[i], &child));
        assert_memory_equal(&child, &before, sizeof child);
        assert_error(&error, CMRP_E_TRUNCATED, 7, "field", "section");
        assert_ptr_equal(r.at, all.data);
        assert_int_equal(r.left, 3);
        assert_int_equal(r.offset, 7);
    }
    free_view(all);
}

static void test_take_integers(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        for (size_t at = 0; at < 2; at++) { // aligned or not
            cmrp_error error = {0};
            const cmrp_view all = exact(sample, at + 15);
            cmrp_reader r = reader_of((cmrp_view){all.data + at, 15}, 0, &error);
            const uint8_t *p = sample + at;
            uint8_t u8 = 0;
            uint16_t u16 = 0;
            uint32_t u32 = 0;
            uint64_t u64 = 0;
            assert_true(cmrp_take_u8(&r, "a", &u8));
            assert_true(cmrp_take_u16(&r, "b", order, &u16));
            assert_true(cmrp_take_u32(&r, "c", order, &u32));
            assert_true(cmrp_take_u64(&r, "d", order, &u64));
            assert_int_equal(u8, p[0]);
            assert_int_equal(u16, number(p + 1, 2, order));
            assert_int_equal(u32, number(p + 3, 4, order));
            assert_int_equal(u64, number(p + 7, 8, order));
            assert_int_equal(r.left, 0);
            assert_int_equal(r.offset, 15);
            free_view(all);
        }
    }
}

static void test_take_uint_of_each_width(void **state) {
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        for (size_t width = 1; width <= 8; width *= 2) {
            const cmrp_view all = exact(sample, width);
            cmrp_error error = {0};
            cmrp_reader r = reader_of(all, 0, &error);
            uint64_t value = 0;
            assert_true(cmrp_take_uint(&r, "a", width, order, &value));
            assert_int_equal(value, number(sample, width, order));
            assert_int_equal(r.left, 0);
            free_view(all);
        }
    }
}

static void test_failed_integers_leave_everything(void **state) {
    (void)state;
    for (size_t width = 1; width <= 8; width *= 2) {
        for (size_t size = 0; size < width; size++) {
            const cmrp_view all = exact(sample, size);
            cmrp_error error = {0};
            cmrp_reader r = reader_of(all, 40, &error);
            uint8_t u8 = 0x55;
            uint16_t u16 = 0x5555;
            uint32_t u32 = 0x55555555;
            uint64_t u64 = 0x5555555555555555;
            uint64_t uint = u64;
            assert_false(width == 1   ? cmrp_take_u8(&r, "f", &u8)
                         : width == 2 ? cmrp_take_u16(&r, "f", CMRP_LITTLE_ENDIAN, &u16)
                         : width == 4 ? cmrp_take_u32(&r, "f", CMRP_LITTLE_ENDIAN, &u32)
                                      : cmrp_take_u64(&r, "f", CMRP_LITTLE_ENDIAN, &u64));
            assert_error(&error, CMRP_E_TRUNCATED, 40, "f", "section");
            assert_int_equal(error.left, size);
            error = (cmrp_error){0};
            assert_false(cmrp_take_uint(&r, "g", width, CMRP_BIG_ENDIAN, &uint));
            assert_error(&error, CMRP_E_TRUNCATED, 40, "g", "section");
            assert_int_equal(u8, 0x55);
            assert_int_equal(u16, 0x5555);
            assert_int_equal(u32, 0x55555555);
            assert_int_equal(u64, 0x5555555555555555);
            assert_int_equal(uint, 0x5555555555555555);
            assert_int_equal(r.left, size);
            assert_int_equal(r.offset, 40);
            free_view(all);
        }
    }
}

static void test_first_error_sticks(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_reader r = reader_of((cmrp_view){sample, 16}, 0, &error);
    cmrp_reader other = reader_of((cmrp_view){sample, 16}, 1000, &error);
    cmrp_reader child;
    const uint8_t *p = NULL;
    uint8_t u8 = 0;
    assert_true(cmrp_take_child(&r, "child", 4, &child));
    assert_false(cmrp_fail(&child, CMRP_E_VERSION, "first", 77, 5));
    assert_error(&error, CMRP_E_VERSION, 77, "first", "section");
    assert_int_equal(error.value, 5);
    assert_int_equal(error.left, 4);
    assert_null(error.array);
    // Neither the child nor its parent nor a stranger on the same error reads on.
    assert_false(cmrp_take_u8(&child, "second", &u8));
    assert_false(cmrp_take(&r, "second", 0, &p));
    assert_false(cmrp_take_u8(&other, "second", &u8));
    assert_false(cmrp_fail(&other, CMRP_E_EMPTY, "second", 1, 2));
    assert_error(&error, CMRP_E_VERSION, 77, "first", "section");
    assert_int_equal(child.left, 4);
    assert_int_equal(r.left, 12);
    assert_int_equal(other.left, 16);
    // A reader that is prepared on the error fails at once, too.
    other = reader_of((cmrp_view){sample, 16}, 0, &error);
    assert_false(cmrp_take_u8(&other, "third", &u8));
    assert_int_equal(u8, 0);
}

static void test_child_cannot_leave(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_reader r = reader_of((cmrp_view){sample, 16}, 100, &error);
    cmrp_reader child;
    cmrp_reader grandchild;
    uint32_t value = 0;
    uint8_t octet = 0;
    assert_true(cmrp_take_u8(&r, "skip", &octet));
    assert_true(cmrp_take_child(&r, "child", 6, &child));
    assert_int_equal(r.offset, 107);
    assert_int_equal(r.left, 9);
    assert_int_equal(child.offset, 101);
    assert_int_equal(child.left, 6);
    assert_ptr_equal(child.section, r.section);
    assert_true(cmrp_take_child(&child, "grandchild", 3, &grandchild));
    assert_int_equal(grandchild.offset, 101);
    assert_int_equal(child.offset, 104);
    assert_false(cmrp_take_u32(&grandchild, "value", CMRP_LITTLE_ENDIAN, &value));
    assert_error(&error, CMRP_E_TRUNCATED, 101, "value", "section");
    assert_int_equal(error.left, 3);
}

static void test_reader_of_nothing(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_reader r = reader_of((cmrp_view){NULL, 0}, 3, &error);
    cmrp_view view = {sample, 1};
    uint8_t octet = 9;
    assert_true(cmrp_take_view(&r, "nothing", 0, &view));
    assert_int_equal(view.size, 0);
    assert_false(cmrp_take_u8(&r, "octet", &octet));
    assert_error(&error, CMRP_E_TRUNCATED, 3, "octet", "section");
    assert_int_equal(octet, 9);
}

// ---- writer -------------------------------------------------------------------------------------

// Something of everything: 1 + 2 + 4 + 8 + 3 + 2 (filled later) + 0 + 0 octets.
static bool encode_sample(void *context, cmrp_writer *w) {
    const cmrp_order order = *(const cmrp_order *)context;
    cmrp_reservation place = {0};
    if (!cmrp_put_uint(w, "a", 1, order, number(sample, 1, order)) ||
        !cmrp_put_uint(w, "b", 2, order, number(sample + 1, 2, order)) ||
        !cmrp_put_uint(w, "c", 4, order, number(sample + 3, 4, order)) ||
        !cmrp_put_uint(w, "d", 8, order, number(sample + 7, 8, order)) ||
        !cmrp_reserve(w, "length", 2, &place) || !cmrp_put_view(w, "e", (cmrp_view){sample, 3}) ||
        !cmrp_put_zero(w, "f", 2) || !cmrp_put_view(w, "g", (cmrp_view){NULL, 0}) ||
        !cmrp_put_zero(w, "h", 0)) {
        return false;
    }
    cmrp_fill(w, place, order, 0x1234);
    return true;
}

static void test_writer(void **state) {
    (void)state;
    for (cmrp_order order = CMRP_LITTLE_ENDIAN; order <= CMRP_BIG_ENDIAN; order++) {
        uint8_t expected[22] = {0};
        const cmrp_reservation hole = {15, 2};
        memcpy(expected, sample, 15);
        expected[15] = order == CMRP_LITTLE_ENDIAN ? 0x34 : 0x12;
        expected[16] = order == CMRP_LITTLE_ENDIAN ? 0x12 : 0x34;
        memcpy(expected + 17, sample, 3);
        check_encode(encode_sample, &order, (cmrp_view){expected, sizeof expected}, &hole);
    }
}

static void test_put_takes_the_low_octets(void **state) {
    (void)state;
    uint8_t out[4] = {0};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, out, sizeof out, &error, "section");
    assert_true(cmrp_put_uint(&w, "a", 2, CMRP_BIG_ENDIAN, 0xaabbccdd));
    assert_int_equal(number(out, 4, CMRP_BIG_ENDIAN), 0xccdd0000);
}

static void test_writer_without_space(void **state) {
    (void)state;
    static const size_t sizes[] = {3, 4, SIZE_MAX - 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t out[5] = {9, 9, 9, 9, 9};
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, out, 4, &error, "section");
        assert_true(cmrp_put_uint(&w, "a", 2, CMRP_LITTLE_ENDIAN, 0));
        assert_false(cmrp_put_zero(&w, "b", sizes[i]));
        assert_error(&error, CMRP_E_NO_SPACE, 2, "b", "section");
        assert_int_equal(error.value, sizes[i]);
        assert_int_equal(error.left, 2);
        error = (cmrp_error){0};
        assert_false(cmrp_put_view(&w, "b", (cmrp_view){sample, sizes[i]}));
        assert_error(&error, CMRP_E_NO_SPACE, 2, "b", "section");
        assert_int_equal(w.size, 2);
        assert_int_equal(out[2], 9);
        assert_int_equal(out[4], 9);
    }
}

static void test_writer_error_sticks(void **state) {
    (void)state;
    uint8_t out[16] = {0};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_reservation early = {0};
    cmrp_reservation late = {55, 66};
    cmrp_writer_init(&w, out, sizeof out, &error, "section");
    assert_true(cmrp_put_uint(&w, "a", 1, CMRP_LITTLE_ENDIAN, 1));
    assert_true(cmrp_reserve(&w, "b", 2, &early));
    assert_int_equal(early.position, 1);
    assert_int_equal(early.width, 2);
    assert_false(cmrp_write_fail(&w, CMRP_E_TOO_LARGE, "first", 8));
    assert_error(&error, CMRP_E_TOO_LARGE, 3, "first", "section");
    assert_int_equal(error.value, 8);
    assert_false(cmrp_write_fail(&w, CMRP_E_EMPTY, "second", 9));
    assert_false(cmrp_put_uint(&w, "c", 1, CMRP_LITTLE_ENDIAN, 7));
    assert_false(cmrp_put_zero(&w, "c", 0));
    assert_false(cmrp_put_view(&w, "c", (cmrp_view){NULL, 0}));
    assert_false(cmrp_reserve(&w, "c", 4, &late));
    assert_int_equal(late.position, 55);
    assert_int_equal(late.width, 66);
    cmrp_fill(&w, early, CMRP_LITTLE_ENDIAN, 0xffff);
    assert_int_equal(w.size, 3);
    assert_int_equal(number(out, 8, CMRP_BIG_ENDIAN), 1ull << 56);
    assert_error(&error, CMRP_E_TOO_LARGE, 3, "first", "section");
}

static void test_null_sink(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_reservation place;
    cmrp_sizer_init(&w, &error, "section");
    assert_null(w.data);
    assert_true(cmrp_put_zero(&w, "a", SIZE_MAX - 8));
    assert_true(cmrp_reserve(&w, "b", 4, &place));
    cmrp_fill(&w, place, CMRP_LITTLE_ENDIAN, 1);
    assert_int_equal(w.size, SIZE_MAX - 4);
    // More than a size_t counts is refused, not wrapped around.
    assert_false(cmrp_put_zero(&w, "c", 5));
    assert_error(&error, CMRP_E_NO_SPACE, SIZE_MAX - 4, "c", "section");
    assert_int_equal(w.size, SIZE_MAX - 4);
}

static void test_writer_without_capacity(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, NULL, 0, &error, "section");
    assert_true(cmrp_put_zero(&w, "nothing", 0));
    assert_false(cmrp_put_uint(&w, "octet", 1, CMRP_LITTLE_ENDIAN, 0));
    assert_error(&error, CMRP_E_NO_SPACE, 0, "octet", "section");
}

// ---- UTF-16 -------------------------------------------------------------------------------------

static void test_utf16(void **state) {
    (void)state;
    enum { HIGH = 0xd800, LAST_HIGH = 0xdbff, LOW = 0xdc00, LAST_LOW = 0xdfff };
    static const struct {
        unsigned found;
        size_t count;
        uint16_t units[4];
    } rows[] = {
        {0, 0, {0}},
        {0, 1, {'a'}},
        {CMRP_UTF16_NUL, 1, {0}},
        {CMRP_UTF16_NUL, 3, {'a', 0, 'b'}},
        {0, 2, {HIGH, LOW}},
        {0, 2, {LAST_HIGH, LAST_LOW}},
        {0, 4, {HIGH, LAST_LOW, LAST_HIGH, LOW}},
        {CMRP_UTF16_UNPAIRED, 1, {HIGH}},
        {CMRP_UTF16_UNPAIRED, 1, {LAST_LOW}},
        {CMRP_UTF16_UNPAIRED, 2, {LOW, HIGH}},
        {CMRP_UTF16_UNPAIRED, 2, {HIGH, 'a'}},
        {CMRP_UTF16_UNPAIRED, 2, {'a', LOW}},
        {CMRP_UTF16_UNPAIRED, 3, {HIGH, HIGH, LOW}},
        {CMRP_UTF16_UNPAIRED, 3, {HIGH, LOW, LOW}},
        {CMRP_UTF16_UNPAIRED | CMRP_UTF16_NUL, 2, {HIGH, 0}},
        {0, 4, {0xd7ff, 0xe000, 0xfffe, 0xffff}}, // next to the surrogates, and non-characters
        {0, 2, {0x00d8, 0x00dc}},                 // surrogates in the other order
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (cmrp_order order = CMRP_LITTLE_ENDIAN; order <= CMRP_BIG_ENDIAN; order++) {
            uint8_t octets[10] = {0};
            for (size_t n = 0; n < rows[i].count; n++) {
                const uint16_t unit = rows[i].units[n];
                octets[2 * n + (order == CMRP_BIG_ENDIAN)] = (uint8_t)unit;
                octets[2 * n + (order == CMRP_LITTLE_ENDIAN)] = (uint8_t)(unit >> 8);
            }
            const size_t size = 2 * rows[i].count;
            octets[size] = 0; // an odd octet that is not to be read as half a NUL
            const cmrp_view even = exact(octets, size);
            const cmrp_view odd = exact(octets, size + 1);
            assert_int_equal(cmrp_utf16_check(even, order), rows[i].found);
            assert_int_equal(cmrp_utf16_check(odd, order), rows[i].found | CMRP_UTF16_ODD_SIZE);
            free_view(even);
            free_view(odd);
        }
    }
    assert_int_equal(cmrp_utf16_check((cmrp_view){NULL, 0}, CMRP_LITTLE_ENDIAN), 0);
}

// Long text, where several units are looked at together: any unit, special or next to a special
// one, at any place.
static void test_long_utf16(void **state) {
    (void)state;
    static const uint16_t edges[] = {0,      1,      0x00ff, 0x0100, 0x7fff, 0x8000, 0x8001,
                                     0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff};
    uint64_t random = 0x13198a2e03707344;
    guard g;
    guard_open(&g, 64);
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t units[24];
        uint8_t octets[2 * COUNT_OF(units) + 1];
        const cmrp_order order = round % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN;
        const size_t count = round / 2 % (COUNT_OF(units) + 1);
        unsigned expected = 0;
        bool simple = true;
        for (size_t i = 0; i < count; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            const unsigned r = (unsigned)(random >> 40);
            units[i] =
                r % 8 == 0 ? edges[r / 8 % COUNT_OF(edges)] : (uint16_t)(0x20 + r / 8 % 0x60);
            octets[2 * i + (order == CMRP_BIG_ENDIAN)] = (uint8_t)units[i];
            octets[2 * i + (order == CMRP_LITTLE_ENDIAN)] = (uint8_t)(units[i] >> 8);
        }
        for (size_t i = 0; i < count; i++) {
            const bool high = units[i] >= 0xd800 && units[i] <= 0xdbff;
            const bool low = units[i] >= 0xdc00 && units[i] <= 0xdfff;
            const bool next_low = i + 1 < count && units[i + 1] >= 0xdc00 && units[i + 1] <= 0xdfff;
            const bool after_high = i > 0 && units[i - 1] >= 0xd800 && units[i - 1] <= 0xdbff;
            simple = simple && units[i] >= 1 && units[i] <= 0x7fff;
            expected |= units[i] == 0 ? CMRP_UTF16_NUL : 0;
            expected |= (high && !next_low) || (low && !after_high) ? CMRP_UTF16_UNPAIRED : 0;
        }
        octets[2 * count] = 0;
        const cmrp_view even = guard_place(&g, octets, 2 * count);
        assert_int_equal(cmrp_utf16_check(even, order), expected);
        assert_int_equal(cmrp_utf16_is_simple(even, order), simple);
        const cmrp_view odd = guard_place(&g, octets, 2 * count + 1);
        assert_int_equal(cmrp_utf16_check(odd, order), expected | CMRP_UTF16_ODD_SIZE);
        assert_int_equal(cmrp_utf16_is_simple(odd, order), simple);
    }
    guard_close(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_take_moves),
        cmocka_unit_test(test_peek_and_skip),
        cmocka_unit_test(test_failed_take_leaves_everything),
        cmocka_unit_test(test_take_integers),
        cmocka_unit_test(test_take_uint_of_each_width),
        cmocka_unit_test(test_failed_integers_leave_everything),
        cmocka_unit_test(test_first_error_sticks),
        cmocka_unit_test(test_child_cannot_leave),
        cmocka_unit_test(test_reader_of_nothing),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_put_takes_the_low_octets),
        cmocka_unit_test(test_writer_without_space),
        cmocka_unit_test(test_writer_error_sticks),
        cmocka_unit_test(test_null_sink),
        cmocka_unit_test(test_writer_without_capacity),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_long_utf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
