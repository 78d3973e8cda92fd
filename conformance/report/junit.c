// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/xml.h"
#include "suite/xfail.h"

// The element that tells what is the matter with a case; NULL: nothing is.
static const char *element_of(enum verdict verdict) {
    switch (verdict) {
    case VERDICT_FAIL:
    case VERDICT_XPASS: return "failure";
    case VERDICT_CRASH:
    case VERDICT_TIMEOUT: return "error";
    case VERDICT_XFAIL:
    case VERDICT_UNSUPPORTED:
    case VERDICT_NOTRUN: return "skipped";
    default: return NULL;
    }
}

static char *message_of(const struct suite_case *c) {
    const struct case_result *r = &c->result;
    if (r->verdict == VERDICT_XFAIL || r->verdict == VERDICT_XPASS) {
        return util_format("%s: %s", verdict_name(r->verdict), c->xfail->reason);
    }
    return util_format("%s: %s%s%s%s", verdict_name(r->verdict),
                       r->expected != NULL ? "expected " : "",
                       r->expected != NULL ? r->expected : "", r->expected != NULL ? "; got " : "",
                       r->got != NULL ? r->got : "");
}

static void put_case(struct xml *j, const struct report *report, const struct suite_case *c) {
    const char *element = element_of(c->result.verdict);
    xml_open(j, "testcase");
    xml_attribute(j, "classname", json_type_name(c->vector->how.type));
    xml_attribute(j, "name", c->id);
    xml_seconds(j, c->result.seconds);
    if (element != NULL) {
        char *message = message_of(c);
        struct buffer sections = {0};
        report_sections(report, c->vector, &sections);
        xml_open(j, element);
        xml_attribute(j, "message", message);
        if (strcmp(element, "skipped") != 0) {
            xml_attribute(j, "type", verdict_name(c->result.verdict));
            xml_text(j, buffer_text(&sections));
        }
        xml_close(j);
        buffer_free(&sections);
        free(message);
    }
    if (c->result.output != NULL) {
        xml_open(j, "system-err");
        xml_text(j, c->result.output);
        xml_close(j);
    }
    xml_close(j);
}

static void put_suite(struct xml *j, const struct report *report,
                      const struct report_counts *counts, enum json_type layer) {
    double total = 0;
    for (size_t i = 0; i < report->plan->count; i++) {
        const struct suite_case *c = &report->plan->cases[i];
        total += c->vector->how.type == layer ? c->result.seconds : 0;
    }
    xml_open(j, "testsuite");
    xml_attribute(j, "name", json_type_name(layer));
    xml_verdicts(j, counts->verdicts[layer], counts->cases[layer]);
    xml_seconds(j, total);
    xml_attribute(j, "timestamp", report->started);
    for (size_t i = 0; i < report->plan->count; i++) {
        if (report->plan->cases[i].vector->how.type == layer) {
            put_case(j, report, &report->plan->cases[i]);
        }
    }
    xml_close(j);
}

static void put_document(struct xml *j, const void *subject) {
    const struct report *report = subject;
    struct report_counts counts;
    struct buffer name = {0};
    report_count(report->plan, &counts);
    buffer_printf(&name, "%s %s", report->testee_name, report->testee_version);
    xml_open(j, "testsuites");
    xml_attribute(j, "name", buffer_text(&name));
    xml_verdicts(j, counts.verdicts[JSON_TYPES], counts.cases[JSON_TYPES]);
    xml_seconds(j, report->seconds);
    for (int layer = 0; layer < JSON_TYPES; layer++) {
        if (counts.cases[layer] > 0) {
            put_suite(j, report, &counts, (enum json_type)layer);
        }
    }
    xml_close(j);
    buffer_free(&name);
}

void report_junit(const struct report *report, struct buffer *out) {
    xml_document(out, put_document, report);
}
