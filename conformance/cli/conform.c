// SPDX-License-Identifier: Apache-2.0
// cmrp conform: judges an implementation by the vectors.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/conform_options.h"
#include "report/artifacts.h"
#include "report/report.h"
#include "suite/xfail.h"
#include "testee/host.h"
#include "testee/words.h"
#include "util/file.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp conform --testee COMMAND [OPTION]... [ID|GLOB]...\n"
    "       cmrp conform -r CAPTURE [OPTION]... [ID|GLOB]...\n"
    "\n"
    "Runs the test vectors against an implementation and says where it departs from\n"
    "[MS-CMRP]. The implementation is wrapped in a small program, the testee, which reads\n"
    "one JSON request a line and answers one a line; docs/testee-protocol.md describes the\n"
    "lines. COMMAND is cut into words as a shell cuts it (quotes, backslashes) and started\n"
    "without a shell.\n"
    "\n"
    "A case is VECTOR/decode or VECTOR/encode. ID is a vector or a case, GLOB a pattern for\n"
    "either; without any, all cases are run.\n"
    "\n"
    "With -r it judges those who talk in a capture by the rules of [MS-CMRP]: who broke which\n"
    "requirement, in which octets, and what is to be changed. A case is RULE/client@ADDRESS or\n"
    "RULE/server@ADDRESS; what cannot be decoded is encoding/… ID is a case, a rule or a\n"
    "requirement. Rules that never could tell anything are not exercised, and no cases.\n"
    "\n"
    "      --complete         with -r: the capture, a file, holds every call that its server\n"
    "                         received, and nothing else changes its registry: rules may conclude\n"
    "                         from what is not in it\n"
    "      --testee COMMAND   the testee\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "      --level LEVEL      must: only vectors that cite a MUST; should: a MUST or a SHOULD;\n"
    "                         otherwise all vectors, those that cite no requirement too. With -r\n"
    "                         must is the default\n"
    "      --xfail FILE       expected failures: lines of CASE-GLOB VERDICT REASON, # for\n"
    "                         comments; VERDICT is FAIL, CRASH or TIMEOUT\n"
    "      --timeout S        seconds that one answer may take (10)\n"
    "  -j N                   processes of the testee that run at a time (1)\n"
    "      --json FILE        the result as JSON (docs/schema/report.json); - for standard\n"
    "                         output\n"
    "      --junit FILE       the result as JUnit XML; - for standard output\n"
    "      --html FILE        the result as one HTML page; - for standard output\n"
    "      --artifacts DIR    keep in DIR, a new or empty folder or one of an earlier run, what\n"
    "                         reproduces each failing case\n"
    "  -v, --verbose          list every case, not only those that need a look\n"
    "  -h, --help             this text\n"
    "\n"
    "With several --testee, or with one and -r, --splits or --mutate, nobody is judged: all\n"
    "are asked the same, cmrp's own codec too, and where they differ is told.\n"
    "\n"
    "  -r CAPTURE             judge a pcap or pcapng file, - for standard input; with --testee, "
    "ask\n"
    "                         about its requests and responses\n"
    "      --mutate N         ask about N changed copies too, drawn at random\n"
    "      --seed N           of the draw (1)\n"
    "      --splits DIR       write what they differ over as vectors below DIR\n"
    "\n"
    "Verdicts: PASS; FAIL; XFAIL, failed as expected; XPASS, passed unexpectedly; UNSUPPORTED,\n"
    "the testee says so; CRASH; TIMEOUT; NOTRUN.\n"
    "\n"
    "Exit codes: 0 all as expected; 1 FAIL, XPASS, CRASH or TIMEOUT, or a testee that ends\n"
    "with an error; 2 usage, unreadable file, nothing selected or nothing to judge, everything\n"
    "unsupported; 3 the testee could not be started; 4 cases were not run, or the capture is cut\n"
    "off in a packet.\n"
    "\n"
    "Examples: cmrp conform --testee cmrp-testee-c 'batch-*'\n"
    "          cmrp conform -r cluster.pcap --level should --html report.html\n";

struct options {
    const char *testee;
    const char *vectors;
    const char *xfail;
    struct conform_forms forms;
    const char *artifacts;
    double timeout;
    uint64_t processes;
    unsigned testees; // how many were given
    bool complete;    // --complete
    bool capture;
    bool disagreement; // an option that asks for it
    bool verbose;
    struct plan_selection selection;
};

// Everything a run needs, freed together.
struct run {
    const struct options *o;
    struct vector_set vectors;
    struct catalogue catalogue;
    struct xfail xfail;
    struct plan plan;
    char **words;
    struct host_report host;
    struct artifacts *artifacts;
    struct progress progress;
    char started[32];
    bool plan_shown;
};

// ---- options ------------------------------------------------------------------------------------

enum {
    TESTEE = 1000,
    VECTORS,
    LEVEL,
    XFAIL,
    WAIT,
    JSON,
    JUNIT,
    HTML,
    ARTIFACTS,
    COMPLETE,
    SERVER,
    CLIENT,
    DISAGREEMENT
};

// Takes one option. Returns false when the program is to end with *outcome.
static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case TESTEE:
        o->testee = optarg;
        o->testees++;
        break;
    case DISAGREEMENT: o->disagreement = true; break;
    case VECTORS: o->vectors = optarg; break;
    case XFAIL: o->xfail = optarg; break;
    case JSON: o->forms.json = optarg; break;
    case JUNIT: o->forms.junit = optarg; break;
    case HTML: o->forms.html = optarg; break;
    case ARTIFACTS: o->artifacts = optarg; break;
    case 'v': o->verbose = true; break;
    case LEVEL: *outcome = conform_take_level(optarg, &o->selection.level); break;
    case WAIT: *outcome = conform_take_seconds(optarg, &o->timeout); break;
    case 'j':
        *outcome = cli_take_number("conform", "-j", optarg, 1, CONFORM_PROCESSES, &o->processes);
        break;
    case 'r': o->capture = true; break;
    case COMPLETE: o->complete = true; break;
    case SERVER:
    case CLIENT:
        *outcome = cli_usage("conform", "servers and clients cannot be judged in this version");
        break;
    case 'h': fputs(help, stdout); return false;
    default: *outcome = cli_usage("conform", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"testee", required_argument, NULL, TESTEE},
                                                 {"vectors", required_argument, NULL, VECTORS},
                                                 {"level", required_argument, NULL, LEVEL},
                                                 {"xfail", required_argument, NULL, XFAIL},
                                                 {"timeout", required_argument, NULL, WAIT},
                                                 {"json", required_argument, NULL, JSON},
                                                 {"junit", required_argument, NULL, JUNIT},
                                                 {"html", required_argument, NULL, HTML},
                                                 {"artifacts", required_argument, NULL, ARTIFACTS},
                                                 {"server", required_argument, NULL, SERVER},
                                                 {"client", required_argument, NULL, CLIENT},
                                                 {"splits", required_argument, NULL, DISAGREEMENT},
                                                 {"mutate", required_argument, NULL, DISAGREEMENT},
                                                 {"seed", required_argument, NULL, DISAGREEMENT},
                                                 {"complete", no_argument, NULL, COMPLETE},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.timeout = conform_wait, .processes = 1};
    while ((option = getopt_long(argc, argv, "r:j:vh", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    if (o->testees > 1 || (o->testees == 1 && o->capture) || o->disagreement) {
        optind = 0; // once more from the beginning
        *outcome = cli_conform_voices(argc, argv);
        return false;
    }
    if (o->testee == NULL && o->capture) {
        optind = 0;
        *outcome = cli_conform_capture(argc, argv);
        return false;
    }
    if (o->complete && !o->capture) {
        *outcome = cli_usage("conform", "--complete goes with -r");
        return false;
    }
    if (o->testee == NULL) {
        *outcome = cli_usage("conform", "--testee or -r is missing");
        return false;
    }
    *outcome = conform_check_forms(&o->forms);
    o->selection.patterns = (const char *const *)(argv + optind);
    o->selection.pattern_count = (size_t)(argc - optind);
    return *outcome == OUTCOME_OK;
}

// ---- before the run -----------------------------------------------------------------------------

static bool load_vectors(struct run *r, char **error) {
    char *directory = r->o->vectors != NULL ? util_strdup(r->o->vectors) : cli_data_path("vectors");
    char *table = cli_data_path("requirements.tsv");
    const bool ok = catalogue_load(table, &r->catalogue, error) &&
                    vector_set_load(directory, &r->vectors, error);
    free(directory);
    free(table);
    return ok;
}

static bool prepare(struct run *r, char **error) {
    const struct options *o = r->o;
    r->words = words_split(o->testee, error);
    if (r->words == NULL) {
        char *whole = util_format("--testee: %s", *error);
        free(*error);
        *error = whole;
        return false;
    }
    if (!load_vectors(r, error) ||
        !plan_make(&r->vectors, &r->catalogue, &o->selection, &r->plan, error)) {
        return false;
    }
    if (r->plan.count == 0) {
        *error =
            util_strdup("nothing is selected: no such vector cites a requirement of this level");
        return false;
    }
    if (o->xfail != NULL && (!xfail_load(o->xfail, &r->xfail, error) ||
                             !xfail_apply(&r->xfail, o->xfail, &r->vectors, &r->plan, error))) {
        return false;
    }
    r->artifacts = o->artifacts != NULL ? artifacts_open(o->artifacts, error) : NULL;
    return o->artifacts == NULL || r->artifacts != NULL;
}

// ---- the run ------------------------------------------------------------------------------------

static struct report report_of(const struct run *r) {
    return (struct report){
        .plan = &r->plan,
        .catalogue = &r->catalogue,
        .command = r->o->testee,
        .vectors = r->o->vectors,
        .testee_name = r->host.hello.name != NULL ? r->host.hello.name : "",
        .testee_version = r->host.hello.version != NULL ? r->host.hello.version : "",
        .testee_types = r->host.hello.types,
        .failure = r->host.failure,
        .failure_output = r->host.failure_output,
        .notes = r->host.notes,
        .note_count = r->host.note_count,
        .seconds = r->host.seconds,
        .started = r->started,
        .colour = cli_colour() != 0,
        .verbose = r->o->verbose,
    };
}

static void show_plan(struct run *r) {
    if (!r->plan_shown && !conform_stdout_taken(&r->o->forms)) {
        const struct report report = report_of(r);
        struct buffer text = {0};
        report_plan(&report, &text);
        conform_print(&text);
    }
    r->plan_shown = true;
}

static void on_ready(void *context, const struct protocol_hello *hello) {
    (void)hello; // host_run has put it into the report already
    show_plan(context);
}

static void on_progress(void *context, size_t done, size_t findings) {
    struct run *r = context;
    progress_step(&r->progress, done, findings);
}

// One form of the report into a file.
static enum outcome write_form(const struct run *r, const char *path,
                               void (*form)(const struct report *, struct buffer *)) {
    const struct report report = report_of(r);
    struct buffer text = {0};
    if (path == NULL) {
        return OUTCOME_OK;
    }
    form(&report, &text);
    return conform_write(path, &text);
}

// The lines that make a testee do a case.
static bool request_lines(const struct suite_case *c, struct buffer *lines) {
    protocol_hello_request(lines);
    return protocol_request(1, c, lines);
}

static enum outcome write_artifacts(const struct run *r) {
    const struct report report = report_of(r);
    char *error = NULL;
    if (r->artifacts != NULL && !artifacts_of_run(r->artifacts, &report, request_lines, &error)) {
        cli_refuse(error);
        return OUTCOME_USAGE;
    }
    return OUTCOME_OK;
}

static void explain_failure(const struct host_report *host) {
    struct buffer text = {0};
    text_escape(&text, host->failure, strlen(host->failure));
    buffer_printf(&text, "%s\n", host->failure_output != NULL ? "; it wrote:" : "");
    for (const char *line = host->failure_output; line != NULL && *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        buffer_printf(&text, "  | ");
        text_escape(&text, line, n);
        buffer_printf(&text, "\n");
        line += n + (line[n] == '\n');
    }
    fprintf(stderr, "cmrp: the testee could not be started: %s", buffer_text(&text));
    buffer_free(&text);
}

static enum outcome run(struct run *r) {
    const struct host_options host_options = {
        .words = r->words,
        .timeout = r->o->timeout,
        .hello_timeout = r->o->timeout > conform_wait ? r->o->timeout : conform_wait,
        .waits = HOST_WAITS,
        .processes = (unsigned)r->o->processes,
        .window = HOST_WINDOW,
        .context = r,
        .ready = on_ready,
        .progress = on_progress,
    };
    const time_t now = time(NULL);
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    progress_start(&r->progress, stderr, r->plan.count);
    host_run(&r->plan, &host_options, &r->host);
    progress_end(&r->progress);
    show_plan(r);
    if (!conform_stdout_taken(&r->o->forms)) {
        const struct report report = report_of(r);
        struct buffer text = {0};
        report_text(&report, &text);
        conform_print(&text);
    }
    if (r->host.failure != NULL) {
        explain_failure(&r->host);
    }
    enum outcome outcome = host_outcome(&r->plan, &r->host);
    outcome = outcome_worst(outcome, write_form(r, r->o->forms.json, report_json));
    outcome = outcome_worst(outcome, write_form(r, r->o->forms.junit, report_junit));
    outcome = outcome_worst(outcome, write_form(r, r->o->forms.html, report_html));
    return outcome_worst(outcome, write_artifacts(r));
}

enum outcome cli_conform(int argc, char **argv) {
    struct options o;
    struct run r = {.o = &o};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    if (prepare(&r, &error)) {
        outcome = run(&r);
    } else {
        outcome = cli_refuse(error);
    }
    artifacts_close(r.artifacts);
    host_report_free(&r.host);
    words_free(r.words);
    plan_free(&r.plan);
    xfail_free(&r.xfail);
    vector_set_free(&r.vectors);
    catalogue_free(&r.catalogue);
    return outcome;
}
