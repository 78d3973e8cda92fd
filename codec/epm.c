// SPDX-License-Identifier: Apache-2.0
#include "cmrp/epm.h"

#define SECTION_TOWER      "C706 appendix L"
#define SECTION_TOWER_LONG "MS-RPCE 3.1.3.5.3"

enum {
    COUNT_SIZE = 2,
    LHS_UUID = 19, // protocol identifier, UUID, major version
    LHS_PLAIN = 1, // protocol identifier
    RHS_NUMBER = 2,
    RHS_ADDRESS = 4,
};

const cmrp_uuid cmrp_uuid_epm = {{0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9, 0x91, 0xa4, 0x08,
                                  0x00, 0x2b, 0x14, 0xa0, 0xfa}};

// ---- protocols ----------------------------------------------------------------------------------

static const struct {
    uint8_t protocol;
    uint8_t kind;
    const char *name;
} protocols[] = {
#define CMRP_TOWER_ROW(name, number, text, kind) {number, CMRP_FLOOR_##kind, text},
    CMRP_TOWER_PROTOCOLS(CMRP_TOWER_ROW)
#undef CMRP_TOWER_ROW
};

enum { PROTOCOLS = sizeof protocols / sizeof protocols[0] };

const char *cmrp_tower_protocol_name(unsigned protocol) {
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (protocols[i].protocol == protocol) {
            return protocols[i].name;
        }
    }
    return NULL;
}

bool cmrp_tower_protocol_named(const char *name, uint8_t *protocol) {
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (strcmp(protocols[i].name, name) == 0) {
            *protocol = protocols[i].protocol;
            return true;
        }
    }
    return false;
}

cmrp_floor_kind cmrp_tower_protocol_kind(unsigned protocol) {
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (protocols[i].protocol == protocol) {
            return (cmrp_floor_kind)protocols[i].kind;
        }
    }
    return CMRP_FLOOR_OTHER;
}

// ---- reading a floor ----------------------------------------------------------------------------

// A side: its length, and so many octets. *at receives the offset of the length.
static bool take_side(cmrp_reader *r, const char *length_field, const char *field, cmrp_view *side,
                      uint64_t *at) {
    uint16_t length;
    *at = r->offset;
    if (!cmrp_take_u16(r, length_field, CMRP_LITTLE_ENDIAN, &length)) {
        return false;
    }
    if (length > r->left) {
        return cmrp_fail(r, CMRP_E_OVERRUN, length_field, *at, length);
    }
    return cmrp_take_view(r, field, length, side);
}

// Sizes that the kind requires; 0: any.
static size_t lhs_size(cmrp_floor_kind kind) {
    return kind == CMRP_FLOOR_OTHER ? 0 : kind == CMRP_FLOOR_UUID ? LHS_UUID : LHS_PLAIN;
}

static size_t rhs_size(cmrp_floor_kind kind) {
    switch (kind) {
    case CMRP_FLOOR_UUID:
    case CMRP_FLOOR_RPC:
    case CMRP_FLOOR_PORT: return RHS_NUMBER;
    case CMRP_FLOOR_ADDRESS: return RHS_ADDRESS;
    default: return 0;
    }
}

// A name ends with its only NUL.
static bool read_name(cmrp_reader *r, uint64_t at, cmrp_floor *floor) {
    const cmrp_view rhs = floor->rhs;
    if (rhs.size == 0 || rhs.data[rhs.size - 1] != 0) {
        return cmrp_fail(r, CMRP_E_NAME_TERMINATOR, "rhs", at, rhs.size);
    }
    if (memchr(rhs.data, 0, rhs.size - 1) != NULL) {
        return cmrp_fail(r, CMRP_E_NAME_NUL, "rhs", at, rhs.size);
    }
    floor->name = (cmrp_view){rhs.data, rhs.size - 1};
    return true;
}

static bool read_uuid(const uint8_t *lhs, const uint8_t *rhs, cmrp_syntax_id *id) {
    cmrp_error ignored = {0};
    cmrp_reader r;
    cmrp_reader_init(&r, (cmrp_view){lhs + 1, LHS_UUID - 1}, 0, &ignored, SECTION_TOWER);
    id->version_minor = cmrp_load_u16(rhs, CMRP_LITTLE_ENDIAN);
    return cmrp_take_uuid(&r, "uuid", CMRP_LITTLE_ENDIAN, &id->uuid) &&
           cmrp_take_u16(&r, "version", CMRP_LITTLE_ENDIAN, &id->version);
}

static bool take_floor(cmrp_reader *r, cmrp_floor *floor) {
    cmrp_view lhs = {NULL, 0};
    cmrp_view rhs = {NULL, 0};
    uint64_t at;
    *floor = (cmrp_floor){.offset = r->offset};
    if (!take_side(r, "lhs_length", "lhs", &lhs, &at)) {
        return false;
    }
    floor->protocol = lhs.size > 0 ? lhs.data[0] : 0;
    floor->kind = cmrp_tower_protocol_kind(floor->protocol);
    const size_t left = lhs_size(floor->kind);
    if (lhs.size == 0 || (left != 0 && lhs.size != left)) {
        return cmrp_fail(r, CMRP_E_FLOOR_LENGTH, "lhs_length", at, lhs.size);
    }
    if (!take_side(r, "rhs_length", "rhs", &rhs, &at)) {
        return false;
    }
    const size_t right = rhs_size(floor->kind);
    if (right != 0 && rhs.size != right) {
        return cmrp_fail(r, CMRP_E_FLOOR_LENGTH, "rhs_length", at, rhs.size);
    }
    floor->lhs = (cmrp_view){lhs.data + 1, lhs.size - 1};
    floor->rhs = rhs;
    switch (floor->kind) {
    case CMRP_FLOOR_UUID: return read_uuid(lhs.data, rhs.data, &floor->id);
    case CMRP_FLOOR_RPC: floor->number = cmrp_load_u16(rhs.data, CMRP_LITTLE_ENDIAN); return true;
    case CMRP_FLOOR_PORT: floor->number = cmrp_load_u16(rhs.data, CMRP_BIG_ENDIAN); return true;
    case CMRP_FLOOR_ADDRESS: memcpy(floor->address, rhs.data, RHS_ADDRESS); return true;
    case CMRP_FLOOR_NAME: return read_name(r, at + COUNT_SIZE, floor);
    default: return true;
    }
}

// ---- towers -------------------------------------------------------------------------------------

static void warn_about(cmrp_warn *warn, void *context, cmrp_error warning) {
    if (warn != NULL) {
        warn(context, &warning);
    }
}

bool cmrp_tower_decode(cmrp_view bytes, uint64_t offset, cmrp_tower *tower, cmrp_warn *warn,
                       void *warn_context, cmrp_error *error) {
    cmrp_reader r;
    uint16_t count;
    *tower = (cmrp_tower){.offset = offset + COUNT_SIZE};
    cmrp_reader_init(&r, bytes, offset, error, SECTION_TOWER);
    if (!cmrp_take_u16(&r, "floor_count", CMRP_LITTLE_ENDIAN, &count)) {
        return false;
    }
    if (count > CMRP_TOWER_FLOORS) {
        warn_about(warn, warn_context,
                   (cmrp_error){.code = CMRP_E_RANGE,
                                .offset = offset,
                                .value = count,
                                .field = "floor_count",
                                .section = SECTION_TOWER_LONG});
    }
    tower->floors.data = r.at;
    for (unsigned i = 0; i < count; i++) {
        cmrp_floor floor;
        if (!take_floor(&r, &floor)) {
            error->array = "floors";
            error->index = i;
            return false;
        }
        tower->count++;
        tower->floors.size = (size_t)(r.at - tower->floors.data);
    }
    tower->trailing = (cmrp_view){r.at, r.left};
    if (r.left > 0) {
        warn_about(warn, warn_context,
                   (cmrp_error){.code = CMRP_E_TRAILING,
                                .offset = r.offset,
                                .left = r.left,
                                .field = "tower",
                                .section = SECTION_TOWER});
    }
    return true;
}

bool cmrp_tower_next(const cmrp_tower *tower, size_t *cursor, cmrp_floor *floor) {
    cmrp_error ignored = {0};
    cmrp_reader r;
    if (*cursor >= tower->floors.size) {
        return false;
    }
    const cmrp_view rest = {tower->floors.data + *cursor, tower->floors.size - *cursor};
    cmrp_reader_init(&r, rest, tower->offset + *cursor, &ignored, SECTION_TOWER);
    if (!take_floor(&r, floor)) {
        return false;
    }
    *cursor = tower->floors.size - r.left;
    return true;
}

static bool put_lhs(cmrp_writer *w, const cmrp_floor *floor) {
    const bool uuid = floor->kind == CMRP_FLOOR_UUID;
    const size_t more = floor->kind == CMRP_FLOOR_OTHER ? floor->lhs.size : 0;
    const size_t length = uuid ? (size_t)LHS_UUID : LHS_PLAIN + more;
    if (length > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "lhs_length", length);
    }
    return cmrp_put_uint(w, "lhs_length", 2, CMRP_LITTLE_ENDIAN, length) &&
           cmrp_put_uint(w, "lhs", 1, CMRP_LITTLE_ENDIAN, floor->protocol) &&
           (!uuid || (cmrp_put_uuid(w, "lhs", CMRP_LITTLE_ENDIAN, &floor->id.uuid) &&
                      cmrp_put_uint(w, "lhs", 2, CMRP_LITTLE_ENDIAN, floor->id.version))) &&
           (more == 0 || cmrp_put_view(w, "lhs", floor->lhs));
}

static bool put_long_rhs(cmrp_writer *w, cmrp_view octets, size_t zeros) {
    const size_t length = octets.size + zeros;
    if (length > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "rhs_length", length);
    }
    return cmrp_put_uint(w, "rhs_length", 2, CMRP_LITTLE_ENDIAN, length) &&
           cmrp_put_view(w, "rhs", octets) && cmrp_put_zero(w, "rhs", zeros);
}

static bool put_rhs(cmrp_writer *w, const cmrp_floor *floor) {
    const cmrp_order order = floor->kind == CMRP_FLOOR_PORT ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    switch (floor->kind) {
    case CMRP_FLOOR_OTHER: return put_long_rhs(w, floor->rhs, 0);
    case CMRP_FLOOR_NAME:
        if (floor->name.size > 0 && memchr(floor->name.data, 0, floor->name.size) != NULL) {
            return cmrp_write_fail(w, CMRP_E_NAME_NUL, "rhs", floor->name.size);
        }
        return put_long_rhs(w, floor->name, 1);
    case CMRP_FLOOR_ADDRESS:
        return put_long_rhs(w, (cmrp_view){floor->address, sizeof floor->address}, 0);
    default:
        return cmrp_put_uint(w, "rhs_length", 2, CMRP_LITTLE_ENDIAN, RHS_NUMBER) &&
               cmrp_put_uint(w, "rhs", 2, order,
                             floor->kind == CMRP_FLOOR_UUID ? floor->id.version_minor
                                                            : floor->number);
    }
}

bool cmrp_tower_encode(const cmrp_floor *floors, size_t count, cmrp_writer *w) {
    w->section = SECTION_TOWER;
    if (count > UINT16_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "floor_count", count);
    }
    bool ok = cmrp_put_uint(w, "floor_count", 2, CMRP_LITTLE_ENDIAN, count);
    for (size_t i = 0; ok && i < count; i++) {
        ok = put_lhs(w, &floors[i]) && put_rhs(w, &floors[i]);
    }
    return ok;
}

bool cmrp_tower_endpoint(const cmrp_tower *tower, cmrp_endpoint *endpoint) {
    static const cmrp_floor_kind kinds[] = {CMRP_FLOOR_UUID, CMRP_FLOOR_UUID, CMRP_FLOOR_RPC,
                                            CMRP_FLOOR_PORT, CMRP_FLOOR_ADDRESS};
    enum { FLOORS = sizeof kinds / sizeof kinds[0] };
    cmrp_floor floors[FLOORS];
    size_t cursor = 0;
    if (tower->count != FLOORS) {
        return false;
    }
    for (size_t i = 0; i < FLOORS; i++) {
        if (!cmrp_tower_next(tower, &cursor, &floors[i]) || floors[i].kind != kinds[i]) {
            return false;
        }
    }
    endpoint->interface = floors[0].id;
    endpoint->transfer = floors[1].id;
    endpoint->rpc = floors[2].protocol;
    endpoint->transport = floors[3].protocol;
    endpoint->port = floors[3].number;
    memcpy(endpoint->address, floors[4].address, sizeof endpoint->address);
    return true;
}
