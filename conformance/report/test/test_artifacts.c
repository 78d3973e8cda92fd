// SPDX-License-Identifier: Apache-2.0
// The folder of --artifacts: names, whose folder it is, what is in the way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/artifacts.h"
#include "util/file.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/cmrp-artifacts-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
    char *command = util_format("rm -rf '%s'", folder);
    const int result = system(command);
    (void)state;
    free(command);
    return result;
}

static cmrp_view view(const char *text) {
    return (cmrp_view){(const uint8_t *)text, strlen(text)};
}

static struct artifacts *expect_open(const char *path) {
    char *error = NULL;
    struct artifacts *a = artifacts_open(path, &error);
    if (a == NULL) {
        fail_msg("%s", error);
    }
    return a;
}

static void expect_refusal(const char *path, const char *why) {
    char *error = NULL;
    assert_null(artifacts_open(path, &error));
    assert_non_null(strstr(error, why));
    free(error);
}

static char *below(const char *name) {
    return util_format("%s/%s", folder, name);
}

static void write_file(const char *name, const char *text) {
    char *path = below(name);
    char *error = NULL;
    assert_true(file_write(path, view(text), &error));
    free(path);
}

static bool exists(const char *name) {
    struct stat status;
    char *path = below(name);
    const bool is = lstat(path, &status) == 0;
    free(path);
    return is;
}

// Ids as nobody should give them, and what their folders are called.
static void test_names(void **state) {
    static const char *const names[][2] = {
        {"batch-one/decode", "batch-one_decode"},
        {"a_b", "a%5fb"},
        {"..", "%2e."},
        {"../../etc/passwd", "%2e._.._etc_passwd"},
        {"/etc/passwd", "_etc_passwd"},
        {"rule/server@2001:db8::1", "rule_server@2001%3adb8%3a%3a1"},
        {"\n\xe2\x80\xae%", "%0a%e2%80%ae%25"},
    };
    char *path = below("names");
    struct artifacts *a = expect_open(path);
    char *error = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(artifacts_folder(a, names[i][0], &error));
        char *name = util_format("names/%s", names[i][1]);
        if (!exists(name)) {
            fail_msg("%s is missing", name);
        }
        free(name);
    }
    assert_false(artifacts_folder(a, "a_b", &error));
    assert_non_null(strstr(error, "a%5fb: File exists"));
    free(error);
    artifacts_close(a);
    free(path);
}

// Ids that begin alike, or are empty, get folders of their own.
static void test_long_names(void **state) {
    char *path = below("long");
    struct artifacts *a = expect_open(path);
    char *error = NULL;
    char id[5000];
    (void)state;
    for (int i = 0; i < 3; i++) {
        memset(id, 'x', sizeof id);
        id[sizeof id - 1] = '\0';
        id[sizeof id - 2] = (char)('0' + i);
        assert_true(artifacts_folder(a, id, &error));
        assert_true(artifacts_folder(a, "", &error));
    }
    artifacts_close(a);
    a = expect_open(path);
    artifacts_close(a);
    assert_false(exists("long/%-1"));
    free(path);
}

static void test_again(void **state) {
    char *path = below("again");
    struct artifacts *a = expect_open(path);
    char *error = NULL;
    (void)state;
    assert_true(artifacts_folder(a, "one/decode", &error));
    assert_true(artifacts_file(a, "README.txt", view("text"), &error));
    assert_false(artifacts_file(a, "README.txt", view("text"), &error));
    assert_non_null(strstr(error, "one_decode/README.txt: File exists"));
    free(error);
    artifacts_close(a);
    write_file("again/mine", "");
    artifacts_close(expect_open(path));
    assert_false(exists("again/one_decode"));
    assert_true(exists("again/mine")); // beside, not in the way
    a = expect_open(path);
    assert_false(artifacts_folder(a, "mine", &error));
    free(error);
    artifacts_close(a);
    free(path);
}

static void test_of_others(void **state) {
    char *path = below("others");
    struct artifacts *a;
    char *error = NULL;
    (void)state;
    assert_int_equal(mkdir(path, 0777), 0);
    write_file("others/mine", "");
    expect_refusal(path, "is not empty and was not made by");
    write_file("others/.cmrp-artifacts", "something else\n");
    expect_refusal(path, "is not of this version");
    assert_true(exists("others/mine"));
    free(path);

    path = below("inside");
    a = expect_open(path);
    assert_true(artifacts_folder(a, "one", &error));
    artifacts_close(a);
    write_file("inside/one/mine", "");
    expect_refusal(path, "one holds files that cmrp did not make");
    assert_true(exists("inside/one/mine"));
    free(path);

    write_file("file", "");
    path = below("file");
    expect_refusal(path, "Not a directory");
    free(path);
    path = below("no/where");
    expect_refusal(path, "No such file or directory");
    free(path);
}

// A mark file that lists what was never made there, and links that lead out.
static void test_doctored(void **state) {
    static const char *const lines[] = {"../victim", "/tmp", "..", "a/b", ".", ""};
    char *path = below("doctored");
    char *victim = below("victim");
    (void)state;
    assert_int_equal(mkdir(victim, 0777), 0);
    write_file("victim/README.txt", "keep me");
    artifacts_close(expect_open(path));
    for (size_t i = 0; i + 1 < sizeof lines / sizeof *lines; i++) {
        char *mark = util_format("cmrp conform --artifacts, format 1: the folders that it made "
                                 "here, one a line\n%s\n",
                                 lines[i]);
        write_file("doctored/.cmrp-artifacts", mark);
        expect_refusal(path, "a line is no name of a folder");
        free(mark);
    }
    write_file("doctored/.cmrp-artifacts", "cmrp conform --artifacts, format 1: the folders that "
                                           "it made here, one a line\nlink\n");
    char *link = below("doctored/link");
    assert_int_equal(symlink(victim, link), 0);
    expect_refusal(path, "doctored/link: ");
    assert_true(exists("victim/README.txt"));
    free(link);
    free(victim);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_again),    cmocka_unit_test(test_of_others),
        cmocka_unit_test(test_doctored),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
