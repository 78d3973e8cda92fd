// SPDX-License-Identifier: Apache-2.0
// The state of a run, shared by host.c (what to do next) and blame.c (whose fault it was).
#ifndef TESTEE_HOST_STATE_H
#define TESTEE_HOST_STATE_H

#include <uv.h>

#include "testee/host.h"
#include "testee/leftovers.h"
#include "testee/process.h"

#define NO_CASE SIZE_MAX

// A list of cases, by their index in the plan; taken from the front.
struct case_list {
    size_t *items;
    size_t count;
    size_t next;
};

void case_list_add(struct case_list *list, size_t at);
void case_list_clear(struct case_list *list);

// A request that was sent to the present process; its id is its place in the list plus 1.
struct sent_request {
    size_t at;
    uint64_t time; // of sending, in ms of the loop
    bool answered;
};

enum worker_state {
    WORKER_IDLE,     // no process
    WORKER_HELLO,    // started, hello is open
    WORKER_RUNNING,  // requests are open
    WORKER_SETTLING, // alone, answered: does it survive the answer?
    WORKER_CLOSING,  // its input is closed, it is to end by itself
    WORKER_KILLED,   // it is to be gone soon
};

// Why a process had to be ended or ended by itself; verdict PENDING: for no reason.
struct incident {
    enum verdict verdict;
    char *text;
};

struct worker {
    struct host *host;
    struct process *process;
    uv_timer_t timer;
    enum worker_state state;
    struct sent_request *sent;
    size_t sent_count;
    size_t open_count;
    size_t last_answered;     // case, or NO_CASE
    uint64_t last_event;      // ms: the last answer, or the sending to an idle process
    struct incident incident; // of the present process
    bool blamed;              // the incident's case has its verdict already
    bool end_overdue;         // it did not end by itself when its input was closed
    struct case_list again;   // to be sent again, as any other
    struct case_list alone;   // suspects, to be run one by one
    bool is_alone;            // the present process runs one suspect
    bool reproduced;          // one of these suspects did it again
    size_t oldest;            // the suspect that was open longest
    struct incident original; // what they are suspected of
    unsigned failed_starts;   // in a row
};

struct host {
    uv_loop_t loop;
    uv_signal_t signals[3];
    const struct host_options *options;
    struct host_report *report;
    struct plan *plan;
    size_t next; // first case that was never sent
    size_t done;
    size_t findings;
    struct leftovers leftovers;
    size_t left_behind; // processes that outlived their testee and were killed
    struct worker *workers;
    unsigned worker_count;
    bool is_ready; // hello was answered once
    bool stopping;
};

// ---- host.c -------------------------------------------------------------------------------------

// Takes the verdict of a case from *result (whose strings become the case's own), attaches what the
// process wrote to standard error where it failed, applies the xfail line, and counts.
void host_set_result(struct worker *w, size_t at, struct case_result *result);
// The same for a verdict with words of its own.
void host_set_verdict(struct worker *w, size_t at, enum verdict verdict, const char *got);
// Adds a note to the report, once.
void host_note(struct host *h, char *text);

// ---- blame.c ------------------------------------------------------------------------------------

void incident_clear(struct incident *incident);

// Something is wrong with the present process: remembers the first incident and kills it.
void blame_incident(struct worker *w, enum verdict verdict, char *text);
// The process is gone: gives verdicts, or makes lists of cases to be run again.
void blame_resolve(struct worker *w);

#endif
