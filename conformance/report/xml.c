// SPDX-License-Identifier: Apache-2.0
#include "report/xml.h"

#include <stdlib.h>
#include <string.h>

#include "report/clean.h"

static const xmlChar *x(const char *text) {
    return (const xmlChar *)text;
}

static void keep(struct xml *j, int result) {
    j->ok = j->ok && result >= 0;
}

void xml_open(struct xml *j, const char *name) {
    keep(j, xmlTextWriterStartElement(j->writer, x(name)));
}

void xml_close(struct xml *j) {
    keep(j, xmlTextWriterEndElement(j->writer));
}

void xml_attribute(struct xml *j, const char *name, const char *text) {
    struct buffer clean = {0};
    clean_xml(&clean, text);
    keep(j, xmlTextWriterWriteAttribute(j->writer, x(name), x(buffer_text(&clean))));
    buffer_free(&clean);
}

void xml_number(struct xml *j, const char *name, uint64_t value) {
    char *text = util_format("%llu", (unsigned long long)value);
    xml_attribute(j, name, text);
    free(text);
}

void xml_seconds(struct xml *j, double value) {
    char *text = util_format("%.3f", value);
    xml_attribute(j, "time", text);
    free(text);
}

void xml_text(struct xml *j, const char *text) {
    struct buffer clean = {0};
    clean_xml(&clean, text);
    keep(j, xmlTextWriterWriteString(j->writer, x(buffer_text(&clean))));
    buffer_free(&clean);
}

void xml_verdicts(struct xml *j, const size_t verdicts[VERDICT_COUNT], size_t cases) {
    xml_number(j, "tests", cases);
    xml_number(j, "failures", verdicts[VERDICT_FAIL] + verdicts[VERDICT_XPASS]);
    xml_number(j, "errors", verdicts[VERDICT_CRASH] + verdicts[VERDICT_TIMEOUT]);
    xml_number(j, "skipped",
               verdicts[VERDICT_XFAIL] + verdicts[VERDICT_UNSUPPORTED] + verdicts[VERDICT_NOTRUN]);
}

void xml_document(struct buffer *out, void (*put)(struct xml *xml, const void *subject),
                  const void *subject) {
    xmlBufferPtr memory = xmlBufferCreate();
    struct xml j = {memory != NULL ? xmlNewTextWriterMemory(memory, 0) : NULL, true};
    if (j.writer != NULL) {
        xmlTextWriterSetIndent(j.writer, 1);
        keep(&j, xmlTextWriterStartDocument(j.writer, NULL, "UTF-8", NULL));
        put(&j, subject);
        keep(&j, xmlTextWriterEndDocument(j.writer));
        xmlFreeTextWriter(j.writer);
        if (j.ok) {
            buffer_append(out, xmlBufferContent(memory), (size_t)xmlBufferLength(memory));
        }
    }
    xmlBufferFree(memory);
}
