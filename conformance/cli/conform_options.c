// SPDX-License-Identifier: Apache-2.0
#include "cli/conform_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/file.h"

const double conform_wait = 10;
static const double SECONDS_MAXIMUM = 86400;

enum outcome conform_take_level(const char *text, enum requirement_level *level) {
    *level = strcmp(text, "must") == 0 ? LEVEL_MUST : LEVEL_SHOULD;
    if (*level == LEVEL_MUST || strcmp(text, "should") == 0) {
        return OUTCOME_OK;
    }
    return cli_usage("conform", "--level takes must or should, not \"%.20s\"", text);
}

enum outcome conform_take_seconds(const char *text, double *seconds) {
    char *end;
    errno = 0;
    *seconds = strtod(text, &end);
    if (errno == 0 && end != text && *end == '\0' && *seconds > 0 && *seconds <= SECONDS_MAXIMUM) {
        return OUTCOME_OK;
    }
    return cli_usage("conform", "--timeout takes seconds, not \"%.20s\"", text);
}

static bool goes_to_stdout(const char *path) {
    return path != NULL && strcmp(path, "-") == 0;
}

static int count_stdout(const struct conform_forms *forms) {
    return goes_to_stdout(forms->json) + goes_to_stdout(forms->junit) + goes_to_stdout(forms->html);
}

enum outcome conform_check_forms(const struct conform_forms *forms) {
    return count_stdout(forms) <= 1
               ? OUTCOME_OK
               : cli_usage("conform", "only one of --json, --junit and --html can be standard "
                                      "output");
}

bool conform_stdout_taken(const struct conform_forms *forms) {
    return count_stdout(forms) > 0;
}

void conform_print(struct buffer *text) {
    fwrite(text->data, 1, text->size, stdout);
    fflush(stdout);
    buffer_free(text);
}

enum outcome conform_write(const char *path, struct buffer *text) {
    char *error = NULL;
    const bool ok = file_write(path, buffer_view(text), &error);
    buffer_free(text);
    return ok ? OUTCOME_OK : cli_refuse(error);
}
