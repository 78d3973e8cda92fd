// SPDX-License-Identifier: Apache-2.0
// What the HTML reports are made of. Not for other folders.
//
// A page is one file that needs nothing else. Its text is there without the script, which only
// filters; a content security policy lets nothing run or load but the page's own style and script.
// Text of unknown origin goes through html_text: markup escaped, control and bidirectional
// characters shown as \xNN and \u{N}.
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "suite/fields.h"
#include "suite/plan.h"

// ---- text ---------------------------------------------------------------------------------------

// Appends one line of text, fit for content and for quoted attribute values.
void html_text(struct buffer *out, const char *text);
void html_part(struct buffer *out, const char *text, size_t size);
// The same for the first `limit` octets of it.
void html_start(struct buffer *out, const char *text, size_t limit);
// The same for several lines; at most `limit` octets, then says how many there are.
void html_lines(struct buffer *out, const char *text, size_t limit);
// Appends what may stand in an id attribute and behind # for any text; different texts differ.
void html_id(struct buffer *out, const char *text);
// <code>text</code>
void html_code(struct buffer *out, const char *text);
// A command line that can be copied: words with other characters than usual are quoted for shells.
void html_word(struct buffer *out, const char *word);

// ---- the page -----------------------------------------------------------------------------------

// From the doctype to the opened <main>. `heading` is the title, too.
void html_open(struct buffer *out, const char *heading);
// The rest. `started`: when the run began, or "".
void html_close(struct buffer *out, const char *started);
// A name in colour, the text always being there.
void html_verdict(struct buffer *out, enum verdict verdict);

// The form that the script fills with life; hidden without. The options of the lists are names;
// options NULL leaves a list out.
struct html_choice {
    const char *key;   // of the data attribute
    const char *label; // for people
    const char *all;   // the text of the first option, which chooses everything
    const char *const *options;
    size_t count;
    bool indexed; // the data attribute holds indices of options
};
void html_filter(struct buffer *out, const struct html_choice *choices, size_t count);

// ---- octets -------------------------------------------------------------------------------------

enum { HTML_SPANS = 400 }; // fields that are named

// Octets in lines, each with its offset, its field and what it is as text.
struct html_octets {
    const char *label; // for people who do not see the block
    cmrp_view octets;
    uint64_t at;                     // offset of the first octet
    const struct field_spans *spans; // their fields, or NULL
    size_t from, to;                 // what is wrong: marked; from == to: a point is marked, unless
                                     // both are HTML_UNMARKED
    const cmrp_view *other;          // or what differs from this is marked, or NULL
};
#define HTML_UNMARKED ((size_t)-1)

void html_octets(struct buffer *out, const struct html_octets *what);

#endif
