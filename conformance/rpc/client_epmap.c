// SPDX-License-Identifier: Apache-2.0
// The client's question to the endpoint mapper. [C706 appendix O, MS-RPCE 2.2.1.2.5]
#include "cmrp/epm.h"
#include "rpc/client_state.h"

enum { FLOORS = 5, TOWERS_WANTED = 4 };
enum { EPT_S_NOT_REGISTERED = 0x16c9a0d6 };

const cmrp_syntax_id client_epmap_interface = {
    // cmrp_uuid_epm, which is no constant expression
    {{0xe1, 0xaf, 0x83, 0x08, 0x5d, 0x1f, 0x11, 0xc9, 0x91, 0xa4, 0x08, 0x00, 0x2b, 0x14, 0xa0,
      0xfa}},
    3,
    0,
};

bool client_epmap_encode(const cmrp_syntax_id *interface, cmrp_syntax syntax, struct buffer *stub) {
    const cmrp_floor floors[FLOORS] = {
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = *interface},
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = {cmrp_uuid_ndr20, 2, 0}},
        {.protocol = CMRP_TOWER_NCACN, .kind = CMRP_FLOOR_RPC},
        {.protocol = CMRP_TOWER_TCP, .kind = CMRP_FLOOR_PORT},
        {.protocol = CMRP_TOWER_IP, .kind = CMRP_FLOOR_ADDRESS},
    };
    uint8_t tower[256];
    uint8_t octets[512];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, tower, sizeof tower, &error, "ept_map");
    if (!cmrp_tower_encode(floors, FLOORS, &writer)) {
        return false;
    }
    const cmrp_epm_request request = {
        .has_object = true, // the nil UUID, as other clients send it
        .has_tower = true,
        .tower = {tower, writer.size},
        .max_towers = TOWERS_WANTED,
    };
    cmrp_writer_init(&writer, octets, sizeof octets, &error, "ept_map");
    if (!cmrp_epm_request_encode(&request, syntax, CMRP_LITTLE_ENDIAN, &writer)) {
        return false;
    }
    buffer_append(stub, octets, writer.size);
    return true;
}

static bool fits(const cmrp_endpoint *endpoint, const cmrp_syntax_id *interface) {
    return cmrp_uuid_equal(&endpoint->interface.uuid, &interface->uuid) &&
           endpoint->interface.version == interface->version && endpoint->rpc == CMRP_TOWER_NCACN &&
           endpoint->transport == CMRP_TOWER_TCP && endpoint->port != 0;
}

uint32_t client_epmap_decode(const struct rpc_reply *reply, const cmrp_syntax_id *interface,
                             uint16_t *port, const char **why) {
    cmrp_error error = {0};
    cmrp_epm_response response;
    if (!cmrp_epm_response_decode(reply->stub, 0, reply->syntax, reply->order, &response, NULL,
                                  NULL, &error)) {
        *why = "the endpoint mapper's answer cannot be read";
        return RPC_X_BAD_STUB_DATA;
    }
    if (response.status != 0 && response.status != EPT_S_NOT_REGISTERED) {
        *why = "the endpoint mapper refused the question";
        return response.status;
    }
    cmrp_epm_cursor cursor = {0};
    cmrp_view octets;
    uint64_t offset;
    while (response.status == 0 && cmrp_epm_next_tower(&response, &cursor, &octets, &offset)) {
        cmrp_tower tower;
        cmrp_endpoint endpoint;
        cmrp_error ignored = {0};
        if (octets.data != NULL &&
            cmrp_tower_decode(octets, offset, &tower, NULL, NULL, &ignored) &&
            cmrp_tower_endpoint(&tower, &endpoint) && fits(&endpoint, interface)) {
            *port = endpoint.port;
            return RPC_S_OK;
        }
    }
    *why = "the endpoint mapper knows no TCP port of this interface";
    return RPC_S_NOT_REGISTERED;
}
