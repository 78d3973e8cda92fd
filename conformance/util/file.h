// SPDX-License-Identifier: Apache-2.0
// Whole files in, results out.
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include "util/buffer.h"

enum { FILE_LIMIT = 256 * 1024 * 1024 }; // octets of input that are read whole

// Reads a file ("-": standard input) into out. Returns false with *error set (free it): the file's
// name and the reason. More than `limit` octets are refused.
bool file_read(const char *path, size_t limit, struct buffer *out, char **error);

// Writes a file whole ("-": standard output). A failed write leaves no half file behind.
bool file_write(const char *path, cmrp_view content, char **error);

// Flushes standard output and says whether everything that was ever written to it has arrived. The
// reason (a full disk, a closed pipe) goes to standard error, once.
bool file_stdout_ok(void);

#endif
