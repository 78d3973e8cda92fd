// SPDX-License-Identifier: Apache-2.0
// Properties: names with a text or a number, in the order of names [MS-CMRP 3.1.1.9].
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

static void property_clear(struct property *p) {
    free(p->name);
    free(p->text);
}

void properties_clear(struct properties *properties) {
    for (size_t i = 0; i < properties->count; i++) {
        property_clear(&properties->at[i]);
    }
    free(properties->at);
    *properties = (struct properties){0};
}

static struct property property_new(const char *name, const char *text, bool is_number,
                                    uint32_t number) {
    return (struct property){
        .name = util_strdup(name),
        .text = is_number ? NULL : util_strdup(text),
        .is_number = is_number,
        .number = is_number ? number : 0,
    };
}

struct properties properties_copy(const struct properties *from) {
    struct properties copy = {.count = from->count};
    if (from->count > 0) {
        copy.at = util_alloc(from->count * sizeof *copy.at);
    }
    for (size_t i = 0; i < from->count; i++) {
        const struct property *p = &from->at[i];
        copy.at[i] = property_new(p->name, p->text, p->is_number, p->number);
    }
    return copy;
}

// The place of a name: where it is, or where it belongs.
static size_t place_of(const struct properties *properties, const char *name, bool *there) {
    size_t from = 0, to = properties->count;
    *there = false;
    while (from < to && !*there) {
        const size_t middle = from + (to - from) / 2;
        const int order = text_compare_folded(properties->at[middle].name, name);
        *there = order == 0;
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    return to;
}

const struct property *properties_find(const struct properties *properties, const char *name) {
    bool there;
    const size_t at = place_of(properties, name, &there);
    return there ? &properties->at[at] : NULL;
}

bool properties_set(struct properties *properties, const struct cluster_property *value) {
    bool there;
    const size_t at = place_of(properties, value->name, &there);
    struct property *p = there ? &properties->at[at] : NULL;
    const bool removes = !value->is_number && value->text == NULL;
    if (removes) {
        if (there) {
            property_clear(p);
            properties->count--;
            memmove(p, p + 1, (properties->count - at) * sizeof *p);
        }
        return there;
    }
    if (there && p->is_number == value->is_number &&
        (p->is_number ? p->number == value->number : strcmp(p->text, value->text) == 0)) {
        return false;
    }
    if (!there) {
        properties->at = util_grow(properties->at, properties->count + 1, sizeof *properties->at);
        p = &properties->at[at];
        memmove(p + 1, p, (properties->count - at) * sizeof *p);
        properties->count++;
        *p = (struct property){0};
    }
    const struct property now =
        property_new(there ? p->name : value->name, value->text, value->is_number, value->number);
    property_clear(p);
    *p = now;
    return true;
}

// The flags of version 2 for common and private properties, by kind; CLUSTER_SELF is last.
#define BOTH(type)                                                                                 \
    { CLUSTER_CHANGE_##type##_COMMON_PROPERTY_V2, CLUSTER_CHANGE_##type##_PRIVATE_PROPERTY_V2 }
static const uint16_t flags[][2] = {
    [CLUSTER_NODE] = BOTH(NODE),         [CLUSTER_GROUP] = BOTH(GROUP),
    [CLUSTER_RESOURCE] = BOTH(RESOURCE), [CLUSTER_RESOURCE_TYPE] = BOTH(RESOURCE_TYPE),
    [CLUSTER_NETWORK] = BOTH(NETWORK),   [CLUSTER_NETINTERFACE] = BOTH(NETINTERFACE),
    [CLUSTER_SELF] = BOTH(CLUSTER),
};

uint64_t property_flag(enum cluster_kind kind, bool private) {
    return flags[kind][private];
}

static void tell_property(struct cluster_object *object, bool private,
                          const struct cluster_property *value) {
    struct cluster *cluster = object->cluster;
    const bool wordless =
        private && (object->kind == CLUSTER_RESOURCE || object->kind == CLUSTER_RESOURCE_TYPE);
    const struct property p = {.name = (char *)(uintptr_t)value->name,
                               .text = (char *)(uintptr_t)value->text,
                               .is_number = value->is_number,
                               .number = value->number};
    const struct port_payload payload = wordless ? payload_none() : payload_property(&p);
    if (object != cluster->self) {
        event_tell_object(object, TELL_PROPERTY, property_flag(object->kind, private), payload);
        return;
    }
    struct telling t = {
        // a name for version 1, none for version 2
        .change = event_bit(object->kind, TELL_PROPERTY),
        .object_type = event_object_type(object->kind),
        .flag = property_flag(object->kind, private),
        .name = object->f.name,
        .name_v2 = "",
        .payload = payload,
    };
    event_tell(cluster, &t);
}

static size_t octets_of(const struct properties *properties) {
    size_t octets = 0;
    for (size_t i = 0; i < properties->count; i++) {
        const struct property *p = &properties->at[i];
        octets += sizeof *p + strlen(p->name) + (p->text != NULL ? strlen(p->text) : 0);
    }
    return octets;
}

uint32_t cluster_set_properties(struct cluster *cluster, struct cluster_object *object,
                                bool private, const struct cluster_property *properties,
                                size_t count) {
    struct cluster_object *o = object != NULL ? object : cluster->self;
    if (o->f.deleted) {
        return cluster_not_available(o->kind);
    }
    change_begin(cluster);
    change_touch(o);
    uint32_t status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct cluster_property *p = &properties[i];
        if (p->name == NULL || p->name[0] == '\0') {
            status = CLUSTER_ERROR_INVALID_PARAMETER;
        } else if (properties_set(&o->f.properties[private], p)) {
            change_nonvolatile(o);
            tell_property(o, private, p);
        }
    }
    if (status == 0 && octets_of(&o->f.properties[private]) > CLUSTER_PROPERTIES_OCTETS) {
        cluster_say(cluster, "the properties of \"%s\" would be larger than the limit", o->f.name);
        status = CLUSTER_ERROR_NOT_ENOUGH_MEMORY;
    }
    return change_end(cluster, status);
}

uint32_t cluster_set_property(struct cluster *cluster, struct cluster_object *object, bool private,
                              const struct cluster_property *property) {
    return cluster_set_properties(cluster, object, private, property, 1);
}

static struct cluster_property shown(const struct property *p) {
    return (struct cluster_property){p->name, p->is_number, p->number, p->text};
}

bool cluster_property_at(const struct cluster *cluster, const struct cluster_object *object,
                         bool private, size_t index, struct cluster_property *out) {
    const struct properties *properties =
        &(object != NULL ? object : cluster->self)->f.properties[private];
    if (index >= properties->count) {
        return false;
    }
    *out = shown(&properties->at[index]);
    return true;
}

bool cluster_property_get(const struct cluster *cluster, const struct cluster_object *object,
                          bool private, const char *name, struct cluster_property *out) {
    const struct property *found =
        properties_find(&(object != NULL ? object : cluster->self)->f.properties[private], name);
    if (found != NULL) {
        *out = shown(found);
    }
    return found != NULL;
}
