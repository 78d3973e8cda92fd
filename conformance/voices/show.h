// SPDX-License-Identifier: Apache-2.0
// A disagreement in the forms that people and programs read.
#ifndef VOICES_SHOW_H
#define VOICES_SHOW_H

#include "suite/catalogue.h"
#include "voices/split.h"

enum { SPLITS_FORMAT = 1 }; // of the JSON document

struct splits_report {
    const struct questions *questions;
    const struct voice *voices; // the first is ours
    size_t voice_count;
    const struct splits *splits;
    const struct catalogue *catalogue;
    const char *started; // RFC 3339, UTC
    double seconds;
    bool colour;
    bool verbose; // also what is allowed and excused
};

// The splits, who differs how often from us, and the counts.
void splits_text(const struct splits_report *r, struct buffer *out);
// One JSON document; docs/schema/splits.json.
void splits_json(const struct splits_report *r, struct buffer *out);

#endif
