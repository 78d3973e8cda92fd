// SPDX-License-Identifier: Apache-2.0
// Registrations: filters, objects and ports that they name; what a server must refuse.
#include <stdio.h>

#include "rules/notify.h"

enum { INVALID_PARAMETER = 0x57, VERSION = 2 };

static struct where where_in(const struct sight *s, const char *name) {
    return sight_where(s, false, name);
}

// ---- which port ---------------------------------------------------------------------------------

// `must` is the rule of a method of version 2; RULE_COUNT: a method of version 1.
static void judge_port(const struct sight *s, unsigned version, size_t must) {
    struct rules_handle *handle;
    struct notify_port *port = notify_port_of(s, &handle);
    const unsigned created = notify_version_of(handle);
    const struct where where = where_in(s, "hNotify");
    const bool first = port != NULL && !port->used;
    if (created == 0) {
        return;
    }
    if (version == 1 || first) {
        const size_t should = version == 1 ? RULE_PORT_V1 : RULE_PORT_V2;
        if (created == version) {
            rule_kept(s, should);
        } else {
            rule_broken(s, should, &where, "a method of version %u with a port of version %u",
                        version, created);
        }
    }
    if (must != RULE_COUNT && created == version) {
        rule_kept(s, must);
    } else if (must != RULE_COUNT) {
        rule_broken(s, must, &where, "the port was created with ApiCreateNotify, in frame %llu",
                    (unsigned long long)handle->opened);
    }
    if (port != NULL && version == 2) {
        port->used = true;
    }
}

void notify_judge_get_port(const struct sight *s, const struct notify_getter *getter) {
    judge_port(s, getter->port, getter->port == 2 ? RULE_PORT_V2_GET : RULE_COUNT);
}

// ---- version 1 ----------------------------------------------------------------------------------

static void judge_mask(const struct sight *s, const struct notify_adder *adder, unsigned protocol) {
    const cmrp_change_set *set = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    const char *name =
        sight_slot(&s->call->request, adder->filter) != NULL ? adder->filter : "dwFilter";
    const cmrp_slot *filter = sight_slot(&s->call->request, name);
    const size_t rule = adder->rules[protocol].mask;
    if (filter == NULL || rule == RULE_COUNT) {
        return;
    }
    const uint64_t wrong = filter->value & ~notify_registrable(s->rules, adder);
    const struct where where = where_in(s, name);
    char names[160];
    if (wrong != 0) {
        notify_flag_names(names, sizeof names, set, wrong);
        rule_broken(s, rule, &where, "0x%08lx holds %s, which %s does not take",
                    (unsigned long)filter->value, names, s->call->method->name);
    } else if (filter->value == 0 && adder->scope != CMRP_SCOPE_CLUSTER) {
        rule_broken(s, rule, &where, "no bit is set");
    } else {
        rule_kept(s, rule);
    }
}

// ---- version 2 ----------------------------------------------------------------------------------

// An object type that can be registered: the rules about its flags and its handle.
struct target {
    uint32_t object_type;
    uint16_t forbidden; // RULE_COUNT: no flag is
    uint16_t object;
    uint8_t meaning; // of hObject
    const char *handle;
};

static const struct target targets[] = {
    {1, RULE_FILTER_V2_CLUSTER, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {2, RULE_FILTER_V2_GROUP, RULE_OBJECT_V2_GROUP, CMRP_MEANS_HGROUP, "HGROUP_RPC"},
    {3, RULE_FILTER_V2_RESOURCE, RULE_OBJECT_V2_RESOURCE, CMRP_MEANS_HRES, "HRES_RPC"},
    {4, RULE_COUNT, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {5, RULE_FILTER_V2_NETINTERFACE, RULE_OBJECT_V2_NETINTERFACE, CMRP_MEANS_HNETINTERFACE,
     "HNETINTERFACE_RPC"},
    {6, RULE_FILTER_V2_NETWORK, RULE_OBJECT_V2_NETWORK, CMRP_MEANS_HNETWORK, "HNETWORK_RPC"},
    {7, RULE_FILTER_V2_NODE, RULE_OBJECT_V2_NODE, CMRP_MEANS_HNODE, "HNODE_RPC"},
    {8, RULE_FILTER_V2_REGISTRY, RULE_OBJECT_V2_REGISTRY, CMRP_MEANS_HKEY, "HKEY_RPC"},
    {9, RULE_COUNT, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {10, RULE_COUNT, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {11, RULE_COUNT, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {12, RULE_COUNT, RULE_OBJECT_V2_CLUSTER, CMRP_MEANS_HCLUSTER, "HCLUSTER_RPC"},
    {13, RULE_FILTER_V2_GROUPSET, RULE_OBJECT_V2_GROUPSET, CMRP_MEANS_HGROUPSET, "HGROUPSET_RPC"},
};

static const struct target *target_of(uint32_t object_type) {
    const size_t count = sizeof targets / sizeof targets[0];
    return object_type >= 1 && object_type <= count ? &targets[object_type - 1] : NULL;
}

// The flags of a registration, whichever method it is.
struct asked {
    uint32_t object_type;
    uint64_t flags;
    const cmrp_change_set *set; // of the type; NULL: none
    struct where at_type, at_flags;
};

static bool read_asked(const struct sight *s, const struct notify_adder *adder,
                       struct asked *asked) {
    const cmrp_slot *filter = sight_slot(&s->call->request, "filter");
    if (filter == NULL) {
        return false;
    }
    *asked = (struct asked){.object_type = 4, .flags = filter->value};
    asked->at_flags = where_in(s, "filter");
    asked->at_type = asked->at_flags;
    if (adder->scope == CMRP_SCOPE_V2) {
        const cmrp_param *members = filter->rows.type->members;
        const cmrp_syntax syntax = s->call->request.format.syntax;
        cmrp_slot slots[CMRP_MAX_PARAMS];
        cmrp_rows rows = filter->rows;
        if (!cmrp_rows_next(&rows, slots)) {
            return false;
        }
        asked->object_type = (uint32_t)slots[0].value;
        asked->flags = slots[1].value;
        asked->at_type = (struct where){.place = RULES_REQUEST,
                                        .offset = slots[0].offset,
                                        .size = sight_size(&members[0], &slots[0], syntax),
                                        .field = "filter.dwObjectType"};
        asked->at_flags = (struct where){.place = RULES_REQUEST,
                                         .offset = slots[1].offset,
                                         .size = sight_size(&members[1], &slots[1], syntax),
                                         .field = "filter.FilterFlags"};
    }
    asked->set = cmrp_change_set_of_type(asked->object_type);
    return true;
}

static uint64_t forbidden_of(const struct asked *asked) {
    // What only modifies a filter is marked as the client's, too, and may be registered.
    return asked->flags & cmrp_change_with(asked->set, CMRP_CHANGE_CLIENT_ONLY) &
           ~cmrp_change_with(asked->set, CMRP_CHANGE_MODIFIER);
}

static void judge_flags(const struct sight *s, const struct notify_adder *adder,
                        const struct asked *asked) {
    const size_t rule = adder->rules[NOTIFY_P3].mask;
    char names[160];
    if (asked->set == NULL) {
        rule_broken(s, rule, &asked->at_type, "object type %lu has no flags that can be registered",
                    (unsigned long)asked->object_type);
        return;
    }
    const uint64_t unknown = cmrp_change_unknown(asked->set, asked->flags);
    if (unknown != 0) {
        rule_broken(s, rule, &asked->at_flags, "0x%llx is in no flag of %s",
                    (unsigned long long)unknown, asked->set->name);
    } else {
        rule_kept(s, rule);
    }
    const struct target *target = target_of(asked->object_type);
    if (adder->scope != CMRP_SCOPE_V2 || target == NULL || target->forbidden == RULE_COUNT) {
        return;
    }
    if (forbidden_of(asked) != 0) {
        notify_flag_names(names, sizeof names, asked->set, forbidden_of(asked));
        rule_broken(s, target->forbidden, &asked->at_flags, "%s is set", names);
    } else {
        rule_kept(s, target->forbidden);
    }
}

static void judge_version(const struct sight *s, size_t rule) {
    const cmrp_slot *version = sight_slot(&s->call->request, "dwVersion");
    if (version == NULL) {
        return;
    }
    if (version->value == VERSION) {
        rule_kept(s, rule);
    } else {
        const struct where where = where_in(s, "dwVersion");
        rule_broken(s, rule, &where, "dwVersion is %lu, not 2", (unsigned long)version->value);
    }
}

static void judge_object(const struct sight *s, const struct asked *asked) {
    const struct rules_handle *handle = handle_named(s, false, "hObject");
    const cmrp_slot *targeted = sight_slot(&s->call->request, "isTargetedAtObject");
    const struct target *target = target_of(asked->object_type);
    const struct where where = where_in(s, "hObject");
    if (handle == NULL || targeted == NULL || target == NULL) {
        return;
    }
    if (targeted->value != 0 && handle->meaning == target->meaning) {
        rule_kept(s, target->object);
    } else if (targeted->value != 0) {
        rule_broken(s, target->object, &where, "the handle given in frame %llu is no %s",
                    (unsigned long long)handle->opened, target->handle);
    } else if (handle->meaning == CMRP_MEANS_HCLUSTER) {
        rule_kept(s, RULE_FILTER_V2_UNTARGETED);
    } else {
        rule_broken(s, RULE_FILTER_V2_UNTARGETED, &where,
                    "isTargetedAtObject is FALSE, and the handle given in frame %llu is no "
                    "HCLUSTER_RPC",
                    (unsigned long long)handle->opened);
    }
}

// What must be refused with ERROR_INVALID_PARAMETER; other codes may come first.
static void judge_refusal(const struct sight *s, const struct asked *asked, size_t rule) {
    const cmrp_slot *version = sight_slot(&s->call->request, "dwVersion");
    uint32_t status;
    const bool bad_version = version != NULL && version->value != VERSION;
    const bool bad_flags = asked->set == NULL || (cmrp_change_unknown(asked->set, asked->flags) |
                                                  forbidden_of(asked)) != 0;
    if ((!bad_version && !bad_flags) || !sight_status(s, &status)) {
        return;
    }
    if (status == 0) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, rule, &where, "0 is returned, but %s invalid",
                    bad_version          ? "dwVersion is"
                    : asked->set == NULL ? "the object type is"
                                         : "flags of the filter are");
    } else if (status == INVALID_PARAMETER) {
        rule_kept(s, rule);
    }
}

void notify_judge_registration(const struct sight *s, const struct notify_adder *adder) {
    unsigned protocol;
    struct asked asked;
    if (!notify_protocol(s, &protocol)) {
        return;
    }
    if (adder->port == 1) {
        judge_port(s, 1, RULE_COUNT);
        judge_mask(s, adder, protocol);
        return;
    }
    const bool typed = adder->scope == CMRP_SCOPE_RESOURCE_TYPE;
    judge_port(s, 2, typed ? RULE_PORT_V2_TYPE : RULE_PORT_V2_ADD);
    judge_version(s, typed ? RULE_FILTER_TYPE_VERSION : RULE_FILTER_V2_VERSION);
    if (read_asked(s, adder, &asked)) {
        judge_flags(s, adder, &asked);
        if (!typed) {
            judge_object(s, &asked);
        }
        judge_refusal(s, &asked, typed ? RULE_REGISTER_TYPE : RULE_REGISTER_V2);
    }
}
