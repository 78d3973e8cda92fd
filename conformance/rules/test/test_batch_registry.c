// SPDX-License-Identifier: Apache-2.0
// Methods on keys and values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "batch_support.h"

static char request[2048], response[2048];

#define NO_ATTRIBUTES "null"
#define ATTRIBUTES(descriptor, room, size, inherit)                                                \
    "{\"nLength\":24,\"RpcSecurityDescriptor\":{\"lpSecurityDescriptor\":" descriptor              \
    ",\"cbInSecurityDescriptor\":" room ",\"cbOutSecurityDescriptor\":" size                       \
    "},\"bInheritHandle\":" inherit "}"

static const struct told *tell(unsigned interface, const char *method) {
    static struct told call;
    call = (struct told){interface, method, request, response};
    return &call;
}

static const struct told *create(unsigned interface, const char *path, unsigned options,
                                 const char *attributes, unsigned disposition, unsigned status) {
    snprintf(request, sizeof request,
             "{\"hKey\":" KEY ",\"lpSubKey\":\"%s\",\"dwOptions\":%u,\"samDesired\":983103,"
             "\"lpSecurityAttributes\":%s}",
             path, options, attributes);
    snprintf(response, sizeof response, "{\"lpdwDisposition\":%u,\"Status\":%u,%s\"return\":%s}",
             disposition, status, interface == 3 ? "\"rpc_status\":0," : "",
             status == 0 ? PORT : "\"0000000000000000000000000000000000000000\"");
    return tell(interface, "ApiCreateKey");
}

static void test_create(void **state) {
    (void)state;
    keeps(create(2, "a\\\\b", 0, NO_ATTRIBUTES, 1, 0), "create-key-path create-key-options");
    breaks(create(3, "\\\\a", 0, NO_ATTRIBUTES, 1, 0), "create-key-path");
    breaks(create(2, "a", 1, NO_ATTRIBUTES, 1, 0), "create-key-options create-key-options-fail");
    breaks(create(2, "a", 1, NO_ATTRIBUTES, 0, 87), "create-key-options");
    leaves(create(3, "a", 1, NO_ATTRIBUTES, 1, 0), "create-key-options create-key-options-fail");
    breaks(create(3, "", 0, NO_ATTRIBUTES, 1, 0), "create-key-itself");
    keeps(create(3, "", 0, NO_ATTRIBUTES, 2, 0), "create-key-itself");
    leaves(create(3, "", 0, NO_ATTRIBUTES, 1, 5), "create-key-itself");
}

static void test_access(void **state) {
    (void)state;
    const struct told odd = {3, "ApiCreateKey",
                             "{\"hKey\":" KEY ",\"lpSubKey\":\"a\",\"dwOptions\":0,\"samDesired\":"
                             "4110419776,\"lpSecurityAttributes\":null}",
                             NULL};
    const struct told all = {3, "ApiCreateKey",
                             "{\"hKey\":" KEY ",\"lpSubKey\":\"a\",\"dwOptions\":0,\"samDesired\":"
                             "4078895935,\"lpSecurityAttributes\":null}",
                             NULL};
    points_to(&odd, "create-key-access", "samDesired", "400700f5",
              "0xf5000740: no access right has the bits 0x04000440");
    keeps(&all, "create-key-access");
}

static void test_attributes(void **state) {
    (void)state;
    keeps(create(3, "a", 0, ATTRIBUTES("null", "0", "0", "0"), 1, 0), "create-key-inherit");
    breaks(create(3, "a", 0, ATTRIBUTES("null", "0", "0", "1"), 1, 0), "create-key-inherit");
    points_to(create(3, "a", 0, ATTRIBUTES("\"0102\"", "4", "2", "-1"), 1, 0), "create-key-inherit",
              "lpSecurityAttributes.bInheritHandle", "ffffffff", "0xffffffff, not 0");
}

static void test_paths(void **state) {
    (void)state;
    const struct told absolute = {
        3, "ApiOpenKey", "{\"hKey\":" KEY ",\"lpSubKey\":\"\\\\a\",\"samDesired\":1}", NULL};
    const struct told backslash = {
        3, "ApiOpenKey", "{\"hKey\":" KEY ",\"lpSubKey\":\"\\\\\",\"samDesired\":1}", NULL};
    const struct told itself = {2, "ApiOpenKey",
                                "{\"hKey\":" KEY ",\"lpSubKey\":\"\",\"samDesired\":1}", NULL};
    const struct told empty = {2, "ApiDeleteKey", "{\"hKey\":" KEY ",\"lpSubKey\":\"\"}", NULL};
    const struct told below = {3, "ApiDeleteKey", "{\"hKey\":" KEY ",\"lpSubKey\":\"a\\\\b\"}",
                               NULL};
    breaks(&absolute, "open-key-path");
    breaks(&backslash, "open-key-path");
    keeps(&itself, "open-key-path");
    breaks(&empty, "delete-key-path");
    keeps(&below, "delete-key-path");
}

static const struct told *query(unsigned room, unsigned size, unsigned status) {
    snprintf(request, sizeof request, "{\"hKey\":" KEY ",\"lpValueName\":\"A\",\"cbData\":%u}",
             room);
    snprintf(response, sizeof response,
             "{\"lpValueType\":3,\"lpData\":\"00000000\",\"lpcbRequired\":%u,\"rpc_status\":0,"
             "\"return\":%u}",
             size, status);
    return tell(3, "ApiQueryValue");
}

static void test_query_value(void **state) {
    (void)state;
    keeps(query(4, 4, 0), "query-value-size");
    points_to(query(4, 5, 0), "query-value-size", "lpcbRequired", "05000000",
              "5 octets written, but there is room for 4");
    keeps(query(4, 5, 234), "query-value-more-data");
    points_to(query(4, 4, 234), "query-value-more-data", "lpcbRequired", "04000000",
              "ERROR_MORE_DATA, but the 4 octets needed fit into 4");
    leaves(query(4, 5, 2), "query-value-more-data query-value-size");
}

static const struct told *enumerate(const char *name, unsigned room, const char *data,
                                    unsigned total, unsigned status) {
    snprintf(request, sizeof request, "{\"hKey\":" KEY ",\"dwIndex\":0,\"lpcbData\":%u}", room);
    snprintf(response, sizeof response,
             "{\"lpValueName\":%s,\"lpType\":3,\"lpData\":\"%s\",\"lpcbData\":%u,\"TotalSize\":%u,"
             "\"return\":%u}",
             name, data, (unsigned)(strlen(data) / 2), total, status);
    return tell(2, "ApiEnumValue");
}

static void test_enum_value(void **state) {
    (void)state;
    keeps(enumerate("\"\"", 4, "0102", 2, 0), "enum-value-size enum-value-name");
    points_to(enumerate("null", 4, "0102", 2, 0), "enum-value-name", "lpValueName", "00000000",
              "success, but NULL");
    points_to(enumerate("\"A\"", 4, "0102", 4, 0), "enum-value-size", "TotalSize", "04000000",
              "4, but lpcbData is 2: both count the octets written");
    breaks(enumerate("\"A\"", 1, "0102", 2, 0), "enum-value-size");
    keeps(enumerate("null", 4, "", 5, 234), "enum-value-more-data");
    breaks(enumerate("null", 4, "", 4, 234), "enum-value-more-data");
    leaves(enumerate("null", 4, "", 0, 259), "enum-value-size enum-value-name");
}

static const struct told *enum_key(const char *name, unsigned status) {
    snprintf(request, sizeof request, "{\"hKey\":" KEY ",\"dwIndex\":0}");
    snprintf(response, sizeof response,
             "{\"KeyName\":%s,\"lpftLastWriteTime\":{\"dwLowDateTime\":0,\"dwHighDateTime\":0},"
             "\"rpc_status\":0,\"return\":%u}",
             name, status);
    return tell(3, "ApiEnumKey");
}

static void test_enum_key(void **state) {
    (void)state;
    keeps(enum_key("\"Nodes\"", 0), "enum-key-name");
    points_to(enum_key("null", 0), "enum-key-name", "KeyName", "00000000", "success, but NULL");
    breaks(enum_key("\"\"", 0), "enum-key-name");
    breaks(enum_key("\"a\\\\b\"", 0), "enum-key-name");
    leaves(enum_key("null", 259), "enum-key-name");
}

static const struct told *query_info(unsigned size, unsigned status) {
    snprintf(request, sizeof request, "{\"hKey\":" KEY "}");
    snprintf(response, sizeof response,
             "{\"lpcSubKeys\":0,\"lpcbMaxSubKeyLen\":0,\"lpcValues\":0,\"lpcbMaxValueNameLen\":0,"
             "\"lpcbMaxValueLen\":0,\"lpcbSecurityDescriptor\":%u,\"lpftLastWriteTime\":"
             "{\"dwLowDateTime\":0,\"dwHighDateTime\":0},\"return\":%u}",
             size, status);
    return tell(2, "ApiQueryInfoKey");
}

static void test_query_info(void **state) {
    (void)state;
    keeps(query_info(20, 0), "query-info-descriptor");
    points_to(query_info(19, 0), "query-info-descriptor", "lpcbSecurityDescriptor", "13000000",
              "19 octets, but a security descriptor has at least 20");
    leaves(query_info(0, 0), "query-info-descriptor");
    leaves(query_info(1, 5), "query-info-descriptor");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),      cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_access),      cmocka_unit_test(test_paths),
        cmocka_unit_test(test_query_value), cmocka_unit_test(test_enum_value),
        cmocka_unit_test(test_enum_key),    cmocka_unit_test(test_query_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
