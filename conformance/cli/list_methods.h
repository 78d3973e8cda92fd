// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_LIST_METHODS_H
#define CLI_LIST_METHODS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

// Prints the methods whose names match one of the patterns, or all. Returns OUTCOME_USAGE when a
// pattern matches none.
enum outcome list_methods(char *const *patterns, size_t count, bool json);

#endif
