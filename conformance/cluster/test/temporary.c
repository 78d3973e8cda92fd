// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // nftw
#include "temporary.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/buffer.h"

static char directory[] = "/tmp/cmrp-cluster-XXXXXX"; // mkdtemp fills the end in
static pid_t owner;

static int remove_one(const char *path, const struct stat *what, int type, struct FTW *where) {
    (void)what;
    (void)type;
    (void)where;
    return remove(path);
}

static void clean_up(void) {
    if (getpid() == owner) {
        (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

char *temporary(const char *name) {
    if (owner == 0) {
        if (mkdtemp(directory) == NULL) {
            perror(directory);
            abort();
        }
        owner = getpid();
        atexit(clean_up);
    }
    return util_format("%s/%s", directory, name);
}
