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
    for (size_t i = 0; i < properties->count; i++) {
        const int order = text_compare_folded(properties->at[i].name, name);
        if (order >= 0) {
            *there = order == 0;
            return i;
        }
    }
    *there = false;
    return properties->count;
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
static const uint16_t flags[][2] = {
    [CLUSTER_NODE] = {0x4, 0x8},     [CLUSTER_GROUP] = {0x2, 0x4},
    [CLUSTER_RESOURCE] = {0x1, 0x2}, [CLUSTER_RESOURCE_TYPE] = {0x2, 0x4},
    [CLUSTER_NETWORK] = {0x2, 0x4},  [CLUSTER_NETINTERFACE] = {0x2, 0x4},
    [CLUSTER_SELF] = {0x80, 0x100},
};

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
        event_tell_object(object, TELL_PROPERTY, flags[object->kind][private], payload);
        return;
    }
    struct telling t = {
        // a name for version 1, none for version 2
        .change = event_bit(object->kind, TELL_PROPERTY),
        .object_type = event_object_type(object->kind),
        .flag = flags[object->kind][private],
        .name = object->f.name,
        .name_v2 = "",
        .payload = payload,
    };
    event_tell(cluster, &t);
}

uint32_t cluster_set_property(struct cluster *cluster, struct cluster_object *object, bool private,
                              const struct cluster_property *property) {
    struct cluster_object *o = object != NULL ? object : cluster->self;
    if (o->f.deleted) {
        return cluster_not_available(o->kind);
    }
    if (property->name == NULL || property->name[0] == '\0') {
        return CLUSTER_ERROR_INVALID_PARAMETER;
    }
    change_begin(cluster);
    change_touch(o);
    if (properties_set(&o->f.properties[private], property)) {
        change_nonvolatile(o);
        tell_property(o, private, property);
    }
    return change_end(cluster, 0);
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
