// SPDX-License-Identifier: Apache-2.0
#include "suite/shown.h"

#include "util/text.h"

void shown_text(struct buffer *out, const char *text, size_t size) {
    size_t start = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i == size || text[i] == '"' || text[i] == '\\') {
            text_escape(out, text + start, i - start);
            buffer_append(out, text + i, i < size);
            start = i + 1;
        }
    }
}
