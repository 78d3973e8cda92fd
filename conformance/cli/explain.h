// SPDX-License-Identifier: Apache-2.0
// What explain.c (names) takes from explain_vector.c, and from explain_rule.c (requirements, rules,
// sequences).
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "ledger/ledger.h"
#include "show/show.h"

// What explanations draw from.
struct explain_sources {
    struct vector_set vectors;
    struct catalogue catalogue;
    struct ledger ledger;
    char *directory; // of the vectors
    struct show_options show;
};

// Each appends what is known about a name of its kind, and returns whether there is such a name.
bool explain_vector(struct buffer *out, const struct explain_sources *s, const char *id);
bool explain_requirement(struct buffer *out, const struct explain_sources *s, const char *id);
bool explain_sequence(struct buffer *out, const struct explain_sources *s, const char *id);
bool explain_rule(struct buffer *out, const struct explain_sources *s, const char *name);

// Appends the ids of the vectors that `has` accepts, under a title that counts them, and returns
// their number.
size_t explain_vectors(struct buffer *out, const struct vector_set *set, const char *title,
                       const char *name,
                       bool (*has)(const struct vector *vector, const char *name));
// "CMRP-B-003 MUST [MS-CMRP 2.2.3.17] statement", a line.
void explain_statement(struct buffer *out, const struct requirement *r);
// The octets of a vector field by field, and what they say.
void explain_octets(struct buffer *out, const struct explain_sources *s, const struct vector *v);

#endif
