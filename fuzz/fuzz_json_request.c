// SPDX-License-Identifier: Apache-2.0
// Property json_request: any text as an encode request (selectors and "value", as a testee receives
// them and vectors hold them) is refused with a reason, or its value encodes to octets that decode,
// and what they decode to encodes to the same octets again. Except for PDUs, whose lengths may be
// left out of the input, input and output have the same normal form.
#include <stdlib.h>

#include "fuzz_meaning.h"

#define PROPERTY "json_request"

static bool check_value(const struct json_selector *how, const json_t *value) {
    struct buffer octets = {0};
    struct buffer again = {0};
    struct json_failure failure;
    cmrp_error error = {0};
    if (!json_encode(how, value, &octets, &failure)) {
        fuzz_check_failure(PROPERTY, &failure);
        if (octets.size != 0) {
            fuzz_fail(PROPERTY, "a refusal leaves octets behind");
        }
        buffer_free(&octets);
        return false;
    }
    json_t *decoded = json_decode(how, buffer_view(&octets), 0, &error);
    if (decoded == NULL) {
        fuzz_fail(PROPERTY, "what was encoded does not decode: %s of %s at %llu",
                  cmrp_code_id(error.code), error.field, (unsigned long long)error.offset);
    }
    if (!json_encode(how, decoded, &again, &failure)) {
        fuzz_fail(PROPERTY, "refused the second time at \"%s\": %s", failure.pointer,
                  failure.message);
    }
    fuzz_check_same_octets(PROPERTY, "encoded twice", buffer_view(&octets), buffer_view(&again));
    if (how->type != JSON_TYPE_PDU) {
        fuzz_check_same_meaning(PROPERTY, how, value, decoded);
    }
    json_decref(decoded);
    buffer_free(&octets);
    buffer_free(&again);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *error = NULL;
    struct json_selector how = {.type = JSON_TYPE_BATCH};
    json_t *request = json_parse((const char *)data, size, &error);
    const json_t *value = json_object_get(request, "value");
    bool ok = false;
    if (request != NULL && json_selector_read(request, &how, &error)) {
        ok = value != NULL && check_value(&how, value);
    } else if (error == NULL) {
        fuzz_fail(PROPERTY, "a refusal without a message");
    }
    json_decref(request);
    free(error);
    *(ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
