// SPDX-License-Identifier: Apache-2.0
// What tells the methods of notification ports from each other.
#include <stdio.h>

#include "rules/notify.h"

#define NONE RULE_COUNT
#define PLAIN(topic, p)                                                                            \
    { RULE_FILTER_##topic##_P##p, RULE_KEY_##topic##_P##p, NONE, NONE, NONE }
#define BOTH(topic) PLAIN(topic, 2), PLAIN(topic, 3)
// Of an object with state: the Add and its ReAdd.
#define STATEFUL(topic, object, p)                                                                 \
    {                                                                                              \
        RULE_FILTER_##topic##_P##p, RULE_KEY_##topic##_P##p, RULE_SEQUENCE_##object##_P##p, NONE,  \
            NONE                                                                                   \
    }
#define STATED(topic, object) STATEFUL(topic, object, 2), STATEFUL(topic, object, 3)
// Of an object whose state sequence is a counter.
#define COUNTING(topic, object, p)                                                                 \
    {                                                                                              \
        RULE_FILTER_##topic##_P##p, RULE_KEY_##topic##_P##p, RULE_SEQUENCE_##object##_P##p,        \
            RULE_STATE_##object##_P##p, RULE_ADDED_##object##_P##p                                 \
    }
#define COUNTED(topic, object) COUNTING(topic, object, 2), COUNTING(topic, object, 3)

// clang-format off
static const struct notify_adder adders[] = {
    {57, 1, CMRP_SCOPE_CLUSTER, CMRP_MEANS_HCLUSTER, false, 0, "hCluster", "dwFilter",
     {BOTH(CLUSTER)}},
    {58, 1, CMRP_SCOPE_NODE, CMRP_MEANS_HNODE, false, 0x1, "hNode", "dwFilter",
     {STATED(NODE, NODE)}},
    {59, 1, CMRP_SCOPE_GROUP, CMRP_MEANS_HGROUP, false, 0x1000, "hGroup", "dwFilter",
     {COUNTED(GROUP, GROUP)}},
    {60, 1, CMRP_SCOPE_RESOURCE, CMRP_MEANS_HRES, false, 0x100, "hResource", "dwFilter",
     {COUNTED(RESOURCE, RESOURCE)}},
    {61, 1, CMRP_SCOPE_KEY, CMRP_MEANS_HKEY, false, 0, "hKey", "Filter",
     {BOTH(KEY)}},
    {62, 1, CMRP_SCOPE_NODE, CMRP_MEANS_HNODE, true, 0x1, "hNode", "dwFilter",
     {STATED(NODE_AGAIN, NODE)}},
    {63, 1, CMRP_SCOPE_GROUP, CMRP_MEANS_HGROUP, true, 0x1000, "hGroup", "dwFilter",
     {COUNTED(GROUP_AGAIN, GROUP)}},
    {64, 1, CMRP_SCOPE_RESOURCE, CMRP_MEANS_HRES, true, 0x100, "hResource", "dwFilter",
     {COUNTED(RESOURCE_AGAIN, RESOURCE)}},
    {90, 1, CMRP_SCOPE_NETWORK, CMRP_MEANS_HNETWORK, false, 0x100000, "hNetwork", "dwFilter",
     {STATED(NETWORK, NETWORK)}},
    {91, 1, CMRP_SCOPE_NETWORK, CMRP_MEANS_HNETWORK, true, 0x100000, "hNetwork", "dwFilter",
     {STATED(NETWORK_AGAIN, NETWORK)}},
    {99, 1, CMRP_SCOPE_NETINTERFACE, CMRP_MEANS_HNETINTERFACE, false, 0x1000000, "hNetInterface",
     "dwFilter", {STATED(NETINTERFACE, NETINTERFACE)}},
    {100, 1, CMRP_SCOPE_NETINTERFACE, CMRP_MEANS_HNETINTERFACE, true, 0x1000000, "hNetInterface",
     "dwFilter", {STATED(NETINTERFACE_AGAIN, NETINTERFACE)}},
    {138, 2, CMRP_SCOPE_V2, CMRP_MEANS_HGENERIC, false, 0, "hObject", "filter",
     {{NONE, NONE, NONE, NONE, NONE}, {RULE_FILTER_V2, RULE_KEY_V2, NONE, NONE, NONE}}},
    {155, 2, CMRP_SCOPE_RESOURCE_TYPE, 0, false, 0, NULL, "filter",
     {{NONE, NONE, NONE, NONE, NONE}, {RULE_FILTER_TYPE, RULE_KEY_TYPE, NONE, NONE, NONE}}},
};

static const struct notify_getter getters[] = {
    {65, NOTIFY_P2, 1, NONE, RULE_GET_NEVER_P2, RULE_GET_MATCH_P2, RULE_GET_KEY_P2,
     RULE_GET_NAME_P2, RULE_GET_CLOSED_P2, RULE_GET_UNBLOCKED_P2, RULE_GET_FIRST_P2},
    {65, NOTIFY_P3, 1, RULE_GET_WAIT_P3, RULE_GET_NEVER_P3, RULE_GET_MATCH_P3, RULE_GET_KEY_P3,
     RULE_GET_NAME_P3, RULE_GET_CLOSED_P3, RULE_GET_UNBLOCKED_P3, RULE_GET_FIRST_P3},
    {139, NOTIFY_P3, 2, RULE_GET_WAIT_V2, RULE_GET_NEVER_V2, RULE_GET_MATCH_V2, RULE_GET_KEY_V2,
     NONE, RULE_GET_CLOSED_V2, RULE_GET_CLOSED_V2, RULE_GET_FIRST_V2},
    {147, NOTIFY_P3, 1, RULE_GET_WAIT_ASYNC, RULE_GET_NEVER_ASYNC, RULE_GET_MATCH_ASYNC,
     RULE_GET_KEY_ASYNC, RULE_GET_NAME_ASYNC, RULE_GET_CLOSED_ASYNC, RULE_GET_CLOSED_ASYNC,
     RULE_GET_FIRST_P3},
};
// clang-format on

// ---- flags --------------------------------------------------------------------------------------

enum { TYPES = 14, ADDERS = sizeof adders / sizeof adders[0] };

struct notify_sets {
    struct notify_set of_type[TYPES + 1]; // the last: of all other types
    uint64_t registrable[ADDERS];
};

static struct notify_set describe(const cmrp_change_set *set) {
    return (struct notify_set){.set = set,
                               .known = ~cmrp_change_unknown(set, UINT64_MAX),
                               .returnable = cmrp_change_with(set, CMRP_CHANGE_RETURNABLE)};
}

void notify_begin(struct rules *rules) {
    const cmrp_change_set *const changes = cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE);
    rules->sets = util_alloc(sizeof *rules->sets);
    for (uint32_t type = 0; type < TYPES; type++) {
        const cmrp_change_set *set = type == 0 ? changes : cmrp_change_set_of_type(type);
        if (set != NULL) {
            rules->sets->of_type[type] = describe(set);
        }
    }
    for (size_t i = 0; i < ADDERS; i++) {
        rules->sets->registrable[i] = cmrp_change_registrable(changes, adders[i].scope);
        rules->traits[adders[i].opnum] |= TRAIT_ADDS;
    }
}

void notify_end(struct rules *rules) {
    free(rules->sets);
}

const struct notify_set *notify_set_of(const struct rules *rules, uint32_t object_type) {
    return &rules->sets->of_type[object_type < TYPES ? object_type : TYPES];
}

uint64_t notify_registrable(const struct rules *rules, const struct notify_adder *adder) {
    return rules->sets->registrable[adder - adders];
}

// ---- methods ------------------------------------------------------------------------------------

bool notify_protocol(const struct sight *s, unsigned *protocol) {
    const unsigned interface = sight_interface(s);
    *protocol = interface == CMRP_INTERFACE_2 ? NOTIFY_P2 : NOTIFY_P3;
    return interface != 0;
}

const struct notify_adder *notify_adder_of(const struct rules *rules, uint16_t opnum) {
    const bool adds = opnum < METHODS && (rules->traits[opnum] & TRAIT_ADDS) != 0;
    for (size_t i = 0; adds && i < ADDERS; i++) {
        if (adders[i].opnum == opnum) {
            return &adders[i];
        }
    }
    return NULL;
}

bool notify_gets(uint16_t opnum) {
    return opnum == 65 || opnum == 139 || opnum == 147;
}

const struct notify_getter *notify_getter_of(const struct sight *s) {
    unsigned protocol;
    if (!notify_gets(s->call->call->opnum) || !notify_protocol(s, &protocol)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof getters / sizeof getters[0]; i++) {
        if (getters[i].opnum == s->call->call->opnum && getters[i].protocol == protocol) {
            return &getters[i];
        }
    }
    return NULL;
}

void notify_flag_names(char *text, size_t size, const cmrp_change_set *set, uint64_t value) {
    uint32_t cursor = 0;
    size_t used = 0;
    text[0] = '\0';
    if (set != NULL) {
        for (const cmrp_change_flag *flag = cmrp_change_next(set, value, &cursor); flag != NULL;
             flag = cmrp_change_next(set, value, &cursor)) {
            const int more =
                snprintf(text + used, size - used, "%s%s", used > 0 ? "|" : "", flag->name);
            if (more < 0 || (size_t)more >= size - used) {
                text[used] = '\0';
                break;
            }
            used += (size_t)more;
            value &= ~flag->value;
        }
    }
    if (value != 0 || used == 0) {
        snprintf(text + used, size - used, "%s0x%llx", used > 0 ? "|" : "",
                 (unsigned long long)value);
    }
}
