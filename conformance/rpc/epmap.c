// SPDX-License-Identifier: Apache-2.0
// The endpoint mapper: what is registered, and the methods that tell it.
#include "rpc/epmap_state.h"
#include "util/buffer.h"

#include <stdlib.h>

enum {
    OPNUM_LOOKUP = 2,
    OPNUM_MAP = CMRP_EPM_OPNUM_MAP,
    OPNUM_LOOKUP_HANDLE_FREE = 4,
    OPNUMS = 7,
};

static const uint8_t no_handle[CMRP_HANDLE_SIZE];

// ---- registered endpoints -----------------------------------------------------------------------

static void call(void *context, struct rpc_call *call, const struct rpc_request *request);

struct rpc_epmap *rpc_epmap_create(void) {
    struct rpc_epmap *epmap = util_alloc(sizeof *epmap);
    epmap->interface = (struct rpc_interface){
        .id = {.uuid = cmrp_uuid_epm, .version = 3},
        .name = "epmapper",
        .opnums = OPNUMS,
        .context = epmap,
        .call = call,
    };
    return epmap;
}

void rpc_epmap_add(struct rpc_epmap *epmap, const cmrp_syntax_id *interface, const char *annotation,
                   uint16_t port, const uint8_t address[4]) {
    const cmrp_syntax_id transfers[] = {{.uuid = cmrp_uuid_ndr20, .version = 2},
                                        {.uuid = cmrp_uuid_ndr64, .version = 1}};
    for (size_t i = 0; i < 2; i++) {
        epmap->entries = util_grow(epmap->entries, epmap->count + 1, sizeof *epmap->entries);
        struct epmap_entry *entry = &epmap->entries[epmap->count++];
        *entry = (struct epmap_entry){.endpoint = {.interface = *interface,
                                                   .transfer = transfers[i],
                                                   .rpc = CMRP_TOWER_NCACN,
                                                   .transport = CMRP_TOWER_TCP,
                                                   .port = port}};
        memcpy(entry->endpoint.address, address, sizeof entry->endpoint.address);
        const size_t size = strnlen(annotation, sizeof entry->annotation - 1);
        memcpy(entry->annotation, annotation, size);
    }
}

const struct rpc_interface *rpc_epmap_interface(const struct rpc_epmap *epmap) {
    return &epmap->interface;
}

void rpc_epmap_destroy(struct rpc_epmap *epmap) {
    if (epmap != NULL) {
        free(epmap->entries);
        free(epmap);
    }
}

void rpc_epmap_tower(const struct epmap_entry *entry, const uint8_t *local, cmrp_writer *w) {
    static const uint8_t any[4];
    const cmrp_endpoint *e = &entry->endpoint;
    cmrp_floor floors[] = {
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = e->interface},
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = e->transfer},
        {.protocol = e->rpc, .kind = CMRP_FLOOR_RPC},
        {.protocol = e->transport, .kind = CMRP_FLOOR_PORT, .number = e->port},
        {.protocol = CMRP_TOWER_IP, .kind = CMRP_FLOOR_ADDRESS},
    };
    const bool local_one = memcmp(e->address, any, sizeof any) == 0;
    memcpy(floors[4].address, local_one ? local : e->address, sizeof floors[4].address);
    if (!cmrp_tower_encode(floors, sizeof floors / sizeof floors[0], w)) {
        abort(); // w has room for every tower of five such floors
    }
}

// ---- searches -----------------------------------------------------------------------------------

static void end_search(void *search) {
    free(search);
}

static const struct rpc_handle_kind search_kind = {"endpoint mapper search", end_search};

// Finds what a search that goes on is about. Returns false, the call being faulted, for a handle
// that is unknown.
bool rpc_epmap_search(struct rpc_call *rpc_call, const uint8_t handle[CMRP_HANDLE_SIZE],
                      struct epmap_search *search) {
    struct rpc_association *association = rpc_call_association(rpc_call);
    const struct rpc_handle_kind *kind;
    if (memcmp(handle, no_handle, sizeof no_handle) == 0) {
        return true;
    }
    const struct epmap_search *earlier = rpc_handle_find(association, handle, &kind);
    if (earlier == NULL) {
        rpc_call_fault(rpc_call, RPC_FAULT_CONTEXT_MISMATCH, true);
        return false;
    }
    *search = *earlier;
    return true;
}

// Ends a search, or keeps it under a handle where something is left to be found.
void rpc_epmap_keep(struct rpc_epmap *epmap, struct rpc_call *rpc_call,
                    const struct epmap_search *search, uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct rpc_association *association = rpc_call_association(rpc_call);
    const struct rpc_handle_kind *kind;
    struct epmap_search rest = *search;
    struct epmap_search *kept = rpc_handle_find(association, handle, &kind);
    const bool more = rpc_epmap_next(epmap, &rest) != NULL;
    if (more && kept != NULL) {
        *kept = *search;
        return;
    }
    if (kept != NULL) {
        rpc_handle_close(association, handle);
        free(kept);
    }
    memset(handle, 0, CMRP_HANDLE_SIZE);
    if (more) {
        kept = util_alloc(sizeof *kept);
        *kept = *search;
        if (!rpc_handle_open(association, &search_kind, kept, handle)) {
            free(kept); // then the client learns no more
        }
    }
}

static bool same_interface(const struct epmap_search *search, const cmrp_syntax_id *id) {
    const cmrp_syntax_id *wanted = &search->endpoint.interface;
    if (!cmrp_uuid_equal(&wanted->uuid, &id->uuid)) {
        return false;
    }
    switch (search->versions) {
    case EPMAP_VERSION_ALL: return true;
    case EPMAP_VERSION_COMPATIBLE:
        return id->version == wanted->version && id->version_minor >= wanted->version_minor;
    case EPMAP_VERSION_EXACT:
        return id->version == wanted->version && id->version_minor == wanted->version_minor;
    case EPMAP_VERSION_MAJOR: return id->version == wanted->version;
    default: // up to
        return id->version < wanted->version ||
               (id->version == wanted->version && id->version_minor <= wanted->version_minor);
    }
}

static bool matches(const struct epmap_search *search, const cmrp_endpoint *e) {
    const cmrp_endpoint *wanted = &search->endpoint;
    return (!search->by_interface || same_interface(search, &e->interface)) &&
           (!search->by_protocol || (cmrp_uuid_equal(&e->transfer.uuid, &wanted->transfer.uuid) &&
                                     e->transfer.version == wanted->transfer.version &&
                                     e->rpc == wanted->rpc && e->transport == wanted->transport));
}

const struct epmap_entry *rpc_epmap_next(const struct rpc_epmap *epmap,
                                         struct epmap_search *search) {
    while (!search->nothing && search->next < epmap->count) {
        const struct epmap_entry *entry = &epmap->entries[search->next++];
        if (matches(search, &entry->endpoint)) {
            return entry;
        }
    }
    return NULL;
}

// ---- ept_map ------------------------------------------------------------------------------------

// What a client asks for. Returns 0 or a status.
static uint32_t read_tower(cmrp_view octets, struct epmap_search *search) {
    cmrp_error error = {0};
    cmrp_tower tower;
    if (!cmrp_tower_decode(octets, 0, &tower, NULL, NULL, &error) ||
        tower.count > CMRP_TOWER_FLOORS) {
        return EPMAP_CANT_PERFORM;
    }
    search->by_interface = true;
    search->by_protocol = true;
    search->versions = EPMAP_VERSION_COMPATIBLE;
    return cmrp_tower_endpoint(&tower, &search->endpoint) ? 0 : EPMAP_NOT_REGISTERED;
}

static void answer_map(struct rpc_call *rpc_call, const struct rpc_request *request,
                       const cmrp_epm_response *response) {
    cmrp_error error = {0};
    cmrp_writer w;
    struct buffer stub = {0};
    cmrp_sizer_init(&w, &error, "");
    (void)cmrp_epm_response_encode(response, request->syntax, CMRP_LITTLE_ENDIAN, &w);
    const size_t size = w.size;
    cmrp_writer_init(&w, buffer_extend(&stub, size), size, &error, "");
    if (!cmrp_epm_response_encode(response, request->syntax, CMRP_LITTLE_ENDIAN, &w)) {
        abort(); // at most CMRP_EPM_TOWERS of a known size
    }
    rpc_call_respond(rpc_call, stub.data, stub.size);
    buffer_free(&stub);
}

static void map(struct rpc_epmap *epmap, struct rpc_call *rpc_call,
                const struct rpc_request *request) {
    cmrp_error error = {0};
    cmrp_epm_request asked;
    struct epmap_search search = {0};
    cmrp_epm_response response = {0};
    cmrp_view towers[CMRP_EPM_TOWERS];
    uint8_t octets[CMRP_EPM_TOWERS * EPMAP_TOWER_SIZE];
    cmrp_writer w;
    if (!cmrp_epm_request_decode(request->stub, 0, request->syntax, request->order, &asked, NULL,
                                 NULL, &error)) {
        rpc_call_fault(rpc_call, RPC_FAULT_BAD_STUB_DATA, true);
        return;
    }
    response.status =
        asked.has_tower ? read_tower(asked.tower, &search) : (uint32_t)EPMAP_NOT_REGISTERED;
    search.nothing = response.status != 0;
    if (!rpc_epmap_search(rpc_call, asked.entry_handle, &search)) {
        return;
    }
    memcpy(response.entry_handle, asked.entry_handle, CMRP_HANDLE_SIZE);
    response.max_towers = asked.max_towers;
    response.towers = towers;
    const struct epmap_entry *entry;
    cmrp_writer_init(&w, octets, sizeof octets, &error, "");
    while (response.num_towers < asked.max_towers &&
           (entry = rpc_epmap_next(epmap, &search)) != NULL) {
        const size_t at = w.size;
        rpc_epmap_tower(entry, rpc_call_local(rpc_call), &w);
        towers[response.num_towers++] = (cmrp_view){octets + at, w.size - at};
    }
    rpc_epmap_keep(epmap, rpc_call, &search, response.entry_handle);
    if (response.status == 0 && response.num_towers == 0 &&
        memcmp(response.entry_handle, no_handle, sizeof no_handle) == 0) {
        response.status = EPMAP_NOT_REGISTERED;
    }
    answer_map(rpc_call, request, &response);
}

// ---- the interface ------------------------------------------------------------------------------

static void free_handle(struct rpc_call *rpc_call, const struct rpc_request *request) {
    struct rpc_association *association = rpc_call_association(rpc_call);
    const uint8_t answer[CMRP_HANDLE_SIZE + 4] = {0}; // no handle, status 0
    const struct rpc_handle_kind *kind;
    cmrp_error error = {0};
    cmrp_ndr_reader r = {.syntax = request->syntax, .order = request->order};
    uint8_t handle[CMRP_HANDLE_SIZE];
    cmrp_reader_init(&r.bytes, request->stub, 0, &error, "");
    if (!cmrp_ndr_take_handle(&r, "entry_handle", handle)) {
        rpc_call_fault(rpc_call, RPC_FAULT_BAD_STUB_DATA, true);
        return;
    }
    if (memcmp(handle, no_handle, sizeof no_handle) != 0) {
        void *search = rpc_handle_find(association, handle, &kind);
        if (!rpc_handle_close(association, handle)) {
            rpc_call_fault(rpc_call, RPC_FAULT_CONTEXT_MISMATCH, true);
            return;
        }
        free(search);
    }
    rpc_call_respond(rpc_call, answer, sizeof answer);
}

static void call(void *context, struct rpc_call *rpc_call, const struct rpc_request *request) {
    struct rpc_epmap *epmap = context;
    switch (request->opnum) {
    case OPNUM_LOOKUP: rpc_epmap_lookup(epmap, rpc_call, request); break;
    case OPNUM_MAP: map(epmap, rpc_call, request); break;
    case OPNUM_LOOKUP_HANDLE_FREE: free_handle(rpc_call, request); break;
    default: // ept_insert, ept_delete, ept_inq_object, ept_mgmt_delete
        rpc_call_fault(rpc_call, EPMAP_S_CANT_PERFORM_OP, true);
        break;
    }
}
