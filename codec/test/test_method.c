// SPDX-License-Identifier: Apache-2.0
// The descriptions of the methods against the IDL [MS-CMRP 6.1, 6.2]; stubs are in test_stub.c.
#include "test_support.h"

#include "cmrp/method.h"

// ---- descriptions as text -----------------------------------------------------------------------

static const char *const kinds[] = {
    [CMRP_KIND_U16] = "u16",          [CMRP_KIND_U32] = "u32",
    [CMRP_KIND_I32] = "i32",          [CMRP_KIND_U64] = "u64",
    [CMRP_KIND_WORD] = "word",        [CMRP_KIND_HANDLE] = "handle",
    [CMRP_KIND_STRING] = "string",    [CMRP_KIND_OCTETS] = "octets",
    [CMRP_KIND_RECORD] = "record",    [CMRP_KIND_ARRAY] = "array",
    [CMRP_KIND_OPEN_STRING] = "open", [CMRP_KIND_VARYING] = "varying",
    [CMRP_KIND_ROOM] = "room",        [CMRP_KIND_UNITS] = "units",
    [CMRP_KIND_TAIL] = "tail",
};

static const char *const meanings[] = {
    [CMRP_MEANS_NUMBER] = "",
    [CMRP_MEANS_STATUS] = ":status",
    [CMRP_MEANS_BOOL] = ":bool",
    [CMRP_MEANS_COUNT] = ":count",
    [CMRP_MEANS_ACCESS] = ":access",
    [CMRP_MEANS_CLUSTER_ACCESS] = ":level",
    [CMRP_MEANS_VALUE_TYPE] = ":reg",
    [CMRP_MEANS_GROUP_STATE] = ":state",
    [CMRP_MEANS_RESOURCE_STATE] = ":resourcestate",
    [CMRP_MEANS_NODE_STATE] = ":nodestate",
    [CMRP_MEANS_NETWORK_STATE] = ":networkstate",
    [CMRP_MEANS_NETINTERFACE_STATE] = ":netinterfacestate",
    [CMRP_MEANS_RESOURCE_TYPE_FLAGS] = ":typeflags",
    [CMRP_MEANS_KEY] = ":key",
    [CMRP_MEANS_CHANGE] = ":change",
    [CMRP_MEANS_OBJECT_TYPE] = ":type",
    [CMRP_MEANS_FLAGS] = ":flags",
    [CMRP_MEANS_BATCH] = ":batch",
    [CMRP_MEANS_PAYLOAD] = ":payload",
    [CMRP_MEANS_TEXT] = "",
    [CMRP_MEANS_HCLUSTER] = ":HCLUSTER",
    [CMRP_MEANS_HNODE] = ":HNODE",
    [CMRP_MEANS_HGROUP] = ":HGROUP",
    [CMRP_MEANS_HRES] = ":HRES",
    [CMRP_MEANS_HKEY] = ":HKEY",
    [CMRP_MEANS_HNETWORK] = ":HNETWORK",
    [CMRP_MEANS_HNETINTERFACE] = ":HNETINTERFACE",
    [CMRP_MEANS_HNOTIFY] = ":HNOTIFY",
    [CMRP_MEANS_HBATCH_PORT] = ":HBATCH_PORT",
    [CMRP_MEANS_HGROUPSET] = ":HGROUPSET",
    [CMRP_MEANS_HGENERIC] = ":HGENERIC",
};

static void append(char *text, size_t capacity, const char *more) {
    assert_true(strlen(text) + strlen(more) < capacity);
    strcat(text, more);
}

// "kind:meaning name", with * for a unique pointer and the structure's name where there is one.
static void describe_param(char *text, size_t capacity, const cmrp_param *p) {
    const cmrp_struct *type = cmrp_param_struct(p);
    assert_true(p->kind < COUNT_OF(kinds) && p->meaning < COUNT_OF(meanings));
    append(text, capacity, *text != '\0' ? ", " : "");
    append(text, capacity, type != NULL ? type->name : kinds[p->kind]);
    append(text, capacity,
           p->kind == CMRP_KIND_ARRAY  ? "[]"
           : p->kind == CMRP_KIND_TAIL ? "[*]"
                                       : "");
    append(text, capacity, p->unique ? "*" : "");
    append(text, capacity, meanings[p->meaning]);
    append(text, capacity, " ");
    append(text, capacity, p->name);
}

static void check_stub_text(const cmrp_method *m, unsigned interface, bool response,
                            const char *expected) {
    const cmrp_stub_format format = {m, interface, response, CMRP_NDR20, CMRP_LITTLE_ENDIAN};
    char text[512] = "";
    for (uint32_t i = 0; i < m->count; i++) {
        if (cmrp_param_travels(&m->params[i], &format)) {
            describe_param(text, sizeof text, &m->params[i]);
        }
    }
    assert_string_equal(text, expected);
}

// ---- the methods, as the IDL has them -----------------------------------------------------------

static const struct {
    uint32_t opnum;
    const char *name;
    const char *section2;
    const char *section3;
    const char *request;
    const char *request2; // NULL: as in protocol 3
    const char *response; // of protocol 3
    const char *response2;
} methods[] = {
    {3, "ApiGetClusterName", "MS-CMRP 3.1.4.1.4", "MS-CMRP 3.1.4.2.4", "", NULL,
     "string* ClusterName, string* NodeName, u32:status return", NULL},
    {7, "ApiCreateEnum", "MS-CMRP 3.1.4.1.8", "MS-CMRP 3.1.4.2.8", "u32 dwType", NULL,
     "ENUM_LIST* ReturnEnum, u32:status rpc_status, u32:status return",
     "ENUM_LIST* ReturnEnum, u32:status return"},
    {28, "ApiGetRootKey", "MS-CMRP 3.1.4.1.29", "MS-CMRP 3.1.4.2.29", "u32:access samDesired", NULL,
     "u32:status Status, u32:status rpc_status, handle:HKEY return",
     "u32:status Status, handle:HKEY return"},
    {29, "ApiCreateKey", "MS-CMRP 3.1.4.1.30", "MS-CMRP 3.1.4.2.30",
     "handle:HKEY hKey, string lpSubKey, u32 dwOptions, u32:access samDesired, "
     "RPC_SECURITY_ATTRIBUTES* lpSecurityAttributes",
     NULL, "u32 lpdwDisposition, u32:status Status, u32:status rpc_status, handle:HKEY return",
     "u32 lpdwDisposition, u32:status Status, handle:HKEY return"},
    {31, "ApiEnumKey", "MS-CMRP 3.1.4.1.32", "MS-CMRP 3.1.4.2.32", "handle:HKEY hKey, u32 dwIndex",
     NULL, "string* KeyName, FILETIME lpftLastWriteTime, u32:status rpc_status, u32:status return",
     "string* KeyName, FILETIME lpftLastWriteTime, u32:status return"},
    {32, "ApiSetValue", "MS-CMRP 3.1.4.1.33", "MS-CMRP 3.1.4.2.33",
     "handle:HKEY hKey, string lpValueName, u32:reg dwType, octets lpData, u32:count cbData", NULL,
     "u32:status rpc_status, u32:status return", "u32:status return"},
    {34, "ApiQueryValue", "MS-CMRP 3.1.4.1.35", "MS-CMRP 3.1.4.2.35",
     "handle:HKEY hKey, string lpValueName, u32 cbData", NULL,
     "u32:reg lpValueType, octets lpData, u32 lpcbRequired, u32:status rpc_status, "
     "u32:status return",
     "u32:reg lpValueType, octets lpData, u32 lpcbRequired, u32:status return"},
    {36, "ApiEnumValue", "MS-CMRP 3.1.4.1.37", "MS-CMRP 3.1.4.2.37",
     "handle:HKEY hKey, u32 dwIndex, u32 lpcbData", NULL,
     "string* lpValueName, u32:reg lpType, octets lpData, u32:count lpcbData, u32 TotalSize, "
     "u32:status rpc_status, u32:status return",
     "string* lpValueName, u32:reg lpType, octets lpData, u32:count lpcbData, u32 TotalSize, "
     "u32:status return"},
    {37, "ApiCloseKey", "MS-CMRP 3.1.4.1.38", "MS-CMRP 3.1.4.2.38", "handle:HKEY pKey", NULL,
     "handle:HKEY pKey, u32:status return", NULL},
    {43, "ApiDeleteGroup", "MS-CMRP 3.1.4.1.44", "MS-CMRP 3.1.4.2.44",
     "handle:HGROUP Group, u32:bool force", "handle:HGROUP Group",
     "u32:status rpc_status, u32:status return", "u32:status return"},
    {45, "ApiGetGroupState", "MS-CMRP 3.1.4.1.46", "MS-CMRP 3.1.4.2.46", "handle:HGROUP hGroup",
     NULL, "u32:state State, string* NodeName, u32:status rpc_status, u32:status return",
     "u32:state State, string* NodeName, u32:status return"},
    {54, "ApiSetGroupNodeList", "MS-CMRP 3.1.4.1.55", "MS-CMRP 3.1.4.2.55",
     "handle:HGROUP hGroup, units* multiSzNodeList, u32:count cchListSize",
     "handle:HGROUP hGroup, octets* lpNodeList, u32:count cbListSize",
     "u32:status rpc_status, u32:status return", "u32:status return"},
    {55, "ApiCreateNotify", "MS-CMRP 3.1.4.1.56", "MS-CMRP 3.1.4.2.56", "", NULL,
     "u32:status Status, u32:status rpc_status, handle:HNOTIFY return",
     "u32:status Status, handle:HNOTIFY return"},
    {56, "ApiCloseNotify", "MS-CMRP 3.1.4.1.57", "MS-CMRP 3.1.4.2.57", "handle:HNOTIFY Notify",
     "handle:HNOTIFY hNotify", "handle:HNOTIFY Notify, u32:status return",
     "handle:HNOTIFY hNotify, u32:status return"},
    {59, "ApiAddNotifyGroup", "MS-CMRP 3.1.4.1.60", "MS-CMRP 3.1.4.2.60",
     "handle:HNOTIFY hNotify, handle:HGROUP hGroup, u32:change dwFilter, u32:key dwNotifyKey", NULL,
     "u32 dwStateSequence, u32:status rpc_status, u32:status return",
     "u32 dwStateSequence, u32:status return"},
    {61, "ApiAddNotifyKey", "MS-CMRP 3.1.4.1.62", "MS-CMRP 3.1.4.2.62",
     "handle:HNOTIFY hNotify, handle:HKEY hKey, u32:key dwNotifyKey, u32:change Filter, "
     "u32:bool WatchSubTree",
     "handle:HNOTIFY hNotify, handle:HKEY hKey, u32:key dwNotifyKey, u32:change dwFilter, "
     "u32:bool WatchSubTree",
     "u32:status rpc_status, u32:status return", "u32:status return"},
    {65, "ApiGetNotify", "MS-CMRP 3.1.4.1.66", "MS-CMRP 3.1.4.2.66", "handle:HNOTIFY hNotify",
     "handle:HNOTIFY hNotify, u32 Timeout",
     "u32:key dwNotifyKey, u32:change dwFilter, u32 dwStateSequence, string* Name, "
     "u32:status rpc_status, u32:status return",
     "u32:key dwNotifyKey, u32:change dwFilter, u32 dwStateSequence, string* Name, "
     "u32:status return"},
    {68, "ApiGetNodeState", "MS-CMRP 3.1.4.1.69", "MS-CMRP 3.1.4.2.69", "handle:HNODE hNode", NULL,
     "u32:nodestate State, u32:status rpc_status, u32:status return",
     "u32:nodestate State, u32:status return"},
    {79, "ApiNodeControl", "MS-CMRP 3.1.4.1.80", "MS-CMRP 3.1.4.2.80",
     "handle:HNODE hNode, u32 dwControlCode, octets* lpInBuffer, u32:count nInBufferSize, "
     "u32 nOutBufferSize",
     NULL,
     "varying lpOutBuffer, room nOutBufferSize, u32:count lpBytesReturned, u32 lpcbRequired, "
     "u32:status rpc_status, u32:status return",
     "varying lpOutBuffer, room nOutBufferSize, u32:count lpBytesReturned, u32 lpcbRequired, "
     "u32:status return"},
    {102, "ApiGetClusterVersion2", "MS-CMRP 3.1.4.1.102", "MS-CMRP 3.1.4.2.102", "", NULL,
     "u16 lpwMajorVersion, u16 lpwMinorVersion, u16 lpwBuildNumber, string* lpszVendorId, "
     "string* lpszCSDVersion, CLUSTER_OPERATIONAL_VERSION_INFO* ppClusterOpVerInfo, "
     "u32:status rpc_status, u32:status return",
     "u16 lpwMajorVersion, u16 lpwMinorVersion, u16 lpwBuildNumber, string* lpszVendorId, "
     "string* lpszCSDVersion, CLUSTER_OPERATIONAL_VERSION_INFO* ppClusterOpVerInfo, "
     "u32:status return"},
    {113, "ApiExecuteBatch", NULL, "MS-CMRP 3.1.4.2.112",
     "handle:HKEY hKey, u32:count cbData, octets:batch lpData", NULL,
     "i32 pdwFailedCommand, u32:status rpc_status, u32:status return", NULL},
    {114, "ApiCreateBatchPort", NULL, "MS-CMRP 3.1.4.2.113", "handle:HKEY hKey", NULL,
     "handle:HBATCH_PORT phBatchPort, u32:status rpc_status, u32:status return", NULL},
    {115, "ApiGetBatchNotification", NULL, "MS-CMRP 3.1.4.2.114", "handle:HBATCH_PORT hBatchNotify",
     NULL, "u32:count cbData, octets*:batch lpData, u32:status return", NULL},
    {116, "ApiCloseBatchPort", NULL, "MS-CMRP 3.1.4.2.115", "handle:HBATCH_PORT phBatchPort", NULL,
     "handle:HBATCH_PORT phBatchPort, u32:status return", NULL},
    {117, "ApiOpenClusterEx", NULL, "MS-CMRP 3.1.4.2.116", "u32:level dwDesiredAccess", NULL,
     "u32:level lpdwGrantedAccess, u32:status Status, handle:HCLUSTER return", NULL},
    {137, "ApiCreateNotifyV2", NULL, "MS-CMRP 3.1.4.2.136", "", NULL,
     "u32:status rpc_error, u32:status rpc_status, handle:HNOTIFY return", NULL},
    {138, "ApiAddNotifyV2", NULL, "MS-CMRP 3.1.4.2.137",
     "handle:HNOTIFY hNotify, handle:HGENERIC hObject, NOTIFY_FILTER_AND_TYPE_RPC filter, "
     "u32:key dwNotifyKey, u32 dwVersion, u32:bool isTargetedAtObject",
     NULL, "u32:status rpc_status, u32:status return", NULL},
    {139, "ApiGetNotifyV2", NULL, "MS-CMRP 3.1.4.2.138", "handle:HNOTIFY hNotify", NULL,
     "NOTIFICATION_RPC[]* Notifications, u32:count dwNumNotifications, u32:status return", NULL},
    {147, "ApiGetNotifyAsync", NULL, "MS-CMRP 3.1.4.2.143", "handle:HNOTIFY hNotify", NULL,
     "NOTIFICATION_DATA_ASYNC_RPC[]* Notifications, u32:count dwNumNotifications, "
     "u32:status return",
     NULL},
    {155, "ApiAddNotifyResourceTypeV2", NULL, "MS-CMRP 3.1.4.2.144",
     "handle:HNOTIFY hNotify, u64:typeflags filter, u32:key dwNotifyKey, open resTypeName, "
     "u32 dwVersion",
     NULL, "u32:status rpc_status, u32:status return", NULL},
    {157, "ApiExecuteReadBatchEx", NULL, "MS-CMRP 3.1.4.2.145",
     "handle:HKEY hKey, u32:count cbInData, octets:batch lpInData, u32 flags", NULL,
     "u32:count cbOutData, octets*:batch lpOutData, u32:status rpc_status, u32:status return",
     NULL},
};

static void test_methods_as_in_the_idl(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        const cmrp_method *m = cmrp_method_numbered(CMRP_INTERFACE_3, methods[i].opnum);
        assert_non_null(m);
        assert_string_equal(m->name, methods[i].name);
        assert_ptr_equal(cmrp_method_named(CMRP_INTERFACE_3, methods[i].name), m);
        assert_string_equal(cmrp_method_section(m, CMRP_INTERFACE_3), methods[i].section3);
        check_stub_text(m, CMRP_INTERFACE_3, false, methods[i].request);
        check_stub_text(m, CMRP_INTERFACE_3, true, methods[i].response);
        const cmrp_method *m2 = cmrp_method_numbered(CMRP_INTERFACE_2, methods[i].opnum);
        if (methods[i].section2 == NULL) {
            assert_null(m2);
            assert_null(cmrp_method_named(CMRP_INTERFACE_2, methods[i].name));
            assert_null(cmrp_method_section(m, CMRP_INTERFACE_2));
            continue;
        }
        assert_ptr_equal(m2, m);
        assert_ptr_equal(cmrp_method_named(CMRP_INTERFACE_2, methods[i].name), m);
        assert_string_equal(cmrp_method_section(m, CMRP_INTERFACE_2), methods[i].section2);
        check_stub_text(m, CMRP_INTERFACE_2, false,
                        methods[i].request2 != NULL ? methods[i].request2 : methods[i].request);
        check_stub_text(m, CMRP_INTERFACE_2, true,
                        methods[i].response2 != NULL ? methods[i].response2 : methods[i].response);
    }
}

static const cmrp_struct *struct_of(uint32_t opnum, const char *parameter) {
    const cmrp_method *m = cmrp_method_numbered(CMRP_INTERFACE_3, opnum);
    for (uint32_t i = 0; i < m->count; i++) {
        if (strcmp(m->params[i].name, parameter) == 0) {
            return cmrp_param_struct(&m->params[i]);
        }
    }
    return NULL;
}

// [MS-CMRP 2.2.3.1, 2.2.3.5, 2.2.3.26, 2.2.3.3, 2.2.3.22 to 2.2.3.24, 2.2.3.30; MS-DTYP 2.3.3]
static void test_structures_as_in_the_idl(void **state) {
    (void)state;
    static const struct {
        uint32_t opnum;
        const char *parameter;
        const char *members;
    } rows[] = {
        {29, "lpSecurityAttributes",
         "u32 nLength, varying* RpcSecurityDescriptor.lpSecurityDescriptor, "
         "u32 RpcSecurityDescriptor.cbInSecurityDescriptor, "
         "u32:count RpcSecurityDescriptor.cbOutSecurityDescriptor, i32:bool bInheritHandle"},
        {7, "ReturnEnum", "u32:count EntryCount, ENUM_ENTRY[*] Entry"},
        {39, "pRpcSecurityDescriptor",
         "varying* lpSecurityDescriptor, u32 cbInSecurityDescriptor, "
         "u32:count cbOutSecurityDescriptor"},
        {143, "ppResultList", "u32:count EntryCount, GROUP_ENUM_ENTRY[*] Entry"},
        {31, "lpftLastWriteTime", "u32 dwLowDateTime, u32 dwHighDateTime"},
        {102, "ppClusterOpVerInfo",
         "u32 dwSize, u32 dwClusterHighestVersion, u32 dwClusterLowestVersion, u32 dwFlags, "
         "u32 dwReserved"},
        {138, "filter", "u32:type dwObjectType, u64:flags FilterFlags"},
        {139, "Notifications",
         "word:key dwNotifyKey, u32:type NotificationData.FilterAndType.dwObjectType, "
         "u64:flags NotificationData.FilterAndType.FilterFlags, "
         "octets*:payload NotificationData.buffer, "
         "u32:count NotificationData.dwBufferSize, string* NotificationData.ObjectId, "
         "string* NotificationData.ParentId, string* NotificationData.Name, "
         "string* NotificationData.Type"},
        {147, "Notifications", "u32:key dwNotifyKey, u32:change dwFilter, string* Name"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const cmrp_struct *type = struct_of(rows[i].opnum, rows[i].parameter);
        char text[512] = "";
        assert_non_null(type);
        for (uint32_t m = 0; m < type->count; m++) {
            describe_param(text, sizeof text, &type->members[m]);
            // A nested structure begins at its own alignment.
            const bool nested =
                rows[i].opnum == 139 && strstr(type->members[m].name, "dwObjectType") != NULL;
            assert_int_equal(type->members[m].alignment, nested ? 8 : 0);
        }
        assert_string_equal(text, rows[i].members);
    }
}

static void test_methods_that_do_not_exist(void **state) {
    (void)state;
    for (unsigned interface = CMRP_INTERFACE_2; interface <= CMRP_INTERFACE_3; interface++) {
        assert_null(cmrp_method_numbered(interface, 264));
        assert_null(cmrp_method_numbered(interface, UINT32_MAX));
        assert_null(cmrp_method_named(interface, "ApiGetNotifyV3"));
        assert_null(cmrp_method_named(interface, ""));
        assert_null(cmrp_method_named(interface, "apigetnotify"));
    }
    assert_null(cmrp_method_at(cmrp_method_count()));
    assert_null(cmrp_method_at(SIZE_MAX));
}

// Protocol 2 ends at opnum 108, protocol 3 at 264; in between every number has a name.
static void test_opnum_names(void **state) {
    (void)state;
    static const struct {
        uint32_t opnum;
        const char *name2;
        const char *name3;
    } rows[] = {
        {0, "ApiOpenCluster", "ApiOpenCluster"},
        {108, "ApiSetServiceAccountPassword", "ApiSetServiceAccountPassword"},
        {109, NULL, "ApiSetResourceDependencyExpression"},
        {111, NULL, "Opnum111NotUsedOnWire"},
        {149, NULL, "Opnum149NotUsedOnWire"},
        {180, NULL, "ApiCreateGroupSetEnum"},
        {184, NULL, "ApiChangeResourceGroupEx"},
        {186, NULL, "Opnum186Reserved"},
        {264, NULL, "Opnum264NotUsedOnWire"},
        {265, NULL, NULL},
        {UINT32_MAX, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *name2 = cmrp_opnum_name(CMRP_INTERFACE_2, rows[i].opnum);
        const char *name3 = cmrp_opnum_name(CMRP_INTERFACE_3, rows[i].opnum);
        assert_int_equal(name2 != NULL, rows[i].name2 != NULL);
        assert_int_equal(name3 != NULL, rows[i].name3 != NULL);
        assert_true(name2 == NULL || strcmp(name2, rows[i].name2) == 0);
        assert_true(name3 == NULL || strcmp(name3, rows[i].name3) == 0);
        uint32_t found = UINT32_MAX;
        assert_int_equal(name3 != NULL && cmrp_opnum_named(CMRP_INTERFACE_3, name3, &found),
                         name3 != NULL);
        assert_true(name3 == NULL || found == rows[i].opnum);
    }
    uint32_t untouched = 7;
    assert_false(cmrp_opnum_named(CMRP_INTERFACE_2, "ApiExecuteBatch", &untouched));
    assert_false(cmrp_opnum_named(CMRP_INTERFACE_3, "", &untouched));
    assert_int_equal(untouched, 7);
    for (uint32_t opnum = 0; opnum <= 264; opnum++) {
        assert_non_null(cmrp_opnum_name(CMRP_INTERFACE_3, opnum));
        assert_int_equal(cmrp_opnum_name(CMRP_INTERFACE_2, opnum) != NULL, opnum <= 108);
    }
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *m = cmrp_method_at(i);
        assert_string_equal(m->name, cmrp_opnum_name(CMRP_INTERFACE_3, m->opnum));
    }
}

// ---- what holds of every description ------------------------------------------------------------

// Every size_is points to a count that travels with it, and every count has one that points to it.
static void check_list(const cmrp_param *params, uint32_t count) {
    assert_in_range(count, 1, CMRP_MAX_PARAMS);
    for (uint32_t i = 0; i < count; i++) {
        const cmrp_param *p = &params[i];
        const bool octets = p->kind == CMRP_KIND_OCTETS || p->kind == CMRP_KIND_VARYING;
        const bool rows = p->kind == CMRP_KIND_ARRAY || p->kind == CMRP_KIND_TAIL;
        const bool sized = p->size_is != 0;
        const bool pointer = octets || p->kind == CMRP_KIND_UNITS || p->kind == CMRP_KIND_ARRAY ||
                             p->kind == CMRP_KIND_STRING || p->kind == CMRP_KIND_OPEN_STRING ||
                             p->kind == CMRP_KIND_RECORD;
        // Only OCTETS may be sized by what the stub does not hold (ApiQueryValue's response).
        assert_true(sized ? octets || rows || p->kind == CMRP_KIND_UNITS
                          : p->kind != CMRP_KIND_VARYING && !rows && p->kind != CMRP_KIND_UNITS);
        assert_true(!p->unique || pointer);
        assert_int_equal(cmrp_param_struct(p) != NULL, p->kind == CMRP_KIND_RECORD || rows);
        assert_true(p->directions != 0 && p->protocols != 0);
        assert_int_equal(p->alignment & (p->alignment - 1), 0);
        for (uint32_t k = 0; k < i; k++) {
            // A name stands for one parameter in each direction.
            assert_true(strcmp(params[k].name, p->name) != 0 ||
                        (params[k].directions & p->directions) == 0);
        }
        if (sized) {
            const cmrp_param *n = p + p->size_is;
            assert_true(n >= params && n < params + count);
            assert_true(n->kind == CMRP_KIND_U32 ||
                        (n->kind == CMRP_KIND_ROOM && p->kind == CMRP_KIND_VARYING && n == p + 1));
            assert_int_equal(n->meaning == CMRP_MEANS_COUNT, p->kind != CMRP_KIND_VARYING);
            assert_int_equal(n->directions & p->directions, p->directions);
            assert_int_equal(n->protocols & p->protocols, p->protocols);
            assert_ptr_equal(cmrp_param_sized_by(params, count, (size_t)(n - params)), p);
        }
        const cmrp_param *array = cmrp_param_sized_by(params, count, i);
        const bool room =
            array != NULL && array->kind == CMRP_KIND_VARYING && array + array->size_is == p;
        assert_int_equal(array != NULL, room || p->meaning == CMRP_MEANS_COUNT);
        assert_true(p->kind != CMRP_KIND_ROOM || room);
        assert_true(array == NULL || room ||
                    array + array->size_is + (array->kind == CMRP_KIND_VARYING) == p);
    }
    assert_null(cmrp_param_sized_by(params, count, count));
}

static bool starts_with(const char *text, const char *front) {
    return strncmp(text, front, strlen(front)) == 0;
}

static void test_every_description(void **state) {
    (void)state;
    uint32_t last = 0;
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *m = cmrp_method_at(i);
        assert_true(i == 0 || m->opnum > last);
        last = m->opnum;
        check_list(m->params, m->count);
        for (uint32_t k = 0; k < m->count; k++) {
            const cmrp_param *p = &m->params[k];
            const bool is_return = strcmp(p->name, "return") == 0;
            assert_int_equal(is_return, k == m->count - 1);
            assert_true(!is_return || p->directions == CMRP_OUT);
            // A method that protocol 2 lacks has no parameters there.
            assert_true(m->sections[0] != NULL || p->protocols == CMRP_PROTOCOL_3);
            assert_true(m->sections[1] != NULL || p->protocols == CMRP_PROTOCOL_2);
            if (cmrp_param_struct(p) != NULL) {
                check_list(cmrp_param_struct(p)->members, cmrp_param_struct(p)->count);
            }
        }
        assert_true(m->sections[0] != NULL || m->sections[1] != NULL);
        assert_true(m->sections[0] == NULL || starts_with(m->sections[0], "MS-CMRP 3.1.4.1."));
        assert_true(m->sections[1] == NULL || starts_with(m->sections[1], "MS-CMRP 3.1.4.2."));
        assert_true(m->sections[0] == NULL || m->opnum <= 108);
        assert_true(m->opnum <= 184);
    }
    assert_true(cmrp_method_count() >= COUNT_OF(methods));
}

static void test_travels(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        const cmrp_param p = {.directions = bits & 3, .protocols = bits >> 2 & 3};
        for (unsigned i = 0; i < 4; i++) {
            const bool response = i % 2 != 0;
            const unsigned interface = i / 2 == 0 ? CMRP_INTERFACE_2 : CMRP_INTERFACE_3;
            const cmrp_stub_format format = {.interface = interface, .response = response};
            const bool direction = (bits & (response ? 2u : 1u)) != 0;
            const bool protocol = (bits >> 2 & (interface == CMRP_INTERFACE_2 ? 1u : 2u)) != 0;
            assert_int_equal(cmrp_param_travels(&p, &format), direction && protocol);
        }
    }
}

// ---- sizes --------------------------------------------------------------------------------------

enum { VARIES = -1, ABSENT = -2 };

// Octets of the stubs without anything of variable size, both syntaxes alike.
static const struct {
    uint32_t opnum;
    int request, response;   // of protocol 3
    int request2, response2; // of protocol 2
} fixed[] = {
    {3, 0, VARIES, 0, VARIES},
    {28, 4, 28, 4, 24},
    {31, 24, VARIES, 24, VARIES},
    {37, 20, 24, 20, 24},
    {55, 0, 28, 0, 24},
    {56, 20, 24, 20, 24},
    {59, 48, 12, 48, 8},
    {65, 20, VARIES, 24, VARIES},
    {102, 0, VARIES, 0, VARIES},
    {113, VARIES, 12, ABSENT, ABSENT},
    {114, 20, 28, ABSENT, ABSENT},
    {115, 20, VARIES, ABSENT, ABSENT},
    {116, 20, 24, ABSENT, ABSENT},
    {137, 0, 28, ABSENT, ABSENT},
    {138, 68, 8, ABSENT, ABSENT},
    {139, 20, VARIES, ABSENT, ABSENT},
    {147, 20, VARIES, ABSENT, ABSENT},
};

static bool one_empty_row(void *context, uint64_t index, cmrp_slot *members) {
    (void)context;
    (void)index;
    for (size_t i = 0; i < 2; i++) { // the structures that travel alone have two members
        members[i].present = true;
    }
    return true;
}

static void check_size(const cmrp_stub_format *format, int size) {
    cmrp_slot slots[CMRP_MAX_PARAMS] = {{0}};
    cmrp_error error = {0};
    cmrp_writer w;
    if (size == VARIES) {
        return;
    }
    for (uint32_t i = 0; i < format->method->count; i++) {
        slots[i].present = true;
        slots[i].rows.source = one_empty_row;
    }
    cmrp_sizer_init(&w, &error, "none");
    assert_true(cmrp_stub_encode(format, slots, &w));
    assert_int_equal(w.size, size);
    uint8_t zeros[128] = {0};
    const cmrp_view stub = exact(zeros, (size_t)size);
    assert_true(cmrp_stub_decode(format, stub, 0, slots, NULL, NULL, &error));
    free_view(stub);
}

static void test_fixed_sizes(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fixed); i++) {
        for (unsigned syntax = CMRP_NDR20; syntax <= CMRP_NDR64; syntax++) {
            cmrp_stub_format f = {cmrp_method_numbered(CMRP_INTERFACE_3, fixed[i].opnum),
                                  CMRP_INTERFACE_3, false, syntax, CMRP_LITTLE_ENDIAN};
            check_size(&f, fixed[i].request);
            f.response = true;
            check_size(&f, fixed[i].response);
            if (fixed[i].request2 != ABSENT) {
                f.interface = CMRP_INTERFACE_2;
                check_size(&f, fixed[i].response2);
                f.response = false;
                check_size(&f, fixed[i].request2);
            }
        }
    }
}

// ApiExecuteBatch: 28 octets and the batch in NDR20, 32 and the batch in NDR64.
static void test_size_of_a_batch_request(void **state) {
    (void)state;
    static const uint8_t octets[64] = {0};
    for (unsigned syntax = CMRP_NDR20; syntax <= CMRP_NDR64; syntax++) {
        for (size_t size = 0; size < sizeof octets; size++) {
            const cmrp_stub_format f = {cmrp_method_numbered(CMRP_INTERFACE_3, 113),
                                        CMRP_INTERFACE_3, false, syntax, CMRP_LITTLE_ENDIAN};
            cmrp_slot slots[CMRP_MAX_PARAMS] = {{0}};
            cmrp_error error = {0};
            cmrp_writer w;
            slots[0].present = true;
            slots[2].present = true;
            slots[2].bytes = (cmrp_view){octets, size};
            cmrp_sizer_init(&w, &error, "none");
            assert_true(cmrp_stub_encode(&f, slots, &w));
            assert_int_equal(w.size, (syntax == CMRP_NDR20 ? 28 : 32) + size);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_as_in_the_idl),
        cmocka_unit_test(test_structures_as_in_the_idl),
        cmocka_unit_test(test_methods_that_do_not_exist),
        cmocka_unit_test(test_opnum_names),
        cmocka_unit_test(test_every_description),
        cmocka_unit_test(test_travels),
        cmocka_unit_test(test_fixed_sizes),
        cmocka_unit_test(test_size_of_a_batch_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
