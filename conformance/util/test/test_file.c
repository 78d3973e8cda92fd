// SPDX-License-Identifier: Apache-2.0
// Whole files in, results out, and a standard output that fails.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support.h"
#include "util/file.h"

struct folder {
    char path[64];
    char file[96];
};

static int make_folder(void **state) {
    static struct folder f;
    strcpy(f.path, "/tmp/cmrp-util-XXXXXX");
    if (mkdtemp(f.path) == NULL) {
        return -1;
    }
    snprintf(f.file, sizeof f.file, "%s/file", f.path);
    *state = &f;
    return 0;
}

static int remove_folder(void **state) {
    const struct folder *f = *state;
    unlink(f->file);
    return rmdir(f->path); // fails when a test left anything behind
}

static void assert_unreadable(const char *path, size_t limit, const char *message) {
    struct buffer out = {0};
    char *error = NULL;
    assert_false(file_read(path, limit, &out, &error));
    assert_string_equal(error, message);
    free(error);
    buffer_free(&out);
}

static void files_there_and_back(void **state) {
    const struct folder *f = *state;
    static const size_t sizes[] = {0, 1, 2, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer content = {0};
        struct buffer back = {0};
        char *error = NULL;
        uint8_t *octets = buffer_extend(&content, sizes[i]);
        for (size_t o = 0; o < sizes[i]; o++) {
            octets[o] = (uint8_t)(o * 31);
        }
        assert_true(file_write(f->file, buffer_view(&content), &error));
        assert_true(file_read(f->file, sizes[i], &back, &error)); // the limit itself is allowed
        assert_octets(&back, content.data, content.size);
        buffer_free(&back);
        if (sizes[i] > 0) {
            char *message = util_format("%s: more than %zu octets", f->file, sizes[i] - 1);
            assert_unreadable(f->file, sizes[i] - 1, message);
            free(message);
        }
        assert_null(error);
        buffer_free(&content);
    }
}

static void unreadable_files(void **state) {
    const struct folder *f = *state;
    char *message = util_format("%s: No such file or directory", f->file);
    assert_unreadable(f->file, FILE_LIMIT, message);
    free(message);
    message = util_format("%s: Is a directory", f->path);
    assert_unreadable(f->path, FILE_LIMIT, message);
    free(message);
    assert_unreadable("/dev/zero", 1000000, "/dev/zero: more than 1000000 octets");
    assert_unreadable("", FILE_LIMIT, ": No such file or directory");
}

static const char *input_of_child;

// Says how reading ends within a few seconds; SIGALRM ends what waits.
static void read_plain_input(void) {
    struct buffer out = {0};
    char *error = NULL;
    alarm(20);
    const bool ok = file_read_plain(input_of_child, FILE_LIMIT, &out, &error);
    fprintf(stderr, "%s", ok ? buffer_text(&out) : error);
    _exit(ok ? 0 : 1);
}

static void assert_not_plain(const char *path, const char *why) {
    char *message = util_format("%s: %s", path, why);
    input_of_child = path;
    const struct child child = run_child("/dev/null", read_plain_input);
    assert_int_equal(child.status, 1); // -1: it waited until the alarm
    assert_string_equal(child.error, message);
    free(message);
}

// Nobody writes into the FIFO: opening it would wait for ever.
static void only_plain_files(void **state) {
    const struct folder *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_not_plain(f->file, "No such file or directory");
    assert_not_plain(f->path, "a directory, not a plain file");
    assert_not_plain("/dev/zero", "a device, not a plain file");
    assert_int_equal(mkfifo(f->file, 0600), 0);
    assert_not_plain(f->file, "a FIFO, not a plain file");
    assert_int_equal(unlink(f->file), 0);
    const int sock = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(address.sun_path, f->file, strlen(f->file) + 1);
    assert_int_equal(bind(sock, (const struct sockaddr *)&address, sizeof address), 0);
    assert_not_plain(f->file, "a socket, not a plain file");
    close(sock);
    assert_int_equal(unlink(f->file), 0);
    // What a link points to counts.
    assert_int_equal(symlink("/dev/null", f->file), 0);
    assert_not_plain(f->file, "a device, not a plain file");
    assert_int_equal(unlink(f->file), 0);
    char *target = util_format("%s/target", f->path);
    const cmrp_view content = {(const uint8_t *)"abc", 3};
    assert_true(file_write(target, content, NULL));
    assert_int_equal(symlink(target, f->file), 0);
    input_of_child = f->file;
    const struct child child = run_child("/dev/null", read_plain_input);
    assert_int_equal(child.status, 0);
    assert_string_equal(child.error, "abc");
    assert_int_equal(unlink(target), 0);
    free(target);
}

static void unwritable_files(void **state) {
    const struct folder *f = *state;
    const cmrp_view content = {(const uint8_t *)"abc", 3};
    char *error = NULL;
    assert_false(file_write(f->path, content, &error));
    char *message = util_format("%s: Is a directory", f->path);
    assert_string_equal(error, message);
    free(message);
    free(error);
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0); // the directory stays

    char *below = util_format("%s/missing/file", f->path);
    assert_false(file_write(below, content, &error));
    assert_non_null(strstr(error, "No such file or directory"));
    free(error);
    free(below);

    // A device that is full is not removed. By a link, so that a mistake costs nothing but the
    // link.
    assert_int_equal(symlink("/dev/full", f->file), 0);
    assert_false(file_write(f->file, content, &error));
    assert_non_null(strstr(error, "No space left on device"));
    free(error);
    assert_int_equal(lstat(f->file, &status), 0);
}

static const char *small_disk_file;

static void write_beyond_the_limit(void) {
    const struct rlimit limit = {100000, 100000};
    struct buffer content = {0};
    char *error = NULL;
    memset(buffer_extend(&content, 200000), 'x', 200000);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(97);
    }
    const bool ok = file_write(small_disk_file, buffer_view(&content), &error);
    fprintf(stderr, "%s", ok ? "written" : error);
    _exit(ok ? 1 : 0);
}

static void failed_write_leaves_no_half_file(void **state) {
    const struct folder *f = *state;
    small_disk_file = f->file;
    const struct child child = run_child("/dev/null", write_beyond_the_limit);
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.error, "File too large"));
    struct stat status;
    assert_int_equal(stat(f->file, &status), -1);
    assert_int_equal(errno, ENOENT);
}

static void write_and_ask(void) {
    char *error = NULL;
    const cmrp_view content = {(const uint8_t *)"abc", 3};
    const bool written = file_write("-", content, &error);
    const bool first = file_stdout_ok();
    const bool second = file_stdout_ok();
    _exit(!written ? 10 : first != second ? 11 : first ? 0 : 1);
}

static void a_full_disk_behind_standard_output(void **state) {
    (void)state;
    const struct child full = run_child("/dev/full", write_and_ask);
    assert_int_equal(full.status, 1);
    assert_string_equal(full.error, "cmrp: standard output: No space left on device\n"); // once
    const struct child null = run_child("/dev/null", write_and_ask);
    assert_int_equal(null.status, 0);
    assert_string_equal(null.error, "");
}

static void write_much_and_ask(void) {
    for (int i = 0; i < 100000; i++) { // the failed flush is long past when it is asked for
        printf("%d\n", i);
    }
    _exit(file_stdout_ok() ? 0 : 1);
}

static void an_early_failure_is_not_forgotten(void **state) {
    (void)state;
    const struct child full = run_child("/dev/full", write_much_and_ask);
    assert_int_equal(full.status, 1);
    assert_non_null(strstr(full.error, "cmrp: standard output: "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_there_and_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unreadable_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(only_plain_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unwritable_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(failed_write_leaves_no_half_file, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_full_disk_behind_standard_output),
        cmocka_unit_test(an_early_failure_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
