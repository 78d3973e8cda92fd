// SPDX-License-Identifier: Apache-2.0
// cmrp replay: the calls of a capture.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmrp/method.h"
#include "replay/replay.h"
#include "util/file.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp replay -r CAPTURE [OPTION]...\n"
    "\n"
    "Finds the calls of the Failover Cluster Management API [MS-CMRP] in a capture, whatever the\n"
    "TCP port, and says what they say: who called what, with which outcome; the commands of\n"
    "registry batches; the notifications delivered; and where a request or response breaks the\n"
    "encoding (lines that start with \"!\", or \"~\" where it is only unusual).\n"
    "\n"
    "  -r FILE                the capture: pcap or pcapng, also gzip-compressed; - for standard\n"
    "                         input, so that `tcpdump -U -w - | cmrp replay -r -` shows live "
    "calls\n"
    "  -T text|json|none      output form; text is the default. json: one object a line, kinds\n"
    "                         call, bind, gap and note (docs/schema/replay.json)\n"
    "  -V, --verbose          text: every parameter, raw fields, offsets and frame numbers\n"
    "      --method NAME|OPNUM  only calls of this method\n"
    "      --rules            judge calls, and sequences of calls, by the specification: findings\n"
    "                         also say who broke which requirement and what to change\n"
    "      --complete         with --rules: the capture, a file, holds every call that its server\n"
    "                         received, so that rules may conclude from what is not in it\n"
    "      --require N        exit 1 unless at least N calls were found (after --method)\n"
    "      --limit-stub N     octets of the largest request or response that is read (4194304)\n"
    "      --limit-calls N    calls of one connection that may wait for an answer (1024)\n"
    "      --limit-contexts N presentation contexts of one connection (256)\n"
    "      --limit-flows N    TCP connections that are followed at a time (65536)\n"
    "      --limit-activities N\n"
    "                         activities over UDP that are followed at a time (4096)\n"
    "      --limit-memory N   octets of stubs kept for all connections together (268435456)\n"
    "  -h, --help             this text\n"
    "\n"
    "A call is complete, a fault, unanswered, sealed (encrypted), or undecoded (not described, "
    "not\n"
    "whole in the capture, or wrong). Handles get short names in order of appearance, such as\n"
    "key#1 and notify#1. Times are seconds since the first data of the capture.\n"
    "\n"
    "Exit codes: 0 read to the end, calls or not; 1 findings, or fewer calls than --require asks\n"
    "for; 2 usage, or not a readable capture; 4 the capture is cut off: what it holds is shown.\n"
    "Warnings (\"~\") alone leave the exit code 0.\n"
    "\n"
    "Example: cmrp replay -r cluster.pcap --method ApiGetBatchNotification\n";

enum {
    OPTION_METHOD = 1000,
    OPTION_RULES,
    OPTION_COMPLETE,
    OPTION_REQUIRE,
    OPTION_STUB,
    OPTION_CALLS,
    OPTION_CONTEXTS,
    OPTION_FLOWS,
    OPTION_ACTIVITIES,
    OPTION_MEMORY,
    OPTION_LATER,
};

static const struct option long_options[] = {
    {"verbose", no_argument, NULL, 'V'},
    {"method", required_argument, NULL, OPTION_METHOD},
    {"rules", no_argument, NULL, OPTION_RULES},
    {"complete", no_argument, NULL, OPTION_COMPLETE},
    {"require", required_argument, NULL, OPTION_REQUIRE},
    {"limit-stub", required_argument, NULL, OPTION_STUB},
    {"limit-calls", required_argument, NULL, OPTION_CALLS},
    {"limit-contexts", required_argument, NULL, OPTION_CONTEXTS},
    {"limit-flows", required_argument, NULL, OPTION_FLOWS},
    {"limit-activities", required_argument, NULL, OPTION_ACTIVITIES},
    {"limit-memory", required_argument, NULL, OPTION_MEMORY},
    {"to", required_argument, NULL, OPTION_LATER},
    {"serve", required_argument, NULL, OPTION_LATER},
    {"fast", no_argument, NULL, OPTION_LATER},
    {"ignore", required_argument, NULL, OPTION_LATER},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

// ---- output and progress ------------------------------------------------------------------------

struct run {
    struct replay_options replay;
    const char *file;
    uint64_t require;
    bool flush; // each record, for whoever waits at the other end
    // progress
    int descriptor;
    off_t size; // of the capture; 0: not known
    bool bar;
    bool drawn;
    double last; // seconds, when something was last shown
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wipe_bar(struct run *run) {
    if (run->drawn) {
        fputs("\r\033[K", stderr);
        run->drawn = false;
    }
}

static bool write_record(void *context, const char *text, size_t size) {
    struct run *run = context;
    if (run->flush) {
        wipe_bar(run);
    }
    fwrite(text, 1, size, stdout);
    return run->flush ? file_stdout_ok() : ferror(stdout) == 0;
}

static void show_progress(void *context, const struct replay_result *so_far) {
    static const double bar_seconds = 0.2;
    static const double line_seconds = 10;
    struct run *run = context;
    const double time = now();
    if (time - run->last < (run->bar ? bar_seconds : line_seconds)) {
        return;
    }
    run->last = time;
    const off_t at = run->size > 0 ? lseek(run->descriptor, 0, SEEK_CUR) : 0;
    fputs(run->bar ? "\r" : "cmrp: ", stderr);
    if (run->size > 0 && at >= 0) {
        fprintf(stderr, "%d%% read, ", (int)(100 * (double)at / (double)run->size));
    }
    fprintf(stderr, "%llu packets, %llu calls%s", (unsigned long long)so_far->packets,
            (unsigned long long)replay_calls(so_far), run->bar ? "\033[K" : "\n");
    run->drawn = run->bar;
    fflush(stderr);
}

// Where results are followed while they come: terminals, pipes, sockets.
static bool output_is_followed(void) {
    struct stat status;
    return fstat(STDOUT_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
}

// ---- options ------------------------------------------------------------------------------------

static bool read_number(const char *text, uint64_t maximum, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *value <= maximum;
}

static bool set_method(struct run *run, const char *text, enum outcome *outcome) {
    uint32_t opnum;
    uint64_t number;
    if (cmrp_opnum_named(CMRP_INTERFACE_3, text, &opnum) ||
        cmrp_opnum_named(CMRP_INTERFACE_2, text, &opnum)) {
        run->replay.opnum = (int32_t)opnum;
        return true;
    }
    if (read_number(text, UINT16_MAX, &number)) {
        run->replay.opnum = (int32_t)number;
        return true;
    }
    *outcome = cli_usage("replay", "--method: the interface has no method \"%.40s\"", text);
    return false;
}

static bool set_form(struct run *run, const char *text, enum outcome *outcome) {
    static const char *const names[] = {"text", "json", "none"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], text) == 0) {
            run->replay.format = (enum replay_format)i;
            return true;
        }
    }
    *outcome = cli_usage("replay", "-T takes text, json or none, not \"%.20s\"", text);
    return false;
}

// An option that takes a number.
static bool set_number(struct run *run, int option, const char *text, enum outcome *outcome) {
    const bool large = option == OPTION_REQUIRE || option == OPTION_STUB || option == OPTION_MEMORY;
    uint64_t value;
    if (!read_number(text, large ? SIZE_MAX / 4 : UINT32_MAX / 4, &value) ||
        (value == 0 && option != OPTION_REQUIRE)) {
        *outcome = cli_usage("replay", "\"%.20s\" is not a usable number", text);
        return false;
    }
    switch (option) {
    case OPTION_REQUIRE: run->require = value; break;
    case OPTION_STUB:
        run->replay.assoc.stub = (size_t)value;
        run->replay.datagrams.stub = (size_t)value;
        break;
    case OPTION_CALLS:
        run->replay.assoc.calls = (uint32_t)value;
        run->replay.datagrams.calls = (uint32_t)value;
        break;
    case OPTION_CONTEXTS: run->replay.assoc.contexts = (uint32_t)value; break;
    case OPTION_FLOWS: run->replay.capture.flows = (uint32_t)value; break;
    case OPTION_ACTIVITIES: run->replay.datagrams.activities = (uint32_t)value; break;
    default: run->replay.memory = (size_t)value;
    }
    return true;
}

// Returns false when the program is to end with *outcome.
static bool read_options(int argc, char **argv, struct run *run, enum outcome *outcome) {
    int option;
    int index = 0;
    while ((option = getopt_long(argc, argv, "r:T:Vh", long_options, &index)) != -1) {
        bool ok = true;
        switch (option) {
        case 'r': run->file = optarg; break;
        case 'T': ok = set_form(run, optarg, outcome); break;
        case 'V': run->replay.verbose = true; break;
        case OPTION_RULES: run->replay.rules = true; break;
        case OPTION_COMPLETE: run->replay.rule_limits.complete = true; break;
        case OPTION_METHOD: ok = set_method(run, optarg, outcome); break;
        case OPTION_LATER:
            *outcome = cli_usage("replay", "--%s is not in this version of cmrp",
                                 long_options[index].name);
            return false;
        case 'h':
            fputs(help, stdout);
            *outcome = OUTCOME_OK;
            return false;
        case '?': *outcome = cli_usage("replay", "unusable option"); return false;
        default: ok = set_number(run, option, optarg, outcome);
        }
        if (!ok) {
            return false;
        }
    }
    if (run->replay.rule_limits.complete && !run->replay.rules) {
        *outcome = cli_usage("replay", "--complete goes with --rules");
        return false;
    }
    if (optind < argc || run->file == NULL) {
        *outcome = run->file == NULL ? cli_usage("replay", "-r CAPTURE is missing")
                                     : cli_usage("replay",
                                                 "one capture at a time: \"%.80s\" is "
                                                 "left over",
                                                 argv[optind]);
        return false;
    }
    return true;
}

// ---- the run ------------------------------------------------------------------------------------

static bool open_file(struct run *run, enum outcome *outcome) {
    struct stat status;
    const bool standard = strcmp(run->file, "-") == 0;
    run->descriptor = standard ? STDIN_FILENO : open(run->file, O_RDONLY | O_CLOEXEC);
    if (run->descriptor < 0 || fstat(run->descriptor, &status) != 0) {
        *outcome = cli_fail(OUTCOME_USAGE, "%s: %s", run->file, strerror(errno));
        return false;
    }
    if (run->replay.rule_limits.complete && lseek(run->descriptor, 0, SEEK_CUR) < 0) {
        *outcome = cli_usage("replay", "--complete reads the capture twice: it must be a file");
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        *outcome = cli_fail(OUTCOME_USAGE, "%s: %s", run->file, strerror(EISDIR));
        return false;
    }
    run->size = S_ISREG(status.st_mode) ? status.st_size : 0;
    return true;
}

// What ended the reading, if it was not the end.
static void explain(const struct run *run, const struct replay_result *result) {
    char line[512];
    struct buffer shown = {0};
    if (result->status == CAPTURE_OK || result->status == CAPTURE_STOPPED) {
        return;
    }
    capture_error_format(&result->error, strcmp(run->file, "-") == 0 ? "standard input" : run->file,
                         line, sizeof line);
    text_escape(&shown, line, strlen(line));
    cli_fail(OUTCOME_USAGE, "%s", buffer_text(&shown));
    buffer_free(&shown);
}

// The last line: with the text, else to standard error when there was nothing or too little.
static void summarise(const struct run *run, const struct replay_result *result) {
    struct buffer text = {0};
    const bool few = replay_calls(result) < run->require;
    replay_summary(result, &text);
    if (run->replay.format == REPLAY_TEXT) {
        fwrite(text.data, 1, text.size, stdout);
    } else if (replay_calls(result) == 0) {
        fprintf(stderr, "cmrp: %s", buffer_text(&text));
    }
    if (few) {
        fflush(stdout);
        fprintf(stderr, "cmrp: %llu calls were found, %llu are required\n",
                (unsigned long long)replay_calls(result), (unsigned long long)run->require);
    }
    buffer_free(&text);
}

static enum outcome replay(struct run *run) {
    struct replay_result result;
    enum outcome outcome = OUTCOME_OK;
    if (!open_file(run, &outcome)) {
        return outcome;
    }
    run->replay.context = run;
    run->replay.write = write_record;
    run->replay.progress = show_progress;
    run->replay.colour = cli_colour() != 0;
    run->replay.ascii = isatty(STDOUT_FILENO) != 0;
    run->flush = output_is_followed();
    run->bar = isatty(STDERR_FILENO) != 0;
    run->last = now();
    replay_descriptor(&run->replay, run->descriptor, &result);
    wipe_bar(run);
    if (run->descriptor != STDIN_FILENO) {
        close(run->descriptor);
    }
    // Of a capture that turns out damaged behind good packets there is something to sum up.
    if (result.status != CAPTURE_STOPPED &&
        (result.packets > 0 || replay_outcome(&result, 0) != OUTCOME_USAGE)) {
        summarise(run, &result);
    }
    fflush(stdout);
    explain(run, &result);
    return replay_outcome(&result, run->require);
}

enum outcome cli_replay(int argc, char **argv) {
    struct run run = {.replay = {.opnum = -1}};
    enum outcome outcome = OUTCOME_OK;
    return read_options(argc, argv, &run, &outcome) ? replay(&run) : outcome;
}
