// SPDX-License-Identifier: Apache-2.0
// cmrp export: a vector or sequence in a form that other programs take.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "suite/export.h"
#include "suite/near.h"
#include "suite/sequence.h"
#include "util/file.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp export ID --as FORM [OPTION]...\n"
    "\n"
    "Writes a test vector or sequence in a form that other programs take; `cmrp list` has the\n"
    "ids.\n"
    "\n"
    "      --as c|json|pcap|hex|frame\n"
    "                         c: a const uint8_t array and its size; json: the vector as in its\n"
    "                         file; pcap: a capture of a connection that carries it, for\n"
    "                         Wireshark and cmrp replay; hex: one line; frame: the octets\n"
    "  -o, --output FILE      write to FILE, not to standard output\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "  -h, --help             this text\n"
    "\n"
    "In a capture a batch is carried by a response of ApiGetBatchNotification. A change value has\n"
    "no message of its own and no pcap; a vector without octets has only json. A sequence has\n"
    "pcap, the whole conversation, and json.\n"
    "\n"
    "Exit codes: 0 written; 2 usage, unknown id, a form that the vector does not have, unreadable\n"
    "or unwritable file.\n"
    "\n"
    "Example: cmrp export batch-notifytest-sent --as pcap -o notify.pcap\n";

struct options {
    const char *id;
    const char *output;
    const char *vectors;
    bool has_form;
    enum export_form form;
};

enum { AS = 1000, VECTORS };

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case VECTORS: o->vectors = optarg; break;
    case 'o': o->output = optarg; break;
    case AS:
        o->has_form = export_form_named(optarg, &o->form);
        if (!o->has_form) {
            *outcome = cli_usage("export", "--as takes c, json, pcap, hex or frame");
        }
        break;
    case 'h': fputs(help, stdout); return false;
    default: *outcome = cli_usage("export", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"as", required_argument, NULL, AS},
                                                 {"output", required_argument, NULL, 'o'},
                                                 {"vectors", required_argument, NULL, VECTORS},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    *o = (struct options){.output = "-"};
    while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    if (optind + 1 != argc) {
        *outcome = cli_usage("export", "one ID is expected");
        return false;
    }
    if (!o->has_form) {
        *outcome = cli_usage("export", "--as is missing: c, json, pcap, hex or frame");
        return false;
    }
    o->id = argv[optind];
    return true;
}

static enum outcome unknown(const struct vector_set *set, const struct sequence_set *sequences,
                            const char *id) {
    struct near near = {.wanted = id};
    struct buffer text = {0};
    for (size_t i = 0; i < set->count; i++) {
        near_offer(&near, set->vectors[i].id);
    }
    for (size_t i = 0; i < sequences->count; i++) {
        near_offer(&near, sequences->sequences[i].id);
    }
    text_escape(&text, id, strlen(id) < 80 ? strlen(id) : 80);
    near_suggest(&near, &text);
    if (strchr(id, '#') != NULL && strchr(id, '@') != NULL) { // CASE#N
        buffer_printf(&text, "; what reproduces a finding is kept by cmrp conform -r CAPTURE "
                             "--artifacts DIR");
    }
    const enum outcome outcome =
        cli_fail(OUTCOME_USAGE, "no vector or sequence %s", buffer_text(&text));
    buffer_free(&text);
    return outcome;
}

static enum outcome write_out(const struct options *o, bool made, struct buffer *out, char *error) {
    enum outcome outcome = OUTCOME_OK;
    if (!made || !file_write(o->output, buffer_view(out), &error)) {
        outcome = cli_refuse(error);
    }
    buffer_free(out);
    return outcome;
}

static enum outcome write_vector(const struct options *o, const struct vector *v) {
    struct buffer out = {0};
    char *error = NULL;
    const bool made = export_vector(v, o->form, &out, &error);
    return write_out(o, made, &out, error);
}

static enum outcome write_sequence(const struct options *o, const struct sequence *q) {
    struct sequence_capture capture;
    struct buffer out = {0};
    char *error = NULL;
    bool made = false;
    if (o->form == EXPORT_JSON) {
        char *text = json_dumps(q->json, JSON_INDENT(2));
        buffer_printf(&out, "%s\n", text);
        free(text);
        made = true;
    } else if (o->form != EXPORT_PCAP) {
        error = util_format("%s is a sequence: its forms are pcap and json", q->id);
    } else if (sequence_make(q, &capture, &error)) {
        buffer_append(&out, capture.octets.data, capture.octets.size);
        sequence_capture_free(&capture);
        made = true;
    }
    return write_out(o, made, &out, error);
}

// What is no vector may be a sequence.
static enum outcome export_other(const struct options *o, const char *directory,
                                 const struct vector_set *set) {
    struct sequence_set sequences;
    char *error = NULL;
    if (!sequence_set_load(directory, &sequences, &error)) {
        const enum outcome failed = cli_refuse(error);
        return failed;
    }
    const struct sequence *q = sequence_find(&sequences, o->id);
    const enum outcome outcome = q != NULL ? write_sequence(o, q) : unknown(set, &sequences, o->id);
    sequence_set_free(&sequences);
    return outcome;
}

enum outcome cli_export(int argc, char **argv) {
    struct options o;
    struct vector_set set;
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    char *directory = o.vectors != NULL ? util_strdup(o.vectors) : cli_data_path("vectors");
    if (vector_set_load(directory, &set, &error)) {
        const struct vector *v = vector_find(&set, o.id);
        outcome = v != NULL ? write_vector(&o, v) : export_other(&o, directory, &set);
        vector_set_free(&set);
    } else {
        outcome = cli_refuse(error);
    }
    free(directory);
    return outcome;
}
