// SPDX-License-Identifier: Apache-2.0
// Properties of objects, and PROPERTY_LISTs of them [MS-CMRP 3.1.1.9, 2.2.3.10].
#ifndef SERVICE_PROPERTY_H
#define SERVICE_PROPERTY_H

#include "service/parts.h"

// What has properties: an object, or the cluster itself (object NULL).
struct property_target {
    struct cluster *cluster;
    struct cluster_object *object;
};

// In the order of the control codes.
enum property_scope {
    PROPERTY_COMMON,
    PROPERTY_RO_COMMON,
    PROPERTY_PRIVATE,
    PROPERTY_RO_PRIVATE,
};

struct property_list {
    struct cluster_property *at;
    size_t count;
};

// Those that have been set, and those of the schema with their defaults, in the call's memory.
struct property_list property_gather(struct service_call *call,
                                     const struct property_target *target,
                                     enum property_scope scope);
// Those of the names in a MULTI_SZ, or all of them for "*". false: there is a name that none has,
// or more names than properties.
bool property_select(struct service_call *call, const struct property_list *all, cmrp_view names,
                     struct property_list *selected);

// A PROPERTY_LIST, and a MULTI_SZ of the names, in the call's memory.
cmrp_view property_encode(struct service_call *call, const struct property_list *list);
cmrp_view property_names(struct service_call *call, const struct property_list *list);
// UTF-16 in little-endian order with its NUL.
cmrp_view property_text(struct service_call *call, const char *utf8);

// Reads a PROPERTY_LIST of numbers and texts. 0, or 0x57 for what is none, holds other values, or
// is too long.
uint32_t property_decode(struct service_call *call, cmrp_view octets, struct property_list *list);

#endif
