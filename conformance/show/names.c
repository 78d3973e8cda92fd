// SPDX-License-Identifier: Apache-2.0
// Names of codes that the codec has no use for.
#include "show/show.h"

struct code {
    uint32_t value;
    const char *name;
};

// Status codes that [MS-CMRP] names, or that the runtime below it returns.
static const struct code win32_codes[] = {
    {0, "ERROR_SUCCESS"},
    {1, "ERROR_INVALID_FUNCTION"},
    {2, "ERROR_FILE_NOT_FOUND"},
    {3, "ERROR_PATH_NOT_FOUND"},
    {5, "ERROR_ACCESS_DENIED"},
    {6, "ERROR_INVALID_HANDLE"},
    {8, "ERROR_NOT_ENOUGH_MEMORY"},
    {13, "ERROR_INVALID_DATA"},
    {14, "ERROR_OUTOFMEMORY"},
    {29, "ERROR_WRITE_FAULT"},
    {34, "ERROR_WRONG_DISK"},
    {50, "ERROR_NOT_SUPPORTED"},
    {52, "ERROR_DUP_NAME"},
    {70, "ERROR_SHARING_PAUSED"},
    {87, "ERROR_INVALID_PARAMETER"},
    {112, "ERROR_DISK_FULL"},
    {114, "ERROR_INVALID_TARGET_HANDLE"},
    {120, "ERROR_CALL_NOT_IMPLEMENTED"},
    {122, "ERROR_INSUFFICIENT_BUFFER"},
    {123, "ERROR_INVALID_NAME"},
    {145, "ERROR_DIR_NOT_EMPTY"},
    {183, "ERROR_ALREADY_EXISTS"},
    {234, "ERROR_MORE_DATA"},
    {258, "WAIT_TIMEOUT"},
    {259, "ERROR_NO_MORE_ITEMS"},
    {668, "ERROR_ASSERTION_FAILURE"},
    {997, "ERROR_IO_PENDING"},
    {1015, "ERROR_REGISTRY_CORRUPT"},
    {1018, "ERROR_KEY_DELETED"},
    {1059, "ERROR_CIRCULAR_DEPENDENCY"},
    {1064, "ERROR_EXCEPTION_IN_SERVICE"},
    {1115, "ERROR_SHUTDOWN_IN_PROGRESS"},
    {1130, "ERROR_NOT_ENOUGH_SERVER_MEMORY"},
    {1168, "ERROR_NOT_FOUND"},
    {1223, "ERROR_CANCELLED"},
    {1255, "ERROR_SERVER_SHUTDOWN_IN_PROGRESS"},
    {1314, "ERROR_PRIVILEGE_NOT_HELD"},
    {1325, "ERROR_PASSWORD_RESTRICTION"},
    {1338, "ERROR_INVALID_SECURITY_DESCR"},
    {1372, "ERROR_SPECIAL_GROUP"},
    {1450, "ERROR_NO_SYSTEM_RESOURCES"},
    {1460, "ERROR_TIMEOUT"},
    {1702, "RPC_S_INVALID_BINDING"},
    {1717, "RPC_S_UNKNOWN_IF"},
    {1722, "RPC_S_SERVER_UNAVAILABLE"},
    {1723, "RPC_S_SERVER_TOO_BUSY"},
    {1726, "RPC_S_CALL_FAILED"},
    {1727, "RPC_S_CALL_FAILED_DNE"},
    {1728, "RPC_S_PROTOCOL_ERROR"},
    {1730, "RPC_S_UNSUPPORTED_TRANS_SYN"},
    {1743, "RPC_S_STRING_TOO_LONG"},
    {1745, "RPC_S_PROCNUM_OUT_OF_RANGE"},
    {1747, "RPC_S_UNKNOWN_AUTHN_SERVICE"},
    {1753, "EPT_S_NOT_REGISTERED"},
    {1775, "RPC_X_SS_IN_NULL_CONTEXT"},
    {1783, "RPC_X_BAD_STUB_DATA"},
    {1818, "RPC_S_CALL_CANCELLED"},
    {1821, "RPC_S_UNSUPPORTED_AUTHN_LEVEL"},
    {1825, "RPC_S_SEC_PKG_ERROR"},
    {5001, "ERROR_DEPENDENT_RESOURCE_EXISTS"},
    {5002, "ERROR_DEPENDENCY_NOT_FOUND"},
    {5003, "ERROR_DEPENDENCY_ALREADY_EXISTS"},
    {5004, "ERROR_RESOURCE_NOT_ONLINE"},
    {5005, "ERROR_HOST_NODE_NOT_AVAILABLE"},
    {5006, "ERROR_RESOURCE_NOT_AVAILABLE"},
    {5007, "ERROR_RESOURCE_NOT_FOUND"},
    {5008, "ERROR_SHUTDOWN_CLUSTER"},
    {5010, "ERROR_OBJECT_ALREADY_EXISTS"},
    {5012, "ERROR_GROUP_NOT_AVAILABLE"},
    {5013, "ERROR_GROUP_NOT_FOUND"},
    {5015, "ERROR_HOST_NODE_NOT_RESOURCE_OWNER"},
    {5016, "ERROR_HOST_NODE_NOT_GROUP_OWNER"},
    {5018, "ERROR_RESMON_ONLINE_FAILED"},
    {5019, "ERROR_RESOURCE_ONLINE"},
    {5021, "ERROR_NOT_QUORUM_CAPABLE"},
    {5023, "ERROR_INVALID_STATE"},
    {5024, "ERROR_RESOURCE_PROPERTIES_STORED"},
    {5025, "ERROR_NOT_QUORUM_CLASS"},
    {5026, "ERROR_CORE_RESOURCE"},
    {5035, "ERROR_NETWORK_NOT_AVAILABLE"},
    {5036, "ERROR_NODE_NOT_AVAILABLE"},
    {5037, "ERROR_ALL_NODES_NOT_AVAILABLE"},
    {5038, "ERROR_RESOURCE_FAILED"},
    {5042, "ERROR_CLUSTER_NODE_NOT_FOUND"},
    {5045, "ERROR_CLUSTER_NETWORK_NOT_FOUND"},
    {5047, "ERROR_CLUSTER_NETINTERFACE_NOT_FOUND"},
    {5048, "ERROR_CLUSTER_INVALID_REQUEST"},
    {5050, "ERROR_CLUSTER_NODE_DOWN"},
    {5058, "ERROR_CLUSTER_NODE_NOT_PAUSED"},
    {5069, "ERROR_DEPENDENCY_NOT_ALLOWED"},
    {5071, "ERROR_NODE_CANT_HOST_RESOURCE"},
    {5072, "ERROR_CLUSTER_NODE_NOT_READY"},
    {5073, "ERROR_CLUSTER_NODE_SHUTTING_DOWN"},
    {5078, "ERROR_CLUSTER_RESOURCE_TYPE_NOT_FOUND"},
    {5079, "ERROR_CLUSTER_RESTYPE_NOT_SUPPORTED"},
    {5084, "ERROR_RESMON_INVALID_STATE"},
    {5908, "ERROR_CLUSTER_GROUP_MOVING"},
    {5928, "ERROR_QUORUM_NOT_ALLOWED_IN_THIS_GROUP"},
    {5929, "ERROR_DEPENDENCY_TREE_TOO_COMPLEX"},
    {5938, "ERROR_FILE_SHARE_RESOURCE_CONFLICT"},
    {5941, "ERROR_CLUSTER_GROUP_SINGLETON_RESOURCE"},
    {5942, "ERROR_CLUSTER_RESOURCE_PROVIDER_FAILED"},
    {5945, "ERROR_CLUSTER_NOT_SHARED_VOLUME"},
    {5948, "ERROR_CLUSTER_USE_SHARED_VOLUMES_API"},
    {5949, "ERROR_CLUSTER_BACKUP_IN_PROGRESS"},
    {5960, "ERROR_CLUSTER_RESOURCE_LOCKED_STATUS"},
    {5962, "ERROR_CLUSTER_NODE_EVACUATION_IN_PROGRESS"},
    {5964, "ERROR_DISK_NOT_CSV_CAPABLE"},
    {5965, "ERROR_RESOURCE_NOT_IN_AVAILABLE_STORAGE"},
    {5973, "ERROR_CLUSTER_UPGRADE_INCOMPATIBLE_VERSIONS"},
    {5980, "ERROR_NODE_NOT_ACTIVE_CLUSTER_MEMBER"},
    {5991, "ERROR_GROUPSET_NOT_AVAILABLE"},
    {5992, "ERROR_GROUPSET_NOT_FOUND"},
};

// Fault and reject status [C706 appendix E], spelt as [MS-RPCE] does.
static const struct code fault_codes[] = {
    {0x1c000001, "nca_s_fault_int_div_by_zero"},
    {0x1c000002, "nca_s_fault_addr_error"},
    {0x1c000006, "nca_s_fault_invalid_tag"},
    {0x1c000007, "nca_s_fault_invalid_bound"},
    {0x1c000008, "nca_rpc_version_mismatch"},
    {0x1c000009, "nca_unspec_reject"},
    {0x1c00000c, "nca_manager_not_entered"},
    {0x1c00000d, "nca_s_fault_cancel"},
    {0x1c000012, "nca_s_fault_unspec"},
    {0x1c000013, "nca_s_fault_remote_comm_failure"},
    {0x1c00001a, "nca_s_fault_context_mismatch"},
    {0x1c00001b, "nca_s_fault_remote_no_memory"},
    {0x1c00001c, "nca_invalid_pres_context_id"},
    {0x1c00001d, "nca_unsupported_authn_level"},
    {0x1c00001f, "nca_invalid_checksum"},
    {0x1c010001, "nca_comm_failure"},
    {0x1c010002, "nca_op_rng_error"},
    {0x1c010003, "nca_unk_if"},
    {0x1c010006, "nca_wrong_boot_time"},
    {0x1c010009, "nca_s_you_crashed"},
    {0x1c01000b, "nca_proto_error"},
    {0x1c010013, "nca_out_args_too_big"},
    {0x1c010014, "nca_server_too_busy"},
    {0x1c010015, "nca_fault_string_too_long"},
    {0x1c010017, "nca_unsupported_type"},
};

static const struct code auth_types[] = {
    {0, "none"},      {9, "spnego"},    {10, "ntlm"},     {14, "tls"},
    {16, "kerberos"}, {68, "netlogon"}, {255, "default"},
};

static const struct code auth_levels[] = {
    {0, "default"}, {1, "none"},      {2, "connect"}, {3, "call"},
    {4, "packet"},  {5, "integrity"}, {6, "privacy"},
};

static const char *find(const struct code *codes, size_t count, uint32_t value) {
    for (size_t i = 0; i < count; i++) {
        if (codes[i].value == value) {
            return codes[i].name;
        }
    }
    return NULL;
}

#define FIND(codes, value) find(codes, sizeof(codes) / sizeof(codes)[0], value)

const char *show_win32(uint32_t status) {
    return FIND(win32_codes, status);
}

const char *show_fault(uint32_t status) {
    const char *name = FIND(fault_codes, status);
    return name != NULL ? name : show_win32(status);
}

const char *show_auth_type(unsigned type) {
    return FIND(auth_types, type);
}

const char *show_auth_level(unsigned level) {
    return FIND(auth_levels, level);
}

void show_status(struct buffer *out, uint32_t status) {
    const char *name = show_win32(status);
    if (name != NULL) {
        buffer_printf(out, "%s", name);
    } else {
        buffer_printf(out, "0x%08x", status);
    }
}

void show_code(struct buffer *out, uint32_t status, bool fault) {
    const char *name = fault ? show_fault(status) : show_win32(status);
    buffer_printf(out, "%s", fault ? "fault " : name == NULL ? "error " : "");
    if (name != NULL) {
        buffer_printf(out, "%s (", name);
    }
    buffer_printf(out, status <= UINT16_MAX ? "%u" : "0x%08x", status);
    buffer_printf(out, "%s", name != NULL ? ")" : "");
}
