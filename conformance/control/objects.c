// SPDX-License-Identifier: Apache-2.0
// Commands about nodes, groups, resources, resource types, networks and network interfaces.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"

enum { NAMES_SHOWN = 20 };

// The keys of what an object belongs to, and of its type.
static const struct {
    const char *parent, *type;
} keys[CLUSTER_KINDS] = {
    [CLUSTER_GROUP] = {"owner", NULL},
    [CLUSTER_RESOURCE] = {"group", "type"},
    [CLUSTER_NETINTERFACE] = {"node", "network"},
};

// "group" or "groups".
static bool kind_named(const char *word, enum cluster_kind *kind) {
    for (unsigned i = 0; i < CLUSTER_KINDS; i++) {
        const char *name = cluster_kind_name((enum cluster_kind)i);
        const size_t size = strlen(name);
        if (strncmp(word, name, size) == 0 &&
            (word[size] == '\0' || strcmp(word + size, "s") == 0)) {
            *kind = (enum cluster_kind)i;
            return true;
        }
    }
    return false;
}

static json_t *unknown_kind(const char *word) {
    struct buffer names = {0};
    for (unsigned i = 0; i < CLUSTER_KINDS; i++) {
        buffer_printf(&names, "%s%s", i > 0 ? ", " : "", cluster_kind_name((enum cluster_kind)i));
    }
    json_t *answer = answer_usage("no kind \"%.100s\"; kinds: %s", word, buffer_text(&names));
    buffer_free(&names);
    return answer;
}

// The object, or NULL with *answer: which there are.
static struct cluster_object *object_named(const struct request *r, enum cluster_kind kind,
                                           const char *name, json_t **answer) {
    struct cluster *cluster = r->control->cluster;
    struct cluster_object *object = cluster_find(cluster, kind, name);
    if (object != NULL) {
        return object;
    }
    struct buffer names = {0};
    size_t count = 0;
    while ((object = cluster_next(cluster, kind, object)) != NULL) {
        if (count++ < NAMES_SHOWN) {
            buffer_printf(&names, "%s%.60s", count > 1 ? ", " : "", cluster_object_name(object));
        }
    }
    if (count > NAMES_SHOWN) {
        buffer_printf(&names, ", … (%zu in all)", count);
    }
    const char *what = cluster_kind_name(kind);
    *answer = answer_refused(cluster_not_found(kind), "no %s \"%.100s\"; %ss: %s", what, name, what,
                             count > 0 ? buffer_text(&names) : "none");
    buffer_free(&names);
    return NULL;
}

static void set_name(json_t *json, const char *key, const struct cluster_object *object) {
    if (key != NULL && object != NULL) {
        json_object_set_new(json, key, text_json(cluster_object_name(object)));
    }
}

static json_t *object_json(const struct cluster_object *object) {
    const enum cluster_kind kind = cluster_object_kind(object);
    json_t *json = json_pack("{s:s}", "kind", cluster_kind_name(kind));
    json_object_set_new(json, "name", text_json(cluster_object_name(object)));
    if (kind != CLUSTER_RESOURCE_TYPE) {
        const uint32_t state = cluster_object_state(object);
        const char *name = cluster_state_name(kind, state);
        json_object_set_new(json, "state", name != NULL ? json_string(name) : json_integer(state));
    }
    set_name(json, keys[kind].parent, cluster_object_parent(object));
    set_name(json, keys[kind].type, cluster_object_type(object));
    if (cluster_object_id(object)[0] != '\0') {
        json_object_set_new(json, "id", text_json(cluster_object_id(object)));
    }
    return json;
}

// The object that two words name: a kind and a name. `allowed`: bits of kinds.
static struct cluster_object *take_object(const struct request *r, size_t at, unsigned allowed,
                                          json_t **answer) {
    enum cluster_kind kind;
    if (!kind_named(r->words[at], &kind)) {
        *answer = unknown_kind(r->words[at]);
        return NULL;
    }
    if ((allowed >> kind & 1) == 0) {
        *answer =
            answer_usage("\"%s\" does not know a %s", r->command->name, cluster_kind_name(kind));
        return NULL;
    }
    return object_named(r, kind, r->words[at + 1], answer);
}

enum {
    GROUPS_AND_RESOURCES = 1 << CLUSTER_GROUP | 1 << CLUSTER_RESOURCE,
    ALL_KINDS = (1 << CLUSTER_KINDS) - 1,
};

// The answer to what was done to an object: how it is now.
static json_t *done_to(const struct request *r, uint32_t code,
                       const struct cluster_object *object) {
    return answer_code(r, code, code == 0 ? object_json(object) : NULL);
}

// ---- commands -----------------------------------------------------------------------------------

json_t *object_list(struct request *r) {
    json_t *objects = json_array();
    unsigned wanted = r->count == 0 ? ALL_KINDS : 0;
    for (size_t i = 0; i < r->count; i++) {
        enum cluster_kind kind;
        if (!kind_named(r->words[i], &kind)) {
            json_decref(objects);
            return unknown_kind(r->words[i]);
        }
        wanted |= 1u << kind;
    }
    for (unsigned kind = 0; kind < CLUSTER_KINDS; kind++) {
        struct cluster_object *object = NULL;
        while ((wanted >> kind & 1) != 0 &&
               (object = cluster_next(r->control->cluster, (enum cluster_kind)kind, object)) !=
                   NULL) {
            json_array_append_new(objects, object_json(object));
        }
    }
    json_t *result = json_object();
    json_object_set_new(result, "cluster", text_json(cluster_name(r->control->cluster)));
    json_object_set_new(result, "objects", objects);
    return answer_result(result);
}

static json_t *simple(struct request *r, uint32_t (*change)(struct cluster_object *object)) {
    json_t *answer = NULL;
    struct cluster_object *object = take_object(r, 0, GROUPS_AND_RESOURCES, &answer);
    return object != NULL ? done_to(r, change(object), object) : answer;
}

json_t *object_online(struct request *r) {
    return simple(r, cluster_online);
}

json_t *object_offline(struct request *r) {
    return simple(r, cluster_offline);
}

// A group fails by the failure of what it holds; an empty one has a state only.
static uint32_t fail(struct cluster_object *object) {
    if (cluster_object_kind(object) == CLUSTER_RESOURCE) {
        return cluster_fail(object);
    }
    struct cluster *cluster = cluster_of(object);
    uint32_t code = 0;
    bool empty = true;
    for (struct cluster_object *resource = NULL;
         code == 0 && (resource = cluster_next(cluster, CLUSTER_RESOURCE, resource)) != NULL;) {
        if (cluster_object_parent(resource) == object) {
            empty = false;
            code = cluster_fail(resource);
        }
    }
    return code == 0 && empty ? cluster_set_state(object, CLUSTER_GROUP_FAILED) : code;
}

json_t *object_fail(struct request *r) {
    return simple(r, fail);
}

json_t *object_move(struct request *r) {
    json_t *answer = NULL;
    struct cluster_object *object = take_object(r, 0, GROUPS_AND_RESOURCES, &answer);
    if (object == NULL) {
        return answer;
    }
    const bool group = cluster_object_kind(object) == CLUSTER_GROUP;
    if (r->count == 2) {
        return group ? done_to(r, cluster_group_move(object, NULL), object)
                     : answer_usage("usage: move resource NAME GROUP");
    }
    struct cluster_object *to =
        object_named(r, group ? CLUSTER_NODE : CLUSTER_GROUP, r->words[2], &answer);
    if (to == NULL) {
        return answer;
    }
    return done_to(r, group ? cluster_group_move(object, to) : cluster_resource_move(object, to),
                   object);
}

json_t *object_node(struct request *r) {
    const char *what = r->words[0];
    json_t *answer = NULL;
    struct cluster_object *node = object_named(r, CLUSTER_NODE, r->words[1], &answer);
    if (node == NULL) {
        return answer;
    }
    if (strcmp(what, "up") == 0) {
        return done_to(r, cluster_set_state(node, CLUSTER_NODE_UP), node);
    }
    if (strcmp(what, "down") == 0) {
        return done_to(r, cluster_set_state(node, CLUSTER_NODE_DOWN), node);
    }
    if (strcmp(what, "pause") == 0 || strcmp(what, "resume") == 0) {
        return done_to(r, cluster_node_pause(node, what[0] == 'p'), node);
    }
    return answer_usage("a node goes up, down, pause or resume, not \"%.100s\"", what);
}

json_t *object_state(struct request *r) {
    enum { MOST_STATES = 256 }; // no kind has one above
    json_t *answer = NULL;
    struct cluster_object *object =
        take_object(r, 0, ALL_KINDS & ~(1u << CLUSTER_RESOURCE_TYPE), &answer);
    if (object == NULL) {
        return answer;
    }
    const enum cluster_kind kind = cluster_object_kind(object);
    uint32_t state;
    if (cluster_state_named(kind, r->words[2], &state)) {
        return done_to(r, cluster_set_state(object, state), object);
    }
    struct buffer names = {0};
    for (state = 0; state < MOST_STATES; state++) {
        const char *name = cluster_state_name(kind, state);
        if (name != NULL) {
            buffer_printf(&names, "%s%s", names.size > 0 ? ", " : "", name);
        }
    }
    answer = answer_usage("no state \"%.100s\" of a %s; states: %s", r->words[2],
                          cluster_kind_name(kind), buffer_text(&names));
    buffer_free(&names);
    return answer;
}

// The two objects that a new resource or interface belongs to.
static json_t *create_below(struct request *r, enum cluster_kind kind) {
    const bool resource = kind == CLUSTER_RESOURCE;
    struct cluster *cluster = r->control->cluster;
    struct cluster_object *made = NULL;
    json_t *answer = NULL;
    if (r->count != 4) {
        return answer_usage("usage: create %s",
                            resource ? "resource NAME GROUP TYPE" : "interface NAME NODE NETWORK");
    }
    struct cluster_object *parent =
        object_named(r, resource ? CLUSTER_GROUP : CLUSTER_NODE, r->words[2], &answer);
    struct cluster_object *type =
        parent == NULL ? NULL
                       : object_named(r, resource ? CLUSTER_RESOURCE_TYPE : CLUSTER_NETWORK,
                                      r->words[3], &answer);
    if (type == NULL) {
        return answer;
    }
    const uint32_t code =
        resource ? cluster_resource_create(parent, r->words[1], cluster_object_name(type), 0, &made)
                 : cluster_add(cluster, kind, r->words[1], parent, type, &made);
    answer = done_to(r, code, made);
    if (code == 0) {
        cluster_release(made);
    }
    return answer;
}

json_t *object_create(struct request *r) {
    struct cluster *cluster = r->control->cluster;
    enum cluster_kind kind;
    struct cluster_object *made = NULL;
    if (!kind_named(r->words[0], &kind)) {
        return unknown_kind(r->words[0]);
    }
    if (kind == CLUSTER_RESOURCE || kind == CLUSTER_NETINTERFACE) {
        return create_below(r, kind);
    }
    if (r->count != 2) {
        return answer_usage("usage: create %s NAME", cluster_kind_name(kind));
    }
    const uint32_t code = kind == CLUSTER_GROUP ? cluster_group_create(cluster, r->words[1], &made)
                          : kind == CLUSTER_RESOURCE_TYPE
                              ? cluster_resource_type_create(cluster, r->words[1], &made)
                              : cluster_add(cluster, kind, r->words[1], NULL, NULL, &made);
    json_t *answer = done_to(r, code, made);
    if (code == 0) {
        cluster_release(made);
    }
    return answer;
}

json_t *object_delete(struct request *r) {
    json_t *answer = NULL;
    if (r->count == 3 && strcmp(r->words[2], "force") != 0) {
        return answer_usage("usage: delete KIND NAME [force]");
    }
    struct cluster_object *object = take_object(r, 0, ALL_KINDS, &answer);
    if (object == NULL) {
        return answer;
    }
    const uint32_t code = cluster_delete(object, r->count == 3);
    if (code == CLUSTER_ERROR_DIR_NOT_EMPTY) {
        return answer_refused(code,
                              "%s \"%s\" is not empty; with the word force it goes, and what it "
                              "holds",
                              r->words[0], r->words[1]);
    }
    return answer_code(r, code, json_object());
}

json_t *object_rename(struct request *r) {
    json_t *answer = NULL;
    if (r->count == 2 && strcmp(r->words[0], "cluster") == 0) {
        return answer_code(r, cluster_rename(r->control->cluster, r->words[1]), json_object());
    }
    if (r->count != 3) {
        return answer_usage("usage: rename KIND NAME NEW, or rename cluster NEW");
    }
    struct cluster_object *object = take_object(r, 0, ALL_KINDS, &answer);
    return object != NULL ? done_to(r, cluster_object_rename(object, r->words[2]), object) : answer;
}

static json_t *change_dependency(struct request *r, bool add) {
    json_t *answer = NULL;
    struct cluster_object *resource = object_named(r, CLUSTER_RESOURCE, r->words[0], &answer);
    struct cluster_object *on =
        resource != NULL ? object_named(r, CLUSTER_RESOURCE, r->words[1], &answer) : NULL;
    return on != NULL ? done_to(r, cluster_depend(resource, on, add), resource) : answer;
}

json_t *object_depend(struct request *r) {
    return change_dependency(r, true);
}

json_t *object_undepend(struct request *r) {
    return change_dependency(r, false);
}

json_t *object_owner(struct request *r) {
    const bool add = strcmp(r->words[0], "add") == 0;
    json_t *answer = NULL;
    if (!add && strcmp(r->words[0], "remove") != 0) {
        return answer_usage("usage: owner add|remove RESOURCE NODE");
    }
    struct cluster_object *resource = object_named(r, CLUSTER_RESOURCE, r->words[1], &answer);
    struct cluster_object *node =
        resource != NULL ? object_named(r, CLUSTER_NODE, r->words[2], &answer) : NULL;
    return node != NULL ? done_to(r, cluster_possible_owner(resource, node, add), resource)
                        : answer;
}

// ---- properties ---------------------------------------------------------------------------------

static json_t *properties(const struct request *r, const struct cluster_object *object,
                          bool private) {
    json_t *json = json_object();
    struct cluster_property property;
    for (size_t i = 0; cluster_property_at(r->control->cluster, object, private, i, &property);
         i++) {
        json_object_set_new(json, property.name,
                            property.is_number ? json_integer(property.number)
                                               : text_json(property.text));
    }
    return json;
}

json_t *object_show(struct request *r) {
    json_t *answer = NULL;
    struct cluster_object *object = NULL;
    json_t *json;
    if (r->count == 1 && strcmp(r->words[0], "cluster") == 0) {
        json = json_object();
        json_object_set_new(json, "name", text_json(cluster_name(r->control->cluster)));
    } else if (r->count != 2) {
        return answer_usage("usage: show KIND NAME, or show cluster");
    } else if ((object = take_object(r, 0, ALL_KINDS, &answer)) == NULL) {
        return answer;
    } else {
        json = object_json(object);
    }
    json_object_set_new(json, "common", properties(r, object, false));
    json_object_set_new(json, "private", properties(r, object, true));
    return answer_result(json);
}

// A number of 32 bits, unless it is said to be text; NULL removes.
static struct cluster_property take_property(const char *name, const char *value, bool text) {
    struct cluster_property property = {.name = name, .text = value};
    if (value != NULL && !text && *value != '\0' && value[strspn(value, "0123456789")] == '\0') {
        errno = 0;
        const unsigned long long number = strtoull(value, NULL, 10);
        if (errno == 0 && number <= UINT32_MAX) {
            property.is_number = true;
            property.number = (uint32_t)number;
            property.text = NULL;
        }
    }
    return property;
}

// property [private] KIND NAME PROPERTY [VALUE [text]], or "cluster" in place of KIND NAME
json_t *object_property(struct request *r) {
    const bool private = strcmp(r->words[0], "private") == 0;
    size_t at = private ? 1 : 0;
    struct cluster_object *object = NULL;
    json_t *answer = NULL;
    const bool of_cluster = r->count > at && strcmp(r->words[at], "cluster") == 0;
    const size_t names = at + (of_cluster ? 2 : 3);
    if (r->count < names || r->count > names + 2 ||
        (r->count == names + 2 && strcmp(r->words[names + 1], "text") != 0)) {
        return answer_usage("usage: property [private] KIND NAME PROPERTY [VALUE [text]], "
                            "or property [private] cluster PROPERTY [VALUE [text]]");
    }
    if (!of_cluster && (object = take_object(r, at, ALL_KINDS, &answer)) == NULL) {
        return answer;
    }
    const struct cluster_property property = take_property(
        r->words[names - 1], r->count > names ? r->words[names] : NULL, r->count == names + 2);
    const uint32_t code = cluster_set_property(r->control->cluster, object, private, &property);
    return answer_code(r, code, code == 0 && object != NULL ? object_json(object) : json_object());
}
