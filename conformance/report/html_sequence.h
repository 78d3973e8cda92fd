// SPDX-License-Identifier: Apache-2.0
// What happened on each connection of a capture, drawn as the specification draws its figures: the
// client left, the server right, an arrow for each message. Without style it is a numbered list.
#ifndef REPORT_HTML_SEQUENCE_H
#define REPORT_HTML_SEQUENCE_H

#include "report/judgement.h"

// Chooses at most `limit` events: `events` has room for all of the judgement, and says of each
// whether it is on the page.
void html_sequence_choose(const struct judgement *judgement, size_t limit, bool *events);
// The events that were chosen. `cases`: for each case, whether its findings are on the page; only
// those are linked.
void html_sequence(const struct judgement *judgement, const bool *cases, const bool *events,
                   struct buffer *out);

#endif
