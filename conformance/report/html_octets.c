// SPDX-License-Identifier: Apache-2.0
// Octets with their fields: a line for at most 16 of them, the wrong ones marked.
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "suite/grow.h"

enum {
    LINE = 16,   // octets
    FIRST = 8,   // lines that are shown at the start,
    BEFORE = 6,  // before the first that is marked,
    BEHIND = 10, // from it on,
    LAST = 3,    // and at the end
    NAME = 44,   // widest column of names
};

struct line {
    size_t offset;
    size_t size;
    const char *name; // "" where the field goes on
};

struct lines {
    struct line *lines;
    size_t count;
    size_t marked; // the first one that is, or count
    int width;     // of the column of names
    size_t most;   // octets in a line that is shown
};

static bool is_marked(const struct html_octets *o, size_t at) {
    if (o->other != NULL) {
        return at >= o->other->size || o->other->data[at] != o->octets.data[at];
    }
    return o->from != HTML_UNMARKED && at >= o->from && at < o->to;
}

// Whether a point before this octet is marked: something is missing there.
static bool is_point(const struct html_octets *o, size_t at) {
    return o->other != NULL ? at == o->octets.size && o->other->size > at
                            : o->from != HTML_UNMARKED && o->from == o->to &&
                                  (o->from == at || (at == o->octets.size && o->from > at));
}

static bool line_is_marked(const struct html_octets *o, const struct line *l) {
    bool marked = false;
    for (size_t i = 0; i < l->size && !marked; i++) {
        marked = is_marked(o, l->offset + i) || is_point(o, l->offset + i);
    }
    return marked;
}

static void add_span(struct lines *all, const struct html_octets *o, size_t offset, size_t size,
                     const char *name) {
    for (size_t i = 0; i < size; i += LINE) {
        const struct line l = {offset + i, size - i < LINE ? size - i : LINE, i == 0 ? name : ""};
        if (all->marked == all->count && !line_is_marked(o, &l)) {
            all->marked++;
        }
        all->lines = grow_by_one(all->lines, all->count, sizeof *all->lines);
        all->lines[all->count++] = l;
    }
}

static bool is_shown(const struct lines *all, size_t i) {
    return i < FIRST || i + LAST >= all->count ||
           (all->marked < all->count && i + BEFORE >= all->marked && i < all->marked + BEHIND);
}

// Each octet with what stands before it: a blank, or the mark of what is missing there.
static void put_octet_columns(struct buffer *out, const struct html_octets *o, const struct line *l,
                              size_t columns) {
    bool open = false;
    for (size_t i = 0; i < columns; i++) {
        const size_t at = l->offset + i;
        const bool mark = i < l->size && is_marked(o, at);
        const bool point = i < l->size && is_point(o, at);
        if (open && !mark) {
            buffer_printf(out, "</mark>");
        }
        buffer_printf(out, "%s%s",
                      point            ? "<mark>^</mark>"
                      : i > 0 || !mark ? " "
                                       : "",
                      !open && mark ? i == 0 ? " <mark>" : "<mark>" : "");
        open = mark;
        if (i < l->size) {
            buffer_printf(out, "%02x", o->octets.data[at]);
        } else {
            buffer_printf(out, "  ");
        }
    }
    buffer_printf(out, "%s", open ? "</mark>" : "");
}

static void put_line(struct buffer *out, const struct html_octets *o, const struct lines *all,
                     const struct line *l) {
    const size_t name = strlen(l->name);
    const size_t width = (size_t)all->width;
    char text[LINE];
    buffer_printf(out, "%s%6llu%s", line_is_marked(o, l) ? "=&gt;" : "  ",
                  (unsigned long long)(o->at + l->offset), width > 0 ? "  " : " ");
    html_part(out, l->name, name);
    buffer_printf(out, "%*s", (int)(name < width ? width - name + 1 : width > 0 ? 1 : 0), "");
    put_octet_columns(out, o, l, all->most);
    buffer_printf(out, "  ");
    for (size_t i = 0; i < l->size; i++) {
        const uint8_t c = o->octets.data[l->offset + i];
        text[i] = (char)(c >= 0x20 && c < 0x7f ? c : '.');
    }
    html_part(out, text, l->size);
    buffer_printf(out, "\n");
}

static void find_lines(struct lines *all, const struct html_octets *o) {
    *all = (struct lines){0};
    if (o->spans == NULL) {
        add_span(all, o, 0, o->octets.size, "");
    } else {
        for (size_t i = 0; i < o->spans->count; i++) {
            const struct field_span *s = &o->spans->spans[i];
            add_span(all, o, s->offset, s->size, s->name);
        }
    }
    for (size_t i = 0; i < all->count; i++) {
        const int n = (int)strlen(all->lines[i].name);
        if (!is_shown(all, i)) {
            continue;
        }
        if (n > all->width) {
            all->width = n < NAME ? n : NAME;
        }
        if (all->lines[i].size > all->most) {
            all->most = all->lines[i].size;
        }
    }
}

void html_octets(struct buffer *out, const struct html_octets *o) {
    struct lines all;
    size_t hidden = 0;
    find_lines(&all, o);
    buffer_printf(out, "<pre class=\"hex\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_text(out, o->label);
    buffer_printf(out, "\">");
    for (size_t i = 0; i < all.count; i++) {
        const struct line *l = &all.lines[i];
        hidden += is_shown(&all, i) ? 0 : l->size;
        if (is_shown(&all, i)) {
            put_line(out, o, &all, l);
        } else if (is_shown(&all, i + 1)) {
            buffer_printf(out, "  … %zu octets that are not shown\n", hidden);
            hidden = 0;
        }
    }
    if (is_point(o, o->octets.size)) {
        buffer_printf(out, "=&gt;%6llu  <mark>^ the end</mark>\n",
                      (unsigned long long)(o->at + o->octets.size));
    } else if (o->octets.size == 0) {
        buffer_printf(out, "  (no octets)\n");
    }
    buffer_printf(out, "</pre>\n");
    free(all.lines);
}
