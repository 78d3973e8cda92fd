// SPDX-License-Identifier: Apache-2.0
// The requirements catalogue: conformance/requirements.tsv, a header line and one row a
// requirement.
#ifndef SUITE_CATALOGUE_H
#define SUITE_CATALOGUE_H

#include "util/buffer.h"

enum requirement_level { LEVEL_NONE, LEVEL_MAY, LEVEL_SHOULD, LEVEL_MUST };
const char *requirement_level_name(enum requirement_level level);

// The columns, in this order. A cell may hold several values, separated by commas.
#define CATALOGUE_COLUMNS(X)                                                                       \
    X(id, "id")                                                                                    \
    X(section, "section")                                                                          \
    X(role, "role")                                                                                \
    X(level_text, "level")                                                                         \
    X(protocol, "protocol")                                                                        \
    X(subjects, "methods/structs")                                                                 \
    X(statement, "statement")                                                                      \
    X(testable, "testable")                                                                        \
    X(status, "status")

struct requirement {
#define CATALOGUE_FIELD(field, title) const char *field;
    CATALOGUE_COLUMNS(CATALOGUE_FIELD)
#undef CATALOGUE_FIELD
    enum requirement_level level;
};

struct catalogue {
    struct requirement *rows;
    size_t count;
    char *text; // which the rows point into
};

// On failure *error is set (free it): file, line and what is wrong; the catalogue is then empty.
bool catalogue_load(const char *path, struct catalogue *catalogue, char **error);
void catalogue_free(struct catalogue *catalogue);

const struct requirement *catalogue_find(const struct catalogue *catalogue, const char *id);

// Whether a word is in a cell that holds several, separated by commas.
bool catalogue_cell_has(const char *cell, const char *word);

// Appends the section as text cites it: "MS-CMRP 2.2.3.17.1".
void catalogue_cite(struct buffer *out, const struct requirement *requirement);

#endif
