// SPDX-License-Identifier: Apache-2.0
// The sections of the specifications that the cases of a plan are about. Not for other folders.
#ifndef REPORT_SECTIONS_H
#define REPORT_SECTIONS_H

#include "report/report.h"

struct sections {
    char **names; // "MS-CMRP 2.2.3.17.1", in the order of their numbers
    size_t count;
};

void sections_find(const struct report *report, struct sections *sections);
// By hand: adds a name unless it is there; when all are added, sorts them.
void sections_add(struct sections *sections, const char *name);
void sections_sort(struct sections *sections);
// The index of a name, or count.
size_t sections_index(const struct sections *sections, const char *name);
void sections_free(struct sections *sections);

// Calls `each` with the index of every section that a vector is about, once.
void sections_of(const struct report *report, const struct sections *sections,
                 const struct vector *vector, void (*each)(void *context, size_t index),
                 void *context);

// Orders names as people do: numbers in them by their value.
int sections_compare(const char *a, const char *b);

#endif
