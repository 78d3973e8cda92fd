// SPDX-License-Identifier: Apache-2.0
// XML for the JUnit reports, on libxml2's writer. Not for other folders.
//
// The writer into memory fails only when memory is short; then the document is not complete, and
// nothing of it is appended. What XML 1.0 forbids in text is replaced.
#ifndef REPORT_XML_H
#define REPORT_XML_H

#include <libxml/xmlwriter.h>

#include "suite/plan.h"

struct xml {
    xmlTextWriterPtr writer;
    bool ok;
};

// Appends a document: `put` writes its root element.
void xml_document(struct buffer *out, void (*put)(struct xml *xml, const void *subject),
                  const void *subject);

void xml_open(struct xml *xml, const char *name);
void xml_close(struct xml *xml);
void xml_attribute(struct xml *xml, const char *name, const char *text);
void xml_number(struct xml *xml, const char *name, uint64_t value);
void xml_seconds(struct xml *xml, double value); // the attribute time
void xml_text(struct xml *xml, const char *text);
// The attributes tests, failures, errors and skipped.
void xml_verdicts(struct xml *xml, const size_t verdicts[VERDICT_COUNT], size_t cases);

#endif
