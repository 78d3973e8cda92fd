// SPDX-License-Identifier: Apache-2.0
// What notifications of version 2 hold [MS-CMRP 3.1.4.2.138].
#include <stdio.h>
#include <string.h>

#include "rules/notify.h"

enum { // members of NOTIFICATION_RPC
    TYPE = 1,
    FLAGS,
    BUFFER,
    OBJECT_ID = 5,
    PARENT_ID,
    NAME,
    KIND,
};

// What a text is to be. The specification says NULL of some and "an empty string" of others; both
// are nothing.
enum demand { FREE, EMPTY, SET };

// Demands that all events of an object type share.
struct content_type {
    uint16_t rule;
    uint8_t object_id, parent_id, name, kind;
    bool no_buffer;
};

// By CLUSTER_OBJECT_TYPE. Of SPACEPORT, UPGRADE and GROUPSET the specification says nothing.
static const struct content_type types[] = {
    {RULE_COUNT, 0, 0, 0, 0, false},
    {RULE_CONTENT_CLUSTER, FREE, FREE, FREE, EMPTY, false},
    {RULE_CONTENT_GROUP, FREE, SET, FREE, EMPTY, false},
    {RULE_CONTENT_RESOURCE, SET, SET, SET, SET, false},
    {RULE_CONTENT_RESOURCE_TYPE, EMPTY, EMPTY, SET, EMPTY, false},
    {RULE_CONTENT_NETWORK_INTERFACE, SET, FREE, SET, EMPTY, false}, // ParentId: see 2.2.2.16
    {RULE_CONTENT_NETWORK, SET, EMPTY, SET, EMPTY, false},
    {RULE_CONTENT_NODE, FREE, EMPTY, FREE, EMPTY, false},
    {RULE_CONTENT_REGISTRY, FREE, EMPTY, FREE, EMPTY, true},
    {RULE_CONTENT_QUORUM, FREE, EMPTY, FREE, EMPTY, false},
    {RULE_CONTENT_SHARED_VOLUME, SET, EMPTY, SET, EMPTY, false},
};

// Demands of one event. Of some events of the cluster the text says that ObjectId is empty, and the
// table that it is not.
struct content_event {
    uint32_t object_type;
    uint64_t flag;
    uint16_t rule;
    uint8_t object_id, parent_id, name;
};

enum {
    CLUSTER = 1,
    GROUP,
    RESOURCE,
    RESOURCE_TYPE,
    NETWORK_INTERFACE,
    NETWORK,
    NODE,
    REGISTRY,
    QUORUM,
    SHARED_VOLUME,
};

static const struct content_event events[] = {
    {CLUSTER, 0x4, RULE_CONTENT_CLUSTER_GROUP_ADDED, FREE, SET, SET},
    {CLUSTER, 0x10, RULE_CONTENT_CLUSTER_NETWORK_ADDED, FREE, EMPTY, SET},
    {CLUSTER, 0x20, RULE_CONTENT_CLUSTER_NODE_ADDED, FREE, EMPTY, SET},
    {CLUSTER, 0x40, RULE_CONTENT_CLUSTER_RESOURCE_TYPE_ADDED, EMPTY, EMPTY, SET},
    {CLUSTER, 0x80, RULE_CONTENT_CLUSTER_COMMON_PROPERTY, EMPTY, EMPTY, EMPTY},
    {CLUSTER, 0x100, RULE_CONTENT_CLUSTER_PRIVATE_PROPERTY, EMPTY, EMPTY, EMPTY},
    {CLUSTER, 0x200, RULE_CONTENT_CLUSTER_LOST_NOTIFICATIONS, EMPTY, EMPTY, EMPTY},
    {CLUSTER, 0x400, RULE_CONTENT_CLUSTER_RENAME, EMPTY, EMPTY, SET},
    {CLUSTER, 0x800, RULE_CONTENT_CLUSTER_MEMBERSHIP, EMPTY, EMPTY, EMPTY},
    {CLUSTER, 0x1000, RULE_CONTENT_CLUSTER_UPGRADED, EMPTY, EMPTY, EMPTY},
    {GROUP, 0x1, RULE_CONTENT_GROUP_DELETED, SET, FREE, SET},
    {GROUP, 0x2, RULE_CONTENT_GROUP_COMMON_PROPERTY, SET, FREE, SET},
    {GROUP, 0x4, RULE_CONTENT_GROUP_PRIVATE_PROPERTY, SET, FREE, SET},
    {GROUP, 0x8, RULE_CONTENT_GROUP_STATE, SET, FREE, SET},
    {GROUP, 0x10, RULE_CONTENT_GROUP_OWNER_NODE, SET, FREE, SET},
    {GROUP, 0x20, RULE_CONTENT_GROUP_PREFERRED_OWNERS, SET, FREE, SET},
    {GROUP, 0x40, RULE_CONTENT_GROUP_RESOURCE_ADDED, SET, FREE, SET},
    {GROUP, 0x80, RULE_CONTENT_GROUP_RESOURCE_GAINED, SET, FREE, SET},
    {GROUP, 0x100, RULE_CONTENT_GROUP_RESOURCE_LOST, SET, FREE, SET},
    {RESOURCE, 0x1, RULE_CONTENT_RESOURCE_COMMON_PROPERTY, FREE, FREE, FREE},
    {RESOURCE, 0x2, RULE_CONTENT_RESOURCE_PRIVATE_PROPERTY, FREE, FREE, FREE},
    {RESOURCE, 0x4, RULE_CONTENT_RESOURCE_STATE, FREE, FREE, FREE},
    {RESOURCE, 0x8, RULE_CONTENT_RESOURCE_OWNER_GROUP, FREE, FREE, FREE},
    {RESOURCE, 0x10, RULE_CONTENT_RESOURCE_DEPENDENCIES, FREE, FREE, FREE},
    {RESOURCE, 0x20, RULE_CONTENT_RESOURCE_DEPENDENTS, FREE, FREE, FREE},
    {RESOURCE, 0x40, RULE_CONTENT_RESOURCE_POSSIBLE_OWNERS, FREE, FREE, FREE},
    {RESOURCE, 0x80, RULE_CONTENT_RESOURCE_DELETED, FREE, FREE, FREE},
    {RESOURCE, 0x100, RULE_CONTENT_RESOURCE_DLL_UPGRADED, FREE, FREE, FREE},
    {RESOURCE_TYPE, 0x1, RULE_CONTENT_RESOURCE_TYPE_DELETED, FREE, FREE, FREE},
    {RESOURCE_TYPE, 0x2, RULE_CONTENT_RESOURCE_TYPE_COMMON_PROPERTY, FREE, FREE, FREE},
    {RESOURCE_TYPE, 0x4, RULE_CONTENT_RESOURCE_TYPE_PRIVATE_PROPERTY, FREE, FREE, FREE},
    {RESOURCE_TYPE, 0x8, RULE_CONTENT_RESOURCE_TYPE_POSSIBLE_OWNERS, FREE, FREE, FREE},
    {RESOURCE_TYPE, 0x10, RULE_CONTENT_RESOURCE_TYPE_DLL_UPGRADED, FREE, FREE, FREE},
    {NETWORK_INTERFACE, 0x1, RULE_CONTENT_NETWORK_INTERFACE_DELETED, FREE, FREE, FREE},
    {NETWORK_INTERFACE, 0x2, RULE_CONTENT_NETWORK_INTERFACE_COMMON_PROPERTY, FREE, FREE, FREE},
    {NETWORK_INTERFACE, 0x4, RULE_CONTENT_NETWORK_INTERFACE_PRIVATE_PROPERTY, FREE, FREE, FREE},
    {NETWORK_INTERFACE, 0x8, RULE_CONTENT_NETWORK_INTERFACE_STATE, FREE, FREE, FREE},
    {NETWORK, 0x1, RULE_CONTENT_NETWORK_DELETED, FREE, FREE, FREE},
    {NETWORK, 0x2, RULE_CONTENT_NETWORK_COMMON_PROPERTY, FREE, FREE, FREE},
    {NETWORK, 0x4, RULE_CONTENT_NETWORK_PRIVATE_PROPERTY, FREE, FREE, FREE},
    {NETWORK, 0x8, RULE_CONTENT_NETWORK_STATE, FREE, FREE, FREE},
    {NODE, 0x1, RULE_CONTENT_NODE_NETINTERFACE_ADDED, SET, FREE, SET},
    {NODE, 0x2, RULE_CONTENT_NODE_DELETED, SET, FREE, SET},
    {NODE, 0x4, RULE_CONTENT_NODE_COMMON_PROPERTY, SET, FREE, SET},
    {NODE, 0x8, RULE_CONTENT_NODE_PRIVATE_PROPERTY, SET, FREE, SET},
    {NODE, 0x10, RULE_CONTENT_NODE_STATE, SET, FREE, SET},
    {NODE, 0x20, RULE_CONTENT_NODE_GROUP_GAINED, SET, FREE, SET},
    {NODE, 0x40, RULE_CONTENT_NODE_GROUP_LOST, SET, FREE, SET},
    {REGISTRY, 0x1, RULE_CONTENT_REGISTRY_ATTRIBUTES, EMPTY, FREE, FREE},
    {QUORUM, 0x1, RULE_CONTENT_QUORUM_STATE, FREE, FREE, FREE},
    {SHARED_VOLUME, 0x1, RULE_CONTENT_SHARED_VOLUME, FREE, FREE, FREE},
};

static const struct content_event *event_of(uint32_t object_type, uint64_t flag) {
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i].object_type == object_type && events[i].flag == flag) {
            return &events[i];
        }
    }
    return NULL;
}

// ---- one notification ---------------------------------------------------------------------------

struct content {
    const struct sight *s;
    const cmrp_struct *type;
    const cmrp_slot *members;
    uint64_t index;
    bool wrong; // found; of a rule that is being applied
};

static void wrong(struct content *c, size_t rule, unsigned member, const char *what) {
    const char *name = c->type->members[member].name;
    const char *const dot = strrchr(name, '.');
    const struct where where = {.place = RULES_RESPONSE,
                                .offset = c->members[member].offset,
                                .size = sight_size(&c->type->members[member], &c->members[member],
                                                   c->s->call->response.format.syntax),
                                .field = name,
                                .array = "Notifications",
                                .index = c->index};
    rule_broken(c->s, rule, &where, "%s %s", dot != NULL ? dot + 1 : name, what);
    c->wrong = true;
}

static void demand(struct content *c, size_t rule, unsigned member, unsigned what) {
    const cmrp_slot *text = &c->members[member];
    const bool empty = text->null || text->bytes.size == 0;
    if (!c->wrong && what == SET && empty) {
        wrong(c, rule, member, "is empty");
    } else if (!c->wrong && what == EMPTY && !empty) {
        wrong(c, rule, member, "is not empty");
    }
}

static void settle(struct content *c, size_t rule) {
    if (!c->wrong) {
        rule_kept(c->s, rule);
    }
    c->wrong = false;
}

struct oddity {
    const cmrp_payload_row *row;
    cmrp_error found; // the first warning that says that the buffer is not what it must be
};

static void on_warning(void *context, const cmrp_error *warning) {
    struct oddity *o = context;
    const bool unlisted =
        warning->code == CMRP_E_UNLISTED && o->row->names != NULL && !o->row->names->open;
    const bool empty =
        warning->code == CMRP_E_EMPTY_VALUE && o->row->kind == CMRP_PAYLOAD_PROPERTIES;
    if (o->found.code == CMRP_OK && (unlisted || empty)) {
        o->found = *warning;
    }
}

static void judge_buffer(struct content *c, size_t rule, uint32_t object_type, uint64_t flag) {
    const cmrp_slot *buffer = &c->members[BUFFER];
    struct oddity oddity = {.row = cmrp_payload_row_of(object_type, flag)};
    cmrp_payload payload;
    cmrp_error error = {0};
    char what[160], text[224];
    if (c->wrong || oddity.row == NULL) {
        return;
    }
    if (cmrp_payload_decode(object_type, flag, buffer->null ? (cmrp_view){NULL, 0} : buffer->bytes,
                            buffer->offset, &payload, on_warning, &oddity, &error)) {
        error = oddity.found;
    }
    if (error.code != CMRP_OK) {
        cmrp_error_message(&error, what, sizeof what);
        snprintf(text, sizeof text, "is not %s: %s",
                 oddity.row->kind == CMRP_PAYLOAD_EMPTY ? "empty" : oddity.row->what, what);
        wrong(c, rule, BUFFER, text);
    }
}

bool notify_has_table(uint32_t object_type) {
    return object_type != 0 && object_type < sizeof types / sizeof types[0];
}

void notify_judge_content(const struct sight *s, const cmrp_struct *type, const cmrp_slot *members,
                          uint64_t index) {
    struct content c = {.s = s, .type = type, .members = members, .index = index};
    const uint64_t object_type = members[TYPE].value, flag = members[FLAGS].value;
    if (!notify_has_table((uint32_t)object_type)) {
        return;
    }
    const struct notify_set *set = notify_set_of(s->rules, (uint32_t)object_type);
    const struct content_type *shared = &types[object_type];
    if (flag == 0 || (flag & (flag - 1)) != 0 || (flag & ~set->known) != 0) {
        wrong(&c, shared->rule, FLAGS, "is not one flag of the object type");
        return;
    }
    demand(&c, shared->rule, KIND, shared->kind);
    demand(&c, shared->rule, PARENT_ID, shared->parent_id);
    demand(&c, shared->rule, OBJECT_ID, shared->object_id);
    demand(&c, shared->rule, NAME, shared->name);
    if (!c.wrong && shared->no_buffer && members[BUFFER].bytes.size > 0) {
        wrong(&c, shared->rule, BUFFER, "is not empty");
    }
    const struct content_event *event = event_of((uint32_t)object_type, flag);
    if (event == NULL || event->rule != shared->rule) {
        settle(&c, shared->rule);
    }
    if (event != NULL) {
        judge_buffer(&c, event->rule, event->object_type, event->flag);
        demand(&c, event->rule, OBJECT_ID, event->object_id);
        demand(&c, event->rule, PARENT_ID, event->parent_id);
        demand(&c, event->rule, NAME, event->name);
        settle(&c, event->rule);
    }
}
