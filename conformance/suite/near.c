// SPDX-License-Identifier: Apache-2.0
#include "suite/near.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 96 }; // characters of names that are compared

static size_t least(size_t a, size_t b, size_t c) {
    const size_t d = a < b ? a : b;
    return d < c ? d : c;
}

// Insertions, deletions and replacements that lead from a to b (Levenshtein distance).
static size_t distance(const char *a, const char *b) {
    size_t row[LONGEST + 1];
    const size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            const size_t replaced = diagonal + !same;
            diagonal = row[j + 1];
            row[j + 1] = least(row[j] + 1, row[j + 1] + 1, replaced);
        }
    }
    return row[n];
}

static bool contains(const char *name, const char *part) {
    const size_t n = strlen(part);
    for (; *name != '\0'; name++) {
        if (strncasecmp(name, part, n) == 0) {
            return true;
        }
    }
    return false;
}

static void insert(struct near *near, const char *name, size_t d) {
    size_t i = near->count;
    if (near->count == NEAR_MATCHES) {
        if (near->distances[NEAR_MATCHES - 1] <= d) {
            return;
        }
        i--;
    } else {
        near->count++;
    }
    for (; i > 0 && near->distances[i - 1] > d; i--) {
        near->names[i] = near->names[i - 1];
        near->distances[i] = near->distances[i - 1];
    }
    near->names[i] = name;
    near->distances[i] = d;
}

void near_offer(struct near *near, const char *name) {
    const size_t n = strlen(near->wanted);
    if (n < 2 || n > LONGEST || strlen(name) > LONGEST) {
        return;
    }
    for (size_t i = 0; i < near->count; i++) {
        if (strcmp(near->names[i], name) == 0) {
            return;
        }
    }
    const size_t d = distance(near->wanted, name);
    const size_t most = n / 3 > 1 ? n / 3 : 1;
    if (d <= most) {
        insert(near, name, d);
    } else if (n >= 3 && contains(name, near->wanted)) {
        insert(near, name, most + 1);
    }
}

void near_suggest(const struct near *near, struct buffer *out) {
    for (size_t i = 0; i < near->count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "; is it " : ", ", near->names[i]);
    }
    buffer_printf(out, "%s", near->count > 0 ? "?" : "");
}
