// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/show.h"
#include "util/hex.h"

// ---- helpers ------------------------------------------------------------------------------------

// Octets of hex digits; spaces between them are for the reader.
static struct buffer octets_of(const char *hex) {
    struct buffer digits = {0};
    struct buffer octets = {0};
    size_t wrong;
    for (; *hex != '\0'; hex++) {
        buffer_append(&digits, hex, *hex != ' ');
    }
    assert_true(hex_parse((const char *)digits.data, digits.size, &octets, &wrong));
    buffer_free(&digits);
    return octets;
}

static void expect_text(struct buffer *out, const char *expected) {
    if (strcmp(buffer_text(out), expected) != 0) {
        fprintf(stderr, "expected:\n%s\nis:\n%s\n", expected, buffer_text(out));
        fail();
    }
    buffer_free(out);
}

// Shows octets of a type; *error tells what was wrong.
static void show_hex(const struct json_selector *how, const char *hex, struct show_options options,
                     cmrp_code code, const char *expected) {
    struct buffer octets = octets_of(hex);
    struct buffer out = {0};
    cmrp_error error = {0};
    assert_int_equal(show_value(&out, how, buffer_view(&octets), &options, &error),
                     code == CMRP_OK);
    assert_int_equal(error.code, code);
    expect_text(&out, expected);
    buffer_free(&octets);
}

static const struct json_selector strict = {.type = JSON_TYPE_BATCH};
static const struct json_selector lenient = {.type = JSON_TYPE_BATCH,
                                             .batch_flags = CMRP_BATCH_LENIENT};
static const struct json_selector pdu = {.type = JSON_TYPE_PDU};
static const struct show_options plain = {0};

// ---- registry data ------------------------------------------------------------------------------

static void expect_data(uint32_t type, const char *hex, const char *expected) {
    struct buffer data = octets_of(hex);
    struct buffer out = {0};
    show_data(&out, type, buffer_view(&data), &plain);
    expect_text(&out, expected);
    buffer_free(&data);
}

static void test_data(void **state) {
    (void)state;
    expect_data(CMRP_REG_SZ, "680069000000", "\"hi\"");
    expect_data(CMRP_REG_SZ, "0000", "\"\"");
    expect_data(CMRP_REG_SZ, "", "\"\"");
    expect_data(CMRP_REG_SZ, "68006900", "\"hi\" (no NUL)");
    expect_data(CMRP_REG_SZ, "68000000690000000000", "\"h\\x00i\\x00\"");
    expect_data(CMRP_REG_SZ, "680069", "3 octets: 68 00 69");
    expect_data(CMRP_REG_EXPAND_SZ, "250041002500220000000000", "\"%A%\\\"\\x00\"");
    expect_data(CMRP_REG_DWORD, "0a000080", "2147483658 (0x8000000a)");
    expect_data(CMRP_REG_DWORD, "0a00", "2 octets: 0a 00");
    expect_data(CMRP_REG_DWORD, "", "0 octets");
    expect_data(CMRP_REG_QWORD, "0100000000000080", "9223372036854775809 (0x8000000000000001)");
    expect_data(CMRP_REG_QWORD, "01000000", "4 octets: 01 00 00 00");
    expect_data(CMRP_REG_MULTI_SZ, "610000006200630000000000", "[\"a\", \"bc\"]");
    expect_data(CMRP_REG_MULTI_SZ, "0000", "[]");
    expect_data(CMRP_REG_MULTI_SZ, "", "[] (no final NUL)");
    expect_data(CMRP_REG_MULTI_SZ, "610000006200", "[\"a\", \"b\"] (no final NUL)");
    expect_data(CMRP_REG_MULTI_SZ, "6100000000006200", "[\"a\"] and 2 octets behind the final NUL");
    expect_data(CMRP_REG_BINARY, "00ff", "2 octets: 00 ff");
    expect_data(CMRP_REG_NONE, "01", "1 octet: 01");
    expect_data(99, "000102030405060708090a0b0c0d0e0f10",
                "17 octets: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ...");
}

static void test_all_octets_when_verbose(void **state) {
    (void)state;
    const struct show_options verbose = {.verbose = true};
    struct buffer data = octets_of("000102030405060708090a0b0c0d0e0f10");
    struct buffer out = {0};
    show_octets(&out, buffer_view(&data), &verbose);
    expect_text(&out, "17 octets: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10");
    buffer_free(&data);
}

// ---- batches ------------------------------------------------------------------------------------

#define VERSION "01000000"
// CREATE_KEY "k"; SET_VALUE REG_DWORD "longer" = 7; DELETE_VALUE ""
#define CREATE                                                                                     \
    "02000000"                                                                                     \
    "00000000"                                                                                     \
    "04000000"                                                                                     \
    "6b000000"                                                                                     \
    "00000000"
#define SET                                                                                        \
    "01000000"                                                                                     \
    "04000000"                                                                                     \
    "0e000000"                                                                                     \
    "6c006f006e00670065007200"                                                                     \
    "0000"                                                                                         \
    "04000000"                                                                                     \
    "07000000"
#define DELETE                                                                                     \
    "04000000"                                                                                     \
    "00000000"                                                                                     \
    "02000000"                                                                                     \
    "0000"                                                                                         \
    "00000000"

static void test_batch(void **state) {
    (void)state;
    show_hex(&strict, VERSION CREATE SET DELETE, plain, CMRP_OK,
             "CLUSREG_CREATE_KEY    -          \"k\"\n"
             "CLUSREG_SET_VALUE     REG_DWORD  \"longer\"  7 (0x00000007)\n"
             "CLUSREG_DELETE_VALUE  -          \"\"\n");
    show_hex(&strict, VERSION CREATE, (struct show_options){.indent = 4}, CMRP_OK,
             "    CLUSREG_CREATE_KEY  -  \"k\"\n");
    show_hex(&strict, VERSION CREATE SET, (struct show_options){.verbose = true}, CMRP_OK,
             " 4  CLUSREG_CREATE_KEY  -          \"k\"\n"
             "    CommandType 2  ValueType 0  NameLength 4  DataLength 0\n"
             "    Name 4 octets: 6b 00 00 00\n"
             "24  CLUSREG_SET_VALUE   REG_DWORD  \"longer\"  7 (0x00000007)\n"
             "    CommandType 1  ValueType 4  NameLength 14  DataLength 4\n"
             "    Name 14 octets: 6c 00 6f 00 6e 00 67 00 65 00 72 00 00 00\n"
             "    Data 4 octets: 07 00 00 00\n");
}

// What stands before an error is shown.
static void test_batch_errors(void **state) {
    (void)state;
    show_hex(&strict, VERSION CREATE "01", plain, CMRP_E_TRUNCATED,
             "CLUSREG_CREATE_KEY  -  \"k\"\n");
    show_hex(&strict, "02000000", plain, CMRP_E_VERSION, "");
    show_hex(&strict, "", plain, CMRP_E_TRUNCATED, "");
    show_hex(&strict, VERSION, plain, CMRP_E_EMPTY, "");
    show_hex(&lenient, VERSION, plain, CMRP_OK,
             "    offset 4: there is no command after the version [MS-CMRP 2.2.3.17.1]\n");
    show_hex(&lenient, VERSION CREATE "01", plain, CMRP_OK,
             "CLUSREG_CREATE_KEY  -  \"k\"\n"
             "trailing 1 octet: 01\n"
             "    offset 24: 1 byte after the last command [MS-CMRP 2.2.3.17.1]\n");
}

static void test_batch_oddities(void **state) {
    (void)state;
    // READ_ERROR with a status; a reserved command; CREATE_KEY with a type and data; a name that is
    // no text
    show_hex(&strict,
             VERSION "09000000 02000000 04000000 61000000 00000000 63000000 05000000 02000000"
                     "0000 01000000 ff 00 02000000 01000000 02000000 0000 02000000 0102"
                     "07000000 00000000 04000000 00d80000 00000000",
             plain, CMRP_OK,
             "CLUSREG_READ_ERROR  ERROR_FILE_NOT_FOUND  \"a\"\n"
             "command 99          type 5                \"\"                             1 octet: "
             "ff\n"
             "    offset 24: CommandType 99 is reserved [MS-CMRP 2.2.3.17.1]\n"
             "CLUSREG_CREATE_KEY  type 1                \"\"                             2 octets: "
             "01 02\n"
             "    offset 48: ValueType 1 is set where it is ignored [MS-CMRP 2.2.3.17.1]\n"
             "    offset 58: DataLength is 2 for a command without data [MS-CMRP 2.2.3.17.1]\n"
             "CLUSREG_READ_KEY    -                     name of 4 octets: 00 d8 00 00\n"
             "    offset 76: Name has an unpaired surrogate [MS-CMRP 2.2.3.17.1]\n");
}

// ---- change values ------------------------------------------------------------------------------

static void test_change(void **state) {
    (void)state;
    struct json_selector how = {.type = JSON_TYPE_CHANGE};
    how.set = cmrp_change_set_named("CLUSTER_CHANGE");
    show_hex(&how, "00700000", plain, CMRP_OK,
             "CLUSTER_CHANGE 28672 (0x00007000)\n"
             "  0x00001000  CLUSTER_CHANGE_GROUP_STATE\n"
             "  0x00002000  CLUSTER_CHANGE_GROUP_DELETED\n"
             "  0x00004000  CLUSTER_CHANGE_GROUP_ADDED\n");
    show_hex(&how, "007000", plain, CMRP_E_TRUNCATED, "");
    how.set = cmrp_change_set_named("CLUSTER_CHANGE_GROUP_V2");
    show_hex(&how, "0100000000000080", plain, CMRP_OK,
             "CLUSTER_CHANGE_GROUP_V2 9223372036854775809 (0x8000000000000001)\n"
             "  0x0000000000000001  CLUSTER_CHANGE_GROUP_DELETED_V2\n"
             "  0x8000000000000000  not defined\n");
    how.set = cmrp_change_set_named("CLUSTER_OBJECT_TYPE");
    show_hex(&how, "02000000", plain, CMRP_OK,
             "CLUSTER_OBJECT_TYPE 2 (0x00000002)\n"
             "  0x00000002  CLUSTER_OBJECT_TYPE_GROUP\n");
}

static void expect_flags(uint64_t value, bool brief, const char *expected) {
    struct buffer out = {0};
    show_flags(&out, cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE), value, brief);
    expect_text(&out, expected);
}

static void test_flags(void **state) {
    (void)state;
    expect_flags(0, true, "0");
    expect_flags(0x1001, false, "CLUSTER_CHANGE_NODE_STATE|CLUSTER_CHANGE_GROUP_STATE");
    expect_flags(0x1001, true, "NODE_STATE|GROUP_STATE");
    expect_flags(0x1f, true, "NODE_STATE|NODE_DELETED|NODE_ADDED|NODE_PROPERTY|REGISTRY_NAME");
    expect_flags(0x3f, true, "NODE_STATE|NODE_DELETED|NODE_ADDED|NODE_PROPERTY|2 more");
    struct buffer out = {0};
    show_flags(&out, NULL, 5, true);
    expect_text(&out, "0x5");
    show_flags(&out, cmrp_change_set_named("CLUSTER_CHANGE_QUORUM_V2"), 3, true);
    expect_text(&out, "QUORUM_STATE_V2|0x2");
}

// ---- stubs --------------------------------------------------------------------------------------

#define HANDLE "0000000001020304050607080910111213141516"

static struct json_selector stub_of(const char *method, bool response) {
    return (struct json_selector){.type = JSON_TYPE_STUB,
                                  .stub = {.method = cmrp_method_named(CMRP_INTERFACE_3, method),
                                           .interface = CMRP_INTERFACE_3,
                                           .response = response}};
}

static void test_stub(void **state) {
    (void)state;
    struct json_selector how = stub_of("ApiAddNotifyV2", false);
    show_hex(&how, HANDLE HANDLE "02000000 00000000 1800000000000000 07000000 02000000 01000000",
             plain, CMRP_OK,
             "ApiAddNotifyV2 (138) request, interface 3, NDR, little-endian\n"
             "  hNotify             " HANDLE "\n"
             "  hObject             " HANDLE "\n"
             "  filter.dwObjectType  2 CLUSTER_OBJECT_TYPE_GROUP\n"
             "  filter.FilterFlags   0x18 "
             "CLUSTER_CHANGE_GROUP_STATE_V2|CLUSTER_CHANGE_GROUP_OWNER_NODE_V2\n"
             "  dwNotifyKey         7 (0x7)\n"
             "  dwVersion           2\n"
             "  isTargetedAtObject  1 TRUE\n");
    // cut short: what stands before is shown; trailing octets are a warning
    show_hex(&how, HANDLE "00", plain, CMRP_E_TRUNCATED,
             "ApiAddNotifyV2 (138) request, interface 3, NDR, little-endian\n"
             "  hNotify  " HANDLE "\n");
    how = stub_of("ApiExecuteBatch", true);
    show_hex(&how, "ffffffff 00000000 06000000 00", plain, CMRP_OK,
             "ApiExecuteBatch (113) response, interface 3, NDR, little-endian\n"
             "  pdwFailedCommand  -1\n"
             "  rpc_status        0\n"
             "  return            6 ERROR_INVALID_HANDLE\n"
             "  offset 12: 1 byte after the end of stub [MS-CMRP 3.1.4.2.112]\n");
    how = stub_of("ApiGetNotifyV2", true);
    show_hex(&how, "00000000 00000000 03010000", plain, CMRP_OK,
             "ApiGetNotifyV2 (139) response, interface 3, NDR, little-endian\n"
             "  Notifications       NULL\n"
             "  dwNumNotifications  0\n"
             "  return              259 ERROR_NO_MORE_ITEMS\n");
}

// Numbers that have names, and a BOOL that is declared as a signed integer.
static void test_stub_numbers(void **state) {
    (void)state;
    struct json_selector how = stub_of("ApiGetGroupState", true);
    show_hex(&how, "03000000 00000000 00000000 00000000", plain, CMRP_OK,
             "ApiGetGroupState (45) response, interface 3, NDR, little-endian\n"
             "  State       3 ClusterGroupPartialOnline\n"
             "  NodeName    NULL\n"
             "  rpc_status  0\n"
             "  return      0\n");
    how = stub_of("ApiQueryValue", true);
    show_hex(&how, "01000000 00000000 02000000 00000000 ea000000", plain, CMRP_OK,
             "ApiQueryValue (34) response, interface 3, NDR, little-endian\n"
             "  lpValueType   1 REG_SZ\n"
             "  lpData        0 octets\n"
             "  lpcbRequired  2\n"
             "  rpc_status    0\n"
             "  return        234 ERROR_MORE_DATA\n");
    how = stub_of("ApiCreateKey", false);
    show_hex(&how,
             HANDLE "01000000 00000000 01000000 0000 0000 00000000 3f000f00 00000200 0c000000"
                    "00000000 00000000 00000000 ffffffff",
             plain, CMRP_OK,
             "ApiCreateKey (29) request, interface 3, NDR, little-endian\n"
             "  hKey                  " HANDLE "\n"
             "  lpSubKey              \"\"\n"
             "  dwOptions             0\n"
             "  samDesired            0x000f003f\n"
             "  lpSecurityAttributes.nLength                                        12\n"
             "  lpSecurityAttributes.RpcSecurityDescriptor.lpSecurityDescriptor     NULL\n"
             "  lpSecurityAttributes.RpcSecurityDescriptor.cbInSecurityDescriptor   0\n"
             "  lpSecurityAttributes.RpcSecurityDescriptor.cbOutSecurityDescriptor  0\n"
             "  lpSecurityAttributes.bInheritHandle                                 -1 TRUE\n");
}

static void test_stub_with_a_batch(void **state) {
    (void)state;
    const struct json_selector how = stub_of("ApiExecuteBatch", false);
    show_hex(&how, HANDLE "18000000 18000000" VERSION CREATE, plain, CMRP_OK,
             "ApiExecuteBatch (113) request, interface 3, NDR, little-endian\n"
             "  hKey    " HANDLE "\n"
             "  cbData  24\n"
             "  lpData  24 octets\n"
             "    CLUSREG_CREATE_KEY  -  \"k\"\n");
    show_hex(&how, HANDLE "05000000 05000000" VERSION "00", plain, CMRP_OK,
             "ApiExecuteBatch (113) request, interface 3, NDR, little-endian\n"
             "  hKey    " HANDLE "\n"
             "  cbData  5\n"
             "  lpData  5 octets\n"
             "    offset 4: CommandType is cut short (1 byte left) [MS-CMRP 2.2.3.17.1]\n");
}

static void name_it(void *context, struct buffer *out, unsigned meaning,
                    const uint8_t handle[CMRP_HANDLE_SIZE]) {
    assert_null(context);
    assert_int_equal(meaning, CMRP_MEANS_HKEY);
    buffer_printf(out, "key#%u", handle[4]);
}

static void test_brief(void **state) {
    (void)state;
    const struct json_selector how = stub_of("ApiExecuteBatch", false);
    const struct show_options options = {.handle = name_it, .indent = 2};
    struct buffer stub = octets_of(HANDLE "18000000 18000000" VERSION CREATE);
    struct buffer out = {0};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    assert_true(cmrp_stub_decode(&how.stub, buffer_view(&stub), 0, slots, NULL, NULL, &error));
    show_brief(&out, &how.stub, slots, &options);
    expect_text(&out, "  key#1  1 command");
    show_items(&out, &how.stub, slots, &options);
    expect_text(&out, "  CLUSREG_CREATE_KEY  -  \"k\"\n");
    buffer_free(&stub);
}

static void expect_outcome(const char *method, const char *hex, bool found, uint32_t status) {
    const struct json_selector how = stub_of(method, true);
    struct buffer stub = octets_of(hex);
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    uint32_t is = 77;
    assert_true(cmrp_stub_decode(&how.stub, buffer_view(&stub), 0, slots, NULL, NULL, &error));
    assert_int_equal(show_outcome(&how.stub, slots, &is), found);
    assert_int_equal(is, status);
    buffer_free(&stub);
}

static void test_outcome(void **state) {
    (void)state;
    expect_outcome("ApiCloseKey", HANDLE "00000000", true, 0);
    expect_outcome("ApiCloseKey", HANDLE "06000000", true, 6);
    // a method that returns a handle: its Status counts
    expect_outcome("ApiGetRootKey", "05000000 00000000" HANDLE, true, 5);
    expect_outcome("ApiGetRootKey", "00000000 a0060000" HANDLE, true, 1696);
    // the return value before rpc_status
    expect_outcome("ApiExecuteBatch", "00000000 a0060000 0d000000", true, 13);
}

// ---- PDUs ---------------------------------------------------------------------------------------

static void test_pdu(void **state) {
    (void)state;
    show_hex(&pdu,
             "05000123 10000000 2000 0000 03000000 20000000 0100 00 00 1a00001c"
             "00000000",
             plain, CMRP_E_PTYPE, "");
    show_hex(&pdu,
             "05000323 10000000 2000 0000 03000000 20000000 0100 00 00 1a00001c"
             "00000000",
             plain, CMRP_OK,
             "fault, call 3, 32 octets, version 5.0, little-endian\n"
             "  pfc_flags         0x23 PFC_FIRST_FRAG|PFC_LAST_FRAG|PFC_DID_NOT_EXECUTE\n"
             "  alloc_hint        32\n"
             "  p_cont_id         1\n"
             "  cancel_count      0\n"
             "  status            0x1c00001a nca_s_fault_context_mismatch\n"
             "  stub              0 octets\n");
}

static void test_pdu_call(void **state) {
    (void)state;
    show_hex(&pdu,
             "05000003 00000000 002c 0008 00000002 00000004 0000 0073 01020304"
             "0a060d00 00000009 1112131415161718 ffff",
             plain, CMRP_E_AUTH_LENGTH,
             "request, call 2, 44 octets, version 5.0, big-endian\n"
             "  pfc_flags         0x03 PFC_FIRST_FRAG|PFC_LAST_FRAG\n");
    show_hex(&pdu,
             "05000083 00000000 003c 0008 00000002 00000004 0000 0073"
             "000102030405060708090a0b0c0d0e0f 01020304 0a060400 00000009"
             "1112131415161718 ffff",
             plain, CMRP_OK,
             "request, call 2, 60 octets, version 5.0, big-endian\n"
             "  pfc_flags         0x83 PFC_FIRST_FRAG|PFC_LAST_FRAG|PFC_OBJECT_UUID\n"
             "  alloc_hint        4\n"
             "  p_cont_id         0\n"
             "  opnum             115 (clusapi: ApiGetBatchNotification)\n"
             "  object            00010203-0405-0607-0809-0a0b0c0d0e0f\n"
             "  stub              0 octets\n"
             "  auth_type         10 ntlm\n"
             "  auth_level        6 privacy\n"
             "  auth_context_id   9\n"
             "  auth_padding      4 octets: 01 02 03 04\n"
             "  auth_value        8 octets: 11 12 13 14 15 16 17 18\n"
             "  offset 60: 2 bytes after the end of pdu [C706 12.6.3.1]\n");
}

#define CLUSAPI_3                                                                                  \
    "b2b87db9634ccf11bff608002be23f2f"                                                             \
    "03000000"
#define NDR20                                                                                      \
    "045d888aeb1cc9119fe808002b104860"                                                             \
    "02000000"
#define FEATURES                                                                                   \
    "2c1cb76c129840450300000000000000"                                                             \
    "01000000"

static void test_pdu_bind(void **state) {
    (void)state;
    show_hex(&pdu,
             "05000b13 10000000 7400 0000 01000000 d016 d016 00000000 02000000 0000"
             "0100" CLUSAPI_3 NDR20 "0100 0100" CLUSAPI_3 FEATURES,
             plain, CMRP_OK,
             "bind, call 1, 116 octets, version 5.0, little-endian\n"
             "  pfc_flags         0x13 PFC_FIRST_FRAG|PFC_LAST_FRAG|PFC_CONC_MPX\n"
             "  max_xmit_frag     5840\n"
             "  max_recv_frag     5840\n"
             "  assoc_group_id    0\n"
             "  context           0: clusapi 3.0 in NDR 2.0\n"
             "  context           1: clusapi 3.0 in bind-time features 0x03\n");
    show_hex(&pdu,
             "05000c13 10000000 5000 0000 01000000 d016 d016 45230100 0200 411b"
             "02000000 0000 0000" NDR20 "0300 0300 00000000000000000000000000000000 00000000",
             plain, CMRP_OK,
             "bind_ack, call 1, 80 octets, version 5.0, little-endian\n"
             "  pfc_flags         0x13 PFC_FIRST_FRAG|PFC_LAST_FRAG|PFC_CONC_MPX\n"
             "  max_xmit_frag     5840\n"
             "  max_recv_frag     5840\n"
             "  assoc_group_id    74565\n"
             "  sec_addr          \"A\\x1b\"\n"
             "  result            acceptance of NDR 2.0\n"
             "  result            negotiate_ack of features 0x03\n");
}

static void test_pdu_nak(void **state) {
    (void)state;
    show_hex(&pdu, "05000d03 10000000 1500 0000 01000000 0400 01 0500", plain, CMRP_OK,
             "bind_nak, call 1, 21 octets, version 5.0, little-endian\n"
             "  pfc_flags         0x03 PFC_FIRST_FRAG|PFC_LAST_FRAG\n"
             "  reject_reason     4\n"
             "  version           5.0\n");
    show_hex(&pdu, "05001303 10000000 1000 0000 07000000", plain, CMRP_OK,
             "orphaned, call 7, 16 octets, version 5.0, little-endian\n"
             "  pfc_flags         0x03 PFC_FIRST_FRAG|PFC_LAST_FRAG\n");
}

// ---- names and styles ---------------------------------------------------------------------------

static void test_names(void **state) {
    (void)state;
    assert_string_equal(show_win32(0), "ERROR_SUCCESS");
    assert_string_equal(show_win32(5073), "ERROR_CLUSTER_NODE_SHUTTING_DOWN");
    assert_null(show_win32(0x12345678));
    assert_string_equal(show_fault(0x1c010002), "nca_op_rng_error");
    assert_string_equal(show_fault(5), "ERROR_ACCESS_DENIED");
    assert_null(show_fault(0x1cffffff));
    assert_string_equal(show_auth_type(9), "spnego");
    assert_null(show_auth_type(8));
    assert_string_equal(show_auth_level(6), "privacy");
    assert_null(show_auth_level(7));
    struct buffer out = {0};
    show_status(&out, 0xdeadbeef);
    expect_text(&out, "0xdeadbeef");
}

static void test_codes(void **state) {
    static const struct {
        uint32_t status;
        bool fault;
        const char *shown;
    } cases[] = {
        {5, false, "ERROR_ACCESS_DENIED (5)"},
        {5, true, "fault ERROR_ACCESS_DENIED (5)"},
        {0x1c010002, true, "fault nca_op_rng_error (0x1c010002)"},
        {77, false, "error 77"},
        {65536, false, "error 0x00010000"},
        {0x1c0000ff, true, "fault 0x1c0000ff"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        show_code(&out, cases[i].status, cases[i].fault);
        expect_text(&out, cases[i].shown);
    }
}

static void test_styles(void **state) {
    (void)state;
    struct buffer out = {0};
    show_styled(&out, &(struct show_options){.colour = true}, SHOW_BAD, "%d", 5);
    show_styled(&out, &(struct show_options){.colour = true}, SHOW_PLAIN, "%d", 6);
    show_styled(&out, &plain, SHOW_BAD, "%d", 7);
    expect_text(&out, "\x1b[31m5\x1b[0m67");
}

// Text of a peer does nothing to a terminal.
static void test_hostile_text(void **state) {
    (void)state;
    struct buffer units = octets_of("1b002e20220041000a00");
    struct buffer out = {0};
    show_text(&out, buffer_view(&units), CMRP_LITTLE_ENDIAN);
    for (size_t i = 0; i < out.size; i++) {
        assert_true(out.data[i] >= 0x20 && out.data[i] < 0x7f);
    }
    assert_non_null(strstr(buffer_text(&out), "\\\"A"));
    buffer_free(&out);
    buffer_free(&units);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_all_octets_when_verbose),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_batch_errors),
        cmocka_unit_test(test_batch_oddities),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_stub),
        cmocka_unit_test(test_stub_numbers),
        cmocka_unit_test(test_stub_with_a_batch),
        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_pdu),
        cmocka_unit_test(test_pdu_call),
        cmocka_unit_test(test_pdu_bind),
        cmocka_unit_test(test_pdu_nak),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_hostile_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
