// SPDX-License-Identifier: Apache-2.0
// cmrp decode: octets in, text or JSON out.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/selector.h"
#include "show/show.h"
#include "util/file.h"
#include "util/hex.h"

static void print_help(void) {
    printf(
        "usage: cmrp decode [OPTION]... FILE\n"
        "\n"
        "Shows what the octets of FILE (or - for standard input) say.\n"
        "\n"
        "%s"
        "      --hex              FILE holds hex, as people paste it: spaces, 0x, dumps with "
        "offsets\n"
        "  -T text|json           output form; text is the default\n"
        "  -V, --verbose          text: offsets and raw fields too\n"
        "  -h, --help             this text\n"
        "\n"
        "Exit codes: 0 decoded, warnings included; 1 the input is invalid: one line names offset,\n"
        "field and section, after everything that could be decoded; 2 usage or unreadable file.\n"
        "\n"
        "Example: cmrp decode --hex -V - <<< '01000000 04000000 00000000 02000000 0000 00000000'\n",
        cli_selector_help);
}

struct options {
    struct cli_selector selector;
    struct show_options show;
    bool hex;
    bool json;
    const char *file;
};

// Returns false when the program is to end with *outcome.
static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    enum { HEX = CLI_OPTION_OWN };
    static const struct option long_options[] = {CLI_SELECTOR_OPTIONS,
                                                 {"hex", no_argument, NULL, HEX},
                                                 {"verbose", no_argument, NULL, 'V'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "T:Vh", long_options, NULL)) != -1) {
        switch (option) {
        case HEX: o->hex = true; break;
        case 'V': o->show.verbose = true; break;
        case 'T':
            *outcome = cli_take_form("decode", optarg, &o->json);
            if (*outcome != OUTCOME_OK) {
                return false;
            }
            break;
        case 'h':
            print_help();
            *outcome = OUTCOME_OK;
            return false;
        default:
            if (!cli_selector_option(&o->selector, option, optarg)) {
                *outcome = cli_usage("decode", "unusable option");
                return false;
            }
        }
    }
    if (optind + 1 != argc) {
        *outcome = cli_usage("decode", "one FILE is expected");
        return false;
    }
    o->file = argv[optind];
    return true;
}

static void decode_json(const struct json_selector *how, cmrp_view octets, cmrp_error *error) {
    // Only ASCII reaches a terminal: names may hold what it obeys.
    const size_t flags = JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0);
    json_t *value = NULL;
    if (how->type != JSON_TYPE_BATCH) {
        value = json_decode(how, octets, 0, error);
    } else {
        json_batch_print(octets, how->batch_flags, flags, stdout, error);
    }
    if (error->code != CMRP_OK) {
        value = json_object();
        json_object_set_new(value, "error", json_error(error));
    }
    if (value != NULL) {
        json_dumpf(value, stdout, flags);
        json_decref(value);
    }
    puts("");
}

static void decode_text(const struct options *o, const struct json_selector *how, cmrp_view octets,
                        cmrp_error *error) {
    struct buffer out = {0};
    show_value(&out, how, octets, &o->show, error);
    file_write("-", buffer_view(&out), NULL);
    buffer_free(&out);
}

static enum outcome decode(const struct options *o, cmrp_view octets) {
    struct json_selector how = {0};
    cmrp_error error = {0};
    char *reason = NULL;
    if (!cli_selector_resolve(&o->selector, NULL, &how, &reason)) {
        const enum outcome outcome = cli_usage("decode", "%s", reason);
        free(reason);
        return outcome;
    }
    if (o->json) {
        decode_json(&how, octets, &error);
    } else {
        decode_text(o, &how, octets, &error);
    }
    if (error.code == CMRP_OK) {
        return OUTCOME_OK;
    }
    char text[512];
    cmrp_error_format(&error, text, sizeof text);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", file_shown_name(o->file), text);
    return OUTCOME_FINDINGS;
}

enum outcome cli_decode(int argc, char **argv) {
    struct options o = {0};
    struct buffer input = {0};
    struct buffer octets = {0};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    o.show.colour = cli_colour();
    if (!file_read(o.file, FILE_LIMIT, &input, &error)) {
        outcome = cli_fail(OUTCOME_USAGE, "%s", error);
    } else if (!o.hex) {
        outcome = decode(&o, buffer_view(&input));
    } else if (hex_parse_pasted((const char *)input.data, input.size, &octets, &error)) {
        outcome = decode(&o, buffer_view(&octets));
    } else {
        outcome = cli_fail(OUTCOME_USAGE, "%s: %s", file_shown_name(o.file), error);
    }
    free(error);
    buffer_free(&input);
    buffer_free(&octets);
    return outcome;
}
