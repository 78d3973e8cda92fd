// SPDX-License-Identifier: Apache-2.0
// cmrp conform with several implementations: where do they differ? Ours is always one of them.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/conform_options.h"
#include "replay/replay.h"
#include "report/report.h"
#include "testee/words.h"
#include "util/file.h"
#include "util/text.h"
#include "voices/candidate.h"
#include "voices/show.h"

enum {
    VOICES_MAXIMUM = 16, // testees
    MUTATE_MAXIMUM = 1000000,
};

struct options {
    const char *testees[VOICES_MAXIMUM];
    size_t testee_count;
    const char *capture;
    const char *vectors;
    const char *xfail;
    const char *json;
    const char *splits;
    double timeout;
    uint64_t processes;
    uint64_t mutate;
    uint64_t seed;
    bool verbose;
    struct plan_selection selection;
};

struct run {
    const struct options *o;
    struct vector_set vectors;
    struct catalogue catalogue;
    struct xfail xfail;
    struct questions questions;
    struct voice voices[VOICES_MAXIMUM + 1]; // the first is ours
    size_t voice_count;
    struct splits splits;
    struct progress progress;
    char started[32];
    double seconds;
    bool incomplete; // the capture ends early
};

// ---- options ------------------------------------------------------------------------------------

enum { TESTEE = 1000, VECTORS, LEVEL, XFAIL, WAIT, JSON, SPLITS, MUTATE, SEED, ONE_ONLY };

static enum outcome take_testee(struct options *o) {
    if (o->testee_count == VOICES_MAXIMUM) {
        return cli_usage("conform", "more than %d --testee", (int)VOICES_MAXIMUM);
    }
    o->testees[o->testee_count++] = optarg;
    return OUTCOME_OK;
}

static enum outcome take_option(int option, struct options *o) {
    switch (option) {
    case TESTEE: return take_testee(o);
    case VECTORS: o->vectors = optarg; break;
    case XFAIL: o->xfail = optarg; break;
    case JSON: o->json = optarg; break;
    case SPLITS: o->splits = optarg; break;
    case 'r': o->capture = optarg; break;
    case 'v': o->verbose = true; break;
    case MUTATE:
        return cli_take_number("conform", "--mutate", optarg, 0, MUTATE_MAXIMUM, &o->mutate);
    case SEED: return cli_take_number("conform", "--seed", optarg, 0, UINT32_MAX, &o->seed);
    case 'j': return cli_take_number("conform", "-j", optarg, 1, CONFORM_PROCESSES, &o->processes);
    case LEVEL: return conform_take_level(optarg, &o->selection.level);
    case WAIT: return conform_take_seconds(optarg, &o->timeout);
    case ONE_ONLY:
        return cli_usage("conform", "--junit, --html and --artifacts go with one --testee: here "
                                    "nobody is judged; --json and --splits say what differs");
    default: return cli_usage("conform", "unusable option");
    }
    return OUTCOME_OK;
}

static enum outcome read_options(int argc, char **argv, struct options *o) {
    static const struct option long_options[] = {{"testee", required_argument, NULL, TESTEE},
                                                 {"vectors", required_argument, NULL, VECTORS},
                                                 {"level", required_argument, NULL, LEVEL},
                                                 {"xfail", required_argument, NULL, XFAIL},
                                                 {"timeout", required_argument, NULL, WAIT},
                                                 {"json", required_argument, NULL, JSON},
                                                 {"junit", required_argument, NULL, ONE_ONLY},
                                                 {"html", required_argument, NULL, ONE_ONLY},
                                                 {"artifacts", required_argument, NULL, ONE_ONLY},
                                                 {"splits", required_argument, NULL, SPLITS},
                                                 {"mutate", required_argument, NULL, MUTATE},
                                                 {"seed", required_argument, NULL, SEED},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    enum outcome outcome = OUTCOME_OK;
    *o = (struct options){.timeout = conform_wait, .processes = 1, .seed = 1};
    while (outcome == OUTCOME_OK &&
           (option = getopt_long(argc, argv, "r:j:v", long_options, NULL)) != -1) {
        outcome = take_option(option, o);
    }
    o->selection.patterns = (const char *const *)(argv + optind);
    o->selection.pattern_count = (size_t)(argc - optind);
    if (outcome == OUTCOME_OK && o->testee_count == 0) {
        outcome = cli_usage("conform", "--testee is missing");
    }
    if (outcome == OUTCOME_OK && o->capture != NULL &&
        (o->selection.pattern_count > 0 || o->vectors != NULL || o->selection.level != 0)) {
        outcome = cli_usage("conform", "vectors and a capture are not asked about together");
    }
    return outcome;
}

// ---- what a capture asks ------------------------------------------------------------------------

// Adds the stub of one side, under the number of the frame that it begins in.
static void add_side(struct questions *q, const struct replay_side *side,
                     const struct assoc_part *octets, const char *direction, const char *method) {
    if (side->stub.size == 0 || side->format.method == NULL) {
        return;
    }
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = side->format};
    char *id =
        util_format("stub-frame-%llu-%s", (unsigned long long)octets->stamp.frame, direction);
    char *comment = util_format("%s of %s, frame %llu", direction, method,
                                (unsigned long long)octets->stamp.frame);
    questions_add(q, &how, side->stub, id, comment);
    free(id);
    free(comment);
}

static void on_call(void *context, const struct replay_peers *peers,
                    const struct replay_call *call) {
    (void)peers;
    if (call->method != NULL) {
        add_side(context, &call->request, &call->call->request, "request", call->method->name);
        add_side(context, &call->response, &call->call->response, "response", call->method->name);
    }
}

static bool read_capture(struct run *r, char **error) {
    const struct replay_observer observer = {.context = &r->questions, .call = on_call};
    const struct replay_options options = {
        .format = REPLAY_NONE, .opnum = -1, .observer = &observer};
    struct replay_result result;
    const bool standard = strcmp(r->o->capture, "-") == 0;
    const int descriptor = standard ? STDIN_FILENO : open(r->o->capture, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        *error = util_format("%s: %s", r->o->capture, strerror(errno));
        return false;
    }
    replay_descriptor(&options, descriptor, &result);
    if (!standard) {
        close(descriptor);
    }
    r->incomplete = result.status == CAPTURE_TRUNCATED || result.status == CAPTURE_DAMAGED;
    if (replay_outcome(&result, 0) == OUTCOME_USAGE) {
        char line[512];
        capture_error_format(&result.error, file_shown_name(r->o->capture), line, sizeof line);
        *error = util_strdup(line);
        return false;
    }
    if (r->questions.plan.count == 0) {
        *error =
            util_format("%s: no request or response that can be decoded is in it", r->o->capture);
        return false;
    }
    return true;
}

// ---- before the run -----------------------------------------------------------------------------

static bool load_vectors(struct run *r, char **error) {
    char *directory = r->o->vectors != NULL ? util_strdup(r->o->vectors) : cli_data_path("vectors");
    const bool ok =
        vector_set_load(directory, &r->vectors, error) &&
        plan_make(&r->vectors, &r->catalogue, &r->o->selection, &r->questions.plan, error);
    free(directory);
    if (ok && r->questions.plan.count == 0) {
        *error =
            util_strdup("nothing is selected: no such vector cites a requirement of this level");
    }
    return ok && r->questions.plan.count > 0;
}

// All that is asked, as a set: what lines of an xfail file are held against.
static bool apply_xfail(struct run *r, char **error) {
    struct vector_set all = {0};
    all.vectors =
        util_alloc((r->vectors.count + r->questions.made_count + 1) * sizeof *all.vectors);
    for (size_t i = 0; i < r->vectors.count; i++) {
        all.vectors[all.count++] = r->vectors.vectors[i];
    }
    for (size_t i = 0; i < r->questions.made_count; i++) {
        all.vectors[all.count++] = *r->questions.made[i];
    }
    const bool ok = xfail_apply(&r->xfail, r->o->xfail, &all, &r->questions.plan, error);
    free(all.vectors);
    return ok;
}

static bool prepare(struct run *r, char **error) {
    const struct options *o = r->o;
    char *table = cli_data_path("requirements.tsv");
    bool ok = catalogue_load(table, &r->catalogue, error) &&
              (o->capture != NULL ? read_capture(r, error) : load_vectors(r, error)) &&
              (o->xfail == NULL || xfail_load(o->xfail, &r->xfail, error));
    free(table);
    r->voice_count = 1;
    for (size_t i = 0; ok && i < o->testee_count; i++) {
        struct voice *v = &r->voices[r->voice_count++];
        v->command = o->testees[i];
        v->words = words_split(o->testees[i], error);
        ok = v->words != NULL;
    }
    if (ok) {
        questions_mutate(&r->questions, o->mutate, o->seed);
    }
    return ok;
}

// ---- the run ------------------------------------------------------------------------------------

static void on_progress(void *context, size_t done) {
    struct run *r = context;
    progress_step(&r->progress, done, 0);
}

static void ask(struct run *r) {
    const struct voice_options options = {
        .timeout = r->o->timeout,
        .hello_timeout = r->o->timeout > conform_wait ? r->o->timeout : conform_wait,
        .processes = (unsigned)r->o->processes,
        .context = r,
        .progress = on_progress,
    };
    struct timespec before;
    struct timespec after;
    const time_t now = time(NULL);
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    clock_gettime(CLOCK_MONOTONIC, &before);
    progress_start(&r->progress, stderr, r->questions.plan.count * r->o->testee_count);
    voice_ask_ours(&r->voices[0], &r->questions);
    voice_ask_all(&r->voices[1], r->o->testee_count, &r->questions, &options);
    voice_tell_apart(r->voices, r->voice_count);
    progress_end(&r->progress);
    clock_gettime(CLOCK_MONOTONIC, &after);
    r->seconds =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

static void explain_failure(const struct voice *v) {
    struct buffer text = {0};
    text_escape(&text, v->command, strlen(v->command));
    buffer_printf(&text, ": %s", v->failure);
    fprintf(stderr, "cmrp: a testee could not be started: %s%s\n", buffer_text(&text),
            v->failure_output != NULL ? "; it wrote:" : "");
    if (v->failure_output != NULL) {
        fprintf(stderr, "%s", v->failure_output);
    }
    buffer_free(&text);
}

static enum outcome outcome_of(const struct run *r) {
    const size_t *counts = r->splits.counts;
    const bool findings = counts[AGREEMENT_SPLIT] + counts[AGREEMENT_UNSPLIT] > 0;
    enum outcome outcome = findings ? OUTCOME_FINDINGS : OUTCOME_OK;
    for (size_t i = 1; i < r->voice_count; i++) {
        const struct voice *v = &r->voices[i];
        if (v->broken) {
            outcome = outcome_worst(outcome, cli_fail(OUTCOME_INTERNAL,
                                                      "the process that asked %s "
                                                      "came to harm",
                                                      v->command));
        } else if (v->failure != NULL) {
            explain_failure(v);
            outcome = outcome_worst(outcome, OUTCOME_UNREACHED);
        }
        if (v->interrupted) {
            outcome = outcome_worst(outcome, OUTCOME_INCOMPLETE);
        }
        if (v->bad_end) {
            outcome = outcome_worst(outcome, OUTCOME_FINDINGS);
        }
    }
    if (counts[AGREEMENT_ALONE] == r->splits.count) {
        outcome = outcome_worst(outcome, OUTCOME_USAGE);
    }
    return r->incomplete ? outcome_worst(outcome, OUTCOME_INCOMPLETE) : outcome;
}

static enum outcome write_out(const struct run *r) {
    const struct splits_report report = {
        .questions = &r->questions,
        .voices = r->voices,
        .voice_count = r->voice_count,
        .splits = &r->splits,
        .catalogue = &r->catalogue,
        .started = r->started,
        .seconds = r->seconds,
        .colour = cli_colour() != 0,
        .verbose = r->o->verbose,
    };
    const bool taken = r->o->json != NULL && strcmp(r->o->json, "-") == 0;
    struct buffer text = {0};
    char *error = NULL;
    size_t written = 0;
    bool ok = r->o->splits == NULL || candidates_write(&report, r->o->splits, &written, &error);
    splits_text(&report, &text);
    if (ok && r->o->splits != NULL) {
        buffer_printf(&text, "%zu vector%s to be judged below %s\n", written,
                      written == 1 ? "" : "s", r->o->splits);
    }
    if (!taken) {
        fwrite(text.data, 1, text.size, stdout);
    }
    buffer_clear(&text);
    if (ok && r->o->json != NULL) {
        splits_json(&report, &text);
        ok = file_write(r->o->json, buffer_view(&text), &error);
    }
    buffer_free(&text);
    return ok ? OUTCOME_OK : cli_refuse(error);
}

static enum outcome run(struct run *r) {
    char *error = NULL;
    if (!prepare(r, &error)) {
        return cli_refuse(error);
    }
    ask(r);
    if (r->o->xfail != NULL && !apply_xfail(r, &error)) {
        return cli_refuse(error);
    }
    splits_make(&r->questions, r->voices, r->voice_count, &r->splits);
    const enum outcome outcome = write_out(r);
    return outcome_worst(outcome, outcome_of(r));
}

enum outcome cli_conform_voices(int argc, char **argv) {
    struct options o;
    struct run *r = util_alloc(sizeof *r);
    enum outcome outcome = read_options(argc, argv, &o);
    r->o = &o;
    if (outcome == OUTCOME_OK) {
        outcome = run(r);
    }
    splits_free(&r->splits);
    for (size_t i = 0; i < r->voice_count; i++) {
        words_free(r->voices[i].words);
        voice_free(&r->voices[i]);
    }
    questions_free(&r->questions);
    xfail_free(&r->xfail);
    vector_set_free(&r->vectors);
    catalogue_free(&r->catalogue);
    free(r);
    return outcome;
}
