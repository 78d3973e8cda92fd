// SPDX-License-Identifier: Apache-2.0
// The loader of vectors against files that are wrong in one place each (broken-files.json), and its
// expansion of short forms.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "suite/expand.h"
#include "suite/vector.h"
#include "util/file.h"

static char directory[] = "/tmp/cmrp-loader-XXXXXX";

// A right test of each kind; a row of broken-files.json changes some of its keys.
static const struct {
    const char *kind;
    const char *test;
} bases[] = {
    {"change", "{\"id\":\"change-x\",\"comment\":\"A comment.\",\"type\":\"change\","
               "\"set\":\"CLUSTER_CHANGE\",\"hex\":\"01000000\","
               "\"value\":{\"set\":\"CLUSTER_CHANGE\",\"value\":1},\"result\":\"valid\","
               "\"provenance\":\"spec\"}"},
    {"invalid", "{\"id\":\"change-x\",\"comment\":\"A comment.\",\"type\":\"change\","
                "\"set\":\"CLUSTER_CHANGE\",\"hex\":\"01\",\"result\":\"invalid\","
                "\"error\":{\"code\":\"truncated\",\"offset\":0},\"provenance\":\"spec\"}"},
    {"refusal", "{\"id\":\"change-x\",\"comment\":\"A comment.\",\"type\":\"change\","
                "\"set\":\"CLUSTER_CHANGE\",\"value\":7,\"result\":\"invalid\","
                "\"error\":{\"code\":\"value\"},\"provenance\":\"spec\"}"},
    {"batch", "{\"id\":\"batch-x\",\"comment\":\"A comment.\",\"type\":\"batch\","
              "\"hex\":\"01000000\",\"value\":{\"version\":1,\"commands\":[]},"
              "\"result\":\"valid\",\"provenance\":\"spec\"}"},
    {"stub", "{\"id\":\"stub-x\",\"comment\":\"A comment.\",\"type\":\"stub\","
             "\"method\":\"ApiCloseNotify\",\"opnum\":56,\"direction\":\"request\",\"hex\":\"\","
             "\"value\":{\"params\":{}},\"result\":\"valid\",\"provenance\":\"spec\"}"},
};

static json_t *parse(const char *text) {
    char *error = NULL;
    json_t *value = json_parse(text, strlen(text), &error);
    assert_non_null(value);
    return value;
}

// The base with the changes made: "DROP" takes a key away.
static json_t *changed_test(const char *base, const json_t *changes) {
    json_t *test = parse(base);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)changes, key, value) {
        if (json_is_string(value) && strcmp(json_string_value(value), "DROP") == 0) {
            json_object_del(test, key);
        } else {
            json_object_set(test, key, value);
        }
    }
    return test;
}

// The text of the file that a row describes; free() it.
static char *file_text(const json_t *row) {
    const json_t *text = json_object_get(row, "text");
    const json_t *file = json_object_get(row, "file");
    if (text != NULL) {
        return util_strdup(json_string_value(text));
    }
    if (file != NULL) {
        return json_dumps(file, 0);
    }
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        const json_t *changes = json_object_get(row, bases[i].kind);
        if (changes != NULL) {
            json_t *document = json_pack("{s:s, s:[o]}", "source", "s", "tests",
                                         changed_test(bases[i].test, changes));
            char *dump = json_dumps(document, 0);
            json_decref(document);
            return dump;
        }
    }
    fail_msg("a row without a file");
    return NULL;
}

static void write_text(const char *path, const char *text) {
    char *error = NULL;
    const cmrp_view view = {(const uint8_t *)text, strlen(text)};
    assert_true(file_write(path, view, &error));
}

static void check_row(const json_t *row, const char *path) {
    struct vector_set set = {0};
    char *error = NULL;
    enum json_type type;
    char *text = file_text(row);
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *expected = json_string_value(json_object_get(row, "error"));
    assert_true(json_type_named(json_string_value(json_object_get(row, "type")), &type));
    write_text(path, text);
    if (vector_set_add_file(&set, path, type, &error)) {
        fail_msg("%s: it was taken", name);
    }
    if (strncmp(error, path, strlen(path)) != 0 || strstr(error, expected) == NULL) {
        fail_msg("%s: \"%s\", expected \"%s\"", name, error, expected);
    }
    assert_int_equal(set.count, 0);
    free(error);
    free(text);
    vector_set_free(&set);
}

static void test_broken_files(void **state) {
    char *error = NULL;
    struct buffer text = {0};
    size_t i;
    json_t *row;
    (void)state;
    char *path = util_format("%s/file.json", directory);
    assert_true(file_read(CMRP_SOURCE_DIR "/conformance/suite/test/broken-files.json", FILE_LIMIT,
                          &text, &error));
    json_t *rows = json_parse((const char *)text.data, text.size, &error);
    assert_non_null(rows);
    assert_true(json_array_size(rows) > 60);
    json_array_foreach(rows, i, row) {
        check_row(row, path);
    }
    json_decref(rows);
    buffer_free(&text);
    unlink(path);
    free(path);
}

// The rows above change something that is right.
static void test_bases(void **state) {
    (void)state;
    char *path = util_format("%s/file.json", directory);
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct vector_set set = {0};
        char *error = NULL;
        char *text = util_format("{\"source\":\"s\",\"tests\":[%s]}", bases[i].test);
        const bool change = i < 3;
        write_text(path, text);
        if (!vector_set_add_file(&set, path,
                                 change                                ? JSON_TYPE_CHANGE
                                 : strcmp(bases[i].kind, "batch") == 0 ? JSON_TYPE_BATCH
                                                                       : JSON_TYPE_STUB,
                                 &error)) {
            fail_msg("%s: %s", bases[i].kind, error);
        }
        assert_int_equal(set.count, 1);
        free(text);
        vector_set_free(&set);
    }
    unlink(path);
    free(path);
}

static void test_duplicate_ids(void **state) {
    struct vector_set set = {0};
    char *error = NULL;
    (void)state;
    char *a = util_format("%s/a.json", directory);
    char *b = util_format("%s/b.json", directory);
    char *text = util_format("{\"source\":\"s\",\"tests\":[%s]}", bases[0].test);
    char *twice = util_format("{\"source\":\"s\",\"tests\":[%s,%s]}", bases[1].test, bases[0].test);
    write_text(a, text);
    write_text(b, twice);
    assert_true(vector_set_add_file(&set, a, JSON_TYPE_CHANGE, &error));
    assert_false(vector_set_add_file(&set, a, JSON_TYPE_CHANGE, &error));
    assert_non_null(strstr(error, "/tests/0/id: change-x is the id of an earlier vector"));
    free(error);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.file_count, 1);
    vector_set_free(&set);
    assert_false(vector_set_add_file(&set, b, JSON_TYPE_CHANGE, &error));
    assert_non_null(strstr(error, "/tests/1/id: "));
    free(error);
    assert_int_equal(set.count, 0);
    vector_set_free(&set);
    unlink(a);
    unlink(b);
    free(text);
    free(twice);
    free(a);
    free(b);
}

static void test_directories(void **state) {
    struct vector_set set;
    char *error = NULL;
    (void)state;
    assert_false(vector_set_load(directory, &set, &error));
    assert_non_null(strstr(error, "no vectors"));
    free(error);
    assert_false(vector_set_load("/nonexistent", &set, &error));
    assert_non_null(strstr(error, "/nonexistent: no vectors"));
    free(error);
    char *layer = util_format("%s/change", directory);
    char *path = util_format("%s/a.json", layer);
    char *other = util_format("%s/a.txt", layer);
    char *text = util_format("{\"source\":\"s\",\"tests\":[%s]}", bases[0].test);
    assert_int_equal(mkdir(layer, 0777), 0);
    write_text(path, text);
    write_text(other, "no vectors");
    assert_true(vector_set_load(directory, &set, &error));
    assert_int_equal(set.count, 1);
    assert_string_equal(set.vectors[0].id, "change-x");
    assert_string_equal(set.vectors[0].file, path);
    assert_string_equal(set.vectors[0].source, "s");
    assert_ptr_equal(vector_find(&set, "change-x"), &set.vectors[0]);
    assert_null(vector_find(&set, "change-y"));
    vector_set_free(&set);
    unlink(path);
    unlink(other);
    rmdir(layer);
    free(text);
    free(layer);
    free(path);
    free(other);
}

// ---- expansion ----------------------------------------------------------------------------------

static void test_expansion(void **state) {
    static const struct {
        enum json_type type;
        const char *given;
        const char *expanded;
    } rows[] = {
        {JSON_TYPE_BATCH, "{\"data\":[\"00\",{\"repeat\":3,\"hex\":\"0102\"},\"ff\"]}",
         "{\"data\":\"00010201020102ff\"}"},
        {JSON_TYPE_BATCH, "{\"name\":[{\"repeat\":2,\"text\":\"\\u00e4\"},\"b\"]}",
         "{\"name\":\"\\u00e4\\u00e4b\"}"},
        {JSON_TYPE_BATCH, "{\"commands\":[{\"repeat\":2,\"element\":{\"data\":[\"0\",\"1\"]}},{}]}",
         "{\"commands\":[{\"data\":\"01\"},{\"data\":\"01\"},{}]}"},
        // Lists that are no strings in pieces stay what they are.
        {JSON_TYPE_BATCH, "{\"commands\":[\"CLUSREG_SET_VALUE\"],\"data\":[1],\"trailing\":[]}",
         "{\"commands\":[\"CLUSREG_SET_VALUE\"],\"data\":[1],\"trailing\":[]}"},
        {JSON_TYPE_CHANGE, "{\"names\":[\"A\",\"B\"]}", "{\"names\":[\"A\",\"B\"]}"},
        {JSON_TYPE_STUB, "{\"params\":{\"lpData\":[\"01\",\"02\"],\"dwFilter_names\":[\"A\"]}}",
         "{\"params\":{\"lpData\":\"0102\",\"dwFilter_names\":[\"A\"]}}"},
        {JSON_TYPE_STUB, "{\"params\":{\"n\":[{\"repeat\":2,\"element\":{\"b\":[\"01\"]}}]}}",
         "{\"params\":{\"n\":[{\"b\":\"01\"},{\"b\":\"01\"}]}}"},
        {JSON_TYPE_PDU, "{\"flags\":[\"A\",\"B\"],\"stub\":[{\"repeat\":2,\"hex\":\"00\"}]}",
         "{\"flags\":[\"A\",\"B\"],\"stub\":\"0000\"}"},
        {JSON_TYPE_CHANGE, "7", "7"},
        {JSON_TYPE_CHANGE, "null", "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expand_failure failure;
        json_t *given = json_loads(rows[i].given, JSON_DECODE_ANY, NULL);
        json_t *expected = json_loads(rows[i].expanded, JSON_DECODE_ANY, NULL);
        json_t *got = expand_value(rows[i].type, given, &failure);
        if (got == NULL || !json_equal(got, expected)) {
            fail_msg("row %zu: %s%s", i, failure.pointer, failure.message);
        }
        json_decref(given);
        json_decref(expected);
        json_decref(got);
    }
}

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    return rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bases),         cmocka_unit_test(test_broken_files),
        cmocka_unit_test(test_duplicate_ids), cmocka_unit_test(test_directories),
        cmocka_unit_test(test_expansion),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
