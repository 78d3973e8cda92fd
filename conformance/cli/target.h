// SPDX-License-Identifier: Apache-2.0
// The server that a command line names, and how to reach it.
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/cli.h"
#include "rpc/client.h"

// "HOST", "HOST:PORT", "[ADDRESS]", "[ADDRESS]:PORT". An address with several colons and no
// brackets has no port. *host: free() it; *port is 0 where none is named. false for anything else.
bool cli_read_target(const char *text, char **host, uint16_t *port);

// Arguments of options that every client has: OUTCOME_OK, or cli_usage in what is wrong.
enum outcome cli_take_syntax(const char *subcommand, const char *text, enum rpc_offer *offer);
enum outcome cli_take_epmap(const char *subcommand, const char *text, uint16_t *port);

#endif
