// SPDX-License-Identifier: Apache-2.0
// Property tower: the first octet says whether the rest is a tower or a stub of ept_map, and which;
// it is refused with one error inside it, or its views lie inside it, and its JSON encodes to
// octets that decode to the same JSON: for a tower the identical ones, with the predicted size.
#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "tower"

enum { GAP = 7 }; // in front of a field that is missing

static void warned(void *context, const cmrp_error *warning) {
    const cmrp_view *bytes = context;
    fuzz_check_place(PROPERTY, warning, FUZZ_BASE, bytes->size, 0);
}

static void check_floors(const cmrp_tower *tower, cmrp_view bytes) {
    cmrp_floor floor;
    size_t cursor = 0;
    unsigned n = 0;
    for (; cmrp_tower_next(tower, &cursor, &floor); n++) {
        fuzz_check_inside(PROPERTY, "lhs", floor.lhs, tower->floors);
        fuzz_check_inside(PROPERTY, "rhs", floor.rhs, tower->floors);
        fuzz_check_inside(PROPERTY, "name", floor.name, floor.rhs);
        if (floor.kind != cmrp_tower_protocol_kind(floor.protocol) || floor.offset < FUZZ_BASE) {
            fuzz_fail(PROPERTY, "floor %u is of kind %d at %llu", n, (int)floor.kind,
                      (unsigned long long)floor.offset);
        }
    }
    if (n != tower->count) {
        fuzz_fail(PROPERTY, "%u of %u floors are delivered", n, tower->count);
    }
    fuzz_check_inside(PROPERTY, "floors", tower->floors, bytes);
    fuzz_check_inside(PROPERTY, "trailing", tower->trailing, bytes);
}

static bool decode_tower(cmrp_view bytes, cmrp_error *error) {
    cmrp_tower tower;
    const bool ok = cmrp_tower_decode(bytes, FUZZ_BASE, &tower, warned, &bytes, error);
    check_floors(&tower, bytes); // those before the wrong one, where it was refused
    return ok;
}

static bool decode_response(const cmrp_stub_format *f, cmrp_view bytes, cmrp_error *error) {
    cmrp_epm_response response;
    cmrp_epm_cursor cursor = {0};
    cmrp_view tower;
    uint64_t offset;
    uint32_t n = 0;
    if (!cmrp_epm_response_decode(bytes, FUZZ_BASE, f->syntax, f->order, &response, warned, &bytes,
                                  error)) {
        return false;
    }
    for (; cmrp_epm_next_tower(&response, &cursor, &tower, &offset); n++) {
        fuzz_check_inside(PROPERTY, "a tower", tower, bytes);
        if (tower.data != NULL && tower.data != bytes.data + (offset - FUZZ_BASE)) {
            fuzz_fail(PROPERTY, "tower %u is not at its offset", n);
        }
    }
    if (n != response.num_towers) {
        fuzz_fail(PROPERTY, "%u of %u towers are delivered", n, response.num_towers);
    }
    return true;
}

static bool decode(const struct json_selector *how, cmrp_view bytes, cmrp_error *error) {
    cmrp_epm_request request;
    if (!how->ept_map) {
        return decode_tower(bytes, error);
    }
    if (how->stub.response) {
        return decode_response(&how->stub, bytes, error);
    }
    const bool ok = cmrp_epm_request_decode(bytes, FUZZ_BASE, how->stub.syntax, how->stub.order,
                                            &request, warned, &bytes, error);
    fuzz_check_inside(PROPERTY, "map_tower", request.tower, bytes);
    return ok;
}

static json_t *json_of(const struct json_selector *how, cmrp_view bytes, const char *what) {
    cmrp_error error = {0};
    json_t *value = json_decode(how, bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "%s does not decode to JSON: %s at %llu", what,
                  cmrp_code_id(error.code), (unsigned long long)error.offset);
    }
    json_object_del(value, "warnings");
    return value;
}

static void check_json(const struct json_selector *how, cmrp_view bytes) {
    struct buffer out = {0};
    struct json_failure failure;
    json_t *value = json_of(how, bytes, "the input");
    if (!json_encode(how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s", failure.pointer, failure.message);
    }
    if (!how->ept_map) {
        fuzz_check_same_octets(PROPERTY, "through JSON", bytes, buffer_view(&out));
    }
    json_t *again = json_of(how, buffer_view(&out), "what was encoded");
    fuzz_check_same_json(PROPERTY, "the meaning changed", value, again);
    json_decref(value);
    json_decref(again);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct json_selector how;
    cmrp_error error = {0};
    if (size < FUZZ_TOWER_SELECTORS) {
        return 0;
    }
    fuzz_tower_form(data[0], &how);
    const cmrp_view bytes = {data + FUZZ_TOWER_SELECTORS, size - FUZZ_TOWER_SELECTORS};
    if (decode(&how, bytes, &error)) {
        fuzz_tally.accepted++;
        check_json(&how, bytes);
    } else {
        fuzz_tally.rejected++;
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, bytes.size,
                         error.code == CMRP_E_TRUNCATED && how.ept_map ? GAP : 0);
    }
    return 0;
}
