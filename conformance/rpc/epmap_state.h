// SPDX-License-Identifier: Apache-2.0
// The endpoint mapper's structures, for its source files.
#ifndef RPC_EPMAP_STATE_H
#define RPC_EPMAP_STATE_H

#include "cmrp/epm.h"
#include "rpc/epmap.h"

enum {
    EPMAP_TOWER_SIZE = 75, // of five floors: interface, syntax, NCACN, TCP, IP
    EPMAP_ANNOTATION_SIZE = 64,
};

enum { // status of a method [MS-RPCE 2.2.1.2.4, C706 appendix O]
    EPMAP_CANT_PERFORM = 0x16c9a0cd,
    EPMAP_NOT_REGISTERED = 0x16c9a0d6,
};
enum { EPMAP_S_CANT_PERFORM_OP = 0x6d8 }; // status of a fault [MS-RPCE 2.2.1.2.1]

enum { // vers_option [MS-RPCE 2.2.1.2.4]
    EPMAP_VERSION_ALL = 1,
    EPMAP_VERSION_COMPATIBLE,
    EPMAP_VERSION_EXACT,
    EPMAP_VERSION_MAJOR,
    EPMAP_VERSION_UP_TO,
};

struct epmap_entry {
    cmrp_endpoint endpoint;
    char annotation[EPMAP_ANNOTATION_SIZE];
};

struct rpc_epmap {
    struct rpc_interface interface;
    struct epmap_entry *entries;
    size_t count;
};

// What is looked for, and how far one has come.
struct epmap_search {
    bool nothing; // what is looked for cannot be registered
    bool by_interface;
    bool by_protocol; // transfer syntax, RPC protocol, transport
    uint32_t versions;
    cmrp_endpoint endpoint;
    size_t next;
};

// The next entry that matches, or NULL.
const struct epmap_entry *rpc_epmap_next(const struct rpc_epmap *epmap,
                                         struct epmap_search *search);
// Writes an entry's tower: EPMAP_TOWER_SIZE octets.
void rpc_epmap_tower(const struct epmap_entry *entry, const uint8_t *local, cmrp_writer *w);
// Replaces *search by the one that a client goes on with, if handle is not zero. Returns false, the
// call being faulted, for a handle that is unknown.
bool rpc_epmap_search(struct rpc_call *call, const uint8_t handle[CMRP_HANDLE_SIZE],
                      struct epmap_search *search);
// Keeps a search under a handle where something is left to be found, else ends it; handle is in and
// out.
void rpc_epmap_keep(struct rpc_epmap *epmap, struct rpc_call *call,
                    const struct epmap_search *search, uint8_t handle[CMRP_HANDLE_SIZE]);

// epmap_lookup.c
void rpc_epmap_lookup(struct rpc_epmap *epmap, struct rpc_call *call,
                      const struct rpc_request *request);

#endif
