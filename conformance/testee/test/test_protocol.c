// SPDX-License-Identifier: Apache-2.0
// Words of a command line, and the lines of the protocol.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testee/protocol.h"
#include "testee/words.h"

// ---- words --------------------------------------------------------------------------------------

// The words of a line joined by '|', or "! why".
static char *split(const char *line) {
    char *error = NULL;
    struct buffer out = {0};
    char **words = words_split(line, &error);
    buffer_printf(&out, "%s", words == NULL ? "! " : "");
    if (words == NULL) {
        buffer_printf(&out, "%s", error);
    }
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        buffer_printf(&out, "%s%s", i > 0 ? "|" : "", words[i]);
    }
    char *text = util_strdup(buffer_text(&out));
    buffer_free(&out);
    words_free(words);
    free(error);
    return text;
}

static void test_words(void **state) {
    static const char *const rows[][2] = {
        {"a", "a"},
        {"  a \t b\nc ", "a|b|c"},
        {"'a b' c", "a b|c"},
        {"\"a b\" c", "a b|c"},
        {"a'b 'c\" d\"", "ab c d"},
        {"a\\ b", "a b"},
        {"a\\\\b", "a\\b"},
        {"'a\\b'", "a\\b"},
        {"\"a\\b\\\"\\\\\\$\\`\"", "a\\b\"\\$`"},
        {"'' \"\" a", "||a"},
        {"a\\\nb", "ab"},
        {"\"a\\\nb\"", "ab"},
        {"$HOME *.c | cat; x & y > z # n", "$HOME|*.c|||cat;|x|&|y|>|z|#|n"},
        {"", "! there is no command"},
        {" \t ", "! there is no command"},
        {"'a", "! a quote is not closed"},
        {"\"a\\\"", "! a quote is not closed"},
        {"a\\", "! a backslash stands at the end"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = split(rows[i][0]);
        assert_string_equal(got, rows[i][1]);
        free(got);
    }
}

// ---- requests -----------------------------------------------------------------------------------

static void load_one(struct vector_set *set, const char *type, const char *file) {
    char *error = NULL;
    enum json_type t;
    char *path = util_format("%s/vectors/%s/%s", CMRP_SOURCE_DIR, type, file);
    *set = (struct vector_set){0};
    assert_true(json_type_named(type, &t));
    assert_true(vector_set_add_file(set, path, t, &error));
    free(path);
}

static void expect_request(const struct vector_set *set, const char *id, enum case_op op,
                           const char *line) {
    struct suite_case c = {.vector = vector_find(set, id), .op = op};
    struct buffer out = {0};
    assert_non_null(c.vector);
    assert_true(protocol_request(3, &c, &out));
    assert_string_equal(buffer_text(&out), line);
    buffer_free(&out);
}

static void test_requests(void **state) {
    struct vector_set set;
    struct buffer hello = {0};
    (void)state;
    protocol_hello_request(&hello);
    assert_string_equal(buffer_text(&hello), "{\"id\":0,\"op\":\"hello\",\"format\":1}\n");
    buffer_free(&hello);
    load_one(&set, "change", "object-type.json");
    expect_request(
        &set, "change-type-registry", CASE_DECODE,
        "{\"id\":3,\"op\":\"decode\",\"type\":\"change\",\"set\":\"CLUSTER_OBJECT_TYPE\","
        "\"mode\":\"strict\",\"hex\":\"08000000\"}\n");
    expect_request(
        &set, "change-type-registry", CASE_ENCODE,
        "{\"id\":3,\"op\":\"encode\",\"type\":\"change\",\"set\":\"CLUSTER_OBJECT_TYPE\","
        "\"value\":{\"set\":\"CLUSTER_OBJECT_TYPE\",\"value\":8,"
        "\"names\":[\"CLUSTER_OBJECT_TYPE_REGISTRY\"],\"unknown\":0}}\n");
    vector_set_free(&set);
    load_one(&set, "stub", "cluster.json");
    expect_request(
        &set, "stub-getclusterversion2-req-ndr", CASE_DECODE,
        "{\"id\":3,\"op\":\"decode\",\"type\":\"stub\",\"method\":\"ApiGetClusterVersion2\","
        "\"opnum\":102,\"interface\":3,\"direction\":\"request\",\"syntax\":\"ndr\","
        "\"drep\":\"le\",\"mode\":\"strict\",\"hex\":\"\"}\n");
    vector_set_free(&set);
}

// ---- answers ------------------------------------------------------------------------------------

static void test_answers(void **state) {
    static const struct {
        const char *line;
        bool ok;
        bool has_id;
        enum answer_kind kind;
    } rows[] = {
        {"{\"id\":4,\"value\":{}}", true, true, ANSWER_VALUE},
        {"{\"value\":null,\"id\":4}\r", true, true, ANSWER_VALUE},
        {"{\"id\":4,\"hex\":\"00\"}", true, true, ANSWER_HEX},
        {"{\"id\":4,\"error\":\"why\"}", true, true, ANSWER_ERROR},
        {"{\"id\":4,\"unsupported\":\"why\"}", true, true, ANSWER_UNSUPPORTED},
        {"{\"id\":4}", false, true, 0},
        {"{\"id\":4,\"hex\":1}", false, true, 0},
        {"{\"id\":4,\"error\":{}}", false, true, 0},
        {"{\"id\":4,\"hex\":\"00\",\"value\":{}}", false, true, 0},
        {"{\"id\":4,\"hex\":\"00\",\"note\":\"x\"}", false, true, 0},
        {"{\"id\":4,\"id\":4,\"hex\":\"00\"}", false, false, 0},
        {"{\"id\":-1,\"hex\":\"00\"}", false, false, 0},
        {"{\"id\":\"4\",\"hex\":\"00\"}", false, false, 0},
        {"{\"id\":4.0,\"hex\":\"00\"}", false, false, 0},
        {"{\"hex\":\"00\"}", false, false, 0},
        {"[4]", false, false, 0},
        {"", false, false, 0},
        {"{\"id\":4,\"hex\":\"\xff\"}", false, false, 0},
        {"{\"id\":4,\"hex\":\"00\"} x", false, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct protocol_answer answer;
        char *error = NULL;
        const bool ok = protocol_answer_read(rows[i].line, strlen(rows[i].line), &answer, &error);
        assert_int_equal(ok, rows[i].ok);
        assert_int_equal(ok, error == NULL);
        assert_int_equal(answer.has_id, rows[i].has_id);
        if (ok) {
            assert_int_equal(answer.id, 4);
            assert_int_equal(answer.answer.kind, rows[i].kind);
        }
        json_decref(answer.document);
        free(error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
