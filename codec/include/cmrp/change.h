// SPDX-License-Identifier: Apache-2.0
// Change events: CLUSTER_CHANGE [MS-CMRP 2.2.2.7], CLUSTER_OBJECT_TYPE [2.2.2.11] and the
// CLUSTER_CHANGE_*_V2 enumerations [2.2.2.12 to 2.2.2.26].
//
// Everything here comes from one table, change.def. Bits that the tables do not define are never
// dropped: they are what is left of a value when the defined ones are taken away.
#ifndef CMRP_CHANGE_H
#define CMRP_CHANGE_H

#include "cmrp/bytes.h"

CMRP_BEGIN_DECLS

// Who may put an event into a filter: the registration methods that accept it.
enum {
    CMRP_SCOPE_CLUSTER = 0x01,        // ApiAddNotifyCluster (57)
    CMRP_SCOPE_NODE = 0x02,           // ApiAddNotifyNode, ApiReAddNotifyNode (58, 62)
    CMRP_SCOPE_GROUP = 0x04,          // ApiAddNotifyGroup, ApiReAddNotifyGroup (59, 63)
    CMRP_SCOPE_RESOURCE = 0x08,       // ApiAddNotifyResource, ApiReAddNotifyResource (60, 64)
    CMRP_SCOPE_KEY = 0x10,            // ApiAddNotifyKey (61)
    CMRP_SCOPE_NETWORK = 0x20,        // ApiAddNotifyNetwork, ApiReAddNotifyNetwork (90, 91)
    CMRP_SCOPE_NETINTERFACE = 0x40,   // ApiAddNotifyNetInterface, ApiReAdd… (99, 100)
    CMRP_SCOPE_V2 = 0x80,             // ApiAddNotifyV2 (138)
    CMRP_SCOPE_RESOURCE_TYPE = 0x100, // ApiAddNotifyResourceTypeV2 (155)
};

// What else is true of an event.
enum {
    CMRP_CHANGE_RETURNABLE = 0x01,  // a server may return it in a notification
    CMRP_CHANGE_CLIENT_ONLY = 0x02, // generated or set by clients alone, never returned by a server
    CMRP_CHANGE_MODIFIER = 0x04,    // changes the meaning of a filter, is no event of its own
    CMRP_CHANGE_UNION = 0x08,       // a name for several bits; never listed by cmrp_change_names
    CMRP_CHANGE_V3_ONLY = 0x10,     // not in protocol version 2
};

typedef struct cmrp_change_flag {
    uint64_t value;
    const char *name; // as the specification spells it
    uint16_t scopes;
    uint16_t attributes;
} cmrp_change_flag;

typedef struct cmrp_change_set {
    const char *name;    // "CLUSTER_CHANGE_GROUP_V2"
    const char *section; // "MS-CMRP 2.2.2.13"
    const cmrp_change_flag *flags;
    uint32_t count;
    uint32_t width;       // octets on the wire: 4 or 8
    uint32_t object_type; // the CLUSTER_OBJECT_TYPE whose events these are; 0 where there is none
    bool enumeration;     // one value, not a set of bits (CLUSTER_OBJECT_TYPE)
} cmrp_change_set;

typedef enum cmrp_change_id {
#define CMRP_CHANGE_SET(id, name, section, width, object_type, enumeration) CMRP_SET_##id,
#define CMRP_CHANGE_FLAG(value, name, scopes, attributes)
#define CMRP_CHANGE_END
#include "cmrp/change.def"
    CMRP_SET_COUNT,
} cmrp_change_id;

// The set with this id; never NULL for ids below CMRP_SET_COUNT, NULL for others.
CMRP_API const cmrp_change_set *cmrp_change_set_at(unsigned id);
// The set with this name, or NULL.
CMRP_API const cmrp_change_set *cmrp_change_set_named(const char *name);
// The set of events of this CLUSTER_OBJECT_TYPE, or NULL for a type without one.
CMRP_API const cmrp_change_set *cmrp_change_set_of_type(uint32_t object_type);

// The flag of this name in set, or NULL.
CMRP_API const cmrp_change_flag *cmrp_change_flag_named(const cmrp_change_set *set,
                                                        const char *name);

// All defined bits of set that a filter of one of the scopes may carry.
CMRP_API uint64_t cmrp_change_registrable(const cmrp_change_set *set, unsigned scopes);
// All defined bits of set that have one of the attributes.
CMRP_API uint64_t cmrp_change_with(const cmrp_change_set *set, unsigned attributes);
// What of value set does not define: bits, or for an enumeration the whole undefined value.
CMRP_API uint64_t cmrp_change_unknown(const cmrp_change_set *set, uint64_t value);

// Iterates over the flags that value holds, in ascending order; start with *cursor = 0. Returns
// NULL at the end. Unions are left out; an enumeration gives at most one.
CMRP_API const cmrp_change_flag *cmrp_change_next(const cmrp_change_set *set, uint64_t value,
                                                  uint32_t *cursor);

// Reads a value of set: little-endian, set->width octets, and nothing may follow. Fails with
// truncated or trailing; *value is then untouched.
CMRP_API bool cmrp_change_decode(const cmrp_change_set *set, cmrp_view bytes, uint64_t *value,
                                 cmrp_error *error);
// Writes a value of set. Fails with no-space, or value when value does not fit set->width.
CMRP_API bool cmrp_change_encode(const cmrp_change_set *set, uint64_t value, cmrp_writer *w);

CMRP_END_DECLS

#endif
