// SPDX-License-Identifier: Apache-2.0
#include "cmrp/change.h"

// Abbreviations of change.def's columns.
enum {
    NONE = 0,
    CLUSTER = CMRP_SCOPE_CLUSTER,
    NODE = CMRP_SCOPE_NODE,
    GROUP = CMRP_SCOPE_GROUP,
    RESOURCE = CMRP_SCOPE_RESOURCE,
    KEY = CMRP_SCOPE_KEY,
    NETWORK = CMRP_SCOPE_NETWORK,
    NETINTERFACE = CMRP_SCOPE_NETINTERFACE,
    V2 = CMRP_SCOPE_V2,
    RESTYPE = CMRP_SCOPE_RESOURCE_TYPE,
    RET = CMRP_CHANGE_RETURNABLE,
    CLIENT = CMRP_CHANGE_CLIENT_ONLY,
    MODIFIER = CMRP_CHANGE_MODIFIER,
    UNION = CMRP_CHANGE_UNION,
    V3 = CMRP_CHANGE_V3_ONLY,
};

// One array of flags a set.
#define CMRP_CHANGE_SET(id, name, section, width, object_type, enumeration)                        \
    static const cmrp_change_flag flags_##id[] = {
#define CMRP_CHANGE_FLAG(value, name, scopes, attributes) {value, name, scopes, attributes},
#define CMRP_CHANGE_END                                                                            \
    }                                                                                              \
    ;
#include "cmrp/change.def"

static const cmrp_change_set sets[] = {
#define CMRP_CHANGE_SET(id, name, section, width, object_type, enumeration)                        \
    {name,  section,     flags_##id, sizeof flags_##id / sizeof flags_##id[0],                     \
     width, object_type, enumeration},
#define CMRP_CHANGE_FLAG(value, name, scopes, attributes)
#define CMRP_CHANGE_END
#include "cmrp/change.def"
};

const cmrp_change_set *cmrp_change_set_at(unsigned id) {
    return id < CMRP_SET_COUNT ? &sets[id] : NULL;
}

const cmrp_change_set *cmrp_change_set_named(const char *name) {
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        if (strcmp(sets[i].name, name) == 0) {
            return &sets[i];
        }
    }
    return NULL;
}

const cmrp_change_set *cmrp_change_set_of_type(uint32_t object_type) {
    for (unsigned i = 0; object_type != 0 && i < CMRP_SET_COUNT; i++) {
        if (sets[i].object_type == object_type) {
            return &sets[i];
        }
    }
    return NULL;
}

const cmrp_change_flag *cmrp_change_flag_named(const cmrp_change_set *set, const char *name) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (strcmp(set->flags[i].name, name) == 0) {
            return &set->flags[i];
        }
    }
    return NULL;
}

uint64_t cmrp_change_registrable(const cmrp_change_set *set, unsigned scopes) {
    uint64_t mask = 0;
    for (uint32_t i = 0; i < set->count && !set->enumeration; i++) {
        mask |= (set->flags[i].scopes & scopes) != 0 ? set->flags[i].value : 0;
    }
    return mask;
}

uint64_t cmrp_change_with(const cmrp_change_set *set, unsigned attributes) {
    uint64_t mask = 0;
    for (uint32_t i = 0; i < set->count && !set->enumeration; i++) {
        mask |= (set->flags[i].attributes & attributes) != 0 ? set->flags[i].value : 0;
    }
    return mask;
}

uint64_t cmrp_change_unknown(const cmrp_change_set *set, uint64_t value) {
    for (uint32_t i = 0; i < set->count; i++) {
        if (!set->enumeration) {
            value &= ~set->flags[i].value;
        } else if (set->flags[i].value == value) {
            return 0;
        }
    }
    return value;
}

const cmrp_change_flag *cmrp_change_next(const cmrp_change_set *set, uint64_t value,
                                         uint32_t *cursor) {
    while (*cursor < set->count) {
        const cmrp_change_flag *flag = &set->flags[(*cursor)++];
        if ((flag->attributes & CMRP_CHANGE_UNION) != 0) {
            continue;
        }
        if (set->enumeration ? flag->value == value : (flag->value & value) != 0) {
            return flag;
        }
    }
    return NULL;
}

bool cmrp_change_decode(const cmrp_change_set *set, cmrp_view bytes, uint64_t *value,
                        cmrp_error *error) {
    cmrp_reader r;
    uint64_t v;
    cmrp_reader_init(&r, bytes, 0, error, set->section);
    if (!cmrp_take_uint(&r, "value", set->width, CMRP_LITTLE_ENDIAN, &v)) {
        return false;
    }
    if (r.left != 0) {
        return cmrp_fail(&r, CMRP_E_TRAILING, "value", r.offset, r.left);
    }
    *value = v;
    return true;
}

bool cmrp_change_encode(const cmrp_change_set *set, uint64_t value, cmrp_writer *w) {
    w->section = set->section;
    if (set->width == 4 && value > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "value", value);
    }
    return cmrp_put_uint(w, "value", set->width, CMRP_LITTLE_ENDIAN, value);
}
