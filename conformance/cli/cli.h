// SPDX-License-Identifier: Apache-2.0
// The command line: one function for each subcommand, in a file of its own.
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "util/outcome.h"

// argv[0] is the subcommand's name. Each handles --help itself (text to stdout, OUTCOME_OK).
enum outcome cli_decode(int argc, char **argv);
enum outcome cli_encode(int argc, char **argv);
enum outcome cli_conform(int argc, char **argv);
enum outcome cli_conform_capture(int argc, char **argv); // with -r and without --testee
enum outcome cli_conform_voices(int argc, char **argv);  // conform that compares, not judges
enum outcome cli_replay(int argc, char **argv);
enum outcome cli_list(int argc, char **argv);
enum outcome cli_explain(int argc, char **argv);
enum outcome cli_coverage(int argc, char **argv);
enum outcome cli_export(int argc, char **argv);
enum outcome cli_selftest(int argc, char **argv);
enum outcome cli_serve(int argc, char **argv);
enum outcome cli_ctl(int argc, char **argv);
enum outcome cli_call(int argc, char **argv);
enum outcome cli_watch(int argc, char **argv);

// "cmrp SUBCOMMAND: message" and a hint at --help, to stderr. Returns OUTCOME_USAGE.
enum outcome cli_usage(const char *subcommand, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// "cmrp: message" to stderr. Returns outcome.
enum outcome cli_fail(enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// cli_fail with what another function says, which is freed. Returns OUTCOME_USAGE.
enum outcome cli_refuse(char *error);

// A decimal number from least to most, all of the text; false for anything else.
bool cli_read_number(const char *text, uint64_t least, uint64_t most, uint64_t *value);

// Arguments of options: OUTCOME_OK, or cli_usage in what is wrong.
enum outcome cli_take_number(const char *subcommand, const char *option, const char *text,
                             uint64_t least, uint64_t most, uint64_t *value);
enum outcome cli_take_form(const char *subcommand, const char *text, bool *json); // of -T

// Whether to colour standard output: a terminal, and no NO_COLOR.
int cli_colour(void);
// Where data files are: $CMRP_DATADIR, else the source tree a build belongs to, else the installed
// share directory; "vectors" or "requirements.tsv" is appended. free() it.
char *cli_data_path(const char *name);

#endif
