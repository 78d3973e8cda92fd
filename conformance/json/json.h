// SPDX-License-Identifier: Apache-2.0
// Structures to JSON and back, in the shapes that docs/json.md defines.
//
// Output keeps its keys in a fixed order. Input refuses duplicate and unknown keys, except those
// that only decoding adds (offset, warnings, *_names), which are ignored.
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdio.h>

#include <jansson.h>

#include "cmrp/cmrp.h"
#include "util/buffer.h"

// What stands in a text or vector: the types of `cmrp decode --type`.
enum json_type {
    JSON_TYPE_BATCH,
    JSON_TYPE_CHANGE,
    JSON_TYPE_STUB,
    JSON_TYPE_PDU,
    JSON_TYPE_PAYLOAD,
    JSON_TYPE_TOWER,
    JSON_TYPES
};
const char *json_type_name(enum json_type type);
bool json_type_named(const char *name, enum json_type *type);

// How to read or write one value: the type and its selectors.
struct json_selector {
    enum json_type type;
    unsigned batch_flags;       // batch: CMRP_BATCH_STRICT or CMRP_BATCH_LENIENT
    const cmrp_change_set *set; // change
    cmrp_stub_format stub;      // stub
    uint32_t object_type;       // payload: CLUSTER_OBJECT_TYPE
    bool ept_map; // tower: a stub of ept_map: stub's response, syntax and order; else a tower alone
    const cmrp_change_flag *flag; // payload: one of the type's CLUSTER_CHANGE_*_V2
};

// Why a value could not be encoded: the code's id ("value" for JSON of the wrong shape), where in
// the document (JSON pointer), what is wrong.
struct json_failure {
    const char *code;
    char pointer[128];
    char message[256];
    cmrp_error codec; // codec.code is not CMRP_OK when the codec refused a well-shaped value
};

// Parses a document; duplicate keys are refused. On failure *error is set (free it): line, column
// and what is wrong.
json_t *json_parse(const char *text, size_t size, char **error);

// Octets to JSON: the new object, or NULL with *error set. errors' offsets start at `offset`.
// A stub's object has method, opnum, interface, direction, syntax, params (docs/json.md).
json_t *json_decode(const struct json_selector *how, cmrp_view bytes, uint64_t offset,
                    cmrp_error *error);

// Whether octets are read as a connectionless PDU (version 4), by the first one.
bool json_is_pdu_cl(cmrp_view bytes);

// The payload that the buffer in a list of slots has, by the object type and flags beside it; NULL
// where nothing is known of it, or nothing but octets.
const cmrp_payload_row *json_payload_row(const cmrp_param *params, size_t count,
                                         const cmrp_slot *slots);
// The payload in such a buffer, as json_decode gives it; NULL where it is not what the row says.
json_t *json_payload_value(const cmrp_payload_row *row, const cmrp_slot *buffer);

// Writes a batch as json_decode and json_dumpf (with these flags) would, one command at a time: a
// batch of many commands would take fifty times its size as a whole. Writes nothing on an error.
bool json_batch_print(cmrp_view bytes, unsigned batch_flags, size_t dump_flags, FILE *out,
                      cmrp_error *error);

// JSON to octets, appended to out (which is unchanged on failure).
bool json_encode(const struct json_selector *how, const json_t *value, struct buffer *out,
                 struct json_failure *failure);

// Reads the selectors of a testee request, a vector or a stub object: "type" unless given, then
// "set"; "method", "opnum", "direction", "interface", "syntax", "drep"; "object_type", "flag";
// "mode". Missing ones keep
// their defaults (interface 3, ndr, le, strict). On failure *error is set (free it).
bool json_selector_read(const json_t *object, struct json_selector *how, char **error);
// Adds the selectors to an object, in the order type (if with_type), set, method, opnum, direction,
// …
void json_selector_write(const struct json_selector *how, bool with_type, json_t *object);

// UTF-16 text as a string, or {"utf16":…} where it is not well-formed or holds a NUL.
json_t *json_units(cmrp_view units, cmrp_order order);
// An error or a warning: {"code","offset","field","section","message"}
json_t *json_error(const cmrp_error *error);

// The value in a form in which equal meanings are equal JSON: names of commands and types as
// integers, flag names as values, counts and keys that only decoding adds removed, hex in lower
// case. Returns a new value; what is not of the expected shape is left as it is.
json_t *json_normal(const struct json_selector *how, const json_t *value);

#endif
