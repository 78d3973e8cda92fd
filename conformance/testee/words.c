// SPDX-License-Identifier: Apache-2.0
#include "testee/words.h"

#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"

static const char BLANKS[] = " \t\n";

// Inside double quotes a backslash is an ordinary character before all others than these.
static bool escapes_in_quotes(char next) {
    return next != '\0' && strchr("\"\\$`\n", next) != NULL;
}

// Reads the quoted part that starts at text[0], a quote, into word. Returns the place behind the
// closing quote, or NULL.
static const char *read_quoted(const char *text, struct buffer *word) {
    const char quote = *text++;
    for (; *text != quote; text++) {
        if (*text == '\0') {
            return NULL;
        }
        if (quote == '"' && *text == '\\' && escapes_in_quotes(text[1])) {
            text++;
            if (*text == '\n') {
                continue;
            }
        }
        buffer_append(word, text, 1);
    }
    return text + 1;
}

// Reads one word, whose first character is not a blank. Returns the place behind it, or NULL with
// *why set.
static const char *read_word(const char *text, struct buffer *word, const char **why) {
    while (*text != '\0' && strchr(BLANKS, *text) == NULL) {
        if (*text == '\'' || *text == '"') {
            text = read_quoted(text, word);
            if (text == NULL) {
                *why = "a quote is not closed";
                return NULL;
            }
            continue;
        }
        if (*text == '\\') {
            text++;
            if (*text == '\0') {
                *why = "a backslash stands at the end";
                return NULL;
            }
            if (*text == '\n') {
                text++;
                continue;
            }
        }
        buffer_append(word, text++, 1);
    }
    return text;
}

char **words_split(const char *line, char **error) {
    char **words = util_alloc(sizeof *words);
    size_t count = 0;
    const char *why = NULL;
    const char *at = line + strspn(line, BLANKS);
    while (at != NULL && *at != '\0') {
        struct buffer word = {0};
        at = read_word(at, &word, &why);
        if (at != NULL) {
            words = util_grow(words, count + 2, sizeof *words);
            words[count++] = util_strdup(buffer_text(&word));
            words[count] = NULL;
            at += strspn(at, BLANKS);
        }
        buffer_free(&word);
    }
    if (why == NULL && count == 0) {
        why = "there is no command";
    }
    if (why != NULL) {
        *error = util_strdup(why);
        words_free(words);
        return NULL;
    }
    return words;
}

void words_free(char **words) {
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        free(words[i]);
    }
    free(words);
}
