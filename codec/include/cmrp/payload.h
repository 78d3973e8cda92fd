// SPDX-License-Identifier: Apache-2.0
// Payloads of version 2 notifications: the `buffer` of NOTIFICATION_DATA_RPC, whose content follows
// from object type and flag [MS-CMRP 3.1.4.2.138].
//
// Payloads are custom-marshaled: little-endian, packed, the same under every transfer syntax. What
// is read stays where it is: texts, lists and octets are views of the caller's buffer. Everything
// that decodes encodes back to the identical octets.
#ifndef CMRP_PAYLOAD_H
#define CMRP_PAYLOAD_H

#include "cmrp/bytes.h"

CMRP_BEGIN_DECLS

// ---- which payload an event has -----------------------------------------------------------------

// X(enumerator, name): the kinds of payload.
#define CMRP_PAYLOAD_KINDS(X)                                                                      \
    X(OPAQUE, "opaque")                 /* octets that the specification does not describe */      \
    X(EMPTY, "empty")                   /* no octets */                                            \
    X(STATE, "state")                   /* 32 bits with names: see cmrp_payload_names */           \
    X(DWORD, "dword")                   /* 32 bits */                                              \
    X(ID, "id")                         /* the identifier of an object as UTF-16 text */           \
    X(TEXT, "text")                     /* UTF-16 text */                                          \
    X(MULTI_SZ, "multi-sz")             /* a list of UTF-16 texts */                               \
    X(PROPERTIES, "property-list")      /* PROPERTY_LIST [MS-CMRP 2.2.3.10] */                     \
    X(MEMBERSHIP, "membership")         /* CLUSTER_MEMBERSHIP_INFO [MS-CMRP 2.2.3.42] */           \
    X(SHARED_VOLUMES, "shared-volumes") /* PROPERTY_LIST of CLUSTER_SHARED_VOLUME_STATE_INFO_EX */

typedef enum cmrp_payload_kind {
#define CMRP_PAYLOAD_KIND_ENUM(enumerator, name) CMRP_PAYLOAD_##enumerator,
    CMRP_PAYLOAD_KINDS(CMRP_PAYLOAD_KIND_ENUM)
#undef CMRP_PAYLOAD_KIND_ENUM
        CMRP_PAYLOAD_KIND_COUNT,
} cmrp_payload_kind;

// "state", "property-list", …; NULL for a number that is none.
CMRP_API const char *cmrp_payload_kind_name(unsigned kind);

// The names that 32-bit values have, such as the states of a group.
typedef struct cmrp_payload_name {
    uint32_t value;
    const char *name; // as the specification spells it
} cmrp_payload_name;

typedef struct cmrp_payload_names {
    const char *title;   // "group state"
    const char *section; // of the table of values
    const cmrp_payload_name *names;
    uint32_t count;
    bool open; // other values are as good
} cmrp_payload_names;

// The name of a value, or NULL; and back, false for an unknown name.
CMRP_API const char *cmrp_payload_name_of(const cmrp_payload_names *names, uint32_t value);
CMRP_API bool cmrp_payload_named(const cmrp_payload_names *names, const char *name,
                                 uint32_t *value);

// What the buffer of one event holds (payload.def).
typedef struct cmrp_payload_row {
    uint32_t object_type; // CLUSTER_OBJECT_TYPE
    cmrp_payload_kind kind;
    uint64_t flag;    // one flag of the type's CLUSTER_CHANGE_*_V2
    const char *what; // in words: "ID of the new owner node"
    const char *section;
    const cmrp_payload_names *names; // STATE; NULL for the other kinds
    bool optional;                   // the buffer may be empty
} cmrp_payload_row;

// The row of an event, or NULL where the specification has none: an object type or a flag without
// payload table, several flags at once.
CMRP_API const cmrp_payload_row *cmrp_payload_row_of(uint32_t object_type, uint64_t flag);
// All rows in order; NULL behind the last.
CMRP_API const cmrp_payload_row *cmrp_payload_row_at(size_t index);

// ---- payloads -----------------------------------------------------------------------------------

// A payload. Which members count follows from kind; the others are zero after decoding and ignored
// when encoding.
typedef struct cmrp_payload {
    const cmrp_payload_row *row; // NULL: the event has none, all is OPAQUE
    cmrp_payload_kind kind;      // the row's; EMPTY where an optional payload is absent
    uint32_t value;              // STATE, DWORD
    cmrp_view text;              // ID, TEXT: the units before the NULs
    size_t nuls;                 // ID, TEXT: NUL units behind the text; writers give 1, readers
                                 // accept none as well, since the specification does not say
    cmrp_view octets;            // OPAQUE; MULTI_SZ: the texts with all their NULs; PROPERTIES,
                                 // SHARED_VOLUMES: the whole list
    uint8_t has_quorum;          // MEMBERSHIP: HasQuorum
    cmrp_view up_nodes;          // MEMBERSHIP: an octet for each node that is up, its number
} cmrp_payload;

// Decodes the buffer of an event; errors and warnings call its first octet `offset`. A property
// list is read through to its end. Warnings, in wire order: surrogate, string-padding (more NULs
// than needed), string-terminator (a list with one NUL at its end), empty, unlisted (a value
// outside of its table), boolean, padding, value-count, expand-sz, value-size, property-syntax,
// end-mark.
// Fails with truncated, trailing, overrun, string-length, string-terminator, string-nul,
// property-syntax, value-size or value-count; *payload is then untouched. warn may be NULL.
CMRP_API bool cmrp_payload_decode(uint32_t object_type, uint64_t flag, cmrp_view buffer,
                                  uint64_t offset, cmrp_payload *payload, cmrp_warn *warn,
                                  void *warn_context, cmrp_error *error);

// Writes a payload; PROPERTIES and SHARED_VOLUMES are written anew from the list in `octets`. Holds
// to what cmrp_payload_decode accepts and fails with the same codes, no-space, or value where kind
// is not that of the row.
CMRP_API bool cmrp_payload_encode(const cmrp_payload *payload, cmrp_writer *writer);

// ---- texts --------------------------------------------------------------------------------------

// Cuts UTF-16 units into the text and the NULs behind it: the number of them. An odd last octet
// belongs to neither.
CMRP_API cmrp_view cmrp_text_before_nuls(cmrp_view units, size_t *nuls);

// What is remarkable about texts without making them unreadable.
typedef struct cmrp_units_found {
    size_t surplus; // NULs more than needed, at the end
    bool unpaired;  // a surrogate without its partner
    bool open;      // a list of texts whose last NUL is missing
} cmrp_units_found;

// Whether units are a text with its NUL, or a MULTI_SZ: CMRP_OK, or string-length,
// string-terminator, string-nul. *found is always set.
CMRP_API cmrp_code cmrp_units_judge_text(cmrp_view units, cmrp_units_found *found);
CMRP_API cmrp_code cmrp_units_judge_list(cmrp_view units, cmrp_units_found *found);

// Delivers the texts of a MULTI_SZ without their NULs; start with *cursor = 0. Returns false at the
// end. An empty text ends the list.
CMRP_API bool cmrp_multi_sz_next(cmrp_view units, size_t *cursor, cmrp_view *text);

// ---- PROPERTY_LIST [MS-CMRP 2.2.3.10] -----------------------------------------------------------

// What the data of a value is.
typedef enum cmrp_property_form {
    CMRP_FORM_OCTETS,
    CMRP_FORM_UNSIGNED, // 2, 4 or 8 octets
    CMRP_FORM_SIGNED,   // 4 or 8 octets, two's complement
    CMRP_FORM_STRING,   // UTF-16 text with its NUL
    CMRP_FORM_MULTI_SZ, // UTF-16 texts, each with its NUL, and one NUL more
} cmrp_property_form;

// X(name, value, form, size, at least): CLUSTER_PROPERTY_SYNTAX [MS-CMRP 2.2.2.3] but for NAME and
// ENDMARK, which no value has. size: of the data, exact or (`at least` 1) a lower bound.
#define CMRP_PROPERTY_SYNTAXES(X)                                                                  \
    X(CLUSPROP_SYNTAX_LIST_VALUE_BINARY, 0x00010001, OCTETS, 0, 1)                                 \
    X(CLUSPROP_SYNTAX_LIST_VALUE_DWORD, 0x00010002, UNSIGNED, 4, 0)                                \
    X(CLUSPROP_SYNTAX_LIST_VALUE_SZ, 0x00010003, STRING, 2, 1)                                     \
    X(CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ, 0x00010004, STRING, 2, 1)                              \
    X(CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ, 0x00010005, MULTI_SZ, 2, 1)                             \
    X(CLUSPROP_SYNTAX_LIST_VALUE_ULARGE_INTEGER, 0x00010006, UNSIGNED, 8, 0)                       \
    X(CLUSPROP_SYNTAX_LIST_VALUE_LONG, 0x00010007, SIGNED, 4, 0)                                   \
    X(CLUSPROP_SYNTAX_LIST_VALUE_EXPANDED_SZ, 0x00010008, STRING, 2, 1)                            \
    X(CLUSPROP_SYNTAX_LIST_VALUE_SECURITY_DESCRIPTOR, 0x00010009, OCTETS, 20, 1)                   \
    X(CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER, 0x0001000a, SIGNED, 8, 0)                          \
    X(CLUSPROP_SYNTAX_LIST_VALUE_WORD, 0x0001000b, UNSIGNED, 2, 0)                                 \
    X(CLUSPROP_SYNTAX_LIST_VALUE_FILETIME, 0x0001000c, UNSIGNED, 8, 0)                             \
    X(CLUSPROP_SYNTAX_RESCLASS, 0x00020002, UNSIGNED, 4, 0)                                        \
    X(CLUSPROP_SYNTAX_DISK_SIGNATURE, 0x00050002, UNSIGNED, 4, 0)                                  \
    X(CLUSPROP_SYNTAX_SCSI_ADDRESS, 0x00060002, OCTETS, 4, 0)                                      \
    X(CLUSPROP_SYNTAX_DISK_NUMBER, 0x00070002, UNSIGNED, 4, 0)                                     \
    X(CLUSPROP_SYNTAX_PARTITION_INFO, 0x00080001, OCTETS, 1120, 1)                                 \
    X(CLUSPROP_SYNTAX_DISK_SERIALNUMBER, 0x000a0003, STRING, 2, 1)                                 \
    X(CLUSPROP_SYNTAX_DISK_GUID, 0x000b0003, STRING, 2, 1)                                         \
    X(CLUSPROP_SYNTAX_DISK_SIZE, 0x000c0006, UNSIGNED, 8, 0)                                       \
    X(CLUSPROP_SYNTAX_PARTITION_INFO_EX, 0x000d0001, OCTETS, 1160, 1)                              \
    X(CLUSPROP_SYNTAX_PARTITION_INFO_EX2, 0x000e0001, OCTETS, 1700, 1)

typedef enum cmrp_property_syntax {
    CMRP_CLUSPROP_SYNTAX_ENDMARK = 0,
    CMRP_CLUSPROP_SYNTAX_NAME = 0x00040003,
#define CMRP_PROPERTY_SYNTAX_ENUM(name, value, form, size, least) CMRP_##name = (value),
    CMRP_PROPERTY_SYNTAXES(CMRP_PROPERTY_SYNTAX_ENUM)
#undef CMRP_PROPERTY_SYNTAX_ENUM
} cmrp_property_syntax;

// The specification's name of a syntax that values may have, or NULL; and back, false for an
// unknown name.
CMRP_API const char *cmrp_property_syntax_name(uint32_t syntax);
CMRP_API bool cmrp_property_syntax_named(const char *name, uint32_t *syntax);

// One of PropertyValues [MS-CMRP 2.2.3.10.1].
typedef struct cmrp_property_value {
    uint64_t offset;    // of Syntax, from the list's base; ignored by the writer
    uint32_t syntax;    // CLUSTER_PROPERTY_SYNTAX
    cmrp_view data;     // Buffer
    uint8_t padding[3]; // the octets behind data up to the next multiple of 4; the rest is 0
} cmrp_property_value;

// A property: its name and its values.
typedef struct cmrp_property {
    uint64_t offset;      // of CLUSPROP_SYNTAX_NAME; ignored by the writer
    cmrp_view name;       // the raw field `buffer`, its NUL included
    uint8_t padding[2];   // the octets behind an odd number of units; else 0
    uint32_t value_count; // ignored by the writer, as are values
    cmrp_view values;     // up to the end mark; iterate with cmrp_property_next_value
} cmrp_property;

// How the data of a value is to be read. What has a size of its own (a resource class of 8 octets)
// is octets.
CMRP_API cmrp_property_form cmrp_property_value_form(const cmrp_property_value *value);
// The number that a value of form UNSIGNED or SIGNED (then extended to 64 bits) holds; else 0.
CMRP_API uint64_t cmrp_property_value_number(const cmrp_property_value *value);

// An iteration over a list. Buffer and error must outlive it.
typedef struct cmrp_property_list {
    cmrp_reader reader;
    uint32_t count;      // propertyCount
    uint32_t index;      // of the next property
    bool shared_volumes; // binary values are CLUSTER_SHARED_VOLUME_STATE_INFO(_EX)
    bool end_mark;       // set at the end: an end mark more than there are properties (a warning)
    cmrp_warn *warn;     // NULL: nobody listens
    void *warn_context;
} cmrp_property_list;

// Starts reading a list, whose first octet errors call `offset`: reads propertyCount. error must be
// CMRP_OK. Fails with truncated. Set shared_volumes and warn afterwards.
CMRP_API bool cmrp_property_list_open(cmrp_property_list *list, cmrp_view buffer, uint64_t offset,
                                      cmrp_error *error);
// Delivers the next property, its values checked. Returns false at the end and on an error;
// error->code tells which. Octets behind the last property are an error (trailing).
CMRP_API bool cmrp_property_list_next(cmrp_property_list *list, cmrp_property *property);

// Delivers the values of a property that was read; start with *cursor = 0. Returns false at the
// end.
CMRP_API bool cmrp_property_next_value(const cmrp_property *property, size_t *cursor,
                                       cmrp_property_value *value);

// Writing: open, then each property followed by its values, close. The writer holds to what the
// reader accepts, and fails with the same codes.
typedef struct cmrp_property_writer {
    cmrp_writer *writer;
    cmrp_reservation count_at;
    uint32_t count;      // properties so far
    uint32_t values;     // of the last property
    bool shared_volumes; // as in cmrp_property_list
    bool end_mark;       // write one more at the end
} cmrp_property_writer;

CMRP_API bool cmrp_property_writer_open(cmrp_property_writer *pw, cmrp_writer *writer);
CMRP_API bool cmrp_property_put(cmrp_property_writer *pw, const cmrp_property *property);
CMRP_API bool cmrp_property_put_value(cmrp_property_writer *pw, const cmrp_property_value *value);
CMRP_API bool cmrp_property_writer_close(cmrp_property_writer *pw);

// ---- shared volumes -----------------------------------------------------------------------------

enum {
    CMRP_SHARED_VOLUME_SIZE = 1044,    // CLUSTER_SHARED_VOLUME_STATE_INFO
    CMRP_SHARED_VOLUME_EX_SIZE = 1580, // CLUSTER_SHARED_VOLUME_STATE_INFO_EX
    CMRP_SHARED_VOLUME_NAME_SIZE = 520 // octets of a name's field
};

// A text in a field of fixed size.
typedef struct cmrp_fixed_text {
    cmrp_view text; // before the NUL
    cmrp_view rest; // behind the NUL; for the writer empty where it is all NUL
} cmrp_fixed_text;

// CLUSTER_SHARED_VOLUME_STATE_INFO [MS-CMRP 2.2.3.29] or …_EX [MS-CMRP 2.2.3.32].
typedef struct cmrp_shared_volume {
    bool ex;
    cmrp_fixed_text volume_name;      // szVolumeName
    cmrp_fixed_text node_name;        // szNodeName
    uint32_t state;                   // VolumeState
    cmrp_fixed_text friendly_name;    // _EX: szVolumeFriendlyName
    uint64_t redirected_reason;       // _EX: RedirectedIOReason
    uint64_t block_redirected_reason; // _EX: BlockRedirectedIOReason
} cmrp_shared_volume;

// The names of VolumeState, and of the bits of the reasons.
CMRP_API const cmrp_payload_names *cmrp_shared_volume_states(void);
CMRP_API const cmrp_payload_names *cmrp_redirected_reasons(void);
CMRP_API const cmrp_payload_names *cmrp_block_redirected_reasons(void);

// Reads a structure of one of the two sizes. Warnings: surrogate, padding (behind a NUL),
// unlisted. Fails with truncated (fewer octets than the smaller one), trailing, string-terminator.
CMRP_API bool cmrp_shared_volume_read(cmrp_view octets, uint64_t offset, cmrp_shared_volume *volume,
                                      cmrp_warn *warn, void *warn_context, cmrp_error *error);
// Writes it. Fails with no-space, string-length (a text that does not fit its field, or not a whole
// number of units), string-nul, string-padding (rest is neither empty nor fills the field).
CMRP_API bool cmrp_shared_volume_write(const cmrp_shared_volume *volume, cmrp_writer *writer);

CMRP_END_DECLS

#endif
