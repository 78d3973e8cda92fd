// SPDX-License-Identifier: Apache-2.0
// Two interfaces for tests, alike but for their UUIDs: their methods echo, wait, fault, and open
// handles.
#ifndef RPC_TEST_ECHO_H
#define RPC_TEST_ECHO_H

#include "rpc/server.h"

enum echo_opnum {
    ECHO_STUB, // answers with its stub
    REPEAT,    // u32 n, u8 octet: n octets, at most ECHO_REPEATED
    HOLD,      // waits for RELEASE of its association group, or a cancel, which faults it
    RELEASE,   // u32 n: answers the oldest n calls held with "released"; answers how many it were
    FAULT,     // u32 status
    OPEN,      // a handle
    FIND,      // a handle: faulted where there is none, or u32: its number
    CLOSE,     // a handle: the same, and it is closed
    TELL,      // how the request came: "opnum syntax order object"
    ECHO_OPNUMS,
};

enum { ECHO_REPEATED = 8 << 20 };

struct echo;
extern const cmrp_syntax_id echo_id;  // 5b2a3f60-8c1d-4e57-9a06-1f7d3c9b2e41, version 1.2
extern const cmrp_syntax_id other_id; // 0d9e8c7b-6a59-4f48-8e37-2615a4b3c2d1, version 1.0

struct echo *echo_create(void);
const struct rpc_interface *const *echo_interfaces(const struct echo *echo);
size_t echo_held(const struct echo *echo);     // calls that wait
size_t echo_rundowns(const struct echo *echo); // handles run down so far
size_t echo_gone(const struct echo *echo);     // calls that were gone before their answer
void echo_destroy(struct echo *echo);

#endif
