// SPDX-License-Identifier: Apache-2.0
// A finished run in the forms that people and programs read: text, JSON, JUnit XML, HTML; and
// progress while it runs.
//
// All writers append to a buffer and never fail. Text that comes from a testee is made safe for
// where it goes: control and bidirectional characters escaped in text, what XML 1.0 forbids
// replaced in XML, invalid UTF-8 replaced in both machine forms, markup and the like escaped in
// HTML.
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "suite/catalogue.h"
#include "suite/plan.h"

enum { REPORT_FORMAT = 1 }; // of the JSON document

// What is reported. Everything is the caller's.
struct report {
    const struct plan *plan;
    const struct catalogue *catalogue; // may be NULL: then sections are those of the files
    const char *command;               // the testee as it was given
    const char *vectors;               // the folder of vectors as it was given, or NULL
    const char *testee_name;           // "" when it never said
    const char *testee_version;
    const bool *testee_types;   // JSON_TYPES of them
    const char *failure;        // why the testee could not be started, or NULL
    const char *failure_output; // what it said then, or NULL
    char *const *notes;
    size_t note_count;
    double seconds;
    const char *started; // RFC 3339, UTC
    bool colour;         // text
    bool verbose;        // text: every case, not only those that need a look
};

// Counts of a plan: verdicts[layer][verdict], the last layer being all together.
struct report_counts {
    size_t verdicts[JSON_TYPES + 1][VERDICT_COUNT];
    size_t cases[JSON_TYPES + 1];
};
void report_count(const struct plan *plan, struct report_counts *counts);

// "plan: 12 cases from 7 vectors, testee NAME VERSION" and a line feed.
void report_plan(const struct report *report, struct buffer *out);
// The cases that need a look, the summary by verdict and layer, notes, and the last line, which
// says whether all is well.
void report_text(const struct report *report, struct buffer *out);
// One JSON document; docs/schema/report.json.
void report_json(const struct report *report, struct buffer *out);
// One <testsuites> document: a suite for each layer, a test case for each case.
void report_junit(const struct report *report, struct buffer *out);

// One HTML page that needs nothing else.
void report_html(const struct report *report, struct buffer *out);

// The sections a case is about: those of the requirements that it cites, else the file's source.
void report_sections(const struct report *report, const struct vector *vector, struct buffer *out);

// Progress on a stream: a bar that is drawn over on a terminal, else a line every 10 seconds.
struct progress {
    FILE *stream;
    bool terminal;
    size_t total;
    double last; // seconds, when something was last shown
    bool shown;
    double (*clock)(void); // seconds from any start
};

void progress_start(struct progress *p, FILE *stream, size_t total);
void progress_step(struct progress *p, size_t done, size_t findings);
// Wipes the bar.
void progress_end(struct progress *p);

#endif
