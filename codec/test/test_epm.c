// SPDX-License-Identifier: Apache-2.0
// The stubs of ept_map; the towers in them are in test_tower.c.
#include "test_support.h"

#include "cmrp/epm.h"

#define TWR_T "MS-RPCE 2.2.1.2.2"
#define MAP   "MS-RPCE 2.2.1.2.5"

static const uint8_t handle[CMRP_HANDLE_SIZE] = {0, 0, 0, 0,  1,  2,  3,  4,  5,  6,
                                                 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct stub {
    cmrp_syntax syntax;
    cmrp_order order;
    cmrp_epm_request request;
    cmrp_epm_response response;
    warnings warnings;
};

static bool decode_request(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    struct stub *s = context;
    return cmrp_epm_request_decode(input, offset, s->syntax, s->order, &s->request, collect,
                                   &s->warnings, error);
}

static bool decode_response(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    struct stub *s = context;
    return cmrp_epm_response_decode(input, offset, s->syntax, s->order, &s->response, collect,
                                    &s->warnings, error);
}

#define MAP_OCTETS  "map_tower.tower_octet_string"
#define MAP_LENGTH  "map_tower.tower_length"
#define LIST_OCTETS "ITowers[0].tower_octet_string"
#define LIST_LENGTH "ITowers[0].tower_length"

static void ndr_tower(built *b, const char *octets_path, const char *length_path,
                      const char *octets, size_t size) {
    ndr_align(b, octets_path, b->word);
    const size_t at = b->size;
    ndr_word(b, octets_path, size);
    ndr_uint(b, length_path, 4, size);
    add_octets(b, octets_path, octets, size, CMRP_E_OVERRUN, at);
}

static void build_request(built *b, const struct stub *s) {
    built_init(b, s->order, s->syntax);
    ndr_word(b, "obj", 0x1234);
    ndr_uint(b, "obj", 4, 0xb97db8b2);
    b->cuts[b->cut_count - 1].path = "obj";
    for (size_t i = 0; i < b->cut_count; i++) { // a UUID is taken as one
        if (b->cuts[i].end > b->word) {
            b->cuts[i].offset = b->word;
        }
    }
    const cut whole = {0, CMRP_E_TRUNCATED, b->word, "obj"};
    b->region = &whole;
    add_uint(b, "obj", 2, 0x4c63);
    add_uint(b, "obj", 2, 0x11cf);
    add_octets(b, "obj", "\xbf\xf6\x08\x00\x2b\xe2\x3f\x2f", 8, CMRP_E_TRUNCATED, b->word);
    b->region = NULL;
    ndr_word(b, "map_tower", 7);
    ndr_tower(b, MAP_OCTETS, MAP_LENGTH, "tower", 5);
    ndr_handle(b, "entry_handle", handle);
    ndr_uint(b, "max_towers", 4, 500);
}

static const struct stub forms[] = {
    {.syntax = CMRP_NDR20, .order = CMRP_LITTLE_ENDIAN},
    {.syntax = CMRP_NDR20, .order = CMRP_BIG_ENDIAN},
    {.syntax = CMRP_NDR64, .order = CMRP_LITTLE_ENDIAN},
    {.syntax = CMRP_NDR64, .order = CMRP_BIG_ENDIAN},
};

static bool encode_request(void *context, cmrp_writer *w) {
    const struct stub *s = context;
    return cmrp_epm_request_encode(&s->request, s->syntax, s->order, w);
}

static void test_request(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct stub s = forms[i];
        cmrp_error error = {0};
        built b;
        build_request(&b, &s);
        assert_true(decode_request(&s, built_view(&b), BASE, &error));
        assert_int_equal(s.warnings.count, 0);
        assert_true(s.request.has_object);
        assert_true(cmrp_uuid_equal(&s.request.object, &cmrp_uuid_clusapi));
        assert_true(s.request.has_tower);
        assert_int_equal(s.request.tower.size, 5);
        assert_memory_equal(s.request.tower.data, "tower", 5);
        assert_ptr_equal(b.octets + (s.request.tower_offset - BASE), s.request.tower.data);
        assert_memory_equal(s.request.entry_handle, handle, sizeof handle);
        assert_int_equal(s.request.max_towers, 500);
        // Our own form differs in the referents only.
        cmrp_store(b.octets, b.word, 0x20000, s.order);
        cmrp_store(b.octets + b.word + 16, b.word, 0x20004, s.order);
        check_encode(encode_request, &s, built_view(&b), NULL);
        check_cuts(&b, decode_request, &s, BASE);
    }
}

static void test_empty_request(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct stub s = forms[i];
        cmrp_error error = {0};
        built b;
        built_init(&b, s.order, s.syntax);
        ndr_word(&b, "obj", 0);
        ndr_word(&b, "map_tower", 0);
        ndr_handle(&b, "entry_handle", handle);
        ndr_uint(&b, "max_towers", 4, 0);
        assert_true(decode_request(&s, built_view(&b), BASE, &error));
        assert_false(s.request.has_object);
        assert_false(s.request.has_tower);
        check_encode(encode_request, &s, built_view(&b), NULL);
        check_cuts(&b, decode_request, &s, BASE);
        add_uint(&b, "", 2, 1);
        assert_true(decode_request(&s, built_view(&b), BASE, &error));
        assert_int_equal(s.warnings.count, 1);
        assert_error(&s.warnings.list[0], CMRP_E_TRAILING, BASE + b.size - 2, "stub", MAP);
        cmrp_store(b.octets + b.size - 6, 4, 501, s.order);
        assert_false(decode_request(&s, built_view(&b), BASE, &error));
        assert_error(&error, CMRP_E_RANGE, BASE + b.size - 6, "max_towers", MAP);
    }
}

// ITowers of three: a tower, NULL, and the first one again.
static void build_response(built *b, const struct stub *s) {
    built_init(b, s->order, s->syntax);
    ndr_handle(b, "entry_handle", handle);
    ndr_uint(b, "num_towers", 4, 3);
    ndr_word(b, "ITowers", 4);
    ndr_word(b, "ITowers", 0);
    ndr_align(b, "ITowers", b->word);
    const size_t at = b->size;
    ndr_word(b, "ITowers", 3);
    const cut counted = {0, CMRP_E_OVERRUN, at, "ITowers"};
    b->region = &counted;
    ndr_word(b, "ITowers", 9);
    ndr_word(b, "ITowers", 0);
    ndr_word(b, "ITowers", 9);
    b->region = NULL;
    ndr_tower(b, LIST_OCTETS, LIST_LENGTH, "tower", 5);
    ndr_uint(b, "status", 4, 0x16c9a0d6);
}

static bool encode_response(void *context, cmrp_writer *w) {
    const struct stub *s = context;
    return cmrp_epm_response_encode(&s->response, s->syntax, s->order, w);
}

static void test_response(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct stub s = forms[i];
        cmrp_error error = {0};
        cmrp_epm_cursor cursor = {0};
        cmrp_view tower;
        uint64_t at;
        built b;
        build_response(&b, &s);
        assert_true(decode_response(&s, built_view(&b), BASE, &error));
        assert_int_equal(s.warnings.count, 0);
        assert_memory_equal(s.response.entry_handle, handle, sizeof handle);
        assert_int_equal(s.response.num_towers, 3);
        assert_int_equal(s.response.max_towers, 4);
        assert_int_equal(s.response.status, 0x16c9a0d6);
        for (unsigned n = 0; n < 3; n++) {
            assert_true(cmrp_epm_next_tower(&s.response, &cursor, &tower, &at));
            if (n == 1) {
                assert_null(tower.data);
                continue;
            }
            assert_int_equal(tower.size, 5);
            assert_memory_equal(tower.data, "tower", 5);
            assert_ptr_equal(b.octets + (at - BASE), tower.data);
        }
        assert_false(cmrp_epm_next_tower(&s.response, &cursor, &tower, &at));
        check_cuts(&b, decode_response, &s, BASE);
    }
}

static void test_response_encoding(void **state) {
    (void)state;
    const cmrp_view towers[] = {{(const uint8_t *)"one", 3}, {NULL, 0}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct stub s = forms[i];
        built b;
        s.response =
            (cmrp_epm_response){.num_towers = 2, .max_towers = 500, .towers = towers, .status = 5};
        built_init(&b, s.order, s.syntax);
        ndr_handle(&b, "", s.response.entry_handle);
        ndr_uint(&b, "", 4, 2);
        ndr_word(&b, "", 500);
        ndr_word(&b, "", 0);
        ndr_word(&b, "", 2);
        ndr_word(&b, "", 0x20000);
        ndr_word(&b, "", 0);
        ndr_tower(&b, "", "", "one", 3);
        ndr_uint(&b, "", 4, 5);
        check_encode(encode_response, &s, built_view(&b), NULL);
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_sizer_init(&w, &error, "");
        s.response.max_towers = 1;
        assert_false(encode_response(&s, &w));
        assert_int_equal(error.code, CMRP_E_RANGE);
    }
}

// Fields of a response in NDR20: what each is, and what is said when it is another value.
static void test_response_refusals(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        cmrp_code code;
        const char *path;
        const char *section;
    } cases[] = {
        {20, 2, CMRP_E_COUNT_MISMATCH, "ITowers", MAP},     // num_towers: said at the array
        {24, 501, CMRP_E_RANGE, "ITowers", MAP},            // max_count
        {28, 1, CMRP_E_STRING_OFFSET, "ITowers", MAP},      // offset
        {32, 5, CMRP_E_ACTUAL_COUNT, "ITowers", MAP},       // actual_count
        {32, 2, CMRP_E_COUNT_MISMATCH, "ITowers", MAP},     // the same
        {48, 4, CMRP_E_COUNT_MISMATCH, LIST_OCTETS, TWR_T}, // max_count of the tower
        {48, 999, CMRP_E_OVERRUN, LIST_OCTETS, TWR_T},      // the same
        {52, 4, CMRP_E_COUNT_MISMATCH, LIST_OCTETS, TWR_T}, // tower_length: said at the array
        {52, 2001, CMRP_E_RANGE, LIST_LENGTH, TWR_T},       // the same
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stub s = forms[i % 2];
        cmrp_error error = {0};
        built b;
        build_response(&b, &s);
        cmrp_store(b.octets + cases[i].at, 4, cases[i].value, s.order);
        assert_false(decode_response(&s, built_view(&b), BASE, &error));
        const size_t at = cases[i].at == 20               ? 32
                          : cases[i].code == CMRP_E_RANGE ? cases[i].at
                          : cases[i].at == 52             ? 48
                                                          : cases[i].at;
        assert_error(&error, cases[i].code, BASE + at, cases[i].path, cases[i].section);
    }
}

// What is wrong with an element is told with its number, and what follows the elements without.
static void test_elements_are_numbered(void **state) {
    (void)state;
    const cmrp_view towers[] = {
        {(const uint8_t *)"one", 3}, {NULL, 0}, {(const uint8_t *)"three", 5}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct stub s = forms[i];
        uint8_t octets[256];
        cmrp_error error = {0};
        cmrp_writer w;
        s.response = (cmrp_epm_response){.num_towers = 3, .max_towers = 3, .towers = towers};
        cmrp_writer_init(&w, octets, sizeof octets, &error, "");
        assert_true(encode_response(&s, &w));
        assert_false(decode_response(&s, (cmrp_view){octets, w.size - 9}, BASE, &error));
        char path[64];
        (void)cmrp_error_field(&error, path, sizeof path);
        assert_string_equal(path, "ITowers[2].tower_octet_string");
        error = (cmrp_error){0};
        assert_false(decode_response(&s, (cmrp_view){octets, w.size - 1}, BASE, &error));
        (void)cmrp_error_field(&error, path, sizeof path);
        assert_string_equal(path, "status");
    }
}

// ---- anything -----------------------------------------------------------------------------------

static bool mutated(void *context, size_t seed, cmrp_view input) {
    struct stub *s = context;
    cmrp_error error = {0};
    bool ok;
    if (seed == 0) {
        ok = decode_request(s, input, BASE, &error);
        assert_true(inside(s->request.tower, input));
    } else {
        ok = decode_response(s, input, BASE, &error);
        cmrp_epm_cursor cursor = {0};
        cmrp_view octets;
        uint64_t at;
        uint32_t n = 0;
        while (ok && cmrp_epm_next_tower(&s->response, &cursor, &octets, &at)) {
            assert_true(inside(octets, input));
            n++;
        }
        assert_int_equal(n, ok ? s->response.num_towers : 0);
    }
    if (!ok) {
        check_refusal(&error, BASE, input.size);
    }
    return ok;
}

static void test_mutations(void **state) {
    (void)state;
    built request, response;
    struct stub s = forms[0];
    build_request(&request, &s);
    build_response(&response, &s);
    const cmrp_view seeds[] = {built_view(&request), built_view(&response)};
    run_mutations(seeds, COUNT_OF(seeds), mutated, &s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),           cmocka_unit_test(test_empty_request),
        cmocka_unit_test(test_response),          cmocka_unit_test(test_response_encoding),
        cmocka_unit_test(test_response_refusals), cmocka_unit_test(test_elements_are_numbered),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
