// SPDX-License-Identifier: Apache-2.0
// Which octets of a case are the wrong ones. Not for other folders.
#ifndef REPORT_MARKS_H
#define REPORT_MARKS_H

#include "suite/fields.h"

// The octets of the member that a JSON pointer leads to, or of what it lies in; false where no
// field goes by its name.
bool marks_of_pointer(const struct json_selector *how, const struct field_spans *spans,
                      const char *pointer, size_t *from, size_t *to);

// The field that a decoder refuses; from == to: something is missing there. False where the octets
// decode.
bool marks_of_error(const struct field_spans *spans, size_t *from, size_t *to);

#endif
