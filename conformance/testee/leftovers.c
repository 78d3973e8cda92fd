// SPDX-License-Identifier: Apache-2.0
#include "testee/leftovers.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "suite/grow.h"

enum {
    ROUNDS = 100, // who dies hands over its own children: so often
    WAITS = 200,  // for one process to die of SIGKILL
    WAIT_NS = 5 * 1000 * 1000,
};

struct child {
    pid_t pid;
    pid_t group;
    bool dead; // and not yet reaped
};

struct children {
    struct child *items;
    size_t count;
};

// Reads /proc/PID/stat: "PID (NAME) STATE PARENT GROUP …", where NAME may hold anything. Returns
// whether that is a child of this process.
static bool read_child(const char *pid, struct child *child) {
    char path[64];
    char text[512];
    char state = '\0';
    int parent = 0;
    int group = 0;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return false; // it is gone already
    }
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest + 1, " %c %d %d", &state, &parent, &group) != 3) {
        return false;
    }
    *child = (struct child){(pid_t)strtol(pid, NULL, 10), group, state == 'Z'};
    return parent == getpid();
}

static bool is_among(pid_t pid, const pid_t *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == pid) {
            return true;
        }
    }
    return false;
}

// The children that were not there before.
static struct children find_children(const struct leftovers *l) {
    struct children found = {0};
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        struct child child;
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            read_child(entry->d_name, &child) && !is_among(child.pid, l->before, l->before_count)) {
            found.items = grow_by_one(found.items, found.count, sizeof *found.items);
            found.items[found.count++] = child;
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return found;
}

void leftovers_begin(struct leftovers *l) {
    int reaper = 0;
    *l = (struct leftovers){0};
    struct children found = find_children(l);
    for (size_t i = 0; i < found.count; i++) {
        l->before = grow_by_one(l->before, l->before_count, sizeof *l->before);
        l->before[l->before_count++] = found.items[i].pid;
    }
    free(found.items);
    l->was_reaper = prctl(PR_GET_CHILD_SUBREAPER, &reaper) == 0 && reaper != 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void leftovers_end(struct leftovers *l) {
    prctl(PR_SET_CHILD_SUBREAPER, l->was_reaper ? 1 : 0);
    free(l->before);
    free(l->groups);
    *l = (struct leftovers){0};
}

void leftovers_add_group(struct leftovers *l, pid_t group) {
    l->groups = grow_by_one(l->groups, l->group_count, sizeof *l->groups);
    l->groups[l->group_count++] = group;
}

// Returns whether it is gone; one that hangs in the kernel is not.
static bool reap(pid_t pid) {
    for (int i = 0; i < WAITS; i++) {
        const struct timespec pause = {.tv_nsec = WAIT_NS};
        const pid_t got = waitpid(pid, NULL, WNOHANG);
        if (got == pid || (got < 0 && errno == ECHILD)) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

size_t leftovers_kill(const struct leftovers *l) {
    size_t strays = 0;
    bool more = true;
    for (int round = 0; more && round < ROUNDS; round++) {
        const struct children found = find_children(l);
        more = found.count > 0;
        for (size_t i = 0; i < found.count; i++) {
            kill(found.items[i].pid, SIGKILL);
        }
        for (size_t i = 0; i < found.count; i++) {
            const struct child *c = &found.items[i];
            strays += !c->dead && !is_among(c->group, l->groups, l->group_count);
            more = reap(c->pid) && more;
        }
        free(found.items);
    }
    return strays;
}

#else

void leftovers_begin(struct leftovers *l) {
    *l = (struct leftovers){0};
}

void leftovers_end(struct leftovers *l) {
    (void)l;
}

void leftovers_add_group(struct leftovers *l, pid_t group) {
    (void)l;
    (void)group;
}

size_t leftovers_kill(const struct leftovers *l) {
    (void)l;
    return 0;
}

#endif
