// SPDX-License-Identifier: Apache-2.0
// Errors: what was wrong, where, in which field, and which sentence of the specification says so.
//
// Every decoder and encoder of this library reports into one cmrp_error that the caller owns. The
// first error sticks: later ones are dropped, and every further operation on the same error fails
// at once. Warnings are reported in the same structure, by functions that say so.
#ifndef CMRP_STATUS_H
#define CMRP_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "cmrp/export.h"

CMRP_BEGIN_DECLS

// X(enumerator, number, id, message). The id is stable and is what JSON documents and vectors
// carry; several enumerators may share one, as an error and a warning about the same rule do.
// In a message %f stands for the field, %v and %x for the offending value (decimal, hexadecimal),
// %l for the octets that were left. Numbers: 1-19 any layer, 20-39 batch, 40-59 NDR, 60-79 PDU,
// 80-99 methods and values to be encoded, 100-119 payloads of notifications.
#define CMRP_CODES(X)                                                                              \
    X(TRUNCATED, 1, "truncated", "%f is cut short (%l left)")                                      \
    X(TRAILING, 2, "trailing", "%l after the end of %f")                                           \
    X(NO_SPACE, 3, "no-space", "%f does not fit into the buffer (%l left)")                        \
    X(TOO_LARGE, 4, "value", "%f %v is too large for its field")                                   \
    X(VERSION, 20, "version", "%f is %v, not 1")                                                   \
    X(EMPTY, 21, "empty", "there is no command after the version")                                 \
    X(NAME_LENGTH, 22, "name-length", "%f %v is not an even number of octets of at least 2")       \
    X(NAME_OVERRUN, 23, "name-overrun", "%f %v runs past the end (%l left)")                       \
    X(NAME_TERMINATOR, 24, "name-terminator", "%f does not end with NUL")                          \
    X(NAME_NUL, 25, "name-nul", "%f has a NUL before its end")                                     \
    X(DATA_OVERRUN, 26, "data-overrun", "%f %v runs past the end (%l left)")                       \
    X(PADDING_MISSING, 27, "padding", "%f is missing after an odd number of data octets")          \
    X(PADDING_NONZERO, 28, "padding", "%f is %x, not 0")                                           \
    X(RESERVED_COMMAND, 29, "reserved-command", "%f %v is reserved")                               \
    X(VALUE_TYPE_UNLISTED, 30, "value-type", "%f %v is not a registry type of ApiSetValue")        \
    X(VALUE_TYPE_IGNORED, 31, "value-type", "%f %v is set where it is ignored")                    \
    X(DATA_UNUSED, 32, "data-unused", "%f is %v for a command without data")                       \
    X(SURROGATE, 33, "surrogate", "%f has an unpaired surrogate")                                  \
    X(AFTER_COMMANDS, 34, "trailing", "%l after the last command")                                 \
    X(PADDING_UNEXPECTED, 35, "padding", "%f is given after an even number of data octets")        \
    X(OVERRUN, 40, "overrun", "%f counts %v, more than what follows (%l left)")                    \
    X(COUNT_MISMATCH, 41, "count-mismatch", "%f is %v and differs from its size parameter")        \
    X(NULL_POINTER, 42, "null-pointer", "%f is NULL but its size parameter is %v")                 \
    X(STRING_OFFSET, 43, "string-offset", "%f starts at offset %v, not 0")                         \
    X(STRING_COUNT, 44, "string-count", "%f has an actual count of %v, not 1 to its maximum")      \
    X(STRING_TERMINATOR, 45, "string-terminator", "%f does not end with NUL")                      \
    X(NDR_PADDING, 46, "ndr-padding", "the gap before %f is not zero")                             \
    X(ACTUAL_COUNT, 47, "string-count", "%f has an actual count of %v, more than its maximum")     \
    X(ODD_UNITS, 48, "value", "%f has %v octets, which are no whole units")                        \
    X(RPC_VERSION, 60, "rpc-version", "%f is %v; this is not DCE/RPC 5.0 or 5.1")                  \
    X(DREP, 61, "drep", "%f is %x: an unknown integer representation")                             \
    X(PTYPE, 62, "ptype", "%f %v is not a PDU of the connection-oriented protocol")                \
    X(FRAG_LENGTH, 63, "frag-length", "%f is %v with %l at hand")                                  \
    X(AUTH_LENGTH, 64, "auth-length", "%f %v does not fit into the PDU (%l left)")                 \
    X(RPC_VERSION_CL, 65, "rpc-version", "%f is %v; this is not connectionless DCE/RPC 4")         \
    X(PTYPE_CL, 66, "ptype", "%f %v is not a PDU of the connectionless protocol")                  \
    X(FLOOR_LENGTH, 70, "floor-length", "%f %v is not the length that its protocol has")           \
    X(RANGE, 71, "range", "%f %v is outside its range")                                            \
    X(UNKNOWN_METHOD, 80, "unknown-method", "opnum %v is not described for this interface")        \
    X(MISSING, 81, "value", "%f is missing")                                                       \
    X(OTHER_KIND, 82, "value", "%f is of another kind than its event says")                        \
    X(STRING_LENGTH, 100, "string-length", "%f %v is not an even number of octets of at least 2")  \
    X(STRING_NUL, 101, "string-nul", "%f has a NUL before its end")                                \
    X(STRING_PADDING, 102, "string-padding", "%f has more NULs at its end than it needs (%v)")     \
    X(STRING_REST, 103, "padding", "%f has something behind its NUL")                              \
    X(LIST_TERMINATOR, 104, "string-terminator", "%f lacks the NUL that ends a list of strings")   \
    X(EMPTY_VALUE, 105, "empty", "%f is empty")                                                    \
    X(PROPERTY_SYNTAX, 106, "property-syntax", "%f is %x, which may not stand here")               \
    X(VALUE_SIZE, 107, "value-size", "%f %v is not the size that its syntax asks for")             \
    X(NO_VALUE, 108, "value-count", "%f is empty: a property has a value")                         \
    X(MANY_VALUES, 109, "value-count", "%f has more than %v elements")                             \
    X(NOT_EXPANDED, 110, "expand-sz", "the expanded string is missing behind %f %x")               \
    X(UNLISTED, 111, "unlisted", "%f %v is not in its table of values")                            \
    X(BOOLEAN, 112, "boolean", "%f is %v, neither 0 nor 1")                                        \
    X(LIST_END_MARK, 113, "end-mark", "%f has an end mark of its own behind its properties")

typedef enum cmrp_code {
    CMRP_OK = 0, // no error
#define CMRP_CODE_ENUM(name, number, id, message) CMRP_E_##name = (number),
    CMRP_CODES(CMRP_CODE_ENUM)
#undef CMRP_CODE_ENUM
} cmrp_code;

// cmrp_error.index of a member of a single structure.
#define CMRP_NO_INDEX UINT32_MAX

// An error or a warning. All strings are constants of the library.
typedef struct cmrp_error {
    cmrp_code code;      // CMRP_OK: nothing happened, the rest is meaningless
    uint32_t index;      // element of `array`, from 0, or CMRP_NO_INDEX; meaningless without array
    uint64_t offset;     // of the first octet of the wrong field, from the caller's base
    uint64_t value;      // the offending value, where there is one
    uint64_t left;       // octets that were left behind the field
    const char *array;   // array or structure parameter that the field belongs to, or NULL
    const char *field;   // name of the field as the specification spells it
    const char *section; // document and section, such as "MS-CMRP 2.2.3.17.1"
} cmrp_error;

// Receives warnings, one a call. The warning is valid during the call only.
typedef void cmrp_warn(void *context, const cmrp_error *warning);

// The stable id of a code, such as "name-overrun"; "ok" for CMRP_OK, "unknown" for a number that is
// none.
CMRP_API const char *cmrp_code_id(cmrp_code code);

// Writes the field's path ("NameLength", "Notifications[3].NotificationData.Name") into buffer,
// NUL-terminated and cut to capacity. Returns the full length without the NUL. capacity may be 0.
CMRP_API size_t cmrp_error_field(const cmrp_error *error, char *buffer, size_t capacity);

// Writes one sentence without offset and section, such as
// "NameLength 4294967295 runs past the end (194 bytes left)". Same conventions.
CMRP_API size_t cmrp_error_message(const cmrp_error *error, char *buffer, size_t capacity);

// Writes "offset 12: MESSAGE [MS-CMRP 2.2.3.17.1]". Same conventions.
CMRP_API size_t cmrp_error_format(const cmrp_error *error, char *buffer, size_t capacity);

CMRP_END_DECLS

#endif
