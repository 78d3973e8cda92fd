// SPDX-License-Identifier: Apache-2.0
#include "stub_shapes.h"

const uint8_t sample_handle[CMRP_HANDLE_SIZE] = {
    0,    0,    0,    0,    0x33, 0x22, 0x11, 0,    0x55, 0x44,
    0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 1,
};

enum { REFERENT = 0x00020000, STEP = 4 };

// ---- without arrays -----------------------------------------------------------------------------

static void empty(built *b) {
    (void)b;
}

static void get_root_key(built *b) {
    ndr_uint(b, "Status", 4, 5);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_handle(b, "return", sample_handle);
}

static void add_notify_group(built *b) {
    ndr_handle(b, "hNotify", sample_handle);
    ndr_handle(b, "hGroup", sample_handle);
    ndr_uint(b, "dwFilter", 4, 0x80009000);
    ndr_uint(b, "dwNotifyKey", 4, 0x12345678);
}

static void cluster_name(built *b) {
    ndr_word(b, "ClusterName", REFERENT);
    ndr_string(b, "ClusterName", "CLUSTER1");
    ndr_word(b, "NodeName", REFERENT + STEP);
    ndr_string(b, "NodeName", "");
    ndr_uint(b, "return", 4, 0);
}

static void cluster_name_null(built *b) {
    ndr_word(b, "ClusterName", 0);
    ndr_word(b, "NodeName", 0);
    ndr_uint(b, "return", 4, 8);
}

static void enum_key(built *b) {
    ndr_word(b, "KeyName", REFERENT);
    ndr_string(b, "KeyName", "Groups"); // an odd number of units: a gap follows
    ndr_align(b, "lpftLastWriteTime", 4);
    add_uint(b, "lpftLastWriteTime.dwLowDateTime", 4, 0x89abcdef);
    add_uint(b, "lpftLastWriteTime.dwHighDateTime", 4, 0x01234567);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

static void get_notify_request_2(built *b) {
    ndr_handle(b, "hNotify", sample_handle);
    ndr_uint(b, "Timeout", 4, 1000);
}

static void get_notify_response_2(built *b) {
    ndr_uint(b, "dwNotifyKey", 4, 1);
    ndr_uint(b, "dwFilter", 4, 0x2000);
    ndr_uint(b, "dwStateSequence", 4, 7);
    ndr_word(b, "Name", REFERENT);
    ndr_string(b, "Name", "Group1");
    ndr_uint(b, "return", 4, 0);
}

static void version(built *b) {
    static const char *const members[] = {
        "ppClusterOpVerInfo.dwSize",
        "ppClusterOpVerInfo.dwClusterHighestVersion",
        "ppClusterOpVerInfo.dwClusterLowestVersion",
        "ppClusterOpVerInfo.dwFlags",
        "ppClusterOpVerInfo.dwReserved",
    };
    ndr_uint(b, "lpwMajorVersion", 2, 6);
    ndr_uint(b, "lpwMinorVersion", 2, 2);
    ndr_uint(b, "lpwBuildNumber", 2, 9200);
    ndr_word(b, "lpszVendorId", REFERENT);
    ndr_string(b, "lpszVendorId", "Vendor");
    ndr_word(b, "lpszCSDVersion", 0);
    ndr_word(b, "ppClusterOpVerInfo", REFERENT + STEP);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        ndr_uint(b, members[i], 4, 20 + i);
    }
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

static void version_null(built *b) {
    ndr_uint(b, "lpwMajorVersion", 2, 0xffff);
    ndr_uint(b, "lpwMinorVersion", 2, 0);
    ndr_uint(b, "lpwBuildNumber", 2, 0);
    ndr_word(b, "lpszVendorId", 0);
    ndr_word(b, "lpszCSDVersion", 0);
    ndr_word(b, "ppClusterOpVerInfo", 0);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 5);
}

static void execute_batch(built *b) {
    ndr_handle(b, "hKey", sample_handle);
    ndr_uint(b, "cbData", 4, 7);
    ndr_octets(b, "lpData", "\1\0\0\0\2\0\0", 7);
}

static void execute_batch_empty(built *b) {
    ndr_handle(b, "hKey", sample_handle);
    ndr_uint(b, "cbData", 4, 0);
    ndr_octets(b, "lpData", NULL, 0);
}

static void execute_batch_response(built *b) {
    ndr_uint(b, "pdwFailedCommand", 4, 0xffffffff); // -1
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0x57);
}

static void batch_notification(built *b) {
    ndr_uint(b, "cbData", 4, 3);
    ndr_word(b, "lpData", REFERENT);
    ndr_octets(b, "lpData", "abc", 3);
    ndr_uint(b, "return", 4, 0);
}

static void batch_notification_null(built *b) {
    ndr_uint(b, "cbData", 4, 0);
    ndr_word(b, "lpData", 0);
    ndr_uint(b, "return", 4, 0x103);
}

static void add_notify_v2(built *b) {
    ndr_handle(b, "hNotify", sample_handle);
    ndr_handle(b, "hObject", sample_handle);
    ndr_uint(b, "filter.dwObjectType", 4, 2);
    ndr_uint(b, "filter.FilterFlags", 8, 0x8000000000000008);
    ndr_uint(b, "dwNotifyKey", 4, 1);
    ndr_uint(b, "dwVersion", 4, 2);
    ndr_uint(b, "isTargetedAtObject", 4, 1);
}

// ---- arrays -------------------------------------------------------------------------------------

// The fixed part of a NOTIFICATION_RPC [MS-CMRP 2.2.3.24] with these referents.
static void notification(built *b, uint64_t key, uint64_t type, uint64_t flags, uint64_t size,
                         const uint64_t referents[5]) {
    ndr_align(b, "", 8);
    ndr_word(b, "", key);
    ndr_align(b, "", 8);
    ndr_uint(b, "", 4, type);
    ndr_uint(b, "", 8, flags);
    ndr_word(b, "", referents[0]);
    ndr_uint(b, "", 4, size);
    for (size_t i = 1; i < 5; i++) {
        ndr_word(b, "", referents[i]);
    }
}

static void notifications(built *b) {
    static const uint64_t first[] = {REFERENT + STEP, REFERENT + 2 * STEP, REFERENT + 3 * STEP,
                                     REFERENT + 4 * STEP, REFERENT + 5 * STEP};
    static const uint64_t second[] = {0, REFERENT + 6 * STEP, 0, REFERENT + 7 * STEP, 0};
    ndr_word(b, "Notifications", REFERENT);
    ndr_word(b, "Notifications", 2);
    const cut rows = {0, CMRP_E_OVERRUN, b->size - b->word, "Notifications"};
    b->region = &rows;
    notification(b, 0xfedcba98, 2, 8, 5, first);
    notification(b, 1, 7, 0x10, 0, second);
    b->region = NULL;
    ndr_octets(b, "Notifications[0].NotificationData.buffer", "\1\0\0\0\xff", 5);
    ndr_string(b, "Notifications[0].NotificationData.ObjectId", "an id");
    ndr_string(b, "Notifications[0].NotificationData.ParentId", "");
    ndr_string(b, "Notifications[0].NotificationData.Name", "Group1");
    ndr_string(b, "Notifications[0].NotificationData.Type", "t");
    ndr_string(b, "Notifications[1].NotificationData.ObjectId", "2");
    ndr_string(b, "Notifications[1].NotificationData.Name", "node");
    ndr_uint(b, "dwNumNotifications", 4, 2);
    ndr_uint(b, "return", 4, 0);
}

static void notifications_none(built *b) {
    ndr_word(b, "Notifications", REFERENT);
    ndr_word(b, "Notifications", 0);
    ndr_uint(b, "dwNumNotifications", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

static void notifications_null(built *b) {
    ndr_word(b, "Notifications", 0);
    ndr_uint(b, "dwNumNotifications", 4, 0);
    ndr_uint(b, "return", 4, 0x103);
}

static void notifications_async(built *b) {
    static const char *const names[] = {"Notifications[0].Name", NULL, "Notifications[2].Name"};
    ndr_word(b, "Notifications", REFERENT);
    ndr_word(b, "Notifications", COUNT_OF(names));
    const cut rows = {0, CMRP_E_OVERRUN, b->size - b->word, "Notifications"};
    uint64_t referent = REFERENT;
    b->region = &rows;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ndr_uint(b, "", 4, 100 + i);
        ndr_uint(b, "", 4, 1u << i);
        ndr_word(b, "", names[i] != NULL ? referent += STEP : 0);
    }
    b->region = NULL;
    ndr_string(b, names[0], "Resource1");
    ndr_string(b, names[2], "x");
    ndr_uint(b, "dwNumNotifications", 4, COUNT_OF(names));
    ndr_uint(b, "return", 4, 0);
}

// ---- structures that end with an array ----------------------------------------------------------

// What stands before the entries: the size of the array, then the structure with its pad.
static void list_head(built *b, const char *name, const char *count, uint64_t entries) {
    ndr_word(b, name, entries);
    ndr_uint(b, count, 4, entries);
    ndr_align(b, name, b->word);
}

static void enumeration(built *b) {
    ndr_word(b, "ReturnEnum", REFERENT);
    const size_t size_at = b->size;
    list_head(b, "ReturnEnum.Entry", "ReturnEnum.EntryCount", 3);
    const cut rows = {0, CMRP_E_OVERRUN, size_at, "ReturnEnum.Entry"};
    b->region = &rows;
    for (unsigned i = 0; i < 3; i++) {
        ndr_align(b, "", b->word);
        ndr_uint(b, "", 4, 1u << i);
        ndr_word(b, "", i == 1 ? 0 : REFERENT + (i / 2 + 1) * STEP);
    }
    b->region = NULL;
    ndr_string(b, "Entry[0].Name", "NODE1");
    ndr_string(b, "Entry[2].Name", "Disk 12");
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

static void enumeration_none(built *b) {
    ndr_word(b, "ReturnEnum", REFERENT);
    list_head(b, "ReturnEnum.Entry", "ReturnEnum.EntryCount", 0);
    ndr_uint(b, "return", 4, 0);
}

// Two of them: what the first points to stands before the second.
static void enumerations(built *b) {
    ndr_word(b, "ReturnIdEnum", REFERENT);
    list_head(b, "ReturnIdEnum.Entry", "ReturnIdEnum.EntryCount", 0);
    ndr_word(b, "ReturnNameEnum", REFERENT + STEP);
    list_head(b, "ReturnNameEnum.Entry", "ReturnNameEnum.EntryCount", 0);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

static void group_enumeration(built *b) {
    ndr_word(b, "ppResultList", REFERENT);
    const size_t size_at = b->size;
    list_head(b, "ppResultList.Entry", "ppResultList.EntryCount", 1);
    const cut rows = {0, CMRP_E_OVERRUN, size_at, "ppResultList.Entry"};
    b->region = &rows;
    ndr_word(b, "", REFERENT + STEP);     // Name
    ndr_word(b, "", REFERENT + 2 * STEP); // Id
    ndr_uint(b, "", 4, 3);                // dwState
    ndr_word(b, "", 0);                   // Owner
    ndr_uint(b, "", 4, 0);                // dwFlags
    ndr_uint(b, "", 4, 3);                // cbProperties
    ndr_word(b, "", REFERENT + 3 * STEP); // Properties
    ndr_uint(b, "", 4, 0);                // cbRoProperties
    ndr_word(b, "", 0);                   // RoProperties
    ndr_align(b, "", b->word);
    b->region = NULL;
    ndr_string(b, "Entry[0].Name", "Group1");
    ndr_string(b, "Entry[0].Id", "7");
    ndr_octets(b, "Entry[0].Properties", "abc", 3);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

// ---- arrays of other elements, and of parts -----------------------------------------------------

static void node_list(built *b) {
    ndr_handle(b, "hGroup", sample_handle);
    ndr_word(b, "multiSzNodeList", REFERENT);
    ndr_word(b, "multiSzNodeList", 3);
    const cut units = {0, CMRP_E_OVERRUN, b->size - b->word, "multiSzNodeList"};
    b->region = &units;
    add_uint(b, "", 2, 'A');
    add_uint(b, "", 2, 0);
    add_uint(b, "", 2, 0);
    b->region = NULL;
    ndr_uint(b, "cchListSize", 4, 3);
}

static void control(built *b) {
    ndr_word(b, "lpOutBuffer", 9);
    ndr_word(b, "lpOutBuffer", 0);
    ndr_word(b, "lpOutBuffer", 5);
    const cut octets = {0, CMRP_E_OVERRUN, b->size - b->word, "lpOutBuffer"};
    b->region = &octets;
    add_octets(b, "", "hello", 5, CMRP_OK, 0);
    b->region = NULL;
    ndr_uint(b, "lpBytesReturned", 4, 5);
    ndr_uint(b, "lpcbRequired", 4, 5);
    ndr_uint(b, "rpc_status", 4, 0);
    ndr_uint(b, "return", 4, 0);
}

const stub_shape stub_shapes[] = {
    {"empty", 137, CMRP_INTERFACE_3, false, empty},
    {"ApiGetRootKey response", 28, CMRP_INTERFACE_3, true, get_root_key},
    {"ApiAddNotifyGroup request", 59, CMRP_INTERFACE_3, false, add_notify_group},
    {"ApiAddNotifyGroup request, protocol 2", 59, CMRP_INTERFACE_2, false, add_notify_group},
    {"ApiGetClusterName response", 3, CMRP_INTERFACE_3, true, cluster_name},
    {"ApiGetClusterName response, NULL", 3, CMRP_INTERFACE_2, true, cluster_name_null},
    {"ApiEnumKey response", 31, CMRP_INTERFACE_3, true, enum_key},
    {"ApiGetNotify request, protocol 2", 65, CMRP_INTERFACE_2, false, get_notify_request_2},
    {"ApiGetNotify response, protocol 2", 65, CMRP_INTERFACE_2, true, get_notify_response_2},
    {"ApiGetClusterVersion2 response", 102, CMRP_INTERFACE_3, true, version},
    {"ApiGetClusterVersion2 response, NULL", 102, CMRP_INTERFACE_3, true, version_null},
    {"ApiExecuteBatch request", 113, CMRP_INTERFACE_3, false, execute_batch},
    {"ApiExecuteBatch request, empty", 113, CMRP_INTERFACE_3, false, execute_batch_empty},
    {"ApiExecuteBatch response", 113, CMRP_INTERFACE_3, true, execute_batch_response},
    {"ApiGetBatchNotification response", 115, CMRP_INTERFACE_3, true, batch_notification},
    {"ApiGetBatchNotification response, NULL", 115, CMRP_INTERFACE_3, true,
     batch_notification_null},
    {"ApiAddNotifyV2 request", 138, CMRP_INTERFACE_3, false, add_notify_v2},
    {"ApiGetNotifyV2 response", 139, CMRP_INTERFACE_3, true, notifications},
    {"ApiGetNotifyV2 response, none", 139, CMRP_INTERFACE_3, true, notifications_none},
    {"ApiGetNotifyV2 response, NULL", 139, CMRP_INTERFACE_3, true, notifications_null},
    {"ApiGetNotifyAsync response", 147, CMRP_INTERFACE_3, true, notifications_async},
    {"ApiCreateEnum response", 7, CMRP_INTERFACE_3, true, enumeration},
    {"ApiCreateEnum response, none", 7, CMRP_INTERFACE_2, true, enumeration_none},
    {"ApiCreateEnumEx response", 125, CMRP_INTERFACE_3, true, enumerations},
    {"ApiCreateGroupEnum response", 143, CMRP_INTERFACE_3, true, group_enumeration},
    {"ApiSetGroupNodeList request", 54, CMRP_INTERFACE_3, false, node_list},
    {"ApiNodeControl response", 79, CMRP_INTERFACE_3, true, control},
};

const size_t stub_shape_count = COUNT_OF(stub_shapes);

// ---- formats ------------------------------------------------------------------------------------

static cmrp_stub_format any_format(unsigned interface, uint32_t opnum, bool response,
                                   unsigned form) {
    const cmrp_stub_format f = {
        .method = cmrp_method_numbered(interface, opnum),
        .interface = interface,
        .response = response,
        .syntax = form / 2 == 0 ? CMRP_NDR20 : CMRP_NDR64,
        .order = form % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN,
    };
    assert_non_null(f.method);
    return f;
}

cmrp_stub_format stub_format(const stub_shape *shape, unsigned form) {
    return any_format(shape->interface, shape->opnum, shape->response, form);
}

cmrp_stub_format format_of(uint32_t opnum, bool response, unsigned form) {
    return any_format(CMRP_INTERFACE_3, opnum, response, form);
}

void stub_build(built *b, const stub_shape *shape, unsigned form) {
    const cmrp_stub_format f = stub_format(shape, form);
    built_init(b, f.order, f.syntax);
    shape->build(b);
}

bool is_text(cmrp_view units, cmrp_order order, const char *ascii) {
    const size_t length = strlen(ascii);
    bool same = units.size == 2 * length;
    for (size_t i = 0; same && i < length; i++) {
        const unsigned a = units.data[2 * i];
        const unsigned b = units.data[2 * i + 1];
        same = (order == CMRP_LITTLE_ENDIAN ? a | b << 8 : b | a << 8) == (unsigned char)ascii[i];
    }
    return same;
}

bool decode_stub(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    stub_slots *s = context;
    return cmrp_stub_decode(&s->format, input, offset, s->slots, NULL, NULL, error);
}

bool encode_stub(void *context, cmrp_writer *w) {
    const stub_slots *s = context;
    return cmrp_stub_encode(&s->format, s->slots, w);
}
