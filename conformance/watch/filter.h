// SPDX-License-Identifier: Apache-2.0
// What is watched: names of changes to filters of version 2 and version 1 notification ports.
// [MS-CMRP 2.2.2.7, 2.2.2.11 to 2.2.2.26, 3.1.4.2.137]
#ifndef WATCH_FILTER_H
#define WATCH_FILTER_H

#include "cmrp/change.h"

enum { WATCH_TYPES = 17 }; // CLUSTER_OBJECT_TYPE values are below

struct watch_filter {
    uint64_t flags[WATCH_TYPES]; // CLUSTER_CHANGE_*_V2 of each CLUSTER_OBJECT_TYPE, by its value
    uint32_t changes;            // CLUSTER_CHANGE, for a version 1 port
};

// Sets it to everything that a server may report over a version 2 port.
void watch_filter_all(struct watch_filter *filter);

// Adds what one word means: the name of a flag (CLUSTER_CHANGE_GROUP_STATE_V2, or GROUP_STATE), of
// an object type (CLUSTER_OBJECT_TYPE_GROUP, or GROUP: all its flags), a pattern (glob(7)) of such
// names, in any case of letters; or the whole name of a flag of CLUSTER_CHANGE, for a version 1
// port. Returns false with *error set (free it) where it means nothing, or what only clients say.
bool watch_filter_add(struct watch_filter *filter, const char *word, char **error);

// Whether there is something for a port of version 2.
bool watch_filter_v2(const struct watch_filter *filter);
// Whether it asks for changes of the registry, of either version.
bool watch_filter_registry(const struct watch_filter *filter);
// What a version 1 port can tell of it: the flags of CLUSTER_CHANGE that say the same.
uint32_t watch_filter_as_v1(const struct watch_filter *filter);

#endif
