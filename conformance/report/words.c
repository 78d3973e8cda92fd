// SPDX-License-Identifier: Apache-2.0
#include "report/words.h"

#include <string.h>

void words_quote(struct buffer *out, const char *word) {
    static const char usual[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,";
    if (*word != '\0' && word[strspn(word, usual)] == '\0') {
        buffer_printf(out, "%s", word);
        return;
    }
    buffer_printf(out, "'");
    for (; *word != '\0'; word++) {
        buffer_printf(out, "%s%c", *word == '\'' ? "'\\'" : "", *word);
    }
    buffer_printf(out, "'");
}
