// SPDX-License-Identifier: Apache-2.0
// The lines of the testee protocol: one JSON object a line, requests one way, answers the other.
#ifndef TESTEE_PROTOCOL_H
#define TESTEE_PROTOCOL_H

#include "suite/judge.h"
#include "suite/plan.h"

enum {
    PROTOCOL_FORMAT = 1,
    PROTOCOL_LINE = 16 * 1024 * 1024, // octets of a line, its line feed not counted
};

// What a testee says about itself. The strings are its own.
struct protocol_hello {
    char *name;
    char *version;
    bool types[JSON_TYPES];
};

void protocol_hello_free(struct protocol_hello *hello);

// Appends the first request, whose id is 0.
void protocol_hello_request(struct buffer *line);
// Reads the answer to it. On failure *error is set (free it); hello is then empty.
bool protocol_hello_read(const char *line, size_t size, struct protocol_hello *hello, char **error);

// Appends the request of a case. Returns false, line unchanged, when it would be longer than
// PROTOCOL_LINE.
bool protocol_request(uint64_t id, const struct suite_case *c, struct buffer *line);

// An answer to any other request. `answer` points into document.
struct protocol_answer {
    bool has_id; // the line is an object with an id, whatever else is wrong with it
    uint64_t id;
    struct answer answer;
    json_t *document; // json_decref it
};

// Reads a line. On failure *error is set (free it); has_id and id say what can be said.
bool protocol_answer_read(const char *line, size_t size, struct protocol_answer *answer,
                          char **error);

#endif
