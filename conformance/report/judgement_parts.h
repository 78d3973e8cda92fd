// SPDX-License-Identifier: Apache-2.0
// Phrases that all forms of a judgement share, not escaped. Not for other folders.
#ifndef REPORT_JUDGEMENT_PARTS_H
#define REPORT_JUDGEMENT_PARTS_H

#include "report/judgement.h"

// "client 192.0.2.1"
void judgement_party(const struct judge_party *party, struct buffer *out);
// "2024-02-29T12:00:00.000001Z"
void judgement_time(struct judge_time time, struct buffer *out);
// "ApiSetValue request stub, offset 24, hKey"
void judgement_where(const struct judge_finding *finding, struct buffer *out);
// "MS-CMRP 3.1.4.2.30, CMRP-G-008"
void judgement_citation(const char *section, const char *requirement, struct buffer *out);
// "192.0.2.1:50000 to 192.0.2.2:49152", or nothing.
void judgement_connection(const struct judgement *judgement, size_t connection, struct buffer *out);
// "3 findings in 12 cases (2 of MUST, 1 of SHOULD)"
void judgement_sentence(const struct judgement *judgement, struct buffer *out);

// The octets of the finding that are kept: where the wrong ones begin and end within them. false
// where there are none, or the wrong place is not among them.
bool judgement_wrong(const struct judge_finding *finding, size_t *from, size_t *to);
// Cases by verdict, levels together.
void judgement_verdicts(const struct judge_counts counts[JUDGE_LEVELS],
                        size_t verdicts[VERDICT_COUNT]);
// The findings of a case that are kept, and the first of them, or NULL.
size_t judgement_kept(const struct judgement *judgement, const struct judge_case *c,
                      const struct judge_finding **first);

#endif
