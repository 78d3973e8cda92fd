// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "judge/judge.h"

const char *judge_level_name(int level) {
    return level == JUDGE_MUST ? "MUST" : "SHOULD";
}

const char *judge_place_name(enum judge_place place) {
    switch (place) {
    case JUDGE_REQUEST: return "request stub";
    case JUDGE_RESPONSE: return "response stub";
    default: return "PDU";
    }
}

enum outcome judgement_outcome(const struct judgement *j) {
    enum outcome outcome = OUTCOME_OK;
    if (j->failed) {
        outcome = j->cut ? OUTCOME_INCOMPLETE : OUTCOME_USAGE;
    }
    if (j->case_count == 0) {
        outcome = outcome_worst(outcome, OUTCOME_USAGE);
    }
    for (size_t i = 0; i < j->case_count; i++) {
        if (verdict_is_finding(j->cases[i].verdict)) {
            return outcome_worst(outcome, OUTCOME_FINDINGS);
        }
    }
    return outcome;
}

static void free_findings(struct judgement *j) {
    for (size_t i = 0; i < j->finding_count; i++) {
        free(j->findings[i].id);
        free(j->findings[i].field);
        free(j->findings[i].message);
        buffer_free(&j->findings[i].octets);
    }
    free(j->findings);
}

void judgement_free(struct judgement *j) {
    free_findings(j);
    for (size_t i = 0; i < j->party_count; i++) {
        free(j->parties[i].address);
    }
    for (size_t i = 0; i < j->connection_count; i++) {
        free(j->connections[i].client);
        free(j->connections[i].server);
    }
    for (size_t i = 0; i < j->case_count; i++) {
        free(j->cases[i].id);
    }
    for (size_t i = 0; i < j->event_count; i++) {
        free(j->events[i].label);
    }
    for (size_t i = 0; i < j->note_count; i++) {
        free(j->notes[i].code);
        free(j->notes[i].text);
    }
    free(j->parties);
    free(j->connections);
    free(j->cases);
    free(j->events);
    free(j->notes);
    free(j->not_exercised);
    free(j->failure);
    free(j->capture);
    *j = (struct judgement){0};
}
