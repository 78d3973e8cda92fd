// SPDX-License-Identifier: Apache-2.0
#include "report/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"

#define MARK  ".cmrp-artifacts"
#define TITLE "cmrp conform --artifacts, format 1: the folders that it made here, one a line"

enum {
    NAME = 200,            // octets of a folder's name, its number aside
    MARK_LIMIT = 16 << 20, // octets of the mark file
};

static const struct {
    const char *name;
    const char *what;
} files[] = {
#define ARTIFACT_ROW(name, what) {name, what},
    ARTIFACT_FILES(ARTIFACT_ROW)
#undef ARTIFACT_ROW
};

enum { FILES = sizeof files / sizeof *files };

struct artifacts {
    char *path;
    int directory;
    int mark;        // open for appending
    int folder;      // -1: none yet
    char *name;      // of that folder
    size_t folders;  // made so far
    bool has[FILES]; // of that folder
};

// "PATH[/FOLDER][/NAME]: why"
static bool fail(const struct artifacts *a, const char *folder, const char *name, int why,
                 char **error) {
    *error = util_format("%s%s%s%s%s: %s", a->path, folder != NULL ? "/" : "",
                         folder != NULL ? folder : "", name != NULL ? "/" : "",
                         name != NULL ? name : "", strerror(why));
    return false;
}

// ---- names --------------------------------------------------------------------------------------

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '@' || c == '.';
}

// A slash becomes _, everything unusual %XX; different ids give different names.
static char *name_of(const struct artifacts *a, const char *id) {
    struct buffer name = {0};
    for (const char *s = id; *s != '\0' && name.size < NAME; s++) {
        if (*s == '/') {
            buffer_printf(&name, "_");
        } else if (is_plain(*s) && (*s != '.' || name.size > 0)) {
            buffer_append(&name, s, 1);
        } else {
            buffer_printf(&name, "%%%02x", (uint8_t)*s);
        }
    }
    if (name.size >= NAME || name.size == 0) {
        buffer_printf(&name, "%%-%zu", a->folders);
    }
    char *text = util_strdup(buffer_text(&name));
    buffer_free(&name);
    return text;
}

// Whether a line of the mark file is such a name.
static bool is_name(const char *name) {
    const size_t n = strlen(name);
    bool ok = n > 0 && n < NAME + 40 && *name != '.';
    for (size_t i = 0; i < n && ok; i++) {
        ok = is_plain(name[i]) || name[i] == '_' || name[i] == '%';
    }
    return ok;
}

// ---- what was made before -----------------------------------------------------------------------

// Removes a folder that the mark file lists: its known files, then itself. What somebody put there
// keeps it.
static bool remove_folder(const struct artifacts *a, const char *name, char **error) {
    const int folder = openat(a->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT || fail(a, name, NULL, errno, error);
    }
    for (size_t i = 0; i < FILES; i++) {
        unlinkat(folder, files[i].name, 0);
    }
    close(folder);
    if (unlinkat(a->directory, name, AT_REMOVEDIR) == 0) {
        return true;
    }
    if (errno == ENOTEMPTY || errno == EEXIST) {
        *error = util_format("%s/%s holds files that cmrp did not make", a->path, name);
        return false;
    }
    return fail(a, name, NULL, errno, error);
}

static bool remove_old(const struct artifacts *a, struct buffer *mark, char **error) {
    char *save = NULL;
    char *text = util_strdup(buffer_text(mark));
    bool ok = true;
    char *line = strtok_r(text, "\n", &save); // the title
    while (ok && (line = strtok_r(NULL, "\n", &save)) != NULL) {
        if (!is_name(line)) {
            *error = util_format("%s/%s: a line is no name of a folder", a->path, MARK);
            ok = false;
        } else {
            ok = remove_folder(a, line, error);
        }
    }
    free(text);
    return ok;
}

static bool is_empty(int directory) {
    const int copy = dup(directory);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    bool empty = entries != NULL;
    const struct dirent *entry;
    while (empty && (entry = readdir(entries)) != NULL) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    if (entries != NULL) {
        closedir(entries);
    } else if (copy >= 0) {
        close(copy);
    }
    return empty;
}

// Whether the folder is ours, empty, or somebody else's.
static bool take_over(struct artifacts *a, char **error) {
    struct buffer mark = {0};
    const int old = openat(a->directory, MARK, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (old < 0) {
        if (!is_empty(a->directory)) {
            *error = util_format("%s is not empty and was not made by cmrp conform --artifacts",
                                 a->path);
            return false;
        }
        return true;
    }
    ssize_t n = 0;
    do {
        uint8_t *at = buffer_extend(&mark, 4096);
        n = read(old, at, 4096);
        mark.size -= 4096 - (n > 0 ? (size_t)n : 0);
    } while (n > 0 && mark.size < MARK_LIMIT);
    close(old);
    bool ok = strncmp(buffer_text(&mark), TITLE "\n", strlen(TITLE "\n")) == 0;
    if (ok) {
        ok = remove_old(a, &mark, error);
    } else {
        *error = util_format("%s/%s is not of this version of cmrp", a->path, MARK);
    }
    buffer_free(&mark);
    return ok;
}

// ---- writing ------------------------------------------------------------------------------------

static bool write_all(int descriptor, cmrp_view content) {
    size_t done = 0;
    while (done < content.size) {
        const ssize_t n = write(descriptor, content.data + done, content.size - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool append_mark(const struct artifacts *a, const char *line) {
    char *text = util_format("%s\n", line);
    const bool ok = write_all(a->mark, (cmrp_view){(const uint8_t *)text, strlen(text)});
    free(text);
    return ok;
}

static bool begin(struct artifacts *a, char **error) {
    if (mkdir(a->path, 0777) != 0 && errno != EEXIST) {
        return fail(a, NULL, NULL, errno, error);
    }
    a->directory = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->directory < 0) {
        return fail(a, NULL, NULL, errno, error);
    }
    if (!take_over(a, error)) {
        return false;
    }
    a->mark = openat(a->directory, MARK,
                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (a->mark < 0 || !append_mark(a, TITLE)) {
        return fail(a, NULL, MARK, errno, error);
    }
    return true;
}

struct artifacts *artifacts_open(const char *path, char **error) {
    struct artifacts *a = util_alloc(sizeof *a);
    *a = (struct artifacts){.path = util_strdup(path), .directory = -1, .mark = -1, .folder = -1};
    if (!begin(a, error)) {
        artifacts_close(a);
        return NULL;
    }
    return a;
}

void artifacts_close(struct artifacts *a) {
    if (a == NULL) {
        return;
    }
    const int descriptors[] = {a->folder, a->mark, a->directory};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        if (descriptors[i] >= 0) {
            close(descriptors[i]);
        }
    }
    free(a->name);
    free(a->path);
    free(a);
}

bool artifacts_folder(struct artifacts *a, const char *id, char **error) {
    if (a->folder >= 0) {
        close(a->folder);
        a->folder = -1;
    }
    free(a->name);
    a->name = name_of(a, id);
    memset(a->has, 0, sizeof a->has);
    // The mark comes first: what is made is always listed.
    if (!append_mark(a, a->name)) {
        return fail(a, NULL, MARK, errno, error);
    }
    if (mkdirat(a->directory, a->name, 0777) != 0) {
        return fail(a, a->name, NULL, errno, error);
    }
    a->folder = openat(a->directory, a->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (a->folder < 0) {
        return fail(a, a->name, NULL, errno, error);
    }
    a->folders++;
    return true;
}

bool artifacts_file(struct artifacts *a, const char *name, cmrp_view content, char **error) {
    const int file =
        openat(a->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool ok = file >= 0 && write_all(file, content);
    int why = errno;
    if (file >= 0 && close(file) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        if (file >= 0) {
            unlinkat(a->folder, name, 0);
        }
        return fail(a, a->name, name, why, error);
    }
    for (size_t i = 0; i < FILES; i++) {
        a->has[i] = a->has[i] || strcmp(files[i].name, name) == 0;
    }
    return true;
}

void artifacts_list(const struct artifacts *a, struct buffer *out) {
    for (size_t i = 0; i < FILES; i++) {
        if (a->has[i]) {
            buffer_printf(out, "  %-16s %s\n", files[i].name, files[i].what);
        }
    }
}
