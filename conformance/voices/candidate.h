// SPDX-License-Identifier: Apache-2.0
// Splits as vectors for a person to judge: what our codec says is the expectation, who says
// otherwise stands in the comment.
#ifndef VOICES_CANDIDATE_H
#define VOICES_CANDIDATE_H

#include "voices/show.h"

// Writes DIRECTORY/LAYER/splits.json (and splits-2.json … when there are many) for each layer that
// has splits (agreement split or excused), making the folders. Such files of an earlier run are
// replaced or removed, so that the folder holds what this run found. *written receives how many
// vectors there are. On failure *error is set (free it).
bool candidates_write(const struct splits_report *r, const char *directory, size_t *written,
                      char **error);

// The id that the vector of a question's split has. free() it.
char *candidate_id(const struct suite_case *c);

#endif
