// SPDX-License-Identifier: Apache-2.0
// Runs a plan against a testee: starts it, asks, judges, and finds out who is to blame when it
// dies, hangs or talks nonsense.
//
// Several requests are outstanding at a time. When something goes wrong with more than one of them
// open, each is run again alone in a fresh process, so that the verdict falls on the right case; if
// none of them does it alone, the oldest open one bears it, and the result says so.
#ifndef TESTEE_HOST_H
#define TESTEE_HOST_H

#include "suite/plan.h"
#include "testee/protocol.h"
#include "util/outcome.h"

// Seconds to wait where nothing tells that an event will not come.
struct host_waits {
    double settle;  // for a process to die of a case that it was asked alone and has answered
    double linger;  // for pipes that others hold open when the process is gone, as tee(1) may
    double silence; // from the end of its output to the end of the process itself
};

struct host_options {
    char *const *words;   // the command, NULL-terminated
    double timeout;       // seconds that one answer may take
    double hello_timeout; // seconds from the start to the answer to hello
    struct host_waits waits;
    unsigned processes; // how many to run at a time, at least 1
    unsigned window;    // requests outstanding in one process, at least 1
    void *context;      // of the calls below, which may be NULL
    // Once, when the first process has answered hello and before the first request.
    void (*ready)(void *context, const struct protocol_hello *hello);
    // After every verdict: how many cases have one, and how many are findings.
    void (*progress)(void *context, size_t done, size_t findings);
    // In place of judge(): gives the case that stands at this index of the plan its verdict.
    void (*answered)(void *context, size_t at, const struct answer *answer,
                     struct case_result *result);
};

struct host_report {
    struct protocol_hello hello; // of the first process; empty when there was none
    char *failure;               // why the testee could not be started, or NULL
    char *failure_output;        // the last lines of its standard error then, or NULL
    char **notes;                // other remarkable things, such as how it ended
    size_t note_count;
    bool bad_end;     // some process ended by a signal or with a status other than 0 at the end
    bool interrupted; // by SIGINT, SIGTERM or SIGHUP
    double seconds;
};

void host_report_free(struct host_report *report);

enum { HOST_WINDOW = 8 }; // a good number of outstanding requests
static const struct host_waits HOST_WAITS = {.settle = 0.1, .linger = 0.5, .silence = 1};

// Runs all cases; each has a verdict afterwards. SIGINT, SIGTERM and SIGHUP end the run early.
// Returns OUTCOME_OK, or OUTCOME_UNREACHED when the testee could not be started (report->failure).
enum outcome host_run(struct plan *plan, const struct host_options *options,
                      struct host_report *report);

// The outcome of a finished run: what host_run returned, findings, cases not run; OUTCOME_USAGE
// when the testee supports nothing of the plan.
enum outcome host_outcome(const struct plan *plan, const struct host_report *report);

#endif
