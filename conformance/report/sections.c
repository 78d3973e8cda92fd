// SPDX-License-Identifier: Apache-2.0
#include "report/sections.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The octet-wise order of two runs of digits, leading zeros aside; both are moved behind them.
static int compare_numbers(const char **a, const char **b) {
    const char *x = *a + strspn(*a, "0");
    const char *y = *b + strspn(*b, "0");
    const size_t n = strspn(x, "0123456789");
    const size_t m = strspn(y, "0123456789");
    *a = x + n;
    *b = y + m;
    return n != m ? (n < m ? -1 : 1) : strncmp(x, y, n);
}

int sections_compare(const char *a, const char *b) {
    const char *x = a;
    const char *y = b;
    while (*x != '\0' && *y != '\0') {
        if (is_digit(*x) && is_digit(*y)) {
            const int order = compare_numbers(&x, &y);
            if (order != 0) {
                return order;
            }
        } else if (*x != *y) {
            return (uint8_t)*x < (uint8_t)*y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    return *x != '\0' ? 1 : *y != '\0' ? -1 : strcmp(a, b);
}

static int compare(const void *a, const void *b) {
    return sections_compare(*(char *const *)a, *(char *const *)b);
}

static bool cite(const struct report *r, const json_t *id, struct buffer *name) {
    const struct requirement *found =
        r->catalogue != NULL ? catalogue_find(r->catalogue, json_string_value(id)) : NULL;
    buffer_clear(name);
    if (found != NULL) {
        catalogue_cite(name, found);
    }
    return found != NULL;
}

// Adds a name that is not there yet; the names are not sorted meanwhile.
void sections_add(struct sections *s, const char *name) {
    for (size_t i = s->count; i-- > 0;) { // neighbours cite the same
        if (strcmp(s->names[i], name) == 0) {
            return;
        }
    }
    s->names = grow_by_one(s->names, s->count, sizeof *s->names);
    s->names[s->count++] = util_strdup(name);
}

void sections_find(const struct report *report, struct sections *s) {
    struct buffer name = {0};
    const struct vector *before = NULL;
    *s = (struct sections){0};
    for (size_t i = 0; i < report->plan->count; i++) {
        const struct vector *v = report->plan->cases[i].vector;
        size_t j;
        json_t *id;
        if (v == before) {
            continue;
        }
        json_array_foreach(v->requirements, j, id) {
            if (cite(report, id, &name)) {
                sections_add(s, buffer_text(&name));
            }
        }
        before = v;
    }
    sections_sort(s);
    buffer_free(&name);
}

void sections_sort(struct sections *s) {
    if (s->count > 0) {
        qsort(s->names, s->count, sizeof *s->names, compare);
    }
}

size_t sections_index(const struct sections *s, const char *name) {
    char *const *found =
        s->count > 0 ? bsearch(&name, s->names, s->count, sizeof *s->names, compare) : NULL;
    return found != NULL ? (size_t)(found - s->names) : s->count;
}

void sections_free(struct sections *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->names[i]);
    }
    free(s->names);
    *s = (struct sections){0};
}

void sections_of(const struct report *report, const struct sections *s, const struct vector *vector,
                 void (*each)(void *context, size_t index), void *context) {
    enum { MOST = 64 };
    size_t seen[MOST];
    size_t count = 0;
    size_t i;
    json_t *id;
    struct buffer name = {0};
    json_array_foreach(vector->requirements, i, id) {
        if (!cite(report, id, &name) || count == MOST) {
            continue;
        }
        const size_t index = sections_index(s, buffer_text(&name));
        bool new = index < s->count;
        for (size_t j = 0; j < count; j++) {
            new = new &&seen[j] != index;
        }
        if (new) {
            seen[count++] = index;
            each(context, index);
        }
    }
    buffer_free(&name);
}
