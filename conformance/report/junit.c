// SPDX-License-Identifier: Apache-2.0
#include <libxml/xmlwriter.h>
#include <stdlib.h>
#include <string.h>

#include "report/clean.h"
#include "report/report.h"
#include "suite/xfail.h"

// The writer into memory fails only when memory is short; then the document is not complete XML,
// and report_junit appends nothing.
struct junit {
    xmlTextWriterPtr writer;
    bool ok;
};

static const xmlChar *x(const char *text) {
    return (const xmlChar *)text;
}

static void keep(struct junit *j, int result) {
    j->ok = j->ok && result >= 0;
}

static void open_element(struct junit *j, const char *name) {
    keep(j, xmlTextWriterStartElement(j->writer, x(name)));
}

static void close_element(struct junit *j) {
    keep(j, xmlTextWriterEndElement(j->writer));
}

static void attribute(struct junit *j, const char *name, const char *text) {
    struct buffer clean = {0};
    clean_xml(&clean, text);
    keep(j, xmlTextWriterWriteAttribute(j->writer, x(name), x(buffer_text(&clean))));
    buffer_free(&clean);
}

static void number(struct junit *j, const char *name, size_t value) {
    char *text = util_format("%zu", value);
    attribute(j, name, text);
    free(text);
}

static void seconds(struct junit *j, double value) {
    char *text = util_format("%.3f", value);
    attribute(j, "time", text);
    free(text);
}

static void body(struct junit *j, const char *text) {
    struct buffer clean = {0};
    clean_xml(&clean, text);
    keep(j, xmlTextWriterWriteString(j->writer, x(buffer_text(&clean))));
    buffer_free(&clean);
}

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

static void put_case(struct junit *j, const struct report *report, const struct suite_case *c) {
    const char *element = element_of(c->result.verdict);
    open_element(j, "testcase");
    attribute(j, "classname", json_type_name(c->vector->how.type));
    attribute(j, "name", c->id);
    seconds(j, c->result.seconds);
    if (element != NULL) {
        char *message = message_of(c);
        struct buffer sections = {0};
        report_sections(report, c->vector, &sections);
        open_element(j, element);
        attribute(j, "message", message);
        if (strcmp(element, "skipped") != 0) {
            attribute(j, "type", verdict_name(c->result.verdict));
            body(j, buffer_text(&sections));
        }
        close_element(j);
        buffer_free(&sections);
        free(message);
    }
    if (c->result.output != NULL) {
        open_element(j, "system-err");
        body(j, c->result.output);
        close_element(j);
    }
    close_element(j);
}

static void put_counts(struct junit *j, const size_t verdicts[VERDICT_COUNT], size_t cases) {
    number(j, "tests", cases);
    number(j, "failures", verdicts[VERDICT_FAIL] + verdicts[VERDICT_XPASS]);
    number(j, "errors", verdicts[VERDICT_CRASH] + verdicts[VERDICT_TIMEOUT]);
    number(j, "skipped",
           verdicts[VERDICT_XFAIL] + verdicts[VERDICT_UNSUPPORTED] + verdicts[VERDICT_NOTRUN]);
}

static void put_suite(struct junit *j, const struct report *report,
                      const struct report_counts *counts, enum json_type layer) {
    double total = 0;
    for (size_t i = 0; i < report->plan->count; i++) {
        const struct suite_case *c = &report->plan->cases[i];
        total += c->vector->how.type == layer ? c->result.seconds : 0;
    }
    open_element(j, "testsuite");
    attribute(j, "name", json_type_name(layer));
    put_counts(j, counts->verdicts[layer], counts->cases[layer]);
    seconds(j, total);
    attribute(j, "timestamp", report->started);
    for (size_t i = 0; i < report->plan->count; i++) {
        if (report->plan->cases[i].vector->how.type == layer) {
            put_case(j, report, &report->plan->cases[i]);
        }
    }
    close_element(j);
}

static void put_document(struct junit *j, const struct report *report) {
    struct report_counts counts;
    struct buffer name = {0};
    report_count(report->plan, &counts);
    buffer_printf(&name, "%s %s", report->testee_name, report->testee_version);
    xmlTextWriterSetIndent(j->writer, 1);
    keep(j, xmlTextWriterStartDocument(j->writer, NULL, "UTF-8", NULL));
    open_element(j, "testsuites");
    attribute(j, "name", buffer_text(&name));
    put_counts(j, counts.verdicts[JSON_TYPES], counts.cases[JSON_TYPES]);
    seconds(j, report->seconds);
    for (int layer = 0; layer < JSON_TYPES; layer++) {
        if (counts.cases[layer] > 0) {
            put_suite(j, report, &counts, (enum json_type)layer);
        }
    }
    close_element(j);
    keep(j, xmlTextWriterEndDocument(j->writer));
    buffer_free(&name);
}

void report_junit(const struct report *report, struct buffer *out) {
    xmlBufferPtr memory = xmlBufferCreate();
    struct junit j = {memory != NULL ? xmlNewTextWriterMemory(memory, 0) : NULL, true};
    if (j.writer != NULL) {
        put_document(&j, report);
        xmlFreeTextWriter(j.writer);
        if (j.ok) {
            buffer_append(out, xmlBufferContent(memory), (size_t)xmlBufferLength(memory));
        }
    }
    xmlBufferFree(memory);
}
