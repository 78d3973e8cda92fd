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
// The connectionless ones; the two above hand these over.
json_t *json_pdu_cl_decode(cmrp_view bytes, uint64_t offset, cmrp_error *error);
bool json_pdu_cl_encode(struct shape *s, const json_t *value, struct buffer *out);
json_t *json_payload_decode(uint32_t object_type, uint64_t flag, cmrp_view bytes, uint64_t offset,
                            cmrp_error *error);
bool json_payload_encode(struct shape *s, uint32_t object_type, uint64_t flag, const json_t *value,
                         struct buffer *out);
// The members of a list that was decoded: "properties", "end_mark"; and back to the whole list.
void json_properties_decode(json_t *object, cmrp_view octets, uint64_t offset, bool shared_volumes);
bool json_properties_encode(struct shape *s, const json_t *object, bool shared_volumes,
                            struct buffer *out);
// The texts of a MULTI_SZ; *nuls at its end, and how many are *usual.
json_t *json_strings(cmrp_view units, size_t *nuls, size_t *usual);
// A member "strings" or the like, with as many NULs as "nuls" says, appended as a MULTI_SZ.
bool json_read_strings(struct shape *s, const json_t *object, const char *key, struct buffer *out);
// A required member: text without its NULs, which "nuls" counts.
bool json_read_units(struct shape *s, const json_t *object, const char *key, struct buffer *out);
// What was appended behind `start`.
cmrp_view json_added(const struct buffer *out, size_t start);
void json_set_nuls(json_t *object, size_t nuls, size_t usual);
bool json_read_nuls(struct shape *s, const json_t *object, size_t usual, size_t *nuls);
void json_append_nuls(struct buffer *out, size_t nuls);
// The name that a value has, else the number; names may be NULL. Input takes either.
json_t *json_named(const cmrp_payload_names *names, uint32_t value);
bool json_read_named(struct shape *s, const json_t *object, const char *key,
                     const cmrp_payload_names *names, uint32_t *value);

// Required members of PDUs; a fixed one has exactly n octets of hex.
bool json_read_u8(struct shape *s, const json_t *object, const char *key, uint8_t *out);
bool json_read_u16(struct shape *s, const json_t *object, const char *key, uint16_t *out);
bool json_read_u32(struct shape *s, const json_t *object, const char *key, uint32_t *out);
bool json_read_fixed(struct shape *s, const json_t *object, const char *key, uint8_t *out,
                     size_t n);
bool json_read_uuid(struct shape *s, const json_t *object, const char *key, cmrp_uuid *uuid);

json_t *json_tower_decode(const struct json_selector *how, cmrp_view bytes, uint64_t offset,
                          cmrp_error *error);
bool json_tower_encode(struct shape *s, const struct json_selector *how, const json_t *value,
                       struct buffer *out);

// Fails where a member of the value is one of the selectors, but not what the caller chose; the
// type counts if with_type.
bool json_selector_agrees(struct shape *s, const struct json_selector *how, bool with_type,
                          const json_t *value);

json_t *json_hex(cmrp_view octets);
json_t *json_u32(uint64_t value);
json_t *json_uuid(const cmrp_uuid *uuid);
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
