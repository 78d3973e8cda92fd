// SPDX-License-Identifier: Apache-2.0
// One test object of a vector file, checked and read; and what readers of such files share.
#ifndef SUITE_VECTOR_READ_H
#define SUITE_VECTOR_READ_H

#include "suite/vector.h"

#define VECTOR_WHOLE_FILE SIZE_MAX

// Where something is read: errors are "FILE: /LIST/INDEX/SUB: message".
struct vector_place {
    const char *file;
    size_t index; // of the test, or VECTOR_WHOLE_FILE
    char **error; // receives the first error; free() it
    enum json_type type;
    const char *list; // key of the file's list; NULL: "tests"
};

// Sets *place->error. sub is the pointer below the test without its first slash; "" for the test
// itself. Returns false.
bool vector_wrong(const struct vector_place *place, const char *sub, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The first key of object that is in neither list (NULL-terminated; more may be NULL), or NULL.
const char *vector_unknown_key(const json_t *object, const char *const *keys,
                               const char *const *more);
// As vector_wrong where there is one.
bool vector_known_keys(const struct vector_place *place, const char *sub, const json_t *object,
                       const char *const *keys, const char *const *more);
// A member that is text, not empty.
bool vector_read_string(const struct vector_place *place, const json_t *object, const char *key,
                        const char **out);
// One of `count` words; *value is its index.
bool vector_read_word(const struct vector_place *place, const char *sub, const json_t *object,
                      const char *key, const char *(*name)(unsigned), unsigned count,
                      unsigned *value);
const char *vector_provenance_word(unsigned i);
// An array of distinct strings that begin with prefix; NULL when the key is absent.
bool vector_read_words(const struct vector_place *place, const json_t *object, const char *key,
                       const char *prefix, const json_t **out);

// The frame of a file: an object with source and a non-empty array of tests (or what list says).
bool vector_read_file(const struct vector_place *place, const json_t *document);

// Fills in the vector from vector->json; file, source, index and how.type are set. On failure the
// caller still frees what the vector owns.
bool vector_read(const struct vector_place *place, struct vector *vector);

// A file as JSON; NULL with *error set (free it).
json_t *vector_read_document(const char *path, char **error);
// Calls one(context, path, error) for each DIRECTORY/LAYER/*.json, by name, until one fails. A
// layer that does not exist has no files.
bool vector_each_file(const char *directory, const char *layer,
                      bool (*one)(void *context, const char *path, char **error), void *context,
                      char **error);

#endif
