// SPDX-License-Identifier: Apache-2.0
// What happened on each connection of a capture, drawn as the specification draws its figures: the
// client left, the server right, an arrow for each message. Without style it is a numbered list.
#ifndef REPORT_HTML_SEQUENCE_H
#define REPORT_HTML_SEQUENCE_H

#include "report/judgement.h"

// At most `limit` octets; then says how many events are missing.
void html_sequence(const struct judgement *judgement, size_t limit, struct buffer *out);

#endif
