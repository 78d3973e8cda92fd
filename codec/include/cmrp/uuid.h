// SPDX-License-Identifier: Apache-2.0
// UUIDs on the wire and as text, and the ones that name this interface and its transfer syntaxes.
#ifndef CMRP_UUID_H
#define CMRP_UUID_H

#include "cmrp/bytes.h"

CMRP_BEGIN_DECLS

enum {
    CMRP_UUID_SIZE = 16,
    CMRP_UUID_TEXT_SIZE = 37, // with the NUL
};

// A UUID in the order in which it is written as text.
typedef struct cmrp_uuid {
    uint8_t octets[CMRP_UUID_SIZE];
} cmrp_uuid;

// An interface or transfer syntax.
typedef struct cmrp_syntax_id {
    cmrp_uuid uuid;
    uint16_t version;
    uint16_t version_minor;
} cmrp_syntax_id;

CMRP_API extern const cmrp_uuid cmrp_uuid_clusapi; // b97db8b2-4c63-11cf-bff6-08002be23f2f
CMRP_API extern const cmrp_uuid cmrp_uuid_ndr20;   // 8a885d04-1ceb-11c9-9fe8-08002b104860
CMRP_API extern const cmrp_uuid cmrp_uuid_ndr64;   // 71710533-beba-4937-8319-b5dbef9ccc36
// First half of the pseudo-syntax of bind-time feature negotiation [MS-RPCE 3.3.1.5.3]; the other
// half is a bit mask.
CMRP_API extern const cmrp_uuid cmrp_uuid_bind_time; // 6cb71c2c-9812-4540-0000-000000000000

CMRP_API bool cmrp_uuid_equal(const cmrp_uuid *a, const cmrp_uuid *b);
CMRP_API bool cmrp_uuid_is_bind_time(const cmrp_uuid *uuid);
CMRP_API void cmrp_uuid_format(const cmrp_uuid *uuid, char text[CMRP_UUID_TEXT_SIZE]);
// Reads the 36-character text; false, *uuid untouched, for anything else.
CMRP_API bool cmrp_uuid_parse(const char *text, cmrp_uuid *uuid);

// Takes a UUID; its first three fields follow the byte order of the data.
CMRP_API bool cmrp_take_uuid(cmrp_reader *r, const char *field, cmrp_order order, cmrp_uuid *uuid);
CMRP_API bool cmrp_put_uuid(cmrp_writer *w, const char *field, cmrp_order order,
                            const cmrp_uuid *uuid);
// Takes or writes a UUID and a version of two 16-bit halves (p_syntax_id_t).
CMRP_API bool cmrp_take_syntax_id(cmrp_reader *r, const char *field, cmrp_order order,
                                  cmrp_syntax_id *id);
CMRP_API bool cmrp_put_syntax_id(cmrp_writer *w, const char *field, cmrp_order order,
                                 const cmrp_syntax_id *id);

CMRP_END_DECLS

#endif
