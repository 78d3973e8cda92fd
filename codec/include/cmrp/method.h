// SPDX-License-Identifier: Apache-2.0
// The methods of the interface, each described once as data (methods.def), and one interpreter that
// decodes, encodes and sizes their stubs by these descriptions.
//
// A decode validates the whole stub, then its parameters stand in slots that the caller supplies,
// one for each parameter of the description. Arrays and structures are rows: an iterator delivers
// their members as slots again. Nothing is copied and nothing is allocated; views point into the
// stub.
#ifndef CMRP_METHOD_H
#define CMRP_METHOD_H

#include "cmrp/change.h"
#include "cmrp/ndr.h"

CMRP_BEGIN_DECLS

enum { CMRP_INTERFACE_2 = 2, CMRP_INTERFACE_3 = 3 }; // protocol version = interface version
enum { CMRP_MAX_PARAMS = 16 };                       // no method or structure has more

// The NDR shape of a parameter or member.
typedef enum cmrp_kind {
    CMRP_KIND_U16,         // WORD
    CMRP_KIND_U32,         // DWORD, BOOL, error_status_t
    CMRP_KIND_I32,         // int, long
    CMRP_KIND_U64,         // LONGLONG, used for flags
    CMRP_KIND_WORD,        // DWORD_PTR: 4 octets in NDR20, 8 in NDR64
    CMRP_KIND_ROOM,        // no octets of its own: the max_count of the VARYING that it sizes
    CMRP_KIND_HANDLE,      // context handle
    CMRP_KIND_STRING,      // [string] wchar_t *
    CMRP_KIND_OPEN_STRING, // the same, but the NUL may be missing (a warning)
    CMRP_KIND_UNITS,       // [size_is] wchar_t *, no string
    CMRP_KIND_OCTETS,      // [size_is] UCHAR *
    CMRP_KIND_VARYING,     // [size_is, length_is] UCHAR *
    CMRP_KIND_RECORD,      // structure
    CMRP_KIND_ARRAY,       // [size_is] structure *
    CMRP_KIND_TAIL,        // [size_is] structure [*], the last member of a structure without
                           // pointers of its own; its max_count stands before that structure
} cmrp_kind;

// What a value means to a reader who knows the protocol.
typedef enum cmrp_meaning {
    CMRP_MEANS_NUMBER,
    CMRP_MEANS_STATUS,         // Win32 code; 0 is success
    CMRP_MEANS_BOOL,           // 0 is FALSE, anything else TRUE
    CMRP_MEANS_COUNT,          // size of the array that refers to it
    CMRP_MEANS_ACCESS,         // REGSAM
    CMRP_MEANS_CLUSTER_ACCESS, // access level of an Ex open
    CMRP_MEANS_VALUE_TYPE,     // registry value type
    CMRP_MEANS_GROUP_STATE,
    CMRP_MEANS_RESOURCE_STATE,
    CMRP_MEANS_NODE_STATE,
    CMRP_MEANS_NETWORK_STATE,
    CMRP_MEANS_NETINTERFACE_STATE,
    CMRP_MEANS_KEY,                 // the client's own value, returned unchanged
    CMRP_MEANS_CHANGE,              // CLUSTER_CHANGE bits
    CMRP_MEANS_OBJECT_TYPE,         // CLUSTER_OBJECT_TYPE
    CMRP_MEANS_FLAGS,               // CLUSTER_CHANGE_*_V2 bits of the object type named just before
    CMRP_MEANS_RESOURCE_TYPE_FLAGS, // CLUSTER_CHANGE_RESOURCE_TYPE_V2 bits
    CMRP_MEANS_BATCH,               // CLUSTER_REG_BATCH_UPDATE
    CMRP_MEANS_PAYLOAD,             // buffer of the event that object type and flags before it name
    CMRP_MEANS_TEXT,
    CMRP_MEANS_HCLUSTER,
    CMRP_MEANS_HNODE,
    CMRP_MEANS_HGROUP,
    CMRP_MEANS_HRES,
    CMRP_MEANS_HKEY,
    CMRP_MEANS_HNETWORK,
    CMRP_MEANS_HNETINTERFACE,
    CMRP_MEANS_HNOTIFY,
    CMRP_MEANS_HBATCH_PORT,
    CMRP_MEANS_HGROUPSET,
    CMRP_MEANS_HGENERIC,
} cmrp_meaning;

enum { CMRP_IN = 1, CMRP_OUT = 2 };                // cmrp_param.directions
enum { CMRP_PROTOCOL_2 = 1, CMRP_PROTOCOL_3 = 2 }; // cmrp_param.protocols

// A parameter of a method or a member of a structure. A name may have dots: the member of a nested
// structure.
typedef struct cmrp_param {
    const char *name; // "return" for the return value, which is the last parameter
    uint8_t directions;
    uint8_t protocols;
    uint8_t kind;   // cmrp_kind
    uint8_t unique; // 1: behind a unique pointer of its own, which may be NULL
    int8_t size_is; // distance to the count parameter in the same list; 0: none. The length_is of
                    // VARYING is the parameter behind that
    uint8_t alignment; // larger than the kind's own: the nested structure's; 0: natural
    uint8_t meaning;   // cmrp_meaning
    uint8_t structure; // of RECORD, ARRAY and TAIL: see cmrp_param_struct
} cmrp_param;

typedef struct cmrp_struct {
    const char *name;
    const cmrp_param *members;
    uint32_t count;
} cmrp_struct;

typedef struct cmrp_method {
    const char *name;
    uint32_t opnum;
    uint32_t count;
    const cmrp_param *params;
    const char *sections[2]; // "MS-CMRP 3.1.4.1.60" for protocol 2, "MS-CMRP 3.1.4.2.60" for 3;
                             // NULL where the protocol has no such method
} cmrp_method;

// Which stub this is.
typedef struct cmrp_stub_format {
    const cmrp_method *method;
    unsigned interface; // CMRP_INTERFACE_2 or CMRP_INTERFACE_3
    bool response;
    cmrp_syntax syntax;
    cmrp_order order;
} cmrp_stub_format;

// ---- descriptions -------------------------------------------------------------------------------

// The number of described methods, and each of them, by opnum in ascending order; NULL past the
// end.
CMRP_API size_t cmrp_method_count(void);
CMRP_API const cmrp_method *cmrp_method_at(size_t index);
// The described method of this opnum or name in this interface version, or NULL.
CMRP_API const cmrp_method *cmrp_method_numbered(unsigned interface, uint32_t opnum);
CMRP_API const cmrp_method *cmrp_method_named(unsigned interface, const char *name);
// The name of an operation number, described or not, or NULL where the interface version ends
// before it. Opnum*NotUsedOnWire and Opnum*Reserved are names, too.
CMRP_API const char *cmrp_opnum_name(unsigned interface, uint32_t opnum);
// The operation number of this name; false, with *opnum untouched, where there is none.
CMRP_API bool cmrp_opnum_named(unsigned interface, const char *name, uint32_t *opnum);
// The section that describes the method in this interface version.
CMRP_API const char *cmrp_method_section(const cmrp_method *method, unsigned interface);
// Whether the parameter is part of this stub.
CMRP_API bool cmrp_param_travels(const cmrp_param *param, const cmrp_stub_format *format);
// The structure of a RECORD, ARRAY or TAIL, or NULL.
CMRP_API const cmrp_struct *cmrp_param_struct(const cmrp_param *param);
// The set whose names explain a parameter, or NULL. object_type is the CLUSTER_OBJECT_TYPE that the
// stub named last (0 at first); FLAGS depend on it.
CMRP_API const cmrp_change_set *cmrp_param_set(const cmrp_param *param, uint64_t object_type);
// The opposite of param->size_is: whether some parameter of the list is sized by this one (size_is
// or length_is), and which.
CMRP_API const cmrp_param *cmrp_param_sized_by(const cmrp_param *params, size_t count,
                                               size_t index);

// ---- values -------------------------------------------------------------------------------------

typedef struct cmrp_slot cmrp_slot;

// Delivers the members of row `index` for encoding; called for the fixed parts of every row in
// order, and again for the pointees. Must deliver the same both times. Returns false to give up.
typedef bool cmrp_row_source(void *context, uint64_t index, cmrp_slot *members);

// An array or a structure (one row).
typedef struct cmrp_rows {
    const cmrp_struct *type;
    uint64_t count;
    // Where the next row comes from: members one row after another, or a callback, or, in a decoded
    // stub, two cursors.
    const cmrp_slot *members;
    cmrp_row_source *source;
    void *context;
    cmrp_ndr_reader fixed;
    cmrp_reader pointees;
    uint64_t next; // index of the row that cmrp_rows_next delivers
} cmrp_rows;

// A parameter's value.
struct cmrp_slot {
    bool present;     // false: not part of this stub (decoding), to be derived (counts, encoding)
    bool null;        // a unique pointer that is NULL
    cmrp_order order; // of the units of a string
    uint8_t handle[CMRP_HANDLE_SIZE]; // HANDLE
    uint64_t value;                   // integers; I32 as its 32 bits; ROOM
    uint64_t offset; // decoding: of the first octet of the value, what is pointed to included; of a
                     // NULL pointer: of its referent
    cmrp_view bytes; // STRING, OPEN_STRING: units without the NUL; UNITS: all of them; OCTETS,
                     // VARYING: what is there
    cmrp_rows rows;  // RECORD, ARRAY, TAIL
};

// Decodes a stub of which errors call the first octet `offset`. slots has CMRP_MAX_PARAMS elements;
// slots[i] belongs to method->params[i]. warn (may be NULL) receives ndr-padding for gaps that are
// not zero and trailing for octets after the last parameter.
// On failure the slots before the wrong parameter are filled in, the others are not present; where
// only a size does not agree with its array, all of them are filled in.
CMRP_API bool cmrp_stub_decode(const cmrp_stub_format *format, cmrp_view stub, uint64_t offset,
                               cmrp_slot *slots, cmrp_warn *warn, void *warn_context,
                               cmrp_error *error);

// Delivers the members of the next row; false at the end. *rows is advanced; copy it first to
// iterate again. members has room for rows->type->count slots; members[i] belongs to
// rows->type->members[i].
CMRP_API bool cmrp_rows_next(cmrp_rows *rows, cmrp_slot *members);

// Encodes a stub in this library's own form: referents 0x00020000, 0x00020004, …, zero gaps, counts
// equal to what follows. Count parameters that are not present are derived; others must agree with
// their array (the size of VARYING: must not be below it), else count-mismatch. A ROOM that is not
// present is what its array holds; to answer a request, give it the request's. Any other parameter
// that is not present is refused (value).
CMRP_API bool cmrp_stub_encode(const cmrp_stub_format *format, const cmrp_slot *slots,
                               cmrp_writer *writer);

CMRP_END_DECLS

#endif
