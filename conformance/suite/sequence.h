// SPDX-License-Identifier: Apache-2.0
// Sequences: calls on connections between clients and a server, as data, and which rules they
// break at which step: DIR/sequence/*.json (vectors/README.md). A sequence is made into a capture
// without a file; who plays it compares what is found with what is expected.
//
// The loader is as strict as that of vectors: file, JSON pointer, what is wrong. A step that comes
// from another sequence ("like") is named by its number.
#ifndef SUITE_SEQUENCE_H
#define SUITE_SEQUENCE_H

#include "suite/vector.h"

// What is expected: a rule is broken at a step.
struct sequence_finding {
    size_t step;
    const char *rule;  // its name, or "encoding"; not checked against the rules there are
    const char *field; // NULL: any
    bool has_offset;
    uint64_t offset;
};

struct sequence {
    const char *id;
    const char *comment;
    const char *file;
    const char *source;
    size_t index;                // in the file: JSON pointer /sequences/INDEX
    const json_t *json;          // as it stands in the file
    const struct sequence *like; // that it is made of; NULL: none
    json_t *steps;               // all of them, edits applied
    bool complete;               // it is judged as a capture that holds every call of its server
    struct sequence_finding *findings;
    size_t finding_count;
    const json_t *flags; // array of strings; NULL when there are none
    const json_t *requirements;
    enum vector_provenance provenance;
};

struct sequence_set {
    struct sequence *sequences; // in the order of file names and files
    size_t count;
    json_t **documents;
    char **files;
    size_t file_count;
};

// Loads DIR/sequence/*.json; without any the set is empty. Every sequence is made into a capture
// once, so that all that could be wrong is found. On failure *error is set (free it) and the set is
// empty.
bool sequence_set_load(const char *directory, struct sequence_set *set, char **error);
void sequence_set_free(struct sequence_set *set);
const struct sequence *sequence_find(const struct sequence_set *set, const char *id);

// A capture of a sequence.
struct sequence_capture {
    struct buffer octets; // pcap
    size_t *steps;        // of each frame: steps[frame - 1] is the step that it belongs to
    size_t frames;
    bool *secured; // of each step: whether the bind of its connection says how it is secured
    size_t step_count;
};

// Always gives the same octets. On failure *error is set (free it), and nothing is to be freed.
bool sequence_make(const struct sequence *sequence, struct sequence_capture *capture, char **error);
void sequence_capture_free(struct sequence_capture *capture);

#endif
