// SPDX-License-Identifier: Apache-2.0
#include "report/clean.h"

#include <string.h>

#include "util/text.h"

static const char REPLACEMENT[] = "\xef\xbf\xbd"; // U+FFFD

// Octets of the well-formed UTF-8 character at s, or 0.
static size_t character_size(const char *s, size_t left) {
    const size_t most = left < 4 ? left : 4;
    struct buffer units = {0};
    size_t size = 0;
    for (size_t n = 1; n <= most && size == 0; n++) {
        size = text_to_utf16(&units, s, n, CMRP_LITTLE_ENDIAN) ? n : 0;
    }
    buffer_free(&units);
    return size;
}

// Char of XML 1.0: tab, line feed, carriage return, U+0020 up to but not U+FFFE and U+FFFF.
static bool xml_allows(const char *s, size_t size) {
    if (size == 1) {
        return (uint8_t)*s >= 0x20 || *s == '\t' || *s == '\n' || *s == '\r';
    }
    return memcmp(s, "\xef\xbf\xbe", size < 3 ? size : 3) != 0 &&
           memcmp(s, "\xef\xbf\xbf", size < 3 ? size : 3) != 0;
}

static void clean(struct buffer *out, const char *text, bool xml) {
    size_t left = strlen(text);
    while (left > 0) {
        const size_t size = character_size(text, left);
        if (size == 0 || (xml && !xml_allows(text, size))) {
            buffer_append(out, REPLACEMENT, sizeof REPLACEMENT - 1);
        } else {
            buffer_append(out, text, size);
        }
        text += size > 0 ? size : 1;
        left -= size > 0 ? size : 1;
    }
}

void clean_utf8(struct buffer *out, const char *text) {
    clean(out, text, false);
}

void clean_xml(struct buffer *out, const char *text) {
    clean(out, text, true);
}

void clean_member(json_t *object, const char *key, const char *text) {
    if (text != NULL) {
        struct buffer clean = {0};
        clean_utf8(&clean, text);
        json_object_set_new(object, key, json_string(buffer_text(&clean)));
        buffer_free(&clean);
    }
}
