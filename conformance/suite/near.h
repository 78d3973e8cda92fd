// SPDX-License-Identifier: Apache-2.0
// Names that somebody may have meant.
#ifndef SUITE_NEAR_H
#define SUITE_NEAR_H

#include "util/buffer.h"

enum { NEAR_MATCHES = 5 };

// The closest names so far. Set wanted, the rest to zero; names must outlive it.
struct near {
    const char *wanted;
    const char *names[NEAR_MATCHES];
    size_t distances[NEAR_MATCHES];
    size_t count;
};

// Considers a name: it is kept when few changes of letters lead to it, or when it contains what is
// wanted. Case does not matter. A name that was offered before is kept once.
void near_offer(struct near *near, const char *name);
// Appends "; is it A, B?", or nothing when no name is close.
void near_suggest(const struct near *near, struct buffer *out);

#endif
