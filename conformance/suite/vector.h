// SPDX-License-Identifier: Apache-2.0
// Test vectors: DIR/<layer>/*.json, one layer for each type (batch, change, stub, pdu, payload,
// tower).
//
// The loader is strict: an unknown key, a missing selector, an unknown error code, a value where
// none belongs, an id that was used before – each is refused with the file and the JSON pointer.
#ifndef SUITE_VECTOR_H
#define SUITE_VECTOR_H

#include "json/json.h"

enum vector_result { VECTOR_VALID, VECTOR_INVALID, VECTOR_ACCEPTABLE, VECTOR_RESULTS };
enum vector_provenance { VECTOR_WIRE, VECTOR_SPEC, VECTOR_GENERATED, VECTOR_PROVENANCES };

const char *vector_result_name(enum vector_result result);
const char *vector_provenance_name(enum vector_provenance provenance);

struct vector_warning {
    const char *code;
    const char *field;
    uint64_t offset;
};

// What decoding (or, without octets, encoding) must give.
struct vector_outcome {
    enum vector_result result;
    json_t *value;    // expanded; NULL where an invalid vector has none
    const char *code; // invalid: the id of the error
    uint64_t offset;  // invalid, decoding: where it is
    struct vector_warning *warnings;
    size_t warning_count;
};

struct vector {
    const char *id;
    const char *comment;
    const char *file;   // as the loader opened it
    const char *source; // of the file
    size_t index;       // in the file: JSON pointer /tests/INDEX
    const json_t *json; // as it stands in the file
    struct json_selector how;
    bool has_octets; // false: a value that encoders must refuse
    struct buffer octets;
    struct vector_outcome strict;
    bool has_lenient; // lenient decoding of a batch has an outcome of its own
    struct vector_outcome lenient;
    const json_t *flags;        // array of strings; NULL when there are none
    const json_t *requirements; // the same
    enum vector_provenance provenance;
};

// Vectors in the order of layers, file names and files. Everything belongs to the set.
struct vector_set {
    struct vector *vectors;
    size_t count;
    json_t **documents;
    char **files;
    size_t file_count;
};

// Loads all layers below a directory. On failure *error is set (free it): file, JSON pointer and
// what is wrong; the set is then empty. A directory without vectors is a failure.
bool vector_set_load(const char *directory, struct vector_set *set, char **error);
// Loads one file more, which must hold vectors of this type. On failure the set is unchanged.
bool vector_set_add_file(struct vector_set *set, const char *path, enum json_type type,
                         char **error);
void vector_set_free(struct vector_set *set);

const struct vector *vector_find(const struct vector_set *set, const char *id);
// Whether an array of strings, which may be NULL, holds a word.
bool vector_words_hold(const json_t *words, const char *word);
// Whether a vector has this flag, cites this requirement.
bool vector_flagged(const struct vector *vector, const char *flag);
bool vector_cites(const struct vector *vector, const char *requirement);

#endif
