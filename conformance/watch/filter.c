// SPDX-License-Identifier: Apache-2.0
// Names to filters.
#include "watch/filter.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "util/buffer.h"

enum { NAME_SIZE = 128 };

static const char change_prefix[] = "CLUSTER_CHANGE_";
static const char type_prefix[] = "CLUSTER_OBJECT_TYPE_";

// ---- names --------------------------------------------------------------------------------------

static void upper(char out[NAME_SIZE], const char *name) {
    size_t i = 0;
    for (; i + 1 < NAME_SIZE && name[i] != '\0'; i++) {
        out[i] = (char)toupper((unsigned char)name[i]);
    }
    out[i] = '\0';
}

static const char *without_prefix(const char *name, const char *prefix) {
    const size_t size = strlen(prefix);
    return strncmp(name, prefix, size) == 0 ? name + size : name;
}

static bool ends_with(const char *name, const char *end) {
    const size_t size = strlen(name), tail = strlen(end);
    return tail <= size && strcmp(name + size - tail, end) == 0;
}

static void cut_end(char *name, const char *end) {
    if (ends_with(name, end)) {
        name[strlen(name) - strlen(end)] = '\0';
    }
}

static void cut_part(char *name, const char *part) {
    char *at = strstr(name, part);
    if (at != NULL) {
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
    }
}

// Whether a pattern in upper case means a name: whole or without its prefix, with or without "_V2".
static bool means(const char *pattern, const char *name) {
    char whole[NAME_SIZE];
    upper(whole, name);
    const char *brief = without_prefix(whole, change_prefix);
    if (brief == whole) {
        brief = without_prefix(whole, "CLUSTER_"); // CLUSTER_RESOURCE_TYPE_SPECIFIC_V2
    }
    if (fnmatch(pattern, whole, 0) == 0 || fnmatch(pattern, brief, 0) == 0) {
        return true;
    }
    cut_end(whole, "_V2");
    return fnmatch(pattern, whole, 0) == 0 || fnmatch(pattern, brief, 0) == 0;
}

// ---- sets ---------------------------------------------------------------------------------------

// The flags of a type's events that a registration may have.
static uint64_t registrable(const cmrp_change_set *set) {
    return cmrp_change_registrable(set, CMRP_SCOPE_V2);
}

// Changes of keys are watched in all that lies below, too.
static uint64_t extent(uint32_t type) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_REGISTRY_V2);
    return type == set->object_type ? cmrp_change_with(set, CMRP_CHANGE_MODIFIER) : 0;
}

void watch_filter_all(struct watch_filter *filter) {
    *filter = (struct watch_filter){{0}, 0};
    for (uint32_t type = 0; type < WATCH_TYPES; type++) {
        const cmrp_change_set *set = cmrp_change_set_of_type(type);
        filter->flags[type] = set != NULL ? registrable(set) : 0;
    }
}

// What a pattern selected.
struct found {
    bool something;
    const char *client_only; // a name that a server never reports
};

static void add_type(struct watch_filter *filter, uint32_t type, struct found *found) {
    const cmrp_change_set *set = cmrp_change_set_of_type(type);
    if (set != NULL) {
        filter->flags[type] |= registrable(set);
        found->something = true;
    }
}

static void add_flags(struct watch_filter *filter, uint32_t type, const char *pattern,
                      struct found *found) {
    const cmrp_change_set *set = cmrp_change_set_of_type(type);
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        const cmrp_change_flag *flag = &set->flags[i];
        if (!means(pattern, flag->name)) {
            continue;
        }
        if ((flag->value & ~registrable(set)) != 0) {
            found->client_only = flag->name;
        } else {
            filter->flags[type] |= flag->value | extent(type);
            found->something = true;
        }
    }
}

static void add_v1(struct watch_filter *filter, const char *word, struct found *found) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const unsigned ways = CMRP_SCOPE_CLUSTER | CMRP_SCOPE_KEY;
    const cmrp_change_flag *flag = cmrp_change_flag_named(set, word);
    if (flag == NULL) {
        return;
    }
    if ((flag->value & ~cmrp_change_registrable(set, ways)) != 0) {
        found->client_only = flag->name;
    } else {
        filter->changes |= (uint32_t)flag->value;
        found->something = true;
    }
}

bool watch_filter_add(struct watch_filter *filter, const char *word, char **error) {
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    struct found found = {false, NULL};
    char pattern[NAME_SIZE];
    upper(pattern, word);
    add_v1(filter, pattern, &found);
    for (uint32_t i = 0; !found.something && i < types->count; i++) {
        // A type by its name; a pattern of types would take in what was meant for flags.
        if (strcmp(without_prefix(pattern, type_prefix),
                   without_prefix(types->flags[i].name, type_prefix)) == 0) {
            add_type(filter, (uint32_t)types->flags[i].value, &found);
        }
    }
    if (!found.something) {
        for (uint32_t type = 0; type < WATCH_TYPES; type++) {
            add_flags(filter, type, pattern, &found);
        }
    }
    if (found.something) {
        return true;
    }
    *error =
        found.client_only != NULL
            ? util_format("%s is said by clients only: no server reports it", found.client_only)
            : util_format("\"%.60s\" is neither a change nor an object type that can be "
                          "watched",
                          word);
    return false;
}

bool watch_filter_v2(const struct watch_filter *filter) {
    for (uint32_t type = 0; type < WATCH_TYPES; type++) {
        if (filter->flags[type] != 0) {
            return true;
        }
    }
    return false;
}

static uint32_t v1_registry(void) {
    return (uint32_t)cmrp_change_registrable(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE),
                                             CMRP_SCOPE_KEY);
}

bool watch_filter_registry(const struct watch_filter *filter) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_REGISTRY_V2);
    return filter->flags[set->object_type] != 0 || (filter->changes & v1_registry()) != 0;
}

// ---- version 1 ----------------------------------------------------------------------------------

// The flag of CLUSTER_CHANGE that says what a flag of a version 2 set says, or 0: GROUP_STATE for
// GROUP_STATE_V2, GROUP_PROPERTY for both kinds of properties, GROUP_ADDED for CLUSTER_GROUP_ADDED.
static uint32_t same_in_v1(const char *v2_name) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    char name[NAME_SIZE];
    upper(name, without_prefix(v2_name, change_prefix));
    cut_end(name, "_V2");
    cut_part(name, "COMMON_");
    cut_part(name, "PRIVATE_");
    for (uint32_t i = 0; i < set->count; i++) {
        const char *brief = without_prefix(set->flags[i].name, change_prefix);
        const char *rest = without_prefix(name, "CLUSTER_");
        const char *inner = strchr(rest, '_'); // GROUP_RESOURCE_ADDED, NODE_NETINTERFACE_ADDED
        if (strcmp(name, brief) == 0 || strcmp(rest, brief) == 0 ||
            (inner != NULL && ends_with(brief, "_ADDED") && strcmp(inner + 1, brief) == 0)) {
            return (uint32_t)set->flags[i].value;
        }
    }
    return 0;
}

uint32_t watch_filter_as_v1(const struct watch_filter *filter) {
    const cmrp_change_set *v1 = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const uint32_t groupsets = cmrp_change_set_at(CMRP_SET_GROUPSET_V2)->object_type;
    uint32_t changes = filter->changes;
    for (uint32_t type = 0; type < WATCH_TYPES; type++) {
        const cmrp_change_set *set = cmrp_change_set_of_type(type);
        for (uint32_t i = 0; set != NULL && type != groupsets && i < set->count; i++) {
            if ((filter->flags[type] & set->flags[i].value) != 0) {
                changes |= same_in_v1(set->flags[i].name);
            }
        }
    }
    return changes & (uint32_t)cmrp_change_registrable(v1, CMRP_SCOPE_CLUSTER | CMRP_SCOPE_KEY);
}
