// SPDX-License-Identifier: Apache-2.0
// The options that decode and encode share: which type, which set or method, how strictly.
#ifndef CLI_SELECTOR_H
#define CLI_SELECTOR_H

#include <getopt.h>

#include "json/json.h"

struct cli_selector {
    const char *type;
    const char *set;
    const char *method;
    const char *direction;
    const char *interface;
    const char *syntax;
    const char *drep;
    const char *object_type;
    const char *flag;
    bool lenient;
};

// Values of getopt_long for the shared options; a subcommand's own start at CLI_OPTION_OWN.
enum {
    CLI_OPTION_TYPE = 1000,
    CLI_OPTION_SET,
    CLI_OPTION_METHOD,
    CLI_OPTION_DIRECTION,
    CLI_OPTION_INTERFACE,
    CLI_OPTION_SYNTAX,
    CLI_OPTION_DREP,
    CLI_OPTION_OBJECT_TYPE,
    CLI_OPTION_FLAG,
    CLI_OPTION_LENIENT,
    CLI_OPTION_OWN,
};

#define CLI_SELECTOR_OPTIONS                                                                       \
    {"type", required_argument, NULL, CLI_OPTION_TYPE},                                            \
        {"set", required_argument, NULL, CLI_OPTION_SET},                                          \
        {"method", required_argument, NULL, CLI_OPTION_METHOD},                                    \
        {"direction", required_argument, NULL, CLI_OPTION_DIRECTION},                              \
        {"interface", required_argument, NULL, CLI_OPTION_INTERFACE},                              \
        {"syntax", required_argument, NULL, CLI_OPTION_SYNTAX},                                    \
        {"drep", required_argument, NULL, CLI_OPTION_DREP},                                        \
        {"object-type", required_argument, NULL, CLI_OPTION_OBJECT_TYPE},                          \
        {"flag", required_argument, NULL, CLI_OPTION_FLAG}, {                                      \
        "lenient", no_argument, NULL, CLI_OPTION_LENIENT                                           \
    }

extern const char cli_selector_help[];

// Notes one of the shared options; false for any other.
bool cli_selector_option(struct cli_selector *selector, int option, const char *argument);
// Turns the options into a selector; names not given come from `object` (a JSON value that names
// its own method, set and direction) where it is not NULL. On failure *error is set (free it).
bool cli_selector_resolve(const struct cli_selector *selector, const json_t *object,
                          struct json_selector *how, char **error);

#endif
