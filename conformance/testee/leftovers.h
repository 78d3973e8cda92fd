// SPDX-License-Identifier: Apache-2.0
// Processes that outlive the testee that started them.
//
// What stays in the testee's process group is killed with it (process.h). What has left it, as a
// daemon does, is found where the kernel hands orphans to this process: on Linux. Elsewhere the
// functions do nothing, and such a process merely finds its pipes closed.
#ifndef TESTEE_LEFTOVERS_H
#define TESTEE_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct leftovers {
    bool was_reaper; // before leftovers_begin
    pid_t *before;   // children that this process had then: none of ours
    size_t before_count;
    pid_t *groups; // process groups of testees
    size_t group_count;
};

// From now on orphans become children of this process. Each begin wants an end.
void leftovers_begin(struct leftovers *l);
void leftovers_end(struct leftovers *l);

// A testee with this process group was started.
void leftovers_add_group(struct leftovers *l, pid_t group);

// Kills and reaps every child that was not there before; call it while no testee runs. Returns how
// many of them ran outside the groups of testees, and so would have gone on.
size_t leftovers_kill(const struct leftovers *l);

#endif
