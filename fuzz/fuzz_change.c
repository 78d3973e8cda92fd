// SPDX-License-Identifier: Apache-2.0
// Property change: the first octet picks a set; the rest is refused, or is a value that encodes to
// the identical octets, by itself, through JSON, and through the JSON of its names and unknown bits
// alone.
#include <stdlib.h>

#include "fuzz_support.h"

#define PROPERTY "change"

struct value {
    const cmrp_change_set *set;
    uint64_t value;
};

static bool write_value(void *context, cmrp_writer *w) {
    const struct value *v = context;
    return cmrp_change_encode(v->set, v->value, w);
}

static void check_json(const struct json_selector *how, const json_t *value, cmrp_view bytes,
                       const char *what) {
    struct buffer out = {0};
    struct json_failure failure;
    if (!json_encode(how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "%s: refused at \"%s\": %s", what, failure.pointer, failure.message);
    }
    fuzz_check_same_octets(PROPERTY, what, bytes, buffer_view(&out));
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < FUZZ_CHANGE_SELECTORS) {
        return 0;
    }
    const cmrp_view bytes = {data + FUZZ_CHANGE_SELECTORS, size - FUZZ_CHANGE_SELECTORS};
    struct value v = {.set = fuzz_change_set(data[0])};
    const struct json_selector how = {.type = JSON_TYPE_CHANGE, .set = v.set};
    cmrp_error error = {0};
    if (!cmrp_change_decode(v.set, bytes, &v.value, &error)) {
        fuzz_check_error(PROPERTY, &error, 0, bytes.size, 0);
        fuzz_tally.rejected++;
        return 0;
    }
    fuzz_tally.accepted++;
    size_t written;
    uint8_t *octets = fuzz_write(PROPERTY, write_value, &v, &written);
    fuzz_check_same_octets(PROPERTY, "cmrp_change_encode", bytes, (cmrp_view){octets, written});
    free(octets);

    json_t *value = json_decode(&how, bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "JSON refuses what the codec accepts");
    }
    check_json(&how, value, bytes, "through JSON");
    json_object_del(value, "value");
    check_json(&how, value, bytes, "through names and unknown");
    json_decref(value);
    return 0;
}
