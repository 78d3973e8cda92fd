// SPDX-License-Identifier: Apache-2.0
// Methods on keys and values, one call at a time: names, room and sizes.
#include <string.h>

#include "rules/batch_state.h"

enum { ERROR_MORE_DATA = 0xea, REG_CREATED_NEW_KEY = 1 };

// Bits of an access mask for a key: generic, MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY, standard
// [MS-DTYP 2.4.3], and the key's own [MS-RRP 2.2.3].
static const uint32_t key_access = 0xf31f033f;

static bool is_backslash(const cmrp_slot *name, size_t unit) {
    return cmrp_load_u16(name->bytes.data + 2 * unit, name->order) == '\\';
}

static const cmrp_slot *in(const struct sight *s, const char *name) {
    return sight_slot(&s->call->request, name);
}

static const cmrp_slot *out(const struct sight *s, const char *name) {
    return sight_slot(&s->call->response, name);
}

// ---- names that clients give --------------------------------------------------------------------

static void judge_path(const struct sight *s, size_t rule, bool may_be_empty) {
    const cmrp_slot *name = in(s, "lpSubKey");
    const struct where where = sight_where(s, false, "lpSubKey");
    if (name == NULL) {
        return;
    }
    if (name->bytes.size >= 2 && is_backslash(name, 0)) {
        rule_broken(s, rule, &where, "the name begins with a backslash");
    } else if (name->bytes.size == 0 && !may_be_empty) {
        rule_broken(s, rule, &where, "the name is empty");
    } else {
        rule_kept(s, rule);
    }
}

// ---- ApiCreateKey -------------------------------------------------------------------------------

static void judge_access(const struct sight *s) {
    const cmrp_slot *access = in(s, "samDesired");
    if (access == NULL) {
        return;
    }
    const unsigned long odd = (unsigned long)(access->value & ~(uint64_t)key_access);
    if (odd == 0) {
        rule_kept(s, RULE_CREATE_KEY_ACCESS);
        return;
    }
    const struct where where = sight_where(s, false, "samDesired");
    rule_broken(s, RULE_CREATE_KEY_ACCESS, &where, "0x%08llx: no access right has the bits 0x%08lx",
                (unsigned long long)access->value, odd);
}

static void judge_options(const struct sight *s) {
    const cmrp_slot *options = in(s, "dwOptions");
    if (options == NULL || sight_interface(s) != CMRP_INTERFACE_2) {
        return; // version 3 ignores it
    }
    if (options->value == 0) {
        rule_kept(s, RULE_CREATE_KEY_OPTIONS);
        return;
    }
    const struct where where = sight_where(s, false, "dwOptions");
    rule_broken(s, RULE_CREATE_KEY_OPTIONS, &where, "0x%08llx, not 0",
                (unsigned long long)options->value);
    if (sight_succeeded(s)) {
        const struct where status = sight_where(s, true, "Status");
        rule_broken(s, RULE_CREATE_KEY_OPTIONS_FAIL, &status, "success with dwOptions 0x%08llx",
                    (unsigned long long)options->value);
    } else if (s->call->response.decoded) {
        rule_kept(s, RULE_CREATE_KEY_OPTIONS_FAIL); // or something else has failed first
    }
}

// The last member of the structure by this name.
static const cmrp_slot *member(const cmrp_struct *type, const cmrp_slot *members,
                               const char *name) {
    uint32_t i = type->count;
    while (i > 0 && strcmp(type->members[i - 1].name, name) != 0) {
        i--;
    }
    return i > 0 ? &members[i - 1] : NULL;
}

static void judge_inherit(const struct sight *s, const cmrp_slot *inherit) {
    const struct where where = {.place = RULES_REQUEST,
                                .offset = inherit->offset,
                                .size = 4,
                                .field = "lpSecurityAttributes.bInheritHandle"};
    if (inherit->value == 0) {
        rule_kept(s, RULE_CREATE_KEY_INHERIT);
    } else {
        rule_broken(s, RULE_CREATE_KEY_INHERIT, &where, "0x%08llx, not 0",
                    (unsigned long long)inherit->value);
    }
}

static void judge_attributes(const struct sight *s) {
    const cmrp_slot *attributes = in(s, "lpSecurityAttributes");
    cmrp_slot members[CMRP_MAX_PARAMS];
    if (attributes == NULL || attributes->null) {
        return;
    }
    cmrp_rows rows = attributes->rows;
    if (!cmrp_rows_next(&rows, members)) {
        return;
    }
    const cmrp_slot *inherit = member(attributes->rows.type, members, "bInheritHandle");
    if (inherit != NULL) {
        judge_inherit(s, inherit);
    }
}

static void judge_create(const struct sight *s) {
    judge_path(s, RULE_CREATE_KEY_PATH, true);
    judge_access(s);
    judge_options(s);
    judge_attributes(s);
    const cmrp_slot *name = in(s, "lpSubKey"), *disposition = out(s, "lpdwDisposition");
    if (name == NULL || name->bytes.size > 0 || disposition == NULL || !sight_succeeded(s)) {
        return;
    }
    // The key of a handle is there, or the call fails.
    if (disposition->value == REG_CREATED_NEW_KEY) {
        const struct where where = sight_where(s, true, "lpdwDisposition");
        rule_broken(s, RULE_CREATE_KEY_ITSELF, &where,
                    "REG_CREATED_NEW_KEY, but the empty name is that of hKey's own key");
    } else {
        rule_kept(s, RULE_CREATE_KEY_ITSELF);
    }
}

// ---- room and sizes -----------------------------------------------------------------------------

// ERROR_MORE_DATA is for data larger than the room.
static void judge_more_data(const struct sight *s, size_t rule, const char *room_name,
                            const char *size_name) {
    const cmrp_slot *room = in(s, room_name), *size = out(s, size_name);
    uint32_t status;
    if (room == NULL || size == NULL || !sight_status(s, &status) || status != ERROR_MORE_DATA) {
        return;
    }
    if (size->value > room->value) {
        rule_kept(s, rule);
        return;
    }
    const struct where where = sight_where(s, true, size_name);
    rule_broken(s, rule, &where, "ERROR_MORE_DATA, but the %llu octets needed fit into %llu",
                (unsigned long long)size->value, (unsigned long long)room->value);
}

// What was written has found room.
static bool judge_written(const struct sight *s, size_t rule, const char *room_name,
                          const char *size_name) {
    const cmrp_slot *room = in(s, room_name), *size = out(s, size_name);
    if (room == NULL || size == NULL || size->value <= room->value) {
        return true;
    }
    const struct where where = sight_where(s, true, size_name);
    rule_broken(s, rule, &where, "%llu octets written, but there is room for %llu",
                (unsigned long long)size->value, (unsigned long long)room->value);
    return false;
}

static void judge_query_value(const struct sight *s) {
    judge_more_data(s, RULE_QUERY_VALUE_MORE_DATA, "cbData", "lpcbRequired");
    if (sight_succeeded(s) && in(s, "cbData") != NULL &&
        judge_written(s, RULE_QUERY_VALUE_SIZE, "cbData", "lpcbRequired")) {
        rule_kept(s, RULE_QUERY_VALUE_SIZE);
    }
}

static void judge_enum_value(const struct sight *s) {
    const cmrp_slot *name = out(s, "lpValueName"), *size = out(s, "lpcbData"),
                    *total = out(s, "TotalSize");
    judge_more_data(s, RULE_ENUM_VALUE_MORE_DATA, "lpcbData", "TotalSize");
    if (!sight_succeeded(s) || name == NULL || size == NULL || total == NULL) {
        return;
    }
    if (size->value != total->value) {
        const struct where where = sight_where(s, true, "TotalSize");
        rule_broken(s, RULE_ENUM_VALUE_SIZE, &where,
                    "%llu, but lpcbData is %llu: both count the octets written",
                    (unsigned long long)total->value, (unsigned long long)size->value);
    } else if (judge_written(s, RULE_ENUM_VALUE_SIZE, "lpcbData", "TotalSize")) {
        rule_kept(s, RULE_ENUM_VALUE_SIZE);
    }
    if (name->null) {
        const struct where where = sight_where(s, true, "lpValueName");
        rule_broken(s, RULE_ENUM_VALUE_NAME, &where, "success, but NULL");
    } else {
        rule_kept(s, RULE_ENUM_VALUE_NAME);
    }
}

static void judge_enum_key(const struct sight *s) {
    const cmrp_slot *name = out(s, "KeyName");
    const struct where where = sight_where(s, true, "KeyName");
    if (name == NULL || !sight_succeeded(s)) {
        return;
    }
    if (name->null || name->bytes.size == 0) {
        rule_broken(s, RULE_ENUM_KEY_NAME, &where, "success, but %s",
                    name->null ? "NULL" : "an empty name");
        return;
    }
    for (size_t i = 0; i < name->bytes.size / 2; i++) {
        if (is_backslash(name, i)) {
            rule_broken(s, RULE_ENUM_KEY_NAME, &where,
                        "a backslash in the name, which separates the names of keys");
            return;
        }
    }
    rule_kept(s, RULE_ENUM_KEY_NAME);
}

// The header of a security descriptor is of 20 octets [MS-DTYP 2.4.6]; 0 may stand for none.
static void judge_query_info(const struct sight *s) {
    enum { SMALLEST = 20 };
    const cmrp_slot *size = out(s, "lpcbSecurityDescriptor");
    if (size == NULL || !sight_succeeded(s) || size->value == 0) {
        return;
    }
    if (size->value >= SMALLEST) {
        rule_kept(s, RULE_QUERY_INFO_DESCRIPTOR);
        return;
    }
    const struct where where = sight_where(s, true, "lpcbSecurityDescriptor");
    rule_broken(s, RULE_QUERY_INFO_DESCRIPTOR, &where,
                "%llu octets, but a security descriptor has at least %d",
                (unsigned long long)size->value, SMALLEST);
}

void batch_registry_on_call(const struct sight *s) {
    switch (s->call->call->opnum) {
    case OPNUM_CREATE_KEY: judge_create(s); break;
    case OPNUM_OPEN_KEY: judge_path(s, RULE_OPEN_KEY_PATH, true); break;
    case OPNUM_DELETE_KEY: judge_path(s, RULE_DELETE_KEY_PATH, false); break;
    case OPNUM_ENUM_KEY: judge_enum_key(s); break;
    case OPNUM_QUERY_VALUE: judge_query_value(s); break;
    case OPNUM_ENUM_VALUE: judge_enum_value(s); break;
    case OPNUM_QUERY_INFO_KEY: judge_query_info(s); break;
    default: break;
    }
}
