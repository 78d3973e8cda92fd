// SPDX-License-Identifier: Apache-2.0
// Objects from JSON: a seed, or the state that seed_write has written.
#include <stdlib.h>
#include <string.h>

#include "cluster/seed.h"

// ---- parts of objects ---------------------------------------------------------------------------

static bool read_properties(struct seed *s, const json_t *object, const char *key,
                            struct properties *out) {
    json_t *properties = json_object_get(object, key), *value;
    const char *name;
    if (properties == NULL) {
        return true;
    }
    const size_t before = seed_enter(s, key);
    if (!json_is_object(properties)) {
        return seed_wrong(s, "an object is expected");
    }
    json_object_foreach(properties, name, value) {
        struct cluster_property p = {.name = name, .is_number = json_is_integer(value)};
        const size_t inside = seed_enter(s, name);
        if (name[0] == '\0') {
            return seed_wrong(s, "a property needs a name");
        }
        const json_int_t number = json_integer_value(value);
        if (!p.is_number && !json_is_string(value)) {
            return seed_wrong(s, "a text or an integer is expected");
        }
        if (number < 0 || number > UINT32_MAX) {
            return seed_wrong(s, "an integer from 0 to 4294967295 is expected");
        }
        p.number = (uint32_t)number;
        p.text = p.is_number ? NULL : json_string_value(value);
        if (properties_find(out, name) != NULL) {
            return seed_wrong(s, "the same property again");
        }
        properties_set(out, &p);
        seed_leave(s, inside);
    }
    seed_leave(s, before);
    return true;
}

static bool read_all_properties(struct seed *s, const json_t *object, struct cluster_object *o) {
    return read_properties(s, object, "properties", &o->f.properties[0]) &&
           read_properties(s, object, "private_properties", &o->f.properties[1]);
}

static bool good_id(const char *id) {
    return id[0] != '\0' && strchr(id, '\\') == NULL && object_name_good(CLUSTER_GROUP, id);
}

// A new object with the name and, if it has such, the identifier that stand in the element.
static struct cluster_object *read_object(struct seed *s, const json_t *element,
                                          enum cluster_kind kind) {
    const char *name = NULL, *given = NULL;
    char *made = NULL;
    if (!seed_text(s, element, "name", true, &name) ||
        (kind != CLUSTER_NODE && !seed_text(s, element, "id", false, &given))) {
        return NULL;
    }
    if (!object_name_good(kind, name)) {
        seed_enter(s, "name");
        seed_wrong(s, "no good name of a %s", cluster_kind_name(kind));
        return NULL;
    }
    if (cluster_find(s->cluster, kind, name) != NULL) {
        seed_enter(s, "name");
        seed_wrong(s, "another %s has this name or identifier", cluster_kind_name(kind));
        return NULL;
    }
    if (given != NULL && (!good_id(given) || cluster_find(s->cluster, kind, given) != NULL)) {
        seed_enter(s, "id");
        seed_wrong(s, "the identifier is no good one, or another %s has it",
                   cluster_kind_name(kind));
        return NULL;
    }
    if (kind == CLUSTER_NODE) {
        uint32_t number = (uint32_t)s->cluster->kinds[CLUSTER_NODE].count + 1;
        if (!seed_number(s, element, "id", UINT32_MAX, &number)) {
            return NULL;
        }
        made = util_format("%u", (unsigned)number);
        if (number == 0 || cluster_find(s->cluster, kind, made) != NULL) {
            seed_wrong(s, "node number %u is 0 or taken", (unsigned)number);
            free(made);
            return NULL;
        }
    } else if (given == NULL && kind != CLUSTER_RESOURCE_TYPE) {
        made = object_new_id(s->cluster);
    }
    struct cluster_object *object = object_new(s->cluster, kind, name, made != NULL ? made : given);
    object->f.number = kind == CLUSTER_NODE ? (uint32_t)strtoul(made, NULL, 10) : 0;
    free(made);
    return read_all_properties(s, element, object) ? object : NULL;
}

// The object that a member names.
static struct cluster_object *read_reference(struct seed *s, const json_t *element, const char *key,
                                             enum cluster_kind kind) {
    const char *name;
    if (!seed_text(s, element, key, true, &name)) {
        return NULL;
    }
    struct cluster_object *object = cluster_find(s->cluster, kind, name);
    if (object == NULL) {
        seed_enter(s, key);
        seed_wrong(s, "there is no %s \"%s\"", cluster_kind_name(kind), name);
    }
    return object;
}

static bool read_word(struct seed *s, const json_t *element, const char *key,
                      const char *const *words, uint32_t *out) {
    const char *word = NULL;
    if (!seed_text(s, element, key, false, &word) || word == NULL) {
        return word == NULL && *s->error == NULL;
    }
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = i;
            return true;
        }
    }
    seed_enter(s, key);
    return seed_wrong(s, "\"%s\" is not known here", word);
}

struct references {
    enum cluster_kind kind;
    struct objects *objects;
};

static bool read_element_reference(struct seed *s, const json_t *element, void *context) {
    const struct references *r = context;
    if (!json_is_string(element)) {
        return seed_wrong(s, "a text is expected");
    }
    struct cluster_object *o = cluster_find(s->cluster, r->kind, json_string_value(element));
    if (o == NULL) {
        return seed_wrong(s, "there is no %s \"%s\"", cluster_kind_name(r->kind),
                          json_string_value(element));
    }
    if (objects_hold(r->objects, o)) {
        return seed_wrong(s, "named twice");
    }
    objects_add(r->objects, o);
    return true;
}

static bool read_references(struct seed *s, const json_t *element, const char *key,
                            enum cluster_kind kind, struct objects *out) {
    struct references r = {kind, out};
    return seed_array(s, element, key, read_element_reference, &r);
}

// ---- kinds --------------------------------------------------------------------------------------

static bool read_node(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {"name", "id", "state", "properties", "private_properties",
                                       NULL};
    static const char *const states[] = {"up", "down", "paused", "joining", NULL};
    (void)context;
    struct cluster_object *node =
        seed_object(s, element, keys) ? read_object(s, element, CLUSTER_NODE) : NULL;
    if (node == NULL || !read_word(s, element, "state", states, &node->f.state)) {
        return false;
    }
    node->f.online = node->f.state == CLUSTER_NODE_PAUSED;
    return true;
}

static bool read_network(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {"name", "id", "role", "properties", "private_properties",
                                       NULL};
    static const char *const roles[] = {"none", "private", "public", "mixed", NULL};
    (void)context;
    struct cluster_object *network =
        seed_object(s, element, keys) ? read_object(s, element, CLUSTER_NETWORK) : NULL;
    if (network == NULL) {
        return false;
    }
    network->f.number = 3;
    return read_word(s, element, "role", roles, &network->f.number);
}

static bool read_interface(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {
        "name", "id", "node", "network", "state", "properties", "private_properties", NULL};
    static const char *const states[] = {"failed", "unreachable", "unavailable", "up", NULL};
    (void)context;
    if (!seed_object(s, element, keys)) {
        return false;
    }
    struct cluster_object *node = read_reference(s, element, "node", CLUSTER_NODE);
    struct cluster_object *network =
        node != NULL ? read_reference(s, element, "network", CLUSTER_NETWORK) : NULL;
    struct cluster_object *interface =
        network != NULL ? read_object(s, element, CLUSTER_NETINTERFACE) : NULL;
    if (interface == NULL) {
        return false;
    }
    for (const struct cluster_object *i = cluster_next(s->cluster, CLUSTER_NETINTERFACE, NULL);
         i != interface; i = i->next) {
        if (i->f.parent == node && i->f.type == network) {
            return seed_wrong(s, "the node has another interface on this network");
        }
    }
    object_set_parent(interface, node);
    interface->f.type = cluster_hold(network);
    interface->f.state = CLUSTER_NETINTERFACE_UP;
    return read_word(s, element, "state", states, &interface->f.state);
}

static bool read_type(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {"name", "properties", "private_properties", NULL};
    (void)context;
    return seed_object(s, element, keys) && read_object(s, element, CLUSTER_RESOURCE_TYPE) != NULL;
}

static bool read_resource(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {"name",
                                       "id",
                                       "type",
                                       "separate_monitor",
                                       "online",
                                       "core",
                                       "restart",
                                       "depends_on",
                                       "possible_owners",
                                       "properties",
                                       "private_properties",
                                       NULL};
    struct cluster_object *group = context;
    bool separate = false;
    if (!seed_object(s, element, keys)) {
        return false;
    }
    struct cluster_object *type = read_reference(s, element, "type", CLUSTER_RESOURCE_TYPE);
    struct cluster_object *resource =
        type != NULL ? read_object(s, element, CLUSTER_RESOURCE) : NULL;
    if (resource == NULL) {
        return false;
    }
    resource->f.type = cluster_hold(type);
    object_set_parent(resource, group);
    objects_add(&group->members, resource);
    resource->f.state = CLUSTER_RESOURCE_OFFLINE;
    const bool good =
        seed_flag(s, element, "separate_monitor", &separate) &&
        seed_flag(s, element, "online", &resource->f.online) &&
        seed_flag(s, element, "core", &resource->f.core) &&
        seed_flag(s, element, "restart", &resource->f.restart) &&
        read_references(s, element, "possible_owners", CLUSTER_NODE, &resource->f.owners);
    resource->f.number = separate;
    return good;
}

static bool read_group(struct seed *s, const json_t *element, void *context) {
    static const char *const keys[] = {"name",      "id",         "type",
                                       "owner",     "online",     "preferred_owners",
                                       "resources", "properties", "private_properties",
                                       NULL};
    (void)context;
    if (!seed_object(s, element, keys)) {
        return false;
    }
    struct cluster_object *owner = read_reference(s, element, "owner", CLUSTER_NODE);
    struct cluster_object *group = owner != NULL ? read_object(s, element, CLUSTER_GROUP) : NULL;
    if (group == NULL) {
        return false;
    }
    if (owner->f.state != CLUSTER_NODE_UP && owner->f.state != CLUSTER_NODE_PAUSED) {
        seed_enter(s, "owner");
        return seed_wrong(s, "the node is not there");
    }
    object_set_parent(group, owner);
    group->f.number = 0x270f;
    group->f.state = CLUSTER_GROUP_OFFLINE;
    return seed_number(s, element, "type", UINT32_MAX, &group->f.number) &&
           seed_flag(s, element, "online", &group->f.online) &&
           read_references(s, element, "preferred_owners", CLUSTER_NODE, &group->f.preferred) &&
           seed_array(s, element, "resources", read_resource, group);
}

// ---- what refers to resources -------------------------------------------------------------------

static bool read_dependencies(struct seed *s, const json_t *element, void *context) {
    struct cluster_object *resource = cluster_find(
        s->cluster, CLUSTER_RESOURCE, json_string_value(json_object_get(element, "name")));
    struct objects depends = {0};
    (void)context;
    bool good = read_references(s, element, "depends_on", CLUSTER_RESOURCE, &depends);
    for (size_t i = 0; good && i < depends.count; i++) {
        struct cluster_object *on = depends.at[i];
        if (dependency_check(resource, on) != 0) {
            good = seed_wrong(s,
                              "\"%s\" cannot depend on \"%s\": circular, too deep, or in another "
                              "group",
                              resource->f.name, on->f.name);
            break;
        }
        objects_add(&resource->f.depends, on);
        objects_add(&on->members, resource);
    }
    free(depends.at);
    return good;
}

static bool read_group_again(struct seed *s, const json_t *element, void *context) {
    return seed_array(s, element, "resources", read_dependencies, context);
}

// ---- the cluster itself -------------------------------------------------------------------------

static bool read_version(struct seed *s, const json_t *object) {
    static const char *const keys[] = {"major",   "minor",  "build", "vendor", "service_pack",
                                       "highest", "lowest", "flags", NULL};
    const json_t *version = json_object_get(object, "version");
    struct cluster_version *v = &s->cluster->version;
    uint32_t major = 10, minor = 0, build = 14393;
    const char *vendor = "cmrp", *service_pack = "";
    v->highest = v->lowest = 0x00090003;
    const size_t before = seed_enter(s, "version");
    if (version != NULL &&
        !(seed_object(s, version, keys) && seed_number(s, version, "major", UINT16_MAX, &major) &&
          seed_number(s, version, "minor", UINT16_MAX, &minor) &&
          seed_number(s, version, "build", UINT16_MAX, &build) &&
          seed_text(s, version, "vendor", false, &vendor) &&
          seed_text(s, version, "service_pack", false, &service_pack) &&
          seed_number(s, version, "highest", UINT32_MAX, &v->highest) &&
          seed_number(s, version, "lowest", UINT32_MAX, &v->lowest) &&
          seed_number(s, version, "flags", UINT32_MAX, &v->flags))) {
        return false;
    }
    seed_leave(s, before);
    v->major = (uint16_t)major;
    v->minor = (uint16_t)minor;
    v->build = (uint16_t)build;
    set_text(&s->cluster->vendor, vendor);
    set_text(&s->cluster->service_pack, service_pack);
    v->vendor = s->cluster->vendor;
    v->service_pack = s->cluster->service_pack;
    return true;
}

static bool read_quorum(struct seed *s, const json_t *object) {
    static const char *const keys[] = {"resource", "path", "log_size", NULL};
    const json_t *quorum = json_object_get(object, "quorum");
    struct cluster_object *self = s->cluster->self;
    const char *path = "";
    if (quorum == NULL) {
        return true;
    }
    const size_t before = seed_enter(s, "quorum");
    if (!seed_object(s, quorum, keys) || !seed_text(s, quorum, "path", false, &path) ||
        !seed_number(s, quorum, "log_size", UINT32_MAX, &self->f.number)) {
        return false;
    }
    set_text(&self->f.path, path);
    if (json_object_get(quorum, "resource") != NULL) {
        struct cluster_object *r = read_reference(s, quorum, "resource", CLUSTER_RESOURCE);
        if (r == NULL) {
            return false;
        }
        self->f.parent = cluster_hold(r);
        r->f.core = true;
    }
    seed_leave(s, before);
    return true;
}

// Identifiers differ from cluster to cluster, and are the same for the same seed.
static uint64_t salt_of(const char *name) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    }
    return hash;
}

static bool read_identity(struct seed *s, const json_t *object) {
    static const char *const keys[] = {
        "name", "node", "version", "quorum", "properties", "private_properties", "ids", NULL};
    struct cluster_object *self = s->cluster->self;
    const char *name;
    uint32_t ids = 0;
    if (!seed_object(s, object, keys) || !seed_text(s, object, "name", true, &name) ||
        !seed_number(s, object, "ids", UINT32_MAX, &ids)) {
        return false;
    }
    if (!object_name_good(CLUSTER_NODE, name)) {
        seed_enter(s, "name");
        return seed_wrong(s, "no good name of a cluster");
    }
    change_nonvolatile(self);
    set_text(&self->f.name, name);
    s->cluster->salt = salt_of(name);
    s->cluster->next_id = ids;
    return read_version(s, object) && read_all_properties(s, object, self);
}

static bool read_rest(struct seed *s, const json_t *object) {
    struct cluster_object *own = read_reference(s, object, "node", CLUSTER_NODE);
    if (own == NULL) {
        return false;
    }
    if (own->f.state != CLUSTER_NODE_UP && own->f.state != CLUSTER_NODE_PAUSED) {
        seed_enter(s, "node");
        return seed_wrong(s, "the node that answers clients is not there");
    }
    s->cluster->own = cluster_hold(own);
    return read_quorum(s, object);
}

static bool read_document(struct seed *s, const json_t *document) {
    static const char *const keys[] = {"$schema",  "cluster",    "nodes",
                                       "networks", "interfaces", "resource_types",
                                       "groups",   "registry",   NULL};
    const json_t *cluster = json_object_get(document, "cluster");
    if (!seed_object(s, document, keys)) {
        return false;
    }
    if (cluster == NULL) {
        return seed_wrong(s, "\"cluster\" is missing");
    }
    size_t before = seed_enter(s, "cluster");
    if (!read_identity(s, cluster)) {
        return false;
    }
    seed_leave(s, before);
    if (!seed_array(s, document, "nodes", read_node, NULL) ||
        !seed_array(s, document, "networks", read_network, NULL) ||
        !seed_array(s, document, "interfaces", read_interface, NULL) ||
        !seed_array(s, document, "resource_types", read_type, NULL) ||
        !seed_array(s, document, "groups", read_group, NULL) ||
        !seed_array(s, document, "groups", read_group_again, NULL)) {
        return false;
    }
    before = seed_enter(s, "cluster");
    if (!read_rest(s, cluster)) {
        return false;
    }
    seed_leave(s, before);
    return seed_check_keys(s, document);
}

bool seed_read(struct cluster *cluster, const char *name, const char *text, size_t size,
               bool of_state, char **error) {
    struct seed s = {.cluster = cluster, .file = name, .of_state = of_state, .error = error};
    json_error_t where;
    *error = NULL;
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    if (document == NULL) {
        *error = util_format("%s:%d: %s", name, where.line, where.text);
        return false;
    }
    const bool good = read_document(&s, document);
    buffer_free(&s.at);
    json_decref(document);
    return good;
}
