// SPDX-License-Identifier: Apache-2.0
// Stubs of ept_map.
#include "cmrp/epm.h"

#define SECTION_TWR_T   "MS-RPCE 2.2.1.2.2"
#define SECTION_EPT_MAP "MS-RPCE 2.2.1.2.5"

// ---- reading ------------------------------------------------------------------------------------

static void begin(cmrp_ndr_reader *r, cmrp_view stub, uint64_t offset, cmrp_syntax syntax,
                  cmrp_order order, cmrp_warn *warn, void *warn_context, cmrp_error *error) {
    *r = (cmrp_ndr_reader){.base = offset,
                           .syntax = syntax,
                           .order = order,
                           .warn = warn,
                           .warn_context = warn_context};
    cmrp_reader_init(&r->bytes, stub, offset, error, SECTION_EPT_MAP);
}

static bool end(cmrp_ndr_reader *r) {
    const cmrp_error warning = {.code = CMRP_E_TRAILING,
                                .offset = r->bytes.offset,
                                .left = r->bytes.left,
                                .field = "stub",
                                .section = SECTION_EPT_MAP};
    if (r->bytes.left > 0 && r->warn != NULL) {
        r->warn(r->warn_context, &warning);
    }
    return true;
}

static bool take_u32(cmrp_ndr_reader *r, const char *field, uint32_t *value, uint64_t *at) {
    uint64_t wide;
    if (!cmrp_ndr_align(r, field, 4)) {
        return false;
    }
    *at = r->bytes.offset;
    if (!cmrp_ndr_take_uint(r, field, 4, &wide)) {
        return false;
    }
    *value = (uint32_t)wide;
    return true;
}

static bool take_ranged(cmrp_ndr_reader *r, const char *field, uint32_t maximum, uint32_t *value) {
    uint64_t at;
    return take_u32(r, field, value, &at) &&
           (*value <= maximum || cmrp_fail(&r->bytes, CMRP_E_RANGE, field, at, *value));
}

// twr_t: the maximum count of its array stands before it.
static bool take_tower(cmrp_ndr_reader *r, cmrp_view *tower, uint64_t *offset) {
    uint64_t max_count, max_at, length_at;
    uint32_t length;
    const char *section = r->bytes.section;
    r->bytes.section = SECTION_TWR_T;
    if (!cmrp_ndr_take_word(r, "tower_octet_string", &max_count, &max_at) ||
        !take_u32(r, "tower_length", &length, &length_at)) {
        return false;
    }
    if (length > CMRP_TOWER_MAXIMUM) {
        return cmrp_fail(&r->bytes, CMRP_E_RANGE, "tower_length", length_at, length);
    }
    if (max_count > r->bytes.left) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, "tower_octet_string", max_at, max_count);
    }
    if (max_count != length) {
        return cmrp_fail(&r->bytes, CMRP_E_COUNT_MISMATCH, "tower_octet_string", max_at, max_count);
    }
    *offset = r->bytes.offset;
    if (!cmrp_take_view(&r->bytes, "tower_octet_string", length, tower)) {
        return false;
    }
    r->bytes.section = section;
    return true;
}

bool cmrp_epm_request_decode(cmrp_view stub, uint64_t offset, cmrp_syntax syntax, cmrp_order order,
                             cmrp_epm_request *request, cmrp_warn *warn, void *warn_context,
                             cmrp_error *error) {
    cmrp_ndr_reader r;
    uint64_t referent;
    *request = (cmrp_epm_request){0};
    begin(&r, stub, offset, syntax, order, warn, warn_context, error);
    if (!cmrp_ndr_take_word(&r, "obj", &referent, NULL)) {
        return false;
    }
    if (referent != 0) {
        if (!cmrp_ndr_align(&r, "obj", 4) ||
            !cmrp_take_uuid(&r.bytes, "obj", order, &request->object)) {
            return false;
        }
        request->has_object = true;
    }
    if (!cmrp_ndr_take_word(&r, "map_tower", &referent, NULL)) {
        return false;
    }
    if (referent != 0) {
        r.array = "map_tower";
        r.index = CMRP_NO_INDEX;
        if (!take_tower(&r, &request->tower, &request->tower_offset)) {
            error->array = r.array;
            error->index = CMRP_NO_INDEX;
            return false;
        }
        r.array = NULL;
        request->has_tower = true;
    }
    return cmrp_ndr_take_handle(&r, "entry_handle", request->entry_handle) &&
           take_ranged(&r, "max_towers", CMRP_EPM_TOWERS, &request->max_towers) && end(&r);
}

static uint64_t referent_at(const cmrp_epm_response *response, uint32_t index) {
    const cmrp_ndr_reader *r = &response->pointees;
    return r->syntax == CMRP_NDR64
               ? cmrp_load_u64(response->referents.data + 8 * (size_t)index, r->order)
               : cmrp_load_u32(response->referents.data + 4 * (size_t)index, r->order);
}

// The first element that has the referent of this one: full pointers that are equal share what
// they point to [C706 14.3.11.2].
static uint32_t first_alike(const cmrp_epm_response *response, uint32_t index) {
    uint32_t i = 0;
    while (referent_at(response, i) != referent_at(response, index)) {
        i++;
    }
    return i;
}

static bool take_array_head(cmrp_ndr_reader *r, cmrp_epm_response *response) {
    uint64_t max_count, start, actual, max_at, start_at, actual_at;
    if (!cmrp_ndr_take_word(r, "ITowers", &max_count, &max_at) ||
        !cmrp_ndr_take_word(r, "ITowers", &start, &start_at) ||
        !cmrp_ndr_take_word(r, "ITowers", &actual, &actual_at)) {
        return false;
    }
    if (max_count > CMRP_EPM_TOWERS) {
        return cmrp_fail(&r->bytes, CMRP_E_RANGE, "ITowers", max_at, max_count);
    }
    if (start != 0) {
        return cmrp_fail(&r->bytes, CMRP_E_STRING_OFFSET, "ITowers", start_at, start);
    }
    if (actual > max_count) {
        return cmrp_fail(&r->bytes, CMRP_E_ACTUAL_COUNT, "ITowers", actual_at, actual);
    }
    const size_t size = (size_t)actual * cmrp_ndr_word(r->syntax);
    if (size > r->bytes.left) {
        return cmrp_fail(&r->bytes, CMRP_E_OVERRUN, "ITowers", actual_at, actual);
    }
    if (actual != response->num_towers) {
        return cmrp_fail(&r->bytes, CMRP_E_COUNT_MISMATCH, "ITowers", actual_at, actual);
    }
    response->max_towers = (uint32_t)max_count;
    return cmrp_take_view(&r->bytes, "ITowers", size, &response->referents);
}

// A NULL pointer and one that was seen before have nothing behind the array.
static bool has_pointee(const cmrp_epm_response *response, uint32_t index) {
    return referent_at(response, index) != 0 && first_alike(response, index) == index;
}

bool cmrp_epm_response_decode(cmrp_view stub, uint64_t offset, cmrp_syntax syntax, cmrp_order order,
                              cmrp_epm_response *response, cmrp_warn *warn, void *warn_context,
                              cmrp_error *error) {
    cmrp_ndr_reader r;
    uint64_t at;
    *response = (cmrp_epm_response){0};
    begin(&r, stub, offset, syntax, order, warn, warn_context, error);
    if (!cmrp_ndr_take_handle(&r, "entry_handle", response->entry_handle) ||
        !take_u32(&r, "num_towers", &response->num_towers, &at) || !take_array_head(&r, response)) {
        return false;
    }
    response->pointees = r;
    response->pointees.warn = NULL;
    response->pointees.bytes.error = NULL; // the iterator brings its own
    for (uint32_t i = 0; i < response->num_towers; i++) {
        cmrp_view tower;
        r.array = "ITowers";
        r.index = i;
        if (has_pointee(response, i) && !take_tower(&r, &tower, &at)) {
            error->array = r.array;
            error->index = i;
            return false;
        }
    }
    r.array = NULL;
    return take_u32(&r, "status", &response->status, &at) && end(&r);
}

// Goes to the tower of element `target`, from the element at which the cursor stands.
static bool walk(const cmrp_epm_response *response, cmrp_epm_cursor *cursor, uint32_t target,
                 cmrp_view *tower, uint64_t *offset) {
    for (; cursor->index <= target; cursor->index++) {
        if (has_pointee(response, cursor->index) && !take_tower(&cursor->pointees, tower, offset)) {
            return false;
        }
    }
    return true;
}

static void start(const cmrp_epm_response *response, cmrp_epm_cursor *cursor) {
    *cursor = (cmrp_epm_cursor){.started = true, .pointees = response->pointees};
    cursor->pointees.bytes.error = &cursor->ignored;
}

bool cmrp_epm_next_tower(const cmrp_epm_response *response, cmrp_epm_cursor *cursor,
                         cmrp_view *tower, uint64_t *offset) {
    if (!cursor->started) {
        start(response, cursor);
    }
    const uint32_t index = cursor->index;
    if (index >= response->num_towers) {
        return false;
    }
    *tower = (cmrp_view){NULL, 0};
    *offset = 0;
    if (referent_at(response, index) == 0) {
        cursor->index++;
        return true;
    }
    const uint32_t first = first_alike(response, index);
    if (first == index) {
        cursor->pointees.bytes.error = &cursor->ignored; // the cursor may have been copied
        return walk(response, cursor, index, tower, offset);
    }
    cmrp_epm_cursor again;
    start(response, &again);
    cursor->index++;
    return walk(response, &again, first, tower, offset);
}

// ---- writing ------------------------------------------------------------------------------------

static bool put_tower(cmrp_ndr_writer *w, cmrp_view tower) {
    if (tower.size > CMRP_TOWER_MAXIMUM) {
        return cmrp_write_fail(w->bytes, CMRP_E_RANGE, "tower_length", tower.size);
    }
    return cmrp_ndr_put_word(w, "tower_octet_string", tower.size) &&
           cmrp_ndr_put_uint(w, "tower_length", 4, tower.size) &&
           cmrp_put_view(w->bytes, "tower_octet_string", tower);
}

bool cmrp_epm_request_encode(const cmrp_epm_request *request, cmrp_syntax syntax, cmrp_order order,
                             cmrp_writer *writer) {
    cmrp_ndr_writer w;
    writer->section = SECTION_EPT_MAP;
    cmrp_ndr_writer_init(&w, writer, syntax, order);
    if (request->max_towers > CMRP_EPM_TOWERS) {
        return cmrp_write_fail(writer, CMRP_E_RANGE, "max_towers", request->max_towers);
    }
    return cmrp_ndr_put_referent(&w, "obj", !request->has_object) &&
           (!request->has_object || cmrp_put_uuid(writer, "obj", order, &request->object)) &&
           cmrp_ndr_put_referent(&w, "map_tower", !request->has_tower) &&
           (!request->has_tower || put_tower(&w, request->tower)) &&
           cmrp_ndr_put_handle(&w, "entry_handle", request->entry_handle) &&
           cmrp_ndr_put_uint(&w, "max_towers", 4, request->max_towers);
}

bool cmrp_epm_response_encode(const cmrp_epm_response *response, cmrp_syntax syntax,
                              cmrp_order order, cmrp_writer *writer) {
    cmrp_ndr_writer w;
    const uint32_t count = response->num_towers;
    writer->section = SECTION_EPT_MAP;
    cmrp_ndr_writer_init(&w, writer, syntax, order);
    if (response->max_towers > CMRP_EPM_TOWERS || count > response->max_towers) {
        return cmrp_write_fail(writer, CMRP_E_RANGE, "ITowers", response->max_towers);
    }
    bool ok = cmrp_ndr_put_handle(&w, "entry_handle", response->entry_handle) &&
              cmrp_ndr_put_uint(&w, "num_towers", 4, count) &&
              cmrp_ndr_put_word(&w, "ITowers", response->max_towers) &&
              cmrp_ndr_put_word(&w, "ITowers", 0) && cmrp_ndr_put_word(&w, "ITowers", count);
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = cmrp_ndr_put_referent(&w, "ITowers", response->towers[i].data == NULL);
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = response->towers[i].data == NULL || put_tower(&w, response->towers[i]);
    }
    return ok && cmrp_ndr_put_uint(&w, "status", 4, response->status);
}
