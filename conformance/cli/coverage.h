// SPDX-License-Identifier: Apache-2.0
// What coverage.c computes and coverage_print.c prints.
#ifndef CLI_COVERAGE_H
#define CLI_COVERAGE_H

#include "ledger/ledger.h"

// The rows that were selected.
struct coverage {
    const struct ledger *ledger;
    const struct ledger_row **rows;
    size_t count;
};

struct coverage_sum {
    char *name;
    size_t all;
    size_t states[LEDGER_STATES];
    size_t missing;
};

struct coverage_sums {
    struct coverage_sum *sums;
    size_t count;
};

struct coverage_sum coverage_all(const struct coverage *coverage); // without a name
// Rows with several roles count in each. Free with coverage_free_sums.
struct coverage_sums coverage_by_level(const struct coverage *coverage);
struct coverage_sums coverage_by_role(const struct coverage *coverage);
struct coverage_sums coverage_by_section(const struct coverage *coverage);
void coverage_free_sums(struct coverage_sums *sums);

// Appends what shows a row, what is planned, or why nothing can show it: "vectors 12: a, b, …;
// rules x; planned: live server".
void coverage_describe(struct buffer *out, const struct ledger *ledger,
                       const struct ledger_row *row);
// To standard output; counts: the sums alone.
void coverage_print_text(const struct coverage *coverage, bool counts);
void coverage_print_json(const struct coverage *coverage, bool counts);

#endif
