// SPDX-License-Identifier: Apache-2.0
// Replays files through a fuzz target without a fuzzing engine: the corpus as an ordinary test, a
// finding in a debugger.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz_support.h"
#include "util/file.h"
#include "util/outcome.h"

static const char usage[] =
    "Usage: %s [OPTION]... FILE|DIRECTORY...\n"
    "Replays inputs through the fuzz target; a directory stands for all files below it.\n"
    "\n"
    "  --count                only print how many inputs there are\n"
    "  --expect-accepted N    fail unless at least N inputs are accepted by the code under test\n"
    "  --expect-rejected N    fail unless at least N inputs are refused by it\n"
    "  --expect-modes         fail unless an input is accepted in every mode that inputs select\n"
    "  --help                 this text\n"
    "\n"
    "Exit code: 0 all properties hold, 1 fewer inputs accepted or refused than expected, 2 usage,\n"
    "an unreadable file, no input. A broken property aborts, and names the input.\n";

struct run {
    bool only_count;
    bool all_modes;
    uint64_t inputs;
    uint64_t octets;
};

static bool run_path(struct run *run, const char *path);

static bool run_file(struct run *run, const char *path) {
    struct buffer content = {0};
    char *error = NULL;
    run->inputs++;
    if (run->only_count) {
        return true;
    }
    if (!file_read(path, FILE_LIMIT, &content, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return false;
    }
    // A block of its own, of exactly this size, so that the sanitizer sees every octet too far.
    uint8_t *exact = malloc(content.size);
    if (content.size > 0 && exact == NULL) {
        fprintf(stderr, "%s: no memory\n", path);
        return false;
    }
    if (content.size > 0) {
        memcpy(exact, content.data, content.size);
    }
    fuzz_input_name = path;
    (void)LLVMFuzzerTestOneInput(exact, content.size);
    fuzz_input_name = NULL;
    run->octets += content.size;
    free(exact);
    buffer_free(&content);
    return true;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool run_directory(struct run *run, const char *path) {
    struct dirent **entries;
    const int count = scandir(path, &entries, is_visible, alphasort);
    bool ok = count >= 0;
    if (!ok) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char *inner = util_format("%s/%s", path, entries[i]->d_name);
        ok = ok && run_path(run, inner);
        free(inner);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return ok;
}

static bool run_path(struct run *run, const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    return S_ISDIR(status.st_mode) ? run_directory(run, path) : run_file(run, path);
}

// ---- command line -------------------------------------------------------------------------------

static bool read_number(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

// Reads the options; *first is the first path. False for a wrong command line.
static bool read_options(int argc, char **argv, struct run *run, struct fuzz_tally *least,
                         int *first) {
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const bool accepted = strcmp(argv[i], "--expect-accepted") == 0;
        if (strcmp(argv[i], "--count") == 0) {
            run->only_count = true;
        } else if (strcmp(argv[i], "--expect-modes") == 0) {
            run->all_modes = true;
        } else if ((!accepted && strcmp(argv[i], "--expect-rejected") != 0) || i + 1 == argc ||
                   !read_number(argv[i + 1], accepted ? &least->accepted : &least->rejected)) {
            return false;
        } else {
            i++;
        }
    }
    *first = i;
    return i < argc;
}

// Tells how many modes were reached and, where all should be, which were not.
static bool report_modes(const struct run *run) {
    char name[128];
    size_t all = 0;
    size_t reached = 0;
    for (size_t i = 0; fuzz_modes != NULL && i < fuzz_modes->count; i++) {
        if (!fuzz_modes->name(i, name, sizeof name)) {
            continue;
        }
        all++;
        reached += fuzz_modes->reached[i];
        if (run->all_modes && !fuzz_modes->reached[i]) {
            fprintf(stderr, "no input is accepted in the mode: %s\n", name);
        }
    }
    if (all > 0) {
        printf("%zu of %zu modes reached\n", reached, all);
    }
    return !run->all_modes || (all > 0 && reached == all);
}

// Names the input when a sanitizer ends the program.
static void name_input(void) {
    if (fuzz_input_name != NULL) {
        fprintf(stderr, "while replaying %s\n", fuzz_input_name);
    }
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

int main(int argc, char **argv) {
    struct run run = {0};
    struct fuzz_tally least = {0};
    int first;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf(usage, argv[0]);
        return OUTCOME_OK;
    }
    if (!read_options(argc, argv, &run, &least, &first)) {
        fprintf(stderr, usage, argv[0]);
        return OUTCOME_USAGE;
    }
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(name_input);
    }
    for (int i = first; i < argc; i++) {
        if (!run_path(&run, argv[i])) {
            return OUTCOME_USAGE;
        }
    }
    if (run.inputs == 0) {
        fprintf(stderr, "%s: no input\n", argv[first]);
        return OUTCOME_USAGE;
    }
    if (run.only_count) {
        printf("%" PRIu64 "\n", run.inputs);
        return OUTCOME_OK;
    }
    printf("%" PRIu64 " inputs (%" PRIu64 " octets): %" PRIu64 " accepted, %" PRIu64 " rejected\n",
           run.inputs, run.octets, fuzz_tally.accepted, fuzz_tally.rejected);
    const bool modes = report_modes(&run);
    if (fuzz_tally.accepted < least.accepted || fuzz_tally.rejected < least.rejected) {
        fprintf(stderr, "expected at least %" PRIu64 " accepted and %" PRIu64 " rejected\n",
                least.accepted, least.rejected);
        return OUTCOME_FINDINGS;
    }
    return modes ? OUTCOME_OK : OUTCOME_FINDINGS;
}
