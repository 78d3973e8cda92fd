// SPDX-License-Identifier: Apache-2.0
// Protocol towers and the stubs of ept_map.
#include "test_support.h"

#include "cmrp/epm.h"

#define TOWER "C706 appendix L"
#define TWR_T "MS-RPCE 2.2.1.2.2"
#define MAP   "MS-RPCE 2.2.1.2.5"

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

// ---- ept_map ------------------------------------------------------------------------------------

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
    add_octets(b, "obj", clusapi_wire + 8, 8, CMRP_E_TRUNCATED, b->word);
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

// ---- anything -----------------------------------------------------------------------------------

static bool mutated(void *context, size_t seed, cmrp_view input) {
    struct stub *s = context;
    cmrp_error error = {0};
    cmrp_tower tower;
    bool ok;
    if (seed == 0) {
        ok = cmrp_tower_decode(input, BASE, &tower, NULL, NULL, &error);
        assert_true(inside(tower.floors, input));
    } else if (seed == 1) {
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
    built tower, request, response;
    struct stub s = forms[0];
    build_usual(&tower);
    build_request(&request, &s);
    build_response(&response, &s);
    const cmrp_view seeds[] = {built_view(&tower), built_view(&request), built_view(&response)};
    run_mutations(seeds, COUNT_OF(seeds), mutated, &s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual_tower),       cmocka_unit_test(test_endpoint),
        cmocka_unit_test(test_names_and_others),  cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_tower_refusals),    cmocka_unit_test(test_tower_warnings),
        cmocka_unit_test(test_tower_encoding),    cmocka_unit_test(test_request),
        cmocka_unit_test(test_empty_request),     cmocka_unit_test(test_response),
        cmocka_unit_test(test_response_encoding), cmocka_unit_test(test_response_refusals),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
