// SPDX-License-Identifier: Apache-2.0
#include "suite/xfail.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "util/file.h"

static const char BLANKS[] = " \t\r";

static char *cut(char *text, size_t n) {
    char *word = util_format("%.*s", (int)n, text);
    return word;
}

static bool read_verdict(const char *word, enum verdict *verdict) {
    static const enum verdict expectable[] = {VERDICT_FAIL, VERDICT_CRASH, VERDICT_TIMEOUT};
    for (size_t i = 0; i < sizeof expectable / sizeof *expectable; i++) {
        if (strcmp(word, verdict_name(expectable[i])) == 0) {
            *verdict = expectable[i];
            return true;
        }
    }
    return false;
}

static void add_line(struct xfail *xfail, struct xfail_line line) {
    xfail->lines = grow_by_one(xfail->lines, xfail->count, sizeof *xfail->lines);
    xfail->lines[xfail->count++] = line;
}

// One line without its line feed. Returns what is wrong with it, or NULL.
static const char *read_line(struct xfail *xfail, char *text, size_t number) {
    text += strspn(text, BLANKS);
    if (*text == '\0' || *text == '#') {
        return NULL;
    }
    const size_t glob = strcspn(text, BLANKS);
    char *word = text + glob + strspn(text + glob, BLANKS);
    const size_t size = strcspn(word, BLANKS);
    char *reason = word + size + strspn(word + size, BLANKS);
    size_t reason_size = strlen(reason);
    while (reason_size > 0 && strchr(BLANKS, reason[reason_size - 1]) != NULL) {
        reason_size--;
    }
    char *verdict_word = cut(word, size);
    enum verdict verdict = VERDICT_PENDING;
    const bool known = read_verdict(verdict_word, &verdict);
    free(verdict_word);
    if (!known) {
        return "the verdict is none of FAIL, CRASH, TIMEOUT";
    }
    if (reason_size == 0) {
        return "no reason is given";
    }
    add_line(xfail, (struct xfail_line){.glob = cut(text, glob),
                                        .verdict = verdict,
                                        .reason = cut(reason, reason_size),
                                        .number = number});
    return NULL;
}

bool xfail_load(const char *path, struct xfail *xfail, char **error) {
    struct buffer text = {0};
    const char *why = NULL;
    size_t number = 0;
    *xfail = (struct xfail){0};
    bool ok = file_read_plain(path, FILE_LIMIT, &text, error);
    char *copy = util_strdup(ok ? buffer_text(&text) : "");
    for (char *next = copy; ok && *next != '\0';) {
        char *line = next;
        char *end = strchr(line, '\n');
        next = end != NULL ? end + 1 : line + strlen(line);
        if (end != NULL) {
            *end = '\0';
        }
        number++;
        why = read_line(xfail, line, number);
        if (why != NULL) {
            *error = util_format("%s: line %zu: %s", path, number, why);
            ok = false;
        }
    }
    free(copy);
    buffer_free(&text);
    if (!ok) {
        xfail_free(xfail);
    }
    return ok;
}

void xfail_free(struct xfail *xfail) {
    for (size_t i = 0; i < xfail->count; i++) {
        free(xfail->lines[i].glob);
        free(xfail->lines[i].reason);
    }
    free(xfail->lines);
    *xfail = (struct xfail){0};
}

static const struct xfail_line *first_match(const struct xfail *xfail, const struct vector *v,
                                            const char *case_id) {
    for (size_t i = 0; i < xfail->count; i++) {
        if (plan_matches(xfail->lines[i].glob, v->id, case_id)) {
            return &xfail->lines[i];
        }
    }
    return NULL;
}

// Marks the lines that apply to some case of the set.
static void mark_used(const struct xfail *xfail, const struct vector_set *set, bool *used) {
    for (size_t i = 0; i < set->count; i++) {
        const struct vector *v = &set->vectors[i];
        for (int op = 0; op < CASE_OPS; op++) {
            char *id = util_format("%s/%s", v->id, case_op_name((enum case_op)op));
            const struct xfail_line *line =
                plan_has_case(v, (enum case_op)op) ? first_match(xfail, v, id) : NULL;
            if (line != NULL) {
                used[line - xfail->lines] = true;
            }
            free(id);
        }
    }
}

bool xfail_apply(const struct xfail *xfail, const char *path, const struct vector_set *set,
                 struct plan *plan, char **error) {
    bool *used = util_alloc(xfail->count + 1);
    bool ok = true;
    mark_used(xfail, set, used);
    for (size_t i = 0; ok && i < xfail->count; i++) {
        if (!used[i]) {
            *error = util_format("%s: line %zu: \"%s\" matches no case that an earlier line leaves",
                                 path, xfail->lines[i].number, xfail->lines[i].glob);
            ok = false;
        }
    }
    free(used);
    for (size_t i = 0; ok && i < plan->count; i++) {
        struct suite_case *c = &plan->cases[i];
        c->xfail = first_match(xfail, c->vector, c->id);
    }
    return ok;
}

enum verdict xfail_verdict(const struct xfail_line *line, enum verdict verdict) {
    if (line == NULL) {
        return verdict;
    }
    if (verdict == VERDICT_PASS) {
        return VERDICT_XPASS;
    }
    return verdict == line->verdict ? VERDICT_XFAIL : verdict;
}
