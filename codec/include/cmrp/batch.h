// SPDX-License-Identifier: Apache-2.0
// CLUSTER_REG_BATCH_UPDATE [MS-CMRP 2.2.3.17]: the registry batches that ApiExecuteBatch,
// ApiGetBatchNotification, ApiExecuteReadBatch and ApiExecuteReadBatchEx carry.
//
// The buffer is custom-marshaled: little-endian, not aligned, the same under every transfer syntax.
// Reading copies nothing: names and data are views of the caller's buffer.
#ifndef CMRP_BATCH_H
#define CMRP_BATCH_H

#include "cmrp/bytes.h"

CMRP_BEGIN_DECLS

// X(name, value, what ValueType says, what Data says) for each value of CLUSTER_REG_BATCH_COMMAND
// [MS-CMRP 2.2.2.8]. ValueType: TYPE a registry type of ApiSetValue, OLD_TYPE the type a value had,
// STATUS an error code, IGNORED, OPEN where the specification does not say. Data: USED, UNUSED,
// OPEN.
#define CMRP_BATCH_COMMANDS(X)                                                                     \
    X(CLUSREG_SET_VALUE, 1, TYPE, USED)                                                            \
    X(CLUSREG_CREATE_KEY, 2, IGNORED, UNUSED)                                                      \
    X(CLUSREG_DELETE_KEY, 3, IGNORED, UNUSED)                                                      \
    X(CLUSREG_DELETE_VALUE, 4, IGNORED, UNUSED)                                                    \
    X(CLUSREG_VALUE_DELETED, 6, OLD_TYPE, USED)                                                    \
    X(CLUSREG_READ_KEY, 7, IGNORED, UNUSED)                                                        \
    X(CLUSREG_READ_VALUE, 8, TYPE, USED)                                                           \
    X(CLUSREG_READ_ERROR, 9, STATUS, OPEN)                                                         \
    X(CLUSREG_CONTROL_COMMAND, 10, OPEN, OPEN)                                                     \
    X(CLUSREG_CONDITION_EXISTS, 11, OPEN, OPEN)                                                    \
    X(CLUSREG_CONDITION_NOT_EXISTS, 12, OPEN, OPEN)                                                \
    X(CLUSREG_CONDITION_IS_EQUAL, 13, OPEN, OPEN)                                                  \
    X(CLUSREG_CONDITION_IS_NOT_EQUAL, 14, OPEN, OPEN)                                              \
    X(CLUSREG_CONDITION_IS_GREATER_THAN, 15, OPEN, OPEN)                                           \
    X(CLUSREG_CONDITION_IS_LESS_THAN, 16, OPEN, OPEN)                                              \
    X(CLUSREG_CONDITION_KEY_EXISTS, 17, OPEN, OPEN)                                                \
    X(CLUSREG_CONDITION_KEY_NOT_EXISTS, 18, OPEN, OPEN)

typedef enum cmrp_batch_type {
#define CMRP_BATCH_ENUM(name, value, value_type, data) CMRP_##name = (value),
    CMRP_BATCH_COMMANDS(CMRP_BATCH_ENUM)
#undef CMRP_BATCH_ENUM
} cmrp_batch_type;

// X(name, value): the registry types of ApiSetValue [MS-CMRP 3.1.4.2.33].
#define CMRP_REG_TYPES(X)                                                                          \
    X(REG_NONE, 0)                                                                                 \
    X(REG_SZ, 1)                                                                                   \
    X(REG_EXPAND_SZ, 2)                                                                            \
    X(REG_BINARY, 3)                                                                               \
    X(REG_DWORD, 4)                                                                                \
    X(REG_MULTI_SZ, 7)                                                                             \
    X(REG_QWORD, 11)

typedef enum cmrp_reg_type {
#define CMRP_REG_ENUM(name, value) CMRP_##name = (value),
    CMRP_REG_TYPES(CMRP_REG_ENUM)
#undef CMRP_REG_ENUM
} cmrp_reg_type;

// What a command's ValueType field means.
typedef enum cmrp_value_type_use {
    CMRP_VALUE_TYPE_TYPE,     // a registry type: SET_VALUE, READ_VALUE
    CMRP_VALUE_TYPE_OLD_TYPE, // the type a value had; readers accept anything: VALUE_DELETED
    CMRP_VALUE_TYPE_STATUS,   // a status code: READ_ERROR
    CMRP_VALUE_TYPE_IGNORED,  // nothing; writers send 0
    CMRP_VALUE_TYPE_OPEN,     // not specified; reserved commands too
} cmrp_value_type_use;

// The specification's name of a command or registry type, or NULL for a value it does not list.
CMRP_API const char *cmrp_batch_type_name(uint32_t type);
CMRP_API const char *cmrp_reg_type_name(uint32_t value_type);
// The value of a name; false for an unknown one, *value is then untouched.
CMRP_API bool cmrp_batch_type_named(const char *name, uint32_t *value);
CMRP_API bool cmrp_reg_type_named(const char *name, uint32_t *value);
CMRP_API cmrp_value_type_use cmrp_batch_value_type_use(uint32_t type);

enum {
    CMRP_BATCH_NAME_MINIMUM = 2,    // NameLength of the empty name: its NUL
    CMRP_BATCH_COMMAND_MINIMUM = 18 // octets of the smallest legal command
};

// How strictly to read or write. Strict is what the specification defines.
enum {
    CMRP_BATCH_STRICT = 0,
    // Accept, with a warning, what damaged writers produce: an absent or unterminated name, a NUL
    // inside it, a missing last pad octet, no command at all, up to 17 odd octets at the end.
    CMRP_BATCH_LENIENT = 1,
    // Follow the lengths only and do not look into names; the caller looks at those it needs.
    CMRP_BATCH_UNCHECKED_NAMES = 2,
};

// What is remarkable about one command without making it unreadable; in wire order.
enum {
    CMRP_BATCH_WARN_COMMAND = 0x01,          // reserved CommandType
    CMRP_BATCH_WARN_TYPE_UNLISTED = 0x02,    // ValueType is not a type of ApiSetValue
    CMRP_BATCH_WARN_TYPE_IGNORED = 0x04,     // ValueType set where it is ignored
    CMRP_BATCH_WARN_NAME_LENGTH = 0x08,      // lenient: NameLength 0
    CMRP_BATCH_WARN_NAME_TERMINATOR = 0x10,  // lenient: no NUL at the end of Name
    CMRP_BATCH_WARN_NAME_NUL = 0x20,         // lenient: a NUL inside Name
    CMRP_BATCH_WARN_SURROGATE = 0x40,        // Name has an unpaired surrogate
    CMRP_BATCH_WARN_DATA_UNUSED = 0x80,      // Data for a command that has none
    CMRP_BATCH_WARN_PADDING_MISSING = 0x100, // lenient: the last pad octet is missing
    CMRP_BATCH_WARN_PADDING = 0x200,         // the pad octet is not 0
};

// One BATCH_UPDATE_COMMAND [MS-CMRP 2.2.3.17.1].
typedef struct cmrp_batch_command {
    uint64_t offset;     // of CommandType, from the base given at opening; ignored by the writer
    uint32_t type;       // CommandType, reserved values included
    uint32_t value_type; // ValueType
    cmrp_view name;      // the raw Name field, its NUL included
    cmrp_view data;      // Data
    uint16_t warnings;   // CMRP_BATCH_WARN_*; ignored by the writer
    uint8_t padding;     // the pad octet's value; 0 where there is none
    bool pad_missing;    // lenient: Data has an odd size, yet no pad octet follows
} cmrp_batch_command;

// An iteration over a buffer. The buffer and the error must outlive it.
typedef struct cmrp_batch {
    cmrp_reader reader;
    unsigned flags;
    uint64_t count;     // commands delivered so far
    cmrp_view trailing; // lenient: odd octets after the last command; size 0 where there are none
    bool empty;         // lenient: the buffer holds no command; set at the end
} cmrp_batch;

// Starts reading buffer, whose first octet errors call `offset`. Reads VersionNumber. error must be
// CMRP_OK. Fails with truncated or version.
CMRP_API bool cmrp_batch_open(cmrp_batch *batch, cmrp_view buffer, uint64_t offset, unsigned flags,
                              cmrp_error *error);

// Delivers the next command. Returns false at the end and on an error; error->code tells which.
// After an error *command is unspecified; commands delivered before stay valid.
CMRP_API bool cmrp_batch_next(cmrp_batch *batch, cmrp_batch_command *command);

// Delivers the warnings of a command, one a call, in wire order; start with *cursor = 0. Returns
// false when there are no more. Offsets use the same base as command->offset.
CMRP_API bool cmrp_batch_warning(const cmrp_batch_command *command, unsigned *cursor,
                                 cmrp_error *warning);
// Delivers the warning about the buffer's end (empty, trailing), if there is one. Call it after the
// iteration has ended without an error.
CMRP_API bool cmrp_batch_end_warning(const cmrp_batch *batch, cmrp_error *warning);

// The name without its NUL when the field is well-formed UTF-16 with exactly one NUL, at its end;
// false otherwise.
CMRP_API bool cmrp_batch_name_text(const cmrp_batch_command *command, cmrp_view *text);

// Writing: open, put each command, close. The writer holds to what the reader accepts under the
// same flags, so that everything written can be read back.
typedef struct cmrp_batch_writer {
    cmrp_writer *writer;
    unsigned flags;
    uint64_t count;
    bool unpadded; // the last command lacks its pad octet: nothing may follow
} cmrp_batch_writer;

// Writes VersionNumber 1. writer must be positioned where the buffer begins.
CMRP_API bool cmrp_batch_writer_open(cmrp_batch_writer *bw, cmrp_writer *writer, unsigned flags);
// Writes one command. Fails with no-space; name-length, name-terminator, name-nul or padding for
// what strict readers refuse; value for sizes beyond 32 bits.
CMRP_API bool cmrp_batch_put(cmrp_batch_writer *bw, const cmrp_batch_command *command);
// Ends the buffer; trailing is written only under CMRP_BATCH_LENIENT and must be empty otherwise.
// Fails with empty when no command was written (strict), trailing when a reader would take trailing
// for a command.
CMRP_API bool cmrp_batch_writer_close(cmrp_batch_writer *bw, cmrp_view trailing);

CMRP_END_DECLS

#endif
