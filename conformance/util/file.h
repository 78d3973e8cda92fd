// SPDX-License-Identifier: Apache-2.0
// Whole files in, results out.
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include "util/buffer.h"

enum { FILE_LIMIT = 256 * 1024 * 1024 }; // octets of input that are read whole

// What messages call a file: its path, or "standard input" for "-".
const char *file_shown_name(const char *path);

// Reads a file ("-": standard input) into out. Returns false with *error set (free it): the file's
// name and the reason. More than `limit` octets are refused.
bool file_read(const char *path, size_t limit, struct buffer *out, char **error);

// The same for data that lie in a plain file: a directory, FIFO, socket or device is refused with
// its kind, so that nobody waits for a writer who never comes. "-" is standard input here, too.
bool file_read_plain(const char *path, size_t limit, struct buffer *out, char **error);

// Writes a file whole. A failed write leaves no half file behind. "-" is standard output: that
// never fails here (error may be NULL), file_stdout_ok tells in the end.
bool file_write(const char *path, cmrp_view content, char **error);

// Makes later failures of standard output tell their reason. Call it once, before anything is
// printed.
void file_watch_stdout(void);
// Flushes standard output and says whether everything that was ever written to it has arrived. The
// reason (a full disk, a closed pipe) goes to standard error, once.
bool file_stdout_ok(void);

#endif
