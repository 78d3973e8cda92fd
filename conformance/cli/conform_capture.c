// SPDX-License-Identifier: Apache-2.0
// cmrp conform -r: did those who talk in a capture keep the specification?
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/conform_options.h"
#include "judge/judge.h"
#include "report/artifacts.h"
#include "report/judgement.h"
#include "util/file.h"
#include "util/text.h"

struct options {
    const char *capture;
    const char *xfail;
    struct conform_forms forms;
    const char *artifacts;
    enum requirement_level level;
    bool complete;
    bool verbose;
    const char *const *patterns;
    size_t pattern_count;
};

struct run {
    const struct options *o;
    struct catalogue catalogue;
    struct xfail xfail;
    struct judgement judgement;
    struct artifacts *artifacts;
    double last; // seconds, when progress was last shown
    bool bar;
    bool pipe; // what is read has an other end
};

// ---- options ------------------------------------------------------------------------------------

enum { LEVEL = 1000, XFAIL, JSON, JUNIT, HTML, ARTIFACTS, COMPLETE, NOT_HERE };

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case 'r':
        if (o->capture != NULL) {
            *outcome = cli_usage("conform", "one capture at a time");
        }
        o->capture = optarg;
        break;
    case LEVEL: *outcome = conform_take_level(optarg, &o->level); break;
    case XFAIL: o->xfail = optarg; break;
    case JSON: o->forms.json = optarg; break;
    case JUNIT: o->forms.junit = optarg; break;
    case HTML: o->forms.html = optarg; break;
    case ARTIFACTS: o->artifacts = optarg; break;
    case COMPLETE: o->complete = true; break;
    case 'v': o->verbose = true; break;
    case 'j':
    case NOT_HERE:
        *outcome = cli_usage("conform", "-j, --timeout and --vectors go with --testee");
        break;
    default: *outcome = cli_usage("conform", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"level", required_argument, NULL, LEVEL},
                                                 {"xfail", required_argument, NULL, XFAIL},
                                                 {"json", required_argument, NULL, JSON},
                                                 {"junit", required_argument, NULL, JUNIT},
                                                 {"html", required_argument, NULL, HTML},
                                                 {"artifacts", required_argument, NULL, ARTIFACTS},
                                                 {"complete", no_argument, NULL, COMPLETE},
                                                 {"timeout", required_argument, NULL, NOT_HERE},
                                                 {"vectors", required_argument, NULL, NOT_HERE},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.capture = NULL};
    while ((option = getopt_long(argc, argv, "r:j:v", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    *outcome = conform_check_forms(&o->forms);
    o->patterns = (const char *const *)(argv + optind);
    o->pattern_count = (size_t)(argc - optind);
    return *outcome == OUTCOME_OK;
}

// ---- the capture --------------------------------------------------------------------------------

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void show_progress(void *context, uint64_t packets) {
    static const double bar_seconds = 0.2;
    static const double line_seconds = 10;
    struct run *r = context;
    const double time = now();
    if (time - r->last >= (r->bar ? bar_seconds : line_seconds)) {
        r->last = time;
        fprintf(stderr, r->bar ? "\r%llu packets\033[K" : "cmrp: %llu packets\n",
                (unsigned long long)packets);
        fflush(stderr);
    }
}

static int open_capture(const struct options *o, enum outcome *outcome) {
    const char *path = o->capture;
    struct stat status;
    const bool standard = strcmp(path, "-") == 0;
    const int descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        *outcome = cli_fail(OUTCOME_USAGE, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (o->complete && lseek(descriptor, 0, SEEK_CUR) < 0) {
        *outcome = cli_usage("conform", "--complete reads the capture twice: it must be a file");
        return -1;
    }
    if (S_ISDIR(status.st_mode)) {
        *outcome = cli_fail(OUTCOME_USAGE, "%s: %s", path, strerror(EISDIR));
        close(descriptor);
        return -1;
    }
    return descriptor;
}

// Ctrl-C ends the reading, and what was read is judged. Of a pipe the other end gets it, too, and
// closes: what it still had to say is read. A second one ends the program.
static volatile sig_atomic_t interruptions;

static void on_interrupt(int number) {
    (void)number;
    interruptions = 1;
}

static void watch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    action.sa_flags = (int)(SA_RESTART | SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static bool interrupted(void *context) {
    return interruptions != 0 && !((const struct run *)context)->pipe;
}

static bool judge(struct run *r, enum outcome *outcome) {
    const struct options *o = r->o;
    const struct judge_options options = {.name = file_shown_name(o->capture),
                                          .catalogue = &r->catalogue,
                                          .should = o->level == LEVEL_SHOULD,
                                          .complete = o->complete,
                                          .patterns = o->patterns,
                                          .pattern_count = o->pattern_count,
                                          .xfail = o->xfail != NULL ? &r->xfail : NULL,
                                          .xfail_path = o->xfail,
                                          .progress = show_progress,
                                          .interrupted = interrupted,
                                          .context = r};
    char *error = NULL;
    const int descriptor = open_capture(o, outcome);
    if (descriptor < 0) {
        return false;
    }
    r->pipe = lseek(descriptor, 0, SEEK_CUR) < 0;
    watch_interrupts();
    r->last = now();
    r->bar = isatty(STDERR_FILENO) != 0;
    const bool ok = judge_descriptor(&options, descriptor, &r->judgement, &error);
    if (r->bar) {
        fputs("\r\033[K", stderr);
    }
    if (descriptor != STDIN_FILENO) {
        close(descriptor);
    }
    if (!ok) {
        *outcome = cli_refuse(error);
    }
    return ok;
}

// ---- the report ---------------------------------------------------------------------------------

static enum outcome write_form(const struct run *r, const char *path,
                               void (*form)(const struct judgement *, struct buffer *)) {
    struct buffer text = {0};
    if (path == NULL) {
        return OUTCOME_OK;
    }
    form(&r->judgement, &text);
    return conform_write(path, &text);
}

static enum outcome write_artifacts(const struct run *r) {
    char *error = NULL;
    if (r->artifacts == NULL ||
        artifacts_of_judgement(r->artifacts, &r->judgement, r->o->capture, &error)) {
        return OUTCOME_OK;
    }
    return cli_refuse(error);
}

// Why there was nothing to judge.
static void explain_nothing(const struct judgement *j) {
    const char *why = "the capture holds no call of this protocol";
    if (j->calls > 0 && j->sealed == j->calls) {
        why = "all calls are sealed";
    } else if (j->calls + j->binds > 0) {
        why = "no rule that was asked for could tell anything";
    }
    cli_fail(OUTCOME_USAGE, "%s: nothing was judged: %s", j->capture, why);
}

static enum outcome report(const struct run *r) {
    const struct options *o = r->o;
    struct buffer text = {0};
    if (r->judgement.failed) {
        text_escape(&text, r->judgement.failure, strlen(r->judgement.failure));
        cli_fail(OUTCOME_USAGE, "%s", buffer_text(&text));
        buffer_clear(&text);
    }
    if (!r->judgement.failed && r->judgement.case_count == 0) {
        explain_nothing(&r->judgement);
    }
    // Of what is no capture at all there is nothing to report.
    if (r->judgement.failed && !r->judgement.cut && r->judgement.packets == 0) {
        buffer_free(&text);
        return OUTCOME_USAGE;
    }
    if (!conform_stdout_taken(&o->forms)) {
        judgement_text(&r->judgement, cli_colour() != 0, o->verbose, &text);
    }
    conform_print(&text);
    enum outcome outcome = judgement_outcome(&r->judgement);
    outcome = outcome_worst(outcome, write_form(r, o->forms.json, judgement_json));
    outcome = outcome_worst(outcome, write_form(r, o->forms.junit, judgement_junit));
    outcome = outcome_worst(outcome, write_form(r, o->forms.html, judgement_html));
    return outcome_worst(outcome, write_artifacts(r));
}

enum outcome cli_conform_capture(int argc, char **argv) {
    struct options o;
    struct run r = {.o = &o};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    char *table = cli_data_path("requirements.tsv");
    if (!catalogue_load(table, &r.catalogue, &error) ||
        (o.xfail != NULL && !xfail_load(o.xfail, &r.xfail, &error)) ||
        (o.artifacts != NULL && (r.artifacts = artifacts_open(o.artifacts, &error)) == NULL)) {
        outcome = cli_refuse(error);
    } else if (judge(&r, &outcome)) {
        outcome = report(&r);
        judgement_free(&r.judgement);
    }
    free(table);
    artifacts_close(r.artifacts);
    xfail_free(&r.xfail);
    catalogue_free(&r.catalogue);
    return outcome;
}
