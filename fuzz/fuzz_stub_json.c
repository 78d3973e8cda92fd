// SPDX-License-Identifier: Apache-2.0
// Property stub_json: inputs as those of stub. A stub that is accepted and what its slots encode to
// decode to the same JSON, which encodes to the latter.
#include <stdlib.h>

#include "fuzz_support.h"

#define PROPERTY "stub_json"

struct stub {
    cmrp_stub_format format;
    cmrp_slot slots[CMRP_MAX_PARAMS];
};

static bool write_slots(void *context, cmrp_writer *w) {
    const struct stub *stub = context;
    return cmrp_stub_encode(&stub->format, stub->slots, w);
}

static json_t *decode(const struct json_selector *how, cmrp_view bytes, const char *what) {
    cmrp_error error = {0};
    json_t *value = json_decode(how, bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "%s does not decode to JSON: %s of %s at %llu", what,
                  cmrp_code_id(error.code), error.field, (unsigned long long)error.offset);
    }
    return value;
}

static void check_accepted(struct stub *stub, cmrp_view input) {
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = stub->format};
    size_t size;
    uint8_t *octets = fuzz_write(PROPERTY, write_slots, stub, &size);
    const cmrp_view canonical = {octets, size};
    json_t *value = decode(&how, input, "the input");
    json_t *again = decode(&how, canonical, "the encoded stub");
    json_object_del(value, "warnings"); // about trailing octets and gaps
    fuzz_check_same_json(PROPERTY, "the meaning changed", value, again);

    struct buffer out = {0};
    struct json_failure failure;
    if (!json_encode(&how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s", failure.pointer, failure.message);
    }
    fuzz_check_same_octets(PROPERTY, "slots and JSON encode differently", canonical,
                           buffer_view(&out));
    buffer_free(&out);
    json_decref(value);
    json_decref(again);
    free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < FUZZ_STUB_SELECTORS) {
        return 0;
    }
    struct stub stub = {.format = fuzz_stub_format(data)};
    const cmrp_view input = {data + FUZZ_STUB_SELECTORS, size - FUZZ_STUB_SELECTORS};
    cmrp_error error = {0};
    if (cmrp_stub_decode(&stub.format, input, FUZZ_BASE, stub.slots, NULL, NULL, &error)) {
        fuzz_tally.accepted++;
        check_accepted(&stub, input);
    } else {
        fuzz_tally.rejected++;
    }
    return 0;
}
