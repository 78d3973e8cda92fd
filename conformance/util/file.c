// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // fopencookie
#include "util/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_shown_name(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static bool read_stream(FILE *f, size_t limit, struct buffer *out) {
    enum { CHUNK = 64 * 1024 };
    for (;;) {
        uint8_t *at = buffer_extend(out, CHUNK);
        const size_t n = fread(at, 1, CHUNK, f);
        out->size -= CHUNK - n;
        if (out->size > limit) {
            errno = EFBIG;
            return false;
        }
        if (n < CHUNK) {
            return ferror(f) == 0;
        }
    }
}

bool file_read(const char *path, size_t limit, struct buffer *out, char **error) {
    const bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    const bool ok = f != NULL && read_stream(f, limit, out);
    if (!ok && errno == EFBIG) {
        *error = util_format("%s: more than %zu octets", file_shown_name(path), limit);
    } else if (!ok) {
        *error = util_format("%s: %s", file_shown_name(path), strerror(errno));
    }
    if (f != NULL && !standard) {
        fclose(f);
    }
    return ok;
}

// What a file is called that is no plain file.
static const char *kind_name(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFDIR: return "a directory";
    default: return "a device";
    }
}

bool file_read_plain(const char *path, size_t limit, struct buffer *out, char **error) {
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        *error = util_format("%s: %s, not a plain file", path, kind_name(status.st_mode));
        return false;
    }
    return file_read(path, limit, out, error); // which says why stat failed, if it did
}

bool file_write(const char *path, cmrp_view content, char **error) {
    if (strcmp(path, "-") == 0) {
        if (content.size > 0) {
            fwrite(content.data, 1, content.size, stdout);
        }
        return true; // file_stdout_ok tells
    }
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && (content.size == 0 || fwrite(content.data, content.size, 1, f) == 1);
    const int first = errno;
    if (f != NULL && fclose(f) != 0 && ok) {
        ok = false;
    } else if (!ok) {
        errno = first;
    }
    if (!ok) {
        *error = util_format("%s: %s", path, strerror(errno));
        struct stat status;
        if (f != NULL && stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
            unlink(path);
        }
    }
    return ok;
}

// ---- standard output ----------------------------------------------------------------------------

static int stdout_errno; // why the first failed write failed: stdio itself forgets

static ssize_t write_stdout(void *unused, const char *data, size_t size) {
    (void)unused;
    size_t done = 0;
    while (done < size) {
        const ssize_t n = write(STDOUT_FILENO, data + done, size - done);
        if (n < 0 && errno != EINTR) {
            stdout_errno = stdout_errno != 0 ? stdout_errno : errno;
            return 0;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)done;
}

void file_watch_stdout(void) {
    FILE *watched = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_stdout});
    if (watched != NULL) {
        setvbuf(watched, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
        stdout = watched;
    }
}

bool file_stdout_ok(void) {
    static bool said = false;
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return true;
    }
    if (!said) {
        const int reason = stdout_errno != 0 ? stdout_errno : errno;
        said = true;
        fprintf(stderr, "cmrp: standard output: %s\n", strerror(reason != 0 ? reason : EIO));
    }
    return false;
}
