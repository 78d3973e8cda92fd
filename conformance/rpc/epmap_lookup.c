// SPDX-License-Identifier: Apache-2.0
// ept_lookup: everything that is registered, for whoever wants to see it. [MS-RPCE 2.2.1.2.4]
#include <stdlib.h>

#include "rpc/epmap_state.h"
#include "util/buffer.h"

enum { // inquiry_type
    ALL_ELEMENTS = 0,
    BY_INTERFACE = 1,
    BY_OBJECT = 2,
    BY_BOTH = 3,
};

enum { // upper bounds of what an element and all else takes in NDR64
    ELEMENT_SIZE = 24 + 8 + 16 + EPMAP_ANNOTATION_SIZE + 8 + 24 + EPMAP_TOWER_SIZE,
    REST_SIZE = 64,
};

struct question {
    uint64_t inquiry;
    bool has_object;
    bool has_interface;
    cmrp_uuid object;
    cmrp_syntax_id interface;
    uint64_t versions;
    uint8_t handle[CMRP_HANDLE_SIZE];
    uint64_t max_ents;
};

// ---- request ------------------------------------------------------------------------------------

static bool take_u32(cmrp_ndr_reader *r, const char *field, uint64_t *value) {
    return cmrp_ndr_take_uint(r, field, 4, value);
}

static bool take_pointer(cmrp_ndr_reader *r, const char *field, bool *present) {
    uint64_t referent;
    if (!cmrp_ndr_take_word(r, field, &referent, NULL)) {
        return false;
    }
    *present = referent != 0;
    return !*present || cmrp_ndr_align(r, field, 4);
}

static bool read_question(const struct rpc_request *request, struct question *q) {
    cmrp_error error = {0};
    cmrp_ndr_reader r = {.syntax = request->syntax, .order = request->order};
    const cmrp_order order = request->order;
    cmrp_reader_init(&r.bytes, request->stub, 0, &error, "");
    return take_u32(&r, "inquiry_type", &q->inquiry) &&
           take_pointer(&r, "object", &q->has_object) &&
           (!q->has_object || cmrp_take_uuid(&r.bytes, "object", order, &q->object)) &&
           take_pointer(&r, "Ifid", &q->has_interface) &&
           (!q->has_interface ||
            (cmrp_take_uuid(&r.bytes, "Ifid", order, &q->interface.uuid) &&
             cmrp_take_u16(&r.bytes, "VersMajor", order, &q->interface.version) &&
             cmrp_take_u16(&r.bytes, "VersMinor", order, &q->interface.version_minor))) &&
           take_u32(&r, "vers_option", &q->versions) &&
           cmrp_ndr_take_handle(&r, "entry_handle", q->handle) &&
           take_u32(&r, "max_ents", &q->max_ents) && q->max_ents <= CMRP_EPM_TOWERS;
}

static struct epmap_search search_for(const struct question *q) {
    static const cmrp_uuid nil;
    struct epmap_search search = {.versions = (uint32_t)q->versions};
    if ((q->inquiry == BY_INTERFACE || q->inquiry == BY_BOTH) && q->has_interface) {
        search.by_interface = true;
        search.endpoint.interface = q->interface;
    }
    // All that is registered is so for the object UUID nil.
    if ((q->inquiry == BY_OBJECT || q->inquiry == BY_BOTH) && q->has_object) {
        search.nothing = !cmrp_uuid_equal(&q->object, &nil);
    }
    return search;
}

// ---- response -----------------------------------------------------------------------------------

static void put_element(cmrp_ndr_writer *w, const struct epmap_entry *entry) {
    const size_t size = strlen(entry->annotation) + 1;
    (void)cmrp_ndr_put_align(w, "object", cmrp_ndr_word(w->syntax));
    (void)cmrp_put_zero(w->bytes, "object", CMRP_UUID_SIZE);
    (void)cmrp_ndr_put_referent(w, "tower", false);
    (void)cmrp_ndr_put_word(w, "annotation", 0); // offset
    (void)cmrp_ndr_put_word(w, "annotation", size);
    (void)cmrp_put_view(w->bytes, "annotation",
                        (cmrp_view){(const uint8_t *)entry->annotation, size});
}

static void put_tower(cmrp_ndr_writer *w, const struct epmap_entry *entry, const uint8_t *local) {
    (void)cmrp_ndr_put_word(w, "tower", EPMAP_TOWER_SIZE);
    (void)cmrp_ndr_put_uint(w, "tower_length", 4, EPMAP_TOWER_SIZE);
    rpc_epmap_tower(entry, local, w->bytes);
}

// Writes the elements: the fixed parts first, then what they point to.
static uint32_t put_elements(cmrp_ndr_writer *w, const struct rpc_epmap *epmap,
                             struct epmap_search *search, uint64_t room, const uint8_t *local) {
    const struct epmap_entry *found[CMRP_EPM_TOWERS];
    uint32_t count = 0;
    while (count < room && (found[count] = rpc_epmap_next(epmap, search)) != NULL) {
        count++;
    }
    (void)cmrp_ndr_put_uint(w, "num_ents", 4, count);
    (void)cmrp_ndr_put_word(w, "entries", room);
    (void)cmrp_ndr_put_word(w, "entries", 0);
    (void)cmrp_ndr_put_word(w, "entries", count);
    for (uint32_t i = 0; i < count; i++) {
        put_element(w, found[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        put_tower(w, found[i], local);
    }
    return count;
}

void rpc_epmap_lookup(struct rpc_epmap *epmap, struct rpc_call *call,
                      const struct rpc_request *request) {
    struct question q = {0};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_ndr_writer ndr;
    struct buffer stub = {0};
    if (!read_question(request, &q)) {
        rpc_call_fault(call, RPC_FAULT_BAD_STUB_DATA, true);
        return;
    }
    struct epmap_search search = search_for(&q);
    if (!rpc_epmap_search(call, q.handle, &search)) {
        return;
    }
    const size_t capacity = REST_SIZE + q.max_ents * ELEMENT_SIZE;
    buffer_reserve(&stub, capacity);
    cmrp_writer_init(&w, stub.data, capacity, &error, "");
    cmrp_ndr_writer_init(&ndr, &w, request->syntax, CMRP_LITTLE_ENDIAN);
    (void)cmrp_put_zero(&w, "entry_handle", CMRP_HANDLE_SIZE);
    const uint32_t count = put_elements(&ndr, epmap, &search, q.max_ents, rpc_call_local(call));
    rpc_epmap_keep(epmap, call, &search, q.handle);
    memcpy(stub.data, q.handle, sizeof q.handle);
    const bool nothing = count == 0 && q.max_ents > 0;
    (void)cmrp_ndr_put_uint(&ndr, "status", 4, nothing ? EPMAP_NOT_REGISTERED : 0);
    if (error.code != CMRP_OK) {
        abort(); // capacity holds all of it
    }
    rpc_call_respond(call, stub.data, w.size);
    buffer_free(&stub);
}
