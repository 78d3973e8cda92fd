// SPDX-License-Identifier: Apache-2.0
// What the forms of cmrp conform share: options, and files that receive a report. Functions that
// take an option's text return OUTCOME_OK, or OUTCOME_USAGE after saying what is wrong.
#ifndef CLI_CONFORM_OPTIONS_H
#define CLI_CONFORM_OPTIONS_H

#include <stdbool.h>

#include "cli/cli.h"
#include "suite/catalogue.h"
#include "util/buffer.h"

enum { CONFORM_PROCESSES = 64 }; // the most of -j

extern const double conform_wait; // seconds, for one answer; starting may take this at least

enum outcome conform_take_level(const char *text, enum requirement_level *level);
enum outcome conform_take_seconds(const char *text, double *seconds);

// Where the machine forms of a report go; NULL: nowhere, "-": standard output.
struct conform_forms {
    const char *json;
    const char *junit;
    const char *html;
};

enum outcome conform_check_forms(const struct conform_forms *forms);
// Whether one of them takes standard output; then the text is not printed.
bool conform_stdout_taken(const struct conform_forms *forms);

// Writes a text to standard output, and frees it.
void conform_print(struct buffer *text);
// Writes one form of a report to a file, and frees it.
enum outcome conform_write(const char *path, struct buffer *text);

#endif
