// SPDX-License-Identifier: Apache-2.0
// Property batch_json: any text as the JSON of a batch is refused with a reason, leaving the output
// alone, or encodes to octets that decode in the same mode to the same meaning.
#include <stdlib.h>

#include "fuzz_meaning.h"

#define PROPERTY "batch_json"

static bool check_mode(const json_t *value, unsigned flags) {
    const struct json_selector how = {.type = JSON_TYPE_BATCH, .batch_flags = flags};
    struct buffer out = {0};
    struct json_failure failure;
    buffer_append(&out, "before", 6);
    const bool ok = json_encode(&how, value, &out, &failure);
    if (ok) {
        cmrp_error error = {0};
        const cmrp_view octets = {out.data + 6, out.size - 6};
        json_t *decoded = json_decode(&how, octets, 0, &error);
        if (decoded == NULL) {
            fuzz_fail(PROPERTY, "what was encoded does not decode: %s", cmrp_code_id(error.code));
        }
        fuzz_check_same_meaning(PROPERTY, &how, value, decoded);
        json_decref(decoded);
    } else {
        fuzz_check_failure(PROPERTY, &failure);
        if (out.size != 6) {
            fuzz_fail(PROPERTY, "a refusal leaves octets behind");
        }
    }
    buffer_free(&out);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *error = NULL;
    json_t *value = json_parse((const char *)data, size, &error);
    bool ok = false;
    if (value != NULL) {
        const bool strict = check_mode(value, CMRP_BATCH_STRICT);
        const bool lenient = check_mode(value, CMRP_BATCH_LENIENT);
        if (strict && !lenient) {
            fuzz_fail(PROPERTY, "lenient writing refuses what strict writing takes");
        }
        ok = strict || lenient;
        json_decref(value);
    } else if (error == NULL) {
        fuzz_fail(PROPERTY, "the parser fails without a message");
    }
    free(error);
    *(ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
