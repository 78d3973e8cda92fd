// SPDX-License-Identifier: Apache-2.0
// Protocol towers [C706 appendix L] and the endpoint mapper's ept_map [MS-RPCE 2.2.1.2.5], by which
// a client finds the port of an interface.
//
// A tower names an interface and the way to it, from the interface's floor down to the host's
// address. Its integers are little-endian whatever the stub's byte order, and nothing in it is
// aligned; only the port and the address are in network order.
#ifndef CMRP_EPM_H
#define CMRP_EPM_H

#include "cmrp/ndr.h"
#include "cmrp/uuid.h"

CMRP_BEGIN_DECLS

// X(enumerator, number, name, kind): the protocol identifiers that are understood. The octets of
// any other one are kept.
#define CMRP_TOWER_PROTOCOLS(X)                                                                    \
    X(TCP, 0x07, "tcp", PORT)                                                                      \
    X(UDP, 0x08, "udp", PORT)                                                                      \
    X(IP, 0x09, "ip", ADDRESS)                                                                     \
    X(NCADG, 0x0a, "ncadg", RPC)                                                                   \
    X(NCACN, 0x0b, "ncacn", RPC)                                                                   \
    X(NCALRPC, 0x0c, "ncalrpc", RPC)                                                               \
    X(UUID, 0x0d, "uuid", UUID)                                                                    \
    X(NAMED_PIPE, 0x0f, "named_pipe", NAME)                                                        \
    X(NETBIOS, 0x11, "netbios", NAME)                                                              \
    X(HTTP, 0x1f, "http", PORT)

enum {
#define CMRP_TOWER_ENUM(name, number, text, kind) CMRP_TOWER_##name = (number),
    CMRP_TOWER_PROTOCOLS(CMRP_TOWER_ENUM)
#undef CMRP_TOWER_ENUM
};

// What a floor holds.
typedef enum cmrp_floor_kind {
    CMRP_FLOOR_OTHER,   // an identifier that is not understood: lhs and rhs
    CMRP_FLOOR_UUID,    // interface or transfer syntax: id
    CMRP_FLOOR_RPC,     // minor version of the RPC protocol: number
    CMRP_FLOOR_PORT,    // number; 0 in a query
    CMRP_FLOOR_ADDRESS, // IPv4: address; zero in a query
    CMRP_FLOOR_NAME,    // name, without the NUL that must end it
} cmrp_floor_kind;

typedef struct cmrp_floor {
    uint8_t protocol;
    cmrp_floor_kind kind; // follows from protocol
    cmrp_syntax_id id;
    uint16_t number;
    uint8_t address[4];
    cmrp_view name;
    cmrp_view lhs;   // what follows the protocol identifier
    cmrp_view rhs;   // the right-hand side
    uint64_t offset; // decoded: of the floor
} cmrp_floor;

enum {
    CMRP_TOWER_FLOORS = 6,     // more should be refused by an endpoint mapper [MS-RPCE 3.1.3.5.3]
    CMRP_TOWER_MAXIMUM = 2000, // octets of a tower in a twr_t [MS-RPCE 2.2.1.2.2]
    CMRP_EPM_TOWERS = 500,     // towers of an ept_map [MS-RPCE 2.2.1.2.5]
    CMRP_EPM_OPNUM_MAP = 3,
};

CMRP_API extern const cmrp_uuid cmrp_uuid_epm; // e1af8308-5d1f-11c9-91a4-08002b14a0fa, version 3.0

// The name of a protocol identifier, or NULL; and back.
CMRP_API const char *cmrp_tower_protocol_name(unsigned protocol);
CMRP_API bool cmrp_tower_protocol_named(const char *name, uint8_t *protocol);
CMRP_API cmrp_floor_kind cmrp_tower_protocol_kind(unsigned protocol);

// ---- towers -------------------------------------------------------------------------------------

typedef struct cmrp_tower {
    uint16_t count;
    cmrp_view floors;   // of all floors
    cmrp_view trailing; // octets behind the last floor
    uint64_t offset;    // of floors
} cmrp_tower;

// Decodes a tower of which errors call the first octet `offset`: every floor is looked at. Fails
// with truncated, overrun (a length larger than the octets left), floor-length (not the one that
// its protocol has; a left side without identifier), or name-terminator, name-nul. warn (may be
// NULL) receives range for more than CMRP_TOWER_FLOORS floors and trailing for octets behind the
// last one. On failure *tower holds the floors before the wrong one.
CMRP_API bool cmrp_tower_decode(cmrp_view bytes, uint64_t offset, cmrp_tower *tower,
                                cmrp_warn *warn, void *warn_context, cmrp_error *error);
// Iterates over a decoded tower; start with *cursor = 0. Returns false at the end.
CMRP_API bool cmrp_tower_next(const cmrp_tower *tower, size_t *cursor, cmrp_floor *floor);
// Encodes floors: of a floor of a known kind what its kind says, of another one lhs and rhs.
// Fails with no-space, value (a side longer than 65,535 octets, more than 65,535 floors), name-nul.
CMRP_API bool cmrp_tower_encode(const cmrp_floor *floors, size_t count, cmrp_writer *writer);

// Where an interface can be reached.
typedef struct cmrp_endpoint {
    cmrp_syntax_id interface;
    cmrp_syntax_id transfer;
    uint8_t rpc;       // CMRP_TOWER_NCACN, _NCADG or _NCALRPC
    uint8_t transport; // CMRP_TOWER_TCP, _UDP or _HTTP
    uint16_t port;
    uint8_t address[4];
} cmrp_endpoint;

// Reads a decoded tower of the five floors interface, transfer syntax, RPC protocol, port, IPv4
// address. Returns false, *endpoint untouched, for any other.
CMRP_API bool cmrp_tower_endpoint(const cmrp_tower *tower, cmrp_endpoint *endpoint);

// ---- ept_map ------------------------------------------------------------------------------------

typedef struct cmrp_epm_request {
    bool has_object; // else the pointer is NULL
    cmrp_uuid object;
    bool has_tower; // the same
    cmrp_view tower;
    uint64_t tower_offset; // decoded
    uint8_t entry_handle[CMRP_HANDLE_SIZE];
    uint32_t max_towers;
} cmrp_epm_request;

typedef struct cmrp_epm_response {
    uint8_t entry_handle[CMRP_HANDLE_SIZE];
    uint32_t num_towers;     // elements of ITowers; some of them may be NULL
    uint32_t max_towers;     // room in ITowers
    const cmrp_view *towers; // for encoding; data NULL: a NULL pointer
    uint32_t status;
    cmrp_view referents; // decoded; iterate with cmrp_epm_next_tower
    cmrp_ndr_reader pointees;
} cmrp_epm_response;

// Decode a stub of ept_map. Fail with truncated, overrun, count-mismatch (tower_length or
// num_towers against its array), range, string-offset, string-count (of ITowers). warn (may be
// NULL) receives ndr-padding and trailing. The towers themselves are not looked at.
CMRP_API bool cmrp_epm_request_decode(cmrp_view stub, uint64_t offset, cmrp_syntax syntax,
                                      cmrp_order order, cmrp_epm_request *request, cmrp_warn *warn,
                                      void *warn_context, cmrp_error *error);
CMRP_API bool cmrp_epm_response_decode(cmrp_view stub, uint64_t offset, cmrp_syntax syntax,
                                       cmrp_order order, cmrp_epm_response *response,
                                       cmrp_warn *warn, void *warn_context, cmrp_error *error);
// A cursor over the towers of a decoded response; zero it first.
typedef struct cmrp_epm_cursor {
    uint32_t index;
    bool started;
    cmrp_ndr_reader pointees;
    cmrp_error ignored;
} cmrp_epm_cursor;
// Delivers the next tower; data is NULL for a NULL pointer. A pointer that repeats an earlier one
// delivers the same octets again. Returns false at the end.
CMRP_API bool cmrp_epm_next_tower(const cmrp_epm_response *response, cmrp_epm_cursor *cursor,
                                  cmrp_view *tower, uint64_t *offset);

// Encode a stub of ept_map; referents are 0x00020000 and so on. Fail with no-space, range.
CMRP_API bool cmrp_epm_request_encode(const cmrp_epm_request *request, cmrp_syntax syntax,
                                      cmrp_order order, cmrp_writer *writer);
CMRP_API bool cmrp_epm_response_encode(const cmrp_epm_response *response, cmrp_syntax syntax,
                                       cmrp_order order, cmrp_writer *writer);

CMRP_END_DECLS

#endif
