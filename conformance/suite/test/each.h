// SPDX-License-Identifier: Apache-2.0
// Checks that go through every vector of this project: what the programs of them share.
//
// Octets are in a heap block of their exact size, so that AddressSanitizer sees every step outside
// of them. Each test goes through all vectors, prints a line for each that fails, and fails at the
// end. In the environment, CMRP_TEST_VECTORS names another folder, CMRP_TEST_TYPES the types to
// test, and with CMRP_TEST_FAIL_FAST the program ends with the first failure: mutation testing is
// in a hurry.
#ifndef SUITE_TEST_EACH_H
#define SUITE_TEST_EACH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite/vector.h"

extern struct vector_set set;

// The set-up and tear-down of a group.
int load_vectors(void **state);
int unload_vectors(void **state);

// Runs one check over all vectors.
void each(void (*check)(const struct vector *));
// Says what is wrong with a vector; the test fails at its end.
void fail_vector(const struct vector *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The same octets alone in a block of their exact size; give them back with free_exact.
cmrp_view exact(const uint8_t *octets, size_t size);
void free_exact(cmrp_view view);
cmrp_view exact_of(const struct vector *v);

bool decodes(const struct vector *v);
struct json_selector lenient_selector(const struct vector *v);

// test_NAME of check_NAME.
#define EACH(name)                                                                                 \
    static void test_##name(void **state) {                                                        \
        (void)state;                                                                               \
        each(check_##name);                                                                        \
    }

#endif
