// SPDX-License-Identifier: Apache-2.0
// Property replay: any octets as a capture are read from end to end, whatever the output: JSON
// records are whole lines of JSON whose kinds agree with the counters, and whose parameters are
// what decoding makes of the stub that they encode to; text is safe for a terminal, all outputs
// count the same, and nothing is written after the writer has said stop. gzip is left to `capture`:
// a small stream can hold gigabytes, and here nothing bounds them.
#include <stdlib.h>

#include "fuzz_support.h"
#include "replay/replay.h"

#define PROPERTY "replay"

struct output {
    struct replay_options options;
    uint64_t records;
    uint64_t calls;   // JSON: records of kind "call"
    uint64_t gaps;    // "gap"
    uint64_t notes;   // "note"
    uint64_t stop_at; // records after which the writer wants no more; 0: never
    bool stopped;
};

// The parameters of a call, which replay writes by itself, as decoding has them.
static void check_params(const json_t *record, const char *direction) {
    json_t *params = json_object_get(record, direction);
    struct json_selector how = {.type = JSON_TYPE_STUB};
    struct json_failure failure;
    struct buffer stub = {0};
    cmrp_error error = {0};
    char *reason = NULL;
    if (params == NULL) {
        return;
    }
    json_t *selectors = json_pack("{sOsOsOss}", "method", json_object_get(record, "method"),
                                  "interface", json_object_get(record, "interface"), "syntax",
                                  json_object_get(record, "syntax"), "direction", direction);
    json_t *value = json_pack("{sO}", "params", params);
    if (selectors == NULL || !json_selector_read(selectors, &how, &reason)) {
        fuzz_fail(PROPERTY, "parameters without selectors: %s", reason);
    }
    if (!json_encode(&how, value, &stub, &failure)) {
        fuzz_fail(PROPERTY, "parameters refused at \"%s\": %s: %s", failure.pointer,
                  failure.message, json_dumps(record, 0));
    }
    json_t *decoded = json_decode(&how, buffer_view(&stub), 0, &error);
    fuzz_check_same_json(PROPERTY, "parameters", json_object_get(decoded, "params"), params);
    json_decref(decoded);
    json_decref(selectors);
    json_decref(value);
    buffer_free(&stub);
}

static void check_json(struct output *output, cmrp_view record) {
    static const char *const kinds[] = {"call", "bind", "gap", "note", "endpoint"};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    uint64_t others = 0;
    uint64_t *const counts[] = {&output->calls, &others, &output->gaps, &output->notes, &others};
    char *error = NULL;
    json_t *object = json_parse((const char *)record.data, record.size, &error);
    const char *kind = json_string_value(json_object_get(object, "kind"));
    if (object == NULL || kind == NULL || memchr(record.data, '\n', record.size - 1) != NULL) {
        fuzz_fail(PROPERTY, "a record that is not one line of JSON: %.*s", (int)record.size,
                  (const char *)record.data);
    }
    size_t i = 0;
    while (i < KINDS && strcmp(kind, kinds[i]) != 0) {
        i++;
    }
    if (i == KINDS) {
        fuzz_fail(PROPERTY, "a record of kind \"%s\"", kind);
    }
    (*counts[i])++;
    check_params(object, "request");
    check_params(object, "response");
    for (i = 0; output->options.ascii && i < record.size; i++) {
        if (record.data[i] >= 0x7f) {
            fuzz_fail(PROPERTY, "a record that is not ASCII");
        }
    }
    json_decref(object);
}

static bool write_record(void *context, const char *text, size_t size) {
    struct output *output = context;
    const cmrp_view record = {(const uint8_t *)text, size};
    if (output->stopped || size == 0) {
        fuzz_fail(PROPERTY, size == 0 ? "an empty record" : "a record after the stop");
    }
    if (output->options.format == REPLAY_JSON) {
        check_json(output, record);
    } else {
        fuzz_check_safe_text(PROPERTY, record, output->options.colour);
    }
    output->records++;
    output->stopped = output->records == output->stop_at;
    return !output->stopped;
}

// Runs once. Small bounds, so that small inputs meet them.
static struct replay_result run(struct output *output, cmrp_view capture) {
    struct replay_options *options = &output->options;
    struct replay_result result;
    options->opnum = -1;
    options->capture = (struct capture_limits){
        .flows = 8, .side_octets = 8192, .held_octets = 16384, .fragment_octets = 131072};
    options->assoc = (struct assoc_limits){.stub = 65536, .calls = 16, .contexts = 8};
    options->memory = 1 << 20;
    options->write = write_record;
    options->context = output;
    replay_memory(options, capture.data, capture.size, &result);
    return result;
}

static void check_summary(const struct replay_result *result) {
    struct buffer line = {0};
    replay_summary(result, &line);
    fuzz_check_safe_text(PROPERTY, buffer_view(&line), false);
    if (line.size == 0 || memchr(line.data, '\n', line.size - 1) != NULL) {
        fuzz_fail(PROPERTY, "the summary is not one line");
    }
    buffer_free(&line);
}

static void check_counts(const struct output *json, const struct replay_result *result) {
    if (json->calls != replay_calls(result) || json->gaps != result->gaps ||
        json->notes != result->notes) {
        fuzz_fail(PROPERTY,
                  "%llu calls, %llu gaps, %llu notes are written; %llu, %llu, %llu counted",
                  (unsigned long long)json->calls, (unsigned long long)json->gaps,
                  (unsigned long long)json->notes, (unsigned long long)replay_calls(result),
                  (unsigned long long)result->gaps, (unsigned long long)result->notes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cmrp_view capture = {data, size};
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
        return 0;
    }
    struct output json = {.options = {.format = REPLAY_JSON, .ascii = size % 2 == 0}};
    struct output text = {
        .options = {.format = REPLAY_TEXT, .verbose = size % 2 != 0, .colour = size % 3 == 0}};
    struct output stopping = {.options = {.format = REPLAY_JSON}, .stop_at = 1 + size % 5};
    json.options.rules = text.options.rules = stopping.options.rules = size % 4 != 0;
    const struct replay_result result = run(&json, capture);
    const struct replay_result again = run(&text, capture);
    run(&stopping, capture);
    check_counts(&json, &result);
    check_summary(&result);
    if (memcmp(result.calls, again.calls, sizeof result.calls) != 0 ||
        memcmp(&result.stats, &again.stats, sizeof result.stats) != 0 ||
        result.status != again.status || result.connections != again.connections ||
        result.unbound != again.unbound || result.other != again.other ||
        result.findings != again.findings || result.warnings != again.warnings ||
        result.gaps != again.gaps || result.notes != again.notes) {
        fuzz_fail(PROPERTY, "text and JSON count differently");
    }
    *(replay_calls(&result) > 0 ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
