// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmrp/cmrp.h"
#include "util/buffer.h"
#include "util/file.h"
#include "util/text.h"

static const struct {
    const char *name;
    enum outcome (*run)(int argc, char **argv);
    const char *summary;
} subcommands[] = {
    {"decode", cli_decode, "show what a batch, change value, stub or PDU says"},
    {"encode", cli_encode, "turn JSON into the octets of one of these"},
    {"replay", cli_replay, "decode the ClusAPI calls of a capture"},
    {"conform", cli_conform,
     "judge an implementation by the vectors, or those who talk in a capture"},
    {"serve", cli_serve, "be a cluster to develop against"},
    {"ctl", cli_ctl, "change the cluster of a running `cmrp serve`"},
    {"call", cli_call, "call methods of a live cluster"},
    {"watch", cli_watch, "show notifications and batches of a live cluster as they happen"},
    {"list", cli_list, "list the vectors"},
    {"explain", cli_explain,
     "explain a vector, sequence, requirement, rule, method, flag or error"},
    {"coverage", cli_coverage, "tell what shows whether each requirement is kept"},
    {"selftest", cli_selftest, "prove that what cmrp looks for is found"},
    {"export", cli_export, "write a vector as C, JSON, pcap, hex or octets"},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static void print_help(FILE *to) {
    fputs("usage: cmrp SUBCOMMAND [OPTION]... [ARGUMENT]...\n"
          "\n"
          "Codec and conformance kit for the change notifications and registry batches of the\n"
          "Failover Cluster Management API (ClusAPI, [MS-CMRP]).\n"
          "\n",
          to);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        fprintf(to, "  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
    }
    fputs(
        "\n"
        "  -h, --help     this text; `cmrp SUBCOMMAND --help` tells about one\n"
        "      --version  the version\n"
        "\n"
        "Exit codes: 0 all well; 1 findings (invalid input, failed case, difference); 2 usage or\n"
        "unreadable file; 3 target could not be started or reached; 4 incomplete; 5 internal "
        "error.\n",
        to);
}

// File names, patterns and lines of files that a message quotes may hold anything. What was escaped
// before stays as it is.
__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list args) {
    char text[4096];
    struct buffer shown = {0};
    vsnprintf(text, sizeof text, format, args);
    for (const char *line = text, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        text_make_safe(&shown, line, end != NULL ? (size_t)(end++ - line) : strlen(line));
        buffer_printf(&shown, "\n");
    }
    fputs(buffer_text(&shown), stderr);
    buffer_free(&shown);
}

enum outcome cli_usage(const char *subcommand, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "cmrp %s: ", subcommand);
    complain(format, args);
    fprintf(stderr, "Try `cmrp %s --help`.\n", subcommand);
    va_end(args);
    return OUTCOME_USAGE;
}

enum outcome cli_fail(enum outcome outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("cmrp: ", stderr);
    complain(format, args);
    va_end(args);
    return outcome;
}

enum outcome cli_refuse(char *error) {
    const enum outcome outcome = cli_fail(OUTCOME_USAGE, "%s", error);
    free(error);
    return outcome;
}

bool cli_read_number(const char *text, uint64_t least, uint64_t most, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value >= least &&
           *value <= most;
}

enum outcome cli_take_number(const char *subcommand, const char *option, const char *text,
                             uint64_t least, uint64_t most, uint64_t *value) {
    return cli_read_number(text, least, most, value)
               ? OUTCOME_OK
               : cli_usage(subcommand,
                           "%s takes a number from %" PRIu64 " to %" PRIu64 ", not \"%.20s\"",
                           option, least, most, text);
}

enum outcome cli_take_form(const char *subcommand, const char *text, bool *json) {
    *json = strcmp(text, "json") == 0;
    return *json || strcmp(text, "text") == 0
               ? OUTCOME_OK
               : cli_usage(subcommand, "-T takes text or json, not \"%.20s\"", text);
}

int cli_colour(void) {
    const char *no = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

char *cli_data_path(const char *name) {
    static const char *const places[] = {CMRP_SOURCE_DATADIR, CMRP_INSTALL_DATADIR};
    const char *chosen = getenv("CMRP_DATADIR");
    for (size_t i = 0; chosen == NULL && i < sizeof places / sizeof places[0]; i++) {
        char *path = util_format("%s/vectors", places[i]);
        struct stat status;
        if (stat(path, &status) == 0) {
            chosen = places[i];
        }
        free(path);
    }
    // In the source tree the catalogue lies beside the code that uses it.
    const char *folder =
        chosen != NULL && strcmp(chosen, CMRP_SOURCE_DATADIR) == 0 && strcmp(name, "vectors") != 0
            ? "/conformance"
            : "";
    return util_format("%s%s/%s", chosen != NULL ? chosen : CMRP_INSTALL_DATADIR, folder, name);
}

static enum outcome run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return OUTCOME_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return OUTCOME_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cmrp %s\n", CMRP_VERSION_STRING);
        return OUTCOME_OK;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0) {
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "cmrp: no subcommand \"%.40s\"\nTry `cmrp --help`.\n", argv[1]);
    return OUTCOME_USAGE;
}

// Standard descriptors that the caller closed are opened so that using them fails: otherwise the
// next file that is opened takes their place, and output goes there.
static void fill_standard_descriptors(void) {
    for (int n = STDIN_FILENO; n <= STDERR_FILENO; n++) {
        if (fcntl(n, F_GETFD) < 0) {
            (void)open("/dev/null", n == STDIN_FILENO ? O_WRONLY : O_RDONLY); // takes the lowest: n
        }
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); // a closed pipe is a failed write, reported like a full disk
    json_set_alloc_funcs(util_alloc, free); // no JSON is silently left out where memory ends
    file_watch_stdout();
    enum outcome outcome = run(argc, argv);
    if (!file_stdout_ok()) {
        outcome = outcome_worst(outcome, OUTCOME_USAGE);
    }
    return (int)outcome;
}
