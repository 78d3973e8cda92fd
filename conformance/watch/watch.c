// SPDX-License-Identifier: Apache-2.0
// The run: events in order to standard output, reconnecting, signals, and when it ends.
#include "watch/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "util/text.h"
#include "watch/print.h"
#include "watch/session.h"
#include "watch/value.h"

enum {
    QUEUE = 16384,     // events that wait for their values; then nothing more is asked for
    FIRST_PAUSE = 250, // milliseconds before the first reconnect
    LONGEST_PAUSE = 10000,
    LEAVE_TIME = 3000, // milliseconds that closing handles may take
    DROP_TIME = 300,   // and closing the connection
    LOOK_TIME = 1000,  // between looks at whether anybody still reads
};

struct watch {
    const struct watch_options *options;
    struct watch_style style;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t pause; // until the next attempt; while leaving: until it is done by force
    uv_timer_t limit; // of the whole run
    uv_timer_t look;  // whether standard output is still read
    struct watch_session *session;
    struct watch_values *values;
    struct watch_event *queue;
    size_t queued;
    uint64_t shown;
    bool ever;   // it was watching once
    bool outage; // the connection was lost, and the user told so
    bool leaving;
    bool dropping;
    uint64_t ready_at, lost_at; // of the loop's clock
    unsigned wait;              // milliseconds before the next attempt
    char *last_why;             // of the attempt before
    enum outcome outcome;
};

// ---- output -------------------------------------------------------------------------------------

static void leave(struct watch *w, enum outcome outcome);

// Writes all of it; a closed pipe ends the run quietly.
static void write_out(struct watch *w, struct buffer *text) {
    size_t done = 0;
    while (done < text->size && !w->dropping) {
        const ssize_t n = write(STDOUT_FILENO, text->data + done, text->size - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {STDOUT_FILENO, POLLOUT, 0};
            (void)poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            if (errno != EPIPE) {
                fprintf(stderr, "cmrp: standard output: %s\n", strerror(errno));
            }
            leave(w, errno == EPIPE ? OUTCOME_OK : OUTCOME_USAGE);
            break;
        }
    }
    buffer_clear(text);
}

// About the watching itself: to standard error, and as JSON among the events, too.
static void say(struct watch *w, const char *code, const char *message) {
    struct buffer text = {0};
    text_make_safe(&text, message, strlen(message));
    fprintf(stderr, "cmrp: %s\n", buffer_text(&text));
    if (w->style.json) {
        struct buffer line = {0};
        watch_print_status(&line, code, buffer_text(&text));
        write_out(w, &line);
        buffer_free(&line);
    }
    buffer_free(&text);
}

static void drop_queue(struct watch *w) {
    struct watch_event *event, *next;
    DL_FOREACH_SAFE(w->queue, event, next) {
        DL_DELETE(w->queue, event);
        watch_event_free(event);
        w->queued--;
    }
}

// Shows what has come, in order, as far as it is complete.
static void show_queue(struct watch *w) {
    struct buffer text = {0};
    while (w->queue != NULL && w->queue->complete && !w->leaving) {
        struct watch_event *event = w->queue;
        DL_DELETE(w->queue, event);
        w->queued--;
        watch_print(&text, event, &w->style);
        watch_event_free(event);
        w->shown++;
        if (w->options->count != 0 && w->shown == w->options->count) {
            write_out(w, &text);
            leave(w, OUTCOME_OK);
        }
    }
    write_out(w, &text);
    buffer_free(&text);
    if (!w->leaving && w->queued <= QUEUE / 2 && w->session != NULL) {
        watch_session_resume(w->session);
    }
}

// ---- what the session says ----------------------------------------------------------------------

static void start(struct watch *w);

static void on_value(void *context, struct watch_event *event) {
    (void)event;
    show_queue(context);
}

static void on_event(void *context, struct watch_event *event) {
    struct watch *w = context;
    DL_APPEND(w->queue, event);
    w->queued++;
    w->wait = FIRST_PAUSE; // it works
    if (!w->leaving && watch_event_is_registry(event)) {
        watch_values_read(w->values, watch_session_client(w->session),
                          watch_session_registry(w->session), event);
    }
    show_queue(w);
}

static void on_learned(void *context, const struct watch_text *key, const struct watch_text *name,
                       const struct watch_value *value) {
    const struct watch *w = context;
    watch_values_learn(w->values, key, name, value);
}

static void on_learned_all(void *context, bool complete) {
    const struct watch *w = context;
    watch_values_complete(w->values, complete);
}

static bool on_hungry(void *context) {
    const struct watch *w = context;
    return w->queued < QUEUE;
}

static void on_note(void *context, const char *text) {
    say(context, "note", text);
}

static void on_ready(void *context, const char *what) {
    struct watch *w = context;
    char *text;
    if (w->outage) {
        text =
            util_format("reconnected to %s after %.1f s; what happened meanwhile was missed: %s",
                        w->options->target, (double)(uv_now(&w->loop) - w->lost_at) / 1000, what);
    } else {
        text = util_format("%s: %s", w->options->target, what);
    }
    say(w, w->outage ? "reconnected" : "watching", text);
    free(text);
    w->ever = true;
    w->outage = false;
    w->ready_at = uv_now(&w->loop);
    free(w->last_why);
    w->last_why = NULL;
}

static void on_pause_over(uv_timer_t *timer) {
    struct watch *w = timer->data;
    start(w);
}

// The session that failed is gone: another one after a while.
static void on_dropped(void *context) {
    struct watch *w = context;
    w->session = NULL;
    if (w->leaving) {
        uv_stop(&w->loop);
        return;
    }
    uv_timer_start(&w->pause, on_pause_over, w->wait, 0);
    w->wait = w->wait * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : w->wait * 2;
}

// Tells about an outage once, and again when its reason changes.
static void tell_loss(struct watch *w, const char *why) {
    if (w->outage && w->last_why != NULL && strcmp(w->last_why, why) == 0) {
        return;
    }
    char *text = w->outage ? util_format("still no connection: %s", why)
                           : util_format("the connection is lost: %s; reconnecting", why);
    say(w, w->outage ? "unreachable" : "lost", text);
    free(text);
    free(w->last_why);
    w->last_why = util_strdup(why);
    if (!w->outage) {
        w->lost_at = uv_now(&w->loop);
    }
    w->outage = true;
}

static void on_failed(void *context, enum watch_trouble trouble, const char *why) {
    struct watch *w = context;
    watch_values_stop(w->values);
    if (!w->ever || trouble == WATCH_REFUSED) {
        char *text = util_format("%s: %s", w->options->target, why);
        say(w, "failed", text);
        free(text);
        leave(w, OUTCOME_UNREACHED);
        return;
    }
    if (!w->outage && uv_now(&w->loop) - w->ready_at > LONGEST_PAUSE) {
        w->wait = FIRST_PAUSE; // it had come back for good
    }
    tell_loss(w, why);
    if (!w->leaving) {
        watch_values_forget(w->values);
        watch_session_drop(w->session, on_dropped);
    }
}

static void start(struct watch *w) {
    const struct watch_session_options options = {
        .loop = &w->loop,
        .server = w->options->server,
        .filter = w->options->filter,
        .registry = w->options->registry,
        .batches = w->options->batches,
        .context = w,
        .ready = on_ready,
        .note = on_note,
        .event = on_event,
        .failed = on_failed,
        .learn = on_learned,
        .learned = on_learned_all,
        .hungry = on_hungry,
    };
    w->session = watch_session_create(&options);
}

// ---- leaving ------------------------------------------------------------------------------------

static void on_gone(void *context) {
    struct watch *w = context;
    w->session = NULL;
    uv_stop(&w->loop);
}

// Somebody, such as a resolver of names, does not let go.
static void on_drop_over(uv_timer_t *timer) {
    const struct watch *w = timer->data;
    _exit((int)w->outcome);
}

static void drop(struct watch *w) {
    w->dropping = true;
    uv_timer_start(&w->pause, on_drop_over, DROP_TIME, 0);
    if (w->session != NULL) {
        watch_session_drop(w->session, on_gone);
    } else {
        uv_stop(&w->loop);
    }
}

static void on_leave_over(uv_timer_t *timer) {
    drop(timer->data);
}

static void leave(struct watch *w, enum outcome outcome) {
    if (w->leaving) {
        return;
    }
    w->leaving = true;
    w->outcome = outcome;
    watch_values_stop(w->values);
    if (w->session == NULL) {
        uv_stop(&w->loop);
        return;
    }
    uv_timer_start(&w->pause, on_leave_over, LEAVE_TIME, 0);
    watch_session_end(w->session, on_gone);
}

// The second signal does not wait for the server.
static void on_signal(uv_signal_t *signal, int number) {
    struct watch *w = signal->data;
    (void)number;
    if (w->leaving) {
        drop(w);
    } else {
        watch_values_stop(w->values); // shows what has come
        leave(w, OUTCOME_OK);
    }
}

static void on_limit(uv_timer_t *timer) {
    struct watch *w = timer->data;
    watch_values_stop(w->values);
    if (!w->ever) {
        char *text = util_format("%s: not watching when the time was over", w->options->target);
        say(w, "failed", text);
        free(text);
    }
    leave(w, !w->ever                 ? OUTCOME_UNREACHED
             : w->options->count != 0 ? OUTCOME_INCOMPLETE
                                      : OUTCOME_OK);
}

// Whoever reads may have gone while nothing happens.
static void on_look(uv_timer_t *timer) {
    struct watch *w = timer->data;
    struct pollfd out = {STDOUT_FILENO, 0, 0};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) {
        leave(w, OUTCOME_OK);
    }
}

// ---- all of it ----------------------------------------------------------------------------------

static void prepare(struct watch *w) {
    uv_timer_t *timers[] = {&w->pause, &w->limit, &w->look};
    uv_signal_t *signals[] = {&w->interrupt, &w->terminate};
    uv_loop_init(&w->loop);
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        uv_timer_init(&w->loop, timers[i]);
        timers[i]->data = w;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        uv_signal_init(&w->loop, signals[i]);
        signals[i]->data = w;
        uv_signal_start(signals[i], on_signal, i == 0 ? SIGINT : SIGTERM);
    }
    uv_timer_start(&w->look, on_look, LOOK_TIME, LOOK_TIME);
    if (w->options->milliseconds != 0) {
        uv_timer_start(&w->limit, on_limit, w->options->milliseconds, 0);
    }
    w->values = watch_values_create(on_value, w);
}

static void close_handle(uv_handle_t *handle, void *context) {
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

enum outcome watch_run(const struct watch_options *options) {
    struct watch *w = util_alloc(sizeof *w);
    w->options = options;
    w->style = (struct watch_style){options->json, options->colour, options->registry,
                                    options->batches != NULL ? options->batches : ""};
    w->wait = FIRST_PAUSE;
    fflush(stdout);
    prepare(w);
    start(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_walk(&w->loop, close_handle, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    const enum outcome outcome = w->outcome;
    drop_queue(w);
    watch_values_free(w->values);
    free(w->last_why);
    free(w);
    return outcome;
}
