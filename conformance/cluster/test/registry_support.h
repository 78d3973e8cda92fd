// SPDX-License-Identifier: Apache-2.0
// What the tests of the registry share.
#ifndef CLUSTER_TEST_REGISTRY_SUPPORT_H
#define CLUSTER_TEST_REGISTRY_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/registry.h"
#include "temporary.h"
#include "util/buffer.h"

// A registry, in memory or in a file, whose news are written down: a line each.
struct fixture {
    struct registry *registry;
    struct registry_key *root;
    struct buffer news;
    struct buffer troubles; // why nothing could be written: a line each
};
void fixture_open(struct fixture *f, const char *path, const struct registry_limits *limits);
void fixture_close(struct fixture *f);
// Compares the news and forgets them.
void assert_news(struct fixture *f, const char *expected);

// A batch; names are UTF-8 where they are texts.
struct batch {
    struct buffer octets;
};
void batch_put(struct batch *b, uint32_t type, uint32_t value_type, const char *name,
               const void *data, size_t size);
void batch_text(struct batch *b, uint32_t type, const char *name, const char *data); // REG_SZ
// Executes, frees the batch, compares.
void assert_batch(struct registry_key *key, struct batch *b, uint32_t status, int32_t failed);
// The commands as lines: "1 1 name=hex", numbers of the command and of the value type.
char *batch_list(cmrp_view octets);

cmrp_view view_of(const char *text);
struct registry_key *make_key(struct registry_key *parent, const char *path);
void set_text(struct registry_key *key, const char *name, const char *data); // REG_SZ, UTF-8 octets
// data NULL: it is not there.
void assert_value(struct registry_key *key, const char *name, const char *data);
void assert_open(struct registry_key *key, const char *path, uint32_t status);

// All that is in the registry, as lines; without times.
char *dump(struct registry_key *root);

// A generator of numbers that is the same everywhere.
uint32_t draw(uint64_t *seed, uint32_t bound);

#endif
