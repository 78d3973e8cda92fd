// SPDX-License-Identifier: Apache-2.0
// What the two forms of output share.
#ifndef WATCH_PRINT_PARTS_H
#define WATCH_PRINT_PARTS_H

#include "cmrp/batch.h"
#include "cmrp/change.h"
#include "cmrp/payload.h"
#include "util/text.h"
#include "watch/print.h"

// The flag of a set that a value is, alone; NULL for none, several, or an unknown one.
const cmrp_change_flag *watch_one_flag(const cmrp_change_set *set, uint64_t value);
void watch_print_json(struct buffer *out, const struct watch_event *event,
                      const struct watch_style *style);

#endif
