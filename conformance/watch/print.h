// SPDX-License-Identifier: Apache-2.0
// Events as lines of text, or as JSON (docs/json.md).
#ifndef WATCH_PRINT_H
#define WATCH_PRINT_H

#include "watch/event.h"

struct watch_style {
    bool json;
    bool colour;
    const char *registry; // the key that is watched, "" for the root
    const char *batches;  // that of the batch port
};

// Appends whole lines.
void watch_print(struct buffer *out, const struct watch_event *event,
                 const struct watch_style *style);
// Appends a line of JSON that tells about the watching itself. code: "watching", "lost",
// "reconnected", …; message: a sentence for people.
void watch_print_status(struct buffer *out, const char *code, const char *message);

#endif
