// SPDX-License-Identifier: Apache-2.0
#include "report/html_case.h"

#include <stdlib.h>
#include <string.h>

#include "report/marks.h"
#include "suite/xfail.h"
#include "util/hex.h"

enum {
    OUTPUT = 4096, // octets of standard error
    VALUE = 3072,  // octets of a value
};

const char *html_case_meaning(enum verdict verdict) {
    switch (verdict) {
    case VERDICT_PASS: return "right";
    case VERDICT_FAIL: return "wrong";
    case VERDICT_XFAIL: return "wrong, as the xfail file says";
    case VERDICT_XPASS: return "right, although the xfail file says otherwise";
    case VERDICT_UNSUPPORTED: return "the testee does not do this";
    case VERDICT_CRASH: return "the testee died";
    case VERDICT_TIMEOUT: return "no answer in time";
    default: return "the run ended before its turn";
    }
}

void html_case_words(const struct suite_case *c, struct buffer *out) {
    const struct case_result *r = &c->result;
    if (r->verdict == VERDICT_XPASS) {
        buffer_printf(out, "passed, expected: %s", verdict_name(c->xfail->verdict));
    }
    if (r->expected != NULL) {
        buffer_printf(out, "expected ");
        html_text(out, r->expected);
        buffer_printf(out, "%s", r->got != NULL ? "; got " : "");
    }
    if (r->got != NULL) {
        html_text(out, r->got);
    }
    if (c->xfail != NULL && (r->verdict == VERDICT_XFAIL || r->verdict == VERDICT_XPASS)) {
        buffer_printf(out, " (");
        html_text(out, c->xfail->reason);
        buffer_printf(out, ")");
    }
}

// ---- octets -------------------------------------------------------------------------------------

// How the first of two runs of octets is shown against the second one.
struct compared {
    const char *title;
    cmrp_view octets;
    cmrp_view other;
    bool by_octet;       // what differs is marked
    const char *pointer; // else the member that differs, or NULL,
    bool error;          // or what does not decode
};

static void put_octets(struct buffer *out, const struct suite_case *c, const struct compared *x) {
    struct field_spans spans;
    size_t from = HTML_UNMARKED;
    size_t to = HTML_UNMARKED;
    const char *complaint = NULL;
    char text[320];
    fields_find(&c->vector->how, x->octets, HTML_SPANS, &spans);
    if (x->error && marks_of_error(&spans, &from, &to)) {
        cmrp_error_format(&spans.error, text, sizeof text);
        complaint = text;
    } else if (x->pointer != NULL) {
        marks_of_pointer(&c->vector->how, &spans, x->pointer, &from, &to);
    }
    buffer_printf(out, "<h4>%s: %zu octets</h4>\n", x->title, x->octets.size);
    html_octets(out, &(struct html_octets){.label = x->title,
                                           .octets = x->octets,
                                           .spans = &spans,
                                           .from = from,
                                           .to = to,
                                           .other = x->by_octet ? &x->other : NULL});
    if (complaint != NULL) {
        buffer_printf(out, "<p class=\"complaint\">");
        html_text(out, complaint);
        buffer_printf(out, "</p>\n");
    }
    fields_free(&spans);
}

// The octets that the testee made, where they are octets.
static bool read_answer(const struct suite_case *c, struct buffer *octets) {
    const struct case_result *r = &c->result;
    size_t at;
    return c->op == CASE_ENCODE && r->answer != NULL && r->answer_size <= CASE_ANSWER &&
           hex_parse(r->answer, strlen(r->answer), octets, &at);
}

static bool has_many_forms(const struct vector *v) {
    return v->how.type == JSON_TYPE_STUB || v->how.type == JSON_TYPE_PDU ||
           v->how.type == JSON_TYPE_TOWER;
}

static void put_all_octets(struct buffer *out, const struct suite_case *c) {
    const struct vector *v = c->vector;
    const struct case_result *r = &c->result;
    const cmrp_view want = buffer_view(&v->octets);
    struct buffer got = {0};
    const bool answered = read_answer(c, &got);
    const bool differ = answered && v->has_octets && !has_many_forms(v);
    if (v->has_octets) {
        put_octets(out, c,
                   &(struct compared){
                       .title = c->op == CASE_DECODE ? "What was given" : "What was expected",
                       .octets = want,
                       .other = buffer_view(&got),
                       .by_octet = differ,
                       .pointer = r->pointer,
                       .error = c->op == CASE_DECODE && v->strict.result == VECTOR_INVALID,
                   });
    }
    if (answered) {
        put_octets(out, c,
                   &(struct compared){
                       .title = "What came",
                       .octets = buffer_view(&got),
                       .other = want,
                       .by_octet = differ,
                       .pointer = r->pointer,
                       .error = !differ,
                   });
    }
    buffer_free(&got);
}

// ---- values -------------------------------------------------------------------------------------

static void put_value(struct buffer *out, const char *title, const char *text) {
    buffer_printf(out,
                  "<details class=\"value\"><summary>%s</summary>\n"
                  "<pre tabindex=\"0\" role=\"region\" aria-label=\"%s\">",
                  title, title);
    html_lines(out, text, VALUE);
    buffer_printf(out, "</pre></details>\n");
}

static void put_json(struct buffer *out, const char *title, const json_t *value) {
    char *text = value != NULL ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    if (text != NULL) {
        put_value(out, title, text);
    }
    free(text);
}

static void put_values(struct buffer *out, const struct suite_case *c) {
    const struct case_result *r = &c->result;
    put_json(out, c->op == CASE_DECODE ? "The value that was expected" : "The value that was given",
             c->vector->strict.value);
    if (c->op == CASE_DECODE && r->answer != NULL) {
        json_t *value = json_loads(r->answer, JSON_DECODE_ANY, NULL);
        if (value != NULL) {
            put_json(out, "The answer", value);
        } else {
            put_value(out, "The answer", r->answer);
        }
        json_decref(value);
    }
}

// ---- the rest -----------------------------------------------------------------------------------

static void put_selector(struct buffer *out, const struct vector *v) {
    const cmrp_stub_format *f = &v->how.stub;
    buffer_printf(out, "<p>");
    html_text(out, v->comment);
    if (v->how.type == JSON_TYPE_STUB) {
        buffer_printf(out, " (%s, %s, protocol %u, %s, %s-endian)", f->method->name,
                      f->response ? "response" : "request", f->interface,
                      f->syntax == CMRP_NDR64 ? "NDR64" : "NDR",
                      f->order == CMRP_LITTLE_ENDIAN ? "little" : "big");
    } else if (v->how.type == JSON_TYPE_CHANGE) {
        buffer_printf(out, " (%s)", v->how.set->name);
    } else if (v->how.type == JSON_TYPE_PAYLOAD) {
        buffer_printf(out, " (%s)", v->how.flag->name);
    }
    buffer_printf(out, "</p>\n");
}

static void put_requirements(struct buffer *out, const struct report *report,
                             const struct vector *v) {
    size_t i;
    json_t *id;
    buffer_printf(out, "<h4>What it rests on</h4>\n<ul>\n");
    json_array_foreach(v->requirements, i, id) {
        const char *name = json_string_value(id);
        const struct requirement *r =
            report->catalogue != NULL ? catalogue_find(report->catalogue, name) : NULL;
        struct buffer section = {0};
        buffer_printf(out, "<li>");
        if (r != NULL) {
            catalogue_cite(&section, r);
            buffer_printf(out, "[");
            html_text(out, buffer_text(&section));
            buffer_printf(out, "] ");
            html_text(out, r->statement);
            buffer_printf(out, " (%s, ", requirement_level_name(r->level));
        } else {
            buffer_printf(out, "(");
        }
        html_code(out, name);
        buffer_printf(out, ")</li>\n");
        buffer_free(&section);
    }
    if (v->requirements == NULL) {
        buffer_printf(out, "<li>");
        html_text(out, v->source);
        buffer_printf(out, "</li>\n");
    }
    buffer_printf(out, "</ul>\n");
}

static void put_commands(struct buffer *out, const struct report *report,
                         const struct suite_case *c) {
    struct buffer vectors = {0};
    if (report->vectors != NULL) {
        buffer_printf(&vectors, " --vectors ");
        html_word(&vectors, report->vectors);
    }
    const char *extra = buffer_text(&vectors);
    buffer_printf(
        out,
        "<h4>To see it again</h4>\n<pre class=\"commands\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"Commands\">cmrp explain %s%s\ncmrp export %s --as %s%s\n",
        c->vector->id, extra, c->vector->id, c->vector->has_octets ? "hex" : "json", extra);
    buffer_printf(out, "cmrp conform --testee ");
    html_word(out, report->command);
    buffer_printf(out, "%s %s</pre>\n", extra, c->id);
    buffer_free(&vectors);
}

void html_case_details(const struct report *report, const struct suite_case *c,
                       struct buffer *out) {
    put_selector(out, c->vector);
    put_all_octets(out, c);
    put_values(out, c);
    if (c->result.output != NULL) {
        buffer_printf(out, "<h4>What it wrote to standard error</h4>\n<pre tabindex=\"0\" "
                           "role=\"region\" aria-label=\"Standard error\">");
        html_lines(out, c->result.output, OUTPUT);
        buffer_printf(out, "</pre>\n");
    }
    put_requirements(out, report, c->vector);
    put_commands(out, report, c);
}
