// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include "cmrp/uuid.h"

// The known UUIDs as text and as a little-endian sender puts them on the wire.
static const struct {
    const cmrp_uuid *uuid;
    const char *text;
    uint8_t wire[CMRP_UUID_SIZE];
} known[] = {
    {&cmrp_uuid_clusapi,
     "b97db8b2-4c63-11cf-bff6-08002be23f2f",
     {0xb2, 0xb8, 0x7d, 0xb9, 0x63, 0x4c, 0xcf, 0x11, 0xbf, 0xf6, 0x08, 0x00, 0x2b, 0xe2, 0x3f,
      0x2f}},
    {&cmrp_uuid_ndr20,
     "8a885d04-1ceb-11c9-9fe8-08002b104860",
     {0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48,
      0x60}},
    {&cmrp_uuid_ndr64,
     "71710533-beba-4937-8319-b5dbef9ccc36",
     {0x33, 0x05, 0x71, 0x71, 0xba, 0xbe, 0x37, 0x49, 0x83, 0x19, 0xb5, 0xdb, 0xef, 0x9c, 0xcc,
      0x36}},
    {&cmrp_uuid_bind_time,
     "6cb71c2c-9812-4540-0000-000000000000",
     {0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45}},
};

static void test_known_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        char text[CMRP_UUID_TEXT_SIZE + 1];
        cmrp_uuid parsed;
        memset(text, 'U', sizeof text);
        cmrp_uuid_format(known[i].uuid, text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(text[CMRP_UUID_TEXT_SIZE], 'U');
        assert_true(cmrp_uuid_parse(known[i].text, &parsed));
        assert_true(cmrp_uuid_equal(&parsed, known[i].uuid));
        for (size_t k = 0; k < COUNT_OF(known); k++) {
            assert_int_equal(cmrp_uuid_equal(known[i].uuid, known[k].uuid), i == k);
        }
    }
}

static void test_wire_forms(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const cmrp_view little = exact(known[i].wire, CMRP_UUID_SIZE);
        const cmrp_view big = exact(known[i].uuid->octets, CMRP_UUID_SIZE); // the text's order
        for (cmrp_order order = CMRP_LITTLE_ENDIAN; order <= CMRP_BIG_ENDIAN; order++) {
            const cmrp_view wire = order == CMRP_LITTLE_ENDIAN ? little : big;
            cmrp_error error = {0};
            cmrp_reader r;
            cmrp_uuid uuid;
            cmrp_reader_init(&r, wire, 0, &error, "section");
            assert_true(cmrp_take_uuid(&r, "uuid", order, &uuid));
            assert_true(cmrp_uuid_equal(&uuid, known[i].uuid));
            assert_int_equal(r.left, 0);
        }
        free_view(little);
        free_view(big);
    }
}

static void test_equal_looks_at_every_octet(void **state) {
    (void)state;
    for (size_t i = 0; i < CMRP_UUID_SIZE; i++) {
        cmrp_uuid other = cmrp_uuid_clusapi;
        other.octets[i] = (uint8_t)(other.octets[i] ^ 1);
        assert_false(cmrp_uuid_equal(&other, &cmrp_uuid_clusapi));
    }
}

static void test_bind_time_is_a_prefix(void **state) {
    (void)state;
    for (size_t i = 0; i < CMRP_UUID_SIZE; i++) {
        cmrp_uuid other = cmrp_uuid_bind_time;
        other.octets[i] = (uint8_t)(other.octets[i] ^ 3);
        assert_int_equal(cmrp_uuid_is_bind_time(&other), i >= CMRP_UUID_SIZE / 2);
    }
    assert_true(cmrp_uuid_is_bind_time(&cmrp_uuid_bind_time));
    assert_false(cmrp_uuid_is_bind_time(&cmrp_uuid_ndr64));
}

static void test_parse_takes_either_case(void **state) {
    (void)state;
    cmrp_uuid uuid;
    assert_true(cmrp_uuid_parse("B97DB8B2-4C63-11CF-bff6-08002BE23F2F", &uuid));
    assert_true(cmrp_uuid_equal(&uuid, &cmrp_uuid_clusapi));
}

static void test_parse_refuses_the_rest(void **state) {
    (void)state;
    const cmrp_uuid before = {{1, 2, 3}};
    const size_t length = CMRP_UUID_TEXT_SIZE - 1;
    // Any character in the place of another, any front part, anything behind.
    for (size_t at = 0; at <= length; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[CMRP_UUID_TEXT_SIZE + 1] = "b97db8b2-4c63-11cf-bff6-08002be23f2f";
            const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
            const bool digit =
                (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            const bool right = at == length ? c == 0 : dash ? c == '-' : digit;
            cmrp_uuid uuid = before;
            text[at] = (char)c;
            const cmrp_view copy = exact(text, strlen(text) + 1);
            assert_int_equal(cmrp_uuid_parse((const char *)copy.data, &uuid), right);
            assert_true(right || cmrp_uuid_equal(&uuid, &before));
            free_view(copy);
        }
    }
}

static bool decode_syntax_id(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    cmrp_syntax_id *id = context;
    const cmrp_syntax_id before = *id;
    cmrp_reader r;
    cmrp_reader_init(&r, input, offset, error, "section");
    if (cmrp_take_syntax_id(&r, "syntax", CMRP_LITTLE_ENDIAN, id)) {
        return true;
    }
    assert_memory_equal(id, &before, sizeof before);
    assert_ptr_equal(r.at, input.data);
    assert_int_equal(r.left, input.size);
    return false;
}

static bool decode_uuid(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    cmrp_uuid *uuid = context;
    const cmrp_uuid before = *uuid;
    cmrp_reader r;
    cmrp_reader_init(&r, input, offset, error, "section");
    if (cmrp_take_uuid(&r, "uuid", CMRP_LITTLE_ENDIAN, uuid)) {
        return true;
    }
    assert_true(cmrp_uuid_equal(uuid, &before));
    return false;
}

static void test_cut_uuid(void **state) {
    (void)state;
    cmrp_uuid uuid = {{9}};
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_octets(&b, "uuid", known[2].wire, CMRP_UUID_SIZE, CMRP_E_TRUNCATED, 0);
    check_cuts(&b, decode_uuid, &uuid, BASE);
    assert_true(cmrp_uuid_equal(&uuid, &cmrp_uuid_ndr64));
}

static void test_syntax_id(void **state) {
    (void)state;
    cmrp_syntax_id id = {{{9}}, 9, 9};
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_octets(&b, "syntax", known[2].wire, CMRP_UUID_SIZE, CMRP_E_TRUNCATED, 0);
    add_octets(&b, "syntax", "\x01\x00\x02\x00", 4, CMRP_E_TRUNCATED, 16);
    check_cuts(&b, decode_syntax_id, &id, BASE);
    assert_true(cmrp_uuid_equal(&id.uuid, &cmrp_uuid_ndr64));
    assert_int_equal(id.version, 1);
    assert_int_equal(id.version_minor, 2);
}

typedef struct identified {
    cmrp_syntax_id id;
    cmrp_order order;
} identified;

static bool encode_syntax_id(void *context, cmrp_writer *w) {
    const identified *c = context;
    return cmrp_put_syntax_id(w, "syntax", c->order, &c->id);
}

static bool encode_uuid(void *context, cmrp_writer *w) {
    const identified *c = context;
    return cmrp_put_uuid(w, "uuid", c->order, &c->id.uuid);
}

static void test_put(void **state) {
    (void)state;
    identified c = {{cmrp_uuid_ndr20, 2, 0x0103}, CMRP_LITTLE_ENDIAN};
    uint8_t wire[20];
    memcpy(wire, known[1].wire, 16);
    memcpy(wire + 16, "\x02\x00\x03\x01", 4);
    check_encode(encode_uuid, &c, (cmrp_view){wire, 16}, NULL);
    check_encode(encode_syntax_id, &c, (cmrp_view){wire, 20}, NULL);
    c.order = CMRP_BIG_ENDIAN;
    memcpy(wire, c.id.uuid.octets, 16);
    memcpy(wire + 16, "\x01\x03\x00\x02", 4);
    check_encode(encode_uuid, &c, (cmrp_view){wire, 16}, NULL);
    check_encode(encode_syntax_id, &c, (cmrp_view){wire, 20}, NULL);
}

static void test_put_is_whole_or_not_at_all(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity < CMRP_UUID_SIZE; capacity++) {
        uint8_t out[CMRP_UUID_SIZE];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, out, capacity, &error, "section");
        assert_false(cmrp_put_uuid(&w, "uuid", CMRP_LITTLE_ENDIAN, &cmrp_uuid_ndr20));
        assert_error(&error, CMRP_E_NO_SPACE, 0, "uuid", "section");
        assert_int_equal(w.size, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_texts),
        cmocka_unit_test(test_wire_forms),
        cmocka_unit_test(test_equal_looks_at_every_octet),
        cmocka_unit_test(test_bind_time_is_a_prefix),
        cmocka_unit_test(test_parse_takes_either_case),
        cmocka_unit_test(test_parse_refuses_the_rest),
        cmocka_unit_test(test_cut_uuid),
        cmocka_unit_test(test_syntax_id),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_put_is_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
