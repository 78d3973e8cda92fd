// SPDX-License-Identifier: Apache-2.0
// A disk that fails when it is told to: SQLite's files go through it. [sqlite3_vfs]
#ifndef CLUSTER_TEST_FAULTY_DISK_H
#define CLUSTER_TEST_FAULTY_DISK_H

#include <stdbool.h>

// From here on all files that SQLite opens; once a program.
void faulty_disk_install(void);
// The operation number `after` from now on (0: the next) fails with this SQLite code, and, where
// lasting, all behind it. Operations are writes, truncations and syncs. A sync that fails has
// nevertheless written, and so has half of a write.
void faulty_disk_fail(int after, int code, bool lasting);
void faulty_disk_mend(void);
// Operations since the last call of either; whether one has failed.
int faulty_disk_count(void);
int faulty_disk_syncs(void); // among them
bool faulty_disk_failed(void);

#endif
