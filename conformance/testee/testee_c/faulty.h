// SPDX-License-Identifier: Apache-2.0
// Faults of testee/faults.def, done to what a right testee reads and writes.
#ifndef TESTEE_C_FAULTY_H
#define TESTEE_C_FAULTY_H

#include "testee/faults.h"
#include "json/json.h"

// A decoded value, or an error: gives back what the faulty testee makes of it. Takes over value,
// which is NULL for an error. *error is cleared where the fault accepts what it stands for.
json_t *faulty_decoded(enum testee_fault fault, const struct json_selector *how, cmrp_view octets,
                       json_t *value, cmrp_error *error);
// The selector that decoding uses.
struct json_selector faulty_selector(enum testee_fault fault, const struct json_selector *how);
// Changes encoded octets.
void faulty_encoded(enum testee_fault fault, const struct json_selector *how,
                    struct buffer *octets);

#endif
