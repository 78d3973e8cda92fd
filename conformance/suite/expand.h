// SPDX-License-Identifier: Apache-2.0
// The short forms of vector files, written out: {"repeat":N,"hex":"…"} and {"repeat":N,"text":"…"}
// as pieces of a list that is joined to one string, {"repeat":N,"element":…} as N elements of an
// array.
#ifndef SUITE_EXPAND_H
#define SUITE_EXPAND_H

#include "json/json.h"

enum {
    EXPAND_OCTETS = 7 * 1024 * 1024,  // of one expanded string of hex; fits a testee's line
    EXPAND_ELEMENTS = 1024 * 1024,    // of one expanded array
    EXPAND_REPEAT = 16 * 1024 * 1024, // largest count of one piece
};

// What is wrong, and where below the value that was given (a JSON pointer).
struct expand_failure {
    char pointer[128];
    char message[160];
};

// Appends octets given as lower-case hex, or as a list of such strings and {"repeat":N,"hex":"…"}.
// On failure *out is unspecified.
bool expand_octets(const json_t *parts, struct buffer *out, struct expand_failure *failure);

// A new value with all short forms written out. Which lists of strings are joined depends on the
// type: those of data, name, name_hex and trailing of a batch, all but lists of names in a stub,
// and elsewhere only lists that hold a repeated piece. A list that is not to be joined stays as it
// is. Returns NULL with *failure set for a repeat that is malformed or too large.
json_t *expand_value(enum json_type type, const json_t *value, struct expand_failure *failure);

#endif
