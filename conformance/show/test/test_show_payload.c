// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "show/show.h"
#include "util/hex.h"

static const struct show_options plain = {0};
static const struct show_options verbose = {.verbose = true};

static struct buffer octets_of(const char *hex) {
    struct buffer octets = {0};
    size_t at;
    assert_true(hex_parse(hex, strlen(hex), &octets, &at));
    return octets;
}

static void show_event(uint32_t type, uint64_t flag, const char *hex,
                       const struct show_options *options, cmrp_code code, const char *expected) {
    struct buffer octets = octets_of(hex);
    struct buffer out = {0};
    cmrp_error error = {0};
    assert_int_equal(show_payload(&out, type, flag, buffer_view(&octets), options, &error),
                     code == CMRP_OK);
    assert_int_equal(error.code, code);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    buffer_free(&octets);
}

static void test_small(void **state) {
    (void)state;
    show_event(2, 0x8, "01000000", &plain, CMRP_OK,
               "new state of the group: ClusterGroupOffline (1)\n");
    show_event(2, 0x8, "09000000", &plain, CMRP_OK,
               "new state of the group: 9 (0x00000009) not defined\n"
               "  offset 0: buffer 9 is not in its table of values [MS-CMRP 3.1.4.2.138]\n");
    show_event(1, 0x4, "6f000000", &plain, CMRP_OK, "type of the group: 111 (0x0000006f)\n");
    show_event(1, 0x1000, "c4070900", &plain, CMRP_OK,
               "operating version of the cluster: 591812 (0x000907c4)\n");
    show_event(2, 0x10, "32000000", &plain, CMRP_OK, "ID of the new owner node: \"2\"\n");
    show_event(2, 0x20,
               "310000003200000000"
               "00",
               &plain, CMRP_OK, "IDs of the preferred owners: [\"1\", \"2\"]\n");
    show_event(2, 0x1, "", &plain, CMRP_OK, "nothing: empty\n");
    show_event(1, 0x800,
               "00000000"
               "00",
               &plain, CMRP_OK, "membership of the cluster: no quorum, no node is up\n");
    show_event(1, 0x800,
               "01010000"
               "0007",
               &plain, CMRP_OK, "membership of the cluster: quorum, up: node 7\n");
    show_event(13, 0x8, "00ff", &plain, CMRP_OK, "octets: 2 octets: 00 ff\n");
    show_event(2, 0x8, "0100", &plain, CMRP_E_TRUNCATED, "");
}

#define PROPERTIES                                                                                 \
    "02000000"                                                                                     \
    "03000400"                                                                                     \
    "04000000"                                                                                     \
    "41000000"                                                                                     \
    "02000100"                                                                                     \
    "04000000"                                                                                     \
    "ffffffff"                                                                                     \
    "07000100"                                                                                     \
    "04000000"                                                                                     \
    "ffffffff"                                                                                     \
    "00000000"                                                                                     \
    "03000400"                                                                                     \
    "06000000"                                                                                     \
    "420062000000"                                                                                 \
    "0000"                                                                                         \
    "05000100"                                                                                     \
    "06000000"                                                                                     \
    "780000000000"                                                                                 \
    "0000"                                                                                         \
    "00000000"

static void test_properties(void **state) {
    (void)state;
    show_event(2, 0x2, PROPERTIES, &plain, CMRP_OK,
               "properties that changed: 2\n"
               "  \"A\"  DWORD  4294967295 (0xffffffff)\n"
               "       LONG  -1 (0xffffffff)\n"
               "  \"Bb\"  MULTI_SZ  [\"x\"]\n");
    show_event(2, 0x2, PROPERTIES, &verbose, CMRP_OK,
               "properties that changed: 2\n"
               "      16  \"A\"  DWORD  4294967295 (0xffffffff)\n"
               "      28       LONG  -1 (0xffffffff)\n"
               "      60  \"Bb\"  MULTI_SZ  [\"x\"]\n");
    show_event(2, 0x2, "00000000", &plain, CMRP_OK,
               "properties that changed: 0\n"
               "  offset 0: propertyCount is empty [MS-CMRP 3.1.4.2.138]\n");
}

static void expect_brief(uint32_t type, uint64_t flag, const char *hex, const char *expected) {
    struct buffer octets = octets_of(hex);
    struct buffer out = {0};
    cmrp_error error = {0};
    cmrp_payload payload;
    assert_true(
        cmrp_payload_decode(type, flag, buffer_view(&octets), 0, &payload, NULL, NULL, &error));
    show_payload_brief(&out, &payload, &plain);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    buffer_free(&octets);
}

static void test_brief(void **state) {
    (void)state;
    expect_brief(2, 0x8, "00000000", "ClusterGroupOnline (0)");
    expect_brief(2, 0x2, PROPERTIES, "2 properties: \"A\", \"Bb\"");
    expect_brief(2, 0x2,
                 "01000000"
                 "03000400"
                 "04000000"
                 "41000000"
                 "02000100"
                 "04000000"
                 "00000000"
                 "00000000",
                 "1 property: \"A\"");
    expect_brief(3, 0x2, "", "empty");
}

static void test_volume(void **state) {
    (void)state;
    struct buffer octets = octets_of("01000000"
                                     "03000400"
                                     "04000000"
                                     "50000000"
                                     "01000100"
                                     "14040000");
    struct buffer out = {0};
    cmrp_error error = {0};
    const size_t at = octets.size;
    memset(buffer_extend(&octets, CMRP_SHARED_VOLUME_SIZE + 4), 0, CMRP_SHARED_VOLUME_SIZE + 4);
    octets.data[at] = 'V';
    octets.data[at + 520] = 'N';
    octets.data[at + 1040] = 2;
    assert_true(show_payload(&out, 10, 0x1, buffer_view(&octets), &plain, &error));
    assert_string_equal(buffer_text(&out),
                        "states of shared volumes: 1\n"
                        "  \"P\"  BINARY  SharedVolumeStateActive (2), volume \"V\", node \"N\"\n");
    buffer_free(&out);
    buffer_free(&octets);
}

// Notifications in a stub: below their octets, and in one line.
static void test_in_stubs(void **state) {
    (void)state;
    struct buffer stub = octets_of("00000200"
                                   "01000000" // Notifications, one of them
                                   "01000000"
                                   "00000000"
                                   "02000000"
                                   "00000000"
                                   "0800000000000000"
                                   "04000200"
                                   "04000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "04000000"
                                   "02000000" // buffer
                                   "01000000"
                                   "00000000");
    struct buffer out = {0};
    cmrp_error error = {0};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    const cmrp_stub_format format = {.method =
                                         cmrp_method_named(CMRP_INTERFACE_3, "ApiGetNotifyV2"),
                                     .interface = CMRP_INTERFACE_3,
                                     .response = true};
    assert_true(cmrp_stub_decode(&format, buffer_view(&stub), 0, slots, NULL, NULL, &error));
    show_params(&out, &format, slots, &plain);
    assert_non_null(strstr(buffer_text(&out),
                           "buffer                      4 octets: 02 00 00 00\n"
                           "  new state of the group: ClusterGroupFailed (2)\n"));
    buffer_clear(&out);
    show_items(&out, &format, slots, &plain);
    assert_non_null(strstr(buffer_text(&out), "  buffer ClusterGroupFailed (2)\n"));
    buffer_free(&out);
    buffer_free(&stub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),    cmocka_unit_test(test_properties),
        cmocka_unit_test(test_brief),    cmocka_unit_test(test_volume),
        cmocka_unit_test(test_in_stubs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
