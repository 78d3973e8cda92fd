// SPDX-License-Identifier: Apache-2.0
// The patterns of a command line (glob(7)), each of which must match something.
#ifndef CLI_GLOBS_H
#define CLI_GLOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

struct globs {
    char *const *patterns; // the caller's
    size_t count;
    bool *used;
};

// Free with globs_close.
struct globs globs_open(char *const *patterns, size_t count);
// Whether some pattern matches the name, or there is none.
bool globs_match(struct globs *globs, const char *name);
// OUTCOME_OK, or OUTCOME_USAGE after naming the first pattern that has matched nothing: it "matches
// no WHAT".
enum outcome globs_check(const struct globs *globs, const char *what);
void globs_close(struct globs *globs);

#endif
