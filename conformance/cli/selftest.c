// SPDX-License-Identifier: Apache-2.0
// cmrp selftest: can what judges others fail? Faults are played, and each must be caught.
#include "cli/selftest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: cmrp selftest [OPTION]... [PART]...\n"
    "\n"
    "Proves that cmrp finds what it looks for: plays faults, one for each thing that can be "
    "wrong,\n"
    "and tells which were caught, and by what. A fault that nobody catches, or that changes\n"
    "nothing, is a finding.\n"
    "\n"
    "Parts; without any, all of them:\n"
    "  rules                  sequences of calls, kept and doctored (vectors/sequence): every "
    "rule\n"
    "                         of conform -r must be broken by one, and found to be kept by "
    "another\n"
    "  testees                cmrp-testee-c, which must pass all vectors, and with each of its\n"
    "                         faults (cmrp-testee-c --faults) fail the case named for it\n"
    "\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "      --testee COMMAND   the testee with the faults; else that beside cmrp\n"
    "  -v, --verbose          list everything, not only what needs a look\n"
    "  -T text|json           output form; text is the default; docs/schema/selftest.json "
    "describes\n"
    "                         the other\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit codes: 0 every fault was caught; 1 some were not, or changed nothing; 2 usage, "
    "unreadable\n"
    "file; 3 the testee could not be started.\n"
    "\n"
    "Example: cmrp selftest rules --verbose\n";

static const struct {
    const char *name;
    enum outcome (*run)(struct selftest *s);
} parts[] = {
    {"rules", selftest_rules},
    {"testees", selftest_testees},
};

enum { PARTS = sizeof parts / sizeof *parts, VECTORS = 1000, TESTEE };

struct options {
    const char *vectors;
    const char *testee;
    bool verbose;
    bool json;
    bool wanted[PARTS];
};

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case VECTORS: o->vectors = optarg; break;
    case TESTEE: o->testee = optarg; break;
    case 'v': o->verbose = true; break;
    case 'T': *outcome = cli_take_form("selftest", optarg, &o->json); break;
    case 'h': fputs(help, stdout); return false;
    default: *outcome = cli_usage("selftest", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool take_part(const char *name, struct options *o) {
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            o->wanted[i] = true;
            return true;
        }
    }
    return false;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"vectors", required_argument, NULL, VECTORS},
                                                 {"testee", required_argument, NULL, TESTEE},
                                                 {"verbose", no_argument, NULL, 'v'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.vectors = NULL};
    while ((option = getopt_long(argc, argv, "T:vh", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    for (size_t i = 0; optind == argc && i < PARTS; i++) {
        o->wanted[i] = true;
    }
    for (int i = optind; i < argc; i++) {
        if (!take_part(argv[i], o)) {
            *outcome = cli_usage("selftest", "there is no part \"%.40s\"", argv[i]);
            return false;
        }
    }
    return true;
}

enum outcome cli_selftest(int argc, char **argv) {
    struct options o;
    enum outcome outcome = OUTCOME_OK;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    char *directory = o.vectors != NULL ? util_strdup(o.vectors) : cli_data_path("vectors");
    json_t *document = json_pack("{s:i}", "format", 1);
    for (size_t i = 0; i < PARTS; i++) {
        if (!o.wanted[i]) {
            continue;
        }
        struct selftest s = {
            .vectors = directory, .testee = o.testee, .verbose = o.verbose, .json = json_object()};
        outcome = outcome_worst(outcome, parts[i].run(&s));
        json_object_set_new(document, parts[i].name, s.json);
        if (!o.json) {
            fwrite(s.text.data, 1, s.text.size, stdout);
        }
        buffer_free(&s.text);
    }
    if (o.json && outcome != OUTCOME_USAGE) {
        char *text = json_dumps(document, JSON_INDENT(2));
        puts(text);
        free(text);
    }
    json_decref(document);
    free(directory);
    return outcome;
}
