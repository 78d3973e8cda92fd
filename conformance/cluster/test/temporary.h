// SPDX-License-Identifier: Apache-2.0
// Files of a test program.
#ifndef CLUSTER_TEST_TEMPORARY_H
#define CLUSTER_TEST_TEMPORARY_H

// The path of a file (free() it) in a directory of the program's own, which is gone with all that
// is in it when the program ends; not when a process that it forked ends.
char *temporary(const char *name);

#endif
