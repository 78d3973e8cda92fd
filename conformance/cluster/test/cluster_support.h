// SPDX-License-Identifier: Apache-2.0
// What the tests of clusters and ports share.
#ifndef CLUSTER_TEST_CLUSTER_SUPPORT_H
#define CLUSTER_TEST_CLUSTER_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/port.h"
#include "temporary.h"
#include "util/buffer.h"

// A small cluster of three nodes, one network, "Core" with "Disk" (the quorum) on N1, "App" with
// "Address" <- "Name" <- "Service" and "Other" on N2.
extern const char small_seed[];

struct cluster *cluster_of_text(const char *seed, const struct cluster_options *more);
struct cluster *small_cluster(void);
// The seed is refused; the message holds `message`.
void assert_refused(const char *seed, const char *message);
struct cluster_object *find(struct cluster *cluster, enum cluster_kind kind, const char *name);
// "NAME=STATE" of all objects of the kind, by spaces.
void assert_states(struct cluster *cluster, enum cluster_kind kind, const char *expected);

// A port whose indications are written down as they come, a line each:
// version 1 "KEY BIT SEQUENCE NAME", version 2 "KEY TYPE FLAG ID|PARENT|NAME|TYPE PAYLOAD".
struct listener {
    struct port *port;
    struct port_waiter waiter;
    struct buffer told;
    uint32_t status; // of the last done
    unsigned calls;
    bool stopped; // waits no more
};
struct listener *listen_to(struct cluster *cluster, unsigned version);
void listener_close(struct listener *listener);
// Compares what has been told and forgets it. Identifiers stand as "<NAME>" of the object.
void assert_told(struct listener *listener, const char *expected);

void write_file(const char *path, const char *text);

#endif
