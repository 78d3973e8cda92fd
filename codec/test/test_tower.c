// SPDX-License-Identifier: Apache-2.0
// Protocol towers; the stubs of ept_map that hold them are in test_epm.c.
#include "test_support.h"

#include "cmrp/epm.h"

#define TOWER "C706 appendix L"

// Paths of the first floors.
#define PATHS(i)                                                                                   \
    {                                                                                              \
        "floors[" #i "].lhs_length", "floors[" #i "].lhs", "floors[" #i "].rhs_length",            \
            "floors[" #i "].rhs"                                                                   \
    }
enum { LHS_LENGTH, LHS, RHS_LENGTH, RHS };
static const char *const paths[][4] = {PATHS(0), PATHS(1), PATHS(2), PATHS(3),
                                       PATHS(4), PATHS(5), PATHS(6)};

static const uint8_t clusapi_wire[] = {0xb2, 0xb8, 0x7d, 0xb9, 0x63, 0x4c, 0xcf, 0x11,
                                       0xbf, 0xf6, 0x08, 0x00, 0x2b, 0xe2, 0x3f, 0x2f};
static const uint8_t ndr20_wire[] = {0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
                                     0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60};

// ---- towers, built by hand ----------------------------------------------------------------------

static void add_side(built *b, const char *length_path, const char *path, const void *octets,
                     size_t size) {
    const size_t at = b->size;
    add_uint(b, length_path, 2, size);
    add_octets(b, path, octets, size, CMRP_E_OVERRUN, at);
    // A cut within the octets is said at the length.
    for (size_t i = 0; i < b->cut_count; i++) {
        if (b->cuts[i].path == path) {
            b->cuts[i].path = length_path;
        }
    }
}

static void add_floor(built *b, unsigned i, const void *lhs, size_t lhs_size, const void *rhs,
                      size_t rhs_size) {
    add_side(b, paths[i][LHS_LENGTH], paths[i][LHS], lhs, lhs_size);
    add_side(b, paths[i][RHS_LENGTH], paths[i][RHS], rhs, rhs_size);
}

static void add_uuid_floor(built *b, unsigned i, const uint8_t *wire, uint8_t major,
                           uint8_t minor) {
    uint8_t lhs[19] = {0x0d};
    const uint8_t rhs[] = {minor, 0};
    memcpy(lhs + 1, wire, 16);
    lhs[17] = major;
    add_floor(b, i, lhs, sizeof lhs, rhs, sizeof rhs);
}

static void add_small_floor(built *b, unsigned i, uint8_t protocol, const char *rhs, size_t size) {
    add_floor(b, i, &protocol, 1, rhs, size);
}

// clusapi 3.0 over TCP: port 49664 of 192.0.2.10.
static void build_usual(built *b) {
    built_init(b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(b, "floor_count", 2, 5);
    add_uuid_floor(b, 0, clusapi_wire, 3, 0);
    add_uuid_floor(b, 1, ndr20_wire, 2, 0);
    add_small_floor(b, 2, 0x0b, "\0\0", 2);
    add_small_floor(b, 3, 0x07, "\xc2\0", 2);
    add_small_floor(b, 4, 0x09, "\xc0\0\2\12", 4);
}

static bool decode_tower(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    return cmrp_tower_decode(input, offset, context, NULL, NULL, error);
}

static void test_usual_tower(void **state) {
    (void)state;
    built b;
    warnings w = {0};
    cmrp_error error = {0};
    cmrp_tower tower;
    cmrp_floor floor;
    size_t cursor = 0;
    build_usual(&b);
    assert_int_equal(b.size, 75);
    assert_true(cmrp_tower_decode(built_view(&b), BASE, &tower, collect, &w, &error));
    assert_int_equal(w.count, 0);
    assert_int_equal(tower.count, 5);
    assert_int_equal(tower.trailing.size, 0);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.protocol, CMRP_TOWER_UUID);
    assert_int_equal(floor.kind, CMRP_FLOOR_UUID);
    assert_true(cmrp_uuid_equal(&floor.id.uuid, &cmrp_uuid_clusapi));
    assert_int_equal(floor.id.version, 3);
    assert_int_equal(floor.id.version_minor, 0);
    assert_int_equal(floor.offset, BASE + 2);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_true(cmrp_uuid_equal(&floor.id.uuid, &cmrp_uuid_ndr20));
    assert_int_equal(floor.id.version, 2);
    assert_int_equal(floor.offset, BASE + 27);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_RPC);
    assert_int_equal(floor.protocol, CMRP_TOWER_NCACN);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_PORT);
    assert_int_equal(floor.number, 49664);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_ADDRESS);
    assert_memory_equal(floor.address, "\xc0\0\2\12", 4);
    assert_false(cmrp_tower_next(&tower, &cursor, &floor));
    check_cuts(&b, decode_tower, &tower, BASE);
}

static void test_endpoint(void **state) {
    (void)state;
    built b;
    cmrp_error error = {0};
    cmrp_tower tower;
    cmrp_endpoint endpoint;
    build_usual(&b);
    assert_true(decode_tower(&tower, built_view(&b), 0, &error));
    assert_true(cmrp_tower_endpoint(&tower, &endpoint));
    assert_true(cmrp_uuid_equal(&endpoint.interface.uuid, &cmrp_uuid_clusapi));
    assert_int_equal(endpoint.interface.version, 3);
    assert_true(cmrp_uuid_equal(&endpoint.transfer.uuid, &cmrp_uuid_ndr20));
    assert_int_equal(endpoint.rpc, CMRP_TOWER_NCACN);
    assert_int_equal(endpoint.transport, CMRP_TOWER_TCP);
    assert_int_equal(endpoint.port, 49664);
    assert_memory_equal(endpoint.address, "\xc0\0\2\12", 4);
    // Each floor in turn becomes one of another kind of the same length.
    static const size_t at[] = {0x34, 0x3b, 0x42};
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        build_usual(&b);
        b.octets[at[i] + 2] = 0x7e;
        memset(&endpoint, 0x55, sizeof endpoint);
        const cmrp_endpoint before = endpoint;
        assert_true(decode_tower(&tower, built_view(&b), 0, &error));
        assert_false(cmrp_tower_endpoint(&tower, &endpoint));
        assert_memory_equal(&endpoint, &before, sizeof before);
    }
    build_usual(&b);
    b.octets[0] = 4;
    assert_true(decode_tower(&tower, built_view(&b), 0, &error));
    assert_int_equal(tower.trailing.size, 9);
    assert_false(cmrp_tower_endpoint(&tower, &endpoint));
}

static void test_names_and_others(void **state) {
    (void)state;
    built b;
    cmrp_error error = {0};
    cmrp_tower tower;
    cmrp_floor floor;
    size_t cursor = 0;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "floor_count", 2, 6);
    add_small_floor(&b, 0, 0x0f, "\\PIPE\\cluster", 14);
    add_small_floor(&b, 1, 0x11, "\\\\NODE", 7);
    add_small_floor(&b, 2, 0x1f, "\2\x51", 2);
    add_floor(&b, 3, "\x16rest", 5, "right", 5);
    add_small_floor(&b, 4, 0x20, "", 0);
    add_small_floor(&b, 5, 0x0a, "\1\2", 2);
    assert_true(decode_tower(&tower, built_view(&b), BASE, &error));
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_NAME);
    assert_int_equal(floor.name.size, 13);
    assert_memory_equal(floor.name.data, "\\PIPE\\cluster", 13);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.name.size, 6);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_PORT);
    assert_int_equal(floor.number, 593);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_OTHER);
    assert_int_equal(floor.protocol, 0x16);
    assert_int_equal(floor.lhs.size, 4);
    assert_memory_equal(floor.lhs.data, "rest", 4);
    assert_int_equal(floor.rhs.size, 5);
    assert_memory_equal(floor.rhs.data, "right", 5);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.kind, CMRP_FLOOR_OTHER);
    assert_int_equal(floor.rhs.size, 0);
    assert_true(cmrp_tower_next(&tower, &cursor, &floor));
    assert_int_equal(floor.number, 0x0201); // not in network order
    check_cuts(&b, decode_tower, &tower, BASE);
}

static void test_protocols(void **state) {
    (void)state;
    unsigned known = 0;
    for (unsigned i = 0; i < 300; i++) {
        const char *name = cmrp_tower_protocol_name(i);
        uint8_t back = 0;
        assert_int_equal(name != NULL, cmrp_tower_protocol_kind(i) != CMRP_FLOOR_OTHER);
        if (name != NULL) {
            known++;
            assert_true(cmrp_tower_protocol_named(name, &back));
            assert_int_equal(back, i);
        }
    }
    uint8_t untouched = 99;
    assert_int_equal(known, 10);
    assert_false(cmrp_tower_protocol_named("", &untouched));
    assert_int_equal(untouched, 99);
}

static void expect_refusal(const built *b, cmrp_code code, uint64_t offset, const char *path) {
    cmrp_error error = {0};
    cmrp_tower tower;
    const cmrp_view input = exact(b->octets, b->size);
    assert_false(decode_tower(&tower, input, BASE, &error));
    assert_error(&error, code, BASE + offset, path, TOWER);
    free_view(input);
}

static void test_tower_refusals(void **state) {
    (void)state;
    // Offset of a length of the usual tower, how much it is off, and where that is said.
    static const struct {
        size_t at;
        const char *path;
    } lengths[] = {{2, "floors[0].lhs_length"},    {0x17, "floors[0].rhs_length"},
                   {0x1b, "floors[1].lhs_length"}, {0x30, "floors[1].rhs_length"},
                   {0x34, "floors[2].lhs_length"}, {0x37, "floors[2].rhs_length"},
                   {0x3b, "floors[3].lhs_length"}, {0x3e, "floors[3].rhs_length"},
                   {0x42, "floors[4].lhs_length"}, {0x45, "floors[4].rhs_length"}};
    built b;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        build_usual(&b);
        b.octets[lengths[i].at] = 0;
        expect_refusal(&b, CMRP_E_FLOOR_LENGTH, lengths[i].at, lengths[i].path);
        build_usual(&b);
        b.octets[lengths[i].at]--;
        expect_refusal(&b, CMRP_E_FLOOR_LENGTH, lengths[i].at, lengths[i].path);
        build_usual(&b);
        b.octets[lengths[i].at + 1] = 1;
        expect_refusal(&b, CMRP_E_OVERRUN, lengths[i].at, lengths[i].path);
    }
    build_usual(&b);
    b.octets[0] = 6;
    expect_refusal(&b, CMRP_E_TRUNCATED, 75, "floors[5].lhs_length");
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "floor_count", 2, 1);
    add_small_floor(&b, 0, 0x0f, "pipe", 4);
    expect_refusal(&b, CMRP_E_NAME_TERMINATOR, 7, "floors[0].rhs");
    b.octets[8] = 0;
    expect_refusal(&b, CMRP_E_NAME_TERMINATOR, 7, "floors[0].rhs");
    b.octets[10] = 0;
    expect_refusal(&b, CMRP_E_NAME_NUL, 7, "floors[0].rhs");
    b.octets[5] = 0; // not even a NUL
    expect_refusal(&b, CMRP_E_NAME_TERMINATOR, 7, "floors[0].rhs");
    b.octets[5] = 5;
    expect_refusal(&b, CMRP_E_OVERRUN, 5, "floors[0].rhs_length");
}

static void test_tower_warnings(void **state) {
    (void)state;
    built b;
    warnings w = {0};
    cmrp_error error = {0};
    cmrp_tower tower;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "floor_count", 2, 7);
    for (unsigned i = 0; i < 7; i++) {
        add_small_floor(&b, i, 0x70, "", 0);
    }
    add_uint(&b, "", 1, 0xff);
    assert_true(cmrp_tower_decode(built_view(&b), BASE, &tower, collect, &w, &error));
    assert_int_equal(tower.count, 7);
    assert_int_equal(w.count, 2);
    assert_error(&w.list[0], CMRP_E_RANGE, BASE, "floor_count", "MS-RPCE 3.1.3.5.3");
    assert_error(&w.list[1], CMRP_E_TRAILING, BASE + 2 + 7 * 5, "tower", TOWER);
    assert_int_equal(tower.trailing.size, 1);
    assert_int_equal(tower.trailing.data[0], 0xff);
    b.octets[0] = 0;
    w.count = 0;
    assert_true(cmrp_tower_decode(built_view(&b), BASE, &tower, collect, &w, &error));
    assert_int_equal(tower.count, 0);
    assert_int_equal(w.count, 1);
}

struct encoding {
    cmrp_floor floors[8];
    size_t count;
};

static bool encode_tower(void *context, cmrp_writer *w) {
    const struct encoding *e = context;
    return cmrp_tower_encode(e->floors, e->count, w);
}

static void test_tower_encoding(void **state) {
    (void)state;
    built b;
    cmrp_error error = {0};
    cmrp_tower tower;
    struct encoding e = {.count = 0};
    size_t cursor = 0;
    build_usual(&b);
    assert_true(decode_tower(&tower, built_view(&b), 0, &error));
    while (cmrp_tower_next(&tower, &cursor, &e.floors[e.count])) {
        e.count++;
    }
    check_encode(encode_tower, &e, built_view(&b), NULL);
    cmrp_writer w;
    uint8_t octets[16];
    cmrp_writer_init(&w, octets, sizeof octets, &error, "");
    e.count = 1;
    e.floors[0] = (cmrp_floor){
        .protocol = 0x0f, .kind = CMRP_FLOOR_NAME, .name = {(const uint8_t *)"a\0b", 3}};
    assert_false(encode_tower(&e, &w));
    assert_int_equal(error.code, CMRP_E_NAME_NUL);
    static const uint8_t large[65536];
    error = (cmrp_error){0};
    cmrp_sizer_init(&w, &error, "");
    e.floors[0] = (cmrp_floor){.protocol = 0x70, .rhs = {large, 65535}};
    assert_true(encode_tower(&e, &w));
    e.floors[0].rhs.size++;
    assert_false(encode_tower(&e, &w));
    assert_int_equal(error.code, CMRP_E_TOO_LARGE);
    assert_string_equal(error.field, "rhs_length");
    error = (cmrp_error){0};
    e.floors[0].lhs = (cmrp_view){large, 65535};
    assert_false(encode_tower(&e, &w));
    assert_string_equal(error.field, "lhs_length");
}

// ---- anything -----------------------------------------------------------------------------------

static bool mutated(void *context, size_t seed, cmrp_view input) {
    cmrp_error error = {0};
    cmrp_tower *tower = context;
    (void)seed;
    const bool ok = cmrp_tower_decode(input, BASE, tower, NULL, NULL, &error);
    assert_true(inside(tower->floors, input));
    if (!ok) {
        check_refusal(&error, BASE, input.size);
    }
    return ok;
}

static void test_mutations(void **state) {
    (void)state;
    built b;
    cmrp_tower tower;
    build_usual(&b);
    const cmrp_view seed = built_view(&b);
    run_mutations(&seed, 1, mutated, &tower);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_tower),      cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_names_and_others), cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_tower_refusals),   cmocka_unit_test(test_tower_warnings),
        cmocka_unit_test(test_tower_encoding),   cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
