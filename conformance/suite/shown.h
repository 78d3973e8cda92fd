// SPDX-License-Identifier: Apache-2.0
// Text on a terminal that is not inside of quotes.
#ifndef SUITE_SHOWN_H
#define SUITE_SHOWN_H

#include "util/buffer.h"

// Appends UTF-8 as text_escape does (control and bidirectional characters, what is not UTF-8), but
// quotes and backslashes stay as they are: prose and JSON have their own.
void shown_text(struct buffer *out, const char *text, size_t size);

#endif
