// SPDX-License-Identifier: Apache-2.0
// One case of a run of vectors in HTML. Not for other folders.
#ifndef REPORT_HTML_CASE_H
#define REPORT_HTML_CASE_H

#include "report/html.h"
#include "report/report.h"

// "the testee died", for headings.
const char *html_case_meaning(enum verdict verdict);
// In one line: what was expected, and what came.
void html_case_words(const struct suite_case *c, struct buffer *out);
// What is wrong, the octets, the sentences of the specification, how to see it again.
void html_case_details(const struct report *report, const struct suite_case *c, struct buffer *out);

#endif
