// SPDX-License-Identifier: Apache-2.0
// Reading JSON of an expected shape: every refusal names the place as a JSON pointer.
#ifndef JSON_SHAPE_H
#define JSON_SHAPE_H

#include "json/json.h"

// The place in the document that is being read. failure is the caller's and belongs to
// json_encode's contract; the first one sticks.
struct shape {
    struct json_failure *failure;
    char path[128];
};

// Records a refusal (code "value") at the current place. Returns false.
bool shape_fail(struct shape *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Records a refusal of a key that comes from outside: its controls are escaped. Returns false.
bool shape_unknown(struct shape *s, const char *what, const char *key);
// Records a refusal by the codec at the current place. Returns false.
bool shape_codec_fail(struct shape *s, const cmrp_error *error);

// Steps into a member or element; `mark` undoes it.
size_t shape_mark(const struct shape *s);
void shape_enter_key(struct shape *s, const char *key);
void shape_enter_index(struct shape *s, size_t index);
void shape_leave(struct shape *s, size_t mark);

// The value is an object whose keys are all in `keys` (NULL-terminated) or only added by decoding.
bool shape_object(struct shape *s, const json_t *value, const char *const *keys);
bool shape_array(struct shape *s, const json_t *value);

// Members. A missing one leaves *out alone and is a refusal only where `required`.
bool shape_u64(struct shape *s, const json_t *object, const char *key, bool required, uint64_t max,
               uint64_t *out);
bool shape_hex(struct shape *s, const json_t *object, const char *key, bool required,
               struct buffer *out);
bool shape_string(struct shape *s, const json_t *object, const char *key, bool required,
                  const char **out);

// A value by itself: an integer from 0 to max; where `decimal` is set, a 64-bit one written as a
// decimal string, since JSON integers do not hold all of them everywhere.
bool shape_integer(struct shape *s, const json_t *value, bool decimal, uint64_t max, uint64_t *out);
// A value by itself: hex digits.
bool shape_octets(struct shape *s, const json_t *value, struct buffer *out);
// A value by itself: text, appended as UTF-16 units in `order`.
bool shape_utf16(struct shape *s, const json_t *value, cmrp_order order, struct buffer *out);

// The same, or {"utf16":hex}: units as they are. Always little-endian.
bool shape_units(struct shape *s, const json_t *value, struct buffer *out);

// The text of a string that has no NUL inside; NULL for anything else. Names are looked up by it.
const char *shape_text(const json_t *value);

// Whether only decoding adds this key: offset, warnings, buffer_payload, *_names.
bool shape_is_added(const char *key);

#endif
