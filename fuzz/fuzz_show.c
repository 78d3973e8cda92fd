// SPDX-License-Identifier: Apache-2.0
// Property show: any octets of any type, shown for people in any style, give text that is safe for
// a terminal, and are refused exactly when decoding them refuses, with the same error. The first
// octet picks type and style, the next ones are those of `change`, `stub` or `payload`.
#include "fuzz_support.h"
#include "show/show.h"

#define PROPERTY "show"

enum { TYPE = 7, LENIENT = 8, VERBOSE = 16, COLOUR = 32, NAMED = 64 };

static void name_handle(void *context, struct buffer *out, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE]) {
    (void)context;
    buffer_printf(out, "h%u-%02x", meaning, handle[CMRP_HANDLE_SIZE - 1]);
}

// Reads the selectors; false when there are too few of them.
static bool take_selectors(cmrp_view *input, struct json_selector *how,
                           struct show_options *options) {
    if (input->size < 1 + FUZZ_STUB_SELECTORS) {
        return false;
    }
    const uint8_t *octets = input->data;
    size_t taken = 1;
    *how = (struct json_selector){.type = (enum json_type)((octets[0] & TYPE) % JSON_TYPES)};
    how->batch_flags = (octets[0] & LENIENT) != 0 ? CMRP_BATCH_LENIENT : CMRP_BATCH_STRICT;
    if (how->type == JSON_TYPE_CHANGE) {
        how->set = fuzz_change_set(octets[1]);
        taken += FUZZ_CHANGE_SELECTORS;
    } else if (how->type == JSON_TYPE_STUB) {
        how->stub = fuzz_stub_format(octets + 1);
        taken += FUZZ_STUB_SELECTORS;
    } else if (how->type == JSON_TYPE_PAYLOAD) {
        how->flag = fuzz_payload_event(octets + 1, &how->object_type);
        taken += FUZZ_PAYLOAD_SELECTORS;
    } else if (how->type == JSON_TYPE_TOWER) {
        fuzz_tower_form(octets[1], how);
        taken += FUZZ_TOWER_SELECTORS;
    }
    *options = (struct show_options){
        .verbose = (octets[0] & VERBOSE) != 0,
        .colour = (octets[0] & COLOUR) != 0,
        .indent = 2,
        .handle = (octets[0] & NAMED) != 0 ? name_handle : NULL,
    };
    *input = (cmrp_view){octets + taken, input->size - taken};
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cmrp_view octets = {data, size};
    struct json_selector how;
    struct show_options options;
    struct buffer text = {0};
    cmrp_error shown = {0};
    cmrp_error decoded = {0};
    if (!take_selectors(&octets, &how, &options)) {
        return 0;
    }
    const bool ok = show_value(&text, &how, octets, &options, &shown);
    json_t *value = json_decode(&how, octets, 0, &decoded);
    if (ok != (value != NULL) || shown.code != decoded.code ||
        (!ok && shown.offset != decoded.offset)) {
        fuzz_fail(PROPERTY, "showing says %s at %llu, decoding %s at %llu",
                  ok ? "ok" : cmrp_code_id(shown.code), (unsigned long long)shown.offset,
                  value != NULL ? "ok" : cmrp_code_id(decoded.code),
                  (unsigned long long)decoded.offset);
    }
    fuzz_check_safe_text(PROPERTY, buffer_view(&text), options.colour);
    json_decref(value);
    buffer_free(&text);
    *(ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
