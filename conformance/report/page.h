// SPDX-License-Identifier: Apache-2.0
// The style and the script that every HTML page carries, made from page.css and page.js.
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

extern const char page_style[];
extern const char page_script[];
// What a content security policy calls them: "sha256-…".
extern const char page_style_hash[];
extern const char page_script_hash[];

#endif
