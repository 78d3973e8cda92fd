// SPDX-License-Identifier: Apache-2.0
// Enumerations, control codes and properties.
#include "service/test/driver.h"

#include <stdio.h>

#include "cmrp/payload.h"
#include "util/text.h"

struct scene {
    struct driver *d;
    struct driver_link *link;
};

static const cmrp_syntax syntaxes[] = {CMRP_NDR20, CMRP_NDR64};
enum { SYNTAXES = 2 };

static struct scene begin(cmrp_syntax syntax) {
    struct scene s = {.d = driver_create(NULL)};
    s.link = driver_connect(s.d, syntax, 0);
    return s;
}

typedef uint8_t handle_octets[CMRP_HANDLE_SIZE];

static struct driver_call *with(struct scene *s, const char *method, const char *param,
                                const uint8_t *handle) {
    struct driver_call *call = driver_begin(s->link, method);
    driver_handle(call, param, handle);
    return call;
}

// ---- enumerations -------------------------------------------------------------------------------

// The entries of an ENUM_LIST as text: "TYPE NAME;" each.
static const char *entries_of(struct driver_call *call, const char *param, struct buffer *text) {
    cmrp_rows list = driver_slot(call, param)->rows;
    cmrp_slot members[CMRP_MAX_PARAMS], entry[CMRP_MAX_PARAMS];
    buffer_clear(text);
    assert_false(driver_slot(call, param)->null);
    assert_true(cmrp_rows_next(&list, members));
    cmrp_rows rows = members[1].rows;
    assert_int_equal(members[0].value, rows.count);
    while (cmrp_rows_next(&rows, entry)) {
        buffer_printf(text, "%llx %s;", (unsigned long long)entry[0].value,
                      driver_slot_text(call, &entry[1]));
    }
    return buffer_text(text);
}

// What the cluster has of a kind, in the same form.
static void expect_kind(const struct scene *s, struct buffer *text, uint32_t type,
                        enum cluster_kind kind, bool identifiers) {
    struct cluster_object *object = NULL;
    while ((object = cluster_next(s->d->cluster, kind, object)) != NULL) {
        buffer_printf(text, "%x %s;", type,
                      identifiers ? cluster_object_id(object) : cluster_object_name(object));
    }
}

static const struct {
    uint32_t type;
    enum cluster_kind kind;
} kinds[] = {
    {1, CLUSTER_NODE},  {2, CLUSTER_RESOURCE_TYPE}, {4, CLUSTER_RESOURCE},
    {8, CLUSTER_GROUP}, {16, CLUSTER_NETWORK},      {32, CLUSTER_NETINTERFACE},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void expect_types(const struct scene *s, struct buffer *text, uint32_t types,
                         bool identifiers) {
    buffer_clear(text);
    for (size_t i = 0; i < KINDS; i++) {
        if ((types & kinds[i].type) != 0) {
            expect_kind(s, text, kinds[i].type, kinds[i].kind, identifiers);
        }
    }
}

static void test_create_enum(void **state) {
    (void)state;
    for (size_t v = 0; v < SYNTAXES; v++) {
        struct scene s = begin(syntaxes[v]);
        struct buffer found = {0}, expected = {0};
        handle_octets cluster;
        driver_open(s.link, "ApiOpenCluster", NULL, NULL, cluster);
        for (uint32_t types = 1; types < 64; types++) {
            struct driver_call *call = driver_begin(s.link, "ApiCreateEnum");
            driver_number(call, "dwType", types);
            assert_int_equal(driver_run(call), 0);
            expect_types(&s, &expected, types, false);
            assert_string_equal(entries_of(call, "ReturnEnum", &found), buffer_text(&expected));
            driver_end(call);
            call = with(&s, "ApiCreateEnumEx", "hCluster", cluster);
            driver_number(call, "dwType", types);
            assert_int_equal(driver_run(call), 0);
            assert_string_equal(entries_of(call, "ReturnNameEnum", &found), buffer_text(&expected));
            expect_types(&s, &expected, types, true);
            assert_string_equal(entries_of(call, "ReturnIdEnum", &found), buffer_text(&expected));
            driver_end(call);
        }
        buffer_free(&found);
        buffer_free(&expected);
        driver_destroy(s.d);
    }
}

static void test_enum_types(void **state) {
    (void)state;
    static const uint64_t wrong[] = {0, 0x40, 0x80, 0x100, 0x80000001, 0x40000020, 0xc0000000};
    static const uint64_t alone[] = {0x80000000, 0x40000000};
    struct scene s = begin(CMRP_NDR20);
    struct buffer text = {0};
    handle_octets cluster;
    driver_open(s.link, "ApiOpenCluster", NULL, NULL, cluster);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct driver_call *call = driver_begin(s.link, "ApiCreateEnum");
        driver_number(call, "dwType", wrong[i]);
        assert_int_equal(driver_run(call), 87);
        driver_expect_nothing(call, NULL);
        call = with(&s, "ApiCreateEnumEx", "hCluster", cluster);
        driver_number(call, "dwType", wrong[i]);
        assert_int_equal(driver_run(call), 87);
        driver_expect_nothing(call, NULL);
    }
    struct driver_call *call = with(&s, "ApiCreateEnumEx", "hCluster", cluster);
    driver_number(call, "dwType", 1);
    driver_number(call, "dwOptions", 1);
    assert_int_equal(driver_run(call), 87);
    for (size_t i = 0; i < 2; i++) {
        call = driver_begin(s.link, "ApiCreateEnum");
        driver_number(call, "dwType", alone[i]);
        assert_int_equal(driver_run(call), 0);
        const char *entries = entries_of(call, "ReturnEnum", &text);
        assert_true(i == 0 ? strncmp(entries, "80000000 ", 9) == 0 : *entries == '\0');
        // Networks that can be used inside of the cluster; and those that are used for nothing
        // else.
        assert_true(i == 1 || strstr(entries, "Cluster Network 1") != NULL);
        call = with(&s, "ApiCreateEnumEx", "hCluster", cluster);
        driver_number(call, "dwType", alone[i]);
        assert_int_equal(driver_run(call), 0);
        assert_string_equal(entries_of(call, "ReturnNameEnum", &text),
                            i == 0 ? "80000000 Cluster Network 2;" : "");
    }
    buffer_free(&text);
    driver_destroy(s.d);
}

static void expect_related(struct scene *s, const char *method, const char *param,
                           const uint8_t *handle, uint32_t type, const char *expected) {
    struct buffer text = {0};
    struct driver_call *call = with(s, method, param, handle);
    driver_number(call, "dwType", type);
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(entries_of(call, "ReturnEnum", &text), expected);
    driver_end(call);
    buffer_free(&text);
}

// A group with two resources, of which the first depends on the second.
static void make_group(struct scene *s, handle_octets group, handle_octets a, handle_octets b) {
    struct cluster *cluster = s->d->cluster;
    struct cluster_object *g, *first, *second;
    assert_int_equal(cluster_group_create(cluster, "G", &g), 0);
    assert_int_equal(cluster_resource_create(g, "A", "Generic Service", 0, &first), 0);
    assert_int_equal(cluster_resource_create(g, "B", "Generic Service", 0, &second), 0);
    assert_int_equal(cluster_depend(first, second, true), 0);
    cluster_release(first);
    cluster_release(second);
    cluster_release(g);
    driver_open(s->link, "ApiOpenGroup", "lpszGroupName", "G", group);
    driver_open(s->link, "ApiOpenResource", "lpszResourceName", "A", a);
    driver_open(s->link, "ApiOpenResource", "lpszResourceName", "B", b);
}

static void test_related(void **state) {
    (void)state;
    for (size_t v = 0; v < SYNTAXES; v++) {
        struct scene s = begin(syntaxes[v]);
        struct buffer nodes = {0};
        handle_octets group, a, b;
        make_group(&s, group, a, b);
        expect_kind(&s, &nodes, 4, CLUSTER_NODE, false);
        expect_related(&s, "ApiCreateGroupResourceEnum", "hGroup", group, 1, "1 A;1 B;");
        expect_related(&s, "ApiCreateGroupResourceEnum", "hGroup", group, 0x40, "");
        expect_related(&s, "ApiCreateResEnum", "hResource", a, 1, "1 B;");
        expect_related(&s, "ApiCreateResEnum", "hResource", a, 2, "");
        expect_related(&s, "ApiCreateResEnum", "hResource", b, 3, "2 A;");
        expect_related(&s, "ApiCreateResEnum", "hResource", a, 4, buffer_text(&nodes));
        struct driver_call *call = with(&s, "ApiCreateResEnum", "hResource", a);
        driver_number(call, "dwType", 8);
        assert_int_equal(driver_run(call), 87);
        driver_expect_nothing(call, NULL);
        buffer_free(&nodes);
        driver_destroy(s.d);
    }
}

static void test_node_and_network(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR64);
    struct buffer expected = {0};
    struct cluster_object *node = cluster_own_node(s.d->cluster), *related;
    struct cluster_object *network = cluster_next(s.d->cluster, CLUSTER_NETWORK, NULL);
    handle_octets handle;
    for (size_t i = 0; (related = cluster_related(node, CLUSTER_INTERFACES, i)) != NULL; i++) {
        buffer_printf(&expected, "1 %s;", cluster_object_name(related));
    }
    assert_true(expected.size > 0);
    for (size_t i = 0; (related = cluster_related(node, CLUSTER_GROUPS, i)) != NULL; i++) {
        buffer_printf(&expected, "2 %s;", cluster_object_name(related));
    }
    driver_open(s.link, "ApiOpenNode", "lpszNodeName", cluster_object_name(node), handle);
    expect_related(&s, "ApiCreateNodeEnum", "hNode", handle, 3, buffer_text(&expected));
    buffer_clear(&expected);
    for (size_t i = 0; (related = cluster_related(network, CLUSTER_INTERFACES, i)) != NULL; i++) {
        buffer_printf(&expected, "1 %s;", cluster_object_name(related));
    }
    driver_open(s.link, "ApiOpenNetwork", "lpszNetworkName", cluster_object_name(network), handle);
    expect_related(&s, "ApiCreateNetworkEnum", "hNetwork", handle, 0xffffffff,
                   buffer_text(&expected));
    buffer_free(&expected);
    driver_destroy(s.d);
}

static void test_res_type(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20);
    struct buffer text = {0};
    handle_octets group, a, b;
    make_group(&s, group, a, b);
    struct driver_call *call = driver_begin(s.link, "ApiCreateResTypeEnum");
    driver_text(call, "lpszTypeName", "generic service");
    driver_number(call, "dwType", 2);
    assert_int_equal(driver_run(call), 0);
    assert_non_null(strstr(entries_of(call, "ReturnEnum", &text), "2 A;2 B;"));
    call = driver_begin(s.link, "ApiCreateResTypeEnum");
    driver_text(call, "lpszTypeName", "INVALID_TYPE_XXXX");
    driver_number(call, "dwType", 1);
    assert_int_equal(driver_run(call), 5078);
    driver_expect_nothing(call, NULL);
    buffer_free(&text);
    driver_destroy(s.d);
}

static void expect_sets(struct scene *s, const char *expected) {
    struct buffer text = {0};
    handle_octets cluster;
    driver_open(s->link, "ApiOpenCluster", NULL, NULL, cluster);
    struct driver_call *call = with(s, "ApiCreateGroupSetEnum", "hCluster", cluster);
    assert_int_equal(driver_run(call), 0);
    assert_string_equal(entries_of(call, "ReturnEnum", &text), expected);
    driver_end(call);
    buffer_free(&text);
}

static uint32_t open_set(struct scene *s, const char *method, const char *name,
                         handle_octets handle) {
    struct driver_call *call = driver_begin(s->link, method);
    driver_text(call, "lpszGroupSetName", name);
    const uint32_t status = driver_run(call);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    assert_int_equal(driver_is_null(handle), status != 0);
    driver_end(call);
    return status;
}

static void test_group_sets(void **state) {
    (void)state;
    for (size_t v = 0; v < SYNTAXES; v++) {
        struct scene s = begin(syntaxes[v]);
        handle_octets set;
        expect_sets(&s, "");
        assert_int_equal(open_set(&s, "ApiOpenGroupSet", "Set", set), 5992);
        assert_int_equal(open_set(&s, "ApiOpenGroupSet", "", set), 5992);
        assert_int_equal(open_set(&s, "ApiCreateGroupSet", "", set), 123);
        assert_int_equal(open_set(&s, "ApiCreateGroupSet", "a\\b", set), 123);
        assert_int_equal(open_set(&s, "ApiCreateGroupSet", "Set", set), 0);
        assert_int_equal(driver_close(s.link, "ApiCloseGroupSet", "GroupSet", set), 0);
        assert_true(driver_is_null(set));
        assert_int_equal(open_set(&s, "ApiCreateGroupSet", "SET", set), 0x1392);
        assert_int_equal(open_set(&s, "ApiOpenGroupSet", "set", set), 0);
        struct driver_call *call = with(&s, "ApiCloseKey", "pKey", set);
        assert_int_equal(driver_run(call), 6);
        expect_sets(&s, "0 Set;");
        driver_destroy(s.d);
    }
}

// ---- control codes ------------------------------------------------------------------------------

static struct driver_call *control(struct scene *s, const char *method, const char *param,
                                   const uint8_t *handle, uint64_t code, uint64_t room) {
    struct driver_call *call = with(s, method, param, handle);
    driver_number(call, "dwControlCode", code);
    driver_number(call, "nOutBufferSize", room);
    return call;
}

// Whatever comes of it, the room that the request gave is the response's.
static void expect_control(struct driver_call *call, uint32_t status, uint64_t returned,
                           uint64_t required) {
    assert_int_equal(driver_run(call), status);
    assert_int_equal(driver_number_of(call, "lpBytesReturned"), returned);
    assert_int_equal(driver_number_of(call, "lpcbRequired"), required);
    assert_int_equal(driver_slot(call, "lpOutBuffer")->bytes.size, returned);
    assert_int_equal(driver_number_of(call, "nOutBufferSize"),
                     call->request[4].value); // of all these methods but 75
}

static void test_control(void **state) {
    (void)state;
    for (size_t v = 0; v < SYNTAXES; v++) {
        struct scene s = begin(syntaxes[v]);
        handle_octets node, group, a, b, cluster;
        const char *name = cluster_node_name(s.d->cluster);
        const char *id = cluster_object_id(cluster_own_node(s.d->cluster));
        const size_t size = 2 * strlen(id) + 2;
        driver_open(s.link, "ApiOpenNode", "lpszNodeName", name, node);
        driver_open(s.link, "ApiOpenCluster", NULL, NULL, cluster);
        make_group(&s, group, a, b);
        static const char method[] = "ApiNodeControl";
        expect_control(control(&s, method, "hNode", node, 0, 0), 1, 0, 0);
        expect_control(control(&s, method, "hNode", node, 0x04000000, 9), 0, 0, 0);
        expect_control(control(&s, method, "hNode", node, 0x03000039, 64), 1, 0, 0);
        expect_control(control(&s, method, "hNode", node, 0x04000039, 0), 234, 0, size);
        expect_control(control(&s, method, "hNode", node, 0x04000039, size - 1), 234, 0, size);
        expect_control(control(&s, method, "hNode", node, 0x04000039, size), 0, size, size);
        struct driver_call *call = control(&s, method, "hNode", node, 0x04000039, 0x4000);
        expect_control(call, 0, size, size);
        const cmrp_slot *out = driver_slot(call, "lpOutBuffer");
        assert_int_equal(out->bytes.data[0], id[0]);
        assert_int_equal(out->bytes.data[size - 2] | out->bytes.data[size - 1], 0);
        expect_control(control(&s, method, "hNode", group, 0x04000039, 77), 6, 0, 0);
        expect_control(control(&s, "ApiGroupControl", "hGroup", group, 0x03000005, 4), 0, 4, 4);
        expect_control(control(&s, "ApiGroupControl", "hGroup", group, 0x03000009, 4), 0, 4, 4);
        expect_control(control(&s, "ApiGroupControl", "hGroup", group, 0x0300000d, 8), 1, 0, 0);
        expect_control(control(&s, "ApiClusterControl", "hCluster", cluster, 0x07000049, 4), 0, 4,
                       4);
        driver_destroy(s.d);
    }
}

static void test_type_control(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20);
    static const struct {
        const char *type;
        uint32_t code, room, status, class;
    } steps[] = {
        {"Physical Disk", 0x0200000d, 8, 0, 1},   {"Physical Disk", 0x0200000d, 0, 0, 0},
        {"Physical Disk", 0x0200000d, 7, 234, 0}, {"IP Address", 0x0200000d, 8, 0, 2},
        {"Generic Service", 0x0200000d, 8, 0, 0}, {"No such type", 0x0200000d, 8, 5078, 0},
        {"Generic Service", 0x0200003d, 8, 1, 0},
    };
    handle_octets cluster;
    driver_open(s.link, "ApiOpenCluster", NULL, NULL, cluster);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct driver_call *call = control(&s, "ApiResourceTypeControl", "hCluster", cluster,
                                           steps[i].code, steps[i].room);
        driver_text(call, "lpszResourceTypeName", steps[i].type);
        assert_int_equal(driver_run(call), steps[i].status);
        const cmrp_view out = driver_slot(call, "lpOutBuffer")->bytes;
        assert_int_equal(out.size, steps[i].status == 0 ? steps[i].room : 0);
        assert_int_equal(out.size == 0 ? 0 : cmrp_load_u32(out.data, CMRP_LITTLE_ENDIAN),
                         steps[i].class);
    }
    driver_destroy(s.d);
}

// ---- properties ---------------------------------------------------------------------------------

// A PROPERTY_LIST as text: "NAME=VALUE;" each.
static const char *properties_of(cmrp_view octets, struct buffer *text) {
    cmrp_error error = {0};
    cmrp_property_list list;
    cmrp_property property;
    buffer_clear(text);
    assert_true(cmrp_property_list_open(&list, octets, 0, &error));
    while (cmrp_property_list_next(&list, &property)) {
        cmrp_property_value value;
        size_t cursor = 0;
        const cmrp_view name = {property.name.data, property.name.size - 2};
        text_from_units(text, name, CMRP_LITTLE_ENDIAN);
        assert_true(cmrp_property_next_value(&property, &cursor, &value));
        buffer_printf(text, "=");
        if (value.syntax == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD) {
            buffer_printf(text, "%llu", (unsigned long long)cmrp_property_value_number(&value));
        } else {
            const cmrp_view units = {value.data.data, value.data.size - 2};
            text_from_units(text, units, CMRP_LITTLE_ENDIAN);
        }
        buffer_printf(text, ";");
    }
    assert_int_equal(error.code, CMRP_OK);
    return buffer_text(text);
}

static const char *get_properties(struct scene *s, const uint8_t *group, uint32_t code,
                                  struct buffer *text) {
    struct driver_call *call = control(s, "ApiGroupControl", "hGroup", group, code, 0x4000);
    assert_int_equal(driver_run(call), 0);
    const char *found = properties_of(driver_slot(call, "lpOutBuffer")->bytes, text);
    driver_end(call);
    return found;
}

static void put_property(cmrp_property_writer *pw, const char *name, uint32_t syntax,
                         const void *data, size_t size) {
    struct buffer units = {0};
    assert_true(text_to_units(&units, name, strlen(name) + 1, CMRP_LITTLE_ENDIAN));
    const cmrp_property property = {.name = buffer_view(&units)};
    const cmrp_property_value value = {.syntax = syntax, .data = {data, size}};
    assert_true(cmrp_property_put(pw, &property));
    assert_true(cmrp_property_put_value(pw, &value));
    buffer_free(&units);
}

static void test_properties(void **state) {
    (void)state;
    struct scene s = begin(CMRP_NDR20);
    struct buffer text = {0};
    handle_octets group, a, b;
    make_group(&s, group, a, b);
    assert_non_null(strstr(get_properties(&s, group, 0x03000059, &text), "Priority=2000;"));
    assert_non_null(strstr(get_properties(&s, group, 0x03000055, &text), "GroupType=9999;"));
    assert_string_equal(get_properties(&s, group, 0x03000081, &text), "");

    uint8_t octets[512], number[4] = {1, 2, 0, 0};
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_property_writer pw = {0};
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    assert_true(cmrp_property_writer_open(&pw, &writer));
    put_property(&pw, "priority", CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, number, sizeof number);
    put_property(&pw, "Description", CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ, "w\0x\0\0\0", 6);
    assert_true(cmrp_property_writer_close(&pw));
    for (size_t size = 0; size <= writer.size; size++) { // nothing is set of a list that is cut
        struct driver_call *call = control(&s, "ApiGroupControl", "hGroup", group, 0x0340005e, 0);
        driver_octets(call, "lpInBuffer", octets, size);
        assert_int_equal(driver_run(call), size < writer.size ? 87 : 0);
        driver_end(call);
        const char *now = get_properties(&s, group, 0x03000059, &text);
        assert_int_equal(strstr(now, "riority=513;") != NULL, size == writer.size);
    }
    assert_non_null(strstr(get_properties(&s, group, 0x03000059, &text), "Description=wx;"));
    driver_destroy(s.d);
    buffer_free(&text);
}

static void test_group_enum(void **state) {
    (void)state;
    for (size_t v = 0; v < SYNTAXES; v++) {
        struct scene s = begin(syntaxes[v]);
        struct buffer text = {0}, names = {0}, ro_names = {0};
        handle_octets cluster;
        cmrp_slot members[CMRP_MAX_PARAMS], row[CMRP_MAX_PARAMS];
        driver_open(s.link, "ApiOpenCluster", NULL, NULL, cluster);
        text_to_units(&names, "Priority\0", 10, CMRP_LITTLE_ENDIAN);
        text_to_units(&ro_names, "GroupType\0", 11, CMRP_LITTLE_ENDIAN);
        struct driver_call *call = with(&s, "ApiCreateGroupEnum", "hCluster", cluster);
        driver_octets(call, "pProperties", names.data, names.size);
        driver_octets(call, "pRoProperties", ro_names.data, ro_names.size);
        assert_int_equal(driver_run(call), 0);
        cmrp_rows list = driver_slot(call, "ppResultList")->rows;
        assert_true(cmrp_rows_next(&list, members));
        cmrp_rows rows = members[1].rows;
        assert_int_equal(rows.count, cluster_count(s.d->cluster, CLUSTER_GROUP));
        const struct cluster_object *group = NULL;
        while (cmrp_rows_next(&rows, row)) {
            group = cluster_next(s.d->cluster, CLUSTER_GROUP, (struct cluster_object *)group);
            assert_string_equal(driver_slot_text(call, &row[0]), cluster_object_name(group));
            assert_string_equal(driver_slot_text(call, &row[1]), cluster_object_id(group));
            assert_int_equal(row[2].value, cluster_object_state(group));
            assert_memory_equal(properties_of(row[6].bytes, &text), "Priority=", 9);
            assert_memory_equal(properties_of(row[8].bytes, &text), "GroupType=", 10);
        }
        call = with(&s, "ApiCreateGroupEnum", "hCluster", cluster);
        driver_octets(call, "pProperties", ro_names.data, ro_names.size);
        assert_int_equal(driver_run(call), 87);
        driver_expect_nothing(call, NULL);
        buffer_free(&text);
        buffer_free(&names);
        buffer_free(&ro_names);
        driver_destroy(s.d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_enum),  cmocka_unit_test(test_enum_types),
        cmocka_unit_test(test_related),      cmocka_unit_test(test_node_and_network),
        cmocka_unit_test(test_res_type),     cmocka_unit_test(test_control),
        cmocka_unit_test(test_type_control), cmocka_unit_test(test_properties),
        cmocka_unit_test(test_group_enum),   cmocka_unit_test(test_group_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
