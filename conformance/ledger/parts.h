// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share. Not for other folders.
#ifndef LEDGER_PARTS_H
#define LEDGER_PARTS_H

#include "ledger/ledger.h"

// Fills ledger->sequences and ledger->documents; on failure *error is set, and what was read stays.
bool sequences_read(struct ledger *ledger, const char *directory, char **error);

#endif
