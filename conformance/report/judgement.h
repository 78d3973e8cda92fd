// SPDX-License-Identifier: Apache-2.0
// The judgement of a capture in the forms that people and programs read: text, JSON, JUnit XML,
// HTML.
//
// All writers append to a buffer and never fail. Text from the capture is made safe for where it
// goes, as report.h says.
#ifndef REPORT_JUDGEMENT_H
#define REPORT_JUDGEMENT_H

#include "judge/judge.h"

enum { JUDGEMENT_FORMAT = 1 }; // of the JSON document

// A line for each finding that can be searched for ("FILE: frame N: LEVEL: …"), what to change and
// the octets below it; then a table by party, notes, and the last line, which says whether all is
// well. verbose: every case and what was never exercised, too.
void judgement_text(const struct judgement *judgement, bool colour, bool verbose,
                    struct buffer *out);
// One JSON document; docs/schema/judgement.json.
void judgement_json(const struct judgement *judgement, struct buffer *out);
// One <testsuites> document: a suite for each party, a test case for each case.
void judgement_junit(const struct judgement *judgement, struct buffer *out);
// One HTML page that needs nothing else.
void judgement_html(const struct judgement *judgement, struct buffer *out);

#endif
