// SPDX-License-Identifier: Apache-2.0
#include "cli/globs.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

struct globs globs_open(char *const *patterns, size_t count) {
    return (struct globs){patterns, count, util_alloc(count + 1)};
}

bool globs_match(struct globs *globs, const char *name) {
    bool matched = globs->count == 0;
    for (size_t i = 0; i < globs->count; i++) {
        if (fnmatch(globs->patterns[i], name, 0) == 0) {
            globs->used[i] = true;
            matched = true;
        }
    }
    return matched;
}

enum outcome globs_check(const struct globs *globs, const char *what) {
    for (size_t i = 0; i < globs->count; i++) {
        if (!globs->used[i]) {
            struct buffer shown = {0};
            text_escape(&shown, globs->patterns[i], strlen(globs->patterns[i]));
            const enum outcome outcome =
                cli_fail(OUTCOME_USAGE, "\"%.80s\" matches no %s", buffer_text(&shown), what);
            buffer_free(&shown);
            return outcome;
        }
    }
    return OUTCOME_OK;
}

void globs_close(struct globs *globs) {
    free(globs->used);
}
