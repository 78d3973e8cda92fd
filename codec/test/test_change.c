// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include "cmrp/change.h"

// What the specification says of each set: [MS-CMRP] 2.2.2.7, 2.2.2.11 to 2.2.2.26 for the values,
// 3.1.4.2.57 to 3.1.4.2.64 and 3.1.4.2.137 for what may be registered, 3.1.4.2.66 and 3.1.4.2.138
// for what may be returned.
static const struct {
    cmrp_change_id id;
    const char *name;
    const char *section;
    uint32_t object_type;
    uint64_t registrable; // by the V2 registration, for CLUSTER_CHANGE by ApiAddNotifyCluster
    uint64_t returnable;
    uint64_t client_only;
    uint64_t modifiers;
    const char *names[33]; // of bit 0, bit 1, …
} sets[] = {
    {CMRP_SET_CLUSTER_CHANGE,
     "CLUSTER_CHANGE",
     "MS-CMRP 2.2.2.7",
     0,
     0x5ff7ffff,
     0x5fffff7f,
     0xa0000080,
     0x80,
     {"CLUSTER_CHANGE_NODE_STATE",
      "CLUSTER_CHANGE_NODE_DELETED",
      "CLUSTER_CHANGE_NODE_ADDED",
      "CLUSTER_CHANGE_NODE_PROPERTY",
      "CLUSTER_CHANGE_REGISTRY_NAME",
      "CLUSTER_CHANGE_REGISTRY_ATTRIBUTES",
      "CLUSTER_CHANGE_REGISTRY_VALUE",
      "CLUSTER_CHANGE_REGISTRY_SUBTREE",
      "CLUSTER_CHANGE_RESOURCE_STATE",
      "CLUSTER_CHANGE_RESOURCE_DELETED",
      "CLUSTER_CHANGE_RESOURCE_ADDED",
      "CLUSTER_CHANGE_RESOURCE_PROPERTY",
      "CLUSTER_CHANGE_GROUP_STATE",
      "CLUSTER_CHANGE_GROUP_DELETED",
      "CLUSTER_CHANGE_GROUP_ADDED",
      "CLUSTER_CHANGE_GROUP_PROPERTY",
      "CLUSTER_CHANGE_RESOURCE_TYPE_DELETED",
      "CLUSTER_CHANGE_RESOURCE_TYPE_ADDED",
      "CLUSTER_CHANGE_RESOURCE_TYPE_PROPERTY",
      "CLUSTER_CHANGE_CLUSTER_RECONNECT",
      "CLUSTER_CHANGE_NETWORK_STATE",
      "CLUSTER_CHANGE_NETWORK_DELETED",
      "CLUSTER_CHANGE_NETWORK_ADDED",
      "CLUSTER_CHANGE_NETWORK_PROPERTY",
      "CLUSTER_CHANGE_NETINTERFACE_STATE",
      "CLUSTER_CHANGE_NETINTERFACE_DELETED",
      "CLUSTER_CHANGE_NETINTERFACE_ADDED",
      "CLUSTER_CHANGE_NETINTERFACE_PROPERTY",
      "CLUSTER_CHANGE_QUORUM_STATE",
      "CLUSTER_CHANGE_CLUSTER_STATE",
      "CLUSTER_CHANGE_CLUSTER_PROPERTY",
      "CLUSTER_CHANGE_HANDLE_CLOSE"}},
    {CMRP_SET_CLUSTER_V2,
     "CLUSTER_CHANGE_CLUSTER_V2",
     "MS-CMRP 2.2.2.12",
     1,
     0x1ff4,
     0x1ff4,
     0xb,
     0,
     {"CLUSTER_CHANGE_CLUSTER_RECONNECT_V2", "CLUSTER_CHANGE_CLUSTER_STATE_V2",
      "CLUSTER_CHANGE_CLUSTER_GROUP_ADDED_V2", "CLUSTER_CHANGE_CLUSTER_HANDLE_CLOSE_V2",
      "CLUSTER_CHANGE_CLUSTER_NETWORK_ADDED_V2", "CLUSTER_CHANGE_CLUSTER_NODE_ADDED_V2",
      "CLUSTER_CHANGE_CLUSTER_RESOURCE_TYPE_ADDED_V2", "CLUSTER_CHANGE_CLUSTER_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_CLUSTER_PRIVATE_PROPERTY_V2", "CLUSTER_CHANGE_CLUSTER_LOST_NOTIFICATIONS_V2",
      "CLUSTER_CHANGE_CLUSTER_RENAME_V2", "CLUSTER_CHANGE_CLUSTER_MEMBERSHIP_V2",
      "CLUSTER_CHANGE_CLUSTER_UPGRADED_V2"}},
    {CMRP_SET_GROUP_V2,
     "CLUSTER_CHANGE_GROUP_V2",
     "MS-CMRP 2.2.2.13",
     2,
     0x1ff,
     0x1ff,
     0x200,
     0,
     {"CLUSTER_CHANGE_GROUP_DELETED_V2", "CLUSTER_CHANGE_GROUP_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_GROUP_PRIVATE_PROPERTY_V2", "CLUSTER_CHANGE_GROUP_STATE_V2",
      "CLUSTER_CHANGE_GROUP_OWNER_NODE_V2", "CLUSTER_CHANGE_GROUP_PREFERRED_OWNERS_V2",
      "CLUSTER_CHANGE_GROUP_RESOURCE_ADDED_V2", "CLUSTER_CHANGE_GROUP_RESOURCE_GAINED_V2",
      "CLUSTER_CHANGE_GROUP_RESOURCE_LOST_V2", "CLUSTER_CHANGE_GROUP_HANDLE_CLOSE_V2"}},
    {CMRP_SET_RESOURCE_V2,
     "CLUSTER_CHANGE_RESOURCE_V2",
     "MS-CMRP 2.2.2.14",
     3,
     0x1ff,
     0x1ff,
     0x200,
     0,
     {"CLUSTER_CHANGE_RESOURCE_COMMON_PROPERTY_V2", "CLUSTER_CHANGE_RESOURCE_PRIVATE_PROPERTY_V2",
      "CLUSTER_CHANGE_RESOURCE_STATE_V2", "CLUSTER_CHANGE_RESOURCE_OWNER_GROUP_V2",
      "CLUSTER_CHANGE_RESOURCE_DEPENDENCIES_V2", "CLUSTER_CHANGE_RESOURCE_DEPENDENTS_V2",
      "CLUSTER_CHANGE_RESOURCE_POSSIBLE_OWNERS_V2", "CLUSTER_CHANGE_RESOURCE_DELETED_V2",
      "CLUSTER_CHANGE_RESOURCE_DLL_UPGRADED_V2", "CLUSTER_CHANGE_RESOURCE_HANDLE_CLOSE_V2"}},
    {CMRP_SET_RESOURCE_TYPE_V2,
     "CLUSTER_CHANGE_RESOURCE_TYPE_V2",
     "MS-CMRP 2.2.2.15",
     4,
     0x3f,
     0x3f,
     0,
     0,
     {"CLUSTER_CHANGE_RESOURCE_TYPE_DELETED_V2", "CLUSTER_CHANGE_RESOURCE_TYPE_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_RESOURCE_TYPE_PRIVATE_PROPERTY_V2",
      "CLUSTER_CHANGE_RESOURCE_TYPE_POSSIBLE_OWNERS_V2",
      "CLUSTER_CHANGE_RESOURCE_TYPE_DLL_UPGRADED_V2", "CLUSTER_RESOURCE_TYPE_SPECIFIC_V2"}},
    {CMRP_SET_NETINTERFACE_V2,
     "CLUSTER_CHANGE_NETINTERFACE_V2",
     "MS-CMRP 2.2.2.16",
     5,
     0xf,
     0xf,
     0x10,
     0,
     {"CLUSTER_CHANGE_NETINTERFACE_DELETED_V2", "CLUSTER_CHANGE_NETINTERFACE_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_NETINTERFACE_PRIVATE_PROPERTY_V2", "CLUSTER_CHANGE_NETINTERFACE_STATE_V2",
      "CLUSTER_CHANGE_NETINTERFACE_HANDLE_CLOSE_V2"}},
    {CMRP_SET_NETWORK_V2,
     "CLUSTER_CHANGE_NETWORK_V2",
     "MS-CMRP 2.2.2.17",
     6,
     0xf,
     0xf,
     0x10,
     0,
     {"CLUSTER_CHANGE_NETWORK_DELETED_V2", "CLUSTER_CHANGE_NETWORK_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_NETWORK_PRIVATE_PROPERTY_V2", "CLUSTER_CHANGE_NETWORK_STATE_V2",
      "CLUSTER_CHANGE_NETWORK_HANDLE_CLOSE_V2"}},
    {CMRP_SET_NODE_V2,
     "CLUSTER_CHANGE_NODE_V2",
     "MS-CMRP 2.2.2.18",
     7,
     0x7f,
     0x7f,
     0x80,
     0,
     {"CLUSTER_CHANGE_NODE_NETINTERFACE_ADDED_V2", "CLUSTER_CHANGE_NODE_DELETED_V2",
      "CLUSTER_CHANGE_NODE_COMMON_PROPERTY_V2", "CLUSTER_CHANGE_NODE_PRIVATE_PROPERTY_V2",
      "CLUSTER_CHANGE_NODE_STATE_V2", "CLUSTER_CHANGE_NODE_GROUP_GAINED_V2",
      "CLUSTER_CHANGE_NODE_GROUP_LOST_V2", "CLUSTER_CHANGE_NODE_HANDLE_CLOSE_V2"}},
    {CMRP_SET_REGISTRY_V2,
     "CLUSTER_CHANGE_REGISTRY_V2",
     "MS-CMRP 2.2.2.19",
     8,
     0xf,
     0xb,
     0x10,
     0x4,
     {"CLUSTER_CHANGE_REGISTRY_ATTRIBUTES_V2", "CLUSTER_CHANGE_REGISTRY_NAME_V2",
      "CLUSTER_CHANGE_REGISTRY_SUBTREE_V2", "CLUSTER_CHANGE_REGISTRY_VALUE_V2",
      "CLUSTER_CHANGE_REGISTRY_HANDLE_CLOSE_V2"}},
    {CMRP_SET_QUORUM_V2,
     "CLUSTER_CHANGE_QUORUM_V2",
     "MS-CMRP 2.2.2.20",
     9,
     1,
     1,
     0,
     0,
     {"CLUSTER_CHANGE_QUORUM_STATE_V2"}},
    {CMRP_SET_SHARED_VOLUME_V2,
     "CLUSTER_CHANGE_SHARED_VOLUME_V2",
     "MS-CMRP 2.2.2.21",
     10,
     1,
     1,
     0,
     0,
     {"CLUSTER_CHANGE_SHARED_VOLUME_STATE_V2"}},
    {CMRP_SET_GROUPSET_V2,
     "CLUSTER_CHANGE_GROUPSET_V2",
     "MS-CMRP 2.2.2.24",
     13,
     0xff,
     0xff,
     0x100,
     0,
     {"CLUSTER_CHANGE_GROUPSET_DELETED_v2", "CLUSTER_CHANGE_GROUPSET_COMMON_PROPERTY_V2",
      "CLUSTER_CHANGE_GROUPSET_PRIVATE_PROPERTY_V2", "CLUSTER_CHANGE_GROUPSET_STATE_V2",
      "CLUSTER_CHANGE_GROUPSET_GROUP_ADDED", "CLUSTER_CHANGE_GROUPSET_GROUP_REMOVED",
      "CLUSTER_CHANGE_GROUPSET_DEPENDENCIES_V2", "CLUSTER_CHANGE_GROUPSET_DEPENDENTS_V2",
      "CLUSTER_CHANGE_GROUPSET_HANDLE_CLOSE_v2"}},
    {CMRP_SET_SPACEPORT_V2,
     "CLUSTER_CHANGE_SPACEPORT_V2",
     "MS-CMRP 2.2.2.25",
     11,
     1,
     1,
     0,
     0,
     {"CLUSTER_CHANGE_SPACEPORT_CUSTOM_PNP_V2"}},
    {CMRP_SET_NODE_UPGRADE_PHASE_V2,
     "CLUSTER_CHANGE_NODE_UPGRADE_PHASE_V2",
     "MS-CMRP 2.2.2.26",
     12,
     7,
     7,
     0,
     0,
     {"CLUSTER_CHANGE_UPGRADE_NODE_PREPARE", "CLUSTER_CHANGE_UPGRADE_NODE_COMMIT",
      "CLUSTER_CHANGE_UPGRADE_NODE_POSTCOMMIT"}},
};

// CLUSTER_OBJECT_TYPE from 1 on [MS-CMRP 2.2.2.11].
static const char *const object_types[] = {
    "CLUSTER_OBJECT_TYPE_CLUSTER",
    "CLUSTER_OBJECT_TYPE_GROUP",
    "CLUSTER_OBJECT_TYPE_RESOURCE",
    "CLUSTER_OBJECT_TYPE_RESOURCE_TYPE",
    "CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE",
    "CLUSTER_OBJECT_TYPE_NETWORK",
    "CLUSTER_OBJECT_TYPE_NODE",
    "CLUSTER_OBJECT_TYPE_REGISTRY",
    "CLUSTER_OBJECT_TYPE_QUORUM",
    "CLUSTER_OBJECT_TYPE_SHARED_VOLUME",
    "CLUSTER_OBJECT_TYPE_SPACEPORT",
    "CLUSTER_OBJECT_TYPE_UPGRADE",
    "CLUSTER_OBJECT_TYPE_GROUPSET",
    "CLUSTER_OBJECT_TYPE_SBL_DEVICE",
    "CLUSTER_OBJECT_TYPE_CERT",
    "CLUSTER_OBJECT_TYPE_AFFINITYRULE",
};

static const cmrp_change_set *object_type_set(void) {
    return cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
}

// ---- the tables ---------------------------------------------------------------------------------

static void test_sets_are_found(void **state) {
    (void)state;
    assert_int_equal(CMRP_SET_COUNT, COUNT_OF(sets) + 1); // and CLUSTER_OBJECT_TYPE
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        assert_non_null(set);
        assert_string_equal(set->name, sets[i].name);
        assert_string_equal(set->section, sets[i].section);
        assert_int_equal(set->object_type, sets[i].object_type);
        assert_int_equal(set->width, sets[i].object_type == 0 ? 4 : 8);
        assert_false(set->enumeration);
        assert_ptr_equal(cmrp_change_set_named(sets[i].name), set);
        if (sets[i].object_type != 0) {
            assert_ptr_equal(cmrp_change_set_of_type(sets[i].object_type), set);
        }
    }
    assert_true(object_type_set()->enumeration);
    assert_int_equal(object_type_set()->width, 4);
    assert_string_equal(object_type_set()->section, "MS-CMRP 2.2.2.11");
    assert_ptr_equal(cmrp_change_set_named("CLUSTER_OBJECT_TYPE"), object_type_set());
}

static void test_sets_that_do_not_exist(void **state) {
    (void)state;
    static const uint32_t without[] = {0, 14, 15, 16, 17, UINT32_MAX};
    assert_null(cmrp_change_set_at(CMRP_SET_COUNT));
    assert_null(cmrp_change_set_at(UINT32_MAX));
    assert_null(cmrp_change_set_named(""));
    assert_null(cmrp_change_set_named("CLUSTER_CHANGE_V2"));
    assert_null(cmrp_change_set_named("cluster_change"));
    for (size_t i = 0; i < COUNT_OF(without); i++) {
        assert_null(cmrp_change_set_of_type(without[i]));
    }
}

static void test_every_bit_has_its_name(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        uint32_t bit = 0;
        for (; sets[i].names[bit] != NULL; bit++) {
            const cmrp_change_flag *flag = cmrp_change_flag_named(set, sets[i].names[bit]);
            assert_non_null(flag);
            assert_string_equal(flag->name, sets[i].names[bit]);
            assert_int_equal(flag->value, 1ull << bit);
            assert_ptr_equal(flag, &set->flags[bit]);
            assert_int_equal(flag->attributes & CMRP_CHANGE_UNION, 0);
        }
        const bool has_union = sets[i].id == CMRP_SET_NODE_UPGRADE_PHASE_V2;
        assert_int_equal(set->count, bit + has_union);
        assert_null(cmrp_change_flag_named(set, "CLUSTER_CHANGE_NONE"));
        assert_null(cmrp_change_flag_named(set, ""));
    }
    assert_int_equal(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE)->count, 32);
}

static void test_upgrade_all_is_a_union(void **state) {
    (void)state;
    const cmrp_change_flag *all = cmrp_change_flag_named(
        cmrp_change_set_at(CMRP_SET_NODE_UPGRADE_PHASE_V2), "CLUSTER_CHANGE_UPGRADE_ALL");
    assert_non_null(all);
    assert_int_equal(all->value, 7);
    assert_true((all->attributes & CMRP_CHANGE_UNION) != 0);
    assert_int_equal(all->attributes & CMRP_CHANGE_RETURNABLE, 0);
}

static void test_object_types(void **state) {
    (void)state;
    assert_int_equal(object_type_set()->count, COUNT_OF(object_types));
    for (uint32_t i = 0; i < COUNT_OF(object_types); i++) {
        const cmrp_change_flag *flag = cmrp_change_flag_named(object_type_set(), object_types[i]);
        assert_non_null(flag);
        assert_int_equal(flag->value, i + 1);
        // ApiAddNotifyV2 takes the types that have events.
        assert_int_equal((flag->scopes & CMRP_SCOPE_V2) != 0,
                         cmrp_change_set_of_type(i + 1) != NULL);
    }
}

// ---- who may register and return what -----------------------------------------------------------

static void test_registration_of_version_1(void **state) {
    (void)state;
    static const struct {
        unsigned scope;
        uint64_t mask;
    } rows[] = {
        {CMRP_SCOPE_CLUSTER, 0x5ff7ffff},
        {CMRP_SCOPE_NODE, 0xf},
        {CMRP_SCOPE_KEY, 0x70},
        {CMRP_SCOPE_RESOURCE, 0xf00},
        {CMRP_SCOPE_GROUP, 0xf000},
        {CMRP_SCOPE_NETWORK, 0xf00000},
        {CMRP_SCOPE_V2, 0},
        {CMRP_SCOPE_NETINTERFACE, 0xf000000},
        {CMRP_SCOPE_RESOURCE_TYPE, 0},
        {CMRP_SCOPE_NODE | CMRP_SCOPE_GROUP, 0xf00f},
        {0, 0},
    };
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(cmrp_change_registrable(set, rows[i].scope), rows[i].mask);
    }
}

static void test_registration_of_version_2(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        if (sets[i].object_type == 0) {
            continue;
        }
        const bool types = sets[i].id == CMRP_SET_RESOURCE_TYPE_V2;
        assert_int_equal(cmrp_change_registrable(set, CMRP_SCOPE_V2), sets[i].registrable);
        assert_int_equal(cmrp_change_registrable(set, CMRP_SCOPE_RESOURCE_TYPE), types ? 0x3f : 0);
        assert_int_equal(cmrp_change_registrable(set, CMRP_SCOPE_CLUSTER | CMRP_SCOPE_KEY), 0);
        // A V2 event exists in protocol 3 only.
        assert_int_equal(cmrp_change_with(set, CMRP_CHANGE_V3_ONLY),
                         sets[i].registrable | sets[i].client_only);
    }
}

static void test_attributes(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        assert_int_equal(cmrp_change_with(set, CMRP_CHANGE_RETURNABLE), sets[i].returnable);
        assert_int_equal(cmrp_change_with(set, CMRP_CHANGE_CLIENT_ONLY), sets[i].client_only);
        assert_int_equal(cmrp_change_with(set, CMRP_CHANGE_MODIFIER), sets[i].modifiers);
        assert_int_equal(cmrp_change_with(set, 0), 0);
        assert_int_equal(sets[i].returnable & (sets[i].client_only | sets[i].modifiers), 0);
    }
    // Protocol 2 knows neither the reconnect nor the quorum event.
    assert_int_equal(
        cmrp_change_with(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE), CMRP_CHANGE_V3_ONLY),
        0x10080000);
}

static void test_an_enumeration_has_no_masks(void **state) {
    (void)state;
    assert_int_equal(cmrp_change_registrable(object_type_set(), CMRP_SCOPE_V2), 0);
    assert_int_equal(cmrp_change_with(object_type_set(), CMRP_CHANGE_V3_ONLY), 0);
}

// ---- values -------------------------------------------------------------------------------------

static void test_unknown_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        const uint64_t defined =
            sets[i].registrable | sets[i].returnable | sets[i].client_only | sets[i].modifiers;
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t value = 1ull << bit;
            assert_int_equal(cmrp_change_unknown(set, value), value & ~defined);
        }
        assert_int_equal(cmrp_change_unknown(set, UINT64_MAX), ~defined);
        assert_int_equal(cmrp_change_unknown(set, 0), 0);
    }
}

static void test_unknown_object_types(void **state) {
    (void)state;
    for (uint64_t value = 0; value < 64; value++) {
        const bool defined = value >= 1 && value <= COUNT_OF(object_types);
        assert_int_equal(cmrp_change_unknown(object_type_set(), value), defined ? 0 : value);
    }
    assert_int_equal(cmrp_change_unknown(object_type_set(), UINT32_MAX), UINT32_MAX);
    assert_int_equal(cmrp_change_unknown(object_type_set(), 0x100000001), 0x100000001);
}

static void test_next_lists_bits_in_order(void **state) {
    (void)state;
    uint64_t random = 0x243f6a8885a308d3;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        const cmrp_change_set *set = cmrp_change_set_at(sets[i].id);
        for (unsigned round = 0; round < 64; round++) {
            const uint64_t value = round == 0 ? 0 : round == 1 ? UINT64_MAX : random;
            uint32_t cursor = 0;
            for (unsigned bit = 0; sets[i].names[bit] != NULL; bit++) {
                if ((value >> bit & 1) != 0) {
                    const cmrp_change_flag *flag = cmrp_change_next(set, value, &cursor);
                    assert_non_null(flag);
                    assert_string_equal(flag->name, sets[i].names[bit]);
                }
            }
            assert_null(cmrp_change_next(set, value, &cursor));
            assert_null(cmrp_change_next(set, value, &cursor));
            random = random * 6364136223846793005u + 1442695040888963407u;
        }
    }
}

static void test_next_of_an_enumeration(void **state) {
    (void)state;
    for (uint64_t value = 0; value < 64; value++) {
        uint32_t cursor = 0;
        const cmrp_change_flag *flag = cmrp_change_next(object_type_set(), value, &cursor);
        if (value >= 1 && value <= COUNT_OF(object_types)) {
            assert_non_null(flag);
            assert_string_equal(flag->name, object_types[value - 1]);
        } else {
            assert_null(flag);
        }
        assert_null(cmrp_change_next(object_type_set(), value, &cursor));
    }
}

// ---- octets -------------------------------------------------------------------------------------

typedef struct valued {
    const cmrp_change_set *set;
    uint64_t value;
} valued;

static bool decode_value(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    valued *v = context;
    const uint64_t before = 0x1122334455667788;
    (void)offset;
    v->value = before;
    if (cmrp_change_decode(v->set, input, &v->value, error)) {
        return true;
    }
    assert_int_equal(v->value, before);
    return false;
}

static bool encode_value(void *context, cmrp_writer *w) {
    const valued *v = context;
    return cmrp_change_encode(v->set, v->value, w);
}

static void test_octets(void **state) {
    (void)state;
    const uint64_t values[] = {0, 1, 0x80, 0x7000, UINT32_MAX, 0x8877665544332211};
    for (unsigned id = 0; id < CMRP_SET_COUNT; id++) {
        valued v = {cmrp_change_set_at(id), 0};
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            const uint64_t value = v.set->width == 4 ? (uint32_t)values[i] : values[i];
            built b;
            built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
            add_uint(&b, "value", v.set->width, value);
            check_cuts(&b, decode_value, &v, 0);
            assert_int_equal(v.value, value);
            check_encode(encode_value, &v, built_view(&b), NULL);
            cmrp_error error = {0};
            const cmrp_view longer = exact(b.octets, b.size + 3);
            assert_false(decode_value(&v, longer, 0, &error));
            assert_error(&error, CMRP_E_TRAILING, v.set->width, "value", v.set->section);
            assert_int_equal(error.left, 3);
            free_view(longer);
        }
    }
}

static void test_sections_of_errors(void **state) {
    (void)state;
    for (unsigned id = 0; id < CMRP_SET_COUNT; id++) {
        const cmrp_change_set *set = cmrp_change_set_at(id);
        cmrp_error error = {0};
        uint64_t value = 0;
        assert_false(cmrp_change_decode(set, (cmrp_view){NULL, 0}, &value, &error));
        assert_error(&error, CMRP_E_TRUNCATED, 0, "value", set->section);
        cmrp_writer w;
        error = (cmrp_error){0};
        cmrp_writer_init(&w, NULL, 0, &error, "none");
        assert_false(cmrp_change_encode(set, 0, &w));
        assert_error(&error, CMRP_E_NO_SPACE, 0, "value", set->section);
    }
}

static void test_value_too_large(void **state) {
    (void)state;
    for (unsigned id = 0; id < CMRP_SET_COUNT; id++) {
        const cmrp_change_set *set = cmrp_change_set_at(id);
        uint8_t out[8] = {0};
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, out, sizeof out, &error, "none");
        const bool ok = cmrp_change_encode(set, 0x100000000, &w);
        assert_int_equal(ok, set->width == 8);
        if (!ok) {
            assert_error(&error, CMRP_E_TOO_LARGE, 0, "value", set->section);
            assert_int_equal(error.value, 0x100000000);
            assert_int_equal(w.size, 0);
        }
    }
}

static void test_an_error_sticks(void **state) {
    (void)state;
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    uint8_t octets[4] = {1, 0, 0, 0};
    uint64_t value = 5;
    cmrp_error error = {.code = CMRP_E_EMPTY, .field = "first", .section = "section"};
    cmrp_writer w;
    assert_false(cmrp_change_decode(set, (cmrp_view){octets, 4}, &value, &error));
    assert_int_equal(value, 5);
    cmrp_writer_init(&w, octets, 4, &error, "none");
    assert_false(cmrp_change_encode(set, 0, &w));
    assert_int_equal(octets[0], 1);
    assert_error(&error, CMRP_E_EMPTY, 0, "first", "section");
}

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    (void)seed;
    (void)context;
    bool any = false;
    for (unsigned id = 0; id < CMRP_SET_COUNT; id++) {
        valued v = {cmrp_change_set_at(id), 0};
        cmrp_error error = {0};
        const bool ok = decode_value(&v, input, 0, &error);
        assert_int_equal(ok, input.size == v.set->width);
        if (!ok) {
            check_refusal(&error, 0, input.size);
            continue;
        }
        uint8_t out[8];
        cmrp_writer w;
        cmrp_writer_init(&w, out, sizeof out, &error, "none");
        assert_true(encode_value(&v, &w));
        assert_int_equal(w.size, input.size);
        assert_memory_equal(out, input.data, input.size);
        any = true;
    }
    return any;
}

static void test_mutations(void **state) {
    (void)state;
    static const uint8_t octets[8] = {0, 0x70};
    const cmrp_view seeds[] = {{octets, 4}, {octets, 8}};
    run_mutations(seeds, COUNT_OF(seeds), decode_mutation, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_are_found),
        cmocka_unit_test(test_sets_that_do_not_exist),
        cmocka_unit_test(test_every_bit_has_its_name),
        cmocka_unit_test(test_upgrade_all_is_a_union),
        cmocka_unit_test(test_object_types),
        cmocka_unit_test(test_registration_of_version_1),
        cmocka_unit_test(test_registration_of_version_2),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_an_enumeration_has_no_masks),
        cmocka_unit_test(test_unknown_bits),
        cmocka_unit_test(test_unknown_object_types),
        cmocka_unit_test(test_next_lists_bits_in_order),
        cmocka_unit_test(test_next_of_an_enumeration),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_sections_of_errors),
        cmocka_unit_test(test_value_too_large),
        cmocka_unit_test(test_an_error_sticks),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
