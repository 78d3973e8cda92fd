// SPDX-License-Identifier: Apache-2.0
// Property batch_round_trip: what decodes (strictly, leniently) encodes to the identical octets
// under the same mode, command by command through cmrp_batch_put as well as through JSON, with the
// size that the null sink predicts; and printing it command by command gives the same JSON.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "batch_round_trip"

struct copy {
    cmrp_view bytes;
    unsigned flags;
};

// Reads and writes at once.
static bool copy_batch(void *context, cmrp_writer *w) {
    const struct copy *copy = context;
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_batch_writer bw;
    bool ok = cmrp_batch_open(&batch, copy->bytes, 0, copy->flags, &error) &&
              cmrp_batch_writer_open(&bw, w, copy->flags);
    while (ok && cmrp_batch_next(&batch, &c)) {
        ok = cmrp_batch_put(&bw, &c);
    }
    return ok && cmrp_batch_writer_close(&bw, batch.trailing);
}

static void check_print(cmrp_view bytes, unsigned flags, const json_t *value) {
    enum { STYLE = JSON_COMPACT };
    cmrp_error error = {0};
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    char *dumped = json_dumps(value, STYLE);
    if (out == NULL || dumped == NULL) {
        abort();
    }
    const bool ok = json_batch_print(bytes, flags, STYLE, out, &error);
    fclose(out);
    if (!ok || strcmp(printed, dumped) != 0) {
        fuzz_fail(PROPERTY, "printed %s\n  decoded %s", printed, dumped);
    }
    free(printed);
    free(dumped);
}

static bool round_trip(cmrp_view bytes, unsigned flags) {
    const struct json_selector how = {.type = JSON_TYPE_BATCH, .batch_flags = flags};
    cmrp_error error = {0};
    json_t *value = json_decode(&how, bytes, 0, &error);
    if (value == NULL) {
        return false;
    }
    size_t size;
    struct copy copy = {bytes, flags};
    uint8_t *octets = fuzz_write(PROPERTY, copy_batch, &copy, &size);
    fuzz_check_same_octets(PROPERTY, "cmrp_batch_put", bytes, (cmrp_view){octets, size});
    free(octets);

    struct buffer out = {0};
    struct json_failure failure;
    if (!json_encode(&how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s", failure.pointer, failure.message);
    }
    fuzz_check_same_octets(PROPERTY, "through JSON", bytes, buffer_view(&out));
    buffer_free(&out);
    check_print(bytes, flags, value);
    json_decref(value);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cmrp_view bytes = {data, size};
    const bool strict = round_trip(bytes, CMRP_BATCH_STRICT);
    const bool lenient = round_trip(bytes, CMRP_BATCH_LENIENT);
    *(strict || lenient ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
