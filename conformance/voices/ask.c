// SPDX-License-Identifier: Apache-2.0
// Asking several testees at a time: a process for each, which runs the host and hands its answers
// back in a file without a name.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "util/text.h"
#include "voices/voice.h"

// ---- in the process that asks -------------------------------------------------------------------

struct asking {
    struct voice *voice;
    volatile size_t *done; // shared with the parent
};

static struct voice_answer kept(const struct answer *a) {
    switch (a->kind) {
    case ANSWER_VALUE:
        return (struct voice_answer){VOICE_VALUE,
                                     json_dumps(a->value, JSON_COMPACT | JSON_ENCODE_ANY)};
    case ANSWER_HEX: return (struct voice_answer){VOICE_HEX, util_strdup(a->text)};
    case ANSWER_ERROR: return (struct voice_answer){VOICE_ERROR, util_strdup(a->text)};
    default: return (struct voice_answer){VOICE_UNSUPPORTED, util_strdup(a->text)};
    }
}

static void on_answer(void *context, size_t at, const struct answer *answer,
                      struct case_result *result) {
    struct asking *asking = context;
    free(asking->voice->answers[at].text);
    asking->voice->answers[at] = kept(answer);
    result->verdict = VERDICT_PASS;
}

static void on_progress(void *context, size_t done, size_t findings) {
    const struct asking *asking = context;
    (void)findings;
    *asking->done = done;
}

// What the host found out by itself goes before what was answered.
static void take_verdicts(struct voice *v, const struct plan *plan) {
    static const enum voice_kind kinds[VERDICT_COUNT] = {
        [VERDICT_FAIL] = VOICE_NONSENSE,           [VERDICT_CRASH] = VOICE_CRASH,
        [VERDICT_TIMEOUT] = VOICE_TIMEOUT,         [VERDICT_NOTRUN] = VOICE_NOTRUN,
        [VERDICT_UNSUPPORTED] = VOICE_UNSUPPORTED,
    };
    for (size_t i = 0; i < plan->count; i++) {
        const struct case_result *r = &plan->cases[i].result;
        if (r->verdict != VERDICT_PASS) {
            free(v->answers[i].text);
            v->answers[i] =
                (struct voice_answer){kinds[r->verdict], util_strdup(r->got != NULL ? r->got : "")};
        }
    }
}

static json_t *safe_string(const char *text) {
    struct buffer safe = {0};
    if (text == NULL) {
        return json_null();
    }
    text_escape(&safe, text, strlen(text));
    json_t *string = json_string(buffer_text(&safe));
    buffer_free(&safe);
    return string;
}

static json_t *lines_of(const char *text) {
    json_t *lines = json_array();
    while (text != NULL && *text != '\0') {
        const size_t n = strcspn(text, "\n");
        char *line = util_format("%.*s", (int)n, text);
        json_array_append_new(lines, safe_string(line));
        free(line);
        text += n + (text[n] == '\n');
    }
    return lines;
}

static json_t *to_json(const struct voice *v, const struct host_report *report) {
    json_t *object = json_object();
    json_t *answers = json_array();
    json_t *notes = json_array();
    json_t *types = json_array();
    for (size_t i = 0; i < v->answer_count; i++) {
        const struct voice_answer *a = &v->answers[i];
        json_t *text = json_string(a->text);
        json_array_append_new(answers, json_integer(a->kind));
        json_array_append_new(answers, text != NULL ? text : safe_string(a->text));
    }
    for (size_t i = 0; i < report->note_count; i++) {
        json_array_append_new(notes, safe_string(report->notes[i]));
    }
    for (int i = 0; i < JSON_TYPES; i++) {
        json_array_append_new(types, json_boolean(report->hello.types[i]));
    }
    json_object_set_new(object, "name", safe_string(report->hello.name));
    json_object_set_new(object, "version", safe_string(report->hello.version));
    json_object_set_new(object, "types", types);
    json_object_set_new(object, "failure", safe_string(report->failure));
    json_object_set_new(object, "output", lines_of(report->failure_output));
    json_object_set_new(object, "notes", notes);
    json_object_set_new(object, "bad_end", json_boolean(report->bad_end));
    json_object_set_new(object, "interrupted", json_boolean(report->interrupted));
    json_object_set_new(object, "answers", answers);
    return object;
}

// The life of the process: asks, writes, ends.
static void ask(struct voice *v, struct questions *q, const struct voice_options *options,
                volatile size_t *done, FILE *out) {
    struct asking asking = {v, done};
    struct host_report report;
    const struct host_options host = {
        .words = v->words,
        .timeout = options->timeout,
        .hello_timeout = options->hello_timeout,
        .waits = HOST_WAITS,
        .processes = options->processes,
        .window = HOST_WINDOW,
        .context = &asking,
        .progress = on_progress,
        .answered = on_answer,
    };
    v->answer_count = q->plan.count;
    v->answers = util_alloc((q->plan.count + 1) * sizeof *v->answers);
    host_run(&q->plan, &host, &report);
    take_verdicts(v, &q->plan);
    json_t *object = to_json(v, &report);
    const bool written = json_dumpf(object, out, JSON_COMPACT) == 0 && fflush(out) == 0;
    _exit(written ? EXIT_SUCCESS : EXIT_FAILURE); // nothing of the parent's is flushed or freed
}

// ---- in the process that waits ------------------------------------------------------------------

static volatile sig_atomic_t caught;

static void on_signal(int number) {
    caught = number;
}

struct child {
    pid_t pid;
    FILE *out;
    bool gone;
};

static char *copied(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? util_strdup(text) : NULL;
}

static void read_answers(struct voice *v, const json_t *list, size_t count) {
    v->answers = util_alloc((count + 1) * sizeof *v->answers);
    v->answer_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_int_t kind = json_integer_value(json_array_get(list, 2 * i));
        const char *text = json_string_value(json_array_get(list, 2 * i + 1));
        v->answers[i] = (struct voice_answer){list != NULL && kind >= 0 && kind < VOICE_KIND_COUNT
                                                  ? (enum voice_kind)kind
                                                  : VOICE_NOTRUN,
                                              util_strdup(text != NULL ? text : "")};
    }
}

static void read_back(struct voice *v, FILE *in, bool ended_well, size_t count) {
    rewind(in);
    json_t *object = ended_well ? json_loadf(in, 0, NULL) : NULL;
    struct buffer output = {0};
    size_t i;
    json_t *member;
    v->broken = object == NULL;
    v->name = copied(object, "name");
    v->version = copied(object, "version");
    v->failure = copied(object, "failure");
    v->bad_end = json_is_true(json_object_get(object, "bad_end"));
    v->interrupted = json_is_true(json_object_get(object, "interrupted"));
    json_array_foreach(json_object_get(object, "types"), i, member) {
        v->types[i] = json_is_true(member);
    }
    json_array_foreach(json_object_get(object, "output"), i, member) {
        buffer_printf(&output, "%s\n", json_string_value(member));
    }
    v->failure_output = output.size > 0 ? util_strdup(buffer_text(&output)) : NULL;
    buffer_free(&output);
    const json_t *notes = json_object_get(object, "notes");
    v->note_count = json_array_size(notes);
    v->notes = util_alloc((v->note_count + 1) * sizeof *v->notes);
    for (i = 0; i < v->note_count; i++) {
        v->notes[i] = util_strdup(json_string_value(json_array_get(notes, i)));
    }
    read_answers(v, json_object_get(object, "answers"), count);
    json_decref(object);
}

static void start(struct child *child, struct voice *v, struct questions *q,
                  const struct voice_options *options, volatile size_t *done) {
    child->out = tmpfile();
    fflush(NULL);
    child->pid = child->out != NULL ? fork() : -1;
    if (child->pid == 0) {
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
        ask(v, q, options, done, child->out);
    }
    child->gone = child->pid < 0;
}

// Reaps what has ended, hands signals on, and sleeps a little. Returns whether somebody is left.
static bool attend(struct child *children, struct voice *voices, size_t count,
                   const struct questions *q) {
    static const struct timespec nap = {0, 20 * 1000 * 1000};
    const int signal_number = caught;
    bool left = false;
    caught = 0;
    for (size_t i = 0; i < count; i++) {
        int status;
        if (children[i].gone) {
            continue;
        }
        if (signal_number != 0) {
            kill(children[i].pid, SIGTERM);
        }
        if (waitpid(children[i].pid, &status, WNOHANG) == children[i].pid) {
            children[i].gone = true;
            read_back(&voices[i], children[i].out, WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      q->plan.count);
        }
        left = left || !children[i].gone;
    }
    if (left) {
        nanosleep(&nap, NULL);
    }
    return left;
}

void voice_ask_all(struct voice *voices, size_t count, struct questions *q,
                   const struct voice_options *options) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    struct sigaction old[NUMBERS];
    struct sigaction action = {.sa_handler = on_signal};
    struct child *children = util_alloc((count + 1) * sizeof *children);
    const size_t size = (count + 1) * sizeof(size_t);
    volatile size_t *done =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (done == MAP_FAILED) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        start(&children[i], &voices[i], q, options, &done[i]);
        if (children[i].gone) {
            voices[i].broken = true;
            read_answers(&voices[i], NULL, q->plan.count);
        }
    }
    for (int i = 0; i < NUMBERS; i++) {
        sigaction(numbers[i], &action, &old[i]);
    }
    while (attend(children, voices, count, q)) {
        size_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += done[i];
        }
        if (options->progress != NULL) {
            options->progress(options->context, sum);
        }
    }
    for (int i = 0; i < NUMBERS; i++) {
        sigaction(numbers[i], &old[i], NULL);
    }
    for (size_t i = 0; i < count; i++) {
        if (children[i].out != NULL) {
            fclose(children[i].out);
        }
    }
    munmap((void *)(uintptr_t)done, size);
    free(children);
}
