// SPDX-License-Identifier: Apache-2.0
// Which field each octet belongs to, found out from the decoders alone: what is cut off in the
// middle of a field is refused with the field's name and offset.
#ifndef SUITE_FIELDS_H
#define SUITE_FIELDS_H

#include "json/json.h"

// Runs the decoder of this type over octets, without making JSON. Returns whether they decode;
// *error must be CMRP_OK and tells why not. *end receives how many octets the value takes: fewer
// than there are when others follow that the decoder only warns of. end may be NULL.
bool fields_decode(const struct json_selector *how, cmrp_view octets, size_t *end,
                   cmrp_error *error);

struct field_span {
    size_t offset;
    size_t size;
    char name[96];
};

struct field_spans {
    struct field_span *spans; // in ascending order, without gaps
    size_t count;
    cmrp_error error;   // why the octets do not decode, or CMRP_OK
    size_t error_index; // the span that begins at the error, or count
};

// The fields of octets up to `limit` spans (the rest is one span more, named ""). Of octets that do
// not decode, those before the wrong field, that field, and one span "(not read)" for all behind
// it. A count and what it counts may be one span. Gaps for alignment are named "(gap)", octets
// behind the last field "(trailing)".
void fields_find(const struct json_selector *how, cmrp_view octets, size_t limit,
                 struct field_spans *out);
void fields_free(struct field_spans *spans);

#endif
