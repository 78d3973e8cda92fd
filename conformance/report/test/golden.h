// SPDX-License-Identifier: Apache-2.0
// Golden files of the reports.
#ifndef REPORT_TEST_GOLDEN_H
#define REPORT_TEST_GOLDEN_H

#include "util/buffer.h"

// Compares with golden/NAME and frees what was got. With CMRP_WRITE_GOLDEN=1 the file is written
// anew instead.
void golden_compare(const char *name, struct buffer *got);
// The same for a page: the style and the script, and their hashes, are not compared. The page as it
// is is kept as CMRP_PAGES/NAME, for test_pages.py.
void golden_compare_page(const char *name, struct buffer *got);

// Keeps a page that is not compared.
void golden_keep_page(const char *name, const struct buffer *got);

#endif
