// SPDX-License-Identifier: Apache-2.0
// What the codec's own tables say about a name, as text.
#ifndef SUITE_DESCRIBE_H
#define SUITE_DESCRIBE_H

#include "cmrp/cmrp.h"
#include "suite/near.h"
#include "util/buffer.h"

// Appends lines about everything that has this name: a method (or its opnum), a change set, a flag
// of one, a command or registry type of a batch, an error code. Returns whether there was anything.
bool describe_name(struct buffer *out, const char *name);

// Offers all these names.
void describe_near(struct near *near);

#endif
