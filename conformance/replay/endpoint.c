// SPDX-License-Identifier: Apache-2.0
// Endpoints of the interface, as the endpoint mapper's answers name them.
#include <string.h>

#include "replay/state.h"

enum { ENDPOINTS_LIMIT = 4096 }; // further ones are shown, but not remembered

struct replay_endpoint {
    struct capture_endpoint at;
    unsigned interface;
    UT_hash_handle hh;
};

// A copy whose padding is zero, since it counts in the hash.
static struct capture_endpoint key_of(const struct capture_endpoint *endpoint) {
    struct capture_endpoint key;
    memset(&key, 0, sizeof key);
    memcpy(key.addr, endpoint->addr, sizeof key.addr);
    key.port = endpoint->port;
    key.family = endpoint->family;
    return key;
}

static struct replay_endpoint *find(struct replay *r, const struct capture_endpoint *endpoint) {
    const struct capture_endpoint key = key_of(endpoint);
    struct replay_endpoint *known;
    HASH_FIND(hh, r->endpoints, &key, sizeof key, known);
    return known;
}

static void remember(struct replay *r, const struct capture_endpoint *endpoint,
                     unsigned interface) {
    struct replay_endpoint *known = find(r, endpoint);
    if (known == NULL && HASH_COUNT(r->endpoints) >= ENDPOINTS_LIMIT) {
        return;
    }
    if (known == NULL) {
        known = util_alloc(sizeof *known);
        known->at = key_of(endpoint);
        HASH_ADD(hh, r->endpoints, at, sizeof known->at, known);
    }
    known->interface = interface;
}

unsigned replay_known_interface(const struct replay_connection *c) {
    for (int i = 0; c->replay->endpoints != NULL && i < 2; i++) {
        const struct replay_endpoint *known = find(c->replay, &c->endpoint[i]);
        if (known != NULL && (assoc_client(c->assoc) < 0 || assoc_client(c->assoc) == 1 - i)) {
            return known->interface;
        }
    }
    return 0;
}

void replay_forget_endpoints(struct replay *r) {
    struct replay_endpoint *endpoint, *next;
    HASH_ITER(hh, r->endpoints, endpoint, next) {
        HASH_DEL(r->endpoints, endpoint);
        free(endpoint);
    }
}

// ---- answers of the mapper ----------------------------------------------------------------------

static const char *protocol_of(const cmrp_endpoint *e) {
    if (e->rpc == CMRP_TOWER_NCACN && e->transport == CMRP_TOWER_TCP) {
        return "ncacn_ip_tcp";
    }
    if (e->rpc == CMRP_TOWER_NCACN && e->transport == CMRP_TOWER_HTTP) {
        return "ncacn_http";
    }
    return e->rpc == CMRP_TOWER_NCADG && e->transport == CMRP_TOWER_UDP ? "ncadg_ip_udp" : NULL;
}

static void show(struct replay_connection *c, const struct replay_found *found) {
    const struct replay_options *options = c->replay->options;
    if (options->opnum < 0 && options->format == REPLAY_JSON) {
        replay_json_endpoint(c, found);
    } else if (options->opnum < 0 && options->format == REPLAY_TEXT) {
        replay_text_endpoint(c, found);
    }
}

// One tower of an answer. Returns whether it leads to the interface.
static bool take_tower(struct replay_connection *c, cmrp_view octets, struct replay_found *found) {
    const struct capture_endpoint *server = &c->endpoint[1 - replay_client(c)];
    static const uint8_t any[4];
    cmrp_error error = {0};
    cmrp_tower tower;
    cmrp_endpoint e;
    if (octets.data == NULL || !cmrp_tower_decode(octets, 0, &tower, NULL, NULL, &error) ||
        !cmrp_tower_endpoint(&tower, &e) ||
        !cmrp_uuid_equal(&e.interface.uuid, &cmrp_uuid_clusapi) || e.port == 0 ||
        protocol_of(&e) == NULL) {
        return false;
    }
    struct capture_endpoint at = {.port = e.port, .family = 4};
    memcpy(at.addr, e.address, sizeof e.address);
    if (memcmp(e.address, any, sizeof any) == 0) {
        at = key_of(server);
        at.port = e.port;
    }
    found->interface = e.interface.version;
    found->protocol = protocol_of(&e);
    capture_endpoint_format(&at, found->address);
    show(c, found);
    if (e.transport == CMRP_TOWER_TCP) {
        remember(c->replay, &at, e.interface.version);
        // Clients commonly keep the address that they have reached the mapper under.
        struct capture_endpoint same = key_of(server);
        same.port = e.port;
        remember(c->replay, &same, e.interface.version);
    }
    return true;
}

// The version that a request asks for; 0 where it asks for another interface.
static unsigned asked_for(const cmrp_epm_request *request) {
    cmrp_error error = {0};
    cmrp_tower tower;
    cmrp_floor floor;
    size_t cursor = 0;
    return request->has_tower && cmrp_tower_decode(request->tower, 0, &tower, NULL, NULL, &error) &&
                   cmrp_tower_next(&tower, &cursor, &floor) && floor.kind == CMRP_FLOOR_UUID &&
                   cmrp_uuid_equal(&floor.id.uuid, &cmrp_uuid_clusapi)
               ? floor.id.version
               : 0;
}

void replay_on_mapper(void *context, const struct assoc_call *call) {
    struct replay_connection *c = context;
    struct replay_found found = {.call = call};
    cmrp_syntax syntax;
    cmrp_epm_request request;
    cmrp_epm_response response;
    cmrp_epm_cursor cursor = {0};
    cmrp_error error = {0};
    cmrp_view tower;
    uint64_t offset;
    bool any = false;
    if (call->faulted || call->request.state != ASSOC_WHOLE ||
        call->response.state != ASSOC_WHOLE || call->opnum != CMRP_EPM_OPNUM_MAP ||
        !replay_known_syntax(&call->transfer, &syntax) ||
        !cmrp_epm_request_decode(call->request.stub, 0, syntax, call->request.order, &request, NULL,
                                 NULL, &error) ||
        !cmrp_epm_response_decode(call->response.stub, 0, syntax, call->response.order, &response,
                                  NULL, NULL, &error)) {
        return;
    }
    while (cmrp_epm_next_tower(&response, &cursor, &tower, &offset)) {
        any = take_tower(c, tower, &found) || any;
    }
    found.interface = asked_for(&request);
    if (!any && found.interface != 0) {
        found.protocol = NULL;
        found.status = response.status;
        show(c, &found);
    }
}
