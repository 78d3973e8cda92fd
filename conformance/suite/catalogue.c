// SPDX-License-Identifier: Apache-2.0
#include "suite/catalogue.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "util/file.h"

static const char *const level_names[] = {"", "MAY", "SHOULD", "MUST"};

#define CATALOGUE_TITLE(field, title) title,
static const char *const titles[] = {CATALOGUE_COLUMNS(CATALOGUE_TITLE)};
#undef CATALOGUE_TITLE

enum { COLUMNS = sizeof titles / sizeof *titles };

const char *requirement_level_name(enum requirement_level level) {
    return level_names[level];
}

// Cuts a line into its cells. Returns false unless there are exactly COLUMNS of them.
static bool cut_cells(char *line, const char *cells[COLUMNS]) {
    for (size_t i = 0; i < COLUMNS; i++) {
        char *tab = strchr(line, '\t');
        if ((tab == NULL) != (i == COLUMNS - 1)) {
            return false;
        }
        cells[i] = line;
        if (tab != NULL) {
            *tab = '\0';
            line = tab + 1;
        }
    }
    return true;
}

static bool read_level(const char *text, enum requirement_level *level) {
    for (int i = LEVEL_MAY; i <= LEVEL_MUST; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum requirement_level)i;
            return true;
        }
    }
    return false;
}

static bool read_row(struct catalogue *c, const char *const cells[COLUMNS], char **why) {
    struct requirement row = {0};
    size_t i = 0;
#define CATALOGUE_CELL(field, title) row.field = cells[i++];
    CATALOGUE_COLUMNS(CATALOGUE_CELL)
#undef CATALOGUE_CELL
    if (strncmp(row.id, "CMRP-", 5) != 0 || row.id[5] == '\0') {
        *why = util_strdup("the id is not of the form CMRP-…");
    } else if (catalogue_find(c, row.id) != NULL) {
        *why = util_format("%s stands here twice", row.id);
    } else if (!read_level(row.level_text, &row.level)) {
        *why = util_format("the level of %s is none of MUST, SHOULD, MAY", row.id);
    } else {
        c->rows = grow_by_one(c->rows, c->count, sizeof *c->rows);
        c->rows[c->count++] = row;
        return true;
    }
    return false;
}

static bool read_header(const char *const cells[COLUMNS], char **why) {
    for (size_t i = 0; i < COLUMNS; i++) {
        if (strcmp(cells[i], titles[i]) != 0) {
            *why = util_format("column %zu is not \"%s\"", i + 1, titles[i]);
            return false;
        }
    }
    return true;
}

static bool read_lines(struct catalogue *c, size_t *line_number, char **why) {
    char *next = c->text;
    for (*line_number = 1; *next != '\0'; ++*line_number) {
        char *line = next;
        char *end = strchr(line, '\n');
        next = end != NULL ? end + 1 : line + strlen(line);
        if (end != NULL) {
            *end = '\0';
        }
        const char *cells[COLUMNS];
        if (!cut_cells(line, cells)) {
            *why = util_format("not %d columns", COLUMNS);
            return false;
        }
        if (!(*line_number == 1 ? read_header(cells, why) : read_row(c, cells, why))) {
            return false;
        }
    }
    return true;
}

bool catalogue_load(const char *path, struct catalogue *catalogue, char **error) {
    struct buffer text = {0};
    char *why = NULL;
    size_t line = 0;
    *catalogue = (struct catalogue){0};
    if (!file_read_plain(path, FILE_LIMIT, &text, error)) {
        buffer_free(&text);
        return false;
    }
    catalogue->text = util_strdup(buffer_text(&text));
    buffer_free(&text);
    bool ok = read_lines(catalogue, &line, &why);
    if (ok && catalogue->count == 0) {
        why = util_strdup("no requirements");
        ok = false;
    }
    if (!ok) {
        *error = util_format("%s: line %zu: %s", path, line, why);
        free(why);
        catalogue_free(catalogue);
    }
    return ok;
}

void catalogue_free(struct catalogue *catalogue) {
    free(catalogue->rows);
    free(catalogue->text);
    *catalogue = (struct catalogue){0};
}

const struct requirement *catalogue_find(const struct catalogue *catalogue, const char *id) {
    for (size_t i = 0; i < catalogue->count; i++) {
        if (strcmp(catalogue->rows[i].id, id) == 0) {
            return &catalogue->rows[i];
        }
    }
    return NULL;
}

bool catalogue_cell_has(const char *cell, const char *word) {
    const size_t n = strlen(word);
    while (strncmp(cell, word, n) != 0 || (cell[n] != ',' && cell[n] != '\0')) {
        cell += strcspn(cell, ",");
        if (*cell == '\0') {
            return false;
        }
        cell++;
    }
    return true;
}

void catalogue_cite(struct buffer *out, const struct requirement *requirement) {
    const bool bare = isdigit((unsigned char)requirement->section[0]) != 0;
    buffer_printf(out, "%s%s", bare ? "MS-CMRP " : "", requirement->section);
}
