// SPDX-License-Identifier: Apache-2.0
// cmrp encode: JSON in, octets out.
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/selector.h"
#include "util/file.h"
#include "util/hex.h"

static void print_help(void) {
    printf("usage: cmrp encode [OPTION]... FILE\n"
           "\n"
           "Reads one JSON value (FILE, or - for standard input) in the form that `cmrp decode\n"
           "-T json` prints, and writes its octets to standard output.\n"
           "\n"
           "%s"
           "      --hex              write hex digits instead of octets\n"
           "  -o, --output FILE      write to FILE\n"
           "  -h, --help             this text\n"
           "\n"
           "A stub's or change value's own \"method\", \"direction\", \"set\", … serve where the "
           "option is\n"
           "not given. Exit codes: 0 encoded; 1 the value cannot be encoded; 2 usage, unreadable "
           "file\n"
           "or not JSON.\n"
           "\n"
           "Example: cmrp decode -T json batch.bin | cmrp encode - | cmp - batch.bin\n",
           cli_selector_help);
}

struct options {
    struct cli_selector selector;
    bool hex;
    const char *output;
    const char *file;
};

// Returns false when the program is to end with *outcome.
static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    enum { HEX = CLI_OPTION_OWN };
    static const struct option long_options[] = {CLI_SELECTOR_OPTIONS,
                                                 {"hex", no_argument, NULL, HEX},
                                                 {"output", required_argument, NULL, 'o'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        switch (option) {
        case HEX: o->hex = true; break;
        case 'o': o->output = optarg; break;
        case 'h':
            print_help();
            *outcome = OUTCOME_OK;
            return false;
        default:
            if (!cli_selector_option(&o->selector, option, optarg)) {
                *outcome = cli_usage("encode", "unusable option");
                return false;
            }
        }
    }
    if (optind + 1 != argc) {
        *outcome = cli_usage("encode", "one FILE is expected");
        return false;
    }
    o->file = argv[optind];
    return true;
}

static enum outcome write_result(const struct options *o, const struct buffer *octets) {
    struct buffer text = {0};
    char *error = NULL;
    enum outcome outcome = OUTCOME_OK;
    if (o->hex) {
        hex_append(&text, buffer_view(octets));
        buffer_append(&text, "\n", 1);
    }
    if (!file_write(o->output != NULL ? o->output : "-", buffer_view(o->hex ? &text : octets),
                    &error)) {
        outcome = cli_refuse(error);
    }
    buffer_free(&text);
    return outcome;
}

static enum outcome encode(const struct options *o, const struct buffer *text) {
    struct json_selector how = {0};
    struct json_failure failure;
    struct buffer octets = {0};
    char *error = NULL;
    enum outcome outcome;
    json_t *value = json_parse((const char *)text->data, text->size, &error);
    if (value == NULL) {
        outcome = cli_fail(OUTCOME_USAGE, "%s: %s", file_shown_name(o->file), error);
    } else if (!cli_selector_resolve(&o->selector, value, &how, &error)) {
        outcome = cli_usage("encode", "%s", error);
    } else if (!json_encode(&how, value, &octets, &failure)) {
        const char *section = failure.codec.section;
        outcome = cli_fail(OUTCOME_FINDINGS, "%s: at %s: %s%s%s%s", file_shown_name(o->file),
                           failure.pointer[0] != '\0' ? failure.pointer : "/", failure.message,
                           section != NULL ? " [" : "", section != NULL ? section : "",
                           section != NULL ? "]" : "");
    } else {
        outcome = write_result(o, &octets);
    }
    free(error);
    buffer_free(&octets);
    json_decref(value);
    return outcome;
}

enum outcome cli_encode(int argc, char **argv) {
    struct options o = {0};
    struct buffer text = {0};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    if (file_read(o.file, FILE_LIMIT, &text, &error)) {
        outcome = encode(&o, &text);
    } else {
        outcome = cli_refuse(error);
    }
    buffer_free(&text);
    return outcome;
}
