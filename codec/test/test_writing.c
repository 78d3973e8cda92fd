// SPDX-License-Identifier: Apache-2.0
// What writers refuse, and how they say it: code, field, value, section. Nothing may be written
// behind a refusal, and a refusal sticks.
#include "test_support.h"

#include "cmrp/batch.h"
#include "cmrp/epm.h"
#include "cmrp/payload.h"

static const uint8_t octets[CMRP_TOWER_MAXIMUM + 2] = {0};

typedef struct sink {
    uint8_t room[4096];
    cmrp_writer writer;
    cmrp_error error;
} sink;

static cmrp_writer *sink_open(sink *s) {
    s->error = (cmrp_error){0};
    cmrp_writer_init(&s->writer, s->room, sizeof s->room, &s->error, "none");
    return &s->writer;
}

#define assert_refused(sink_, ok_, code_, field_, value_, section_)                                \
    do {                                                                                           \
        assert_false(ok_);                                                                         \
        assert_int_equal((sink_)->error.code, code_);                                              \
        assert_string_equal((sink_)->error.field, field_);                                         \
        assert_int_equal((sink_)->error.value, value_);                                            \
        assert_string_equal((sink_)->error.section, section_);                                     \
        assert_false(cmrp_put_uint(&(sink_)->writer, "more", 1, CMRP_LITTLE_ENDIAN, 0));           \
        assert_string_equal((sink_)->error.field, field_);                                         \
    } while (0)

static void test_towers(void **state) {
    (void)state;
    static cmrp_floor floors[UINT16_MAX + 1];
    sink s;
    for (size_t i = 0; i < COUNT_OF(floors); i++) {
        floors[i] = (cmrp_floor){.protocol = 0x70};
    }
    s.error = (cmrp_error){0};
    cmrp_sizer_init(&s.writer, &s.error, "none");
    assert_true(cmrp_tower_encode(floors, UINT16_MAX, &s.writer));
    s.error = (cmrp_error){0};
    cmrp_sizer_init(&s.writer, &s.error, "none");
    assert_refused(&s, cmrp_tower_encode(floors, UINT16_MAX + 1, &s.writer), CMRP_E_TOO_LARGE,
                   "floor_count", UINT16_MAX + 1, "C706 appendix L");
    const cmrp_floor named = {
        .protocol = 0x0f, .kind = CMRP_FLOOR_NAME, .name = {(const uint8_t *)"a\0b", 3}};
    assert_refused(&s, cmrp_tower_encode(&named, 1, sink_open(&s)), CMRP_E_NAME_NUL, "rhs", 3,
                   "C706 appendix L");
}

static void test_ept_map(void **state) {
    (void)state;
    sink s;
    cmrp_epm_request request = {.max_towers = CMRP_EPM_TOWERS + 1};
    assert_refused(&s,
                   cmrp_epm_request_encode(&request, CMRP_NDR20, CMRP_LITTLE_ENDIAN, sink_open(&s)),
                   CMRP_E_RANGE, "max_towers", CMRP_EPM_TOWERS + 1, "MS-RPCE 2.2.1.2.5");
    assert_int_equal(s.writer.size, 0);
    request = (cmrp_epm_request){.has_tower = true, .tower = {octets, CMRP_TOWER_MAXIMUM}};
    assert_true(cmrp_epm_request_encode(&request, CMRP_NDR20, CMRP_LITTLE_ENDIAN, sink_open(&s)));
    request.tower.size++;
    assert_refused(&s,
                   cmrp_epm_request_encode(&request, CMRP_NDR20, CMRP_LITTLE_ENDIAN, sink_open(&s)),
                   CMRP_E_RANGE, "tower_length", CMRP_TOWER_MAXIMUM + 1, "MS-RPCE 2.2.1.2.5");
    cmrp_epm_response response = {.max_towers = CMRP_EPM_TOWERS + 1};
    assert_refused(
        &s, cmrp_epm_response_encode(&response, CMRP_NDR20, CMRP_LITTLE_ENDIAN, sink_open(&s)),
        CMRP_E_RANGE, "ITowers", CMRP_EPM_TOWERS + 1, "MS-RPCE 2.2.1.2.5");
    response = (cmrp_epm_response){.max_towers = 1, .num_towers = 2};
    assert_refused(
        &s, cmrp_epm_response_encode(&response, CMRP_NDR20, CMRP_LITTLE_ENDIAN, sink_open(&s)),
        CMRP_E_RANGE, "ITowers", 1, "MS-RPCE 2.2.1.2.5");
}

#define EVENTS     "MS-CMRP 3.1.4.2.138"
#define MEMBERSHIP "MS-CMRP 2.2.3.42"

static const cmrp_payload_row *row_of(cmrp_payload_kind kind) {
    const cmrp_payload_row *row;
    for (size_t i = 0; (row = cmrp_payload_row_at(i)) != NULL; i++) {
        if (row->kind == kind) {
            return row;
        }
    }
    fail_msg("no row of the kind %s", cmrp_payload_kind_name(kind));
    return NULL;
}

static cmrp_payload payload_of(cmrp_payload_kind kind) {
    return (cmrp_payload){.row = row_of(kind), .kind = kind};
}

static void test_payloads(void **state) {
    (void)state;
    sink s;
    cmrp_payload p = payload_of(CMRP_PAYLOAD_ID);
    p.text = (cmrp_view){(const uint8_t *)"1\0002", 3};
    p.nuls = 1;
    assert_refused(&s, cmrp_payload_encode(&p, sink_open(&s)), CMRP_E_STRING_LENGTH, "buffer", 3,
                   EVENTS);
    p.text = (cmrp_view){(const uint8_t *)"1\0", 2};
    p.nuls = SIZE_MAX / 2;
    assert_refused(&s, cmrp_payload_encode(&p, sink_open(&s)), CMRP_E_TOO_LARGE, "buffer",
                   SIZE_MAX / 2, EVENTS);
    p = payload_of(CMRP_PAYLOAD_MULTI_SZ);
    p.octets = (cmrp_view){octets, 3};
    assert_refused(&s, cmrp_payload_encode(&p, sink_open(&s)), CMRP_E_STRING_LENGTH, "buffer", 3,
                   EVENTS);
    p = payload_of(CMRP_PAYLOAD_STATE);
    p.kind = CMRP_PAYLOAD_TEXT;
    assert_refused(&s, cmrp_payload_encode(&p, sink_open(&s)), CMRP_E_OTHER_KIND, "buffer", 0,
                   EVENTS);
    p = payload_of(CMRP_PAYLOAD_MEMBERSHIP);
    p.up_nodes = (cmrp_view){octets, (size_t)UINT32_MAX + 1}; // refused before it is read
    assert_refused(&s, cmrp_payload_encode(&p, sink_open(&s)), CMRP_E_TOO_LARGE, "UpNodesSize",
                   (uint64_t)UINT32_MAX + 1, MEMBERSHIP);
}

static void test_fixed_texts(void **state) {
    (void)state;
    enum { TEXT = CMRP_SHARED_VOLUME_NAME_SIZE - 2 };
    static uint8_t text[TEXT + 2];
    sink s;
    cmrp_shared_volume v = {.volume_name.text = {text, 3}};
    for (size_t i = 0; i < sizeof text; i += 2) {
        text[i] = 'a';
    }
    assert_refused(&s, cmrp_shared_volume_write(&v, sink_open(&s)), CMRP_E_STRING_LENGTH,
                   "szVolumeName", 3, "MS-CMRP 2.2.3.29");
    v.volume_name.text.size = TEXT;
    assert_true(cmrp_shared_volume_write(&v, sink_open(&s)));
    assert_int_equal(s.writer.size, CMRP_SHARED_VOLUME_SIZE);
    v.volume_name.text.size = TEXT + 2;
    assert_refused(&s, cmrp_shared_volume_write(&v, sink_open(&s)), CMRP_E_STRING_LENGTH,
                   "szVolumeName", TEXT + 2, "MS-CMRP 2.2.3.29");
    v.volume_name.text = (cmrp_view){octets, 2};
    assert_refused(&s, cmrp_shared_volume_write(&v, sink_open(&s)), CMRP_E_STRING_NUL,
                   "szVolumeName", 0, "MS-CMRP 2.2.3.29");
    v.volume_name.text.size = 0;
    v.volume_name.rest = (cmrp_view){octets, TEXT - 2};
    assert_refused(&s, cmrp_shared_volume_write(&v, sink_open(&s)), CMRP_E_STRING_PADDING,
                   "szVolumeName", TEXT - 2, "MS-CMRP 2.2.3.29");
    v.volume_name.rest.size = 0;
    v.ex = true;
    v.friendly_name.text = (cmrp_view){text, 1};
    assert_refused(&s, cmrp_shared_volume_write(&v, sink_open(&s)), CMRP_E_STRING_LENGTH,
                   "szVolumeFriendlyName", 1, "MS-CMRP 2.2.3.32");
}

static void test_properties(void **state) {
    (void)state;
    sink s;
    cmrp_property_writer pw = {0};
    cmrp_property p = {.name = {octets, (size_t)UINT32_MAX + 1}};
    const cmrp_property_value value = {.syntax = 0x00010002, .data = {octets, 4}};
    assert_true(cmrp_property_writer_open(&pw, sink_open(&s)));
    assert_refused(&s, cmrp_property_put_value(&pw, &value), CMRP_E_NO_VALUE,
                   "CLUSPROP_SYNTAX_NAME", 0, "MS-CMRP 2.2.3.10.1");
    pw = (cmrp_property_writer){0};
    assert_true(cmrp_property_writer_open(&pw, sink_open(&s)));
    assert_refused(&s, cmrp_property_put(&pw, &p), CMRP_E_TOO_LARGE, "size",
                   (uint64_t)UINT32_MAX + 1, "MS-CMRP 2.2.3.10.1");
    pw = (cmrp_property_writer){0};
    p.name = (cmrp_view){(const uint8_t *)"a\0\0", 3};
    assert_true(cmrp_property_writer_open(&pw, sink_open(&s)));
    assert_refused(&s, cmrp_property_put(&pw, &p), CMRP_E_STRING_LENGTH, "size", 3,
                   "MS-CMRP 2.2.3.10.1");
    pw = (cmrp_property_writer){0};
    p.name = (cmrp_view){(const uint8_t *)"a\0b\0", 4};
    assert_true(cmrp_property_writer_open(&pw, sink_open(&s)));
    assert_refused(&s, cmrp_property_put(&pw, &p), CMRP_E_STRING_TERMINATOR, "buffer", 0,
                   "MS-CMRP 2.2.3.10.1");
    pw = (cmrp_property_writer){0};
    p.name = (cmrp_view){(const uint8_t *)"a\0\0\0", 4};
    assert_true(cmrp_property_writer_open(&pw, sink_open(&s)));
    assert_true(cmrp_property_put(&pw, &p));
    assert_refused(&s, cmrp_property_writer_close(&pw), CMRP_E_NO_VALUE, "PropertyValues", 0,
                   "MS-CMRP 2.2.3.10.1");
}

// A reason's bits that have no name are what its warning tells, and no others.
static void test_unlisted_reasons(void **state) {
    (void)state;
    sink s;
    warnings w = {0};
    cmrp_error error = {0};
    cmrp_shared_volume read;
    const cmrp_shared_volume v = {
        .ex = true, .redirected_reason = 0x83, .block_redirected_reason = 0x0c};
    assert_true(cmrp_shared_volume_write(&v, sink_open(&s)));
    assert_true(cmrp_shared_volume_read((cmrp_view){s.room, s.writer.size}, BASE, &read, collect,
                                        &w, &error));
    assert_int_equal(w.count, 2);
    assert_error(&w.list[0], CMRP_E_UNLISTED, BASE + CMRP_SHARED_VOLUME_EX_SIZE - 16,
                 "RedirectedIOReason", "MS-CMRP 2.2.3.32");
    assert_int_equal(w.list[0].value, 0x80);
    assert_error(&w.list[1], CMRP_E_UNLISTED, BASE + CMRP_SHARED_VOLUME_EX_SIZE - 8,
                 "BlockRedirectedIOReason", "MS-CMRP 2.2.3.32");
    assert_int_equal(w.list[1].value, 0x0c);
}

static void test_texts_before_nuls(void **state) {
    (void)state;
    static const struct {
        const char *octets;
        size_t size, text, nuls;
    } cases[] = {
        {"", 0, 0, 0},
        {"\0", 1, 0, 0},
        {"\0\0", 2, 0, 1},
        {"a\0\0", 3, 2, 0},
        {"a\0\0\0", 4, 2, 1},
        {"a\0\0\0\0", 5, 2, 1},
        {"\0\0\0\0", 4, 0, 2},
        {"a\0\0\0b\0", 6, 6, 0},
        {"\0\0a\0\0\0", 6, 4, 1},
        {"a\0b\0\0\0\0", 7, 4, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const cmrp_view units = exact(cases[i].octets, cases[i].size);
        size_t nuls = 7;
        const cmrp_view text = cmrp_text_before_nuls(units, &nuls);
        assert_int_equal(text.size, cases[i].text);
        assert_int_equal(nuls, cases[i].nuls);
        free_view(units);
    }
}

// Lists as nobody checked them: the iteration ends within them all the same.
static void test_lists_unchecked(void **state) {
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
        size_t texts[3]; // sizes, 0 behind the last
    } cases[] = {
        {"", 0, {0}},
        {"a", 1, {0}},
        {"a\0", 2, {2}},
        {"a\0\0", 3, {2}},
        {"a\0\0\0", 4, {2}},
        {"a\0\0\0b\0", 6, {2, 2}},
        {"a\0\0\0b\0c\0\0", 9, {2, 4}},
        {"a\0\0\0b\0\0\0\0\0", 10, {2, 2}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const cmrp_view units = exact(cases[i].octets, cases[i].size);
        size_t cursor = 0;
        size_t n = 0;
        cmrp_view text;
        while (n < COUNT_OF(cases[i].texts) && cmrp_multi_sz_next(units, &cursor, &text)) {
            assert_int_equal(text.size, cases[i].texts[n++]);
            assert_true(inside(text, units));
        }
        assert_true(n == COUNT_OF(cases[i].texts) || cases[i].texts[n] == 0);
        free_view(units);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_towers),
        cmocka_unit_test(test_ept_map),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_fixed_texts),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_unlisted_reasons),
        cmocka_unit_test(test_texts_before_nuls),
        cmocka_unit_test(test_lists_unchecked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
