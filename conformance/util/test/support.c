// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void assert_text(struct buffer *b, const char *expected) {
    assert_string_equal(buffer_text(b), expected);
    assert_int_equal(b->size, strlen(expected));
}

void assert_octets(const struct buffer *b, const void *expected, size_t size) {
    assert_int_equal(b->size, size);
    if (size > 0) {
        assert_memory_equal(b->data, expected, size);
    }
}

char *exact(const char *text, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

struct child run_child(const char *output, void (*body)(void)) {
    struct child result = {.status = -1};
    int ends[2];
    fflush(NULL);
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int out = open(output, O_WRONLY);
        signal(SIGPIPE, SIG_IGN);
        if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(ends[1], STDERR_FILENO) < 0) {
            _exit(99);
        }
        close(ends[0]);
        body();
        _exit(98);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t n;
    while ((n = read(ends[0], result.error + size, sizeof result.error - 1 - size)) > 0) {
        size += (size_t)n;
    }
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) {
        result.status = WEXITSTATUS(status);
    }
    return result;
}
