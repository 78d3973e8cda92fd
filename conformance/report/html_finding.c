// SPDX-License-Identifier: Apache-2.0
#include "report/html_finding.h"

#include <string.h>

#include "report/html.h"
#include "report/judgement_parts.h"

bool finding_selector(const struct judge_finding *f, struct json_selector *how) {
    *how = (struct json_selector){.type = JSON_TYPE_PDU};
    if (f->octets_at != 0 || f->whole != f->octets.size || f->whole == 0) {
        return false;
    }
    if (f->place == JUDGE_PDU) {
        return true;
    }
    const cmrp_method *method =
        f->of_call && (f->interface == CMRP_INTERFACE_2 || f->interface == CMRP_INTERFACE_3)
            ? cmrp_method_numbered(f->interface, f->opnum)
            : NULL;
    if (method == NULL || f->syntax == NULL) {
        return false;
    }
    how->type = JSON_TYPE_STUB;
    how->stub = (cmrp_stub_format){
        .method = method,
        .interface = f->interface,
        .response = f->place == JUDGE_RESPONSE,
        .syntax = strcmp(f->syntax, "ndr64") == 0 ? CMRP_NDR64 : CMRP_NDR20,
        .order = f->little_endian ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN,
    };
    return true;
}

static void put_octets(const struct judge_finding *f, struct buffer *out) {
    struct json_selector how;
    struct field_spans spans;
    size_t from = HTML_UNMARKED;
    size_t to = HTML_UNMARKED;
    const bool known = finding_selector(f, &how);
    if (f->octets.size == 0) {
        return;
    }
    judgement_wrong(f, &from, &to);
    if (known) {
        fields_find(&how, buffer_view(&f->octets), HTML_SPANS, &spans);
    }
    html_octets(out, &(struct html_octets){.label = "Octets",
                                           .octets = buffer_view(&f->octets),
                                           .at = f->octets_at,
                                           .spans = known ? &spans : NULL,
                                           .from = from,
                                           .to = to});
    if (f->whole > f->octets.size) {
        buffer_printf(out, "<p>%zu of the %llu octets of the %s.</p>\n", f->octets.size,
                      (unsigned long long)f->whole, judge_place_name(f->place));
    }
    if (known) {
        fields_free(&spans);
    }
}

void html_finding(const struct judgement *j, const struct judge_finding *f, bool octets,
                  const bool *events, struct buffer *out) {
    struct buffer text = {0};
    buffer_printf(out, "<section class=\"finding\" id=\"f-");
    html_id(out, f->id);
    buffer_printf(out, "\">\n<h4>%s, frame %llu: ", judge_level_name(f->level),
                  (unsigned long long)f->frame);
    judgement_where(f, &text);
    html_text(out, buffer_text(&text));
    buffer_printf(out, "</h4>\n<p class=\"message\">");
    html_text(out, f->message);
    buffer_printf(out, "</p>\n<p><strong>Change:</strong> ");
    html_text(out, f->advice);
    buffer_clear(&text);
    judgement_citation(f->section, f->requirement, &text);
    buffer_printf(out, " [");
    html_text(out, buffer_text(&text));
    buffer_printf(out, "]</p>\n");
    if (octets) {
        put_octets(f, out);
    }
    buffer_printf(out, "<p class=\"where\">");
    html_code(out, f->id);
    buffer_clear(&text);
    judgement_connection(j, f->connection, &text);
    if (text.size > 0) {
        buffer_printf(out, ", ");
        html_text(out, buffer_text(&text));
    }
    if (f->time.seconds != 0) {
        buffer_clear(&text);
        judgement_time(f->time, &text);
        buffer_printf(out, ", %s", buffer_text(&text));
    }
    if (f->event < j->event_count && events[f->event]) {
        buffer_printf(out, "; <a href=\"#e-%zu\">in the sequence</a>", f->event + 1);
    }
    buffer_printf(out, "</p>\n</section>\n");
    buffer_free(&text);
}
