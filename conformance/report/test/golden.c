// SPDX-License-Identifier: Apache-2.0
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "report/page.h"
#include "util/file.h"

void golden_compare(const char *name, struct buffer *got) {
    struct buffer want = {0};
    char *error = NULL;
    char *path = util_format(CMRP_SOURCE_DIR "/conformance/report/test/golden/%s", name);
    if (getenv("CMRP_WRITE_GOLDEN") != NULL) {
        assert_true(file_write(path, buffer_view(got), &error));
    }
    assert_true(file_read(path, FILE_LIMIT, &want, &error));
    if (got->size != want.size || memcmp(got->data, want.data, got->size) != 0) {
        fail_msg("%s differs; the report is:\n%s", path, buffer_text(got));
    }
    buffer_free(&want);
    buffer_free(got);
    free(path);
}

// Puts `name` in place of every `part`, of which there must be at least one.
static void replace(struct buffer *text, const char *part, const char *name) {
    struct buffer out = {0};
    const char *from = buffer_text(text);
    const char *found;
    assert_non_null(strstr(from, part));
    while ((found = strstr(from, part)) != NULL) {
        buffer_append(&out, from, (size_t)(found - from));
        buffer_printf(&out, "%s", name);
        from = found + strlen(part);
    }
    buffer_printf(&out, "%s", from);
    buffer_free(text);
    *text = out;
}

void golden_keep_page(const char *name, const struct buffer *got) {
    char *error = NULL;
    char *path = util_format("%s/%s", CMRP_PAGES, name);
    mkdir(CMRP_PAGES, 0777);
    if (!file_write(path, buffer_view(got), &error)) {
        fail_msg("%s", error);
    }
    free(path);
}

void golden_compare_page(const char *name, struct buffer *got) {
    golden_keep_page(name, got);
    replace(got, page_style, "STYLE");
    replace(got, page_script, "SCRIPT");
    replace(got, page_style_hash, "STYLE-HASH");
    replace(got, page_script_hash, "SCRIPT-HASH");
    golden_compare(name, got);
}
