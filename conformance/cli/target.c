// SPDX-License-Identifier: Apache-2.0
#include "cli/target.h"

#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"

static bool read_port(const char *text, uint16_t *port) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    *port = (uint16_t)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value > 0 && value <= UINT16_MAX;
}

bool cli_read_target(const char *text, char **host, uint16_t *port) {
    const char *close = *text == '[' ? strchr(text, ']') : NULL;
    const char *colon = strchr(close != NULL ? close : text, ':');
    const bool bare = close == NULL && colon != NULL && strchr(colon + 1, ':') != NULL;
    const char *start = close != NULL ? text + 1 : text;
    const char *end = close != NULL ? close : text + strlen(text);
    *port = 0;
    if (*text == '[' && (close == NULL || (close[1] != '\0' && close[1] != ':'))) {
        return false;
    }
    if (colon != NULL && !bare) {
        end = close != NULL ? close : colon;
        if (!read_port(colon + 1, port)) {
            return false;
        }
    }
    if (end == start) {
        return false;
    }
    *host = util_format("%.*s", (int)(end - start), start);
    return true;
}
