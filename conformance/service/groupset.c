// SPDX-License-Identifier: Apache-2.0
// Group sets [MS-CMRP 3.1.1.1.5]: names, each a key below GroupSets in the registry.
#include <stdlib.h>

#include "service/parts.h"

enum { GROUPSET_NOT_FOUND = 5992 };

static const char place[] = "GroupSets";

// The key that holds all of them; created with the first.
static uint32_t open_place(struct service_call *call, bool create, struct registry_key **out) {
    struct registry_key *root;
    bool created;
    uint32_t status = registry_root(cluster_registry(service_cluster(call)), &root);
    if (status == STATUS_SUCCESS) {
        status = create ? registry_key_create(root, place, NULL, &created, out)
                        : registry_key_open(root, place, out);
        registry_key_release(root);
    }
    return status;
}

static bool is_name(const char *name) {
    return *name != '\0' && strchr(name, '\\') == NULL;
}

// Parameters: the handle, the name.
static void open_group_set(struct service_call *call) {
    const char *name = service_text(call, 1);
    struct registry_key *sets = NULL, *set = NULL;
    const bool found = is_name(name) && open_place(call, false, &sets) == STATUS_SUCCESS &&
                       registry_key_open(sets, name, &set) == STATUS_SUCCESS;
    registry_key_release(sets);
    service_done(call, found ? service_open(call, 0, SERVICE_HGROUPSET, set, SERVICE_ALL, 0)
                             : (uint32_t)GROUPSET_NOT_FOUND);
}

static uint32_t create(struct service_call *call, const char *name, struct registry_key **set) {
    struct registry_key *sets;
    bool created = false;
    if (!is_name(name) || !service_fits_name(call, 1)) {
        return CLUSTER_ERROR_INVALID_NAME;
    }
    uint32_t status = open_place(call, true, &sets);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = registry_key_create(sets, name, NULL, &created, set);
    registry_key_release(sets);
    if (status == STATUS_SUCCESS && !created) {
        registry_key_release(*set);
        status = CLUSTER_ERROR_OBJECT_ALREADY_EXISTS;
    }
    return status;
}

static void create_group_set(struct service_call *call) {
    struct registry_key *set;
    const uint32_t status = create(call, service_text(call, 1), &set);
    service_done(call, status == STATUS_SUCCESS
                           ? service_open(call, 0, SERVICE_HGROUPSET, set, SERVICE_ALL, 0)
                           : status);
}

static void close_group_set(struct service_call *call) {
    service_close(call, 0);
    service_done(call, STATUS_SUCCESS);
}

// Parameters: the list.
static void create_group_set_enum(struct service_call *call) {
    enum { ENTRY = 1, NAME = 1, MEMBERS = 2 };
    struct registry_key *sets = NULL;
    struct registry_info info = {0};
    if (open_place(call, false, &sets) == STATUS_SUCCESS) {
        registry_key_info(sets, &info);
    }
    cmrp_slot *list = service_set_rows(call, 0, 1);
    cmrp_slot *rows = service_slot_set_rows(call, &list[ENTRY], info.keys);
    for (uint32_t i = 0; i < info.keys; i++) {
        char *name = NULL;
        uint64_t written;
        registry_key_at(sets, i, &name, &written);
        service_slot_set_text(call, &rows[i * MEMBERS + NAME], name);
        free(name);
    }
    registry_key_release(sets);
    service_done(call, STATUS_SUCCESS);
}

enum { RO = SERVICE_STATE_READ_ONLY, RW = SERVICE_STATE_READ_WRITE };
enum { READ = SERVICE_READ, ALL = SERVICE_ALL };

// clang-format off
const struct service_method service_groupset_methods[] = {
    {163, create_group_set,      ALL,  RW, 0, SERVICE_CREATES, {"return", "lpszGroupSetName"}, NULL},
    {164, open_group_set,        ALL,  RO, 0, 0, {"return", "lpszGroupSetName"}, NULL},
    {165, close_group_set,       READ, RO, 0, 0, {"GroupSet"}, NULL},
    {180, create_group_set_enum, READ, RO, 0, 0, {"ReturnEnum"}, NULL},
    {0},
};
