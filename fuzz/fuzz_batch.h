// SPDX-License-Identifier: Apache-2.0
// What the properties of batches share.
#ifndef FUZZ_BATCH_H
#define FUZZ_BATCH_H

#include "fuzz_support.h"

// How a walk over a buffer ended.
struct fuzz_batch_end {
    bool ok;
    uint64_t count; // commands delivered
};

// Walks over a buffer and checks all that every walk must keep: the commands lie one behind the
// other without a gap, their views are inside, the error (if any) is complete and stays, warnings
// are complete and in wire order, and without an error every octet was delivered.
struct fuzz_batch_end fuzz_batch_walk(const char *property, cmrp_view bytes, unsigned flags);

#endif
