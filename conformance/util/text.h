// SPDX-License-Identifier: Apache-2.0
// Text: UTF-16 to UTF-8 and back, times, and hostile names made safe for a terminal.
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include "util/buffer.h"

// Appends UTF-16 units as UTF-8. Unpaired surrogates become U+FFFD; the caller checks first where
// that matters.
void text_from_utf16(struct buffer *out, cmrp_view units, cmrp_order order);
// Appends valid UTF-8 as UTF-16 units without a NUL. false for invalid UTF-8.
bool text_to_utf16(struct buffer *out, const char *utf8, size_t size, cmrp_order order);

// The same without loss, both ways: unpaired surrogates are kept as three octets each (generalised
// UTF-8), all else is UTF-8. NULs are kept too. An odd last octet of units is left out.
void text_from_units(struct buffer *out, cmrp_view units, cmrp_order order);
// false, with nothing appended, for what text_from_units does not make: invalid octets, or a pair
// of surrogates as twice three octets.
bool text_to_units(struct buffer *out, const char *text, size_t size, cmrp_order order);
// How many units text_to_units makes of it.
size_t text_units(const char *text, size_t size);

// Case folding: every character of the Basic Multilingual Plane to its simple upper case, by a
// table that is part of the source (fold_table.py). Two letters that are not ASCII but have upper
// cases that are stay as they are (U+0131, U+017F). What is not generalised UTF-8 stays as it is.
void text_fold(struct buffer *out, const char *text, size_t size);
// Compares by code points without regard to case, as strcmp does.
int text_compare_folded(const char *a, const char *b);

// Appends a moment, UTC: "2026-01-02T03:04:05.123Z" with 3 digits of the second's fraction (at most
// 9). seconds: since 1970.
void text_utc(struct buffer *out, int64_t seconds, uint32_t nanoseconds, int digits);

// Appends UTF-8 text so that a terminal shows it and does nothing else: control characters, DEL,
// C1, bidirectional and other invisible format characters as \xNN or \u{N}; backslash and quote
// escaped; octets that are not UTF-8 as \xNN.
void text_escape(struct buffer *out, const char *utf8, size_t size);
// The same for a whole message, whose own quotes and backslashes stay.
void text_make_safe(struct buffer *out, const char *utf8, size_t size);
// The same for UTF-16; unpaired surrogates as \u{dNNN}.
void text_escape_utf16(struct buffer *out, cmrp_view units, cmrp_order order);

#endif
