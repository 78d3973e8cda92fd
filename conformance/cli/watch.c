// SPDX-License-Identifier: Apache-2.0
// cmrp watch: what happens in a cluster, as it happens.
#include "watch/watch.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/target.h"
#include "cmrp/uuid.h"
#include "util/text.h"

enum { FILTER = 1000, REGISTRY, BATCHES, NO_BATCHES, SYNTAX, EPMAP, COUNT, TIMEOUT };

static const char help[] =
    "usage: cmrp watch HOST[:PORT] [OPTION]...\n"
    "\n"
    "Shows the change notifications and registry batches of a cluster [MS-CMRP] as they happen:\n"
    "what changed, the object's name, its state, and of a registry value the old and the new one.\n"
    "Without a port the endpoint mapper of HOST is asked. Ends on Ctrl-C; a connection that is\n"
    "lost is made anew, and what was missed meanwhile is said on standard error.\n"
    "\n"
    "      --filter NAMES     only these, separated by commas: changes (GROUP_STATE, or the whole\n"
    "                         name), object types (GROUP, REGISTRY, NODE …: all their changes),\n"
    "                         patterns (\"*_STATE\"). A whole name of CLUSTER_CHANGE asks for\n"
    "                         notifications of version 1. May be repeated; everything else\n"
    "      --registry KEY     of the registry only KEY and what lies below; a path from the\n"
    "                         root of the cluster's registry, such as 'Groups\\Files'\n"
    "      --batches KEY      batches executed at KEY or below (where --registry says, or the\n"
    "                         root)\n"
    "      --no-batches       no batches\n"
    "      --syntax ndr|ndr64 offer only one transfer syntax\n"
    "      --epmap-port N     the port of the endpoint mapper (135)\n"
    "      --count N          end after N notifications and batches\n"
    "      --timeout S        end after S seconds\n"
    "  -T text|json           output form; text is the default. json: an object a line\n"
    "                         (docs/schema/watch.json)\n"
    "  -h, --help             this text\n"
    "\n"
    "Where a server does not know version 2 notifications, those of version 1 are used.\n"
    "\n"
    "Exit codes: 0 ended by a signal, --count, --timeout, or because nobody reads any more;\n"
    "2 usage; 3 the server could not be reached at all, or refuses; 4 --timeout came before\n"
    "--count.\n"
    "\n"
    "Example: cmrp watch 127.0.0.1:49664 --filter GROUP_STATE,RESOURCE_STATE\n";

static const struct option long_options[] = {
    {"filter", required_argument, NULL, FILTER},
    {"registry", required_argument, NULL, REGISTRY},
    {"batches", required_argument, NULL, BATCHES},
    {"no-batches", no_argument, NULL, NO_BATCHES},
    {"syntax", required_argument, NULL, SYNTAX},
    {"epmap-port", required_argument, NULL, EPMAP},
    {"count", required_argument, NULL, COUNT},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    struct watch_options watch;
    char *host;
    bool filtered; // --filter was given
    bool no_batches;
};

static enum outcome add_filters(struct options *o, const char *text) {
    o->filtered = true;
    do {
        const size_t size = strcspn(text, ",");
        char *word = util_format("%.*s", (int)size, text);
        char *error = NULL;
        const bool known = watch_filter_add(&o->watch.filter, word, &error);
        free(word);
        if (!known) {
            const enum outcome outcome = cli_usage("watch", "--filter: %s", error);
            free(error);
            return outcome;
        }
        text += size + (text[size] == ',');
    } while (*text != '\0');
    return OUTCOME_OK;
}

static enum outcome set_timeout(struct options *o, const char *text) {
    char *end;
    const double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(seconds) || seconds < 0.001 || seconds > 1e9) {
        return cli_usage("watch", "--timeout takes seconds, not \"%.20s\"", text);
    }
    o->watch.milliseconds = (uint64_t)(seconds * 1000);
    return OUTCOME_OK;
}

// Names of keys are sent as UTF-16.
static enum outcome set_key(const char *option, const char *text, const char **key) {
    struct buffer units = {0};
    const bool usable = text_to_utf16(&units, text, strlen(text), CMRP_LITTLE_ENDIAN);
    buffer_free(&units);
    *key = text;
    return usable ? OUTCOME_OK : cli_usage("watch", "%s: the name of the key is not UTF-8", option);
}

static enum outcome take_option(int option, struct options *o) {
    switch (option) {
    case FILTER: return add_filters(o, optarg);
    case REGISTRY: return set_key("--registry", optarg, &o->watch.registry);
    case BATCHES: return set_key("--batches", optarg, &o->watch.batches);
    case NO_BATCHES: o->no_batches = true; return OUTCOME_OK;
    case SYNTAX: return cli_take_syntax("watch", optarg, &o->watch.server.offer);
    case EPMAP: return cli_take_epmap("watch", optarg, &o->watch.server.epmap);
    case COUNT: return cli_take_number("watch", "--count", optarg, 1, INT64_MAX, &o->watch.count);
    case TIMEOUT: return set_timeout(o, optarg);
    case 'T': return cli_take_form("watch", optarg, &o->watch.json);
    default: return cli_usage("watch", "unusable option");
    }
}

// What was not said.
static enum outcome complete(struct options *o) {
    struct watch_options *w = &o->watch;
    const bool asked = w->batches != NULL;
    if (asked && o->no_batches) {
        return cli_usage("watch", "--batches and --no-batches exclude each other");
    }
    if (!o->filtered) {
        watch_filter_all(&w->filter);
    } else if (w->registry != NULL && !watch_filter_registry(&w->filter)) {
        // A key that is named is to be watched, whatever else is.
        char *error = NULL;
        watch_filter_add(&w->filter, "REGISTRY", &error);
    }
    if (!asked && !o->no_batches && watch_filter_registry(&w->filter)) {
        w->batches = w->registry != NULL ? w->registry : "";
    }
    w->registry = w->registry != NULL ? w->registry : "";
    return OUTCOME_OK;
}

static enum outcome read_options(int argc, char **argv, struct options *o, bool *helped) {
    enum outcome outcome = OUTCOME_OK;
    int option;
    while (outcome == OUTCOME_OK &&
           (option = getopt_long(argc, argv, "T:h", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            *helped = true;
            return OUTCOME_OK;
        }
        outcome = take_option(option, o);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if (optind + 1 != argc) {
        return cli_usage("watch", optind == argc ? "a server is missing" : "one server is enough");
    }
    o->watch.target = argv[optind];
    if (!cli_read_target(argv[optind], &o->host, &o->watch.server.port)) {
        return cli_usage("watch", "\"%.80s\" is not HOST or HOST:PORT", argv[optind]);
    }
    o->watch.server.host = o->host;
    return complete(o);
}

enum outcome cli_watch(int argc, char **argv) {
    struct options o = {0};
    bool helped = false;
    o.watch.server.interface = (cmrp_syntax_id){cmrp_uuid_clusapi, 3, 0};
    o.watch.colour = cli_colour() != 0;
    enum outcome outcome = read_options(argc, argv, &o, &helped);
    if (outcome == OUTCOME_OK && !helped) {
        outcome = watch_run(&o.watch);
    }
    free(o.host);
    return outcome;
}
