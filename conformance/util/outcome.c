// SPDX-License-Identifier: Apache-2.0
#include "util/outcome.h"

static int rank(enum outcome o) {
    switch (o) {
    case OUTCOME_INTERNAL: return 5;
    case OUTCOME_UNREACHED: return 4;
    case OUTCOME_USAGE: return 3;
    case OUTCOME_FINDINGS: return 2;
    case OUTCOME_INCOMPLETE: return 1;
    case OUTCOME_OK: break;
    }
    return 0;
}

enum outcome outcome_worst(enum outcome a, enum outcome b) {
    return rank(a) >= rank(b) ? a : b;
}
