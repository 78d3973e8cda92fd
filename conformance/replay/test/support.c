// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "util/file.h"

const struct replay_options as_text = {.format = REPLAY_TEXT, .opnum = -1};
const struct replay_options as_verbose_text = {.format = REPLAY_TEXT, .verbose = true, .opnum = -1};
const struct replay_options as_json = {.format = REPLAY_JSON, .opnum = -1};

void read_capture(const char *name, const char *suffix, struct buffer *out) {
    char *error = NULL;
    char *path = util_format("%s/vectors/captures/%s%s", CMRP_SOURCE_DIR, name, suffix);
    if (!file_read(path, FILE_LIMIT, out, &error)) {
        fail_msg("%s", error);
    }
    free(path);
}

static bool collect(void *context, const char *text, size_t size) {
    buffer_append(context, text, size);
    return true;
}

struct replay_result run_damaged(struct replay_options options, cmrp_view capture,
                                 struct buffer *out) {
    struct replay_result result;
    uint8_t *copy = malloc(capture.size > 0 ? capture.size : 1); // exact, for the sanitizer
    memcpy(copy, capture.data, capture.size);
    options.write = collect;
    options.context = out;
    replay_memory(&options, copy, capture.size, &result);
    free(copy);
    return result;
}

struct replay_result run(struct replay_options options, cmrp_view capture, struct buffer *out) {
    const struct replay_result result = run_damaged(options, capture, out);
    assert_int_equal(result.status, CAPTURE_OK);
    buffer_text(out);
    return result;
}

struct replay_result run_conversation(struct replay_options options, const struct conversation *c,
                                      struct buffer *out) {
    struct buffer capture = {0};
    pcap_begin(&capture);
    pcap_connection(&capture, c, 1234, PORT);
    const struct replay_result result = run(options, buffer_view(&capture), out);
    buffer_free(&capture);
    return result;
}

void expect_output(struct replay_options options, const struct conversation *c,
                   const char *expected) {
    struct buffer out = {0};
    run_conversation(options, c, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

void expect_part(struct replay_options options, const struct conversation *c, const char *part) {
    struct buffer out = {0};
    run_conversation(options, c, &out);
    contains(&out, part);
    buffer_free(&out);
}

void contains(struct buffer *out, const char *part) {
    if (strstr(buffer_text(out), part) == NULL) {
        fprintf(stderr, "missing: %s\nin: %s\n", part, buffer_text(out));
        fail();
    }
}

void lacks(struct buffer *out, const char *part) {
    if (strstr(buffer_text(out), part) != NULL) {
        fprintf(stderr, "unwanted: %s\nin: %s\n", part, buffer_text(out));
        fail();
    }
}

static uint64_t random_state = 0x853c49e6748fea9b;

uint32_t random_below(uint32_t n) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1d >> 32) % n);
}
