// SPDX-License-Identifier: Apache-2.0
// The server that a command line names.
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <stdbool.h>
#include <stdint.h>

// "HOST", "HOST:PORT", "[ADDRESS]", "[ADDRESS]:PORT". An address with several colons and no
// brackets has no port. *host: free() it; *port is 0 where none is named. false for anything else.
bool cli_read_target(const char *text, char **host, uint16_t *port);

#endif
