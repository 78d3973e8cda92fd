// SPDX-License-Identifier: Apache-2.0
// One test object of a vector file, checked and read. Used by vector.c only.
#ifndef SUITE_VECTOR_READ_H
#define SUITE_VECTOR_READ_H

#include "suite/vector.h"

#define VECTOR_WHOLE_FILE SIZE_MAX

// Where something is read: errors are "FILE: /tests/INDEX/SUB: message".
struct vector_place {
    const char *file;
    size_t index; // of the test, or VECTOR_WHOLE_FILE
    char **error; // receives the first error; free() it
    enum json_type type;
};

// Sets *place->error. sub is the pointer below the test without its first slash; "" for the test
// itself. Returns false.
bool vector_wrong(const struct vector_place *place, const char *sub, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The frame of a file: an object with source and a non-empty array of tests.
bool vector_read_file(const struct vector_place *place, const json_t *document);

// Fills in the vector from vector->json; file, source, index and how.type are set. On failure the
// caller still frees what the vector owns.
bool vector_read(const struct vector_place *place, struct vector *vector);

#endif
