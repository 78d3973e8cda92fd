// SPDX-License-Identifier: Apache-2.0
// Hexadecimal, as files hold it and as people paste it.
#ifndef UTIL_HEX_H
#define UTIL_HEX_H

#include "util/buffer.h"

// Appends lower-case hex of octets as text.
void hex_append(struct buffer *out, cmrp_view octets);
char *hex_text(cmrp_view octets); // free() it

// Strict: pairs of digits and nothing else. false for anything else; *at is the wrong character.
bool hex_parse(const char *text, size_t size, struct buffer *out, size_t *at);

// As people paste it: white space, "0x" prefixes, commas and colons between octets, comments from #
// to the end of the line, and dumps whose lines start with an offset (as xxd, hexdump -C, tcpdump
// -X and Wireshark write them; what stands to the right of the octets is skipped). Returns false
// with *error set (free it): the line and what is wrong with it.
bool hex_parse_pasted(const char *text, size_t size, struct buffer *out, char **error);

#endif
