// SPDX-License-Identifier: Apache-2.0
#include "testee/host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "suite/xfail.h"
#include "testee/host_state.h"

enum {
    START_ATTEMPTS = 3, // once it has answered hello before
};

static void start_next(struct worker *w);

// ---- results ------------------------------------------------------------------------------------

void host_note(struct host *h, char *text) {
    struct host_report *r = h->report;
    for (size_t i = 0; i < r->note_count; i++) {
        if (strcmp(r->notes[i], text) == 0) {
            free(text);
            return;
        }
    }
    r->notes = grow_by_one(r->notes, r->note_count, sizeof *r->notes);
    r->notes[r->note_count++] = text;
}

static char *take_errors(struct worker *w) {
    struct buffer text = {0};
    if (w->process != NULL) {
        process_take_errors(w->process, &text);
    }
    char *copy = text.size > 0 ? util_strdup(buffer_text(&text)) : NULL;
    buffer_free(&text);
    return copy;
}

void host_set_result(struct worker *w, size_t at, struct case_result *result) {
    struct host *h = w->host;
    struct suite_case *c = &h->plan->cases[at];
    const bool new = c->result.verdict == VERDICT_PENDING;
    h->findings -= !new &&verdict_is_finding(c->result.verdict);
    h->done += new;
    case_result_free(&c->result);
    c->result = *result;
    char *errors = take_errors(w);
    if (verdict_is_finding(result->verdict)) {
        c->result.output = errors;
    } else {
        free(errors);
    }
    c->result.verdict = xfail_verdict(c->xfail, result->verdict);
    h->findings += verdict_is_finding(c->result.verdict);
    if (h->options->progress != NULL) {
        h->options->progress(h->options->context, h->done, h->findings);
    }
}

static double seconds_since(const struct worker *w, uint64_t time) {
    const uint64_t now = uv_now(&w->host->loop);
    return now > time ? (double)(now - time) / 1000 : 0;
}

void host_set_verdict(struct worker *w, size_t at, enum verdict verdict, const char *got) {
    struct case_result result = {.verdict = verdict, .got = util_strdup(got)};
    if (verdict_is_finding(verdict)) {
        result.expected = judge_expectation(&w->host->plan->cases[at]);
        result.seconds = seconds_since(w, w->last_event);
    }
    host_set_result(w, at, &result);
}

// ---- requests -----------------------------------------------------------------------------------

static void arm(struct worker *w, double seconds);

// The next case for this worker, or NO_CASE.
static size_t take_case(struct worker *w) {
    struct host *h = w->host;
    if (w->again.next < w->again.count) {
        return w->again.items[w->again.next++];
    }
    while (h->next < h->plan->count) {
        const size_t at = h->next++;
        if (h->plan->cases[at].result.verdict == VERDICT_PENDING) {
            return at;
        }
    }
    return NO_CASE;
}

static bool work_is_left(const struct worker *w) {
    const struct host *h = w->host;
    bool left = w->alone.next < w->alone.count || w->again.next < w->again.count;
    for (size_t i = h->next; !left && i < h->plan->count; i++) {
        left = h->plan->cases[i].result.verdict == VERDICT_PENDING;
    }
    return left;
}

// Sends the request of a case. A case whose request is too long is not run.
static void send_case(struct worker *w, size_t at) {
    struct buffer line = {0};
    if (!protocol_request(w->sent_count + 1, &w->host->plan->cases[at], &line)) {
        host_set_verdict(w, at, VERDICT_NOTRUN, "the request is longer than a line may be");
        return;
    }
    w->sent = grow_by_one(w->sent, w->sent_count, sizeof *w->sent);
    w->sent[w->sent_count++] = (struct sent_request){at, uv_now(&w->host->loop), false};
    if (w->open_count++ == 0) {
        w->last_event = uv_now(&w->host->loop);
        arm(w, w->host->options->timeout);
    }
    process_send(w->process, buffer_view(&line));
    buffer_free(&line);
}

static void close_process(struct worker *w) {
    w->state = WORKER_CLOSING;
    process_close_input(w->process);
    arm(w, w->host->options->timeout);
}

// Keeps the process busy, or lets it end.
static void fill(struct worker *w) {
    size_t at;
    if (w->is_alone) {
        if (w->sent_count == 0) {
            send_case(w, w->alone.items[w->alone.next]);
        }
    } else {
        while (w->open_count < w->host->options->window && (at = take_case(w)) != NO_CASE) {
            send_case(w, at);
        }
    }
    if (w->open_count == 0) {
        close_process(w);
    }
}

// ---- answers ------------------------------------------------------------------------------------

static void answered(struct worker *w, struct sent_request *r) {
    r->answered = true;
    w->open_count--;
    w->last_answered = r->at;
    w->last_event = uv_now(&w->host->loop);
    if (w->is_alone) {
        w->state = WORKER_SETTLING;
        arm(w, w->host->options->waits.settle);
        return;
    }
    arm(w, w->host->options->timeout);
    fill(w);
}

// An answer to a request that is open, of the right shape (error is NULL) or not.
static void take_answer(struct worker *w, struct sent_request *r,
                        const struct protocol_answer *answer, const char *error) {
    struct suite_case *c = &w->host->plan->cases[r->at];
    struct case_result result = {.verdict = VERDICT_PENDING};
    if (error != NULL) {
        host_set_verdict(w, r->at, VERDICT_FAIL, error);
    } else {
        if (w->host->options->answered != NULL) {
            w->host->options->answered(w->host->options->context, r->at, &answer->answer, &result);
        } else {
            judge(c, &answer->answer, &result);
        }
        const uint64_t start = r->time > w->last_event ? r->time : w->last_event;
        result.seconds = seconds_since(w, start);
        host_set_result(w, r->at, &result);
    }
    answered(w, r);
}

static void on_answer(struct worker *w, const char *line, size_t size) {
    struct protocol_answer answer;
    char *error = NULL;
    protocol_answer_read(line, size, &answer, &error);
    const bool known = answer.has_id && answer.id >= 1 && answer.id <= w->sent_count;
    if (!answer.has_id) {
        blame_incident(w, VERDICT_FAIL, util_strdup(error));
    } else if (!known) {
        blame_incident(w, VERDICT_FAIL,
                       util_format("an answer with the id %llu, which is not open",
                                   (unsigned long long)answer.id));
    } else if (w->sent[answer.id - 1].answered) {
        char *text = util_strdup("a second answer to the same request");
        w->blamed = true;
        host_set_verdict(w, w->sent[answer.id - 1].at, VERDICT_FAIL, text);
        blame_incident(w, VERDICT_FAIL, text);
    } else {
        take_answer(w, &w->sent[answer.id - 1], &answer, error);
    }
    json_decref(answer.document);
    free(error);
}

// ---- hello --------------------------------------------------------------------------------------

static void stop(struct host *h) {
    h->stopping = true;
    for (unsigned i = 0; i < h->worker_count; i++) {
        struct worker *w = &h->workers[i];
        if (w->process != NULL && w->state != WORKER_KILLED) {
            blame_incident(w, VERDICT_NOTRUN, util_strdup("the run was ended"));
        }
    }
}

// The testee cannot be started (again): nothing more is to be had from it.
static void start_failed(struct worker *w, char *text) {
    struct host *h = w->host;
    w->failed_starts++;
    if (h->stopping || (h->is_ready && w->failed_starts < START_ATTEMPTS)) {
        free(text);
        return;
    }
    if (h->report->failure == NULL) {
        h->report->failure = text;
        h->report->failure_output = take_errors(w);
    } else {
        free(text);
    }
    stop(h);
}

static void first_hello(struct host *h, struct protocol_hello *hello) {
    h->is_ready = true;
    h->report->hello = *hello;
    *hello = (struct protocol_hello){0};
    if (h->options->ready != NULL) {
        h->options->ready(h->options->context, &h->report->hello);
    }
    for (size_t i = 0; i < h->plan->count; i++) {
        struct suite_case *c = &h->plan->cases[i];
        if (!h->report->hello.types[c->vector->how.type]) {
            char *why = util_format("the testee does not offer the type %s",
                                    json_type_name(c->vector->how.type));
            host_set_verdict(&h->workers[0], i, VERDICT_UNSUPPORTED, why);
            free(why);
        }
    }
    for (unsigned i = 1; i < h->worker_count; i++) {
        start_next(&h->workers[i]);
    }
}

static void on_hello(struct worker *w, const char *line, size_t size) {
    struct protocol_hello hello;
    char *error = NULL;
    if (!protocol_hello_read(line, size, &hello, &error)) {
        // blame_incident keeps the text; on_ended reports it with what came on standard error.
        blame_incident(w, VERDICT_CRASH, error);
        return;
    }
    w->failed_starts = 0;
    w->state = WORKER_RUNNING;
    if (!w->host->is_ready) {
        first_hello(w->host, &hello);
    }
    protocol_hello_free(&hello);
    fill(w);
}

// ---- events of the process ----------------------------------------------------------------------

static void on_line(void *context, const char *line, size_t size) {
    struct worker *w = context;
    if (w->state == WORKER_HELLO) {
        on_hello(w, line, size);
    } else if (w->state != WORKER_KILLED) {
        on_answer(w, line, size);
    }
}

static void on_too_long(void *context) {
    blame_incident(context, VERDICT_FAIL,
                   util_format("a line of more than %d octets", (int)PROTOCOL_LINE));
}

static void on_silent(void *context) {
    struct worker *w = context;
    if (w->state != WORKER_CLOSING && w->state != WORKER_KILLED) {
        blame_incident(w, VERDICT_CRASH, util_strdup("it closed its standard output"));
    }
}

static char *describe_end(int status, int signal) {
    return signal != 0 ? util_format("it was killed by signal %d (%s)", signal, strsignal(signal))
                       : util_format("it ended with status %d", status);
}

// It ended after its input was closed, by itself or because it was overdue.
static void ended_in_order(struct worker *w, int status, int signal) {
    if (w->end_overdue) {
        host_note(w->host, util_strdup("the testee did not end when its input was closed"));
    } else if (w->is_alone && signal != 0) {
        w->incident = (struct incident){VERDICT_CRASH, describe_end(status, signal)};
    } else if (!w->is_alone && (signal != 0 || status != 0)) {
        char *end = describe_end(status, signal);
        host_note(w->host, util_format("at the end, after its input was closed, %s", end));
        w->host->report->bad_end = true;
        free(end);
    }
}

// A daemon cannot be told from those of the other testees: they must all be gone.
static void kill_leftovers(struct host *h) {
    for (unsigned i = 0; i < h->worker_count; i++) {
        if (h->workers[i].process != NULL) {
            return;
        }
    }
    h->left_behind += leftovers_kill(&h->leftovers);
}

static void note_leftovers(struct host *h) {
    const bool one = h->left_behind == 1;
    if (h->left_behind > 0) {
        host_note(h, util_format("the testee left %zu process%s running; %s killed", h->left_behind,
                                 one ? "" : "es", one ? "it was" : "they were"));
    }
}

static void on_ended(void *context, int status, int signal) {
    struct worker *w = context;
    struct host *h = w->host;
    uv_timer_stop(&w->timer);
    const bool starting = w->sent_count == 0 && w->state != WORKER_CLOSING;
    if (w->state == WORKER_CLOSING) {
        ended_in_order(w, status, signal);
    } else if (w->state != WORKER_KILLED) {
        w->incident = (struct incident){VERDICT_CRASH, describe_end(status, signal)};
    }
    if (starting) {
        start_failed(w, util_strdup(w->incident.text));
        incident_clear(&w->incident);
    } else if (!h->stopping) {
        blame_resolve(w);
    }
    incident_clear(&w->incident);
    process_free(w->process);
    w->process = NULL;
    w->state = WORKER_IDLE;
    kill_leftovers(h);
    start_next(w);
}

static void on_timer(uv_timer_t *timer) {
    struct worker *w = timer->data;
    const struct host_options *o = w->host->options;
    switch (w->state) {
    case WORKER_HELLO:
        blame_incident(w, VERDICT_TIMEOUT,
                       util_format("no answer to hello within %g s", o->hello_timeout));
        break;
    case WORKER_RUNNING:
        blame_incident(w, VERDICT_TIMEOUT, util_format("no answer within %g s", o->timeout));
        break;
    case WORKER_SETTLING: close_process(w); break;
    case WORKER_CLOSING:
        w->end_overdue = true;
        process_kill(w->process);
        break;
    default: break;
    }
}

static void arm(struct worker *w, double seconds) {
    uv_update_time(&w->host->loop);
    uv_timer_start(&w->timer, on_timer, (uint64_t)(seconds * 1000) + 1, 0);
}

// ---- start and end ------------------------------------------------------------------------------

static void start_process(struct worker *w) {
    static const struct process_handler events = {NULL, on_line, on_too_long, on_silent, on_ended};
    struct process_handler handler = events;
    const struct host_options *o = w->host->options;
    const struct process_limits limits = {
        .line = PROTOCOL_LINE, .linger = o->waits.linger, .silence = o->waits.silence};
    struct buffer line = {0};
    char *error = NULL;
    handler.context = w;
    w->is_alone = w->alone.next < w->alone.count;
    w->sent_count = 0;
    w->open_count = 0;
    w->last_answered = NO_CASE;
    w->end_overdue = false;
    w->process = process_start(&w->host->loop, o->words, &limits, &handler, &error);
    if (w->process == NULL) {
        w->failed_starts = START_ATTEMPTS; // what cannot be executed now cannot be later
        start_failed(w, error);
        return;
    }
    leftovers_add_group(&w->host->leftovers, process_id(w->process));
    w->state = WORKER_HELLO;
    arm(w, o->hello_timeout);
    protocol_hello_request(&line);
    process_send(w->process, buffer_view(&line));
    buffer_free(&line);
}

// A worker without a process: starts one if there is work.
static void start_next(struct worker *w) {
    if (!w->host->stopping && work_is_left(w)) {
        start_process(w);
    }
    if (w->process == NULL && !uv_is_closing((uv_handle_t *)&w->timer)) {
        uv_close((uv_handle_t *)&w->timer, NULL);
    }
}

static void on_signal(uv_signal_t *handle, int number) {
    struct host *h = handle->data;
    (void)number;
    h->report->interrupted = true;
    stop(h);
}

static void watch_signals(struct host *h) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uv_signal_init(&h->loop, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&h->signals[i]);
    }
}

static void start_workers(struct host *h) {
    h->workers = util_alloc(h->worker_count * sizeof *h->workers);
    for (unsigned i = 0; i < h->worker_count; i++) {
        struct worker *w = &h->workers[i];
        w->host = h;
        w->incident.verdict = VERDICT_PENDING;
        w->original.verdict = VERDICT_PENDING;
        uv_timer_init(&h->loop, &w->timer);
        w->timer.data = w;
    }
    start_next(&h->workers[0]); // the others follow when it has answered hello
}

static void free_workers(struct host *h) {
    for (unsigned i = 0; i < h->worker_count; i++) {
        struct worker *w = &h->workers[i];
        case_list_clear(&w->again);
        case_list_clear(&w->alone);
        incident_clear(&w->original);
        free(w->sent);
    }
    free(h->workers);
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

enum outcome host_run(struct plan *plan, const struct host_options *options,
                      struct host_report *report) {
    struct host h = {.options = options, .report = report, .plan = plan};
    *report = (struct host_report){0};
    h.worker_count = plan->count < options->processes ? (unsigned)plan->count : options->processes;
    h.worker_count += h.worker_count == 0;
    signal(SIGPIPE, SIG_IGN); // a testee that is gone is noticed otherwise
    uv_loop_init(&h.loop);
    const uint64_t start = uv_hrtime();
    leftovers_begin(&h.leftovers);
    watch_signals(&h);
    start_workers(&h);
    uv_run(&h.loop, UV_RUN_DEFAULT);
    leftovers_end(&h.leftovers);
    note_leftovers(&h);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->cases[i].result.verdict == VERDICT_PENDING) {
            host_set_verdict(&h.workers[0], i, VERDICT_NOTRUN,
                             report->failure != NULL ? "the testee could not be started"
                                                     : "the run was ended before its turn");
        }
    }
    uv_walk(&h.loop, close_handle, NULL);
    uv_run(&h.loop, UV_RUN_DEFAULT);
    uv_loop_close(&h.loop);
    free_workers(&h);
    report->seconds = (double)(uv_hrtime() - start) / 1e9;
    return report->failure != NULL ? OUTCOME_UNREACHED : OUTCOME_OK;
}

enum outcome host_outcome(const struct plan *plan, const struct host_report *report) {
    enum outcome outcome = report->failure != NULL ? OUTCOME_UNREACHED : OUTCOME_OK;
    size_t unsupported = 0;
    if (report->bad_end) {
        outcome = outcome_worst(outcome, OUTCOME_FINDINGS);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const enum verdict verdict = plan->cases[i].result.verdict;
        unsupported += verdict == VERDICT_UNSUPPORTED;
        if (verdict_is_finding(verdict)) {
            outcome = outcome_worst(outcome, OUTCOME_FINDINGS);
        } else if (verdict == VERDICT_NOTRUN) {
            outcome = outcome_worst(outcome, OUTCOME_INCOMPLETE);
        }
    }
    return unsupported == plan->count ? outcome_worst(outcome, OUTCOME_USAGE) : outcome;
}

void host_report_free(struct host_report *report) {
    protocol_hello_free(&report->hello);
    free(report->failure);
    free(report->failure_output);
    for (size_t i = 0; i < report->note_count; i++) {
        free(report->notes[i]);
    }
    free(report->notes);
    *report = (struct host_report){0};
}
