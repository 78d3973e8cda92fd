// SPDX-License-Identifier: Apache-2.0
// Keys, values and security descriptors of the cluster registry: opnums 28 to 40.
// [MS-CMRP 3.1.4.2.29 to 3.1.4.2.41]
//
// The rights that samDesired asks for are those of its handle [MS-RRP 2.2.4]: what a handle changes
// it must have asked for, or for all that is allowed. A client whose level is not "All" cannot ask
// for what changes. Reading needs no right of the handle.
#include <stdlib.h>

#include "service/parts.h"
#include "service/security.h"

enum {
    KEY_READ = 0x20019,
    KEY_WRITE = 0x20006,
    KEY_ALL = 0xf003f,
    WRITE_DAC = 0x40000,
    WRITE_OWNER = 0x80000,
    ACCESS_SYSTEM_SECURITY = 0x1000000,
    CHANGES = (KEY_ALL & ~KEY_READ) | ACCESS_SYSTEM_SECURITY,
    MAXIMUM_ALLOWED = 0x2000000,
    GENERIC_ALL = 0x10000000,
    GENERIC_EXECUTE = 0x20000000,
    GENERIC_WRITE = 0x40000000,
};
static const uint32_t GENERIC_READ = 0x80000000;

enum {
    CREATED_NEW_KEY = 1,
    OPENED_EXISTING_KEY = 2,
    INSUFFICIENT_BUFFER = 122,
    INVALID_SECURITY_DESCR = 1338,
    DATA_LIMIT = 64 << 20, // octets that a client may have sent back, used or not
};

// ---- rights -------------------------------------------------------------------------------------

// What samDesired comes to for this client; false where it asks for more than it may have.
static bool evaluate(const struct service_call *call, uint32_t desired, uint32_t *rights) {
    const bool all = service_entitled(call) >= SERVICE_ALL;
    *rights =
        desired & ~(MAXIMUM_ALLOWED | GENERIC_ALL | GENERIC_EXECUTE | GENERIC_WRITE | GENERIC_READ);
    *rights |= (desired & GENERIC_ALL) != 0 ? KEY_ALL : 0;
    *rights |= (desired & GENERIC_WRITE) != 0 ? KEY_WRITE : 0;
    *rights |= (desired & (GENERIC_READ | GENERIC_EXECUTE)) != 0 ? KEY_READ : 0;
    if (!all && (*rights & CHANGES) != 0) {
        return false;
    }
    *rights |= (desired & MAXIMUM_ALLOWED) != 0 ? (all ? KEY_ALL : KEY_READ) : 0;
    return true;
}

static bool has_right(struct service_call *call, unsigned n, uint32_t right) {
    return (service_handle(call, n)->sam & right) == right;
}

// Answers with a handle as parameter n; takes over the key.
static void answer_key(struct service_call *call, unsigned n, uint32_t status,
                       struct registry_key *key, uint32_t rights) {
    if (status == 0) {
        status = service_open(call, n, SERVICE_HKEY, key, SERVICE_NOTHING, rights);
    }
    service_done(call, status);
}

// ---- keys ---------------------------------------------------------------------------------------

// Parameters: samDesired, the handle.
static void get_root_key(struct service_call *call) {
    struct registry_key *key = NULL;
    uint32_t rights = 0;
    uint32_t status = STATUS_ACCESS_DENIED;
    if (evaluate(call, (uint32_t)service_number(call, 0), &rights)) {
        status = registry_root(cluster_registry(service_cluster(call)), &key);
    }
    answer_key(call, 1, status, key, rights);
}

// Parameters: key, name, samDesired, the handle.
static void open_key(struct service_call *call) {
    struct registry_key *key = NULL;
    uint32_t rights = 0;
    uint32_t status = STATUS_ACCESS_DENIED;
    if (evaluate(call, (uint32_t)service_number(call, 2), &rights)) {
        status = registry_key_open(service_object(call, 0), service_text(call, 1), &key);
    }
    answer_key(call, 3, status, key, rights);
}

// The descriptor that the client gives; size 0: none.
static bool given_security(const struct service_call *call, unsigned n, cmrp_view *sd) {
    enum { NESTED = 1 };
    cmrp_slot members[CMRP_MAX_PARAMS];
    *sd = (cmrp_view){NULL, 0};
    if (service_record(call, n, members) && !members[NESTED].null) {
        *sd = members[NESTED].bytes;
    }
    return sd->size == 0 || security_valid(*sd);
}

// Parameters: key, name, samDesired, security attributes, disposition, the handle.
static void create_key(struct service_call *call) {
    struct registry_key *parent = service_object(call, 0);
    const char *path = service_text(call, 1);
    struct registry_key *key = NULL;
    bool created = false;
    cmrp_view sd;
    uint32_t rights = 0;
    uint32_t status = STATUS_ACCESS_DENIED;
    if (!given_security(call, 3, &sd)) {
        status = INVALID_SECURITY_DESCR;
    } else if (evaluate(call, (uint32_t)service_number(call, 2), &rights)) {
        status = registry_key_open(parent, path, &key);
        if (status == STATUS_FILE_NOT_FOUND && !has_right(call, 0, KEY_CREATE_SUB_KEY)) {
            status = STATUS_ACCESS_DENIED;
        } else if (status == STATUS_FILE_NOT_FOUND) {
            status = registry_key_create(parent, path, sd.size > 0 ? &sd : NULL, &created, &key);
        } else if (status == 0 && sd.size > 0) {
            status = registry_security_set(key, sd);
        }
    }
    if (status == 0) {
        service_set_number(call, 4, created ? CREATED_NEW_KEY : OPENED_EXISTING_KEY);
    } else {
        registry_key_release(key);
    }
    answer_key(call, 5, status, key, rights);
}

// Parameters: key, name.
static void delete_key(struct service_call *call) {
    service_done(call, registry_key_delete(service_object(call, 0), service_text(call, 1)));
}

// Parameters: the handle.
static void close_key(struct service_call *call) {
    service_close(call, 0);
    service_done(call, STATUS_SUCCESS);
}

static void set_time(struct service_call *call, unsigned n, uint64_t time) {
    cmrp_slot *members = service_set_rows(call, n, 1);
    service_slot_number(&members[0], time & UINT32_MAX);
    service_slot_number(&members[1], time >> 32);
}

// Parameters: key, index, name, time.
static void enum_key(struct service_call *call) {
    char *name = NULL;
    uint64_t written;
    const uint32_t status = registry_key_at(service_object(call, 0),
                                            (uint32_t)service_number(call, 1), &name, &written);
    if (status == 0) {
        service_set_text(call, 2, name);
        set_time(call, 3, written);
    }
    service_done(call, status);
    free(name);
}

// Parameters: key, then the numbers in the order of the method, time.
static void query_info_key(struct service_call *call) {
    struct registry_info info;
    const uint32_t status = registry_key_info(service_object(call, 0), &info);
    if (status == 0) {
        const uint32_t numbers[] = {info.keys,          info.longest_key,
                                    info.values,        info.longest_value_name,
                                    info.largest_value, info.descriptor_octets};
        for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            service_set_number(call, 1 + i, numbers[i]);
        }
        set_time(call, 7, info.written);
    }
    service_done(call, status);
}

// ---- values -------------------------------------------------------------------------------------

// Parameters: key, name, type, data.
static void set_value(struct service_call *call) {
    service_done(call, !has_right(call, 0, KEY_SET_VALUE)
                           ? STATUS_ACCESS_DENIED
                           : registry_value_set(service_object(call, 0), service_text(call, 1),
                                                (uint32_t)service_number(call, 2),
                                                service_octets(call, 3)));
}

// Parameters: key, name.
static void delete_value(struct service_call *call) {
    service_done(call, !has_right(call, 0, KEY_SET_VALUE)
                           ? STATUS_ACCESS_DENIED
                           : registry_value_delete(service_object(call, 0), service_text(call, 1)));
}

// The array that the client has room for is answered whole, whatever of it is used.
static bool set_room(struct service_call *call, unsigned n, uint64_t room, cmrp_view data) {
    if (room > DATA_LIMIT) {
        return false;
    }
    uint8_t *octets = service_alloc(call, (size_t)room);
    if (data.size > 0) {
        memcpy(octets, data.data, data.size);
    }
    service_set_octets(call, n, (cmrp_view){octets, (size_t)room});
    return true;
}

// Parameters: key, name, size of the buffer, type, data, size of the data.
static void query_value_refused(struct service_call *call) {
    set_room(call, 4, service_number(call, 2), (cmrp_view){NULL, 0});
}

static void query_value(struct service_call *call) {
    const uint64_t room = service_number(call, 2);
    struct registry_value value = {0};
    cmrp_view data = {NULL, 0};
    uint32_t status = registry_value_get(service_object(call, 0), service_text(call, 1), &value);
    if (status == 0) {
        service_set_number(call, 5, value.size);
        if (value.size > room) {
            status = STATUS_MORE_DATA;
        } else {
            service_set_number(call, 3, value.type);
            data = (cmrp_view){value.data, value.size};
        }
    }
    if (set_room(call, 4, room, data)) {
        service_done(call, status);
    } else {
        service_fault(call, RPC_FAULT_REMOTE_NO_MEMORY);
    }
    registry_value_clear(&value);
}

// Parameters: key, index, size of the buffer, name, type, data, total size.
static void enum_value(struct service_call *call) {
    struct registry_value value = {0};
    uint32_t status =
        registry_value_at(service_object(call, 0), (uint32_t)service_number(call, 1), &value);
    if (status == 0) {
        service_set_number(call, 6, value.size);
        if (value.size > service_number(call, 2)) {
            status = STATUS_MORE_DATA;
        } else {
            service_set_text(call, 3, value.name);
            service_set_number(call, 4, value.type);
            service_set_octets(call, 5, (cmrp_view){value.data, value.size});
        }
    }
    service_done(call, status);
    registry_value_clear(&value);
}

// ---- security descriptors -----------------------------------------------------------------------

enum { DESCRIPTOR, ROOM }; // members of RPC_SECURITY_DESCRIPTOR

static uint32_t rights_to_set(uint32_t components) {
    uint32_t rights = (components & (SECURITY_OWNER | SECURITY_GROUP)) != 0 ? WRITE_OWNER : 0;
    rights |= (components & SECURITY_DACL) != 0 ? WRITE_DAC : 0;
    return rights;
}

static uint32_t put_security(struct service_call *call, uint32_t components, cmrp_view given) {
    struct registry_key *key = service_object(call, 0);
    uint8_t *old = NULL;
    size_t size;
    uint32_t status = registry_security_get(key, &old, &size);
    if (status == 0) {
        struct buffer merged = {0};
        const cmrp_view rest = {old, size};
        security_merge(&merged, given, components, &rest, SECURITY_COMPONENTS);
        status = registry_security_set(key, buffer_view(&merged));
        buffer_free(&merged);
    }
    free(old);
    return status;
}

// Parameters: key, components, descriptor.
static void set_key_security(struct service_call *call) {
    const uint32_t components = (uint32_t)service_number(call, 1) & SECURITY_COMPONENTS;
    cmrp_slot members[CMRP_MAX_PARAMS];
    uint32_t status = STATUS_ACCESS_DENIED;
    if (!service_record(call, 2, members) || members[DESCRIPTOR].null ||
        !security_valid(members[DESCRIPTOR].bytes)) {
        status = STATUS_INVALID_PARAMETER;
    } else if (components == 0) { // there is nothing to change
        status = registry_key_check(service_object(call, 0));
    } else if (has_right(call, 0, rights_to_set(components))) {
        status = put_security(call, components, members[DESCRIPTOR].bytes);
    }
    service_done(call, status);
}

// Parameters: key, components, descriptor in the request and in the response.
static void get_key_security(struct service_call *call) {
    cmrp_slot members[CMRP_MAX_PARAMS];
    const uint64_t room = service_record(call, 2, members) ? members[ROOM].value : 0;
    const uint32_t components = (uint32_t)service_number(call, 1);
    struct buffer chosen = {0};
    uint8_t *whole = NULL;
    size_t size;
    uint32_t status = registry_security_get(service_object(call, 0), &whole, &size);
    if (status == 0) {
        cmrp_slot *answer = service_set_rows(call, 3, 1);
        security_merge(&chosen, (cmrp_view){whole, size}, components, NULL, 0);
        // A NULL pointer with room behind it is not allowed: where there is too little room, none
        // of the octets go.
        const bool fits = chosen.size <= room;
        status = fits ? STATUS_SUCCESS : INSUFFICIENT_BUFFER;
        service_slot_number(&answer[ROOM], fits ? room : chosen.size);
        service_slot_set_octets(&answer[DESCRIPTOR],
                                fits ? buffer_view(&chosen) : (cmrp_view){NULL, 0});
    }
    service_done(call, status);
    buffer_free(&chosen);
    free(whole);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_registry_methods[] = {
    {28, get_root_key,     READ, RO, 0, 0, {"samDesired", "return"}, NULL},
    {29, create_key,       ALL,  RW, 0, SERVICE_CREATES,
     {"hKey", "lpSubKey", "samDesired", "lpSecurityAttributes", "lpdwDisposition", "return"}, NULL},
    {30, open_key,         READ, RO, 0, 0, {"hKey", "lpSubKey", "samDesired", "return"}, NULL},
    {31, enum_key,         READ, RO, 0, 0, {"hKey", "dwIndex", "KeyName", "lpftLastWriteTime"}, NULL},
    {32, set_value,        ALL,  RW, 0, 0, {"hKey", "lpValueName", "dwType", "lpData"}, NULL},
    {33, delete_value,     ALL,  RW, 0, 0, {"hKey", "lpValueName"}, NULL},
    {34, query_value,      READ, RO, 0, 0,
     {"hKey", "lpValueName", "cbData", "lpValueType", "lpData", "lpcbRequired"}, query_value_refused},
    {35, delete_key,       ALL,  RW, 0, 0, {"hKey", "lpSubKey"}, NULL},
    {36, enum_value,       READ, RO, 0, 0,
     {"hKey", "dwIndex", "lpcbData", "lpValueName", "lpType", "lpData", "TotalSize"}, NULL},
    {37, close_key,        READ, RO, 0, 0, {"pKey"}, NULL},
    {38, query_info_key,   READ, RO, 0, 0,
     {"hKey", "lpcSubKeys", "lpcbMaxSubKeyLen", "lpcValues", "lpcbMaxValueNameLen",
      "lpcbMaxValueLen", "lpcbSecurityDescriptor", "lpftLastWriteTime"}, NULL},
    {39, set_key_security, ALL,  RW, 0, 0,
     {"hKey", "SecurityInformation", "pRpcSecurityDescriptor"}, NULL},
    {40, get_key_security, READ, RO, 0, 0,
     {"hKey", "SecurityInformation", "pRpcSecurityDescriptor", "out:pRpcSecurityDescriptor"}, NULL},
    {0},
};
