// SPDX-License-Identifier: Apache-2.0
// The endpoint mapper: what it finds, in portions, and what it refuses.
#include "cmrp/epm.h"
#include "guest.h"
#include "rpc/epmap.h"

enum { MAP = 3, LOOKUP_HANDLE_FREE = 4 };

struct scene {
    struct rpc_epmap *epmap;
    struct place place;
    struct guest guest;
    const struct rpc_interface *interfaces[2];
    cmrp_syntax syntax;
    uint32_t call_id;
    cmrp_syntax_id wanted; // cluster management, version 3.0
};

static void open_scene(struct scene *s, cmrp_syntax syntax) {
    const struct offer offer = {
        0, &s->interfaces[0]->id, {syntax == CMRP_NDR64 ? ndr64 : ndr20}, 1};
    guest_open(&s->guest, &s->place, "192.0.2.1");
    s->syntax = syntax;
    guest_offer(&s->guest, CMRP_PTYPE_BIND, 1, 0, &offer, 1);
    (void)guest_text(&s->guest);
}

static int set_up(void **state) {
    struct scene *s = util_alloc(sizeof *s);
    s->epmap = rpc_epmap_create();
    s->interfaces[0] = rpc_epmap_interface(s->epmap);
    s->wanted = (cmrp_syntax_id){.uuid = cmrp_uuid_clusapi, .version = 3};
    place_open_with(&s->place, s->interfaces);
    open_scene(s, CMRP_NDR20);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    guest_close(&s->guest);
    place_close(&s->place);
    rpc_epmap_destroy(s->epmap);
    free(s);
    return 0;
}

static void add(struct scene *s, uint16_t port) {
    const uint8_t address[] = {192, 0, 2, 10};
    rpc_epmap_add(s->epmap, &s->wanted, "Cluster", port, address);
}

// ---- asking -------------------------------------------------------------------------------------

static size_t put_tower(const cmrp_syntax_id *interface, const cmrp_syntax_id *transfer,
                        uint8_t rpc, uint8_t transport, uint8_t *octets, size_t capacity) {
    const cmrp_floor floors[] = {
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = *interface},
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = *transfer},
        {.protocol = rpc, .kind = CMRP_FLOOR_RPC},
        {.protocol = transport, .kind = CMRP_FLOOR_PORT},
        {.protocol = CMRP_TOWER_IP, .kind = CMRP_FLOOR_ADDRESS},
    };
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, octets, capacity, &error, "");
    assert_true(cmrp_tower_encode(floors, 5, &w));
    return w.size;
}

// Sends a stub and keeps the octets of the response's; asserts that there is one.
static cmrp_view ask(struct scene *s, uint16_t opnum, const uint8_t *stub, size_t size) {
    cmrp_error error = {0};
    static cmrp_pdu pdu;
    buffer_clear(&s->guest.received);
    guest_request(&s->guest, BOTH, ++s->call_id, 0, opnum, stub, size);
    assert_true(cmrp_pdu_decode(buffer_view(&s->guest.received), 0, &pdu, NULL, NULL, &error));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_RESPONSE);
    return pdu.stub;
}

// Asks for a tower under a handle, which is in and out. Writes the answer as text.
static void map_tower(struct scene *s, const uint8_t *tower, size_t size, uint8_t *handle,
                      uint32_t room, char *text, size_t capacity) {
    uint8_t stub[512];
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_epm_request request = {
        .has_tower = tower != NULL, .tower = {tower, size}, .max_towers = room};
    cmrp_epm_response response;
    cmrp_epm_cursor cursor = {0};
    cmrp_view octets;
    uint64_t offset;
    memcpy(request.entry_handle, handle, CMRP_HANDLE_SIZE);
    cmrp_writer_init(&w, stub, sizeof stub, &error, "");
    assert_true(cmrp_epm_request_encode(&request, s->syntax, CMRP_LITTLE_ENDIAN, &w));
    const cmrp_view answer = ask(s, MAP, stub, w.size);
    assert_true(cmrp_epm_response_decode(answer, 0, s->syntax, CMRP_LITTLE_ENDIAN, &response, NULL,
                                         NULL, &error));
    assert_int_equal(response.max_towers, room);
    memcpy(handle, response.entry_handle, CMRP_HANDLE_SIZE);
    size_t used = (size_t)snprintf(text, capacity, "%x", response.status);
    while (cmrp_epm_next_tower(&response, &cursor, &octets, &offset)) {
        cmrp_tower decoded;
        cmrp_endpoint e = {0};
        assert_true(cmrp_tower_decode(octets, 0, &decoded, NULL, NULL, &error));
        assert_true(cmrp_tower_endpoint(&decoded, &e));
        used += (size_t)snprintf(text + used, capacity - used, " %u.%u.%u.%u:%u%s", e.address[0],
                                 e.address[1], e.address[2], e.address[3], e.port,
                                 cmrp_uuid_equal(&e.transfer.uuid, &ndr64.uuid) ? "/64" : "");
    }
}

static void expect(struct scene *s, const cmrp_syntax_id *interface, const cmrp_syntax_id *transfer,
                   uint8_t rpc, uint8_t transport, const char *expected) {
    uint8_t tower[128];
    uint8_t handle[CMRP_HANDLE_SIZE] = {0};
    const uint8_t null_handle[CMRP_HANDLE_SIZE] = {0};
    char text[512];
    const size_t size = put_tower(interface, transfer, rpc, transport, tower, sizeof tower);
    map_tower(s, tower, size, handle, 4, text, sizeof text);
    assert_string_equal(text, expected);
    assert_memory_equal(handle, null_handle, sizeof handle);
}

// ---- tests --------------------------------------------------------------------------------------

static void the_cluster_is_found(void **state) {
    struct scene *s = *state;
    cmrp_syntax_id other = s->wanted;
    add(s, 49664);
    expect(s, &s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "0 192.0.2.10:49664");
    expect(s, &s->wanted, &ndr64, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "0 192.0.2.10:49664/64");
    guest_close(&s->guest);
    open_scene(s, CMRP_NDR64);
    expect(s, &s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "0 192.0.2.10:49664");
    other.version = 2;
    expect(s, &other, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "16c9a0d6");
    other.version = 4;
    expect(s, &other, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "16c9a0d6");
    expect(s, &unknown_id, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "16c9a0d6");
    expect(s, &s->wanted, &unknown_id, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "16c9a0d6");
    expect(s, &s->wanted, &ndr20, CMRP_TOWER_NCADG, CMRP_TOWER_UDP, "16c9a0d6");
    expect(s, &s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_HTTP, "16c9a0d6");
}

static void the_address_that_was_reached(void **state) {
    struct scene *s = *state;
    rpc_epmap_add(s->epmap, &s->wanted, "", 1024, (const uint8_t[4]){0});
    expect(s, &s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, "0 127.0.0.1:1024");
}

static void towers_that_are_none(void **state) {
    struct scene *s = *state;
    uint8_t tower[128];
    uint8_t handle[CMRP_HANDLE_SIZE] = {0};
    char text[256];
    add(s, 49664);
    const size_t size =
        put_tower(&s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, tower, sizeof tower);
    map_tower(s, NULL, 0, handle, 4, text, sizeof text);
    assert_string_equal(text, "16c9a0d6");
    for (size_t cut = 0; cut < size; cut++) {
        map_tower(s, tower, cut, handle, 4, text, sizeof text);
        assert_string_equal(text, "16c9a0cd");
    }
    tower[0] = 4; // floors: the address is left out
    map_tower(s, tower, size, handle, 4, text, sizeof text);
    assert_string_equal(text, "16c9a0d6");
}

static void many_are_told_in_portions(void **state) {
    struct scene *s = *state;
    uint8_t tower[128];
    uint8_t handle[CMRP_HANDLE_SIZE] = {0};
    const uint8_t null_handle[CMRP_HANDLE_SIZE] = {0};
    char text[256];
    for (uint16_t i = 0; i < 5; i++) {
        add(s, (uint16_t)(1000 + i));
    }
    const size_t size =
        put_tower(&s->wanted, &ndr20, CMRP_TOWER_NCACN, CMRP_TOWER_TCP, tower, sizeof tower);
    map_tower(s, tower, size, handle, 2, text, sizeof text);
    assert_string_equal(text, "0 192.0.2.10:1000 192.0.2.10:1001");
    assert_memory_not_equal(handle, null_handle, sizeof handle);
    map_tower(s, tower, size, handle, 0, text, sizeof text);
    assert_string_equal(text, "0");
    map_tower(s, tower, size, handle, 2, text, sizeof text);
    assert_string_equal(text, "0 192.0.2.10:1002 192.0.2.10:1003");
    assert_int_equal(rpc_handles_open(s->place.server, NULL), 1);
    map_tower(s, tower, size, handle, 2, text, sizeof text);
    assert_string_equal(text, "0 192.0.2.10:1004");
    assert_memory_equal(handle, null_handle, sizeof handle);
    assert_int_equal(rpc_handles_open(s->place.server, NULL), 0);
    // A search that is given up, and one that the client leaves to its connection's end.
    map_tower(s, tower, size, handle, 2, text, sizeof text);
    const cmrp_view answer = ask(s, LOOKUP_HANDLE_FREE, handle, sizeof handle);
    assert_int_equal(answer.size, 24);
    assert_memory_equal(answer.data, null_handle, sizeof null_handle);
    assert_int_equal(cmrp_load_u32(answer.data + 20, CMRP_LITTLE_ENDIAN), 0);
    assert_int_equal(rpc_handles_open(s->place.server, NULL), 0);
    memset(handle, 0, sizeof handle);
    map_tower(s, tower, size, handle, 2, text, sizeof text);
    assert_int_equal(rpc_handles_open(s->place.server, NULL), 1);
}

static void faults(void **state) {
    struct scene *s = *state;
    uint8_t stub[128] = {0};
    stub[4] = 1; // a handle that is unknown, in ept_lookup_handle_free
    buffer_clear(&s->guest.received);
    guest_request(&s->guest, BOTH, 1, 0, LOOKUP_HANDLE_FREE, stub, 20);
    guest_request(&s->guest, BOTH, 2, 0, LOOKUP_HANDLE_FREE, stub, 19);
    guest_request(&s->guest, BOTH, 3, 0, MAP, stub, 3);
    guest_request(&s->guest, BOTH, 4, 0, 2, stub, 3);
    stub[4] = 0;
    stub[12] = 1; // the same in ept_map: object and tower NULL, then the handle
    guest_request(&s->guest, BOTH, 5, 0, MAP, stub, 32);
    guest_request(&s->guest, BOTH, 6, 0, 5, NULL, 0);
    guest_request(&s->guest, BOTH, 7, 0, 0, NULL, 0);
    guest_request(&s->guest, BOTH, 8, 0, 7, NULL, 0);
    guest_expect(&s->guest, "fault 1 flags=23 context=0 status=1c00001a cancels=0\n"
                            "fault 2 flags=23 context=0 status=000006f7 cancels=0\n"
                            "fault 3 flags=23 context=0 status=000006f7 cancels=0\n"
                            "fault 4 flags=23 context=0 status=000006f7 cancels=0\n"
                            "fault 5 flags=23 context=0 status=1c00001a cancels=0\n"
                            "fault 6 flags=23 context=0 status=000006d8 cancels=0\n"
                            "fault 7 flags=23 context=0 status=000006d8 cancels=0\n"
                            "fault 8 flags=23 context=0 status=1c010002 cancels=0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_cluster_is_found),
        TEST(the_address_that_was_reached),
        TEST(towers_that_are_none),
        TEST(many_are_told_in_portions),
        TEST(faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
