// SPDX-License-Identifier: Apache-2.0
// Comparing JSON values by what they mean, whatever form they say it in.
#ifndef FUZZ_MEANING_H
#define FUZZ_MEANING_H

#include "fuzz_support.h"

// Fails unless both values have the same normal form. Beyond json_normal, which keeps to one form
// for each thing as decoding gives it, a text equals its own octets: `name` and `name_hex`, a
// string and {"utf16"}, a batch inside a stub and its hex.
void fuzz_check_same_meaning(const char *property, const struct json_selector *how,
                             const json_t *expected, const json_t *got);

#endif
