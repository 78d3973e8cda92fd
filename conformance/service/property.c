// SPDX-License-Identifier: Apache-2.0
#include "service/property.h"

#include "cmrp/payload.h"

// ---- schema -------------------------------------------------------------------------------------

enum { OF_CLUSTER = CLUSTER_KINDS };

// Writable common properties that every object of a kind has, with their defaults.
static const struct {
    unsigned kind;
    struct cluster_property property;
} schema[] = {
    {CLUSTER_NODE, {"Description", false, 0, ""}},
    {CLUSTER_GROUP, {"AutoFailbackType", true, 0, NULL}},
    {CLUSTER_GROUP, {"Description", false, 0, ""}},
    {CLUSTER_GROUP, {"FailoverPeriod", true, 6, NULL}},
    {CLUSTER_GROUP, {"FailoverThreshold", true, UINT32_MAX, NULL}},
    {CLUSTER_GROUP, {"Priority", true, 2000, NULL}},
    {CLUSTER_RESOURCE, {"Description", false, 0, ""}},
    {CLUSTER_RESOURCE_TYPE, {"Description", false, 0, ""}},
    {CLUSTER_RESOURCE_TYPE, {"IsAlivePollInterval", true, 60000, NULL}},
    {CLUSTER_RESOURCE_TYPE, {"LooksAlivePollInterval", true, 5000, NULL}},
    {CLUSTER_NETWORK, {"Description", false, 0, ""}},
    {CLUSTER_NETINTERFACE, {"Description", false, 0, ""}},
    {OF_CLUSTER, {"Description", false, 0, ""}},
};
enum { SCHEMA = sizeof schema / sizeof schema[0], READ_ONLY = 4 };
enum { MOST = 1000 }; // properties in one request

// ---- gathering ----------------------------------------------------------------------------------

static const struct cluster_property *find(const struct property_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++) {
        if (text_compare_folded(list->at[i].name, name) == 0) {
            return &list->at[i];
        }
    }
    return NULL;
}

static size_t count_set(const struct property_target *target, bool private) {
    struct cluster_property p;
    size_t count = 0;
    while (cluster_property_at(target->cluster, target->object, private, count, &p)) {
        count++;
    }
    return count;
}

// What an object tells of itself but does not let be set.
static void gather_read_only(const struct property_target *target, struct property_list *list) {
    const struct cluster_object *object = target->object;
    if (object == NULL) {
        list->at[list->count++] =
            (struct cluster_property){"Name", false, 0, cluster_name(target->cluster)};
        return;
    }
    list->at[list->count++] =
        (struct cluster_property){"Name", false, 0, cluster_object_name(object)};
    if (cluster_object_kind(object) == CLUSTER_GROUP) {
        list->at[list->count++] =
            (struct cluster_property){"GroupType", true, cluster_object_number(object), NULL};
    }
}

struct property_list property_gather(struct service_call *call,
                                     const struct property_target *target,
                                     enum property_scope scope) {
    struct property_list list = {0};
    const bool private = scope == PROPERTY_PRIVATE || scope == PROPERTY_RO_PRIVATE;
    const bool read_only = scope == PROPERTY_RO_COMMON || scope == PROPERTY_RO_PRIVATE;
    const unsigned kind = target->object == NULL ? OF_CLUSTER : cluster_object_kind(target->object);
    const size_t set = read_only ? 0 : count_set(target, private);
    list.at = service_alloc(call, (set + SCHEMA + READ_ONLY) * sizeof *list.at);
    for (size_t i = 0; i < set; i++) {
        cluster_property_at(target->cluster, target->object, private, i, &list.at[list.count++]);
    }
    for (size_t i = 0; scope == PROPERTY_COMMON && i < SCHEMA; i++) {
        if (schema[i].kind == kind && find(&list, schema[i].property.name) == NULL) {
            list.at[list.count++] = schema[i].property;
        }
    }
    if (scope == PROPERTY_RO_COMMON) {
        gather_read_only(target, &list);
    }
    return list;
}

bool property_select(struct service_call *call, const struct property_list *all, cmrp_view names,
                     struct property_list *selected) {
    size_t cursor = 0;
    cmrp_view name;
    *selected = (struct property_list){0};
    selected->at = service_alloc(call, (all->count + 1) * sizeof *selected->at);
    while (cmrp_multi_sz_next(names, &cursor, &name)) {
        const cmrp_slot slot = {.present = true, .order = CMRP_LITTLE_ENDIAN, .bytes = name};
        const char *text = service_slot_text(call, &slot);
        if (strcmp(text, "*") == 0) {
            *selected = *all;
            return true;
        }
        const struct cluster_property *found = find(all, text);
        if (found == NULL || selected->count == all->count) { // some twice
            return false;
        }
        selected->at[selected->count++] = *found;
    }
    return true;
}

// ---- octets -------------------------------------------------------------------------------------

cmrp_view property_text(struct service_call *call, const char *utf8) {
    struct buffer units = {0};
    text_to_units(&units, utf8, strlen(utf8), CMRP_LITTLE_ENDIAN);
    buffer_append(&units, "\0", 2);
    const cmrp_view view = {service_copy(call, units.data, units.size), units.size};
    buffer_free(&units);
    return view;
}

cmrp_view property_names(struct service_call *call, const struct property_list *list) {
    struct buffer units = {0};
    for (size_t i = 0; i < list->count; i++) {
        const cmrp_view name = property_text(call, list->at[i].name);
        buffer_append(&units, name.data, name.size);
    }
    buffer_append(&units, "\0", 2);
    const cmrp_view view = {service_copy(call, units.data, units.size), units.size};
    buffer_free(&units);
    return view;
}

static bool put(struct service_call *call, cmrp_property_writer *pw,
                const struct cluster_property *p) {
    const cmrp_property name = {.name = property_text(call, p->name)};
    cmrp_property_value value = {.syntax = CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD};
    uint8_t number[4];
    cmrp_store_u32(number, p->number, CMRP_LITTLE_ENDIAN);
    value.data = (cmrp_view){number, sizeof number};
    if (!p->is_number) {
        value.syntax = CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ;
        value.data = property_text(call, p->text);
    }
    return cmrp_property_put(pw, &name) && cmrp_property_put_value(pw, &value);
}

static bool put_all(struct service_call *call, cmrp_writer *writer,
                    const struct property_list *list) {
    cmrp_property_writer pw = {0};
    bool well = cmrp_property_writer_open(&pw, writer);
    for (size_t i = 0; well && i < list->count; i++) {
        well = put(call, &pw, &list->at[i]);
    }
    return well && cmrp_property_writer_close(&pw);
}

cmrp_view property_encode(struct service_call *call, const struct property_list *list) {
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_view view = {0};
    cmrp_sizer_init(&writer, &error, NULL);
    if (!put_all(call, &writer, list)) {
        return view;
    }
    uint8_t *octets = service_alloc(call, writer.size);
    cmrp_writer_init(&writer, octets, writer.size, &error, NULL);
    if (put_all(call, &writer, list)) {
        view = (cmrp_view){octets, writer.size};
    }
    return view;
}

// Text without its NUL.
static const char *text_of(struct service_call *call, cmrp_view units) {
    const cmrp_slot slot = {.present = true, .order = CMRP_LITTLE_ENDIAN, .bytes = units};
    return service_slot_text(call, &slot);
}

static bool take_value(struct service_call *call, const cmrp_property *property,
                       struct cluster_property *out) {
    cmrp_property_value value;
    size_t cursor = 0;
    if (property->value_count != 1 || !cmrp_property_next_value(property, &cursor, &value)) {
        return false;
    }
    switch (value.syntax) {
    case CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD:
        out->is_number = true;
        out->number = (uint32_t)cmrp_property_value_number(&value);
        return true;
    case CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ:
    case CMRP_CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ:
        out->text = text_of(call, value.data);
        return true;
    default: return false;
    }
}

uint32_t property_decode(struct service_call *call, cmrp_view octets, struct property_list *list) {
    cmrp_error error = {0};
    cmrp_property_list reader;
    cmrp_property property;
    *list = (struct property_list){0};
    if (!cmrp_property_list_open(&reader, octets, 0, &error)) {
        return STATUS_INVALID_PARAMETER;
    }
    list->at = service_alloc(call, MOST * sizeof *list->at);
    while (cmrp_property_list_next(&reader, &property)) {
        if (list->count == MOST) {
            return STATUS_INVALID_PARAMETER;
        }
        struct cluster_property *p = &list->at[list->count++];
        p->name = text_of(call, property.name);
        if (*p->name == '\0' || !take_value(call, &property, p)) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    return error.code == CMRP_OK && list->count > 0 ? (uint32_t)STATUS_SUCCESS
                                                    : (uint32_t)STATUS_INVALID_PARAMETER;
}
