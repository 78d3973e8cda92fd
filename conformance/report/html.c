// SPDX-License-Identifier: Apache-2.0
#include "report/html.h"

#include <stdlib.h>
#include <string.h>

#include "report/page.h"
#include "report/words.h"
#include "suite/shown.h"

// ---- text ---------------------------------------------------------------------------------------

static const char *entity_of(uint8_t c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void html_part(struct buffer *out, const char *text, size_t size) {
    struct buffer shown = {0};
    shown_text(&shown, text, size);
    size_t start = 0;
    for (size_t i = 0; i < shown.size; i++) {
        const char *entity = entity_of(shown.data[i]);
        if (entity != NULL) {
            buffer_append(out, shown.data + start, i - start);
            buffer_append(out, entity, strlen(entity));
            start = i + 1;
        }
    }
    if (start < shown.size) {
        buffer_append(out, shown.data + start, shown.size - start);
    }
    buffer_free(&shown);
}

void html_text(struct buffer *out, const char *text) {
    html_part(out, text, strlen(text));
}

// How much of text to take so that no UTF-8 character is cut.
static size_t cut_at(const char *text, size_t limit) {
    size_t n = limit;
    while (n > 0 && limit - n < 4 && ((uint8_t)text[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

void html_start(struct buffer *out, const char *text, size_t limit) {
    const size_t size = strlen(text);
    html_part(out, text, size > limit ? cut_at(text, limit) : size);
    buffer_printf(out, "%s", size > limit ? "…" : "");
}

void html_lines(struct buffer *out, const char *text, size_t limit) {
    const size_t size = strlen(text);
    const size_t end = size > limit ? cut_at(text, limit) : size;
    for (size_t at = 0; at < end;) {
        const char *feed = memchr(text + at, '\n', end - at);
        const size_t n = feed != NULL ? (size_t)(feed - text) - at : end - at;
        html_part(out, text + at, n);
        at += n + (feed != NULL);
        buffer_printf(out, "%s", feed != NULL && at < end ? "\n" : "");
    }
    if (end < size) {
        buffer_printf(out, "\n… %zu octets in all", size);
    }
}

void html_id(struct buffer *out, const char *text) {
    for (; *text != '\0'; text++) {
        const char c = *text;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-') {
            buffer_append(out, text, 1);
        } else {
            buffer_printf(out, "_%02x", (uint8_t)c);
        }
    }
}

void html_code(struct buffer *out, const char *text) {
    buffer_printf(out, "<code>");
    html_text(out, text);
    buffer_printf(out, "</code>");
}

void html_word(struct buffer *out, const char *word) {
    struct buffer quoted = {0};
    words_quote(&quoted, word);
    html_text(out, buffer_text(&quoted));
    buffer_free(&quoted);
}

// ---- the page -----------------------------------------------------------------------------------

void html_open(struct buffer *out, const char *heading) {
    buffer_printf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    buffer_printf(out,
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'\">\n",
                  page_style_hash, page_script_hash);
    buffer_printf(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"referrer\" content=\"no-referrer\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_text(out, heading);
    buffer_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n", page_style);
    buffer_printf(out, "<a class=\"skip\" href=\"#content\">Skip to the content</a>\n"
                       "<main id=\"content\">\n<h1>");
    html_text(out, heading);
    buffer_printf(out, "</h1>\n");
}

void html_close(struct buffer *out, const char *started) {
    buffer_printf(out, "</main>\n<footer><p>Made by <code>cmrp conform</code>");
    if (*started != '\0') {
        buffer_printf(out, ", started <time>");
        html_text(out, started);
        buffer_printf(out, "</time>");
    }
    buffer_printf(out, ".</p></footer>\n<script>%s</script>\n</body>\n</html>\n", page_script);
}

void html_verdict(struct buffer *out, enum verdict verdict) {
    const char *name = verdict_name(verdict);
    buffer_printf(out, "<span class=\"v %s\">%s</span>", name, name);
}

void html_filter(struct buffer *out, const struct html_choice *choices, size_t count) {
    buffer_printf(out, "<form id=\"filter\" role=\"search\" aria-label=\"Filter\" hidden>\n");
    for (size_t i = 0; i < count; i++) {
        const struct html_choice *c = &choices[i];
        buffer_printf(out, "<label>%s <select data-key=\"%s\"><option value=\"\">%s</option>",
                      c->label, c->key, c->all);
        for (size_t j = 0; j < c->count; j++) {
            buffer_printf(out, "<option value=\"");
            if (c->indexed) {
                buffer_printf(out, "%zu", j);
            } else {
                html_text(out, c->options[j]);
            }
            buffer_printf(out, "\">");
            html_text(out, c->options[j]);
            buffer_printf(out, "</option>");
        }
        buffer_printf(out, "</select></label>\n");
    }
    buffer_printf(out, "<label>Text <input type=\"search\" data-key=\"text\" autocomplete=\"off\" "
                       "spellcheck=\"false\"></label>\n<button type=\"reset\">Show all</button>\n"
                       "<p id=\"shown\" role=\"status\"></p>\n</form>\n");
}
