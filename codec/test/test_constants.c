// SPDX-License-Identifier: Apache-2.0
// What tables hold, written out a second time from the specification: identifiers, names, bits.
#include "test_support.h"

#include "cmrp/change.h"
#include "cmrp/epm.h"
#include "cmrp/method.h"
#include "cmrp/payload.h"

static void test_uuids(void **state) {
    (void)state;
    static const struct {
        const cmrp_uuid *uuid;
        const char *text;
    } known[] = {
        {&cmrp_uuid_clusapi, "b97db8b2-4c63-11cf-bff6-08002be23f2f"},
        {&cmrp_uuid_ndr20, "8a885d04-1ceb-11c9-9fe8-08002b104860"},
        {&cmrp_uuid_ndr64, "71710533-beba-4937-8319-b5dbef9ccc36"},
        {&cmrp_uuid_epm, "e1af8308-5d1f-11c9-91a4-08002b14a0fa"},
        {&cmrp_uuid_bind_time, "6cb71c2c-9812-4540-0000-000000000000"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        char text[CMRP_UUID_TEXT_SIZE];
        cmrp_uuid_format(known[i].uuid, text);
        assert_string_equal(text, known[i].text);
    }
}

typedef struct name {
    uint32_t value;
    const char *name;
} name;

static void check_table(const cmrp_payload_names *names, const name *known, size_t count) {
    assert_int_equal(names->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(names->names[i].value, known[i].value);
        assert_string_equal(names->names[i].name, known[i].name);
    }
}

// [MS-CMRP] 2.2.3.32
static void test_shared_volumes(void **state) {
    (void)state;
    static const name states[] = {
        {0, "SharedVolumeStateUnavailable"},
        {1, "SharedVolumeStatePaused"},
        {2, "SharedVolumeStateActive"},
        {3, "SharedVolumeStateActiveRedirected"},
        {4, "SharedVolumeStateActiveBlockRedirected"},
    };
    static const name redirected[] = {
        {0x01, "RedirectedIOReasonUserRequest"},
        {0x02, "RedirectedIOReasonIncompatibleFileSystemFilter"},
        {0x04, "RedirectedIOReasonIncompatibleVolumeFilter"},
        {0x08, "RedirectedIOReasonFileSystemConfiguration"},
        {0x10, "RedirectedIOReasonVolumeEncryption"},
    };
    static const name block_redirected[] = {
        {0x1, "BlockRedirectedIOReasonNoDiskConnectivity"},
        {0x2, "BlockRedirectedIOReasonStorageSpaceNotAttached"},
    };
    check_table(cmrp_shared_volume_states(), states, COUNT_OF(states));
    check_table(cmrp_redirected_reasons(), redirected, COUNT_OF(redirected));
    check_table(cmrp_block_redirected_reasons(), block_redirected, COUNT_OF(block_redirected));
}

// Object types, and the events of protocol version 3 alone, are not in version 2.
static void test_version_3_only(void **state) {
    (void)state;
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    const cmrp_change_set *upgrade = cmrp_change_set_at(CMRP_SET_NODE_UPGRADE_PHASE_V2);
    assert_int_equal(types->count, 16);
    for (uint32_t i = 0; i < types->count; i++) {
        assert_int_equal(types->flags[i].attributes, CMRP_CHANGE_V3_ONLY);
    }
    assert_int_equal(upgrade->count, 4);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(upgrade->flags[i].value, 1u << i);
        assert_int_equal(upgrade->flags[i].attributes,
                         CMRP_CHANGE_V3_ONLY | CMRP_CHANGE_RETURNABLE);
    }
    assert_int_equal(upgrade->flags[3].attributes, CMRP_CHANGE_V3_ONLY | CMRP_CHANGE_UNION);
}

// Which set a parameter's bits are named from.
static void test_sets_of_parameters(void **state) {
    (void)state;
    static const struct {
        uint8_t meaning;
        uint64_t object_type;
        const char *set;
    } cases[] = {
        {CMRP_MEANS_CHANGE, 0, "CLUSTER_CHANGE"},
        {CMRP_MEANS_OBJECT_TYPE, 0, "CLUSTER_OBJECT_TYPE"},
        {CMRP_MEANS_FLAGS, 2, "CLUSTER_CHANGE_GROUP_V2"},
        {CMRP_MEANS_FLAGS, 7, "CLUSTER_CHANGE_NODE_V2"},
        {CMRP_MEANS_FLAGS, 0, NULL},
        {CMRP_MEANS_RESOURCE_TYPE_FLAGS, 0, "CLUSTER_CHANGE_RESOURCE_TYPE_V2"},
        {CMRP_MEANS_NUMBER, 2, NULL},
        {CMRP_MEANS_KEY, 2, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const cmrp_param param = {.meaning = cases[i].meaning};
        const cmrp_change_set *set = cmrp_param_set(&param, cases[i].object_type);
        assert_int_equal(set != NULL, cases[i].set != NULL);
        if (set != NULL) {
            assert_string_equal(set->name, cases[i].set);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_shared_volumes),
        cmocka_unit_test(test_version_3_only),
        cmocka_unit_test(test_sets_of_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
