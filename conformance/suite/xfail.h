// SPDX-License-Identifier: Apache-2.0
// Expected failures: a file of lines `CASE-GLOB  VERDICT  reason`, # for comments.
//
// VERDICT is FAIL, CRASH or TIMEOUT. Of several lines that match a case the first applies. A case
// that ends as its line says is XFAIL; one that passes is XPASS, which is a finding; any other
// verdict stays what it is. Lines that match only cases outside the selection say nothing.
#ifndef SUITE_XFAIL_H
#define SUITE_XFAIL_H

#include "suite/plan.h"

struct xfail_line {
    char *glob;
    enum verdict verdict;
    char *reason;
    size_t number; // of the line, from 1
};

struct xfail {
    struct xfail_line *lines;
    size_t count;
};

// Reads a file. On failure *error is set (free it): file, line and what is wrong.
bool xfail_load(const char *path, struct xfail *xfail, char **error);
void xfail_free(struct xfail *xfail);

// Attaches the lines to the cases of the plan. A line that matches no case of any vector is a
// failure, as is one that stands entirely behind an earlier line; path is named in *error (free
// it). xfail must outlive the plan.
bool xfail_apply(const struct xfail *xfail, const char *path, const struct vector_set *set,
                 struct plan *plan, char **error);

// The verdict of a case whose own verdict is `verdict`, under its line (which may be NULL).
enum verdict xfail_verdict(const struct xfail_line *line, enum verdict verdict);

#endif
