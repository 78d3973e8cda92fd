// SPDX-License-Identifier: Apache-2.0
// What errors and warnings say beyond their code: value, section, the row that they belong to, and
// what stays as it was. And calls with arguments that the codec's own callers never pass.
#include "pdu_shapes.h"
#include "stub_shapes.h"

#include "cmrp/change.h"
#include "cmrp/epm.h"
#include "cmrp/pdu_cl.h"

#define TWR_T "MS-RPCE 2.2.1.2.2"
#define MAP   "MS-RPCE 2.2.1.2.5"

static const uint8_t zeros[32] = {0};

// ---- rows of arrays -----------------------------------------------------------------------------

// Each gap that is not zero is told with the row that it stands in.
static void test_gaps_in_rows(void **state) {
    (void)state;
    static stub_slots s;
    warnings w = {0};
    cmrp_error error = {0};
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    ndr_word(&b, "", 1);
    ndr_word(&b, "", 2);
    size_t gaps[5];
    for (unsigned row = 0; row < 2; row++) { // 48 octets each, from octet 8 on
        ndr_uint(&b, "", 4, row);            // dwNotifyKey
        ndr_uint(&b, "", 4, 0);              // a gap: dwObjectType stands at a multiple of 8
        ndr_uint(&b, "", 4, 2);              // dwObjectType
        gaps[row] = b.size;
        ndr_uint(&b, "", 4, 0x01000000); // a gap
        ndr_uint(&b, "", 8, 0x10);       // FilterFlags
        ndr_word(&b, "", 0);             // buffer
        ndr_uint(&b, "", 4, 0);          // dwBufferSize
        for (unsigned i = 0; i < 4; i++) {
            ndr_word(&b, "", row == 1 ? 9 + i : 0);
        }
    }
    for (unsigned i = 0; i < 4; i++) { // ObjectId, ParentId, Name, Type, six octets each
        ndr_string(&b, "", "ab");
        if (i < 3) {
            gaps[2 + i] = b.size;
        }
    }
    const size_t last = b.size;
    ndr_uint(&b, "", 4, 2);
    ndr_uint(&b, "", 4, 0);
    for (unsigned i = 0; i < 3; i++) {
        b.octets[gaps[2 + i]] = 0x77;
    }
    b.octets[last] = 0x77;
    s.format = format_of(139, true, 0);
    assert_true(cmrp_stub_decode(&s.format, built_view(&b), BASE, s.slots, collect, &w, &error));
    assert_int_equal(w.count, 6);
    const char *const section = "MS-CMRP 3.1.4.2.138";
    const char *const flags[] = {"Notifications[0].NotificationData.FilterAndType.FilterFlags",
                                 "Notifications[1].NotificationData.FilterAndType.FilterFlags"};
    const char *const texts[] = {"Notifications[1].NotificationData.ParentId",
                                 "Notifications[1].NotificationData.Name",
                                 "Notifications[1].NotificationData.Type"};
    for (unsigned i = 0; i < 2; i++) {
        assert_error(&w.list[i], CMRP_E_NDR_PADDING, BASE + gaps[i], flags[i], section);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_error(&w.list[2 + i], CMRP_E_NDR_PADDING, BASE + gaps[2 + i], texts[i], section);
    }
    assert_error(&w.list[5], CMRP_E_NDR_PADDING, BASE + last, "dwNumNotifications", section);
}

// Slots hold nothing where a pointer is NULL, whatever they held before, and none behind the last
// parameter is present or NULL.
static void test_slots_are_cleared(void **state) {
    (void)state;
    static stub_slots s;
    cmrp_error error = {0};
    memset(s.slots, 1, sizeof s.slots); // every flag is set
    s.format = format_of(139, true, 0);
    assert_true(decode_stub(&s, (cmrp_view){zeros, 12}, BASE, &error));
    assert_true(s.slots[1].null);
    assert_null(s.slots[1].rows.type);
    assert_int_equal(s.slots[1].rows.count, 0);
    for (uint32_t i = s.format.method->count; i < CMRP_MAX_PARAMS; i++) {
        assert_false(s.slots[i].present);
        assert_false(s.slots[i].null);
    }
}

// A pointer of which only the referent is there makes no value.
static void test_pointer_to_nothing(void **state) {
    (void)state;
    static stub_slots s;
    cmrp_error error = {0};
    s.format = format_of(115, true, 0); // cbData, lpData, return
    assert_false(decode_stub(&s, (cmrp_view){(const uint8_t *)"\1\0\0\0\1\0\0\0", 8}, 0, &error));
    assert_true(s.slots[1].present);
    assert_false(s.slots[2].present);
}

// The octets of a NULL pointer count for nothing.
static void test_size_of_null(void **state) {
    (void)state;
    static stub_slots s;
    static const uint8_t expected[12] = {0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0};
    uint8_t room[16];
    cmrp_error error = {0};
    cmrp_writer w;
    s.format = format_of(115, true, 0);
    s.slots[2] = (cmrp_slot){.present = true, .null = true, .bytes = {zeros, 7}};
    s.slots[3] = (cmrp_slot){.present = true, .value = 5};
    cmrp_writer_init(&w, room, sizeof room, &error, "none");
    assert_true(encode_stub(&s, &w));
    assert_int_equal(w.size, sizeof expected);
    assert_memory_equal(room, expected, sizeof expected);
}

// ---- descriptions of parameters -----------------------------------------------------------------

static void test_sets_of_parameters(void **state) {
    (void)state;
    cmrp_param p = {.meaning = CMRP_MEANS_CHANGE};
    assert_string_equal(cmrp_param_set(&p, 0)->name, "CLUSTER_CHANGE");
    p.meaning = CMRP_MEANS_OBJECT_TYPE;
    assert_string_equal(cmrp_param_set(&p, 0)->name, "CLUSTER_OBJECT_TYPE");
    p.meaning = CMRP_MEANS_RESOURCE_TYPE_FLAGS;
    assert_string_equal(cmrp_param_set(&p, 2)->name, "CLUSTER_CHANGE_RESOURCE_TYPE_V2");
    p.meaning = CMRP_MEANS_FLAGS;
    assert_string_equal(cmrp_param_set(&p, 2)->name, "CLUSTER_CHANGE_GROUP_V2");
    assert_string_equal(cmrp_param_set(&p, 3)->name, "CLUSTER_CHANGE_RESOURCE_V2");
    assert_null(cmrp_param_set(&p, 0));
    p.meaning = CMRP_MEANS_NUMBER;
    assert_null(cmrp_param_set(&p, 2));
}

static void test_pointers_are_told_by_one(void **state) {
    (void)state;
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *m = cmrp_method_at(i);
        for (uint32_t p = 0; p < m->count; p++) {
            assert_in_range(m->params[p].unique, 0, 1);
        }
    }
}

// An array may be the first of its list.
static void test_sized_by_the_first(void **state) {
    (void)state;
    const cmrp_param params[] = {
        {.name = "array", .kind = CMRP_KIND_OCTETS, .size_is = 1},
        {.name = "size", .kind = CMRP_KIND_U32},
        {.name = "other", .kind = CMRP_KIND_U32},
    };
    assert_ptr_equal(cmrp_param_sized_by(params, 3, 1), &params[0]);
    assert_null(cmrp_param_sized_by(params, 3, 0));
    assert_null(cmrp_param_sized_by(params, 3, 2));
    // And one behind the list's end is none of it.
    const cmrp_param more[] = {
        {.name = "size", .kind = CMRP_KIND_U32},
        {.name = "array", .kind = CMRP_KIND_OCTETS, .size_is = -1},
    };
    assert_ptr_equal(cmrp_param_sized_by(more, 2, 0), &more[1]);
    assert_null(cmrp_param_sized_by(more, 1, 0));
}

// Every read says of itself that it failed.
static void test_sized_reads(void **state) {
    (void)state;
    static const char three[] = "\3\0\0\0\0\0\0\0\3\0\0\0abcdef";
    cmrp_ndr_extent extent;
    cmrp_view octets;
    uint64_t at;
    for (unsigned kind = 0; kind < 4; kind++) {
        const size_t counts = kind == 0 ? 4 : 12;
        const size_t whole = counts + (kind < 2 ? 3 : 6);
        for (size_t size = 0; size <= whole; size++) {
            const cmrp_view input = {(const uint8_t *)three + 12 - counts, size};
            cmrp_error error = {0};
            cmrp_ndr_reader r = {.syntax = CMRP_NDR20};
            cmrp_reader_init(&r.bytes, input, 0, &error, "none");
            const bool ok = kind == 0   ? cmrp_ndr_take_octets(&r, "field", &octets, &at)
                            : kind == 1 ? cmrp_ndr_take_varying(&r, "field", &octets, &extent)
                            : kind == 2 ? cmrp_ndr_take_open_string(&r, "field", &octets)
                                        : cmrp_ndr_take_string(&r, "field", &octets);
            assert_int_equal(ok, size == whole && kind != 3); // which has no NUL
            if (size < whole) {
                assert_int_equal(error.code, size < counts ? CMRP_E_TRUNCATED : CMRP_E_OVERRUN);
            }
        }
    }
}

static void test_first_method(void **state) {
    (void)state;
    for (unsigned interface = CMRP_INTERFACE_2; interface <= CMRP_INTERFACE_3; interface++) {
        assert_string_equal(cmrp_method_numbered(interface, 0)->name, "ApiOpenCluster");
        assert_int_equal(cmrp_method_named(interface, "ApiOpenCluster")->opnum, 0);
    }
}

// ---- ept_map ------------------------------------------------------------------------------------

// What follows a tower is not the tower's: neither its name nor its section.
static void test_behind_a_tower(void **state) {
    (void)state;
    cmrp_epm_request request;
    cmrp_error error = {0};
    warnings w = {0};
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    ndr_word(&b, "", 0);
    ndr_word(&b, "", 1);
    ndr_word(&b, "", 3);                          // max_count
    ndr_uint(&b, "", 4, 3);                       // tower_length
    add_octets(&b, "", "abc\x77", 4, CMRP_OK, 0); // and a gap of one octet
    add_octets(&b, "", zeros, 20, CMRP_OK, 0);    // entry_handle
    const size_t towers_at = b.size;
    ndr_uint(&b, "", 4, 501);
    assert_false(cmrp_epm_request_decode(built_view(&b), BASE, CMRP_NDR20, CMRP_LITTLE_ENDIAN,
                                         &request, collect, &w, &error));
    assert_int_equal(request.tower.size, 3);
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_NDR_PADDING, BASE + 19, "entry_handle", MAP);
    assert_error(&error, CMRP_E_RANGE, BASE + towers_at, "max_towers", MAP);
}

// A response of three: a tower of three octets, NULL, another tower; gaps of 0x77.
static void build_towers(built *b) {
    static const uint8_t gap = 0x77;
    built_init(b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    ndr_handle(b, "", zeros);
    ndr_uint(b, "", 4, 3);
    ndr_word(b, "", 3);
    ndr_word(b, "", 0);
    ndr_word(b, "", 3);
    ndr_word(b, "", 1);
    ndr_word(b, "", 0);
    ndr_word(b, "", 2);
    for (unsigned i = 0; i < 2; i++) {
        ndr_word(b, "", 3);
        ndr_uint(b, "", 4, 3);
        add_octets(b, "", i == 0 ? "one" : "two", 3, CMRP_OK, 0);
        add_octets(b, "", &gap, 1, CMRP_OK, 0);
    }
    ndr_uint(b, "", 4, 0);
}

static void test_gaps_between_towers(void **state) {
    (void)state;
    cmrp_epm_response response;
    cmrp_epm_cursor first = {0};
    cmrp_error error = {0};
    warnings w = {0};
    cmrp_view tower;
    uint64_t at = 77;
    built b;
    build_towers(&b);
    memset(&response, 0xff, sizeof response);
    assert_true(cmrp_epm_response_decode(built_view(&b), BASE, CMRP_NDR20, CMRP_LITTLE_ENDIAN,
                                         &response, collect, &w, &error));
    assert_null(response.towers);
    assert_int_equal(w.count, 2);
    assert_error(&w.list[0], CMRP_E_NDR_PADDING, BASE + 59, "ITowers[2].tower_octet_string", TWR_T);
    assert_error(&w.list[1], CMRP_E_NDR_PADDING, BASE + 71, "status", MAP);
    assert_true(cmrp_epm_next_tower(&response, &first, &tower, &at));
    assert_int_equal(at, BASE + 56);
    assert_true(cmrp_epm_next_tower(&response, &first, &tower, &at));
    assert_null(tower.data);
    assert_int_equal(at, 0);
    // A copy goes on by itself, and nothing is told again.
    cmrp_epm_cursor second = first;
    memset(&first, 0xff, sizeof first);
    assert_true(cmrp_epm_next_tower(&response, &second, &tower, &at));
    assert_memory_equal(tower.data, "two", 3);
    assert_int_equal(at, BASE + 68);
    assert_false(cmrp_epm_next_tower(&response, &second, &tower, &at));
    assert_int_equal(w.count, 2);
}

static void test_endpoint_of_six_floors(void **state) {
    (void)state;
    const cmrp_floor floors[] = {
        {.protocol = 0x0d, .kind = CMRP_FLOOR_UUID},    {.protocol = 0x0d, .kind = CMRP_FLOOR_UUID},
        {.protocol = 0x0b, .kind = CMRP_FLOOR_RPC},     {.protocol = 0x07, .kind = CMRP_FLOOR_PORT},
        {.protocol = 0x09, .kind = CMRP_FLOOR_ADDRESS}, {.protocol = 0x70},
    };
    for (size_t count = 4; count <= COUNT_OF(floors); count++) {
        uint8_t octets[128];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_tower tower;
        cmrp_endpoint endpoint;
        cmrp_writer_init(&w, octets, sizeof octets, &error, "none");
        assert_true(cmrp_tower_encode(floors, count, &w));
        assert_true(cmrp_tower_decode((cmrp_view){octets, w.size}, 0, &tower, NULL, NULL, &error));
        assert_int_equal(tower.count, count);
        assert_int_equal(cmrp_tower_endpoint(&tower, &endpoint), count == 5);
    }
}

static void test_longest_side(void **state) {
    (void)state;
    static const uint8_t octets[65534];
    const cmrp_floor floor = {.protocol = 0x70, .lhs = {octets, sizeof octets}};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_tower_encode(&floor, 1, &w)); // and the identifier: 65535
    assert_int_equal(w.size, 2 + 2 + 65535 + 2);
}

// A tower of 2,000 octets is the longest.
static void test_longest_tower(void **state) {
    (void)state;
    static uint8_t stub[4 + 4 + 4 + 4 + 2001 + 3 + 24];
    for (unsigned size = 2000; size <= 2001; size++) {
        cmrp_epm_request request;
        cmrp_error error = {0};
        stub[4] = 1;
        cmrp_store(stub + 8, 4, size, CMRP_LITTLE_ENDIAN);
        cmrp_store(stub + 12, 4, size, CMRP_LITTLE_ENDIAN);
        assert_int_equal(cmrp_epm_request_decode((cmrp_view){stub, sizeof stub}, 0, CMRP_NDR20,
                                                 CMRP_LITTLE_ENDIAN, &request, NULL, NULL, &error),
                         size == 2000);
        if (size > 2000) {
            assert_error(&error, CMRP_E_RANGE, 12, "map_tower.tower_length", TWR_T);
        }
    }
}

// ---- PDUs ---------------------------------------------------------------------------------------

// A bind with a token whose list of contexts is cut short: the bind is to blame, not the token.
static void test_section_before_a_token(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_pdu pdu;
    warnings w = {0};
    built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_octets(&b, "", "\5\0\x0b\3\x10\0\0\0", 8, CMRP_OK, 0);
    add_octets(&b, "", "\x27\0\1\0\0\0\0\0", 8, CMRP_OK, 0); // 39 octets, a token of one
    add_octets(&b, "", "\0\x10\0\x10\0\0\0\0\1\0\0\0\7\0", 14, CMRP_OK, 0);
    add_octets(&b, "", "\x9\2\0\0\0\0\0\0t", 9, CMRP_OK, 0);
    assert_int_equal(b.size, 39);
    assert_false(cmrp_pdu_decode(built_view(&b), BASE, &pdu, NULL, NULL, &error));
    assert_error(&error, CMRP_E_TRUNCATED, BASE + 30, "n_transfer_syn", "C706 12.6.4.3");
    // The same without contexts: the two octets are a rest of the body.
    error = (cmrp_error){0};
    b.octets[24] = 0;
    assert_true(cmrp_pdu_decode(built_view(&b), BASE, &pdu, collect, &w, &error));
    assert_int_equal(w.count, 1);
    assert_error(&w.list[0], CMRP_E_TRAILING, BASE + 28, "body", "C706 12.6.4.3");
}

static void test_values_of_pdu_errors(void **state) {
    (void)state;
    cmrp_error error = {0};
    cmrp_pdu_header header;
    cmrp_pdu_cl_header cl;
    cmrp_pdu pdu;
    assert_false(
        cmrp_pdu_peek((cmrp_view){(const uint8_t *)"\5\0\0\3\x21\x11\0\0", 8}, 0, &header, &error));
    assert_error(&error, CMRP_E_DREP, 4, "packed_drep", "C706 12.6.3.1");
    assert_int_equal(error.value, 0x21);
    error = (cmrp_error){0};
    assert_false(
        cmrp_pdu_cl_peek((cmrp_view){(const uint8_t *)"\4\0\0\3\x21\x11\0", 7}, 0, &cl, &error));
    assert_error(&error, CMRP_E_DREP, 4, "drep", "C706 12.5.2");
    assert_int_equal(error.value, 0x21);
    // A bind_ack that ends with the gap before its results: nothing is left for them.
    static const uint8_t ack[] = {5, 0, 12, 3, 0x10, 0, 0, 0, 28, 0, 0, 0, 0, 0,
                                  0, 0, 0,  0, 0,    0, 0, 0, 0,  0, 1, 0, 0, 0x77};
    error = (cmrp_error){0};
    assert_false(cmrp_pdu_decode((cmrp_view){ack, sizeof ack}, BASE, &pdu, NULL, NULL, &error));
    assert_error(&error, CMRP_E_TRUNCATED, BASE + 28, "n_results", "C706 12.6.4.4");
    assert_int_equal(error.left, 0);
}

static void test_masks_of_a_fack(void **state) {
    (void)state;
    uint8_t octets[80 + 28] = {4, 9, 0, 0, 0x10, 0, 0};
    cmrp_error error = {0};
    cmrp_pdu_cl pdu;
    octets[74] = 28;
    octets[80] = 1;
    octets[94] = 3; // selack_len
    assert_true(
        cmrp_pdu_cl_decode((cmrp_view){octets, sizeof octets}, 0, &pdu, NULL, NULL, &error));
    assert_int_equal(pdu.selack_len, 3);
    assert_ptr_equal(pdu.selack.data, octets + 96);
    assert_int_equal(pdu.selack.size, 12);
}

// A list of masks that is cut short is none, and a token that is cut short is the trailer's.
static void test_cut_connectionless_pdus(void **state) {
    (void)state;
    uint8_t octets[80 + 22] = {4, 9, 0, 0, 0x10, 0, 0};
    cmrp_error error = {0};
    cmrp_pdu_cl pdu;
    octets[74] = 22;
    octets[80] = 1;
    octets[94] = 3; // selack_len: the second mask has two octets
    assert_false(
        cmrp_pdu_cl_decode((cmrp_view){octets, sizeof octets}, 0, &pdu, NULL, NULL, &error));
    assert_error(&error, CMRP_E_TRUNCATED, 100, "selack", "C706 12.5.3.4");
    assert_null(pdu.selack.data);
    assert_int_equal(pdu.selack.size, 0);
    static const uint8_t ping[81] = {4, 1, 0, 0, 0x10, 0, 0, [78] = 10, [80] = 6};
    error = (cmrp_error){0};
    assert_false(cmrp_pdu_cl_decode((cmrp_view){ping, sizeof ping}, 0, &pdu, NULL, NULL, &error));
    assert_error(&error, CMRP_E_TRUNCATED, 81, "key_vers_num", "MS-RPCE 2.2.3.4");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_in_rows),
        cmocka_unit_test(test_slots_are_cleared),
        cmocka_unit_test(test_pointer_to_nothing),
        cmocka_unit_test(test_size_of_null),
        cmocka_unit_test(test_sets_of_parameters),
        cmocka_unit_test(test_pointers_are_told_by_one),
        cmocka_unit_test(test_sized_by_the_first),
        cmocka_unit_test(test_sized_reads),
        cmocka_unit_test(test_first_method),
        cmocka_unit_test(test_behind_a_tower),
        cmocka_unit_test(test_gaps_between_towers),
        cmocka_unit_test(test_endpoint_of_six_floors),
        cmocka_unit_test(test_longest_side),
        cmocka_unit_test(test_longest_tower),
        cmocka_unit_test(test_section_before_a_token),
        cmocka_unit_test(test_values_of_pdu_errors),
        cmocka_unit_test(test_masks_of_a_fack),
        cmocka_unit_test(test_cut_connectionless_pdus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
