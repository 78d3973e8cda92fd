// SPDX-License-Identifier: Apache-2.0
// One finding of a judgement in HTML. Not for other folders.
#ifndef REPORT_HTML_FINDING_H
#define REPORT_HTML_FINDING_H

#include "report/judgement.h"

// What is wrong, where, what to change; with octets: those around it, the wrong ones marked.
// `events`: for each event, whether it is on the page and can be linked.
void html_finding(const struct judgement *judgement, const struct judge_finding *finding,
                  bool octets, const bool *events, struct buffer *out);

// How to read the octets of a finding, when the whole stub or PDU is there; false where it is not,
// or nobody knows its form.
bool finding_selector(const struct judge_finding *finding, struct json_selector *how);

#endif
