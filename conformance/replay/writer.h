// SPDX-License-Identifier: Apache-2.0
// JSON written straight into a buffer: a record of a large capture is not worth a tree of its own.
// Keys and values follow each other as the calls do; commas are seen to. The caller balances what
// it opens, and does not write a key twice. Not for other folders.
#ifndef REPLAY_WRITER_H
#define REPLAY_WRITER_H

#include "json/json.h"

struct writer {
    struct buffer *out;
    bool ascii; // \u escapes for everything but printable ASCII
    bool comma; // something stands before the next key or value
};

void writer_open(struct writer *w, char bracket);  // { or [
void writer_close(struct writer *w, char bracket); // } or ]
// A key of `size` characters, none of which needs an escape.
void writer_sized_key(struct writer *w, const char *key, size_t size);
static inline void writer_key(struct writer *w, const char *key) {
    writer_sized_key(w, key, strlen(key));
}

// Values.
void writer_null(struct writer *w);
void writer_true(struct writer *w);
void writer_number(struct writer *w, uint64_t value);
void writer_signed(struct writer *w, int64_t value);
void writer_decimal(struct writer *w, uint64_t value); // as a string
void writer_string(struct writer *w, const char *utf8);
// A string in which no character needs an escape: a name of the specification.
void writer_name(struct writer *w, const char *name);
void writer_hex(struct writer *w, cmrp_view octets);
// A value that jansson holds; for what is small.
void writer_json(struct writer *w, const json_t *value);
// Well-formed UTF-16.
void writer_utf16(struct writer *w, cmrp_view units, cmrp_order order);

// The parameters of a decoded stub, the same as json_decode makes of it under "params".
void writer_params(struct writer *w, const cmrp_stub_format *format, const cmrp_slot *slots);

#endif
