// SPDX-License-Identifier: Apache-2.0
// {"set":…,"value":…,"names":[…],"unknown":…}
#include "json/parts.h"

static json_t *number(const cmrp_change_set *set, uint64_t value) {
    return set->width == 8 ? json_decimal(value) : json_u32(value);
}

json_t *json_change_decode(const cmrp_change_set *set, cmrp_view bytes, cmrp_error *error) {
    uint64_t value;
    if (!cmrp_change_decode(set, bytes, &value, error)) {
        return NULL;
    }
    json_t *object = json_object();
    json_object_set_new(object, "set", json_string(set->name));
    json_object_set_new(object, "value", number(set, value));
    json_object_set_new(object, "names", json_flag_names(set, value));
    json_object_set_new(object, "unknown", number(set, cmrp_change_unknown(set, value)));
    return object;
}

// The value that the names stand for, and whether there was more than one.
static bool value_of_names(struct shape *s, const cmrp_change_set *set, const json_t *names,
                           uint64_t *value) {
    size_t i;
    json_t *item;
    *value = 0;
    if (!shape_array(s, names)) {
        return false;
    }
    if (set->enumeration && json_array_size(names) > 1) {
        return shape_fail(s, "%s has one value, not several", set->name);
    }
    json_array_foreach(names, i, item) {
        const char *name = shape_text(item);
        const cmrp_change_flag *flag = name != NULL ? cmrp_change_flag_named(set, name) : NULL;
        if (flag == NULL) {
            shape_enter_index(s, i);
            return shape_fail(s, "not a name of %s", set->name);
        }
        *value |= flag->value;
    }
    return true;
}

struct writing {
    const cmrp_change_set *set;
    uint64_t value;
};

static bool write_value(void *context, cmrp_writer *w) {
    const struct writing *writing = context;
    return cmrp_change_encode(writing->set, writing->value, w);
}

bool json_change_encode(struct shape *s, const cmrp_change_set *set, const json_t *value,
                        struct buffer *out) {
    static const char *const keys[] = {"set", "value", "names", "unknown", NULL};
    const uint64_t max = set->width == 8 ? UINT64_MAX : UINT32_MAX;
    struct writing writing = {.set = set};
    uint64_t unknown = 0;
    const char *named = set->name;
    if (!shape_object(s, value, keys) || !shape_string(s, value, "set", false, &named) ||
        !shape_u64(s, value, "unknown", false, max, &unknown)) {
        return false;
    }
    if (cmrp_change_set_named(named) != set) {
        return shape_fail(s, "the value is of another set than %s", set->name);
    }
    const json_t *names = json_object_get(value, "names");
    const json_t *integer = json_object_get(value, "value");
    if (names == NULL && integer == NULL) {
        return shape_fail(s, "neither value nor names is given");
    }
    uint64_t from_names = 0;
    if (names != NULL) {
        const size_t mark = shape_mark(s);
        shape_enter_key(s, "names");
        if (!value_of_names(s, set, names, &from_names)) {
            return false;
        }
        shape_leave(s, mark);
    }
    writing.value = from_names | unknown;
    if (!shape_u64(s, value, "value", false, max, &writing.value)) {
        return false;
    }
    // What is said twice must agree: the defined part with names, the rest with unknown.
    const uint64_t rest = cmrp_change_unknown(set, writing.value);
    const uint64_t defined = set->enumeration && rest != 0 ? 0 : writing.value & ~rest;
    if (names != NULL && from_names != defined) {
        return shape_fail(s, "value and names disagree");
    }
    if (json_object_get(value, "unknown") != NULL && unknown != rest) {
        return shape_fail(s, "value and unknown disagree");
    }
    return json_write(s, write_value, &writing, out);
}
