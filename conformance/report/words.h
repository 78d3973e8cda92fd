// SPDX-License-Identifier: Apache-2.0
// Words of command lines. Not for other folders.
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "util/buffer.h"

// Appends a word as shells take it: quoted where it holds other characters than usual.
void words_quote(struct buffer *out, const char *word);

#endif
