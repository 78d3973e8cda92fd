// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share: one decoder and one encoder for each type, and small makers.
#ifndef JSON_PARTS_H
#define JSON_PARTS_H

#include "json/json.h"
#include "json/shape.h"

json_t *json_batch_decode(cmrp_view bytes, unsigned flags, uint64_t offset, cmrp_error *error);
bool json_batch_encode(struct shape *s, const json_t *value, unsigned flags, struct buffer *out);

json_t *json_change_decode(const cmrp_change_set *set, cmrp_view bytes, cmrp_error *error);
bool json_change_encode(struct shape *s, const cmrp_change_set *set, const json_t *value,
                        struct buffer *out);

json_t *json_stub_decode(const cmrp_stub_format *format, cmrp_view bytes, uint64_t offset,
                         cmrp_error *error);
bool json_stub_encode(struct shape *s, const cmrp_stub_format *format, const json_t *value,
                      struct buffer *out);

json_t *json_pdu_decode(cmrp_view bytes, uint64_t offset, cmrp_error *error);
bool json_pdu_encode(struct shape *s, const json_t *value, struct buffer *out);

json_t *json_hex(cmrp_view octets);
json_t *json_u32(uint64_t value);
json_t *json_decimal(uint64_t value); // a 64-bit field: decimal string
// Names of the flags that value holds.
json_t *json_flag_names(const cmrp_change_set *set, uint64_t value);
// UTF-16 text as a string; the caller has checked that it is well-formed and without NUL.
json_t *json_text(cmrp_view units, cmrp_order order);

// Collects warnings into an array; *context is a json_t * array.
void json_collect_warning(void *context, const cmrp_error *warning);

// Runs an encoder twice, to size and to write, and appends the octets to out.
typedef bool json_writing(void *context, cmrp_writer *writer);
bool json_write(struct shape *s, json_writing *writing, void *context, struct buffer *out);

#endif
