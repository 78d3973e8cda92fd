// SPDX-License-Identifier: Apache-2.0
// What notifications of version 2 hold, event by event, as methods bring the events about.
// [MS-CMRP 3.1.4.2.137, 3.1.4.2.138]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/test/driver.h"
#include "util/text.h"

typedef uint8_t handle_octets[CMRP_HANDLE_SIZE];

struct scene {
    struct driver *d;
    struct driver_link *link;
    handle_octets cluster, port;
    struct buffer told;
};

static struct scene begin(void) {
    struct scene s = {.d = driver_create(NULL)};
    s.link = driver_connect(s.d, CMRP_NDR64, 0);
    driver_open(s.link, "ApiOpenCluster", NULL, NULL, s.cluster);
    driver_open(s.link, "ApiCreateNotifyV2", NULL, NULL, s.port);
    return s;
}

static void finish(struct scene *s) {
    buffer_free(&s->told);
    driver_destroy(s->d);
}

static uint32_t add(struct scene *s, const uint8_t *object, uint32_t type, uint64_t flags,
                    bool targeted) {
    struct driver_call *call = driver_begin(s->link, "ApiAddNotifyV2");
    driver_handle(call, "hNotify", s->port);
    driver_handle(call, "hObject", object);
    driver_member(call, "filter", "dwObjectType")->value = type;
    driver_member(call, "filter", "FilterFlags")->value = flags;
    driver_number(call, "dwVersion", 2);
    driver_number(call, "isTargetedAtObject", targeted);
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

// Everything that can be registered, of all objects of the type.
static void watch(struct scene *s, uint32_t type) {
    const uint64_t flags = cmrp_change_registrable(cmrp_change_set_of_type(type), CMRP_SCOPE_V2);
    assert_int_equal(add(s, s->cluster, type, flags, false), 0);
}

// ---- calls --------------------------------------------------------------------------------------

static uint32_t on(struct scene *s, const char *method, const char *param, const uint8_t *handle,
                   const char *other, const uint8_t *other_handle) {
    struct driver_call *call = driver_begin(s->link, method);
    driver_handle(call, param, handle);
    if (other != NULL) {
        driver_handle(call, other, other_handle);
    }
    const uint32_t status = driver_run(call);
    driver_end(call);
    return status;
}

static void create_resource(struct scene *s, const uint8_t *group, const char *name,
                            handle_octets resource) {
    struct driver_call *call = driver_begin(s->link, "ApiCreateResource");
    driver_handle(call, "hGroup", group);
    driver_text(call, "lpszResourceName", name);
    driver_text(call, "lpszResourceType", "Generic Application");
    assert_int_equal(driver_run(call), 0);
    memcpy(resource, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
}

// ---- what is told -------------------------------------------------------------------------------

static void put_id(struct scene *s, const char *id) {
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        const struct cluster_object *o =
            *id != '\0' ? cluster_find(s->d->cluster, (enum cluster_kind)kind, id) : NULL;
        if (o != NULL && strcmp(cluster_object_id(o), id) == 0) {
            buffer_printf(&s->told, "<%s>", cluster_object_name(o));
            return;
        }
    }
    buffer_printf(&s->told, "%s", strlen(id) == 36 ? "<gone>" : id);
}

// An identifier, or a dependency on one thing: "([ID])".
static void put_text(struct scene *s, char *text) {
    const size_t size = strlen(text);
    const bool expression = size > 4 && strncmp(text, "([", 2) == 0;
    if (expression) {
        text[size - 2] = '\0';
    }
    buffer_printf(&s->told, expression ? "([" : "");
    put_id(s, text + (expression ? 2 : 0));
    buffer_printf(&s->told, expression ? "])," : ",");
}

// Texts of a buffer that holds such: units with a NUL behind each; else its octets.
static void put_payload(struct scene *s, cmrp_view octets, bool texts) {
    struct buffer text = {0};
    for (size_t i = 0; i + 1 < octets.size && texts; i += 2) {
        if (cmrp_load_u16(octets.data + i, CMRP_LITTLE_ENDIAN) != 0) {
            text_from_units(&text, (cmrp_view){octets.data + i, 2}, CMRP_LITTLE_ENDIAN);
        } else if (text.size > 0) {
            put_text(s, (char *)(uintptr_t)buffer_text(&text));
            buffer_clear(&text);
        }
    }
    for (size_t i = 0; i < octets.size && !texts; i++) {
        buffer_printf(&s->told, "%02x", octets.data[i]);
    }
    buffer_free(&text);
}

static bool holds_texts(uint64_t type, uint64_t flag) {
    switch (type) {
    case 2: return (flag & 0x1f0) != 0;
    case 3: return (flag & 0xf8) != 0;
    case 7: return (flag & 0x61) != 0;
    default: return false;
    }
}

// Compares all that waits in the port, a line each: "TYPE FLAG ID|PARENT|NAME|TYPE BUFFER";
// identifiers stand as "<NAME>" of the object. Property lists are "…".
static void assert_told(struct scene *s, const char *expected) {
    struct driver_call *call = driver_begin(s->link, "ApiGetNotifyV2");
    cmrp_slot m[CMRP_MAX_PARAMS];
    driver_handle(call, "hNotify", s->port);
    assert_int_equal(driver_run(call), 0);
    cmrp_rows rows = driver_slot(call, "Notifications")->rows;
    buffer_clear(&s->told);
    while (cmrp_rows_next(&rows, m)) {
        buffer_printf(&s->told, "%u %x ", (unsigned)m[1].value, (unsigned)m[2].value);
        for (size_t i = 5; i <= 8; i++) {
            put_id(s, m[i].null ? "NULL" : driver_slot_text(call, &m[i]));
            buffer_printf(&s->told, i < 8 ? "|" : " ");
        }
        put_payload(s, m[3].bytes, holds_texts(m[1].value, m[2].value));
        buffer_printf(&s->told, "\n");
    }
    driver_end(call);
    assert_string_equal(buffer_text(&s->told), expected);
}

// ---- resources and their groups -----------------------------------------------------------------

static void test_resources(void **state) {
    (void)state;
    struct scene s = begin();
    handle_octets group, other, one, two;
    driver_open(s.link, "ApiOpenGroup", "lpszGroupName", "Web", group);
    driver_open(s.link, "ApiOpenGroup", "lpszGroupName", "Available Storage", other);
    watch(&s, 2);
    create_resource(&s, group, "One", one);
    assert_told(&s, "2 40 <One>|<NODE2>|One| <Web>,\n"
                    "2 80 <Web>|<NODE2>|Web| <One>,\n"
                    "2 8 <Web>|<NODE2>|Web| 03000000\n");
    create_resource(&s, group, "Two", two);
    assert_told(&s, "2 40 <Two>|<NODE2>|Two| <Web>,\n"
                    "2 80 <Web>|<NODE2>|Web| <Two>,\n");
    watch(&s, 3);
    assert_int_equal(on(&s, "ApiAddResourceDependency", "hResource", one, "hDependsOn", two), 0);
    assert_told(&s, "3 10 <One>|<Web>|One|Generic Application ([<Two>]),\n"
                    "3 20 <Two>|<Web>|Two|Generic Application <One>,\n");
    // With the resource goes its dependency.
    assert_int_equal(on(&s, "ApiDeleteResource", "hResource", one, NULL, NULL), 0);
    assert_told(&s, "3 80 <gone>|<Web>|One|Generic Application <Web>,\n"
                    "3 20 <Two>|<Web>|Two|Generic Application \n"
                    "2 100 <Web>|<NODE2>|Web| <gone>,\n");
    assert_int_equal(on(&s, "ApiChangeResourceGroup", "hResource", two, "hGroup", other), 0);
    assert_told(&s, "2 100 <Web>|<NODE2>|Web| <Two>,\n"
                    "2 80 <Available Storage>|<NODE1>|Available Storage| <Two>,\n"
                    "3 8 <Two>|<Available Storage>|Two|Generic Application <Available Storage>,\n"
                    "2 8 <Web>|<NODE2>|Web| 00000000\n"
                    "2 8 <Available Storage>|<NODE1>|Available Storage| 03000000\n");
    finish(&s);
}

// ---- nodes that may host ------------------------------------------------------------------------

static void test_possible_owners(void **state) {
    (void)state;
    struct scene s = begin();
    handle_octets group, one, node1, node2, node3;
    driver_open(s.link, "ApiOpenGroup", "lpszGroupName", "Web", group);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE1", node1);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE2", node2);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE3", node3);
    create_resource(&s, group, "One", one);
    assert_int_equal(add(&s, s.cluster, 3, 0x40, false), 0);
    assert_int_equal(on(&s, "ApiRemoveResourceNode", "hResource", one, "hNode", node1), 0);
    assert_told(&s, "3 40 <One>|<Web>|One|Generic Application <NODE2>,<NODE3>,\n");
    assert_int_equal(on(&s, "ApiRemoveResourceNode", "hResource", one, "hNode", node2), 0);
    assert_told(&s, "3 40 <One>|<Web>|One|Generic Application <NODE3>,\n");
    // Without any node that is named, all of those that are left can host it.
    assert_int_equal(on(&s, "ApiEvictNode", "hNode", node3, NULL, NULL), 0);
    assert_told(&s, "3 40 <Web Service>|<Web>|Web Service|Generic Service <NODE2>,\n"
                    "3 40 <One>|<Web>|One|Generic Application <NODE1>,<NODE2>,\n");
    finish(&s);
}

// ---- groups and nodes ---------------------------------------------------------------------------

static void test_group_moves(void **state) {
    (void)state;
    struct scene s = begin();
    handle_octets group, node;
    watch(&s, 1);
    struct driver_call *call = driver_begin(s.link, "ApiCreateGroup");
    driver_text(call, "lpszGroupName", "G");
    assert_int_equal(driver_run(call), 0);
    memcpy(group, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
    assert_told(&s, "1 4 <G>|<NODE1>|G| 0f270000\n");
    watch(&s, 2);
    watch(&s, 7);
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE3", node);
    assert_int_equal(on(&s, "ApiMoveGroupToNode", "hGroup", group, "hNode", node), 0);
    assert_told(&s, "2 10 <G>|<NODE3>|G| <NODE3>,\n"
                    "7 40 <NODE1>||NODE1| <G>,\n"
                    "7 20 <NODE3>||NODE3| <G>,\n");
    call = driver_begin(s.link, "ApiSetGroupNodeList");
    driver_handle(call, "hGroup", group);
    driver_octets(call, "multiSzNodeList", "2\0\0\0\0", 6);
    driver_number(call, "cchListSize", 3);
    assert_int_equal(driver_run(call), 0);
    driver_end(call);
    assert_told(&s, "2 20 <G>|<NODE3>|G| <NODE2>,<NODE1>,<NODE3>,\n");
    // Down: the group fails over to the best of its preferred owners. Paused: nothing moves.
    assert_int_equal(on(&s, "ApiEvictNode", "hNode", node, NULL, NULL), 0);
    assert_told(&s, "7 10 3||NODE3| 01000000\n"
                    "1 800 ||| 01020000000102\n"
                    "2 10 <G>|<NODE2>|G| <NODE2>,\n"
                    "7 40 3||NODE3| <G>,\n"
                    "7 20 <NODE2>||NODE2| <G>,\n"
                    "2 20 <Web>|<NODE2>|Web| <NODE2>,\n"
                    "2 20 <G>|<NODE2>|G| <NODE2>,<NODE1>,\n"
                    "7 2 3||NODE3| 01000000\n");
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", "NODE2", node);
    assert_int_equal(on(&s, "ApiPauseNode", "hNode", node, NULL, NULL), 0);
    assert_told(&s, "7 10 <NODE2>||NODE2| 02000000\n");
    call = driver_begin(s.link, "ApiDeleteGroup");
    driver_handle(call, "Group", group);
    assert_int_equal(driver_run(call), 0);
    driver_end(call);
    assert_told(&s, "2 1 <gone>|<NODE2>|G| \n");
    finish(&s);
}

// ---- group sets ---------------------------------------------------------------------------------

static void test_group_set(void **state) {
    (void)state;
    struct scene s = begin();
    struct driver_call *call = driver_begin(s.link, "ApiCreateGroupSet");
    handle_octets set;
    driver_text(call, "lpszGroupSetName", "Set");
    assert_int_equal(driver_run(call), 0);
    memcpy(set, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
    for (uint32_t type = 1; type <= 13; type++) {
        assert_int_equal(add(&s, set, type, 0x1 << (type == 1 ? 2 : 0), true), type == 13 ? 0 : 6);
        assert_int_equal(add(&s, set, type, 0x1 << (type == 1 ? 2 : 0), false), 6);
    }
    assert_int_equal(add(&s, set, 13, 0x100, true), 87);
    finish(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_possible_owners),
        cmocka_unit_test(test_group_moves),
        cmocka_unit_test(test_group_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
