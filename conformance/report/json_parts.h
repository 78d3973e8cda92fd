// SPDX-License-Identifier: Apache-2.0
// Parts of the JSON reports that stand alone, too. Not for other folders. The objects are new.
#ifndef REPORT_JSON_PARTS_H
#define REPORT_JSON_PARTS_H

#include "report/judgement.h"
#include "report/report.h"

json_t *report_case_json(const struct report *report, const struct suite_case *c);
json_t *judgement_case_json(const struct judgement *judgement, const struct judge_case *c);
json_t *judgement_finding_json(const struct judgement *judgement,
                               const struct judge_finding *finding);

#endif
