// SPDX-License-Identifier: Apache-2.0
// The C testee is held to more than others: the code and the offset of each error, and the outcomes
// of lenient decoding. And it must stand what a careless host sends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "suite/test/each.h"
#include "util/file.h"
#include "util/hex.h"

// Runs the testee on the given lines; its lines are appended to out. Returns its exit status.
static int run(const struct buffer *input, struct buffer *out) {
    char path[] = "/tmp/cmrp-testee-XXXXXX";
    const int fd = mkstemp(path);
    char *error = NULL;
    assert_true(fd >= 0);
    close(fd);
    assert_true(file_write(path, buffer_view(input), &error));
    char *command = util_format("'%s/bin/cmrp-testee-c' < %s 2>/dev/null", CMRP_BINARY_DIR, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n;
    do {
        n = fread(buffer_extend(out, 65536), 1, 65536, pipe);
        out->size -= 65536 - n;
    } while (n > 0);
    const int status = pclose(pipe);
    free(command);
    unlink(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void add_request(struct buffer *input, const struct vector *v, size_t id, const char *mode) {
    json_t *request = json_object();
    char *digits = hex_text(buffer_view(&v->octets));
    json_object_set_new(request, "id", json_integer((json_int_t)id));
    json_object_set_new(request, "op", json_string("decode"));
    json_selector_write(&v->how, true, request);
    json_object_set_new(request, "mode", json_string(mode));
    json_object_set_new(request, "hex", json_string(digits));
    char *line = json_dumps(request, JSON_COMPACT);
    buffer_printf(input, "%s\n", line);
    free(line);
    free(digits);
    json_decref(request);
}

// One answer against one outcome.
static void check(const struct vector *v, const struct vector_outcome *want, const json_t *answer) {
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (want->result == VECTOR_INVALID) {
        char *start =
            util_format("%s: offset %llu: ", want->code, (unsigned long long)want->offset);
        if (error == NULL || strncmp(error, start, strlen(start)) != 0 ||
            error[strlen(error) - 1] != ']') {
            fail_msg("%s: %s, expected %s", v->id, error != NULL ? error : "no error", start);
        }
        free(start);
        return;
    }
    json_t *a = json_normal(&v->how, want->value);
    json_t *b = json_normal(&v->how, json_object_get(answer, "value"));
    if (!json_equal(a, b)) {
        fail_msg("%s: %s", v->id, error != NULL ? error : "another value");
    }
    json_decref(a);
    json_decref(b);
}

static json_t *next_answer(struct buffer *out, size_t *at) {
    const char *line = buffer_text(out) + *at;
    const size_t size = strcspn(line, "\n");
    char *error = NULL;
    json_t *answer = json_parse(line, size, &error);
    assert_non_null(answer);
    *at += size + 1;
    return answer;
}

static void check_mode(bool lenient) {
    struct buffer input = {0};
    struct buffer out = {0};
    size_t at = 0;
    for (size_t i = 0; i < set.count; i++) {
        if (set.vectors[i].has_octets) {
            add_request(&input, &set.vectors[i], i, lenient ? "lenient" : "strict");
        }
    }
    assert_int_equal(run(&input, &out), 0);
    for (size_t i = 0; i < set.count; i++) {
        const struct vector *v = &set.vectors[i];
        if (v->has_octets) {
            json_t *answer = next_answer(&out, &at);
            assert_int_equal(json_integer_value(json_object_get(answer, "id")), i);
            check(v, lenient && v->has_lenient ? &v->lenient : &v->strict, answer);
            json_decref(answer);
        }
    }
    assert_int_equal(at, out.size);
    buffer_free(&input);
    buffer_free(&out);
}

static void test_strict(void **state) {
    (void)state;
    check_mode(false);
}

static void test_lenient(void **state) {
    (void)state;
    check_mode(true);
}

// ---- lines --------------------------------------------------------------------------------------

static void expect_lines(const char *input, const char *output, int status) {
    struct buffer in = {0};
    struct buffer out = {0};
    buffer_printf(&in, "%s", input);
    assert_int_equal(run(&in, &out), status);
    assert_string_equal(buffer_text(&out), output);
    buffer_free(&in);
    buffer_free(&out);
}

static void test_lines(void **state) {
    (void)state;
    expect_lines("", "", 0);
    expect_lines("{\"id\":0,\"op\":\"hello\",\"format\":1}\n",
                 "{\"id\":0,\"name\":\"cmrp-testee-c\",\"version\":\"" CMRP_VERSION_STRING
                 "\",\"types\":[\"batch\",\"change\",\"stub\",\"pdu\",\"payload\",\"tower\"]}\n",
                 0);
    expect_lines("{\"id\":0,\"op\":\"hello\",\"format\":2}\n",
                 "{\"id\":0,\"unsupported\":\"a format other than 1\"}\n", 0);
    expect_lines("{\"id\":7,\"op\":\"sing\",\"type\":\"batch\"}\n",
                 "{\"id\":7,\"unsupported\":\"an op other than hello, decode, encode\"}\n", 0);
    expect_lines("{\"id\":7,\"op\":\"decode\",\"hex\":\"\"}\n",
                 "{\"id\":7,\"unsupported\":\"a request without a type\"}\n", 0);
    expect_lines("{\"id\":7,\"op\":\"decode\",\"type\":\"batch\",\"hex\":\"0\"}\n",
                 "{\"id\":7,\"error\":\"value: hex is missing or not hex\"}\n", 0);
    expect_lines("{\"id\":7,\"op\":\"encode\",\"type\":\"batch\"}\n",
                 "{\"id\":7,\"error\":\"value: value is missing\"}\n", 0);
    // The last line may lack its line feed.
    expect_lines("{\"id\":1,\"op\":\"decode\",\"type\":\"change\",\"set\":\"CLUSTER_CHANGE\","
                 "\"hex\":\"01000000\"}",
                 "{\"id\":1,\"value\":{\"set\":\"CLUSTER_CHANGE\",\"value\":1,\"names\":"
                 "[\"CLUSTER_CHANGE_NODE_STATE\"],\"unknown\":0}}\n",
                 0);
    expect_lines("hello\n", "", 2);
    expect_lines("{\"op\":\"hello\"}\n", "", 2);
}

static void test_long_line(void **state) {
    struct buffer in = {0};
    struct buffer out = {0};
    (void)state;
    memset(buffer_extend(&in, 16 * 1024 * 1024 + 1), ' ', 16 * 1024 * 1024 + 1);
    assert_int_equal(run(&in, &out), 2);
    assert_int_equal(out.size, 0);
    buffer_free(&in);
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
