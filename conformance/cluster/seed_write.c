// SPDX-License-Identifier: Apache-2.0
// What is nonvolatile about objects, as JSON that seed_read reads.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *properties_json(const struct properties *properties) {
    json_t *object = json_object();
    for (size_t i = 0; i < properties->count; i++) {
        const struct property *p = &properties->at[i];
        set(object, p->name, p->is_number ? json_integer(p->number) : json_string(p->text));
    }
    return object;
}

static json_t *names_json(const struct objects *objects) {
    json_t *array = json_array();
    for (size_t i = 0; i < objects->count; i++) {
        json_array_append_new(array, json_string(objects->at[i]->f.name));
    }
    return array;
}

static json_t *common(const struct cluster_object *o) {
    json_t *object = json_object();
    set(object, "name", json_string(o->f.name));
    if (o->kind == CLUSTER_NODE) {
        set(object, "id", json_integer(o->f.number));
    } else if (o->id[0] != '\0') {
        set(object, "id", json_string(o->id));
    }
    if (o->f.properties[0].count > 0) {
        set(object, "properties", properties_json(&o->f.properties[0]));
    }
    if (o->f.properties[1].count > 0) {
        set(object, "private_properties", properties_json(&o->f.properties[1]));
    }
    return object;
}

static json_t *resource_json(const struct cluster_object *o) {
    json_t *object = common(o);
    set(object, "type", json_string(o->f.type->f.name));
    set(object, "separate_monitor", json_boolean(o->f.number != 0));
    set(object, "online", json_boolean(o->f.online));
    set(object, "core", json_boolean(o->f.core));
    set(object, "restart", json_boolean(o->f.restart));
    set(object, "depends_on", names_json(&o->f.depends));
    set(object, "possible_owners", names_json(&o->f.owners));
    return object;
}

static json_t *group_json(const struct cluster_object *o) {
    json_t *object = common(o), *resources = json_array();
    for (size_t i = 0; i < o->members.count; i++) {
        json_array_append_new(resources, resource_json(o->members.at[i]));
    }
    set(object, "type", json_integer(o->f.number));
    set(object, "owner", json_string(o->f.parent->f.name));
    set(object, "online", json_boolean(o->f.online));
    set(object, "preferred_owners", names_json(&o->f.preferred));
    set(object, "resources", resources);
    return object;
}

static json_t *object_json(const struct cluster_object *o) {
    static const char *const roles[] = {"none", "private", "public", "mixed"};
    if (o->kind == CLUSTER_GROUP) {
        return group_json(o);
    }
    json_t *object = common(o);
    if (o->kind == CLUSTER_NODE) {
        set(object, "state", json_string(o->f.online ? "paused" : "up"));
    } else if (o->kind == CLUSTER_NETWORK) {
        set(object, "role", json_string(roles[o->f.number & 3]));
    } else if (o->kind == CLUSTER_NETINTERFACE) {
        set(object, "node", json_string(o->f.parent->f.name));
        set(object, "network", json_string(o->f.type->f.name));
    }
    return object;
}

static json_t *kind_json(const struct cluster *cluster, enum cluster_kind kind) {
    json_t *array = json_array();
    for (const struct cluster_object *o = cluster->kinds[kind].first; o != NULL; o = o->next) {
        if (!o->f.deleted) {
            json_array_append_new(array, object_json(o));
        }
    }
    return array;
}

static json_t *self_json(const struct cluster *cluster) {
    const struct facts *f = &cluster->self->f;
    const struct cluster_version *v = &cluster->version;
    json_t *object = common(cluster->self), *version = json_object(), *quorum = json_object();
    set(version, "major", json_integer(v->major));
    set(version, "minor", json_integer(v->minor));
    set(version, "build", json_integer(v->build));
    set(version, "vendor", json_string(v->vendor));
    set(version, "service_pack", json_string(v->service_pack));
    set(version, "highest", json_integer(v->highest));
    set(version, "lowest", json_integer(v->lowest));
    set(version, "flags", json_integer(v->flags));
    if (f->parent != NULL) {
        set(quorum, "resource", json_string(f->parent->f.name));
    }
    set(quorum, "path", json_string(f->path != NULL ? f->path : ""));
    set(quorum, "log_size", json_integer(f->number));
    set(object, "node", json_string(cluster->own->f.name));
    set(object, "ids", json_integer((json_int_t)cluster->next_id));
    set(object, "version", version);
    set(object, "quorum", quorum);
    return object;
}

char *seed_write(const struct cluster *cluster) {
    json_t *document = json_object();
    set(document, "cluster", self_json(cluster));
    set(document, "nodes", kind_json(cluster, CLUSTER_NODE));
    set(document, "networks", kind_json(cluster, CLUSTER_NETWORK));
    set(document, "interfaces", kind_json(cluster, CLUSTER_NETINTERFACE));
    set(document, "resource_types", kind_json(cluster, CLUSTER_RESOURCE_TYPE));
    set(document, "groups", kind_json(cluster, CLUSTER_GROUP));
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}
