// SPDX-License-Identifier: Apache-2.0
// A command line cut into words as a shell cuts it, without a shell: blanks separate, single quotes
// keep everything, double quotes keep all but \" \\ \$ \` and \newline, a backslash outside of
// quotes keeps the next character. Nothing else is special: no variables, globs, pipes.
#ifndef TESTEE_WORDS_H
#define TESTEE_WORDS_H

#include <stdbool.h>

// Returns a NULL-terminated array (words_free) or NULL with *error set (free it): an open quote, a
// backslash at the end, no word at all.
char **words_split(const char *line, char **error);
void words_free(char **words);

#endif
