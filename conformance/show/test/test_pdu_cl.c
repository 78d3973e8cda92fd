// SPDX-License-Identifier: Apache-2.0
// Connectionless PDUs as text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "show/show.h"
#include "util/hex.h"

// The header's octets before and after `len`; both little-endian.
#define HEAD(ptype, flags1, flags2)                                                                \
    "04" ptype flags1 flags2 "10000000"                                                            \
    "00000000000000000000000000000000b2b87db9634ccf11bff608002be23f2f"                             \
    "0c0d0e0f0a0b080907060504030201000100005f02000000050000004100ffffffff"
#define ABOUT(flags1, flags2)                                                                      \
    "  flags1            " flags1 "\n"                                                             \
    "  flags2            " flags2 "\n"                                                             \
    "  serial            0\n"                                                                      \
    "  interface         clusapi 2.0\n"                                                            \
    "  act_id            0f0e0d0c-0b0a-0908-0706-050403020100\n"                                   \
    "  server_boot       0x5f000001\n"                                                             \
    "  opnum             65 (clusapi: ApiGetNotify)\n"

static const struct json_selector pdu = {.type = JSON_TYPE_PDU};

static void expect(const char *hex, bool verbose, cmrp_code code, const char *expected) {
    struct buffer digits = {0};
    struct buffer octets = {0};
    struct buffer out = {0};
    struct show_options options = {.verbose = verbose};
    cmrp_error error = {0};
    size_t at;
    for (; *hex != '\0'; hex++) {
        buffer_append(&digits, hex, *hex != ' ');
    }
    assert_true(hex_parse((const char *)digits.data, digits.size, &octets, &at));
    assert_int_equal(show_value(&out, &pdu, buffer_view(&octets), &options, &error),
                     code == CMRP_OK);
    assert_int_equal(error.code, code);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&digits);
    buffer_free(&octets);
    buffer_free(&out);
}

static void test_bodies(void **state) {
    (void)state;
    expect(HEAD("00", "0c", "04") "0400 0100 00 07 01020304", false, CMRP_OK,
           "request, call 5, fragment 1, 4 octets, version 4, little-endian\n"
           "  flags1            0x0c frag|nofack\n"
           "  flags2            0x04 PF2_UNRELATED\n"
           "  serial            7\n"
           "  interface         clusapi 2.0\n"
           "  act_id            0f0e0d0c-0b0a-0908-0706-050403020100\n"
           "  server_boot       0x5f000001\n"
           "  opnum             65 (clusapi: ApiGetNotify)\n"
           "  stub              4 octets: 01 02 03 04\n");
    expect(HEAD("06", "00", "00") "0500 0000 00 00 020001 1c ff", false, CMRP_OK,
           "reject, call 5, fragment 0, 5 octets, version 4, little-endian\n" ABOUT(
               "0x00", "0x00") "  status            0x1c010002 nca_op_rng_error\n"
                               "  trailing          1 octet: ff\n"
                               "  offset 84: 1 byte after the end of body [C706 12.5.3.8]\n");
    expect(HEAD("09", "00", "00") "1400 0000 00 00 0100 2000 00100000 b8050000 0200 0100 02000000",
           false, CMRP_OK,
           "fack, call 5, fragment 0, 20 octets, version 4, little-endian\n" ABOUT(
               "0x00", "0x00") "  vers              1\n"
                               "  window_size       32 KiB\n"
                               "  max_tsdu          4096\n"
                               "  max_frag_size     1464\n"
                               "  serial_num        2\n"
                               "  selack            0x00000002\n");
    expect(HEAD("0a", "00", "00") "0900 0000 00 00 00000000 07000000 01", false, CMRP_OK,
           "cancel_ack, call 5, fragment 0, 9 octets, version 4, little-endian\n" ABOUT(
               "0x00", "0x00") "  vers              0\n"
                               "  cancel_id         7\n"
                               "  accepting         1\n");
    expect(HEAD("09", "00", "00") "0100 0000 00 00 02", false, CMRP_OK,
           "fack, call 5, fragment 0, 1 octets, version 4, little-endian\n" ABOUT(
               "0x00", "0x00") "  vers              2\n");
}

static void test_security_and_hints(void **state) {
    (void)state;
    expect(HEAD("01", "00", "00") "0000 0000 0a 00 06 01 0000 aabb", true, CMRP_OK,
           "ping, call 5, fragment 0, 0 octets, version 4, little-endian\n"
           "  flags1            0x00\n"
           "  flags2            0x00\n"
           "  serial            0\n"
           "  object            00000000-0000-0000-0000-000000000000\n"
           "  interface         clusapi 2.0\n"
           "  act_id            0f0e0d0c-0b0a-0908-0706-050403020100\n"
           "  server_boot       0x5f000001\n"
           "  opnum             65 (clusapi: ApiGetNotify)\n"
           "  ihint             none\n"
           "  ahint             none\n"
           "  auth_proto        10 ntlm\n"
           "  auth_level        6 privacy\n"
           "  key_vers_num      1\n"
           "  auth_value        2 octets: aa bb\n");
}

// What stands before an error is shown.
static void test_broken(void **state) {
    (void)state;
    expect(HEAD("03", "20", "00") "0400 0000 00 00 0102", false, CMRP_E_FRAG_LENGTH,
           "fault, call 5, fragment 0, 4 octets, version 4, little-endian\n" ABOUT(
               "0x20 idempotent", "0x00"));
    expect("040b", false, CMRP_E_PTYPE_CL, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_security_and_hints),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
