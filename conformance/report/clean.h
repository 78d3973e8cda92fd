// SPDX-License-Identifier: Apache-2.0
// Text of unknown origin made fit for documents.
#ifndef REPORT_CLEAN_H
#define REPORT_CLEAN_H

#include <jansson.h>

#include "util/buffer.h"

// Appends text; each octet that is not part of well-formed UTF-8 becomes U+FFFD.
void clean_utf8(struct buffer *out, const char *text);
// Sets a member of an object to such text; nothing for NULL.
void clean_member(json_t *object, const char *key, const char *text);
// The same; characters that XML 1.0 does not allow become U+FFFD, too.
void clean_xml(struct buffer *out, const char *text);

#endif
