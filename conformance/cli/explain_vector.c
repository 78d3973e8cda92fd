// SPDX-License-Identifier: Apache-2.0
// What is known about a vector, and the parts that other explanations have in common with it.
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "suite/describe.h"
#include "suite/fields.h"
#include "suite/shown.h"
#include "util/text.h"

enum {
    SPANS = 120,      // fields of a vector that are shown
    SPAN_OCTETS = 16, // octets of one field
    SPAN_LINES = 8,   // lines of one field
    SAID_LINES = 100, // lines of what they say
    NAME_WIDTH = 26,  // of the column of fields
    LINE = 100,       // columns of wrapped text
};

// ---- parts --------------------------------------------------------------------------------------

static void put_prose(struct buffer *out, const char *text) {
    shown_text(out, text, strlen(text));
}

// Ids, separated by blanks, in lines of at most LINE columns.
struct id_lines {
    struct buffer *out;
    size_t column;
};

static void put_id(struct id_lines *l, const char *id) {
    const size_t n = strlen(id);
    if (l->column > 0 && l->column + 1 + n > LINE) {
        buffer_printf(l->out, "\n");
        l->column = 0;
    }
    buffer_printf(l->out, "%s%s", l->column == 0 ? "    " : " ", id);
    l->column += n + (l->column == 0 ? 4 : 1);
}

// Appends the ids of the vectors that `has` accepts, under a title that counts them.
size_t explain_vectors(struct buffer *out, const struct vector_set *set, const char *title,
                       const char *name,
                       bool (*has)(const struct vector *vector, const char *name)) {
    struct buffer ids = {0};
    struct id_lines lines = {&ids, 0};
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (has(&set->vectors[i], name)) {
            put_id(&lines, set->vectors[i].id);
            count++;
        }
    }
    buffer_printf(out, "  %s: %zu\n", title, count);
    if (count > 0) {
        buffer_printf(out, "%s\n", buffer_text(&ids));
    }
    buffer_free(&ids);
    return count;
}

// ---- a vector -----------------------------------------------------------------------------------

static void put_span_line(struct buffer *out, const struct vector *v, size_t at, size_t size) {
    for (size_t i = 0; i < size; i++) {
        buffer_printf(out, "%s%02x", i > 0 ? " " : "", v->octets.data[at + i]);
    }
}

// One field: offset, name, octets; `mark` stands before the wrong one.
static void put_span(struct buffer *out, const struct vector *v, const struct field_span *s,
                     bool wrong) {
    for (size_t i = 0; i < s->size; i += SPAN_OCTETS) {
        const size_t left = s->size - i;
        const bool first = i == 0;
        if (i / SPAN_OCTETS == SPAN_LINES) {
            buffer_printf(out, "  %8s  %-*s … %zu octets in all\n", "", NAME_WIDTH, "", s->size);
            return;
        }
        buffer_printf(out, "%s%8zu  %-*s ", wrong && first ? "=>" : "  ", s->offset + i, NAME_WIDTH,
                      first ? s->name : "");
        put_span_line(out, v, s->offset + i, left < SPAN_OCTETS ? left : SPAN_OCTETS);
        buffer_printf(out, "\n");
    }
}

static void put_octets(struct buffer *out, const struct vector *v,
                       const struct json_selector *how) {
    struct field_spans spans;
    fields_find(how, buffer_view(&v->octets), SPANS, &spans);
    buffer_printf(out, "octets: %zu\n", v->octets.size);
    for (size_t i = 0; i < spans.count; i++) {
        put_span(out, v, &spans.spans[i], i == spans.error_index);
    }
    if (spans.error.code != CMRP_OK) {
        char text[320];
        cmrp_error_format(&spans.error, text, sizeof text);
        buffer_printf(out, "%s%s: %s\n",
                      spans.error_index == spans.count ? "=> at the end: " : "   ",
                      cmrp_code_id(spans.error.code), text);
    }
    fields_free(&spans);
}

static void put_decoded(struct buffer *out, const struct explain_sources *s, const struct vector *v,
                        const struct json_selector *how, const char *title) {
    struct show_options options = s->show;
    struct buffer lines = {0};
    cmrp_error error = {0};
    size_t count = 0;
    options.indent = 2;
    show_value(&lines, how, buffer_view(&v->octets), &options, &error);
    buffer_printf(out, "%s:\n", title);
    for (const char *line = buffer_text(&lines); *line != '\0'; count++) {
        const size_t n = strcspn(line, "\n") + 1;
        buffer_append(out, line, count < SAID_LINES ? n : 0);
        line += n;
    }
    if (count > SAID_LINES) {
        buffer_printf(out, "  … %zu lines in all\n", count);
    }
    if (error.code != CMRP_OK) {
        buffer_printf(out, "  refused: %s\n", cmrp_code_id(error.code));
    }
    buffer_free(&lines);
}

static void put_outcome(struct buffer *out, const char *title, const struct vector_outcome *o,
                        bool with_offset) {
    buffer_printf(out, "%s: %s", title, vector_result_name(o->result));
    if (o->result == VECTOR_INVALID) {
        buffer_printf(out, ", error %s", o->code);
        if (with_offset) {
            buffer_printf(out, " at offset %llu", (unsigned long long)o->offset);
        }
    }
    buffer_printf(out, "\n");
    for (size_t i = 0; i < o->warning_count; i++) {
        buffer_printf(out, "  warning %s at offset %llu (%s)\n", o->warnings[i].code,
                      (unsigned long long)o->warnings[i].offset, o->warnings[i].field);
    }
}

static void put_refusal(struct buffer *out, const struct vector *v) {
    char *text = json_dumps(v->strict.value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buffer_printf(out, "a value that encoders must refuse:\n");
    for (const char *line = text; line != NULL && *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        buffer_printf(out, "  ");
        shown_text(out, line, n);
        buffer_printf(out, "\n");
        line += n + (line[n] == '\n');
    }
    free(text);
}

void explain_statement(struct buffer *out, const struct requirement *r) {
    buffer_printf(out, "  %s %s [", r->id, requirement_level_name(r->level));
    catalogue_cite(out, r);
    buffer_printf(out, "] %s\n", r->statement);
}

static void put_requirements(struct buffer *out, const struct explain_sources *s,
                             const struct vector *v) {
    size_t i;
    json_t *id;
    if (v->requirements != NULL) {
        buffer_printf(out, "requirements:\n");
    }
    json_array_foreach(v->requirements, i, id) {
        const struct requirement *r = catalogue_find(&s->catalogue, json_string_value(id));
        if (r != NULL) {
            explain_statement(out, r);
        } else {
            buffer_printf(out, "  %s is not in the catalogue\n", json_string_value(id));
        }
    }
}

// The file's name below the folder of vectors, which differs from machine to machine.
static const char *file_below(const struct explain_sources *s, const struct vector *v) {
    const size_t n = strlen(s->directory);
    return strncmp(v->file, s->directory, n) == 0 && v->file[n] == '/' ? v->file + n + 1 : v->file;
}

static void put_head(struct buffer *out, const struct explain_sources *s, const struct vector *v) {
    size_t i;
    json_t *flag;
    buffer_printf(out, "%s: vector (%s, %s)\n  ", v->id, json_type_name(v->how.type),
                  vector_provenance_name(v->provenance));
    put_prose(out, v->comment);
    buffer_printf(out, "\n  from ");
    put_prose(out, v->source);
    buffer_printf(out, "\n  %s: /tests/%zu\n", file_below(s, v), v->index);
    if (v->how.type == JSON_TYPE_CHANGE) {
        buffer_printf(out, "  set %s\n", v->how.set->name);
    }
    if (v->how.type == JSON_TYPE_PAYLOAD) {
        const cmrp_payload_row *row = cmrp_payload_row_of(v->how.object_type, v->how.flag->value);
        buffer_printf(out, "  buffer of %s: %s\n", v->how.flag->name,
                      row != NULL ? row->what : "not described by the specification");
    }
    if (v->how.type == JSON_TYPE_STUB) {
        const cmrp_stub_format *f = &v->how.stub;
        buffer_printf(out, "  %s (opnum %u), %s, protocol %u, %s, %s\n", f->method->name,
                      f->method->opnum, f->response ? "response" : "request", f->interface,
                      f->syntax == CMRP_NDR64 ? "NDR64" : "NDR",
                      f->order == CMRP_LITTLE_ENDIAN ? "little-endian" : "big-endian");
    }
    if (v->how.type == JSON_TYPE_TOWER && v->how.ept_map) {
        const cmrp_stub_format *f = &v->how.stub;
        buffer_printf(out, "  ept_map (opnum %d), %s, %s, %s\n", CMRP_EPM_OPNUM_MAP,
                      f->response ? "response" : "request",
                      f->syntax == CMRP_NDR64 ? "NDR64" : "NDR",
                      f->order == CMRP_LITTLE_ENDIAN ? "little-endian" : "big-endian");
    }
    json_array_foreach(v->flags, i, flag) {
        buffer_printf(out, "%s%s", i == 0 ? "  flags " : " ", json_string_value(flag));
    }
    buffer_printf(out, "%s", v->flags != NULL ? "\n" : "");
}

bool explain_vector(struct buffer *out, const struct explain_sources *s, const char *id) {
    const struct vector *v = vector_find(&s->vectors, id);
    if (v == NULL) {
        return false;
    }
    put_head(out, s, v);
    if (!v->has_octets) {
        put_refusal(out, v);
    } else {
        put_octets(out, v, &v->how);
        put_decoded(out, s, v, &v->how, "says");
    }
    put_outcome(out, "expected", &v->strict, v->has_octets);
    if (v->has_lenient) {
        struct json_selector how = v->how;
        how.batch_flags = CMRP_BATCH_LENIENT;
        put_outcome(out, "leniently", &v->lenient, true);
        if (v->lenient.result != VECTOR_INVALID) {
            put_decoded(out, s, v, &how, "says leniently");
        }
    }
    put_requirements(out, s, v);
    return true;
}

void explain_octets(struct buffer *out, const struct explain_sources *s, const struct vector *v) {
    put_octets(out, v, &v->how);
    put_decoded(out, s, v, &v->how, "says");
}
