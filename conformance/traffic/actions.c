// SPDX-License-Identifier: Apache-2.0
// The table of everything that clients do.
#include "traffic/actions.h"

const struct action actions[] = {OBJECT_ACTIONS(ACTION_ROW) NOTIFY_ACTIONS(ACTION_ROW)
                                     REGISTRY_ACTIONS(ACTION_ROW)};
const size_t action_count = sizeof actions / sizeof actions[0];
